package memnet

import (
	"context"
	"fmt"
	"net"
	"net/netip"
	"sync"
	"syscall"
)

// Network is a set of listeners told apart by address, for clients that speak
// to several hosts through one dialer. Its zero value is ready.
type Network struct {
	mu        sync.Mutex
	listeners map[string]*Listener
}

// Listen returns a listener for "host:port"; names need no resolving and match
// as written. An address that is in use is refused with EADDRINUSE.
func (n *Network) Listen(addr string) (*Listener, error) {
	where, err := parseAddr(addr)
	if err != nil {
		return nil, err
	}
	n.mu.Lock()
	defer n.mu.Unlock()
	if n.listeners[where.String()] != nil {
		return nil, &net.OpError{Op: "listen", Net: where.Network(), Addr: where, Err: syscall.EADDRINUSE}
	}
	if n.listeners == nil {
		n.listeners = make(map[string]*Listener)
	}
	l := newListener(where)
	l.unlist = func() {
		n.mu.Lock()
		defer n.mu.Unlock()
		delete(n.listeners, where.String())
	}
	n.listeners[where.String()] = l
	return l, nil
}

// DialContext connects to the listener at addr, in the shape of
// http.Transport.DialContext; where none listens, it fails with ECONNREFUSED.
func (n *Network) DialContext(ctx context.Context, _, addr string) (net.Conn, error) {
	where, err := parseAddr(addr)
	if err != nil {
		return nil, err
	}
	n.mu.Lock()
	l := n.listeners[where.String()]
	n.mu.Unlock()
	if l == nil {
		return nil, &net.OpError{Op: "dial", Net: where.Network(), Addr: where, Err: syscall.ECONNREFUSED}
	}
	return l.Dial(ctx)
}

func parseAddr(addr string) (net.Addr, error) {
	if ip, err := netip.ParseAddrPort(addr); err == nil {
		return net.TCPAddrFromAddrPort(ip), nil
	}
	if _, port, err := net.SplitHostPort(addr); err != nil {
		return nil, fmt.Errorf("memnet: %w", err)
	} else if port == "" {
		return nil, fmt.Errorf("memnet: address %q has no port", addr)
	}
	return hostAddr(addr), nil
}
