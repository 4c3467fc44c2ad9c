package sftp

import (
	"errors"
	"os"
	"runtime"
)

// syncDir makes renames in a local folder durable. Windows has no such call
// for folders.
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
