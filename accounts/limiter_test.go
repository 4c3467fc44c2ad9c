package accounts

import (
	"context"
	"io"
	"math/rand/v2"
	"net/http"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/ccr-sdk/ccr"
	"github.com/ccr-sdk/ccr/auth"
)

// strictServer answers 403 to a 21st request in any 60 seconds, by when it
// receives them; the first one is under way for a while.
type strictServer struct {
	late time.Duration

	mu      sync.Mutex
	seen    []time.Time
	refused int
}

func (s *strictServer) RoundTrip(r *http.Request) (*http.Response, error) {
	io.Copy(io.Discard, r.Body) //nolint:errcheck // bytes in memory
	r.Body.Close()
	s.mu.Lock()
	delay := time.Duration(rand.Int64N(int64(20 * time.Millisecond)))
	if s.late > 0 {
		delay, s.late = s.late, 0
	}
	s.mu.Unlock()
	time.Sleep(delay)
	s.mu.Lock()
	defer s.mu.Unlock()
	now, status, recent := time.Now(), http.StatusAccepted, 0
	for _, at := range s.seen {
		if now.Sub(at) <= time.Minute {
			recent++
		}
	}
	if recent >= 20 {
		status = http.StatusForbidden
		s.refused++
	}
	s.seen = append(s.seen, now)
	return &http.Response{StatusCode: status, Header: http.Header{}, Body: io.NopCloser(strings.NewReader("{}")), Request: r}, nil
}

// TestDefaultLimit: a vendor that counts strictly, and receives our first
// request up to two seconds late, never has a reason to refuse one.
func TestDefaultLimit(t *testing.T) {
	t.Parallel()
	cred, err := auth.NewStaticBearer(ccr.NewSecret("not-a-real-token"))
	require.NoError(t, err)
	for run := range 200 {
		synctest.Test(t, func(t *testing.T) {
			server := &strictServer{late: time.Duration(run+1) * 10 * time.Millisecond}
			c, err := NewClient(cred, ccr.WithHTTPClient(&http.Client{Transport: server}), ccr.WithRetry(ccr.RetryPolicy{MaxAttempts: 1}))
			require.NoError(t, err)
			var wg sync.WaitGroup
			for range 45 {
				wg.Go(func() {
					_, err := c.UpsertClaims(t.Context(), ClaimBatch{ReferenceID: "r", Claims: []Claim{{ClaimNumber: "1", Status: StatusActive}}})
					assert.NoError(t, err)
				})
			}
			wg.Wait()
			require.Zero(t, server.refused)
			require.Len(t, server.seen, 45)
		})
	}
}

// TestLimiterQueue: calls go in their order, one whose context ends takes
// nothing, and one that cannot be in time does not wait.
func TestLimiterQueue(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		l, start := newLimiter(), time.Now()
		for range defaultRate {
			require.NoError(t, l.Wait(t.Context()))
		}
		require.Zero(t, time.Since(start))
		ended, cancel := context.WithCancel(t.Context())
		cancel()
		require.ErrorIs(t, l.Wait(ended), context.Canceled)
		short, cancel := context.WithTimeout(t.Context(), defaultWindow)
		defer cancel()
		require.ErrorIs(t, l.Wait(short), context.DeadlineExceeded)
		require.Zero(t, time.Since(start))

		var wg sync.WaitGroup
		var mu sync.Mutex
		var order []int
		leaving, leave := context.WithCancel(t.Context())
		for i := range 5 {
			wg.Go(func() {
				ctx := t.Context()
				if i == 2 {
					ctx = leaving
				}
				if l.Wait(ctx) == nil {
					mu.Lock()
					defer mu.Unlock()
					order = append(order, i)
				}
			})
			synctest.Wait()
		}
		leave()
		wg.Wait()
		assert.Equal(t, []int{0, 1, 3, 4}, order)
		assert.Equal(t, defaultWindow+limitMargin, time.Since(start))
	})
}
