package ccr

import (
	"context"
	"iter"
	"sync"
)

// Waited is what [WaitAll] learnt of one poller.
type Waited[T any] struct {
	Value T     // the last state seen, also if Err is set
	Err   error // why the wait failed; nil if it ended well
}

// WaitAll waits for many pollers at once and yields each as it ends, with its
// position: in the order of ending, not of the arguments. Each keeps its own
// rhythm; at most inFlight of them look at a time (0 or less: 8). One that
// fails does not end the others. Leaving the range ends the waiting.
func WaitAll[T any](ctx context.Context, inFlight int, pollers ...*Poller[T]) iter.Seq2[int, Waited[T]] {
	if inFlight < 1 {
		inFlight = 8
	}
	return func(yield func(int, Waited[T]) bool) {
		ctx, cancel := context.WithCancel(ctx)
		var wg sync.WaitGroup
		defer wg.Wait()
		defer cancel()
		type ended struct {
			index int
			Waited[T]
		}
		slots := make(chan struct{}, inFlight)
		done := make(chan ended, len(pollers)) // nobody blocks on a range that was left
		for i, p := range pollers {
			wg.Go(func() {
				v, err := p.wait(ctx, slots)
				done <- ended{i, Waited[T]{v, err}}
			})
		}
		for range pollers {
			e := <-done
			if !yield(e.index, e.Waited) {
				return
			}
		}
	}
}
