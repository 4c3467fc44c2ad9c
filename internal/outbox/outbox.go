package outbox

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"time"

	"github.com/ccr-sdk/ccr"
	"github.com/ccr-sdk/ccr/internal/ledger"
	"github.com/ccr-sdk/ccr/internal/safetext"
	"github.com/ccr-sdk/ccr/internal/wait"
)

const (
	// attrSettled marks a result that Settle recorded in place of the upload.
	attrSettled = "settled"
	// maxRounds bounds how often Begin starts over when others claim the same
	// file under its other key.
	maxRounds = 8
	// roundWait spreads those rounds.
	roundWait = 10 * time.Millisecond
)

// Params say what is about to be sent.
type Params struct {
	Ledger      ccr.Ledger // nil: nothing is remembered, and the claim does nothing
	Lease       ccr.LeasePolicy
	Operation   string
	Service     string
	Environment string
	Account     string // whose account at the vendor
	Folder      string // the full remote folder
	Name        string
	SHA256      string // of the content, in lower-case hexadecimal; what is sent must have it
	Size        int64
	// AllowSameContent lets content that went out under another name go out
	// again under this one. The same name is never sent twice.
	AllowSameContent bool
	// Looks: the service can look at the vendor, so Begin returns a claim to
	// resolve what it takes over, in place of the error that it is unknown.
	Looks bool
	// Attributes are those of the intent; found is what it is stored over. It
	// may be called several times.
	Attributes func(found ccr.LedgerEntry) map[string]string
	Advice     string // how to settle an upload whose outcome is unknown
}

// Claim is the right to send one file once, or to find out what became of it.
type Claim struct {
	p        *Params
	c        *ledger.Claim // nil without a ledger, and if the file was sent before
	recorded ccr.LedgerEntry
}

// Begin claims the file and stores the intent. Any error means that nothing
// was sent by this call.
func Begin(ctx context.Context, p Params) (*Claim, error) {
	if p.Ledger == nil {
		return &Claim{p: &p}, nil
	}
	book := ledger.New(p.Ledger, p.Lease)
	for round := range maxRounds {
		if err := wait.Sleep(ctx, wait.Jitter(time.Duration(round)*roundWait)); err != nil {
			return nil, p.failed(ccr.OutcomeNotSent, err, "")
		}
		b := &beginning{p: &p, book: book}
		c, err := b.claim(ctx)
		if err != nil {
			return nil, p.explain(err)
		}
		if c.c == nil || c.Resolving() {
			return c.resolvable(ctx)
		}
		alone, err := b.alone(ctx)
		if alone {
			return c, nil
		}
		if withdrawn := c.Refused(ctx, b.found.Attributes); err != nil || withdrawn != nil {
			return nil, errors.Join(p.explain(err), withdrawn)
		}
	}
	return nil, p.failed(ccr.OutcomeNotSent, fmt.Errorf("%s: %w", p.what(), ccr.ErrLedgerConflict), "Other workers keep claiming this file; try again")
}

// beginning is one round of Begin.
type beginning struct {
	p     *Params
	book  *ledger.Book
	found ccr.LedgerEntry // what the claim was stored over
	twin  string          // the other key under which another worker may have claimed the file
}

var (
	errNamed = errors.New("the file has an entry of its own")
	errSent  = errors.New("the file was sent")
)

// claim claims the entry that answers for the file.
func (b *beginning) claim(ctx context.Context) (*Claim, error) {
	c, err := b.book.Acquire(ctx, b.p.key(), b.p.what(), b.content(ctx))
	if held, ok := errors.AsType[*ccr.ClaimedError](err); ok {
		err = b.held(ctx, held)
	}
	if errors.Is(err, errNamed) {
		b.twin = b.p.key()
		c, err = b.book.Acquire(ctx, b.p.key(b.p.Name), b.p.what(), b.named)
	}
	switch {
	case errors.Is(err, errSent):
		return &Claim{p: b.p, recorded: b.found}, nil
	case err != nil:
		return nil, err
	}
	return &Claim{p: b.p, c: c}, nil
}

