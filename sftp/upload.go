package sftp

import (
	"context"
	"crypto/rand"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"hash"
	"log/slog"
	"os"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/ccr-sdk/ccr"
	pkgsftp "github.com/pkg/sftp"
)

// Verification says what the size check of an upload showed. A wrong size is
// not among them: it is an error, and nothing appears under the final name.
type Verification string

const (
	// Verified: before it was closed, the server said that the file has
	// exactly the bytes that were sent.
	Verified Verification = "verified"
	// Unverifiable: every write was acknowledged and closing succeeded, but the
	// account may not ask for the size (a folder that can only be written to).
	Unverifiable Verification = "not verifiable"
)

// Uploaded is a file that was sent.
type Uploaded struct {
	Name         string        // without its folder
	Path         string        // remote path of the final name
	Size         int64         // bytes
	SHA256       string        // lowercase hex; empty unless Checksum or Ledger was set
	Verification Verification  // how far the arrived file was checked
	Recorded     bool          // an earlier run had sent it, says the ledger; nothing was sent now
	Resumed      int64         // bytes that an interrupted upload had brought over and were not sent again
	Duration     time.Duration // of the whole upload, checks included
	Err          error         // in UploadAll: why this file failed
}

// UploadOptions adjust an upload. The zero value is the safe default.
type UploadOptions struct {
	// Folder chooses an upload folder of the layout by its Path; "" is the first.
	Folder string
	// Overwrite lets the file replace one of the same name, at one stroke where
	// the server can (posix-rename@openssh.com). Without it, a taken name is
	// refused with [ErrExists].
	Overwrite bool
	// DeleteFirst, with Overwrite, deletes the old file and then renames if the
	// server cannot replace at one stroke. In between, neither is there.
	DeleteFirst bool
	// Ledger makes a rerun after a crash safe: content that was sent is never
	// sent twice, and an interrupted large upload goes on where it was.
	Ledger ccr.Ledger
	// AllowSameContent lets content that was sent under another name go out
	// again under this one. Without it, the ledger refuses that as a duplicate.
	AllowSameContent bool
	// TakeOver is how long the last sign of life of an interrupted upload must
	// be ago before this one goes on with it; until then the outcome is
	// unknown, since another process may be sending it. Default 2 min.
	TakeOver time.Duration
	// Channels is the number of SSH channels that a file larger than 8 MiB is
	// written through at once, for long distances: default 1, at most what the
	// folder's MaxChannels allows.
	Channels int
	// NoSync leaves out the request to write the file to disk before it is
	// renamed (fsync@openssh.com), which is made where the server offers it.
	NoSync bool
	// Checksum computes the SHA-256 of what is sent. A Ledger implies it.
	Checksum bool
	// Progress is called while bytes are acknowledged.
	Progress ccr.ProgressFunc
	// CorrelationID appears in errors and log events of the call.
	CorrelationID string
}

// largeFile is the size from which more channels and a resume by another
// process are worth it.
const largeFile = 8 << 20

// Upload sends a file into an upload folder of the layout. With the default
// policy it grows under a temporary name and is renamed when it is whole: the
// size checked on the open handle, written to disk, closed without error. A
// connection that breaks is opened again and the upload goes on from the last
// byte that was acknowledged in order. At most one UploadOptions is taken.
//
// The outcome of an error is not sent (nothing appeared under the final name;
// calling again is safe), rejected (the server refused) or unknown (the
// answer to the last step was lost, and looking at the folder did not tell).
func (c *Client) Upload(ctx context.Context, file ccr.File, opts ...UploadOptions) (Uploaded, error) {
	const op = "Upload"
	o, err := one(op, opts)
	if err != nil {
		return Uploaded{}, err
	}
	folder, err := c.checkUpload(op, []ccr.File{file}, o)
	if err != nil {
		return Uploaded{}, err
	}
	return c.upload(ctx, op, file, folder, o)
}

// one returns the options of a call: none or one.
func one[T any](op string, opts []T) (T, error) {
	var o T
	switch len(opts) {
	case 0:
	case 1:
		o = opts[0]
	default:
		var f ccr.Faults
		f.Add("options", "are given more than once")
		return o, f.Err(serviceName, op)
	}
	return o, nil
}

