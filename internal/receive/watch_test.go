package receive

import (
	"context"
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/ccr-sdk/ccr"
)

func TestWatch(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithCancel(t.Context())
		defer cancel()
		var at []time.Time
		runs := 0
		broken := errors.New("broken")
		run := func(context.Context) ([]ccr.Received, error) {
			at = append(at, time.Now())
			runs++
			if runs == 2 {
				return nil, broken
			}
			return []ccr.Received{{Name: "a"}}, nil
		}
		seen := 0
		for got, err := range Watch(ctx, time.Minute, run) {
			seen++
			if seen == 2 {
				require.ErrorIs(t, err, broken)
				continue
			}
			require.NoError(t, err)
			require.Len(t, got, 1)
			if seen == 5 {
				cancel() // ends the wait, and with it the range
			}
		}
		require.Equal(t, 5, seen)
		require.Equal(t, 5, runs)
		spread := map[time.Duration]bool{}
		for i := 1; i < len(at); i++ {
			d := at[i].Sub(at[i-1])
			spread[d] = true
			assert.GreaterOrEqual(t, d, 48*time.Second)
			assert.LessOrEqual(t, d, 72*time.Second)
		}
		assert.Greater(t, len(spread), 1, "jitter")
	})
}

func TestWatchEnds(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		start, runs := time.Now(), 0
		for range Watch(t.Context(), 0, func(context.Context) ([]ccr.Received, error) { runs++; return nil, nil }) {
			if runs == 2 {
				break
			}
		}
		assert.InDelta(t, DefaultInterval, time.Since(start), float64(DefaultInterval)/5)

		ctx, cancel := context.WithCancel(t.Context())
		cancel()
		for range Watch(ctx, time.Second, func(context.Context) ([]ccr.Received, error) { runs++; return nil, nil }) {
			t.Fatal("yielded after the end")
		}
		assert.Equal(t, 2, runs)
	})
}
