package engine

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"sync"

	"github.com/ccr-sdk/ccr"
)

const (
	packetStatus = 101
	packetData   = 103
	packetName   = 104
	packetAttrs  = 105

	// maxReply bounds one packet of the server's, as pkg/sftp does.
	maxReply = 256 << 10
	// keptCode marks status codes so that pkg/sftp passes them on with the
	// server's text: of the codes that it knows, it drops the text.
	keptCode = 1 << 31
	// maxListing bounds what one listing may bring: some 400,000 names.
	maxListing = 64 << 20
)

// ErrListing ends a listing that does not come to an end.
var ErrListing = errors.New("the listing is too long")

// channelPipe is the byte stream between pkg/sftp and an SSH channel. Out, it
// tells when a payload has its place in the stream, which keeps the writes of
// a file in order. In, it looks at the head of each packet.
type channelPipe struct {
	ch  *Channel
	raw io.ReadWriteCloser

	greeted bool // only writers use it, one at a time

	ready *bytes.Reader // bytes for pkg/sftp that were read already
	pass  int           // bytes of the present packet that are still in raw

	mu        sync.Mutex
	announced map[*byte]chan struct{} // payloads on their way here, by their first byte
	listing   *listing
}

// listing bounds the names that a folder may have.
type listing struct {
	left int
	stop func(error)
}

func newPipe(ch *Channel, raw io.ReadWriteCloser, version []byte) *channelPipe {
	// pkg/sftp greets, too: it gets the answer that the server gave us.
	return &channelPipe{ch: ch, raw: raw, ready: bytes.NewReader(version), announced: map[*byte]chan struct{}{}}
}

func (p *channelPipe) Read(b []byte) (int, error) {
	for p.ready.Len() == 0 && p.pass == 0 {
		if err := p.next(); err != nil {
			return 0, err
		}
	}
	if p.ready.Len() > 0 {
		return p.ready.Read(b)
	}
	n, err := p.raw.Read(b[:min(len(b), p.pass)])
	p.pass -= n
	if n > 0 {
		p.ch.touch()
	}
	return n, err
}

// next reads the head of the next packet: length, type and request id.
func (p *channelPipe) next() error {
	head := make([]byte, 9, 13)
	if _, err := io.ReadFull(p.raw, head[:4]); err != nil {
		return err
	}
	p.ch.touch()
	n := binary.BigEndian.Uint32(head)
	if n < 5 || n > maxReply {
		return fmt.Errorf("%w: the server sent a packet of %d bytes", ccr.ErrContract, n)
	}
	if _, err := io.ReadFull(p.raw, head[4:]); err != nil {
		return err
	}
	p.pass = int(n) - 5
	switch head[4] {
	case packetData:
		return p.data(head)
	case packetStatus:
		return p.status(head)
	case packetName:
		p.names(int(n))
	case packetAttrs:
		return p.attributes(head)
	}
	p.ready.Reset(head)
	return nil
}

// attributes notes that a server tells no sizes: pkg/sftp takes that for zero.
func (p *channelPipe) attributes(head []byte) error {
	if p.pass >= 4 {
		head = head[:13]
		if _, err := io.ReadFull(p.raw, head[9:]); err != nil {
			return err
		}
		p.pass -= 4
		const hasSize = 1
		if binary.BigEndian.Uint32(head[9:])&hasSize == 0 {
			p.ch.noSize.Store(true)
		}
	}
	p.ready.Reset(head)
	return nil
}

// data checks the length of the data. No data at all is a server's way of
// saying that the file ends: pkg/sftp would ask again without end.
func (p *channelPipe) data(head []byte) error {
	if p.pass < 4 {
		return fmt.Errorf("%w: a packet of data without its length", ccr.ErrContract)
	}
	head = head[:13]
	if _, err := io.ReadFull(p.raw, head[9:]); err != nil {
		return err
	}
	p.pass -= 4
	n := binary.BigEndian.Uint32(head[9:])
	if int64(n) > int64(p.pass) {
		return fmt.Errorf("%w: %d bytes of data are announced and %d are there", ccr.ErrContract, n, p.pass)
	}
	if n > 0 {
		p.ready.Reset(head)
		return nil
	}
	if _, err := io.CopyN(io.Discard, p.raw, int64(p.pass)); err != nil {
		return err
	}
	p.pass = 0
	end := binary.BigEndian.AppendUint32(nil, 5+4+8)
	end = append(end, packetStatus)
	end = append(end, head[5:9]...)
	end = binary.BigEndian.AppendUint32(end, StatusEOF)
	p.ready.Reset(append(end, make([]byte, 8)...)) // no text, no language
	return nil
}

// status marks the code of a refusal.
func (p *channelPipe) status(head []byte) error {
	packet := append(head, make([]byte, p.pass)...)
	if _, err := io.ReadFull(p.raw, packet[9:]); err != nil {
		return err
	}
	p.pass = 0
	if len(packet) >= 13 {
		if code := binary.BigEndian.Uint32(packet[9:]); code > StatusEOF {
			binary.BigEndian.PutUint32(packet[9:], code|keptCode)
		}
	}
	p.ready.Reset(packet)
	return nil
}

// names counts what a listing has brought.
func (p *channelPipe) names(n int) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if l := p.listing; l != nil {
		if l.left -= n + 64; l.left < 0 { // packets without a name count, too
			l.stop(ErrListing)
		}
	}
}

func (p *channelPipe) list(l *listing) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.listing = l
}

func (p *channelPipe) Write(b []byte) (int, error) {
	if !p.greeted { // INIT, which the server has had
		p.greeted = true
		return len(b), nil
	}
	if len(b) > 0 {
		p.arrived(&b[0])
	}
	n, err := p.raw.Write(b)
	if n > 0 {
		p.ch.touch()
	}
	return n, err
}

func (p *channelPipe) Close() error { return p.raw.Close() }

// announce returns what is closed once the payload has its place in the
// stream: everything that is written to pkg/sftp after that comes after it.
func (p *channelPipe) announce(payload []byte) <-chan struct{} {
	placed := make(chan struct{})
	p.mu.Lock()
	defer p.mu.Unlock()
	p.announced[&payload[0]] = placed
	return placed
}

// arrived ends what announce began; it may be called again.
func (p *channelPipe) arrived(first *byte) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if placed, ok := p.announced[first]; ok {
		delete(p.announced, first)
		close(placed)
	}
}
