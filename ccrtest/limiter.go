package ccrtest

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"time"

	"github.com/ccr-sdk/ccr"
)

// LimiterUnderTest is a limiter and what it promises.
type LimiterUnderTest struct {
	Limiter ccr.Limiter   // the one under test
	Others  []ccr.Limiter // the same one, as other processes have it
	N       int           // requests that may start within a window
	Window  time.Duration // keep it short: the test takes some three of them
}

// TestLimiter checks a limiter, which should be unused.
func TestLimiter(ctx context.Context, l LimiterUnderTest) error {
	if l.Limiter == nil || l.N < 1 || l.Window <= 0 {
		return errors.New("ccrtest: TestLimiter needs a Limiter, N and Window")
	}
	return runCases(ctx, &l, []testCase[*LimiterUnderTest]{
		{"window", "the vendor never sees more than it allows, from the fleet as a whole", (*LimiterUnderTest).holdsWindow},
		{"deadline", "a call learns at once that its turn does not come in time", (*LimiterUnderTest).deadline},
		{"ended context", "a call that was given up holds nobody's place", (*LimiterUnderTest).endedContext},
	})
}

func (l *LimiterUnderTest) handle(i int) ccr.Limiter {
	if i %= len(l.Others) + 1; i > 0 {
		return l.Others[i-1]
	}
	return l.Limiter
}

// holdsWindow lets many start at once and looks at when each could.
func (l *LimiterUnderTest) holdsWindow(ctx context.Context) error {
	var mu sync.Mutex
	var starts []time.Time
	begin := time.Now()
	errs := together(2*l.N+1, func(i int) error {
		err := l.handle(i).Wait(ctx)
		mu.Lock()
		defer mu.Unlock()
		starts = append(starts, time.Now())
		return err
	})
	if err := errors.Join(errs...); err != nil {
		return err
	}
	slices.SortFunc(starts, time.Time.Compare)
	// A start is seen a little after it was allowed, and the one before it
	// may have been seen late: that much is allowed for.
	slack := l.Window / 5
	for i := l.N; i < len(starts); i++ {
		if apart := starts[i].Sub(starts[i-l.N]); apart < l.Window-slack {
			return fmt.Errorf("%d requests started within %v, in a window of %v", l.N+1, apart, l.Window)
		}
	}
	if all := time.Since(begin); all > 6*l.Window {
		return fmt.Errorf("%d requests took %v, which is three windows' worth of %v", 2*l.N+1, all, l.Window)
	}
	return nil
}

func (l *LimiterUnderTest) deadline(ctx context.Context) error {
	short, cancel := context.WithTimeout(ctx, l.Window/100)
	defer cancel()
	var refused error
	for i := 0; i <= l.N && refused == nil; i++ {
		refused = l.handle(i).Wait(short)
	}
	if refused == nil {
		return fmt.Errorf("%d requests were allowed at once", l.N+1)
	}
	return nil
}

func (l *LimiterUnderTest) endedContext(ctx context.Context) error {
	ended, cancel := context.WithCancel(ctx)
	cancel()
	together(4*l.N, func(i int) error { return l.handle(i).Wait(ended) })
	soon, stop := context.WithTimeout(ctx, 3*l.Window)
	defer stop()
	if err := l.Limiter.Wait(soon); err != nil {
		return fmt.Errorf("after %d calls were given up, the next one is refused: %w", 4*l.N, err)
	}
	return nil
}
