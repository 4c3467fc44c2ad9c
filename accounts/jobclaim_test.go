package accounts_test

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/ccr-sdk/ccr"
	"github.com/ccr-sdk/ccr/accounts"
	"github.com/ccr-sdk/ccr/accounts/accountstest"
)

// payments makes n payments of which none looks like another.
func payments(n int) []accounts.Payment {
	out := make([]accounts.Payment, n)
	for i := range out {
		out[i] = accounts.Payment{ClientReferenceID: fmt.Sprintf("C-%04d", i+1), PaymentReference: fmt.Sprintf("P-%04d", i+1), Amount: ccr.AmountFromMinor(int64(i+1), 2)}
	}
	return out
}

// loud makes n accounts, each with a message to a person.
func loud(n int) []accounts.Account {
	out := rows(n)
	for i := range out {
		out[i].SendInstantMessages = []accounts.InstantMessage{{Channel: "SMS"}}
	}
	return out
}

// onceJobs are the jobs whose batches must not be sent twice.
var onceJobs = map[string]func(c *accounts.Client, n int, o accounts.SubmitOptions) *accounts.Job{
	"payments": func(c *accounts.Client, n int, o accounts.SubmitOptions) *accounts.Job {
		return c.SubmitPayments(accounts.RowsOf(payments(n)...), o)
	},
	"messages": func(c *accounts.Client, n int, o accounts.SubmitOptions) *accounts.Job {
		return c.SubmitAccounts(accounts.RowsOf(loud(n)...), o)
	},
}

// effects counts how often each batch arrived at the server.
func effects(srv *accountstest.Server) map[string]int {
	out := map[string]int{}
	for _, b := range srv.Batches() {
		out[b.Reference] += 1 + b.Repeated
	}
	return out
}

func eachBatchOnce(t *testing.T, srv *accountstest.Server, batches int) {
	t.Helper()
	got := effects(srv)
	assert.Len(t, got, batches)
	for ref, n := range got {
		assert.Equal(t, 1, n, ref)
	}
}

// slowRequests holds requests of an operation up below the claim's check: they
// were sent, and nothing answers.
func slowRequests(srv *accountstest.Server, d time.Duration) {
	for _, op := range []string{"ReportPayments", "UpsertAccounts"} {
		srv.Inject(accountstest.Fault{Operation: op, Kind: accountstest.Delay, Delay: d, Times: -1})
	}
}

func TestSecondLiveRunOfAJob(t *testing.T) {
	t.Parallel()
	for name, job := range onceJobs {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			bubble(t, accountstest.Config{}, func(t *testing.T, srv *accountstest.Server, client *accounts.Client) {
				slowRequests(srv, 50*time.Second)
				o := accounts.SubmitOptions{Name: "n", MaxRows: 10, Ledger: ccr.NewMemoryLedger(), Concurrency: 1}
				begin := time.Now()
				var wg sync.WaitGroup
				wg.Go(func() {
					sum, err := job(client, 100, o).Run(t.Context())
					assert.NoError(t, err)
					assert.True(t, sum.Complete)
				})
				time.Sleep(2*time.Minute + 30*time.Second)
				second := job(client, 100, o)
				_, err := second.Run(t.Context())
				require.ErrorIs(t, err, ccr.ErrClaimed)
				require.ErrorIs(t, err, ccr.ErrNotSent)
				claimed, ok := errors.AsType[*ccr.ClaimedError](err)
				require.True(t, ok)
				assert.Equal(t, "job n", claimed.What)
				assert.NotEmpty(t, claimed.Owner)
				assert.WithinDuration(t, begin, claimed.Since, time.Second)
				assert.Equal(t, "30 rows read, 20 accepted, 0 not", claimed.Progress)
				assert.Equal(t, ccr.ActionElsewhere, ccr.DispositionOf(err).Action)
				assert.Zero(t, second.Summary().Rows, "the source is not read")

				o.WaitClaimed = true
				sum, err := job(client, 100, o).Run(t.Context())
				require.NoError(t, err)
				assert.Equal(t, int64(100), sum.Recorded, "it waited, and found all done")
				assert.GreaterOrEqual(t, time.Since(begin), 500*time.Second)
				wg.Wait()
				eachBatchOnce(t, srv, 10)
			})
		})
	}
}

