// Package nightly is a night's work as a workflow and activities of Temporal:
// a load of accounts, then a file for the bureau.
package nightly

import (
	"context"
	"errors"
	"iter"
	"time"

	"go.temporal.io/sdk/activity"
	"go.temporal.io/sdk/temporal"
	"go.temporal.io/sdk/workflow"

	"github.com/ccr-sdk/ccr"
	"github.com/ccr-sdk/ccr/accounts"
	"github.com/ccr-sdk/ccr/gateway"
)

// Activities are what workers do. Its fields are shared by all of them: the
// ledger is one over a database (sqlstore).
type Activities struct {
	Accounts *accounts.Client
	Bureau   *gateway.Client
	Ledger   ccr.Ledger
	Rows     func(night string) iter.Seq2[accounts.Row[accounts.Account], error] // the same ones at each run
	File     func(name string) ccr.File
}

// Nightly loads the accounts of a night, follows their batches and uploads
// the payments file. Batches go from activity to activity as resume tokens.
func Nightly(ctx workflow.Context, night string) error {
	var a *Activities
	ctx = workflow.WithActivityOptions(ctx, workflow.ActivityOptions{
		StartToCloseTimeout: time.Hour,
		HeartbeatTimeout:    30 * time.Second, // progress is the heartbeat: a dead worker's work goes on soon
	})
	var tokens []string
	if err := workflow.ExecuteActivity(ctx, a.Load, night).Get(ctx, &tokens); err != nil {
		return err
	}
	for _, token := range tokens {
		if err := workflow.ExecuteActivity(ctx, a.Follow, token).Get(ctx, nil); err != nil {
			return err
		}
	}
	return workflow.ExecuteActivity(ctx, a.Upload, "payments-"+night+".csv").Get(ctx, nil)
}

// Load sends the accounts. A further attempt sends what the ledger does not know.
func (a *Activities) Load(ctx context.Context, night string) (tokens []string, err error) {
	job := a.Accounts.SubmitAccounts(a.Rows(night), accounts.SubmitOptions{Name: "nightly-" + night, Ledger: a.Ledger, Progress: heartbeat(ctx)})
	var errs []error
	for receipt, err := range job.Batches(ctx) {
		if err != nil {
			errs = append(errs, err)
			continue
		}
		tokens = append(tokens, a.Accounts.BatchPoller(receipt).ResumeToken())
	}
	return tokens, outcome(errors.Join(errs...))
}

// Follow waits until a batch is processed.
func (a *Activities) Follow(ctx context.Context, token string) error {
	poller, err := a.Accounts.ResumeBatch(token)
	if err == nil {
		_, err = poller.WithProgress("batch", heartbeat(ctx)).Wait(ctx)
	}
	return outcome(err)
}

// Upload sends the file once.
func (a *Activities) Upload(ctx context.Context, name string) error {
	_, err := a.Bureau.Upload(ctx, gateway.UploadRequest{Files: []ccr.File{a.File(name)}, Ledger: a.Ledger, Progress: heartbeat(ctx)})
	return outcome(err)
}

func heartbeat(ctx context.Context) ccr.ProgressFunc {
	return func(p ccr.Progress) { activity.RecordHeartbeat(ctx, p.Items, p.Bytes) }
}

// outcome turns an error into what Temporal understands. The type of one that
// is not retried is the action: a workflow can wait for a person's signal on
// "settle first".
func outcome(err error) error {
	switch d := ccr.DispositionOf(err); d.Action {
	case ccr.ActionDone:
		return nil
	case ccr.ActionRetry, ccr.ActionElsewhere:
		return temporal.NewApplicationErrorWithOptions(err.Error(), string(d.Action), temporal.ApplicationErrorOptions{NextRetryDelay: d.After})
	default:
		return temporal.NewNonRetryableApplicationError(err.Error(), string(d.Action), nil)
	}
}
