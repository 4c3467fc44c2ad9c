package ccr

import (
	"errors"
	"os"
	"runtime"
)

// syncDir makes a rename or create in a folder durable. Windows has no such
// call for folders: there the file system's own journal has to do.
func syncDir(path string) error {
	if runtime.GOOS == "windows" {
		return nil
	}
	d, err := os.Open(path)
	if err != nil {
		return err
	}
	return errors.Join(d.Sync(), d.Close())
}
