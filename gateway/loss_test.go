package gateway_test

import (
	"bytes"
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"sync"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/ccr-sdk/ccr"
	"github.com/ccr-sdk/ccr/auth"
	"github.com/ccr-sdk/ccr/gateway"
	"github.com/ccr-sdk/ccr/gateway/gatewaytest"
)

// The loss test receives 20 reports while something goes wrong: the process is
// killed, a step of the sink or its ledger fails, or a connection is cut. Then
// a consumer may take what it sees, and a healthy run must bring everything to
// its end: each report exactly once, byte for byte, archived at the bureau.
//
// Each kind is tried at points spread over a whole run, moved a little by a
// seed that a failure prints. CCR_LOSS=full tries every point there is.
const (
	lossReports = 20
	lossKills   = 70
	lossFaults  = 90
	lossCuts    = 60
)

// breaker counts the points between which a run does something that lasts, and
// breaks one of them.
type breaker struct {
	mu    sync.Mutex
	n     int
	at    int // -1: none
	kill  bool
	fired bool
}

var errBroken = errors.New("injected: no space left on device")

func (b *breaker) point() error {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.n++
	if b.n-1 != b.at {
		return nil
	}
	b.fired = true
	if b.kill {
		self, err := os.FindProcess(os.Getpid())
		if err == nil {
			err = self.Kill()
		}
		if err != nil {
			panic(err)
		}
		select {} // until the kill arrives
	}
	return errBroken
}

// around runs f between two points. Broken at the second one, f has happened
// and is reported as failed.
func around[T any](b *breaker, f func() (T, error)) (T, error) {
	var zero T
	if err := b.point(); err != nil {
		return zero, err
	}
	v, err := f()
	if err != nil {
		return v, err
	}
	if err := b.point(); err != nil {
		return zero, err
	}
	return v, nil
}

// brittle is a DirSink with a breaker around every step.
type brittle struct {
	sink *ccr.DirectorySink
	b    *breaker
}

var _ ccr.Sink = (*brittle)(nil)

func (s *brittle) Create(ctx context.Context, item ccr.Item) (ccr.Delivery, error) {
	return around(s.b, func() (ccr.Delivery, error) {
		f, err := s.sink.Create(ctx, item)
		return &brittleFile{f, s.b}, err
	})
}

func (s *brittle) Resume(ctx context.Context, item ccr.Item, ref string) (f ccr.Delivery, staging ccr.Staging, err error) {
	f, err = around(s.b, func() (ccr.Delivery, error) {
		var f ccr.Delivery
		f, staging, err = s.sink.Resume(ctx, item, ref)
		if f == nil || err != nil {
			return nil, err
		}
		return &brittleFile{f, s.b}, nil
	})
	return f, staging, err
}

func (s *brittle) OpenLedger(ctx context.Context) (ccr.Ledger, func() error, error) {
	l, release, err := s.sink.OpenLedger(ctx)
	return &brittleLedger{l, s.b}, release, err
}

type brittleFile struct {
	ccr.Delivery
	b *breaker
}

// Write fails in the middle, as a full disk does.
func (f *brittleFile) Write(p []byte) (int, error) {
	half := len(p) / 2
	n, err := f.Delivery.Write(p[:half])
	if err != nil {
		return n, err
	}
	if err := f.b.point(); err != nil {
		return n, err
	}
	m, err := f.Delivery.Write(p[half:])
	return n + m, err
}

func (f *brittleFile) Stage(ctx context.Context) (string, error) {
	return around(f.b, func() (string, error) { return f.Delivery.Stage(ctx) })
}

func (f *brittleFile) Commit(ctx context.Context) (string, error) {
	return around(f.b, func() (string, error) { return f.Delivery.Commit(ctx) })
}

func (f *brittleFile) Abort(ctx context.Context) error {
	_, err := around(f.b, func() (struct{}, error) { return struct{}{}, f.Delivery.Abort(ctx) })
	return err
}

type brittleLedger struct {
	ccr.Ledger
	b *breaker
}

func (l *brittleLedger) Load(ctx context.Context, key string) (ccr.LedgerEntry, error) {
	return around(l.b, func() (ccr.LedgerEntry, error) { return l.Ledger.Load(ctx, key) })
}

func (l *brittleLedger) Store(ctx context.Context, e ccr.LedgerEntry) error {
	_, err := around(l.b, func() (struct{}, error) { return struct{}{}, l.Ledger.Store(ctx, e) })
	return err
}

// overTheWire puts points around each request and into each answer.
func (b *breaker) overTheWire(next http.RoundTripper) http.RoundTripper {
	return roundTrip(func(req *http.Request) (*http.Response, error) {
		resp, err := around(b, func() (*http.Response, error) { return next.RoundTrip(req) })
		if resp != nil {
			resp.Body = &brittleBody{resp.Body, b}
		}
		return resp, err
	})
}

