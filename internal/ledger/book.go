package ledger

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"os"
	"slices"
	"strconv"
	"time"

	"github.com/ccr-sdk/ccr"
	"github.com/ccr-sdk/ccr/internal/safetext"
)

const (
	// maxRounds bounds how often an entry is loaded anew because another
	// writer changed it.
	maxRounds = 8
	// maxFailures bounds how often a claim is stored again after the ledger failed.
	maxFailures = 3
	// RecordTimeout bounds writing a fact after the caller's context has ended.
	RecordTimeout = 30 * time.Second
	// storeTime is what times are cut to: every database keeps it.
	storeTime = time.Microsecond
)

// Book is a ledger as one worker uses it.
type Book struct {
	ledger ccr.Ledger
	policy ccr.LeasePolicy
	owner  string
}

// New returns a book. A worker is one client: give each its own book, so that
// two clients of one process exclude each other like two machines do.
func New(l ccr.Ledger, p ccr.LeasePolicy) *Book {
	host, err := os.Hostname()
	if err != nil || host == "" {
		host = "unknown"
	}
	return &Book{ledger: l, policy: p.WithDefaults(),
		owner: safetext.Escape(host[:min(len(host), 60)]) + "/" + strconv.Itoa(os.Getpid()) + "/" + rand.Text()[:8]}
}

// Owner is what the claims of this book are signed with.
func (b *Book) Owner() string { return b.owner }

// Policy is the lease policy with its defaults filled in.
func (b *Book) Policy() ccr.LeasePolicy { return b.policy }

// Ledger is the ledger below.
func (b *Book) Ledger() ccr.Ledger { return b.ledger }

// Load returns an entry that has at least its key; State is empty and Version
// 0 if there is none.
func (b *Book) Load(ctx context.Context, key string) (ccr.LedgerEntry, error) {
	e, err := b.ledger.Load(ctx, key)
	if errors.Is(err, ccr.ErrNoEntry) {
		return ccr.LedgerEntry{Key: key}, nil
	}
	if err != nil {
		return ccr.LedgerEntry{Key: key}, fmt.Errorf("ledger: %w", err)
	}
	return e, nil
}

// Held reports whether a worker other than the holder of the given tokens may
// be at work on an entry.
func (b *Book) Held(e ccr.LedgerEntry, tokens ...string) bool {
	return e.Owner != "" && !ours(e, b.owner, tokens) && time.Now().Round(0).Before(e.Until.Add(b.policy.Skew))
}

// ours reports whether an entry has a claim that this worker made under one of
// the tokens: its owner alone says nothing, since an earlier claim of the same
// worker may land late.
func ours(e ccr.LedgerEntry, owner string, tokens []string) bool {
	return e.Owner == owner && slices.Contains(tokens, e.Token)
}

// Claimed is the error for an entry that another worker holds.
func Claimed(what string, e ccr.LedgerEntry) *ccr.ClaimedError {
	return &ccr.ClaimedError{What: what, Owner: e.Owner, Since: e.At, Until: e.Until, Progress: e.Attributes[AttrProgress]}
}

// AttrProgress is the attribute in which an owner says how far it has come.
const AttrProgress = "progress"

// Plan decides what to do with an entry that nobody else holds. taken says
// that another worker's claim was on it and has ended. It returns the entry to
// store under the new claim; or an error, and then nothing is stored and
// Acquire returns that error as it is.
//
// Plan may be called several times: it must only look and compute.
type Plan func(found ccr.LedgerEntry, taken bool) (next ccr.LedgerEntry, err error)

// Acquire claims the entry under key. what names it in a [ccr.ClaimedError].
//
// Any error but those of plan, [ccr.ErrClaimed] and the context's means that
// the ledger failed; a claim may then land later, which nobody acts under: it
// ends by itself.
func (b *Book) Acquire(ctx context.Context, key, what string, plan Plan) (*Claim, error) {
	var tokens []string // of stores whose result we did not learn
	var failed error
	var resolveAt time.Time
	failures := 0
	for range maxRounds {
		if ctx.Err() != nil {
			return nil, context.Cause(ctx)
		}
		found, err := b.Load(ctx, key)
		switch {
		case err != nil:
			return nil, errors.Join(failed, err)
		case ours(found, b.owner, tokens):
			// Ours after all: the store's answer was lost, or it landed late.
			// Its lease runs from when it was made, which Until tells.
			return b.claim(found, time.Now().Add(time.Until(found.Until)), resolveAt), nil
		case b.Held(found, tokens...):
			found.Until = found.Until.Add(b.policy.Skew) // from then on others may take it over
			return nil, Claimed(what, found)
		case failed != nil && !errors.Is(failed, ccr.ErrLedgerConflict):
			// The store may still land. One that succeeds over the same version
			// keeps it from that.
			if failures++; failures >= maxFailures {
				return nil, failed
			}
		}
		next, err := plan(found, found.Owner != "")
		if err != nil {
			return nil, err
		}
		if resolveAt = (time.Time{}); found.Owner != "" {
			resolveAt = found.Until.Add(b.policy.Grace)
		}
		next.Key, next.Version = key, found.Version
		var end time.Time
		next, end = b.sign(next, found)
		tokens = append(tokens, next.Token)
		if failed = b.store(ctx, &next); failed == nil {
			return b.claim(next, end, resolveAt), nil
		}
	}
	return nil, failed
}

// sign puts a new claim on an entry and returns until when it holds, by this
// process's monotonic clock.
func (b *Book) sign(next, found ccr.LedgerEntry) (ccr.LedgerEntry, time.Time) {
	now := time.Now()
	end := now.Add(b.policy.Lease)
	next.Owner, next.Token, next.Until = b.owner, rand.Text(), end.Round(0).UTC().Truncate(storeTime)
	if next.State != found.State || next.At.IsZero() {
		next.At = now.Round(0).UTC().Truncate(storeTime)
	}
	return next, end
}

// store stores an entry and gives it its new version.
func (b *Book) store(ctx context.Context, e *ccr.LedgerEntry) error {
	if err := b.ledger.Store(ctx, *e); err != nil {
		return fmt.Errorf("ledger: %w", err)
	}
	e.Version++
	return nil
}

// Taken is the entry to store when an intent of another worker is taken over:
// from then on nothing is sent under it, and the new owner resolves it.
func Taken(found ccr.LedgerEntry) ccr.LedgerEntry {
	if found.State == ccr.StateIntent {
		found.State = ccr.StateResolving
	}
	return found
}

// Put stores a fact that needs no claim, also after ctx has ended. change gets
// the entry as it is stored, and is called again after a conflict; its error
// ends Put and stores nothing.
func (b *Book) Put(ctx context.Context, key string, change func(*ccr.LedgerEntry) error) error {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), RecordTimeout)
	defer cancel()
	var failed error
	for range maxRounds {
		e, err := b.Load(ctx, key)
		if err != nil {
			return errors.Join(failed, err)
		}
		if err := change(&e); err != nil {
			return err
		}
		e.At = time.Now().Round(0).UTC().Truncate(storeTime)
		if failed = b.store(ctx, &e); failed == nil {
			return nil
		}
	}
	return failed
}
