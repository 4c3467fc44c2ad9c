package sftp_test

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"errors"
	"net"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/ccr-sdk/ccr"
	"github.com/ccr-sdk/ccr/internal/tools/chaos/proxy"
	"github.com/ccr-sdk/ccr/sftp"
	"github.com/ccr-sdk/ccr/sftp/sftptest"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"golang.org/x/crypto/ssh"
	"golang.org/x/crypto/ssh/agent"
	xknownhosts "golang.org/x/crypto/ssh/knownhosts"
)

// dialFails dials and returns the error, which must be typed and advise.
func dialFails(t *testing.T, cfg sftp.Config, class error) *ccr.Error {
	t.Helper()
	cfg.Retry = quick
	c, err := sftp.Dial(t.Context(), cfg)
	require.Nil(t, c)
	require.ErrorIs(t, err, class)
	assertOutcome(t, err, ccr.OutcomeNotSent)
	e, _ := errors.AsType[*ccr.Error](err)
	return e
}

// knownHosts writes a known_hosts file.
func knownHosts(t *testing.T, lines ...string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "known_hosts")
	require.NoError(t, os.WriteFile(path, []byte(strings.Join(lines, "\n")+"\n"), 0o600))
	return path
}

// otherKey is a public key line that no server has.
func otherKey(t *testing.T) string {
	t.Helper()
	pair, err := sftp.GenerateKeyPair(sftp.KeyPairOptions{})
	require.NoError(t, err)
	return pair.AuthorizedKey
}

// hostOf is the name of a server in a known_hosts line.
func hostOf(cfg sftp.Config) string { return xknownhosts.Normalize(cfg.Address) }

func TestHostKeyRefusedEverywhere(t *testing.T) {
	t.Parallel()
	eachBackend(t, func(t *testing.T, b *backend) {
		host := hostOf(b.config)
		pair, err := sftp.GenerateKeyPair(sftp.KeyPairOptions{})
		require.NoError(t, err)
		tests := map[string]struct {
			keys     sftp.HostKeys
			class    error
			expected bool // the error names what is configured
		}{
			"wrong fingerprint":    {sftp.HostFingerprints(pair.Fingerprint), sftp.ErrHostKeyChanged, true},
			"wrong public key":     {sftp.HostPublicKeys(pair.AuthorizedKey), sftp.ErrHostKeyChanged, true},
			"changed":              {sftp.KnownHosts(knownHosts(t, host+" "+pair.AuthorizedKey)), sftp.ErrHostKeyChanged, true},
			"unknown":              {sftp.KnownHosts(knownHosts(t, "other.example "+pair.AuthorizedKey)), sftp.ErrHostKeyUnknown, false},
			"of another kind only": {sftp.KnownHosts(knownHosts(t, host+" "+ecdsaLine(t))), sftp.ErrHostKeyChanged, true},
			"hashed and changed":   {sftp.KnownHosts(knownHosts(t, xknownhosts.HashHostname(host)+" "+pair.AuthorizedKey)), sftp.ErrHostKeyChanged, true},
			"no such file":         {sftp.KnownHosts(filepath.Join(t.TempDir(), "none")), sftp.ErrHostKeySetup, false},
			"not a known_hosts":    {sftp.KnownHosts(knownHosts(t, "what is this?")), sftp.ErrHostKeySetup, false},
		}
		for name, tt := range tests {
			t.Run(name, func(t *testing.T) {
				cfg := b.config
				cfg.HostKeys = tt.keys
				e := dialFails(t, cfg, tt.class)
				require.ErrorIs(t, e, sftp.ErrHostKey)
				if hk, ok := errors.AsType[*sftp.HostKeyError](e); ok {
					assert.True(t, strings.HasPrefix(hk.Presented, "SHA256:"), "%+v", hk)
					assert.Contains(t, e.Error(), hk.Presented)
					assert.Contains(t, e.Advice, "No credential was offered")
					assert.Equal(t, tt.expected, len(hk.Expected) > 0)
				} else {
					assert.ErrorIs(t, e, sftp.ErrHostKeySetup)
				}
			})
		}
		if b.srv != nil {
			assert.Empty(t, b.srv.Logins(), "a credential was offered to a server that was not verified")
		}
	})
}

