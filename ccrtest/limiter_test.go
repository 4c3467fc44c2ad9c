package ccrtest_test

import (
	"context"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/ccr-sdk/ccr/ccrtest"
)

// window is the simplest limiter that holds a window.
type window struct {
	mu     sync.Mutex
	n      int
	window time.Duration
	starts []time.Time
}

func (w *window) Wait(ctx context.Context) error {
	w.mu.Lock()
	start := time.Now()
	if n := len(w.starts); n >= w.n && start.Before(w.starts[n-w.n].Add(w.window)) {
		start = w.starts[n-w.n].Add(w.window)
	}
	err := ctx.Err()
	if deadline, ok := ctx.Deadline(); err == nil && ok && deadline.Before(start) {
		err = context.DeadlineExceeded
	}
	if err == nil {
		w.starts = append(w.starts, start)
	}
	w.mu.Unlock()
	if err == nil {
		time.Sleep(time.Until(start))
	}
	return err
}

// bucket allows a burst and an even rate, as x/time/rate does: twice the
// window's requests in one window.
type bucket struct {
	mu   sync.Mutex
	n    int
	each time.Duration
	next time.Time
}

func (b *bucket) Wait(context.Context) error {
	b.mu.Lock()
	if early := time.Now().Add(-time.Duration(b.n) * b.each); b.next.Before(early) {
		b.next = early
	}
	b.next = b.next.Add(b.each)
	wait := time.Until(b.next)
	b.mu.Unlock()
	time.Sleep(wait)
	return nil
}

func TestLimiters(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		require.NoError(t, ccrtest.TestLimiter(t.Context(), ccrtest.LimiterUnderTest{
			Limiter: &window{n: 5, window: time.Minute}, N: 5, Window: time.Minute,
		}))
		err := ccrtest.TestLimiter(t.Context(), ccrtest.LimiterUnderTest{
			Limiter: &bucket{n: 5, each: 12 * time.Second}, N: 5, Window: time.Minute,
		})
		assert.Contains(t, ccrtest.Failed(err), "window", "a burst on top of a rate: %v", err)
		err = ccrtest.TestLimiter(t.Context(), ccrtest.LimiterUnderTest{
			Limiter: &window{n: 5, window: time.Minute}, N: 5, Window: time.Minute,
		})
		require.NoError(t, err)
		perProcess := ccrtest.LimiterUnderTest{N: 4, Window: time.Minute, Limiter: &window{n: 4, window: time.Minute}}
		perProcess.Others = append(perProcess.Others, &window{n: 4, window: time.Minute})
		assert.Contains(t, ccrtest.Failed(ccrtest.TestLimiter(t.Context(), perProcess)), "window", "a limit for each process")
	})
}
