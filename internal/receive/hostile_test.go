package receive

import (
	"context"
	"io"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/ccr-sdk/ccr"
	"github.com/ccr-sdk/ccr/internal/ledger"
	"github.com/ccr-sdk/ccr/internal/safetext"
)

// The key of an item is a format: a later version must find it.
func TestKeyFormat(t *testing.T) {
	t.Parallel()
	e := &engine{opts: Options{Service: "sftp", Environment: "production", Account: "creditclear/acme", Folder: "/downloads"}}
	assert.Equal(t, "in.sftp.production.8d32ac553cfa0f00ac12ada041a38f88bcdbe98e58ed0f85fa901c78ece102f7", e.key("relev\xe9.csv"))
	seen := map[string]bool{e.key("r.csv"): true}
	for _, change := range []func(o *Options){
		func(o *Options) { o.Folder = "/eu" }, func(o *Options) { o.Account = "creditclear/other" },
		func(o *Options) { o.Environment = "uat" }, func(o *Options) { o.Service = "gateway" },
	} {
		other := *e
		change(&other.opts)
		assert.False(t, seen[other.key("r.csv")])
		seen[other.key("r.csv")] = true
	}
}

func age(t *testing.T, dir, ext string) {
	t.Helper()
	list, err := filepath.Glob(filepath.Join(dir, ".ccr", "*"+ext))
	require.NoError(t, err)
	require.NotEmpty(t, list)
	old := time.Now().Add(-25 * time.Hour)
	for _, path := range list {
		require.NoError(t, os.Chtimes(path, old, old))
	}
}

// One folder, two ledgers; a worker that is frozen for more than a day between
// staging and Commit, while the other ledger's runs sweep the folder; it wakes,
// or it is dead and another one comes. The file is delivered once.
func TestFrozenForADayAndSwept(t *testing.T) {
	t.Parallel()
	for _, wakes := range []bool{true, false} {
		synctest.Test(t, func(t *testing.T) {
			dir := t.TempDir()
			memory, foreign := ccr.NewMemoryLedger(), ccr.NewMemoryLedger()
			mine := &freezable{Ledger: memory}
			v := newVendor(t, true, map[string]string{"a.csv": "alpha"})
			c := &consumer{t: t, got: map[string][]string{}}
			work := func(b *breaker, l ccr.Ledger) error {
				src := &source{vendor: v, breaker: b}
				sink := &brokenSink{dir: ccr.DirSink(dir), breaker: b, src: src, taken: c.take}
				_, err := Run(t.Context(), src, sweepingSink{sink}, Options{Service: "test", Environment: "uat", Ledger: &brokenLedger{l, b}})
				return err
			}
			frozen := false
			b := &breaker{at: -1, crash: !wakes}
			b.hook = func(op string) {
				if op != "before commit" || frozen {
					return
				}
				frozen = true
				mine.during(func() {
					if wakes {
						time.Sleep(25 * time.Hour)
					}
					age(t, dir, ".staged")
					empty := &funcs{}
					_, err := Run(t.Context(), empty, ccr.DirSink(dir), Options{Service: "test", Environment: "uat", Ledger: foreign})
					require.NoError(t, err)
					rest, err := filepath.Glob(filepath.Join(dir, ".ccr", "*.staged"))
					require.NoError(t, err)
					require.Empty(t, rest, "personal data of the dead does not stay for ever")
				})
				if !wakes {
					b.mu.Lock()
					b.dead = true
					b.mu.Unlock()
				}
			}
			err := work(b, mine)
			assert.Equal(t, wakes, err == nil, "%v", err)
			require.NoError(t, work(&breaker{at: -1}, memory))
			assert.Equal(t, []string{"alpha"}, c.got["a.csv"])
			assert.Empty(t, v.left())
		})
	}
}

// sweepingSink is a brokenSink that is swept.
type sweepingSink struct{ *brokenSink }

func (s sweepingSink) Sweep(ctx context.Context, needed func(context.Context, string, string) (bool, error)) error {
	return s.dir.Sweep(ctx, needed)
}

