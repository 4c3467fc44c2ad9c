package ccr

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"time"
)

// sleep waits, or returns why the context ended if it does so first. A wait
// that would outlast the deadline ends at once: the caller gets the time back.
func sleep(ctx context.Context, d time.Duration) error {
	if deadline, ok := ctx.Deadline(); ok && time.Until(deadline) < d {
		return context.DeadlineExceeded
	}
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-ctx.Done():
		return ended(ctx)
	case <-t.C:
		return nil
	}
}

// ended says that the context has ended, and why if its owner said so: it is
// context.Canceled or DeadlineExceeded, and the cause as well.
func ended(ctx context.Context) error {
	err, cause := ctx.Err(), context.Cause(ctx)
	if errors.Is(cause, err) {
		return cause
	}
	return fmt.Errorf("%w: %w", err, cause)
}

// jitter spreads a wait evenly over 0.8 to 1.2 times d.
func jitter(d time.Duration) time.Duration {
	return time.Duration(float64(d) * (0.8 + 0.4*rand.Float64()))
}

func orDefault(d, def time.Duration) time.Duration {
	if d <= 0 {
		return def
	}
	return d
}
