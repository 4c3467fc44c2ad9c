package transport

import (
	"bytes"
	"cmp"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/ccr-sdk/ccr"
)

// readProblem reads an error body in any of the shapes the vendors use or may
// use: RFC 9457 problems (with the errors map of ASP.NET validation), Nest's
// and Algoan's {code, message, status}, OAuth's {error, error_description}.
// Anything else (HTML, nothing, truncated JSON) gives no problem; the raw body
// stays with the error either way.
func readProblem(body []byte) (*ccr.Problem, string, []ccr.FieldError) {
	body = bytes.TrimSpace(bytes.TrimPrefix(body, []byte("\xef\xbb\xbf")))
	if len(body) == 0 || body[0] != '{' {
		return nil, "", nil
	}
	var m map[string]json.RawMessage
	if json.Unmarshal(body, &m) != nil {
		return nil, "", nil
	}
	p := &ccr.Problem{Type: text(m["type"]), Title: text(m["title"]), Detail: text(m["detail"]), Instance: text(m["instance"])}
	for _, name := range []string{"status", "statusCode"} {
		if json.Unmarshal(m[name], &p.Status) == nil && p.Status != 0 {
			break
		}
	}
	if p.Title == "" {
		p.Title = text(m["error"])
	}
	if p.Detail == "" {
		p.Detail = text(m["error_description"])
	}
	if p.Detail == "" {
		p.Detail = text(m["message"])
	}
	code := cmp.Or(safeCode(m["code"]), safeCode(m["error"]))
	var nested map[string]json.RawMessage // {"error": {"code": …, "message": …}}
	if json.Unmarshal(m["error"], &nested) == nil {
		code = cmp.Or(code, safeCode(nested["code"]))
		p.Detail = cmp.Or(p.Detail, text(nested["message"]))
	}
	for name, v := range m {
		switch name {
		case "type", "title", "status", "detail", "instance":
		default:
			if p.Extensions == nil {
				p.Extensions = map[string]json.RawMessage{}
			}
			p.Extensions[name] = v
		}
	}
	return p, code, fieldErrors(m["errors"])
}

// safeCode reads a code, a string or a number, if it looks like one: it is
// printed, and must not be an account number or a telephone's.
func safeCode(raw json.RawMessage) string {
	code := text(raw)
	var number json.Number
	if code == "" && json.Unmarshal(raw, &number) == nil {
		code = number.String()
	}
	if len(code) > 64 || longNumber(code) {
		return ""
	}
	return ccr.SafeToken(code)
}

// longNumber reports whether a text has more digits in a row than an index or
// an error's number has.
func longNumber(s string) bool {
	row := 0
	for _, r := range s {
		if row++; r < '0' || r > '9' {
			row = 0
		}
		if row > 7 {
			return true
		}
	}
	return false
}

// text reads a string, or joins an array of strings as Nest writes them.
func text(raw json.RawMessage) string {
	var s string
	if json.Unmarshal(raw, &s) == nil {
		return s
	}
	var many []string
	if json.Unmarshal(raw, &many) == nil {
		return strings.Join(many, "; ")
	}
	return ""
}

// maxVendorFields bounds what is kept of a vendor's list of faults.
const maxVendorFields = 100

// fieldErrors reads the errors member of a validation problem: a map of path
// to messages (ASP.NET), or an array of objects with a pointer or field name.
// The vendor's messages may quote values, so only the paths are kept here;
// the messages stay in Problem.Extensions.
func fieldErrors(raw json.RawMessage) []ccr.FieldError {
	var out []ccr.FieldError
	add := func(path string) {
		if path = safePath(path); path != "" && len(out) < maxVendorFields {
			out = append(out, ccr.FieldError{Path: path, Message: "refused by the vendor"})
		}
	}
	var byPath map[string]json.RawMessage
	if json.Unmarshal(raw, &byPath) == nil {
		for _, path := range slices.Sorted(maps.Keys(byPath)) {
			add(path)
		}
		return out
	}
	var list []map[string]json.RawMessage
	if json.Unmarshal(raw, &list) == nil {
		for i, item := range list {
			path := ""
			for _, name := range []string{"pointer", "path", "field", "property", "name"} {
				if path = text(item[name]); path != "" {
					break
				}
			}
			if path == "" {
				path = fmt.Sprintf("errors[%d]", i)
			}
			add(path)
		}
	}
	return out
}

// safePath returns a path if it looks like one (accounts[0].status, #/a/0),
// and nothing if it might be a value.
func safePath(s string) string {
	if len(s) > 200 || longNumber(s) {
		return ""
	}
	for _, r := range s {
		switch {
		case 'a' <= r && r <= 'z', 'A' <= r && r <= 'Z', '0' <= r && r <= '9', strings.ContainsRune("_.$#/[]-", r):
		default:
			return ""
		}
	}
	return s
}
