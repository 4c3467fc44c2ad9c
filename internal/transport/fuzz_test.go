package transport

import (
	"encoding/json"
	"net/http"
	"strings"
	"testing"
	"time"
	"unicode"

	"github.com/ccr-sdk/ccr"
)

// FuzzRetryAfter: whatever a server sends, the wait is neither negative nor
// made up, and the policy's cap holds.
func FuzzRetryAfter(f *testing.F) {
	for _, seed := range []string{
		"", "0", "120", "9999999999", "99999999999999999999", "-1", "+1", " 7 ", "1e9", "0x10", "７", "1.5",
		"Wed, 21 Oct 2026 07:28:00 GMT", "Wednesday, 21-Oct-26 07:28:00 GMT", "Fri, 31 Dec 9999 23:59:59 GMT", "Mon, 01 Jan 0001 00:00:00 GMT",
	} {
		f.Add(seed, "")
		f.Add(seed, "Wed, 21 Oct 2026 07:27:00 GMT")
	}
	now := time.Date(2026, 10, 21, 7, 0, 0, 0, time.UTC)
	f.Fuzz(func(t *testing.T, value, date string) {
		wait, ok := retryAfter(http.Header{"Retry-After": {value}, "Date": {date}}, now)
		if wait < 0 {
			t.Fatalf("%q, %q: negative: %v", value, date, wait)
		}
		if !ok && wait != 0 {
			t.Fatalf("%q: %v without a header that can be read", value, wait)
		}
		if digits := strings.TrimSpace(value); ok && wait == 0 && strings.Trim(digits, "0123456789") == "" && strings.Trim(digits, "0") != "" {
			t.Fatalf("%q: no wait at all", value)
		}
	})
}

// FuzzProblem: whatever a server sends, the line of the error holds none of
// its texts, and what it does hold looks like a code or a path.
func FuzzProblem(f *testing.F) {
	for _, seed := range []string{
		``, `{}`, `[]`, `null`, `"x"`, `{"title":"t","status":400,"detail":"d","errors":{"a[0].b":["m"]}}`,
		`{"code":"ALREADY_EXISTS","message":"m","status":422}`, `{"statusCode":400,"message":["a","b"],"error":"Bad Request"}`,
		`{"error":"invalid_client","error_description":"d"}`, `{"error":{"code":7,"message":"m"}}`,
		`{"errors":[{"pointer":"#/a/0"},{"field":5},{}]}`, `{"errors":[[[]]]}`, `{"code":{"a":1},"errors":null}`, `{"code":1e400}`,
		`<html>`, `{"title":"trunc`, "\xef\xbb\xbf{}", "\xff\xfe", strings.Repeat(`{"errors":`, 200), `{"code":"a\nb","errors":{"a\nb":1}}`,
	} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, body []byte) {
		p, code, fields := readProblem(body, nil)
		if len(fields) > maxVendorFields {
			t.Fatalf("%d fields", len(fields))
		}
		if p == nil && (code != "" || fields != nil) {
			t.Fatalf("something of nothing: %q %v", code, fields)
		}
		if p != nil {
			for name, raw := range p.Extensions {
				if !json.Valid(raw) {
					t.Fatalf("extension %q is not JSON", name)
				}
			}
		}
		e := &ccr.Error{Service: "s", Operation: "o", Code: code, Fields: fields}
		e.SetAnswer(p, body)
		line := e.Error()
		for _, r := range line {
			if r < ' ' || r > '~' || unicode.IsControl(r) {
				t.Fatalf("%q in %q", r, line)
			}
		}
		for _, s := range append([]string{code}, paths(fields)...) {
			if longNumber(s) || strings.ContainsAny(s, " @,;'\"<>&=%+") || len(s) > 200 {
				t.Fatalf("%q is neither a code nor a path", s)
			}
		}
	})
}

func paths(fields []ccr.FieldError) []string {
	var out []string
	for _, f := range fields {
		out = append(out, f.Path)
	}
	return out
}
