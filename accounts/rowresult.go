package accounts

import (
	"errors"
	"slices"
	"strconv"
	"strings"

	"github.com/ccr-sdk/ccr"
)

// Sent says what became of the sending of a row.
type Sent string

// The values of [Sent].
const (
	SentAccepted  Sent = "accepted"          // in a batch that Credit Clear accepted, which is not processed
	SentRejected  Sent = "rejected"          // in a batch that it refused
	SentUnknown   Sent = "unknown"           // in a batch that was sent, and no response said what became of it
	SentNot       Sent = "not sent"          // left over when the job stopped
	SentInvalid   Sent = "invalid"           // refused by the SDK
	SentElsewhere Sent = "claimed elsewhere" // left over since another run took the job over
)

// Processed says what became of an accepted row, as far as Credit Clear told.
type Processed string

// The values of [Processed].
const (
	ProcessedUntold    Processed = ""          // not asked for, or not told
	ProcessedSucceeded Processed = "succeeded" // the row is named so, or all of its batch succeeded
	ProcessedFailed    Processed = "failed"
	ProcessedIgnored   Processed = "ignored" // by the rules of [Status], or because the row is faulty
)

// RowResult is what became of one row of a job's source.
type RowResult struct {
	Row       int64     // in the source, counted from 1
	Line      int       // where it begins in its file, counted from 1; 0 if the source does not say
	File      string    // "" if the source does not say
	Reference string    // the row's own: the client reference, claim number or payment reference
	Batch     *Receipt  // of the batch that it is in; nil if it is in none
	Sent      Sent      // how far it got on the way to Credit Clear
	Processed Processed // "" unless SubmitOptions.WaitProcessed
	// Faults are those of this row, found by the SDK or by Credit Clear. Paths
	// count rows as programs do: accounts[3].dueDate is a fault of row 4.
	Faults []ccr.FieldError
	// Messages are Credit Clear's texts about a row that failed. They may hold
	// personal data: do not log them.
	Messages []string
	// Err says why the row, or its batch, was not accepted, or why it is not
	// known how it was processed.
	Err error
}

// rowInfo is what is kept of a row until its result is yielded.
type rowInfo struct {
	reference string
	file      string
	line      int
	faults    []ccr.FieldError
	err       error // of an invalid row
}

// classify says what became of the rows of a batch that was sent or was to be.
func (b *batch) classify() Sent {
	e, ok := errors.AsType[*ccr.Error](b.err)
	switch {
	case b.err == nil:
		return SentAccepted
	case b.resumed && (b.once || !refusesContent(b.err)), ok && e.Outcome == ccr.OutcomeUnknown:
		return SentUnknown
	case ok && e.Outcome == ccr.OutcomeRejected:
		return SentRejected
	case errors.Is(b.err, ccr.ErrClaimed):
		return SentElsewhere
	}
	return SentNot
}

// count counts rows by what became of them.
func (s *Summary) count(rows int64, sent Sent) {
	switch sent {
	case SentAccepted:
		s.Accepted += rows
	case SentRejected:
		s.Rejected += rows
	case SentUnknown:
		s.Unknown += rows
	case SentInvalid:
		s.Invalid += rows
		s.NotSent += rows
	default:
		s.NotSent += rows
	}
}

// row is the row of the source that is at an index of the batch.
func (b *batch) row(index int64) int64 {
	row := b.receipt.FirstRow + index
	for _, skipped := range b.receipt.Skipped {
		if skipped > row {
			break
		}
		row++
	}
	return row
}

// relocate makes the vendor's paths, which count the rows of the batch, count
// those of the source, and gives each row its faults.
func (b *batch) relocate() {
	e, ok := errors.AsType[*ccr.Error](b.err)
	if !ok {
		return
	}
	for i, f := range e.Fields {
		list, rest, _ := strings.Cut(f.Path, "[")
		digits, rest, ok := strings.Cut(rest, "]")
		index, err := strconv.ParseInt(digits, 10, 64)
		if !ok || err != nil || strings.Contains(list, ".") || index < 0 || index >= int64(b.receipt.Rows) {
			continue
		}
		row := b.row(index)
		e.Fields[i].Path = list + "[" + strconv.FormatInt(row-1, 10) + "]" + rest
		if at := row - b.receipt.FirstRow; at < int64(len(b.rows)) {
			b.rows[at].faults = append(b.rows[at].faults, e.Fields[i])
		}
	}
}

// yieldRows yields the results of the batch's rows until yield returns false.
func (b *batch) yieldRows(yield func(RowResult, error) bool) bool {
	processed := b.processed()
	receipt := &b.receipt
	skipped := receipt.Skipped
	for i := range b.rows {
		info := &b.rows[i]
		r := RowResult{
			Row: receipt.FirstRow + int64(i), Line: info.line, File: info.file, Reference: info.reference,
			Faults: info.faults, Sent: b.sent, Batch: receipt, Err: b.err,
		}
		if len(skipped) > 0 && skipped[0] == r.Row {
			skipped = skipped[1:]
			r.Sent, r.Batch, r.Err = SentInvalid, nil, info.err
		} else if b.sent == SentAccepted {
			r.Processed, r.Messages = processed(info.reference)
			r.Err = b.statusErr
		}
		if !yield(r, nil) {
			return false
		}
	}
	return true
}

// processed reads what the batch's status says of its rows, by reference.
func (b *batch) processed() func(reference string) (Processed, []string) {
	all := ProcessedUntold
	s := b.status
	if s == nil {
		return func(string) (Processed, []string) { return all, nil }
	}
	if s.State == StateSucceeded && s.Failed <= 0 && s.Succeeded == int64(b.receipt.Rows) {
		all = ProcessedSucceeded
	}
	type item struct {
		Processed
		messages []string
	}
	items := make(map[string]item, len(s.Items))
	for i := range s.Items {
		it := &s.Items[i]
		now := item{it.processed(), it.Messages}
		if was, ok := items[it.Reference]; ok && was.Processed != now.Processed {
			now = item{} // two rows of one reference, and nothing says which is which
		}
		items[it.Reference] = now
	}
	return func(reference string) (Processed, []string) {
		if it, ok := items[reference]; ok && reference != "" {
			return it.Processed, it.messages
		}
		return all, nil
	}
}

// processed is the item's state as one of a row.
func (i *ItemStatus) processed() Processed {
	switch {
	case slices.Contains([]string{"ignored", "skipped"}, foldName(i.Word)):
		return ProcessedIgnored
	case i.State == StateFailed:
		return ProcessedFailed
	case i.State == StateSucceeded:
		return ProcessedSucceeded
	}
	return ProcessedUntold
}
