package sftp

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"sync/atomic"

	"github.com/ccr-sdk/ccr"
)

// UploadAll sends many files over one connection, Config.Concurrency of them
// at a time, each as [Client.Upload] does. The names are checked first, all
// of them; if one is refused, nothing is sent. The result has one element for
// each file, in order, with Err set where it failed. The error is nil only if
// every file went out. A refused login, an unaccepted host key, a missing
// folder or a full disk ends the whole, since the other files would fare no
// better: those left are reported as not sent.
func (c *Client) UploadAll(ctx context.Context, files []ccr.File, o UploadOptions, opts ...ccr.CallOption) ([]Uploaded, error) {
	const op = "UploadAll"
	ctx, cancel, id, err := call(ctx, op, opts)
	if err != nil {
		return nil, err
	}
	defer cancel()
	folder, err := c.checkUpload(op, files, o)
	if err != nil {
		return nil, err
	}
	out := make([]Uploaded, len(files))
	return out, c.each(ctx, op, len(files), func(ctx context.Context, i int) error {
		out[i], out[i].Err = c.upload(ctx, op, id, files[i], folder, o)
		out[i].Name = files[i].Name()
		return out[i].Err
	}, func(i int, err error) { out[i] = Uploaded{Name: files[i].Name(), Err: err} })
}

// noRetry reports whether an error means that the files left would fail, too.
func noRetry(err error) bool {
	for _, e := range []error{ccr.ErrUnauthorized, ErrHostKey, ErrKey, ErrAlgorithms, ErrClosed, ErrFolderMissing, ErrDiskFull} {
		if errors.Is(err, e) {
			return true
		}
	}
	return false
}

// each runs f for the indexes below n, as many at a time as the client moves
// files. skip reports those that were not begun.
func (c *Client) each(ctx context.Context, op string, n int, f func(ctx context.Context, i int) error, skip func(i int, err error)) error {
	var next, failed atomic.Int64
	var mu sync.Mutex
	var fatal error
	errs := make([]error, n)
	var wg sync.WaitGroup
	for range min(c.cfg.Concurrency, n) {
		wg.Go(func() {
			for {
				i := int(next.Add(1)) - 1
				if i >= n {
					return
				}
				mu.Lock()
				stop := fatal
				mu.Unlock()
				if stop == nil && ctx.Err() != nil {
					stop = context.Cause(ctx)
				}
				if stop != nil {
					errs[i] = c.failed(op, "", ccr.OutcomeNotSent, &skippedError{stop})
					skip(i, errs[i])
					failed.Add(1)
					continue
				}
				if errs[i] = f(ctx, i); errs[i] != nil {
					failed.Add(1)
					if noRetry(errs[i]) {
						mu.Lock()
						fatal = errs[i]
						mu.Unlock()
					}
				}
			}
		})
	}
	wg.Wait()
	if failed.Load() == 0 {
		return nil
	}
	return summary(op, int(failed.Load()), n, errs)
}

// skippedError: a file was not begun because of what happened to another.
type skippedError struct{ cause error }

func (e *skippedError) Error() string { return "not begun" }
func (e *skippedError) Unwrap() error { return e.cause }

// someError prints the first failures and holds all of them.
type someError struct {
	text string
	all  []error
}

func (e *someError) Error() string   { return e.text }
func (e *someError) Unwrap() []error { return e.all }

// summary is the error of a call about many files.
func summary(op string, failed, n int, errs []error) error {
	e := &ccr.Error{Service: serviceName, Operation: op, Outcome: ccr.OutcomeNotSent,
		Advice: "The results say of each file what became of it; those that were sent need not be sent again"}
	text := fmt.Sprintf("%d of %d files failed", failed, n)
	const shown = 3
	var all []error
	for _, err := range errs {
		if err == nil {
			continue
		}
		if len(all) < shown {
			text += "; " + err.Error()
		}
		all = append(all, err)
		if one, ok := errors.AsType[*ccr.Error](err); ok {
			e.Outcome = worse(e.Outcome, one.Outcome)
			for _, c := range one.Classes {
				if !e.Is(c) {
					e.Classes = append(e.Classes, c)
				}
			}
		}
	}
	e.Err = &someError{text, all}
	return e
}

// worse returns the outcome that needs more care.
func worse(a, b ccr.Outcome) ccr.Outcome {
	rank := map[ccr.Outcome]int{ccr.OutcomeNotSent: 1, ccr.OutcomeRejected: 2, ccr.OutcomeUnknown: 3}
	if rank[b] > rank[a] {
		return b
	}
	return a
}
