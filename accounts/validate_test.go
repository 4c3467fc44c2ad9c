package accounts_test

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/ccr-sdk/ccr"
	"github.com/ccr-sdk/ccr/accounts"
	"github.com/ccr-sdk/ccr/accounts/accountstest"
)

// paths returns the paths of the faults in an error.
func paths(t *testing.T, err error) []string {
	t.Helper()
	var e *ccr.Error
	require.ErrorAs(t, err, &e)
	require.ErrorIs(t, err, ccr.ErrInvalid)
	require.ErrorIs(t, err, ccr.ErrNotSent)
	out := []string{}
	for _, f := range e.Fields {
		out = append(out, f.Path)
	}
	return out
}

func TestValidateAccounts(t *testing.T) {
	t.Parallel()
	const at = "accounts[0]."
	cases := map[string]struct {
		change func(*accounts.Account)
		want   []string
	}{
		"good":                       {func(*accounts.Account) {}, nil},
		"no reference":               {func(a *accounts.Account) { a.ClientReferenceID = "" }, []string{at + "clientReferenceId"}},
		"150 characters":             {func(a *accounts.Account) { a.ClientReferenceID = strings.Repeat("x", 150) }, nil},
		"151 characters":             {func(a *accounts.Account) { a.ClientReferenceID = strings.Repeat("x", 151) }, []string{at + "clientReferenceId"}},
		"150 characters, more bytes": {func(a *accounts.Account) { a.ClientReferenceID = strings.Repeat("é", 150) }, nil},
		"76 emoji count as 152":      {func(a *accounts.Account) { a.ClientReferenceID = strings.Repeat("😀", 76) }, []string{at + "clientReferenceId"}},
		"reference is not UTF-8":     {func(a *accounts.Account) { a.ClientReferenceID = "\xff" }, []string{at + "clientReferenceId"}},
		"text is not UTF-8":          {func(a *accounts.Account) { a.Brand = "\xff" }, []string{at + "brand"}},
		"no status":                  {func(a *accounts.Account) { a.Status = "" }, []string{at + "status"}},
		"newer status":               {func(a *accounts.Account) { a.Status = "Archived" }, nil},
		"no debtor":                  {func(a *accounts.Account) { a.Debtor = accounts.Party{} }, []string{at + "debtor"}},
		"debtor by Extra":            {func(a *accounts.Account) { a.Debtor = accounts.Party{Extra: accounts.Extra{"name": "x"}} }, nil},
		"debtor born on 30 February": {func(a *accounts.Account) { a.Debtor.DateOfBirth = ccr.Date{Year: 2000, Month: 2, Day: 30} }, []string{at + "debtor.dateOfBirth"}},
		"negative outstanding":       {func(a *accounts.Account) { a.OutstandingAmount = amount(t, "-0.01") }, []string{at + "outstandingAmount"}},
		"outstanding of zero":        {func(a *accounts.Account) { a.OutstandingAmount = amount(t, "0") }, nil},
		"offer of zero":              {func(a *accounts.Account) { a.MinimumOfferAmount = amount(t, "0.00") }, []string{at + "minimumOfferAmount"}},
		"offer of a cent":            {func(a *accounts.Account) { a.MinimumOfferAmount = amount(t, "0.01") }, nil},
		"discount of 0":              {func(a *accounts.Account) { a.MaximumDiscountPercentage = amount(t, "0") }, nil},
		"discount of 100":            {func(a *accounts.Account) { a.MaximumDiscountPercentage = amount(t, "100.0") }, nil},
		"discount above 100":         {func(a *accounts.Account) { a.MaximumDiscountPercentage = amount(t, "100.01") }, []string{at + "maximumDiscountPercentage"}},
		"discount below 0":           {func(a *accounts.Account) { a.MaximumDiscountPercentage = amount(t, "-1") }, []string{at + "maximumDiscountPercentage"}},
		"negative upfront":           {func(a *accounts.Account) { a.UpfrontAmount = amount(t, "-1") }, []string{at + "upfrontAmount"}},
		"0 days past due":            {func(a *accounts.Account) { a.DaysPastDue = 0 }, nil},
		"-1 days past due":           {func(a *accounts.Account) { a.DaysPastDue = -1 }, []string{at + "daysPastDue"}},
		"1 day past due":             {func(a *accounts.Account) { a.DaysPastDue = 1 }, nil},
		"due on 31 April":            {func(a *accounts.Account) { a.DueDate = ccr.Date{Year: 2026, Month: 4, Day: 31} }, []string{at + "dueDate"}},
		"information without a key":  {func(a *accounts.Account) { a.AdditionalInfo = []accounts.KeyValue{{Key: "k"}, {}} }, []string{at + "additionalInfo[1].key"}},
		"message without members":    {func(a *accounts.Account) { a.SendInstantMessages = []accounts.InstantMessage{{}} }, []string{at + "sendInstantMessages[0]"}},
		"challenge without members":  {func(a *accounts.Account) { a.IdentityChallenges = []accounts.IdentityChallenge{{}} }, []string{at + "identityChallenges[0]"}},
		"several faults at once": {func(a *accounts.Account) {
			a.ClientReferenceID, a.Status, a.DaysPastDue = "", "", -1
		}, []string{at + "clientReferenceId", at + "status", at + "daysPastDue"}},
		"a replaced member is not checked": {func(a *accounts.Account) {
			a.ClientReferenceID, a.DaysPastDue = "", -1
			a.Extra = accounts.Extra{"clientReferenceId": nil, "clientReference": "C-1", "daysPastDue": accounts.Omitted()}
		}, nil},
		"a renamed member is": {func(a *accounts.Account) {
			a.ClientReferenceID = ""
			a.Extra = accounts.Extra{"clientReferenceId": accounts.RenamedTo("clientReference")}
		}, []string{at + "clientReferenceId"}},
		"Extra that is no JSON":         {func(a *accounts.Account) { a.Extra = accounts.Extra{"x": func() {}} }, []string{at + "extra"}},
		"Extra makes twins":             {func(a *accounts.Account) { a.Extra = accounts.Extra{"status": accounts.RenamedTo("dueDate")} }, []string{at + "extra"}},
		"Extra renames what is not":     {func(a *accounts.Account) { a.Extra = accounts.Extra{"stauts": accounts.RenamedTo("state")} }, []string{at + "extra"}},
		"Extra in a party is no JSON":   {func(a *accounts.Account) { a.Debtor.Extra = accounts.Extra{"x": make(chan int)} }, []string{at + "debtor.extra"}},
		"a Rename within a value":       {func(a *accounts.Account) { a.Extra = accounts.Extra{"x": []any{accounts.Omitted()}} }, []string{at + "extra"}},
		"issued in an unknown notation": {func(a *accounts.Account) { a.IssuedDate = unknownTime(t) }, []string{at + "issuedDate"}},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			a := row(1)
			c.change(&a)
			err := accounts.AccountBatch{ReferenceID: "r", Accounts: []accounts.Account{a}}.Validate()
			if c.want == nil {
				require.NoError(t, err)
				require.NoError(t, a.Validate())
				return
			}
			assert.Equal(t, c.want, paths(t, err))
			require.Error(t, a.Validate())
		})
	}
}

