package sftp

import (
	"context"
	"crypto/rand"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"io"
	"maps"
	"slices"
	"strconv"
	"time"

	"github.com/ccr-sdk/ccr"
	"github.com/ccr-sdk/ccr/internal/outbox"
	"github.com/ccr-sdk/ccr/internal/wait"
	"github.com/ccr-sdk/ccr/sftp/internal/engine"
)

// The upload record is an upload's entry in the ledger. Its attributes say
// under which temporary name the file grows and whether renaming has begun. A
// worker that takes the entry over looks at the server and tells from that
// what became of the upload.
//
// It first gives the temporary file another name, at one stroke. Then the
// worker before can no longer rename it, however late it wakes up: either its
// rename came first, and the temporary file is gone, or it will find nothing
// to rename. A temporary file that is gone proves nothing by itself: only a
// final name with the same size and content counts as arrived.
const (
	attrTemp   = "temp"
	attrStep   = "step"
	attrWindow = "window" // bytes below the remote size that may be missing
	attrGap    = "gap"    // the window of the worker whose temporary file is resumed
	attrFence  = "fence"  // the name that a resolving worker gives the temporary file
	attrPath   = "path"
	attrHow    = "verification"

	stepSending  = "sending"
	stepRenaming = "renaming"
)

const adviceRecord = "Look at the folder or ask the vendor whether the file arrived, then call SettleUpload"

// recorded uploads under the rules of the ledger.
func (u *upload) recorded(ctx context.Context) (Uploaded, error) {
	sum, size, err := u.file.SHA256(ctx)
	if err != nil {
		return Uploaded{}, &engine.LocalError{Err: err}
	}
	u.wantSum = hex.EncodeToString(sum[:])
	claim, err := u.claim(ctx, size)
	if err != nil {
		return Uploaded{}, err
	}
	if e, ok := claim.Recorded(); ok {
		out := Uploaded{
			Name: u.name, Path: e.Attributes[attrPath], Size: e.Size, SHA256: e.SHA256,
			Verification: Verification(e.Attributes[attrHow]), Recorded: true,
		}
		if out.Path == "" { // a person settled it
			out.Path = u.final
		}
		return out, nil
	}
	notes := u.adopt(claim.Entry())
	u.keep = u.folder.renames() && size > u.window(size)
	u.onTemp = func() error { return claim.Note(ctx, notes(stepSending)) }
	u.onVisible = func(ctx context.Context) error {
		if u.folder.renames() {
			if err := claim.Note(ctx, notes(stepRenaming)); err != nil {
				return err
			}
		}
		return claim.Check(ctx)
	}
	sending, stop := claim.Context(ctx)
	out, err := u.send(sending)
	stop()
	switch {
	case err == nil:
		return out, claim.Sent(ctx, map[string]string{attrPath: u.final, attrHow: string(u.verified)})
	case u.outcome(err) == ccr.OutcomeUnknown:
		return Uploaded{}, also(err, claim.Unknown(ctx))
	}
	var left map[string]string
	if u.keep && u.opened && !engine.IsRefusal(err) {
		left = notes(stepSending) // for the next call to resume
	} else {
		u.keep = false
		u.tidy(ctx)
	}
	return Uploaded{}, also(err, claim.Refused(ctx, left))
}

// also adds what went wrong while an error was dealt with.
func also(err, more error) error {
	switch {
	case more == nil:
		return err
	case err == nil:
		return more
	}
	return errors.Join(err, more)
}

// adopt takes the temporary name from the intent, and the file that an earlier
// worker began under it. The function it returns makes the record's attributes.
func (u *upload) adopt(e ccr.LedgerEntry) (notes func(step string) map[string]string) {
	if !u.folder.renames() {
		u.newTemp()
		return func(string) map[string]string { return nil }
	}
	u.temp = e.Attributes[attrTemp]
	if gap, err := strconv.ParseInt(e.Attributes[attrGap], 10, 64); err == nil && gap > 0 {
		u.opened, u.gap = true, gap
	}
	return func(step string) map[string]string {
		return map[string]string{attrTemp: u.temp, attrStep: step, attrWindow: e.Attributes[attrWindow]}
	}
}

// intent makes the attributes of a new intent. What an earlier worker has
// brought over is resumed.
func (u *upload) intent(size int64) func(found ccr.LedgerEntry) map[string]string {
	return func(found ccr.LedgerEntry) map[string]string {
		if !u.folder.renames() {
			return nil
		}
		window := u.window(size)
		next := map[string]string{
			attrTemp: u.c.cfg.Layout.tempPath(u.folder, u.name, rand.Text()[:16]), attrStep: stepSending,
		}
		temp := found.Attributes[attrTemp]
		gap, err := strconv.ParseInt(found.Attributes[attrWindow], 10, 64)
		if err == nil && gap > 0 && temp != "" && found.FileName() == u.name && !u.c.pendingRemoval(temp) {
			// What lies above the gap may have holes until it is sent again.
			window = max(window, gap)
			next[attrTemp], next[attrGap] = temp, strconv.FormatInt(gap, 10)
		}
		next[attrWindow] = strconv.FormatInt(window, 10)
		return next
	}
}

// claim gets the right to send, or the result of an earlier call. What a dead
// worker left is resolved first.
func (u *upload) claim(ctx context.Context, size int64) (*outbox.Claim, error) {
	p := u.c.params(u.op, u.opts.Ledger, u.folder)
	p.Name, p.SHA256, p.Size = u.name, u.wantSum, size
	p.AllowSameContent, p.Looks, p.Attributes = u.opts.AllowSameContent, u.folder.renames(), u.intent(size)
	for {
		claim, err := outbox.Begin(ctx, p)
		if err != nil || !claim.Resolving() {
			return claim, err
		}
		if err := u.resolveRecord(ctx, claim); err != nil {
			return nil, err
		}
	}
}

