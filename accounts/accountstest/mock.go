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
	UpsertAccountsFunc func(ctx context.Context, b accounts.AccountBatch, opts ...ccr.CallOption) (*accounts.Receipt, error)
	ReportPaymentsFunc func(ctx context.Context, b accounts.PaymentBatch, opts ...ccr.CallOption) (*accounts.Receipt, error)
	UpsertClaimsFunc   func(ctx context.Context, b accounts.ClaimBatch, opts ...ccr.CallOption) (*accounts.Receipt, error)
	BatchStatusFunc    func(ctx context.Context, r *accounts.Receipt, opts ...ccr.CallOption) (*accounts.BatchStatus, error)
	WaitBatchFunc      func(ctx context.Context, r *accounts.Receipt, opts ...ccr.CallOption) (*accounts.BatchStatus, error)
	BatchPollerFunc    func(r *accounts.Receipt, opts ...ccr.CallOption) *ccr.Poller[*accounts.BatchStatus]
	ResumeBatchFunc    func(token string, opts ...ccr.CallOption) (*ccr.Poller[*accounts.BatchStatus], error)
	SubmitAccountsFunc func(rows iter.Seq2[accounts.Row[accounts.Account], error], o accounts.SubmitOptions) *accounts.Job
	SubmitPaymentsFunc func(rows iter.Seq2[accounts.Row[accounts.Payment], error], o accounts.SubmitOptions) *accounts.Job
	SubmitClaimsFunc   func(rows iter.Seq2[accounts.Row[accounts.Claim], error], o accounts.SubmitOptions) *accounts.Job
	SettleBatchFunc    func(ctx context.Context, o accounts.SettleOptions, opts ...ccr.CallOption) error
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
	return accounts.NewJob(method, func(yield func(accounts.RowResult, error) bool) { yield(accounts.RowResult{}, m.missing(method)) })
}

// UpsertAccounts calls UpsertAccountsFunc.
func (m *Mock) UpsertAccounts(ctx context.Context, b accounts.AccountBatch, opts ...ccr.CallOption) (*accounts.Receipt, error) {
	if m.UpsertAccountsFunc == nil {
		return nil, m.missing("UpsertAccounts")
	}
	return m.UpsertAccountsFunc(ctx, b, opts...)
}

// ReportPayments calls ReportPaymentsFunc.
func (m *Mock) ReportPayments(ctx context.Context, b accounts.PaymentBatch, opts ...ccr.CallOption) (*accounts.Receipt, error) {
	if m.ReportPaymentsFunc == nil {
		return nil, m.missing("ReportPayments")
	}
	return m.ReportPaymentsFunc(ctx, b, opts...)
}

// UpsertClaims calls UpsertClaimsFunc.
func (m *Mock) UpsertClaims(ctx context.Context, b accounts.ClaimBatch, opts ...ccr.CallOption) (*accounts.Receipt, error) {
	if m.UpsertClaimsFunc == nil {
		return nil, m.missing("UpsertClaims")
	}
	return m.UpsertClaimsFunc(ctx, b, opts...)
}

// BatchStatus calls BatchStatusFunc.
func (m *Mock) BatchStatus(ctx context.Context, r *accounts.Receipt, opts ...ccr.CallOption) (*accounts.BatchStatus, error) {
	if m.BatchStatusFunc == nil {
		return nil, m.missing("BatchStatus")
	}
	return m.BatchStatusFunc(ctx, r, opts...)
}

// WaitBatch calls WaitBatchFunc.
func (m *Mock) WaitBatch(ctx context.Context, r *accounts.Receipt, opts ...ccr.CallOption) (*accounts.BatchStatus, error) {
	if m.WaitBatchFunc == nil {
		return nil, m.missing("WaitBatch")
	}
	return m.WaitBatchFunc(ctx, r, opts...)
}

// BatchPoller calls BatchPollerFunc.
func (m *Mock) BatchPoller(r *accounts.Receipt, opts ...ccr.CallOption) *ccr.Poller[*accounts.BatchStatus] {
	if m.BatchPollerFunc == nil {
		return ccr.NewPoller("", func(context.Context) (ccr.PollState[*accounts.BatchStatus], error) {
			return ccr.PollState[*accounts.BatchStatus]{}, m.missing("BatchPoller")
		})
	}
	return m.BatchPollerFunc(r, opts...)
}

// ResumeBatch calls ResumeBatchFunc.
func (m *Mock) ResumeBatch(token string, opts ...ccr.CallOption) (*ccr.Poller[*accounts.BatchStatus], error) {
	if m.ResumeBatchFunc == nil {
		return nil, m.missing("ResumeBatch")
	}
	return m.ResumeBatchFunc(token, opts...)
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

// SettleBatch calls SettleBatchFunc.
func (m *Mock) SettleBatch(ctx context.Context, o accounts.SettleOptions, opts ...ccr.CallOption) error {
	if m.SettleBatchFunc == nil {
		return m.missing("SettleBatch")
	}
	return m.SettleBatchFunc(ctx, o, opts...)
}
