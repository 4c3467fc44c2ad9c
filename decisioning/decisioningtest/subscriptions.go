package decisioningtest

import (
	"bytes"
	"context"
	"encoding/json"
	"net/http"
	"time"

	"github.com/go-json-experiment/json/jsontext"

	"github.com/ccr-sdk/ccr"
	"github.com/ccr-sdk/ccr/decisioning"
)

type subscription struct {
	decisioning.Subscription
	events []*delivered
}

// delivered is an event and what was sent of it.
type delivered struct {
	decisioning.SubscriptionEvent
	body, signature string
}

func (s *Server) handleSubscriptions() {
	s.handle("Subscriptions", "GET /v1/subscriptions", func(w http.ResponseWriter, r *http.Request) {
		s.mu.Lock()
		defer s.mu.Unlock()
		all, ok := choose(r.URL.Query(), len(s.subscriptions), func(i int) any { return s.subscriptions[i].shown() })
		if !ok {
			refuse(w, http.StatusBadRequest, "BAD_REQUEST", "filter must be a JSON object")
			return
		}
		answer(w, http.StatusOK, all) // a bare array
	})
	s.handle("CreateSubscription", "POST /v1/subscriptions", s.createSubscription)
	s.handle("UpdateSubscription", "PATCH /v1/subscriptions/{subscriptionId}", s.withSubscription(func(w http.ResponseWriter, r *http.Request, sub *subscription) {
		var in decisioning.Subscription
		if read(w, r, &in) && named(w, string(in.Status)) {
			sub.Status = in.Status
			answer(w, http.StatusOK, sub.shown())
		}
	}))
	s.handle("Events", "GET /v1/subscriptions/{subscriptionId}/events", s.withSubscription(func(w http.ResponseWriter, _ *http.Request, sub *subscription) {
		all := []decisioning.SubscriptionEvent{}
		for _, e := range sub.events {
			all = append(all, e.SubscriptionEvent)
		}
		answer(w, http.StatusOK, all)
	}))
	s.handle("UpdateEvent", "PATCH /v1/subscriptions/{subscriptionId}/events/{eventId}", s.withSubscription(func(w http.ResponseWriter, r *http.Request, sub *subscription) {
		var in decisioning.SubscriptionEvent
		if !read(w, r, &in) || !named(w, string(in.Status)) {
			return
		}
		for _, e := range sub.events {
			if e.ID == r.PathValue("eventId") {
				e.Status = in.Status
				answer(w, http.StatusOK, e.SubscriptionEvent)
				return
			}
		}
		notFound(w, "Event")
	}))
}

// shown leaves the secret out.
func (sub *subscription) shown() decisioning.Subscription {
	out := sub.Subscription
	out.Secret = ccr.Secret{}
	return out
}

func (s *Server) withSubscription(h func(http.ResponseWriter, *http.Request, *subscription)) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		s.mu.Lock()
		defer s.mu.Unlock()
		for _, sub := range s.subscriptions {
			if sub.ID == r.PathValue("subscriptionId") {
				h(w, r, sub)
				return
			}
		}
		notFound(w, "Subscription")
	}
}

func (s *Server) createSubscription(w http.ResponseWriter, r *http.Request) {
	var in decisioning.Subscription
	if !read(w, r, &in) {
		return
	}
	if in.EventName == "" || in.Target == "" {
		refuse(w, http.StatusBadRequest, "BAD_REQUEST", "eventName and target should not be empty")
		return
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	in.ID, in.Status, in.CreatedAt = s.newID(), decisioning.SubscriptionActive, ccr.NewDateTime(time.Now().UTC())
	sub := &subscription{Subscription: in}
	s.subscriptions = append(s.subscriptions, sub)
	answer(w, http.StatusCreated, sub.shown())
}

// Emit delivers an event of any name to its active subscriptions, in the
// background. A payload that is no JSON is delivered to none.
func (s *Server) Emit(name decisioning.EventName, payload any) *Server {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.emit(name, payload)
	return s
}

// emit queues deliveries; s.mu is held.
func (s *Server) emit(name decisioning.EventName, payload any) {
	raw, err := compact(payload)
	if err != nil || s.closed {
		return
	}
	for _, sub := range s.subscriptions {
		if sub.EventName != name || sub.Status != decisioning.SubscriptionActive {
			continue
		}
		e := &delivered{}
		e.ID, e.Status, e.Payload, e.CreatedAt = s.newID(), decisioning.EventInProgress, raw, ccr.NewDateTime(time.Now().UTC())
		body, err := compact(map[string]any{
			"subscription": map[string]any{"id": sub.ID, "target": sub.Target, "eventName": sub.EventName, "status": sub.Status},
			"payload":      jsontext.Value(raw), "time": time.Now().UnixMilli(), "index": len(sub.events) + 1, "id": e.ID,
		})
		if err != nil {
			continue
		}
		e.body = string(body)
		if !sub.Secret.IsZero() {
			if e.signature, err = decisioning.SignPayload(sub.Secret, raw); err != nil {
				continue
			}
		}
		sub.events = append(sub.events, e)
		s.deliver(sub.Target, e)
	}
}

// compact is JSON.stringify: no white space, no HTML escapes.
func compact(v any) ([]byte, error) {
	var b bytes.Buffer
	enc := json.NewEncoder(&b)
	enc.SetEscapeHTML(false)
	err := enc.Encode(v)
	return bytes.TrimSpace(b.Bytes()), err
}

// deliver posts an event once, in the background; s.mu is held.
func (s *Server) deliver(target string, e *delivered) {
	body, signature, client := e.body, e.signature, s.cfg.WebhookClient
	s.deliveries.Go(func() {
		ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
		defer cancel()
		r, err := http.NewRequestWithContext(ctx, http.MethodPost, target, bytes.NewReader([]byte(body)))
		if err != nil {
			return
		}
		r.Header.Set("Content-Type", "application/json")
		if signature != "" {
			r.Header.Set(decisioning.SignatureHeader, signature)
		}
		resp, err := client.Do(r)
		if err != nil {
			return // as with Algoan, nobody is told
		}
		resp.Body.Close() //nolint:errcheck // nothing is read from it
		s.mu.Lock()
		defer s.mu.Unlock()
		if resp.StatusCode/100 == 2 && e.Status == decisioning.EventInProgress {
			e.Status = decisioning.EventAck
		}
	})
}

// Redeliver sends every event of a subscription again, byte for byte, in the
// background.
func (s *Server) Redeliver(subscriptionID string) *Server {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, sub := range s.subscriptions {
		if sub.ID != subscriptionID || s.closed {
			continue
		}
		for _, e := range sub.events {
			s.deliver(sub.Target, e)
		}
	}
	return s
}

// named refuses an update that names no status: it would change nothing, and
// most likely misspells the member.
func named(w http.ResponseWriter, status string) bool {
	if status == "" {
		refuse(w, http.StatusBadRequest, "BAD_REQUEST", "status should not be empty")
	}
	return status != ""
}

// EventStatuses returns what became of the events of a subscription: ACK once
// the receiver answered, then what it reported.
func (s *Server) EventStatuses(subscriptionID string) []decisioning.EventStatus {
	s.mu.Lock()
	defer s.mu.Unlock()
	var out []decisioning.EventStatus
	for _, sub := range s.subscriptions {
		if sub.ID == subscriptionID {
			for _, e := range sub.events {
				out = append(out, e.Status)
			}
		}
	}
	return out
}
