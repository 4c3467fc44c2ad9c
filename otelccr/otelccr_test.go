package otelccr_test

import (
	"encoding/json"
	"fmt"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"go.opentelemetry.io/otel/attribute"
	sdkmetric "go.opentelemetry.io/otel/sdk/metric"
	"go.opentelemetry.io/otel/sdk/metric/metricdata"
	sdktrace "go.opentelemetry.io/otel/sdk/trace"
	"go.opentelemetry.io/otel/sdk/trace/tracetest"

	"github.com/ccr-sdk/ccr"
	"github.com/ccr-sdk/ccr/accounts"
	"github.com/ccr-sdk/ccr/accounts/accountstest"
	"github.com/ccr-sdk/ccr/ccrtest"
	"github.com/ccr-sdk/ccr/decisioning"
	"github.com/ccr-sdk/ccr/decisioning/decisioningtest"
	"github.com/ccr-sdk/ccr/gateway"
	"github.com/ccr-sdk/ccr/gateway/gatewaytest"
	"github.com/ccr-sdk/ccr/otelccr"
)

// exported is what would leave the process.
type exported struct {
	spans  tracetest.SpanStubs
	scopes []metricdata.Metrics
	text   string
}

type recorder struct {
	*otelccr.Telemetry
	spans  *tracetest.InMemoryExporter
	reader *sdkmetric.ManualReader
}

func record(t *testing.T) *recorder {
	t.Helper()
	r := &recorder{spans: tracetest.NewInMemoryExporter(), reader: sdkmetric.NewManualReader()}
	var err error
	r.Telemetry, err = otelccr.New(otelccr.Options{
		TracerProvider: sdktrace.NewTracerProvider(sdktrace.WithSyncer(r.spans)),
		MeterProvider:  sdkmetric.NewMeterProvider(sdkmetric.WithReader(r.reader)),
	})
	require.NoError(t, err)
	return r
}

func (r *recorder) export(t *testing.T) exported {
	t.Helper()
	e := exported{spans: r.spans.GetSpans()}
	var m metricdata.ResourceMetrics
	require.NoError(t, r.reader.Collect(t.Context(), &m))
	text, err := json.Marshal(m)
	require.NoError(t, err)
	e.text = string(text) + fmt.Sprintf("%+v", e.spans)
	for _, s := range e.spans {
		for _, a := range s.Attributes {
			e.text += fmt.Sprintf("\n%s=%s", a.Key, a.Value.String())
		}
	}
	e.text = strings.ToLower(e.text)
	for _, s := range m.ScopeMetrics {
		e.scopes = append(e.scopes, s.Metrics...)
	}
	return e
}

func (e exported) metric(t *testing.T, name string) metricdata.Metrics {
	t.Helper()
	for _, m := range e.scopes {
		if m.Name == name {
			return m
		}
	}
	require.Fail(t, "not exported", name)
	return metricdata.Metrics{}
}

