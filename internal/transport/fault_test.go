package transport

import (
	"bytes"
	"context"
	"io"
	"net"
	"net/http"
	"strings"
	"sync/atomic"
	"syscall"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/ccr-sdk/ccr"
	"github.com/ccr-sdk/ccr/internal/memnet"
)

// fault is one way in which an attempt fails.
type fault struct {
	dial    func(ctx context.Context) (net.Conn, error)
	connect func(raw *memnet.Conn) bool
	serve   func(x *exchange)
}

// want is what a call has to show for it.
type want struct {
	seen    int64 // requests whose head the server saw
	outcome ccr.Outcome
}

// stall waits until the client has given up.
func stall(x *exchange) { _, _ = io.Copy(io.Discard, x.tls) }

// half reads part of the request's body.
func half(x *exchange) { _, _ = io.CopyN(io.Discard, x.req.Body, 1000) }

const answerHead = "HTTP/1.1 200 OK\r\nContent-Length: 100000\r\n\r\n"

// faultTable has every transient fault, by the stage at which it strikes. The
// wants are for the classes in the order of classOrder.
var faultTable = []struct {
	stage, name string
	fault       fault
	want        [5]want
}{
	// Before anything is sent: no connection was ever handed to the request.
	{"before send", "refused", fault{dial: func(context.Context) (net.Conn, error) {
		return nil, &net.OpError{Op: "dial", Net: "tcp", Err: syscall.ECONNREFUSED}
	}}, unsent},
	{"before send", "no such host", fault{dial: func(context.Context) (net.Conn, error) {
		return nil, &net.OpError{Op: "dial", Net: "tcp", Err: &net.DNSError{Err: "no such host", Name: host, IsNotFound: true}}
	}}, unsent},
	{"before send", "dial stalls", fault{dial: func(ctx context.Context) (net.Conn, error) {
		<-ctx.Done()
		return nil, &net.OpError{Op: "dial", Net: "tcp", Err: ctx.Err()}
	}}, unsent},
	{"before send", "cut before TLS", fault{connect: func(raw *memnet.Conn) bool { return false }}, unsent},
	{"before send", "reset in the handshake", fault{connect: func(raw *memnet.Conn) bool {
		_, _ = raw.Read(make([]byte, 1))
		_ = raw.Reset()
		return false
	}}, unsent},
	{"before send", "handshake stalls", fault{connect: func(raw *memnet.Conn) bool {
		_, _ = io.Copy(io.Discard, raw)
		return false
	}}, unsent},

	// A part of the request was sent.
	{"mid request body", "cut", fault{serve: func(x *exchange) { half(x); _ = x.raw.Close() }}, lost},
	{"mid request body", "reset", fault{serve: func(x *exchange) { half(x); _ = x.raw.Reset() }}, lost},
	{"mid request body", "stalls", fault{serve: func(x *exchange) { half(x); <-x.w.over }}, lost},

	// All of it was sent.
	{"before response", "cut", fault{serve: func(x *exchange) { x.readBody(); _ = x.raw.Close() }}, lost},
	{"before response", "reset", fault{serve: func(x *exchange) { x.readBody(); _ = x.raw.Reset() }}, lost},
	{"before response", "stalls", fault{serve: func(x *exchange) { x.readBody(); stall(x) }}, lost},
	{"before response", "half a head", fault{serve: func(x *exchange) {
		x.readBody()
		x.write("HTTP/1.1 200 OK\r\nContent-Le")
		_ = x.raw.Close()
	}}, lost},
	{"before response", "no HTTP", fault{serve: func(x *exchange) { x.readBody(); x.write("220 mail ready\r\n\r\n"); _ = x.tls.Close() }}, lost},

	// A part of a success came back.
	{"mid response", "cut", fault{serve: func(x *exchange) { x.readBody(); x.write(answerHead + "{"); _ = x.raw.Close() }}, lost},
	{"mid response", "reset", fault{serve: func(x *exchange) { x.readBody(); x.write(answerHead + "{"); _ = x.raw.Reset() }}, lost},
	{"mid response", "stalls", fault{serve: func(x *exchange) { x.readBody(); x.write(answerHead + "{"); stall(x) }}, lost},
	{"mid response", "stalls at once", fault{serve: func(x *exchange) { x.readBody(); x.write(answerHead); stall(x) }}, lost},
	{"mid response", "bad chunk", fault{serve: func(x *exchange) {
		x.readBody()
		x.write("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\n{\"a\":\r\nzz\r\n")
		_ = x.tls.Close()
	}}, lost},
	{"mid response", "no last chunk", fault{serve: func(x *exchange) {
		x.readBody()
		x.write("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\n{}\r\n")
		_ = x.tls.Close()
	}}, lost},

	// An answer that says to come back.
	{"answer", "408", status(408, ""), lost},
	{"answer", "425", status(425, ""), [5]want{{3, ccr.OutcomeRejected}, {3, ccr.OutcomeRejected}, {1, ccr.OutcomeRejected}, {1, ccr.OutcomeRejected}, {1, ccr.OutcomeRejected}}},
	{"answer", "429", status(429, ""), limited},
	{"answer", "429 after", status(429, "Retry-After: 7\r\n"), limited},
	{"answer", "403 after", status(403, "Retry-After: 7\r\n"), limited},
	{"answer", "500", status(500, ""), lost},
	{"answer", "502", status(502, ""), lost},
	{"answer", "503", status(503, ""), lost},
	{"answer", "504", status(504, ""), lost},
	{"answer", "500 without its body", fault{serve: func(x *exchange) {
		x.readBody()
		x.write("HTTP/1.1 500 Internal Server Error\r\nContent-Length: 100\r\n\r\n<")
		_ = x.raw.Close()
	}}, lost},
	// Not transient, for comparison.
	{"answer", "400", status(400, ""), final},
	{"answer", "403", status(403, ""), final},
	{"answer", "404", status(404, ""), final},
	{"answer", "409", status(409, ""), final},
	{"answer", "422", status(422, ""), final},
	{"answer", "501", status(501, ""), final},
}

