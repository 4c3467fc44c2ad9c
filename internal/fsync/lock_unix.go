//go:build darwin || dragonfly || freebsd || linux || netbsd || openbsd

package fsync

import (
	"errors"
	"io"
	"os"
	"syscall"
)

// Lock locks an open file against every other holder, in this process or
// another, whatever name it was opened by. It does not wait: ok is false if
// somebody has it. Closing the file releases the lock, and so does the end of
// the process; closer is for systems that need more.
func Lock(f *os.File) (ok bool, closer io.Closer, err error) {
	raw, err := f.SyscallConn()
	if err != nil {
		return false, nil, err
	}
	var lerr error
	if err := raw.Control(func(fd uintptr) { lerr = syscall.Flock(int(fd), syscall.LOCK_EX|syscall.LOCK_NB) }); err != nil {
		return false, nil, err
	}
	switch {
	case lerr == nil:
		return true, nothing{}, nil
	case errors.Is(lerr, syscall.EWOULDBLOCK):
		return false, nothing{}, nil
	}
	return false, nothing{}, &os.PathError{Op: "lock", Path: f.Name(), Err: lerr}
}

type nothing struct{}

func (nothing) Close() error { return nil }

// Links is the number of names that a file has; 1 where that is not known.
func Links(st os.FileInfo) uint64 {
	if s, ok := st.Sys().(*syscall.Stat_t); ok {
		return uint64(s.Nlink)
	}
	return 1
}
