package transport

import (
	"net/http"
	"time"

	"github.com/ccr-sdk/ccr"
)

// outcomeOf says what an answer without success tells of the effect.
func outcomeOf(status int) ccr.Outcome {
	switch {
	case status == http.StatusRequestTimeout, status >= 500 && status != http.StatusNotImplemented:
		return ccr.OutcomeUnknown
	}
	return ccr.OutcomeRejected
}

// settles reports whether a refusal of the same bytes means that an earlier
// attempt was refused, too: the request itself is what the vendor objects to.
// 422 is not one: Algoan gives it to what exists already, which the earlier
// attempt may have made.
func settles(status int) bool {
	switch status {
	case http.StatusBadRequest, http.StatusLengthRequired, http.StatusRequestEntityTooLarge,
		http.StatusUnsupportedMediaType:
		return true
	}
	return false
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

// advice is what to do next about a status; 0 if there was no answer.
func (k *call) advice(status int, outcome ccr.Outcome) string {
	switch status {
	case http.StatusUnauthorized:
		return "Check the credential and that it belongs to this environment"
	case http.StatusForbidden:
		if k.c.cfg.ForbiddenMayBeLimit {
			return "Either the credential lacks permission or a limit was hit: the vendor answers 403 to both; slow down, then ask for access"
		}
		return "Ask the vendor to give the credential access"
	case http.StatusLengthRequired, http.StatusUnsupportedMediaType:
		return "A proxy between here and the vendor may have changed the request"
	}
	switch {
	case status >= 300 && status < 400:
		return "The redirect was not followed; if the vendor moved, configure the new URL with WithBaseURL"
	case outcome != ccr.OutcomeUnknown:
		return ""
	case k.req.Route.Method == http.MethodGet || k.req.Route.Method == http.MethodHead:
		return "It only reads: calling again is safe"
	case k.class() == Idempotent:
		return "The vendor may have acted on it; the call is idempotent, so sending the same again is safe"
	case k.req.Route.Unknown != "":
		return k.req.Route.Unknown
	}
	return "The vendor may have acted on it: find out before sending it again"
}
