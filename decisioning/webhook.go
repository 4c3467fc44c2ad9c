package decisioning

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"strconv"
	"sync"
	"time"

	"github.com/ccr-sdk/ccr"
)

// ErrUnknownEvent is what a Handle function returns for an event that it does
// not know: Algoan is told FAILED, as its own connectors do, not ERROR.
var ErrUnknownEvent = errors.New("decisioning: unknown event")

// EventUpdater tells Algoan what became of an event; a [*Client] does.
type EventUpdater interface {
	// UpdateEvent is as [Client.UpdateEvent]: it may be called by several
	// goroutines at once, and for an event more than once.
	UpdateEvent(ctx context.Context, subscriptionID, eventID string, status EventStatus, opts ...ccr.CallOption) error
}

// WebhookConfig configures a [WebhookHandler]. Secrets and Handle are required.
type WebhookConfig struct {
	// Secrets of the subscriptions. Any of them may have signed an event: put
	// the new one beside the old one while they change.
	Secrets []ccr.Secret
	// Handle is called for each event, known or not, after Algoan got its
	// answer. Its context lives until it returns, its time is over, or
	// [WebhookHandler.Close] gives up.
	Handle func(ctx context.Context, e Event) error
	// Events is told PROCESSED, ERROR or FAILED. nil: nobody is.
	Events EventUpdater
	// Deduplicate keeps an event that comes twice from being handled twice.
	// Default: [NewMemoryDeduplicator] of 4,096 events; several receivers need
	// a shared one.
	Deduplicate Deduplicator

	Workers int           // Handle calls at a time; default 8
	Queue   int           // events that were accepted and wait for a worker; default 256; one more is refused with 503
	Timeout time.Duration // of one Handle call; default 5 min
	MaxBody int64         // bytes of a delivery; default 1 MiB
	Logger  *slog.Logger  // default: discards
}

// WebhookHandler receives Algoan's events. It answers 204 as soon as the
// signature is found right, as Algoan's own receivers do, and works afterwards.
// It fails closed: without a secret, or with one that cannot be read, nothing
// is accepted. Answers: 204; 400 malformed; 401 signature missing or wrong; 405
// not a POST; 413 too large; 503 full, closed, or no secret could be read.
//
// How often and for how long Algoan delivers again is not documented. An event
// that was answered with 204 and lost in a crash may be gone: read the state
// that matters from the API after a restart.
type WebhookHandler struct {
	cfg     WebhookConfig
	ctx     context.Context // ends when Close gives up
	stop    context.CancelFunc
	workers chan struct{}

	mu      sync.Mutex
	closed  bool
	waiting int // accepted and not done
	idle    chan struct{}
}

// NewWebhookHandler makes a handler; all faults of cfg are reported at once.
func NewWebhookHandler(cfg WebhookConfig) (*WebhookHandler, error) {
	var f ccr.Faults
	if len(cfg.Secrets) == 0 {
		f.Add("Secrets", "is required: without one anybody could send events")
	}
	for i, s := range cfg.Secrets {
		if s.IsZero() {
			f.Add("Secrets["+strconv.Itoa(i)+"]", "is not set")
		}
	}
	if cfg.Handle == nil {
		f.Add("Handle", "is required")
	}
	if cfg.Workers < 0 || cfg.Queue < 0 || cfg.Timeout < 0 || cfg.MaxBody < 0 {
		f.Add("WebhookConfig", "has a negative number")
	}
	if err := f.Err(service, "NewWebhookHandler"); err != nil {
		return nil, err
	}
	setDefault(&cfg.Workers, 8)
	setDefault(&cfg.Queue, 256)
	setDefault(&cfg.Timeout, 5*time.Minute)
	setDefault(&cfg.MaxBody, 1<<20)
	if cfg.Deduplicate == nil {
		cfg.Deduplicate = NewMemoryDeduplicator(4096)
	}
	if cfg.Logger == nil {
		cfg.Logger = slog.New(slog.DiscardHandler)
	}
	h := &WebhookHandler{cfg: cfg, workers: make(chan struct{}, cfg.Workers), idle: make(chan struct{})}
	h.ctx, h.stop = context.WithCancel(context.Background())
	return h, nil
}

