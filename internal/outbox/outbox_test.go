package outbox

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"path/filepath"
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

func params(l ccr.Ledger, name, content string) Params {
	sum := sha256.Sum256([]byte(content))
	return Params{
		Ledger: l, Operation: "Upload", Service: "gateway", Environment: "uat", Account: "acme", Name: name,
		SHA256: hex.EncodeToString(sum[:]), Size: int64(len(content)), Advice: "Look at the vendor",
	}
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
	require.False(t, c.Resolving())
	return c
}

func requireUnknown(t *testing.T, p Params) {
	t.Helper()
	c, err := Begin(t.Context(), p)
	require.ErrorIs(t, err, ccr.ErrOutcomeUnknown)
	require.Nil(t, c)
	e, ok := errors.AsType[*ccr.Error](err)
	require.True(t, ok)
	assert.Contains(t, e.Advice, "Look at the vendor")
	assert.Equal(t, "gateway", e.Service)
}

func requireClaimed(t *testing.T, p Params) {
	t.Helper()
	c, err := Begin(t.Context(), p)
	require.ErrorIs(t, err, ccr.ErrClaimed)
	require.ErrorIs(t, err, ccr.ErrNotSent)
	require.Nil(t, c)
	assert.Equal(t, ccr.ActionElsewhere, ccr.DispositionOf(err).Action)
}

func requireRecorded(t *testing.T, p Params, want map[string]string) {
	t.Helper()
	c, err := Begin(t.Context(), p)
	require.NoError(t, err)
	e, ok := c.Recorded()
	require.True(t, ok)
	assert.Equal(t, p.Name, e.FileName())
	assert.Equal(t, ccr.StateSent, e.State)
	assert.Equal(t, want, e.Attributes)
	require.NoError(t, c.Sent(t.Context(), nil), "a recorded claim has nothing to record")
	require.NoError(t, c.Refused(t.Context(), nil))
}

// abandon is what a killed process leaves of its claim, once the lease is over.
func abandon(t *testing.T, p Params) {
	t.Helper()
	down := &faultyLedger{Ledger: p.Ledger, store: func(n int) (error, error) {
		if n > 0 {
			return errDisk, nil
		}
		return nil, nil
	}}
	p.Ledger = down
	begin(t, p)
	time.Sleep(6 * time.Minute)
}

func TestSentOnce(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "send.ledger")
	l, err := ccr.OpenLedger(path)
	require.NoError(t, err)
	p := params(l, "A.csv", "rows")
	c := begin(t, p)
	assert.Equal(t, int64(4), c.Entry().Size)
	assert.Len(t, c.Entry().SHA256, 64)
	require.NoError(t, c.Sent(t.Context(), map[string]string{"id": "7"}))
	require.NoError(t, l.Close())

	l, err = ccr.OpenLedger(path)
	require.NoError(t, err)
	defer l.Close()
	p.Ledger = l
	requireRecorded(t, p, map[string]string{"id": "7"})

	for what, change := range map[string]func(p *Params){
		"environment": func(p *Params) { p.Environment = "production" },
		"account":     func(p *Params) { p.Account = "other" },
		"folder":      func(p *Params) { p.Folder = "eu" },
		"service":     func(p *Params) { p.Service = "sftp" },
	} {
		t.Run(what, func(t *testing.T) {
			other := p
			change(&other)
			begin(t, other)
		})
	}
	begin(t, params(l, "A.csv", "other rows"))
}

