package accounts

import (
	"bytes"
	"cmp"
	"context"
	"errors"
	"fmt"
	"iter"

	"github.com/ccr-sdk/ccr"
	"github.com/ccr-sdk/ccr/internal/ledger"
	"github.com/ccr-sdk/ccr/internal/transport"
)

const (
	defaultMaxRows     = 10_000
	defaultMaxBytes    = 4_000_000
	defaultConcurrency = 2
	maxJobName         = 110
	hashInReference    = 32 // hex digits
)

// rowOf is what a job needs of a row.
type rowOf[T any] interface {
	*T
	encode(*encoder)
	validate(*validator)
	messages() bool
	reference() string
}

// messages reports whether sending the row may message a person.
func (a *Account) messages() bool {
	if v, ok := a.Extra[sendInstantMessages]; ok {
		if r, ok := v.(Rename); !ok || r.name == "" {
			return !ok && v != nil
		}
	}
	return len(a.SendInstantMessages) > 0
}

func (*Claim) messages() bool   { return false }
func (*Payment) messages() bool { return false }

// reference is what a row result calls the row.
func (a *Account) reference() string { return a.ClientReferenceID }
func (c *Claim) reference() string   { return c.ClaimNumber }
func (p *Payment) reference() string { return cmp.Or(p.PaymentReference, p.ClientReferenceID) }

// submit makes the job of a Submit method.
func submit[T any, P rowOf[T]](c *Client, route *transport.Route, operation string, kind objectKind, rows iter.Seq2[Row[T], error], o SubmitOptions) *Job {
	return &Job{sum: Summary{Name: o.Name}, run: func(ctx context.Context, j *Job, out output) {
		s := &submission{c: c, route: route, operation: operation, kind: kind, o: o, job: j, out: out}
		if err := s.prepare(rows != nil); err != nil {
			out.err(err)
			return
		}
		if err := s.claimIt(ctx); err != nil {
			out.err(err)
			return
		}
		ctx, cancel := context.WithCancel(ctx)
		ctx = s.start(ctx)
		defer s.end(cancel)
		read[T, P](ctx, s, rows)
		s.finish(ctx)
	}}
}

// submission is the state of a running job. Only the goroutine that ranges
// uses it; the senders get batches and return them with their result.
type submission struct {
	c         *Client
	route     *transport.Route
	operation string
	kind      objectKind
	o         SubmitOptions
	job       *Job
	out       output
	claim     *ledger.Claim // nil without a ledger
	unbind    context.CancelFunc

	// What is around the rows of every batch; the hash in the reference is
	// filled in last.
	prefix, suffix []byte
	hashAt         int

	read int64   // rows of the source so far
	cur  *batch  // the one that is being filled; nil between two
	e    encoder // its body so far

	work    chan *batch
	results chan *batch
	flying  int
	ring    []*batch // of Results, in the order of the source: not yielded yet
	spare   [][]byte
	noted   [][]rowInfo // to be used again
	stopped bool        // no more rows are read
	err     error       // of Results: why
	left    bool        // the consumer has left the loop
}

// prepare checks the options and makes what all batches have in common.
func (s *submission) prepare(source bool) error {
	f := s.o.check(source, s.kind)
	for _, m := range s.kind.object().Members {
		if s.o.Extra.replaces(m.Name) {
			f.Add("Extra", "may rename "+m.Name+", not replace it")
		}
	}
	reference := s.o.Name + "/" + string(bytes.Repeat([]byte{'0'}, hashInReference))
	w := s.e.open(s.kind.object(), s.o.Extra)
	if w.key(mBatchReferenceID) {
		s.e.b = appendString(s.e.b, reference)
	}
	if w.key(mBatchItems) {
		s.e.b = append(s.e.b, '[')
	}
	head := len(s.e.b)
	s.e.b = append(s.e.b, ']')
	w.close()
	if s.e.err != nil {
		f.Add("Extra", s.e.err.Error())
	}
	if err := f.Err(service, s.operation); err != nil {
		return err
	}
	s.prefix, s.suffix = bytes.Clone(s.e.b[:head]), bytes.Clone(s.e.b[head:])
	s.hashAt = bytes.Index(s.prefix, []byte(reference)) + len(s.o.Name) + 1
	return nil
}

