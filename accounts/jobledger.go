package accounts

import (
	"context"
	"errors"
	"maps"
	"strconv"
	"strings"
	"time"

	"github.com/ccr-sdk/ccr"
	"github.com/ccr-sdk/ccr/internal/ledger"
	"github.com/ccr-sdk/ccr/internal/option"
	"github.com/ccr-sdk/ccr/internal/safetext"
	"github.com/ccr-sdk/ccr/internal/wait"
)

// The attributes of a batch's entry; their names are on disk.
const (
	attrOperation = "operation"
	attrReference = "reference"
	attrRows      = "rows"
	attrLastRow   = "lastRow" // where a rerun cuts the batch
	attrStatusURL = "statusUrl"
	attrRequestID = "requestId"
	attrPresumed  = "presumed"
	// maxStatusURL keeps an entry's attributes below 4 KiB.
	maxStatusURL = 2048
)

// jobKey is the key of a job's entry: its claim, and how far it has come.
func (c *Client) jobKey(operation, name string) string {
	return ledger.Key(ledger.KindJob, service, c.t.Environment(), operation, name)
}

// batchKey is the key of the batch of a job that begins at a row.
func (c *Client) batchKey(operation, name string, firstRow int64) string {
	return ledger.Key(ledger.KindBatch, service, c.t.Environment(), operation, name, strconv.FormatInt(firstRow, 10))
}

// claimJob claims a job in a ledger. With waiting it waits while another live
// run has it.
func (c *Client) claimJob(ctx context.Context, l ccr.Ledger, operation, name string, waiting bool) (*ledger.Claim, error) {
	book := ledger.New(l, c.t.Lease())
	for pause := time.Second; ; pause = min(2*pause, book.Policy().Heartbeat) {
		claim, err := book.Acquire(ctx, c.jobKey(operation, name), "job "+name, func(found ccr.LedgerEntry, _ bool) (ccr.LedgerEntry, error) {
			next := ledger.NextEpoch(found)
			next.State, next.Service, next.Environment, next.Name = "", service, c.t.Environment(), safetext.Escape(name)
			next.Attributes[attrOperation] = operation
			delete(next.Attributes, ledger.AttrProgress)
			return next, nil
		})
		claimed, other := errors.AsType[*ccr.ClaimedError](err)
		if !waiting || !other {
			return claim, err
		}
		if err := wait.Sleep(ctx, wait.Jitter(pause)); err != nil {
			return nil, errors.Join(err, claimed)
		}
	}
}

// claimFailed is the error of a job that could not be claimed.
func (s *submission) claimFailed(err error) error {
	switch {
	case errors.Is(err, ccr.ErrClaimed):
		return s.failure(err, "Let that run finish; WaitClaimed waits for it")
	case errors.Is(err, context.Canceled), errors.Is(err, context.DeadlineExceeded):
		return s.failure(err, "")
	}
	return s.failure(err, "The ledger could not be used; nothing was sent")
}

// lost is the error of a job whose claim ended while it ran: another run has
// it by now, or could have.
func (s *submission) lost(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), ledger.RecordTimeout)
	defer cancel()
	cause := ledger.ErrLost
	mine := s.claim.Entry()
	if now, err := s.o.Ledger.Load(ctx, mine.Key); err == nil && now.Token != mine.Token && now.Owner != "" {
		cause = ledger.Claimed("job "+s.o.Name, now)
	}
	return s.failure(cause, "Nothing was sent after that; rerun the job, or let the run that has it finish")
}

// sentBefore reports whether the batch of an entry may have had an effect.
func sentBefore(e ccr.LedgerEntry) bool {
	switch e.State {
	case ccr.StateSent, ccr.StateIntent, ccr.StateResolving, ccr.StateUnknown:
		return true
	}
	return false
}

var (
	errRecorded = errors.New("accepted by an earlier run")
	errKept     = errors.New("nothing to store")
)

