package sftp_test

import (
	"context"
	"errors"
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

// The vendor replaces a file after it was received and before it is removed:
// it stays, and the next run receives the new one beside the first.
func TestReceiveNeverRemovesWhatItDidNotReceive(t *testing.T) {
	t.Parallel()
	for _, after := range []sftp.After{sftp.RemoveRemote, sftp.MoveRemote} {
		b := startSFTPTest(t)
		c := b.client(t)
		o := sftp.ReceiveOptions{StableFor: -1, After: after}
		if after == sftp.MoveRemote {
			o.MoveTo = "archive"
		}
		b.srv.WriteFileAt("/downloads/r.csv", []byte("first"), time.Now().Add(-time.Hour))
		b.srv.Inject(sftptest.Fault{Operation: sftptest.OpStat, Kind: sftptest.Then, Do: func() { b.srv.WriteFile("/downloads/r.csv", []byte("second")) }})
		dir := t.TempDir()
		got, err := c.Receive(t.Context(), ccr.DirSink(dir), o)
		require.ErrorIs(t, err, ccr.ErrIncomplete)
		require.Equal(t, ccr.DeliveredNotArchived, got[0].State)
		assert.Equal(t, []string{"r.csv"}, b.srv.Files("/downloads"))

		got, err = c.Receive(t.Context(), ccr.DirSink(dir), o)
		require.NoError(t, err)
		require.Equal(t, ccr.Delivered, got[0].State)
		assert.Empty(t, b.srv.Files("/downloads"))
		first, err := os.ReadFile(filepath.Join(dir, "r.csv"))
		require.NoError(t, err)
		assert.Equal(t, "first", string(first))
		second, err := os.ReadFile(got[0].Location)
		require.NoError(t, err)
		assert.Equal(t, "second", string(second))
	}
}

func TestReceiveWithoutTheRightToRemove(t *testing.T) {
	t.Parallel()
	b := startSFTPTest(t)
	b.srv.Allow("/downloads", sftptest.Permission{List: true, Stat: true, Read: true})
	c := b.client(t)
	b.put(t, "downloads/r.csv", []byte("x"))
	dir := t.TempDir()
	o := sftp.ReceiveOptions{StableFor: -1, After: sftp.RemoveRemote}
	got, err := c.Receive(t.Context(), ccr.DirSink(dir), o)
	require.ErrorIs(t, err, ccr.ErrForbidden)
	assert.Equal(t, ccr.DeliveredNotArchived, got[0].State)
	got, err = c.Receive(t.Context(), ccr.DirSink(dir), o)
	require.ErrorIs(t, err, ccr.ErrForbidden)
	assert.Equal(t, ccr.DeliveredNotArchived, got[0].State, "not delivered again")
	assert.Len(t, b.srv.Requests(sftptest.OpRead), 4, "compared before its removal is tried again")
}

func TestReceiveKeepsWhatTheMoveWouldReplace(t *testing.T) {
	t.Parallel()
	b := startSFTPTest(t)
	c := b.client(t)
	b.put(t, "downloads/r.csv", []byte("new"))
	b.put(t, "archive/r.csv", []byte("old"))
	_, err := c.Receive(t.Context(), ccr.DirSink(t.TempDir()), sftp.ReceiveOptions{StableFor: -1, After: sftp.MoveRemote, MoveTo: "archive"})
	require.ErrorIs(t, err, sftp.ErrExists)
	got, _ := b.get(t, "archive/r.csv")
	assert.Equal(t, "old", string(got))
	_, err = c.Receive(t.Context(), ccr.DirSink(t.TempDir()), sftp.ReceiveOptions{StableFor: -1, After: sftp.MoveRemote, MoveTo: "nowhere"})
	require.ErrorIs(t, err, sftp.ErrFolderMissing)
}

// The answer to removing a file is lost: the next connection finds it gone.
func TestReceiveRemovesOnce(t *testing.T) {
	t.Parallel()
	b := startSFTPTest(t)
	c := b.client(t)
	b.put(t, "downloads/r.csv", []byte("x"))
	b.srv.Inject(sftptest.Fault{Operation: sftptest.OpRemove, Kind: sftptest.LoseAnswer})
	got, err := c.Receive(t.Context(), ccr.DirSink(t.TempDir()), sftp.ReceiveOptions{StableFor: -1, After: sftp.RemoveRemote})
	require.NoError(t, err)
	assert.Equal(t, ccr.Delivered, got[0].State)
	assert.Empty(t, b.srv.Files("/downloads"))
}

func TestReceiveMatchesAndRefuses(t *testing.T) {
	t.Parallel()
	b := startSFTPTest(t)
	c := b.client(t)
	b.put(t, "downloads/a.csv", []byte("a"))
	b.put(t, "downloads/b.pdf", []byte("b"))
	b.srv.Allow("/downloads/folder", uploadPermission)
	got, err := c.Receive(t.Context(), ccr.DirSink(t.TempDir()), sftp.ReceiveOptions{
		StableFor: -1, Match: func(e sftp.Entry) bool { return filepath.Ext(e.Name) == ".pdf" },
	})
	require.NoError(t, err)
	require.Len(t, got, 1)
	assert.Equal(t, "b.pdf", got[0].Name)

	_, err = c.Receive(t.Context(), ccr.DirSink(t.TempDir()), sftp.ReceiveOptions{After: "burn", MoveTo: "x", Channels: 9})
	require.ErrorIs(t, err, ccr.ErrInvalid)
	assertFields(t, err, "After", "MoveTo", "Channels")
	_, err = c.Receive(t.Context(), ccr.DirSink(t.TempDir()), sftp.ReceiveOptions{After: sftp.MoveRemote, MoveTo: "downloads"})
	assertFields(t, err, "MoveTo")
	_, err = c.Receive(t.Context(), ccr.DirSink(t.TempDir()), sftp.ReceiveOptions{Folder: "../.."})
	assertFields(t, err, "Folder")
}

// Names from a server are data: whatever they are, nothing leaves the sink.
func TestHostileNames(t *testing.T) {
	t.Parallel()
	b := startSFTPTest(t)
	c := b.client(t)
	hostile := []string{`..\..\evil.csv`, "a\nb.csv", "CON", "-rf", "evil.csv ", "%2e%2e"}
	for _, n := range hostile {
		b.put(t, "downloads/"+n, []byte(n))
	}
	dir := t.TempDir()
	sink := filepath.Join(dir, "sink")
	got, err := c.Receive(t.Context(), ccr.DirSink(sink), sftp.ReceiveOptions{StableFor: -1})
	require.NoError(t, err)
	require.Len(t, got, len(hostile))
	for _, r := range got {
		rel, err := filepath.Rel(sink, r.Location)
		require.NoError(t, err)
		assert.True(t, filepath.IsLocal(rel), r.Location)
		assert.NotContains(t, rel, string(filepath.Separator))
	}
	outside, err := os.ReadDir(dir)
	require.NoError(t, err)
	assert.Len(t, outside, 1)

	list, err := c.List(t.Context(), sftp.ListOptions{})
	require.NoError(t, err)
	_, err = c.DownloadAll(t.Context(), list, t.TempDir(), sftp.DownloadOptions{})
	require.ErrorIs(t, err, ccr.ErrInvalid, "the name with a separator is refused, before anything is asked for")
	_, err = c.Download(t.Context(), "../uploads/a.csv", filepath.Join(dir, "x"), sftp.DownloadOptions{})
	require.ErrorIs(t, err, ccr.ErrInvalid)
}

// A sink that fails is not the connection's fault: it is not tried again.
func TestReceiveIntoABrokenSink(t *testing.T) {
	t.Parallel()
	b := startSFTPTest(t)
	c := b.client(t)
	b.put(t, "downloads/r.csv", content(3<<20))
	_, err := c.Receive(t.Context(), brokenSink{}, sftp.ReceiveOptions{StableFor: -1, Ledger: ccr.NewMemoryLedger()})
	require.ErrorIs(t, err, errBrokenSink)
	assert.Len(t, b.srv.Requests(sftptest.OpOpen), 1)
}

var errBrokenSink = errors.New("no space left in the sink")

type brokenSink struct{}

func (brokenSink) Create(context.Context, ccr.Item) (ccr.Delivery, error) {
	return brokenFile{}, nil
}

type brokenFile struct{}

func (brokenFile) Write([]byte) (int, error)              { return 0, errBrokenSink }
func (brokenFile) Commit(context.Context) (string, error) { return "", errBrokenSink }
func (brokenFile) Stage(context.Context) (string, error)  { return "", errors.ErrUnsupported }
func (brokenFile) Abort(context.Context) error            { return nil }

func (brokenSink) Resume(context.Context, ccr.Item, string) (ccr.Delivery, ccr.Staging, error) {
	return nil, "", errors.ErrUnsupported
}

// Nothing is left of a download that fails on this side.
func TestDownloadIntoAMissingFolder(t *testing.T) {
	t.Parallel()
	b := startSFTPTest(t)
	c := b.client(t)
	b.put(t, "downloads/r.csv", []byte("x"))
	_, err := c.Download(t.Context(), "r.csv", filepath.Join(t.TempDir(), "none", "r.csv"), sftp.DownloadOptions{})
	require.ErrorIs(t, err, os.ErrNotExist)
	assertHasNoClass(t, err, ccr.ErrUnavailable)
	got, err := c.DownloadAll(t.Context(), []sftp.Entry{
		{Name: "r.csv", Path: "downloads/r.csv"}, {Name: "gone.csv", Path: "downloads/gone.csv"},
	}, t.TempDir(), sftp.DownloadOptions{})
	require.ErrorIs(t, err, ccr.ErrNotFound)
	require.NoError(t, got[0].Err)
	require.ErrorIs(t, got[1].Err, ccr.ErrNotFound)
}