type roundTrip func(*http.Request) (*http.Response, error)

func (f roundTrip) RoundTrip(req *http.Request) (*http.Response, error) { return f(req) }

type brittleBody struct {
	io.ReadCloser
	b *breaker
}

func (r *brittleBody) Read(p []byte) (int, error) {
	n, err := r.ReadCloser.Read(p)
	if n > 0 {
		if broken := r.b.point(); broken != nil {
			return n / 2, broken
		}
	}
	return n, err
}

// lossTrial is one server with its reports, and the folder they go to.
type lossTrial struct {
	srv         *gatewaytest.Server
	want        map[string]string
	dir, taken  string
	concurrency int
}

func newLossTrial(t *testing.T, memory bool, concurrency int) *lossTrial {
	t.Helper()
	srv, err := gatewaytest.NewServer(gatewaytest.Config{InMemory: memory})
	require.NoError(t, err)
	t.Cleanup(srv.Close)
	srv.KeepNoRecord()
	base := fastDir(t)
	x := &lossTrial{srv: srv, want: map[string]string{}, dir: filepath.Join(base, "sink"), taken: filepath.Join(base, "taken"), concurrency: concurrency}
	require.NoError(t, os.Mkdir(x.taken, 0o700))
	for i := range lossReports {
		name := fmt.Sprintf("12345%d-21112026-2013-%d.xml", i%7, i)
		data := report(i)
		if i%4 == 0 {
			name = fmt.Sprintf("binary (%d).bin", i)
			data = randomBytes(t, 1000+30_000*(i/4))
		}
		srv.AddReport(name, data)
		x.want[name] = string(data)
	}
	return x
}

// fastDir is a folder in memory where there is one: a killed process cannot
// tell it from a disk, and the test need not wait for one.
func fastDir(t *testing.T) string {
	t.Helper()
	dir, err := os.MkdirTemp("/dev/shm", "ccr-loss-") //nolint:usetesting // t.TempDir is on the disk
	if err != nil {
		return t.TempDir()
	}
	t.Cleanup(func() { assert.NoError(t, os.RemoveAll(dir)) })
	return dir
}

// run receives once in this process.
func (x *lossTrial) run(t *testing.T, b *breaker) error {
	t.Helper()
	c, err := x.srv.Client(ccr.WithMiddleware(b.overTheWire), ccr.WithRetry(ccr.RetryPolicy{MaxAttempts: 1}))
	require.NoError(t, err)
	_, err = c.Receive(t.Context(), &brittle{ccr.DirSink(x.dir), b}, gateway.ReceiveOptions{Concurrency: x.concurrency})
	return err
}

// spawn receives once in a process that kills itself at a point; it returns
// whether that happened.
func (x *lossTrial) spawn(t *testing.T, at int, env ...string) bool {
	t.Helper()
	exe, err := os.Executable()
	require.NoError(t, err)
	ca := filepath.Join(filepath.Dir(x.dir), "ca.pem")
	require.NoError(t, os.WriteFile(ca, x.srv.CAPEM(), 0o600))
	key, err := x.srv.Credential().Key.Reveal()
	require.NoError(t, err)
	cmd := exec.CommandContext(t.Context(), exe)
	cmd.Env = append(os.Environ(), envRole+"="+roleLoser, "LOSS_URL="+x.srv.URL(), "LOSS_CA="+ca, "LOSS_DIR="+x.dir, "LOSS_AT="+strconv.Itoa(at),
		"LOSS_CONCURRENCY="+strconv.Itoa(x.concurrency), "LOSS_KEY="+key, "LOSS_USER="+x.srv.Credential().Username, "LOSS_IP="+x.srv.Credential().IP)
	cmd.Env = append(cmd.Env, env...)
	out, err := cmd.CombinedOutput()
	if err == nil {
		return false
	}
	exit, ok := errors.AsType[*exec.ExitError](err)
	require.True(t, ok && exit.ExitCode() != 3, "%v: %s", err, out)
	return true
}

