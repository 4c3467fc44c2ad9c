package ccr

import (
	"context"
	"errors"
	"maps"
	"sync"
	"time"
)

// Ledger remembers what was sent and received, so that a rerun after a crash
// sends nothing twice and delivers nothing twice. It holds names, sizes,
// checksums, counts and times; never content.
//
// Share one between the workers of a fleet by implementing it over a
// database: two methods with optimistic concurrency. [OpenLedger] is the one
// for a single process on a local disk, [NewMemoryLedger] the one for tests.
// It must be safe for concurrent use.
type Ledger interface {
	// Load returns the entry with a key, or an error that is [ErrNoEntry].
	Load(ctx context.Context, key string) (LedgerEntry, error)
	// Store writes an entry durably before it returns. e.Version must be the
	// version that Load returned (0 to create); if another writer was faster,
	// it stores nothing and returns an error that is [ErrLedgerConflict]. The
	// stored entry has the next version, e.Version+1.
	Store(ctx context.Context, e LedgerEntry) error
}

// LedgerEntry is one fact in a [Ledger].
type LedgerEntry struct {
	Key         string            `json:"key"`                   // opaque; unique in the ledger
	Version     int64             `json:"version"`               // 1 for the first entry stored under the key
	State       string            `json:"state"`                 // see the State… constants
	Service     string            `json:"service,omitempty"`     // as in [Error]
	Environment string            `json:"environment,omitempty"` // see [WithEnvironment]
	Name        string            `json:"name,omitempty"`        // the file's, at the vendor
	Size        int64             `json:"size,omitempty"`        // bytes
	SHA256      string            `json:"sha256,omitempty"`      // of the content, in lower-case hexadecimal
	At          time.Time         `json:"at"`                    // of the last change
	Attributes  map[string]string `json:"attributes,omitempty"`  // small facts of the result, never content
}

// The states of ledger entries.
const (
	StateIntent    = "intent"    // about to be sent; if found later, the outcome is unknown
	StateSent      = "sent"      // sent and accepted
	StateRefused   = "refused"   // known not to have arrived; may be sent again
	StateStaged    = "staged"    // whole and durable, about to be delivered to the sink
	StateDelivered = "delivered" // in the sink; the vendor may not know yet
	StateArchived  = "archived"  // in the sink, and the vendor knows
)

var (
	// ErrNoEntry: the ledger has no entry with that key.
	ErrNoEntry = errors.New("ccr: no such ledger entry")
	// ErrLedgerConflict: another writer changed the entry first.
	ErrLedgerConflict = errors.New("ccr: the ledger entry was changed by another writer")
)

var errNoKey = errors.New("ccr: a ledger entry needs a key")

// NewMemoryLedger returns a ledger that forgets when the process ends.
func NewMemoryLedger() Ledger { return &memoryLedger{entries: map[string]LedgerEntry{}} }

type memoryLedger struct {
	mu      sync.Mutex
	entries map[string]LedgerEntry
}

func (l *memoryLedger) Load(_ context.Context, key string) (LedgerEntry, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	e, ok := l.entries[key]
	if !ok {
		return LedgerEntry{}, ErrNoEntry
	}
	e.Attributes = maps.Clone(e.Attributes)
	return e, nil
}

func (l *memoryLedger) Store(_ context.Context, e LedgerEntry) error {
	if e.Key == "" {
		return errNoKey
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.entries[e.Key].Version != e.Version {
		return ErrLedgerConflict
	}
	e.Version++
	e.Attributes = maps.Clone(e.Attributes)
	l.entries[e.Key] = e
	return nil
}
