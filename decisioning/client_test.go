package decisioning_test

import (
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/ccr-sdk/ccr"
	"github.com/ccr-sdk/ccr/auth"
	"github.com/ccr-sdk/ccr/decisioning"
	"github.com/ccr-sdk/ccr/decisioning/decisioningtest"
)

func TestTokenIsAskedForAsAlgoanWantsIt(t *testing.T) {
	t.Parallel()
	for _, status := range []int{http.StatusOK, http.StatusCreated} {
		srv, client := serve(t, decisioningtest.Config{TokenStatus: status})
		_, err := client.Customers(decisioning.ListOptions{}).Page(t.Context(), 1)
		require.NoError(t, err, status)
		_, err = client.Customers(decisioning.ListOptions{}).Page(t.Context(), 1)
		require.NoError(t, err)
		reqs := srv.Requests("Token")
		require.Len(t, reqs, 1, "one token serves")
		assert.Equal(t, "POST", reqs[0].Method)
		assert.Equal(t, "/v1/oauth/token", reqs[0].Path)
		assert.Equal(t, "application/x-www-form-urlencoded", reqs[0].Header.Get("Content-Type"))
		form, err := url.ParseQuery(string(reqs[0].Body))
		require.NoError(t, err)
		assert.Equal(t, url.Values{"grant_type": {"client_credentials"}, "client_id": {decisioningtest.ClientID}, "client_secret": {decisioningtest.ClientSecret}}, form)
	}
}

func TestRefreshThenLogin(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		srv, client := serve(t, decisioningtest.Config{InMemory: true, TokenLifetime: time.Hour})
		defer srv.Close()
		ask := func() {
			_, err := client.Customers(decisioning.ListOptions{}).Page(t.Context(), 1)
			require.NoError(t, err)
			synctest.Wait()
		}
		grants := func() (out []string) {
			for _, r := range srv.Requests("Token") {
				form, err := url.ParseQuery(string(r.Body))
				require.NoError(t, err)
				out = append(out, form.Get("grant_type"))
				assert.NotEmpty(t, form.Get("client_secret"), "refresh is sent with the credentials, too")
			}
			return out
		}
		ask()
		<-time.After(2 * time.Hour)
		ask()
		assert.Equal(t, []string{"client_credentials", "refresh_token"}, grants())
		srv.RevokeRefreshTokens()
		<-time.After(2 * time.Hour)
		ask()
		assert.Equal(t, []string{"client_credentials", "refresh_token", "refresh_token", "client_credentials"}, grants())
		srv.RevokeTokens()
		ask()
		assert.Len(t, srv.Requests("Token"), 5, "a 401 drops the token and the call is made once more")
	})
}

func TestWrongCredential(t *testing.T) {
	t.Parallel()
	srv, _ := serve(t, decisioningtest.Config{})
	cred, err := auth.NewClientCredentials(auth.ClientCredentialsConfig{TokenURL: srv.TokenURL(), ClientID: "x", ClientSecret: ccr.NewSecret("wrong-secret")})
	require.NoError(t, err)
	client, err := decisioning.NewClient(cred, srv.Options()...)
	require.NoError(t, err)
	_, err = client.Customer(t.Context(), "c")
	require.ErrorIs(t, err, ccr.ErrUnauthorized)
	assert.NotContains(t, fmt.Sprintf("%+v %#v %v", err, client, client), "wrong-secret")
	_, err = decisioning.NewClient(nil)
	require.Error(t, err)
}

func TestIDsAreOneSegment(t *testing.T) {
	t.Parallel()
	srv, client := serve(t, decisioningtest.Config{})
	_, err := client.Customer(t.Context(), "../subscriptions?x=1#y")
	require.ErrorIs(t, err, ccr.ErrNotFound)
	assert.Equal(t, "/v2/customers/..%2Fsubscriptions%3Fx=1%23y", srv.Requests("Customer")[0].Path)
	for _, bad := range []string{"", ".", ".."} {
		_, err = client.Analysis(t.Context(), "c", bad)
		assert.Equal(t, []string{"analysisId"}, paths(t, err), bad)
	}
}

