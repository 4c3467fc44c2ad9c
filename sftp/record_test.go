package sftp_test

import (
	"bytes"
	"crypto/rand"
	"io"
	"os"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/ccr-sdk/ccr"
	"github.com/ccr-sdk/ccr/internal/testkit/ledgerd"
	"github.com/ccr-sdk/ccr/sftp"
	"github.com/ccr-sdk/ccr/sftp/sftptest"
)

// counted counts the openings and bytes of a file whose n-th opening has the
// n-th of the contents, or the last.
type counted struct {
	contents    [][]byte
	opens, read atomic.Int64
}

func (c *counted) file(name string) ccr.File {
	return ccr.NewFile(name, int64(len(c.contents[0])), func() (io.ReadCloser, error) {
		n := min(int(c.opens.Add(1)), len(c.contents)) - 1
		return &countedReader{bytes.NewReader(c.contents[n]), c}, nil
	})
}

type countedReader struct {
	*bytes.Reader
	c *counted
}

func (r *countedReader) Read(p []byte) (int, error) {
	n, err := r.Reader.Read(p)
	r.c.read.Add(int64(n))
	return n, err
}

func (r *countedReader) Close() error { return nil }

func TestLedgerReadsTheFileTwice(t *testing.T) {
	t.Parallel()
	b := startSFTPTest(t)
	source := &counted{contents: [][]byte{content(300_000)}}
	_, err := b.client(t).Upload(t.Context(), source.file("a.csv"), sftp.UploadOptions{Ledger: ccr.NewMemoryLedger()})
	require.NoError(t, err)
	assert.Equal(t, int64(2), source.opens.Load())
	assert.Equal(t, int64(600_000), source.read.Load())
}

// The file changes, at the same size, after it was claimed: what is sent is not
// what the ledger stands for. Without the comparison in hashing.end, the ledger
// says that one content was sent and the vendor has another.
func TestSourceChangedAfterTheClaim(t *testing.T) {
	t.Parallel()
	for _, size := range []int{100, 300_000} {
		b := startSFTPTest(t)
		first, second := content(size), bytes.Repeat([]byte{'x'}, size)
		source := &counted{contents: [][]byte{first, second}}
		o := sftp.UploadOptions{Ledger: ccr.NewMemoryLedger()}
		c := b.client(t)
		_, err := c.Upload(t.Context(), source.file("a.csv"), o)
		require.ErrorIs(t, err, ccr.ErrFileChanged)
		assertOutcome(t, err, ccr.OutcomeNotSent)
		for _, content := range [][]byte{first, second} {
			require.ErrorIs(t, c.SettleUpload(t.Context(), sftp.SettleOptions{Ledger: o.Ledger, File: ccr.FileFromBytes("b.csv", content)}), ccr.ErrNoEntry)
		}
		_, there := b.srv.ReadFile("/uploads/a.csv")
		assert.False(t, there)
		up, err := c.Upload(t.Context(), ccr.FileFromBytes("a.csv", first), o)
		require.NoError(t, err, "it may be sent")
		assert.False(t, up.Recorded)
		got, _ := b.srv.ReadFile("/uploads/a.csv")
		same(t, first, got)
	}
}

// inUploads serves a folder of given rights.
func inUploads(t *testing.T, rights sftptest.Permission, f func(t *testing.T, srv *sftptest.Server)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		srv, err := sftptest.NewServer(sftptest.Config{InMemory: true, Permissions: map[string]sftptest.Permission{"/uploads": rights}})
		require.NoError(t, err)
		f(t, srv)
		srv.Close()
	})
}

