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
		st, err := os.Stat(path)
		require.NoError(t, err)
		assert.Equal(t, os.FileMode(0o600), st.Mode().Perm())
	}
}

// ledgerText is a ledger file with the given entries, one line each.
func ledgerText(t testing.TB, entries ...LedgerEntry) []byte {
	t.Helper()
	var lines []ledgerLine
	for _, e := range entries {
		e.Version--
		body, err := ledgerBody(e)
		require.NoError(t, err)
		lines = append(lines, ledgerLine{body: body})
	}
	text, chain := sealLines(lines, 0)
	return append(ledgerHeader(ledgerHeaderSize+int64(len(text)), chain), text...)
}

func someLedger(t testing.TB) []byte {
	t.Helper()
	at := time.Date(2026, 11, 21, 9, 30, 0, 123456000, time.UTC)
	return ledgerText(t,
		LedgerEntry{Key: "out.gateway.production.a", Version: 1, State: StateIntent, Service: "gateway", Environment: "production",
			Name: "relev%E9.csv", Size: 12, SHA256: "ab", At: at, Owner: "host/1/ABC", Until: at.Add(5 * time.Minute), Token: "T1"},
		LedgerEntry{Key: "in.sftp.uat.b", Version: 1, State: StateArchived, Service: "sftp", Environment: "uat", Name: "b.csv", At: at},
		LedgerEntry{Key: "out.gateway.production.a", Version: 4, State: StateSent, Service: "gateway", Environment: "production",
			Name: "relev%E9.csv", Size: 12, SHA256: "ab", At: at.Add(time.Second), Attributes: map[string]string{"request": "r-1"}, Token: "T1"},
		LedgerEntry{Key: "in.sftp.uat.c", Version: 1, State: StateRefused, Service: "sftp", Environment: "uat", Name: "c.csv", At: at},
	)
}

// The format is on disk: this file is never rewritten, and a reader of it must
// be able to read it for ever.
func TestLedgerGolden(t *testing.T) {
	t.Parallel()
	golden, err := os.ReadFile(filepath.Join("testdata", "ledger.golden"))
	require.NoError(t, err)
	assert.Equal(t, string(golden), string(someLedger(t)))

	path := filepath.Join(t.TempDir(), "ledger")
	require.NoError(t, os.WriteFile(path, golden, 0o600))
	l := openLedger(t, path)
	e, err := l.Load(t.Context(), "out.gateway.production.a")
	require.NoError(t, err)
	assert.Equal(t, LedgerEntry{Key: "out.gateway.production.a", Version: 4, State: StateSent, Service: "gateway", Environment: "production",
		Name: "relev%E9.csv", Size: 12, SHA256: "ab", At: time.Date(2026, 11, 21, 9, 30, 1, 123456000, time.UTC),
		Attributes: map[string]string{"request": "r-1"}, Token: "T1"}, e)
	assert.Equal(t, "relev\xe9.csv", e.FileName())
}

// A crash can cut the file at any byte of a line that was not acknowledged:
// everything before is kept, and the next line is written where the torn one
// began.
func TestFileLedgerTornAnywhere(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	whole := someLedger(t)
	lines := bytes.SplitAfter(whole, []byte("\n"))
	last := lines[len(lines)-2]
	begin := len(whole) - len(last)
	_, chain := sealLines(nil, 0)
	for _, l := range lines[1 : len(lines)-2] {
		_, sum, ok := parseLedgerLine(l, chain)
		require.True(t, ok)
		chain = *sum
	}
	copy(whole, ledgerHeader(int64(begin), chain)) // as the crash left it
	for cut := begin; cut <= len(whole); cut++ {
		p := filepath.Join(dir, fmt.Sprint(cut))
		require.NoError(t, os.WriteFile(p, whole[:cut], 0o600))
		l := openLedger(t, p)
		require.Equal(t, StateSent, stateOf(t, l, "out.gateway.production.a"))
		want := ""
		if cut == len(whole) {
			want = StateRefused
		}
		require.Equal(t, want, stateOf(t, l, "in.sftp.uat.c"))
		put(t, l, "c", StateSent)
		require.NoError(t, l.Close())
		l = openLedger(t, p)
		require.Equal(t, StateSent, stateOf(t, l, "out.gateway.production.a"))
		require.Equal(t, want, stateOf(t, l, "in.sftp.uat.c"))
		require.Equal(t, StateSent, stateOf(t, l, "c"))
		require.NoError(t, l.Close())
	}
}