func TestWaitingForAJobEndsWithTheContext(t *testing.T) {
	t.Parallel()
	bubble(t, accountstest.Config{}, func(t *testing.T, srv *accountstest.Server, client *accounts.Client) {
		slowRequests(srv, 50*time.Second)
		o := accounts.SubmitOptions{Name: "n", Ledger: ccr.NewMemoryLedger(), WaitClaimed: true}
		var wg sync.WaitGroup
		wg.Go(func() {
			_, err := client.SubmitPayments(accounts.RowsOf(payments(1)...), o).Run(t.Context())
			assert.NoError(t, err)
		})
		time.Sleep(time.Second)
		ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
		defer cancel()
		_, err := client.SubmitPayments(accounts.RowsOf(payments(1)...), o).Run(ctx)
		require.ErrorIs(t, err, context.DeadlineExceeded)
		require.ErrorIs(t, err, ccr.ErrClaimed, "who has it is said, too")
		wg.Wait()
	})
}

// TestLiveRunsOfAJobSendEachBatchOnce: many runs at once, without kills.
func TestLiveRunsOfAJobSendEachBatchOnce(t *testing.T) {
	t.Parallel()
	for name, job := range onceJobs {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			srv := serve(t, accountstest.Config{})
			client := dial(t, srv)
			o := accounts.SubmitOptions{Name: "n", MaxRows: 10, Ledger: ccr.NewMemoryLedger()}
			var wg sync.WaitGroup
			for i := range 8 {
				wg.Go(func() {
					o := o
					o.WaitClaimed = i == 0
					sum, err := job(client, 100, o).Run(t.Context())
					if i == 0 || err == nil {
						assert.NoError(t, err)
						assert.Equal(t, int64(100), sum.Accepted)
						return
					}
					assert.ErrorIs(t, err, ccr.ErrClaimed)
				})
			}
			wg.Wait()
			eachBatchOnce(t, srv, 10)
		})
	}
}

// TestEnvironmentsShareALedger: what went to one does not count for another.
func TestEnvironmentsShareALedger(t *testing.T) {
	t.Parallel()
	shared := ccr.NewMemoryLedger()
	for _, env := range []string{"production", "uat", "UAT"} {
		srv := serve(t, accountstest.Config{})
		sum, err := dial(t, srv, ccr.WithEnvironment(env)).SubmitPayments(accounts.RowsOf(payments(20)...), accounts.SubmitOptions{Name: "n", MaxRows: 10, Ledger: shared}).Run(t.Context())
		require.NoError(t, err)
		assert.Zero(t, sum.Recorded)
		eachBatchOnce(t, srv, 2)
	}
}

func TestPaymentsNeedALedger(t *testing.T) {
	t.Parallel()
	srv := serve(t, accountstest.Config{})
	_, errs := collect(t, dial(t, srv).SubmitPayments(accounts.RowsOf(payments(1)...), accounts.SubmitOptions{Name: "n"}))
	require.Len(t, errs, 1)
	assert.Equal(t, []string{"Ledger"}, paths(t, errs[0]))
	assert.Empty(t, srv.Batches())
}

