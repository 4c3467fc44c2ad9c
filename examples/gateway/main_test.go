package main

import (
	"bytes"
	"io"
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/ccr-sdk/ccr/gateway"
)

func TestItRunsFromUploadToTable(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	var out, progress bytes.Buffer
	require.NoError(t, run(t.Context(), []string{"-reports", dir, "-every", "10ms"}, &out, &progress))
	for _, want := range []string{
		"uploaded   COLLECTIONS_20261121.csv", "Input, 1 items to look at", "ADDACS, 2 items", "ARUDD, 4 items",
		"MANDATE00301", "81.01", "What to do:",
	} {
		assert.Contains(t, out.String(), want)
	}
	assert.NotContains(t, out.String()+progress.String(), "SAMPLE PERSON")
	reports, err := filepath.Glob(filepath.Join(dir, "*.xml"))
	require.NoError(t, err)
	assert.Len(t, reports, 3)
}

func TestSamplesStayHome(t *testing.T) {
	t.Setenv(gateway.EnvAPIKey, "")
	err := run(t.Context(), []string{"-live"}, io.Discard, io.Discard)
	require.ErrorContains(t, err, "-reports")
	err = run(t.Context(), []string{"-live", "-reports", t.TempDir()}, io.Discard, io.Discard)
	require.ErrorContains(t, err, gateway.EnvAPIKey)
	var help bytes.Buffer
	require.Error(t, run(t.Context(), []string{"-help"}, io.Discard, &help))
	assert.Contains(t, help.String(), gateway.EnvIP)
}

func TestAFileOfOnesOwn(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "own.csv")
	require.NoError(t, os.WriteFile(path, []byte("x"), 0o600))
	var out bytes.Buffer
	require.NoError(t, run(t.Context(), []string{"-file", path, "-rounds", "1"}, &out, io.Discard))
	assert.Contains(t, out.String(), "own.csv, 1 bytes: accepted")
	assert.Contains(t, out.String(), "nothing came back")
}
