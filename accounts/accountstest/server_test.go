package accountstest_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
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
)

func serve(t *testing.T) *accountstest.Server {
	t.Helper()
	srv, err := accountstest.NewServer(accountstest.Config{})
	require.NoError(t, err)
	t.Cleanup(srv.Close)
	return srv
}

// token logs in by hand.
func token(t *testing.T, srv *accountstest.Server) string {
	t.Helper()
	body, err := json.Marshal(map[string]string{"client_id": srv.ClientID(), "client_secret": srv.ClientSecret(), "audience": srv.Audience(), "grant_type": "client_credentials"})
	require.NoError(t, err)
	req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, srv.TokenURL(), bytes.NewReader(body))
	require.NoError(t, err)
	req.Header.Set("Content-Type", "application/json")
	resp, err := srv.HTTPClient().Do(req)
	require.NoError(t, err)
	defer resp.Body.Close()
	var m map[string]string
	require.NoError(t, json.NewDecoder(resp.Body).Decode(&m))
	assert.NotContains(t, m, "expires_in", "as the vendor documents it")
	return m["access_token"]
}

// put sends a body as no client of the SDK would.
func put(t *testing.T, srv *accountstest.Server, path string, body io.Reader, change func(*http.Request)) (int, map[string]any) {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), http.MethodPut, srv.URL()+path, body)
	require.NoError(t, err)
	req.Header.Set("Content-Type", "application/json")
	req.Header.Set("Authorization", "Bearer "+token(t, srv))
	change(req)
	resp, err := srv.HTTPClient().Do(req)
	require.NoError(t, err)
	defer resp.Body.Close()
	raw, err := io.ReadAll(resp.Body)
	require.NoError(t, err)
	var m map[string]any
	if len(raw) > 0 {
		require.Contains(t, resp.Header.Get("Content-Type"), "application/problem+json")
		require.NoError(t, json.Unmarshal(raw, &m))
	}
	return resp.StatusCode, m
}

func TestServerRefuses(t *testing.T) {
	t.Parallel()
	srv := serve(t)
	const good = `{"batchReferenceId":"r","accounts":[{"clientReferenceId":"C","invoiceNumber":null,"status":"Active","debtor":{}}]}`
	same := func(*http.Request) {}
	cases := map[string]struct {
		body   io.Reader
		change func(*http.Request)
		status int
	}{
		"good":                  {strings.NewReader(good), same, 202},
		"without a length":      {io.MultiReader(strings.NewReader(good)), same, 411},
		"text":                  {strings.NewReader(good), func(r *http.Request) { r.Header.Set("Content-Type", "text/plain") }, 415},
		"JSON with a parameter": {strings.NewReader(good), func(r *http.Request) { r.Header.Set("Content-Type", "application/json; charset=utf-8") }, 415},
		"without a token":       {strings.NewReader(good), func(r *http.Request) { r.Header.Del("Authorization") }, 401},
		"with another token":    {strings.NewReader(good), func(r *http.Request) { r.Header.Set("Authorization", "Bearer x") }, 401},
		"30,000,001 bytes":      {strings.NewReader(good + strings.Repeat(" ", 30_000_001-len(good))), same, 413},
		"no JSON":               {strings.NewReader(`{`), same, 400},
		"no accounts":           {strings.NewReader(`{"batchReferenceId":"r","accounts":[]}`), same, 400},
		"another body":          {strings.NewReader(strings.Replace(good, `"C"`, `"D"`, 1)), same, 409},
	}
	order := []string{"good"}
	for name := range cases {
		if name != "good" {
			order = append(order, name)
		}
	}
	for _, name := range order {
		status, doc := put(t, srv, "/v1/account", cases[name].body, cases[name].change)
		assert.Equal(t, cases[name].status, status, name)
		if status >= 400 {
			assert.InDelta(t, float64(status), doc["status"], 0, name)
		}
	}
	assert.Len(t, srv.Batches(), 1)
}

