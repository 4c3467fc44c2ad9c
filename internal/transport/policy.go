package transport

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"io"
	"math/rand/v2"
	"net"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/ccr-sdk/ccr"
)

const (
	drainMax  = 256 << 10       // of an answer that is not wanted, to use its connection again
	drainTime = 2 * time.Second // beyond which a new connection is cheaper
)

// check is the engine's policy. It runs after each attempt, and a second time
// after a final answer was read (or broke off while it was). The engine does
// not say which request it decides on; the context does.
func check(ctx context.Context, resp *http.Response, err error) (bool, error) {
	k := callOf(ctx)
	if k.resp != nil || k.err != nil {
		return false, nil //nolint:nilerr // settled by the answer's handler
	}
	status := 0
	if resp != nil && err == nil {
		if status = resp.StatusCode; status/100 == 2 {
			return false, nil // the handler reads it
		}
	}
	again := k.again(resp, status, err)
	if !again {
		if status == 0 { // no answer that the handler could read
			k.err = k.failure(err)
			k.log(k.err)
		}
		return false, nil
	}
	k.earlierUnknown = k.earlierUnknown || k.unknown(status, err)
	k.between = true
	k.engine.PrepareRetry = k.renew
	k.logRetry(err)
	if status != 0 {
		k.capture(status, resp.Header, nil, k.cur.requestID)
		k.cur.within(drainTime)
		io.Copy(io.Discard, io.LimitReader(resp.Body, drainMax)) //nolint:errcheck // only to use the connection again
		resp.Body.Close()                                        //nolint:errcheck // as above
	}
	return true, nil
}

// backoff hands the engine the wait that check left in its RetryWaitMin.
func backoff(wait, _ time.Duration, _ int, _ *http.Response) time.Duration { return wait }

// again decides whether to make another attempt, and when.
func (k *call) again(resp *http.Response, status int, err error) bool {
	k.engine.RetryWaitMin, k.note = 0, ""
	if k.ctx.Err() != nil {
		return false
	}
	if status == http.StatusUnauthorized && k.cur.auth != nil && k.c.cred != nil {
		return k.replay()
	}
	p := k.policy()
	if k.attempts-k.replays >= p.MaxAttempts || !k.repeatable(resp, status, err) {
		return false
	}
	wait := jittered(p, k.attempts-k.replays)
	if status != 0 {
		if asked, ok := retryAfter(resp.Header, time.Now()); ok {
			if asked > p.MaxRetryAfter {
				k.note = "the server asks for a longer wait than allowed"
				return false // retrying sooner than asked would be worse than the real error now
			}
			if asked > 0 {
				wait = asked
			}
		}
	}
	if deadline, ok := k.ctx.Deadline(); ok && time.Until(deadline) <= wait {
		k.note = "the deadline is too near"
		return false
	}
	if !k.c.budget.take() {
		k.note = "retry budget exhausted"
		return false
	}
	k.engine.RetryWaitMin = wait
	return true
}

// replay decides on the one repetition after a 401, which was refused before
// anything was done. It is outside the count of attempts.
func (k *call) replay() bool {
	if k.replays > 0 {
		if w, ok := k.c.cred.(ReplayWatcher); ok {
			w.RefusedAgain(k.cur.auth())
		}
		return false
	}
	if !k.c.cred.Refused(k.cur.auth()) || k.req.Route.NoAnswerRetry {
		return false
	}
	k.replays++
	return true
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
	return time.Duration(rand.Int64N(max(int64(ceiling)+1, 1)))
}

// repeatable applies the route's class to one failure.
func (k *call) repeatable(resp *http.Response, status int, err error) bool {
	r, class := k.req.Route, k.class()
	if class == Destructive {
		return false
	}
	if status == 0 {
		switch {
		case !transient(err) || k.cur.bodyErr.Load() != nil:
			return false
		case k.cur.answered.Load() && r.NoAnswerRetry:
			return false
		case class == UnsentOnly:
			return !k.cur.connected(err)
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
		return class == Idempotent && !r.NoAnswerRetry
	}
	return false
}

// transient reports whether a failure without an answer may pass.
func transient(err error) bool {
	switch {
	case ours(err), untrusted(err), errors.Is(err, context.Canceled):
		return false
	}
	if p, ok := errors.AsType[*proxyRefusal](err); ok {
		return p.status >= 500 || p.status == http.StatusTooManyRequests || p.status == http.StatusRequestTimeout
	}
	return !invalidHeader(err)
}

// invalidHeader reports whether net/http refused to send the request, for
// which it has no type of error.
func invalidHeader(err error) bool {
	return err != nil && strings.HasPrefix(unwrapURL(err).Error(), "net/http: invalid ")
}

// ours reports whether the SDK itself or the caller's parts ended the attempt.
func ours(err error) bool {
	if errors.Is(err, errOrigin) || errors.Is(err, errLostContext) || stoppedBefore(err) {
		return true
	}
	if byLimiter(err) {
		return true
	}
	if _, ok := errors.AsType[*credentialError](err); ok {
		return true // the token call has done its own retries
	}
	if _, ok := errors.AsType[*sourceError](err); ok {
		return true
	}
	_, ok := errors.AsType[*handlerError](err)
	return ok
}

// untrusted reports whether TLS failed in a way that will not pass: a
// certificate that one side does not accept, or no TLS at all.
func untrusted(err error) bool {
	if _, ok := errors.AsType[*tls.CertificateVerificationError](err); ok {
		return true
	}
	if _, ok := errors.AsType[x509.UnknownAuthorityError](err); ok {
		return true
	}
	if _, ok := errors.AsType[x509.HostnameError](err); ok {
		return true
	}
	if _, ok := errors.AsType[x509.CertificateInvalidError](err); ok {
		return true
	}
	if _, ok := errors.AsType[tls.RecordHeaderError](err); ok {
		return true
	}
	if errors.Is(err, http.ErrSchemeMismatch) {
		return true
	}
	// The type of an alert is not exported, only its text.
	op, ok := errors.AsType[*net.OpError](err)
	return ok && op.Op == "remote error" && slices.Contains(lastingAlerts, op.Err.Error())
}

// lastingAlerts are those of RFC 8446 section 6.2 that speak of a certificate
// or of versions and names, as crypto/tls writes them.
var lastingAlerts = []string{
	"tls: handshake failure", "tls: bad certificate", "tls: unsupported certificate", "tls: revoked certificate",
	"tls: expired certificate", "tls: unknown certificate", "tls: unknown certificate authority", "tls: access denied",
	"tls: protocol version not supported", "tls: insufficient security level", "tls: inappropriate fallback",
	"tls: missing extension", "tls: unsupported extension", "tls: unrecognized name", "tls: unknown PSK identity",
	"tls: certificate required", "tls: no application protocol",
}

// unknown reports whether an attempt that will not be the last may have had
// an effect.
func (k *call) unknown(status int, err error) bool {
	if status != 0 {
		return outcomeOf(status) == ccr.OutcomeUnknown
	}
	return k.cur.delivered(err)
}
