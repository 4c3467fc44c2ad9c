package main

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"math/rand/v2"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"time"

	"github.com/ccr-sdk/ccr"
	"github.com/ccr-sdk/ccr/sftp"
)

// operation is a row of the table. Its note is shown beside "ok".
type operation struct {
	name, says string
	run        func(ctx context.Context, t *trial, c *sftp.Client) (note string, err error)
}

var operations = []operation{
	{"diagnose", "diagnose", diagnose(false)},
	{"probe", "diagnose with a probe", diagnose(true)},
	{"small", "upload 12 KB", upload("small.csv", 12_345)},
	{"empty", "upload an empty file", upload("empty.csv", 0)},
	{"large", "upload 64 MiB", upload("large.csv", large)},
	{"existing", "name is taken", existing},
	{"overwrite", "overwrite", overwrite(false)},
	{"deletefirst", "overwrite, DeleteFirst", overwrite(true)},
	{"many", "upload 200 files", many},
	{"rerun", "ledger rerun", rerun},
	{"cut", "cut, same call", cut},
	{"resume", "cut, another process", resume},
	{"names", "list 20,000 names", names},
	{"download", "download", download},
	{"receive", "receive twice", receive},
	{"watch", "watch", watch},
	{"twenty", "20 × 16 MiB and 20 × 64 MiB", twenty},
}

const (
	large     = -1 // 64 MiB, or less in the short form
	fullSize  = 64<<20 + 4321
	shortSize = 12<<20 + 4321
)

func (t *trial) size(n int) int {
	switch {
	case n != large:
		return n
	case t.short:
		return shortSize
	}
	return fullSize
}

// judge runs one operation and compares its end with what is to be expected.
func (t *trial) judge(ctx context.Context, op operation) cell {
	ctx, cancel := context.WithTimeout(ctx, 4*time.Minute)
	defer cancel()
	began := time.Now()
	note, err := t.try(ctx, op)
	c := cell{took: time.Since(began)}
	want, refused := t.p.refuses[op.name]
	e, typed := errors.AsType[*ccr.Error](err)
	switch {
	case err == nil && !refused:
		c.short = strings.TrimSpace("ok " + note)
	case err == nil:
		c.wrong, c.short, c.details = true, "WRONG", "was to be refused: "+want.class.Error()
	case refused && typed && errors.Is(err, want.class) && strings.Contains(e.Advice, want.advice):
		c.short, c.details = "refused", err.Error()
	default:
		c.wrong, c.short, c.details = true, "WRONG", err.Error()
	}
	return c
}

func (t *trial) try(ctx context.Context, op operation) (string, error) {
	for _, dir := range []string{"uploads", "downloads"} {
		if err := empty(filepath.Join(t.disk, dir)); err != nil {
			return "", err
		}
	}
	cfg := t.config
	if op.name == "cut" {
		cfg.DialContext = cutAfter(int64(t.size(large)/3), func(conn net.Conn) { _ = conn.Close() })
	}
	c, err := sftp.NewClient(cfg)
	if err != nil {
		return "", err
	}
	note, err := op.run(ctx, t, c)
	return note, errors.Join(err, c.Shutdown(ctx))
}

func empty(dir string) error {
	entries, err := os.ReadDir(dir)
	for _, e := range entries {
		err = errors.Join(err, os.Remove(filepath.Join(dir, e.Name())))
	}
	return err
}

func content(name string, n int) []byte {
	b := make([]byte, n)
	_, _ = rand.NewChaCha8(sha256.Sum256([]byte(name))).Read(b)
	return b
}

// arrived has another program look at the server's disk.
func (t *trial) arrived(ctx context.Context, dir string, want map[string][]byte) error {
	if len(want) == 0 {
		return nil
	}
	var lines bytes.Buffer
	for name, data := range want {
		sum := sha256.Sum256(data)
		fmt.Fprintf(&lines, "%s  %s\n", hex.EncodeToString(sum[:]), filepath.Join(dir, name))
	}
	cmd := exec.CommandContext(ctx, "sha256sum", "--check", "--strict", "--quiet", "-")
	cmd.Stdin = &lines
	return ran(cmd)
}