// lose is the process that is killed.
func lose() int {
	fail := func(err error) int {
		fmt.Fprintln(os.Stderr, err)
		return 3
	}
	pem, err := os.ReadFile(os.Getenv("LOSS_CA"))
	if err != nil {
		return fail(err)
	}
	at, err := strconv.Atoi(os.Getenv("LOSS_AT"))
	if err != nil {
		return fail(err)
	}
	concurrency, err := strconv.Atoi(os.Getenv("LOSS_CONCURRENCY"))
	if err != nil {
		return fail(err)
	}
	pool := x509.NewCertPool()
	pool.AppendCertsFromPEM(pem)
	b := &breaker{at: at, kill: true}
	ctx := context.Background()
	c, err := gateway.NewClient(
		auth.APIKey{Key: ccr.NewSecret(os.Getenv("LOSS_KEY")), Username: os.Getenv("LOSS_USER"), IP: os.Getenv("LOSS_IP")},
		ccr.WithBaseURL(os.Getenv("LOSS_URL")), ccr.WithMiddleware(b.overTheWire),
		ccr.WithHTTPClient(&http.Client{Transport: &http.Transport{TLSClientConfig: &tls.Config{RootCAs: pool}}}))
	if err != nil {
		return fail(err)
	}
	if path := os.Getenv("LOSS_LEDGER"); path != "" {
		if err := uploadOnce(ctx, c, b, path); err != nil {
			return fail(err)
		}
		return 0
	}
	if _, err := c.Receive(ctx, &brittle{ccr.DirSink(os.Getenv("LOSS_DIR")), b}, gateway.ReceiveOptions{Concurrency: concurrency}); err != nil {
		return fail(err)
	}
	return 0
}

// consume is a consumer that takes what it sees out of the sink.
func (x *lossTrial) consume(t *testing.T) {
	t.Helper()
	for name := range visible(t, x.dir) {
		to := filepath.Join(x.taken, name)
		_, err := os.Lstat(to)
		require.ErrorIs(t, err, os.ErrNotExist, "%s was delivered twice", name)
		require.NoError(t, os.Rename(filepath.Join(x.dir, name), to))
	}
}

// settle brings the trial to its end and checks it.
func (x *lossTrial) settle(t *testing.T) {
	t.Helper()
	// A report that an earlier run had begun may need one run to be settled
	// and another to be compared.
	x.srv.ClearFaults()
	var err error
	for range 3 {
		if err = x.run(t, &breaker{at: -1}); err == nil && len(x.srv.Waiting()) == 0 {
			break
		}
	}
	require.NoError(t, err)
	require.Empty(t, x.srv.Waiting())
	archived := x.srv.Archived()
	slices.Sort(archived)
	require.Len(t, slices.Compact(archived), lossReports)
	x.consume(t)
	got := visible(t, x.taken)
	require.Len(t, got, lossReports, "none lost, none twice")
	for name, data := range x.want {
		require.True(t, bytes.Equal([]byte(data), []byte(got[name])), "%s has other bytes", name)
	}
}

// spread chooses count of total points.
func spread(total, count int, r *rand.Rand) []int {
	if os.Getenv("CCR_LOSS") == "full" || count >= total {
		all := make([]int, total)
		for i := range all {
			all[i] = i
		}
		return all
	}
	out := make([]int, count)
	for i := range out {
		low, high := i*total/count, (i+1)*total/count
		out[i] = low + r.IntN(max(high-low, 1))
	}
	return out
}

func TestNoReportIsEverLost(t *testing.T) {
	t.Parallel()
	seed := rand.Uint64()
	t.Logf("seed %d", seed)
	r := rand.New(rand.NewPCG(seed, 0))
	kills, faults, cuts := lossKills, lossFaults, lossCuts
	if testing.Short() {
		kills, faults, cuts = 3, 6, 6
	}
	dry := &breaker{at: -1}
	x := newLossTrial(t, true, 1)
	require.NoError(t, x.run(t, dry))
	x.settle(t)
	t.Logf("a run has %d points", dry.n)
	require.Greater(t, dry.n, 10*lossReports)

	type trial struct {
		name string
		f    func(t *testing.T)
	}
	var trials []trial
	for i, at := range spread(dry.n, kills, r) {
		again := r.IntN(dry.n)
		trials = append(trials, trial{fmt.Sprintf("killed at %d", at), func(t *testing.T) {
			x := newLossTrial(t, false, 1+3*(i%2))
			assert.True(t, x.spawn(t, at) || x.concurrency > 1, "it was to be killed")
			if i%2 == 0 {
				x.consume(t)
			}
			if i%3 == 0 { // and once more, wherever it has got to
				x.spawn(t, again)
				x.consume(t)
			}
			x.settle(t)
		}})
	}
	for i, at := range spread(dry.n, faults, r) {
		trials = append(trials, trial{fmt.Sprintf("fault at %d", at), func(t *testing.T) {
			x := newLossTrial(t, true, 1+3*(i%2))
			b := &breaker{at: at}
			err := x.run(t, b)
			assert.True(t, b.fired || x.concurrency > 1)
			// A fault in closing or aborting something may cost nothing.
			if err != nil && i%2 == 0 {
				x.consume(t)
			}
			x.settle(t)
		}})
	}
	operations := []string{"ListReports", "TestByName", "ArchiveByName"}
	kinds := []gatewaytest.FaultKind{
		gatewaytest.CutBefore, gatewaytest.CutRequest, gatewaytest.LoseAnswer, gatewaytest.CutAnswer, gatewaytest.Truncate, gatewaytest.Garble,
	}
	for i := range cuts {
		f := gatewaytest.Fault{
			Operation: operations[i%3], Kind: kinds[i/3%len(kinds)], After: r.Int64N(4000), Times: 1 + r.IntN(3),
			Body: "<html><body>Bad gateway</body></html>",
		}
		if f.Operation != "ListReports" {
			f.Skip = r.IntN(lossReports)
		}
		trials = append(trials, trial{fmt.Sprintf("%s of %s after %d", f.Kind, f.Operation, f.Skip), func(t *testing.T) {
			x := newLossTrial(t, true, 1+3*(i%2))
			x.srv.Inject(f)
			if err := x.run(t, &breaker{at: -1}); err != nil && i%2 == 0 {
				x.consume(t)
			}
			x.settle(t)
		}})
	}
	require.True(t, testing.Short() || len(trials) >= 200)
	for _, one := range trials {
		t.Run(one.name, func(t *testing.T) {
			t.Parallel()
			one.f(t)
		})
	}
	t.Logf("%d trials", len(trials))
}

