package sftp_test

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/ccr-sdk/ccr"
	"github.com/ccr-sdk/ccr/internal/chaos/proxy"
	"github.com/ccr-sdk/ccr/sftp"
	"github.com/stretchr/testify/require"
)

// The benchmarks compare with OpenSSH's sftp, and with the obvious calls of
// pkg/sftp, against a real sshd on tmpfs. Every client is a process of its own
// and pays for starting and connecting; the clients take turns in every round,
// and the figures are ratios of medians:
//
//	go test -run '^$' -bench Transfer -benchtime 7x ./sftp
//
// It takes a quarter of an hour, nearly all of it spent by sftp(1) on small
// files over 20 ms. CCR_SFTP_LONG adds the cases of 1 GiB.
func BenchmarkTransfer(b *testing.B) {
	sftpProgram, err := exec.LookPath("sftp")
	if err != nil {
		b.Skip("NOT MEASURED: OpenSSH's sftp is not installed")
	}
	w := newWorkshop(b, sftpProgram)
	const mib = 1 << 20
	big := int64(256 * mib)
	w.large(b, "256MiB", big, 0, 1)
	if os.Getenv("CCR_SFTP_LONG") != "" {
		w.large(b, "1GiB", 1024*mib, 0, 1)
		w.large(b, "1GiB-4channels", 1024*mib, 0, 4)
	}
	const rtt = 20 * time.Millisecond
	w.large(b, "256MiB-20ms", big, rtt, 1)
	w.large(b, "256MiB-20ms-4channels", big, rtt, 4)
	w.many(b, "2000x4KiB", 2000, 0)
	w.many(b, "500x4KiB-20ms", 500, rtt)
}

// workshop is the server, the keys and the data of the benchmarks.
type workshop struct {
	b       *backend
	dir     string
	program string // sftp(1)
	key     string
	direct  string // address of the server
	delayed string // address of a proxy with a round trip
}

func newWorkshop(b *testing.B, program string) *workshop {
	b.Helper()
	dir, err := os.MkdirTemp("/dev/shm", "sftpbench")
	if err != nil {
		dir = b.TempDir()
	}
	b.Cleanup(func() { _ = os.RemoveAll(dir) })
	w := &workshop{program: program, dir: dir, key: filepath.Join(dir, "id")}
	w.b = startOpenSSHWith(b, []string{"ed25519"}, "")
	text, err := w.b.privateKey.Reveal()
	require.NoError(b, err)
	require.NoError(b, os.WriteFile(w.key, []byte(text), 0o600))
	for _, d := range []string{"local", "out", "srv/in", "srv/up"} {
		require.NoError(b, os.MkdirAll(filepath.Join(dir, d), 0o755))
	}
	w.direct = w.b.config.Address
	p, err := proxy.Start(proxy.Config{Target: proxy.TCP(w.direct), Latency: 10 * time.Millisecond})
	require.NoError(b, err)
	b.Cleanup(func() { _ = p.Close() })
	w.delayed = p.Addr().String()
	var known strings.Builder
	for _, a := range []string{w.direct, w.delayed} {
		host, port, _ := strings.Cut(a, ":")
		fmt.Fprintf(&known, "[%s]:%s %s\n", host, port, w.b.hostLines["ed25519"])
	}
	require.NoError(b, os.WriteFile(filepath.Join(dir, "known"), []byte(known.String()), 0o600))
	return w
}

func (w *workshop) address(rtt time.Duration) string {
	if rtt > 0 {
		return w.delayed
	}
	return w.direct
}

