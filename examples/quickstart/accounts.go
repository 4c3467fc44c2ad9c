package main

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/ccr-sdk/ccr"
	"github.com/ccr-sdk/ccr/accounts"
	"github.com/ccr-sdk/ccr/accounts/accountstest"
	"github.com/ccr-sdk/ccr/accounts/files"
)

// batchRows is how many accounts go into one request here.
const batchRows = 800

// runAccounts sends a CSV of debtor accounts and follows what became of them.
func runAccounts(ctx context.Context, o options, r *section) error {
	in, err := input(o.accounts, "accounts.csv")
	if err != nil {
		return err
	}
	reader, err := files.NewAccountReader(in, files.ReadOptions{})
	if err != nil {
		return errors.Join(err, in.Close())
	}
	var rows []accounts.Account
	for row, err := range reader.All() {
		if err != nil {
			return errors.Join(err, in.Close())
		}
		rows = append(rows, row.Value)
	}
	if err := in.Close(); err != nil {
		return err
	}
	r.addf("read", "%d accounts from %s", len(rows), inputName(o.accounts, "accounts.csv"))
	client, vendor, err := connectAccounts(o)
	if err != nil {
		return err
	}
	var interval ccr.PollInterval
	if vendor != nil {
		defer vendor.Close()
		interval = ccr.PollInterval{Start: 20 * time.Millisecond, Max: 100 * time.Millisecond}
	}
	// The same references on a rerun of the same day: repeating a batch is safe.
	day := time.Now().UTC().Format(time.DateOnly)
	var receipts []*accounts.Receipt
	for chunk := range slices.Chunk(rows, batchRows) {
		receipt, err := client.UpsertAccounts(ctx, accounts.AccountBatch{
			ReferenceID: fmt.Sprintf("quickstart-%s-%04d", day, len(receipts)+1), Accounts: chunk,
		})
		if err != nil {
			return err
		}
		receipts = append(receipts, receipt)
		r.say("%s accepted: %d accounts", receipt.Reference, receipt.Rows)
	}
	r.addf("accepted", "%d accounts in %d batches", len(rows), len(receipts))
	return followBatches(ctx, client, receipts, interval, vendor, r)
}

// followBatches waits until the vendor has processed what it accepted.
func followBatches(ctx context.Context, client *accounts.Client, receipts []*accounts.Receipt, interval ccr.PollInterval, vendor *accountstest.Server, r *section) error {
	var done, failed int64
	for _, receipt := range receipts {
		status, err := client.BatchPoller(receipt).WithInterval(interval).WithProgress(receipt.Reference, r.follow).Wait(ctx)
		if errors.Is(err, accounts.ErrNoStatus) {
			r.addf("status", "%s: the vendor gave no status URI", receipt.Reference)
			continue
		}
		if err != nil {
			return err
		}
		done, failed = done+max(status.Succeeded, 0), failed+max(status.Failed, 0)
	}
	r.addf("processed", "%d succeeded, %d failed", done, failed)
	if vendor != nil {
		rows := 0
		for _, b := range vendor.Batches() {
			rows += b.Rows
		}
		if int64(rows) != done+failed || failed != 0 {
			return fmt.Errorf("the vendor took %d rows, of which %d succeeded and %d failed", rows, done, failed)
		}
	}
	return nil
}

// connectAccounts returns a client of Credit Clear, or of a server made here.
func connectAccounts(o options) (*accounts.Client, *accountstest.Server, error) {
	app := ccr.WithApplication("ccr-quickstart", ccr.Version)
	if o.live != "" {
		client, err := accounts.FromEnv(app)
		return client, nil, err
	}
	vendor, err := accountstest.NewServer(accountstest.Config{})
	if err != nil {
		return nil, nil, err
	}
	client, err := vendor.Client(app)
	return client, vendor, err
}
