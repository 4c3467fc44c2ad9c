package proxy

import (
	"errors"
	"io"
	"net"
	"sync"
	"time"
)

// chunkSize is how much is read at once, and how much may wait between reader
// and writer when there is no latency.
const chunkSize = 128 << 10

// buffer is what one read fills.
type buffer [chunkSize]byte

// link is one connection through the proxy.
type link struct {
	proxy  *Proxy
	number int

	client, server net.Conn
	ways           [2]*way // by Dir

	once   sync.Once
	done   chan struct{} // closed by end
	breaks sync.Once
	broken chan struct{} // closed when a peer broke its stream off (not io.EOF)
}

// way is one direction of a link.
type way struct {
	link     *link
	dir      Dir
	src, dst net.Conn
	line     *line

	faults schedule
	offset int64 // bytes written to dst

	slow      *pending // the Slow in force
	slowLeft  int64    // bytes that it still slows; -1 is all
	allowed   int64    // bytes of its present chunk
	corrupt   *pending
	spoilLeft int64
	drop      bool // HalfClose struck
}

func newLink(p *Proxy, number int, client, server net.Conn, faults []*pending) *link {
	l := &link{
		proxy: p, number: number, client: client, server: server,
		done: make(chan struct{}), broken: make(chan struct{}),
	}
	l.ways[ToServer] = &way{link: l, dir: ToServer, src: client, dst: server, line: newLine()}
	l.ways[ToClient] = &way{link: l, dir: ToClient, src: server, dst: client, line: newLine()}
	for _, f := range faults {
		l.ways[f.Dir].faults.add(f)
	}
	return l
}

// run forwards until both directions have ended.
func (l *link) run() {
	var wg sync.WaitGroup
	for _, w := range l.ways {
		wg.Go(w.read)
		wg.Go(w.write)
	}
	wg.Wait()
	l.end(false, nil)
}

// end closes both sides, once, and counts the strike that it is for, if any.
// It returns false if the link had ended before.
func (l *link) end(reset bool, strike *Strike) (first bool) {
	l.once.Do(func() {
		first = true
		if strike != nil {
			l.proxy.struck(*strike) // before the peers can see it
		}
		close(l.done)
		for _, w := range l.ways {
			w.line.close()
		}
		shut := closeConn
		if reset {
			shut = resetConn
		}
		shut(l.client)
		shut(l.server)
	})
	return first
}

func closeConn(c net.Conn) { _ = c.Close() } // it may be closed already

func resetConn(c net.Conn) {
	switch c := c.(type) {
	case interface{ Reset() error }: // memnet
		_ = c.Reset()
	case interface{ SetLinger(sec int) error }: // TCP: unsent bytes are dropped, RST instead of FIN
		_ = c.SetLinger(0)
		closeConn(c.(net.Conn))
	default:
		closeConn(c)
	}
}

func closeWrite(c net.Conn) {
	if half, ok := c.(interface{ CloseWrite() error }); ok {
		_ = half.CloseWrite()
		return
	}
	closeConn(c) // the stream has no halves
}

// sleep waits for d. It returns false if the link ended.
func (l *link) sleep(d time.Duration) bool {
	if d <= 0 {
		return true
	}
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return true
	case <-l.done:
		return false
	}
}

func (w *way) strike(f *pending) Strike {
	return Strike{Conn: w.link.number, Kind: f.Kind, Dir: f.Dir, At: w.offset}
}

// read moves what src sends into the line.
func (w *way) read() {
	var buf *buffer
	for {
		if buf == nil {
			buf = w.link.proxy.buffer()
		}
		n, err := w.src.Read(buf[:])
		latency, limit := w.link.proxy.latency()
		due := time.Now().Add(latency)
		if n > 0 {
			p := parcel{due: due}
			if n < chunkSize/4 {
				p.data = append([]byte(nil), buf[:n]...) // a small parcel holds no large buffer
			} else {
				p.data, p.buf, buf = buf[:n], buf, nil
			}
			if !w.line.push(p, limit) {
				return
			}
		}
		if err != nil {
			if !errors.Is(err, io.EOF) {
				w.link.breaks.Do(func() { close(w.link.broken) })
			}
			w.line.push(parcel{end: err, due: due}, limit)
			return
		}
	}
}

