package files

import (
	"context"
	"encoding/csv"
	"errors"
	"fmt"
	"io"
	"iter"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/ccr-sdk/ccr"
	"github.com/ccr-sdk/ccr/accounts"
	"github.com/ccr-sdk/ccr/accounts/internal/member"
	"github.com/ccr-sdk/ccr/internal/fsync"
)

// IntegrationMode is how Credit Clear reads a client's input files; agreed at
// onboarding ("Standard input file").
type IntegrationMode string

const (
	// ActivePortfolio: each file has all active accounts, and an account that
	// a newer file lacks is CLOSED. So the writer wants to be told the number
	// of rows, and refuses to finish short of it.
	ActivePortfolio IntegrationMode = "active portfolio"
	// FullPortfolio: the Status column says what becomes of each account.
	FullPortfolio IntegrationMode = "full portfolio"
)

// WriteOptions say how a delimited file is written. Zero fields have defaults.
type WriteOptions struct {
	// Mode is the client's integration mode; without one, neither rule of the
	// two is enforced.
	Mode IntegrationMode
	// Rows is the number of rows that will be written; Close fails unless it
	// was exactly that. Required with ActivePortfolio; 0 is not checked.
	Rows int64
	// Columns are the columns to write, in order, by their standard names;
	// default: those that the vendor's pages show and, for accounts, DueDate,
	// FirstName, LastName, CompanyName, Email and PostalCode. "Extra.name"
	// writes a member of Extra that is a text, a number or a date.
	Columns []string
	// Headers maps a column to the header to write in its place:
	// {"OutstandingAmount": "AmountDue"}.
	Headers map[string]string
	// Comma is the delimiter; default ','.
	Comma rune
	// DateLayout is the layout of dates, as in package time; default "2006-01-02".
	DateLayout string
}

// ErrRowCount: the file was finished with another number of rows than was
// promised. In Active Portfolio mode it must not be uploaded.
var ErrRowCount = errors.New("accounts: the file does not have the number of rows that was promised")

// Writer writes a standard input file row by row (RFC 4180, CRLF). Cells
// that a spreadsheet would run as a formula get an apostrophe in front, which
// [NewAccountReader] takes off again; signed numbers and phone numbers stay as
// they are. It is not safe for concurrent use.
type Writer[T any] struct {
	out     *csv.Writer
	o       WriteOptions
	layout  layout
	name    string // of a row, in the paths of Validate
	check   func(*T, *ccr.Faults) error
	format  format
	columns []*column // that are written
	others  []*column // whose fields must stay unset
	cells   []string
	n       int64
	err     error
}

// NewAccountWriter writes a Debtor Accounts file. Line breaks within a cell
// become those of the file. The header goes out with the first row or Close.
func NewAccountWriter(w io.Writer, o WriteOptions) (*Writer[accounts.Account], error) {
	return newWriter(w, o, accountLayout(), "account", func(a *accounts.Account, f *ccr.Faults) error {
		if o.Mode == ActivePortfolio && a.Status != accounts.StatusActive {
			f.Add("status", "must be Active in Active Portfolio mode: leave the account out of the file to close it")
		}
		return a.Validate()
	})
}

// NewClaimWriter writes a Third Party Claim file; see [NewAccountWriter]. A
// claim needs a first, last or company name.
func NewClaimWriter(w io.Writer, o WriteOptions) (*Writer[accounts.Claim], error) {
	return newWriter(w, o, claimLayout(), "claim", func(c *accounts.Claim, f *ccr.Faults) error {
		if p := c.ThirdParty; p.FirstName == "" && p.LastName == "" && p.CompanyName == "" {
			f.Add("thirdParty", "needs a first, last or company name in a file")
		}
		if o.Mode == ActivePortfolio && c.Status != accounts.StatusActive {
			f.Add("status", "must be Active in Active Portfolio mode")
		}
		return c.Validate()
	})
}

