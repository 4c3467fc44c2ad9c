package ledger

import (
	"fmt"
	"maps"
	"slices"
	"testing"

	"github.com/stretchr/testify/assert"

	"github.com/ccr-sdk/ccr"
)

// The model of receiving one item: two workers, one entry, one vendor, one
// folder, and a consumer that takes what it sees at once. A worker may die at
// any step, a lease may end at any time, and a sweeper may remove what is
// staged. It is why a commit is one rename that replaces nothing, and why
// whoever removes a staged file first leaves a mark that it was discarded.

// sinkWorld is how a sink commits, and what it makes of a staged file that is gone.
type sinkWorld struct {
	link  bool   // commit by link and unlink, in two steps
	gone  string // what "neither staged nor discarded" means: committed, error or refetch
	mark  bool   // who removes a staged file leaves a mark before
	sweep bool   // somebody sweeps
	stall bool   // a worker goes on after its lease has ended
}

type itemStep int8

const (
	iLoad itemStep = iota
	iClaim
	iFetch
	iStaged // store "staged"
	iResume
	iCommit
	iUnlink
	iDelivered // store "delivered"
	iArchive
	iArchived // store "archived"
	iEnd
)

const itemTokens = 4

type itemWorker struct {
	step  itemStep
	seen  sendEntry
	token int8
	valid bool
	stuck bool
}

type itemSystem struct {
	entry     sendEntry
	expired   bool
	staged    [itemTokens]bool // the file of a token
	discarded [itemTokens]bool // the mark of a token
	final     bool             // the visible file
	taken     int8             // by the consumer
	atVendor  bool
	tokens    int8
	swept     bool
	w         [2]itemWorker
}

func (x sinkWorld) moves(s itemSystem) []move[itemSystem] {
	var out []move[itemSystem]
	add := func(what string, change func(n *itemSystem)) {
		n := s
		change(&n)
		out = append(out, move[itemSystem]{what, n})
	}
	if s.entry.owner != 0 && !s.expired {
		add("the lease ends", func(n *itemSystem) { n.expired, n.w[s.entry.owner-1].valid = true, false })
	}
	if s.final {
		add("the consumer takes it", func(n *itemSystem) { n.final, n.taken = false, n.taken+1 })
	}
	for token := range s.staged {
		if x.sweep && !s.swept && s.staged[token] {
			add("the sweeper removes what is staged", func(n *itemSystem) { n.swept = true; x.discard(n, int8(token)) })
		}
	}
	for i := range s.w {
		if s.w[i].step != iEnd {
			add(fmt.Sprint(i+1, " dies"), func(n *itemSystem) { n.w[i].step = iEnd })
			x.worker(s, i, add)
		}
	}
	return out
}

// discard removes a staged file.
func (x sinkWorld) discard(n *itemSystem, token int8) {
	n.staged[token] = false
	n.discarded[token] = x.mark
}

