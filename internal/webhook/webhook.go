// Package webhook is the one core of the services' webhook handlers: it checks
// a delivery, remembers it, has it stored, answers, and does the work
// afterwards.
//
//	authorize → read the body → parse → a place in the queue → claim in the
//	ledger → Store → 2xx ┄┄ work: Handle → recorded in the ledger → Ended
//
// It fails closed: what cannot be checked, remembered or stored is not
// accepted. A delivery that was handled before, or was accepted by this handler
// and is at work, is answered 2xx and not handled again. One that another
// receiver holds is 503: whether that one has answered, or died before, is not
// known, and a 2xx would lose the event. One whose handling failed is handled
// when it is delivered again.
package webhook

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"runtime/debug"
	"sync"
	"time"

	"github.com/ccr-sdk/ccr"
	"github.com/ccr-sdk/ccr/internal/ledger"
)

// What a source's functions return. Any other error means that the delivery
// could not be checked, because a secret cannot be read.
var (
	ErrUnauthorized = errors.New("wrong or no credential")
	ErrMalformed    = errors.New("not what the vendor sends")
)

// Source is what a service knows of its vendor's deliveries.
type Source[E any] struct {
	Service  string
	Accepted int // the 2xx that its vendor expects
	// Authorize checks a request before its body is read; nil: Parse does.
	Authorize func(r *http.Request) error
	// Parse reads a delivery, and checks it.
	Parse func(r *http.Request, body []byte) (E, error)
	// Key tells deliveries apart. The ledger holds its hash.
	Key func(e E) []string
	// Attrs name the event in logs; they hold no data of it.
	Attrs func(e E) []slog.Attr
	// Ended, if set, is called after Handle, for a minute at most.
	Ended func(ctx context.Context, e E, err error) error
}

// Config is what the services' configurations have in common. Zero fields have
// the defaults that [New] fills in.
type Config[E any] struct {
	Handle      func(ctx context.Context, e E) error
	Store       func(ctx context.Context, e E) error
	Failed      func(e E, err error)
	Ledger      ccr.Ledger
	Environment string
	Workers     int
	Queue       int
	Timeout     time.Duration
	ReadTimeout time.Duration
	MaxBody     int64
	Logger      *slog.Logger
}

// The defaults of both services.
const (
	defaultWorkers     = 8
	defaultQueue       = 256
	defaultTimeout     = 5 * time.Minute
	defaultReadTimeout = 10 * time.Second
	defaultMaxBody     = 1 << 20
	defaultRemembered  = 4096             // events, without a ledger
	acceptTimeout      = 30 * time.Second // of claim and Store together
	endedTimeout       = time.Minute
)

// Handler is an http.Handler for one vendor's deliveries.
type Handler[E any] struct {
	src     Source[E]
	cfg     Config[E]
	book    *ledger.Book
	ctx     context.Context // ends when Close gives up
	stop    context.CancelFunc
	workers chan struct{}

	mu      sync.Mutex
	closed  bool
	waiting int             // accepted or about to be, and not done
	active  map[string]bool // keys of what was accepted and is not done
	idle    chan struct{}
}

// New makes a handler. The faults of cfg are added to f, by their field.
func New[E any](src Source[E], cfg Config[E], f *ccr.Faults) *Handler[E] {
	if cfg.Handle == nil {
		f.Add("Handle", "is required")
	}
	for _, n := range []struct {
		name string
		bad  bool
	}{
		{"Workers", cfg.Workers < 0}, {"Queue", cfg.Queue < 0}, {"Timeout", cfg.Timeout < 0},
		{"ReadTimeout", cfg.ReadTimeout < 0}, {"MaxBody", cfg.MaxBody < 0},
	} {
		if n.bad {
			f.Add(n.name, "must not be negative")
		}
	}
	cfg.Workers, cfg.Queue = cmp.Or(cfg.Workers, defaultWorkers), cmp.Or(cfg.Queue, defaultQueue)
	cfg.Timeout, cfg.ReadTimeout = cmp.Or(cfg.Timeout, defaultTimeout), cmp.Or(cfg.ReadTimeout, defaultReadTimeout)
	cfg.MaxBody = cmp.Or(cfg.MaxBody, defaultMaxBody)
	if cfg.Logger == nil {
		cfg.Logger = slog.New(slog.DiscardHandler)
	}
	if cfg.Ledger == nil {
		cfg.Ledger = &recent{entries: map[string]ccr.LedgerEntry{}, ring: make([]string, defaultRemembered+max(cfg.Workers+cfg.Queue, 0))}
	}
	h := &Handler[E]{src: src, cfg: cfg, book: ledger.New(cfg.Ledger, ccr.LeasePolicy{}), workers: make(chan struct{}, max(cfg.Workers, 0)), idle: make(chan struct{}), active: map[string]bool{}}
	h.ctx, h.stop = context.WithCancel(context.Background())
	return h
}

