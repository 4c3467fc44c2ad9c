// Package otelccr makes OpenTelemetry traces and metrics of what clients of
// the SDK do. It is a module of its own.
//
//	telemetry, err := otelccr.New(otelccr.Options{})
//	client, err := gateway.FromEnv(ccr.WithMiddleware(telemetry.Middleware))
//	ledger := telemetry.Ledger(ledger)
//	received, err := client.Receive(ctx, sink, …)
//	telemetry.Received(ctx, "gateway", received, err)
//
// # Traces
//
// Each attempt of an HTTP call is a client span, token calls included, named
// by method and route template ("PUT /v1/account"), or by the operation where
// an API has one URL for all ("POST Upload").
//
// # Metrics
//
//	http.client.request.duration  s         histogram, one value for each attempt
//	ccr.client.resends            {request} counter of attempts beyond the first
//	ccr.limiter.wait.duration     s         histogram
//	ccr.ledger.operation.duration s         histogram, by load, store and list
//	ccr.ledger.stores             {entry}   counter, by state, by claimed or not, and by what came of it
//	ccr.receive.items             {item}    counter, by state
//	ccr.receive.age               s         gauge: since the last Receive that brought everything
//
// Names, units and bucket boundaries of the first are those of the semantic
// conventions for HTTP clients, 1.23 and later.
//
// # Personal data and cardinality
//
// What is recorded is chosen from fixed sets, not filtered: route templates,
// never URLs; statuses, never messages; states, never names, keys or owners.
// The only open value is the host of a vendor.
package otelccr

import (
	"context"
	"errors"
	"sync"
	"time"

	"go.opentelemetry.io/otel"
	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/metric"
	"go.opentelemetry.io/otel/trace"

	"github.com/ccr-sdk/ccr"
)

// scope names the instrumentation.
const scope = "github.com/ccr-sdk/ccr/otelccr"

// buckets are the boundaries that the HTTP semantic conventions advise, in
// seconds.
var buckets = []float64{0.005, 0.01, 0.025, 0.05, 0.075, 0.1, 0.25, 0.5, 0.75, 1, 2.5, 5, 7.5, 10}

// Options say where telemetry goes.
type Options struct {
	TracerProvider trace.TracerProvider // nil: the global one
	MeterProvider  metric.MeterProvider // nil: the global one
}

// Telemetry records what clients do. It is safe for concurrent use; one serves
// any number of clients.
type Telemetry struct {
	tracer                   trace.Tracer
	request, wait, operation metric.Float64Histogram
	resends, stores, items   metric.Int64Counter

	mu   sync.Mutex
	good map[string]time.Time // by service: the last good Receive, or the first at all
}

// New makes the instruments.
func New(o Options) (*Telemetry, error) {
	if o.TracerProvider == nil {
		o.TracerProvider = otel.GetTracerProvider()
	}
	if o.MeterProvider == nil {
		o.MeterProvider = otel.GetMeterProvider()
	}
	meter := o.MeterProvider.Meter(scope, metric.WithInstrumentationVersion(ccr.Version))
	t := &Telemetry{tracer: o.TracerProvider.Tracer(scope, trace.WithInstrumentationVersion(ccr.Version)), good: map[string]time.Time{}}
	var errs []error
	seconds := func(name, what string) metric.Float64Histogram {
		h, err := meter.Float64Histogram(name, metric.WithUnit("s"), metric.WithDescription(what), metric.WithExplicitBucketBoundaries(buckets...))
		errs = append(errs, err)
		return h
	}
	count := func(name, unit, what string) metric.Int64Counter {
		c, err := meter.Int64Counter(name, metric.WithUnit(unit), metric.WithDescription(what))
		errs = append(errs, err)
		return c
	}
	t.request = seconds("http.client.request.duration", "Duration of HTTP client requests.")
	t.wait = seconds("ccr.limiter.wait.duration", "Time that attempts waited for a limiter.")
	t.operation = seconds("ccr.ledger.operation.duration", "Duration of operations of a ledger.")
	t.resends = count("ccr.client.resends", "{request}", "Attempts beyond the first of a call.")
	t.stores = count("ccr.ledger.stores", "{entry}", "Entries that were stored in a ledger.")
	t.items = count("ccr.receive.items", "{item}", "Items that a Receive dealt with.")
	_, err := meter.Float64ObservableGauge("ccr.receive.age", metric.WithUnit("s"),
		metric.WithDescription("Time since the last Receive that brought everything, or since the first if none did."),
		metric.WithFloat64Callback(t.age))
	return t, errors.Join(append(errs, err)...)
}

// Received notes what a Receive of a service ("gateway", "sftp") returned.
func (t *Telemetry) Received(ctx context.Context, service string, items []ccr.Received, err error) {
	service = among(service, services)
	for _, i := range items {
		t.items.Add(ctx, 1, metric.WithAttributes(attribute.String("ccr.service", service),
			attribute.String("ccr.receive.state", among(string(i.State), received))))
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	if _, known := t.good[service]; !known || err == nil && ccr.Complete(items) {
		t.good[service] = time.Now()
	}
}

// age reports the time since the last good Receive of each service.
func (t *Telemetry) age(_ context.Context, o metric.Float64Observer) error {
	t.mu.Lock()
	defer t.mu.Unlock()
	for service, at := range t.good {
		o.Observe(time.Since(at).Seconds(), metric.WithAttributes(attribute.String("ccr.service", service)))
	}
	return nil
}

// The fixed sets that attributes are from.
var (
	services = []string{"accounts", "gateway", "decisioning", "sftp", "auth"}
	received = []string{
		string(ccr.Delivered), string(ccr.DeliveredBefore), string(ccr.DeliveredNotArchived), string(ccr.ClaimedElsewhere), string(ccr.ReceiveFailed),
	}
	states = []string{
		ccr.StateIntent, ccr.StateResolving, ccr.StateUnknown, ccr.StateSent, ccr.StateRefused, ccr.StateStaged, ccr.StateDelivered, ccr.StateArchived,
	}
)

// among returns v if it is in a set, and else a fixed word.
func among(v string, set []string) string {
	for _, s := range set {
		if v == s {
			return v
		}
	}
	return "_OTHER"
}
