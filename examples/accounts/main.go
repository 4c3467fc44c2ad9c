// Command accounts sends a CSV of debtor accounts to Credit Clear as a job,
// with progress on the way, prints the receipts, and follows each batch until
// its rows are processed.
//
//	go run ./examples/accounts
//	go run ./examples/accounts -file debtors.csv -map OutstandingAmount=AmountDue
//
// Without -live it starts a Credit Clear in the process and sends it made-up
// accounts, or your file; nothing leaves the machine. With -live it speaks to
// the real API, with the environment variables that -help lists:
//
//	go run ./examples/accounts -live -file debtors.csv -name nightly-2026-11-21 -ledger nightly.ledger
//
// It may be stopped at any moment and run again with the same name, file and
// ledger: only what was not accepted is sent, under the same references. The
// ledger and the output hold references and counts, no personal data.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"maps"
	"os"
	"os/signal"
	"slices"
	"strings"
	"text/tabwriter"
	"time"

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

// options are what the flags say.
type options struct {
	live       bool
	file       string
	headers    map[string]string
	ignore     bool
	name       string
	ledger     string
	rows       int
	batch      int
	atOnce     int
	skip       bool
	goOn       bool
	statusTime time.Duration
}

func parse(args []string, stderr io.Writer) (options, error) {
	o := options{headers: map[string]string{}}
	f := flag.NewFlagSet("accounts", flag.ContinueOnError)
	f.SetOutput(stderr)
	f.BoolVar(&o.live, "live", false, "speak to the real API, with a file of your own")
	f.StringVar(&o.file, "file", "", "`CSV` of debtor accounts, with Credit Clear's standard headers (default: made-up ones)")
	f.Func("map", "`COLUMN=HEADER`: your file calls a standard column by another header; repeatable", func(v string) error {
		column, header, ok := strings.Cut(v, "=")
		if !ok {
			return errors.New("want COLUMN=HEADER")
		}
		o.headers[column] = header
		return nil
	})
	f.BoolVar(&o.ignore, "ignore-unknown", false, "ignore columns with headers that are not known")
	f.StringVar(&o.name, "name", "", "`name` of this load: the same for a rerun, another one for each new load (required with -live)")
	f.StringVar(&o.ledger, "ledger", "", "`file` that remembers what was accepted (required with -live; default: none)")
	f.IntVar(&o.rows, "rows", 5000, "how many accounts to make up")
	f.IntVar(&o.batch, "batch", 1000, "the most rows in a batch")
	f.IntVar(&o.atOnce, "at-once", 2, "batches under way at a time")
	f.BoolVar(&o.skip, "skip-invalid", false, "go on after rows that cannot be sent")
	f.BoolVar(&o.goOn, "continue", false, "go on after batches that were rejected")
	f.DurationVar(&o.statusTime, "status", 10*time.Minute, "how long to wait for the batches to be processed; 0: do not")
	f.Usage = func() {
		fmt.Fprintln(stderr, "Usage of accounts:")
		f.PrintDefaults()
		fmt.Fprintf(stderr, "\nEnvironment variables that -live reads: %s, %s, %s (or %s_FILE), %s;\nor %s (or %s_FILE); optional %s, %s\n",
			accounts.EnvTokenURL, accounts.EnvClientID, accounts.EnvClientSecret, accounts.EnvClientSecret, accounts.EnvAudience,
			accounts.EnvToken, accounts.EnvToken, accounts.EnvBaseURL, accounts.EnvEnvironment)
	}
	if err := f.Parse(args); err != nil {
		return o, err
	}
	switch {
	case f.NArg() > 0:
		return o, fmt.Errorf("unexpected argument %q", f.Arg(0))
	case o.live && (o.file == "" || o.name == "" || o.ledger == ""):
		return o, errors.New("-live needs -file CSV, -name NAME and -ledger FILE: made-up accounts are not for the real API, and a load without a memory cannot be resumed")
	}
	if o.name == "" {
		o.name = "example"
	}
	return o, nil
}

func run(ctx context.Context, args []string, stdout, stderr io.Writer) error {
	o, err := parse(args, stderr)
	if err != nil {
		return err
	}
	app := ccr.WithApplication("ccr-example-accounts", ccr.Version)
	var client accounts.API
	var interval ccr.PollInterval
	if o.live {
		if client, err = accounts.FromEnv(app); err != nil {
			return err
		}
	} else {
		srv, err := startVendor()
		if err != nil {
			return err
		}
		defer srv.Close()
		if client, err = srv.Client(app); err != nil {
			return err
		}
		interval.Start = 50 * time.Millisecond // a vendor in the process is not spared
	}
	in, closeFile, err := open(o)
	if err != nil {
		return err
	}
	defer closeFile()
	receipts, err := submit(ctx, client, o, in, stdout, stderr)
	if err != nil {
		return err
	}
	if o.statusTime == 0 {
		return nil
	}
	ctx, cancel := context.WithTimeout(ctx, o.statusTime)
	defer cancel()
	return follow(ctx, client, receipts, interval, stdout, stderr)
}

