package outbox

import (
	"context"
	"errors"
	"fmt"
	"maps"

	"github.com/ccr-sdk/ccr"
	"github.com/ccr-sdk/ccr/internal/ledger"
)

// Settle ends an upload of unknown outcome by a person's word: arrived says
// whether the vendor has the file. The same answer twice is fine; one that
// contradicts a recorded result is refused, and so is one for a file without
// an entry ([ccr.ErrNoEntry]) or one that a live worker has ([ccr.ErrClaimed]).
func Settle(ctx context.Context, p Params, arrived bool) error {
	if p.Ledger == nil {
		return p.failed("", errors.New("settling needs the ledger that the upload used"), "")
	}
	book := ledger.New(p.Ledger, p.Lease)
	e, err := p.open(ctx, book)
	if err != nil {
		return p.failed("", err, "")
	}
	state := ccr.StateRefused
	if arrived {
		state = ccr.StateSent
	}
	switch {
	case e.State == "":
		return p.failed("", fmt.Errorf("%s: %w", p.what(), ccr.ErrNoEntry), "Use the service, environment, folder, name and content that the upload had")
	case e.State == state:
		return nil
	case settled(e):
		return p.failed("", fmt.Errorf("file %q: the ledger holds the result %q, not an upload without a result", p.Name, e.State), "")
	}
	c, err := book.Acquire(ctx, e.Key, p.what(), func(found ccr.LedgerEntry, _ bool) (ccr.LedgerEntry, error) {
		if found.FileName() != p.Name || settled(found) {
			return found, fmt.Errorf("%s: %w", p.what(), ccr.ErrLedgerConflict)
		}
		found.State = ccr.StateResolving // whoever had the intent is not to send any more
		return found, nil
	})
	if err != nil {
		return p.explain(err)
	}
	err = c.Record(ctx, func(e *ccr.LedgerEntry) {
		e.State, e.Attributes = state, maps.Clone(e.Attributes)
		if e.Attributes == nil {
			e.Attributes = map[string]string{}
		}
		e.Attributes[attrSettled] = "true"
	})
	if err != nil {
		return p.failed("", err, "Nothing is settled. Settle it again")
	}
	return nil
}

// settled reports whether an entry holds a result.
func settled(e ccr.LedgerEntry) bool { return e.State == ccr.StateSent || e.State == ccr.StateRefused }

// open returns the file's entry that has no result yet, else one that has.
func (p *Params) open(ctx context.Context, book *ledger.Book) (best ccr.LedgerEntry, err error) {
	rank := map[string]int{ccr.StateRefused: 1, ccr.StateSent: 2}
	for _, key := range []string{p.key(), p.key(p.Name)} {
		e, err := book.Load(ctx, key)
		if err != nil {
			return e, err
		}
		if e.State == "" || e.FileName() != p.Name {
			continue
		}
		if !settled(e) {
			return e, nil
		}
		if rank[e.State] > rank[best.State] {
			best = e
		}
	}
	return best, nil
}
