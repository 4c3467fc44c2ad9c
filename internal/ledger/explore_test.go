package ledger

import (
	"os"
	"strings"
	"testing"
)

// move is one step of a model: what happens, and the state after it.
type move[S comparable] struct {
	what string
	to   S
}

// explore visits every state that can be reached and returns, for each thing
// that is wrong with one, the shortest way to it. It stops once it has found
// what is expected.
func explore[S comparable](t *testing.T, start S, moves func(S) []move[S], wrong func(S) []string, expected ...string) map[string]string {
	t.Helper()
	enough := func(found map[string]string) bool {
		for _, e := range expected {
			if _, ok := found[e]; !ok {
				return false
			}
		}
		return len(expected) > 0
	}
	type visit struct {
		state S
		from  int
		what  string
	}
	seen := map[S]bool{start: true}
	order := []visit{{start, -1, ""}}
	found := map[string]string{}
	for i := 0; i < len(order) && !enough(found); i++ {
		broken := wrong(order[i].state)
		for _, w := range broken {
			if _, ok := found[w]; !ok {
				var way []string
				for at := i; at > 0; at = order[at].from {
					way = append([]string{order[at].what}, way...)
				}
				found[w] = strings.Join(way, "; ")
			}
		}
		if len(broken) > 0 {
			continue
		}
		for _, m := range moves(order[i].state) {
			if !seen[m.to] {
				seen[m.to] = true
				order = append(order, visit{m.to, i, m.what})
			}
		}
	}
	t.Logf("%d states", len(order))
	return found
}

// faults is how much may go wrong in one run of a model.
func faults(usual, long int8) int8 {
	if os.Getenv("CCR_LONG") != "" {
		return long
	}
	return usual
}
