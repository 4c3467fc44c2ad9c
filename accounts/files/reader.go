package files

import (
	"encoding/csv"
	"errors"
	"fmt"
	"io"
	"iter"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/ccr-sdk/ccr"
	"github.com/ccr-sdk/ccr/accounts"
	"github.com/ccr-sdk/ccr/accounts/internal/member"
)

const service = "accounts"

// ReadOptions say how a delimited file is read. Zero fields have defaults.
type ReadOptions struct {
	// File is the name of the file, for [accounts.Row] and errors.
	File string
	// Encoding of the text; default: found (see [Encoding]).
	Encoding Encoding
	// Comma is the delimiter; default: the one of , ; tab | that the header
	// has most of.
	Comma rune
	// DecimalComma reads amounts as 1.234,50 or 12,50.
	DecimalComma bool
	// DateLayout is the layout of dates, as in package time; default
	// "2006-01-02".
	DateLayout string
	// Headers maps a column to the header that the file has for it:
	// {"OutstandingAmount": "AmountDue"}. Each must be in the file. The columns
	// are those of [AccountColumns] or [ClaimColumns]; "Extra.name" fills a
	// member of Extra. Headers are compared without case, spaces and
	// punctuation.
	Headers map[string]string
	// Optional excuses columns that are required by default: InvoiceNumber,
	// OutstandingAmount and Status of accounts, Status of claims. A missing
	// amount may be read as zero by Credit Clear.
	Optional []string
	// IgnoreUnknown skips columns whose header is not known; [Columns] lists
	// them. By default they are an error: nothing is dropped unseen.
	IgnoreUnknown bool
	// Unique makes a reference that an earlier row had a fault of the row.
	// Batches of a job are under way at the same time, so which of the two
	// rows wins is open. [Preflight] warns of them instead.
	Unique bool
	// MaxTracked bounds how many references Unique keeps, at some 20 bytes
	// each; default 2,000,000. Warn is called once when it is reached.
	MaxTracked int
	// Warn is called with what is no fault of a row.
	Warn func(Warning)
}

// Reader reads a standard input file row by row, as a source of a job. It is
// not safe for concurrent use.
type Reader[T any] struct {
	core     rowReader
	complete func(*T)
	validate func(*T) error
}

// NewAccountReader reads the header of a Debtor Accounts file and checks that
// the columns are what the options say. An empty cell leaves its field unset;
// an empty Status, or none if it is excused, is Active, the file's documented
// default. A cell that was guarded against formulas by [NewAccountWriter] is
// read as it was.
func NewAccountReader(r io.Reader, o ReadOptions) (*Reader[accounts.Account], error) {
	l := accountLayout()
	l.operation = "ReadAccounts"
	core, err := newRowReader(r, l, o, "account")
	if err != nil {
		return nil, err
	}
	return &Reader[accounts.Account]{core: core, validate: func(a *accounts.Account) error { return a.Validate() }, complete: func(a *accounts.Account) {
		if a.Status == "" {
			a.Status = accounts.StatusActive
		}
	}}, nil
}

// NewClaimReader reads the header of a Third Party Claim file; see
// [NewAccountReader].
func NewClaimReader(r io.Reader, o ReadOptions) (*Reader[accounts.Claim], error) {
	l := claimLayout()
	l.operation = "ReadClaims"
	core, err := newRowReader(r, l, o, "claim")
	if err != nil {
		return nil, err
	}
	return &Reader[accounts.Claim]{core: core, validate: func(c *accounts.Claim) error { return c.Validate() }, complete: func(c *accounts.Claim) {
		if c.Status == "" {
			c.Status = accounts.StatusActive
		}
	}}, nil
}

// Columns says how the header was understood.
func (r *Reader[T]) Columns() Columns { return r.core.columns }

// All yields the rows. A faulty row comes with what could be read of it and a
// [*ccr.Error] of class [ccr.ErrInvalid] that has all its faults, those that
// Validate finds included; reading goes on. Any other error (the file itself,
// its quoting) is the last. Whoever breaks off and ranges again gets the next
// rows.
func (r *Reader[T]) All() iter.Seq2[accounts.Row[T], error] {
	return func(yield func(accounts.Row[T], error) bool) {
		var none T
		row := new(T) // one for all rows: its address is taken
		for {
			record, line, text, err := r.core.in.next()
			if err != nil {
				if !errors.Is(err, io.EOF) {
					yield(accounts.Row[T]{Line: line, File: r.core.o.File}, r.core.failed(err))
				}
				return
			}
			*row = none
			faulty := r.core.fill(member.RefTo(row), record, text)
			r.complete(row)
			if faulty {
				err = r.core.fault(line, r.validate(row))
			}
			if !yield(accounts.Row[T]{Value: *row, Line: line, File: r.core.o.File}, err) {
				return
			}
		}
	}
}

// rowReader is a Reader without the type of its rows.
type rowReader struct {
	in      *records
	o       ReadOptions
	layout  layout
	name    string // of a row, in paths
	at      []*column
	header  []string
	key     int // field of the reference
	columns Columns
	format  format
	seen    references
	faults  ccr.Faults
	bad     []string // fields that have a fault
}

