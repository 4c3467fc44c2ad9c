package ccr

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func openLedger(t testing.TB, path string) *FileLedger {
	t.Helper()
	l, err := OpenLedger(path)
	require.NoError(t, err)
	t.Cleanup(func() { l.Close() }) //nolint:errcheck // closed by the test, mostly
	return l
}

// put stores the next version of an entry.
func put(t testing.TB, l Ledger, key, state string) {
	t.Helper()
	e, err := l.Load(context.Background(), key)
	if !errors.Is(err, ErrNoEntry) {
		require.NoError(t, err)
	}
	e.Key, e.State, e.Name, e.At = key, state, "name of "+key, time.Unix(1, 0).UTC()
	require.NoError(t, l.Store(context.Background(), e))
}

func stateOf(t testing.TB, l Ledger, key string) string {
	t.Helper()
	e, err := l.Load(context.Background(), key)
	if errors.Is(err, ErrNoEntry) {
		return ""
	}
	require.NoError(t, err)
	return e.State
}

func TestFileLedgerReopen(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "ledger")
	l := openLedger(t, path)
	for i := range 10 {
		put(t, l, fmt.Sprint(i%3), fmt.Sprint("state ", i))
	}
	require.NoError(t, l.Close())
	require.ErrorIs(t, l.Store(t.Context(), LedgerEntry{Key: "x"}), errLedgerClosed)
	_, err := l.Load(t.Context(), "0")
	require.ErrorIs(t, err, errLedgerClosed)
	require.NoError(t, l.Close(), "twice is fine")

	l = openLedger(t, path)
	assert.Equal(t, "state 9", stateOf(t, l, "0"))
	assert.Equal(t, "state 7", stateOf(t, l, "1"))
	assert.Equal(t, "state 8", stateOf(t, l, "2"))
	e, err := l.Load(t.Context(), "0")
	require.NoError(t, err)
	assert.EqualValues(t, 4, e.Version)
	if runtime.GOOS != "windows" {
		for _, p := range []string{path, path + ".lock"} {
			st, err := os.Stat(p)
			require.NoError(t, err)
			assert.Equal(t, os.FileMode(0o600), st.Mode().Perm())
		}
	}
}

// A crash can cut the file at any byte of the last line: everything before is
// kept, and the next line is written where the torn one began.
func TestFileLedgerTornAnywhere(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	path := filepath.Join(dir, "ledger")
	l := openLedger(t, path)
	put(t, l, "a", StateSent)
	before, err := os.ReadFile(path)
	require.NoError(t, err)
	put(t, l, "b", StateIntent)
	require.NoError(t, l.Close())
	whole, err := os.ReadFile(path)
	require.NoError(t, err)
	for cut := len(before); cut <= len(whole); cut++ {
		p := filepath.Join(dir, fmt.Sprint(cut))
		require.NoError(t, os.WriteFile(p, whole[:cut], 0o600))
		l := openLedger(t, p)
		require.Equal(t, StateSent, stateOf(t, l, "a"))
		want := ""
		if cut == len(whole) {
			want = StateIntent
		}
		require.Equal(t, want, stateOf(t, l, "b"))
		put(t, l, "c", StateSent)
		require.NoError(t, l.Close())
		l = openLedger(t, p)
		require.Equal(t, StateSent, stateOf(t, l, "a"))
		require.Equal(t, want, stateOf(t, l, "b"))
		require.Equal(t, StateSent, stateOf(t, l, "c"))
		require.NoError(t, l.Close())
	}
}

