package transport

import (
	"context"
	"errors"
	"log/slog"
	"net/url"
	"strings"
)

// Credential puts a secret into one header of every request to the API it is
// bound to. Implementations are safe for concurrent use.
type Credential interface {
	// Bind ties the credential to an API at construction of a client. It
	// does no I/O and fails if the credential belongs to another API.
	Bind(Binding) error
	// Header returns the header for one attempt. It may call a token
	// endpoint, within ctx.
	Header(ctx context.Context) (name, value string, err error)
	// Refused tells that the API answered 401 to a header value, and asks
	// whether one more attempt with a new one is worth it.
	Refused(value string) (again bool)
}

// Binding is what a client tells its credential.
type Binding struct {
	Service string // "accounts"
	Origin  string // of the API: "https://host:port"
	// Derive returns a client for another base URL (a token endpoint) that
	// shares the transport, middleware, retry policy, logger and User-Agent,
	// but neither the limiter nor the credential.
	Derive func(service string, base *url.URL) *Client
	Logger *slog.Logger // never nil
}

// Origin returns scheme, host and port of a URL in one canonical form.
func Origin(u *url.URL) string {
	port := u.Port()
	if port == "" {
		switch u.Scheme {
		case "https":
			port = "443"
		case "http":
			port = "80"
		}
	}
	return strings.ToLower(u.Scheme) + "://" + strings.ToLower(u.Hostname()) + ":" + port
}

var errOrigin = errors.New("the request would leave the API's origin; the credential was withheld and nothing was sent")
