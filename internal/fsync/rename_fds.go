//go:build linux || darwin

package fsync

import (
	"os"

	"golang.org/x/sys/unix"
)

// withFDs calls do with the descriptors of two folders, again while a signal
// interrupts it.
func withFDs(a, b *os.File, do func(a, b int) error) error {
	ca, err := a.SyscallConn()
	if err != nil {
		return err
	}
	cb, err := b.SyscallConn()
	if err != nil {
		return err
	}
	var result, inner error
	err = ca.Control(func(fa uintptr) {
		inner = cb.Control(func(fb uintptr) {
			for {
				if result = do(int(fa), int(fb)); result != unix.EINTR { //nolint:errorlint // a bare errno
					return
				}
			}
		})
	})
	if err == nil {
		err = inner
	}
	if err == nil {
		err = result
	}
	return err
}
