// Package option is what the options of clients and calls add up to. Its
// types take those of package ccr as parameters, so that ccr defines options
// by them and the service packages read them, and users see neither.
package option

import (
	"errors"
	"log/slog"
	"net/http"
	"net/url"
	"strings"
	"time"
)

// Settings is what the options of a client add up to.
type Settings[Retry, Limiter, Middleware, Lease any] struct {
	BaseURL     *url.URL     // nil: the service's published production URL
	HTTPClient  *http.Client // nil: one with the SDK's own transport; never modified
	Retry       Retry        // zero fields have their defaults
	Limiter     Limiter      // nil: the service's default
	Logger      *slog.Logger // nil: no events
	Middleware  []Middleware // outermost first
	Application string       // product token for the User-Agent
	Environment string       // "production" unless set; part of every ledger key
	Lease       Lease        // of claims on ledger entries; zero fields have their defaults
}

// Call is what the options of one call add up to.
type Call[Response, Retry any] struct {
	CorrelationID string        // for logs and errors only; "": none
	Timeout       time.Duration // for the whole call with its retries; 0: that of the context alone
	Response      *Response     // filled in with the last answer; nil: not captured
	Retry         *Retry        // instead of the client's; nil: that one
	Header        http.Header   // added to each request; nil: nothing
}

// RouteKey is the key of the value of a request's context that names its route.
type RouteKey struct{}

// NewSettings applies options in order; later ones win. All faults are
// reported at once.
func NewSettings[R, L, M, P any, O ~func(*Settings[R, L, M, P]) error](opts ...O) (*Settings[R, L, M, P], error) {
	s := &Settings[R, L, M, P]{Environment: "production"}
	return s, apply(s, opts)
}

// NewCall applies options; all faults are reported at once.
func NewCall[R, P any, O ~func(*Call[R, P]) error](opts ...O) (Call[R, P], error) {
	if len(opts) == 0 { // such a call costs no allocation
		return Call[R, P]{}, nil
	}
	return applyCall[R, P](opts)
}

func applyCall[R, P any, O ~func(*Call[R, P]) error](opts []O) (Call[R, P], error) {
	var c Call[R, P]
	err := apply(&c, opts)
	return c, err
}

func apply[T any, O ~func(*T) error](to *T, opts []O) error {
	var errs []error
	for _, o := range opts {
		if o == nil {
			errs = append(errs, errors.New("ccr: a nil option"))
			continue
		}
		if err := o(to); err != nil {
			errs = append(errs, err)
		}
	}
	return errors.Join(errs...)
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
