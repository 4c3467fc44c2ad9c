package sftptest

import (
	"cmp"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"net"
	"slices"
	"strconv"
	"strings"
	"time"

	"golang.org/x/crypto/ssh"
)

// protocol is version 3 of SFTP (draft-ietf-secsh-filexfer-02) on one channel,
// written for the tests: it shares no code with the client.
type protocol struct {
	s       *Server
	ch      ssh.Channel
	conn    net.Conn
	gone    <-chan struct{} // closed when the connection has ended
	stall   *stalling
	handles map[string]*handle
	next    int
}

type handle struct {
	path  string
	node  *node
	flags uint32
	list  []listed // what a folder has left to show
}

type attributes struct {
	dir      bool
	size     int64
	modified time.Time
}

type listed struct {
	name string
	attributes
}

const (
	statusOK          = 0
	statusEOF         = 1
	statusNoSuchFile  = 2
	statusPermission  = 3
	statusFailure     = 4
	statusBadMessage  = 5
	statusUnsupported = 8
)

var statusTexts = map[uint32]string{
	statusOK: "Success", statusEOF: "End of file", statusNoSuchFile: "No such file", statusPermission: "Permission denied",
	statusFailure: "Failure", statusBadMessage: "Bad message", statusUnsupported: "Operation unsupported",
}

const (
	typeInit, typeVersion                              = 1, 2
	typeOpen, typeClose, typeRead, typeWrite           = 3, 4, 5, 6
	typeLstat, typeFstat, typeSetstat, typeFsetstat    = 7, 8, 9, 10
	typeOpendir, typeReaddir, typeRemove, typeMkdir    = 11, 12, 13, 14
	typeRmdir, typeRealpath, typeStat, typeRename      = 15, 16, 17, 18
	typeStatus, typeHandle, typeData, typeName, typeAt = 101, 102, 103, 104, 105
	typeExtended, typeExtendedReply                    = 200, 201
)

// What OpenSSH announces, and what a server takes that announces nothing.
const (
	largePacket = 256 << 10
	largeData   = 256<<10 - 1024
	smallPacket = 34000
)

var errEnd = errors.New("the connection was cut")

func (p *protocol) serve() {
	for {
		packet, err := p.receive()
		if err != nil {
			return
		}
		if err := p.handle(packet); err != nil {
			_ = p.conn.Close()
			return
		}
		if p.stall.stalled() {
			p.silence()
			return
		}
	}
}

// silence keeps the connection open and reads nothing more: the client's
// window runs full, as with a server that is stopped.
func (p *protocol) silence() {
	select {
	case <-p.gone:
	case <-p.s.ended:
	}
}

func (p *protocol) receive() ([]byte, error) {
	var h [4]byte
	if _, err := io.ReadFull(p.ch, h[:]); err != nil {
		return nil, err
	}
	limit := uint32(largePacket)
	if p.s.cfg.Traits.NoLimits {
		limit = smallPacket
	}
	n := binary.BigEndian.Uint32(h[:])
	if n == 0 || n > limit {
		_ = p.conn.Close() // as OpenSSH does
		return nil, fmt.Errorf("packet of %d bytes", n)
	}
	b := make([]byte, n)
	_, err := io.ReadFull(p.ch, b)
	return b, err
}

func (p *protocol) send(b []byte) error {
	_, err := p.ch.Write(append(binary.BigEndian.AppendUint32(make([]byte, 0, 4+len(b)), uint32(len(b))), b...))
	return err
}

// reader takes the fields off a packet; after an error it returns zeros.
type reader struct {
	b   []byte
	bad bool
}

func (r *reader) take(n int) []byte {
	if r.bad || len(r.b) < n {
		r.bad = true
		return make([]byte, n)
	}
	out := r.b[:n]
	r.b = r.b[n:]
	return out
}

func (r *reader) u32() uint32 { return binary.BigEndian.Uint32(r.take(4)) }
func (r *reader) u64() uint64 { return binary.BigEndian.Uint64(r.take(8)) }

func (r *reader) bytes() []byte {
	n := r.u32()
	if r.bad || uint64(n) > uint64(len(r.b)) {
		r.bad = true
		return nil
	}
	return r.take(int(n))
}

