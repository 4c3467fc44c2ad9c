package transport

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/cookiejar"
	"net/url"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/ccr-sdk/ccr"
	"github.com/ccr-sdk/ccr/internal/memnet"
)

func parse(t *testing.T, raw string) *url.URL {
	t.Helper()
	u, err := url.Parse(raw)
	require.NoError(t, err)
	return u
}

func TestOrigin(t *testing.T) {
	t.Parallel()
	for raw, want := range map[string]string{
		"https://api.example/x?y":    origin,
		"https://API.Example:443":    origin,
		"HTTPS://api.example":        origin,
		"https://api.example:8443":   "https://api.example:8443",
		"http://api.example":         "http://api.example:80",
		"https://api.example.:443/":  "https://api.example.:443",
		"https://[2001:DB8::1]/":     "https://2001:db8::1:443",
		"https://api.example@evil/x": "https://evil:443",
	} {
		assert.Equal(t, want, Origin(parse(t, raw)), raw)
	}
}

// TestAbsoluteURL: a status URI is followed on the API's own origin only;
// otherwise nothing is sent at all.
func TestAbsoluteURL(t *testing.T) {
	t.Parallel()
	for raw, ok := range map[string]bool{
		"https://api.example/v1/status/1":              true,
		"https://api.example:443/v1/status/1?a=b":      true,
		"https://API.EXAMPLE/v1/status/1":              true,
		"https://other.example/v1/status/1":            false,
		"https://api.example.evil.example/status":      false,
		"https://api.example:8443/v1/status/1":         false,
		"http://api.example/v1/status/1":               false,
		"http://api.example:443/v1/status/1":           false,
		"https://user@api.example/v1/status/1":         false,
		"https://user:pw@api.example/v1/status/1":      false,
		"https://api.example@evil.example/v1/status/1": false,
		"//api.example/v1/status/1":                    false,
		"/v1/status/1":                                 false,
		"https:api.example/v1/status/1":                false,
		"ftp://api.example/v1/status/1":                false,
		"file:///etc/hosts":                            false,
		"https://":                                     false,
	} {
		t.Run(raw, func(t *testing.T) {
			t.Parallel()
			inWorld(t, func(t *testing.T, w *world) {
				c := w.client(Config{Credential: key{"t0ps3cret"}})
				resp, err := c.Do(t.Context(), &Request{Route: routeGet, URL: parse(t, raw)})
				if ok {
					require.NoError(t, err)
					assert.Equal(t, "Bearer t0ps3cret", w.lastReq.Load().Header.Get("Authorization"))
					assert.True(t, strings.HasPrefix(resp.URL.Path, "/v1/status/1"))
					return
				}
				e, _ := errors.AsType[*ccr.Error](err)
				require.NotNil(t, e)
				require.ErrorIs(t, e, ccr.ErrInvalid)
				assert.Equal(t, ccr.OutcomeNotSent, e.Outcome)
				assert.Equal(t, "url", e.Fields[0].Path)
				assert.Zero(t, w.conns.Load())
				assert.NotContains(t, e.Error(), "evil")
			})
		})
	}
}

