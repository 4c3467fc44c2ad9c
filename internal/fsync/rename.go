package fsync

import (
	"errors"
	"os"
)

// RenameNew moves the file at from in the folder fromDir to the name to in the
// folder toDir, in one atomic step that never replaces: an error that is
// [io/fs.ErrExist] means that the name is taken, and nothing has changed. One
// that is [errors.ErrUnsupported] means that this system, or this file system,
// has no such step. It syncs nothing.
func RenameNew(fromDir *os.File, from string, toDir *os.File, to string) error {
	err := renameNew(fromDir, from, toDir, to)
	if err == nil || errors.Is(err, errors.ErrUnsupported) {
		return err
	}
	return &os.LinkError{Op: "rename", Old: from, New: to, Err: err}
}
