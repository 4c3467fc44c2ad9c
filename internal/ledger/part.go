package ledger

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"strconv"
	"time"

	"github.com/ccr-sdk/ccr"
)

const (
	// AttrEpoch counts, in an entry that has parts, the claims on it so far,
	// and says in a part which of them stored it.
	AttrEpoch = "epoch"
	// attrDoubted is, in a part that was taken over as an intent, the token of
	// that intent.
	attrDoubted = "intent"
)

// NextEpoch is the entry to store when an entry that has parts is claimed.
func NextEpoch(found ccr.LedgerEntry) ccr.LedgerEntry {
	found.At = time.Time{} // since when it is claimed
	return with(found, AttrEpoch, strconv.FormatInt(epoch(found)+1, 10))
}

func epoch(e ccr.LedgerEntry) int64 {
	n, err := strconv.ParseInt(e.Attributes[AttrEpoch], 10, 64)
	if err != nil {
		return 0
	}
	return n
}

func with(e ccr.LedgerEntry, name, v string) ccr.LedgerEntry {
	e.Attributes = maps.Clone(e.Attributes)
	if e.Attributes == nil {
		e.Attributes = map[string]string{}
	}
	e.Attributes[name] = v
	return e
}

// Part is an entry that this worker acts on under the claim of another entry:
// a batch under the claim of its job. It has no lease of its own. It carries
// owner, token and epoch of the claim, since comparing versions of one entry
// does not keep a worker that lost its claim from storing another one: a part
// of a later epoch says that the claim is lost, and an intent of an earlier
// one is another worker's.
type Part struct {
	c     *Claim
	entry ccr.LedgerEntry
}

// Part stores what plan makes of an entry, under the claim. found is the entry
// as it was loaded; plan gets it, or what another worker made of it since. An
// error of plan is returned as it is, and nothing is stored. [ErrLost] means
// that the claim is another's; after any other error it is not known whether
// the part was stored, and nothing may be sent.
func (c *Claim) Part(ctx context.Context, found ccr.LedgerEntry, plan func(found ccr.LedgerEntry) (ccr.LedgerEntry, error)) (*Part, error) {
	mine := c.Entry()
	var failed error
	for range maxRounds {
		if c.over(epoch(found) > epoch(mine)) {
			return nil, ErrLost
		}
		next, err := plan(found)
		if err != nil {
			return nil, err
		}
		if next.State != ccr.StateIntent && (found.State == ccr.StateIntent || found.State == ccr.StateResolving) {
			next = with(next, attrDoubted, found.Token)
		}
		next = with(next, AttrEpoch, mine.Attributes[AttrEpoch])
		next.Key, next.Version = found.Key, found.Version
		next.Owner, next.Token, next.Until = mine.Owner, mine.Token, mine.Until
		if next.State != ccr.StateIntent && next.State != ccr.StateResolving {
			next.Owner, next.Until = "", time.Time{}
		}
		next.At = time.Now().Round(0).UTC().Truncate(storeTime)
		if failed = c.b.safeStore(ctx, &next); failed == nil {
			return &Part{c, next}, nil
		}
		var lerr error
		found, lerr = c.b.safeLoad(ctx, next.Key)
		switch {
		case lerr != nil:
			return nil, errors.Join(failed, lerr)
		case found.Token == mine.Token && found.State == next.State && found.SHA256 == next.SHA256:
			return &Part{c, found}, nil // stored after all
		case !errors.Is(failed, ccr.ErrLedgerConflict):
			return nil, failed
		}
	}
	return nil, fmt.Errorf("ledger: the entry changes all the time: %w", failed)
}

// over reports whether nothing may be done under the claim any more; lost says
// that another worker was seen to have it.
func (c *Claim) over(lost bool) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	if lost {
		c.lose(ErrLost)
	}
	return c.lost != nil || c.done
}

// Entry is the entry as it was stored last.
func (p *Part) Entry() ccr.LedgerEntry { return p.entry }

// Record stores a fact, as [Claim.Record] does. One more is possible here:
// that an intent of one's own never went out is recorded also where another
// worker doubts it by now, since nobody sends what is in doubt.
func (p *Part) Record(ctx context.Context, change func(*ccr.LedgerEntry)) error {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), RecordTimeout)
	defer cancel()
	entry, err := p.c.b.record(ctx, p.entry, p.entry.Token, change)
	if err == nil {
		p.entry = entry
	}
	return err
}

// doubts reports whether a part is in doubt because of the intent with a token.
func doubts(e ccr.LedgerEntry, token string) bool {
	return token != "" && e.Attributes[attrDoubted] == token && (e.State == ccr.StateResolving || e.State == ccr.StateUnknown)
}
