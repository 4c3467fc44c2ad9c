package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func TestSamplesGoThroughAllFlows(t *testing.T) {
	t.Parallel()
	out := t.TempDir()
	var stdout, stderr strings.Builder
	require.NoError(t, run(t.Context(), []string{"-out", out}, &stdout, &stderr))
	for _, want := range []string{
		"2400 accounts in 3 batches", "2400 succeeded, 0 failed", "collections.csv, 31329 bytes: accepted",
		"1 returned", "archived", "credit score", "103 transactions", "accounts.csv, 320600 bytes: verified", "payments.csv",
	} {
		assert.Contains(t, stdout.String(), want)
	}
	assert.Contains(t, stderr.String(), "accepted: 800 accounts")
	for _, path := range []string{"reports/123456-24112026-2013-000000001.xml", "returns/payments.csv"} {
		assert.FileExists(t, filepath.Join(out, path))
	}
	// Nobody's data is printed, made up or not.
	for _, name := range []string{"Farnborough", "SAMPLE PERSON", "@example.com", "66374950"} {
		assert.NotContains(t, stdout.String()+stderr.String(), name)
	}
}

func TestOwnFilesAreChecked(t *testing.T) {
	t.Parallel()
	file := func(content string) string {
		path := filepath.Join(t.TempDir(), "input")
		require.NoError(t, os.WriteFile(path, []byte(content), 0o600))
		return path
	}
	cases := map[string]struct {
		args []string
		want string
	}{
		"an account without its key":         {[]string{"-accounts", file("ClientReference,InvoiceNumber,OutstandingAmount,Status,FirstName\n,IN-1,1,Active,Zoe\n")}, "accounts[0].clientReferenceId is required"},
		"a missing file":                     {[]string{"-collections", filepath.Join(t.TempDir(), "none.csv")}, "no such file"},
		"a profile without CHECKING account": {[]string{"-profile", file(`{"accounts":[{"type":"SAVINGS","usage":"PERSONAL","currency":"EUR","bank":{"name":"B"},"balance":1,"balanceDate":"2026-11-20T12:00:00.000Z","transactions":[]}]}`)}, "no CHECKING account"},
		"a profile that is none":             {[]string{"-profile", file(`[1]`)}, "decisioning"},
		"live without a file":                {[]string{"-live", "accounts"}, "needs a file of your own"},
		"a flow that does not exist":         {[]string{"-live", "portal"}, "not \"portal\""},
		"an argument":                        {[]string{"all"}, "unexpected argument"},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var stdout, stderr strings.Builder
			err := run(t.Context(), c.args, &stdout, &stderr)
			require.ErrorContains(t, err, c.want)
			assert.NotContains(t, err.Error()+stdout.String(), "Zoe")
		})
	}
}

func TestLiveNeedsItsEnvironment(t *testing.T) {
	path := filepath.Join(t.TempDir(), "one.csv")
	require.NoError(t, os.WriteFile(path, []byte("ClientReference,InvoiceNumber,OutstandingAmount,Status,FirstName\nA-1,IN-1,1,Active,Zoe\n"), 0o600))
	for _, e := range os.Environ() {
		if name, _, _ := strings.Cut(e, "="); strings.HasPrefix(name, "CCR_") {
			t.Setenv(name, "")
		}
	}
	for flow, flag := range map[string]string{"accounts": "-accounts", "gateway": "-collections", "decisioning": "-profile", "sftp": "-accounts"} {
		in := path
		if flow == "decisioning" {
			in = filepath.Join("samples", "profile.json")
		}
		var stdout, stderr strings.Builder
		err := run(t.Context(), []string{"-live", flow, flag, in}, &stdout, &stderr)
		require.ErrorContains(t, err, "CCR_"+strings.ToUpper(flow), flow)
	}
}
