package gateway

import (
	"errors"
	"fmt"
	"io"
	"strings"

	"github.com/ccr-sdk/ccr"
	"github.com/ccr-sdk/ccr/internal/option"
	"github.com/ccr-sdk/ccr/internal/safetext"
	"github.com/ccr-sdk/ccr/internal/transport"
)

// RefusedError is the cause of an error where the gateway answered HTTP 200
// and said no in the body; get it with errors.AsType. Neither its words nor
// its statuses are documented, and they may hold personal data, so none of
// them is printed. What class the error has is inferred from the words.
type RefusedError struct {
	Rows []Row  // those whose status is not OK
	Text string // of an error member beside the rows; "" if there is none
}

// Error says that there was a refusal, not in which words.
func (e RefusedError) Error() string {
	return "the gateway refused (its words are in RefusedError and Body)"
}

// Format prints Error under every verb.
func (e RefusedError) Format(f fmt.State, _ rune) { io.WriteString(f, e.Error()) } //nolint:errcheck // fmt.State keeps no errors

// texts are the vendor's words.
func (e *RefusedError) texts() []string {
	out := []string{e.Text}
	for _, r := range e.Rows {
		out = append(out, r.Status, r.Message)
	}
	return out
}

// code returns the status word if it looks like one.
func (e *RefusedError) code() string {
	for _, r := range e.Rows {
		if c := safetext.Token(strings.TrimSpace(r.Status)); c != "" {
			return c
		}
	}
	return ""
}

// refused finds a refusal in an answer: rows that are not OK, a status beside
// the message that is not OK, or an error member.
func (a *answer) refused() *RefusedError {
	e := &RefusedError{Text: a.fault}
	for _, r := range a.rows {
		if r.refuses() {
			e.Rows = append(e.Rows, r)
		}
	}
	if r := (Row{Status: a.status, Message: a.text}); r.refuses() {
		e.Rows = append(e.Rows, r)
	}
	if len(e.Rows) == 0 && e.Text == "" {
		return nil
	}
	return e
}

// classesOf infers classes from the vendor's words: none are documented.
func classesOf(texts ...string) []error {
	s := strings.ToLower(strings.Join(texts, "\n"))
	has := func(words ...string) bool {
		for _, w := range words {
			if strings.Contains(s, w) {
				return true
			}
		}
		return false
	}
	switch {
	case has("not found", "not exist", "no such", "unknown file", "unknown report"):
		return []error{ccr.ErrNotFound}
	case has("exist", "duplicate"):
		return []error{ccr.ErrDuplicate}
	case has("api key", "apikey", "api-key", "secret", "authori", "authenti", "credential", "login", "denied", "ip address"):
		return []error{ccr.ErrUnauthorized}
	case has("too many", "rate limit"):
		return []error{ccr.ErrRateLimited}
	case has("invalid", "illegal", "not allowed", "file name", "filename", "missing", "character"):
		return []error{ccr.ErrInvalid}
	}
	return nil
}

// refusal makes the error of an answer that says no.
func (r request) refusal(outcome ccr.Outcome, resp *transport.Response, cause *RefusedError) *ccr.Error {
	e := r.failed(outcome, resp, cause, classesOf(cause.texts()...)...)
	e.Code = resp.Shown(cause.code())
	if errors.Is(e, ccr.ErrUnauthorized) {
		e.Advice = "Check the API key, the user name and that the IP address is the one the bureau knows (that this is about the credential is inferred from its words)"
	}
	return e
}

// contract makes the error of an answer that does not say what it should.
func (r request) contract(outcome ccr.Outcome, resp *transport.Response, cause error) *ccr.Error {
	return r.failed(outcome, resp, cause, ccr.ErrContract)
}

func (r request) failed(outcome ccr.Outcome, resp *transport.Response, cause error, classes ...error) *ccr.Error {
	e := &ccr.Error{
		Service: service, Operation: r.route.Operation, Outcome: outcome, Classes: classes, Err: cause,
	}
	if call, err := option.NewCall(r.call...); err == nil {
		e.CorrelationID = call.CorrelationID
	}
	if resp != nil {
		e.StatusCode, e.RequestID, e.Attempts = resp.StatusCode, resp.RequestID, resp.Attempts
		e.SetAnswer(nil, resp.Body[:min(len(resp.Body), transport.MaxErrorBody)])
	}
	return e
}

// How a call whose outcome is unknown is settled.
const (
	adviceUpload = "The file may have arrived. Look in the SFTP folder /uploads/, or wait for the Input report (without a ledger, upload the same name again " +
		"without Overwrite: a refusal means that it had arrived; inferred); with a ledger, then call SettleUpload. Never upload it with Overwrite before you know"
	adviceDownload = "Reports that this call asked for may be archived by now without having arrived: list what is left, and ask the bureau for the rest. " +
		"Receive does not have this weakness"
)

// advise says how to settle a call of unknown outcome.
func advise(err error, r *transport.Route) error {
	e, ok := errors.AsType[*ccr.Error](err)
	if !ok || e.Outcome != ccr.OutcomeUnknown {
		return err
	}
	switch r {
	case routeUpload:
		e.Advice = adviceUpload
	case routeDownload, routeDownloadByName:
		e.Advice = adviceDownload
	default:
		e.Advice = "Nothing was changed by it; call it again"
		if r == routeArchiveByName {
			e.Advice = "List the reports to see what was archived; archiving again is harmless (inferred)"
		}
	}
	return e
}