// TestUnknownBatchIsNotSentAgain: payments and messages whose response was
// lost are sent once in a run and not at all in the next; the job continues
// behind them; a person settles them.
func TestUnknownBatchIsNotSentAgain(t *testing.T) {
	t.Parallel()
	for name, job := range onceJobs {
		for _, kind := range []accountstest.FaultKind{accountstest.LoseAnswer, accountstest.CutRequest} {
			t.Run(name+"/"+string(kind), func(t *testing.T) {
				t.Parallel()
				srv := serve(t, accountstest.Config{})
				client := dial(t, srv)
				o := accounts.SubmitOptions{Name: "n", MaxRows: 10, Ledger: ccr.NewMemoryLedger(), Concurrency: 1}
				for _, op := range []string{"ReportPayments", "UpsertAccounts"} {
					srv.Inject(accountstest.Fault{Operation: op, Kind: kind, Skip: 1, After: 100})
				}
				sum, err := job(client, 50, o).Run(t.Context())
				require.ErrorIs(t, err, ccr.ErrOutcomeUnknown)
				require.ErrorContains(t, err, "SettleBatch")
				assert.Equal(t, []int64{10, 10}, []int64{sum.Accepted, sum.Unknown})

				again := job(client, 50, o)
				var doubtful *accounts.Receipt
				for r, err := range again.Batches(t.Context()) {
					if err != nil {
						require.Nil(t, doubtful)
						require.ErrorIs(t, err, ccr.ErrOutcomeUnknown)
						require.ErrorContains(t, err, "SettleBatch")
						assert.Equal(t, ccr.ActionSettle, ccr.DispositionOf(err).Action)
						doubtful = r
					}
				}
				sum = again.Summary()
				assert.Equal(t, []int64{40, 10, 10}, []int64{sum.Accepted, sum.Unknown, sum.Recorded}, "it continued behind the unknown batch")
				arrived := kind == accountstest.LoseAnswer
				eachBatchOnce(t, srv, map[bool]int{true: 5, false: 4}[arrived])

				require.NoError(t, client.SettleBatch(t.Context(), accounts.SettleOptions{Ledger: o.Ledger, Receipt: doubtful, Arrived: arrived}))
				require.ErrorIs(t, client.SettleBatch(t.Context(), accounts.SettleOptions{Ledger: o.Ledger, Receipt: doubtful}), ccr.ErrNotFound, "it is settled")
				sum, err = job(client, 50, o).Run(t.Context())
				require.NoError(t, err)
				assert.True(t, sum.Complete)
				eachBatchOnce(t, srv, 5)
			})
		}
	}
}

func TestSettleBatchIsChecked(t *testing.T) {
	t.Parallel()
	srv := serve(t, accountstest.Config{})
	client := dial(t, srv)
	require.ErrorIs(t, client.SettleBatch(t.Context(), accounts.SettleOptions{}), ccr.ErrInvalid)
	o := accounts.SettleOptions{Ledger: ccr.NewMemoryLedger(), Receipt: &accounts.Receipt{Operation: "ReportPayments", Reference: "n/0", FirstRow: 1}}
	require.ErrorIs(t, client.SettleBatch(t.Context(), o), ccr.ErrNotFound)
}

// TestResendUnknown: once the vendor confirmed that a repeated reference has
// no effect, the batch is sent again, under its reference.
func TestResendUnknown(t *testing.T) {
	t.Parallel()
	for name, job := range onceJobs {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			srv := serve(t, accountstest.Config{})
			client := dial(t, srv)
			o := accounts.SubmitOptions{Name: "n", MaxRows: 10, Ledger: ccr.NewMemoryLedger(), Concurrency: 1}
			for _, op := range []string{"ReportPayments", "UpsertAccounts"} {
				srv.Inject(accountstest.Fault{Operation: op, Kind: accountstest.LoseAnswer})
			}
			_, err := job(client, 20, o).Run(t.Context())
			require.ErrorIs(t, err, ccr.ErrOutcomeUnknown)
			o.ResendUnknown = true
			sum, err := job(client, 20, o).Run(t.Context())
			require.NoError(t, err)
			assert.True(t, sum.Complete)
			got := effects(srv)
			assert.Len(t, got, 2)
			assert.Equal(t, []int{1, 2}, slices.Sorted(func(yield func(int) bool) {
				for _, n := range got {
					if !yield(n) {
						return
					}
				}
			}))
		})
	}
}

// TestChangedSourceOverAnUnknownBatch: other content over a batch that may
// have arrived is refused.
func TestChangedSourceOverAnUnknownBatch(t *testing.T) {
	t.Parallel()
	for _, resend := range []bool{false, true} {
		srv := serve(t, accountstest.Config{})
		client := dial(t, srv)
		o := accounts.SubmitOptions{Name: "n", MaxRows: 10, Ledger: ccr.NewMemoryLedger(), ResendUnknown: resend}
		srv.Inject(accountstest.Fault{Operation: "ReportPayments", Kind: accountstest.LoseAnswer})
		_, err := client.SubmitPayments(accounts.RowsOf(payments(10)...), o).Run(t.Context())
		require.ErrorIs(t, err, ccr.ErrOutcomeUnknown)
		changed := payments(10)
		changed[3].Amount = ccr.AmountFromMinor(999, 2)
		_, err = client.SubmitPayments(accounts.RowsOf(changed...), o).Run(t.Context())
		require.ErrorIs(t, err, ccr.ErrDuplicate)
		eachBatchOnce(t, srv, 1)
	}
}