func newRowReader(r io.Reader, l layout, o ReadOptions, name string) (rowReader, error) {
	in := rowReader{o: o, layout: l, name: name, format: format{dates: o.DateLayout, decimalComma: o.DecimalComma}}
	if in.format.dates == "" {
		in.format.dates = time.DateOnly
	}
	in.seen.most = o.MaxTracked
	if o.Comma == utf8.RuneError || !utf8.ValidRune(o.Comma) || strings.ContainsRune("\"\r\n", o.Comma) {
		var f ccr.Faults
		f.Add("Comma", "is not a delimiter")
		return in, f.Err(service, l.operation)
	}
	text, encoding, err := decodeText(r, o.Encoding)
	if err != nil {
		return in, in.failed(err)
	}
	comma := o.Comma
	if comma == 0 {
		comma = sniffComma(text)
	}
	in.in = newRecords(text, comma)
	header, _, _, err := in.in.next()
	if err != nil {
		return in, in.failed(err)
	}
	in.at, in.columns, err = mapHeader(header, &l, &o)
	in.columns.Encoding, in.columns.Comma = encoding, comma
	in.header = in.columns.Found
	in.key = slices.IndexFunc(in.at, func(c *column) bool { return c != nil && c.Name == l.key })
	return in, err
}

// fill fills a row, and reports whether it has faults. text is the record as a
// whole, if there is one.
func (r *rowReader) fill(row member.Ref, record []string, text string) (faulty bool) {
	r.faults, r.bad = ccr.Faults{}, r.bad[:0]
	whole := len(record) == len(r.at)
	if !whole {
		r.faults.Addf(r.name, "has %d fields, the header has %d", len(record), len(r.at))
	}
	clean := text != "" && r.textFault(text) == ""
	for i, cell := range record {
		if cell == "" || i >= len(r.at) || r.at[i] == nil || !whole && i != r.key {
			continue
		}
		r.cell(row, i, cell, clean)
	}
	if r.o.Unique && whole && record[r.key] != "" && r.seen.has(record[r.key], r.o.Warn) {
		r.add(r.key, "is that of an earlier row, too")
	}
	return r.faults.Len() > 0
}

// cell fills the field of a cell that is not empty. clean: its text is known
// to be in the encoding of the file.
func (r *rowReader) cell(row member.Ref, i int, cell string, clean bool) {
	message := ""
	if !clean {
		message = r.textFault(cell)
	}
	if message == "" {
		if cell[0] == '\'' {
			cell = unguard(cell)
		}
		message = r.at[i].set(row, r.layout.object, cell, &r.format)
	}
	if message != "" {
		r.add(i, message)
	}
}

func (r *rowReader) add(i int, message string) {
	r.bad = append(r.bad, r.name+"."+r.at[i].path)
	r.faults.Add(r.name+"."+r.at[i].path, message+" (column "+strconv.Quote(r.header[i])+")")
}

// textFault tells text that was not in the encoding of the file.
func (r *rowReader) textFault(cell string) string {
	switch r.columns.Encoding {
	case UTF8:
		if !utf8.ValidString(cell) {
			return "is not valid UTF-8; set Encoding if the file has another"
		}
	case Windows1252:
		if strings.ContainsFunc(cell, func(c rune) bool { return 0x80 <= c && c < 0xa0 || c == utf8.RuneError }) {
			return "has a byte that Windows-1252 does not define; set Encoding if the file has another"
		}
	case UTF16LE, UTF16BE:
		if strings.ContainsRune(cell, utf8.RuneError) {
			return "is not valid UTF-16"
		}
	}
	return ""
}

// fault is the error of a faulty row: what could not be read, and what
// Validate says of the rest.
func (r *rowReader) fault(line int, invalid error) error {
	if e, ok := errors.AsType[*ccr.Error](invalid); ok && r.faults.Len() == len(r.bad) { // else the fields are not where they should be
		for _, f := range e.Fields {
			if !slices.Contains(r.bad, f.Path) {
				r.faults.Add(f.Path, f.Message)
			}
		}
	}
	err, _ := errors.AsType[*ccr.Error](r.faults.Err(service, r.layout.operation))
	err.Err = errors.New(r.place(line))
	return err
}

func (r *rowReader) place(line int) string {
	if r.o.File == "" {
		return "line " + strconv.Itoa(line)
	}
	return fmt.Sprintf("line %d of %s", line, r.o.File)
}

// failed is an error of the whole file. It is not ccr.ErrInvalid, so that a
// job that skips faulty rows does not take it for one.
func (r *rowReader) failed(err error) error { return fileError(r.layout.operation, r.o.File, err) }

func fileError(operation, file string, err error) error {
	e := &ccr.Error{Service: service, Operation: operation, Outcome: ccr.OutcomeNotSent, Err: err}
	switch p, ok := errors.AsType[*csv.ParseError](err); {
	case ok:
		e.Err = fmt.Errorf("line %d: %w", p.Line, p.Err)
		e.Advice = "What follows cannot be told apart into rows; mend the quotes, or check the delimiter"
	case errors.Is(err, io.EOF):
		e.Err = errors.New("the file is empty")
	}
	if file != "" {
		e.Err = fmt.Errorf("%s: %w", file, e.Err)
	}
	return e
}
