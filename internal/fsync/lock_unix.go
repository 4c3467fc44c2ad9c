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
// somebody has it. Close closer before the file: a process that is being
// started at the moment holds the same open file for a while, and the lock
// with it. The end of the process releases the lock, too.
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
		return true, &held{f}, nil
	case errors.Is(lerr, syscall.EWOULDBLOCK):
		return false, nothing{}, nil
	}
	return false, nothing{}, &os.PathError{Op: "lock", Path: f.Name(), Err: lerr}
}

type nothing struct{}

func (nothing) Close() error { return nil }

type held struct{ f *os.File }

func (h *held) Close() error {
	raw, err := h.f.SyscallConn()
	if err != nil {
		return err
	}
	var uerr error
	if err := raw.Control(func(fd uintptr) { uerr = syscall.Flock(int(fd), syscall.LOCK_UN) }); err != nil {
		return err
	}
	return uerr
}

// Links is the number of names that a file has; 1 where that is not known.
func Links(st os.FileInfo) uint64 {
	if s, ok := st.Sys().(*syscall.Stat_t); ok {
		return uint64(s.Nlink)
	}
	return 1
}
