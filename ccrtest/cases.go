package ccrtest

import (
	"context"
	"errors"
	"fmt"
	"sync"
)

// CaseError is a case that failed.
type CaseError struct {
	Case      string // its name, as the package documentation lists it
	Guarantee string // what the SDK cannot promise without it
	Err       error  // what was seen
}

// Error is one line.
func (e *CaseError) Error() string {
	return fmt.Sprintf("%s: %v; needed so that %s", e.Case, e.Err, e.Guarantee)
}

// Unwrap returns what was seen.
func (e *CaseError) Unwrap() error { return e.Err }

// Failed returns the names of the cases that failed, in their order.
func Failed(err error) []string {
	var names []string
	if many, ok := err.(interface{ Unwrap() []error }); ok { //nolint:errorlint // what join returns
		for _, e := range many.Unwrap() {
			names = append(names, Failed(e)...)
		}
		return names
	}
	if c, ok := errors.AsType[*CaseError](err); ok {
		names = append(names, c.Case)
	}
	return names
}

// testCase is one thing that must hold.
type testCase[T any] struct {
	name, guarantee string
	run             func(t T, ctx context.Context) error // a method expression
}

// runCases runs every case and joins the failures.
func runCases[T any](ctx context.Context, t T, cases []testCase[T]) error {
	var errs []error
	for _, c := range cases {
		if err := guarded(func() error { return c.run(t, ctx) }); err != nil {
			errs = append(errs, &CaseError{Case: c.name, Guarantee: c.guarantee, Err: err})
		}
	}
	return errors.Join(errs...)
}

// guarded turns a panic of the implementation into an error.
func guarded(f func() error) (err error) {
	defer func() {
		if p := recover(); p != nil {
			err = fmt.Errorf("panic: %v", p)
		}
	}()
	return f()
}

// together runs f n times at once and returns its errors, by position.
func together(n int, f func(i int) error) []error {
	errs := make([]error, n)
	start := make(chan struct{})
	var wg sync.WaitGroup
	for i := range n {
		wg.Go(func() {
			<-start
			errs[i] = guarded(func() error { return f(i) })
		})
	}
	close(start)
	wg.Wait()
	return errs
}
