package decisioning

import (
	"bytes"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"strconv"
	"strings"
	"time"

	"github.com/ccr-sdk/ccr"
	"github.com/go-json-experiment/json/jsontext"
)

// SignatureHeader carries the signature of an event.
const SignatureHeader = "X-Hub-Signature"

const signaturePrefix = "sha256="

// ErrSignature: an event was not signed with any of the secrets.
var ErrSignature = errors.New("decisioning: the signature is missing or wrong")

// Event is what Algoan delivers. Only the payload is signed: whoever has seen
// one signed payload can send it again under another name, id or time. So take
// an event as a hint, and read what it is about from the API.
type Event struct {
	Name           EventName // what happened
	SubscriptionID string    // of the subscription that it came by
	ID             string    // needed to tell Algoan what became of it; missing in its own sample
	Index          int64     // counts up per subscription; -1 if it was not sent
	Time           time.Time // zero if it was not sent

	// The identifiers that payloads are known to hold; "" if this one does not.
	CustomerID string
	AnalysisID string
	SessionID  string

	Payload jsontext.Value // as it came, whatever the event
	Body    jsontext.Value // the whole delivery
}

// SignPayload returns the value of [SignatureHeader] for a payload, as Algoan
// makes it: the HMAC-SHA256, keyed by the subscription's secret, of the compact
// JSON of the inner payload alone. Only white space is taken out of the
// payload; it is never written anew, since the order of members, the escapes in
// texts and the digits of numbers would not survive that. Tests of your own
// receiver sign with it.
//
// The rule is that of Algoan's published connectors; its current documentation
// says nothing of signatures in the part that is public.
func SignPayload(secret ccr.Secret, payload []byte) (string, error) {
	sum, err := sign(secret, payload)
	if err != nil {
		return "", err
	}
	return signaturePrefix + hex.EncodeToString(sum), nil
}

func sign(secret ccr.Secret, payload []byte) ([]byte, error) {
	key, err := secret.Reveal()
	if err != nil {
		return nil, err
	}
	var compact bytes.Buffer
	compact.Grow(len(payload))
	if err := json.Compact(&compact, payload); err != nil {
		return nil, errors.New("decisioning: the payload is not JSON")
	}
	mac := hmac.New(sha256.New, []byte(key))
	mac.Write(compact.Bytes()) //nolint:errcheck // a hash never fails
	return mac.Sum(nil), nil
}

// verify compares in constant time with every secret; without a secret nothing
// is right. A secret that cannot be read is an error of its own.
func verify(signature string, payload []byte, secrets []ccr.Secret) error {
	given, err := hex.DecodeString(strings.TrimPrefix(signature, signaturePrefix))
	if err != nil || !strings.HasPrefix(signature, signaturePrefix) || len(given) != sha256.Size {
		return ErrSignature
	}
	var unreadable error
	right := false
	for _, secret := range secrets {
		sum, err := sign(secret, payload)
		if err != nil {
			unreadable = err
			continue
		}
		if hmac.Equal(sum, given) {
			right = true
		}
	}
	switch {
	case right:
		return nil
	case unreadable != nil:
		return unreadable
	}
	return ErrSignature
}

// webhookBody is a delivery.
type webhookBody struct {
	Subscription *Subscription  `json:"subscription"`
	Payload      jsontext.Value `json:"payload"`
	Time         jsontext.Value `json:"time"`
	Index        jsontext.Value `json:"index"`
	ID           string         `json:"id"`
}

type payloadIDs struct {
	CustomerID string `json:"customerId"`
	AnalysisID string `json:"analysisId"`
	SessionID  string `json:"sessionId"`
}

// ErrMalformedEvent: a delivery that is not the JSON that Algoan sends.
var ErrMalformedEvent = errors.New("decisioning: the event is malformed")

// ParseEvent checks the signature of a delivery (the value of
// [SignatureHeader]) against the secrets, any of which may have made it, and
// reads it. It is what [WebhookHandler] does with a request, for receivers that
// are no http.Handler. Errors are [ErrSignature], [ErrMalformedEvent], or that
// of a secret that cannot be read; none quotes the delivery.
func ParseEvent(body []byte, signature string, secrets ...ccr.Secret) (Event, error) {
	var b webhookBody
	// Of two payloads, one could be signed and the other one read: the codec
	// refuses a name that occurs twice.
	if decode(body, &b) != nil || b.Payload == nil {
		return Event{}, ErrMalformedEvent
	}
	payload := b.Payload
	if err := verify(signature, payload, secrets); err != nil {
		return Event{}, err
	}
	e := Event{ID: b.ID, Index: -1, Payload: bytes.Clone(payload), Body: bytes.Clone(body)}
	if b.Subscription != nil {
		e.Name, e.SubscriptionID = b.Subscription.EventName, b.Subscription.ID
	}
	if e.Name == "" {
		return Event{}, ErrMalformedEvent
	}
	if ms, ok := integer(b.Time); ok {
		e.Time = time.UnixMilli(ms).UTC()
	}
	if index, ok := integer(b.Index); ok {
		e.Index = index
	}
	var ids payloadIDs
	if decode(payload, &ids) == nil { // a payload may be of any type
		e.CustomerID, e.AnalysisID, e.SessionID = ids.CustomerID, ids.AnalysisID, ids.SessionID
	}
	return e, nil
}

// integer reads a number, in quotes or not.
func integer(raw jsontext.Value) (int64, bool) {
	n, err := strconv.ParseInt(strings.Trim(string(raw), `"`), 10, 64)
	return n, err == nil
}
