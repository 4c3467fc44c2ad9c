package transport

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"io"
	"log/slog"
	"math/rand/v2"
	"net/http"
	"time"

	"github.com/ccr-sdk/ccr"
)

// check is the engine's policy. It runs after each attempt, and a second time
// after a success was read (or broke off while it was).
func (k *call) check(_ context.Context, resp *http.Response, err error) (bool, error) {
	if k.resp != nil || k.err != nil { // settled by the answer's handler
		return false, nil
	}
	status := 0
	if resp != nil && err == nil {
		if status = resp.StatusCode; status/100 == 2 {
			return false, nil // the handler reads it
		}
	}
	again, wait := k.again(resp, status, err)
	if !again {
		if status == 0 { // no answer that the handler could read
			k.err = k.failure(err)
			k.log(0, k.err)
		}
		return false, nil
	}
	k.earlierUnknown = k.earlierUnknown || k.unknown(status, err)
	k.wait, k.status = wait, status
	k.log(status, err)
	if status != 0 {
		io.Copy(io.Discard, io.LimitReader(resp.Body, 256<<10)) //nolint:errcheck // only to reuse the connection
	}
	return true, nil
}

// backoff hands the engine the wait that check decided on.
func (k *call) backoff(_, _ time.Duration, _ int, _ *http.Response) time.Duration { return k.wait }

// again decides whether to make another attempt, and when.
func (k *call) again(resp *http.Response, status int, err error) (bool, time.Duration) {
	p := k.c.retry
	if k.ctx.Err() != nil {
		return false, 0
	}
	if status == http.StatusUnauthorized && !k.replayed && k.c.cred != nil && k.cur.auth != "" {
		// Refused before anything was done: one replay with a new credential,
		// outside the count of attempts.
		k.replayed = true
		return k.c.cred.Refused(k.cur.auth), 0
	}
	if k.attempts >= p.MaxAttempts || !k.repeatable(resp, status, err) {
		return false, 0
	}
	wait := jittered(p, k.attempts)
	if status != 0 {
		if asked, ok := retryAfter(resp.Header, time.Now()); ok {
			if asked > p.MaxRetryAfter {
				return false, 0 // retrying sooner than asked would be worse than the real error now
			}
			wait = asked
		}
	}
	if deadline, ok := k.ctx.Deadline(); ok && time.Until(deadline) <= wait {
		return false, 0
	}
	if !k.c.budget.take() {
		k.c.log.LogAttrs(k.ctx, slog.LevelWarn, "retry budget exhausted", slog.String("service", k.c.cfg.Service), slog.String("operation", k.req.Route.Operation))
		return false, 0
	}
	return true, wait
}

// jittered draws the back-off after the n-th attempt: evenly from zero to a
// ceiling that doubles.
func jittered(p ccr.RetryPolicy, n int) time.Duration {
	ceiling := p.MaxDelay
	if shift := n - 1; shift < 30 && p.BaseDelay < p.MaxDelay>>shift {
		ceiling = p.BaseDelay << shift
	}
	if ceiling <= 0 {
		return 0
	}
	return rand.N(ceiling + 1)
}

// repeatable applies the route's class to one failure.
func (k *call) repeatable(resp *http.Response, status int, err error) bool {
	r := k.req.Route
	if r.Class == Destructive {
		return false
	}
	if status == 0 {
		switch {
		case !transient(err) || k.cur.bodyErr.Load() != nil:
			return false
		case r.Class == UnsentOnly:
			return !k.cur.gotConn.Load()
		}
		return true
	}
	switch status {
	case http.StatusTooManyRequests:
		return !r.NoAnswerRetry
	case http.StatusForbidden:
		// A vendor that answers 403 for limits means a limit if it says when
		// to come back.
		_, asked := retryAfter(resp.Header, time.Now())
		return asked && k.c.cfg.ForbiddenMayBeLimit && !r.NoAnswerRetry
	case http.StatusRequestTimeout, http.StatusTooEarly, http.StatusInternalServerError,
		http.StatusBadGateway, http.StatusServiceUnavailable, http.StatusGatewayTimeout:
		return r.Class == Idempotent
	}
	return false
}

// transient reports whether a failure without an answer may pass.
func transient(err error) bool {
	if _, ok := errors.AsType[*tls.CertificateVerificationError](err); ok {
		return false
	}
	if _, ok := errors.AsType[x509.UnknownAuthorityError](err); ok {
		return false
	}
	if _, ok := errors.AsType[x509.HostnameError](err); ok {
		return false
	}
	if _, ok := errors.AsType[*limiterError](err); ok {
		return false
	}
	if _, ok := errors.AsType[*credentialError](err); ok {
		return false // the token call has done its own retries
	}
	if _, ok := errors.AsType[*sourceError](err); ok {
		return false
	}
	if _, ok := errors.AsType[*handlerError](err); ok {
		return false
	}
	return !errors.Is(err, errOrigin) && !errors.Is(err, context.Canceled)
}

// unknown reports whether an attempt that will not be the last may have had
// an effect.
func (k *call) unknown(status int, err error) bool {
	if status != 0 {
		return outcomeOf(status) == ccr.OutcomeUnknown
	}
	return k.sent(err)
}

// sent reports whether the vendor may have got the whole request.
func (k *call) sent(err error) bool {
	if k.cur == nil || !k.cur.gotConn.Load() {
		return false
	}
	if k.cur.bodyErr.Load() != nil && k.cur.bodySent.Load() < k.req.Body.Length {
		return false // our own source failed: a shortened body is never a request
	}
	return true
}

// The failures of our own making that end a call at once.
type (
	limiterError    struct{ err error } // the limiter would not let the request go
	credentialError struct{ err error } // no credential could be had
	sourceError     struct{ err error } // the body's source failed
	handlerError    struct{ err error } // a success could not be understood
)

func (e *limiterError) Error() string    { return "limiter: " + e.err.Error() }
func (e *limiterError) Unwrap() error    { return e.err }
func (e *credentialError) Error() string { return "credential: " + e.err.Error() }
func (e *credentialError) Unwrap() error { return e.err }
func (e *sourceError) Error() string     { return "body: " + e.err.Error() }
func (e *sourceError) Unwrap() error     { return e.err }
func (e *handlerError) Error() string    { return "answer: " + e.err.Error() }
func (e *handlerError) Unwrap() error    { return e.err }
