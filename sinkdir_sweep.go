package ccr

import (
	"context"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/ccr-sdk/ccr/internal/fsync"
)

// The ages at which something in the private folder that nobody needs is taken
// for the rest of a crash, not for work under way.
const (
	staleAfter          = 24 * time.Hour
	staleUnclaimedAfter = 7 * 24 * time.Hour
)

// Sweep removes what dead workers left in the private folder, so that no
// personal data stays there for ever: files that nobody has written to for a
// day, and that needed does not claim for a live worker or a ledger entry.
// What was staged leaves a tombstone. Receive calls it at its beginning,
// whichever ledger it uses.
func (s *DirectorySink) Sweep(ctx context.Context, needed func(ctx context.Context, key, token string) (bool, error)) error {
	root, err := s.open()
	if err != nil {
		return err
	}
	defer root.Close()
	list, err := fs.ReadDir(root.FS(), privateDir)
	if err != nil {
		return sinkErr("list", err)
	}
	for _, e := range list {
		if err := sweepOne(ctx, root, e, needed); err != nil {
			return err
		}
	}
	return nil
}

func sweepOne(ctx context.Context, root *os.Root, e fs.DirEntry, needed func(context.Context, string, string) (bool, error)) error {
	ext := filepath.Ext(e.Name())
	if !e.Type().IsRegular() || ext != partExt && ext != stagedExt && ext != discardedExt {
		return nil
	}
	st, err := e.Info()
	if errors.Is(err, fs.ErrNotExist) {
		return nil // ended since
	}
	if err != nil {
		return sinkErr("clear", err)
	}
	base := privateDir + "/" + strings.TrimSuffix(e.Name(), ext)
	if ext == discardedExt {
		if st.Size() == 0 {
			return nil
		}
		return empty(root, base)
	}
	stem := strings.TrimSuffix(e.Name(), ext)
	dot := strings.LastIndexByte(stem, '.')
	if dot < 0 {
		return nil
	}
	key, token, age := stem[:dot], stem[dot+1:], time.Since(st.ModTime())
	switch {
	case age < staleAfter, strings.HasPrefix(key, unclaimed) && age < staleUnclaimedAfter:
		return nil
	case !strings.HasPrefix(key, unclaimed):
		if keep, err := needed(ctx, key, token); keep || err != nil {
			return err
		}
	}
	if ext == stagedExt {
		return discard(root, base)
	}
	if err := root.Remove(base + partExt); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return sinkErr("clear", err)
	}
	return nil
}

// discard turns a staged file into its tombstone: in one step, so that a
// Commit at the same time either has it or finds the tombstone.
func discard(root *os.Root, base string) error {
	err := root.Rename(base+stagedExt, base+discardedExt)
	if errors.Is(err, fs.ErrNotExist) {
		return nil // committed, or discarded before
	}
	if err == nil {
		err = fsync.DirIn(root, privateDir)
	}
	if err != nil {
		return sinkErr("discard file in", err)
	}
	return empty(root, base)
}

// empty removes the content of a tombstone, which is durable.
func empty(root *os.Root, base string) error {
	f, err := root.OpenFile(base+discardedExt, os.O_WRONLY|os.O_TRUNC, 0o600)
	if err == nil {
		err = fsync.Close(f)
	}
	if err != nil {
		return sinkErr("clear", err)
	}
	return nil
}
