package ledger_test

import (
	"context"
	"errors"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/ccr-sdk/ccr"
	"github.com/ccr-sdk/ccr/internal/ledger"
)

const key = "out.test.production.x"

// intend is the plan of a send: an intent over nothing or a refusal.
func intend(found ccr.LedgerEntry, taken bool) (ccr.LedgerEntry, error) {
	switch {
	case taken && (found.State == ccr.StateIntent || found.State == ccr.StateResolving):
		return ledger.Taken(found), nil
	case found.State == ccr.StateSent:
		return found, errDone
	}
	found.State = ccr.StateIntent
	return found, nil
}

var errDone = errors.New("sent before")

func state(s string) func(*ccr.LedgerEntry) { return func(e *ccr.LedgerEntry) { e.State = s } }

func TestOneOfTwoWorkersHasTheClaim(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		l := ccr.NewMemoryLedger()
		a, b := ledger.New(l, ccr.LeasePolicy{}), ledger.New(l, ccr.LeasePolicy{})
		c, err := a.Acquire(t.Context(), key, "a.csv", intend)
		require.NoError(t, err)
		require.NoError(t, c.Check(t.Context()))
		time.Sleep(time.Hour) // heartbeats hold it
		_, err = b.Acquire(t.Context(), key, "a.csv", intend)
		require.ErrorIs(t, err, ccr.ErrClaimed)
		claimed, _ := errors.AsType[*ccr.ClaimedError](err)
		assert.Equal(t, a.Owner(), claimed.Owner)
		assert.Equal(t, "a.csv", claimed.What)
		assert.InDelta(t, 5*60, claimed.RetryAfter().Seconds(), 31, "the end of the lease and the skew")
		require.NoError(t, c.Record(t.Context(), state(ccr.StateSent)))
		_, err = b.Acquire(t.Context(), key, "a.csv", intend)
		require.ErrorIs(t, err, errDone)
	})
}

// dead is a ledger whose heartbeats fail: its worker is as good as dead.
type dead struct {
	ccr.Ledger
	mu   sync.Mutex
	down bool
	lose bool // store, and lose the answer
}

func (d *dead) set(down, lose bool) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.down, d.lose = down, lose
}

var errDown = errors.New("the database is down")

func (d *dead) Store(ctx context.Context, e ccr.LedgerEntry) error {
	d.mu.Lock()
	down, lose := d.down, d.lose
	d.mu.Unlock()
	if down {
		return errDown
	}
	err := d.Ledger.Store(ctx, e)
	if lose && err == nil {
		return errDown
	}
	return err
}

func TestATakenOverIntentIsNeverSent(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		l := ccr.NewMemoryLedger()
		broken := &dead{Ledger: l}
		a, b := ledger.New(broken, ccr.LeasePolicy{}), ledger.New(l, ccr.LeasePolicy{})
		mine, err := a.Acquire(t.Context(), key, "a.csv", intend)
		require.NoError(t, err)
		ctx, cancel := mine.Context(t.Context())
		defer cancel()
		broken.set(true, false)
		until := mine.Until()

		time.Sleep(time.Until(until) - 30*time.Second + time.Millisecond)
		assert.ErrorIs(t, context.Cause(ctx), ledger.ErrLost, "the context ends before the claim")
		require.ErrorIs(t, mine.Check(t.Context()), ledger.ErrLost, "less than the rest is left")
		_, err = b.Acquire(t.Context(), key, "a.csv", intend)
		require.ErrorIs(t, err, ccr.ErrClaimed, "the claim has not ended")

		time.Sleep(61 * time.Second)
		theirs, err := b.Acquire(t.Context(), key, "a.csv", intend)
		require.NoError(t, err)
		assert.Equal(t, ccr.StateResolving, theirs.Entry().State)
		assert.Equal(t, until.Add(time.Minute), theirs.ResolveAt())
		assert.NotEqual(t, mine.Token(), theirs.Token())

		// The vendor's word for the first one still counts, against its refusal too.
		broken.set(false, false)
		require.ErrorIs(t, mine.Record(t.Context(), state(ccr.StateRefused)), ledger.ErrLost,
			"that it did not arrive may be wrong by now")
		require.ErrorIs(t, theirs.Record(t.Context(), state(ccr.StateRefused)), nil)
	})
}

