package sftp

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"time"

	"github.com/ccr-sdk/ccr"
	"github.com/ccr-sdk/ccr/sftp/internal/engine"
)

// Client is a drop folder that is connected to. It is safe for concurrent
// use: all calls share one connection, which is opened again when it was idle
// or broke. End it with Shutdown or Close.
type Client struct {
	cfg         Config
	addr        string
	environment string // of ledger keys
	gate        gate   // files that move at once
	retries     *retryBudget
	buffers     engine.Buffers

	base   context.Context // ends with the client
	cancel context.CancelCauseFunc
	work   sync.WaitGroup // calls and what they left to finish

	mu       sync.Mutex
	closed   bool
	refused  error     // a login was refused: nothing is tried before until
	until    time.Time // zero: never again, since no login was good before
	patience time.Duration
	loggedIn bool // there was a good login
	cur      *engine.Session
	opening  *opening
	toRemove map[string]bool // own temporaries to be removed; true: that is under way
}

// UATClient is a [Client] of the vendor's test environment. It is a type of
// its own, so that no function made for production takes it by accident; API
// takes both.
type UATClient struct{ *client }

type client = Client // keeps the embedded field unexported

// opening is one attempt to connect that several calls wait for.
type opening struct {
	done chan struct{}
	s    *engine.Session
	err  error
}

// NewClient makes a client, without any input or output: the first call reads
// keys, connects and logs in. The error says what is wrong with the
// configuration, all of it.
func NewClient(cfg Config) (*Client, error) { return newClient(cfg, environmentProduction) }

// NewUATClient is [NewClient] for the vendor's test environment.
func NewUATClient(cfg UATConfig) (*UATClient, error) {
	c, err := newClient(Config(cfg), environmentUAT)
	if err != nil {
		return nil, err
	}
	return &UATClient{c}, nil
}

// Dial is [NewClient] and a check: it connects, verifies the host key and logs
// in. Failed connections are retried as cfg.Retry says, refused logins and
// host keys never. The context bounds Dial only; the client lives until Close
// or Shutdown.
func Dial(ctx context.Context, cfg Config) (*Client, error) {
	return dial(ctx, cfg, environmentProduction)
}

// DialUAT is [Dial] for the vendor's test environment.
func DialUAT(ctx context.Context, cfg UATConfig) (*UATClient, error) {
	c, err := dial(ctx, Config(cfg), environmentUAT)
	if err != nil {
		return nil, err
	}
	return &UATClient{c}, nil
}

func dial(ctx context.Context, cfg Config, environment string) (*Client, error) {
	c, err := newClient(cfg, environment)
	if err != nil {
		return nil, err
	}
	err = c.repeat(ctx, func(ctx context.Context, s *engine.Session) error { return nil })
	if err != nil {
		c.shut(ErrClosed)
		return nil, c.failed("Dial", c.addr, ccr.OutcomeNotSent, err)
	}
	return c, nil
}

func newClient(cfg Config, environment string) (*Client, error) {
	if err := cfg.Validate(); err != nil {
		return nil, err
	}
	addr, err := address(cfg.Address)
	if err != nil {
		return nil, err
	}
	cfg = cfg.withDefaults()
	c := &Client{
		cfg: cfg, addr: addr, environment: cfg.Layout.Vendor + "/" + environment + "/" + cfg.User,
		gate: gate{limit: cfg.Concurrency}, retries: newRetryBudget(cfg.Retry.Budget),
		toRemove: map[string]bool{},
	}
	c.base, c.cancel = context.WithCancelCause(context.Background())
	return c, nil
}

// Close ends the connection at once, and with it the calls that are under way.
// Further calls fail with [ErrClosed].
func (c *Client) Close() error {
	c.shut(ErrClosed)
	return nil
}

// Shutdown waits for calls that are under way, then ends the connection. If
// ctx ends first, they are cut off. Further calls fail with [ErrClosed].
func (c *Client) Shutdown(ctx context.Context) error {
	c.mu.Lock()
	already := c.closed
	c.closed = true
	c.mu.Unlock()
	if already {
		return nil
	}
	idle := make(chan struct{})
	go func() { c.work.Wait(); close(idle) }()
	var err error
	select {
	case <-idle:
	case <-ctx.Done():
		err = c.failed("Shutdown", "", ccr.OutcomeUnknown, context.Cause(ctx))
	}
	c.shut(ErrClosed)
	return err
}

