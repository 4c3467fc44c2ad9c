package engine

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"path"
	"strings"

	pkgsftp "github.com/pkg/sftp"
)

// The single requests that the calls are made of.

// File is a remote file that is open on one channel. A large file is open on
// several: each is a lane of the transfer.
type File struct {
	ch *Channel
	f  *pkgsftp.File
}

// Open opens a remote file; flags are those of package os.
func (ch *Channel) Open(name string, flags int) (*File, error) {
	var f *pkgsftp.File
	err := ch.do(func() (err error) { f, err = ch.sftp.OpenFile(name, flags); return err })
	if err != nil {
		return nil, err
	}
	return &File{ch, f}, nil
}

// Close closes the handle.
func (f *File) Close() error { return f.ch.do(f.f.Close) }

// Sync has the server write the file to disk.
func (f *File) Sync() error { return f.ch.do(f.f.Sync) }

// startWrite writes b at off in one request and calls done with the result.
// It returns once the request has its place in the channel's stream, so that
// the writes of one file leave in the order in which they are started.
func (f *File) startWrite(ctx context.Context, b []byte, off int64, done func(error)) {
	placed := f.ch.pipe.announce(b)
	go func() {
		err := f.WriteAt(b, off)
		f.ch.pipe.arrived(&b[0]) // it never got there if the channel has ended
		done(err)
	}()
	select {
	case <-placed:
	case <-ctx.Done():
	}
}

// WriteAt writes b at off in one request.
func (f *File) WriteAt(b []byte, off int64) error {
	return f.ch.do(func() error { _, err := f.f.WriteAt(b, off); return err })
}

// ReadAt fills b from off in one request.
func (f *File) ReadAt(b []byte, off int64) (n int, err error) {
	err = f.ch.do(func() (err error) { n, err = f.f.ReadAt(b, off); return err })
	return n, err
}

// Stat asks for the attributes on the open handle.
func (f *File) Stat() (st fs.FileInfo, err error) {
	err = f.ch.do(func() (err error) { st, err = f.f.Stat(); return err })
	return st, err
}

// Size asks for the size on the open handle.
func (f *File) Size() (int64, error) {
	st, err := f.Stat()
	if err != nil {
		return 0, err
	}
	return st.Size(), nil
}

// Stat asks for the attributes by name.
func (ch *Channel) Stat(name string) (st fs.FileInfo, err error) {
	err = ch.do(func() (err error) { st, err = ch.sftp.Stat(name); return err })
	return st, err
}

// SizeOf asks for the size by name.
func (ch *Channel) SizeOf(name string) (int64, error) {
	st, err := ch.Stat(name)
	if err != nil {
		return 0, err
	}
	return st.Size(), nil
}

// Exists returns nil if the name is taken, whatever by.
func (ch *Channel) Exists(name string) error {
	return ch.do(func() error { _, err := ch.sftp.Lstat(name); return err })
}

// IsFile reports whether the name is a regular file. It is asked before
// anything is removed, since pkg/sftp's Remove would take an empty folder, too.
func (ch *Channel) IsFile(name string) bool {
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

// Remove removes a file.
func (ch *Channel) Remove(name string) error {
	return ch.do(func() error { return ch.sftp.Remove(name) })
}

// Rename renames a file; servers refuse a name that is taken.
func (ch *Channel) Rename(from, to string) error {
	return ch.do(func() error { return ch.sftp.Rename(from, to) })
}

// PosixRename renames a file and replaces what is there.
func (ch *Channel) PosixRename(from, to string) error {
	return ch.do(func() error { return ch.sftp.PosixRename(from, to) })
}

// ReadDir lists a folder. A server that never comes to an end is cut off with
// ErrListing.
func (ch *Channel) ReadDir(ctx context.Context, dir string) (infos []fs.FileInfo, err error) {
	select {
	case ch.lists <- struct{}{}:
	case <-ctx.Done():
		return nil, context.Cause(ctx)
	}
	defer func() { <-ch.lists }()
	ctx, stop := context.WithCancelCause(ctx)
	defer stop(nil)
	ch.pipe.list(&listing{left: maxListing, stop: stop})
	defer ch.pipe.list(nil)
	err = ch.do(func() (err error) { infos, err = ch.sftp.ReadDirContext(ctx, dir); return err })
	if errors.Is(context.Cause(ctx), ErrListing) {
		return nil, fmt.Errorf("%w: more than %d MiB of names came and no end", ErrListing, maxListing>>20)
	}
	return infos, err
}

// Codes of later protocol versions that servers use in version 3, too.
const (
	StatusExists  = 11
	StatusNoSpace = 14
	StatusQuota   = 15
)

// WhyFailed looks for the reason of SSH_FX_FAILURE, which is all that the
// protocol says of a full disk.
func (ch *Channel) WhyFailed(name string, err error) error {
	s, ok := errors.AsType[*StatusError](err)
	if !ok {
		return err
	}
	switch s.Code {
	case StatusExists:
		return fmt.Errorf("%w: %w", ErrExists, err)
	case StatusNoSpace, StatusQuota:
		return fmt.Errorf("%w: %w", ErrDiskFull, err)
	case StatusFailure:
	default:
		return err
	}
	text := strings.ToLower(s.Text)
	for _, sign := range []string{"no space", "quota", "disk full", "disk is full", "space left", "space limit", "disk space", "insufficient storage"} {
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
