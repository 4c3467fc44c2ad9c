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
	// One request for one batch, of accounts, payments or claims. The receipt says
	// that Credit Clear accepted it, which is not yet processed.
	UpsertAccounts(ctx context.Context, b AccountBatch, opts ...ccr.CallOption) (*Receipt, error)
	ReportPayments(ctx context.Context, b PaymentBatch, opts ...ccr.CallOption) (*Receipt, error)
	UpsertClaims(ctx context.Context, b ClaimBatch, opts ...ccr.CallOption) (*Receipt, error)
	// What became of a batch: one poll, waiting here or resumed in another
	// process; for many: ccr.WaitAll.
	BatchStatus(ctx context.Context, r *Receipt, opts ...ccr.CallOption) (*BatchStatus, error)
	WaitBatch(ctx context.Context, r *Receipt, opts ...ccr.CallOption) (*BatchStatus, error)
	BatchPoller(r *Receipt, opts ...ccr.CallOption) *ccr.Poller[*BatchStatus]
	ResumeBatch(token string, opts ...ccr.CallOption) (*ccr.Poller[*BatchStatus], error)
	// Any number of rows, cut into batches. Nothing is sent before the job runs.
	SubmitAccounts(rows iter.Seq2[Row[Account], error], o SubmitOptions) *Job
	SubmitPayments(rows iter.Seq2[Row[Payment], error], o SubmitOptions) *Job
	SubmitClaims(rows iter.Seq2[Row[Claim], error], o SubmitOptions) *Job
	// A person's word on a batch of a job whose outcome is unknown.
	SettleBatch(ctx context.Context, o SettleOptions, opts ...ccr.CallOption) error
}

var _ API = (*Client)(nil)