// shut ends the connection at once.
func (c *Client) shut(cause error) {
	c.mu.Lock()
	c.closed = true
	s := c.cur
	c.cur = nil
	c.mu.Unlock()
	c.cancel(cause)
	if s != nil {
		s.Fail(cause)
	}
}

// failed makes the error of a call.
func (c *Client) failed(op, subject string, outcome ccr.Outcome, err error) error {
	if err == nil {
		return nil
	}
	return failure(op, subject, outcome, err)
}

// session returns the connection, opening one if there is none. The caller
// must release it.
func (c *Client) session(ctx context.Context) (*engine.Session, error) {
	for {
		c.mu.Lock()
		switch {
		case c.refused != nil && (c.until.IsZero() || time.Now().Before(c.until)):
			defer c.mu.Unlock()
			return nil, c.refused
		case c.base.Err() != nil:
			defer c.mu.Unlock()
			return nil, ErrClosed
		case c.cur != nil && c.cur.Acquire():
			defer c.mu.Unlock()
			return c.cur, nil
		}
		c.cur = nil
		o := c.opening
		if o == nil {
			o = &opening{done: make(chan struct{})}
			c.opening = o
			go c.openSession(context.WithoutCancel(ctx), o)
		}
		c.mu.Unlock()
		select {
		case <-o.done:
			if o.err != nil {
				return nil, o.err
			}
		case <-ctx.Done():
			return nil, context.Cause(ctx)
		}
	}
}

// openSession connects for everybody who waits. It ends with the client, not
// with the call that happened to come first.
func (c *Client) openSession(ctx context.Context, o *opening) {
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	defer context.AfterFunc(c.base, func() { cancel(ErrClosed) })()
	began := time.Now()
	s, err := c.connect(ctx)
	c.logConnect(ctx, s, err, time.Since(began))
	c.mu.Lock()
	defer c.mu.Unlock()
	defer close(o.done)
	c.opening = nil
	o.s, o.err = s, err
	switch {
	case err != nil:
		c.refuse(err)
	case c.base.Err() != nil:
		s.Fail(ErrClosed)
		o.s, o.err = nil, ErrClosed
	default:
		c.cur, c.refused, c.loggedIn, c.patience = s, nil, true, 0
		go s.Watch(c.cfg.IdleTimeout)
		if len(c.toRemove) > 0 && !c.closed {
			c.work.Go(func() { c.sweep() })
		}
	}
}

// The waits between logins after one that was refused although an earlier one
// was not: another program may have the account's only session, or the vendor
// is at work. Each try may count towards a lock-out, so they are rare.
const (
	loginPatience    = 30 * time.Second
	maxLoginPatience = 15 * time.Minute
)

// refuse notes a refused login. The first one of a client is final: the
// credential is wrong, and repeating it may lock the account.
func (c *Client) refuse(err error) {
	if !errors.Is(err, ccr.ErrUnauthorized) && !errors.Is(err, ErrPasswordExpired) {
		return
	}
	c.refused, c.until = err, time.Time{}
	if c.loggedIn {
		c.patience = min(max(2*c.patience, loginPatience), maxLoginPatience)
		c.until = time.Now().Add(c.patience)
		c.refused = fmt.Errorf("%w; an earlier login was accepted, so that it is tried again, but not before %s", err, c.until.UTC().Format(time.TimeOnly))
	}
}

func (c *Client) logConnect(ctx context.Context, s *engine.Session, err error, d time.Duration) {
	attrs := []slog.Attr{
		slog.String("service", serviceName), slog.String("address", c.addr),
		slog.String("environment", c.environment), slog.Duration("duration", d),
	}
	if err != nil {
		c.cfg.Logger.LogAttrs(ctx, slog.LevelWarn, "sftp connect", append(attrs, slog.Any("error", failure("connect", "", ccr.OutcomeNotSent, err)))...)
		return
	}
	ch := s.First()
	c.cfg.Logger.LogAttrs(ctx, slog.LevelDebug, "sftp connect", append(attrs, slog.String("server", printable(s.ServerVersion())),
		slog.Int("read_request", ch.ReadSize()), slog.Int("write_request", ch.WriteSize()))...)
}