func (r *reader) str() string { return string(r.bytes()) }

func (p *protocol) handle(packet []byte) error {
	r := &reader{b: packet}
	kind := r.take(1)[0]
	if kind == typeInit {
		return p.version()
	}
	id := r.u32()
	req, act := p.parse(kind, r, id)
	if r.bad {
		return p.status(id, statusBadMessage, "")
	}
	p.s.record(req)
	f := p.s.strike(req)
	if f != nil {
		switch f.Kind {
		case Refuse:
			return p.status(id, f.Status, f.Text)
		case CutBefore:
			return errEnd
		case Stall:
			p.stall.begin()
			return nil
		case Delay:
			t := time.NewTimer(f.Delay)
			defer t.Stop()
			select {
			case <-t.C:
			case <-p.s.ended:
				return errEnd
			}
		case Then:
			f.Do()
		}
	}
	reply := act()
	if f != nil && f.Kind == LoseAnswer {
		return errEnd
	}
	return p.send(reply)
}

func (p *protocol) version() error {
	t := p.s.cfg.Traits
	b := binary.BigEndian.AppendUint32([]byte{typeVersion}, 3)
	ext := func(name, data string, without bool) {
		if !without {
			b = appendString(appendString(b, name), data)
		}
	}
	ext("posix-rename@openssh.com", "1", t.NoPosixRename)
	ext("hardlink@openssh.com", "1", t.RenameReplaces)
	ext("fsync@openssh.com", "1", t.NoFsync)
	ext("statvfs@openssh.com", "2", t.NoStatVFS)
	ext("limits@openssh.com", "1", t.NoLimits)
	return p.send(b)
}

// parse reads a request and returns it with what carries it out.
func (p *protocol) parse(kind byte, r *reader, id uint32) (Request, func() []byte) {
	byHandle := func(op string, act func(h *handle) []byte) (Request, func() []byte) {
		name := r.str()
		h := p.handles[name]
		if h == nil {
			return Request{Operation: op}, func() []byte { return statusPacket(id, statusFailure, "") }
		}
		return Request{Operation: op, Path: h.path}, func() []byte { return act(h) }
	}
	byPath := func(op string, act func(name string) []byte) (Request, func() []byte) {
		name := abs(r.str())
		return Request{Operation: op, Path: name}, func() []byte { return act(name) }
	}
	code := func(c uint32) []byte { return statusPacket(id, c, "") }
	fs := p.s.fs
	switch kind {
	case typeOpen:
		name, flags := abs(r.str()), r.u32()
		return Request{Operation: OpOpen, Path: name}, func() []byte {
			n, c := fs.open(name, flags)
			if c != statusOK {
				return code(c)
			}
			if most := p.s.cfg.Traits.MaxOpen; most > 0 && len(p.handles) >= most {
				return code(statusPermission)
			}
			return p.opened(id, &handle{path: name, node: n, flags: flags})
		}
	case typeClose:
		name := r.str()
		h := p.handles[name]
		if h == nil {
			return Request{Operation: OpClose}, func() []byte { return code(statusFailure) }
		}
		return Request{Operation: OpClose, Path: h.path}, func() []byte {
			delete(p.handles, name)
			return code(statusOK)
		}
	case typeRead:
		h := p.handles[r.str()]
		off, n := int64(r.u64()), int(r.u32())
		if h == nil || h.node == nil {
			return Request{Operation: OpRead}, func() []byte { return code(statusFailure) }
		}
		return Request{Operation: OpRead, Path: h.path, Offset: off, Length: n}, func() []byte { return p.read(id, h, off, n) }
	case typeWrite:
		h := p.handles[r.str()]
		off, data := int64(r.u64()), r.bytes()
		if h == nil || h.node == nil {
			return Request{Operation: OpWrite}, func() []byte { return code(statusFailure) }
		}
		return Request{Operation: OpWrite, Path: h.path, Offset: off, Length: len(data)}, func() []byte { return p.write(id, h, off, data) }
	case typeFstat:
		return byHandle(OpFstat, func(h *handle) []byte {
			if h.node == nil {
				return code(statusFailure)
			}
			return p.attrsPacket(id, fs.attributes(h.node))
		})
	case typeStat, typeLstat:
		op := OpStat
		if kind == typeLstat {
			op = OpLstat
		}
		return byPath(op, func(name string) []byte {
			a, c := fs.stat(name)
			if c != statusOK {
				return code(c)
			}
			return p.attrsPacket(id, a)
		})
	case typeSetstat:
		return byPath(OpSetstat, func(string) []byte { return code(statusPermission) })
	case typeFsetstat:
		return byHandle(OpFsetstat, func(*handle) []byte { return code(statusPermission) })
	case typeOpendir:
		return byPath(OpOpendir, func(name string) []byte {
			list, c := fs.list(name)
			if c != statusOK {
				return code(c)
			}
			return p.opened(id, &handle{path: name, list: list})
		})
	case typeReaddir:
		return byHandle(OpReaddir, func(h *handle) []byte {
			if p.s.cfg.Traits.EndlessList {
				return p.namePacket(id, slices.Repeat([]listed{{name: strings.Repeat("n", 100)}}, 100))
			}
			if len(h.list) == 0 {
				return code(statusEOF)
			}
			n := min(len(h.list), 100) // as OpenSSH does
			batch := h.list[:n]
			h.list = h.list[n:]
			return p.namePacket(id, batch)
		})
	case typeRemove:
		return byPath(OpRemove, func(name string) []byte { return code(fs.remove(name, false)) })
	case typeRmdir:
		return byPath(OpRmdir, func(name string) []byte { return code(fs.remove(name, true)) })
	case typeMkdir:
		return byPath(OpMkdir, func(string) []byte { return code(statusPermission) })
	case typeRealpath:
		return byPath(OpRealpath, func(name string) []byte { return p.namePacket(id, []listed{{name: name}}) })
	case typeRename:
		from, to := abs(r.str()), abs(r.str())
		return Request{Operation: OpRename, Path: from, To: to}, func() []byte { return code(fs.rename(from, to, false)) }
	case typeExtended:
		return p.extended(r, id)
	}
	return Request{Operation: "type " + strconv.Itoa(int(kind))}, func() []byte { return code(statusUnsupported) }
}

