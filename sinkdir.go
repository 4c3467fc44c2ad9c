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
// moved out of the sink at any time without being received again. Several
// processes may share the folder.
//
// Names come from a server, so they are made safe: path separators, control
// characters, characters and names that Windows reserves, leading dots and
// trailing dots or spaces are written as %XX; "." and ".." and empty names are
// refused. A file never replaces another: other content under a name that is
// taken (or, on file systems that ignore case, a name that differs only in
// case) is stored with ".other-" and a part of its checksum before the
// extension; the same content under the same name is there already.
// Everything happens inside an [os.Root].
//
// The last step is one atomic rename that never replaces (Linux, macOS,
// Windows). Where the system or the file system lacks it, such as Linux on
// NFS, the sink looks and renames under a lock of the folder: then no program
// but DirSink may create files there.
func DirSink(dir string) *DirectorySink {
	return &DirectorySink{dir: dir, rename: fsync.RenameNew}
}

// DirectorySink is the [Sink] that [DirSink] returns. It is safe for
// concurrent use, also from several processes, and holds nothing open between
// calls.
//
// # Private folder
//
// A delivery is KEY.TOKEN.part while it grows, KEY.TOKEN.staged once it is
// durable, and has its final name once it is committed. KEY is that of the
// ledger entry, which stands for service, environment, account and folder;
// TOKEN is that of one attempt of one worker. KEY.TOKEN.discarded is empty: it
// proves that what was staged was given up, and stays. Only Commit takes a
// staged file away without it, so a token of which nothing is there was
// committed.
type DirectorySink struct {
	dir    string
	rename func(fromDir *os.File, from string, toDir *os.File, to string) error
}

var _ Sink = (*DirectorySink)(nil)

const (
	partExt      = ".part"
	stagedExt    = ".staged"
	discardedExt = ".discarded"
	idFile       = privateDir + "/id"
	base32Digits = "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567" // of rand.Text
	// unclaimed begins the private names of what no ledger entry stands for.
	unclaimed = "unclaimed."
)

// OpenLedger opens the ledger in the folder, in which a Receive without a
// ledger of its own remembers what it has received, and returns what closes
// it. It fails with [ErrLedgerInUse] while another process has it open.
func (s *DirectorySink) OpenLedger(context.Context) (Ledger, func() error, error) {
	root, err := s.open()
	if err != nil {
		return nil, nil, err
	}
	l, err := OpenLedger(filepath.Join(s.dir, privateDir, "receive.ledger"))
	if err = errors.Join(err, root.Close()); err != nil {
		return nil, nil, err
	}
	return l, l.Close, nil
}

// Create implements [Sink].
func (s *DirectorySink) Create(_ context.Context, item Item) (Delivery, error) {
	d, err := s.delivery(item)
	if err != nil {
		return nil, err
	}
	if d.root, err = s.open(); err != nil {
		return nil, err
	}
	if d.f, err = d.root.OpenFile(d.base+partExt, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600); err != nil {
		return nil, errors.Join(sinkErr("create file in", err), d.root.Close())
	}
	return d, nil
}

// Resume implements [Sink].
func (s *DirectorySink) Resume(_ context.Context, item Item, ref string) (Delivery, Staging, error) {
	_, item.Token, _ = strings.Cut(ref, ".")
	d, err := s.delivery(item)
	if err != nil {
		return nil, "", errors.Join(errOtherSink, err)
	}
	root, err := s.open()
	if err != nil {
		return nil, "", err
	}
	defer root.Close()
	d.ref = ref
	staging, err := d.find(root)
	if err != nil || staging != Staged {
		return nil, staging, err
	}
	return d, Staged, nil
}

var errOtherSink = errors.New("ccr: the file was staged in another sink than this folder, or the folder's " + privateDir +
	" was removed since; receive into that sink to finish it, or see for yourself whether it was delivered")

// delivery is what stands for an item; nothing of it is on disk.
func (s *DirectorySink) delivery(item Item) (*dirDelivery, error) {
	final, err := safeFileName(item.Name)
	if err != nil {
		return nil, err
	}
	if item.Token == "" || len(item.Token) > 32 || strings.Trim(item.Token, base32Digits) != "" {
		return nil, errors.New("ccr: the token of a delivery must be 1 to 32 of A-Z and 2-7")
	}
	key := item.Key
	if key == "" {
		sum := sha256.Sum256([]byte(item.Service + "\x00" + item.Environment + "\x00" + item.Name))
		key = unclaimed + hex.EncodeToString(sum[:16])
	} else if err := (LedgerEntry{Key: key}).CheckKey(); err != nil {
		return nil, err
	}
	return &dirDelivery{sink: s, base: privateDir + "/" + key + "." + item.Token, token: item.Token, final: final, item: item}, nil
}

// open opens the sink folder; it and its private folder are made if missing.
func (s *DirectorySink) open() (*os.Root, error) {
	if s.dir == "" {
		return nil, errors.New("ccr: DirSink needs a folder")
	}
	if err := fsync.MkdirAll(s.dir, 0o700); err != nil {
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

// syncBoth makes a rename out of the private folder durable: first that the
// file is at its new name, then that it is no longer at the old one.
func syncBoth(root *os.Root) error {
	err := fsync.DirIn(root, ".")
	if err == nil {
		err = fsync.DirIn(root, privateDir)
	}
	if err != nil {
		return sinkErr("sync", err)
	}
	return nil
}

// locked calls do while no other process has the same lock of the folder.
func (s *DirectorySink) locked(name string, do func() error) (err error) {
	lock := flock.New(filepath.Join(s.dir, privateDir, name+".lock"), flock.SetPermissions(0o600))
	if err := lock.Lock(); err != nil {
		return sinkErr("lock", err)
	}
	defer func() { err = errors.Join(err, lock.Close()) }()
	return do()
}

// id returns the random name that tells this folder from other sinks; it is
// made at first use.
func (s *DirectorySink) id(root *os.Root) (id string, err error) {
	if id, err := readID(root); err != nil || id != "" {
		return id, err
	}
	err = s.locked("id", func() error {
		if id, err = readID(root); err != nil || id != "" {
			return err
		}
		id = rand.Text()
		f, err := root.OpenFile(idFile+".new", os.O_WRONLY|os.O_CREATE|os.O_TRUNC, 0o600)
		if err != nil {
			return sinkErr("name", err)
		}
		_, err = io.WriteString(f, id)
		if err = errors.Join(err, fsync.Close(f)); err == nil {
			err = root.Rename(idFile+".new", idFile)
		}
		if err != nil {
			return sinkErr("name", err)
		}
		return syncBoth(root)
	})
	return id, err
}

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

func sinkErr(what string, err error) error {
	return fmt.Errorf("ccr: %s the sink folder: %w", what, err)
}
