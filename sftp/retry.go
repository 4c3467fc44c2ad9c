package sftp

import (
	"context"
	"math/rand/v2"
	"sync"
	"time"

	"github.com/ccr-sdk/ccr"
)

// backoff is the wait before the next attempt: evenly drawn from zero to a
// bound that doubles (full jitter).
func backoff(p ccr.RetryPolicy, attempt int) time.Duration {
	bound := p.MaxDelay
	if attempt < 30 {
		bound = min(bound, p.BaseDelay<<(attempt-1))
	}
	if bound <= 0 {
		return 0
	}
	return rand.N(bound)
}

// sleep waits, or returns the context's cause when it ends first.
func sleep(ctx context.Context, d time.Duration) error {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-ctx.Done():
		return context.Cause(ctx)
	case <-t.C:
		return nil
	}
}

// retryBudget bounds the retries of all calls of a client, so that a vendor
// that is down is not stormed. Ten calls that succeed earn one retry back.
type retryBudget struct {
	mu        sync.Mutex
	limit     int // negative: none
	left      int
	successes int
}

func newRetryBudget(n int) *retryBudget { return &retryBudget{limit: n, left: n} }

func (b *retryBudget) spend() bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.limit < 0 {
		return true
	}
	if b.left == 0 {
		return false
	}
	b.left--
	return true
}

func (b *retryBudget) answered() {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.successes++; b.successes%10 == 0 && b.left < b.limit {
		b.left++
	}
}
