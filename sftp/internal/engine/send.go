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
	flying int             // writes that are not acknowledged
	beyond map[int64]int64 // acknowledged ranges above high: start to end
	report func(high int64)
	moved  chan struct{} // has one element after a write ended
	closed bool          // the call is over: nothing is reported any more
}

// ack notes that [from, to) is acknowledged.
func (m *mark) ack(from, to int64) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.closed {
		return
	}
	m.beyond[from] = to
	before := m.high
	for to, ok := m.beyond[m.high]; ok; to, ok = m.beyond[m.high] {
		delete(m.beyond, m.high)
		m.high = to
	}
	if m.report != nil && m.high > before {
		m.report(m.high)
	}
}

// begin counts a write; ended ends that.
func (m *mark) begin() {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.flying++
}

func (m *mark) ended() {
	m.mu.Lock()
	m.flying--
	m.mu.Unlock()
	select {
	case m.moved <- struct{}{}:
	default:
	}
}

func (m *mark) at() (high int64, flying int) {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.high, m.flying
}

func (m *mark) close() int64 {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.closed = true
	return m.high
}

// sending is one Send.
type sending struct {
	b     *Buffers
	lanes *Lanes
	mark  *mark
	size  int64
	stop  context.CancelCauseFunc
}

// Send writes src, which stands at from, to the lanes: on each of them in
// order of offset. It returns the mark. After a failure it does not wait for
// what is under way: a server may never answer that. Lanes.Close does.
func (b *Buffers) Send(ctx context.Context, lanes *Lanes, src io.Reader, from, size int64, report func(int64)) (int64, error) {
	ctx, stop := context.WithCancelCause(ctx)
	defer stop(nil)
	s := &sending{b: b, lanes: lanes, size: size, stop: stop, mark: &mark{
		high: from, beyond: map[int64]int64{}, report: report, moved: make(chan struct{}, 1),
	}}
	chunk := int64(min(maxSend, lanes.first().ch.write))
	var err error
	for off := from; off < size && err == nil; off += chunk {
		err = s.chunk(ctx, src, off, int(min(chunk, size-off)))
	}
	for err == nil {
		if _, flying := s.mark.at(); flying == 0 {
			break
		}
		err = s.wait(ctx)
	}
	if ctx.Err() != nil { // refused, lost or cancelled
		err = context.Cause(ctx)
	}
	return s.mark.close(), err
}

func (s *sending) wait(ctx context.Context) error {
	select {
	case <-s.mark.moved:
	case <-s.lanes.joined:
	case <-ctx.Done():
		return context.Cause(ctx)
	}
	return nil
}

// lane waits until n bytes at off may be sent, and says on which lane.
func (s *sending) lane(ctx context.Context, off int64, n int) (*File, error) {
	for {
		if ctx.Err() != nil {
			return nil, context.Cause(ctx)
		}
		high, flying := s.mark.at()
		if off+int64(n) <= high+int64(s.lanes.window()) {
			if flying == 0 { // only others' requests can be in the way
				return s.lanes.take(ctx, n)
			}
			if f := s.lanes.try(n); f != nil {
				return f, nil
			}
		}
		if err := s.wait(ctx); err != nil {
			return nil, err
		}
	}
}

func (s *sending) chunk(ctx context.Context, src io.Reader, off int64, n int) error {
	f, err := s.lane(ctx, off, n)
	if err != nil {
		return err
	}
	buf := s.b.Get(n)
	if err := ReadFull(src, buf); err != nil {
		f.ch.budget.give(n)
		s.b.Put(buf)
		return err
	}
	s.mark.begin()
	s.lanes.pending.Add(1)
	f.startWrite(ctx, buf, off, func(err error) {
		defer s.lanes.pending.Done()
		s.b.Put(buf)
		f.ch.budget.give(n)
		if err != nil {
			s.stop(err)
		} else {
			s.mark.ack(off, off+int64(n))
		}
		s.mark.ended()
	})
	return nil
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
