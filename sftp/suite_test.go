package sftp_test

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"github.com/ccr-sdk/ccr"
	"github.com/ccr-sdk/ccr/sftp"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

var sizes = []int{0, 1, 4096, 32 << 10, 32<<10 + 1, 261120, 261121, 5<<20 + 7}

func TestUploadEverywhere(t *testing.T) {
	t.Parallel()
	eachBackend(t, func(t *testing.T, b *backend) {
		c := b.client(t)
		for _, size := range sizes {
			name := fmt.Sprintf("debtors-%d.csv", size)
			data := content(size)
			up, err := c.Upload(t.Context(), ccr.FileFromBytes(name, data), sftp.UploadOptions{Checksum: true})
			require.NoError(t, err)
			assert.Equal(t, sftp.Verified, up.Verification)
			assert.Equal(t, int64(size), up.Size)
			sum, _, err := ccr.FileFromBytes(name, data).SHA256(t.Context())
			require.NoError(t, err)
			assert.Equal(t, fmt.Sprintf("%x", sum), up.SHA256)
			got, ok := b.get(t, "uploads/"+name)
			require.True(t, ok)
			same(t, data, got)
		}
		assert.Len(t, b.names(t, "uploads"), len(sizes), "no temporary file stays")
	})
}

func TestOverwriteEverywhere(t *testing.T) {
	t.Parallel()
	eachBackend(t, func(t *testing.T, b *backend) {
		c := b.client(t)
		b.put(t, "uploads/a.csv", []byte("old"))
		_, err := c.Upload(t.Context(), ccr.FileFromBytes("a.csv", []byte("new")), sftp.UploadOptions{})
		require.ErrorIs(t, err, sftp.ErrExists)
		require.ErrorIs(t, err, ccr.ErrDuplicate)
		got, _ := b.get(t, "uploads/a.csv")
		assert.Equal(t, "old", string(got))

		_, err = c.Upload(t.Context(), ccr.FileFromBytes("a.csv", []byte("new")), sftp.UploadOptions{Overwrite: true, DeleteFirst: true})
		require.NoError(t, err)
		got, _ = b.get(t, "uploads/a.csv")
		assert.Equal(t, "new", string(got))
		require.NoError(t, c.Shutdown(t.Context())) // waits for what is tidied up
		assert.Equal(t, []string{"a.csv"}, b.names(t, "uploads"))
	})
}

func TestPoliciesEverywhere(t *testing.T) {
	t.Parallel()
	policies := map[string]struct {
		folder sftp.UploadFolder
		after  []string
	}{
		"rename":  {sftp.UploadFolder{Path: "uploads"}, []string{"a.csv"}},
		"staging": {sftp.UploadFolder{Path: "uploads", Policy: sftp.PolicyStaging, Staging: "staging"}, []string{"a.csv"}},
		"direct":  {sftp.UploadFolder{Path: "uploads", Policy: sftp.PolicyDirect}, []string{"a.csv"}},
		"marker":  {sftp.UploadFolder{Path: "uploads", Policy: sftp.PolicyMarker}, []string{"a.csv", "a.csv.done"}},
	}
	eachBackend(t, func(t *testing.T, b *backend) {
		if b.srv != nil {
			p := uploadPermission
			b.srv.Allow("/staging", p)
		}
		for name, p := range policies {
			t.Run(name, func(t *testing.T) {
				c := b.client(t, func(cfg *sftp.Config) { cfg.Layout.Uploads = []sftp.UploadFolder{p.folder} })
				data := content(100_000)
				up, err := c.Upload(t.Context(), ccr.FileFromBytes("a.csv", data), sftp.UploadOptions{})
				require.NoError(t, err)
				assert.Equal(t, sftp.Verified, up.Verification)
				got, _ := b.get(t, "uploads/a.csv")
				same(t, data, got)
				names := b.names(t, "uploads")
				slices.Sort(names)
				assert.Equal(t, p.after, names)
				_, err = c.Upload(t.Context(), ccr.FileFromBytes("a.csv", []byte("x")), sftp.UploadOptions{})
				require.ErrorIs(t, err, sftp.ErrExists)
				assert.Empty(t, b.names(t, "staging"))
				for _, n := range names {
					b.remove(t, "uploads/"+n)
				}
			})
		}
	})
}

