package ccr

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode"

	"github.com/ccr-sdk/ccr/internal/safetext"
)

// Outcome says what is known about the effect of a failed call. A caller who
// moves money must know which of the three it is.
type Outcome string

const (
	// OutcomeNotSent: nothing reached the vendor; calling again is safe.
	OutcomeNotSent Outcome = "not sent"
	// OutcomeRejected: the vendor answered and refused; it changed nothing.
	OutcomeRejected Outcome = "rejected"
	// OutcomeUnknown: sent, and no answer that settles it came. The vendor may
	// or may not have acted; settle it before sending again.
	OutcomeUnknown Outcome = "unknown"
)

// The classes of failure, for errors.Is. One error can be of several classes.
var (
	ErrInvalid        = errors.New("invalid request")            // refused by us or by the vendor (400, 411, 413, 415, 422)
	ErrUnauthorized   = errors.New("unauthorized")               // 401, a refused login, an expired token
	ErrForbidden      = errors.New("forbidden")                  // 403
	ErrNotFound       = errors.New("not found")                  // 404, 410
	ErrDuplicate      = errors.New("duplicate")                  // 409, a repeated reference or name
	ErrRateLimited    = errors.New("rate limited")               // 429
	ErrMaybeLimited   = errors.New("possibly rate limited")      // a 403 that the vendor also uses for limits
	ErrUnavailable    = errors.New("unavailable")                // 5xx, no connection, a broken one, an attempt that timed out
	ErrOutcomeUnknown = errors.New("outcome unknown")            // Error.Outcome is OutcomeUnknown
	ErrNotSent        = errors.New("not sent")                   // Error.Outcome is OutcomeNotSent
	ErrContract       = errors.New("answer breaks the contract") // a 2xx answer that could not be understood
	ErrFileChanged    = errors.New("file changed while it was sent")
	ErrIncomplete     = errors.New("incomplete or not verifiable content")                // received content that failed its check
	ErrPageRepeated   = errors.New("ccr: the vendor returned the same page twice")        // a page with the items of the one before: going on would never end
	ErrNoEntry        = errors.New("ccr: no such ledger entry")                           // the ledger has none with that key
	ErrLedgerConflict = errors.New("ccr: the ledger entry was changed by another writer") // first
	ErrLedgerInUse    = errors.New("ccr: the ledger is in use by another process")        // or opened twice in this one
	ErrClaimed        = errors.New("claimed by another worker")                           // a live one is at work on it; see [ClaimedError]
)

// Problem holds the members of an RFC 9457 problem document, or what other
// error bodies have in their place. Detail and extensions are the vendor's
// text and may hold personal data: they are never part of [Error.Error].
type Problem struct {
	Type       string                     // URI of the kind of problem
	Title      string                     // short text for the kind
	Status     int                        // HTTP status as the body has it; 0 if it does not
	Detail     string                     // text for this one case
	Instance   string                     // URI of this one case
	Extensions map[string]json.RawMessage // members RFC 9457 does not name
}

// Error is the one error type of every call of the SDK; get it with errors.As
// (or errors.AsType). Its printed and logged forms name the service, the
// operation, the class, the outcome and the paths of faults. They never hold
// a secret, a body, a query string, or a value of the caller's data.
type Error struct {
	Service       string        // "accounts", "gateway", "decisioning", "sftp", "auth"
	Operation     string        // the method, such as "UpsertAccounts"
	Route         string        // method and path template, such as "PUT /v1/account"; empty outside HTTP
	Outcome       Outcome       // what is known about the effect
	StatusCode    int           // HTTP status of the last answer; 0 if none came
	Code          string        // the vendor's machine-readable code, if any
	Fields        []FieldError  // every fault found, before sending or by the vendor
	RequestID     string        // the vendor's id of the last answer, if it sent one
	CorrelationID string        // the caller's, from WithCorrelationID
	Attempts      int           // requests that were made; 0 if none
	RetryAfter    time.Duration // what the vendor asked to wait; 0 if nothing
	Advice        string        // what to do next
	// EarlierUnknown: an attempt before the last one was sent and never
	// answered, so the vendor may have acted on it whatever the last one said.
	EarlierUnknown bool
	// Repeatable: making the call again does no harm, whatever became of it: it
	// only reads, or the vendor documents that a repetition has no effect.
	Repeatable bool

	Classes []error // see the Err… variables
	Err     error   // the cause, if any; reachable by errors.Is and errors.As

	// answer is behind a closure, where fmt cannot follow it: below an
	// unexported field it prints by reflection, through pointers, too.
	answer func() (*Problem, []byte)
}

// Problem returns the vendor's error document, if one could be read. Its
// texts may hold personal data.
func (e Error) Problem() (Problem, bool) {
	if e.answer == nil {
		return Problem{}, false
	}
	p, _ := e.answer()
	if p == nil {
		return Problem{}, false
	}
	return *p, true
}

