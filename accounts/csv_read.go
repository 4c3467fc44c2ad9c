package accounts

import (
	"bufio"
	"bytes"
	"encoding/csv"
	"errors"
	"fmt"
	"io"
	"iter"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/ccr-sdk/ccr"
)

// CSVReadOptions say how a delimited file is read. Zero fields have defaults.
type CSVReadOptions struct {
	// Comma is the delimiter; default ','.
	Comma rune
	// Headers maps a column to the header that the file has for it:
	// {"OutstandingAmount": "AmountDue"}. The columns are those of
	// [AccountColumns] or [ClaimColumns]; "Extra.name" fills a member of
	// Extra. Headers are compared without case, spaces and punctuation.
	Headers map[string]string
	// IgnoreUnknown skips columns whose header is not known. By default they
	// are an error: nothing is dropped unseen.
	IgnoreUnknown bool
	// DateLayout is the layout of dates, as in package time; default
	// "2006-01-02".
	DateLayout string
}

// RowError is a row of a file that could not be read. It is [ccr.ErrInvalid]
// and never quotes a value. The reader goes on with the next row.
type RowError struct {
	Line   int    // where the row begins, counted from 1
	Column string // the standard header; empty if the row as a whole is at fault
	Err    error  // the cause, without the value
}

// Error names the place and the fault.
func (e *RowError) Error() string {
	if e.Column == "" {
		return fmt.Sprintf("accounts: line %d: %v", e.Line, e.Err)
	}
	return fmt.Sprintf("accounts: line %d: column %s %v", e.Line, e.Column, e.Err)
}

// Unwrap returns the fault.
func (e *RowError) Unwrap() error { return e.Err }

// Is makes every RowError a [ccr.ErrInvalid].
func (e *RowError) Is(target error) bool { return target == ccr.ErrInvalid } //nolint:errorlint // the class itself

// ReadAccounts reads a Debtor Accounts file (RFC 4180; a UTF-8 byte order mark
// is skipped) row by row, as a source for [Client.SubmitAccounts]. An empty
// cell leaves its field unset; an empty or missing Status is Active, the
// file's documented default. A cell that was guarded against formulas by
// [NewAccountWriter] is read as it was.
//
// A row that cannot be read is yielded as a [RowError], and reading goes on.
// Any other error (the file itself, its header, its quoting) is the last.
func ReadAccounts(r io.Reader, o CSVReadOptions) iter.Seq2[Row[Account], error] {
	return readCSV(r, o, accountColumns(), "ClientReference", func(a *Account) *Extra { return &a.Extra }, func(a *Account) {
		if a.Status == "" {
			a.Status = StatusActive
		}
	})
}

// ReadClaims reads a Third Party Claim file; see [ReadAccounts].
func ReadClaims(r io.Reader, o CSVReadOptions) iter.Seq2[Row[Claim], error] {
	return readCSV(r, o, claimColumns(), "Claim Number", func(c *Claim) *Extra { return &c.Extra }, func(c *Claim) {
		if c.Status == "" {
			c.Status = StatusActive
		}
	})
}

func readCSV[T any](r io.Reader, o CSVReadOptions, columns []column[T], required string, extra func(*T) *Extra, complete func(*T)) iter.Seq2[Row[T], error] {
	return func(yield func(Row[T], error) bool) {
		var none Row[T]
		in, err := newCSVReader(r, o.Comma)
		if err != nil {
			yield(none, err)
			return
		}
		header, err := in.Read()
		if err != nil {
			yield(none, headerError(err))
			return
		}
		at, err := mapHeader(header, columns, o, required, extra)
		if err != nil {
			yield(none, err)
			return
		}
		layout := o.DateLayout
		if layout == "" {
			layout = time.DateOnly
		}
		in.FieldsPerRecord = -1
		row := new(T) // one for all rows: its address is taken
		for {
			record, err := in.Read()
			if errors.Is(err, io.EOF) {
				return
			}
			if err != nil {
				yield(none, fileError(err))
				return
			}
			*row = none.Value
			line, _ := in.FieldPos(0)
			if err = readRow(row, line, record, at, layout); err != nil {
				*row = none.Value
			} else {
				complete(row)
			}
			if !yield(Row[T]{Value: *row, Line: line}, err) {
				return
			}
		}
	}
}