func TestServerKnowsTheRulesByItself(t *testing.T) {
	t.Parallel()
	srv := serve(t)
	const row = `"clientReferenceId":"C","invoiceNumber":null,"status":"Active","debtor":{}`
	cases := map[string]string{ // members of the account → path of the fault
		row: "",
		`"invoiceNumber":null,"status":"Active","debtor":{}`:                         "clientReferenceId",
		`"clientReferenceId":"C","status":"Active","debtor":{}`:                      "invoiceNumber",
		`"clientReferenceId":"C","invoiceNumber":null,"debtor":{}`:                   "status",
		`"clientReferenceId":"C","invoiceNumber":null,"status":"Active"`:             "debtor",
		`"clientReferenceId":"C","invoiceNumber":null,"status":"active","debtor":{}`: "status",
		`"clientReferenceId":"C","invoiceNumber":5,"status":"Active","debtor":{}`:    "invoiceNumber",
		row + `,"outstandingAmount":null`:                                            "outstandingAmount",
		row + `,"outstandingAmount":-0.01`:                                           "outstandingAmount",
		row + `,"outstandingAmount":"5"`:                                             "outstandingAmount",
		row + `,"outstandingAmount":0.00`:                                            "",
		row + `,"minimumOfferAmount":0`:                                              "minimumOfferAmount",
		row + `,"minimumOfferAmount":null`:                                           "",
		row + `,"maximumDiscountPercentage":100.1`:                                   "maximumDiscountPercentage",
		row + `,"daysPastDue":0`:                                                     "daysPastDue",
		row + `,"daysPastDue":1.5`:                                                   "daysPastDue",
		row + `,"daysPastDue":2147483648`:                                            "daysPastDue",
		row + `,"dueDate":null`:                                                      "dueDate",
		row + `,"dueDate":"2026-02-30"`:                                              "dueDate",
		row + `,"dueDate":"2026-02-03T00:00:00Z"`:                                    "dueDate",
		row + `,"issuedDate":"2026-02-03T00:00:00"`:                                  "issuedDate",
		row + `,"issuedDate":"2026-02-03T00:00:00.1+10:00"`:                          "",
		row + `,"additionalInfo":{}`:                                                 "additionalInfo",
		row + `,"sendInstantMessages":null,"unknown":1`:                              "",
		row + `,"brand":7`:                                                           "brand",
	}
	n := 0
	for members, fault := range cases {
		n++
		status, doc := put(t, srv, "/v1/account", strings.NewReader(fmt.Sprintf(`{"batchReferenceId":"r%d","accounts":[{%s}]}`, n, members)), func(*http.Request) {})
		if fault == "" {
			assert.Equal(t, 202, status, members)
			continue
		}
		assert.Equal(t, 400, status, members)
		errors, ok := doc["errors"].(map[string]any)
		require.True(t, ok, members)
		assert.Contains(t, errors, "accounts[0]."+fault, members)
		assert.Len(t, errors, 1, members)
	}
	for path, rows := range nestedRules {
		for members, fault := range rows {
			n++
			status, doc := put(t, srv, path, strings.NewReader(strings.Replace(members, "{", fmt.Sprintf(`{"batchReferenceId":"r%d",`, n), 1)), func(*http.Request) {})
			assert.Equal(t, 400, status, members)
			errors, ok := doc["errors"].(map[string]any)
			require.True(t, ok, members)
			assert.Contains(t, errors, fault, members)
			assert.Len(t, errors, 1, members)
		}
	}
	status, doc := put(t, srv, "/v1/third-party-insurance", strings.NewReader(`{"batchReferenceId":"r","thirdPartyClaims":[{"status":"Hold","recoveryAmount":-1}]}`), func(*http.Request) {})
	assert.Equal(t, 400, status)
	assert.Len(t, doc["errors"], 2)
}

