package transport

import (
	"bytes"
	"cmp"
	"encoding/json"
	"maps"
	"reflect"
	"slices"
	"strings"

	"github.com/ccr-sdk/ccr"
	"github.com/ccr-sdk/ccr/internal/safetext"
)

// readProblem reads an error body in any of the shapes the vendors use or may
// use: RFC 9457 problems (with the errors map of ASP.NET validation), Nest's
// and Algoan's {code, message, status}, OAuth's {error, error_description}.
// Anything else (HTML, nothing, truncated JSON) gives no problem; the raw body
// stays with the error either way.
func readProblem(body []byte, members func() map[string]string) (*ccr.Problem, string, []ccr.FieldError) {
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
	return p, code, fieldErrors(m["errors"], members)
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
	return safetext.Token(code)
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
func fieldErrors(raw json.RawMessage, members func() map[string]string) []ccr.FieldError {
	var out []ccr.FieldError
	known := map[string]string(nil)
	if members != nil && len(raw) > 0 {
		known = members()
	}
	add := func(path string) {
		if path = memberPath(path, known); path != "" && len(out) < maxVendorFields {
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
		for _, item := range list {
			path := ""
			for _, name := range []string{"pointer", "path", "field", "property", "name"} {
				if path = text(item[name]); path != "" {
					break
				}
			}
			add(path)
		}
	}
	return out
}

// memberPath writes a vendor's path (accounts[0].status, $.Accounts[0].Status,
// /accounts/0/status) as the documentation does. A part that is no member of
// the service's requests may be a value, and is left out as "?"; so is the
// whole path if no part is a member.
func memberPath(path string, members map[string]string) string {
	if len(path) > 200 {
		return ""
	}
	var b strings.Builder
	found := false
	for part := range strings.FieldsFuncSeq(path, func(r rune) bool { return strings.ContainsRune("$#./[]'\"", r) }) {
		name, ok := members[FoldName(part)]
		switch {
		case ok:
			found = true
		case len(part) <= 5 && strings.Trim(part, "0123456789") == "":
			b.WriteString("[" + part + "]")
			continue
		default:
			name = "?"
		}
		if b.Len() > 0 {
			b.WriteByte('.')
		}
		b.WriteString(name)
	}
	if !found {
		return ""
	}
	return b.String()
}

// FoldName folds what servers of another house style write differently:
// dueDate, DueDate and due_date are one.
func FoldName(s string) string {
	return strings.ToLower(strings.NewReplacer("_", "", "-", "", " ", "").Replace(s))
}

// MembersOf gathers the members of types, and of what they hold, by their
// folded names.
func MembersOf(types ...reflect.Type) map[string]string {
	out, seen := map[string]string{}, map[reflect.Type]bool{}
	var visit func(t reflect.Type)
	visit = func(t reflect.Type) {
		for t.Kind() == reflect.Pointer || t.Kind() == reflect.Slice || t.Kind() == reflect.Map {
			t = t.Elem()
		}
		if t.Kind() != reflect.Struct || seen[t] {
			return
		}
		seen[t] = true
		for f := range t.Fields() {
			if name, _, _ := strings.Cut(f.Tag.Get("json"), ","); name != "" && name != "-" {
				out[FoldName(name)] = name
			}
			visit(f.Type)
		}
	}
	for _, t := range types {
		visit(t)
	}
	return out
}

// safePath returns a path of ours if it looks like one, and nothing if it might
// be a value.
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
