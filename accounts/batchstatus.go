package accounts

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"maps"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/ccr-sdk/ccr"
	"github.com/ccr-sdk/ccr/internal/option"
	"github.com/ccr-sdk/ccr/internal/transport"
)

// ErrNoStatus: the batch was accepted without a status URI, so its status
// cannot be asked for.
var ErrNoStatus = errors.New("accounts: the receipt has no status URI")

// BatchState is the SDK's reading of a batch's or an item's state.
type BatchState string

const (
	// StateUnknown: the answer has no word that the SDK understands; see
	// BatchStatus.Word and Raw.
	StateUnknown BatchState = ""
	// StateProcessing: accepted and not done.
	StateProcessing BatchState = "processing"
	// StateSucceeded: done, without a sign of failure.
	StateSucceeded BatchState = "succeeded"
	// StatePartial: done, and some items failed.
	StatePartial BatchState = "partial"
	// StateFailed: done, and failed as a whole.
	StateFailed BatchState = "failed"
)

// Done reports whether the state is final.
func (s BatchState) Done() bool {
	return s == StateSucceeded || s == StatePartial || s == StateFailed
}

// BatchStatus is what the status URI of a batch answered. No public document
// shows that answer: every typed field is a reading of names that such
// answers usually have, and Raw is what came. Items that Credit Clear ignores
// by its rules (see [Status]) may or may not be among the failures.
type BatchStatus struct {
	// Reference of the batch: as answered, else from the receipt.
	Reference string
	// State is the SDK's reading of Word, of the counts, or of HTTP 202.
	State BatchState
	// Word is the vendor's own word for the state; empty if none was found.
	Word string
	// Total, Succeeded and Failed count items; -1 if the answer does not say.
	Total, Succeeded, Failed int64
	// Items are results of single items, if the answer has any.
	Items []ItemStatus
	// Raw is the whole answer. It may hold personal data.
	Raw []byte
	// RetryAfter is how long the vendor asked to wait before the next poll;
	// 0 if it did not.
	RetryAfter time.Duration
}

// Done reports whether the state is final.
func (s BatchStatus) Done() bool { return s.State.Done() }

// ItemStatus is the result of one account, payment or claim.
type ItemStatus struct {
	Reference string     // the item's reference, if one was found
	State     BatchState // the SDK's reading
	Word      string     // the vendor's word for the state
	// Messages are the vendor's texts. They may hold personal data: do not log them.
	Messages []string
	Raw      json.RawMessage // the object as it came
}

// BatchStatus polls the status of a batch once. It follows the receipt's
// status URI, on the client's own origin only: a URI elsewhere is refused
// without sending the credential. A receipt without one gives an error that
// is [ErrNoStatus].
func (c *Client) BatchStatus(ctx context.Context, r *Receipt, opts ...ccr.CallOption) (*BatchStatus, error) {
	call, err := option.NewCall(opts...)
	if err != nil {
		return nil, c.refused(routeStatus, err)
	}
	if r == nil {
		return nil, c.refused(routeStatus, errors.New("there is no receipt"))
	}
	if r.StatusURL == "" {
		return nil, &ccr.Error{
			Service: service, Operation: routeStatus.Operation, Outcome: ccr.OutcomeNotSent,
			Classes: []error{ErrNoStatus}, CorrelationID: call.CorrelationID,
			Advice: "Credit Clear answered without a Location header; ask its support what became of the batch, by its reference",
		}
	}
	u, err := url.Parse(r.StatusURL)
	if err != nil || u.Host == "" {
		return nil, c.refused(routeStatus, errors.New("the receipt's status URI is not an absolute URL"))
	}
	resp, err := c.t.Do(ctx, &transport.Request{Route: routeStatus, URL: u, Call: call})
	if err != nil {
		return nil, err
	}
	s := readStatus(resp.StatusCode, resp.Body)
	s.RetryAfter = resp.RetryAfter
	if s.Reference == "" {
		s.Reference = r.Reference
	}
	return &s, nil
}

