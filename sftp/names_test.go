package sftp_test

import (
	"fmt"
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/ccr-sdk/ccr"
	"github.com/ccr-sdk/ccr/sftp"
	"github.com/ccr-sdk/ccr/sftp/sftptest"
)

// Names with every byte that a name may have, which differ in that byte alone,
// in two folders, over one ledger on disk and into one sink: each is delivered
// once, and a second run delivers nothing.
func TestReceiveNamesOfAnyBytes(t *testing.T) {
	t.Parallel()
	b := startSFTPTest(t)
	b.srv.KeepNoRecord()
	want := map[string]int{}
	for _, folder := range []string{"downloads", "archive"} {
		b.srv.Allow("/"+folder, sftptest.Permission{List: true, Stat: true, Read: true})
		for c := 1; c < 256; c++ {
			if c == '/' {
				continue
			}
			content := fmt.Sprintf("%s %d", folder, c)
			b.srv.WriteFile("/"+folder+"/r"+string([]byte{byte(c)})+".csv", []byte(content))
			want[content] = 1
		}
	}
	c := b.client(t)
	dir := t.TempDir()
	path := filepath.Join(t.TempDir(), "ledger")
	for _, state := range []ccr.ReceivedState{ccr.Delivered, ccr.DeliveredBefore} {
		ledger, err := ccr.OpenLedger(path)
		require.NoError(t, err)
		for _, folder := range []string{"downloads", "archive"} {
			got, err := c.Receive(t.Context(), ccr.DirSink(dir), sftp.ReceiveOptions{Folder: folder, StableFor: -1, Ledger: ledger})
			require.NoError(t, err)
			require.Len(t, got, 254)
			for _, r := range got {
				assert.Equal(t, state, r.State, "%q", r.Name)
			}
		}
		require.NoError(t, ledger.Close())
	}
	list, err := os.ReadDir(dir)
	require.NoError(t, err)
	seen := map[string]int{}
	for _, e := range list {
		if !e.IsDir() {
			text, err := os.ReadFile(filepath.Join(dir, e.Name()))
			require.NoError(t, err)
			seen[string(text)]++
		}
	}
	assert.Equal(t, want, seen)
}