// ServeHTTP accepts or refuses a delivery.
func (h *Handler[E]) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	status, cause := h.receive(w, r)
	switch status {
	case h.src.Accepted:
		w.WriteHeader(status)
		return
	case http.StatusUnauthorized:
		w.Header().Set("WWW-Authenticate", "Bearer")
	case http.StatusMethodNotAllowed:
		w.Header().Set("Allow", http.MethodPost)
	case http.StatusServiceUnavailable:
		w.Header().Set("Retry-After", "30")
	}
	http.Error(w, http.StatusText(status), status)
	h.log(r.Context(), slog.LevelWarn, "webhook refused", slog.Int("status", status), slog.String("reason", cause))
}

// receive returns the status to answer, and why.
func (h *Handler[E]) receive(w http.ResponseWriter, r *http.Request) (status int, cause string) {
	if r.Method != http.MethodPost {
		return http.StatusMethodNotAllowed, "not a POST"
	}
	if h.src.Authorize != nil {
		if err := h.src.Authorize(r); err != nil {
			return refusal(err)
		}
	}
	body, status := readBody(w, r, h.cfg.MaxBody, h.cfg.ReadTimeout)
	if status != 0 {
		return status, "body"
	}
	e, err := h.src.Parse(r, body)
	if err != nil {
		return refusal(err)
	}
	// A place in the queue comes first: an event that was claimed and then
	// refused would be a duplicate when it comes again.
	if !h.enter() {
		return http.StatusServiceUnavailable, "the queue is full, or closing"
	}
	ctx := context.WithoutCancel(r.Context()) // keeps trace ids, outlives the request
	status, cause = h.accept(ctx, e)
	if cause != "" || status != h.src.Accepted {
		h.leave()
	}
	if cause == seenBefore {
		h.log(ctx, slog.LevelDebug, "event seen before", h.src.Attrs(e)...)
	}
	return status, cause
}

const seenBefore = "seen before"

// accept makes an event this handler's and begins its work; the cause is empty
// then. It goes on if the vendor has hung up: what is claimed must not be
// neither handled nor free.
func (h *Handler[E]) accept(ctx context.Context, e E) (status int, cause string) {
	key := ledger.Key(ledger.KindEvent, h.src.Service, h.cfg.Environment, h.src.Key(e)...)
	early, cancel := context.WithTimeout(ctx, acceptTimeout)
	defer cancel()
	claim, err := h.claim(early, key)
	switch {
	case errors.Is(err, errSeen), errors.Is(err, ccr.ErrClaimed) && h.atWork(key):
		return h.src.Accepted, seenBefore
	case errors.Is(err, ccr.ErrClaimed):
		return http.StatusServiceUnavailable, "another receiver holds the event"
	case err != nil:
		return http.StatusServiceUnavailable, "the ledger failed"
	}
	if err := h.store(early, e); err != nil {
		h.end(ctx, claim, ccr.StateRefused)
		h.log(ctx, slog.LevelError, "event not stored", append(h.src.Attrs(e), slog.String("error", safeLine(err)))...)
		return http.StatusServiceUnavailable, "Store failed"
	}
	h.mu.Lock()
	h.active[key] = true
	h.mu.Unlock()
	go h.work(ctx, e, key, claim)
	return h.src.Accepted, ""
}

// atWork reports whether this handler has accepted the event and not ended it.
func (h *Handler[E]) atWork(key string) bool {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.active[key]
}

func refusal(err error) (status int, cause string) {
	switch {
	case errors.Is(err, ErrUnauthorized):
		return http.StatusUnauthorized, ErrUnauthorized.Error()
	case errors.Is(err, ErrMalformed):
		return http.StatusBadRequest, ErrMalformed.Error()
	}
	return http.StatusServiceUnavailable, "a secret cannot be read"
}

// enter takes a place in the queue.
func (h *Handler[E]) enter() bool {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.closed || h.waiting >= h.cfg.Workers+h.cfg.Queue {
		return false
	}
	h.waiting++
	return true
}

func (h *Handler[E]) leave() {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.waiting--
	if h.closed && h.waiting == 0 {
		close(h.idle)
	}
}

var (
	errSeen   = errors.New("seen before")
	errClosed = errors.New("the event was accepted and not handled: the receiver was closed")
)

// claim notes an event as being at work. One that another worker died over is
// handled again: rather twice than never.
func (h *Handler[E]) claim(ctx context.Context, key string) (*ledger.Claim, error) {
	return h.book.Acquire(ctx, key, "the event", func(found ccr.LedgerEntry, _ bool) (ccr.LedgerEntry, error) {
		if found.State == ccr.StateDelivered {
			return found, errSeen
		}
		found.State, found.Service, found.Environment = ccr.StateIntent, h.src.Service, h.cfg.Environment
		return found, nil
	})
}

