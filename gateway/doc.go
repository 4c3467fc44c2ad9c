// Package gateway is a client of the Clear Direct Debit gateway, the bureau
// of ClearDebit that submits to Bacs (UK): files go up to it, reports come
// down from it. What the reports say is read by package
// [github.com/ccr-sdk/ccr/gateway/bacs].
//
//	client, err := gateway.NewClient(auth.APIKey{Key: …, Username: …, IP: …})
//	result, err := client.Upload(ctx, gateway.UploadRequest{Files: []ccr.File{ccr.FileFromPath("COLLECTIONS_20261121.csv")}})
//	received, err := client.Receive(ctx, ccr.DirSink("reports"))
//
// # The eight actions
//
// The gateway is one URL; what a request does is a word in its body.
//
//	action          method                     repeated by the SDK?
//	upload          [Client.Upload]            only if nothing was sent
//	download        [Client.Download]          never: it ARCHIVES what it hands over
//	downloadByName  [Client.DownloadByName]    never: it ARCHIVES what it hands over
//	test            [Client.Test]              after transient failures
//	testByName      [Client.TestByName]        after transient failures
//	countReports    [Client.CountReports]      after transient failures
//	listReports     [Client.ListReports]       after transient failures
//	archiveByName   [Client.ArchiveByName]     after transient failures (harmless twice, inferred)
//
// [Client.Receive] and [Client.Watch] are made of listReports, testByName and
// archiveByName.
//
// # No report is lost
//
// download and downloadByName archive reports as they hand them over, and no
// way to list or restore archived reports is documented: a lost answer is a
// lost report. Receive archives a report only after it is whole and durable
// in the sink, so that it may be killed or cut off at any moment and run
// again. It delivers each report exactly once as long as its ledger lives,
// even if a consumer moves files out of the sink; and it delivers them as
// they are, byte for byte, since they are signed.
//
// # No file is sent twice
//
// The bureau acts on what it gets, so an upload whose answer was lost must be
// settled before it is sent again: the error is [ccr.ErrOutcomeUnknown] and
// says how. With UploadRequest.Ledger each file is claimed before its first
// byte: of several live workers one sends it, the others get
// [ccr.ErrClaimed]. The ledger remembers across crashes what was begun and
// what was accepted; [Client.SettleUpload] ends what is open.
//
// What may be uploaded (columns, encoding, test or live) is agreed with the
// bureau for each customer. Nothing here looks into files.
//
// # Streaming
//
// Uploads are encoded as they leave and answers decoded as they arrive, with
// about 3 MiB of heap for each transfer whatever the size of a file. The
// length of an upload is known from the sizes of its files; a file that
// changes while it is sent fails the call before the request is complete.
//
// # Errors
//
// Every error is a [*ccr.Error] or joins some. The gateway documents neither
// statuses other than OK nor how it reports a failure, so all of these are
// taken for one: an HTTP status other than 2xx, a row with another status, a
// status or error member beside the rows, an answer that is HTML, cut off, or
// has text around its JSON. Where the gateway said no, the cause is a
// [RefusedError], and the class (unauthorized, duplicate, not found, invalid)
// is inferred from its words. The words themselves are never printed; they are
// in RefusedError and in the error's Body.
//
// # Credentials
//
// The API key, and the SHA-256 of "username.ip", are in every request's body;
// the secret never changes. So bodies are never logged, and no printed form of
// a client holds either. A support ticket may ask for the secret:
// [github.com/ccr-sdk/ccr/auth.BureauSecret] computes it. Which IP address is
// meant, and how an IPv6 address is written in it, is not documented.
//
// # Sources
//
// Facts are from the bureau's "API Documentation" page (actions, members,
// names, the two shapes of message, the secret) and its overview (what
// archives). What had to be inferred is listed by [Unverified] and marked
// where it matters.
package gateway
