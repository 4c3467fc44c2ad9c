package outbox

import (
	"context"
	"crypto/rand"
	"encoding/hex"
	"errors"
	"fmt"
	"maps"
	"time"

	"github.com/ccr-sdk/ccr"
)

const (
	operation = "Upload"
	// attrSettled marks a result that Settle wrote instead of the upload.
	attrSettled = "settled"
	// attrAttempt tells an intent of ours from another process's.
	attrAttempt = "attempt"
	// maxRounds bounds how often Begin looks anew when others write.
	maxRounds = 8
	// recordTimeout bounds writing a result after the context has ended.
	recordTimeout = 30 * time.Second
)

// Params say what is about to be sent.
type Params struct {
	Ledger      ccr.Ledger // nil: nothing is remembered, and the claim does nothing
	Service     string
	Environment string
	File        ccr.File
	// AllowSameContent lets content that went out under another name go out
	// again under this one. The same name is never sent twice.
	AllowSameContent bool
	Advice           string // how to settle an intent whose outcome is unknown
}

// Claim is the right to send one file once. It is not safe for concurrent use.
type Claim struct {
	p        Params
	entry    ccr.LedgerEntry // as stored
	recorded bool
	ended    bool
}

// Begin reads the file's checksum and writes the intent durably before it
// returns. It fails, with nothing sent, if an intent is there already
// (outcome unknown, or another process is sending it right now) or if the
// content went out under another name ([ccr.ErrDuplicate]).
func Begin(ctx context.Context, p Params) (*Claim, error) {
	if p.Ledger == nil {
		return &Claim{p: p}, nil
	}
	sum, size, err := p.File.SHA256(ctx)
	if err != nil {
		return nil, p.failed(ccr.OutcomeNotSent, err, "")
	}
	want := ccr.LedgerEntry{
		Service: p.Service, Environment: p.Environment, Name: p.File.Name(), Size: size, SHA256: hex.EncodeToString(sum[:]),
	}
	for range maxRounds {
		entry, twin, err := p.decide(ctx, want)
		if err != nil {
			return nil, err
		}
		if entry.State == ccr.StateSent {
			return &Claim{p: p, entry: entry, recorded: true, ended: true}, nil
		}
		c, err := p.claim(ctx, entry, want)
		switch {
		case errors.Is(err, ccr.ErrLedgerConflict):
			continue
		case err != nil:
			return nil, p.failed(ccr.OutcomeNotSent, err, "Nothing was sent. If the ledger holds an intent for this file after all, settle it as not arrived.")
		}
		if err := c.alone(ctx, twin); err != nil {
			return nil, err
		}
		return c, nil
	}
	return nil, p.failed(ccr.OutcomeNotSent, ccr.ErrLedgerConflict, "Other processes keep changing the entry of this file; try again.")
}

// decide returns the entry to write the intent over (which may be new), or
// the sent one that answers for this file. twin is the key of the other entry
// that this file might have, if there can be one.
func (p Params) decide(ctx context.Context, want ccr.LedgerEntry) (entry ccr.LedgerEntry, twin string, err error) {
	first, err := load(ctx, p.Ledger, contentKey(want))
	if err != nil {
		return first, "", p.failed(ccr.OutcomeNotSent, err, "")
	}
	if first.State == "" { // no name can have an entry of its own before this one
		return first, "", nil
	}
	named, err := load(ctx, p.Ledger, nameKey(want))
	if err != nil {
		return named, "", p.failed(ccr.OutcomeNotSent, err, "")
	}
	switch {
	case named.State == ccr.StateSent || named.State == ccr.StateIntent:
		return named, first.Key, p.check(named)
	case first.Name == want.Name, first.State == ccr.StateRefused: // ours, or free again
		return first, named.Key, p.check(first)
	case p.AllowSameContent:
		return named, first.Key, p.check(named)
	}
	if err := p.check(first); err != nil {
		return first, "", err
	}
	e := p.failed(ccr.OutcomeNotSent, fmt.Errorf("file %q: the same content was sent as %q", want.Name, first.Name),
		"If that is meant, allow the same content under another name.")
	e.Classes = []error{ccr.ErrDuplicate}
	return first, "", e
}

