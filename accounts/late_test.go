package accounts_test

import (
	"net/http"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/ccr-sdk/ccr"
	"github.com/ccr-sdk/ccr/accounts"
	"github.com/ccr-sdk/ccr/accounts/accountstest"
)

// TestVendorThatSeesTheFirstRequestLate: the default limit holds with a server
// that counts the first of 20 requests a minute later than it was sent.
func TestVendorThatSeesTheFirstRequestLate(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		srv, err := accountstest.NewServer(accountstest.Config{InMemory: true, Late: 1500 * time.Millisecond})
		require.NoError(t, err)
		defer srv.Close()
		srv.Limit(20, time.Minute, http.StatusForbidden)
		cred, err := srv.Credential()
		require.NoError(t, err)
		client, err := accounts.NewClient(cred, append(srv.Options(), ccr.WithRetry(ccr.RetryPolicy{MaxAttempts: 1}))...)
		require.NoError(t, err)
		for i := range 45 {
			_, err := client.UpsertClaims(t.Context(), accounts.ClaimBatch{
				ReferenceID: "r" + string(rune('A'+i)), Claims: []accounts.Claim{{ClaimNumber: "1", Status: accounts.StatusActive}},
			})
			require.NoError(t, err)
		}
	})
}
