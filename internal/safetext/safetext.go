// Package safetext makes printable what a server or a vendor wrote.
package safetext

import (
	"fmt"
	"slices"
	"strings"
)

// Token returns s if it looks like an identifier that a machine made
// (letters, digits and _ . : / -, 128 characters at most), and "" otherwise:
// what a server puts into a code or an id is only printed if it is one.
func Token(s string) string {
	if len(s) > 128 {
		return ""
	}
	for _, r := range s {
		switch {
		case 'a' <= r && r <= 'z', 'A' <= r && r <= 'Z', '0' <= r && r <= '9', strings.ContainsRune("_.:/-", r):
		default:
			return ""
		}
	}
	return s
}

// Escape writes a vendor's name reversibly in printable ASCII: '%' and every
// byte outside '!' to '~' become %XX. Any bytes survive; JSON and databases
// cannot change them.
func Escape(name string) string {
	plain := func(c byte) bool { return c >= '!' && c <= '~' && c != '%' }
	if !slices.ContainsFunc([]byte(name), func(c byte) bool { return !plain(c) }) {
		return name
	}
	var b strings.Builder
	for i := range len(name) {
		if plain(name[i]) {
			b.WriteByte(name[i])
		} else {
			fmt.Fprintf(&b, "%%%02X", name[i])
		}
	}
	return b.String()
}

// Unescape is the name that Escape was given.
func Unescape(escaped string) string {
	var out []byte
	for i := 0; i < len(escaped); i++ {
		if hi, lo := 0, 0; escaped[i] == '%' && i+2 < len(escaped) {
			if hi, lo = hexDigit(escaped[i+1]), hexDigit(escaped[i+2]); hi >= 0 && lo >= 0 {
				out = append(out, byte(hi<<4|lo))
				i += 2
				continue
			}
		}
		out = append(out, escaped[i])
	}
	return string(out)
}

func hexDigit(c byte) int { return strings.IndexByte("0123456789ABCDEF", c) }
