package accountstest_test

import (
	"context"
	"fmt"
	"iter"
	"reflect"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/ccr-sdk/ccr"
	"github.com/ccr-sdk/ccr/accounts"
	"github.com/ccr-sdk/ccr/accounts/accountstest"
)

func TestMockHasAFieldForEachMethod(t *testing.T) {
	t.Parallel()
	api := reflect.TypeFor[accounts.API]()
	for i := range api.NumMethod() {
		field, ok := reflect.TypeFor[accountstest.Mock]().FieldByName(api.Method(i).Name + "Func")
		require.True(t, ok, api.Method(i).Name)
		assert.Equal(t, api.Method(i).Type, field.Type)
	}
}

// failures stands in for a test that a Mock fails.
type failures struct{ text string }

func (f *failures) Helper() {}

func (f *failures) Errorf(format string, args ...any) { f.text += fmt.Sprintf(format, args...) }

func TestMockNamesTheUnsetMethod(t *testing.T) {
	t.Parallel()
	f := &failures{}
	for _, m := range []*accountstest.Mock{{T: f}, {}} {
		_, err := m.UpsertAccounts(t.Context(), accounts.AccountBatch{})
		require.ErrorContains(t, err, "UpsertAccountsFunc is not set")
		_, err = m.ReportPayments(t.Context(), accounts.PaymentBatch{})
		require.ErrorContains(t, err, "ReportPaymentsFunc is not set")
		_, err = m.UpsertClaims(t.Context(), accounts.ClaimBatch{})
		require.ErrorContains(t, err, "UpsertClaimsFunc is not set")
		_, err = m.BatchStatus(t.Context(), &accounts.Receipt{})
		require.ErrorContains(t, err, "BatchStatusFunc is not set")
		_, err = m.WaitBatch(t.Context(), &accounts.Receipt{})
		require.ErrorContains(t, err, "WaitBatchFunc is not set")
		_, err = m.BatchPoller(&accounts.Receipt{}).Wait(t.Context())
		require.ErrorContains(t, err, "BatchPollerFunc is not set")
		_, err = m.ResumeBatch("")
		require.ErrorContains(t, err, "ResumeBatchFunc is not set")
		_, err = m.SubmitAccounts(nil, accounts.SubmitOptions{}).Run(t.Context())
		require.ErrorContains(t, err, "SubmitAccountsFunc is not set")
		_, err = m.SubmitPayments(nil, accounts.SubmitOptions{}).Run(t.Context())
		require.ErrorContains(t, err, "SubmitPaymentsFunc is not set")
		require.ErrorContains(t, m.SettleBatch(t.Context(), accounts.SettleOptions{}), "SettleBatchFunc is not set")
		_, err = m.SubmitClaims(nil, accounts.SubmitOptions{}).Run(t.Context())
		require.ErrorContains(t, err, "SubmitClaimsFunc is not set")
	}
	api := reflect.TypeFor[accounts.API]()
	for i := range api.NumMethod() {
		assert.Contains(t, f.text, api.Method(i).Name+" was called")
	}
}

// nightly is a program that takes the interface.
func nightly(ctx context.Context, api accounts.API) (*accounts.BatchStatus, error) {
	var last *accounts.Receipt
	for r, err := range api.SubmitAccounts(nil, accounts.SubmitOptions{Name: "n"}).Batches(ctx) {
		if err != nil {
			return nil, err
		}
		last = r
	}
	return api.WaitBatch(ctx, last)
}

func TestMockInUse(t *testing.T) {
	t.Parallel()
	m := &accountstest.Mock{T: t}
	m.SubmitAccountsFunc = func(_ iter.Seq2[accounts.Row[accounts.Account], error], o accounts.SubmitOptions) *accounts.Job {
		assert.Equal(t, "n", o.Name)
		return accounts.JobOf(accounts.RowResult{Row: 1, Sent: accounts.SentAccepted, Batch: &accounts.Receipt{Reference: "a", Rows: 1}})
	}
	m.WaitBatchFunc = func(_ context.Context, r *accounts.Receipt, _ ...ccr.CallOption) (*accounts.BatchStatus, error) {
		assert.Equal(t, "a", r.Reference)
		return &accounts.BatchStatus{State: accounts.StateSucceeded}, nil
	}
	status, err := nightly(t.Context(), m)
	require.NoError(t, err)
	assert.True(t, status.Done())
}
