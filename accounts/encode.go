package accounts

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"reflect"
	"slices"
	"strconv"
	"time"
	"unicode/utf8"

	"github.com/ccr-sdk/ccr"
	"github.com/ccr-sdk/ccr/accounts/internal/member"
)

// The encoder goes by the member table instead of using encoding/json: a
// nightly load has a million rows, and Extra wins over fields. It writes what
// encoding/json (without HTML escaping) writes for the same struct, and null
// for a required member that is empty and may be null; a fuzz test compares
// the two.

// encoder appends JSON and keeps what it saw. The first error sticks.
type encoder struct {
	b     []byte
	limit int  // of bytes, if set: a list that is hopelessly long is not written to its end
	flat  bool // what nested objects and lists hold is not written
	used  usedMembers
	err   error
}

var errTooLong = errors.New("accounts: the batch is too long")

func (e *encoder) fail(err error) {
	if e.err == nil {
		e.err = err
	}
}

// open begins an object; members are written by the methods of the result.
func (e *encoder) open(object *member.Object, extra Extra) objectWriter {
	return objectWriter{e: e, object: object, start: len(e.b), extra: extra}
}

// objectWriter writes the members of one object. Each member is preceded by a
// comma; close turns the first one into the opening brace.
type objectWriter struct {
	e       *encoder
	object  *member.Object
	start   int
	extra   Extra
	seen    []string // only with extra: members of the schema
	written []string // only with extra: names on the wire
}

func (o *objectWriter) close() {
	if o.extra != nil {
		o.rest()
	}
	if len(o.e.b) == o.start {
		o.e.b = append(o.e.b, '{')
	} else {
		o.e.b[o.start] = '{'
	}
	o.e.b = append(o.e.b, '}')
}

// key begins a member, unless Extra has taken its place.
func (o *objectWriter) key(i int) bool {
	m := &o.object.Members[i]
	key := m.Key
	if o.extra != nil {
		name, ok := o.override(m.Name)
		if !ok {
			return false
		}
		key = `,"` + name + `":`
	}
	o.e.used[o.object.ID] |= 1 << i
	o.e.b = append(o.e.b, key...)
	return true
}

// absent notes that a member has no value, so that Extra may still give it one.
func (o *objectWriter) absent(i int) {
	name := o.object.Members[i].Name
	v, ok := o.extra[name]
	if !ok {
		return
	}
	o.seen = append(o.seen, name)
	if _, ok := v.(Rename); !ok { // a field without a value has nothing to rename
		o.value(name, v)
	}
}

// override looks a member up in Extra: it returns the name to write the field
// under, or false if the member is settled.
func (o *objectWriter) override(name string) (string, bool) {
	v, ok := o.extra[name]
	if !ok {
		o.wrote(name)
		return name, true
	}
	o.seen = append(o.seen, name)
	if r, ok := v.(Rename); ok {
		if r.name == "" {
			return "", false
		}
		o.wrote(r.name)
		quoted := appendString(nil, r.name)
		return string(quoted[1 : len(quoted)-1]), true
	}
	o.value(name, v)
	return "", false
}

// wrote refuses an object with two members of one name.
func (o *objectWriter) wrote(name string) {
	if slices.Contains(o.written, name) {
		o.e.fail(fmt.Errorf("accounts: Extra makes two members %q", name))
	}
	o.written = append(o.written, name)
}

// value writes a member of Extra.
func (o *objectWriter) value(name string, v any) {
	o.wrote(name)
	raw, err := plainJSON(v)
	if err != nil {
		o.e.fail(fmt.Errorf("accounts: Extra[%q] cannot be encoded: %w", name, err))
		return
	}
	o.e.b = append(appendString(append(o.e.b, ','), name), ':')
	o.e.b = append(o.e.b, raw...)
}

// rest writes what Extra adds.
func (o *objectWriter) rest() {
	for _, name := range o.extra.names() {
		if slices.Contains(o.seen, name) {
			continue
		}
		if _, ok := o.extra[name].(Rename); ok {
			o.e.fail(fmt.Errorf("accounts: Extra renames %q, which is not a member of %s", name, o.object.Name))
			continue
		}
		o.value(name, o.extra[name])
	}
}

// plainJSON is encoding/json without HTML escaping.
func plainJSON(v any) ([]byte, error) {
	var b bytes.Buffer
	enc := json.NewEncoder(&b)
	enc.SetEscapeHTML(false)
	if err := enc.Encode(v); err != nil {
		return nil, err
	}
	return bytes.TrimRight(b.Bytes(), "\n"), nil
}

