package engine

import (
	"context"
	"errors"
	"fmt"
	"io"
	"sync"

	"github.com/ccr-sdk/ccr"
)

// The transfer engine. pkg/sftp's own ReadFrom and WriteTo are not used:
// after a failed write the one leaves holes, and the other drops bytes when a
// server answers a read with less than was asked for.
//
// Both directions keep a contiguous high-water mark: every byte below it has
// been acknowledged (up) or written in order (down). An upload never sends a
// byte that is more than a window above the mark. So whatever a remote file's
// size is, everything more than a window below it is known to be there, even
// if the process that sent it is gone: that is what a resume relies on.

// maxSend is the largest write request of a large file. The smaller they are,
// the more evenly a full window moves over a long distance (measured: 2 % at
// 20 ms, against requests twice as large); still smaller ones cost time on
// short ones.
const maxSend = 128 << 10

// mark is the contiguous high-water mark of an upload.
type mark struct {
	mu     sync.Mutex
	high   int64
	beyond map[int64]int64 // acknowledged ranges above high: start to end
	report func(high int64)
	moved  chan struct{} // has one element after a move
	closed bool          // the call is over: nothing is reported any more
}

// ack notes that [from, to) is acknowledged.
func (m *mark) ack(from, to int64) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.closed {
		return
	}
	if from != m.high {
		m.beyond[from] = to
		return
	}
	for ok := true; ok; to, ok = m.beyond[m.high] {
		delete(m.beyond, m.high)
		m.high = to
	}
	if m.report != nil {
		m.report(m.high)
	}
	select {
	case m.moved <- struct{}{}:
	default:
	}
}

func (m *mark) at() int64 {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.high
}

func (m *mark) close() int64 {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.closed = true
	return m.high
}

// Send writes src, which stands at from, to the lanes. It returns the mark;
// pending is done when no goroutine uses the lanes any more, which Send does
// not wait for after a failure: a server may never answer the rest.
func (b *Buffers) Send(ctx context.Context, lanes []*File, src io.Reader, from, size int64, report func(int64), pending *sync.WaitGroup) (int64, error) {
	chunk := maxSend
	for _, l := range lanes {
		chunk = min(chunk, l.ch.write)
	}
	m := &mark{high: from, beyond: map[int64]int64{}, report: report, moved: make(chan struct{}, 1)}
	ctx, stop := context.WithCancelCause(ctx)
	defer stop(nil)
	var flying sync.WaitGroup
	window := int64(InFlight * len(lanes))
	err := func() error {
		for i, off := 0, from; off < size; i++ {
			n := int(min(int64(chunk), size-off))
			for off+int64(n) > m.at()+window {
				select {
				case <-m.moved:
				case <-ctx.Done():
					return context.Cause(ctx)
				}
			}
			l := lanes[i%len(lanes)]
			if err := l.ch.budget.take(ctx, n); err != nil {
				return err
			}
			buf := b.Get(n)
			if err := ReadFull(src, buf); err != nil {
				l.ch.budget.give(n)
				return err
			}
			at := off
			flying.Add(1)
			pending.Add(1)
			go func() {
				defer pending.Done()
				defer flying.Done()
				err := l.WriteAt(buf, at)
				b.Put(buf)
				l.ch.budget.give(n)
				if err != nil {
					stop(err)
					return
				}
				m.ack(at, at+int64(n))
			}()
			off += int64(n)
		}
		return nil
	}()
	landed := make(chan struct{})
	go func() { flying.Wait(); close(landed) }()
	select {
	case <-landed:
		if err == nil {
			err = context.Cause(ctx)
		}
	case <-ctx.Done(): // refused, lost or cancelled: what is under way does not matter any more
		err = context.Cause(ctx)
	}
	return m.close(), err
}

// IsRefusal reports whether the server answered with a status.
func IsRefusal(err error) bool { _, ok := StatusCode(err); return ok }

// ReadFull fills buf; a source that ends before is one that changed.
func ReadFull(src io.Reader, buf []byte) error {
	_, err := io.ReadFull(src, buf)
	if errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) {
		return fmt.Errorf("%w: it became shorter", ccr.ErrFileChanged)
	}
	return err
}

// part is one request of a download.
type part struct {
	buf  []byte
	lane *File
	done chan error
}

// Fetch reads [from, size) from the lanes and writes it to w in order. It
// returns how far it got: everything below that is in w.
func (b *Buffers) Fetch(ctx context.Context, lanes []*File, w io.Writer, from, size int64, report func(int64), pending *sync.WaitGroup) (int64, error) {
	chunk := lanes[0].ch.read
	for _, l := range lanes {
		chunk = min(chunk, l.ch.read)
	}
	depth := max(1, InFlight/chunk) * len(lanes)
	var queue []*part // oldest first
	high, next := from, from
	drop := func() { // what is left of the queue is never written
		for _, p := range queue {
			go func() {
				<-p.done
				p.lane.ch.budget.give(len(p.buf))
			}()
		}
	}
	for i := 0; high < size; {
		for next < size && len(queue) < depth {
			n := int(min(int64(chunk), size-next))
			l := lanes[i%len(lanes)]
			// Only this goroutine returns its share of the budget, and only by
			// writing. So never block on the budget while a chunk is ready to be
			// written: that would deadlock.
			if len(queue) > 0 {
				if !l.ch.budget.try(n) {
					break
				}
			} else if err := l.ch.budget.take(ctx, n); err != nil {
				return high, err
			}
			p := &part{buf: b.Get(n), lane: l, done: make(chan error, 1)}
			at := next
			pending.Add(1)
			go func() {
				defer pending.Done()
				_, err := l.ReadAt(p.buf, at)
				p.done <- err
			}()
			queue = append(queue, p)
			next += int64(n)
			i++
		}
		p := queue[0]
		var err error
		select {
		case err = <-p.done:
		case <-ctx.Done():
			drop()
			return high, context.Cause(ctx)
		}
		queue = queue[1:]
		if IsStatus(err, StatusEOF) {
			err = fmt.Errorf("%w: it became shorter", ErrRemoteChanged)
		}
		if err == nil {
			_, err = w.Write(p.buf)
			if err != nil {
				err = &LocalError{err}
			}
		}
		n := len(p.buf)
		p.lane.ch.budget.give(n)
		b.Put(p.buf)
		if err != nil {
			drop()
			return high, err
		}
		high += int64(n)
		if report != nil {
			report(high)
		}
	}
	return high, nil
}
