package ccr

import (
	"cmp"
	"context"
	"crypto/rand"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// create begins a delivery and writes its content.
func create(t testing.TB, s *DirectorySink, item Item, content string) *dirDelivery {
	t.Helper()
	item = fill(item)
	f, err := s.Create(context.Background(), item)
	require.NoError(t, err)
	n, err := io.WriteString(f, content)
	require.NoError(t, err)
	require.Equal(t, len(content), n)
	return f.(*dirDelivery)
}

// fill gives an item a token and a key, unless it has them.
func fill(item Item) Item {
	sum := sha256.Sum256([]byte(item.Name))
	item.Token = cmp.Or(item.Token, rand.Text())
	item.Key = cmp.Or(item.Key, "in.test.uat."+hex.EncodeToString(sum[:]))
	return item
}

func deliver(t testing.TB, s *DirectorySink, name, content string) string {
	t.Helper()
	location, err := create(t, s, Item{Name: name}, content).Commit(context.Background())
	require.NoError(t, err)
	return location
}

func contentOf(t testing.TB, path string) string {
	t.Helper()
	b, err := os.ReadFile(path)
	require.NoError(t, err)
	return string(b)
}

// visible lists what a consumer sees.
func visible(t testing.TB, dir string) (names []string) {
	t.Helper()
	list, err := os.ReadDir(dir)
	require.NoError(t, err)
	for _, e := range list {
		if e.Name() != privateDir {
			names = append(names, e.Name())
		}
	}
	return names
}

// private lists what is growing, staged or discarded.
func private(t testing.TB, dir string) (names []string) {
	t.Helper()
	list, err := os.ReadDir(filepath.Join(dir, privateDir))
	require.NoError(t, err)
	for _, e := range list {
		if slices.Contains([]string{partExt, stagedExt, discardedExt}, filepath.Ext(e.Name())) {
			names = append(names, e.Name())
		}
	}
	return names
}

func TestDirSinkDelivers(t *testing.T) {
	t.Parallel()
	dir := filepath.Join(t.TempDir(), "deep", "reports")
	s := DirSink(dir)
	f := create(t, s, Item{Name: "a.xml"}, "alpha")
	assert.Empty(t, visible(t, dir), "nothing shows while it grows")
	ticket, err := f.Stage(t.Context())
	require.NoError(t, err)
	again, err := f.Stage(t.Context())
	require.NoError(t, err)
	assert.Equal(t, ticket, again)
	assert.Empty(t, visible(t, dir), "nor when it is staged")
	_, err = f.Write([]byte("more"))
	require.Error(t, err)
	location, err := f.Commit(t.Context())
	require.NoError(t, err)
	assert.Equal(t, filepath.Join(dir, "a.xml"), location)
	assert.Equal(t, "alpha", contentOf(t, location))
	assert.Empty(t, private(t, dir))
	require.NoError(t, f.Abort(t.Context()), "after Commit it does nothing")
	assert.Equal(t, "alpha", contentOf(t, location))
	again, err = f.Commit(t.Context())
	require.NoError(t, err, "it is done")
	assert.Equal(t, location, again)
	assert.Empty(t, contentOf(t, deliver(t, s, "empty", "")))
	if runtime.GOOS != "windows" {
		for _, p := range []string{dir, filepath.Dir(dir), filepath.Join(dir, privateDir)} {
			st, err := os.Stat(p)
			require.NoError(t, err)
			assert.Equal(t, os.FileMode(0o700), st.Mode().Perm(), p)
		}
		for _, p := range []string{location, filepath.Join(dir, privateDir, "id")} {
			st, err := os.Stat(p)
			require.NoError(t, err)
			assert.Equal(t, os.FileMode(0o600), st.Mode().Perm(), p)
		}
	}
}

func TestDirSinkAborts(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	s := DirSink(dir)
	f := create(t, s, Item{Name: "a"}, "half")
	require.NoError(t, f.Abort(t.Context()))
	assert.Empty(t, visible(t, dir))
	assert.Empty(t, private(t, dir), "the vendor still has it")
	_, err := f.Write([]byte("x"))
	require.Error(t, err)
	_, err = f.Commit(t.Context())
	require.Error(t, err)

	f = create(t, s, Item{Name: "a"}, "second")
	ref, err := f.Stage(t.Context())
	require.NoError(t, err)
	require.NoError(t, f.Abort(t.Context()))
	left := private(t, dir)
	require.Equal(t, []string{filepath.Base(f.base) + discardedExt}, left, "proof that it was discarded")
	assert.Empty(t, contentOf(t, filepath.Join(dir, privateDir, left[0])), "and nothing of the content")
	require.NoError(t, f.Abort(t.Context()))
	_, err = f.Stage(t.Context())
	require.Error(t, err, "an aborted delivery has no reference any more")
	_, staging, err := s.Resume(t.Context(), fill(Item{Name: "a"}), ref)
	require.NoError(t, err)
	assert.Equal(t, Discarded, staging)

	// What no ledger entry stands for may be the only copy.
	u, err := s.Create(t.Context(), Item{Service: "gateway", Environment: "uat", Name: "a", Token: rand.Text()})
	require.NoError(t, err)
	_, err = io.WriteString(u, "half")
	require.NoError(t, err)
	require.NoError(t, u.Abort(t.Context()))
	kept := private(t, dir)
	require.Len(t, kept, 2)
	assert.Equal(t, "half", contentOf(t, filepath.Join(dir, privateDir, kept[1])))
}

func TestDirSinkCollisions(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	s := DirSink(dir)
	first := deliver(t, s, "a.csv", "alpha")
	assert.Equal(t, first, deliver(t, s, "a.csv", "alpha"), "the same content is there already")
	other := deliver(t, s, "a.csv", "omega")
	assert.Regexp(t, `a\.other-[0-9a-f]{16}\.csv$`, other)
	assert.Equal(t, other, deliver(t, s, "a.csv", "omega"))
	assert.Equal(t, "alpha", contentOf(t, first), "never overwritten")
	assert.Equal(t, "omega", contentOf(t, other))
	third := deliver(t, s, "a.csv", "third")
	assert.NotEqual(t, other, third)
	assert.Len(t, visible(t, dir), 3)

	// Known: kept apart even if the first is no longer there.
	require.NoError(t, os.Remove(first))
	f := create(t, s, Item{Name: "a.csv", Known: true}, "fourth")
	location, err := f.Commit(t.Context())
	require.NoError(t, err)
	assert.Contains(t, location, ".other-")

	// Somebody holds the .other- names, too.
	require.NoError(t, os.WriteFile(other, []byte("edited"), 0o600))
	require.NoError(t, os.WriteFile(first, []byte("edited"), 0o600))
	beyond := deliver(t, s, "a.csv", "omega")
	assert.Regexp(t, `a\.other-[0-9a-f]{16}-[0-9a-f]{8}\.csv$`, beyond)
	assert.Equal(t, beyond, deliver(t, s, "a.csv", "omega"))
	require.NoError(t, os.WriteFile(beyond, []byte("edited"), 0o600))
	f = create(t, s, Item{Name: "a.csv"}, "omega")
	_, err = f.Commit(t.Context())
	require.ErrorContains(t, err, "taken by different content")
	assert.Len(t, private(t, dir), 1, "it stays staged")
	require.NoError(t, os.Remove(other))
	location, err = f.Commit(t.Context())
	require.NoError(t, err, "and can be committed later")
	assert.Equal(t, other, location)
	assert.Equal(t, "edited", contentOf(t, first))
}

// Names that some file systems take for the same one: each content is kept,
// whatever the file system does.
func TestDirSinkAliases(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	s := DirSink(dir)
	names := []string{"report.xml", "REPORT.XML", "Report.xml", "caf\u00e9", "cafe\u0301", "stra\u00dfe", "STRASSE"}
	at := map[string]string{}
	for _, name := range names {
		at[name] = deliver(t, s, name, "content of "+name)
	}
	for _, name := range names {
		assert.Equal(t, "content of "+name, contentOf(t, at[name]))
	}
	assert.Len(t, visible(t, dir), len(names))
}

// A name without an extension, and one that is all extension.
func TestDirSinkOtherNames(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	s := DirSink(dir)
	for name, want := range map[string]string{"plain": `^plain\.other-[0-9a-f]{16}$`, ".x": `^%2Ex\.other-[0-9a-f]{16}$`, "a.b.c": `^a\.b\.other-[0-9a-f]{16}\.c$`} {
		deliver(t, s, name, "one")
		assert.Regexp(t, want, filepath.Base(deliver(t, s, name, "two")))
	}
}

// What stands in the way is neither followed nor replaced, whatever it is.
func TestDirSinkObstacles(t *testing.T) {
	t.Parallel()
	outside := t.TempDir()
	victim := filepath.Join(outside, "victim")
	require.NoError(t, os.WriteFile(victim, []byte("alpha"), 0o600))
	dir := t.TempDir()
	s := DirSink(dir)
	require.NoError(t, os.Mkdir(filepath.Join(dir, "folder"), 0o700))
	assert.Contains(t, deliver(t, s, "folder", "alpha"), "folder.other-")
	if err := os.Symlink(victim, filepath.Join(dir, "link")); err != nil {
		t.Skipf("no symbolic links on this system: %v", err)
	}
	require.NoError(t, os.Symlink(filepath.Join(outside, "nothing"), filepath.Join(dir, "dangling")))
	for _, name := range []string{"link", "dangling"} {
		location := deliver(t, s, name, "alpha")
		assert.Contains(t, location, name+".other-", "not even the same content behind a link")
		st, err := os.Lstat(location)
		require.NoError(t, err)
		assert.True(t, st.Mode().IsRegular())
		st, err = os.Lstat(filepath.Join(dir, name))
		require.NoError(t, err)
		assert.NotZero(t, st.Mode()&fs.ModeSymlink)
	}
	assert.Equal(t, "alpha", contentOf(t, victim))
	assert.NoFileExists(t, filepath.Join(outside, "nothing"))

	// The private folder as a link out of the sink.
	dir = t.TempDir()
	require.NoError(t, os.Symlink(outside, filepath.Join(dir, privateDir)))
	_, err := DirSink(dir).Create(t.Context(), fill(Item{Name: "a"}))
	require.Error(t, err)
	_, _, err = DirSink(dir).OpenLedger(t.Context())
	require.Error(t, err)
	list, err := os.ReadDir(outside)
	require.NoError(t, err)
	assert.Len(t, list, 1)
}

func TestDirSinkRefuses(t *testing.T) {
	t.Parallel()
	for _, name := range []string{"", ".", "..", "a\x00b"} {
		_, err := DirSink(t.TempDir()).Create(t.Context(), fill(Item{Name: name}))
		require.ErrorContains(t, err, "refused")
	}
	_, err := DirSink("").Create(t.Context(), fill(Item{Name: "a"}))
	require.ErrorContains(t, err, "needs a folder")
	_, _, err = DirSink("").OpenLedger(t.Context())
	require.Error(t, err)
	file := filepath.Join(t.TempDir(), "file")
	require.NoError(t, os.WriteFile(file, nil, 0o600))
	_, err = DirSink(file).Create(t.Context(), fill(Item{Name: "a"}))
	require.Error(t, err)
	dir := t.TempDir()
	require.NoError(t, os.WriteFile(filepath.Join(dir, privateDir), nil, 0o600))
	_, err = DirSink(dir).Create(t.Context(), fill(Item{Name: "a"}))
	require.ErrorContains(t, err, "not a folder")
}

// What a crash left staged is found by its ticket, by a new sink value.
func TestDirSinkStaged(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	item := Item{Name: "a/../b"}
	f := create(t, DirSink(dir), item, "alpha")
	ticket, err := f.Stage(t.Context())
	require.NoError(t, err)
	s := DirSink(dir)
	found, staging, err := s.Resume(t.Context(), fill(item), ticket)
	require.NoError(t, err)
	require.Equal(t, Staged, staging)
	_, err = found.Write([]byte("x"))
	require.Error(t, err)
	location, err := found.Commit(t.Context())
	require.NoError(t, err)
	assert.Equal(t, "alpha", contentOf(t, location))
	for range 2 {
		_, staging, err = s.Resume(t.Context(), fill(item), ticket)
		require.NoError(t, err)
		require.Equal(t, Committed, staging)
	}
	// And aborted through what Staged returned.
	f = create(t, s, item, "beta")
	ticket, err = f.Stage(t.Context())
	require.NoError(t, err)
	found, staging, err = s.Resume(t.Context(), fill(item), ticket)
	require.NoError(t, err)
	require.Equal(t, Staged, staging)
	require.NoError(t, found.Abort(t.Context()))
	left := private(t, dir)
	require.Len(t, left, 1)
	assert.Equal(t, discardedExt, filepath.Ext(left[0]))

	own, _, _ := strings.Cut(ticket, ".")
	for name, bad := range map[string]string{"none": "", "another sink": "ABCDEFGHIJKLMNOPQRSTUVWXYZ.ABC", "no attempt": own + ".", "half": own, "a path": own + ".../../x", "lower case": own + ".abc"} {
		_, staging, err := s.Resume(t.Context(), fill(item), bad)
		require.Error(t, err, name)
		require.Empty(t, staging)
	}
	_, _, err = DirSink(t.TempDir()).Resume(t.Context(), fill(item), ticket)
	require.ErrorContains(t, err, "another sink")
	_, _, err = s.Resume(t.Context(), fill(Item{Name: ".."}), ticket)
	require.Error(t, err)
	if os.Symlink("/", filepath.Join(dir, f.base+stagedExt)) == nil {
		_, _, err = s.Resume(t.Context(), fill(item), ticket)
		require.ErrorContains(t, err, "not a regular file")
	}
}

// The id of a folder is made once, also by many at a time, and must not change
// unseen: what was staged under it would be lost.
func TestDirSinkID(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	tickets := make([]string, 16)
	var wg sync.WaitGroup
	for i := range tickets {
		wg.Go(func() {
			f, err := DirSink(dir).Create(context.Background(), fill(Item{Name: fmt.Sprint(i)}))
			if assert.NoError(t, err) {
				tickets[i], err = f.Stage(context.Background())
				assert.NoError(t, err)
			}
		})
	}
	wg.Wait()
	owner, _, _ := strings.Cut(tickets[0], ".")
	seen := map[string]bool{}
	for _, ticket := range tickets {
		id, attempt, _ := strings.Cut(ticket, ".")
		assert.Equal(t, owner, id)
		seen[attempt] = true
	}
	assert.Len(t, seen, len(tickets))
	for range 30 { // many processes at the first use of a folder
		fresh := t.TempDir()
		ids := make([]string, 8)
		start := make(chan struct{})
		for i := range ids {
			wg.Go(func() {
				s := DirSink(fresh)
				root, err := s.open()
				if !assert.NoError(t, err) {
					return
				}
				defer root.Close()
				<-start
				ids[i], err = s.id(root)
				assert.NoError(t, err)
			})
		}
		close(start)
		wg.Wait()
		for _, id := range ids {
			require.Equal(t, ids[0], id)
		}
	}
	for _, damaged := range []string{"", "short", strings.Repeat("a", 26), "ABCDEFGHIJKLMNOPQRSTUVWXY\n"} {
		require.NoError(t, os.WriteFile(filepath.Join(dir, privateDir, "id"), []byte(damaged), 0o600))
		_, _, err := DirSink(dir).Resume(t.Context(), fill(Item{Name: "0"}), tickets[0])
		require.ErrorContains(t, err, "id file is damaged")
	}
}

// Faults of the file system at each step: an error, nothing visible, and the
// next attempt succeeds.
func TestDirSinkFaults(t *testing.T) {
	t.Parallel()
	remove := func(t *testing.T, dir, pattern string) {
		list, err := filepath.Glob(filepath.Join(dir, privateDir, pattern))
		require.NoError(t, err)
		require.Len(t, list, 1)
		require.NoError(t, os.Remove(list[0]))
	}
	tests := map[string]func(t *testing.T, dir string, f *dirDelivery) error{
		"writing": func(t *testing.T, dir string, f *dirDelivery) error {
			full, err := os.Open(filepath.Join(dir, f.base+partExt)) // read only: no write gets through
			require.NoError(t, err)
			require.NoError(t, f.f.Close())
			f.f = full
			_, err = f.Write([]byte("more"))
			return err
		},
		"syncing": func(t *testing.T, _ string, f *dirDelivery) error {
			require.NoError(t, f.f.Close())
			_, err := f.Stage(t.Context())
			return err
		},
		"staging": func(t *testing.T, dir string, f *dirDelivery) error {
			require.NoError(t, f.f.Close())
			remove(t, dir, "*"+partExt)
			f.f, _ = os.Open(os.DevNull) //nolint:errcheck // any open file
			_, err := f.Stage(t.Context())
			return err
		},
		"naming the sink": func(t *testing.T, dir string, f *dirDelivery) error {
			require.NoError(t, os.WriteFile(filepath.Join(dir, privateDir, "id"), []byte("damaged"), 0o600))
			_, err := f.Stage(t.Context())
			require.NoError(t, os.Remove(filepath.Join(dir, privateDir, "id")))
			return err
		},
		"the private folder was removed": func(t *testing.T, dir string, f *dirDelivery) error {
			ref, err := f.Stage(t.Context())
			require.NoError(t, err)
			require.NoError(t, os.RemoveAll(filepath.Join(dir, privateDir)))
			_, staging, err := DirSink(dir).Resume(t.Context(), f.item, ref)
			require.ErrorContains(t, err, "was removed since", "never taken for committed")
			assert.Empty(t, staging)
			_, err = f.Commit(t.Context())
			return err
		},
		"the folder is gone": func(t *testing.T, dir string, f *dirDelivery) error {
			if runtime.GOOS == "windows" {
				return errors.New("an open folder cannot be removed there")
			}
			require.NoError(t, os.RemoveAll(dir))
			_, err := f.Commit(t.Context())
			return err
		},
	}
	for name, fault := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			dir := filepath.Join(t.TempDir(), "sink")
			s := DirSink(dir)
			f := create(t, s, Item{Name: "a"}, "alpha")
			require.Error(t, fault(t, dir, f))
			f.Abort(t.Context()) //nolint:errcheck // as the engine does, which reports it
			if _, err := os.Stat(dir); err == nil {
				assert.Empty(t, visible(t, dir))
			}
			assert.Equal(t, "alpha", contentOf(t, deliver(t, s, "a", "alpha")))
			assert.Empty(t, private(t, dir))
		})
	}
}

