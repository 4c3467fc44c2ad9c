package decisioningtest_test

import (
	"crypto/rand"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/go-json-experiment/json/jsontext"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/ccr-sdk/ccr"
	"github.com/ccr-sdk/ccr/decisioning"
	"github.com/ccr-sdk/ccr/decisioning/decisioningtest"
)

func serve(t *testing.T, cfg decisioningtest.Config) (*decisioningtest.Server, *decisioning.Client) {
	t.Helper()
	srv, err := decisioningtest.NewServer(cfg)
	require.NoError(t, err)
	t.Cleanup(srv.Close)
	client, err := srv.Client()
	require.NoError(t, err)
	return srv, client
}

// token logs in by hand, as another client than the SDK's would.
func token(t *testing.T, srv *decisioningtest.Server) string {
	t.Helper()
	resp, err := srv.HTTPClient().PostForm(srv.TokenURL(), url.Values{
		"grant_type": {"client_credentials"}, "client_id": {decisioningtest.ClientID}, "client_secret": {decisioningtest.ClientSecret},
	})
	require.NoError(t, err)
	defer resp.Body.Close()
	assert.Equal(t, http.StatusCreated, resp.StatusCode)
	var v struct {
		Access string `json:"access_token"`
		Type   string `json:"token_type"`
	}
	require.NoError(t, json.NewDecoder(resp.Body).Decode(&v))
	assert.Equal(t, "bearer", v.Type)
	return v.Access
}

// TestPagination: links, nulls and totals as Algoan's server components write them.
func TestPagination(t *testing.T) {
	t.Parallel()
	srv, client := serve(t, decisioningtest.Config{})
	access := token(t, srv)
	get := func(query string) (int, string) {
		r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, srv.URL()+"/v2/customers"+query, nil)
		require.NoError(t, err)
		r.Header.Set("Authorization", "Bearer "+access)
		resp, err := srv.HTTPClient().Do(r)
		require.NoError(t, err)
		defer resp.Body.Close()
		b, err := io.ReadAll(resp.Body)
		require.NoError(t, err)
		return resp.StatusCode, string(b)
	}
	pagination := func(query string) string {
		status, body := get(query)
		require.Equal(t, http.StatusOK, status)
		var v struct {
			Pagination jsontext.Value `json:"pagination"`
		}
		require.NoError(t, json.Unmarshal([]byte(body), &v))
		return string(v.Pagination)
	}
	_, empty := get("")
	assert.JSONEq(t, `{"resources":[],"pagination":{"first":null,"last":null,"next":null,"previous":null,"totalPages":0,"totalResources":0}}`, empty)
	for i := range 7 {
		_, err := client.CreateCustomer(t.Context(), decisioning.NewCustomer{CustomIdentifier: fmt.Sprint("C", i)})
		require.NoError(t, err)
	}
	assert.JSONEq(t, `{"first":"/v2/customers?page=1&limit=200","last":"/v2/customers?page=1&limit=200","next":null,"previous":null,"totalPages":1,"totalResources":7}`, pagination(""))
	assert.JSONEq(t, `{"first":"/v2/customers?page=1&limit=3","last":"/v2/customers?page=3&limit=3","next":"/v2/customers?page=3&limit=3","previous":"/v2/customers?page=1&limit=3","totalPages":3,"totalResources":7}`, pagination("?page=2&limit=3"))
	assert.JSONEq(t, `{"first":"/v2/customers?page=1&limit=3","last":"/v2/customers?page=3&limit=3","next":null,"previous":null,"totalPages":3,"totalResources":7}`, pagination("?page=9&limit=3"))
	filter := `{"customIdentifier":"C1"}`
	assert.JSONEq(t, `{"first":"/v2/customers?page=1&limit=200&filter={\"customIdentifier\":\"C1\"}","last":"/v2/customers?page=1&limit=200&filter={\"customIdentifier\":\"C1\"}","next":null,"previous":null,"totalPages":1,"totalResources":1}`,
		pagination("?filter="+url.QueryEscape(filter)), "the links are not escaped")
	for _, bad := range []string{"?limit=0", "?limit=-1", "?limit=x", "?page=0", "?filter={", "?sort=1"} {
		status, body := get(bad)
		assert.Equal(t, http.StatusBadRequest, status, bad)
		assert.Contains(t, body, `"code":"BAD_REQUEST"`)
	}
}