// TestRedirects: a read follows on its own origin, with the credential;
// everything else is handed back.
func TestRedirects(t *testing.T) {
	t.Parallel()
	tests := map[string]struct {
		route    *Route
		status   int
		location string
		followed bool
	}{
		"read, relative":            {routeGet, 302, "/v2/moved", true},
		"read, absolute":            {routeGet, 307, "https://api.example/v2/moved", true},
		"read, same origin by port": {routeGet, 301, "https://api.example:443/v2/moved", true},
		"read, other host":          {routeGet, 302, "https://other.example/v2/moved", false},
		"read, other port":          {routeGet, 302, "https://api.example:8443/v2/moved", false},
		"read, in clear":            {routeGet, 302, "http://api.example/v2/moved", false},
		"read, with a user":         {routeGet, 302, "https://canary:canary@api.example/v2/moved", false},
		"read, no Location":         {routeGet, 302, "", false},
		"read, Location is no URL":  {routeGet, 302, "https://[canary", false},
		"read, 304":                 {routeGet, 304, "", false},
		"write, same origin":        {routePut, 302, "/v2/moved", false},
		"write, same origin, 307":   {routePut, 307, "/v2/moved", false},
		"write, same origin, 308":   {routePut, 308, "https://api.example/v2/moved", false},
		"write, Location is no URL": {routePut, 307, "https://[canary", false},
		"create, same origin, 303":  {routeCreate, 303, "/v2/moved", false},
		"destructive, same, 308":    {routeDestruct, 308, "/v2/moved", false},
		"destructive, other host":   {routeDestruct, 307, "https://other.example/v2/moved", false},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			inWorld(t, func(t *testing.T, w *world) {
				w.serve = func(n int, x *exchange) {
					x.readBody()
					assert.Equal(t, "Bearer t0ps3cret", x.req.Header.Get("Authorization"))
					if n > 1 {
						x.answer(200, "", "{}")
						return
					}
					h := ""
					if tt.location != "" {
						h = "Location: " + tt.location + "\r\n"
					}
					x.answer(tt.status, h, "")
				}
				limited := 0
				c := w.client(Config{Credential: key{"t0ps3cret"}}, ccr.WithLimiter(limiterFunc(func(context.Context) error { limited++; return nil })))
				resp, err := c.Do(t.Context(), w.request(tt.route))
				w.settled(t)
				if tt.followed {
					require.NoError(t, err)
					assert.Equal(t, "/v2/moved", resp.URL.Path)
					assert.Equal(t, 1, resp.Attempts, "it goes on within its attempt")
					assert.Equal(t, 2, limited, "but it is a request more")
					assert.Len(t, w.events.attempts(), 1)
					return
				}
				e, _ := errors.AsType[*ccr.Error](err)
				require.NotNil(t, e)
				assert.Equal(t, tt.status, e.StatusCode)
				require.ErrorIs(t, e, ccr.ErrContract)
				assert.Equal(t, ccr.OutcomeRejected, e.Outcome)
				assert.Equal(t, int64(1), w.heads.Load())
				assert.Equal(t, int64(1), w.conns.Load())
				assert.NotContains(t, fmt.Sprintf("%v %+v %#v", err, err, errors.Unwrap(err)), "canary")
			})
		})
	}
	t.Run("round and round", func(t *testing.T) {
		t.Parallel()
		inWorld(t, func(t *testing.T, w *world) {
			w.serve = func(_ int, x *exchange) { x.answer(302, "Location: /again\r\n", "") }
			e := failed(t, w.client(Config{}), w.request(routeGet))
			assert.Equal(t, 302, e.StatusCode)
			assert.Equal(t, int64(1+maxRedirects), w.heads.Load())
		})
	})
}

type limiterFunc func(context.Context) error

func (f limiterFunc) Wait(ctx context.Context) error { return f(ctx) }

