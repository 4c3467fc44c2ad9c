package accountstest

import (
	"bytes"
	"crypto/rand"
	"encoding/json"
	"fmt"
	"net/http"
	"unicode/utf16"
)

func newSecret() string { return rand.Text() }

// problem answers as ASP.NET does: an RFC 9457 document with a trace id and,
// for validation, a map of path to messages.
func problem(w http.ResponseWriter, status int, title string, faults map[string][]string) {
	doc := map[string]any{
		"type": "https://tools.ietf.org/html/rfc9110#section-15.5", "title": title, "status": status,
		"traceId": "00-" + rand.Text() + "-00",
	}
	if len(faults) > 0 {
		doc["errors"] = faults
	}
	w.Header().Set("Content-Type", "application/problem+json; charset=utf-8")
	w.WriteHeader(status)
	w.Write(dotnetJSON(doc)) //nolint:errcheck // the client may have gone
}

// dotnetJSON writes JSON as System.Text.Json does by default: everything
// outside ASCII, and what HTML might mind, as \u escapes.
func dotnetJSON(v any) []byte {
	raw, err := json.Marshal(v)
	if err != nil {
		raw = []byte(`{}`) // only values of our own making come here
	}
	if bytes.IndexFunc(raw, func(r rune) bool { return r > 0x7e }) < 0 {
		return raw
	}
	var out bytes.Buffer
	for _, r := range string(raw) {
		if r <= 0x7e {
			out.WriteRune(r)
			continue
		}
		for _, unit := range utf16.Encode([]rune{r}) {
			fmt.Fprintf(&out, `\u%04X`, unit)
		}
	}
	return out.Bytes()
}
