package engine

import (
	"context"
	"sync"
)

// budget bounds the bytes in flight on one channel, whatever the number of
// files that share it. Who asked first gets first.
type budget struct {
	mu      sync.Mutex
	free    int
	waiting []*claim
}

type claim struct {
	n  int
	ok chan struct{}
}

func newBudget(n int) *budget { return &budget{free: n} }

// take waits until n bytes are free or the context ends.
func (b *budget) take(ctx context.Context, n int) error {
	b.mu.Lock()
	if len(b.waiting) == 0 && b.free >= n {
		b.free -= n
		b.mu.Unlock()
		return nil
	}
	c := &claim{n, make(chan struct{})}
	b.waiting = append(b.waiting, c)
	b.mu.Unlock()
	select {
	case <-c.ok:
		return nil
	case <-ctx.Done():
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	for i, w := range b.waiting {
		if w == c {
			b.waiting = append(b.waiting[:i], b.waiting[i+1:]...)
			b.grant() // who comes after may need less
			return context.Cause(ctx)
		}
	}
	b.free += n // granted in the same moment
	b.grant()
	return context.Cause(ctx)
}

func (b *budget) give(n int) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.free += n
	b.grant()
}

func (b *budget) grant() {
	for len(b.waiting) > 0 && b.waiting[0].n <= b.free {
		b.free -= b.waiting[0].n
		close(b.waiting[0].ok)
		b.waiting = b.waiting[1:]
	}
}

// try takes n bytes if they are free now.
func (b *budget) try(n int) bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	if len(b.waiting) > 0 || b.free < n {
		return false
	}
	b.free -= n
	return true
}

// force takes n bytes whether they are free or not.
func (b *budget) force(n int) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.free -= n
}
