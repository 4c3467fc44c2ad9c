package transport

import (
	"compress/gzip"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/ccr-sdk/ccr"
	"github.com/ccr-sdk/ccr/internal/option"
)

// TestRefusals: the bodies that vendors send with a refusal, and what an error
// makes of them. Every text in them that a person could have written is
// "canary"; none of it may be in the line.
func TestRefusals(t *testing.T) {
	t.Parallel()
	tests := map[string]struct {
		status  int
		header  string
		body    string
		class   []error
		code    string
		problem *ccr.Problem // but for its extensions
		ext     []string     // names of extensions
		fields  []string
	}{
		"problem": {
			status: 400, header: "Content-Type: application/problem+json\r\n",
			body:  `{"type":"https://x/canary","title":"canary","status":400,"detail":"canary","instance":"/canary","traceId":"00-ab-cd-00","balance":{"canary":1}}`,
			class: []error{ccr.ErrInvalid}, problem: &ccr.Problem{Type: "https://x/canary", Title: "canary", Status: 400, Detail: "canary", Instance: "/canary"}, ext: []string{"traceId", "balance"},
		},
		"ASP.NET validation problem": {
			status: 400, body: `{"title":"canary","status":400,"errors":{"accounts[0].outstandingAmount":["canary is no amount"],"$.x":["canary"],"canary@example.com":["x"],"0412345678":["canary"]}}`,
			class: []error{ccr.ErrInvalid}, problem: &ccr.Problem{Title: "canary", Status: 400}, ext: []string{"errors"},
			fields: []string{"x", "accounts[0].outstandingAmount"},
		},
		"list of faults": {
			status: 422, body: `{"errors":[{"pointer":"#/a/0","detail":"canary"},{"field":"name","message":"canary"},{"message":"canary"},{"path":"canary canary"}]}`,
			class: []error{ccr.ErrInvalid}, problem: &ccr.Problem{}, ext: []string{"errors"},
			fields: []string{"a[0]", "name"},
		},
		"Algoan": {
			status: 422, body: `{"code":"ALREADY_EXISTS","message":"canary -- canary","status":422}`,
			class: []error{ccr.ErrInvalid}, code: "ALREADY_EXISTS", problem: &ccr.Problem{Status: 422, Detail: "canary -- canary"}, ext: []string{"code", "message"},
		},
		"Nest": {
			status: 400, body: `{"statusCode":400,"message":["canary must be a string","canary"],"error":"Bad Request"}`,
			class: []error{ccr.ErrInvalid}, problem: &ccr.Problem{Status: 400, Title: "Bad Request", Detail: "canary must be a string; canary"}, ext: []string{"statusCode", "message", "error"},
		},
		"OAuth": {
			status: 401, body: `{"error":"invalid_client","error_description":"canary"}`,
			class: []error{ccr.ErrUnauthorized}, code: "invalid_client", problem: &ccr.Problem{Title: "invalid_client", Detail: "canary"}, ext: []string{"error", "error_description"},
		},
		"code is a number":           {status: 409, body: `{"code":4711}`, class: []error{ccr.ErrDuplicate}, code: "4711", problem: &ccr.Problem{}, ext: []string{"code"}},
		"error is an object":         {status: 400, body: `{"error":{"code":"E1","message":"canary"}}`, class: []error{ccr.ErrInvalid}, code: "E1", problem: &ccr.Problem{Detail: "canary"}, ext: []string{"error"}},
		"code is a telephone's":      {status: 409, body: `{"code":"0412345678"}`, class: []error{ccr.ErrDuplicate}, problem: &ccr.Problem{}, ext: []string{"code"}},
		"code is a sentence":         {status: 409, body: `{"code":"canary canary"}`, class: []error{ccr.ErrDuplicate}, problem: &ccr.Problem{}, ext: []string{"code"}},
		"members of other types":     {status: 409, body: `{"title":{"canary":1},"status":"409","detail":5,"errors":"canary","code":null}`, class: []error{ccr.ErrDuplicate}, problem: &ccr.Problem{}, ext: []string{"errors", "code"}},
		"byte order mark":            {status: 409, body: "\xef\xbb\xbf" + `{"code":"X"}`, class: []error{ccr.ErrDuplicate}, code: "X", problem: &ccr.Problem{}, ext: []string{"code"}},
		"HTML":                       {status: 502, header: "Content-Type: text/html\r\n", body: "<html><h1>canary</h1>", class: []error{ccr.ErrUnavailable}},
		"empty":                      {status: 404, class: []error{ccr.ErrNotFound}},
		"truncated JSON":             {status: 409, body: `{"title":"canary","det`, class: []error{ccr.ErrDuplicate}},
		"a list":                     {status: 409, body: `[{"code":"canary"}]`, class: []error{ccr.ErrDuplicate}},
		"a string":                   {status: 409, body: `"canary"`, class: []error{ccr.ErrDuplicate}},
		"not UTF-8":                  {status: 409, body: "\xff\xfecanary", class: []error{ccr.ErrDuplicate}},
		"gone":                       {status: 410, class: []error{ccr.ErrNotFound}},
		"length required":            {status: 411, class: []error{ccr.ErrInvalid}},
		"too large":                  {status: 413, class: []error{ccr.ErrInvalid}},
		"media type":                 {status: 415, class: []error{ccr.ErrInvalid}},
		"limited":                    {status: 429, header: "Retry-After: 600\r\n", class: []error{ccr.ErrRateLimited}},
		"forbidden, perhaps a limit": {status: 403, class: []error{ccr.ErrForbidden, ccr.ErrMaybeLimited}},
		"forbidden, a limit":         {status: 403, header: "Retry-After: 600\r\n", class: []error{ccr.ErrForbidden, ccr.ErrMaybeLimited, ccr.ErrRateLimited}},
		"not implemented":            {status: 501, class: []error{ccr.ErrContract}},
		"not modified":               {status: 304, class: []error{ccr.ErrContract}},
		"method":                     {status: 405, class: []error{ccr.ErrContract}},
		"teapot":                     {status: 418},
		"odd":                        {status: 599, class: []error{ccr.ErrUnavailable}},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			inWorld(t, func(t *testing.T, w *world) {
				w.serve = func(_ int, x *exchange) {
					x.readBody()
					x.answer(tt.status, tt.header+"X-Request-Id: req-1\r\n", tt.body)
				}
				var into ccr.Response
				call, err := option.NewCall(ccr.CaptureResponse(&into), ccr.WithCorrelationID("corr-1"))
				require.NoError(t, err)
				req := w.request(routePut)
				req.Call = call
				e := failed(t, w.client(Config{ForbiddenMayBeLimit: true, Members: func() map[string]string {
					return map[string]string{"accounts": "accounts", "outstandingamount": "outstandingAmount", "a": "a", "x": "x", "name": "name"}
				}}, ccr.WithRetry(ccr.RetryPolicy{MaxAttempts: 1})), req)
				assert.Equal(t, tt.class, e.Classes)
				assert.Equal(t, tt.status, e.StatusCode)
				assert.Equal(t, tt.code, e.Code)
				assert.Equal(t, "req-1", e.RequestID)
				assert.Equal(t, "corr-1", e.CorrelationID)
				assert.Equal(t, "PUT /v1/things", e.Route)
				assert.Equal(t, tt.body, string(e.Body()))
				p, ok := e.Problem()
				assert.Equal(t, tt.problem != nil, ok)
				if tt.problem != nil {
					var names []string
					for name := range p.Extensions {
						names = append(names, name)
					}
					p.Extensions = nil
					assert.Equal(t, *tt.problem, p)
					assert.ElementsMatch(t, tt.ext, names)
				}
				var paths []string
				for _, f := range e.Fields {
					paths = append(paths, f.Path)
				}
				assert.Equal(t, tt.fields, paths)
				for _, printed := range []string{e.Error(), fmt.Sprintf("%v %+v %#v %s %q %d %x", e, e, e, e, e, e, e), string(jsonOf(t, e)), fmt.Sprint(w.events.list)} {
					assert.NotContains(t, printed, "canary")
					assert.NotContains(t, printed, "0412345678")
				}
				assert.Contains(t, e.Error(), "req-1")
				assert.Contains(t, e.Error(), "corr-1")
				assert.Equal(t, ccr.Response{StatusCode: tt.status, Header: into.Header, Body: into.Body, RequestID: "req-1", Attempts: 1}, into)
				assert.Equal(t, tt.body, string(into.Body))
			})
		})
	}
}