// A folder that may not be written to: the file stays staged, and arrives
// once it may.
func TestDirSinkRenameRefused(t *testing.T) {
	t.Parallel()
	if runtime.GOOS == "windows" {
		t.Skip("SKIPPED: a read-only folder is not read-only on Windows")
	}
	dir := t.TempDir()
	f := create(t, DirSink(dir), Item{Name: "a"}, "alpha")
	ticket, err := f.Stage(t.Context())
	require.NoError(t, err)
	require.NoError(t, os.Chmod(dir, 0o500))
	unprivileged(t, dir, func() { _, err = f.Commit(t.Context()) })
	require.ErrorIs(t, err, fs.ErrPermission)
	require.NoError(t, os.Chmod(dir, 0o700))
	found, staging, err := DirSink(dir).Resume(t.Context(), fill(Item{Name: "a"}), ticket)
	require.NoError(t, err)
	require.Equal(t, Staged, staging)
	_, err = found.Commit(t.Context())
	require.NoError(t, err)
}

// Two workers on one name cannot mix their bytes, and each delivers whole.
func TestDirSinkTwoWorkers(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	first := create(t, DirSink(dir), Item{Name: "a"}, "alpha")
	second := create(t, DirSink(dir), Item{Name: "a"}, "omega")
	_, err := io.WriteString(first, "!")
	require.NoError(t, err)
	location, err := second.Commit(t.Context())
	require.NoError(t, err)
	assert.Equal(t, "omega", contentOf(t, location))
	location, err = first.Commit(t.Context())
	if err == nil { // where an open file cannot be removed
		assert.Equal(t, "alpha!", contentOf(t, location))
	}
	assert.Equal(t, "omega", contentOf(t, filepath.Join(dir, "a")))

	var wg sync.WaitGroup
	s := DirSink(dir)
	for i := range 20 {
		wg.Go(func() {
			// Different vendor names that want the same file name at last.
			f, err := s.Create(context.Background(), fill(Item{Name: "same"}))
			if !assert.NoError(t, err) {
				return
			}
			fmt.Fprint(f, i)
			f.Commit(context.Background()) //nolint:errcheck // some lose their part to the next
		})
	}
	wg.Wait()
	seen := map[string]bool{}
	for _, name := range visible(t, dir) {
		if strings.HasPrefix(name, "same") {
			text := contentOf(t, filepath.Join(dir, name))
			_, err := strconv.Atoi(text)
			require.NoError(t, err, "%q", text)
			require.False(t, seen[text])
			seen[text] = true
		}
	}
	require.NotEmpty(t, seen)
}

