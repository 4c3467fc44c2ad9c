package decisioning_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/ccr-sdk/ccr"
	"github.com/ccr-sdk/ccr/decisioning"
	"github.com/ccr-sdk/ccr/decisioning/decisioningtest"
)

// started is an analysis under way, of a new customer.
func started(t testing.TB, client *decisioning.Client, in decisioning.AnalysisInput) *decisioning.Analysis {
	t.Helper()
	customer, err := client.EnsureCustomer(t.Context(), decisioning.NewCustomer{CustomIdentifier: "started"})
	require.NoError(t, err)
	analysis, err := client.CreateAnalysis(t.Context(), customer.ID, in)
	require.NoError(t, err)
	return analysis
}

func TestPollingGrowsAndHeedsRetryAfter(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		srv, client := serve(t, decisioningtest.Config{InMemory: true, Processing: time.Hour})
		defer srv.Close()
		a := started(t, client, decisioning.AnalysisInput{}) // waits for data
		var states []string
		poller := client.AnalysisPoller(a.CustomerID, a.ID).WithProgress("C", func(p ccr.Progress) { states = append(states, p.State) })
		done := make(chan error, 1)
		go func() {
			_, err := poller.Wait(t.Context())
			done <- err
		}()
		<-time.After(40 * time.Second)
		srv.Inject(decisioningtest.Fault{Operation: "Analysis", Kind: decisioningtest.Garble, Header: map[string][]string{"Retry-After": {"77"}}, Body: `{"id":"x","status":"IN_PROGRESS"}`})
		<-time.After(3 * time.Minute)
		_, err := client.UpdateAnalysis(t.Context(), a.CustomerID, a.ID, decisioning.AnalysisUpdate{Accounts: profile(t, "steady").Accounts})
		require.NoError(t, err)
		require.NoError(t, <-done)
		var gaps []float64
		all := srv.Requests("Analysis")
		for i := 1; i < len(all); i++ {
			gaps = append(gaps, all[i].At.Sub(all[i-1].At).Seconds())
		}
		require.Greater(t, len(gaps), 6)
		assert.InDelta(t, 2, gaps[0], 0.5)
		assert.InDelta(t, 3, gaps[1], 0.7)
		asked := false
		for _, g := range gaps {
			assert.LessOrEqual(t, g, 77.01)
			asked = asked || g > 76
		}
		assert.True(t, asked, "the vendor's wish was heeded: %v", gaps)
		assert.Equal(t, "CREATED", states[0])
		assert.Equal(t, "COMPLETED", states[len(states)-1])
		assert.True(t, poller.Done())
		before := len(srv.Requests("Analysis"))
		_, err = poller.Wait(t.Context())
		require.NoError(t, err)
		assert.Len(t, srv.Requests("Analysis"), before, "an ended analysis is not asked for again")
	})
}

