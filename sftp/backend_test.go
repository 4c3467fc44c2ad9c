package sftp_test

import (
	"bytes"
	"context"
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	crand "crypto/rand"
	"crypto/rsa"
	"encoding/base64"
	"encoding/pem"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"os"
	"os/exec"
	"os/user"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/ccr-sdk/ccr"
	"github.com/ccr-sdk/ccr/internal/testkit"
	"github.com/ccr-sdk/ccr/internal/tools/chaos/proxy"
	"github.com/ccr-sdk/ccr/sftp"
	"github.com/ccr-sdk/ccr/sftp/sftptest"
	"github.com/stretchr/testify/require"
	"golang.org/x/crypto/ssh"
)

// backend is a server that the suite runs against.
type backend struct {
	name   string
	config sftp.Config
	// folders is the real folder behind Root; empty for the server in the process.
	folders    string
	srv        *sftptest.Server
	hostLines  map[string]string // host keys by kind, for OpenSSH
	privateKey ccr.Secret
}

// backends are the servers of the suite. Each is started when it is needed.
var backends = map[string]func(t *testing.T) *backend{
	"sftptest": startSFTPTest,
	"openssh":  startOpenSSH,
	"proftpd":  startProFTPD,
}

// eachBackend runs a test against every server.
func eachBackend(t *testing.T, f func(t *testing.T, b *backend)) {
	t.Helper()
	for name, start := range backends {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			f(t, start(t))
		})
	}
}

// requireServer returns the path of a server program. Without one the test is
// skipped, or failed where CCR_CI_REQUIRE says that all of them must be there.
func requireServer(t *testing.T, program, debian string) string {
	t.Helper()
	for _, dir := range append(filepath.SplitList(os.Getenv("PATH")), "/usr/sbin", "/usr/local/sbin", "/sbin") {
		path := filepath.Join(dir, program)
		if st, err := os.Stat(path); err == nil && st.Mode().IsRegular() && st.Mode().Perm()&0o111 != 0 {
			return path
		}
	}
	msg := fmt.Sprintf("NOT TESTED against %s: it is not installed (Debian: apt-get install %s)", program, debian)
	if os.Getenv("CCR_CI_REQUIRE") != "" {
		t.Fatal(msg)
	}
	t.Skip(msg)
	return ""
}

func startSFTPTest(t *testing.T) *backend {
	t.Helper()
	return backendOf(t, sftptest.Config{})
}

func backendOf(t *testing.T, cfg sftptest.Config) *backend {
	t.Helper()
	if cfg.Layout.Vendor == "" {
		cfg.Layout = sftp.CreditClear()
	}
	cfg.Permissions = map[string]sftptest.Permission{
		abs(cfg.Layout.Root, cfg.Layout.Downloads): {List: true, Stat: true, Read: true, Remove: true, Rename: true},
		abs(cfg.Layout.Root, "archive"):            {List: true, Stat: true, Rename: true},
	}
	srv, err := sftptest.NewServer(cfg)
	require.NoError(t, err)
	t.Cleanup(srv.Close)
	c := srv.Config()
	c.Retry = quick
	return &backend{name: "sftptest", config: c, srv: srv}
}

func abs(elem ...string) string {
	return "/" + strings.TrimPrefix(filepath.ToSlash(filepath.Join(elem...)), "/")
}

// quick retries without long waits.
var quick = ccr.RetryPolicy{BaseDelay: time.Millisecond, MaxDelay: 5 * time.Millisecond}

// writeHostKey makes a host key and returns the public line.
func writeHostKey(t *testing.T, path, kind string) string {
	t.Helper()
	var priv crypto.Signer
	var err error
	switch kind {
	case "ed25519":
		_, priv, err = ed25519.GenerateKey(crand.Reader)
	case "ecdsa":
		priv, err = ecdsa.GenerateKey(elliptic.P256(), crand.Reader)
	case "rsa":
		priv, err = rsa.GenerateKey(crand.Reader, 2048)
	default:
		t.Fatalf("no such kind of key: %s", kind)
	}
	require.NoError(t, err)
	block, err := ssh.MarshalPrivateKey(priv, "")
	require.NoError(t, err)
	require.NoError(t, os.WriteFile(path, pem.EncodeToMemory(block), 0o600))
	key, err := ssh.NewPublicKey(priv.Public())
	require.NoError(t, err)
	return strings.TrimSpace(string(ssh.MarshalAuthorizedKey(key)))
}

// freePort is a port that no other test gets, in whatever process, until this
// one ends.
func freePort(t *testing.T) int {
	t.Helper()
	port, release, err := testkit.Port()
	require.NoError(t, err)
	t.Cleanup(release)
	return port
}

