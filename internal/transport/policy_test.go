package transport

import (
	"context"
	"errors"
	"io"
	"math"
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
	"github.com/ccr-sdk/ccr/internal/memnet"
	"github.com/ccr-sdk/ccr/internal/option"
)

// TestBackoff: full jitter below a ceiling that doubles up to the cap.
func TestBackoff(t *testing.T) {
	t.Parallel()
	p := ccr.RetryPolicy{BaseDelay: 500 * time.Millisecond, MaxDelay: 3 * time.Second}.WithDefaults()
	for n, ceiling := range map[int]time.Duration{
		1: 500 * time.Millisecond, 2: time.Second, 3: 2 * time.Second, 4: 3 * time.Second, 5: 3 * time.Second,
		31: 3 * time.Second, 64: 3 * time.Second, 1 << 30: 3 * time.Second,
	} {
		var lowest, highest time.Duration = math.MaxInt64, 0
		for range 2000 {
			d := jittered(p, n)
			lowest, highest = min(lowest, d), max(highest, d)
		}
		assert.GreaterOrEqual(t, lowest, time.Duration(0))
		assert.LessOrEqual(t, highest, ceiling)
		assert.Less(t, lowest, ceiling/20, "attempt %d: from zero", n)
		assert.Greater(t, highest, ceiling-ceiling/20, "attempt %d: to the ceiling", n)
	}
	for _, extreme := range []ccr.RetryPolicy{
		{BaseDelay: math.MaxInt64, MaxDelay: math.MaxInt64}, {BaseDelay: 1, MaxDelay: math.MaxInt64}, {BaseDelay: 1, MaxDelay: 1},
	} {
		for _, n := range []int{1, 29, 30, 31, 63, 1000} {
			assert.GreaterOrEqual(t, jittered(extreme, n), time.Duration(0))
		}
	}
}

func TestWaits(t *testing.T) {
	t.Parallel()
	date := func(d time.Duration) string { return time.Now().Add(d).UTC().Format(http.TimeFormat) }
	tests := map[string]struct {
		header   func() string // of the 503
		policy   ccr.RetryPolicy
		timeout  time.Duration // of the call
		attempts int
		least    time.Duration // waited in all
		most     time.Duration
	}{
		"jitter":           {attempts: 4, most: 500*time.Millisecond + time.Second + 2*time.Second},
		"seconds":          {header: func() string { return "Retry-After: 7\r\n" }, attempts: 4, least: 21 * time.Second, most: 21 * time.Second},
		"zero seconds":     {header: func() string { return "Retry-After: 0\r\n" }, attempts: 4, most: 3500 * time.Millisecond},
		"date":             {header: func() string { return "Retry-After: " + date(10*time.Second) + "\r\n" }, attempts: 4, least: 30 * time.Second, most: 30 * time.Second},
		"date in the past": {header: func() string { return "Retry-After: " + date(-time.Hour) + "\r\n" }, attempts: 4, most: 3500 * time.Millisecond},
		"date by their clock": {header: func() string {
			return "Date: " + date(time.Hour) + "\r\nRetry-After: " + date(time.Hour+9*time.Second) + "\r\n"
		}, attempts: 4, least: 27 * time.Second, most: 27 * time.Second},
		"at the cap":    {header: func() string { return "Retry-After: 120\r\n" }, attempts: 4, least: 6 * time.Minute, most: 6 * time.Minute},
		"above the cap": {header: func() string { return "Retry-After: 121\r\n" }, attempts: 1},
		"a day":         {header: func() string { return "Retry-After: 86400\r\n" }, attempts: 1},
		"overflow":      {header: func() string { return "Retry-After: 9999999999\r\n" }, attempts: 1},
		"more overflow": {header: func() string { return "Retry-After: 99999999999999999999999\r\n" }, attempts: 1},
		"no number":     {header: func() string { return "Retry-After: soon\r\n" }, attempts: 4, most: 3500 * time.Millisecond},
		"negative":      {header: func() string { return "Retry-After: -5\r\n" }, attempts: 4, most: 3500 * time.Millisecond},
		"own cap":       {header: func() string { return "Retry-After: 7\r\n" }, policy: ccr.RetryPolicy{MaxRetryAfter: 6 * time.Second}, attempts: 1},
		// Sleeping past the deadline would only lose the real error.
		"deadline before the wait": {header: func() string { return "Retry-After: 20\r\n" }, timeout: 15 * time.Second, attempts: 1},
		"deadline after one wait":  {header: func() string { return "Retry-After: 20\r\n" }, timeout: 30 * time.Second, attempts: 2, least: 20 * time.Second, most: 20 * time.Second},
		"one attempt":              {policy: ccr.RetryPolicy{MaxAttempts: 1}, attempts: 1},
		"seven attempts":           {policy: ccr.RetryPolicy{MaxAttempts: 7, BaseDelay: time.Second, MaxDelay: time.Second}, attempts: 7, most: 6 * time.Second},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			inWorld(t, func(t *testing.T, w *world) {
				w.serve = func(_ int, x *exchange) {
					h := ""
					if tt.header != nil {
						h = tt.header()
					}
					x.answer(503, h, "")
				}
				req := w.request(routeGet)
				req.Call.Timeout = tt.timeout
				start := time.Now()
				e := failed(t, w.client(Config{}, ccr.WithRetry(tt.policy)), req)
				waited := time.Since(start)
				assert.Equal(t, tt.attempts, e.Attempts)
				assert.Equal(t, int64(tt.attempts), w.heads.Load())
				assert.GreaterOrEqual(t, waited, tt.least)
				assert.LessOrEqual(t, waited, tt.most)
				assert.Equal(t, 503, e.StatusCode, "the real error")
				require.ErrorIs(t, e, ccr.ErrUnavailable)
				assert.NotErrorIs(t, e, context.DeadlineExceeded)
			})
		})
	}
}