func unknownTime(t *testing.T) (d ccr.DateTime) {
	t.Helper()
	require.NoError(t, d.UnmarshalText([]byte("last Tuesday")))
	return d
}

func TestValidateBatches(t *testing.T) {
	t.Parallel()
	assert.Equal(t, []string{"batchReferenceId", "accounts"}, paths(t, accounts.AccountBatch{}.Validate()))
	assert.Equal(t, []string{"batchReferenceId", "payments"}, paths(t, accounts.PaymentBatch{}.Validate()))
	assert.Equal(t, []string{"batchReferenceId", "thirdPartyClaims"}, paths(t, accounts.ClaimBatch{}.Validate()))
	long := accounts.AccountBatch{ReferenceID: strings.Repeat("r", 151), Accounts: rows(1)}
	assert.Equal(t, []string{"batchReferenceId"}, paths(t, long.Validate()))
	twins := accounts.AccountBatch{ReferenceID: "r", Accounts: rows(1), Extra: accounts.Extra{"batchReferenceId": accounts.RenamedTo("accounts")}}
	assert.Equal(t, []string{"extra"}, paths(t, twins.Validate()))
}

func TestValidateClaims(t *testing.T) {
	t.Parallel()
	good := accounts.Claim{ClaimNumber: "N", Status: accounts.StatusHold}
	cases := map[string]struct {
		change func(*accounts.Claim)
		want   []string
	}{
		"good":             {func(*accounts.Claim) {}, nil},
		"no number":        {func(c *accounts.Claim) { c.ClaimNumber = "" }, []string{"claim.claimNumber"}},
		"151 characters":   {func(c *accounts.Claim) { c.ClaimNumber = strings.Repeat("n", 151) }, []string{"claim.claimNumber"}},
		"no status":        {func(c *accounts.Claim) { c.Status = "" }, []string{"claim.status"}},
		"a long reference": {func(c *accounts.Claim) { c.ClientReferenceID = strings.Repeat("n", 151) }, []string{"claim.clientReferenceId"}},
		"negative amounts": {func(c *accounts.Claim) {
			c.InitialRecoveryAmount, c.RecoveryAmount, c.RecoveredAmount = amount(t, "-1"), amount(t, "-1"), amount(t, "-1")
		}, []string{"claim.initialRecoveryAmount", "claim.recoveryAmount", "claim.recoveredAmount"}},
		"recovery of zero":    {func(c *accounts.Claim) { c.RecoveryAmount = amount(t, "0") }, nil},
		"negative excess":     {func(c *accounts.Claim) { c.ClaimExcess = accounts.ClaimExcess{Amount: amount(t, "-1")} }, []string{"claim.claimExcess.amount"}},
		"an empty party":      {func(c *accounts.Claim) { c.ThirdParty = accounts.Party{} }, nil},
		"an excess by Extra":  {func(c *accounts.Claim) { c.ClaimExcess = accounts.ClaimExcess{Extra: accounts.Extra{"paid": true}} }, nil},
		"reason is not UTF-8": {func(c *accounts.Claim) { c.StatusReason = "\xfe" }, []string{"claim.statusReason"}},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			claim := good
			c.change(&claim)
			if c.want == nil {
				require.NoError(t, claim.Validate())
				return
			}
			assert.Equal(t, c.want, paths(t, claim.Validate()))
		})
	}
}