// claim writes the intent over an entry.
func (p Params) claim(ctx context.Context, over, want ccr.LedgerEntry) (*Claim, error) {
	if ctx.Err() != nil {
		return nil, ctx.Err()
	}
	attempt := rand.Text()
	want.Key, want.Version, want.State = over.Key, over.Version, ccr.StateIntent
	want.Attributes = map[string]string{attrAttempt: attempt}
	stored, err := store(ctx, p.Ledger, want)
	if errors.Is(err, ccr.ErrLedgerConflict) {
		if now, lerr := load(ctx, p.Ledger, want.Key); lerr == nil && now.Attributes[attrAttempt] == attempt {
			stored, err = now, nil // ours after all: a ledger that retries inside
		}
	}
	return &Claim{p: p, entry: stored}, err
}

// alone withdraws the claim if another process claimed the same file under
// its other key at the same moment; both look after they wrote, so at most
// one goes on.
func (c *Claim) alone(ctx context.Context, twin string) error {
	if twin == "" {
		return nil
	}
	other, err := load(ctx, c.p.Ledger, twin)
	if err != nil {
		err = c.p.failed(ccr.OutcomeNotSent, err, "")
	} else if other.Name == c.entry.Name && (other.State == ccr.StateIntent || other.State == ccr.StateSent) {
		other.State = ccr.StateIntent
		err = c.p.check(other)
	}
	if err != nil {
		return errors.Join(err, c.Refused(ctx))
	}
	return nil
}

// check refuses to go on over an intent.
func (p Params) check(e ccr.LedgerEntry) error {
	switch e.State {
	case "", ccr.StateRefused, ccr.StateSent:
		return nil
	case ccr.StateIntent:
		advice := "An earlier upload of it was begun and its result is not known, or another process is sending it now."
		if p.Advice != "" {
			advice += " " + p.Advice
		}
		return p.failed(ccr.OutcomeUnknown, fmt.Errorf("file %q: the ledger holds an intent without a result, written %s",
			e.Name, e.At.UTC().Format(time.RFC3339)), advice)
	}
	return p.failed(ccr.OutcomeNotSent, fmt.Errorf("file %q: the ledger entry has the unexpected state %q", e.Name, e.State), "")
}

// Recorded returns the result of an earlier run that sent exactly this file:
// then nothing is to be sent.
func (c *Claim) Recorded() (ccr.LedgerEntry, bool) {
	if !c.recorded {
		return ccr.LedgerEntry{}, false
	}
	e := c.entry
	e.Attributes = maps.Clone(e.Attributes)
	return e, true
}

// SHA256 is the checksum (lowercase hex) that the claim stands for; empty
// without a ledger. What is sent must have it: compare while sending.
func (c *Claim) SHA256() string { return c.entry.SHA256 }

// Size is the number of bytes the claim stands for; 0 without a ledger.
func (c *Claim) Size() int64 { return c.entry.Size }

// Sent notes that the vendor has accepted the file, with small facts of the
// result. It works after ctx has ended, too, for at most 30 s. If it fails,
// the file was sent, but the next run will find the intent and ask.
func (c *Claim) Sent(ctx context.Context, attributes map[string]string) error {
	return c.end(ctx, ccr.StateSent, attributes, "The file was sent and accepted; only the ledger could not note it. Settle it there as arrived.")
}

// Refused notes that the file is known not to have arrived, so that it may be
// sent again later. It works after ctx has ended, too.
func (c *Claim) Refused(ctx context.Context) error {
	return c.end(ctx, ccr.StateRefused, nil, "The file was not accepted, and the ledger could not note that. Settle it there as not arrived.")
}

