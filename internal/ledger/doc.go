// Package ledger is the one crash record of the SDK: what is known of one
// thing (a file, a batch, a job, an analysis) in a [ccr.Ledger], and the claim
// of the one worker that may act on it.
//
// # A claim
//
// [Book.Acquire] loads an entry and, if nobody else holds it, stores it with an
// owner, the end of the lease and a new token. Of several workers that try at
// the same time one wins, because Store compares versions; the others get a
// [ccr.ClaimedError]. A heartbeat renews the lease until the claim is released.
//
//	Acquire → Advance (under the claim) … → Record (the result) → Release
//
// [Claim.Context] ends before the claim does. [Claim.Check] is the last look
// right before the first byte of something that must not happen twice.
//
// # Rules
//
//  1. Nothing is sent before the intent under one's own claim is stored.
//  2. A take-over replaces the token and, where the entry is an intent, sets
//     the state to resolving. Nothing is ever sent from resolving: a resend is
//     a new intent, after "not arrived" or after a person's word.
//  3. A Store that failed may land later, and only if its version still
//     matches. So after any error the entry is loaded: with one of our own
//     tokens it is ours, and work goes on.
//  4. A fact (what the vendor said to this token) is recorded over intent,
//     resolving, unknown and refused, whoever holds the claim by then.
//
// The rules were decided by exhaustive models of two workers with crashes,
// ended leases, lost answers and late stores at every step; a port of them is
// the test of this package.
package ledger
