package auth_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"runtime"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/ccr-sdk/ccr"
	"github.com/ccr-sdk/ccr/auth"
	"github.com/ccr-sdk/ccr/internal/transport"
)

// herd makes n callers ask for the header at once.
func herd(t *testing.T, n int, source *auth.TokenSource) map[string]int {
	t.Helper()
	var mu sync.Mutex
	got := map[string]int{}
	var wg sync.WaitGroup
	for range n {
		wg.Go(func() {
			_, value, err := source.Header(t.Context())
			if err != nil {
				value = err.Error()
			}
			mu.Lock()
			defer mu.Unlock()
			got[value]++
		})
	}
	wg.Wait()
	return got
}

// TestHerd: 1,000 goroutines and a token that expires again and again. Each
// renewal is one token request, whether the callers wait for it or not.
func TestHerd(t *testing.T) {
	t.Parallel()
	const n = 1000
	inWorld(t, func(t *testing.T, w *world) {
		w.delay = 3 * time.Second
		source := w.source()
		w.client(source)
		require.Equal(t, map[string]int{"Bearer token-1": n}, herd(t, n, source), "no token: all wait")
		require.Equal(t, 1, w.tokenRequests())

		for round := 1; round <= 4; round++ {
			old, next := fmt.Sprintf("Bearer token-%d", round), fmt.Sprintf("Bearer token-%d", round+1)
			if round%2 == 1 {
				<-time.After(time.Hour - 2*time.Minute) // in the time in which it is renewed in the background
				start := time.Now()
				require.Equal(t, map[string]int{old: n}, herd(t, n, source), "the old one serves")
				require.Zero(t, time.Since(start), "nobody waits")
				<-time.After(w.delay)
				synctest.Wait()
				require.Equal(t, map[string]int{next: n}, herd(t, n, source))
			} else {
				<-time.After(time.Hour) // it has ended
				start := time.Now()
				require.Equal(t, map[string]int{next: n}, herd(t, n, source), "all wait for the new one")
				require.Equal(t, w.delay, time.Since(start))
			}
			require.Equal(t, round+1, w.tokenRequests(), "one token request a renewal")
		}
	})
}

// TestHerdOfCalls is the same through whole calls, with a revoked token: each
// call is repeated once, for one token request in all.
func TestHerdOfCalls(t *testing.T) {
	t.Parallel()
	const n = 250
	inWorld(t, func(t *testing.T, w *world) {
		w.delay = time.Second
		w.tr.ForceAttemptHTTP2 = true // so many handshakes would be most of the work
		source := w.source()
		c := w.client(source)
		calls := func() {
			var wg sync.WaitGroup
			for range n {
				wg.Go(func() { assert.NoError(t, call(t.Context(), c)) })
			}
			wg.Wait()
		}
		calls()
		require.Equal(t, 1, w.tokenRequests())
		w.revoke()
		calls()
		require.Equal(t, 2, w.tokenRequests())
		all, refused := w.apiCalls()
		require.Equal(t, 2*n+refused, all)
		require.LessOrEqual(t, refused, n)
		require.Positive(t, refused)
	})
}

// TestWaiters: each waits for itself only.
func TestWaiters(t *testing.T) {
	t.Parallel()
	inWorld(t, func(t *testing.T, w *world) {
		w.delay = 10 * time.Second
		source := w.source()
		w.client(source)
		type result struct {
			value string
			err   error
			after time.Duration
		}
		results := make([]result, 4)
		own := errors.New("shutting down")
		first, stop := context.WithCancel(t.Context())
		second, cancel := context.WithTimeout(t.Context(), 4*time.Second)
		defer cancel()
		third, stopThird := context.WithCancelCause(t.Context())
		start := time.Now()
		var wg sync.WaitGroup
		for i, ctx := range []context.Context{first, second, third, t.Context()} {
			wg.Go(func() {
				_, v, err := source.Header(ctx)
				results[i] = result{v, err, time.Since(start)}
			})
			synctest.Wait()
		}
		time.AfterFunc(time.Second, stop) // the one that began the request
		time.AfterFunc(6*time.Second, func() { stopThird(own) })
		wg.Wait()
		require.ErrorIs(t, results[0].err, context.Canceled)
		require.Equal(t, time.Second, results[0].after)
		require.ErrorIs(t, results[1].err, context.DeadlineExceeded)
		require.Equal(t, 4*time.Second, results[1].after)
		require.ErrorIs(t, results[2].err, context.Canceled)
		require.Equal(t, 6*time.Second, results[2].after)
		require.Equal(t, result{"Bearer token-1", nil, 10 * time.Second}, results[3])
		require.Equal(t, 1, w.tokenRequests())

		ended, cancel := context.WithCancel(t.Context())
		cancel()
		_, value, err := source.Header(ended)
		require.NoError(t, err, "a token that is there costs no waiting")
		require.Equal(t, "Bearer token-1", value)
		<-time.After(2 * time.Hour)
		_, _, err = source.Header(ended)
		require.ErrorIs(t, err, context.Canceled)
		require.Equal(t, 1, w.tokenRequests(), "who has given up starts nothing")
	})
}

