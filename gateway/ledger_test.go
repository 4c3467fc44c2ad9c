package gateway_test

import (
	"bytes"
	"context"
	"errors"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/ccr-sdk/ccr"
	"github.com/ccr-sdk/ccr/auth"
	"github.com/ccr-sdk/ccr/gateway"
	"github.com/ccr-sdk/ccr/gateway/gatewaytest"
	"github.com/ccr-sdk/ccr/internal/testkit/ledgerd"
)

// inBureau runs a test against a bureau in a bubble.
func inBureau(t *testing.T, f func(t *testing.T, srv *gatewaytest.Server)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		srv, err := gatewaytest.NewServer(gatewaytest.Config{InMemory: true})
		require.NoError(t, err)
		defer srv.Close()
		f(t, srv)
	})
}

func clientOf(t *testing.T, srv *gatewaytest.Server, opts ...ccr.Option) *gateway.Client {
	t.Helper()
	c, err := srv.Client(append([]ccr.Option{ccr.WithRetry(ccr.RetryPolicy{MaxAttempts: 1})}, opts...)...)
	require.NoError(t, err)
	return c
}

func with(ledger ccr.Ledger, files ...ccr.File) gateway.UploadRequest {
	return gateway.UploadRequest{Files: files, Ledger: ledger}
}

// entry returns the one entry of a ledger.
func entry(t *testing.T, ledger ccr.Ledger) ccr.LedgerEntry {
	t.Helper()
	lister, ok := ledger.(ccr.LedgerLister)
	require.True(t, ok)
	var all []ccr.LedgerEntry
	for e, err := range lister.List(t.Context(), ccr.LedgerQuery{}) {
		require.NoError(t, err)
		all = append(all, e)
	}
	require.Len(t, all, 1)
	return all[0]
}

var errDown = errors.New("the database is down")

// faulty is a ledger whose stores go wrong.
type faulty struct {
	ccr.Ledger
	mu     sync.Mutex
	stores int
	// fault says what happens to the n-th store: down, or lost, which is
	// stored and answered with an error, or late, which lands after that.
	fault func(n int) (down, lost bool, late time.Duration)
}

func (l *faulty) Store(ctx context.Context, e ccr.LedgerEntry) error {
	l.mu.Lock()
	l.stores++
	down, lost, late := l.fault(l.stores)
	l.mu.Unlock()
	switch {
	case down:
		return errDown
	case lost:
		return errors.Join(l.Ledger.Store(ctx, e), errDown)
	case late > 0:
		time.AfterFunc(late, func() { l.Ledger.Store(ctx, e) }) //nolint:errcheck // nobody waits for it
		return errDown
	}
	return l.Ledger.Store(ctx, e)
}

// A file that was not sent is never recorded as sent: the ledger holds refused,
// and the next call sends it. Nor is one that the bureau refused.
func TestWhatWasNotSentIsNotRecordedAsSent(t *testing.T) {
	t.Parallel()
	inBureau(t, func(t *testing.T, srv *gatewaytest.Server) {
		ledger := ccr.NewMemoryLedger()
		offline := clientOf(t, srv, ccr.WithMiddleware(func(http.RoundTripper) http.RoundTripper {
			return roundTrip(func(req *http.Request) (*http.Response, error) { return nil, errDown })
		}))
		result, err := offline.Upload(t.Context(), with(ledger, small("a")))
		require.ErrorIs(t, err, ccr.ErrNotSent)
		assert.Equal(t, gateway.NotSent, result.Files[0].State)
		assert.Equal(t, ccr.StateRefused, entry(t, ledger).State)

		srv.Inject(gatewaytest.Fault{Operation: "Upload", Kind: gatewaytest.Answer, Status: http.StatusBadRequest})
		c := clientOf(t, srv)
		_, err = c.Upload(t.Context(), with(ledger, small("a")))
		require.Error(t, err)
		assert.Equal(t, ccr.StateRefused, entry(t, ledger).State)

		result, err = c.Upload(t.Context(), with(ledger, small("a")))
		require.NoError(t, err)
		assert.Equal(t, gateway.Accepted, result.Files[0].State)
		e := entry(t, ledger)
		assert.Equal(t, ccr.StateSent, e.State)
		assert.Empty(t, e.Owner)
	})
}

