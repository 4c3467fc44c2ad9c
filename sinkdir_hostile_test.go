package ccr

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"sync"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/ccr-sdk/ccr/internal/fsync"
)

// systems are the kinds of file system that a sink may find itself on.
var systems = map[string]func(s *DirectorySink){
	"as it is":          func(*DirectorySink) {},
	"no no-replace":     func(s *DirectorySink) { s.rename = noReplaceIsMissing },
	"case is ignored":   func(s *DirectorySink) { s.rename = caseIgnored },
	"a name is normed ": func(s *DirectorySink) { s.rename = aliased },
}

// noReplaceIsMissing is a file system without a rename that never replaces.
func noReplaceIsMissing(*os.File, string, *os.File, string) error { return errors.ErrUnsupported }

// caseIgnored is a file system that takes names which differ in case for one.
func caseIgnored(from *os.File, old string, to *os.File, name string) error {
	list, err := os.ReadDir(to.Name())
	if err != nil {
		return err
	}
	for _, e := range list {
		if strings.EqualFold(e.Name(), name) {
			return fs.ErrExist
		}
	}
	return fsync.RenameNew(from, old, to, name)
}

// aliased is a file system on which "alias" is another spelling of a name that
// is taken.
func aliased(from *os.File, old string, to *os.File, name string) error {
	if name == "alias" {
		return fs.ErrExist
	}
	return fsync.RenameNew(from, old, to, name)
}

// Two workers, one name: neither file is lost, on any file system.
func TestDirSinkNeverReplaces(t *testing.T) {
	t.Parallel()
	rounds := 40
	if testing.Short() {
		rounds = 5
	}
	for system, on := range systems {
		t.Run(system, func(t *testing.T) {
			t.Parallel()
			for round := range rounds {
				dir := t.TempDir()
				var deliveries []*dirDelivery
				for i := range 3 {
					s := DirSink(dir)
					on(s)
					deliveries = append(deliveries, create(t, s, Item{Name: "same.csv", Key: fmt.Sprintf("in.test.uat.%d", i)}, fmt.Sprint(i)))
				}
				start := make(chan struct{})
				locations := make([]string, len(deliveries))
				var wg sync.WaitGroup
				for i, d := range deliveries {
					wg.Go(func() {
						<-start
						var err error
						locations[i], err = d.Commit(context.Background())
						assert.NoError(t, err)
					})
				}
				close(start)
				wg.Wait()
				for i, location := range locations {
					require.Equal(t, fmt.Sprint(i), contentOf(t, location), "round %d", round)
				}
				require.Len(t, visible(t, dir), len(deliveries))
				require.Empty(t, private(t, dir))
			}
		})
	}
}

// A token takes effect once, whoever commits it and however often, also while
// a consumer takes files away at once; nobody gets an error.
func TestDirSinkCommitsOnce(t *testing.T) {
	t.Parallel()
	for system, on := range systems {
		t.Run(system, func(t *testing.T) {
			t.Parallel()
			for range 20 {
				dir := t.TempDir()
				first := DirSink(dir)
				on(first)
				item := fill(Item{Name: "a.csv"})
				d := create(t, first, item, "alpha")
				ref, err := d.Stage(t.Context())
				require.NoError(t, err)
				deliveries := []Delivery{d}
				for range 3 {
					s := DirSink(dir)
					on(s)
					again, staging, err := s.Resume(t.Context(), item, ref)
					require.NoError(t, err)
					require.Equal(t, Staged, staging)
					deliveries = append(deliveries, again)
				}
				var mu sync.Mutex
				taken := 0
				var wg sync.WaitGroup
				for _, d := range deliveries {
					wg.Go(func() {
						location, err := d.Commit(context.Background())
						assert.NoError(t, err)
						mu.Lock()
						defer mu.Unlock()
						if location != "" && os.Remove(location) == nil {
							taken++
						}
						_, err = d.Commit(context.Background())
						assert.NoError(t, err)
						assert.NoError(t, d.Abort(context.Background()))
					})
				}
				wg.Wait()
				require.Equal(t, 1, taken)
				require.Empty(t, visible(t, dir))
				require.Empty(t, private(t, dir))
				_, staging, err := DirSink(dir).Resume(t.Context(), item, ref)
				require.NoError(t, err)
				require.Equal(t, Committed, staging)
			}
		})
	}
}

// A Commit and an Abort, or a sweeper, at the same moment: the file is either
// delivered or discarded, and everybody is told the same afterwards.
func TestDirSinkCommitAgainstDiscard(t *testing.T) {
	t.Parallel()
	for range 100 {
		dir := t.TempDir()
		item := fill(Item{Name: "a.csv"})
		d := create(t, DirSink(dir), item, "alpha")
		ref, err := d.Stage(t.Context())
		require.NoError(t, err)
		other, _, err := DirSink(dir).Resume(t.Context(), item, ref)
		require.NoError(t, err)
		var wg sync.WaitGroup
		var cerr error
		wg.Go(func() { _, cerr = d.Commit(context.Background()) })
		wg.Go(func() { assert.NoError(t, other.Abort(context.Background())) })
		wg.Wait()
		_, staging, err := DirSink(dir).Resume(t.Context(), item, ref)
		require.NoError(t, err)
		if cerr != nil {
			require.ErrorIs(t, cerr, errDiscarded)
			require.Equal(t, Discarded, staging)
			require.Empty(t, visible(t, dir))
		} else {
			require.Equal(t, Committed, staging)
			require.Equal(t, []string{"a.csv"}, visible(t, dir))
		}
	}
}

