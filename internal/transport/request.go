package transport

import (
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/ccr-sdk/ccr"
	"github.com/ccr-sdk/ccr/internal/option"
)

const (
	// MaxErrorBody caps the body of an answer that is not a success.
	MaxErrorBody = 1 << 20
	// MaxBody caps a success that is held in memory, unless a request says otherwise.
	MaxBody = 64 << 20
)

// Call is what the options of one call add up to.
type Call = option.Call[ccr.Response, ccr.RetryPolicy]

// settings is what the options of a client add up to.
type settings = option.Settings[ccr.RetryPolicy, ccr.Limiter, ccr.Middleware, ccr.LeasePolicy]

// Request is one call of a route.
type Request struct {
	Route    *Route
	PathArgs []string
	Query    string   // encoded; it never reaches a log or an error
	URL      *url.URL // instead of the route's path: a status URI, on the same origin
	Body     Body
	Header   http.Header // added to the request; rarely needed
	Call     Call
	// Authorization, of a client without a credential, is attached where one
	// would be: by the guard. It is behind a closure, where no printer finds it.
	Authorization func() string
	Secrets       []string // an id or code that repeats one is not shown
	MaxBody       int64    // cap of a buffered success; 0: MaxBody
	Once          bool     // this request of an idempotent route is unsent-only: it may message people
	// Stream, if set, reads a success as it arrives instead of having it
	// buffered. It is called again from the start when an idempotent route is
	// retried after the answer broke off. An error that it returns from a
	// read of the body must wrap that read's error.
	Stream func(*Response, io.Reader) error
}

// Response is an answer with a success status.
type Response struct {
	StatusCode int
	Header     http.Header
	URL        *url.URL // of the request that was answered
	Body       []byte   // nil when streamed
	RequestID  string
	Attempts   int
	RetryAfter time.Duration // if the answer asked for one; capped by the policy
	// EarlierUnknown: an attempt before this one was sent and never answered.
	EarlierUnknown bool

	url   url.URL // what URL points to, so that a response keeps no request alive
	shown func(string) string
}

// Shown returns what the vendor wrote into an id or a code, or nothing if it
// repeats something of the request.
func (r *Response) Shown(s string) string {
	if r.shown == nil {
		return ""
	}
	return r.shown(s)
}

// resolve builds the URL and refuses what must not be sent.
func (k *call) resolve() *ccr.Error {
	var f ccr.Faults
	if k.req.URL != nil {
		k.url = *k.req.URL
		if !k.c.ownsURL(&k.url) {
			f.Add("url", "is not on the configured origin; the credential was withheld")
		}
	} else {
		k.path(&f)
	}
	if k.req.Body.Length < 0 {
		f.Add("body", "has no known length")
	}
	err := f.Err(k.c.cfg.Service, k.req.Route.Operation)
	if err == nil {
		return nil
	}
	e := k.newError()
	e.Outcome, e.Classes = ccr.OutcomeNotSent, []error{ccr.ErrInvalid}
	if faults, ok := errors.AsType[*ccr.Error](err); ok {
		e.Fields = faults.Fields
	}
	if k.req.URL != nil && !k.c.ownsURL(&k.url) {
		e.Advice = "If the vendor moved, configure the new host with WithBaseURL"
	}
	return e
}

// path fills in the route's template below the base URL.
func (k *call) path(f *ccr.Faults) {
	base := k.c.base
	k.url = *base
	k.url.RawQuery = k.req.Query
	path, escaped := k.req.Route.expand(base, k.req.PathArgs, f)
	if !escaped {
		k.url.Path = path
		return
	}
	un, err := url.PathUnescape(path)
	if err != nil {
		f.Add("path", "cannot be built")
	}
	k.url.Path, k.url.RawPath = un, path
}

var identityEncoding = []string{"identity"}

// header makes a map of its own for each attempt: the transport may still be
// reading the one of an attempt that was given up.
func (k *call) header() http.Header {
	h := make(http.Header, 5+len(k.req.Header))
	h["User-Agent"] = k.c.userAgent
	h["Accept"] = k.c.accept
	if ct := k.req.Body.ContentType; ct != "" {
		h["Content-Type"] = []string{ct}
	}
	if k.req.Stream != nil {
		h["Accept-Encoding"] = identityEncoding // net/http would unpack it, whatever comes of it
	}
	for _, more := range []http.Header{k.req.Header, k.req.Call.Header} {
		for name, v := range more {
			h[http.CanonicalHeaderKey(name)] = slices.Clip(v)
		}
	}
	return h
}

// Format keeps arguments, query and body out of every printed form.
func (r Request) Format(f fmt.State, _ rune) {
	name := "request"
	if r.Route != nil {
		name = r.Route.String()
	}
	io.WriteString(f, name) //nolint:errcheck // fmt.State keeps no errors
}

// String keeps headers, URL and body out.
func (r Response) String() string {
	return strings.TrimSpace("HTTP " + strconv.Itoa(r.StatusCode) + " " + r.RequestID)
}

// Format keeps headers, URL and body out of every printed form.
func (r Response) Format(f fmt.State, _ rune) { io.WriteString(f, r.String()) } //nolint:errcheck // fmt.State keeps no errors

// MarshalText keeps headers, URL and body out of encoders.
func (r Response) MarshalText() ([]byte, error) { return []byte(r.String()), nil }
