package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/ccr-sdk/ccr"
	"github.com/ccr-sdk/ccr/accounts"
)

// The test binary is the client process, too.
func TestMain(m *testing.M) {
	if os.Getenv(setupVariable) != "" {
		if err := runClient(context.Background()); err != nil {
			fmt.Fprintln(os.Stderr, "client:", err)
			os.Exit(1)
		}
		os.Exit(0)
	}
	os.Exit(m.Run())
}

func TestAFewSecondsOfTrouble(t *testing.T) {
	t.Parallel()
	if testing.Short() {
		t.Skip("SKIPPED by -short: some seconds of broken connections and killed processes")
	}
	got, err := run(t.Context(), 4*time.Second, 3, 42)
	require.NoError(t, err, "%s", got)
	assert.True(t, got.clean(), "%s", got)
	assert.Greater(t, got.faultCount(), int64(20))
	for _, kind := range kinds {
		assert.Positive(t, got.operations[kind], "%s\n%s", kind, got)
	}
	assert.Contains(t, got.String(), "lost                     0")
}

// A check that cannot fail proves nothing: each kind of loss is planted, and
// must be found.
func TestVerifyFindsWhatIsPlanted(t *testing.T) {
	t.Parallel()
	r := &referee{dir: t.TempDir()}
	defer r.close()
	require.NoError(t, r.start(1))
	dir := r.setup.Dir
	consumed := filepath.Join(dir, "consumed")
	require.NoError(t, os.MkdirAll(consumed, 0o700))
	write := func(path, text string) { require.NoError(t, os.WriteFile(path, []byte(text), 0o600)) }
	book := ""
	for _, kind := range []string{kindAccounts, kindPayments, kindUpload, kindDecision, kindDrop} {
		book += "begun " + kind + " 0\n" + kind + " 0\n"
	}
	write(filepath.Join(dir, "book-0"), book)
	write(filepath.Join(dir, "client-0.log"), `{"msg":"request","attempt":2}`+"\n"+`{"msg":"settled"}`+"\n"+`{"msg":"spurious","kind":"sftp upload","error":"in use"}`+"\n"+`{"msg":"cut`)

	// One job's worth of rows is claimed, one row arrived, and one that no job holds.
	client, err := r.accounts.Client()
	require.NoError(t, err)
	var rows []accounts.Account
	for a := range jobAccounts(0) {
		rows = append(rows, a.Value)
	}
	_, err = client.UpsertAccounts(t.Context(), accounts.AccountBatch{ReferenceID: "a", Accounts: rows[:1]})
	require.NoError(t, err)
	_, err = client.UpsertAccounts(t.Context(), accounts.AccountBatch{ReferenceID: "b", Accounts: rows[:1]})
	require.NoError(t, err)

	payment := accounts.Payment{PaymentReference: paymentKey(0, 0), Amount: ccr.AmountFromMinor(1, 2)}
	for _, ref := range []string{"a", "b", "b"} {
		_, err = client.ReportPayments(t.Context(), accounts.PaymentBatch{ReferenceID: ref, Payments: []accounts.Payment{payment}})
		require.NoError(t, err)
	}

	r.gate.WriteFile("/uploads/"+dropName(0), []byte("half")) // corrupted
	r.gate.WriteFile("/uploads/"+dropName(7), []byte("more")) // never finished
	r.reports, r.returns = 3, 1
	r.gate.WriteFile("/downloads/"+returnName(0), content("return", 0)) // still waiting
	write(filepath.Join(consumed, "reports 0-0 "+reportName(0)), string(content("report", 0)))
	write(filepath.Join(consumed, "reports 1-0 "+reportName(0)), string(content("report", 0))) // twice
	write(filepath.Join(consumed, "reports 0-0 "+reportName(1)), "other")                      // corrupted; number 2 is lost
	write(filepath.Join(dir, "printed-0"), "error about "+canary)
	write(filepath.Join(dir, "other.ledger"), r.secrets[0])

	got := &tally{operations: map[string]int{}, faults: map[string]int64{}}
	require.NoError(t, r.verify(got))
	assert.False(t, got.clean())
	lost, duplicated, corrupted := strings.Join(got.lost, "\n"), strings.Join(got.duplicated, "\n"), strings.Join(got.corrupted, "\n")
	assert.Equal(t, jobRows-1, strings.Count(lost, "account "))
	assert.Equal(t, jobRows-1, strings.Count(lost, "payment "))
	assert.Contains(t, duplicated, "payment "+paymentKey(0, 0)+", 2 times")
	assert.Contains(t, duplicated, "batch of payments b")
	assert.Equal(t, []string{"sftp upload: in use"}, got.spurious)
	for _, want := range []string{"upload COLLECTIONS_00000.csv", "decision applicant-00000", "return-00000.csv is still waiting", "reports: report-00002.csv"} {
		assert.Contains(t, lost, want)
	}
	assert.Contains(t, duplicated, "account "+accountKey(0, 0)+", 2 times")
	assert.Contains(t, duplicated, "1 dropped files beyond")
	assert.Contains(t, duplicated, "reports: report-00000.csv, 2 times")
	assert.Contains(t, corrupted, "drop debtors_00000.csv")
	assert.Contains(t, corrupted, "reports: report-00001.csv")
	assert.Len(t, got.leaked, 2)
	assert.Equal(t, 1, got.retries)
	assert.Equal(t, 1, got.settled)
}

func TestSpurious(t *testing.T) {
	t.Parallel()
	line := &ccr.Error{Service: "gateway", Outcome: ccr.OutcomeUnknown, Err: io.ErrUnexpectedEOF}
	disk := &ccr.Error{Service: "gateway", Outcome: ccr.OutcomeNotSent, Err: &fs.PathError{Op: "open", Path: "reports", Err: errors.New("input/output error")}}
	cut := &ccr.Error{Service: "gateway", Operation: "ArchiveByName", Outcome: ccr.OutcomeRejected, StatusCode: 400, Classes: []error{ccr.ErrInvalid}}
	cut.SetAnswer(nil, []byte("400 Bad Request"))
	received := &ccr.Error{Service: "gateway", Operation: "Receive", Classes: []error{ccr.ErrInvalid}, Err: fmt.Errorf("archive: %w", cut)}
	for _, c := range []struct {
		err        error
		late, want bool
	}{
		{received, false, false},
		{errors.Join(received, line), false, false},
		{errors.Join(received, disk), false, true},
		{line, false, false},
		{disk, false, true},
		{disk, true, false},
		{&ccr.Error{Service: "gateway", Outcome: ccr.OutcomeNotSent, Err: fs.ErrNotExist}, true, true},
		{&ccr.Error{Service: "gateway", Outcome: ccr.OutcomeNotSent, Err: ccr.ErrLedgerConflict}, false, true},
		{&ccr.Error{Service: "gateway", Outcome: ccr.OutcomeNotSent, Err: errors.New("ledgerd: it is down")}, false, true},
		{&ccr.Error{Service: "gateway", Outcome: ccr.OutcomeNotSent, Err: &ccr.ClaimedError{}}, false, true},
		{&ccr.Error{Service: "gateway", Outcome: ccr.OutcomeRejected, StatusCode: 400}, false, true},
		{errors.New("a mistake of the program"), false, true},
	} {
		assert.Equal(t, c.want, spurious(c.err, c.late), "%v, late: %t", c.err, c.late)
	}
}