// What crashes left behind does not stay for ever, and what an entry or a live
// worker waits for does.
func TestDirSinkSweeps(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	s := DirSink(dir)
	stage := func(item Item) (*dirDelivery, string) {
		f := create(t, s, item, "alpha")
		ref, err := f.Stage(t.Context())
		require.NoError(t, err)
		return f, ref
	}
	age := func(by time.Duration) {
		for _, name := range private(t, dir) {
			old := time.Now().Add(-by)
			require.NoError(t, os.Chtimes(filepath.Join(dir, privateDir, name), old, old))
		}
	}
	// Two environments have a file of one name, and so have two folders.
	waiting := fill(Item{Name: "a", Environment: "production", Key: "in.gateway.production.1"})
	other := fill(Item{Name: "a", Environment: "uat", Key: "in.gateway.uat.1"})
	_, waited := stage(waiting)
	_, orphan := stage(other)
	growing := create(t, s, fill(Item{Name: "live"}), "half")
	dead := create(t, s, fill(Item{Name: "dead"}), "half")
	u, err := s.Create(t.Context(), Item{Service: "gateway", Environment: "uat", Name: "a", Token: rand.Text()})
	require.NoError(t, err)
	needed := func(_ context.Context, key, token string) (bool, error) {
		return key == waiting.Key && token == waiting.Token || key == growing.item.Key, nil
	}
	require.NoError(t, s.Sweep(t.Context(), needed))
	assert.Len(t, private(t, dir), 5, "all is fresh: perhaps work under way")
	age(staleAfter + time.Hour)
	broken := errors.New("the ledger is down")
	require.ErrorIs(t, s.Sweep(t.Context(), func(context.Context, string, string) (bool, error) { return false, broken }), broken)
	assert.Len(t, private(t, dir), 5, "who cannot tell removes nothing")
	require.NoError(t, s.Sweep(t.Context(), needed))
	assert.Len(t, private(t, dir), 4)
	assert.NoFileExists(t, filepath.Join(dir, dead.base+partExt))

	_, staging, err := s.Resume(t.Context(), waiting, waited)
	require.NoError(t, err)
	assert.Equal(t, Staged, staging)
	_, staging, err = s.Resume(t.Context(), other, orphan)
	require.NoError(t, err)
	assert.Equal(t, Discarded, staging, "never taken for committed")
	location, err := growing.Commit(t.Context())
	require.NoError(t, err)
	assert.Equal(t, "half", contentOf(t, location))

	age(staleUnclaimedAfter + time.Hour)
	require.NoError(t, s.Sweep(t.Context(), needed))
	assert.Len(t, private(t, dir), 2, "the one that is waited for, and the tombstone, which stays")
	_, err = u.Commit(t.Context())
	require.Error(t, err)
	_, staging, err = s.Resume(t.Context(), other, orphan)
	require.NoError(t, err)
	assert.Equal(t, Discarded, staging)
}