// facts are the entries of a ledger file, or the error that opening it gives.
func facts(t *testing.T, text []byte) (map[string]LedgerEntry, error) {
	t.Helper()
	found := map[string]LedgerEntry{}
	_, err := scanLedger(bytes.NewReader(text), func(_ ledgerLine, off int64, size int) {
		e, err := readLedgerLine(bytes.NewReader(text), off, size)
		require.NoError(t, err)
		found[e.Key] = e
	})
	return found, err
}

// Every bit flipped, every truncation: noticed, or no fact is changed.
func TestNoDamageGoesUnnoticed(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "ledger")
	whole := someLedger(t)
	want, err := facts(t, whole)
	require.NoError(t, err)
	require.Len(t, want, 3)
	every := 1
	if testing.Short() {
		every = 5
	}
	for cut := 0; cut < len(whole); cut += every {
		require.NoError(t, os.WriteFile(path, whole[:cut], 0o600))
		_, err := OpenLedger(path)
		require.Error(t, err, "cut at %d", cut)
		kept, rerr := os.ReadFile(path)
		require.NoError(t, rerr)
		require.Equal(t, whole[:cut], kept, "a damaged file is left as it is")
		if int64(cut) > ledgerHeaderSize {
			damage, ok := errors.AsType[*LedgerDamagedError](err)
			require.True(t, ok, "%v", err)
			require.EqualValues(t, len(whole)-cut, damage.Missing)
		}
	}
	harmless := 0
	step := 1
	if testing.Short() {
		step = 11 // meets every bit of a byte
	}
	for bit := 0; bit < len(whole)*8; bit += step {
		bad := bytes.Clone(whole)
		bad[bit/8] ^= 1 << (bit % 8)
		got, err := facts(t, bad)
		if err == nil {
			harmless++
			require.Equal(t, want, got, "bit %d of byte %d", bit%8, bit/8)
			continue
		}
		require.NotContains(t, err.Error(), "csv")
	}
	assert.Less(t, harmless, 50, "a letter of a checksum in upper case, at most")
}

func TestFileLedgerDamage(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "ledger")
	good := someLedger(t)
	lines := strings.SplitAfter(string(good), "\n")
	require.Len(t, lines, 6)
	for name, tt := range map[string]struct {
		bad  []string
		want LedgerDamagedError
	}{
		"not JSON":           {[]string{lines[0], lines[1], strings.Replace(lines[2], `"`, "#", 1), lines[3], lines[4]}, LedgerDamagedError{Line: 3, Certain: 3, Damaged: 1}},
		"zeros":              {[]string{lines[0], strings.Repeat("\x00", len(lines[1])-1) + "\n", lines[2], lines[3], lines[4]}, LedgerDamagedError{Line: 2, Certain: 2, Damaged: 2}},
		"a line is missing":  {[]string{lines[0], lines[1], lines[3], lines[4]}, LedgerDamagedError{Line: 3, Certain: 2, Damaged: 1, Missing: int64(len(lines[2]))}},
		"two lines in one":   {[]string{lines[0], strings.TrimSuffix(lines[1], "\n"), lines[2], lines[3], lines[4]}, LedgerDamagedError{Line: 2, Certain: 2, Damaged: 1, Missing: 1}},
		"a line twice":       {[]string{lines[0], lines[1], lines[2], lines[2], lines[3], lines[4]}, LedgerDamagedError{Line: 4, Certain: 4, Damaged: 1}},
		"in the wrong order": {[]string{lines[0], lines[2], lines[1], lines[3], lines[4]}, LedgerDamagedError{Line: 2, Certain: 1, Damaged: 3}},
		"another's last":     {[]string{lines[0], lines[1], lines[2], lines[3], strings.Replace(lines[4], "refused", "archive", 1)}, LedgerDamagedError{Line: 5, Certain: 3, Damaged: 1}},
		"the header":         {[]string{strings.Replace(lines[0], "end", "eND", 1), lines[1]}, LedgerDamagedError{Line: 1}},
	} {
		t.Run(name, func(t *testing.T) {
			damaged := []byte(strings.Join(tt.bad, ""))
			require.NoError(t, os.WriteFile(path, damaged, 0o600))
			_, err := OpenLedger(path)
			require.ErrorContains(t, err, "is damaged (")
			assert.NotContains(t, err.Error(), "csv")
			got, ok := errors.AsType[*LedgerDamagedError](err)
			require.True(t, ok)
			tt.want.Reason = got.Reason
			assert.Equal(t, tt.want, *got)
			kept, err := os.ReadFile(path)
			require.NoError(t, err)
			require.Equal(t, damaged, kept, "a damaged file is left as it is")
		})
	}
	require.NoError(t, os.WriteFile(path, good, 0o600))
	l := openLedger(t, path)
	require.Equal(t, StateRefused, stateOf(t, l, "in.sftp.uat.c"), "the lock was released each time")
}