// readRow fills a row; the first fault ends it.
func readRow[T any](row *T, line int, record []string, at []*column[T], layout string) error {
	if len(record) != len(at) {
		return &RowError{Line: line, Err: fmt.Errorf("has %d fields, the header has %d", len(record), len(at))}
	}
	cells := make([]string, len(record)) // pointed to by the row's fields
	for i, cell := range record {
		if cell == "" || at[i] == nil {
			continue
		}
		cells[i] = unguard(cell)
		if err := at[i].set(row, &cells[i], layout); err != nil {
			return &RowError{Line: line, Column: at[i].name, Err: err}
		}
	}
	return nil
}

// mapHeader finds the column of each field. Messages tell positions only: in
// a file without a header its first row is somebody's data.
func mapHeader[T any](header []string, columns []column[T], o CSVReadOptions, required string, extra func(*T) *Extra) ([]*column[T], error) {
	byName := make(map[string]*column[T], len(columns))
	for i := range columns {
		byName[foldHeader(columns[i].name)] = &columns[i]
	}
	for _, name := range slices.Sorted(maps.Keys(o.Headers)) {
		c := byName[foldHeader(name)]
		if member, ok := strings.CutPrefix(name, "Extra."); ok && member != "" {
			x := extraColumn(name, member, extra)
			c = &x
		}
		if c == nil {
			return nil, fmt.Errorf("accounts: Headers names a column %q, which there is not: %w", name, ccr.ErrInvalid)
		}
		byName[foldHeader(o.Headers[name])] = c
	}
	at := make([]*column[T], len(header))
	seen := map[*column[T]]bool{}
	for i, h := range header {
		c := byName[foldHeader(h)]
		switch {
		case c == nil && !o.IgnoreUnknown:
			return nil, fileError(fmt.Errorf("the header of column %d is not known; map it with Headers, or set IgnoreUnknown", i+1))
		case c != nil && seen[c]:
			return nil, fileError(fmt.Errorf("the header of column %d is the second for %s", i+1, c.name))
		case c != nil:
			seen[c] = true
		}
		at[i] = c
	}
	for c := range seen {
		if c.name == required {
			return at, nil
		}
	}
	return nil, fileError(fmt.Errorf("no column %s in the header", required))
}

// newCSVReader skips a byte order mark.
func newCSVReader(r io.Reader, comma rune) (*csv.Reader, error) {
	b := bufio.NewReaderSize(r, 64<<10)
	if mark, err := b.Peek(3); err == nil && bytes.Equal(mark, []byte("\xef\xbb\xbf")) {
		b.Discard(3) //nolint:errcheck // just peeked
	} else if len(mark) >= 2 && (bytes.Equal(mark[:2], []byte("\xff\xfe")) || bytes.Equal(mark[:2], []byte("\xfe\xff"))) {
		return nil, fileError(errors.New("the file is UTF-16; save it as UTF-8"))
	}
	in := csv.NewReader(b)
	if comma != 0 {
		in.Comma = comma
	}
	in.ReuseRecord = true
	return in, nil
}

func headerError(err error) error {
	if errors.Is(err, io.EOF) {
		return fileError(errors.New("the file is empty"))
	}
	return fileError(err)
}

// fileError is a fault of the whole file. It is not ccr.ErrInvalid, so that a
// job that skips faulty rows does not take it for one.
func fileError(err error) error {
	if p, ok := errors.AsType[*csv.ParseError](err); ok {
		return fmt.Errorf("accounts: line %d: %w; what follows cannot be told apart into rows", p.Line, p.Err)
	}
	return fmt.Errorf("accounts: read file: %w", err)
}
