package sftp

import (
	"context"
	"encoding/hex"
	"errors"
	"fmt"
	"strconv"
	"sync"
	"time"

	"github.com/ccr-sdk/ccr"
	"github.com/ccr-sdk/ccr/internal/outbox"
	"github.com/ccr-sdk/ccr/sftp/internal/engine"
)

// Beside the intent and result that every upload of the SDK writes, an SFTP
// upload keeps a diary in the ledger: under which temporary name the file
// grows, and whether renaming has begun. A later run that finds it can look at
// the server and tell what became of an upload whose process died: go on with
// it, finish it, or say that only a person can know. The diary is also what
// keeps two processes from sending the same file at once: it is written first,
// and whoever writes it second gives way.

const (
	attrTemp   = "temp"
	attrStep   = "step"
	attrWindow = "window" // bytes below the remote size that may be missing

	stepSending  = "sending"
	stepRenaming = "renaming"
)

const (
	defaultTakeOver = 2 * time.Minute
	// signOfLife is how often a long upload says in its diary that it lives.
	signOfLife = 30 * time.Second
	// lookAgain is how often an upload that waits for another one looks.
	lookAgain = 5 * time.Second
)

// diary is the note of one upload in the ledger.
type diary struct {
	ledger ccr.Ledger
	before ccr.LedgerEntry // what an earlier run left; no State if nothing

	mu    sync.Mutex
	entry ccr.LedgerEntry
}

