package bacs

import (
	"strconv"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"github.com/ccr-sdk/ccr"
)

// reading turns the texts of one record's element into values. What cannot be
// read stays unset and is recorded as a fault, by the name of its attribute or
// element and never by its value; the text itself is in Raw.
type reading struct {
	faults []ccr.FieldError
	where  string   // the element of the record
	inside []string // the elements in it that lead to the current one
	filler bool     // the literal "0" means absent
}

func (r *reading) fault(name, message string) {
	path := strings.Join(append([]string{r.where}, r.inside...), "/")
	if name != "" {
		path += "@" + name
	}
	r.faults = append(r.faults, ccr.FieldError{Path: path, Message: message})
}

// field is one line of a table: which attribute or child element is read into
// what. The type of the target says how.
type field struct {
	name string
	to   any
}

// Targets that their Go type alone does not tell how to read.
type (
	sortCode  string
	clock     string   // HH:MM:SS
	labelDate ccr.Date // of a file's header label
)

// attrs reads the attributes of an element that the table names.
func (r *reading) attrs(el Element, table ...field) {
	next := 0 // attributes mostly come in the order of the table
	for _, a := range el.Attrs {
		for range table {
			f := table[next%len(table)]
			if next++; f.name == a.Name {
				r.read(f.to, a.Name, a.Value)
				break
			}
		}
	}
}

// children reads the child elements that the table names, whatever their
// namespace prefix.
func (r *reading) children(el Element, table ...field) {
	for _, c := range el.Children {
		name := local(c.Name)
		for _, f := range table {
			if f.name == name {
				r.child(f.to, name, c)
				break
			}
		}
	}
}

func (r *reading) child(to any, name string, el Element) {
	r.inside = append(r.inside, name)
	switch to := to.(type) {
	case func(Element):
		to(el)
	case *Account:
		r.account(to, el)
	case **Entry:
		*to = r.entry(el)
	case **EntryTotals:
		*to = r.totals(el)
	default:
		r.read(to, "", el.Text)
	}
	r.inside = r.inside[:len(r.inside)-1]
}

// read reads one text. Of a text that a record has twice, the first counts;
// numbers of records add up.
func (r *reading) read(to any, name, value string) {
	switch to := to.(type) {
	case *string:
		if *to == "" {
			*to = r.text(value)
		}
	case *sortCode:
		*to = sortCode(r.sortCode(name, value))
	case *clock:
		*to = clock(r.clock(name, value))
	case *ccr.Date:
		*to = r.date(name, value)
	case *labelDate:
		*to = labelDate(r.labelDate(name, value))
	case *ccr.Amount:
		*to = r.amount(name, value)
	case *int64:
		*to += r.count(name, value)
	}
}

// text trims the padding; names and references are padded to fixed widths.
func (r *reading) text(value string) string {
	value = strings.TrimSpace(value)
	if r.filler && value == "0" {
		return ""
	}
	return value
}

// amount reads pounds such as 10.00, 1,234.56 or £10.00.
func (r *reading) amount(name, value string) ccr.Amount {
	value = strings.TrimSpace(value)
	if value == "" {
		return ccr.Amount{}
	}
	plain, ok := plainAmount(value)
	if ok {
		if a, err := ccr.ParseAmount(plain); err == nil {
			return a
		}
	}
	r.fault(name, "is not a decimal amount")
	return ccr.Amount{}
}

// plainAmount drops a currency character in front and the commas between
// groups of three digits. Anything that could be read in two ways is refused.
func plainAmount(s string) (string, bool) {
	sign := ""
	if s[0] == '-' {
		sign, s = "-", strings.TrimLeft(s[1:], " ")
	}
	// A pound sign is one character; read in the wrong encoding it is two.
	s = strings.TrimPrefix(s, "Â")
	if first, size := utf8.DecodeRuneInString(s); currency(first) {
		s = strings.TrimLeft(s[size:], " ")
	}
	if sign == "" && strings.HasPrefix(s, "-") {
		sign, s = "-", s[1:]
	}
	whole, frac, point := strings.Cut(s, ".")
	if whole == "" && frac == "" || strings.Trim(frac, "0123456789") != "" || point && frac == "" {
		return "", false
	}
	whole, ok := withoutCommas(whole)
	if !ok || strings.Trim(whole, "0123456789") != "" {
		return "", false
	}
	if !point {
		return sign + whole, true
	}
	return sign + whole + "." + frac, true
}

// withoutCommas drops commas between groups of three digits, and reports
// whether all are where they may be.
func withoutCommas(whole string) (string, bool) {
	if !strings.Contains(whole, ",") {
		return whole, true
	}
	groups := strings.Split(whole, ",")
	for i, g := range groups {
		if len(g) != 3 && (i > 0 || len(g) == 0 || len(g) > 3) {
			return "", false
		}
	}
	return strings.Join(groups, ""), true
}

// currency reports whether a character is a currency sign, or what becomes of
// the pound sign between old character sets.
func currency(r rune) bool {
	return unicode.Is(unicode.Sc, r) || r == '#' || r == '?' || r == 'œ' || r == utf8.RuneError
}

// count reads a number of records.
func (r *reading) count(name, value string) int64 {
	value = strings.TrimSpace(value)
	if value == "" {
		return 0
	}
	plain, ok := plainAmount(value)
	n, err := strconv.ParseInt(plain, 10, 64)
	if !ok || err != nil || n < 0 {
		r.fault(name, "is not a number of records")
		return 0
	}
	return n
}

// date reads YYYY-MM-DD, also with a time behind it.
func (r *reading) date(name, value string) ccr.Date {
	value = r.text(value)
	if value == "" {
		return ccr.Date{}
	}
	if d, err := ccr.ParseDate(value); err == nil {
		return d
	}
	r.fault(name, "is not a date (YYYY-MM-DD)")
	return ccr.Date{}
}

// labelDate reads a date of a header label: YYYY-MM-DD as reports write it,
// or YYDDD as the label itself does. Inferred.
func (r *reading) labelDate(name, value string) ccr.Date {
	trimmed := strings.TrimSpace(value)
	if len(trimmed) == 5 {
		if t, err := time.Parse("06002", trimmed); err == nil {
			return ccr.DateOf(t)
		}
	}
	return r.date(name, value)
}

// clock reads HH:MM:SS or HH:MM and writes HH:MM:SS.
func (r *reading) clock(name, value string) string {
	value = r.text(value)
	if value == "" {
		return ""
	}
	for _, layout := range []string{time.TimeOnly, "15:04"} {
		if t, err := time.Parse(layout, value); err == nil {
			return t.Format(time.TimeOnly)
		}
	}
	r.fault(name, "is not a time (HH:MM:SS)")
	return ""
}

// sortCode writes six digits whatever stands between them.
func (r *reading) sortCode(name, value string) string {
	value = r.text(value)
	if value == "" || len(value) == 6 && digits(value) {
		return value
	}
	if len(value) == 8 && (value[2] == '-' || value[2] == ' ') && value[5] == value[2] {
		if bare := value[:2] + value[3:5] + value[6:]; digits(bare) {
			return bare
		}
	}
	r.fault(name, "is not a sort code (six digits)")
	return value
}

func digits(s string) bool {
	for i := range len(s) {
		if s[i] < '0' || s[i] > '9' {
			return false
		}
	}
	return s != ""
}
