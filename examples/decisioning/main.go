// Command decisioning has an open-banking profile analysed by Algoan and prints
// the scores and the main insights as a table.
//
//	go run ./examples/decisioning
//	go run ./examples/decisioning -profile person.json -webhook
//
// Without -live it starts an Algoan API in the process and sends it a made-up
// profile, or yours; nothing leaves the machine. That API scores by
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
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/signal"
	"sync"

	"github.com/ccr-sdk/ccr"
	"github.com/ccr-sdk/ccr/decisioning"
	"github.com/ccr-sdk/ccr/decisioning/decisioningtest"
)

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

// job is one analysis from its customer to its result.
type job struct {
	options
	profile  decisioning.AnalysisInput
	client   *decisioning.Client
	server   *decisioningtest.Server // nil in live mode
	progress io.Writer
	mu       sync.Mutex // events come on goroutines of their own
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
