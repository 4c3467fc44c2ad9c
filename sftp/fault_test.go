package sftp_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/ccr-sdk/ccr"
	"github.com/ccr-sdk/ccr/internal/tools/chaos/proxy"
	"github.com/ccr-sdk/ccr/sftp"
	"github.com/ccr-sdk/ccr/sftp/sftptest"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// window is what may be sent again after a broken connection: the bytes in
// flight on one channel.
const window = 2 << 20

// The connection is cut at 64 points of an upload and of a download. Each goes
// on where it was, and the final name never shows anything but the whole file.
func TestCutAt64Points(t *testing.T) {
	t.Parallel()
	const size = 4 << 20
	points := shortOrLong(16, 64)
	data := content(size)
	t.Run("upload", func(t *testing.T) {
		t.Parallel()
		for i := range points {
			b := startSFTPTest(t)
			b.srv.KeepNoRecord()
			c := b.client(t)
			at := int64(i) * size / int64(points)
			b.srv.Inject(sftptest.Fault{Kind: sftptest.Cut, After: at})
			up, err := c.Upload(t.Context(), ccr.FileFromBytes("debtors.csv", data), sftp.UploadOptions{})
			require.NoError(t, err, "cut after %d bytes", at)
			require.Equal(t, sftp.Verified, up.Verification)
			got, _ := b.srv.ReadFile("/uploads/debtors.csv")
			same(t, data, got)
			require.LessOrEqual(t, b.srv.BytesWritten(), int64(size+window), "cut after %d bytes", at)
			require.NoError(t, c.Shutdown(t.Context()))
			require.Equal(t, []string{"debtors.csv"}, b.srv.Files("/uploads"))
			b.srv.Close()
		}
	})
	t.Run("download", func(t *testing.T) {
		t.Parallel()
		dir := t.TempDir()
		for i := range points {
			b := startSFTPTest(t)
			b.srv.KeepNoRecord()
			b.put(t, "downloads/returns.csv", data)
			c := b.client(t)
			at := int64(i) * size / int64(points)
			b.srv.Inject(sftptest.Fault{Kind: sftptest.Cut, After: at})
			local := filepath.Join(dir, fmt.Sprintf("%d.csv", i))
			_, err := c.Download(t.Context(), "returns.csv", local, sftp.DownloadOptions{})
			require.NoError(t, err, "cut after %d bytes", at)
			got, err := os.ReadFile(local)
			require.NoError(t, err)
			same(t, data, got)
			require.LessOrEqual(t, b.srv.BytesRead(), int64(size+window), "cut after %d bytes", at)
			require.NoError(t, c.Shutdown(t.Context()))
			b.srv.Close()
		}
		entries, err := os.ReadDir(dir)
		require.NoError(t, err)
		require.Len(t, entries, points)
	})
}

// Servers whose connection is cut at random bytes by a proxy, one that cuts
// and one that resets.
func TestCutAtRandomPointsEverywhere(t *testing.T) {
	t.Parallel()
	eachBackend(t, func(t *testing.T, b *backend) {
		const size = 4 << 20
		points := shortOrLong(4, 16)
		data := content(size)
		b.put(t, "downloads/returns.csv", data)
		p := b.through(t, proxy.Config{Seed: 7})
		// More connections break here than a client may retry in a burst.
		c := b.client(t, func(cfg *sftp.Config) { cfg.Retry.Budget = -1 })
		for i := range points {
			p.Next(proxy.Fault{Kind: proxy.Cut, Dir: proxy.ToServer, At: 3000, Within: size - 3000})
			p.CutAll()
			name := fmt.Sprintf("debtors-%d.csv", i)
			_, err := c.Upload(t.Context(), ccr.FileFromBytes(name, data), sftp.UploadOptions{})
			require.NoError(t, err)
			got, _ := b.get(t, "uploads/"+name)
			same(t, data, got)

			p.Next(proxy.Fault{Kind: proxy.Reset, Dir: proxy.ToClient, At: 3000, Within: size - 3000})
			p.CutAll()
			local := filepath.Join(t.TempDir(), name)
			_, err = c.Download(t.Context(), "returns.csv", local, sftp.DownloadOptions{})
			require.NoError(t, err)
			got, err = os.ReadFile(local)
			require.NoError(t, err)
			same(t, data, got)
		}
		require.NoError(t, c.Shutdown(t.Context()))
		require.Len(t, b.names(t, "uploads"), points, "no temporary file stays")
		faults := p.Stats().Faults
		require.GreaterOrEqual(t, faults[proxy.Cut]+faults[proxy.Reset], int64(4*points-1), "CutAll and the planned ones: %v", faults)
	})
}

