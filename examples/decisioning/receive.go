package main

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"net/http"
	"time"

	"github.com/ccr-sdk/ccr"
	"github.com/ccr-sdk/ccr/decisioning"
)

// receiver waits for the event that an analysis has ended.
type receiver struct {
	client *decisioning.Client
	hook   *decisioning.WebhookHandler
	server *http.Server // nil without -live
	ended  chan string  // ids of analyses
	failed chan error   // why it cannot listen
}

// receive subscribes before anything is analysed, so that no event is missed.
func (j *job) receive(ctx context.Context) (*receiver, error) {
	secret, target := ccr.NewSecret(rand.Text()), "https://receiver.invalid/algoan" // the in-process API calls the handler itself
	if j.live {
		var err error
		if secret, err = ccr.SecretFromEnv(envWebhookSecret); err != nil {
			return nil, err
		}
		target = j.target
	}
	r := &receiver{client: j.client, ended: make(chan string, 16), failed: make(chan error, 1)}
	var err error
	r.hook, err = decisioning.NewWebhookHandler(decisioning.WebhookConfig{
		Secrets: []ccr.Secret{secret},
		Events:  j.client,
		Handle: func(ctx context.Context, e decisioning.Event) error {
			j.say("event %q", e.Name)
			switch e.Name {
			case decisioning.EventAnalysisCompleted, decisioning.EventAnalysisFailed:
			default:
				return decisioning.ErrUnknownEvent
			}
			select {
			case r.ended <- e.AnalysisID:
				return nil
			case <-ctx.Done():
				return ctx.Err()
			}
		},
	})
	if err != nil {
		return nil, err
	}
	if j.live {
		r.server = &http.Server{Addr: j.listen, Handler: r.hook, ReadHeaderTimeout: 10 * time.Second}
		go func() { r.failed <- r.server.ListenAndServe() }()
		j.say("listening for events on %s", j.listen)
	} else {
		j.server.DeliverTo(r.hook)
	}
	subscriptions, err := j.client.EnsureSubscriptions(ctx, []decisioning.NewSubscription{
		{EventName: decisioning.EventAnalysisCompleted, Target: target, Secret: secret},
		{EventName: decisioning.EventAnalysisFailed, Target: target, Secret: secret},
	})
	if err != nil {
		r.close() //nolint:contextcheck // it must come about even if ctx has ended
		return nil, err
	}
	for _, s := range subscriptions {
		j.say("subscription %s to %s is %s", s.ID, s.EventName, s.Status)
	}
	return r, nil
}

// wait ends with the event of the analysis. An event is only a hint: what it is
// about is read from the API, which knows, too, if the event came too early.
func (r *receiver) wait(ctx context.Context, customerID, analysisID string) (*decisioning.Analysis, error) {
	for {
		select {
		case id := <-r.ended:
			if id == analysisID {
				return r.client.WaitAnalysis(ctx, customerID, analysisID)
			}
		case err := <-r.failed:
			return nil, err
		case <-ctx.Done():
			return nil, errors.Join(errors.New("no event came"), context.Cause(ctx))
		}
	}
}

func (r *receiver) close() {
	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
	defer cancel()
	if r.server != nil {
		r.server.Shutdown(ctx) //nolint:errcheck // the program ends either way
	}
	r.hook.Close(ctx) //nolint:errcheck // likewise
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

// say writes a line about how far it is.
func (j *job) say(format string, args ...any) {
	j.mu.Lock()
	defer j.mu.Unlock()
	fmt.Fprintf(j.progress, format+"\n", args...)
}
