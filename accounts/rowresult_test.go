package accounts_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"iter"
	"net/http"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/ccr-sdk/ccr"
	"github.com/ccr-sdk/ccr/accounts"
	"github.com/ccr-sdk/ccr/accounts/accountstest"
)

// fromFile makes a source as a reader of a file does: a header line, two lines
// a row, and the faults that it finds.
func fromFile(source []accounts.Account, faulty map[int]error) iter.Seq2[accounts.Row[accounts.Account], error] {
	return func(yield func(accounts.Row[accounts.Account], error) bool) {
		for i, a := range source {
			if !yield(accounts.Row[accounts.Account]{Value: a, Line: 2*i + 2, File: "debtors.csv"}, faulty[i+1]) {
				return
			}
		}
	}
}

// results runs a job and keeps what Results yields.
func results(t *testing.T, j *accounts.Job) (rows []accounts.RowResult, err error) {
	t.Helper()
	for r, e := range j.Results(t.Context()) {
		if e != nil {
			require.NoError(t, err, "one error, at the end")
			err = e
			continue
		}
		require.NoError(t, err, "rows come before the error")
		rows = append(rows, r)
		assert.Equal(t, int64(len(rows)), r.Row, "in the order of the source, none left out")
	}
	covered := map[*accounts.Receipt]int{}
	for _, r := range rows {
		if r.Batch == nil {
			continue
		}
		covered[r.Batch]++
		assert.GreaterOrEqual(t, r.Row, r.Batch.FirstRow)
		assert.LessOrEqual(t, r.Row, r.Batch.LastRow)
		assert.NotContains(t, r.Batch.Skipped, r.Row)
	}
	for b, n := range covered {
		assert.Equal(t, b.Rows, n, "a receipt says exactly which rows it covers")
		assert.Equal(t, b.Rows+len(b.Skipped), int(b.LastRow-b.FirstRow+1))
	}
	sum := j.Summary()
	assert.Equal(t, sum.Rows, int64(len(rows)))
	assert.Equal(t, sum.Rows, sum.Accepted+sum.Rejected+sum.Unknown+sum.NotSent, "every row ends as one of four: %v", sum)
	return rows, err
}

func TestResultsHaveEachRow(t *testing.T) {
	t.Parallel()
	srv := serve(t, accountstest.Config{})
	// The second batch has rows 11 to 20 without 12 and 13: its item 3 is row 16.
	srv.Inject(accountstest.Fault{
		Operation: "UpsertAccounts", Kind: accountstest.Answer, Status: http.StatusBadRequest, Skip: 1, Header: http.Header{"Content-Type": {"application/problem+json"}},
		Body: `{"title":"x","errors":{"accounts[3].dueDate":["is no date"],"accounts[0].status":["is unknown"],"batchReferenceId":["x"],"accounts[99].status":["x"]}}`,
	})
	source := rows(35)
	source[11].Status = ""
	var bad ccr.Faults
	bad.Add("line 26.DueDate", "is not a date")
	faulty := map[int]error{13: bad.Err("accounts", "ReadAccounts"), 35: fmt.Errorf("torn: %w", ccr.ErrInvalid)}
	got, err := results(t, dial(t, srv).SubmitAccounts(fromFile(source, faulty), accounts.SubmitOptions{
		Name: "n", MaxRows: 10, Concurrency: 1, SkipInvalid: true, ContinueOnRejected: true,
	}))
	require.NoError(t, err)
	require.Len(t, got, 35)
	for _, r := range got {
		assert.Equal(t, 2*int(r.Row), r.Line)
		assert.Equal(t, "debtors.csv", r.File)
		assert.Equal(t, source[r.Row-1].ClientReferenceID, r.Reference)
		assert.Empty(t, r.Processed)
		want := accounts.SentAccepted
		switch {
		case r.Row == 12 || r.Row == 13 || r.Row == 35:
			want = accounts.SentInvalid
			assert.Nil(t, r.Batch)
			require.ErrorIs(t, r.Err, ccr.ErrInvalid)
		case r.Row > 10 && r.Row <= 20:
			want = accounts.SentRejected
			require.ErrorIs(t, r.Err, ccr.ErrInvalid)
		default:
			require.NoError(t, r.Err)
		}
		assert.Equal(t, want, r.Sent, "row %d", r.Row)
	}
	assert.Equal(t, []ccr.FieldError{{Path: "accounts[11].status", Message: "is required: Active, Hold or Closed"}}, got[11].Faults)
	assert.Equal(t, "line 26.DueDate", got[12].Faults[0].Path)
	assert.Equal(t, []int64{12, 13}, got[10].Batch.Skipped)
	require.Len(t, got[10].Faults, 1)
	assert.Equal(t, "accounts[10].status", got[10].Faults[0].Path)
	require.Len(t, got[15].Faults, 1, "item 3 of the batch is row 16")
	assert.Equal(t, "accounts[15].dueDate", got[15].Faults[0].Path)
	assert.Empty(t, got[16].Faults)
	assert.Contains(t, got[16].Err.Error(), "accounts[15].dueDate", "the batch's error counts the rows of the source, too")
	assert.Equal(t, []int64{35}, got[33].Batch.Skipped, "rows behind the last valid one, too")
}