// TestMiddleware: what a middleware does to a request can neither lead the
// credential away nor show it.
func TestMiddleware(t *testing.T) {
	t.Parallel()
	boom := errors.New("breaker is open")
	tests := map[string]struct {
		do     func(w *world, r *http.Request, next http.RoundTripper) (*http.Response, error)
		sent   bool
		is     error
		want   string // in the error; "": success
		unlike ccr.Outcome
	}{
		"passes it on": {do: func(_ *world, r *http.Request, next http.RoundTripper) (*http.Response, error) {
			return next.RoundTrip(r)
		}, sent: true},
		"clones it": {do: func(_ *world, r *http.Request, next http.RoundTripper) (*http.Response, error) {
			r = r.Clone(context.WithValue(r.Context(), new(int), 1))
			r.Header.Set("Authorization", "Bearer mine") // overruled
			return next.RoundTrip(r)
		}, sent: true},
		"another host": {do: func(_ *world, r *http.Request, next http.RoundTripper) (*http.Response, error) {
			r = r.Clone(r.Context())
			r.URL.Host = "other.example"
			return next.RoundTrip(r)
		}, is: errOrigin, want: "leave the API's origin"},
		"another scheme": {do: func(_ *world, r *http.Request, next http.RoundTripper) (*http.Response, error) {
			r = r.Clone(r.Context())
			r.URL.Scheme = "http"
			return next.RoundTrip(r)
		}, is: errOrigin, want: "leave the API's origin"},
		"another Host header": {do: func(_ *world, r *http.Request, next http.RoundTripper) (*http.Response, error) {
			r = r.Clone(r.Context())
			r.Host = "other.example" // the same front may serve both
			return next.RoundTrip(r)
		}, is: errOrigin, want: "leave the API's origin"},
		"the same host, otherwise": {do: func(_ *world, r *http.Request, next http.RoundTripper) (*http.Response, error) {
			r = r.Clone(r.Context())
			r.URL.Host, r.Host = "API.example:443", "api.EXAMPLE"
			return next.RoundTrip(r)
		}, sent: true},
		"drops the context": {do: func(_ *world, r *http.Request, next http.RoundTripper) (*http.Response, error) {
			return next.RoundTrip(r.WithContext(context.Background()))
		}, is: errLostContext, want: "without the context"},
		"a request of its own": {do: func(_ *world, r *http.Request, next http.RoundTripper) (*http.Response, error) {
			_ = r.Body.Close()
			own, err := http.NewRequest("GET", "https://other.example/", nil) //nolint:noctx // that is what is tested
			must(err)
			return next.RoundTrip(own)
		}, is: errLostContext, want: "without the context"},
		"an error": {do: func(_ *world, r *http.Request, _ http.RoundTripper) (*http.Response, error) {
			_ = r.Body.Close()
			return nil, boom
		}, is: boom, want: "breaker is open"},
		"an error with the URL": {do: func(_ *world, r *http.Request, _ http.RoundTripper) (*http.Response, error) {
			_ = r.Body.Close()
			return nil, fmt.Errorf("GET %s: %w", r.URL, boom)
		}, is: boom, want: "repeats data of the request"},
		"nothing": {do: func(_ *world, r *http.Request, _ http.RoundTripper) (*http.Response, error) {
			_ = r.Body.Close()
			return nil, nil
		}, want: "neither an answer nor an error"},
		"an answer of its own, bare": {do: func(_ *world, r *http.Request, _ http.RoundTripper) (*http.Response, error) {
			_ = r.Body.Close()
			return &http.Response{StatusCode: 200}, nil
		}},
		"an answer and an error": {do: func(_ *world, r *http.Request, next http.RoundTripper) (*http.Response, error) {
			resp, err := next.RoundTrip(r)
			must(err)
			return resp, boom
		}, sent: true, is: boom, want: "breaker is open", unlike: ccr.OutcomeNotSent},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			inWorld(t, func(t *testing.T, w *world) {
				saw := ""
				c := w.client(Config{Credential: key{"t0ps3cret"}}, ccr.WithRetry(ccr.RetryPolicy{MaxAttempts: 1}), ccr.WithMiddleware(func(next http.RoundTripper) http.RoundTripper {
					return roundTripper(func(r *http.Request) (*http.Response, error) {
						saw += fmt.Sprintf("%v %#v", r.Header, r.Context())
						resp, err := tt.do(w, r, next)
						if resp != nil && resp.Request != nil {
							saw += fmt.Sprint(resp.Request.Header)
						}
						return resp, err
					})
				}))
				req := w.request(routePut)
				req.Query = "q=canary"
				resp, err := c.Do(t.Context(), req)
				assert.NotContains(t, saw, "t0ps3cret")
				if tt.sent {
					require.Equal(t, "Bearer t0ps3cret", w.lastReq.Load().Header.Get("Authorization"))
				} else {
					require.Zero(t, w.heads.Load(), "nothing is sent")
				}
				if tt.want == "" {
					require.NoError(t, err)
					require.NotNil(t, resp.URL)
					return
				}
				require.ErrorContains(t, err, tt.want)
				assert.NotContains(t, err.Error(), "canary")
				if tt.is != nil {
					require.ErrorIs(t, err, tt.is)
				}
				e, _ := errors.AsType[*ccr.Error](err)
				require.NotNil(t, e)
				if tt.unlike == "" {
					assert.Equal(t, ccr.OutcomeNotSent, e.Outcome)
				} else {
					assert.NotEqual(t, tt.unlike, e.Outcome)
				}
				w.settled(t)
			})
		})
	}
}

