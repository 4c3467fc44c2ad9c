//go:build unix

package accounts_test

import (
	"bufio"
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"errors"
	"fmt"
	"math/rand/v2"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/ccr-sdk/ccr"
	"github.com/ccr-sdk/ccr/accounts"
	"github.com/ccr-sdk/ccr/accounts/accountstest"
	"github.com/ccr-sdk/ccr/auth"
	"github.com/ccr-sdk/ccr/internal/testkit/ledgerd"
)

// fleetLease is as short as it may be: what a worker held when it was killed
// or stopped is taken over soon.
var fleetLease = ccr.LeasePolicy{Lease: time.Second}

const (
	fleetRows  = 200
	fleetBatch = 10
)

// fleetInput is what a worker process needs.
type fleetInput struct {
	URL, TokenURL, ClientID, ClientSecret, Audience, CA string
	Ledger, Kind, Name                                  string
	Offset                                              time.Duration // of its clock
	Wait                                                bool
}

// fleetWord is what a worker says when its run has ended.
type fleetWord struct {
	Sum     accounts.Summary
	Claimed bool
	Unknown bool
	Err     string
}

// fleet is a vendor and a ledger that worker processes share.
type fleet struct {
	srv    *accountstest.Server
	ledger *ledgerd.Server
	in     fleetInput
}

func newFleet(t *testing.T, kind string) *fleet {
	t.Helper()
	srv := serve(t, accountstest.Config{})
	dir, err := os.MkdirTemp("", "fleet") // short: a socket's path is limited
	require.NoError(t, err)
	t.Cleanup(func() { assert.NoError(t, os.RemoveAll(dir)) })
	path := filepath.Join(dir, "l")
	l, err := ledgerd.Serve(path, ccr.NewMemoryLedger())
	require.NoError(t, err)
	t.Cleanup(func() { l.Close() }) //nolint:errcheck // it ends either way
	slowRequests(srv, 3*time.Millisecond)
	return &fleet{srv: srv, ledger: l, in: fleetInput{
		URL: srv.URL(), TokenURL: srv.TokenURL(), ClientID: srv.ClientID(), ClientSecret: srv.ClientSecret(), Audience: srv.Audience(), CA: string(srv.CAPEM()),
		Ledger: path, Kind: kind, Name: "nightly",
	}}
}

// worker starts a worker; word waits for what it says, false if it was killed.
func (f *fleet) worker(t *testing.T, in fleetInput) (cmd *exec.Cmd, word func() (fleetWord, bool)) {
	t.Helper()
	cmd = helper(t, "fleet-worker", in)
	stdout, err := cmd.StdoutPipe()
	require.NoError(t, err)
	require.NoError(t, cmd.Start())
	lines := bufio.NewScanner(stdout)
	require.True(t, lines.Scan(), "the process said that it begins")
	return cmd, func() (w fleetWord, ok bool) {
		if ok = lines.Scan(); ok {
			ok = assert.NoError(t, json.Unmarshal(lines.Bytes(), &w))
		}
		cmd.Wait() //nolint:errcheck // a kill after the last word changes nothing
		return w, ok
	}
}

func fleetWorker() {
	var in fleetInput
	helperInput(&in)
	pool := x509.NewCertPool()
	pool.AppendCertsFromPEM([]byte(in.CA))
	cred, err := auth.NewClientCredentials(auth.ClientCredentialsConfig{
		TokenURL: in.TokenURL, ClientID: in.ClientID, ClientSecret: ccr.NewSecret(in.ClientSecret), Audience: in.Audience, Encoding: auth.EncodingJSON,
	})
	check(err)
	client, err := accounts.NewClient(cred, ccr.WithBaseURL(in.URL), ccr.WithLimiter(ccr.NoLimit()), ccr.WithLease(fleetLease),
		ccr.WithHTTPClient(&http.Client{Transport: &http.Transport{TLSClientConfig: &tls.Config{RootCAs: pool, MinVersion: tls.VersionTLS12}}}))
	check(err)
	fmt.Println("begin")
	var word fleetWord
	sum, err := onceJobs[in.Kind](client, fleetRows, accounts.SubmitOptions{
		Name: in.Name, MaxRows: fleetBatch, Ledger: ledgerd.Dial(in.Ledger, in.Offset), WaitClaimed: in.Wait,
	}).Run(contextForHelper())
	word.Sum = *sum
	if err != nil {
		word.Claimed, word.Unknown, word.Err = errors.Is(err, ccr.ErrClaimed), errors.Is(err, ccr.ErrOutcomeUnknown), err.Error()
	}
	raw, err := json.Marshal(word)
	check(err)
	fmt.Println(string(raw))
}

