package receive

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"time"

	"github.com/ccr-sdk/ccr"
	"github.com/ccr-sdk/ccr/internal/ledger"
	"github.com/ccr-sdk/ccr/internal/safetext"
	"github.com/ccr-sdk/ccr/internal/wait"
)

// The attributes of a ledger entry that this engine writes.
const (
	attrIdentity  = "identity"  // Item.Identity of the recorded content
	attrAttempt   = "attempt"   // the token of the staged delivery
	attrRef       = "ref"       // its reference, if the sink can stage
	attrDuplicate = "duplicate" // it was staged with Item.Known
)

const (
	// maxRounds bounds how often an item is started over because its claim
	// was lost.
	maxRounds = 8
	// The waits between two looks at an entry that another worker holds.
	minWait, maxWait = 50 * time.Millisecond, 2 * time.Second
)

var (
	// errClaimed: another worker is at work on it, and j.wait is not set.
	errClaimed = ccr.ErrClaimed
	// errDoubtful: it was archived, perhaps by another worker since it was
	// listed: only another listing can tell.
	errDoubtful = errors.New("it was archived before, and listed all the same")
	// errKnown: nothing is left to do.
	errKnown = errors.New("it was delivered before")
	// errAgain: the claim was lost; look at the entry anew.
	errAgain = errors.New("another worker took it over")
)

// job is one item on its way in.
type job struct {
	*engine
	item        Item
	key         string
	wait        bool // for other workers
	listedAgain bool // after it was found archived
	bytes       int64

	found     ccr.LedgerEntry  // the entry before the claim
	committed *ccr.LedgerEntry // what this run made visible…
	location  string           // …here
	verified  string           // checksum of what this run saw at the vendor

	open     error        // why the latest pass did not end it
	received ccr.Received // the end
}

// run claims the item and does what is left to do. Its error, errClaimed or
// errDoubtful, leaves the item to a later pass.
func (j *job) run(ctx context.Context) (ccr.Received, error) {
	waits := 0
	for lost := 0; ; {
		r, err := j.attempt(ctx)
		switch {
		case err == nil:
			return r, nil
		case errors.Is(err, errKnown):
			return j.done(j.found), nil
		case errors.Is(err, errDoubtful):
			return r, err
		case errors.Is(err, errAgain):
			if lost++; lost < maxRounds {
				continue
			}
		case errors.Is(err, errClaimed) && !j.wait:
			return r, err
		case errors.Is(err, errClaimed):
			waits++
			if err = wait.Sleep(ctx, wait.Jitter(min(minWait<<min(waits, 8), maxWait))); err == nil {
				continue
			}
		}
		return j.failed(err), nil
	}
}

// attempt does what is left to do under one claim. A returned error means that
// the item is not known to be in the sink; what comes after that is reported
// in the result.
func (j *job) attempt(ctx context.Context) (ccr.Received, error) {
	claim, err := j.book.Acquire(ctx, j.key, fmt.Sprintf("file %q", j.item.Name), j.plan)
	if err != nil {
		return ccr.Received{}, err
	}
	bound, cancel := claim.Context(ctx)
	defer cancel()
	r, err := j.step(bound, claim)
	if err != nil && ctx.Err() == nil && (errors.Is(err, ledger.ErrLost) || errors.Is(context.Cause(bound), ledger.ErrLost)) {
		err = errAgain
	}
	claim.Release(ctx, nil) //nolint:errcheck // a claim that is not released ends by itself
	return r, err
}

// plan looks at an entry that nobody else holds.
func (j *job) plan(found ccr.LedgerEntry, _ bool) (ccr.LedgerEntry, error) {
	j.found = found
	switch found.State {
	case "", ccr.StateStaged:
	case ccr.StateDelivered, ccr.StateArchived:
		switch {
		case j.stays(found):
			return found, errKnown
		case found.State == ccr.StateArchived && !j.opts.LeaveRemote && !j.listedAgain:
			return found, errDoubtful
		}
	default:
		return found, fmt.Errorf("the ledger entry has the unexpected state %q", found.State)
	}
	found.Service, found.Environment, found.Name = j.opts.Service, j.opts.Environment, safetext.Escape(j.item.Name)
	return found, nil
}

// stays reports whether the item is the recorded one as far as its name and
// identity say, and the vendor's copy stays: then no more proof is needed.
func (j *job) stays(entry ccr.LedgerEntry) bool {
	return j.opts.LeaveRemote && (j.item.Identity == "" || j.item.Identity == entry.Attributes[attrIdentity])
}

