package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"os/user"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"github.com/ccr-sdk/ccr"
	"github.com/ccr-sdk/ccr/internal/testkit"
	"github.com/ccr-sdk/ccr/sftp"
)

// The peers that come from registries, by name and version.
const (
	rclonePackage = "github.com/rclone/rclone@v1.75.1"
	ssh2Package   = "ssh2@1.17.0"
)

// workshop is what the peers share: a folder, programs, and one key pair.
type workshop struct {
	options
	dir  string
	self string // this program, to run again as another process
	pair sftp.KeyPair
	host sftp.KeyPair
	user *user.User
}

func newWorkshop(o options) (*workshop, error) {
	w := &workshop{options: o}
	base := ""
	if os.Getuid() == 0 {
		base = "/var/lib" // sshd wants each folder above a chroot to be root's alone
		if err := os.MkdirAll("/run/sshd", 0o755); err != nil {
			return nil, err
		}
	}
	var errs [6]error
	w.dir, errs[0] = os.MkdirTemp(base, "ccr-peers-")
	w.pair, errs[1] = sftp.GenerateKeyPair(sftp.KeyPairOptions{})
	w.host, errs[2] = sftp.GenerateKeyPair(sftp.KeyPairOptions{})
	w.user, errs[3] = user.Current()
	w.self, errs[4] = os.Executable()
	if w.tools == "" {
		w.tools = filepath.Join(w.dir, "tools")
	}
	w.tools, errs[5] = filepath.Abs(w.tools)
	if err := errors.Join(errs[:]...); err != nil {
		return nil, err
	}
	return w, errors.Join(os.Chmod(w.dir, 0o755), os.MkdirAll(w.tools, 0o755), //nolint:gosec // sshd's chroot is below it
		os.WriteFile(w.path("authorized"), []byte(w.pair.AuthorizedKey+"\n"), 0o600), w.secret("host", w.host.Private), w.secret("id", w.pair.Private))
}

func (w *workshop) path(name string) string { return filepath.Join(w.dir, name) }

func (w *workshop) secret(name string, s ccr.Secret) error {
	text, err := s.Reveal()
	if err != nil {
		return err
	}
	return os.WriteFile(w.path(name), []byte(text), 0o600)
}

func (w *workshop) close() { _ = os.RemoveAll(w.dir) }

// program finds an installed program.
func program(name, debian string) (string, error) {
	for _, dir := range append(filepath.SplitList(os.Getenv("PATH")), "/usr/sbin", "/usr/local/sbin", "/sbin", "/usr/lib/openssh") {
		path := filepath.Join(dir, name)
		if st, err := os.Stat(path); err == nil && st.Mode().IsRegular() && st.Mode().Perm()&0o111 != 0 {
			return path, nil
		}
	}
	return "", fmt.Errorf("%s is not installed (Debian: apt-get install %s)", name, debian)
}

// rclone returns the program, which is built from the module proxy if it is
// not there: minutes, the first time.
func (w *workshop) rclone(ctx context.Context) (string, error) {
	path := filepath.Join(w.tools, "rclone")
	if _, err := os.Stat(path); err == nil {
		return path, nil
	}
	cmd := exec.CommandContext(ctx, "go", "install", rclonePackage)
	cmd.Env = append(os.Environ(), "GOBIN="+w.tools, "GOFLAGS=")
	return path, ran(cmd)
}

// ssh2 returns the folder of the npm package, which is installed by its name
// if it is not there.
func (w *workshop) ssh2(ctx context.Context) (string, error) {
	path := filepath.Join(w.tools, "node_modules", "ssh2")
	if _, err := os.Stat(path); err == nil {
		return path, nil
	}
	return path, ran(exec.CommandContext(ctx, "npm", "install", "--prefix", w.tools, "--no-audit", "--no-fund", "--ignore-scripts",
		"--omit=optional", "--no-package-lock", ssh2Package))
}

func ran(cmd *exec.Cmd) error {
	out, err := cmd.CombinedOutput()
	if err != nil {
		return fmt.Errorf("%s: %w: %s", filepath.Base(cmd.Path), err, bytes.TrimSpace(out))
	}
	return nil
}

// trial is one peer that runs.
type trial struct {
	*workshop
	p      peer
	dir    string // of this peer
	disk   string // the folder that holds the layout's
	port   int
	config sftp.Config
	ends   []func()
}

// trial starts a peer.
func (w *workshop) trial(ctx context.Context, p peer) (_ *trial, err error) {
	t := &trial{workshop: w, p: p}
	if t.dir, err = os.MkdirTemp(w.dir, "peer-"); err != nil {
		return nil, err
	}
	defer func() {
		if err != nil {
			t.close()
		}
	}()
	t.disk = filepath.Join(t.dir, "root")
	for _, f := range []string{"uploads", "downloads", "many"} {
		err = errors.Join(err, os.MkdirAll(filepath.Join(t.disk, f), 0o755)) //nolint:gosec // the server's
	}
	port, release, perr := testkit.Port()
	if err = errors.Join(err, perr, os.Chmod(t.dir, 0o755)); err != nil { //nolint:gosec // sshd's chroot is below it
		return nil, err
	}
	t.port, t.ends = port, append(t.ends, release)
	t.config = sftp.Config{
		Address: t.address(), User: w.user.Username, Key: sftp.PrivateKey(w.pair.Private),
		HostKeys: sftp.HostPublicKeys(strings.TrimSpace(w.host.AuthorizedKey)), Layout: sftp.CreditClear(), Retry: quick, Lease: lease,
	}
	t.config.Layout.Root = t.disk
	cmd, err := p.start(ctx, t)
	if err != nil {
		return nil, err
	}
	return t, t.serve(cmd)
}

var (
	quick = ccr.RetryPolicy{BaseDelay: 10 * time.Millisecond, MaxDelay: 100 * time.Millisecond}
	lease = ccr.LeasePolicy{Lease: 2 * time.Second}
)

func (t *trial) address() string { return "127.0.0.1:" + strconv.Itoa(t.port) }

// serve runs a server and waits for its port.
func (t *trial) serve(cmd *exec.Cmd) error {
	var out bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &out
	if err := cmd.Start(); err != nil {
		return err
	}
	exited := make(chan struct{})
	go func() { _ = cmd.Wait(); close(exited) }()
	t.ends = append(t.ends, func() {
		_ = cmd.Process.Kill()
		<-exited
	})
	for deadline := time.Now().Add(20 * time.Second); time.Now().Before(deadline); {
		if conn, err := net.Dial("tcp", t.address()); err == nil {
			return conn.Close()
		}
		select {
		case <-exited:
			return fmt.Errorf("%s ended: %s", filepath.Base(cmd.Path), bytes.TrimSpace(out.Bytes()))
		case <-time.After(20 * time.Millisecond):
		}
	}
	return fmt.Errorf("%s does not listen", filepath.Base(cmd.Path))
}

func (t *trial) close() {
	for i := len(t.ends) - 1; i >= 0; i-- {
		t.ends[i]()
	}
	_ = os.RemoveAll(t.dir)
}
