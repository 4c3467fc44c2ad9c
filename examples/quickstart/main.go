// Command quickstart runs the four flows of ccr end to end: debtor accounts
// into Credit Clear, a collections file and a report through the Clear Direct
// Debit bureau, a credit decision by Algoan, and files through an SFTP drop
// folder.
//
//	go run ./examples/quickstart
//
// Without flags it starts in-process servers of all four vendors on loopback
// and sends them the samples that are part of the program. -accounts,
// -collections and -profile take files of your own. With -live FLOW, one flow
// goes to the real vendor, with your own file and the environment variables
// that -help lists; the samples never leave the machine.
//
// The exit code is 0 only if everything checked out.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/signal"
	"time"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	err := run(ctx, os.Args[1:], os.Stdout, os.Stderr)
	switch {
	case errors.Is(err, flag.ErrHelp):
	case err != nil:
		fmt.Fprintln(os.Stderr, "quickstart:", err)
		stop()
		os.Exit(1) //nolint:gocritic // stop was called
	}
}

// options are what the flags say.
type options struct {
	accounts, collections, profile string
	live, out                      string
	timeout                        time.Duration
}

func parse(args []string, stderr io.Writer) (options, error) {
	var o options
	f := flag.NewFlagSet("quickstart", flag.ContinueOnError)
	f.SetOutput(stderr)
	f.StringVar(&o.accounts, "accounts", "", "CSV `file` of debtor accounts (default: the embedded sample of 2,400)")
	f.StringVar(&o.collections, "collections", "", "collections `file` for the bureau (default: the embedded sample)")
	f.StringVar(&o.profile, "profile", "", "open-banking profile, JSON `file` (default: the embedded sample)")
	f.StringVar(&o.live, "live", "", "send one `flow` to the real vendor: accounts, gateway, decisioning or sftp")
	f.StringVar(&o.out, "out", "", "`folder` for what is received (default: a temporary one, removed at the end)")
	f.DurationVar(&o.timeout, "timeout", 5*time.Minute, "end everything after this long")
	f.Usage = func() {
		fmt.Fprintln(stderr, "Usage of quickstart:")
		f.PrintDefaults()
		fmt.Fprint(stderr, "\nEnvironment variables that -live reads (a secret X can be given as X_FILE, the name of a file that holds it):\n", environment)
	}
	if err := f.Parse(args); err != nil {
		return o, err
	}
	if f.NArg() > 0 {
		return o, fmt.Errorf("unexpected argument %q", f.Arg(0))
	}
	return o, o.checkLive()
}

func run(ctx context.Context, args []string, stdout, stderr io.Writer) error {
	o, err := parse(args, stderr)
	if err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(ctx, o.timeout)
	defer cancel()
	keep := o.out != ""
	if !keep {
		if o.out, err = os.MkdirTemp("", "ccr-quickstart-"); err != nil {
			return err
		}
		defer os.RemoveAll(o.out)
	}
	r, start := &report{progress: stderr}, time.Now()
	var errs []error
	for _, flow := range flows() {
		if o.live != "" && o.live != flow.name {
			continue
		}
		if err := flow.run(ctx, o, r.flow(flow.name)); err != nil {
			r.flow(flow.name).add("FAILED", err.Error())
			errs = append(errs, fmt.Errorf("%s: %w", flow.name, err))
		}
	}
	r.print(stdout, time.Since(start))
	if keep {
		fmt.Fprintf(stdout, "\nReceived files are in %s.\n", o.out)
	}
	if o.live == "" {
		fmt.Fprint(stdout, goLive)
	}
	return errors.Join(errs...)
}

// flow is one of the four.
type flow struct {
	name string
	run  func(ctx context.Context, o options, r *section) error
}

func flows() []flow {
	return []flow{
		{"accounts", runAccounts},
		{"gateway", runGateway},
		{"decisioning", runDecisioning},
		{"sftp", runSFTP},
	}
}
