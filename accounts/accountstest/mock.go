package accountstest

import (
	"context"
	"fmt"
	"iter"

	"github.com/ccr-sdk/ccr"
	"github.com/ccr-sdk/ccr/accounts"
)

// Mock is an [accounts.API] with a function for each method. A method whose
// function is nil fails the test T with the method's name. Jobs and pollers for
// it come from [accounts.JobOf], [accounts.NewJob] and [ccr.PollerOf].
type Mock struct {
	T TB // nil: only the error says which function is missing

	// One for each method of [accounts.API], of its signature.
	UpsertAccountsFunc func(ctx context.Context, b accounts.AccountBatch, opts ...ccr.CallOption) (accounts.Receipt, error)
	ReportPaymentsFunc func(ctx context.Context, b accounts.PaymentBatch, opts ...ccr.CallOption) (accounts.Receipt, error)
	UpsertClaimsFunc   func(ctx context.Context, b accounts.ClaimBatch, opts ...ccr.CallOption) (accounts.Receipt, error)
	BatchStatusFunc    func(ctx context.Context, r accounts.Receipt, opts ...ccr.CallOption) (accounts.BatchStatus, error)
	PollBatchFunc      func(r accounts.Receipt, o accounts.PollOptions) *ccr.Poller[accounts.BatchStatus]
	WaitBatchesFunc    func(ctx context.Context, receipts []accounts.Receipt, o accounts.PollOptions) iter.Seq2[accounts.WaitedBatch, error]
	SubmitAccountsFunc func(rows iter.Seq2[accounts.Row[accounts.Account], error], o accounts.SubmitOptions) *accounts.Job
	SubmitPaymentsFunc func(rows iter.Seq2[accounts.Row[accounts.Payment], error], o accounts.SubmitOptions) *accounts.Job
	SubmitClaimsFunc   func(rows iter.Seq2[accounts.Row[accounts.Claim], error], o accounts.SubmitOptions) *accounts.Job
}

var _ accounts.API = (*Mock)(nil)

// TB is the part of testing.TB that a Mock needs.
type TB interface {
	// Both as in testing.TB; a *testing.T is one.
	Helper()
	Errorf(format string, args ...any)
}

// missing reports a method whose function is not set, by failing the test and
// by its error, since the code under test may run on another goroutine.
func (m *Mock) missing(method string) error {
	if m.T != nil {
		m.T.Helper()
		m.T.Errorf("accountstest.Mock: %s was called, and %sFunc is not set", method, method)
	}
	return fmt.Errorf("accountstest: %sFunc is not set", method)
}

// noJob is a job that fails when it is ranged over.
func (m *Mock) noJob(method string) *accounts.Job {
	return accounts.NewJob(method, func(yield func(accounts.Receipt, error) bool) { yield(accounts.Receipt{}, m.missing(method)) })
}

// UpsertAccounts calls UpsertAccountsFunc.
func (m *Mock) UpsertAccounts(ctx context.Context, b accounts.AccountBatch, opts ...ccr.CallOption) (accounts.Receipt, error) {
	if m.UpsertAccountsFunc == nil {
		return accounts.Receipt{}, m.missing("UpsertAccounts")
	}
	return m.UpsertAccountsFunc(ctx, b, opts...)
}

// ReportPayments calls ReportPaymentsFunc.
func (m *Mock) ReportPayments(ctx context.Context, b accounts.PaymentBatch, opts ...ccr.CallOption) (accounts.Receipt, error) {
	if m.ReportPaymentsFunc == nil {
		return accounts.Receipt{}, m.missing("ReportPayments")
	}
	return m.ReportPaymentsFunc(ctx, b, opts...)
}

// UpsertClaims calls UpsertClaimsFunc.
func (m *Mock) UpsertClaims(ctx context.Context, b accounts.ClaimBatch, opts ...ccr.CallOption) (accounts.Receipt, error) {
	if m.UpsertClaimsFunc == nil {
		return accounts.Receipt{}, m.missing("UpsertClaims")
	}
	return m.UpsertClaimsFunc(ctx, b, opts...)
}

// BatchStatus calls BatchStatusFunc.
func (m *Mock) BatchStatus(ctx context.Context, r accounts.Receipt, opts ...ccr.CallOption) (accounts.BatchStatus, error) {
	if m.BatchStatusFunc == nil {
		return accounts.BatchStatus{}, m.missing("BatchStatus")
	}
	return m.BatchStatusFunc(ctx, r, opts...)
}

// PollBatch calls PollBatchFunc.
func (m *Mock) PollBatch(r accounts.Receipt, o accounts.PollOptions) *ccr.Poller[accounts.BatchStatus] {
	if m.PollBatchFunc == nil {
		return ccr.NewPoller("", func(context.Context) (ccr.PollState[accounts.BatchStatus], error) {
			return ccr.PollState[accounts.BatchStatus]{}, m.missing("PollBatch")
		})
	}
	return m.PollBatchFunc(r, o)
}

// WaitBatches calls WaitBatchesFunc.
func (m *Mock) WaitBatches(ctx context.Context, receipts []accounts.Receipt, o accounts.PollOptions) iter.Seq2[accounts.WaitedBatch, error] {
	if m.WaitBatchesFunc == nil {
		return func(yield func(accounts.WaitedBatch, error) bool) {
			yield(accounts.WaitedBatch{}, m.missing("WaitBatches"))
		}
	}
	return m.WaitBatchesFunc(ctx, receipts, o)
}

// SubmitAccounts calls SubmitAccountsFunc.
func (m *Mock) SubmitAccounts(rows iter.Seq2[accounts.Row[accounts.Account], error], o accounts.SubmitOptions) *accounts.Job {
	if m.SubmitAccountsFunc == nil {
		return m.noJob("SubmitAccounts")
	}
	return m.SubmitAccountsFunc(rows, o)
}

// SubmitPayments calls SubmitPaymentsFunc.
func (m *Mock) SubmitPayments(rows iter.Seq2[accounts.Row[accounts.Payment], error], o accounts.SubmitOptions) *accounts.Job {
	if m.SubmitPaymentsFunc == nil {
		return m.noJob("SubmitPayments")
	}
	return m.SubmitPaymentsFunc(rows, o)
}

// SubmitClaims calls SubmitClaimsFunc.
func (m *Mock) SubmitClaims(rows iter.Seq2[accounts.Row[accounts.Claim], error], o accounts.SubmitOptions) *accounts.Job {
	if m.SubmitClaimsFunc == nil {
		return m.noJob("SubmitClaims")
	}
	return m.SubmitClaimsFunc(rows, o)
}
