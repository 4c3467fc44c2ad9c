package ccr

import (
	"context"
	"iter"
	"sync"
)

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
