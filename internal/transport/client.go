// Package transport is the one HTTP pipeline of the SDK: routes as data,
// retry classes, bodies of known length, credentials on their own origin,
// capped answers, and errors that say what is known about the outcome.
//
// The order of duties for one attempt is: limiter, credential, attempt
// timeout, the caller's middleware, the origin guard (which attaches the
// credential), the caller's transport. The retry engine around it is
// go-retryablehttp with every default replaced.
package transport

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"math"
	"net/http"
	"net/url"
	"runtime"
	"strings"
	"time"

	"github.com/hashicorp/go-retryablehttp"

	"github.com/ccr-sdk/ccr"
)

const (
	// MaxErrorBody caps the body of an answer that is not a success.
	MaxErrorBody = 1 << 20
	// MaxBody caps a success that is held in memory, unless a request says otherwise.
	MaxBody = 64 << 20
)

// Config is what a service says of itself.
type Config struct {
	Service        string
	DefaultBaseURL string     // "" if none is published: WithBaseURL is then required
	Credential     Credential // nil: the service authenticates in the body
	DefaultLimiter ccr.Limiter
	// ForbiddenMayBeLimit: the vendor answers 403 for limits, too.
	ForbiddenMayBeLimit bool
}

// Client sends requests of one service. It is safe for concurrent use.
type Client struct {
	cfg       Config
	base      *url.URL
	origin    string
	cred      Credential
	limiter   ccr.Limiter
	log       *slog.Logger
	retry     ccr.RetryPolicy
	budget    *budget
	userAgent string
	env       string
	http      *http.Client
}

// New makes a client. It does no I/O.
func New(cfg Config, opts ...ccr.Option) (*Client, error) {
	s, err := ccr.NewSettings(opts...)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", cfg.Service, err)
	}
	base := s.BaseURL
	if base == nil {
		if cfg.DefaultBaseURL == "" {
			return nil, fmt.Errorf("%s: no base URL is published; set ccr.WithBaseURL", cfg.Service)
		}
		if base, err = ccr.ParseBaseURL(cfg.DefaultBaseURL); err != nil {
			return nil, fmt.Errorf("%s: %w", cfg.Service, err)
		}
	}
	c := &Client{
		cfg: cfg, base: base, origin: Origin(base), cred: cfg.Credential,
		limiter: s.Limiter, log: s.Logger, retry: s.Retry.WithDefaults(), env: s.Environment,
		userAgent: "ccr-go/" + ccr.Version + " (" + runtime.Version() + ")",
	}
	if c.limiter == nil {
		c.limiter = cfg.DefaultLimiter
	}
	if c.log == nil {
		c.log = slog.New(slog.DiscardHandler)
	}
	if s.Application != "" {
		c.userAgent = s.Application + " " + c.userAgent
	}
	c.http = httpClient(s)
	c.start()
	if c.cred != nil {
		b := Binding{Service: cfg.Service, Origin: c.origin, Derive: c.derive, Logger: c.log}
		if err := c.cred.Bind(b); err != nil {
			return nil, fmt.Errorf("%s: %w", cfg.Service, err)
		}
	}
	return c, nil
}

// start sets up what belongs to this client alone: its origin guard stays
// innermost, below any middleware.
func (c *Client) start() {
	c.budget = newBudget(c.retry.Budget)
	h := *c.http
	h.CheckRedirect = c.checkRedirect
	c.http = &h
}

// engineFor is the retry engine of one call: its callbacks are not told which
// request they decide on, so each call has its own. It holds no connection.
func (c *Client) engineFor(k *call) *retryablehttp.Client {
	return &retryablehttp.Client{
		HTTPClient:   c.http,
		RetryMax:     math.MaxInt32, // the policy counts attempts itself
		CheckRetry:   k.check,
		Backoff:      k.backoff,
		ErrorHandler: retryablehttp.PassthroughErrorHandler,
	}
}

func (c *Client) derive(service string, base *url.URL) *Client {
	d := *c
	d.cfg = Config{Service: service}
	d.base, d.origin = base, Origin(base)
	d.cred, d.limiter = nil, nil
	d.start()
	return &d
}

// httpClient builds our own client around the caller's transport.
func httpClient(s *ccr.Settings) *http.Client {
	own := &http.Client{}
	var rt http.RoundTripper
	if s.HTTPClient != nil {
		own.Jar, own.Timeout, rt = s.HTTPClient.Jar, s.HTTPClient.Timeout, s.HTTPClient.Transport
	}
	if rt == nil {
		if s.HTTPClient != nil {
			rt = http.DefaultTransport
		} else {
			rt = newTransport()
		}
	}
	rt = &guard{rt}
	for i := len(s.Middleware) - 1; i >= 0; i-- {
		rt = s.Middleware[i](rt)
	}
	own.Transport = &outer{rt}
	return own
}

// newTransport is the standard one with room for concurrent calls to one host.
func newTransport() http.RoundTripper {
	if std, ok := http.DefaultTransport.(*http.Transport); ok {
		t := std.Clone()
		t.MaxIdleConnsPerHost = 32
		return t
	}
	return &http.Transport{
		Proxy: http.ProxyFromEnvironment, ForceAttemptHTTP2: true,
		MaxIdleConnsPerHost: 32, IdleConnTimeout: 90 * time.Second, TLSHandshakeTimeout: 10 * time.Second,
	}
}

