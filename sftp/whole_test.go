package sftp_test

import (
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/ccr-sdk/ccr"
	"github.com/ccr-sdk/ccr/sftp"
	"github.com/ccr-sdk/ccr/sftp/sftptest"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// Whatever size a server says, all bytes arrive, and nothing is removed before.
func TestAllBytesArriveWhateverTheServerSays(t *testing.T) {
	t.Parallel()
	tests := map[string]sftptest.Traits{
		"the truth":             {},
		"0":                     {SaysSize: new(uint64(0))},
		"nothing":               {NoSize: true},
		"too little":            {SaysSize: new(uint64(10))},
		"2^63":                  {SaysSize: new(uint64(1 << 63))},
		"2^64-1":                {SaysSize: new(^uint64(0))},
		"2^64-2":                {SaysSize: new(^uint64(1))},
		"truth, end is FAILURE": {EOFStatus: 4},
		"truth, end is empty":   {EOFEmpty: true},
		"nothing, end is empty": {NoSize: true, EOFEmpty: true},
		"truth, short reads":    {ShortReads: 7},
		"nothing, short reads":  {NoSize: true, ShortReads: 7},
		"10, short reads":       {SaysSize: new(uint64(10)), ShortReads: 33},
	}
	for name, traits := range tests {
		for _, size := range []int{100, 300_000} {
			if traits.ShortReads > 0 && size > 100 {
				continue
			}
			t.Run(name, func(t *testing.T) {
				t.Parallel()
				b := backendOf(t, sftptest.Config{Traits: traits})
				c := b.client(t)
				data := content(size)
				b.put(t, "downloads/r.csv", data)
				local := filepath.Join(t.TempDir(), "r.csv")
				down, err := c.Download(t.Context(), "r.csv", local, sftp.DownloadOptions{})
				require.NoError(t, err)
				assert.EqualValues(t, size, down.Size)
				got, err := os.ReadFile(local)
				require.NoError(t, err)
				same(t, data, got)

				entries, err := c.List(t.Context(), sftp.ListOptions{})
				require.NoError(t, err)
				dir := t.TempDir()
				_, err = c.DownloadAll(t.Context(), entries, dir, sftp.DownloadOptions{})
				require.NoError(t, err)
				got, err = os.ReadFile(filepath.Join(dir, "r.csv"))
				require.NoError(t, err)
				same(t, data, got)
			})
		}
	}
}

// The same through Receive, which removes the file at last: the sink has all
// of it, or it stays.
func TestReceiveRemovesOnlyWhatArrivedWhole(t *testing.T) {
	t.Parallel()
	tests := map[string]sftptest.Traits{
		"0": {SaysSize: new(uint64(0))}, "nothing": {NoSize: true}, "too little": {SaysSize: new(uint64(10))},
		"2^63": {SaysSize: new(uint64(1 << 63))}, "2^64-1": {SaysSize: new(^uint64(0))}, "too much": {SaysSize: new(uint64(200))},
	}
	for name, traits := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b := backendOf(t, sftptest.Config{Traits: traits, Permissions: map[string]sftptest.Permission{
				"/downloads": {List: true, Stat: true, Read: true, Remove: true},
			}})
			c := b.client(t)
			data := content(100)
			b.put(t, "downloads/r.csv", data)
			dir := t.TempDir()
			_, err := c.Receive(t.Context(), ccr.DirSink(dir), sftp.ReceiveOptions{StableFor: -1, After: sftp.RemoveRemote})
			if err != nil { // then nothing may be gone
				assert.Equal(t, []string{"r.csv"}, b.srv.Files("/downloads"))
				assert.Equal(t, "too much", name, "%v", err)
				return
			}
			got, err := os.ReadFile(filepath.Join(dir, "r.csv"))
			require.NoError(t, err)
			same(t, data, got)
			assert.Empty(t, b.srv.Files("/downloads"))
		})
	}
}

