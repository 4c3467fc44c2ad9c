// Command decisioning has an open-banking profile analysed by Algoan and prints
// the scores and the main insights as a table.
//
//	go run ./examples/decisioning
//	go run ./examples/decisioning -profile person.json -webhook
//
// Without -live it starts an Algoan API in the process and sends it a made-up
// profile, or yours; nothing leaves the machine. That API scores by a fixed
// fixed figures, not by Algoan's engine. With -live it speaks to the real API,
// with the environment variables that -help lists:
//
//	go run ./examples/decisioning -live -profile person.json -customer C-1
//
// A profile is the body of "create an analysis": {"accounts":[…]}, as in
// Algoan's public samples. Its dates are moved to today with -today, since
// scores look at the last 90 days. With -webhook the result is not polled for:
// Algoan calls back. In live mode it must be able to reach -target, which a
// proxy of yours that speaks TLS forwards to -listen.
//
// The table shows sums and scores; no names, labels or account numbers.
package main

import (
	"bytes"
	"context"
	_ "embed"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/signal"
	"sync"
	"time"

	"github.com/ccr-sdk/ccr"
	"github.com/ccr-sdk/ccr/decisioning"
	"github.com/ccr-sdk/ccr/decisioning/decisioningtest"
)

//go:embed sample.json
var sample []byte

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	switch err := run(ctx, os.Args[1:], os.Stdout, os.Stderr); {
	case err == nil, errors.Is(err, flag.ErrHelp):
	default:
		fmt.Fprintln(os.Stderr, "decisioning:", err)
		if failed, ok := errors.AsType[*decisioning.AnalysisError](err); ok && failed.Message() != "" {
			fmt.Fprintln(os.Stderr, "Algoan says:", failed.Message())
		}
		stop()
		os.Exit(1) //nolint:gocritic // stop was called
	}
}

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

func run(ctx context.Context, args []string, stdout, stderr io.Writer) error {
	o, err := parse(args, stderr)
	if err != nil {
		return err
	}
	profile, err := read(o)
	if err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(ctx, o.timeout)
	defer cancel()
	app := ccr.WithApplication("ccr-example-decisioning", ccr.Version)
	j := &job{options: o, profile: profile, progress: stderr}
	if o.live {
		if j.client, err = decisioning.FromEnv(app); err != nil {
			return err
		}
	} else {
		if j.server, err = decisioningtest.NewServer(decisioningtest.Config{Business: o.business}); err != nil { //nolint:contextcheck // the server has a life of its own
			return err
		}
		defer j.server.Close()
		if j.client, err = j.server.Client(app); err != nil {
			return err
		}
	}
	analysis, err := j.analyse(ctx)
	if err != nil {
		return err
	}
	return show(stdout, profile, analysis)
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

// job is one analysis from its customer to its result.
type job struct {
	options
	profile  decisioning.AnalysisInput
	client   *decisioning.Client
	server   *decisioningtest.Server // nil in live mode
	progress io.Writer
	mu       sync.Mutex // events come on goroutines of their own
}

func (j *job) say(format string, args ...any) {
	j.mu.Lock()
	defer j.mu.Unlock()
	fmt.Fprintf(j.progress, format+"\n", args...)
}

func (j *job) analyse(ctx context.Context) (*decisioning.Analysis, error) {
	wait := j.poll
	if j.webhook {
		r, err := j.receive(ctx)
		if err != nil {
			return nil, err
		}
		defer r.close() //nolint:contextcheck // it must come about even if ctx has ended
		wait = r.wait
	}
	customer, err := j.client.EnsureCustomer(ctx, decisioning.NewCustomer{CustomIdentifier: j.customer})
	if err != nil {
		return nil, err
	}
	j.say("customer %s", customer.ID)
	analysis, err := j.client.CreateAnalysis(ctx, customer.ID, j.profile)
	if err != nil {
		return nil, err
	}
	j.say("analysis %s is %s", analysis.ID, analysis.Status)
	return wait(ctx, customer.ID, analysis.ID)
}

// poll asks until the analysis has ended.
func (j *job) poll(ctx context.Context, customerID, analysisID string) (*decisioning.Analysis, error) {
	poller := j.client.AnalysisPoller(customerID, analysisID).
		WithProgress(analysisID, func(p ccr.Progress) { j.say("look %d: %s", p.Items, p.State) })
	if !j.live {
		poller.WithInterval(ccr.PollInterval{Start: 20 * time.Millisecond})
	}
	j.say("to go on elsewhere: ResumeAnalysis(%q)", poller.ResumeToken())
	return poller.Wait(ctx)
}
