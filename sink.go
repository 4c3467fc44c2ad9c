package ccr

import (
	"context"
	"io"
	"time"
)

// Sink is where received reports and files go. Implement it to receive into
// an object store or a database; [DirSink] is the one for a local folder.
// It must be safe for concurrent use.
type Sink interface {
	// Create starts one delivery. Nothing may become visible to a consumer
	// before Commit.
	Create(ctx context.Context, item ItemInfo) (SinkFile, error)
}

// ItemInfo describes something at a vendor that is about to be received.
type ItemInfo struct {
	Name    string    // as the vendor wrote it: data, never a path to trust
	Size    int64     // -1 if not known beforehand
	ModTime time.Time // zero if not known
	// Known: other content was received under this name before, so this one
	// must be kept apart from it even if that is no longer there.
	Known bool
}

// SinkFile takes the content of one item, in order.
type SinkFile interface {
	io.Writer
	// Commit makes the content durable and visible, and returns where it is.
	// When it returns nil, the vendor is told that its copy is no longer
	// needed: so everything must be on disk (or acknowledged) by then.
	//
	// It must be idempotent across crashes: content that is already there
	// under the item's name, byte for byte, is success; other content there
	// must be kept, and the new one put beside it.
	Commit(ctx context.Context) (location string, err error)
	// Abort ends a delivery that failed. It may keep what was written for a
	// person to look at, but out of the consumer's sight.
	Abort() error
}

// StagingFile is a [SinkFile] that can tell, after a crash, whether Commit had
// happened. A Receive stages the content, notes the ticket in the ledger, and
// only then commits: so a consumer that takes a file away at once never gets
// it a second time.
type StagingFile interface {
	SinkFile
	// Stage ends writing, makes the content durable, still out of sight, and
	// lets go of every resource: a staged file may be left without Commit or
	// Abort, and [StagingSink.Staged] finds it again. The ticket identifies
	// this sink and this one delivery; it is kept in the ledger and holds no
	// secret. Abort after Stage removes the staged content for good.
	Stage(ctx context.Context) (ticket string, err error)
}

// StagingSink is a [Sink] whose files are [StagingFile]s.
type StagingSink interface {
	Sink
	// Staged returns what Stage had made durable under a ticket, ready to
	// Commit. false means that nothing is staged any more: only Commit takes a
	// staged file away, so it had happened, durably. A ticket of another sink
	// (another folder or bucket) proves nothing and must be an error.
	Staged(ctx context.Context, item ItemInfo, ticket string) (SinkFile, bool, error)
}

// LedgerSink is a [Sink] that remembers what it has received, so that a
// Receive without a ledger of its own still delivers nothing twice.
type LedgerSink interface {
	Sink
	// OpenLedger opens the sink's own ledger for one Receive, which calls
	// release at its end. It fails with [ErrLedgerInUse] if another Receive
	// into the same place is under way.
	OpenLedger(ctx context.Context) (l Ledger, release func() error, err error)
}

// ReceivedState says how far an item got.
type ReceivedState string

const (
	// Delivered: in the sink now, and archived or removed at the vendor
	// unless LeaveRemote was asked for.
	Delivered ReceivedState = "delivered"
	// DeliveredBefore: an earlier run had delivered it; this one only
	// finished telling the vendor, if that was still open.
	DeliveredBefore ReceivedState = "delivered before"
	// DeliveredNotArchived: in the sink, but telling the vendor failed; the
	// next run does that without delivering it again.
	DeliveredNotArchived ReceivedState = "delivered, not archived"
	// ReceiveFailed: not in the sink; the vendor still has it.
	ReceiveFailed ReceivedState = "failed"
)

// Received is one item that a Receive dealt with.
type Received struct {
	Name     string        // the vendor's name
	Location string        // where the sink put it; empty if failed or delivered before
	Size     int64         // bytes; -1 if it failed and the vendor had not said
	SHA256   string        // lowercase hex
	State    ReceivedState // how far it got
	Err      error         // why, for DeliveredNotArchived and ReceiveFailed
}
