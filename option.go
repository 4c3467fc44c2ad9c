package ccr

import (
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/ccr-sdk/ccr/internal/option"
	"github.com/ccr-sdk/ccr/internal/safetext"
)

// Option configures a client at construction. A faulty option fails the
// constructor; none is ever ignored.
type Option func(*settings) error

type settings = option.Settings[RetryPolicy, Limiter, Middleware, LeasePolicy]

// WithBaseURL sets the URL of the API, for an environment whose host is not
// published (UAT) or a test server. Only https is accepted; a query, a
// fragment and user information are refused.
func WithBaseURL(raw string) Option {
	return func(s *settings) error {
		u, err := option.ParseBaseURL(raw)
		if err != nil {
			return err
		}
		s.BaseURL = u
		return nil
	}
}

// WithHTTPClient makes the client use the transport, timeout and cookie jar
// of c (for a proxy, a private CA, a connection pool of your own). c is
// neither modified nor closed; its Timeout bounds each attempt; its
// CheckRedirect is not used, since credentials must stay on their origin. Over
// HTTP/2, give its transport a SendPingTimeout ([http.HTTP2Config]), as the
// SDK's own has: without one, a connection that went silent is used for call
// after call.
func WithHTTPClient(c *http.Client) Option {
	return func(s *settings) error {
		if c == nil {
			return errors.New("ccr: WithHTTPClient(nil)")
		}
		s.HTTPClient = c
		return nil
	}
}

// WithRetry sets the retry policy; zero fields keep their defaults.
func WithRetry(p RetryPolicy) Option {
	return func(s *settings) error {
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
	return func(s *settings) error {
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
	return func(s *settings) error {
		if l == nil {
			return errors.New("ccr: WithLogger(nil)")
		}
		s.Logger = l
		return nil
	}
}

// WithMiddleware adds transport middleware; the first one added is outermost.
func WithMiddleware(m ...Middleware) Option {
	return func(s *settings) error {
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
	return func(s *settings) error {
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
	return func(s *settings) error {
		if name == "" || safetext.Token(name) == "" {
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

// WithLease sets how long claims on ledger entries hold.
func WithLease(p LeasePolicy) Option {
	return func(s *settings) error {
		if err := p.Validate(); err != nil {
			return err
		}
		s.Lease = p
		return nil
	}
}

// CallOption adjusts one call: what makes sense on any call of any service.
type CallOption func(*call) error

type call = option.Call[Response, RetryPolicy]

// Response is what [CaptureResponse] fills in: the last answer of a call.
type Response struct {
	StatusCode int         // HTTP status; 0 if no answer came
	Header     http.Header // as received; may hold personal data
	Body       []byte      // raw; nil where the answer was streamed
	RequestID  string      // the vendor's id of the request, if it sent one
	Attempts   int         // requests made
}

// line is what a Response prints: its body and headers may hold personal data.
func (r Response) line() string {
	return fmt.Sprintf("HTTP %d, %d bytes, %d attempts, request id %q", r.StatusCode, len(r.Body), r.Attempts, safetext.Token(r.RequestID))
}

// Format prints the facts of the answer under every verb, never its body or
// headers.
func (r Response) Format(f fmt.State, _ rune) { io.WriteString(f, r.line()) } //nolint:errcheck // fmt.State keeps no errors

// LogValue gives log/slog the same facts.
func (r Response) LogValue() slog.Value { return slog.StringValue(r.line()) }

// WithCorrelationID puts an id of the caller's into the log events and the
// error of a call. It is not sent to the vendor. Letters, digits and _.:/-,
// 128 at most.
func WithCorrelationID(id string) CallOption {
	return func(c *call) error {
		if id == "" || safetext.Token(id) == "" {
			return errors.New("ccr: a correlation id is 1 to 128 letters, digits or _.:/-")
		}
		c.CorrelationID = id
		return nil
	}
}

// WithTimeout bounds the whole call, waiting and retries included, on top of
// the deadline of its context.
func WithTimeout(d time.Duration) CallOption {
	return func(c *call) error {
		if d <= 0 {
			return errors.New("ccr: a call's timeout must be positive")
		}
		c.Timeout = d
		return nil
	}
}

// WithCallRetry replaces the client's retry policy for one call; zero fields
// have their defaults. What may be retried at all, and the budget, stay.
func WithCallRetry(p RetryPolicy) CallOption {
	return func(c *call) error {
		if err := p.Validate(); err != nil {
			return err
		}
		c.Retry = &p
		return nil
	}
}

// WithHeader adds a header to each request of one call, for what a vendor asks
// for in a case of its own. Headers that the SDK or HTTP itself decides on
// (Authorization, Host, Content-…, Accept-Encoding, …) are refused. A value is
// sent as it is, and not logged.
func WithHeader(name, value string) CallOption {
	return func(c *call) error {
		key := http.CanonicalHeaderKey(name)
		switch {
		case name == "" || !isToken(name):
			return errors.New("ccr: a header's name must be a token (letters, digits, !#$%&'*+-.^_`|~)")
		case slices.Contains(ownHeaders, key), strings.HasPrefix(key, "Content-"), strings.HasPrefix(key, "Proxy-"):
			return errors.New("ccr: the header " + key + " is the SDK's to set")
		case strings.ContainsFunc(value, func(r rune) bool { return r < ' ' && r != '\t' || r == 0x7f }):
			return errors.New("ccr: the value of the header " + key + " holds control characters")
		}
		if c.Header == nil {
			c.Header = http.Header{}
		}
		c.Header.Add(key, value)
		return nil
	}
}

// ownHeaders are those that a caller cannot set.
var ownHeaders = []string{"Authorization", "Host", "Accept-Encoding", "Connection", "Transfer-Encoding", "Te", "Trailer", "Upgrade", "Keep-Alive", "Expect", "User-Agent", "Cookie"}

// CaptureResponse fills into with the status, headers and raw body of the
// last answer, whether the call succeeded or not.
func CaptureResponse(into *Response) CallOption {
	return func(c *call) error {
		if into == nil {
			return errors.New("ccr: CaptureResponse(nil)")
		}
		c.Response = into
		return nil
	}
}