func TestRefusedMayGoAgain(t *testing.T) {
	t.Parallel()
	l := ccr.NewMemoryLedger()
	p := params(l, "A.csv", "rows")
	for range 3 {
		require.NoError(t, begin(t, p).Refused(t.Context(), nil))
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
	requireClaimed(t, allow(b))
	requireClaimed(t, b)
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
	require.NoError(t, begin(t, a).Refused(t.Context(), nil))
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
	first := begin(t, a)
	requireClaimed(t, b) // the same content is on its way as A
	require.NoError(t, begin(t, allow(b)).Sent(t.Context(), nil))
	requireRecorded(t, b, nil)
	require.NoError(t, first.Unknown(t.Context()))
	requireRecorded(t, b, nil)
	c := params(l, "C.csv", "rows")
	requireUnknown(t, c) // the same content may be there as A
	require.NoError(t, Settle(t.Context(), a, false))
	requireRecorded(t, b, nil)
	requireRecorded(t, allow(b), nil)
}

func TestUnknownIsSettled(t *testing.T) {
	t.Parallel()
	for _, arrived := range []bool{true, false} {
		for how, leave := range map[string]func(t *testing.T, p Params){
			"recorded": func(t *testing.T, p Params) { require.NoError(t, begin(t, p).Unknown(t.Context())) },
			"killed":   abandon,
		} {
			t.Run(how, func(t *testing.T) {
				t.Parallel()
				synctest.Test(t, func(t *testing.T) {
					p := params(ccr.NewMemoryLedger(), "A.csv", "rows")
					leave(t, p)
					requireUnknown(t, p)
					requireUnknown(t, allow(p))
					e, err := p.Ledger.Load(t.Context(), p.key())
					require.NoError(t, err)
					assert.Equal(t, ccr.StateUnknown, e.State)
					assert.Empty(t, e.Owner)
					require.NoError(t, Settle(t.Context(), p, arrived))
					require.NoError(t, Settle(t.Context(), p, arrived), "the same answer again")
					require.Error(t, Settle(t.Context(), p, !arrived), "the opposite answer")
					if arrived {
						requireRecorded(t, p, map[string]string{"settled": "true"})
					} else {
						require.NoError(t, begin(t, p).Sent(t.Context(), nil))
					}
				})
			})
		}
	}
}

func TestSettleAsksForTheRightFile(t *testing.T) {
	t.Parallel()
	l := ccr.NewMemoryLedger()
	p := params(l, "A.csv", "rows")
	require.ErrorIs(t, Settle(t.Context(), p, true), ccr.ErrNoEntry)
	c := begin(t, p)
	require.ErrorIs(t, Settle(t.Context(), p, true), ccr.ErrClaimed, "its worker lives")
	require.NoError(t, c.Unknown(t.Context()))
	other, service, none := params(l, "B.csv", "rows"), p, p
	service.Service, none.Ledger = "sftp", nil
	require.ErrorIs(t, Settle(t.Context(), other, true), ccr.ErrNoEntry)
	require.ErrorIs(t, Settle(t.Context(), service, true), ccr.ErrNoEntry)
	require.Error(t, Settle(t.Context(), none, true))
}

// The ledger fails while a person settles: that must be said. Without the
// check of Record's error, the person would believe it settled.
func TestSettleSaysThatTheLedgerFailed(t *testing.T) {
	t.Parallel()
	for at := range 2 { // the claim, and the result
		l := &faultyLedger{Ledger: ccr.NewMemoryLedger(), store: func(int) (error, error) { return nil, nil }}
		p := params(l, "A.csv", "rows")
		require.NoError(t, begin(t, p).Unknown(t.Context()))
		n := 0
		l.store = func(int) (error, error) {
			if n++; n > at {
				return errDisk, nil
			}
			return nil, nil
		}
		require.ErrorIs(t, Settle(t.Context(), p, true), errDisk)
	}
}

// A service that can look at the vendor gets what a dead worker left, and
// sends only under a new intent.
func TestResolving(t *testing.T) {
	t.Parallel()
	for _, arrived := range []bool{true, false} {
		synctest.Test(t, func(t *testing.T) {
			p := params(ccr.NewMemoryLedger(), "A.csv", "rows")
			p.Looks = true
			p.Attributes = func(found ccr.LedgerEntry) map[string]string {
				return map[string]string{"after": found.State}
			}
			abandon(t, p)
			c, err := Begin(t.Context(), p)
			require.NoError(t, err)
			require.True(t, c.Resolving())
			assert.Equal(t, map[string]string{"after": ""}, c.Entry().Attributes)
			assert.WithinDuration(t, time.Now(), c.ResolveAt(), time.Minute)
			require.NoError(t, c.Unknown(t.Context()))

			c, err = Begin(t.Context(), p) // and looks again
			require.NoError(t, err)
			require.True(t, c.Resolving())
			if arrived {
				require.NoError(t, c.Sent(t.Context(), nil))
				requireRecorded(t, p, nil)
				return
			}
			token := c.Entry().Token
			require.NoError(t, c.Refused(t.Context(), map[string]string{"temp": "x"}))
			c = begin(t, p)
			assert.NotEqual(t, token, c.Entry().Token)
			assert.Equal(t, map[string]string{"after": ccr.StateRefused}, c.Entry().Attributes)
		})
	}
}

// What the vendor said stands, whoever took the claim over meanwhile: a person
// who settled wrongly must not make a file go out twice.
func TestSentWinsOverATakeOver(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		plain := ccr.NewMemoryLedger()
		var down atomic.Bool
		l := &faultyLedger{Ledger: plain, store: func(int) (error, error) {
			if down.Load() {
				return errDisk, nil
			}
			return nil, nil
		}}
		c := begin(t, params(l, "A.csv", "rows"))
		down.Store(true)
		time.Sleep(6 * time.Minute)
		p := params(plain, "A.csv", "rows")
		require.ErrorIs(t, c.Check(t.Context()), ledger.ErrLost)
		requireUnknown(t, p)
		require.NoError(t, Settle(t.Context(), p, false))
		down.Store(false)
		require.NoError(t, c.Sent(t.Context(), map[string]string{"id": "1"}))
		requireRecorded(t, p, map[string]string{"id": "1"})
	})
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
	for range 2 {
		c := begin(t, p)
		ctx, cancel := c.Context(t.Context())
		require.NoError(t, c.Check(ctx))
		require.NoError(t, c.Note(ctx, nil))
		cancel()
		require.Error(t, ctx.Err())
		require.NoError(t, c.Sent(t.Context(), nil))
	}
	require.NoError(t, begin(t, p).Refused(t.Context(), nil))
}

func (l *faultyLedger) set(store func(n int) (before, after error)) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.store = store
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
	n, store := l.n, l.store
	l.n++
	l.mu.Unlock()
	before, after := store(n)
	if before != nil {
		return before
	}
	return errors.Join(l.Ledger.Store(ctx, e), after)
}

