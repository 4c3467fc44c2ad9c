package fsync

import (
	"errors"
	"os"

	"golang.org/x/sys/unix"
)

func renameNew(fromDir *os.File, from string, toDir *os.File, to string) error {
	return withFDs(fromDir, toDir, func(fromFD, toFD int) error {
		err := unix.RenameatxNp(fromFD, from, toFD, to, unix.RENAME_EXCL)
		if errors.Is(err, unix.ENOTSUP) || errors.Is(err, unix.EINVAL) {
			return errors.ErrUnsupported
		}
		return err
	})
}
