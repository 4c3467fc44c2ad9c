//go:build unix

package fleet

import (
	"bytes"
	"context"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/ccr-sdk/ccr"
	"github.com/ccr-sdk/ccr/decisioning"
	"github.com/ccr-sdk/ccr/decisioning/decisioningtest"
	"github.com/ccr-sdk/ccr/gateway"
	"github.com/ccr-sdk/ccr/gateway/gatewaytest"
	"github.com/ccr-sdk/ccr/internal/testkit/ledgerd"
	"github.com/ccr-sdk/ccr/sftp"
	"github.com/ccr-sdk/ccr/sftp/sftptest"
)

// world is one vendor, one ledger and what a fleet is to do there once.
type world struct {
	job     job
	ledger  *ledgerd.Server
	entries ccr.Ledger                      // what it serves
	effects func() int                      // how often it was done, as the vendor counts
	settle  func(ctx context.Context) error // by the vendor's count
}

// slow is how long a vendor takes over it: there are moments to choose from.
const slow = 150 * time.Millisecond

func newWorld(t *testing.T, call string) *world {
	t.Helper()
	dir, err := os.MkdirTemp("", "ccr-fleet") //nolint:usetesting // the path of a socket must be short
	require.NoError(t, err)
	t.Cleanup(func() { assert.NoError(t, os.RemoveAll(dir)) })
	memory := ccr.NewMemoryLedger()
	server, err := ledgerd.Serve(filepath.Join(dir, "s"), memory)
	require.NoError(t, err)
	t.Cleanup(func() { assert.NoError(t, server.Close()) })
	x := &world{job: job{Call: call, Ledger: filepath.Join(dir, "s")}, ledger: server, entries: memory}
	switch call {
	case "upload":
		x.bureau(t, memory)
	case "drop", "drop, taken at once":
		x.job.Call = "drop"
		x.folder(t, memory, dir, call != "drop")
	case "ensure":
		x.algoan(t, memory)
	}
	return x
}

func (x *world) bureau(t *testing.T, ledger ccr.Ledger) {
	t.Helper()
	srv, err := gatewaytest.NewServer(gatewaytest.Config{})
	require.NoError(t, err)
	t.Cleanup(srv.Close)
	srv.Inject(gatewaytest.Fault{Operation: "Upload", Kind: gatewaytest.Delay, Delay: slow, Times: -1})
	cred := srv.Credential()
	key, err := cred.Key.Reveal()
	require.NoError(t, err)
	x.job.URL, x.job.CA, x.job.Key, x.job.User, x.job.IP = srv.URL(), string(srv.CAPEM()), key, cred.Username, cred.IP
	x.effects = func() int { return len(srv.Uploads()) } // a second one is refused, which its worker says
	x.settle = func(ctx context.Context) error {
		c, err := x.job.gateway()
		if err != nil {
			return err
		}
		return c.SettleUpload(ctx, gateway.SettleOptions{Ledger: ledger, File: ccr.FileFromBytes(fileName, content()), Arrived: x.effects() > 0})
	}
}