func jsonOf(t *testing.T, v any) []byte {
	t.Helper()
	b, err := json.Marshal(v)
	require.NoError(t, err)
	return b
}

// TestErrorBodies: a refusal stays one, whatever becomes of its body.
func TestErrorBodies(t *testing.T) {
	t.Parallel()
	tests := map[string]struct {
		serve func(x *exchange)
		size  int // kept
		most  time.Duration
	}{
		"larger than the cap": {func(x *exchange) { x.answer(409, "", strings.Repeat("x", 3<<20)) }, MaxErrorBody, 0},
		"larger, without a length": {func(x *exchange) {
			x.write("HTTP/1.1 409 Conflict\r\nConnection: close\r\n\r\n" + strings.Repeat("x", 2<<20))
			_ = x.tls.Close()
		}, MaxErrorBody, 0},
		"exactly the cap": {func(x *exchange) { x.answer(409, "", strings.Repeat("x", MaxErrorBody)) }, MaxErrorBody, 0},
		"breaks off": {func(x *exchange) {
			x.write("HTTP/1.1 409 Conflict\r\nContent-Length: 9000\r\n\r\nabc")
			_ = x.raw.Reset()
		}, 3, 0},
		"stalls":      {func(x *exchange) { x.write("HTTP/1.1 409 Conflict\r\nContent-Length: 9000\r\n\r\nabc"); stall(x) }, 3, time.Minute},
		"never comes": {func(x *exchange) { x.write("HTTP/1.1 409 Conflict\r\nContent-Length: 9000\r\n\r\n"); stall(x) }, 0, time.Minute},
		"claims a lot": {func(x *exchange) {
			x.write("HTTP/1.1 409 Conflict\r\nContent-Length: 9000000000000\r\n\r\nabc")
			_ = x.raw.Close()
		}, 3, 0},
		"a gzip bomb":      {func(x *exchange) { x.answer(409, "Content-Encoding: gzip\r\n", gzipped(20<<20)) }, MaxErrorBody, 0},
		"gzip that is not": {func(x *exchange) { x.answer(409, "Content-Encoding: gzip\r\n", "canary") }, 0, 0},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			inWorld(t, func(t *testing.T, w *world) {
				w.serve = func(_ int, x *exchange) { x.readBody(); tt.serve(x) }
				start := time.Now()
				e := failed(t, w.client(Config{}), w.request(routePut))
				assert.Equal(t, 409, e.StatusCode)
				assert.Equal(t, ccr.OutcomeRejected, e.Outcome)
				assert.Len(t, e.Body(), tt.size)
				assert.LessOrEqual(t, time.Since(start), tt.most)
				w.settled(t)
			})
		})
	}
}

