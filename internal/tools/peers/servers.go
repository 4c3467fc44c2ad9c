package main

import (
	"bytes"
	"context"
	_ "embed"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"os/user"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	"github.com/ccr-sdk/ccr"
	"github.com/ccr-sdk/ccr/sftp"
)

// peer is a server of others in one set-up.
type peer struct {
	name    string
	start   func(ctx context.Context, t *trial) (*exec.Cmd, error)
	refuses map[string]refusal // operations that it refuses, and why
}

// refusal is the cause that must be named.
type refusal struct {
	class  error
	advice string // a part of it
}

// all is the same refusal of several operations.
func all(r refusal, ops ...string) map[string]refusal {
	m := map[string]refusal{}
	for _, op := range ops {
		m[op] = r
	}
	return m
}

var (
	noRight    = refusal{ccr.ErrForbidden, "right"}
	noRename   = refusal{ccr.ErrForbidden, "PolicyDirect"}
	notAtOnce  = refusal{sftp.ErrExists, "DeleteFirst"}
	wrongSize  = refusal{ccr.ErrIncomplete, "final name"}
	everyWrite = []string{"probe", "small", "empty", "large", "overwrite", "deletefirst", "many", "rerun", "cut", "resume", "twenty"}
	everySize  = []string{"probe", "small", "large", "overwrite", "deletefirst", "many", "rerun", "cut", "resume", "twenty"}
	withoutOne = all(notAtOnce, "overwrite")
)

var peers = []peer{
	{name: "openssh", start: openssh("")},
	{name: "openssh chroot", start: chrooted},
	{name: "openssh -R", start: openssh("-R"), refuses: all(noRight, everyWrite...)},
	{name: "openssh -P rename", start: openssh("-P rename,posix-rename"), refuses: all(noRename, everyWrite...)},
	{name: "openssh -P remove", start: openssh("-P remove")},
	{name: "openssh -P stat", start: openssh("-P stat,lstat,fstat"), refuses: map[string]refusal{
		"existing": {sftp.ErrServerFailure, "a taken name"}, "download": noRight, "receive": {ccr.ErrForbidden, ""},
	}},
	{name: "openssh -P list", start: openssh("-P opendir,readdir"), refuses: all(refusal{ccr.ErrForbidden, ""}, "names", "receive", "watch")},
	{name: "proftpd", start: proftpd},
	{name: "dropbear", start: dropbear},
	{name: "rclone", start: rclone},
	{name: "ssh2", start: ssh2(""), refuses: withoutOne},
	{name: "ssh2 in order", start: ssh2("inorder,nofsetstat,texts"), refuses: withoutOne},
	{name: "ssh2 no size", start: ssh2("nosize"), refuses: withoutOne},
	{name: "ssh2 size 0", start: ssh2("size0"), refuses: all(wrongSize, everySize...)},
}

func (t *trial) write(name, text string) (path string, err error) {
	path = filepath.Join(t.dir, name)
	return path, os.WriteFile(path, []byte(text), 0o600)
}

func openssh(flags string) func(context.Context, *trial) (*exec.Cmd, error) {
	return func(_ context.Context, t *trial) (*exec.Cmd, error) {
		return t.sshd("Subsystem sftp internal-sftp " + flags)
	}
}

func (t *trial) sshd(more string) (*exec.Cmd, error) {
	path, err := program("sshd", "openssh-server")
	if err != nil {
		return nil, err
	}
	conf, err := t.write("sshd_config", fmt.Sprintf(`ListenAddress %s
HostKey %s
AuthorizedKeysFile %s
PidFile none
PasswordAuthentication no
PermitRootLogin yes
StrictModes no
UsePAM no
LogLevel ERROR
%s
`, t.address(), t.path("host"), t.path("authorized"), more))
	return exec.Command(path, "-D", "-e", "-f", conf), err
}

// chrooted is how vendors set OpenSSH up: the account sees its folder as /.
func chrooted(_ context.Context, t *trial) (*exec.Cmd, error) {
	if os.Getuid() != 0 {
		return nil, errors.New("only root can set up a chroot")
	}
	t.config.Layout.Root = "/"
	return t.sshd("Subsystem sftp internal-sftp\nMatch all\n  ChrootDirectory " + t.disk + "\n  ForceCommand internal-sftp\n  AllowTcpForwarding no")
}

