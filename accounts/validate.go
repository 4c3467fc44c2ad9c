package accounts

import (
	"reflect"
	"strconv"
	"unicode/utf8"

	"github.com/ccr-sdk/ccr"
	"github.com/ccr-sdk/ccr/accounts/internal/member"
)

// Validate checks the batch without sending it: every rule of the vendor's
// page, all faults at once, each with its path (accounts[3].outstandingAmount)
// and never its value. The client calls it, too.
func (b AccountBatch) Validate() error { return validate(&b, "", routeAccounts.Operation) }

// Validate checks the batch without sending it; see [AccountBatch.Validate].
func (b PaymentBatch) Validate() error { return validate(&b, "", routePayments.Operation) }

// Validate checks the batch without sending it; see [AccountBatch.Validate].
func (b ClaimBatch) Validate() error { return validate(&b, "", routeClaims.Operation) }

// Validate checks one account; see [AccountBatch.Validate].
func (a Account) Validate() error { return validate(&a, "account", routeAccounts.Operation) }

// Validate checks one claim; see [AccountBatch.Validate].
func (c Claim) Validate() error { return validate(&c, "claim", routeClaims.Operation) }

// Validate checks one payment; see [AccountBatch.Validate].
func (p Payment) Validate() error { return validate(&p, "payment", routePayments.Operation) }

func validate[T any](p *T, name, operation string) error {
	var f ccr.Faults
	validateRow(&validator{f: &f, list: name, index: -1}, p)
	return f.Err(service, operation)
}

// validateRow checks what a pointer to a request struct points to.
func validateRow[T any](v *validator, p *T) {
	if err := schema().Err; err != nil {
		v.fault("", err.Error())
		return
	}
	v.element(schema().Object(reflect.TypeFor[T]()), member.RefTo(p))
}

// validator collects faults; paths are only built for faults.
type validator struct {
	f     *ccr.Faults
	list  string
	index int    // in the list; -1: list names one object
	in    []step // nested objects
	scan  encoder
}

// step is a member on the way to a nested object.
type step struct {
	name  string
	index int // in a list; -1: an object
}

// path is that of a member of the object that is being looked at, or with no
// name, that of the object.
func (v *validator) path(name string) string {
	var b []byte
	for _, s := range append([]step{{v.list, v.index}}, append(v.in, step{name, -1})...) {
		if s.name == "" {
			continue
		}
		if len(b) > 0 {
			b = append(b, '.')
		}
		b = append(b, s.name...)
		if s.index >= 0 {
			b = append(strconv.AppendInt(append(b, '['), int64(s.index), 10), ']')
		}
	}
	return string(b)
}

func (v *validator) fault(name, message string) { v.f.Add(v.path(name), message) }

// element checks a row, or an element of a list: none is sent without a member.
func (v *validator) element(o *member.Object, r member.Ref) {
	if !o.Some && r.HasNone(o) {
		v.fault("", "has no members")
		return
	}
	v.object(o, r)
}

func (v *validator) object(o *member.Object, r member.Ref) {
	x := Extra(*r.Extra(o))
	for i := range o.Members {
		m := &o.Members[i]
		if !m.Required && r.IsEmpty(m) || x != nil && x.replaces(m.Name) {
			continue
		}
		v.member(m, r)
	}
	if len(x) > 0 { // checked by encoding it
		v.scan = encoder{b: v.scan.b[:0], flat: true}
		v.scan.object(o, r)
		if v.scan.err != nil {
			v.fault("extra", v.scan.err.Error())
		}
	}
}

func (v *validator) member(m *member.Member, r member.Ref) {
	switch m.Kind {
	case member.Entity:
		v.in = append(v.in, step{m.Name, -1})
		if in := r.Entity(m); !in.HasNone(m.Elem) {
			v.object(m.Elem, in)
		} else if m.Required {
			v.fault("", "is required: it needs a member, such as "+m.Elem.Members[0].Name)
		}
		v.in = v.in[:len(v.in)-1]
	case member.List:
		v.items(m, r)
	default:
		if message := valueFault(m, r); message != "" {
			v.fault(m.Name, message)
		}
	}
}

func (v *validator) items(m *member.Member, r member.Ref) {
	if m.Required && r.Items(m) <= 0 {
		v.fault(m.Name, "needs at least one element")
	}
	v.in = append(v.in, step{m.Name, 0})
	at := len(v.in) - 1
	for i := range r.Items(m) {
		v.in[at].index = i
		v.element(m.Elem, r.Item(m, i))
	}
	v.in = v.in[:at]
}

// valueFault says what is wrong with a member that is no object and no list.
func valueFault(m *member.Member, r member.Ref) string {
	switch m.Kind {
	case member.Number:
		return m.Fault(*r.Number(m))
	case member.Integer:
		if n := *r.Integer(m); n <= 0 || m.Min.Sign() != 0 || m.Most.IsSet() {
			return m.Fault(ccr.AmountFromMinor(int64(n), 0))
		}
	case member.Date:
		if !r.Date(m).IsValid() {
			return "is not a day of the calendar"
		}
	case member.DateTime:
		if d := r.DateTime(m); !d.Known() || d.Time().Year() > 9999 {
			return "is not a date-time with an offset"
		}
	default:
		return textFault(m, *r.Text(m))
	}
	return ""
}

func textFault(m *member.Member, s string) string {
	switch {
	case s == "" && m.Required && !m.Null && m.Kind == member.Status:
		return "is required: Active, Hold or Closed"
	case s == "" && m.Required && !m.Null:
		return "is required"
	case m.MaxLength > 0 && length(s, m.MaxLength) > m.MaxLength:
		return "is longer than " + strconv.Itoa(m.MaxLength) + " characters"
	case !utf8.ValidString(s):
		return "is not valid UTF-8"
	}
	return ""
}

// length counts as .NET does, where a character outside the basic plane is
// two: the stricter reading of "length".
func length(s string, limit int) int {
	if len(s) <= limit {
		return len(s) // bytes are an upper bound
	}
	n := 0
	for _, r := range s {
		n++
		if r > 0xffff {
			n++
		}
	}
	return n
}