// What an entry waits for is never swept, however old it is, nor is what a live
// worker is at.
func TestSweepLeavesWhatIsNeeded(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		dir, l := t.TempDir(), ccr.NewMemoryLedger()
		v := newVendor(t, true, map[string]string{"a.csv": "alpha"})
		staged(t, dir, l, v)
		age(t, dir, ".staged")
		time.Sleep(time.Hour) // its claim has ended
		opts := Options{Service: "test", Environment: "uat", Ledger: l}
		_, err := Run(t.Context(), &funcs{}, ccr.DirSink(dir), opts)
		require.NoError(t, err)
		rest, err := filepath.Glob(filepath.Join(dir, ".ccr", "*.staged"))
		require.NoError(t, err)
		require.Len(t, rest, 1, "an entry waits for it")
		got, err := Run(t.Context(), &source{vendor: v, breaker: &breaker{at: -1}, ledger: l}, ccr.DirSink(dir), opts)
		require.NoError(t, err)
		assert.Equal(t, ccr.Delivered, got[0].State, "the staged one was committed")
		assert.Equal(t, 2, v.fetches, "staged, and compared")

		live := &funcs{items: []Item{{Name: "b", Size: -1}}, fetch: func(_ context.Context, _ Item, restart func() (io.Writer, error)) error {
			w, err := restart()
			require.NoError(t, err)
			_, err = io.WriteString(w, "half")
			require.NoError(t, err)
			age(t, dir, ".part")
			_, err = Run(t.Context(), &funcs{}, ccr.DirSink(dir), opts)
			require.NoError(t, err)
			_, err = io.WriteString(w, " and half")
			return err
		}}
		got, err = Run(t.Context(), live, ccr.DirSink(dir), opts)
		require.NoError(t, err)
		assert.Equal(t, ccr.Delivered, got[0].State)
	})
}

// The ledger is down for longer than the lease while a file is fetched: the
// run says that the ledger failed, and a later one delivers the file once.
func TestLedgerDownForLongerThanTheLease(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		dir := t.TempDir()
		l := &freezable{Ledger: ccr.NewMemoryLedger()}
		down := true
		src := &funcs{items: []Item{{Name: "a", Size: -1}}, fetch: func(ctx context.Context, it Item, restart func() (io.Writer, error)) error {
			if down {
				l.frozen.Store(true)
				<-ctx.Done()
				return context.Cause(ctx)
			}
			return writes("alpha")(ctx, it, restart)
		}}
		opts := Options{Service: "test", Environment: "uat", Ledger: l}
		got, err := Run(t.Context(), src, ccr.DirSink(dir), opts)
		require.ErrorIs(t, err, errFault)
		assert.Equal(t, ccr.ReceiveFailed, got[0].State)
		l.frozen.Store(false)
		down = false
		got, err = Run(t.Context(), src, ccr.DirSink(dir), opts)
		require.NoError(t, err)
		assert.Equal(t, ccr.Delivered, got[0].State)
	})
}

// A list that lags names what was archived already: it is not delivered again.
func TestListThatLags(t *testing.T) {
	t.Parallel()
	for _, hands := range []bool{true, false} { // the vendor still hands it out, or does not
		synctest.Test(t, func(t *testing.T) {
			v := newVendor(t, true, two)
			src := &source{vendor: v, breaker: &breaker{at: -1}}
			items, err := src.List(t.Context())
			require.NoError(t, err)
			lagging := &funcs{items: items, settle: func(ctx context.Context, it Item) error {
				if hands {
					return nil
				}
				return src.Settle(ctx, it, func() error { return nil })
			}, fetch: src.Fetch}
			dir, opts := t.TempDir(), Options{Service: "test", Environment: "uat", Ledger: ccr.NewMemoryLedger()}
			for i, state := range []ccr.ReceivedState{ccr.Delivered, ccr.DeliveredBefore, ccr.DeliveredBefore} {
				got, err := Run(t.Context(), lagging, ccr.DirSink(dir), opts)
				require.NoError(t, err)
				for _, r := range got {
					assert.Equal(t, state, r.State, "run %d", i)
				}
			}
			list, err := filepath.Glob(filepath.Join(dir, "[^.]*"))
			require.NoError(t, err)
			assert.Len(t, list, 2)
		})
	}
}

