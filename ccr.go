// Package ccr is the core of an SDK that moves receivables data: debtor
// accounts into Credit Clear, Bacs files and reports through the Clear Direct
// Debit bureau, open-banking credit decisions from Algoan, and files through
// the SFTP gateways of the first two.
//
// This package holds the nouns that the services share. Calls live in
//
//   - [github.com/ccr-sdk/ccr/accounts]: the Credit Clear sync API,
//   - [github.com/ccr-sdk/ccr/gateway]: the Clear Direct Debit gateway,
//   - [github.com/ccr-sdk/ccr/decisioning]: the Algoan API,
//   - [github.com/ccr-sdk/ccr/sftp]: the SFTP drop folders,
//   - [github.com/ccr-sdk/ccr/auth]: credentials for the HTTP services.
//
// Reports that come from the bureau are read by
// [github.com/ccr-sdk/ccr/gateway/bacs]. Beside each service stands a package
// for tests (accountstest, gatewaytest, decisioningtest, sftptest) with an
// in-process server and a mock.
//
// # Clients and calls
//
//	client, err := accounts.NewClient(cred, ccr.WithLogger(slog.Default()))
//	receipt, err := client.UpsertAccounts(ctx, batch, ccr.WithTimeout(time.Minute))
//	if e, ok := errors.AsType[*ccr.Error](err); ok {
//		fmt.Println(e.Outcome, e.Advice)
//	}
//
// An [Option] configures a client of an HTTP service, a [CallOption] one call;
// sftp has a Config and options of its own. Zero fields are documented
// defaults, and a faulty option fails the constructor: none is ignored.
// Constructors of HTTP clients do no I/O, and only https is spoken. Clients
// are safe for concurrent use. Programs fake them by the interface API of each
// package, and its lists and waits by [PagesOf] and [PollerOf].
//
// # What every call promises
//
// Every call takes a context and ends with it. Bad input is refused before
// anything is sent, all faults at once, each with its path and never its
// value. A failed call returns an [*Error] that says whether the request was
// not sent, rejected, or is of unknown outcome; errors.Is tells its class.
// Secrets live in [Secret] and are never printed.
//
// Transient failures are retried as [RetryPolicy] says, where repeating is
// safe: reads and idempotent writes always, creates and uploads over HTTP only
// if nothing was sent, destructive calls never; transfers over SFTP go on from
// where they broke off. A call whose outcome stays unknown is an error of class
// [ErrOutcomeUnknown], and its Advice says how to settle it.
//
// # Money and time
//
// [Amount] is an exact decimal, [Date] a day, [DateTime] a point in time that
// keeps the offset it was written with. Unset values are left out; to send a
// zero, set it.
//
// # Files
//
// A [File] goes out through gateway or sftp; a Receive of either brings
// reports into a [Sink], such as [DirSink], and tells the vendor only once
// they are safe there. A [Ledger] remembers both, so that nothing is sent or
// delivered twice, whatever moment the process dies at.
//
// # Sources
//
// This package knows no vendor. The documentation of each service says which
// documents its facts are from, and its function Unverified lists what had to
// be inferred.
package ccr

// Version is the version of the SDK; it is part of the User-Agent.
const Version = "0.1.0"

// Progress reports how far a long operation is. Zero totals are unknown.
type Progress struct {
	Operation  string // "Upload", "Receive", "SubmitAccounts", "Poll"
	Name       string // the file, batch or resource it is about
	Bytes      int64  // bytes done
	TotalBytes int64  // 0 if unknown
	Items      int64  // files, rows or polls done
	TotalItems int64  // 0 if unknown
	State      string // the vendor's status word, where there is one
	Done       bool   // the last report for Name
}

// ProgressFunc receives progress. Calls for one Name come in order; calls for
// different names may come from several goroutines at once. It must return
// quickly: the transfer waits for it.
type ProgressFunc func(Progress)

// Assumption is something that a service package does without a public
// document that says so. Each of them lists its own, by a function named
// Unverified: a list to go through with the vendor before the first live call.
type Assumption struct {
	Claim   string // what is assumed
	Source  string // what it was inferred from
	IfWrong string // what to do if it is wrong; a line of the caller's, not a fork
}
