// Package member reads the member table of the requests. The table is the
// request structs themselves: one field with its tags says all there is to
// know of a member, so that a new member is one place.
//
//		Segment string `json:"segment,omitempty" evidence:"page" accountsFile:"Segment?"`
//
//	  - json is the name on the wire. Without omitempty or omitzero the member is
//	    always sent.
//	  - rule holds limits, with commas between: max=150 characters (and not
//	    empty, if the member is always sent), min=0, above=0, most=100. "null"
//	    marks a member that is always sent, empty as null; "notnull" an optional
//	    one for which the vendor takes no null.
//	  - evidence is where the name comes from: "shown" by the vendor's pages, a
//	    key of the table in this package, or a text of its own.
//	  - accountsFile and claimsFile are the columns of the vendor's input files:
//	    the position among the default columns, if it is one of them, the
//	    standard header, and a question mark if the vendor's page does not show it.
//
// The encoder, the checks, Unverified, the CSV readers and writers and the
// rules of the test server all read this table. A wrong name or limit would
// therefore pass all of them alike; documents that are written by hand pin
// every name and every limit in the tests of accounts and accountstest.
package member

import (
	"fmt"
	"reflect"
	"strconv"
	"strings"

	"github.com/ccr-sdk/ccr"
)

// Kind is the type of a member.
type Kind uint8

// The kinds, by the Go type of the field.
const (
	Text     Kind = iota // string
	Status               // accounts.Status
	Number               // ccr.Amount
	Integer              // int32
	Date                 // ccr.Date
	DateTime             // ccr.DateTime
	Entity               // a struct: an object
	List                 // a slice of structs: an array of objects
)

// Member is one member of an object.
type Member struct {
	Name      string
	Key       string // ,"name":
	Kind      Kind
	Elem      *Object // of an Entity or List
	Required  bool    // always sent
	Null      bool    // may be null; a required one is sent as null if it is empty
	MaxLength int     // of a text, in characters; 0 is no limit
	Min, Most ccr.Amount
	Above     bool   // Min itself is not allowed
	Evidence  string // why the name is as it is; "" if the vendor's pages show it
	Columns   [Files]Column

	offset uintptr // of the field
}

// The input files.
const (
	AccountsFile = iota
	ClaimsFile
	Files
)

// Fault says what is wrong with a number, or nothing.
func (m *Member) Fault(a ccr.Amount) string {
	low, high := 1, -1
	if m.Min.Sign() == 0 {
		low = a.Sign()
	} else if m.Min.IsSet() {
		low = a.Cmp(m.Min)
	}
	if m.Most.IsSet() {
		high = a.Cmp(m.Most)
	}
	switch {
	case !m.Min.IsSet(), low > 0 && high <= 0, low == 0 && !m.Above:
		return ""
	case m.Most.IsSet():
		return "must be between " + m.Min.String() + " and " + m.Most.String()
	case m.Above && m.Min.Sign() == 0:
		return "must be more than zero; leave it out if there is none"
	case m.Above:
		return "must be more than " + m.Min.String()
	case m.Min.Sign() == 0:
		return "must be zero or more"
	}
	return "must be at least " + m.Min.String()
}

// Column is a column of an input file.
type Column struct {
	Name     string // the standard header; "" if the member has no column
	Position int    // among the default columns, from 1; 0 if it is none
	Inferred bool   // the vendor's page does not show it
}

// Object is one JSON object of the requests.
type Object struct {
	ID      int // its index in Schema.Objects
	Name    string
	Members []Member
	Some    bool // one of its members is always sent

	size, extra uintptr // of the struct; offset of the field Extra
	filled      bool
}

// Schema is the whole table.
type Schema struct {
	Objects []*Object
	Err     error // of the tags; a test holds it to be nil
	byType  map[reflect.Type]*Object
}

// Most objects, and members of an object, that sets of members have room for.
const (
	MaxObjects = 16
	MaxMembers = 64
)

var evidence = map[string]string{
	"shown":  "",
	"page":   "the vendor's page shows the type and the limits, not the name",
	"none":   "no public page shows the members of this object",
	"file":   "the vendor's page breaks off before it; inferred from a column of the claims file",
	"prose":  "prose calls it BatchReferenceId; every JSON name that is shown is camelCase",
	"values": "the values are documented, the name and the casing are not",
	"casing": `casing open: "bpayReference" is possible`,
	"column": `the input file's column is ClientReference, so "clientReference" is possible`,
}

