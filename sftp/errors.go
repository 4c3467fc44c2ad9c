package sftp

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"github.com/ccr-sdk/ccr"
	"github.com/ccr-sdk/ccr/sftp/internal/engine"
)

// serviceName is what errors, ledgers and log events of this package say.
const serviceName = "sftp"

// Classes of failure that only a drop folder has, for errors.Is beside the
// classes of package ccr. Each error's Advice says what to do next.
var (
	ErrHostKey         = errors.New("host key not accepted")     // any of the four below; nothing was offered to the server
	ErrHostKeyUnknown  = errors.New("host key unknown")          // no key of this host is configured
	ErrHostKeyChanged  = engine.ErrHostKeyChanged                // another key is configured for this host
	ErrHostKeyRevoked  = errors.New("host key revoked")          // the key is on a @revoked line
	ErrHostKeySetup    = errors.New("host keys not configured")  // the known_hosts file or fingerprints cannot be used
	ErrKey             = errors.New("private key not usable")    // unreadable, encrypted without a passphrase, wrong passphrase, too weak
	ErrAlgorithms      = engine.ErrAlgorithms                    // the server offers only algorithms that are refused, such as SHA-1
	ErrExists          = engine.ErrExists                        // also ccr.ErrDuplicate
	ErrFolderMissing   = errors.New("remote folder missing")     // also ccr.ErrNotFound
	ErrDiskFull        = engine.ErrDiskFull                      // also ccr.ErrUnavailable
	ErrServerFailure   = errors.New("server reported a failure") // SSH_FX_FAILURE: the protocol says no more than that
	ErrUnsupported     = engine.ErrUnsupported                   // SSH_FX_OP_UNSUPPORTED
	ErrNotStarted      = engine.ErrNotStarted                    // the login was accepted, SFTP did not start
	ErrPasswordExpired = engine.ErrPasswordExpired               // also ccr.ErrUnauthorized
	ErrTooLarge        = engine.ErrTooLarge                      // a remote file is larger than Config.MaxFileSize
	ErrListing         = engine.ErrListing                       // a folder lists names without end
	ErrHostKeyWeak     = errors.New("host key too weak")         // an RSA key of fewer than 2,048 bits
	ErrConnectionLost  = engine.ErrConnectionLost                // also ccr.ErrUnavailable
	ErrStalled         = engine.ErrStalled                       // also ccr.ErrUnavailable: no byte moved, or keepalives went unanswered
	ErrRemoteChanged   = engine.ErrRemoteChanged                 // also ccr.ErrIncomplete: it is still being written
	ErrClosed          = errors.New("client is closed")
)

// StatusError is a refusal by the server: Code is a status of SFTP version 3,
// Text what the server said. If SFTP did not start after the login, Code is 0,
// Text what the server wrote to stderr and Exit its exit status. The text can
// hold paths and is not part of Error(); Name is the protocol's name of the
// code.
type StatusError = engine.StatusError

// fault is how one kind of failure is reported.
type fault struct {
	when    error // errors.Is
	classes []error
	advice  string
}

// faults is looked through in order; the first match counts.
var faults = [...]fault{
	{ErrHostKeySetup, []error{ErrHostKey, ErrHostKeySetup, ccr.ErrInvalid}, "Configure the server's host key: a known_hosts file or the SHA256 fingerprint that the vendor gave you"},
	{ErrHostKeyRevoked, []error{ErrHostKey, ErrHostKeyRevoked}, "No credential was offered. The key is marked as revoked: do not connect; ask the vendor"},
	{ErrHostKeyUnknown, []error{ErrHostKey, ErrHostKeyUnknown}, "No credential was offered. Compare the fingerprint with the one the vendor gives you by another way, then add the key to the known_hosts file or the pinned fingerprints"},
	{ErrHostKeyChanged, []error{ErrHostKey, ErrHostKeyChanged}, "No credential was offered. Either the vendor replaced its key or someone is in between: ask the vendor for the new fingerprint by another way before you replace the old one"},
	{ErrHostKeyWeak, []error{ErrHostKey, ErrHostKeyWeak}, "No credential was offered. Ask the vendor for a host key of another kind, or an RSA key of 2,048 bits or more"},
	{ErrPasswordExpired, []error{ErrPasswordExpired, ccr.ErrUnauthorized}, "Set a new password with the vendor, then configure it and make a new client"},
	{errSameKey, []error{ErrKey, ccr.ErrInvalid}, "Make another pair by sftp.GenerateKeyPair and give the vendor its public key for one of the two"},
	{ErrKey, []error{ErrKey, ccr.ErrInvalid}, "Check the private key, its passphrase and the file's permissions; sftp.GenerateKeyPair makes a suitable key"},
	{ErrAlgorithms, []error{ErrAlgorithms}, "The server speaks only algorithms that this client refuses, such as SHA-1 or DSA: ask the vendor to enable current ones"},
	{ccr.ErrUnauthorized, []error{ccr.ErrUnauthorized}, "The login was refused and is not repeated, so that the account is not locked. Check the user and the credential that was tried, that the vendor knows it, and that UAT and production are not mixed up; then make a new client"},
	{ErrNotStarted, []error{ErrNotStarted, ccr.ErrUnavailable}, "The login itself is right. Ask the vendor whether the account is enabled for SFTP and how many sessions it may have; what the server said is in StatusError.Text"},
	{ErrClosed, []error{ErrClosed}, "Make a new client"},
	{ErrTooLarge, []error{ErrTooLarge}, "Raise Config.MaxFileSize if the file may be that large"},
	{ErrListing, []error{ErrListing, ccr.ErrContract}, "Ask the vendor to empty the folder, or what its server does there"},
	{errUnseen, []error{ccr.ErrForbidden}, "Ask the vendor for the right to list or stat in that folder, or set Overwrite if a file of that name may go"},
	{ErrExists, []error{ErrExists, ccr.ErrDuplicate}, "Nothing was replaced. Use another name, or set Overwrite if the old file may go"},
	{ErrFolderMissing, []error{ErrFolderMissing, ccr.ErrNotFound}, "Check the layout and its Root; Diagnose lists the folders that the server shows"},
	{ErrDiskFull, []error{ErrDiskFull, ccr.ErrUnavailable}, "Ask the vendor to make room, then send it again"},
	{ErrRemoteChanged, []error{ErrRemoteChanged, ccr.ErrIncomplete}, "Nothing was kept. The vendor is probably still writing it; try again later"},
	{ccr.ErrIncomplete, []error{ccr.ErrIncomplete}, "Nothing was kept under the final name. Try again; if it stays, ask the vendor what changes the file"},
	{ccr.ErrFileChanged, []error{ccr.ErrFileChanged}, "Send the file once nothing writes to it any more"},
	{ErrStalled, []error{ErrStalled, ccr.ErrUnavailable}, "The server stopped answering. Try again later; if it stays, ask the vendor"},
	{ErrConnectionLost, []error{ErrConnectionLost, ccr.ErrUnavailable}, "Try again; if it stays, check the network and whether the vendor's allow list has your address"},
}