// checkRedirect follows a redirect only for a read, on the same origin.
func (c *Client) checkRedirect(req *http.Request, via []*http.Request) error {
	read := via[0].Method == http.MethodGet || via[0].Method == http.MethodHead
	if !read || len(via) > 5 || Origin(req.URL) != c.origin {
		return http.ErrUseLastResponse
	}
	return nil
}

// BaseURL returns the URL that routes are relative to; it must not be changed.
func (c *Client) BaseURL() *url.URL { return c.base }

// Environment returns the name that keeps ledgers and journals apart.
func (c *Client) Environment() string { return c.env }

// Logger returns the client's logger; never nil.
func (c *Client) Logger() *slog.Logger { return c.log }

// Service returns the name of the service.
func (c *Client) Service() string { return c.cfg.Service }

// Request is one call of a route.
type Request struct {
	Route    *Route
	PathArgs []string
	Query    string   // encoded; it never reaches a log or an error
	URL      *url.URL // instead of the route's path: a status URI, on the same origin
	Body     Body
	Header   http.Header // added to the request; rarely needed
	Call     ccr.Call
	MaxBody  int64 // cap of a buffered success; 0: MaxBody
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
}

// Do sends a request, with retries. Every error is an *ccr.Error.
func (c *Client) Do(ctx context.Context, req *Request) (*Response, error) {
	k := &call{c: c, req: req}
	u, err := k.target()
	if err != nil {
		return nil, err
	}
	if req.Call.Timeout > 0 {
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeout(ctx, req.Call.Timeout)
		defer cancel()
	}
	hr := &http.Request{
		Method: req.Route.Method, URL: u, Host: u.Host, Header: c.header(req),
		Proto: "HTTP/1.1", ProtoMajor: 1, ProtoMinor: 1,
	}
	r := &retryablehttp.Request{Request: hr.WithContext(&callContext{ctx, k})}
	if req.Body.Open != nil {
		if err := r.SetBody(retryablehttp.ReaderFunc(k.openBody)); err != nil {
			return nil, k.failure(err)
		}
		r.ContentLength = req.Body.Length
	}
	r.SetResponseHandler(k.handle)
	k.ctx = ctx
	resp, err := c.engineFor(k).Do(r)
	if err == nil && k.resp != nil {
		c.budget.earn()
		return k.capture(k.resp), nil
	}
	if resp != nil {
		resp.Body.Close() //nolint:errcheck // nothing more is read from it
	}
	if k.err == nil { // the context ended while waiting for the next attempt
		k.err = k.failure(err)
	}
	if k.err.StatusCode != 0 && k.err.StatusCode < 500 && k.err.StatusCode != http.StatusTooManyRequests {
		c.budget.earn()
	}
	return nil, k.err
}

// target builds the URL and refuses what must not be sent.
func (k *call) target() (*url.URL, error) {
	c, req := k.c, k.req
	if req.URL != nil {
		if Origin(req.URL) != c.origin || req.URL.User != nil {
			return nil, &ccr.Error{
				Service: c.cfg.Service, Operation: req.Route.Operation, Route: req.Route.String(),
				Outcome: ccr.OutcomeNotSent, Classes: []error{ccr.ErrInvalid}, CorrelationID: req.Call.CorrelationID,
				Fields: []ccr.FieldError{{Path: "url", Message: "is not on the configured origin; the credential was withheld"}},
				Advice: "If the vendor moved, configure the new host with WithBaseURL.",
			}
		}
		return req.URL, nil
	}
	var f ccr.Faults
	path := req.Route.expand(req.PathArgs, &f)
	if err := f.Err(c.cfg.Service, req.Route.Operation); err != nil {
		return nil, err
	}
	u := *c.base
	u.RawQuery = req.Query
	if !strings.Contains(path, "%") {
		u.Path = c.base.Path + path
		return &u, nil
	}
	u.RawPath = c.base.EscapedPath() + path
	un, err := url.PathUnescape(u.RawPath)
	if err != nil {
		return nil, k.failure(errors.New("the path cannot be built"))
	}
	u.Path = un
	return &u, nil
}

func (c *Client) header(req *Request) http.Header {
	h := make(http.Header, 5+len(req.Header))
	h["User-Agent"] = []string{c.userAgent}
	h["Accept"] = []string{"application/json, application/problem+json"}
	if req.Body.ContentType != "" {
		h["Content-Type"] = []string{req.Body.ContentType}
	}
	for name, v := range req.Header {
		h[http.CanonicalHeaderKey(name)] = v
	}
	return h
}

// openBody opens the source for an attempt; the engine asks once before the
// first attempt for a length that we set ourselves.
func (k *call) openBody() (io.Reader, error) {
	if !k.probed {
		k.probed = true
		return probe{}, nil
	}
	r, err := k.req.Body.Open()
	if err != nil {
		return nil, &sourceError{err}
	}
	return r, nil
}

// capture fills the caller's CaptureResponse.
func (k *call) capture(r *Response) *Response {
	if into := k.req.Call.Response; into != nil {
		*into = ccr.Response{StatusCode: r.StatusCode, Header: r.Header, Body: r.Body, RequestID: r.RequestID, Attempts: r.Attempts}
	}
	return r
}