func (c *Claim) end(ctx context.Context, state string, attributes map[string]string, advice string) error {
	if c.p.Ledger == nil || c.ended {
		return nil
	}
	// What is noted has happened, whether or not the context has ended since.
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), recordTimeout)
	defer cancel()
	next := c.entry
	next.State, next.Attributes = state, maps.Clone(attributes)
	var err error
	for range maxRounds {
		var stored ccr.LedgerEntry
		if stored, err = store(ctx, c.p.Ledger, next); err == nil {
			c.entry, c.ended = stored, true
			return nil
		}
		if !errors.Is(err, ccr.ErrLedgerConflict) {
			break
		}
		now, lerr := load(ctx, c.p.Ledger, next.Key)
		switch {
		case lerr != nil:
			err = lerr
		case now.State == state && now.Name == next.Name: // settled by a person meanwhile
			c.entry, c.ended = now, true
			return nil
		case state == ccr.StateSent && now.State == ccr.StateRefused && now.Name == next.Name:
			next.Version = now.Version // settled wrongly: it must not go out again
			continue
		}
		break
	}
	return c.p.failed("", err, advice)
}

// Settle ends an intent of unknown outcome: arrived says whether the vendor
// has the file. The same answer twice is fine; an answer that contradicts a
// recorded result is refused, and so is one for a file without an entry
// ([ccr.ErrNoEntry]).
func Settle(ctx context.Context, ledger ccr.Ledger, service, environment string, file ccr.File, arrived bool) error {
	p := Params{Ledger: ledger, Service: service, Environment: environment, File: file}
	if ledger == nil {
		return p.failed("", errors.New("settling needs the ledger that the upload used"), "")
	}
	sum, _, err := file.SHA256(ctx)
	if err != nil {
		return p.failed("", err, "")
	}
	want := ccr.LedgerEntry{Service: service, Environment: environment, Name: file.Name(), SHA256: hex.EncodeToString(sum[:])}
	state := ccr.StateRefused
	if arrived {
		state = ccr.StateSent
	}
	for _, key := range []string{contentKey(want), nameKey(want)} {
		e, err := load(ctx, ledger, key)
		switch {
		case err != nil:
			return p.failed("", err, "")
		case e.State == "" || e.Name != want.Name:
			continue
		case e.State == state:
			return nil
		case e.State != ccr.StateIntent:
			return p.failed("", fmt.Errorf("file %q: the ledger holds the result %q, not an open intent", want.Name, e.State), "")
		}
		e.State, e.Attributes = state, map[string]string{attrSettled: "true"}
		if _, err := store(ctx, ledger, e); err != nil {
			return p.failed("", err, "Look at the ledger again.")
		}
		return nil
	}
	return p.failed("", fmt.Errorf("file %q: %w", want.Name, ccr.ErrNoEntry), "Use the service, environment, name and content that the upload had.")
}

func (p Params) failed(outcome ccr.Outcome, err error, advice string) *ccr.Error {
	e := &ccr.Error{Service: p.Service, Operation: operation, Outcome: outcome, Advice: advice, Err: err}
	if errors.Is(err, ccr.ErrFileChanged) {
		e.Classes = []error{ccr.ErrFileChanged}
	}
	return e
}

// contentKey is the entry of the first name a content goes out under.
func contentKey(e ccr.LedgerEntry) string {
	return "out|" + e.Service + "|" + e.Environment + "|" + e.SHA256
}

// nameKey is the entry of a further name.
func nameKey(e ccr.LedgerEntry) string { return contentKey(e) + "|" + e.Name }

// load returns an entry that has at least its key, without a state if new.
func load(ctx context.Context, l ccr.Ledger, key string) (ccr.LedgerEntry, error) {
	e, err := l.Load(ctx, key)
	if errors.Is(err, ccr.ErrNoEntry) {
		return ccr.LedgerEntry{Key: key}, nil
	}
	if err != nil {
		err = fmt.Errorf("ledger: %w", err)
	}
	return e, err
}

// store returns the entry as it is stored.
func store(ctx context.Context, l ccr.Ledger, e ccr.LedgerEntry) (ccr.LedgerEntry, error) {
	e.At = time.Now().UTC()
	if err := l.Store(ctx, e); err != nil {
		return e, fmt.Errorf("ledger: %w", err)
	}
	e.Version++
	return e, nil
}
