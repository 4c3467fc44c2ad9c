package main

import (
	"bytes"
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func TestRun(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	folder, out := filepath.Join(dir, "in"), filepath.Join(dir, "out")
	require.NoError(t, os.Mkdir(folder, 0o700))
	require.NoError(t, os.WriteFile(filepath.Join(folder, "debtors.csv"), make([]byte, 2<<20), 0o600))
	var text bytes.Buffer
	require.NoError(t, run(t.Context(), options{folder: folder, out: out, channels: 2}, &text))
	assert.Contains(t, text.String(), "UploadAll debtors.csv: 100%")
	assert.Contains(t, text.String(), "verified")
	assert.FileExists(t, filepath.Join(out, "returns", "payments.csv"))

	text.Reset()
	require.NoError(t, run(t.Context(), options{}, &text))
	assert.Contains(t, text.String(), "statement.pdf")

	require.Error(t, run(t.Context(), options{live: true}, &text))
}
