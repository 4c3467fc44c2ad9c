package sftp

import (
	"context"
	"crypto/rand"
	"crypto/sha256"
	"errors"
	"fmt"
	"hash"
	"log/slog"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/ccr-sdk/ccr"
	"github.com/ccr-sdk/ccr/sftp/internal/engine"
)

// Verification says what the size check of an upload showed. A wrong size is
// not among them: it is an error, and nothing appears under the final name.
type Verification string

const (
	// Verified: before it was closed, the server said that the file has
	// exactly the bytes that were sent.
	Verified Verification = "verified"
	// Unverifiable: every write was acknowledged and closing succeeded, but the
	// account may not ask for the size (a folder that can only be written to),
	// or the server tells none.
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
	// Leftovers are temporary files of this upload that the server did not let
	// go: remote paths for somebody with more rights to remove.
	Leftovers []string
	Err       error // in UploadAll: why this file failed
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
	// Ledger makes reruns after a crash safe, and several live workers:
	// content that was sent is never sent twice, an interrupted large upload is
	// resumed, and a file that another live worker is sending fails the call
	// with [ccr.ErrClaimed].
	Ledger ccr.Ledger
	// AllowSameContent lets content that was sent under another name go out
	// again under this one. Without it, the ledger refuses that as a duplicate.
	AllowSameContent bool
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
}

// largeFile is the size from which more channels and a resume by another
// process are worth it.
const largeFile = 8 << 20

// Upload sends a file into an upload folder of the layout. With the default
// policy it grows under a temporary name and is renamed when it is whole: the
// size checked on the open handle, written to disk, closed without error. A
// connection that breaks is opened again and the upload goes on from the last
// byte that was acknowledged in order.
//
// The outcome of an error is not sent (nothing appeared under the final name;
// calling again is safe), rejected (the server refused) or unknown (the
// answer to the last step was lost, and looking at the folder did not tell).
func (c *Client) Upload(ctx context.Context, file ccr.File, o UploadOptions, opts ...ccr.CallOption) (*Uploaded, error) {
	const op = "Upload"
	ctx, cancel, id, err := call(ctx, op, opts)
	if err != nil {
		return nil, err
	}
	defer cancel()
	folder, err := c.checkUpload(op, []ccr.File{file}, o)
	if err != nil {
		return nil, err
	}
	out, err := c.upload(ctx, op, id, file, folder, o)
	if err != nil {
		return nil, err
	}
	return &out, nil
}