// step goes on from the state of the claimed entry.
func (j *job) step(ctx context.Context, claim *ledger.Claim) (ccr.Received, error) {
	switch claim.Entry().State {
	case "":
		return j.receive(ctx, claim, claim.Token(), false)
	case ccr.StateStaged:
		return j.resume(ctx, claim)
	default:
		return j.known(ctx, claim)
	}
}

// resume goes on after a crash between staging and recording the delivery.
func (j *job) resume(ctx context.Context, claim *ledger.Claim) (ccr.Received, error) {
	entry := claim.Entry()
	switch {
	case j.committed == nil:
	case j.committed.Attributes[attrAttempt] == entry.Attributes[attrAttempt]:
		return j.record(ctx, claim)
	default:
		return j.overtaken(), nil
	}
	duplicate := entry.Attributes[attrDuplicate] != ""
	item := j.info(entry.Attributes[attrAttempt], duplicate)
	delivery, staging, err := j.sink.Resume(ctx, item, entry.Attributes[attrRef])
	switch {
	case errors.Is(err, errors.ErrUnsupported) && entry.Attributes[attrRef] == "":
		// The sink cannot tell. The same content under the same token takes
		// effect once.
		return j.receive(ctx, claim, item.Token, duplicate)
	case err != nil:
		return ccr.Received{}, err
	case staging == ccr.Staged:
		return j.commit(ctx, claim, delivery)
	case staging == ccr.Discarded:
		return j.receive(ctx, claim, claim.Token(), duplicate)
	case staging == ccr.Committed:
		return j.record(ctx, claim)
	}
	return ccr.Received{}, fmt.Errorf("the sink says %q of what it had staged", staging)
}

// receive brings in content that is not known to be in the sink.
func (j *job) receive(ctx context.Context, claim *ledger.Claim, token string, known bool) (ccr.Received, error) {
	got, err := j.fetch(ctx, token, known)
	if err != nil {
		return ccr.Received{}, err
	}
	if token == j.found.Attributes[attrAttempt] && got.sum != j.found.SHA256 {
		// Other content must not go under a token that may be committed.
		if err := got.delivery.Abort(ctx); err != nil {
			return ccr.Received{}, err
		}
		return j.receive(ctx, claim, claim.Token(), true)
	}
	j.verified = got.sum
	return j.place(ctx, claim, got, known)
}

// place stages fetched content and delivers it, over what the entry says.
func (j *job) place(ctx context.Context, claim *ledger.Claim, got fetched, known bool) (ccr.Received, error) {
	ref, err := got.delivery.Stage(ctx)
	switch {
	case errors.Is(err, errors.ErrUnsupported):
		err = nil
	case err == nil && ref == "":
		err = errors.New("the sink staged a delivery without a reference")
	}
	if err != nil {
		return ccr.Received{}, errors.Join(err, abort(ctx, got.delivery))
	}
	err = advance(ctx, claim, func(e *ccr.LedgerEntry) {
		e.State, e.Size, e.SHA256 = ccr.StateStaged, got.size, got.sum
		e.Attributes = map[string]string{attrAttempt: got.token}
		setAttr(e, attrIdentity, j.item.Identity)
		setAttr(e, attrRef, ref)
		if known {
			setAttr(e, attrDuplicate, "true")
		}
	})
	if err != nil {
		// After any other error than a lost claim the entry may have been
		// written: then what is staged must stay.
		if errors.Is(err, ledger.ErrLost) || ref == "" {
			err = errors.Join(err, abort(ctx, got.delivery))
		}
		return ccr.Received{}, err
	}
	return j.commit(ctx, claim, got.delivery)
}

// commit makes the content of a staged entry visible.
func (j *job) commit(ctx context.Context, claim *ledger.Claim, delivery ccr.Delivery) (ccr.Received, error) {
	location, err := delivery.Commit(ctx)
	if err != nil {
		return ccr.Received{}, fmt.Errorf("deliver: %w", err)
	}
	j.committed, j.location = new(claim.Entry()), location
	return j.record(ctx, claim)
}

// record notes that the staged content is in the sink and goes on.
func (j *job) record(ctx context.Context, claim *ledger.Claim) (ccr.Received, error) {
	entry := claim.Entry()
	delivered := func(e *ccr.LedgerEntry) {
		e.State = ccr.StateDelivered
		for _, a := range []string{attrRef, attrAttempt, attrDuplicate} {
			setAttr(e, a, "")
		}
	}
	var err error
	last := j.stays(entry)
	if last {
		err = claim.Record(ctx, delivered)
	} else {
		err = advance(ctx, claim, delivered)
	}
	switch {
	case errors.Is(err, ledger.ErrLost):
		if j.location == "" {
			j.committed = nil // perhaps the other worker's Commit was first
		}
		return ccr.Received{}, errAgain
	case err != nil:
		return j.notArchived(entry, err), nil
	case last:
		return j.done(entry), nil
	}
	return j.known(ctx, claim)
}

