package decisioning

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/ccr-sdk/ccr"
	"github.com/ccr-sdk/ccr/internal/ledger"
	"github.com/ccr-sdk/ccr/internal/safetext"
	"github.com/ccr-sdk/ccr/internal/transport"
	"github.com/ccr-sdk/ccr/internal/wait"
)

// EnsureOptions adjust [Client.EnsureAnalysis].
type EnsureOptions struct {
	// Ledger remembers which analysis a key stands for. Required. Workers that
	// share it never create an analysis twice.
	Ledger ccr.Ledger
}

const (
	ensureAnalysis = "EnsureAnalysis"
	settleAnalysis = "SettleAnalysis"

	attrCustomer = "customer"
	attrKey      = "key"      // of the caller whose request is under way
	attrBefore   = "before"   // what the customer had before it
	attrAnalysis = "analysis" // the result

	ensureRounds = 8

	adviceEnsure = "Call EnsureAnalysis again with the same key: it looks at the customer's analyses. " +
		"If it stays unknown, find out which analysis it became, if any, and call SettleAnalysis"
)

// EnsureAnalysis creates the analysis that key stands for, or returns it as it
// is by now if it was created before: by this call, an earlier run or another
// worker. An analysis costs money, and Algoan refuses no second one; the
// ledger is what keeps it from being created twice.
//
// The key is the caller's, such as the number of an application; the input of a
// later call under the same key is not looked at. One analysis of a customer
// is created at a time: while another live worker is at it, under whatever key,
// the error is [ccr.ErrClaimed].
//
// If a request was sent and its response lost, or its worker died, a later
// call under any key of the customer compares the customer's analyses with
// those of before the request, once the request cannot be under way any more.
// None new: it did not arrive, and is sent again. One new: that is it. Else, or
// if the list is not complete, the outcome is unknown until
// [Client.SettleAnalysis]. Inferred: a created analysis is in the list within
// the grace of the lease policy. An analysis that something else than this
// method creates for the customer at that time may be taken for the one of the
// key.
func (c *Client) EnsureAnalysis(ctx context.Context, customerID, key string, in AnalysisInput, o EnsureOptions, opts ...ccr.CallOption) (*Analysis, error) {
	if err := in.Validate(); err != nil {
		return nil, err
	}
	ctx, cancel, err := bounded(ctx, opts)
	if err != nil {
		return nil, err
	}
	defer cancel()
	e, err := c.ensuring(ensureAnalysis, customerID, key, o.Ledger, opts)
	if err != nil {
		return nil, err
	}
	for range ensureRounds {
		id, err := e.known(ctx, key)
		if err != nil {
			return nil, e.failed(ccr.OutcomeNotSent, err, "")
		}
		if id != "" {
			return c.Analysis(ctx, customerID, id, opts...)
		}
		claim, err := e.book.Acquire(ctx, e.gate, e.what(), planAnalysis)
		switch {
		case err != nil:
			return nil, e.failed(ccr.OutcomeNotSent, err, "")
		case claim.Entry().State == ccr.StateResolving:
			err = e.resolve(ctx, claim)
		default:
			var made *Analysis
			if made, err = e.create(ctx, claim, in); made != nil {
				return made, err
			}
		}
		if err != nil {
			return nil, err
		}
	}
	return nil, e.failed(ccr.OutcomeNotSent, ccr.ErrLedgerConflict, "Other workers keep changing the entry of this customer; try again")
}

// ensuring is one call. The customer's gate is the entry under whose claim
// analyses are created, so that at most one request is open at a time; what a
// key became has an entry of its own.
type ensuring struct {
	c          *Client
	operation  string
	book       *ledger.Book
	customerID string
	key        string
	gate       string
	opts       []ccr.CallOption
}

