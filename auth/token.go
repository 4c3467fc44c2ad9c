package auth

import (
	"context"
	"errors"
	"sync"
	"time"

	"github.com/ccr-sdk/ccr"
)

// Token is an access token and, if the server sent one, a refresh token.
type Token struct {
	Access        ccr.Secret // sent as "Authorization: Bearer …"; visible ASCII only
	Expiry        time.Time  // zero: taken as 24 hours after it was fetched
	Refresh       ccr.Secret // unset if there is none
	RefreshExpiry time.Time  // zero: unknown
}

// TokenStore shares tokens between the processes of a fleet. The key tells
// apart token endpoint, client and audience; it holds no secret. A store that
// keeps tokens outside memory encrypts them by [Token.Seal]: encoders see
// "[redacted]". See the example.
//
// A store that fails costs token requests, not calls: the failure is logged,
// and a token fetched.
type TokenStore interface {
	// Load returns the token with a key, or an error that is [ErrNoToken].
	Load(ctx context.Context, key string) (Token, error)
	// Save replaces the token with a key.
	Save(ctx context.Context, key string, t Token) error
	// Lock waits within ctx for the lock of a key, so that a fleet fetches each
	// token once. A lock whose holder died must end by itself; unlock may be
	// called more than once. A store that cannot lock returns a func that does
	// nothing: each process then fetches tokens of its own.
	Lock(ctx context.Context, key string) (unlock func(), err error)
}

// ErrNoToken: the store has no token with that key.
var ErrNoToken = errors.New("auth: no such token")

// NewMemoryTokenStore returns a store for the clients of one process.
func NewMemoryTokenStore() TokenStore {
	return &memoryStore{tokens: map[string]Token{}, locks: map[string]chan struct{}{}}
}

type memoryStore struct {
	mu     sync.Mutex
	tokens map[string]Token
	locks  map[string]chan struct{}
}

func (m *memoryStore) Load(_ context.Context, key string) (Token, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	t, ok := m.tokens[key]
	if !ok {
		return Token{}, ErrNoToken
	}
	return t, nil
}

func (m *memoryStore) Save(_ context.Context, key string, t Token) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.tokens[key] = t
	return nil
}

func (m *memoryStore) Lock(ctx context.Context, key string) (func(), error) {
	m.mu.Lock()
	l, ok := m.locks[key]
	if !ok {
		l = make(chan struct{}, 1)
		m.locks[key] = l
	}
	m.mu.Unlock()
	select {
	case l <- struct{}{}:
		return sync.OnceFunc(func() { <-l }), nil
	case <-ctx.Done():
		return nil, context.Cause(ctx)
	}
}
