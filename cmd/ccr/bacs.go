package main

import (
	"context"
	"encoding/csv"
	"errors"
	"flag"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	"github.com/ccr-sdk/ccr"
	"github.com/ccr-sdk/ccr/gateway/bacs"
)

// read is a report and where it is from.
type read struct {
	file   string
	report *bacs.Report
}

// reports reads files, and the *.xml of folders. What cannot be read does not
// keep the others back; the error joins all failures.
func reports(args []string) ([]read, error) {
	if len(args) == 0 {
		return nil, usagef("at least one argument is needed: a report, or a folder of reports")
	}
	var out []read
	var failed error
	for _, arg := range args {
		paths := []string{arg}
		if st, err := os.Stat(arg); err == nil && st.IsDir() {
			entries, err := os.ReadDir(arg)
			failed = errors.Join(failed, err)
			paths = nil
			for _, e := range entries {
				if e.Type().IsRegular() && strings.EqualFold(filepath.Ext(e.Name()), ".xml") && !strings.HasPrefix(e.Name(), ".") {
					paths = append(paths, filepath.Join(arg, e.Name()))
				}
			}
		}
		for _, path := range paths {
			r, err := readReport(path)
			if r != nil {
				out = append(out, read{filepath.Base(path), r})
			}
			failed = errors.Join(failed, err)
		}
	}
	return out, failed
}

// readReport returns a report together with an error if some of its values
// could not be read.
func readReport(path string) (*bacs.Report, error) {
	file, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer file.Close()
	r, err := bacs.Parse(file)
	if err == nil {
		err = r.Err()
	}
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		err = fmt.Errorf("%s: %w", filepath.Base(path), err)
	}
	return r, err
}

func bacsShow(a *app, f *flag.FlagSet) func(context.Context, []string) error {
	asCSV := f.Bool("csv", false, "write CSV")
	asHTML := f.Bool("html", false, "write one page of HTML that needs nothing else")
	unmask := f.Bool("unmask", false, "show references in full: they are personal data")
	return func(_ context.Context, args []string) error {
		if n := count(a.json, *asCSV, *asHTML); n > 1 {
			return usagef("only one of -json, -csv and -html")
		}
		all, failed := reports(args)
		rows := []bacs.Row{}
		for _, r := range all {
			rows = append(rows, r.report.Rows(bacs.RowOptions{File: r.file, Unmasked: *unmask})...)
		}
		var err error
		switch {
		case *asCSV:
			err = a.csv(rows)
		case *asHTML:
			err = a.page(all, rows, *unmask)
		default:
			err = a.data(rows, table(rows))
		}
		if err == nil && !a.json && !*asCSV && !*asHTML {
			a.totals(all)
		}
		return errors.Join(err, failed)
	}
}

func count(flags ...bool) (n int) {
	for _, f := range flags {
		if f {
			n++
		}
	}
	return n
}

func table(rows []bacs.Row) [][]string {
	out := [][]string{{"REPORT", "REFERENCE", "AMOUNT", "DATE", "BY", "CODE", "REASON"}}
	for _, r := range rows {
		out = append(out, []string{string(r.Kind), r.Reference, amount(r.Amount), r.Date.String(), r.By.String(), r.Code, r.Reason})
	}
	return out
}

func amount(a ccr.Amount) string {
	if !a.IsSet() {
		return ""
	}
	return a.String()
}

func (a *app) csv(rows []bacs.Row) error {
	w := csv.NewWriter(a.out)
	w.UseCRLF = true
	_ = w.Write([]string{"report", "reference", "amount", "currency", "date", "code", "reason", "action", "by", "sure", "file", "record"})
	for _, r := range rows {
		line := []string{
			string(r.Kind), r.Reference, amount(r.Amount), r.Currency, r.Date.String(), r.Code, r.Reason, r.Action,
			r.By.String(), string(r.Sure), r.File, strconv.Itoa(r.Record),
		}
		for i, cell := range line {
			if i != 2 && cell != "" && strings.ContainsRune("=+-@\t\r", rune(cell[0])) {
				line[i] = "'" + cell // a spreadsheet would run it
			}
		}
		_ = w.Write(line)
	}
	w.Flush()
	return w.Error()
}

