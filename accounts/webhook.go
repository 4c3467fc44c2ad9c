package accounts

import (
	"context"
	"fmt"
	"log/slog"
	"net/http"
	"time"

	"github.com/ccr-sdk/ccr"
	"github.com/ccr-sdk/ccr/internal/safetext"
	"github.com/ccr-sdk/ccr/internal/webhook"
)

// WebhookConfig configures [NewWebhookHandler]. Auth and Handle are required;
// all but Auth is as in decisioning.
type WebhookConfig struct {
	// Auth is how Credit Clear authenticates. With several, one suffices, so
	// that a secret can be rotated.
	Auth []WebhookAuth

	// Handle does the work; required. It is called after the response has gone
	// out, by up to Workers goroutines, in no particular order. Its context has
	// the values of the request's and lives until it returns, Timeout is over,
	// or [WebhookHandler.Close] gives up.
	Handle func(ctx context.Context, e Event) error
	// Store, if set, makes an event durable before the response. If it fails,
	// the response is 503 and the event is not handled. Without it, what was
	// accepted and not handled is lost in a crash.
	Store func(ctx context.Context, e Event) error
	// Failed is called with what Handle returned, or that it panicked. Default:
	// the type of the error is logged. The vendor is not notified.
	Failed func(e Event, err error)
	// Ledger keeps an event that comes twice from being handled twice, also by
	// several receivers and after a restart. No event id is documented, so
	// events are told apart by the hash of the whole body: two whose bodies are
	// the same to the byte are one. nil: the last 4,096 events of this process.
	// If it fails, the response is 503.
	Ledger ccr.Ledger
	// Environment tells apart what shares a Ledger, such as "uat".
	Environment string

	Workers     int           // Handle calls at a time; default 8
	Queue       int           // events that were accepted and wait for a worker; default 256; one more is refused with 503
	Timeout     time.Duration // of one Handle call; default 5 min
	ReadTimeout time.Duration // of a delivery's body, whatever the server allows; default 10 s
	MaxBody     int64         // bytes of a delivery, unpacked; default 1 MiB
	Logger      *slog.Logger  // refusals and failures, without their data; default none
}

// WebhookHandler receives Credit Clear's webhooks. It answers 200 as soon as
// an event is authenticated, read and stored, and hands it to the caller's
// function afterwards. It fails closed: a request that cannot be checked is
// not let in.
//
//	401  wrong or no credential        408  body too slow
//	400  not JSON                      413  body too large
//	405  not a POST                    415  packed otherwise than by gzip
//	503  queue full, held by another receiver that shares the Ledger, Store or
//	     Ledger failed, a secret could not be read, or closing
type WebhookHandler struct {
	h *webhook.Handler[Event]
}

// NewWebhookHandler makes a handler; all faults of cfg are reported at once.
// Close it with Close.
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
	h := webhook.New(webhook.Source[Event]{
		Service: service, Accepted: http.StatusOK,
		Authorize: func(r *http.Request) error {
			ok, err := authorized(r, cfg.Auth)
			if err == nil && !ok {
				return webhook.ErrUnauthorized
			}
			return err
		},
		Parse: func(_ *http.Request, body []byte) (Event, error) {
			e, err := ParseEvent(body)
			if err != nil {
				return e, webhook.ErrMalformed
			}
			e.ReceivedAt = time.Now()
			return e, nil
		},
		Key:   func(e Event) []string { return []string{string(e.Raw)} },
		Attrs: func(e Event) []slog.Attr { return []slog.Attr{slog.String("event", safetext.Token(string(e.Type)))} },
	}, webhook.Config[Event]{
		Handle: cfg.Handle, Store: cfg.Store, Failed: cfg.Failed, Ledger: cfg.Ledger, Environment: cfg.Environment,
		Workers: cfg.Workers, Queue: cfg.Queue, Timeout: cfg.Timeout, ReadTimeout: cfg.ReadTimeout, MaxBody: cfg.MaxBody, Logger: cfg.Logger,
	}, &f)
	if err := f.Err(service, "NewWebhookHandler"); err != nil {
		return nil, err
	}
	return &WebhookHandler{h}, nil
}

// ServeHTTP accepts or refuses a delivery.
func (h *WebhookHandler) ServeHTTP(w http.ResponseWriter, r *http.Request) { h.h.ServeHTTP(w, r) }

// Close accepts no more events and waits until those that were accepted have
// been handled. If ctx ends first, the contexts of the Handle calls end and
// Close returns an error with the number of events that were not finished.
func (h *WebhookHandler) Close(ctx context.Context) error { return h.h.Close(ctx) }

// Format shows neither secrets nor events under any verb.
func (h *WebhookHandler) Format(f fmt.State, _ rune) { fmt.Fprint(f, "[webhook handler]") }
