package accounts_test

import (
	"math/rand/v2"
	"net/http"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/ccr-sdk/ccr"
	"github.com/ccr-sdk/ccr/accounts"
	"github.com/ccr-sdk/ccr/accounts/accountstest"
)

// TestJobUnderFaults lets a third of the requests go wrong in every way the
// server knows, reruns the job until it is complete, and counts at the server.
func TestJobUnderFaults(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) { // retries, stalls and waits take no time
		seed := rand.Uint64()
		t.Logf("seed %d", seed)
		rng := rand.New(rand.NewPCG(seed, 0))
		srv, err := accountstest.NewServer(accountstest.Config{InMemory: true})
		require.NoError(t, err)
		defer srv.Close()
		client, err := srv.Client(ccr.WithRetry(ccr.RetryPolicy{MaxAttempts: 2, Budget: -1}))
		require.NoError(t, err)
		faults := []accountstest.Fault{
			{Kind: accountstest.CutBefore}, {Kind: accountstest.CutRequest, After: 500}, {Kind: accountstest.LoseAnswer},
			{Kind: accountstest.Stall}, {Kind: accountstest.Answer, Status: http.StatusServiceUnavailable}, {Kind: accountstest.Answer, Status: http.StatusInternalServerError},
			{Kind: accountstest.Answer, Status: http.StatusTooManyRequests, Header: http.Header{"Retry-After": {"7"}}},
			{Kind: accountstest.Answer, Status: http.StatusUnauthorized}, {Kind: accountstest.Answer, Status: http.StatusForbidden},
			{Kind: accountstest.Garble, Status: http.StatusBadGateway, Body: "<html>"},
		}
		const n = 400
		arm := func() {
			for range n / 10 / 3 {
				f := faults[rng.IntN(len(faults))]
				f.Operation, f.Skip = "UpsertAccounts", rng.IntN(n/10)
				srv.Inject(f)
			}
		}
		ledger := ccr.NewMemoryLedger()
		runs := 0
		for {
			srv.ClearFaults()
			arm()
			job := client.SubmitAccounts(accounts.RowsOf(rows(n)...), accounts.SubmitOptions{Name: "n", MaxRows: 10, Ledger: ledger})
			sum, err := job.Run(t.Context())
			assert.Equal(t, sum.Rows, sum.Accepted+sum.Rejected+sum.Unknown+sum.NotSent, "%v", sum)
			runs++
			if sum.Complete {
				require.NoError(t, err)
				break
			}
			require.Error(t, err)
			require.Less(t, runs, 500)
		}
		t.Logf("%d runs, %d requests", runs, len(srv.Requests("UpsertAccounts")))
		eachOnce(t, srv, n)
	})
}

// TestJobLeavesNothingBehind ends jobs in every way within a bubble, which
// does not end before all goroutines have.
func TestJobLeavesNothingBehind(t *testing.T) {
	t.Parallel()
	bubble(t, accountstest.Config{}, func(t *testing.T, srv *accountstest.Server, client *accounts.Client) {
		srv.Inject(accountstest.Fault{Operation: "UpsertAccounts", Kind: accountstest.Delay, Delay: time.Second, Times: -1})
		o := func(name string) accounts.SubmitOptions {
			return accounts.SubmitOptions{Name: name, MaxRows: 10, Concurrency: 4}
		}
		for range client.SubmitAccounts(accounts.RowsOf(rows(100)...), o("break")).Batches(t.Context()) {
			break
		}
		assert.Panics(t, func() {
			for _, err := range client.SubmitAccounts(accounts.RowsOf(rows(100)...), o("panic-in-the-loop")).Batches(t.Context()) {
				assert.NoError(t, err)
				panic("of the caller")
			}
		})
		assert.Panics(t, func() {
			for _, err := range client.SubmitAccounts(func(yield func(accounts.Row[accounts.Account], error) bool) {
				for _, r := range rows(25) {
					if !yield(accounts.Row[accounts.Account]{Value: r}, nil) {
						return
					}
				}
				panic("of the source")
			}, o("panic-in-the-source")).Batches(t.Context()) {
				assert.NoError(t, err)
			}
		})
		_, err := client.SubmitAccounts(accounts.RowsOf(rows(100)...), o("whole")).Run(t.Context())
		require.NoError(t, err)
		srv.Deny(true)
		_, err = client.SubmitAccounts(accounts.RowsOf(rows(100)...), o("stops")).Run(t.Context())
		require.Error(t, err)
		require.NotErrorIs(t, err, ccr.ErrOutcomeUnknown)
		srv.HTTPClient().CloseIdleConnections()
	})
}
