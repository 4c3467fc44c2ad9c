package ccr

import (
	"context"
	"sync"
)

// ReadAhead returns the same list read with up to n pages in flight, which
// saves waiting where the vendor is far away. Pages are delivered in order,
// and an error only after the pages before it. The first page is fetched
// alone, since it says how many there are; a list whose vendor does not count
// its pages is read one page after the other. At most n pages beyond the one
// that is being used are held in memory. n below 2 switches it off.
func (p *Pages[T]) ReadAhead(n int) *Pages[T] {
	c := *p
	c.ahead = n
	return &c
}

// pageReader fetches consecutive pages for one range.
type pageReader[T any] struct {
	list   *Pages[T]
	ctx    context.Context
	cancel context.CancelFunc
	wg     sync.WaitGroup
	queue  []chan fetched[T] // in flight or arrived, in order
	next   int               // number of the next page to ask for
	total  int
}

type fetched[T any] struct {
	page Page[T]
	err  error
}

func (p *Pages[T]) reader(ctx context.Context) *pageReader[T] {
	r := &pageReader[T]{list: p, ctx: ctx, total: -1}
	if p.ahead > 1 {
		r.ctx, r.cancel = context.WithCancel(ctx)
	}
	return r
}

// close ends fetches that nobody waits for any more.
func (r *pageReader[T]) close() {
	if r.cancel != nil {
		r.cancel()
		r.wg.Wait()
	}
}

// read returns a page; numbers come one after the other.
func (r *pageReader[T]) read(number int) (Page[T], error) {
	var f fetched[T]
	if len(r.queue) > 0 {
		f = <-r.queue[0]
		r.queue = r.queue[1:]
	} else {
		f.page, f.err = r.list.fetch(r.ctx, number)
		r.next = number + 1
	}
	if f.err != nil || r.cancel == nil {
		return f.page, f.err
	}
	r.total = f.page.TotalPages
	for len(r.queue) < r.list.ahead && r.next <= r.total {
		ch, n := make(chan fetched[T], 1), r.next
		r.next++
		r.queue = append(r.queue, ch)
		r.wg.Go(func() {
			page, err := r.list.fetch(r.ctx, n)
			ch <- fetched[T]{page, err}
		})
	}
	return f.page, nil
}
