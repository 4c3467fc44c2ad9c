package sftptest_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/ccr-sdk/ccr"
	"github.com/ccr-sdk/ccr/sftp"
	"github.com/ccr-sdk/ccr/sftp/sftptest"
)

// What a test takes away or writes over no longer counts.
func TestCapacityIsGivenBack(t *testing.T) {
	t.Parallel()
	srv, err := sftptest.NewServer(sftptest.Config{Traits: sftptest.Traits{Capacity: 100}})
	require.NoError(t, err)
	t.Cleanup(srv.Close)
	drop, err := srv.Client(t.Context())
	require.NoError(t, err)
	defer drop.Shutdown(t.Context())

	srv.WriteFile("/downloads/a.csv", make([]byte, 60)).WriteFile("/downloads/b.csv", make([]byte, 30))
	_, err = drop.Upload(t.Context(), ccr.FileFromBytes("u.csv", make([]byte, 50)), sftp.UploadOptions{})
	require.Error(t, err, "90 of 100 bytes are taken")

	srv.WriteFile("/downloads/a.csv", make([]byte, 40)).WriteFile("/old/c.csv", make([]byte, 20)).RemoveFolder("/old").RemoveFile("/downloads/b.csv")
	_, err = drop.Upload(t.Context(), ccr.FileFromBytes("u.csv", make([]byte, 50)), sftp.UploadOptions{})
	require.NoError(t, err, "40 are")
}
