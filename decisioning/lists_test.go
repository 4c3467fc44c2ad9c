package decisioning_test

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"runtime"
	"strconv"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/go-json-experiment/json/jsontext"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/ccr-sdk/ccr"
	"github.com/ccr-sdk/ccr/decisioning"
	"github.com/ccr-sdk/ccr/decisioning/decisioningtest"
)

// generated is transaction i of a list that exists only while it is asked for.
func generated(i int) any {
	return decisioning.Transaction{
		ID: fmt.Sprintf("%024x", i), AccountID: "a", Amount: ccr.AmountFromMinor(int64(-i), 2), Currency: "EUR",
		Description: "CARD PAYMENT " + strconv.Itoa(i),
		Dates:       decisioning.TransactionDates{DebitedAt: ccr.NewDateTime(time.Date(2026, 1, 1, 0, 0, i, 0, time.UTC))},
		Enrichments: &decisioning.Enrichments{Category: decisioning.CategoryGrocery, Type: decisioning.TypeCard, IsRejected: new(false)},
		Extra:       map[string]jsontext.Value{"merchant": jsontext.Value(`{"name":"Sample"}`)},
	}
}

// manyTransactions makes a server that lists n transactions.
func manyTransactions(t testing.TB, n int, cfg decisioningtest.Config) (*decisioningtest.Server, *ccr.Pages[decisioning.Transaction]) {
	t.Helper()
	srv, client := serve(t, cfg)
	customer, err := client.CreateCustomer(t.Context(), decisioning.NewCustomer{CustomIdentifier: "C"})
	require.NoError(t, err)
	analysis, err := client.CreateAnalysis(t.Context(), customer.ID, decisioning.AnalysisInput{})
	require.NoError(t, err)
	srv.GenerateTransactions(analysis.ID, n, generated)
	return srv, client.Transactions(customer.ID, analysis.ID, decisioning.ListOptions{})
}

// TestListInBoundedMemory lists 100,000 transactions, server included, and
// never holds more than 32 MiB.
//
//nolint:paralleltest // the heap is the whole process's
func TestListInBoundedMemory(t *testing.T) {
	const limit = 32 << 20
	n := 100_000
	if raceEnabled || testing.Short() {
		n = 20_000 // the detector makes it ten times slower; memory is bounded the same
	}
	srv, list := manyTransactions(t, n, decisioningtest.Config{})
	runtime.GC()
	var peak uint64
	i := 0
	for page, err := range list.ByPage(t.Context()) {
		require.NoError(t, err)
		require.Equal(t, n/200, page.TotalPages)
		for _, tx := range page.Items {
			if i%997 == 0 {
				require.Equal(t, ccr.AmountFromMinor(int64(-i), 2).String(), tx.Amount.String())
			}
			i++
		}
		var m runtime.MemStats
		runtime.ReadMemStats(&m)
		peak = max(peak, m.HeapAlloc)
	}
	require.Equal(t, n, i)
	assert.Less(t, peak, uint64(limit))
	t.Logf("%d transactions, %d requests, heap at most %.1f MiB", i, len(srv.Requests("Transactions")), float64(peak)/(1<<20))
	first, second := srv.Requests("Transactions")[0], srv.Requests("Transactions")[1]
	assert.Empty(t, first.Query, "the first page is asked for as Algoan's examples do")
	assert.Equal(t, "page=2", second.Query)
}

// TestReadAheadWhereTheVendorIsFarAway compares in fake time, where nothing but
// the latency counts.
func TestReadAheadWhereTheVendorIsFarAway(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		srv, list := manyTransactions(t, 8_000, decisioningtest.Config{InMemory: true})
		defer srv.Close()
		srv.Inject(decisioningtest.Fault{Operation: "Transactions", Kind: decisioningtest.Delay, Delay: 20 * time.Millisecond, Times: -1})
		took := func(list *ccr.Pages[decisioning.Transaction]) time.Duration {
			start, i := time.Now(), 0
			for tx, err := range list.All(t.Context()) {
				require.NoError(t, err)
				require.Equal(t, fmt.Sprintf("%024x", i), tx.ID, "in order")
				i++
			}
			require.Equal(t, 8_000, i)
			return time.Since(start)
		}
		one, four := took(list), took(list.ReadAhead(4))
		assert.LessOrEqual(t, float64(four)/float64(one), 0.4)
	})
}

