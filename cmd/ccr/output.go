package main

import (
	"bufio"
	"context"
	"encoding/json"
	"flag"
	"fmt"
	"os"
	"strings"
	"sync"
	"text/tabwriter"
	"time"

	"github.com/ccr-sdk/ccr"
)

// say writes a line for people.
func (a *app) say(format string, args ...any) { fmt.Fprintf(a.err, format+"\n", args...) }

// data writes v as JSON, or the rows as a table.
func (a *app) data(v any, rows [][]string) error {
	if a.json {
		enc := json.NewEncoder(a.out)
		enc.SetIndent("", "  ")
		enc.SetEscapeHTML(false)
		return enc.Encode(v)
	}
	t := tabwriter.NewWriter(a.out, 0, 4, 2, ' ', 0)
	for _, r := range rows {
		for i := range r {
			r[i] = printable(r[i])
		}
		fmt.Fprintln(t, strings.TrimRight(strings.Join(r, "\t"), "\t"))
	}
	return t.Flush()
}

// printable keeps a vendor's text from steering the terminal.
func printable(s string) string {
	return strings.Map(func(r rune) rune {
		if r < ' ' || r >= 0x7f && r < 0xa0 || r >= 0x202a && r <= 0x202e || r >= 0x2066 && r <= 0x2069 {
			return '?'
		}
		return r
	}, s)
}

// confirm asks before something that cannot be taken back.
func (a *app) confirm(format string, args ...any) error {
	if a.yes || a.dry {
		return nil
	}
	what := fmt.Sprintf(format, args...)
	if !a.asks {
		return usagef("%s: this needs -yes, since there is no terminal to ask on", what)
	}
	fmt.Fprintf(a.err, "%s? Type yes: ", what)
	line, _ := bufio.NewReader(a.in).ReadString('\n')
	if strings.TrimSpace(line) != "yes" {
		return usagef("not confirmed; nothing was done")
	}
	return nil
}

// progress shows how far transfers are, on a terminal only.
func (a *app) progress() ccr.ProgressFunc {
	if !a.redraw {
		return nil
	}
	var mu sync.Mutex
	var last time.Time
	return func(p ccr.Progress) {
		mu.Lock()
		defer mu.Unlock()
		if !p.Done && time.Since(last) < 200*time.Millisecond {
			return
		}
		last = time.Now()
		of := ""
		if p.TotalBytes > 0 {
			of = fmt.Sprintf(" of %d", p.TotalBytes)
		}
		end := ""
		if p.Done {
			end = "\n"
		}
		fmt.Fprintf(a.err, "\r\x1b[K%s %s: %d%s bytes%s", p.Operation, printable(p.Name), p.Bytes, of, end)
	}
}

// mask keeps the last three characters of a reference of eight or more.
func mask(s string) string {
	r := []rune(s)
	if len(r) < 8 {
		return strings.Repeat("*", len(r))
	}
	return strings.Repeat("*", len(r)-3) + string(r[len(r)-3:])
}

// openLedger opens the ledger of what is sent.
func openLedger(path string) (*ccr.FileLedger, error) {
	if path == "" {
		path = os.Getenv("CCR_LEDGER")
	}
	if path == "" {
		return nil, usagef("-ledger FILE or CCR_LEDGER is needed: without it, running this again would send twice")
	}
	return ccr.OpenLedger(path)
}

// received reports what a Receive dealt with.
func (a *app) received(items []ccr.Received, err error) error {
	type line struct {
		Name     string            `json:"name"`
		State    ccr.ReceivedState `json:"state"`
		Size     int64             `json:"size"`
		SHA256   string            `json:"sha256,omitempty"`
		Location string            `json:"location,omitempty"`
		Error    string            `json:"error,omitempty"`
	}
	lines := make([]line, 0, len(items))
	rows := [][]string{}
	for _, r := range items {
		l := line{r.Name, r.State, r.Size, r.SHA256, r.Location, ""}
		if r.Err != nil {
			l.Error = r.Err.Error()
		}
		lines = append(lines, l)
		rows = append(rows, []string{r.Name, string(r.State), fmt.Sprint(r.Size), r.Location})
	}
	if werr := a.data(lines, rows); err == nil {
		err = werr
	}
	if err == nil && !ccr.Complete(items) {
		err = elsewhereError{"not finished: another worker is at some of these; run this again later"}
	}
	return err
}

func version(a *app, _ *flag.FlagSet) func(context.Context, []string) error {
	return func(_ context.Context, args []string) error {
		if err := noArgs(args); err != nil {
			return err
		}
		return a.data(map[string]string{"version": ccr.Version}, [][]string{{"ccr " + ccr.Version}})
	}
}

func noArgs(args []string) error {
	if len(args) > 0 {
		return usagef("unexpected argument %q", args[0])
	}
	return nil
}

func oneArg(args []string, what string) (string, error) {
	if len(args) != 1 {
		return "", usagef("exactly one argument is needed: %s", what)
	}
	return args[0], nil
}
