package sftp

import (
	"context"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"os"
	"sync"

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
func (u *upload) open(ctx context.Context, ch *engine.Channel) (*engine.File, error) {
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

func (u *upload) openTemp(ch *engine.Channel) (*engine.File, error) {
	if !u.folder.renames() && u.opened && !u.created && !u.opts.Overwrite {
		// The reply to opening the final name was lost. An empty file is ours;
		// one with content is somebody else's.
		if n, err := ch.SizeOf(u.final); err == nil && n > 0 {
			return nil, ErrExists
		}
	}
	flags := os.O_WRONLY | os.O_CREATE
	switch {
	case u.acked > 0 || u.gap > 0:
		flags = os.O_WRONLY
	case u.opened || u.opts.Overwrite && !u.folder.renames():
		flags |= os.O_TRUNC // ours from the attempt before, or may be replaced
	default:
		flags |= os.O_EXCL
	}
	first := !u.opened
	u.opened = true
	u.stage.Store(int32(stageWriting))
	f, err := ch.Open(u.temp, flags)
	switch {
	case err == nil && (u.acked > 0 || u.gap > 0):
		return u.position(ch, f)
	case flags == os.O_WRONLY && engine.IsStatus(err, engine.StatusNoSuchFile):
		return u.startOver(ch) // it is gone
	case err != nil && first && flags&os.O_EXCL != 0 && u.folder.renames() && (engine.IsStatus(err, engine.StatusFailure) || engine.IsStatus(err, engine.StatusUnsupported)):
		// Some servers refuse the flag; the name is ours by its random part.
		f, err = ch.Open(u.temp, os.O_WRONLY|os.O_CREATE|os.O_TRUNC)
	}
	if err == nil {
		u.created = true
		return f, nil
	}
	if engine.IsLost(err) {
		return nil, err
	}
	if !u.created {
		u.opened = false
		u.stage.Store(int32(stagePreparing))
	}
	switch {
	case engine.IsStatus(err, engine.StatusNoSuchFile):
		return nil, fmt.Errorf("%w: %w", ErrFolderMissing, err)
	case !u.folder.renames() && !u.opts.Overwrite && engine.IsStatus(err, engine.StatusFailure) && u.taken(ch):
		return nil, fmt.Errorf("%w: %w", ErrExists, err)
	}
	return nil, ch.WhyFailed(u.temp, err)
}

// position finds out how much of the file is known to be there. If less than
// was acknowledged, it starts over.
func (u *upload) position(ch *engine.Channel, f *engine.File) (*engine.File, error) {
	size, err := f.Size()
	if engine.IsLost(err) {
		return nil, err
	}
	u.created = true
	switch window := u.gap; {
	case err != nil && window > 0: // no way to tell: write all of it over what is there
		u.gap = 0
		return f, nil
	case err != nil:
		return f, nil // acknowledged to this process
	case size > u.size, size < u.acked:
	case window > 0:
		// Whoever wrote it never was more than a window above what was
		// acknowledged in order: everything below that is there.
		u.gap, u.acked = 0, max(0, size-window)
		u.resumed = u.acked
		return f, nil
	default:
		return f, nil
	}
	if err := f.Close(); engine.IsLost(err) {
		return nil, err
	}
	temp := u.temp
	u.c.work.Go(func() { u.c.discard(temp) })
	return u.startOver(ch)
}

// startOver begins again under another temporary name.
func (u *upload) startOver(ch *engine.Channel) (*engine.File, error) {
	u.newTemp()
	if u.onTemp != nil {
		if err := u.onTemp(); err != nil {
			return nil, err
		}
	}
	return u.openTemp(ch)
}

// free refuses a final name that is taken. A server that does not let us look
// leaves that to the rename.
func (u *upload) free(ch *engine.Channel) error {
	err := ch.Exists(u.final)
	switch {
	case err == nil:
		return ErrExists
	case engine.IsLost(err):
		return err
	}
	return nil
}

// taken reports whether there is a file of the final name, as far as can be seen.
func (u *upload) taken(ch *engine.Channel) bool { return ch.Exists(u.final) == nil }

// writing is one attempt's open file.
type writing struct {
	u       *upload
	ch      *engine.Channel
	f       *engine.File
	lanes   []*engine.File // more than one for large files
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
		lanes = []*engine.File{w.f}
	}
	w.u.closing.Add(1)
	w.u.c.work.Go(func() {
		defer w.u.closing.Done()
		w.pending.Wait()
		for _, l := range lanes {
			_ = l.Close()
		}
	})
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
		w.lanes = []*engine.File{w.f}
		if u.size > largeFile {
			w.spread(s, max(u.opts.Channels, 1))
			u.c.buffers.RaiseGCThreshold(len(w.lanes))
		}
		high, err := u.c.buffers.Send(ctx, w.lanes, in, u.acked, u.size, func(high int64) { u.report(high, false) }, &w.pending)
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

// spread opens the file on further channels; fewer will do, too.
func (w *writing) spread(s *engine.Session, n int) {
	for _, ch := range s.Spread(n)[1:] {
		f, err := ch.Open(w.u.temp, os.O_WRONLY)
		if err != nil {
			return
		}
		w.lanes = append(w.lanes, f)
	}
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