func TestFromEnv(t *testing.T) {
	srv, _ := serve(t, decisioningtest.Config{})
	for _, name := range []string{decisioning.EnvToken, decisioning.EnvToken + "_FILE", decisioning.EnvClientID, decisioning.EnvClientSecret, decisioning.EnvClientSecret + "_FILE", decisioning.EnvBaseURL, decisioning.EnvTokenURL, decisioning.EnvEnvironment} {
		t.Setenv(name, "")
	}
	_, err := decisioning.FromEnv()
	require.Error(t, err)
	assert.Contains(t, err.Error(), "CCR_DECISIONING_CLIENT_ID")
	assert.Contains(t, err.Error(), "CCR_DECISIONING_CLIENT_SECRET_FILE")

	file := filepath.Join(t.TempDir(), "secret")
	require.NoError(t, os.WriteFile(file, []byte(decisioningtest.ClientSecret+"\n"), 0o600))
	t.Setenv(decisioning.EnvClientID, decisioningtest.ClientID)
	t.Setenv(decisioning.EnvClientSecret+"_FILE", file)
	t.Setenv(decisioning.EnvBaseURL, srv.URL()+"/")
	t.Setenv(decisioning.EnvEnvironment, "sandbox")
	client, err := decisioning.FromEnv(ccr.WithHTTPClient(srv.HTTPClient()))
	require.NoError(t, err)
	_, err = client.Customers(decisioning.ListOptions{}).Page(t.Context(), 1)
	require.NoError(t, err)

	t.Setenv(decisioning.EnvBaseURL, "")
	client, err = decisioning.FromEnv(srv.Options()...)
	require.NoError(t, err)
	_, err = client.Customers(decisioning.ListOptions{}).Page(t.Context(), 1)
	require.NoError(t, err, "the token is fetched from where the options point, too")
	assert.Len(t, srv.Requests("Token"), 2)

	t.Setenv(decisioning.EnvTokenURL, "http://in.clear.example/token")
	_, err = decisioning.FromEnv()
	require.ErrorIs(t, err, ccr.ErrInvalid)
	t.Setenv(decisioning.EnvTokenURL, "")
	t.Setenv(decisioning.EnvEnvironment, "no good name")
	_, err = decisioning.FromEnv()
	require.Error(t, err)
	t.Setenv(decisioning.EnvEnvironment, "")
	t.Setenv(decisioning.EnvBaseURL, "")
	client, err = decisioning.FromEnv()
	require.NoError(t, err, "production is the default; nothing is sent")
	require.NotNil(t, client)

	t.Setenv(decisioning.EnvToken, "made-up-token")
	_, err = decisioning.FromEnv()
	require.ErrorContains(t, err, "both set")
	t.Setenv(decisioning.EnvClientID, "")
	client, err = decisioning.FromEnv(srv.Options()...)
	require.NoError(t, err)
	_, err = client.Customers(decisioning.ListOptions{}).Page(t.Context(), 1)
	require.ErrorIs(t, err, ccr.ErrUnauthorized, "the token is sent as it is, and this server knows no such one")
	assert.NotContains(t, err.Error(), "made-up-token")
	all := srv.Requests("Customers")
	assert.Equal(t, "Bearer made-up-token", all[len(all)-1].Header.Get("Authorization"))
}

func TestMockIsAnAPI(t *testing.T) {
	t.Parallel()
	var api decisioning.API = &decisioningtest.Mock{}
	_, err := api.Customer(t.Context(), "c")
	require.ErrorContains(t, err, "is not set")
	assert.Contains(t, err.Error(), "CustomerFunc")
	for _, err := range api.Transactions("c", "a", decisioning.ListOptions{}).All(t.Context()) {
		require.ErrorContains(t, err, "is not set")
	}
	_, err = api.AnalysisPoller("c", "a").Wait(t.Context())
	require.ErrorContains(t, err, "is not set")
	mock := &decisioningtest.Mock{
		TransactionsFunc: func(string, string, decisioning.ListOptions, ...ccr.CallOption) *ccr.Pages[decisioning.Transaction] {
			return ccr.PagesOf(decisioning.Transaction{ID: "1"}, decisioning.Transaction{ID: "2"})
		},
		AnalysisPollerFunc: func(customerID, _ string, _ ...ccr.CallOption) *ccr.Poller[*decisioning.Analysis] {
			return ccr.PollerOf(&decisioning.Analysis{Status: decisioning.StatusInProgress}, &decisioning.Analysis{Status: decisioning.StatusCompleted})
		},
	}
	api = mock
	n := 0
	for _, err := range api.Transactions("c", "a", decisioning.ListOptions{}).All(t.Context()) {
		require.NoError(t, err)
		n++
	}
	assert.Equal(t, 2, n)
	a, err := api.AnalysisPoller("c", "a").WithInterval(ccr.PollInterval{Start: 1, Max: 1}).Wait(t.Context())
	require.NoError(t, err)
	assert.Equal(t, decisioning.StatusCompleted, a.Status)
}

func TestServerRefusesWhatTheContractRefuses(t *testing.T) {
	t.Parallel()
	srv, client := serve(t, decisioningtest.Config{})
	_, err := client.Customers(decisioning.ListOptions{}).Page(t.Context(), 1) // a token to use by hand
	require.NoError(t, err)
	do := func(method, path, contentType, authorization string) int {
		r, err := http.NewRequestWithContext(t.Context(), method, srv.URL()+path, nil)
		require.NoError(t, err)
		if contentType != "" {
			r.Header.Set("Content-Type", contentType)
		}
		r.Header.Set("Authorization", authorization)
		resp, err := srv.HTTPClient().Do(r)
		require.NoError(t, err)
		require.NoError(t, resp.Body.Close())
		return resp.StatusCode
	}
	assert.Equal(t, 401, do("GET", "/v2/customers", "", "Bearer made-up"))
	assert.Equal(t, 415, do("POST", "/v1/oauth/token", "application/json", ""))
	call := func(o decisioning.ListOptions) int {
		_, err := client.Customers(o).Page(t.Context(), 1)
		e, _ := errors.AsType[*ccr.Error](err)
		return e.StatusCode
	}
	assert.Equal(t, 400, call(decisioning.ListOptions{Filter: "not an object"}))
	assert.Equal(t, 400, call(decisioning.ListOptions{Sort: []int{1}}))
}
