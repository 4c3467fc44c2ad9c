package fsync

import (
	"os"
	"path/filepath"

	"golang.org/x/sys/windows"
)

func renameNew(fromDir *os.File, from string, toDir *os.File, to string) error {
	old, err := windows.UTF16PtrFromString(filepath.Join(fromDir.Name(), from))
	if err != nil {
		return err
	}
	fresh, err := windows.UTF16PtrFromString(filepath.Join(toDir.Name(), to))
	if err != nil {
		return err
	}
	// Without MOVEFILE_REPLACE_EXISTING a name that is taken is an error.
	return windows.MoveFileEx(old, fresh, windows.MOVEFILE_WRITE_THROUGH)
}
