package ccr

import (
	"cmp"
	"errors"
	"time"
)

// LeasePolicy says for how long a claim on a ledger entry holds. A claim is
// the right to act on one thing (a file, a batch, a job): one of several live
// workers has it, the others get [ErrClaimed].
//
// Zero fields are derived from Lease, whose default is 5 minutes. Workers that
// share a ledger must use the same policy. Shorten Lease (15 s is sensible
// with synchronised clocks and short work) so that a fleet goes on sooner with
// what a killed worker held.
type LeasePolicy struct {
	// Lease is how long a claim holds without a heartbeat. Default 5 min.
	Lease time.Duration
	// Heartbeat is the interval at which a claim is renewed. Default Lease/5.
	Heartbeat time.Duration
	// Rest is what must be left of a claim when something is sent under it
	// that must not happen twice. Default Lease/5.
	Rest time.Duration
	// Skew is by how much clocks of workers may differ: another worker takes a
	// claim over at its end plus Skew. Default Lease/10.
	Skew time.Duration
	// Grace is how long a request may stay under way after its claim has ended.
	// Only after it can "did not arrive" be concluded from what the vendor
	// shows. Default Lease/5.
	Grace time.Duration
	// MaxHold ends the heartbeats of work that hangs. Default 24 h.
	MaxHold time.Duration
}

// WithDefaults returns the policy with its zero fields filled in.
func (p LeasePolicy) WithDefaults() LeasePolicy {
	p.Lease = cmp.Or(p.Lease, 5*time.Minute)
	p.Heartbeat = cmp.Or(p.Heartbeat, p.Lease/5)
	p.Rest = cmp.Or(p.Rest, p.Lease/5)
	p.Skew = cmp.Or(p.Skew, p.Lease/10)
	p.Grace = cmp.Or(p.Grace, p.Lease/5)
	p.MaxHold = cmp.Or(p.MaxHold, 24*time.Hour)
	return p
}

// Validate refuses a policy whose claims would end between two heartbeats.
func (p LeasePolicy) Validate() error {
	if p.Lease < 0 || p.Heartbeat < 0 || p.Rest < 0 || p.Skew < 0 || p.Grace < 0 || p.MaxHold < 0 {
		return errors.New("ccr: a lease policy has no negative values")
	}
	p = p.WithDefaults()
	if p.Lease < time.Second {
		return errors.New("ccr: a lease must last a second at least")
	}
	if 2*p.Heartbeat+p.Rest+p.Skew > p.Lease {
		return errors.New("ccr: a lease must outlast two heartbeats, the rest and the skew together")
	}
	return nil
}
