package main

import (
	"context"
	"crypto/ed25519"
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"sync/atomic"

	"github.com/ccr-sdk/ccr"
	"github.com/ccr-sdk/ccr/sftp"
	"golang.org/x/crypto/ssh"
)

// childEnv makes this program one upload with a ledger, in a process of its
// own that may be ended in the middle.
const childEnv = "CCR_PEERS_CHILD"

const diedExit = 3

type childJob struct {
	Address, User, KeyFile, HostKey, Root, File, Ledger string
	DieAfter                                            int64 // bytes on the wire; 0: never
}

// child runs the job and prints what was uploaded.
func child(text string) int {
	var job childJob
	err := json.Unmarshal([]byte(text), &job)
	if err == nil {
		err = job.upload(context.Background())
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	return 0
}

func (job childJob) upload(ctx context.Context) error {
	layout := sftp.CreditClear()
	layout.Root = job.Root
	cfg := sftp.Config{
		Address: job.Address, User: job.User, Key: sftp.PrivateKeyFile(job.KeyFile), HostKeys: sftp.HostPublicKeys(job.HostKey),
		Layout: layout, Retry: quick, Lease: lease,
	}
	if job.DieAfter > 0 {
		cfg.DialContext = cutAfter(job.DieAfter, func(net.Conn) { os.Exit(diedExit) })
	}
	c, err := sftp.NewClient(cfg)
	if err != nil {
		return err
	}
	defer c.Shutdown(ctx) //nolint:errcheck // the upload's end counts
	ledger, err := ccr.OpenLedger(job.Ledger)
	if err != nil {
		return err
	}
	defer ledger.Close() //nolint:errcheck // it is synced
	up, err := c.Upload(ctx, ccr.FileFromPath(job.File), sftp.UploadOptions{Ledger: ledger})
	if err != nil {
		return err
	}
	return json.NewEncoder(os.Stdout).Encode(up)
}

// run runs the job in a process. died: it was ended in the middle.
func (job childJob) run(ctx context.Context, self string) (up sftp.Uploaded, died bool, err error) {
	text, err := json.Marshal(job)
	if err != nil {
		return up, false, err
	}
	cmd := exec.CommandContext(ctx, self)
	cmd.Env = append(os.Environ(), childEnv+"="+string(text))
	out, err := cmd.Output()
	if exit, ok := errors.AsType[*exec.ExitError](err); ok {
		if exit.ExitCode() == diedExit {
			return up, true, nil
		}
		return up, false, fmt.Errorf("%w: %s", err, exit.Stderr)
	}
	if err != nil {
		return up, false, err
	}
	return up, false, json.Unmarshal(out, &up)
}

// cutAfter dials connections, of which the first calls cut once n bytes were
// written to it.
func cutAfter(n int64, cut func(net.Conn)) func(context.Context, string, string) (net.Conn, error) {
	var dialed, written atomic.Int64
	return func(ctx context.Context, network, address string) (net.Conn, error) {
		conn, err := new(net.Dialer).DialContext(ctx, network, address)
		if err != nil || dialed.Add(1) > 1 {
			return conn, err
		}
		return &cutConn{Conn: conn, left: n, written: &written, cut: cut}, nil
	}
}

type cutConn struct {
	net.Conn
	left    int64
	written *atomic.Int64
	cut     func(net.Conn)
}

func (c *cutConn) Write(b []byte) (int, error) {
	n, err := c.Conn.Write(b)
	if c.written.Add(int64(n)) >= c.left {
		c.cut(c.Conn)
	}
	return n, err
}

func ed25519Of(s ccr.Secret) (ed25519.PrivateKey, error) {
	text, err := s.Reveal()
	if err != nil {
		return nil, err
	}
	key, err := ssh.ParseRawPrivateKey([]byte(text))
	if err != nil {
		return nil, err
	}
	ed, ok := key.(*ed25519.PrivateKey)
	if !ok {
		return nil, fmt.Errorf("%T is no ed25519 key", key)
	}
	return *ed, nil
}
