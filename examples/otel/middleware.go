package main

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"net/http"
	"time"

	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/codes"
	"go.opentelemetry.io/otel/metric"
	"go.opentelemetry.io/otel/trace"

	"github.com/ccr-sdk/ccr"
	"github.com/ccr-sdk/ccr/sftp"
)

// scope names this instrumentation.
const scope = "github.com/ccr-sdk/ccr/examples/otel"

// telemetry makes spans and metrics of the SDK's requests. What it records is
// chosen, not filtered: route templates, never URLs, so that no id, query or
// body can get into a span.
type telemetry struct {
	tracer   trace.Tracer
	duration metric.Float64Histogram
	bytes    metric.Int64Counter
}

func newTelemetry(tp trace.TracerProvider, mp metric.MeterProvider) (*telemetry, error) {
	meter := mp.Meter(scope)
	duration, err1 := meter.Float64Histogram("http.client.request.duration", metric.WithUnit("s"), metric.WithDescription("Duration of one attempt."))
	bytes, err2 := meter.Int64Counter("ccr.sftp.bytes", metric.WithUnit("By"), metric.WithDescription("Bytes moved by SFTP."))
	return &telemetry{tp.Tracer(scope), duration, bytes}, errors.Join(err1, err2)
}

// middleware is given to each HTTP client with ccr.WithMiddleware. It sees
// every attempt, token calls included.
func (t *telemetry) middleware(next http.RoundTripper) http.RoundTripper {
	return roundTripper(func(r *http.Request) (*http.Response, error) {
		route, ok := ccr.RouteFromContext(r.Context())
		if !ok {
			return next.RoundTrip(r)
		}
		attrs := []attribute.KeyValue{
			attribute.String("ccr.service", route.Service),
			attribute.String("ccr.operation", route.Operation),
			attribute.String("http.request.method", r.Method),
			attribute.String("url.template", route.Template),
			attribute.String("server.address", r.URL.Hostname()),
		}
		what := route.Template
		if what == "" { // an API with one URL: the operation tells its calls apart
			what = route.Operation
		}
		ctx, span := t.tracer.Start(r.Context(), r.Method+" "+route.Service+" "+what,
			trace.WithSpanKind(trace.SpanKindClient), trace.WithAttributes(attrs...),
			trace.WithAttributes(attribute.Int("http.request.resend_count", route.Attempt-1)))
		defer span.End()
		start := time.Now()
		resp, err := next.RoundTrip(r.WithContext(ctx))
		if err != nil {
			// The text of a transport error can name addresses; its type is enough.
			attrs = append(attrs, attribute.String("error.type", fmt.Sprintf("%T", err)))
			span.SetStatus(codes.Error, "no answer")
		} else {
			status := attribute.Int("http.response.status_code", resp.StatusCode)
			attrs = append(attrs, status)
			span.SetAttributes(status)
			if resp.StatusCode >= 400 {
				span.SetStatus(codes.Error, http.StatusText(resp.StatusCode))
			}
		}
		t.duration.Record(ctx, time.Since(start).Seconds(), metric.WithAttributes(attrs...))
		return resp, err
	})
}

type roundTripper func(*http.Request) (*http.Response, error)

func (f roundTripper) RoundTrip(r *http.Request) (*http.Response, error) { return f(r) }

// drop traces what is done with an SFTP folder: the interface that package
// sftp exports is what makes that possible without touching the client.
type drop struct {
	sftp.API
	t *telemetry
}

func (d drop) Upload(ctx context.Context, file ccr.File, opts ...sftp.UploadOptions) (sftp.Uploaded, error) {
	ctx, span := d.t.start(ctx, "sftp Upload")
	up, err := d.API.Upload(ctx, file, opts...)
	d.t.end(ctx, span, up.Size, err)
	return up, err
}

func (d drop) Receive(ctx context.Context, sink ccr.Sink, opts ...sftp.ReceiveOptions) ([]ccr.Received, error) {
	ctx, span := d.t.start(ctx, "sftp Receive")
	got, err := d.API.Receive(ctx, sink, opts...)
	d.t.end(ctx, span, received(got), err)
	return got, err
}

func (d drop) Watch(ctx context.Context, sink ccr.Sink, interval time.Duration, opts ...sftp.ReceiveOptions) iter.Seq2[[]ccr.Received, error] {
	return func(yield func([]ccr.Received, error) bool) {
		for got, err := range d.API.Watch(ctx, sink, interval, opts...) {
			roundCtx, span := d.t.start(ctx, "sftp Watch round")
			d.t.end(roundCtx, span, received(got), err)
			if !yield(got, err) {
				return
			}
		}
	}
}

func (t *telemetry) start(ctx context.Context, name string) (context.Context, trace.Span) {
	return t.tracer.Start(ctx, name, trace.WithSpanKind(trace.SpanKindClient), trace.WithAttributes(attribute.String("ccr.service", "sftp")))
}

func (t *telemetry) end(ctx context.Context, span trace.Span, bytes int64, err error) {
	span.SetAttributes(attribute.Int64("ccr.bytes", bytes))
	t.bytes.Add(ctx, bytes)
	if err != nil {
		text := "failed"
		if e, ok := errors.AsType[*ccr.Error](err); ok {
			text = "outcome " + string(e.Outcome) // the class, not the text: it names files
		}
		span.SetStatus(codes.Error, text)
	}
	span.End()
}

func received(items []ccr.Received) int64 {
	var n int64
	for _, i := range items {
		n += i.Size
	}
	return n
}
