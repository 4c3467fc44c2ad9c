package sftp_test

import (
	"errors"
	"fmt"
	"net"
	"strings"
	"testing"
	"time"

	"github.com/ccr-sdk/ccr"
	"github.com/ccr-sdk/ccr/sftp"
	"github.com/ccr-sdk/ccr/sftp/sftptest"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"golang.org/x/crypto/ssh"
)

// sshServer is an SSH server that logs in whom auth lets in and answers the
// first session as session says.
func sshServer(t *testing.T, auth func(*ssh.ServerConfig), session func(ssh.NewChannel)) sftp.Config {
	t.Helper()
	_, key, err := generate()
	require.NoError(t, err)
	signer, err := ssh.NewSignerFromKey(key)
	require.NoError(t, err)
	conf := &ssh.ServerConfig{}
	auth(conf)
	conf.AddHostKey(signer)
	l, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	t.Cleanup(func() { _ = l.Close() })
	go func() {
		for {
			conn, err := l.Accept()
			if err != nil {
				return
			}
			go func() {
				defer conn.Close()
				_, chans, reqs, err := ssh.NewServerConn(conn, conf)
				if err != nil {
					return
				}
				go ssh.DiscardRequests(reqs)
				for nc := range chans {
					session(nc)
				}
			}()
		}
	}()
	return sftp.Config{
		Address: l.Addr().String(), User: "acme", Password: ccr.NewSecret("correct horse"), Layout: sftp.ClearDebit(),
		HostKeys: sftp.HostFingerprints(ssh.FingerprintSHA256(signer.PublicKey())), Retry: quick,
	}
}

func byPassword(c *ssh.ServerConfig) {
	c.PasswordCallback = func(ssh.ConnMetadata, []byte) (*ssh.Permissions, error) { return &ssh.Permissions{}, nil }
}

// says starts the subsystem, or does not, and ends the session with these words.
func says(start bool, stderr, stdout string, exit uint32) func(ssh.NewChannel) {
	return func(nc ssh.NewChannel) {
		ch, reqs, err := nc.Accept()
		if err != nil {
			return
		}
		for r := range reqs {
			_ = r.Reply(start, nil)
			if start {
				break
			}
		}
		go ssh.DiscardRequests(reqs)
		_, _ = ch.Stderr().Write([]byte(stderr))
		_, _ = ch.Write([]byte(stdout))
		_, _ = ch.SendRequest("exit-status", false, ssh.Marshal(struct{ Code uint32 }{exit}))
		_ = ch.Close()
	}
}

// The login is right and SFTP does not start: the true cause is named, and what
// the server said is kept beside the error, not in it.
func TestWhySFTPDidNotStart(t *testing.T) {
	t.Parallel()
	tests := map[string]struct {
		session func(ssh.NewChannel)
		class   error
		in      string
		text    string
		exit    int
	}{
		"expired password":  {says(true, "WARNING: Your password has expired.\nPassword change required\n", "", 1), sftp.ErrPasswordExpired, "password has expired", "change required", 1},
		"expired account":   {says(true, "Your account has expired; please contact acme-admin\n", "", 1), ccr.ErrUnauthorized, "account has expired", "acme-admin", 1},
		"not enabled":       {says(false, "", "", 0), sftp.ErrNotStarted, "no SFTP subsystem", "", 0},
		"stderr and status": {says(true, "quota of acme: no session\n", "", 77), sftp.ErrNotStarted, "exit status 77", "quota of acme", 77},
		"forced command":    {says(true, "", "This account is not for you to use, sorry.\n", 0), sftp.ErrNotStarted, "not SFTP", "", 0},
		"refused session": {func(nc ssh.NewChannel) {
			_ = nc.Reject(ssh.ResourceShortage, "acme has 1 session")
		}, sftp.ErrNotStarted, "refused the session", "acme has 1 session", 0},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			e := dialFails(t, sshServer(t, byPassword, tt.session), tt.class)
			assert.Contains(t, e.Error(), tt.in)
			assert.NotContains(t, e.Error()+e.Advice, "allow list", "before: the network was to blame")
			assert.NotErrorIs(t, e, sftp.ErrConnectionLost)
			if s, ok := errors.AsType[*sftp.StatusError](e); ok {
				assert.Contains(t, s.Text, tt.text)
				assert.Equal(t, tt.exit, s.Exit)
			} else {
				assert.Empty(t, tt.text)
			}
			if tt.text != "" {
				assert.NotContains(t, e.Error(), tt.text, "what a server says may be personal")
			}
		})
	}
}