// startProcess runs a server until the test ends and waits for its port.
func startProcess(t *testing.T, port int, program string, args ...string) {
	t.Helper()
	cmd := exec.Command(program, args...)
	var out bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &out
	require.NoError(t, cmd.Start())
	exited := make(chan struct{})
	go func() { _ = cmd.Wait(); close(exited) }()
	t.Cleanup(func() {
		_ = cmd.Process.Kill()
		<-exited
	})
	deadline := time.Now().Add(20 * time.Second)
	for {
		conn, err := net.Dial("tcp", "127.0.0.1:"+strconv.Itoa(port))
		if err == nil {
			_ = conn.Close()
			return
		}
		select {
		case <-exited:
			t.Fatalf("%s ended: %s", program, out.String())
		case <-time.After(20 * time.Millisecond):
		}
		if time.Now().After(deadline) {
			t.Fatalf("%s does not listen: %s", program, out.String())
		}
	}
}

// realBackend makes the folders and keys that a real server works on.
func realBackend(t *testing.T, name string) (b *backend, dir string, pair sftp.KeyPair) {
	t.Helper()
	dir = t.TempDir()
	b = &backend{name: name, folders: filepath.Join(dir, "root")}
	for _, f := range []string{"uploads", "staging", "downloads", "archive"} {
		require.NoError(t, os.MkdirAll(filepath.Join(b.folders, f), 0o755))
	}
	pair, err := sftp.GenerateKeyPair(sftp.KeyPairOptions{})
	require.NoError(t, err)
	layout := sftp.CreditClear()
	layout.Root = b.folders
	b.privateKey = pair.Private
	b.config = sftp.Config{User: currentUser(t).Username, Key: sftp.PrivateKey(pair.Private), Layout: layout, Retry: quick}
	return b, dir, pair
}

func currentUser(t *testing.T) *user.User {
	t.Helper()
	u, err := user.Current()
	require.NoError(t, err)
	return u
}

func startOpenSSH(t *testing.T) *backend {
	t.Helper()
	return startOpenSSHWith(t, []string{"ed25519"}, "")
}

// startOpenSSHWithKeys starts an sshd with host keys of several kinds.
func startOpenSSHWithKeys(t *testing.T, kinds ...string) *backend {
	t.Helper()
	return startOpenSSHWith(t, kinds, "")
}

// startOpenSSHTrusting starts an sshd that trusts an authority's user certificates.
func startOpenSSHTrusting(t *testing.T, authority string) *backend {
	t.Helper()
	path := filepath.Join(t.TempDir(), "authority.pub")
	require.NoError(t, os.WriteFile(path, []byte(authority), 0o600))
	return startOpenSSHWith(t, []string{"ed25519"}, "TrustedUserCAKeys "+path+"\n")
}

func startOpenSSHWith(t *testing.T, kinds []string, more string) *backend {
	t.Helper()
	sshd := requireServer(t, "sshd", "openssh-server")
	b, dir, pair := realBackend(t, "openssh")
	if os.Getuid() == 0 {
		require.NoError(t, os.MkdirAll("/run/sshd", 0o755)) // sshd's own privilege separation wants it
	}
	b.hostLines = map[string]string{}
	for _, kind := range kinds {
		path := filepath.Join(dir, "host_"+kind)
		b.hostLines[kind] = writeHostKey(t, path, kind)
		more += "HostKey " + path + "\n"
	}
	authorized := filepath.Join(dir, "authorized")
	require.NoError(t, os.WriteFile(authorized, []byte(pair.AuthorizedKey+"\n"), 0o600))
	port := freePort(t)
	conf := filepath.Join(dir, "sshd_config")
	require.NoError(t, os.WriteFile(conf, fmt.Appendf(nil, `ListenAddress 127.0.0.1:%d
PidFile none
AuthorizedKeysFile %s
PasswordAuthentication no
PermitRootLogin prohibit-password
StrictModes no
UsePAM no
MaxStartups 200
MaxSessions 64
LogLevel ERROR
Subsystem sftp internal-sftp
%s`, port, authorized, more), 0o600))
	startProcess(t, port, sshd, "-D", "-e", "-f", conf)
	b.config.Address = "127.0.0.1:" + strconv.Itoa(port)
	b.config.HostKeys = sftp.HostPublicKeys(b.hostLines[kinds[0]])
	return b
}

func startProFTPD(t *testing.T) *backend {
	t.Helper()
	return startProFTPDWith(t, func(*backend, string) string { return "SFTPAuthMethods publickey" })
}

