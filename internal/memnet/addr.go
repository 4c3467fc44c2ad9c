package memnet

import "net"

// serverAddr is where a lone listener says that it is.
func serverAddr() net.Addr { return &net.TCPAddr{IP: net.IPv4(127, 0, 0, 1), Port: 443} }

// clientAddr is the address of the n-th dialler; ports come from the range
// that systems hand out to clients.
func clientAddr(n int) net.Addr {
	const first, last = 49152, 65535
	return &net.TCPAddr{IP: net.IPv4(127, 0, 0, 1), Port: first + n%(last-first+1)}
}

// hostAddr is "host:port" where host is a name: TCP to whoever asks, so that
// net.SplitHostPort and known-hosts checks work on it.
type hostAddr string

// Network is always "tcp".
func (hostAddr) Network() string { return "tcp" }

// String is the host and port as they were listened on.
func (a hostAddr) String() string { return string(a) }