// TestSuccessBodies: what a success holds, and what is wrong with it.
func TestSuccessBodies(t *testing.T) {
	t.Parallel()
	tests := map[string]struct {
		serve func(x *exchange)
		max   int64
		size  int
		want  string
	}{
		"empty":         {serve: func(x *exchange) { x.answer(204, "", "") }},
		"with a length": {serve: func(x *exchange) { x.answer(200, "", "abc") }, size: 3},
		"without one":   {serve: func(x *exchange) { x.write("HTTP/1.1 200 OK\r\nConnection: close\r\n\r\nabc"); _ = x.tls.Close() }, size: 3},
		"chunked": {serve: func(x *exchange) {
			x.write("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\n")
		}, size: 3},
		"gzip":          {serve: func(x *exchange) { x.answer(200, "Content-Encoding: gzip\r\n", gzipped(5000)) }, size: 5000},
		"at the cap":    {serve: func(x *exchange) { x.answer(200, "", "abcd") }, max: 4, size: 4},
		"above the cap": {serve: func(x *exchange) { x.answer(200, "", "abcde") }, max: 4, want: "larger than allowed (4 bytes)"},
		"above it, chunked": {serve: func(x *exchange) {
			x.write("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nabcde\r\n0\r\n\r\n")
		}, max: 4, want: "larger than allowed (4 bytes)"},
		"a gzip bomb": {serve: func(x *exchange) { x.answer(200, "Content-Encoding: gzip\r\n", gzipped(10<<20)) }, max: 1 << 20, want: "larger than allowed"},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			inWorld(t, func(t *testing.T, w *world) {
				w.serve = func(_ int, x *exchange) { x.readBody(); tt.serve(x) }
				req := w.request(routeGet)
				req.MaxBody = tt.max
				resp, err := w.client(Config{}).Do(t.Context(), req)
				assert.Equal(t, int64(1), w.heads.Load())
				if tt.want != "" {
					require.ErrorContains(t, err, tt.want)
					require.ErrorIs(t, err, ccr.ErrContract)
					return
				}
				require.NoError(t, err)
				assert.Len(t, resp.Body, tt.size)
			})
		})
	}
}