// checkUpload refuses what no vendor takes, before anything is sent.
func (c *Client) checkUpload(op string, files []ccr.File, o UploadOptions) (UploadFolder, error) {
	var f ccr.Faults
	folder, ok := c.cfg.Layout.upload(o.Folder)
	if !ok {
		f.Add("Folder", "is not an upload folder of the layout")
	}
	if o.Channels < 0 || ok && o.Channels > folder.MaxChannels {
		f.Addf("Channels", "must be between 1 and the folder's MaxChannels, which is %d", folder.MaxChannels)
	}
	if o.DeleteFirst && !o.Overwrite {
		f.Add("DeleteFirst", "needs Overwrite")
	}
	if o.TakeOver < 0 {
		f.Add("TakeOver", "must not be negative")
	}
	if o.CorrelationID != "" && ccr.SafeToken(o.CorrelationID) == "" {
		f.Add("CorrelationID", "must be 1 to 128 letters, digits or _.:/-")
	}
	seen := make(map[string]bool, len(files))
	for i, file := range files {
		at := "file.name"
		if op == "UploadAll" {
			at = "files[" + itoa(i) + "].name"
		}
		name := file.Name()
		msg := checkName(name)
		if msg == "" && c.cfg.Layout.CheckName != nil {
			msg = c.cfg.Layout.CheckName(name)
		}
		switch {
		case msg != "":
			f.Add(at, msg)
		case seen[name]:
			f.Add(at, "is given twice")
		case folder.Policy == PolicyMarker && strings.HasSuffix(name, folder.Marker):
			f.Add(at, "ends like the folder's done-markers")
		}
		seen[name] = true
	}
	return folder, f.Err(serviceName, op)
}

func (c *Client) upload(ctx context.Context, op string, file ccr.File, folder UploadFolder, o UploadOptions) (Uploaded, error) {
	u := &upload{
		c: c, op: op, file: file, name: file.Name(), folder: folder, opts: o,
		final: join(c.cfg.Layout.Root, folder.Path, file.Name()),
	}
	if o.Ledger != nil || o.Checksum {
		u.hash = sha256.New()
	}
	began := time.Now()
	out, err := run(ctx, c, func(ctx context.Context) (Uploaded, error) {
		free, err := c.slot(ctx)
		if err != nil {
			return Uploaded{}, err
		}
		defer free()
		if o.Ledger != nil {
			return u.recorded(ctx)
		}
		return u.whole(ctx)
	})
	u.over.Store(true)
	out.Duration = time.Since(began)
	err = u.explain(err)
	u.log(ctx, out, err)
	return out, err
}

// stage is how far an upload got: what its end means depends on it.
type stage int32

const (
	stagePreparing stage = iota // nothing that anybody looks at
	stageWriting                // bytes go out
	stageRenaming               // the final name may appear
	stageDone
)

// upload is the state of one upload over all its attempts.
type upload struct {
	c      *Client
	op     string
	file   ccr.File
	name   string
	folder UploadFolder
	opts   UploadOptions
	final  string

	stage    atomic.Int32
	over     atomic.Bool    // the call has returned: nothing is reported any more
	closing  sync.WaitGroup // handles of attempts that failed
	temp     string         // where it grows; the final name for direct policies
	opened   bool           // opening temp was asked for: it may be there
	created  bool           // and the server said that it is
	acked    int64          // the mark of earlier attempts
	resumed  int64          // what an earlier process had brought over
	size     int64          // -1 until the source was opened
	checked  bool           // the final name was looked at and is free
	marked   bool           // opening the marker was asked for
	hash     hash.Hash      // nil: no checksum is wanted
	hashed   int64          // bytes that are in hash
	sum      string
	wantSum  string // the ledger's
	verified Verification
	keep     bool  // temp stays for a later run to go on with
	inherit  int64 // an earlier process wrote temp: this many bytes below its size may be missing
	onRename func(context.Context) error
	onTemp   func() error // another temporary name was chosen
}

