package files

import (
	"cmp"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/ccr-sdk/ccr"
	"github.com/ccr-sdk/ccr/accounts"
	"github.com/ccr-sdk/ccr/accounts/internal/member"
)

// column is one column of an input file: a member of the row, of an object in
// it, or of its Extra.
type column struct {
	member.Column
	path  string         // of the field, for errors
	in    *member.Member // the object that the member is in; nil: the row itself
	m     *member.Member
	extra string // the member of Extra, if m is nil
}

// layout is an input file: the type of its rows and the columns.
type layout struct {
	operation string // in errors
	object    *member.Object
	columns   []column // the default ones in order, then the others
	key       string   // the column of the reference
	required  []string // must be in a file that is read, unless excused
}

func accountLayout() layout {
	return layoutOf[accounts.Account](member.AccountsFile, "ClientReference", "InvoiceNumber", "OutstandingAmount", "Status")
}

func claimLayout() layout {
	return layoutOf[accounts.Claim](member.ClaimsFile, "Claim Number", "Status")
}

// layoutOf takes the columns of a file from the member table.
func layoutOf[T any](file int, required ...string) layout {
	t := reflect.TypeFor[T]()
	l := layout{object: member.Of(t).Object(t), key: required[0], required: required}
	add := func(m, in *member.Member, path string) {
		if c := m.Columns[file]; c.Name != "" {
			l.columns = append(l.columns, column{Column: c, path: path, in: in, m: m})
		}
	}
	for i := range l.object.Members {
		m := &l.object.Members[i]
		add(m, nil, m.Name)
		if m.Kind == member.Entity {
			for j := range m.Elem.Members {
				add(&m.Elem.Members[j], m, m.Name+"."+m.Elem.Members[j].Name)
			}
		}
	}
	slices.SortStableFunc(l.columns, func(a, b column) int {
		if a.Position == 0 || b.Position == 0 {
			return cmp.Compare(b.Position, a.Position) // the others last
		}
		return cmp.Compare(a.Position, b.Position)
	})
	return l
}

// find returns a column by its standard name, or one for "Extra.name".
func (l *layout) find(name string) *column {
	if member, ok := strings.CutPrefix(name, "Extra."); ok && member != "" {
		c := &column{path: member, extra: member}
		c.Name = name
		return c
	}
	for i := range l.columns {
		if l.columns[i].Name == name {
			return &l.columns[i]
		}
	}
	return nil
}

// ColumnInfo describes a column of a standard input file.
type ColumnInfo struct {
	Name  string // the standard header
	Field string // path of the member that it fills
	// Default: a writer writes it unless told otherwise.
	Default bool
	// Required: a reader wants it in the file unless it is excused.
	Required bool
	// Inferred: the vendor's page, which breaks off, does not show it. Credit
	// Clear maps a client's headers anyway; agree on yours at onboarding.
	Inferred bool
}

// AccountColumns lists the columns of the Debtor Accounts file.
func AccountColumns() []ColumnInfo { return describe(accountLayout()) }

// ClaimColumns lists the columns of the Third Party Claim file.
func ClaimColumns() []ColumnInfo { return describe(claimLayout()) }

func describe(l layout) []ColumnInfo {
	out := make([]ColumnInfo, len(l.columns))
	for i, c := range l.columns {
		out[i] = ColumnInfo{Name: c.Name, Field: c.path, Default: c.Position > 0, Required: slices.Contains(l.required, c.Name), Inferred: c.Inferred}
	}
	return out
}

// format is how values are written in a file.
type format struct {
	dates        string // layout
	decimalComma bool
}

func (c *column) ref(row member.Ref) member.Ref {
	if c.in != nil {
		return row.Entity(c.in)
	}
	return row
}

