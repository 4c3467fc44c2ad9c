package receive

import (
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"testing"
	"testing/synctest"

	"github.com/stretchr/testify/require"

	"github.com/ccr-sdk/ccr"
)

// scenario is one combination under which every single point is broken.
type scenario struct {
	weak        bool
	crash       bool   // the process dies at the point; else one call fails
	consumer    string // when it takes files away: "never", "between" runs, at "once"
	ledger      string // "own" of the sink, "file" or "memory" of the caller
	plain       bool   // a sink that cannot stage
	leave       bool
	concurrency int
	overwrite   bool // after the break, the vendor replaces the content of one name
}

func (s scenario) String() string {
	return fmt.Sprintf("weak=%t,crash=%t,consumer=%s,ledger=%s,plain=%t,leave=%t,concurrency=%d,overwrite=%t",
		s.weak, s.crash, s.consumer, s.ledger, s.plain, s.leave, s.concurrency, s.overwrite)
}

var (
	two  = map[string]string{"a.csv": "alpha", "empty": ""}
	four = map[string]string{"a.csv": "alpha", "b.xml": "<b/>", "empty": "", "twin.csv": "alpha"}
)

func (s scenario) contents() map[string]string {
	if s.concurrency > 1 {
		return four
	}
	return two
}

// TestEveryPoint breaks a run at each point where something can go wrong and
// proves that each file still arrives exactly once. Many small syncs make that
// slow on a disk, so a normal run takes every ninth point, another ninth in
// each scenario; CCR_LONG=1 takes them all.
func TestEveryPoint(t *testing.T) {
	t.Parallel()
	stride := 9
	if os.Getenv("CCR_LONG") != "" {
		stride = 1
	}
	number := 0
	for _, v := range variants {
		for _, weak := range []bool{false, true} {
			for _, crash := range []bool{false, true} {
				s := base
				v(&s)
				s.weak, s.crash = weak, crash
				first := number % stride
				number++
				t.Run(s.String(), func(t *testing.T) {
					t.Parallel()
					points := 0
					for at := first; breakAt(t, s, at); at += stride {
						points++
					}
					require.Greater(t, points, 30/stride, "points that were broken")
				})
			}
		}
	}
}

// TestBreakAgain breaks the runs that recover, too: several in a row, at
// random points.
func TestBreakAgain(t *testing.T) {
	t.Parallel()
	trials := 40
	if os.Getenv("CCR_LONG") != "" {
		trials = 10_000
	}
	seed := rand.Uint64()
	r := rand.New(rand.NewPCG(seed, 0))
	var last string
	defer func() {
		if t.Failed() {
			t.Logf("seed %d, %s", seed, last)
		}
	}()
	for i := range trials {
		s := base
		variants[r.IntN(len(variants))](&s)
		s.weak, s.crash = r.IntN(2) == 0, r.IntN(2) == 0
		at := make([]int, 2+r.IntN(4))
		for i := range at {
			at[i] = r.IntN(45)
		}
		last = fmt.Sprintf("trial %d, %s, at %v", i, s, at)
		breakAt(t, s, at...)
	}
}

var (
	base     = scenario{consumer: "once", ledger: "own", concurrency: 1}
	variants = []func(s *scenario){
		func(*scenario) {},
		func(s *scenario) { s.consumer = "between" },
		func(s *scenario) { s.consumer = "never" },
		func(s *scenario) { s.ledger = "file" },
		func(s *scenario) { s.ledger, s.concurrency = "memory", 4 },
		func(s *scenario) { s.concurrency = 4 },
		func(s *scenario) { s.leave = true },
		func(s *scenario) { s.overwrite = true },
		func(s *scenario) { s.plain, s.ledger, s.consumer = true, "memory", "never" },
		func(s *scenario) { s.plain, s.ledger, s.consumer, s.overwrite = true, "memory", "never", true },
	}
)

// breakAt is breakIn in a bubble, where a dead worker's lease is over at once.
func breakAt(t *testing.T, s scenario, points ...int) (broke bool) {
	synctest.Test(t, func(t *testing.T) { broke = breakIn(t, s, points...) })
	return broke
}

