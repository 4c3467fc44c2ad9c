package ccr

import (
	"context"
	"errors"
	"fmt"
	"io"
	"iter"
	"maps"
	"os"
	"runtime"
	"slices"
	"sync"
)

// FileLedger is a [Ledger] in one local file: a header, then a line of JSON
// for each change, written and synced before Store returns. Changes that come
// at the same time share one sync. One process at a time holds it.
//
// Each line ends with a checksum of itself and of the line before, and the
// header says how far the file reached. So a flipped bit, a lost line and a
// file that was cut off are noticed when it is opened: see
// [LedgerDamagedError]. A line torn by a crash was never acknowledged and is
// dropped.
//
// A change of a claim alone (Owner, Until, Token) stays in memory, without a
// sync, and opening the file drops all claims: no other process can have held
// it meanwhile, so a restart never waits.
//
// Memory holds an index of some 80 bytes an entry. The file grows by 250 to
// 500 bytes with each change, and is rewritten without the outdated lines once
// they outnumber the current ones. It must not have hard links.
type FileLedger struct {
	path   string     // with links resolved
	turn   sync.Mutex // held by the one Store that writes
	chain  uint32     // checksum of the last line; guarded by turn
	unlock io.Closer

	mu      sync.Mutex
	f       *os.File // nil once closed
	index   map[keyHash]spot
	claims  map[keyHash]LedgerEntry // entries that are held, or whose claim was changed in memory
	end     int64                   // where the last whole line ends
	lines   int                     // in the file, outdated ones included
	wait    int                     // outdated lines before rewriting is tried again after a failure
	err     error                   // a write that could not be undone; the ledger is closed to writes
	current *ledgerBatch
	next    *ledgerBatch // what comes in while current is written
}

// spot is where the current line of an entry is.
type spot struct {
	off     int64
	version int64
	size    uint32
	state   uint8 // index into ledgerStates; 0 for others
}

// ledgerBatch is what goes to disk with one sync.
type ledgerBatch struct {
	lines []ledgerLine
	keys  map[keyHash]struct{}
	done  chan struct{}
	err   error // valid once done
}

type ledgerLine struct {
	key     keyHash
	version int64
	state   uint8
	body    []byte
	claim   *LedgerEntry // the entry, if somebody holds it: what is on disk does not count as a claim
}

var errLedgerClosed = errors.New("ccr: the ledger is closed")

// Load implements [Ledger].
func (l *FileLedger) Load(_ context.Context, key string) (LedgerEntry, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.f == nil {
		return LedgerEntry{}, errLedgerClosed
	}
	return l.load(hashKey(key), key)
}

// load returns the current entry; l.mu is held. key is "" if only its hash is known.
func (l *FileLedger) load(h keyHash, key string) (LedgerEntry, error) {
	if e, ok := l.claims[h]; ok {
		e.Attributes = maps.Clone(e.Attributes)
		return e, nil
	}
	s, ok := l.index[h]
	if !ok {
		return LedgerEntry{}, ErrNoEntry
	}
	e, err := readLedgerLine(l.f, s.off, int(s.size))
	if err == nil && (hashKey(e.Key) != h || key != "" && e.Key != key) {
		err = errors.New("the file was changed by another program")
	}
	if err != nil {
		return LedgerEntry{}, fmt.Errorf("ccr: read ledger: %w", err)
	}
	return e, nil
}

