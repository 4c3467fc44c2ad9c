//go:build unix

package fleet

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/ccr-sdk/ccr"
	"github.com/ccr-sdk/ccr/gateway"
	"github.com/ccr-sdk/ccr/gateway/gatewaytest"
	"github.com/ccr-sdk/ccr/internal/testkit/ledgerd"
	"github.com/ccr-sdk/ccr/sftp"
	"github.com/ccr-sdk/ccr/sftp/sftptest"
)

// receive returns a call that receives everything into the job's sink.
func (j job) receive(ctx context.Context, ledger ccr.Ledger) (func(context.Context) error, error) {
	var sink ccr.Sink
	switch j.Sink {
	case "folder":
		sink = ccr.DirSink(j.Dir)
	default:
		sink = &slowSink{dir: j.Dir, stages: j.Sink == "slow"}
	}
	if j.Call == "reports" {
		c, err := j.gateway()
		if err != nil {
			return nil, err
		}
		return func(ctx context.Context) error {
			got, err := c.Receive(ctx, sink, gateway.ReceiveOptions{Ledger: ledger, Concurrency: 2})
			return complete(got, err)
		}, nil
	}
	c, err := j.drop(ctx)
	if err != nil {
		return nil, err
	}
	return func(ctx context.Context) error {
		got, err := c.Receive(ctx, sink, sftp.ReceiveOptions{Ledger: ledger, StableFor: -1, After: sftp.RemoveRemote})
		return complete(got, err)
	}, nil
}

func complete(got []ccr.Received, err error) error {
	if err == nil && !ccr.Complete(got) {
		return fmt.Errorf("no error, and not complete: %v", got)
	}
	return err
}

// slowSink is exact, as a database is: a token takes effect once. It keeps a
// file a token, and counts the calls of Commit.
type slowSink struct {
	dir    string
	stages bool
}

func (s *slowSink) path(kind, token string) string { return filepath.Join(s.dir, kind+"-"+token) }

func (s *slowSink) Create(_ context.Context, item ccr.Item) (ccr.Delivery, error) {
	return &slowDelivery{s: s, token: item.Token}, nil
}

func (s *slowSink) Resume(_ context.Context, item ccr.Item, ref string) (ccr.Delivery, ccr.Staging, error) {
	if !s.stages {
		return nil, "", errors.ErrUnsupported
	}
	for kind, staging := range map[string]ccr.Staging{"committed": ccr.Committed, "discarded": ccr.Discarded} {
		if _, err := os.Stat(s.path(kind, ref)); err == nil {
			return nil, staging, nil
		}
	}
	b, err := os.ReadFile(s.path("staged", ref))
	return &slowDelivery{s, item.Token, *bytes.NewBuffer(b)}, ccr.Staged, err
}

type slowDelivery struct {
	s     *slowSink
	token string
	bytes.Buffer
}

func (d *slowDelivery) Stage(context.Context) (string, error) {
	if !d.s.stages {
		return "", errors.ErrUnsupported
	}
	return d.token, write(d.s.path("staged", d.token), d.Bytes())
}

func (d *slowDelivery) Commit(context.Context) (string, error) {
	time.Sleep(50 * time.Millisecond)
	if err := write(d.s.path("call", fmt.Sprint(rand.Uint64())), nil); err != nil {
		return "", err
	}
	temp := d.s.path("temp", fmt.Sprint(rand.Uint64()))
	if err := write(temp, d.Bytes()); err != nil {
		return "", err
	}
	err := os.Link(temp, d.s.path("committed", d.token)) // one transaction
	if errors.Is(err, fs.ErrExist) {
		err = nil
	}
	return "table", errors.Join(err, os.Remove(temp))
}

func (d *slowDelivery) Abort(context.Context) error {
	if !d.s.stages {
		return nil
	}
	return write(d.s.path("discarded", d.token), nil)
}

func write(path string, b []byte) error { return os.WriteFile(path, b, 0o600) }

// inbox is a vendor with files, and a sink out of which a consumer takes them.
type inbox struct {
	job     job
	ledger  *ledgerd.Server
	entries ccr.Ledger
	left    func() []string
	fetches func() int
	want    map[string]string // name by content

	mu      sync.Mutex
	effects map[string]int // by name
}

const inboxFiles = 10