// TestBudget: when a vendor is down, a storm of calls makes little more than
// one request each; answered calls earn retries back.
func TestBudget(t *testing.T) {
	t.Parallel()
	const calls = 500
	storm := func(t *testing.T, w *world, c *Client) {
		var wg sync.WaitGroup
		for range calls {
			wg.Go(func() {
				_, err := c.Do(t.Context(), w.request(routeGet))
				assert.ErrorIs(t, err, ccr.ErrUnavailable)
			})
		}
		wg.Wait()
	}
	refuse := func(context.Context) (net.Conn, error) { return nil, syscall.ECONNREFUSED }
	t.Run("default", func(t *testing.T) {
		t.Parallel()
		inWorld(t, func(t *testing.T, w *world) {
			w.dial = refuse
			c := w.client(Config{})
			storm(t, w, c)
			require.Equal(t, int64(calls+20), w.conns.Load())
			exhausted := 0
			for _, e := range w.events.attempts() {
				if e["no_retry"] == "retry budget exhausted" {
					exhausted++
				}
			}
			require.Equal(t, calls, exhausted)

			// Ten answered calls earn one retry: a refusal counts, an outage not.
			w.dial = nil
			for i := range 20 {
				w.serve = func(_ int, x *exchange) { x.answer(404+i%2*(200-404), "", "{}") }
				_, _ = c.Do(t.Context(), w.request(routeGet))
			}
			w.tr.CloseIdleConnections()
			w.dial = refuse
			before := w.conns.Load()
			storm(t, w, c)
			require.Equal(t, before+calls+2, w.conns.Load())
		})
	})
	t.Run("of one's own", func(t *testing.T) {
		t.Parallel()
		inWorld(t, func(t *testing.T, w *world) {
			w.dial = refuse
			storm(t, w, w.client(Config{}, ccr.WithRetry(ccr.RetryPolicy{Budget: 3})))
			require.Equal(t, int64(calls+3), w.conns.Load())
		})
	})
	t.Run("none", func(t *testing.T) {
		t.Parallel()
		inWorld(t, func(t *testing.T, w *world) {
			w.dial = refuse
			storm(t, w, w.client(Config{}, ccr.WithRetry(ccr.RetryPolicy{Budget: -1})))
			require.Equal(t, int64(4*calls), w.conns.Load())
		})
	})
	t.Run("each client has one", func(t *testing.T) {
		t.Parallel()
		inWorld(t, func(t *testing.T, w *world) {
			w.dial = refuse
			storm(t, w, w.client(Config{}))
			storm(t, w, w.client(Config{}))
			require.Equal(t, int64(2*(calls+20)), w.conns.Load())
		})
	})
}

