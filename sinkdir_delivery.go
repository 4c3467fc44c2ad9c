package ccr

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"github.com/ccr-sdk/ccr/internal/fsync"
)

// dirDelivery is one delivery into a [DirectorySink]. Every token has files of
// its own, so that two workers on one folder cannot mix their bytes.
type dirDelivery struct {
	sink  *DirectorySink
	item  Item
	token string
	base  string // of the private names, without extension
	final string // what the consumer is to see

	root *os.Root // open while it grows
	f    *os.File // likewise
	ref  string   // set once staged
	sum  string   // of the staged content, where it was needed

	committed bool
	location  string
}

var (
	errEnded     = errors.New("ccr: the delivery has ended; create it again")
	errDiscarded = errors.New("ccr: the staged file was discarded; it has to be received again")
	// errGone: the staged file is not there any more.
	errGone = errors.New("ccr: the staged file is gone")
)

// Write implements [io.Writer].
func (d *dirDelivery) Write(p []byte) (int, error) {
	if d.f == nil {
		return 0, errEnded
	}
	return d.f.Write(p)
}

// Stage implements [Delivery].
func (d *dirDelivery) Stage(context.Context) (string, error) {
	if d.f == nil {
		if d.ref == "" {
			return "", errEnded
		}
		return d.ref, nil
	}
	root := d.root
	defer root.Close() //nolint:errcheck // a folder opened for reading
	err := fsync.Close(d.f)
	d.f, d.root = nil, nil
	var id string
	if err == nil {
		id, err = d.sink.id(root)
	}
	if err == nil {
		err = root.Rename(d.base+partExt, d.base+stagedExt)
	}
	if err == nil {
		err = fsync.DirIn(root, privateDir)
	}
	if err != nil {
		return "", errors.Join(sinkErr("stage file in", err), d.drop(root, stagedExt), d.drop(root, partExt))
	}
	d.ref = id + "." + d.token
	return d.ref, nil
}

// drop removes what nobody was given a reference to, unless it may be the only
// copy: what no ledger entry stands for, the bureau may have archived.
func (d *dirDelivery) drop(root *os.Root, ext string) error {
	if d.item.Key == "" {
		return nil
	}
	err := root.Remove(d.base + ext)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	return err
}

// find looks what became of the staged file. Only a folder that can be read,
// and is the one in which the file was staged, proves anything by its absence.
func (d *dirDelivery) find(root *os.Root) (Staging, error) {
	st, err := root.Lstat(d.base + stagedExt)
	staging := Staged
	switch {
	case errors.Is(err, fs.ErrNotExist):
		staging = Committed
		if _, err = root.Lstat(d.base + discardedExt); err == nil {
			staging = Discarded
		} else if !errors.Is(err, fs.ErrNotExist) {
			return "", sinkErr("read", err)
		}
	case err != nil:
		return "", sinkErr("read staged file in", err)
	case !st.Mode().IsRegular():
		return "", sinkErr("read staged file in", errors.New("not a regular file"))
	}
	// Last, so that a private folder that was removed meanwhile proves nothing.
	id, err := d.sink.id(root)
	if err != nil {
		return "", err
	}
	if owner, _, _ := strings.Cut(d.ref, "."); owner != id {
		return "", errOtherSink
	}
	if staging == Committed {
		// The caller will tell the vendor, so the rename that took the file
		// away must be on disk by now.
		if err := syncBoth(root); err != nil {
			return "", err
		}
	}
	return staging, nil
}

// Commit implements [Delivery]. A failed Commit leaves the file staged.
func (d *dirDelivery) Commit(ctx context.Context) (string, error) {
	if d.committed {
		return d.location, nil
	}
	if _, err := d.Stage(ctx); err != nil {
		return "", err
	}
	root, err := d.sink.open()
	if err != nil {
		return "", err
	}
	defer root.Close()
	name, err := d.place(root)
	if errors.Is(err, errGone) {
		// Somebody else committed it, or swept it.
		switch staging, ferr := d.find(root); {
		case ferr != nil:
			return "", ferr
		case staging == Committed:
			d.committed = true
			return "", nil
		case staging == Discarded:
			return "", errDiscarded
		}
	}
	if err != nil {
		return "", sinkErr("deliver into", err)
	}
	if err := syncBoth(root); err != nil {
		return "", err
	}
	d.committed, d.location = true, filepath.Join(d.sink.dir, name)
	return d.location, nil
}

