package accounts_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/ccr-sdk/ccr"
	"github.com/ccr-sdk/ccr/accounts"
	"github.com/ccr-sdk/ccr/accounts/accountstest"
	"github.com/ccr-sdk/ccr/auth"
)

func serve(t testing.TB, cfg accountstest.Config) *accountstest.Server {
	t.Helper()
	srv, err := accountstest.NewServer(cfg)
	require.NoError(t, err)
	t.Cleanup(srv.Close)
	return srv
}

func dial(t testing.TB, srv *accountstest.Server, opts ...ccr.Option) *accounts.Client {
	t.Helper()
	c, err := srv.Client(append([]ccr.Option{ccr.WithRetry(ccr.RetryPolicy{BaseDelay: time.Millisecond})}, opts...)...)
	require.NoError(t, err)
	return c
}

// amount is a decimal that the test knows to be one.
func amount(t testing.TB, s string) ccr.Amount {
	t.Helper()
	a, err := ccr.ParseAmount(s)
	require.NoError(t, err)
	return a
}

func row(i int) accounts.Account {
	return accounts.Account{
		ClientReferenceID: fmt.Sprintf("C-%06d", i),
		OutstandingAmount: ccr.AmountFromMinor(int64(1000+i), 2),
		Status:            accounts.StatusActive,
		Debtor:            accounts.Party{FirstName: "Ann", LastName: fmt.Sprintf("Debtor %d", i)},
		DueDate:           ccr.Date{Year: 2026, Month: 12, Day: 1},
	}
}

func rows(n int) []accounts.Account {
	out := make([]accounts.Account, n)
	for i := range out {
		out[i] = row(i + 1)
	}
	return out
}

func TestUpsertThenStatus(t *testing.T) {
	t.Parallel()
	for name, style := range map[string]accountstest.LocationStyle{"absolute": accountstest.LocationAbsolute, "relative": accountstest.LocationRelative} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			srv := serve(t, accountstest.Config{Location: style, InMemory: name == "absolute"})
			client := dial(t, srv)
			receipt, err := client.UpsertAccounts(t.Context(), accounts.AccountBatch{ReferenceID: "2026-11-21/0001", Accounts: rows(3)})
			require.NoError(t, err)
			assert.Equal(t, "2026-11-21/0001", receipt.Reference)
			assert.Equal(t, 3, receipt.Rows)
			assert.True(t, strings.HasPrefix(receipt.StatusURL, srv.URL()+"/v1/"), "absolute, whatever the header was")
			assert.NotEmpty(t, receipt.RequestID)
			assert.False(t, receipt.PresumedAccepted)

			first, err := client.BatchStatus(t.Context(), receipt)
			require.NoError(t, err)
			assert.Equal(t, accounts.StateProcessing, first.State)
			assert.Equal(t, "Accepted", first.Word)
			done, err := client.BatchStatus(t.Context(), receipt)
			require.NoError(t, err)
			assert.Equal(t, accounts.StateSucceeded, done.State)
			assert.Equal(t, int64(3), done.Succeeded)
			require.Len(t, done.Items, 3)
			assert.Equal(t, "C-000001", done.Items[0].Reference)
			assert.NotEmpty(t, done.Raw)

			got, ok := srv.Account("C-000002")
			require.True(t, ok)
			assert.Equal(t, row(2), got)
		})
	}
}

func TestPaymentsAndClaims(t *testing.T) {
	t.Parallel()
	srv := serve(t, accountstest.Config{})
	client := dial(t, srv)
	receipt, err := client.ReportPayments(t.Context(), accounts.PaymentBatch{ReferenceID: "p1", Payments: []accounts.Payment{
		{ClientReferenceID: "C-1", Amount: amount(t, "0.10"), PaymentDate: ccr.Date{Year: 2026, Month: 11, Day: 20}, PaymentReference: "R-1"},
	}})
	require.NoError(t, err)
	assert.Equal(t, "ReportPayments", receipt.Operation)
	require.Len(t, srv.Payments(), 1)
	assert.JSONEq(t, `{"clientReferenceId":"C-1","amount":0.10,"paymentDate":"2026-11-20","paymentReference":"R-1"}`, string(srv.Payments()[0].Raw))

	receipt, err = client.UpsertClaims(t.Context(), accounts.ClaimBatch{ReferenceID: "c1", Claims: []accounts.Claim{{ClaimNumber: "N-1", Status: accounts.StatusActive}}})
	require.NoError(t, err)
	assert.Equal(t, "UpsertClaims", receipt.Operation)
	assert.Len(t, srv.Claims(), 1)
}

func TestNoStatusURI(t *testing.T) {
	t.Parallel()
	srv := serve(t, accountstest.Config{Location: accountstest.LocationNone})
	client := dial(t, srv)
	receipt, err := client.UpsertAccounts(t.Context(), accounts.AccountBatch{ReferenceID: "r", Accounts: rows(1)})
	require.NoError(t, err, "a receipt without a status URI is a receipt")
	assert.Empty(t, receipt.StatusURL)
	_, err = client.BatchStatus(t.Context(), receipt)
	require.ErrorIs(t, err, accounts.ErrNoStatus)
	require.ErrorIs(t, err, ccr.ErrNotSent)
}

