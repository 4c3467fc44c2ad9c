package accounts_test

import (
	"context"
	"fmt"
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

func upsert(t *testing.T, client *accounts.Client, reference string) *accounts.Receipt {
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
		status, err := client.BatchPoller(receipt).WithProgress("r", func(p ccr.Progress) { seen = append(seen, p) }).Wait(t.Context())
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
		_, err := client.WaitBatch(t.Context(), receipt)
		require.NoError(t, err)
		looks := srv.Requests("BatchStatus")
		assert.Equal(t, 90*time.Second, looks[1].At.Sub(looks[0].At))
	})
}

func TestPollResumesInAnotherProcess(t *testing.T) {
	t.Parallel()
	srv := serve(t, accountstest.Config{Looks: 3})
	receipt := upsert(t, dial(t, srv), "r")
	first := dial(t, srv).BatchPoller(receipt)
	_, err := first.Poll(t.Context())
	require.NoError(t, err)
	require.False(t, first.Done())

	again, err := dial(t, srv).ResumeBatch(first.ResumeToken())
	require.NoError(t, err)
	status, err := again.WithInterval(ccr.PollInterval{Start: time.Millisecond}).Wait(t.Context())
	require.NoError(t, err)
	assert.Equal(t, "r", status.Reference)
	assert.True(t, status.Done())

	for _, bad := range []string{"", "ccr-accounts-1.", "ccr-accounts-1.!!", "something"} {
		_, err := dial(t, srv).ResumeBatch(bad)
		require.ErrorIs(t, err, ccr.ErrInvalid, bad)
	}
}

func TestPollWithWordsOfAnotherSchema(t *testing.T) {
	t.Parallel()
	bubble(t, accountstest.Config{}, func(t *testing.T, srv *accountstest.Server, client *accounts.Client) {
		receipt := upsert(t, client, "r")
		srv.Inject(accountstest.Fault{Operation: "BatchStatus", Kind: accountstest.Garble, Body: `{"phase":"marinated"}`, Times: -1})
		ctx, cancel := context.WithTimeout(t.Context(), time.Hour)
		defer cancel()
		_, err := client.WaitBatch(ctx, receipt)
		require.ErrorIs(t, err, context.DeadlineExceeded, "what is not understood is not final")
		status, err := client.BatchPoller(receipt).WithDone(func(s *accounts.BatchStatus) bool {
			return string(s.Raw) == `{"phase":"marinated"}`
		}).Wait(t.Context())
		require.NoError(t, err)
		assert.Equal(t, accounts.StateUnknown, status.State)
	})
}

func TestManyBatchesAreWaitedFor(t *testing.T) {
	t.Parallel()
	bubble(t, accountstest.Config{Looks: 3}, func(t *testing.T, srv *accountstest.Server, client *accounts.Client) {
		var pollers []*ccr.Poller[*accounts.BatchStatus]
		for i := range 20 {
			pollers = append(pollers, client.BatchPoller(upsert(t, client, fmt.Sprint(i))))
		}
		pollers = append(pollers, client.BatchPoller(&accounts.Receipt{Reference: "lost"}), client.BatchPoller(nil))
		srv.Inject(accountstest.Fault{Operation: "BatchStatus", Kind: accountstest.Delay, Delay: 100 * time.Millisecond, Times: -1})
		got := 0
		for i, b := range ccr.WaitAll(t.Context(), 5, pollers...) {
			switch i {
			case 20:
				require.ErrorIs(t, b.Err, accounts.ErrNoStatus)
			case 21:
				require.ErrorIs(t, b.Err, ccr.ErrInvalid)
			default:
				require.NoError(t, b.Err)
				assert.True(t, b.Value.Done())
				assert.Equal(t, fmt.Sprint(i), b.Value.Reference)
				got++
			}
		}
		assert.Equal(t, 20, got)
		assert.Len(t, srv.Requests("BatchStatus"), 60)
	})
}

func TestBatchesLeftOverCanBeResumed(t *testing.T) {
	t.Parallel()
	bubble(t, accountstest.Config{Looks: 1000}, func(t *testing.T, _ *accountstest.Server, client *accounts.Client) {
		pollers := []*ccr.Poller[*accounts.BatchStatus]{client.BatchPoller(upsert(t, client, "1")), client.BatchPoller(upsert(t, client, "2"))}
		ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
		defer cancel()
		left := 0
		for i, b := range ccr.WaitAll(ctx, 0, pollers...) {
			require.ErrorIs(t, b.Err, context.DeadlineExceeded)
			assert.Equal(t, "Processing", b.Value.Word)
			again, err := client.ResumeBatch(pollers[i].ResumeToken())
			require.NoError(t, err)
			_, err = again.Poll(t.Context())
			require.NoError(t, err)
			left++
		}
		assert.Equal(t, 2, left)
	})
}

// TestResumeTokenIsAFormat: users store tokens. Never change the literal.
func TestResumeTokenIsAFormat(t *testing.T) {
	t.Parallel()
	const token = "ccr-accounts-1.eyJyZWZlcmVuY2UiOiJuaWdodGx5LzQyIiwic3RhdHVzVXJsIjoiaHR0cHM6Ly9hcGkuZXhhbXBsZS5jb20vc3RhdHVzLzEiLCJyb3dzIjozfQ"
	client := dial(t, serve(t, accountstest.Config{}))
	assert.Equal(t, token, client.BatchPoller(&accounts.Receipt{
		Reference: "nightly/42", StatusURL: "https://api.example.com/status/1", Rows: 3, Skipped: []int64{2}, Recorded: true,
	}).ResumeToken())
}

// FuzzResumeToken: no text breaks the reader, and what it reads is written
// again as the same receipt.
func FuzzResumeToken(f *testing.F) {
	client := dial(f, serve(f, accountstest.Config{InMemory: true}))
	f.Add(client.BatchPoller(&accounts.Receipt{Reference: "r", StatusURL: "https://example.com/1", Rows: 2}).ResumeToken())
	f.Add("ccr-accounts-1.bnVsbA")
	f.Add("ccr-accounts-1.W3t9XQ")
	f.Fuzz(func(t *testing.T, token string) {
		poller, err := client.ResumeBatch(token)
		if err != nil {
			assert.NotContains(t, err.Error(), "\n")
			return
		}
		again, err := client.ResumeBatch(poller.ResumeToken())
		require.NoError(t, err)
		assert.Equal(t, poller.ResumeToken(), again.ResumeToken())
	})
}
