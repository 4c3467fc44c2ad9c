package memnet

import (
	"io"
	"net"
	"os"
	"sync"
	"syscall"
	"time"
)

// half is one direction of a connection: a bounded byte queue with a writing
// and a reading end. Every wait is on cond, every change broadcasts.
type half struct {
	mu   sync.Mutex
	cond sync.Cond

	queue ring

	writing      bool // a Write is in progress; others wait, so that writes do not mix
	eof          bool // the writing end sends no more
	reset        bool // after what is queued comes ECONNRESET
	writerClosed bool // the writing end was closed by its owner
	readerClosed bool // the reading end was closed by its owner

	readDeadline, writeDeadline deadline
}

func newHalf() *half {
	h := &half{}
	h.cond.L = &h.mu
	return h
}

func (h *half) read(p []byte) (int, error) {
	h.mu.Lock()
	defer h.mu.Unlock()
	for {
		switch {
		case h.readerClosed:
			return 0, net.ErrClosed
		case len(p) == 0:
			return 0, nil
		case h.readDeadline.passed:
			return 0, os.ErrDeadlineExceeded
		case h.queue.n > 0:
			n := h.queue.take(p)
			h.cond.Broadcast()
			return n, nil
		case h.reset:
			return 0, syscall.ECONNRESET
		case h.eof:
			return 0, io.EOF
		}
		h.cond.Wait()
	}
}

// writeError is why a write cannot go on, or nil.
func (h *half) writeError() error {
	switch {
	case h.writerClosed:
		return net.ErrClosed
	case h.writeDeadline.passed:
		return os.ErrDeadlineExceeded
	case h.reset:
		return syscall.ECONNRESET
	case h.eof, h.readerClosed:
		return syscall.EPIPE
	}
	return nil
}

func (h *half) write(p []byte) (int, error) {
	h.mu.Lock()
	defer h.mu.Unlock()
	for h.writing {
		if err := h.writeError(); err != nil {
			return 0, err
		}
		h.cond.Wait()
	}
	h.writing = true
	defer func() {
		h.writing = false
		h.cond.Broadcast()
	}()
	done := 0
	for {
		if err := h.writeError(); err != nil {
			return done, err
		}
		if n := h.queue.put(p[done:]); n > 0 {
			done += n
			h.cond.Broadcast()
		}
		if done == len(p) {
			return done, nil
		}
		h.cond.Wait()
	}
}

// closeWriter is the owner of the writing end closing it.
func (h *half) closeWriter(reset bool) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.writerClosed = true
	h.eof = true
	h.reset = h.reset || reset
	h.writeDeadline.stop()
	h.cond.Broadcast()
}

// closeReader is the owner of the reading end closing it; what is queued is
// dropped. It says whether anything was, and with reset or if so, the writing
// end gets ECONNRESET. ok is false if the end was closed before.
func (h *half) closeReader(reset bool) (unread, ok bool) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.readerClosed {
		return false, false
	}
	unread = h.queue.n > 0
	h.readerClosed = true
	h.reset = h.reset || reset || unread
	h.queue = ring{}
	h.readDeadline.stop()
	h.cond.Broadcast()
	return unread, true
}

// finish is the half close: no more bytes will be written.
func (h *half) finish() error {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.writerClosed {
		return net.ErrClosed
	}
	if h.reset || h.readerClosed {
		return syscall.ENOTCONN
	}
	h.eof = true
	h.cond.Broadcast()
	return nil
}

func (h *half) setReadDeadline(t time.Time) error {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.readerClosed {
		return net.ErrClosed
	}
	h.readDeadline.set(h, t)
	return nil
}

func (h *half) setWriteDeadline(t time.Time) error {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.writerClosed {
		return net.ErrClosed
	}
	h.writeDeadline.set(h, t)
	return nil
}

// deadline is guarded by its half's mutex.
type deadline struct {
	timer  *time.Timer
	passed bool
}

func (d *deadline) stop() {
	if d.timer != nil {
		d.timer.Stop()
		d.timer = nil
	}
}

// set replaces the deadline and wakes whoever waits, who then looks again.
func (d *deadline) set(h *half, t time.Time) {
	d.stop()
	d.passed = false
	if !t.IsZero() {
		wait := time.Until(t)
		if wait <= 0 {
			d.passed = true
		} else {
			var timer *time.Timer
			timer = time.AfterFunc(wait, func() {
				h.mu.Lock()
				defer h.mu.Unlock()
				if d.timer == timer { // else it fired while it was being replaced
					d.passed = true
					h.cond.Broadcast()
				}
			})
			d.timer = timer
		}
	}
	h.cond.Broadcast()
}
