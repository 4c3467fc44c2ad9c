package ccrtest_test

import (
	"context"
	"errors"
	"iter"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/ccr-sdk/ccr"
	"github.com/ccr-sdk/ccr/ccrtest"
)

func TestLedgersOfTheSDK(t *testing.T) {
	t.Parallel()
	memory := ccr.NewMemoryLedger()
	require.NoError(t, ccrtest.TestLedger(t.Context(), memory, memory))
	file, err := ccr.OpenLedger(filepath.Join(t.TempDir(), "ledger"))
	require.NoError(t, err)
	defer file.Close()
	require.NoError(t, ccrtest.TestLedger(t.Context(), file, file))
}

// broken wraps a good ledger and does one thing wrong.
type broken struct {
	ccr.Ledger
	load  func(ctx context.Context, key string) (ccr.LedgerEntry, error)
	store func(ctx context.Context, e ccr.LedgerEntry) error
	list  func(ctx context.Context, q ccr.LedgerQuery) iter.Seq2[ccr.LedgerEntry, error]
}

func (b broken) Load(ctx context.Context, key string) (ccr.LedgerEntry, error) {
	if b.load != nil {
		return b.load(ctx, key)
	}
	return b.Ledger.Load(ctx, key)
}

func (b broken) Store(ctx context.Context, e ccr.LedgerEntry) error {
	if b.store != nil {
		return b.store(ctx, e)
	}
	return b.Ledger.Store(ctx, e)
}

func (b broken) List(ctx context.Context, q ccr.LedgerQuery) iter.Seq2[ccr.LedgerEntry, error] {
	if b.list != nil {
		return b.list(ctx, q)
	}
	return b.Ledger.(ccr.LedgerLister).List(ctx, q)
}

// Each mistake that is easy to make fails, at the case that stands for it.
func TestBrokenLedgersFail(t *testing.T) {
	t.Parallel()
	good := ccr.NewMemoryLedger
	tests := map[string]struct {
		make func() []ccr.Ledger
		want []string // cases that must be among those that fail
	}{
		"the last writer wins": {func() []ccr.Ledger {
			l := good()
			return []ccr.Ledger{broken{Ledger: l, store: func(ctx context.Context, e ccr.LedgerEntry) error {
				if now, err := l.Load(ctx, e.Key); err == nil {
					e.Version = now.Version
				}
				return l.Store(ctx, e)
			}}}
		}, []string{"stale", "create twice", "race"}},
		"look, then write": {func() []ccr.Ledger {
			var mu sync.Mutex
			entries := map[string]ccr.LedgerEntry{}
			l := broken{Ledger: good()}
			l.load = func(_ context.Context, key string) (ccr.LedgerEntry, error) {
				mu.Lock()
				defer mu.Unlock()
				e, ok := entries[key]
				if !ok {
					return e, ccr.ErrNoEntry
				}
				return e, nil
			}
			l.store = func(ctx context.Context, e ccr.LedgerEntry) error {
				now, _ := l.load(ctx, e.Key)
				if now.Version != e.Version {
					return ccr.ErrLedgerConflict
				}
				time.Sleep(time.Millisecond) // the way to the database
				mu.Lock()
				defer mu.Unlock()
				e.Version++
				entries[e.Key] = e
				return nil
			}
			return []ccr.Ledger{l}
		}, []string{"race"}},
		"times in seconds": {func() []ccr.Ledger {
			l := good()
			return []ccr.Ledger{broken{Ledger: l, store: func(ctx context.Context, e ccr.LedgerEntry) error {
				e.Until = e.Until.Truncate(time.Second)
				return l.Store(ctx, e)
			}}}
		}, []string{"create", "times"}},
		"keys are cut": {func() []ccr.Ledger {
			l := good()
			cut := func(key string) string { return key[:min(len(key), 190)] }
			return []ccr.Ledger{broken{Ledger: l, load: func(ctx context.Context, key string) (ccr.LedgerEntry, error) {
				e, err := l.Load(ctx, cut(key))
				e.Key = key
				return e, err
			}, store: func(ctx context.Context, e ccr.LedgerEntry) error {
				e.Key = cut(e.Key)
				return l.Store(ctx, e)
			}}}
		}, []string{"near keys"}},
		"a cache before it": {func() []ccr.Ledger {
			l := good()
			cached := func() ccr.Ledger {
				var mu sync.Mutex
				seen := map[string]ccr.LedgerEntry{}
				return broken{Ledger: l, load: func(ctx context.Context, key string) (ccr.LedgerEntry, error) {
					mu.Lock()
					defer mu.Unlock()
					if e, ok := seen[key]; ok {
						return e, nil
					}
					e, err := l.Load(ctx, key)
					if err == nil {
						seen[key] = e
					}
					return e, err
				}}
			}
			return []ccr.Ledger{cached(), cached()}
		}, []string{"update", "visible elsewhere"}},
		"an update leaves the claim": {func() []ccr.Ledger {
			l := good()
			return []ccr.Ledger{broken{Ledger: l, store: func(ctx context.Context, e ccr.LedgerEntry) error {
				if now, err := l.Load(ctx, e.Key); err == nil && e.Owner == "" {
					e.Owner, e.Until = now.Owner, now.Until
				}
				return l.Store(ctx, e)
			}}}
		}, []string{"cleared"}},
		"an ended context is a conflict": {func() []ccr.Ledger {
			l := good()
			return []ccr.Ledger{broken{Ledger: l, store: func(ctx context.Context, e ccr.LedgerEntry) error {
				if ctx.Err() != nil {
					return ccr.ErrLedgerConflict
				}
				return l.Store(ctx, e)
			}}}
		}, []string{"ended context"}},
		"stored, and an error; again, and fine": {func() []ccr.Ledger {
			l := good()
			return []ccr.Ledger{broken{Ledger: l, store: func(ctx context.Context, e ccr.LedgerEntry) error {
				err := l.Store(ctx, e)
				if ctx.Err() != nil {
					return ctx.Err()
				}
				if errors.Is(err, ccr.ErrLedgerConflict) && e.Version == 0 {
					return nil // "idempotent"
				}
				return err
			}}}
		}, []string{"create twice", "ended context"}},
		"missing is an error of its own": {func() []ccr.Ledger {
			l := good()
			return []ccr.Ledger{broken{Ledger: l, load: func(ctx context.Context, key string) (ccr.LedgerEntry, error) {
				e, err := l.Load(ctx, key)
				if err != nil {
					err = errors.New("sql: no rows in result set")
				}
				return e, err
			}}}
		}, []string{"missing"}},
		"a wildcard in the prefix": {func() []ccr.Ledger {
			l := good()
			return []ccr.Ledger{broken{Ledger: l, list: func(ctx context.Context, q ccr.LedgerQuery) iter.Seq2[ccr.LedgerEntry, error] {
				return func(yield func(ccr.LedgerEntry, error) bool) {
					prefix := q.KeyPrefix
					q.KeyPrefix = ""
					for e, err := range l.(ccr.LedgerLister).List(ctx, q) {
						if strings.HasPrefix(strings.ReplaceAll(e.Key, ".", "_"), strings.ReplaceAll(prefix, ".", "_")) && !yield(e, err) {
							return
						}
					}
				}
			}}}
		}, []string{"list"}},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			all := tt.make()
			err := ccrtest.TestLedger(t.Context(), all[0], all[1:]...)
			require.Error(t, err)
			assert.Subset(t, ccrtest.Failed(err), tt.want, "%v", err)
		})
	}
}
