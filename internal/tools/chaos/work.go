package main

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"net/http"
	"net/url"
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
func (c *client) sendAccounts(ctx context.Context, t *task) error {
	return finished(c.accounts.SubmitAccounts(jobAccounts(t.n), accounts.SubmitOptions{
		Name: fmt.Sprintf("chaos-%05d", t.n), Ledger: c.ledger, MaxRows: jobBatch,
	}).Run(ctx))
}

func finished(sum *accounts.Summary, err error) error {
	if err == nil && sum.Accepted != jobRows {
		err = fmt.Errorf("job ended with %s", sum)
	}
	return err
}

// paymentKey is the reference of a payment, by which the vendor's books are checked.
func paymentKey(job, row int) string { return fmt.Sprintf("P%05d-%04d", job, row) }

func jobPayments(job int) iter.Seq2[accounts.Row[accounts.Payment], error] {
	return func(yield func(accounts.Row[accounts.Payment], error) bool) {
		for row := range jobRows {
			p := accounts.Payment{
				PaymentReference: paymentKey(job, row), ClientReferenceID: accountKey(job, row),
				Amount: ccr.AmountFromMinor(int64(job*1000+row+1), 2), PaymentDate: ccr.Date{Year: 2026, Month: 11, Day: 1},
			}
			if !yield(accounts.Row[accounts.Payment]{Value: p}, nil) {
				return
			}
		}
	}
}

// sendPayments runs a job of payments. No payment may be sent twice: a batch
// of which nobody knows whether it arrived is settled by the vendor's count.
func (c *client) sendPayments(ctx context.Context, t *task) error {
	o := accounts.SubmitOptions{Name: fmt.Sprintf("payments-%05d", t.n), Ledger: c.ledger, MaxRows: jobBatch}
	before := t.open
	t.open = map[string]bool{}
	var settle []*accounts.Receipt
	var last error
	for receipt, err := range c.accounts.SubmitPayments(jobPayments(t.n), o).Batches(ctx) {
		switch unknown := receipt != nil && errors.Is(err, ccr.ErrOutcomeUnknown); {
		case unknown && before[receipt.Reference] && c.settles():
			settle = append(settle, receipt)
		case unknown: // it may still be under way
			t.open[receipt.Reference], last = true, err
		case err != nil:
			last = err
		}
	}
	for _, receipt := range settle {
		arrived, err := c.arrived(ctx, receipt.Reference)
		if err != nil {
			return err
		}
		if err := c.accounts.SettleBatch(ctx, accounts.SettleOptions{Ledger: c.ledger, Receipt: receipt, Arrived: arrived}); err != nil {
			return err
		}
	}
	if last != nil {
		return last
	}
	return finished(c.accounts.SubmitPayments(jobPayments(t.n), o).Run(ctx))
}

// settles: one client alone settles, as one person would. Two could contradict
// each other: one counts before, the other sends again, and the first one's
// word "did not arrive" is of a request that is under way.
func (c *client) settles() bool { return c.Number == 0 }

// arrived asks the vendor's people for a batch of payments.
func (c *client) arrived(ctx context.Context, reference string) (bool, error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, c.Count+"?reference="+url.QueryEscape(reference), nil)
	if err != nil {
		return false, err
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		return false, err
	}
	defer resp.Body.Close()
	return resp.StatusCode == http.StatusOK, nil
}

