package accounts

import (
	"bytes"
	"encoding/json"
	"errors"
	"maps"
	"reflect"
	"slices"
	"strings"

	"github.com/ccr-sdk/ccr/accounts/internal/member"
)

// Extra holds members of a request object by their name on the wire. It wins
// over the fields of the object, so that a member whose inferred name or shape
// turns out to be wrong costs one line:
//
//	Extra{"costCentre": "AU-7"}                                  // adds a member
//	Extra{"brand": nil}                                          // sends null
//	Extra{"clientReferenceId": RenamedTo("clientReference")}     // the field, under another name
//	Extra{"clientReferenceId": nil, "clientReference": "C-1"}    // null, and another member
//	Extra{"daysPastDue": Omitted()}                              // never sends it
//
// Values are encoded by encoding/json. A member that is replaced or nulled is
// not checked by Validate; a renamed one is.
type Extra map[string]any

// Rename is a value in [Extra] that says under which name a field goes out.
type Rename struct{ name string }

// RenamedTo sends the field under another name.
func RenamedTo(name string) Rename { return Rename{name} }

// Omitted leaves a field out, even a required one.
func Omitted() Rename { return Rename{} }

// MarshalJSON fails: a Rename only means something as a value in [Extra] that
// stands for a member of that object.
func (Rename) MarshalJSON() ([]byte, error) { return nil, errRename }

var errRename = errors.New("accounts: RenamedTo and Omitted only mean something as values in Extra, for a member of that object")

// replaces reports whether the field behind a member is not sent as it is.
func (x Extra) replaces(member string) bool {
	v, ok := x[member]
	if !ok {
		return false
	}
	r, ok := v.(Rename)
	return !ok || r.name == ""
}

// names returns the members in a fixed order.
func (x Extra) names() []string { return slices.Sorted(maps.Keys(x)) }

// readOpen decodes a JSON object into plain, which is a T without its methods,
// and returns the members without a field.
func readOpen[T any](data []byte, plain any) (Extra, error) {
	object := schema().Object(reflect.TypeFor[T]())
	if err := json.Unmarshal(data, plain); err != nil {
		return nil, err
	}
	var all map[string]json.RawMessage
	if err := json.Unmarshal(data, &all); err != nil {
		return nil, err
	}
	var extra Extra
	for name, raw := range all {
		if slices.ContainsFunc(object.Members, func(m member.Member) bool { return strings.EqualFold(m.Name, name) }) {
			continue
		}
		dec := json.NewDecoder(bytes.NewReader(raw))
		dec.UseNumber() // amounts stay exact
		var v any
		if err := dec.Decode(&v); err != nil {
			return nil, err
		}
		if extra == nil {
			extra = Extra{}
		}
		extra[name] = v
	}
	return extra, nil
}
