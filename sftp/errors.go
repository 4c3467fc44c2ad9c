package sftp

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"slices"

	"github.com/ccr-sdk/ccr"
	pkgsftp "github.com/pkg/sftp"
)

// serviceName is what errors, ledgers and log events of this package say.
const serviceName = "sftp"

// Classes of failure that only a drop folder has, for errors.Is beside the
// classes of package ccr. Each error's Advice says what to do next.
var (
	ErrHostKey        = errors.New("host key not accepted")         // any of the four below; nothing was offered to the server
	ErrHostKeyUnknown = errors.New("host key unknown")              // no key of this host is configured
	ErrHostKeyChanged = errors.New("host key changed")              // another key is configured for this host
	ErrHostKeyRevoked = errors.New("host key revoked")              // the key is on a @revoked line
	ErrHostKeySetup   = errors.New("host keys not configured")      // the known_hosts file or fingerprints cannot be used
	ErrKey            = errors.New("private key not usable")        // unreadable, encrypted without a passphrase, wrong passphrase, too weak
	ErrAlgorithms     = errors.New("no common algorithm")           // the server offers only algorithms that are refused, such as SHA-1
	ErrExists         = errors.New("remote file exists")            // also ccr.ErrDuplicate
	ErrFolderMissing  = errors.New("remote folder missing")         // also ccr.ErrNotFound
	ErrDiskFull       = errors.New("remote disk or quota full")     // also ccr.ErrUnavailable
	ErrServerFailure  = errors.New("server reported a failure")     // SSH_FX_FAILURE: the protocol says no more than that
	ErrUnsupported    = errors.New("server does not support this")  // SSH_FX_OP_UNSUPPORTED
	ErrConnectionLost = errors.New("connection lost")               // also ccr.ErrUnavailable
	ErrStalled        = errors.New("connection stalled")            // also ccr.ErrUnavailable: no byte moved, or keepalives went unanswered
	ErrRemoteChanged  = errors.New("remote file changed meanwhile") // also ccr.ErrIncomplete: it is still being written
	ErrClosed         = errors.New("client is closed")
)

// StatusError is a refusal by the server. The text is the server's: it can
// hold paths and is not part of Error().
type StatusError struct {
	Code uint32 // SSH_FX_… of protocol version 3
	Text string // the server's; may name paths
}

// The status codes of protocol version 3 (draft-ietf-secsh-filexfer-02 §7).
const (
	statusEOF         = 1
	statusNoSuchFile  = 2
	statusPermission  = 3
	statusFailure     = 4
	statusBadMessage  = 5
	statusUnsupported = 8
)

var statusNames = [...]string{
	"SSH_FX_OK", "SSH_FX_EOF", "SSH_FX_NO_SUCH_FILE", "SSH_FX_PERMISSION_DENIED", "SSH_FX_FAILURE",
	"SSH_FX_BAD_MESSAGE", "SSH_FX_NO_CONNECTION", "SSH_FX_CONNECTION_LOST", "SSH_FX_OP_UNSUPPORTED",
}

// Name is the protocol's name of the code.
func (e *StatusError) Name() string {
	if int64(e.Code) < int64(len(statusNames)) {
		return statusNames[e.Code]
	}
	return fmt.Sprintf("SSH_FX_%d", e.Code)
}

// Error names the status code; the text of the server is in Text, and is not printed.
func (e *StatusError) Error() string { return "server answered " + e.Name() }

// serverStatus turns the errors of pkg/sftp into ours; it leaves others alone.
func serverStatus(err error) error {
	switch {
	case err == nil:
		return nil
	case err == io.EOF: //nolint:errorlint // exactly so only as the server's status; a lost connection wraps it
		return &StatusError{Code: statusEOF}
	case errors.Is(err, os.ErrNotExist):
		return &StatusError{Code: statusNoSuchFile}
	case errors.Is(err, os.ErrPermission):
		return &StatusError{Code: statusPermission}
	case errors.Is(err, pkgsftp.ErrSSHFxConnectionLost), errors.Is(err, pkgsftp.ErrSSHFxNoConnection):
		return ErrConnectionLost
	}
	if s, ok := errors.AsType[*pkgsftp.StatusError](err); ok {
		return &StatusError{Code: s.Code, Text: statusText(s)}
	}
	return err
}

