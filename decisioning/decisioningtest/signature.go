package decisioningtest

import (
	"bytes"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"strings"
	"unicode/utf16"
)

// sign is the signature of a payload, by Algoan's documentation and not by the
// client's code: of the compact JSON as it stands, as the documentation's
// example and Algoan's npm package sign it, or of the escaped one, as its
// prose says.
func sign(secret string, payload []byte, escaped bool) string {
	if escaped {
		payload = escape(payload)
	}
	mac := hmac.New(sha256.New, []byte(secret))
	mac.Write(payload) //nolint:errcheck // a hash never fails
	return "sha256=" + hex.EncodeToString(mac.Sum(nil))
}

// escape writes a payload as the documentation shows it: \/ for a slash,
// \u003C, \u0025 and \u0040 for <, % and @, and what is not ASCII with
// lower-case digits.
func escape(payload []byte) []byte {
	text := strings.NewReplacer("/", `\/`, "<", `\u003C`, "%", `\u0025`, "@", `\u0040`).Replace(string(payload))
	var b bytes.Buffer
	for _, r := range text {
		if r < 0x80 {
			b.WriteByte(byte(r))
			continue
		}
		for _, u := range utf16.Encode([]rune{r}) {
			fmt.Fprintf(&b, `\u%04x`, u)
		}
	}
	return b.Bytes()
}

// compact is JSON.stringify: no white space, no HTML escapes.
func compact(v any) ([]byte, error) {
	var b bytes.Buffer
	enc := json.NewEncoder(&b)
	enc.SetEscapeHTML(false)
	err := enc.Encode(v)
	return bytes.TrimSpace(b.Bytes()), err
}