// TestCancelledCall: a call whose context ends while a token is fetched was
// not sent, and is not "unauthorized".
func TestCancelledCall(t *testing.T) {
	t.Parallel()
	inWorld(t, func(t *testing.T, w *world) {
		w.delay = 10 * time.Second
		c := w.client(w.source())
		ctx, cancel := context.WithCancel(t.Context())
		time.AfterFunc(time.Second, cancel)
		err := call(ctx, c)
		require.ErrorIs(t, err, context.Canceled)
		require.ErrorIs(t, err, ccr.ErrNotSent)
		require.NotErrorIs(t, err, ccr.ErrUnauthorized)
		short, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		err = call(short, c)
		require.ErrorIs(t, err, context.DeadlineExceeded)
		require.ErrorIs(t, err, ccr.ErrUnavailable)
		require.NotErrorIs(t, err, ccr.ErrUnauthorized)
	})
}

// TestFailures: a token endpoint that fails is asked less and less, whatever
// the number of callers; a token that still serves goes on serving.
func TestFailures(t *testing.T) {
	t.Parallel()
	fail := func(_ int, rw http.ResponseWriter, _ grant) bool {
		rw.WriteHeader(http.StatusInternalServerError)
		return true
	}
	t.Run("without a token", func(t *testing.T) {
		t.Parallel()
		inWorld(t, func(t *testing.T, w *world) {
			w.token = fail
			source := w.source()
			w.client(source, once())
			start := time.Now()
			for time.Since(start) < 10*time.Minute {
				for text := range herd(t, 5, source) {
					require.Contains(t, text, "unavailable")
				}
				<-time.After(500 * time.Millisecond)
			}
			// Pauses of 1, 2, 4, … 32 s make a minute; then one a minute.
			n := w.tokenRequests()
			require.GreaterOrEqual(t, n, 13)
			require.LessOrEqual(t, n, 16)
			w.token = nil
			<-time.After(time.Minute)
			require.Equal(t, map[string]int{"Bearer token-1": 50}, herd(t, 50, source))
			require.Equal(t, n+1, w.tokenRequests())
		})
	})
	t.Run("while the old one serves", func(t *testing.T) {
		t.Parallel()
		inWorld(t, func(t *testing.T, w *world) {
			source := w.source()
			w.client(source, once())
			herd(t, 1, source)
			w.token = fail
			<-time.After(time.Hour - 3*time.Minute)
			start := time.Now()
			for time.Since(start) < 2*time.Minute {
				require.Equal(t, map[string]int{"Bearer token-1": 1}, herd(t, 1, source))
				<-time.After(500 * time.Millisecond)
			}
			require.LessOrEqual(t, w.tokenRequests(), 1+8)
		})
	})
	t.Run("Retry-After", func(t *testing.T) {
		t.Parallel()
		inWorld(t, func(t *testing.T, w *world) {
			w.token = func(n int, rw http.ResponseWriter, _ grant) bool {
				rw.Header().Set("Retry-After", []string{"", "300", "86400"}[n])
				rw.WriteHeader(http.StatusTooManyRequests)
				return true
			}
			c := w.client(w.source(), once())
			e, _ := errors.AsType[*ccr.Error](call(t.Context(), c))
			require.NotNil(t, e)
			require.ErrorIs(t, e, ccr.ErrRateLimited)
			require.Equal(t, 5*time.Minute, e.RetryAfter)
			require.Equal(t, ccr.OutcomeNotSent, e.Outcome)
			require.Zero(t, e.Attempts)
			<-time.After(299 * time.Second)
			require.ErrorIs(t, call(t.Context(), c), ccr.ErrRateLimited)
			require.Equal(t, 1, w.tokenRequests(), "it is spared as long as it asked for")
			<-time.After(time.Second)
			require.ErrorIs(t, call(t.Context(), c), ccr.ErrRateLimited)
			require.Equal(t, 2, w.tokenRequests())
			w.token = nil
			<-time.After(15 * time.Minute) // a day is too long to believe
			require.NoError(t, call(t.Context(), c))
		})
	})
	t.Run("the fetch never ends", func(t *testing.T) {
		t.Parallel()
		inWorld(t, func(t *testing.T, w *world) {
			w.delay = time.Hour
			source := w.source()
			w.client(source, once())
			start := time.Now()
			for text := range herd(t, 10, source) {
				require.Contains(t, text, "no byte moved for 1m0s")
			}
			require.Equal(t, time.Minute, time.Since(start))
			// With retries, two minutes are the end of it.
			patient := w.source(func(c *auth.ClientCredentialsConfig) { c.ClientID = "patient" })
			w.client(patient)
			start = time.Now()
			herd(t, 10, patient)
			require.LessOrEqual(t, time.Since(start), 2*time.Minute)
		})
	})
}

