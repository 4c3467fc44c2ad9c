package ccr

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"slices"
	"strings"
	"time"
)

// CallOption adjusts one call: what makes sense on any call of any service.
type CallOption func(*Call) error

// Call is what the options of one call add up to; it is exported for the
// service packages.
type Call struct {
	CorrelationID string        // for logs and errors only; "": none
	Timeout       time.Duration // for the whole call with its retries; 0: that of the context alone
	Response      *Response     // filled in with the last answer; nil: not captured
	Retry         *RetryPolicy  // instead of the client's; nil: that one
	Header        http.Header   // added to each request; nil: nothing
}

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
	return fmt.Sprintf("HTTP %d, %d bytes, %d attempts, request id %q", r.StatusCode, len(r.Body), r.Attempts, SafeToken(r.RequestID))
}

// Format prints the facts of the answer under every verb, never its body or
// headers.
func (r Response) Format(f fmt.State, _ rune) { io.WriteString(f, r.line()) } //nolint:errcheck // fmt.State keeps no errors

// LogValue gives log/slog the same facts.
func (r Response) LogValue() slog.Value { return slog.StringValue(r.line()) }

// NewCall applies options; all faults are reported at once.
func NewCall(opts ...CallOption) (Call, error) {
	if len(opts) == 0 {
		return Call{}, nil
	}
	return applyCall(opts)
}

// applyCall is apart so that a call without options costs no allocation.
func applyCall(opts []CallOption) (Call, error) {
	var c Call
	var errs []error
	for _, o := range opts {
		if o == nil {
			errs = append(errs, errors.New("ccr: a nil call option"))
			continue
		}
		if err := o(&c); err != nil {
			errs = append(errs, err)
		}
	}
	return c, errors.Join(errs...)
}

// WithCorrelationID puts an id of the caller's into the log events and the
// error of a call. It is not sent to the vendor. Letters, digits and _.:/-,
// 128 at most.
func WithCorrelationID(id string) CallOption {
	return func(c *Call) error {
		if id == "" || SafeToken(id) == "" {
			return errors.New("ccr: a correlation id is 1 to 128 letters, digits or _.:/-")
		}
		c.CorrelationID = id
		return nil
	}
}

// WithTimeout bounds the whole call, waiting and retries included, on top of
// the deadline of its context.
func WithTimeout(d time.Duration) CallOption {
	return func(c *Call) error {
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
	return func(c *Call) error {
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
	return func(c *Call) error {
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
	return func(c *Call) error {
		if into == nil {
			return errors.New("ccr: CaptureResponse(nil)")
		}
		c.Response = into
		return nil
	}
}

// RouteInfo names what an HTTP request of the SDK is for, for middleware:
// low in cardinality and free of personal data.
type RouteInfo struct {
	Service   string // "accounts", "gateway", "decisioning", "auth"
	Operation string // "UpsertAccounts"
	Template  string // "/v1/account"
	Attempt   int    // 1 for the first request of a call
}

type routeKey struct{}

// RouteSource is implemented by the per-call state that the transport keeps
// in the context, so that reading the route costs no allocation on the way.
type RouteSource interface {
	// RouteInfo names the attempt under way; it may be called at any time.
	RouteInfo() RouteInfo
}

// ContextWithRoute returns a context from which [RouteFromContext] reads.
// The transport calls it; test doubles of middleware may, too.
func ContextWithRoute(ctx context.Context, src RouteSource) context.Context {
	return context.WithValue(ctx, routeKey{}, src)
}

// RouteFromContext returns what the request with this context is for; false
// if it is not a request of this SDK.
func RouteFromContext(ctx context.Context) (RouteInfo, bool) {
	src, ok := ctx.Value(routeKey{}).(RouteSource)
	if !ok {
		return RouteInfo{}, false
	}
	return src.RouteInfo(), true
}
