package wait_test

import (
	"context"
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"

	"github.com/ccr-sdk/ccr/internal/wait"
)

func TestSleep(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		start := time.Now()
		assert.NoError(t, wait.Sleep(t.Context(), time.Hour))
		assert.Equal(t, time.Hour, time.Since(start))

		short, cancel := context.WithTimeout(t.Context(), time.Minute)
		defer cancel()
		assert.Equal(t, context.DeadlineExceeded, wait.Sleep(short, time.Hour), "a wait past the deadline ends at once")
		assert.Equal(t, time.Hour, time.Since(start))

		cause := errors.New("shutting down")
		ctx, stop := context.WithCancelCause(t.Context())
		time.AfterFunc(time.Second, func() { stop(cause) })
		err := wait.Sleep(ctx, time.Hour)
		assert.ErrorIs(t, err, cause)
		assert.ErrorIs(t, err, context.Canceled)
		assert.ErrorIs(t, wait.Sleep(ctx, 0), cause, "an ended context is never slept through")
	})
}

func TestBackoffStaysBelowItsCeiling(t *testing.T) {
	t.Parallel()
	for n := range 200 {
		ceiling := 30 * time.Second
		if n < 8 {
			ceiling = min(ceiling, 100*time.Millisecond<<max(n-1, 0))
		}
		d := wait.Backoff(100*time.Millisecond, 30*time.Second, n)
		assert.GreaterOrEqual(t, d, time.Duration(0))
		assert.LessOrEqual(t, d, ceiling, "after attempt %d", n)
	}
	assert.Zero(t, wait.Backoff(0, 0, 3))
}

func TestJitterStaysWithinAFifth(t *testing.T) {
	t.Parallel()
	for range 200 {
		d := wait.Jitter(10 * time.Second)
		assert.GreaterOrEqual(t, d, 8*time.Second)
		assert.LessOrEqual(t, d, 12*time.Second)
	}
}
