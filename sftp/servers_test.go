package sftp_test

import (
	"crypto/rand"
	"crypto/rsa"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
	"testing/synctest"
	"time"

	"github.com/ccr-sdk/ccr"
	"github.com/ccr-sdk/ccr/sftp"
	"github.com/ccr-sdk/ccr/sftp/sftptest"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"golang.org/x/crypto/ssh"
)

// A server that takes a file in order only takes ours.
func TestServerThatTakesWritesInOrder(t *testing.T) {
	t.Parallel()
	b := backendOf(t, sftptest.Config{Traits: sftptest.Traits{InOrder: true}})
	c := b.client(t)
	data := content(4<<20 + 11)
	for range 20 {
		_, err := c.Upload(t.Context(), ccr.FileFromBytes("debtors.csv", data), sftp.UploadOptions{Overwrite: true})
		require.NoError(t, err)
	}
	got, _ := b.srv.ReadFile("/uploads/debtors.csv")
	same(t, data, got)
}

// A write that is refused because it came out of order starts over on one
// channel; nothing is left of the first try.
func TestSeveralChannelsRefusedStartOver(t *testing.T) {
	t.Parallel()
	b := backendOf(t, sftptest.Config{Traits: sftptest.Traits{InOrder: true}})
	c := b.client(t)
	data := content(24 << 20)
	up, err := c.Upload(t.Context(), ccr.FileFromBytes("debtors.csv", data), sftp.UploadOptions{Channels: 4})
	require.NoError(t, err)
	assert.Equal(t, sftp.Verified, up.Verification)
	assert.Equal(t, []string{"debtors.csv"}, b.srv.Files("/uploads"))
	got, _ := b.srv.ReadFile("/uploads/debtors.csv")
	same(t, data, got)
}

// An account that may create files and not open them again goes on after a
// cut, under a new name. What it may not remove either is named.
func TestRefusedReopenStartsOver(t *testing.T) {
	t.Parallel()
	tests := map[string]struct {
		mayRemove bool
		cut       sftptest.Fault
	}{
		"may remove":                  {true, sftptest.Fault{Kind: sftptest.Cut, After: 4 << 20}},
		"may not remove":              {false, sftptest.Fault{Kind: sftptest.Cut, After: 4 << 20}},
		"before anything was written": {true, sftptest.Fault{Operation: sftptest.OpWrite, Kind: sftptest.CutBefore}},
	}
	for name, tt := range tests {
		mayRemove := tt.mayRemove
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b := backendOf(t, sftptest.Config{Traits: sftptest.Traits{NoReopen: true}})
			b.srv.Allow("/uploads", sftptest.Permission{List: true, Stat: true, Write: true, Rename: true, Remove: mayRemove})
			c := b.client(t)
			data := content(6 << 20)
			b.srv.Inject(tt.cut)
			up, err := c.Upload(t.Context(), ccr.FileFromBytes("debtors.csv", data), sftp.UploadOptions{})
			require.NoError(t, err)
			got, _ := b.srv.ReadFile("/uploads/debtors.csv")
			same(t, data, got)
			if mayRemove {
				assert.Empty(t, up.Leftovers)
				assert.Len(t, b.srv.Files("/uploads"), 1)
			} else {
				require.Len(t, up.Leftovers, 1)
				_, there := b.srv.ReadFile(up.Leftovers[0])
				assert.True(t, there)
			}
		})
	}
}

// The server keeps fewer files open than the client moves at once.
func TestLimitOfOpenFiles(t *testing.T) {
	t.Parallel()
	b := backendOf(t, sftptest.Config{Traits: sftptest.Traits{MaxOpen: 2}})
	c := b.client(t)
	var files []ccr.File
	for i := range 60 {
		files = append(files, ccr.FileFromBytes("f"+string(rune('a'+i%26))+string(rune('a'+i/26))+".csv", content(5000)))
	}
	out, err := c.UploadAll(t.Context(), files, sftp.UploadOptions{})
	require.NoError(t, err)
	assert.Len(t, out, 60)
	assert.Len(t, b.srv.Files("/uploads"), 60)
}