// TestReplay: one 401 costs one token and one repetition; a token that the
// endpoint keeps issuing and the API keeps refusing costs less and less.
func TestReplay(t *testing.T) {
	t.Parallel()
	t.Run("revoked again and again", func(t *testing.T) {
		t.Parallel()
		inWorld(t, func(t *testing.T, w *world) {
			c := w.client(w.source())
			for i := range 5 {
				require.NoError(t, call(t.Context(), c))
				require.Equal(t, i+1, w.tokenRequests())
				w.revoke()
			}
			_, err := c.Do(t.Context(), &transport.Request{Route: create, Body: transport.BytesBody("text/plain", []byte("x"))})
			require.NoError(t, err, "a create, too: it was refused before anything was done")
		})
	})
	t.Run("refused for good", func(t *testing.T) {
		t.Parallel()
		inWorld(t, func(t *testing.T, w *world) {
			w.api = func(rw http.ResponseWriter, _ *http.Request) bool { rw.WriteHeader(401); return true }
			c := w.client(w.source())
			start := time.Now()
			calls := 0
			for time.Since(start) < 10*time.Minute {
				require.ErrorIs(t, call(t.Context(), c), ccr.ErrUnauthorized)
				calls++
				<-time.After(time.Second)
			}
			require.LessOrEqual(t, w.tokenRequests(), 20, "%d calls", calls)
			all, _ := w.apiCalls()
			require.LessOrEqual(t, all, calls+20)
			w.api = nil
			require.NoError(t, call(t.Context(), c), "the last token is still there")
		})
	})
	t.Run("the endpoint has only this one", func(t *testing.T) {
		t.Parallel()
		inWorld(t, func(t *testing.T, w *world) {
			w.more = map[string]any{"access_token": "the-same"}
			c := w.client(w.source())
			var down atomic.Bool
			down.Store(true)
			w.api = func(rw http.ResponseWriter, r *http.Request) bool {
				assert.Equal(t, "Bearer the-same", r.Header.Get("Authorization"))
				if down.Load() {
					rw.WriteHeader(401)
				}
				return true
			}
			err := call(t.Context(), c)
			require.ErrorContains(t, err, "keeps issuing a token that the API refuses")
			require.ErrorIs(t, err, ccr.ErrUnauthorized)
			all, _ := w.apiCalls()
			require.Equal(t, 1, all, "it is not sent twice")
			down.Store(false) // the API's fault, then; the token is good
			<-time.After(2 * time.Minute)
			require.NoError(t, call(t.Context(), c), "it is tried again after a while")
		})
	})
	t.Run("an older token", func(t *testing.T) {
		t.Parallel()
		inWorld(t, func(t *testing.T, w *world) {
			source := w.source()
			w.client(source)
			herd(t, 1, source)
			require.True(t, source.Refused("Bearer token-0"), "another one is cached: try that")
			herd(t, 1, source)
			require.Equal(t, 1, w.tokenRequests(), "the cached one is not dropped for it")
			require.True(t, source.Refused("Bearer token-1"))
			require.True(t, source.Refused("Bearer token-1"), "dropped already")
			require.Equal(t, map[string]int{"Bearer token-2": 3}, herd(t, 3, source))
			require.Equal(t, 2, w.tokenRequests())
		})
	})
	t.Run("the login is refused", func(t *testing.T) {
		t.Parallel()
		inWorld(t, func(t *testing.T, w *world) {
			w.token = func(_ int, rw http.ResponseWriter, _ grant) bool {
				rw.WriteHeader(http.StatusForbidden)
				_, _ = io.WriteString(rw, `{"error":"access_denied","error_description":"secret-1 is wrong"}`)
				return true
			}
			err := call(t.Context(), w.client(w.source()))
			e, _ := errors.AsType[*ccr.Error](err)
			require.NotNil(t, e)
			require.ErrorIs(t, err, ccr.ErrUnauthorized)
			require.NotErrorIs(t, err, ccr.ErrForbidden)
			assert.Equal(t, "access_denied", e.Code)
			assert.NotContains(t, err.Error(), "secret-1")
			p, _ := e.Problem()
			assert.Equal(t, "secret-1 is wrong", p.Detail, "to be had on request")
			all, _ := w.apiCalls()
			assert.Zero(t, all)
		})
	})
}