// nothingElse checks that no temporary file stays, unless the result named it.
func (t *trial) nothingElse(want int, named []string) error {
	entries, err := os.ReadDir(filepath.Join(t.disk, "uploads"))
	if err != nil || len(entries) == want+len(named) {
		return err
	}
	var there []string
	for _, e := range entries {
		there = append(there, e.Name())
	}
	return fmt.Errorf("%d files were expected, there are %s", want+len(named), strings.Join(there, ", "))
}

func (t *trial) put(dir, name string, data []byte) error {
	return os.WriteFile(filepath.Join(t.disk, dir, name), data, 0o644) //nolint:gosec // the server's
}

func diagnose(probe bool) func(context.Context, *trial, *sftp.Client) (string, error) {
	return func(ctx context.Context, t *trial, _ *sftp.Client) (string, error) {
		var o sftp.DiagnoseOptions
		if probe {
			o.ProbeWrite = "uploads"
		}
		d, err := sftp.Diagnose(ctx, t.config, o)
		switch {
		case err != nil:
			return "", err
		case !d.OK() || d.Server == "":
			return "", fmt.Errorf("the verdict is bad: %s", d)
		}
		return "", nil
	}
}

func (t *trial) send(ctx context.Context, c *sftp.Client, name string, data []byte, o sftp.UploadOptions) (*sftp.Uploaded, error) {
	up, err := c.Upload(ctx, ccr.FileFromBytes(name, data), o)
	if err != nil {
		return nil, err
	}
	return up, errors.Join(t.arrived(ctx, filepath.Join(t.disk, "uploads"), map[string][]byte{name: data}), t.nothingElse(1, up.Leftovers))
}

func upload(name string, n int) func(context.Context, *trial, *sftp.Client) (string, error) {
	return func(ctx context.Context, t *trial, c *sftp.Client) (string, error) {
		up, err := t.send(ctx, c, name, content(name, t.size(n)), sftp.UploadOptions{})
		if err != nil {
			return "", err
		}
		return unverified(up), nil
	}
}

func unverified(up *sftp.Uploaded) string {
	if up.Verification == sftp.Unverifiable {
		return "(size unseen)"
	}
	return ""
}

func existing(ctx context.Context, t *trial, c *sftp.Client) (string, error) {
	old := []byte("old")
	if err := t.put("uploads", "taken.csv", old); err != nil {
		return "", err
	}
	_, err := c.Upload(ctx, ccr.FileFromBytes("taken.csv", []byte("new")), sftp.UploadOptions{})
	if serr := c.Shutdown(ctx); serr != nil { // waits for what is tidied up
		return "", serr
	}
	if cerr := t.arrived(ctx, filepath.Join(t.disk, "uploads"), map[string][]byte{"taken.csv": old}); cerr != nil {
		return "", fmt.Errorf("replaced: %w", cerr)
	}
	if !errors.Is(err, sftp.ErrExists) {
		return "", errors.Join(err, errNotTaken(err))
	}
	return "", nil
}

func errNotTaken(err error) error {
	if err == nil {
		return errors.New("was taken for free")
	}
	return nil
}

func overwrite(deleteFirst bool) func(context.Context, *trial, *sftp.Client) (string, error) {
	return func(ctx context.Context, t *trial, c *sftp.Client) (string, error) {
		if err := t.put("uploads", "taken.csv", []byte("old")); err != nil {
			return "", err
		}
		_, err := t.send(ctx, c, "taken.csv", content("new", 5000), sftp.UploadOptions{Overwrite: true, DeleteFirst: deleteFirst})
		return "", err
	}
}

