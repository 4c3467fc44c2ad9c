// Command otel shows traces and metrics of the SDK with OpenTelemetry: spans on
// stdout, metrics as Prometheus scrapes them. It runs against in-process
// servers; put an OTLP exporter in place of the one for stdout to send spans on.
//
//	go -C examples/otel run .
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"os/signal"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/promhttp"
	otelprometheus "go.opentelemetry.io/otel/exporters/prometheus"
	"go.opentelemetry.io/otel/exporters/stdout/stdouttrace"
	sdkmetric "go.opentelemetry.io/otel/sdk/metric"
	sdktrace "go.opentelemetry.io/otel/sdk/trace"

	"github.com/ccr-sdk/ccr"
	"github.com/ccr-sdk/ccr/gateway"
	"github.com/ccr-sdk/ccr/gateway/gatewaytest"
	"github.com/ccr-sdk/ccr/otelccr"
)

func main() {
	flag.Parse()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	err := run(ctx, os.Stdout)
	stop()
	if err != nil {
		fmt.Fprintln(os.Stderr, "otel:", err)
		os.Exit(1)
	}
}

func run(ctx context.Context, w io.Writer) (err error) {
	// What a program sets up once, whatever it measures.
	spans, err := stdouttrace.New(stdouttrace.WithWriter(w))
	if err != nil {
		return err
	}
	registry := prometheus.NewRegistry()
	metrics, err := otelprometheus.New(otelprometheus.WithRegisterer(registry))
	if err != nil {
		return err
	}
	tp := sdktrace.NewTracerProvider(sdktrace.WithBatcher(spans))
	mp := sdkmetric.NewMeterProvider(sdkmetric.WithReader(metrics))
	defer func() {
		err = errors.Join(err, tp.Shutdown(context.WithoutCancel(ctx)), mp.Shutdown(context.WithoutCancel(ctx)))
	}()

	// What the SDK needs.
	telemetry, err := otelccr.New(otelccr.Options{TracerProvider: tp, MeterProvider: mp})
	if err != nil {
		return err
	}
	if err := receive(ctx, telemetry); err != nil {
		return err
	}
	// What Prometheus sees at /metrics.
	scrape := httptest.NewRecorder()
	promhttp.HandlerFor(registry, promhttp.HandlerOpts{}).ServeHTTP(scrape, httptest.NewRequestWithContext(ctx, http.MethodGet, "/metrics", nil))
	_, err = io.Copy(w, scrape.Body)
	return err
}

// receive is the work of a program: reports of a bureau into a folder.
func receive(ctx context.Context, telemetry *otelccr.Telemetry) error {
	bureau, err := gatewaytest.NewServer(gatewaytest.Config{})
	if err != nil {
		return err
	}
	defer bureau.Close()
	bureau.AddSamples("ARUDD")
	dir, err := os.MkdirTemp("", "ccr-otel-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir)
	client, err := bureau.Client( // live: gateway.FromEnv(
		ccr.WithMiddleware(telemetry.Middleware), ccr.WithLimiter(telemetry.Limiter(ccr.NoLimit())))
	if err != nil {
		return err
	}
	ledger := telemetry.Ledger(ccr.NewMemoryLedger()) // live: one that stays
	received, err := client.Receive(ctx, ccr.DirSink(dir), gateway.ReceiveOptions{Ledger: ledger})
	telemetry.Received(ctx, "gateway", received, err)
	return err
}
