package outbox

import (
	"context"
	"errors"
	"path/filepath"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/ccr-sdk/ccr"
)

func params(l ccr.Ledger, name, content string) Params {
	return Params{Ledger: l, Service: "gateway", Environment: "uat", File: ccr.FileFromBytes(name, []byte(content)), Advice: "Look at the vendor."}
}

func allow(p Params) Params {
	p.AllowSameContent = true
	return p
}

func begin(t *testing.T, p Params) *Claim {
	t.Helper()
	c, err := Begin(t.Context(), p)
	require.NoError(t, err)
	_, done := c.Recorded()
	require.False(t, done, "sent before")
	return c
}

func requireUnknown(t *testing.T, p Params) {
	t.Helper()
	c, err := Begin(t.Context(), p)
	require.ErrorIs(t, err, ccr.ErrOutcomeUnknown)
	require.Nil(t, c)
	e, ok := errors.AsType[*ccr.Error](err)
	require.True(t, ok)
	assert.Contains(t, e.Advice, "Look at the vendor.")
	assert.Equal(t, "gateway", e.Service)
}

func requireRecorded(t *testing.T, p Params, want map[string]string) {
	t.Helper()
	c, err := Begin(t.Context(), p)
	require.NoError(t, err)
	e, ok := c.Recorded()
	require.True(t, ok)
	assert.Equal(t, p.File.Name(), e.Name)
	assert.Equal(t, ccr.StateSent, e.State)
	assert.Equal(t, want, e.Attributes)
	require.NoError(t, c.Sent(t.Context(), nil), "a recorded claim has nothing to note")
	require.NoError(t, c.Refused(t.Context()))
}

func TestSentOnce(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "send.ledger")
	l, err := ccr.OpenLedger(path)
	require.NoError(t, err)
	p := params(l, "A.csv", "rows")
	c := begin(t, p)
	assert.Equal(t, int64(4), c.Size())
	assert.Len(t, c.SHA256(), 64)
	require.NoError(t, c.Sent(t.Context(), map[string]string{"id": "7"}))
	require.NoError(t, l.Close())

	l, err = ccr.OpenLedger(path)
	require.NoError(t, err)
	defer l.Close()
	requireRecorded(t, params(l, "A.csv", "rows"), map[string]string{"id": "7"})

	other := params(l, "A.csv", "rows")
	other.Environment = "production"
	begin(t, other)
	begin(t, params(l, "A.csv", "other rows"))
}

func TestRefusedMayGoAgain(t *testing.T) {
	t.Parallel()
	l := ccr.NewMemoryLedger()
	p := params(l, "A.csv", "rows")
	for range 3 {
		require.NoError(t, begin(t, p).Refused(t.Context()))
	}
	require.NoError(t, begin(t, p).Sent(t.Context(), nil))
	requireRecorded(t, p, nil)
}

func TestSameContentOtherName(t *testing.T) {
	t.Parallel()
	l := ccr.NewMemoryLedger()
	a, b, c := params(l, "A.csv", "rows"), params(l, "B.csv", "rows"), params(l, "C.csv", "rows")
	require.NoError(t, begin(t, a).Sent(t.Context(), nil))

	_, err := Begin(t.Context(), b)
	require.ErrorIs(t, err, ccr.ErrDuplicate)
	require.ErrorIs(t, err, ccr.ErrNotSent)
	assert.ErrorContains(t, err, `the same content was sent as "A.csv"`)

	claim := begin(t, allow(b))
	requireUnknown(t, allow(b))
	requireUnknown(t, b)
	require.NoError(t, claim.Sent(t.Context(), map[string]string{"n": "b"}))
	requireRecorded(t, allow(b), map[string]string{"n": "b"})
	requireRecorded(t, b, map[string]string{"n": "b"})
	// The first name never goes out again either, asked for or not.
	requireRecorded(t, allow(a), nil)
	requireRecorded(t, a, nil)

	_, err = Begin(t.Context(), c)
	require.ErrorIs(t, err, ccr.ErrDuplicate)
}