// get returns the text of a cell; "" if the field is not set.
func (c *column) get(row member.Ref, o *member.Object, f format) string {
	if c.m == nil {
		switch v := (*row.Extra(o))[c.extra].(type) {
		case string:
			return v
		case interface{ String() string }: // ccr.Amount, ccr.Date, json.Number
			return v.String()
		}
		return ""
	}
	r := c.ref(row)
	if r.IsEmpty(c.m) {
		return ""
	}
	switch c.m.Kind {
	case member.Number:
		return r.Number(c.m).String()
	case member.Integer:
		return strconv.Itoa(int(*r.Integer(c.m)))
	case member.Date:
		return r.Date(c.m).In(time.UTC).Format(f.dates)
	case member.DateTime:
		return r.DateTime(c.m).String()
	}
	return *r.Text(c.m)
}

// set fills a field with the text of a cell, which is not empty, and says what
// is wrong with it, or nothing.
func (c *column) set(row member.Ref, o *member.Object, text string, f *format) string {
	if c.m == nil {
		x := row.Extra(o)
		if *x == nil {
			*x = map[string]any{}
		}
		(*x)[c.extra] = text
		return ""
	}
	r := c.ref(row)
	switch c.m.Kind {
	case member.Text:
		*r.Text(c.m) = text
		return ""
	case member.Status:
		*r.Text(c.m) = strings.TrimSpace(text)
		return ""
	}
	text = strings.TrimSpace(text)
	var err error
	switch c.m.Kind {
	case member.Number:
		if f.decimalComma {
			text = decimalPoint(text)
		}
		if *r.Number(c.m), err = ccr.ParseAmount(text); err != nil {
			return "is not a decimal amount"
		}
	case member.Integer:
		n, err := strconv.ParseInt(text, 10, 32)
		if err != nil {
			return "is not a whole number of 32 bits"
		}
		*r.Integer(c.m) = int32(n)
		if n == 0 {
			return "must not be 0; leave the cell empty"
		}
	case member.Date:
		if *r.Date(c.m), err = parseDate(text, f.dates); err != nil {
			return "is not a date in the layout " + f.dates
		}
	case member.DateTime:
		if *r.DateTime(c.m), err = ccr.ParseDateTime(text); err != nil {
			return "is not a date-time with an offset"
		}
	}
	return ""
}

// decimalPoint turns 1.234,50 into 1234.50. Points group three digits, or the
// text is returned with its comma, which is no amount.
func decimalPoint(s string) string {
	whole, fraction, ok := strings.Cut(s, ",")
	groups := strings.Split(whole, ".")
	for i, g := range groups {
		if i > 0 && len(g) != 3 || i == 0 && len(groups) > 1 && (len(strings.TrimLeft(g, "+-")) == 0 || len(strings.TrimLeft(g, "+-")) > 3) {
			return "," // is refused
		}
	}
	if whole = strings.Join(groups, ""); ok {
		return whole + "." + fraction
	}
	return whole
}

// parseDate reads YYYY-MM-DD without package time, which a million rows feel.
func parseDate(s, dates string) (ccr.Date, error) {
	if dates == time.DateOnly && len(s) == len(dates) && s[4] == '-' && s[7] == '-' {
		y, m, d := digits(s[:4]), digits(s[5:7]), digits(s[8:])
		if date := (ccr.Date{Year: y, Month: time.Month(m), Day: d}); y > 0 && m > 0 && d > 0 && (d <= 28 && m <= 12 || date.IsValid()) {
			return date, nil
		}
	}
	t, err := time.Parse(dates, s)
	return ccr.DateOf(t), err
}

// digits reads a number of digits only; -1 is none.
func digits(s string) (n int) {
	for i := range len(s) {
		if s[i] < '0' || s[i] > '9' {
			return -1
		}
		n = n*10 + int(s[i]-'0')
	}
	return n
}

// foldHeader makes "Client Reference No", "client_reference_no" and
// "ClientReferenceNo" one.
func foldHeader(s string) string {
	return strings.Map(func(r rune) rune {
		switch {
		case 'A' <= r && r <= 'Z':
			return r + 'a' - 'A'
		case 'a' <= r && r <= 'z', '0' <= r && r <= '9', r > 0x7f:
			return r
		}
		return -1
	}, s)
}