func (x sinkWorld) worker(s itemSystem, i int, add func(string, func(*itemSystem))) {
	w, me := s.w[i], int8(i+1)
	say := func(what string) string { return fmt.Sprint(me, " ", what) }
	to := func(step itemStep) func(*itemSystem) { return func(n *itemSystem) { n.w[i].step = step } }
	store := func(state string, owner, token int8, ok, conflict func(*itemSystem)) {
		if s.entry.version != w.seen.version {
			add(say("stores "+state+": conflict"), conflict)
			return
		}
		land := func(n *itemSystem) {
			n.entry = sendEntry{state, owner, token, w.seen.version + 1}
			n.expired, n.w[i].seen, n.w[i].valid = false, n.entry, owner == me
		}
		add(say("stores "+state), func(n *itemSystem) { land(n); ok(n) })
		add(say("stores "+state+", response lost, and ends"), func(n *itemSystem) { land(n); n.w[i].step = iEnd })
	}
	acts := w.step == iFetch || w.step == iCommit || w.step == iUnlink || w.step == iArchive
	if acts && !w.valid && !x.stall {
		add(say("has lost its claim"), to(iEnd))
		return
	}
	switch w.step {
	case iLoad:
		add(say("loads"), func(n *itemSystem) {
			n.w[i] = itemWorker{step: iClaim, seen: s.entry, token: s.entry.token}
			if s.entry.state == ccr.StateArchived || s.entry.owner != 0 && !s.expired {
				n.w[i].step = iEnd
			}
		})
	case iClaim:
		next := map[string]itemStep{ccr.StateStaged: iResume, ccr.StateDelivered: iArchive, "": iFetch}
		store(w.seen.state, me, w.token, to(next[w.seen.state]), to(iEnd))
	case iFetch:
		add(say("fetches and stages"), func(n *itemSystem) {
			if !s.atVendor || s.tokens >= itemTokens-1 {
				n.w[i].step = iEnd
				return
			}
			n.tokens++
			n.w[i].token, n.staged[n.tokens], n.w[i].step = n.tokens, true, iStaged
		})
	case iStaged:
		store(ccr.StateStaged, me, w.token, to(iCommit), func(n *itemSystem) { x.discard(n, w.token); n.w[i].step = iEnd })
	case iResume:
		add(say("resumes"), func(n *itemSystem) { n.w[i].step, n.w[i].stuck = x.resume(s, w.token) })
	case iCommit:
		add(say("commits"), func(n *itemSystem) { x.commit(n, i) })
	case iUnlink:
		add(say("unlinks"), func(n *itemSystem) { n.staged[w.token], n.w[i].step = false, iDelivered })
	case iDelivered:
		store(ccr.StateDelivered, me, w.token, to(iArchive), to(iEnd))
	case iArchive:
		add(say("archives"), func(n *itemSystem) { n.atVendor, n.w[i].step = false, iArchived })
	case iArchived:
		store(ccr.StateArchived, 0, w.token, to(iEnd), to(iEnd))
	}
}

// resume is what a worker does next with an entry that it found staged.
func (x sinkWorld) resume(s itemSystem, token int8) (next itemStep, stuck bool) {
	switch {
	case s.staged[token]:
		return iCommit, false
	case s.discarded[token], x.gone == "refetch":
		return iFetch, false
	case x.gone == "committed":
		return iDelivered, false
	}
	return iEnd, true
}

func (x sinkWorld) commit(n *itemSystem, i int) {
	w := &n.w[i]
	switch {
	case !n.staged[w.token]:
		w.step = iEnd // another worker's doing: an error, and the next run goes on
	case x.link:
		n.final, w.step = true, iUnlink
	default:
		n.final, n.staged[w.token], w.step = true, false, iDelivered
	}
}

const (
	deliveredTwice = "delivered twice"
	lost           = "archived, and not delivered"
	stuck          = "nobody can tell what became of it"
)

func itemWrong(s itemSystem) (wrong []string) {
	delivered := s.taken
	if s.final {
		delivered++
	}
	if delivered > 1 {
		wrong = append(wrong, deliveredTwice)
	}
	if !s.atVendor && delivered == 0 {
		wrong = append(wrong, lost)
	}
	for _, w := range s.w {
		if w.stuck {
			wrong = append(wrong, stuck)
			break
		}
	}
	return wrong
}

func TestModelOfAReceive(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		world sinkWorld
		wrong []string
	}{
		"one rename":                                 {sinkWorld{gone: "committed"}, nil},
		"one rename, stalls":                         {sinkWorld{gone: "committed", stall: true}, nil},
		"one rename, swept with a mark, stalls":      {sinkWorld{gone: "committed", sweep: true, mark: true, stall: true}, nil},
		"one rename, swept without a mark":           {sinkWorld{gone: "committed", sweep: true}, []string{lost}},
		"one rename, gone is an error":               {sinkWorld{gone: "error"}, []string{stuck}},
		"one rename, gone is fetched again":          {sinkWorld{gone: "refetch"}, []string{deliveredTwice}},
		"link and unlink":                            {sinkWorld{link: true, gone: "committed"}, []string{deliveredTwice}},
		"link and unlink, swept with a mark, stalls": {sinkWorld{link: true, gone: "committed", sweep: true, mark: true, stall: true}, []string{deliveredTwice}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			found := explore(t, itemSystem{atVendor: true}, tc.world.moves, itemWrong, tc.wrong...)
			for _, wrong := range tc.wrong {
				assert.Contains(t, found, wrong)
			}
			if tc.wrong == nil {
				assert.Empty(t, slices.Sorted(maps.Keys(found)), "%v", found)
			}
		})
	}
}
