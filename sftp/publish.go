package sftp

import (
	"context"
	"errors"
	"fmt"
	"os"
	"time"

	"github.com/ccr-sdk/ccr"
	"github.com/ccr-sdk/ccr/sftp/internal/engine"
)

// seal checks the size on the open handle, has the server write it to disk
// and closes it. Each can be where a server says that it has no room.
func (w *writing) seal(ctx context.Context) error {
	u := w.u
	if err := ctx.Err(); err != nil {
		return context.Cause(ctx)
	}
	if err := w.lanes.Finish(); err != nil {
		return w.ch.WhyFailed(u.temp, err)
	}
	size, err, serr := w.syncAndSize()
	switch {
	case engine.IsLost(err):
		return err
	case err != nil, size <= 0 && w.ch.SaysNoSize():
		u.verified = Unverifiable
	case size != u.size:
		return fmt.Errorf("%w: the server has %d bytes, %d were sent", ccr.ErrIncomplete, size, u.size)
	default:
		u.verified = Verified
	}
	if serr != nil && !engine.IsStatus(serr, engine.StatusUnsupported) {
		return w.ch.WhyFailed(u.temp, serr)
	}
	w.closed = true
	return w.ch.WhyFailed(u.temp, w.f.Close())
}

// syncAndSize runs fsync and stat concurrently. pkg/sftp locks a handle during
// fsync, so the size is read by path; the temporary name is ours alone.
func (w *writing) syncAndSize() (size int64, err, serr error) {
	if w.u.opts.NoSync || w.ch.Extensions()["fsync@openssh.com"] != "1" {
		size, err = w.f.Size()
		return size, err, nil
	}
	synced := make(chan error, 1)
	go func() { synced <- w.f.Sync() }()
	size, err = w.ch.SizeOf(w.u.temp)
	serr = <-synced
	if err != nil && !engine.IsLost(err) {
		size, err = w.f.Size()
	}
	return size, err, serr
}

// publish gives the file its final name, or says that it is whole.
func (u *upload) publish(ctx context.Context, ch *engine.Channel) error {
	if u.onVisible != nil && u.folder.Policy != PolicyDirect {
		if err := u.onVisible(ctx); err != nil {
			return &engine.LocalError{Err: err}
		}
	}
	switch {
	case u.folder.renames():
		u.stage.Store(int32(stageRenaming))
		return u.move(ch)
	case u.folder.Policy == PolicyMarker:
		return u.mark(ch)
	}
	return nil
}

// move renames the temporary file. Without Overwrite it never uses
// posix-rename, which replaces what is there.
func (u *upload) move(ch *engine.Channel) error {
	var err error
	if u.opts.Overwrite && ch.Has("posix-rename@openssh.com") {
		err = ch.PosixRename(u.temp, u.final)
	} else {
		err = ch.Rename(u.temp, u.final)
		if u.opts.DeleteFirst && err != nil && !engine.IsLost(err) && !engine.IsStatus(err, engine.StatusNoSuchFile) && ch.IsFile(u.final) {
			if err = ch.Remove(u.final); err == nil {
				err = ch.Rename(u.temp, u.final)
			}
		}
	}
	switch {
	case err == nil:
		u.opened = false
		return nil
	case engine.IsLost(err):
		return err // settled over the next connection
	case engine.IsStatus(err, engine.StatusNoSuchFile):
		return u.vanished(ch, err)
	}
	u.stage.Store(int32(stageWriting)) // refused: the final name is as it was
	if u.taken(ch) && !(u.opts.Overwrite && engine.IsStatus(err, engine.StatusPermission)) {
		return fmt.Errorf("%w: %w", ErrExists, err)
	}
	return fmt.Errorf("rename: %w", err)
}

var errTakenAway = errors.New("the temporary file was taken away before it could be renamed")

// vanished: the server does not find the temporary file or the folder.
func (u *upload) vanished(ch *engine.Channel, cause error) error {
	if ch.Exists(u.temp) == nil {
		u.stage.Store(int32(stageWriting))
		return fmt.Errorf("%w: %w", ErrFolderMissing, cause)
	}
	u.opened = false
	return fmt.Errorf("%w: %w", errTakenAway, cause)
}

// resolve finds out whether a rename whose reply was lost has happened, by
// looking at both names. true: it has.
func (u *upload) resolve(ctx context.Context, s *engine.Session) (bool, error) {
	terr := s.First().Exists(u.temp)
	if engine.IsLost(terr) {
		return false, terr
	}
	if terr == nil { // still there: not renamed; do it again
		u.stage.Store(int32(stageWriting))
		u.checked = true
		return false, nil
	}
	if !engine.IsStatus(terr, engine.StatusNoSuchFile) {
		return false, errUnresolved
	}
	switch arrived, err := u.arrivedWhole(ctx, s, u.size, u.sum); {
	case err != nil:
		return false, err
	case arrived:
		u.opened = false
		return true, nil
	}
	return false, errUnresolved
}

var errUnresolved = errors.New("the reply to the last step was lost, and neither name tells what became of it")

// mark writes the marker file that says the file is whole.
func (u *upload) mark(ch *engine.Channel) error {
	flags := os.O_WRONLY | os.O_CREATE | os.O_TRUNC
	if !u.marked && !u.opts.Overwrite {
		flags = os.O_WRONLY | os.O_CREATE | os.O_EXCL
	}
	u.marked = true
	f, err := ch.Open(u.final+u.folder.Marker, flags)
	if err == nil {
		err = f.Close()
	}
	if err != nil && !engine.IsLost(err) {
		err = fmt.Errorf("done-marker: %w", ch.WhyFailed(u.final, err))
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
		if err := u.c.discard(temp); err != nil {
			u.leave(temp)
		}
	})
	t := time.NewTimer(tidyWait)
	defer t.Stop()
	select {
	case <-done:
	case <-ctx.Done():
	case <-t.C:
	}
}
