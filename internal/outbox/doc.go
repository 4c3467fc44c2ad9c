// Package outbox keeps gateway.Upload and sftp.Upload from sending the same
// content twice, whatever moment the process dies at.
//
// [Begin] notes the intent durably before the first byte leaves; [Claim.Sent]
// or [Claim.Refused] note the result. A rerun finds
//
//   - sent: the same file went out before; [Claim.Recorded] returns that.
//   - refused: it is known not to have arrived, and may go out again.
//   - intent: nobody knows. Begin fails with outcome unknown, until a person
//     (or the service, by looking at the vendor) calls [Settle].
//
// Content is told by its SHA-256, per service and environment. The first name
// it goes out under owns it; the same content under another name is refused
// as a duplicate unless asked for, and then has an entry of its own.
package outbox
