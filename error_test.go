package ccr

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/ccr-sdk/ccr/internal/safetext"
)

// vendorError has the canary wherever a vendor or a debtor could have put
// something, and nowhere else.
func vendorError() *Error {
	e := &Error{
		Service: "accounts", Operation: "UpsertAccounts", Route: "PUT /v1/account", Outcome: OutcomeRejected, StatusCode: 422,
		Code: "not a token: " + canary, RequestID: "id with spaces " + canary, CorrelationID: "more spaces " + canary, Attempts: 2,
		Classes: []error{ErrInvalid}, Err: io.ErrUnexpectedEOF,
	}
	e.SetAnswer(&Problem{Type: canary, Title: canary, Detail: canary, Instance: canary, Extensions: map[string]json.RawMessage{"x": json.RawMessage(`"` + canary + `"`)}}, []byte(canary))
	return e
}

func TestErrorIsNeverPrinted(t *testing.T) {
	t.Parallel()
	e := vendorError()
	type wrapper struct {
		hidden  *Error
		value   Error
		list    []*Error
		byName  map[string]Error
		any     any
		err     error
		Visible *Error
	}
	w := wrapper{e, *e, []*Error{e}, map[string]Error{"a": *e}, *e, e, e}
	for _, printed := range []any{e, *e, &e, []*Error{e}, []Error{*e}, map[string]*Error{"a": e}, struct{ E error }{e}, struct{ e Error }{*e}, w, &w,
		fmt.Errorf("wrap: %w", e), errors.Join(e, e), []any{w}} {
		for form, text := range printedForms(t, printed) {
			// Where fields are read by reflection (fmt below an unexported
			// field, encoding/xml), the texts that are no tokens show, too;
			// the answer itself never does.
			direct := form != "xml" && form != "gob" && form != "%p"
			switch printed.(type) {
			case *Error, Error:
			default:
				direct = false
			}
			if !direct {
				text = strings.ReplaceAll(text, e.Code, "")
				text = strings.ReplaceAll(text, e.RequestID, "")
				text = strings.ReplaceAll(text, e.CorrelationID, "")
			}
			require.NotContains(t, text, canary, "%T %s", printed, form)
		}
	}
	p, ok := e.Problem()
	require.True(t, ok)
	assert.Equal(t, canary, p.Detail)
	assert.Equal(t, canary, string(e.Body()))
	e.Body()[0] = 'x'
	assert.Equal(t, canary, string(e.Body()), "a copy")
	e.SetAnswer(nil, nil)
	_, ok = e.Problem()
	assert.False(t, ok)
	assert.Nil(t, e.Body())
}

func TestErrorLine(t *testing.T) {
	t.Parallel()
	full := &Error{
		Service: "accounts", Operation: "UpsertAccounts", Outcome: OutcomeUnknown, StatusCode: 503, Code: "E_BUSY", RequestID: "r-1", CorrelationID: "batch/7",
		Attempts: 3, RetryAfter: 2 * time.Second, Classes: []error{ErrUnavailable, ErrRateLimited}, Err: errors.New("connection\nreset\x1b[31m\u202e"),
		Fields: []FieldError{{"accounts[0].name", "is missing"}}, Advice: "Look first.",
	}
	assert.Equal(t, "ccr accounts UpsertAccounts: unavailable, rate limited (HTTP 503, code E_BUSY, outcome unknown, 3 attempts, retry after 2s, "+
		"request id r-1, correlation id batch/7); accounts[0].name is missing: connection reset [31m . Look first.", full.Error())
	assert.Equal(t, full.Error(), fmt.Sprintf("%+v", full))
	assert.Equal(t, full.Error(), fmt.Sprintf("%#v", *full))
	assert.Equal(t, "ccr: failed", (&Error{}).Error())

	var many Faults
	for i := range 2000 {
		many.Addf("rows["+fmt.Sprint(i)+"]", "must be %s", "positive")
		many.Add("x", "y")
	}
	assert.Equal(t, maxFaults, many.Len())
	err := many.Err("accounts", "UpsertAccounts")
	assert.Contains(t, err.Error(), "; rows[0] must be positive; x y;")
	assert.Contains(t, err.Error(), "; and 990 more")
	assert.Less(t, len(err.Error()), 1000)
	require.ErrorIs(t, err, ErrInvalid)
	require.ErrorIs(t, err, ErrNotSent)
	e, ok := errors.AsType[*Error](err)
	require.True(t, ok)
	assert.Len(t, e.Fields, maxFaults)
	require.NoError(t, new(Faults).Err("a", "b"))

	data, jerr := json.Marshal(full)
	require.NoError(t, jerr)
	var m map[string]any
	require.NoError(t, json.Unmarshal(data, &m))
	assert.Equal(t, full.Error(), m["error"])
	assert.EqualValues(t, 503, m["status"])
	assert.Equal(t, "E_BUSY", m["code"])
	assert.Equal(t, "unknown", m["outcome"])
}