func TestFileGrowsWhileItIsDownloaded(t *testing.T) {
	t.Parallel()
	for _, size := range []int{1000, 3 << 20} {
		b := startSFTPTest(t)
		c := b.client(t)
		b.put(t, "downloads/r.csv", content(size))
		b.srv.Inject(sftptest.Fault{Operation: sftptest.OpRead, Kind: sftptest.Then, Do: func() { b.srv.Append("/downloads/r.csv", []byte("more")) }})
		local := filepath.Join(t.TempDir(), "r.csv")
		_, err := c.Download(t.Context(), "r.csv", local, sftp.DownloadOptions{})
		require.ErrorIs(t, err, sftp.ErrRemoteChanged)
		require.ErrorIs(t, err, ccr.ErrIncomplete)
		require.NoFileExists(t, local)

		sinkDir := t.TempDir()
		b.srv.Inject(sftptest.Fault{Operation: sftptest.OpRead, Kind: sftptest.Then, Do: func() { b.srv.Append("/downloads/r.csv", []byte("more")) }})
		got, err := c.Receive(t.Context(), ccr.DirSink(sinkDir), sftp.ReceiveOptions{StableFor: -1})
		require.ErrorIs(t, err, ccr.ErrIncomplete)
		require.Equal(t, ccr.ReceiveFailed, got[0].State)
		require.NoFileExists(t, filepath.Join(sinkDir, "r.csv"))
		got, err = c.Receive(t.Context(), ccr.DirSink(sinkDir), sftp.ReceiveOptions{StableFor: -1})
		require.NoError(t, err)
		require.Equal(t, ccr.Delivered, got[0].State)
		entries, err := os.ReadDir(filepath.Dir(local))
		require.NoError(t, err)
		require.Empty(t, entries)
	}
}

// A real server, and a file that grows all the time: what comes down without
// an error is the whole file of some moment of the call. If the machine keeps
// the writer from growing it meanwhile, that can be.
func TestGrowingFileOnARealServer(t *testing.T) {
	t.Parallel()
	b := startOpenSSH(t)
	c := b.client(t)
	data := content(3 << 20)
	path := filepath.Join(b.folders, "downloads", "grow.csv")
	var ok, failed int
	for range 20 {
		require.NoError(t, os.WriteFile(path, data[:1<<20], 0o644))
		f, err := os.OpenFile(path, os.O_WRONLY|os.O_APPEND, 0)
		require.NoError(t, err)
		stop, stopped := make(chan struct{}), make(chan struct{})
		var written atomic.Int64
		written.Store(1 << 20)
		go func() {
			defer close(stopped)
			for off := 1 << 20; off < len(data); off += 10000 {
				select {
				case <-stop:
					return
				default:
					n, _ := f.Write(data[off:min(off+10000, len(data))])
					written.Add(int64(n))
				}
			}
		}()
		local := filepath.Join(t.TempDir(), "grow.csv")
		before := written.Load()
		_, err = c.Download(t.Context(), "grow.csv", local, sftp.DownloadOptions{})
		after := written.Load() + 10000 // one write may be under way
		close(stop)
		<-stopped
		require.NoError(t, f.Close())
		if err != nil {
			require.ErrorIs(t, err, sftp.ErrRemoteChanged)
			require.NoFileExists(t, local)
			failed++
			continue
		}
		got, err := os.ReadFile(local)
		require.NoError(t, err)
		size := int64(len(got))
		require.True(t, before <= size && size <= min(after, int64(len(data))), "%d bytes; the file had %d before and at most %d after", size, before, after)
		same(t, data[:size], got)
		ok++
	}
	t.Logf("%d whole, %d refused", ok, failed)
}

