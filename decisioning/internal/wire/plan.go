package wire

import (
	"encoding/json"
	"reflect"
	"strings"
	"sync"

	"github.com/ccr-sdk/ccr"
)

type kind uint8

const (
	kindOther kind = iota // left to encoding/json
	kindString
	kindBool
	kindInt
	kindFloat
	kindAmount
	kindDateTime
	kindSecret
	kindRaw
	kindObject
	kindSlice
	kindPointer
)

// node is how values of one type are read and written.
type node struct {
	kind kind
	typ  reflect.Type
	elem *node   // of a slice or pointer
	obj  *object // of an object
}

// object lists the members of a struct.
type object struct {
	fields []field
	extra  int // index of the Extra field
}

type field struct {
	name  string
	quote string // `"name":`
	index int
	node  *node
}

// find returns the position of a member, starting at the one that is expected
// next: members mostly come in the same order.
func (o *object) find(name []byte, from int) int {
	for i := from; i < len(o.fields); i++ {
		if o.fields[i].name == string(name) {
			return i
		}
	}
	for i := range min(from, len(o.fields)) {
		if o.fields[i].name == string(name) {
			return i
		}
	}
	return -1
}

func (o *object) has(name string) bool {
	for i := range o.fields {
		if o.fields[i].name == name {
			return true
		}
	}
	return false
}

// nodes caches what reflection tells of a type. It only ever grows by types of
// the program, and a type's entry never changes.
var nodes sync.Map // reflect.Type → *node

func nodeOf(t reflect.Type) *node {
	if n, ok := nodes.Load(t); ok {
		return n.(*node) //nolint:forcetypeassert // only nodes are stored
	}
	// Built apart from the cache, so that no half-made node is ever seen.
	n := buildNode(t, map[reflect.Type]*node{})
	kept, _ := nodes.LoadOrStore(t, n)
	return kept.(*node) //nolint:forcetypeassert // only nodes are stored
}

func buildNode(t reflect.Type, building map[reflect.Type]*node) *node {
	if n := building[t]; n != nil {
		return n
	}
	n := &node{typ: t}
	building[t] = n
	switch t {
	case reflect.TypeFor[ccr.Amount]():
		n.kind = kindAmount
		return n
	case reflect.TypeFor[ccr.DateTime]():
		n.kind = kindDateTime
		return n
	case reflect.TypeFor[ccr.Secret]():
		n.kind = kindSecret
		return n
	}
	if t.ConvertibleTo(reflect.TypeFor[json.RawMessage]()) && t.Kind() == reflect.Slice {
		n.kind = kindRaw
		return n
	}
	switch t.Kind() {
	case reflect.String:
		n.kind = kindString
	case reflect.Bool:
		n.kind = kindBool
	case reflect.Int, reflect.Int64:
		n.kind = kindInt
	case reflect.Float64:
		n.kind = kindFloat
	case reflect.Pointer:
		n.kind, n.elem = kindPointer, buildNode(t.Elem(), building)
	case reflect.Slice:
		n.kind, n.elem = kindSlice, buildNode(t.Elem(), building)
	case reflect.Struct:
		if o := buildObject(t, building); o != nil {
			n.kind, n.obj = kindObject, o
		}
	}
	return n
}

// buildObject returns nil for a struct without Extra: encoding/json has it.
func buildObject(t reflect.Type, building map[reflect.Type]*node) *object {
	o := &object{extra: -1}
	for i := range t.NumField() {
		f := t.Field(i)
		if f.Name == "Extra" && f.Type == reflect.TypeFor[map[string]any]() {
			o.extra = i
			continue
		}
		name, _, _ := strings.Cut(f.Tag.Get("json"), ",")
		if !f.IsExported() || name == "-" || name == "" {
			continue
		}
		o.fields = append(o.fields, field{name, `"` + name + `":`, i, buildNode(f.Type, building)})
	}
	if o.extra < 0 {
		return nil
	}
	return o
}