// uploadOnce sends a file with a ledger, with points around every step.
func uploadOnce(ctx context.Context, c *gateway.Client, b *breaker, path string) error {
	ledger, err := ccr.OpenLedger(path)
	if err != nil {
		return err
	}
	defer ledger.Close()
	content := bytes.Repeat([]byte("0123456789"), 30_000)
	file := ccr.NewFile("COLLECTIONS.csv", int64(len(content)), func() (io.ReadCloser, error) {
		return &brittleBody{io.NopCloser(bytes.NewReader(content)), b}, nil
	})
	_, err = c.Upload(ctx, gateway.UploadRequest{Files: []ccr.File{file}, Overwrite: true, Ledger: &brittleLedger{ledger, b}})
	return err
}

// TestNoUploadIsSentTwice kills the process at every point of an upload. A
// rerun must not send the file again unless it is known not to have arrived.
func TestNoUploadIsSentTwice(t *testing.T) {
	t.Parallel()
	srv, _ := bureau(t)
	dry := &breaker{at: -1}
	through, err := srv.Client(ccr.WithMiddleware(dry.overTheWire))
	require.NoError(t, err)
	require.NoError(t, uploadOnce(t.Context(), through, dry, filepath.Join(t.TempDir(), "ledger")))
	require.Greater(t, dry.n, 10)
	points := spread(dry.n, 25, rand.New(rand.NewPCG(1, 2)))
	if testing.Short() {
		points = spread(dry.n, 3, rand.New(rand.NewPCG(1, 2)))
	}
	states := map[string]int{}
	var mu sync.Mutex
	t.Run("killed", func(t *testing.T) {
		for _, at := range points {
			t.Run(strconv.Itoa(at), func(t *testing.T) {
				t.Parallel()
				srv, c := bureauOf(t, gatewaytest.Config{})
				x := &lossTrial{srv: srv, dir: filepath.Join(t.TempDir(), "x"), concurrency: 1}
				path := filepath.Join(fastDir(t), "ledger")
				assert.True(t, x.spawn(t, at, "LOSS_LEDGER="+path), "it was to be killed")
				arrived := func() int { return len(srv.Uploads()) }
				before := arrived()
				healthy := &breaker{at: -1}
				err := uploadOnce(t.Context(), c, healthy, path)
				state := "sent, or sent before"
				if errors.Is(err, ccr.ErrOutcomeUnknown) {
					state = "unknown"
					assert.Equal(t, before, arrived(), "nothing is sent while it is open")
					ledger, lerr := ccr.OpenLedger(path)
					require.NoError(t, lerr)
					file := ccr.FileFromBytes("COLLECTIONS.csv", bytes.Repeat([]byte("0123456789"), 30_000))
					require.NoError(t, c.SettleUpload(t.Context(), gateway.SettleOptions{Ledger: ledger, File: file, Arrived: arrived() > 0}))
					require.NoError(t, ledger.Close())
					err = uploadOnce(t.Context(), c, healthy, path)
				}
				require.NoError(t, err)
				require.NoError(t, uploadOnce(t.Context(), c, healthy, path))
				whole := 0
				srv.Close()
				for _, r := range srv.Requests("Upload") {
					if r.Header.Get("Content-Length") == strconv.FormatInt(r.Length, 10) {
						whole++
					}
				}
				assert.Equal(t, 1, whole, "the whole file arrived once")
				mu.Lock()
				defer mu.Unlock()
				states[state]++
			})
		}
	})
	assert.True(t, testing.Short() || states["unknown"] > 0 && states["sent, or sent before"] > 0, "%v", states)
}