func TestShortReads(t *testing.T) {
	t.Parallel()
	for _, limit := range []int{1000, 32 << 10, 100_000} {
		b := backendOf(t, sftptest.Config{Traits: sftptest.Traits{ShortReads: limit}})
		c := b.client(t)
		data := content(1<<20 + 17)
		b.put(t, "downloads/r.csv", data)
		for _, channels := range []int{1, 2} {
			local := filepath.Join(t.TempDir(), "r.csv")
			_, err := c.Download(t.Context(), "r.csv", local, sftp.DownloadOptions{Channels: channels})
			require.NoError(t, err)
			got, err := os.ReadFile(local)
			require.NoError(t, err)
			same(t, data, got)
		}
	}
}

// Requests never exceed what a server announces, or 32 KiB if it announces nothing.
func TestRequestSizes(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		traits      sftptest.Traits
		read, write int
	}{
		"announced":     {sftptest.Traits{}, 256<<10 - 1024, 128 << 10},
		"not announced": {sftptest.Traits{NoLimits: true}, 32 << 10, 32 << 10},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b := backendOf(t, sftptest.Config{Traits: tt.traits})
			c := b.client(t)
			data := content(3 << 20)
			_, err := c.Upload(t.Context(), ccr.FileFromBytes("a.csv", data), sftp.UploadOptions{})
			require.NoError(t, err)
			b.put(t, "downloads/r.csv", data)
			_, err = c.Download(t.Context(), "r.csv", filepath.Join(t.TempDir(), "r.csv"), sftp.DownloadOptions{})
			require.NoError(t, err)
			for op, want := range map[string]int{sftptest.OpRead: tt.read, sftptest.OpWrite: tt.write} {
				largest := 0
				for _, r := range b.srv.Requests(op) {
					largest = max(largest, r.Length)
				}
				assert.Equal(t, want, largest, op)
			}
		})
	}
}

// Nothing that is sent lies more than a window above what was acknowledged in
// order, whatever the order of the answers: that is what a resume relies on.
func TestUploadNeverLeavesTheWindow(t *testing.T) {
	t.Parallel()
	inBubble(t, func(t *testing.T, srv *sftptest.Server) {
		c := dialMemory(t, srv, nil)
		// No answer comes: all that may be sent is sent, and no more.
		srv.Inject(sftptest.Fault{Operation: sftptest.OpWrite, Kind: sftptest.Stall})
		ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
		defer cancel()
		var sent atomic.Int64
		source := slowSource("a.csv", 20<<20, func() io.Reader { return &counting{bytes.NewReader(content(20 << 20)), &sent} })
		_, err := c.Upload(ctx, source, sftp.UploadOptions{})
		require.Error(t, err)
		assert.LessOrEqual(t, sent.Load(), int64(window))
		assert.Greater(t, sent.Load(), int64(window/2))
		require.NoError(t, c.Close())
	})
}

// counting counts what is read of a source.
type counting struct {
	io.Reader
	n *atomic.Int64
}

func (r *counting) Read(b []byte) (int, error) {
	n, err := r.Reader.Read(b)
	r.n.Add(int64(n))
	return n, err
}

func TestFailedWriteInTheMiddle(t *testing.T) {
	t.Parallel()
	for name, status := range map[string]uint32{"failure": 4, "permission": 3, "quota": 15} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b := startSFTPTest(t)
			c := b.client(t)
			b.srv.Inject(sftptest.Fault{Operation: sftptest.OpWrite, Skip: 9, Kind: sftptest.Refuse, Status: status})
			_, err := c.Upload(t.Context(), ccr.FileFromBytes("a.csv", content(8<<20)), sftp.UploadOptions{})
			require.Error(t, err)
			assertOutcome(t, err, ccr.OutcomeRejected)
			require.NoError(t, c.Shutdown(t.Context()))
			assert.Empty(t, b.srv.Files("/uploads"), "neither half a file nor a temporary one")
		})
	}
}

