package ccr_test

import (
	"context"
	"errors"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/ccr-sdk/ccr"
)

// endsAfter is a poller that takes a second to look and ends at a look.
func endsAfter(looks int, v string, now, most *atomic.Int64) *ccr.Poller[string] {
	seen := 0
	return ccr.NewPoller(v, func(context.Context) (ccr.PollState[string], error) {
		if n := now.Add(1); n > most.Load() {
			most.Store(n)
		}
		defer now.Add(-1)
		<-time.After(time.Second)
		seen++
		s := ccr.PollState[string]{Value: v, Done: seen >= looks}
		if s.Done && v == "bad" {
			s.Err = errors.New("ended badly")
		}
		return s, nil
	})
}

func TestWaitAll(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var now, most atomic.Int64
		pollers := []*ccr.Poller[string]{
			endsAfter(6, "slow", &now, &most), endsAfter(1, "quick", &now, &most),
			endsAfter(2, "bad", &now, &most), endsAfter(4, "middling", &now, &most),
		}
		var order []int
		for i, w := range ccr.WaitAll(t.Context(), 2, pollers...) {
			order = append(order, i)
			if i == 2 {
				assert.EqualError(t, w.Err, "ended badly")
				assert.Equal(t, "bad", w.Value)
				continue
			}
			require.NoError(t, w.Err)
			assert.Equal(t, pollers[i].ResumeToken(), w.Value)
		}
		assert.Equal(t, []int{1, 2, 3, 0}, order)
		assert.LessOrEqual(t, most.Load(), int64(2))
	})
}

func TestWaitAllLeftEarly(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var now, most atomic.Int64
		never := endsAfter(1<<30, "never", &now, &most)
		start := time.Now()
		for i := range ccr.WaitAll(t.Context(), 0, never, endsAfter(1, "quick", &now, &most)) {
			assert.Equal(t, 1, i)
			break
		}
		assert.Less(t, time.Since(start), 5*time.Second)
	})
}

func TestPollerRemembersAFailedEnd(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var now, most atomic.Int64
		p := endsAfter(2, "bad", &now, &most)
		_, err := p.Poll(t.Context())
		require.NoError(t, err, "not terminal yet")
		for range 2 {
			v, err := p.Wait(t.Context())
			require.EqualError(t, err, "ended badly")
			assert.Equal(t, "bad", v)
		}
		_, err = p.Poll(t.Context())
		require.EqualError(t, err, "ended badly")
		assert.True(t, p.Done())
	})
}
