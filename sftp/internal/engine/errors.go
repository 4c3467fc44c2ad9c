package engine

import (
	"errors"
	"fmt"
	"io"
	"net"
	"strconv"
	"strings"

	pkgsftp "github.com/pkg/sftp"
)

// The classes of failure that the engine itself knows; package sftp offers
// them to users.
var (
	ErrHostKeyChanged  = errors.New("host key changed")
	ErrAlgorithms      = errors.New("no common algorithm")
	ErrExists          = errors.New("remote file exists")
	ErrDiskFull        = errors.New("remote disk or quota full")
	ErrNotStarted      = errors.New("SFTP not started")
	ErrPasswordExpired = errors.New("password expired")
	ErrTooLarge        = errors.New("remote file too large")
	ErrUnsupported     = errors.New("server does not support this")
	ErrConnectionLost  = errors.New("connection lost")
	ErrStalled         = errors.New("connection stalled")
	ErrRemoteChanged   = errors.New("remote file changed meanwhile")
)

// StatusError is a refusal by the server. The text is the server's: it can
// hold paths and is not part of Error().
type StatusError struct {
	Code uint32 // SSH_FX_… of protocol version 3; 0: SFTP did not start
	Text string // the server's: of the status, or what it wrote to stderr; may name paths and accounts
	Exit int    // exit status of the server's program, if SFTP did not start
}

// The status codes of protocol version 3 (draft-ietf-secsh-filexfer-02 §7).
const (
	StatusEOF         = 1
	StatusNoSuchFile  = 2
	StatusPermission  = 3
	StatusFailure     = 4
	StatusBadMessage  = 5
	StatusUnsupported = 8
)

var statusNames = [...]string{
	"SSH_FX_OK", "SSH_FX_EOF", "SSH_FX_NO_SUCH_FILE", "SSH_FX_PERMISSION_DENIED", "SSH_FX_FAILURE",
	"SSH_FX_BAD_MESSAGE", "SSH_FX_NO_CONNECTION", "SSH_FX_CONNECTION_LOST", "SSH_FX_OP_UNSUPPORTED",
}

// Name is the protocol's name of the code.
func (e *StatusError) Name() string {
	if e.Code == 0 {
		return "exit status " + strconv.Itoa(e.Exit)
	}
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
		return &StatusError{Code: StatusEOF}
	case errors.Is(err, pkgsftp.ErrSSHFxConnectionLost), errors.Is(err, pkgsftp.ErrSSHFxNoConnection):
		return ErrConnectionLost
	}
	if s, ok := errors.AsType[*pkgsftp.StatusError](err); ok {
		return &StatusError{Code: s.Code &^ keptCode, Text: statusText(s)}
	}
	return err
}

// statusText is the server's message: pkg/sftp prints it quoted and offers it
// in no other way.
func statusText(s *pkgsftp.StatusError) string {
	quoted, err := strconv.QuotedPrefix(strings.TrimPrefix(s.Error(), "sftp: "))
	if err != nil {
		return ""
	}
	text, _ := strconv.Unquote(quoted)
	return text
}

// StatusCode returns the code of the status that err holds.
func StatusCode(err error) (uint32, bool) {
	if s, ok := errors.AsType[*StatusError](err); ok && s.Code != 0 {
		return s.Code, true
	}
	return 0, false
}

// IsStatus reports whether err holds a status of that code.
func IsStatus(err error, code uint32) bool {
	got, ok := StatusCode(err)
	return ok && got == code
}

// IsLost reports whether the connection is to blame, so that the same step
// may work on the next one. A refusal by the server never is.
func IsLost(err error) bool {
	if err == nil {
		return false
	}
	if _, ok := StatusCode(err); ok {
		return false
	}
	if _, ok := errors.AsType[*LocalError](err); ok {
		return false
	}
	if errors.Is(err, ErrConnectionLost) || errors.Is(err, ErrStalled) {
		return true
	}
	_, isNet := errors.AsType[net.Error](err)
	return isNet || errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) || errors.Is(err, io.ErrClosedPipe) || errors.Is(err, net.ErrClosed)
}

// LocalError is a failure on this side, which no other connection cures.
type LocalError struct{ Err error }

func (e *LocalError) Error() string { return e.Err.Error() }
func (e *LocalError) Unwrap() error { return e.Err }
