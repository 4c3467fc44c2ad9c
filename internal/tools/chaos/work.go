package main

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"path/filepath"
	"time"

	"github.com/ccr-sdk/ccr"
	"github.com/ccr-sdk/ccr/accounts"
	"github.com/ccr-sdk/ccr/decisioning"
	"github.com/ccr-sdk/ccr/gateway"
	"github.com/ccr-sdk/ccr/sftp"
)

// jobRows are the accounts of one job, jobBatch those of one request.
const (
	jobRows  = 400
	jobBatch = 50
)

// accountKey is the key of a row, by which the vendor's books are checked.
func accountKey(job, row int) string { return fmt.Sprintf("J%05d-%04d", job, row) }

func jobAccounts(job int) iter.Seq2[accounts.Row[accounts.Account], error] {
	return func(yield func(accounts.Row[accounts.Account], error) bool) {
		for row := range jobRows {
			a := accounts.Account{
				ClientReferenceID: accountKey(job, row), Status: accounts.StatusActive,
				OutstandingAmount: ccr.AmountFromMinor(int64(job*1000+row), 2),
				Debtor:            accounts.Party{FirstName: "Ada", LastName: canary},
			}
			if !yield(accounts.Row[accounts.Account]{Value: a}, nil) {
				return
			}
		}
	}
}

// sendAccounts runs a job until every row is accepted.
func (c *client) sendAccounts(ctx context.Context, n int) error {
	job := c.accounts.SubmitAccounts(jobAccounts(n), accounts.SubmitOptions{
		Name: fmt.Sprintf("chaos-%05d", n), Ledger: c.jobs, MaxRows: jobBatch,
	})
	sum, err := job.Run(ctx)
	if err != nil {
		if sum.Unknown > 0 {
			c.settled("rows of a job, by its next run")
		}
		return err
	}
	if sum.Accepted != jobRows {
		return fmt.Errorf("job ended with %s", sum)
	}
	return nil
}

func uploadName(n int) string { return fmt.Sprintf("COLLECTIONS_%05d.csv", n) }

// upload sends a file to the bureau, and settles an unknown outcome the way
// the SDK's advice says: send the same name again without Overwrite; a refusal
// means that it had arrived.
func (c *client) upload(ctx context.Context, n int) error {
	file := ccr.FileFromBytes(uploadName(n), content("gateway upload", n))
	_, err := c.gateway.Upload(ctx, gateway.UploadRequest{Files: []ccr.File{file}, Ledger: c.outbox})
	if !errors.Is(err, ccr.ErrOutcomeUnknown) {
		return err
	}
	_, again := c.gateway.Upload(ctx, gateway.UploadRequest{Files: []ccr.File{file}})
	if again != nil && !errors.Is(again, ccr.ErrDuplicate) {
		return errors.Join(err, again)
	}
	c.settled("gateway upload")
	return c.gateway.SettleUpload(ctx, gateway.SettleOptions{Ledger: c.outbox, File: file, Arrived: true})
}

func (c *client) receiveReports(ctx context.Context) (int, error) {
	got, err := c.gateway.Receive(ctx, ccr.DirSink(filepath.Join(c.Dir, "reports")), gateway.ReceiveOptions{Concurrency: 3})
	return len(got), errors.Join(err, c.consume("reports"))
}

func (c *client) receiveReturns(ctx context.Context) (int, error) {
	drop, err := c.dial(ctx)
	if err != nil {
		return 0, err
	}
	defer drop.Shutdown(ctx) //nolint:errcheck // what matters was checked
	got, err := drop.Receive(ctx, ccr.DirSink(filepath.Join(c.Dir, "returns")), sftp.ReceiveOptions{StableFor: -1, After: sftp.RemoveRemote})
	return len(got), errors.Join(err, c.consume("returns"))
}

// drop sends a file through SFTP. An unknown outcome is settled by looking.
func (c *client) drop(ctx context.Context, n int) error {
	drop, err := c.dial(ctx)
	if err != nil {
		return err
	}
	defer drop.Shutdown(ctx) //nolint:errcheck // what matters was checked
	file := ccr.FileFromBytes(dropName(n), content("sftp upload", n))
	_, err = drop.Upload(ctx, file, sftp.UploadOptions{Ledger: c.outbox})
	if !errors.Is(err, ccr.ErrOutcomeUnknown) {
		return err
	}
	entry, lookErr := drop.Stat(ctx, file.Name(), sftp.StatOptions{Folder: "uploads"})
	switch {
	case errors.Is(lookErr, ccr.ErrNotFound):
		c.settled("sftp upload: not there")
		return errors.Join(drop.SettleUpload(ctx, sftp.SettleOptions{Ledger: c.outbox, File: file}), err) // and again
	case lookErr != nil:
		return errors.Join(err, lookErr)
	case entry.Size != int64(len(content("sftp upload", n))):
		return fmt.Errorf("a wrong size under the final name: %w", err)
	}
	c.settled("sftp upload: there")
	return drop.SettleUpload(ctx, sftp.SettleOptions{Ledger: c.outbox, File: file, Arrived: true})
}

