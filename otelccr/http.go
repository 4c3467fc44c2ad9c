package otelccr

import (
	"context"
	"errors"
	"net"
	"net/http"
	"strconv"
	"time"

	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/codes"
	"go.opentelemetry.io/otel/metric"
	"go.opentelemetry.io/otel/trace"

	"github.com/ccr-sdk/ccr"
)

// Middleware is given to a client with [ccr.WithMiddleware]. It sees every
// attempt, token calls included.
func (t *Telemetry) Middleware(next http.RoundTripper) http.RoundTripper {
	return roundTripper(func(r *http.Request) (*http.Response, error) {
		route, ok := ccr.RouteFromContext(r.Context())
		if !ok {
			return next.RoundTrip(r)
		}
		method := among(r.Method, methods)
		attrs := []attribute.KeyValue{
			attribute.String("http.request.method", method),
			attribute.String("server.address", r.URL.Hostname()),
			attribute.Int("server.port", port(r)),
			attribute.String("url.scheme", r.URL.Scheme),
			attribute.String("ccr.service", route.Service),
			attribute.String("ccr.operation", route.Operation),
		}
		target := route.Operation
		if route.Template != "" {
			target = route.Template
			attrs = append(attrs, attribute.String("url.template", route.Template))
		}
		ctx, span := t.tracer.Start(r.Context(), method+" "+target, trace.WithSpanKind(trace.SpanKindClient), trace.WithAttributes(attrs...))
		defer span.End()
		if route.Attempt > 1 {
			span.SetAttributes(attribute.Int("http.request.resend_count", route.Attempt-1))
			t.resends.Add(ctx, 1, metric.WithAttributes(attribute.String("ccr.service", route.Service), attribute.String("ccr.operation", route.Operation)))
		}
		start := time.Now()
		resp, err := next.RoundTrip(r.WithContext(ctx))
		result := outcome(resp, err)
		span.SetAttributes(result...)
		if err != nil || resp.StatusCode >= 400 {
			span.SetStatus(codes.Error, "") // the status or the type of the error says why
		}
		t.request.Record(ctx, time.Since(start).Seconds(), metric.WithAttributes(append(attrs, result...)...))
		return resp, err
	})
}

type roundTripper func(*http.Request) (*http.Response, error)

func (f roundTripper) RoundTrip(r *http.Request) (*http.Response, error) { return f(r) }

var methods = []string{
	http.MethodGet, http.MethodHead, http.MethodPost, http.MethodPut, http.MethodPatch, http.MethodDelete, http.MethodOptions,
}

func port(r *http.Request) int {
	if p, err := strconv.Atoi(r.URL.Port()); err == nil {
		return p
	}
	return 443 // the SDK speaks https alone
}

// outcome are the attributes of a response or of its absence. The text of an
// error can name addresses, so only its kind is taken.
func outcome(resp *http.Response, err error) []attribute.KeyValue {
	if err != nil {
		return []attribute.KeyValue{attribute.String("error.type", kind(err))}
	}
	attrs := []attribute.KeyValue{attribute.Int("http.response.status_code", resp.StatusCode)}
	if resp.StatusCode >= 400 {
		attrs = append(attrs, attribute.String("error.type", strconv.Itoa(resp.StatusCode)))
	}
	return attrs
}

// kind is one of a few words.
func kind(err error) string {
	var dns *net.DNSError
	var op *net.OpError
	var timeout interface{ Timeout() bool }
	switch {
	case errors.Is(err, context.Canceled):
		return "canceled"
	case errors.Is(err, context.DeadlineExceeded), errors.As(err, &timeout) && timeout.Timeout():
		return "timeout"
	case errors.Is(err, ccr.ErrLedgerConflict):
		return "conflict"
	case errors.As(err, &dns):
		return "name_resolution_error"
	case errors.As(err, &op):
		return "connection_error"
	}
	return "_OTHER"
}
