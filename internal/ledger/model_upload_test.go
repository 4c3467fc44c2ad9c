package ledger

import (
	"fmt"
	"maps"
	"slices"
	"testing"

	"github.com/stretchr/testify/assert"

	"github.com/ccr-sdk/ccr"
)

// The model of a send that must not happen twice: two workers, one entry, one
// vendor. A worker may die at any step; a lease may end at any time; the
// response of any store may be lost, or the store may land later; a request
// may arrive with or without its response, or not. What a worker does with an
// entry is decided by the functions that the code uses: ours, Taken, decide.

// sendWorld is what the model allows to happen.
type sendWorld struct {
	faults int8 // deaths, lost responses and late stores together
	look   bool // the vendor can be looked at
	lag    bool // and shows what arrived only later
	stall  bool // a worker may stop between the check and the first byte for longer than lease and grace
	// Rules left out, to see that the model finds what they are for.
	keepToken bool // a take-over keeps the token and the state, and sends
	deafFacts bool // a fact is not recorded over a take-over
}

// sendEntry is an entry of the ledger. Tokens are numbered as they are made.
type sendEntry struct {
	state                 string
	owner, token, version int8
}

func (e sendEntry) ledger() ccr.LedgerEntry {
	l := ccr.LedgerEntry{State: e.state, Version: int64(e.version), Token: tokenName(e.token)}
	if e.owner != 0 {
		l.Owner = workerName(e.owner)
	}
	return l
}

func workerName(n int8) string { return string('a' + rune(n)) }
func tokenName(n int8) string  { return string('0' + rune(n)) }

type sendStep int8

const (
	sLoad    sendStep = iota // Acquire: load
	sStore                   // Acquire: store the claim
	sCheck                   // the last look before the first byte
	sWrite                   // the first byte
	sFlight                  // the request is under way
	sResolve                 // look at the vendor
	sRecord                  // Record: store the fact
	sReload                  // Record: load after a failed store
	sEnd
)

type sendWorker struct {
	step   sendStep
	died   bool
	seen   sendEntry // the entry as last loaded or stored
	next   sendEntry // the claim to store
	tokens uint16    // of this Acquire
	token  int8      // of the claim
	valid  bool      // a safe rest of the lease is left, by this worker's clock
	flying bool      // its request is under way, whatever became of the worker
	knows  bool      // it got the response
	fact   string    // to record
}

type sendSystem struct {
	entry   sendEntry
	expired bool // the lease, as others see it
	arrived int8
	tokens  int8
	faults  int8
	late    sendEntry // a store on its way; version 0: none
	w       [2]sendWorker
}

func (x sendWorld) moves(s sendSystem) []move[sendSystem] {
	var out []move[sendSystem]
	add := func(what string, change func(n *sendSystem)) {
		n := s
		change(&n)
		out = append(out, move[sendSystem]{what, n})
	}
	if s.entry.owner != 0 && !s.expired {
		add("the lease ends", func(n *sendSystem) { n.expired, n.w[s.entry.owner-1].valid = true, false })
	}
	if s.late.version != 0 {
		add("the late store lands", func(n *sendSystem) {
			n.late = sendEntry{}
			if s.entry.version+1 == s.late.version {
				n.entry, n.expired = s.late, false
			}
		})
	}
	for i := range s.w {
		x.worker(s, i, add)
	}
	return out
}