func TestResultsComeInOrderFromABoundedRing(t *testing.T) {
	t.Parallel()
	bubble(t, accountstest.Config{}, func(t *testing.T, srv *accountstest.Server, _ *accounts.Client) {
		client, err := srv.Client(ccr.WithLimiter(ccr.NoLimit()))
		require.NoError(t, err)
		srv.Inject(accountstest.Fault{Operation: "UpsertAccounts", Kind: accountstest.Delay, Delay: 50 * time.Second})
		var yielded, waiting atomic.Int64
		time.AfterFunc(40*time.Second, func() { waiting.Store(int64(len(srv.Batches())) - yielded.Load()/10) })
		for r, err := range client.SubmitAccounts(accounts.RowsOf(rows(200)...), accounts.SubmitOptions{Name: "n", MaxRows: 10, Concurrency: 3}).Results(t.Context()) {
			require.NoError(t, err)
			assert.Equal(t, yielded.Add(1), r.Row)
		}
		assert.Equal(t, int64(200), yielded.Load())
		assert.Equal(t, int64(2), waiting.Load(), "two batches wait for the slow one before them, and no other is sent")
		eachOnce(t, srv, 200)
	})
}

func TestResultsWhenTheJobStops(t *testing.T) {
	t.Parallel()
	broken := errors.New("disk on fire")
	cases := map[string]struct {
		arm  func(srv *accountstest.Server, source []accounts.Account)
		rows iter.Seq2[accounts.Row[accounts.Account], error]
		is   error
		sent accounts.Sent // of rows 11 to 20
	}{
		"rejected": {func(srv *accountstest.Server, _ []accounts.Account) {
			srv.Inject(accountstest.Fault{Operation: "UpsertAccounts", Kind: accountstest.Answer, Status: 422, Skip: 1})
		}, nil, ccr.ErrInvalid, accounts.SentRejected},
		"unknown": {func(srv *accountstest.Server, _ []accounts.Account) {
			srv.Inject(accountstest.Fault{Operation: "UpsertAccounts", Kind: accountstest.LoseAnswer, Skip: 1, Times: -1})
		}, nil, ccr.ErrOutcomeUnknown, accounts.SentUnknown},
		"invalid": {func(_ *accountstest.Server, source []accounts.Account) { source[19].Status = "" }, nil, ccr.ErrInvalid, accounts.SentNot},
		"source": {nil, func(yield func(accounts.Row[accounts.Account], error) bool) {
			for _, a := range rows(20) {
				if a.ClientReferenceID == rows(20)[19].ClientReferenceID {
					yield(accounts.Row[accounts.Account]{}, broken)
					return
				}
				if !yield(accounts.Row[accounts.Account]{Value: a}, nil) {
					return
				}
			}
		}, broken, accounts.SentNot},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			srv := serve(t, accountstest.Config{})
			source := rows(50)
			if c.arm != nil {
				c.arm(srv, source)
			}
			in := c.rows
			if in == nil {
				in = accounts.RowsOf(source...)
			}
			got, err := results(t, dial(t, srv).SubmitAccounts(in, accounts.SubmitOptions{Name: "n", MaxRows: 10, Concurrency: 1}))
			require.ErrorIs(t, err, c.is, "the error says why the job stopped")
			assert.Equal(t, accounts.SentAccepted, got[9].Sent)
			assert.Equal(t, c.sent, got[10].Sent)
			assert.Equal(t, c.sent, got[18].Sent)
			for _, r := range got[min(20, len(got)):] {
				assert.Equal(t, accounts.SentNot, r.Sent)
				require.Error(t, r.Err)
			}
		})
	}
}