func status(code int, header string) fault {
	return fault{serve: func(x *exchange) {
		if x.readBody() {
			x.answer(code, header, `{"title":"no"}`)
		}
	}}
}

var (
	classOrder = [5]*Route{routeGet, routePut, routeCreate, routeUpload, routeDestruct}

	unsent  = [5]want{{0, ccr.OutcomeNotSent}, {0, ccr.OutcomeNotSent}, {0, ccr.OutcomeNotSent}, {0, ccr.OutcomeNotSent}, {0, ccr.OutcomeNotSent}}
	lost    = [5]want{{3, ccr.OutcomeUnknown}, {3, ccr.OutcomeUnknown}, {1, ccr.OutcomeUnknown}, {1, ccr.OutcomeUnknown}, {1, ccr.OutcomeUnknown}}
	limited = [5]want{{3, ccr.OutcomeRejected}, {3, ccr.OutcomeRejected}, {3, ccr.OutcomeRejected}, {1, ccr.OutcomeRejected}, {1, ccr.OutcomeRejected}}
	final   = [5]want{{1, ccr.OutcomeRejected}, {1, ccr.OutcomeRejected}, {1, ccr.OutcomeRejected}, {1, ccr.OutcomeRejected}, {1, ccr.OutcomeRejected}}
)

// requestFor makes the request of a row.
func (w *world) requestFor(stage string, r *Route) *Request {
	if stage == "mid request body" {
		return w.large(r)
	}
	return w.request(r)
}

// attemptsOf is how many attempts a want stands for: where nothing reached the
// server, its count says nothing.
func attemptsOf(w want, r *Route) int {
	if w.outcome != ccr.OutcomeNotSent {
		return int(w.seen)
	}
	if r.Class == Destructive {
		return 1
	}
	return 3
}

func (f fault) install(w *world, times int64) {
	if f.dial != nil {
		w.dial = func(ctx context.Context) (net.Conn, error) {
			if w.conns.Load() > times {
				return w.l.Dial(ctx)
			}
			return f.dial(ctx)
		}
	}
	if f.connect != nil {
		w.connect = func(raw *memnet.Conn) bool { return w.conns.Load() > times || f.connect(raw) }
	}
	if f.serve != nil {
		fine := w.serve
		w.serve = func(n int, x *exchange) {
			if int64(n) > times {
				fine(n, x)
				return
			}
			f.serve(x)
		}
	}
}

