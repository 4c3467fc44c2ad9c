package accounts_test

import (
	"context"
	"fmt"
	"net/http"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/ccr-sdk/ccr"
	"github.com/ccr-sdk/ccr/accounts"
	"github.com/ccr-sdk/ccr/accounts/accountstest"
)

// bubble runs a test in fake time against a server in memory.
func bubble(t *testing.T, cfg accountstest.Config, test func(t *testing.T, srv *accountstest.Server, client *accounts.Client)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		cfg.InMemory = true
		srv, err := accountstest.NewServer(cfg)
		require.NoError(t, err)
		defer srv.Close()
		client, err := srv.Client()
		require.NoError(t, err)
		test(t, srv, client)
	})
}

func upsert(t *testing.T, client *accounts.Client, reference string) accounts.Receipt {
	t.Helper()
	r, err := client.UpsertAccounts(t.Context(), accounts.AccountBatch{ReferenceID: reference, Accounts: rows(1)})
	require.NoError(t, err)
	return r
}

func TestPollWaitsWithGrowingIntervals(t *testing.T) {
	t.Parallel()
	bubble(t, accountstest.Config{Looks: 8}, func(t *testing.T, srv *accountstest.Server, client *accounts.Client) {
		receipt := upsert(t, client, "r")
		var seen []ccr.Progress
		status, err := client.PollBatch(receipt, accounts.PollOptions{Progress: func(p ccr.Progress) { seen = append(seen, p) }}).Wait(t.Context())
		require.NoError(t, err)
		assert.Equal(t, accounts.StateSucceeded, status.State)
		looks := srv.Requests("BatchStatus")
		require.Len(t, looks, 8)
		want := 2 * time.Second
		for i := 1; i < len(looks); i++ {
			gap := looks[i].At.Sub(looks[i-1].At)
			assert.InDelta(t, want.Seconds(), gap.Seconds(), 0.21*want.Seconds(), "look %d", i)
			want = min(want+want/2, 30*time.Second)
		}
		require.Len(t, seen, 8)
		assert.Equal(t, "Accepted", seen[0].State)
		assert.True(t, seen[7].Done)
	})
}

func TestPollHonoursRetryAfter(t *testing.T) {
	t.Parallel()
	bubble(t, accountstest.Config{}, func(t *testing.T, srv *accountstest.Server, client *accounts.Client) {
		receipt := upsert(t, client, "r")
		srv.Inject(accountstest.Fault{
			Operation: "BatchStatus", Kind: accountstest.Garble, Body: `{"status":"Processing"}`,
			Header: http.Header{"Retry-After": {"90"}},
		})
		_, err := client.PollBatch(receipt, accounts.PollOptions{}).Wait(t.Context())
		require.NoError(t, err)
		looks := srv.Requests("BatchStatus")
		assert.Equal(t, 90*time.Second, looks[1].At.Sub(looks[0].At))
	})
}

func TestPollResumesInAnotherProcess(t *testing.T) {
	t.Parallel()
	srv := serve(t, accountstest.Config{Looks: 3})
	receipt := upsert(t, dial(t, srv), "r")
	first := dial(t, srv).PollBatch(receipt, accounts.PollOptions{})
	_, err := first.Poll(t.Context())
	require.NoError(t, err)
	require.False(t, first.Done())

	receipts, err := accounts.ParseResumeToken(first.ResumeToken())
	require.NoError(t, err)
	require.Len(t, receipts, 1)
	status, err := dial(t, srv).PollBatch(receipts[0], accounts.PollOptions{Interval: ccr.PollInterval{Start: time.Millisecond}}).Wait(t.Context())
	require.NoError(t, err)
	assert.Equal(t, "r", status.Reference)
	assert.True(t, status.Done())

	for _, bad := range []string{"", "ccr-accounts-1.", "ccr-accounts-1.!!", "something"} {
		_, err := accounts.ParseResumeToken(bad)
		require.Error(t, err, bad)
	}
}

