package ccr

import (
	"context"
	"errors"
	"path/filepath"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// TestLedgerContract is what every implementation must do; the receive and
// send ledgers rely on each of it.
func TestLedgerContract(t *testing.T) {
	t.Parallel()
	for name, open := range map[string]func(t *testing.T) Ledger{
		"memory": func(*testing.T) Ledger { return NewMemoryLedger() },
		"file": func(t *testing.T) Ledger {
			l, err := OpenLedger(filepath.Join(t.TempDir(), "ledger"))
			require.NoError(t, err)
			t.Cleanup(func() { require.NoError(t, l.Close()) })
			return l
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			ctx, l := t.Context(), open(t)
			_, err := l.Load(ctx, "k")
			require.ErrorIs(t, err, ErrNoEntry)
			require.Error(t, l.Store(ctx, LedgerEntry{}), "no key")
			require.ErrorIs(t, l.Store(ctx, LedgerEntry{Key: "k", Version: 1}), ErrLedgerConflict, "of an entry that is not there")
			require.ErrorIs(t, l.Store(ctx, LedgerEntry{Key: "k", Version: -1}), ErrLedgerConflict)
			_, err = l.Load(ctx, "k")
			require.ErrorIs(t, err, ErrNoEntry)

			e := LedgerEntry{Key: "k", State: StateIntent, Service: "gateway", Environment: "uat", Name: "A\n\"é\u2028\x00.csv", Size: 1 << 40, SHA256: "ab",
				At: time.Date(2026, 11, 21, 1, 2, 3, 4, time.UTC), Attributes: map[string]string{"a": "1"}}
			require.NoError(t, l.Store(ctx, e))
			require.ErrorIs(t, l.Store(ctx, e), ErrLedgerConflict, "created twice")
			got, err := l.Load(ctx, "k")
			require.NoError(t, err)
			want := e
			want.Version = 1
			require.Equal(t, want, got)

			e.Attributes["a"] = "changed by the caller"
			got.Attributes["a"] = "changed by a reader"
			again, err := l.Load(ctx, "k")
			require.NoError(t, err)
			require.Equal(t, map[string]string{"a": "1"}, again.Attributes, "the ledger has its own copy")

			again.State = StateSent
			require.NoError(t, l.Store(ctx, again))
			require.ErrorIs(t, l.Store(ctx, again), ErrLedgerConflict, "an old version")
			got, err = l.Load(ctx, "k")
			require.NoError(t, err)
			require.EqualValues(t, 2, got.Version)
			require.Equal(t, StateSent, got.State)
		})
	}
}

// One of many writers of the same version wins; each entry counts up once.
func TestLedgerRace(t *testing.T) {
	t.Parallel()
	file, err := OpenLedger(filepath.Join(t.TempDir(), "ledger"))
	require.NoError(t, err)
	defer file.Close()
	for _, l := range []Ledger{NewMemoryLedger(), file} {
		const rounds, keys = 5, 3
		for version := range int64(rounds) {
			var won [keys]atomic.Int32
			var wg sync.WaitGroup
			for i := range 8 * keys {
				wg.Go(func() {
					key := string(rune('a' + i%keys))
					err := l.Store(context.Background(), LedgerEntry{Key: key, Version: version, State: StateIntent})
					if err == nil {
						won[i%keys].Add(1)
					} else if !errors.Is(err, ErrLedgerConflict) {
						t.Error(err)
					}
					got, err := l.Load(context.Background(), key)
					if assert.NoError(t, err) {
						assert.Equal(t, version+1, got.Version, "a conflict or a success is visible at once")
					}
				})
			}
			wg.Wait()
			for i := range won {
				require.EqualValues(t, 1, won[i].Load())
			}
		}
	}
}