func many(ctx context.Context, t *trial, c *sftp.Client) (string, error) {
	want := map[string][]byte{}
	var files []ccr.File
	for i := range 200 {
		name := fmt.Sprintf("f%03d.csv", i)
		want[name] = content(name, 1000+137*i)
		files = append(files, ccr.FileFromBytes(name, want[name]))
	}
	out, err := c.UploadAll(ctx, files, sftp.UploadOptions{})
	if err != nil {
		return "", errors.Join(out[0].Err, err) // the file's own words
	}
	var left []string
	for _, up := range out {
		left = append(left, up.Leftovers...)
	}
	return "", errors.Join(t.arrived(ctx, filepath.Join(t.disk, "uploads"), want), t.nothingElse(200, left))
}

// ledgerIn opens the ledger of this operation anew, as another process would.
func (t *trial) withLedger(f func(ccr.Ledger) error) error {
	l, err := ccr.OpenLedger(filepath.Join(t.dir, "ledger-rerun"))
	if err != nil {
		return err
	}
	return errors.Join(f(l), l.Close())
}

func rerun(ctx context.Context, t *trial, c *sftp.Client) (string, error) {
	data := content("rerun", 300_000)
	return "", errors.Join(t.withLedger(func(l ccr.Ledger) error {
		_, err := t.send(ctx, c, "rerun.csv", data, sftp.UploadOptions{Ledger: l})
		if err != nil {
			return err
		}
		// The vendor takes it away.
		return os.Remove(filepath.Join(t.disk, "uploads", "rerun.csv"))
	}), t.withLedger(func(l ccr.Ledger) error {
		up, err := c.Upload(ctx, ccr.FileFromBytes("rerun.csv", data), sftp.UploadOptions{Ledger: l})
		switch {
		case err != nil:
			return err
		case !up.Recorded:
			return errors.New("was sent twice")
		}
		return t.nothingElse(0, nil)
	}))
}

func cut(ctx context.Context, t *trial, c *sftp.Client) (string, error) {
	up, err := t.send(ctx, c, "cut.csv", content("cut", t.size(large)), sftp.UploadOptions{})
	if err != nil {
		return "", err
	}
	return leftovers(up), nil
}

func leftovers(up *sftp.Uploaded) string {
	if n := len(up.Leftovers); n > 0 {
		return fmt.Sprintf("(%d left, named)", n)
	}
	return ""
}

// resume ends a process in the middle of an upload and has the next one go on.
func resume(ctx context.Context, t *trial, c *sftp.Client) (string, error) {
	data := content("resume", t.size(large))
	job := childJob{
		Address: t.config.Address, User: t.config.User, KeyFile: t.path("id"), HostKey: strings.TrimSpace(t.host.AuthorizedKey),
		Root: t.config.Layout.Root, File: filepath.Join(t.dir, "resume.csv"), Ledger: filepath.Join(t.dir, "ledger"), DieAfter: int64(len(data) / 2),
	}
	if err := os.WriteFile(job.File, data, 0o600); err != nil {
		return "", err
	}
	if _, refused := t.p.refuses["resume"]; refused { // the words of this process will do
		_, err := t.send(ctx, c, "resume.csv", data, sftp.UploadOptions{})
		return "", err
	}
	if _, died, err := job.run(ctx, t.self); err != nil || !died {
		return "", errors.Join(err, errors.New("the first process was not ended in the middle"))
	}
	job.DieAfter = 0
	up, _, err := job.run(ctx, t.self)
	if err != nil {
		return "", err
	}
	note := fmt.Sprintf("(%.0f %% resumed)", 100*float64(up.Resumed)/float64(len(data)))
	if up.Resumed == 0 {
		note = "(from the start)"
	}
	return note, errors.Join(t.arrived(ctx, filepath.Join(t.disk, "uploads"), map[string][]byte{"resume.csv": data}), t.nothingElse(1, up.Leftovers))
}

func names(ctx context.Context, t *trial, c *sftp.Client) (string, error) {
	n := 20_000
	if t.short {
		n = 2_000
	}
	want := map[string]bool{}
	for i := range n {
		name := fmt.Sprintf("returns-%05d.csv", i)
		want[name] = true
		if err := t.put("many", name, nil); err != nil {
			return "", err
		}
	}
	defer empty(filepath.Join(t.disk, "many")) //nolint:errcheck // it is removed at the end, too
	entries, err := c.List(ctx, sftp.ListOptions{Folder: "many"})
	if err != nil {
		return "", err
	}
	for _, e := range entries {
		delete(want, e.Name)
	}
	if len(entries) != n || len(want) > 0 {
		return "", fmt.Errorf("%d names, %d missing", len(entries), len(want))
	}
	return "", nil
}

