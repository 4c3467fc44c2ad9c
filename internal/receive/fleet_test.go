package receive

import (
	"context"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"path/filepath"
	"runtime"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/ccr-sdk/ccr"
)

// Workers that share ledger and folder receive at once, some of them dying;
// a consumer takes everything away at once. Each file arrives exactly once.
func TestFleet(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		rounds := 10
		if os.Getenv("CCR_LONG") != "" {
			rounds = 2000
		}
		for round := range rounds {
			weak, crash := round%2 == 0, round%3 == 0
			dir := t.TempDir()
			memory := &yieldingLedger{ccr.NewMemoryLedger()}
			v := newVendor(t, weak, four)
			c := &consumer{t: t, got: map[string][]string{}}
			worker := func(at int) error {
				b := &breaker{at: at, crash: crash}
				src := &source{vendor: v, breaker: b}
				sink := &brokenSink{dir: ccr.DirSink(dir), breaker: b, src: src, taken: c.take}
				_, err := Run(t.Context(), src, sink, Options{Service: "test", Environment: "uat",
					Ledger: &brokenLedger{memory, b}, Concurrency: 1 + round%4})
				return err
			}
			var wg sync.WaitGroup
			for i := range 3 {
				at := -1
				if i > 0 {
					at = (round*13 + i*29) % 120
				}
				wg.Go(func() {
					if err := worker(at); at < 0 {
						assert.NoError(t, err, "a worker that nothing befell")
					}
				})
			}
			wg.Wait()
			for tries := 0; worker(-1) != nil; tries++ {
				require.Less(t, tries, 3)
			}
			for name, content := range four {
				require.Equal(t, []string{content}, c.got[name], "round %d: %s", round, name)
				require.NotEmpty(t, v.settled[name], "round %d: %s", round, name)
			}
			require.Empty(t, v.left())
		}
	})
}

// yieldingLedger lets the others go first.
type yieldingLedger struct{ ccr.Ledger }

func (l *yieldingLedger) Load(ctx context.Context, key string) (ccr.LedgerEntry, error) {
	e, err := l.Ledger.Load(ctx, key)
	runtime.Gosched()
	return e, err
}

func (l *yieldingLedger) Store(ctx context.Context, e ccr.LedgerEntry) error {
	runtime.Gosched()
	return l.Ledger.Store(ctx, e)
}

// staged leaves one item staged in a folder, as a crash before Commit does.
func staged(t *testing.T, dir string, l ccr.Ledger, v *vendor) {
	t.Helper()
	b := &breaker{at: -1, crash: true}
	src := &source{vendor: v, breaker: b}
	sink := &brokenSink{dir: ccr.DirSink(dir), breaker: b, src: src, taken: func(string) {}}
	dying := &hookedSink{sink, func(string) { b.mu.Lock(); b.at = b.n; b.mu.Unlock() }}
	_, err := Run(t.Context(), src, dying, Options{Service: "test", Environment: "uat", Ledger: l})
	require.ErrorIs(t, err, errDead)
	rest, err := filepath.Glob(filepath.Join(dir, ".ccr", "*.staged"))
	require.NoError(t, err)
	require.Len(t, rest, 1)
}

// What another folder holds staged must not be taken for delivered.
func TestStagedInAnotherSink(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		here, elsewhere := t.TempDir(), t.TempDir()
		l := ccr.NewMemoryLedger()
		v := newVendor(t, false, map[string]string{"a.csv": "alpha"})
		staged(t, elsewhere, l, v)
		opts := Options{Service: "test", Environment: "uat", Ledger: l}
		src := &source{vendor: v, breaker: &breaker{at: -1}}
		for _, sink := range []ccr.Sink{ccr.DirSink(here), noSink{errFull}} {
			got, err := Run(t.Context(), src, sink, opts)
			require.ErrorContains(t, err, "another sink")
			require.Equal(t, ccr.ReceiveFailed, got[0].State)
			require.Len(t, v.left(), 1)
		}
		require.NoFileExists(t, filepath.Join(here, "a.csv"))
		got, err := Run(t.Context(), src, ccr.DirSink(elsewhere), opts)
		require.NoError(t, err)
		require.Equal(t, ccr.Delivered, got[0].State)
		require.FileExists(t, got[0].Location)
		require.Empty(t, v.left())
		require.Equal(t, 2, v.fetches, "what an earlier run fetched is compared before it goes")
	})
}