// end records what became of an event.
func (h *Handler[E]) end(ctx context.Context, claim *ledger.Claim, state string) {
	if err := claim.Record(ctx, func(e *ccr.LedgerEntry) { e.State = state }); err != nil {
		h.log(ctx, slog.LevelWarn, "the end of an event is not in the ledger", slog.String("error", safeLine(err)))
	}
}

func (h *Handler[E]) store(ctx context.Context, e E) (err error) {
	if h.cfg.Store == nil {
		return nil
	}
	defer recovered(&err)
	return h.cfg.Store(ctx, e)
}

// work handles one event in its own time.
func (h *Handler[E]) work(ctx context.Context, e E, key string, claim *ledger.Claim) {
	defer h.leave()
	defer func() {
		h.mu.Lock()
		delete(h.active, key)
		h.mu.Unlock()
	}()
	select {
	case h.workers <- struct{}{}:
		defer func() { <-h.workers }()
	case <-h.ctx.Done():
		h.end(ctx, claim, ccr.StateRefused)
		h.failed(ctx, e, errClosed)
		return
	}
	err := h.handle(ctx, e, claim)
	state := ccr.StateDelivered
	if err != nil {
		state = ccr.StateRefused // handled again if it is delivered again
		h.failed(ctx, e, err)
	}
	h.end(ctx, claim, state)
	if h.src.Ended == nil {
		return
	}
	// What became of the event is reported even if its own time is over.
	late, cancel := context.WithTimeout(context.WithoutCancel(ctx), endedTimeout)
	defer cancel()
	if err := h.src.Ended(late, e, err); err != nil {
		h.log(ctx, slog.LevelWarn, "event status not reported", append(h.src.Attrs(e), slog.String("error", safeLine(err)))...)
	}
}

// handle calls the user's function, for as long as Timeout, the claim and
// Close allow.
func (h *Handler[E]) handle(ctx context.Context, e E, claim *ledger.Claim) (err error) {
	ctx, cancel := context.WithTimeout(ctx, h.cfg.Timeout)
	defer cancel()
	ctx, release := claim.Context(ctx)
	defer release()
	defer context.AfterFunc(h.ctx, cancel)() //nolint:contextcheck // Close ends what is at work
	defer recovered(&err)
	return h.cfg.Handle(ctx, e)
}

func (h *Handler[E]) failed(ctx context.Context, e E, err error) {
	if h.cfg.Failed != nil {
		defer recovered(new(error))
		h.cfg.Failed(e, err)
		return
	}
	h.log(ctx, slog.LevelError, "event not handled", append(h.src.Attrs(e), slog.String("error", safeLine(err)))...)
}

// Close accepts no more events and waits until those that were accepted have
// been handled. If ctx ends first, the contexts of the Handle calls end and
// Close returns an error with the number of events that were not finished.
func (h *Handler[E]) Close(ctx context.Context) error {
	h.mu.Lock()
	if !h.closed {
		h.closed = true
		if h.waiting == 0 {
			close(h.idle)
		}
	}
	h.mu.Unlock()
	defer h.stop()
	select {
	case <-h.idle:
		return nil
	case <-ctx.Done():
	}
	h.mu.Lock()
	left := h.waiting
	h.mu.Unlock()
	return fmt.Errorf("%s: %d events were not finished: %w", h.src.Service, left, context.Cause(ctx))
}

func (h *Handler[E]) log(ctx context.Context, level slog.Level, msg string, attrs ...slog.Attr) {
	h.cfg.Logger.LogAttrs(ctx, level, msg, append([]slog.Attr{slog.String("service", h.src.Service)}, attrs...)...)
}

// panicError is a panic of the user's function. Its value may hold personal
// data; the place is what helps.
type panicError struct {
	kind  string
	stack []byte
}

func (e *panicError) Error() string {
	return "the function panicked (" + e.kind + ")\n" + string(e.stack)
}

func recovered(err *error) {
	if p := recover(); p != nil {
		*err = &panicError{fmt.Sprintf("%T", p), debug.Stack()}
	}
}

// safeLine is the text of our own errors; of others only the type is logged,
// since their text may quote what the event led to.
func safeLine(err error) string {
	if e, ok := errors.AsType[*ccr.Error](err); ok {
		return e.Error()
	}
	if e, ok := errors.AsType[*panicError](err); ok {
		return e.Error()
	}
	if errors.Is(err, errClosed) {
		return errClosed.Error()
	}
	return fmt.Sprintf("%T", err)
}
