package receive

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/ccr-sdk/ccr"
)

// The attributes of a ledger entry that this engine writes.
const (
	attrIdentity = "identity" // Item.Identity of the recorded content
	attrRef      = "ref"      // of the staged delivery
	attrAttempt  = "attempt"  // the token of the staged delivery
	attrBeside   = "beside"   // the content was staged with Item.Known
)

const (
	// maxRounds bounds how often an item is looked at anew; every new look
	// means that another worker went on with it in the meantime.
	maxRounds = 8
	// recordTimeout bounds a ledger write that is made even though the
	// context has ended, because what it records has happened.
	recordTimeout = 30 * time.Second
)

// errAgain: another worker changed the entry; look at it anew.
var errAgain = errors.New("the ledger entry was changed by another worker")

// job is one item on its way in.
type job struct {
	*engine
	item  Item
	bytes int64 // fetched in the latest attempt

	committed *ccr.LedgerEntry // what this run made visible…
	location  string           // …here
	verified  string           // checksum of what this run saw at the vendor
}

// run looks at the item's entry and does what is left to do.
func (j *job) run(ctx context.Context) ccr.Received {
	for range maxRounds {
		entry, err := j.load(ctx)
		var r ccr.Received
		if err == nil {
			r, err = j.step(ctx, entry)
		}
		switch {
		case err == nil:
			return r
		case !errors.Is(err, errAgain):
			return j.failed(err, "The vendor still has it; run Receive again.")
		}
	}
	return j.failed(errAgain, "Run Receive again.")
}

// step goes on from the state of the entry. A returned error means that the
// item is not known to be in the sink; what comes after that is reported in
// the result.
func (j *job) step(ctx context.Context, entry ccr.LedgerEntry) (ccr.Received, error) {
	switch entry.State {
	case "":
		return j.receive(ctx, entry, false)
	case ccr.StateStaged:
		return j.recover(ctx, entry)
	case ccr.StateDelivered, ccr.StateArchived:
		return j.known(ctx, entry)
	}
	return ccr.Received{}, fmt.Errorf("the ledger entry has the unexpected state %q", entry.State)
}

// recover goes on after a crash between staging and recording the delivery
// (or beside another worker that is right there).
func (j *job) recover(ctx context.Context, entry ccr.LedgerEntry) (ccr.Received, error) {
	beside := entry.Attributes[attrBeside] != ""
	switch {
	case j.committed == nil:
		info := j.info(beside)
		info.Token = entry.Attributes[attrAttempt]
		file, staging, err := j.sink.Resume(ctx, info, entry.Attributes[attrRef])
		switch {
		case errors.Is(err, errors.ErrUnsupported), err == nil && staging == ccr.Discarded:
			return j.receive(ctx, entry, beside)
		case err != nil:
			return ccr.Received{}, err
		case staging == ccr.Staged:
			if err := j.commit(ctx, entry, file); err != nil {
				return ccr.Received{}, err
			}
		}
	case j.committed.Attributes[attrAttempt] != entry.Attributes[attrAttempt]:
		return j.overtaken(), nil
	}
	return j.record(ctx, entry)
}

// known deals with a name that was delivered before.
func (j *job) known(ctx context.Context, entry ccr.LedgerEntry) (ccr.Received, error) {
	weak := j.item.Identity == ""
	if j.committed != nil && j.committed.SHA256 != entry.SHA256 {
		return j.overtaken(), nil
	}
	switch {
	case j.verified != "" && j.verified == entry.SHA256,
		!weak && j.item.Identity == entry.Attributes[attrIdentity],
		weak && j.opts.LeaveRemote:
		return j.settle(ctx, entry), nil
	}
	got, err := j.fetch(ctx, true)
	if errors.Is(err, ccr.ErrNotFound) {
		return j.done(entry), nil // settled since it was listed: nothing is left to compare
	}
	if err != nil {
		if j.committed != nil {
			return j.notArchived(entry, err), nil
		}
		return ccr.Received{}, err
	}
	j.verified = got.sum
	switch {
	case got.sum == entry.SHA256:
		if err := discard(ctx, got.file); err != nil {
			return ccr.Received{}, err
		}
		return j.settle(ctx, entry), nil
	case j.committed != nil:
		// The vendor changed its copy after a crash of ours; one result
		// cannot name two deliveries, so the next run receives this one.
		if err := discard(ctx, got.file); err != nil {
			return ccr.Received{}, err
		}
		return j.notArchived(entry, errors.New("the vendor has other content under that name by now")), nil
	}
	return j.place(ctx, entry, got, true)
}