// A file whose fate is unknown is never recorded as refused.
func TestWhatIsUnknownIsNotRecordedAsRefused(t *testing.T) {
	t.Parallel()
	inBureau(t, func(t *testing.T, srv *gatewaytest.Server) {
		ledger := ccr.NewMemoryLedger()
		c := clientOf(t, srv)
		srv.Inject(gatewaytest.Fault{Operation: "Upload", Kind: gatewaytest.LoseAnswer})
		_, err := c.Upload(t.Context(), with(ledger, small("a")))
		require.ErrorIs(t, err, ccr.ErrOutcomeUnknown)
		assert.Equal(t, ccr.StateUnknown, entry(t, ledger).State)
		_, err = c.Upload(t.Context(), with(ledger, small("a")))
		require.ErrorIs(t, err, ccr.ErrOutcomeUnknown)
		assert.Contains(t, err.Error(), "SettleUpload")
		assert.Equal(t, ccr.ActionSettle, ccr.DispositionOf(err).Action)
		assert.Equal(t, []string{"a"}, srv.Uploads())
	})
}

func TestLedgerReadsAFileTwice(t *testing.T) {
	t.Parallel()
	srv, c := bureau(t)
	var opens, read atomic.Int64
	data := bytes.Repeat([]byte("x"), 300_000)
	file := ccr.NewFile("a", int64(len(data)), func() (io.ReadCloser, error) {
		opens.Add(1)
		return io.NopCloser(&countedReader{bytes.NewReader(data), &read}), nil
	})
	_, err := c.Upload(t.Context(), with(ccr.NewMemoryLedger(), file))
	require.NoError(t, err)
	assert.Equal(t, int64(2), opens.Load())
	assert.Equal(t, int64(2*len(data)), read.Load())
	assert.Equal(t, []string{"a"}, srv.Uploads())
}

type countedReader struct {
	r io.Reader
	n *atomic.Int64
}

func (c *countedReader) Read(p []byte) (int, error) {
	n, err := c.r.Read(p)
	c.n.Add(int64(n))
	return n, err
}

// Of several live clients with one ledger one sends; the others are told who
// has it, and get its result afterwards.
func TestLiveClientsSendOnce(t *testing.T) {
	t.Parallel()
	inBureau(t, func(t *testing.T, srv *gatewaytest.Server) {
		ledger := ccr.NewMemoryLedger()
		srv.Inject(gatewaytest.Fault{Operation: "Upload", Kind: gatewaytest.Delay, Delay: 20 * time.Minute}) // heartbeats hold it
		var wg sync.WaitGroup
		var accepted, claimed atomic.Int64
		for i := range 8 {
			files := []ccr.File{small("a"), small("b"), small("c")}
			if i%2 == 1 { // in another order, too, one gets all
				files[0], files[2] = files[2], files[0]
			}
			wg.Go(func() {
				_, err := clientOf(t, srv, ccr.WithRetry(ccr.RetryPolicy{AttemptTimeout: time.Hour})).Upload(t.Context(), with(ledger, files...))
				switch {
				case err == nil:
					accepted.Add(1)
				case errors.Is(err, ccr.ErrClaimed) && errors.Is(err, ccr.ErrNotSent):
					claimed.Add(1)
				default:
					t.Error(err)
				}
			})
		}
		wg.Wait()
		assert.Equal(t, int64(1), accepted.Load())
		assert.Equal(t, int64(7), claimed.Load())
		assert.Len(t, srv.Requests("Upload"), 1)
		result, err := clientOf(t, srv).Upload(t.Context(), with(ledger, small("a")))
		require.NoError(t, err)
		assert.Equal(t, gateway.AcceptedBefore, result.Files[0].State)
	})
}