// whole sends the file, over as many connections as it takes.
func (u *upload) whole(ctx context.Context) (Uploaded, error) {
	u.size = -1
	if u.temp == "" {
		u.rename()
	}
	err := u.c.repeat(ctx, u.attempt)
	if err != nil {
		u.tidy(ctx)
		return Uploaded{}, err
	}
	u.stage.Store(int32(stageDone))
	u.report(u.size, true)
	return Uploaded{
		Name: u.name, Path: u.final, Size: u.size, SHA256: u.sum, Verification: u.verified, Resumed: u.resumed,
	}, nil
}

// rename chooses a new name for the file to grow under.
func (u *upload) rename() {
	u.opened, u.created, u.acked, u.resumed, u.inherit = false, false, 0, 0, 0
	if !u.folder.renames() {
		u.temp = u.final
		return
	}
	u.temp = u.c.cfg.Layout.tempPath(u.folder, u.name, rand.Text()[:16])
}

// attempt sends the file over one connection, or what is left of it.
func (u *upload) attempt(ctx context.Context, s *session) error {
	ch := s.first()
	if stage(u.stage.Load()) == stageRenaming {
		// The reply to the last step was lost with the last connection.
		done, err := u.settle(ch)
		if err != nil || done {
			return err
		}
	}
	src, err := u.file.Open()
	if err != nil {
		return &localError{err}
	}
	defer src.Close()
	if u.size >= 0 && src.Size() != u.size {
		return &localError{fmt.Errorf("%w: it has another size than before", ccr.ErrFileChanged)}
	}
	u.size = src.Size()
	f, err := u.open(ctx, ch)
	if err != nil {
		return err
	}
	w := &writing{u: u, ch: ch, f: f}
	if err := w.write(ctx, s, src); err != nil {
		w.release()
		return err
	}
	if err := w.seal(ctx); err != nil {
		w.release()
		return err
	}
	if err := ctx.Err(); err != nil {
		return context.Cause(ctx)
	}
	return u.publish(ctx, ch)
}

// open opens the temporary file and, at the same time, looks whether the
// final name is free.
func (u *upload) open(ctx context.Context, ch *channel) (*pkgsftp.File, error) {
	if err := ctx.Err(); err != nil {
		return nil, context.Cause(ctx)
	}
	var look chan error
	if !u.opts.Overwrite && !u.checked {
		if !u.folder.renames() { // the look must come first: opening makes the name
			if err := u.free(ch); err != nil {
				return nil, err
			}
			u.checked = true
		} else {
			look = make(chan error, 1)
			go func() { look <- u.free(ch) }()
		}
	}
	f, err := u.openTemp(ch)
	if look != nil {
		if lerr := <-look; lerr != nil {
			if f != nil {
				_ = ch.do(f.Close)
			}
			return nil, lerr
		}
		u.checked = true
	}
	return f, err
}

func (u *upload) openTemp(ch *channel) (*pkgsftp.File, error) {
	if !u.folder.renames() && u.opened && !u.created && !u.opts.Overwrite {
		// The reply to opening the final name was lost. An empty file is ours;
		// one with content is somebody else's.
		if n, err := ch.sizeOf(u.final); err == nil && n > 0 {
			return nil, ErrExists
		}
	}
	flags := os.O_WRONLY | os.O_CREATE
	switch {
	case u.acked > 0 || u.inherit > 0:
		flags = os.O_WRONLY
	case u.opened || u.opts.Overwrite && !u.folder.renames():
		flags |= os.O_TRUNC // ours from the attempt before, or may be replaced
	default:
		flags |= os.O_EXCL
	}
	first := !u.opened
	u.opened = true
	u.stage.Store(int32(stageWriting))
	f, err := ch.openFile(u.temp, flags)
	switch {
	case err == nil && (u.acked > 0 || u.inherit > 0):
		return u.position(ch, f)
	case flags == os.O_WRONLY && isStatus(err, statusNoSuchFile):
		return u.anew(ch) // it is gone
	case err != nil && first && flags&os.O_EXCL != 0 && u.folder.renames() && (isStatus(err, statusFailure) || isStatus(err, statusUnsupported)):
		// Some servers refuse the flag; the name is ours by its random part.
		f, err = ch.openFile(u.temp, os.O_WRONLY|os.O_CREATE|os.O_TRUNC)
	}
	if err == nil {
		u.created = true
		return f, nil
	}
	if isLost(err) {
		return nil, err
	}
	if !u.created {
		u.opened = false
		u.stage.Store(int32(stagePreparing))
	}
	switch {
	case isStatus(err, statusNoSuchFile):
		return nil, fmt.Errorf("%w: %w", ErrFolderMissing, err)
	case !u.folder.renames() && !u.opts.Overwrite && isStatus(err, statusFailure) && u.taken(ch):
		return nil, fmt.Errorf("%w: %w", ErrExists, err)
	}
	return nil, ch.whyFailed(u.temp, err)
}

