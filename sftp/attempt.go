package sftp

import (
	"context"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"os"
	"time"

	"github.com/ccr-sdk/ccr"
	"github.com/ccr-sdk/ccr/sftp/internal/engine"
)

// attempt sends the file over one connection, or what is left of it.
func (u *upload) attempt(ctx context.Context, s *engine.Session) error {
	ch := s.First()
	if stage(u.stage.Load()) == stageRenaming {
		// The reply to the last step was lost with the last connection.
		done, err := u.resolve(ctx, s)
		if err != nil || done {
			return err
		}
	}
	src, err := u.file.Open()
	if err != nil {
		return &engine.LocalError{Err: err}
	}
	defer src.Close()
	if u.size >= 0 && src.Size() != u.size {
		return &engine.LocalError{Err: fmt.Errorf("%w: it has another size than before", ccr.ErrFileChanged)}
	}
	u.size = src.Size()
	f, err := u.open(ctx, s, ch)
	if err != nil {
		return err
	}
	w := &writing{u: u, ch: ch, f: f, lanes: engine.NewLanes(f), from: u.acked}
	if err := w.write(ctx, s, src); err != nil {
		if w.worthStartingOver(err) {
			w.lanes.Close()
			u.single = true
			u.dropTemp(ch)
			if err := u.startOver(); err != nil {
				return err
			}
			return u.attempt(ctx, s)
		}
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
func (u *upload) open(ctx context.Context, s *engine.Session, ch *engine.Channel) (*engine.File, error) {
	if err := ctx.Err(); err != nil {
		return nil, context.Cause(ctx)
	}
	var look chan error
	if !u.opts.Overwrite && !u.checked {
		if !u.folder.renames() { // the look must come first: opening makes the name
			if err := u.free(s, ch); err != nil {
				return nil, err
			}
			u.checked = true
		} else {
			look = make(chan error, 1)
			go func() { look <- u.free(s, ch) }()
		}
	}
	if u.onVisible != nil && !u.folder.renames() { // opening makes the final name
		if err := u.onVisible(ctx); err != nil {
			return nil, &engine.LocalError{Err: err}
		}
	}
	f, err := u.openTemp(ch)
	if look != nil {
		if lerr := <-look; lerr != nil {
			if f != nil {
				_ = f.Close()
			}
			return nil, lerr
		}
		u.checked = true
	}
	return f, err
}

// openTemp opens the file to write to: the one of an attempt before, as far as
// the server lets it be opened again, or a new one.
func (u *upload) openTemp(ch *engine.Channel) (*engine.File, error) {
	if u.acked > 0 || u.gap > 0 {
		return u.reopen(ch)
	}
	if !u.folder.renames() && u.opened && !u.created && !u.opts.Overwrite {
		// The reply to opening the final name was lost. An empty file is ours;
		// one with content is somebody else's.
		if n, err := ch.SizeOf(u.final); err == nil && n > 0 {
			return nil, ErrExists
		}
	}
	flags, again := os.O_WRONLY|os.O_CREATE|os.O_EXCL, u.opened
	if again || u.opts.Overwrite && !u.folder.renames() {
		flags = os.O_WRONLY | os.O_CREATE | os.O_TRUNC // ours from the attempt before, or may be replaced
	}
	u.opened = true
	u.stage.Store(int32(stageWriting))
	f, err := ch.Open(u.temp, flags)
	if err != nil && u.folder.renames() && engine.IsRefusal(err) {
		switch {
		case again: // it may create files, not open them again
			u.dropTemp(ch)
			if err := u.startOver(); err != nil {
				return nil, err
			}
			return u.openTemp(ch)
		case engine.IsStatus(err, engine.StatusFailure), engine.IsStatus(err, engine.StatusUnsupported):
			// Some servers refuse the flag; the name is ours by its random part.
			f, err = ch.Open(u.temp, os.O_WRONLY|os.O_CREATE|os.O_TRUNC)
		}
	}
	if err == nil {
		u.created = true
		return f, nil
	}
	return nil, u.notOpened(ch, err)
}

// notOpened says why a new file could not be opened.
func (u *upload) notOpened(ch *engine.Channel, err error) error {
	if engine.IsLost(err) {
		return err
	}
	if !u.created {
		u.opened = false
		u.stage.Store(int32(stagePreparing))
	}
	switch {
	case engine.IsStatus(err, engine.StatusNoSuchFile):
		return fmt.Errorf("%w: %w", ErrFolderMissing, err)
	case !u.folder.renames() && !u.opts.Overwrite && engine.IsStatus(err, engine.StatusFailure) && u.taken(ch):
		return fmt.Errorf("%w: %w", ErrExists, err)
	}
	return &openError{ch.WhyFailed(u.temp, err)}
}

// reopen opens the file of an earlier attempt or run. If the server refuses,
// as it may for accounts that can only create files, or has less of it than
// it acknowledged, the upload starts over.
func (u *upload) reopen(ch *engine.Channel) (*engine.File, error) {
	u.opened = true
	u.stage.Store(int32(stageWriting))
	f, err := ch.Open(u.temp, os.O_WRONLY)
	switch {
	case err == nil:
		fits, err := u.position(f)
		if err != nil || fits {
			return f, err
		}
		if err := f.Close(); engine.IsLost(err) {
			return nil, err
		}
	case !engine.IsRefusal(err) || !u.folder.renames():
		return nil, err
	}
	if !engine.IsStatus(err, engine.StatusNoSuchFile) {
		u.dropTemp(ch)
	}
	if err := u.startOver(); err != nil {
		return nil, err
	}
	return u.openTemp(ch)
}

// position finds out how much of the file is known to be there. false: less
// than was acknowledged.
func (u *upload) position(f *engine.File) (fits bool, err error) {
	size, err := f.Size()
	if engine.IsLost(err) {
		return false, err
	}
	u.created = true
	gap := u.gap
	u.gap = 0
	switch {
	case err != nil: // no way to tell: acknowledged to this process, or all of it is written again
	case size > u.size, size < u.acked:
		return false, nil
	case gap > 0:
		// Whoever wrote it never was more than a window above what was
		// acknowledged in order: everything below that is there.
		u.acked = max(0, size-gap)
		u.resumed = u.acked
	}
	return true, nil
}

// startOver begins again under another temporary name.
func (u *upload) startOver() error {
	u.newTemp()
	if u.onTemp != nil {
		return u.onTemp()
	}
	return nil
}

// dropTemp removes the temporary file that is given up. What the server does
// not let go is named in the result.
func (u *upload) dropTemp(ch *engine.Channel) {
	err := ch.Remove(u.temp)
	switch {
	case engine.IsLost(err):
		temp := u.temp
		u.c.work.Go(func() { _ = u.c.discard(temp) })
	case err != nil && !engine.IsStatus(err, engine.StatusNoSuchFile):
		u.leave(u.temp)
	}
}

// free refuses a final name that is taken. Where the account may not look,
// that is left to the rename, if the server is known to refuse there.
func (u *upload) free(s *engine.Session, ch *engine.Channel) error {
	err := ch.Exists(u.final)
	switch {
	case err == nil:
		return ErrExists
	case engine.IsLost(err):
		return err
	case !engine.IsStatus(err, engine.StatusNoSuchFile) && u.folder.renames() && !s.RenameRefuses():
		return fmt.Errorf("%w: %w", errUnseen, err)
	}
	return nil
}

// errUnseen: whether a file would be replaced cannot be known.
var errUnseen = errors.New("the account may not look whether the name is taken, and a rename on this server may replace a file")

// taken reports whether there is a file of the final name, as far as can be seen.
func (u *upload) taken(ch *engine.Channel) bool { return ch.Exists(u.final) == nil }

// writing is one attempt's open file.
type writing struct {
	u      *upload
	ch     *engine.Channel
	f      *engine.File
	lanes  *engine.Lanes // more than one for large files
	from   int64         // where it began
	closed bool
}

// release closes what is still open, once nothing uses it, without waiting.
func (w *writing) release() {
	if w.closed {
		return
	}
	w.u.closing.Add(1)
	w.u.c.work.Go(func() {
		defer w.u.closing.Done()
		w.lanes.Close()
	})
}

// worthStartingOver reports whether a refused write may do better in a new
// file, on one channel: the server may take no writes out of order, or none
// into a file that was there.
func (w *writing) worthStartingOver(err error) bool {
	return engine.IsRefusal(err) && !errors.Is(err, ErrDiskFull) && w.u.folder.renames() && (w.lanes.Len() > 1 || w.from > 0)
}

// write sends everything above the mark.
func (w *writing) write(ctx context.Context, s *engine.Session, src *ccr.FileReader) error {
	u := w.u
	in := &hashing{u: u, src: src}
	if err := in.skip(u.acked); err != nil {
		return &engine.LocalError{Err: err}
	}
	u.report(u.acked, false)
	if left := u.size - u.acked; left <= int64(w.ch.WriteSize()) {
		if err := w.small(ctx, in, int(left)); err != nil {
			return err
		}
	} else {
		if n := u.channels(s); n > 1 {
			w.lanes.Grow(s, n, func(ch *engine.Channel) (*engine.File, error) { return ch.Open(u.temp, os.O_WRONLY) })
			u.c.buffers.RaiseGCThreshold(n)
		} else if u.size > largeFile {
			u.c.buffers.RaiseGCThreshold(1)
		}
		high, err := u.c.buffers.Send(ctx, w.lanes, in, u.acked, u.size, func(high int64) { u.report(high, false) })
		u.acked = high
		if err != nil {
			return w.ch.WhyFailed(u.temp, local(err))
		}
	}
	u.acked = u.size
	if err := in.end(); err != nil {
		return &engine.LocalError{Err: err}
	}
	return nil
}

// The least that makes further channels worth it for an upload without being
// asked for: only OpenSSH is known to take writes out of order, and starting
// over, should it refuse them, must not be for nothing.
const (
	farAway    = 5 * time.Millisecond
	severalMin = 64 << 20
)

// channels is how many channels the file goes out through.
func (u *upload) channels(s *engine.Session) int {
	switch {
	case u.single || u.size <= largeFile:
		return 1
	case u.opts.Channels > 0:
		return u.opts.Channels
	case u.mayUseSeveral(u.size) && s.OpenSSH() && s.RTT() >= farAway:
		return s.ChannelsFor(u.size)
	}
	return 1
}

// mayUseSeveral reports whether a file may be written out of order without
// being asked for.
func (u *upload) mayUseSeveral(size int64) bool {
	return size >= severalMin && u.folder.renames() && !u.c.cfg.Layout.InOrder
}

// window is the largest part below the remote size that may be missing when
// the upload is cut off.
func (u *upload) window(size int64) int64 {
	n := 1
	switch {
	case size <= largeFile:
	case u.opts.Channels > 0:
		n = u.opts.Channels
	case u.mayUseSeveral(size):
		n = engine.MaxChannels
	}
	return int64(n) * engine.InFlight
}

// local marks errors of the source, which no other connection cures.
func local(err error) error {
	if err == nil {
		return nil
	}
	if _, remote := engine.StatusCode(err); remote || engine.IsLost(err) || errors.Is(err, context.Canceled) || errors.Is(err, context.DeadlineExceeded) {
		return err
	}
	return &engine.LocalError{Err: err}
}

// small sends what fits one request without further ado.
func (w *writing) small(ctx context.Context, in *hashing, n int) error {
	if n == 0 {
		return nil
	}
	if err := w.ch.Take(ctx, n); err != nil {
		return err
	}
	defer w.ch.Give(n)
	buf := w.u.c.buffers.Get(n)
	defer w.u.c.buffers.Put(buf)
	if err := engine.ReadFull(in, buf); err != nil {
		return &engine.LocalError{Err: err}
	}
	err := w.f.WriteAt(buf, w.u.acked)
	return w.ch.WhyFailed(w.u.temp, err)
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
	buf := make([]byte, min(int64(engine.DefaultRequest), to-from))
	for h.off < to {
		if err := engine.ReadFull(h, buf[:min(int64(len(buf)), to-h.off)]); err != nil {
			return err
		}
	}
	return nil
}

// end makes sure that the source ends here, unmodified, and is what the
// ledger stands for.
func (h *hashing) end() error {
	var one [1]byte
	if n, err := h.src.Read(one[:]); n > 0 || !errors.Is(err, io.EOF) {
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
