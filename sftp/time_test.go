package sftp_test

import (
	"context"
	"errors"
	"net"
	"os"
	"path/filepath"
	"testing"
	"testing/synctest"
	"time"

	"github.com/ccr-sdk/ccr"
	"github.com/ccr-sdk/ccr/internal/memnet"
	"github.com/ccr-sdk/ccr/sftp"
	"github.com/ccr-sdk/ccr/sftp/sftptest"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// inBubble runs a test on fake time against a server in memory.
func inBubble(t *testing.T, f func(t *testing.T, srv *sftptest.Server)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		srv, err := sftptest.NewServer(sftptest.Config{InMemory: true, Permissions: map[string]sftptest.Permission{
			"/downloads": {List: true, Stat: true, Read: true, Remove: true},
		}})
		require.NoError(t, err)
		f(t, srv)
		srv.Close()
	})
}

func dialMemory(t *testing.T, srv *sftptest.Server, change func(*sftp.Config)) *sftp.Client {
	t.Helper()
	cfg := srv.Config()
	cfg.Retry = quick
	if change != nil {
		change(&cfg)
	}
	c, err := sftp.Dial(t.Context(), cfg)
	require.NoError(t, err)
	return c
}

// The server stops answering SFTP while its SSH side lives on: the watchdog
// closes the socket, and the next connection goes on with the upload.
func TestWatchdogEndsAStall(t *testing.T) {
	t.Parallel()
	for name, change := range map[string]func(*sftp.Config){
		"no byte moves":         func(c *sftp.Config) { c.KeepAlive = -1 },
		"keepalives unanswered": func(c *sftp.Config) { c.Retry.AttemptTimeout = time.Hour },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			inBubble(t, func(t *testing.T, srv *sftptest.Server) {
				c := dialMemory(t, srv, change)
				data := content(5 << 20)
				srv.Inject(sftptest.Fault{Operation: sftptest.OpWrite, Skip: 8, Kind: sftptest.Stall})
				began := time.Now()
				_, err := c.Upload(t.Context(), ccr.FileFromBytes("a.csv", data), sftp.UploadOptions{})
				require.NoError(t, err)
				took := time.Since(began)
				assert.Greater(t, took, 40*time.Second)
				assert.Less(t, took, 95*time.Second)
				got, _ := srv.ReadFile("/uploads/a.csv")
				same(t, data, got)
				assert.LessOrEqual(t, srv.BytesWritten(), int64(len(data)+window))
				require.NoError(t, c.Shutdown(t.Context()))
			})
		})
	}
}

func TestStallIsATypedError(t *testing.T) {
	t.Parallel()
	inBubble(t, func(t *testing.T, srv *sftptest.Server) {
		c := dialMemory(t, srv, func(cfg *sftp.Config) { cfg.Retry = ccr.RetryPolicy{MaxAttempts: 1} })
		srv.Inject(sftptest.Fault{Operation: sftptest.OpOpendir, Kind: sftptest.Stall, Times: -1})
		_, err := c.List(t.Context(), sftp.ListOptions{})
		require.ErrorIs(t, err, sftp.ErrStalled)
		require.ErrorIs(t, err, ccr.ErrUnavailable)
		e, _ := errors.AsType[*ccr.Error](err)
		assert.True(t, e.Temporary())
		require.NoError(t, c.Shutdown(t.Context()))
	})
}

// A long silence of a server that answers keepalives is not a stall, as long
// as nothing is asked of it.
func TestQuietConnectionLives(t *testing.T) {
	t.Parallel()
	inBubble(t, func(t *testing.T, srv *sftptest.Server) {
		c := dialMemory(t, srv, func(cfg *sftp.Config) { cfg.IdleTimeout = -1 })
		time.Sleep(time.Hour)
		_, err := c.List(t.Context(), sftp.ListOptions{})
		require.NoError(t, err)
		assert.Len(t, srv.Logins(), 1)
		require.NoError(t, c.Shutdown(t.Context()))
	})
}