// Names that the members of a status answer may have, folded; the first one
// found wins.
var (
	stateNames     = []string{"status", "state", "batchstatus", "processingstatus", "result", "outcome"}
	referenceNames = []string{"batchreferenceid", "batchreference", "referenceid", "batchid"}
	itemRefNames   = []string{"clientreferenceid", "clientreference", "claimnumber", "referenceid", "reference", "id"}
	itemsNames     = []string{"items", "results", "accounts", "payments", "thirdpartyclaims", "claims", "records", "rows", "details"}
	totalNames     = []string{"total", "totalcount", "totalrecords", "totalitems", "count", "itemcount"}
	okNames        = []string{"succeeded", "successful", "successcount", "succeededcount", "successfulcount", "processed", "processedcount", "accepted", "acceptedcount"}
	failedNames    = []string{"failed", "failedcount", "failurecount", "failures", "errorcount", "rejected", "rejectedcount"}
	flagNames      = []string{"success", "succeeded", "issuccess", "issuccessful", "issucceeded"}
	messageNames   = []string{"errors", "messages", "error", "message", "errormessage", "reason", "failurereason", "detail"}
	wrapperNames   = []string{"data", "result", "batch", "value"}
)

// readStatus reads an answer of unknown shape as well as it can; it never fails.
func readStatus(code int, body []byte) BatchStatus {
	s := BatchStatus{Total: -1, Succeeded: -1, Failed: -1, Raw: body}
	m := fold(body)
	for range 2 { // one wrapper at most
		if inner := fold(first(m, wrapperNames)); inner != nil && word(first(m, stateNames)) == "" && first(m, itemsNames) == nil {
			m = inner
		}
	}
	s.Reference = word(first(m, referenceNames))
	s.Word = word(first(m, stateNames))
	if m == nil {
		s.Word = word(body) // a bare string, perhaps
	}
	s.Total, s.Succeeded, s.Failed = number(m, totalNames), number(m, okNames), number(m, failedNames)
	s.Items = items(m, body)
	s.State = stateOf(s.Word)
	s.complete(code)
	return s
}

// complete completes the state by what else the response says.
func (s *BatchStatus) complete(code int) {
	failures, pending, done := s.Failed > 0, len(s.Items) == 0, int64(0)
	for i := range s.Items {
		switch state := s.Items[i].State; state {
		case StateFailed:
			failures = true
		case StateSucceeded:
			done++
		default:
			pending = pending || !state.Done()
		}
	}
	if s.State == StateUnknown && s.Word == "" {
		s.State = s.wordless(code, pending)
	}
	if s.State == StateSucceeded && failures {
		s.State = StatePartial
		if s.Succeeded == 0 || s.Succeeded < 0 && done == 0 && len(s.Items) > 0 {
			s.State = StateFailed
		}
	}
}

// wordless is the state of a batch of which the response has no word: by its
// counts and items.
func (s *BatchStatus) wordless(code int, pending bool) BatchState {
	counted := s.Total > 0 && s.Succeeded >= 0 && s.Failed >= 0 && s.Succeeded+s.Failed >= s.Total
	switch {
	case code == http.StatusAccepted:
		return StateProcessing
	case counted, !pending:
		return StateSucceeded
	}
	return StateUnknown
}

// stateOf reads a state word.
func stateOf(w string) BatchState {
	switch foldName(w) {
	case "accepted", "received", "submitted", "pending", "queued", "new", "created", "scheduled", "waiting",
		"processing", "inprogress", "running", "started", "active", "importing", "validating":
		return StateProcessing
	case "completed", "complete", "done", "finished", "succeeded", "success", "successful", "processed", "ok", "imported":
		return StateSucceeded
	case "partial", "partiallysucceeded", "partiallysuccessful", "partiallycompleted", "partialsuccess", "partiallyprocessed",
		"completedwitherrors", "completewitherrors", "completedwithfailures", "succeededwitherrors", "processedwitherrors":
		return StatePartial
	case "failed", "failure", "error", "errored", "rejected", "invalid", "cancelled", "canceled", "aborted", "faulted", "expired":
		return StateFailed
	}
	return StateUnknown
}

// itemStateOf reads the state word of an item, where what was done to it may
// stand for success.
func itemStateOf(w string) BatchState {
	switch foldName(w) {
	case "created", "updated", "unchanged", "ignored", "skipped", "closed", "voided", "paused", "recorded":
		return StateSucceeded
	}
	return stateOf(w)
}

