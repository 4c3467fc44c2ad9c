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
	maxAskedPause   = 15 * time.Minute // what a token endpoint's Retry-After can make of it
	advisoryMax     = 5 * time.Minute  // renew in the background this long before the end
	mandatoryMax    = 30 * time.Second // use no token closer to its end than this: clocks differ
	forgetRejected  = time.Minute      // a token that was refused may be tried again after
)

// TokenSource is a [Credential] that caches bearer tokens.
type TokenSource struct{ s *sourceState }

var _ transport.ReplayWatcher = (*TokenSource)(nil)

// fetchFunc gets a token; prior is the last one, for its refresh token.
type fetchFunc func(ctx context.Context, prior Token) (Token, error)

// sourceState is behind a pointer so that no printed TokenSource shows it.
type sourceState struct {
	bound
	fetch fetchFunc
	bind  func(transport.Binding) // tells the fetcher; may be nil
	store TokenStore
	key   string

	mu        sync.Mutex
	log       *slog.Logger
	token     Token
	header    hiddenText // "Bearer …"; nil if there is none
	advisory  time.Time
	mandatory time.Time
	flight    *flight

	failures int // fetches in a row
	pauseEnd time.Time
	lastErr  error

	rejected   hiddenText // the header that the API refused last
	rejectedAt time.Time
	refusals   int // replays in a row that were refused with a new token
	refusalEnd time.Time
}

// hiddenText is a text behind a closure, where no printer finds it.
type hiddenText func() string

func hide(s string) hiddenText { return func() string { return s } }

func (h hiddenText) is(s string) bool { return h != nil && h() == s }

// flight is one fetch that any number of callers wait for.
type flight struct {
	done   chan struct{}
	header hiddenText
	err    error
}

// NewTokenSource caches what fetch returns, for tokens that come from a place
// of your own (a vault, a sidecar). prior is the last token, or the zero one;
// it comes without its refresh token if the API refused it. fetch is called by
// one goroutine at a time and must end with ctx, which gives it two minutes.
func NewTokenSource(fetch func(ctx context.Context, prior Token) (Token, error)) (*TokenSource, error) {
	if fetch == nil {
		return nil, errors.New("auth: NewTokenSource needs a function")
	}
	return newSource(fetch, nil, nil, ""), nil
}

func newSource(fetch fetchFunc, bind func(transport.Binding), store TokenStore, key string) *TokenSource {
	return &TokenSource{&sourceState{fetch: fetch, bind: bind, store: store, key: key, log: slog.New(slog.DiscardHandler)}}
}

// Bind implements [Credential]; clients call it.
func (t *TokenSource) Bind(b transport.Binding) error {
	if t == nil || t.s == nil {
		return errZero
	}
	return t.s.bound.bind(b, func() {
		t.s.mu.Lock()
		t.s.log = b.Logger
		t.s.mu.Unlock()
		if t.s.bind != nil {
			t.s.bind(b)
		}
	})
}

// Header implements [Credential]; clients call it.
func (t *TokenSource) Header(ctx context.Context) (name, value string, err error) {
	value, err = t.s.get(ctx)
	return "Authorization", value, err
}

// Refused implements [Credential]; clients call it after a 401. The token is
// dropped if it still is the cached one, unless new ones were refused just
// before: then the API's answer stands, and the token endpoint is spared.
func (t *TokenSource) Refused(value string) bool {
	s := t.s
	s.mu.Lock()
	defer s.mu.Unlock()
	if !s.header.is(value) {
		return true // another one is there, or on its way
	}
	now := time.Now()
	if now.Before(s.refusalEnd) {
		return false
	}
	if now.Sub(s.refusalEnd) > maxPause {
		s.refusals = 0
	}
	s.rejected, s.rejectedAt, s.header = s.header, now, nil
	s.pauseEnd = time.Time{}
	return true
}

