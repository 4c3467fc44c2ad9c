package transport

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/ccr-sdk/ccr"
	"github.com/ccr-sdk/ccr/internal/option"
)

// TestEvents: exactly one event an attempt, with what an operator needs.
func TestEvents(t *testing.T) {
	t.Parallel()
	inWorld(t, func(t *testing.T, w *world) {
		w.serve = func(n int, x *exchange) {
			switch x.readBody(); n {
			case 1:
				x.answer(503, "X-Request-Id: r1\r\nRetry-After: 3\r\n", "")
			case 2:
				<-time.After(250 * time.Millisecond)
				_ = x.raw.Reset()
			default:
				x.answer(200, "X-Request-Id: r3\r\n", "{}")
			}
		}
		call, err := option.NewCall(ccr.WithCorrelationID("job-7"))
		require.NoError(t, err)
		req := w.request(routePut)
		req.Call = call
		_, err = w.client(Config{}, ccr.WithRetry(ccr.RetryPolicy{BaseDelay: 1, MaxDelay: 1})).Do(t.Context(), req)
		require.NoError(t, err)
		require.Len(t, w.events.list, 3)
		common := map[string]any{"service": "svc", "operation": "Replace", "method": "PUT", "route": "/v1/things", "correlation_id": "job-7"}
		for i, more := range []map[string]any{
			{"msg": "request failed", "level": "WARN", "attempt": int64(1), "duration": time.Duration(0), "status": int64(503), "request_id": "r1", "retry_in": 3 * time.Second},
			{"msg": "request failed", "level": "WARN", "attempt": int64(2), "duration": 250 * time.Millisecond},
			{"msg": "request", "level": "DEBUG", "attempt": int64(3), "duration": time.Duration(0), "status": int64(200), "request_id": "r3"},
		} {
			got := w.events.list[i]
			for k, v := range common {
				assert.Equal(t, v, got[k], k)
			}
			for k, v := range more {
				assert.Equal(t, v, got[k], k)
			}
		}
		assert.Contains(t, w.events.list[1]["error"], "connection reset by peer")
	})
}

// TestLevels: an answered attempt is for debugging, a failed one is a warning;
// a logger that wants neither costs nothing.
func TestLevels(t *testing.T) {
	t.Parallel()
	for level, want := range map[slog.Level]int{slog.LevelDebug: 2, slog.LevelInfo: 1, slog.LevelError: 0} {
		inWorld(t, func(t *testing.T, w *world) {
			w.events.min = level
			w.serve = func(n int, x *exchange) { x.answer(600-400*(n%2), "", "{}") } // 200, then 600
			c := w.client(Config{})
			_, err := c.Do(t.Context(), w.request(routeGet))
			require.NoError(t, err)
			_ = failed(t, c, w.request(routeGet))
			assert.Len(t, w.events.list, want)
		})
	}
}

// TestUnsentEvents: what stops an attempt before it is a request has an event
// of its own.
func TestUnsentEvents(t *testing.T) {
	t.Parallel()
	tests := map[string]struct {
		cfg   Config
		opts  []ccr.Option
		body  Body
		by    string
		class error
	}{
		"limiter": {
			opts: []ccr.Option{ccr.WithLimiter(limiterFunc(func(context.Context) error { return errors.New("rate: would exceed context deadline") }))},
			by:   "limiter", class: ccr.ErrUnavailable,
		},
		"credential": {cfg: Config{Credential: noCredential{errors.New("vault is sealed")}}, by: "credential", class: ccr.ErrUnauthorized},
		"body":       {body: Body{Length: 1, Open: func() (io.ReadCloser, error) { return nil, syscall.ENOENT }}, by: "body", class: ccr.ErrInvalid},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			inWorld(t, func(t *testing.T, w *world) {
				e := failed(t, w.client(tt.cfg, tt.opts...), &Request{Route: routePut, Body: tt.body})
				require.ErrorIs(t, e, tt.class)
				assert.Equal(t, ccr.OutcomeNotSent, e.Outcome)
				assert.Zero(t, e.Attempts)
				assert.Zero(t, w.conns.Load())
				require.Len(t, w.events.list, 1)
				assert.Equal(t, "request not sent", w.events.list[0]["msg"])
				assert.Equal(t, tt.by, w.events.list[0]["stopped_by"])
				assert.Equal(t, "not sent", w.events.list[0]["outcome"])
			})
		})
	}
}

