package sftp

import (
	"context"
	"crypto/rand"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"hash"
	"io"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"
	"sync"
	"time"

	"github.com/ccr-sdk/ccr"
	"github.com/ccr-sdk/ccr/sftp/internal/engine"
)

// Downloaded is a file that was brought in.
type Downloaded struct {
	Name     string        // without its folder
	Path     string        // remote path
	Location string        // local path
	Size     int64         // bytes
	SHA256   string        // lowercase hex; empty unless Checksum was set
	ModTime  time.Time     // the server's
	Duration time.Duration // of the whole download
	Err      error         // in DownloadAll: why this file failed
}

// DownloadOptions adjust a download. The zero value is the safe default.
type DownloadOptions struct {
	// Folder is relative to the layout's Root; "" is the folder of downloads.
	Folder string
	// Overwrite lets the file replace a local one. Without it, a taken local
	// name is refused before anything is asked for.
	Overwrite bool
	// Channels is the number of SSH channels that a file larger than 8 MiB is
	// read through at once, for long distances: default 1, at most 4.
	Channels int
	// NoSync leaves out writing the local file to disk before it is renamed.
	NoSync bool
	// Checksum computes the SHA-256 of what is received.
	Checksum bool
	// Progress is called while bytes are written.
	Progress ccr.ProgressFunc
}

func (o DownloadOptions) faults(f *ccr.Faults) {
	if o.Channels < 0 || o.Channels > engine.MaxChannels {
		f.Addf("Channels", "must be between 1 and %d", engine.MaxChannels)
	}
}

// Download brings one file into a local path. It grows beside it under a
// hidden name (mode 0600), and is renamed when it is whole: as many bytes as
// the server said, the same size and time on the server afterwards, written
// to disk. A file that is still being written there gives [ErrRemoteChanged].
// The remote file is left alone; [Client.Receive] does more.
func (c *Client) Download(ctx context.Context, name, localPath string, o DownloadOptions, opts ...ccr.CallOption) (*Downloaded, error) {
	const op = "Download"
	ctx, cancel, id, err := call(ctx, op, opts)
	if err != nil {
		return nil, err
	}
	defer cancel()
	var f ccr.Faults
	o.faults(&f)
	if localPath == "" {
		f.Add("localPath", "is missing")
	}
	if err := f.Err(serviceName, op); err != nil {
		return nil, err
	}
	dir, err := c.remoteFile(op, o.Folder, name)
	if err != nil {
		return nil, err
	}
	out, err := c.downloadTo(ctx, op, id, Entry{Name: name, Path: join(dir, name)}, localPath, o)
	if err == nil && !o.NoSync {
		err = c.failed(op, "", ccr.OutcomeNotSent, syncDir(filepath.Dir(localPath)))
	}
	if err != nil {
		return nil, err
	}
	return &out, nil
}

// DownloadAll brings many files into a local folder over one connection,
// Config.Concurrency of them at a time, each as [Client.Download] does. The
// entries come from [Client.List]: their sizes and times are not asked for
// again. Names that would leave the folder are refused, before anything is
// asked for. The result has one element for each entry, in order, with Err set
// where it failed; the error is nil only if all came.
func (c *Client) DownloadAll(ctx context.Context, entries []Entry, localDir string, o DownloadOptions, opts ...ccr.CallOption) ([]Downloaded, error) {
	const op = "DownloadAll"
	ctx, cancel, id, err := call(ctx, op, opts)
	if err != nil {
		return nil, err
	}
	defer cancel()
	var f ccr.Faults
	o.faults(&f)
	if localDir == "" {
		f.Add("localDir", "is missing")
	}
	seen := make(map[string]bool, len(entries))
	for i, e := range entries {
		at := "entries[" + itoa(i) + "].Name"
		switch {
		case !checkListed(e.Name) || !filepath.IsLocal(e.Name):
			f.Add(at, "cannot be the name of a local file; use Download with a name of your own")
		case seen[e.Name]:
			f.Add(at, "is given twice")
		case e.Path == "":
			f.Add("entries["+itoa(i)+"].Path", "is missing; use entries of List")
		}
		seen[e.Name] = true
	}
	if err := f.Err(serviceName, op); err != nil {
		return nil, err
	}
	out := make([]Downloaded, len(entries))
	err = c.each(ctx, op, len(entries), func(ctx context.Context, i int) error {
		out[i], out[i].Err = c.downloadTo(ctx, op, id, entries[i], filepath.Join(localDir, entries[i].Name), o)
		return out[i].Err
	}, func(i int, err error) { out[i] = Downloaded{Name: entries[i].Name, Path: entries[i].Path, Err: err} })
	if !o.NoSync {
		if serr := syncDir(localDir); err == nil {
			err = c.failed(op, "", ccr.OutcomeNotSent, serr)
		}
	}
	return out, err
}

