package accounts_test

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/ccr-sdk/ccr"
	"github.com/ccr-sdk/ccr/accounts"
	"github.com/ccr-sdk/ccr/accounts/accountstest"
)

// clearEnv starts a test without variables of the package.
func clearEnv(t *testing.T) {
	t.Helper()
	for _, name := range []string{"TOKEN", "TOKEN_FILE", "TOKEN_URL", "CLIENT_ID", "CLIENT_SECRET", "CLIENT_SECRET_FILE", "AUDIENCE", "BASE_URL", "ENVIRONMENT"} {
		t.Setenv("CCR_ACCOUNTS_"+name, "")
	}
}

func TestFromEnvClientCredentials(t *testing.T) {
	clearEnv(t)
	srv := serve(t, accountstest.Config{})
	secret := filepath.Join(t.TempDir(), "secret")
	require.NoError(t, os.WriteFile(secret, []byte(srv.ClientSecret()+"\n"), 0o600))
	t.Setenv("CCR_ACCOUNTS_TOKEN_URL", srv.TokenURL())
	t.Setenv("CCR_ACCOUNTS_CLIENT_ID", srv.ClientID())
	t.Setenv("CCR_ACCOUNTS_CLIENT_SECRET_FILE", secret)
	t.Setenv("CCR_ACCOUNTS_AUDIENCE", srv.Audience())
	t.Setenv("CCR_ACCOUNTS_BASE_URL", srv.URL())
	t.Setenv("CCR_ACCOUNTS_ENVIRONMENT", "uat")
	client, err := accounts.FromEnv(ccr.WithHTTPClient(srv.HTTPClient()))
	require.NoError(t, err)
	_, err = client.UpsertAccounts(t.Context(), accounts.AccountBatch{ReferenceID: "r", Accounts: rows(1)})
	require.NoError(t, err)
}

func TestFromEnvToken(t *testing.T) {
	clearEnv(t)
	t.Setenv("CCR_ACCOUNTS_TOKEN", "t")
	_, err := accounts.FromEnv()
	require.NoError(t, err)
	t.Setenv("CCR_ACCOUNTS_CLIENT_ID", "id")
	_, err = accounts.FromEnv()
	require.ErrorContains(t, err, "both set")
}

func TestFromEnvNamesAllThatIsMissing(t *testing.T) {
	clearEnv(t)
	t.Setenv("CCR_ACCOUNTS_CLIENT_ID", "id")
	_, err := accounts.FromEnv()
	require.Error(t, err)
	for _, name := range []string{"CCR_ACCOUNTS_TOKEN_URL", "CCR_ACCOUNTS_CLIENT_SECRET", "CCR_ACCOUNTS_AUDIENCE"} {
		assert.ErrorContains(t, err, name)
	}
}

func TestFromEnvAPIKey(t *testing.T) {
	t.Setenv(accounts.EnvAPIKey, "not-a-real-key")
	_, err := accounts.FromEnv()
	require.ErrorContains(t, err, accounts.EnvAPIKeyHeader)
	t.Setenv(accounts.EnvAPIKeyHeader, "X-Api-Key")
	_, err = accounts.FromEnv()
	require.NoError(t, err)
	t.Setenv(accounts.EnvToken, "not-a-real-token")
	_, err = accounts.FromEnv()
	require.ErrorContains(t, err, accounts.EnvToken)
	require.NotContains(t, err.Error(), "not-a-real")
}
