package main

import (
	"bufio"
	"bytes"
	"context"
	"crypto/tls"
	"crypto/x509"
	"encoding/csv"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/ccr-sdk/ccr"
	"github.com/ccr-sdk/ccr/accounts"
	"github.com/ccr-sdk/ccr/accounts/accountstest"
)

// The test binary starts itself as the program, with the certificate of the
// vendor in this variable.
const caVar = "CCR_EXAMPLE_ACCOUNTS_CA"

func TestMain(m *testing.M) {
	if ca := os.Getenv(caVar); ca != "" {
		pool := x509.NewCertPool()
		pool.AppendCertsFromPEM([]byte(ca))
		trusting := &http.Client{Transport: &http.Transport{TLSClientConfig: &tls.Config{RootCAs: pool, MinVersion: tls.VersionTLS12}}}
		err := run(context.Background(), os.Args[1:], os.Stdout, os.Stderr, ccr.WithHTTPClient(trusting), ccr.WithLimiter(ccr.NoLimit()))
		if err != nil {
			os.Stderr.WriteString(err.Error() + "\n") //nolint:errcheck // the exit code says it
			os.Exit(1)
		}
		os.Exit(0)
	}
	os.Exit(m.Run())
}

// TestKilledFiveTimes loads a real-looking file of 12,000 rows (CCR_LONG=1:
// 50,000), 60 of them bad. The program is killed five times on the way; its last report agrees,
// line by line, with what was written beside the file and with the vendor.
func TestKilledFiveTimes(t *testing.T) {
	t.Parallel()
	n := 12_000
	if os.Getenv("CCR_LONG") != "" {
		n = 50_000
	}
	if testing.Short() {
		t.Skip("SKIPPED: -short kills no processes here; accounts.TestKilledJobAppliesEachRowOnce does")
	}
	srv, err := startVendor()
	require.NoError(t, err)
	defer srv.Close()
	dir := t.TempDir()
	file, expected, err := madeUp(n)
	require.NoError(t, err)
	path := filepath.Join(dir, "debtors.csv")
	require.NoError(t, os.WriteFile(path, file.Bytes(), 0o600))
	args := []string{"-live", "-file", path, "-name", "load", "-ledger", filepath.Join(dir, "ledger"), "-report", filepath.Join(dir, "report.csv"),
		"-batch", "500", "-poll", "10ms", "-decimal-comma", "-dates", "02/01/2006", "-ignore-unknown"}
	for column, header := range madeUpOptions().Headers {
		args = append(args, "-map", column+"="+header)
	}
	batches := n / 500
	for kill := 1; kill <= 5; kill++ {
		killAfter(t, srv, args, kill*batches/7)
		assert.NoFileExists(t, filepath.Join(dir, "report.csv"), "a report that is not whole has no name")
		assert.Less(t, len(srv.Batches()), batches, "killed on the way")
	}
	cmd := program(t, srv, args)
	cmd.Stderr = nil
	out, err := cmd.Output()
	var exit *exec.ExitError
	require.ErrorAs(t, err, &exit)
	assert.Contains(t, string(exit.Stderr), fmt.Sprintf("60 of %d rows were not accepted", n))
	assert.Contains(t, string(out), "Windows-1252, delimiter ';'; ignored: Kostenstelle;")

	agree(t, filepath.Join(dir, "report.csv"), expected)
	applied := srv.Applied("UpsertAccounts")
	for _, line := range records(t, bytes.NewReader(expectedOf(t, n))) {
		want := 0
		if line[3] == "accepted" && line[4] != "failed" { // ignoring is an effect, too
			want = 1
		}
		if line[5] != "clientReferenceId" { // else the reference is bad, or another row's
			assert.Equal(t, want, applied[line[2]], "row %s", line[0])
		}
	}
	a, ok := srv.Account(reference(7))
	require.True(t, ok)
	assert.Equal(t, "Müller “7”; €", a.Debtor.LastName)
	assert.Equal(t, "8007.07", a.OutstandingAmount.String())
	assert.Equal(t, "2026-12-08", a.DueDate.String())
	assert.Equal(t, "first line\nsecond line", a.CustomData1)
}

// program makes the command with the vendor's environment.
func program(t *testing.T, srv *accountstest.Server, args []string) *exec.Cmd {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), os.Args[0], args...) //nolint:gosec // the test binary itself
	cmd.Env = append(os.Environ(), caVar+"="+string(srv.CAPEM()), accounts.EnvBaseURL+"="+srv.URL(), accounts.EnvTokenURL+"="+srv.TokenURL(),
		accounts.EnvClientID+"="+srv.ClientID(), accounts.EnvClientSecret+"="+srv.ClientSecret(), accounts.EnvAudience+"="+srv.Audience(), accounts.EnvToken+"=")
	return cmd
}

