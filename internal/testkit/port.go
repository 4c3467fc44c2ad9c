package testkit

import (
	"errors"
	"math/rand/v2"
	"net"
	"strconv"
)

// Port finds a TCP port of loopback for a server program that is started next.
// It lies below the range that systems hand out by themselves, and a UDP
// socket of the same number is the lock: no other caller of Port, in whatever
// process, gets it before release.
func Port() (port int, release func(), err error) {
	const lowest, highest, tries = 20_000, 32_000, 200
	for range tries {
		port := lowest + rand.N(highest-lowest)
		address := net.JoinHostPort("127.0.0.1", strconv.Itoa(port))
		lock, err := net.ListenPacket("udp", address)
		if err != nil {
			continue
		}
		l, err := net.Listen("tcp", address)
		if err != nil {
			_ = lock.Close()
			continue
		}
		_ = l.Close()
		return port, func() { _ = lock.Close() }, nil
	}
	return 0, nil, errors.New("testkit: no free port")
}