func TestPollWithWordsOfAnotherSchema(t *testing.T) {
	t.Parallel()
	bubble(t, accountstest.Config{}, func(t *testing.T, srv *accountstest.Server, client *accounts.Client) {
		receipt := upsert(t, client, "r")
		srv.Inject(accountstest.Fault{Operation: "BatchStatus", Kind: accountstest.Garble, Body: `{"phase":"marinated"}`, Times: -1})
		ctx, cancel := context.WithTimeout(t.Context(), time.Hour)
		defer cancel()
		_, err := client.PollBatch(receipt, accounts.PollOptions{}).Wait(ctx)
		require.ErrorIs(t, err, context.DeadlineExceeded, "what is not understood is not final")
		status, err := client.PollBatch(receipt, accounts.PollOptions{
			Done: func(s accounts.BatchStatus) bool { return string(s.Raw) == `{"phase":"marinated"}` },
		}).Wait(t.Context())
		require.NoError(t, err)
		assert.Equal(t, accounts.StateUnknown, status.State)
	})
}

func TestWaitBatches(t *testing.T) {
	t.Parallel()
	bubble(t, accountstest.Config{Looks: 3}, func(t *testing.T, srv *accountstest.Server, client *accounts.Client) {
		var receipts []accounts.Receipt
		for i := range 20 {
			receipts = append(receipts, upsert(t, client, fmt.Sprint(i)))
		}
		receipts = append(receipts, accounts.Receipt{Reference: "lost"})
		srv.Inject(accountstest.Fault{Operation: "BatchStatus", Kind: accountstest.Delay, Delay: 100 * time.Millisecond, Times: -1})
		got := map[string]int{}
		var failed []string
		var mu sync.Mutex
		inOrder := map[string]int64{}
		for b, err := range client.WaitBatches(t.Context(), receipts, accounts.PollOptions{Concurrency: 5, Progress: func(p ccr.Progress) {
			mu.Lock()
			defer mu.Unlock()
			assert.Equal(t, inOrder[p.Name]+1, p.Items)
			inOrder[p.Name] = p.Items
		}}) {
			if err != nil {
				require.ErrorIs(t, err, accounts.ErrNoStatus)
				failed = append(failed, b.Receipt.Reference)
				continue
			}
			assert.True(t, b.Status.Done())
			assert.Equal(t, b.Receipt.Reference, b.Status.Reference)
			got[b.Receipt.Reference]++
		}
		assert.Len(t, got, 20)
		assert.Equal(t, []string{"lost"}, failed)
		assert.Len(t, srv.Requests("BatchStatus"), 60)
	})
}

func TestWaitBatchesTellsOfAllThatIsLeftOver(t *testing.T) {
	t.Parallel()
	bubble(t, accountstest.Config{Looks: 1000}, func(t *testing.T, _ *accountstest.Server, client *accounts.Client) {
		receipts := []accounts.Receipt{upsert(t, client, "1"), upsert(t, client, "2"), upsert(t, client, "3")}
		ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
		defer cancel()
		var left []accounts.Receipt
		for b, err := range client.WaitBatches(ctx, receipts, accounts.PollOptions{}) {
			require.ErrorIs(t, err, context.DeadlineExceeded)
			assert.Equal(t, "Processing", b.Status.Word)
			left = append(left, b.Receipt)
		}
		assert.Len(t, left, 3)
		again, err := accounts.ParseResumeToken(accounts.ResumeToken(left...))
		require.NoError(t, err)
		assert.Len(t, again, 3)
	})
}

func TestWaitBatchesBreak(t *testing.T) {
	t.Parallel()
	bubble(t, accountstest.Config{Looks: 1}, func(t *testing.T, srv *accountstest.Server, client *accounts.Client) {
		receipts := []accounts.Receipt{upsert(t, client, "1"), upsert(t, client, "2"), upsert(t, client, "3")}
		n := 0
		for range client.WaitBatches(t.Context(), receipts, accounts.PollOptions{Concurrency: 1}) {
			n++
			break
		}
		assert.Equal(t, 1, n)
		synctest.Wait()
		assert.LessOrEqual(t, len(srv.Requests("BatchStatus")), 2)
	})
}

// FuzzParseResumeToken: no text breaks the reader, and what it reads is
// written again as the same receipts.
func FuzzParseResumeToken(f *testing.F) {
	f.Add(accounts.ResumeToken(accounts.Receipt{Reference: "r", StatusURL: "https://example.com/1", Rows: 2}))
	f.Add("ccr-accounts-1.bnVsbA")
	f.Add("ccr-accounts-1.W3t9XQ")
	f.Fuzz(func(t *testing.T, token string) {
		receipts, err := accounts.ParseResumeToken(token)
		if err != nil {
			assert.NotContains(t, err.Error(), "\n")
			return
		}
		again, err := accounts.ParseResumeToken(accounts.ResumeToken(receipts...))
		require.NoError(t, err)
		assert.Len(t, again, len(receipts))
	})
}
