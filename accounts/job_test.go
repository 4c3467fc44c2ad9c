package accounts_test

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"net/http"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/ccr-sdk/ccr"
	"github.com/ccr-sdk/ccr/accounts"
	"github.com/ccr-sdk/ccr/accounts/accountstest"
)

// collect runs a job and keeps what it yields.
func collect(t *testing.T, j *accounts.Job) (receipts []*accounts.Receipt, errs []error) {
	t.Helper()
	for r, err := range j.Batches(t.Context()) {
		if err != nil {
			errs = append(errs, err)
			continue
		}
		receipts = append(receipts, r)
	}
	s := j.Summary()
	assert.Equal(t, s.Rows, s.Accepted+s.Rejected+s.Unknown+s.NotSent, "every row ends as one of four: %v", s)
	return receipts, errs
}

// eachOnce asserts that rows 1 to n were applied once each.
func eachOnce(t *testing.T, srv *accountstest.Server, n int) {
	t.Helper()
	applied := srv.Applied("UpsertAccounts")
	assert.Len(t, applied, n)
	for ref, times := range applied {
		if !assert.Equal(t, 1, times, ref) {
			return
		}
	}
}

func TestJobCutsByRowsAndBytes(t *testing.T) {
	t.Parallel()
	srv := serve(t, accountstest.Config{})
	client := dial(t, srv)
	cases := map[string]struct {
		o    accounts.SubmitOptions
		want []int
	}{
		"by rows":  {accounts.SubmitOptions{Name: "rows", MaxRows: 80, Concurrency: 1}, []int{80, 80, 40}},
		"by bytes": {accounts.SubmitOptions{Name: "bytes", MaxBytes: 10_000, Concurrency: 1}, nil},
		"in one":   {accounts.SubmitOptions{Name: "one", Concurrency: 1}, []int{200}},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			j := client.SubmitAccounts(accounts.RowsOf(rows(200)...), c.o)
			receipts, errs := collect(t, j)
			require.Empty(t, errs)
			var sizes []int
			next := int64(1)
			total := 0
			for _, r := range receipts {
				sizes = append(sizes, r.Rows)
				assert.Equal(t, next, r.FirstRow)
				assert.True(t, strings.HasPrefix(r.Reference, c.o.Name+"/"))
				assert.Equal(t, "UpsertAccounts", r.Operation)
				next += int64(r.Rows)
				total += r.Rows
			}
			assert.Equal(t, 200, total)
			if c.want != nil {
				assert.Equal(t, c.want, sizes)
			} else {
				assert.Greater(t, len(sizes), 2)
			}
			sum := j.Summary()
			assert.True(t, sum.Complete)
			assert.Equal(t, int64(200), sum.Accepted)
			assert.Equal(t, int64(len(sizes)), sum.Batches)
			assert.Positive(t, sum.Rate())
			assert.Contains(t, sum.String(), "200 accepted")
		})
	}
	t.Cleanup(func() {
		for _, r := range srv.Requests("UpsertAccounts") {
			assert.NotEmpty(t, r.Header.Get("Content-Length"))
		}
	})
}

func TestJobBatchesStayUnderMaxBytes(t *testing.T) {
	t.Parallel()
	srv := serve(t, accountstest.Config{})
	j := dial(t, srv).SubmitAccounts(accounts.RowsOf(rows(500)...), accounts.SubmitOptions{Name: "n", MaxBytes: 10_000})
	_, errs := collect(t, j)
	require.Empty(t, errs)
	all := srv.Requests("UpsertAccounts")
	for _, r := range all[:len(all)-1] {
		assert.LessOrEqual(t, r.Length, int64(10_000))
	}
	eachOnce(t, srv, 500)
}

func TestJobReferencesAreDeterministic(t *testing.T) {
	t.Parallel()
	run := func(name string, rows []accounts.Account) []string {
		srv := serve(t, accountstest.Config{})
		receipts, errs := collect(t, dial(t, srv).SubmitAccounts(accounts.RowsOf(rows...), accounts.SubmitOptions{Name: name, MaxRows: 10, Concurrency: 1}))
		require.Empty(t, errs)
		var refs []string
		for _, r := range receipts {
			refs = append(refs, r.Reference)
		}
		return refs
	}
	first := run("a", rows(30))
	assert.Equal(t, first, run("a", rows(30)))
	other := run("b", rows(30))
	for i := range first {
		assert.NotEqual(t, strings.TrimPrefix(first[i], "a/"), strings.TrimPrefix(other[i], "b/"))
	}
	changed := rows(30)
	changed[14].Status = accounts.StatusHold
	second := run("a", changed)
	assert.Equal(t, first[0], second[0])
	assert.NotEqual(t, first[1], second[1])
	assert.Equal(t, first[2], second[2], "a change in one place does not move the cuts behind it")

	same := rows(30)
	for i := range same {
		same[i] = same[0]
	}
	refs := run("c", same)
	assert.NotEqual(t, refs[0], refs[1], "the same rows twice are two batches")
}

