package wire

import (
	"bytes"
	"encoding/json"
	"errors"
	"maps"
	"math"
	"reflect"
	"slices"
	"strconv"
	"unicode/utf8"

	"github.com/ccr-sdk/ccr"
)

// Marshal writes an object, a slice of objects or a pointer to either. Members
// come in the order of the fields, then those of Extra by name. Secrets are
// written as "[redacted]".
func Marshal(v any) ([]byte, error) { return marshal(v, encoder{}) }

// MarshalRequest writes what is sent to the vendor, secrets included.
func MarshalRequest(v any) ([]byte, error) { return marshal(v, encoder{reveal: true}) }

type encoder struct{ reveal bool }

func marshal(v any, e encoder) ([]byte, error) {
	r := reflect.ValueOf(v)
	for r.Kind() == reflect.Pointer {
		if r.IsNil() {
			return []byte("null"), nil
		}
		r = r.Elem()
	}
	return e.value(nil, r, nodeOf(r.Type()))
}

func (e encoder) value(b []byte, v reflect.Value, n *node) ([]byte, error) {
	switch n.kind {
	case kindString:
		return appendString(b, v.String()), nil
	case kindBool:
		return strconv.AppendBool(b, v.Bool()), nil
	case kindInt:
		return strconv.AppendInt(b, v.Int(), 10), nil
	case kindFloat:
		if f := v.Float(); math.IsNaN(f) || math.IsInf(f, 0) {
			return nil, errors.New("not a number that JSON can hold")
		}
		return appendFloat(b, v.Float()), nil
	case kindAmount:
		return pointer[ccr.Amount](v).AppendJSON(b), nil
	case kindDateTime:
		return appendString(b, pointer[ccr.DateTime](v).String()), nil
	case kindSecret:
		secret, _ := v.Interface().(ccr.Secret)
		if !e.reveal {
			return appendString(b, secret.String()), nil
		}
		text, err := secret.Reveal()
		return appendString(b, text), err
	case kindRaw:
		if v.IsNil() {
			return append(b, "null"...), nil
		}
		return appendRaw(b, v.Bytes())
	case kindObject:
		return e.object(b, v, n.obj)
	case kindPointer:
		if v.IsNil() {
			return append(b, "null"...), nil
		}
		return e.value(b, v.Elem(), n.elem)
	case kindSlice:
		return e.slice(b, v, n.elem)
	}
	return appendAny(b, v.Interface())
}

// pointer returns v's value without copying it to the heap where it can.
func pointer[T any](v reflect.Value) *T {
	if !v.CanAddr() {
		c := reflect.New(v.Type())
		c.Elem().Set(v)
		v = c.Elem()
	}
	p, _ := v.Addr().Interface().(*T)
	return p
}

func (e encoder) slice(b []byte, v reflect.Value, elem *node) ([]byte, error) {
	b = append(b, '[')
	for i := range v.Len() {
		if i > 0 {
			b = append(b, ',')
		}
		var err error
		if b, err = e.value(b, v.Index(i), elem); err != nil {
			return nil, under("["+strconv.Itoa(i)+"]", asError(err))
		}
	}
	return append(b, ']'), nil
}

func (e encoder) object(b []byte, v reflect.Value, o *object) ([]byte, error) {
	extra := *pointer[map[string]any](v.Field(o.extra))
	b = append(b, '{')
	first := len(b)
	var err error
	for i := range o.fields {
		f := &o.fields[i]
		fv := v.Field(f.index)
		mark := len(b)
		if len(b) > first {
			b = append(b, ',')
		}
		b = append(b, f.quote...)
		var given any
		ok := false
		if extra != nil {
			if given, ok = extra[f.name]; ok {
				if w, written := given.(AsWritten); written {
					ok = unchanged(w, fv, f.node)
				}
			}
		}
		switch {
		case ok:
			b, err = appendAny(b, given)
		case fv.IsZero():
			b = b[:mark]
		default:
			b, err = e.value(b, fv, f.node)
		}
		if err != nil {
			return nil, under(f.name, asError(err))
		}
	}
	for _, name := range names(extra) {
		if o.has(name) {
			continue
		}
		if len(b) > first {
			b = append(b, ',')
		}
		b = append(appendString(b, name), ':')
		if b, err = appendAny(b, extra[name]); err != nil {
			return nil, under(safeName([]byte(name)), asError(err))
		}
	}
	return append(b, '}'), nil
}

// names returns the keys of Extra in order.
func names(extra map[string]any) []string {
	if len(extra) == 0 {
		return nil
	}
	return slices.Sorted(maps.Keys(extra))
}

// unchanged reports whether a field is as reading w left it.
func unchanged(w AsWritten, v reflect.Value, n *node) bool {
	d := &decoder{scanner: scanner{b: w}}
	read := reflect.New(n.typ).Elem()
	how, err := d.value(read, n)
	if err != nil || d.end() != nil {
		return false
	}
	if how == misfit {
		read.SetZero()
	}
	return reflect.DeepEqual(read.Interface(), v.Interface())
}

// appendAny writes a member of Extra.
func appendAny(b []byte, v any) ([]byte, error) {
	switch v := v.(type) {
	case nil:
		return append(b, "null"...), nil
	case json.RawMessage:
		return appendRaw(b, v)
	case AsWritten:
		return appendRaw(b, v)
	case ccr.Secret:
		return nil, errors.New("a secret is not sent from Extra")
	}
	var buf bytes.Buffer
	enc := json.NewEncoder(&buf)
	enc.SetEscapeHTML(false)
	if err := enc.Encode(v); err != nil {
		return nil, errors.New("cannot be written as JSON") // the cause may quote the value
	}
	return append(b, bytes.TrimRight(buf.Bytes(), "\n")...), nil
}

func appendRaw(b, raw []byte) ([]byte, error) {
	s := &scanner{b: raw}
	if err := s.skip(s.space()); err != nil || s.end() != nil {
		return nil, errors.New("is not valid JSON")
	}
	return append(b, raw...), nil
}

func asError(err error) error {
	if e, ok := errors.AsType[*Error](err); ok {
		return e
	}
	return &Error{What: err.Error()}
}

// appendFloat writes the shortest text that reads as f again.
func appendFloat(b []byte, f float64) []byte {
	if abs := math.Abs(f); abs != 0 && (abs < 1e-6 || abs >= 1e21) {
		return strconv.AppendFloat(b, f, 'e', -1, 64)
	}
	return strconv.AppendFloat(b, f, 'f', -1, 64)
}

const hexDigits = "0123456789abcdef"

// appendString quotes s; bytes that are not UTF-8 become U+FFFD.
func appendString(b []byte, s string) []byte {
	b = append(b, '"')
	start := 0
	for i := 0; i < len(s); {
		c := s[i]
		if c >= utf8.RuneSelf {
			r, size := utf8.DecodeRuneInString(s[i:])
			if r == utf8.RuneError && size == 1 {
				b = append(append(b, s[start:i]...), "\ufffd"...)
				start = i + 1
			}
			i += size
			continue
		}
		if c >= ' ' && c != '"' && c != '\\' {
			i++
			continue
		}
		b = append(b, s[start:i]...)
		switch c {
		case '"', '\\':
			b = append(b, '\\', c)
		case '\n':
			b = append(b, '\\', 'n')
		case '\r':
			b = append(b, '\\', 'r')
		case '\t':
			b = append(b, '\\', 't')
		default:
			b = append(b, '\\', 'u', '0', '0', hexDigits[c>>4], hexDigits[c&15])
		}
		i++
		start = i
	}
	return append(append(b, s[start:]...), '"')
}