// claimIt claims the job, if there is a ledger.
func (s *submission) claimIt(ctx context.Context) error {
	if s.o.Ledger == nil {
		return nil
	}
	claim, err := s.c.claimJob(ctx, s.o.Ledger, s.route.Operation, s.o.Name, s.o.WaitClaimed)
	if err != nil {
		return s.claimFailed(err)
	}
	claim.Note(func(e *ccr.LedgerEntry) { e.Attributes[ledger.AttrProgress] = s.job.Summary().progress() })
	s.claim = claim
	return nil
}

func (s *Summary) progress() string {
	return fmt.Sprintf("%d rows read, %d accepted, %d not", s.Rows, s.Accepted, s.Rejected+s.Unknown+s.NotSent)
}

// start begins the senders. The context it returns ends before the claim does.
func (s *submission) start(ctx context.Context) context.Context {
	if s.claim != nil {
		ctx, s.unbind = s.claim.Context(ctx)
	}
	s.work, s.results = make(chan *batch), make(chan *batch, s.o.Concurrency)
	for range s.o.Concurrency {
		go func() {
			for b := range s.work {
				s.send(ctx, b)
				s.results <- b
			}
		}()
	}
	return ctx
}

// read reads the source to its end, or to where the job stops.
func read[T any, P rowOf[T]](ctx context.Context, s *submission, rows iter.Seq2[Row[T], error]) {
	var f ccr.Faults
	v := validator{f: &f, list: s.kind.object().Members[mBatchItems].Name}
	var current T // one for all rows: its address is taken
	p := P(&current)
	for row, err := range rows {
		if err != nil && !errors.Is(err, ccr.ErrInvalid) {
			s.stop(nil, s.failure(err, "The source of the rows failed. Rows before it are sent or counted as not sent"))
			return
		}
		current = row.Value
		s.open(ctx, rowInfo{reference: p.reference(), line: row.Line, file: row.File})
		switch {
		case s.stopped: // the ledger cannot be read
			s.cur.receipt.Rows++
			return
		case err != nil:
			s.invalid(err)
		default:
			v.index = int(s.read - 1)
			p.validate(&v)
			messages := p.messages()
			if messages && s.o.Ledger == nil {
				v.fault(sendInstantMessages, "needs SubmitOptions.Ledger: without one a rerun would message people again")
			}
			if f.Len() > 0 {
				s.invalid(f.Err(service, s.operation))
				f = ccr.Faults{}
			} else {
				s.add(ctx, p, messages)
			}
		}
		s.between(ctx)
		if s.stopped {
			return
		}
	}
}

// between does what is due after each row.
func (s *submission) between(ctx context.Context) {
	if !s.stopped && s.cur != nil {
		if at := s.cur.until; s.read == at || at == 0 && s.read%int64(s.o.MaxRows) == 0 {
			s.flush(ctx, s.read)
		}
	}
	for !s.stopped && len(s.results) > 0 {
		s.take(<-s.results)
	}
	if !s.stopped && ctx.Err() != nil {
		s.cancelled(ctx)
	}
}

// invalid handles the row that was read last, which cannot be sent.
func (s *submission) invalid(err error) {
	s.count(func(sum *Summary) { sum.count(1, SentInvalid) })
	s.cur.receipt.Skipped = append(s.cur.receipt.Skipped, s.read)
	if s.out.rows != nil {
		info := &s.cur.rows[len(s.cur.rows)-1]
		info.err = err
		if e, ok := errors.AsType[*ccr.Error](err); ok {
			info.faults = e.Fields
		}
	}
	if !s.o.SkipInvalid {
		s.stopped, s.err = true, err
	}
	if s.out.batches != nil {
		s.notify(&Receipt{Operation: s.route.Operation, FirstRow: s.read, LastRow: s.read, Rows: 1}, err)
	}
}

