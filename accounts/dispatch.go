package accounts

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"io"
	"strconv"
	"sync/atomic"

	"github.com/ccr-sdk/ccr"
	"github.com/ccr-sdk/ccr/internal/ledger"
	"github.com/ccr-sdk/ccr/internal/safetext"
	"github.com/ccr-sdk/ccr/internal/transport"
)

// batch is a stretch of the source: the rows of one request, and the invalid
// ones between them.
type batch struct {
	body    []byte
	readers atomic.Int32 // open readers of body; it may be reused at 0
	once    bool         // payments, or messages to people: must not be sent twice
	resumed bool         // an earlier run may have sent it
	tried   bool         // this run had it sent
	receipt Receipt
	rows    []rowInfo // of Results: one for each row, invalid ones included
	size    int64
	sum     string // SHA-256 of the request, its place and operation

	found      ccr.LedgerEntry // as it was loaded when the batch began
	until      int64           // the row with which an earlier run ended it; 0 if there was none
	attributes map[string]string
	part       *ledger.Part

	err       error
	recordErr error // why the result could not be written to the ledger
	status    *BatchStatus
	statusErr error // why the status is not known
	sent      Sent  // "" until it is settled
}

// dispatch completes a batch and hands it to a sender. The intent is stored
// here, in the order of the rows, so that a later run can tell by the first
// batch that differs whether its source is the same.
func (s *submission) dispatch(ctx context.Context, b *batch) {
	s.complete(b)
	s.enqueue(b)
	for s.busy() >= s.o.Concurrency && !s.stopped {
		s.take(<-s.results)
	}
	if !s.stopped && ctx.Err() != nil {
		s.cancelled(ctx)
	}
	if s.stopped { // while waiting: never sent
		b.err = s.unsent()
		s.done(b, false)
		return
	}
	send, err := s.intend(ctx, b)
	if err != nil {
		b.err = err
		s.stopped, s.err = true, err
		s.done(b, true)
		return
	}
	s.flying++
	if !send && !(b.receipt.Recorded && s.o.WaitProcessed) {
		s.take(b)
		return
	}
	s.c.inferred.note(ctx, s.c.t.Logger(), &s.e.used)
	s.work <- b
}

// complete fills in the reference, which is made of the content.
func (s *submission) complete(b *batch) {
	if b.receipt.Rows == 0 {
		return
	}
	h := sha256.New()
	io.WriteString(h, "ccr-batch-1\n"+s.route.Operation+"\n"+strconv.FormatInt(b.receipt.FirstRow, 10)+"\n") //nolint:errcheck // a hash takes everything
	h.Write(b.body)                                                                                          //nolint:errcheck // likewise
	b.sum, b.size = hex.EncodeToString(h.Sum(nil)), int64(len(b.body))
	copy(b.body[s.hashAt:], b.sum[:hashInReference])
	b.receipt.Reference = s.o.Name + "/" + b.sum[:hashInReference]
}

// enqueue gives a batch its place among the results.
func (s *submission) enqueue(b *batch) {
	if s.out.rows != nil {
		s.ring = append(s.ring, b)
	}
}

// busy is the number of batches that are under way or wait for their turn,
// without the one that is being dispatched.
func (s *submission) busy() int {
	return max(s.flying, len(s.ring)-1)
}

// take settles a batch that came back.
func (s *submission) take(b *batch) {
	s.flying--
	if b.readers.Load() == 0 { // else the connection still reads it: leave it to the collector
		s.spare = append(s.spare, b.body)
	}
	if errors.Is(b.err, ledger.ErrLost) && errors.Is(b.err, ccr.ErrNotSent) {
		b.err = s.lost(context.Background())
	}
	b.relocate()
	if b.err != nil && b.tried && !(s.o.ContinueOnRejected && refusesContent(b.err)) {
		s.stopped = true
		if s.err == nil {
			s.err = b.err
		}
	}
	s.done(b, true)
	if b.recordErr != nil {
		s.stop(&b.receipt, &ccr.Error{
			Service: service, Operation: s.operation, Err: b.recordErr,
			Advice: "The ledger could not record what became of the batch; a rerun finds its intent",
		})
	}
}

// done counts a batch and yields what is ready.
func (s *submission) done(b *batch, notify bool) {
	b.sent = b.classify()
	rows := int64(b.receipt.Rows)
	e, _ := errors.AsType[*ccr.Error](b.err)
	sum := s.count(func(sum *Summary) {
		sum.count(rows, b.sent)
		if b.receipt.Recorded {
			sum.Recorded += rows
		}
		if rows > 0 && (b.sent == SentAccepted || b.sent == SentRejected || b.sent == SentUnknown) {
			sum.Batches++
			if b.tried && (e == nil || e.Outcome != ccr.OutcomeNotSent) {
				sum.Bytes += b.size
			}
		}
	})
	if rows > 0 {
		s.progress(sum, false)
		if notify {
			s.notify(&b.receipt, b.err)
		}
	}
	for len(s.ring) > 0 && s.ring[0].sent != "" && !s.left {
		ready := s.ring[0]
		s.ring[0], s.ring = nil, s.ring[1:]
		if !ready.yieldRows(s.out.rows) {
			s.left, s.stopped = true, true
		}
		clear(ready.rows)
		s.noted = append(s.noted, ready.rows[:0])
	}
}

// refusesContent reports whether Credit Clear refused a batch for what is in
// it, so that the next one may do better.
func refusesContent(err error) bool {
	e, ok := errors.AsType[*ccr.Error](err)
	return ok && e.Outcome == ccr.OutcomeRejected && errors.Is(e, ccr.ErrInvalid)
}

// send runs in a sender.
func (s *submission) send(ctx context.Context, b *batch) {
	if !b.receipt.Recorded {
		b.tried = true
		call := transport.Call{CorrelationID: safetext.Token(b.receipt.Reference)}
		body := transport.Body{ContentType: transport.JSON, Length: int64(len(b.body)), Open: b.open, Content: b.body}
		ctx := ctx
		if s.claim != nil {
			ctx = transport.WithBefore(ctx, func() error { return s.claim.Check(ctx) })
		}
		b.receipt, b.err = s.c.send(ctx, s.route, body, call, b.receipt, sending{ours: true, messages: b.once})
		if e, ok := errors.AsType[*ccr.Error](b.err); ok && e.Outcome == ccr.OutcomeUnknown {
			if e.Advice = adviceRerun; b.once {
				e.Advice = adviceSettle
			}
		}
		b.recordErr = b.record(ctx)
	}
	if s.o.WaitProcessed && b.err == nil && b.recordErr == nil {
		p := s.c.BatchPoller(&b.receipt).WithInterval(s.o.PollInterval)
		if s.o.Processed != nil {
			p.WithDone(s.o.Processed)
		}
		b.status, b.statusErr = p.Wait(ctx)
		if errors.Is(b.statusErr, ErrNoStatus) {
			b.statusErr = nil // not told
		}
	}
}

// open opens the body for an attempt and counts who reads it.
func (b *batch) open() (io.ReadCloser, error) {
	b.readers.Add(1)
	return &bodyReader{Reader: *bytes.NewReader(b.body), b: b}, nil
}

type bodyReader struct {
	bytes.Reader
	b      *batch
	closed atomic.Bool
}

func (r *bodyReader) Close() error {
	if r.closed.CompareAndSwap(false, true) {
		r.b.readers.Add(-1)
	}
	return nil
}