func TestFewerBytesThanSaidIsAnError(t *testing.T) {
	t.Parallel()
	for _, size := range []int{100, 300_000} {
		b := backendOf(t, sftptest.Config{Traits: sftptest.Traits{SaysSize: new(uint64(2 * size))}})
		c := b.client(t)
		b.put(t, "downloads/r.csv", content(size))
		dir := t.TempDir()
		_, err := c.Download(t.Context(), "r.csv", filepath.Join(dir, "r.csv"), sftp.DownloadOptions{})
		require.ErrorIs(t, err, sftp.ErrRemoteChanged)
		left, err := os.ReadDir(dir)
		require.NoError(t, err)
		assert.Empty(t, left)
	}
}

// A file that is written in place with other content of the same size while it
// is read has another time afterwards.
func TestSameSizeAnotherTimeIsAnError(t *testing.T) {
	t.Parallel()
	b := startSFTPTest(t)
	c := b.client(t)
	b.srv.WriteFileAt("/downloads/r.csv", []byte("first!"), time.Now().Add(-time.Hour))
	b.srv.Inject(sftptest.Fault{Operation: sftptest.OpRead, Kind: sftptest.Then, Do: func() {
		b.srv.RewriteFile("/downloads/r.csv", []byte("second"), time.Now())
	}})
	_, err := c.Download(t.Context(), "r.csv", filepath.Join(t.TempDir(), "r.csv"), sftp.DownloadOptions{})
	require.ErrorIs(t, err, sftp.ErrRemoteChanged)
	require.ErrorIs(t, err, ccr.ErrIncomplete)
}

func TestMaxFileSize(t *testing.T) {
	t.Parallel()
	for name, traits := range map[string]sftptest.Traits{"said": {}, "not said": {NoSize: true}} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b := backendOf(t, sftptest.Config{Traits: traits})
			c := b.client(t, func(cfg *sftp.Config) { cfg.MaxFileSize = 1000 })
			b.put(t, "downloads/small.csv", content(1000))
			b.put(t, "downloads/large.csv", content(1001))
			dir := t.TempDir()
			_, err := c.Download(t.Context(), "small.csv", filepath.Join(dir, "small.csv"), sftp.DownloadOptions{})
			require.NoError(t, err)
			_, err = c.Download(t.Context(), "large.csv", filepath.Join(dir, "large.csv"), sftp.DownloadOptions{})
			require.ErrorIs(t, err, sftp.ErrTooLarge)
			assert.NoFileExists(t, filepath.Join(dir, "large.csv"))
		})
	}
}

// A file of the same size and second as the one that an earlier run received
// is compared before it is removed: it is another one.
func TestAnEarlierRunsWordIsNotEnoughToRemove(t *testing.T) {
	t.Parallel()
	b := backendOf(t, sftptest.Config{Permissions: map[string]sftptest.Permission{
		"/downloads": {List: true, Stat: true, Read: true, Remove: true},
	}})
	c := b.client(t)
	at := time.Now().Add(-time.Hour).Truncate(time.Second)
	b.srv.WriteFileAt("/downloads/r.csv", []byte("one"), at)
	dir := t.TempDir()
	_, err := c.Receive(t.Context(), ccr.DirSink(dir), sftp.ReceiveOptions{StableFor: -1})
	require.NoError(t, err)
	b.srv.WriteFileAt("/downloads/r.csv", []byte("two"), at)
	got, err := c.Receive(t.Context(), ccr.DirSink(dir), sftp.ReceiveOptions{StableFor: -1, After: sftp.RemoveRemote})
	require.NoError(t, err)
	require.Len(t, got, 1)
	text, err := os.ReadFile(got[0].Location)
	require.NoError(t, err)
	assert.Equal(t, "two", string(text), "before: removed unread")
	assert.Empty(t, b.srv.Files("/downloads"))
}

func TestEndlessListing(t *testing.T) {
	t.Parallel()
	b := backendOf(t, sftptest.Config{Traits: sftptest.Traits{EndlessList: true}})
	_, err := b.client(t).List(t.Context(), sftp.ListOptions{})
	require.ErrorIs(t, err, sftp.ErrListing)
}
