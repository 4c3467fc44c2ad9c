package sftp

import (
	"net"
	"sync/atomic"
	"time"
)

// readBuffer is what one read from the socket may bring. The SSH library
// reads 4 KiB and then the rest of each packet; with a buffer below it one
// system call brings several packets.
const readBuffer = 256 << 10

// wire is the network connection below SSH. It notes when the server was last
// heard and, during the handshake, has the kernel acknowledge at once: else
// both sides wait 40 ms for each other while the session is set up.
type wire struct {
	net.Conn
	heard     atomic.Int64 // unix nanoseconds
	hastening atomic.Bool

	buf        []byte // only the SSH library's reader uses it
	start, end int
}

func newWire(conn net.Conn) *wire {
	w := &wire{Conn: conn, buf: make([]byte, readBuffer)}
	w.heard.Store(time.Now().UnixNano())
	w.hastening.Store(true)
	hasten(conn)
	return w
}

func (w *wire) Read(p []byte) (int, error) {
	if w.start == w.end {
		n, err := w.Conn.Read(w.buf)
		if n <= 0 {
			return n, err
		}
		w.start, w.end = 0, n
		w.heard.Store(time.Now().UnixNano())
		if w.hastening.Load() {
			hasten(w.Conn)
		}
	}
	n := copy(p, w.buf[w.start:w.end])
	w.start += n
	return n, nil
}