func TestRefusedContentIsFreeForAnotherName(t *testing.T) {
	t.Parallel()
	l := ccr.NewMemoryLedger()
	a, b := params(l, "A.csv", "rows"), params(l, "B.csv", "rows")
	require.NoError(t, begin(t, a).Refused(t.Context()))
	require.NoError(t, begin(t, b).Sent(t.Context(), nil))
	_, err := Begin(t.Context(), a)
	require.ErrorIs(t, err, ccr.ErrDuplicate)
}

// A name that went out beside a first one stays sent when the first one
// turns out not to have arrived.
func TestFurtherNameStaysSent(t *testing.T) {
	t.Parallel()
	l := ccr.NewMemoryLedger()
	a, b := params(l, "A.csv", "rows"), params(l, "B.csv", "rows")
	begin(t, a)
	requireUnknown(t, b) // the same content may be on its way as A
	require.NoError(t, begin(t, allow(b)).Sent(t.Context(), nil))
	require.NoError(t, Settle(t.Context(), l, "gateway", "uat", a.File, false))
	requireRecorded(t, b, nil)
	requireRecorded(t, allow(b), nil)
}

func TestDanglingIntent(t *testing.T) {
	t.Parallel()
	for _, arrived := range []bool{true, false} {
		l := ccr.NewMemoryLedger()
		p := params(l, "A.csv", "rows")
		begin(t, p)
		requireUnknown(t, p)
		requireUnknown(t, allow(p))
		settle := func(arrived bool) error { return Settle(t.Context(), l, "gateway", "uat", p.File, arrived) }
		require.NoError(t, settle(arrived))
		require.NoError(t, settle(arrived), "the same answer again")
		require.Error(t, settle(!arrived), "the opposite answer")
		if arrived {
			requireRecorded(t, p, map[string]string{"settled": "true"})
		} else {
			require.NoError(t, begin(t, p).Sent(t.Context(), nil))
		}
	}
	l := ccr.NewMemoryLedger()
	p := params(l, "A.csv", "rows")
	require.ErrorIs(t, Settle(t.Context(), l, "gateway", "uat", p.File, true), ccr.ErrNoEntry)
	begin(t, p)
	require.ErrorIs(t, Settle(t.Context(), l, "gateway", "uat", p.File.WithName("B.csv"), true), ccr.ErrNoEntry)
	require.ErrorIs(t, Settle(t.Context(), l, "sftp", "uat", p.File, true), ccr.ErrNoEntry)
	require.Error(t, Settle(t.Context(), nil, "gateway", "uat", p.File, true))
}

// A person who settled wrongly must not make a file go out twice.
func TestSentWinsOverWrongSettlement(t *testing.T) {
	t.Parallel()
	l := ccr.NewMemoryLedger()
	p := params(l, "A.csv", "rows")
	c := begin(t, p)
	require.NoError(t, Settle(t.Context(), l, "gateway", "uat", p.File, false))
	require.NoError(t, c.Sent(t.Context(), map[string]string{"id": "1"}))
	requireRecorded(t, p, map[string]string{"id": "1"})

	p = params(l, "A.csv", "other")
	c = begin(t, p)
	require.NoError(t, Settle(t.Context(), l, "gateway", "uat", p.File, false))
	begin(t, p) // a second process goes on with what was settled
	require.Error(t, c.Sent(t.Context(), nil), "must be told: two may be under way")
	requireUnknown(t, p)
}

func TestResultOutlivesContext(t *testing.T) {
	t.Parallel()
	l := ccr.NewMemoryLedger()
	p := params(ctxLedger{l}, "A.csv", "rows")
	ctx, cancel := context.WithCancel(t.Context())
	c, err := Begin(ctx, p)
	require.NoError(t, err)
	cancel()
	require.NoError(t, c.Sent(ctx, nil))
	requireRecorded(t, p, nil)

	p = params(ctxLedger{l}, "B.csv", "more")
	_, err = Begin(ctx, p)
	require.ErrorIs(t, err, context.Canceled)
	require.ErrorIs(t, err, ccr.ErrNotSent)
	begin(t, p) // no intent was left behind
}

// ctxLedger fails when its context has ended, as one over a network does.
type ctxLedger struct{ ccr.Ledger }

func (l ctxLedger) Load(ctx context.Context, key string) (ccr.LedgerEntry, error) {
	if ctx.Err() != nil {
		return ccr.LedgerEntry{}, ctx.Err()
	}
	return l.Ledger.Load(ctx, key)
}

