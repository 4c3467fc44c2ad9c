package sftp_test

import (
	"bytes"
	"math/rand/v2"
	"os"
	"path/filepath"
	"testing"

	"github.com/ccr-sdk/ccr"
	"github.com/ccr-sdk/ccr/sftp"
	"github.com/ccr-sdk/ccr/sftp/sftptest"
	"github.com/stretchr/testify/require"
)

func TestSmoke(t *testing.T) {
	for _, mem := range []bool{false, true} {
		srv, err := sftptest.NewServer(sftptest.Config{InMemory: mem})
		require.NoError(t, err)
		defer srv.Close()
		c, err := srv.Client(t.Context())
		require.NoError(t, err)
		r := rand.NewChaCha8([32]byte{})
		data := make([]byte, 20_983_865)
		r.Read(data)
		up, err := c.Upload(t.Context(), ccr.FileFromBytes("debtors.csv", data), sftp.UploadOptions{Checksum: true})
		require.NoError(t, err)
		t.Logf("%+v", up)
		got, ok := srv.ReadFile("/uploads/debtors.csv")
		require.True(t, ok)
		require.True(t, bytes.Equal(data, got))
		require.Equal(t, []string{"debtors.csv"}, srv.Files("/uploads"))
		_, err = c.Upload(t.Context(), ccr.FileFromBytes("debtors.csv", data))
		require.ErrorIs(t, err, sftp.ErrExists)
		t.Log(err)
		srv.WriteFile("/downloads/r.csv", data)
		list, err := c.List(t.Context())
		require.NoError(t, err)
		t.Logf("%+v", list)
		dir := t.TempDir()
		d, err := c.Download(t.Context(), "r.csv", filepath.Join(dir, "r.csv"))
		require.NoError(t, err)
		t.Logf("%+v", d)
		b, _ := os.ReadFile(filepath.Join(dir, "r.csv"))
		require.True(t, bytes.Equal(data, b))
		rec, err := c.Receive(t.Context(), ccr.DirSink(t.TempDir()), sftp.ReceiveOptions{StableFor: -1})
		require.NoError(t, err)
		t.Logf("%+v", rec)
		require.NoError(t, c.Close(t.Context()))
	}
}
