package ccr

import (
	"context"
	"errors"
	"iter"
)

// Page is one page of a list.
type Page[T any] struct {
	Items      []T // in the vendor's order
	Number     int // 1 for the first
	TotalPages int // -1 if the vendor did not say
	TotalItems int // -1 if the vendor did not say
	// Mark tells the content of pages apart, "" if nothing does: two pages in
	// a row with the same one end the range with [ErrPageRepeated].
	Mark string
}

// Pages is a list that is fetched page by page while it is ranged over.
// Ranging again starts again. It is safe for concurrent use.
type Pages[T any] struct {
	fetch func(ctx context.Context, number int) (Page[T], error)
	start int
	ahead int // pages in flight; below 2: one after the other
}

// ErrPageRepeated: the vendor answered a page with the items of the one
// before, so going on would never end.
var ErrPageRepeated = errors.New("ccr: the vendor returned the same page twice")

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
		mark := ""
		for number := p.start; ; number++ {
			page, err := next.read(number)
			if err == nil && page.Mark != "" && page.Mark == mark {
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
			mark = page.Mark
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