// A worker that was frozen for more than a day wakes after its staged file was
// swept: its Commit must not succeed, whoever asks.
func TestDirSinkFrozenAndSwept(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	f := create(t, DirSink(dir), Item{Name: "a"}, "alpha")
	_, err := f.Stage(t.Context())
	require.NoError(t, err)
	old := time.Now().Add(-staleAfter - time.Hour)
	require.NoError(t, os.Chtimes(filepath.Join(dir, f.base+stagedExt), old, old))
	require.NoError(t, DirSink(dir).Sweep(t.Context(), func(context.Context, string, string) (bool, error) { return false, nil }))
	_, err = f.Commit(t.Context())
	require.ErrorIs(t, err, errDiscarded)
	assert.Empty(t, visible(t, dir))
	require.NoError(t, f.Abort(t.Context()))
}

// A crash between the steps of a discard leaves content under the tombstone's
// name: it goes, however young it is.
func TestDirSinkSweepsHalfDiscarded(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	s := DirSink(dir)
	f := create(t, s, Item{Name: "a"}, "alpha")
	ref, err := f.Stage(t.Context())
	require.NoError(t, err)
	require.NoError(t, os.Rename(filepath.Join(dir, f.base+stagedExt), filepath.Join(dir, f.base+discardedExt)))
	require.NoError(t, s.Sweep(t.Context(), nil))
	assert.Empty(t, contentOf(t, filepath.Join(dir, f.base+discardedExt)))
	_, staging, err := s.Resume(t.Context(), f.item, ref)
	require.NoError(t, err)
	assert.Equal(t, Discarded, staging)
}

