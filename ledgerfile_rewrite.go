package ccr

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"time"

	"github.com/ccr-sdk/ccr/internal/fsync"
)

// compactAt is the number of outdated lines below which rewriting the file is
// not worth it.
const compactAt = 1000

// compact rewrites the file if the outdated lines outnumber the others; l.mu
// and the turn are held. If that fails, the file as it is goes on.
func (l *FileLedger) compact() {
	if l.lines-len(l.index) <= max(len(l.index), compactAt, l.wait) {
		return
	}
	if err := l.rewrite(func(LedgerEntry) bool { return true }); err != nil {
		l.wait = 2 * l.lines
	}
}

// rewrite replaces the file by one that holds the current lines only, of the
// entries to keep. A crash leaves the one or the other. The new file is locked
// before it gets the name.
func (l *FileLedger) rewrite(keep func(LedgerEntry) bool) (err error) {
	fresh, err := os.OpenFile(l.path+".new", os.O_RDWR|os.O_CREATE|os.O_EXCL, 0o600)
	if err != nil {
		return err
	}
	unlock, placed := l.unlock, false
	defer func() {
		if err != nil && !placed {
			err = errors.Join(err, fresh.Close(), os.Remove(l.path+".new"))
		}
	}()
	if lockedByDescriptor {
		ok, u, err := fsync.Lock(fresh)
		if err != nil || !ok {
			return cmp.Or(err, ErrLedgerInUse)
		}
		unlock = u
	}
	w := ledgerWriter{f: fresh, index: make(map[keyHash]spot, len(l.index))}
	type place struct {
		key keyHash
		spot
	}
	places := make([]place, 0, len(l.index))
	for h, s := range l.index {
		places = append(places, place{h, s})
	}
	slices.SortFunc(places, func(a, b place) int { return cmp.Compare(a.off, b.off) })
	for _, p := range places {
		if err := w.copy(l.f, p.key, p.spot, keep); err != nil {
			return err
		}
	}
	if err := w.finish(); err != nil {
		return err
	}
	if err := l.replace(fresh); err != nil {
		return err
	}
	l.unlock, placed = unlock, true
	l.index, l.end, l.lines, l.chain, l.wait = w.index, w.end, len(w.index), w.chain, 0
	return fsync.Dir(filepath.Dir(l.path))
}

// replace puts a new file in the place of the ledger's.
func (l *FileLedger) replace(fresh *os.File) error {
	if lockedByDescriptor {
		if err := os.Rename(fresh.Name(), l.path); err != nil {
			return err
		}
		l.f.Close() //nolint:errcheck // it was only read since its last sync
		l.f = fresh
		return nil
	}
	// Windows replaces no open file. The lock is beside it, so others stay out.
	err := errors.Join(fresh.Close(), l.f.Close())
	if err == nil {
		err = os.Rename(fresh.Name(), l.path)
	}
	var oerr error
	l.f, oerr = os.OpenFile(l.path, os.O_RDWR, 0)
	return errors.Join(err, oerr)
}

// lockedByDescriptor: the lock is on the file, not beside it.
const lockedByDescriptor = runtime.GOOS != "windows"

// Prune forgets entries that are closed (sent, archived or refused) and whose
// last change is longer ago than age, and returns how many. What is forgotten
// can be sent and received again: choose an age beyond any repetition. An
// entry that somebody holds is kept.
func (l *FileLedger) Prune(_ context.Context, age time.Duration) (int, error) {
	l.turn.Lock()
	defer l.turn.Unlock()
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.f == nil {
		return 0, errLedgerClosed
	}
	before, limit := len(l.index), time.Now().Add(-age)
	err := l.rewrite(func(e LedgerEntry) bool {
		_, held := l.claims[hashKey(e.Key)]
		closed := e.State == StateSent || e.State == StateArchived || e.State == StateRefused
		return held || !closed || !e.At.Before(limit)
	})
	if err != nil {
		return 0, fmt.Errorf("ccr: prune ledger: %w", err)
	}
	return before - len(l.index), nil
}