// BenchmarkReadAhead lists 100,000 transactions (CCR_BENCH_TRANSACTIONS) from a
// server that takes 20 ms a page, one page after the other and with four in
// flight, and prints the ratio of the times and the heap at its highest, the
// server's included.
func BenchmarkReadAhead(b *testing.B) {
	n := benchTransactions(b, 100_000)
	srv, list := manyTransactions(b, n, decisioningtest.Config{})
	var heap uint64
	srv.Inject(decisioningtest.Fault{Operation: "Transactions", Kind: decisioningtest.Delay, Delay: 20 * time.Millisecond, Times: -1})
	took := func(list *ccr.Pages[decisioning.Transaction]) time.Duration {
		start, i := time.Now(), 0
		for _, err := range list.All(b.Context()) {
			if err != nil {
				b.Fatal(err)
			}
			if i++; i%2_000 == 0 {
				var m runtime.MemStats
				runtime.ReadMemStats(&m)
				heap = max(heap, m.HeapInuse)
			}
		}
		if i != n {
			b.Fatal(i)
		}
		return time.Since(start)
	}
	var one, four time.Duration
	for b.Loop() {
		one += took(list)
		four += took(list.ReadAhead(4))
	}
	b.ReportMetric(float64(four)/float64(one), "x-one-after-the-other")
	b.ReportMetric(one.Seconds()/float64(b.N), "s/one-after-the-other")
	b.ReportMetric(four.Seconds()/float64(b.N), "s/four-in-flight")
	b.ReportMetric(float64(heap)/(1<<20), "heap-MiB")
}

func TestListsOfCustomers(t *testing.T) {
	t.Parallel()
	srv, client := serve(t, decisioningtest.Config{})
	for i := range 7 {
		_, err := client.CreateCustomer(t.Context(), decisioning.NewCustomer{CustomIdentifier: fmt.Sprintf("C&%d", i)})
		require.NoError(t, err)
	}
	var got []string
	list := client.Customers(decisioning.ListOptions{PageSize: 3})
	for page, err := range list.ByPage(t.Context()) {
		require.NoError(t, err)
		assert.Equal(t, 3, page.TotalPages)
		assert.Equal(t, 7, page.TotalItems)
		for _, c := range page.Items {
			got = append(got, c.CustomIdentifier)
		}
	}
	assert.Equal(t, []string{"C&0", "C&1", "C&2", "C&3", "C&4", "C&5", "C&6"}, got)
	reqs := srv.Requests("Customers")
	require.Len(t, reqs, 3)
	assert.Equal(t, "limit=3", reqs[0].Query)
	assert.Equal(t, "limit=3&page=3", reqs[2].Query)

	n := 0
	for _, err := range list.From(3).All(t.Context()) {
		require.NoError(t, err)
		n++
	}
	assert.Equal(t, 1, n, "start page")

	n = 0
	filtered := client.Customers(decisioning.ListOptions{
		Filter: map[string]any{"customIdentifier": map[string]any{"$in": []string{"C&1", "C&5"}}}, Sort: map[string]int{"customIdentifier": -1},
	})
	for c, err := range filtered.All(t.Context()) {
		require.NoError(t, err)
		assert.Equal(t, []string{"C&5", "C&1"}[n], c.CustomIdentifier)
		n++
	}
	assert.Equal(t, 2, n)
	q, err := url.ParseQuery(srv.Requests("Customers")[len(srv.Requests("Customers"))-1].Query)
	require.NoError(t, err)
	assert.JSONEq(t, `{"customIdentifier":{"$in":["C&1","C&5"]}}`, q.Get("filter"))

	_, err = client.Customers(decisioning.ListOptions{PageSize: 9, Query: map[string]string{"lowIndex": "4 5"}}).Page(t.Context(), 1)
	require.NoError(t, err)
	assert.Equal(t, "limit=9&lowIndex=4+5", srv.Requests("Customers")[len(srv.Requests("Customers"))-1].Query)

	for c, err := range client.Customers(decisioning.ListOptions{Project: map[string]int{"id": 1}}).All(t.Context()) {
		require.NoError(t, err)
		assert.NotEmpty(t, c.ID)
		assert.Empty(t, c.CustomIdentifier)
	}
}