// TestMiddlewarePanics: the caller's panic reaches the caller; nothing of the
// attempt stays behind.
func TestMiddlewarePanics(t *testing.T) {
	t.Parallel()
	inWorld(t, func(t *testing.T, w *world) {
		c := w.client(Config{}, ccr.WithMiddleware(func(http.RoundTripper) http.RoundTripper {
			return roundTripper(func(*http.Request) (*http.Response, error) { panic("middleware") })
		}))
		require.PanicsWithValue(t, "middleware", func() { _, _ = c.Do(t.Context(), w.request(routePut)) })
		w.settled(t)
	})
}

func TestMiddlewareOrder(t *testing.T) {
	t.Parallel()
	inWorld(t, func(t *testing.T, w *world) {
		var order []string
		named := func(name string) ccr.Middleware {
			return func(next http.RoundTripper) http.RoundTripper {
				return roundTripper(func(r *http.Request) (*http.Response, error) {
					order = append(order, name)
					return next.RoundTrip(r)
				})
			}
		}
		_, err := w.client(Config{}, ccr.WithMiddleware(named("a"), named("b")), ccr.WithMiddleware(named("c"))).Do(t.Context(), w.request(routeGet))
		require.NoError(t, err)
		assert.Equal(t, []string{"a", "b", "c"}, order)
	})
	_, err := New(Config{Service: "svc", DefaultBaseURL: "https://x.example"}, ccr.WithMiddleware(func(http.RoundTripper) http.RoundTripper { return nil }))
	require.ErrorContains(t, err, "no transport")
}

// TestCallersHTTPClient: it is used as it is, and never changed or closed.
func TestCallersHTTPClient(t *testing.T) {
	t.Parallel()
	inWorld(t, func(t *testing.T, w *world) {
		counting := &countingTransport{RoundTripper: w.tr}
		jar, err := cookiejar.New(nil)
		require.NoError(t, err)
		theirs := &http.Client{Transport: counting, Jar: jar, CheckRedirect: func(*http.Request, []*http.Request) error {
			t.Error("their CheckRedirect is not ours")
			return nil
		}}
		before := *theirs
		w.serve = func(n int, x *exchange) {
			x.readBody()
			cookies := x.req.Header["Cookie"]
			if n == 1 {
				assert.Empty(t, cookies)
			} else {
				assert.Equal(t, []string{"a=1"}, cookies, "once, at a retry too")
			}
			x.answer([]int{200, 503, 200, 404}[n-1], "Set-Cookie: a=1; Secure\r\n", "{}")
		}
		c := w.client(Config{}, ccr.WithHTTPClient(theirs))
		_, err = c.Do(t.Context(), w.request(routePut))
		require.NoError(t, err)
		_, err = c.Do(t.Context(), w.request(routePut)) // a retry inside
		require.NoError(t, err)
		_ = failed(t, c, w.request(routePut))
		ended, cancel := context.WithCancel(t.Context())
		cancel()
		_, err = c.Do(ended, w.request(routePut))
		require.Error(t, err)
		w.dial = func(context.Context) (net.Conn, error) { return nil, io.ErrUnexpectedEOF }
		w.tr.CloseIdleConnections()
		_ = failed(t, c, w.request(routePut))
		assert.Zero(t, counting.closed, "their pool is theirs to close")
		assert.Equal(t, before.Timeout, theirs.Timeout)
		assert.Same(t, counting, theirs.Transport)
		assert.NotNil(t, theirs.CheckRedirect)
	})
}

type countingTransport struct {
	http.RoundTripper
	closed int
}