// items reads the results of single items.
func items(m map[string]json.RawMessage, body []byte) []ItemStatus {
	raw := body // an array at the top
	if m != nil {
		raw = nil
		for _, name := range itemsNames {
			if r := bytes.TrimSpace(m[name]); len(r) > 0 && r[0] == '[' {
				raw = r
				break
			}
		}
	}
	var list []json.RawMessage
	if raw == nil || json.Unmarshal(raw, &list) != nil {
		return nil
	}
	out := make([]ItemStatus, 0, len(list))
	for _, r := range list {
		im := fold(r)
		if im == nil {
			continue
		}
		it := ItemStatus{Reference: word(first(im, itemRefNames)), Word: word(first(im, stateNames)), Messages: messages(im), Raw: r}
		it.State = it.read(first(im, flagNames))
		out = append(out, it)
	}
	return out
}

// read is the state of an item, by its word and a flag such as "succeeded". An
// explicit false wins over words.
func (i *ItemStatus) read(flag json.RawMessage) BatchState {
	var ok bool
	state, told := itemStateOf(i.Word), flag != nil && json.Unmarshal(flag, &ok) == nil
	switch {
	case told && !ok:
		return StateFailed
	case state != StateUnknown || i.Word != "":
		return state
	case told:
		return StateSucceeded
	case len(i.Messages) > 0:
		return StateFailed
	}
	return StateUnknown
}

// messages gathers texts: a string, strings, or objects that hold some.
func messages(m map[string]json.RawMessage) []string {
	var out []string
	for _, name := range messageNames {
		if raw := m[name]; raw != nil {
			out = append(out, texts(raw, 3)...)
		}
	}
	return out
}

func texts(raw json.RawMessage, depth int) []string {
	if depth == 0 {
		return nil
	}
	if s := word(raw); s != "" {
		return []string{s}
	}
	var out []string
	var list []json.RawMessage
	if json.Unmarshal(raw, &list) == nil {
		for _, r := range list {
			out = append(out, texts(r, depth-1)...)
		}
		return out
	}
	m := fold(raw)
	for _, name := range slices.Sorted(maps.Keys(m)) {
		out = append(out, texts(m[name], depth-1)...)
	}
	return out
}

// fold decodes an object with its names in one form: batch_status,
// BatchStatus and batchStatus are one. nil if it is no object.
func fold(raw json.RawMessage) map[string]json.RawMessage {
	var m map[string]json.RawMessage
	if len(raw) == 0 || json.Unmarshal(raw, &m) != nil || m == nil {
		return nil
	}
	out := make(map[string]json.RawMessage, len(m))
	for _, name := range slices.Sorted(maps.Keys(m)) { // sorted: which of two twins wins must not change
		if _, ok := out[foldName(name)]; !ok {
			out[foldName(name)] = m[name]
		}
	}
	return out
}

func foldName(s string) string {
	return strings.Map(func(r rune) rune {
		switch {
		case 'A' <= r && r <= 'Z':
			return r + 'a' - 'A'
		case r == '_' || r == '-' || r == ' ' || r == '.':
			return -1
		}
		return r
	}, s)
}

// first returns the first member that is there and not null.
func first(m map[string]json.RawMessage, names []string) json.RawMessage {
	for _, name := range names {
		if raw := m[name]; len(raw) > 0 && !bytes.Equal(raw, []byte("null")) {
			return raw
		}
	}
	return nil
}

// word reads a string, or a number as one.
func word(raw json.RawMessage) string {
	var s string
	if len(raw) == 0 {
		return ""
	}
	if json.Unmarshal(raw, &s) == nil {
		return s
	}
	var n json.Number
	if json.Unmarshal(raw, &n) == nil {
		return n.String()
	}
	return ""
}

// number reads the first count among names; -1 without one.
func number(m map[string]json.RawMessage, names []string) int64 {
	for _, name := range names {
		if n, err := strconv.ParseInt(strings.Trim(string(m[name]), `"`), 10, 64); err == nil && n >= 0 {
			return n
		}
	}
	return -1
}