func TestFileLedgerDamage(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "ledger")
	l := openLedger(t, path)
	for _, key := range []string{"a", "b", "b", "c"} {
		put(t, l, key, StateSent)
	}
	require.NoError(t, l.Close())
	good, err := os.ReadFile(path)
	require.NoError(t, err)
	lines := strings.SplitAfter(strings.TrimSuffix(string(good), "\n"), "\n")
	require.Len(t, lines, 4)
	lines[3] += "\n"
	for name, bad := range map[string][]string{
		"not JSON":           {lines[0], strings.Replace(lines[1], `"`, "#", 1), lines[2]},
		"zeros":              {lines[0], strings.Repeat("\x00", len(lines[1])-1) + "\n", lines[2]},
		"an empty line":      {lines[0], "\n", lines[1]},
		"two lines in one":   {lines[0], strings.TrimSuffix(lines[1], "\n"), lines[2], lines[3]},
		"no key":             {lines[0], "{}\n", lines[1]},
		"no version":         {lines[0], "{\"key\":\"x\"}\n", lines[1]},
		"another kind":       {lines[0], "[1]\n", lines[1]},
		"twice":              {lines[0], lines[1], lines[1]},
		"in the wrong order": {lines[0], lines[2], lines[1]},
		"the last line":      {lines[0], lines[1], lines[2], "{\"key\":}\n"},
	} {
		t.Run(name, func(t *testing.T) {
			damaged := []byte(strings.Join(bad, ""))
			require.NoError(t, os.WriteFile(path, damaged, 0o600))
			_, err := OpenLedger(path)
			require.ErrorContains(t, err, "is damaged; restore the file")
			assert.NotContains(t, err.Error(), "name of")
			kept, err := os.ReadFile(path)
			require.NoError(t, err)
			require.Equal(t, damaged, kept, "a damaged file is left as it is")
		})
	}
	require.NoError(t, os.WriteFile(path, good, 0o600))
	l = openLedger(t, path)
	require.Equal(t, StateSent, stateOf(t, l, "c"), "the lock was released each time")
}

// Somebody edits the file under us.
func TestFileLedgerChangedUnderneath(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "ledger")
	l := openLedger(t, path)
	put(t, l, "a", StateSent)
	put(t, l, "b", StateSent)
	text, err := os.ReadFile(path)
	require.NoError(t, err)
	for _, bad := range [][]byte{bytes.ReplaceAll(text, []byte(`"key":"a"`), []byte(`"key":"x"`)), bytes.ReplaceAll(text, []byte(`{`), []byte(`#`)), nil} {
		require.NoError(t, os.WriteFile(path, bad, 0o600))
		_, err = l.Load(t.Context(), "a")
		require.ErrorContains(t, err, "read ledger")
		require.NotErrorIs(t, err, ErrNoEntry, "must not be taken for new")
	}
}

func TestFileLedgerLock(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "ledger")
	l := openLedger(t, path)
	_, err := OpenLedger(path)
	require.ErrorIs(t, err, ErrLedgerInUse)
	put(t, l, "a", StateSent)
	require.NoError(t, l.Close())
	l = openLedger(t, path)
	assert.Equal(t, StateSent, stateOf(t, l, "a"))

	_, err = OpenLedger(filepath.Join(t.TempDir(), "no", "such", "folder"))
	require.ErrorIs(t, err, os.ErrNotExist)
	dir := filepath.Join(t.TempDir(), "folder")
	require.NoError(t, os.Mkdir(dir, 0o700))
	_, err = OpenLedger(dir)
	require.Error(t, err)
	_, err = OpenLedger(dir)
	require.NotErrorIs(t, err, ErrLedgerInUse, "a failed open releases its lock")
}

// A write that fails is taken back; one that cannot be taken back ends writing.
func TestFileLedgerWriteFails(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "ledger")
	l := openLedger(t, path)
	put(t, l, "a", StateSent)

	good := l.f
	readOnly, err := os.Open(path)
	require.NoError(t, err)
	defer readOnly.Close()
	l.f = readOnly // neither write nor truncate work
	err = l.Store(t.Context(), LedgerEntry{Key: "b", State: StateIntent})
	require.ErrorContains(t, err, "write ledger")
	assert.Equal(t, StateSent, stateOf(t, l, "a"), "reading goes on")
	assert.Empty(t, stateOf(t, l, "b"))
	l.f = good
	err = l.Store(t.Context(), LedgerEntry{Key: "c", State: StateIntent})
	require.ErrorContains(t, err, "in doubt")
	require.NoError(t, l.Close())

	l = openLedger(t, path)
	assert.Empty(t, stateOf(t, l, "b"))
	put(t, l, "b", StateSent)
}