// After a crash the vendor has other content under the name: both arrive,
// one result at a time.
func TestOverwrittenAfterStaging(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		for _, weak := range []bool{true, false} {
			dir, l := t.TempDir(), ccr.NewMemoryLedger()
			v := newVendor(t, weak, map[string]string{"a.csv": "alpha"})
			staged(t, dir, l, v)
			v.put("a.csv", "omega")
			opts := Options{Service: "test", Environment: "uat", Ledger: l}
			src := &source{vendor: v, breaker: &breaker{at: -1}, ledger: l}
			got, err := Run(t.Context(), src, ccr.DirSink(dir), opts)
			require.ErrorContains(t, err, "other content")
			require.Equal(t, ccr.DeliveredNotArchived, got[0].State)
			require.Equal(t, sumOf("alpha"), got[0].SHA256)
			require.Equal(t, filepath.Join(dir, "a.csv"), got[0].Location)
			require.NoError(t, os.Remove(got[0].Location), "taken away at once")

			// And a crash before this one is committed: it stays beside.
			staged(t, dir, l, v)
			got, err = Run(t.Context(), src, ccr.DirSink(dir), opts)
			require.NoError(t, err)
			require.Equal(t, ccr.Delivered, got[0].State)
			require.Equal(t, sumOf("omega"), got[0].SHA256)
			require.Equal(t, filepath.Join(dir, "a.other-"+sumOf("omega")[:16]+".csv"), got[0].Location)
			require.Empty(t, v.left())
			rest, err := filepath.Glob(filepath.Join(dir, ".ccr", "*-*"))
			require.NoError(t, err)
			require.Empty(t, rest)
		}
	})
}

// The vendor cannot be reached when a staged file is committed: that much is
// reported, and nothing is settled.
func TestRecoveredButNotCompared(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		dir, l := t.TempDir(), ccr.NewMemoryLedger()
		v := newVendor(t, true, map[string]string{"a.csv": "alpha"})
		staged(t, dir, l, v)
		src := &funcs{items: []Item{{Name: "a.csv", Size: -1}},
			fetch: func(context.Context, Item, func() (io.Writer, error)) error { return errFault }}
		opts := Options{Service: "test", Environment: "uat", Ledger: l}
		got, err := Run(t.Context(), src, ccr.DirSink(dir), opts)
		require.ErrorIs(t, err, errFault)
		require.Equal(t, ccr.DeliveredNotArchived, got[0].State)
		require.FileExists(t, got[0].Location)
		got, err = Run(t.Context(), src, ccr.DirSink(dir), opts)
		require.ErrorIs(t, err, errFault)
		require.Equal(t, ccr.ReceiveFailed, got[0].State, "nothing new is known to be in the sink")
	})
}

// freezable is a ledger that a frozen worker does not reach: its heartbeats
// fail until it wakes.
type freezable struct {
	ccr.Ledger
	frozen atomic.Bool
}

func (l *freezable) Load(ctx context.Context, key string) (ccr.LedgerEntry, error) {
	if l.frozen.Load() {
		return ccr.LedgerEntry{}, errFault
	}
	return l.Ledger.Load(ctx, key)
}

func (l *freezable) Store(ctx context.Context, e ccr.LedgerEntry) error {
	if l.frozen.Load() {
		return errFault
	}
	return l.Ledger.Store(ctx, e)
}

