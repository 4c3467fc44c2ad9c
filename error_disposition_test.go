package ccr_test

import (
	"context"
	"errors"
	"fmt"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"

	"github.com/ccr-sdk/ccr"
	"github.com/ccr-sdk/ccr/internal/safetext"
)

func TestDispositionOf(t *testing.T) {
	t.Parallel()
	unknown := &ccr.Error{Outcome: ccr.OutcomeUnknown, Classes: []error{ccr.ErrUnavailable}}
	rejected := &ccr.Error{Outcome: ccr.OutcomeRejected, Classes: []error{ccr.ErrInvalid}}
	limited := &ccr.Error{Outcome: ccr.OutcomeRejected, Classes: []error{ccr.ErrRateLimited}, RetryAfter: time.Minute}
	down := &ccr.Error{Outcome: ccr.OutcomeNotSent, Classes: []error{ccr.ErrUnavailable}}
	claimed := &ccr.Error{Outcome: ccr.OutcomeNotSent, Err: &ccr.ClaimedError{What: "a.csv", Until: time.Now().Add(-time.Hour)}}
	tests := map[string]struct {
		err  error
		want ccr.Disposition
	}{
		"none":                  {nil, ccr.Disposition{Action: ccr.ActionDone}},
		"unknown":               {unknown, ccr.Disposition{Action: ccr.ActionSettle}},
		"a read, unanswered":    {&ccr.Error{Outcome: ccr.OutcomeUnknown, Repeatable: true, Classes: []error{ccr.ErrUnavailable}}, ccr.Disposition{Action: ccr.ActionRetry}},
		"rejected":              {rejected, ccr.Disposition{Action: ccr.ActionStop}},
		"rate limited":          {limited, ccr.Disposition{Action: ccr.ActionRetry, After: time.Minute}},
		"unavailable":           {down, ccr.Disposition{Action: ccr.ActionRetry}},
		"claimed":               {claimed, ccr.Disposition{Action: ccr.ActionElsewhere}},
		"claimed, bare":         {fmt.Errorf("job: %w", &ccr.ClaimedError{}), ccr.Disposition{Action: ccr.ActionElsewhere}},
		"ended":                 {&ccr.Error{Outcome: ccr.OutcomeNotSent, Err: context.Canceled}, ccr.Disposition{Action: ccr.ActionRetry}},
		"a disk":                {&ccr.Error{Outcome: ccr.OutcomeNotSent, Err: errors.New("no space left")}, ccr.Disposition{Action: ccr.ActionRetry}},
		"unauthorized":          {&ccr.Error{Classes: []error{ccr.ErrUnauthorized}, Outcome: ccr.OutcomeRejected}, ccr.Disposition{Action: ccr.ActionStop}},
		"somebody else's":       {errors.New("x"), ccr.Disposition{Action: ccr.ActionRetry}},
		"the gravest counts":    {errors.Join(down, claimed, rejected, unknown), ccr.Disposition{Action: ccr.ActionSettle}},
		"stop before elsewhere": {fmt.Errorf("run: %w", errors.Join(claimed, rejected, limited)), ccr.Disposition{Action: ccr.ActionStop}},
		"unknown below a class": {&ccr.Error{Err: errors.Join(down, unknown)}, ccr.Disposition{Action: ccr.ActionSettle}},
		"the longest wait":      {errors.Join(down, limited), ccr.Disposition{Action: ccr.ActionRetry, After: time.Minute}},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			assert.Equal(t, tt.want, ccr.DispositionOf(tt.err))
		})
	}
}

func TestNamesOfAnyBytesSurvive(t *testing.T) {
	t.Parallel()
	var all []byte
	for b := range 256 {
		all = append(all, byte(b))
	}
	for _, name := range []string{"", "a.csv", "relev\xe9.csv", "100%.csv", "%41", "%", "%4", "ü", string(all)} {
		e := ccr.LedgerEntry{Name: safetext.Escape(name)}
		assert.Equal(t, name, e.FileName())
		for _, c := range []byte(e.Name) {
			assert.True(t, c > ' ' && c < 0x7f)
		}
	}
	assert.Equal(t, "relev%E9.csv", safetext.Escape("relev\xe9.csv"))
}

func TestLeasePolicy(t *testing.T) {
	t.Parallel()
	p := ccr.LeasePolicy{}.WithDefaults()
	assert.Equal(t, ccr.LeasePolicy{Lease: 5 * time.Minute, Heartbeat: time.Minute, Rest: time.Minute,
		Skew: 30 * time.Second, Grace: time.Minute, MaxHold: 24 * time.Hour}, p)
	assert.NoError(t, ccr.LeasePolicy{Lease: 15 * time.Second}.Validate())
	assert.Error(t, ccr.LeasePolicy{Lease: -1}.Validate())
	assert.Error(t, ccr.LeasePolicy{Lease: time.Millisecond}.Validate())
	assert.Error(t, ccr.LeasePolicy{Lease: time.Minute, Heartbeat: 31 * time.Second}.Validate(), "it would end between two heartbeats")
}
