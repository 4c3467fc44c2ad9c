package accounts

import (
	"context"
	"time"

	"github.com/ccr-sdk/ccr/internal/wait"
)

// The lower of the two published limits: one page says 20 requests a minute,
// another one, which looks newer, 1,000.
const (
	defaultRate   = 20
	defaultWindow = time.Minute
	// limitMargin keeps a vendor that counts strictly, and receives the first
	// request of a window late, from ever receiving a 21st in its 60 seconds.
	limitMargin = 3 * time.Second
)

// limiter lets defaultRate calls go in any window and its margin, in the order
// in which they came. A call whose context ends takes nothing.
type limiter struct {
	turn chan struct{}          // holds the one that waits for time; the others wait for it
	gone [defaultRate]time.Time // when the last calls went, as a ring
	next int                    // the oldest of them
}

func newLimiter() *limiter { return &limiter{turn: make(chan struct{}, 1)} }

// Wait implements [ccr.Limiter].
func (l *limiter) Wait(ctx context.Context) error {
	if ctx.Err() != nil {
		return wait.Ended(ctx)
	}
	select {
	case l.turn <- struct{}{}:
	case <-ctx.Done():
		return wait.Ended(ctx)
	}
	defer func() { <-l.turn }()
	if oldest := l.gone[l.next]; !oldest.IsZero() {
		if err := wait.Sleep(ctx, defaultWindow+limitMargin-time.Since(oldest)); err != nil {
			return err
		}
	}
	l.gone[l.next] = time.Now()
	l.next = (l.next + 1) % defaultRate
	return nil
}