// repeat runs f with a connection, again on another one if the connection
// failed and the policy allows. f must be safe to repeat.
func (c *Client) repeat(ctx context.Context, f func(ctx context.Context, s *engine.Session) error) error {
	logins := 0
	for attempt := 1; ; attempt++ {
		err := c.once(ctx, f)
		if err == nil {
			c.retries.answered()
			return nil
		}
		if ctx.Err() != nil {
			return context.Cause(ctx)
		}
		if ce, ok := errors.AsType[*engine.ConnectError](err); ok && ce.Offered {
			logins++
		}
		// A connection that breaks right after a credential was offered may be
		// a server's way of refusing: so that is tried once more, not thrice.
		if !transient(err) || logins > 1 || attempt >= c.cfg.Retry.MaxAttempts || !c.retries.spend() {
			return withAttempts(err, attempt)
		}
		wait := backoff(c.cfg.Retry, attempt)
		c.cfg.Logger.LogAttrs(ctx, slog.LevelInfo, "sftp retry", slog.String("service", serviceName), slog.Int("attempt", attempt),
			slog.Duration("wait", wait), slog.Any("error", failure("retry", "", "", err)))
		if err := sleep(ctx, wait); err != nil {
			return err
		}
	}
}

func (c *Client) once(ctx context.Context, f func(ctx context.Context, s *engine.Session) error) error {
	s, err := c.session(ctx)
	if err != nil {
		return err
	}
	defer s.Release()
	return f(ctx, s)
}

// transient reports whether another connection may do better.
func transient(err error) bool {
	for _, never := range []error{ccr.ErrUnauthorized, ErrHostKey, ErrKey, ErrAlgorithms, ErrClosed, ccr.ErrContract, context.Canceled} {
		if errors.Is(err, never) {
			return false
		}
	}
	return engine.IsLost(err)
}

// attemptsError carries the number of attempts to the error of the call.
type attemptsError struct {
	n   int
	err error
}

func (e *attemptsError) Error() string { return e.err.Error() }
func (e *attemptsError) Unwrap() error { return e.err }

func withAttempts(err error, n int) error {
	if n == 1 {
		return err
	}
	return &attemptsError{n, err}
}

// enter begins a call; leave ends it. A closed client lets none in.
func (c *Client) enter() (leave func(), err error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.closed {
		return nil, ErrClosed
	}
	c.work.Add(1)
	return c.work.Done, nil
}

// run makes a call that returns as soon as its context ends, even if a server
// that no longer answers holds it: what is left ends on its own. grace is
// what a call that can end cleanly gets for it.
func run[T any](ctx context.Context, c *Client, f func(ctx context.Context) (T, error)) (T, error) {
	var zero T
	leave, err := c.enter()
	if err != nil {
		return zero, err
	}
	if err := ctx.Err(); err != nil {
		leave()
		return zero, context.Cause(ctx)
	}
	type result struct {
		v   T
		err error
	}
	done := make(chan result, 1)
	go func() {
		defer leave()
		v, err := f(ctx)
		done <- result{v, err}
	}()
	select {
	case r := <-done:
		return r.v, r.err
	case <-ctx.Done():
	}
	t := time.NewTimer(cancelGrace)
	defer t.Stop()
	select {
	case r := <-done:
		return r.v, r.err
	case <-t.C:
		return zero, &abandonedError{context.Cause(ctx)}
	}
}

// cancelGrace is what a cancelled call gets to return by itself, which it does
// at once unless the server holds it.
const cancelGrace = 50 * time.Millisecond

// abandonedError: the context ended while a request was open.
type abandonedError struct{ cause error }

func (e *abandonedError) Error() string { return e.cause.Error() }
func (e *abandonedError) Unwrap() error { return e.cause }