func TestJobRerunSendsOnlyWhatIsMissing(t *testing.T) {
	t.Parallel()
	srv := serve(t, accountstest.Config{})
	client := dial(t, srv)
	path := filepath.Join(t.TempDir(), "ledger")
	run := func() (*accounts.Summary, []*accounts.Receipt, []error) {
		ledger, err := ccr.OpenLedger(path)
		require.NoError(t, err)
		defer func() { require.NoError(t, ledger.Close()) }()
		j := client.SubmitAccounts(accounts.RowsOf(rows(100)...), accounts.SubmitOptions{Name: "n", MaxRows: 10, Ledger: ledger, Concurrency: 1})
		receipts, errs := collect(t, j)
		return j.Summary(), receipts, errs
	}
	srv.Inject(accountstest.Fault{Operation: "UpsertAccounts", Kind: accountstest.Answer, Status: http.StatusUnauthorized, Skip: 4, Times: 2})
	sum, _, errs := run()
	require.Len(t, errs, 1)
	require.ErrorIs(t, errs[0], ccr.ErrUnauthorized)
	assert.False(t, sum.Complete)
	assert.Equal(t, int64(40), sum.Accepted)

	srv.ClearFaults()
	sum, receipts, errs := run()
	require.Empty(t, errs)
	assert.True(t, sum.Complete)
	assert.Equal(t, int64(100), sum.Accepted)
	assert.Equal(t, int64(40), sum.Recorded)
	require.Len(t, receipts, 10)
	for i, r := range receipts {
		assert.Equal(t, i < 4, r.Recorded)
		assert.NotEmpty(t, r.StatusURL, "a recorded receipt can be followed, too")
		assert.False(t, r.AcceptedAt.IsZero())
	}
	eachOnce(t, srv, 100)

	before := len(srv.Requests("UpsertAccounts"))
	sum, _, errs = run()
	require.Empty(t, errs)
	assert.Equal(t, int64(100), sum.Recorded)
	assert.Len(t, srv.Requests("UpsertAccounts"), before, "nothing is sent a third time")
}

func TestJobUnknownBatchIsSettledByARerun(t *testing.T) {
	t.Parallel()
	for name, duplicate := range map[string]bool{"accepted again": false, "refused as duplicate": true} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			srv := serve(t, accountstest.Config{})
			client := dial(t, srv)
			ledger := ccr.NewMemoryLedger()
			run := func() (*accounts.Summary, []*accounts.Receipt, []error) {
				j := client.SubmitAccounts(accounts.RowsOf(rows(20)...), accounts.SubmitOptions{Name: "n", MaxRows: 10, Ledger: ledger, Concurrency: 1})
				receipts, errs := collect(t, j)
				return j.Summary(), receipts, errs
			}
			srv.Inject(accountstest.Fault{Operation: "UpsertAccounts", Kind: accountstest.LoseAnswer, Times: -1})
			sum, _, errs := run()
			require.Len(t, errs, 1)
			require.ErrorIs(t, errs[0], ccr.ErrOutcomeUnknown)
			require.ErrorContains(t, errs[0], "A rerun of the job sends the batch again")
			assert.Equal(t, int64(10), sum.Unknown)

			srv.ClearFaults()
			if duplicate {
				srv.Inject(accountstest.Fault{Operation: "UpsertAccounts", Kind: accountstest.Answer, Status: http.StatusConflict})
			}
			sum, receipts, errs := run()
			require.Empty(t, errs)
			assert.Equal(t, int64(20), sum.Accepted)
			assert.Equal(t, duplicate, receipts[0].PresumedAccepted)
			eachOnce(t, srv, 20)
		})
	}
}

