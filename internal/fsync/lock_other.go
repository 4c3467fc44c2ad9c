//go:build !(darwin || dragonfly || freebsd || linux || netbsd || openbsd)

package fsync

import (
	"io"
	"os"

	"github.com/gofrs/flock"
)

// Lock locks an open file against every other holder, in this process or
// another, by a ".lock" file beside it: a lock on the file itself would keep
// its own holder from reading it here. ok is false if somebody has it. closer
// releases the lock, and so does the end of the process.
func Lock(f *os.File) (ok bool, closer io.Closer, err error) {
	l := flock.New(f.Name()+".lock", flock.SetPermissions(0o600))
	ok, err = l.TryLock()
	return ok, l, err
}

// Links is the number of names that a file has; 1 where that is not known.
func Links(os.FileInfo) uint64 { return 1 }