// TestRerunCutsWhereTheEarlierRunDid: a corrected row, another limit or an
// option must not move payments that were sent into a batch that was refused.
func TestRerunCutsWhereTheEarlierRunDid(t *testing.T) {
	t.Parallel()
	for name, change := range map[string]func(o *accounts.SubmitOptions){
		"shorter rows": func(*accounts.SubmitOptions) {},
		"more rows":    func(o *accounts.SubmitOptions) { o.MaxRows = 7 },
		"more bytes":   func(o *accounts.SubmitOptions) { o.MaxBytes = 5000 },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			srv := serve(t, accountstest.Config{})
			client := dial(t, srv)
			o := accounts.SubmitOptions{Name: "n", MaxBytes: 1000, Ledger: ccr.NewMemoryLedger(), Concurrency: 1, ContinueOnRejected: true, SkipInvalid: true}
			source := payments(40)
			source[2].PaymentReference = strings.Repeat("long", 30)
			source[0].ClientReferenceID = strings.Repeat("x", 200) // invalid, too
			srv.Inject(accountstest.Fault{Operation: "ReportPayments", Kind: accountstest.Answer, Status: http.StatusUnprocessableEntity})
			sum, err := client.SubmitPayments(accounts.RowsOf(source...), o).Run(t.Context())
			require.ErrorIs(t, err, ccr.ErrInvalid)
			require.Greater(t, sum.Accepted, int64(20))
			require.Positive(t, sum.Rejected)

			change(&o)
			sum, err = client.SubmitPayments(accounts.RowsOf(payments(40)...), o).Run(t.Context())
			require.NoError(t, err)
			assert.True(t, sum.Complete)
			applied := srv.Payments()
			assert.Len(t, applied, 40, "each payment once")
			eachBatchOnce(t, srv, len(srv.Batches()))
		})
	}
}

// TestInvalidStretchKeepsItsPlace: rows that were all invalid, corrected, do
// not draw in rows behind them that were sent.
func TestInvalidStretchKeepsItsPlace(t *testing.T) {
	t.Parallel()
	srv := serve(t, accountstest.Config{})
	client := dial(t, srv)
	o := accounts.SubmitOptions{Name: "n", MaxRows: 2, Ledger: ccr.NewMemoryLedger(), SkipInvalid: true}
	source := payments(6)
	source[0], source[1] = accounts.Payment{}, accounts.Payment{}
	_, err := client.SubmitPayments(accounts.RowsOf(source...), o).Run(t.Context())
	require.ErrorIs(t, err, ccr.ErrInvalid)
	o.MaxRows = 4
	sum, err := client.SubmitPayments(accounts.RowsOf(payments(6)...), o).Run(t.Context())
	require.NoError(t, err)
	assert.True(t, sum.Complete)
	assert.Len(t, srv.Payments(), 6)
	eachBatchOnce(t, srv, 3)
}

// heedful is a ledger that does nothing for an ended context, as databases do.
type heedful struct{ ccr.Ledger }

func (l heedful) Load(ctx context.Context, key string) (ccr.LedgerEntry, error) {
	if ctx.Err() != nil {
		return ccr.LedgerEntry{}, ctx.Err()
	}
	return l.Ledger.Load(ctx, key)
}

func (l heedful) Store(ctx context.Context, e ccr.LedgerEntry) error {
	if ctx.Err() != nil {
		return ctx.Err()
	}
	return l.Ledger.Store(ctx, e)
}

