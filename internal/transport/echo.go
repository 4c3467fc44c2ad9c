package transport

import (
	"bytes"
	"encoding/json"
	"fmt"
	"net/url"
	"slices"
	"strings"
)

const (
	shortestEcho = 4         // fewer characters say nothing
	searchedBody = 256 << 10 // of the request, for its single values
)

// shown returns what a vendor put into an id or a code, or nothing if it
// repeats something of the request: the credential, a part of the URL, a value
// of the body. Ids and codes are printed; such a vendor would fill logs with
// tokens and names.
func (k *call) shown(s string) string {
	if s == "" || k.echoes(s) {
		return ""
	}
	return s
}

func (k *call) echoes(s string) bool {
	low := strings.ToLower(s)
	holds := func(v string) bool {
		return len(v) >= shortestEcho && strings.Contains(low, strings.ToLower(v))
	}
	if k.echoesCredential(low) {
		return true
	}
	for _, values := range k.req.Call.Header {
		if slices.ContainsFunc(values, holds) {
			return true
		}
	}
	if slices.ContainsFunc(k.req.PathArgs, holds) || slices.ContainsFunc(k.req.Secrets, holds) {
		return true
	}
	for _, query := range []string{k.req.Query, k.url.RawQuery} {
		values, _ := url.ParseQuery(query) // what of it can be read
		for _, all := range values {
			for _, v := range all {
				if holds(v) {
					return true
				}
			}
		}
	}
	content := k.req.Body.Content
	if len(s) >= shortestEcho && bytes.Contains(content, []byte(s)) {
		return true
	}
	return echoesValue(content[:min(len(content), searchedBody)], holds)
}

// echoesCredential reports whether a text in lower case holds the credential,
// or is a part of it.
func (k *call) echoesCredential(low string) bool {
	if k.cur == nil || k.cur.auth == nil {
		return false
	}
	secret := strings.ToLower(k.cur.auth())
	if _, after, ok := strings.Cut(secret, " "); ok { // after the scheme
		secret = after
	}
	return strings.Contains(low, secret) || len(low) >= shortestEcho && strings.Contains(secret, low)
}

// echoesValue asks about each text in a body, JSON or a form.
func echoesValue(content []byte, holds func(string) bool) bool {
	if values, err := url.ParseQuery(string(content)); err == nil && len(content) > 0 && content[0] != '{' {
		for _, all := range values {
			for _, v := range all {
				if holds(v) {
					return true
				}
			}
		}
		return false
	}
	d := json.NewDecoder(bytes.NewReader(content))
	d.UseNumber()
	for {
		t, err := d.Token()
		if err != nil {
			return false // the end, or what is no JSON
		}
		text := fmt.Sprint(t)
		if _, ok := t.(json.Delim); ok || !holds(text) {
			continue
		}
		if rest := bytes.TrimSpace(content[d.InputOffset():]); len(rest) == 0 || rest[0] != ':' { // a value, not a member's name
			return true
		}
	}
}
