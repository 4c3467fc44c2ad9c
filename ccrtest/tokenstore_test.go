package ccrtest_test

import (
	"context"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/ccr-sdk/ccr"
	"github.com/ccr-sdk/ccr/auth"
	"github.com/ccr-sdk/ccr/ccrtest"
)

func TestMemoryTokenStoreHoldsWhatIsAsked(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		require.NoError(t, ccrtest.TestTokenStore(t.Context(), ccrtest.TokenStoreUnderTest{Store: auth.NewMemoryTokenStore()}))
	})
}

// brokenStore is a memory store with one thing wrong.
type brokenStore struct {
	auth.TokenStore
	load func(ctx context.Context, key string) (auth.Token, error)
	save func(ctx context.Context, key string, t auth.Token) error
	lock func(ctx context.Context, key string) (func(), error)
}

func (b *brokenStore) Load(ctx context.Context, key string) (auth.Token, error) {
	if b.load != nil {
		return b.load(ctx, key)
	}
	return b.TokenStore.Load(ctx, key)
}

func (b *brokenStore) Save(ctx context.Context, key string, t auth.Token) error {
	if b.save != nil {
		return b.save(ctx, key, t)
	}
	return b.TokenStore.Save(ctx, key, t)
}

func (b *brokenStore) Lock(ctx context.Context, key string) (func(), error) {
	if b.lock != nil {
		return b.lock(ctx, key)
	}
	return b.TokenStore.Lock(ctx, key)
}

func TestBrokenTokenStoresFail(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		mend func(b *brokenStore)
		want []string
	}{
		"an empty token for a missing one": {func(b *brokenStore) {
			b.load = func(ctx context.Context, key string) (auth.Token, error) {
				t, _ := b.TokenStore.Load(ctx, key)
				return t, nil
			}
		}, []string{"missing token"}},
		"without the refresh token": {func(b *brokenStore) {
			b.save = func(ctx context.Context, key string, t auth.Token) error {
				t.Refresh = ccr.Secret{}
				return b.TokenStore.Save(ctx, key, t)
			}
		}, []string{"token"}},
		"keys in lower case": {func(b *brokenStore) {
			b.load = func(ctx context.Context, key string) (auth.Token, error) {
				return b.TokenStore.Load(ctx, strings.ToLower(key))
			}
			b.save = func(ctx context.Context, key string, t auth.Token) error {
				return b.TokenStore.Save(ctx, strings.ToLower(key), t)
			}
		}, []string{"token keys"}},
		"no lock": {func(b *brokenStore) {
			b.lock = func(context.Context, string) (func(), error) { return func() {}, nil }
		}, []string{"lock", "lock outlives context", "lock within context", "unlock twice"}},
		"one lock for all keys": {func(b *brokenStore) {
			b.lock = func(ctx context.Context, _ string) (func(), error) {
				ctx, cancel := context.WithTimeout(ctx, time.Minute)
				defer cancel()
				return b.TokenStore.Lock(ctx, "all")
			}
		}, []string{"lock"}},
		"held as long as the context": {func(b *brokenStore) {
			b.lock = func(ctx context.Context, key string) (func(), error) {
				unlock, err := b.TokenStore.Lock(ctx, key)
				if err == nil {
					context.AfterFunc(ctx, unlock)
				}
				return unlock, err
			}
		}, []string{"lock outlives context"}},
		"an unlock that frees whoever holds it": {func(b *brokenStore) {
			var mu sync.Mutex
			held := map[string]func(){}
			b.lock = func(ctx context.Context, key string) (func(), error) {
				unlock, err := b.TokenStore.Lock(ctx, key)
				if err != nil {
					return nil, err
				}
				mu.Lock()
				defer mu.Unlock()
				held[key] = unlock
				return func() {
					mu.Lock()
					defer mu.Unlock()
					held[key]()
				}, nil
			}
		}, []string{"unlock twice"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				b := &brokenStore{TokenStore: auth.NewMemoryTokenStore()}
				c.mend(b)
				err := ccrtest.TestTokenStore(t.Context(), ccrtest.TokenStoreUnderTest{Store: b})
				assert.Equal(t, c.want, ccrtest.Failed(err), "%v", err)
			})
		})
	}
	t.Run("a dead holder's lock that never ends, and one that ends while it lives", func(t *testing.T) {
		t.Parallel()
		synctest.Test(t, func(t *testing.T) {
			m := auth.NewMemoryTokenStore()
			s := ccrtest.TokenStoreUnderTest{Store: m, LockFor: time.Minute, Kill: func() (auth.TokenStore, func(), error) { return m, func() {}, nil }}
			assert.Equal(t, []string{"dead holder"}, ccrtest.Failed(ccrtest.TestTokenStore(t.Context(), s)))
			b := &brokenStore{TokenStore: auth.NewMemoryTokenStore()}
			b.lock = func(ctx context.Context, key string) (func(), error) {
				unlock, err := b.TokenStore.Lock(ctx, key)
				if err == nil {
					time.AfterFunc(time.Second, unlock)
				}
				return unlock, err
			}
			s.Store, s.Another, s.Kill = b, nil, func() (auth.TokenStore, func(), error) { return b, func() {}, nil }
			assert.Equal(t, []string{"dead holder"}, ccrtest.Failed(ccrtest.TestTokenStore(t.Context(), s)))
		})
	})
	require.Error(t, ccrtest.TestTokenStore(t.Context(), ccrtest.TokenStoreUnderTest{}))
}