func TestManyEverywhere(t *testing.T) {
	t.Parallel()
	eachBackend(t, func(t *testing.T, b *backend) {
		c := b.client(t, func(cfg *sftp.Config) { cfg.Concurrency = 64 })
		const n = 200
		var files []ccr.File
		for i := range n {
			files = append(files, ccr.FileFromBytes(fmt.Sprintf("f%03d.pdf", i), content(1000+i)))
		}
		up, err := c.UploadAll(t.Context(), files, sftp.UploadOptions{})
		require.NoError(t, err)
		require.Len(t, up, n)
		for i := range n {
			require.Equal(t, sftp.Verified, up[i].Verification)
			got, ok := b.get(t, "uploads/"+files[i].Name())
			require.True(t, ok)
			same(t, content(1000+i), got)
			b.put(t, "downloads/"+files[i].Name(), got)
		}
		require.Len(t, b.names(t, "uploads"), n)

		list, err := c.List(t.Context(), sftp.ListOptions{})
		require.NoError(t, err)
		require.Len(t, list, n)
		dir := t.TempDir()
		down, err := c.DownloadAll(t.Context(), list, dir, sftp.DownloadOptions{Checksum: true})
		require.NoError(t, err)
		require.Len(t, down, n)
		for i := range n {
			got, err := os.ReadFile(filepath.Join(dir, files[i].Name()))
			require.NoError(t, err)
			same(t, content(1000+i), got)
		}
		entries, err := os.ReadDir(dir)
		require.NoError(t, err)
		require.Len(t, entries, n)
	})
}

func TestListAndStatEverywhere(t *testing.T) {
	t.Parallel()
	eachBackend(t, func(t *testing.T, b *backend) {
		c := b.client(t)
		b.put(t, "downloads/returns.csv", content(1234))
		b.put(t, "downloads/late.csv.part", content(5))
		list, err := c.List(t.Context(), sftp.ListOptions{})
		require.NoError(t, err)
		require.Len(t, list, 2)
		slices.SortFunc(list, func(x, y sftp.Entry) int { return int(x.Size - y.Size) })
		assert.True(t, list[0].Temporary)
		e := list[1]
		assert.Equal(t, "returns.csv", e.Name)
		assert.Equal(t, int64(1234), e.Size)
		assert.True(t, e.Regular)
		assert.WithinDuration(t, time.Now(), e.ModTime, time.Minute)

		one, err := c.Stat(t.Context(), "returns.csv", sftp.StatOptions{})
		require.NoError(t, err)
		assert.Equal(t, e, *one)
		_, err = c.Stat(t.Context(), "no such file", sftp.StatOptions{})
		require.ErrorIs(t, err, ccr.ErrNotFound)
		_, err = c.List(t.Context(), sftp.ListOptions{Folder: "nowhere"})
		require.ErrorIs(t, err, sftp.ErrFolderMissing)
		_, err = c.Download(t.Context(), "no such file", filepath.Join(t.TempDir(), "x"), sftp.DownloadOptions{})
		require.ErrorIs(t, err, ccr.ErrNotFound)
	})
}

func TestMissingUploadFolderEverywhere(t *testing.T) {
	t.Parallel()
	eachBackend(t, func(t *testing.T, b *backend) {
		c := b.client(t, func(cfg *sftp.Config) { cfg.Layout.Uploads = []sftp.UploadFolder{{Path: "uploads-automated"}} })
		_, err := c.Upload(t.Context(), ccr.FileFromBytes("a.csv", []byte("x")), sftp.UploadOptions{})
		require.ErrorIs(t, err, sftp.ErrFolderMissing)
		require.ErrorIs(t, err, ccr.ErrNotFound)
		assert.Contains(t, err.Error(), "Diagnose")
		assertOutcome(t, err, ccr.OutcomeRejected)
	})
}

