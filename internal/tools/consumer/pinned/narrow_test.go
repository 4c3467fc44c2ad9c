package pinned_test

import (
	"context"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	backend "example.com/consumer/pinned"
	"github.com/ccr-sdk/ccr"
	"github.com/ccr-sdk/ccr/accounts"
	"github.com/ccr-sdk/ccr/decisioning"
)

// The first way: a fake of a narrow interface of one's own.

type fakeDebts struct{ err error }

func (f fakeDebts) UpsertAccounts(_ context.Context, b accounts.AccountBatch, _ ...ccr.CallOption) (*accounts.Receipt, error) {
	return &accounts.Receipt{Reference: b.ReferenceID, Rows: len(b.Accounts)}, f.err
}

func TestPushTellsWhatToDo(t *testing.T) {
	t.Parallel()
	limited := &ccr.Error{Service: "accounts", Outcome: ccr.OutcomeRejected, Classes: []error{ccr.ErrRateLimited}}
	refused := &ccr.Error{Service: "accounts", Outcome: ccr.OutcomeRejected, Classes: []error{ccr.ErrInvalid}}
	require.NoError(t, (&backend.Backend{Debts: fakeDebts{}}).Push(t.Context(), "r", nil))
	err := (&backend.Backend{Debts: fakeDebts{limited}}).Push(t.Context(), "r", nil)
	require.ErrorIs(t, err, backend.ErrTryLater)
	require.ErrorIs(t, err, ccr.ErrRateLimited)
	err = (&backend.Backend{Debts: fakeDebts{refused}}).Push(t.Context(), "r", nil)
	require.ErrorIs(t, err, ccr.ErrInvalid)
	assert.NotErrorIs(t, err, backend.ErrTryLater)
}

// fakeDecisions answers with values that a test can construct.
type fakeDecisions struct {
	backend.Decisions
	score float64
}

func (f fakeDecisions) EnsureCustomer(_ context.Context, n decisioning.NewCustomer, _ ...ccr.CallOption) (*decisioning.Customer, error) {
	return &decisioning.Customer{ID: "c", CustomIdentifier: n.CustomIdentifier}, nil
}

func (f fakeDecisions) CreateAnalysis(context.Context, string, decisioning.AnalysisInput, ...ccr.CallOption) (*decisioning.Analysis, error) {
	return &decisioning.Analysis{ID: "a", Status: decisioning.StatusCreated}, nil
}

func (f fakeDecisions) WaitAnalysis(ctx context.Context, _, _ string, _ ...ccr.CallOption) (*decisioning.Analysis, error) {
	// The SDK's pollers and pages have constructors for fakes, too.
	return ccr.PollerOf(&decisioning.Analysis{ID: "a", Status: decisioning.StatusCompleted}).Wait(ctx)
}

func (f fakeDecisions) Scores(context.Context, string, string, ...ccr.CallOption) (*decisioning.Scores, error) {
	return &decisioning.Scores{CreditScore: &decisioning.CreditScore{Value: f.score}}, nil
}

func TestDecideByScore(t *testing.T) {
	t.Parallel()
	for score, want := range map[float64]bool{499: false, 500: true, 900: true} {
		got, err := (&backend.Backend{Decisions: fakeDecisions{score: score}}).Decide(t.Context(), "C-1", decisioning.AnalysisInput{})
		require.NoError(t, err)
		assert.Equal(t, want, got, "score %v", score)
	}
}