// nestedRules are documents by route, with the path of their one fault. The
// names are written by hand: one that the member table has wrong is a member
// that the server does not know, and passes.
var nestedRules = map[string]map[string]string{
	"/v1/payment": {
		`{"payments":[{"clientReferenceId":5}]}`:                                  "payments[0].clientReferenceId",
		`{"payments":[{"clientReferenceId":"` + strings.Repeat("x", 151) + `"}]}`: "payments[0].clientReferenceId",
		`{"payments":[{"amount":1},{"amount":"1"}]}`:                              "payments[1].amount",
		`{"payments":[{"paymentDate":"3 February"}]}`:                             "payments[0].paymentDate",
		`{"payments":[{"paymentReference":{}}]}`:                                  "payments[0].paymentReference",
		`{"payments":[5]}`:                                                        "payments[0]",
		`{"payments":[]}`:                                                         "payments",
	},
	"/v1/account": {
		account(`"debtor":{"firstName":1}`):                                                      "accounts[0].debtor.firstName",
		account(`"debtor":{"lastName":1}`):                                                       "accounts[0].debtor.lastName",
		account(`"debtor":{"companyName":1}`):                                                    "accounts[0].debtor.companyName",
		account(`"debtor":{"dateOfBirth":"1990"}`):                                               "accounts[0].debtor.dateOfBirth",
		account(`"debtor":{"email":1}`):                                                          "accounts[0].debtor.email",
		account(`"debtor":{"mobileNumber":1}`):                                                   "accounts[0].debtor.mobileNumber",
		account(`"debtor":{"postalCode":3000}`):                                                  "accounts[0].debtor.postalCode",
		account(`"debtor":[]`):                                                                   "accounts[0].debtor",
		account(`"debtor":{},"additionalInfo":[{"key":"k"}]`):                                    "accounts[0].additionalInfo[0].value",
		account(`"debtor":{},"additionalInfo":[{"key":null,"value":null}]`):                      "accounts[0].additionalInfo[0].key",
		account(`"debtor":{},"sendInstantMessages":[{"channel":1}]`):                             "accounts[0].sendInstantMessages[0].channel",
		account(`"debtor":{},"identityChallenges":[{"question":"q","answer":"a"},{"answer":1}]`): "accounts[0].identityChallenges[1].answer",
		account(`"debtor":{},"identityChallenges":[{"question":1}]`):                             "accounts[0].identityChallenges[0].question",
	},
	"/v1/third-party-insurance": {
		claim(`"claimExcess":{"amount":-1}`):    "thirdPartyClaims[0].claimExcess.amount",
		claim(`"thirdParty":{"companyName":1}`): "thirdPartyClaims[0].thirdParty.companyName",
		claim(`"thirdParty":7`):                 "thirdPartyClaims[0].thirdParty",
		claim(`"statusReason":7`):               "thirdPartyClaims[0].statusReason",
		claim(`"paymentReferenceNumber":7`):     "thirdPartyClaims[0].paymentReferenceNumber",
		claim(`"initialRecoveryAmount":-1`):     "thirdPartyClaims[0].initialRecoveryAmount",
		claim(`"recoveredAmount":-1`):           "thirdPartyClaims[0].recoveredAmount",
		claim(`"callbackNumber":7`):             "thirdPartyClaims[0].callbackNumber",
	},
}

func account(members string) string {
	return `{"accounts":[{"clientReferenceId":"C","invoiceNumber":null,"status":"Active",` + members + `}]}`
}

func claim(members string) string {
	return `{"thirdPartyClaims":[{"claimNumber":"N","status":"Hold",` + members + `}]}`
}