// write moves the line's parcels to dst, and applies the faults.
func (w *way) write() {
	for {
		if !w.strikeNow() {
			return
		}
		p, ok := w.line.pop()
		if !ok || !w.link.sleep(time.Until(p.due)) || !w.link.proxy.passGate(w.link.done) {
			return
		}
		if p.end != nil {
			w.finish(p.end)
			return
		}
		if !w.forward(p.data) {
			return
		}
		w.link.proxy.recycle(p.buf)
	}
}

// strikeNow applies the faults that wait for no further byte. It returns false
// if the link ended.
func (w *way) strikeNow() bool {
	for len(w.faults) > 0 && w.faults[0].at <= w.offset {
		f := w.faults[0]
		switch f.Kind {
		case Cut, Reset:
			strike := w.strike(f)
			w.link.end(f.Kind == Reset, &strike)
			return false
		case HalfClose:
			w.faults = nil // nothing more passes in this direction
			w.drop = true
			w.link.proxy.struck(w.strike(f))
			closeWrite(w.dst)
		default:
			return true
		}
	}
	return true
}

// strikeByte applies the faults that are for the byte at the present offset,
// or for the end of the stream there. It returns false if the link ended.
func (w *way) strikeByte(end bool) bool {
	for {
		if !w.strikeNow() {
			return false
		}
		if len(w.faults) == 0 || w.faults[0].at > w.offset {
			return true
		}
		f := w.faults[0]
		if end && f.Kind != Stall {
			w.faults = w.faults[1:]
			continue
		}
		w.faults = w.faults[1:]
		w.link.proxy.struck(w.strike(f))
		switch f.Kind {
		case Stall:
			if !w.stall(f.For) {
				return false
			}
		case Slow:
			w.slow, w.allowed, w.slowLeft = f, 0, -1
			if f.Bytes > 0 {
				w.slowLeft = f.Bytes
			}
		case Corrupt:
			w.corrupt, w.spoilLeft = f, max(1, f.Bytes)
		}
		if f.again(w.offset) {
			w.faults.add(f)
		}
	}
}

// stall waits. It returns false if the link ended or a peer broke it off.
func (w *way) stall(d time.Duration) bool {
	if d > 0 {
		return w.link.sleep(d)
	}
	select {
	case <-w.link.proxy.releases():
		return true
	case <-w.link.broken:
		w.link.end(true, nil)
	case <-w.link.done:
	}
	return false
}

// finish passes on the end of src's stream.
func (w *way) finish(end error) {
	if w.drop {
		return
	}
	if !errors.Is(end, io.EOF) {
		w.link.end(true, nil)
		return
	}
	if w.strikeByte(true) && !w.drop {
		closeWrite(w.dst)
	}
}

// forward writes data to dst. It returns false if the link ended.
func (w *way) forward(data []byte) bool {
	for len(data) > 0 && !w.drop {
		if !w.strikeByte(false) {
			return false
		}
		if w.drop {
			return true
		}
		n := len(data)
		if len(w.faults) > 0 {
			n = int(min(int64(n), w.faults[0].at-w.offset))
		}
		n, ok := w.pace(n)
		if !ok {
			return false
		}
		if w.spoilLeft > 0 {
			for i := range min(int64(n), w.spoilLeft) {
				data[i] ^= w.corrupt.Mask
				w.spoilLeft--
			}
		}
		w.link.proxy.counters.passed(w.dir, n) // before the receiver can see them
		written, err := w.dst.Write(data[:n])
		w.offset += int64(written)
		if err != nil {
			w.link.proxy.counters.passed(w.dir, written-n)
			w.link.end(true, nil)
			return false
		}
		data = data[n:]
	}
	return true
}

// pace waits as long as the Slow in force wants and returns how many of n
// bytes may pass now.
func (w *way) pace(n int) (int, bool) {
	if w.slow == nil {
		return n, true
	}
	if w.allowed == 0 {
		chunk, pause := w.slow.pace()
		if !w.link.sleep(pause) {
			return 0, false
		}
		w.allowed = chunk
	}
	n = int(min(int64(n), w.allowed))
	if w.slowLeft > 0 {
		n = int(min(int64(n), w.slowLeft))
		w.slowLeft -= int64(n)
		if w.slowLeft == 0 {
			w.slow = nil
		}
	}
	w.allowed -= int64(n)
	return n, true
}
