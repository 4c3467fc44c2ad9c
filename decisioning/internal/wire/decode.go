package wire

import (
	"bytes"
	"encoding/json"
	"errors"
	"reflect"
	"strconv"

	"github.com/ccr-sdk/ccr"
)

// AsWritten is a member as the vendor wrote it, where the field of that name
// could not have written it back: null, an empty text, a zero, a number in
// quotes, a value of another type. It is written again unless the field has
// been changed since.
type AsWritten []byte

// MarshalJSON returns the member's value as it was written.
func (w AsWritten) MarshalJSON() ([]byte, error) { return w, nil }

// Unmarshal reads a document into what into points to, an object or a slice of
// objects, and replaces what was there; null changes nothing. It returns the
// paths of members whose type was not the expected one.
func Unmarshal(data []byte, into any) (odd []string, err error) {
	v := reflect.ValueOf(into)
	if v.Kind() != reflect.Pointer || v.IsNil() {
		return nil, errors.New("wire: not a pointer")
	}
	d := &decoder{scanner: scanner{b: data}}
	if d.space() != 'n' {
		v.Elem().SetZero() // what was left unknown by another document must not stay
	}
	how, err := d.value(v.Elem(), nodeOf(v.Type().Elem()))
	if err == nil && how == misfit {
		err = &Error{What: "the document is of another type than expected"}
	}
	if err != nil {
		return nil, err
	}
	return d.odd, d.end()
}

// Member returns the raw value of a member of a document that is an object,
// and whether it occurs exactly once.
func Member(data []byte, name string) (raw []byte, count int, err error) {
	s := &scanner{b: data}
	if s.space() != '{' {
		return nil, 0, s.fail("not an object")
	}
	err = s.members(func(n []byte, plain bool) error {
		v, err := s.raw()
		if string(n) == name || !plain && unquote(n) == name {
			raw = v
			count++
		}
		return err
	})
	if err == nil {
		err = s.end()
	}
	return raw, count, err
}

// fit says how well a field holds the value it was given.
type fit uint8

const (
	exact  fit = iota // writing the field gives the value again
	loose             // understood, but written differently
	misfit            // of another type; the field is unset
)

type decoder struct {
	scanner
	odd    []string
	common [internSlots]string
}

// value reads the next value into v.
func (d *decoder) value(v reflect.Value, n *node) (fit, error) {
	c := d.space()
	if c == 'n' && n.kind != kindRaw {
		return loose, d.word("null")
	}
	switch n.kind {
	case kindString:
		return d.text(c, v)
	case kindAmount:
		return d.amount(c, v)
	case kindDateTime:
		return d.dateTime(c, v)
	case kindObject:
		if c != '{' {
			return d.misfit(c)
		}
		return exact, d.object(v, n.obj)
	case kindSlice:
		if c != '[' {
			return d.misfit(c)
		}
		return d.slice(v, n)
	case kindPointer:
		p := reflect.New(n.elem.typ)
		f, err := d.value(p.Elem(), n.elem)
		if f == misfit || err != nil {
			return f, err
		}
		v.Set(p)
		if n.elem.kind == kindBool {
			f = exact // a pointer tells false from absent
		}
		return f, nil
	case kindBool:
		if c != 't' && c != 'f' {
			return d.misfit(c)
		}
		v.SetBool(c == 't')
		if c == 't' {
			return exact, d.word("true")
		}
		return loose, d.word("false")
	case kindInt, kindFloat:
		return d.number(c, v, n.kind)
	case kindRaw:
		raw, err := d.raw()
		v.SetBytes(bytes.Clone(raw))
		return exact, err
	case kindSecret:
		return d.secret(c, v)
	}
	raw, err := d.raw()
	if err != nil {
		return exact, err
	}
	if json.Unmarshal(raw, v.Addr().Interface()) != nil {
		v.SetZero()
		return misfit, nil //nolint:nilerr // of another type, which is reported as such
	}
	return loose, nil
}

func (d *decoder) misfit(c byte) (fit, error) { return misfit, d.skip(c) }

