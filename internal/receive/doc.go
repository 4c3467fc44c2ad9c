// Package receive is the one engine that brings files in from a vendor
// without losing any and without delivering any twice: gateway.Receive and
// sftp.Receive are this engine over their own [Source]. What is known of an
// item, and who is at work on it, stands in the ledger (internal/ledger).
//
// # One item, step by step
//
//	claim → fetch → stage → ledger: staged → commit → ledger: delivered → settle → ledger: archived
//
// Each arrow can be a crash. What the next run finds, once the claim of the
// dead one has ended, tells it where to go on:
//
//   - no entry, or a claim alone: nothing is visible to the consumer; fetch.
//   - staged: the sink knows whether the delivery was committed or discarded;
//     commit it, take it as committed, or fetch again. (A sink that cannot
//     stage gets the content again under the same token, for which its Commit
//     takes effect once.)
//   - delivered: the vendor may not know yet; settle, do not deliver.
//   - archived: done. If the vendor still lists the item, settle again.
//
// The vendor is told only after the ledger holds "delivered", durably, under a
// claim that is checked right before the request.
//
// # The same item, or another under its name
//
// Where the vendor's copy stays, an item with an identity (size and time of a
// file on an SFTP server) that equals the recorded one is known without
// fetching it, and so is one without identity (the bureau lists names only).
// Where it goes, what an earlier run delivered is fetched again and compared
// before it is settled: neither a name nor an identity is proof. Other content
// under a known name is delivered, beside the first.
//
// # A fleet
//
// Workers that share a ledger must share the sink, and divide the items by
// their claims. A run first does what nobody else is at work on, then waits
// for the others' items: until they are delivered, or until the claim ends and
// it takes them over. What another worker has archived since the listing is
// not fetched again: one more listing tells that it is gone.
package receive
