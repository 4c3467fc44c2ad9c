package accounts_test

import (
	"context"
	"errors"
	"fmt"
	"log"
	"net/http"
	"net/http/httptest"
	"strings"
	"time"

	"github.com/ccr-sdk/ccr"
	"github.com/ccr-sdk/ccr/accounts"
	"github.com/ccr-sdk/ccr/accounts/accountstest"
	"github.com/ccr-sdk/ccr/accounts/files"
	"github.com/ccr-sdk/ccr/auth"
)

// vendor is the Credit Clear of the examples.
func vendor() (*accountstest.Server, *accounts.Client) {
	srv, err := accountstest.NewServer(accountstest.Config{})
	if err != nil {
		log.Fatal(err)
	}
	client, err := srv.Client()
	if err != nil {
		log.Fatal(err)
	}
	return srv, client
}

func ExampleNewClient() {
	tokens, err := auth.NewClientCredentials(auth.ClientCredentialsConfig{
		TokenURL: "https://auth.example.com/oauth/token", // given at onboarding
		ClientID: "…", ClientSecret: ccr.SecretFromFile("/run/secrets/creditclear"), Audience: "…",
		Encoding: auth.EncodingJSON,
	})
	if err != nil {
		log.Fatal(err)
	}
	client, err := accounts.NewClient(tokens, ccr.WithRetry(ccr.RetryPolicy{MaxAttempts: 5}), ccr.WithApplication("collections", "1.2.0"))
	if err != nil {
		log.Fatal(err)
	}
	_ = client // no request was made yet
	// Output:
}

func ExampleClient_UpsertAccounts() {
	srv, client := vendor()
	defer srv.Close()
	ctx := context.Background()

	outstanding, err := ccr.ParseAmount("120.50")
	if err != nil {
		log.Fatal(err)
	}
	receipt, err := client.UpsertAccounts(ctx, accounts.AccountBatch{
		ReferenceID: "2026-11-21/0001",
		Accounts: []accounts.Account{{
			ClientReferenceID: "C-1", Status: accounts.StatusActive, OutstandingAmount: outstanding,
			DueDate: ccr.Date{Year: 2026, Month: time.December, Day: 1},
			Debtor:  accounts.Party{FirstName: "Ann", LastName: "Example", Email: "ann@example.com"},
		}},
	})
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println("accepted:", receipt.Reference)

	status, err := client.BatchPoller(receipt).WithInterval(ccr.PollInterval{Start: time.Millisecond}).Wait(ctx)
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(status.State, status.Items[0].Reference, status.Items[0].Word)
	// Output:
	// accepted: 2026-11-21/0001
	// succeeded C-1 Created
}

func ExampleAccountBatch_Validate() {
	err := accounts.AccountBatch{ReferenceID: "r", Accounts: []accounts.Account{
		{ClientReferenceID: "C-1", Status: accounts.StatusActive, Debtor: accounts.Party{LastName: "Example"}},
		{ClientReferenceID: "C-2", DaysPastDue: -1},
	}}.Validate()
	if e, ok := errors.AsType[*ccr.Error](err); ok {
		for _, f := range e.Fields {
			fmt.Println(f.Path, f.Message)
		}
	}
	// Output:
	// accounts[1].status is required: Active, Hold or Closed
	// accounts[1].debtor is required: it needs a member, such as firstName
	// accounts[1].daysPastDue must be more than zero; leave it out if there is none
}

func ExampleClient_SubmitAccounts() {
	srv, client := vendor()
	defer srv.Close()
	ctx := context.Background()

	const file = "ClientReference,LastName,OutstandingAmount\nC-1,Example,120.50\nC-2,Sample,0.10\nC-3,Muster,9\n"
	ledger := ccr.NewMemoryLedger() // ccr.OpenLedger keeps one in a file
	in, err := files.NewAccountReader(strings.NewReader(file), files.ReadOptions{Optional: []string{"InvoiceNumber", "Status"}})
	if err != nil {
		log.Fatal(err)
	}
	job := client.SubmitAccounts(in.All(), accounts.SubmitOptions{
		Name: "nightly-2026-11-21", Ledger: ledger, MaxRows: 2, Concurrency: 1,
	})
	var receipts []*accounts.Receipt
	for receipt, err := range job.Batches(ctx) {
		if err != nil {
			log.Fatal(err)
		}
		fmt.Printf("rows %d to %d accepted\n", receipt.FirstRow, receipt.LastRow)
		receipts = append(receipts, receipt)
	}
	s := job.Summary()
	fmt.Println(s.Rows, "rows,", s.Accepted, "accepted, complete:", s.Complete)

	pollers := make([]*ccr.Poller[*accounts.BatchStatus], len(receipts))
	for i := range receipts {
		pollers[i] = client.BatchPoller(receipts[i]).WithInterval(ccr.PollInterval{Start: time.Millisecond})
	}
	for i, batch := range ccr.WaitAll(ctx, 2, pollers...) {
		if batch.Err != nil {
			log.Fatal(batch.Err)
		}
		fmt.Println("batch at row", receipts[i].FirstRow, batch.Value.State)
	}
	// Unordered output:
	// rows 1 to 2 accepted
	// rows 3 to 3 accepted
	// 3 rows, 3 accepted, complete: true
	// batch at row 1 succeeded
	// batch at row 3 succeeded
}