// TestAttemptTimeout: an attempt ends when nothing moves, and only then.
func TestAttemptTimeout(t *testing.T) {
	t.Parallel()
	const timeout = 10 * time.Second
	policy := ccr.WithRetry(ccr.RetryPolicy{MaxAttempts: 1, AttemptTimeout: timeout})
	tests := map[string]struct {
		serve  func(w *world, x *exchange)
		size   int           // of the request's body, if not the usual one
		source time.Duration // between two reads of the request's body
		reader time.Duration // between two reads of the answer
		after  time.Duration // the call takes so long
		fails  bool
	}{
		"no answer":             {serve: func(_ *world, x *exchange) { x.readBody(); stall(x) }, after: timeout, fails: true},
		"an answer just before": {serve: func(_ *world, x *exchange) { x.readBody(); <-time.After(timeout - 1); x.answer(200, "", "{}") }, after: timeout - 1},
		"a slow answer": {serve: func(_ *world, x *exchange) {
			x.readBody()
			x.write("HTTP/1.1 200 OK\r\nContent-Length: 120000\r\n\r\n")
			for range 20 {
				<-time.After(timeout / 2)
				x.write(strings.Repeat("x", 6000))
			}
		}, after: 20 * timeout / 2},
		"an answer that stops": {serve: func(_ *world, x *exchange) {
			x.readBody()
			x.write("HTTP/1.1 200 OK\r\nContent-Length: 20\r\n\r\n")
			<-time.After(timeout / 2)
			x.write("xxxxx")
			stall(x)
		}, after: timeout + timeout/2, fails: true},
		"a slow source": {serve: func(_ *world, x *exchange) { x.readBody(); x.answer(200, "", "{}") }, source: timeout / 2, after: 10 * timeout / 2},
		// It takes the body in small parts, over a time much longer than the
		// timeout; what buffers on the way hold is all that is unseen.
		"a slow server":            {serve: func(_ *world, x *exchange) { slowly(x, timeout/5); x.answer(200, "", "{}") }, size: 10 * memnet.BufferSize, after: 11 * timeout / 5},
		"a slow reader is not cut": {serve: func(_ *world, x *exchange) { x.readBody(); x.answer(200, "", strings.Repeat("x", 300_000)) }, reader: 10 * timeout, after: 10 * 10 * timeout},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			inWorld(t, func(t *testing.T, w *world) {
				w.serve = func(_ int, x *exchange) { tt.serve(w, x) }
				req := w.request(routePut)
				if tt.size > 0 {
					req.Body = w.body(make([]byte, tt.size))
				}
				if tt.source > 0 {
					content := strings.Repeat("x", 10)
					req.Body = Body{Length: 10, Open: func() (io.ReadCloser, error) {
						return io.NopCloser(&slowReader{strings.NewReader(content), tt.source}), nil
					}}
				}
				if tt.reader > 0 {
					req.Stream = func(_ *Response, r io.Reader) error {
						for buf := make([]byte, 30_000); ; {
							if _, err := io.ReadFull(r, buf); err != nil {
								return ignoreEOF(err)
							}
							<-time.After(tt.reader)
						}
					}
				}
				start := time.Now()
				_, err := w.client(Config{}, policy).Do(t.Context(), req)
				assert.Equal(t, tt.after, time.Since(start))
				if !tt.fails {
					require.NoError(t, err)
					return
				}
				require.ErrorIs(t, err, ccr.ErrUnavailable)
				require.ErrorContains(t, err, "no byte moved for 10s")
				var timeout net.Error
				require.ErrorAs(t, err, &timeout)
				assert.True(t, timeout.Timeout())
				assert.NotErrorIs(t, err, context.DeadlineExceeded, "that is the caller's")
			})
		})
	}
}

func ignoreEOF(err error) error {
	if errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) {
		return nil
	}
	return err
}

// slowly reads the request's body a buffer at a time, with pauses.
func slowly(x *exchange, pause time.Duration) {
	for err := error(nil); err == nil; {
		<-time.After(pause)
		_, err = io.CopyN(io.Discard, x.req.Body, memnet.BufferSize)
	}
}

type slowReader struct {
	r     io.Reader
	pause time.Duration
}

func (s *slowReader) Read(p []byte) (int, error) {
	n, err := s.r.Read(p[:1])
	if n > 0 {
		<-time.After(s.pause)
	}
	return n, err
}