func (l ctxLedger) Store(ctx context.Context, e ccr.LedgerEntry) error {
	if ctx.Err() != nil {
		return ctx.Err()
	}
	return l.Ledger.Store(ctx, e)
}

func TestNilLedger(t *testing.T) {
	t.Parallel()
	p := params(nil, "A.csv", "rows")
	p.File = ccr.NewFile("A.csv", 1, nil) // must not be opened
	for range 2 {
		c := begin(t, p)
		require.NoError(t, c.Sent(t.Context(), nil))
	}
	require.NoError(t, begin(t, p).Refused(t.Context()))
}

func TestUnreadableFile(t *testing.T) {
	t.Parallel()
	p := params(ccr.NewMemoryLedger(), "", "")
	p.File = ccr.FileFromPath(filepath.Join(t.TempDir(), "missing"))
	_, err := Begin(t.Context(), p)
	require.ErrorIs(t, err, ccr.ErrNotSent)
	require.Error(t, Settle(t.Context(), p.Ledger, "gateway", "uat", p.File, true))
}

// faultyLedger fails chosen operations, before or after they took effect.
type faultyLedger struct {
	ccr.Ledger
	mu    sync.Mutex
	store func(n int) (before, after error)
	n     int
}

var errDisk = errors.New("no space left")

func (l *faultyLedger) Store(ctx context.Context, e ccr.LedgerEntry) error {
	l.mu.Lock()
	n := l.n
	l.n++
	l.mu.Unlock()
	before, after := l.store(n)
	if before != nil {
		return before
	}
	return errors.Join(l.Ledger.Store(ctx, e), after)
}

func TestLedgerFailures(t *testing.T) {
	t.Parallel()
	only := func(at int, before, after error) func(int) (error, error) {
		return func(n int) (error, error) {
			if n == at {
				return before, after
			}
			return nil, nil
		}
	}
	t.Run("intent not written", func(t *testing.T) {
		l := &faultyLedger{Ledger: ccr.NewMemoryLedger(), store: only(0, errDisk, nil)}
		p := params(l, "A.csv", "rows")
		_, err := Begin(t.Context(), p)
		require.ErrorIs(t, err, errDisk)
		require.ErrorIs(t, err, ccr.ErrNotSent)
		begin(t, p)
	})
	t.Run("intent written, answer lost", func(t *testing.T) {
		l := &faultyLedger{Ledger: ccr.NewMemoryLedger(), store: only(0, nil, errDisk)}
		p := params(l, "A.csv", "rows")
		_, err := Begin(t.Context(), p)
		require.ErrorIs(t, err, ccr.ErrNotSent)
		requireUnknown(t, p) // safe, and settled by hand
		require.NoError(t, Settle(t.Context(), l, "gateway", "uat", p.File, false))
		begin(t, p)
	})
	t.Run("a ledger that retries inside", func(t *testing.T) {
		l := &faultyLedger{Ledger: ccr.NewMemoryLedger(), store: only(0, nil, ccr.ErrLedgerConflict)}
		require.NoError(t, begin(t, params(l, "A.csv", "rows")).Sent(t.Context(), nil))
	})
	t.Run("result not written", func(t *testing.T) {
		l := &faultyLedger{Ledger: ccr.NewMemoryLedger(), store: only(1, errDisk, nil)}
		p := params(l, "A.csv", "rows")
		c := begin(t, p)
		err := c.Sent(t.Context(), nil)
		require.ErrorIs(t, err, errDisk)
		assert.ErrorContains(t, err, "The file was sent and accepted")
		requireUnknown(t, p)
		require.NoError(t, c.Sent(t.Context(), nil), "noting it again may work")
		requireRecorded(t, p, nil)
	})
	t.Run("always a conflict", func(t *testing.T) {
		l := &faultyLedger{Ledger: ccr.NewMemoryLedger(), store: func(int) (error, error) { return ccr.ErrLedgerConflict, nil }}
		_, err := Begin(t.Context(), params(l, "A.csv", "rows"))
		require.ErrorIs(t, err, ccr.ErrLedgerConflict)
		require.ErrorIs(t, err, ccr.ErrNotSent)
	})
	t.Run("a state of a later version", func(t *testing.T) {
		l := ccr.NewMemoryLedger()
		p := params(l, "A.csv", "rows")
		c := begin(t, p)
		e := c.entry
		e.State = "queued"
		require.NoError(t, l.Store(t.Context(), e))
		_, err := Begin(t.Context(), p)
		require.ErrorIs(t, err, ccr.ErrNotSent)
		assert.ErrorContains(t, err, "queued")
	})
}