func sleep(ctx context.Context, d time.Duration) error {
	select {
	case <-time.After(d):
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

func uploadName(n int) string { return fmt.Sprintf("COLLECTIONS_%05d.csv", n) }

// upload sends a file to the bureau, and settles an unknown outcome the way
// the SDK's advice says: send the same name again without Overwrite; a refusal
// means that it had arrived.
func (c *client) upload(ctx context.Context, t *task) error {
	file := ccr.FileFromBytes(uploadName(t.n), content(kindUpload, t.n))
	_, err := c.gateway.Upload(ctx, gateway.UploadRequest{Files: []ccr.File{file}, Ledger: c.ledger})
	if !errors.Is(err, ccr.ErrOutcomeUnknown) || !t.doubtful {
		return err
	}
	_, again := c.gateway.Upload(ctx, gateway.UploadRequest{Files: []ccr.File{file}})
	if again != nil && !errors.Is(again, ccr.ErrDuplicate) {
		return again
	}
	return c.gateway.SettleUpload(ctx, gateway.SettleOptions{Ledger: c.ledger, File: file, Arrived: true})
}

// receiveReports: every second client leaves to others what they are at.
func (c *client) receiveReports(ctx context.Context) (int, error) {
	got, err := c.gateway.Receive(ctx, ccr.DirSink(filepath.Join(c.Dir, "reports")), gateway.ReceiveOptions{
		Concurrency: 3, Ledger: c.ledger, SkipClaimed: c.Number%2 == 1,
	})
	return len(got), errors.Join(err, c.consume("reports"))
}

func (c *client) receiveReturns(ctx context.Context) (int, error) {
	drop, err := c.dial(ctx)
	if err != nil {
		return 0, err
	}
	defer drop.Shutdown(ctx) //nolint:errcheck // what matters was checked
	got, err := drop.Receive(ctx, ccr.DirSink(filepath.Join(c.Dir, "returns")), sftp.ReceiveOptions{
		StableFor: -1, After: sftp.RemoveRemote, Ledger: c.ledger, SkipClaimed: c.Number%2 == 0,
	})
	return len(got), errors.Join(err, c.consume("returns"))
}

// drop sends a file through SFTP. An unknown outcome is settled by looking.
func (c *client) drop(ctx context.Context, t *task) error {
	drop, err := c.dial(ctx)
	if err != nil {
		return err
	}
	defer drop.Shutdown(ctx) //nolint:errcheck // what matters was checked
	file := ccr.FileFromBytes(dropName(t.n), content(kindDrop, t.n))
	_, err = drop.Upload(ctx, file, sftp.UploadOptions{Ledger: c.ledger})
	if !errors.Is(err, ccr.ErrOutcomeUnknown) || !t.doubtful || !c.settles() {
		return err
	}
	if err := sleep(ctx, stillUnderWay); err != nil { // it may have become unknown in this very attempt
		return err
	}
	_, err = drop.Stat(ctx, file.Name(), sftp.StatOptions{Folder: "uploads"})
	if err != nil && !errors.Is(err, ccr.ErrNotFound) {
		return err
	}
	if err := drop.SettleUpload(ctx, sftp.SettleOptions{Ledger: c.ledger, File: file, Arrived: err == nil}); err != nil {
		return err
	}
	_, err = drop.Upload(ctx, file, sftp.UploadOptions{Ledger: c.ledger})
	return err
}

func dropName(n int) string { return fmt.Sprintf("debtors_%05d.csv", n) }

func customerName(n int) string { return fmt.Sprintf("applicant-%05d", n) }

// decide takes one applicant to a score.
func (c *client) decide(ctx context.Context, t *task) error {
	customer, err := c.decisioning.EnsureCustomer(ctx, decisioning.NewCustomer{CustomIdentifier: customerName(t.n)})
	if err != nil {
		return err
	}
	a, err := c.decisioning.EnsureAnalysis(ctx, customer.ID, customerName(t.n), applicant(), decisioning.EnsureOptions{Ledger: c.ledger})
	if err != nil {
		return err
	}
	poller := c.decisioning.AnalysisPoller(customer.ID, a.ID).WithInterval(ccr.PollInterval{Start: 5 * time.Millisecond, Max: 20 * time.Millisecond})
	if _, err := poller.Wait(ctx); err != nil {
		return err
	}
	scores, err := c.decisioning.Scores(ctx, customer.ID, a.ID)
	if err == nil && scores.CreditScore == nil {
		err = errors.New("no score")
	}
	return err
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