func (x sendWorld) worker(s sendSystem, i int, add func(string, func(*sendSystem))) {
	w, me := s.w[i], int8(i+1)
	say := func(what string) string { return fmt.Sprintf("%d %s", me, what) }
	if w.flying {
		x.request(s, i, say, add)
	}
	if w.step == sEnd {
		return
	}
	if s.faults > 0 {
		add(say("dies"), func(n *sendSystem) { n.faults--; n.w[i].step, n.w[i].died = sEnd, true })
	}
	switch w.step {
	case sLoad:
		add(say("loads"), func(n *sendSystem) { x.acquire(n, i) })
	case sStore:
		x.store(s, i, w.next, say("claims"), add, func(n *sendSystem) {
			n.w[i].token, n.w[i].valid = w.next.token, true
			n.w[i].step = afterClaim(w.next, x)
		}, func(n *sendSystem) { n.w[i].step = sLoad })
	case sCheck:
		add(say("checks"), func(n *sendSystem) {
			if n.w[i].step = sWrite; !w.valid {
				n.w[i].step, n.w[i].fact = sRecord, ccr.StateRefused // nothing was sent
			}
		})
	case sWrite:
		if w.valid || x.stall {
			add(say("sends"), func(n *sendSystem) { n.w[i].flying, n.w[i].step = true, sFlight })
		} else { // the request's context ends before the claim does
			add(say("is stopped"), func(n *sendSystem) { n.w[i].step, n.w[i].fact = sRecord, ccr.StateRefused })
		}
	case sResolve:
		x.resolve(s, i, say, add)
	case sRecord:
		x.record(s, i, say, add)
	case sReload:
		add(say("loads again"), func(n *sendSystem) { n.w[i].seen, n.w[i].step = s.entry, sRecord })
	}
}

// request is what may become of a request under way.
func (x sendWorld) request(s sendSystem, i int, say func(string) string, add func(string, func(*sendSystem))) {
	for _, how := range []struct {
		what             string
		arrives, answers bool
	}{{"arrives", true, true}, {"arrives, response lost", true, false}, {"is lost", false, false}} {
		add(say(how.what), func(n *sendSystem) {
			w := &n.w[i]
			w.flying = false
			if how.arrives {
				n.arrived++
			}
			if w.step != sFlight {
				return
			}
			w.step, w.fact = sRecord, ccr.StateUnknown
			if how.answers {
				w.knows, w.fact = true, ccr.StateSent
			}
		})
	}
}

// acquire is one round of [Book.Acquire] with the plan of a send.
func (x sendWorld) acquire(n *sendSystem, i int) {
	w, me := &n.w[i], int8(i+1)
	w.seen = n.entry
	found := n.entry.ledger()
	var tokens []string
	for t := int8(1); t <= n.tokens; t++ {
		if w.tokens&(1<<t) != 0 {
			tokens = append(tokens, tokenName(t))
		}
	}
	switch {
	case ours(found, workerName(me), tokens):
		w.token, w.valid = n.entry.token, !n.expired
		w.step = afterClaim(n.entry, x)
		return
	case n.entry.owner != 0 && !n.expired: // held
		w.step = sEnd
		return
	case found.State == ccr.StateSent, found.State == ccr.StateUnknown && !x.look, n.tokens >= 6:
		w.step = sEnd
		return
	}
	next := found
	switch found.State {
	case ccr.StateIntent, ccr.StateResolving:
		if !x.keepToken {
			next = Taken(found)
		}
	case ccr.StateUnknown:
		next.State = ccr.StateResolving
	default:
		next.State = ccr.StateIntent
	}
	w.next = sendEntry{next.State, me, n.entry.token, n.entry.version}
	if !x.keepToken || next.State != found.State {
		n.tokens++
		w.next.token = n.tokens
	}
	w.tokens |= 1 << w.next.token
	w.step = sStore
}

func afterClaim(e sendEntry, x sendWorld) sendStep {
	if e.state == ccr.StateResolving {
		return sResolve
	}
	return sCheck
}

// store is one Store and what may become of it.
func (x sendWorld) store(s sendSystem, i int, e sendEntry, what string, add func(string, func(*sendSystem)), ok, failed func(*sendSystem)) {
	if e.version != s.entry.version {
		add(what+": conflict", failed)
		return
	}
	e.version++
	land := func(n *sendSystem) { n.entry, n.expired, n.w[i].seen = e, false, e }
	add(what, func(n *sendSystem) { land(n); ok(n) })
	if s.faults == 0 {
		return
	}
	add(what+": stored, response lost", func(n *sendSystem) {
		land(n)
		n.w[i].seen, n.faults = s.w[i].seen, s.faults-1
		failed(n)
	})
	if s.late.version == 0 {
		add(what+": will land later", func(n *sendSystem) { n.late, n.faults = e, s.faults-1; failed(n) })
	}
}