// slowStart is a middleware that takes its time before it sends, and heeds no
// context.
func slowStart(d time.Duration) ccr.Option {
	return ccr.WithMiddleware(func(next http.RoundTripper) http.RoundTripper {
		return roundTrip(func(req *http.Request) (*http.Response, error) {
			time.Sleep(d)
			return next.RoundTrip(req.WithContext(context.WithoutCancel(req.Context())))
		})
	})
}

// The ledger is down for longer than the lease while the call waits in a
// middleware. The look right before the first byte, below it, stops the
// request. Without that look, two clients send the file.
func TestNothingIsSentOnceTheClaimIsLost(t *testing.T) {
	t.Parallel()
	inBureau(t, func(t *testing.T, srv *gatewaytest.Server) {
		ledger := ccr.NewMemoryLedger()
		down := &faulty{Ledger: ledger, fault: func(n int) (bool, bool, time.Duration) { return n > 1, false, 0 }}
		var wg sync.WaitGroup
		wg.Go(func() {
			late := clientOf(t, srv, slowStart(20*time.Minute), ccr.WithRetry(ccr.RetryPolicy{AttemptTimeout: time.Hour}))
			_, err := late.Upload(t.Context(), with(down, small("a")))
			assert.ErrorIs(t, err, ccr.ErrNotSent)
		})
		time.Sleep(10 * time.Minute)
		c := clientOf(t, srv)
		_, err := c.Upload(t.Context(), with(ledger, small("a")))
		require.ErrorIs(t, err, ccr.ErrOutcomeUnknown, "the bureau cannot be looked at")
		require.NoError(t, c.SettleUpload(t.Context(), gateway.SettleOptions{Ledger: ledger, File: small("a")}))
		_, err = c.Upload(t.Context(), with(ledger, small("a")))
		require.NoError(t, err)
		wg.Wait()
		assert.Len(t, srv.Requests("Upload"), 1)
	})
}

// The ledger is down for longer than the lease during an upload: the request
// ends before the claim does, and the outcome is unknown, not failed.
func TestLedgerDownDuringAnUpload(t *testing.T) {
	t.Parallel()
	inBureau(t, func(t *testing.T, srv *gatewaytest.Server) {
		ledger := ccr.NewMemoryLedger()
		down := &faulty{Ledger: ledger, fault: func(n int) (bool, bool, time.Duration) { return n > 1, false, 0 }}
		srv.Inject(gatewaytest.Fault{Operation: "Upload", Kind: gatewaytest.Delay, Delay: time.Hour})
		began := time.Now()
		c := clientOf(t, srv, ccr.WithRetry(ccr.RetryPolicy{AttemptTimeout: 2 * time.Hour, MaxAttempts: 1}))
		_, err := c.Upload(t.Context(), with(down, small("a")))
		require.ErrorIs(t, err, ccr.ErrOutcomeUnknown)
		assert.Equal(t, ccr.ActionSettle, ccr.DispositionOf(err).Action)
		assert.InDelta(t, 4.5*60, time.Since(began).Seconds(), 1, "lease less skew")
		time.Sleep(time.Minute)
		_, err = c.Upload(t.Context(), with(ledger, small("a")))
		require.ErrorIs(t, err, ccr.ErrOutcomeUnknown)
	})
}

// The response of a heartbeat is lost, and then that of the result: both were
// stored, and the call succeeds.
func TestLostResponsesOfHeartbeatAndResult(t *testing.T) {
	t.Parallel()
	inBureau(t, func(t *testing.T, srv *gatewaytest.Server) {
		ledger := ccr.NewMemoryLedger()
		lossy := &faulty{Ledger: ledger, fault: func(n int) (bool, bool, time.Duration) { return false, n > 1, 0 }}
		srv.Inject(gatewaytest.Fault{Operation: "Upload", Kind: gatewaytest.Delay, Delay: 10 * time.Minute})
		c := clientOf(t, srv, ccr.WithRetry(ccr.RetryPolicy{AttemptTimeout: time.Hour, MaxAttempts: 1}))
		_, err := c.Upload(t.Context(), with(lossy, small("a")))
		require.NoError(t, err)
		assert.Equal(t, ccr.StateSent, entry(t, ledger).State)
		assert.Greater(t, lossy.stores, 10)
	})
}

