package ccr

import (
	"context"
	"errors"
	"net/http"
	"time"

	"github.com/ccr-sdk/ccr/internal/option"
)

// RetryPolicy says how often and how patiently failed requests are repeated.
// What may be repeated at all is fixed by each route: reads and idempotent
// writes after any transient failure, creates and uploads only if nothing was
// sent, destructive calls never.
//
// Zero fields have the documented defaults.
type RetryPolicy struct {
	// MaxAttempts is the number of requests a call may make in all.
	// Default 4; 1 switches retries off.
	MaxAttempts int
	// BaseDelay is the first back-off; it doubles up to MaxDelay, and each
	// wait is drawn evenly from zero to it (full jitter). Default 500 ms.
	BaseDelay time.Duration
	// MaxDelay caps one back-off. Default 30 s.
	MaxDelay time.Duration
	// MaxRetryAfter is the longest wait a server may ask for. If it asks for
	// more, the call fails at once with its real error. Default 2 min.
	MaxRetryAfter time.Duration
	// AttemptTimeout ends an attempt in which no byte of the request or the
	// answer has moved for this long, so that large bodies are not cut off
	// while they flow. Default 60 s.
	//
	// A body that moves at less than 1 KiB a second on average over this time
	// ends the attempt, too; only waiting for the network counts. What the
	// system's buffers took of a request counts as moved, and no more moves
	// until they drain: on a line that needs longer than this time for its
	// buffers (some MiB at 24 KiB a second and less), raise it.
	AttemptTimeout time.Duration
	// Budget is the number of retries that all calls of a client may make in
	// a burst; ten answered calls earn one back. It stops a retry storm when
	// a vendor is down. Default 20; negative means no budget.
	Budget int
}

// WithDefaults returns the policy with its zero fields filled in.
func (p RetryPolicy) WithDefaults() RetryPolicy {
	d := func(v *time.Duration, def time.Duration) {
		if *v == 0 {
			*v = def
		}
	}
	if p.MaxAttempts == 0 {
		p.MaxAttempts = 4
	}
	d(&p.BaseDelay, 500*time.Millisecond)
	d(&p.MaxDelay, 30*time.Second)
	d(&p.MaxRetryAfter, 2*time.Minute)
	d(&p.AttemptTimeout, time.Minute)
	if p.Budget == 0 {
		p.Budget = 20
	}
	return p
}

// Validate refuses negative values (Budget apart).
func (p RetryPolicy) Validate() error {
	if p.MaxAttempts < 0 || p.BaseDelay < 0 || p.MaxDelay < 0 || p.MaxRetryAfter < 0 || p.AttemptTimeout < 0 {
		return errors.New("ccr: a retry policy has no negative values (Budget apart)")
	}
	return nil
}

// Limiter makes a client wait before a request. *rate.Limiter of
// golang.org/x/time/rate fits, and so does one that a fleet shares.
// Wait returns when the request may go out, or with the context's error.
type Limiter interface {
	// Wait is called before every attempt, retries included, by many goroutines at
	// once.
	Wait(ctx context.Context) error
}

// NoLimit is a [Limiter] that never waits; it switches a default off.
func NoLimit() Limiter { return noLimit{} }

type noLimit struct{}

func (noLimit) Wait(context.Context) error { return nil }

// Middleware wraps the HTTP transport of a client. It sees every attempt,
// retries and token calls included, with the request's context, from which
// [RouteFromContext] reads what is being called. The Authorization header is
// attached further in, where no middleware sees it; a request that it sends
// to another origin is refused. It must be safe for concurrent use.
type Middleware func(next http.RoundTripper) http.RoundTripper

// RouteInfo names what an HTTP request of the SDK is for, for middleware:
// low in cardinality and free of personal data.
type RouteInfo struct {
	Service   string // "accounts", "gateway", "decisioning", "auth"
	Operation string // "UpsertAccounts"
	Template  string // "/v1/account"
	Attempt   int    // 1 for the first request of a call
}

// RouteFromContext returns what the request with this context is for; false
// if it is not a request of this SDK.
func RouteFromContext(ctx context.Context) (RouteInfo, bool) {
	src, ok := ctx.Value(option.RouteKey{}).(interface{ RouteInfo() RouteInfo })
	if !ok {
		return RouteInfo{}, false
	}
	return src.RouteInfo(), true
}