// held is called when another worker has the entry of the content.
func (b *beginning) held(ctx context.Context, by *ccr.ClaimedError) error {
	first, err := b.book.Load(ctx, b.p.key())
	if err != nil || first.FileName() == b.p.Name {
		return errors.Join(by, err)
	}
	named, err := b.book.Load(ctx, b.p.key(b.p.Name))
	switch {
	case err != nil:
		return err
	case b.p.AllowSameContent, !free(named):
		return errNamed
	}
	by.What = fmt.Sprintf("file %q: the same content under the name %q", b.p.Name, first.FileName())
	return by
}

// content is the plan for the entry of the content.
func (b *beginning) content(ctx context.Context) ledger.Plan {
	return func(found ccr.LedgerEntry, _ bool) (ccr.LedgerEntry, error) {
		b.found, b.twin = found, ""
		if found.State == "" { // no name can have an entry of its own before this one
			return b.p.intent(found), nil
		}
		b.twin = b.p.key(b.p.Name)
		named, err := b.book.Load(ctx, b.twin)
		switch {
		case err != nil:
			return found, err
		case !free(named):
			return found, errNamed
		case found.FileName() == b.p.Name, free(found):
			return b.p.over(found)
		case b.p.AllowSameContent:
			return found, errNamed
		case found.State != ccr.StateSent:
			return found, b.p.unknown(found)
		}
		e := b.p.failed(ccr.OutcomeNotSent, fmt.Errorf("file %q: the same content was sent as %q", b.p.Name, found.FileName()),
			"If that is meant, allow the same content under another name")
		e.Classes = []error{ccr.ErrDuplicate}
		return found, e
	}
}

// named is the plan for the entry of content and name.
func (b *beginning) named(found ccr.LedgerEntry, _ bool) (ccr.LedgerEntry, error) {
	b.found = found
	return b.p.over(found)
}

// over is what to store over an entry of this file that nobody holds.
func (p *Params) over(found ccr.LedgerEntry) (ccr.LedgerEntry, error) {
	switch found.State {
	case "", ccr.StateRefused:
		return p.intent(found), nil
	case ccr.StateSent:
		return found, errSent
	case ccr.StateIntent, ccr.StateResolving:
		return ledger.Taken(found), nil
	case ccr.StateUnknown:
		if p.Looks { // the vendor may show more by now
			found.State = ccr.StateResolving
			return found, nil
		}
		return found, p.unknown(found)
	}
	return found, p.failed(ccr.OutcomeNotSent, fmt.Errorf("file %q: the ledger entry has the unexpected state %q", p.Name, found.State), "")
}

func (p *Params) intent(found ccr.LedgerEntry) ccr.LedgerEntry {
	next := ccr.LedgerEntry{
		State: ccr.StateIntent, Service: p.Service, Environment: p.Environment,
		Name: safetext.Escape(p.Name), Size: p.Size, SHA256: p.SHA256,
	}
	if p.Attributes != nil {
		next.Attributes = p.Attributes(found)
	}
	return next
}

// alone reports whether no other worker has claimed the file under its other
// key. Both look after they stored, so at most one goes on.
func (b *beginning) alone(ctx context.Context) (bool, error) {
	if b.twin == "" {
		return true, nil
	}
	other, err := b.book.Load(ctx, b.twin)
	return err == nil && (free(other) || other.FileName() != b.p.Name), err
}

// free reports whether an entry says that nothing is at the vendor.
func free(e ccr.LedgerEntry) bool { return e.State == "" || e.State == ccr.StateRefused }

// resolvable returns the claim, unless it is one to resolve and the service
// cannot look at the vendor.
func (c *Claim) resolvable(ctx context.Context) (*Claim, error) {
	if !c.Resolving() || c.p.Looks {
		return c, nil
	}
	e := c.c.Entry()
	return nil, errors.Join(c.p.unknown(e), c.Unknown(ctx))
}

// Recorded returns the result of an earlier call that sent exactly this file:
// then nothing is to be sent.
func (c *Claim) Recorded() (ccr.LedgerEntry, bool) {
	e := c.recorded
	e.Attributes = maps.Clone(e.Attributes)
	return e, e.State != ""
}

// Resolving reports whether the claim is one to find out what became of an
// upload by another worker. Nothing may be sent under it: end it with Sent,
// Refused or Unknown, and begin again.
func (c *Claim) Resolving() bool { return c.c != nil && c.c.Entry().State == ccr.StateResolving }

// Entry is the entry as it is stored.
func (c *Claim) Entry() ccr.LedgerEntry {
	if c.c == nil {
		return c.recorded
	}
	return c.c.Entry()
}

