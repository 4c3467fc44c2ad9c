package decisioning_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"os"
	"path/filepath"
	"regexp"
	"slices"
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

// samples finds the project's own sample profiles, and Algoan's public ones
// (repository algoan/fake-open-banking-data), which are not part of the
// project, where they lie beside it. The sets have the same folders, and the
// same names for what is meant to fail.
func samples(t *testing.T) (own, public []string) {
	t.Helper()
	own, err := filepath.Glob(filepath.Join("testdata", "samples", "*", "*.json"))
	require.NoError(t, err)
	require.NotEmpty(t, own)
	public, err = filepath.Glob(filepath.Join("..", "..", "shared", "data", "open-banking", "*", "*.json"))
	require.NoError(t, err)
	return own, public
}

// reasons is why each of the meant-to-fail samples fails, by its name.
func reasons() map[string]string {
	return map[string]string{
		"account_type_not_supported": decisioningtest.CodeAccountTypeNotSupported,
		"currency_not_supported":     decisioningtest.CodeCurrencyNotSupported,
		"no_checking_account":        decisioningtest.CodeNoCheckingAccount,
		"not_enough_transactions":    decisioningtest.CodeNotEnoughTransactions,
		"ownership_not_supported":    decisioningtest.CodeOwnershipNotSupported,
		"usage_not_supported":        decisioningtest.CodeUsageNotSupported,
	}
}

func lossless(t *testing.T, file string) decisioning.AnalysisInput {
	t.Helper()
	b, err := os.ReadFile(file)
	require.NoError(t, err)
	in, err := decisioning.ReadProfile(bytes.NewReader(b))
	require.NoError(t, err)
	again, err := json.Marshal(in)
	require.NoError(t, err)
	// An id that is a number is read as a text, and written as one; null of a
	// member that has a field is not written.
	if in.Format == "" {
		b = regexp.MustCompile(`"id": ?(\d+)`).ReplaceAll(b, []byte(`"id":"$1"`))
		b = regexp.MustCompile(`,\s*"number": null`).ReplaceAll(b, nil)
	}
	require.Equal(t, canonical(t, b), canonical(t, again))
	return in
}

func TestOwnProfilesSurviveReadingAndWriting(t *testing.T) {
	t.Parallel()
	files, err := filepath.Glob("testdata/*.json")
	require.NoError(t, err)
	require.NotEmpty(t, files)
	for _, file := range files {
		lossless(t, file)
	}
}

// TestEverySample reads, writes, uploads and analyses each sample: it ends as
// its name says.
func TestEverySample(t *testing.T) {
	t.Parallel()
	own, public := samples(t)
	everySample(t, own)
	if len(public) > 0 {
		everySample(t, public)
	}
}

func everySample(t *testing.T, files []string) {
	t.Helper()
	_, consumer := serve(t, decisioningtest.Config{})
	_, business := serve(t, decisioningtest.Config{Business: true})
	failures := 0
	for _, file := range files {
		name := strings.TrimSuffix(filepath.Base(file), ".json")
		want := reasons()[name]
		if want != "" {
			failures++
		}
		t.Run(filepath.Base(filepath.Dir(file))+"/"+name, func(t *testing.T) {
			in := lossless(t, file)
			client := consumer
			if name == "societe_lambda_auto" { // a company
				client = business
				require.Error(t, in.Validate())
				in.Skip = []decisioning.Precondition{decisioning.PreconditionUsage}
			}
			if want != "" {
				require.Error(t, in.Validate(), "it is refused before it is sent")
				in.Skip = decisioning.AllPreconditions()
			}
			require.NoError(t, in.Validate())
			customer, err := client.EnsureCustomer(t.Context(), decisioning.NewCustomer{CustomIdentifier: file})
			require.NoError(t, err)
			analysis, err := client.CreateAnalysis(t.Context(), customer.ID, in)
			require.NoError(t, err)
			poller := client.AnalysisPoller(customer.ID, analysis.ID).WithInterval(ccr.PollInterval{Start: time.Millisecond, Max: time.Millisecond})
			analysis, err = poller.Wait(t.Context())
			if want != "" {
				failed, ok := errors.AsType[*decisioning.AnalysisError](err)
				require.True(t, ok, "%v", err)
				assert.Equal(t, want, failed.Code)
				assert.Equal(t, decisioning.StatusError, analysis.Status)
				return
			}
			require.NoError(t, err)
			assert.Equal(t, decisioning.StatusCompleted, analysis.Status)
			t.Logf("score %v, payment %v", analysis.Scores.CreditScore.Value, analysis.Scores.PaymentScore.Value)
		})
	}
	assert.Equal(t, len(reasons()), failures, "all of the meant-to-fail samples are there")
}

