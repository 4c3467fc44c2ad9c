package accounts

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"slices"
	"sync"
	"time"
)

// Job sends a stream of rows in batches; the Submit methods of [Client] make
// one. Nothing is sent before one of Run, Batches and Results runs it. It runs
// once: for a rerun, make a new one with the same name, source, options and
// ledger.
//
// With a ledger, one live run at a time has a job: a second one fails with
// [ccr.ErrClaimed], which says who has it. A rerun reads all rows again, sends
// what was not accepted, and reports the rest from the ledger.
//
// Leaving a range early cancels what is under way: batches that were sent and
// got no response count as unknown. The source is read in the goroutine that
// ranges.
type Job struct {
	run func(ctx context.Context, j *Job, out output)

	mu      sync.Mutex
	sum     Summary
	started time.Time
	ran     bool
}

// output is where the results of a job go: one of the two is set.
type output struct {
	batches func(*Receipt, error) bool
	rows    func(RowResult, error) bool
}

// err yields an error of the job as a whole.
func (o output) err(err error) {
	if o.rows != nil {
		o.rows(RowResult{}, err)
	} else {
		o.batches(nil, err)
	}
}

// Summary counts the rows of a job by what became of them. At the end of a
// job every row that was read is in one of Accepted, Rejected, Unknown and
// NotSent; while it runs, the rest is waiting or under way.
type Summary struct {
	Name string // SubmitOptions.Name
	Rows int64  // read from the source, invalid ones included

	Accepted int64 // in batches that Credit Clear accepted (which is not processed)
	Rejected int64 // in batches that it refused
	Unknown  int64 // in batches that were sent and got no response
	NotSent  int64 // refused by the SDK, or left over when the job stopped

	Recorded int64 // the part of Accepted that an earlier run had sent
	Invalid  int64 // the part of NotSent that the SDK refused

	Batches int64         // accepted, rejected or unknown
	Bytes   int64         // of those batches, without recorded ones
	Elapsed time.Duration // since the job began; stops with it
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

// Batches runs the job and yields a receipt for each batch that was accepted,
// in the order of the responses. A batch that was not is yielded with its
// error; its receipt has the reference and the rows. An invalid row is yielded
// alike. An error without a receipt is one of the job itself.
func (j *Job) Batches(ctx context.Context) iter.Seq2[*Receipt, error] {
	return func(yield func(*Receipt, error) bool) { j.start(ctx, output{batches: yield}) }
}

// Results runs the job and yields what became of each row that was read, in
// the order of the source. Batches finish in any order: results of at most
// Concurrency batches are kept until it is their turn. An error is one of the
// job itself: it comes last, after the rows, and says why the job stopped
// before the end of the source.
func (j *Job) Results(ctx context.Context) iter.Seq2[RowResult, error] {
	return func(yield func(RowResult, error) bool) { j.start(ctx, output{rows: yield}) }
}

// Run runs the job to its end without looking at the receipts. It returns the
// errors of all batches and rows that failed, the first hundred of them, and
// the summary in any case.
func (j *Job) Run(ctx context.Context) (*Summary, error) {
	var errs []error
	for _, err := range j.Batches(ctx) {
		if err != nil && len(errs) < 100 {
			errs = append(errs, err)
		}
	}
	return j.Summary(), errors.Join(errs...)
}

func (j *Job) start(ctx context.Context, out output) {
	j.mu.Lock()
	ran := j.ran
	j.ran, j.started = true, time.Now()
	j.mu.Unlock()
	if ran {
		out.err(errors.New("accounts: a job runs once; make a new one with the same name and ledger to rerun it"))
		return
	}
	j.run(ctx, j, out)
}

// Summary returns the counts so far; it may be called at any time.
func (j *Job) Summary() *Summary {
	j.mu.Lock()
	defer j.mu.Unlock()
	sum := j.sum
	return &sum
}

func (j *Job) update(f func(*Summary)) Summary {
	j.mu.Lock()
	defer j.mu.Unlock()
	f(&j.sum)
	j.sum.Elapsed = time.Since(j.started)
	return j.sum
}

// NewJob makes a job of row results, for test doubles. Batches yields the
// receipt of each batch once, with the error of its first row.
func NewJob(name string, results iter.Seq2[RowResult, error]) *Job {
	return &Job{sum: Summary{Name: name}, run: func(_ context.Context, j *Job, out output) {
		var last *Receipt
		for r, err := range results {
			if err != nil {
				out.err(err)
				return
			}
			fresh := r.Batch != nil && r.Batch != last
			j.update(func(s *Summary) {
				s.Rows++
				s.count(1, r.Sent)
				if fresh {
					s.Batches++
				}
			})
			receipt := r.Batch
			if fresh {
				last = r.Batch
			} else if r.Batch == nil {
				receipt = &Receipt{FirstRow: r.Row, LastRow: r.Row, Rows: 1}
			}
			switch {
			case out.rows != nil:
				if !out.rows(r, nil) {
					return
				}
			case fresh || r.Batch == nil:
				if !out.batches(receipt, r.Err) {
					return
				}
			}
		}
		j.update(func(s *Summary) { s.Complete = s.Accepted == s.Rows })
	}}
}

// JobOf makes a job that yields row results, for test doubles.
func JobOf(results ...RowResult) *Job {
	return NewJob("", func(yield func(RowResult, error) bool) {
		for r := range slices.Values(results) {
			if !yield(r, nil) {
				return
			}
		}
	})
}
