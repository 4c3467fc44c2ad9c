package decisioning

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"strconv"
	"time"

	"github.com/ccr-sdk/ccr"
	"github.com/ccr-sdk/ccr/internal/safetext"
	"github.com/ccr-sdk/ccr/internal/webhook"
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

// WebhookConfig configures [NewWebhookHandler]. Secrets and Handle are required;
// all but Secrets and Events is as in accounts.
type WebhookConfig struct {
	// Secrets of the subscriptions. Any of them may have signed an event: put
	// the new one beside the old one while they change.
	Secrets []ccr.Secret
	// Events is told PROCESSED, ERROR or FAILED. nil: nobody is.
	Events EventUpdater

	// Handle does the work; required. It is called for each event, known or
	// not, after the response has gone out. Its context lives until it returns,
	// Timeout is over, or [WebhookHandler.Close] gives up.
	Handle func(ctx context.Context, e Event) error
	// Store, if set, makes an event durable before the response. If it fails,
	// the response is 503 and the event is not handled. Without it, what was
	// accepted and not handled is lost in a crash.
	Store func(ctx context.Context, e Event) error
	// Failed is called with what Handle returned, or that it panicked. Default:
	// the type of the error is logged.
	Failed func(e Event, err error)
	// Ledger keeps an event that comes twice from being handled twice, by the
	// hash of its ids and payload, also by several receivers and after a
	// restart. nil: the last 4,096 events of this process. If it fails, the
	// response is 503.
	Ledger ccr.Ledger
	// Environment tells apart what shares a Ledger, such as "sandbox".
	Environment string

	Workers     int           // Handle calls at a time; default 8
	Queue       int           // events that were accepted and wait for a worker; default 256; one more is refused with 503
	Timeout     time.Duration // of one Handle call; default 5 min
	ReadTimeout time.Duration // of a delivery's body, whatever the server allows; default 10 s
	MaxBody     int64         // bytes of a delivery, unpacked; default 1 MiB
	Logger      *slog.Logger  // refusals and failures, without their data; default none
}

// WebhookHandler receives Algoan's events. It answers 204 as soon as the
// signature is found right and the event is stored, as Algoan's own receivers
// do, and works afterwards. It fails closed: without a secret, or with one that
// cannot be read, nothing is accepted. Responses: 204; 400 malformed; 401
// signature missing or wrong; 405 not a POST; 408 too slow; 413 too large; 415
// packed otherwise than by gzip; 503 full, closed, held by another receiver that
// shares the Ledger, Store or Ledger failed, or no secret could be read.
//
// How often and for how long Algoan delivers again is not documented: read the
// state that matters from the API after a restart.
type WebhookHandler struct {
	h *webhook.Handler[Event]
}

// NewWebhookHandler makes a handler; all faults of cfg are reported at once.
// Close it with Close.
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
	src := webhook.Source[Event]{
		Service: service, Accepted: http.StatusNoContent,
		Parse: func(r *http.Request, body []byte) (Event, error) {
			e, err := ParseEvent(body, r.Header.Get(SignatureHeader), cfg.Secrets...)
			switch {
			case errors.Is(err, ErrSignature):
				return e, webhook.ErrUnauthorized
			case errors.Is(err, ErrMalformedEvent):
				return e, webhook.ErrMalformed
			}
			return e, err
		},
		// The payload is part of the key, since the ids are not signed: with a
		// forged id nobody can make the real event look seen.
		Key: func(e Event) []string {
			return []string{string(e.Name), e.SubscriptionID, e.ID, strconv.FormatInt(e.Index, 10), string(e.Payload)}
		},
		Attrs: func(e Event) []slog.Attr {
			return []slog.Attr{
				slog.String("event", safetext.Token(string(e.Name))), slog.String("subscription", safetext.Token(e.SubscriptionID)),
				slog.String("id", safetext.Token(e.ID)),
			}
		},
	}
	if cfg.Events != nil {
		src.Ended = func(ctx context.Context, e Event, err error) error { return report(ctx, cfg.Events, e, err) }
	}
	h := webhook.New(src, webhook.Config[Event]{
		Handle: cfg.Handle, Store: cfg.Store, Failed: cfg.Failed, Ledger: cfg.Ledger, Environment: cfg.Environment,
		Workers: cfg.Workers, Queue: cfg.Queue, Timeout: cfg.Timeout, ReadTimeout: cfg.ReadTimeout, MaxBody: cfg.MaxBody, Logger: cfg.Logger,
	}, &f)
	if err := f.Err(service, "NewWebhookHandler"); err != nil {
		return nil, err
	}
	return &WebhookHandler{h}, nil
}

// report tells Algoan what became of an event.
func report(ctx context.Context, to EventUpdater, e Event, err error) error {
	status := EventProcessed
	switch {
	case e.ID == "" || e.SubscriptionID == "":
		return nil
	case errors.Is(err, ErrUnknownEvent):
		status = EventFailed
	case err != nil:
		status = EventError
	}
	return to.UpdateEvent(ctx, e.SubscriptionID, e.ID, status)
}

// ServeHTTP accepts or refuses a delivery.
func (h *WebhookHandler) ServeHTTP(w http.ResponseWriter, r *http.Request) { h.h.ServeHTTP(w, r) }

// Close accepts no more events and waits until those that were accepted have
// been handled. If ctx ends first, the contexts of the Handle calls end and
// Close returns an error with the number of events that were not finished.
func (h *WebhookHandler) Close(ctx context.Context) error { return h.h.Close(ctx) }

// Format shows neither secrets nor events under any verb.
func (h *WebhookHandler) Format(f fmt.State, _ rune) { fmt.Fprint(f, "[webhook handler]") }