// TestSamplesScoreByMarketAndRisk: the catalogue of the package's documentation.
func TestSamplesScoreByMarketAndRisk(t *testing.T) {
	t.Parallel()
	_, client := serve(t, decisioningtest.Config{})
	score := func(file string) float64 {
		return analyse(t, client, lossless(t, file)).Scores.CreditScore.Value
	}
	assert.Greater(t, score("testdata/steady.json"), 800.0)
	assert.Less(t, score("testdata/risky.json"), 200.0)
	own, public := samples(t)
	for name, good := range map[string]bool{"fr/steady.json": true, "fr/risky.json": false, "en/steady.json": true, "en/risky.json": false} {
		file := filepath.Join("testdata", "samples", filepath.FromSlash(name))
		assert.Contains(t, own, file)
		assert.Equal(t, good, score(file) > 500, name)
	}
	if len(public) == 0 {
		return
	}
	for name, good := range map[string]bool{
		"fr/lara_croft.json": true, "fr/harry_potter.json": false, "en/sherlock_holmes.json": true, "en/james_watson.json": false,
	} {
		i := slices.IndexFunc(public, func(f string) bool { return strings.HasSuffix(filepath.ToSlash(f), name) })
		require.GreaterOrEqual(t, i, 0, name)
		assert.Equal(t, good, score(public[i]) > 500, name)
	}
}

// analyse uploads a profile and waits for its end.
func analyse(t testing.TB, client *decisioning.Client, in decisioning.AnalysisInput) *decisioning.Analysis {
	t.Helper()
	customer, err := client.EnsureCustomer(t.Context(), decisioning.NewCustomer{CustomIdentifier: "analyse"})
	require.NoError(t, err)
	analysis, err := client.CreateAnalysis(t.Context(), customer.ID, in)
	require.NoError(t, err)
	analysis, err = client.AnalysisPoller(customer.ID, analysis.ID).
		WithInterval(ccr.PollInterval{Start: time.Millisecond, Max: time.Millisecond}).Wait(t.Context())
	require.NoError(t, err)
	return analysis
}

func TestProfilesOfUnexpectedShapeAreRefusedByPath(t *testing.T) {
	t.Parallel()
	cases := map[string][]string{
		``: {"profile"}, `[]`: {"profile"}, `{}`: {"profile"}, `{"accounts":7}`: {"accounts"},
		`{"accounts":[{"transactions":[{"amount":"much"}]}]}`:           {"accounts[0].transactions[0].amount"},
		`{"accounts":[{"owners":"me"},{"bank":[],"transactions":[7]}]}`: {"accounts[0].owners", "accounts[1].bank", "accounts[1].transactions[0]"},
		`{"accounts":[]`: {"profile"},
	}
	for body, paths := range cases {
		_, err := decisioning.ReadProfile(strings.NewReader(body))
		e, ok := errors.AsType[*ccr.Error](err)
		require.True(t, ok, body)
		var got []string
		for _, f := range e.Fields {
			got = append(got, f.Path)
		}
		assert.Equal(t, paths, got, body)
		assert.NotContains(t, err.Error(), "much")
	}
}

