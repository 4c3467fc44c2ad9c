package auth

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"strings"

	"github.com/ccr-sdk/ccr"
	"github.com/ccr-sdk/ccr/internal/transport"
)

// HeaderKey is a [Credential] that sends a key in a header.
type HeaderKey struct{ s *keyState }

type keyState struct {
	bound
	header string
	key    ccr.Secret
}

// NewHeaderKey sends a key in the named header of every request. Credit
// Clear's onboarding pages speak of an "API key"; the header it would go into
// is not documented, so it must be named here.
func NewHeaderKey(header string, key ccr.Secret) (*HeaderKey, error) {
	switch {
	case key.IsZero():
		return nil, errors.New("auth: NewHeaderKey needs a key")
	case header == "" || strings.ContainsAny(header, " \t\r\n:\x00()<>@,;\\\"/[]?={}"):
		return nil, errors.New("auth: NewHeaderKey needs the name of a header")
	}
	header = http.CanonicalHeaderKey(header)
	switch header {
	case "Accept", "Connection", "Content-Length", "Content-Type", "Cookie", "Host", "Proxy-Authorization", "Te", "Trailer",
		"Transfer-Encoding", "Upgrade", "User-Agent":
		return nil, errors.New("auth: that header belongs to HTTP itself")
	}
	return &HeaderKey{&keyState{header: header, key: key}}, nil
}

// Bind implements [Credential]; clients call it.
func (h *HeaderKey) Bind(to transport.Binding) error {
	if h == nil || h.s == nil {
		return errZero
	}
	return h.s.bind(to, nil)
}

// Header implements [Credential]; clients call it.
func (h *HeaderKey) Header(context.Context) (name, value string, err error) {
	key, err := h.s.key.Reveal()
	if err != nil {
		return "", "", err
	}
	if strings.TrimSpace(key) != key {
		return "", "", errors.New("auth: the key begins or ends with a space")
	}
	for _, c := range []byte(key) {
		if c < ' ' || c >= 0x7f {
			return "", "", errors.New("auth: the key holds characters that a header cannot carry")
		}
	}
	return h.s.header, key, nil
}

// Refused implements [Credential]; clients call it after a 401.
func (h *HeaderKey) Refused(value string) bool {
	_, now, err := h.Header(context.Background())
	return err == nil && now != value
}

// Format hides the key under every verb.
func (h HeaderKey) Format(f fmt.State, _ rune) { io.WriteString(f, hidden) } //nolint:errcheck // fmt.State keeps no errors

// LogValue hides the key from log/slog.
func (h HeaderKey) LogValue() slog.Value { return slog.StringValue(hidden) }

// MarshalJSON hides the key from encoding/json.
func (h HeaderKey) MarshalJSON() ([]byte, error) { return []byte(`"` + hidden + `"`), nil }