// breakIn breaks one run after the other at the given points, then runs until
// all is well, and checks what the consumer and the vendor have. It returns
// false when the first run ended before its point.
func breakIn(t *testing.T, s scenario, points ...int) bool {
	dir := filepath.Join(t.TempDir(), "sink")
	defer os.RemoveAll(filepath.Dir(dir))
	contents := s.contents()
	v := newVendor(t, s.weak, contents)
	c := &consumer{t: t, got: map[string][]string{}}
	memory := ccr.NewMemoryLedger()
	run := func(b *breaker) (got []ccr.Received, err error) {
		src := &source{vendor: v, breaker: b}
		sink := &brokenSink{dir: ccr.DirSink(dir), breaker: b, src: src, taken: func(string) {}}
		if s.consumer == "once" {
			sink.taken = c.take
		}
		defer func() {
			require.Zero(t, sink.open.Load(), "files that were left open")
		}()
		opts := Options{Service: "test", Environment: "uat", LeaveRemote: s.leave, Concurrency: s.concurrency}
		switch s.ledger {
		case "memory":
			src.ledger = memory
			opts.Ledger = &brokenLedger{memory, b}
		case "file":
			l, err := ccr.OpenLedger(dir + ".ledger")
			require.NoError(t, err)
			defer l.Close()
			src.ledger = l
			opts.Ledger = &brokenLedger{l, b}
		}
		if s.plain {
			return Run(t.Context(), src, plainSink{sink}, opts)
		}
		return Run(t.Context(), src, sink, opts)
	}
	between := func() {
		if _, err := os.Stat(dir); err == nil && s.consumer == "between" {
			c.collect(dir)
		}
	}

	broke, changed := false, false
	var where string
	for i, at := range points {
		b := &breaker{at: at, crash: s.crash}
		got, err := run(b)
		where += fmt.Sprintf("broken at %d", at)
		if b.n > at {
			where += " (" + b.ops[at] + ") "
			broke = broke || i == 0
		}
		check(t, got, err, where)
		between()
		if s.overwrite && i == 0 && broke {
			v.put("a.csv", "omega")
			changed = true
		}
	}
	for tries := 1; ; tries++ {
		got, err := run(&breaker{at: -1})
		require.False(t, tries == 3 && err != nil, "%s: does not get well: %v", where, err)
		check(t, got, err, where)
		between()
		if err == nil {
			break
		}
	}

	if s.consumer == "never" {
		c.collect(dir)
	}
	for name, content := range contents {
		want := []string{content}
		if changed && name == "a.csv" {
			// The first version may have gone before anyone took it; the
			// second is the one that counts.
			want = []string{"omega"}
			if slices.Contains(c.got[name], content) {
				want = []string{content, "omega"}
			}
			if s.weak && s.leave {
				want = want[:1]
			}
		}
		require.Equal(t, want, inOrder(c.got[name], want), "%s: deliveries of %s", where, name)
	}
	if s.leave {
		require.Empty(t, v.settled, where)
		require.Len(t, v.left(), len(contents), where)
	} else {
		require.Empty(t, v.left(), "%s: left at the vendor", where)
	}
	// Nothing is left growing or staged.
	rest, err := filepath.Glob(filepath.Join(dir, ".ccr", "*.staged"))
	require.NoError(t, err)
	// Some may stay that no ledger knows of; they are swept later.
	require.LessOrEqual(t, len(rest), s.concurrency*len(points), where)

	for name, e := range entries(t, s, dir, memory) {
		// "delivered" is right, too, where only the record of the settling was lost.
		require.Contains(t, []string{ccr.StateDelivered, ccr.StateArchived}, e.State, where)
		require.Equal(t, name, e.FileName(), where)
		for _, a := range []string{attrRef, attrAttempt, attrDuplicate} {
			require.NotContains(t, e.Attributes, a, where)
		}
	}

	// And once more changes nothing.
	fetches := v.fetches
	got, err := run(&breaker{at: -1})
	require.NoError(t, err, where)
	check(t, got, err, where)
	require.Equal(t, fetches, v.fetches, where)
	for _, r := range got {
		require.Equal(t, ccr.DeliveredBefore, r.State, where)
	}
	return broke
}

// inOrder sorts got the way want is, as the order of collecting is not known.
func inOrder(got, want []string) []string {
	out := slices.Clone(got)
	slices.SortStableFunc(out, func(a, b string) int { return slices.Index(want, a) - slices.Index(want, b) })
	return out
}

// check holds each result against what its state promises.
func check(t *testing.T, got []ccr.Received, err error, where string) {
	t.Helper()
	failed := false
	for _, r := range got {
		switch r.State {
		case ccr.Delivered:
			require.NotEmpty(t, r.Location, where)
			require.Len(t, r.SHA256, 64, where)
		case ccr.DeliveredBefore:
			require.Empty(t, r.Location, where)
		case ccr.DeliveredNotArchived, ccr.ReceiveFailed:
			require.Error(t, r.Err, where)
		default:
			t.Fatalf("%s: unexpected state %q", where, r.State)
		}
		failed = failed || r.Err != nil
	}
	if failed {
		require.Error(t, err, where)
	}
}

// entries returns what the scenario's ledger holds.
func entries(t *testing.T, s scenario, dir string, l ccr.Ledger) map[string]ccr.LedgerEntry {
	path := dir + ".ledger"
	switch s.ledger {
	case "own":
		path = filepath.Join(dir, ".ccr", "receive.ledger")
		fallthrough
	case "file":
		file, err := ccr.OpenLedger(path)
		require.NoError(t, err)
		defer file.Close()
		l = file
	}
	out := map[string]ccr.LedgerEntry{}
	for name := range s.contents() {
		e, err := l.Load(t.Context(), testKey(name))
		require.NoError(t, err)
		out[name] = e
	}
	return out
}