func (x *world) folder(t *testing.T, ledger ccr.Ledger, dir string, taken bool) {
	t.Helper()
	srv, err := sftptest.NewServer(sftptest.Config{})
	require.NoError(t, err)
	t.Cleanup(srv.Close)
	for _, op := range []string{sftptest.OpRename, sftptest.OpClose} {
		srv.Inject(sftptest.Fault{Operation: op, Kind: sftptest.Delay, Delay: slow, Times: -1})
	}
	cfg := srv.Config()
	key, err := srv.Key().Reveal()
	require.NoError(t, err)
	x.job.Key = filepath.Join(dir, "id")
	require.NoError(t, os.WriteFile(x.job.Key, []byte(key), 0o600))
	x.job.URL, x.job.User, x.job.HostKey = cfg.Address, cfg.User, srv.HostKeyLine()
	const path = "/uploads/" + fileName
	var consumed atomic.Int64
	take := func() {
		if data, there := srv.ReadFile(path); there {
			if taken {
				srv.RemoveFile(path)
				consumed.Add(1)
			}
			assert.True(t, bytes.Equal(content(), data), "the final name never shows half a file")
		}
	}
	if taken {
		stop, stopped := make(chan struct{}), make(chan struct{})
		go func() {
			defer close(stopped)
			for {
				select {
				case <-stop:
					return
				case <-time.After(5 * time.Millisecond):
					take()
				}
			}
		}()
		t.Cleanup(func() { close(stop); <-stopped })
	}
	x.effects = func() int {
		if taken {
			time.Sleep(20 * time.Millisecond) // the consumer's turn
			return int(consumed.Load())
		}
		take()
		_, there := srv.ReadFile(path) // a second one is refused, which its worker says
		return map[bool]int{true: 1}[there]
	}
	x.settle = func(ctx context.Context) error {
		c, err := x.job.drop(ctx)
		if err != nil {
			return err
		}
		defer c.Shutdown(ctx) //nolint:errcheck // it is the end
		return c.SettleUpload(ctx, sftp.SettleOptions{Ledger: ledger, File: ccr.FileFromBytes(fileName, content()), Arrived: x.effects() > 0})
	}
}

func (x *world) algoan(t *testing.T, ledger ccr.Ledger) {
	t.Helper()
	srv, err := decisioningtest.NewServer(decisioningtest.Config{})
	require.NoError(t, err)
	t.Cleanup(srv.Close)
	c, err := srv.Client(ccr.WithLease(lease))
	require.NoError(t, err)
	customer, err := c.CreateCustomer(t.Context(), decisioning.NewCustomer{CustomIdentifier: "applicant-1"})
	require.NoError(t, err)
	srv.Inject(decisioningtest.Fault{Operation: "CreateAnalysis", Kind: decisioningtest.Delay, Delay: slow, Times: -1})
	x.job.URL, x.job.CA, x.job.Customer = srv.URL(), string(srv.CAPEM()), customer.ID
	x.effects = func() int { return srv.AnalysesByCustomer()["applicant-1"] }
	x.settle = func(ctx context.Context) error {
		id := ""
		for a, err := range c.Analyses(customer.ID, decisioning.ListOptions{}).All(ctx) {
			if err != nil {
				return err
			}
			id = a.ID
		}
		return c.SettleAnalysis(ctx, decisioning.SettleOptions{Ledger: ledger, CustomerID: customer.ID, Key: "application-1", AnalysisID: id})
	}
}

func (x *world) start(t *testing.T, n int) []*worker {
	t.Helper()
	var out []*worker
	for range n {
		out = append(out, x.job.start(t))
	}
	return out
}

var calls = []string{"upload", "drop", "drop, taken at once", "ensure"}

// sizes are the numbers of processes: many by default, some more for CCR_LONG.
func sizes() []int {
	switch {
	case os.Getenv("CCR_LONG") != "":
		return []int{2, 8}
	case testing.Short():
		return []int{2}
	}
	return []int{4}
}

// disturbs leaves out what kills and stops processes, and what waits for their
// leases, where -short is given.
func disturbs(t *testing.T) {
	t.Helper()
	if testing.Short() {
		t.Skip("SKIPPED: -short leaves out processes that wait for the end of a lease")
	}
	t.Parallel()
}

// Several live processes are given the same thing: it happens once, and all of
// them learn that it did, without an error but that another is at it.
func TestLiveProcesses(t *testing.T) {
	t.Parallel()
	for _, call := range calls {
		for _, n := range sizes() {
			t.Run(fmt.Sprintf("%s by %d", call, n), func(t *testing.T) {
				t.Parallel()
				x := newWorld(t, call)
				x.job.Lease = time.Minute // nobody dies, and a busy machine must not look like a death
				for i, w := range x.start(t, n) {
					assert.Equal(t, done, w.result(), "worker %d", i)
					assert.Equal(t, done, strings.TrimSpace(w.out.String()), "without any other error")
				}
				assert.Equal(t, 1, x.effects())
			})
		}
	}
}

