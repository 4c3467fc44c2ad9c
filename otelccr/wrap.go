package otelccr

import (
	"context"
	"errors"
	"iter"
	"time"

	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/metric"

	"github.com/ccr-sdk/ccr"
)

// Limiter wraps a limiter and records how long attempts wait for it.
func (t *Telemetry) Limiter(l ccr.Limiter) ccr.Limiter { return limiter{l, t} }

type limiter struct {
	ccr.Limiter
	t *Telemetry
}

func (l limiter) Wait(ctx context.Context) error {
	start := time.Now()
	err := l.Limiter.Wait(ctx)
	var attrs []attribute.KeyValue
	if err != nil {
		attrs = append(attrs, attribute.String("error.type", kind(err)))
	}
	l.t.wait.Record(ctx, time.Since(start).Seconds(), metric.WithAttributes(attrs...))
	return err
}

// Ledger wraps a ledger and records its operations, and the states and claims
// that are stored. It lists if l does.
func (t *Telemetry) Ledger(l ccr.Ledger) ccr.Ledger {
	if lister, ok := l.(ccr.LedgerLister); ok {
		return listingLedger{ledger{l, t}, lister}
	}
	return ledger{l, t}
}

type ledger struct {
	l ccr.Ledger
	t *Telemetry
}

type listingLedger struct {
	ledger
	lister ccr.LedgerLister
}

func (l ledger) Load(ctx context.Context, key string) (ccr.LedgerEntry, error) {
	start := time.Now()
	e, err := l.l.Load(ctx, key)
	failed := err
	if errors.Is(err, ccr.ErrNoEntry) {
		failed = nil // an answer, no failure
	}
	l.done(ctx, "load", start, failed)
	return e, err
}

func (l ledger) Store(ctx context.Context, e ccr.LedgerEntry) error {
	start := time.Now()
	err := l.l.Store(ctx, e)
	l.done(ctx, "store", start, err)
	result := "stored"
	switch {
	case errors.Is(err, ccr.ErrLedgerConflict):
		result = "conflict"
	case err != nil:
		result = "failed"
	}
	state := e.State
	if state == "" {
		state = "none"
	} else {
		state = among(state, states)
	}
	l.t.stores.Add(ctx, 1, metric.WithAttributes(
		attribute.String("ccr.service", among(e.Service, services)), attribute.String("ccr.ledger.state", state),
		attribute.Bool("ccr.ledger.claimed", e.Owner != ""), attribute.String("ccr.ledger.result", result)))
	return err
}

// List forwards to the ledger; its time ends with the range.
func (l listingLedger) List(ctx context.Context, q ccr.LedgerQuery) iter.Seq2[ccr.LedgerEntry, error] {
	return func(yield func(ccr.LedgerEntry, error) bool) {
		start := time.Now()
		var failed error
		defer func() { l.done(ctx, "list", start, failed) }()
		for e, err := range l.lister.List(ctx, q) {
			failed = err
			if !yield(e, err) {
				return
			}
		}
	}
}

func (l ledger) done(ctx context.Context, operation string, start time.Time, err error) {
	attrs := []attribute.KeyValue{attribute.String("ccr.ledger.operation", operation)}
	if err != nil {
		attrs = append(attrs, attribute.String("error.type", kind(err)))
	}
	l.t.operation.Record(ctx, time.Since(start).Seconds(), metric.WithAttributes(attrs...))
}
