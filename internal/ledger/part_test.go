package ledger_test

import (
	"strconv"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/ccr-sdk/ccr"
	"github.com/ccr-sdk/ccr/internal/ledger"
)

const partKey = "batch.test.production.x"

// job claims an entry that has parts.
func job(t *testing.T, l ccr.Ledger) *ledger.Claim {
	t.Helper()
	c, err := ledger.New(l, ccr.LeasePolicy{}).Acquire(t.Context(), key, "a job", func(found ccr.LedgerEntry, _ bool) (ccr.LedgerEntry, error) {
		return ledger.NextEpoch(found), nil
	})
	require.NoError(t, err)
	return c
}

// to is a plan that stores a state.
func to(state string) func(ccr.LedgerEntry) (ccr.LedgerEntry, error) {
	return func(e ccr.LedgerEntry) (ccr.LedgerEntry, error) {
		e.State = state
		return e, nil
	}
}

func TestPartCarriesTheClaim(t *testing.T) {
	t.Parallel()
	l := ccr.NewMemoryLedger()
	c := job(t, l)
	p, err := c.Part(t.Context(), ccr.LedgerEntry{Key: partKey}, to(ccr.StateIntent))
	require.NoError(t, err)
	e, err := l.Load(t.Context(), partKey)
	require.NoError(t, err)
	assert.Equal(t, []string{c.Entry().Owner, c.Token(), "1"}, []string{e.Owner, e.Token, e.Attributes[ledger.AttrEpoch]})
	require.NoError(t, p.Record(t.Context(), state(ccr.StateSent)))
	e, err = l.Load(t.Context(), partKey)
	require.NoError(t, err)
	assert.Equal(t, []string{ccr.StateSent, "", c.Token()}, []string{e.State, e.Owner, e.Token})
	require.NoError(t, c.Release(t.Context(), nil))
	assert.Equal(t, "2", job(t, l).Entry().Attributes[ledger.AttrEpoch])
	_, err = c.Part(t.Context(), e, to(ccr.StateIntent))
	require.ErrorIs(t, err, ledger.ErrLost, "a claim that was released has no parts")
}

// TestPartsOfTwoClaims: what the first owner and the one that took over may
// record of one part.
func TestPartsOfTwoClaims(t *testing.T) {
	t.Parallel()
	cases := map[string]struct {
		second []string // states that the second owner stores
		first  string   // what the first one records then
		want   string
		lost   bool
	}{
		"a fact over a doubt":           {[]string{ccr.StateUnknown}, ccr.StateSent, ccr.StateSent, false},
		"a withdrawal over a doubt":     {[]string{ccr.StateUnknown}, ccr.StateRefused, ccr.StateRefused, false},
		"a withdrawal over a resend":    {[]string{ccr.StateUnknown, ccr.StateIntent}, ccr.StateRefused, ccr.StateIntent, true},
		"a fact over a resend":          {[]string{ccr.StateUnknown, ccr.StateIntent}, ccr.StateSent, ccr.StateSent, false},
		"a withdrawal over another one": {[]string{ccr.StateUnknown, ccr.StateIntent, ccr.StateUnknown}, ccr.StateRefused, ccr.StateUnknown, true},
		"a doubt over a doubt":          {[]string{ccr.StateUnknown}, ccr.StateUnknown, ccr.StateUnknown, false},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				l := ccr.NewMemoryLedger()
				broken := &dead{Ledger: l}
				p, err := job(t, broken).Part(t.Context(), ccr.LedgerEntry{Key: partKey}, to(ccr.StateIntent))
				require.NoError(t, err)
				broken.set(true, false)
				time.Sleep(6 * time.Minute)
				for i, s := range c.second {
					claim := job(t, l)
					e, err := l.Load(t.Context(), partKey)
					require.NoError(t, err)
					_, err = claim.Part(t.Context(), e, to(s))
					require.NoError(t, err, i)
					require.NoError(t, claim.Release(t.Context(), nil))
				}
				broken.set(false, false)
				err = p.Record(t.Context(), state(c.first))
				if c.lost {
					require.ErrorIs(t, err, ledger.ErrLost)
				} else {
					require.NoError(t, err)
				}
				e, err := l.Load(t.Context(), partKey)
				require.NoError(t, err)
				assert.Equal(t, c.want, e.State)
			})
		})
	}
}

func TestPartOfALaterEpoch(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		l := ccr.NewMemoryLedger()
		stale := job(t, &dead{Ledger: l, down: false})
		later := ccr.LedgerEntry{Key: partKey, Attributes: map[string]string{ledger.AttrEpoch: "2"}}
		ctx, cancel := stale.Context(t.Context())
		defer cancel()
		_, err := stale.Part(t.Context(), later, to(ccr.StateIntent))
		require.ErrorIs(t, err, ledger.ErrLost)
		require.ErrorIs(t, stale.Check(t.Context()), ledger.ErrLost)
		<-ctx.Done()
		_, err = l.Load(t.Context(), partKey)
		require.ErrorIs(t, err, ccr.ErrNoEntry)
	})
}

func TestHeartbeatsCarryANote(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		l := ccr.NewMemoryLedger()
		c := job(t, l)
		var far atomic.Int64
		c.Note(func(e *ccr.LedgerEntry) { e.Attributes[ledger.AttrProgress] = strconv.FormatInt(far.Load(), 10) })
		far.Store(7)
		time.Sleep(61 * time.Second)
		_, err := ledger.New(l, ccr.LeasePolicy{}).Acquire(t.Context(), key, "a job", intend)
		require.ErrorContains(t, err, "so far 7")
		require.NoError(t, c.Release(t.Context(), nil))
	})
}