func TestResultsAreLeftEarly(t *testing.T) {
	t.Parallel()
	bubble(t, accountstest.Config{}, func(t *testing.T, srv *accountstest.Server, client *accounts.Client) {
		l := ccr.NewMemoryLedger()
		slowRequests(srv, 10*time.Second)
		o := accounts.SubmitOptions{Name: "n", MaxRows: 10, Concurrency: 3, Ledger: l}
		j := client.SubmitAccounts(accounts.RowsOf(rows(100)...), o)
		for r, err := range j.Results(t.Context()) {
			require.NoError(t, err)
			if r.Row == 5 {
				break
			}
		}
		sum := j.Summary()
		assert.Equal(t, sum.Rows, sum.Accepted+sum.Unknown+sum.NotSent, "%v", sum)
		srv.ClearFaults()
		got, err := results(t, client.SubmitAccounts(accounts.RowsOf(rows(100)...), o))
		require.NoError(t, err)
		assert.Len(t, got, 100)
		eachOnce(t, srv, 100)
	})
}

// TestRerunsReportIsComplete: a rerun yields a result for every row, those of
// the earlier run from the ledger, with the receipts that it had.
func TestRerunsReportIsComplete(t *testing.T) {
	t.Parallel()
	srv := serve(t, accountstest.Config{})
	client := dial(t, srv)
	o := accounts.SubmitOptions{Name: "n", MaxRows: 10, Concurrency: 1, Ledger: ccr.NewMemoryLedger(), SkipInvalid: true}
	source := rows(45)
	source[4].Status = ""
	srv.Inject(accountstest.Fault{Operation: "UpsertAccounts", Kind: accountstest.Answer, Status: http.StatusUnauthorized, Skip: 2, Times: -1})
	first, err := results(t, client.SubmitAccounts(accounts.RowsOf(source...), o))
	require.ErrorIs(t, err, ccr.ErrUnauthorized)
	srv.ClearFaults()
	second, err := results(t, client.SubmitAccounts(accounts.RowsOf(source...), o))
	require.NoError(t, err)
	require.Len(t, second, 45)
	for i, r := range second {
		if i == 4 {
			assert.Equal(t, accounts.SentInvalid, r.Sent)
			continue
		}
		assert.Equal(t, accounts.SentAccepted, r.Sent)
		assert.Equal(t, i < 20, r.Batch.Recorded)
		if i < 20 {
			was := *first[i].Batch
			now := *r.Batch
			was.Recorded, was.AcceptedAt, now.AcceptedAt = true, time.Time{}, time.Time{}
			assert.Equal(t, was, now, "the receipt is the one of the earlier run")
		}
	}
}

func TestResultsOfProcessing(t *testing.T) {
	t.Parallel()
	for name, rerun := range map[string]bool{"first run": false, "recorded by an earlier run": true} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			srv := serve(t, accountstest.Config{})
			client := dial(t, srv)
			source := rows(30)
			source[7].Status = accounts.StatusHold // there is no invoice: ignored
			srv.FailItem(source[12].ClientReferenceID, "the debtor's e-mail address is not one")
			o := accounts.SubmitOptions{Name: "n", MaxRows: 10, Ledger: ccr.NewMemoryLedger(), PollInterval: ccr.PollInterval{Start: time.Millisecond}}
			if rerun {
				_, err := client.SubmitAccounts(accounts.RowsOf(source...), o).Run(t.Context())
				require.NoError(t, err)
			}
			o.WaitProcessed = true
			got, err := results(t, client.SubmitAccounts(accounts.RowsOf(source...), o))
			require.NoError(t, err)
			for _, r := range got {
				want := accounts.ProcessedSucceeded
				switch r.Row {
				case 8:
					want = accounts.ProcessedIgnored
				case 13:
					want = accounts.ProcessedFailed
					assert.Equal(t, []string{"the debtor's e-mail address is not one"}, r.Messages)
				}
				assert.Equal(t, accounts.SentAccepted, r.Sent)
				assert.Equal(t, want, r.Processed, "row %d", r.Row)
			}
		})
	}
}

