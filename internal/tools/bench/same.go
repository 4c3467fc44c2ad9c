package main

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"

	"github.com/ccr-sdk/ccr/internal/tools/bench/work"
)

// sameTree makes sure that two folders hold the same files.
func sameTree(want, got string) error {
	var names []string
	if err := work.EachName(want, func(name string) { names = append(names, name) }); err != nil {
		return err
	}
	n := 0
	if err := work.EachName(got, func(string) { n++ }); err != nil {
		return err
	}
	if n != len(names) {
		return fmt.Errorf("%d files arrived of %d", n, len(names))
	}
	for _, name := range names {
		if err := sameFile(filepath.Join(want, name), filepath.Join(got, name)); err != nil {
			return fmt.Errorf("%s: %w", name, err)
		}
	}
	return nil
}

func sameFile(want, got string) error {
	a, err := os.Open(want)
	if err != nil {
		return err
	}
	defer a.Close()
	b, err := os.Open(got)
	if err != nil {
		return err
	}
	defer b.Close()
	x, y := make([]byte, 1<<20), make([]byte, 1<<20)
	for {
		n, errA := io.ReadFull(a, x)
		m, errB := io.ReadFull(b, y)
		if !bytes.Equal(x[:n], y[:m]) {
			return errors.New("what arrived differs from what was sent")
		}
		if errA != nil || errB != nil { // equal up to here: both at their end, or one failed
			return errors.Join(otherThanEnd(errA), otherThanEnd(errB))
		}
	}
}

func otherThanEnd(err error) error {
	if errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) {
		return nil
	}
	return err
}