// statusFaults is the same for answers of the server.
var statusFaults = map[uint32]fault{
	engine.StatusNoSuchFile:  {nil, []error{ccr.ErrNotFound}, "Check the name; the vendor may have taken or moved the file"},
	engine.StatusPermission:  {nil, []error{ccr.ErrForbidden}, "The account has no right to do this there: check the folder, or ask the vendor for the right"},
	engine.StatusFailure:     {nil, []error{ErrServerFailure}, "The protocol says no more than that; the server's log does. Quota, a taken name or a folder in the way are the usual reasons"},
	engine.StatusUnsupported: {nil, []error{ErrUnsupported}, "Choose another upload policy in the layout"},
	engine.StatusBadMessage:  {nil, []error{ccr.ErrContract}, "The server did not understand a standard request: ask the vendor"},
}

// failure makes the error of a call. subject is what it happened to, a remote
// path or an address; the cause's own *ccr.Error is completed, not wrapped.
func failure(op, subject string, outcome ccr.Outcome, cause error) *ccr.Error {
	if e, ok := bare(cause).(*ccr.Error); ok {
		e2 := *e
		e2.Operation = op
		e2.Attempts = max(e2.Attempts, attempts(cause))
		if e2.Outcome == "" {
			e2.Outcome = outcome
		}
		if subject != "" && e2.Err != nil {
			e2.Err = fmt.Errorf("%s: %w", subject, e2.Err)
		}
		return &e2
	}
	e := &ccr.Error{Service: serviceName, Operation: op, Outcome: outcome, Attempts: attempts(cause)}
	if f, ok := faultOf(cause); ok {
		e.Classes, e.Advice = slices.Clone(f.classes), f.advice
	}
	if s, ok := errors.AsType[*StatusError](cause); ok && s.Code != 0 {
		e.Code = s.Name()
	}
	e.Err = cause
	if subject != "" {
		e.Err = fmt.Errorf("%s: %w", subject, cause)
	}
	return e
}

func attempts(err error) int {
	if a, ok := errors.AsType[*attemptsError](err); ok {
		return a.n
	}
	return 0
}

// bare takes off what the retry loop put around an error.
func bare(err error) error {
	for {
		switch e := err.(type) {
		case *attemptsError:
			err = e.err
		case *engine.LocalError:
			err = e.Err
		case *openError:
			err = e.err
		case *abandonedError:
			err = e.cause
		default:
			return err
		}
	}
}

func faultOf(err error) (fault, bool) {
	for _, f := range faults {
		if errors.Is(err, f.when) {
			return f, true
		}
	}
	if code, ok := engine.StatusCode(err); ok {
		f, ok := statusFaults[code]
		return f, ok
	}
	switch _, local := errors.AsType[*engine.LocalError](err); {
	case errors.Is(err, context.Canceled), errors.Is(err, context.DeadlineExceeded):
		return fault{advice: "The context of the call ended"}, true
	case local:
		return fault{advice: "Something on this side failed, not the server: check the local file, folder or ledger, then call again"}, true
	case engine.IsLost(err):
		return fault{classes: []error{ErrConnectionLost, ccr.ErrUnavailable},
			advice: "Try again; if it stays, check the network and whether the vendor's allow list has your address"}, true
	}
	return fault{advice: "Try again; Diagnose tells at which step it fails"}, true
}
