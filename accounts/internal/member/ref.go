package member

import (
	"unsafe"

	"github.com/ccr-sdk/ccr"
)

// Ref points to a request struct whose fields are read and written by the
// table. The package unsafe stays in this file: a nightly load has a million
// rows with two objects of some forty fields, and reflect.Value took half of
// the time of encoding them. Each method is only called for a member of its
// Kind, which the table took from the type of the field; the fuzz test that
// compares the encoder with encoding/json runs with -race, which checks the
// pointers.
type Ref struct{ p unsafe.Pointer }

// RefTo points to a struct of the type that its object was made of.
func RefTo[T any](p *T) Ref { return Ref{unsafe.Pointer(p)} } //nolint:gosec // see Ref

func (r Ref) at(m *Member) unsafe.Pointer { return unsafe.Add(r.p, m.offset) } //nolint:gosec // see Ref

// Text is the field of a Text or Status.
func (r Ref) Text(m *Member) *string { return (*string)(r.at(m)) }

// Number is the field of a Number.
func (r Ref) Number(m *Member) *ccr.Amount { return (*ccr.Amount)(r.at(m)) }

// Integer is the field of an Integer.
func (r Ref) Integer(m *Member) *int32 { return (*int32)(r.at(m)) }

// Date is the field of a Date.
func (r Ref) Date(m *Member) *ccr.Date { return (*ccr.Date)(r.at(m)) }

// DateTime is the field of a DateTime.
func (r Ref) DateTime(m *Member) *ccr.DateTime { return (*ccr.DateTime)(r.at(m)) }

// Entity points to the object in an Entity.
func (r Ref) Entity(m *Member) Ref { return Ref{r.at(m)} }

// Extra is the field Extra.
func (r Ref) Extra(o *Object) *map[string]any {
	return (*map[string]any)(unsafe.Add(r.p, o.extra)) //nolint:gosec // see Ref
}

// slice is how a slice of structs lies in memory.
type slice = []struct{}

// Items is the number of elements of a List, -1 if it is nil.
func (r Ref) Items(m *Member) int {
	s := *(*slice)(r.at(m))
	if s == nil {
		return -1
	}
	return len(s)
}

// Item points to an element of a List.
func (r Ref) Item(m *Member, i int) Ref {
	s := *(*slice)(r.at(m))
	return Ref{unsafe.Add(unsafe.Pointer(unsafe.SliceData(s)), uintptr(i)*m.Elem.size)} //nolint:gosec // see Ref
}

// IsEmpty reports whether an optional member is left out.
func (r Ref) IsEmpty(m *Member) bool {
	switch m.Kind {
	case Number:
		return !r.Number(m).IsSet()
	case Integer:
		return *r.Integer(m) == 0
	case Date:
		return r.Date(m).IsZero()
	case DateTime:
		return r.DateTime(m).IsZero()
	case Entity:
		return r.Entity(m).HasNone(m.Elem)
	case List:
		return r.Items(m) < 0 // an empty list is sent
	}
	return *r.Text(m) == ""
}

// HasNone reports whether no member of the object is set, by Extra neither.
func (r Ref) HasNone(o *Object) bool {
	for i := range o.Members {
		if !r.IsEmpty(&o.Members[i]) {
			return false
		}
	}
	return len(*r.Extra(o)) == 0
}