func TestErrorClasses(t *testing.T) {
	t.Parallel()
	classes := []error{ErrInvalid, ErrUnauthorized, ErrForbidden, ErrNotFound, ErrDuplicate, ErrRateLimited, ErrMaybeLimited, ErrUnavailable, ErrContract, ErrFileChanged, ErrIncomplete}
	for _, c := range classes {
		err := error(&Error{Classes: []error{c}, Err: context.Canceled})
		for _, other := range classes {
			assert.Equal(t, c == other, errors.Is(fmt.Errorf("x: %w", err), other))
		}
		require.ErrorIs(t, err, context.Canceled)
		e, ok := errors.AsType[*Error](err)
		require.True(t, ok)
		assert.Equal(t, c == ErrRateLimited || c == ErrMaybeLimited || c == ErrUnavailable, e.Temporary())
	}
	for outcome, want := range map[Outcome][2]bool{OutcomeUnknown: {true, false}, OutcomeNotSent: {false, true}, OutcomeRejected: {}, "": {}} {
		e := &Error{Outcome: outcome, Classes: []error{ErrOutcomeUnknown, ErrNotSent}} // the outcome decides, not the list
		assert.Equal(t, want[0], errors.Is(e, ErrOutcomeUnknown))
		assert.Equal(t, want[1], errors.Is(e, ErrNotSent))
	}
}

func TestSafeToken(t *testing.T) {
	t.Parallel()
	for _, ok := range []string{"", "a", "E_BUSY", "req-1.2:3/4", strings.Repeat("a", 128)} {
		assert.Equal(t, ok, safetext.Token(ok))
	}
	for _, bad := range []string{"a b", "a\n", "é", "a|b", "a@b", `a"b`, "a=b", strings.Repeat("a", 129), "\x00", "a%20"} {
		assert.Empty(t, safetext.Token(bad), bad)
	}
}

func FuzzErrorLine(f *testing.F) {
	f.Add("code", "id", "cause\nforged: line", "\u202e\x1b[2J\u2028")
	f.Fuzz(func(t *testing.T, code, id, cause, advice string) {
		line := (&Error{Service: "s", Operation: "o", Code: code, RequestID: id, CorrelationID: id, Err: errors.New(cause), Advice: advice}).Error()
		for _, r := range line {
			require.False(t, hidden(r), "%q", line)
		}
	})
}

// TestCauseSaysNothingTwice: service and advice stand in a line once.
func TestCauseSaysNothingTwice(t *testing.T) {
	t.Parallel()
	inner := &Error{Service: "gateway", Operation: "ListReports", Classes: []error{ErrUnavailable}, Advice: "Nothing was changed by it; call it again", Err: errors.New("no byte moved for 1m0s")}
	for _, tt := range []struct {
		err  error
		want string
	}{
		{&Error{Service: "gateway", Operation: "Receive", Classes: []error{ErrUnavailable}, Err: inner, Advice: inner.Advice},
			"ccr gateway Receive: unavailable: ListReports: unavailable: no byte moved for 1m0s. Nothing was changed by it; call it again"},
		{&Error{Service: "gateway", Operation: "Receive", Err: inner},
			"ccr gateway Receive: failed: ListReports: unavailable: no byte moved for 1m0s. Nothing was changed by it; call it again"},
		{&Error{Service: "accounts", Operation: "Submit", Err: errors.New("accounts: accounts: ccr: no such thing")}, "ccr accounts Submit: failed: no such thing"},
		{&Error{Service: "accounts", Operation: "Submit", Err: &Error{Service: "auth", Operation: "Token", Classes: []error{ErrUnauthorized}}}, "ccr accounts Submit: failed: ccr auth Token: unauthorized"},
	} {
		assert.Equal(t, tt.want, tt.err.Error())
	}
}
