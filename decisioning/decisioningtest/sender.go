package decisioningtest

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"time"

	"github.com/ccr-sdk/ccr/decisioning"
)

// SampleEvent is a delivery of an event of the given name, as Algoan's
// documentation shows it, with an id. Its ids are made up.
func SampleEvent(name decisioning.EventName) []byte {
	b, err := compact(map[string]any{
		"subscription": map[string]any{"id": id(1), "target": "https://receiver.example/algoan", "eventName": name, "status": "ACTIVE"},
		"payload":      map[string]any{"customerId": id(2), "analysisId": id(3)},
		"time":         time.Date(2022, 4, 4, 13, 32, 10, 891e6, time.UTC).UnixMilli(), "index": 1, "id": id(4),
	})
	if err != nil {
		return nil // a name is a text, which JSON holds
	}
	return b
}

// Sender delivers events as Algoan does, to a receiver under test.
type Sender struct {
	// URL of the receiver.
	URL string
	// Secret of the subscription; empty: nothing is signed.
	Secret string
	// Escaped signs the escaped payload: see Config.EscapedSignatures.
	Escaped bool
	// Client trusts the receiver's certificate; default [http.DefaultClient].
	Client *http.Client
}

// Send delivers a body, signed, and returns the status of the response.
func (s *Sender) Send(ctx context.Context, body []byte) (status int, err error) {
	r, err := http.NewRequestWithContext(ctx, http.MethodPost, s.URL, bytes.NewReader(body))
	if err != nil {
		return 0, err
	}
	r.Header.Set("Content-Type", "application/json")
	if s.Secret != "" {
		var delivery struct {
			Payload json.RawMessage `json:"payload"`
		}
		var payload bytes.Buffer
		if json.Unmarshal(body, &delivery) != nil || json.Compact(&payload, delivery.Payload) != nil {
			return 0, errors.New("decisioningtest: the body has no payload to sign")
		}
		r.Header.Set("X-Hub-Signature", sign(s.Secret, payload.Bytes(), s.Escaped))
	}
	client := s.Client
	if client == nil {
		client = http.DefaultClient
	}
	resp, err := client.Do(r)
	if err != nil {
		return 0, err
	}
	return resp.StatusCode, resp.Body.Close()
}
