package gateway

import (
	"errors"
	"io"
	"sync"
)

const (
	aheadBlock  = 96 << 10
	aheadBlocks = 3
)

// readAhead reads a source on a goroutine of its own, so that reading and
// encoding a file overlap with encrypting and sending it. The goroutine begins
// at the first Read and closes the source at its end.
type readAhead struct {
	src io.ReadCloser

	mu      sync.Mutex // of the next two
	started bool
	closed  bool

	full  chan block
	empty chan []byte
	done  chan struct{} // closed by Close
	cur   block
	rest  []byte // of cur that was not delivered yet
}

type block struct {
	b   []byte
	err error // behind b
}

var errBodyClosed = errors.New("the body is closed")

func newReadAhead(src io.ReadCloser) *readAhead { return &readAhead{src: src} }

// start begins reading unless Close was faster.
func (r *readAhead) start() error {
	r.mu.Lock()
	defer r.mu.Unlock()
	switch {
	case r.closed:
		return errBodyClosed
	case r.started:
		return nil
	}
	r.started = true
	r.full, r.empty, r.done = make(chan block, aheadBlocks), make(chan []byte, aheadBlocks), make(chan struct{})
	for range aheadBlocks {
		r.empty <- nil // made when needed: most uploads are small
	}
	go r.run()
	return nil
}

func (r *readAhead) run() {
	defer r.src.Close() //nolint:errcheck // read only; a fault of it was told by Read
	for {
		var b []byte
		select {
		case b = <-r.empty:
		case <-r.done:
			return
		}
		if b == nil {
			b = make([]byte, aheadBlock)
		}
		n, err := r.fill(b[:aheadBlock])
		r.full <- block{b[:n], err} // there is room: no more blocks than that exist
		if err != nil {
			return
		}
	}
}

// fill reads until a block is full, the source ends or Close was called.
func (r *readAhead) fill(b []byte) (n int, err error) {
	for n < len(b) && err == nil {
		select {
		case <-r.done:
			return n, errBodyClosed
		default:
		}
		var m int
		m, err = r.src.Read(b[n:])
		n += m
	}
	return n, err
}

// Read implements io.Reader.
func (r *readAhead) Read(p []byte) (int, error) {
	for len(r.rest) == 0 {
		if r.cur.err != nil {
			return 0, r.cur.err
		}
		if err := r.start(); err != nil {
			return 0, err
		}
		if r.cur.b != nil {
			r.empty <- r.cur.b
			r.cur.b = nil
		}
		select {
		case r.cur = <-r.full:
			r.rest = r.cur.b
		case <-r.done:
			return 0, errBodyClosed
		}
	}
	n := copy(p, r.rest)
	r.rest = r.rest[n:]
	return n, nil
}

// Close implements io.Closer. It does not wait for a source that hangs.
func (r *readAhead) Close() error {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.closed {
		return nil
	}
	r.closed = true
	if r.started {
		close(r.done)
		return nil
	}
	return r.src.Close()
}