// encodeRow encodes what a pointer to a request struct points to.
func encodeRow[T any](e *encoder, p *T) {
	if err := schema().Err; err != nil {
		e.fail(err)
		return
	}
	e.object(schema().Object(reflect.TypeFor[T]()), member.RefTo(p))
}

func (e *encoder) object(object *member.Object, r member.Ref) {
	o := e.open(object, *r.Extra(object))
	for i := range object.Members {
		m := &object.Members[i]
		if !m.Required && r.IsEmpty(m) {
			if o.extra != nil {
				o.absent(i)
			}
		} else if o.key(i) {
			e.value(m, r)
		}
	}
	o.close()
}

func (e *encoder) value(m *member.Member, r member.Ref) {
	switch m.Kind {
	case member.Text, member.Status:
		if s := *r.Text(m); m.Null && s == "" {
			e.b = append(e.b, "null"...)
		} else {
			e.b = appendString(e.b, s)
		}
	case member.Number:
		e.b = r.Number(m).AppendJSON(e.b)
	case member.Integer:
		e.b = strconv.AppendInt(e.b, int64(*r.Integer(m)), 10)
	case member.Date:
		e.b = append(appendDate(append(e.b, '"'), *r.Date(m)), '"')
	case member.DateTime: // as RFC 3339, whatever form the value was read in
		if d := r.DateTime(m); d.Known() {
			e.b = append(d.Time().AppendFormat(append(e.b, '"'), time.RFC3339Nano), '"')
		} else {
			e.b = appendString(e.b, d.String()) // Validate refuses it
		}
	case member.Entity:
		if e.flat {
			e.b = append(e.b, "{}"...)
		} else {
			e.object(m.Elem, r.Entity(m))
		}
	case member.List:
		e.list(m, r)
	}
}

func (e *encoder) list(m *member.Member, r member.Ref) {
	e.b = append(e.b, '[')
	for n := range r.Items(m) {
		if e.flat {
			break
		}
		if n > 0 {
			e.b = append(e.b, ',')
		}
		e.object(m.Elem, r.Item(m, n))
		if e.limit > 0 && len(e.b) > e.limit {
			e.fail(errTooLong)
			break
		}
	}
	e.b = append(e.b, ']')
}

// appendDate writes YYYY-MM-DD. Validation has refused years of five digits.
func appendDate(b []byte, d ccr.Date) []byte {
	b = appendDigits(b, d.Year, 4)
	b = append(b, '-')
	b = appendDigits(b, int(d.Month), 2)
	b = append(b, '-')
	return appendDigits(b, d.Day, 2)
}

func appendDigits(b []byte, n, width int) []byte {
	for div := pow10(width - 1); div > 0; div /= 10 {
		b = append(b, byte('0'+n/div%10))
	}
	return b
}

func pow10(n int) int {
	p := 1
	for range n {
		p *= 10
	}
	return p
}

const hexDigits = "0123456789abcdef"

// appendString writes a JSON string as encoding/json does: short escapes, the
// two line separators escaped, bytes that are not UTF-8 as U+FFFD.
func appendString(b []byte, s string) []byte {
	b = append(b, '"')
	start := 0
	for i := 0; i < len(s); {
		c := s[i]
		if c < utf8.RuneSelf {
			if c >= ' ' && c != '"' && c != '\\' {
				i++
				continue
			}
			b = append(b, s[start:i]...)
			b = appendEscape(b, c)
			i++
			start = i
			continue
		}
		r, size := utf8.DecodeRuneInString(s[i:])
		switch {
		case r == utf8.RuneError && size == 1:
			b = append(append(b, s[start:i]...), `\ufffd`...)
		case r == '\u2028' || r == '\u2029':
			b = append(append(b, s[start:i]...), '\\', 'u', '2', '0', '2', hexDigits[r&15])
		default:
			i += size
			continue
		}
		i += size
		start = i
	}
	return append(append(b, s[start:]...), '"')
}

// appendEscape writes a character of ASCII that JSON does not take as it is.
func appendEscape(b []byte, c byte) []byte {
	switch c {
	case '"', '\\':
		return append(b, '\\', c)
	case '\b':
		return append(b, '\\', 'b')
	case '\f':
		return append(b, '\\', 'f')
	case '\n':
		return append(b, '\\', 'n')
	case '\r':
		return append(b, '\\', 'r')
	case '\t':
		return append(b, '\\', 't')
	}
	return append(b, '\\', 'u', '0', '0', hexDigits[c>>4], hexDigits[c&15])
}
