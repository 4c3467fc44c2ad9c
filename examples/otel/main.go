// Command otel shows traces and metrics of all services of ccr with the
// OpenTelemetry SDK: spans named by route template, without queries, ids or
// personal data. It runs against in-process servers and prints what it
// exports; put an OTLP exporter in its place to send it on.
//
//	go -C examples/otel run .
package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/signal"

	"go.opentelemetry.io/otel/exporters/stdout/stdoutmetric"
	"go.opentelemetry.io/otel/exporters/stdout/stdouttrace"
	sdkmetric "go.opentelemetry.io/otel/sdk/metric"
	sdktrace "go.opentelemetry.io/otel/sdk/trace"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	if err := run(ctx); err != nil {
		fmt.Fprintln(os.Stderr, "otel:", err)
		stop()
		os.Exit(1) //nolint:gocritic // stop was called
	}
}

func run(ctx context.Context) (err error) {
	spans, err := stdouttrace.New(stdouttrace.WithPrettyPrint())
	if err != nil {
		return err
	}
	metrics, err := stdoutmetric.New()
	if err != nil {
		return err
	}
	tp := sdktrace.NewTracerProvider(sdktrace.WithBatcher(spans))
	mp := sdkmetric.NewMeterProvider(sdkmetric.WithReader(sdkmetric.NewPeriodicReader(metrics)))
	defer func() { err = errors.Join(err, tp.Shutdown(ctx), mp.Shutdown(ctx)) }()
	t, err := newTelemetry(tp, mp)
	if err != nil {
		return err
	}
	dir, err := os.MkdirTemp("", "ccr-otel-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir)
	ctx, span := t.tracer.Start(ctx, "nightly")
	defer span.End()
	return flows(ctx, t, dir)
}
