package proxy

import (
	"errors"
	"fmt"
	"time"
)

// Kind is what a [Fault] does.
type Kind string

// The kinds of fault.
const (
	// Cut closes both sides, as when a process dies: each end reads what was
	// forwarded and then the end of the stream, or a reset if it had sent
	// bytes that the proxy did not read.
	Cut Kind = "cut"
	// Reset ends both sides with a TCP RST.
	Reset Kind = "reset"
	// Stall forwards nothing more in its direction, but keeps the connection
	// open, for the time of Fault.For or, if that is 0, until
	// [Proxy.Release]. The sender can go on until buffers are full.
	Stall Kind = "stall"
	// Slow limits a direction by Fault.Rate, or by Fault.Chunk and Pause.
	Slow Kind = "slow"
	// HalfClose ends one direction: the receiver reads the end of the stream;
	// what the sender still sends is dropped. The other direction goes on.
	HalfClose Kind = "half-close"
	// Corrupt flips bits. It belongs under TLS or SSH only, which notice:
	// over a bare protocol nothing can tell the bytes from genuine ones. A
	// length that grew makes both ends wait: the client needs a timeout.
	Corrupt Kind = "corrupt"
	// Refuse resets the connection as soon as it is accepted, before the
	// target is dialled. The client may have seen it open for a moment; with
	// [Proxy.Down] it is refused for good (ECONNREFUSED).
	Refuse Kind = "refuse"
)

// Dir is a direction of a connection.
type Dir int

// The directions.
const (
	// ToServer is what the client sends.
	ToServer Dir = iota
	// ToClient is what the server sends.
	ToClient
)

// String is "to server" or "to client".
func (d Dir) String() string {
	switch d {
	case ToServer:
		return "to server"
	case ToClient:
		return "to client"
	}
	return fmt.Sprintf("Dir(%d)", int(d))
}

// Fault is one thing that goes wrong on a connection. Fields that do not
// belong to its kind must be zero.
type Fault struct {
	Kind Kind
	// Dir is the direction whose bytes are counted for At and, for Stall,
	// Slow, HalfClose and Corrupt, the direction that suffers. Default
	// ToServer.
	Dir Dir
	// At is how many bytes of Dir pass before the fault strikes. Default 0:
	// before the first.
	At int64
	// Within, if not 0, makes the offset random: one of the Within bytes from
	// At on, each as likely.
	Within int64
	// Every, if not 0, repeats the fault each time that many bytes later
	// (Stall, Slow with Bytes, Corrupt).
	Every int64

	// For is how long a Stall lasts. Default 0: until Release, the end of the
	// proxy, or a reset by either peer.
	For time.Duration
	// Rate is the bytes per second that Slow lets pass, in steps of about a
	// 50th of a second. Instead of it, Chunk and Pause can be given.
	Rate int64
	// Chunk is how many bytes Slow lets pass at once, after a Pause each.
	Chunk int
	// Pause is how long Slow waits before each Chunk.
	Pause time.Duration
	// Bytes is how many bytes suffer: for Slow the default 0 means the rest of
	// the connection, for Corrupt one byte.
	Bytes int64
	// Mask is the bits that Corrupt flips in each byte. Default 0: a random
	// mask that is not 0, drawn once.
	Mask byte
}

// Validate says what is wrong with f: an unknown kind, a negative number, a
// field that does not belong to the kind. The proxy checks every planned
// fault; one that is not valid is reported by [Proxy.Close], and connections
// that it was meant for are refused.
func (f Fault) Validate() error {
	var errs []error
	fault := func(bad bool, format string, args ...any) {
		if bad {
			errs = append(errs, fmt.Errorf("proxy: %s fault: %s", f.Kind, fmt.Sprintf(format, args...)))
		}
	}
	switch f.Kind {
	case Cut, Reset, Stall, Slow, HalfClose, Corrupt, Refuse:
	default:
		return fmt.Errorf("proxy: unknown kind of fault %q", f.Kind)
	}
	is := func(kinds ...Kind) bool {
		for _, k := range kinds {
			if f.Kind == k {
				return true
			}
		}
		return false
	}
	fault(f.Dir != ToServer && f.Dir != ToClient, "unknown direction %d", int(f.Dir))
	fault(f.At < 0 || f.Within < 0 || f.Every < 0 || f.For < 0 || f.Rate < 0 || f.Chunk < 0 || f.Pause < 0 || f.Bytes < 0, "negative number")
	fault(is(Refuse) && (f.Dir != ToServer || f.At != 0 || f.Within != 0), "takes no direction and no offset")
	fault(f.Every != 0 && !is(Stall, Slow, Corrupt), "cannot repeat on a connection")
	fault(f.For != 0 && !is(Stall), "takes no For")
	fault(f.Mask != 0 && !is(Corrupt), "takes no Mask")
	fault(f.Bytes != 0 && !is(Slow, Corrupt), "takes no Bytes")
	if is(Slow) {
		fault(f.Rate == 0 && (f.Chunk == 0 || f.Pause == 0), "needs Rate, or Chunk and Pause")
		fault(f.Rate != 0 && (f.Chunk != 0 || f.Pause != 0), "takes Rate, or Chunk and Pause, not both")
		fault(f.Every != 0 && f.Bytes == 0, "repeats only with Bytes")
	} else {
		fault(f.Rate != 0 || f.Chunk != 0 || f.Pause != 0, "takes no Rate, Chunk or Pause")
	}
	return errors.Join(errs...)
}

// pace is Rate, or Chunk and Pause, as a chunk and the pause before it.
func (f Fault) pace() (chunk int64, pause time.Duration) {
	if f.Rate == 0 {
		return int64(f.Chunk), f.Pause
	}
	chunk = max(1, f.Rate/50)
	return chunk, time.Duration(float64(chunk) / float64(f.Rate) * float64(time.Second))
}

// Strike is a fault that happened.
type Strike struct {
	Conn int   // the connection's number; the first is 0
	Kind Kind  // what happened
	Dir  Dir   // the fault's direction
	At   int64 // how many bytes of that direction had passed
}