func TestIdleConnectionIsClosedAndOpenedAgain(t *testing.T) {
	t.Parallel()
	inBubble(t, func(t *testing.T, srv *sftptest.Server) {
		c := dialMemory(t, srv, nil)
		time.Sleep(4 * time.Minute)
		_, err := c.List(t.Context(), sftp.ListOptions{})
		require.NoError(t, err)
		assert.Len(t, srv.Logins(), 1)
		time.Sleep(7 * time.Minute)
		_, err = c.List(t.Context(), sftp.ListOptions{})
		require.NoError(t, err)
		assert.Len(t, srv.Logins(), 2)
		require.NoError(t, c.Shutdown(t.Context()))
	})
}

// Whatever request the server does not answer, the call returns when its
// context ends, and says what is known of the outcome.
func TestContextEndsACallAtOnce(t *testing.T) {
	t.Parallel()
	upload := func(ctx context.Context, c *sftp.Client, _ string) error {
		_, err := c.Upload(ctx, ccr.FileFromBytes("a.csv", content(3<<20)), sftp.UploadOptions{})
		return err
	}
	download := func(ctx context.Context, c *sftp.Client, dir string) error {
		_, err := c.Download(ctx, "r.csv", filepath.Join(dir, "r.csv"), sftp.DownloadOptions{})
		return err
	}
	tests := map[string]struct {
		stall   string
		call    func(ctx context.Context, c *sftp.Client, dir string) error
		outcome ccr.Outcome
	}{
		"upload, open":    {sftptest.OpOpen, upload, ccr.OutcomeNotSent},
		"upload, write":   {sftptest.OpWrite, upload, ccr.OutcomeNotSent},
		"upload, fsync":   {sftptest.OpFsync, upload, ccr.OutcomeNotSent},
		"upload, close":   {sftptest.OpClose, upload, ccr.OutcomeNotSent},
		"upload, rename":  {sftptest.OpRename, upload, ccr.OutcomeUnknown},
		"download, open":  {sftptest.OpOpen, download, ccr.OutcomeNotSent},
		"download, read":  {sftptest.OpRead, download, ccr.OutcomeNotSent},
		"download, fstat": {sftptest.OpFstat, download, ccr.OutcomeNotSent},
		"list": {sftptest.OpReaddir, func(ctx context.Context, c *sftp.Client, _ string) error {
			_, err := c.List(ctx, sftp.ListOptions{})
			return err
		}, ccr.OutcomeNotSent},
		"receive": {sftptest.OpRead, func(ctx context.Context, c *sftp.Client, dir string) error {
			_, err := c.Receive(ctx, ccr.DirSink(dir), sftp.ReceiveOptions{StableFor: -1})
			return err
		}, ""},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			dir := t.TempDir()
			inBubble(t, func(t *testing.T, srv *sftptest.Server) {
				srv.WriteFile("/downloads/r.csv", content(3<<20))
				c := dialMemory(t, srv, nil)
				srv.Inject(sftptest.Fault{Operation: tt.stall, Kind: sftptest.Stall})
				ctx, cancel := context.WithTimeout(t.Context(), time.Second)
				defer cancel()
				began := time.Now()
				err := tt.call(ctx, c, dir)
				require.ErrorIs(t, err, context.DeadlineExceeded)
				assert.LessOrEqual(t, time.Since(began), 1100*time.Millisecond)
				if tt.outcome != "" {
					assertOutcome(t, err, tt.outcome)
				}
				require.NoFileExists(t, filepath.Join(dir, "r.csv"))
				// Others are served over the same client, on another connection.
				_, err = c.List(t.Context(), sftp.ListOptions{Folder: "uploads"})
				require.NoError(t, err)
				require.NoError(t, c.Shutdown(t.Context()))
				if tt.outcome == ccr.OutcomeNotSent {
					assert.Empty(t, srv.Files("/uploads"), "the temporary file is removed over the next connection")
				}
			})
		})
	}
}

