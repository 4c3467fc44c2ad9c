package main

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	sdkmetric "go.opentelemetry.io/otel/sdk/metric"
	"go.opentelemetry.io/otel/sdk/metric/metricdata"
	sdktrace "go.opentelemetry.io/otel/sdk/trace"
	"go.opentelemetry.io/otel/sdk/trace/tracetest"
)

func TestSpansAndMetrics(t *testing.T) {
	t.Parallel()
	spans := tracetest.NewInMemoryExporter()
	tp := sdktrace.NewTracerProvider(sdktrace.WithSyncer(spans))
	reader := sdkmetric.NewManualReader()
	mp := sdkmetric.NewMeterProvider(sdkmetric.WithReader(reader))
	tel, err := newTelemetry(tp, mp)
	require.NoError(t, err)
	require.NoError(t, flows(t.Context(), tel, t.TempDir()))

	var names []string
	for _, s := range spans.GetSpans() {
		names = append(names, s.Name)
	}
	for _, want := range []string{
		"POST auth /oauth/token", "PUT accounts /v1/account",
		"POST decisioning /v2/customers", "GET decisioning /v2/customers", "POST decisioning /v2/customers/{customerId}/analyses",
		"POST gateway Upload", "POST gateway ArchiveByName", "sftp Upload", "sftp Receive",
	} {
		assert.Contains(t, names, want)
	}
	var metrics metricdata.ResourceMetrics
	require.NoError(t, reader.Collect(t.Context(), &metrics))
	exported, err := json.Marshal(metrics)
	require.NoError(t, err)
	for _, want := range []string{"http.client.request.duration", "ccr.sftp.bytes", "/v1/account", "decisioning"} {
		assert.Contains(t, string(exported), want)
	}

	// Everything that is exported, printed every way there is: nobody's data,
	// no query, no credential.
	all := strings.ToLower(string(exported) + fmt.Sprintf("%+v", spans.GetSpans()))
	for _, s := range spans.GetSpans() {
		for _, a := range s.Attributes {
			all += strings.ToLower(string(a.Key) + "=" + a.Value.Emit() + "\n")
		}
		all += strings.ToLower(s.Status.Description)
	}
	for _, no := range []string{"canary", "customidentifier", "filter=", "bearer", "120.5", "example.com/"} {
		assert.NotContains(t, all, no)
	}
}