func ExampleClient_SubmitPayments() {
	srv, client := vendor()
	defer srv.Close()
	ledger := ccr.NewMemoryLedger()
	pay := func(amounts ...int64) error {
		var rows []accounts.Payment
		for _, cents := range amounts {
			rows = append(rows, accounts.Payment{ClientReferenceID: "C-1", Amount: ccr.AmountFromMinor(cents, 2)})
		}
		_, err := client.SubmitPayments(accounts.RowsOf(rows...), accounts.SubmitOptions{Name: "payments-2026-11-21", Ledger: ledger}).Run(context.Background())
		return err
	}
	fmt.Println(pay(5000, 2500))
	fmt.Println(pay(5000, 2500)) // a rerun: nothing is sent
	fmt.Println(errors.Is(pay(5000, 2600), ccr.ErrDuplicate))
	fmt.Println(len(srv.Payments()), "payments")
	// Output:
	// <nil>
	// <nil>
	// true
	// 2 payments
}

func ExampleClient_UpsertClaims() {
	srv, client := vendor()
	defer srv.Close()
	receipt, err := client.UpsertClaims(context.Background(), accounts.ClaimBatch{ReferenceID: "claims-1", Claims: []accounts.Claim{
		{ClaimNumber: "N-1", Status: accounts.StatusActive, ThirdParty: accounts.Party{CompanyName: "Example Pty Ltd"}},
	}})
	fmt.Println(receipt.Operation, receipt.Rows, err)
	// Output:
	// UpsertClaims 1 <nil>
}

func ExampleClient_ResumeBatch() {
	srv, client := vendor()
	defer srv.Close()
	receipt, err := client.ReportPayments(context.Background(), accounts.PaymentBatch{ReferenceID: "p-1", Payments: []accounts.Payment{{Amount: ccr.AmountFromMinor(100, 2)}}})
	if err != nil {
		log.Fatal(err)
	}
	token := client.BatchPoller(receipt).ResumeToken() // store it; another process resumes
	poller, err := client.ResumeBatch(token)
	if err != nil {
		log.Fatal(err)
	}
	status, err := poller.WithInterval(ccr.PollInterval{Start: time.Millisecond}).Wait(context.Background())
	fmt.Println(status.Reference, status.Done(), err)
	// Output:
	// p-1 true <nil>
}

func ExampleExtra() {
	a := accounts.Account{
		ClientReferenceID: "C-1", Status: accounts.StatusActive, Debtor: accounts.Party{LastName: "Example"},
		Extra: accounts.Extra{"clientReferenceId": accounts.RenamedTo("clientReference"), "costCentre": "AU-7", "invoiceNumber": accounts.Omitted()},
	}
	b, err := a.MarshalJSON()
	fmt.Println(string(b), err)
	// Output:
	// {"clientReference":"C-1","status":"Active","debtor":{"lastName":"Example"},"costCentre":"AU-7"} <nil>
}

func ExampleNewWebhookHandler() {
	key := ccr.NewSecret("read it from a file in real life")
	handler, err := accounts.NewWebhookHandler(accounts.WebhookConfig{
		Auth: []accounts.WebhookAuth{accounts.WebhookAPIKey(key)},
		Handle: func(_ context.Context, e accounts.Event) error {
			switch data := e.Data.(type) {
			case accounts.PaymentFailedData:
				fmt.Println("a payment failed:", data.Amount)
			default:
				fmt.Println("an event:", e.Type)
			}
			return nil
		},
	})
	if err != nil {
		log.Fatal(err)
	}
	srv := httptest.NewTLSServer(handler) // in real life: an http.Server with TLS and a ReadTimeout
	defer srv.Close()

	sender := accountstest.Sender{URL: srv.URL, Auth: accountstest.SendAPIKey("read it from a file in real life"), Client: srv.Client()}
	status, err := sender.Send(context.Background(), accountstest.SampleEvent(accounts.EventPaymentFailed))
	if err != nil || status != http.StatusOK {
		log.Fatal(status, err)
	}
	if err := handler.Close(context.Background()); err != nil { // waits for the work
		log.Fatal(err)
	}
	// Output:
	// a payment failed: 59.0
}