// TestOwnSource: a function of the caller's own.
func TestOwnSource(t *testing.T) {
	t.Parallel()
	_, err := auth.NewTokenSource(nil)
	require.Error(t, err)
	tests := map[string]struct {
		fetch func(ctx context.Context, prior auth.Token) (auth.Token, error)
		want  string
	}{
		"fine": {func(context.Context, auth.Token) (auth.Token, error) {
			return auth.Token{Access: ccr.NewSecret("t")}, nil
		}, "Bearer t"},
		"fails": {func(context.Context, auth.Token) (auth.Token, error) {
			return auth.Token{}, errors.New("vault is sealed")
		}, "vault is sealed"},
		"panics":          {func(context.Context, auth.Token) (auth.Token, error) { panic("c4n4ry") }, "panicked with a string"},
		"ends its thread": {func(context.Context, auth.Token) (auth.Token, error) { runtime.Goexit(); return auth.Token{}, nil }, "did not return"},
		"gives nothing":   {func(context.Context, auth.Token) (auth.Token, error) { return auth.Token{}, nil }, "the token is empty"},
		"gives a bad token": {func(context.Context, auth.Token) (auth.Token, error) {
			return auth.Token{Access: ccr.NewSecret("c4n4ry\r\nX: y")}, nil
		}, "characters that a header cannot carry"},
		"gives an old one": {func(context.Context, auth.Token) (auth.Token, error) {
			return auth.Token{Access: ccr.NewSecret("c4n4ry"), Expiry: time.Now().Add(-time.Second)}, nil
		}, "already expired"},
		"minds its context": {func(ctx context.Context, _ auth.Token) (auth.Token, error) {
			<-ctx.Done()
			return auth.Token{}, ctx.Err()
		}, "deadline exceeded"},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				source, err := auth.NewTokenSource(tt.fetch)
				require.NoError(t, err)
				for text, n := range herd(t, 20, source) {
					require.Contains(t, text, tt.want)
					require.NotContains(t, text, "c4n4ry")
					require.Equal(t, 20, n)
				}
			})
		})
	}
	t.Run("its own lifetime", func(t *testing.T) {
		t.Parallel()
		synctest.Test(t, func(t *testing.T) {
			n := 0
			var priors []string
			source, err := auth.NewTokenSource(func(_ context.Context, prior auth.Token) (auth.Token, error) {
				n++
				p := "none"
				if !prior.Access.IsZero() {
					p, _ = prior.Access.Reveal()
				}
				priors = append(priors, p)
				return auth.Token{Access: ccr.NewSecret(fmt.Sprint("t", n)), Expiry: time.Now().Add(10 * time.Second)}, nil
			})
			require.NoError(t, err)
			start := time.Now()
			for time.Since(start) < 95*time.Second {
				herd(t, 1, source)
				synctest.Wait()
				<-time.After(500 * time.Millisecond)
			}
			require.InDelta(t, 12, n, 2, "each 10 s token is renewed at about 8 s")
			require.Equal(t, []string{"none", "t1", "t2"}, priors[:3])
		})
	})
}

// TestShortLived: a token that ends at once still serves those who waited.
func TestShortLived(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		n := 0
		source, err := auth.NewTokenSource(func(context.Context, auth.Token) (auth.Token, error) {
			<-time.After(time.Second)
			n++
			return auth.Token{Access: ccr.NewSecret(fmt.Sprint("t", n)), Expiry: time.Now().Add(1)}, nil
		})
		require.NoError(t, err)
		require.Equal(t, map[string]int{"Bearer t1": 100}, herd(t, 100, source))
		require.Equal(t, 1, n)
	})
}

// TestRenewalIsLogged: without a call that fails, somebody must hear of it.
func TestRenewalIsLogged(t *testing.T) {
	t.Parallel()
	inWorld(t, func(t *testing.T, w *world) {
		var text lockedBuffer
		source := w.source()
		w.client(source, once(), ccr.WithLogger(slog.New(slog.NewTextHandler(&text, nil))))
		herd(t, 1, source)
		w.token = func(_ int, rw http.ResponseWriter, _ grant) bool { rw.WriteHeader(502); return true }
		<-time.After(time.Hour - 3*time.Minute)
		herd(t, 1, source)
		synctest.Wait()
		assert.Contains(t, text.String(), `msg="token renewal failed" failures=1 pause=1s`)
		assert.NotContains(t, text.String(), "secret-1")
		assert.NotContains(t, text.String(), "token-1")
	})
}

type lockedBuffer struct {
	mu sync.Mutex
	b  strings.Builder
}

func (l *lockedBuffer) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.Write(p)
}

func (l *lockedBuffer) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.String()
}
