package accounts

import (
	"context"
	"errors"
	"strconv"

	"github.com/ccr-sdk/ccr"
)

// open counts a row, and begins a batch with it if there is none.
func (s *submission) open(ctx context.Context, info rowInfo) {
	s.read++
	if s.cur == nil {
		s.begin(ctx)
	}
	if s.out.rows != nil {
		s.cur.rows = append(s.cur.rows, info)
	}
}

// begin begins a batch with the row that was read last. With a ledger, the
// batch ends where an earlier run ended it, so that a corrected row cannot move
// rows that were sent into a batch that was not.
func (s *submission) begin(ctx context.Context) {
	s.cur = &batch{receipt: Receipt{Operation: s.route.Operation, FirstRow: s.read}}
	s.e.b = s.buffer()
	if n := len(s.noted); n > 0 {
		s.cur.rows, s.noted = s.noted[n-1], s.noted[:n-1]
	}
	if s.claim == nil || s.stopped {
		return
	}
	key := s.c.batchKey(s.route.Operation, s.o.Name, s.read)
	found, err := s.o.Ledger.Load(ctx, key)
	switch {
	case errors.Is(err, ccr.ErrNoEntry):
	case err != nil && ctx.Err() != nil:
		s.cancelled(ctx)
	case err != nil:
		s.stop(nil, s.failure(err, "The ledger cannot be read; the batch was not sent"))
	}
	found.Key = key
	s.cur.found = found
	if n, err := strconv.ParseInt(found.Attributes[attrLastRow], 10, 64); err == nil && n >= s.read {
		s.cur.until = n
	}
}

// add encodes a row into the batch, cutting it first if the row does not fit.
func (s *submission) add(ctx context.Context, row interface{ encode(*encoder) }, messages bool) {
	b := s.cur
	end := len(s.e.b)
	if b.receipt.Rows > 0 {
		s.e.b = append(s.e.b, ',')
	}
	begin := len(s.e.b)
	row.encode(&s.e)
	size := len(s.e.b) + len(s.suffix)
	if alone := len(s.prefix) + len(s.e.b) - begin + len(s.suffix); alone > MaxBatchBytes {
		s.e.b = s.e.b[:end]
		var f ccr.Faults
		f.Addf(s.kind.object().Members[mBatchItems].Name+"["+strconv.FormatInt(s.read-1, 10)+"]", "encodes to more than %d bytes", MaxBatchBytes)
		s.invalid(f.Err(service, s.operation))
		return
	}
	if b.receipt.Rows > 0 && (b.until == 0 && size > s.o.MaxBytes || size > MaxBatchBytes) {
		s.cut(ctx, end, begin)
	}
	s.cur.receipt.Rows++
	s.cur.once = s.cur.once || messages || s.kind == kindPaymentBatch
}

// cut ends the batch before the row that was encoded last, which begins the
// next one. body is where the batch ends, row where the row begins.
func (s *submission) cut(ctx context.Context, body, row int) {
	full := s.cur
	if full.until != 0 {
		s.stop(nil, s.failure(errors.New("a row no longer fits into the batch that an earlier run put it in"), "Give the changed rows a job of their own"))
		return
	}
	next := append(s.buffer(), s.e.b[row:]...)
	s.e.b = s.e.b[:body]
	var info []rowInfo
	if n := len(full.rows); n > 0 {
		info = []rowInfo{full.rows[n-1]}
		full.rows = full.rows[:n-1]
	}
	s.flush(ctx, s.read-1)
	s.begin(ctx)
	s.cur.rows = append(s.cur.rows, info...)
	s.spare = append(s.spare, s.e.b)
	s.e.b = next
}

// flush ends the batch with a row and dispatches it.
func (s *submission) flush(ctx context.Context, lastRow int64) {
	b := s.cur
	if s.cur = nil; b == nil {
		return
	}
	b.receipt.LastRow = lastRow
	b.body = append(s.e.b, s.suffix...)
	s.dispatch(ctx, b)
}

// buffer returns a buffer that begins a batch.
func (s *submission) buffer() []byte {
	var b []byte
	if n := len(s.spare); n > 0 {
		b, s.spare = s.spare[n-1][:0], s.spare[:n-1]
	}
	return append(b, s.prefix...)
}
