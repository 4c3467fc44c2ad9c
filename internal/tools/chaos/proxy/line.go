package proxy

import (
	"sync"
	"time"
)

// parcel is bytes on their way, or the end of the stream.
type parcel struct {
	data []byte
	buf  *buffer // what data is in, to be used again; nil if its own
	end  error   // io.EOF or what else ended the sender's stream; then data is nil
	due  time.Time
}

// line is the queue between the reader and the writer of one direction: with
// latency, it is the delay line.
type line struct {
	mu      sync.Mutex
	cond    sync.Cond
	parcels []parcel
	bytes   int
	closed  bool
}

func newLine() *line {
	l := &line{}
	l.cond.L = &l.mu
	return l
}

// push waits until fewer than limit bytes are queued. It returns false if the
// line was closed.
func (l *line) push(p parcel, limit int) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	for !l.closed && l.bytes >= limit {
		l.cond.Wait()
	}
	if l.closed {
		return false
	}
	l.parcels = append(l.parcels, p)
	l.bytes += len(p.data)
	l.cond.Broadcast()
	return true
}

// pop waits for a parcel. It returns false if the line was closed.
func (l *line) pop() (parcel, bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for !l.closed && len(l.parcels) == 0 {
		l.cond.Wait()
	}
	if l.closed {
		return parcel{}, false
	}
	p := l.parcels[0]
	l.parcels[0] = parcel{} // the slice keeps no bytes alive
	l.parcels = l.parcels[1:]
	l.bytes -= len(p.data)
	l.cond.Broadcast()
	return p, true
}

func (l *line) close() {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.closed = true
	l.parcels = nil
	l.cond.Broadcast()
}
