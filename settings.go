package ccr

import (
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"net/url"
	"strings"
)

// Option configures a client at construction. A faulty option fails the
// constructor; none is ever ignored.
type Option func(*Settings) error

// Settings is what the options of a client add up to. It is exported for the
// service packages; users set it through the With… functions.
type Settings struct {
	BaseURL     *url.URL     // nil: the service's published production URL
	HTTPClient  *http.Client // nil: one with the SDK's own transport; never modified
	Retry       RetryPolicy  // zero fields have their defaults: see [RetryPolicy]
	Limiter     Limiter      // nil: the service's default
	Logger      *slog.Logger // nil: no events
	Middleware  []Middleware // outermost first
	Application string       // product token for the User-Agent
	Environment string       // "production" unless set; part of every ledger key
	Lease       LeasePolicy  // of claims on ledger entries; zero fields have their defaults
}

// Middleware wraps the HTTP transport of a client. It sees every attempt,
// retries and token calls included, with the request's context, from which
// [RouteFromContext] reads what is being called. The Authorization header is
// attached further in, where no middleware sees it; a request that it sends
// to another origin is refused. It must be safe for concurrent use.
type Middleware func(next http.RoundTripper) http.RoundTripper

// NewSettings applies options in order; later ones win. All faults are
// reported at once.
func NewSettings(opts ...Option) (*Settings, error) {
	s := &Settings{Environment: "production"}
	var errs []error
	for _, o := range opts {
		if o == nil {
			errs = append(errs, errors.New("ccr: a nil option"))
			continue
		}
		if err := o(s); err != nil {
			errs = append(errs, err)
		}
	}
	return s, errors.Join(errs...)
}

// WithBaseURL sets the URL of the API, for an environment whose host is not
// published (UAT) or a test server. Only https is accepted; a query, a
// fragment and user information are refused.
func WithBaseURL(raw string) Option {
	return func(s *Settings) error {
		u, err := ParseBaseURL(raw)
		if err != nil {
			return err
		}
		s.BaseURL = u
		return nil
	}
}

// ParseBaseURL checks an https base URL; the error never quotes it.
func ParseBaseURL(raw string) (*url.URL, error) {
	u, err := url.Parse(raw)
	switch {
	case err != nil:
		return nil, errors.New("ccr: the base URL is not a URL")
	case u.Scheme != "https":
		return nil, errors.New("ccr: the base URL must use https; credentials and personal data are never sent in clear")
	case u.Host == "" || u.Hostname() == "":
		return nil, errors.New("ccr: the base URL has no host")
	case u.User != nil:
		return nil, errors.New("ccr: the base URL must not hold a user or password")
	case u.RawQuery != "" || u.ForceQuery || u.Fragment != "":
		return nil, errors.New("ccr: the base URL must not have a query or fragment")
	case u.RawPath != "":
		return nil, errors.New("ccr: the path of the base URL must not hold escaped slashes or the like")
	}
	u.Path = strings.TrimRight(u.Path, "/")
	return u, nil
}

// WithHTTPClient makes the client use the transport, timeout and cookie jar
// of c (for a proxy, a private CA, a connection pool of your own). c is
// neither modified nor closed; its Timeout bounds each attempt; its
// CheckRedirect is not used, since credentials must stay on their origin. Over
// HTTP/2, give its transport a SendPingTimeout ([http.HTTP2Config]), as the
// SDK's own has: without one, a connection that went silent is used for call
// after call.
func WithHTTPClient(c *http.Client) Option {
	return func(s *Settings) error {
		if c == nil {
			return errors.New("ccr: WithHTTPClient(nil)")
		}
		s.HTTPClient = c
		return nil
	}
}

// WithRetry sets the retry policy; zero fields keep their defaults.
func WithRetry(p RetryPolicy) Option {
	return func(s *Settings) error {
		if err := p.Validate(); err != nil {
			return err
		}
		s.Retry = p
		return nil
	}
}

// WithLimiter makes every request (token calls and retries of them apart)
// wait for l first. See [Limiter].
func WithLimiter(l Limiter) Option {
	return func(s *Settings) error {
		if l == nil {
			return errors.New("ccr: WithLimiter(nil); use ccr.NoLimit() to switch a default off")
		}
		s.Limiter = l
		return nil
	}
}

// WithLogger sends one event per attempt to l: debug for an answered one,
// warn for a failed one. Route templates, statuses, durations and ids are
// logged; never URLs with values, headers or bodies.
func WithLogger(l *slog.Logger) Option {
	return func(s *Settings) error {
		if l == nil {
			return errors.New("ccr: WithLogger(nil)")
		}
		s.Logger = l
		return nil
	}
}

// WithMiddleware adds transport middleware; the first one added is outermost.
func WithMiddleware(m ...Middleware) Option {
	return func(s *Settings) error {
		for _, one := range m {
			if one == nil {
				return errors.New("ccr: WithMiddleware(nil)")
			}
		}
		s.Middleware = append(s.Middleware, m...)
		return nil
	}
}

// WithApplication names your program in the User-Agent: "name/version".
func WithApplication(name, version string) Option {
	return func(s *Settings) error {
		for _, part := range []string{name, version} {
			if part == "" || !isToken(part) {
				return fmt.Errorf("ccr: application name and version must be HTTP tokens (letters, digits, !#$%%&'*+-.^_`|~)")
			}
		}
		s.Application = name + "/" + version
		return nil
	}
}

// WithEnvironment names the environment ("production", "uat") that ledgers
// and journals keep apart. It does not choose a host: see [WithBaseURL].
func WithEnvironment(name string) Option {
	return func(s *Settings) error {
		if name == "" || SafeToken(name) == "" {
			return errors.New("ccr: the environment must be a short name of letters, digits and _.:/-")
		}
		s.Environment = name
		return nil
	}
}

// isToken reports whether s is an RFC 9110 token.
func isToken(s string) bool {
	for _, r := range s {
		if r > 0x7e || r <= ' ' || strings.ContainsRune(`"(),/:;<=>?@[\]{}`, r) {
			return false
		}
	}
	return true
}
