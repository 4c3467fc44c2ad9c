package proxy_test

import (
	"bytes"
	"context"
	"errors"
	"io"
	"log"
	"math/rand/v2"
	"net"
	"net/http"
	"net/http/httptest"
	"runtime"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/ccr-sdk/ccr/internal/tools/chaos/proxy"
)

// httpsThrough is an HTTPS server that sends body, and a client that reaches
// it by the proxy without knowing.
func httpsThrough(t *testing.T, body []byte, patience time.Duration, config proxy.Config) (*proxy.Proxy, func() ([]byte, error)) {
	t.Helper()
	srv := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write(body) }))
	srv.Config.ErrorLog = log.New(io.Discard, "", 0)
	srv.StartTLS()
	t.Cleanup(srv.Close)
	config.Target = proxy.TCP(srv.Listener.Addr().String())
	p, err := proxy.Start(config)
	require.NoError(t, err)
	t.Cleanup(func() { assert.NoError(t, p.Close()) })
	tr := srv.Client().Transport.(*http.Transport).Clone()
	tr.DialContext = p.DialContext
	tr.DisableKeepAlives = true // a connection for each request
	get := func() ([]byte, error) {
		// a flipped bit in a record's length lets both ends wait for the other
		ctx, cancel := context.WithTimeout(t.Context(), patience)
		defer cancel()
		req, err := http.NewRequestWithContext(ctx, http.MethodGet, srv.URL, nil)
		if err != nil {
			return nil, err
		}
		res, err := tr.RoundTrip(req)
		if err != nil {
			return nil, err
		}
		defer res.Body.Close()
		return io.ReadAll(res.Body)
	}
	return p, get
}

func TestHTTPSClientSeesTheFault(t *testing.T) {
	t.Parallel()
	body := randomBytes(200_000)
	p, get := httpsThrough(t, body, 10*time.Second, proxy.Config{})
	got, err := get()
	require.NoError(t, err)
	require.True(t, bytes.Equal(body, got))

	for _, kind := range []proxy.Kind{proxy.Cut, proxy.Reset, proxy.HalfClose, proxy.Corrupt} {
		for _, at := range []int64{20, 1500, 100_000} { // in the handshake, after it, in the body
			p.Next(proxy.Fault{Kind: kind, Dir: proxy.ToClient, At: at, Within: 100})
			got, err = get()
			require.Error(t, err, "%s at %d", kind, at)
			require.True(t, bytes.HasPrefix(body, got), "%s at %d", kind, at)
		}
		require.EqualValues(t, 3, p.Stats().Faults[kind])
	}
	got, err = get()
	require.NoError(t, err)
	require.True(t, bytes.Equal(body, got))
}

// Everything at random on real sockets: every client learns of it, what
// arrives is genuine, and nothing is left when the proxy has closed.
func TestManyFaultsAtOnce(t *testing.T) {
	t.Parallel()
	body := randomBytes(100_000)
	var strikes atomic.Int64
	p, get := httpsThrough(t, body, time.Second, proxy.Config{Seed: 42, OnFault: func(proxy.Strike) { strikes.Add(1) }})
	p.Policy(func(_ int, r *rand.Rand) []proxy.Fault {
		f := proxy.Fault{Dir: proxy.Dir(r.IntN(2)), Within: 110_000}
		if f.Dir == proxy.ToServer {
			f.Within = 500
		}
		switch r.IntN(7) {
		case 0:
			f.Kind = proxy.Cut
		case 1:
			f.Kind = proxy.Reset
		case 2:
			f.Kind, f.For = proxy.Stall, time.Millisecond
		case 3:
			f.Kind, f.Chunk, f.Pause, f.Bytes = proxy.Slow, 100, time.Microsecond, 1000
		case 4:
			f.Kind = proxy.HalfClose
		case 5:
			f.Kind = proxy.Corrupt
		default:
			f = proxy.Fault{Kind: proxy.Refuse}
		}
		return []proxy.Fault{f}
	})
	var wg sync.WaitGroup
	var whole, broken atomic.Int64
	for range 8 {
		wg.Go(func() {
			for range 25 {
				got, err := get()
				if err != nil {
					broken.Add(1)
					assert.True(t, bytes.HasPrefix(body, got))
					continue
				}
				whole.Add(1)
				assert.True(t, bytes.Equal(body, got))
			}
		})
	}
	wg.Wait()
	require.NoError(t, p.Close())
	s := p.Stats()
	assert.Zero(t, s.Active)
	assert.Equal(t, strikes.Load(), s.Injected())
	assert.Greater(t, broken.Load(), int64(50))
	assert.Greater(t, whole.Load(), int64(20))
	for _, kind := range []proxy.Kind{proxy.Cut, proxy.Reset, proxy.Stall, proxy.Slow, proxy.HalfClose, proxy.Corrupt, proxy.Refuse} {
		assert.NotZero(t, s.Faults[kind], kind)
	}
}

// After Close no goroutine of the package is left, whatever the connections
// were doing.
func TestCloseLeavesNoGoroutine(t *testing.T) { //nolint:paralleltest // it looks at every goroutine of the process
	w := overTCP(t, proxy.Config{Latency: time.Minute})
	var conns []net.Conn
	for i := range 6 {
		w.Conn(i, []proxy.Fault{{Kind: proxy.Stall}, {Kind: proxy.Slow, Rate: 1}, {Kind: proxy.HalfClose, At: 3}}[i%3])
		client, server := w.connect(t)
		conns = append(conns, client, server)
	}
	for i, c := range conns {
		if i >= len(conns)/2 {
			w.SetLatency(0)
		}
		_, err := c.Write(make([]byte, 10_000))
		require.NoError(t, err)
	}
	w.Hold()
	require.NoError(t, w.Close())
	stacks := make([]byte, 1<<20)
	stacks = stacks[:runtime.Stack(stacks, true)]
	for stack := range strings.SplitSeq(string(stacks), "\n\n") {
		assert.False(t, strings.Contains(stack, "chaos/proxy.(*link)") || strings.Contains(stack, "chaos/proxy.(*way)") ||
			strings.Contains(stack, "chaos/proxy.(*Proxy)"), "%s", stack)
	}
}

// A Dialer's connection need not be a socket.
func TestConnWithoutHalves(t *testing.T) {
	t.Parallel()
	near, far := net.Pipe() // has no CloseWrite, no Reset
	p, err := proxy.Start(proxy.Config{Target: func(context.Context) (net.Conn, error) { return near, nil }})
	require.NoError(t, err)
	p.Next(proxy.Fault{Kind: proxy.HalfClose, At: 4})
	c, err := p.DialContext(t.Context(), "tcp", "")
	require.NoError(t, err)
	defer c.Close()
	_, err = c.Write([]byte("12345"))
	require.NoError(t, err)
	got, err := io.ReadAll(far)
	require.NoError(t, err)
	require.Equal(t, "1234", string(got))
	_, err = io.ReadAll(c)
	require.True(t, err == nil || errors.Is(err, syscall.ECONNRESET), "%v", err)
	require.NoError(t, p.Close())
}