// during calls do while the worker is frozen.
func (l *freezable) during(do func()) {
	l.frozen.Store(true)
	defer l.frozen.Store(false)
	do()
}

// Another worker comes in the middle of ours, at each moment where it can, and
// leaves the item to us; or ours is frozen for longer than its lease, and the
// other one takes over.
func TestAnotherWorkerBetween(t *testing.T) {
	t.Parallel()
	for _, moment := range []string{"before fetch", "after fetch", "after store staged", "before commit", "after commit", "before settle"} {
		for _, weak := range []bool{true, false} {
			for _, freeze := range []bool{true, false} {
				if freeze && moment == "after store staged" {
					continue // no time passes in a bubble while the claim's mutex is held; "before commit" is next
				}
				t.Run(fmt.Sprintf("%s,weak=%t,freeze=%t", moment, weak, freeze), func(t *testing.T) {
					t.Parallel()
					synctest.Test(t, func(t *testing.T) { anotherWorker(t, moment, weak, freeze) })
				})
			}
		}
	}
}

func anotherWorker(t *testing.T, moment string, weak, freeze bool) {
	dir := t.TempDir()
	memory := ccr.NewMemoryLedger()
	mine := &freezable{Ledger: memory}
	v := newVendor(t, weak, map[string]string{"a.csv": "alpha"})
	c := &consumer{t: t, got: map[string][]string{}}
	work := func(b *breaker, l ccr.Ledger, skip bool) ccr.Received {
		src := &source{vendor: v, breaker: b, ledger: memory}
		sink := &brokenSink{dir: ccr.DirSink(dir), breaker: b, src: src, taken: c.take}
		got, err := Run(t.Context(), src, sink, Options{Service: "test", Environment: "uat", SkipClaimed: skip, Ledger: &brokenLedger{l, b}})
		require.NoError(t, err)
		require.Len(t, got, 1)
		return got[0]
	}
	var theirs ccr.Received
	b := &breaker{at: -1}
	b.hook = func(op string) {
		if op != moment || theirs.State != "" {
			return
		}
		if !freeze {
			theirs = work(&breaker{at: -1}, memory, true)
			return
		}
		mine.during(func() { theirs = work(&breaker{at: -1}, memory, false) })
	}
	ours := work(b, mine, false)
	assert.Equal(t, []string{"alpha"}, c.got["a.csv"])
	assert.Empty(t, v.left())
	if !freeze {
		assert.Equal(t, ccr.Delivered, ours.State)
		assert.Equal(t, ccr.Received{Name: "a.csv", Size: theirs.Size, State: ccr.ClaimedElsewhere}, theirs)
		assert.False(t, ccr.Complete([]ccr.Received{theirs}))
		return
	}
	assert.ElementsMatch(t, []ccr.ReceivedState{ccr.Delivered, ccr.DeliveredBefore}, []ccr.ReceivedState{ours.State, theirs.State})
	assert.Equal(t, moment == "after commit" || moment == "before settle", ours.State == ccr.Delivered)
}

// A worker waits for what another one is at work on, and neither fetches it
// again nor fails.
func TestWaitsForAnotherWorker(t *testing.T) {
	t.Parallel()
	for _, weak := range []bool{true, false} {
		for _, leave := range []bool{true, false} {
			synctest.Test(t, func(t *testing.T) {
				dir := t.TempDir()
				memory := ccr.NewMemoryLedger()
				v := newVendor(t, weak, four)
				c := &consumer{t: t, got: map[string][]string{}}
				var wg sync.WaitGroup
				results := make([][]ccr.Received, 8)
				for i := range results {
					wg.Go(func() {
						b := &breaker{at: -1, hook: func(string) { time.Sleep(time.Duration(rand.N(20 * time.Second))) }}
						src := &source{vendor: v, breaker: b, ledger: memory}
						sink := &brokenSink{dir: ccr.DirSink(dir), breaker: b, src: src, taken: c.take}
						got, err := Run(t.Context(), src, sink, Options{Service: "test", Environment: "uat",
							Ledger: memory, Concurrency: 1 + i%3, LeaveRemote: leave})
						assert.NoError(t, err)
						assert.True(t, ccr.Complete(got))
						results[i] = got
					})
				}
				wg.Wait()
				delivered := map[string]int{}
				for _, got := range results {
					for _, r := range got {
						if r.State == ccr.Delivered {
							delivered[r.Name]++
						}
					}
				}
				for name, content := range four {
					require.Equal(t, []string{content}, c.got[name])
					require.Equal(t, 1, delivered[name], "one of them has delivered it")
				}
				assert.Equal(t, len(four), v.fetches)
			})
		}
	}
}

