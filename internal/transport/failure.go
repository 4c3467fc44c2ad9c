package transport

import (
	"cmp"
	"context"
	"errors"
	"net"
	"net/http"
	"time"

	"github.com/ccr-sdk/ccr"
)

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

func (k *call) newError() *ccr.Error {
	return &ccr.Error{
		Service: k.c.cfg.Service, Operation: k.req.Route.Operation, Route: k.req.Route.String(),
		CorrelationID: k.req.Call.CorrelationID, Attempts: k.attempts, EarlierUnknown: k.earlierUnknown,
		Repeatable: k.req.Route.Class == Idempotent && !k.req.Once,
	}
}

// refusal makes the error of an answer without success.
func (k *call) refusal(resp *http.Response, body []byte) *ccr.Error {
	e := k.newError()
	e.StatusCode = resp.StatusCode
	e.Classes = k.c.classesOf(resp.StatusCode, resp.Header)
	e.RequestID = k.cur.requestID
	if wait, ok := retryAfter(resp.Header, time.Now()); ok {
		e.RetryAfter = wait
	}
	e.Outcome = outcomeOf(resp.StatusCode)
	if k.earlierUnknown && !settles(resp.StatusCode) {
		// The last answer refused a repetition; it says nothing of the
		// attempt before, which may have been acted on.
		e.Outcome = ccr.OutcomeUnknown
	}
	e.Advice = k.advice(resp.StatusCode, e.Outcome)
	p, code, fields := readProblem(body, k.c.cfg.Members)
	e.Code, e.Fields = k.shown(code), fields
	if e.Advice == "" && len(body) > 0 {
		e.Advice = "The vendor's reason is in Problem and Body of this error"
	}
	e.SetAnswer(p, body)
	return e
}

// failure makes the error of a call without a usable answer.
func (k *call) failure(err error) *ccr.Error {
	e := k.newError()
	e.Outcome = ccr.OutcomeNotSent
	if k.cur != nil {
		if k.cur.delivered(err) {
			e.Outcome = ccr.OutcomeUnknown
		}
		// A success that broke off, or the answer before a wait that the
		// context ended.
		if e.StatusCode, e.RequestID = k.cur.status, k.cur.requestID; k.between && e.StatusCode != 0 {
			e.Outcome = outcomeOf(e.StatusCode)
		}
	}
	if k.earlierUnknown {
		e.Outcome = ccr.OutcomeUnknown
	}
	e.Err = k.safeCause(err)
	if cred, ok := errors.AsType[*credentialError](err); ok {
		k.withoutCredential(e, cred.err)
	} else if h, ok := errors.AsType[*handlerError](err); ok && (k.ctx.Err() == nil || !errors.Is(h.err, k.ctx.Err())) {
		e.Classes = []error{ccr.ErrContract}
		if inner, ok := errors.AsType[*ccr.Error](h.err); ok && len(inner.Classes) > 0 {
			e.Classes, e.Outcome, e.Code, e.Fields, e.Advice = inner.Classes, cmp.Or(inner.Outcome, e.Outcome), inner.Code, inner.Fields, inner.Advice
			e.Err = inner.Err
		}
	} else {
		e.Classes = k.classesOfFailure(err)
	}
	if e.Advice == "" {
		e.Advice = k.adviceOfFailure(err, e.Outcome)
	}
	return e
}

// adviceOfFailure says what to do about a call that no answer ended.
func (k *call) adviceOfFailure(err error, outcome ccr.Outcome) string {
	switch {
	case untrusted(err):
		return "Check the host in WithBaseURL, a proxy that intercepts TLS, and the CA that the HTTP client trusts"
	case byLimiter(err):
		return "The client's own limiter (see WithLimiter) did not let the request go; the vendor was not asked"
	case errors.Is(err, errLostContext):
		return "Middleware must pass on the request that it is given, or one with its context"
	}
	return k.advice(0, outcome)
}

// withoutCredential explains why there was no credential. The token endpoint
// is another API: of its error only what a caller can act on is taken over,
// so that its 404 or its unknown outcome is not taken for this call's.
func (k *call) withoutCredential(e *ccr.Error, err error) {
	inner, ok := errors.AsType[*ccr.Error](err)
	if !ok {
		_, dialled := errors.AsType[*net.OpError](err)
		_, named := errors.AsType[*net.DNSError](err)
		switch {
		case errors.Is(k.ctx.Err(), context.Canceled):
		case dialled || named || errors.Is(err, context.DeadlineExceeded):
			e.Classes = []error{ccr.ErrUnavailable}
		default:
			e.Classes = []error{ccr.ErrUnauthorized}
		}
		return
	}
	switch {
	case errors.Is(inner, ccr.ErrRateLimited):
		e.Classes = []error{ccr.ErrRateLimited}
	case errors.Is(inner, ccr.ErrUnavailable):
		e.Classes = []error{ccr.ErrUnavailable}
	case errors.Is(inner, ccr.ErrContract):
		e.Classes = []error{ccr.ErrUnauthorized, ccr.ErrContract}
	case inner.StatusCode == 0 && len(inner.Classes) == 0:
		// It was cancelled, or TLS failed.
	default:
		e.Classes = []error{ccr.ErrUnauthorized}
	}
	e.Code, e.RetryAfter, e.Advice = inner.Code, inner.RetryAfter, inner.Advice
	if p, ok := inner.Problem(); ok || len(inner.Body()) > 0 {
		e.SetAnswer(nil, inner.Body())
		if ok {
			e.SetAnswer(&p, inner.Body())
		}
	}
}

// byLimiter reports whether the client's limiter ended an attempt.
func byLimiter(err error) bool {
	_, ok := errors.AsType[*limiterError](err)
	return ok
}

func (k *call) classesOfFailure(err error) []error {
	if k.cur != nil {
		if b := k.cur.bodyErr.Load(); b != nil {
			return classesOfSource(*b)
		}
	}
	if s, ok := errors.AsType[*sourceError](err); ok {
		return classesOfSource(s.err)
	}
	switch ended := k.ctx.Err(); {
	case errors.Is(ended, context.Canceled):
		return nil
	case byLimiter(err), ended != nil: // the deadline was too short for it
		return []error{ccr.ErrUnavailable}
	case errors.Is(err, errOrigin), errors.Is(err, errLostContext), invalidHeader(err):
		return []error{ccr.ErrInvalid}
	case errors.Is(err, context.Canceled), untrusted(err), stoppedBefore(err):
		return nil
	}
	return []error{ccr.ErrUnavailable}
}

func classesOfSource(err error) []error {
	if errors.Is(err, ccr.ErrFileChanged) {
		return []error{ccr.ErrFileChanged}
	}
	return []error{ccr.ErrInvalid}
}
