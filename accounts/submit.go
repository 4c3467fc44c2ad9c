package accounts

import (
	"iter"
)

// SubmitOptions say how a job is cut and sent. Zero fields have defaults.
type SubmitOptions struct {
	// Name identifies the job; required, 1 to 110 letters, digits or _.:/-.
	// It is part of every batch reference and of the journal's keys: give
	// each intended load a name of its own ("nightly-2026-11-21"), and a rerun
	// of it the same one. The same rows under the name of an earlier load are
	// taken for a rerun of that, and have no effect.
	Name string
	// Journal makes the job resumable; see [OpenJournal]. Without one nothing
	// is remembered: a rerun sends every batch again, under the same
	// references. Rows with SendInstantMessages are refused without one.
	Journal Journal
	// MaxRows is the most rows in a batch; default 10,000. A batch also ends
	// at every multiple of it in the source, so that a change in one place
	// does not move the cuts behind it.
	MaxRows int
	// MaxBytes is the encoded size at which a batch is cut; default 4,000,000,
	// at most MaxBatchBytes.
	MaxBytes int
	// Concurrency is how many batches are under way at a time; default 2.
	// Memory is about (Concurrency + 2) × MaxBytes.
	Concurrency int
	// ContinueOnRejected goes on after a batch that Credit Clear refused for
	// what is in it. By default the job stops there. It always stops when
	// credentials, permissions, limits or the connection are the trouble.
	ContinueOnRejected bool
	// SkipInvalid goes on after a faulty row: one that fails Validate, or for
	// which the source yields an error that is [ccr.ErrInvalid], as the CSV
	// readers do. By default the job stops there, and the batch that the row
	// would have been in is not sent. Any other error of the source stops the job.
	SkipInvalid bool
	// Extra goes into each batch; it may rename the reference and the array,
	// but not replace them.
	Extra Extra
	// Progress is told after each batch, in the goroutine that ranges.
	Progress func(Summary)
}

// SubmitAccounts sends any number of accounts as a job; see [Job.All].
//
// A source that reads a CSV is accounts/files.NewAccountReader; for a slice, use
// [RowsOf].
func (c *Client) SubmitAccounts(rows iter.Seq2[Row[Account], error], o SubmitOptions) *Job {
	return submit(c, routeAccounts, "SubmitAccounts", kindAccountBatch, rows, o)
}

// SubmitPayments sends any number of payments as a job. Payments are not
// upserts: a rerun whose source differs from what an earlier run sent, row for
// row, is refused, since payments would be reported twice.
func (c *Client) SubmitPayments(rows iter.Seq2[Row[Payment], error], o SubmitOptions) *Job {
	return submit(c, routePayments, "SubmitPayments", kindPaymentBatch, rows, o)
}

// SubmitClaims sends any number of claims as a job.
func (c *Client) SubmitClaims(rows iter.Seq2[Row[Claim], error], o SubmitOptions) *Job {
	return submit(c, routeClaims, "SubmitClaims", kindClaimBatch, rows, o)
}

// Row is one row of a job's source: the value, and where it came from.
type Row[T any] struct {
	Value T
	// Line is where the row begins in its file, counted from 1; 0 if it came
	// from none.
	Line int
	// File is the name of the file; "" if the source does not know it.
	File string
}

// RowsOf makes a source of a job from values that are in memory.
func RowsOf[T any](values ...T) iter.Seq2[Row[T], error] {
	return func(yield func(Row[T], error) bool) {
		for _, v := range values {
			if !yield(Row[T]{Value: v}, nil) {
				return
			}
		}
	}
}