// params are those of the client's uploads in the ledger.
func (c *Client) params(op string, l ccr.Ledger, folder UploadFolder) outbox.Params {
	return outbox.Params{
		Ledger: l, Lease: c.cfg.Lease, Operation: op, Service: serviceName, Environment: c.environment,
		Account: c.cfg.Layout.Vendor + "/" + c.cfg.User, Folder: join(c.cfg.Layout.Root, folder.Path), Advice: adviceRecord,
	}
}

// resolveRecord finds out what became of an upload whose worker is gone, and records
// it: sent, not arrived, or unknown, which is its error.
func (u *upload) resolveRecord(ctx context.Context, claim *outbox.Claim) error {
	holding, stop := claim.Context(ctx)
	defer stop()
	before := claim.Entry()
	arrived, temp, err := u.lookBack(holding, claim, before)
	switch {
	case err != nil:
		return also(err, claim.Unknown(ctx))
	case arrived:
		return claim.Sent(ctx, map[string]string{attrPath: u.final})
	case temp == "":
		return claim.Refused(ctx, nil)
	}
	return claim.Refused(ctx, map[string]string{attrTemp: temp, attrStep: stepSending, attrWindow: before.Attributes[attrWindow]})
}

// lookBack looks at the server. temp is the temporary file, if it is there.
func (u *upload) lookBack(ctx context.Context, claim *outbox.Claim, before ccr.LedgerEntry) (arrived bool, temp string, err error) {
	renaming := before.Attributes[attrStep] == stepRenaming
	if renaming {
		// A server that renames by copying does not do so at one stroke.
		if err := wait.Sleep(ctx, time.Until(claim.ResolveAt())); err != nil {
			return false, "", err
		}
	}
	names := []string{before.Attributes[attrTemp]}
	if old := before.Attributes[attrFence]; old != "" {
		names = append(names, old)
	}
	next := maps.Clone(before.Attributes)
	next[attrFence] = u.c.cfg.Layout.tempPath(u.folder, u.name, rand.Text()[:16])
	if err := claim.Note(ctx, next); err != nil {
		return false, "", err
	}
	err = u.c.repeat(ctx, func(ctx context.Context, s *engine.Session) (err error) {
		temp, err = fence(s.First(), append(slices.Clone(names), next[attrFence]))
		if err != nil || temp != "" || !renaming {
			return err
		}
		switch same, err := u.arrivedWhole(ctx, s, before.Size, before.SHA256); {
		case err != nil:
			return err
		case same:
			arrived = true
			return nil
		}
		return errUnresolved
	})
	return arrived, temp, err
}

// fence gives a temporary file the last of the names it may have, so that
// whoever knows the others can no longer rename it. It returns the name that
// it has then; "": it is not there.
func fence(ch *engine.Channel, names []string) (string, error) {
	last := names[len(names)-1]
	for _, name := range names[:len(names)-1] {
		err := ch.Rename(name, last)
		switch {
		case err == nil:
			return last, nil
		case engine.IsLost(err):
			return "", err
		case !engine.IsStatus(err, engine.StatusNoSuchFile):
			// A server that does not rename it for us did not for the other either.
			if eerr := ch.Exists(name); eerr == nil || engine.IsLost(eerr) {
				return name, eerr
			}
		}
	}
	switch err := ch.Exists(last); {
	case err == nil:
		return last, nil
	case engine.IsStatus(err, engine.StatusNoSuchFile):
		return "", nil
	default:
		return "", err
	}
}

// arrivedWhole reports whether the final name holds a file of that size and
// content. Where the account may not read it, the size has to do.
func (u *upload) arrivedWhole(ctx context.Context, s *engine.Session, size int64, sum string) (bool, error) {
	there, err := s.First().SizeOf(u.final)
	switch {
	case engine.IsLost(err):
		return false, err
	case err != nil || there != size:
		return false, nil
	case sum == "":
		return true, nil
	}
	d := &download{c: u.c, op: u.op, name: u.name, path: u.final, size: -1, hash: sha256.New()}
	err = d.attempt(ctx, s, &tee{d, io.Discard})
	switch {
	case engine.IsLost(err), ctx.Err() != nil:
		return false, err
	case engine.IsStatus(err, engine.StatusPermission):
		return true, nil
	}
	return err == nil && d.size == size && d.sum() == sum, nil
}

// SettleOptions say which upload is settled, and how.
type SettleOptions struct {
	Ledger  ccr.Ledger // the one that the upload used
	File    ccr.File   // of the same name and content as uploaded
	Folder  string     // as in [UploadOptions]
	Arrived bool       // whether the vendor has the file
}

// SettleUpload ends an upload of unknown outcome, once you know from the
// folder or from the vendor whether the file arrived. One that did not may be
// sent again. The same answer twice is fine; one that contradicts a recorded
// result is refused, one for an upload that a live worker is at is
// [ccr.ErrClaimed].
func (c *Client) SettleUpload(ctx context.Context, o SettleOptions) error {
	const op = "SettleUpload"
	folder, ok := c.cfg.Layout.upload(o.Folder)
	if !ok {
		var f ccr.Faults
		f.Add("Folder", "is not an upload folder of the layout")
		return f.Err(serviceName, op)
	}
	sum, size, err := o.File.SHA256(ctx)
	if err != nil {
		return failure(op, "", "", &engine.LocalError{Err: err})
	}
	p := c.params(op, o.Ledger, folder)
	p.Name, p.SHA256, p.Size = o.File.Name(), hex.EncodeToString(sum[:]), size
	return outbox.Settle(ctx, p, o.Arrived)
}