func TestFaultyListOptionsAreReported(t *testing.T) {
	t.Parallel()
	srv, client := serve(t, decisioningtest.Config{})
	for want, o := range map[string]decisioning.ListOptions{
		"pageSize": {PageSize: -1}, "filter": {Filter: func() {}}, "project": {Project: make(chan int)}, "query": {Query: map[string]string{"page": "2"}},
	} {
		_, err := client.Customers(o).Page(t.Context(), 1)
		assert.Equal(t, []string{want}, paths(t, err))
	}
	_, err := client.Customers(decisioning.ListOptions{}, ccr.WithTimeout(-1)).Page(t.Context(), 1)
	require.Error(t, err)
	assert.Empty(t, srv.Requests(""))
}

// TestQueriesStayPrivate: a customIdentifier is personal data.
func TestQueriesStayPrivate(t *testing.T) {
	t.Parallel()
	srv, err := decisioningtest.NewServer(decisioningtest.Config{})
	require.NoError(t, err)
	defer srv.Close()
	var logged lockedBuffer
	client, err := srv.Client(ccr.WithLogger(logged.logger()), ccr.WithRetry(ccr.RetryPolicy{MaxAttempts: 2, BaseDelay: time.Millisecond}))
	require.NoError(t, err)
	srv.Inject(decisioningtest.Fault{Operation: "Customers", Kind: decisioningtest.Answer, Status: 500, Times: -1})
	_, err = client.FindCustomer(t.Context(), "jane.doe@example.com")
	require.ErrorIs(t, err, ccr.ErrUnavailable)
	srv.ClearFaults()
	srv.Inject(decisioningtest.Fault{Operation: "Customers", Kind: decisioningtest.CutBefore, Times: -1})
	_, err2 := client.FindCustomer(t.Context(), "jane.doe@example.com")
	require.Error(t, err2)
	for _, s := range []string{err.Error(), err2.Error(), fmt.Sprintf("%+v %#v", err, err2), logged.String()} {
		assert.NotContains(t, s, "jane")
		assert.NotContains(t, s, "filter")
	}
	assert.Contains(t, logged.String(), "/v2/customers")
}

// TestAnswersThatAreNoPages: what the documentation leaves open is read, what
// cannot be a list is refused.
func TestAnswersThatAreNoPages(t *testing.T) {
	t.Parallel()
	cases := []struct {
		name, body string
		items      int
		requests   int
		err        error
	}{
		{"bare array", `[{"id":"a"},{"id":"b"}]`, 2, 1, nil},
		{"empty bare array", `[]`, 0, 1, nil},
		{"no pagination, one page", `{"resources":[]}`, 0, 1, nil},
		{"null links", `{"resources":[{"id":"a"}],"pagination":{"next":null}}`, 1, 1, nil},
		{"totals in texts", `{"resources":[{"id":"a"}],"pagination":{"totalPages":"1","totalResources":"1"}}`, 1, 1, nil},
		{"the same page for ever", `{"resources":[{"id":"a"}],"pagination":{"next":"/v2/customers?page=2","totalPages":99}}`, 1, 2, ccr.ErrPageRepeated},
		{"the same page, uncounted", `{"resources":[{"id":"a"}]}`, 1, 2, ccr.ErrPageRepeated},
		{"an object", `{"id":"a"}`, 0, 1, ccr.ErrContract},
		{"resources of another type", `{"resources":{"a":1}}`, 0, 1, ccr.ErrContract},
		{"a text", `"a"`, 0, 1, ccr.ErrContract},
		{"nothing", ``, 0, 1, ccr.ErrContract},
		{"truncated", `{"resources":[{"id":"a"}`, 0, 1, ccr.ErrContract},
		{"html", `<html>`, 0, 1, ccr.ErrContract},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			srv, client := serve(t, decisioningtest.Config{})
			srv.Inject(decisioningtest.Fault{Operation: "Customers", Kind: decisioningtest.Garble, Body: c.body, Times: -1})
			n := 0
			var failed error
			for _, err := range client.Customers(decisioning.ListOptions{}).All(t.Context()) {
				if err != nil {
					failed = err
					break
				}
				n++
			}
			assert.Equal(t, c.items, n)
			assert.Len(t, srv.Requests("Customers"), c.requests)
			if c.err == nil {
				assert.NoError(t, failed)
			} else {
				assert.ErrorIs(t, failed, c.err)
			}
		})
	}
}

