package auth

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"sync/atomic"
	"time"

	"github.com/ccr-sdk/ccr"
	"github.com/ccr-sdk/ccr/internal/transport"
)

// expLeeway is how far two clocks may differ before a token counts as expired.
const expLeeway = time.Minute

// StaticBearer is a [Credential] with one token that somebody else renews.
type StaticBearer struct{ s *bearerState }

type bearerState struct {
	bound
	token ccr.Secret
	last  atomic.Pointer[bearerToken]
}

// bearerToken is a token that was looked into before.
type bearerToken struct {
	token, header hiddenText
	exp           time.Time // zero: not a JWT, or one without exp
}

// NewStaticBearer sends a token as "Authorization: Bearer …". If it is a JWT
// whose exp passed more than a minute ago, calls fail before anything is sent.
// A secret from a file is read again at each call, so that rotation is picked
// up; after a 401 the call is repeated once if the file has changed.
func NewStaticBearer(token ccr.Secret) (*StaticBearer, error) {
	if token.IsZero() {
		return nil, errors.New("auth: NewStaticBearer needs a token")
	}
	return &StaticBearer{&bearerState{token: token}}, nil
}

// Bind implements [Credential]; clients call it.
func (b *StaticBearer) Bind(to transport.Binding) error {
	if b == nil || b.s == nil {
		return errZero
	}
	return b.s.bind(to, nil)
}

// Header implements [Credential]; clients call it.
func (b *StaticBearer) Header(context.Context) (name, value string, err error) {
	token, err := b.s.token.Reveal()
	if err != nil {
		return "", "", err
	}
	last := b.s.last.Load()
	if last == nil || !last.token.is(token) {
		header, err := bearer(token)
		if err != nil {
			return "", "", err
		}
		exp, _ := claimsOf(token)
		last = &bearerToken{token: hide(token), header: hide(header), exp: exp}
		b.s.last.Store(last)
	}
	if !last.exp.IsZero() && time.Since(last.exp) > expLeeway {
		return "", "", &ccr.Error{
			Service: "auth", Operation: "StaticBearer", Outcome: ccr.OutcomeNotSent, Classes: []error{ccr.ErrUnauthorized},
			Err:    errors.New("the token's exp has passed"),
			Advice: "Get a new token; if it is new, check this machine's clock",
		}
	}
	return "Authorization", last.header(), nil
}

// Refused implements [Credential]; clients call it after a 401.
func (b *StaticBearer) Refused(value string) bool {
	_, now, err := b.Header(context.Background())
	return err == nil && now != value
}

// Format hides the token under every verb.
func (b StaticBearer) Format(f fmt.State, _ rune) { io.WriteString(f, hidden) } //nolint:errcheck // fmt.State keeps no errors

// LogValue hides the token from log/slog.
func (b StaticBearer) LogValue() slog.Value { return slog.StringValue(hidden) }

// MarshalJSON hides the token from encoding/json.
func (b StaticBearer) MarshalJSON() ([]byte, error) { return []byte(`"` + hidden + `"`), nil }