func TestFullDisk(t *testing.T) {
	t.Parallel()
	for name, traits := range map[string]sftptest.Traits{
		"statvfs":      {Capacity: 1 << 20},
		"text of ours": {NoStatVFS: true}, // no capacity: its refusal would race with the injected one
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b := backendOf(t, sftptest.Config{Traits: traits})
			c := b.client(t)
			if traits.NoStatVFS {
				b.srv.Inject(sftptest.Fault{Operation: sftptest.OpWrite, Skip: 3, Times: -1, Kind: sftptest.Refuse, Text: "No space left on device"})
			} else {
				b.put(t, "downloads/fill.csv", make([]byte, 1<<20-100))
			}
			_, err := c.Upload(t.Context(), ccr.FileFromBytes("a.csv", content(4<<20)), sftp.UploadOptions{})
			require.ErrorIs(t, err, sftp.ErrDiskFull)
			require.ErrorIs(t, err, ccr.ErrUnavailable)
			assertOutcome(t, err, ccr.OutcomeRejected)
			require.NoError(t, c.Shutdown(t.Context()))
			assert.Empty(t, b.srv.Files("/uploads"))
		})
	}
	t.Run("at close", func(t *testing.T) {
		t.Parallel()
		b := startSFTPTest(t)
		c := b.client(t)
		b.srv.Inject(sftptest.Fault{Operation: sftptest.OpClose, Kind: sftptest.Refuse, Text: "Quota exceeded"})
		_, err := c.Upload(t.Context(), ccr.FileFromBytes("a.csv", content(100)), sftp.UploadOptions{})
		require.ErrorIs(t, err, sftp.ErrDiskFull)
		require.NoError(t, c.Shutdown(t.Context()))
		assert.Empty(t, b.srv.Files("/uploads"))
	})
}

func TestPermissions(t *testing.T) {
	t.Parallel()
	b := startSFTPTest(t)
	c := b.client(t)
	none := sftptest.Permission{List: true, Stat: true}
	b.srv.Allow("/uploads", none)
	_, err := c.Upload(t.Context(), ccr.FileFromBytes("a.csv", []byte("x")), sftp.UploadOptions{})
	require.ErrorIs(t, err, ccr.ErrForbidden)
	assertOutcome(t, err, ccr.OutcomeRejected)

	b.srv.Allow("/uploads", sftptest.Permission{Write: true, Remove: true}) // no rename
	_, err = c.Upload(t.Context(), ccr.FileFromBytes("a.csv", []byte("x")), sftp.UploadOptions{})
	require.ErrorIs(t, err, ccr.ErrForbidden)
	assert.Contains(t, err.Error(), "PolicyDirect")
	assertOutcome(t, err, ccr.OutcomeRejected)

	b.srv.Allow("/downloads", none)
	b.put(t, "downloads/r.csv", []byte("x"))
	_, err = c.Download(t.Context(), "r.csv", filepath.Join(t.TempDir(), "r.csv"), sftp.DownloadOptions{})
	require.ErrorIs(t, err, ccr.ErrForbidden)
	require.NoError(t, c.Shutdown(t.Context()))
	assert.Empty(t, b.srv.Files("/uploads"))
}

// A folder that can only be written to: the size cannot be asked for by name,
// and on some servers not on the handle either.
func TestWriteOnlyFolder(t *testing.T) {
	t.Parallel()
	b := startSFTPTest(t)
	c := b.client(t)
	b.srv.Allow("/uploads", sftptest.Permission{Write: true, Rename: true})
	up, err := c.Upload(t.Context(), ccr.FileFromBytes("a.csv", []byte("x")), sftp.UploadOptions{})
	require.NoError(t, err)
	assert.Equal(t, sftp.Verified, up.Verification)
	b.srv.Inject(sftptest.Fault{Operation: sftptest.OpFstat, Kind: sftptest.Refuse, Status: 3})
	up, err = c.Upload(t.Context(), ccr.FileFromBytes("b.csv", []byte("x")), sftp.UploadOptions{})
	require.NoError(t, err)
	assert.Equal(t, sftp.Unverifiable, up.Verification)
	// The rename still refuses to replace what could not be seen.
	_, err = c.Upload(t.Context(), ccr.FileFromBytes("b.csv", []byte("new")), sftp.UploadOptions{})
	require.Error(t, err)
	got, _ := b.srv.ReadFile("/uploads/b.csv")
	assert.Equal(t, "x", string(got))
}

