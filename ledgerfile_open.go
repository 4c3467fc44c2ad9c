package ccr

import (
	"cmp"
	"errors"
	"fmt"
	"os"
	"path/filepath"

	"github.com/ccr-sdk/ccr/internal/fsync"
)

// OpenLedger opens a ledger file, or creates one (mode 0600) in a folder that
// exists. It is locked until Close or the end of the process, whatever name it
// is opened by. A file that is no ledger is left as it is.
func OpenLedger(path string) (*FileLedger, error) {
	l := &FileLedger{index: map[keyHash]spot{}, claims: map[keyHash]LedgerEntry{}}
	if err := l.open(path); err != nil {
		if errors.Is(err, ErrLedgerInUse) {
			err = ErrLedgerInUse
		} else {
			err = fmt.Errorf("ccr: open ledger: %w", err)
		}
		return nil, errors.Join(err, l.Close())
	}
	return l, nil
}

func (l *FileLedger) open(path string) (err error) {
	if l.path, err = resolveLedger(path); err != nil {
		return err
	}
	if err := l.lock(); err != nil {
		return err
	}
	// What a crash left of a rewriting, or of the file's creation.
	if err := os.Remove(l.path + ".new"); err != nil && !errors.Is(err, os.ErrNotExist) {
		return err
	}
	st, err := l.f.Stat()
	if err != nil {
		return err
	}
	if n := fsync.Links(st); n > 1 {
		return fmt.Errorf("the file has %d hard links; a ledger must have one name, since it is replaced when it is rewritten", n)
	}
	scan, err := scanLedger(l.f, func(line ledgerLine, off int64, size int) {
		l.index[line.key] = spot{off, line.version, uint32(size), line.state} //nolint:gosec // scanLedger bounds a line
	})
	if err != nil {
		return err
	}
	l.end, l.lines, l.chain = scan.end, scan.lines, scan.chain
	if err := l.f.Truncate(l.end); err != nil {
		return err
	}
	l.compact()
	if err := l.writeHeader(); err != nil {
		return err
	}
	return errors.Join(l.f.Sync(), fsync.Dir(filepath.Dir(l.path)))
}

// resolveLedger returns where the file really is, so that rewriting it does
// not replace a symbolic link.
func resolveLedger(path string) (string, error) {
	real, err := filepath.EvalSymlinks(path)
	if err == nil || !errors.Is(err, os.ErrNotExist) {
		return real, err
	}
	dir, err := filepath.EvalSymlinks(filepath.Dir(path))
	return filepath.Join(dir, filepath.Base(path)), err
}

// lock opens the file, made if missing, and locks it. The file that was
// locked must still be the one at the path: the holder before may have
// replaced it.
func (l *FileLedger) lock() error {
	for range 8 {
		f, err := os.OpenFile(l.path, os.O_RDWR, 0)
		if errors.Is(err, os.ErrNotExist) {
			if err = createLedger(l.path); err == nil || errors.Is(err, os.ErrExist) {
				continue
			}
		}
		if err != nil {
			return err
		}
		ok, unlock, err := fsync.Lock(f)
		if err != nil || !ok {
			return errors.Join(cmp.Or(err, ErrLedgerInUse), f.Close())
		}
		mine, err := f.Stat()
		there, serr := os.Stat(l.path)
		if err == nil && serr == nil && os.SameFile(mine, there) {
			l.f, l.unlock = f, unlock
			return nil
		}
		if err := errors.Join(err, unlock.Close(), f.Close()); err != nil {
			return err
		}
	}
	return ErrLedgerInUse
}

// createLedger makes a file that holds a header: a ledger is never empty.
func createLedger(path string) error {
	fresh, err := os.CreateTemp(filepath.Dir(path), filepath.Base(path)+".new-*")
	if err != nil {
		return err
	}
	_, err = fresh.Write(ledgerHeader(ledgerHeaderSize, 0))
	err = errors.Join(err, fsync.Close(fresh))
	if err == nil {
		if err = os.Link(fresh.Name(), path); err != nil && !errors.Is(err, os.ErrExist) {
			err = copyNew(path) // a file system without links
		}
	}
	return errors.Join(err, os.Remove(fresh.Name()))
}

func copyNew(path string) error {
	f, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if err != nil {
		return err
	}
	_, err = f.Write(ledgerHeader(ledgerHeaderSize, 0))
	return errors.Join(err, fsync.Close(f))
}
