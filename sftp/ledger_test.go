package sftp_test

import (
	"context"
	"errors"
	"path/filepath"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/ccr-sdk/ccr"
	"github.com/ccr-sdk/ccr/sftp"
	"github.com/ccr-sdk/ccr/sftp/sftptest"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func TestLedgerSendsOnce(t *testing.T) {
	t.Parallel()
	b := startSFTPTest(t)
	c := b.client(t)
	path := filepath.Join(t.TempDir(), "ledger")
	ledger, err := ccr.OpenLedger(path)
	require.NoError(t, err)
	o := sftp.UploadOptions{Ledger: ledger}
	file := ccr.FileFromBytes("debtors.csv", content(100_000))
	first, err := c.Upload(t.Context(), file, o)
	require.NoError(t, err)
	assert.False(t, first.Recorded)
	assert.Len(t, first.SHA256, 64)
	b.srv.RemoveFile("/uploads/debtors.csv") // the vendor took it
	writes := len(b.srv.Requests(sftptest.OpWrite))

	require.NoError(t, ledger.Close())
	ledger, err = ccr.OpenLedger(path)
	require.NoError(t, err)
	defer ledger.Close()
	o.Ledger = ledger
	again, err := c.Upload(t.Context(), file, o)
	require.NoError(t, err)
	assert.True(t, again.Recorded)
	assert.Equal(t, first.Path, again.Path)
	assert.Equal(t, first.SHA256, again.SHA256)
	assert.Equal(t, first.Verification, again.Verification)

	_, err = c.Upload(t.Context(), file.WithName("debtors-2.csv"), o)
	require.ErrorIs(t, err, ccr.ErrDuplicate)
	assert.Len(t, b.srv.Requests(sftptest.OpWrite), writes, "nothing was sent")
	o.AllowSameContent = true
	_, err = c.Upload(t.Context(), file.WithName("debtors-2.csv"), o)
	require.NoError(t, err)
	assert.Equal(t, []string{"debtors-2.csv"}, b.srv.Files("/uploads"))
}

// UAT and production share a ledger without answering for each other.
func TestLedgerKeepsEnvironmentsApart(t *testing.T) {
	t.Parallel()
	b := startSFTPTest(t)
	ledger := ccr.NewMemoryLedger()
	o := sftp.UploadOptions{Ledger: ledger, Overwrite: true}
	file := ccr.FileFromBytes("debtors.csv", content(100))
	production := b.client(t)
	uat, err := sftp.DialUAT(t.Context(), sftp.UATConfig(b.config))
	require.NoError(t, err)
	closeAtEnd(t, uat)
	for _, c := range []sftp.API{production, uat} {
		up, err := c.Upload(t.Context(), file, o)
		require.NoError(t, err)
		assert.False(t, up.Recorded)
	}
}

// The connection breaks for good in the middle. A later process goes on from
// what is proven to be there, and sends at most a window again.
func TestLedgerResumesAnInterruptedUpload(t *testing.T) {
	t.Parallel()
	for name, channels := range map[string]int{"one channel": 1, "four channels": 4} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b := startSFTPTest(t)
			b.config.Retry = ccr.RetryPolicy{MaxAttempts: 1}
			ledger := ccr.NewMemoryLedger()
			const size = 30 << 20
			data := content(size)
			o := sftp.UploadOptions{Ledger: ledger, Channels: channels}
			b.srv.Inject(sftptest.Fault{Kind: sftptest.Cut, After: 20 << 20})
			_, err := b.client(t).Upload(t.Context(), ccr.FileFromBytes("debtors.csv", data), o)
			require.ErrorIs(t, err, sftp.ErrConnectionLost)
			assertOutcome(t, err, ccr.OutcomeNotSent)
			require.Len(t, b.srv.Files("/uploads"), 1, "the temporary file waits")

			up, err := b.client(t).Upload(t.Context(), ccr.FileFromBytes("debtors.csv", data), o)
			require.NoError(t, err)
			// Of the 20 MiB on the wire a window may not have reached the file,
			// and another is sent again.
			assert.GreaterOrEqual(t, up.Resumed, int64(19<<20-2*channels*window))
			assert.LessOrEqual(t, b.srv.BytesWritten(), int64(size+channels*window))
			assert.Equal(t, []string{"debtors.csv"}, b.srv.Files("/uploads"))
			got, _ := b.srv.ReadFile("/uploads/debtors.csv")
			same(t, data, got)
			for _, r := range b.srv.Requests(sftptest.OpOpen) {
				t.Log(r)
			}
		})
	}
}

