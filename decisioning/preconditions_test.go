package decisioning_test

import (
	"encoding/json"
	"errors"
	"testing"

	"github.com/go-json-experiment/json/jsontext"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/ccr-sdk/ccr"
	"github.com/ccr-sdk/ccr/decisioning"
)

// paths returns what an error complains about, by path.
func paths(t *testing.T, err error) []string {
	t.Helper()
	if err == nil {
		return nil
	}
	e, ok := errors.AsType[*ccr.Error](err)
	require.True(t, ok, "%v", err)
	require.Equal(t, ccr.OutcomeNotSent, e.Outcome)
	require.ErrorIs(t, err, ccr.ErrInvalid)
	var out []string
	for _, f := range e.Fields {
		out = append(out, f.Path)
	}
	return out
}

func TestPreconditions(t *testing.T) {
	t.Parallel()
	cases := []struct {
		name   string
		change func(a []decisioning.Account) []decisioning.Account
		skip   decisioning.Precondition
		want   []string
	}{
		{"no checking account", func(a []decisioning.Account) []decisioning.Account { return a[1:] }, decisioning.PreconditionCheckingAccount, []string{"accounts"}},
		{"no accounts", func([]decisioning.Account) []decisioning.Account { return []decisioning.Account{} }, decisioning.PreconditionCheckingAccount, []string{"accounts"}},
		{"nineteen transactions", func(a []decisioning.Account) []decisioning.Account {
			a[0].Transactions = a[0].Transactions[:19]
			return a
		}, decisioning.PreconditionTransactions, []string{"accounts"}},
		{"professional", func(a []decisioning.Account) []decisioning.Account {
			a[1].Usage = decisioning.UsageProfessional
			return a
		}, decisioning.PreconditionUsage, []string{"accounts[1].usage"}},
		{"another currency", func(a []decisioning.Account) []decisioning.Account {
			a[0].Transactions[3].Currency = "USD"
			a[1].Currency = "GBP"
			return a
		}, decisioning.PreconditionCurrency, []string{"accounts[0].transactions[3].currency", "accounts[1].currency"}},
		{"no bank", func(a []decisioning.Account) []decisioning.Account {
			a[0].Bank = nil
			a[1].Bank.Name = ""
			return a
		}, decisioning.PreconditionBankName, []string{"accounts[0].bank.name", "accounts[1].bank.name"}},
		{"no dates", func(a []decisioning.Account) []decisioning.Account {
			a[0].BalanceDate = ccr.DateTime{}
			a[0].Transactions[1].Dates = decisioning.TransactionDates{}
			return a
		}, decisioning.PreconditionDates, []string{"accounts[0].balanceDate", "accounts[0].transactions[1].dates"}},
		{"missing members", func(a []decisioning.Account) []decisioning.Account {
			a[1].Balance, a[1].Usage = ccr.Amount{}, ""
			a[0].Transactions[2].Amount, a[0].Transactions[2].Description = ccr.Amount{}, ""
			return a
		}, decisioning.PreconditionMembers, []string{"accounts[0].transactions[2].amount", "accounts[0].transactions[2].description", "accounts[1].balance", "accounts[1].usage"}},
	}
	seen := map[decisioning.Precondition]bool{}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			in := profile(t, "steady")
			require.NoError(t, in.Validate())
			in.Accounts = c.change(in.Accounts)
			assert.Equal(t, c.want, paths(t, in.Validate()))
			in.Skip = []decisioning.Precondition{c.skip}
			assert.NoError(t, in.Validate(), "switched off")
			seen[c.skip] = true
			update := decisioning.AnalysisUpdate{Accounts: in.Accounts}
			if len(in.Accounts) > 0 {
				assert.Equal(t, c.want, paths(t, update.Validate()), "an update is held to the same")
			}
		})
	}
	assert.Len(t, seen, len(decisioning.AllPreconditions()))
}

func TestAllFaultsAtOnce(t *testing.T) {
	t.Parallel()
	in := decisioning.AnalysisInput{Accounts: []decisioning.Account{{Type: decisioning.AccountSavings}}, Skip: []decisioning.Precondition{"nonsense"}}
	assert.Equal(t, []string{
		"accounts[0].bank.name", "accounts[0].balanceDate", "accounts[0].balance", "accounts[0].currency", "accounts[0].usage",
		"accounts", "skip[0]",
	}, paths(t, in.Validate()))
}

func TestRawData(t *testing.T) {
	t.Parallel()
	raw := []jsontext.Value{jsontext.Value(`{"accounts":[]}`)}
	good := []decisioning.AnalysisInput{
		{}, // created empty
		{Format: decisioning.FormatBudgetInsightV2, Connections: raw},
		{Format: decisioning.FormatTinkV2, RawAccounts: raw},
		{Connections: raw, Extra: map[string]jsontext.Value{"format": jsontext.Value(`"NEW_V9"`)}},
	}
	for i, in := range good {
		assert.NoError(t, in.Validate(), i)
	}
	steady := profile(t, "steady").Accounts
	bad := map[string]decisioning.AnalysisInput{
		"format":   {Connections: raw},
		"accounts": {Format: decisioning.FormatTinkV2, Accounts: steady, RawAccounts: raw},
	}
	for path, in := range bad {
		assert.Contains(t, paths(t, in.Validate()), path)
	}
	assert.Equal(t, []string{"format"}, paths(t, decisioning.AnalysisInput{Format: "X"}.Validate()))
	assert.Equal(t, []string{"format"}, paths(t, decisioning.AnalysisInput{Format: "X", Accounts: steady}.Validate()))

	b, err := json.Marshal(good[2])
	require.NoError(t, err)
	assert.Equal(t, `{"format":"TINK_V2","accounts":[{"accounts":[]}]}`, string(b))
	var back decisioning.AnalysisInput
	require.NoError(t, json.Unmarshal(b, &back))
	assert.Equal(t, good[2], back)
}

func TestUpdateIsChecked(t *testing.T) {
	t.Parallel()
	assert.Equal(t, []string{"update"}, paths(t, decisioning.AnalysisUpdate{}.Validate()))
	assert.Equal(t, []string{"status"}, paths(t, decisioning.AnalysisUpdate{Error: &decisioning.Failure{Code: "X"}}.Validate()))
	assert.NoError(t, decisioning.AnalysisUpdate{Status: decisioning.StatusError, Error: &decisioning.Failure{Code: "X"}}.Validate())
}
