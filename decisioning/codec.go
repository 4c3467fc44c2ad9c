package decisioning

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"reflect"
	"strconv"
	"strings"

	jsonv2 "github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"

	"github.com/ccr-sdk/ccr"
)

//go:generate go run ../internal/tools/jsonmethods

const (
	maxMends = 32 // members of an unexpected type, those of all elements of an array counted once
)

var (
	errShape      = errors.New("the document is of another type than expected")
	errNotAmount  = errors.New("not an amount")
	errUnexpected = errors.New("too many members are of an unexpected type")
)

// codecError is a document that could not be read or written. It never quotes
// what it found: the engine's own errors do.
type codecError struct {
	path string // "accounts[3].balance"; empty at the top
	what string
}

func (e *codecError) Error() string {
	if e.path == "" {
		return e.what
	}
	return e.path + ": " + e.what
}

// decode reads a document into what into points to, and replaces what was
// there; null changes nothing.
func decode(data []byte, into any) error {
	_, err := decodeLenient(data, into)
	return err
}

// decodeLenient also returns the paths of the members that were left unset
// because their type was not the expected one. An amount that is none fails
// the document.
//
// Where a number or a boolean stands for a text, its digits are the text;
// where a text stands for a number, it is read as one. A name that occurs
// twice in an object is an error: which of the two counts is not defined, and
// a reader that takes one may follow a check that took the other. Invalid
// UTF-8, such as half of a surrogate pair where a text was cut off, becomes
// U+FFFD: one label does not cost a whole analysis.
func decodeLenient(data []byte, into any) (unexpected []string, err error) {
	if string(bytes.TrimSpace(data)) == "null" {
		return nil, nil
	}
	v := reflect.ValueOf(into).Elem()
	opts := readOptions()
	for range maxMends {
		v.SetZero()
		err := jsonv2.Unmarshal(data, into, opts)
		if err == nil {
			return unexpected, nil
		}
		e, ok := errors.AsType[*jsonv2.SemanticError](err)
		if !ok || e.JSONPointer == "" || e.GoType == nil || e.GoType == reflect.TypeFor[ccr.Amount]() {
			v.SetZero()
			return nil, readError(err)
		}
		m := &mender{to: e.GoType, opts: opts}
		if data, err = m.mend(data, e.JSONPointer); err != nil {
			v.SetZero()
			return nil, readError(err)
		}
		unexpected = append(unexpected, m.blanked...)
	}
	v.SetZero()
	return nil, &codecError{what: errUnexpected.Error()}
}

func readOptions() jsonv2.Options {
	return jsonv2.JoinOptions(
		jsontext.AllowInvalidUTF8(true),
		jsonv2.WithUnmarshalers(
			// DateTime's own method gives each text to encoding/json, which
			// would take half of the time of a page of transactions.
			jsonv2.UnmarshalFromFunc(func(d *jsontext.Decoder, v *ccr.DateTime) error {
				if d.PeekKind() != jsontext.KindString {
					return errors.ErrUnsupported // which calls it
				}
				raw, err := d.ReadValue()
				if err != nil {
					return err
				}
				var buf [64]byte
				text, err := jsontext.AppendUnquote(buf[:0], raw)
				if err != nil {
					return err
				}
				return v.UnmarshalText(text)
			}),
		),
	)
}

// readError takes the vendor's bytes out of an error of the engine.
func readError(err error) error {
	if e, ok := errors.AsType[*jsonv2.SemanticError](err); ok {
		switch {
		case e.GoType == reflect.TypeFor[ccr.Amount]():
			return &codecError{pathOf(e.JSONPointer), errNotAmount.Error()}
		default:
			return &codecError{pathOf(e.JSONPointer), errShape.Error()}
		}
	}
	if e, ok := errors.AsType[*jsontext.SyntacticError](err); ok {
		what := "the document is not JSON"
		if errors.Is(err, jsontext.ErrDuplicateName) {
			what = "a name occurs twice in an object"
		}
		// No path: it may lead through names that are data.
		return &codecError{what: what + ", at byte " + strconv.FormatInt(e.ByteOffset, 10)}
	}
	return &codecError{what: "the document cannot be read"}
}

// pathOf writes a pointer to a member that has a field as in other errors of
// the module: accounts[3].balance.
func pathOf(p jsontext.Pointer) string {
	var b strings.Builder
	for step := range p.Tokens() {
		writeStep(&b, step)
	}
	return b.String()
}

func writeStep(b *strings.Builder, step string) {
	if _, err := strconv.Atoi(step); err == nil {
		b.WriteString("[" + step + "]")
		return
	}
	if b.Len() > 0 {
		b.WriteByte('.')
	}
	b.WriteString(step)
}

// mender rewrites values that do not fit their field's type, those at the
// same place in all elements of an array in one pass.
type mender struct {
	to      reflect.Type // of the field
	opts    jsonv2.Options
	d       *jsontext.Decoder
	e       *jsontext.Encoder
	blanked []string
}

func (m *mender) mend(data []byte, at jsontext.Pointer) ([]byte, error) {
	var out bytes.Buffer
	raw := jsonv2.JoinOptions(jsontext.AllowInvalidUTF8(true), jsontext.PreserveRawStrings(true))
	m.d, m.e = jsontext.NewDecoder(bytes.NewReader(data), raw), jsontext.NewEncoder(&out, raw)
	var steps []string
	for step := range at.Tokens() {
		steps = append(steps, step)
	}
	err := m.walk(steps, "")
	if err == nil {
		// What follows the document was not reached when it was read.
		if _, more := m.d.ReadToken(); !errors.Is(more, io.EOF) {
			err = &jsontext.SyntacticError{ByteOffset: m.d.InputOffset()}
		}
	}
	return out.Bytes(), err
}