// TestFaultTable: each fault strikes every attempt. The server sees as many
// requests as the class allows, and the error says what is known.
func TestFaultTable(t *testing.T) {
	t.Parallel()
	for _, row := range faultTable {
		for i, route := range classOrder {
			if row.stage == "mid request body" && route.Method == "GET" {
				continue // it has none
			}
			t.Run(strings.Join([]string{row.stage, row.name, route.Operation}, "/"), func(t *testing.T) {
				t.Parallel()
				inWorld(t, func(t *testing.T, w *world) {
					row.fault.install(w, 1<<60)
					c := w.client(Config{ForbiddenMayBeLimit: true, Credential: key{"t"}}, ccr.WithRetry(ccr.RetryPolicy{MaxAttempts: 3}))
					e := failed(t, c, w.requestFor(row.stage, route))
					want, attempts := row.want[i], attemptsOf(row.want[i], route)
					assert.Equal(t, want.outcome, e.Outcome)
					assert.Equal(t, want.seen, w.heads.Load(), "requests that the server saw")
					assert.Equal(t, attempts, e.Attempts)
					assert.Equal(t, want.outcome == ccr.OutcomeUnknown && attempts > 1, e.EarlierUnknown)
					assert.Len(t, w.events.attempts(), attempts, "one event an attempt")
					assert.NotContains(t, e.Error(), "T-1")
					w.settled(t)
				})
			})
		}
	}
}

// TestFaultOnce: the fault strikes the first attempt only. What may be
// repeated succeeds, with the whole body.
func TestFaultOnce(t *testing.T) {
	t.Parallel()
	for _, row := range faultTable {
		for i, route := range classOrder {
			want := row.want[i]
			if row.stage == "mid request body" && route.Method == "GET" || attemptsOf(want, route) == 1 {
				continue
			}
			t.Run(strings.Join([]string{row.stage, row.name, route.Operation}, "/"), func(t *testing.T) {
				t.Parallel()
				inWorld(t, func(t *testing.T, w *world) {
					row.fault.install(w, 1)
					fine := w.serve
					bodies := make(chan int, 10) // lengths of those that arrived whole
					w.serve = func(n int, x *exchange) {
						if fine(n, x); x.whole {
							bodies <- len(x.body)
						}
					}
					c := w.client(Config{ForbiddenMayBeLimit: true, Credential: key{"t"}}, ccr.WithRetry(ccr.RetryPolicy{MaxAttempts: 3}))
					req := w.requestFor(row.stage, route)
					resp, err := c.Do(t.Context(), req)
					require.NoError(t, err)
					assert.Equal(t, 2, resp.Attempts)
					assert.Equal(t, want.outcome == ccr.OutcomeUnknown, resp.EarlierUnknown)
					assert.JSONEq(t, `{"ok":true}`, string(resp.Body))
					w.settled(t)
					for range w.whole.Load() {
						assert.Equal(t, int(req.Body.Length), <-bodies)
					}
					assert.Len(t, w.events.of("request failed"), 1)
					assert.Len(t, w.events.of("request"), 1)
					w.settled(t)
				})
			})
		}
	}
}