// killAfter runs the program, and kills it once it has done with some batches.
func killAfter(t *testing.T, srv *accountstest.Server, args []string, batches int) {
	t.Helper()
	cmd := program(t, srv, args)
	stderr, err := cmd.StderrPipe()
	require.NoError(t, err)
	require.NoError(t, cmd.Start())
	lines := bufio.NewScanner(stderr)
	for range batches {
		require.True(t, lines.Scan(), "the program ended before it could be killed")
		require.Contains(t, lines.Text(), "rows done with")
	}
	require.NoError(t, cmd.Process.Kill())
	io.Copy(io.Discard, stderr) //nolint:errcheck // what was still on its way
	require.Error(t, cmd.Wait())
}

// agree compares a report with what was expected of each row.
func agree(t *testing.T, path string, expected io.Reader) {
	t.Helper()
	f, err := os.Open(path)
	require.NoError(t, err)
	defer f.Close()
	got, want := records(t, f), records(t, expected)
	require.Len(t, got, len(want)+1)
	for i, w := range want {
		g := got[i+1] // Row, Line, File, Reference, Sent, Processed, Batch, Faults, Messages
		var members []string
		for fault := range strings.SplitSeq(g[7], "; ") {
			if member, _, ok := strings.Cut(fault, " "); ok {
				members = append(members, member)
			}
		}
		require.Equal(t, w, []string{g[0], g[1], g[3], g[4], g[5], strings.Join(members, " ")}, "%v", g)
		assert.Equal(t, g[4] == "accepted", g[6] != "", "a batch for what was sent")
		assert.Equal(t, g[5] == "failed", g[8] != "", "the vendor's words")
	}
}

func records(t *testing.T, r io.Reader) [][]string {
	t.Helper()
	all, err := csv.NewReader(r).ReadAll()
	require.NoError(t, err)
	return all
}

func TestTheMadeUpFile(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	var out, progress bytes.Buffer
	report := filepath.Join(dir, "report.csv")
	args := []string{"-rows", "3000", "-ledger", filepath.Join(dir, "ledger"), "-report", report}
	require.ErrorContains(t, run(t.Context(), args, &out, &progress), "60 of 3000 rows were not accepted")
	assert.Contains(t, out.String(), "2940 accepted")
	assert.NotContains(t, out.String()+progress.String(), "ller", "references and counts only")
	_, expected, err := madeUp(3000)
	require.NoError(t, err)
	agree(t, report, expected)
	want := records(t, bytes.NewReader(expectedOf(t, 3000)))
	bad := slices.DeleteFunc(want, func(line []string) bool { return line[3] != "invalid" })
	assert.Len(t, bad, badRows)
}

func expectedOf(t *testing.T, n int) []byte {
	t.Helper()
	_, expected, err := madeUp(n)
	require.NoError(t, err)
	return expected.Bytes()
}

func TestAFileOfOnesOwn(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	file := filepath.Join(dir, "own.csv")
	args := []string{"-file", file, "-ledger", filepath.Join(dir, "ledger"), "-report", filepath.Join(dir, "report.csv"), "-map", "ClientReference=Konto", "-map", "OutstandingAmount=AmountDue", "-optional", "InvoiceNumber", "-optional", "Status"}
	write := func(text string) { require.NoError(t, os.WriteFile(file, []byte(text), 0o600)) }
	write("\ufeffKonto,LastName,AmountDue,Colour\nC-1,Own,12.50,red\n")
	require.ErrorContains(t, run(t.Context(), args, io.Discard, io.Discard), `column 4 "Colour" is not known`)
	write("\ufeffKonto,LastName,AmountDue\nC-1,Own,12.50\nC-2,Own,7\n")
	var out bytes.Buffer
	require.NoError(t, run(t.Context(), args, &out, io.Discard))
	assert.Contains(t, out.String(), "UTF-8, delimiter ','")
	out.Reset()
	require.NoError(t, run(t.Context(), args, &out, io.Discard))
	assert.Contains(t, out.String(), "2 accepted (2 of them by an earlier run)")
}

func TestSamplesStayHome(t *testing.T) {
	t.Setenv(accounts.EnvToken, "")
	err := run(t.Context(), []string{"-live"}, io.Discard, io.Discard)
	require.ErrorContains(t, err, "-file")
	err = run(t.Context(), []string{"-live", "-file", "x", "-name", "n"}, io.Discard, io.Discard)
	require.ErrorContains(t, err, accounts.EnvClientID)
	var help bytes.Buffer
	require.Error(t, run(t.Context(), []string{"-help"}, io.Discard, &help))
	assert.Contains(t, help.String(), accounts.EnvAudience)
}
