package auth

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"math/rand/v2"
	"sync"
	"time"

	"github.com/ccr-sdk/ccr"
	"github.com/ccr-sdk/ccr/internal/transport"
)

const (
	defaultLifetime = 24 * time.Hour // Credit Clear documents 24 h and shows no expires_in
	maxLifetime     = 365 * defaultLifetime
	flightTimeout   = 2 * time.Minute // one fetch, its retries included
	firstPause      = time.Second     // after a failed fetch; doubles
	maxPause        = time.Minute
	advisoryMax     = 5 * time.Minute  // renew in the background this long before the end
	mandatoryMax    = 30 * time.Second // use no token closer to its end than this: clocks differ
)

// TokenSource is a [Credential] that caches bearer tokens.
type TokenSource struct{ s *sourceState }

// fetchFunc gets a token; prior is the last one, for its refresh token.
type fetchFunc func(ctx context.Context, prior Token) (Token, error)

// sourceState is behind a pointer so that no printed TokenSource shows it.
type sourceState struct {
	bound
	fetch fetchFunc
	bind  func(transport.Binding) error // tells the fetcher; may be nil
	store TokenStore
	key   string
	log   *slog.Logger

	mu        sync.Mutex
	token     Token
	header    string // "Bearer …"; "" if there is none
	advisory  time.Time
	mandatory time.Time
	rejected  string // the header that the API refused last; never used again
	flight    *flight
	failures  int
	pauseEnd  time.Time
	lastErr   error
}

// flight is one fetch that any number of callers wait for.
type flight struct {
	done chan struct{}
	err  error
}

// NewTokenSource caches what fetch returns, for tokens that come from a place
// of your own (a vault, a sidecar). prior is the last token, or the zero one.
// fetch is called by one goroutine at a time, with two minutes to answer.
func NewTokenSource(fetch func(ctx context.Context, prior Token) (Token, error)) (*TokenSource, error) {
	if fetch == nil {
		return nil, errors.New("auth: NewTokenSource needs a function")
	}
	return newSource(fetch, nil, nil, ""), nil
}

func newSource(fetch fetchFunc, bind func(transport.Binding) error, store TokenStore, key string) *TokenSource {
	return &TokenSource{&sourceState{fetch: fetch, bind: bind, store: store, key: key, log: slog.New(slog.DiscardHandler)}}
}

// Bind implements [Credential]; clients call it.
func (t *TokenSource) Bind(b transport.Binding) error {
	s := t.s
	if err := s.bound.bind(b); err != nil {
		return err
	}
	s.mu.Lock()
	s.log = b.Logger
	s.mu.Unlock()
	if s.bind != nil {
		return s.bind(b)
	}
	return nil
}

// Header implements [Credential]; clients call it.
func (t *TokenSource) Header(ctx context.Context) (name, value string, err error) {
	value, err = t.s.get(ctx)
	return "Authorization", value, err
}

// Refused implements [Credential]; clients call it after a 401.
func (t *TokenSource) Refused(value string) bool {
	s := t.s
	s.mu.Lock()
	defer s.mu.Unlock()
	if value == s.header {
		s.rejected, s.header = value, ""
		s.pauseEnd = time.Time{}
	}
	return true
}

// Format hides the tokens under every verb.
func (t TokenSource) Format(f fmt.State, _ rune) { io.WriteString(f, hidden) } //nolint:errcheck // fmt.State keeps no errors

// LogValue hides the tokens from log/slog.
func (t TokenSource) LogValue() slog.Value { return slog.StringValue(hidden) }

// MarshalJSON hides the tokens from encoding/json.
func (t TokenSource) MarshalJSON() ([]byte, error) { return []byte(`"` + hidden + `"`), nil }

func (s *sourceState) get(ctx context.Context) (string, error) {
	for {
		s.mu.Lock()
		now := time.Now()
		if s.header != "" && now.Before(s.mandatory) {
			if now.After(s.advisory) && s.flight == nil && now.After(s.pauseEnd) {
				s.start(ctx)
			}
			h := s.header
			s.mu.Unlock()
			return h, nil
		}
		if s.flight == nil {
			if now.Before(s.pauseEnd) {
				err := s.lastErr
				s.mu.Unlock()
				return "", err
			}
			s.start(ctx)
		}
		f := s.flight
		s.mu.Unlock()
		select {
		case <-ctx.Done():
			return "", fmt.Errorf("auth: gave up waiting for a token: %w", context.Cause(ctx))
		case <-f.done:
			if f.err != nil {
				return "", f.err
			}
		}
	}
}