func TestValidatePayments(t *testing.T) {
	t.Parallel()
	assert.Equal(t, []string{"payment"}, paths(t, accounts.Payment{}.Validate()))
	assert.Equal(t, []string{"payment.clientReferenceId"}, paths(t, accounts.Payment{ClientReferenceID: strings.Repeat("n", 151)}.Validate()))
	assert.Equal(t, []string{"payment.paymentDate"}, paths(t, accounts.Payment{PaymentDate: ccr.Date{Year: 2026, Month: 13, Day: 1}}.Validate()))
	require.NoError(t, accounts.Payment{Amount: amount(t, "-5")}.Validate(), "whether a payment may be negative is not documented")
	require.NoError(t, accounts.Payment{Extra: accounts.Extra{"iban": "x"}}.Validate())
}

func TestRefusedBeforeSending(t *testing.T) {
	t.Parallel()
	srv := serve(t, accountstest.Config{})
	client := dial(t, srv)
	secretive := row(1)
	secretive.ClientReferenceID = strings.Repeat("Jane Roe ", 20)
	_, err := client.UpsertAccounts(t.Context(), accounts.AccountBatch{ReferenceID: "r", Accounts: []accounts.Account{secretive}})
	require.ErrorIs(t, err, ccr.ErrInvalid)
	assert.NotContains(t, err.Error(), "Jane", "errors name the path, never the value")

	big := rows(30)
	for i := range big {
		big[i].CustomData1 = strings.Repeat("x", 1_000_000)
	}
	_, err = client.UpsertAccounts(t.Context(), accounts.AccountBatch{ReferenceID: "r", Accounts: big})
	require.ErrorIs(t, err, ccr.ErrInvalid)
	require.ErrorIs(t, err, ccr.ErrNotSent)
	assert.Empty(t, srv.Requests(""), "nothing was sent, not even for a token")
}
