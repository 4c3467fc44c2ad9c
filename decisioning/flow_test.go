package decisioning_test

import (
	"bytes"
	"errors"
	"os"
	"path/filepath"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/ccr-sdk/ccr"
	"github.com/ccr-sdk/ccr/decisioning"
	"github.com/ccr-sdk/ccr/decisioning/decisioningtest"
)

// serve starts a server and returns a client of it.
func serve(t testing.TB, cfg decisioningtest.Config) (*decisioningtest.Server, *decisioning.Client) {
	t.Helper()
	srv, err := decisioningtest.NewServer(cfg)
	require.NoError(t, err)
	t.Cleanup(srv.Close)
	client, err := srv.Client(ccr.WithRetry(ccr.RetryPolicy{BaseDelay: time.Millisecond}))
	require.NoError(t, err)
	return srv, client
}

// profile reads one of the project's own profiles.
func profile(t testing.TB, name string) decisioning.AnalysisInput {
	t.Helper()
	b, err := os.ReadFile(filepath.Join("testdata", name+".json"))
	require.NoError(t, err)
	in, err := decisioning.ReadProfile(bytes.NewReader(b))
	require.NoError(t, err)
	return in
}

func TestFromTokenToScore(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		srv, client := serve(t, decisioningtest.Config{InMemory: true})
		defer srv.Close()
		ctx := t.Context()
		customer, err := client.EnsureCustomer(ctx, decisioning.NewCustomer{CustomIdentifier: "C-1"})
		require.NoError(t, err)
		analysis, err := client.CreateAnalysis(ctx, customer.ID, profile(t, "steady"))
		require.NoError(t, err)
		assert.Equal(t, decisioning.StatusCreated, analysis.Status)
		assert.Nil(t, analysis.Scores)
		analysis, err = client.WaitAnalysis(ctx, customer.ID, analysis.ID)
		require.NoError(t, err)
		assert.Equal(t, decisioning.StatusCompleted, analysis.Status)
		scores, err := client.Scores(ctx, customer.ID, analysis.ID)
		require.NoError(t, err)
		assert.Equal(t, analysis.Scores, scores)
		assert.Positive(t, scores.CreditScore.Value)
		n := 0
		for tx, err := range client.Transactions(customer.ID, analysis.ID, decisioning.ListOptions{}).All(ctx) {
			require.NoError(t, err)
			assert.NotEmpty(t, tx.Enrichments.Category)
			n++
		}
		assert.Equal(t, *analysis.Metadata.TotalTransactionCount, n)
		risks, err := client.Risks(ctx, customer.ID, analysis.ID)
		require.NoError(t, err)
		assert.Equal(t, "0.00", risks.Gambling.TotalAmount.String())
	})
}

func TestProfileWithoutCheckingAccountIsNotSent(t *testing.T) {
	t.Parallel()
	srv, client := serve(t, decisioningtest.Config{})
	_, err := client.CreateAnalysis(t.Context(), "c", profile(t, "no_checking"))
	e, ok := errors.AsType[*ccr.Error](err)
	require.True(t, ok)
	assert.ErrorIs(t, err, ccr.ErrInvalid)
	assert.Equal(t, ccr.OutcomeNotSent, e.Outcome)
	assert.Contains(t, err.Error(), "hold no CHECKING account")
	assert.Empty(t, srv.Requests(""))
	assert.NotContains(t, err.Error(), "SAVINGS")
}