func TestProfileIsToleratedAsItIsSeen(t *testing.T) {
	t.Parallel()
	in := profile(t, "odd")
	assert.Equal(t, "924", in.Accounts[0].ID)
	assert.Equal(t, jsontext.Value(`"Sample Person"`), in.Accounts[0].Extra["owner"])
	require.NoError(t, in.Validate())
	var contact decisioning.Contact
	require.NoError(t, json.Unmarshal([]byte(`{"zipCode":75002}`), &contact))
	assert.Equal(t, "75002", contact.ZipCode)
}

func TestShiftedTo(t *testing.T) {
	t.Parallel()
	in := profile(t, "steady")
	before, err := json.Marshal(in)
	require.NoError(t, err)
	now := time.Date(2031, 2, 28, 1, 2, 3, 0, time.FixedZone("", 3600))
	out, err := in.ShiftedTo(now)
	require.NoError(t, err)
	assert.Equal(t, ccr.Date{Year: 2031, Month: 2, Day: 28}, ccr.DateOf(out.Accounts[0].BalanceDate.Time()))
	for i, tx := range out.Accounts[0].Transactions {
		old := in.Accounts[0].Transactions[i].Dates
		d, o := tx.Dates.DebitedAt, old.DebitedAt
		if !d.Known() {
			d, o = tx.Dates.BookedAt, old.BookedAt
		}
		assert.Equal(t, in.Accounts[0].BalanceDate.Time().Sub(o.Time()), out.Accounts[0].BalanceDate.Time().Sub(d.Time()))
		assert.Regexp(t, `^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$`, d.String())
	}
	after, err := json.Marshal(in)
	require.NoError(t, err)
	assert.Equal(t, string(before), string(after), "the original is left as it was")
	assert.NoError(t, out.Validate())
	for _, a := range []decisioning.Account{{
		BalanceDate:   date(t, "2026-01-31T00:00:00.000Z"),
		DailyBalances: []decisioning.DailyBalance{{Date: date(t, "2026-01-30T00:00:00.000Z")}, {Date: date(t, "not a date")}},
		Details: &decisioning.AccountDetails{
			Savings: &decisioning.SavingsDetails{OpenedAt: date(t, "2020-01-31T00:00:00.000+0100")},
			Loan:    &decisioning.LoanDetails{StartDate: date(t, "2025-12-31T00:00:00.000Z"), EndDate: date(t, "2030-01-31T00:00:00.000Z")},
		},
	}} {
		out, err := decisioning.AnalysisInput{Accounts: []decisioning.Account{a}}.ShiftedTo(time.Date(2026, 2, 2, 23, 0, 0, 0, time.UTC))
		require.NoError(t, err)
		got := out.Accounts[0]
		assert.Equal(t, "2026-02-01T00:00:00.000Z", got.DailyBalances[0].Date.String())
		assert.Equal(t, "not a date", got.DailyBalances[1].Date.String())
		assert.Equal(t, "2020-02-02T00:00:00.000+01:00", got.Details.Savings.OpenedAt.String())
		assert.Equal(t, "2026-01-02T00:00:00.000Z", got.Details.Loan.StartDate.String())
		assert.Equal(t, "2030-02-02T00:00:00.000Z", got.Details.Loan.EndDate.String())
		assert.Equal(t, "2025-12-31T00:00:00.000Z", a.Details.Loan.StartDate.String(), "the original is left as it was")
	}
	_, err = decisioning.AnalysisInput{}.ShiftedTo(now)
	assert.ErrorIs(t, err, ccr.ErrInvalid)
}

// date is a date-time, or a text that is none.
func date(t *testing.T, s string) ccr.DateTime {
	t.Helper()
	var d ccr.DateTime
	require.NoError(t, d.UnmarshalText([]byte(s)))
	return d
}