func ecdsaLine(t *testing.T) string {
	t.Helper()
	return strings.TrimSpace(string(ssh.MarshalAuthorizedKey(ecdsaSigner(t).PublicKey())))
}

func ecdsaSigner(t *testing.T) ssh.Signer {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	require.NoError(t, err)
	s, err := ssh.NewSignerFromKey(key)
	require.NoError(t, err)
	return s
}

func TestHostKeyAccepted(t *testing.T) {
	t.Parallel()
	srv, err := sftptest.NewServer(sftptest.Config{})
	require.NoError(t, err)
	t.Cleanup(srv.Close)
	other := otherKey(t)
	host := xknownhosts.Normalize(srv.Address())
	tests := map[string]sftp.HostKeys{
		"fingerprint":              sftp.HostFingerprints(srv.Fingerprint()),
		"one of several":           sftp.HostFingerprints("SHA256:"+strings.Repeat("A", 43), srv.Fingerprint()),
		"public key":               sftp.HostPublicKeys(srv.HostKeyLine()),
		"one of several lines":     sftp.HostPublicKeys(other, srv.HostKeyLine()),
		"known_hosts":              sftp.KnownHosts(knownHosts(t, srv.KnownHostsLine())),
		"known_hosts, hashed":      sftp.KnownHosts(knownHosts(t, xknownhosts.HashHostname(host)+" "+srv.HostKeyLine())),
		"known_hosts, second file": sftp.KnownHosts(knownHosts(t, "x.example "+other), knownHosts(t, srv.KnownHostsLine())),
		"known_hosts, two keys":    sftp.KnownHosts(knownHosts(t, host+" "+other, srv.KnownHostsLine())),
	}
	for name, keys := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			cfg := srv.Config()
			cfg.HostKeys = keys
			c, err := sftp.Dial(t.Context(), cfg)
			require.NoError(t, err)
			require.NoError(t, c.Shutdown(t.Context()))
		})
	}
}

// A server shows one of its keys, the one whose kind is negotiated: with a
// known_hosts file or a pin of another kind, it must be asked for that kind.
func TestHostKeyOfTheKnownKindIsNegotiated(t *testing.T) {
	t.Parallel()
	requireServer(t, "sshd", "openssh-server")
	b := startOpenSSHWithKeys(t, "ed25519", "ecdsa", "rsa")
	for kind, line := range b.hostLines {
		t.Run(kind, func(t *testing.T) {
			key, _, _, _, err := ssh.ParseAuthorizedKey([]byte(line))
			require.NoError(t, err)
			for name, keys := range map[string]sftp.HostKeys{
				"known_hosts": sftp.KnownHosts(knownHosts(t, hostOf(b.config)+" "+line)),
				"fingerprint": sftp.HostFingerprints(ssh.FingerprintSHA256(key)),
				"public key":  sftp.HostPublicKeys(line),
			} {
				cfg := b.config
				cfg.HostKeys = keys
				c, err := sftp.Dial(t.Context(), cfg)
				require.NoError(t, err, name)
				require.NoError(t, c.Shutdown(t.Context()))
			}
		})
	}
}

func TestHostKeyRevokedAndCertificates(t *testing.T) {
	t.Parallel()
	srv, err := sftptest.NewServer(sftptest.Config{})
	require.NoError(t, err)
	defer srv.Close()
	cfg := srv.Config()
	cfg.HostKeys = sftp.KnownHosts(knownHosts(t, srv.KnownHostsLine(), "@revoked * "+srv.HostKeyLine()))
	dialFails(t, cfg, sftp.ErrHostKeyRevoked)

	authority, host := ecdsaSigner(t), ecdsaSigner(t)
	cert := &ssh.Certificate{
		CertType: ssh.HostCert, Key: host.PublicKey(), ValidPrincipals: []string{"127.0.0.1"},
		ValidBefore: uint64(time.Now().Add(time.Hour).Unix()),
	}
	require.NoError(t, cert.SignCert(rand.Reader, authority))
	signer, err := ssh.NewCertSigner(cert, host)
	require.NoError(t, err)
	srv.SetHostKey(signer)
	line := strings.TrimSpace(string(ssh.MarshalAuthorizedKey(authority.PublicKey())))
	cfg.HostKeys = sftp.KnownHosts(knownHosts(t, "@cert-authority "+hostOf(cfg)+" "+line))
	c, err := sftp.Dial(t.Context(), cfg)
	require.NoError(t, err)
	require.NoError(t, c.Shutdown(t.Context()))

	cfg.HostKeys = sftp.KnownHosts(knownHosts(t, "@cert-authority "+hostOf(cfg)+" "+ecdsaLine(t)))
	dialFails(t, cfg, sftp.ErrHostKeyChanged)
}