// position finds out how much of the file is known to be there. If less than
// was acknowledged, it begins anew.
func (u *upload) position(ch *channel, f *pkgsftp.File) (*pkgsftp.File, error) {
	size, err := ch.size(f)
	if isLost(err) {
		return nil, err
	}
	u.created = true
	switch window := u.inherit; {
	case err != nil && window > 0: // no way to tell: write all of it over what is there
		u.inherit = 0
		return f, nil
	case err != nil:
		return f, nil // acknowledged to this process
	case size > u.size, size < u.acked:
	case window > 0:
		// Whoever wrote it never was more than a window above what was
		// acknowledged in order: everything below that is there.
		u.inherit, u.acked = 0, max(0, size-window)
		u.resumed = u.acked
		return f, nil
	default:
		return f, nil
	}
	if err := ch.do(f.Close); isLost(err) {
		return nil, err
	}
	temp := u.temp
	u.c.work.Go(func() { u.c.discard(temp) })
	return u.anew(ch)
}

// anew begins again under another temporary name.
func (u *upload) anew(ch *channel) (*pkgsftp.File, error) {
	u.rename()
	if u.onTemp != nil {
		if err := u.onTemp(); err != nil {
			return nil, err
		}
	}
	return u.openTemp(ch)
}

// free refuses a final name that is taken. A server that does not let us look
// leaves that to the rename.
func (u *upload) free(ch *channel) error {
	err := ch.exists(u.final)
	switch {
	case err == nil:
		return ErrExists
	case isLost(err):
		return err
	}
	return nil
}

// taken reports whether there is a file of the final name, as far as can be seen.
func (u *upload) taken(ch *channel) bool { return ch.exists(u.final) == nil }

// writing is one attempt's open file.
type writing struct {
	u       *upload
	ch      *channel
	f       *pkgsftp.File
	lanes   []lane // more than one for large files
	pending sync.WaitGroup
	closed  bool
}

// release closes what is still open, once nothing uses it, without waiting.
func (w *writing) release() {
	if w.closed {
		return
	}
	lanes := w.lanes
	if len(lanes) == 0 {
		lanes = []lane{{w.ch, w.f}}
	}
	w.u.closing.Add(1)
	w.u.c.work.Go(func() {
		defer w.u.closing.Done()
		w.pending.Wait()
		for _, l := range lanes {
			_ = l.ch.do(l.f.Close)
		}
	})
}

// write sends everything above the mark.
func (w *writing) write(ctx context.Context, s *session, src *ccr.FileReader) error {
	u := w.u
	in := &hashing{u: u, src: src}
	if err := in.skip(u.acked); err != nil {
		return &localError{err}
	}
	u.report(u.acked, false)
	if left := u.size - u.acked; left <= int64(w.ch.write) {
		if err := w.small(ctx, in, int(left)); err != nil {
			return err
		}
	} else {
		w.lanes = []lane{{w.ch, w.f}}
		if u.size > largeFile {
			w.spread(s, max(u.opts.Channels, 1))
			u.c.buffers.relax(len(w.lanes))
		}
		high, err := u.c.send(ctx, w.lanes, in, u.acked, u.size, func(high int64) { u.report(high, false) }, &w.pending)
		u.acked = high
		if err != nil {
			return w.ch.whyFailed(u.temp, local(err))
		}
	}
	u.acked = u.size
	if err := in.end(); err != nil {
		return &localError{err}
	}
	return nil
}