// ResolveAt is when the request of the worker before cannot be under way any
// more.
func (c *Claim) ResolveAt() time.Time { return c.c.ResolveAt() }

// Check is the last look at the claim before the first byte of what must not
// happen twice.
func (c *Claim) Check(ctx context.Context) error {
	if c.c == nil {
		return nil
	}
	return c.c.Check(ctx)
}

// Context returns a context that ends before the claim does.
func (c *Claim) Context(ctx context.Context) (context.Context, context.CancelFunc) {
	if c.c == nil {
		return context.WithCancel(ctx)
	}
	return c.c.Context(ctx)
}

// Note stores attributes of the intent.
func (c *Claim) Note(ctx context.Context, attributes map[string]string) error {
	if c.c == nil {
		return nil
	}
	return c.c.Advance(ctx, func(e *ccr.LedgerEntry) { e.Attributes = maps.Clone(attributes) })
}

// Sent records that the vendor has accepted the file, with small facts of the
// result: also after ctx has ended, and also if another worker has taken the
// claim over.
func (c *Claim) Sent(ctx context.Context, attributes map[string]string) error {
	return c.end(ctx, ccr.StateSent, attributes, "The file was sent and accepted; only the ledger could not record it. Settle it as arrived (SettleUpload)")
}

// Refused records that the file is known not to have arrived, so that it may
// be sent again later. Whoever has taken the claim over finds that out alone.
func (c *Claim) Refused(ctx context.Context, attributes map[string]string) error {
	err := c.end(ctx, ccr.StateRefused, attributes, "The file was not accepted, and the ledger could not record that. Settle it as not arrived (SettleUpload)")
	if errors.Is(err, ledger.ErrLost) {
		return nil
	}
	return err
}

// Unknown records that nobody can tell what became of the file.
func (c *Claim) Unknown(ctx context.Context) error {
	err := c.end(ctx, ccr.StateUnknown, c.Entry().Attributes, "The ledger could not record that the outcome is unknown. The next call finds it out")
	if errors.Is(err, ledger.ErrLost) {
		return nil // another worker is at it, or knows
	}
	return err
}

func (c *Claim) end(ctx context.Context, state string, attributes map[string]string, advice string) error {
	if c.c == nil {
		return nil
	}
	err := c.c.Record(ctx, func(e *ccr.LedgerEntry) { e.State, e.Attributes = state, maps.Clone(attributes) })
	if err == nil {
		return nil
	}
	return c.p.failed(ccr.OutcomeUnknown, fmt.Errorf("%s: %w", c.p.what(), err), advice)
}

// explain makes the error of a claim that was not got.
func (p *Params) explain(err error) error {
	if err == nil {
		return nil
	}
	if _, ok := errors.AsType[*ccr.Error](err); ok {
		return err
	}
	e := p.failed(ccr.OutcomeNotSent, err, "Nothing was sent. Call again once the ledger works")
	if held, ok := errors.AsType[*ccr.ClaimedError](err); ok {
		e.RetryAfter, e.Classes = held.RetryAfter(), []error{ccr.ErrClaimed}
		e.Advice = "Nothing was sent by this call. Let that worker finish; calling again then returns its result"
	}
	return e
}

func (p *Params) unknown(e ccr.LedgerEntry) *ccr.Error {
	what := p.what()
	if name := e.FileName(); name != p.Name {
		what += fmt.Sprintf(": the same content under the name %q", name)
	}
	return p.failed(ccr.OutcomeUnknown, fmt.Errorf("%s: an upload of it was begun and its result is not known; last change %s",
		what, e.At.UTC().Format(time.RFC3339)), p.Advice)
}

func (p *Params) failed(outcome ccr.Outcome, err error, advice string) *ccr.Error {
	return &ccr.Error{Service: p.Service, Operation: p.Operation, Outcome: outcome, Advice: advice, Err: err}
}

// what names the file in a [ccr.ClaimedError].
func (p *Params) what() string { return fmt.Sprintf("file %q", p.Name) }

// key is the key of the entry of a content, or of a content and a name.
func (p *Params) key(name ...string) string {
	return ledger.Key(ledger.KindOut, p.Service, p.Environment, append([]string{p.Account, p.Folder, p.SHA256}, name...)...)
}
