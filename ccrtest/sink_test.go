package ccrtest_test

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/ccr-sdk/ccr"
	"github.com/ccr-sdk/ccr/ccrtest"
)

// inFolder is a folder as its consumer sees it.
func inFolder(dir string) ccrtest.SinkUnderTest {
	return ccrtest.SinkUnderTest{
		Visible: func(context.Context) (map[string][]byte, error) {
			seen := map[string][]byte{}
			list, err := os.ReadDir(dir)
			for _, e := range list {
				if e.Name() == ".ccr" {
					continue
				}
				path := filepath.Join(dir, e.Name())
				if seen[path], err = os.ReadFile(path); err != nil {
					return nil, err
				}
			}
			return seen, err
		},
		Take: func(_ context.Context, location string) error { return os.Remove(location) },
	}
}

func TestDirSinkHoldsWhatIsAsked(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	s := inFolder(dir)
	s.Sink, s.Another = ccr.DirSink(dir), ccr.DirSink(dir)
	require.NoError(t, ccrtest.TestSink(t.Context(), s))
	assert.NoFileExists(t, filepath.Join(dir, "..", "escape.csv"))
}

// naive is what one writes first: a temporary file, and a rename.
type naive struct{ dir string }

func (n naive) Create(_ context.Context, item ccr.Item) (ccr.Delivery, error) {
	f, err := os.CreateTemp(n.dir, ".part-*")
	return &naiveFile{File: f, final: filepath.Join(n.dir, filepath.Base(item.Name))}, err
}

func (n naive) Resume(_ context.Context, item ccr.Item, ref string) (ccr.Delivery, ccr.Staging, error) {
	if _, err := os.Stat(ref); err != nil {
		return nil, ccr.Committed, nil // gone, so it must have been delivered
	}
	return &naiveFile{part: ref, final: filepath.Join(n.dir, filepath.Base(item.Name))}, ccr.Staged, nil
}

type naiveFile struct {
	*os.File
	part, final string
}

func (f *naiveFile) Stage(context.Context) (string, error) {
	if f.File != nil {
		f.part = f.Name()
		f.Close()
		f.File = nil
	}
	return f.part, nil
}

func (f *naiveFile) Commit(ctx context.Context) (string, error) {
	f.Stage(ctx)
	return f.final, os.Rename(f.part, f.final)
}

func (f *naiveFile) Abort(ctx context.Context) error {
	f.Stage(ctx)
	return os.Remove(f.part)
}

func TestBrokenSinksFail(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	s := inFolder(dir)
	visible := s.Visible
	s.Visible = func(ctx context.Context) (map[string][]byte, error) {
		seen, err := visible(ctx)
		for path := range seen {
			if ok, _ := filepath.Match(".part-*", filepath.Base(path)); ok {
				delete(seen, path)
			}
		}
		return seen, err
	}
	s.Sink = naive{dir}
	err := ccrtest.TestSink(t.Context(), s)
	assert.Subset(t, ccrtest.Failed(err), []string{"discarded", "foreign", "commit twice", "same name", "names"}, "%v", err)

	hidden := s
	hidden.Visible = func(context.Context) (map[string][]byte, error) { return nil, nil }
	assert.Equal(t, []string{"commit"}, ccrtest.Failed(ccrtest.TestSink(t.Context(), hidden)))

	s.Visible = func(context.Context) (map[string][]byte, error) { return nil, errors.New("no right to list") }
	require.ErrorContains(t, ccrtest.TestSink(t.Context(), s), "no right to list")
	require.Error(t, ccrtest.TestSink(t.Context(), ccrtest.SinkUnderTest{}))
}