// recorded uploads under the rules of the ledger.
func (u *upload) recorded(ctx context.Context) (Uploaded, error) {
	sum, size, err := u.file.SHA256(ctx)
	if err != nil {
		return Uploaded{}, &engine.LocalError{Err: err}
	}
	u.wantSum = hex.EncodeToString(sum[:])
	d, err := u.openDiary(ctx, size)
	if err != nil {
		return Uploaded{}, err
	}
	claim, err := u.claim(ctx, d)
	if err != nil {
		return Uploaded{}, err
	}
	if e, ok := claim.Recorded(); ok {
		out := Uploaded{
			Name: u.name, Path: e.Attributes["path"], Size: e.Size, SHA256: e.SHA256,
			Verification: Verification(e.Attributes["verification"]), Recorded: true,
		}
		return out, d.write(ctx, ccr.StateSent, nil)
	}
	if u.temp == "" {
		u.newTemp()
	}
	window := int64(engine.InFlight)
	if size > largeFile {
		window *= int64(max(1, u.opts.Channels))
	}
	notes := func(step string) map[string]string {
		return map[string]string{attrTemp: u.temp, attrStep: step, attrWindow: strconv.FormatInt(window, 10)}
	}
	if err := d.write(ctx, ccr.StateIntent, notes(stepSending)); err != nil {
		return Uploaded{}, also(err, claim.Refused(ctx))
	}
	u.onRename = func(ctx context.Context) error { return d.write(ctx, ccr.StateIntent, notes(stepRenaming)) }
	u.onTemp = func() error { return d.write(ctx, ccr.StateIntent, notes(stepSending)) }
	u.keep = u.folder.renames() && size > window

	sending, cancel := context.WithCancelCause(ctx)
	alive := d.live(sending, cancel)
	out, err := u.send(sending)
	cancel(nil)
	<-alive
	switch {
	case err == nil:
		err := claim.Sent(ctx, map[string]string{"path": u.final, "verification": string(u.verified)})
		return out, also(err, d.write(ctx, ccr.StateSent, nil))
	case u.outcome(err) == ccr.OutcomeUnknown:
		return Uploaded{}, err // the intent stands, and the diary says how far it got
	}
	var left map[string]string
	if u.keep && u.opened && !engine.IsRefusal(err) {
		left = notes(stepSending) // for the next run to go on with
	} else {
		u.keep = false
		u.tidy(ctx)
	}
	return Uploaded{}, also(also(err, claim.Refused(ctx)), d.write(ctx, ccr.StateRefused, left))
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

// claim gets the right to send, or the result of an earlier run.
func (u *upload) claim(ctx context.Context, d *diary) (*outbox.Claim, error) {
	p := outbox.Params{
		Ledger: u.opts.Ledger, Service: serviceName, Environment: u.c.environment, File: u.file,
		AllowSameContent: u.opts.AllowSameContent,
		Advice:           "Look at the folder or ask the vendor, then settle the intent in the ledger.",
	}
	claim, err := outbox.Begin(ctx, p)
	switch {
	case err == nil:
		u.resume(d.before)
		return claim, nil
	case !errors.Is(err, ccr.ErrOutcomeUnknown) || d.before.State == "" || !u.folder.renames():
		return nil, also(err, d.restore(ctx))
	}
	// An earlier run left the intent open. Its diary says what to look for.
	arrived, lerr := u.lookBack(ctx, d.before)
	if lerr != nil {
		return nil, also(lerr, d.restore(ctx))
	}
	if err := outbox.Settle(ctx, u.opts.Ledger, serviceName, u.c.environment, u.file, arrived); err != nil {
		return nil, also(err, d.restore(ctx))
	}
	if claim, err = outbox.Begin(ctx, p); err != nil {
		return nil, also(err, d.restore(ctx))
	}
	return claim, nil
}

// resume sets the upload up to go on under the name of an earlier run.
func (u *upload) resume(before ccr.LedgerEntry) {
	window, err := strconv.ParseInt(before.Attributes[attrWindow], 10, 64)
	temp := before.Attributes[attrTemp]
	if err == nil && window > 0 && temp != "" && u.folder.renames() && !u.c.pendingRemoval(temp) {
		u.temp, u.opened, u.gap = temp, true, window
	}
}

// lookBack finds out what became of an upload whose process died. true: its
// file arrived.
func (u *upload) lookBack(ctx context.Context, before ccr.LedgerEntry) (arrived bool, err error) {
	if before.Attributes[attrStep] != stepRenaming {
		u.resume(before) // renaming was never asked for
		return false, nil
	}
	temp := before.Attributes[attrTemp]
	err = u.c.repeat(ctx, func(_ context.Context, s *engine.Session) error {
		ch := s.First()
		terr := ch.Exists(temp)
		if terr == nil || engine.IsLost(terr) {
			return terr
		}
		size, ferr := ch.SizeOf(u.final)
		switch {
		case engine.IsLost(ferr):
			return ferr
		case engine.IsStatus(terr, engine.StatusNoSuchFile) && ferr == nil && size == before.Size:
			arrived = true
			return nil
		}
		return errUnresolved
	})
	if err == nil && !arrived {
		u.resume(before)
	}
	return arrived, err
}

// openDiary takes the diary over. If its last writer may be alive, it waits
// until that has finished or been silent for long enough.
func (u *upload) openDiary(ctx context.Context, size int64) (*diary, error) {
	d := &diary{ledger: u.opts.Ledger, entry: ccr.LedgerEntry{
		Key:     "sftp|" + u.c.environment + "|" + u.wantSum + "|" + u.final,
		Service: serviceName, Environment: u.c.environment, Name: u.name, Size: size, SHA256: u.wantSum,
	}}
	patience := u.opts.TakeOver
	if patience == 0 {
		patience = defaultTakeOver
	}
	var since time.Time
	for {
		before, err := d.ledger.Load(ctx, d.entry.Key)
		if errors.Is(err, ccr.ErrNoEntry) {
			before, err = ccr.LedgerEntry{}, nil
		}
		if err != nil {
			return nil, &engine.LocalError{Err: fmt.Errorf("ledger: %w", err)}
		}
		left := patience - time.Since(before.At)
		if before.State != ccr.StateIntent || left <= 0 {
			d.before, d.entry.Version = before, before.Version
			return d, d.write(ctx, ccr.StateIntent, before.Attributes)
		}
		if since.IsZero() {
			since = before.At
		}
		if !before.At.Equal(since) {
			return nil, &ccr.Error{
				Service: serviceName, Outcome: ccr.OutcomeUnknown, Classes: []error{ccr.ErrDuplicate}, RetryAfter: signOfLife,
				Err:    errors.New("another process is sending it, says the ledger"),
				Advice: "Let that one finish; calling again then returns its result",
			}
		}
		if err := sleep(ctx, min(left, lookAgain)); err != nil {
			return nil, err
		}
	}
}

// live writes a sign of life until the context ends. If another process has
// taken the upload over meanwhile (this one must have slept), it is cancelled.
func (d *diary) live(ctx context.Context, cancel context.CancelCauseFunc) (done chan struct{}) {
	done = make(chan struct{})
	go func() {
		defer close(done)
		for sleep(ctx, signOfLife) == nil {
			d.mu.Lock()
			state, notes := d.entry.State, d.entry.Attributes
			d.mu.Unlock()
			if err := d.write(ctx, state, notes); errors.Is(err, ccr.ErrLedgerConflict) {
				cancel(err)
			}
		}
	}()
	return done
}

// recordTimeout bounds a note that is written although the call has ended.
const recordTimeout = 30 * time.Second

// write stores the diary. Another writer means that the upload is theirs now.
func (d *diary) write(ctx context.Context, state string, notes map[string]string) error {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), recordTimeout)
	defer cancel()
	d.mu.Lock()
	defer d.mu.Unlock()
	d.entry.State, d.entry.Attributes, d.entry.At = state, notes, time.Now().UTC()
	if err := d.ledger.Store(ctx, d.entry); err != nil {
		return &engine.LocalError{Err: fmt.Errorf("ledger: %w", err)}
	}
	d.entry.Version++
	return nil
}

// restore leaves the diary as an earlier run had left it, for the next one;
// what it says is now known not to be written by a living process.
func (d *diary) restore(ctx context.Context) error {
	state := d.before.State
	if state == "" || state == ccr.StateIntent {
		state = ccr.StateRefused
	}
	return d.write(ctx, state, d.before.Attributes)
}

// SettleUpload ends an upload of unknown outcome, once you know from the
// folder or from the vendor whether the file arrived. The ledger and the file
// must be those of the upload. The same answer twice is fine; one that
// contradicts a recorded result is refused.
func (c *Client) SettleUpload(ctx context.Context, ledger ccr.Ledger, file ccr.File, arrived bool) error {
	err := outbox.Settle(ctx, ledger, serviceName, c.environment, file, arrived)
	return c.failed("SettleUpload", "", "", err)
}