func TestJobRejectedBatches(t *testing.T) {
	t.Parallel()
	for name, goOn := range map[string]bool{"stops": false, "continues": true} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			srv := serve(t, accountstest.Config{})
			srv.Inject(accountstest.Fault{Operation: "UpsertAccounts", Kind: accountstest.Answer, Status: 422, Skip: 1})
			j := dial(t, srv).SubmitAccounts(accounts.RowsOf(rows(50)...), accounts.SubmitOptions{Name: "n", MaxRows: 10, Concurrency: 1, ContinueOnRejected: goOn})
			_, errs := collect(t, j)
			require.Len(t, errs, 1)
			require.ErrorIs(t, errs[0], ccr.ErrInvalid)
			sum := j.Summary()
			assert.False(t, sum.Complete)
			assert.Equal(t, int64(10), sum.Rejected)
			if goOn {
				assert.Equal(t, int64(40), sum.Accepted)
				assert.Equal(t, int64(50), sum.Rows)
			} else {
				assert.Equal(t, int64(10), sum.Accepted)
				assert.Less(t, sum.Rows, int64(50), "no more rows are read")
			}
		})
	}
}

func TestJobInvalidRows(t *testing.T) {
	t.Parallel()
	source := func(yield func(accounts.Row[accounts.Account], error) bool) {
		for i, r := range rows(30) {
			var err error
			switch i {
			case 12:
				r.Status = ""
			case 15:
				err = fmt.Errorf("line 16: %w", ccr.ErrInvalid)
			}
			if !yield(accounts.Row[accounts.Account]{Value: r}, err) {
				return
			}
		}
	}
	srv := serve(t, accountstest.Config{})
	client := dial(t, srv)
	j := client.SubmitAccounts(source, accounts.SubmitOptions{Name: "stop", MaxRows: 10})
	_, errs := collect(t, j)
	require.Len(t, errs, 1)
	assert.Equal(t, []string{"accounts[12].status"}, paths(t, errs[0]))
	sum := j.Summary()
	assert.Equal(t, int64(10), sum.Accepted)
	assert.Equal(t, int64(3), sum.NotSent, "the batch that the row would have been in is not sent")

	j = client.SubmitAccounts(source, accounts.SubmitOptions{Name: "skip", MaxRows: 10, SkipInvalid: true})
	_, errs = collect(t, j)
	require.Len(t, errs, 2)
	sum = j.Summary()
	assert.Equal(t, int64(30), sum.Rows)
	assert.Equal(t, int64(28), sum.Accepted)
	assert.Equal(t, int64(2), sum.Invalid)
	assert.False(t, sum.Complete)
}

func TestJobSourceFails(t *testing.T) {
	t.Parallel()
	broken := errors.New("disk on fire")
	srv := serve(t, accountstest.Config{})
	j := dial(t, srv).SubmitAccounts(func(yield func(accounts.Row[accounts.Account], error) bool) {
		for _, r := range rows(15) {
			if !yield(accounts.Row[accounts.Account]{Value: r}, nil) {
				return
			}
		}
		yield(accounts.Row[accounts.Account]{}, broken)
	}, accounts.SubmitOptions{Name: "n", MaxRows: 10, SkipInvalid: true})
	_, errs := collect(t, j)
	require.Len(t, errs, 1)
	require.ErrorIs(t, errs[0], broken)
	sum := j.Summary()
	assert.Equal(t, int64(10), sum.Accepted)
	assert.Equal(t, int64(5), sum.NotSent, "a batch cut short by a fault would not be the same in a rerun")
}

func TestJobBreakCountsWhatIsInFlightAsUnknown(t *testing.T) {
	t.Parallel()
	srv := serve(t, accountstest.Config{})
	ledger := ccr.NewMemoryLedger()
	// The first batch is answered; the others arrive, and nobody says so.
	var sent atomic.Int64
	silent := func(next http.RoundTripper) http.RoundTripper {
		return roundTripper(func(r *http.Request) (*http.Response, error) {
			resp, err := next.RoundTrip(r)
			if info, _ := ccr.RouteFromContext(r.Context()); info.Operation != "UpsertAccounts" || err != nil || sent.Add(1) == 1 {
				return resp, err
			}
			<-r.Context().Done()
			return nil, errors.Join(context.Cause(r.Context()), resp.Body.Close())
		})
	}
	j := dial(t, srv, ccr.WithMiddleware(silent)).SubmitAccounts(accounts.RowsOf(rows(100)...), accounts.SubmitOptions{Name: "n", MaxRows: 10, Ledger: ledger, Concurrency: 3})
	for _, err := range j.Batches(t.Context()) {
		require.NoError(t, err)
		require.Eventually(t, func() bool { return sent.Load() == 3 }, 10*time.Second, time.Millisecond)
		break
	}
	sum := j.Summary()
	assert.Equal(t, int64(10), sum.Accepted)
	assert.Equal(t, int64(20), sum.Unknown)
	assert.Equal(t, sum.Rows, sum.Accepted+sum.Unknown+sum.NotSent)
	assert.False(t, sum.Complete)

	j = dial(t, srv).SubmitAccounts(accounts.RowsOf(rows(100)...), accounts.SubmitOptions{Name: "n", MaxRows: 10, Ledger: ledger})
	_, errs := collect(t, j)
	require.Empty(t, errs)
	assert.True(t, j.Summary().Complete)
	eachOnce(t, srv, 100)
}

