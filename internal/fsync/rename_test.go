package fsync_test

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/ccr-sdk/ccr/internal/fsync"
)

// A name that is taken is never replaced, whatever stands there.
func TestRenameNew(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	inner := filepath.Join(dir, "inner")
	require.NoError(t, os.Mkdir(inner, 0o700))
	top, err := os.Open(dir)
	require.NoError(t, err)
	defer top.Close()
	from, err := os.Open(inner)
	require.NoError(t, err)
	defer from.Close()
	write := func(path, text string) {
		require.NoError(t, os.WriteFile(filepath.Join(dir, path), []byte(text), 0o600))
	}
	write("inner/a", "alpha")
	err = fsync.RenameNew(from, "a", top, "a")
	if errors.Is(err, errors.ErrUnsupported) {
		t.Skipf("SKIPPED: no rename without replacing here: %v", err)
	}
	require.NoError(t, err)
	b, err := os.ReadFile(filepath.Join(dir, "a"))
	require.NoError(t, err)
	assert.Equal(t, "alpha", string(b))
	require.ErrorIs(t, fsync.RenameNew(from, "a", top, "a"), fs.ErrNotExist, "it is gone")

	write("inner/a", "omega")
	for name, make := range map[string]func(path string) error{
		"a":        func(string) error { return nil },
		"folder":   func(path string) error { return os.Mkdir(path, 0o700) },
		"dangling": func(path string) error { return os.Symlink("nothing", path) },
	} {
		require.NoError(t, make(filepath.Join(dir, name)))
		require.ErrorIs(t, fsync.RenameNew(from, "a", top, name), fs.ErrExist, name)
	}
	b, err = os.ReadFile(filepath.Join(dir, "a"))
	require.NoError(t, err)
	assert.Equal(t, "alpha", string(b))
	assert.FileExists(t, filepath.Join(inner, "a"))
}