// resolve looks at the vendor, once nothing of the other worker can be under way.
func (x sendWorld) resolve(s sendSystem, i int, say func(string) string, add func(string, func(*sendSystem))) {
	conclude := func(state string) func(*sendSystem) {
		return func(n *sendSystem) { n.w[i].step, n.w[i].fact = sRecord, state }
	}
	switch {
	case !x.look:
		add(say("cannot look"), conclude(ccr.StateUnknown))
		return
	case s.w[1-i].flying && !x.stall, !s.w[i].valid:
		if !s.w[i].valid {
			add(say("has lost the claim"), conclude(ccr.StateUnknown))
		}
		return
	case s.arrived > 0:
		add(say("sees it"), conclude(ccr.StateSent))
	default:
		add(say("does not see it"), conclude(ccr.StateRefused))
	}
	if x.lag && s.arrived > 0 {
		add(say("does not see it yet"), conclude(ccr.StateRefused))
	}
}

// record is one round of [Claim.Record].
func (x sendWorld) record(s sendSystem, i int, say func(string) string, add func(string, func(*sendSystem))) {
	w := s.w[i]
	end := func(n *sendSystem) {
		n.w[i].step = sEnd
		if w.fact == ccr.StateRefused && w.seen.state == ccr.StateResolving { // not arrived: begin again
			n.w[i] = sendWorker{}
		}
	}
	decision := decide(w.seen.ledger(), w.fact, tokenName(w.token))
	if x.deafFacts && w.seen.token != w.token {
		decision = factRefused
	}
	switch decision {
	case factKnown:
		add(say("finds it recorded"), end)
	case factRefused:
		add(say("leaves it to the other"), func(n *sendSystem) { n.w[i].step = sEnd })
	case factStore:
		e := sendEntry{w.fact, 0, w.token, w.seen.version}
		x.store(s, i, e, say("records "+w.fact), add, end, func(n *sendSystem) { n.w[i].step = sReload })
	}
}

const (
	sentTwice  = "sent twice"
	willBeSent = "the ledger says that it did not arrive, and it did"
	neverSent  = "the ledger says that it was sent, and it was not"
	unrecorded = "a live worker had the response, and the ledger does not say so"
)

func sendWrong(s sendSystem) (wrong []string) {
	if s.arrived > 1 {
		wrong = append(wrong, sentTwice)
	}
	if s.entry.state == ccr.StateSent && s.arrived == 0 {
		wrong = append(wrong, neverSent)
	}
	for _, w := range s.w {
		if w.step != sEnd || w.flying {
			return wrong
		}
	}
	if s.late.version != 0 {
		return wrong
	}
	if s.entry.state == ccr.StateRefused && s.arrived > 0 {
		wrong = append(wrong, willBeSent)
	}
	for _, w := range s.w {
		if w.knows && !w.died && s.entry.state != ccr.StateSent {
			wrong = append(wrong, unrecorded)
			break
		}
	}
	return wrong
}

func TestModelOfASend(t *testing.T) {
	t.Parallel()
	n := faults(1, 3)
	for name, tc := range map[string]struct {
		world sendWorld
		wrong []string
	}{
		"vendor that can be looked at":    {sendWorld{faults: n, look: true}, nil},
		"vendor that cannot be looked at": {sendWorld{faults: n}, nil},
		"stalls, cannot be looked at":     {sendWorld{faults: n, stall: true}, nil},
		// What remains, and is documented.
		"stalls, can be looked at": {sendWorld{faults: 1, look: true, stall: true}, []string{sentTwice, willBeSent}},
		"a list that lags":         {sendWorld{faults: 1, look: true, lag: true}, []string{sentTwice, willBeSent}},
		// What the rules are for.
		"a take-over that keeps the token": {sendWorld{faults: 1, look: true, keepToken: true}, []string{sentTwice}},
		"no fact over a take-over":         {sendWorld{faults: 1, deafFacts: true}, []string{unrecorded}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			found := explore(t, sendSystem{faults: tc.world.faults}, tc.world.moves, sendWrong, tc.wrong...)
			for _, wrong := range tc.wrong {
				assert.Contains(t, found, wrong)
			}
			if tc.wrong == nil {
				assert.Empty(t, slices.Sorted(maps.Keys(found)), "%v", found)
			}
		})
	}
}