func TestStream(t *testing.T) {
	t.Parallel()
	t.Run("from the start again after a break", func(t *testing.T) {
		t.Parallel()
		inWorld(t, func(t *testing.T, w *world) {
			w.serve = func(n int, x *exchange) {
				if n == 1 {
					x.write("HTTP/1.1 200 OK\r\nContent-Length: 6\r\n\r\nabc")
					_ = x.raw.Close()
					return
				}
				x.answer(200, "X-Request-Id: second\r\n", "abcdef")
			}
			var got []string
			req := w.request(routeGet)
			req.Stream = func(resp *Response, r io.Reader) error {
				b, err := io.ReadAll(r)
				got = append(got, resp.RequestID+":"+string(b))
				return err
			}
			resp, err := w.client(Config{}).Do(t.Context(), req)
			require.NoError(t, err)
			assert.Equal(t, []string{":abc", "second:abcdef"}, got)
			assert.Equal(t, 2, resp.Attempts)
			assert.Nil(t, resp.Body)
		})
	})
	t.Run("the connection is used again", func(t *testing.T) {
		t.Parallel()
		inWorld(t, func(t *testing.T, w *world) {
			w.serve = func(_ int, x *exchange) {
				x.write("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\n{}\r\n \r\n0\r\n\r\n")
			}
			c := w.client(Config{})
			for range 3 {
				req := w.request(routeGet)
				req.Stream = func(_ *Response, r io.Reader) error { var v struct{}; return json.NewDecoder(r).Decode(&v) }
				_, err := c.Do(t.Context(), req)
				require.NoError(t, err)
			}
			assert.Equal(t, int64(1), w.conns.Load())
		})
	})
	own := errors.New("the disk is full")
	for name, tt := range map[string]struct {
		err     error
		class   error
		outcome ccr.Outcome
	}{
		"the reader fails":            {own, ccr.ErrContract, ccr.OutcomeUnknown},
		"the reader has its own view": {&ccr.Error{Classes: []error{ccr.ErrIncomplete}, Outcome: ccr.OutcomeRejected, Err: own}, ccr.ErrIncomplete, ccr.OutcomeRejected},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			inWorld(t, func(t *testing.T, w *world) {
				req := w.request(routeGet)
				req.Stream = func(*Response, io.Reader) error { return tt.err }
				e := failed(t, w.client(Config{}), req)
				require.ErrorIs(t, e, own)
				require.ErrorIs(t, e, tt.class)
				assert.Equal(t, tt.outcome, e.Outcome)
				assert.Equal(t, 1, e.Attempts, "it is not repeated")
				assert.Equal(t, 200, e.StatusCode)
			})
		})
	}
}

// TestStreamCancelled: a reader that gives up because the caller did.
func TestStreamCancelled(t *testing.T) {
	t.Parallel()
	inWorld(t, func(t *testing.T, w *world) {
		ctx, cancel := context.WithCancel(t.Context())
		req := w.request(routeGet)
		req.Stream = func(*Response, io.Reader) error { cancel(); return fmt.Errorf("store: %w", ctx.Err()) }
		_, err := w.client(Config{}).Do(ctx, req)
		require.ErrorIs(t, err, context.Canceled)
		require.NotErrorIs(t, err, ccr.ErrContract)
	})
}