// receive brings in content that is not known yet.
func (j *job) receive(ctx context.Context, entry ccr.LedgerEntry, beside bool) (ccr.Received, error) {
	got, err := j.fetch(ctx, beside)
	if err != nil && j.moved(ctx, entry) {
		return ccr.Received{}, errAgain // another worker has it, and perhaps settled it
	}
	if err != nil {
		return ccr.Received{}, err
	}
	j.verified = got.sum
	return j.place(ctx, entry, got, beside)
}

// place delivers fetched content, over the old entry.
func (j *job) place(ctx context.Context, old ccr.LedgerEntry, got fetched, beside bool) (ccr.Received, error) {
	ref, err := got.file.Stage(ctx)
	switch {
	case errors.Is(err, errors.ErrUnsupported):
		ref, err = "", nil
	case err == nil && ref == "":
		err = errors.New("the sink staged a delivery without a reference")
	}
	if err != nil {
		return ccr.Received{}, errors.Join(err, got.file.Abort(ctx))
	}
	attempt := got.token
	entry := ccr.LedgerEntry{
		Key: j.key(), Version: old.Version, State: ccr.StateStaged, Service: j.opts.Service,
		Environment: j.opts.Environment, Name: j.item.Name, Size: got.size, SHA256: got.sum,
		Attributes: map[string]string{attrAttempt: attempt},
	}
	setAttr(&entry, attrIdentity, j.item.Identity)
	setAttr(&entry, attrRef, ref)
	if beside {
		setAttr(&entry, attrBeside, "true")
	}
	stored, err := j.store(ctx, entry)
	if errors.Is(err, ccr.ErrLedgerConflict) {
		now, lerr := j.load(ctx)
		switch {
		case lerr != nil:
			err = lerr // not known whose entry it is: touch nothing
		case now.Attributes[attrAttempt] == attempt:
			stored, err = now, nil // ours after all: a ledger that retries inside
		default:
			// Another worker was first. What we staged is not recorded anywhere.
			return ccr.Received{}, errors.Join(errAgain, got.file.Abort(ctx))
		}
	}
	if err != nil {
		// The entry may have been written: then the staged content must stay,
		// because its absence would be taken for a delivery.
		if ref == "" {
			err = errors.Join(err, got.file.Abort(ctx))
		}
		return ccr.Received{}, err
	}
	if err := j.commit(ctx, stored, got.file); err != nil {
		return ccr.Received{}, err
	}
	return j.record(ctx, stored)
}

// commit makes the content of a staged entry visible.
func (j *job) commit(ctx context.Context, entry ccr.LedgerEntry, file ccr.Delivery) error {
	location, err := file.Commit(ctx)
	if err == nil {
		j.committed, j.location = &entry, location
		return nil
	}
	if j.moved(ctx, entry) {
		return errAgain // another worker took it for the rest of a crash, and was faster
	}
	return fmt.Errorf("deliver: %w", err)
}

// moved reports whether another worker went on with the item meanwhile.
func (j *job) moved(ctx context.Context, entry ccr.LedgerEntry) bool {
	now, err := j.load(ctx)
	return err == nil && now.Version != entry.Version
}

// record notes that the staged content is in the sink and goes on.
func (j *job) record(ctx context.Context, entry ccr.LedgerEntry) (ccr.Received, error) {
	entry.State = ccr.StateDelivered
	for _, a := range []string{attrRef, attrAttempt, attrBeside} {
		setAttr(&entry, a, "")
	}
	stored, err := j.store(ctx, entry)
	switch {
	case errors.Is(err, ccr.ErrLedgerConflict):
		return ccr.Received{}, errAgain
	case err != nil:
		return j.notArchived(entry, err), nil
	}
	return j.known(ctx, stored)
}