// local marks errors of the source, which no other connection cures.
func local(err error) error {
	if err == nil {
		return nil
	}
	if _, remote := statusCode(err); remote || isLost(err) || errors.Is(err, context.Canceled) || errors.Is(err, context.DeadlineExceeded) {
		return err
	}
	return &localError{err}
}

// small sends what fits one request without further ado.
func (w *writing) small(ctx context.Context, in *hashing, n int) error {
	if n == 0 {
		return nil
	}
	if err := w.ch.budget.take(ctx, n); err != nil {
		return err
	}
	defer w.ch.budget.give(n)
	buf := w.u.c.buffers.get(n)
	defer w.u.c.buffers.put(buf)
	if err := readFull(in, buf); err != nil {
		return &localError{err}
	}
	err := w.ch.do(func() error { _, err := w.f.WriteAt(buf, w.u.acked); return err })
	return w.ch.whyFailed(w.u.temp, err)
}

// spread opens the file on further channels; fewer will do, too.
func (w *writing) spread(s *session, n int) {
	for _, ch := range s.spread(n)[1:] {
		f, err := ch.openFile(w.u.temp, os.O_WRONLY)
		if err != nil {
			return
		}
		w.lanes = append(w.lanes, lane{ch, f})
	}
}

// seal checks the size on the open handle, has the server write it to disk
// and closes it. Each can be where a server says that it has no room.
func (w *writing) seal(ctx context.Context) error {
	u := w.u
	if err := ctx.Err(); err != nil {
		return context.Cause(ctx)
	}
	for len(w.lanes) > 1 {
		l := w.lanes[len(w.lanes)-1]
		w.lanes = w.lanes[:len(w.lanes)-1]
		if err := l.ch.do(l.f.Close); err != nil {
			return w.ch.whyFailed(u.temp, err)
		}
	}
	size, err, serr := w.settled()
	switch {
	case isLost(err):
		return err
	case err != nil:
		u.verified = Unverifiable
	case size != u.size:
		return fmt.Errorf("%w: the server has %d bytes, %d were sent", ccr.ErrIncomplete, size, u.size)
	default:
		u.verified = Verified
	}
	if serr != nil && !isStatus(serr, statusUnsupported) {
		return w.ch.whyFailed(u.temp, serr)
	}
	w.closed = true
	return w.ch.whyFailed(u.temp, w.ch.do(w.f.Close))
}

// settled asks for the size and has the server write the file to disk, at the
// same time: pkg/sftp lets nothing else use a handle during fsync, so the size
// is then asked for by the temporary name, which nobody else has.
func (w *writing) settled() (size int64, err, serr error) {
	if w.u.opts.NoSync || w.ch.extensions["fsync@openssh.com"] != "1" {
		size, err = w.ch.size(w.f)
		return size, err, nil
	}
	synced := make(chan error, 1)
	go func() { synced <- w.ch.do(w.f.Sync) }()
	size, err = w.ch.sizeOf(w.u.temp)
	serr = <-synced
	if err != nil && !isLost(err) {
		size, err = w.ch.size(w.f)
	}
	return size, err, serr
}

// publish gives the file its final name, or says that it is whole.
func (u *upload) publish(ctx context.Context, ch *channel) error {
	switch {
	case u.folder.renames():
		if u.onRename != nil {
			if err := u.onRename(ctx); err != nil {
				return &localError{err}
			}
		}
		u.stage.Store(int32(stageRenaming))
		return u.move(ch)
	case u.folder.Policy == PolicyMarker:
		return u.mark(ch)
	}
	return nil
}