// TestCountThatThePageBelies: a page that says there are fewer pages than it
// has itself been asked for does not end the list early: transactions would be
// missing from a credit decision, without an error.
func TestCountThatThePageBelies(t *testing.T) {
	t.Parallel()
	for _, total := range []string{"1", "0", "-7"} {
		srv, client := serve(t, decisioningtest.Config{})
		for page, says := range []string{"3", total, total, "0"} {
			body := fmt.Sprintf(`{"resources":[{"id":"%d"}],"pagination":{"totalPages":%s}}`, page, says)
			if page == 3 {
				body = `{"resources":[],"pagination":{"totalPages":0}}`
			}
			srv.Inject(decisioningtest.Fault{Operation: "Customers", Kind: decisioningtest.Garble, Body: body})
		}
		var got []string
		for c, err := range client.Customers(decisioning.ListOptions{}).All(t.Context()) {
			require.NoError(t, err)
			got = append(got, c.ID)
		}
		assert.Equal(t, []string{"0", "1", "2"}, got, "totalPages %s", total)
	}
}

// TestLinksAreNotFollowed: a link to elsewhere leads nowhere.
func TestLinksAreNotFollowed(t *testing.T) {
	t.Parallel()
	var calls atomic.Int64
	srv, err := decisioningtest.NewServer(decisioningtest.Config{})
	require.NoError(t, err)
	defer srv.Close()
	client, err := srv.Client(ccr.WithMiddleware(func(next http.RoundTripper) http.RoundTripper {
		return roundTrip(func(r *http.Request) (*http.Response, error) {
			if strings.HasSuffix(r.URL.Path, "/customers") {
				calls.Add(1)
				assert.Equal(t, "/v2/customers", r.URL.Path)
				assert.False(t, r.URL.Query().Has("evil"))
			}
			return next.RoundTrip(r)
		})
	}))
	require.NoError(t, err)
	srv.Inject(decisioningtest.Fault{Operation: "Customers", Kind: decisioningtest.Garble, Body: `{"resources":[{"id":"a"}],"pagination":{"next":"https://elsewhere.example/?evil=1","totalPages":2}}`})
	srv.Inject(decisioningtest.Fault{Operation: "Customers", Kind: decisioningtest.Garble, Body: `{"resources":[{"id":"b"}],"pagination":{"next":null,"totalPages":2}}`})
	n := 0
	for _, err := range client.Customers(decisioning.ListOptions{}).All(t.Context()) {
		require.NoError(t, err)
		n++
	}
	assert.Equal(t, 2, n)
	assert.Equal(t, int64(2), calls.Load())
}

func TestListsEndWithTheirContext(t *testing.T) {
	t.Parallel()
	srv, list := manyTransactions(t, 4_000, decisioningtest.Config{})
	ctx, cancel := context.WithCancel(t.Context())
	var failed error
	n := 0
	for _, err := range list.ReadAhead(4).All(ctx) {
		if err != nil {
			failed = err
			break
		}
		if n++; n == 300 {
			cancel()
		}
	}
	cancel()
	e, ok := errors.AsType[*ccr.Error](failed)
	require.True(t, ok, "%v", failed)
	assert.ErrorIs(t, e, context.Canceled)
	assert.Less(t, len(srv.Requests("Transactions")), 20)
}