// flows makes calls of each HTTP service with data that must not be exported.
func flows(t *testing.T, r *recorder, n int) {
	t.Helper()
	ctx := t.Context()
	with := []ccr.Option{ccr.WithMiddleware(r.Middleware), ccr.WithLimiter(r.Limiter(ccr.NoLimit()))}
	creditClear, err := accountstest.NewServer(accountstest.Config{})
	require.NoError(t, err)
	defer creditClear.Close()
	client, err := creditClear.Client(with...)
	require.NoError(t, err)
	receipt, err := client.UpsertAccounts(ctx, accounts.AccountBatch{ReferenceID: fmt.Sprint("canary-batch-", n), Accounts: []accounts.Account{{
		ClientReferenceID: "CANARY-REFERENCE", InvoiceNumber: "CANARY-INVOICE", Status: accounts.StatusActive, OutstandingAmount: ccr.AmountFromMinor(1234567, 2),
		Debtor: accounts.Party{FirstName: "Canary-First", Email: "canary@example.com"},
	}}})
	require.NoError(t, err)
	_, err = client.BatchStatus(ctx, receipt)
	require.NoError(t, err)

	bureau, err := gatewaytest.NewServer(gatewaytest.Config{})
	require.NoError(t, err)
	defer bureau.Close()
	bureau.AddReport(fmt.Sprintf("canary-%d.xml", n), []byte("<Canary/>"))
	bureau.Inject(gatewaytest.Fault{Operation: "ListReports", Kind: gatewaytest.Answer, Body: "canary-body"})
	uploads, err := bureau.Client(append(with, ccr.WithRetry(ccr.RetryPolicy{BaseDelay: 1}))...)
	require.NoError(t, err)
	ledger := r.Ledger(ccr.NewMemoryLedger())
	_, err = uploads.Upload(ctx, gateway.UploadRequest{Ledger: ledger, Files: []ccr.File{ccr.FileFromBytes(fmt.Sprintf("CANARY_%d.csv", n), []byte("canary-row"))}})
	require.NoError(t, err)
	got, err := uploads.Receive(ctx, ccr.DirSink(filepath.Join(t.TempDir(), "canary-folder")), gateway.ReceiveOptions{Ledger: ledger})
	require.NoError(t, err)
	r.Received(ctx, "gateway", got, err)

	algoan, err := decisioningtest.NewServer(decisioningtest.Config{})
	require.NoError(t, err)
	defer algoan.Close()
	decide, err := algoan.Client(with...)
	require.NoError(t, err)
	customer, err := decide.EnsureCustomer(ctx, decisioning.NewCustomer{CustomIdentifier: fmt.Sprint("CANARY-CUSTOMER-", n)})
	require.NoError(t, err)
	_, err = decide.FindCustomer(ctx, "CANARY-NOBODY") // stands in the query
	require.Error(t, err)
	_, err = decide.CreateAnalysis(ctx, customer.ID, decisioningtest.SampleProfile())
	require.NoError(t, err)
}

func TestSpansNameRoutes(t *testing.T) {
	t.Parallel()
	r := record(t)
	flows(t, r, 1)
	e := r.export(t)
	names := map[string]bool{}
	for _, s := range e.spans {
		names[s.Name] = true
		for _, a := range s.Attributes {
			assert.NotEmpty(t, a.Value.String(), "%s of %s", a.Key, s.Name)
		}
	}
	for _, want := range []string{
		"POST /oauth/token", "PUT /v1/account", "POST /v2/customers", "GET /v2/customers", "POST /v2/customers/{customerId}/analyses",
		"POST Upload", "POST ListReports", "POST TestByName", "POST ArchiveByName",
	} {
		assert.Contains(t, names, want)
	}
}

// The table of the semantic conventions for HTTP client metrics.
func TestNamesUnitsAndBuckets(t *testing.T) {
	t.Parallel()
	r := record(t)
	flows(t, r, 1)
	e := r.export(t)
	m := e.metric(t, "http.client.request.duration")
	assert.Equal(t, "s", m.Unit)
	assert.Equal(t, "Duration of HTTP client requests.", m.Description)
	for _, p := range m.Data.(metricdata.Histogram[float64]).DataPoints {
		assert.Equal(t, []float64{0.005, 0.01, 0.025, 0.05, 0.075, 0.1, 0.25, 0.5, 0.75, 1, 2.5, 5, 7.5, 10}, p.Bounds)
		for _, required := range []string{"http.request.method", "server.address", "server.port"} {
			_, ok := p.Attributes.Value(attribute.Key(required))
			assert.True(t, ok, required)
		}
		status, _ := p.Attributes.Value("http.response.status_code")
		if status.AsInt64() >= 400 {
			kind, _ := p.Attributes.Value("error.type")
			assert.Equal(t, fmt.Sprint(status.AsInt64()), kind.AsString())
		}
	}
	for name, unit := range map[string]string{
		"ccr.client.resends": "{request}", "ccr.limiter.wait.duration": "s", "ccr.ledger.operation.duration": "s",
		"ccr.ledger.stores": "{entry}", "ccr.receive.items": "{item}", "ccr.receive.age": "s",
	} {
		assert.Equal(t, unit, e.metric(t, name).Unit, name)
	}
	states := map[string]bool{}
	for _, p := range e.metric(t, "ccr.ledger.stores").Data.(metricdata.Sum[int64]).DataPoints {
		s, _ := p.Attributes.Value("ccr.ledger.state")
		states[s.AsString()] = true
	}
	for _, s := range []string{ccr.StateIntent, ccr.StateSent, ccr.StateDelivered, ccr.StateArchived} {
		assert.Contains(t, states, s)
	}
}

