package ccr

import (
	"bufio"
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"sync"

	"github.com/gofrs/flock"

	"github.com/ccr-sdk/ccr/internal/fsync"
)

// FileLedger is a [Ledger] in one local file: a line of JSON for each change,
// written and synced before Store returns. Changes that come at the same time
// share one sync. A line torn by a crash is dropped when the file is opened
// again. One process at a time holds it.
//
// Memory holds an index only, some 200 bytes an entry. The file grows by 200
// to 500 bytes with each change and is rewritten without the outdated lines,
// when it is opened, once they are the larger part of it.
type FileLedger struct {
	lock *flock.Flock
	turn sync.Mutex // held by the one Store that writes

	mu      sync.Mutex
	f       *os.File // nil once closed
	index   map[string]spot
	end     int64 // where the last whole line ends
	err     error // a write that could not be undone; the ledger is closed to writes
	current *ledgerBatch
	next    *ledgerBatch // what comes in while current is written
}

// spot is where the line of an entry is.
type spot struct {
	off     int64
	size    int
	version int64
	state   string
}

// ledgerBatch is what goes to disk with one sync. spots are relative to its start.
type ledgerBatch struct {
	lines []byte
	spots map[string]spot
	done  chan struct{}
	err   error // valid once done
}

// ErrLedgerInUse: the ledger is open already, in this process or another.
var ErrLedgerInUse = errors.New("ccr: the ledger is in use by another process")

var errLedgerClosed = errors.New("ccr: the ledger is closed")

// OpenLedger opens or creates a ledger file (mode 0600) in a folder that
// exists. A ".lock" file beside it keeps other processes out until Close; a
// crash releases it.
func OpenLedger(path string) (*FileLedger, error) {
	lock := flock.New(path+".lock", flock.SetPermissions(0o600))
	switch ok, err := lock.TryLock(); {
	case err != nil:
		return nil, fmt.Errorf("ccr: lock ledger: %w", err)
	case !ok:
		return nil, ErrLedgerInUse
	}
	l := &FileLedger{lock: lock}
	if err := l.open(path); err != nil {
		return nil, errors.Join(fmt.Errorf("ccr: open ledger: %w", err), l.Close())
	}
	return l, nil
}

// compactAt is the number of outdated lines below which rewriting the file is
// not worth it.
const compactAt = 1000

func (l *FileLedger) open(path string) error {
	lines, err := l.read(path)
	if err != nil {
		return err
	}
	if dead := lines - len(l.index); dead > max(len(l.index), compactAt) {
		if err := l.compact(path); err != nil {
			return err
		}
		if _, err := l.read(path); err != nil {
			return err
		}
	}
	return fsync.Dir(filepath.Dir(path))
}

// read opens the file and indexes it; it returns the number of its lines.
func (l *FileLedger) read(path string) (int, error) {
	f, err := os.OpenFile(path, os.O_RDWR|os.O_CREATE, 0o600)
	if err != nil {
		return 0, err
	}
	l.f, l.index, l.end = f, map[string]spot{}, 0
	r := bufio.NewReaderSize(f, 64<<10)
	for lines := 0; ; lines++ {
		text, err := r.ReadBytes('\n')
		if errors.Is(err, io.EOF) {
			// text, if any, is a line torn by a crash: never acknowledged.
			return lines, f.Truncate(l.end)
		}
		if err != nil {
			return 0, err
		}
		var e struct {
			Key     string
			Version int64
			State   string
		}
		if err := json.Unmarshal(text, &e); err != nil || e.Key == "" || e.Version <= l.index[e.Key].version {
			// Only the last line can be torn; damage before it must be seen.
			return 0, fmt.Errorf("line %d is damaged; restore the file or move it away after settling what it held", lines+1)
		}
		l.index[e.Key] = spot{l.end, len(text), e.Version, intern(e.State)}
		l.end += int64(len(text))
	}
}

// intern makes the entries of one state share its text.
func intern(state string) string {
	for _, s := range [...]string{StateIntent, StateSent, StateRefused, StateStaged, StateDelivered, StateArchived} {
		if s == state {
			return s
		}
	}
	return state
}

// compact replaces the file by one that holds the current lines only, and
// closes it. A crash leaves the one or the other.
func (l *FileLedger) compact(path string) error {
	fresh, err := os.OpenFile(path+".new", os.O_WRONLY|os.O_CREATE|os.O_TRUNC, 0o600)
	if err != nil {
		return err
	}
	w := bufio.NewWriterSize(fresh, 64<<10)
	spots := make([]spot, 0, len(l.index))
	for _, s := range l.index {
		spots = append(spots, s)
	}
	slices.SortFunc(spots, func(a, b spot) int { return cmp.Compare(a.off, b.off) })
	for _, s := range spots {
		if _, err = io.Copy(w, io.NewSectionReader(l.f, s.off, int64(s.size))); err != nil {
			break
		}
	}
	err = errors.Join(err, w.Flush(), fresh.Sync(), fresh.Close(), l.f.Close())
	l.f = nil
	if err != nil {
		return errors.Join(err, os.Remove(path+".new"))
	}
	return os.Rename(path+".new", path)
}