// TestProcessedIsNeverGuessed: succeeded only where Credit Clear said so.
func TestProcessedIsNeverGuessed(t *testing.T) {
	t.Parallel()
	for body, want := range map[string]accounts.Processed{
		`{"status":"Completed"}`:                                                                                                   accounts.ProcessedUntold,
		`{"status":"Completed","succeeded":2}`:                                                                                     accounts.ProcessedUntold,
		`{"status":"Completed","total":3,"succeeded":3,"failed":0}`:                                                                accounts.ProcessedSucceeded,
		`{"status":"Completed","total":3,"succeeded":3}`:                                                                           accounts.ProcessedSucceeded,
		`{"status":"CompletedWithErrors","succeeded":3}`:                                                                           accounts.ProcessedUntold,
		`{"status":"Completed","succeeded":2,"failed":1}`:                                                                          accounts.ProcessedUntold,
		`{"status":"Failed"}`:                                                                                                      accounts.ProcessedUntold,
		`{"status":"Completed","items":[{"clientReferenceId":"REF","status":"Updated"}]}`:                                          accounts.ProcessedSucceeded,
		`{"status":"Completed","items":[{"clientReferenceId":"other","status":"Updated"}]}`:                                        accounts.ProcessedUntold,
		`{"status":"Completed","items":[{"clientReferenceId":"REF","status":"Ignored"}]}`:                                          accounts.ProcessedIgnored,
		`{"status":"Completed","items":[{"clientReferenceId":"REF","status":"Fell"}]}`:                                             accounts.ProcessedUntold,
		`{"status":"Completed","items":[{"clientReferenceId":"REF","status":"ok","succeeded":false}]}`:                             accounts.ProcessedFailed,
		`{"status":"Completed","items":[{"clientReferenceId":"REF","status":"ok"},{"clientReferenceId":"REF","status":"failed"}]}`: accounts.ProcessedUntold,
	} {
		srv := serve(t, accountstest.Config{Looks: 1})
		source := rows(3)
		srv.Inject(accountstest.Fault{Operation: "BatchStatus", Kind: accountstest.Garble, Body: strings.ReplaceAll(body, "REF", source[1].ClientReferenceID)})
		got, err := results(t, dial(t, srv).SubmitAccounts(accounts.RowsOf(source...), accounts.SubmitOptions{Name: "n", WaitProcessed: true}))
		require.NoError(t, err)
		assert.Equal(t, want, got[1].Processed, body)
		require.NoError(t, got[1].Err)
	}
}

func TestProcessingThatCannotBeFollowed(t *testing.T) {
	t.Parallel()
	srv := serve(t, accountstest.Config{Location: accountstest.LocationNone})
	got, err := results(t, dial(t, srv).SubmitAccounts(accounts.RowsOf(rows(3)...), accounts.SubmitOptions{Name: "n", WaitProcessed: true}))
	require.NoError(t, err)
	assert.Equal(t, accounts.ProcessedUntold, got[0].Processed)
	require.NoError(t, got[0].Err, "not told")

	srv = serve(t, accountstest.Config{})
	srv.Inject(accountstest.Fault{Operation: "BatchStatus", Kind: accountstest.Answer, Status: http.StatusNotFound, Times: -1})
	got, err = results(t, dial(t, srv).SubmitAccounts(accounts.RowsOf(rows(3)...), accounts.SubmitOptions{Name: "n", WaitProcessed: true}))
	require.NoError(t, err)
	assert.Equal(t, accounts.SentAccepted, got[0].Sent)
	require.ErrorIs(t, got[0].Err, ccr.ErrNotFound)

	srv = serve(t, accountstest.Config{})
	srv.Inject(accountstest.Fault{Operation: "BatchStatus", Kind: accountstest.Garble, Body: `{"phase":"marinated"}`, Times: -1})
	got, err = results(t, dial(t, srv).SubmitAccounts(accounts.RowsOf(rows(3)...), accounts.SubmitOptions{
		Name: "n", WaitProcessed: true, Processed: func(s *accounts.BatchStatus) bool { return strings.Contains(string(s.Raw), "marinated") },
	}))
	require.NoError(t, err)
	assert.Equal(t, accounts.ProcessedUntold, got[0].Processed)
}

