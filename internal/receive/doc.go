// Package receive is the one engine that brings files in from a vendor
// without losing any and without delivering any twice: gateway.Receive and
// sftp.Receive are this engine over their own [Source].
//
// # One item, step by step
//
//	fetch → stage → ledger: staged → commit → ledger: delivered → settle → ledger: archived
//
// Each arrow can be a crash. What the next run finds tells it where to go on:
//
//   - no entry: nothing is visible to the consumer; fetch again.
//   - staged: the sink knows whether the staged content was committed; commit
//     it, or take it as committed. (A sink that cannot stage gets the content
//     again: its Commit is idempotent by contract.)
//   - delivered: the vendor may not know yet; settle, do not deliver.
//   - archived: done. If the vendor still lists the item, settle again.
//
// The vendor is told only after the ledger holds "delivered", durably.
//
// # The same item, or another under its name
//
// An item with an identity (size and time of a file on an SFTP server) that
// equals the recorded one is known without fetching it. One without identity
// (the bureau lists names only) is fetched again and compared before it is
// settled, unless the vendor's copy stays anyway. Other content under a known
// name is delivered, beside the first.
//
// # A fleet
//
// Workers that share a ledger must share the sink. Whoever writes an entry
// first goes on; the other one looks again and finds the item handled.
package receive