// Two processes claim one file under its two keys at the same moment: the one
// that looks second withdraws.
func TestClaimedUnderTheOtherKey(t *testing.T) {
	t.Parallel()
	for _, sent := range []bool{false, true} {
		plain := ccr.NewMemoryLedger()
		begin(t, params(plain, "A.csv", "rows")) // the first name, on its way
		var first *Claim
		l := &faultyLedger{Ledger: plain}
		l.store = func(n int) (error, error) {
			if n == 0 { // just before the second process writes its intent
				assert.NoError(t, Settle(t.Context(), plain, "gateway", "uat", params(nil, "A.csv", "rows").File, false))
				first = begin(t, params(plain, "B.csv", "rows"))
				if sent {
					assert.NoError(t, first.Sent(t.Context(), nil))
				}
			}
			return nil, nil
		}
		requireUnknown(t, allow(params(l, "B.csv", "rows")))
		require.NoError(t, first.Sent(t.Context(), nil))
		requireRecorded(t, params(plain, "B.csv", "rows"), nil)
		requireRecorded(t, allow(params(plain, "B.csv", "rows")), nil)
	}
}

// A ledger that cannot be read after the intent: the claim is withdrawn, and
// the error says that nothing was sent.
func TestLedgerLostWhileClaiming(t *testing.T) {
	t.Parallel()
	for loads := range 4 {
		plain := ccr.NewMemoryLedger()
		require.NoError(t, begin(t, params(plain, "A.csv", "rows")).Refused(t.Context()))
		l := &unreadable{Ledger: plain, left: loads}
		c, err := Begin(t.Context(), params(l, "B.csv", "rows"))
		if loads == 3 {
			require.NoError(t, err)
			require.NotNil(t, c)
			continue
		}
		require.ErrorIs(t, err, errDisk)
		require.ErrorIs(t, err, ccr.ErrNotSent)
		require.Nil(t, c)
		begin(t, params(plain, "B.csv", "rows"))
	}
	l := &unreadable{Ledger: ccr.NewMemoryLedger()}
	require.ErrorIs(t, Settle(t.Context(), l, "gateway", "uat", ccr.FileFromBytes("A", nil), true), errDisk)
}

// unreadable allows a number of loads.
type unreadable struct {
	ccr.Ledger
	left int
}

func (l *unreadable) Load(ctx context.Context, key string) (ccr.LedgerEntry, error) {
	if l.left--; l.left < 0 {
		return ccr.LedgerEntry{}, errDisk
	}
	return l.Ledger.Load(ctx, key)
}

// Many processes begin the same content at once, under one name or several:
// each name goes out once at most, and without leave only one name does.
func TestRace(t *testing.T) {
	t.Parallel()
	for round := range 200 {
		l := ccr.NewMemoryLedger()
		if round%2 == 1 { // the entry of a first name that did not arrive
			require.NoError(t, begin(t, params(l, "first.csv", "rows")).Refused(t.Context()))
		}
		var sent [3]atomic.Int32
		var wg sync.WaitGroup
		for i := range 12 {
			p := params(l, []string{"A.csv", "B.csv", "C.csv"}[i%3], "rows")
			p.AllowSameContent = round%4 >= 2
			wg.Go(func() {
				c, err := Begin(t.Context(), p)
				if err != nil {
					return
				}
				if _, done := c.Recorded(); done {
					return
				}
				sent[i%3].Add(1)
				assert.NoError(t, c.Sent(t.Context(), nil))
			})
		}
		wg.Wait()
		total := int32(0)
		for i := range sent {
			require.LessOrEqual(t, sent[i].Load(), int32(1))
			total += sent[i].Load()
		}
		if round%4 < 2 {
			require.Equal(t, int32(1), total)
		} else {
			require.GreaterOrEqual(t, total, int32(1))
		}
	}
}