func (m *mender) walk(steps []string, path string) error {
	kind := m.d.PeekKind()
	if len(steps) == 0 || kind != jsontext.KindBeginObject && kind != jsontext.KindBeginArray {
		return m.value(len(steps) == 0, path)
	}
	if err := m.token(); err != nil {
		return err
	}
	for i := 0; m.d.PeekKind() != jsontext.KindEndObject && m.d.PeekKind() != jsontext.KindEndArray; i++ {
		if kind == jsontext.KindBeginArray {
			if err := m.walk(steps[1:], path+"["+strconv.Itoa(i)+"]"); err != nil {
				return err
			}
			continue
		}
		name, err := m.d.ReadToken()
		if err != nil {
			return err
		}
		found := name.String() == steps[0]
		if err := m.e.WriteToken(name); err != nil {
			return err
		}
		if found {
			err = m.walk(steps[1:], strings.TrimPrefix(path+"."+steps[0], "."))
		} else {
			err = m.value(false, "")
		}
		if err != nil {
			return err
		}
	}
	return m.token()
}

func (m *mender) token() error {
	t, err := m.d.ReadToken()
	if err != nil {
		return err
	}
	return m.e.WriteToken(t)
}

// value copies a value, or what can be read in its place.
func (m *mender) value(here bool, path string) error {
	v, err := m.d.ReadValue()
	if err != nil {
		return err
	}
	if here && !m.fits(v) {
		if v = m.converted(v); v == nil {
			v, m.blanked = jsontext.Value("null"), append(m.blanked, path)
		}
	}
	return m.e.WriteValue(v)
}

func (m *mender) fits(v jsontext.Value) bool {
	switch k := m.to.Kind(); {
	case v.Kind() == jsontext.KindNull:
		return true
	case k == reflect.Struct && v.Kind() == jsontext.KindBeginObject, k == reflect.Slice && v.Kind() == jsontext.KindBeginArray:
		return true // what is inside has paths of its own
	default:
		return jsonv2.Unmarshal(v, reflect.New(m.to).Interface(), m.opts) == nil
	}
}

// converted returns the digits of a number as a text, and the other way round;
// nil where neither is meant.
func (m *mender) converted(v jsontext.Value) jsontext.Value {
	switch v.Kind() {
	case jsontext.KindNumber, jsontext.KindTrue, jsontext.KindFalse:
		if m.to.Kind() == reflect.String {
			return jsontext.Value(`"` + string(v) + `"`)
		}
	case jsontext.KindString:
		if inner := v[1 : len(v)-1]; m.to.Kind() != reflect.String && m.to.Kind() != reflect.Bool && inner.IsValid() && m.fits(inner) {
			return inner
		}
	}
	return nil
}

// encode writes an object, a slice of objects or a pointer to either. Members
// come in the order of the fields, then those of Extra by name. Secrets are
// written as "[redacted]".
func encode(v any) ([]byte, error) { return encodeWith(v, nil) }

// encodeRequest writes what is sent to the vendor, secrets included.
func encodeRequest(v any) ([]byte, error) {
	return encodeWith(v, jsonv2.MarshalToFunc(func(e *jsontext.Encoder, s ccr.Secret) error {
		text, err := s.Reveal()
		if err != nil {
			return err
		}
		return e.WriteToken(jsontext.String(text))
	}))
}

func encodeWith(v any, secrets *jsonv2.Marshalers) ([]byte, error) {
	b, err := jsonv2.Marshal(v, jsontext.AllowInvalidUTF8(true), jsonv2.Deterministic(true), jsonv2.WithMarshalers(secrets))
	if err != nil {
		return nil, writeError(err)
	}
	return b, nil
}

// encodeObject writes an object of one of the package's types: fields is a
// pointer to it as a type without methods. A field that Extra has a member for
// is left out: Extra wins.
func encodeObject(e *jsontext.Encoder, fields any, extra map[string]jsontext.Value) error {
	if len(extra) > 0 {
		r := reflect.ValueOf(fields).Elem()
		var out reflect.Value // a copy, once one is needed
		for i := range r.NumField() {
			name, _, _ := strings.Cut(r.Type().Field(i).Tag.Get("json"), ",")
			if _, given := extra[name]; !given || name == "" || name == "-" || r.Field(i).IsZero() {
				continue // the last names are tags of Extra and of what is no member
			}
			if !out.IsValid() {
				out = reflect.New(r.Type()).Elem()
				out.Set(r)
				fields = out.Addr().Interface()
			}
			out.Field(i).SetZero() // each field is omitzero
		}
	}
	return jsonv2.MarshalEncode(e, fields, jsonv2.Deterministic(true))
}

// writeError keeps what the engine quotes out of an error.
func writeError(err error) error {
	e := &codecError{what: "cannot be written as JSON"}
	if s, ok := errors.AsType[*jsonv2.SemanticError](err); ok {
		e.path = pathOf(s.JSONPointer)
	}
	return e
}

// compactJSON writes any value without white space and HTML escapes.
func compactJSON(v any) ([]byte, error) {
	var b bytes.Buffer
	enc := json.NewEncoder(&b)
	enc.SetEscapeHTML(false)
	err := enc.Encode(v)
	return bytes.TrimSpace(b.Bytes()), err
}