// Many changes at once, some of them of the same entry: nothing is lost, and
// what was acknowledged is on disk.
func TestFileLedgerBatches(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "ledger")
	l := openLedger(t, path)
	var wg sync.WaitGroup
	for worker := range 16 {
		wg.Go(func() {
			for i := range 25 {
				put(t, l, fmt.Sprintf("%d/%d", worker, i), StateIntent)
				put(t, l, fmt.Sprintf("%d/%d", worker, i), StateSent)
			}
		})
	}
	wg.Wait()
	require.NoError(t, l.Close())
	l = openLedger(t, path)
	for worker := range 16 {
		for i := range 25 {
			require.Equal(t, StateSent, stateOf(t, l, fmt.Sprintf("%d/%d", worker, i)))
		}
	}
}

// Closing while others write fails what is not written yet, and hangs nobody.
func TestFileLedgerCloseWhileWriting(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "ledger")
	l := openLedger(t, path)
	var mu sync.Mutex
	var stored []string
	var wg sync.WaitGroup
	for worker := range 8 {
		wg.Go(func() {
			for i := range 1000 {
				key := fmt.Sprintf("%d/%d", worker, i)
				if err := l.Store(context.Background(), LedgerEntry{Key: key, State: StateSent}); err != nil {
					assert.ErrorIs(t, err, errLedgerClosed)
					return
				}
				mu.Lock()
				stored = append(stored, key)
				enough := len(stored) == 50
				mu.Unlock()
				if enough {
					assert.NoError(t, l.Close())
				}
			}
		})
	}
	wg.Wait()
	l = openLedger(t, path)
	for _, key := range stored {
		require.Equal(t, StateSent, stateOf(t, l, key))
	}
}

func TestFileLedgerCompacts(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "ledger")
	var text bytes.Buffer
	line := func(key string, version int, state string) {
		fmt.Fprintf(&text, `{"key":%q,"version":%d,"state":%q,"name":"n","at":"2026-11-21T00:00:00Z"}`+"\n", key, version, state)
	}
	for i := range 300 {
		for v := range 4 {
			line(fmt.Sprint("k", i), v+1, StateIntent)
		}
		line(fmt.Sprint("k", i), 5, StateSent)
	}
	require.NoError(t, os.WriteFile(path, text.Bytes(), 0o600))
	require.NoError(t, os.WriteFile(path+".new", []byte("the rest of a crash"), 0o600))
	l := openLedger(t, path)
	st, err := os.Stat(path)
	require.NoError(t, err)
	assert.Less(t, st.Size(), int64(text.Len()/4))
	assert.NoFileExists(t, path+".new")
	if runtime.GOOS != "windows" {
		assert.Equal(t, os.FileMode(0o600), st.Mode().Perm())
	}
	for range 2 {
		for i := range 300 {
			e, err := l.Load(t.Context(), fmt.Sprint("k", i))
			require.NoError(t, err)
			require.Equal(t, StateSent, e.State)
			require.EqualValues(t, 5, e.Version)
		}
		require.ErrorIs(t, l.Store(t.Context(), LedgerEntry{Key: "k1", Version: 1}), ErrLedgerConflict)
		require.NoError(t, l.Close())
		l = openLedger(t, path)
	}
	put(t, l, "k1", StateRefused)
	require.NoError(t, l.Close())
	l = openLedger(t, path)
	assert.Equal(t, StateRefused, stateOf(t, l, "k1"))

	// Too few outdated lines: the file stays as it is.
	text.Reset()
	for v := range compactAt {
		line("k", v+1, StateSent)
	}
	small := filepath.Join(t.TempDir(), "ledger")
	require.NoError(t, os.WriteFile(small, text.Bytes(), 0o600))
	l = openLedger(t, small)
	st, err = os.Stat(small)
	require.NoError(t, err)
	assert.EqualValues(t, text.Len(), st.Size())
	assert.Equal(t, StateSent, stateOf(t, l, "k"))
}