// downloadTo brings one file into a local path.
func (c *Client) downloadTo(ctx context.Context, op, id string, e Entry, localPath string, o DownloadOptions) (Downloaded, error) {
	out := Downloaded{Name: e.Name, Path: e.Path, Location: localPath}
	d := &download{c: c, op: op, name: e.Name, path: e.Path, channels: o.Channels, progress: o.Progress}
	d.expect(e)
	if o.Checksum {
		d.hash = sha256.New()
	}
	began := time.Now()
	_, err := run(ctx, c, func(ctx context.Context) (struct{}, error) {
		return struct{}{}, c.move(ctx, &d.closing, func(ctx context.Context) error { return d.toFile(ctx, localPath, o) })
	})
	d.end()
	if err != nil {
		out.Duration = time.Since(began)
		e := failure(op, out.Path, ccr.OutcomeNotSent, err)
		e.CorrelationID = id
		if errors.Is(err, fs.ErrExist) {
			e.Advice = "Nothing was replaced: use another local name, or set Overwrite"
		}
		d.log(ctx, out, e, id)
		return out, e
	}
	out.Size, out.ModTime, out.SHA256, out.Duration = d.high, d.modTime, d.sum(), time.Since(began)
	d.log(ctx, out, nil, id)
	return out, nil
}

func (d *download) log(ctx context.Context, out Downloaded, err error, id string) {
	attrs := []slog.Attr{
		slog.String("service", serviceName), slog.String("environment", d.c.environment), slog.String("path", out.Path),
		slog.Int64("size", out.Size), slog.Duration("duration", out.Duration),
	}
	if id != "" {
		attrs = append(attrs, slog.String("correlation_id", id))
	}
	level := slog.LevelInfo
	if err != nil {
		level, attrs = slog.LevelWarn, append(attrs, slog.Any("error", err))
	}
	d.c.cfg.Logger.LogAttrs(ctx, level, "sftp download", attrs...)
}

// download is the state of one download over all its attempts.
type download struct {
	c        *Client
	op       string
	name     string
	path     string
	size     int64     // what the server said, before anything was read
	modTime  time.Time // the same
	listed   bool      // both are known
	closing  sync.WaitGroup
	channels int
	progress ccr.ProgressFunc
	hash     hash.Hash
	high     int64 // bytes that are in the writer

	mu   sync.Mutex
	over bool // the call has returned: nothing is written or reported any more
}

// expect takes size and time from a listing. A size of zero may only mean
// that the server did not say: it is asked for again.
func (d *download) expect(e Entry) {
	if said(e.Size) > 0 {
		d.size, d.modTime, d.listed = e.Size, e.ModTime, true
	}
}

func (d *download) end() {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.over = true
}

func (d *download) sum() string {
	if d.hash == nil {
		return ""
	}
	return hex.EncodeToString(d.hash.Sum(nil))
}

