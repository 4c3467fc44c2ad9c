package decisioningtest_test

import (
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/ccr-sdk/ccr/decisioning"
	"github.com/ccr-sdk/ccr/decisioning/decisioningtest"
)

func TestSampleProfileScoresWell(t *testing.T) {
	t.Parallel()
	srv, client := serve(t, decisioningtest.Config{})
	customer, err := client.EnsureCustomer(t.Context(), decisioning.NewCustomer{CustomIdentifier: "sample"})
	require.NoError(t, err)
	analysis, err := client.CreateAnalysis(t.Context(), customer.ID, decisioningtest.SampleProfile())
	require.NoError(t, err)
	srv.Finish(analysis.ID)
	scores, err := client.Scores(t.Context(), customer.ID, analysis.ID)
	require.NoError(t, err)
	require.NotNil(t, scores.CreditScore)
	assert.GreaterOrEqual(t, scores.CreditScore.Value, 500.0)
	assert.Equal(t, map[string]int{"sample": 1}, srv.AnalysesByCustomer())
}
