package main

import (
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func TestTry(t *testing.T) {
	t.Parallel()
	var out, errs strings.Builder
	require.NoError(t, run(t.Context(), []string{"-comment", "acme-uat"}, &out, &errs))
	assert.Contains(t, out.String(), "ssh-ed25519 ")
	assert.Contains(t, out.String(), "acme-uat")
	assert.Contains(t, out.String(), "host key")
	assert.NotContains(t, out.String(), "PRIVATE KEY")
}

func TestKeyPairIsWrittenOnce(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "uat")
	var out, errs strings.Builder
	require.NoError(t, run(t.Context(), []string{"-key", path}, &out, &errs))
	st, err := os.Stat(path)
	require.NoError(t, err)
	if runtime.GOOS != "windows" {
		assert.Equal(t, os.FileMode(0o600), st.Mode().Perm())
	}
	assert.FileExists(t, path+".pub")
	require.Error(t, run(t.Context(), []string{"-key", path}, &out, &errs), "an existing key is never replaced")
}

func TestDiagnoseNeedsItsEnvironment(t *testing.T) {
	for _, name := range []string{"CCR_SFTP_USER", "CCR_SFTP_KEY", "CCR_SFTP_KEY_FILE", "CCR_SFTP_PASSWORD", "CCR_SFTP_PASSWORD_FILE", "CCR_SFTP_ENVIRONMENT"} {
		t.Setenv(name, "")
	}
	var out, errs strings.Builder
	require.ErrorContains(t, run(t.Context(), []string{"-diagnose"}, &out, &errs), "CCR_SFTP_USER")
}