func TestServerAppliesTheStatusTable(t *testing.T) {
	t.Parallel()
	type invoice struct {
		state  accountstest.InvoiceState
		paused bool
		number int
	}
	const (
		awaiting    = accountstest.AwaitingPayment
		arrangement = accountstest.OnPaymentArrangement
		paid        = accountstest.Paid
		voided      = accountstest.Voided
	)
	cases := []struct {
		incoming accounts.Status
		before   accountstest.InvoiceState // "": none
		paused   bool
		want     invoice // the zero one: none
	}{
		{accounts.StatusActive, "", false, invoice{awaiting, false, 1}},
		{accounts.StatusActive, awaiting, false, invoice{awaiting, false, 1}},
		{accounts.StatusActive, arrangement, false, invoice{arrangement, false, 1}},
		{accounts.StatusActive, awaiting, true, invoice{awaiting, false, 1}},
		{accounts.StatusActive, arrangement, true, invoice{arrangement, false, 1}},
		{accounts.StatusActive, paid, false, invoice{awaiting, false, 2}},
		{accounts.StatusActive, voided, false, invoice{awaiting, false, 2}},
		{accounts.StatusHold, "", false, invoice{}},
		{accounts.StatusHold, awaiting, true, invoice{awaiting, true, 1}},
		{accounts.StatusHold, arrangement, false, invoice{arrangement, true, 1}},
		{accounts.StatusHold, paid, false, invoice{paid, false, 1}},
		{accounts.StatusClosed, "", false, invoice{}},
		{accounts.StatusClosed, awaiting, false, invoice{voided, false, 1}},
		{accounts.StatusClosed, arrangement, false, invoice{voided, false, 1}},
		{accounts.StatusClosed, voided, false, invoice{voided, false, 1}},
	}
	srv := serve(t)
	client, err := srv.Client()
	require.NoError(t, err)
	for i, c := range cases {
		ref := fmt.Sprint(i)
		if c.before != "" {
			srv.WithInvoice(ref, c.before, c.paused)
		}
		_, err := client.UpsertAccounts(t.Context(), accounts.AccountBatch{ReferenceID: ref, Accounts: []accounts.Account{
			{ClientReferenceID: ref, Status: c.incoming, Debtor: accounts.Party{LastName: "N"}},
		}})
		require.NoError(t, err)
		got, ok := srv.Invoice(ref)
		assert.Equal(t, c.want.state != "", ok, "case %d", i)
		assert.Equal(t, c.want, invoice{got.State, got.Paused, got.Number}, "case %d", i)
	}
}

func TestServerFailsItems(t *testing.T) {
	t.Parallel()
	srv := serve(t)
	srv.FailItem("C-2", "the debtor's e-mail address is not one: zoë@")
	client, err := srv.Client()
	require.NoError(t, err)
	party := accounts.Party{LastName: "N"}
	receipt, err := client.UpsertAccounts(t.Context(), accounts.AccountBatch{ReferenceID: "r", Accounts: []accounts.Account{
		{ClientReferenceID: "C-1", Status: accounts.StatusActive, Debtor: party}, {ClientReferenceID: "C-2", Status: accounts.StatusActive, Debtor: party},
	}})
	require.NoError(t, err, "accepted is not processed")
	status, err := client.BatchPoller(receipt).WithInterval(ccr.PollInterval{Start: time.Millisecond}).Wait(t.Context())
	require.NoError(t, err)
	assert.Equal(t, accounts.StatePartial, status.State)
	assert.Equal(t, "CompletedWithErrors", status.Word)
	assert.Equal(t, int64(1), status.Failed)
	assert.Equal(t, []string{"the debtor's e-mail address is not one: zoë@"}, status.Items[1].Messages)
	assert.Contains(t, string(status.Raw), `zo\u00EB`, "as .NET writes it")
	_, ok := srv.Account("C-2")
	assert.False(t, ok)
}

func TestServerInMemoryTakesFakeTime(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		srv, err := accountstest.NewServer(accountstest.Config{InMemory: true})
		require.NoError(t, err)
		defer srv.Close()
		srv.Limit(2, time.Minute, http.StatusTooManyRequests)
		client, err := srv.Client(ccr.WithRetry(ccr.RetryPolicy{Budget: -1}))
		require.NoError(t, err)
		start := time.Now()
		for i := range 5 {
			_, err := client.UpsertAccounts(t.Context(), accounts.AccountBatch{ReferenceID: fmt.Sprint(i), Accounts: []accounts.Account{
				{ClientReferenceID: "C", Status: accounts.StatusActive, Debtor: accounts.Party{LastName: "N"}},
			}})
			require.NoError(t, err, "Retry-After is honoured")
		}
		assert.GreaterOrEqual(t, time.Since(start), 2*time.Minute)
		assert.Less(t, time.Since(start), 3*time.Minute)
	})
}