// neverTwice asserts that no batch had more than one effect.
func (f *fleet) neverTwice(t *testing.T) {
	t.Helper()
	for ref, n := range effects(f.srv) {
		assert.Equal(t, 1, n, ref)
	}
}

// settle runs the job to its end, has a person settle what is unknown by what
// the vendor has, and asserts that each batch had exactly one effect.
func (f *fleet) settle(t *testing.T) (unknown int) {
	t.Helper()
	client, err := f.srv.Client(ccr.WithLimiter(ccr.NoLimit()), ccr.WithLease(fleetLease))
	require.NoError(t, err)
	l := ledgerd.Dial(f.in.Ledger, max(f.in.Offset, 0)) // no claim of the dead is long for it
	o := accounts.SubmitOptions{Name: f.in.Name, MaxRows: fleetBatch, Ledger: l, WaitClaimed: true}
	var doubtful []*accounts.Receipt
	j := onceJobs[f.in.Kind](client, fleetRows, o)
	for r, err := range j.Batches(t.Context()) {
		if err != nil {
			require.ErrorIs(t, err, ccr.ErrOutcomeUnknown)
			doubtful = append(doubtful, r)
		}
	}
	sum := j.Summary()
	require.Equal(t, int64(fleetRows), sum.Accepted+sum.Unknown, "each is done or reported unknown: %v", sum)
	f.neverTwice(t)
	got := effects(f.srv)
	for _, r := range doubtful {
		require.NoError(t, client.SettleBatch(t.Context(), accounts.SettleOptions{Ledger: l, Receipt: r, Arrived: got[r.Reference] > 0}))
	}
	sum, err = onceJobs[f.in.Kind](client, fleetRows, o).Run(t.Context())
	require.NoError(t, err)
	assert.True(t, sum.Complete)
	f.neverTwice(t)
	mine := 0
	for ref := range effects(f.srv) {
		if strings.HasPrefix(ref, f.in.Name+"/") {
			mine++
		}
	}
	assert.Equal(t, fleetRows/fleetBatch, mine)
	return len(doubtful)
}

// eachKindAndSize runs a test with two and with eight workers for each kind of
// job; without CCR_LONG only some of them if few will do, with -short one.
func eachKindAndSize(t *testing.T, few bool, test func(t *testing.T, kind string, workers int)) {
	t.Helper()
	for kind := range onceJobs {
		for _, n := range []int{2, 8} {
			first := kind == "payments" && n == 2
			if testing.Short() && !first || few && os.Getenv("CCR_LONG") == "" && !first && (kind == "payments" || n == 2) {
				continue
			}
			t.Run(fmt.Sprintf("%s/%d", kind, n), func(t *testing.T) {
				t.Parallel()
				test(t, kind, n)
			})
		}
	}
}

// TestFleetWithoutKills: several live processes run one job over one ledger:
// each batch has one effect, and nobody sees an error but that of a claim.
func TestFleetWithoutKills(t *testing.T) {
	t.Parallel()
	eachKindAndSize(t, false, func(t *testing.T, kind string, workers int) {
		f := newFleet(t, kind)
		f.ledger.SetFaults(ledgerd.Faults{Delay: 2 * time.Millisecond})
		var words []func() (fleetWord, bool)
		for i := range workers {
			in := f.in
			in.Wait = i%2 == 1
			_, word := f.worker(t, in)
			words = append(words, word)
		}
		for i, word := range words {
			w, ok := word()
			require.True(t, ok)
			if i%2 == 0 && w.Claimed {
				assert.Contains(t, w.Err, "claimed by")
				assert.Zero(t, w.Sum.Rows)
				continue
			}
			assert.Empty(t, w.Err)
			assert.True(t, w.Sum.Complete)
			assert.Equal(t, int64(fleetRows), w.Sum.Accepted)
		}
		eachBatchOnce(t, f.srv, fleetRows/fleetBatch)
	})
}