func newWriter[T any](w io.Writer, o WriteOptions, l layout, name string, check func(*T, *ccr.Faults) error) (*Writer[T], error) {
	cw := &Writer[T]{out: csv.NewWriter(w), o: o, layout: l, name: name, check: check, format: format{dates: o.DateLayout}}
	cw.out.UseCRLF = true
	if o.Comma != 0 {
		cw.out.Comma = o.Comma
	}
	if o.DateLayout == "" {
		cw.format.dates = time.DateOnly
	}
	var f ccr.Faults
	cw.choose(&f)
	for name := range o.Headers {
		if !cw.writes(name) {
			f.Add("Headers", "names a column that is not written")
		}
	}
	switch {
	case o.Mode == ActivePortfolio && o.Rows <= 0:
		f.Add("Rows", "is required in Active Portfolio mode: a file that ends short closes real accounts")
	case o.Mode == FullPortfolio && !cw.writes("Status"):
		f.Add("Columns", "needs Status in Full Portfolio mode")
	case o.Mode != "" && o.Mode != ActivePortfolio && o.Mode != FullPortfolio:
		f.Add("Mode", "is not an integration mode")
	}
	if o.Rows < 0 {
		f.Add("Rows", "must not be negative")
	}
	if err := f.Err(service, "WriteCSV"); err != nil {
		return nil, err
	}
	return cw, nil
}

// choose finds the columns to write, and those whose fields must stay unset.
func (w *Writer[T]) choose(f *ccr.Faults) {
	chosen := w.o.Columns
	if chosen == nil {
		for _, c := range w.layout.columns {
			if c.Position > 0 {
				chosen = append(chosen, c.Name)
			}
		}
	}
	for i, name := range chosen {
		c := w.layout.find(name)
		switch {
		case c == nil:
			f.Addf(fmt.Sprintf("Columns[%d]", i), "is not a column of the file")
		case w.writes(c.Name):
			f.Addf(fmt.Sprintf("Columns[%d]", i), "is there twice")
		default:
			w.columns = append(w.columns, c)
		}
	}
	for i := range w.layout.columns {
		if c := &w.layout.columns[i]; !w.writes(c.Name) {
			w.others = append(w.others, c)
		}
	}
}

func (w *Writer[T]) writes(name string) bool {
	return slices.ContainsFunc(w.columns, func(c *column) bool { return c.Name == name })
}

// faults are those of Validate, and of what the file cannot carry.
func (w *Writer[T]) faults(row *T) error {
	var own, f ccr.Faults
	at := fmt.Sprintf("rows[%d]", w.n)
	add := func(path, message string) { f.Add(strings.TrimSuffix(at+"."+path, "."), message) }
	err := w.check(row, &own)
	for _, err := range []error{err, own.Err(service, "WriteCSV")} {
		if e, ok := errors.AsType[*ccr.Error](err); ok {
			for _, fault := range e.Fields {
				add(strings.TrimPrefix(strings.TrimPrefix(fault.Path, w.name), "."), fault.Message)
			}
		}
	}
	r := member.RefTo(row)
	w.uncarried(w.layout.object, r, "", add)
	for _, c := range w.columns {
		if text := c.get(r, w.layout.object, w.format); strings.Contains(strings.ReplaceAll(text, "\r\n", ""), "\r") {
			add(c.path, "has a lone carriage return, which a CSV file cannot carry")
		}
	}
	for _, c := range w.others {
		text := c.get(r, w.layout.object, w.format)
		// A file without a Status column has active rows.
		if text != "" && (c.m.Kind != member.Status || text != string(accounts.StatusActive)) {
			add(c.path, "has no column in the file; add "+c.Name+" to Columns")
		}
	}
	return f.Err(service, "WriteCSV")
}

// uncarried finds members that have no column: lists, and those of Extra.
func (w *Writer[T]) uncarried(o *member.Object, r member.Ref, at string, add func(path, message string)) {
	for i := range o.Members {
		switch m := &o.Members[i]; m.Kind {
		case member.List:
			if !r.IsEmpty(m) {
				add(at+m.Name, "has no column in the file")
			}
		case member.Entity:
			w.uncarried(m.Elem, r.Entity(m), at+m.Name+".", add)
		}
	}
	for name := range *r.Extra(o) {
		if at != "" || !w.writes("Extra."+name) {
			add(at+"extra", "has a member without a column in the file")
			return
		}
	}
}

// Write writes one row. A row that fails its checks (those of Validate, and
// that every field that is set has a column) is refused with all its faults,
// and the file goes on without it.
func (w *Writer[T]) Write(row T) error {
	if w.err != nil {
		return w.err
	}
	if err := w.faults(&row); err != nil {
		return err
	}
	if w.o.Rows > 0 && w.n == w.o.Rows {
		return fmt.Errorf("%w: it would have more than %d", ErrRowCount, w.o.Rows)
	}
	w.header()
	w.cells = w.cells[:0]
	for _, c := range w.columns {
		w.cells = append(w.cells, guard(c.get(member.RefTo(&row), w.layout.object, w.format)))
	}
	if w.err == nil {
		w.err = w.out.Write(w.cells)
	}
	if w.err == nil {
		w.n++
	}
	return w.err
}

