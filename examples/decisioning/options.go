package main

import (
	"bytes"
	_ "embed"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"time"

	"github.com/ccr-sdk/ccr/decisioning"
)

//go:embed sample.json
var sample []byte

// options are what the flags say.
type options struct {
	live     bool
	profile  string
	customer string
	business bool
	today    bool
	webhook  bool
	target   string
	listen   string
	timeout  time.Duration
}

// envWebhookSecret keys the signatures of events in live mode.
const envWebhookSecret = "CCR_DECISIONING_WEBHOOK_SECRET"

func parse(args []string, stderr io.Writer) (options, error) {
	var o options
	f := flag.NewFlagSet("decisioning", flag.ContinueOnError)
	f.SetOutput(stderr)
	f.BoolVar(&o.live, "live", false, "speak to the real API, with a profile of your own")
	f.StringVar(&o.profile, "profile", "", "`file` with accounts and transactions (default: a made-up one; required with -live)")
	f.StringVar(&o.customer, "customer", "", "your own `identifier` of the customer (default: sample; required with -live)")
	f.BoolVar(&o.business, "business", false, "the project analyses professional accounts")
	f.BoolVar(&o.today, "today", false, "move the profile's dates so that its balance is of today")
	f.BoolVar(&o.webhook, "webhook", false, "wait for an event instead of asking")
	f.StringVar(&o.target, "target", "", "with -live -webhook: the https `URL` that Algoan calls")
	f.StringVar(&o.listen, "listen", "127.0.0.1:8080", "with -live -webhook: the `address` that your TLS proxy forwards to")
	f.DurationVar(&o.timeout, "timeout", 5*time.Minute, "how long to wait for the result")
	f.Usage = func() {
		fmt.Fprintln(stderr, "Usage of decisioning:")
		f.PrintDefaults()
		fmt.Fprintf(stderr, "\nEnvironment variables that -live reads: %s, %s (or %s_FILE),\noptional %s, %s, %s; with -webhook %s (or %s_FILE)\n",
			decisioning.EnvClientID, decisioning.EnvClientSecret, decisioning.EnvClientSecret,
			decisioning.EnvBaseURL, decisioning.EnvTokenURL, decisioning.EnvEnvironment, envWebhookSecret, envWebhookSecret)
	}
	if err := f.Parse(args); err != nil {
		return o, err
	}
	switch {
	case f.NArg() > 0:
		return o, fmt.Errorf("unexpected argument %q", f.Arg(0))
	case o.live && (o.profile == "" || o.customer == ""):
		return o, errors.New("-live needs -profile FILE and -customer IDENTIFIER: the made-up profile is not for the real API")
	case o.live && o.webhook && o.target == "":
		return o, errors.New("-live -webhook needs -target URL: where Algoan reaches you")
	}
	if o.customer == "" {
		o.customer = "sample"
	}
	return o, nil
}

// read reads the profile and checks it, before anything is sent.
func read(o options) (decisioning.AnalysisInput, error) {
	b := sample
	if o.profile != "" {
		var err error
		if b, err = os.ReadFile(o.profile); err != nil {
			return decisioning.AnalysisInput{}, err
		}
	}
	in, err := decisioning.ReadProfile(bytes.NewReader(b))
	if err != nil {
		return in, err
	}
	if o.business {
		in.Skip = append(in.Skip, decisioning.PreconditionUsage)
	}
	if o.today {
		if in, err = in.ShiftedTo(time.Now()); err != nil {
			return in, err
		}
	}
	return in, in.Validate()
}
