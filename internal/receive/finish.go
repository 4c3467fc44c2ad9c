package receive

import (
	"context"
	"errors"
	"time"

	"github.com/ccr-sdk/ccr"
	"github.com/ccr-sdk/ccr/internal/ledger"
)

// sweeper is a sink that removes what dead workers left in it, as
// [ccr.DirectorySink].
type sweeper interface {
	Sweep(ctx context.Context, needed func(ctx context.Context, key, token string) (bool, error)) error
}

// sweep removes what dead workers left in the sink. What a live worker or a
// staged entry needs stays.
func (e *engine) sweep(ctx context.Context) error {
	s, ok := e.sink.(sweeper)
	if !ok {
		return nil
	}
	return s.Sweep(ctx, func(ctx context.Context, key, token string) (bool, error) {
		entry, err := e.book.Load(ctx, key)
		return e.book.Held(entry) || entry.State == ccr.StateStaged && entry.Attributes[attrAttempt] == token, err
	})
}

// finish notes as archived what a worker had archived that died before it
// could note it: entries of this folder that say delivered, and that the
// vendor has no more. It needs a ledger that can list.
func (e *engine) finish(ctx context.Context, jobs []*job, began time.Time) error {
	lister, ok := e.book.Ledger().(ccr.LedgerLister)
	if !ok {
		return nil
	}
	listed := make(map[string]bool, len(jobs))
	for _, j := range jobs {
		listed[j.key] = true
	}
	var open []ccr.LedgerEntry
	query := ccr.LedgerQuery{KeyPrefix: ledger.Prefix(ledger.KindIn, e.opts.Service, e.opts.Environment), Service: e.opts.Service, Environment: e.opts.Environment,
		States: []string{ccr.StateDelivered}, Before: began.Add(-e.book.Policy().Lease)}
	for entry, err := range lister.List(ctx, query) {
		if err != nil {
			return err
		}
		if !listed[entry.Key] && e.key(entry.FileName()) == entry.Key {
			open = append(open, entry)
		}
	}
	if len(open) == 0 {
		return nil
	}
	present, err := e.src.Present(ctx)
	if err != nil {
		return err
	}
	for _, entry := range open {
		if present[entry.FileName()] {
			continue
		}
		if err := e.finishOne(ctx, entry); err != nil {
			return err
		}
	}
	return nil
}

func (e *engine) finishOne(ctx context.Context, entry ccr.LedgerEntry) error {
	claim, err := e.book.Acquire(ctx, entry.Key, "file", func(found ccr.LedgerEntry, _ bool) (ccr.LedgerEntry, error) {
		if found.State != ccr.StateDelivered {
			return found, errKnown
		}
		return found, nil
	})
	switch {
	case errors.Is(err, ccr.ErrClaimed), errors.Is(err, errKnown):
		return nil
	case err != nil:
		return err
	}
	return claim.Record(ctx, func(e *ccr.LedgerEntry) { e.State = ccr.StateArchived })
}