// Load implements [Ledger].
func (l *FileLedger) Load(_ context.Context, key string) (LedgerEntry, error) {
	l.mu.Lock()
	f := l.f
	s, ok := l.index[key]
	l.mu.Unlock()
	switch {
	case f == nil:
		return LedgerEntry{}, errLedgerClosed
	case !ok:
		return LedgerEntry{}, ErrNoEntry
	}
	line := make([]byte, s.size)
	var e LedgerEntry
	_, err := f.ReadAt(line, s.off)
	if err == nil {
		err = json.Unmarshal(line, &e)
	}
	if err == nil && e.Key != key {
		err = errors.New("the file was changed by another program")
	}
	if err != nil {
		return LedgerEntry{}, fmt.Errorf("ccr: read ledger: %w", err)
	}
	return e, nil
}

// Store implements [Ledger].
func (l *FileLedger) Store(_ context.Context, e LedgerEntry) error {
	if e.Key == "" {
		return errNoKey
	}
	old := e.Version
	e.Version++
	line, err := json.Marshal(e)
	if err != nil {
		return fmt.Errorf("ccr: write ledger: %w", err)
	}
	b, err := l.join(e, old, append(line, '\n'))
	if err != nil {
		return err
	}
	l.turn.Lock()
	defer l.turn.Unlock()
	select {
	case <-b.done: // another Store of the batch wrote it
	default:
		runtime.Gosched() // lets those who are ready come along
		l.write(b)
	}
	return b.err
}

// join adds a change to the next batch, if it does not conflict.
func (l *FileLedger) join(e LedgerEntry, old int64, line []byte) (*ledgerBatch, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for {
		switch {
		case l.f == nil:
			return nil, errLedgerClosed
		case l.err != nil:
			return nil, l.err
		}
		if l.index[e.Key].version != old {
			return nil, ErrLedgerConflict
		}
		ahead := l.pending(e.Key)
		if ahead == nil {
			break
		}
		// Another change of this entry is on its way: only if it fails is
		// there no conflict.
		l.mu.Unlock()
		<-ahead.done
		l.mu.Lock()
	}
	if l.next == nil {
		l.next = &ledgerBatch{spots: map[string]spot{}, done: make(chan struct{})}
	}
	l.next.spots[e.Key] = spot{int64(len(l.next.lines)), len(line), e.Version, intern(e.State)}
	l.next.lines = append(l.next.lines, line...)
	return l.next, nil
}

// pending returns the batch that is about to change an entry.
func (l *FileLedger) pending(key string) *ledgerBatch {
	for _, b := range [...]*ledgerBatch{l.current, l.next} {
		if b != nil {
			if _, ok := b.spots[key]; ok {
				return b
			}
		}
	}
	return nil
}

// write brings a batch to disk; the caller has the turn.
func (l *FileLedger) write(b *ledgerBatch) {
	l.mu.Lock()
	f, end := l.f, l.end
	l.current, l.next = b, nil
	err := l.err
	if f == nil {
		err = errLedgerClosed
	}
	l.mu.Unlock()

	var doubt error
	if err == nil {
		if _, err = f.WriteAt(b.lines, end); err == nil {
			err = f.Sync()
		}
		if err != nil {
			err = fmt.Errorf("ccr: write ledger: %w", err)
			// Take the lines back, so that no later run believes what this one
			// reported as failed; if even that fails, stop writing.
			if undo := errors.Join(f.Truncate(end), f.Sync()); undo != nil {
				doubt = fmt.Errorf("ccr: the ledger is in doubt after a failed write: %w", err)
			}
		}
	}

	l.mu.Lock()
	defer l.mu.Unlock()
	l.current, b.err = nil, err
	if doubt != nil {
		l.err = doubt
	}
	if err == nil {
		for key, s := range b.spots {
			s.off += end
			l.index[key] = s
		}
		l.end += int64(len(b.lines))
	}
	close(b.done)
}

// names returns the names of the entries in a state.
func (l *FileLedger) names(ctx context.Context, state string) ([]string, error) {
	l.mu.Lock()
	var keys []string
	for key, s := range l.index {
		if s.state == state {
			keys = append(keys, key)
		}
	}
	l.mu.Unlock()
	var names []string
	for _, key := range keys {
		e, err := l.Load(ctx, key)
		if err != nil {
			return nil, err
		}
		names = append(names, e.Name)
	}
	return names, nil
}

// Close ends the ledger, after a write that is under way, and releases its lock.
func (l *FileLedger) Close() error {
	l.turn.Lock()
	defer l.turn.Unlock()
	l.mu.Lock()
	defer l.mu.Unlock()
	var err error
	if l.f != nil {
		err = l.f.Close()
		l.f = nil
	}
	return errors.Join(err, l.lock.Close())
}