// TestJobFormats: what is on disk and at the vendor is a format. A rerun of an
// earlier release's job must find its entries, or payments are reported twice:
// never change the literals.
func TestJobFormats(t *testing.T) {
	t.Parallel()
	srv := serve(t, accountstest.Config{})
	l := ccr.NewMemoryLedger()
	source := payments(7)
	source[4] = accounts.Payment{} // invalid
	sum, err := dial(t, srv).SubmitPayments(accounts.RowsOf(source...), accounts.SubmitOptions{
		Name: "nightly-2026-11-21", Ledger: l, MaxRows: 4, MaxBytes: 250, Concurrency: 1, SkipInvalid: true,
	}).Run(t.Context())
	require.ErrorIs(t, err, ccr.ErrInvalid)
	require.Equal(t, int64(6), sum.Accepted)
	lister, ok := l.(ccr.LedgerLister)
	require.True(t, ok)
	var entries []string
	for e, err := range lister.List(t.Context(), ccr.LedgerQuery{}) {
		require.NoError(t, err)
		if strings.HasPrefix(e.Key, "batch.") {
			assert.Contains(t, e.Attributes["statusUrl"], srv.URL())
			delete(e.Attributes, "statusUrl")
		}
		assert.NotEmpty(t, e.Token)
		assert.WithinDuration(t, time.Now(), e.At, time.Minute)
		e.At, e.Token = time.Time{}, ""
		raw, err := json.Marshal(e)
		require.NoError(t, err)
		entries = append(entries, string(raw))
	}
	slices.Sort(entries)
	_, err = dial(t, srv).SubmitPayments(accounts.RowsOf(source...), accounts.SubmitOptions{Name: "nightly-2026-11-21", Ledger: l, SkipInvalid: true}).Run(t.Context())
	require.ErrorIs(t, err, ccr.ErrInvalid)
	for e, err := range lister.List(t.Context(), ccr.LedgerQuery{KeyPrefix: "job."}) {
		require.NoError(t, err)
		assert.Equal(t, "2", e.Attributes["epoch"], "it counts the runs")
	}
	assert.Equal(t, []string{
		`{"key":"batch.accounts.production.6c8f0c08295894cd6d99de105206359a2843a87658180b6d5b67fe3df5e40a26","version":2,"state":"sent","service":"accounts","environment":"production","name":"nightly-2026-11-21","size":233,"sha256":"4817a41020fac801e72897d535c98ae1cb8c4997e1913bcebcee9cc0a24e5e1d","attributes":{"epoch":"1","lastRow":"4","operation":"ReportPayments","reference":"nightly-2026-11-21/4817a41020fac801e72897d535c98ae1","requestId":"req-b2","rows":"2"}}`,
		`{"key":"batch.accounts.production.7d13e7e104aa107b9643f059b009f75cc0e5546f5b39b1e97b7880bf997db9f5","version":2,"state":"sent","service":"accounts","environment":"production","name":"nightly-2026-11-21","size":233,"sha256":"faf692f8396af0b726d6ff71575c93279103f4f163bdb949d0eeac7dd58e870b","attributes":{"epoch":"1","lastRow":"2","operation":"ReportPayments","reference":"nightly-2026-11-21/faf692f8396af0b726d6ff71575c9327","requestId":"req-b1","rows":"2"}}`,
		`{"key":"batch.accounts.production.ad6c9b3cdca0d63f06ea22cf27cc1a30a7fdf8403b011c23a2c7efe0645a6d19","version":2,"state":"sent","service":"accounts","environment":"production","name":"nightly-2026-11-21","size":233,"sha256":"592ac25a7efaca591c4c125f59f392e3994e63019ca938df95d73f74e1d6f1c9","attributes":{"epoch":"1","lastRow":"7","operation":"ReportPayments","reference":"nightly-2026-11-21/592ac25a7efaca591c4c125f59f392e3","requestId":"req-b3","rows":"2"}}`,
		`{"key":"job.accounts.production.5a43bd41a48e50eceb9afd176f0734d2617b07e516864ca92420d95f5728aeb9","version":2,"service":"accounts","environment":"production","name":"nightly-2026-11-21","attributes":{"epoch":"1","operation":"ReportPayments","progress":"7 rows read, 6 accepted, 1 not"}}`,
	}, entries)
}

// TestDefaultCutsAreAFormat: so are the defaults by which a job is cut.
func TestDefaultCutsAreAFormat(t *testing.T) {
	t.Parallel()
	if testing.Short() {
		t.Skip("SKIPPED: -short leaves out jobs of 20,000 rows")
	}
	srv := serve(t, accountstest.Config{})
	cuts := func(source iter.Seq2[accounts.Row[accounts.Payment], error]) (out []int64) {
		for r, err := range dial(t, srv).SubmitPayments(source, accounts.SubmitOptions{Name: fmt.Sprint(len(srv.Batches())), Ledger: ccr.NewMemoryLedger(), Concurrency: 1}).Batches(t.Context()) {
			require.NoError(t, err)
			out = append(out, r.LastRow)
		}
		return out
	}
	assert.Equal(t, []int64{10_000, 20_000, 20_001}, cuts(accounts.RowsOf(payments(20_001)...)), "10,000 rows")
	big := payments(5)
	for i := range big {
		big[i].Extra = accounts.Extra{"note": strings.Repeat("x", 1_333_227)}
	}
	assert.Equal(t, []int64{3, 5}, cuts(accounts.RowsOf(big...)), "4,000,000 bytes")
	big[0].Extra = accounts.Extra{"note": strings.Repeat("x", 1_333_228)}
	assert.Equal(t, []int64{2, 5}, cuts(accounts.RowsOf(big...)), "and not more")
}