func TestHostKeyChangesBetweenConnections(t *testing.T) {
	t.Parallel()
	b := startSFTPTest(t)
	c := b.client(t)
	_, err := c.List(t.Context(), sftp.ListOptions{})
	require.NoError(t, err)
	logins := len(b.srv.Logins())
	require.NoError(t, b.srv.ChangeHostKey())
	b.srv.CutConnections()
	_, err = c.List(t.Context(), sftp.ListOptions{})
	require.ErrorIs(t, err, sftp.ErrHostKeyChanged)
	assert.Len(t, b.srv.Logins(), logins)
}

func TestLoginRefusedEverywhere(t *testing.T) {
	t.Parallel()
	eachBackend(t, func(t *testing.T, b *backend) {
		pair, err := sftp.GenerateKeyPair(sftp.KeyPairOptions{})
		require.NoError(t, err)
		cfg := b.config
		cfg.Key = sftp.PrivateKey(pair.Private)
		p := b.through(t, proxy.Config{})
		cfg.DialContext = b.config.DialContext
		e := dialFails(t, cfg, ccr.ErrUnauthorized)
		assert.False(t, e.Temporary())
		assert.EqualValues(t, 1, p.Stats().Connections, "a refused login is not repeated")
		if b.srv != nil {
			assert.Equal(t, []sftptest.Login{{User: cfg.User, Method: "publickey"}}, b.srv.Logins(), "exactly one key is offered")
		}
	})
}

// After a login was refused, the client stops: many calls at once must not
// lock the account.
func TestRefusedLoginEndsTheClient(t *testing.T) {
	t.Parallel()
	good, err := sftp.GenerateKeyPair(sftp.KeyPairOptions{})
	require.NoError(t, err)
	bad, err := sftp.GenerateKeyPair(sftp.KeyPairOptions{})
	require.NoError(t, err)
	path := filepath.Join(t.TempDir(), "id")
	require.NoError(t, good.Write(path))
	b := backendOf(t, sftptest.Config{Users: []sftptest.User{{Name: "acme", AuthorizedKeys: []string{good.AuthorizedKey}}}})
	b.config.Key = sftp.PrivateKeyFile(path)
	c := b.client(t)
	require.NoError(t, os.Remove(path))
	require.NoError(t, os.Remove(path+".pub"))
	require.NoError(t, bad.Write(path)) // rotated to a key that the vendor does not have yet
	b.srv.CutConnections()
	var files []ccr.File
	for i := range 50 {
		files = append(files, ccr.FileFromBytes("f"+string(rune('a'+i%26))+string(rune('a'+i/26))+".csv", []byte("x")))
	}
	_, err = c.UploadAll(t.Context(), files, sftp.UploadOptions{})
	require.ErrorIs(t, err, ccr.ErrUnauthorized)
	_, err = c.List(t.Context(), sftp.ListOptions{})
	require.ErrorIs(t, err, ccr.ErrUnauthorized)
	refused := 0
	for _, l := range b.srv.Logins() {
		if !l.OK {
			refused++
		}
	}
	assert.Equal(t, 1, refused)
}