func (p *protocol) extended(r *reader, id uint32) (Request, func() []byte) {
	code := func(c uint32) []byte { return statusPacket(id, c, "") }
	t := p.s.cfg.Traits
	switch name := r.str(); {
	case name == "posix-rename@openssh.com" && !t.NoPosixRename:
		from, to := abs(r.str()), abs(r.str())
		return Request{Operation: OpPosixRename, Path: from, To: to}, func() []byte { return code(p.s.fs.rename(from, to, true)) }
	case name == "hardlink@openssh.com" && !t.RenameReplaces:
		from, to := abs(r.str()), abs(r.str())
		return Request{Operation: OpHardlink, Path: from, To: to}, func() []byte { return code(p.s.fs.link(from, to)) }
	case name == "fsync@openssh.com" && !t.NoFsync:
		h := p.handles[r.str()]
		if h == nil {
			return Request{Operation: OpFsync}, func() []byte { return code(statusFailure) }
		}
		return Request{Operation: OpFsync, Path: h.path}, func() []byte { return code(statusOK) }
	case name == "limits@openssh.com" && !t.NoLimits:
		return Request{Operation: OpLimits}, func() []byte {
			b := binary.BigEndian.AppendUint32([]byte{typeExtendedReply}, id)
			for _, v := range []uint64{largePacket, largeData, largeData, 1024} {
				b = binary.BigEndian.AppendUint64(b, v)
			}
			return b
		}
	case name == "statvfs@openssh.com" && !t.NoStatVFS:
		path := abs(r.str())
		return Request{Operation: OpStatVFS, Path: path}, func() []byte {
			const block, plenty = 4096, 1 << 30
			free, limited := p.s.fs.space()
			blocks := uint64(plenty)
			if limited {
				blocks = uint64(max(free, 0)) / block
			}
			b := binary.BigEndian.AppendUint32([]byte{typeExtendedReply}, id)
			for _, v := range []uint64{block, block, plenty, blocks, blocks, plenty, plenty, plenty, 0, 0, 255} {
				b = binary.BigEndian.AppendUint64(b, v)
			}
			return b
		}
	}
	return Request{Operation: "extended"}, func() []byte { return code(statusUnsupported) }
}

