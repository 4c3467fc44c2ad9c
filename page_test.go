package ccr

import (
	"context"
	"errors"
	"iter"
	"slices"
	"sync"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// listOf serves items in pages of a size and notes what was asked for.
type listOf struct {
	items []int
	size  int
	count bool // the vendor says how many pages there are
	fail  int  // the page that fails; 0: none

	mu    sync.Mutex
	asked []int
}

var errPage = errors.New("page refused")

func (l *listOf) fetch(_ context.Context, number int) (Page[int], error) {
	l.mu.Lock()
	l.asked = append(l.asked, number)
	l.mu.Unlock()
	if number == l.fail {
		return Page[int]{}, errPage
	}
	p := Page[int]{Number: number, TotalPages: -1, TotalItems: -1}
	pages := slices.Collect(slices.Chunk(l.items, l.size))
	if l.count {
		p.TotalPages, p.TotalItems = len(pages), len(l.items)
	}
	if number <= len(pages) {
		p.Items = pages[number-1]
	}
	return p, nil
}

func collect[T any](t *testing.T, seq iter.Seq2[T, error]) (out []T, err error) {
	t.Helper()
	for v, e := range seq {
		if e != nil {
			require.NoError(t, err, "an error is the last thing that comes")
			err = e
			continue
		}
		require.NoError(t, err)
		out = append(out, v)
	}
	return out, err
}

func TestPages(t *testing.T) {
	t.Parallel()
	seven := []int{1, 2, 3, 4, 5, 6, 7}
	tests := map[string]struct {
		list  *listOf
		from  int
		want  []int
		asked []int
		err   error
	}{
		"counted":                 {&listOf{items: seven, size: 3, count: true}, 0, seven, []int{1, 2, 3}, nil},
		"not counted":             {&listOf{items: seven, size: 3}, 0, seven, []int{1, 2, 3, 4}, nil},
		"full pages, counted":     {&listOf{items: seven[:6], size: 3, count: true}, 0, seven[:6], []int{1, 2}, nil},
		"full pages, not counted": {&listOf{items: seven[:6], size: 3}, 0, seven[:6], []int{1, 2, 3}, nil},
		"empty, counted":          {&listOf{size: 3, count: true}, 0, nil, []int{1}, nil},
		"empty, not counted":      {&listOf{size: 3}, 0, nil, []int{1}, nil},
		"from a page":             {&listOf{items: seven, size: 3, count: true}, 2, seven[3:], []int{2, 3}, nil},
		"from before the first":   {&listOf{items: seven, size: 3, count: true}, -5, seven, []int{1, 2, 3}, nil},
		"from after the last":     {&listOf{items: seven, size: 3, count: true}, 9, nil, []int{9}, nil},
		"fails at once":           {&listOf{items: seven, size: 3, count: true, fail: 1}, 0, nil, []int{1}, errPage},
		"fails in the middle":     {&listOf{items: seven, size: 3, fail: 2}, 0, seven[:3], []int{1, 2}, errPage},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			list := test.list
			pages := NewPages(list.fetch).From(test.from)
			for range 2 { // ranging again starts again
				list.asked = nil
				got, err := collect(t, pages.All(t.Context()))
				require.ErrorIs(t, err, test.err)
				assert.Equal(t, test.want, got)
				assert.Equal(t, test.asked, list.asked, "no page more than needed")
			}
		})
	}
}

// A page without items in the middle does not end a counted list.
func TestPagesHole(t *testing.T) {
	t.Parallel()
	pages := NewPages(func(_ context.Context, number int) (Page[int], error) {
		p := Page[int]{Number: number, TotalPages: 3, TotalItems: -1}
		if number != 2 {
			p.Items = []int{number}
		}
		return p, nil
	})
	got, err := collect(t, pages.All(t.Context()))
	require.NoError(t, err)
	assert.Equal(t, []int{1, 3}, got)
	byPage, err := collect(t, pages.ByPage(t.Context()))
	require.NoError(t, err)
	assert.Len(t, byPage, 3)
}

func TestPagesBreak(t *testing.T) {
	t.Parallel()
	list := listOf{items: []int{1, 2, 3, 4, 5}, size: 2, count: true}
	pages := NewPages(list.fetch)
	for item, err := range pages.All(t.Context()) {
		require.NoError(t, err)
		if item == 3 {
			break
		}
	}
	assert.Equal(t, []int{1, 2}, list.asked)
	for range pages.ByPage(t.Context()) {
		break
	}
	assert.Equal(t, []int{1, 2, 1}, list.asked)
	p, err := pages.Page(t.Context(), 3)
	require.NoError(t, err)
	assert.Equal(t, []int{5}, p.Items)
}

func TestPagesOf(t *testing.T) {
	t.Parallel()
	got, err := collect(t, PagesOf("a", "b").All(t.Context()))
	require.NoError(t, err)
	assert.Equal(t, []string{"a", "b"}, got)
	got, err = collect(t, PagesOf[string]().All(t.Context()))
	require.NoError(t, err)
	assert.Empty(t, got)
	p, err := PagesOf("a", "b").Page(t.Context(), 1)
	require.NoError(t, err)
	assert.Equal(t, Page[string]{Items: []string{"a", "b"}, Number: 1, TotalPages: 1, TotalItems: 2}, p)
	p, err = PagesOf("a").Page(t.Context(), 2)
	require.NoError(t, err)
	assert.Empty(t, p.Items)
}

// One Pages ranged over by many at a time: each sees all of it.
func TestPagesConcurrently(t *testing.T) {
	t.Parallel()
	list := listOf{items: []int{1, 2, 3, 4, 5}, size: 2}
	pages := NewPages(list.fetch)
	var wg sync.WaitGroup
	for range 8 {
		wg.Go(func() {
			sum := 0
			for item, err := range pages.All(t.Context()) {
				assert.NoError(t, err)
				sum += item
			}
			assert.Equal(t, 15, sum)
		})
	}
	wg.Wait()
}