// move renames the temporary file. Without Overwrite it never uses
// posix-rename, which replaces what is there.
func (u *upload) move(ch *channel) error {
	var err error
	if u.opts.Overwrite && ch.has("posix-rename@openssh.com") {
		err = ch.do(func() error { return ch.sftp.PosixRename(u.temp, u.final) })
	} else {
		err = ch.do(func() error { return ch.sftp.Rename(u.temp, u.final) })
		if u.opts.DeleteFirst && err != nil && !isLost(err) && !isStatus(err, statusNoSuchFile) && ch.isFile(u.final) {
			if err = ch.do(func() error { return ch.sftp.Remove(u.final) }); err == nil {
				err = ch.do(func() error { return ch.sftp.Rename(u.temp, u.final) })
			}
		}
	}
	switch {
	case err == nil:
		u.opened = false
		return nil
	case isLost(err):
		return err // settled over the next connection
	case isStatus(err, statusNoSuchFile):
		return u.vanished(ch, err)
	}
	u.stage.Store(int32(stageWriting)) // refused: the final name is as it was
	if u.taken(ch) {
		return fmt.Errorf("%w: %w", ErrExists, err)
	}
	return fmt.Errorf("rename: %w", err)
}

var errTakenAway = errors.New("the temporary file was taken away before it could be renamed")

// vanished: the server does not find the temporary file or the folder.
func (u *upload) vanished(ch *channel, cause error) error {
	if ch.exists(u.temp) == nil {
		u.stage.Store(int32(stageWriting))
		return fmt.Errorf("%w: %w", ErrFolderMissing, cause)
	}
	u.opened = false
	return fmt.Errorf("%w: %w", errTakenAway, cause)
}

// settle finds out whether a rename whose reply was lost has happened, by
// looking at both names. true: it has.
func (u *upload) settle(ch *channel) (bool, error) {
	terr := ch.exists(u.temp)
	if isLost(terr) {
		return false, terr
	}
	if terr == nil { // still there: not renamed; do it again
		u.stage.Store(int32(stageWriting))
		u.checked = true
		return false, nil
	}
	size, ferr := ch.sizeOf(u.final)
	switch {
	case isLost(ferr):
		return false, ferr
	case isStatus(terr, statusNoSuchFile) && ferr == nil && size == u.size:
		u.opened = false
		return true, nil
	}
	return false, errUnsettled
}

var errUnsettled = errors.New("the reply to the last step was lost, and neither name tells what became of it")

// mark writes the marker file that says the file is whole.
func (u *upload) mark(ch *channel) error {
	flags := os.O_WRONLY | os.O_CREATE | os.O_TRUNC
	if !u.marked && !u.opts.Overwrite {
		flags = os.O_WRONLY | os.O_CREATE | os.O_EXCL
	}
	u.marked = true
	f, err := ch.openFile(u.final+u.folder.Marker, flags)
	if err == nil {
		err = ch.do(f.Close)
	}
	if err != nil && !isLost(err) {
		err = fmt.Errorf("done-marker: %w", ch.whyFailed(u.final, err))
	}
	return err
}

// tidyWait is what a failed call waits for its temporary file to be removed.
// After that, it goes on in the background.
const tidyWait = time.Second

// tidy removes what a failed upload left under its temporary name. A final
// name is never removed.
func (u *upload) tidy(ctx context.Context) {
	if !u.folder.renames() || !u.opened || u.keep || stage(u.stage.Load()) == stageRenaming {
		return
	}
	temp, done := u.temp, make(chan struct{})
	u.c.work.Go(func() {
		defer close(done)
		u.closing.Wait()
		u.c.discard(temp)
	})
	t := time.NewTimer(tidyWait)
	defer t.Stop()
	select {
	case <-done:
	case <-ctx.Done():
	case <-t.C:
	}
}

func (u *upload) report(high int64, done bool) {
	if u.opts.Progress == nil || u.over.Load() {
		return
	}
	u.opts.Progress(ccr.Progress{Operation: u.op, Name: u.name, Bytes: high, TotalBytes: max(u.size, 0), Done: done})
}

// outcome says what a failed upload means for the vendor.
func (u *upload) outcome(err error) ccr.Outcome {
	_, refused := statusCode(err)
	switch s := stage(u.stage.Load()); {
	case errors.Is(err, errTakenAway), errors.Is(err, errUnsettled):
		return ccr.OutcomeUnknown
	case s == stageDone: // sent, and the ledger could not be told
		return ccr.OutcomeUnknown
	case s == stageRenaming, s == stageWriting && !u.folder.renames():
		return ccr.OutcomeUnknown
	case refused, errors.Is(err, ErrExists):
		return ccr.OutcomeRejected
	}
	return ccr.OutcomeNotSent
}

