package accounts

import (
	"cmp"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"runtime/debug"
	"sync"
	"time"

	"github.com/ccr-sdk/ccr"
)

// WebhookConfig configures [NewWebhookHandler].
type WebhookConfig struct {
	// Auth is how Credit Clear authenticates; required. With several, one
	// suffices, so that a secret can be rotated.
	Auth []WebhookAuth
	// Handle does the work; required. It is called after the answer has gone
	// out, by up to Workers goroutines, in no particular order. Its context
	// has the values of the request's and lives on until Close gives up.
	Handle func(ctx context.Context, e Event) error
	// Claim, if set, is called before the answer: it reports whether the
	// event is new, by its key, and may store it. Credit Clear's retries are
	// not documented, so this is where duplicates are told apart, and where
	// an event is made to survive a crash. If it fails, the answer is 503 and
	// the event is not handled.
	Claim func(ctx context.Context, key string, e Event) (isNew bool, err error)
	// Key makes the key for Claim; default: SHA-256 of the body, in hex. No
	// event id is documented, and two events may well look the same: use
	// members of the body that tell them apart, if there are any.
	Key func(Event) string
	// Failed is told what Handle returned, or that it panicked; by default it
	// is logged. The vendor is not told: it has its answer.
	Failed func(e Event, err error)
	// MaxBody is the largest body in bytes; default 1 MiB.
	MaxBody int64
	// Workers is how many calls of Handle run at a time; default 4.
	Workers int
	// Queue is how many events may wait for a worker; default 1,000. Beyond
	// that the answer is 503 with Retry-After.
	Queue int
	// Logger gets refusals and failures, without bodies and secrets; default none.
	Logger *slog.Logger
}

// WebhookHandler receives Credit Clear's webhooks. It answers 200 as soon as
// an event is authenticated, read and claimed, and hands it to the caller's
// function afterwards. It fails closed: a request that cannot be checked is
// not let in.
//
//	401  wrong or no credential        413  body too large
//	400  not JSON                      405  not a POST
//	503  queue full, Claim failed, a secret could not be read, or closing
type WebhookHandler struct {
	s *webhookState
}

// webhookState is behind a pointer so that no printed form shows it.
type webhookState struct {
	cfg     WebhookConfig
	slots   chan struct{} // events that wait or run
	workers chan struct{}
	ctx     context.Context // ends when Close gives up
	cancel  context.CancelFunc

	mu      sync.Mutex
	closing bool
	wg      sync.WaitGroup
}

const (
	defaultWebhookBody    = 1 << 20
	defaultWebhookWorkers = 4
	defaultWebhookQueue   = 1000
)

// NewWebhookHandler makes a handler; close it with Close.
func NewWebhookHandler(cfg WebhookConfig) (*WebhookHandler, error) {
	var f ccr.Faults
	if len(cfg.Auth) == 0 {
		f.Add("Auth", "is required: a webhook without authentication is open to everybody")
	}
	for i, a := range cfg.Auth {
		if a.check == nil {
			f.Add(fmt.Sprintf("Auth[%d]", i), "is not complete: it lacks a user, a secret or an endpoint")
		}
	}
	if cfg.Handle == nil {
		f.Add("Handle", "is required")
	}
	if cfg.MaxBody < 0 || cfg.Workers < 0 || cfg.Queue < 0 {
		f.Add("MaxBody, Workers, Queue", "must not be negative")
	}
	if err := f.Err(service, "NewWebhookHandler"); err != nil {
		return nil, err
	}
	if cfg.MaxBody == 0 {
		cfg.MaxBody = defaultWebhookBody
	}
	cfg.Workers, cfg.Queue = cmp.Or(cfg.Workers, defaultWebhookWorkers), cmp.Or(cfg.Queue, defaultWebhookQueue)
	if cfg.Logger == nil {
		cfg.Logger = slog.New(slog.DiscardHandler)
	}
	if cfg.Key == nil {
		cfg.Key = func(e Event) string {
			sum := sha256.Sum256(e.Raw)
			return hex.EncodeToString(sum[:])
		}
	}
	if cfg.Failed == nil {
		cfg.Failed = func(e Event, err error) {
			cfg.Logger.Error("webhook event failed", slog.String("event", ccr.SafeToken(string(e.Type))), slog.String("error", err.Error()))
		}
	}
	s := &webhookState{cfg: cfg, slots: make(chan struct{}, cfg.Queue+cfg.Workers), workers: make(chan struct{}, cfg.Workers)}
	s.ctx, s.cancel = context.WithCancel(context.Background())
	return &WebhookHandler{s}, nil
}