func (c *Client) ensuring(operation, customerID, key string, l ccr.Ledger, opts []ccr.CallOption) (*ensuring, error) {
	var f ccr.Faults
	if customerID == "" {
		f.Add("customerID", "is required")
	}
	if key == "" || len(key) > 200 {
		f.Add("key", "must have 1 to 200 bytes")
	}
	if l == nil {
		f.Add("Ledger", "is required")
	}
	if err := f.Err(service, operation); err != nil {
		return nil, err
	}
	e := &ensuring{c: c, operation: operation, book: ledger.New(l, c.t.Lease()), customerID: customerID, key: key, opts: opts}
	e.gate = ledger.Key(ledger.KindAnalysis, service, c.t.Environment(), customerID)
	return e, nil
}

func (e *ensuring) what() string { return fmt.Sprintf("the customer of analysis %q", e.key) }

// planAnalysis claims the gate. A request whose end is not known is resolved first.
func planAnalysis(found ccr.LedgerEntry, _ bool) (ccr.LedgerEntry, error) {
	switch found.State {
	case ccr.StateIntent, ccr.StateResolving, ccr.StateUnknown:
		found.State = ccr.StateResolving
	default:
		found.State, found.Attributes = "", nil // claimed; the intent follows
	}
	return found, nil
}

// resultKey is the key of the entry that says what a caller's key became.
func (e *ensuring) resultKey(key string) string {
	return ledger.Key(ledger.KindAnalysis, service, e.c.t.Environment(), e.customerID, key)
}

// known returns the analysis that a key became; "": none yet.
func (e *ensuring) known(ctx context.Context, key string) (string, error) {
	r, err := e.book.Load(ctx, e.resultKey(key))
	return r.Attributes[attrAnalysis], err
}

// record stores what a key became.
func (e *ensuring) record(ctx context.Context, key, analysisID string) error {
	return e.book.Put(ctx, e.resultKey(key), func(r *ccr.LedgerEntry) error {
		if id := r.Attributes[attrAnalysis]; id != "" && id != analysisID {
			return fmt.Errorf("the key stands for analysis %s already, and %s was created", safetext.Token(id), safetext.Token(analysisID))
		}
		r.State, r.Service, r.Environment, r.Name = ccr.StateSent, service, e.c.t.Environment(), safetext.Escape(key)
		r.Attributes = map[string]string{attrCustomer: e.customerID, attrAnalysis: analysisID}
		return nil
	})
}

// create creates the analysis under a fresh claim of the gate.
func (e *ensuring) create(ctx context.Context, claim *ledger.Claim, in AnalysisInput) (*Analysis, error) {
	before, err := e.before(ctx)
	if err == nil {
		err = claim.Advance(ctx, func(g *ccr.LedgerEntry) {
			g.State, g.Service, g.Environment, g.Name = ccr.StateIntent, service, e.c.t.Environment(), safetext.Escape(e.key)
			g.Attributes = map[string]string{attrCustomer: e.customerID, attrKey: safetext.Escape(e.key)}
			if before != "" {
				g.Attributes[attrBefore] = before
			}
		})
	}
	if err != nil {
		return nil, both(e.failed(ccr.OutcomeNotSent, err, ""), e.end(ctx, claim, ccr.StateRefused))
	}
	sending, stop := claim.Context(ctx)
	made, err := e.c.CreateAnalysis(transport.WithBefore(sending, func() error { return claim.Check(ctx) }), e.customerID, in, e.opts...)
	stop()
	if err == nil {
		if err = e.record(ctx, e.key, made.ID); err == nil {
			err = e.end(ctx, claim, ccr.StateSent)
		}
		return made, e.failed(ccr.OutcomeUnknown, err, "The analysis was created; only the ledger could not record it. Settle it with SettleAnalysis")
	}
	failed, ok := errors.AsType[*ccr.Error](err)
	if ok && (failed.Outcome == ccr.OutcomeNotSent || failed.Outcome == ccr.OutcomeRejected) {
		return nil, both(err, e.end(ctx, claim, ccr.StateRefused))
	}
	if ok {
		failed.Advice = adviceEnsure
	}
	return nil, both(err, e.end(ctx, claim, ccr.StateUnknown))
}

