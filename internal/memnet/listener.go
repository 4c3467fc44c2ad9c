package memnet

import (
	"context"
	"net"
	"sync"
	"syscall"
)

// Backlog is how many dialled connections may wait for Accept before further
// dials wait too.
const Backlog = 128

// Listener accepts connections that were dialled in the same process.
type Listener struct {
	addr   net.Addr
	unlist func() // tells the Network, if there is one

	mu      sync.Mutex
	cond    sync.Cond
	pending []*Conn
	dialled int
	closed  bool
}

var _ net.Listener = (*Listener)(nil)

// Listen returns a listener that only its own Dial and DialContext reach.
func Listen() *Listener { return newListener(serverAddr()) }

func newListener(addr net.Addr) *Listener {
	l := &Listener{addr: addr, unlist: func() {}}
	l.cond.L = &l.mu
	return l
}

// Accept waits for a connection; after Close it fails with net.ErrClosed.
func (l *Listener) Accept() (net.Conn, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for {
		if l.closed {
			return nil, &net.OpError{Op: "accept", Net: l.addr.Network(), Addr: l.addr, Err: net.ErrClosed}
		}
		if len(l.pending) > 0 {
			conn := l.pending[0]
			l.pending = l.pending[1:]
			l.cond.Broadcast()
			return conn, nil
		}
		l.cond.Wait()
	}
}

// Close refuses further dials and resets connections that were not accepted.
// Accepted ones live on.
func (l *Listener) Close() error {
	l.mu.Lock()
	if l.closed {
		l.mu.Unlock()
		return &net.OpError{Op: "close", Net: l.addr.Network(), Addr: l.addr, Err: net.ErrClosed}
	}
	l.closed = true
	left := l.pending
	l.pending = nil
	l.cond.Broadcast()
	l.mu.Unlock()

	l.unlist()
	for _, conn := range left {
		_ = conn.Reset() // it can only have been closed before
	}
	return nil
}

// Addr is what the server's ends have as their local address.
func (l *Listener) Addr() net.Addr { return l.addr }

// Dial connects. It waits only while the backlog is full; a closed listener
// refuses with ECONNREFUSED.
func (l *Listener) Dial(ctx context.Context) (net.Conn, error) {
	conn, err := l.dial(ctx)
	if err != nil {
		return nil, &net.OpError{Op: "dial", Net: l.addr.Network(), Addr: l.addr, Err: err}
	}
	return conn, nil
}

// DialContext is Dial in the shape of http.Transport.DialContext and of
// [net.Dialer.DialContext]: whatever the address, it connects to l.
func (l *Listener) DialContext(ctx context.Context, _, _ string) (net.Conn, error) {
	return l.Dial(ctx)
}

func (l *Listener) dial(ctx context.Context) (*Conn, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	if !l.closed && len(l.pending) >= Backlog {
		stop := context.AfterFunc(ctx, func() {
			l.mu.Lock()
			defer l.mu.Unlock()
			l.cond.Broadcast()
		})
		defer stop()
		for !l.closed && len(l.pending) >= Backlog {
			if err := ctx.Err(); err != nil {
				return nil, err
			}
			l.cond.Wait()
		}
	}
	if l.closed {
		return nil, syscall.ECONNREFUSED
	}
	client, server := newPair(clientAddr(l.dialled), l.addr)
	l.dialled++
	l.pending = append(l.pending, server)
	l.cond.Broadcast()
	return client, nil
}