func TestCloseDoesNotWaitForAStalledServer(t *testing.T) {
	t.Parallel()
	inBubble(t, func(t *testing.T, srv *sftptest.Server) {
		c := dialMemory(t, srv, nil)
		srv.Inject(sftptest.Fault{Operation: sftptest.OpWrite, Kind: sftptest.Stall, Times: -1})
		failed := make(chan error, 1)
		go func() {
			_, err := c.Upload(context.Background(), ccr.FileFromBytes("a.csv", content(1<<20)), sftp.UploadOptions{})
			failed <- err
		}()
		synctest.Wait()
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		began := time.Now()
		require.ErrorIs(t, c.Shutdown(ctx), context.DeadlineExceeded)
		assert.Equal(t, time.Second, time.Since(began))
		err := <-failed
		require.Error(t, err)
		assertOutcome(t, err, ccr.OutcomeNotSent)
	})
}

// A server that accepts the connection and says nothing.
func TestHandshakeHasADeadline(t *testing.T) {
	t.Parallel()
	inBubble(t, func(t *testing.T, srv *sftptest.Server) {
		l := memnet.Listen()
		defer l.Close()
		cfg := srv.Config()
		cfg.Retry = ccr.RetryPolicy{MaxAttempts: 2, BaseDelay: time.Millisecond}
		var conns []net.Conn
		cfg.DialContext = func(ctx context.Context, _, _ string) (net.Conn, error) {
			conn, err := l.Dial(ctx)
			conns = append(conns, conn)
			return conn, err
		}
		began := time.Now()
		_, err := sftp.Dial(t.Context(), cfg)
		require.ErrorIs(t, err, sftp.ErrStalled)
		assert.InDelta(t, 60, time.Since(began).Seconds(), 1)
		assert.Len(t, conns, 2)

		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		began = time.Now()
		_, err = sftp.Dial(ctx, cfg)
		require.ErrorIs(t, err, context.DeadlineExceeded)
		assert.Equal(t, time.Second, time.Since(began))
	})
}

func TestReceiveWaitsUntilFilesAreStable(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	inBubble(t, func(t *testing.T, srv *sftptest.Server) {
		c := dialMemory(t, srv, nil)
		srv.WriteFile("/downloads/done.csv", []byte("done"))
		srv.WriteFile("/downloads/grows.csv", []byte("a"))
		go func() {
			time.Sleep(3 * time.Second)
			srv.Append("/downloads/grows.csv", []byte("b"))
		}()
		began := time.Now()
		got, err := c.Receive(t.Context(), ccr.DirSink(dir), sftp.ReceiveOptions{})
		require.NoError(t, err)
		assert.InDelta(t, 5, time.Since(began).Seconds(), 0.5)
		require.Len(t, got, 1)
		assert.Equal(t, "done.csv", got[0].Name)
		got, err = c.Receive(t.Context(), ccr.DirSink(dir), sftp.ReceiveOptions{})
		require.NoError(t, err)
		require.Len(t, got, 2)
		data, err := os.ReadFile(filepath.Join(dir, "grows.csv"))
		require.NoError(t, err)
		assert.Equal(t, "ab", string(data))
		require.NoError(t, c.Shutdown(t.Context()))
	})
}

func TestWatch(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	inBubble(t, func(t *testing.T, srv *sftptest.Server) {
		c := dialMemory(t, srv, nil)
		srv.WriteFile("/downloads/1.csv", []byte("1"))
		rounds := 0
		for got, err := range c.Watch(t.Context(), ccr.DirSink(dir), sftp.WatchOptions{Interval: time.Minute, ReceiveOptions: sftp.ReceiveOptions{After: sftp.RemoveRemote}}) {
			rounds++
			switch rounds {
			case 1:
				require.NoError(t, err)
				require.Len(t, got, 1)
				srv.WriteFile("/downloads/2.csv", []byte("2"))
				srv.Inject(sftptest.Fault{Operation: sftptest.OpOpendir, Kind: sftptest.Refuse, Status: 3})
			case 2:
				require.ErrorIs(t, err, ccr.ErrForbidden) // is told, and watching goes on
			case 3:
				require.NoError(t, err)
				require.Len(t, got, 1)
				assert.Equal(t, "2.csv", got[0].Name)
			}
			if rounds == 3 {
				break
			}
		}
		assert.Empty(t, srv.Files("/downloads"))
		require.FileExists(t, filepath.Join(dir, "2.csv"))
		require.NoError(t, c.Shutdown(t.Context()))
	})
}