// explain makes the error of the call.
func (u *upload) explain(err error) error {
	if err == nil {
		return nil
	}
	e := failure(u.op, u.final, u.outcome(err), err)
	e.CorrelationID = u.opts.CorrelationID
	switch {
	case errors.Is(err, errTakenAway):
		e.Advice = "The folder seems to process temporary names: ask the vendor what became of it, then use PolicyStaging or PolicyDirect in the layout"
	case e.Outcome == ccr.OutcomeUnknown && !u.folder.renames():
		e.Advice = "A part of the file may stand under its final name: look at the folder or ask the vendor before you send it again"
	case e.Outcome == ccr.OutcomeUnknown && (errors.Is(err, errUnsettled) || stage(u.stage.Load()) == stageRenaming):
		e.Advice = "It was sent whole, and its final name may be there: look at the folder or ask the vendor before you send it again"
	case errors.Is(err, ErrExists) && u.opts.Overwrite:
		e.Advice = "The server cannot replace a file at one stroke; set DeleteFirst if it may be deleted before"
	case isStatus(err, statusPermission) && u.folder.renames():
		e.Advice = "The account may not write, or may not rename, in that folder: check the folder, ask the vendor for the right, or use PolicyDirect in the layout"
	}
	return e
}

func (u *upload) log(ctx context.Context, out Uploaded, err error) {
	attrs := []slog.Attr{
		slog.String("service", serviceName), slog.String("environment", u.c.environment), slog.String("path", u.final),
		slog.Int64("size", out.Size), slog.Duration("duration", out.Duration),
	}
	if u.opts.CorrelationID != "" {
		attrs = append(attrs, slog.String("correlation_id", u.opts.CorrelationID))
	}
	level := slog.LevelInfo
	if err != nil {
		level, attrs = slog.LevelWarn, append(attrs, slog.Any("error", err))
	} else {
		attrs = append(attrs, slog.String("verification", string(out.Verification)), slog.Int64("resumed", out.Resumed), slog.Bool("recorded", out.Recorded))
	}
	u.c.cfg.Logger.LogAttrs(ctx, level, "sftp upload", attrs...)
}

// hashing reads the source and hashes each byte once, whatever is read again
// after a broken connection.
type hashing struct {
	u   *upload
	src *ccr.FileReader
	off int64
}

func (h *hashing) Read(p []byte) (int, error) {
	n, err := h.src.Read(p)
	if u := h.u; u.hash != nil && h.off+int64(n) > u.hashed {
		u.hash.Write(p[u.hashed-h.off : n])
		u.hashed = h.off + int64(n)
	}
	h.off += int64(n)
	return n, err
}

// skip goes to where the upload continues. What the checksum has not seen is read.
func (h *hashing) skip(to int64) error {
	from := to
	if h.u.hash != nil {
		from = min(to, h.u.hashed)
	}
	if from > 0 {
		if _, err := h.src.Seek(from, 0); err != nil {
			return err
		}
	}
	h.off = from
	buf := make([]byte, min(int64(defaultRequest), to-from))
	for h.off < to {
		if err := readFull(h, buf[:min(int64(len(buf)), to-h.off)]); err != nil {
			return err
		}
	}
	return nil
}

// end makes sure that the source ends here, unmodified, and is what the
// ledger stands for.
func (h *hashing) end() error {
	var one [1]byte
	if n, err := h.src.Read(one[:]); n > 0 || !errors.Is(err, errEOF) {
		if err == nil {
			err = ccr.ErrFileChanged
		}
		return err
	}
	if u := h.u; u.hash != nil {
		u.sum = hex.EncodeToString(u.hash.Sum(nil))
		if u.wantSum != "" && u.sum != u.wantSum {
			return fmt.Errorf("%w: its checksum is another than before", ccr.ErrFileChanged)
		}
	}
	return nil
}