func TestPasswordLogin(t *testing.T) {
	t.Parallel()
	srv, err := sftptest.NewServer(sftptest.Config{Layout: sftp.ClearDebit()})
	require.NoError(t, err)
	defer srv.Close()
	c, err := srv.Client(t.Context())
	require.NoError(t, err)
	_, err = c.Upload(t.Context(), ccr.FileFromBytes("COLLECTIONS TEST.csv", []byte("x")), sftp.UploadOptions{})
	require.NoError(t, err)
	assert.Equal(t, []string{"COLLECTIONS TEST.csv"}, srv.Files("/uploads"))
	require.NoError(t, c.Shutdown(t.Context()))

	cfg := srv.Config()
	cfg.Password = ccr.NewSecret("not this one")
	e := dialFails(t, cfg, ccr.ErrUnauthorized)
	assert.NotContains(t, e.Error(), "not this one")
	logins := srv.Logins()
	assert.Equal(t, sftptest.Login{User: cfg.User, Method: "password"}, logins[len(logins)-1])
	require.Len(t, logins, 2, "a refused password is offered once")
}

func TestKeys(t *testing.T) {
	t.Parallel()
	pass := ccr.NewSecret("a passphrase of some length")
	plain, err := sftp.GenerateKeyPair(sftp.KeyPairOptions{})
	require.NoError(t, err)
	locked, err := sftp.GenerateKeyPair(sftp.KeyPairOptions{Passphrase: pass, Comment: "acme-uat"})
	require.NoError(t, err)
	rsaKey, err := rsa.GenerateKey(rand.Reader, 2048)
	require.NoError(t, err)
	rsaSigner, err := ssh.NewSignerFromKey(rsaKey)
	require.NoError(t, err)
	rsaLine := string(ssh.MarshalAuthorizedKey(rsaSigner.PublicKey()))
	b := backendOf(t, sftptest.Config{Users: []sftptest.User{{Name: "acme", AuthorizedKeys: []string{plain.AuthorizedKey, locked.AuthorizedKey, rsaLine}}}})
	dir := t.TempDir()
	require.NoError(t, plain.Write(filepath.Join(dir, "plain")))
	require.NoError(t, locked.Write(filepath.Join(dir, "locked")))
	require.ErrorIs(t, plain.Write(filepath.Join(dir, "plain")), os.ErrExist)

	keyring := agent.NewKeyring()
	for range 3 {
		_, other, err := generate()
		require.NoError(t, err)
		require.NoError(t, keyring.Add(agent.AddedKey{PrivateKey: other}))
	}
	pub, priv, err := generate()
	require.NoError(t, err)
	require.NoError(t, keyring.Add(agent.AddedKey{PrivateKey: priv}))
	agentLine, err := ssh.NewPublicKey(pub)
	require.NoError(t, err)
	ba := backendOf(t, sftptest.Config{Users: []sftptest.User{{Name: "acme", AuthorizedKeys: []string{string(ssh.MarshalAuthorizedKey(agentLine))}}}})
	dialAgent := func(context.Context) (net.Conn, error) {
		here, there := net.Pipe()
		go func() { _ = agent.ServeAgent(keyring, there) }()
		return here, nil
	}

	good := map[string]struct {
		b   *backend
		key sftp.Key
	}{
		"file":           {b, sftp.PrivateKeyFile(filepath.Join(dir, "plain"))},
		"encrypted file": {b, sftp.PrivateKeyFile(filepath.Join(dir, "locked")).WithPassphrase(pass)},
		"secret":         {b, sftp.PrivateKey(plain.Private)},
		"secret file":    {b, sftp.PrivateKey(ccr.SecretFromFile(filepath.Join(dir, "plain")))},
		"rsa":            {b, sftp.Signer(rsaSigner)},
		"agent":          {ba, sftp.Agent(dialAgent, ssh.FingerprintSHA256(agentLine))},
	}
	for name, tt := range good {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			cfg := tt.b.config
			cfg.Key = tt.key
			c, err := sftp.Dial(t.Context(), cfg)
			require.NoError(t, err)
			require.NoError(t, c.Shutdown(t.Context()))
		})
	}

	require.NoError(t, os.WriteFile(filepath.Join(dir, "noise"), []byte("-----BEGIN NOISE-----"), 0o600))
	bad := map[string]struct {
		key  sftp.Key
		says string
	}{
		"no file":          {sftp.PrivateKeyFile(filepath.Join(dir, "none")), "no such file"},
		"not a key":        {sftp.PrivateKeyFile(filepath.Join(dir, "noise")), "not a private key"},
		"no passphrase":    {sftp.PrivateKeyFile(filepath.Join(dir, "locked")), "encrypted"},
		"wrong passphrase": {sftp.PrivateKeyFile(filepath.Join(dir, "locked")).WithPassphrase(ccr.NewSecret("no")), "passphrase"},
		"agent without it": {sftp.Agent(dialAgent, plain.Fingerprint), "no key with that fingerprint"},
		"no agent":         {sftp.AgentSocket(filepath.Join(dir, "no.sock"), plain.Fingerprint), "ssh-agent"},
		"bad certificate":  {sftp.PrivateKey(plain.Private).WithCertificate([]byte(locked.AuthorizedKey)), "certificate"},
	}
	if isUnix {
		open := filepath.Join(dir, "open")
		require.NoError(t, os.WriteFile(open, []byte("x"), 0o600))
		require.NoError(t, os.Chmod(open, 0o644))
		bad["others can read"] = struct {
			key  sftp.Key
			says string
		}{sftp.PrivateKeyFile(open), "chmod 600"}
	}
	for name, tt := range bad {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			cfg := b.config
			cfg.Key = tt.key
			e := dialFails(t, cfg, sftp.ErrKey)
			assert.Contains(t, e.Error(), tt.says)
		})
	}
}

