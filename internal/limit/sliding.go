package limit

import (
	"context"
	"sync"
	"time"

	"github.com/ccr-sdk/ccr"
)

// NewSliding returns a limiter that lets at most n calls go in any window of
// that length, in the order in which they came. A call whose context ends
// leaves the queue and takes nothing; one whose deadline is before the next
// call can go leaves at once with context.DeadlineExceeded.
//
// n below 1 counts as 1; without a window there is no limit. It is safe for
// concurrent use, holds no goroutine and 24 bytes for each of n.
func NewSliding(n int, window time.Duration) ccr.Limiter {
	if window <= 0 {
		return ccr.NoLimit()
	}
	return &sliding{window: window, gone: make([]time.Time, max(n, 1))}
}

type sliding struct {
	window time.Duration

	mu    sync.Mutex
	gone  []time.Time // when the last calls went, as a ring
	next  int         // the oldest of them
	queue []*waiter   // the first one waits for time, the others for their turn
}

type waiter struct{ turn chan struct{} }

// Wait implements [ccr.Limiter].
func (s *sliding) Wait(ctx context.Context) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	s.mu.Lock()
	if len(s.queue) == 0 && s.left() <= 0 {
		s.let()
		s.mu.Unlock()
		return nil
	}
	if s.tooLate(ctx) {
		s.mu.Unlock()
		return context.DeadlineExceeded
	}
	w := &waiter{make(chan struct{})}
	if s.queue = append(s.queue, w); len(s.queue) == 1 {
		close(w.turn)
	}
	s.mu.Unlock()
	return s.wait(ctx, w)
}

// wait is what a call in the queue does.
func (s *sliding) wait(ctx context.Context, w *waiter) error {
	select {
	case <-ctx.Done():
		s.leave(w)
		return ctx.Err()
	case <-w.turn:
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	defer s.remove(w)
	for {
		d := s.left()
		switch {
		case d <= 0:
			s.let()
			return nil
		case s.tooLate(ctx):
			return context.DeadlineExceeded
		}
		s.mu.Unlock()
		err := sleep(ctx, d)
		s.mu.Lock()
		if err != nil {
			return err
		}
	}
}

// left is how long it takes until a call can go; s.mu is held.
func (s *sliding) left() time.Duration {
	if oldest := s.gone[s.next]; !oldest.IsZero() {
		return s.window - time.Since(oldest)
	}
	return 0
}

// let records that a call goes; s.mu is held.
func (s *sliding) let() {
	s.gone[s.next] = time.Now()
	s.next = (s.next + 1) % len(s.gone)
}

// tooLate reports whether no call can go before the deadline; s.mu is held.
func (s *sliding) tooLate(ctx context.Context) bool {
	deadline, ok := ctx.Deadline()
	return ok && time.Until(deadline) < s.left()
}

func (s *sliding) leave(w *waiter) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.remove(w)
}

// remove takes a waiter out of the queue and gives the turn on if it had it;
// s.mu is held.
func (s *sliding) remove(w *waiter) {
	for i, q := range s.queue {
		if q != w {
			continue
		}
		s.queue = append(s.queue[:i], s.queue[i+1:]...)
		if i == 0 && len(s.queue) > 0 {
			close(s.queue[0].turn)
		}
		return
	}
}

func sleep(ctx context.Context, d time.Duration) error {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-t.C:
		return nil
	}
}