func setDefault[T comparable](v *T, def T) {
	var zero T
	if *v == zero {
		*v = def
	}
}

// ServeHTTP accepts or refuses a delivery.
func (h *WebhookHandler) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if status := h.receive(w, r); status != http.StatusNoContent {
		http.Error(w, http.StatusText(status), status)
		h.cfg.Logger.LogAttrs(r.Context(), slog.LevelWarn, "event refused", slog.String("service", service), slog.Int("status", status))
		return
	}
	w.WriteHeader(http.StatusNoContent)
}

func (h *WebhookHandler) receive(w http.ResponseWriter, r *http.Request) int {
	if r.Method != http.MethodPost {
		w.Header().Set("Allow", http.MethodPost)
		return http.StatusMethodNotAllowed
	}
	body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, h.cfg.MaxBody))
	if err != nil {
		if _, ok := errors.AsType[*http.MaxBytesError](err); ok {
			return http.StatusRequestEntityTooLarge
		}
		return http.StatusBadRequest
	}
	e, err := ParseEvent(body, r.Header.Get(SignatureHeader), h.cfg.Secrets...)
	switch {
	case errors.Is(err, ErrSignature):
		return http.StatusUnauthorized
	case errors.Is(err, ErrMalformedEvent):
		return http.StatusBadRequest
	case err != nil:
		h.cfg.Logger.LogAttrs(r.Context(), slog.LevelError, "a webhook secret cannot be read", slog.String("service", service))
		return http.StatusServiceUnavailable
	}
	if !h.accept() {
		w.Header().Set("Retry-After", "30")
		return http.StatusServiceUnavailable
	}
	ctx := context.WithoutCancel(r.Context()) // keeps trace ids, outlives the request
	go h.work(ctx, e)
	return http.StatusNoContent
}

// accept takes a place in the queue.
func (h *WebhookHandler) accept() bool {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.closed || h.waiting >= h.cfg.Workers+h.cfg.Queue {
		return false
	}
	h.waiting++
	return true
}

func (h *WebhookHandler) done() {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.waiting--
	if h.closed && h.waiting == 0 {
		close(h.idle)
	}
}

// Close accepts no more events and waits until those that were accepted have
// been handled. If ctx ends first, the contexts of the Handle calls end and
// Close returns an error with the number of events that were not finished.
func (h *WebhookHandler) Close(ctx context.Context) error {
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
	return fmt.Errorf("decisioning: %d events were not finished: %w", left, context.Cause(ctx))
}

