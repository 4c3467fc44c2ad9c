package main

import (
	"errors"
	"os"
	"path"
	"path/filepath"

	"github.com/ccr-sdk/ccr/internal/tools/bench/work"
	pkgsftp "github.com/pkg/sftp"
)

// transferPlainly uses pkg/sftp as its documentation shows it: a client with
// its defaults, Create or Open, and io.Copy's way to bring the bytes across.
func transferPlainly(t work.Transfer) error {
	conn, err := dialPlain(t)
	if err != nil {
		return err
	}
	c, err := pkgsftp.NewClient(conn)
	if err != nil {
		return err
	}
	put := func(local, remote string) error {
		in, err := os.Open(local)
		if err != nil {
			return err
		}
		defer in.Close()
		out, err := c.Create(remote)
		if err != nil {
			return err
		}
		_, err = out.ReadFrom(in)
		return errors.Join(err, out.Close())
	}
	get := func(remote, local string) error {
		in, err := c.Open(remote)
		if err != nil {
			return err
		}
		defer in.Close()
		out, err := os.Create(local)
		if err != nil {
			return err
		}
		_, err = in.WriteTo(out)
		return errors.Join(err, out.Close())
	}
	switch {
	case t.Down && t.Files == 0:
		return get(t.Remote, filepath.Join(t.Local, "data"))
	case t.Down:
		entries, err := c.ReadDir(t.Remote)
		for _, e := range entries {
			err = errors.Join(err, get(path.Join(t.Remote, e.Name()), filepath.Join(t.Local, e.Name())))
		}
		return err
	case t.Files == 0:
		return put(t.Local, path.Join(t.Remote, "data"))
	}
	var errs []error
	err = work.EachName(t.Local, func(name string) { errs = append(errs, put(filepath.Join(t.Local, name), path.Join(t.Remote, name))) })
	return errors.Join(append(errs, err)...)
}
