// Command gateway uploads a collections file to the Clear Direct Debit bureau,
// watches for reports, receives them into a folder, and prints a table of what
// came back and why.
//
//	go run ./examples/gateway
//
// Without -live it starts a bureau in the process and sends it a made-up file;
// nothing leaves the machine. With -live it speaks to the real bureau, with
// the environment variables that -help lists:
//
//	go run ./examples/gateway -live -file COLLECTIONS_20261121.csv -reports reports
//	go run ./examples/gateway -live -reports reports          # receive only
//
// It may be stopped at any moment and run again: no file is sent twice, no
// report is lost or delivered twice. What it sent is remembered in the reports
// folder. The table names references, amounts and reasons, no payers.
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
	"time"

	"github.com/ccr-sdk/ccr"
	"github.com/ccr-sdk/ccr/gateway"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	switch err := run(ctx, os.Args[1:], os.Stdout, os.Stderr); {
	case err == nil, errors.Is(err, flag.ErrHelp):
	default:
		fmt.Fprintln(os.Stderr, "gateway:", err)
		stop()
		os.Exit(1) //nolint:gocritic // stop was called
	}
}

// options are what the flags say.
type options struct {
	live      bool
	file      string
	overwrite bool
	reports   string
	every     time.Duration
	rounds    int
	atOnce    int
}

func parse(args []string, stderr io.Writer) (options, error) {
	var o options
	f := flag.NewFlagSet("gateway", flag.ContinueOnError)
	f.SetOutput(stderr)
	f.BoolVar(&o.live, "live", false, "speak to the real bureau, with a file of your own")
	f.StringVar(&o.file, "file", "", "collections `file` to upload, in the form agreed with the bureau (default: a made-up one; with -live: none)")
	f.BoolVar(&o.overwrite, "overwrite", false, "replace a file of the same name at the bureau")
	f.StringVar(&o.reports, "reports", "", "`folder` for reports (default: a temporary one, removed at the end; required with -live)")
	f.DurationVar(&o.every, "every", 0, "how often to look for reports (default 5m with -live, else 1s)")
	f.IntVar(&o.rounds, "rounds", 0, "end after this many looks (default: with -live, when interrupted; else when all has come)")
	f.IntVar(&o.atOnce, "at-once", 2, "reports to fetch at once")
	f.Usage = func() {
		fmt.Fprintln(stderr, "Usage of gateway:")
		f.PrintDefaults()
		fmt.Fprintf(stderr, "\nEnvironment variables that -live reads: %s (or %s_FILE), %s, %s,\noptional %s, %s\n",
			gateway.EnvAPIKey, gateway.EnvAPIKey, gateway.EnvUsername, gateway.EnvIP, gateway.EnvBaseURL, gateway.EnvEnvironment)
	}
	if err := f.Parse(args); err != nil {
		return o, err
	}
	switch {
	case f.NArg() > 0:
		return o, fmt.Errorf("unexpected argument %q", f.Arg(0))
	case o.live && o.reports == "":
		return o, errors.New("-live needs -reports FOLDER: reports are archived at the bureau once they are there")
	}
	if o.every == 0 {
		o.every = time.Second
		if o.live {
			o.every = 5 * time.Minute
		}
	}
	return o, nil
}

func run(ctx context.Context, args []string, stdout, stderr io.Writer) error {
	o, err := parse(args, stderr)
	if err != nil {
		return err
	}
	if o.reports == "" {
		if o.reports, err = os.MkdirTemp("", "ccr-gateway-"); err != nil {
			return err
		}
		defer os.RemoveAll(o.reports)
	}
	p := &printer{out: stdout, progress: stderr}
	if o.live {
		client, err := gateway.FromEnv(ccr.WithApplication("ccr-example-gateway", ccr.Version))
		if err != nil {
			return err
		}
		return work(ctx, client, o, p, func() bool { return false })
	}
	b, err := startBureau(&o)
	if err != nil {
		return err
	}
	defer b.srv.Close()
	client, err := b.srv.Client(ccr.WithApplication("ccr-example-gateway", ccr.Version))
	if err != nil {
		return err
	}
	return work(ctx, client, o, p, b.step)
}

// work is the whole job; done tells after each look whether it was the last.
func work(ctx context.Context, client gateway.API, o options, p *printer, done func() bool) error {
	if err := os.MkdirAll(o.reports, 0o700); err != nil {
		return err
	}
	if o.file != "" {
		if err := upload(ctx, client, o, p); err != nil {
			return err
		}
	}
	looks := 0
	for received, err := range client.Watch(ctx, ccr.DirSink(o.reports), o.every, gateway.ReceiveOptions{Concurrency: o.atOnce, Progress: p.follow}) {
		if err != nil {
			p.say("%v", err) // what failed is tried again at the next look
		}
		for _, r := range received {
			if r.State == ccr.Delivered {
				if err := p.report(r); err != nil {
					return err
				}
			}
		}
		if looks++; looks == o.rounds || done() {
			break
		}
	}
	return p.table()
}

// upload sends the file, unless an earlier run did.
func upload(ctx context.Context, client gateway.API, o options, p *printer) error {
	ledger, err := ccr.OpenLedger(filepath.Join(o.reports, ".sent.ledger"))
	if err != nil {
		return err
	}
	defer ledger.Close()
	result, err := client.Upload(ctx, gateway.UploadRequest{
		Files: []ccr.File{ccr.FileFromPath(o.file)}, Overwrite: o.overwrite, Ledger: ledger, Progress: p.follow,
	})
	if err != nil {
		return err // if nobody knows whether it arrived, it says how to find out
	}
	for _, f := range result.Files {
		fmt.Fprintf(p.out, "uploaded   %s, %d bytes: %s\n", f.Name, f.Size, f.State)
	}
	return nil
}