func TestDirSinkLedgerInUse(t *testing.T) {
	t.Parallel()
	s := DirSink(t.TempDir())
	_, release, err := s.OpenLedger(t.Context())
	require.NoError(t, err)
	_, _, err = s.OpenLedger(t.Context())
	require.ErrorIs(t, err, ErrLedgerInUse)
	require.NoError(t, release())
	_, release, err = s.OpenLedger(t.Context())
	require.NoError(t, err)
	require.NoError(t, release())
}

func TestSafeFileName(t *testing.T) {
	t.Parallel()
	for in, want := range map[string]string{
		"123456-01012024-2013-123456789.xml": "123456-01012024-2013-123456789.xml",
		"Überweisung (1) & Söhne.csv":        "Überweisung (1) & Söhne.csv",
		"../../etc/passwd":                   "%2E.%2F..%2Fetc%2Fpasswd",
		`..\..\boot.ini`:                     "%2E.%5C..%5Cboot.ini",
		"/absolute":                          "%2Fabsolute",
		`C:\x`:                               "C%3A%5Cx",
		"stream.txt:hidden":                  "stream.txt%3Ahidden",
		".hidden":                            "%2Ehidden",
		privateDir:                           "%2Eccr",
		"...":                                "%2E.%2E",
		"a.":                                 "a%2E",
		"a ":                                 "a%20",
		" a":                                 " a",
		"100%.csv":                           "100%25.csv",
		"%2Ehidden":                          "%252Ehidden",
		"a\nb\tc\x1b\x7f":                    "a%0Ab%09c%1B%7F",
		"a\u0085b\u2028c\u202ed\ufeff":       "a%C2%85b%E2%80%A8c%E2%80%AEd%EF%BB%BF",
		"a\xffb":                             "a%FFb",
		"a\ufffdb":                           "a%EF%BF%BDb",
		`<>:"|?*`:                            "%3C%3E%3A%22%7C%3F%2A",
		"CON":                                "%43ON", "con.txt": "%63on.txt", "Nul .tar.gz": "%4Eul .tar.gz", "AUX.": "%41UX%2E", "com1": "%63om1", "LPT9.csv": "%4CPT9.csv",
		"COM¹": "%43OM¹", "conin$": "%63onin$", "CONOUT$.x": "%43ONOUT$.x", "PRN": "%50RN",
		"COM": "COM", "COMA": "COMA", "CONSOLE": "CONSOLE", "x.CON": "x.CON",
		strings.Repeat("x", 200): strings.Repeat("x", 200),
	} {
		got, err := safeFileName(in)
		require.NoError(t, err, "%q", in)
		assert.Equal(t, want, got, "%q", in)
	}
	long, err := safeFileName(strings.Repeat("é", 150))
	require.NoError(t, err)
	assert.LessOrEqual(t, len(long), maxFileName)
	assert.True(t, utf8.ValidString(long))
	assert.Contains(t, long, "%~")
	for _, in := range []string{"", ".", "..", "\x00", "a\x00"} {
		_, err := safeFileName(in)
		require.Error(t, err, "%q", in)
	}
}

