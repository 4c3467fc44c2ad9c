package sftp

import (
	"errors"
	"fmt"
	"io"
	"log/slog"
	"path"
	"strings"

	pkgsftp "github.com/pkg/sftp"
)

var errEOF = io.EOF

// The single requests that the calls are made of.

func (ch *channel) openFile(name string, flags int) (f *pkgsftp.File, err error) {
	err = ch.do(func() error { f, err = ch.sftp.OpenFile(name, flags); return err })
	if err != nil {
		return nil, err
	}
	return f, nil
}

// size asks for the size on the open handle.
func (ch *channel) size(f *pkgsftp.File) (n int64, err error) {
	err = ch.do(func() error {
		st, err := f.Stat()
		if err == nil {
			n = st.Size()
		}
		return err
	})
	return n, err
}

// sizeOf asks for the size by name.
func (ch *channel) sizeOf(name string) (n int64, err error) {
	err = ch.do(func() error {
		st, err := ch.sftp.Stat(name)
		if err == nil {
			n = st.Size()
		}
		return err
	})
	return n, err
}

// exists returns nil if the name is taken, whatever by.
func (ch *channel) exists(name string) error {
	return ch.do(func() error { _, err := ch.sftp.Lstat(name); return err })
}

// isFile reports whether the name is a regular file. It is asked before
// anything is removed, since pkg/sftp's Remove would take an empty folder, too.
func (ch *channel) isFile(name string) bool {
	regular := false
	_ = ch.do(func() error {
		st, err := ch.sftp.Lstat(name)
		if err == nil {
			regular = st.Mode().IsRegular()
		}
		return err
	})
	return regular
}

// Codes of later protocol versions that servers use in version 3, too.
const (
	statusExists  = 11
	statusNoSpace = 14
	statusQuota   = 15
)

// whyFailed looks for the reason of SSH_FX_FAILURE, which is all that the
// protocol says of a full disk.
func (ch *channel) whyFailed(name string, err error) error {
	s, ok := errors.AsType[*StatusError](err)
	if !ok {
		return err
	}
	switch s.Code {
	case statusExists:
		return fmt.Errorf("%w: %w", ErrExists, err)
	case statusNoSpace, statusQuota:
		return fmt.Errorf("%w: %w", ErrDiskFull, err)
	case statusFailure:
	default:
		return err
	}
	text := strings.ToLower(s.Text)
	for _, sign := range []string{"no space", "quota", "disk full", "disk is full", "space left", "insufficient storage"} {
		if strings.Contains(text, sign) {
			return fmt.Errorf("%w: %w", ErrDiskFull, err)
		}
	}
	if ch.extensions["statvfs@openssh.com"] != "2" {
		return err
	}
	var free uint64 = 1
	if verr := ch.do(func() error {
		v, err := ch.sftp.StatVFS(path.Dir(name))
		if err == nil {
			free = v.Bavail
		}
		return err
	}); verr == nil && free == 0 {
		return fmt.Errorf("%w: %w", ErrDiskFull, err)
	}
	return err
}

// discard removes one of this client's own temporary files. If that is not
// possible now, the next connection tries.
func (c *Client) discard(temp string) {
	c.mu.Lock()
	c.leftovers[temp] = false
	c.mu.Unlock()
	c.sweep()
}

// doomed reports whether a temporary file is about to be removed.
func (c *Client) doomed(temp string) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	_, ok := c.leftovers[temp]
	return ok
}

// sweep removes the leftovers over the present connection.
func (c *Client) sweep() {
	c.mu.Lock()
	s := c.cur
	if s == nil || !s.acquire() {
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
	defer s.release()
	ch := s.first()
	for _, name := range names {
		err := ch.do(func() error { return ch.sftp.Remove(name) })
		c.mu.Lock()
		if isLost(err) {
			c.leftovers[name] = false
		} else {
			delete(c.leftovers, name)
		}
		c.mu.Unlock()
		if err != nil && !isLost(err) && !isStatus(err, statusNoSuchFile) {
			c.cfg.Logger.LogAttrs(c.base, slog.LevelWarn, "sftp temporary file stays", slog.String("service", serviceName),
				slog.String("path", name), slog.Any("error", failure("discard", name, "", err)))
		}
	}
}