// A store that failed lands later, whichever it is: never over what was stored
// since, and never so that the file goes out twice.
func TestStoresThatLandLate(t *testing.T) {
	t.Parallel()
	for n := 1; n <= 3; n++ { // intent, first heartbeat, second
		for _, by := range []time.Duration{time.Second, 3 * time.Minute, 30 * time.Minute} {
			inBureau(t, func(t *testing.T, srv *gatewaytest.Server) {
				ledger := ccr.NewMemoryLedger()
				late := &faulty{Ledger: ledger, fault: func(i int) (bool, bool, time.Duration) {
					if i == n {
						return false, false, by
					}
					return false, false, 0
				}}
				srv.Inject(gatewaytest.Fault{Operation: "Upload", Kind: gatewaytest.Delay, Delay: 150 * time.Second})
				c := clientOf(t, srv, ccr.WithRetry(ccr.RetryPolicy{AttemptTimeout: time.Hour, MaxAttempts: 1}))
				_, err := c.Upload(t.Context(), with(late, small("a")))
				require.NoError(t, err)
				time.Sleep(time.Hour)
				assert.Equal(t, ccr.StateSent, entry(t, ledger).State)
				result, err := c.Upload(t.Context(), with(ledger, small("a")))
				require.NoError(t, err)
				assert.Equal(t, gateway.AcceptedBefore, result.Files[0].State)
				assert.Len(t, srv.Requests("Upload"), 1)
			})
		}
	}
}

// wrapped is what a program puts around a ledger, without its optional methods.
type wrapped struct{ ccr.Ledger }

// A FileLedger and a wrapper around it are used side by side: each sees the
// other's claims.
func TestAWrappedFileLedgerBesideTheBareOne(t *testing.T) {
	t.Parallel()
	srv, _ := bureau(t)
	file, err := ccr.OpenLedger(filepath.Join(t.TempDir(), "ledger"))
	require.NoError(t, err)
	defer file.Close()
	srv.Inject(gatewaytest.Fault{Operation: "Upload", Kind: gatewaytest.Delay, Delay: 100 * time.Millisecond})
	var wg sync.WaitGroup
	var sent atomic.Int64
	for i := range 6 {
		ledger := ccr.Ledger(file)
		if i%2 == 1 {
			ledger = wrapped{file}
		}
		wg.Go(func() {
			result, err := clientOf(t, srv).Upload(t.Context(), with(ledger, small("a")))
			switch {
			case err == nil && result.Files[0].State == gateway.Accepted:
				sent.Add(1)
			case err != nil:
				assert.ErrorIs(t, err, ccr.ErrClaimed)
			}
		})
	}
	wg.Wait()
	assert.Equal(t, int64(1), sent.Load())
	assert.Len(t, srv.Requests("Upload"), 1)
}

// The entries are a format on disk: the golden is never rewritten.
func TestUploadLedgerGolden(t *testing.T) {
	t.Parallel()
	inBureau(t, func(t *testing.T, srv *gatewaytest.Server) {
		c, err := gateway.NewClient(auth.APIKey{Key: ccr.NewSecret(goldenKey), Username: "acme", IP: "192.0.2.10"},
			append(srv.Options(), ccr.WithEnvironment("production"), ccr.WithRetry(ccr.RetryPolicy{MaxAttempts: 1}))...)
		require.NoError(t, err)
		r := ledgerd.Record(ccr.NewMemoryLedger())
		ok := `{"message":[{"file":"A (1).csv","status":"OK"}]}`
		srv.Inject(gatewaytest.Fault{Operation: "Upload", Kind: gatewaytest.Answer, Status: http.StatusOK, Body: ok})
		file := ccr.FileFromBytes("A (1).csv", []byte("1,2,3\n"))
		_, err = c.Upload(t.Context(), with(r, file))
		require.NoError(t, err)
		srv.Inject(gatewaytest.Fault{Operation: "Upload", Kind: gatewaytest.Answer, Status: http.StatusServiceUnavailable})
		_, err = c.Upload(t.Context(), gateway.UploadRequest{Files: []ccr.File{file.WithName("B.csv")}, Ledger: r, AllowSameContent: true})
		require.ErrorIs(t, err, ccr.ErrOutcomeUnknown)
		require.NoError(t, c.SettleUpload(t.Context(), gateway.SettleOptions{Ledger: r, File: file.WithName("B.csv")}))
		golden, err := os.ReadFile("testdata/upload.ledger")
		require.NoError(t, err)
		assert.Equal(t, string(golden), r.Text())
	})
}