// RefusedAgain tells that the token of a replay was refused, too; clients call
// it. Refused tokens are then kept for a while that doubles, up to a minute.
func (t *TokenSource) RefusedAgain(value string) {
	s := t.s
	s.mu.Lock()
	defer s.mu.Unlock()
	if now := time.Now(); s.header.is(value) && !now.Before(s.refusalEnd) {
		s.refusals++
		s.refusalEnd = now.Add(backoff(s.refusals))
	}
}

// Format hides the tokens under every verb.
func (t TokenSource) Format(f fmt.State, _ rune) { io.WriteString(f, hidden) } //nolint:errcheck // fmt.State keeps no errors

// LogValue hides the tokens from log/slog.
func (t TokenSource) LogValue() slog.Value { return slog.StringValue(hidden) }

// MarshalJSON hides the tokens from encoding/json.
func (t TokenSource) MarshalJSON() ([]byte, error) { return []byte(`"` + hidden + `"`), nil }

func (s *sourceState) get(ctx context.Context) (string, error) {
	s.mu.Lock()
	now := time.Now()
	if s.header != nil && now.Before(s.mandatory) {
		if s.flight == nil && !now.Before(s.advisory) && !now.Before(s.pauseEnd) {
			s.start(ctx)
		}
		h := s.header
		s.mu.Unlock()
		return h(), nil
	}
	if s.flight == nil && ctx.Err() == nil {
		if now.Before(s.pauseEnd) {
			err := s.lastErr
			s.mu.Unlock()
			return "", err
		}
		s.start(ctx)
	}
	f := s.flight
	s.mu.Unlock()
	if f != nil {
		select {
		case <-ctx.Done():
		case <-f.done:
			if f.err != nil {
				return "", f.err
			}
			return f.header(), nil // even if it is too short-lived to be cached
		}
	}
	return "", fmt.Errorf("auth: gave up waiting for a token: %w", ctx.Err())
}

// start begins a fetch that outlives the caller; s.mu is held.
func (s *sourceState) start(ctx context.Context) {
	f := &flight{done: make(chan struct{})}
	s.flight = f
	prior, rejected := s.token, s.rejected
	if rejected != nil && s.header == nil {
		prior.Refresh = ccr.Secret{} // a refused session is not one to go on with
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), flightTimeout)
	go func() {
		defer cancel()
		token, err := Token{}, errFetch // stays if the function ends its goroutine
		defer func() { s.land(ctx, f, token, err) }()
		token, err = s.obtain(ctx, prior, rejected)
	}()
}

var errFetch = errors.New("auth: the token function did not return")

// land makes the result of a fetch known and wakes those who wait for it.
func (s *sourceState) land(ctx context.Context, f *flight, token Token, err error) {
	s.mu.Lock()
	if err == nil {
		err = s.publish(token)
	}
	var pause time.Duration
	if err != nil {
		s.failures++
		pause = backoff(s.failures)
		if e, ok := errors.AsType[*ccr.Error](err); ok {
			pause = max(pause, min(e.RetryAfter, maxAskedPause))
		}
		s.pauseEnd, s.lastErr = time.Now().Add(pause), err
	}
	log, failures := s.log, s.failures
	f.header, f.err = s.header, err
	s.flight = nil
	close(f.done)
	s.mu.Unlock()
	if err != nil {
		log.LogAttrs(ctx, slog.LevelWarn, "token renewal failed", slog.Int("failures", failures), slog.Duration("pause", pause), slog.String("error", err.Error()))
	}
}

// backoff is the pause after n failures in a row.
func backoff(n int) time.Duration { return min(firstPause<<min(n-1, 10), maxPause) }