// TestFaultThenRefusal: what a later answer says of an attempt before it whose
// answer was lost.
func TestFaultThenRefusal(t *testing.T) {
	t.Parallel()
	tests := map[string]struct {
		status  int
		outcome ccr.Outcome
		class   error
	}{
		"duplicate: the first one was taken, perhaps": {409, ccr.OutcomeUnknown, ccr.ErrDuplicate},
		"forbidden: says nothing of the first":        {403, ccr.OutcomeUnknown, ccr.ErrForbidden},
		"not found: says nothing of the first":        {404, ccr.OutcomeUnknown, ccr.ErrNotFound},
		"invalid: the same bytes were refused then":   {400, ccr.OutcomeRejected, ccr.ErrInvalid},
		"unprocessable: perhaps it exists by now":     {422, ccr.OutcomeUnknown, ccr.ErrInvalid},
		"too large: the same":                         {413, ccr.OutcomeRejected, ccr.ErrInvalid},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			inWorld(t, func(t *testing.T, w *world) {
				w.serve = func(n int, x *exchange) {
					if x.readBody(); n == 1 {
						_ = x.raw.Close()
						return
					}
					x.answer(tt.status, "", "")
				}
				e := failed(t, w.client(Config{}), w.request(routePut))
				assert.Equal(t, tt.outcome, e.Outcome)
				assert.True(t, e.EarlierUnknown)
				require.ErrorIs(t, e, tt.class)
				assert.Equal(t, tt.status, e.StatusCode)
				assert.Equal(t, tt.outcome == ccr.OutcomeUnknown, e.Is(ccr.ErrOutcomeUnknown))
				assert.Equal(t, 2, e.Attempts)
			})
		})
	}
	t.Run("not sent the second time", func(t *testing.T) {
		t.Parallel()
		inWorld(t, func(t *testing.T, w *world) {
			w.serve = func(_ int, x *exchange) {
				x.readBody()
				w.dial = func(context.Context) (net.Conn, error) { return nil, syscall.ECONNREFUSED }
				_ = x.raw.Close()
			}
			e := failed(t, w.client(Config{}), w.request(routePut))
			assert.Equal(t, ccr.OutcomeUnknown, e.Outcome)
			assert.Equal(t, 4, e.Attempts)
		})
	})
}

// TestHTTP2Faults is the table's core over HTTP/2, where streams break and not
// connections.
func TestHTTP2Faults(t *testing.T) {
	t.Parallel()
	stages := map[string]http.HandlerFunc{
		"mid request body": func(_ http.ResponseWriter, r *http.Request) {
			_, _ = io.CopyN(io.Discard, r.Body, 1000)
			panic(http.ErrAbortHandler)
		},
		"before response": func(_ http.ResponseWriter, r *http.Request) {
			_, _ = io.Copy(io.Discard, r.Body)
			panic(http.ErrAbortHandler)
		},
		"before response, stalls": func(_ http.ResponseWriter, r *http.Request) {
			_, _ = io.Copy(io.Discard, r.Body)
			<-r.Context().Done()
		},
		"mid response": func(w http.ResponseWriter, r *http.Request) {
			_, _ = io.Copy(io.Discard, r.Body)
			_, _ = io.WriteString(w, `{"a":`)
			_ = http.NewResponseController(w).Flush()
			panic(http.ErrAbortHandler)
		},
		"mid response, stalls": func(w http.ResponseWriter, r *http.Request) {
			_, _ = io.Copy(io.Discard, r.Body)
			_, _ = io.WriteString(w, `{"a":`)
			_ = http.NewResponseController(w).Flush()
			<-r.Context().Done()
		},
		"early refusal": func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(503) },
	}
	for name, handler := range stages {
		for i, route := range classOrder {
			if name == "mid request body" && route.Method == "GET" {
				continue
			}
			t.Run(name+"/"+route.Operation, func(t *testing.T) {
				t.Parallel()
				inHTTP2(t, handler, func(t *testing.T, w *world) {
					c := w.client(Config{Credential: key{"t"}}, ccr.WithRetry(ccr.RetryPolicy{MaxAttempts: 3}))
					e := failed(t, c, w.requestFor(name, route))
					assert.Equal(t, ccr.OutcomeUnknown, e.Outcome)
					assert.Equal(t, lost[i].seen, w.heads.Load())
					assert.Equal(t, int(lost[i].seen), e.Attempts)
					w.settled(t)
				})
			})
		}
	}
}

