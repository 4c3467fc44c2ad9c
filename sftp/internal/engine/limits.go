package engine

import (
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"time"

	"github.com/ccr-sdk/ccr"
)

// Request sizes. The protocol promises that servers take packets of 34,000
// bytes; larger requests are used only where limits@openssh.com allows them
// (openssh PROTOCOL, section 4.8).
const (
	DefaultRequest = 32 << 10
	maxRequest     = 256<<10 - 1024 // what OpenSSH announces and uses
	// InFlight bounds the bytes that are requested or sent and not yet
	// acknowledged on one channel. It is the window of an SSH channel: more
	// does not make one channel faster.
	InFlight = 2 << 20

	// MaxChannels is where more channels on one connection stop paying off.
	MaxChannels = 8
	// MaxConcurrency is the number of files that may move at once.
	MaxConcurrency = 64
)

// greeting is what a server says of itself when an SFTP session starts.
type greeting struct {
	version    []byte // the whole VERSION packet, with its length
	extensions map[string]string
	trips      time.Duration // round trips that the greeting took
	read       int           // bytes in one read request
	write      int           // bytes in one write request
	handles    uint64        // open at once; 0: not announced
}

const (
	packetInit          = 1
	packetVersion       = 2
	packetExtended      = 200
	packetExtendedReply = 201

	protocolVersion = 3
	limitsExtension = "limits@openssh.com"
	// maxGreeting bounds the packets of the greeting.
	maxGreeting = 256 << 10
)

// greet starts the SFTP protocol on a channel and asks for the limits where
// they are announced.
func greet(rw io.ReadWriter) (*greeting, error) {
	// A server that has closed the channel may have said why before.
	if _, err := rw.Write([]byte{0, 0, 0, 5, packetInit, 0, 0, 0, protocolVersion}); err != nil && !errors.Is(err, io.EOF) {
		return nil, err
	}
	version, err := readPacket(rw)
	if err != nil {
		return nil, err
	}
	g, err := parseVersion(version)
	if err != nil {
		return nil, err
	}
	g.trips = 1
	if _, ok := g.extensions[limitsExtension]; !ok {
		return g, nil
	}
	const id = 0 // pkg/sftp begins with 1
	req := binary.BigEndian.AppendUint32([]byte{packetExtended}, id)
	req = binary.BigEndian.AppendUint32(req, uint32(len(limitsExtension)))
	req = append(req, limitsExtension...)
	if _, err := rw.Write(append(binary.BigEndian.AppendUint32(nil, uint32(len(req))), req...)); err != nil {
		return nil, err
	}
	reply, err := readPacket(rw)
	if err != nil {
		return nil, err
	}
	g.trips = 2
	g.applyLimits(reply)
	return g, nil
}

// readPacket returns one packet with its length in front.
func readPacket(r io.Reader) ([]byte, error) {
	var h [4]byte
	if _, err := io.ReadFull(r, h[:]); err != nil {
		return nil, err
	}
	n := binary.BigEndian.Uint32(h[:])
	if n < 5 || n > maxGreeting {
		return nil, fmt.Errorf("%w: the server does not speak SFTP", ccr.ErrContract)
	}
	b := make([]byte, 4+n)
	copy(b, h[:])
	_, err := io.ReadFull(r, b[4:])
	return b, err
}

// parseVersion reads a VERSION packet.
func parseVersion(p []byte) (*greeting, error) {
	if len(p) < 9 || p[4] != packetVersion {
		return nil, fmt.Errorf("%w: the server does not speak SFTP", ccr.ErrContract)
	}
	if v := binary.BigEndian.Uint32(p[5:]); v != protocolVersion {
		return nil, fmt.Errorf("%w: the server speaks version %d of SFTP, not 3", ccr.ErrContract, v)
	}
	g := &greeting{version: p, extensions: map[string]string{}, read: DefaultRequest, write: DefaultRequest}
	for rest := p[9:]; len(rest) > 0; {
		var name, data string
		var err error
		if name, rest, err = cutString(rest); err != nil {
			return nil, err
		}
		if data, rest, err = cutString(rest); err != nil {
			return nil, err
		}
		g.extensions[name] = data
	}
	return g, nil
}

var errMalformed = errors.New("malformed SFTP packet")

func cutString(b []byte) (string, []byte, error) {
	if len(b) < 4 {
		return "", nil, fmt.Errorf("%w: %w", ccr.ErrContract, errMalformed)
	}
	n := binary.BigEndian.Uint32(b)
	if uint64(n) > uint64(len(b)-4) {
		return "", nil, fmt.Errorf("%w: %w", ccr.ErrContract, errMalformed)
	}
	return string(b[4 : 4+n]), b[4+n:], nil
}

// applyLimits reads the reply to the limits request: the lengths of a packet,
// a read and a write, and the number of handles; zero means not limited. Any
// other answer leaves the defaults.
func (g *greeting) applyLimits(p []byte) {
	const body = 9
	if len(p) < body+4*8 || p[4] != packetExtendedReply {
		return
	}
	num := func(i int) uint64 { return binary.BigEndian.Uint64(p[body+8*i:]) }
	packet := num(0)
	size := func(announced uint64) int {
		n := uint64(maxRequest)
		if announced > 0 {
			n = min(n, announced)
		}
		if packet > 1024 { // a packet has a header beside the data
			n = min(n, packet-1024)
		}
		if n < 1024 { // nonsense: what every server takes
			return DefaultRequest
		}
		return int(n)
	}
	g.read, g.write, g.handles = size(num(1)), size(num(2)), num(3)
}

// Has reports whether the server announced an extension.
func (g *greeting) Has(name string) bool {
	_, ok := g.extensions[name]
	return ok
}