// disturbed runs workers that are killed, or stopped for longer than the lease
// and woken; then the job is run to its end and settled. CCR_LONG makes it ten
// jobs.
func disturbed(t *testing.T, kind string, workers int, faults ledgerd.Faults, offset time.Duration) {
	t.Helper()
	f := newFleet(t, kind)
	f.in.Offset = offset
	seed := rand.Uint64()
	rng := rand.New(rand.NewPCG(seed, 1))
	jobs := 1
	if os.Getenv("CCR_LONG") != "" {
		jobs = 10
	}
	unknown := 0
	for n := range jobs {
		f.in.Name = fmt.Sprintf("nightly-%d", n)
		f.ledger.SetFaults(faults)
		var wg sync.WaitGroup
		for i := range workers {
			in := f.in
			in.Wait = true
			if i%2 == 0 {
				in.Offset = 0
			}
			cmd, word := f.worker(t, in)
			after := time.Duration(rng.Int64N(int64(120 * time.Millisecond)))
			wg.Go(func() { disturb(cmd, word, after, (i+n)%2 == 0) })
		}
		wg.Wait()
		f.ledger.SetFaults(ledgerd.Faults{})
		unknown += f.settle(t)
	}
	t.Logf("seed %d: %d jobs, %d workers each, killed or stopped and woken; %d batches were unknown and settled", seed, jobs, workers, unknown)
}

// disturb stops a worker after a while for longer than the lease, and kills it.
func disturb(cmd *exec.Cmd, word func() (fleetWord, bool), after time.Duration, stop bool) {
	time.Sleep(after)
	if stop {
		cmd.Process.Signal(syscall.SIGSTOP)  //nolint:errcheck // it may be done
		time.Sleep(fleetLease.Lease * 3 / 2) // take-over is at the lease's end and the skew
		cmd.Process.Signal(syscall.SIGCONT)  //nolint:errcheck // likewise
		time.Sleep(200 * time.Millisecond)   // it wakes
	}
	cmd.Process.Kill() //nolint:errcheck // likewise
	word()
}

func TestFleetWithKillsAndStops(t *testing.T) {
	t.Parallel()
	eachKindAndSize(t, true, func(t *testing.T, kind string, workers int) {
		disturbed(t, kind, workers, ledgerd.Faults{Delay: 2 * time.Millisecond}, 0)
	})
}

// TestFleetOverAHostileLedger: stores whose answers are lost, that land late
// or fail, kills and stops in between.
func TestFleetOverAHostileLedger(t *testing.T) {
	t.Parallel()
	eachKindAndSize(t, true, func(t *testing.T, kind string, workers int) {
		disturbed(t, kind, workers, ledgerd.Faults{
			Delay: 2 * time.Millisecond, LoseAnswer: 0.05, LateStore: 0.03, LateBy: 50 * time.Millisecond, Fail: 0.02,
		}, 0)
	})
}

// TestFleetWhoseClocksDiffer: half of the workers are ahead, by less than the
// skew or by ten minutes, when they take claims over that have not ended: each
// batch still has one effect, since one of two intents for it is stored.
func TestFleetWhoseClocksDiffer(t *testing.T) {
	t.Parallel()
	clocks := []time.Duration{10 * time.Minute, -10 * time.Minute, 80 * time.Millisecond}
	if testing.Short() {
		clocks = clocks[:1]
	}
	for _, ahead := range clocks {
		t.Run(ahead.String(), func(t *testing.T) {
			t.Parallel()
			disturbed(t, "payments", 4, ledgerd.Faults{Delay: 2 * time.Millisecond}, ahead)
		})
	}
}
