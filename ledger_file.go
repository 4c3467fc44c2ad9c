package ccr

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"sync"

	"github.com/gofrs/flock"
)

// FileLedger is a [Ledger] in one local file: a line of JSON for each change,
// written and synced before Store returns. A line torn by a crash is dropped
// when the file is opened again. One process at a time holds it.
type FileLedger struct {
	mu   sync.Mutex
	mem  *memoryLedger
	f    *os.File
	lock *flock.Flock
	end  int64 // where the last whole line ends
	err  error // a write that could not be undone; the ledger is closed to writes
}

// ErrLedgerInUse: another process has the ledger open.
var ErrLedgerInUse = errors.New("ccr: the ledger is in use by another process")

// OpenLedger opens or creates a ledger file (mode 0600). A ".lock" file beside
// it keeps other processes out until Close; a crash releases it.
func OpenLedger(path string) (*FileLedger, error) {
	lock := flock.New(path+".lock", flock.SetPermissions(0o600))
	switch ok, err := lock.TryLock(); {
	case err != nil:
		return nil, fmt.Errorf("ccr: lock ledger: %w", err)
	case !ok:
		return nil, ErrLedgerInUse
	}
	l := &FileLedger{mem: &memoryLedger{entries: map[string]LedgerEntry{}}, lock: lock}
	if err := l.open(path); err != nil {
		return nil, errors.Join(fmt.Errorf("ccr: open ledger: %w", err), l.Close())
	}
	return l, nil
}

func (l *FileLedger) open(path string) error {
	f, err := os.OpenFile(path, os.O_RDWR|os.O_CREATE, 0o600)
	if err != nil {
		return err
	}
	l.f = f
	r := bufio.NewReaderSize(f, 64<<10)
	for line := 1; ; line++ {
		text, err := r.ReadBytes('\n')
		if errors.Is(err, io.EOF) {
			break // text, if any, is a line torn by a crash: never acknowledged
		}
		if err != nil {
			return err
		}
		var e LedgerEntry
		if err := json.Unmarshal(text, &e); err != nil {
			// Only the last line can be torn; damage before it must be seen.
			return fmt.Errorf("line %d is damaged; restore the file or move it away after settling what it held", line)
		}
		l.mem.entries[e.Key] = e
		l.end += int64(len(text))
	}
	if err := f.Truncate(l.end); err != nil {
		return err
	}
	return syncDir(filepath.Dir(path))
}

// Load implements [Ledger].
func (l *FileLedger) Load(ctx context.Context, key string) (LedgerEntry, error) {
	return l.mem.Load(ctx, key)
}

// Store implements [Ledger].
func (l *FileLedger) Store(ctx context.Context, e LedgerEntry) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	switch {
	case l.f == nil:
		return errors.New("ccr: the ledger is closed")
	case l.err != nil:
		return l.err
	}
	if now, err := l.mem.Load(ctx, e.Key); err == nil && now.Version != e.Version || err != nil && e.Version != 0 {
		return ErrLedgerConflict
	}
	stored := e
	stored.Version++
	line, err := json.Marshal(stored)
	if err != nil {
		return err
	}
	line = append(bytes.TrimRight(line, "\n"), '\n')
	if _, err = l.f.WriteAt(line, l.end); err == nil {
		err = l.f.Sync()
	}
	if err != nil {
		// Take the line back, so that no later run believes what this one
		// reported as failed; if even that fails, stop writing.
		if undo := errors.Join(l.f.Truncate(l.end), l.f.Sync()); undo != nil {
			l.err = fmt.Errorf("ccr: the ledger is in doubt after a failed write: %w", err)
		}
		return fmt.Errorf("ccr: write ledger: %w", err)
	}
	l.end += int64(len(line))
	return l.mem.Store(ctx, e)
}

// Close releases the file and its lock.
func (l *FileLedger) Close() error {
	l.mu.Lock()
	defer l.mu.Unlock()
	var err error
	if l.f != nil {
		err = l.f.Close()
		l.f = nil
	}
	return errors.Join(err, l.lock.Close())
}
