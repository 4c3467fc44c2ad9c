package ccr

import (
	"context"
	"crypto/rand"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"time"

	"github.com/gofrs/flock"

	"github.com/ccr-sdk/ccr/internal/fsync"
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
type DirectorySink struct {
	dir     string
	placing sync.Mutex // one file at a time looks for a free name and takes it
}

var _ Sink = (*DirectorySink)(nil)

// staleAfter is the age at which something in the private folder that nothing
// refers to is taken for the rest of a crash, not for work under way.
const staleAfter = 24 * time.Hour

// OpenLedger opens the ledger in the folder, in which a Receive without a
// ledger of its own remembers what it has received, and returns what closes
// it. It fails with [ErrLedgerInUse] while another process has it open.
func (s *DirectorySink) OpenLedger(ctx context.Context) (Ledger, func() error, error) {
	root, err := s.open()
	if err != nil {
		return nil, nil, err
	}
	defer root.Close()
	l, err := OpenLedger(filepath.Join(s.dir, privateDir, "receive.ledger"))
	if err != nil {
		return nil, nil, err
	}
	if err := s.sweep(ctx, root, l); err != nil {
		return nil, nil, errors.Join(err, l.Close())
	}
	return l, l.Close, nil
}

// sweep removes what crashes left behind, so that no personal data stays in
// the private folder for ever: old files that no ledger entry waits for.
func (s *DirectorySink) sweep(ctx context.Context, root *os.Root, l *FileLedger) error {
	waiting := map[string]bool{}
	for e, err := range l.List(ctx, LedgerQuery{States: []string{StateStaged}}) {
		if err != nil {
			return err
		}
		waiting[nameKey(e.Name)] = true
	}
	return removeStale(root, func(key, _ string) bool { return !waiting[key] })
}

// removeStale removes old parts and staged files that want selects.
func removeStale(root *os.Root, want func(key, ext string) bool) error {
	list, err := fs.ReadDir(root.FS(), privateDir)
	if err != nil {
		return sinkErr("list", err)
	}
	for _, e := range list {
		key, rest, ok := strings.Cut(e.Name(), "-")
		ext := filepath.Ext(rest)
		if !ok || (ext != partExt && ext != stagedExt) || !want(key, ext) {
			continue
		}
		st, err := e.Info()
		if err != nil || time.Since(st.ModTime()) < staleAfter {
			continue // gone since, or perhaps work under way
		}
		if err := root.Remove(privateDir + "/" + e.Name()); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return sinkErr("clear", err)
		}
	}
	return nil
}

// Create implements [Sink].
func (s *DirectorySink) Create(_ context.Context, item Item) (Delivery, error) {
	f, err := s.newFile(item, item.Token)
	if err != nil {
		return nil, err
	}
	root, err := s.open()
	if err != nil {
		return nil, err
	}
	if err = s.clear(root, nameKey(item.Name)); err == nil {
		f.f, err = root.OpenFile(f.part, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	}
	if err != nil {
		return nil, errors.Join(sinkErr("create file in", err), root.Close())
	}
	f.root = root
	return f, nil
}

// clear removes what earlier attempts for the same name left: their parts,
// which nothing can refer to, and staged files that were never recorded.
func (s *DirectorySink) clear(root *os.Root, key string) error {
	parts, err := fs.Glob(root.FS(), privateDir+"/"+key+"-*"+partExt)
	if err != nil {
		return err
	}
	for _, p := range parts {
		root.Remove(p) //nolint:errcheck // in use elsewhere (Windows) or gone: either is well
	}
	return removeStale(root, func(k, ext string) bool { return k == key && ext == stagedExt })
}

// Resume implements [Sink].
func (s *DirectorySink) Resume(_ context.Context, item Item, ticket string) (Delivery, Staging, error) {
	root, err := s.open()
	if err != nil {
		return nil, "", err
	}
	defer root.Close()
	id, err := s.id(root)
	if err != nil {
		return nil, "", err
	}
	owner, attempt, _ := strings.Cut(ticket, ".")
	if owner != id {
		return nil, "", errors.New("ccr: the file was staged in another sink folder than this one; receive into that folder to finish it")
	}
	f, err := s.newFile(item, attempt)
	if err != nil {
		return nil, "", err
	}
	st, err := root.Lstat(f.staged)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		// Committed. The caller will tell the vendor, so the rename that took
		// the file away must be on disk by now.
		if err := s.sync(); err != nil {
			return nil, "", err
		}
		return nil, Committed, nil
	case err != nil:
		return nil, "", sinkErr("read staged file in", err)
	case !st.Mode().IsRegular():
		return nil, "", sinkErr("read staged file in", errors.New("not a regular file"))
	}
	f.ticket = ticket
	return f, Staged, nil
}