func TestJobContextEnds(t *testing.T) {
	t.Parallel()
	srv := serve(t, accountstest.Config{})
	ctx, cancel := context.WithCancel(t.Context())
	j := dial(t, srv).SubmitAccounts(func(yield func(accounts.Row[accounts.Account], error) bool) {
		for i, r := range rows(100) {
			if i == 55 {
				cancel()
			}
			if !yield(accounts.Row[accounts.Account]{Value: r}, nil) {
				return
			}
		}
	}, accounts.SubmitOptions{Name: "n", MaxRows: 10, Concurrency: 1})
	var last error
	for _, err := range j.Batches(ctx) {
		if err != nil {
			last = err
		}
	}
	require.ErrorIs(t, last, context.Canceled)
	sum := j.Summary()
	assert.Equal(t, int64(56), sum.Rows)
	assert.Equal(t, sum.Rows, sum.Accepted+sum.Unknown+sum.NotSent)
	assert.GreaterOrEqual(t, sum.Accepted, int64(30))
}

func TestJobMessagesNeedALedger(t *testing.T) {
	t.Parallel()
	srv := serve(t, accountstest.Config{})
	client := dial(t, srv)
	loud := rows(10)
	loud[3].SendInstantMessages = []accounts.InstantMessage{{Channel: "SMS"}}
	sneaky := rows(10)
	sneaky[3].Extra = accounts.Extra{"sendInstantMessages": []any{map[string]any{"channel": "SMS"}}}
	for _, source := range [][]accounts.Account{loud, sneaky} {
		_, errs := collect(t, client.SubmitAccounts(accounts.RowsOf(source...), accounts.SubmitOptions{Name: "n"}))
		require.Len(t, errs, 1)
		assert.Equal(t, []string{"accounts[3].sendInstantMessages"}, paths(t, errs[0]))
		assert.Empty(t, srv.Batches())
	}
	quiet := rows(1)
	quiet[0].Extra = accounts.Extra{"sendInstantMessages": nil}
	_, errs := collect(t, client.SubmitAccounts(accounts.RowsOf(quiet...), accounts.SubmitOptions{Name: "q"}))
	require.Empty(t, errs, "null messages nobody")

	ledger := ccr.NewMemoryLedger()
	_, errs = collect(t, client.SubmitAccounts(accounts.RowsOf(loud...), accounts.SubmitOptions{Name: "n", Ledger: ledger}))
	require.Empty(t, errs)
	loud[7].Status = accounts.StatusHold
	_, errs = collect(t, client.SubmitAccounts(accounts.RowsOf(loud...), accounts.SubmitOptions{Name: "n", Ledger: ledger}))
	require.Len(t, errs, 1)
	require.ErrorIs(t, errs[0], ccr.ErrDuplicate, "other content under the same name would message row 3 again")
}

func TestJobPaymentsAreNotReportedTwice(t *testing.T) {
	t.Parallel()
	srv := serve(t, accountstest.Config{})
	client := dial(t, srv)
	ledger := ccr.NewMemoryLedger()
	payments := func(n int) []accounts.Payment {
		out := make([]accounts.Payment, n)
		for i := range out {
			out[i] = accounts.Payment{ClientReferenceID: "C-1", Amount: amount(t, "50.00")}
		}
		return out
	}
	o := accounts.SubmitOptions{Name: "p", MaxRows: 10, Ledger: ledger}
	_, errs := collect(t, client.SubmitPayments(accounts.RowsOf(payments(30)...), o))
	require.Empty(t, errs)
	assert.Len(t, srv.Payments(), 30, "payments that look alike are payments all the same")
	changed := payments(30)
	changed[12].Amount = amount(t, "51.00")
	j := client.SubmitPayments(accounts.RowsOf(changed...), o)
	_, errs = collect(t, j)
	require.Len(t, errs, 1)
	require.ErrorIs(t, errs[0], ccr.ErrDuplicate)
	assert.Equal(t, int64(10), j.Summary().Recorded)
	assert.Len(t, srv.Payments(), 30)
}

