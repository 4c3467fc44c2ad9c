package engine

import (
	"net"
	"syscall"
)

// quickAck asks for an immediate acknowledgement of what was received. The
// kernel forgets it soon, so it is asked again after each read of the
// handshake. Failing does no harm.
func quickAck(conn net.Conn) {
	sc, ok := conn.(syscall.Conn)
	if !ok {
		return
	}
	raw, err := sc.SyscallConn()
	if err != nil {
		return
	}
	_ = raw.Control(func(fd uintptr) {
		_ = syscall.SetsockoptInt(int(fd), syscall.IPPROTO_TCP, syscall.TCP_QUICKACK, 1)
	})
}
