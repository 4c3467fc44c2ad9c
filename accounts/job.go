package accounts

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"slices"
	"sync"
	"time"

	"github.com/ccr-sdk/ccr"
)

// Job sends a stream of rows in batches; the Submit methods of [Client] make
// one. Nothing is sent before All is ranged over. It runs once: for a rerun,
// make a new one with the same name, source, options and journal.
type Job struct {
	run func(ctx context.Context, j *Job, yield func(Receipt, error) bool)

	mu      sync.Mutex
	sum     Summary
	started time.Time
	ran     bool
}

// Summary counts the rows of a job by what became of them. At the end of a
// job every row that was read is in one of Accepted, Rejected, Unknown and
// NotSent; while it runs, the rest is waiting or under way.
type Summary struct {
	Name string // SubmitOptions.Name
	Rows int64  // read from the source, faulty ones included

	Accepted int64 // in batches that Credit Clear accepted (which is not processed)
	Rejected int64 // in batches that it refused
	Unknown  int64 // in batches that were sent and got no answer; a rerun settles them
	NotSent  int64 // refused by the SDK, or left over when the job stopped

	Recorded int64 // the part of Accepted that an earlier run had sent
	Invalid  int64 // the part of NotSent that is faulty itself

	Batches int64         // accepted, rejected or unknown
	Bytes   int64         // of those batches, without recorded ones
	Elapsed time.Duration // since All began; stops with the job
	// Complete: the source was read to its end, and all its rows are accepted.
	Complete bool
}

// Rate is the number of rows that Credit Clear accepted in this run, a second.
func (s Summary) Rate() float64 {
	if s.Elapsed <= 0 {
		return 0
	}
	return float64(s.Accepted-s.Recorded) / s.Elapsed.Seconds()
}

// String is one line for a person.
func (s Summary) String() string {
	return fmt.Sprintf("%s: %d rows: %d accepted (%d of them by an earlier run), %d rejected, %d unknown, %d not sent (%d of them invalid); %d batches, %.1f MB, %v, %.0f rows/s",
		s.Name, s.Rows, s.Accepted, s.Recorded, s.Rejected, s.Unknown, s.NotSent, s.Invalid, s.Batches, float64(s.Bytes)/1e6, s.Elapsed.Round(time.Millisecond), s.Rate())
}

// All runs the job and yields a receipt for each batch that was accepted, in
// the order of the answers. A batch that failed is yielded with its error; its
// Receipt has the reference, the first row and the number of rows. A row that
// was refused before sending is yielded alike.
//
// Leaving the loop early cancels what is under way: batches that were sent and
// not answered count as unknown, and a rerun with the journal settles them.
// The source is read in the goroutine that ranges.
func (j *Job) All(ctx context.Context) iter.Seq2[Receipt, error] {
	return func(yield func(Receipt, error) bool) {
		j.mu.Lock()
		ran := j.ran
		j.ran, j.started = true, time.Now()
		j.mu.Unlock()
		if ran {
			yield(Receipt{}, errors.New("accounts: a job runs once; make a new one with the same name and journal to rerun it"))
			return
		}
		defer j.update(func(s *Summary) {
			s.Complete = s.Complete && s.Accepted == s.Rows
		})
		j.run(ctx, j, yield)
	}
}

// Run runs the job to its end without looking at the receipts. It returns the
// errors of all batches and rows that failed, the first hundred of them.
func (j *Job) Run(ctx context.Context) (Summary, error) {
	var errs []error
	for _, err := range j.All(ctx) {
		if err != nil && len(errs) < 100 {
			errs = append(errs, err)
		}
	}
	return j.Summary(), errors.Join(errs...)
}

// Summary returns the counts so far; it may be called at any time.
func (j *Job) Summary() Summary {
	j.mu.Lock()
	defer j.mu.Unlock()
	return j.sum
}

func (j *Job) update(f func(*Summary)) Summary {
	j.mu.Lock()
	defer j.mu.Unlock()
	f(&j.sum)
	j.sum.Elapsed = time.Since(j.started)
	return j.sum
}

// settle counts the rows of a batch by what became of it.
func (s *Summary) settle(r Receipt, err error) {
	rows := int64(r.Rows)
	e, ok := errors.AsType[*ccr.Error](err)
	switch {
	case err == nil:
		s.Accepted += rows
		s.Batches++
		if r.Recorded {
			s.Recorded += rows
		}
	case ok && e.Outcome == ccr.OutcomeUnknown:
		s.Unknown += rows
		s.Batches++
	case ok && e.Outcome == ccr.OutcomeRejected:
		s.Rejected += rows
		s.Batches++
	default:
		s.NotSent += rows
	}
}

// NewJob makes a job of what it yields, for test doubles; rows are counted by
// the receipts and the outcomes of the errors.
func NewJob(name string, results iter.Seq2[Receipt, error]) *Job {
	return &Job{sum: Summary{Name: name}, run: func(_ context.Context, j *Job, yield func(Receipt, error) bool) {
		for r, err := range results {
			j.update(func(s *Summary) {
				s.Rows += int64(r.Rows)
				s.settle(r, err)
			})
			if !yield(r, err) {
				return
			}
		}
		j.update(func(s *Summary) { s.Complete = true })
	}}
}

// JobOf makes a job that yields receipts, for test doubles.
func JobOf(receipts ...Receipt) *Job {
	return NewJob("", func(yield func(Receipt, error) bool) {
		for r := range slices.Values(receipts) {
			if !yield(r, nil) {
				return
			}
		}
	})
}