// settle tells the vendor, which is the last step. The entry is stored and
// says delivered; nothing else may call Source.Settle.
func (j *job) settle(ctx context.Context, entry ccr.LedgerEntry) ccr.Received {
	next, changed := entry, false
	if id := j.item.Identity; id != "" && id != entry.Attributes[attrIdentity] {
		setAttr(&next, attrIdentity, id) // it was fetched and compared: the same content
		changed = true
	}
	if !j.opts.LeaveRemote {
		if ctx.Err() != nil {
			return j.notArchived(entry, ended(ctx))
		}
		if err := j.src.Settle(ctx, j.item); err != nil {
			return j.notArchived(entry, fmt.Errorf("archive: %w", err))
		}
		changed = changed || entry.State != ccr.StateArchived
		next.State = ccr.StateArchived
	}
	r := j.done(entry)
	if changed {
		// Another worker that wrote the same meanwhile is as good.
		if _, err := j.store(ctx, next); err != nil && !errors.Is(err, ccr.ErrLedgerConflict) {
			r.Err = j.failure(j.item.Name, err, "It is in the sink, and the vendor knows; only the ledger could not note the latter.")
		}
	}
	return r
}

// done reports something that is in the sink, and all is done.
func (j *job) done(entry ccr.LedgerEntry) ccr.Received {
	if j.committed != nil {
		return j.result(entry, ccr.Delivered)
	}
	return j.result(entry, ccr.DeliveredBefore)
}

// notArchived reports something that is in the sink and not settled.
func (j *job) notArchived(entry ccr.LedgerEntry, err error) ccr.Received {
	r := j.result(entry, ccr.DeliveredNotArchived)
	r.Err = j.failure(j.item.Name, err, "It is in the sink; the next Receive tells the vendor without delivering it again.")
	return r
}

// overtaken reports what this run delivered while another worker went on with
// newer content: one result cannot name two deliveries.
func (j *job) overtaken() ccr.Received {
	return j.notArchived(*j.committed, errors.New("another worker goes on with newer content under that name"))
}

func (j *job) failed(err error, advice string) ccr.Received {
	if j.committed != nil {
		return j.notArchived(*j.committed, err)
	}
	return ccr.Received{Name: j.item.Name, Size: j.item.Size, State: ccr.ReceiveFailed,
		Err: j.failure(j.item.Name, err, advice)}
}

func (j *job) result(entry ccr.LedgerEntry, state ccr.ReceivedState) ccr.Received {
	return ccr.Received{Name: j.item.Name, Location: j.location, Size: entry.Size, SHA256: entry.SHA256, State: state}
}

// load returns the item's entry, without a state if there is none.
func (j *job) load(ctx context.Context) (ccr.LedgerEntry, error) {
	e, err := j.ledger.Load(ctx, j.key())
	if errors.Is(err, ccr.ErrNoEntry) {
		return ccr.LedgerEntry{}, nil
	}
	if err != nil {
		err = fmt.Errorf("ledger: %w", err)
	}
	return e, err
}

// store writes an entry even if the context has just ended: what it says has
// happened. It returns the entry as it is stored.
func (j *job) store(ctx context.Context, e ccr.LedgerEntry) (ccr.LedgerEntry, error) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), recordTimeout)
	defer cancel()
	e.At = time.Now().UTC()
	if err := j.ledger.Store(ctx, e); err != nil {
		return e, fmt.Errorf("ledger: %w", err)
	}
	e.Version++
	return e, nil
}

func (j *job) key() string {
	return "in|" + j.opts.Service + "|" + j.opts.Environment + "|" + j.item.Name
}

func (j *job) info(known bool) ccr.Item {
	return ccr.Item{Name: j.item.Name, Size: j.item.Size, ModTime: j.item.ModTime, Known: known}
}

// discard drops content that was only fetched to be compared.
func discard(ctx context.Context, file ccr.Delivery) error {
	_, err := file.Stage(ctx)
	if errors.Is(err, errors.ErrUnsupported) {
		err = nil
	}
	return errors.Join(err, file.Abort(ctx))
}

// setAttr works on a copy of the map, which a ledger may have handed out.
func setAttr(e *ccr.LedgerEntry, key, value string) {
	m := make(map[string]string, len(e.Attributes)+1)
	for k, v := range e.Attributes {
		m[k] = v
	}
	if value == "" {
		delete(m, key)
	} else {
		m[key] = value
	}
	e.Attributes = m
}
