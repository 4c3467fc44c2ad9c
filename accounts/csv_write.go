package accounts

import (
	"context"
	"encoding/csv"
	"errors"
	"fmt"
	"io"
	"iter"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/ccr-sdk/ccr"
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

// CSVWriteOptions say how a delimited file is written. Zero fields have defaults.
type CSVWriteOptions struct {
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

// CSVWriter writes a standard input file row by row (RFC 4180, CRLF). Cells
// that a spreadsheet would run as a formula get an apostrophe in front, which
// [ReadAccounts] takes off again; signed numbers and phone numbers stay as
// they are. It is not safe for concurrent use.
type CSVWriter[T any] struct {
	out     *csv.Writer
	o       CSVWriteOptions
	columns []*column[T] // that are written
	others  []*column[T] // that must stay unset
	check   func(*T) error
	cells   []string
	n       int64
	err     error
}

// NewAccountWriter writes a Debtor Accounts file. Line breaks within a cell
// become those of the file. The header goes out with the
// first row or Close.
func NewAccountWriter(w io.Writer, o CSVWriteOptions) (*CSVWriter[Account], error) {
	added := []string{"DueDate", "FirstName", "LastName", "CompanyName", "Email", "PostalCode"}
	return newCSVWriter(w, o, accountColumns(), added, func(a *Account) *Extra { return &a.Extra }, func(a *Account, v *validator, has func(string) bool) {
		a.validate(v)
		noColumn(v, "additionalInfo", a.AdditionalInfo != nil)
		noColumn(v, "sendInstantMessages", a.SendInstantMessages != nil)
		noColumn(v, "identityChallenges", a.IdentityChallenges != nil)
		noExtra(v, "", a.Extra, has)
		noExtra(v, "debtor.", a.Debtor.Extra, nil)
		if o.Mode == ActivePortfolio && a.Status != StatusActive {
			v.fault("status", "must be Active in Active Portfolio mode: leave the account out of the file to close it")
		}
	})
}

// NewClaimWriter writes a Third Party Claim file; see [NewAccountWriter]. A
// claim needs a first, last or company name.
func NewClaimWriter(w io.Writer, o CSVWriteOptions) (*CSVWriter[Claim], error) {
	return newCSVWriter(w, o, claimColumns(), nil, func(c *Claim) *Extra { return &c.Extra }, func(c *Claim, v *validator, has func(string) bool) {
		c.validate(v)
		if p := c.ThirdParty; p.FirstName == "" && p.LastName == "" && p.CompanyName == "" {
			v.fault("thirdParty", "needs a first, last or company name in a file")
		}
		noExtra(v, "", c.Extra, has)
		noExtra(v, "thirdParty.", c.ThirdParty.Extra, nil)
		noExtra(v, "claimExcess.", c.ClaimExcess.Extra, nil)
		if o.Mode == ActivePortfolio && c.Status != StatusActive {
			v.fault("status", "must be Active in Active Portfolio mode")
		}
	})
}

func noColumn(v *validator, name string, set bool) {
	if set {
		v.fault(name, "has no column in the file")
	}
}

func noExtra(v *validator, at string, x Extra, has func(string) bool) {
	for _, name := range x.names() {
		if has == nil || !has("Extra."+name) {
			v.fault(at+"extra", "has a member without a column in the file")
		}
	}
}

func newCSVWriter[T any](w io.Writer, o CSVWriteOptions, all []column[T], added []string, extra func(*T) *Extra, check func(*T, *validator, func(string) bool)) (*CSVWriter[T], error) {
	var f ccr.Faults
	cw := &CSVWriter[T]{out: csv.NewWriter(w), o: o}
	cw.out.UseCRLF = true
	if o.Comma != 0 {
		cw.out.Comma = o.Comma
	}
	if cw.o.DateLayout == "" {
		cw.o.DateLayout = time.DateOnly
	}
	chosen := o.Columns
	if chosen == nil {
		for _, c := range all {
			if c.shown || slices.Contains(added, c.name) {
				chosen = append(chosen, c.name)
			}
		}
	}
	for i, name := range chosen {
		c := find(all, name)
		if member, ok := strings.CutPrefix(name, "Extra."); ok && member != "" {
			x := extraColumn(name, member, extra)
			c = &x
		}
		switch {
		case c == nil:
			f.Addf(fmt.Sprintf("Columns[%d]", i), "is not a column of the file")
		case cw.writes(c.name):
			f.Addf(fmt.Sprintf("Columns[%d]", i), "is there twice")
		default:
			cw.columns = append(cw.columns, c)
		}
	}
	for i := range all {
		if !cw.writes(all[i].name) {
			cw.others = append(cw.others, &all[i])
		}
	}
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
	cw.check = func(t *T) error {
		var f ccr.Faults
		v := validator{f: &f, list: "rows", index: int(cw.n)}
		check(t, &v, cw.writes)
		for _, c := range cw.columns {
			if text, _ := c.get(t, cw.o.DateLayout); strings.Contains(strings.ReplaceAll(text, "\r\n", ""), "\r") {
				v.fault(c.path, "has a lone carriage return, which a CSV file cannot carry")
			}
		}
		for _, c := range cw.others {
			text, set := c.get(t, cw.o.DateLayout)
			if c.path == "status" && text == string(StatusActive) {
				continue // a file without a Status column has active rows
			}
			if set {
				v.fault(c.path, "has no column in the file; add "+c.name+" to Columns")
			}
		}
		return f.Err(service, "WriteCSV")
	}
	return cw, nil
}

func find[T any](all []column[T], name string) *column[T] {
	for i := range all {
		if all[i].name == name {
			return &all[i]
		}
	}
	return nil
}

func (w *CSVWriter[T]) writes(name string) bool {
	return slices.ContainsFunc(w.columns, func(c *column[T]) bool { return c.name == name })
}

// Write writes one row. A row that fails its checks (those of Validate, and
// that every field that is set has a column) is refused with all its faults,
// and the file goes on without it.
func (w *CSVWriter[T]) Write(row T) error {
	if w.err != nil {
		return w.err
	}
	if err := w.check(&row); err != nil {
		return err
	}
	if w.o.Rows > 0 && w.n == w.o.Rows {
		return fmt.Errorf("%w: it would have more than %d", ErrRowCount, w.o.Rows)
	}
	w.header()
	w.cells = w.cells[:0]
	for _, c := range w.columns {
		text, _ := c.get(&row, w.o.DateLayout)
		w.cells = append(w.cells, guard(text))
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
func (w *CSVWriter[T]) header() {
	if w.n > 0 || w.cells != nil {
		return
	}
	w.cells = make([]string, 0, len(w.columns))
	for _, c := range w.columns {
		name := c.name
		if h := w.o.Headers[name]; h != "" {
			name = h
		}
		w.cells = append(w.cells, name)
	}
	w.err = w.out.Write(w.cells)
}

// Rows is the number of rows written.
func (w *CSVWriter[T]) Rows() int64 { return w.n }

// Close flushes the file; it does not close the writer below. It fails with
// [ErrRowCount] if the file has not the number of rows that was promised:
// what was written must then be thrown away, not uploaded. [WriteAccountsFile]
// does that.
func (w *CSVWriter[T]) Close() error {
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

// WriteAccountsFile writes a Debtor Accounts file at path and returns it ready
// for upload. It is written under a temporary name beside it (mode 0600), and
// only takes its name once it is whole, has the number of rows that was
// promised, and is on disk. An error of the source, a faulty row or a missing
// one leaves what was at path as it was.
func WriteAccountsFile(ctx context.Context, path string, rows iter.Seq2[Row[Account], error], o CSVWriteOptions) (ccr.File, error) {
	return writeFile(ctx, path, rows, func(w io.Writer) (*CSVWriter[Account], error) { return NewAccountWriter(w, o) })
}

// WriteClaimsFile is [WriteAccountsFile] for a Third Party Claim file.
func WriteClaimsFile(ctx context.Context, path string, rows iter.Seq2[Row[Claim], error], o CSVWriteOptions) (ccr.File, error) {
	return writeFile(ctx, path, rows, func(w io.Writer) (*CSVWriter[Claim], error) { return NewClaimWriter(w, o) })
}

func writeFile[T any](ctx context.Context, path string, rows iter.Seq2[Row[T], error], open func(io.Writer) (*CSVWriter[T], error)) (file ccr.File, err error) {
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
	if err := errors.Join(w.Close(), f.Sync(), f.Close()); err != nil {
		return file, fmt.Errorf("accounts: the file was not written: %w", err)
	}
	if err := os.Rename(f.Name(), path); err != nil {
		return file, fmt.Errorf("accounts: write file: %w", err)
	}
	return ccr.FileFromPath(path), syncFolder(filepath.Dir(path))
}

func ignoreClosed(err error) error {
	if errors.Is(err, os.ErrClosed) {
		return nil
	}
	return err
}

// syncFolder makes the rename durable; Windows has no such call.
func syncFolder(path string) error {
	if runtime.GOOS == "windows" {
		return nil
	}
	d, err := os.Open(path)
	if err != nil {
		return err
	}
	return errors.Join(d.Sync(), d.Close())
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
