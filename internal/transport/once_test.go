package transport

import (
	"crypto/tls"
	"encoding/binary"
	"io"
	"net/http"
	"os"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/ccr-sdk/ccr"
	"github.com/ccr-sdk/ccr/internal/memnet"
)

var routeDelete = &Route{Operation: "Remove", Method: "DELETE", Path: "/v1/things", Class: Destructive}

// storms is how many calls a storm lasts.
func storms() int {
	if os.Getenv("CCR_LONG") != "" {
		return 1000
	}
	return 12
}

const (
	frameData, frameHeaders, frameReset, frameSettings, frameGoAway = 0, 1, 3, 4, 7
	flagEnd, flagEndHeaders                                         = 1, 4
	refusedStream                                                   = 7
)

// frame is one of HTTP/2, of RFC 9113 section 4.1.
func frame(kind, flags byte, stream uint32, payload ...byte) []byte {
	n := len(payload)
	f := []byte{byte(n >> 16), byte(n >> 8), byte(n), kind, flags}
	return append(binary.BigEndian.AppendUint32(f, stream), payload...)
}

// serveHTTP2 is a server by hand: it counts whole requests and answers each by
// the frames that answer returns; false ends the connection after them.
func serveHTTP2(raw *memnet.Conn, whole *atomic.Int64, answer func(stream uint32) ([]byte, bool)) {
	conf, _ := identity()
	conf = conf.Clone()
	conf.NextProtos = []string{"h2"}
	conn := tls.Server(raw, conf)
	defer raw.Close()
	if _, err := io.ReadFull(conn, make([]byte, len("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"))); err != nil {
		return
	}
	_, _ = conn.Write(frame(frameSettings, 0, 0))
	for head := make([]byte, 9); ; {
		if _, err := io.ReadFull(conn, head); err != nil {
			return
		}
		length := int64(head[0])<<16 | int64(head[1])<<8 | int64(head[2])
		if _, err := io.CopyN(io.Discard, conn, length); err != nil {
			return
		}
		if kind := head[3]; kind != frameHeaders && kind != frameData || head[4]&flagEnd == 0 {
			continue
		}
		whole.Add(1)
		reply, again := answer(binary.BigEndian.Uint32(head[5:]))
		_, _ = conn.Write(reply)
		if !again {
			return
		}
	}
}

// wrapped hides what a transport is, as instrumentation does.
type wrapped struct{ http.RoundTripper }

// TestNoRequestTwice: servers that make net/http send a request again by
// itself get a create and a destructive call once, with a body or without,
// and anything else no more often than the policy says.
func TestNoRequestTwice(t *testing.T) {
	t.Parallel()
	servers := map[string]func(w *world, whole *atomic.Int64) func(*memnet.Conn) bool{
		"GOAWAY": func(_ *world, whole *atomic.Int64) func(*memnet.Conn) bool {
			return func(raw *memnet.Conn) bool {
				serveHTTP2(raw, whole, func(uint32) ([]byte, bool) { return frame(frameGoAway, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0), true })
				return false
			}
		},
		"REFUSED_STREAM": func(_ *world, whole *atomic.Int64) func(*memnet.Conn) bool {
			return func(raw *memnet.Conn) bool {
				serveHTTP2(raw, whole, func(stream uint32) ([]byte, bool) { return frame(frameReset, 0, stream, 0, 0, 0, refusedStream), true })
				return false
			}
		},
		"HTTP/2 connection closed": func(_ *world, whole *atomic.Int64) func(*memnet.Conn) bool {
			return func(raw *memnet.Conn) bool {
				serveHTTP2(raw, whole, func(uint32) ([]byte, bool) { return nil, false })
				return false
			}
		},
		"1xx without end": func(w *world, whole *atomic.Int64) func(*memnet.Conn) bool {
			w.serve = func(_ int, x *exchange) {
				if x.readBody() {
					whole.Add(1)
				}
				for i := range 100 {
					if i%2 == 0 {
						x.write("HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\n")
					} else {
						x.write("HTTP/1.1 102 Processing\r\n\r\n")
					}
				}
				_ = x.raw.Close()
			}
			return nil
		},
	}
	for name, server := range servers {
		for _, route := range []*Route{routeDelete, routeCreate, routeDestruct, routeUpload, routePut} {
			for _, hidden := range []bool{false, true} {
				t.Run(name+" "+route.Operation+map[bool]string{true: " wrapped"}[hidden], func(t *testing.T) {
					t.Parallel()
					inWorld(t, func(t *testing.T, w *world) {
						var whole atomic.Int64
						w.tr.ForceAttemptHTTP2 = true
						w.connect = server(w, &whole)
						opts := []ccr.Option{ccr.WithRetry(ccr.RetryPolicy{MaxAttempts: 3, Budget: -1})}
						if hidden {
							opts = append(opts, ccr.WithHTTPClient(&http.Client{Transport: wrapped{w.tr}}))
						}
						c := w.client(Config{}, opts...)
						n := storms()
						if hidden {
							n = max(n/10, 3)
						}
						for range n {
							req := &Request{Route: route}
							if route.Method != "DELETE" {
								req.Body = BytesBody(JSON, []byte(`{"amount":1}`))
							}
							e := failed(t, c, req)
							require.ErrorIs(t, e, ccr.ErrUnavailable)
							require.Equal(t, ccr.OutcomeUnknown, e.Outcome)
						}
						want := int64(n)
						if route.Class == Idempotent {
							want *= 3
						}
						w.settled(t)
						assert.Equal(t, want, whole.Load(), "requests that arrived")
					})
				})
			}
		}
	}
}

