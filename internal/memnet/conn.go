package memnet

import (
	"errors"
	"io"
	"net"
	"time"
)

// Conn is one end of a connection. It is safe for concurrent use, as every
// [net.Conn] is. Writes by several goroutines do not mix.
type Conn struct {
	in, out       *half
	local, remote net.Addr
}

var _ net.Conn = (*Conn)(nil)

// Pipe returns the two ends of a connection that no listener was needed for.
func Pipe() (client, server *Conn) {
	return newPair(clientAddr(0), serverAddr())
}

func newPair(clientAddr, serverAddr net.Addr) (client, server *Conn) {
	up, down := newHalf(), newHalf()
	client = &Conn{in: down, out: up, local: clientAddr, remote: serverAddr}
	server = &Conn{in: up, out: down, local: serverAddr, remote: clientAddr}
	return client, server
}

// Read waits for at least one byte, the peer's end, or the read deadline.
func (c *Conn) Read(p []byte) (int, error) {
	n, err := c.in.read(p)
	return n, c.opError("read", err)
}

// Write waits until all of p is buffered. After an error it says how much was.
func (c *Conn) Write(p []byte) (int, error) {
	n, err := c.out.write(p)
	return n, c.opError("write", err)
}

// Close ends the connection in both directions and wakes every blocked call
// on this end with net.ErrClosed. The peer reads what was written before; then
// io.EOF, or ECONNRESET if bytes that it sent were never read.
func (c *Conn) Close() error { return c.close(false) }

// Reset ends the connection as a TCP RST does: the peer's reads get what was
// written before and then ECONNRESET, its writes ECONNRESET.
func (c *Conn) Reset() error { return c.close(true) }

func (c *Conn) close(reset bool) error {
	unread, ok := c.in.closeReader(reset)
	if !ok {
		return c.opError("close", net.ErrClosed)
	}
	c.out.closeWriter(reset || unread)
	return nil
}

// CloseWrite ends what this end sends; it can still read.
func (c *Conn) CloseWrite() error { return c.opError("close", c.out.finish()) }

// LocalAddr is the address of this end.
func (c *Conn) LocalAddr() net.Addr { return c.local }

// RemoteAddr is the address of the other end.
func (c *Conn) RemoteAddr() net.Addr { return c.remote }

// SetDeadline sets both deadlines; the zero time removes them.
func (c *Conn) SetDeadline(t time.Time) error {
	if err := c.SetReadDeadline(t); err != nil {
		return err
	}
	return c.SetWriteDeadline(t)
}

// SetReadDeadline ends present and future reads at t with
// os.ErrDeadlineExceeded, until it is set again.
func (c *Conn) SetReadDeadline(t time.Time) error {
	return c.opError("set", c.in.setReadDeadline(t))
}

// SetWriteDeadline ends present and future writes at t with
// os.ErrDeadlineExceeded, until it is set again. A write that it ends may have
// been sent in part.
func (c *Conn) SetWriteDeadline(t time.Time) error {
	return c.opError("set", c.out.setWriteDeadline(t))
}

func (c *Conn) opError(op string, err error) error {
	if err == nil || errors.Is(err, io.EOF) {
		return err
	}
	return &net.OpError{Op: op, Net: c.local.Network(), Source: c.local, Addr: c.remote, Err: err}
}