// A path that was set to another file must not cost that file.
func TestWhatIsNoLedgerIsLeftAlone(t *testing.T) {
	t.Parallel()
	for _, text := range []string{"", "0123456789abcdefgh", "a\nb\n", `{"key":"a","version":1}` + "\n", strings.Repeat("x", 1<<20)} {
		path := filepath.Join(t.TempDir(), "key")
		require.NoError(t, os.WriteFile(path, []byte(text), 0o600))
		_, err := OpenLedger(path)
		require.Error(t, err)
		require.NotErrorIs(t, err, ErrLedgerInUse)
		kept, err := os.ReadFile(path)
		require.NoError(t, err)
		require.Equal(t, text, string(kept))
	}
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
				put(t, l, fmt.Sprintf("%d.%d", worker, i), StateIntent)
				put(t, l, fmt.Sprintf("%d.%d", worker, i), StateSent)
			}
		})
	}
	wg.Wait()
	require.NoError(t, l.Close())
	l = openLedger(t, path)
	for worker := range 16 {
		for i := range 25 {
			require.Equal(t, StateSent, stateOf(t, l, fmt.Sprintf("%d.%d", worker, i)))
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
				key := fmt.Sprintf("%d.%d", worker, i)
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
	var entries []LedgerEntry
	for i := range 300 {
		for v := range 5 {
			state := StateIntent
			if v == 4 {
				state = StateSent
			}
			entries = append(entries, LedgerEntry{Key: fmt.Sprint("k", i), Version: int64(v + 1), State: state, Name: "n"})
		}
	}
	text := ledgerText(t, entries...)
	require.NoError(t, os.WriteFile(path, text, 0o600))
	require.NoError(t, os.WriteFile(path+".new", []byte("the rest of a crash"), 0o600))
	l := openLedger(t, path)
	st, err := os.Stat(path)
	require.NoError(t, err)
	assert.Less(t, st.Size(), int64(len(text)/4))
	assert.NoFileExists(t, path+".new")
	if runtime.GOOS != "windows" {
		assert.Equal(t, os.FileMode(0o600), st.Mode().Perm())
	}
	_, err = OpenLedger(path)
	require.ErrorIs(t, err, ErrLedgerInUse, "the new file is locked as the old one was")
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
}

// An open ledger is rewritten, too, whoever holds what in memory, and by any
// number of writers.
func TestFileLedgerCompactsWhileOpen(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "ledger")
	l := openLedger(t, path)
	held := LedgerEntry{Key: "held", State: StateIntent, Token: "T"}
	require.NoError(t, l.Store(t.Context(), held))
	held.Version, held.Owner, held.Until = 1, "me", time.Now().Add(time.Hour).UTC()
	require.NoError(t, l.Store(t.Context(), held))
	var wg sync.WaitGroup
	for w := range 8 {
		wg.Go(func() {
			for i := range 400 {
				put(t, l, fmt.Sprint("k", w), fmt.Sprint("state", i))
			}
		})
	}
	wg.Wait()
	l.mu.Lock()
	lines := l.lines
	l.mu.Unlock()
	assert.Less(t, lines, 2200, "3,201 lines were written")
	e, err := l.Load(t.Context(), "held")
	require.NoError(t, err)
	assert.Equal(t, "me", e.Owner)
	assert.EqualValues(t, 2, e.Version)
	require.NoError(t, l.Close())
	l = openLedger(t, path)
	for w := range 8 {
		require.Equal(t, "state399", stateOf(t, l, fmt.Sprint("k", w)))
	}
}

