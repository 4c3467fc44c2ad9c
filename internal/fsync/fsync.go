// Package fsync makes changes of local files and folders durable. It is the
// one place that knows what a system lacks for that.
package fsync

import (
	"errors"
	"os"
	"runtime"
)

// Dir makes creations, renames and removals in a folder durable. Windows has
// no such call: there the file system's own journal has to do.
func Dir(path string) error {
	if runtime.GOOS == "windows" {
		return nil
	}
	d, err := os.Open(path)
	if err != nil {
		return err
	}
	return errors.Join(d.Sync(), d.Close())
}

// Close makes the content of a file durable and closes it, whether or not the
// sync succeeds.
func Close(f *os.File) error { return errors.Join(f.Sync(), f.Close()) }