// open opens the sink folder and its private folder, made if missing.
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
	err = root.Mkdir(privateDir, 0o700)
	if errors.Is(err, fs.ErrExist) {
		var st fs.FileInfo
		if st, err = root.Lstat(privateDir); err == nil && !st.IsDir() {
			err = errors.New(privateDir + " is not a folder")
		}
	}
	if err != nil {
		return nil, errors.Join(sinkErr("make private folder in", err), root.Close())
	}
	return root, nil
}

// sync makes renames out of the private folder durable.
func (s *DirectorySink) sync() error {
	if err := errors.Join(fsync.Dir(s.dir), fsync.Dir(filepath.Join(s.dir, privateDir))); err != nil {
		return sinkErr("sync", err)
	}
	return nil
}

// id returns the random name that tells this folder from other sinks; it is
// made at first use.
func (s *DirectorySink) id(root *os.Root) (string, error) {
	if id, err := readID(root); err != nil || id != "" {
		return id, err
	}
	lock := flock.New(filepath.Join(s.dir, privateDir, "id.lock"), flock.SetPermissions(0o600))
	if err := lock.Lock(); err != nil {
		return "", sinkErr("lock", err)
	}
	defer lock.Close()
	if id, err := readID(root); err != nil || id != "" {
		return id, err
	}
	id := rand.Text()
	f, err := root.OpenFile(idFile+".new", os.O_WRONLY|os.O_CREATE|os.O_TRUNC, 0o600)
	if err != nil {
		return "", sinkErr("name", err)
	}
	_, err = io.WriteString(f, id)
	if err = errors.Join(err, f.Sync(), f.Close()); err == nil {
		err = root.Rename(idFile+".new", idFile)
	}
	if err != nil {
		return "", sinkErr("name", err)
	}
	return id, s.sync()
}

const idFile = privateDir + "/id"

func readID(root *os.Root) (string, error) {
	b, err := root.ReadFile(idFile)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return "", nil
	case err != nil:
		return "", sinkErr("read name of", err)
	case len(b) < 20 || strings.Trim(string(b), base32Digits) != "":
		return "", sinkErr("read name of", errors.New("its id file is damaged"))
	}
	return string(b), nil
}

const (
	partExt      = ".part"
	stagedExt    = ".staged"
	base32Digits = "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567" // of rand.Text
)

// nameKey stands for a vendor's name in the private folder.
func nameKey(name string) string {
	key := sha256.Sum256([]byte(name))
	return hex.EncodeToString(key[:16])
}

func (s *DirectorySink) newFile(item Item, attempt string) (*dirFile, error) {
	final, err := safeFileName(item.Name)
	if err != nil {
		return nil, err
	}
	if attempt == "" || len(attempt) > 64 || strings.Trim(attempt, base32Digits) != "" {
		return nil, errors.New("ccr: the token of a delivery must be 1 to 64 of A-Z and 2-7")
	}
	base := privateDir + "/" + nameKey(item.Name) + "-" + attempt
	return &dirFile{
		sink: s, attempt: attempt, final: final, known: item.Known,
		part: base + partExt, staged: base + stagedExt,
	}, nil
}

// dirFile is one delivery: part grows, staged is whole and durable, final is
// what the consumer sees. Every attempt has its own part and staged file, so
// that two workers on one folder cannot mix their bytes.
type dirFile struct {
	sink                *DirectorySink
	attempt             string
	part, staged, final string
	known               bool
	root                *os.Root // nil unless growing or in Commit
	f                   *os.File // nil unless growing
	ticket              string   // set once staged
	sum                 string   // of the staged content, where it was needed
}

func (d *dirFile) Write(p []byte) (int, error) {
	if d.f == nil {
		return 0, errEnded
	}
	return d.f.Write(p)
}

var errEnded = errors.New("ccr: the delivery has ended; create it again")

