package fsync

import (
	"errors"
	"os"

	"golang.org/x/sys/unix"
)

func renameNew(fromDir *os.File, from string, toDir *os.File, to string) error {
	return withFDs(fromDir, toDir, func(fromFD, toFD int) error {
		err := unix.Renameat2(fromFD, from, toFD, to, unix.RENAME_NOREPLACE)
		// EINVAL is what a file system without the flag says (NFS), ENOSYS an
		// old kernel or a sandbox.
		if errors.Is(err, unix.EINVAL) || errors.Is(err, unix.ENOSYS) || errors.Is(err, unix.ENOTSUP) {
			return errors.ErrUnsupported
		}
		return err
	})
}
