package ccr

import (
	"context"
	"iter"
	"sync"
)

// Page is one page of a list.
type Page[T any] struct {
	Items      []T // in the vendor's order
	Number     int // 1 for the first
	TotalPages int // -1 if the vendor did not say
	TotalItems int // -1 if the vendor did not say
	// Fingerprint identifies the page's content; "" disables the check. Two
	// consecutive pages with the same one end the range with [ErrPageRepeated].
	Fingerprint string
}

// Pages is a list that is fetched page by page while it is ranged over.
// Ranging again starts again. It is safe for concurrent use.
type Pages[T any] struct {
	fetch func(ctx context.Context, number int) (Page[T], error)
	start int
	ahead int // pages in flight; below 2: one after the other
}

// NewPages makes a list from a function that fetches the page with a number,
// counted from 1. The list ends at the last page the vendor counts or, if it
// does not count, at the first page without items.
func NewPages[T any](fetch func(ctx context.Context, number int) (Page[T], error)) *Pages[T] {
	return &Pages[T]{fetch: fetch, start: 1}
}

// PagesOf makes a list of one page from items, for test doubles.
func PagesOf[T any](items ...T) *Pages[T] {
	return NewPages(func(_ context.Context, number int) (Page[T], error) {
		p := Page[T]{Number: number, TotalPages: 1, TotalItems: len(items)}
		if number == 1 {
			p.Items = items
		}
		return p, nil
	})
}

// From returns the same list starting at a page, to resume a listing; pages
// are counted from 1.
func (p *Pages[T]) From(number int) *Pages[T] {
	c := *p
	c.start = max(number, 1)
	return &c
}

// Page fetches one page.
func (p *Pages[T]) Page(ctx context.Context, number int) (Page[T], error) {
	return p.fetch(ctx, number)
}

// ByPage ranges over the pages. An error ends the range.
func (p *Pages[T]) ByPage(ctx context.Context) iter.Seq2[Page[T], error] {
	return func(yield func(Page[T], error) bool) {
		next := p.reader(ctx)
		defer next.close()
		previous := ""
		for number := p.start; ; number++ {
			page, err := next.read(number)
			if err == nil && page.Fingerprint != "" && page.Fingerprint == previous {
				err = ErrPageRepeated
			}
			if err != nil {
				yield(Page[T]{Number: number}, err)
				return
			}
			if len(page.Items) == 0 && (page.TotalPages < 0 || number > page.TotalPages) {
				return
			}
			if !yield(page, nil) || (page.TotalPages >= 0 && number >= page.TotalPages) {
				return
			}
			previous = page.Fingerprint
		}
	}
}

// All ranges over the items of all pages. An error ends the range.
func (p *Pages[T]) All(ctx context.Context) iter.Seq2[T, error] {
	return func(yield func(T, error) bool) {
		for page, err := range p.ByPage(ctx) {
			if err != nil {
				var zero T
				yield(zero, err)
				return
			}
			for _, item := range page.Items {
				if !yield(item, nil) {
					return
				}
			}
		}
	}
}

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
