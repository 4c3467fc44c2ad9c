package sftptest

import (
	"sync"
	"time"
)

// The operations of SFTP as faults and [Request] name them.
const (
	OpOpen        = "open"
	OpClose       = "close"
	OpRead        = "read"
	OpWrite       = "write"
	OpStat        = "stat"
	OpLstat       = "lstat"
	OpFstat       = "fstat"
	OpSetstat     = "setstat"
	OpFsetstat    = "fsetstat"
	OpOpendir     = "opendir"
	OpReaddir     = "readdir"
	OpRemove      = "remove"
	OpMkdir       = "mkdir"
	OpRmdir       = "rmdir"
	OpRealpath    = "realpath"
	OpRename      = "rename"
	OpPosixRename = "posix-rename"
	OpHardlink    = "hardlink"
	OpFsync       = "fsync"
	OpLimits      = "limits"
	OpStatVFS     = "statvfs"
)

// FaultKind says what goes wrong.
type FaultKind string

const (
	// Refuse: the server does not act, and answers Status with Text.
	Refuse FaultKind = "refuse"
	// CutBefore: the connection is cut; not acted on.
	CutBefore FaultKind = "cut before"
	// LoseAnswer: the server acts, and the connection is cut before the answer.
	LoseAnswer FaultKind = "lose answer"
	// Stall: from here on the server answers nothing on this connection, which
	// stays open; keepalives neither.
	Stall FaultKind = "stall"
	// Delay: the server acts and answers after Delay.
	Delay FaultKind = "delay"
	// Cut: the connection is cut when After bytes have gone over it (SSH
	// included, both directions, over all connections since it was armed).
	// Operation does not matter.
	Cut FaultKind = "cut"
	// Then: Do is called before the server acts, which it does normally: to
	// change a file in the middle of a transfer, for example.
	Then FaultKind = "then"
)

// Fault is something that goes wrong; see [Server.Inject]. With zero
// fields, Kind apart, it strikes the next request of any operation, once.
type Fault struct {
	Operation string        // one of the Op… constants; "" is any
	Path      string        // only requests about this path; "" is any
	Kind      FaultKind     // what goes wrong
	Skip      int           // requests that go well first
	Times     int           // requests that go wrong; 0 is one, negative is all
	Status    uint32        // Refuse: SSH_FX_…; 0 is 4, SSH_FX_FAILURE
	Text      string        // Refuse: the server's words
	Delay     time.Duration // Delay: how long
	After     int64         // Cut: bytes on the wire
	Do        func()        // Then: what to do; it may call methods of the server
}

type armed struct {
	Fault
	skip, left int
	bytes      int64
}

// Inject arms a fault. Several can be armed; the first one that fits a request
// is applied to it.
func (s *Server) Inject(f Fault) *Server {
	if f.Times == 0 {
		f.Times = 1
	}
	if f.Status == 0 {
		f.Status = statusFailure
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.faults = append(s.faults, &armed{Fault: f, skip: f.Skip, left: f.Times, bytes: f.After})
	return s
}

// ClearFaults disarms all faults. What is stalled stays so.
func (s *Server) ClearFaults() *Server {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.faults = nil
	return s
}

// strike returns the fault that applies to a request, if any.
func (s *Server) strike(r Request) *Fault {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, f := range s.faults {
		if f.Kind == Cut || f.left == 0 || f.Operation != "" && f.Operation != r.Operation || f.Path != "" && abs(f.Path) != r.Path {
			continue
		}
		if f.skip > 0 {
			f.skip--
			continue
		}
		if f.left > 0 {
			f.left--
		}
		return &f.Fault
	}
	return nil
}

// cutAfter counts n bytes of a connection. true: it is to be cut after the
// first of them that are returned.
func (s *Server) cutAfter(n int) (int, bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, f := range s.faults {
		if f.Kind != Cut || f.left == 0 {
			continue
		}
		if f.bytes -= int64(n); f.bytes < 0 {
			keep := n + int(f.bytes)
			if f.left > 0 {
				f.left--
			}
			f.bytes = f.After
			return max(keep, 0), true
		}
	}
	return n, false
}

// stalling is whether a connection has fallen silent.
type stalling struct {
	mu sync.Mutex
	on bool
}

func (s *stalling) begin() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.on = true
}

func (s *stalling) stalled() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.on
}