func FuzzOpenLedger(f *testing.F) {
	f.Add([]byte(`{"key":"a","version":1,"state":"sent","at":"2026-11-21T00:00:00Z"}` + "\n" + `{"key":"a","ver`))
	f.Add([]byte("\x00\x00\n"))
	f.Add([]byte(`{"key":"a","version":9223372036854775807}` + "\n"))
	f.Fuzz(func(t *testing.T, data []byte) {
		path := filepath.Join(t.TempDir(), "ledger")
		require.NoError(t, os.WriteFile(path, data, 0o600))
		l, err := OpenLedger(path)
		if err != nil {
			return
		}
		require.NoError(t, l.Store(t.Context(), LedgerEntry{Key: "a new key, unlike any other", State: StateSent}))
		want := len(l.index)
		require.NoError(t, l.Close())
		l, err = OpenLedger(path)
		require.NoError(t, err)
		require.Len(t, l.index, want)
		require.Equal(t, StateSent, stateOf(t, l, "a new key, unlike any other"))
		require.NoError(t, l.Close())
	})
}

// BenchmarkFileLedgerStore compares 16 writers that share syncs with the
// plain way, a sync for each line behind a lock, in the same run.
func BenchmarkFileLedgerStore(b *testing.B) {
	const workers = 16
	entry := LedgerEntry{State: StateSent, Service: "sftp", Environment: "uat", Name: "COLLECTIONS_20261121.csv", Size: 4096, SHA256: strings.Repeat("ab", 32), At: time.Unix(1, 0)}
	each := func(n int, store func(e LedgerEntry) error) time.Duration {
		start := time.Now()
		var wg sync.WaitGroup
		for w := range workers {
			wg.Go(func() {
				for i := w; i < n; i += workers {
					e := entry
					e.Key = fmt.Sprint("out|sftp|uat|", i)
					if err := store(e); err != nil {
						b.Error(err)
						return
					}
				}
			})
		}
		wg.Wait()
		return time.Since(start)
	}
	const n = 2000
	var ours, plain time.Duration
	for b.Loop() {
		l, err := OpenLedger(filepath.Join(b.TempDir(), "ledger"))
		if err != nil {
			b.Fatal(err)
		}
		ours += each(n, func(e LedgerEntry) error { return l.Store(context.Background(), e) })
		if err := l.Close(); err != nil {
			b.Fatal(err)
		}

		f, err := os.Create(filepath.Join(b.TempDir(), "plain"))
		if err != nil {
			b.Fatal(err)
		}
		var mu sync.Mutex
		plain += each(n, func(e LedgerEntry) error {
			mu.Lock()
			defer mu.Unlock()
			if _, err := fmt.Fprintf(f, "%+v\n", e); err != nil {
				return err
			}
			return f.Sync()
		})
		if err := f.Close(); err != nil {
			b.Fatal(err)
		}
	}
	b.ReportMetric(float64(plain)/float64(ours), "x-plain")
	b.ReportMetric(float64(n*b.N)/ours.Seconds(), "stores/s")
}

// BenchmarkOpenLedger reads a ledger of 100,000 received files, three lines
// each, and reports the memory that the open ledger holds.
func BenchmarkOpenLedger(b *testing.B) {
	path := filepath.Join(b.TempDir(), "ledger")
	f, err := os.Create(path)
	if err != nil {
		b.Fatal(err)
	}
	const n = 100_000
	for i := range n {
		fmt.Fprintf(f, `{"key":"in|gateway|production|123456-01012026-2013-%09d.xml","version":1,"state":"archived","service":"gateway","environment":"production","name":"123456-01012026-2013-%09d.xml","size":12345,"sha256":"%064d","at":"2026-11-21T00:00:00Z"}`+"\n", i, i, i)
	}
	if err := f.Close(); err != nil {
		b.Fatal(err)
	}
	var heap float64
	for b.Loop() {
		before := heapInUse()
		l, err := OpenLedger(path)
		if err != nil {
			b.Fatal(err)
		}
		heap = float64(heapInUse() - before)
		if err := l.Close(); err != nil {
			b.Fatal(err)
		}
	}
	b.ReportMetric(heap/n, "B/entry")
}

func heapInUse() int64 {
	runtime.GC()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return int64(m.HeapAlloc)
}