// intend stores the intent of a batch under the job's claim. send is false for
// a batch that is not sent in this run: b.err says why, and is nil if an
// earlier run sent it. An error ends the job.
func (s *submission) intend(ctx context.Context, b *batch) (send bool, err error) {
	if s.claim == nil {
		return b.receipt.Rows > 0, nil
	}
	var found ccr.LedgerEntry
	part, err := s.claim.Part(ctx, b.found, func(e ccr.LedgerEntry) (ccr.LedgerEntry, error) {
		found, b.resumed = e, false
		return s.plan(b, e)
	})
	switch {
	case err == nil && part.Entry().State == ccr.StateIntent:
		b.part = part
		return true, nil
	case err == nil && b.receipt.Rows == 0, errors.Is(err, errKept) && b.receipt.Rows == 0:
		return false, nil
	case err == nil, errors.Is(err, errKept):
		b.resumed, b.err = true, s.doubtful(b)
		return false, nil
	case errors.Is(err, errRecorded):
		b.recorded(found)
		return false, nil
	case errors.Is(err, ccr.ErrDuplicate):
		return false, err
	case errors.Is(err, ledger.ErrLost):
		return false, s.lost(ctx)
	}
	return false, s.failure(err, "The ledger could not store the intent; the batch was not sent")
}

// plan decides what to store for a batch whose entry was found.
func (s *submission) plan(b *batch, found ccr.LedgerEntry) (ccr.LedgerEntry, error) {
	b.attributes = map[string]string{
		attrOperation: s.route.Operation, attrReference: b.receipt.Reference, attrRows: strconv.Itoa(b.receipt.Rows),
		attrLastRow: strconv.FormatInt(max(b.receipt.LastRow, b.until), 10),
	}
	next := ccr.LedgerEntry{
		Service: service, Environment: s.c.t.Environment(), Name: safetext.Escape(s.o.Name),
		Size: b.size, SHA256: b.sum, Attributes: b.attributes,
	}
	same := found.SHA256 == b.sum
	switch {
	case b.receipt.Rows == 0: // keeps where the next batch begins
		if found.State != "" {
			return found, errKept
		}
		next.State = ccr.StateRefused
		return next, nil
	case found.State == ccr.StateSent && same:
		return found, errRecorded
	case !sentBefore(found):
	case !b.once:
		b.resumed = same
	case !same:
		e := s.failure(errors.New("an earlier run of this job sent other content from this row on"),
			"Give new rows a job of their own; sending them here would report payments, or message people, twice")
		e.Classes = []error{ccr.ErrDuplicate}
		return found, e
	case s.o.ResendUnknown:
		b.resumed = true
	case found.State == ccr.StateUnknown:
		return found, errKept
	default:
		found.State = ccr.StateUnknown
		return found, nil
	}
	next.State = ccr.StateIntent
	return next, nil
}

// doubtful is the error of a batch of which an earlier run does not know
// whether it arrived, and which is not sent again.
func (s *submission) doubtful(b *batch) error {
	return &ccr.Error{
		Service: service, Operation: s.operation, Outcome: ccr.OutcomeUnknown, CorrelationID: safetext.Token(b.receipt.Reference),
		Err:    errors.New("an earlier run sent batch " + b.receipt.Reference + " and learnt no response; it was not sent again"),
		Advice: adviceSettle,
	}
}

const (
	adviceRerun  = "A rerun of the job sends the batch again under its reference"
	adviceSettle = "Ask Credit Clear whether the batch arrived, by its reference, and record it with SettleBatch; " +
		"or rerun with ResendUnknown once it has confirmed that a repeated reference has no effect"
)

// recorded makes the receipt of a batch that an earlier run sent.
func (b *batch) recorded(e ccr.LedgerEntry) {
	r := &b.receipt
	r.Recorded, r.PresumedAccepted = true, e.Attributes[attrPresumed] != ""
	r.StatusURL, r.RequestID, r.AcceptedAt = e.Attributes[attrStatusURL], e.Attributes[attrRequestID], e.At
}

