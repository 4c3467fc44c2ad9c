package decisioningtest_test

import (
	"context"
	"fmt"
	"log"
	"net/http"
	"time"

	"github.com/ccr-sdk/ccr"
	"github.com/ccr-sdk/ccr/decisioning"
	"github.com/ccr-sdk/ccr/decisioning/decisioningtest"
)

// A test seeds the server and arms a fault, runs the program, and looks at
// what arrived: here the second page of a list fails once.
func Example() {
	srv, err := decisioningtest.NewServer(decisioningtest.Config{})
	if err != nil {
		log.Fatal(err)
	}
	defer srv.Close()
	client, err := srv.Client(ccr.WithRetry(ccr.RetryPolicy{BaseDelay: time.Millisecond}))
	if err != nil {
		log.Fatal(err)
	}
	ctx := context.Background()
	customer, err := client.EnsureCustomer(ctx, decisioning.NewCustomer{CustomIdentifier: "C-1"})
	if err != nil {
		log.Fatal(err)
	}
	analysis, err := client.CreateAnalysis(ctx, customer.ID, decisioning.AnalysisInput{})
	if err != nil {
		log.Fatal(err)
	}

	srv.GenerateTransactions(analysis.ID, 150, func(i int) any {
		return decisioning.Transaction{ID: fmt.Sprintf("%024x", i), Amount: ccr.AmountFromMinor(-990, 2), Currency: "EUR"}
	}).Inject(decisioningtest.Fault{Operation: "Transactions", Skip: 1, Kind: decisioningtest.Answer, Status: http.StatusServiceUnavailable})

	count := 0
	for _, err := range client.Transactions(customer.ID, analysis.ID, decisioning.ListOptions{PageSize: 100}).All(ctx) {
		if err != nil {
			log.Fatal(err)
		}
		count++
	}
	fmt.Println(count, "transactions")
	for _, r := range srv.Requests("Transactions") {
		fmt.Println(r.Method, r.Query)
	}
	// Output:
	// 150 transactions
	// GET limit=100
	// GET limit=100&page=2
	// GET limit=100&page=2
}