func (c *countingTransport) CloseIdleConnections() { c.closed++ }

// TestNilTransport: a client without a transport means net/http's default one.
func TestNilTransport(t *testing.T) {
	t.Parallel()
	c, err := New(Config{Service: "svc", DefaultBaseURL: "https://x.example"}, ccr.WithHTTPClient(&http.Client{}))
	require.NoError(t, err)
	g, ok := c.http.Transport.(*outer).next.(*guard)
	require.True(t, ok)
	assert.Same(t, http.DefaultTransport, g.next)
	own, err := New(Config{Service: "svc", DefaultBaseURL: "https://x.example"})
	require.NoError(t, err)
	g, ok = own.http.Transport.(*outer).next.(*guard)
	require.True(t, ok)
	assert.NotSame(t, http.DefaultTransport, g.next)
}

// opaque is a transport that does not speak httptrace.
type opaque struct{ next http.RoundTripper }

func (o opaque) RoundTrip(r *http.Request) (*http.Response, error) {
	return o.next.RoundTrip(r.WithContext(context.Background()))
}

// TestOtherTransports: a transport that does not say when it has a connection
// is taken to have sent what it was handed, unless it failed to dial; one that
// wraps net/http's is believed.
func TestOtherTransports(t *testing.T) {
	t.Parallel()
	refused := func(context.Context) (net.Conn, error) {
		return nil, &net.OpError{Op: "dial", Net: "tcp", Err: errors.New("refused")}
	}
	tests := map[string]struct {
		wrap     func(http.RoundTripper) http.RoundTripper
		dial     func(context.Context) (net.Conn, error)
		outcome  ccr.Outcome
		attempts int
	}{
		"opaque, lost":          {func(rt http.RoundTripper) http.RoundTripper { return opaque{rt} }, nil, ccr.OutcomeUnknown, 1},
		"opaque, not dialled":   {func(rt http.RoundTripper) http.RoundTripper { return opaque{rt} }, refused, ccr.OutcomeNotSent, 3},
		"wrapping, lost":        {func(rt http.RoundTripper) http.RoundTripper { return &countingTransport{RoundTripper: rt} }, nil, ccr.OutcomeUnknown, 1},
		"wrapping, not dialled": {func(rt http.RoundTripper) http.RoundTripper { return &countingTransport{RoundTripper: rt} }, refused, ccr.OutcomeNotSent, 3},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			inWorld(t, func(t *testing.T, w *world) {
				w.dial = tt.dial
				w.serve = func(_ int, x *exchange) { x.readBody(); _ = x.raw.Close() }
				c := w.client(Config{}, ccr.WithHTTPClient(&http.Client{Transport: tt.wrap(w.tr)}), ccr.WithRetry(ccr.RetryPolicy{MaxAttempts: 3}))
				e := failed(t, c, w.request(routeCreate))
				assert.Equal(t, tt.outcome, e.Outcome)
				assert.Equal(t, tt.attempts, e.Attempts)
			})
		})
	}
}

