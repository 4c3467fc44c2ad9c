// Package wire reads and writes JSON objects without losing anything.
//
// An object is a struct with a field Extra map[string]any. Members that the
// struct does not name are kept there as [encoding/json.RawMessage]; members
// that it names, but that its fields could not write back as they were read
// (null, an empty text, a number where a text belongs), are kept there as
// [AsWritten] and written again for as long as the field has not been changed.
// So reading and writing a document gives the same document, numbers digit
// for digit.
//
// encoding/json cannot do this in one pass: it drops unknown members, and a
// second pass into a map doubles the time. This decoder makes one pass and no
// reflection beyond setting fields; it is kept honest by fuzzing it against
// encoding/json (see the tests). It differs from encoding/json in two ways:
// names are matched exactly, not regardless of case; and a member of an
// unexpected type does not fail the document, unless it is an amount of money:
// its field stays unset, its value stays in Extra, and its path is reported.
package wire