// Store implements [Ledger].
func (l *FileLedger) Store(_ context.Context, e LedgerEntry) error {
	if err := e.CheckKey(); err != nil {
		return err
	}
	body, err := ledgerBody(e)
	if err != nil {
		return fmt.Errorf("ccr: write ledger: %w", err)
	}
	b, err := l.join(e, body)
	if err != nil || b == nil {
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

// join adds a change to the next batch, if it does not conflict. A change of
// the claim alone is made at once and has no batch.
func (l *FileLedger) join(e LedgerEntry, body []byte) (*ledgerBatch, error) {
	h := hashKey(e.Key)
	l.mu.Lock()
	defer l.mu.Unlock()
	for {
		switch {
		case l.f == nil:
			return nil, errLedgerClosed
		case l.err != nil:
			return nil, l.err
		case l.version(h) != e.Version:
			return nil, ErrLedgerConflict
		}
		ahead := l.pending(h)
		if ahead == nil {
			break
		}
		// Another change of this entry is on its way: only if it fails is
		// there no conflict.
		l.mu.Unlock()
		<-ahead.done
		l.mu.Lock()
	}
	if ok, err := l.claimOnly(h, e); err != nil || ok {
		return nil, err
	}
	if l.next == nil {
		l.next = &ledgerBatch{keys: map[keyHash]struct{}{}, done: make(chan struct{})}
	}
	l.next.keys[h] = struct{}{}
	line := ledgerLine{key: h, version: e.Version + 1, state: stateCode(e.State), body: body}
	if e.Owner != "" {
		e.Version++
		e.Attributes = maps.Clone(e.Attributes)
		line.claim = &e
	}
	l.next.lines = append(l.next.lines, line)
	return l.next, nil
}

func (l *FileLedger) version(h keyHash) int64 {
	if e, ok := l.claims[h]; ok {
		return e.Version
	}
	return l.index[h].version
}

// claimOnly makes a change that only concerns the claim, in memory.
func (l *FileLedger) claimOnly(h keyHash, e LedgerEntry) (bool, error) {
	if s := l.index[h]; s.version > 0 && s.state != 0 && s.state != stateCode(e.State) || s.version == 0 && e.State != "" {
		return false, nil
	}
	old, err := l.load(h, e.Key)
	if errors.Is(err, ErrNoEntry) {
		old, err = LedgerEntry{Key: e.Key}, nil
		old.Service, old.Environment, old.Name, old.Size, old.SHA256, old.At, old.Attributes =
			e.Service, e.Environment, e.Name, e.Size, e.SHA256, e.At, e.Attributes
	}
	if err != nil || !sameFacts(old, e) {
		return false, err
	}
	e.Version++
	e.Attributes = maps.Clone(e.Attributes)
	l.claims[h] = e
	return true, nil
}

// sameFacts reports whether two entries differ in their claim at most.
func sameFacts(a, b LedgerEntry) bool {
	return a.State == b.State && a.Service == b.Service && a.Environment == b.Environment && a.Name == b.Name &&
		a.Size == b.Size && a.SHA256 == b.SHA256 && a.At.Equal(b.At) && maps.Equal(a.Attributes, b.Attributes)
}

// pending returns the batch that is about to change an entry.
func (l *FileLedger) pending(h keyHash) *ledgerBatch {
	for _, b := range [...]*ledgerBatch{l.current, l.next} {
		if b != nil {
			if _, ok := b.keys[h]; ok {
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
	buf, chain := sealLines(b.lines, l.chain)
	if err == nil {
		if _, err = f.WriteAt(buf, end); err == nil {
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
	defer close(b.done)
	l.current, b.err = nil, err
	if doubt != nil {
		l.err = doubt
	}
	if err != nil {
		return
	}
	l.chain = chain
	for _, line := range b.lines {
		size := sealedSize(line.body)
		l.index[line.key] = spot{l.end, line.version, uint32(size), line.state} //nolint:gosec // ledgerBody bounds a line
		delete(l.claims, line.key)
		if line.claim != nil {
			l.claims[line.key] = *line.claim
		}
		l.end += int64(size)
	}
	l.lines += len(b.lines)
	l.compact()
	l.writeHeader() //nolint:errcheck // the lines are on disk; the header is a lower bound of them
}

// writeHeader notes how far the file reaches by now. It comes after the sync
// of the lines and is not synced itself: it never says more than is there.
func (l *FileLedger) writeHeader() error {
	_, err := l.f.WriteAt(ledgerHeader(l.end, l.chain), 0)
	return err
}

// List implements [LedgerLister].
func (l *FileLedger) List(_ context.Context, q LedgerQuery) iter.Seq2[LedgerEntry, error] {
	return func(yield func(LedgerEntry, error) bool) {
		for _, h := range l.candidates(q) {
			l.mu.Lock()
			var e LedgerEntry
			err := errLedgerClosed
			if l.f != nil {
				e, err = l.load(h, "")
			}
			l.mu.Unlock()
			if errors.Is(err, ErrNoEntry) || err == nil && !q.Matches(e) { // pruned or changed meanwhile
				continue
			}
			if !yield(e, err) || err != nil {
				return
			}
		}
	}
}

// candidates returns the entries that may match, without reading them.
func (l *FileLedger) candidates(q LedgerQuery) []keyHash {
	l.mu.Lock()
	defer l.mu.Unlock()
	var found []keyHash
	for h, s := range l.index {
		if s.state == 0 || len(q.States) == 0 || slices.Contains(q.States, ledgerStates[s.state]) {
			found = append(found, h)
		}
	}
	for h := range l.claims {
		if _, ok := l.index[h]; !ok {
			found = append(found, h)
		}
	}
	return found
}

// Close ends the ledger, after a write that is under way, and releases its lock.
func (l *FileLedger) Close() error {
	l.turn.Lock()
	defer l.turn.Unlock()
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.f == nil {
		return nil
	}
	err := errors.Join(l.f.Sync(), l.unlock.Close(), l.f.Close()) // the sync is for the header
	l.f = nil
	return err
}