func statusText(s *pkgsftp.StatusError) string {
	_, text, _ := cutQuoted(s.Error())
	return text
}

// cutQuoted returns what stands between the first and the last double quote:
// pkg/sftp prints the server's message quoted and offers it in no other way.
func cutQuoted(s string) (before, inside string, ok bool) {
	first, last := -1, -1
	for i := range len(s) {
		if s[i] == '"' {
			if first < 0 {
				first = i
			}
			last = i
		}
	}
	if first < 0 || last == first {
		return s, "", false
	}
	return s[:first], s[first+1 : last], true
}

func statusCode(err error) (uint32, bool) {
	if s, ok := errors.AsType[*StatusError](err); ok {
		return s.Code, true
	}
	return 0, false
}

func isStatus(err error, code uint32) bool {
	got, ok := statusCode(err)
	return ok && got == code
}

// isLost reports whether the connection is to blame, so that the same step
// may work on the next one. A refusal by the server never is.
func isLost(err error) bool {
	if err == nil {
		return false
	}
	if _, ok := statusCode(err); ok {
		return false
	}
	if _, ok := errors.AsType[*localError](err); ok {
		return false
	}
	if errors.Is(err, ErrConnectionLost) || errors.Is(err, ErrStalled) {
		return true
	}
	_, isNet := errors.AsType[net.Error](err)
	return isNet || errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) || errors.Is(err, io.ErrClosedPipe) || errors.Is(err, net.ErrClosed)
}

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
	{ErrKey, []error{ErrKey, ccr.ErrInvalid}, "Check the private key, its passphrase and the file's permissions; sftp.GenerateKeyPair makes a suitable key"},
	{ErrAlgorithms, []error{ErrAlgorithms}, "The server speaks only algorithms that this client refuses, such as SHA-1 or DSA: ask the vendor to enable current ones"},
	{ccr.ErrUnauthorized, []error{ccr.ErrUnauthorized}, "The login was refused and is not repeated, so that the account is not locked. Check the user, that the vendor has this public key, and that UAT and production are not mixed up; then Dial again"},
	{ErrClosed, []error{ErrClosed}, "Dial a new client"},
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
	statusNoSuchFile:  {nil, []error{ccr.ErrNotFound}, "Check the name; the vendor may have taken or moved the file"},
	statusPermission:  {nil, []error{ccr.ErrForbidden}, "The account has no right to do this there: check the folder, or ask the vendor for the right"},
	statusFailure:     {nil, []error{ErrServerFailure}, "The protocol says no more than that; the server's log does. Quota, a taken name or a folder in the way are the usual reasons"},
	statusUnsupported: {nil, []error{ErrUnsupported}, "Choose another upload policy in the layout"},
	statusBadMessage:  {nil, []error{ccr.ErrContract}, "The server did not understand a standard request: ask the vendor"},
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
	if s, ok := errors.AsType[*StatusError](cause); ok {
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
		case *localError:
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
	if code, ok := statusCode(err); ok {
		f, ok := statusFaults[code]
		return f, ok
	}
	switch _, local := errors.AsType[*localError](err); {
	case errors.Is(err, context.Canceled), errors.Is(err, context.DeadlineExceeded):
		return fault{advice: "The context of the call ended"}, true
	case local:
		return fault{advice: "Something on this side failed, not the server: check the local file, folder or ledger, then call again"}, true
	case isLost(err):
		return fault{classes: []error{ErrConnectionLost, ccr.ErrUnavailable},
			advice: "Try again; if it stays, check the network and whether the vendor's allow list has your address"}, true
	}
	return fault{advice: "Try again; Diagnose tells at which step it fails"}, true
}