// finish sends the last batch, waits for the responses and yields what is left.
func (s *submission) finish(ctx context.Context) {
	if !s.stopped && ctx.Err() != nil {
		s.cancelled(ctx)
	}
	if !s.stopped {
		s.flush(ctx, s.read)
	}
	for s.flying > 0 && !s.left {
		s.take(<-s.results)
	}
	s.abandon()
	sum := s.count(func(sum *Summary) { sum.Complete = !s.stopped && sum.Accepted == sum.Rows })
	s.progress(sum, true)
	if s.out.rows != nil && s.err != nil && !s.left {
		s.left = !s.out.rows(RowResult{}, s.err)
	}
}

// abandon counts the batch that was being filled as not sent.
func (s *submission) abandon() {
	b := s.cur
	if s.cur = nil; b == nil {
		return
	}
	b.receipt.LastRow = s.read
	b.err = s.unsent()
	s.enqueue(b)
	s.done(b, false)
}

// end ends the senders and the claim and counts what is left, however the job
// ended.
func (s *submission) end(cancel context.CancelFunc) {
	s.left = true // nothing can be yielded any more
	cancel()
	close(s.work)
	for s.flying > 0 {
		s.take(<-s.results)
	}
	s.abandon()
	if s.claim == nil {
		return
	}
	s.unbind()
	sum := s.job.Summary()
	err := s.claim.Release(context.Background(), func(e *ccr.LedgerEntry) {
		if sum.Complete {
			e.State = ccr.StateSent
		}
		e.Attributes[ledger.AttrProgress] = sum.progress()
	})
	if err != nil {
		s.c.t.Logger().Warn("the job's claim could not be released; it ends by itself", "service", service, "job", s.o.Name, "error", err)
	}
}

func (s *submission) cancelled(ctx context.Context) {
	if errors.Is(context.Cause(ctx), ledger.ErrLost) {
		s.stop(nil, s.lost(ctx))
		return
	}
	s.stop(nil, s.failure(context.Cause(ctx), "Rows that were not sent yet are left over; rerun the job with its ledger"))
}

// failure is an error of the job itself, when nothing was sent.
func (s *submission) failure(err error, advice string) *ccr.Error {
	return &ccr.Error{Service: service, Operation: s.operation, Outcome: ccr.OutcomeNotSent, Err: err, Advice: advice}
}

// unsent is why a batch is left over.
func (s *submission) unsent() error {
	if s.err != nil && errors.Is(s.err, ccr.ErrClaimed) {
		return s.err
	}
	return s.failure(errors.New("the job stopped before"), "")
}

// count updates the summary.
func (s *submission) count(f func(*Summary)) Summary {
	return s.job.update(func(sum *Summary) {
		sum.Rows = s.read
		f(sum)
	})
}

// notify yields a receipt, unless the consumer has left.
func (s *submission) notify(r *Receipt, err error) {
	if s.out.batches != nil && !s.left && !s.out.batches(r, err) {
		s.left, s.stopped = true, true
	}
}

// stop ends the reading, and yields why.
func (s *submission) stop(r *Receipt, err error) {
	s.stopped = true
	if s.err == nil {
		s.err = err
	}
	s.notify(r, err)
}

// progress calls SubmitOptions.Progress.
func (s *submission) progress(sum Summary, done bool) {
	if s.o.Progress != nil && !s.left {
		s.o.Progress(ccr.Progress{
			Operation: s.operation, Name: s.o.Name, Bytes: sum.Bytes, Items: sum.Accepted + sum.Rejected + sum.Unknown + sum.NotSent, Done: done,
		})
	}
}
