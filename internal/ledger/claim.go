package ledger

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"sync"
	"time"

	"github.com/ccr-sdk/ccr"
)

// ErrLost: the claim ended, or another worker took it over, before the work
// was done. Nothing more may be sent under it.
var ErrLost = errors.New("the claim on it ended before the work was done")

// Claim is the right of this worker to act on one entry. It is safe for
// concurrent use. Record or Release must end it.
type Claim struct {
	b *Book

	mu    sync.Mutex // also one Store at a time
	entry ccr.LedgerEntry
	end   time.Time // of the lease, by the monotonic clock
	lost  error     // set once the claim is another's or has ended
	done  bool      // released or recorded

	note      func(*ccr.LedgerEntry) // see Note
	began     time.Time
	resolveAt time.Time // see ResolveAt
	beat      *time.Timer

	// What contexts go by, which must end in time while a Store hangs with mu held.
	ctxMu   sync.Mutex
	ends    time.Time // as end; zero once the claim is over
	cancels map[int]*bound
	nextID  int
}

// bound is a context that ends before the claim does.
type bound struct {
	cancel context.CancelCauseFunc
	timer  *time.Timer
}

func (b *Book) claim(e ccr.LedgerEntry, end, resolveAt time.Time) *Claim {
	c := &Claim{b: b, entry: e, end: end, ends: end, began: time.Now(), resolveAt: resolveAt, cancels: map[int]*bound{}}
	c.mu.Lock()
	c.beat = time.AfterFunc(b.policy.Heartbeat, c.heartbeat)
	c.mu.Unlock()
	return c
}

// Entry is the entry as it is stored, as far as this worker knows.
func (c *Claim) Entry() ccr.LedgerEntry {
	c.mu.Lock()
	defer c.mu.Unlock()
	e := c.entry
	e.Attributes = maps.Clone(e.Attributes)
	return e
}

// Token is the attempt's token.
func (c *Claim) Token() string { return c.Entry().Token }

// ResolveAt is when a request of the worker whose claim was taken over cannot
// be under way any more: only then does what the vendor shows tell that
// something did not arrive. Zero if nobody's claim was taken over.
func (c *Claim) ResolveAt() time.Time { return c.resolveAt }

// Until is the end of the lease as it stands; heartbeats move it.
func (c *Claim) Until() time.Time { return c.Entry().Until }

// Check is the last look right before the first byte of what must not happen
// twice: the claim is this worker's, with a safe rest of it left. A claim that
// is about to end is renewed first. Its error is [ErrLost] and means that
// nothing was sent.
func (c *Claim) Check(ctx context.Context) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.lost == nil && !c.safe() {
		c.renew(ctx)
	}
	switch {
	case c.lost != nil:
		return c.lost
	case c.done || !c.safe():
		return ErrLost
	}
	return nil
}

// safe reports whether a safe rest is left, by both clocks: the monotonic one
// may stand still while a machine sleeps, the wall clock may be set back.
func (c *Claim) safe() bool {
	rest := c.b.policy.Rest
	return time.Until(c.end) >= rest && c.entry.Until.Sub(time.Now().Round(0)) >= rest
}

// Context returns a context that ends before the claim does, by the skew, or
// with it. cancel releases it.
func (c *Claim) Context(parent context.Context) (ctx context.Context, cancel context.CancelFunc) {
	ctx, stop := context.WithCancelCause(parent)
	c.ctxMu.Lock()
	defer c.ctxMu.Unlock()
	left := c.left()
	if left <= 0 {
		stop(ErrLost)
		return ctx, func() {}
	}
	id := c.nextID
	c.nextID++
	c.cancels[id] = &bound{stop, time.AfterFunc(left, func() { c.expire(id) })}
	return ctx, func() {
		c.ctxMu.Lock()
		defer c.ctxMu.Unlock()
		if b, ok := c.cancels[id]; ok {
			b.timer.Stop()
			delete(c.cancels, id)
		}
		stop(nil)
	}
}

// left is the time that contexts of the claim have; c.ctxMu is held.
func (c *Claim) left() time.Duration {
	if c.ends.IsZero() {
		return 0
	}
	return time.Until(c.ends) - c.b.policy.Skew
}

// held notes what was stored under the claim, and until when it holds; c.mu is
// held.
func (c *Claim) held(e ccr.LedgerEntry, end time.Time) {
	c.entry, c.end = e, end
	c.ctxMu.Lock()
	defer c.ctxMu.Unlock()
	if !c.ends.IsZero() {
		c.ends = end
	}
}

