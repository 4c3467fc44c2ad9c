package limit_test

import (
	"context"
	"math/rand/v2"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/ccr-sdk/ccr/internal/limit"
)

// TestAnyWindow: whatever the arrivals, no window holds more than n.
func TestAnyWindow(t *testing.T) {
	t.Parallel()
	tests := map[string]struct {
		n       int
		window  time.Duration
		calls   int
		between time.Duration // arrivals are spread evenly from 0 to twice this
	}{
		"all at once":     {20, time.Minute, 95, 0},
		"about the limit": {20, time.Minute, 200, 3 * time.Second},
		"below the limit": {20, time.Minute, 100, 10 * time.Second},
		"one at a time":   {1, time.Second, 30, 200 * time.Millisecond},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				l := limit.NewSliding(tt.n, tt.window)
				var mu sync.Mutex
				var gone []time.Time
				var wg sync.WaitGroup
				start := time.Now()
				for range tt.calls {
					if tt.between > 0 {
						<-time.After(time.Duration(rand.Int64N(2 * int64(tt.between))))
					}
					wg.Go(func() {
						assert.NoError(t, l.Wait(t.Context()))
						mu.Lock()
						defer mu.Unlock()
						gone = append(gone, time.Now())
					})
				}
				wg.Wait()
				slices.SortFunc(gone, time.Time.Compare)
				for i := tt.n; i < len(gone); i++ {
					require.GreaterOrEqual(t, gone[i].Sub(gone[i-tt.n]), tt.window, "calls %d to %d", i-tt.n, i)
				}
				if tt.between == 0 { // and no slower than that
					require.Equal(t, time.Duration((tt.calls-1)/tt.n)*tt.window, time.Since(start))
				}
			})
		})
	}
}

func TestFirstComeFirstServed(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		l := limit.NewSliding(2, time.Minute)
		var mu sync.Mutex
		var order []int
		var wg sync.WaitGroup
		for i := range 9 {
			wg.Go(func() {
				assert.NoError(t, l.Wait(t.Context()))
				mu.Lock()
				defer mu.Unlock()
				order = append(order, i)
			})
			<-time.After(time.Second) // so that they come in this order
		}
		wg.Wait()
		require.Equal(t, []int{0, 1, 2, 3, 4, 5, 6, 7, 8}, order)
	})
}

// TestLeaving: who gives up takes no slot and holds nobody up, at any place in
// the queue.
func TestLeaving(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		l := limit.NewSliding(1, time.Minute)
		require.NoError(t, l.Wait(t.Context()))
		start := time.Now()
		type result struct {
			err   error
			after time.Duration
		}
		results := make([]result, 5)
		cancels := make([]context.CancelFunc, 5)
		var wg sync.WaitGroup
		for i := range results {
			ctx, cancel := context.WithCancel(t.Context())
			defer cancel()
			cancels[i] = cancel
			wg.Go(func() { results[i] = result{l.Wait(ctx), time.Since(start)} })
			synctest.Wait()
		}
		cancels[0]() // the head, which waits for time
		cancels[2]() // one that waits for its turn
		cancels[4]() // the last
		wg.Wait()
		require.Equal(t, []result{
			{context.Canceled, 0}, {nil, time.Minute}, {context.Canceled, 0}, {nil, 2 * time.Minute}, {context.Canceled, 0},
		}, results)
	})
}

func TestDeadline(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		l := limit.NewSliding(1, time.Minute)
		ended, cancel := context.WithCancel(t.Context())
		cancel()
		require.ErrorIs(t, l.Wait(ended), context.Canceled)
		require.NoError(t, l.Wait(t.Context()), "an ended context took nothing")

		start := time.Now()
		short, cancel := context.WithTimeout(t.Context(), 59*time.Second)
		defer cancel()
		require.ErrorIs(t, l.Wait(short), context.DeadlineExceeded)
		require.Zero(t, time.Since(start), "it cannot be in time, so it does not wait")

		// Second in the queue, so its turn comes too late; that is known once
		// the first one went.
		var wg sync.WaitGroup
		wg.Go(func() { assert.NoError(t, l.Wait(t.Context())) })
		synctest.Wait()
		second, cancel := context.WithTimeout(t.Context(), 90*time.Second)
		defer cancel()
		require.ErrorIs(t, l.Wait(second), context.DeadlineExceeded)
		require.Equal(t, time.Minute, time.Since(start))
		wg.Wait()
	})
}

func TestArguments(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		start := time.Now()
		free := limit.NewSliding(1, 0)
		for range 3 {
			require.NoError(t, free.Wait(t.Context()))
		}
		require.Zero(t, time.Since(start))
		one := limit.NewSliding(-1, time.Second)
		for range 3 {
			require.NoError(t, one.Wait(t.Context()))
		}
		require.Equal(t, 2*time.Second, time.Since(start))
	})
}
