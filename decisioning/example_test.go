package decisioning_test

import (
	"context"
	"errors"
	"fmt"
	"log"
	"net/http"
	"os"
	"time"

	"github.com/ccr-sdk/ccr"
	"github.com/ccr-sdk/ccr/decisioning"
	"github.com/ccr-sdk/ccr/decisioning/decisioningtest"
)

// Example goes from a profile file to a score. It runs against the in-process
// API; a real program makes its client with [decisioning.FromEnv].
func Example() {
	ctx := context.Background()
	srv, err := decisioningtest.NewServer(decisioningtest.Config{})
	if err != nil {
		log.Fatal(err)
	}
	defer srv.Close()
	client, err := srv.Client()
	if err != nil {
		log.Fatal(err)
	}

	file, err := os.Open("testdata/steady.json")
	if err != nil {
		log.Fatal(err)
	}
	defer file.Close()
	profile, err := decisioning.ReadProfile(file)
	if err != nil {
		log.Fatal(err)
	}
	customer, err := client.EnsureCustomer(ctx, decisioning.NewCustomer{CustomIdentifier: "C-1"})
	if err != nil {
		log.Fatal(err)
	}
	analysis, err := client.CreateAnalysis(ctx, customer.ID, profile)
	if err != nil {
		log.Fatal(err)
	}
	analysis, err = client.AnalysisPoller(customer.ID, analysis.ID).
		WithInterval(ccr.PollInterval{Start: 10 * time.Millisecond}).Wait(ctx)
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(analysis.Status, analysis.Scores.CreditScore.Value)
	fmt.Println("income", analysis.CreditInsights.Incomes.MonthlyAmount)
	// Output:
	// COMPLETED 871
	// income 2450.00
}

// What an analysis lacks is told before anything is sent.
func ExampleAnalysisInput_Validate() {
	in := decisioning.AnalysisInput{Accounts: []decisioning.Account{{
		Type: decisioning.AccountSavings, Usage: decisioning.UsageProfessional, Currency: "EUR",
		Balance: ccr.AmountFromMinor(10000, 2), BalanceDate: ccr.NewDateTime(time.Date(2026, 1, 31, 12, 0, 0, 0, time.UTC)),
	}}}
	err := in.Validate()
	e, _ := errors.AsType[*ccr.Error](err)
	for _, f := range e.Fields {
		fmt.Println(f.Path, f.Message)
	}
	in.Skip = []decisioning.Precondition{decisioning.PreconditionUsage} // a business project
	// Output:
	// accounts[0].usage is PROFESSIONAL, which the consumer product refuses
	// accounts[0].bank.name is required
	// accounts hold no CHECKING account; an analysis needs one at least
}

// An analysis that fails carries Algoan's code.
func ExampleAnalysisError() {
	var api decisioning.API = &decisioningtest.Mock{
		WaitAnalysisFunc: func(_ context.Context, customerID, analysisID string, _ ...ccr.CallOption) (*decisioning.Analysis, error) {
			a := &decisioning.Analysis{ID: analysisID, Status: decisioning.StatusError, Error: &decisioning.Failure{Code: "NO_CHECKING_ACCOUNT"}}
			return a, decisioning.NewAnalysisError(customerID, a)
		},
	}
	_, err := api.WaitAnalysis(context.Background(), "c", "a")
	if failed, ok := errors.AsType[*decisioning.AnalysisError](err); ok {
		fmt.Println(failed.Code)
	}
	// Output: NO_CHECKING_ACCOUNT
}

// A list is read page by page, here with four pages in flight.
func ExampleClient_Transactions() {
	var api decisioning.API = &decisioningtest.Mock{
		TransactionsFunc: func(string, string, decisioning.ListOptions, ...ccr.CallOption) *ccr.Pages[decisioning.Transaction] {
			return ccr.PagesOf(
				decisioning.Transaction{Amount: ccr.AmountFromMinor(245000, 2), Description: "SALARY"},
				decisioning.Transaction{Amount: ccr.AmountFromMinor(-78000, 2), Description: "RENT"},
			)
		},
	}
	for tx, err := range api.Transactions("c", "a", decisioning.ListOptions{PageSize: 1000}).ReadAhead(4).All(context.Background()) {
		if err != nil {
			log.Fatal(err)
		}
		fmt.Println(tx.Amount, tx.Description)
	}
	// Output:
	// 2450.00 SALARY
	// -780.00 RENT
}

// A receiver of events, as part of a server that shuts down in order.
func ExampleWebhookHandler() {
	client, err := decisioning.FromEnv()
	if err != nil {
		return // the environment holds no credentials
	}
	secret, err := ccr.SecretFromEnv("WEBHOOK_SECRET")
	if err != nil {
		log.Fatal(err)
	}
	hook, err := decisioning.NewWebhookHandler(decisioning.WebhookConfig{
		Secrets: []ccr.Secret{secret},
		Events:  client,
		Handle: func(ctx context.Context, e decisioning.Event) error {
			if e.Name != decisioning.EventAnalysisCompleted {
				return decisioning.ErrUnknownEvent
			}
			analysis, err := client.Analysis(ctx, e.CustomerID, e.AnalysisID)
			if err != nil {
				return err
			}
			fmt.Println(analysis.Scores.CreditScore.Value)
			return nil
		},
	})
	if err != nil {
		log.Fatal(err)
	}
	http.Handle("/algoan", hook)
	// … serve until told to stop, then:
	ctx, cancel := context.WithTimeout(context.Background(), 30*time.Second)
	defer cancel()
	if err := hook.Close(ctx); err != nil {
		log.Print(err)
	}
}