func TestAnalysisThatFails(t *testing.T) {
	t.Parallel()
	srv, client := serve(t, decisioningtest.Config{})
	a := started(t, client, decisioning.AnalysisInput{})
	const message = "Jane Doe has no account"
	_, err := client.UpdateAnalysis(t.Context(), a.CustomerID, a.ID, decisioning.AnalysisUpdate{
		Status: decisioning.StatusError, Error: &decisioning.Failure{Code: "UNKNOWN_ENTITY", Message: message},
	})
	require.NoError(t, err)
	assert.JSONEq(t, `{"status":"ERROR","error":{"code":"UNKNOWN_ENTITY","message":"Jane Doe has no account"}}`, string(srv.Requests("UpdateAnalysis")[0].Body))
	ended, err := client.WaitAnalysis(t.Context(), a.CustomerID, a.ID)
	require.Error(t, err)
	failed, ok := errors.AsType[*decisioning.AnalysisError](err)
	require.True(t, ok)
	assert.Equal(t, decisioning.StatusError, ended.Status, "the analysis comes with the error")
	assert.Equal(t, "UNKNOWN_ENTITY", failed.Code)
	assert.Equal(t, message, failed.Message())
	assert.Equal(t, ended, failed.Analysis())
	assert.ErrorIs(t, err, decisioning.ErrAnalysisFailed)
	e, ok := errors.AsType[*ccr.Error](err)
	require.True(t, ok)
	assert.Equal(t, ccr.OutcomeRejected, e.Outcome)
	assert.Equal(t, "UNKNOWN_ENTITY", e.Code)
	assert.Contains(t, err.Error(), "UNKNOWN_ENTITY")
	var logged lockedBuffer
	logged.logger().Error("x", "err", err, slog.Any("value", *failed))
	js, _ := json.Marshal(failed)
	for _, s := range []string{err.Error(), fmt.Sprintf("%v %+v %#v %s %q", err, err, err, err, *failed), logged.String(), string(js)} {
		assert.NotContains(t, s, "Jane")
	}

	hostile := decisioning.NewAnalysisError("c", &decisioning.Analysis{ID: "a", Error: &decisioning.Failure{Code: "Jane Doe\nlevel=ERROR"}})
	assert.NotContains(t, hostile.Error(), "Jane", "a code that is none is not printed")
}

func TestAnswersThatAreNoAnalysis(t *testing.T) {
	t.Parallel()
	srv, client := serve(t, decisioningtest.Config{})
	a := started(t, client, decisioning.AnalysisInput{})
	for _, body := range []string{`{"id":"x"}`, `{"status":"COMPLETED"}`, `{}`, `[]`, `null`, ``, `{"id":"x","status":{"is":"COMPLETED"}}`, `{"id":"x","status":"COMP`} {
		srv.Inject(decisioningtest.Fault{Operation: "Analysis", Kind: decisioningtest.Garble, Body: body})
		_, err := client.WaitAnalysis(t.Context(), a.CustomerID, a.ID)
		assert.ErrorIs(t, err, ccr.ErrContract, body)
	}
	srv.Inject(decisioningtest.Fault{Operation: "Analysis", Kind: decisioningtest.Garble, Body: `{"id":"x","status":"FAILED","error":{"code":"E"}}`})
	_, err := client.WaitAnalysis(t.Context(), a.CustomerID, a.ID)
	assert.ErrorIs(t, err, decisioning.ErrAnalysisFailed, "undocumented, but no reason to wait for ever")
}

func TestUnexpectedTypesAreLogged(t *testing.T) {
	t.Parallel()
	srv, err := decisioningtest.NewServer(decisioningtest.Config{})
	require.NoError(t, err)
	defer srv.Close()
	var logged lockedBuffer
	client, err := srv.Client(ccr.WithLogger(logged.logger()))
	require.NoError(t, err)
	a := started(t, client, decisioning.AnalysisInput{})
	srv.Inject(decisioningtest.Fault{Operation: "Analysis", Kind: decisioningtest.Garble, Body: `{"id":"x","status":"COMPLETED","scores":"Jane"}`})
	got, err := client.Analysis(t.Context(), a.CustomerID, a.ID)
	require.NoError(t, err)
	assert.Nil(t, got.Scores)
	assert.Empty(t, got.Extra)
	assert.Contains(t, logged.String(), "members of an unexpected type")
	assert.Contains(t, logged.String(), "scores")
	assert.NotContains(t, logged.String(), "Jane")
}

func TestResumeToken(t *testing.T) {
	t.Parallel()
	_, client := serve(t, decisioningtest.Config{})
	a := started(t, client, profile(t, "steady"))
	token := client.AnalysisPoller(a.CustomerID, a.ID).ResumeToken()
	again, err := client.ResumeAnalysis(token)
	require.NoError(t, err)
	ended, err := again.WithInterval(ccr.PollInterval{Start: time.Millisecond}).Wait(t.Context())
	require.NoError(t, err)
	assert.Equal(t, a.ID, ended.ID)
	odd := client.AnalysisPoller("a/b", "c d").ResumeToken()
	back, err := client.ResumeAnalysis(odd)
	require.NoError(t, err)
	assert.Equal(t, odd, back.ResumeToken())
	for _, bad := range []string{"", "x", "/", "a/", "/b", "a/b/c", "%zz/a"} {
		_, err := client.ResumeAnalysis(bad)
		assert.ErrorIs(t, err, ccr.ErrInvalid, bad)
	}
}

