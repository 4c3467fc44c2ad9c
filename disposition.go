package ccr

import (
	"context"
	"errors"
	"time"
)

// Action is what a job queue should do with work that ended with an error.
type Action string

const (
	// ActionDone: there was no error.
	ActionDone Action = "done"
	// ActionRetry: run it again, after [Disposition.After].
	ActionRetry Action = "retry"
	// ActionStop: running it again without a change fails again.
	ActionStop Action = "stop"
	// ActionSettle: nobody knows what became of it at the vendor; a person or
	// the vendor's own view has to settle it before it runs again.
	ActionSettle Action = "settle first"
	// ActionElsewhere: another live worker is at work on it; look again after
	// [Disposition.After].
	ActionElsewhere Action = "claimed elsewhere"
)

// Disposition is what [DispositionOf] says of an error.
type Disposition struct {
	Action Action
	After  time.Duration // for retry and claimed elsewhere: wait this long first; 0: as the queue likes
}

// DispositionOf says in one word what a queue should do after a call of the
// SDK: its error may wrap or join others, and then the gravest of them counts
// (settle first, stop, claimed elsewhere, retry). An error that the SDK did
// not make is retried, since it knows nothing of it.
func DispositionOf(err error) Disposition {
	if err == nil {
		return Disposition{Action: ActionDone}
	}
	switch e := err.(type) { //nolint:errorlint // each layer is judged by itself, from the outside in
	case *Error:
		return e.disposition()
	case *ClaimedError:
		return Disposition{ActionElsewhere, e.RetryAfter()}
	case interface{ Unwrap() []error }:
		var worst Disposition
		for _, part := range e.Unwrap() {
			if d := DispositionOf(part); gravity(d.Action) > gravity(worst.Action) || d.Action == worst.Action && d.After > worst.After {
				worst = d
			}
		}
		return worst
	case interface{ Unwrap() error }:
		if inner := e.Unwrap(); inner != nil {
			return DispositionOf(inner)
		}
	}
	return Disposition{Action: ActionRetry}
}

func (e *Error) disposition() Disposition {
	switch {
	case e.Outcome == OutcomeUnknown:
		return Disposition{Action: ActionSettle}
	case errors.Is(e, ErrClaimed):
		d := Disposition{ActionElsewhere, e.RetryAfter}
		if claimed, ok := errors.AsType[*ClaimedError](e); ok {
			d.After = claimed.RetryAfter()
		}
		return d
	case e.Temporary(), errors.Is(e, ErrIncomplete), errors.Is(e, ErrFileChanged), errors.Is(e, ErrLedgerConflict),
		errors.Is(e, context.Canceled), errors.Is(e, context.DeadlineExceeded):
		return Disposition{ActionRetry, e.RetryAfter}
	case len(e.Classes) == 0 && e.Outcome != OutcomeRejected: // a cause of this machine: a disk, a ledger that is down
		if e.Err != nil {
			return DispositionOf(e.Err)
		}
		return Disposition{ActionRetry, e.RetryAfter}
	}
	return Disposition{Action: ActionStop}
}

func gravity(a Action) int {
	switch a {
	case ActionSettle:
		return 4
	case ActionStop:
		return 3
	case ActionElsewhere:
		return 2
	case ActionRetry:
		return 1
	default:
		return 0
	}
}