// TestInvalidHeader: what net/http refuses to send is not sent again.
func TestInvalidHeader(t *testing.T) {
	t.Parallel()
	inWorld(t, func(t *testing.T, w *world) {
		req := w.request(routePut)
		req.Header = http.Header{"X-Extra": {"c4n4ry\r\nX-Evil: 1"}}
		e := failed(t, w.client(Config{}), req)
		require.ErrorIs(t, e, ccr.ErrInvalid)
		require.ErrorContains(t, e, "invalid header in the request")
		assert.Equal(t, ccr.OutcomeNotSent, e.Outcome)
		assert.Equal(t, 1, e.Attempts)
		assert.Zero(t, w.conns.Load())
		assert.NotContains(t, e.Error(), canary)
		w.settled(t)
	})
}

type noCredential struct{ err error }

func (noCredential) Bind(Binding) error                               { return nil }
func (n noCredential) Header(context.Context) (string, string, error) { return "", "", n.err }
func (noCredential) Refused(string) bool                              { return false }

// TestCredentialFailures: a token endpoint's error explains the call's, and is
// not taken for it.
func TestCredentialFailures(t *testing.T) {
	t.Parallel()
	inner := func(status int, outcome ccr.Outcome, classes ...error) *ccr.Error {
		e := &ccr.Error{Service: "auth", Operation: "Token", StatusCode: status, Outcome: outcome, Classes: classes, Code: "invalid_client", RetryAfter: 9 * time.Second, Advice: "ask"}
		e.SetAnswer(&ccr.Problem{Title: "t"}, []byte("body"))
		return e
	}
	tests := map[string]struct {
		err  error
		want []error
	}{
		"refused":         {inner(401, ccr.OutcomeRejected, ccr.ErrUnauthorized), []error{ccr.ErrUnauthorized}},
		"bad request":     {inner(400, ccr.OutcomeRejected, ccr.ErrInvalid), []error{ccr.ErrUnauthorized}},
		"no such page":    {inner(404, ccr.OutcomeRejected, ccr.ErrNotFound), []error{ccr.ErrUnauthorized}},
		"conflict":        {inner(409, ccr.OutcomeRejected, ccr.ErrDuplicate), []error{ccr.ErrUnauthorized}},
		"limited":         {inner(429, ccr.OutcomeRejected, ccr.ErrRateLimited), []error{ccr.ErrRateLimited}},
		"down":            {inner(503, ccr.OutcomeUnknown, ccr.ErrUnavailable), []error{ccr.ErrUnavailable}},
		"lost":            {inner(0, ccr.OutcomeUnknown, ccr.ErrUnavailable), []error{ccr.ErrUnavailable}},
		"no token in it":  {inner(200, ccr.OutcomeRejected, ccr.ErrContract), []error{ccr.ErrUnauthorized, ccr.ErrContract}},
		"of another kind": {errors.New("vault is sealed"), []error{ccr.ErrUnauthorized}},
		"of the network":  {fmt.Errorf("vault: %w", &net.OpError{Op: "dial", Err: syscall.ECONNREFUSED}), []error{ccr.ErrUnavailable}},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			inWorld(t, func(t *testing.T, w *world) {
				e := failed(t, w.client(Config{Credential: noCredential{tt.err}}), w.request(routePut))
				assert.Equal(t, tt.want, e.Classes)
				assert.Equal(t, ccr.OutcomeNotSent, e.Outcome)
				assert.Zero(t, e.StatusCode, "the API answered nothing")
				assert.Zero(t, w.conns.Load())
				assert.Contains(t, e.Error(), "credential: ")
				for _, other := range []error{ccr.ErrOutcomeUnknown, ccr.ErrNotFound, ccr.ErrDuplicate, ccr.ErrInvalid} {
					assert.NotErrorIs(t, e, other, "that would be the call's")
				}
				if _, ok := errors.AsType[*ccr.Error](tt.err); ok {
					assert.Equal(t, "invalid_client", e.Code)
					assert.Equal(t, 9*time.Second, e.RetryAfter)
					assert.Equal(t, "ask", e.Advice)
					p, _ := e.Problem()
					assert.Equal(t, "t", p.Title)
					assert.Equal(t, "body", string(e.Body()))
				} else {
					require.ErrorIs(t, e, tt.err)
				}
			})
		})
	}
}

