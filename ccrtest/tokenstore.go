package ccrtest

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync/atomic"
	"time"

	"github.com/ccr-sdk/ccr"
	"github.com/ccr-sdk/ccr/auth"
)

// TokenStoreUnderTest is a token store and what a fleet makes of it.
type TokenStoreUnderTest struct {
	Store auth.TokenStore // the one under test
	// Another is the same store as another process opens it; nil: Store itself.
	Another auth.TokenStore
	// Kill ends a process that holds a lock: it returns that process's store
	// and what kills it, after which its lock must end within LockFor. nil: the
	// store serves one process, or each fetches tokens of its own.
	Kill    func() (store auth.TokenStore, kill func(), err error)
	LockFor time.Duration
}

// TestTokenStore checks a token store, which may hold other tokens. The tokens
// it leaves are no real ones.
func TestTokenStore(ctx context.Context, s TokenStoreUnderTest) error {
	if s.Another == nil {
		s.Another = s.Store
	}
	if s.Store == nil || s.Kill != nil && s.LockFor <= 0 {
		return errors.New("ccrtest: TestTokenStore needs Store, and LockFor beside Kill")
	}
	return runCases(ctx, &s, []testCase[*TokenStoreUnderTest]{
		{"missing token", "a first worker fetches a token instead of failing", (*TokenStoreUnderTest).missing},
		{"token", "what one worker fetched serves the others as it was issued", (*TokenStoreUnderTest).token},
		{"token keys", "no token reaches another client's, audience's or environment's calls", (*TokenStoreUnderTest).keys},
		{"lock", "a fleet fetches each token once", (*TokenStoreUnderTest).lock},
		{"lock outlives context", "a fetch that takes its time is not joined by another one", (*TokenStoreUnderTest).outlives},
		{"lock within context", "a call ends in its time though another worker holds the lock", (*TokenStoreUnderTest).within},
		{"unlock twice", "a late unlock does not end another worker's lock", (*TokenStoreUnderTest).unlockTwice},
		{"dead holder", "a worker that is killed while it fetches stops nobody for long", (*TokenStoreUnderTest).deadHolder},
	})
}

// tokenKey is like the keys that package auth makes.
func tokenKey(name string) string {
	return "https://token.example.com/oauth/token\n" + name + "\nhttps://api.example.com"
}

func (s *TokenStoreUnderTest) missing(ctx context.Context) error {
	if _, err := s.Store.Load(ctx, tokenKey("never saved")); !errors.Is(err, auth.ErrNoToken) {
		return fmt.Errorf("a Load of a key that was never saved returned %w, not auth.ErrNoToken", err)
	}
	return nil
}

// testToken is a token; its times are what servers tell, in whole seconds.
func testToken(access, refresh string) auth.Token {
	now := time.Now().Truncate(time.Second)
	t := auth.Token{Access: ccr.NewSecret(access), Expiry: now.Add(time.Hour)}
	if refresh != "" {
		t.Refresh, t.RefreshExpiry = ccr.NewSecret(refresh), now.Add(48*time.Hour)
	}
	return t
}

func sameSecret(a, b ccr.Secret) bool {
	if a.IsZero() || b.IsZero() {
		return a.IsZero() == b.IsZero()
	}
	x, err := a.Reveal()
	y, err2 := b.Reveal()
	return err == nil && err2 == nil && x == y
}

// sameToken tells what differs; it shows no token.
func sameToken(got, want auth.Token) error {
	switch {
	case !sameSecret(got.Access, want.Access):
		return errors.New("the access token is another one")
	case !sameSecret(got.Refresh, want.Refresh):
		return errors.New("the refresh token is another one")
	case !got.Expiry.Equal(want.Expiry) || !got.RefreshExpiry.Equal(want.RefreshExpiry):
		return errors.New("a time is another one")
	}
	return nil
}

func (s *TokenStoreUnderTest) token(ctx context.Context) error {
	key := tokenKey("token")
	for i, want := range []auth.Token{
		testToken("first", "refresh"),
		testToken("second, without refresh", ""),
		{Access: ccr.NewSecret("third, without a time")},
		testToken(strings.Repeat("long", 4000), strings.Repeat("r", 8000)),
	} {
		if err := s.Store.Save(ctx, key, want); err != nil {
			return fmt.Errorf("save: %w", err)
		}
		got, err := s.Another.Load(ctx, key)
		if err == nil {
			err = sameToken(got, want)
		}
		if err != nil {
			return fmt.Errorf("token %d: %w", i, err)
		}
	}
	return nil
}

