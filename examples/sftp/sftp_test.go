package main

import (
	"bytes"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/ccr-sdk/ccr"
	"github.com/ccr-sdk/ccr/sftp"
	"github.com/ccr-sdk/ccr/sftp/sftptest"
)

func TestRun(t *testing.T) {
	t.Parallel()
	var text bytes.Buffer
	require.NoError(t, run(t.Context(), &text, false, "", nil))
	assert.Contains(t, text.String(), "debtors.csv 25 verified")
	assert.Contains(t, text.String(), "payments.csv 25 delivered")
	require.Error(t, run(t.Context(), &text, true, "", nil))
}

func TestFailuresAreNotSilent(t *testing.T) {
	t.Parallel()
	vendor, err := sftptest.NewServer(sftptest.Config{})
	require.NoError(t, err)
	defer vendor.Close()
	vendor.RefuseLogins(true)
	drop, err := sftp.NewClient(vendor.Config())
	require.NoError(t, err)
	var text bytes.Buffer
	err = work(t.Context(), &text, drop, nil, filepath.Join(t.TempDir(), "out"), sftp.ReceiveOptions{StableFor: -1})
	require.ErrorIs(t, err, ccr.ErrUnauthorized)
}