// object reads an object; c, its first byte, is a brace.
func (d *decoder) object(v reflect.Value, o *object) error {
	if err := d.open(); err != nil {
		return err
	}
	if d.space() == '}' {
		d.close()
		return nil
	}
	var extra map[string]any
	for next := 0; ; {
		name, plain, err := d.quoted()
		if err != nil {
			return err
		}
		if !plain {
			name = []byte(unquote(name))
		}
		if d.space() != ':' {
			return d.fail("a colon is missing")
		}
		d.i++
		if at := o.find(name, next); at >= 0 {
			if at < next { // out of order, or a repetition: the last one counts
				v.Field(o.fields[at].index).SetZero()
				delete(extra, o.fields[at].name)
			}
			next = at + 1
			err = d.member(v, &o.fields[at], &extra)
		} else {
			err = d.unknown(name, &extra)
		}
		if err != nil {
			return err
		}
		switch d.space() {
		case ',':
			d.i++
			d.space()
			continue
		case '}':
			d.close()
		default:
			return d.fail("a comma is missing in an object")
		}
		if extra != nil {
			v.Field(o.extra).Set(reflect.ValueOf(extra))
		}
		return nil
	}
}

// member reads the value of a known member.
func (d *decoder) member(v reflect.Value, f *field, extra *map[string]any) error {
	fv := v.Field(f.index)
	d.space()
	start, odd := d.i, len(d.odd)
	how, err := d.value(fv, f.node)
	if err != nil {
		return under(f.name, err)
	}
	for i := odd; i < len(d.odd); i++ {
		d.odd[i] = join(f.name, d.odd[i])
	}
	if how == misfit {
		fv.SetZero()
		d.odd = append(d.odd, f.name)
	}
	if how == exact && !(f.node.kind == kindObject && fv.IsZero()) {
		return nil
	}
	if *extra == nil {
		*extra = make(map[string]any, 1)
	}
	(*extra)[f.name] = AsWritten(bytes.Clone(d.b[start:d.i]))
	return nil
}

// unknown keeps a member that has no field.
func (d *decoder) unknown(name []byte, extra *map[string]any) error {
	raw, err := d.raw()
	if err != nil {
		return under(safeName(name), err)
	}
	if *extra == nil {
		*extra = make(map[string]any, 1)
	}
	(*extra)[d.intern(name)] = json.RawMessage(bytes.Clone(raw))
	return nil
}

// slice reads an array; the next byte is its bracket.
func (d *decoder) slice(v reflect.Value, n *node) (fit, error) {
	worst := exact
	out := reflect.MakeSlice(n.typ, 0, 0)
	v.Set(out)
	err := d.elements(func(i int) error {
		if i == v.Cap() {
			v.Grow(max(4, i))
		}
		v.SetLen(i + 1)
		e := v.Index(i)
		odd := len(d.odd)
		f, err := d.value(e, n.elem)
		if err != nil {
			return under("["+strconv.Itoa(i)+"]", err)
		}
		for j := odd; j < len(d.odd); j++ {
			d.odd[j] = join("["+strconv.Itoa(i)+"]", d.odd[j])
		}
		if f == misfit || f == loose && n.elem.kind == kindObject { // loose: null
			d.odd = append(d.odd, "["+strconv.Itoa(i)+"]")
		}
		// An element has no place of its own for what its type cannot hold.
		if f != exact {
			worst = loose
		}
		return nil
	})
	return worst, err
}

func (d *decoder) text(c byte, v reflect.Value) (fit, error) {
	switch c {
	case '"':
		inner, plain, err := d.quoted()
		switch {
		case err != nil:
			return exact, err
		case len(inner) == 0:
			v.SetString("")
			return loose, nil
		case plain:
			v.SetString(d.intern(inner))
		default:
			v.SetString(unquote(inner))
		}
		return exact, nil
	case '{', '[':
		return d.misfit(c)
	}
	raw, err := d.raw() // a number or a word in place of a text
	if err == nil {
		v.SetString(string(raw))
	}
	return loose, err
}