// What an interrupted upload left is gone, or is not what was left.
func TestResumeBeginsAnewIfTheTemporaryFileIsNotThere(t *testing.T) {
	t.Parallel()
	for name, meddle := range map[string]func(b *backend, temp string){
		"gone":    func(b *backend, temp string) { b.srv.RemoveFile(temp) },
		"longer":  func(b *backend, temp string) { b.srv.WriteFile(temp, make([]byte, 20<<20)) },
		"shorter": func(b *backend, temp string) { b.srv.WriteFile(temp, nil) },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b := startSFTPTest(t)
			b.config.Retry = ccr.RetryPolicy{MaxAttempts: 1}
			o := sftp.UploadOptions{Ledger: ccr.NewMemoryLedger()}
			data := content(12 << 20)
			b.srv.Inject(sftptest.Fault{Kind: sftptest.Cut, After: 8 << 20})
			_, err := b.client(t).Upload(t.Context(), ccr.FileFromBytes("a.csv", data), o)
			require.Error(t, err)
			temps := b.srv.Files("/uploads")
			require.Len(t, temps, 1)
			meddle(b, "/uploads/"+temps[0])
			c := b.client(t)
			up, err := c.Upload(t.Context(), ccr.FileFromBytes("a.csv", data), o)
			require.NoError(t, err)
			assert.Zero(t, up.Resumed)
			got, _ := b.srv.ReadFile("/uploads/a.csv")
			same(t, data, got)
			require.NoError(t, c.Shutdown(t.Context()))
			assert.Equal(t, []string{"a.csv"}, b.srv.Files("/uploads"))
		})
	}
}

// dyingLedger lets n writes through; then the process is taken for dead: no
// later write happens, and no connection lives.
type dyingLedger struct {
	ccr.Ledger
	srv   *sftptest.Server
	mu    sync.Mutex
	left  int
	quiet bool // connections live on
}

var errDied = errors.New("died")

func (l *dyingLedger) Store(ctx context.Context, e ccr.LedgerEntry) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.left == 0 {
		if !l.quiet {
			l.srv.CutConnections()
		}
		return errDied
	}
	l.left--
	return l.Ledger.Store(ctx, e)
}

// afterLease is when another worker may take over what a dead one had, and
// conclude from what it sees.
const afterLease = 7 * time.Minute

// A process dies at every point at which it writes to the ledger. The next one
// sends the file, or finds that it was sent: it is there once, and whole.
func TestDeathAtEveryLedgerWrite(t *testing.T) {
	t.Parallel()
	data := content(3 << 20)
	for n, died := 0, true; died; n++ {
		inBubble(t, func(t *testing.T, srv *sftptest.Server) {
			ledger := ccr.NewMemoryLedger()
			dying := &dyingLedger{Ledger: ledger, srv: srv, left: n}
			first := dialMemory(t, srv, nil)
			_, err := first.Upload(t.Context(), ccr.FileFromBytes("a.csv", data), sftp.UploadOptions{Ledger: dying})
			if died = errors.Is(err, errDied); !died {
				require.NoError(t, err)
				assert.Equal(t, 3, n, "intent, renaming, sent")
			}
			if got, there := srv.ReadFile("/uploads/a.csv"); there {
				same(t, data, got)
			}
			time.Sleep(afterLease)
			c := dialMemory(t, srv, nil)
			_, err = c.Upload(t.Context(), ccr.FileFromBytes("a.csv", data), sftp.UploadOptions{Ledger: ledger})
			require.NoError(t, err, "died after %d writes", n)
			require.NoError(t, c.Shutdown(t.Context()))
			require.NoError(t, first.Shutdown(t.Context()))
			got, _ := srv.ReadFile("/uploads/a.csv")
			same(t, data, got)
			assert.Equal(t, 1, renamesTo(srv, "/uploads/a.csv"), "died after %d writes", n)
		})
	}
}

// renamesTo counts how often a final name appeared or was to.
func renamesTo(srv *sftptest.Server, path string) (n int) {
	for _, r := range srv.Requests(sftptest.OpRename) {
		if r.To == path {
			n++
		}
	}
	return n
}

// A file of unknown outcome is not sent again until somebody says so.
func TestUnknownOutcomeIsSettled(t *testing.T) {
	t.Parallel()
	for _, arrived := range []bool{true, false} {
		b := startSFTPTest(t)
		c := b.client(t)
		o := sftp.UploadOptions{Ledger: ccr.NewMemoryLedger()}
		file := ccr.FileFromBytes("a.csv", content(1000))
		b.srv.Inject(sftptest.Fault{Operation: sftptest.OpRename, Kind: sftptest.LoseAnswer})
		b.srv.Inject(sftptest.Fault{Operation: sftptest.OpLstat, Skip: 1, Kind: sftptest.Then, Do: func() { b.srv.RemoveFile("/uploads/a.csv") }})
		_, err := c.Upload(t.Context(), file, o)
		require.ErrorIs(t, err, ccr.ErrOutcomeUnknown)
		writes := len(b.srv.Requests(sftptest.OpWrite))
		_, err = c.Upload(t.Context(), file, o)
		require.ErrorIs(t, err, ccr.ErrOutcomeUnknown)
		assert.Len(t, b.srv.Requests(sftptest.OpWrite), writes)

		require.NoError(t, c.SettleUpload(t.Context(), sftp.SettleOptions{Ledger: o.Ledger, File: file, Arrived: arrived}))
		up, err := c.Upload(t.Context(), file, o)
		require.NoError(t, err)
		assert.Equal(t, arrived, up.Recorded)
	}
}

