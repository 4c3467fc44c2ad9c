package ccr

import (
	"context"
	"io"
	"time"
)

// Sink is where received reports and files go. Implement it to receive into
// an object store or a database; [DirSink] is the one for a local folder.
// It must be safe for concurrent use, also from several processes.
//
// A delivery goes Create → Write … → Stage → Commit. Its token names it for
// good: whoever calls Commit for a token, and however often, it takes effect
// once. A sink that cannot promise that (an object store whose consumers
// remove objects) delivers at least once; it should put the token into the
// name, so that consumers can tell.
type Sink interface {
	// Create starts the delivery that item.Token names. Nothing may become
	// visible to a consumer before Commit.
	Create(ctx context.Context, item Item) (Delivery, error)
	// Resume says what became of the delivery item.Token that [Delivery.Stage]
	// made durable under ref, and returns it, ready to Commit, if it is
	// [Staged]. An error means that the sink cannot tell, because ref is of
	// another sink or something failed: it must never be taken for Committed
	// or Discarded.
	//
	// ref is empty for a delivery of a sink that cannot stage. A sink that
	// cannot tell what became of a token then returns an error that is
	// [errors.ErrUnsupported]: the item is fetched again, and committed under
	// the same token.
	Resume(ctx context.Context, item Item, ref string) (Delivery, Staging, error)
}

// Item is something at a vendor that is about to be received.
type Item struct {
	Service     string    // as in [Error]
	Environment string    // see [WithEnvironment]
	Key         string    // of the item's ledger entry; empty if no ledger is in use
	Name        string    // as the vendor wrote it: data of any bytes, never a path to trust
	Size        int64     // -1 if not known beforehand; the content may be longer or shorter
	ModTime     time.Time // zero if not known
	// Token names this delivery: letters and digits, new at each attempt.
	Token string
	// Known: other content was received under this name before, so this one
	// must be kept apart from it even if that is no longer there.
	Known bool
}

// Staging is what became of a delivery.
type Staging string

const (
	Staged    Staging = "staged"    // durable, and not yet visible: commit it
	Committed Staging = "committed" // visible and durable, or taken by a consumer since
	Discarded Staging = "discarded" // given up for good: it never was visible, and never will be
)

// Delivery takes the content of one item, in order.
type Delivery interface {
	io.Writer
	// Stage ends writing, makes the content durable, still out of sight, and
	// releases every resource: a staged delivery may be left without Commit or
	// Abort, and [Sink.Resume] finds it again. ref names this sink and this
	// delivery; it is kept in the ledger and must hold no secret. A sink that
	// cannot stage returns [errors.ErrUnsupported], and Commit may follow.
	Stage(ctx context.Context) (ref string, err error)
	// Commit makes the content durable and visible, staged or not, and returns
	// where it is ("" if that is not known). When it returns nil, the vendor
	// is told that its copy is no longer needed: so everything must be on disk
	// (or acknowledged) by then.
	//
	// It is idempotent for the token, also if two processes call it: it takes
	// effect once, and whoever comes second gets nil, too. After a discard it
	// is an error. Other content under the item's name must be kept.
	Commit(ctx context.Context) (location string, err error)
	// Abort gives the delivery up. What was staged leaves durable proof that
	// the token was discarded, so that Resume never takes its absence for
	// Committed. After Commit it does nothing.
	Abort(ctx context.Context) error
}

// ReceivedState says how far an item got.
type ReceivedState string

const (
	// Delivered: in the sink now, and archived or removed at the vendor
	// unless LeaveRemote was asked for.
	Delivered ReceivedState = "delivered"
	// DeliveredBefore: an earlier run or another worker had delivered it; this
	// one only finished telling the vendor, if that was still open.
	DeliveredBefore ReceivedState = "delivered before"
	// DeliveredNotArchived: in the sink, but telling the vendor failed; the
	// next run does that without delivering it again.
	DeliveredNotArchived ReceivedState = "delivered, not archived"
	// ClaimedElsewhere: another live worker is at work on it, and this run was
	// not to wait for it. It is no error, and the item may not be in the sink.
	ClaimedElsewhere ReceivedState = "claimed elsewhere"
	// ReceiveFailed: not in the sink; the vendor still has it.
	ReceiveFailed ReceivedState = "failed"
)

// Received is one item that a Receive dealt with.
type Received struct {
	Name     string        // the vendor's name
	Location string        // where the sink put it; empty if failed or delivered before
	Size     int64         // bytes; -1 if it is not delivered and the vendor had not said
	SHA256   string        // lowercase hex
	State    ReceivedState // how far it got
	Err      error         // why, for DeliveredNotArchived and ReceiveFailed
}

// Complete reports whether everything that was listed is in the sink, and the
// vendor knows. It is false where another worker has not finished yet.
func Complete(received []Received) bool {
	for _, r := range received {
		if r.State != Delivered && r.State != DeliveredBefore {
			return false
		}
	}
	return true
}
