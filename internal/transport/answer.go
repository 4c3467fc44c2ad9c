package transport

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/ccr-sdk/ccr"
)

// handle reads a final answer: a success into k.resp, anything else into
// k.err. It returns the error of a read that broke off, for the policy.
func (k *call) handle(resp *http.Response) error {
	defer resp.Body.Close()
	if resp.StatusCode/100 != 2 {
		body, _ := readCapped(resp.Body, resp.ContentLength, MaxErrorBody) // what came of it will do
		k.err = k.refusal(resp, body)
		k.log(resp.StatusCode, k.err)
		return k.err
	}
	out := &Response{StatusCode: resp.StatusCode, Header: resp.Header, URL: resp.Request.URL, RequestID: requestID(resp), Attempts: k.attempts}
	if wait, ok := retryAfter(resp.Header, time.Now()); ok {
		out.RetryAfter = min(wait, k.c.retry.MaxRetryAfter)
	}
	if k.req.Stream != nil {
		t := &trackedReader{r: resp.Body}
		if err := k.req.Stream(out, t); err != nil {
			if t.err != nil {
				return t.err
			}
			return &handlerError{err}
		}
	} else {
		limit := k.req.MaxBody
		if limit == 0 {
			limit = MaxBody
		}
		var err error
		if out.Body, err = readCapped(resp.Body, resp.ContentLength, limit); err != nil {
			if errors.Is(err, errTooLarge) {
				return &handlerError{fmt.Errorf("%w (%d bytes)", err, limit)}
			}
			return err
		}
	}
	k.log(resp.StatusCode, nil)
	k.resp = out
	return nil
}

var errTooLarge = errors.New("the answer is larger than allowed")

// readCapped reads all, in one allocation where the length is known.
func readCapped(r io.Reader, length, limit int64) ([]byte, error) {
	if length > limit {
		b, _ := io.ReadAll(io.LimitReader(r, limit))
		return b, errTooLarge
	}
	if length >= 0 {
		b := make([]byte, length)
		n, err := io.ReadFull(r, b)
		if err != nil && !errors.Is(err, io.EOF) { // a clean EOF is a length of zero
			return b[:n], err
		}
		// The end must be read for the connection to be used again.
		var one [1]byte
		if m, err := r.Read(one[:]); m > 0 {
			return b, errTooLarge
		} else if err != nil && !errors.Is(err, io.EOF) {
			return b, err
		}
		return b[:n], nil
	}
	b, err := io.ReadAll(io.LimitReader(r, limit+1))
	if err == nil && int64(len(b)) > limit {
		return b[:limit], errTooLarge
	}
	return b, err
}

// trackedReader tells a read error from an error of who reads.
type trackedReader struct {
	r   io.Reader
	err error
}

func (t *trackedReader) Read(p []byte) (int, error) {
	n, err := t.r.Read(p)
	if err != nil && err != io.EOF { //nolint:errorlint // io.Reader contract
		t.err = err
	}
	return n, err
}

// requestID finds the vendor's id of a request under its usual names.
func requestID(resp *http.Response) string {
	if resp == nil {
		return ""
	}
	for _, name := range [...]string{"X-Request-Id", "Request-Id", "X-Correlation-Id", "X-Trace-Id", "X-Amzn-Requestid", "X-Azure-Ref", "Cf-Ray"} {
		if v := resp.Header[name]; len(v) > 0 {
			return ccr.SafeToken(v[0])
		}
	}
	return ""
}

// outcomeOf says what an answer without success tells of the effect.
func outcomeOf(status int) ccr.Outcome {
	switch {
	case status == http.StatusRequestTimeout, status >= 500 && status != http.StatusNotImplemented:
		return ccr.OutcomeUnknown
	}
	return ccr.OutcomeRejected
}