func TestWaitForManyAnalyses(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		srv, client := serve(t, decisioningtest.Config{InMemory: true, Processing: 5 * time.Second})
		defer srv.Close()
		var pollers []*ccr.Poller[*decisioning.Analysis]
		for i := range 12 {
			in := profile(t, "steady")
			if i%4 == 0 {
				in = profile(t, "no_checking")
				in.Skip = decisioning.AllPreconditions()
			}
			a := started(t, client, in)
			pollers = append(pollers, client.AnalysisPoller(a.CustomerID, a.ID))
		}
		pollers = append(pollers, client.AnalysisPoller("none", "none"))
		good, bad, missing := 0, 0, 0
		seen := map[int]bool{}
		for i, w := range ccr.WaitAll(t.Context(), 3, pollers...) {
			seen[i] = true
			switch failed, ok := errors.AsType[*decisioning.AnalysisError](w.Err); {
			case ok:
				assert.Equal(t, decisioningtest.CodeNoCheckingAccount, failed.Code)
				bad++
			case errors.Is(w.Err, ccr.ErrNotFound):
				assert.Nil(t, w.Value)
				missing++
			default:
				require.NoError(t, w.Err)
				assert.NotNil(t, w.Value.Scores)
				good++
			}
		}
		assert.Equal(t, []int{9, 3, 1}, []int{good, bad, missing})
		assert.Len(t, seen, 13)
	})
}

func TestWaitEndsWithItsContext(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		srv, client := serve(t, decisioningtest.Config{InMemory: true})
		defer srv.Close()
		a := started(t, client, decisioning.AnalysisInput{})
		ctx, cancel := contextWithTimeout(t, time.Minute)
		defer cancel()
		start := time.Now()
		_, err := client.WaitAnalysis(ctx, a.CustomerID, a.ID)
		require.ErrorIs(t, err, context.DeadlineExceeded)
		assert.Contains(t, err.Error(), "ResumeAnalysis")
		assert.LessOrEqual(t, time.Since(start), time.Minute)
		start = time.Now()
		_, err = client.WaitAnalysis(t.Context(), a.CustomerID, a.ID, ccr.WithTimeout(20*time.Second))
		require.ErrorIs(t, err, context.DeadlineExceeded, "a timeout is for the whole wait")
		assert.LessOrEqual(t, time.Since(start), 20*time.Second)
		srv.Inject(decisioningtest.Fault{Operation: "CreateCustomer", Kind: decisioningtest.Answer, Status: 503, Times: -1})
		start = time.Now()
		_, err = client.EnsureCustomer(t.Context(), decisioning.NewCustomer{CustomIdentifier: "new"}, ccr.WithTimeout(300*time.Millisecond))
		require.ErrorIs(t, err, ccr.ErrOutcomeUnknown)
		assert.LessOrEqual(t, time.Since(start), 300*time.Millisecond)
	})
}