// TestKeptConnectionDies: net/http's own replays on a kept connection that
// turns out to be closed, which no policy of ours sees.
func TestKeptConnectionDies(t *testing.T) {
	t.Parallel()
	tests := map[string]struct {
		route    *Route
		seen     int64 // the first call's included
		attempts int
		err      bool
	}{
		"a read is repeated by us":              {routeGet, 3, 2, false},
		"an idempotent write is repeated by us": {routePut, 3, 2, false},
		"a create is not":                       {routeCreate, 2, 1, true},
		"a destructive call is not":             {routeDestruct, 2, 1, true},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			inWorld(t, func(t *testing.T, w *world) {
				fine := w.serve
				w.serve = func(n int, x *exchange) {
					if n == 2 { // on the kept connection
						_ = x.raw.Close()
						return
					}
					fine(n, x)
				}
				c := w.client(Config{})
				_, err := c.Do(t.Context(), w.request(routeGet))
				require.NoError(t, err)
				req := w.request(tt.route)
				if tt.route.Method != "GET" {
					req.Body = w.body([]byte("small"))
				}
				resp, err := c.Do(t.Context(), req)
				assert.Equal(t, tt.seen, w.heads.Load())
				if tt.err {
					require.ErrorIs(t, err, ccr.ErrOutcomeUnknown)
				} else if assert.NoError(t, err) {
					assert.Equal(t, tt.attempts, resp.Attempts)
				}
				w.settled(t)
			})
		})
	}
	t.Run("nothing could be written", func(t *testing.T) {
		t.Parallel()
		inWorld(t, func(t *testing.T, w *world) {
			var broken atomic.Bool
			w.dial = func(ctx context.Context) (net.Conn, error) {
				conn, err := w.l.Dial(ctx)
				return &brokenConn{Conn: conn, broken: &broken, number: w.conns.Load()}, err
			}
			c := w.client(Config{})
			_, err := c.Do(t.Context(), w.request(routeGet))
			require.NoError(t, err)
			broken.Store(true)
			resp, err := c.Do(t.Context(), w.request(routeDestruct))
			require.NoError(t, err, "it takes a connection of its own")
			assert.Equal(t, 1, resp.Attempts)
			assert.Equal(t, int64(2), w.heads.Load())
			assert.Equal(t, int64(12_000), w.lastReq.Load().ContentLength)
			assert.Equal(t, int64(1), w.opened.Load())
			w.settled(t)
		})
	})
	t.Run("closed while idle", func(t *testing.T) {
		t.Parallel()
		inWorld(t, func(t *testing.T, w *world) {
			fine := w.serve
			w.serve = func(n int, x *exchange) {
				fine(n, x)
				_ = x.raw.Close()
			}
			c := w.client(Config{})
			for range 3 {
				resp, err := c.Do(t.Context(), w.request(routeCreate))
				require.NoError(t, err, "a create goes out on a new connection")
				require.Equal(t, 1, resp.Attempts)
			}
			w.settled(t)
		})
	})
}

// brokenConn is a connection whose first one cannot be written to, once that
// is switched on.
type brokenConn struct {
	net.Conn
	broken *atomic.Bool
	number int64
}

func (b *brokenConn) Write(p []byte) (int, error) {
	if b.number == 1 && b.broken.Load() {
		return 0, syscall.EPIPE
	}
	return b.Conn.Write(p)
}