// TestProxy: CONNECT through a proxy whose URL has a password, which no error
// shows, and which does not get the credential.
func TestProxy(t *testing.T) {
	t.Parallel()
	tests := map[string]struct {
		answer   string
		proxy    func(*http.Request) (*url.URL, error)
		want     string
		attempts int
	}{
		"passes":     {answer: "HTTP/1.1 200 OK\r\n\r\n"},
		"wants auth": {answer: "HTTP/1.1 407 canary says no\r\nContent-Length: 0\r\n\r\n", want: "HTTP 407 to CONNECT", attempts: 1},
		"is down":    {answer: "HTTP/1.1 503 canary is away\r\nContent-Length: 0\r\n\r\n", want: "HTTP 503 to CONNECT", attempts: 3},
		"no proxy":   {answer: "220 canary mail\r\n", want: "malformed HTTP answer", attempts: 3},
		"bad URL": {proxy: func(*http.Request) (*url.URL, error) {
			return nil, fmt.Errorf("invalid proxy address %q", "http://user:canary@[proxy")
		}, want: "the HTTP transport failed", attempts: 3},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			inWorld(t, func(t *testing.T, w *world) {
				w.tr.Proxy = tt.proxy
				if tt.proxy == nil {
					w.tr.Proxy = http.ProxyURL(parse(t, "http://user:canary@proxy.example:3128"))
				}
				tune(w.tr) // as a transport of our own
				w.connect = func(raw *memnet.Conn) bool {
					req, err := http.ReadRequest(bufio.NewReader(raw))
					if !assert.NoError(t, err) {
						return false
					}
					assert.Equal(t, "CONNECT", req.Method)
					assert.NotEmpty(t, req.Header.Get("Proxy-Authorization"))
					assert.Empty(t, req.Header.Get("Authorization"))
					_, _ = io.WriteString(raw, tt.answer)
					return strings.Contains(tt.answer, " 200 ")
				}
				c := w.client(Config{Credential: key{"t0ps3cret"}}, ccr.WithRetry(ccr.RetryPolicy{MaxAttempts: 3}))
				_, err := c.Do(t.Context(), w.request(routeCreate))
				if tt.want == "" {
					require.NoError(t, err)
					assert.Equal(t, "Bearer t0ps3cret", w.lastReq.Load().Header.Get("Authorization"))
					return
				}
				e, _ := errors.AsType[*ccr.Error](err)
				require.NotNil(t, e)
				require.ErrorContains(t, e, tt.want)
				assert.Equal(t, ccr.OutcomeNotSent, e.Outcome)
				assert.Equal(t, tt.attempts, e.Attempts)
				assert.NotContains(t, fmt.Sprintf("%v %+v %#v %q", e, e.Err, e.Err, errors.Unwrap(e)), "canary")
				assert.NotContains(t, fmt.Sprint(w.events.list), "canary")
			})
		})
	}
}

// TestOurTransport: the transport that a client makes for itself types a
// proxy's refusal.
func TestOurTransport(t *testing.T) {
	t.Parallel()
	tr, ok := newTransport().(*http.Transport)
	require.True(t, ok)
	require.NotNil(t, tr.OnProxyConnectResponse)
	require.NotNil(t, tr.HTTP2)
	require.NotNil(t, tr.Proxy)
	assert.True(t, tr.ForceAttemptHTTP2)
	assert.Equal(t, 32, tr.MaxIdleConnsPerHost)
}

// TestTLSFailures: a certificate that is not trusted will not be at the next
// attempt either.
func TestTLSFailures(t *testing.T) {
	t.Parallel()
	tests := map[string]struct {
		setup func(w *world)
		want  string
	}{
		"unknown authority": {func(w *world) { w.tr.TLSClientConfig.RootCAs = nil }, "certificate"},
		"other name":        {func(w *world) { w.tr.TLSClientConfig.ServerName = "mail.example" }, "certificate is valid for"},
		"no TLS": {func(w *world) {
			w.connect = func(raw *memnet.Conn) bool {
				_, _ = raw.Read(make([]byte, 1))
				_, _ = io.WriteString(raw, "HTTP/1.1 400 canary\r\n\r\n")
				return false
			}
		}, "server gave HTTP response to HTTPS client"},
		"refused by an alert": {func(w *world) {
			w.connect = func(raw *memnet.Conn) bool {
				_, _ = raw.Read(make([]byte, 1))
				_, _ = raw.Write([]byte{21, 3, 3, 0, 2, 2, 49}) // access_denied
				_, _ = io.Copy(io.Discard, raw)
				return false
			}
		}, "access denied"},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			inWorld(t, func(t *testing.T, w *world) {
				tt.setup(w)
				e := failed(t, w.client(Config{}), w.request(routePut))
				assert.Equal(t, 1, e.Attempts)
				assert.Equal(t, ccr.OutcomeNotSent, e.Outcome)
				require.ErrorContains(t, e, tt.want)
				assert.Contains(t, e.Advice, "CA")
				assert.False(t, e.Temporary())
			})
		})
	}
}