// startProFTPDWith starts mod_sftp; auth returns the directives of the login.
func startProFTPDWith(t *testing.T, auth func(b *backend, dir string) string) *backend {
	t.Helper()
	proftpd := requireServer(t, "proftpd", "proftpd-core proftpd-mod-crypto")
	b, dir, pair := realBackend(t, "proftpd")
	host := writeHostKey(t, filepath.Join(dir, "host"), "ed25519")
	keys := filepath.Join(dir, "authorized")
	require.NoError(t, os.WriteFile(keys, rfc4716(t, pair.AuthorizedKey), 0o600))
	u := currentUser(t)
	group, err := user.LookupGroupId(u.Gid)
	require.NoError(t, err)
	// The login is a user of its own with this process's ids.
	b.config.User = "client"
	passwd := filepath.Join(dir, "passwd")
	require.NoError(t, os.WriteFile(passwd, fmt.Appendf(nil, "client:%s:%s:%s::/:/bin/sh\n", proftpdHash, u.Uid, u.Gid), 0o600))
	port := freePort(t)
	require.NoError(t, os.Chmod(dir, 0o700)) // ProFTPD reads no password file from a folder that others may write to
	conf := filepath.Join(dir, "proftpd.conf")
	require.NoError(t, os.WriteFile(conf, fmt.Appendf(nil, `LoadModule mod_sftp.c
ServerType standalone
DefaultAddress 127.0.0.1
Port %d
UseIPv6 off
RootLogin on
RequireValidShell off
AuthOrder mod_auth_file.c
AuthUserFile %s
PidFile %s
ScoreboardFile %s
DelayEngine off
WtmpLog off
SystemLog %s
User %s
Group %s
AllowOverwrite on
AllowStoreRestart on
MaxInstances none
SFTPEngine on
SFTPLog %s
SFTPHostKey %s
SFTPAuthorizedUserKeys file:%s
%s
`, port, passwd, filepath.Join(dir, "pid"), filepath.Join(dir, "scoreboard"), filepath.Join(dir, "log"), u.Username, group.Name,
		filepath.Join(dir, "sftp.log"), filepath.Join(dir, "host"), keys, auth(b, dir)), 0o600))
	startProcess(t, port, proftpd, "-n", "-c", conf)
	b.config.Address = "127.0.0.1:" + strconv.Itoa(port)
	b.config.HostKeys = sftp.HostPublicKeys(host)
	return b
}

// rfc4716 writes a public key in the form that mod_sftp reads.
func rfc4716(t *testing.T, line string) []byte {
	t.Helper()
	key, _, _, _, err := ssh.ParseAuthorizedKey([]byte(line))
	require.NoError(t, err)
	body := base64.StdEncoding.EncodeToString(key.Marshal())
	var b bytes.Buffer
	b.WriteString("---- BEGIN SSH2 PUBLIC KEY ----\n")
	for chunk := range slices.Chunk([]byte(body), 70) {
		b.Write(append(chunk, '\n'))
	}
	b.WriteString("---- END SSH2 PUBLIC KEY ----\n")
	return b.Bytes()
}

// client dials the backend and closes at the end of the test.
func (b *backend) client(t *testing.T, change ...func(*sftp.Config)) *sftp.Client {
	t.Helper()
	cfg := b.config
	for _, f := range change {
		f(&cfg)
	}
	c, err := sftp.Dial(t.Context(), cfg)
	require.NoError(t, err)
	closeAtEnd(t, c)
	return c
}

func closeAtEnd(t *testing.T, c sftp.API) {
	t.Helper()
	t.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
		defer cancel()
		if err := c.Shutdown(ctx); err != nil {
			t.Errorf("close: %v", err)
		}
	})
}

// through puts a proxy between the client and the server.
func (b *backend) through(t *testing.T, cfg proxy.Config) *proxy.Proxy {
	t.Helper()
	if b.srv != nil {
		cfg.Target = func(ctx context.Context) (net.Conn, error) { return b.srv.DialContext(ctx, "tcp", b.srv.Address()) }
	} else {
		cfg.Target = proxy.TCP(b.config.Address)
	}
	p, err := proxy.Start(cfg)
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, p.Close()) })
	b.config.DialContext = p.DialContext
	return p
}

// put places a file in a folder as the vendor would.
func (b *backend) put(t *testing.T, name string, data []byte) {
	t.Helper()
	if b.srv != nil {
		b.srv.WriteFile(name, data)
		return
	}
	require.NoError(t, os.WriteFile(filepath.Join(b.folders, name), data, 0o644))
}

// get reads a file as the vendor would.
func (b *backend) get(t *testing.T, name string) ([]byte, bool) {
	t.Helper()
	if b.srv != nil {
		return b.srv.ReadFile(name)
	}
	data, err := os.ReadFile(filepath.Join(b.folders, name))
	if os.IsNotExist(err) {
		return nil, false
	}
	require.NoError(t, err)
	return data, true
}

// names lists a folder as the vendor would, hidden files included.
func (b *backend) names(t *testing.T, dir string) []string {
	t.Helper()
	if b.srv != nil {
		return b.srv.Files(dir)
	}
	entries, err := os.ReadDir(filepath.Join(b.folders, dir))
	require.NoError(t, err)
	names := []string{}
	for _, e := range entries {
		names = append(names, e.Name())
	}
	return names
}

// content makes bytes that no two places of a file have in common.
func content(size int) []byte {
	b := make([]byte, size)
	_, _ = rand.NewChaCha8([32]byte{byte(size), byte(size >> 8)}).Read(b)
	return b
}

// same compares large contents without printing them.
func same(t *testing.T, want, got []byte) {
	t.Helper()
	if bytes.Equal(want, got) {
		return
	}
	at := 0
	for at < min(len(want), len(got)) && want[at] == got[at] {
		at++
	}
	t.Fatalf("content differs: %d bytes want, %d got, equal up to %d", len(want), len(got), at)
}

// slowSource is a file whose content can be made to fail or change.
func slowSource(name string, size int64, open func() io.Reader) ccr.File {
	return ccr.NewFile(name, size, func() (io.ReadCloser, error) { return io.NopCloser(open()), nil })
}