func (s *TokenStoreUnderTest) keys(ctx context.Context) error {
	keys := []string{
		tokenKey("a"), tokenKey("A"), tokenKey("a "), tokenKey("a\n"), tokenKey("a'b"), tokenKey("a/b"), tokenKey("../a"), tokenKey("%61"),
		tokenKey("ü"), tokenKey("u\u0308"), tokenKey(strings.Repeat("n", 600)), tokenKey(strings.Repeat("n", 601)), "a", "A",
	}
	for i, key := range keys {
		if err := s.Store.Save(ctx, key, testToken(fmt.Sprint("token ", i), "")); err != nil {
			return fmt.Errorf("save under key %d: %w", i, err)
		}
	}
	for i, key := range keys {
		got, err := s.Another.Load(ctx, key)
		if err == nil && !sameSecret(got.Access, ccr.NewSecret(fmt.Sprint("token ", i))) {
			err = errors.New("another key's token")
		}
		if err != nil {
			return fmt.Errorf("load of key %d: %w", i, err)
		}
	}
	return nil
}

// lock counts who is inside a lock, from both handles; another key is free.
func (s *TokenStoreUnderTest) lock(ctx context.Context) error {
	var inside, most, times atomic.Int32
	errs := together(12, func(i int) error {
		store := []auth.TokenStore{s.Store, s.Another}[i%2]
		unlock, err := store.Lock(ctx, tokenKey("lock"))
		if err != nil {
			return err
		}
		defer unlock()
		n := inside.Add(1)
		for m := most.Load(); n > m && !most.CompareAndSwap(m, n); m = most.Load() {
		}
		times.Add(1)
		sleep(ctx, 2*time.Millisecond)
		free, err := store.Lock(ctx, tokenKey(fmt.Sprint("another lock ", i)))
		if err != nil {
			return fmt.Errorf("another key: %w", err)
		}
		free()
		inside.Add(-1)
		return nil
	})
	if err := errors.Join(errs...); err != nil {
		return err
	}
	if most.Load() > 1 {
		return fmt.Errorf("%d workers held one lock at once", most.Load())
	}
	return nil
}

func sleep(ctx context.Context, d time.Duration) {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-ctx.Done():
	case <-t.C:
	}
}

// held checks that a lock cannot be had.
func (s *TokenStoreUnderTest) held(ctx context.Context, key string) error {
	short, cancel := context.WithTimeout(ctx, 300*time.Millisecond)
	defer cancel()
	if unlock, err := s.Another.Lock(short, key); err == nil {
		unlock()
		return errors.New("another worker was given the lock as well")
	}
	return nil
}

// free checks that a lock can be had before the time is over.
func (s *TokenStoreUnderTest) free(ctx context.Context, key string, within time.Duration) error {
	soon, cancel := context.WithTimeout(ctx, within)
	defer cancel()
	unlock, err := s.Another.Lock(soon, key)
	if err != nil {
		return fmt.Errorf("a lock that nobody holds was not given within %v: %w", within, err)
	}
	unlock()
	return nil
}

const soon = 15 * time.Second

func (s *TokenStoreUnderTest) outlives(ctx context.Context) error {
	key := tokenKey("outlives")
	waiting, cancel := context.WithCancel(ctx)
	unlock, err := s.Store.Lock(waiting, key)
	cancel()
	if err != nil {
		return err
	}
	defer unlock()
	if err := s.held(ctx, key); err != nil {
		return err
	}
	unlock()
	return s.free(ctx, key, soon)
}

func (s *TokenStoreUnderTest) within(ctx context.Context) error {
	key := tokenKey("within")
	unlock, err := s.Store.Lock(ctx, key)
	if err != nil {
		return err
	}
	defer unlock()
	begin := time.Now()
	if err := s.held(ctx, key); err != nil {
		return err
	}
	if took := time.Since(begin); took > soon {
		return fmt.Errorf("a Lock returned %v after its context had ended", took)
	}
	unlock()
	return s.free(ctx, key, soon) // nobody who gave up is given it later
}

func (s *TokenStoreUnderTest) unlockTwice(ctx context.Context) error {
	key := tokenKey("unlock twice")
	unlock, err := s.Store.Lock(ctx, key)
	if err != nil {
		return err
	}
	unlock()
	unlock()
	second, err := s.Store.Lock(ctx, key)
	if err != nil {
		return err
	}
	defer second()
	unlock()
	return s.held(ctx, key)
}

func (s *TokenStoreUnderTest) deadHolder(ctx context.Context) error {
	if s.Kill == nil {
		return nil
	}
	store, kill, err := s.Kill()
	if err != nil {
		return err
	}
	key := tokenKey("dead holder")
	if _, err := store.Lock(ctx, key); err != nil {
		return err
	}
	if err := s.held(ctx, key); err != nil {
		return err
	}
	sleep(ctx, s.LockFor) // one that lives keeps it
	if err := s.held(ctx, key); err != nil {
		return fmt.Errorf("while its holder lives: %w", err)
	}
	kill()
	return s.free(ctx, key, s.LockFor+soon)
}