func TestJobClaims(t *testing.T) {
	t.Parallel()
	srv := serve(t, accountstest.Config{Names: map[string]string{"batchReferenceId": "batchRef"}})
	j := dial(t, srv).SubmitClaims(func(yield func(accounts.Row[accounts.Claim], error) bool) {
		for i := range 25 {
			if !yield(accounts.Row[accounts.Claim]{Value: accounts.Claim{ClaimNumber: fmt.Sprint(i), Status: accounts.StatusActive}}, nil) {
				return
			}
		}
	}, accounts.SubmitOptions{Name: "c", MaxRows: 10, Extra: accounts.Extra{"batchReferenceId": accounts.RenamedTo("batchRef"), "source": "crm"}})
	sum, err := j.Run(t.Context())
	require.NoError(t, err)
	assert.True(t, sum.Complete)
	assert.Len(t, srv.Claims(), 25)
	assert.Contains(t, string(srv.Requests("UpsertClaims")[0].Body), `],"source":"crm"}`)
}

func TestJobOptionsAreChecked(t *testing.T) {
	t.Parallel()
	srv := serve(t, accountstest.Config{})
	client := dial(t, srv)
	var none iter.Seq2[accounts.Row[accounts.Account], error]
	_, errs := collect(t, client.SubmitAccounts(none, accounts.SubmitOptions{
		Name: "a b", MaxRows: -1, MaxBytes: accounts.MaxBatchBytes + 1, Concurrency: -1,
		Extra: accounts.Extra{"accounts": nil, "batchReferenceId": "x", "y": func() {}},
	}))
	require.Len(t, errs, 1)
	assert.Equal(t, []string{"rows", "Name", "MaxRows", "MaxBytes", "Concurrency", "Extra", "Extra", "Extra"}, paths(t, errs[0]))

	j := client.SubmitAccounts(accounts.RowsOf(rows(1)...), accounts.SubmitOptions{Name: "once"})
	_, errs = collect(t, j)
	require.Empty(t, errs)
	n := 0
	for _, err := range j.Batches(t.Context()) {
		require.ErrorContains(t, err, "runs once")
		n++
	}
	assert.Equal(t, 1, n)
}

func TestJobRowTooLarge(t *testing.T) {
	t.Parallel()
	srv := serve(t, accountstest.Config{})
	source := rows(3)
	source[1].CustomData1 = strings.Repeat("x", 5_000_000)
	source[2].CustomData1 = strings.Repeat("x", accounts.MaxBatchBytes)
	j := dial(t, srv).SubmitAccounts(accounts.RowsOf(source...), accounts.SubmitOptions{Name: "n", SkipInvalid: true})
	receipts, errs := collect(t, j)
	require.Len(t, errs, 1)
	assert.Equal(t, []string{"accounts[2]"}, paths(t, errs[0]))
	require.Len(t, receipts, 2, "a row beyond MaxBytes goes alone, one beyond what Credit Clear takes does not go")
}

func TestJobProgress(t *testing.T) {
	t.Parallel()
	srv := serve(t, accountstest.Config{})
	var seen []ccr.Progress
	j := dial(t, srv).SubmitAccounts(accounts.RowsOf(rows(40)...), accounts.SubmitOptions{
		Name: "n", MaxRows: 10, Progress: func(p ccr.Progress) { seen = append(seen, p) },
	})
	_, errs := collect(t, j)
	require.Empty(t, errs)
	require.Len(t, seen, 5)
	for i, p := range seen[:4] {
		assert.Equal(t, int64(10*(i+1)), p.Items)
		assert.Positive(t, p.Bytes)
		assert.False(t, p.Done)
	}
	assert.Equal(t, ccr.Progress{Operation: "SubmitAccounts", Name: "n", Items: 40, Bytes: seen[3].Bytes, Done: true}, seen[4])
}