// Another worker takes our commit for done, finds newer content and goes on
// with it, to the end or until it dies: our result stays ours.
func TestOvertaken(t *testing.T) {
	t.Parallel()
	for _, death := range []string{"", "before commit", "before settle"} {
		t.Run("dies "+death, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) { overtaken(t, death) })
		})
	}
}

func overtaken(t *testing.T, death string) {
	dir := t.TempDir()
	memory := ccr.NewMemoryLedger()
	mine := &freezable{Ledger: memory}
	v := newVendor(t, true, map[string]string{"a.csv": "alpha"})
	c := &consumer{t: t, got: map[string][]string{}}
	work := func(b *breaker, l ccr.Ledger) ([]ccr.Received, error) {
		src := &source{vendor: v, breaker: b, ledger: memory}
		sink := &brokenSink{dir: ccr.DirSink(dir), breaker: b, src: src, taken: c.take}
		return Run(t.Context(), src, sink, Options{Service: "test", Environment: "uat", Ledger: &brokenLedger{l, b}})
	}
	got, err := work(&breaker{at: -1, hook: func(op string) {
		if op != "after commit" || mine.frozen.Load() {
			return
		}
		mine.during(func() {
			v.put("a.csv", "omega")
			other := &breaker{at: -1}
			other.hook = func(op string) {
				if op == death {
					other.mu.Lock()
					other.dead = true
					other.mu.Unlock()
				}
			}
			_, err := work(other, memory)
			assert.Equal(t, death != "", err != nil)
		})
	}}, mine)
	require.ErrorContains(t, err, "another worker goes on")
	require.Equal(t, ccr.DeliveredNotArchived, got[0].State)
	require.Equal(t, sumOf("alpha"), got[0].SHA256)
	require.NotEmpty(t, got[0].Location)
	for tries := 0; err != nil; tries++ {
		require.Less(t, tries, 3)
		_, err = work(&breaker{at: -1}, memory)
	}
	require.Equal(t, []string{"alpha", "omega"}, c.got["a.csv"])
	require.Empty(t, v.left())
}

// The ledger is lost right after a delivery: the result says where it is.
func TestLedgerLostAfterCommit(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		v := newVendor(t, true, map[string]string{"a.csv": "alpha"})
		l := &lostLedger{Ledger: ccr.NewMemoryLedger()}
		src := &source{vendor: v, breaker: &breaker{at: -1}}
		sink := ccr.DirSink(t.TempDir())
		got, err := Run(t.Context(), src, sink, Options{Service: "test", Environment: "uat", Ledger: l})
		require.ErrorIs(t, err, ccr.ErrLedgerConflict)
		require.Equal(t, ccr.DeliveredNotArchived, got[0].State)
		require.FileExists(t, got[0].Location)
		require.Len(t, v.left(), 1)
		require.NoError(t, os.Remove(got[0].Location))
		got, err = Run(t.Context(), src, sink, Options{Service: "test", Environment: "uat", Ledger: l.Ledger})
		require.NoError(t, err)
		require.Equal(t, ccr.DeliveredBefore, got[0].State)
	})
}