// A file of the final name counts as this upload only if it has its size and,
// where it can be read, its content: within the call whose rename got no
// reply, and for a later one after a crash.
func TestAForeignFileIsNotThisUpload(t *testing.T) {
	t.Parallel()
	data := content(1000)
	other := bytes.Clone(data)
	other[500]++
	all := sftptest.Permission{List: true, Stat: true, Read: true, Write: true, Rename: true, Remove: true}
	blind := all
	blind.Read = false
	for name, tc := range map[string]struct {
		rights  sftptest.Permission
		there   []byte
		arrived bool
	}{
		"it":                            {all, data, true},
		"another size":                  {all, data[:999], false},
		"another content":               {all, other, false},
		"gone":                          {all, nil, false},
		"not readable":                  {blind, data, true},
		"not readable and another size": {blind, data[:999], false},
	} {
		meddle := func(srv *sftptest.Server) {
			srv.RemoveFile("/uploads/a.csv")
			if tc.there != nil {
				srv.WriteFile("/uploads/a.csv", tc.there)
			}
		}
		check := func(t *testing.T, err error) {
			t.Helper()
			if tc.arrived {
				require.NoError(t, err)
				return
			}
			require.ErrorIs(t, err, ccr.ErrOutcomeUnknown)
		}
		file := ccr.FileFromBytes("a.csv", data)
		t.Run(name+", same call", func(t *testing.T) {
			t.Parallel()
			inUploads(t, tc.rights, func(t *testing.T, srv *sftptest.Server) {
				srv.Inject(sftptest.Fault{Operation: sftptest.OpRename, Kind: sftptest.LoseAnswer})
				srv.Inject(sftptest.Fault{Operation: sftptest.OpLstat, Skip: 1, Kind: sftptest.Then, Do: func() { meddle(srv) }})
				c := dialMemory(t, srv, nil)
				_, err := c.Upload(t.Context(), file, sftp.UploadOptions{Ledger: ccr.NewMemoryLedger()})
				check(t, err)
				require.NoError(t, c.Shutdown(t.Context()))
			})
		})
		t.Run(name+", after a crash", func(t *testing.T) {
			t.Parallel()
			inUploads(t, tc.rights, func(t *testing.T, srv *sftptest.Server) {
				ledger := ccr.NewMemoryLedger()
				c := dialMemory(t, srv, nil)
				_, err := c.Upload(t.Context(), file, sftp.UploadOptions{Ledger: &dyingLedger{Ledger: ledger, srv: srv, left: 2}})
				require.ErrorIs(t, err, ccr.ErrOutcomeUnknown)
				meddle(srv)
				time.Sleep(afterLease)
				up, err := c.Upload(t.Context(), file, sftp.UploadOptions{Ledger: ledger})
				check(t, err)
				if tc.arrived {
					assert.True(t, up.Recorded)
				}
				assert.Equal(t, 1, renamesTo(srv, "/uploads/a.csv"))
				require.NoError(t, c.Shutdown(t.Context()))
			})
		})
	}
}

// The same content goes into another folder, and to another account, as a file
// of its own.
func TestLedgerKeepsFoldersAndAccountsApart(t *testing.T) {
	t.Parallel()
	all := sftptest.Permission{List: true, Stat: true, Read: true, Write: true, Rename: true, Remove: true}
	synctest.Test(t, func(t *testing.T) {
		srv, err := sftptest.NewServer(sftptest.Config{InMemory: true, Permissions: map[string]sftptest.Permission{"/uploads": all, "/eu": all}})
		require.NoError(t, err)
		defer srv.Close()
		srv.WriteFile("/eu/.keep", nil)
		ledger := ccr.NewMemoryLedger()
		file := ccr.FileFromBytes("a.csv", content(100))
		sent := 0
		for i, vendor := range []string{"creditclear", "other"} {
			c := dialMemory(t, srv, func(cfg *sftp.Config) {
				cfg.Layout.Vendor = vendor
				cfg.Layout.Uploads = append(cfg.Layout.Uploads, sftp.UploadFolder{Path: "eu"})
			})
			for _, folder := range []string{"uploads", "eu", "uploads", "eu"} {
				up, err := c.Upload(t.Context(), file, sftp.UploadOptions{Ledger: ledger, Folder: folder, Overwrite: i > 0})
				require.NoError(t, err)
				if !up.Recorded {
					sent++
				}
			}
			require.NoError(t, c.Shutdown(t.Context()))
		}
		assert.Equal(t, 4, sent)
	})
}

// The ledger fails, and another worker takes the upload over. When
// the first one goes on, it gives the file no name any more. Without the look
// right before, it does (renames) or begins to write (direct).
func TestNothingAppearsOnceTheClaimIsLost(t *testing.T) {
	t.Parallel()
	for _, policy := range []sftp.Policy{sftp.PolicyRename, sftp.PolicyDirect} {
		t.Run(string(policy), func(t *testing.T) {
			t.Parallel()
			inBubble(t, func(t *testing.T, srv *sftptest.Server) {
				ledger := ccr.NewMemoryLedger()
				down := &dyingLedger{Ledger: ledger, srv: srv, left: 1, quiet: true}
				if policy == sftp.PolicyRename {
					down.left = 2
				}
				change := func(c *sftp.Config) {
					c.Layout.Uploads[0].Policy = policy
					c.Retry.AttemptTimeout = time.Hour
				}
				first, second := dialMemory(t, srv, change), dialMemory(t, srv, change)
				// The last response before the name appears is very late.
				op := sftptest.OpClose
				if policy == sftp.PolicyDirect {
					op = sftptest.OpLstat
				}
				srv.Inject(sftptest.Fault{Operation: op, Kind: sftptest.Delay, Delay: 20 * time.Minute})
				file := ccr.FileFromBytes("a.csv", content(1000))
				var wg sync.WaitGroup
				wg.Go(func() {
					_, err := first.Upload(t.Context(), file, sftp.UploadOptions{Ledger: down})
					assert.Error(t, err)
				})
				time.Sleep(10 * time.Minute)
				up, err := second.Upload(t.Context(), file, sftp.UploadOptions{Ledger: ledger})
				if policy == sftp.PolicyRename {
					require.NoError(t, err)
					assert.False(t, up.Recorded)
					srv.RemoveFile("/uploads/a.csv") // the vendor takes it
				} else {
					require.ErrorIs(t, err, ccr.ErrOutcomeUnknown)
				}
				wg.Wait()
				time.Sleep(time.Hour)
				_, there := srv.ReadFile("/uploads/a.csv")
				assert.False(t, there)
				require.NoError(t, first.Shutdown(t.Context()))
				require.NoError(t, second.Shutdown(t.Context()))
			})
		})
	}
}