// secret never leaves a copy of its text in Extra.
func (d *decoder) secret(c byte, v reflect.Value) (fit, error) {
	if c != '"' {
		return d.misfit(c)
	}
	inner, plain, err := d.quoted()
	if err != nil {
		return exact, err
	}
	text := string(inner)
	if !plain {
		text = unquote(inner)
	}
	v.Set(reflect.ValueOf(ccr.NewSecret(text)))
	return exact, nil
}

func (d *decoder) amount(c byte, v reflect.Value) (fit, error) {
	var text []byte
	how := exact
	switch {
	case c == '-' || '0' <= c && c <= '9':
		var err error
		if text, err = d.scanner.number(); err != nil {
			return exact, err
		}
	case c == '"':
		inner, plain, err := d.quoted()
		if err != nil {
			return exact, err
		}
		if !plain {
			inner = []byte(unquote(inner))
		}
		text, how = bytes.TrimSpace(inner), loose
	default:
		return exact, d.fail("not an amount")
	}
	a, _ := v.Addr().Interface().(*ccr.Amount)
	if a.UnmarshalText(text) != nil {
		return exact, d.fail("not an amount")
	}
	if how == exact && a.String() != string(text) {
		how = loose
	}
	return how, nil
}

func (d *decoder) dateTime(c byte, v reflect.Value) (fit, error) {
	t, _ := v.Addr().Interface().(*ccr.DateTime)
	if c != '"' { // kept as text, as ccr.DateTime does with what it does not know
		raw, err := d.raw()
		if err != nil {
			return exact, err
		}
		return loose, t.UnmarshalText(raw)
	}
	inner, plain, err := d.quoted()
	if err != nil {
		return exact, err
	}
	if !plain {
		inner = []byte(unquote(inner))
	}
	if len(inner) == 0 {
		return loose, nil
	}
	return exact, t.UnmarshalText(inner)
}

// number reads an integer or a float, in quotes or not.
func (d *decoder) number(c byte, v reflect.Value, k kind) (fit, error) {
	var text []byte
	how := exact
	switch {
	case c == '-' || '0' <= c && c <= '9':
		var err error
		if text, err = d.scanner.number(); err != nil {
			return exact, err
		}
	case c == '"':
		inner, _, err := d.quoted()
		if err != nil {
			return exact, err
		}
		text, how = inner, loose
	default:
		return d.misfit(c)
	}
	if k == kindInt {
		n, err := strconv.ParseInt(string(text), 10, 64)
		if err != nil || v.OverflowInt(n) {
			return misfit, nil //nolint:nilerr // of another type, which is reported as such
		}
		v.SetInt(n)
		if n == 0 {
			how = loose
		}
		return how, nil
	}
	f, err := strconv.ParseFloat(string(text), 64)
	if err != nil {
		return misfit, nil //nolint:nilerr // of another type, which is reported as such
	}
	v.SetFloat(f)
	var buf [32]byte
	if f == 0 || !bytes.Equal(appendFloat(buf[:0], f), text) {
		how = loose
	}
	return how, nil
}

const (
	internSlots = 64
	internMax   = 24
)

// intern returns b as a string, the same one for a text that came before:
// currencies, categories, account ids and names of members repeat.
func (d *decoder) intern(b []byte) string {
	if len(b) > internMax || len(b) == 0 {
		return string(b)
	}
	slot := &d.common[(len(b)*31+int(b[0])*7+int(b[len(b)-1])*13+int(b[len(b)/2]))%internSlots]
	if *slot != string(b) {
		*slot = string(b)
	}
	return *slot
}

// under puts a step before the path of an error.
func under(step string, err error) error {
	if e, ok := errors.AsType[*Error](err); ok {
		return &Error{join(step, e.Path), e.Offset, e.What}
	}
	return err
}

func join(a, b string) string {
	if b == "" || b[0] == '[' {
		return a + b
	}
	return a + "." + b
}

// safeName keeps names that a vendor made of data out of errors.
func safeName(name []byte) string {
	if s := ccr.SafeToken(string(name)); s != "" && len(s) <= 40 {
		return s
	}
	return "(unknown member)"
}