// TestClientTimeout: the Timeout of the caller's http.Client bounds each
// attempt as a whole, but not the waits before it.
func TestClientTimeout(t *testing.T) {
	t.Parallel()
	inWorld(t, func(t *testing.T, w *world) {
		w.serve = func(_ int, x *exchange) {
			x.write("HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n")
			for range 100 { // it moves all the time
				<-time.After(time.Second)
				x.write("x")
			}
		}
		c := w.client(Config{}, ccr.WithHTTPClient(&http.Client{Transport: w.tr, Timeout: 5 * time.Second}),
			ccr.WithRetry(ccr.RetryPolicy{MaxAttempts: 2, BaseDelay: 1, MaxDelay: 1}), ccr.WithLimiter(slowLimiter(time.Minute)))
		start := time.Now()
		e := failed(t, c, w.request(routeGet))
		assert.Equal(t, 2, e.Attempts)
		assert.InDelta(t, float64(2*time.Minute+10*time.Second), float64(time.Since(start)), float64(time.Millisecond))
		assert.ErrorContains(t, e, "the attempt was not done after 5s")
		assert.Equal(t, 200, e.StatusCode, "of the answer that broke off")
	})
}

type slowLimiter time.Duration

func (l slowLimiter) Wait(ctx context.Context) error {
	select {
	case <-time.After(time.Duration(l)):
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// TestContextEnds: the caller's context ends the call at once, at every stage.
func TestContextEnds(t *testing.T) {
	t.Parallel()
	own := errors.New("the operator pressed stop")
	stages := map[string]struct {
		setup    func(w *world) []ccr.Option
		outcome  ccr.Outcome
		attempts int
	}{
		"before the call": {nil, ccr.OutcomeNotSent, 0},
		"in the limiter":  {func(*world) []ccr.Option { return []ccr.Option{ccr.WithLimiter(slowLimiter(time.Hour))} }, ccr.OutcomeNotSent, 0},
		"while dialling": {func(w *world) []ccr.Option {
			w.dial = func(ctx context.Context) (net.Conn, error) { <-ctx.Done(); return nil, ctx.Err() }
			return nil
		}, ccr.OutcomeNotSent, 1},
		"while sending":  {func(w *world) []ccr.Option { w.serve = func(_ int, x *exchange) { half(x); <-w.over }; return nil }, ccr.OutcomeUnknown, 1},
		"waiting for it": {func(w *world) []ccr.Option { w.serve = func(_ int, x *exchange) { x.readBody(); stall(x) }; return nil }, ccr.OutcomeUnknown, 1},
		"while it arrives": {func(w *world) []ccr.Option {
			w.serve = func(_ int, x *exchange) { x.readBody(); x.write(answerHead); stall(x) }
			return nil
		}, ccr.OutcomeUnknown, 1},
		"between attempts, after a 503": {func(w *world) []ccr.Option {
			w.serve = func(_ int, x *exchange) { x.readBody(); x.answer(503, "Retry-After: 100\r\n", "") }
			return nil
		}, ccr.OutcomeUnknown, 1},
		"between attempts, after a 429": {func(w *world) []ccr.Option {
			w.serve = func(_ int, x *exchange) { x.readBody(); x.answer(429, "Retry-After: 100\r\n", "") }
			return nil
		}, ccr.OutcomeRejected, 1},
		"between attempts, unsent": {func(w *world) []ccr.Option {
			w.dial = func(context.Context) (net.Conn, error) { return nil, syscall.ECONNREFUSED }
			return []ccr.Option{ccr.WithRetry(ccr.RetryPolicy{BaseDelay: math.MaxInt64 / 2, MaxDelay: math.MaxInt64 / 2})}
		}, ccr.OutcomeNotSent, 1},
	}
	for name, tt := range stages {
		for _, how := range []string{"cancelled", "deadline", "own cause"} {
			t.Run(name+"/"+how, func(t *testing.T) {
				t.Parallel()
				inWorld(t, func(t *testing.T, w *world) {
					var opts []ccr.Option
					if tt.setup != nil {
						opts = tt.setup(w)
					}
					c := w.client(Config{}, opts...)
					ctx, cancel := context.WithCancelCause(t.Context())
					defer cancel(nil)
					wantErr := context.Canceled
					after := 30 * time.Second
					switch how {
					case "cancelled":
						time.AfterFunc(after, func() { cancel(nil) })
					case "own cause":
						time.AfterFunc(after, func() { cancel(own) })
					case "deadline":
						if strings.HasPrefix(name, "between attempts") {
							return // the call ends before such a wait: TestWaits
						}
						var stop context.CancelFunc
						ctx, stop = context.WithTimeout(ctx, after)
						defer stop()
						wantErr = context.DeadlineExceeded
					}
					if name == "before the call" {
						<-ctx.Done()
					}
					start := time.Now()
					req := w.request(routePut)
					if name == "while sending" {
						req = w.large(routePut)
					}
					_, err := c.Do(ctx, req)
					if name != "before the call" {
						assert.Equal(t, after, time.Since(start))
					}
					e, ok := errors.AsType[*ccr.Error](err)
					require.True(t, ok)
					assert.Equal(t, tt.outcome, e.Outcome)
					assert.Equal(t, tt.attempts, e.Attempts)
					require.ErrorIs(t, err, wantErr)
					assert.Equal(t, how == "own cause", errors.Is(err, own))
					switch {
					case strings.Contains(name, "429") || strings.Contains(name, "503"):
						assert.NotZero(t, e.StatusCode)
					case how == "deadline":
						require.ErrorIs(t, err, ccr.ErrUnavailable)
					default:
						assert.Empty(t, e.Classes, "a cancelled call says nothing about the vendor")
					}
					w.settled(t)
				})
			})
		}
	}
}

// TestCallTimeout: WithTimeout bounds the call as a whole.
func TestCallTimeout(t *testing.T) {
	t.Parallel()
	inWorld(t, func(t *testing.T, w *world) {
		w.serve = func(_ int, x *exchange) { x.readBody(); stall(x) }
		call, err := option.NewCall(ccr.WithTimeout(90 * time.Second))
		require.NoError(t, err)
		req := w.request(routePut)
		req.Call = call
		start := time.Now()
		e := failed(t, w.client(Config{}, ccr.WithRetry(ccr.RetryPolicy{BaseDelay: 1, MaxDelay: 1})), req)
		assert.Equal(t, 90*time.Second, time.Since(start))
		assert.Equal(t, 2, e.Attempts)
		require.ErrorIs(t, e, context.DeadlineExceeded)
	})
}

// rotating is a credential whose value changes when it is refused.
type rotating struct {
	mu      sync.Mutex
	n       int
	refused []string
	again   []string
	final   bool // Refused says no
}

func (r *rotating) Bind(Binding) error { return nil }
func (r *rotating) Header(context.Context) (string, string, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	return "Authorization", "Bearer " + itoa(r.n), nil
}

func (r *rotating) Refused(v string) bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.refused = append(r.refused, v)
	r.n++
	return !r.final
}

func (r *rotating) RefusedAgain(v string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.again = append(r.again, v)
}

// TestReplay: a 401 is repeated once, whatever the class, outside the count of
// attempts.
func TestReplay(t *testing.T) {
	t.Parallel()
	good := map[string]int{"Bearer 1": 200}
	tests := map[string]struct {
		route    *Route
		attempts int // MaxAttempts
		statuses map[string]int
		final    bool
		want     int // status; 200: success
		seen     int
		again    int
	}{
		"read":                 {route: routeGet, statuses: good, want: 200, seen: 2},
		"write":                {route: routePut, statuses: good, want: 200, seen: 2},
		"create":               {route: routeCreate, statuses: good, want: 200, seen: 2},
		"destructive":          {route: routeDestruct, statuses: good, want: 200, seen: 2},
		"upload: no answer is": {route: routeUpload, statuses: good, want: 401, seen: 1},
		"one attempt":          {route: routePut, attempts: 1, statuses: good, want: 200, seen: 2},
		"refused for good":     {route: routePut, statuses: map[string]int{}, want: 401, seen: 2, again: 1},
		"nothing newer":        {route: routePut, final: true, statuses: good, want: 401, seen: 1},
		"then transient":       {route: routePut, attempts: 2, statuses: map[string]int{"Bearer 1": 503}, want: 503, seen: 3},
		"then rejected":        {route: routeCreate, statuses: map[string]int{"Bearer 1": 409}, want: 409, seen: 2},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			inWorld(t, func(t *testing.T, w *world) {
				w.serve = func(_ int, x *exchange) {
					x.readBody()
					s, ok := tt.statuses[x.req.Header.Get("Authorization")]
					if !ok {
						s = 401
					}
					x.answer(s, "", "{}")
				}
				cred := &rotating{final: tt.final}
				c := w.client(Config{Credential: cred}, ccr.WithRetry(ccr.RetryPolicy{MaxAttempts: tt.attempts}))
				start := time.Now()
				resp, err := c.Do(t.Context(), w.request(tt.route))
				assert.Equal(t, int64(tt.seen), w.heads.Load())
				assert.Equal(t, []string{"Bearer 0"}, cred.refused)
				assert.Len(t, cred.again, tt.again)
				if tt.want == 200 {
					require.NoError(t, err)
					assert.Equal(t, tt.seen, resp.Attempts)
					assert.Zero(t, time.Since(start), "a replay does not wait")
					return
				}
				e, ok := errors.AsType[*ccr.Error](err)
				require.True(t, ok)
				assert.Equal(t, tt.want, e.StatusCode)
				assert.Equal(t, tt.seen, e.Attempts)
				w.settled(t)
			})
		})
	}
}