// account is a CHECKING account with n transactions of an amount, in cents,
// beside three salaries.
func account(balance int64, n int, cents int64, description string) decisioning.AnalysisInput {
	end := time.Date(2026, 6, 30, 12, 0, 0, 0, time.UTC)
	tx := func(days int, cents int64, description string) decisioning.Transaction {
		return decisioning.Transaction{
			Amount: ccr.AmountFromMinor(cents, 2), Currency: "EUR", Description: description,
			Dates: decisioning.TransactionDates{BookedAt: ccr.NewDateTime(end.AddDate(0, 0, -days))},
		}
	}
	a := decisioning.Account{
		Balance: ccr.AmountFromMinor(balance, 2), BalanceDate: ccr.NewDateTime(end), Currency: "EUR",
		Type: decisioning.AccountChecking, Usage: decisioning.UsagePersonal, Bank: &decisioning.Bank{Name: "Sample"},
	}
	for i := range 3 {
		a.Transactions = append(a.Transactions, tx(30*i+1, 200_000, "SALARY"))
	}
	for i := range 20 {
		if i < n {
			a.Transactions = append(a.Transactions, tx(4*i, cents, description))
		} else {
			a.Transactions = append(a.Transactions, tx(4*i, -1, "SUPERMARKET"))
		}
	}
	return decisioning.AnalysisInput{Accounts: []decisioning.Account{a}}
}

// TestFigures: six kinds of profile, six scores; and a hook for others.
func TestFigures(t *testing.T) {
	t.Parallel()
	srv, client := serve(t, decisioningtest.Config{Processing: time.Hour})
	score := func(srv *decisioningtest.Server, client *decisioning.Client, in decisioning.AnalysisInput) float64 {
		customer, err := client.EnsureCustomer(t.Context(), decisioning.NewCustomer{CustomIdentifier: "C"})
		require.NoError(t, err)
		a, err := client.CreateAnalysis(t.Context(), customer.ID, in)
		require.NoError(t, err)
		srv.Finish(a.ID)
		s, err := client.Scores(t.Context(), customer.ID, a.ID)
		require.NoError(t, err)
		return s.CreditScore.Value
	}
	seen := map[float64]string{}
	for _, country := range []string{"FR", "GB", "ES"} {
		var both []float64
		for _, description := range []string{"SUPERMARKET", "REJET PRLV"} {
			in := account(0, 20, -1_000, description)
			in.Accounts[0].IBAN = country + "00 0000 0000"
			s := score(srv, client, in)
			assert.Equal(t, s, score(srv, client, in), "the same input, the same response")
			assert.Empty(t, seen[s], "told apart from %s", country)
			seen[s] = country
			both = append(both, s)
		}
		assert.Greater(t, both[0], 800.0)
		assert.Less(t, both[1], 200.0)
	}
	pounds := account(0, 0, 0, "")
	pounds.Accounts[0].Currency = "GBP"
	for i := range pounds.Accounts[0].Transactions {
		pounds.Accounts[0].Transactions[i].Currency = "GBP"
	}
	assert.Equal(t, "GB", seen[score(srv, client, pounds)])

	own, ownClient := serve(t, decisioningtest.Config{Processing: time.Hour, Evaluate: func(body []byte) decisioningtest.Outcome {
		o := decisioningtest.Sandbox(body, false)
		o.Scores = json.RawMessage(`{"creditScore":{"value":1}}`)
		return o
	}})
	assert.InDelta(t, 1.0, score(own, ownClient, account(0, 0, 0, "")), 0)
}

func TestSandboxRefusals(t *testing.T) {
	t.Parallel()
	srv, client := serve(t, decisioningtest.Config{Processing: time.Hour})
	business, businessClient := serve(t, decisioningtest.Config{Business: true, Processing: time.Hour})
	end := func(srv *decisioningtest.Server, client *decisioning.Client, in decisioning.AnalysisInput) string {
		in.Skip = decisioning.AllPreconditions()
		customer, err := client.EnsureCustomer(t.Context(), decisioning.NewCustomer{CustomIdentifier: "C"})
		require.NoError(t, err)
		a, err := client.CreateAnalysis(t.Context(), customer.ID, in)
		require.NoError(t, err)
		srv.Finish(a.ID)
		a, err = client.Analysis(t.Context(), customer.ID, a.ID)
		require.NoError(t, err)
		if a.Error == nil {
			return ""
		}
		assert.Equal(t, decisioning.StatusError, a.Status)
		return a.Error.Code
	}
	change := func(f func(*decisioning.Account)) decisioning.AnalysisInput {
		in := account(0, 0, 0, "")
		f(&in.Accounts[0])
		return in
	}
	cases := map[string]decisioning.AnalysisInput{
		"": change(func(*decisioning.Account) {}),
		decisioningtest.CodeAccountTypeNotSupported: change(func(a *decisioning.Account) { a.Type = "GOLD" }),
		decisioningtest.CodeNoCheckingAccount:       change(func(a *decisioning.Account) { a.Type = decisioning.AccountSavings }),
		decisioningtest.CodeCurrencyNotSupported:    change(func(a *decisioning.Account) { a.Transactions[3].Currency = "GBP" }),
		decisioningtest.CodeOwnershipNotSupported:   change(func(a *decisioning.Account) { a.Ownership = decisioning.OwnershipOther }),
		decisioningtest.CodeUsageNotSupported:       change(func(a *decisioning.Account) { a.Usage = decisioning.UsageProfessional }),
		decisioningtest.CodeNotEnoughTransactions:   change(func(a *decisioning.Account) { a.Transactions = a.Transactions[:19] }),
		decisioningtest.CodeBadRequest:              {Format: "NEW_V9", Connections: []jsontext.Value{[]byte(`{}`)}},
	}
	for code, in := range cases {
		assert.Equal(t, code, end(srv, client, in))
	}
	assert.Empty(t, end(business, businessClient, cases[decisioningtest.CodeUsageNotSupported]))
	assert.Equal(t, decisioningtest.CodeAccountTypeNotSupported, end(srv, client, decisioning.AnalysisInput{Accounts: []decisioning.Account{}}))
}