func TestLedgerFailures(t *testing.T) {
	t.Parallel()
	until := func(end int, before, after error) func(int) (error, error) {
		return func(n int) (error, error) {
			if n < end {
				return before, after
			}
			return nil, nil
		}
	}
	p := func(store func(int) (error, error)) Params {
		return params(&faultyLedger{Ledger: ccr.NewMemoryLedger(), store: store}, "A.csv", "rows")
	}
	t.Run("intent not stored at once", func(t *testing.T) {
		require.NoError(t, begin(t, p(until(1, errDisk, nil))).Sent(t.Context(), nil))
	})
	t.Run("intent not stored", func(t *testing.T) {
		p := p(until(3, errDisk, nil))
		_, err := Begin(t.Context(), p)
		require.ErrorIs(t, err, errDisk)
		require.ErrorIs(t, err, ccr.ErrNotSent)
		begin(t, p)
	})
	t.Run("intent stored, response lost", func(t *testing.T) {
		require.NoError(t, begin(t, p(until(1, nil, errDisk))).Sent(t.Context(), nil))
	})
	t.Run("a ledger that retries inside", func(t *testing.T) {
		require.NoError(t, begin(t, p(until(1, nil, ccr.ErrLedgerConflict))).Sent(t.Context(), nil))
	})
	t.Run("result not stored", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			l := &faultyLedger{Ledger: ccr.NewMemoryLedger(), store: until(0, nil, nil)}
			p := params(l, "A.csv", "rows")
			c := begin(t, p)
			l.set(func(int) (error, error) { return errDisk, nil })
			err := c.Sent(t.Context(), nil)
			require.ErrorIs(t, err, errDisk)
			require.ErrorIs(t, err, ccr.ErrOutcomeUnknown)
			assert.ErrorContains(t, err, "The file was sent and accepted")
			l.set(until(0, nil, nil))
			requireClaimed(t, p)
			time.Sleep(6 * time.Minute)
			requireUnknown(t, p)
		})
	})
	t.Run("always a conflict", func(t *testing.T) {
		_, err := Begin(t.Context(), p(func(int) (error, error) { return ccr.ErrLedgerConflict, nil }))
		require.ErrorIs(t, err, ccr.ErrLedgerConflict)
		require.ErrorIs(t, err, ccr.ErrNotSent)
	})
	t.Run("a state of a later version", func(t *testing.T) {
		p := p(until(0, nil, nil))
		require.NoError(t, begin(t, p).Refused(t.Context(), nil))
		e, err := p.Ledger.Load(t.Context(), p.key())
		require.NoError(t, err)
		e.State = "queued"
		require.NoError(t, p.Ledger.Store(t.Context(), e))
		_, err = Begin(t.Context(), p)
		require.ErrorIs(t, err, ccr.ErrNotSent)
		assert.ErrorContains(t, err, "queued")
	})
}

// Two workers claim one file under its two keys at the same moment: the one
// that looks second withdraws. Without alone, both send it.
func TestClaimedUnderTheOtherKey(t *testing.T) {
	t.Parallel()
	for _, sent := range []bool{false, true} {
		plain := ccr.NewMemoryLedger()
		a := begin(t, params(plain, "A.csv", "rows")) // the first name, on its way
		var first *Claim
		l := &faultyLedger{Ledger: plain}
		l.store = func(n int) (error, error) {
			if n == 0 { // just before the second worker stores its intent
				assert.NoError(t, a.Refused(t.Context(), nil))
				first = begin(t, params(plain, "B.csv", "rows"))
				if sent {
					assert.NoError(t, first.Sent(t.Context(), nil))
				}
			}
			return nil, nil
		}
		p := allow(params(l, "B.csv", "rows"))
		if sent {
			requireRecorded(t, p, nil)
		} else {
			requireClaimed(t, p)
		}
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
		require.NoError(t, begin(t, params(plain, "A.csv", "rows")).Refused(t.Context(), nil))
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
	require.ErrorIs(t, Settle(t.Context(), params(&unreadable{Ledger: ccr.NewMemoryLedger()}, "A", ""), true), errDisk)
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

// Many workers begin the same content at once, under one name or several:
// each name goes out once at most, and without leave only one name does.
func TestRace(t *testing.T) {
	t.Parallel()
	for round := range 200 {
		l := ccr.NewMemoryLedger()
		if round%2 == 1 { // the entry of a first name that did not arrive
			require.NoError(t, begin(t, params(l, "first.csv", "rows")).Refused(t.Context(), nil))
		}
		var sent [3]atomic.Int32
		var wg sync.WaitGroup
		for i := range 12 {
			p := params(l, []string{"A.csv", "B.csv", "C.csv"}[i%3], "rows")
			p.AllowSameContent = round%4 >= 2
			wg.Go(func() {
				c, err := Begin(t.Context(), p)
				if err != nil {
					assert.True(t, errors.Is(err, ccr.ErrClaimed) || errors.Is(err, ccr.ErrDuplicate), "%v", err)
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