// TestRouteInContext: middleware learns what a request is for, attempt by
// attempt, and nothing personal.
func TestRouteInContext(t *testing.T) {
	t.Parallel()
	inWorld(t, func(t *testing.T, w *world) {
		w.serve = func(n int, x *exchange) { x.answer([]int{503, 200}[n-1], "", "{}") }
		var mu sync.Mutex
		var seen []ccr.RouteInfo
		c := w.client(Config{}, ccr.WithMiddleware(func(next http.RoundTripper) http.RoundTripper {
			return roundTripper(func(r *http.Request) (*http.Response, error) {
				info, ok := ccr.RouteFromContext(r.Context())
				assert.True(t, ok)
				mu.Lock()
				seen = append(seen, info)
				mu.Unlock()
				return next.RoundTrip(r)
			})
		}))
		ctx := context.WithValue(t.Context(), ctxKey{}, "mine")
		_, err := c.Do(ctx, w.request(routeGet))
		require.NoError(t, err)
		want := ccr.RouteInfo{Service: "svc", Operation: "Read", Template: "/v1/things/{id}", Attempt: 1}
		second := want
		second.Attempt = 2
		assert.Equal(t, []ccr.RouteInfo{want, second}, seen)
		_, ok := ccr.RouteFromContext(ctx)
		assert.False(t, ok)
	})
}

type ctxKey struct{}

// TestUserAgent: the SDK and the application are named.
func TestUserAgent(t *testing.T) {
	t.Parallel()
	inWorld(t, func(t *testing.T, w *world) {
		_, err := w.client(Config{}, ccr.WithApplication("billing", "2.1")).Do(t.Context(), &Request{Route: routeGet, PathArgs: []string{"x"}, Header: http.Header{"x-extra": {"1"}}})
		require.NoError(t, err)
		h := w.lastReq.Load().Header
		assert.Regexp(t, `^billing/2\.1 ccr-go/`+ccr.Version+` \(go`, h.Get("User-Agent"))
		assert.Equal(t, "1", h.Get("X-Extra"))
		assert.Equal(t, "application/json, application/problem+json", h.Get("Accept"))
	})
}

const canary = "c4n4ry"