// expire ends a context when its time is over, or waits on if the claim was
// renewed. It never waits for a Store.
func (c *Claim) expire(id int) {
	c.ctxMu.Lock()
	defer c.ctxMu.Unlock()
	b, ok := c.cancels[id]
	left := c.left()
	switch {
	case !ok:
	case left <= 0:
		delete(c.cancels, id)
		b.cancel(ErrLost)
	default:
		b.timer.Reset(left)
	}
}

// lose ends everything under the claim; c.mu is held.
func (c *Claim) lose(err error) {
	if c.lost != nil || c.done {
		return
	}
	if !errors.Is(err, ErrLost) {
		err = fmt.Errorf("%w: %w", ErrLost, err)
	}
	c.lost = err
	c.beat.Stop()
	c.endContexts()
}

// endContexts ends what may go on only under the claim.
func (c *Claim) endContexts() {
	c.ctxMu.Lock()
	defer c.ctxMu.Unlock()
	c.ends = time.Time{}
	for id, b := range c.cancels {
		b.timer.Stop()
		b.cancel(ErrLost)
		delete(c.cancels, id)
	}
}

// heartbeat renews the claim at intervals.
func (c *Claim) heartbeat() {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.lost != nil || c.done {
		return
	}
	if time.Since(c.began) >= c.b.policy.MaxHold {
		return // work that hangs does not hold for ever
	}
	ctx, cancel := context.WithTimeout(context.Background(), max(time.Until(c.end)-c.b.policy.Skew, time.Millisecond))
	defer cancel()
	c.renew(ctx)
	if c.lost == nil {
		c.beat.Reset(c.b.policy.Heartbeat)
	}
}

// Note makes every heartbeat store what change makes of the entry, such as how
// far the work has come. change must not use the claim.
func (c *Claim) Note(change func(*ccr.LedgerEntry)) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.note = change
}

// renew moves the end of the lease; c.mu is held. A ledger that fails is
// asked again at the next heartbeat; one that says that the entry is
// another's ends the claim.
func (c *Claim) renew(ctx context.Context) {
	change := c.note
	if change == nil {
		change = func(*ccr.LedgerEntry) {}
	}
	err := c.update(ctx, change)
	if err != nil && (errors.Is(err, ErrLost) || time.Until(c.end) <= 0) {
		c.lose(err)
	}
}

// Advance stores a change of the entry under the claim, which it renews. An
// error that is [ErrLost] means that the claim is another's; after any other
// one it is not known whether the change was stored.
func (c *Claim) Advance(ctx context.Context, change func(*ccr.LedgerEntry)) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.lost != nil {
		return c.lost
	}
	if c.done {
		return ErrLost
	}
	err := c.update(ctx, change)
	if errors.Is(err, ErrLost) {
		c.lose(err)
	}
	return err
}

// update stores a change and a new end of the lease; c.mu is held.
func (c *Claim) update(ctx context.Context, change func(*ccr.LedgerEntry)) (err error) {
	for range maxRounds {
		now := time.Now()
		end := now.Add(c.b.policy.Lease)
		next := c.entry
		next.Attributes = maps.Clone(next.Attributes)
		change(&next)
		if next.State != c.entry.State {
			next.At = now.Round(0).UTC().Truncate(storeTime)
		}
		next.Until = end.Round(0).UTC().Truncate(storeTime)
		if err = c.b.safeStore(ctx, &next); err == nil {
			c.held(next, end)
			return nil
		}
		found, lerr := c.b.safeLoad(ctx, next.Key)
		switch {
		case lerr != nil:
			return err
		case found.Owner != c.b.owner || found.Token != c.entry.Token:
			return ErrLost
		case found.Until.Equal(next.Until) && found.State == next.State && maps.Equal(found.Attributes, next.Attributes):
			c.held(found, end) // stored after all
			return nil
		case found.Version == c.entry.Version:
			return err
		}
		c.entry = found // an earlier store of ours whose answer was lost: go on from there
	}
	return err
}

// safeStore is Store of a ledger that is not ours: a panic in it must not end
// the process from a heartbeat.
func (b *Book) safeStore(ctx context.Context, e *ccr.LedgerEntry) (err error) {
	defer recovered(&err)
	return b.store(ctx, e)
}

