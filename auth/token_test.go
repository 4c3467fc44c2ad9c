package auth_test

import (
	"context"
	"errors"
	"log/slog"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/ccr-sdk/ccr"
	"github.com/ccr-sdk/ccr/auth"
)

// TestFleet: clients with sources of their own, as in two processes, share a
// store. Each token is asked for once among them.
func TestFleet(t *testing.T) {
	t.Parallel()
	for name, wrap := range map[string]func(auth.TokenStore) auth.TokenStore{
		"memory": func(s auth.TokenStore) auth.TokenStore { return s },
		"encoding": func(s auth.TokenStore) auth.TokenStore {
			return &flatStore{TokenStore: s}
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			inWorld(t, func(t *testing.T, w *world) {
				w.delay = 2 * time.Second
				store := wrap(auth.NewMemoryTokenStore())
				sources := make([]*auth.TokenSource, 2)
				for i := range sources {
					sources[i] = w.source(func(c *auth.ClientCredentialsConfig) { c.Store = store })
				}
				a, b := w.client(sources[0]), w.client(sources[1])
				both := func() {
					var wg sync.WaitGroup
					for range 20 {
						wg.Go(func() { assert.NoError(t, call(t.Context(), a)) })
						wg.Go(func() { assert.NoError(t, call(t.Context(), b)) })
					}
					wg.Wait()
				}
				both()
				require.Equal(t, 1, w.tokenRequests(), "one token request between them")
				<-time.After(2 * time.Hour)
				both()
				require.Equal(t, 2, w.tokenRequests(), "and one when it has ended")
				w.revoke()
				both()
				require.Equal(t, 3, w.tokenRequests(), "and one when it is refused")
				<-time.After(time.Hour - 3*time.Minute)
				both()
				synctest.Wait()
				<-time.After(time.Minute)
				both()
				require.Equal(t, 4, w.tokenRequests(), "and one in the background")

				late := w.client(w.source(func(c *auth.ClientCredentialsConfig) { c.Store = store }))
				require.NoError(t, call(t.Context(), late))
				other := w.client(w.source(func(c *auth.ClientCredentialsConfig) { c.Store, c.Audience = store, "aud-2" }))
				require.NoError(t, call(t.Context(), other))
				require.Equal(t, 5, w.tokenRequests(), "another audience is another token")
			})
		})
	}
}

// flatStore keeps what a store outside the process would: plain texts.
type flatStore struct {
	auth.TokenStore
	mu   sync.Mutex
	rows map[string]row
}

type row struct {
	access string
	expiry int64
}

func (f *flatStore) Save(_ context.Context, key string, t auth.Token) error {
	access, err := t.Access.Reveal()
	if err != nil {
		return err
	}
	r := row{access: access, expiry: t.Expiry.UnixMilli()}
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.rows == nil {
		f.rows = map[string]row{}
	}
	f.rows[key] = r
	return nil
}

func (f *flatStore) Load(_ context.Context, key string) (auth.Token, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	r, ok := f.rows[key]
	if !ok {
		return auth.Token{}, auth.ErrNoToken
	}
	return auth.Token{Access: ccr.NewSecret(r.access), Expiry: time.UnixMilli(r.expiry)}, nil
}

// TestBrokenStore: a store that is away costs token requests, not calls.
func TestBrokenStore(t *testing.T) {
	t.Parallel()
	inWorld(t, func(t *testing.T, w *world) {
		var log lockedBuffer
		c := w.client(w.source(func(c *auth.ClientCredentialsConfig) { c.Store = awayStore{} }), ccr.WithLogger(slog.New(slog.NewTextHandler(&log, nil))))
		for range 3 {
			require.NoError(t, call(t.Context(), c))
		}
		require.Equal(t, 1, w.tokenRequests())
		for _, msg := range []string{"token store did not load", "token store did not lock", "token store did not save"} {
			assert.Contains(t, log.String(), msg)
		}
		assert.NotContains(t, log.String(), "c4n4ry")
	})
}

type awayStore struct{}

var errAway = errors.New("redis://user:c4n4ry@cache:6379 is away")

func (awayStore) Load(context.Context, string) (auth.Token, error) { return auth.Token{}, errAway }
func (awayStore) Save(context.Context, string, auth.Token) error   { return errAway }
func (awayStore) Lock(context.Context, string) (func(), error)     { return nil, errAway }

func TestMemoryStore(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := auth.NewMemoryTokenStore()
		_, err := s.Load(t.Context(), "k")
		require.ErrorIs(t, err, auth.ErrNoToken)
		require.NoError(t, s.Save(t.Context(), "k", auth.Token{Access: ccr.NewSecret("a")}))
		got, err := s.Load(t.Context(), "k")
		require.NoError(t, err)
		require.False(t, got.Access.IsZero())

		l := s
		unlock, err := l.Lock(t.Context(), "k")
		require.NoError(t, err)
		other, err := l.Lock(t.Context(), "other")
		require.NoError(t, err, "keys do not wait for each other")
		other()
		ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
		defer cancel()
		_, err = l.Lock(ctx, "k")
		require.ErrorIs(t, err, context.DeadlineExceeded)
		unlock()
		unlock() // twice does no harm
		again, err := l.Lock(t.Context(), "k")
		require.NoError(t, err)
		defer again()
		ctx, cancel = context.WithTimeout(t.Context(), time.Minute)
		defer cancel()
		_, err = l.Lock(ctx, "k")
		require.Error(t, err, "it is locked")
	})
}