// Body returns the raw body of the vendor's answer, at most 1 MiB of it. It
// may hold personal data.
func (e Error) Body() []byte {
	if e.answer == nil {
		return nil
	}
	_, body := e.answer()
	return slices.Clone(body)
}

// SetAnswer keeps the vendor's error document and raw body with the error;
// it is meant for test doubles and for the service packages.
func (e *Error) SetAnswer(p *Problem, body []byte) {
	e.answer = nil
	if len(body) == 0 {
		body = nil
	}
	if p != nil || body != nil {
		e.answer = func() (*Problem, []byte) { return p, body }
	}
}

// Error is one line, safe to log.
func (e *Error) Error() string { return e.line() }

// Unwrap returns the cause.
func (e *Error) Unwrap() error { return e.Err }

// Is reports whether target is one of the error's classes.
func (e *Error) Is(target error) bool {
	switch target {
	case ErrOutcomeUnknown:
		return e.Outcome == OutcomeUnknown
	case ErrNotSent:
		return e.Outcome == OutcomeNotSent
	}
	return slices.Contains(e.Classes, target)
}

// Temporary reports whether the same call may succeed later without a change.
// It says nothing about whether repeating it is safe: see Outcome.
func (e *Error) Temporary() bool {
	return e.Is(ErrUnavailable) || e.Is(ErrRateLimited) || e.Is(ErrMaybeLimited)
}

// maxFieldsInLine keeps the line readable when a batch has thousands of faults.
const maxFieldsInLine = 10

func (e Error) line() string {
	var b strings.Builder
	b.WriteString("ccr")
	for _, s := range []string{e.Service, e.Operation} {
		if s != "" {
			b.WriteString(" " + s)
		}
	}
	b.WriteString(": ")
	for i, c := range e.Classes {
		if i > 0 {
			b.WriteString(", ")
		}
		b.WriteString(c.Error())
	}
	if len(e.Classes) == 0 {
		b.WriteString("failed")
	}
	if facts := e.facts(); len(facts) > 0 {
		b.WriteString(" (" + strings.Join(facts, ", ") + ")")
	}
	for i, f := range e.Fields {
		if i == maxFieldsInLine {
			fmt.Fprintf(&b, "; and %d more", len(e.Fields)-i)
			break
		}
		b.WriteString("; " + f.Path + " " + f.Message)
	}
	if e.Err != nil {
		b.WriteString(": " + e.cause())
	}
	if e.Advice != "" {
		b.WriteString(". " + e.Advice)
	}
	return oneLine(b.String())
}

// facts are what stands in brackets behind the classes.
func (e Error) facts() []string {
	var facts []string
	if e.StatusCode != 0 {
		facts = append(facts, "HTTP "+strconv.Itoa(e.StatusCode))
	}
	if code := safetext.Token(e.Code); code != "" {
		facts = append(facts, "code "+code)
	}
	if e.Outcome != "" {
		facts = append(facts, "outcome "+string(e.Outcome))
	}
	if e.Attempts > 1 {
		facts = append(facts, strconv.Itoa(e.Attempts)+" attempts")
	}
	if e.RetryAfter > 0 {
		facts = append(facts, "retry after "+e.RetryAfter.String())
	}
	if id := safetext.Token(e.RequestID); id != "" {
		facts = append(facts, "request id "+id)
	}
	if id := safetext.Token(e.CorrelationID); id != "" {
		facts = append(facts, "correlation id "+id)
	}
	return facts
}

// cause is the text of the cause, without what the line has said already: the
// service, and an advice of the cause's own.
func (e Error) cause() string {
	text := e.Err.Error()
	if inner, ok := e.Err.(*Error); ok { //nolint:errorlint // the outermost: its line is what would be printed
		said := *inner
		if e.Advice != "" {
			said.Advice = ""
		}
		text = said.line()
	}
	for again := true; again; {
		again = false
		for _, prefix := range []string{"ccr: ", "ccr " + e.Service + ": ", "ccr " + e.Service + " ", e.Service + ": "} {
			if rest, ok := strings.CutPrefix(text, prefix); ok && rest != "" {
				text, again = rest, true
			}
		}
	}
	return text
}

// Format prints the safe line under every verb, %+v and %#v included.
func (e Error) Format(f fmt.State, _ rune) { io.WriteString(f, e.line()) } //nolint:errcheck // fmt.State keeps no errors

// LogValue gives log/slog the safe facts as a group.
func (e Error) LogValue() slog.Value {
	attrs := []slog.Attr{slog.String("error", e.line())}
	add := func(key, value string) {
		if value != "" {
			attrs = append(attrs, slog.String(key, value))
		}
	}
	add("service", e.Service)
	add("operation", e.Operation)
	add("route", e.Route)
	add("outcome", string(e.Outcome))
	if e.StatusCode != 0 {
		attrs = append(attrs, slog.Int("status", e.StatusCode))
	}
	add("code", safetext.Token(e.Code))
	add("request_id", safetext.Token(e.RequestID))
	add("correlation_id", safetext.Token(e.CorrelationID))
	attrs = append(attrs, slog.Int("attempts", e.Attempts))
	return slog.GroupValue(attrs...)
}

