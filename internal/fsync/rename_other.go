//go:build !linux && !darwin && !windows

package fsync

import (
	"errors"
	"os"
)

func renameNew(*os.File, string, *os.File, string) error { return errors.ErrUnsupported }