// classesOf maps a status to the classes of errors.Is.
func (c *Client) classesOf(status int, h http.Header) []error {
	switch status {
	case http.StatusBadRequest, http.StatusLengthRequired, http.StatusRequestEntityTooLarge,
		http.StatusUnsupportedMediaType, http.StatusUnprocessableEntity:
		return []error{ccr.ErrInvalid}
	case http.StatusUnauthorized:
		return []error{ccr.ErrUnauthorized}
	case http.StatusForbidden:
		if !c.cfg.ForbiddenMayBeLimit {
			return []error{ccr.ErrForbidden}
		}
		if _, asked := retryAfter(h, time.Now()); asked {
			return []error{ccr.ErrForbidden, ccr.ErrMaybeLimited, ccr.ErrRateLimited}
		}
		return []error{ccr.ErrForbidden, ccr.ErrMaybeLimited}
	case http.StatusNotFound, http.StatusGone:
		return []error{ccr.ErrNotFound}
	case http.StatusConflict:
		return []error{ccr.ErrDuplicate}
	case http.StatusTooManyRequests:
		return []error{ccr.ErrRateLimited}
	case http.StatusRequestTimeout, http.StatusTooEarly:
		return []error{ccr.ErrUnavailable}
	case http.StatusNotImplemented:
		return []error{ccr.ErrContract}
	}
	switch {
	case status >= 500:
		return []error{ccr.ErrUnavailable}
	case status >= 300 && status < 400, status == http.StatusMethodNotAllowed, status == http.StatusNotAcceptable:
		return []error{ccr.ErrContract}
	}
	return nil
}

// advice is what to do next about a status.
func (c *Client) advice(status int, outcome ccr.Outcome) string {
	switch status {
	case http.StatusUnauthorized:
		return "Check the credential and that it belongs to this environment"
	case http.StatusForbidden:
		if c.cfg.ForbiddenMayBeLimit {
			return "Either the credential lacks permission or a limit was hit: the vendor answers 403 to both; slow down, then ask for access"
		}
		return "Ask the vendor to give the credential access"
	case http.StatusLengthRequired, http.StatusUnsupportedMediaType:
		return "A proxy between here and the vendor may have changed the request"
	}
	switch {
	case status >= 300 && status < 400:
		return "The redirect was not followed; if the vendor moved, configure the new URL with WithBaseURL"
	case outcome == ccr.OutcomeUnknown:
		return "The vendor may have acted on it: find out before sending it again, unless the call is idempotent"
	}
	return ""
}

func (k *call) newError() *ccr.Error {
	return &ccr.Error{
		Service: k.c.cfg.Service, Operation: k.req.Route.Operation, Route: k.req.Route.String(),
		CorrelationID: k.req.Call.CorrelationID, Attempts: k.attempts, EarlierUnknown: k.earlierUnknown,
	}
}

// refusal makes the error of an answer without success.
func (k *call) refusal(resp *http.Response, body []byte) *ccr.Error {
	e := k.newError()
	e.StatusCode = resp.StatusCode
	e.Classes = k.c.classesOf(resp.StatusCode, resp.Header)
	e.RequestID = requestID(resp)
	if wait, ok := retryAfter(resp.Header, time.Now()); ok {
		e.RetryAfter = wait
	}
	e.Outcome = outcomeOf(resp.StatusCode)
	if k.earlierUnknown && !settles(resp.StatusCode) {
		// The last answer refused a repetition; it says nothing of the
		// attempt before, which may have been acted on.
		e.Outcome = ccr.OutcomeUnknown
	}
	e.Advice = k.c.advice(resp.StatusCode, e.Outcome)
	p, code, fields := readProblem(body)
	e.Code, e.Fields = code, fields
	e.SetAnswer(p, body)
	if into := k.req.Call.Response; into != nil {
		*into = ccr.Response{StatusCode: resp.StatusCode, Header: resp.Header, Body: body, RequestID: e.RequestID, Attempts: k.attempts}
	}
	return e
}

// settles reports whether a refusal of the same bytes means that an earlier
// attempt was refused, too: the request itself is what the vendor objects to.
func settles(status int) bool {
	switch status {
	case http.StatusBadRequest, http.StatusLengthRequired, http.StatusRequestEntityTooLarge,
		http.StatusUnsupportedMediaType, http.StatusUnprocessableEntity:
		return true
	}
	return false
}

