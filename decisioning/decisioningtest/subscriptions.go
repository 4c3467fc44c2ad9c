package decisioningtest

import (
	"bytes"
	"context"
	"encoding/json"
	"net/http"
	"time"

	"github.com/ccr-sdk/ccr/decisioning"
)

type subscription struct {
	id, event, target, secret string
	document                  document
	events                    []*delivered
}

// delivered is an event and what was sent of it.
type delivered struct {
	id, body, signature string
	document            document
}

func (s *Server) handleSubscriptions() {
	// The service accounts of the credential, as Algoan's npm package asks for
	// them: it logs in again as each of them.
	s.handle("ServiceAccounts", "GET /v1/service-accounts", func(w http.ResponseWriter, _ *http.Request) {
		answer(w, http.StatusOK, []any{map[string]any{
			"id": "0000000000000000000000cc", "clientId": ClientID, "clientSecret": ClientSecret, "createdAt": now(), "config": map[string]any{},
		}})
	})
	s.handle("Subscriptions", "GET /v1/subscriptions", func(w http.ResponseWriter, r *http.Request) {
		s.mu.Lock()
		defer s.mu.Unlock()
		all, ok := choose(r.URL.Query(), len(s.subscriptions), func(i int) any { return s.subscriptions[i].document })
		if !ok {
			refuse(w, http.StatusBadRequest, "BAD_REQUEST", "filter must be a JSON object")
			return
		}
		answer(w, http.StatusOK, all) // a bare array
	})
	s.handle("CreateSubscription", "POST /v1/subscriptions", s.createSubscription)
	s.handle("UpdateSubscription", "PATCH /v1/subscriptions/{subscriptionId}", s.withSubscription(func(w http.ResponseWriter, r *http.Request, sub *subscription) {
		if status, ok := readStatus(w, r); ok {
			sub.document = sub.document.with(map[string]any{"status": status, "updatedAt": now()})
			answer(w, http.StatusOK, sub.document)
		}
	}))
	s.handle("Events", "GET /v1/subscriptions/{subscriptionId}/events", s.withSubscription(func(w http.ResponseWriter, _ *http.Request, sub *subscription) {
		all := []document{}
		for _, e := range sub.events {
			all = append(all, e.document)
		}
		answer(w, http.StatusOK, all)
	}))
	s.handle("UpdateEvent", "PATCH /v1/subscriptions/{subscriptionId}/events/{eventId}", s.withSubscription(func(w http.ResponseWriter, r *http.Request, sub *subscription) {
		status, ok := readStatus(w, r)
		if !ok {
			return
		}
		for _, e := range sub.events {
			if e.id == r.PathValue("eventId") {
				e.document = e.document.with(map[string]any{"status": status, "updatedAt": now()})
				answer(w, http.StatusOK, e.document)
				return
			}
		}
		notFound(w, "Event")
	}))
}

// readStatus reads the body of an update. One that names no status is refused:
// it would change nothing, and most likely misspells the member.
func readStatus(w http.ResponseWriter, r *http.Request) (string, bool) {
	var in document
	if !read(w, r, &in) {
		return "", false
	}
	status := in.text("status")
	if status == "" {
		refuse(w, http.StatusBadRequest, "BAD_REQUEST", "status should not be empty")
	}
	return status, status != ""
}

func (s *Server) withSubscription(h func(http.ResponseWriter, *http.Request, *subscription)) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		s.mu.Lock()
		defer s.mu.Unlock()
		for _, sub := range s.subscriptions {
			if sub.id == r.PathValue("subscriptionId") {
				h(w, r, sub)
				return
			}
		}
		notFound(w, "Subscription")
	}
}

func (s *Server) createSubscription(w http.ResponseWriter, r *http.Request) {
	var in document
	if !read(w, r, &in) {
		return
	}
	sub := &subscription{event: in.text("eventName"), target: in.text("target"), secret: in.text("secret")}
	if sub.event == "" || sub.target == "" {
		refuse(w, http.StatusBadRequest, "BAD_REQUEST", "eventName and target should not be empty")
		return
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	sub.id = s.newID()
	// The secret is part of every response: Algoan's npm package takes it from
	// there, and checks no signature without it.
	sub.document = in.with(map[string]any{"id": sub.id, "status": "ACTIVE", "createdAt": now()})
	s.subscriptions = append(s.subscriptions, sub)
	answer(w, http.StatusCreated, sub.document)
}

// Emit delivers an event of any name to its active subscriptions, in the
// background. A payload that is no JSON is delivered to none.
func (s *Server) Emit(name decisioning.EventName, payload any) *Server {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.emit(string(name), payload)
	return s
}

// emit queues deliveries; s.mu is held.
func (s *Server) emit(name string, payload any) {
	raw, err := compact(payload)
	if err != nil || s.closed {
		return
	}
	for _, sub := range s.subscriptions {
		if sub.event != name || sub.document.text("status") != "ACTIVE" {
			continue
		}
		e := &delivered{id: s.newID(), document: document{}}
		e.document.set(map[string]any{"id": e.id, "status": "IN_PROGRESS", "payload": json.RawMessage(raw), "createdAt": now()})
		if sub.secret != "" {
			e.signature = sign(sub.secret, raw, s.cfg.EscapedSignatures)
		}
		sent, err := compact(map[string]any{
			"subscription": map[string]any{"id": sub.id, "target": sub.target, "eventName": sub.event, "status": "ACTIVE"},
			"payload":      json.RawMessage(raw), "time": time.Now().UnixMilli(), "index": len(sub.events) + 1, "id": e.id,
		})
		if err != nil {
			continue
		}
		e.body = string(sent)
		sub.events = append(sub.events, e)
		s.deliver(sub.target, e)
	}
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
			r.Header.Set("X-Hub-Signature", signature)
		}
		resp, err := client.Do(r)
		if err != nil {
			return // as with Algoan, nobody is notified
		}
		resp.Body.Close() //nolint:errcheck // nothing is read from it
		s.mu.Lock()
		defer s.mu.Unlock()
		if resp.StatusCode/100 == 2 && e.document.text("status") == "IN_PROGRESS" {
			e.document = e.document.with(map[string]any{"status": "ACK"})
		}
	})
}

// Redeliver sends every event of a subscription again, byte for byte, in the
// background.
func (s *Server) Redeliver(subscriptionID string) *Server {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, sub := range s.subscriptions {
		if sub.id != subscriptionID || s.closed {
			continue
		}
		for _, e := range sub.events {
			s.deliver(sub.target, e)
		}
	}
	return s
}

// EventStatuses returns what became of the events of a subscription: ACK once
// the receiver answered, then what it reported.
func (s *Server) EventStatuses(subscriptionID string) []decisioning.EventStatus {
	s.mu.Lock()
	defer s.mu.Unlock()
	var out []decisioning.EventStatus
	for _, sub := range s.subscriptions {
		if sub.id == subscriptionID {
			for _, e := range sub.events {
				out = append(out, decisioning.EventStatus(e.document.text("status")))
			}
		}
	}
	return out
}