// ServeHTTP takes one event.
func (h *WebhookHandler) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	status := h.s.take(w, r)
	switch status {
	case http.StatusUnauthorized:
		w.Header().Set("WWW-Authenticate", "Bearer")
	case http.StatusMethodNotAllowed:
		w.Header().Set("Allow", http.MethodPost)
	case http.StatusServiceUnavailable:
		w.Header().Set("Retry-After", "10")
	}
	if status != http.StatusOK {
		h.s.cfg.Logger.LogAttrs(r.Context(), slog.LevelWarn, "webhook refused", slog.Int("status", status))
	}
	w.WriteHeader(status)
}

// take returns the status to answer.
func (s *webhookState) take(w http.ResponseWriter, r *http.Request) int {
	ok, err := authorized(r, s.cfg.Auth)
	switch {
	case err != nil:
		s.cfg.Logger.LogAttrs(r.Context(), slog.LevelError, "webhook secret cannot be read", slog.String("error", err.Error()))
		return http.StatusServiceUnavailable
	case !ok:
		return http.StatusUnauthorized
	case r.Method != http.MethodPost:
		return http.StatusMethodNotAllowed
	}
	body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, s.cfg.MaxBody))
	if err != nil {
		if _, ok := errors.AsType[*http.MaxBytesError](err); ok {
			return http.StatusRequestEntityTooLarge
		}
		return http.StatusBadRequest // it broke off: nobody hears the answer
	}
	e, err := ParseEvent(body)
	if err != nil {
		return http.StatusBadRequest
	}
	e.ReceivedAt = time.Now()

	// A place in the queue comes first: an event that was claimed and then
	// refused would be a duplicate when it comes again.
	if !s.enter() {
		return http.StatusServiceUnavailable
	}
	isNew := true
	if s.cfg.Claim != nil {
		if isNew, err = s.claim(r.Context(), e); err != nil {
			s.leave()
			s.cfg.Logger.LogAttrs(r.Context(), slog.LevelError, "webhook event cannot be claimed", slog.String("event", ccr.SafeToken(string(e.Type))), slog.String("error", err.Error()))
			return http.StatusServiceUnavailable
		}
	}
	if !isNew {
		s.leave()
		return http.StatusOK
	}
	ctx := context.WithoutCancel(r.Context())
	go s.work(ctx, e)
	return http.StatusOK
}

// enter takes a place in the queue, unless it is full or closing.
func (s *webhookState) enter() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closing {
		return false
	}
	select {
	case s.slots <- struct{}{}:
		s.wg.Add(1)
		return true
	default:
		return false
	}
}

func (s *webhookState) leave() {
	<-s.slots
	s.wg.Done()
}

// claim turns a panic of the caller's function into an error.
func (s *webhookState) claim(ctx context.Context, e Event) (isNew bool, err error) {
	defer catch(&err)
	return s.cfg.Claim(ctx, s.cfg.Key(e), e)
}

// work runs the caller's function.
func (s *webhookState) work(ctx context.Context, e Event) {
	defer s.leave()
	s.workers <- struct{}{}
	defer func() { <-s.workers }()
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	defer context.AfterFunc(s.ctx, cancel)() //nolint:contextcheck // ends with the handler, not with the request
	if err := s.handle(ctx, e); err != nil {
		s.cfg.Failed(e, err)
	}
}

func (s *webhookState) handle(ctx context.Context, e Event) (err error) {
	defer catch(&err)
	return s.cfg.Handle(ctx, e)
}

// catch keeps a panic of the caller's function from ending the process. Its
// value may hold personal data; the place is what helps.
func catch(err *error) {
	if r := recover(); r != nil {
		*err = fmt.Errorf("accounts: the webhook function panicked (%T)\n%s", r, debug.Stack())
	}
}

// Close refuses further events and waits for those under way. When ctx ends
// first, their contexts are cancelled, and Close returns at once with an error
// that says how many were left.
func (h *WebhookHandler) Close(ctx context.Context) error {
	s := h.s
	s.mu.Lock()
	s.closing = true
	s.mu.Unlock()
	done := make(chan struct{})
	go func() {
		s.wg.Wait()
		close(done)
	}()
	defer s.cancel()
	select {
	case <-done:
		return nil
	case <-ctx.Done():
		return fmt.Errorf("accounts: %d webhook events were still under way: %w", len(s.slots), context.Cause(ctx))
	}
}
