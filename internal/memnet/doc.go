// Package memnet is a network inside the process: a [net.Listener] and its
// dialers, for tests with fake time.
//
// A goroutine that waits on a real socket is never "durably blocked", so fake
// time (testing/synctest) stands still for as long as one is open. Everything
// here waits on [sync.Cond], which is durable; deadlines are timers of the
// bubble that set them. [net.Pipe] is no substitute: it has no buffer, so a
// peer that writes before it reads (TLS, SSH, HTTP/2) can lock up against
// another one, which a socket never does.
//
// # What behaves as a TCP socket does
//
//   - Writes return once the bytes are buffered; they wait when [BufferSize]
//     bytes are pending in that direction.
//   - [Conn.CloseWrite] ends one direction; the peer reads what is pending and
//     then io.EOF.
//   - [Conn.Close] ends both. If bytes that the peer sent were never read, the
//     peer reads what is pending and then gets ECONNRESET, else io.EOF.
//   - [Conn.Reset] ends both; the peer reads what is pending and then gets
//     ECONNRESET (as on Linux; some systems drop what is pending).
//   - Writes to a peer that closed fail with EPIPE. (On a real network the
//     first of them may still succeed.)
//   - Deadlines give os.ErrDeadlineExceeded, a closed end net.ErrClosed, a
//     closed listener ECONNREFUSED; all come as [*net.OpError].
//   - A dialled connection is open before it is accepted, up to a backlog of
//     [Backlog] connections; then dials wait.
//
// # Fake time
//
// Make both ends inside the bubble. Its clock starts at the year 2000:
// certificates and tokens that a test makes must be valid then. A bubble ends
// only when its goroutines have, so close servers and idle connections.
//
// # Addresses
//
// A [Listener] from [Listen] says that it is 127.0.0.1:443, so that it suits
// httptest's certificate and a program that forgets the dialer is refused by
// the real network. Where a test needs several hosts behind one dialer, use a
// [Network].
package memnet
