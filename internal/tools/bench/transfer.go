package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"time"

	"github.com/ccr-sdk/ccr/internal/tools/bench/work"
)

// transferCase compares clients. The content that arrives is compared with
// what was sent, after each round and outside the time.
func transferCase(name string, t work.Transfer, rtt time.Duration, clients []string, targets ...target) benchCase {
	c := benchCase{name: name, targets: targets, warm: true}
	if t.Size >= 1<<30 { // the times of one client differ by a third
		c.times = 2
	}
	c.setup = func(_ context.Context, w *world) error {
		e, err := startSSHD(w, rtt)
		if err != nil {
			return err
		}
		t.Endpoint = e
		from, to := filepath.Join(w.dir, "from"), filepath.Join(w.dir, "to")
		w.facts["from"], w.facts["to"] = from, to
		return errors.Join(os.Mkdir(to, 0o755), writeSource(from, t))
	}
	for _, name := range clients {
		needs := []string{"sshd"}
		if name == "sftp(1)" || name == "rclone" {
			needs = append(needs, name)
		}
		c.variants = append(c.variants, variant{name: name, needs: needs, run: func(ctx context.Context, w *world) (figures, error) {
			t := t
			from, to := w.facts["from"], w.facts["to"]
			if t.Files == 0 {
				from = filepath.Join(from, "data")
			}
			t.Local, t.Remote = from, to
			if t.Down {
				t.Local, t.Remote = to, from
			}
			if err := empty(to); err != nil {
				return nil, err
			}
			f, err := transferBy(ctx, w, name, t)
			if err != nil {
				return nil, err
			}
			bytes := t.Size * int64(max(t.Files, 1))
			if t.Files > 0 {
				f["files/s"] = float64(t.Files) / f["s"]
			} else {
				f["MB/s"] = float64(bytes) / f["s"] / 1e6
			}
			if name == "sftp(1)" && t.Files > 0 { // it copies the folder, not what is in it
				to = filepath.Join(to, filepath.Base(from))
			}
			return f, sameTree(w.facts["from"], to)
		}})
	}
	return c
}

func transferBy(ctx context.Context, w *world, client string, t work.Transfer) (figures, error) {
	switch client {
	case "sftp(1)":
		return w.program(opensshCommand(ctx, w, t))
	case "rclone":
		return w.program(rcloneCommand(ctx, w, t))
	}
	client, channels, _ := strings.Cut(client, " ")
	if channels != "" { // "ccr 4ch"
		t.Channels = int(channels[0] - '0')
	}
	program, err := w.build(ctx, "./sftpclient")
	if err != nil {
		return nil, err
	}
	text, err := json.Marshal(t)
	if err != nil {
		return nil, err
	}
	return w.client(exec.CommandContext(ctx, program, client, string(text)))
}

func opensshCommand(ctx context.Context, w *world, t work.Transfer) *exec.Cmd {
	host, port, _ := strings.Cut(t.Endpoint.Address, ":")
	cmd := exec.CommandContext(ctx, w.tools["sftp(1)"], "-q", "-b", "-", "-P", port, "-i", t.Endpoint.KeyFile, "-F", "none", "-c", "aes128-gcm@openssh.com",
		"-o", "IdentitiesOnly=yes", "-o", "UserKnownHostsFile="+t.Endpoint.Known, t.Endpoint.User+"@"+host)
	command := fmt.Sprintf("put %s %s/data\n", t.Local, t.Remote)
	switch {
	case t.Down && t.Files == 0:
		command = fmt.Sprintf("get %s %s/data\n", t.Remote, t.Local)
	case t.Down:
		command = fmt.Sprintf("get -r %s %s/\n", t.Remote, t.Local)
	case t.Files > 0:
		command = fmt.Sprintf("put -r %s %s/\n", t.Local, t.Remote)
	}
	cmd.Stdin = strings.NewReader(command)
	return cmd
}

// rcloneCommand runs rclone with its defaults, but for remote checksums, which
// would need a shell.
func rcloneCommand(ctx context.Context, w *world, t work.Transfer) *exec.Cmd {
	host, port, _ := strings.Cut(t.Endpoint.Address, ":")
	verb, local, remote := "copy", t.Local, ":sftp:"+t.Remote
	if t.Files == 0 {
		verb = "copyto"
		if t.Down {
			local = filepath.Join(t.Local, "data")
		} else {
			remote += "/data"
		}
	}
	from, to := local, remote
	if t.Down {
		from, to = remote, local
	}
	return exec.CommandContext(ctx, w.tools["rclone"], "--config", "", "--retries", "1", "--sftp-host", host, "--sftp-port", port, "--sftp-user", t.Endpoint.User,
		"--sftp-key-file", t.Endpoint.KeyFile, "--sftp-known-hosts-file", t.Endpoint.Known, "--sftp-ciphers", "aes128-gcm@openssh.com",
		"--sftp-disable-hashcheck", "--sftp-shell-type", "none", verb, from, to)
}

// writeSource writes files that no two places of have content in common.
func writeSource(dir string, t work.Transfer) error {
	if err := os.Mkdir(dir, 0o755); err != nil {
		return err
	}
	random := rand.NewChaCha8([32]byte{1})
	write := func(name string) error {
		f, err := os.Create(filepath.Join(dir, name))
		if err != nil {
			return err
		}
		block := make([]byte, 1<<20)
		for left := t.Size; left > 0 && err == nil; left -= int64(len(block)) {
			block = block[:min(left, 1<<20)]
			random.Read(block) //nolint:errcheck // never fails
			_, err = f.Write(block)
		}
		return errors.Join(err, f.Close())
	}
	if t.Files == 0 {
		return write("data")
	}
	for i := range t.Files {
		if err := write(fmt.Sprintf("f%05d.csv", i)); err != nil {
			return err
		}
	}
	return nil
}

func empty(dir string) error {
	var errs []error
	err := work.EachName(dir, func(name string) { errs = append(errs, os.RemoveAll(filepath.Join(dir, name))) })
	return errors.Join(append(errs, err)...)
}