// TestNoCanary plants canaries wherever a request or a credential can carry
// something, makes calls fail in every way there is, and looks for them in
// every printed form of everything that the caller or a middleware gets to
// see, and in all logs at debug level.
func TestNoCanary(t *testing.T) {
	t.Parallel()
	answers := map[string]func(w *world, x *exchange){
		"success": func(_ *world, x *exchange) {
			x.readBody()
			x.answer(200, "X-Request-Id: "+canary+" "+canary+"\r\n", `{"v":"`+canary+`"}`)
		},
		"bad JSON":   func(_ *world, x *exchange) { x.readBody(); x.answer(200, "", `{"v":`+canary) },
		"wrong type": func(_ *world, x *exchange) { x.readBody(); x.answer(200, "", `{"v":{"`+canary+`":1}}`) },
		"problem":    func(_ *world, x *exchange) { x.readBody(); x.answer(422, "", problemWith(canary)) },
		"unauthorized": func(_ *world, x *exchange) {
			x.readBody()
			x.answer(401, "Www-Authenticate: Bearer "+canary+"\r\n", problemWith(canary))
		},
		"down": func(_ *world, x *exchange) { x.readBody(); x.answer(503, "Retry-After: 1\r\n", canary) },
		"no HTTP": func(_ *world, x *exchange) {
			x.readBody()
			x.write(canary + " " + canary + "\r\n\r\n")
			_ = x.tls.Close()
		},
		"bad header": func(_ *world, x *exchange) {
			x.readBody()
			x.write("HTTP/1.1 200 OK\r\n" + canary + "\r\n\r\n")
			_ = x.tls.Close()
		},
		"bad status": func(_ *world, x *exchange) {
			x.readBody()
			x.write("HTTP/1.1 2" + canary + " OK\r\n\r\n")
			_ = x.tls.Close()
		},
		"bad length": func(_ *world, x *exchange) {
			x.readBody()
			x.write("HTTP/1.1 200 OK\r\nContent-Length: " + canary + "\r\n\r\n")
			_ = x.tls.Close()
		},
		"bad coding": func(_ *world, x *exchange) {
			x.readBody()
			x.write("HTTP/1.1 200 OK\r\nTransfer-Encoding: " + canary + "\r\n\r\n")
			_ = x.tls.Close()
		},
		"bad chunk": func(_ *world, x *exchange) {
			x.readBody()
			x.write("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n" + canary + "\r\n")
			_ = x.tls.Close()
		},
		"redirect": func(_ *world, x *exchange) {
			x.readBody()
			x.answer(302, "Location: https://"+canary+"@evil.example/"+canary+"?"+canary+"\r\n", "")
		},
		"bad redirect": func(_ *world, x *exchange) { x.readBody(); x.answer(302, "Location: https://["+canary+"\r\n", "") },
		"lost":         func(_ *world, x *exchange) { x.readBody(); _ = x.raw.Reset() },
		"stalled":      func(_ *world, x *exchange) { x.readBody(); stall(x) },
		"broken off":   func(_ *world, x *exchange) { x.readBody(); x.write(answerHead + canary); _ = x.raw.Close() },
	}
	for name, serve := range answers {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			inWorld(t, func(t *testing.T, w *world) {
				w.serve = func(_ int, x *exchange) { serve(w, x) }
				var text, jsonText bytes.Buffer
				p := &printer{t: t}
				mw := func(next http.RoundTripper) http.RoundTripper {
					return roundTripper(func(r *http.Request) (*http.Response, error) {
						p.all("context", r.Context())
						p.all("derived context", context.WithValue(r.Context(), ctxKey{}, 1))
						resp, err := next.RoundTrip(r)
						p.all("middleware's error", err)
						return resp, err
					})
				}
				level := &slog.HandlerOptions{Level: slog.LevelDebug}
				settings := []ccr.Option{
					ccr.WithHTTPClient(&http.Client{Transport: w.tr}), ccr.WithMiddleware(mw),
					ccr.WithRetry(ccr.RetryPolicy{MaxAttempts: 2}),
					ccr.WithLogger(slog.New(both{slog.NewTextHandler(&text, level), slog.NewJSONHandler(&jsonText, level)})),
				}
				cfg := Config{Service: "svc", DefaultBaseURL: "https://" + host, Credential: &key{canary}}
				for _, credential := range []Credential{cfg.Credential, &rotatingCanary{}} {
					cfg.Credential = credential
					c, err := New(cfg, settings...)
					require.NoError(t, err)
					s, err := option.NewSettings(settings...)
					require.NoError(t, err)
					p.all("client", c)
					p.all("settings", s)
					p.all("option", settings[0])
					for _, route := range []*Route{routeGet, routePut, routeCreate} {
						req := &Request{Route: route, Query: "name=" + canary + "&" + canary + "=1", Header: http.Header{"X-Secret": {canary}}}
						if route.Method == "GET" {
							req.PathArgs = []string{canary + "/" + canary}
						} else {
							req.Body = w.body([]byte(canary))
						}
						p.direct("request", req)
						_, resp, err := Get[struct{ V string }](t.Context(), c, req)
						if resp != nil {
							p.direct("response", resp)
						}
						for err := err; err != nil; err = errors.Unwrap(err) {
							p.all("error", err)
						}
						if e, ok := errors.AsType[*ccr.Error](err); ok {
							p.all("error by value", *e)
							p.all("its holder", struct{ e *ccr.Error }{e})
						}
					}
				}
				require.NotContains(t, text.String(), canary, "text log")
				require.NotContains(t, jsonText.String(), canary, "JSON log")
				require.Contains(t, text.String(), "operation=")
				require.Positive(t, p.n)
			})
		})
	}
}