func TestWrongSizeIsAnError(t *testing.T) {
	t.Parallel()
	b := backendOf(t, sftptest.Config{Traits: sftptest.Traits{NoFsync: true}})
	c := b.client(t)
	b.srv.Inject(sftptest.Fault{Operation: sftptest.OpFstat, Kind: sftptest.Then, Do: func() {
		for _, n := range b.srv.Files("/uploads") {
			b.srv.Append("/uploads/"+n, []byte("!"))
		}
	}})
	_, err := c.Upload(t.Context(), ccr.FileFromBytes("a.csv", []byte("x")), sftp.UploadOptions{})
	require.ErrorIs(t, err, ccr.ErrIncomplete)
	assertOutcome(t, err, ccr.OutcomeNotSent)
	require.NoError(t, c.Shutdown(t.Context()))
	assert.Empty(t, b.srv.Files("/uploads"))
}

// The reply to the rename is lost: the next connection looks at both names.
func TestLostRenameReply(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		fault   sftptest.Fault
		opts    sftp.UploadOptions
		outcome ccr.Outcome // "" is success
	}{
		"renamed":       {sftptest.Fault{Operation: sftptest.OpRename, Kind: sftptest.LoseAnswer}, sftp.UploadOptions{}, ""},
		"not renamed":   {sftptest.Fault{Operation: sftptest.OpRename, Kind: sftptest.CutBefore}, sftp.UploadOptions{}, ""},
		"replaced":      {sftptest.Fault{Operation: sftptest.OpPosixRename, Kind: sftptest.LoseAnswer}, sftp.UploadOptions{Overwrite: true}, ""},
		"and taken":     {sftptest.Fault{Operation: sftptest.OpRename, Kind: sftptest.LoseAnswer}, sftp.UploadOptions{}, ccr.OutcomeUnknown},
		"and forbidden": {sftptest.Fault{Operation: sftptest.OpRename, Kind: sftptest.LoseAnswer}, sftp.UploadOptions{}, ccr.OutcomeUnknown},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b := startSFTPTest(t)
			c := b.client(t)
			b.srv.Inject(tt.fault)
			switch name {
			case "and taken": // the vendor processes it at once
				b.srv.Inject(sftptest.Fault{Operation: sftptest.OpLstat, Skip: 1, Kind: sftptest.Then, Do: func() { b.srv.RemoveFile("/uploads/a.csv") }})
			case "and forbidden":
				b.srv.Inject(sftptest.Fault{Operation: sftptest.OpLstat, Skip: 1, Times: -1, Kind: sftptest.Refuse, Status: 3})
				b.srv.Inject(sftptest.Fault{Operation: sftptest.OpStat, Times: -1, Kind: sftptest.Refuse, Status: 3})
			}
			_, err := c.Upload(t.Context(), ccr.FileFromBytes("a.csv", []byte("content")), tt.opts)
			if tt.outcome != "" {
				require.ErrorIs(t, err, ccr.ErrOutcomeUnknown)
				assertOutcome(t, err, tt.outcome)
				return
			}
			require.NoError(t, err)
			require.NoError(t, c.Shutdown(t.Context()))
			assert.Equal(t, []string{"a.csv"}, b.srv.Files("/uploads"))
			got, _ := b.srv.ReadFile("/uploads/a.csv")
			assert.Equal(t, "content", string(got))
		})
	}
}

// Every single request of an upload is lost in turn, before or after the
// server acts: the file arrives once, whole, and nothing else stays.
func TestEveryReplyLostOnce(t *testing.T) {
	t.Parallel()
	data := content(300_000)
	folders := map[string]sftp.UploadFolder{
		"rename": {Path: "uploads"}, "direct": {Path: "uploads", Policy: sftp.PolicyDirect}, "marker": {Path: "uploads", Policy: sftp.PolicyMarker},
	}
	for policy, folder := range folders {
		for _, kind := range []sftptest.FaultKind{sftptest.CutBefore, sftptest.LoseAnswer} {
			t.Run(policy+" "+string(kind), func(t *testing.T) {
				t.Parallel()
				for skip := 0; ; skip++ {
					b := startSFTPTest(t)
					c := b.client(t, func(cfg *sftp.Config) { cfg.Layout.Uploads = []sftp.UploadFolder{folder} })
					before := len(b.srv.Requests(""))
					b.srv.Inject(sftptest.Fault{Kind: kind, Skip: skip})
					_, err := c.Upload(t.Context(), ccr.FileFromBytes("a.csv", data), sftp.UploadOptions{})
					require.NoError(t, err, "request %d", skip)
					require.NoError(t, c.Shutdown(t.Context()))
					got, _ := b.srv.ReadFile("/uploads/a.csv")
					same(t, data, got)
					want := []string{"a.csv"}
					if folder.Policy == sftp.PolicyMarker {
						want = append(want, "a.csv.done")
					}
					require.Equal(t, want, b.srv.Files("/uploads"), "request %d", skip)
					n := len(b.srv.Requests("")) - before
					b.srv.Close()
					if skip >= n { // the fault did not strike any more
						break
					}
				}
			})
		}
	}
}

