package backend_test

import (
	"net/http"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"example.com/consumer/backend"
	"github.com/ccr-sdk/ccr"
	"github.com/ccr-sdk/ccr/accounts"
	"github.com/ccr-sdk/ccr/accounts/accountstest"
	"github.com/ccr-sdk/ccr/decisioning/decisioningtest"
	"github.com/ccr-sdk/ccr/gateway/gatewaytest"
	"github.com/ccr-sdk/ccr/sftp/sftptest"
)

// The third way: the in-process servers, through the real clients.

func TestAgainstServers(t *testing.T) {
	t.Parallel()
	credit, err := accountstest.NewServer(accountstest.Config{})
	require.NoError(t, err)
	defer credit.Close()
	bureau, err := gatewaytest.NewServer(gatewaytest.Config{})
	require.NoError(t, err)
	defer bureau.Close()
	algoan, err := decisioningtest.NewServer(decisioningtest.Config{})
	require.NoError(t, err)
	defer algoan.Close()
	gate, err := sftptest.NewServer(sftptest.Config{})
	require.NoError(t, err)
	defer gate.Close()

	debts, err := credit.Client(ccr.WithRetry(ccr.RetryPolicy{BaseDelay: 1}))
	require.NoError(t, err)
	reports, err := bureau.Client()
	require.NoError(t, err)
	decisions, err := algoan.Client()
	require.NoError(t, err)
	drop, err := gate.Client(t.Context())
	require.NoError(t, err)
	b := &backend.Backend{Debts: debts, Bureau: reports, Decisions: decisions, Drop: drop}

	// One lost answer: the batch is repeated under its reference, and applied once.
	credit.Inject(accountstest.Fault{Operation: "UpsertAccounts", Kind: accountstest.LoseAnswer})
	rows := []accounts.Account{{
		ClientReferenceID: "C-1", Status: accounts.StatusActive, OutstandingAmount: ccr.AmountFromMinor(100, 2),
		Debtor: accounts.Party{CompanyName: "Example Pty Ltd"},
	}}
	require.NoError(t, b.Push(t.Context(), "night-1", rows))
	assert.Equal(t, map[string]int{"C-1": 1}, credit.Applied("UpsertAccounts"))
	credit.Inject(accountstest.Fault{Operation: "UpsertAccounts", Kind: accountstest.Answer, Status: http.StatusTooManyRequests, Times: -1})
	require.ErrorIs(t, b.Push(t.Context(), "night-2", rows), backend.ErrTryLater)

	bureau.AddReport("report.xml", []byte("<BACSDocument><Data/></BACSDocument>"))
	gate.WriteFile("/downloads/paid.csv", []byte("a,b\n"))
	dir := t.TempDir()
	n, err := b.Nightly(t.Context(), ccr.FileFromBytes("C.csv", []byte("x")), ccr.NewMemoryLedger(),
		ccr.DirSink(filepath.Join(dir, "reports")), ccr.DirSink(filepath.Join(dir, "returns")))
	require.NoError(t, err)
	assert.Equal(t, 2, n)
	assert.FileExists(t, filepath.Join(dir, "reports", "report.xml"))
	assert.Equal(t, []string{"C.csv"}, bureau.Uploads())
	assert.Equal(t, []string{"report.xml"}, bureau.Archived())

	ok, err := b.Decide(t.Context(), "C-1", decisioningtest.SampleProfile())
	require.NoError(t, err)
	assert.True(t, ok)
	require.NoError(t, drop.Shutdown(t.Context()))
}