// total is what one report adds up to.
type total struct {
	File, Kind string
	Day        ccr.Date
	Items      int
	Amount     string // of the items that have one
	Stated     string // whether the report's own totals agree
}

func totalOf(r read) total {
	t := total{File: r.file, Kind: string(r.report.Kind), Day: r.report.Header.Day(), Stated: "none stated"}
	if t.Kind == "" {
		t.Kind = "other"
	}
	var sum int64
	known, some := true, false
	for item := range r.report.Reasoned() {
		t.Items++
		if amount := item.Affected().Amount; amount.IsSet() {
			minor, err := amount.MinorUnits(2)
			known, some = known && err == nil, true
			sum += minor
		}
	}
	switch {
	case !known:
		t.Amount = "not known"
	case some:
		t.Amount = ccr.AmountFromMinor(sum, 2).String()
	}
	var agree []bool
	for _, s := range r.report.ReturnTotals {
		if s.Stated {
			agree = append(agree, s.Agree())
		}
	}
	for _, s := range r.report.ClaimSections {
		agree = append(agree, s.Agree())
	}
	for _, file := range r.report.Files {
		agree = append(agree, file.Verdict().Agree())
	}
	switch {
	case slices.Contains(agree, false):
		t.Stated = "DIFFER: read the report"
	case len(agree) > 0:
		t.Stated = "agree"
	}
	return t
}

func (a *app) totals(all []read) {
	for _, r := range all {
		t := totalOf(r)
		of, sum := "", ""
		if !t.Day.IsZero() {
			of = " of " + t.Day.String()
		}
		if t.Amount != "" {
			sum = ", together " + t.Amount
		}
		a.say("%s: %s%s, %d items%s; its own totals: %s", printable(t.File), t.Kind, of, t.Items, sum, t.Stated)
	}
}

// task is a step of a decision, flat.
type task struct {
	By          ccr.Date   `json:"by,omitzero"`
	Sure        bacs.Sure  `json:"sure,omitempty"`
	Do          string     `json:"do"`
	ServiceUser string     `json:"serviceUser,omitempty"`
	Reference   string     `json:"reference,omitempty"`
	Amount      ccr.Amount `json:"amount,omitzero"`
	Because     []string   `json:"because"`
}

// When is the day for people.
func (t task) When() string {
	if t.By.IsZero() {
		return "before the next collection"
	}
	return t.By.String()
}

// Why are the reasons in one line.
func (t task) Why() string { return strings.Join(t.Because, "; ") }

// tasks are the steps of a worklist, those with the nearest day first.
func tasks(all []read, unmask bool) []task {
	list := make([]*bacs.Report, len(all))
	for i, r := range all {
		list[i] = r.report
	}
	var calendar bacs.Calendar
	out := []task{}
	for _, d := range calendar.Worklist(list...) {
		for _, s := range d.Steps {
			t := task{By: s.Deadline.By, Sure: s.Deadline.Sure, Do: string(s.Do), ServiceUser: d.ServiceUser, Reference: d.Reference, Amount: s.Amount}
			if !unmask {
				t.Reference = mask(t.Reference)
			}
			for _, e := range s.Because {
				t.Because = append(t.Because, e.Reason.String())
			}
			out = append(out, t)
		}
	}
	slices.SortStableFunc(out, func(x, y task) int {
		if x.By.IsZero() != y.By.IsZero() { // without a day: last
			return count(x.By.IsZero()) - count(y.By.IsZero())
		}
		return x.By.Compare(y.By)
	})
	return out
}

func bacsWorklist(a *app, f *flag.FlagSet) func(context.Context, []string) error {
	unmask := f.Bool("unmask", false, "show references in full: they are personal data")
	return func(_ context.Context, args []string) error {
		all, failed := reports(args)
		list := tasks(all, *unmask)
		rows := [][]string{{"BY", "DO", "SERVICE USER", "REFERENCE", "AMOUNT", "BECAUSE"}}
		for _, t := range list {
			rows = append(rows, []string{t.When(), t.Do, t.ServiceUser, t.Reference, amount(t.Amount), t.Why()})
		}
		return errors.Join(a.data(list, rows), failed)
	}
}
