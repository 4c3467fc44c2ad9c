package decisioning_test

import (
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/go-json-experiment/json/jsontext"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/ccr-sdk/ccr"
	"github.com/ccr-sdk/ccr/decisioning"
	"github.com/ccr-sdk/ccr/decisioning/decisioningtest"
)

var update = flag.Bool("update", false, "write testdata/requests.golden anew")

// TestRequestsOnTheWire calls every method once and compares what arrives with
// testdata/requests.golden, byte for byte.
func TestRequestsOnTheWire(t *testing.T) {
	t.Parallel()
	srv, client := serve(t, decisioningtest.Config{Processing: time.Hour})
	ctx := t.Context()
	customer, err := client.CreateCustomer(ctx, decisioning.NewCustomer{CustomIdentifier: "C-1 <&>", PersonalDetails: &decisioning.PersonalDetails{Contact: &decisioning.Contact{City: "Nîmes"}}})
	require.NoError(t, err)
	cid := customer.ID
	_, err = client.EnsureCustomer(ctx, decisioning.NewCustomer{CustomIdentifier: "C-1 <&>"})
	require.NoError(t, err)
	_, err = client.UpdateCustomer(ctx, cid, decisioning.CustomerUpdate{AggregationDetails: &decisioning.AggregationDetails{AggregatorName: decisioning.AggregatorTink}})
	require.NoError(t, err)
	in := profile(t, "odd")
	in.Accounts = in.Accounts[:1]
	in.Accounts[0].Transactions = in.Accounts[0].Transactions[:20]
	in.DataOrigin = decisioning.OriginOpenBanking
	in.Parameters = &decisioning.AnalysisParameters{DisableScores: new(false)}
	analysis, err := client.CreateAnalysis(ctx, cid, in)
	require.NoError(t, err)
	aid := analysis.ID
	empty, err := client.CreateAnalysis(ctx, cid, decisioning.AnalysisInput{})
	require.NoError(t, err)
	_, err = client.CreateAnalysis(ctx, cid, decisioning.AnalysisInput{Format: decisioning.FormatBudgetInsightV2, Connections: []jsontext.Value{[]byte(`{"id": 1.0}`)}})
	require.NoError(t, err)
	_, err = client.UpdateAnalysis(ctx, cid, empty.ID, decisioning.AnalysisUpdate{Format: decisioning.FormatTinkV2, RawAccounts: []jsontext.Value{[]byte(`{"a":1}`)}})
	require.NoError(t, err)
	srv.Finish(aid)
	_, err = client.WaitAnalysis(ctx, cid, aid)
	require.NoError(t, err)
	poller, err := client.ResumeAnalysis(client.AnalysisPoller(cid, aid).ResumeToken())
	require.NoError(t, err)
	_, err = poller.Poll(ctx)
	require.NoError(t, err)
	subs, err := client.EnsureSubscriptions(ctx, wanted(decisioning.EventAnalysisCompleted))
	require.NoError(t, err)
	sid := subs[0].ID
	_, err = client.CreateSubscription(ctx, wanted(decisioning.EventAnalysisFailed)[0])
	require.NoError(t, err)

	calls := map[string]func() error{
		"Customer":     func() error { _, err := client.Customer(ctx, cid); return err },
		"Analysis":     func() error { _, err := client.Analysis(ctx, cid, aid); return err },
		"Scores":       func() error { _, err := client.Scores(ctx, cid, aid); return err },
		"Incomes":      func() error { _, err := client.Incomes(ctx, cid, aid); return err },
		"Expenses":     func() error { _, err := client.Expenses(ctx, cid, aid); return err },
		"Loans":        func() error { _, err := client.Loans(ctx, cid, aid); return err },
		"Risks":        func() error { _, err := client.Risks(ctx, cid, aid); return err },
		"Essentials":   func() error { _, err := client.Essentials(ctx, cid, aid); return err },
		"CashFlows":    func() error { return page(ctx, client.CashFlows(cid, aid, decisioning.ListOptions{}), 1) },
		"Accounts":     func() error { return page(ctx, client.Accounts(cid, aid, decisioning.ListOptions{}), 1) },
		"Transactions": func() error { return page(ctx, client.Transactions(cid, aid, decisioning.ListOptions{PageSize: 5}), 2) },
		"AccountTransactions": func() error {
			return page(ctx, client.AccountTransactions(cid, aid, "acc", decisioning.ListOptions{}), 1)
		},
		"Analyses": func() error { return page(ctx, client.Analyses(cid, decisioning.ListOptions{}), 1) },
		"Customers": func() error {
			return page(ctx, client.Customers(decisioning.ListOptions{Filter: map[string]string{"customIdentifier": "C-1 <&>"}}), 1)
		},
		"FindCustomer": func() error {
			_, err := client.FindCustomer(ctx, "C-1 <&>")
			return err
		},
		"Subscriptions":      func() error { _, err := client.Subscriptions(ctx, []decisioning.EventName{"x"}); return err },
		"UpdateSubscription": func() error { return client.UpdateSubscription(ctx, sid, decisioning.SubscriptionDisabled) },
		"Events":             func() error { return page(ctx, client.Events(sid, decisioning.ListOptions{}), 1) },
		"DeleteCustomer":     func() error { return client.DeleteCustomer(ctx, cid) },
	}
	api := reflect.TypeFor[decisioning.API]()
	for i := range api.NumMethod() {
		name := api.Method(i).Name
		if call := calls[name]; call != nil && name != "DeleteCustomer" {
			require.NoError(t, call(), name)
		}
	}
	require.ErrorIs(t, client.UpdateEvent(ctx, sid, "ev/1", decisioning.EventProcessed), ccr.ErrNotFound)
	require.NoError(t, calls["DeleteCustomer"]())

	var b strings.Builder
	for _, r := range srv.Requests("") {
		if r.Operation == "Token" {
			continue
		}
		fmt.Fprintf(&b, "%s %s", r.Method, r.Path)
		if r.Query != "" {
			b.WriteString("?" + r.Query)
		}
		if len(r.Body) > 0 {
			fmt.Fprintf(&b, "\n%s %s\n%s", r.Header.Get("Content-Type"), r.Header.Get("Content-Length"), r.Body)
		}
		b.WriteString("\n\n")
	}
	golden := filepath.Join("testdata", "requests.golden")
	if *update {
		require.NoError(t, os.WriteFile(golden, []byte(b.String()), 0o600))
	}
	want, err := os.ReadFile(golden)
	require.NoError(t, err)
	assert.Equal(t, string(want), b.String())
}
