package transport

import (
	"context"
	"log/slog"
	"net/url"
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

// ReplayWatcher is a [Credential] that wants to know that the value it gave
// for the replay after a 401 was refused, too: another one will hardly help.
type ReplayWatcher interface{ RefusedAgain(value string) }

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