// Stage implements [Delivery].
func (d *dirFile) Stage(context.Context) (string, error) {
	if d.f == nil {
		if d.ticket == "" {
			return "", errEnded
		}
		return d.ticket, nil
	}
	defer func() { d.root.Close(); d.root = nil }() //nolint:errcheck // a folder opened for reading
	err := errors.Join(d.f.Sync(), d.f.Close())
	d.f = nil
	if err == nil {
		err = d.root.Rename(d.part, d.staged)
	}
	if err == nil {
		err = fsync.Dir(filepath.Join(d.sink.dir, privateDir))
	}
	if err != nil {
		return "", sinkErr("stage file in", err)
	}
	id, err := d.sink.id(d.root)
	if err != nil {
		return "", err
	}
	d.ticket = id + "." + d.attempt
	return d.ticket, nil
}

// Commit implements [Delivery]. A failed Commit leaves the file staged.
func (d *dirFile) Commit(ctx context.Context) (string, error) {
	if _, err := d.Stage(ctx); err != nil {
		return "", err
	}
	var err error
	if d.root, err = d.sink.open(); err != nil {
		return "", err
	}
	defer func() { d.root.Close(); d.root = nil }() //nolint:errcheck // a folder opened for reading
	d.sink.placing.Lock()
	defer d.sink.placing.Unlock()
	if !d.known {
		if done, err := d.place(d.final); done || err != nil {
			return d.location(d.final), err
		}
	}
	other, err := d.other()
	if err != nil {
		return "", sinkErr("read staged file in", err)
	}
	done, err := d.place(other)
	if err == nil && !done {
		err = sinkErr("deliver into", errors.New("both the name and its .other- name are taken by different content"))
	}
	return d.location(other), err
}

func (d *dirFile) location(name string) string { return filepath.Join(d.sink.dir, name) }

// place moves the staged file to a free name, or finds the same content there.
func (d *dirFile) place(name string) (bool, error) {
	taken, err := d.taken(name)
	if err == nil && taken == name {
		var same bool
		if same, err = d.same(name); err == nil && !same {
			return false, nil
		}
		if err == nil {
			err = d.root.Remove(d.staged)
		}
	} else if err == nil && taken != "" {
		return false, nil // spelled differently: another file
	} else if err == nil {
		err = d.root.Rename(d.staged, name)
	}
	if err != nil {
		return false, sinkErr("deliver into", err)
	}
	return true, d.sink.sync()
}

// same reports whether the file at name has the staged content.
func (d *dirFile) same(name string) (bool, error) {
	sum, err := d.sumOf(name)
	if err != nil || sum == "" {
		return false, err
	}
	if err := d.sumStaged(); err != nil {
		return false, err
	}
	return sum == d.sum, nil
}

func (d *dirFile) sumStaged() (err error) {
	if d.sum == "" {
		d.sum, err = d.sumOf(d.staged)
	}
	if err == nil && d.sum == "" {
		err = errors.New("the staged file is not a regular file")
	}
	return err
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
	if other != "" {
		return other, nil
	}
	// Not listed: gone since, or an alias such as another Unicode form or a
	// short name of Windows.
	if _, err := d.root.Lstat(name); errors.Is(err, fs.ErrNotExist) {
		return "", nil
	}
	return "(an alias)", nil
}

// other is the name beside: it holds enough of the checksum to be the same
// for the same content.
func (d *dirFile) other() (string, error) {
	if err := d.sumStaged(); err != nil {
		return "", err
	}
	ext := filepath.Ext(d.final)
	return strings.TrimSuffix(d.final, ext) + ".other-" + d.sum[:16] + ext, nil
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

// Abort implements [Delivery]: what was written stays in the private folder,
// out of the consumer's sight, until the next attempt for the same name. A
// staged file is removed.
func (d *dirFile) Abort(context.Context) error {
	if d.f != nil {
		err := errors.Join(d.f.Close(), d.root.Close())
		d.f, d.root = nil, nil
		return err
	}
	root, err := d.sink.open()
	if err != nil {
		return err
	}
	d.ticket = ""
	if err = root.Remove(d.staged); errors.Is(err, fs.ErrNotExist) {
		err = nil
	}
	return errors.Join(err, root.Close())
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
		case r == '\uFFFD', hidden(r), strings.ContainsRune(`/\<>:"|?*%`, r),
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