// obtain asks the store first, then the source, guarded by the store's lock.
// A panic of a caller's function must not leave the waiters waiting.
func (s *sourceState) obtain(ctx context.Context, prior Token, rejected hiddenText) (t Token, err error) {
	defer func() {
		if r := recover(); r != nil {
			err = fmt.Errorf("auth: fetching the token panicked with a %T", r) // its value may hold anything
		}
	}()
	if s.store == nil {
		return s.fetch(ctx, prior)
	}
	if t, ok := s.stored(ctx, prior, rejected); ok {
		return t, nil
	}
	switch unlock, err := s.store.Lock(ctx, s.key); {
	case ctx.Err() != nil:
		return Token{}, fmt.Errorf("auth: lock the token store: %w", ctx.Err())
	case err != nil:
		s.warn(ctx, "token store did not lock", err) // a token more is better than none
	default:
		defer unlock()
		if t, ok := s.stored(ctx, prior, rejected); ok { // fetched by another process while this one waited
			return t, nil
		}
	}
	if t, err = s.fetch(ctx, prior); err != nil {
		return t, err
	}
	t.Expiry = expiryOf(t, time.Now())
	if h, err := headerOf(t); err != nil || rejected.is(h) {
		return t, err // nothing to share; publish says why
	}
	if err := s.store.Save(ctx, s.key, t); err != nil {
		s.warn(ctx, "token store did not save", err)
	}
	return t, nil
}

// stored is the store's token, if it is another one than that to be replaced.
func (s *sourceState) stored(ctx context.Context, prior Token, rejected hiddenText) (Token, bool) {
	t, err := s.store.Load(ctx, s.key)
	if err != nil {
		if !errors.Is(err, ErrNoToken) {
			s.warn(ctx, "token store did not load", err)
		}
		return t, false
	}
	now := time.Now()
	t.Expiry = expiryOf(t, now)
	_, mandatory := windows(t, now)
	h, err := headerOf(t)
	return t, err == nil && !rejected.is(h) && now.Before(mandatory) && !sameAccess(t, prior)
}

// warn logs what costs a token request at most. A store's error is the
// caller's own, but may hold an address with a password: its type must do.
func (s *sourceState) warn(ctx context.Context, msg string, err error) {
	s.mu.Lock()
	log := s.log
	s.mu.Unlock()
	log.LogAttrs(ctx, slog.LevelWarn, msg, slog.String("error_type", fmt.Sprintf("%T", err)))
}

// publish makes a fetched token the cached one; s.mu is held.
func (s *sourceState) publish(t Token) error {
	h, err := headerOf(t)
	if err != nil {
		return err
	}
	now := time.Now()
	if s.rejected.is(h) && now.Sub(s.rejectedAt) < forgetRejected {
		return &ccr.Error{
			Service: "auth", Operation: "Token", Outcome: ccr.OutcomeRejected, Classes: []error{ccr.ErrUnauthorized},
			Advice: "The token endpoint keeps issuing a token that the API refuses; check audience and environment",
		}
	}
	t.Expiry = expiryOf(t, now)
	if !now.Before(t.Expiry) {
		return &ccr.Error{
			Service: "auth", Operation: "Token", Outcome: ccr.OutcomeRejected, Classes: []error{ccr.ErrUnauthorized},
			Advice: "The token endpoint issued a token that has already expired; check this machine's clock",
		}
	}
	s.token, s.header = t, hide(h)
	s.advisory, s.mandatory = windows(t, now)
	s.failures, s.pauseEnd, s.lastErr = 0, time.Time{}, nil
	return nil
}

func expiryOf(t Token, now time.Time) time.Time {
	if t.Expiry.IsZero() {
		return now.Add(defaultLifetime)
	}
	return t.Expiry
}

// windows returns the two points from which a token is renewed: in the
// background, and before use. The first is spread a little, so that a fleet
// does not renew in one moment.
func windows(t Token, now time.Time) (advisory, mandatory time.Time) {
	life := max(t.Expiry.Sub(now), 0)
	early := min(advisoryMax, life/5)
	early += time.Duration(rand.Int64N(int64(early/5) + 1))
	return t.Expiry.Add(-early), t.Expiry.Add(-min(mandatoryMax, life/10))
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
	if token == "" {
		return "", errors.New("auth: the token is empty")
	}
	if !headerSafe(token) {
		return "", errors.New("auth: the token holds characters that a header cannot carry")
	}
	return "Bearer " + token, nil
}

// headerSafe reports whether a token is visible ASCII and nothing else.
func headerSafe(token string) bool {
	for _, c := range []byte(token) {
		if c <= ' ' || c >= 0x7f {
			return false
		}
	}
	return true
}