// place gives the staged file the first name that is free, or finds the same
// content there.
func (d *dirDelivery) place(root *os.Root) (string, error) {
	if !d.item.Known {
		if done, err := d.take(root, d.final); done || err != nil {
			return d.final, err
		}
	}
	if err := d.sumStaged(root); err != nil {
		return "", err
	}
	ext := filepath.Ext(d.final)
	other := strings.TrimSuffix(d.final, ext) + ".other-" + d.sum[:16]
	// The second one is for names that differ in case only, with the same
	// content, where the file system ignores case.
	spelled := sha256.Sum256([]byte(d.final))
	for _, name := range []string{other + ext, other + "-" + hex.EncodeToString(spelled[:4]) + ext} {
		if done, err := d.take(root, name); done || err != nil {
			return name, err
		}
	}
	return "", errors.New("both the name and its .other- names are taken by different content")
}

// take moves the staged file to name, or finds the same content there; false
// means that the name is taken by other content.
func (d *dirDelivery) take(root *os.Root, name string) (bool, error) {
	for range 2 {
		switch err := d.renameNew(root, name); {
		case err == nil:
			return true, nil
		case errors.Is(err, fs.ErrNotExist):
			return false, errGone
		case !errors.Is(err, fs.ErrExist):
			return false, err
		}
		same, err := d.same(root, name)
		switch {
		case errors.Is(err, fs.ErrNotExist):
			continue // a consumer took it away meanwhile; or an alias
		case err != nil || !same:
			return false, err
		}
		if err = root.Remove(d.base + stagedExt); errors.Is(err, fs.ErrNotExist) {
			err = errGone
		}
		return err == nil, err
	}
	return false, nil // an alias: another spelling, another form of Unicode, a short name of Windows
}

// renameNew moves the staged file to a name that must be free.
func (d *dirDelivery) renameNew(root *os.Root, name string) error {
	top, err := root.Open(".")
	if err != nil {
		return err
	}
	defer top.Close()
	private, err := root.Open(privateDir)
	if err != nil {
		return err
	}
	defer private.Close()
	staged := d.base + stagedExt
	err = d.sink.rename(private, strings.TrimPrefix(staged, privateDir+"/"), top, name)
	if !errors.Is(err, errors.ErrUnsupported) {
		return err
	}
	return d.sink.locked("folder", func() error {
		switch _, err := root.Lstat(name); {
		case err == nil:
			return fs.ErrExist
		case !errors.Is(err, fs.ErrNotExist):
			return err
		}
		return root.Rename(staged, name)
	})
}

// same reports whether the file that is spelled exactly like name has the
// staged content. It is fs.ErrNotExist if there is none.
func (d *dirDelivery) same(root *os.Root, name string) (bool, error) {
	list, err := fs.ReadDir(root.FS(), ".")
	if err != nil {
		return false, err
	}
	for _, e := range list {
		if e.Name() != name {
			continue
		}
		if !e.Type().IsRegular() {
			return false, nil // a folder or link of that name: never ours, never followed
		}
		sum, err := sumOf(root, name)
		if err == nil {
			err = d.sumStaged(root)
		}
		return err == nil && sum == d.sum, err
	}
	return false, fs.ErrNotExist
}

func (d *dirDelivery) sumStaged(root *os.Root) (err error) {
	if d.sum == "" {
		if d.sum, err = sumOf(root, d.base+stagedExt); errors.Is(err, fs.ErrNotExist) {
			return errGone
		}
	}
	return err
}

func sumOf(root *os.Root, name string) (string, error) {
	f, err := root.Open(name)
	if err != nil {
		return "", err
	}
	defer f.Close()
	h := sha256.New()
	if _, err := io.Copy(h, f); err != nil {
		return "", err
	}
	return hex.EncodeToString(h.Sum(nil)), nil
}

// Abort implements [Delivery]. What no ledger entry stands for stays in the
// private folder for a week, out of the consumer's sight, for a person to look
// at.
func (d *dirDelivery) Abort(context.Context) error {
	switch {
	case d.committed:
		return nil
	case d.f != nil:
		err := errors.Join(d.f.Close(), d.drop(d.root, partExt), d.root.Close())
		d.f, d.root = nil, nil
		return err
	case d.ref == "":
		return nil
	}
	root, err := d.sink.open()
	if err != nil {
		return err
	}
	d.ref = ""
	return errors.Join(discard(root, d.base), root.Close())
}