func TestForceCommandOfOpenSSH(t *testing.T) {
	t.Parallel()
	b := startOpenSSHWith(t, []string{"ed25519"}, "ForceCommand echo 'acme has no shell' >&2; exit 7\n")
	e := dialFails(t, b.config, sftp.ErrNotStarted)
	s, ok := errors.AsType[*sftp.StatusError](e)
	require.True(t, ok)
	assert.Equal(t, 7, s.Exit)
	assert.Contains(t, e.Error(), "the login was accepted") // sshd drops what a subsystem writes to stderr
}

// Who logs in with a password gets no advice about keys, and who needs both is
// told so.
func TestLoginWords(t *testing.T) {
	t.Parallel()
	refuse := func(ssh.ConnMetadata, []byte) (*ssh.Permissions, error) { return nil, errors.New("no") }
	t.Run("password refused", func(t *testing.T) {
		t.Parallel()
		e := dialFails(t, sshServer(t, func(c *ssh.ServerConfig) { c.PasswordCallback = refuse }, nil), ccr.ErrUnauthorized)
		assert.NotContains(t, strings.ToLower(e.Error()+e.Advice), "public key")
		assert.Contains(t, e.Error(), "tried password")
	})
	t.Run("key accepted, password missing", func(t *testing.T) {
		t.Parallel()
		cfg := sshServer(t, func(c *ssh.ServerConfig) {
			c.PublicKeyCallback = func(ssh.ConnMetadata, ssh.PublicKey) (*ssh.Permissions, error) {
				return nil, &ssh.PartialSuccessError{Next: ssh.ServerAuthCallbacks{PasswordCallback: refuse}}
			}
		}, nil)
		pair, err := sftp.GenerateKeyPair(sftp.KeyPairOptions{})
		require.NoError(t, err)
		cfg.Key, cfg.Password = sftp.PrivateKey(pair.Private), ccr.Secret{}
		e := dialFails(t, cfg, ccr.ErrUnauthorized)
		assert.Contains(t, e.Error(), "publickey was accepted, and the server wants password besides")
		assert.NotContains(t, e.Error(), "tried nothing")
	})
}

// Whatever words a server has for "no room": ErrDiskFull.
func TestNoRoomInWords(t *testing.T) {
	t.Parallel()
	for _, text := range []string{"Disk quota exceeded", "write: No space left on device", "denying write due to space limit", "Insufficient storage"} {
		for _, op := range []string{sftptest.OpOpen, sftptest.OpWrite, sftptest.OpClose, sftptest.OpFsync} {
			t.Run(text+", "+op, func(t *testing.T) {
				t.Parallel()
				b := startSFTPTest(t)
				b.srv.Inject(sftptest.Fault{Operation: op, Kind: sftptest.Refuse, Text: text, Times: -1})
				_, err := b.client(t).Upload(t.Context(), ccr.FileFromBytes("a.csv", content(300_000)), sftp.UploadOptions{})
				require.ErrorIs(t, err, sftp.ErrDiskFull)
				assert.ErrorIs(t, err, ccr.ErrUnavailable)
				assertOutcome(t, err, ccr.OutcomeRejected)
				assert.NotContains(t, err.Error(), text)
			})
		}
	}
}

func TestReadOnlyServer(t *testing.T) {
	t.Parallel()
	b := startOpenSSHWith(t, []string{"ed25519"}, "Match all\n  ForceCommand internal-sftp -R\n")
	c := b.client(t)
	_, err := c.Upload(t.Context(), ccr.FileFromBytes("a.csv", []byte("x")), sftp.UploadOptions{})
	require.ErrorIs(t, err, ccr.ErrForbidden)
	assertOutcome(t, err, ccr.OutcomeRejected)
	assert.Contains(t, err.Error(), "may not write")
	s, ok := errors.AsType[*sftp.StatusError](err)
	require.True(t, ok)
	assert.NotEmpty(t, s.Text)
	b.put(t, "downloads/r.csv", []byte("x"))
	_, err = c.List(t.Context(), sftp.ListOptions{})
	require.NoError(t, err)
}

