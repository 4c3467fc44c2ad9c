package accounts

import (
	"container/heap"
	"context"
	"encoding/base64"
	"encoding/json"
	"errors"
	"iter"
	"math/rand/v2"
	"strings"
	"time"

	"github.com/ccr-sdk/ccr"
)

// PollOptions say how batches are followed. Zero fields have defaults.
type PollOptions struct {
	// Interval between looks at one batch; default 2 s, growing to 30 s. A
	// Retry-After of the vendor overrides one wait. Looks count against the
	// client's rate limit: with many batches, raise it.
	Interval ccr.PollInterval
	// Concurrency is how many looks WaitBatches makes at a time; default 2.
	Concurrency int
	// Done decides whether a status is final, in place of BatchStatus.Done:
	// no public document lists the vendor's words.
	Done func(BatchStatus) bool
	// Progress is told of each look: Name is the reference, State the
	// vendor's word, Items the looks so far.
	Progress ccr.ProgressFunc
}

func (o *PollOptions) done(s BatchStatus) bool {
	if o.Done != nil {
		return o.Done(s)
	}
	return s.Done()
}

// PollBatch returns a poller for a batch; its Wait returns the final status.
// The poller's resume token continues it in another process, by
// [ParseResumeToken]. A state that the SDK does not understand is not final:
// bound the context, or give PollOptions.Done.
func (c *Client) PollBatch(r Receipt, o PollOptions) *ccr.Poller[BatchStatus] {
	p := ccr.NewPoller(ResumeToken(r), func(ctx context.Context) (ccr.PollState[BatchStatus], error) {
		s, err := c.BatchStatus(ctx, r)
		return ccr.PollState[BatchStatus]{Value: s, Done: err == nil && o.done(s), State: ccr.SafeToken(s.Word), RetryAfter: s.RetryAfter}, err
	})
	return p.WithInterval(o.Interval).WithProgress(r.Reference, o.Progress)
}

// resumePrefix names the form of a resume token.
const resumePrefix = "ccr-accounts-1."

// ResumeToken writes receipts into one line of text, from which
// [ParseResumeToken] makes them again, in any process. It holds references
// and status URIs, no secret and no personal data.
func ResumeToken(receipts ...Receipt) string {
	raw, err := json.Marshal(receipts)
	if err != nil {
		return "" // only a time outside the calendar cannot be written; nobody has accepted a batch then
	}
	return resumePrefix + base64.RawURLEncoding.EncodeToString(raw)
}

// ParseResumeToken reads what [ResumeToken] wrote. Where the receipts point is
// checked when they are followed.
func ParseResumeToken(token string) ([]Receipt, error) {
	text, ok := strings.CutPrefix(token, resumePrefix)
	raw, err := base64.RawURLEncoding.DecodeString(text)
	var out []Receipt
	if !ok || err != nil || json.Unmarshal(raw, &out) != nil {
		return nil, errors.New("accounts: not a resume token of this package")
	}
	return out, nil
}

// WaitBatches follows several batches at once and yields each when it is
// final, in the order in which they become so, with the receipt it belongs
// to. An error of one batch is yielded with that batch's receipt and does not
// end the others; when the context ends, each batch that was left over is
// yielded with that error, so that nothing drops out unseen. To continue
// later, keep the [ResumeToken] of the receipts not yet yielded without error.
func (c *Client) WaitBatches(ctx context.Context, receipts []Receipt, o PollOptions) iter.Seq2[WaitedBatch, error] {
	return waitBatches(ctx, receipts, o, func(ctx context.Context, r Receipt) (BatchStatus, error) { return c.BatchStatus(ctx, r) })
}

// WaitedBatch is one batch that [Client.WaitBatches] is done with.
type WaitedBatch struct {
	Receipt Receipt     // the one that was given
	Status  BatchStatus // the last one seen
}

// look is one batch that is being followed.
type look struct {
	WaitedBatch
	due   time.Time
	wait  time.Duration
	looks int64
	err   error
}

// agenda orders batches by when they are looked at next.
type agenda []*look

func (a agenda) Len() int           { return len(a) }
func (a agenda) Less(i, j int) bool { return a[i].due.Before(a[j].due) }
func (a agenda) Swap(i, j int)      { a[i], a[j] = a[j], a[i] }
func (a *agenda) Push(x any)        { *a = append(*a, x.(*look)) } //nolint:forcetypeassert // only heap calls it
func (a *agenda) Pop() any {
	last := (*a)[len(*a)-1]
	*a = (*a)[:len(*a)-1]
	return last
}

func waitBatches(ctx context.Context, receipts []Receipt, o PollOptions, ask func(context.Context, Receipt) (BatchStatus, error)) iter.Seq2[WaitedBatch, error] {
	return func(yield func(WaitedBatch, error) bool) {
		start, ceiling := o.Interval.Start, o.Interval.Max
		if start <= 0 {
			start = 2 * time.Second
		}
		if ceiling <= 0 {
			ceiling = 30 * time.Second
		}
		ceiling = max(ceiling, start)
		workers := max(o.Concurrency, 1)
		if o.Concurrency == 0 {
			workers = 2
		}
		ctx, cancel := context.WithCancel(ctx)
		now := time.Now()
		var due agenda
		for _, r := range receipts {
			heap.Push(&due, &look{WaitedBatch: WaitedBatch{Receipt: r}, due: now, wait: start})
		}
		answers := make(chan *look) // every look under way is received before the end
		busy := 0
		defer func() {
			cancel()
			for ; busy > 0; busy-- {
				<-answers
			}
		}()
		timer := time.NewTimer(0)
		defer timer.Stop()
		for len(due)+busy > 0 {
			var ready <-chan time.Time
			if len(due) > 0 && busy < workers {
				timer.Reset(time.Until(due[0].due))
				ready = timer.C
			}
			select {
			case <-ctx.Done():
				for ; busy > 0; busy-- {
					heap.Push(&due, <-answers)
				}
				for _, l := range due {
					err := context.Cause(ctx)
					if l.err == nil && l.Status.Raw != nil && o.done(l.Status) {
						err = nil // it became final at the last moment
					}
					if !yield(l.WaitedBatch, err) {
						return
					}
				}
				return
			case <-ready:
				l := heap.Pop(&due).(*look) //nolint:forcetypeassert // nothing else is in there
				busy++
				go func() {
					var s BatchStatus
					if s, l.err = ask(ctx, l.Receipt); l.err == nil {
						l.Status = s
					}
					answers <- l
				}()
			case l := <-answers:
				busy--
				l.looks++
				final := l.err == nil && o.done(l.Status)
				if l.err != nil && ctx.Err() != nil {
					heap.Push(&due, l) // the end of the context is told for all alike
					continue
				}
				if o.Progress != nil {
					o.Progress(ccr.Progress{Operation: "WaitBatches", Name: l.Receipt.Reference, Items: l.looks, State: ccr.SafeToken(l.Status.Word), Done: final || l.err != nil})
				}
				if final || l.err != nil {
					if !yield(l.WaitedBatch, l.err) {
						return
					}
					continue
				}
				next := time.Duration(float64(l.wait) * (0.8 + 0.4*rand.Float64()))
				if l.Status.RetryAfter > 0 {
					next = l.Status.RetryAfter
				}
				l.due = time.Now().Add(next)
				l.wait = min(l.wait+l.wait/2, ceiling)
				heap.Push(&due, l)
			}
		}
	}
}
