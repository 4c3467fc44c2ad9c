package engine

import (
	"net"
	"runtime"
	"sync"
	"sync/atomic"
	"time"
)

// Sizes of the buffers below SSH. The SSH library reads 4 KiB and then the
// rest of each packet, and writes each packet on its own, in two pieces; with
// these, one system call moves several packets.
const (
	readBuffer  = 128 << 10
	writeBuffer = 256 << 10
)

// wire is the network connection below SSH. It gathers packets, notes when the
// server was last heard and, during the handshake, has the kernel acknowledge
// at once: else both sides wait 40 ms for each other while the session is set up.
type wire struct {
	net.Conn
	heard       atomic.Int64 // unix nanoseconds
	quickAcking atomic.Bool

	in         []byte // only the SSH library's reader uses it
	start, end int

	mu     sync.Mutex
	filled sync.Cond // out is not empty, or the wire has ended
	taken  sync.Cond // out has room, or the wire has ended
	out    []byte    // written, and not on its way yet
	writes int       // calls that out is from
	err    error     // why it ended
}

func newWire(conn net.Conn) *wire {
	w := &wire{Conn: conn, in: make([]byte, readBuffer)}
	w.filled.L, w.taken.L = &w.mu, &w.mu
	w.heard.Store(time.Now().UnixNano())
	w.quickAcking.Store(true)
	quickAck(conn)
	go w.flush()
	return w
}

func (w *wire) Read(p []byte) (int, error) {
	if w.start == w.end {
		n, err := w.Conn.Read(w.in)
		if n <= 0 {
			return n, err
		}
		w.start, w.end = 0, n
		w.heard.Store(time.Now().UnixNano())
		if w.quickAcking.Load() {
			quickAck(w.Conn)
		}
	}
	n := copy(p, w.in[w.start:w.end])
	w.start += n
	return n, nil
}

// Write hands p to the goroutine that writes, and waits only if that is
// behind. An error of the connection comes back from a later call.
func (w *wire) Write(p []byte) (int, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	for len(w.out) >= writeBuffer && w.err == nil {
		w.taken.Wait()
	}
	if w.err != nil {
		return 0, w.err
	}
	w.out = append(w.out, p...)
	w.writes++
	w.filled.Signal()
	return len(p), nil
}

// flush writes what has gathered until the wire ends.
func (w *wire) flush() {
	var out []byte
	contended := false
	for {
		w.mu.Lock()
		for len(w.out) == 0 && w.err == nil {
			w.filled.Wait()
		}
		if contended && w.err == nil && len(w.out) < writeBuffer/4 {
			// The last flush merged several writes, so more are probably coming:
			// yield once to gather them.
			w.mu.Unlock()
			runtime.Gosched()
			w.mu.Lock()
		}
		if w.err != nil {
			w.mu.Unlock()
			return
		}
		contended = w.writes > 2 // one packet is two writes at most
		out, w.out, w.writes = w.out, out[:0], 0
		w.taken.Broadcast()
		w.mu.Unlock()
		if _, err := w.Conn.Write(out); err != nil {
			w.fail(err)
		}
	}
}

// fail ends the wire: nothing more is written, and the reader wakes up.
func (w *wire) fail(err error) {
	w.mu.Lock()
	if w.err == nil {
		w.err = err
	}
	w.filled.Broadcast()
	w.taken.Broadcast()
	w.mu.Unlock()
	_ = w.Conn.Close()
}

// Close drops what is not on its way yet.
func (w *wire) Close() error {
	w.fail(net.ErrClosed)
	return nil
}
