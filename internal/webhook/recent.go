package webhook

import (
	"context"
	"sync"

	"github.com/ccr-sdk/ccr"
)

// recent is a ledger of one process that remembers the last entries only.
type recent struct {
	mu      sync.Mutex
	entries map[string]ccr.LedgerEntry
	ring    []string // keys in order of arrival
	next    int
}

func (l *recent) Load(_ context.Context, key string) (ccr.LedgerEntry, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	e, ok := l.entries[key]
	if !ok {
		return ccr.LedgerEntry{}, ccr.ErrNoEntry
	}
	return e, nil
}

func (l *recent) Store(_ context.Context, e ccr.LedgerEntry) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	found, ok := l.entries[e.Key]
	if found.Version != e.Version {
		return ccr.ErrLedgerConflict
	}
	if !ok {
		delete(l.entries, l.ring[l.next])
		l.ring[l.next], l.next = e.Key, (l.next+1)%len(l.ring)
	}
	e.Version++
	l.entries[e.Key] = e
	return nil
}
