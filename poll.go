package ccr

import (
	"cmp"
	"context"
	"errors"
	"iter"
	"sync"
	"time"

	"github.com/ccr-sdk/ccr/internal/wait"
)

// PollInterval says how often a [Poller] polls: at once, again after Start,
// then after waits that are each a half longer than the one before, up to Max;
// each is drawn evenly from 0.8 to 1.2 times that.
// A Retry-After of the vendor, up to 10 min, overrides one wait. Fields that
// are not positive: 2 s and 30 s.
type PollInterval struct {
	Start time.Duration // until the second poll; default 2 s
	Max   time.Duration // of the interval as it grows; default 30 s
}

// maxPollRetryAfter keeps a mistaken Retry-After from stopping a Wait for good.
const maxPollRetryAfter = 10 * time.Minute

// PollState is what one poll returned.
type PollState[T any] struct {
	Value      T             // the resource as the vendor answered it
	Done       bool          // terminal: another poll would return the same
	State      string        // the vendor's status word, for progress
	RetryAfter time.Duration // what the vendor asked to wait; 0 if nothing
	// Err says that the terminal state is a failure: Poll and Wait return it
	// together with Value, and again whenever they are called.
	Err error
}

// Poller waits for something that a vendor does in the background. It is safe
// for concurrent use. Its resume token continues it in another process.
type Poller[T any] struct {
	poll     func(ctx context.Context) (PollState[T], error)
	done     func(T) bool // nil: PollState.Done decides
	token    string
	interval PollInterval
	progress ProgressFunc
	name     string

	mu   sync.Mutex
	last PollState[T]
	seen bool
}

// NewPoller makes a poller from a function that polls once. The token is what
// [Poller.ResumeToken] returns; the service packages say what takes it.
func NewPoller[T any](token string, poll func(ctx context.Context) (PollState[T], error)) *Poller[T] {
	return &Poller[T]{poll: poll, token: token, name: token}
}

// PollerOf makes a poller that goes through states, one a poll, for test
// doubles; the last one is terminal.
func PollerOf[T any](states ...T) *Poller[T] {
	var mu sync.Mutex
	next := 0
	return NewPoller("", func(context.Context) (PollState[T], error) {
		mu.Lock()
		defer mu.Unlock()
		if next >= len(states) {
			return PollState[T]{}, errors.New("ccr: PollerOf without states")
		}
		s := PollState[T]{Value: states[next], Done: next == len(states)-1}
		if !s.Done {
			next++
		}
		return s, nil
	})
}

// WithInterval sets how often Wait polls; call it before the poller is shared.
func (p *Poller[T]) WithInterval(i PollInterval) *Poller[T] {
	p.interval = i
	return p
}

// WithDone decides whether a state is final, in place of what the service
// package makes of it: for a vendor whose words it does not know. Call it
// before the poller is shared.
func (p *Poller[T]) WithDone(done func(T) bool) *Poller[T] {
	p.done = done
	return p
}

// WithProgress reports each poll of Wait: Items counts the polls, State is
// the vendor's status word. Call it before the poller is shared.
func (p *Poller[T]) WithProgress(name string, f ProgressFunc) *Poller[T] {
	p.name, p.progress = name, f
	return p
}

// ResumeToken identifies what is waited for. It holds no secret and can be
// stored; the service package that made the poller makes one from it again.
func (p *Poller[T]) ResumeToken() string { return p.token }

// Done reports whether a terminal state was seen.
func (p *Poller[T]) Done() bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.seen && p.last.Done
}

// Poll polls once and returns what it saw. After a terminal state it returns
// that without asking again.
func (p *Poller[T]) Poll(ctx context.Context) (T, error) {
	s, err := p.pollOnce(ctx)
	if err == nil && s.Done {
		err = s.Err
	}
	return s.Value, err
}

func (p *Poller[T]) pollOnce(ctx context.Context) (PollState[T], error) {
	p.mu.Lock()
	if p.seen && p.last.Done {
		defer p.mu.Unlock()
		return p.last, nil
	}
	p.mu.Unlock()
	s, err := p.poll(ctx)
	if err != nil {
		return s, err
	}
	if p.done != nil {
		s.Done = p.done(s.Value)
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.seen && p.last.Done { // another poll was faster and saw the end
		return p.last, nil
	}
	p.last, p.seen = s, true
	return s, nil
}

// Wait polls until a terminal state is seen, an error comes (transient ones
// have been retried by then) or the context ends. With an error it returns the
// last state seen, too.
func (p *Poller[T]) Wait(ctx context.Context) (T, error) { return p.wait(ctx, nil) }

// wait is Wait with polls that hold one of the slots, if there are any.
func (p *Poller[T]) wait(ctx context.Context, slots chan struct{}) (T, error) {
	interval := cmp.Or(max(p.interval.Start, 0), 2*time.Second)
	ceiling := max(cmp.Or(max(p.interval.Max, 0), 30*time.Second), interval)
	var last T
	for polls := int64(1); ; polls++ {
		s, err := p.pollInSlot(ctx, slots)
		if err != nil {
			return last, err
		}
		last = s.Value
		if p.progress != nil {
			p.progress(Progress{Operation: "Poll", Name: p.name, Items: polls, State: s.State, Done: s.Done})
		}
		if s.Done {
			return s.Value, s.Err
		}
		next := wait.Jitter(interval)
		if s.RetryAfter > 0 {
			next = min(s.RetryAfter, maxPollRetryAfter)
		}
		if err := wait.Sleep(ctx, next); err != nil {
			return s.Value, err
		}
		interval = min(interval+interval/2, ceiling)
	}
}

func (p *Poller[T]) pollInSlot(ctx context.Context, slots chan struct{}) (PollState[T], error) {
	if slots != nil {
		select {
		case slots <- struct{}{}:
			defer func() { <-slots }()
		case <-ctx.Done():
			return PollState[T]{}, wait.Ended(ctx)
		}
	}
	return p.pollOnce(ctx)
}

// WaitResult is the final state of one poller of [WaitAll], or the error that
// ended it.
type WaitResult[T any] struct {
	Value T     // the last state seen, also if Err is set
	Err   error // why the wait failed; nil if a final state was seen
}

// WaitAll waits for many pollers at once and yields each as it ends, with its
// position: in the order of ending, not of the arguments. Each keeps its own
// interval; at most inFlight of them poll at a time (0 or less: 8). One that
// fails does not end the others. Leaving the range ends the waiting.
func WaitAll[T any](ctx context.Context, inFlight int, pollers ...*Poller[T]) iter.Seq2[int, WaitResult[T]] {
	if inFlight < 1 {
		inFlight = 8
	}
	return func(yield func(int, WaitResult[T]) bool) {
		ctx, cancel := context.WithCancel(ctx)
		var wg sync.WaitGroup
		defer wg.Wait()
		defer cancel()
		type ended struct {
			index int
			WaitResult[T]
		}
		slots := make(chan struct{}, inFlight)
		done := make(chan ended, len(pollers)) // nobody blocks on a range that was left
		for i, p := range pollers {
			wg.Go(func() {
				v, err := p.wait(ctx, slots)
				done <- ended{i, WaitResult[T]{v, err}}
			})
		}
		for range pollers {
			e := <-done
			if !yield(e.index, e.WaitResult) {
				return
			}
		}
	}
}