// original undoes safeFileName, which proves that no two names meet.
func original(t *testing.T, safe string) string {
	t.Helper()
	var b strings.Builder
	for i := 0; i < len(safe); i++ {
		if safe[i] != '%' {
			b.WriteByte(safe[i])
			continue
		}
		require.Less(t, i+2, len(safe))
		c, err := strconv.ParseUint(safe[i+1:i+3], 16, 8)
		require.NoError(t, err)
		require.Equal(t, strings.ToUpper(safe[i+1:i+3]), safe[i+1:i+3])
		b.WriteByte(byte(c))
		i += 2
	}
	return b.String()
}

func FuzzSafeFileName(f *testing.F) {
	for _, s := range []string{"a", "..", "../x", "CON", "com1.txt", "a\xff\ufffd", ".ccr", "%2E", "a.", "\u202e", strings.Repeat("é", 150), "nul.", "%~"} {
		f.Add(s, s+".")
	}
	f.Fuzz(func(t *testing.T, name, other string) {
		safe, err := safeFileName(name)
		if err != nil {
			require.True(t, name == "" || name == "." || name == ".." || strings.Contains(name, "\x00"))
			return
		}
		require.True(t, filepath.IsLocal(safe), "%q", safe)
		require.Equal(t, filepath.Base(safe), safe)
		require.False(t, strings.ContainsAny(safe, `/\<>:"|?*`), "%q", safe)
		require.False(t, reservedName(safe), "%q", safe)
		require.LessOrEqual(t, len(safe), maxFileName)
		require.True(t, utf8.ValidString(safe))
		require.NotEqual(t, privateDir, strings.ToLower(safe))
		require.NotContains(t, ". ", safe[len(safe)-1:])
		require.NotEqual(t, byte('.'), safe[0])
		for _, r := range safe {
			require.False(t, hidden(r), "%q", safe)
		}
		if !strings.Contains(safe, "%~") {
			require.Equal(t, name, original(t, safe))
		}
		if again, err := safeFileName(other); err == nil && other != name {
			require.NotEqual(t, safe, again, "%q and %q meet", name, other)
		}
	})
}

// FuzzDirSink puts any name and content into a folder and looks whether
// anything happened elsewhere.
func FuzzDirSink(f *testing.F) {
	f.Add("../x", "alpha", "omega")
	f.Add("a/b/../../../c", "", "x")
	f.Fuzz(func(t *testing.T, name, content, second string) {
		base := t.TempDir()
		dir := filepath.Join(base, "sink")
		s := DirSink(dir)
		if _, err := safeFileName(name); err != nil {
			_, err := s.Create(t.Context(), fill(Item{Name: name}))
			require.Error(t, err)
			return
		}
		first := deliver(t, s, name, content)
		require.Equal(t, content, contentOf(t, first))
		other := deliver(t, s, name, second)
		require.Equal(t, second, contentOf(t, other))
		require.Equal(t, content, contentOf(t, first))
		require.Equal(t, content == second, first == other)
		list, err := os.ReadDir(base)
		require.NoError(t, err)
		require.Len(t, list, 1)
		for _, location := range []string{first, other} {
			require.Equal(t, dir, filepath.Dir(location))
		}
	})
}