// The folder took the temporary file away: that is said at once, and so on the
// next run over the same ledger, until somebody says what became of it.
func TestTemporaryFileIsTakenAway(t *testing.T) {
	t.Parallel()
	inBubble(t, func(t *testing.T, srv *sftptest.Server) {
		c := dialMemory(t, srv, nil)
		srv.Inject(sftptest.Fault{Operation: sftptest.OpRename, Kind: sftptest.Then, Do: func() {
			for _, n := range srv.Files("/uploads") {
				srv.RemoveFile("/uploads/" + n)
			}
		}})
		ledger, file := ccr.NewMemoryLedger(), ccr.FileFromBytes("a.csv", []byte("x"))
		began := time.Now()
		for _, want := range []string{"taken away", "SettleUpload"} {
			_, err := c.Upload(t.Context(), file, sftp.UploadOptions{Ledger: ledger})
			require.Error(t, err)
			assertOutcome(t, err, ccr.OutcomeUnknown)
			assert.Contains(t, err.Error(), want)
			assert.NotContains(t, err.Error(), "another worker")
		}
		assert.Less(t, time.Since(began), 5*time.Second, "before: 120 s of silence")
		require.NoError(t, c.SettleUpload(t.Context(), sftp.SettleOptions{Ledger: ledger, File: file, Arrived: false}))
		_, err := c.Upload(t.Context(), file, sftp.UploadOptions{Ledger: ledger})
		require.NoError(t, err)
		require.NoError(t, c.Shutdown(t.Context()))
	})
}

// The error of many files names a few and counts the rest.
func TestUploadAllErrorIsOneLineOfBoundedLength(t *testing.T) {
	t.Parallel()
	b := startSFTPTest(t)
	b.srv.Inject(sftptest.Fault{Operation: sftptest.OpWrite, Kind: sftptest.Refuse, Status: 3, Times: -1})
	var files []ccr.File
	for i := range 60 {
		files = append(files, ccr.FileFromBytes(fmt.Sprintf("f%02d.csv", i), []byte("x")))
	}
	out, err := b.client(t).UploadAll(t.Context(), files, sftp.UploadOptions{})
	require.ErrorIs(t, err, ccr.ErrForbidden)
	assert.Contains(t, err.Error(), "60 of 60 files failed")
	assert.Less(t, len(err.Error()), 2000)
	assert.NotContains(t, err.Error(), "\n")
	for _, up := range out {
		require.ErrorIs(t, up.Err, ccr.ErrForbidden)
	}
}

// A server that tells no size has not said that the file is empty.
func TestUploadToAServerWithoutSizes(t *testing.T) {
	t.Parallel()
	b := backendOf(t, sftptest.Config{Traits: sftptest.Traits{NoSize: true}})
	up, err := b.client(t).Upload(t.Context(), ccr.FileFromBytes("a.csv", content(300_000)), sftp.UploadOptions{})
	require.NoError(t, err, "before: incomplete, the server has 0 bytes")
	assert.Equal(t, sftp.Unverifiable, up.Verification)
	got, _ := b.srv.ReadFile("/uploads/a.csv")
	same(t, content(300_000), got)
}

// A rename that the account may not do is no taken name, although Overwrite is
// set and the name is taken.
func TestOverwriteWithoutTheRightToRename(t *testing.T) {
	t.Parallel()
	b := startSFTPTest(t)
	b.srv.WriteFile("/uploads/a.csv", []byte("old"))
	b.srv.Inject(sftptest.Fault{Operation: sftptest.OpPosixRename, Kind: sftptest.Refuse, Status: 3, Times: -1})
	_, err := b.client(t).Upload(t.Context(), ccr.FileFromBytes("a.csv", []byte("new")), sftp.UploadOptions{Overwrite: true})
	require.ErrorIs(t, err, ccr.ErrForbidden)
	assert.NotErrorIs(t, err, sftp.ErrExists, "before: the name was to blame")
	assert.Contains(t, err.Error(), "DeleteFirst")
}