// TestKeptConnectionsAreStale: a server that closes each kept connection just
// when the next request comes in does not leave the outcome of a create or a
// destructive call unknown, whether the transport is ours to see or hidden.
func TestKeptConnectionsAreStale(t *testing.T) {
	t.Parallel()
	for _, route := range []*Route{routeDelete, routeCreate, routeUpload} {
		for _, tt := range []struct {
			name   string
			hidden bool
			pause  time.Duration
		}{{"at once", false, 0}, {"after 5 s", false, 5 * time.Second}, {"hidden, after 5 s", true, 5 * time.Second}} {
			t.Run(route.Operation+" "+tt.name, func(t *testing.T) {
				t.Parallel()
				inWorld(t, func(t *testing.T, w *world) {
					var acted atomic.Int64
					seen := map[*memnet.Conn]bool{}
					fine := w.serve
					w.serve = func(n int, x *exchange) {
						if seen[x.raw] {
							_ = x.raw.Close()
							return
						}
						seen[x.raw] = true
						if x.req.Method == route.Method {
							acted.Add(1)
						}
						fine(n, x)
					}
					opts := []ccr.Option{ccr.WithRetry(ccr.RetryPolicy{Budget: -1})}
					if tt.hidden {
						opts = append(opts, ccr.WithHTTPClient(&http.Client{Transport: wrapped{w.tr}}))
					}
					c := w.client(Config{}, opts...)
					for range storms() {
						_, err := c.Do(t.Context(), w.request(routeGet)) // leaves a connection idle
						require.NoError(t, err)
						time.Sleep(tt.pause)
						req := &Request{Route: route}
						if route.Method != "DELETE" {
							req.Body = w.body([]byte("small"))
						}
						_, err = c.Do(t.Context(), req)
						require.NoError(t, err)
						time.Sleep(tt.pause)
					}
					assert.Equal(t, int64(storms()), acted.Load())
					w.settled(t)
				})
			})
		}
	}
}

