package accounts

import (
	"cmp"
	"iter"

	"github.com/ccr-sdk/ccr"
	"github.com/ccr-sdk/ccr/internal/safetext"
)

// SubmitOptions say how a job is cut and sent. Zero fields have defaults.
type SubmitOptions struct {
	// Name identifies the job; required, 1 to 110 letters, digits or _.:/-.
	// It is part of every batch reference and of the ledger's keys: give
	// each intended load a name of its own ("nightly-2026-11-21"), and a rerun
	// of it the same one. The same rows under the name of an earlier load are
	// taken for a rerun of that, and have no effect.
	Name string
	// Ledger makes the job resumable, and keeps a second live run of it from
	// sending the same; see [ccr.OpenLedger]. Without one nothing is
	// remembered: a rerun sends every batch again, under the same references.
	// It is required for payments, and for rows with SendInstantMessages.
	Ledger ccr.Ledger
	// WaitClaimed waits while another live run has the job, and then goes
	// through it as a rerun. By default the job ends at once with
	// [ccr.ErrClaimed].
	WaitClaimed bool
	// ResendUnknown sends batches of payments, or with messages, again of
	// which an earlier run does not know whether they arrived. Set it only once
	// Credit Clear has confirmed that a batch whose reference was used before
	// has no effect; the public pages say so of claims alone. By default such
	// a batch is reported as unknown and the job continues behind it:
	// [Client.SettleBatch] records what Credit Clear found. Other batches are
	// upserts, and are always sent again.
	ResendUnknown bool
	// MaxRows is the most rows in a batch; default 10,000. A batch also ends
	// at every multiple of it in the source, so that a change in one place
	// does not move the cuts behind it. With a Ledger, a rerun cuts where the
	// earlier run did.
	MaxRows int
	// MaxBytes is the encoded size at which a batch is cut; default 4,000,000,
	// at most MaxBatchBytes.
	MaxBytes int
	// Concurrency is how many batches are under way at a time; default 2.
	// Memory is about (Concurrency + 2) × MaxBytes.
	Concurrency int
	// ContinueOnRejected continues after a batch that Credit Clear refused for
	// what is in it. By default the job stops there. It always stops when
	// credentials, permissions, limits or the connection are the cause.
	ContinueOnRejected bool
	// SkipInvalid continues after an invalid row: one that fails Validate, or
	// for which the source yields an error that is [ccr.ErrInvalid], as the CSV
	// readers do. By default the job stops there, and the batch that the row
	// would have been in is not sent. Any other error of the source stops the job.
	SkipInvalid bool
	// WaitProcessed waits until each accepted batch is processed, so that
	// RowResult.Processed is known. A batch that is waited for counts as one
	// of Concurrency.
	WaitProcessed bool
	// PollInterval is how often WaitProcessed polls a batch.
	PollInterval ccr.PollInterval
	// Processed decides for WaitProcessed whether a status is final, in place
	// of BatchStatus.Done: no public document lists the vendor's words.
	Processed func(*BatchStatus) bool
	// Extra goes into each batch; it may rename the reference and the array,
	// but not replace them.
	Extra Extra
	// Progress is called after each batch, in the goroutine that ranges: Items
	// are the rows done with, Bytes those of sent batches. [Job.Summary] has more.
	Progress ccr.ProgressFunc
}

// check finds the faults of the options and fills in the defaults.
func (o *SubmitOptions) check(source bool, kind objectKind) *ccr.Faults {
	f := &ccr.Faults{}
	if !source {
		f.Add("rows", "is required")
	}
	if o.Name == "" || len(o.Name) > maxJobName || safetext.Token(o.Name) == "" {
		f.Add("Name", "must be 1 to 110 letters, digits or _.:/-")
	}
	if o.Ledger == nil && kind == kindPaymentBatch {
		f.Add("Ledger", "is required for payments: without one a rerun would report them again")
	}
	if o.MaxRows < 0 {
		f.Add("MaxRows", "must not be negative")
	}
	if o.MaxBytes < 0 || o.MaxBytes > MaxBatchBytes {
		f.Addf("MaxBytes", "must be between 0 and %d", MaxBatchBytes)
	}
	if o.Concurrency < 0 {
		f.Add("Concurrency", "must not be negative")
	}
	o.MaxRows, o.MaxBytes = cmp.Or(o.MaxRows, defaultMaxRows), cmp.Or(o.MaxBytes, defaultMaxBytes)
	o.Concurrency = cmp.Or(o.Concurrency, defaultConcurrency)
	return f
}

// SubmitAccounts sends any number of accounts as a job; see [Job].
//
// A source that reads a CSV is accounts/files.NewAccountReader; for a slice, use
// [RowsOf].
func (c *Client) SubmitAccounts(rows iter.Seq2[Row[Account], error], o SubmitOptions) *Job {
	return submit(c, routeAccounts, "SubmitAccounts", kindAccountBatch, rows, o)
}

// SubmitPayments sends any number of payments as a job. Payments are not
// upserts: a rerun whose source differs from what an earlier run sent, row for
// row, is refused, since payments would be reported twice; and a batch of which
// nobody knows whether it arrived is not sent again: see
// [SubmitOptions].ResendUnknown.
func (c *Client) SubmitPayments(rows iter.Seq2[Row[Payment], error], o SubmitOptions) *Job {
	return submit(c, routePayments, "SubmitPayments", kindPaymentBatch, rows, o)
}

// SubmitClaims sends any number of claims as a job.
func (c *Client) SubmitClaims(rows iter.Seq2[Row[Claim], error], o SubmitOptions) *Job {
	return submit(c, routeClaims, "SubmitClaims", kindClaimBatch, rows, o)
}

// Row is one row of a job's source: the value, and where it came from.
type Row[T any] struct {
	Value T // the account, payment or claim
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
