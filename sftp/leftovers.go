package sftp

import (
	"log/slog"

	"github.com/ccr-sdk/ccr/sftp/internal/engine"
)

// discard removes one of this client's own temporary files. If there is no
// connection now, the next one tries. The error says that the server refused.
func (c *Client) discard(temp string) error {
	c.mu.Lock()
	c.toRemove[temp] = false
	c.mu.Unlock()
	return c.sweep()[temp]
}

// pendingRemoval reports whether temp is queued for deletion and must not be
// resumed.
func (c *Client) pendingRemoval(temp string) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	_, ok := c.toRemove[temp]
	return ok
}

// sweep removes the leftovers over the present connection and returns what
// the server refused to remove.
func (c *Client) sweep() (refused map[string]error) {
	c.mu.Lock()
	s := c.cur
	if s == nil || !s.Acquire() {
		c.mu.Unlock()
		return nil
	}
	var names []string
	for name, taken := range c.toRemove {
		if !taken {
			names = append(names, name)
			c.toRemove[name] = true // another sweep need not try, too
		}
	}
	c.mu.Unlock()
	defer s.Release()
	ch := s.First()
	refused = map[string]error{}
	for _, name := range names {
		err := ch.Remove(name)
		c.mu.Lock()
		if engine.IsLost(err) {
			c.toRemove[name] = false
		} else {
			delete(c.toRemove, name)
		}
		c.mu.Unlock()
		if err != nil && !engine.IsLost(err) && !engine.IsStatus(err, engine.StatusNoSuchFile) {
			refused[name] = err
			c.cfg.Logger.LogAttrs(c.base, slog.LevelWarn, "sftp temporary file stays", slog.String("service", serviceName),
				slog.String("path", name), slog.Any("error", failure("discard", name, "", err)))
		}
	}
	return refused
}
