package main

import (
	"bytes"
	"io"
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/ccr-sdk/ccr/accounts"
)

func TestItRunsFromFileToStatus(t *testing.T) {
	t.Parallel()
	var out, progress bytes.Buffer
	require.NoError(t, run(t.Context(), []string{"-rows", "2500"}, &out, &progress))
	for _, want := range []string{"1–1000", "2001–2500", "2500 rows: 2500 accepted", "2498 Created", "2 Failed", "C-001313"} {
		assert.Contains(t, out.String(), want)
	}
	assert.Contains(t, progress.String(), "3 of 3 batches processed")
	assert.NotContains(t, out.String()+progress.String(), "Up 1", "references and counts only")
}

func TestAFileOfOnesOwnAndARerun(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	file, ledger := filepath.Join(dir, "own.csv"), filepath.Join(dir, "ledger")
	require.NoError(t, os.WriteFile(file, []byte("Konto,LastName,AmountDue,Colour\nC-1,Own,12.50,red\nC-2,Own,x,red\n"), 0o600))
	args := []string{"-file", file, "-ledger", ledger, "-map", "ClientReference=Konto", "-map", "OutstandingAmount=AmountDue", "-status", "0"}
	require.ErrorContains(t, run(t.Context(), args, io.Discard, io.Discard), "column 4")
	args = append(args, "-ignore-unknown")
	var out bytes.Buffer
	require.ErrorContains(t, run(t.Context(), args, &out, io.Discard), `(column "AmountDue"): line 3`)
	assert.Contains(t, out.String(), "0 accepted")

	require.NoError(t, os.WriteFile(file, []byte("Konto,LastName,AmountDue,Colour\nC-1,Own,12.50,red\nC-2,Own,7,red\n"), 0o600))
	require.NoError(t, run(t.Context(), args, &out, io.Discard))
	out.Reset()
	require.NoError(t, run(t.Context(), args, &out, io.Discard))
	assert.Contains(t, out.String(), "accepted by an earlier run")
}

func TestSamplesStayHome(t *testing.T) {
	t.Setenv(accounts.EnvToken, "")
	err := run(t.Context(), []string{"-live"}, io.Discard, io.Discard)
	require.ErrorContains(t, err, "-file")
	err = run(t.Context(), []string{"-live", "-file", "x", "-name", "n", "-ledger", "l"}, io.Discard, io.Discard)
	require.ErrorContains(t, err, accounts.EnvClientID)
	var help bytes.Buffer
	require.Error(t, run(t.Context(), []string{"-help"}, io.Discard, &help))
	assert.Contains(t, help.String(), accounts.EnvAudience)
}
