package transport

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"runtime"
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/ccr-sdk/ccr"
)

// thing is a small JSON document, as the reads of an API answer.
type thing struct {
	ID      string `json:"id"`
	Object  string `json:"object"`
	Name    string `json:"name"`
	Created int64  `json:"created"`
}

// rivals are one authenticated GET of a small document over a kept connection,
// by bare net/http and by the pipeline with everything in place: the retry
// engine, the attempt timeout, the budget, a logger at its usual level.
func rivals(tb testing.TB) (bare, ours func(ctx context.Context) error) {
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Header.Get("Authorization") != "Bearer t" {
			w.WriteHeader(http.StatusUnauthorized)
			return
		}
		w.Header().Set("Content-Type", "application/json")
		_, _ = io.WriteString(w, `{"id":"abc","object":"model","name":"n","created":1700000000}`)
	}))
	tb.Cleanup(srv.Close)
	std := &http.Client{Transport: &http.Transport{}}
	tb.Cleanup(std.CloseIdleConnections)
	bare = func(ctx context.Context) error {
		req, err := http.NewRequestWithContext(ctx, http.MethodGet, srv.URL+"/v1/models/abc", nil)
		if err != nil {
			return err
		}
		req.Header.Set("Authorization", "Bearer t")
		resp, err := std.Do(req)
		if err != nil {
			return err
		}
		defer resp.Body.Close()
		if resp.StatusCode != http.StatusOK {
			return errors.New(resp.Status)
		}
		var v thing
		if err := json.NewDecoder(resp.Body).Decode(&v); err != nil {
			return err
		}
		_, err = io.Copy(io.Discard, resp.Body) // or the connection is not used again
		return err
	}
	tr := &http.Transport{}
	tb.Cleanup(tr.CloseIdleConnections)
	c, err := New(Config{Service: "svc", DefaultBaseURL: "https://api.example", Credential: key{"t"}},
		ccr.WithHTTPClient(&http.Client{Transport: tr}), ccr.WithLogger(slog.New(slog.NewTextHandler(io.Discard, nil))))
	require.NoError(tb, err)
	// TLS costs both the same and would only hide the difference.
	c.base, err = c.base.Parse(srv.URL)
	require.NoError(tb, err)
	c.origin = Origin(c.base)
	route := &Route{Operation: "Read", Method: http.MethodGet, Path: "/v1/models/{id}"}
	ours = func(ctx context.Context) error {
		_, _, err := Get[thing](ctx, c, &Request{Route: route, PathArgs: []string{"abc"}})
		return err
	}
	for range 50 {
		require.NoError(tb, bare(context.Background()))
		require.NoError(tb, ours(context.Background()))
	}
	return bare, ours
}

// BenchmarkCall measures the two in turns, a few calls each, so that what
// disturbs the machine disturbs both. One op is a call of each. x-time is the
// median of the turns' ratios: bare net/http is 1. The allocations are those
// of the whole process, the server's included, which serves both alike.
func BenchmarkCall(b *testing.B) {
	const turn = 16
	bare, ours := rivals(b)
	allocs := func(f func(context.Context) error) float64 {
		const runs = 500
		return allocations(runs, func() {
			if err := f(b.Context()); err != nil {
				b.Fatal(err)
			}
		})
	}
	bareAllocs, oursAllocs := allocs(bare), allocs(ours)
	timed := func(f func(context.Context) error) time.Duration {
		start := time.Now()
		for range turn {
			if err := f(b.Context()); err != nil {
				b.Fatal(err)
			}
		}
		return time.Since(start)
	}
	var ratios []float64
	var bareTime, oursTime time.Duration
	for b.Loop() {
		var x, y time.Duration
		if len(ratios)%2 == 0 {
			x, y = timed(bare), timed(ours)
		} else {
			y, x = timed(ours), timed(bare)
		}
		bareTime, oursTime = bareTime+x, oursTime+y
		ratios = append(ratios, float64(y)/float64(x))
	}
	slices.Sort(ratios)
	n := float64(len(ratios) * turn)
	b.ReportMetric(0, "ns/op") // of a turn of each, which says nothing
	b.ReportMetric(float64(bareTime)/n, "ns/bare-call")
	b.ReportMetric(float64(oursTime)/n, "ns/ccr-call")
	b.ReportMetric(ratios[len(ratios)/2], "x-time")
	b.ReportMetric(bareAllocs, "allocs/bare-call")
	b.ReportMetric(oursAllocs, "allocs/ccr-call")
	b.ReportMetric(oursAllocs-bareAllocs, "more-allocs")
}

// allocations is testing.AllocsPerRun without its change of GOMAXPROCS, which
// other tests share.
func allocations(runs int, f func()) float64 {
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	for range runs {
		f()
	}
	runtime.ReadMemStats(&after)
	return float64(after.Mallocs-before.Mallocs) / float64(runs)
}

// TestCallCost keeps the allocations where they are: 20 more than bare
// net/http at most. It is not parallel, since others would allocate meanwhile.
func TestCallCost(t *testing.T) { //nolint:paralleltest // see above
	if raceDetector {
		t.Log("not measured: the race detector allocates")
		return
	}
	bare, ours := rivals(t)
	best := 1e9
	for range 5 { // the smallest difference is the one that nothing disturbed
		x := allocations(200, func() { require.NoError(t, bare(t.Context())) })
		y := allocations(200, func() { require.NoError(t, ours(t.Context())) })
		best = min(best, y-x)
	}
	t.Logf("%.1f allocations more than bare net/http", best)
	require.LessOrEqual(t, best, 20.0)
}
