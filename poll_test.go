package ccr

import (
	"context"
	"errors"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// looks makes a poller that is done at the nth look and notes when it looked.
func looks(n int, at *[]time.Duration, retryAfter time.Duration) *Poller[int] {
	start, seen := time.Now(), 0
	return NewPoller("token", func(context.Context) (PollState[int], error) {
		seen++
		*at = append(*at, time.Since(start))
		state := "PROCESSING"
		if seen == n {
			state = "COMPLETED"
		}
		return PollState[int]{Value: seen, Done: seen == n, State: state, RetryAfter: retryAfter}, nil
	})
}

func TestPollerIntervals(t *testing.T) {
	t.Parallel()
	tests := map[string]struct {
		interval   PollInterval
		retryAfter time.Duration
		want       []time.Duration // nominal waits
		exact      bool
	}{
		"defaults": {PollInterval{}, 0, []time.Duration{2 * time.Second, 3 * time.Second, 4500 * time.Millisecond, 6750 * time.Millisecond,
			10125 * time.Millisecond, 15187 * time.Millisecond, 22781 * time.Millisecond, 30 * time.Second, 30 * time.Second}, false},
		"own":                {PollInterval{time.Second, 2 * time.Second}, 0, []time.Duration{time.Second, 1500 * time.Millisecond, 2 * time.Second, 2 * time.Second}, false},
		"start above max":    {PollInterval{time.Minute, time.Second}, 0, []time.Duration{time.Minute, time.Minute}, false},
		"negative":           {PollInterval{-1, -1}, 0, []time.Duration{2 * time.Second, 3 * time.Second}, false},
		"retry after":        {PollInterval{}, 7 * time.Second, []time.Duration{7 * time.Second, 7 * time.Second}, true},
		"retry after, wrong": {PollInterval{}, 24 * 365 * time.Hour, []time.Duration{10 * time.Minute, 10 * time.Minute}, true},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				var at []time.Duration
				n := len(test.want) + 1
				v, err := looks(n, &at, test.retryAfter).WithInterval(test.interval).Wait(t.Context())
				require.NoError(t, err)
				assert.Equal(t, n, v)
				require.Len(t, at, n)
				assert.Zero(t, at[0], "the first look is at once")
				for i, want := range test.want {
					got := at[i+1] - at[i]
					if test.exact {
						assert.Equal(t, want, got)
						continue
					}
					assert.GreaterOrEqual(t, got, want*79/100)
					assert.LessOrEqual(t, got, want*121/100)
				}
			})
		})
	}
}

func TestPollerDoneIsRemembered(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var at []time.Duration
		p := looks(3, &at, 0)
		assert.Equal(t, "token", p.ResumeToken())
		assert.False(t, p.Done())
		v, err := p.Poll(t.Context())
		require.NoError(t, err)
		assert.Equal(t, 1, v)
		assert.False(t, p.Done())
		_, err = p.Wait(t.Context())
		require.NoError(t, err)
		assert.True(t, p.Done())
		for range 3 {
			v, err = p.Poll(t.Context())
			require.NoError(t, err)
			assert.Equal(t, 3, v)
			v, err = p.Wait(t.Context())
			require.NoError(t, err)
			assert.Equal(t, 3, v)
		}
		assert.Len(t, at, 3, "the vendor is not asked again")
	})
}

func TestPollerEndsWithContext(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var at []time.Duration
		reason := errors.New("shutting down")
		ctx, cancel := context.WithCancelCause(t.Context())
		p := looks(100, &at, 0)
		start := time.Now()
		go func() {
			time.Sleep(time.Second)
			cancel(reason)
		}()
		v, err := p.Wait(ctx)
		require.ErrorIs(t, err, context.Canceled)
		require.ErrorIs(t, err, reason)
		assert.Equal(t, 1, v, "the last value that was seen comes with it")
		assert.Equal(t, time.Second, time.Since(start))

		// A wait that would outlast the deadline is not begun.
		start = time.Now()
		ctx, stop := context.WithTimeout(t.Context(), time.Second)
		defer stop()
		_, err = p.Wait(ctx)
		require.ErrorIs(t, err, context.DeadlineExceeded)
		assert.Zero(t, time.Since(start))
	})
}

func TestPollerErrorEndsWait(t *testing.T) {
	t.Parallel()
	broken := errors.New("unavailable")
	calls := 0
	p := NewPoller("", func(context.Context) (PollState[int], error) {
		calls++
		if calls == 1 {
			return PollState[int]{}, broken
		}
		return PollState[int]{Value: 7, Done: true}, nil
	})
	_, err := p.Wait(t.Context())
	require.ErrorIs(t, err, broken)
	assert.False(t, p.Done())
	v, err := p.Wait(t.Context())
	require.NoError(t, err, "and it can be waited for again")
	assert.Equal(t, 7, v)
}

// A slow look that saw an earlier state must not undo the end.
func TestPollerLateLook(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		calls := 0
		var mu sync.Mutex
		p := NewPoller("", func(context.Context) (PollState[string], error) {
			mu.Lock()
			calls++
			first := calls == 1
			mu.Unlock()
			if first {
				time.Sleep(time.Minute)
				return PollState[string]{Value: "processing"}, nil
			}
			return PollState[string]{Value: "completed", Done: true}, nil
		})
		late := make(chan string)
		go func() {
			v, err := p.Poll(t.Context())
			assert.NoError(t, err)
			late <- v
		}()
		synctest.Wait()
		v, err := p.Poll(t.Context())
		require.NoError(t, err)
		require.Equal(t, "completed", v)
		assert.Equal(t, "completed", <-late)
		assert.True(t, p.Done())
	})
}

func TestPollerProgress(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var at []time.Duration
		var got []Progress
		_, err := looks(3, &at, 0).WithProgress("analysis 1", func(p Progress) { got = append(got, p) }).Wait(t.Context())
		require.NoError(t, err)
		assert.Equal(t, []Progress{
			{Operation: "Poll", Name: "analysis 1", Items: 1, State: "PROCESSING"},
			{Operation: "Poll", Name: "analysis 1", Items: 2, State: "PROCESSING"},
			{Operation: "Poll", Name: "analysis 1", Items: 3, State: "COMPLETED", Done: true},
		}, got)
	})
}

func TestPollerOf(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		p := PollerOf("a", "b", "c")
		v, err := p.Poll(t.Context())
		require.NoError(t, err)
		assert.Equal(t, "a", v)
		v, err = p.Wait(t.Context())
		require.NoError(t, err)
		assert.Equal(t, "c", v)
		_, err = PollerOf[int]().Wait(t.Context())
		require.Error(t, err)
	})
}