// known deals with a name that was delivered before.
func (j *job) known(ctx context.Context, claim *ledger.Claim) (ccr.Received, error) {
	entry := claim.Entry()
	if j.committed != nil && j.committed.SHA256 != entry.SHA256 {
		return j.overtaken(), nil
	}
	if j.stays(entry) || j.verified == entry.SHA256 {
		return j.finish(ctx, claim)
	}
	got, err := j.fetch(ctx, rand.Text(), true)
	if errors.Is(err, ccr.ErrNotFound) && !j.opts.LeaveRemote {
		// Settled since it was listed: nothing is left to compare.
		return j.archived(ctx, claim), nil
	}
	if err == nil {
		j.verified = got.sum
		if got.sum != entry.SHA256 && j.committed == nil {
			return j.place(ctx, claim, got, true)
		}
		if err = got.delivery.Abort(ctx); err == nil && got.sum == entry.SHA256 {
			return j.finish(ctx, claim)
		}
	}
	if j.committed == nil {
		return ccr.Received{}, err
	}
	if err == nil {
		// The vendor changed its copy after a crash of ours; one result cannot
		// name two deliveries, so the next run receives this one.
		err = errors.New("the vendor has other content under that name by now")
	}
	return j.notArchived(entry, err), nil
}

// finish tells the vendor, which is the last step. The entry is stored and
// says delivered; nothing else may call Source.Settle.
func (j *job) finish(ctx context.Context, claim *ledger.Claim) (ccr.Received, error) {
	if j.opts.LeaveRemote {
		return j.note(ctx, claim, "It is in the sink; only the ledger could not note that it is the same.", func(*ccr.LedgerEntry) {}), nil
	}
	if ctx.Err() != nil && !errors.Is(context.Cause(ctx), ledger.ErrLost) {
		return j.notArchived(claim.Entry(), wait.Ended(ctx)), nil
	}
	err := j.src.Settle(ctx, j.item, func() error { return claim.Check(ctx) })
	switch {
	case err != nil && (errors.Is(err, ledger.ErrLost) || errors.Is(context.Cause(ctx), ledger.ErrLost)):
		return ccr.Received{}, errAgain
	case err != nil:
		return j.notArchived(claim.Entry(), fmt.Errorf("archive: %w", err)), nil
	}
	return j.archived(ctx, claim), nil
}

// archived notes that the vendor knows.
func (j *job) archived(ctx context.Context, claim *ledger.Claim) ccr.Received {
	return j.note(ctx, claim, "It is in the sink, and the vendor knows; only the ledger could not note the latter.",
		func(e *ccr.LedgerEntry) { e.State = ccr.StateArchived })
}

// note records the last fact of an item; another worker that recorded it, or
// took the entry over, is as good.
func (j *job) note(ctx context.Context, claim *ledger.Claim, advice string, change func(*ccr.LedgerEntry)) ccr.Received {
	r := j.done(claim.Entry())
	err := claim.Record(ctx, func(e *ccr.LedgerEntry) {
		change(e)
		if j.item.Identity != "" && j.verified == e.SHA256 {
			setAttr(e, attrIdentity, j.item.Identity) // it was fetched and compared
		}
	})
	if err != nil && !errors.Is(err, ledger.ErrLost) {
		r.Err = j.failure(j.item.Name, err, advice)
	}
	return r
}

// advance stores a change even if the context has just ended: what it says has
// happened.
func advance(ctx context.Context, claim *ledger.Claim, change func(*ccr.LedgerEntry)) error {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), ledger.RecordTimeout)
	defer cancel()
	return claim.Advance(ctx, change)
}

// abort gives a delivery up even if the context has ended.
func abort(ctx context.Context, d ccr.Delivery) error {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), ledger.RecordTimeout)
	defer cancel()
	return d.Abort(ctx)
}

func (j *job) info(token string, known bool) ccr.Item {
	return ccr.Item{Service: j.opts.Service, Environment: j.opts.Environment, Key: j.key,
		Name: j.item.Name, Size: j.item.Size, ModTime: j.item.ModTime, Token: token, Known: known}
}

// setAttr sets an attribute of an entry whose map is the caller's own, or
// removes it.
func setAttr(e *ccr.LedgerEntry, key, value string) {
	switch {
	case value == "":
		delete(e.Attributes, key)
	case e.Attributes == nil:
		e.Attributes = map[string]string{key: value}
	default:
		e.Attributes[key] = value
	}
}