func TestServersWithoutPosixRename(t *testing.T) {
	t.Parallel()
	b := backendOf(t, sftptest.Config{Traits: sftptest.Traits{NoPosixRename: true}})
	c := b.client(t)
	b.put(t, "uploads/a.csv", []byte("old"))
	_, err := c.Upload(t.Context(), ccr.FileFromBytes("a.csv", []byte("new")), sftp.UploadOptions{Overwrite: true})
	require.ErrorIs(t, err, sftp.ErrExists)
	assert.Contains(t, err.Error(), "DeleteFirst")
	got, _ := b.get(t, "uploads/a.csv")
	assert.Equal(t, "old", string(got), "never deleted unless asked to")
	_, err = c.Upload(t.Context(), ccr.FileFromBytes("a.csv", []byte("new")), sftp.UploadOptions{Overwrite: true, DeleteFirst: true})
	require.NoError(t, err)
	got, _ = b.get(t, "uploads/a.csv")
	assert.Equal(t, "new", string(got))
	require.NoError(t, c.Shutdown(t.Context()))
	assert.Equal(t, []string{"a.csv"}, b.srv.Files("/uploads"))
}

// Somebody else's file appears under the final name while ours is sent.
func TestNameTakenMeanwhile(t *testing.T) {
	t.Parallel()
	b := startSFTPTest(t)
	c := b.client(t)
	b.srv.Inject(sftptest.Fault{Operation: sftptest.OpWrite, Kind: sftptest.Then, Do: func() { b.srv.WriteFile("/uploads/a.csv", []byte("theirs")) }})
	_, err := c.Upload(t.Context(), ccr.FileFromBytes("a.csv", []byte("ours")), sftp.UploadOptions{})
	require.ErrorIs(t, err, sftp.ErrExists)
	assertOutcome(t, err, ccr.OutcomeRejected)
	require.NoError(t, c.Shutdown(t.Context()))
	got, _ := b.srv.ReadFile("/uploads/a.csv")
	assert.Equal(t, "theirs", string(got))
	assert.Equal(t, []string{"a.csv"}, b.srv.Files("/uploads"))
}

// A folder that processes whatever appears takes the temporary file away.
func TestTemporaryFileTakenAway(t *testing.T) {
	t.Parallel()
	b := startSFTPTest(t)
	c := b.client(t)
	b.srv.Inject(sftptest.Fault{Operation: sftptest.OpRename, Kind: sftptest.Then, Do: func() {
		for _, n := range b.srv.Files("/uploads") {
			b.srv.RemoveFile("/uploads/" + n)
		}
	}})
	_, err := c.Upload(t.Context(), ccr.FileFromBytes("a.csv", []byte("x")), sftp.UploadOptions{})
	require.ErrorIs(t, err, ccr.ErrOutcomeUnknown)
	assert.Contains(t, err.Error(), "PolicyStaging")
}

// A failure of a direct upload leaves a part under the final name: unknown.
func TestDirectUploadBreaks(t *testing.T) {
	t.Parallel()
	b := startSFTPTest(t)
	c := b.client(t, func(cfg *sftp.Config) {
		cfg.Layout.Uploads = []sftp.UploadFolder{{Path: "uploads", Policy: sftp.PolicyDirect}}
	})
	b.srv.Inject(sftptest.Fault{Operation: sftptest.OpWrite, Skip: 3, Times: -1, Kind: sftptest.Refuse})
	_, err := c.Upload(t.Context(), ccr.FileFromBytes("a.csv", content(8<<20)), sftp.UploadOptions{})
	require.ErrorIs(t, err, ccr.ErrOutcomeUnknown)
	assertOutcome(t, err, ccr.OutcomeUnknown)
	require.NoError(t, c.Shutdown(t.Context()))
	assert.Equal(t, []string{"a.csv"}, b.srv.Files("/uploads"), "a final name is never deleted")
	assert.Empty(t, b.srv.Requests(sftptest.OpRemove))
}