func TestForeignStatusURIGetsNoCredential(t *testing.T) {
	t.Parallel()
	srv := serve(t, accountstest.Config{Location: accountstest.LocationForeign})
	client := dial(t, srv)
	receipt, err := client.UpsertAccounts(t.Context(), accounts.AccountBatch{ReferenceID: "r", Accounts: rows(1)})
	require.NoError(t, err)
	before := len(srv.Requests(""))
	_, err = client.BatchStatus(t.Context(), receipt)
	require.ErrorIs(t, err, ccr.ErrInvalid)
	require.ErrorIs(t, err, ccr.ErrNotSent)
	assert.Len(t, srv.Requests(""), before)
}

// TestDuplicateOfACallersReference: a reference that the caller chose may have
// been used for other rows, so its refusal as a duplicate proves nothing, after
// a lost response or a 503 as well.
func TestDuplicateOfACallersReference(t *testing.T) {
	t.Parallel()
	srv := serve(t, accountstest.Config{})
	client := dial(t, srv)
	_, err := client.UpsertAccounts(t.Context(), accounts.AccountBatch{ReferenceID: "r", Accounts: rows(2)})
	require.NoError(t, err)
	for _, first := range []accountstest.Fault{
		{Operation: "UpsertAccounts", Kind: accountstest.Answer, Status: http.StatusServiceUnavailable},
		{Operation: "UpsertAccounts", Kind: accountstest.LoseAnswer},
	} {
		srv.Inject(first)
		srv.Inject(accountstest.Fault{Operation: "UpsertAccounts", Kind: accountstest.Answer, Status: http.StatusConflict})
		receipt, err := client.UpsertAccounts(t.Context(), accounts.AccountBatch{ReferenceID: "r", Accounts: rows(1)})
		require.ErrorIs(t, err, ccr.ErrDuplicate)
		require.ErrorIs(t, err, ccr.ErrOutcomeUnknown)
		assert.Nil(t, receipt)
		e, _ := errors.AsType[*ccr.Error](err)
		assert.True(t, e.EarlierUnknown)
	}
}

// TestPaymentsAndMessagesAreSentOnce: a payment, and a batch that may message
// people, is not sent again after a lost response or a 503; other accounts are.
func TestPaymentsAndMessagesAreSentOnce(t *testing.T) {
	t.Parallel()
	messaging := rows(2)
	messaging[1].SendInstantMessages = []accounts.InstantMessage{{Channel: "SMS"}}
	extra := rows(1)
	extra[0].Extra = accounts.Extra{"sendInstantMessages": json.RawMessage(`[{"channel":"SMS"}]`)}
	tests := map[string]struct {
		operation string
		call      func(ctx context.Context, c *accounts.Client) error
		again     bool
	}{
		"payments": {operation: "ReportPayments", call: func(ctx context.Context, c *accounts.Client) error {
			_, err := c.ReportPayments(ctx, accounts.PaymentBatch{ReferenceID: "r", Payments: []accounts.Payment{{Amount: ccr.AmountFromMinor(100, 2)}}})
			return err
		}},
		"messages": {operation: "UpsertAccounts", call: func(ctx context.Context, c *accounts.Client) error {
			_, err := c.UpsertAccounts(ctx, accounts.AccountBatch{ReferenceID: "r", Accounts: messaging})
			return err
		}},
		"messages by Extra": {operation: "UpsertAccounts", call: func(ctx context.Context, c *accounts.Client) error {
			_, err := c.UpsertAccounts(ctx, accounts.AccountBatch{ReferenceID: "r", Accounts: extra})
			return err
		}},
		"plain": {operation: "UpsertAccounts", again: true, call: func(ctx context.Context, c *accounts.Client) error {
			_, err := c.UpsertAccounts(ctx, accounts.AccountBatch{ReferenceID: "r", Accounts: rows(2)})
			return err
		}},
	}
	for name, tt := range tests {
		for kind, fault := range map[string]accountstest.Fault{
			"lost": {Kind: accountstest.LoseAnswer}, "503": {Kind: accountstest.Answer, Status: http.StatusServiceUnavailable},
		} {
			t.Run(name+" "+kind, func(t *testing.T) {
				t.Parallel()
				srv := serve(t, accountstest.Config{})
				fault.Operation = tt.operation
				srv.Inject(fault)
				err := tt.call(t.Context(), dial(t, srv))
				if tt.again {
					require.NoError(t, err)
					return
				}
				require.ErrorIs(t, err, ccr.ErrOutcomeUnknown)
				assert.Len(t, srv.Requests(tt.operation), 1)
				assert.Contains(t, err.Error(), "Ask Credit Clear by the batch's reference")
			})
		}
	}
}