func TestCertificateLogin(t *testing.T) {
	t.Parallel()
	requireServer(t, "sshd", "openssh-server")
	authority := ecdsaSigner(t)
	b := startOpenSSHTrusting(t, string(ssh.MarshalAuthorizedKey(authority.PublicKey())))
	pair, err := sftp.GenerateKeyPair(sftp.KeyPairOptions{})
	require.NoError(t, err)
	pub, _, _, _, err := ssh.ParseAuthorizedKey([]byte(pair.AuthorizedKey))
	require.NoError(t, err)
	cert := &ssh.Certificate{
		CertType: ssh.UserCert, Key: pub, ValidPrincipals: []string{b.config.User},
		ValidBefore: uint64(time.Now().Add(time.Hour).Unix()),
	}
	require.NoError(t, cert.SignCert(rand.Reader, authority))
	path := filepath.Join(t.TempDir(), "id-cert.pub")
	require.NoError(t, os.WriteFile(path, ssh.MarshalAuthorizedKey(cert), 0o600))
	cfg := b.config
	cfg.Key = sftp.PrivateKey(pair.Private).WithCertificateFile(path)
	c, err := sftp.Dial(t.Context(), cfg)
	require.NoError(t, err)
	require.NoError(t, c.Shutdown(t.Context()))
	cfg.Key = sftp.PrivateKey(pair.Private)
	dialFails(t, cfg, ccr.ErrUnauthorized)
}

func TestConfigIsCheckedWhole(t *testing.T) {
	t.Parallel()
	_, err := sftp.Dial(t.Context(), sftp.Config{Address: "sftp://user@host/", Concurrency: 65, HostKeys: sftp.HostFingerprints("MD5:00")})
	require.ErrorIs(t, err, ccr.ErrInvalid)
	assertFields(t, err, "Address", "User", "Key", "HostKeys[0]", "Layout.Vendor", "Layout", "Concurrency")
	assert.NotContains(t, err.Error(), "user@host")

	_, err = sftp.DialUAT(t.Context(), sftp.UATConfig{})
	require.ErrorIs(t, err, ccr.ErrInvalid)

	older := sftp.Config{Address: "h", User: "u", Password: ccr.NewSecret("p"), HostKeys: sftp.KnownHosts("x"), Layout: sftp.CreditClearOlder("")}
	older.Layout.Downloads = ""
	require.ErrorContains(t, older.Validate(), "has no folders")
}

func TestNobodyListens(t *testing.T) {
	t.Parallel()
	b := startSFTPTest(t)
	cfg := b.config
	dials := 0
	cfg.DialContext = func(context.Context, string, string) (net.Conn, error) {
		dials++
		return nil, &net.OpError{Op: "dial", Net: "tcp", Err: syscall.ECONNREFUSED}
	}
	e := dialFails(t, cfg, ccr.ErrUnavailable)
	assert.Equal(t, 4, dials, "connecting is retried")
	assert.True(t, e.Temporary())
	assert.Contains(t, e.Advice, "allow list")
	assert.Equal(t, 4, e.Attempts)
}