// TestCreateIsNotRepeated: an analysis costs money.
func TestCreateIsNotRepeated(t *testing.T) {
	t.Parallel()
	for _, kind := range []decisioningtest.FaultKind{decisioningtest.LoseAnswer, decisioningtest.CutRequest, decisioningtest.CutAnswer} {
		srv, client := serve(t, decisioningtest.Config{})
		customer, err := client.EnsureCustomer(t.Context(), decisioning.NewCustomer{CustomIdentifier: "C"})
		require.NoError(t, err)
		srv.Inject(decisioningtest.Fault{Operation: "CreateAnalysis", Kind: kind})
		_, err = client.CreateAnalysis(t.Context(), customer.ID, profile(t, "steady"))
		require.ErrorIs(t, err, ccr.ErrOutcomeUnknown, kind)
		assert.Len(t, srv.Requests("CreateAnalysis"), 1, kind)
	}
	srv, client := serve(t, decisioningtest.Config{})
	srv.Inject(decisioningtest.Fault{Operation: "CreateCustomer", Kind: decisioningtest.Answer, Status: 429})
	_, err := client.CreateCustomer(t.Context(), decisioning.NewCustomer{CustomIdentifier: "C"})
	require.NoError(t, err, "429 says that nothing was done")
	assert.Len(t, srv.Requests("CreateCustomer"), 2)
}

func TestRepeatedUpdateChangesNothing(t *testing.T) {
	t.Parallel()
	srv, client := serve(t, decisioningtest.Config{})
	a := started(t, client, decisioning.AnalysisInput{})
	srv.Inject(decisioningtest.Fault{Operation: "UpdateAnalysis", Kind: decisioningtest.LoseAnswer})
	_, err := client.UpdateAnalysis(t.Context(), a.CustomerID, a.ID, decisioning.AnalysisUpdate{Accounts: profile(t, "steady").Accounts})
	require.NoError(t, err)
	assert.Len(t, srv.Requests("UpdateAnalysis"), 2)
	_, err = client.UpdateAnalysis(t.Context(), a.CustomerID, a.ID, decisioning.AnalysisUpdate{Accounts: profile(t, "risky").Accounts})
	assert.ErrorIs(t, err, ccr.ErrInvalid)
}

func TestResults(t *testing.T) {
	t.Parallel()
	srv, client := serve(t, decisioningtest.Config{Processing: time.Hour})
	a := started(t, client, profile(t, "risky"))
	ctx := t.Context()
	_, err := client.Scores(ctx, a.CustomerID, a.ID)
	require.ErrorIs(t, err, ccr.ErrNotFound, "not ready")
	srv.Finish(a.ID)
	whole, err := client.Analysis(ctx, a.CustomerID, a.ID)
	require.NoError(t, err)
	scores, err := client.Scores(ctx, a.CustomerID, a.ID)
	require.NoError(t, err)
	assert.Equal(t, whole.Scores, scores)
	incomes, err := client.Incomes(ctx, a.CustomerID, a.ID)
	require.NoError(t, err)
	assert.Equal(t, "4260.00", incomes.TotalAmount.String())
	assert.Equal(t, decisioning.CategoryWage, incomes.Categories[0].Name)
	assert.Empty(t, incomes.Categories[0].Calendar)
	expenses, err := client.Expenses(ctx, a.CustomerID, a.ID)
	require.NoError(t, err)
	assert.Equal(t, -1, expenses.TotalAmount.Sign())
	loans, err := client.Loans(ctx, a.CustomerID, a.ID)
	require.NoError(t, err)
	assert.Equal(t, "-960.00", loans.Repayments.TotalAmount.String())
	risks, err := client.Risks(ctx, a.CustomerID, a.ID)
	require.NoError(t, err)
	assert.Equal(t, "-435.00", risks.Gambling.TotalAmount.String())
	assert.Equal(t, "-60.00", risks.Incidents.PaymentRejections.TotalFeesAmount.String())
	assert.Equal(t, "-18.20", risks.Overdraft.Fees.TotalAmount.String())
	assert.Equal(t, "-90.00", risks.WageAdvance.TotalAmount.String())
	essentials, err := client.Essentials(ctx, a.CustomerID, a.ID)
	require.NoError(t, err)
	income, ok := essentials.MonthlyRegularIncome.Amount()
	assert.True(t, ok)
	assert.Equal(t, "1420.00", income.String())
	flows := 0
	for f, err := range client.CashFlows(a.CustomerID, a.ID, decisioning.ListOptions{}).All(ctx) {
		require.NoError(t, err)
		assert.Equal(t, "4260.00", f.TotalAmount.String())
		flows++
	}
	assert.Equal(t, len(whole.CreditInsights.CashFlows), flows)
	var account decisioning.Account
	for account, err = range client.Accounts(a.CustomerID, a.ID, decisioning.ListOptions{}).All(ctx) {
		require.NoError(t, err)
	}
	n := 0
	for tx, err := range client.AccountTransactions(a.CustomerID, a.ID, account.ID, decisioning.ListOptions{PageSize: 7}).All(ctx) {
		require.NoError(t, err)
		assert.Equal(t, account.ID, tx.AccountID)
		n++
	}
	assert.Equal(t, 30, n)
	analyses := 0
	for _, err := range client.Analyses(a.CustomerID, decisioning.ListOptions{}).All(ctx) {
		require.NoError(t, err)
		analyses++
	}
	assert.Equal(t, 1, analyses)

	off, err := client.CreateAnalysis(ctx, a.CustomerID, decisioning.AnalysisInput{
		Accounts: profile(t, "risky").Accounts, DataOrigin: decisioning.OriginOpenBanking,
		Parameters: &decisioning.AnalysisParameters{DisableScores: new(true)},
	})
	require.NoError(t, err)
	srv.Finish(off.ID)
	off, err = client.Analysis(ctx, a.CustomerID, off.ID)
	require.NoError(t, err)
	assert.Nil(t, off.Scores)
	assert.NotNil(t, off.CreditInsights)
	assert.Contains(t, string(srv.Requests("CreateAnalysis")[1].Body), `"parameters":{"disableScores":true}`)
}