// Nothing is replaced where looking is refused and a rename would replace.
func TestNothingIsReplacedUnseen(t *testing.T) {
	t.Parallel()
	b := backendOf(t, sftptest.Config{Traits: sftptest.Traits{RenameReplaces: true, NoPosixRename: true}})
	b.srv.Allow("/uploads", sftptest.Permission{Write: true, Rename: true, Remove: true})
	b.srv.WriteFile("/uploads/debtors.csv", []byte("old"))
	c := b.client(t)
	_, err := c.Upload(t.Context(), ccr.FileFromBytes("debtors.csv", []byte("new")), sftp.UploadOptions{})
	require.ErrorIs(t, err, ccr.ErrForbidden)
	assert.Contains(t, err.Error(), "Overwrite")
	got, _ := b.srv.ReadFile("/uploads/debtors.csv")
	assert.Equal(t, "old", string(got), "before: replaced, and nobody was told")
	_, err = c.Upload(t.Context(), ccr.FileFromBytes("debtors.csv", []byte("new")), sftp.UploadOptions{Overwrite: true})
	require.NoError(t, err)
}

func TestAppendOnlyHandles(t *testing.T) {
	t.Parallel()
	b := backendOf(t, sftptest.Config{Traits: sftptest.Traits{AppendOnly: true}})
	c := b.client(t)
	data := content(3 << 20)
	_, err := c.Upload(t.Context(), ccr.FileFromBytes("debtors.csv", data), sftp.UploadOptions{})
	require.NoError(t, err)
	got, _ := b.srv.ReadFile("/uploads/debtors.csv")
	same(t, data, got)
}

func TestWeakHostKeyIsRefused(t *testing.T) {
	t.Parallel()
	b := startSFTPTest(t)
	key, err := rsa.GenerateKey(rand.Reader, 1024) //nolint:gosec // it is to be refused
	require.NoError(t, err)
	signer, err := ssh.NewSignerFromKey(key)
	require.NoError(t, err)
	b.srv.SetHostKey(signer)
	for _, keys := range []sftp.HostKeys{sftp.HostFingerprints(b.srv.Fingerprint()), sftp.HostPublicKeys(b.srv.HostKeyLine())} {
		cfg := b.config
		cfg.HostKeys = keys
		e := dialFails(t, cfg, sftp.ErrHostKeyWeak)
		assert.ErrorIs(t, e, sftp.ErrHostKey)
	}
	assert.Empty(t, b.srv.Logins())
}

// A login that is refused after a good one is tried again, rarely; the first
// one of a client never is.
func TestSessionTakenByAnotherProgramIsGotBack(t *testing.T) {
	t.Parallel()
	inBubble(t, func(t *testing.T, srv *sftptest.Server) {
		c := dialMemory(t, srv, nil)
		srv.RefuseLogins(true)
		srv.CutConnections()
		synctest.Wait()
		_, err := c.List(t.Context(), sftp.ListOptions{})
		require.ErrorIs(t, err, ccr.ErrUnauthorized)
		before := len(srv.Logins())
		_, err = c.List(t.Context(), sftp.ListOptions{})
		require.ErrorIs(t, err, ccr.ErrUnauthorized)
		assert.Len(t, srv.Logins(), before, "not at once")
		srv.RefuseLogins(false)
		time.Sleep(31 * time.Second)
		_, err = c.List(t.Context(), sftp.ListOptions{})
		require.NoError(t, err)
	})
}

// Before its removal, size and time of a remote file are those that were
// received, each on its own.
func TestOnlyWhatWasReceivedIsRemoved(t *testing.T) {
	t.Parallel()
	at := time.Now().Add(-time.Hour).Truncate(time.Second)
	tests := map[string]struct {
		text string
		at   time.Time
	}{
		"another size, same time": {"longer than before", at},
		"another time, same size": {"other", at.Add(time.Second)},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b := startSFTPTest(t)
			c := b.client(t)
			b.srv.WriteFileAt("/downloads/r.csv", []byte("first"), at)
			// The first STAT is the one right before the removal.
			b.srv.Inject(sftptest.Fault{Operation: sftptest.OpStat, Path: "/downloads/r.csv", Kind: sftptest.Then, Do: func() {
				b.srv.WriteFileAt("/downloads/r.csv", []byte(tt.text), tt.at)
			}})
			got, err := c.Receive(t.Context(), ccr.DirSink(t.TempDir()), sftp.ReceiveOptions{StableFor: -1, After: sftp.RemoveRemote})
			require.ErrorIs(t, err, sftp.ErrRemoteChanged)
			require.Len(t, got, 1)
			assert.Equal(t, ccr.DeliveredNotArchived, got[0].State)
			left, there := b.srv.ReadFile("/downloads/r.csv")
			assert.True(t, there, "removed unseen")
			assert.Equal(t, tt.text, string(left))
		})
	}
}