// TestResultIsRecordedAfterTheContext: the response came, and then the context
// ended: the batch is not sent again.
func TestResultIsRecordedAfterTheContext(t *testing.T) {
	t.Parallel()
	srv := serve(t, accountstest.Config{})
	ctx, cancel := context.WithCancel(t.Context())
	client := dial(t, srv, ccr.WithMiddleware(func(next http.RoundTripper) http.RoundTripper {
		return roundTripper(func(r *http.Request) (*http.Response, error) {
			resp, err := next.RoundTrip(r)
			if info, _ := ccr.RouteFromContext(r.Context()); info.Operation == "ReportPayments" {
				context.AfterFunc(r.Context(), func() {})
				defer cancel()
			}
			return resp, err
		})
	}))
	o := accounts.SubmitOptions{Name: "n", MaxRows: 10, Ledger: heedful{ccr.NewMemoryLedger()}, Concurrency: 1}
	first, _ := client.SubmitPayments(accounts.RowsOf(payments(20)...), o).Run(ctx)
	assert.False(t, first.Complete)
	sum, err := dial(t, srv).SubmitPayments(accounts.RowsOf(payments(20)...), o).Run(t.Context())
	if first.Accepted > 0 {
		require.NoError(t, err)
		assert.Equal(t, int64(10), sum.Recorded)
	}
	assert.Equal(t, int64(20), sum.Accepted+sum.Unknown)
	eachBatchOnce(t, srv, 2)
}

// lossy is a ledger over another one that can be cut off, as a database that
// is down, for one worker.
type lossy struct {
	ccr.Ledger
	mu   sync.Mutex
	down bool
}

var errDatabase = errors.New("the database is down")

func (l *lossy) set(down bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.down = down
}

func (l *lossy) gone() error {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.down {
		return errDatabase
	}
	return nil
}

func (l *lossy) Load(ctx context.Context, key string) (ccr.LedgerEntry, error) {
	if err := l.gone(); err != nil {
		return ccr.LedgerEntry{}, err
	}
	return l.Ledger.Load(ctx, key)
}

func (l *lossy) Store(ctx context.Context, e ccr.LedgerEntry) error {
	if err := l.gone(); err != nil {
		return err
	}
	return l.Ledger.Store(ctx, e)
}

// held is middleware that holds the n-th write back until release is closed:
// its intent is stored, and no byte of it has gone out.
func held(n int, arrived chan<- struct{}, release <-chan struct{}) ccr.Option {
	var mu sync.Mutex
	return ccr.WithMiddleware(func(next http.RoundTripper) http.RoundTripper {
		return roundTripper(func(r *http.Request) (*http.Response, error) {
			if r.Method == http.MethodPut {
				mu.Lock()
				n--
				mine := n == 0
				mu.Unlock()
				if mine {
					close(arrived)
					<-release
				}
			}
			return next.RoundTrip(r)
		})
	})
}

// TestTakenOverJob: a run that lost its lease while a request of it had not
// begun sends nothing more, withdraws the intent, and the run that took over
// reports the batch as unknown and continues behind it. The next run sends it.
//
// It may be frozen for longer than anybody would keep its leftovers.
func TestTakenOverJob(t *testing.T) {
	t.Parallel()
	for name, frozen := range map[string]time.Duration{"frozen for the lease": 5*time.Minute + 31*time.Second, "frozen for more than a day": 25 * time.Hour} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			testTakenOverJob(t, frozen)
		})
	}
}

func testTakenOverJob(t *testing.T, frozen time.Duration) {
	t.Helper()
	for name, job := range onceJobs {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			bubble(t, accountstest.Config{}, func(t *testing.T, srv *accountstest.Server, client *accounts.Client) {
				shared := ccr.NewMemoryLedger()
				cut := &lossy{Ledger: shared}
				arrived, release := make(chan struct{}), make(chan struct{})
				stale, err := srv.Client(held(2, arrived, release))
				require.NoError(t, err)
				o := accounts.SubmitOptions{Name: "n", MaxRows: 10, Concurrency: 1}
				var staleErr error
				staleJob := job(stale, 50, withLedger(o, cut))
				var wg sync.WaitGroup
				wg.Go(func() { _, staleErr = staleJob.Run(t.Context()) })
				<-arrived
				cut.set(true) // as good as dead
				_, err = job(client, 50, withLedger(o, shared)).Run(t.Context())
				require.ErrorIs(t, err, ccr.ErrClaimed, "its lease has not ended")
				time.Sleep(frozen)

				sum, err := job(client, 50, withLedger(o, shared)).Run(t.Context())
				require.ErrorIs(t, err, ccr.ErrOutcomeUnknown)
				assert.Equal(t, []int64{40, 10, 10}, []int64{sum.Accepted, sum.Unknown, sum.Recorded})
				cut.set(false)
				close(release)
				wg.Wait()
				require.Error(t, staleErr)
				require.ErrorIs(t, staleErr, ccr.ErrNotSent)
				eachBatchOnce(t, srv, 4)

				sum, err = job(client, 50, withLedger(o, shared)).Run(t.Context())
				require.NoError(t, err, "the intent was withdrawn")
				assert.True(t, sum.Complete)
				eachBatchOnce(t, srv, 5)
			})
		})
	}
}