func newInbox(t *testing.T, call, sink string) *inbox {
	t.Helper()
	x := newWorld(t, "")
	in := &inbox{job: x.job, ledger: x.ledger, entries: x.entries, want: map[string]string{}, effects: map[string]int{}}
	in.job.Call, in.job.Sink, in.job.Dir = call, sink, t.TempDir()
	for i := range inboxFiles {
		name := fmt.Sprintf("r\u00e9port (%d).bin", i/2)
		if i%2 == 0 {
			name = strings.ToUpper(name) // pairs that differ in case alone
		}
		in.want[fmt.Sprintf("%s %d %s", name, i, bytes.Repeat([]byte{'x', byte(i)}, 20_000))] = name
	}
	if call == "reports" {
		in.reports(t)
	} else {
		in.returns(t, filepath.Dir(x.job.Ledger))
	}
	if sink == "folder" {
		stop, stopped := make(chan struct{}), make(chan struct{})
		go func() {
			defer close(stopped)
			for {
				select {
				case <-stop:
					return
				case <-time.After(time.Millisecond):
					in.take(t)
				}
			}
		}()
		t.Cleanup(func() { close(stop); <-stopped })
	}
	return in
}

func (in *inbox) reports(t *testing.T) {
	srv, err := gatewaytest.NewServer(gatewaytest.Config{})
	require.NoError(t, err)
	t.Cleanup(srv.Close)
	for content, name := range in.want {
		srv.AddReport(name, []byte(content))
	}
	for _, op := range []string{"TestByName", "ArchiveByName"} {
		srv.Inject(gatewaytest.Fault{Operation: op, Kind: gatewaytest.Delay, Delay: slow / 5, Times: -1})
	}
	cred := srv.Credential()
	key, err := cred.Key.Reveal()
	require.NoError(t, err)
	in.job.URL, in.job.CA, in.job.Key, in.job.User, in.job.IP = srv.URL(), string(srv.CAPEM()), key, cred.Username, cred.IP
	in.left, in.fetches = srv.Waiting, func() int { return len(srv.Requests("TestByName")) }
}

func (in *inbox) returns(t *testing.T, dir string) {
	srv, err := sftptest.NewServer(sftptest.Config{})
	require.NoError(t, err)
	t.Cleanup(srv.Close)
	srv.Allow("/downloads", sftptest.Permission{List: true, Stat: true, Read: true, Remove: true})
	for content, name := range in.want {
		srv.WriteFile("/downloads/"+name, []byte(content))
	}
	for _, op := range []string{sftptest.OpOpen, sftptest.OpRemove} {
		srv.Inject(sftptest.Fault{Operation: op, Kind: sftptest.Delay, Delay: slow / 5, Times: -1})
	}
	key, err := srv.Key().Reveal()
	require.NoError(t, err)
	in.job.Key = filepath.Join(dir, "id")
	require.NoError(t, os.WriteFile(in.job.Key, []byte(key), 0o600))
	cfg := srv.Config()
	in.job.URL, in.job.User, in.job.HostKey = cfg.Address, cfg.User, srv.HostKeyLine()
	in.left, in.fetches = func() []string { return srv.Files("/downloads") }, func() int { return len(srv.Requests(sftptest.OpOpen)) }
}

// take is the consumer's turn: it takes away what it sees.
func (in *inbox) take(t *testing.T) {
	list, err := os.ReadDir(in.job.Dir)
	if !assert.NoError(t, err) {
		return
	}
	for _, e := range list {
		if e.IsDir() {
			continue
		}
		b, err := os.ReadFile(filepath.Join(in.job.Dir, e.Name()))
		if !assert.NoError(t, err) || !assert.NoError(t, os.Remove(filepath.Join(in.job.Dir, e.Name()))) {
			return
		}
		in.count(t, b)
	}
}

func (in *inbox) count(t *testing.T, content []byte) {
	in.mu.Lock()
	defer in.mu.Unlock()
	name, ok := in.want[string(content)]
	assert.True(t, ok, "the consumer sees %d bytes that nobody sent", len(content))
	in.effects[name]++
}

// check holds that every file took effect once, and returns how often Commit
// was called, if the sink counts.
func (in *inbox) check(t *testing.T) (commits int) {
	if in.job.Sink != "folder" {
		list, err := os.ReadDir(in.job.Dir)
		require.NoError(t, err)
		for _, e := range list {
			switch {
			case strings.HasPrefix(e.Name(), "call-"):
				commits++
			case strings.HasPrefix(e.Name(), "committed-"):
				b, err := os.ReadFile(filepath.Join(in.job.Dir, e.Name()))
				require.NoError(t, err)
				in.count(t, b)
			}
		}
	} else {
		time.Sleep(50 * time.Millisecond) // the consumer's turn
		in.take(t)
	}
	in.mu.Lock()
	defer in.mu.Unlock()
	for _, name := range in.want {
		assert.Equal(t, 1, in.effects[name], "%q: lost (0) or delivered twice", name)
	}
	assert.Empty(t, in.left(), "at the vendor")
	return commits
}