func TestJobConcurrencyIsBounded(t *testing.T) {
	t.Parallel()
	bubble(t, accountstest.Config{}, func(t *testing.T, srv *accountstest.Server, _ *accounts.Client) {
		var now, most atomic.Int64
		client, err := srv.Client(ccr.WithMiddleware(func(next http.RoundTripper) http.RoundTripper {
			return roundTripper(func(r *http.Request) (*http.Response, error) {
				if info, _ := ccr.RouteFromContext(r.Context()); info.Operation == "UpsertAccounts" {
					most.Store(max(most.Load(), now.Add(1)))
					defer now.Add(-1)
				}
				return next.RoundTrip(r)
			})
		}))
		require.NoError(t, err)
		srv.Inject(accountstest.Fault{Operation: "UpsertAccounts", Kind: accountstest.Delay, Delay: 10 * time.Second, Times: -1})
		start := time.Now()
		_, errs := collect(t, client.SubmitAccounts(accounts.RowsOf(rows(210)...), accounts.SubmitOptions{Name: "n", MaxRows: 10, Concurrency: 3}))
		require.Empty(t, errs)
		assert.Equal(t, int64(3), most.Load())
		assert.Equal(t, 70*time.Second, time.Since(start).Truncate(time.Second), "21 batches, three at a time")
	})
}

type roundTripper func(*http.Request) (*http.Response, error)

func (f roundTripper) RoundTrip(r *http.Request) (*http.Response, error) { return f(r) }

// brokenLedger fails when told to.
type brokenLedger struct {
	ccr.Ledger
	mu   sync.Mutex
	fail func(e ccr.LedgerEntry) error
}

func (b *brokenLedger) Store(ctx context.Context, e ccr.LedgerEntry) error {
	b.mu.Lock()
	defer b.mu.Unlock()
	if err := b.fail(e); err != nil {
		return err
	}
	return b.Ledger.Store(ctx, e)
}

func TestJobLedgerFails(t *testing.T) {
	t.Parallel()
	full := errors.New("disk full")
	at := func(state, firstRow string) func(e ccr.LedgerEntry) error {
		return func(e ccr.LedgerEntry) error {
			if strings.HasPrefix(e.Key, "batch.") && e.State == state && e.Attributes["lastRow"] == firstRow {
				return full
			}
			return nil
		}
	}
	cases := map[string]struct {
		fail     func(e ccr.LedgerEntry) error
		accepted int64
		batches  int
	}{
		"at the claim: nothing is sent": {func(e ccr.LedgerEntry) error {
			if strings.HasPrefix(e.Key, "job.") {
				return full
			}
			return nil
		}, 0, 0},
		"at the intent: nothing is sent":             {at(ccr.StateIntent, "20"), 10, 1},
		"at the result: reported, and the job stops": {at(ccr.StateSent, "20"), 20, 2},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			srv := serve(t, accountstest.Config{})
			j := dial(t, srv).SubmitAccounts(accounts.RowsOf(rows(30)...), accounts.SubmitOptions{
				Name: "n", MaxRows: 10, Concurrency: 1, Ledger: &brokenLedger{Ledger: ccr.NewMemoryLedger(), fail: c.fail},
			})
			_, errs := collect(t, j)
			require.Len(t, errs, 1)
			require.ErrorIs(t, errs[0], full)
			assert.Equal(t, c.accepted, j.Summary().Accepted)
			assert.Len(t, srv.Batches(), c.batches)
		})
	}
}

func TestFakeJobs(t *testing.T) {
	t.Parallel()
	a, b := &accounts.Receipt{Reference: "a", Rows: 2}, &accounts.Receipt{Reference: "b", Rows: 1}
	lost := &ccr.Error{Outcome: ccr.OutcomeUnknown}
	results := []accounts.RowResult{
		{Row: 1, Batch: a, Sent: accounts.SentAccepted}, {Row: 2, Batch: a, Sent: accounts.SentAccepted},
		{Row: 3, Sent: accounts.SentInvalid, Err: ccr.ErrInvalid}, {Row: 4, Batch: b, Sent: accounts.SentUnknown, Err: lost},
	}
	receipts, errs := collect(t, accounts.JobOf(results...))
	assert.Equal(t, []*accounts.Receipt{a}, receipts)
	assert.Equal(t, []error{ccr.ErrInvalid, lost}, errs)
	j := accounts.JobOf(results...)
	var rows []accounts.RowResult
	for r, err := range j.Results(t.Context()) {
		require.NoError(t, err)
		rows = append(rows, r)
	}
	assert.Equal(t, results, rows)
	sum := j.Summary()
	assert.Equal(t, []int64{4, 2, 1, 1, 1}, []int64{sum.Rows, sum.Accepted, sum.Unknown, sum.NotSent, sum.Invalid})
	assert.False(t, sum.Complete)
	_, err := accounts.NewJob("x", func(yield func(accounts.RowResult, error) bool) { yield(accounts.RowResult{}, lost) }).Run(t.Context())
	require.ErrorIs(t, err, ccr.ErrOutcomeUnknown)
}
