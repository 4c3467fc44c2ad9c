// Package backend is what a lender's back office might do with ccr every
// night: push debtor accounts, send collections, fetch reports and returns,
// and decide on credit applications.
package backend

import (
	"context"
	"errors"
	"fmt"

	"github.com/ccr-sdk/ccr"
	"github.com/ccr-sdk/ccr/accounts"
	"github.com/ccr-sdk/ccr/decisioning"
	"github.com/ccr-sdk/ccr/gateway"
	"github.com/ccr-sdk/ccr/sftp"
)

// Debts is the part of accounts.API that this program needs: the narrower the
// interface, the smaller the fake.
type Debts interface {
	UpsertAccounts(ctx context.Context, b accounts.AccountBatch, opts ...ccr.CallOption) (*accounts.Receipt, error)
}

// Decisions is the part of decisioning.API that this program needs.
type Decisions interface {
	EnsureCustomer(ctx context.Context, n decisioning.NewCustomer, opts ...ccr.CallOption) (*decisioning.Customer, error)
	CreateAnalysis(ctx context.Context, customerID string, in decisioning.AnalysisInput, opts ...ccr.CallOption) (*decisioning.Analysis, error)
	WaitAnalysis(ctx context.Context, customerID, analysisID string, opts ...ccr.CallOption) (*decisioning.Analysis, error)
	Scores(ctx context.Context, customerID, analysisID string, opts ...ccr.CallOption) (*decisioning.Scores, error)
}

// Backend holds the clients; any of them can be a fake.
type Backend struct {
	Debts     Debts
	Bureau    gateway.API
	Decisions Decisions
	Drop      sftp.API
}

// Push sends debtor accounts. It tells the caller apart what to do: nil is
// accepted; ErrTryLater is safe to repeat; anything else needs a person.
func (b *Backend) Push(ctx context.Context, reference string, rows []accounts.Account) error {
	_, err := b.Debts.UpsertAccounts(ctx, accounts.AccountBatch{ReferenceID: reference, Accounts: rows})
	if e, ok := errors.AsType[*ccr.Error](err); ok && e.Temporary() {
		return fmt.Errorf("%w: %w", ErrTryLater, err)
	}
	return err
}

// ErrTryLater: the same call is safe to make again, and may succeed.
var ErrTryLater = errors.New("try later")

// Nightly sends a collections file and brings in what waits.
func (b *Backend) Nightly(ctx context.Context, collections ccr.File, ledger ccr.Ledger, reports, returns ccr.Sink) (received int, err error) {
	if _, err := b.Bureau.Upload(ctx, gateway.UploadRequest{Files: []ccr.File{collections}, Ledger: ledger}); err != nil {
		return 0, fmt.Errorf("collections: %w", err)
	}
	fromBureau, err := b.Bureau.Receive(ctx, reports)
	if err != nil {
		return len(fromBureau), fmt.Errorf("reports: %w", err)
	}
	fromDrop, err := b.Drop.Receive(ctx, returns, sftp.ReceiveOptions{StableFor: -1})
	return len(fromBureau) + len(fromDrop), err
}

// minimumScore is this lender's own.
const minimumScore = 500

// Decide reports whether an applicant's finances carry a loan.
func (b *Backend) Decide(ctx context.Context, applicant string, profile decisioning.AnalysisInput) (bool, error) {
	customer, err := b.Decisions.EnsureCustomer(ctx, decisioning.NewCustomer{CustomIdentifier: applicant})
	if err != nil {
		return false, err
	}
	analysis, err := b.Decisions.CreateAnalysis(ctx, customer.ID, profile)
	if err != nil {
		return false, err
	}
	if analysis, err = b.Decisions.WaitAnalysis(ctx, customer.ID, analysis.ID); err != nil {
		return false, err
	}
	scores, err := b.Decisions.Scores(ctx, customer.ID, analysis.ID)
	if err != nil {
		return false, err
	}
	if scores.CreditScore == nil {
		return false, errors.New("no credit score")
	}
	return scores.CreditScore.Value >= minimumScore, nil
}