// The ledger misbehaves as a database can: slow, answers lost, stores that land
// late.
func TestLiveProcessesOverAHostileLedger(t *testing.T) {
	disturbs(t)
	for _, call := range calls {
		t.Run(call, func(t *testing.T) {
			t.Parallel()
			x := newWorld(t, call)
			x.ledger.SetFaults(ledgerd.Faults{Delay: 20 * time.Millisecond, LoseAnswer: 0.15, LateStore: 0.15, Fail: 0.05})
			x.finish(t, x.start(t, 4))
		})
	}
}

// Clocks that are wrong by ten minutes make a worker wait too long or take over
// too early. It happens once all the same.
func TestLiveProcessesWithWrongClocks(t *testing.T) {
	disturbs(t)
	for _, call := range calls {
		t.Run(call, func(t *testing.T) {
			t.Parallel()
			x := newWorld(t, call)
			var workers []*worker
			for i := range 4 {
				j := x.job
				j.Offset = []time.Duration{0, -10 * time.Minute}[i%2]
				workers = append(workers, j.start(t))
			}
			x.finish(t, workers)
		})
	}
}

// Processes are killed, and stopped for longer than the lease, at random
// moments of what they hold.
func TestKilledAndStoppedProcesses(t *testing.T) {
	disturbs(t)
	trials := 1
	if os.Getenv("CCR_LONG") != "" {
		trials = 40
	}
	seed := rand.Uint64()
	t.Logf("seed %d", seed)
	for i, call := range calls {
		for _, n := range sizes() {
			for trial := range trials {
				r := rand.New(rand.NewPCG(seed, uint64(100*trial+10*n+i)))
				t.Run(fmt.Sprintf("%s by %d, %d", call, n, trial), func(t *testing.T) {
					t.Parallel()
					x := newWorld(t, call)
					workers := x.start(t, n)
					for range n / 2 {
						w := x.holder(workers)
						if w == nil {
							break
						}
						time.Sleep(time.Duration(r.Int64N(int64(2 * slow))))
						if r.IntN(2) == 0 {
							w.kill()
							continue
						}
						w.signal(syscall.SIGSTOP)
						wake := time.AfterFunc(lease.Lease*3/2, func() { w.signal(syscall.SIGCONT) })
						t.Cleanup(func() { wake.Stop() })
					}
					x.finish(t, workers)
				})
			}
		}
	}
}

// holder waits for a claim and returns the worker that has it; nil if all have
// ended.
func (x *world) holder(workers []*worker) *worker {
	for {
		for e, err := range x.entries.(ccr.LedgerLister).List(context.Background(), ccr.LedgerQuery{}) {
			if err != nil || e.Owner == "" {
				continue
			}
			for _, w := range workers {
				if strings.Contains(e.Owner, fmt.Sprintf("/%d/", w.cmd.Process.Pid)) && !w.over() {
					return w
				}
			}
		}
		live := false
		for _, w := range workers {
			live = live || !w.over()
		}
		if !live {
			return nil
		}
		time.Sleep(5 * time.Millisecond)
	}
}

// finish waits for the workers, lets a last one end what they left, and settles
// by the vendor's count what nobody knows.
func (x *world) finish(t *testing.T, workers []*worker) {
	t.Helper()
	results := map[string]int{}
	for _, w := range workers {
		r, _, _ := strings.Cut(w.result(), ":")
		results[r]++
		assert.NotEqual(t, "error", r, "%s", w.out.String())
	}
	assert.LessOrEqual(t, x.effects(), 1)
	x.ledger.SetFaults(ledgerd.Faults{})
	last := x.job.start(t)
	r := last.result()
	if strings.HasPrefix(r, unknown) {
		assert.Zero(t, results[done], "%v, and then %s", results, r)
		assert.LessOrEqual(t, x.effects(), 1)
		require.NoError(t, x.settle(t.Context()))
		last = x.job.start(t)
		r = last.result()
	}
	assert.Equal(t, done, r, "%s", last.out.String())
	assert.Equal(t, 1, x.effects(), "%v", results)
	t.Log(results)
}