func TestNothingPersonalIsExported(t *testing.T) {
	t.Parallel()
	r := record(t)
	flows(t, r, 1)
	// Names that a vendor or a program could give.
	l := r.Ledger(ccr.NewMemoryLedger())
	require.NoError(t, l.Store(t.Context(), ccr.LedgerEntry{Key: "canary-key", State: "canary-state", Service: "canary-service", Owner: "canary-owner", Name: "canary", Attributes: map[string]string{"a": "canary"}}))
	require.Error(t, l.Store(t.Context(), ccr.LedgerEntry{Key: "canary-key", State: "canary-state"}))
	r.Received(t.Context(), "canary-service", []ccr.Received{{Name: "canary", State: "canary-state"}}, fmt.Errorf("canary"))
	e := r.export(t)
	for _, no := range []string{"canary", "customidentifier", "filter=", "bearer", "12345.67", "example.com/", "test-client", "not-a-secret"} {
		assert.NotContains(t, e.text, no)
	}
}

func TestCardinalityIsBounded(t *testing.T) {
	t.Parallel()
	r := record(t)
	series := func() int {
		n := 0
		for _, m := range r.export(t).scopes {
			switch d := m.Data.(type) {
			case metricdata.Histogram[float64]:
				for _, p := range d.DataPoints {
					if _, http := p.Attributes.Value("server.port"); !http { // each test server has a port of its own
						n++
					}
				}
			case metricdata.Sum[int64]:
				n += len(d.DataPoints)
			}
		}
		return n
	}
	flows(t, r, 1)
	once := series()
	for i := 2; i < 5; i++ {
		flows(t, r, i)
	}
	assert.Equal(t, once, series(), "other batches, files and customers make no other series")
}

func TestAgeOfTheLastGoodReceive(t *testing.T) {
	t.Parallel()
	r := record(t)
	age := func() float64 {
		return r.export(t).metric(t, "ccr.receive.age").Data.(metricdata.Gauge[float64]).DataPoints[0].Value
	}
	r.Received(t.Context(), "gateway", nil, nil)
	first := age()
	r.Received(t.Context(), "gateway", nil, fmt.Errorf("failed"))
	assert.Greater(t, age(), first, "a failure makes nothing younger")
	second := age()
	r.Received(t.Context(), "gateway", []ccr.Received{{State: ccr.ClaimedElsewhere}}, nil)
	assert.Greater(t, age(), second, "nor does what another worker has")
}

// The wrappers keep what an implementation must promise.
func TestLedgerConformance(t *testing.T) {
	t.Parallel()
	r := record(t)
	_, lists := r.Ledger(ccr.NewMemoryLedger()).(ccr.LedgerLister)
	assert.True(t, lists, "List is forwarded")
	_, lists = r.Ledger(bare{ccr.NewMemoryLedger()}).(ccr.LedgerLister)
	assert.False(t, lists, "what cannot list does not seem to")
	require.NoError(t, ccrtest.TestLedger(t.Context(), r.Ledger(ccr.NewMemoryLedger())))
}

type bare struct{ ccr.Ledger }