// TestEveryDocumentedMemberHasAField reads a document with every member that
// the contract names: nothing may be left to Extra.
func TestEveryDocumentedMemberHasAField(t *testing.T) {
	t.Parallel()
	const tx = `{"id":"t","accountId":"a","accountType":"CHECKING","amount":-1.10,"currency":"EUR","description":"d","dates":{"debitedAt":"2022-04-04T13:32:10.891Z","bookedAt":"2022-04-04T13:32:10.891Z"},"isComing":true,"aggregator":{"id":"1","category":"c","type":"t"},"comment":"c","createdAt":"2022-04-04T13:32:10.891Z","updatedAt":"2022-04-04T13:32:10.891Z","enrichments":{"category":"WAGE","type":"CREDIT","isRejected":true,"relatedTransactions":{"x":[1.0]},"counterPartId":"c","groupId":"g","descriptionGroupId":"d","isInternationalTransfer":true,"periodicity":"MONTHLY"}}`
	const flow = `{"id":"f","type":"CREDIT","category":"WAGE","labelRoot":"l","label":"l","totalAmount":1.10,"totalRejectedAmount":-0.50,"calendar":[{"month":"2022-04","amount":1.10}],"transactions":[` + tx + `],"regularity":{"dueDays":[1,28],"interval":{"min":28,"max":31},"meanNumberOfDaysInInterval":29.5,"accuracy":93,"periodicity":"MONTHLY","repartition":"IS_STABLE"}}`
	const group = `{"totalAmount":-1.10,"transactions":[` + tx + `]}`
	const rejections = `{"totalAmount":-1.10,"totalFeesAmount":-20,"transactions":[],"feesTransactions":[` + tx + `]}`
	const categories = `[{"name":"WAGE","totalAmount":1.10,"monthlyAmount":0.55,"monthlyAmountExcludingMonthsWithoutValues":1.10,"calendar":[],"transactions":[]}]`
	const doc = `{"id":"a","organizationId":"o","projectId":"p","customerId":"c","name":"n","userId":"u","status":"COMPLETED","source":"MANUAL_REFRESH","dataOrigin":"PDF",
	"parameters":{"disableScores":true,"disableCreditInsights":false},
	"metadata":{"lastTransactionGap":1,"historicalDepth":90,"monthlyTransactionCount":20.5,"numberOfCheckings":1,"numberOfSavings":0,"numberOfLoans":0,"firstTransactionDate":"2022-04-04T13:32:10.891Z","calendar":[{"month":"2022-04","nbDays":27}],"totalTransactionCount":60},
	"scores":{"creditScore":{"version":"2","value":712,"indicators":{"livingStandard":1,"budgetManagement":-5,"financialEvolution":0}},"paymentScore":{"version":"1.0.0","value":7}},
	"creditInsights":{"version":"1","cashFlows":[` + flow + `],
	"incomes":{"totalAmount":1.10,"monthlyAmount":0.55,"indicators":{"allowancesRatio":0.1},"categories":` + categories + `,"employers":[{"name":"e"}]},
	"expenses":{"totalAmount":-1.10,"monthlyAmount":-0.55,"categories":` + categories + `,"frequentTransactions":[{"label":"l","transactions":[` + tx + `]}]},
	"loans":{"repayments":{"count":1,"totalAmount":-1,"monthlyAmount":-1,"details":[` + flow + `]},"drawdowns":{"totalAmount":1,"details":[]}},
	"risks":{"gambling":` + group + `,"incidents":{"paymentRejections":` + rejections + `,"checkRejections":` + rejections + `,"interventionFees":` + group + `},"overdraft":{"minimumBalanceReached":-120.00,"duration":3,"fees":` + group + `},"heavyFailures":{"directRecoveryOfDebt":` + group + `,"bankAccountSeizure":` + group + `},"wageAdvance":` + group + `,"debtCollection":` + group + `},
	"essentials":{"historicalDepth":90,"activityScore":55,"mainIncome":{"amount":1},"monthlyRegularIncome":1,"monthlyEssentialExpenses":-1,"monthlyLoanRepayments":-1,"monthlyDiscretionaryIncome":1,"debtToIncome":0.33,"redFlags":["x"]}},
	"error":{"code":"BAD_REQUEST","message":"m"},
	"accounts":[{"id":"a","balance":1.10,"balanceDate":"2022-04-04T13:32:10.891Z","currency":"EUR","type":"LOAN","usage":"PERSONAL","bank":{"id":"b","name":"n","logoUrl":"l","country":"FR"},"owners":[{"name":"o"}],"ownership":"CO_HOLDER","name":"n","number":"1","iban":"i","bic":"b","country":"FR","coming":-2.20,
	"details":{"savings":{"type":"LONG_TERM","openedAt":"2022-04-04","maximumAmount":22950,"interestRate":0.03},"loan":{"type":"MORTGAGE","amount":100000,"startDate":"2020-01-01","endDate":"2040-01-01","duration":240,"insuranceLabel":"i","payment":522.31,"remainingCapital":90000.10,"interestRate":0.1456}},
	"aggregator":{"id":"1","type":"t","category":"c"},"organizationId":"o","projectId":"p","customerId":"c","dailyBalances":[{"date":"2022-04-04","balance":1.10}],"createdAt":"2022-04-04T13:32:10.891Z","updatedAt":"2022-04-04T13:32:10.891Z","transactions":[` + tx + `]}],
	"createdAt":"2022-04-04T13:32:10.891Z","updatedAt":"2022-04-04T13:32:10.891Z"}`
	var a decisioning.Analysis
	require.NoError(t, json.Unmarshal([]byte(doc), &a))
	text := fmt.Sprintf("%+v", dump(a))
	assert.NotContains(t, text, "LEFT", "%s", text)
	again, err := json.Marshal(a)
	require.NoError(t, err)
	assert.Equal(t, canonical(t, []byte(doc)), canonical(t, again))
	assert.Equal(t, "-120.00", a.CreditInsights.Risks.Overdraft.MinimumBalanceReached.String())
	_, isNumber := a.CreditInsights.Essentials.MainIncome.Amount()
	assert.False(t, isNumber)
	assert.True(t, strings.HasPrefix(string(a.CreditInsights.Essentials.MainIncome), "{"))
}
