package sftp_test

import (
	"context"
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
	"time"

	"github.com/ccr-sdk/ccr"
	"github.com/ccr-sdk/ccr/internal/tools/chaos/proxy"
	"github.com/ccr-sdk/ccr/sftp"
	"github.com/stretchr/testify/require"
)

// childEnv makes the test program run one call in place of the tests, so that
// a test can kill it.
const childEnv = "CCR_SFTP_TEST_CHILD"

// childJob is what such a process does.
type childJob struct {
	Call    string // "upload", "download" or "receive"
	Address string
	User    string
	KeyFile string
	HostKey string
	Local   string
	Ledger  string
}

func TestMain(m *testing.M) {
	if text := os.Getenv(childEnv); text != "" {
		if err := child(text); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		os.Exit(0)
	}
	os.Exit(m.Run())
}

func child(text string) error {
	var job childJob
	if err := json.Unmarshal([]byte(text), &job); err != nil {
		return err
	}
	ctx := context.Background()
	c, err := sftp.Dial(ctx, sftp.Config{
		Address: job.Address, User: job.User, Key: sftp.PrivateKeyFile(job.KeyFile),
		HostKeys: sftp.HostPublicKeys(job.HostKey), Layout: sftp.CreditClear(), Retry: quick,
	})
	if err != nil {
		return err
	}
	defer c.Shutdown(ctx)
	switch job.Call {
	case "upload":
		ledger, err := ccr.OpenLedger(job.Ledger)
		if err != nil {
			return err
		}
		defer ledger.Close()
		_, err = c.Upload(ctx, ccr.FileFromPath(job.Local), sftp.UploadOptions{Ledger: ledger})
		return err
	case "download":
		_, err := c.Download(ctx, "returns.csv", job.Local, sftp.DownloadOptions{Overwrite: true})
		return err
	}
	_, err = c.Receive(ctx, ccr.DirSink(job.Local), sftp.ReceiveOptions{StableFor: -1, After: sftp.RemoveRemote})
	return err
}

// run runs a child to its end, or kills it after a while. false: killed.
func (job childJob) run(t *testing.T, kill time.Duration) (ended bool, took time.Duration) {
	t.Helper()
	text, err := json.Marshal(job)
	require.NoError(t, err)
	cmd := exec.Command(os.Args[0])
	cmd.Env = append(os.Environ(), childEnv+"="+string(text))
	cmd.Stderr = os.Stderr
	began := time.Now()
	require.NoError(t, cmd.Start())
	exited := make(chan error, 1)
	go func() { exited <- cmd.Wait() }()
	var after <-chan time.Time
	if kill > 0 {
		after = time.After(kill)
	}
	select {
	case err := <-exited:
		require.NoError(t, err)
		return true, time.Since(began)
	case <-after:
		require.NoError(t, cmd.Process.Kill())
		<-exited
		return false, time.Since(began)
	}
}

// The process is killed at random moments of an upload, a download and a
// Receive. The final name never shows half a file, and the next run ends what
// the killed one began; an upload sends at most a window again.
func TestKill(t *testing.T) {
	t.Parallel()
	const size = 12 << 20
	data := content(size)
	moments := shortOrLong(4, 50)
	for _, call := range []string{"upload", "download", "receive"} {
		t.Run(call, func(t *testing.T) {
			t.Parallel()
			r := rand.New(rand.NewPCG(1, uint64(len(call))))
			var total time.Duration
			killed := 0
			for i := range moments + 1 {
				b := startSFTPTest(t)
				b.srv.KeepNoRecord()
				// Slow enough that there are moments to choose from.
				p, err := proxy.Start(proxy.Config{Target: proxy.TCP(b.srv.Address())})
				require.NoError(t, err)
				p.Always(proxy.Fault{Kind: proxy.Slow, Dir: proxy.ToServer, Rate: 60 << 20}, proxy.Fault{Kind: proxy.Slow, Dir: proxy.ToClient, Rate: 60 << 20})
				dir := t.TempDir()
				key := filepath.Join(dir, "id")
				text, err := b.srv.Key().Reveal()
				require.NoError(t, err)
				require.NoError(t, os.WriteFile(key, []byte(text), 0o600))
				job := childJob{
					Call: call, Address: p.Addr().String(), User: b.config.User, KeyFile: key, HostKey: b.srv.HostKeyLine(),
					Local: filepath.Join(dir, "debtors.csv"), Ledger: filepath.Join(dir, "ledger"),
				}
				final := func() ([]byte, bool) { return b.srv.ReadFile("/uploads/debtors.csv") }
				switch call {
				case "upload":
					require.NoError(t, os.WriteFile(job.Local, data, 0o600))
				default:
					b.put(t, "downloads/returns.csv", data)
					final = func() ([]byte, bool) {
						path := job.Local
						if call == "receive" {
							path = filepath.Join(job.Local, "returns.csv")
						}
						got, err := os.ReadFile(path)
						return got, err == nil
					}
				}
				if i == 0 { // how long it takes when nobody kills it
					_, total = job.run(t, 0)
				} else {
					ended, _ := job.run(t, time.Duration(r.Int64N(int64(total)))+time.Millisecond)
					if !ended {
						killed++
					} else { // it is faster than the first one was, on a busy machine
						total = total/2 + 1
					}
					if got, there := final(); there {
						same(t, data, got)
					}
					job.run(t, 0)
				}
				got, there := final()
				require.True(t, there)
				same(t, data, got)
				if call == "upload" {
					require.Equal(t, []string{"debtors.csv"}, b.srv.Files("/uploads"))
					require.LessOrEqual(t, b.srv.BytesWritten(), int64(size+window))
				}
				if call == "receive" {
					require.Empty(t, b.srv.Files("/downloads"))
				}
				require.NoError(t, p.Close())
				b.srv.Close()
			}
			t.Logf("%d of %d were killed before they ended", killed, moments)
			require.Positive(t, killed)
		})
	}
}