// A worker whose connection broke opens its temporary file again, which
// truncates it, and that request arrives only after another worker has taken
// the upload over, written the file and checked it. Without the new name that
// fence gives the temporary file, the final name shows an empty file.
func TestALateOpenDoesNotTruncateWhatAnotherWorkerSends(t *testing.T) {
	t.Parallel()
	inBubble(t, func(t *testing.T, srv *sftptest.Server) {
		ledger := ccr.NewMemoryLedger()
		change := func(c *sftp.Config) { c.Retry.AttemptTimeout = time.Hour }
		first, second := dialMemory(t, srv, change), dialMemory(t, srv, change)
		data := content(1000)
		srv.Inject(sftptest.Fault{Operation: sftptest.OpWrite, Kind: sftptest.LoseAnswer})
		srv.Inject(sftptest.Fault{Operation: sftptest.OpOpen, Skip: 1, Kind: sftptest.Then, Do: func() { time.Sleep(15 * time.Minute) }})
		srv.Inject(sftptest.Fault{Operation: sftptest.OpRename, Times: -1, Kind: sftptest.Then, Do: func() { time.Sleep(8 * time.Minute) }})
		var wg sync.WaitGroup
		wg.Go(func() {
			down := &dyingLedger{Ledger: ledger, srv: srv, left: 1, quiet: true}
			_, err := first.Upload(t.Context(), ccr.FileFromBytes("a.csv", data), sftp.UploadOptions{Ledger: down})
			assert.Error(t, err)
		})
		time.Sleep(10 * time.Minute)
		_, err := second.Upload(t.Context(), ccr.FileFromBytes("a.csv", data), sftp.UploadOptions{Ledger: ledger})
		require.NoError(t, err)
		wg.Wait()
		got, _ := srv.ReadFile("/uploads/a.csv")
		same(t, data, got)
		require.NoError(t, first.Shutdown(t.Context()))
		require.NoError(t, second.Shutdown(t.Context()))
	})
}

// The entries are a format on disk: the golden is never rewritten.
func TestUploadLedgerGolden(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		password := ccr.NewSecret(rand.Text())
		srv, err := sftptest.NewServer(sftptest.Config{InMemory: true, Users: []sftptest.User{{Name: "acme", Password: password}}})
		require.NoError(t, err)
		defer srv.Close()
		acme := func(c *sftp.Config) { c.User, c.Key, c.Password = "acme", sftp.Key{}, password }
		r := ledgerd.Record(ccr.NewMemoryLedger())
		c := dialMemory(t, srv, acme)
		file := ccr.FileFromBytes("a b.csv", []byte("1,2,3\n"))
		_, err = c.Upload(t.Context(), file, sftp.UploadOptions{Ledger: r})
		require.NoError(t, err)
		// A worker dies after it asked for the rename; another one resolves it.
		file = file.WithName("c.csv")
		_, err = c.Upload(t.Context(), file, sftp.UploadOptions{Ledger: &dyingLedger{Ledger: r, srv: srv, left: 2}, AllowSameContent: true})
		require.Error(t, err)
		srv.RemoveFile("/uploads/c.csv")
		time.Sleep(afterLease)
		_, err = c.Upload(t.Context(), file, sftp.UploadOptions{Ledger: r, AllowSameContent: true})
		require.ErrorIs(t, err, ccr.ErrOutcomeUnknown)
		require.NoError(t, c.SettleUpload(t.Context(), sftp.SettleOptions{Ledger: r, File: file, Arrived: true}))
		// One breaks off in the middle and is resumed.
		big := ccr.FileFromBytes("big.csv", content(12<<20))
		srv.Inject(sftptest.Fault{Kind: sftptest.Cut, After: 8 << 20})
		once := dialMemory(t, srv, func(c *sftp.Config) {
			acme(c)
			c.Retry = ccr.RetryPolicy{MaxAttempts: 1}
		})
		_, err = once.Upload(t.Context(), big, sftp.UploadOptions{Ledger: r, Channels: 1})
		require.ErrorIs(t, err, ccr.ErrNotSent)
		_, err = once.Upload(t.Context(), big, sftp.UploadOptions{Ledger: r, Channels: 1})
		require.NoError(t, err)
		require.NoError(t, c.Shutdown(t.Context()))
		require.NoError(t, once.Shutdown(t.Context()))
		golden, err := os.ReadFile("testdata/upload.ledger")
		require.NoError(t, err)
		assert.Equal(t, string(golden), r.Text())
	})
}
