package ccr_test

import (
	"context"
	"errors"
	"strconv"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/ccr-sdk/ccr"
)

// slowList has pages of two numbers, each taking a second; it tells how many
// were in flight at most.
func slowList(pages int, counted bool, most *atomic.Int64) *ccr.Pages[int] {
	var now atomic.Int64
	return ccr.NewPages(func(ctx context.Context, number int) (ccr.Page[int], error) {
		n := now.Add(1)
		defer now.Add(-1)
		for {
			m := most.Load()
			if n <= m || most.CompareAndSwap(m, n) {
				break
			}
		}
		select {
		case <-time.After(time.Second):
		case <-ctx.Done():
			return ccr.Page[int]{}, context.Cause(ctx)
		}
		p := ccr.Page[int]{Number: number, TotalPages: -1, TotalItems: -1, Fingerprint: strconv.Itoa(number)}
		if counted {
			p.TotalPages = pages
		}
		if number <= pages {
			p.Items = []int{2 * number, 2*number + 1}
		}
		return p, nil
	})
}

func TestReadAhead(t *testing.T) {
	t.Parallel()
	cases := []struct {
		name    string
		ahead   int
		counted bool
		from    int
		most    int64
		took    time.Duration
	}{
		{"one after the other", 0, true, 1, 1, 12 * time.Second},
		{"four in flight", 4, true, 1, 4, 4 * time.Second},
		{"from the middle", 4, true, 8, 4, 2 * time.Second},
		{"more than there are", 100, true, 1, 11, 2 * time.Second},
		{"a vendor that does not count", 4, false, 1, 1, 13 * time.Second},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				var most atomic.Int64
				list := slowList(12, c.counted, &most).ReadAhead(c.ahead).From(c.from)
				start := time.Now()
				var got []int
				for n, err := range list.All(t.Context()) {
					require.NoError(t, err)
					got = append(got, n)
				}
				require.Len(t, got, 2*(13-c.from))
				for i, n := range got {
					require.Equal(t, 2*c.from+i, n, "order")
				}
				assert.Equal(t, c.took, time.Since(start))
				assert.Equal(t, c.most, most.Load())
			})
		})
	}
}

func TestReadAheadLeavesNothingRunning(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var most atomic.Int64
		for n, err := range slowList(100, true, &most).ReadAhead(8).All(t.Context()) {
			require.NoError(t, err)
			if n == 5 {
				break
			}
		}
		// A goroutine that outlived the range would fail the bubble.
		assert.Equal(t, int64(8), most.Load())
	})
}

func TestReadAheadDeliversErrorsInOrder(t *testing.T) {
	t.Parallel()
	boom := errors.New("boom")
	list := ccr.NewPages(func(_ context.Context, number int) (ccr.Page[int], error) {
		if number == 3 {
			return ccr.Page[int]{}, boom
		}
		return ccr.Page[int]{Number: number, TotalPages: 9, Items: []int{number}}, nil
	})
	var got []int
	var failed error
	for n, err := range list.ReadAhead(4).All(t.Context()) {
		if err != nil {
			failed = err
			continue
		}
		got = append(got, n)
	}
	assert.Equal(t, []int{1, 2}, got)
	assert.ErrorIs(t, failed, boom)
}

func TestRepeatedPageEndsTheRange(t *testing.T) {
	t.Parallel()
	for _, ahead := range []int{0, 3} {
		list := ccr.NewPages(func(_ context.Context, number int) (ccr.Page[int], error) {
			return ccr.Page[int]{Number: number, TotalPages: 50, Items: []int{1}, Fingerprint: "same"}, nil
		})
		n := 0
		var failed error
		for _, err := range list.ReadAhead(ahead).All(t.Context()) {
			if err != nil {
				failed = err
				break
			}
			n++
		}
		assert.Equal(t, 1, n)
		assert.ErrorIs(t, failed, ccr.ErrPageRepeated)
	}
}