var goldenKey = strings.Repeat("k", 50)

// skewed is a ledger as a worker sees it whose clock is ahead by some time.
type skewed struct {
	ccr.Ledger
	by time.Duration
}

func (l skewed) Load(ctx context.Context, key string) (ccr.LedgerEntry, error) {
	e, err := l.Ledger.Load(ctx, key)
	if !e.Until.IsZero() {
		e.Until = e.Until.Add(-l.by)
	}
	return e, err
}

func (l skewed) Store(ctx context.Context, e ccr.LedgerEntry) error {
	if !e.Until.IsZero() {
		e.Until = e.Until.Add(l.by)
	}
	return l.Ledger.Store(ctx, e)
}

// A clock that was stepped by ten minutes: behind, a live worker's claim looks
// ended to others, and what the bureau says to it still counts; ahead, a dead
// worker's claim holds ten minutes longer.
func TestClockSteppedByTenMinutes(t *testing.T) {
	t.Parallel()
	t.Run("behind", func(t *testing.T) {
		t.Parallel()
		inBureau(t, func(t *testing.T, srv *gatewaytest.Server) {
			ledger := ccr.NewMemoryLedger()
			srv.Inject(gatewaytest.Fault{Operation: "Upload", Kind: gatewaytest.Delay, Delay: 50 * time.Second})
			c := clientOf(t, srv)
			var wg sync.WaitGroup
			wg.Go(func() {
				result, err := clientOf(t, srv).Upload(t.Context(), with(skewed{ledger, -10 * time.Minute}, small("a")))
				assert.NoError(t, err)
				assert.Equal(t, gateway.Accepted, result.Files[0].State)
			})
			time.Sleep(10 * time.Second)
			_, err := c.Upload(t.Context(), with(ledger, small("a")))
			require.ErrorIs(t, err, ccr.ErrOutcomeUnknown)
			wg.Wait()
			result, err := c.Upload(t.Context(), with(ledger, small("a")))
			require.NoError(t, err)
			assert.Equal(t, gateway.AcceptedBefore, result.Files[0].State)
			assert.Len(t, srv.Requests("Upload"), 1)
		})
	})
	t.Run("ahead", func(t *testing.T) {
		t.Parallel()
		inBureau(t, func(t *testing.T, srv *gatewaytest.Server) {
			ledger := ccr.NewMemoryLedger()
			c := clientOf(t, srv)
			down := &faulty{Ledger: skewed{ledger, 10 * time.Minute}, fault: func(n int) (bool, bool, time.Duration) { return n > 1, false, 0 }}
			_, err := c.Upload(t.Context(), with(down, small("a")))
			require.ErrorIs(t, err, ccr.ErrOutcomeUnknown, "sent, and not recorded")
			time.Sleep(10 * time.Minute)
			_, err = c.Upload(t.Context(), with(ledger, small("a")))
			require.ErrorIs(t, err, ccr.ErrClaimed)
			time.Sleep(6 * time.Minute)
			_, err = c.Upload(t.Context(), with(ledger, small("a")))
			require.ErrorIs(t, err, ccr.ErrOutcomeUnknown)
			assert.Len(t, srv.Requests("Upload"), 1)
		})
	})
}
