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

// TestBetterFinancesScoreHigher: each list of profiles gets better.
func TestBetterFinancesScoreHigher(t *testing.T) {
	t.Parallel()
	srv, client := serve(t, decisioningtest.Config{Processing: time.Hour})
	customer, err := client.EnsureCustomer(t.Context(), decisioning.NewCustomer{CustomIdentifier: "C"})
	require.NoError(t, err)
	score := func(in decisioning.AnalysisInput) float64 {
		a, err := client.CreateAnalysis(t.Context(), customer.ID, in)
		require.NoError(t, err)
		srv.Finish(a.ID)
		s, err := client.Scores(t.Context(), customer.ID, a.ID)
		require.NoError(t, err)
		assert.InDelta(t, 5.5, s.PaymentScore.Value, 4.5)
		return s.CreditScore.Value
	}
	rising := map[string][]decisioning.AnalysisInput{
		"balance":   {account(-300_000, 0, 0, ""), account(-1_000, 0, 0, ""), account(50_000, 0, 0, ""), account(250_000, 0, 0, "")},
		"spending":  {account(0, 20, -40_000, "SHOP"), account(0, 20, -20_000, "SHOP"), account(0, 20, -5_000, "SHOP")},
		"gambling":  {account(0, 20, -10_000, "POKER"), account(0, 10, -10_000, "POKER"), account(0, 2, -10_000, "POKER"), account(0, 2, -10_000, "SHOP")},
		"incidents": {account(0, 6, 1_000, "UNPAID DIRECT DEBIT"), account(0, 2, 1_000, "UNPAID DIRECT DEBIT"), account(0, 0, 0, "")},
		"seizure":   {account(0, 1, -5_000, "SAISIE"), account(0, 1, -5_000, "SHOP")},
		"advance":   {account(0, 1, -5_000, "WAGEDAY"), account(0, 1, -5_000, "SHOP")},
		"income":    {account(0, 5, 10_000, "GIFT"), account(0, 5, 50_000, "GIFT"), account(0, 5, 500_000, "GIFT")},
	}
	for name, list := range rising {
		last := -1.0
		for i, in := range list {
			s := score(in)
			assert.Equal(t, s, score(in), "the same input, the same answer")
			assert.GreaterOrEqual(t, s, last, "%s %d", name, i)
			if name != "income" { // of which nothing is spent either way
				assert.Greater(t, s, last, "%s %d", name, i)
			}
			last = s
		}
	}
}

func TestRuleTableRefusals(t *testing.T) {
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
	assert.Equal(t, decisioningtest.CodeBadRequest, end(srv, client, change(func(a *decisioning.Account) {
		require.NoError(t, a.Transactions[0].Amount.UnmarshalText([]byte("1.005")))
	})))
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