// record records what became of a batch, even when the context has ended.
func (b *batch) record(ctx context.Context) error {
	if b.part == nil {
		return nil
	}
	state := b.state()
	facts := maps.Clone(b.attributes)
	if state == ccr.StateSent {
		if u := b.receipt.StatusURL; u != "" && len(u) <= maxStatusURL {
			facts[attrStatusURL] = u
		}
		if id := safetext.Token(b.receipt.RequestID); id != "" {
			facts[attrRequestID] = id
		}
		if b.receipt.PresumedAccepted {
			facts[attrPresumed] = "true"
		}
	}
	err := b.part.Record(ctx, func(e *ccr.LedgerEntry) {
		facts[ledger.AttrEpoch] = e.Attributes[ledger.AttrEpoch]
		e.State, e.Size, e.SHA256, e.Attributes = state, b.size, b.sum, facts
	})
	if errors.Is(err, ledger.ErrLost) || state == ccr.StateUnknown {
		return nil // whoever has the job resolves it; and an intent is as doubtful as unknown
	}
	return err
}

// state is what the entry of a batch says after the response.
func (b *batch) state() string {
	e, ok := errors.AsType[*ccr.Error](b.err)
	switch {
	case b.err == nil:
		return ccr.StateSent
	case b.resumed && (b.once || !refusesContent(b.err)), !ok, e.Outcome == ccr.OutcomeUnknown, e.EarlierUnknown && b.once:
		return ccr.StateUnknown
	}
	return ccr.StateRefused
}

// SettleOptions are the options of [Client.SettleBatch].
type SettleOptions struct {
	// Ledger is the job's.
	Ledger ccr.Ledger
	// Receipt is that of the batch, as the job yielded it with the error:
	// Operation, Reference and FirstRow are needed.
	Receipt *Receipt
	// Arrived says whether Credit Clear has the batch.
	Arrived bool
}

// SettleBatch records what Credit Clear found of a batch whose outcome is
// unknown. The next run of the job takes it for accepted, or sends it again.
// No run of the job may be live: see [ccr.ErrClaimed].
func (c *Client) SettleBatch(ctx context.Context, o SettleOptions, opts ...ccr.CallOption) error {
	call, err := option.NewCall(opts...)
	if err == nil && (o.Ledger == nil || o.Receipt == nil) {
		err = errors.New("settling needs Ledger and Receipt")
	}
	refused := func(err error, classes ...error) error {
		return &ccr.Error{
			Service: service, Operation: "SettleBatch", Outcome: ccr.OutcomeNotSent, Err: err, Classes: classes, CorrelationID: call.CorrelationID,
		}
	}
	if err != nil {
		return refused(err, ccr.ErrInvalid)
	}
	name, _, _ := cutLast(o.Receipt.Reference)
	claim, err := c.claimJob(ctx, o.Ledger, o.Receipt.Operation, name, false)
	if err != nil {
		return refused(err)
	}
	defer claim.Release(ctx, nil) //nolint:errcheck // the claim ends by itself
	found, err := o.Ledger.Load(ctx, c.batchKey(o.Receipt.Operation, name, o.Receipt.FirstRow))
	if err != nil && !errors.Is(err, ccr.ErrNoEntry) {
		return refused(err)
	}
	part, err := claim.Part(ctx, found, func(found ccr.LedgerEntry) (ccr.LedgerEntry, error) {
		if !sentBefore(found) || found.State == ccr.StateSent || found.Attributes[attrReference] != o.Receipt.Reference {
			return found, errKept
		}
		found.State = ccr.StateUnknown
		return found, nil
	})
	if errors.Is(err, errKept) {
		return refused(errors.New("the ledger has no batch of unknown outcome with this reference and first row"), ccr.ErrNotFound)
	}
	if err == nil {
		err = part.Record(ctx, func(e *ccr.LedgerEntry) {
			if e.State = ccr.StateRefused; o.Arrived {
				e.State = ccr.StateSent
			}
		})
	}
	if err != nil {
		return refused(err)
	}
	return nil
}

// cutLast cuts a batch's reference into the job's name and the hash.
func cutLast(reference string) (name, hash string, ok bool) {
	i := strings.LastIndexByte(reference, '/')
	if i < 0 {
		return reference, "", false
	}
	return reference[:i], reference[i+1:], true
}
