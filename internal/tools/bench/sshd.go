package main

import (
	"bytes"
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

	"github.com/ccr-sdk/ccr/internal/tools/bench/work"
	"github.com/ccr-sdk/ccr/internal/tools/chaos/proxy"
	"github.com/ccr-sdk/ccr/sftp"
)

// startSSHD starts Debian's sshd on loopback with an ed25519 key pair of its
// own, and in front of it, for half the round trip in each direction, a delay.
func startSSHD(w *world, rtt time.Duration) (work.Endpoint, error) {
	var e work.Endpoint
	u, err := user.Current()
	if err != nil {
		return e, err
	}
	host, err := sftp.GenerateKeyPair(sftp.KeyPairOptions{})
	if err != nil {
		return e, err
	}
	client, err := sftp.GenerateKeyPair(sftp.KeyPairOptions{})
	if err != nil {
		return e, err
	}
	write := func(name, text string) string {
		path := filepath.Join(w.dir, name)
		if werr := os.WriteFile(path, []byte(text), 0o600); werr != nil {
			err = errors.Join(err, werr)
		}
		return path
	}
	secret := func(k sftp.KeyPair) string {
		text, rerr := k.Private.Reveal()
		err = errors.Join(err, rerr)
		return text
	}
	hostFile, keyFile := write("host", secret(host)), write("id", secret(client))
	authorized := write("authorized", client.AuthorizedKey+"\n")
	l, lerr := net.Listen("tcp", "127.0.0.1:0")
	if lerr != nil {
		return e, lerr
	}
	server := l.Addr().String()
	_, port, _ := net.SplitHostPort(server)
	l.Close() //nolint:errcheck // only its number was wanted
	conf := write("sshd_config", fmt.Sprintf(`ListenAddress %s
HostKey %s
AuthorizedKeysFile %s
PidFile none
PasswordAuthentication no
PermitRootLogin prohibit-password
StrictModes no
UsePAM no
MaxStartups 200
MaxSessions 64
LogLevel ERROR
Subsystem sftp internal-sftp
`, server, hostFile, authorized))
	if os.Getuid() == 0 {
		err = errors.Join(err, os.MkdirAll("/run/sshd", 0o755)) // sshd's privilege separation wants it
	}
	if err != nil {
		return e, err
	}
	if err := runUntilClosed(w, server, w.tools["sshd"], "-D", "-e", "-f", conf); err != nil {
		return e, err
	}
	e = work.Endpoint{Address: server, User: u.Username, KeyFile: keyFile, HostKey: strings.TrimSpace(host.AuthorizedKey)}
	if rtt > 0 {
		if err := w.start(&e.Address, "delay", server, strconv.FormatInt(int64(rtt/2), 10)); err != nil {
			return e, err
		}
		_, port, _ = net.SplitHostPort(e.Address)
	}
	kind, key, _ := strings.Cut(e.HostKey, " ")
	key, _, _ = strings.Cut(key, " ")
	e.Known = write("known", fmt.Sprintf("[127.0.0.1]:%s %s %s\n", port, kind, key))
	return e, err
}

// runUntilClosed runs a server that is not ours and waits for its port.
func runUntilClosed(w *world, address, program string, args ...string) error {
	cmd := exec.Command(program, args...)
	var out bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &out
	if err := cmd.Start(); err != nil {
		return err
	}
	exited := make(chan struct{})
	go func() { cmd.Wait(); close(exited) }() //nolint:errcheck // it is killed
	w.ends = append(w.ends, func() {
		cmd.Process.Kill() //nolint:errcheck // it may have ended
		<-exited
	})
	for deadline := time.Now().Add(20 * time.Second); time.Now().Before(deadline); {
		if conn, err := net.Dial("tcp", address); err == nil {
			return conn.Close()
		}
		select {
		case <-exited:
			return fmt.Errorf("%s ended: %s", filepath.Base(program), out.String())
		case <-time.After(20 * time.Millisecond):
		}
	}
	return fmt.Errorf("%s does not listen: %s", filepath.Base(program), out.String())
}

// delayServer holds every byte for a while and does not touch the bandwidth.
func delayServer(args []string) (any, func(), error) {
	if len(args) != 2 {
		return nil, nil, errArgs
	}
	latency, err := strconv.ParseInt(args[1], 10, 64)
	if err != nil {
		return nil, nil, err
	}
	p, err := proxy.Start(proxy.Config{Target: proxy.TCP(args[0]), Latency: time.Duration(latency)})
	if err != nil {
		return nil, nil, err
	}
	return p.Addr().String(), func() { p.Close() }, nil //nolint:errcheck // the process ends
}

var errArgs = errors.New("wrong arguments")