// A claim costs no write, is seen by all who share the ledger, and ends with
// the process.
func TestFileLedgerKeepsClaimsInMemory(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "ledger")
	l := openLedger(t, path)
	size := func() int64 {
		st, err := os.Stat(path)
		require.NoError(t, err)
		return st.Size()
	}
	empty := size()
	until := time.Now().Add(time.Hour).Round(0).UTC().Truncate(time.Microsecond)
	fresh := LedgerEntry{Key: "a", Name: "a.csv", Owner: "me", Until: until, Token: "T1"}
	require.NoError(t, l.Store(t.Context(), fresh))
	assert.Equal(t, empty, size(), "nothing is known of it yet but who is at work")
	require.ErrorIs(t, l.Store(t.Context(), fresh), ErrLedgerConflict, "one of two wins")
	fresh.Version = 1
	got, err := l.Load(t.Context(), "a")
	require.NoError(t, err)
	assert.Equal(t, fresh, got)

	fresh.State = StateIntent
	require.NoError(t, l.Store(t.Context(), fresh))
	grown := size()
	assert.Greater(t, grown, empty)
	got, err = l.Load(t.Context(), "a")
	require.NoError(t, err)
	assert.Equal(t, "me", got.Owner, "a durable change keeps its claim")
	assert.True(t, until.Equal(got.Until))
	for v := int64(2); v < 6; v++ {
		fresh.Version, fresh.Until = v, fresh.Until.Add(time.Minute)
		require.NoError(t, l.Store(t.Context(), fresh))
	}
	assert.Equal(t, grown, size(), "heartbeats")
	got, err = l.Load(t.Context(), "a")
	require.NoError(t, err)
	assert.EqualValues(t, 6, got.Version)
	assert.True(t, fresh.Until.Equal(got.Until))
	require.NoError(t, l.Close())

	l = openLedger(t, path)
	got, err = l.Load(t.Context(), "a")
	require.NoError(t, err)
	assert.Equal(t, StateIntent, got.State)
	assert.Equal(t, "T1", got.Token)
	assert.Empty(t, got.Owner, "its holder is gone")
	assert.Zero(t, got.Until)
	got.State = StateSent
	require.NoError(t, l.Store(t.Context(), got))
	assert.Equal(t, StateSent, stateOf(t, l, "a"))
}

func TestFileLedgerPrune(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "ledger")
	l := openLedger(t, path)
	old, recent := time.Now().Add(-100*24*time.Hour), time.Now().Add(-time.Hour)
	for key, e := range map[string]LedgerEntry{
		"old-sent":     {State: StateSent, At: old},
		"old-archived": {State: StateArchived, At: old},
		"old-refused":  {State: StateRefused, At: old},
		"old-intent":   {State: StateIntent, At: old},
		"old-unknown":  {State: StateUnknown, At: old},
		"old-staged":   {State: StateStaged, At: old},
		"old-held":     {State: StateSent, At: old},
		"recent":       {State: StateSent, At: recent},
	} {
		e.Key = key
		require.NoError(t, l.Store(t.Context(), e))
	}
	held, err := l.Load(t.Context(), "old-held")
	require.NoError(t, err)
	held.Owner, held.Until = "me", time.Now().Add(time.Hour)
	require.NoError(t, l.Store(t.Context(), held))

	n, err := l.Prune(t.Context(), 90*24*time.Hour)
	require.NoError(t, err)
	assert.Equal(t, 3, n)
	require.NoError(t, l.Close())
	text, err := os.ReadFile(path)
	require.NoError(t, err)
	found, err := facts(t, text)
	require.NoError(t, err)
	var keys []string
	for key := range found {
		keys = append(keys, key)
	}
	assert.ElementsMatch(t, []string{"old-intent", "old-unknown", "old-staged", "old-held", "recent"}, keys)
}

