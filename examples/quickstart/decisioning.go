package main

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/ccr-sdk/ccr"
	"github.com/ccr-sdk/ccr/decisioning"
	"github.com/ccr-sdk/ccr/decisioning/decisioningtest"
)

// runDecisioning uploads an open-banking profile and reads score and insights.
func runDecisioning(ctx context.Context, o options, r *section) error {
	in, err := input(o.profile, "profile.json")
	if err != nil {
		return err
	}
	profile, err := decisioning.ReadProfile(in)
	if err = errors.Join(err, in.Close()); err != nil {
		return err
	}
	client, vendor, err := connectDecisioning(o)
	if err != nil {
		return err
	}
	interval := ccr.PollInterval{}
	if vendor != nil {
		defer vendor.Close()
		interval = ccr.PollInterval{Start: 50 * time.Millisecond, Max: 200 * time.Millisecond}
	}
	name := "quickstart-" + time.Now().UTC().Format("20060102T150405")
	customer, err := client.EnsureCustomer(ctx, decisioning.NewCustomer{CustomIdentifier: name})
	if err != nil {
		return err
	}
	r.addf("customer", "%s", customer.CustomIdentifier)
	r.say("uploading %s: %d accounts, %d transactions", inputName(o.profile, "profile.json"), len(profile.Accounts), countTransactions(profile.Accounts))
	analysis, err := client.CreateAnalysis(ctx, customer.ID, profile)
	if err != nil {
		return err
	}
	r.addf("sent", "%d accounts, %d transactions", len(profile.Accounts), countTransactions(profile.Accounts))
	poller := client.AnalysisPoller(customer.ID, analysis.ID).WithInterval(interval).WithProgress("analysis", r.follow)
	if analysis, err = poller.Wait(ctx); err != nil {
		return err
	}
	scores, err := client.Scores(ctx, customer.ID, analysis.ID)
	if err != nil {
		return err
	}
	if scores.CreditScore == nil && scores.PaymentScore == nil {
		return errors.New("the analysis was completed without a score")
	}
	if scores.CreditScore != nil {
		r.addf("credit score", "%v of 1000 (0 risky, 1000 safe)", scores.CreditScore.Value)
	}
	if scores.PaymentScore != nil {
		r.addf("payment score", "%v of 10 (1 risky, 10 safe)", scores.PaymentScore.Value)
	}
	return insights(ctx, client, customer.ID, analysis.ID, profile, r)
}

// insights adds the main ones, and reads every transaction back.
func insights(ctx context.Context, client *decisioning.Client, customerID, analysisID string, sent decisioning.AnalysisInput, r *section) error {
	incomes, err := client.Incomes(ctx, customerID, analysisID)
	if err != nil {
		return err
	}
	expenses, err := client.Expenses(ctx, customerID, analysisID)
	if err != nil {
		return err
	}
	r.addf("a month", "%s in, %s out", incomes.MonthlyAmount, expenses.MonthlyAmount)
	read := 0
	for _, err := range client.Transactions(customerID, analysisID, decisioning.ListOptions{}).All(ctx) {
		if err != nil {
			return err
		}
		read++
	}
	r.addf("read back", "%d transactions", read)
	if want := countTransactions(sent.Accounts); read != want {
		return fmt.Errorf("%d transactions were sent and %d read back", want, read)
	}
	return nil
}

func countTransactions(accounts []decisioning.Account) int {
	n := 0
	for _, a := range accounts {
		n += len(a.Transactions)
	}
	return n
}

// connectDecisioning returns a client of Algoan, or of a server made here.
func connectDecisioning(o options) (*decisioning.Client, *decisioningtest.Server, error) {
	app := ccr.WithApplication("ccr-quickstart", ccr.Version)
	if o.live != "" {
		client, err := decisioning.FromEnv(app)
		return client, nil, err
	}
	vendor, err := decisioningtest.NewServer(decisioningtest.Config{})
	if err != nil {
		return nil, nil, err
	}
	client, err := vendor.Client(app)
	return client, vendor, err
}
