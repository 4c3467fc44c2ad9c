package sftp

import (
	"context"
	"errors"
	"log/slog"
	"sync"

	"github.com/ccr-sdk/ccr/sftp/internal/engine"
)

// gate bounds the files that move at once. Servers have limits of their own,
// of open files or of transfers, and say no more than "no" when one is met:
// a file that is refused while others move narrows the gate to those others.
type gate struct {
	mu      sync.Mutex
	limit   int
	active  int
	waiting []chan struct{}
}

// enter waits until another file may move.
func (g *gate) enter(ctx context.Context) error {
	g.mu.Lock()
	if g.active < g.limit {
		g.active++
		g.mu.Unlock()
		return nil
	}
	turn := make(chan struct{})
	g.waiting = append(g.waiting, turn)
	g.mu.Unlock()
	select {
	case <-turn:
		return nil
	case <-ctx.Done():
	}
	g.mu.Lock()
	for i, w := range g.waiting {
		if w == turn {
			g.waiting = append(g.waiting[:i], g.waiting[i+1:]...)
			g.mu.Unlock()
			return context.Cause(ctx)
		}
	}
	g.mu.Unlock()
	g.leave() // granted in the same moment
	return context.Cause(ctx)
}

func (g *gate) leave() {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.active--
	for len(g.waiting) > 0 && g.active < g.limit {
		g.active++
		close(g.waiting[0])
		g.waiting = g.waiting[1:]
	}
}

// narrow learns that a file was refused. 0: it was alone, so that no limit of
// files at once explains it.
func (g *gate) narrow() (limit int) {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.active < 2 {
		return 0
	}
	g.limit = min(g.limit, g.active-1)
	return g.limit
}

// narrowed reports whether a limit was met.
func (g *gate) narrowed(most int) bool {
	g.mu.Lock()
	defer g.mu.Unlock()
	return g.limit < most
}

// openError: the server refused to open a file, so that nothing happened.
type openError struct{ err error }

func (e *openError) Error() string { return e.err.Error() }
func (e *openError) Unwrap() error { return e.err }

// mayBeLimit reports whether a refusal can stand for a limit of the server's.
func mayBeLimit(err error) bool {
	if _, ok := errors.AsType[*openError](err); !ok || errors.Is(err, ErrDiskFull) {
		return false
	}
	code, _ := engine.StatusCode(err)
	return code == engine.StatusFailure || code == engine.StatusPermission
}

// move runs f when a file may move, again if a limit of the server's was in
// the way. closing are the handles that f has left to close: they count on
// the server, too.
func (c *Client) move(ctx context.Context, closing *sync.WaitGroup, f func(context.Context) error) error {
	for {
		if err := c.gate.enter(ctx); err != nil {
			return err
		}
		err := f(ctx)
		limit := 0
		if mayBeLimit(err) {
			limit = c.gate.narrow()
		}
		if c.gate.narrowed(c.cfg.Concurrency) {
			closing.Wait()
		}
		c.gate.leave()
		if limit == 0 {
			return err
		}
		c.cfg.Logger.LogAttrs(ctx, slog.LevelWarn, "sftp server refuses more files at once", slog.String("service", serviceName),
			slog.Int("files", limit), slog.Any("error", failure("open", "", "", err)))
	}
}
