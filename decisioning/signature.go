package decisioning

import (
	"bytes"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"
	"unicode/utf16"
	"unicode/utf8"

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

// SignPayload returns the value of [SignatureHeader] for a payload, as Algoan's
// published connectors and the example in its documentation make it: the
// HMAC-SHA256, keyed by the subscription's secret, of the compact JSON of the
// inner payload alone. Only white space is taken out of the payload; it is never
// written anew, since the order of members, the escapes in texts and the digits
// of numbers would not survive that. Tests of your own receiver sign with it.
func SignPayload(secret ccr.Secret, payload []byte) (string, error) {
	forms, err := signedForms(payload)
	if err != nil {
		return "", err
	}
	sums, err := sign(secret, forms[:1])
	if err != nil {
		return "", err
	}
	return signaturePrefix + hex.EncodeToString(sums[0]), nil
}

// signedForms are the forms of a payload that Algoan may have signed: the
// compact JSON as it came, as the example of its documentation has it, and the
// same with the escapes that the documentation's prose names, in each case of
// their digits that it shows: lower, upper, and lower for what is not ASCII
// beside upper for the rest.
func signedForms(payload []byte) ([][]byte, error) {
	var compact bytes.Buffer
	compact.Grow(len(payload))
	if err := json.Compact(&compact, payload); err != nil {
		return nil, errors.New("decisioning: the payload is not JSON")
	}
	plain := compact.Bytes()
	if bytes.IndexFunc(plain, func(r rune) bool { return r >= utf8.RuneSelf || strings.ContainsRune("/<%@", r) }) < 0 {
		return [][]byte{plain}, nil // all forms are the same
	}
	return [][]byte{plain, escaped(plain, `\u%04X`, `\u%04x`), escaped(plain, `\u%04x`, `\u%04x`), escaped(plain, `\u%04X`, `\u%04X`)}, nil
}

// escaped writes \/ for a slash and \u with four digits for <, %, @ and what is
// not ASCII. Escapes that are there already stay as they are.
func escaped(plain []byte, ascii, other string) []byte {
	out := make([]byte, 0, len(plain)+len(plain)/2)
	for i := 0; i < len(plain); {
		r, size := utf8.DecodeRune(plain[i:])
		switch {
		case r == '\\' && i+1 < len(plain): // an escape, such as \/
			size = 2
			out = append(out, plain[i:i+2]...)
		case r == '/':
			out = append(out, `\/`...)
		case r == '<' || r == '%' || r == '@':
			out = fmt.Appendf(out, ascii, r)
		case r >= utf8.RuneSelf:
			for _, unit := range utf16.Encode([]rune{r}) {
				out = fmt.Appendf(out, other, unit)
			}
		default:
			out = append(out, plain[i])
		}
		i += size
	}
	return out
}

// sign returns the sum of each form.
func sign(secret ccr.Secret, forms [][]byte) ([][]byte, error) {
	key, err := secret.Reveal()
	if err != nil {
		return nil, err
	}
	sums := make([][]byte, len(forms))
	for i, form := range forms {
		mac := hmac.New(sha256.New, []byte(key))
		mac.Write(form) //nolint:errcheck // a hash never fails
		sums[i] = mac.Sum(nil)
	}
	return sums, nil
}

// verify compares the whole signature in constant time with every secret and
// form; without a secret nothing is right. A secret that cannot be read is an
// error of its own.
func verify(signature string, payload []byte, secrets []ccr.Secret) error {
	given, err := hex.DecodeString(strings.TrimPrefix(signature, signaturePrefix))
	if err != nil || !strings.HasPrefix(signature, signaturePrefix) {
		return ErrSignature
	}
	forms, err := signedForms(payload)
	if err != nil {
		return ErrSignature
	}
	var unreadable error
	right := false
	for _, secret := range secrets {
		sums, err := sign(secret, forms)
		if err != nil {
			unreadable = err
			continue
		}
		for _, sum := range sums {
			right = hmac.Equal(sum, given) || right // of another length: never
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