// open opens the file, or makes one up.
func open(o options) (io.Reader, func(), error) {
	if o.file == "" {
		r, err := madeUp(o.rows)
		return r, func() {}, err
	}
	f, err := os.Open(o.file)
	if err != nil {
		return nil, nil, err
	}
	return f, func() { f.Close() }, nil //nolint:errcheck // read only
}

// submit runs the job and prints a line for each batch.
func submit(ctx context.Context, client accounts.API, o options, in io.Reader, stdout, stderr io.Writer) ([]*accounts.Receipt, error) {
	var job *accounts.Job
	so := accounts.SubmitOptions{
		Name: o.name, MaxRows: o.batch, Concurrency: o.atOnce, SkipInvalid: o.skip, ContinueOnRejected: o.goOn,
		Progress: func(ccr.Progress) {
			s := job.Summary()
			fmt.Fprintf(stderr, "%d rows read, %d accepted in %d batches, %.1f MB, %.0f rows/s\n", s.Rows, s.Accepted, s.Batches, float64(s.Bytes)/1e6, s.Rate())
		},
	}
	if o.ledger != "" {
		ledger, err := ccr.OpenLedger(o.ledger)
		if err != nil {
			return nil, err
		}
		defer ledger.Close()
		so.Ledger = ledger
	}
	reader, err := files.NewAccountReader(in, files.ReadOptions{Headers: o.headers, IgnoreUnknown: o.ignore, Optional: []string{"InvoiceNumber", "Status"}})
	if err != nil {
		return nil, err
	}
	job = client.SubmitAccounts(reader.All(), so)
	t := tabwriter.NewWriter(stdout, 0, 0, 2, ' ', 0)
	fmt.Fprintln(t, "ROWS\tREFERENCE\tRESULT")
	var receipts []*accounts.Receipt
	var failed error
	for r, err := range job.Batches(ctx) {
		result := "accepted"
		switch {
		case err != nil:
			result = "failed"
			failed = errors.Join(failed, err)
		case r.Recorded:
			result = "accepted by an earlier run"
		case r.PresumedAccepted:
			result = "presumed accepted"
		}
		if err == nil {
			receipts = append(receipts, r)
		}
		if r == nil {
			continue // the error is of the job, not of rows
		}
		fmt.Fprintf(t, "%d–%d\t%s\t%s\n", r.FirstRow, r.LastRow, r.Reference, result)
	}
	if err := t.Flush(); err != nil {
		return nil, err
	}
	fmt.Fprintf(stdout, "\n%v\n", job.Summary())
	return receipts, failed
}

// follow waits until the batches are processed and prints what became of
// their rows.
func follow(ctx context.Context, client accounts.API, receipts []*accounts.Receipt, interval ccr.PollInterval, stdout, stderr io.Writer) error {
	done, left := 0, []string{}
	words := map[string]int{}
	var failed []string
	pollers := make([]*ccr.Poller[*accounts.BatchStatus], len(receipts))
	for i := range receipts {
		pollers[i] = client.BatchPoller(receipts[i]).WithInterval(interval)
	}
	for i, b := range ccr.WaitAll(ctx, 2, pollers...) {
		switch {
		case errors.Is(b.Err, accounts.ErrNoStatus):
			fmt.Fprintf(stderr, "%s: accepted, without a status to follow\n", receipts[i].Reference)
			continue
		case b.Err != nil:
			fmt.Fprintf(stderr, "%s: %v\n", receipts[i].Reference, b.Err)
			left = append(left, pollers[i].ResumeToken())
			continue
		}
		done++
		fmt.Fprintf(stderr, "%d of %d batches processed\n", done, len(receipts))
		for _, i := range b.Value.Items {
			words[i.Word]++
			if i.State == accounts.StateFailed {
				failed = append(failed, i.Reference)
			}
		}
	}
	for _, w := range slices.Sorted(maps.Keys(words)) {
		fmt.Fprintf(stdout, "%6d %s\n", words[w], w)
	}
	if len(failed) > 0 {
		fmt.Fprintf(stdout, "failed: %s\n", strings.Join(failed[:min(len(failed), 20)], ", "))
	}
	if len(left) > 0 {
		return fmt.Errorf("%d batches were not seen to the end; resume later with these tokens:\n%s", len(left), strings.Join(left, "\n"))
	}
	return nil
}