func TestRepetitionHasNoEffect(t *testing.T) {
	t.Parallel()
	srv := serve(t, accountstest.Config{})
	srv.Inject(accountstest.Fault{Operation: "UpsertAccounts", Kind: accountstest.LoseAnswer})
	client := dial(t, srv)
	receipt, err := client.UpsertAccounts(t.Context(), accounts.AccountBatch{ReferenceID: "r", Accounts: rows(2)})
	require.NoError(t, err)
	assert.NotEmpty(t, receipt.StatusURL)
	assert.Equal(t, map[string]int{"C-000001": 1, "C-000002": 1}, srv.Applied("UpsertAccounts"))
	assert.Equal(t, 1, srv.Batches()[0].Repeated)
}

func TestForbiddenMayBeALimit(t *testing.T) {
	t.Parallel()
	srv := serve(t, accountstest.Config{})
	client := dial(t, srv)
	srv.Limit(1, time.Hour, http.StatusForbidden)
	_, err := client.UpsertAccounts(t.Context(), accounts.AccountBatch{ReferenceID: "r1", Accounts: rows(1)})
	require.NoError(t, err)
	_, err = client.UpsertAccounts(t.Context(), accounts.AccountBatch{ReferenceID: "r2", Accounts: rows(1)})
	require.ErrorIs(t, err, ccr.ErrForbidden)
	require.ErrorIs(t, err, ccr.ErrMaybeLimited)
	srv.Limit(0, 0, 0).Deny(true)
	_, err = client.UpsertAccounts(t.Context(), accounts.AccountBatch{ReferenceID: "r3", Accounts: rows(1)})
	require.ErrorIs(t, err, ccr.ErrForbidden)
	srv.Deny(false).Limit(1, time.Hour, http.StatusTooManyRequests)
	_, err = client.UpsertAccounts(t.Context(), accounts.AccountBatch{ReferenceID: "r4", Accounts: rows(1)})
	require.NoError(t, err)
	_, err = client.UpsertAccounts(t.Context(), accounts.AccountBatch{ReferenceID: "r5", Accounts: rows(1)})
	require.ErrorIs(t, err, ccr.ErrRateLimited, "an hour is more than a call waits")
}

func TestTokenIsRenewedOnce(t *testing.T) {
	t.Parallel()
	srv := serve(t, accountstest.Config{})
	client := dial(t, srv)
	for i, want := range []int{1, 1, 2} {
		if i == 2 {
			srv.RevokeTokens()
		}
		_, err := client.UpsertAccounts(t.Context(), accounts.AccountBatch{ReferenceID: fmt.Sprint(i), Accounts: rows(1)})
		require.NoError(t, err)
		assert.Equal(t, want, srv.TokensIssued())
	}
}

func TestNewClientRefusals(t *testing.T) {
	t.Parallel()
	_, err := accounts.NewClient(nil)
	require.Error(t, err)
	token, err := auth.NewStaticBearer(ccr.NewSecret("t"))
	require.NoError(t, err)
	_, err = accounts.NewClient(token, ccr.WithBaseURL("http://insecure.example"))
	require.ErrorContains(t, err, "https")
}

func TestDefaultLimit(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		srv, err := accountstest.NewServer(accountstest.Config{InMemory: true})
		require.NoError(t, err)
		defer srv.Close()
		cred, err := srv.Credential()
		require.NoError(t, err)
		client, err := accounts.NewClient(cred, srv.Options()...)
		require.NoError(t, err)
		start := time.Now()
		for i := range 21 {
			if i == 20 {
				assert.Less(t, time.Since(start), time.Minute)
			}
			_, err := client.UpsertAccounts(t.Context(), accounts.AccountBatch{ReferenceID: fmt.Sprint(i), Accounts: rows(1)})
			require.NoError(t, err)
		}
		assert.GreaterOrEqual(t, time.Since(start), time.Minute, "20 in any 60 seconds")
	})
}

func TestCaptureResponse(t *testing.T) {
	t.Parallel()
	srv := serve(t, accountstest.Config{})
	client := dial(t, srv)
	var raw ccr.Response
	_, err := client.UpsertAccounts(t.Context(), accounts.AccountBatch{ReferenceID: "r", Accounts: rows(1)}, ccr.CaptureResponse(&raw))
	require.NoError(t, err)
	assert.Equal(t, http.StatusAccepted, raw.StatusCode)
	assert.NotEmpty(t, raw.Header.Get("Location"))
}

func TestCancelledContextSendsNothing(t *testing.T) {
	t.Parallel()
	srv := serve(t, accountstest.Config{})
	client := dial(t, srv)
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	_, err := client.UpsertAccounts(ctx, accounts.AccountBatch{ReferenceID: "r", Accounts: rows(1)})
	require.ErrorIs(t, err, context.Canceled)
	assert.Empty(t, srv.Batches())
}