// MarshalJSON writes the safe facts, for loggers that encode errors as JSON.
func (e Error) MarshalJSON() ([]byte, error) {
	return json.Marshal(struct {
		Error         string  `json:"error"`
		Service       string  `json:"service,omitempty"`
		Operation     string  `json:"operation,omitempty"`
		Route         string  `json:"route,omitempty"`
		Outcome       Outcome `json:"outcome,omitempty"`
		Status        int     `json:"status,omitempty"`
		Code          string  `json:"code,omitempty"`
		RequestID     string  `json:"request_id,omitempty"`
		CorrelationID string  `json:"correlation_id,omitempty"`
		Attempts      int     `json:"attempts,omitempty"`
	}{e.line(), e.Service, e.Operation, e.Route, e.Outcome, e.StatusCode, safetext.Token(e.Code), safetext.Token(e.RequestID), safetext.Token(e.CorrelationID), e.Attempts})
}

// oneLine keeps a hostile file name or server text from forging log lines and
// from steering a terminal: control and format characters become spaces.
func oneLine(s string) string {
	return strings.Map(func(r rune) rune {
		if hidden(r) {
			return ' '
		}
		return r
	}, s)
}

// hidden reports whether a character controls how others are shown.
func hidden(r rune) bool { return unicode.In(r, unicode.C, unicode.Zl, unicode.Zp) }

// Action is what a job queue should do with work that ended with an error.
type Action string

const (
	// ActionDone: there was no error.
	ActionDone Action = "done"
	// ActionRetry: run it again, after [Disposition.After].
	ActionRetry Action = "retry"
	// ActionStop: running it again without a change fails again.
	ActionStop Action = "stop"
	// ActionSettle: nobody knows what became of it at the vendor; a person or
	// the vendor's own view has to settle it before it runs again.
	ActionSettle Action = "settle first"
	// ActionElsewhere: another live worker is at work on it; look again after
	// [Disposition.After].
	ActionElsewhere Action = "claimed elsewhere"
)

// Disposition is what [DispositionOf] says of an error.
type Disposition struct {
	Action Action        // what to do
	After  time.Duration // for retry and claimed elsewhere: wait this long first; 0: as the queue likes
}

// DispositionOf says in one word what a queue should do after a call of the
// SDK: its error may wrap or join others, and then the gravest of them counts
// (settle first, stop, claimed elsewhere, retry). An error that the SDK did
// not make is retried, since it knows nothing of it.
func DispositionOf(err error) Disposition {
	if err == nil {
		return Disposition{Action: ActionDone}
	}
	switch e := err.(type) { //nolint:errorlint // each layer is judged by itself, from the outside in
	case *Error:
		return e.disposition()
	case *ClaimedError:
		return Disposition{ActionElsewhere, e.RetryAfter()}
	case interface{ Unwrap() []error }:
		var worst Disposition
		for _, part := range e.Unwrap() {
			if d := DispositionOf(part); gravity(d.Action) > gravity(worst.Action) || d.Action == worst.Action && d.After > worst.After {
				worst = d
			}
		}
		return worst
	case interface{ Unwrap() error }:
		if inner := e.Unwrap(); inner != nil {
			return DispositionOf(inner)
		}
	}
	return Disposition{Action: ActionRetry}
}

func (e *Error) disposition() Disposition {
	switch {
	case e.Outcome == OutcomeUnknown && !e.Repeatable:
		return Disposition{Action: ActionSettle}
	case errors.Is(e, ErrClaimed):
		d := Disposition{ActionElsewhere, e.RetryAfter}
		if claimed, ok := errors.AsType[*ClaimedError](e); ok {
			d.After = claimed.RetryAfter()
		}
		return d
	case e.Temporary(), errors.Is(e, ErrIncomplete), errors.Is(e, ErrFileChanged), errors.Is(e, ErrLedgerConflict),
		errors.Is(e, context.Canceled), errors.Is(e, context.DeadlineExceeded):
		return Disposition{ActionRetry, e.RetryAfter}
	case len(e.Classes) == 0 && e.Outcome != OutcomeRejected: // a cause of this machine: a disk, a ledger that is down
		if e.Err != nil {
			return DispositionOf(e.Err)
		}
		return Disposition{ActionRetry, e.RetryAfter}
	}
	return Disposition{Action: ActionStop}
}

func gravity(a Action) int {
	switch a {
	case ActionSettle:
		return 4
	case ActionStop:
		return 3
	case ActionElsewhere:
		return 2
	case ActionRetry:
		return 1
	default:
		return 0
	}
}