// TestIdleHTTP2ConnectionsAreStale is the same under HTTP/2: the server ends a
// connection with its second request, which it never answers.
func TestIdleHTTP2ConnectionsAreStale(t *testing.T) {
	t.Parallel()
	const ok = 0x88 // ":status: 200" of RFC 7541
	for _, route := range []*Route{routeDelete, routeCreate, routeUpload} {
		for _, hidden := range []bool{false, true} {
			t.Run(route.Operation+map[bool]string{true: " hidden"}[hidden], func(t *testing.T) {
				t.Parallel()
				inWorld(t, func(t *testing.T, w *world) {
					var whole atomic.Int64
					w.tr.ForceAttemptHTTP2 = true
					w.connect = func(raw *memnet.Conn) bool {
						first := true
						serveHTTP2(raw, &whole, func(stream uint32) ([]byte, bool) {
							if !first {
								return nil, false
							}
							first = false
							return frame(frameHeaders, flagEnd|flagEndHeaders, stream, ok), true
						})
						return false
					}
					opts := []ccr.Option{ccr.WithRetry(ccr.RetryPolicy{Budget: -1})}
					if hidden {
						opts = append(opts, ccr.WithHTTPClient(&http.Client{Transport: wrapped{w.tr}}))
					}
					c := w.client(Config{}, opts...)
					for range storms() {
						req := &Request{Route: &Route{Operation: route.Operation, Method: route.Method, Path: route.Path, Class: route.Class, Success: []int{http.StatusOK}}}
						if route.Method != "DELETE" {
							req.Body = BytesBody(JSON, []byte(`{"amount":1}`))
						}
						_, err := c.Do(t.Context(), req)
						require.NoError(t, err)
						time.Sleep(5 * time.Second)
					}
					w.settled(t)
					assert.Equal(t, int64(storms()), whole.Load(), "requests that arrived")
				})
			})
		}
	}
}

// TestIdleHTTP2ConnectionIsLeftByAll: several calls that come to an idle
// connection at once all leave it, and none ends another.
func TestIdleHTTP2ConnectionIsLeftByAll(t *testing.T) {
	t.Parallel()
	inWorld(t, func(t *testing.T, w *world) {
		var whole atomic.Int64
		w.tr.ForceAttemptHTTP2 = true
		w.connect = func(raw *memnet.Conn) bool {
			serveHTTP2(raw, &whole, func(stream uint32) ([]byte, bool) {
				return frame(frameHeaders, flagEnd|flagEndHeaders, stream, 0x88), true
			})
			return false
		}
		c := w.client(Config{}, ccr.WithRetry(ccr.RetryPolicy{Budget: -1}), ccr.WithHTTPClient(&http.Client{Transport: wrapped{w.tr}}))
		route := &Route{Operation: "Remove", Method: "DELETE", Path: "/v1/things", Class: Destructive, Success: []int{http.StatusOK}}
		for range storms() {
			var wg sync.WaitGroup
			for range 8 {
				wg.Go(func() {
					_, err := c.Do(t.Context(), &Request{Route: route})
					assert.NoError(t, err)
				})
			}
			wg.Wait()
			time.Sleep(5 * time.Second)
		}
		w.settled(t)
		assert.Equal(t, int64(8*storms()), whole.Load(), "requests that arrived")
	})
}

// TestMiddlewareSendsTwice: a request goes out once in an attempt, through a
// transport without httptrace, too.
func TestMiddlewareSendsTwice(t *testing.T) {
	t.Parallel()
	twice := func(next http.RoundTripper) http.RoundTripper {
		return roundTripper(func(req *http.Request) (*http.Response, error) {
			if resp, err := next.RoundTrip(req); err == nil {
				return resp, nil
			}
			return next.RoundTrip(req)
		})
	}
	sent := 0
	silent := roundTripper(func(req *http.Request) (*http.Response, error) {
		sent++
		return nil, io.ErrUnexpectedEOF
	})
	c, err := New(Config{Service: "svc", DefaultBaseURL: "https://" + host},
		ccr.WithHTTPClient(&http.Client{Transport: silent}), ccr.WithMiddleware(twice))
	require.NoError(t, err)
	e := failed(t, c, &Request{Route: routeDelete})
	assert.Equal(t, 1, sent)
	assert.Equal(t, ccr.OutcomeUnknown, e.Outcome)
	assert.Contains(t, e.Error(), errSecond.Error())
}

// TestOnce: one request of an idempotent route can be one that must not go out
// twice.
func TestOnce(t *testing.T) {
	t.Parallel()
	for _, once := range []bool{false, true} {
		inWorld(t, func(t *testing.T, w *world) {
			w.serve = func(_ int, x *exchange) { x.readBody(); _ = x.raw.Close() }
			req := w.request(routePut)
			req.Once = once
			e := failed(t, w.client(Config{}), req)
			assert.Equal(t, ccr.OutcomeUnknown, e.Outcome)
			if once {
				assert.Equal(t, int64(1), w.whole.Load())
				assert.True(t, strings.Contains(e.Error(), "find out"), e.Error())
			} else {
				assert.Equal(t, int64(4), w.whole.Load())
			}
		})
	}
}