func (p *protocol) opened(id uint32, h *handle) []byte {
	p.next++
	name := "h" + strconv.Itoa(p.next)
	p.handles[name] = h
	return appendString(binary.BigEndian.AppendUint32([]byte{typeHandle}, id), name)
}

func (p *protocol) read(id uint32, h *handle, off int64, n int) []byte {
	t := p.s.cfg.Traits
	if h.flags&flagRead == 0 || off < 0 {
		return statusPacket(id, statusFailure, "")
	}
	limit := largeData
	if t.NoLimits {
		limit = 32 << 10
	}
	if t.ShortReads > 0 {
		limit = min(limit, t.ShortReads)
	}
	data := p.s.fs.readAt(h.node, off, min(n, limit))
	switch {
	case data == nil && t.EOFEmpty:
		data = []byte{}
	case data == nil:
		return statusPacket(id, cmp.Or(t.EOFStatus, statusEOF), "")
	}
	p.s.mu.Lock()
	p.s.read += int64(len(data))
	p.s.mu.Unlock()
	return appendString(binary.BigEndian.AppendUint32([]byte{typeData}, id), string(data))
}

func (p *protocol) write(id uint32, h *handle, off int64, data []byte) []byte {
	const maxFile = 1 << 33
	if h.flags&flagWrite == 0 || off < 0 || off > maxFile {
		return statusPacket(id, statusFailure, "")
	}
	c := p.s.fs.write(h.node, data, off)
	if c == statusOK {
		p.s.mu.Lock()
		p.s.written += int64(len(data))
		p.s.mu.Unlock()
	}
	return statusPacket(id, c, "")
}

func (p *protocol) status(id, code uint32, text string) error {
	return p.send(statusPacket(id, code, text))
}

func statusPacket(id, code uint32, text string) []byte {
	if text == "" {
		text = statusTexts[code]
	}
	b := binary.BigEndian.AppendUint32([]byte{typeStatus}, id)
	b = binary.BigEndian.AppendUint32(b, code)
	return appendString(appendString(b, text), "")
}

func appendString(b []byte, s string) []byte {
	return append(binary.BigEndian.AppendUint32(b, uint32(len(s))), s...)
}

// appendAttrs writes size, owner, mode and times.
func (p *protocol) appendAttrs(b []byte, a attributes) []byte {
	mode := uint32(0o100600)
	if a.dir {
		mode = 0o040700
	}
	t := p.s.cfg.Traits
	size := uint64(a.size)
	if t.SaysSize != nil && !a.dir {
		size = *t.SaysSize
	}
	if t.NoSize {
		b = binary.BigEndian.AppendUint32(b, 0x02|0x04|0x08)
	} else {
		b = binary.BigEndian.AppendUint64(binary.BigEndian.AppendUint32(b, 0x01|0x02|0x04|0x08), size)
	}
	b = binary.BigEndian.AppendUint32(binary.BigEndian.AppendUint32(b, 1000), 1000)
	b = binary.BigEndian.AppendUint32(b, mode)
	at := uint32(a.modified.Unix())
	return binary.BigEndian.AppendUint32(binary.BigEndian.AppendUint32(b, at), at)
}

func (p *protocol) attrsPacket(id uint32, a attributes) []byte {
	return p.appendAttrs(binary.BigEndian.AppendUint32([]byte{typeAt}, id), a)
}

func (p *protocol) namePacket(id uint32, list []listed) []byte {
	b := binary.BigEndian.AppendUint32([]byte{typeName}, id)
	b = binary.BigEndian.AppendUint32(b, uint32(len(list)))
	for _, e := range list {
		b = p.appendAttrs(appendString(appendString(b, e.name), e.name), e.attributes)
	}
	return b
}