func proftpd(_ context.Context, t *trial) (*exec.Cmd, error) {
	path, err := program("proftpd", "proftpd-core proftpd-mod-crypto")
	if err != nil {
		return nil, err
	}
	group, gerr := user.LookupGroupId(t.user.Gid)
	passwd, perr := t.write("passwd", fmt.Sprintf("client:!:%s:%s::/:/bin/sh\n", t.user.Uid, t.user.Gid))
	keys, kerr := t.write("keys", rfc4716(t.pair.AuthorizedKey))
	if err := errors.Join(gerr, perr, kerr); err != nil {
		return nil, err
	}
	t.config.User = "client"
	in := func(name string) string { return filepath.Join(t.dir, name) }
	conf, err := t.write("proftpd.conf", fmt.Sprintf(`LoadModule mod_sftp.c
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
SFTPAuthMethods publickey
`, t.port, passwd, in("pid"), in("scoreboard"), in("log"), t.user.Username, group.Name, in("sftp.log"), t.path("host"), keys))
	return exec.Command(path, "-n", "-c", conf), err
}

// rfc4716 writes a public key in the form that mod_sftp reads.
func rfc4716(line string) string {
	body := strings.Fields(line)[1]
	var b strings.Builder
	b.WriteString("---- BEGIN SSH2 PUBLIC KEY ----\n")
	for chunk := range slices.Chunk([]byte(body), 70) {
		b.Write(append(chunk, '\n'))
	}
	return b.String() + "---- END SSH2 PUBLIC KEY ----\n"
}

// dropbear runs with OpenSSH's sftp-server. It reads keys from the account's
// home only, so that it gets a password file of its own, in a mount namespace.
func dropbear(_ context.Context, t *trial) (*exec.Cmd, error) {
	path, err := program("dropbear", "dropbear-bin")
	if err != nil {
		return nil, err
	}
	_, serr := program("sftp-server", "openssh-sftp-server")
	unshare, uerr := program("unshare", "util-linux")
	if err := errors.Join(serr, uerr); err != nil {
		return nil, err
	}
	if os.Getuid() != 0 {
		return nil, errors.New("only root can make a mount namespace")
	}
	home := filepath.Join(t.dir, "home")
	key, kerr := dropbearKey(t.host.Private)
	host, herr := t.write("dropbear_host", string(key))
	passwd, perr := t.write("passwd", fmt.Sprintf("client:!:%s:%s::%s:/bin/sh\n", t.user.Uid, t.user.Gid, home))
	if err := errors.Join(kerr, herr, perr, os.MkdirAll(filepath.Join(home, ".ssh"), 0o700),
		os.WriteFile(filepath.Join(home, ".ssh", "authorized_keys"), []byte(t.pair.AuthorizedKey+"\n"), 0o600), os.Chmod(passwd, 0o644)); err != nil { //nolint:gosec // as /etc/passwd
		return nil, err
	}
	t.config.User = "client"
	return exec.Command(unshare, "--mount", "sh", "-c", `mount --bind "$1" /etc/passwd && shift && exec "$@"`, "sh", passwd,
		path, "-F", "-E", "-s", "-r", host, "-p", t.address(), "-P", filepath.Join(t.dir, "pid")), nil
}

func rclone(ctx context.Context, t *trial) (*exec.Cmd, error) {
	path, err := t.rclone(ctx)
	if err != nil {
		return nil, err
	}
	t.config.Layout.Root = ""
	cmd := exec.Command(path, "serve", "sftp", t.disk, "--config", "", "--addr", t.address(), "--key", t.path("host"), "--authorized-keys", t.path("authorized"), "--dir-cache-time", "0s")
	cmd.Env = append(os.Environ(), "HOME="+t.dir, "XDG_CACHE_HOME="+t.dir)
	return cmd, nil
}

//go:embed server.js
var serverJS string

func ssh2(quirks string) func(context.Context, *trial) (*exec.Cmd, error) {
	return func(ctx context.Context, t *trial) (*exec.Cmd, error) {
		node, nerr := program("node", "nodejs")
		_, merr := program("npm", "npm")
		if err := errors.Join(nerr, merr); err != nil {
			return nil, err
		}
		pkg, err := t.ssh2(ctx)
		if err != nil {
			return nil, err
		}
		script, err := t.write("server.js", serverJS)
		t.config.Layout.Root = ""
		cmd := exec.Command(node, script)
		cmd.Env = append(os.Environ(), "SSH2="+pkg, "QUIRKS="+quirks, "ROOT="+t.disk, "AUTHORIZED="+t.path("authorized"), "HOSTKEY="+t.path("host"),
			"ACCOUNT="+t.config.User, "PORT="+strconv.Itoa(t.port))
		return cmd, err
	}
}

// dropbearKey is an ed25519 key in dropbear's own form: the kind's name and
// the 64 bytes of the private key, each with its length before it.
func dropbearKey(s ccr.Secret) ([]byte, error) {
	seed, err := ed25519Of(s)
	if err != nil {
		return nil, err
	}
	var b bytes.Buffer
	for _, part := range [][]byte{[]byte("ssh-ed25519"), seed} {
		b.Write([]byte{0, 0, 0, byte(len(part))})
		b.Write(part)
	}
	return b.Bytes(), nil
}