func dropName(n int) string { return fmt.Sprintf("debtors_%05d.csv", n) }

func customerName(n int) string { return fmt.Sprintf("applicant-%05d", n) }

// stillUnderWay is how long a request can be held up on these lines (stalls
// and slow stretches) and reach the vendor all the same, even after the
// process that sent it has died.
const stillUnderWay = 6 * time.Second

// decide takes one applicant to a score. Nothing at the vendor keeps a second
// analysis of a customer from being made, so before another one is asked for,
// the first request must be dead: its time is noted before it is sent, and
// only when it can no longer arrive does looking settle what became of it.
func (c *client) decide(ctx context.Context, n int) error {
	customer, err := c.decisioning.EnsureCustomer(ctx, decisioning.NewCustomer{CustomIdentifier: customerName(n)})
	if err != nil {
		return err
	}
	analysisID, err := c.findAnalysis(ctx, n, customer.ID)
	if err != nil {
		return err
	}
	if analysisID == "" {
		if err := c.book.write(asked(n, time.Now())); err != nil {
			return err
		}
		a, err := c.decisioning.CreateAnalysis(ctx, customer.ID, applicant())
		if err != nil {
			if errors.Is(err, ccr.ErrNotSent) {
				return errors.Join(err, c.book.write(asked(n, time.Time{})))
			}
			return err
		}
		analysisID = a.ID
	}
	poller := c.decisioning.AnalysisPoller(customer.ID, analysisID).WithInterval(ccr.PollInterval{Start: 5 * time.Millisecond, Max: 20 * time.Millisecond})
	if _, err := poller.Wait(ctx); err != nil {
		return err
	}
	scores, err := c.decisioning.Scores(ctx, customer.ID, analysisID)
	if err == nil && scores.CreditScore == nil {
		err = errors.New("no score")
	}
	return err
}

// asked is the line of the book that says when an analysis was asked for; the
// zero time says that the request was not sent after all.
func asked(n int, at time.Time) string { return fmt.Sprintf("asked %d %d", n, at.UnixMilli()) }

// findAnalysis settles an earlier request, if there was one: it waits until
// that cannot be under way any more, and then looks.
func (c *client) findAnalysis(ctx context.Context, n int, customerID string) (string, error) {
	at, ok := c.book.lastAsked(n)
	if !ok {
		return "", nil
	}
	if wait := time.Until(at.Add(stillUnderWay)); wait > 0 {
		select {
		case <-time.After(wait):
		case <-ctx.Done():
			return "", ctx.Err()
		}
	}
	for a, err := range c.decisioning.Analyses(customerID, decisioning.ListOptions{}).All(ctx) {
		if err != nil {
			return "", err
		}
		c.settled("analysis")
		return a.ID, nil
	}
	return "", nil
}

// applicant is a small profile that the in-process vendor completes.
func applicant() decisioning.AnalysisInput {
	day := time.Date(2026, 11, 1, 12, 0, 0, 0, time.UTC)
	account := decisioning.Account{
		Type: decisioning.AccountChecking, Usage: decisioning.UsagePersonal, Currency: "EUR",
		Balance: ccr.AmountFromMinor(120000, 2), BalanceDate: ccr.NewDateTime(day),
		Bank: &decisioning.Bank{Name: "Bank"}, Owners: []decisioning.AccountOwner{{Name: canary}},
	}
	for i := range 30 {
		account.Transactions = append(account.Transactions, decisioning.Transaction{
			Amount: ccr.AmountFromMinor(int64(5000-i*300), 2), Currency: "EUR", Description: "TO " + canary,
			Dates: decisioning.TransactionDates{BookedAt: ccr.NewDateTime(day.AddDate(0, 0, -2*i))},
		})
	}
	return decisioning.AnalysisInput{Accounts: []decisioning.Account{account}}
}
