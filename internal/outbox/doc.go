// Package outbox keeps gateway.Upload and sftp.Upload from sending the same
// file twice, whatever moment a process dies at and however many run.
//
// [Begin] claims the file's entry in the ledger and stores the intent before
// the first byte leaves; [Claim.Sent], [Claim.Refused] or [Claim.Unknown]
// record the result. Begin finds
//
//   - sent: the same file went out before; [Claim.Recorded] returns that.
//   - refused: it is known not to have arrived, and may go out again.
//   - a claim of another live worker: [ccr.ErrClaimed].
//   - an intent whose worker is gone, or unknown: a service that can look at
//     the vendor gets a claim to resolve it ([Claim.Resolving]), under which
//     nothing is sent; for the other one the outcome is unknown, until a
//     person calls [Settle].
//
// # Keys
//
// A file has one entry. Content is told by its SHA-256, per service,
// environment, account and remote folder. The first name that a content goes
// out under has the entry of the content; the same content under another name
// is refused as a duplicate unless that is allowed, and then has an entry of
// content and name. A refused entry of the content is free for any name.
//
// So a file may have its entry under either of two keys, and two workers may
// claim it under different ones: while one reads "A.csv is being sent" and
// goes to the entry of B.csv, A.csv is refused, and the other takes the entry
// of the content for B.csv. Therefore each looks at the other key after its
// own claim is stored. Of two stores one is the later, and who made it sees
// the other's: at most one goes on, and who withdraws begins again. The entry
// of a content that was never seen needs no such look: no name can have an
// entry of its own before it.
package outbox
