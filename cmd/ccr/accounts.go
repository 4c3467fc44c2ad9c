package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"github.com/ccr-sdk/ccr"
	"github.com/ccr-sdk/ccr/accounts/files"
)

// finding is a fault or a warning of a row.
type finding struct {
	Line      int    `json:"line,omitzero"`
	Severity  string `json:"severity"` // fault: the row cannot be sent; warning: look at it
	Reference string `json:"reference,omitempty"`
	Path      string `json:"path,omitempty"`
	Rule      string `json:"rule,omitempty"`
	Message   string `json:"message"`
}

// checked is what accounts check found.
type checked struct {
	File     string    `json:"file"`
	Encoding string    `json:"encoding"`
	Comma    string    `json:"delimiter"`
	Columns  []string  `json:"columns"`
	Ignored  []string  `json:"ignored,omitempty"`
	Rows     int       `json:"rows"`
	Faulty   int       `json:"faulty"`
	Warnings int       `json:"warnings"`
	Findings []finding `json:"findings"`
	Cut      bool      `json:"cut,omitzero"` // there are more findings than -max
}

func accountsCheck(a *app, f *flag.FlagSet) func(context.Context, []string) error {
	unmask := f.Bool("unmask", false, "show references in full: they are personal data")
	strict := f.Bool("strict", false, "exit with 4 for warnings, too")
	limit := f.Int("max", 1000, "findings to list at most")
	ignore := f.Bool("ignore-unknown", false, "skip columns that are not known")
	decimalComma := f.Bool("decimal-comma", false, "amounts are written 12,50")
	dates := f.String("dates", "2006-01-02", "`layout` of dates, as in Go's package time")
	headers := headerFlag{}
	f.Var(headers, "header", "`Column=Header` of the file for a standard column; may be repeated")
	return func(ctx context.Context, args []string) error {
		path, err := oneArg(args, "the file to check")
		if err != nil {
			return err
		}
		file, err := os.Open(path)
		if err != nil {
			return err
		}
		defer file.Close()
		c := checked{File: filepath.Base(path), Findings: []finding{}}
		add := func(n finding) {
			if !*unmask {
				n.Reference = mask(n.Reference)
			}
			if len(c.Findings) >= *limit {
				c.Cut = true
				return
			}
			c.Findings = append(c.Findings, n)
		}
		warn := func(w files.Warning) {
			c.Warnings++
			add(finding{w.Line, "warning", w.Reference, w.Path, string(w.Rule), w.Message})
		}
		in, err := files.NewAccountReader(file, files.ReadOptions{
			File: c.File, Headers: headers, IgnoreUnknown: *ignore, DecimalComma: *decimalComma, DateLayout: *dates, Warn: warn,
		})
		if err != nil {
			return err
		}
		columns := in.Columns()
		c.Encoding, c.Comma, c.Columns, c.Ignored = string(columns.Encoding), string(columns.Comma), columns.Found, columns.Ignored
		for row, err := range files.Preflight(in.All(), files.PreflightOptions{Warn: warn}) {
			if ctx.Err() != nil {
				return ctx.Err()
			}
			if err != nil && row.Line == 0 {
				return err // not of a row: the file cannot be read on
			}
			c.Rows++
			if err == nil {
				continue
			}
			c.Faulty++
			e, ok := errors.AsType[*ccr.Error](err)
			if !ok || len(e.Fields) == 0 {
				add(finding{Line: row.Line, Severity: "fault", Reference: row.Value.ClientReferenceID, Message: err.Error()})
				continue
			}
			for _, fault := range e.Fields {
				add(finding{Line: row.Line, Severity: "fault", Reference: row.Value.ClientReferenceID, Path: fault.Path, Message: fault.Message})
			}
		}
		return a.checked(c, *strict)
	}
}

func (a *app) checked(c checked, strict bool) error {
	rows := [][]string{}
	for _, n := range c.Findings {
		rows = append(rows, []string{fmt.Sprint("line ", n.Line), n.Severity, n.Reference, n.Path, n.Message})
	}
	if err := a.data(c, rows); err != nil {
		return err
	}
	a.say("%s: %s, delimiter %q, %d rows, %d faulty, %d warnings", c.File, c.Encoding, c.Comma, c.Rows, c.Faulty, c.Warnings)
	if c.Cut {
		a.say("there are more findings; -max lists more")
	}
	if c.Faulty > 0 {
		return personError{fmt.Sprintf("%d rows cannot be sent: correct them in the source of the file", c.Faulty)}
	}
	if strict && c.Warnings > 0 {
		return personError{fmt.Sprintf("%d warnings to look at", c.Warnings)}
	}
	return nil
}

// headerFlag collects Column=Header.
type headerFlag map[string]string

func (h headerFlag) String() string { return "" }

func (h headerFlag) Set(s string) error {
	column, header, ok := strings.Cut(s, "=")
	if !ok {
		return errors.New("must be Column=Header")
	}
	h[column] = header
	return nil
}
