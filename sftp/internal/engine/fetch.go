package engine

import (
	"context"
	"fmt"
	"io"
)

// Extent is what is known of a remote file before it is read.
type Extent struct {
	From int64 // where reading starts
	Size int64 // what the server said; -1: nothing, or nothing that can be
	Max  int64 // the file may not have more; 0: no bound
}

// probe is what is asked for behind the size that the server said, together
// with the last data: the answer that the file ends there.
const probe = 4 << 10

// part is one request of a download.
type part struct {
	off  int64
	buf  []byte
	lane *File
	n    int // bytes that came
	done chan error
}

// fetching is one Fetch.
type fetching struct {
	b     *Buffers
	lanes *Lanes
	w     io.Writer
	from  int64
	said  int64 // where the file should end; from: nobody knows
	known bool
	max   int64
	chunk int64

	queue []*part // oldest first
	high  int64   // everything below is written
	next  int64   // offset of the next request
}

// Fetch reads from the lanes to the end of the file, whatever size the server
// said, and writes it to w in order. It returns how far it got: everything
// below that is in w.
func (b *Buffers) Fetch(ctx context.Context, lanes *Lanes, w io.Writer, e Extent, report func(int64)) (int64, error) {
	f := &fetching{
		b: b, lanes: lanes, w: w, from: e.From, said: max(e.Size, e.From), known: e.Size >= 0, max: e.Max,
		chunk: int64(lanes.first().ch.read), high: e.From, next: e.From,
	}
	for {
		if err := f.ask(ctx); err != nil {
			f.abandon()
			return f.high, err
		}
		ended, err := f.oldest(ctx)
		if err == nil && report != nil {
			report(f.high)
		}
		if err == nil && ended {
			err = f.drain(ctx)
		}
		if err != nil || ended {
			f.abandon()
			return f.high, err
		}
	}
}

// limit is how far requests may go: to the size that the server said and a
// little further; behind it as far again as it has brought already.
func (f *fetching) limit() int64 {
	switch {
	case f.high > f.said:
		return f.high + max(f.chunk, f.high-f.said)
	case f.known:
		return f.said + min(probe, f.chunk)
	}
	return f.said + f.chunk
}

// size is what the next request asks for; 0: there is none yet.
func (f *fetching) size() int {
	end := f.limit()
	if f.next < f.said {
		end = f.said
	}
	return int(min(f.chunk, end-f.next))
}

// ask sends what may be sent now.
func (f *fetching) ask(ctx context.Context) error {
	for n := f.size(); n > 0; n = f.size() {
		// Only this goroutine returns its share of the budget, and only by
		// writing. So never block on the budget while a part is ready to be
		// written: that would deadlock.
		lane := f.lanes.try(n)
		if lane == nil && len(f.queue) > 0 {
			return nil
		}
		if lane == nil {
			var err error
			if lane, err = f.lanes.take(ctx, n); err != nil {
				return err
			}
		}
		p := &part{off: f.next, buf: f.b.Get(n), lane: lane}
		f.start(p)
		f.queue = append(f.queue, p)
		f.next += int64(n)
	}
	return nil
}

func (f *fetching) start(p *part) {
	p.done = make(chan error, 1)
	f.lanes.pending.Add(1)
	go func() {
		defer f.lanes.pending.Done()
		var err error
		p.n, err = p.lane.ReadAt(p.buf, p.off)
		p.done <- err
	}()
}

// oldest waits for the oldest request and writes what it brought. true: the
// file ends there.
func (f *fetching) oldest(ctx context.Context) (ended bool, err error) {
	p := f.queue[0]
	select {
	case err = <-p.done:
	case <-f.lanes.joined:
		return false, nil // more may be asked for
	case <-ctx.Done():
		return false, context.Cause(ctx)
	}
	if IsRefusal(err) && !IsStatus(err, StatusEOF) && f.lanes.drop(p.lane) {
		// A further lane that the server does not serve: the first has to do.
		p.lane.ch.budget.give(len(p.buf))
		p.lane = f.lanes.first()
		p.lane.ch.budget.force(len(p.buf))
		f.start(p)
		return false, nil
	}
	f.queue = f.queue[1:]
	defer f.release(p)
	ended = IsStatus(err, StatusEOF)
	if !ended && f.known && p.off == f.said && p.n == 0 && IsRefusal(err) {
		ended = true // some servers refuse to read behind the end
	}
	if err != nil && !ended {
		return false, err
	}
	if f.max > 0 && p.off+int64(p.n) > f.max {
		return false, fmt.Errorf("%w: it has more than %d bytes", ErrTooLarge, f.max)
	}
	if _, err := f.w.Write(p.buf[:p.n]); err != nil {
		return false, &LocalError{err}
	}
	f.high += int64(p.n)
	return ended, nil
}

// drain waits for what was asked for behind the end. Data there means that
// the file is still growing.
func (f *fetching) drain(ctx context.Context) error {
	for _, p := range f.queue {
		select {
		case err := <-p.done:
			p.done <- err
		case <-ctx.Done():
			return context.Cause(ctx)
		}
		if p.n > 0 {
			return fmt.Errorf("%w: it became longer", ErrRemoteChanged)
		}
	}
	return nil
}

func (f *fetching) release(p *part) {
	p.lane.ch.budget.give(len(p.buf))
	f.b.Put(p.buf)
}

// abandon gives the rest of the queue back as soon as nothing uses it.
func (f *fetching) abandon() {
	for _, p := range f.queue {
		go func() {
			<-p.done
			f.release(p)
		}()
	}
	f.queue = nil
}