func TestSourceChangesWhileItIsSent(t *testing.T) {
	t.Parallel()
	b := startSFTPTest(t)
	c := b.client(t)
	data := content(3 << 20)
	shorter := slowSource("short.csv", int64(len(data)), func() io.Reader { return bytes.NewReader(data[:len(data)-1]) })
	longer := slowSource("long.csv", int64(len(data)), func() io.Reader { return bytes.NewReader(append(data[:len(data):len(data)], 1)) })
	broken := slowSource("broken.csv", int64(len(data)), func() io.Reader {
		return io.MultiReader(bytes.NewReader(data[:100]), &failing{fmt.Errorf("disk: %w", io.ErrUnexpectedEOF)})
	})
	path := filepath.Join(t.TempDir(), "grows.csv")
	require.NoError(t, os.WriteFile(path, data, 0o600))
	b.srv.Inject(sftptest.Fault{Operation: sftptest.OpWrite, Path: "", Skip: 0, Kind: sftptest.Then, Do: func() {
		f, err := os.OpenFile(path, os.O_WRONLY|os.O_APPEND, 0)
		if err == nil {
			_, _ = f.WriteString("one more row")
			_ = f.Close()
		}
	}})
	_, err := c.Upload(t.Context(), ccr.FileFromPath(path), sftp.UploadOptions{})
	require.ErrorIs(t, err, ccr.ErrFileChanged)
	assertOutcome(t, err, ccr.OutcomeNotSent)
	for _, f := range []ccr.File{shorter, longer} {
		_, err := c.Upload(t.Context(), f, sftp.UploadOptions{})
		require.ErrorIs(t, err, ccr.ErrFileChanged, f.Name())
	}
	_, err = c.Upload(t.Context(), broken, sftp.UploadOptions{})
	require.Error(t, err)
	_, err = c.Upload(t.Context(), ccr.FileFromPath(filepath.Join(t.TempDir(), "none.csv")), sftp.UploadOptions{})
	require.ErrorIs(t, err, os.ErrNotExist)
	require.NoError(t, c.Shutdown(t.Context()))
	assert.Empty(t, b.srv.Files("/uploads"))
}

type failing struct{ err error }

func (f *failing) Read([]byte) (int, error) { return 0, f.err }

func TestNames(t *testing.T) {
	t.Parallel()
	b := startSFTPTest(t)
	c := b.client(t)
	bad := []string{"", ".", "..", "a/b.csv", `a\b.csv`, ".hidden", "a\x00b", "a\nb", " a.csv", "a.csv ", "a.csv.part", "a.tmp", "A.PART", strings.Repeat("x", 201), "bad\xff.csv"}
	var files []ccr.File
	var paths []string
	for i, n := range bad {
		files = append(files, ccr.FileFromBytes(n, nil))
		paths = append(paths, fmt.Sprintf("files[%d].name", i))
	}
	files = append(files, ccr.FileFromBytes("good.csv", nil), ccr.FileFromBytes("good.csv", nil))
	paths = append(paths, fmt.Sprintf("files[%d].name", len(bad)+1))
	before := len(b.srv.Requests(""))
	_, err := c.UploadAll(t.Context(), files, sftp.UploadOptions{})
	require.ErrorIs(t, err, ccr.ErrInvalid)
	assertFields(t, err, paths...)
	assert.NotContains(t, err.Error(), "hidden", "names are not quoted")
	assert.Len(t, b.srv.Requests(""), before, "nothing was sent")

	good := []string{"a b.csv", "Übersicht.csv", "Brand-Portfolio-1234.pdf", "a'b&c£.csv", "parted"}
	for _, n := range good {
		_, err := c.Upload(t.Context(), ccr.FileFromBytes(n, nil), sftp.UploadOptions{})
		require.NoError(t, err, n)
	}
	bureau := backendOf(t, sftptest.Config{Layout: sftp.ClearDebit()}).client(t)
	for _, n := range []string{"a'b.csv", "a&b.csv", "£.csv", "a’b.csv"} {
		_, err := bureau.Upload(t.Context(), ccr.FileFromBytes(n, nil), sftp.UploadOptions{})
		require.ErrorIs(t, err, ccr.ErrInvalid, n)
	}
}

