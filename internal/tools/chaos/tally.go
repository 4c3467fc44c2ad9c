package main

import (
	"fmt"
	"strings"
	"time"
)

// tally is what the run comes to.
type tally struct {
	seed       uint64
	took       time.Duration
	operations map[string]int // finished, by kind
	faults     map[string]int64
	kills      int
	retries    int
	settled    int // unknown outcomes that a client found out about

	clients   int
	elsewhere int // looks at what another client was at

	lost, duplicated, corrupted, leaked, spurious []string
}

func (t *tally) clean() bool {
	return len(t.lost)+len(t.duplicated)+len(t.corrupted)+len(t.leaked)+len(t.spurious) == 0
}

func (t *tally) faultCount() int64 {
	var n int64
	for _, v := range t.faults {
		n += v
	}
	return n
}

// shown is how many examples of a failure are printed.
const shown = 5

func (t *tally) String() string {
	var b strings.Builder
	fmt.Fprintf(&b, "seed                     %d\n", t.seed)
	fmt.Fprintf(&b, "time                     %s\n", t.took.Round(time.Second))
	fmt.Fprintf(&b, "live clients             %d\n", t.clients)
	total := 0
	for _, kind := range kinds {
		total += t.operations[kind]
	}
	fmt.Fprintf(&b, "operations               %d\n", total)
	for _, kind := range kinds {
		fmt.Fprintf(&b, "  %-22s %d\n", kind, t.operations[kind])
	}
	fmt.Fprintf(&b, "faults injected          %d\n", t.faultCount()+int64(t.kills))
	for _, kind := range faultKinds {
		fmt.Fprintf(&b, "  %-22s %d\n", kind, t.faults[kind])
	}
	fmt.Fprintf(&b, "  %-22s %d\n", "process killed", t.kills)
	fmt.Fprintf(&b, "claimed elsewhere        %d\n", t.elsewhere)
	fmt.Fprintf(&b, "retries                  %d\n", t.retries)
	fmt.Fprintf(&b, "unknown outcomes settled %d\n", t.settled)
	for _, f := range []struct {
		name string
		list []string
	}{{"lost", t.lost}, {"duplicated", t.duplicated}, {"corrupted", t.corrupted}, {"secrets or personal data", t.leaked}, {"spurious failures", t.spurious}} {
		fmt.Fprintf(&b, "%-24s %d\n", f.name, len(f.list))
		for _, what := range f.list[:min(len(f.list), shown)] {
			fmt.Fprintf(&b, "  %s\n", what)
		}
	}
	return b.String()
}
