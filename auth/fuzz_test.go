package auth

import (
	"strings"
	"testing"
	"time"
)

// FuzzTokenResponse: whatever a token endpoint answers, a token is usable or
// there is none; no lifetime is negative or longer than the longest; and no
// error quotes the answer.
func FuzzTokenResponse(f *testing.F) {
	for _, seed := range []string{
		``, `{}`, `null`, `[]`, `{"access_token":"a","token_type":"Bearer"}`, `{"access_token":"a","token_type":"bearer","expires_in":86400,"refresh_token":"r","refresh_expires_in":864000}`,
		`{"access_token":"a","expires_in":"3600"}`, `{"access_token":"a","expires_in":1e309}`, `{"access_token":"a","expires_in":-1}`, `{"access_token":"a","expires_in":"NaN"}`,
		`{"access_token":"a","expires_in":"Inf"}`, `{"access_token":"a","expires_in":9223372036854775808}`, `{"access_token":"a","expires_in":[1]}`, `{"access_token":"a\n"}`, `{"access_token":7}`,
		`{"access_token":"eyJhbGciOiJub25lIn0.eyJleHAiOjE3NjM3MTIwMDAsImlhdCI6MTc2MzcwODQwMH0.","token_type":"BEARER"}`,
		`{"access_token":"eyJhbGciOiJub25lIn0.eyJleHAiOjFlMzA5fQ."}`, `{"access_token":"eyJhbGciOiJub25lIn0.eyJleHAiOi05MjIzMzcyMDM2ODU0Nzc1ODA4fQ."}`,
		`{"ACCESS_TOKEN":"a"}`, `{"access_token":"a","access_token":"b"}`, `{"access_token":"trunc`, `<html>`, "\xff",
	} {
		f.Add([]byte(seed))
	}
	asked := time.Date(2026, 11, 21, 12, 0, 0, 0, time.UTC)
	f.Fuzz(func(t *testing.T, body []byte) {
		token, err := parseToken(body, asked)
		if err != nil {
			if !token.Access.IsZero() || !token.Refresh.IsZero() {
				t.Fatal("a token and an error")
			}
			for _, r := range err.Error() {
				if r < ' ' || r > '~' {
					t.Fatalf("%q in %q", r, err)
				}
			}
			if len(err.Error()) > 300 {
				t.Fatalf("long: %q", err)
			}
			return
		}
		header, err := headerOf(token)
		if err != nil || !strings.HasPrefix(header, "Bearer ") || strings.ContainsAny(header[7:], " \r\n\t\x00") {
			t.Fatalf("%q, %v", header, err)
		}
		for name, at := range map[string]time.Time{"Expiry": token.Expiry, "RefreshExpiry": token.RefreshExpiry} {
			if !at.IsZero() && (at.Before(asked) || at.Sub(asked) > maxLifetime) {
				t.Fatalf("%s %v", name, at)
			}
		}
		if token.Expiry.IsZero() {
			t.Fatal("no expiry")
		}
		if advisory, mandatory := windows(token, asked); advisory.After(mandatory) || mandatory.After(token.Expiry) || advisory.Before(asked) {
			t.Fatalf("asked %v, renewed from %v, not used from %v, ends %v", asked, advisory, mandatory, token.Expiry)
		}
	})
}
