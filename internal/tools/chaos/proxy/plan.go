package proxy

import (
	"math/rand/v2"
	"slices"
)

// plan is what is to happen to connections that are not yet accepted. It is
// guarded by the proxy's mutex.
type plan struct {
	next   [][]Fault
	byConn map[int][]Fault
	rules  []func(conn int, r *rand.Rand) []Fault
}

// Next plans faults for one connection: the next to be accepted that no
// earlier call of Next is for. Next() without faults lets one pass unharmed by
// Next.
func (p *Proxy) Next(faults ...Fault) *Proxy {
	return p.change(faults, func(plan *plan) { plan.next = append(plan.next, faults) })
}

// Conn plans faults for the connection with that number; the first that the
// proxy accepts is 0.
func (p *Proxy) Conn(number int, faults ...Fault) *Proxy {
	return p.change(faults, func(plan *plan) {
		if plan.byConn == nil {
			plan.byConn = make(map[int][]Fault)
		}
		plan.byConn[number] = append(plan.byConn[number], faults...)
	})
}

// Always plans faults for every further connection.
func (p *Proxy) Always(faults ...Fault) *Proxy {
	return p.change(faults, func(plan *plan) {
		plan.rules = append(plan.rules, func(int, *rand.Rand) []Fault { return faults })
	})
}

// Chance plans faults for a random share of the further connections; it takes
// all faults or none. A probability of 1 or more is Always.
func (p *Proxy) Chance(probability float64, faults ...Fault) *Proxy {
	return p.change(faults, func(plan *plan) {
		plan.rules = append(plan.rules, func(_ int, r *rand.Rand) []Fault {
			if r.Float64() < probability {
				return faults
			}
			return nil
		})
	})
}

// Policy asks choose for the faults of each further connection. It is called
// once for a connection, one call at a time, in the order of their numbers; r
// belongs to the connection and is only valid during the call. choose must not
// call the proxy.
func (p *Proxy) Policy(choose func(conn int, r *rand.Rand) []Fault) *Proxy {
	return p.change(nil, func(plan *plan) { plan.rules = append(plan.rules, choose) })
}

// Clear forgets every plan. Connections that were accepted keep their faults.
func (p *Proxy) Clear() *Proxy {
	return p.change(nil, func(old *plan) { *old = plan{} })
}

func (p *Proxy) change(faults []Fault, apply func(*plan)) *Proxy {
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, f := range faults {
		p.complain(f.Validate())
	}
	apply(&p.plan)
	return p
}

// take draws the faults of connection number conn. The caller holds the
// proxy's mutex. refuse is whether the connection gets nowhere, and because of
// a Refuse among them (planned) or of one that is not valid.
func (p *Proxy) take(conn int) (faults []*pending, refuse, planned bool) {
	r := rand.New(rand.NewPCG(p.config.Seed, uint64(conn)))
	var chosen []Fault
	if len(p.plan.next) > 0 {
		chosen = append(chosen, p.plan.next[0]...)
		p.plan.next = p.plan.next[1:]
	}
	chosen = append(chosen, p.plan.byConn[conn]...)
	for _, rule := range p.plan.rules {
		chosen = append(chosen, rule(conn, r)...)
	}
	for _, f := range chosen {
		if err := f.Validate(); err != nil {
			p.complain(err)
			refuse = true
			continue
		}
		if f.Kind == Refuse {
			refuse, planned = true, true
			continue
		}
		faults = append(faults, newPending(f, r))
	}
	return faults, refuse, planned
}

// pending is a planned fault with its draws made.
type pending struct {
	Fault
	base int64 // At, plus Every for each time that it struck
	at   int64
	rand *rand.Rand
}

func newPending(f Fault, r *rand.Rand) *pending {
	// A generator for each fault: the directions of a connection run at once,
	// and what one draws must not depend on the other.
	own := rand.New(rand.NewPCG(r.Uint64(), r.Uint64()))
	drawn := &pending{Fault: f, base: f.At, rand: own}
	if f.Kind == Corrupt && f.Mask == 0 {
		drawn.Mask = byte(1 + own.IntN(255))
	}
	drawn.draw()
	return drawn
}

func (f *pending) draw() {
	f.at = f.base
	if f.Within > 0 {
		f.at += f.rand.Int64N(f.Within)
	}
}

// again moves a repeating fault to where it strikes next, after offset.
func (f *pending) again(offset int64) bool {
	if f.Every == 0 {
		return false
	}
	f.base += f.Every
	f.draw()
	f.at = max(f.at, offset+1)
	return true
}

// schedule is the faults still to come in one direction, by offset.
type schedule []*pending

func (s *schedule) add(f *pending) {
	i, _ := slices.BinarySearchFunc(*s, f.at, func(have *pending, at int64) int {
		if have.at <= at { // behind its equals: what was planned first strikes first
			return -1
		}
		return 1
	})
	*s = slices.Insert(*s, i, f)
}