func TestDownloadEverywhere(t *testing.T) {
	t.Parallel()
	eachBackend(t, func(t *testing.T, b *backend) {
		c := b.client(t)
		dir := t.TempDir()
		for _, size := range sizes {
			name := fmt.Sprintf("returns-%d.csv", size)
			data := content(size)
			b.put(t, "downloads/"+name, data)
			local := filepath.Join(dir, name)
			down, err := c.Download(t.Context(), name, local, sftp.DownloadOptions{})
			require.NoError(t, err)
			assert.Equal(t, int64(size), down.Size)
			got, err := os.ReadFile(local)
			require.NoError(t, err)
			same(t, data, got)
			st, err := os.Stat(local)
			require.NoError(t, err)
			if isUnix {
				assert.Equal(t, os.FileMode(0o600), st.Mode().Perm())
			}
		}
		_, err := c.Download(t.Context(), "returns-1.csv", filepath.Join(dir, "returns-0.csv"), sftp.DownloadOptions{})
		require.ErrorIs(t, err, os.ErrExist)
		_, err = c.Download(t.Context(), "returns-1.csv", filepath.Join(dir, "returns-0.csv"), sftp.DownloadOptions{Overwrite: true})
		require.NoError(t, err)
		entries, err := os.ReadDir(dir)
		require.NoError(t, err)
		assert.Len(t, entries, len(sizes))
	})
}

func TestChannelsEverywhere(t *testing.T) {
	t.Parallel()
	eachBackend(t, func(t *testing.T, b *backend) {
		data := content(20<<20 + 12345)
		c := b.client(t)
		_, err := c.Upload(t.Context(), ccr.FileFromBytes("big.csv", data), sftp.UploadOptions{Channels: 4})
		require.NoError(t, err)
		got, _ := b.get(t, "uploads/big.csv")
		same(t, data, got)
		b.put(t, "downloads/big.csv", data)
		for channels := range 5 {
			local := filepath.Join(t.TempDir(), "big.csv")
			_, err := c.Download(t.Context(), "big.csv", local, sftp.DownloadOptions{Channels: channels})
			require.NoError(t, err)
			got, err := os.ReadFile(local)
			require.NoError(t, err)
			same(t, data, got)
		}
	})
}

func TestReceiveEverywhere(t *testing.T) {
	t.Parallel()
	eachBackend(t, func(t *testing.T, b *backend) {
		c := b.client(t)
		b.put(t, "downloads/a.csv", content(10))
		b.put(t, "downloads/b.csv", content(3<<20))
		b.put(t, "downloads/empty.csv", nil)
		b.put(t, "downloads/c.csv.part", content(7))
		once := sftp.ReceiveOptions{StableFor: -1}
		dir := t.TempDir()
		got, err := c.Receive(t.Context(), ccr.DirSink(dir), once)
		require.NoError(t, err)
		require.Len(t, got, 3)
		for _, r := range got {
			assert.Equal(t, ccr.Delivered, r.State)
		}
		data, err := os.ReadFile(filepath.Join(dir, "b.csv"))
		require.NoError(t, err)
		same(t, content(3<<20), data)

		require.NoError(t, os.Remove(filepath.Join(dir, "a.csv"))) // the consumer took it
		got, err = c.Receive(t.Context(), ccr.DirSink(dir), once)
		require.NoError(t, err)
		for _, r := range got {
			assert.Equal(t, ccr.DeliveredBefore, r.State)
		}
		require.NoFileExists(t, filepath.Join(dir, "a.csv"))

		move := once
		move.After, move.MoveTo = sftp.MoveRemote, "archive"
		_, err = c.Receive(t.Context(), ccr.DirSink(dir), move)
		require.NoError(t, err)
		assert.ElementsMatch(t, []string{"a.csv", "b.csv", "empty.csv"}, b.names(t, "archive"))
		assert.Equal(t, []string{"c.csv.part"}, b.names(t, "downloads"))

		b.put(t, "downloads/d.csv", content(77))
		remove := once
		remove.After = sftp.RemoveRemote
		got, err = c.Receive(t.Context(), ccr.DirSink(dir), remove)
		require.NoError(t, err)
		require.Len(t, got, 1)
		assert.Equal(t, []string{"c.csv.part"}, b.names(t, "downloads"))
		require.FileExists(t, filepath.Join(dir, "d.csv"))
	})
}