// toFile downloads into a hidden file beside the local path and renames it.
func (d *download) toFile(ctx context.Context, localPath string, o DownloadOptions) (err error) {
	if !o.Overwrite {
		if _, err := os.Lstat(localPath); err == nil {
			return &engine.LocalError{Err: fmt.Errorf("local file: %w", fs.ErrExist)}
		}
	}
	dir, base := filepath.Split(localPath)
	temp := filepath.Join(dir, "."+shorten(base)+"."+rand.Text()[:10]+tempSuffix)
	f, err := os.OpenFile(temp, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if err != nil {
		return &engine.LocalError{Err: err}
	}
	defer func() {
		if err != nil {
			err = errors.Join(err, ignoreClosed(f.Close()), os.Remove(temp))
		}
	}()
	if err := d.into(ctx, func() (io.Writer, error) { return f, nil }); err != nil {
		return err
	}
	if !o.NoSync {
		if err := f.Sync(); err != nil {
			return &engine.LocalError{Err: err}
		}
	}
	if err := f.Close(); err != nil {
		return &engine.LocalError{Err: err}
	}
	if err := ctx.Err(); err != nil {
		return context.Cause(ctx)
	}
	if o.Overwrite {
		err = os.Rename(temp, localPath)
	} else {
		err = placeNew(temp, localPath)
	}
	if err != nil {
		return &engine.LocalError{Err: err}
	}
	d.report(d.high, true)
	return nil
}

func ignoreClosed(err error) error {
	if errors.Is(err, os.ErrClosed) {
		return nil
	}
	return err
}

// shorten leaves room for the parts of a temporary name.
func shorten(name string) string { return name[:min(len(name), maxRemoteName)] }

// placeNew gives a file its final name unless that is taken. A link cannot
// replace anything; where links do not exist, looking first has to do.
func placeNew(temp, final string) error {
	err := os.Link(temp, final)
	switch {
	case err == nil:
		return os.Remove(temp)
	case errors.Is(err, fs.ErrExist):
		return err
	}
	if _, err := os.Lstat(final); err == nil {
		return fmt.Errorf("local file: %w", fs.ErrExist)
	}
	return os.Rename(temp, final)
}

// into writes the whole file to a writer, over as many connections as it
// takes: each goes on where the last one ended.
func (d *download) into(ctx context.Context, open func() (io.Writer, error)) error {
	var w io.Writer
	return d.c.repeat(ctx, func(ctx context.Context, s *engine.Session) error {
		if w == nil {
			var err error
			if w, err = open(); err != nil {
				return &engine.LocalError{Err: err}
			}
			w = &tee{d, w}
		}
		return d.attempt(ctx, s, w)
	})
}

// tee writes, hashes and stops when the call is over.
type tee struct {
	d *download
	w io.Writer
}

func (t *tee) Write(p []byte) (int, error) {
	t.d.mu.Lock()
	defer t.d.mu.Unlock()
	if t.d.over {
		return 0, context.Canceled
	}
	n, err := t.w.Write(p)
	if t.d.hash != nil {
		t.d.hash.Write(p[:n])
	}
	return n, err
}

func (d *download) attempt(ctx context.Context, s *engine.Session, w io.Writer) error {
	if err := ctx.Err(); err != nil {
		return context.Cause(ctx)
	}
	f, err := s.First().Open(d.path, os.O_RDONLY)
	if err != nil {
		return &openError{err}
	}
	lanes := engine.NewLanes(f)
	d.closing.Add(1)
	defer d.c.work.Go(func() { // whether closing a file that was read works is nobody's concern
		defer d.closing.Done()
		lanes.Close()
	})
	if !d.listed {
		st, err := fstat(f)
		if err != nil {
			return err
		}
		if !st.Regular {
			return &engine.LocalError{Err: errors.New("it is not a regular file")}
		}
		d.size, d.modTime, d.listed = st.Size, st.ModTime, true
	}
	limit := d.c.cfg.MaxFileSize
	if limit > 0 && d.size > limit {
		return fmt.Errorf("%w: it has %d bytes, and %d are allowed", ErrTooLarge, d.size, limit)
	}
	if err := ctx.Err(); err != nil {
		return context.Cause(ctx)
	}
	d.report(d.high, false)
	d.spread(s, lanes)
	d.high, err = d.c.buffers.Fetch(ctx, lanes, w, engine.Extent{From: d.high, Size: said(d.size), Max: max(limit, 0)}, func(high int64) { d.report(high, false) })
	if err != nil {
		return err
	}
	if err := ctx.Err(); err != nil {
		return context.Cause(ctx)
	}
	return d.unchanged(f)
}

// said is a size as far as it can be believed: some servers write 0 if they do
// not know, others -1, which is 2^64-1 on the wire.
func said(size int64) int64 {
	if size <= 0 {
		return -1
	}
	return size
}

// spread opens a large file on further channels.
func (d *download) spread(s *engine.Session, lanes *engine.Lanes) {
	if d.size <= largeFile {
		return
	}
	n := d.channels
	if n == 0 {
		n = s.ChannelsFor(d.size - d.high)
	}
	d.c.buffers.RaiseGCThreshold(n)
	lanes.Grow(s, n, func(ch *engine.Channel) (*engine.File, error) { return ch.Open(d.path, os.O_RDONLY) })
}

// unchanged makes sure that what was read is the whole file: it still has the
// size and the time that it had before, and no fewer bytes came than it has.
func (d *download) unchanged(f *engine.File) error {
	st, err := fstat(f)
	switch {
	case engine.IsLost(err):
		return err
	case err != nil: // it may not be asked for; it was read to its end
	case st.Size > 0 && st.Size != d.size:
		return fmt.Errorf("%w: it has %d bytes now, and had %d", ErrRemoteChanged, st.Size, max(d.size, 0))
	case !st.ModTime.Equal(d.modTime) && !d.modTime.IsZero() && !st.ModTime.IsZero():
		return fmt.Errorf("%w: its time changed", ErrRemoteChanged)
	}
	if d.high < d.size {
		return fmt.Errorf("%w: %d bytes came, and the server said %d", ErrRemoteChanged, d.high, d.size)
	}
	return nil
}

// fstat asks for the attributes on the open handle.
func fstat(f *engine.File) (Entry, error) {
	st, err := f.Stat()
	if err != nil {
		return Entry{}, err
	}
	return entry("", st), nil
}

func (d *download) report(high int64, done bool) {
	if d.progress == nil {
		return
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	if !d.over {
		d.progress(ccr.Progress{Operation: d.op, Name: d.name, Bytes: high, TotalBytes: max(d.size, 0), Done: done})
	}
}