// TestCapture: CaptureResponse has the last answer, or nothing of an earlier call.
func TestCapture(t *testing.T) {
	t.Parallel()
	inWorld(t, func(t *testing.T, w *world) {
		into := ccr.Response{StatusCode: 777, Body: []byte("old")}
		call, err := option.NewCall(ccr.CaptureResponse(&into))
		require.NoError(t, err)
		c := w.client(Config{})
		do := func(ctx context.Context, serve func(n int, x *exchange)) {
			w.serve = serve
			req := w.request(routeGet)
			req.Call = call
			_, _ = c.Do(ctx, req)
		}
		do(t.Context(), func(_ int, x *exchange) { x.answer(200, "X-A: b\r\n", "ok") })
		assert.Equal(t, "ok", string(into.Body))
		assert.Equal(t, "b", into.Header.Get("X-A"))

		ended, cancel := context.WithCancel(t.Context())
		cancel()
		do(ended, nil)
		assert.Equal(t, ccr.Response{}, into)

		do(t.Context(), func(_ int, x *exchange) { x.write(answerHead + "{"); _ = x.raw.Close() })
		assert.Equal(t, 200, into.StatusCode, "of the answer that broke off")
		assert.Equal(t, 4, into.Attempts)

		do(t.Context(), func(_ int, x *exchange) { x.answer(503, "Retry-After: 3600\r\n", "later") })
		assert.Equal(t, "later", string(into.Body))
	})
}

// TestGet decodes, and says where an answer is not what it should be.
func TestGet(t *testing.T) {
	t.Parallel()
	tests := map[string]struct{ body, want string }{
		"fine":         {`{"id":"a","n":{"m":1}}`, ""},
		"a wrong type": {`{"id":"a","n":{"m":"canary"}}`, `JSON member "n.m" has an unexpected type at byte 27 (want int)`},
		"no JSON":      {`canary`, "not valid JSON at byte 1"},
		"truncated":    {`{"id":"canary`, "not valid JSON at byte 13"},
		"trailing":     {`{"id":"a"} canary`, "not valid JSON at byte 12"},
		"empty":        {``, "not valid JSON at byte 0"},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			inWorld(t, func(t *testing.T, w *world) {
				w.serve = func(_ int, x *exchange) { x.answer(200, "", tt.body) }
				type doc struct {
					ID string
					N  struct {
						M int `json:"m"`
					} `json:"n"`
				}
				v, resp, err := Get[doc](t.Context(), w.client(Config{}), w.request(routeGet))
				if tt.want == "" {
					require.NoError(t, err)
					assert.Equal(t, "a", v.ID)
					assert.Equal(t, 1, resp.Attempts)
					return
				}
				require.ErrorContains(t, err, tt.want)
				require.ErrorIs(t, err, ccr.ErrContract)
				assert.NotContains(t, fmt.Sprintf("%v %+v", err, errors.Unwrap(err)), "canary")
				e, _ := errors.AsType[*ccr.Error](err)
				assert.Equal(t, tt.body, string(e.Body()))
			})
		})
	}
}

func TestRetryAfter(t *testing.T) {
	t.Parallel()
	now := time.Date(2026, 11, 21, 12, 0, 0, 0, time.UTC)
	for v, want := range map[string]time.Duration{
		"": -1, "0": 0, " 5 ": 5 * time.Second, "5s": -1, "1.5": -1, "-1": -1, "+5": -1, "1e3": -1,
		"9223372036":                       9223372036 * time.Second,
		"9223372037":                       1<<63 - 1,
		"9223372036854775808":              1<<63 - 1,
		"Sat, 21 Nov 2026 12:00:30 GMT":    30 * time.Second,
		"Saturday, 21-Nov-26 12:00:30 GMT": 30 * time.Second,
		"Sat Nov 21 12:00:30 2026":         30 * time.Second,
		"Sat, 21 Nov 2026 11:00:00 GMT":    0,
		"Fri, 31 Dec 9999 23:59:59 GMT":    1<<63 - 1,
		"tomorrow":                         -1,
	} {
		got, ok := retryAfter(http.Header{"Retry-After": {v}}, now)
		assert.Equal(t, want >= 0, ok, v)
		assert.Equal(t, max(want, 0), got, v)
	}
}

func gzipped(n int) string {
	var b strings.Builder
	z := gzip.NewWriter(&b)
	_, err := z.Write(make([]byte, n))
	must(errors.Join(err, z.Close()))
	return b.String()
}