func download(ctx context.Context, t *trial, c *sftp.Client) (string, error) {
	data := content("download", t.size(large))
	dir, err := os.MkdirTemp(t.dir, "local-")
	if err != nil {
		return "", err
	}
	defer os.RemoveAll(dir) //nolint:errcheck // it is removed at the end, too
	if err := t.put("downloads", "returns.csv", data); err != nil {
		return "", err
	}
	if _, err := c.Download(ctx, "returns.csv", filepath.Join(dir, "returns.csv"), sftp.DownloadOptions{}); err != nil {
		return "", err
	}
	return "", t.arrived(ctx, dir, map[string][]byte{"returns.csv": data})
}

func receive(ctx context.Context, t *trial, c *sftp.Client) (string, error) {
	dir, err := os.MkdirTemp(t.dir, "sink-")
	if err != nil {
		return "", err
	}
	want := map[string][]byte{"a.csv": content("a", 100), "b.csv": content("b", 3<<20), "empty.csv": nil}
	for name, data := range want {
		if err := t.put("downloads", name, data); err != nil {
			return "", err
		}
	}
	for _, state := range []ccr.ReceivedState{ccr.Delivered, ccr.DeliveredBefore} {
		got, err := c.Receive(ctx, ccr.DirSink(dir), sftp.ReceiveOptions{StableFor: -1})
		if err != nil {
			return "", err
		}
		if len(got) != len(want) {
			return "", fmt.Errorf("%d files, not %d", len(got), len(want))
		}
		for _, r := range got {
			if r.State != state {
				return "", fmt.Errorf("%s is %s, not %s", r.Name, r.State, state)
			}
		}
	}
	return "", t.arrived(ctx, dir, want)
}

func watch(ctx context.Context, t *trial, c *sftp.Client) (string, error) {
	dir, err := os.MkdirTemp(t.dir, "sink-")
	if err != nil {
		return "", err
	}
	want := map[string][]byte{"1.csv": content("1", 100), "2.csv": content("2", 200_000)}
	if err := t.put("downloads", "1.csv", want["1.csv"]); err != nil {
		return "", err
	}
	rounds := 0
	for _, err := range c.Watch(ctx, ccr.DirSink(dir), sftp.WatchOptions{Interval: time.Second, ReceiveOptions: sftp.ReceiveOptions{StableFor: -1}}) {
		if err != nil {
			return "", err
		}
		if rounds++; rounds == 2 {
			break
		}
		if err := t.put("downloads", "2.csv", want["2.csv"]); err != nil {
			return "", err
		}
	}
	return "", t.arrived(ctx, dir, want)
}

// twenty uploads the same twice 20 times: a server that takes writes in order
// only refuses one that is not now and then.
func twenty(ctx context.Context, t *trial, c *sftp.Client) (string, error) {
	sizes, times := []int{16 << 20, 64 << 20}, 20
	switch {
	case t.short:
		sizes, times = []int{4 << 20}, 2
	case !strings.Contains(t.p.name, "rclone"):
		sizes, times = []int{16 << 20}, 2
	}
	note := ""
	for _, size := range sizes {
		for i := range times {
			name := fmt.Sprintf("twenty-%d-%02d.csv", size>>20, i)
			if _, err := t.send(ctx, c, name, content(name, size), sftp.UploadOptions{}); err != nil {
				return "", fmt.Errorf("%d of %d uploads of %d MiB arrived: %w", i, times, size>>20, err)
			}
			if err := os.Remove(filepath.Join(t.disk, "uploads", name)); err != nil {
				return "", err
			}
		}
		note += fmt.Sprintf(" %d/%d×%dMiB", times, times, size>>20)
	}
	return strings.TrimSpace(note), nil
}
