package main

import (
	"errors"
	"fmt"
	"io"
	"os"
	"sync"
	"text/tabwriter"
	"time"

	"github.com/ccr-sdk/ccr"
	"github.com/ccr-sdk/ccr/gateway/bacs"
)

// printer writes results to out and what goes on to progress.
type printer struct {
	out, progress io.Writer

	mu   sync.Mutex
	last map[string]time.Time
	rows []row
}

// row is one line of the table.
type row struct {
	kind      bacs.Kind
	reference string
	amount    ccr.Amount
	reason    bacs.Reason
}

func (p *printer) say(format string, args ...any) {
	p.mu.Lock()
	defer p.mu.Unlock()
	fmt.Fprintf(p.progress, "  "+format+"\n", args...)
}

// follow prints progress of a file, at most four lines a second; reports may
// come several at once.
func (p *printer) follow(at ccr.Progress) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if !at.Done && time.Since(p.last[at.Name]) < time.Second/4 {
		return
	}
	if p.last == nil {
		p.last = map[string]time.Time{}
	}
	p.last[at.Name] = time.Now()
	size := fmt.Sprint(at.Bytes)
	if at.TotalBytes > 0 {
		size += fmt.Sprintf(" of %d", at.TotalBytes)
	}
	fmt.Fprintf(p.progress, "  %s %s: %s bytes %s\n", at.Operation, at.Name, size, at.State)
}

// report reads a report that has just come in. What cannot be read stays where
// it is, for a person to look at: it is in the folder and archived.
func (p *printer) report(r ccr.Received) error {
	f, err := os.Open(r.Location)
	if err != nil {
		return err
	}
	defer f.Close()
	reader, err := bacs.NewReader(f)
	if errors.Is(err, bacs.ErrNotXML) {
		fmt.Fprintf(p.out, "received   %s, %d bytes: not a Bacs report\n", r.Name, r.Size)
		return nil
	}
	if err != nil {
		fmt.Fprintf(p.out, "received   %s, %d bytes: %v\n", r.Name, r.Size, err)
		return nil
	}
	before := len(p.rows)
	for record, err := range reader.All() { // one by one: a report can be large
		if err != nil {
			fmt.Fprintf(p.out, "received   %s: %v\n", r.Name, err)
			return nil
		}
		if item, ok := record.(bacs.Reasoned); ok {
			a := item.Affected()
			p.rows = append(p.rows, row{a.Report, a.Reference, a.Amount, a.Reason})
		}
	}
	fmt.Fprintf(p.out, "received   %s, %d bytes: %s, %d items to look at\n", r.Name, r.Size, reader.Kind(), len(p.rows)-before)
	if err := reader.Err(); err != nil {
		fmt.Fprintf(p.out, "           %v\n", err)
	}
	return nil
}

// table prints everything that came back, with what to do about it.
func (p *printer) table() error {
	if len(p.rows) == 0 {
		_, err := fmt.Fprintln(p.out, "\nnothing came back")
		return err
	}
	fmt.Fprintln(p.out)
	w := tabwriter.NewWriter(p.out, 0, 4, 2, ' ', 0)
	fmt.Fprintln(w, "REPORT\tREFERENCE\tAMOUNT\tCODE\tREASON")
	actions := map[string]string{}
	var order []string
	for _, r := range p.rows {
		code := r.reason.Code
		if r.reason.Raw != "" {
			code = r.reason.Raw
		}
		meaning := r.reason.Meaning
		if !r.reason.Known {
			meaning = "not in the lists"
		}
		amount := ""
		if r.amount.IsSet() {
			amount = r.amount.String()
		}
		fmt.Fprintf(w, "%s\t%s\t%s\t%s\t%s\n", r.kind, r.reference, amount, code, meaning)
		if key := string(r.kind) + " " + r.reason.Code; r.reason.Action != "" && actions[key] == "" {
			actions[key] = r.reason.Action
			order = append(order, key)
		}
	}
	if err := w.Flush(); err != nil {
		return err
	}
	fmt.Fprintln(p.out, "\nWhat to do:")
	for _, key := range order {
		fmt.Fprintf(p.out, "  %-9s %s\n", key, actions[key])
	}
	return nil
}