// end records the end of a request in the gate, and gives it back. One that
// another worker has by now is left to that.
func (e *ensuring) end(ctx context.Context, claim *ledger.Claim, state string) error {
	err := claim.Record(ctx, func(g *ccr.LedgerEntry) { g.State = state })
	if errors.Is(err, ledger.ErrLost) {
		return nil
	}
	return err
}

// resolve finds out what became of the request that the gate speaks of, which
// may be of another key. It returns nil once that is known.
func (e *ensuring) resolve(ctx context.Context, claim *ledger.Claim) error {
	holding, stop := claim.Context(ctx)
	defer stop()
	g := claim.Entry()
	key := ccr.LedgerEntry{Name: g.Attributes[attrKey]}.FileName()
	id, err := e.known(ctx, key)
	state := ccr.StateSent
	if err == nil && id == "" {
		id, state, err = e.compare(holding, claim, g)
	}
	if err != nil {
		return both(e.failed(ccr.OutcomeNotSent, err, ""), e.end(ctx, claim, ccr.StateUnknown))
	}
	if id != "" {
		if err := e.record(ctx, key, id); err != nil {
			return both(e.failed(ccr.OutcomeNotSent, err, ""), e.end(ctx, claim, ccr.StateUnknown))
		}
	}
	if err := e.end(ctx, claim, state); err != nil {
		return e.failed(ccr.OutcomeNotSent, err, "")
	}
	if state == ccr.StateUnknown {
		return e.failed(ccr.OutcomeUnknown, fmt.Errorf("a request for analysis %q of the customer was begun %s, and the customer's analyses do not tell what became of it",
			key, g.At.UTC().Format(time.RFC3339)), adviceEnsure)
	}
	return nil
}

// compare compares the customer's analyses with those of before the request.
func (e *ensuring) compare(ctx context.Context, claim *ledger.Claim, g ccr.LedgerEntry) (id, state string, err error) {
	before, ok := g.Attributes[attrBefore]
	if !ok {
		return "", ccr.StateUnknown, nil
	}
	dead := claim.ResolveAt()
	if dead.IsZero() { // nobody's lease says when: the request may have been cut off just now
		dead = time.Now().Add(e.book.Policy().Grace)
	}
	for {
		now := time.Now()
		ids, complete, err := e.list(ctx)
		if err != nil {
			return "", "", err
		}
		switch fresh := unseen(ids, before); {
		case !complete, len(fresh) > 1:
			return "", ccr.StateUnknown, nil
		case len(fresh) == 1:
			return fresh[0], ccr.StateSent, nil
		case !now.Before(dead):
			return "", ccr.StateRefused, nil
		}
		if err := wait.Sleep(ctx, time.Until(dead)); err != nil {
			return "", "", err
		}
	}
}

// failed makes the error of the call; nil for nil.
func (e *ensuring) failed(outcome ccr.Outcome, err error, advice string) error {
	if err == nil {
		return nil
	}
	if inner, ok := errors.AsType[*ccr.Error](err); ok { // of a call that only looked
		out := *inner
		out.Operation, out.Outcome = e.operation, outcome
		return &out
	}
	out := &ccr.Error{Service: service, Operation: e.operation, Outcome: outcome, Err: err, Advice: advice}
	if held, ok := errors.AsType[*ccr.ClaimedError](err); ok {
		out.RetryAfter, out.Classes = held.RetryAfter(), []error{ccr.ErrClaimed}
		out.Advice = "Nothing was sent by this call. Let that worker finish, and call again"
	}
	return out
}

// both adds what went wrong while an error was dealt with.
func both(err, more error) error {
	if more == nil {
		return err
	}
	return errors.Join(err, more)
}