func problemWith(s string) string {
	return `{"type":"https://x/` + s + `","title":"` + s + `","detail":"` + s + `","code":"` + s + ` ` + s + `","errors":{"` + s + ` x":["` + s + `"]},"message":["` + s + `"]}`
}

type rotatingCanary struct{ n int }

func (*rotatingCanary) Bind(Binding) error { return nil }
func (r *rotatingCanary) Header(context.Context) (string, string, error) {
	return "X-Api-Key", canary + itoa(r.n), nil
}
func (r *rotatingCanary) Refused(string) bool { r.n++; return true }

// both is a handler that hands on to two.
type both [2]slog.Handler

func (b both) Enabled(context.Context, slog.Level) bool { return true }
func (b both) WithAttrs([]slog.Attr) slog.Handler       { panic("not used") }
func (b both) WithGroup(string) slog.Handler            { panic("not used") }
func (b both) Handle(ctx context.Context, r slog.Record) error {
	return errors.Join(b[0].Handle(ctx, r), b[1].Handle(ctx, r))
}

// printer prints a value in every form there is.
type printer struct {
	t *testing.T
	n int
}

// all prints a value by itself and in whatever may hold it. From a field that
// is not exported, fmt calls no method, and under a verb that does not suit it
// follows one pointer.
func (p *printer) all(what string, v any) {
	p.t.Helper()
	if v == nil {
		return
	}
	held := struct{ private any }{v}
	p.direct(what, v, held, &held, []any{held})
}

// direct prints values by themselves and from where fmt finds their methods.
func (p *printer) direct(what string, v any, more ...any) {
	p.t.Helper()
	p.n++
	for _, x := range append(more, v, struct{ Exported any }{v}, []any{v}, map[string]any{"k": v}) {
		for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%q", "%d", "%x", "%X", "%o", "%t", "%p"} {
			p.clean(what+" "+verb, fmt.Sprintf(verb, x))
		}
		p.clean(what+" Sprint", fmt.Sprint(x))
		if b, err := json.Marshal(x); err == nil {
			p.clean(what+" JSON", string(b))
		} else {
			p.clean(what+" JSON", err.Error())
		}
		var b bytes.Buffer
		for _, h := range []slog.Handler{slog.NewTextHandler(&b, nil), slog.NewJSONHandler(&b, nil)} {
			slog.New(h).Info("m", "k", x, slog.Group("g", "k", x))
		}
		p.clean(what+" slog", b.String())
	}
}

// clean looks for the canary as text, in hexadecimal and in decimal bytes.
func (p *printer) clean(what, s string) {
	p.t.Helper()
	for _, form := range []string{canary, fmt.Sprintf("%x", canary), fmt.Sprintf("%X", canary), strings.Trim(fmt.Sprintf("%d", []byte(canary)), "[]"), strings.Trim(fmt.Sprintf("%#v", []byte(canary)), "[]byte{}")} {
		if strings.Contains(s, form) {
			p.t.Errorf("%s shows a canary: %.300s", what, s)
			return
		}
	}
}