func TestUploadAllGoesOnAfterAFailure(t *testing.T) {
	t.Parallel()
	b := startSFTPTest(t)
	c := b.client(t)
	b.put(t, "uploads/b.csv", []byte("old"))
	files := []ccr.File{ccr.FileFromBytes("a.csv", nil), ccr.FileFromBytes("b.csv", nil), ccr.FileFromBytes("c.csv", nil)}
	got, err := c.UploadAll(t.Context(), files, sftp.UploadOptions{})
	require.ErrorIs(t, err, sftp.ErrExists)
	assert.Contains(t, err.Error(), "1 of 3 files failed")
	assertOutcome(t, err, ccr.OutcomeRejected)
	require.Len(t, got, 3)
	assert.NoError(t, got[0].Err)
	assert.ErrorIs(t, got[1].Err, sftp.ErrExists)
	assert.NoError(t, got[2].Err)

	b.srv.RemoveFolder("/uploads")
	_, err = c.UploadAll(t.Context(), files, sftp.UploadOptions{})
	require.ErrorIs(t, err, sftp.ErrFolderMissing)
	assertOutcome(t, err, ccr.OutcomeRejected)
}

func TestProgress(t *testing.T) {
	t.Parallel()
	b := startSFTPTest(t)
	c := b.client(t)
	var last atomic.Int64
	var calls, done atomic.Int64
	watch := func(p ccr.Progress) {
		calls.Add(1)
		if p.Bytes < last.Load() {
			t.Errorf("progress went back from %d to %d", last.Load(), p.Bytes)
		}
		last.Store(p.Bytes)
		if p.Done {
			done.Add(1)
		}
	}
	data := content(5 << 20)
	_, err := c.Upload(t.Context(), ccr.FileFromBytes("a.csv", data), sftp.UploadOptions{Progress: watch})
	require.NoError(t, err)
	assert.EqualValues(t, len(data), last.Load())
	assert.EqualValues(t, 1, done.Load())
	assert.Greater(t, calls.Load(), int64(10))
	last.Store(0)
	b.put(t, "downloads/r.csv", data)
	_, err = c.Download(t.Context(), "r.csv", filepath.Join(t.TempDir(), "r"), sftp.DownloadOptions{Progress: watch})
	require.NoError(t, err)
	assert.EqualValues(t, len(data), last.Load())
	assert.EqualValues(t, 2, done.Load())
}

// No SETSTAT and no MKDIR, whatever is done.
func TestNothingIsAskedForThatWasNotWanted(t *testing.T) {
	t.Parallel()
	b := startSFTPTest(t)
	c := b.client(t)
	_, err := c.Upload(t.Context(), ccr.FileFromBytes("a.csv", content(100)), sftp.UploadOptions{})
	require.NoError(t, err)
	b.put(t, "downloads/r.csv", content(100))
	_, err = c.Receive(t.Context(), ccr.DirSink(t.TempDir()), sftp.ReceiveOptions{StableFor: -1})
	require.NoError(t, err)
	for _, op := range []string{sftptest.OpSetstat, sftptest.OpFsetstat, sftptest.OpMkdir, sftptest.OpRmdir, sftptest.OpRemove} {
		assert.Empty(t, b.srv.Requests(op), op)
	}
	for _, r := range b.srv.Requests(sftptest.OpOpen) {
		assert.NotContains(t, r.String(), "append")
	}
}

func TestClosedClient(t *testing.T) {
	t.Parallel()
	b := startSFTPTest(t)
	c := b.client(t)
	require.NoError(t, c.Shutdown(t.Context()))
	_, err := c.List(t.Context(), sftp.ListOptions{})
	require.ErrorIs(t, err, sftp.ErrClosed)
	_, err = c.Upload(t.Context(), ccr.FileFromBytes("a.csv", nil), sftp.UploadOptions{})
	require.ErrorIs(t, err, sftp.ErrClosed)
	_, err = c.Receive(t.Context(), ccr.DirSink(t.TempDir()), sftp.ReceiveOptions{})
	require.ErrorIs(t, err, sftp.ErrClosed)
	require.NoError(t, c.Shutdown(t.Context()))
	e, _ := errors.AsType[*ccr.Error](err)
	assert.Contains(t, e.Advice, "new client")
}