// lostLedger conflicts when the delivery is noted, and is gone from then on.
type lostLedger struct {
	ccr.Ledger
	lost bool
}

func (l *lostLedger) Load(ctx context.Context, key string) (ccr.LedgerEntry, error) {
	if l.lost {
		return ccr.LedgerEntry{}, errFault
	}
	return l.Ledger.Load(ctx, key)
}

func (l *lostLedger) Store(ctx context.Context, e ccr.LedgerEntry) error {
	if e.State == ccr.StateDelivered {
		l.lost = true
		return ccr.ErrLedgerConflict
	}
	return l.Ledger.Store(ctx, e)
}

// stubbornLedger stores and then reports a conflict, as a database client
// does that repeats a write whose answer it lost.
type stubbornLedger struct {
	ccr.Ledger
	times atomic.Int32
}

func (l *stubbornLedger) Store(ctx context.Context, e ccr.LedgerEntry) error {
	if err := l.Ledger.Store(ctx, e); err != nil {
		return err
	}
	if l.times.Add(-1) >= 0 {
		return fmt.Errorf("put: %w", ccr.ErrLedgerConflict)
	}
	return nil
}

func TestConflictWithOurselves(t *testing.T) {
	t.Parallel()
	for times := range int32(5) {
		for _, weak := range []bool{true, false} {
			dir := t.TempDir()
			l := &stubbornLedger{Ledger: ccr.NewMemoryLedger()}
			l.times.Store(times)
			v := newVendor(t, weak, map[string]string{"a.csv": "alpha"})
			c := &consumer{t: t, got: map[string][]string{}}
			b := &breaker{at: -1}
			src := &source{vendor: v, breaker: b, ledger: l}
			sink := &brokenSink{dir: ccr.DirSink(dir), breaker: b, src: src, taken: c.take}
			got, err := Run(t.Context(), src, sink, Options{Service: "test", Environment: "uat", Ledger: l})
			require.NoError(t, err)
			require.Equal(t, ccr.Delivered, got[0].State)
			require.NotEmpty(t, got[0].Location)
			require.Equal(t, []string{"alpha"}, c.got["a.csv"])
			require.Equal(t, 1, v.fetches)
			require.Empty(t, v.left())
		}
	}
}

// A ledger on which every write conflicts ends the item, not the process.
func TestEndlessConflict(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	v := newVendor(t, false, map[string]string{"a.csv": "alpha"})
	l := alwaysConflict{ccr.NewMemoryLedger()}
	got, err := Run(t.Context(), &source{vendor: v, breaker: &breaker{at: -1}}, ccr.DirSink(dir),
		Options{Service: "test", Environment: "uat", Ledger: l})
	require.Error(t, err)
	require.Equal(t, ccr.ReceiveFailed, got[0].State)
	require.Len(t, v.left(), 1)
	rest, err := filepath.Glob(filepath.Join(dir, ".ccr", "*.staged"))
	require.NoError(t, err)
	assert.Empty(t, rest, "what no ledger knows of is removed")
}

type alwaysConflict struct{ ccr.Ledger }

func (alwaysConflict) Store(context.Context, ccr.LedgerEntry) error { return ccr.ErrLedgerConflict }

func TestUnexpectedState(t *testing.T) {
	t.Parallel()
	l := ccr.NewMemoryLedger()
	require.NoError(t, l.Store(t.Context(), ccr.LedgerEntry{Key: testKey("a.csv"), State: "queued"}))
	v := newVendor(t, false, map[string]string{"a.csv": "alpha"})
	got, err := Run(t.Context(), &source{vendor: v, breaker: &breaker{at: -1}}, ccr.DirSink(t.TempDir()),
		Options{Service: "test", Environment: "uat", Ledger: l})
	require.ErrorContains(t, err, "queued")
	require.Equal(t, ccr.ReceiveFailed, got[0].State)
}