// failure makes the error of a call without a usable answer.
func (k *call) failure(err error) *ccr.Error {
	e := k.newError()
	e.Err = safeCause(err)
	switch {
	case k.sent(err) && k.waiting():
		e.Outcome = outcomeOf(k.status)
	case k.sent(err):
		e.Outcome = ccr.OutcomeUnknown
	default:
		e.Outcome = ccr.OutcomeNotSent
	}
	if k.earlierUnknown {
		e.Outcome = ccr.OutcomeUnknown
	}
	if cred, ok := errors.AsType[*credentialError](err); ok {
		if inner, ok := errors.AsType[*ccr.Error](cred.err); ok {
			e.Classes = inner.Classes
			e.StatusCode, e.Code, e.RetryAfter, e.Advice = inner.StatusCode, inner.Code, inner.RetryAfter, inner.Advice
		} else {
			e.Classes = []error{ccr.ErrUnauthorized}
		}
	} else if h, ok := errors.AsType[*handlerError](err); ok {
		e.Classes = []error{ccr.ErrContract}
		if inner, ok := errors.AsType[*ccr.Error](h.err); ok && len(inner.Classes) > 0 {
			e.Classes, e.Outcome, e.Code, e.Fields, e.Advice = inner.Classes, inner.Outcome, inner.Code, inner.Fields, inner.Advice
			e.Err = inner.Err
		}
	} else {
		e.Classes = k.classesOfFailure(err)
	}
	if e.Outcome == ccr.OutcomeUnknown && e.Advice == "" {
		e.Advice = k.c.advice(0, e.Outcome)
	}
	return e
}

// waiting reports whether the call ended between two attempts.
func (k *call) waiting() bool { return k.cur != nil && k.cur.logged }

func (k *call) classesOfFailure(err error) []error {
	if k.cur != nil {
		if b := k.cur.bodyErr.Load(); b != nil {
			if errors.Is(*b, ccr.ErrFileChanged) {
				return []error{ccr.ErrFileChanged}
			}
			return []error{ccr.ErrInvalid}
		}
	}
	if _, ok := errors.AsType[*sourceError](err); ok {
		return []error{ccr.ErrInvalid}
	}
	if _, ok := errors.AsType[*limiterError](err); ok {
		return []error{ccr.ErrRateLimited}
	}
	switch {
	case errors.Is(err, errOrigin):
		return []error{ccr.ErrInvalid}
	case errors.Is(err, context.Canceled):
		return nil
	}
	return []error{ccr.ErrUnavailable}
}

// safeCause drops what net/http puts around or into an error: the URL with
// its query, and quoted bytes of a malformed answer.
func safeCause(err error) error {
	if u, ok := errors.AsType[*url.Error](err); ok {
		err = u.Err
	}
	if err == nil {
		return errors.New("no answer")
	}
	if strings.Contains(err.Error(), "malformed ") {
		return &hiddenCause{"malformed HTTP answer", err}
	}
	return err
}

// hiddenCause shows a text of our own in place of an error's.
type hiddenCause struct {
	text string
	err  error
}

func (h *hiddenCause) Error() string { return h.text }

// Is lets errors.Is reach the cause without printing it.
func (h *hiddenCause) Is(target error) bool { return errors.Is(h.err, target) }

// log writes the one event of an attempt.
func (k *call) log(status int, err error) {
	if k.cur == nil || k.cur.logged {
		return
	}
	k.cur.logged = true
	level, msg := slog.LevelDebug, "request"
	if err != nil || status/100 != 2 {
		level, msg = slog.LevelWarn, "request failed"
	}
	l := k.c.log
	if !l.Enabled(k.ctx, level) {
		return
	}
	attrs := make([]slog.Attr, 0, 10)
	attrs = append(attrs,
		slog.String("service", k.c.cfg.Service),
		slog.String("operation", k.req.Route.Operation),
		slog.String("method", k.req.Route.Method),
		slog.String("route", k.req.Route.Path),
		slog.Int("attempt", k.attempts),
		slog.Duration("duration", time.Since(k.cur.started)))
	if status != 0 {
		attrs = append(attrs, slog.Int("status", status))
	}
	if id := k.req.Call.CorrelationID; id != "" {
		attrs = append(attrs, slog.String("correlation_id", id))
	}
	if e, ok := errors.AsType[*ccr.Error](err); ok {
		attrs = append(attrs, slog.String("outcome", string(e.Outcome)), slog.String("request_id", e.RequestID), slog.String("error", e.Error()))
	} else if err != nil {
		attrs = append(attrs, slog.String("error", safeCause(err).Error()))
	}
	l.LogAttrs(k.ctx, level, msg, attrs...)
}