// header writes the header once.
func (w *Writer[T]) header() {
	if w.n > 0 || w.cells != nil {
		return
	}
	w.cells = make([]string, 0, len(w.columns))
	for _, c := range w.columns {
		name := c.Name
		if h := w.o.Headers[name]; h != "" {
			name = h
		}
		w.cells = append(w.cells, name)
	}
	w.err = w.out.Write(w.cells)
}

// Rows is the number of rows written.
func (w *Writer[T]) Rows() int64 { return w.n }

// Close flushes the file; it does not close the writer below. It fails with
// [ErrRowCount] if the file has not the number of rows that was promised:
// what was written must then be thrown away, not uploaded. [WriteAccounts]
// does that.
func (w *Writer[T]) Close() error {
	if w.err != nil {
		return w.err
	}
	w.header()
	w.out.Flush()
	if w.err == nil {
		w.err = w.out.Error()
	}
	if w.err == nil && w.o.Rows > 0 && w.n != w.o.Rows {
		w.err = fmt.Errorf("%w: %d of %d", ErrRowCount, w.n, w.o.Rows)
	}
	err := w.err
	if err == nil {
		w.err = errors.New("accounts: the file is closed")
	}
	return err
}

// WriteAccounts writes a Debtor Accounts file at path and returns it ready
// for upload. It is written under a temporary name beside it (mode 0600), and
// only takes its name once it is whole, has the number of rows that was
// promised, and is on disk. An error of the source, a faulty row or a missing
// one leaves what was at path as it was.
func WriteAccounts(ctx context.Context, path string, rows iter.Seq2[accounts.Row[accounts.Account], error], o WriteOptions) (ccr.File, error) {
	return writeFile(ctx, path, rows, func(w io.Writer) (*Writer[accounts.Account], error) { return NewAccountWriter(w, o) })
}

// WriteClaims is [WriteAccounts] for a Third Party Claim file.
func WriteClaims(ctx context.Context, path string, rows iter.Seq2[accounts.Row[accounts.Claim], error], o WriteOptions) (ccr.File, error) {
	return writeFile(ctx, path, rows, func(w io.Writer) (*Writer[accounts.Claim], error) { return NewClaimWriter(w, o) })
}

func writeFile[T any](ctx context.Context, path string, rows iter.Seq2[accounts.Row[T], error], open func(io.Writer) (*Writer[T], error)) (file ccr.File, err error) {
	f, err := os.CreateTemp(filepath.Dir(path), ".ccr-*.tmp")
	if err != nil {
		return file, fmt.Errorf("accounts: write file: %w", err)
	}
	defer func() {
		if err != nil {
			err = errors.Join(err, ignoreClosed(f.Close()), os.Remove(f.Name()))
		}
	}()
	w, err := open(f)
	if err != nil {
		return file, err
	}
	for row, err := range rows {
		if err == nil {
			err = w.Write(row.Value)
		}
		if err == nil {
			err = ctx.Err()
		}
		if err != nil {
			return file, fmt.Errorf("accounts: the file was not written: %w", err)
		}
	}
	if err := errors.Join(w.Close(), fsync.Close(f)); err != nil {
		return file, fmt.Errorf("accounts: the file was not written: %w", err)
	}
	if err := os.Rename(f.Name(), path); err != nil {
		return file, fmt.Errorf("accounts: write file: %w", err)
	}
	return ccr.FileFromPath(path), fsync.Dir(filepath.Dir(path))
}

func ignoreClosed(err error) error {
	if errors.Is(err, os.ErrClosed) {
		return nil
	}
	return err
}

// guard puts an apostrophe before what a spreadsheet would run.
func guard(cell string) string {
	if runs(strings.TrimLeft(cell, "'")) {
		return "'" + cell
	}
	return cell
}

// unguard is the inverse of guard.
func unguard(cell string) string {
	if cell[0] == '\'' && runs(strings.TrimLeft(cell, "'")) {
		return cell[1:]
	}
	return cell
}

// runs reports whether a spreadsheet may take a cell for a formula: it begins
// like one, and has more than what signed numbers and phone numbers have.
func runs(cell string) bool {
	first, size := utf8.DecodeRuneInString(cell)
	switch first {
	case '+', '-':
		return len(cell) == size || strings.Trim(cell[size:], "0123456789. ()-") != ""
	case '=', '@', '\t', '\r', '\n', '＝', '＋', '－', '＠':
		return true
	}
	return false
}
