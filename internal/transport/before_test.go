package transport

import (
	"context"
	"errors"
	"net/http"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/ccr-sdk/ccr"
)

var errLost = errors.New("the claim is another's")

// delaying is middleware that holds each request up.
func delaying(d time.Duration) ccr.Middleware {
	return func(next http.RoundTripper) http.RoundTripper {
		return roundTripper(func(req *http.Request) (*http.Response, error) {
			time.Sleep(d)
			return next.RoundTrip(req)
		})
	}
}

// TestBefore: a claim that is lost while the limiter and the middleware hold a
// request up is noticed before its first byte, for every class of route.
func TestBefore(t *testing.T) {
	t.Parallel()
	for _, route := range []*Route{routeGet, routePut, routeCreate, routeUpload, routeDestruct} {
		t.Run(route.Operation, func(t *testing.T) {
			t.Parallel()
			inWorld(t, func(t *testing.T, w *world) {
				lease := time.Now().Add(time.Minute)
				asked := 0
				ctx := WithBefore(t.Context(), func() error {
					if asked++; time.Now().After(lease) {
						return errLost
					}
					return nil
				})
				c := w.client(Config{}, ccr.WithMiddleware(delaying(40*time.Second)))
				_, err := c.Do(ctx, w.request(route))
				require.NoError(t, err)
				_, err = c.Do(ctx, w.request(route))
				require.ErrorIs(t, err, errLost)
				require.ErrorIs(t, err, ccr.ErrNotSent)
				require.NotErrorIs(t, err, ccr.ErrUnavailable)
				want := 2
				if w.request(route).Body.Length > 0 {
					want = 3 // of the one that was sent: before its first byte and before its last
				}
				assert.Equal(t, want, asked, "never retried")
				assert.Equal(t, int64(1), w.heads.Load())
				assert.Contains(t, err.Error(), errLost.Error())
				w.settled(t)
			})
		})
	}
}

// TestBeforeEachAttempt: a retry asks again, and what an earlier attempt left
// open stays open.
func TestBeforeEachAttempt(t *testing.T) {
	t.Parallel()
	inWorld(t, func(t *testing.T, w *world) {
		w.serve = func(_ int, x *exchange) { x.readBody(); x.answer(503, "Retry-After: 50\r\n", "") }
		lease := time.Now().Add(time.Minute)
		ctx := WithBefore(t.Context(), func() error {
			if time.Now().After(lease) {
				return errLost
			}
			return nil
		})
		_, err := w.client(Config{}).Do(ctx, w.request(routePut))
		require.ErrorIs(t, err, errLost)
		require.ErrorIs(t, err, ccr.ErrOutcomeUnknown, "the 503s were sent")
		assert.Equal(t, int64(2), w.heads.Load())
	})
}

// TestBeforeBelowMiddleware: a middleware that sends again, or hides the
// error, sends nothing more.
func TestBeforeBelowMiddleware(t *testing.T) {
	t.Parallel()
	inWorld(t, func(t *testing.T, w *world) {
		asked := 0
		ctx := WithBefore(t.Context(), func() error { asked++; return errLost })
		stubborn := func(next http.RoundTripper) http.RoundTripper {
			return roundTripper(func(req *http.Request) (*http.Response, error) {
				for range 3 {
					if resp, err := next.RoundTrip(req); err == nil {
						return resp, nil
					}
				}
				return nil, errors.New("it did not work")
			})
		}
		_, err := w.client(Config{}, ccr.WithMiddleware(stubborn)).Do(ctx, w.request(routeGet))
		require.ErrorIs(t, err, errLost)
		assert.Equal(t, 3, asked)
		assert.Zero(t, w.heads.Load())
	})
}

// TestRequestEndsBeforeTheClaim: a caller's deadline holds for a request that
// is under way.
func TestRequestEndsBeforeTheClaim(t *testing.T) {
	t.Parallel()
	inWorld(t, func(t *testing.T, w *world) {
		w.serve = func(_ int, x *exchange) { x.readBody(); <-x.w.over }
		start := time.Now()
		ctx, cancel := context.WithDeadlineCause(t.Context(), start.Add(20*time.Second), errLost)
		defer cancel()
		_, err := w.client(Config{}).Do(WithBefore(ctx, func() error { return nil }), w.request(routePut))
		require.ErrorIs(t, err, errLost)
		require.ErrorIs(t, err, ccr.ErrOutcomeUnknown)
		assert.Equal(t, 20*time.Second, time.Since(start))
	})
}

// TestTokenCallsDoNotAsk: the check is for the call itself.
func TestTokenCallsDoNotAsk(t *testing.T) {
	t.Parallel()
	inWorld(t, func(t *testing.T, w *world) {
		c := w.client(Config{})
		d := c.derive("auth", c.base)
		_, err := d.Do(WithBefore(t.Context(), func() error { return errLost }), w.request(routeGet))
		require.NoError(t, err)
	})
}

// TestBeforeTheLastByte: a claim that is lost while a connection is made, or
// while the body is on its way, leaves no whole request behind. Before: a
// process that was stopped between the check and the connection, for longer
// than its lease, sent what another one had sent by then.
func TestBeforeTheLastByte(t *testing.T) {
	t.Parallel()
	for _, route := range []*Route{routePut, routeCreate, routeUpload} {
		t.Run(route.Operation, func(t *testing.T) {
			t.Parallel()
			inWorld(t, func(t *testing.T, w *world) {
				asked := 0
				ctx := WithBefore(t.Context(), func() error {
					if asked++; asked > 1 {
						return errLost
					}
					return nil
				})
				_, err := w.client(Config{}).Do(ctx, w.request(route))
				require.ErrorIs(t, err, errLost)
				require.ErrorIs(t, err, ccr.ErrNotSent)
				assert.Equal(t, 2, asked, "never retried")
				assert.Zero(t, w.whole.Load(), "whole requests")
			})
		})
	}
}