// Of reads the tags of the types and of what they hold. Objects are numbered
// in the order of the types, then as they are met.
func Of(types ...reflect.Type) *Schema {
	s := &Schema{byType: map[reflect.Type]*Object{}}
	for _, t := range types {
		s.object(t, lowerFirst(t.Name()))
	}
	for _, t := range types {
		s.fill(t)
	}
	if len(s.Objects) > MaxObjects {
		s.fail("too many objects")
	}
	return s
}

// Object returns the table of a type.
func (s *Schema) Object(t reflect.Type) *Object { return s.byType[t] }

func (s *Schema) fail(format string, args ...any) {
	if s.Err == nil {
		s.Err = fmt.Errorf("accounts: member table: "+format, args...)
	}
}

func (s *Schema) object(t reflect.Type, name string) *Object {
	o := s.byType[t]
	if o == nil {
		o = &Object{ID: len(s.Objects), Name: name, size: t.Size()}
		s.Objects, s.byType[t] = append(s.Objects, o), o
	}
	return o
}

// fill reads the fields of a type once.
func (s *Schema) fill(t reflect.Type) {
	o := s.byType[t]
	if o.filled {
		return
	}
	o.filled = true
	hasExtra := false
	for i := range t.NumField() {
		f := t.Field(i)
		if f.Name == "Extra" {
			o.extra, hasExtra = f.Offset, true
			continue
		}
		m := Member{offset: f.Offset}
		s.tags(&m, f)
		m.Kind = kindOf(f.Type)
		switch m.Kind {
		case Entity:
			m.Elem = s.object(f.Type, m.Name)
			defer s.fill(f.Type)
		case List:
			m.Elem = s.object(f.Type.Elem(), m.Name)
			defer s.fill(f.Type.Elem())
		}
		o.Some = o.Some || m.Required
		o.Members = append(o.Members, m)
	}
	if !hasExtra || len(o.Members) > MaxMembers {
		s.fail("%s has no Extra, or too many members", t)
	}
}

func kindOf(t reflect.Type) Kind {
	switch t {
	case reflect.TypeFor[ccr.Amount]():
		return Number
	case reflect.TypeFor[ccr.Date]():
		return Date
	case reflect.TypeFor[ccr.DateTime]():
		return DateTime
	}
	switch {
	case t.Kind() == reflect.Struct:
		return Entity
	case t.Kind() == reflect.Slice:
		return List
	case t.Kind() == reflect.Int32:
		return Integer
	case t.Name() == "Status":
		return Status
	}
	return Text
}

func (s *Schema) tags(m *Member, f reflect.StructField) {
	name, omit, _ := strings.Cut(f.Tag.Get("json"), ",")
	m.Name, m.Key, m.Required, m.Null = name, `,"`+name+`":`, omit == "", omit != ""
	from, ok := f.Tag.Lookup("evidence")
	if name == "" || !ok {
		s.fail("%s has no name or no evidence", f.Name)
	}
	if m.Evidence = from; evidence[from] != "" || from == "shown" {
		m.Evidence = evidence[from]
	}
	for rule := range strings.SplitSeq(f.Tag.Get("rule"), ",") {
		if err := m.rule(rule); err != nil {
			s.fail("%s: rule %q: %w", f.Name, rule, err)
		}
	}
	for i, key := range [Files]string{"accountsFile", "claimsFile"} {
		m.Columns[i] = column(f.Tag.Get(key))
	}
}

func (m *Member) rule(rule string) (err error) {
	name, value, _ := strings.Cut(rule, "=")
	switch name {
	case "":
	case "null":
		m.Null = true
	case "notnull":
		m.Null = false
	case "max":
		m.MaxLength, err = strconv.Atoi(value)
	case "min":
		m.Min, err = ccr.ParseAmount(value)
	case "above":
		m.Above = true
		m.Min, err = ccr.ParseAmount(value)
	case "most":
		m.Most, err = ccr.ParseAmount(value)
	default:
		err = fmt.Errorf("there is no such rule")
	}
	return err
}

// column reads "8 OutstandingAmount" or "Segment?".
func column(tag string) Column {
	name, inferred := strings.CutSuffix(tag, "?")
	c := Column{Name: name, Inferred: inferred}
	if first, rest, ok := strings.Cut(name, " "); ok {
		if n, err := strconv.Atoi(first); err == nil {
			c.Name, c.Position = rest, n
		}
	}
	return c
}

func lowerFirst(s string) string {
	if s == "" {
		return s
	}
	return strings.ToLower(s[:1]) + s[1:]
}
