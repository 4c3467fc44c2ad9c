package transport

import (
	"context"
	"errors"
)

type beforeKey struct{}

// WithBefore returns a context whose requests ask check right before their
// first byte: in the guard, below any middleware, at each attempt and each hop
// of a redirect; and again right before the last bytes of a body, without which
// a request is none. Its error ends the call: this attempt was not sent, and
// none follows. Token calls on the way do not ask.
//
// Whoever holds a claim asks here whether it still does. The context's own
// deadline must end before the claim, since a request that is whole is not
// asked about again.
func WithBefore(ctx context.Context, check func() error) context.Context {
	return context.WithValue(ctx, beforeKey{}, check)
}

// beforeError is the error of a check before the first byte.
type beforeError struct{ err error }

func (e *beforeError) Error() string { return e.err.Error() }
func (e *beforeError) Unwrap() error { return e.err }

// before asks the check of the call's context, if it has one. The attempt
// keeps its error, which a middleware may replace.
func (a *attempt) before() error {
	check, _ := a.k.ctx.Context.Value(beforeKey{}).(func() error)
	if check == nil || a.k.c.derived {
		return nil
	}
	err := check()
	if err == nil {
		return nil
	}
	stopped := &beforeError{err}
	a.stop.Store(stopped)
	return stopped
}

// stoppedBefore reports whether a check before the first byte ended an attempt.
func stoppedBefore(err error) bool {
	_, ok := errors.AsType[*beforeError](err)
	return ok
}
