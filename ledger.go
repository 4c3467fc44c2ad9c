package ccr

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"maps"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/ccr-sdk/ccr/internal/safetext"
)

// Ledger remembers what was sent and received, and who is at work on what, so
// that a rerun after a crash sends nothing twice and delivers nothing twice,
// and so that live workers divide the work. It holds names, sizes, checksums,
// counts and times; never content.
//
// Share one between the workers of a fleet by implementing it over a database
// (module sqlstore has one). [OpenLedger] is the one for a single process on a
// local disk, [NewMemoryLedger] the one for tests. It must be safe for
// concurrent use.
type Ledger interface {
	// Load returns the entry with a key, or an error that is [ErrNoEntry].
	// After a Store that returned nil, Load sees that entry or a later one,
	// from any process.
	Load(ctx context.Context, key string) (LedgerEntry, error)
	// Store writes e durably before it returns, if e.Version is the version
	// that is stored (0: no entry yet); the stored entry has e.Version+1. If
	// another version is stored it writes nothing and returns an error that
	// is [ErrLedgerConflict]. Any other error means that it is not known
	// whether e was stored; it may land later, then only if the version still
	// matches. Every field must be kept as given: times to the microsecond,
	// empty Attributes as nil or empty.
	Store(ctx context.Context, e LedgerEntry) error
}

// LedgerLister is implemented by ledgers that can list their entries. A
// wrapper of a Ledger should forward it.
type LedgerLister interface {
	// List yields the entries that match, in no particular order. The result
	// may be stale: load and claim an entry before acting on it.
	List(ctx context.Context, q LedgerQuery) iter.Seq2[LedgerEntry, error]
}

// LedgerQuery selects entries; an empty field selects all.
type LedgerQuery struct {
	KeyPrefix   string    // what keys begin with: see the packages for theirs
	Service     string    // "gateway", "sftp", …
	Environment string    // see [WithEnvironment]
	States      []string  // one of these
	Before      time.Time // entries whose At is earlier
}

// Matches reports whether the query selects e.
func (q LedgerQuery) Matches(e LedgerEntry) bool {
	return strings.HasPrefix(e.Key, q.KeyPrefix) &&
		(q.Service == "" || q.Service == e.Service) &&
		(q.Environment == "" || q.Environment == e.Environment) &&
		(len(q.States) == 0 || slices.Contains(q.States, e.State)) &&
		(q.Before.IsZero() || e.At.Before(q.Before))
}

// LedgerEntry is one fact in a [Ledger], and the claim of who is at work on it.
type LedgerEntry struct {
	Key         string            `json:"key"`                   // [a-z0-9._-], 200 bytes at most; unique in the ledger
	Version     int64             `json:"version"`               // 1 for the first entry stored under the key
	State       string            `json:"state,omitempty"`       // see the State… constants; "": claimed, and nothing known yet
	Service     string            `json:"service,omitempty"`     // as in [Error]
	Environment string            `json:"environment,omitempty"` // see [WithEnvironment]
	Name        string            `json:"name,omitempty"`        // the file's or job's, escaped: see [LedgerEntry.FileName]
	Size        int64             `json:"size,omitempty"`        // bytes
	SHA256      string            `json:"sha256,omitempty"`      // of the content, in lower-case hexadecimal
	At          time.Time         `json:"at,omitzero"`           // of the last change
	Attributes  map[string]string `json:"attributes,omitempty"`  // small facts of the result, 4 KiB at most; never content

	Owner string    `json:"owner,omitempty"` // who holds the claim; "": nobody
	Until time.Time `json:"until,omitzero"`  // when the claim ends unless it is renewed; whole microseconds
	Token string    `json:"token,omitempty"` // new at each attempt and at each take-over
}

// The states of ledger entries.
const (
	StateIntent    = "intent"    // about to be sent; if found later, the outcome is unknown
	StateResolving = "resolving" // another worker took an intent over and finds out what became of it
	StateUnknown   = "unknown"   // sent or not, nobody can tell but the vendor; a person settles it
	StateSent      = "sent"      // sent and accepted
	StateRefused   = "refused"   // known not to have arrived; may be sent again
	StateStaged    = "staged"    // whole and durable, about to be delivered to the sink
	StateDelivered = "delivered" // in the sink; the vendor may not know yet
	StateArchived  = "archived"  // in the sink, and the vendor knows
)

// ClaimedError says who holds a claim. It is [ErrClaimed].
type ClaimedError struct {
	What     string    // the file or job, as the caller named it
	Owner    string    // host, process and a random part
	Since    time.Time // of the entry's last change of state; zero if not known
	Until    time.Time // when another worker may take it over, unless the claim is renewed
	Progress string    // how far the owner has come; "" if not known
}

// Error is one line for a person.
func (e *ClaimedError) Error() string {
	s := fmt.Sprintf("%s is claimed by %s until %s", e.What, e.Owner, e.Until.UTC().Format(time.RFC3339))
	if !e.Since.IsZero() {
		s += ", since " + e.Since.UTC().Format(time.RFC3339)
	}
	if e.Progress != "" {
		s += ", so far " + e.Progress
	}
	return s
}

// Is makes it [ErrClaimed].
func (e *ClaimedError) Is(target error) bool { return target == ErrClaimed }

// RetryAfter is the time until the claim ends; 0 if it has.
func (e *ClaimedError) RetryAfter() time.Duration { return max(0, time.Until(e.Until)) }

// FileName is Name as the vendor wrote it: any bytes.
func (e LedgerEntry) FileName() string { return safetext.Unescape(e.Name) }

// CheckKey refuses a key that some ledger could not keep apart from another:
// implementations of [Ledger] call it in Store.
func (e LedgerEntry) CheckKey() error {
	if e.Key == "" || len(e.Key) > 200 {
		return errors.New("ccr: a ledger key has 1 to 200 bytes")
	}
	for _, c := range []byte(e.Key) {
		if (c < 'a' || c > 'z') && (c < '0' || c > '9') && c != '.' && c != '_' && c != '-' {
			return errors.New("ccr: a ledger key is of a-z, 0-9 and ._- only")
		}
	}
	return nil
}

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
	if err := e.CheckKey(); err != nil {
		return err
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

// List implements [LedgerLister].
func (l *memoryLedger) List(_ context.Context, q LedgerQuery) iter.Seq2[LedgerEntry, error] {
	return func(yield func(LedgerEntry, error) bool) {
		l.mu.Lock()
		var found []LedgerEntry
		for _, e := range l.entries {
			if q.Matches(e) {
				e.Attributes = maps.Clone(e.Attributes)
				found = append(found, e)
			}
		}
		l.mu.Unlock()
		for _, e := range found {
			if !yield(e, nil) {
				return
			}
		}
	}
}
