package transport

import (
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/url"
	"runtime"
	"slices"
	"time"

	"github.com/ccr-sdk/ccr"
	"github.com/ccr-sdk/ccr/internal/option"
)

// Config is what a service says of itself.
type Config struct {
	Service        string
	DefaultBaseURL string     // "" if none is published: WithBaseURL is then required
	Credential     Credential // nil: the service authenticates in the body
	DefaultLimiter ccr.Limiter
	// Members are those of the service's requests, by their folded names
	// ([MembersOf]): of a path in a refusal, nothing else is shown.
	Members func() map[string]string
	// ForbiddenMayBeLimit: the vendor answers 403 for limits, too.
	ForbiddenMayBeLimit bool
}

// Client sends requests of one service. It is safe for concurrent use.
type Client struct {
	cfg     Config
	base    *url.URL
	origin  string
	cred    Credential
	limiter ccr.Limiter
	log     *slog.Logger
	retry   ccr.RetryPolicy
	budget  *budget
	env     string
	lease   ccr.LeasePolicy
	http    *http.Client
	whole   time.Duration // what the caller's http.Client gives an attempt; 0: no end
	wrapped bool          // there is middleware
	derived bool          // it calls a token endpoint for another client
	traced  bool          // the caller's transport is net/http's, which speaks httptrace

	userAgent, accept []string // header values, shared by all requests
}

// New makes a client. It does no I/O.
func New(cfg Config, opts ...ccr.Option) (*Client, error) {
	s, err := option.NewSettings(opts...)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", cfg.Service, err)
	}
	base := s.BaseURL
	if base == nil {
		if cfg.DefaultBaseURL == "" {
			return nil, fmt.Errorf("%s: no base URL is published; set ccr.WithBaseURL", cfg.Service)
		}
		if base, err = option.ParseBaseURL(cfg.DefaultBaseURL); err != nil {
			return nil, fmt.Errorf("%s: %w", cfg.Service, err)
		}
	}
	c := &Client{
		cfg: cfg, base: base, origin: Origin(base), cred: cfg.Credential,
		limiter: s.Limiter, log: s.Logger, retry: s.Retry.WithDefaults(), env: s.Environment, lease: s.Lease,
		wrapped: len(s.Middleware) > 0,
		accept:  []string{"application/json, application/problem+json"},
	}
	if c.limiter == nil {
		c.limiter = cfg.DefaultLimiter
	}
	if c.log == nil {
		c.log = slog.New(slog.DiscardHandler)
	}
	agent := "ccr-go/" + ccr.Version + " (" + runtime.Version() + ")"
	if s.Application != "" {
		agent = s.Application + " " + agent
	}
	c.userAgent = []string{agent}
	if s.HTTPClient != nil {
		c.whole = max(s.HTTPClient.Timeout, 0)
	}
	rt := callersTransport(s)
	_, c.traced = rt.(*http.Transport)
	if rt, err = pipeline(rt, s.Middleware); err != nil {
		return nil, fmt.Errorf("%s: %w", cfg.Service, err)
	}
	c.http = &http.Client{Transport: rt}
	if s.HTTPClient != nil {
		c.http.Jar = s.HTTPClient.Jar
	}
	c.own()
	if c.cred != nil {
		b := Binding{Service: cfg.Service, Origin: c.origin, Derive: c.derive, Logger: c.log}
		if err := c.cred.Bind(b); err != nil {
			return nil, fmt.Errorf("%s: %w", cfg.Service, err)
		}
	}
	return c, nil
}

// own gives a client what it does not share with those derived from it.
func (c *Client) own() {
	c.budget = newBudget(c.retry.Budget)
	h := *c.http
	h.CheckRedirect = c.checkRedirect
	c.http = &h
}

func (c *Client) derive(service string, base *url.URL) *Client {
	d := *c
	d.cfg = Config{Service: service}
	d.base, d.origin = base, Origin(base)
	d.cred, d.limiter, d.derived = nil, nil, true
	d.own()
	return &d
}

// callersTransport is what requests go out through.
func callersTransport(s *settings) http.RoundTripper {
	switch {
	case s.HTTPClient == nil:
		return newTransport()
	case s.HTTPClient.Transport != nil:
		return s.HTTPClient.Transport
	}
	return http.DefaultTransport
}

// pipeline puts our transports around the caller's: what happens once per
// attempt, the middleware, the guard.
func pipeline(rt http.RoundTripper, middleware []ccr.Middleware) (http.RoundTripper, error) {
	g := &guard{next: rt}
	if t, ok := rt.(*http.Transport); ok {
		g.fresh = t.Clone()
		g.fresh.DisableKeepAlives = true
	}
	rt = g
	for _, m := range slices.Backward(middleware) {
		if rt = m(rt); rt == nil {
			return nil, errors.New("a middleware returned no transport")
		}
	}
	// Nothing of ours has CloseIdleConnections, so that the engine, which
	// calls it after each failure, cannot close the caller's pool.
	return &outer{rt}, nil
}

// newTransport is the standard one with room for concurrent calls to one host.
func newTransport() http.RoundTripper {
	t := &http.Transport{
		Proxy: http.ProxyFromEnvironment, ForceAttemptHTTP2: true,
		IdleConnTimeout: 90 * time.Second, TLSHandshakeTimeout: 10 * time.Second,
	}
	if std, ok := http.DefaultTransport.(*http.Transport); ok {
		t = std.Clone()
	}
	t.MaxIdleConnsPerHost = 32
	tune(t)
	return t
}

// tune makes a transport of our own tell what it would hide. Without pings, a
// connection of HTTP/2 that went silent is used for every further request, each
// of which runs into its timeout.
func tune(t *http.Transport) {
	if t.HTTP2 == nil {
		t.HTTP2 = &http.HTTP2Config{SendPingTimeout: 15 * time.Second, PingTimeout: 15 * time.Second}
	}
	if t.OnProxyConnectResponse == nil {
		t.OnProxyConnectResponse = proxyAnswer
	}
}

// maxRedirects is how many redirects one read follows.
const maxRedirects = 5

// checkRedirect follows a redirect only for a read, on the same origin.
func (c *Client) checkRedirect(req *http.Request, via []*http.Request) error {
	read := via[0].Method == http.MethodGet || via[0].Method == http.MethodHead
	if !read || len(via) > maxRedirects || !c.ownsURL(req.URL) {
		return http.ErrUseLastResponse
	}
	return nil
}

// Format keeps the client's inside out of every printed form.
func (c Client) Format(f fmt.State, _ rune) { io.WriteString(f, c.cfg.Service+" client") } //nolint:errcheck // fmt.State keeps no errors

// BaseURL returns the URL that routes are relative to; it must not be changed.
func (c *Client) BaseURL() *url.URL { return c.base }

// Environment returns the name that keeps ledgers and journals apart.
func (c *Client) Environment() string { return c.env }

// Lease is how long claims on ledger entries hold.
func (c *Client) Lease() ccr.LeasePolicy { return c.lease }

// Logger returns the client's logger; never nil.
func (c *Client) Logger() *slog.Logger { return c.log }

// Service returns the name of the service.
func (c *Client) Service() string { return c.cfg.Service }
