package accounts

import (
	"context"
	"iter"

	"github.com/ccr-sdk/ccr"
)

// API is what [Client] does, for programs that fake it. It may grow: embed it
// in fakes of your own, or take a narrower interface. accountstest.Mock
// implements it.
type API interface {
	UpsertAccounts(ctx context.Context, b AccountBatch, opts ...ccr.CallOption) (Receipt, error)
	ReportPayments(ctx context.Context, b PaymentBatch, opts ...ccr.CallOption) (Receipt, error)
	UpsertClaims(ctx context.Context, b ClaimBatch, opts ...ccr.CallOption) (Receipt, error)
	BatchStatus(ctx context.Context, r Receipt, opts ...ccr.CallOption) (BatchStatus, error)
	PollBatch(r Receipt, o PollOptions) *ccr.Poller[BatchStatus]
	WaitBatches(ctx context.Context, receipts []Receipt, o PollOptions) iter.Seq2[WaitedBatch, error]
	SubmitAccounts(rows iter.Seq2[Account, error], o SubmitOptions) *Job
	SubmitPayments(rows iter.Seq2[Payment, error], o SubmitOptions) *Job
	SubmitClaims(rows iter.Seq2[Claim, error], o SubmitOptions) *Job
}

var _ API = (*Client)(nil)
