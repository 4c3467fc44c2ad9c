package main

import (
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/ccr-sdk/ccr"
	"github.com/ccr-sdk/ccr/accounts"
	"github.com/ccr-sdk/ccr/accounts/files"
)

// options are what the flags say.
type options struct {
	live                       bool
	file, name, ledger, report string
	read                       files.ReadOptions
	rows, batch                int
	interval                   ccr.PollInterval
}

func parse(args []string, stderr io.Writer) (options, error) {
	o := options{read: files.ReadOptions{Headers: map[string]string{}, Unique: true}}
	f := flag.NewFlagSet("accounts", flag.ContinueOnError)
	f.SetOutput(stderr)
	f.BoolVar(&o.live, "live", false, "speak to the real API, with a file of your own")
	f.StringVar(&o.file, "file", "", "`CSV` of debtor accounts (default: a made-up one)")
	f.Func("map", "`COLUMN=HEADER`: the file calls a standard column by another header; repeatable", func(v string) error {
		column, header, ok := strings.Cut(v, "=")
		if !ok {
			return errors.New("want COLUMN=HEADER")
		}
		o.read.Headers[column] = header
		return nil
	})
	f.Func("optional", "`COLUMN` that the file may lack though it is required; repeatable", func(v string) error {
		o.read.Optional = append(o.read.Optional, v)
		return nil
	})
	f.BoolVar(&o.read.IgnoreUnknown, "ignore-unknown", false, "ignore columns with headers that are not known")
	f.BoolVar(&o.read.DecimalComma, "decimal-comma", false, "read amounts as 1.234,50")
	f.StringVar(&o.read.DateLayout, "dates", "", "`layout` of dates, as in Go's package time (default 2006-01-02)")
	f.StringVar(&o.name, "name", "example", "`name` of this load: the same for a rerun, another one for each new load")
	f.StringVar(&o.ledger, "ledger", "", "`file` that remembers what was accepted (default: NAME.ledger)")
	f.StringVar(&o.report, "report", "", "`file` for the report (default: NAME.report.csv)")
	f.IntVar(&o.rows, "rows", 50_000, "how many accounts to make up")
	f.IntVar(&o.batch, "batch", 1000, "the most rows in a batch")
	f.DurationVar(&o.interval.Start, "poll", 0, "how soon a batch is polled (default: as the SDK does)")
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
	case o.live && o.file == "":
		return o, errors.New("-live needs -file CSV: made-up accounts are not for the real API")
	}
	o.read.File = filepath.Base(o.file)
	if o.file == "" {
		o.read = madeUpOptions()
	}
	if o.ledger == "" {
		o.ledger = o.name + ".ledger"
	}
	if o.report == "" {
		o.report = o.name + ".report.csv"
	}
	if !o.live && o.interval.Start == 0 {
		o.interval.Start = 20 * time.Millisecond // a vendor in the process is not spared
	}
	return o, nil
}

// open opens the file, or makes one up.
func (o *options) open() (io.ReadCloser, error) {
	if o.file != "" {
		return os.Open(o.file)
	}
	file, _, err := madeUp(o.rows)
	return io.NopCloser(file), err
}