// A worker died between archiving and noting it: the entry is finished by a
// later run that lists the folder without it, and only of this folder.
func TestFinishesWhatADeadWorkerArchived(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		l := ccr.NewMemoryLedger()
		opts := Options{Service: "test", Environment: "uat", Folder: "/here", Ledger: l}
		store := func(folder, name string) string {
			key := ledger.Key("in", "test", "uat", "", folder, name)
			require.NoError(t, l.Store(t.Context(), ccr.LedgerEntry{Key: key, State: ccr.StateDelivered, Service: "test",
				Environment: "uat", Name: safetext.Escape(name), At: time.Now()}))
			return key
		}
		state := func(key string) string {
			e, err := l.Load(t.Context(), key)
			require.NoError(t, err)
			return e.State
		}
		gone, other, there := store("/here", "gone\xff"), store("/elsewhere", "gone\xff"), store("/here", "there")
		src := &funcs{present: func() (map[string]bool, error) { return map[string]bool{"there": true}, nil }}
		run := func() {
			_, err := Run(t.Context(), src, ccr.DirSink(t.TempDir()), opts)
			require.NoError(t, err)
		}
		run()
		assert.Equal(t, ccr.StateDelivered, state(gone), "perhaps a live worker is about to note it")
		time.Sleep(time.Hour)
		run()
		assert.Equal(t, ccr.StateArchived, state(gone))
		assert.Equal(t, ccr.StateDelivered, state(other))
		assert.Equal(t, ccr.StateDelivered, state(there))
	})
}

// A wrapped FileLedger beside the bare one, in one process: the workers see each
// other's claims.
func TestWrappedFileLedgerBesideTheBareOne(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	l, err := ccr.OpenLedger(filepath.Join(dir, "ledger"))
	require.NoError(t, err)
	defer l.Close()
	v := newVendor(t, true, four)
	c := &consumer{t: t, got: map[string][]string{}}
	var wg sync.WaitGroup
	for i := range 6 {
		wg.Go(func() {
			b := &breaker{at: -1}
			src := &source{vendor: v, breaker: b}
			sink := &brokenSink{dir: ccr.DirSink(filepath.Join(dir, "sink")), breaker: b, src: src, taken: c.take}
			opts := Options{Service: "test", Environment: "uat", Ledger: l}
			if i%2 == 0 {
				opts.Ledger = struct{ ccr.Ledger }{l}
			}
			got, err := Run(t.Context(), src, sink, opts)
			assert.NoError(t, err)
			assert.True(t, ccr.Complete(got))
		})
	}
	wg.Wait()
	for name, content := range four {
		assert.Equal(t, []string{content}, c.got[name])
	}
	assert.Equal(t, len(four), v.fetches)
}

// A claim that is lost right before the vendor is told: nothing is sent.
func TestNothingIsSettledWithoutTheClaim(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		memory := ccr.NewMemoryLedger()
		mine := &freezable{Ledger: memory}
		settled := 0
		src := &funcs{items: []Item{{Name: "a", Size: -1}}, fetch: writes("alpha")}
		first := true
		src.settle = func(ctx context.Context, _ Item) error {
			e, err := memory.Load(ctx, testKey("a"))
			require.NoError(t, err)
			assert.True(t, e.Until.After(time.Now()), "the vendor is told under a live claim only")
			settled++
			return nil
		}
		slow := &slowSettle{funcs: src, before: func() {
			if first {
				first = false
				mine.during(func() { time.Sleep(7 * time.Minute) })
			}
		}}
		got, err := Run(t.Context(), slow, ccr.DirSink(t.TempDir()), Options{Service: "test", Environment: "uat", Ledger: mine})
		require.NoError(t, err)
		assert.Equal(t, ccr.Delivered, got[0].State)
		assert.Equal(t, 1, settled, "only under the claim that was renewed")
	})
}

// slowSettle stops before the check that stands before the first byte.
type slowSettle struct {
	*funcs
	before func()
}

func (s *slowSettle) Settle(ctx context.Context, it Item, check func() error) error {
	s.before()
	if err := check(); err != nil {
		return err
	}
	return s.funcs.Settle(ctx, it, check)
}

// An entry of a name that was escaped comes back as the vendor wrote it.
func TestNamesAreEscapedInTheLedger(t *testing.T) {
	t.Parallel()
	l := ccr.NewMemoryLedger()
	name := strings.Repeat("\xff", 255)
	src := &funcs{items: []Item{{Name: name, Size: -1}}, fetch: writes("alpha")}
	_, err := Run(t.Context(), src, ccr.DirSink(t.TempDir()), Options{Service: "test", Environment: "uat", Ledger: l})
	require.NoError(t, err)
	e, err := l.Load(t.Context(), testKey(name))
	require.NoError(t, err)
	assert.Equal(t, name, e.FileName())
	assert.Equal(t, strings.Repeat("%FF", 255), e.Name)
}