// "A.csv" beside "a.csv", and more spellings with the same content than there
// are names beside.
func TestDirSinkCaseIgnored(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	s := DirSink(dir)
	s.rename = caseIgnored
	seen := map[string]bool{}
	for _, name := range []string{"ab.csv", "Ab.csv", "aB.csv", "AB.csv"} {
		location := deliver(t, s, name, "the same")
		assert.False(t, seen[strings.ToLower(location)])
		seen[strings.ToLower(location)] = true
	}
	assert.Len(t, visible(t, dir), 4)
	assert.Equal(t, filepath.Join(dir, "ab.csv"), deliver(t, s, "ab.csv", "the same"))
	assert.Contains(t, deliver(t, s, "ab.csv", "other"), "ab.other-")
	s.rename = aliased
	assert.Contains(t, deliver(t, s, "alias", "x"), "alias.other-")
}

// A name of 255 bytes that are all escaped, twice, and one that differs in its
// last byte.
func TestDirSinkLongNames(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	s := DirSink(dir)
	long := strings.Repeat("\xff", 254)
	for name, content := range map[string]string{long + "\xff": "one", long + "\xfe": "two"} {
		location := deliver(t, s, name, content)
		assert.Equal(t, content, contentOf(t, location))
		assert.Equal(t, location, deliver(t, s, name, content))
	}
	assert.Contains(t, deliver(t, s, long+"\xff", "three"), ".other-")
	assert.Len(t, visible(t, dir), 3)
}

// A file that cannot be read is not taken for the same, nor is an unreadable
// private folder taken for one without the staged file.
func TestDirSinkUnreadable(t *testing.T) {
	t.Parallel()
	if runtime.GOOS == "windows" {
		t.Skip("SKIPPED: file modes do not count on Windows")
	}
	dir := t.TempDir()
	deliver(t, DirSink(dir), "a", "alpha")
	item := fill(Item{Name: "a"})
	d := create(t, DirSink(dir), item, "alpha")
	ref, err := d.Stage(t.Context())
	require.NoError(t, err)
	private := filepath.Join(dir, privateDir)
	require.NoError(t, os.Chmod(filepath.Join(dir, "a"), 0))
	require.NoError(t, os.Chmod(private, 0o755))
	require.NoError(t, os.Chmod(filepath.Join(private, "id"), 0o644))
	unprivileged(t, dir, func() { _, err = d.Commit(t.Context()) })
	require.ErrorIs(t, err, fs.ErrPermission)
	assert.FileExists(t, filepath.Join(dir, d.base+stagedExt), "it stays staged")

	require.NoError(t, os.Chmod(private, 0))
	var staging Staging
	unprivileged(t, dir, func() { _, staging, err = DirSink(dir).Resume(t.Context(), item, ref) })
	require.ErrorIs(t, err, fs.ErrPermission)
	assert.Empty(t, staging)
	unprivileged(t, dir, func() { _, err = d.Commit(t.Context()) })
	require.ErrorIs(t, err, fs.ErrPermission)
	require.NoError(t, os.Chmod(private, 0o700))
	require.NoError(t, os.Chmod(filepath.Join(dir, "a"), 0o600))
	_, err = d.Commit(t.Context())
	require.NoError(t, err)
}

// What stands in the private folder is a format: a later version must find it.
func TestDirSinkFormat(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	require.NoError(t, os.Mkdir(filepath.Join(dir, privateDir), 0o700))
	require.NoError(t, os.WriteFile(filepath.Join(dir, privateDir, "id"), []byte("AAAAAAAAAAAAAAAAAAAAAAAAAA"), 0o600))
	s := DirSink(dir)
	item := Item{Service: "gateway", Environment: "production", Key: "in.gateway.production.0123", Name: "r.xml", Token: "BBBBBBBBBBBBBBBBBBBBBBBBBB"}
	d, err := s.Create(t.Context(), item)
	require.NoError(t, err)
	_, err = io.WriteString(d, "alpha")
	require.NoError(t, err)
	const base = "in.gateway.production.0123.BBBBBBBBBBBBBBBBBBBBBBBBBB"
	assert.Equal(t, []string{base + ".part"}, private(t, dir))
	ref, err := d.Stage(t.Context())
	require.NoError(t, err)
	assert.Equal(t, "AAAAAAAAAAAAAAAAAAAAAAAAAA.BBBBBBBBBBBBBBBBBBBBBBBBBB", ref)
	assert.Equal(t, []string{base + ".staged"}, private(t, dir))
	require.NoError(t, d.Abort(t.Context()))
	assert.Equal(t, []string{base + ".discarded"}, private(t, dir))
	require.NoError(t, os.Remove(filepath.Join(dir, privateDir, base+".discarded")))

	// What an earlier version left staged is committed by this one.
	require.NoError(t, os.WriteFile(filepath.Join(dir, privateDir, base+".staged"), []byte("alpha"), 0o600))
	found, staging, err := s.Resume(t.Context(), item, ref)
	require.NoError(t, err)
	require.Equal(t, Staged, staging)
	location, err := found.Commit(t.Context())
	require.NoError(t, err)
	assert.Equal(t, filepath.Join(dir, "r.xml"), location)

	item.Key = ""
	_, err = s.Create(t.Context(), item)
	require.NoError(t, err)
	assert.Equal(t, []string{"unclaimed.b0c4281643b278b66995d779d12af4c4.BBBBBBBBBBBBBBBBBBBBBBBBBB.part"}, private(t, dir))
	for _, bad := range []Item{{Name: "a", Key: "UPPER", Token: "A"}, {Name: "a", Key: "k", Token: ""}, {Name: "a", Key: "k", Token: "a/b"}, {Name: "a", Key: "k", Token: strings.Repeat("A", 33)}} {
		_, err := s.Create(t.Context(), bad)
		require.Error(t, err)
	}
}
