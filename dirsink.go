package ccr

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"hash"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
)

// privateDir is the folder inside a sink where files grow and the ledger
// lives. It is on the same file system, so that the last step is a rename.
const privateDir = ".ccr"

// DirSink receives into a local folder, which is made (mode 0700) if missing.
//
// A file appears under its final name whole, synced to disk and with mode
// 0600, or not at all. It grows in the hidden folder ".ccr", where the ledger
// of what was received is kept, too: leave that folder alone, and files may be
// moved out of the sink at any time without being received again.
//
// Names come from a server, so they are made safe: path separators, control
// characters, characters and names that Windows reserves, leading dots and
// trailing dots or spaces are written as %XX; "." and ".." and empty names are
// refused. A file never replaces another: other content under a name that is
// taken (or, on file systems that ignore case, a name that differs only in
// case) is stored with ".other-" and a part of its checksum before the
// extension. Everything happens inside an [os.Root].
func DirSink(dir string) *DirectorySink { return &DirectorySink{dir: dir} }

// DirectorySink is the [Sink] that [DirSink] returns. It is safe for
// concurrent use and holds nothing open between calls.
type DirectorySink struct{ dir string }

var (
	_ StagingSink = (*DirectorySink)(nil)
	_ LedgerSink  = (*DirectorySink)(nil)
)

// OpenLedger implements [LedgerSink].
func (s *DirectorySink) OpenLedger(context.Context) (Ledger, func() error, error) {
	root, err := s.open()
	if err != nil {
		return nil, nil, err
	}
	if err := root.Close(); err != nil {
		return nil, nil, err
	}
	l, err := OpenLedger(filepath.Join(s.dir, privateDir, "receive.ledger"))
	if err != nil {
		return nil, nil, err
	}
	return l, l.Close, nil
}

// Create implements [Sink].
func (s *DirectorySink) Create(_ context.Context, item ItemInfo) (SinkFile, error) {
	f, err := s.newFile(item)
	if err != nil {
		return nil, err
	}
	// A leftover may be a second link to a delivered file: remove, never truncate.
	if err = f.root.Remove(f.part); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return nil, errors.Join(sinkErr("clear", err), f.root.Close())
	}
	f.f, err = f.root.OpenFile(f.part, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if err != nil {
		return nil, errors.Join(sinkErr("create file in", err), f.root.Close())
	}
	return f, nil
}

// Staged implements [StagingSink].
func (s *DirectorySink) Staged(_ context.Context, item ItemInfo) (SinkFile, bool, error) {
	f, err := s.newFile(item)
	if err != nil {
		return nil, false, err
	}
	sum, err := f.sumOf(f.staged)
	if err != nil {
		err = errors.Join(err, f.root.Close())
		if errors.Is(err, fs.ErrNotExist) {
			return nil, false, nil
		}
		return nil, false, sinkErr("read staged file in", err)
	}
	f.sum = sum
	return f, true, nil
}

func (s *DirectorySink) open() (*os.Root, error) {
	if s.dir == "" {
		return nil, errors.New("ccr: DirSink needs a folder")
	}
	if err := os.MkdirAll(s.dir, 0o700); err != nil {
		return nil, sinkErr("make", err)
	}
	root, err := os.OpenRoot(s.dir)
	if err != nil {
		return nil, sinkErr("open", err)
	}
	if err := root.Mkdir(privateDir, 0o700); err != nil && !errors.Is(err, fs.ErrExist) {
		return nil, errors.Join(sinkErr("make private folder in", err), root.Close())
	}
	return root, nil
}

func (s *DirectorySink) newFile(item ItemInfo) (*dirFile, error) {
	final, err := safeFileName(item.Name)
	if err != nil {
		return nil, err
	}
	root, err := s.open()
	if err != nil {
		return nil, err
	}
	key := sha256.Sum256([]byte(item.Name))
	base := privateDir + "/" + hex.EncodeToString(key[:16])
	return &dirFile{
		dir: s.dir, root: root, final: final, known: item.Known,
		part: base + ".part", staged: base + ".staged", hash: sha256.New(),
	}, nil
}

// dirFile is one delivery: part grows, staged is whole and durable, final is
// what the consumer sees.
type dirFile struct {
	dir                 string
	root                *os.Root
	part, staged, final string
	known               bool
	f                   *os.File // nil once staged
	hash                hash.Hash
	sum                 string // hex, once staged
}

func (d *dirFile) Write(p []byte) (int, error) {
	n, err := d.f.Write(p)
	d.hash.Write(p[:n])
	return n, err
}

// Stage implements [StagingFile].
func (d *dirFile) Stage(context.Context) error {
	if d.f == nil {
		return nil
	}
	err := errors.Join(d.f.Sync(), d.f.Close())
	d.f = nil
	if err == nil {
		err = d.root.Rename(d.part, d.staged)
	}
	if err == nil {
		err = syncDir(filepath.Join(d.dir, privateDir))
	}
	if err != nil {
		return sinkErr("stage file in", err)
	}
	d.sum = hex.EncodeToString(d.hash.Sum(nil))
	return nil
}