// Two workers with one ledger are given the same file: it is sent once.
func TestTwoWorkersSendOnce(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		srv, err := sftptest.NewServer(sftptest.Config{InMemory: true})
		require.NoError(t, err)
		defer srv.Close()
		ledger := ccr.NewMemoryLedger()
		file := ccr.FileFromBytes("a.csv", content(3<<20))
		srv.Inject(sftptest.Fault{Operation: sftptest.OpWrite, Kind: sftptest.Delay, Delay: 20 * time.Second})
		const workers = 3
		var wg sync.WaitGroup
		var mu sync.Mutex
		sent, recorded, alive := 0, 0, 0
		for range workers {
			wg.Go(func() {
				c := dialMemory(t, srv, nil)
				up, err := c.Upload(t.Context(), file, sftp.UploadOptions{Ledger: ledger})
				mu.Lock()
				defer mu.Unlock()
				switch {
				case err == nil && up.Recorded:
					recorded++
				case err == nil:
					sent++
				case errors.Is(err, ccr.ErrClaimed):
					alive++
				default:
					t.Errorf("unexpected: %v", err)
				}
				assert.NoError(t, c.Shutdown(t.Context()))
			})
		}
		wg.Wait()
		assert.Equal(t, 1, sent)
		assert.Equal(t, workers-1, recorded+alive)
		assert.Len(t, srv.Requests(sftptest.OpRename), 1)
	})
}

// What a worker had that died a moment ago is left alone until its lease ends:
// it may live. The error says when to come again, and then the file is sent.
func TestTakeOverAfterTheLease(t *testing.T) {
	t.Parallel()
	inBubble(t, func(t *testing.T, srv *sftptest.Server) {
		ledger := ccr.NewMemoryLedger()
		dying := &dyingLedger{Ledger: ledger, srv: srv, left: 1}
		file := ccr.FileFromBytes("a.csv", content(1000))
		c := dialMemory(t, srv, nil)
		_, err := c.Upload(t.Context(), file, sftp.UploadOptions{Ledger: dying})
		require.ErrorIs(t, err, errDied)
		_, err = c.Upload(t.Context(), file, sftp.UploadOptions{Ledger: ledger})
		require.ErrorIs(t, err, ccr.ErrClaimed)
		assertOutcome(t, err, ccr.OutcomeNotSent)
		d := ccr.DispositionOf(err)
		assert.Equal(t, ccr.ActionElsewhere, d.Action)
		assert.InDelta(t, 330, d.After.Seconds(), 1)
		assert.Zero(t, renamesTo(srv, "/uploads/a.csv"))
		time.Sleep(d.After)
		_, err = c.Upload(t.Context(), file, sftp.UploadOptions{Ledger: ledger})
		require.NoError(t, err)
		require.NoError(t, c.Shutdown(t.Context()))
		assert.Equal(t, []string{"a.csv"}, srv.Files("/uploads"))
	})
}

// With PolicyDirect nothing that can be looked at tells what became of an
// upload whose process died.
func TestLedgerWithDirectPolicyAsks(t *testing.T) {
	t.Parallel()
	inBubble(t, func(t *testing.T, srv *sftptest.Server) {
		ledger := ccr.NewMemoryLedger()
		direct := func(c *sftp.Config) { c.Layout.Uploads[0].Policy = sftp.PolicyDirect }
		dying := &dyingLedger{Ledger: ledger, srv: srv, left: 1}
		file := ccr.FileFromBytes("a.csv", content(1000))
		c := dialMemory(t, srv, direct)
		_, err := c.Upload(t.Context(), file, sftp.UploadOptions{Ledger: dying})
		require.Error(t, err)
		time.Sleep(afterLease)
		for range 2 {
			_, err = c.Upload(t.Context(), file, sftp.UploadOptions{Ledger: ledger})
			require.ErrorIs(t, err, ccr.ErrOutcomeUnknown)
			assertOutcome(t, err, ccr.OutcomeUnknown)
			assert.Contains(t, err.Error(), "SettleUpload")
		}
		require.NoError(t, c.SettleUpload(t.Context(), sftp.SettleOptions{Ledger: ledger, File: file, Arrived: true}))
		up, err := c.Upload(t.Context(), file, sftp.UploadOptions{Ledger: ledger})
		require.NoError(t, err)
		assert.True(t, up.Recorded)
		assert.Equal(t, "uploads/a.csv", up.Path)
		require.NoError(t, c.Shutdown(t.Context()))
	})
}