// large compares transfers of one file in both directions.
func (w *workshop) large(b *testing.B, name string, size int64, rtt time.Duration, channels int) {
	b.Helper()
	data := filepath.Join(w.dir, "local", "data")
	write := func(b *testing.B) {
		b.Helper()
		f, err := os.Create(data)
		require.NoError(b, err)
		block := content(1 << 20)
		for off := int64(0); off < size; off += int64(len(block)) {
			_, err := f.Write(block)
			require.NoError(b, err)
		}
		require.NoError(b, f.Close())
	}
	job := benchJob{Address: w.address(rtt), Channels: channels, Local: data, Remote: filepath.Join(w.dir, "srv", "up")}
	b.Run(name+"/up", func(b *testing.B) {
		write(b)
		clean := func() { empty(job.Remote) }
		w.compare(b, size, clean, map[string]func() *exec.Cmd{
			"sftp": func() *exec.Cmd { return w.openssh(job.Address, "put "+data+" "+job.Remote+"/data") },
			"ccr":  func() *exec.Cmd { return w.child(job, "put") },
			"pkg":  func() *exec.Cmd { return w.child(job, "pkg-put") },
		})
	})
	b.Run(name+"/down", func(b *testing.B) {
		write(b)
		down := job
		down.Remote, down.Local = filepath.Join(w.dir, "srv", "in"), filepath.Join(w.dir, "out")
		empty(down.Remote)
		require.NoError(b, os.Link(data, filepath.Join(down.Remote, "data")))
		w.compare(b, size, func() { empty(down.Local) }, map[string]func() *exec.Cmd{
			"sftp": func() *exec.Cmd {
				return w.openssh(down.Address, "get "+down.Remote+"/data "+down.Local+"/data")
			},
			"ccr": func() *exec.Cmd { return w.child(down, "get") },
			"pkg": func() *exec.Cmd { return w.child(down, "pkg-get") },
		})
	})
	empty(filepath.Join(w.dir, "srv", "in"))
	empty(filepath.Join(w.dir, "srv", "up"))
	empty(filepath.Join(w.dir, "out"))
	require.NoError(b, os.Remove(data))
}

// many compares transfers of small files in both directions.
func (w *workshop) many(b *testing.B, name string, n int, rtt time.Duration) {
	b.Helper()
	local := filepath.Join(w.dir, "local", "many")
	require.NoError(b, os.MkdirAll(local, 0o755))
	for i := range n {
		require.NoError(b, os.WriteFile(filepath.Join(local, fmt.Sprintf("f%05d.csv", i)), content(4096), 0o644))
	}
	up := benchJob{Address: w.address(rtt), Local: local, Remote: filepath.Join(w.dir, "srv", "up")}
	b.Run(name+"/up", func(b *testing.B) {
		w.compare(b, int64(n)*4096, func() { empty(up.Remote) }, map[string]func() *exec.Cmd{
			"sftp": func() *exec.Cmd { return w.openssh(up.Address, "put -r "+local+" "+up.Remote+"/") },
			"ccr":  func() *exec.Cmd { return w.child(up, "put-many") },
		})
	})
	b.Run(name+"/down", func(b *testing.B) {
		down := benchJob{Address: up.Address, Local: filepath.Join(w.dir, "out"), Remote: local}
		w.compare(b, int64(n)*4096, func() { empty(down.Local) }, map[string]func() *exec.Cmd{
			"sftp": func() *exec.Cmd { return w.openssh(down.Address, "get -r "+local+" "+down.Local+"/") },
			"ccr":  func() *exec.Cmd { return w.child(down, "get-many") },
		})
	})
	require.NoError(b, os.RemoveAll(local))
	empty(filepath.Join(w.dir, "srv", "up"))
	empty(filepath.Join(w.dir, "out"))
}

func empty(dir string) {
	entries, _ := os.ReadDir(dir)
	for _, e := range entries {
		_ = os.RemoveAll(filepath.Join(dir, e.Name()))
	}
}

// compare lets the clients take turns and reports the medians.
func (w *workshop) compare(b *testing.B, size int64, clean func(), clients map[string]func() *exec.Cmd) {
	b.Helper()
	names := []string{"sftp", "pkg", "ccr"}
	times := map[string][]time.Duration{}
	var peak int64
	for b.Loop() {
		for _, name := range names {
			if clients[name] == nil {
				continue
			}
			clean()
			cmd := clients[name]()
			began := time.Now()
			out, err := cmd.CombinedOutput()
			took := time.Since(began)
			require.NoError(b, err, "%s: %s", name, out)
			times[name] = append(times[name], took)
			if name == "ccr" {
				n, err := strconv.ParseInt(strings.TrimSpace(string(out)), 10, 64)
				require.NoError(b, err, "the client's peak memory")
				peak = max(peak, n)
			}
		}
	}
	clean()
	ccrTime := median(times["ccr"])
	b.ReportMetric(median(times["sftp"])/ccrTime, "x-sftp(1)")
	if len(times["pkg"]) > 0 {
		b.ReportMetric(median(times["pkg"])/ccrTime, "x-pkg/sftp")
	}
	b.ReportMetric(float64(size)/ccrTime/1e6, "MB/s")
	b.ReportMetric(float64(peak)/1024, "peak-MiB")
	b.ReportMetric(0, "ns/op")
}

