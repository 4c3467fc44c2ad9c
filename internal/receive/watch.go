package receive

import (
	"context"
	"iter"
	"math/rand/v2"
	"time"

	"github.com/ccr-sdk/ccr"
)

// DefaultInterval is the wait of [Watch] if none is given.
const DefaultInterval = 5 * time.Minute

// Watch runs, yields the result, waits the interval give or take a fifth, and
// runs again, until the context ends or the range is left. Errors are yielded
// with what was received beside them, and watching goes on.
func Watch(ctx context.Context, interval time.Duration, run func(context.Context) ([]ccr.Received, error)) iter.Seq2[[]ccr.Received, error] {
	if interval <= 0 {
		interval = DefaultInterval
	}
	return func(yield func([]ccr.Received, error) bool) {
		for ctx.Err() == nil {
			if !yield(run(ctx)) {
				return
			}
			t := time.NewTimer(time.Duration(float64(interval) * (0.8 + 0.4*rand.Float64())))
			select {
			case <-ctx.Done():
			case <-t.C:
			}
			t.Stop()
		}
	}
}