// TestUpdateWithoutStatus: a misspelt member would else pass for an update.
func TestUpdateWithoutStatus(t *testing.T) {
	t.Parallel()
	srv, client := serve(t, decisioningtest.Config{})
	sub, err := client.CreateSubscription(t.Context(), decisioning.NewSubscription{EventName: decisioning.EventAnalysisCompleted, Target: "https://hook.example.com", Secret: ccr.NewSecret(rand.Text())})
	require.NoError(t, err)
	for body, want := range map[string]int{`{"state":"INACTIVE"}`: http.StatusBadRequest, `{"status":"INACTIVE"}`: http.StatusOK} {
		req, err := http.NewRequestWithContext(t.Context(), http.MethodPatch, srv.URL()+"/v1/subscriptions/"+sub.ID, strings.NewReader(body))
		require.NoError(t, err)
		req.Header.Set("Authorization", "Bearer "+token(t, srv))
		req.Header.Set("Content-Type", "application/json")
		resp, err := srv.HTTPClient().Do(req)
		require.NoError(t, err)
		require.NoError(t, resp.Body.Close())
		assert.Equal(t, want, resp.StatusCode, body)
	}
}

// TestStepsOfAnAnalysis: CREATED, IN_PROGRESS, COMPLETED, one a look; or all at
// once when its time has come.
func TestStepsOfAnAnalysis(t *testing.T) {
	t.Parallel()
	_, client := serve(t, decisioningtest.Config{Processing: time.Hour})
	customer, err := client.EnsureCustomer(t.Context(), decisioning.NewCustomer{CustomIdentifier: "C"})
	require.NoError(t, err)
	a, err := client.CreateAnalysis(t.Context(), customer.ID, account(0, 0, 0, ""))
	require.NoError(t, err)
	assert.Equal(t, decisioning.StatusCreated, a.Status)
	for _, want := range []decisioning.AnalysisStatus{decisioning.StatusInProgress, decisioning.StatusCompleted, decisioning.StatusCompleted} {
		a, err = client.Analysis(t.Context(), customer.ID, a.ID)
		require.NoError(t, err)
		assert.Equal(t, want, a.Status)
		assert.Equal(t, want == decisioning.StatusCompleted, a.Scores != nil)
	}
	waiting, err := client.CreateAnalysis(t.Context(), customer.ID, decisioning.AnalysisInput{})
	require.NoError(t, err)
	for range 3 {
		waiting, err = client.Analysis(t.Context(), customer.ID, waiting.ID)
		require.NoError(t, err)
		assert.Equal(t, decisioning.StatusCreated, waiting.Status, "without data it waits")
	}
}

// TestNothingIsLostOnTheWay: the server reads and answers unknown members, too.
func TestNothingIsLostOnTheWay(t *testing.T) {
	t.Parallel()
	srv, client := serve(t, decisioningtest.Config{Processing: time.Hour})
	customer, err := client.CreateCustomer(t.Context(), decisioning.NewCustomer{CustomIdentifier: "C", Extra: map[string]jsontext.Value{"vip": jsontext.Value("1.50")}})
	require.NoError(t, err)
	assert.Equal(t, jsontext.Value("1.50"), customer.Extra["vip"])
	in := account(0, 0, 0, "")
	in.Accounts[0].Extra = map[string]jsontext.Value{"x-branch": jsontext.Value(`"7"`)}
	in.Accounts[0].Transactions[0].Extra = map[string]jsontext.Value{"merchant": jsontext.Value(`{"id":1.0}`)}
	a, err := client.CreateAnalysis(t.Context(), customer.ID, in)
	require.NoError(t, err)
	srv.Finish(a.ID)
	for acc, err := range client.Accounts(customer.ID, a.ID, decisioning.ListOptions{}).All(t.Context()) {
		require.NoError(t, err)
		assert.Equal(t, jsontext.Value(`"7"`), acc.Extra["x-branch"])
	}
	page, err := client.Transactions(customer.ID, a.ID, decisioning.ListOptions{}).Page(t.Context(), 1)
	require.NoError(t, err)
	assert.Equal(t, jsontext.Value(`{"id":1.0}`), page.Items[0].Extra["merchant"])
	assert.True(t, strings.HasPrefix(page.Items[0].ID, "0000"))
}
