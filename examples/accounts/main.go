// Command accounts loads a CSV of debtor accounts into Credit Clear and writes
// a report with one line for each row of the file: whether it was accepted,
// what became of it, and what is wrong with it.
//
//	go run ./examples/accounts
//	go run ./examples/accounts -file debtors.csv -map "OutstandingAmount=Amount Due" -name nightly
//
// Without -live it starts a Credit Clear in the process and loads a made-up
// file of 50,000 rows, 60 of them bad, or your file; nothing leaves the
// machine. With -live it speaks to the real API, with the environment
// variables that -help lists.
//
// It may be stopped at any moment, and run again with the same name, file and
// ledger: only what was not accepted is sent, under the same references, and
// the report is that of all rows. The report holds personal data; the ledger
// and what is printed hold none.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/signal"
	"path/filepath"
	"strings"

	"github.com/ccr-sdk/ccr"
	"github.com/ccr-sdk/ccr/accounts"
	"github.com/ccr-sdk/ccr/accounts/files"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	switch err := run(ctx, os.Args[1:], os.Stdout, os.Stderr); {
	case err == nil, errors.Is(err, flag.ErrHelp):
	default:
		fmt.Fprintln(os.Stderr, "accounts:", err)
		stop()
		os.Exit(1) //nolint:gocritic // stop was called
	}
}

func run(ctx context.Context, args []string, stdout, stderr io.Writer, opts ...ccr.Option) error {
	o, err := parse(args, stderr)
	if err != nil {
		return err
	}
	client, closeVendor, err := connect(o, opts)
	if err != nil {
		return err
	}
	defer closeVendor()
	in, err := o.open()
	if err != nil {
		return err
	}
	defer in.Close() //nolint:errcheck // read only
	reader, err := files.NewAccountReader(in, o.read)
	if err != nil {
		return err
	}
	c := reader.Columns()
	fmt.Fprintf(stdout, "%s, delimiter %q; ignored: %s; not in the file: %s\n", c.Encoding, c.Comma, list(c.Ignored), list(c.Missing))

	ledger, err := ccr.OpenLedger(o.ledger)
	if err != nil {
		return err
	}
	defer ledger.Close() //nolint:errcheck // every entry is on disk already
	warnings := map[files.Rule]int{}
	rows := files.Preflight(reader.All(), files.PreflightOptions{Warn: func(w files.Warning) { warnings[w.Rule]++ }})
	job := client.SubmitAccounts(rows, accounts.SubmitOptions{
		Name: o.name, Ledger: ledger, MaxRows: o.batch, SkipInvalid: true, ContinueOnRejected: true, WaitProcessed: true, PollInterval: o.interval,
		Progress: func(p ccr.Progress) { fmt.Fprintf(stderr, "%d rows done with\n", p.Items) },
	})
	if err := report(o.report, func(w io.Writer) error { return files.WriteReport(w, job.Results(ctx)) }); err != nil {
		return err
	}
	for rule, n := range warnings {
		fmt.Fprintf(stdout, "%d warnings: %s\n", n, rule)
	}
	s := job.Summary()
	fmt.Fprintf(stdout, "%v\n%s has a line for each row\n", s, o.report)
	if !s.Complete {
		return fmt.Errorf("%d of %d rows were not accepted", s.Rows-s.Accepted, s.Rows)
	}
	return nil
}

// report writes a file that takes its name once it is whole.
func report(path string, write func(io.Writer) error) error {
	f, err := os.CreateTemp(filepath.Dir(path), ".report-*")
	if err != nil {
		return err
	}
	if err = errors.Join(write(f), f.Close()); err == nil {
		err = os.Rename(f.Name(), path)
	}
	if err != nil {
		return errors.Join(err, os.Remove(f.Name()))
	}
	return nil
}

func list(names []string) string {
	if len(names) == 0 {
		return "none"
	}
	return strings.Join(names, ", ")
}