func withLedger(o accounts.SubmitOptions, l ccr.Ledger) accounts.SubmitOptions {
	o.Ledger = l
	return o
}

// TestStaleRunWakes: a run wakes while another one has the job: it learns who
// has it, its rows are claimed elsewhere, and nothing of it is sent.
func TestStaleRunWakes(t *testing.T) {
	t.Parallel()
	bubble(t, accountstest.Config{}, func(t *testing.T, srv *accountstest.Server, client *accounts.Client) {
		shared := ccr.NewMemoryLedger()
		cut := &lossy{Ledger: shared}
		arrived, release := make(chan struct{}), make(chan struct{})
		stale, err := srv.Client(held(2, arrived, release))
		require.NoError(t, err)
		o := accounts.SubmitOptions{Name: "n", MaxRows: 10, Concurrency: 1}
		var results []accounts.RowResult
		var staleErr error
		var wg sync.WaitGroup
		wg.Go(func() {
			for r, err := range stale.SubmitPayments(accounts.RowsOf(payments(50)...), withLedger(o, cut)).Results(t.Context()) {
				if err != nil {
					staleErr = err
				} else {
					results = append(results, r)
				}
			}
		})
		<-arrived
		cut.set(true)
		time.Sleep(5*time.Minute + 31*time.Second)
		slowRequests(srv, 40*time.Second)
		wg.Go(func() {
			_, err := client.SubmitPayments(accounts.RowsOf(payments(50)...), withLedger(o, shared)).Run(t.Context())
			assert.ErrorIs(t, err, ccr.ErrOutcomeUnknown)
		})
		time.Sleep(time.Second)
		cut.set(false)
		close(release)
		wg.Wait()
		require.ErrorIs(t, staleErr, ccr.ErrClaimed)
		var sent []accounts.Sent
		for _, r := range results {
			sent = append(sent, r.Sent)
		}
		assert.Equal(t, slices.Concat(slices.Repeat([]accounts.Sent{accounts.SentAccepted}, 10), slices.Repeat([]accounts.Sent{accounts.SentElsewhere}, len(sent)-10)), sent)
		assert.GreaterOrEqual(t, len(sent), 20)
		eachBatchOnce(t, srv, 4)
	})
}

// TestLedgerDownForLongerThanTheLease: a request that is under way ends with
// the claim, and its batch is unknown, not failed.
func TestLedgerDownForLongerThanTheLease(t *testing.T) {
	t.Parallel()
	bubble(t, accountstest.Config{}, func(t *testing.T, srv *accountstest.Server, client *accounts.Client) {
		cut := &lossy{Ledger: ccr.NewMemoryLedger()}
		o := accounts.SubmitOptions{Name: "n", MaxRows: 10, Concurrency: 1, Ledger: cut}
		slow, err := srv.Client(ccr.WithRetry(ccr.RetryPolicy{AttemptTimeout: time.Hour}))
		require.NoError(t, err)
		srv.Inject(accountstest.Fault{Operation: "ReportPayments", Kind: accountstest.Stall, Skip: 1})
		time.AfterFunc(time.Second, func() { cut.set(true) })
		start := time.Now()
		sum, err := slow.SubmitPayments(accounts.RowsOf(payments(50)...), o).Run(t.Context())
		require.ErrorIs(t, err, ccr.ErrOutcomeUnknown)
		assert.Equal(t, []int64{10, 10}, []int64{sum.Accepted, sum.Unknown})
		assert.Less(t, time.Since(start), 6*time.Minute)
		cut.set(false)
		time.Sleep(6 * time.Minute)
		sum, err = client.SubmitPayments(accounts.RowsOf(payments(50)...), o).Run(t.Context())
		require.ErrorIs(t, err, ccr.ErrOutcomeUnknown)
		assert.Equal(t, []int64{40, 10}, []int64{sum.Accepted, sum.Unknown})
		eachBatchOnce(t, srv, 4)
		synctest.Wait()
	})
}