func median(d []time.Duration) float64 {
	d = slices.Clone(d)
	slices.Sort(d)
	if len(d) == 0 {
		return 0
	}
	return d[len(d)/2].Seconds()
}

func (w *workshop) openssh(address, command string) *exec.Cmd {
	_, port, _ := strings.Cut(address, ":")
	cmd := exec.Command(w.program, "-q", "-b", "-", "-P", port, "-i", w.key, "-F", "none", "-c", "aes128-gcm@openssh.com",
		"-o", "IdentitiesOnly=yes", "-o", "UserKnownHostsFile="+filepath.Join(w.dir, "known"), w.b.config.User+"@127.0.0.1")
	cmd.Stdin = strings.NewReader(command + "\n")
	return cmd
}

// benchJob is what a client process of ours does.
type benchJob struct {
	Address  string
	Channels int
	Local    string
	Remote   string
}

const benchEnv = "CCR_SFTP_TEST_BENCH"

func (w *workshop) child(job benchJob, call string) *exec.Cmd {
	cmd := exec.Command(os.Args[0])
	cmd.Env = append(os.Environ(), benchEnv+"="+strings.Join([]string{
		call, job.Address, w.b.config.User, w.key, w.b.hostLines["ed25519"], strconv.Itoa(job.Channels), job.Local, job.Remote,
	}, "|"))
	return cmd
}

func init() { benchChild = runBenchChild }

func runBenchChild(text string) error {
	f := strings.Split(text, "|")
	call, local, remote := f[0], f[6], f[7]
	channels, err := strconv.Atoi(f[5])
	if err != nil {
		return err
	}
	cfg := sftp.Config{
		Address: f[1], User: f[2], Key: sftp.PrivateKeyFile(f[3]), HostKeys: sftp.HostPublicKeys(f[4]), Concurrency: 64,
		Layout: sftp.Layout{Vendor: "bench", Root: "/", Uploads: []sftp.UploadFolder{{Path: remote, MaxChannels: 4}}, Downloads: remote},
	}
	defer func() { fmt.Println(peakMemory()) }()
	if strings.HasPrefix(call, "pkg-") {
		return runPlain(cfg, f[3], f[4], call, local, remote)
	}
	ctx := context.Background()
	c, err := sftp.Dial(ctx, cfg)
	if err != nil {
		return err
	}
	switch call {
	case "put":
		_, err = c.Upload(ctx, ccr.FileFromPath(local), sftp.UploadOptions{Channels: channels})
	case "get":
		_, err = c.Download(ctx, "data", filepath.Join(local, "data"), sftp.DownloadOptions{Channels: channels})
	case "put-many":
		var files []ccr.File
		entries, derr := os.ReadDir(local)
		if derr != nil {
			return derr
		}
		for _, e := range entries {
			files = append(files, ccr.FileFromPath(filepath.Join(local, e.Name())))
		}
		_, err = c.UploadAll(ctx, files)
	case "get-many":
		list, lerr := c.List(ctx)
		if lerr != nil {
			return lerr
		}
		_, err = c.DownloadAll(ctx, list, local)
	}
	return err
}

// peakMemory is the largest resident set of this process, in KiB. The kernel's
// ru_maxrss counts the parent's memory before exec, too.
func peakMemory() string {
	text, _ := os.ReadFile("/proc/self/status")
	for line := range strings.Lines(string(text)) {
		if v, ok := strings.CutPrefix(line, "VmHWM:"); ok {
			return strings.TrimSuffix(strings.TrimSpace(v), " kB")
		}
	}
	return "0"
}