// Commit implements [SinkFile]. A failed Commit leaves the file staged.
func (d *dirFile) Commit(ctx context.Context) (string, error) {
	defer d.root.Close()
	if err := d.Stage(ctx); err != nil {
		return "", err
	}
	if d.sum == "" {
		return "", errors.New("ccr: the delivery was aborted or failed to stage; create it again")
	}
	names := []string{d.final, d.other()}
	if d.known {
		names = names[1:]
	}
	for _, name := range names {
		done, err := d.place(name)
		if err != nil {
			return "", sinkErr("deliver into", err)
		}
		if done {
			return filepath.Join(d.dir, name), nil
		}
	}
	return "", sinkErr("deliver into", errors.New("both the name and its .other- name are taken by different content"))
}

// place moves the staged file to a free name, or finds the same content there.
func (d *dirFile) place(name string) (bool, error) {
	taken, err := d.taken(name)
	if err != nil {
		return false, err
	}
	switch {
	case taken == name:
		sum, err := d.sumOf(name)
		if err != nil || sum != d.sum {
			return false, err
		}
		err = d.root.Remove(d.staged)
		return err == nil, err
	case taken != "":
		return false, nil // differs in case only: another file
	}
	if err := d.root.Rename(d.staged, name); err != nil {
		return false, err
	}
	return true, errors.Join(syncDir(d.dir), syncDir(filepath.Join(d.dir, privateDir)))
}

// taken returns the name that the entry at name really has: on a file system
// that ignores case it may be spelled differently. "" if the name is free.
func (d *dirFile) taken(name string) (string, error) {
	if _, err := d.root.Lstat(name); errors.Is(err, fs.ErrNotExist) {
		return "", nil
	} else if err != nil {
		return "", err
	}
	list, err := fs.ReadDir(d.root.FS(), ".")
	if err != nil {
		return "", err
	}
	other := ""
	for _, e := range list {
		if e.Name() == name {
			return name, nil
		}
		if strings.EqualFold(e.Name(), name) {
			other = e.Name()
		}
	}
	if other == "" { // gone since
		return "", nil
	}
	return other, nil
}

func (d *dirFile) other() string {
	ext := filepath.Ext(d.final)
	return strings.TrimSuffix(d.final, ext) + ".other-" + d.sum[:16] + ext
}

func (d *dirFile) sumOf(name string) (string, error) {
	st, err := d.root.Lstat(name)
	if err != nil {
		return "", err
	}
	if !st.Mode().IsRegular() {
		return "", nil // a folder or link of that name: never ours, never followed
	}
	f, err := d.root.Open(name)
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

// Abort implements [SinkFile]: what was written stays in the private folder,
// out of the consumer's sight, until the next attempt for the same name.
func (d *dirFile) Abort() error {
	var err error
	if d.f != nil {
		err = d.f.Close()
		d.f = nil
	}
	return errors.Join(err, d.root.Close())
}

func sinkErr(what string, err error) error {
	return fmt.Errorf("ccr: %s the sink folder: %w", what, err)
}

// maxFileName is what common file systems allow, less room for our suffix.
const maxFileName = 200

// reservedName reports whether Windows takes name for a device, whatever its extension.
func reservedName(name string) bool {
	stem, _, _ := strings.Cut(name, ".")
	stem = strings.ToUpper(strings.TrimRight(stem, " "))
	switch stem {
	case "CON", "PRN", "AUX", "NUL", "CONIN$", "CONOUT$":
		return true
	}
	if len(stem) < 4 || (stem[:3] != "COM" && stem[:3] != "LPT") {
		return false
	}
	return strings.Trim(stem[3:], "0123456789¹²³") == ""
}

// safeFileName maps a server's name to a file name. Different names give
// different file names: everything unsafe is written as %XX, '%' included.
func safeFileName(name string) (string, error) {
	if name == "" || name == "." || name == ".." || strings.ContainsRune(name, 0) {
		return "", errors.New(`ccr: the vendor's file name is empty, ".", ".." or holds a NUL; refused`)
	}
	reserved := reservedName(name)
	var b strings.Builder
	for i, r := range name {
		last := i == len(name)-1
		switch {
		case r == '\uFFFD' || r == '\u2028' || r == '\u2029' || r == '\u0085',
			r < ' ', r == 0x7f, strings.ContainsRune(`/\<>:"|?*%`, r),
			i == 0 && (reserved || r == '.'), last && (r == '.' || r == ' '):
			size := max(1, len(string(r)))
			if r == '\uFFFD' { // perhaps one invalid byte, not three valid ones
				size = invalidSize(name[i:])
			}
			for _, c := range []byte(name[i : i+size]) {
				fmt.Fprintf(&b, "%%%02X", c)
			}
		default:
			b.WriteRune(r)
		}
	}
	safe := b.String()
	if len(safe) > maxFileName {
		sum := sha256.Sum256([]byte(name))
		cut := strings.ToValidUTF8(safe[:maxFileName-40], "")
		safe = cut + "%~" + hex.EncodeToString(sum[:16])
	}
	return safe, nil
}

// invalidSize is 3 for an encoded U+FFFD and 1 for a byte that is not UTF-8.
func invalidSize(s string) int {
	if strings.HasPrefix(s, "\uFFFD") {
		return 3
	}
	return 1
}