// hooked is a ledger whose Store is another one's.
type hooked struct {
	ccr.Ledger
	store func(ctx context.Context, e ccr.LedgerEntry) error
}

func (l hooked) Store(ctx context.Context, e ccr.LedgerEntry) error { return l.store(ctx, e) }

var errTimeout = errors.New("the database did not answer")

// TestAStoreThatLandsLate: the intent of a batch fails, nothing is sent, and
// the intent lands after all: within the job, or after it. The batch is never
// sent under it.
func TestAStoreThatLandsLate(t *testing.T) {
	t.Parallel()
	bubble(t, accountstest.Config{}, func(t *testing.T, srv *accountstest.Server, client *accounts.Client) {
		l := ccr.NewMemoryLedger()
		late := hooked{l, func(ctx context.Context, e ccr.LedgerEntry) error {
			if e.State != ccr.StateIntent || e.Attributes["lastRow"] != "20" {
				return l.Store(ctx, e)
			}
			time.AfterFunc(time.Minute, func() { l.Store(context.Background(), e) }) //nolint:errcheck // nobody waits for it
			return errTimeout
		}}
		o := accounts.SubmitOptions{Name: "n", MaxRows: 10, Concurrency: 1}
		sum, err := client.SubmitPayments(accounts.RowsOf(payments(30)...), withLedger(o, late)).Run(t.Context())
		require.ErrorIs(t, err, errTimeout)
		require.ErrorIs(t, err, ccr.ErrNotSent)
		assert.Equal(t, []int64{10, 10}, []int64{sum.Accepted, sum.NotSent})
		eachBatchOnce(t, srv, 1)

		time.Sleep(2 * time.Minute) // it has landed, and nobody knows that nothing was sent under it
		var doubtful *accounts.Receipt
		for r, err := range client.SubmitPayments(accounts.RowsOf(payments(30)...), withLedger(o, l)).Batches(t.Context()) {
			if err != nil {
				require.ErrorIs(t, err, ccr.ErrOutcomeUnknown)
				doubtful = r
			}
		}
		require.NoError(t, client.SettleBatch(t.Context(), accounts.SettleOptions{Ledger: l, Receipt: doubtful}))
		_, err = client.SubmitPayments(accounts.RowsOf(payments(30)...), withLedger(o, l)).Run(t.Context())
		require.NoError(t, err)
		eachBatchOnce(t, srv, 3)
	})
	bubble(t, accountstest.Config{}, func(t *testing.T, srv *accountstest.Server, client *accounts.Client) {
		l := ccr.NewMemoryLedger()
		late := hooked{l, func(ctx context.Context, e ccr.LedgerEntry) error {
			if e.State != ccr.StateIntent || e.Attributes["lastRow"] != "20" {
				return l.Store(ctx, e)
			}
			time.AfterFunc(time.Minute, func() { assert.ErrorIs(t, l.Store(context.Background(), e), ccr.ErrLedgerConflict) })
			return errTimeout
		}}
		o := accounts.SubmitOptions{Name: "n", MaxRows: 10, Concurrency: 1}
		_, err := client.SubmitPayments(accounts.RowsOf(payments(30)...), withLedger(o, late)).Run(t.Context())
		require.ErrorIs(t, err, errTimeout)
		_, err = client.SubmitPayments(accounts.RowsOf(payments(30)...), withLedger(o, l)).Run(t.Context())
		require.NoError(t, err, "the rerun was there first")
		time.Sleep(2 * time.Minute)
		sum, err := client.SubmitPayments(accounts.RowsOf(payments(30)...), withLedger(o, l)).Run(t.Context())
		require.NoError(t, err)
		assert.Equal(t, int64(30), sum.Recorded)
		eachBatchOnce(t, srv, 3)
	})
}