func (b *Book) safeLoad(ctx context.Context, key string) (e ccr.LedgerEntry, err error) {
	defer recovered(&err)
	return b.Load(ctx, key)
}

func recovered(err *error) {
	if p := recover(); p != nil {
		*err = errors.New("ledger: the implementation panicked")
	}
}

// Record stores a fact and ends the claim. A fact has happened, so it is
// recorded even if ctx has ended (for RecordTimeout at most). One that
// something was done (sent, delivered, archived) is recorded even if the claim
// was lost: over intent, resolving, unknown and refused of any worker. One that
// it was not is recorded under one's own token only, since another worker may
// have sent it by now; else the error is [ErrLost], and who has the claim
// resolves it. change gets the entry as it is stored by then; it is called
// again after a conflict. Where the entry says already what change would make
// of it, all is well.
func (c *Claim) Record(ctx context.Context, change func(*ccr.LedgerEntry)) error {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), RecordTimeout)
	defer cancel()
	c.mu.Lock()
	defer c.mu.Unlock()
	defer c.finish()
	entry, err := c.b.record(ctx, c.entry, c.entry.Token, change)
	if err == nil {
		c.entry = entry
	}
	return err
}

// record stores a fact of the attempt with a token over an entry; it returns
// the entry as it is stored then.
func (b *Book) record(ctx context.Context, found ccr.LedgerEntry, token string, change func(*ccr.LedgerEntry)) (ccr.LedgerEntry, error) {
	var err error
	for range maxRounds {
		next := found
		next.Attributes = maps.Clone(next.Attributes)
		change(&next)
		switch decide(found, next.State, token) {
		case factKnown:
			return found, nil
		case factRefused:
			return found, fmt.Errorf("ledger: the entry says %q by now: %w", found.State, ErrLost)
		}
		next.Owner, next.Until, next.Token = "", time.Time{}, token
		next.At = time.Now().Round(0).UTC().Truncate(storeTime)
		if err = b.safeStore(ctx, &next); err == nil {
			return next, nil
		}
		var lerr error
		if found, lerr = b.safeLoad(ctx, next.Key); lerr != nil {
			return found, errors.Join(err, lerr)
		}
	}
	return found, err
}

// What to do with a fact, given the entry as it is stored.
type factDecision int

const (
	factStore   factDecision = iota
	factKnown                // the entry says so already
	factRefused              // the entry is another's to decide
)

// decide says what to do with the fact that state is, of the attempt that had
// the token.
func decide(found ccr.LedgerEntry, state, token string) factDecision {
	switch {
	case found.State == state && found.Owner == "":
		return factKnown
	case found.Token == token, positive(state) && overwritable(found.State), state == ccr.StateRefused && doubts(found, token):
		return factStore
	}
	return factRefused
}

// positive reports whether a state says that something was done.
func positive(state string) bool {
	return state == ccr.StateSent || state == ccr.StateDelivered || state == ccr.StateArchived
}

// overwritable reports whether a fact may be recorded over a state that
// another worker set.
func overwritable(state string) bool {
	switch state {
	case ccr.StateIntent, ccr.StateResolving, ccr.StateUnknown, ccr.StateRefused:
		return true
	}
	return false
}

// Release ends the claim without a fact: what was advanced stays. An entry
// that another worker holds by now is left alone. It works after ctx has
// ended, too.
func (c *Claim) Release(ctx context.Context, change func(*ccr.LedgerEntry)) error {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), RecordTimeout)
	defer cancel()
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.done || c.lost != nil {
		c.finish()
		return nil
	}
	defer c.finish()
	var err error
	for range maxRounds {
		next := c.entry
		next.Attributes = maps.Clone(next.Attributes)
		if change != nil {
			change(&next)
		}
		if next.State != c.entry.State {
			next.At = time.Now().Round(0).UTC().Truncate(storeTime)
		}
		next.Owner, next.Until = "", time.Time{}
		if err = c.b.safeStore(ctx, &next); err == nil {
			c.entry = next
			return nil
		}
		found, lerr := c.b.safeLoad(ctx, next.Key)
		switch {
		case lerr != nil:
			return errors.Join(err, lerr)
		case found.Token != c.entry.Token || found.Owner == "":
			return nil // another's, or released after all
		}
		c.entry = found
	}
	return err
}

// finish stops the heartbeat and ends the contexts; c.mu is held.
func (c *Claim) finish() {
	c.done = true
	c.beat.Stop()
	c.endContexts()
}