// TestSlowDrain: an answer that is not wanted is not waited for.
func TestSlowDrain(t *testing.T) {
	t.Parallel()
	drip := func(status string) func(int, *exchange) {
		return func(_ int, x *exchange) {
			x.write("HTTP/1.1 " + status + "\r\nContent-Length: 100000\r\n\r\n")
			for x.w.l != nil {
				if _, err := io.WriteString(x.tls, "x"); err != nil {
					return
				}
				<-time.After(time.Second)
			}
		}
	}
	t.Run("before a retry", func(t *testing.T) {
		t.Parallel()
		inWorld(t, func(t *testing.T, w *world) {
			w.serve = drip("503 Service Unavailable")
			start := time.Now()
			e := failed(t, w.client(Config{}, ccr.WithRetry(ccr.RetryPolicy{MaxAttempts: 2, BaseDelay: 1, MaxDelay: 1})), w.request(routeGet))
			assert.Equal(t, 503, e.StatusCode)
			assert.Less(t, time.Since(start), drainTime+time.Minute+time.Second, "two seconds, then an attempt timeout for the last one's body")
			assert.NotEmpty(t, e.Body())
		})
	})
	t.Run("after a stream", func(t *testing.T) {
		t.Parallel()
		inWorld(t, func(t *testing.T, w *world) {
			w.serve = drip("200 OK")
			start := time.Now()
			req := w.request(routeGet)
			req.Stream = func(_ *Response, r io.Reader) error { _, err := r.Read(make([]byte, 1)); return err }
			_, err := w.client(Config{}).Do(t.Context(), req)
			require.NoError(t, err)
			assert.LessOrEqual(t, time.Since(start), drainTime+time.Second)
		})
	})
}