// work handles one event in its own time.
func (h *WebhookHandler) work(ctx context.Context, e Event) {
	defer h.done()
	log := func(level slog.Level, msg string, attrs ...slog.Attr) {
		h.cfg.Logger.LogAttrs(ctx, level, msg, append([]slog.Attr{
			slog.String("service", service), slog.String("event", ccr.SafeToken(string(e.Name))),
			slog.String("subscription", ccr.SafeToken(e.SubscriptionID)), slog.String("id", ccr.SafeToken(e.ID)),
		}, attrs...)...)
	}
	select {
	case h.workers <- struct{}{}:
		defer func() { <-h.workers }()
	case <-h.ctx.Done():
		log(slog.LevelError, "event accepted but not handled: the receiver was closed")
		return
	}
	ctx, cancel := context.WithTimeout(ctx, h.cfg.Timeout)
	defer cancel()
	defer context.AfterFunc(h.ctx, cancel)() //nolint:contextcheck // Close ends what is at work
	key := e.key()
	first, err := h.cfg.Deduplicate.Begin(ctx, key)
	if err != nil { // rather twice than never
		log(slog.LevelWarn, "the deduplicator failed; the event is handled")
	} else if !first {
		log(slog.LevelDebug, "event seen before")
		return
	}
	err = h.handle(ctx, e)
	status := EventProcessed
	switch {
	case errors.Is(err, ErrUnknownEvent):
		status = EventFailed
		log(slog.LevelWarn, "event of an unknown name")
	case err != nil:
		status = EventError
		log(slog.LevelError, "event not handled", slog.String("error", safeLine(err)))
	}
	// What became of the event is told even if its own time is over.
	late, cancelLate := context.WithTimeout(context.WithoutCancel(ctx), time.Minute)
	defer cancelLate()
	if err := h.cfg.Deduplicate.End(late, key, status != EventError); err != nil {
		log(slog.LevelWarn, "the deduplicator did not note the end of an event")
	}
	if h.cfg.Events == nil || e.ID == "" || e.SubscriptionID == "" {
		return
	}
	if err := h.cfg.Events.UpdateEvent(late, e.SubscriptionID, e.ID, status); err != nil {
		log(slog.LevelWarn, "event status not reported", slog.String("error", safeLine(err)))
	}
}

var errPanicked = errors.New("decisioning: the Handle function panicked")

func (h *WebhookHandler) handle(ctx context.Context, e Event) (err error) {
	defer func() {
		if r := recover(); r != nil { // its text may hold anything
			err = errPanicked
		}
	}()
	return h.cfg.Handle(ctx, e)
}

// safeLine is the text of our own errors; of others only the type is logged,
// since their text may quote what the event led to.
func safeLine(err error) string {
	if e, ok := errors.AsType[*AnalysisError](err); ok {
		return e.Error()
	}
	if e, ok := errors.AsType[*ccr.Error](err); ok {
		return e.Error()
	}
	if errors.Is(err, errPanicked) {
		return err.Error()
	}
	return fmt.Sprintf("%T", err)
}

// key tells events apart. The payload is part of it, since the ids are not
// signed: with a forged id nobody can make the real event look seen.
func (e Event) key() string {
	sum := sha256.New()
	for _, part := range []string{string(e.Name), e.SubscriptionID, e.ID, strconv.FormatInt(e.Index, 10), string(e.Payload)} {
		fmt.Fprintf(sum, "%d:%s", len(part), part)
	}
	return hex.EncodeToString(sum.Sum(nil))
}

// Deduplicator remembers which events were handled. Keys are hashes; they hold
// nothing of the event.
type Deduplicator interface {
	// Begin reports whether an event shall be handled: false if it was, or is
	// being handled now. If Begin fails, the event is handled.
	Begin(ctx context.Context, key string) (first bool, err error)
	// End tells that the handling ended. If it failed, the event is handled
	// again when it is delivered again.
	End(ctx context.Context, key string, handled bool) error
}

// NewMemoryDeduplicator remembers the last events of one process, at most
// capacity of them (below 1: one).
func NewMemoryDeduplicator(capacity int) Deduplicator {
	return &memoryDeduplicator{seen: map[string]int{}, ring: make([]string, max(capacity, 1))}
}

type memoryDeduplicator struct {
	mu   sync.Mutex
	seen map[string]int // its place in the ring
	ring []string       // in order of arrival
	next int
}

func (m *memoryDeduplicator) Begin(_ context.Context, key string) (bool, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if _, ok := m.seen[key]; ok {
		return false, nil
	}
	if oldest := m.ring[m.next]; m.seen[oldest] == m.next { // not if it failed and came again
		delete(m.seen, oldest)
	}
	m.ring[m.next], m.seen[key] = key, m.next
	m.next = (m.next + 1) % len(m.ring)
	return true, nil
}

func (m *memoryDeduplicator) End(_ context.Context, key string, handled bool) error {
	if handled {
		return nil
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	delete(m.seen, key)
	return nil
}
