package sftp

import (
	"github.com/ccr-sdk/ccr/sftp/internal/engine"
	"log/slog"
)

// discard removes one of this client's own temporary files. If that is not
// possible now, the next connection tries.
func (c *Client) discard(temp string) {
	c.mu.Lock()
	c.leftovers[temp] = false
	c.mu.Unlock()
	c.sweep()
}

// pendingRemoval reports whether temp is queued for deletion and must not be
// resumed.
func (c *Client) pendingRemoval(temp string) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	_, ok := c.leftovers[temp]
	return ok
}

// sweep removes the leftovers over the present connection.
func (c *Client) sweep() {
	c.mu.Lock()
	s := c.cur
	if s == nil || !s.Acquire() {
		c.mu.Unlock()
		return
	}
	var names []string
	for name, taken := range c.leftovers {
		if !taken {
			names = append(names, name)
			c.leftovers[name] = true // another sweep need not try, too
		}
	}
	c.mu.Unlock()
	defer s.Release()
	ch := s.First()
	for _, name := range names {
		err := ch.Remove(name)
		c.mu.Lock()
		if engine.IsLost(err) {
			c.leftovers[name] = false
		} else {
			delete(c.leftovers, name)
		}
		c.mu.Unlock()
		if err != nil && !engine.IsLost(err) && !engine.IsStatus(err, engine.StatusNoSuchFile) {
			c.cfg.Logger.LogAttrs(c.base, slog.LevelWarn, "sftp temporary file stays", slog.String("service", serviceName),
				slog.String("path", name), slog.Any("error", failure("discard", name, "", err)))
		}
	}
}