// checkUpload refuses what no vendor takes, before anything is sent.
func (c *Client) checkUpload(op string, files []ccr.File, o UploadOptions) (UploadFolder, error) {
	var f ccr.Faults
	folder, ok := c.cfg.Layout.upload(o.Folder)
	if !ok {
		f.Add("Folder", "is not an upload folder of the layout")
	}
	switch {
	case o.Channels < 0 || o.Channels > engine.MaxChannels:
		f.Addf("Channels", "must be between 1 and %d", engine.MaxChannels)
	case o.Channels > 1 && c.cfg.Layout.InOrder:
		f.Add("Channels", "must be 1: the layout says InOrder")
	}
	if o.DeleteFirst && !o.Overwrite {
		f.Add("DeleteFirst", "needs Overwrite")
	}
	seen := make(map[string]bool, len(files))
	for i, file := range files {
		at := "file.name"
		if op == "UploadAll" {
			at = "files[" + itoa(i) + "].name"
		}
		name := file.Name()
		msg := c.checkUploadName(name)
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

// checkUploadName is checkName, and what the layout asks for.
func (c *Client) checkUploadName(name string) string {
	msg := checkName(name)
	if msg == "" && c.cfg.Layout.CheckName != nil {
		msg = c.cfg.Layout.CheckName(name)
	}
	return msg
}

func (c *Client) upload(ctx context.Context, op, id string, file ccr.File, folder UploadFolder, o UploadOptions) (Uploaded, error) {
	u := &upload{
		c: c, op: op, id: id, file: file, name: file.Name(), folder: folder, opts: o,
		final: join(c.cfg.Layout.Root, folder.Path, file.Name()),
	}
	if o.Ledger != nil || o.Checksum {
		u.hash = sha256.New()
	}
	began := time.Now()
	out, err := run(ctx, c, func(ctx context.Context) (Uploaded, error) {
		var out Uploaded
		err := c.move(ctx, &u.closing, func(ctx context.Context) (err error) {
			if o.Ledger != nil {
				out, err = u.recorded(ctx)
			} else {
				out, err = u.send(ctx)
			}
			return err
		})
		return out, err
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
	id     string // correlation id
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
	single   bool   // several channels were refused
	leftMu   sync.Mutex
	left     []string // temporary files that the server did not let go
	verified Verification
	keep     bool  // temp stays for a later run to go on with
	gap      int64 // when resuming another process's temporary file: the last gap bytes may have holes and are sent again
	// onVisible is asked right before the final name can appear; onTemp is
	// called when another temporary name was chosen.
	onVisible func(context.Context) error
	onTemp    func() error
}

// send sends the file, over as many connections as it takes.
func (u *upload) send(ctx context.Context) (Uploaded, error) {
	u.size = -1
	if u.temp == "" {
		u.newTemp()
	}
	err := u.c.repeat(ctx, u.attempt)
	if err != nil {
		u.tidy(ctx)
		return Uploaded{}, err
	}
	u.stage.Store(int32(stageDone))
	u.report(u.size, true)
	return Uploaded{
		Name: u.name, Path: u.final, Size: u.size, SHA256: u.sum, Verification: u.verified, Resumed: u.resumed, Leftovers: u.leftovers(),
	}, nil
}

// leave notes a temporary file that stays.
func (u *upload) leave(temp string) {
	u.leftMu.Lock()
	defer u.leftMu.Unlock()
	u.left = append(u.left, temp)
}

func (u *upload) leftovers() []string {
	u.leftMu.Lock()
	defer u.leftMu.Unlock()
	return slices.Clone(u.left)
}

// newTemp chooses a new name for the file to grow under.
func (u *upload) newTemp() {
	u.opened, u.created, u.acked, u.resumed, u.gap = false, false, 0, 0, 0
	if !u.folder.renames() {
		u.temp = u.final
		return
	}
	u.temp = u.c.cfg.Layout.tempPath(u.folder, u.name, rand.Text()[:16])
}

func (u *upload) report(high int64, done bool) {
	if u.opts.Progress == nil || u.over.Load() {
		return
	}
	u.opts.Progress(ccr.Progress{Operation: u.op, Name: u.name, Bytes: high, TotalBytes: max(u.size, 0), Done: done})
}

// outcome says what a failed upload means for the vendor.
func (u *upload) outcome(err error) ccr.Outcome {
	_, refused := engine.StatusCode(err)
	switch s := stage(u.stage.Load()); {
	case errors.Is(err, errTakenAway), errors.Is(err, errUnresolved), errors.Is(err, ccr.ErrOutcomeUnknown):
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
	if left := u.leftovers(); len(left) > 0 {
		e.Err = fmt.Errorf("%w (the server did not let the temporary file go: %s)", e.Err, strings.Join(left, ", "))
	}
	e.CorrelationID = u.id
	switch {
	case errors.Is(err, ccr.ErrOutcomeUnknown): // an earlier upload's, which has its advice
	case errors.Is(err, errTakenAway):
		e.Advice = "The folder seems to process temporary names: ask the vendor what became of it, then use PolicyStaging or PolicyDirect in the layout"
	case e.Outcome == ccr.OutcomeUnknown && !u.folder.renames():
		e.Advice = "A part of the file may stand under its final name: look at the folder or ask the vendor before you send it again"
	case e.Outcome == ccr.OutcomeUnknown && (errors.Is(err, errUnresolved) || stage(u.stage.Load()) == stageRenaming):
		e.Advice = "It was sent whole, and its final name may be there: look at the folder or ask the vendor before you send it again"
	case errors.Is(err, ErrExists) && u.opts.Overwrite:
		e.Advice = "The server cannot replace a file at one stroke; set DeleteFirst if it may be deleted before"
	case errors.Is(err, errUnseen): // its own advice
	case engine.IsStatus(err, engine.StatusPermission) && u.folder.renames() && u.opts.Overwrite:
		e.Advice = "The account may not write, rename or replace in that folder: check the folder, ask the vendor for the right, use PolicyDirect in the layout, or set DeleteFirst if the old file may be deleted before"
	case engine.IsStatus(err, engine.StatusPermission) && u.folder.renames():
		e.Advice = "The account may not write, or may not rename, in that folder: check the folder, ask the vendor for the right, or use PolicyDirect in the layout"
	}
	if u.opts.Ledger != nil && e.Outcome == ccr.OutcomeUnknown && !strings.Contains(e.Advice, "SettleUpload") {
		e.Advice += "; SettleUpload then tells the ledger"
	}
	return e
}

func (u *upload) log(ctx context.Context, out Uploaded, err error) {
	attrs := []slog.Attr{
		slog.String("service", serviceName), slog.String("environment", u.c.environment), slog.String("path", u.final),
		slog.Int64("size", out.Size), slog.Duration("duration", out.Duration),
	}
	if u.id != "" {
		attrs = append(attrs, slog.String("correlation_id", u.id))
	}
	level := slog.LevelInfo
	if err != nil {
		level, attrs = slog.LevelWarn, append(attrs, slog.Any("error", err))
	} else {
		attrs = append(attrs, slog.String("verification", string(out.Verification)), slog.Int64("resumed", out.Resumed), slog.Bool("recorded", out.Recorded))
	}
	u.c.cfg.Logger.LogAttrs(ctx, level, "sftp upload", attrs...)
}
