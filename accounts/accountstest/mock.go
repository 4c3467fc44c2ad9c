package accountstest

import (
	"context"
	"iter"

	"github.com/ccr-sdk/ccr"
	"github.com/ccr-sdk/ccr/accounts"
)

// Mock is an [accounts.API] with a func field for each method. A call of a
// method whose field is nil fails the test, by the method's name. Jobs and
// pollers for it come from [accounts.JobOf], [accounts.NewJob] and
// [ccr.PollerOf].
type Mock struct {
	TB TB // the test; without one, a call of a nil field panics

	UpsertAccountsFunc func(ctx context.Context, b accounts.AccountBatch, opts ...ccr.CallOption) (accounts.Receipt, error)
	ReportPaymentsFunc func(ctx context.Context, b accounts.PaymentBatch, opts ...ccr.CallOption) (accounts.Receipt, error)
	UpsertClaimsFunc   func(ctx context.Context, b accounts.ClaimBatch, opts ...ccr.CallOption) (accounts.Receipt, error)
	BatchStatusFunc    func(ctx context.Context, r accounts.Receipt, opts ...ccr.CallOption) (accounts.BatchStatus, error)
	PollBatchFunc      func(r accounts.Receipt, o accounts.PollOptions) *ccr.Poller[accounts.BatchStatus]
	WaitBatchesFunc    func(ctx context.Context, receipts []accounts.Receipt, o accounts.PollOptions) iter.Seq2[accounts.WaitedBatch, error]
	SubmitAccountsFunc func(rows iter.Seq2[accounts.Account, error], o accounts.SubmitOptions) *accounts.Job
	SubmitPaymentsFunc func(rows iter.Seq2[accounts.Payment, error], o accounts.SubmitOptions) *accounts.Job
	SubmitClaimsFunc   func(rows iter.Seq2[accounts.Claim, error], o accounts.SubmitOptions) *accounts.Job
}

var _ accounts.API = (*Mock)(nil)

// TB is what a [Mock] needs of a *testing.T.
type TB interface {
	Helper()
	Fatal(args ...any)
}

func (m *Mock) unset(method string) {
	message := "accountstest.Mock: " + method + " was called, and " + method + "Func is not set"
	if m.TB == nil {
		panic(message)
	}
	m.TB.Helper()
	m.TB.Fatal(message)
}

// UpsertAccounts calls UpsertAccountsFunc.
func (m *Mock) UpsertAccounts(ctx context.Context, b accounts.AccountBatch, opts ...ccr.CallOption) (accounts.Receipt, error) {
	if m.UpsertAccountsFunc == nil {
		m.unset("UpsertAccounts")
	}
	return m.UpsertAccountsFunc(ctx, b, opts...)
}

// ReportPayments calls ReportPaymentsFunc.
func (m *Mock) ReportPayments(ctx context.Context, b accounts.PaymentBatch, opts ...ccr.CallOption) (accounts.Receipt, error) {
	if m.ReportPaymentsFunc == nil {
		m.unset("ReportPayments")
	}
	return m.ReportPaymentsFunc(ctx, b, opts...)
}

// UpsertClaims calls UpsertClaimsFunc.
func (m *Mock) UpsertClaims(ctx context.Context, b accounts.ClaimBatch, opts ...ccr.CallOption) (accounts.Receipt, error) {
	if m.UpsertClaimsFunc == nil {
		m.unset("UpsertClaims")
	}
	return m.UpsertClaimsFunc(ctx, b, opts...)
}

// BatchStatus calls BatchStatusFunc.
func (m *Mock) BatchStatus(ctx context.Context, r accounts.Receipt, opts ...ccr.CallOption) (accounts.BatchStatus, error) {
	if m.BatchStatusFunc == nil {
		m.unset("BatchStatus")
	}
	return m.BatchStatusFunc(ctx, r, opts...)
}

// PollBatch calls PollBatchFunc.
func (m *Mock) PollBatch(r accounts.Receipt, o accounts.PollOptions) *ccr.Poller[accounts.BatchStatus] {
	if m.PollBatchFunc == nil {
		m.unset("PollBatch")
	}
	return m.PollBatchFunc(r, o)
}

// WaitBatches calls WaitBatchesFunc.
func (m *Mock) WaitBatches(ctx context.Context, receipts []accounts.Receipt, o accounts.PollOptions) iter.Seq2[accounts.WaitedBatch, error] {
	if m.WaitBatchesFunc == nil {
		m.unset("WaitBatches")
	}
	return m.WaitBatchesFunc(ctx, receipts, o)
}

// SubmitAccounts calls SubmitAccountsFunc.
func (m *Mock) SubmitAccounts(rows iter.Seq2[accounts.Account, error], o accounts.SubmitOptions) *accounts.Job {
	if m.SubmitAccountsFunc == nil {
		m.unset("SubmitAccounts")
	}
	return m.SubmitAccountsFunc(rows, o)
}

// SubmitPayments calls SubmitPaymentsFunc.
func (m *Mock) SubmitPayments(rows iter.Seq2[accounts.Payment, error], o accounts.SubmitOptions) *accounts.Job {
	if m.SubmitPaymentsFunc == nil {
		m.unset("SubmitPayments")
	}
	return m.SubmitPaymentsFunc(rows, o)
}

// SubmitClaims calls SubmitClaimsFunc.
func (m *Mock) SubmitClaims(rows iter.Seq2[accounts.Claim, error], o accounts.SubmitOptions) *accounts.Job {
	if m.SubmitClaimsFunc == nil {
		m.unset("SubmitClaims")
	}
	return m.SubmitClaimsFunc(rows, o)
}