// TestSource: what goes wrong with a body before or while it is sent is the
// caller's own failure, and never a request.
func TestSource(t *testing.T) {
	t.Parallel()
	content := bytes.Repeat([]byte("x"), 100_000)
	reader := func(n int, then error) func() (io.ReadCloser, error) {
		return func() (io.ReadCloser, error) {
			return io.NopCloser(io.MultiReader(bytes.NewReader(content[:n]), failing{then})), nil
		}
	}
	all := len(content)
	tests := map[string]struct {
		body  Body
		class error
		cause error
	}{
		"cannot be opened": {Body{Length: 5, Open: func() (io.ReadCloser, error) { return nil, syscall.EACCES }}, ccr.ErrInvalid, syscall.EACCES},
		"opens to nothing": {Body{Length: 5, Open: func() (io.ReadCloser, error) { return nil, nil }}, ccr.ErrInvalid, nil},
		"fails at once":    {Body{Length: 5, Open: reader(0, syscall.EIO)}, ccr.ErrInvalid, syscall.EIO},
		"fails half-way":   {Body{Length: 200_000, Open: reader(all, syscall.EIO)}, ccr.ErrInvalid, syscall.EIO},
		"became shorter":   {Body{Length: 100_001, Open: reader(all, io.EOF)}, ccr.ErrFileChanged, nil},
		"became longer":    {Body{Length: 99_999, Open: reader(all, io.EOF)}, ccr.ErrFileChanged, nil},
		"fails at its end": {Body{Length: 100_000, Open: reader(all, ccr.ErrFileChanged)}, ccr.ErrFileChanged, nil},
		"stops half-way":   {Body{Length: 200_000, Open: reader(all, nil)}, ccr.ErrInvalid, io.ErrNoProgress},
		"never ends":       {Body{Length: 100_000, Open: reader(all, nil)}, ccr.ErrInvalid, io.ErrNoProgress},
		"no known length":  {Body{Length: -1, Open: reader(all, io.EOF)}, ccr.ErrInvalid, nil},
	}
	for name, tt := range tests {
		for _, route := range []*Route{routePut, routeUpload} {
			t.Run(name+"/"+route.Operation, func(t *testing.T) {
				t.Parallel()
				inWorld(t, func(t *testing.T, w *world) {
					e := failed(t, w.client(Config{}), &Request{Route: route, Body: tt.body})
					require.ErrorIs(t, e, tt.class)
					assert.Equal(t, ccr.OutcomeNotSent, e.Outcome)
					assert.Zero(t, w.whole.Load(), "requests that arrived whole")
					assert.LessOrEqual(t, e.Attempts, 1, "it is not repeated")
					if tt.cause != nil {
						require.ErrorIs(t, e, tt.cause)
					}
				})
			})
		}
	}
	t.Run("close fails", func(t *testing.T) {
		t.Parallel()
		inWorld(t, func(t *testing.T, w *world) {
			_, err := w.client(Config{}).Do(t.Context(), &Request{Route: routeUpload, Body: Body{Length: 3, Open: func() (io.ReadCloser, error) {
				return badCloser{strings.NewReader("abc")}, nil
			}}})
			require.NoError(t, err, "the request was sent whole")
		})
	})
	t.Run("gone at the retry", func(t *testing.T) {
		t.Parallel()
		inWorld(t, func(t *testing.T, w *world) {
			w.serve = func(_ int, x *exchange) { x.readBody(); x.answer(503, "X-Request-Id: r-1\r\n", "") }
			b := w.body([]byte("abc"))
			open := b.Open
			b.Open = func() (io.ReadCloser, error) {
				if w.opened.Load() > 0 {
					return nil, syscall.ENOENT
				}
				return open()
			}
			e := failed(t, w.client(Config{}), &Request{Route: routePut, Body: b})
			require.ErrorIs(t, e, syscall.ENOENT)
			assert.Equal(t, ccr.OutcomeUnknown, e.Outcome, "of the attempt that was made")
			assert.Equal(t, 503, e.StatusCode)
			assert.Equal(t, "r-1", e.RequestID)
			assert.Equal(t, 1, e.Attempts)
			w.settled(t)
		})
	})
}

type failing struct{ err error }

func (f failing) Read([]byte) (int, error) { return 0, f.err }

type badCloser struct{ io.Reader }

func (badCloser) Close() error { return syscall.EIO }

// TestLengthIsSent: Credit Clear answers 411 to a request without a length.
func TestLengthIsSent(t *testing.T) {
	t.Parallel()
	inWorld(t, func(t *testing.T, w *world) {
		c := w.client(Config{})
		for want, body := range map[int64]Body{
			0: {}, 3: BytesBody("text/plain", []byte("abc")), 100_000: w.body(make([]byte, 100_000)),
		} {
			for _, r := range []*Route{routePut, routeCreate} {
				_, err := c.Do(t.Context(), &Request{Route: r, Body: body})
				require.NoError(t, err)
				got := w.lastReq.Load()
				assert.Equal(t, want, got.ContentLength) // of the header: ReadRequest says -1 for chunks
				assert.Empty(t, got.TransferEncoding)
				assert.Equal(t, []string{itoa(int(want))}, got.Header["Content-Length"])
			}
		}
	})
}