// TestAHeartbeatsAnswerIsLost, then that of the result, and of everything
// else: all of it was stored, and the job is done.
func TestAHeartbeatsAnswerIsLost(t *testing.T) {
	t.Parallel()
	bubble(t, accountstest.Config{}, func(t *testing.T, srv *accountstest.Server, client *accounts.Client) {
		l := ccr.NewMemoryLedger()
		mute := hooked{l, func(ctx context.Context, e ccr.LedgerEntry) error {
			if err := l.Store(ctx, e); err != nil {
				return err
			}
			return errTimeout
		}}
		slowRequests(srv, 55*time.Second)
		o := accounts.SubmitOptions{Name: "n", MaxRows: 10, Concurrency: 1, Ledger: mute}
		sum, err := client.SubmitPayments(accounts.RowsOf(payments(100)...), o).Run(t.Context())
		require.NoError(t, err)
		assert.True(t, sum.Complete)
		sum, err = client.SubmitPayments(accounts.RowsOf(payments(100)...), withLedger(o, l)).Run(t.Context())
		require.NoError(t, err)
		assert.Equal(t, int64(100), sum.Recorded)
		eachBatchOnce(t, srv, 10)
	})
}

// TestAWrappedLedgerBesideTheBareOne: a wrapper does not hide a claim.
func TestAWrappedLedgerBesideTheBareOne(t *testing.T) {
	t.Parallel()
	srv := serve(t, accountstest.Config{})
	l, err := ccr.OpenLedger(filepath.Join(t.TempDir(), "ledger"))
	require.NoError(t, err)
	t.Cleanup(func() { assert.NoError(t, l.Close()) })
	arrived, release := make(chan struct{}), make(chan struct{})
	o := accounts.SubmitOptions{Name: "n", MaxRows: 10, Concurrency: 1}
	var wg sync.WaitGroup
	wg.Go(func() {
		_, err := dial(t, srv, held(2, arrived, release)).SubmitPayments(accounts.RowsOf(payments(30)...), withLedger(o, hooked{l, l.Store})).Run(t.Context())
		assert.NoError(t, err)
	})
	<-arrived
	_, err = dial(t, srv).SubmitPayments(accounts.RowsOf(payments(30)...), withLedger(o, l)).Run(t.Context())
	require.ErrorIs(t, err, ccr.ErrClaimed)
	close(release)
	wg.Wait()
	eachBatchOnce(t, srv, 3)
}

// TestALaterEpochEndsTheRun: a run that does not know yet that another one has
// the job learns it from the first batch of the other, and sends nothing.
func TestALaterEpochEndsTheRun(t *testing.T) {
	t.Parallel()
	srv := serve(t, accountstest.Config{})
	l := ccr.NewMemoryLedger()
	arrived, release := make(chan struct{}), make(chan struct{})
	o := accounts.SubmitOptions{Name: "n", MaxRows: 10, Concurrency: 1}
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	var results []accounts.RowResult
	var wg sync.WaitGroup
	wg.Go(func() {
		<-arrived
		// Another run took the job over, with a clock that is ahead, and was
		// killed with the intent of batch 3 stored.
		lister, ok := l.(ccr.LedgerLister)
		assert.True(t, ok)
		for e, err := range lister.List(ctx, ccr.LedgerQuery{KeyPrefix: "batch."}) {
			assert.NoError(t, err)
			if e.Attributes["lastRow"] == "20" {
				e.Key, e.Version = batch3Key, 0
				e.Attributes["epoch"], e.Attributes["lastRow"], e.Token = "2", "30", "another"
				assert.NoError(t, l.Store(ctx, e))
			}
		}
		close(release)
	})
	for r, err := range dial(t, srv, held(2, arrived, release)).SubmitPayments(accounts.RowsOf(payments(50)...), withLedger(o, l)).Results(ctx) {
		if err != nil {
			require.ErrorContains(t, err, "the claim on it ended")
			continue
		}
		results = append(results, r)
	}
	wg.Wait()
	assert.Equal(t, accounts.SentNot, results[20].Sent)
	eachBatchOnce(t, srv, 2)
}

// batch3Key is the key of the batch of job "n" of payments that begins at row 21.
const batch3Key = "batch.accounts.production.b31470df91437441cec7404379b710892a64b534480090c200f7644e50e18c06"
