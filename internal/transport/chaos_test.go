package transport

import (
	"bytes"
	"context"
	"crypto/sha256"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"net/http"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/ccr-sdk/ccr"
	"github.com/ccr-sdk/ccr/internal/memnet"
	"github.com/ccr-sdk/ccr/internal/tools/chaos/proxy"
)

// TestNeverTwiceNeverLied puts a proxy between client and server that breaks
// connections at random bytes, and compares what the client says became of
// each call with what the server did: a create is never done twice, "not sent"
// is never said of a request that arrived, and no success of one that did not.
func TestNeverTwiceNeverLied(t *testing.T) {
	t.Parallel()
	for _, http2 := range []bool{false, true} {
		for seed := range uint64(4) {
			t.Run(fmt.Sprintf("http2=%v/%d", http2, seed), func(t *testing.T) {
				t.Parallel()
				neverTwice(t, http2, seed)
			})
		}
	}
}

func neverTwice(t *testing.T, http2 bool, seed uint64) {
	var mu sync.Mutex
	done := map[string]int{} // by the body's checksum: how often the server acted
	inServer(t, http2, func(w http.ResponseWriter, r *http.Request) {
		b, err := io.ReadAll(r.Body)
		if err != nil {
			return
		}
		mu.Lock()
		done[fmt.Sprintf("%x", sha256.Sum256(b))]++
		mu.Unlock()
		_, _ = w.Write(bytes.Repeat([]byte(" "), 3000))
		_, _ = io.WriteString(w, `{"ok":true}`)
	}, func(t *testing.T, w *world) {
		kinds := []proxy.Kind{proxy.Cut, proxy.Reset, proxy.Stall}
		p, err := proxy.Start(proxy.Config{
			Target: w.l.Dial, Seed: seed, Latency: time.Millisecond,
			Listen: func(net.Addr) (net.Listener, error) { return memnet.Listen(), nil },
		})
		require.NoError(t, err)
		defer func() { assert.NoError(t, p.Close()) }()
		p.Policy(func(_ int, r *rand.Rand) []proxy.Fault {
			return []proxy.Fault{{Kind: kinds[r.IntN(3)], Dir: proxy.Dir(r.IntN(2)), Within: 25_000}}
		})
		w.tr.DialContext = p.DialContext
		tune(w.tr) // as a transport of our own: a silent connection is given up
		defer w.tr.CloseIdleConnections()
		c := w.client(Config{Credential: key{"t"}}, ccr.WithRetry(ccr.RetryPolicy{MaxAttempts: 3, Budget: -1, AttemptTimeout: time.Minute}))
		var wg sync.WaitGroup
		said := map[string]int{}
		for worker := range 4 {
			wg.Go(func() {
				for i := range 30 {
					route := []*Route{routePut, routeCreate, routeDestruct}[i%3]
					content := fmt.Append(bytes.Repeat([]byte("x"), 4000), worker, "/", i)
					_, err := c.Do(t.Context(), &Request{Route: route, Body: w.body(content)})
					mu.Lock()
					acted := done[fmt.Sprintf("%x", sha256.Sum256(content))]
					e, _ := err.(*ccr.Error) //nolint:errorlint // Do promises the type itself
					what := "success"
					if e != nil {
						what = string(e.Outcome)
					}
					said[what]++
					switch what {
					case "success":
						assert.Positive(t, acted, "%s: success", route)
					case string(ccr.OutcomeNotSent):
						assert.Zero(t, acted, "%s: %v", route, err)
					default:
						assert.Equal(t, string(ccr.OutcomeUnknown), what)
					}
					if route.Class != Idempotent {
						assert.LessOrEqual(t, acted, 1, "%s: %v", route, err)
					}
					mu.Unlock()
				}
			})
		}
		wg.Wait()
		t.Log(said, p.Stats().Faults)
		assert.Positive(t, said["success"])
		assert.Greater(t, p.Stats().Injected(), int64(10))
		w.settled(t)
	})
}

// TestSilentConnection: a connection of HTTP/2 that went silent is found out
// by a ping while the first request on it waits, and not used again.
func TestSilentConnection(t *testing.T) {
	t.Parallel()
	inHTTP2(t, func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, `{"ok":true}`) }, func(t *testing.T, w *world) {
		tune(w.tr)
		var silent atomic.Bool
		w.dial = func(ctx context.Context) (net.Conn, error) {
			conn, err := w.l.Dial(ctx)
			return &silencedConn{Conn: conn, silent: &silent, number: w.conns.Load()}, err
		}
		c := w.client(Config{})
		_, err := c.Do(t.Context(), w.request(routeGet))
		require.NoError(t, err)
		silent.Store(true)
		start := time.Now()
		resp, err := c.Do(t.Context(), w.request(routeGet))
		require.NoError(t, err)
		assert.Equal(t, 2, resp.Attempts)
		assert.Less(t, time.Since(start), time.Minute, "sooner than the attempt timeout")
		assert.Equal(t, int64(2), w.conns.Load())
	})
}

// silencedConn is a connection whose first one loses what is written, once
// that is switched on.
type silencedConn struct {
	net.Conn
	silent *atomic.Bool
	number int64
}

func (s *silencedConn) Write(p []byte) (int, error) {
	if s.number == 1 && s.silent.Load() {
		return len(p), nil
	}
	return s.Conn.Write(p)
}