// start begins a fetch that outlives the caller; s.mu is held.
func (s *sourceState) start(ctx context.Context) {
	f := &flight{done: make(chan struct{})}
	s.flight = f
	prior, rejected := s.token, s.rejected
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), flightTimeout)
	go func() {
		defer cancel()
		token, err := s.obtain(ctx, prior, rejected)
		s.mu.Lock()
		defer s.mu.Unlock()
		if err == nil {
			err = s.publish(token)
		}
		if err != nil {
			s.failures++
			pause := min(firstPause<<min(s.failures-1, 10), maxPause)
			s.pauseEnd, s.lastErr = time.Now().Add(pause), err
			s.log.LogAttrs(ctx, slog.LevelWarn, "token renewal failed", slog.Int("failures", s.failures), slog.Duration("pause", pause), slog.String("error", err.Error()))
		}
		f.err = err
		s.flight = nil
		close(f.done)
	}()
}

// obtain asks the store first, then the source, guarded by the store's lock.
// A panic of a caller's function must not leave the waiters waiting.
func (s *sourceState) obtain(ctx context.Context, prior Token, rejected string) (t Token, err error) {
	defer func() {
		if r := recover(); r != nil {
			err = errors.New("auth: the token function panicked")
		}
	}()
	if s.store == nil {
		return s.fetch(ctx, prior)
	}
	usable := func() (Token, bool) {
		t, err := s.store.Load(ctx, s.key)
		if err != nil || t.Access.IsZero() {
			return t, false
		}
		_, _, mandatory := windows(t, time.Now())
		h, err := headerOf(t)
		return t, err == nil && h != rejected && time.Now().Before(mandatory) && !sameAccess(t, prior)
	}
	if t, ok := usable(); ok {
		return t, nil
	}
	if l, ok := s.store.(TokenLocker); ok {
		unlock, err := l.Lock(ctx, s.key)
		if err != nil {
			return Token{}, fmt.Errorf("auth: lock the token store: %w", err)
		}
		defer unlock()
		if t, ok := usable(); ok { // fetched by another process while this one waited
			return t, nil
		}
	}
	t, err = s.fetch(ctx, prior)
	if err != nil {
		return t, err
	}
	if t.Expiry.IsZero() {
		t.Expiry = time.Now().Add(defaultLifetime)
	}
	if err := s.store.Save(ctx, s.key, t); err != nil {
		s.log.LogAttrs(ctx, slog.LevelWarn, "token store did not save", slog.String("error", err.Error()))
	}
	return t, nil
}

// publish makes a fetched token the cached one; s.mu is held.
func (s *sourceState) publish(t Token) error {
	h, err := headerOf(t)
	if err != nil {
		return err
	}
	if h == s.rejected {
		return &ccr.Error{
			Service: "auth", Operation: "Token", Outcome: ccr.OutcomeRejected, Classes: []error{ccr.ErrUnauthorized},
			Advice: "The token endpoint keeps issuing a token that the API refuses; check audience and environment",
		}
	}
	now := time.Now()
	if t.Expiry.IsZero() {
		t.Expiry = now.Add(defaultLifetime)
	}
	s.token, s.header = t, h
	_, s.advisory, s.mandatory = windows(t, now)
	s.failures, s.pauseEnd, s.lastErr = 0, time.Time{}, nil
	if !now.Before(s.mandatory) {
		// Too short-lived to be used by the rule; serve it to who waits, once.
		s.mandatory = now.Add(time.Until(t.Expiry) / 2)
		s.advisory = s.mandatory
		if !now.Before(s.mandatory) {
			s.header = ""
			return &ccr.Error{
				Service: "auth", Operation: "Token", Outcome: ccr.OutcomeRejected, Classes: []error{ccr.ErrUnauthorized},
				Advice: "The token endpoint issued a token that has already expired; check this machine's clock",
			}
		}
	}
	return nil
}

// windows returns the lifetime left and the two points from which a token is
// renewed: in the background, and before use. The first is spread a little,
// so that a fleet does not renew in one moment.
func windows(t Token, now time.Time) (life time.Duration, advisory, mandatory time.Time) {
	life = t.Expiry.Sub(now)
	margin := min(mandatoryMax, life/10)
	early := min(advisoryMax, life/5)
	early += time.Duration(rand.Int64N(int64(max(early/5, 1))))
	return life, t.Expiry.Add(-early), t.Expiry.Add(-margin)
}

func headerOf(t Token) (string, error) {
	access, err := t.Access.Reveal()
	if err != nil {
		return "", fmt.Errorf("auth: the token is empty: %w", err)
	}
	return bearer(access)
}

func sameAccess(a, b Token) bool {
	if a.Access.IsZero() || b.Access.IsZero() {
		return false
	}
	x, errX := a.Access.Reveal()
	y, errY := b.Access.Reveal()
	return errX == nil && errY == nil && x == y
}

// bearer makes the header value and refuses what cannot stand in a header.
func bearer(token string) (string, error) {
	for _, c := range []byte(token) {
		if c <= ' ' || c >= 0x7f {
			return "", errors.New("auth: the token holds characters that a header cannot carry")
		}
	}
	return "Bearer " + token, nil
}
