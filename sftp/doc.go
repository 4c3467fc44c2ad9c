// Package sftp moves files through the drop folders of Credit Clear and of
// the Clear Direct Debit bureau: uploads that cannot leave half a file,
// returns and reports that arrive once.
//
//	drop, err := sftp.Dial(ctx, sftp.Config{
//		Address:  sftp.CreditClearHost,
//		User:     "acme",
//		Key:      sftp.PrivateKeyFile("/run/secrets/sftp_key"),
//		HostKeys: sftp.HostFingerprints("SHA256:…"), // as the vendor gave it
//		Layout:   sftp.CreditClear(),
//	})
//	_, err = drop.Upload(ctx, ccr.FileFromPath("debtors.csv"))
//	received, err := drop.Receive(ctx, ccr.DirSink("returns"))
//
// [Diagnose] tells, before the first file, how far a connection gets and
// whether the folders are those of the layout.
//
// # Who is there
//
// The server's key must be known beforehand ([KnownHosts],
// [HostFingerprints], [HostPublicKeys]); there is no trust on first use, and
// no credential is offered before the key is verified. Exactly one key is
// offered. A refused login is never repeated, and ends the client: servers
// lock accounts. Algorithms are the current ones of golang.org/x/crypto, AES
// in GCM mode first; SHA-1 and DSA are refused.
//
// Production and UAT have separate users and keys at both ends: [Config] with
// [Dial], and [UATConfig] with [DialUAT], are types that no assignment mixes up.
//
// # What an upload promises
//
// With [PolicyRename], the default, and [PolicyStaging], a file grows under a
// temporary name. Before it is renamed, its size is checked, it is written to
// disk where the server offers that (fsync@openssh.com), and closed without
// an error. So the final name shows the whole file or nothing, whatever
// breaks. Nothing is replaced unless [UploadOptions.Overwrite] says so, and
// then at one stroke (posix-rename@openssh.com) or not at all. A rename whose
// reply was lost is settled by looking at both names. Only temporary files
// that this client made are ever removed. Permissions and times are not set
// and folders are not made.
//
// A folder that processes whatever appears may pick up a temporary name; a
// server over an object store may not rename at all. [UploadFolder] chooses
// [PolicyStaging], [PolicyDirect] or [PolicyMarker] for these. With the latter
// two, an upload that breaks for good leaves a part under the final name, and
// its error has the outcome unknown. Ask the vendor once, and try it on UAT.
//
// With [UploadOptions.Ledger], reruns and other live workers send nothing
// twice. An interrupted upload, be it by the end of its process, is resumed
// from what is proven to have arrived: a worker that takes it over first gives
// the temporary file another name, so that the one before can no longer rename
// it, and then compares the final name's size and content. What that does not
// tell is unknown until [Client.SettleUpload].
//
// # What a download promises
//
// As many bytes as the server said, in order, the same size and time on the
// server afterwards, and the local name only when all of that holds. A server
// that answers reads with less than was asked for costs time, not bytes.
// [Client.Receive] adds a ledger: each file is delivered to the sink once,
// whatever moment the process dies at.
//
// What it cannot promise: the protocol has no checksums, so that a file which
// is replaced by another of the same size within the same second, while it is
// read, is not noticed. On servers whose plain rename replaces (some do), a
// file that appears under the final name between our look and our rename is
// replaced.
//
// # When the connection breaks
//
// Every call goes on over a new connection, from the last byte that was
// acknowledged in order, as often as [Config.Retry] says. A context that ends
// ends its call at once, even if the server answers nothing. A watchdog closes
// connections on which requests are open and no byte has moved for
// Retry.AttemptTimeout, and those that do not answer three keepalives:
// nothing waits for ever.
//
// # Errors
//
// Every error of a call is a *ccr.Error with its outcome, and with advice. Its
// classes are those of package ccr and the Err… variables here. Remote paths
// and fingerprints are part of its text; what the server said is not, since it
// may hold personal data: [StatusError] has it.
//
// # Speed
//
// One connection carries Config.Concurrency files at a time (default 16, at
// most 64). Requests are as large as the server announces
// (limits@openssh.com), else 32 KiB; 2 MiB are in flight on each SSH channel,
// which is the window of one, so that over long distances a channel moves
// 2 MiB per round trip. Large files can use up to four channels. ProFTPD's
// mod_sftp 1.1.1 mixes channels up and gets one.
//
// A program that moves files of any size takes about 20 MiB of memory for
// uploads and 30 for downloads, all of it counted; about twice that with
// several channels.
//
// # Where the facts are from
//
// Hosts, folders and users: Credit Clear's "Client Data Integration Options"
// in its present and its older form, and the "SFTP documentation" of the
// bureau. [Unverified] lists what neither says. The protocol: version 3
// (draft-ietf-secsh-filexfer-02) and the extensions of OpenSSH's PROTOCOL.
package sftp