func TestAFactIsRecordedOverATakeOver(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		l := ccr.NewMemoryLedger()
		broken := &dead{Ledger: l}
		mine, err := ledger.New(broken, ccr.LeasePolicy{}).Acquire(t.Context(), key, "a.csv", intend)
		require.NoError(t, err)
		broken.set(true, false)
		time.Sleep(6 * time.Minute)
		theirs, err := ledger.New(l, ccr.LeasePolicy{}).Acquire(t.Context(), key, "a.csv", intend)
		require.NoError(t, err)
		broken.set(false, false)
		ended, cancel := context.WithCancel(t.Context())
		cancel()
		require.NoError(t, mine.Record(ended, state(ccr.StateSent)))
		require.ErrorIs(t, theirs.Advance(t.Context(), state(ccr.StateIntent)), ledger.ErrLost)
		e, err := l.Load(t.Context(), key)
		require.NoError(t, err)
		assert.Equal(t, ccr.StateSent, e.State)
		assert.Empty(t, e.Owner)
	})
}

func TestLostAnswersOfTheLedger(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		broken := &dead{Ledger: ccr.NewMemoryLedger(), lose: true}
		c, err := ledger.New(broken, ccr.LeasePolicy{}).Acquire(t.Context(), key, "a.csv", intend)
		require.NoError(t, err, "the claim is ours after all")
		time.Sleep(20 * time.Minute)
		require.NoError(t, c.Check(t.Context()), "so are its renewals")
		require.NoError(t, c.Advance(t.Context(), func(e *ccr.LedgerEntry) { e.Size = 1 }))
		require.NoError(t, c.Record(t.Context(), state(ccr.StateSent)))
	})
}

func TestReleaseLetsOthersGoOn(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		l := ccr.NewMemoryLedger()
		c, err := ledger.New(l, ccr.LeasePolicy{}).Acquire(t.Context(), key, "a.csv", intend)
		require.NoError(t, err)
		require.NoError(t, c.Release(t.Context(), state(ccr.StateRefused)))
		require.ErrorIs(t, c.Check(t.Context()), ledger.ErrLost)
		_, err = ledger.New(l, ccr.LeasePolicy{}).Acquire(t.Context(), key, "a.csv", intend)
		require.NoError(t, err)
	})
}

func TestHungWorkDoesNotHoldForEver(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		l := ccr.NewMemoryLedger()
		_, err := ledger.New(l, ccr.LeasePolicy{MaxHold: time.Hour}).Acquire(t.Context(), key, "a.csv", intend)
		require.NoError(t, err)
		time.Sleep(time.Hour + 10*time.Minute)
		_, err = ledger.New(l, ccr.LeasePolicy{}).Acquire(t.Context(), key, "a.csv", intend)
		require.NoError(t, err)
	})
}

func TestKeys(t *testing.T) {
	t.Parallel()
	seen := map[string][]string{}
	for _, parts := range [][]string{
		{"out", "sftp", "production", "a", "b"}, {"out", "sftp", "production", "ab", ""}, {"out", "sftp", "production", "ab"},
		{"out", "sftp", "Production", "a", "b"}, {"out", "sftp", "production", "A", "b"}, {"out", "sftp", "production", "relev\xe9.csv"},
		{"out", "sftp", "production", "relev\xe8.csv"}, {"in", "sftp", "production", "a", "b"}, {"out", "sftp", "uat/1", "a"}, {"out", "sftp", "uat:1", "a"},
	} {
		k := ledger.Key(parts[0], parts[1], parts[2], parts[3:]...)
		require.NoError(t, ccr.LedgerEntry{Key: k}.CheckKey())
		assert.NotContains(t, seen, k, "%q", parts)
		seen[k] = parts
	}
	assert.Equal(t, "out.gateway.production.701b55", ledger.Key("out", "gateway", "production", "x")[:len("out.gateway.production.")+6],
		"the format is on disk: never change it")
}

// hung is a ledger whose Store ignores its context and does not return.
type hung struct {
	ccr.Ledger
	hang atomic.Pointer[chan struct{}] // nil: it does not hang
}

func (h *hung) Store(ctx context.Context, e ccr.LedgerEntry) error {
	if hang := h.hang.Load(); hang != nil {
		<-*hang
	}
	return h.Ledger.Store(ctx, e)
}

// Before: the end of a context waited for the heartbeat that hung.
func TestContextsEndInTimeWhileTheLedgerHangs(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		h := &hung{Ledger: ccr.NewMemoryLedger()}
		c, err := ledger.New(h, ccr.LeasePolicy{}).Acquire(t.Context(), key, "a.csv", intend)
		require.NoError(t, err)
		ctx, cancel := c.Context(t.Context())
		defer cancel()
		begin := time.Now()
		hang := make(chan struct{})
		h.hang.Store(&hang)
		<-ctx.Done()
		assert.Equal(t, 4*time.Minute+30*time.Second, time.Since(begin), "the lease less the skew")
		close(hang)
		synctest.Wait()
	})
}