// A foreign file of the final name is not ours if it has another size: the
// reply to the rename was lost and the temporary file is gone.
func TestLostRenameReplyBesideAForeignFile(t *testing.T) {
	t.Parallel()
	b := startSFTPTest(t)
	c := b.client(t)
	b.srv.Inject(sftptest.Fault{Operation: sftptest.OpRename, Kind: sftptest.CutBefore})
	b.srv.Inject(sftptest.Fault{Operation: sftptest.OpLstat, Skip: 1, Kind: sftptest.Then, Do: func() {
		for _, n := range b.srv.Files("/uploads") {
			b.srv.RemoveFile("/uploads/" + n)
		}
		b.srv.WriteFile("/uploads/debtors.csv", []byte("somebody else's"))
	}})
	_, err := c.Upload(t.Context(), ccr.FileFromBytes("debtors.csv", []byte("ours")), sftp.UploadOptions{})
	require.Error(t, err, "never sent, and counted as sent")
	assertOutcome(t, err, ccr.OutcomeUnknown)
}

// The content that is sent is the one that the ledger stands for.
func TestContentChangesAfterItWasHashed(t *testing.T) {
	t.Parallel()
	b := startSFTPTest(t)
	c := b.client(t)
	path := filepath.Join(t.TempDir(), "debtors.csv")
	at := time.Now().Add(-time.Hour)
	write := func(text string) {
		require.NoError(t, os.WriteFile(path, []byte(text), 0o600))
		require.NoError(t, os.Chtimes(path, at, at))
	}
	write("X is what was hashed")
	ledger := ccr.NewMemoryLedger()
	b.srv.Inject(sftptest.Fault{Operation: sftptest.OpOpen, Kind: sftptest.CutBefore, Skip: 0})
	b.srv.Inject(sftptest.Fault{Operation: sftptest.OpLstat, Kind: sftptest.Then, Do: func() { write("Y is what is sent!!!") }})
	_, err := c.Upload(t.Context(), ccr.FileFromPath(path), sftp.UploadOptions{Ledger: ledger})
	require.ErrorIs(t, err, ccr.ErrFileChanged)
	assert.Empty(t, b.srv.Files("/uploads"))
}

// A local name that appears while the file comes down is not replaced.
func TestLocalNameThatAppearsMeanwhile(t *testing.T) {
	t.Parallel()
	b := startSFTPTest(t)
	c := b.client(t)
	b.put(t, "downloads/r.csv", []byte("remote"))
	local := filepath.Join(t.TempDir(), "r.csv")
	b.srv.Inject(sftptest.Fault{Operation: sftptest.OpRead, Kind: sftptest.Then, Do: func() {
		require.NoError(t, os.WriteFile(local, []byte("mine"), 0o600))
	}})
	_, err := c.Download(t.Context(), "r.csv", local, sftp.DownloadOptions{})
	require.ErrorIs(t, err, os.ErrExist)
	got, err := os.ReadFile(local)
	require.NoError(t, err)
	assert.Equal(t, "mine", string(got))
}

// dropbear ends the connection after a host key that it had to show twice: the
// first handshake's reason counts, not the cut that follows it.
func TestWrongHostKeyOnDropbear(t *testing.T) {
	t.Parallel()
	server := requireServer(t, "dropbear", "dropbear-bin")
	keys := requireServer(t, "dropbearkey", "dropbear-bin")
	dir := t.TempDir()
	key := filepath.Join(dir, "host")
	out, err := exec.CommandContext(t.Context(), keys, "-t", "ed25519", "-f", key).CombinedOutput()
	require.NoError(t, err, "%s", out)
	port := freePort(t)
	startProcess(t, port, server, "-F", "-E", "-r", key, "-p", fmt.Sprintf("127.0.0.1:%d", port), "-P", filepath.Join(dir, "pid"))
	b := startSFTPTest(t)
	for name, hosts := range map[string]sftp.HostKeys{
		"fingerprint": sftp.HostFingerprints(b.srv.Fingerprint()), "public key": sftp.HostPublicKeys(b.srv.HostKeyLine()),
	} {
		t.Run(name, func(t *testing.T) {
			cfg := b.config
			cfg.Address, cfg.DialContext, cfg.HostKeys = fmt.Sprintf("127.0.0.1:%d", port), nil, hosts
			e := dialFails(t, cfg, sftp.ErrHostKey)
			assert.NotErrorIs(t, e, sftp.ErrConnectionLost)
		})
	}
}