// TestManyCallers: one client, many goroutines, faults in between.
func TestManyCallers(t *testing.T) {
	t.Parallel()
	inWorld(t, func(t *testing.T, w *world) {
		w.serve = func(n int, x *exchange) {
			switch x.readBody(); n % 5 {
			case 1:
				x.answer(503, "", "")
			case 2:
				_ = x.raw.Reset()
			case 3:
				x.answer(401, "", "")
			default:
				x.answer(200, "", `{"ok":true}`)
			}
		}
		w.tr.MaxIdleConnsPerHost = 10
		seen := sync.Map{}
		c := w.client(Config{Credential: &rotating{}}, ccr.WithRetry(ccr.RetryPolicy{MaxAttempts: 20, Budget: -1, BaseDelay: time.Millisecond}),
			ccr.WithMiddleware(func(next http.RoundTripper) http.RoundTripper {
				return roundTripper(func(r *http.Request) (*http.Response, error) {
					info, ok := ccr.RouteFromContext(r.Context())
					seen.Store(info, ok)
					return next.RoundTrip(r)
				})
			}))
		var wg sync.WaitGroup
		var done, unauthorized int
		var mu sync.Mutex
		for range 40 {
			wg.Go(func() {
				for range 3 {
					req := w.request(routePut)
					req.Body = w.body([]byte("abc"))
					_, err := c.Do(t.Context(), req)
					mu.Lock()
					if err == nil {
						done++
					} else if assert.ErrorIs(t, err, ccr.ErrUnauthorized) {
						unauthorized++ // the replay met a 401 as well
					}
					mu.Unlock()
				}
			})
		}
		wg.Wait()
		assert.Equal(t, 120, done+unauthorized)
		assert.Positive(t, done)
		w.settled(t)
	})
}

type roundTripper func(*http.Request) (*http.Response, error)

func (f roundTripper) RoundTrip(r *http.Request) (*http.Response, error) { return f(r) }
