// Package fsync makes changes of local files and folders durable. It is the
// one place that knows what a system lacks for that.
package fsync

import (
	"errors"
	"os"
	"path/filepath"
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

// DirIn is [Dir] of a folder in root.
func DirIn(root *os.Root, name string) error {
	if runtime.GOOS == "windows" {
		return nil
	}
	d, err := root.Open(name)
	if err != nil {
		return err
	}
	return errors.Join(d.Sync(), d.Close())
}

// MkdirAll makes a folder and its parents durably; those that exist stay as
// they are.
func MkdirAll(path string, mode os.FileMode) error {
	var made []string
	for p := filepath.Clean(path); ; p = filepath.Dir(p) {
		if _, err := os.Stat(p); err == nil || p == filepath.Dir(p) {
			break
		}
		made = append(made, p)
	}
	if len(made) == 0 {
		return nil
	}
	if err := os.MkdirAll(path, mode); err != nil {
		return err
	}
	for _, p := range made {
		if err := Dir(filepath.Dir(p)); err != nil {
			return err
		}
	}
	return nil
}

// Close makes the content of a file durable and closes it, whether or not the
// sync succeeds.
func Close(f *os.File) error { return errors.Join(f.Sync(), f.Close()) }
