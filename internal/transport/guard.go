package transport

import (
	"errors"
	"net/http"
	"net/url"
	"slices"
	"strings"
)

var (
	errOrigin      = errors.New("the request would leave the API's origin; the credential was withheld and nothing was sent")
	errLostContext = errors.New("a middleware sent a request without the context of the one it was given; nothing was sent")
)

// guard is the innermost transport, below the caller's middleware: it lets a
// request out only to its client's origin, once, and attaches the credential
// there.
type guard struct {
	next  http.RoundTripper
	fresh *http.Transport // for what must not go out twice: next without kept connections; nil: not to be had
}

func (g *guard) RoundTrip(req *http.Request) (*http.Response, error) {
	a := attemptOf(req.Context())
	if a == nil {
		return nil, refuse(req, errLostContext)
	}
	if !a.k.c.owns(req) {
		return nil, refuse(req, errOrigin)
	}
	out := req
	if a.auth != nil {
		name, value := a.authName, []string{a.auth()}
		if !a.k.c.wrapped { // the map is this attempt's alone, and nobody sees it
			req.Header[name] = value
		} else {
			r := *req
			r.Header = make(http.Header, len(req.Header)+1)
			for n, v := range req.Header {
				r.Header[n] = slices.Clip(v)
			}
			r.Header[name] = value
			out = &r
		}
	}
	next := g.next
	if g.fresh != nil && a.k.once() {
		next = g.fresh
	}
	resp, err := a.send(next, out)
	if err != nil {
		if next == g.fresh { // it is ours alone; this ends a dial that nobody waits for
			g.fresh.CloseIdleConnections()
		}
		return nil, wireCause(err)
	}
	if resp != nil {
		resp.Request = req // the caller's middleware must not find the credential there
	}
	return resp, nil
}

// owns reports whether a request goes to the client's origin, by its URL and
// by its Host header: hosts behind one front are told apart by the latter.
func (c *Client) owns(req *http.Request) bool {
	if !c.ownsURL(req.URL) {
		return false
	}
	return req.Host == "" || req.Host == req.URL.Host || Origin(&url.URL{Scheme: req.URL.Scheme, Host: req.Host}) == c.origin
}

// ownsURL reports whether a URL is on the client's origin.
func (c *Client) ownsURL(u *url.URL) bool {
	if u == nil || u.User != nil || u.Opaque != "" {
		return false
	}
	return u.Scheme == c.base.Scheme && u.Host == c.base.Host || Origin(u) == c.origin
}

// refuse ends a request that must not go out.
func refuse(req *http.Request, err error) error {
	if req.Body != nil {
		req.Body.Close() //nolint:errcheck // nothing of it was sent
	}
	return err
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
