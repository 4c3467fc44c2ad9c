package accounts

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"io"
	"iter"
	"strconv"
	"sync/atomic"
	"time"

	"github.com/ccr-sdk/ccr"
	"github.com/ccr-sdk/ccr/internal/transport"
)

const (
	defaultMaxRows     = 10_000
	defaultMaxBytes    = 4_000_000
	defaultConcurrency = 2
	maxJobName         = 110
	hashInReference    = 32 // hex digits
	// resultTimeout bounds noting a result after the context has ended.
	resultTimeout = 30 * time.Second
)

// rowOf is what a job needs of a row.
type rowOf[T any] interface {
	*T
	encode(*encoder)
	validate(*validator)
	messages() bool
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

// submit makes the job of a Submit method.
func submit[T any, P rowOf[T]](c *Client, route *transport.Route, operation string, kind objectKind, rows iter.Seq2[Row[T], error], o SubmitOptions) *Job {
	return &Job{sum: Summary{Name: o.Name}, run: func(ctx context.Context, j *Job, yield func(Receipt, error) bool) {
		s := &submission{c: c, route: route, operation: operation, kind: kind, o: o, job: j, yield: yield}
		if err := s.prepare(rows != nil); err != nil {
			yield(Receipt{}, err)
			return
		}
		ctx, cancel := context.WithCancel(ctx)
		s.start(ctx)
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
	yield     func(Receipt, error) bool

	// What is around the rows of every batch; the hash in the reference is
	// filled in last.
	prefix, suffix []byte
	hashAt         int

	read int64 // rows of the source so far

	// The batch that is being filled.
	e        encoder
	rows     int
	firstRow int64
	messages bool // one of its rows may message a person

	work    chan *batch
	results chan *batch
	flying  int
	spare   [][]byte
	stopped bool // no more rows are read
	left    bool // the consumer has left the loop
}

// batch is one request of a job.
type batch struct {
	body     []byte
	readers  atomic.Int32 // of body that are open
	messages bool
	resumed  bool // an earlier run may have sent it
	entry    JournalEntry
	receipt  Receipt
	err      error
	noted    error // why the result could not be noted
}

// prepare checks the options and makes what all batches have in common.
func (s *submission) prepare(source bool) error {
	o := &s.o
	var f ccr.Faults
	if !source {
		f.Add("rows", "is required")
	}
	if o.Name == "" || len(o.Name) > maxJobName || ccr.SafeToken(o.Name) == "" {
		f.Add("Name", "must be 1 to 110 letters, digits or _.:/-")
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
	for _, m := range s.kind.object().Members {
		if o.Extra.replaces(m.Name) {
			f.Add("Extra", "may rename "+m.Name+", not replace it")
		}
	}
	setDefault(&o.MaxRows, defaultMaxRows)
	setDefault(&o.MaxBytes, defaultMaxBytes)
	setDefault(&o.Concurrency, defaultConcurrency)

	reference := o.Name + "/" + string(bytes.Repeat([]byte{'0'}, hashInReference))
	w := s.e.open(s.kind.object(), o.Extra)
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
	s.hashAt = bytes.Index(s.prefix, []byte(reference)) + len(o.Name) + 1
	return nil
}

func setDefault(v *int, def int) {
	if *v == 0 {
		*v = def
	}
}

// start begins the senders and the first batch.
func (s *submission) start(ctx context.Context) {
	s.work, s.results = make(chan *batch), make(chan *batch, s.o.Concurrency)
	for range s.o.Concurrency {
		go func() {
			for b := range s.work {
				s.send(ctx, b)
				s.results <- b
			}
		}()
	}
	s.e.b, s.firstRow = s.buffer(), 1
}

// read reads the source to its end, or to where the job stops.
func read[T any, P rowOf[T]](ctx context.Context, s *submission, rows iter.Seq2[Row[T], error]) {
	var f ccr.Faults
	v := validator{f: &f, list: s.kind.object().Members[mBatchItems].Name}
	var current T // one for all rows: its address is taken
	p := P(&current)
	for row, err := range rows {
		switch {
		case err == nil:
			s.read++
			v.index = int(s.read - 1)
			current = row.Value
			p.validate(&v)
			messages := p.messages()
			if messages && s.o.Journal == nil {
				v.fault("sendInstantMessages", "needs SubmitOptions.Journal: without one a rerun would message people again")
			}
			if f.Len() > 0 {
				s.faulty(f.Err(service, s.operation))
				f = ccr.Faults{}
			} else {
				s.add(ctx, p, messages)
			}
		case errors.Is(err, ccr.ErrInvalid):
			s.read++
			s.faulty(err)
		default:
			s.stop(Receipt{}, s.failure(err, "The source of the rows failed; what it gave before is settled or counted as not sent"))
		}
		if !s.stopped && s.read%int64(s.o.MaxRows) == 0 {
			s.flush(ctx)
		}
		for !s.stopped && len(s.results) > 0 {
			s.take(<-s.results)
		}
		if !s.stopped && ctx.Err() != nil {
			s.cancelled(ctx)
		}
		if s.stopped {
			return
		}
	}
}

// finish sends the last batch and waits for the answers.
func (s *submission) finish(ctx context.Context) {
	if !s.stopped && ctx.Err() != nil {
		s.cancelled(ctx)
	}
	if !s.stopped {
		s.flush(ctx)
	}
	for s.flying > 0 && !s.left {
		s.take(<-s.results)
	}
	s.count(func(sum *Summary) { sum.Complete = !s.stopped })
}

// end ends the senders and counts what is left, however the job ended.
func (s *submission) end(cancel context.CancelFunc) {
	s.left = true // nothing can be yielded any more
	cancel()
	close(s.work)
	for s.flying > 0 {
		s.take(<-s.results)
	}
	s.count(func(sum *Summary) { sum.NotSent += int64(s.rows) })
}

func (s *submission) cancelled(ctx context.Context) {
	s.stop(Receipt{}, s.failure(context.Cause(ctx), "Rows that were not sent yet are left over; rerun the job with its journal"))
}

// failure is an error of the job itself, when nothing was sent.
func (s *submission) failure(err error, advice string) *ccr.Error {
	return &ccr.Error{Service: service, Operation: s.operation, Outcome: ccr.OutcomeNotSent, Err: err, Advice: advice}
}

// count updates the summary.
func (s *submission) count(f func(*Summary)) Summary {
	return s.job.update(func(sum *Summary) {
		sum.Rows = s.read
		f(sum)
	})
}

// tell yields, unless the consumer has left.
func (s *submission) tell(r Receipt, err error) {
	if !s.left && !s.yield(r, err) {
		s.left, s.stopped = true, true
	}
}

// stop ends the reading and yields why.
func (s *submission) stop(r Receipt, err error) {
	s.stopped = true
	s.tell(r, err)
}

// faulty handles a row that cannot be sent.
func (s *submission) faulty(err error) {
	s.count(func(sum *Summary) {
		sum.NotSent++
		sum.Invalid++
	})
	s.stopped = s.stopped || !s.o.SkipInvalid
	s.tell(Receipt{Operation: s.operation, FirstRow: s.read, Rows: 1}, err)
}

// add encodes a row into the batch, cutting it first if the row does not fit.
func (s *submission) add(ctx context.Context, row interface{ encode(*encoder) }, messages bool) {
	end := len(s.e.b)
	if s.rows > 0 {
		s.e.b = append(s.e.b, ',')
	}
	begin := len(s.e.b)
	row.encode(&s.e)
	if size := len(s.prefix) + len(s.e.b) - begin + len(s.suffix); size > MaxBatchBytes {
		s.e.b = s.e.b[:end]
		var f ccr.Faults
		f.Addf(s.kind.object().Members[mBatchItems].Name+"["+strconv.FormatInt(s.read-1, 10)+"]", "encodes to more than %d bytes", MaxBatchBytes)
		s.faulty(f.Err(service, s.operation))
		return
	}
	if s.rows > 0 && len(s.e.b)+len(s.suffix) > s.o.MaxBytes {
		next := append(s.buffer(), s.e.b[begin:]...)
		full := s.e.b[:end]
		s.e.b = next
		s.dispatch(ctx, full)
		s.rows, s.firstRow, s.messages = 0, s.read, false
	}
	s.rows++
	s.messages = s.messages || messages
}

// flush sends what there is; the next batch begins at the next row.
func (s *submission) flush(ctx context.Context) {
	if s.rows > 0 {
		full := s.e.b
		s.e.b = s.buffer()
		s.dispatch(ctx, full)
	}
	s.rows, s.firstRow, s.messages = 0, s.read+1, false
}

// buffer returns a buffer that begins a batch.
func (s *submission) buffer() []byte {
	var b []byte
	if n := len(s.spare); n > 0 {
		b, s.spare = s.spare[n-1][:0], s.spare[:n-1]
	}
	return append(b, s.prefix...)
}

// dispatch completes a batch of the current rows and hands it to a sender.
// The intent is noted here, in the order of the rows, so that a later run can
// tell by the first batch that differs whether its source is the same.
func (s *submission) dispatch(ctx context.Context, body []byte) {
	body = append(body, s.suffix...)
	h := sha256.New()
	io.WriteString(h, "ccr-batch-1\n"+s.operation+"\n"+strconv.FormatInt(s.firstRow, 10)+"\n") //nolint:errcheck // a hash takes everything
	h.Write(body)                                                                              //nolint:errcheck // likewise
	sum := hex.EncodeToString(h.Sum(nil))
	copy(body[s.hashAt:], sum[:hashInReference])
	b := &batch{body: body, messages: s.messages, entry: JournalEntry{
		Job: s.c.t.Environment() + "/" + s.operation + "/" + s.o.Name, FirstRow: s.firstRow,
		Rows: s.rows, Bytes: int64(len(body)), SHA256: sum, Reference: s.o.Name + "/" + sum[:hashInReference],
	}}
	b.receipt = Receipt{Reference: b.entry.Reference, Operation: s.route.Operation, Rows: s.rows, FirstRow: s.firstRow}
	for s.flying >= s.o.Concurrency && !s.stopped {
		s.take(<-s.results)
	}
	if s.stopped || ctx.Err() != nil { // stopped while waiting: never sent
		s.count(func(sum *Summary) { sum.NotSent += int64(b.entry.Rows) })
		return
	}
	send, err := s.intend(ctx, b)
	if err != nil {
		sum := s.count(func(sum *Summary) { b.settle(sum, err) })
		s.progress(sum)
		s.stop(b.receipt, err)
		return
	}
	s.flying++
	if !send { // recorded as accepted
		s.take(b)
		return
	}
	s.c.inferred.note(ctx, s.c.t.Logger(), &s.e.used)
	s.work <- b
}

// take settles a batch that came back.
func (s *submission) take(b *batch) {
	s.flying--
	if b.readers.Load() == 0 { // else the connection still reads it: leave it to the collector
		s.spare = append(s.spare, b.body)
	}
	s.progress(s.count(func(sum *Summary) { b.settle(sum, b.err) }))
	if b.err != nil && !(s.o.ContinueOnRejected && refusesContent(b.err)) {
		s.stopped = true
	}
	s.tell(b.receipt, b.err)
	if b.noted != nil {
		s.stop(b.receipt, &ccr.Error{
			Service: service, Operation: s.operation, Err: b.noted,
			Advice: "The journal could not note what became of the batch; a rerun sends it again under its reference",
		})
	}
}

func (s *submission) progress(sum Summary) {
	if s.o.Progress != nil {
		s.o.Progress(sum)
	}
}

// settle counts a batch. One that an earlier run may have sent is unknown
// until Credit Clear says what it is.
func (b *batch) settle(sum *Summary, err error) {
	if err != nil && b.resumed && !refusesContent(err) {
		sum.Unknown += int64(b.entry.Rows)
		sum.Batches++
		return
	}
	sum.settle(b.receipt, err)
	if e, ok := errors.AsType[*ccr.Error](err); !b.receipt.Recorded && (err == nil || ok && e.Outcome != ccr.OutcomeNotSent) {
		sum.Bytes += b.entry.Bytes
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
	call := ccr.Call{CorrelationID: ccr.SafeToken(b.entry.Reference)}
	body := transport.Body{ContentType: transport.JSON, Length: int64(len(b.body)), Open: b.open}
	b.receipt, b.err = s.c.send(ctx, s.route, body, call, b.receipt, sending{ours: true, messages: b.messages})
	b.noted = s.note(ctx, b)
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

// intend notes that a batch is about to be sent; false if the journal knows
// that it was accepted.
func (s *submission) intend(ctx context.Context, b *batch) (send bool, err error) {
	j := s.o.Journal
	if j == nil {
		return true, nil
	}
	prior, err := j.Load(ctx, b.entry.Job, b.entry.FirstRow)
	if err != nil && !errors.Is(err, ccr.ErrNoEntry) {
		return false, s.failure(err, "The journal cannot be read; the batch was not sent")
	}
	sentBefore := prior.State == JournalAccepted || prior.State == JournalIntent
	if prior.SHA256 == b.entry.SHA256 {
		switch prior.State {
		case JournalAccepted:
			b.entry = prior
			b.receipt.Recorded, b.receipt.PresumedAccepted = true, prior.Presumed
			b.receipt.StatusURL, b.receipt.RequestID, b.receipt.AcceptedAt = prior.StatusURL, prior.RequestID, prior.At
			return false, nil
		case JournalIntent:
			b.entry, b.resumed = prior, true
			return true, nil
		}
	} else if sentBefore && (s.kind == kindPaymentBatch || b.messages) {
		e := s.failure(errors.New("an earlier run of this job sent other content from this row on"),
			"Give new rows a job of their own; sending them here would report payments, or message people, twice")
		e.Classes = []error{ccr.ErrDuplicate}
		return false, e
	}
	b.entry.Version, b.entry.State, b.entry.At = prior.Version, JournalIntent, time.Now().UTC()
	if err := j.Store(ctx, b.entry); err != nil {
		advice := "The journal cannot be written; the batch was not sent"
		if errors.Is(err, ccr.ErrLedgerConflict) {
			advice = "Another run of this job is at work; let one finish"
		}
		return false, s.failure(err, advice)
	}
	b.entry.Version++
	return true, nil
}

// note notes what became of a batch, even when the context has ended. An
// outcome that is not known leaves the intent standing.
func (s *submission) note(ctx context.Context, b *batch) error {
	if s.o.Journal == nil {
		return nil
	}
	next := b.entry
	switch e, ok := errors.AsType[*ccr.Error](b.err); {
	case b.err == nil:
		next.State, next.StatusURL, next.RequestID, next.Presumed = JournalAccepted, b.receipt.StatusURL, b.receipt.RequestID, b.receipt.PresumedAccepted
	case refusesContent(b.err), ok && !b.resumed && e.Outcome != ccr.OutcomeUnknown:
		next.State = JournalRefused
	default:
		return nil
	}
	next.At = time.Now().UTC()
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), resultTimeout)
	defer cancel()
	err := s.o.Journal.Store(ctx, next)
	if errors.Is(err, ccr.ErrLedgerConflict) {
		// Another run of the job may have been faster to note the same.
		if now, lerr := s.o.Journal.Load(ctx, next.Job, next.FirstRow); lerr == nil && now.SHA256 == next.SHA256 && now.State == JournalAccepted {
			return nil
		}
	}
	return err
}