// Whatever name it is opened by, a ledger has one holder.
func TestFileLedgerHasOneHolder(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	path := filepath.Join(dir, "ledger")
	l := openLedger(t, path)
	link, hard := filepath.Join(dir, "link"), filepath.Join(dir, "hard")
	if err := os.Symlink("ledger", link); err == nil {
		_, err = OpenLedger(link)
		require.ErrorIs(t, err, ErrLedgerInUse)
	}
	if runtime.GOOS == "windows" {
		return
	}
	require.NoError(t, os.Link(path, hard))
	_, err := OpenLedger(hard)
	require.ErrorIs(t, err, ErrLedgerInUse)
	require.NoError(t, l.Close())
	_, err = OpenLedger(path)
	require.ErrorContains(t, err, "hard links", "rewriting it would leave the other name with an old state")
	require.NoError(t, os.Remove(hard))

	// Through a link the file itself is rewritten, not the link.
	l = openLedger(t, link)
	put(t, l, "a", StateSent)
	_, err = l.Prune(t.Context(), time.Hour)
	require.NoError(t, err)
	st, err := os.Lstat(link)
	require.NoError(t, err)
	assert.Equal(t, os.ModeSymlink, st.Mode().Type())
	_, err = OpenLedger(path)
	require.ErrorIs(t, err, ErrLedgerInUse)
}

func FuzzOpenLedger(f *testing.F) {
	f.Add(someLedger(f))
	f.Add(someLedger(f)[:200])
	f.Add([]byte(`{"key":"a","version":1,"state":"sent","at":"2026-11-21T00:00:00Z"}` + "\n" + `{"key":"a","ver`))
	f.Add(append(ledgerHeader(ledgerHeaderSize, 0), "\x00\x00\n"...))
	f.Add(append(ledgerHeader(ledgerHeaderSize, 0), `{"key":"a","version":9223372036854775807,"sum":"00000000"}`+"\n"...))
	f.Fuzz(func(t *testing.T, data []byte) {
		path := filepath.Join(t.TempDir(), "ledger")
		require.NoError(t, os.WriteFile(path, data, 0o600))
		l, err := OpenLedger(path)
		if err != nil {
			kept, err := os.ReadFile(path)
			require.NoError(t, err)
			require.Equal(t, data, kept)
			return
		}
		require.NoError(t, l.Store(t.Context(), LedgerEntry{Key: "a-new-key", State: StateSent}))
		want := len(l.index)
		require.NoError(t, l.Close())
		l, err = OpenLedger(path)
		require.NoError(t, err)
		require.Len(t, l.index, want)
		require.Equal(t, StateSent, stateOf(t, l, "a-new-key"))
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
					e.Key = fmt.Sprint("out.sftp.uat.", i)
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

// BenchmarkOpenLedger opens a ledger of 1,000,000 archived reports and reports
// CPU time and the memory that the open ledger holds.
func BenchmarkOpenLedger(b *testing.B) {
	n := 1_000_000
	if testing.Short() {
		n = 10_000
	}
	path := filepath.Join(b.TempDir(), "ledger")
	w := ledgerWriter{buf: ledgerHeader(ledgerHeaderSize, 0), end: ledgerHeaderSize}
	var lines []ledgerLine
	for i := range n {
		body, err := ledgerBody(LedgerEntry{Key: fmt.Sprintf("in.gateway.production.%064x", i), State: StateArchived, Service: "gateway",
			Environment: "production", Name: fmt.Sprintf("123456-01012026-2013-%09d.xml", i), Size: 12345, SHA256: strings.Repeat("ab", 32), At: time.Unix(1, 0).UTC()})
		if err != nil {
			b.Fatal(err)
		}
		lines = append(lines, ledgerLine{body: body})
	}
	text, chain := sealLines(lines, 0)
	if err := os.WriteFile(path, append(ledgerHeader(w.end+int64(len(text)), chain), text...), 0o600); err != nil {
		b.Fatal(err)
	}
	lines, text = nil, nil
	var heap float64
	for b.Loop() {
		b.StopTimer()
		before := heapInUse()
		b.StartTimer()
		l, err := OpenLedger(path)
		if err != nil {
			b.Fatal(err)
		}
		b.StopTimer()
		heap = float64(heapInUse() - before)
		if err := l.Close(); err != nil {
			b.Fatal(err)
		}
		b.StartTimer()
	}
	b.ReportMetric(heap/float64(n), "B/entry")
}

func heapInUse() int64 {
	runtime.GC()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return int64(m.HeapAlloc)
}
