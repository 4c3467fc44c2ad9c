// Package wait is the one place where the SDK waits: sleeping within a
// context, jitter, back-off, and the words for a context that has ended.
package wait

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"time"
)

// Sleep waits for d, or returns why the context ended if it ends first. A wait
// that would outlast the context's deadline returns context.DeadlineExceeded
// at once, so that the caller keeps the remaining time.
func Sleep(ctx context.Context, d time.Duration) error {
	if ctx.Err() != nil {
		return Ended(ctx)
	}
	if d <= 0 {
		return nil
	}
	if deadline, ok := ctx.Deadline(); ok && time.Until(deadline) < d {
		return context.DeadlineExceeded
	}
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-ctx.Done():
		return Ended(ctx)
	case <-t.C:
		return nil
	}
}

// Ended is the error of a context that has ended: context.Canceled or
// context.DeadlineExceeded, and the cause that its owner gave, if any.
func Ended(ctx context.Context) error {
	err, cause := ctx.Err(), context.Cause(ctx)
	if errors.Is(cause, err) {
		return cause
	}
	return fmt.Errorf("%w: %w", err, cause)
}

// Jitter spreads a wait evenly over 0.8 to 1.2 times d.
func Jitter(d time.Duration) time.Duration {
	return time.Duration(float64(d) * (0.8 + 0.4*rand.Float64()))
}

// Backoff draws the wait after the n-th attempt (from 1) evenly from zero to a
// ceiling that starts at base and doubles up to ceiling (full jitter).
func Backoff(base, ceiling time.Duration, n int) time.Duration {
	if shift := max(n-1, 0); shift < 30 && base < ceiling>>shift {
		ceiling = base << shift
	}
	if ceiling <= 0 {
		return 0
	}
	return rand.N(ceiling)
}