var inboxes = []struct{ call, sink string }{
	{"reports", "folder"}, {"reports", "slow"}, {"reports", "slow, without a stage"},
	{"returns", "folder"}, {"returns", "slow"}, {"returns", "slow, without a stage"},
}

// Several live processes receive into one sink: each file is fetched once and
// committed once, nobody fails, and whoever returns nil has everything there.
func TestLiveReceives(t *testing.T) {
	t.Parallel()
	for _, one := range inboxes {
		for _, n := range sizes() {
			t.Run(fmt.Sprintf("%s into %s by %d", one.call, one.sink, n), func(t *testing.T) {
				t.Parallel()
				in := newInbox(t, one.call, one.sink)
				var workers []*worker
				for range n {
					workers = append(workers, in.job.start(t))
				}
				for i, w := range workers {
					assert.Equal(t, done, w.result(), "worker %d", i)
					assert.Equal(t, done, strings.TrimSpace(w.out.String()), "without any error")
				}
				commits := in.check(t)
				assert.Equal(t, inboxFiles, in.fetches(), "fetched once each")
				if one.sink != "folder" {
					assert.Equal(t, inboxFiles, commits, "committed once each")
				}
			})
		}
	}
}

// The ledger misbehaves as a database can, and clocks are wrong.
func TestLiveReceivesOverAHostileLedger(t *testing.T) {
	disturbs(t)
	for _, one := range inboxes {
		t.Run(fmt.Sprintf("%s into %s", one.call, one.sink), func(t *testing.T) {
			t.Parallel()
			in := newInbox(t, one.call, one.sink)
			in.ledger.SetFaults(ledgerd.Faults{Delay: 10 * time.Millisecond, LoseAnswer: 0.1, LateStore: 0.1, Fail: 0.03})
			var workers []*worker
			for i := range 4 {
				j := in.job
				j.Offset = []time.Duration{0, 0, 0, -10 * time.Minute}[i]
				workers = append(workers, j.start(t))
			}
			in.finish(t, workers, 0)
		})
	}
}

// Processes are killed, and stopped for longer than the lease, at random
// moments of what they hold.
func TestKilledAndStoppedReceives(t *testing.T) {
	disturbs(t)
	trials := 1
	if os.Getenv("CCR_LONG") != "" {
		trials = 30
	}
	seed := rand.Uint64()
	t.Logf("seed %d", seed)
	for i, one := range inboxes {
		for _, n := range sizes() {
			for trial := range trials {
				r := rand.New(rand.NewPCG(seed, uint64(100*trial+10*n+i)))
				t.Run(fmt.Sprintf("%s into %s by %d, %d", one.call, one.sink, n, trial), func(t *testing.T) {
					t.Parallel()
					in := newInbox(t, one.call, one.sink)
					x := &world{entries: in.entries}
					var workers []*worker
					for range n {
						workers = append(workers, in.job.start(t))
					}
					struck := 0
					for range n / 2 {
						w := x.holder(workers)
						if w == nil {
							break
						}
						time.Sleep(time.Duration(r.Int64N(int64(slow))))
						struck++
						if r.IntN(2) == 0 {
							w.kill()
							continue
						}
						w.signal(syscall.SIGSTOP)
						wake := time.AfterFunc(lease.Lease*3/2, func() { w.signal(syscall.SIGCONT) })
						t.Cleanup(func() { wake.Stop() })
					}
					in.finish(t, workers, struck)
				})
			}
		}
	}
}

// finish waits for the workers, and lets a last one end what they left.
func (in *inbox) finish(t *testing.T, workers []*worker, struck int) {
	t.Helper()
	results := map[string]int{}
	for _, w := range workers {
		r, _, _ := strings.Cut(w.result(), ":")
		results[r]++
		if struck > 0 { // else the ledger failed, which its workers may say
			assert.NotEqual(t, "error", r, "%s", w.out.String())
		}
	}
	in.ledger.SetFaults(ledgerd.Faults{})
	last := in.job.start(t)
	assert.Equal(t, done, last.result(), "%s", last.out.String())
	in.check(t)
	if struck > 0 {
		// One item for each that a struck worker held, and one to compare it.
		assert.LessOrEqual(t, in.fetches(), inboxFiles+2*struck*16)
	}
	t.Log(results, in.fetches())
}
