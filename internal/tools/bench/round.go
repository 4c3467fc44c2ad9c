package main

import (
	"context"
	"fmt"
	"maps"
	"os"
	"slices"
	"strings"
	"time"
)

// figures are what one measurement yields, by unit, as benchmarks print them:
// "s", "MB/s", "peak-MiB", "x-plain". The same work by another way, measured
// in the same process, has its way's name behind a slash: "s/plain".
type figures map[string]float64

// variant is one way to do the work of a case.
type variant struct {
	name string
	// run does the work once.
	run   func(ctx context.Context, w *world) (figures, error)
	needs []string // programs of others
}

// target is a bound on a figure of the first variant: on its ratio to that of
// the variant over if there is one, else on the figure itself, which may be a
// ratio that a package's benchmark made.
type target struct {
	unit  string
	over  string // a variant
	named string // what a ratio within unit is to, for the table
	bound float64
	least bool   // at least; else at most
	short string // the reason if it is not met
}

func atMost(unit, over string, bound float64) target {
	return target{unit: unit, over: over, bound: bound}
}

func atLeast(unit, over string, bound float64) target {
	return target{unit: unit, over: over, bound: bound, least: true}
}

// to names what the figure, a ratio by itself, is a ratio to.
func (t target) to(named string) target { t.named = named; return t }

// because gives the reason that is printed if the target is not met.
func (t target) because(why string) target { t.short = why; return t }

func (t target) met(v float64) bool {
	if t.least {
		return v >= t.bound
	}
	return v <= t.bound
}

func (t target) String() string {
	sign := "≤"
	if t.least {
		sign = "≥"
	}
	return fmt.Sprintf("%s %g", sign, t.bound)
}

// benchCase is one piece of work with its baselines and targets. Ours is the
// first variant.
type benchCase struct {
	name     string
	setup    func(ctx context.Context, w *world) error
	variants []variant
	targets  []target
	// warm runs the work once before the rounds, unmeasured: the first to
	// touch memory that the machine had given back would pay for all.
	warm bool
	// times multiplies the rounds of what a target compares, where single
	// times vary more than the distance to the target.
	times int
	// most bounds the rounds of a case that takes minutes a round, nearly all
	// of them waiting, so that single times hardly vary; 0: no bound.
	most int
	// For the plots: a point of a series at a size of so many units.
	series string
	size   float64
	unit   string
}

// result is a case with the figures of every round, by variant.
type result struct {
	c      benchCase
	rounds map[string][]figures
	absent map[string]string // variants that could not run here, and why
}

func runCases(ctx context.Context, cfg config, s *shared, cases []benchCase) ([]*result, error) {
	var out []*result
	for i, c := range cases {
		r, err := runCase(ctx, cfg, s, c)
		if err != nil {
			return out, fmt.Errorf("%s: %w", c.name, err)
		}
		out = append(out, r)
		say("%3d/%d %s", i+1, len(cases), r.summary())
	}
	return out, nil
}

// roundsOfPlot is enough for a case that is held against no target.
const roundsOfPlot = 3

// runCase lets the variants take turns. Every other round goes backwards, so
// that none is always the one that follows an expensive other.
func runCase(ctx context.Context, cfg config, s *shared, c benchCase) (*result, error) {
	r := &result{c: c, rounds: map[string][]figures{}, absent: map[string]string{}}
	for _, v := range c.variants {
		for _, tool := range v.needs {
			if s.tools[tool] == "" {
				r.absent[v.name] = tool + " " + s.why[tool]
			}
		}
	}
	if len(r.absent) == len(c.variants) {
		return r, nil
	}
	w, err := newWorld(s)
	if err != nil {
		return nil, err
	}
	defer w.close()
	if c.setup != nil {
		if err := c.setup(ctx, w); err != nil {
			return nil, fmt.Errorf("prepare: %w", err)
		}
	}
	rounds := cfg.rounds
	if len(c.targets) == 0 { // a point of a plot
		rounds = min(rounds, roundsOfPlot)
	}
	if c.most > 0 {
		rounds = min(rounds, c.most)
	}
	if c.warm && !cfg.short {
		if _, err := c.variants[0].run(ctx, w); err != nil {
			return nil, fmt.Errorf("warm up: %w", err)
		}
	}
	for round := range rounds * max(c.times, 1) {
		order := slices.Clone(c.variants)
		if round >= rounds {
			order = slices.DeleteFunc(order, func(v variant) bool { return !c.compares(v.name) })
		}
		if round%2 == 1 {
			slices.Reverse(order)
		}
		for _, v := range order {
			if r.absent[v.name] != "" {
				continue
			}
			if err := ctx.Err(); err != nil {
				return nil, err
			}
			f, err := v.run(ctx, w)
			if err != nil {
				return nil, fmt.Errorf("%s: %w", v.name, err)
			}
			r.add(v.name, f)
		}
	}
	return r, nil
}

// compares reports whether a target is about the variant.
func (c benchCase) compares(name string) bool {
	return name == c.variants[0].name || slices.ContainsFunc(c.targets, func(t target) bool { return t.over == name })
}

// add keeps figures; those of other ways go to variants of their own.
func (r *result) add(name string, f figures) {
	split := map[string]figures{name: {}}
	for unit, v := range f {
		to := name
		if u, way, ok := strings.Cut(unit, "/"); ok && u == "s" {
			unit, to = u, way
		}
		if split[to] == nil {
			split[to] = figures{}
		}
		split[to][unit] = v
	}
	for to, f := range split {
		r.rounds[to] = append(r.rounds[to], f)
	}
}

// names are the variants in their order, then the ways that a benchmark
// measured beside ours.
func (r *result) names() []string {
	var out []string
	for _, v := range r.c.variants {
		out = append(out, v.name)
	}
	for _, n := range slices.Sorted(maps.Keys(r.rounds)) {
		if !slices.Contains(out, n) {
			out = append(out, n)
		}
	}
	return out
}

func (r *result) all(name, unit string) []float64 {
	var out []float64
	for _, f := range r.rounds[name] {
		if v, ok := f[unit]; ok {
			out = append(out, v)
		}
	}
	return out
}

// judged are the values that a target is about, round by round: what drifts
// with the machine's speed cancels in a ratio within a round.
func (r *result) judged(t target) []float64 {
	ours := r.all(r.c.variants[0].name, t.unit)
	if t.over == "" {
		return ours
	}
	theirs := r.all(t.over, t.unit)
	var out []float64
	for i := range min(len(ours), len(theirs)) {
		if t.unit == "allocs" { // so many more
			out = append(out, ours[i]-theirs[i])
		} else if theirs[i] > 0 {
			out = append(out, ours[i]/theirs[i])
		}
	}
	return out
}

func (r *result) summary() string {
	var b strings.Builder
	b.WriteString(r.c.name)
	for _, t := range r.c.targets {
		if v := r.judged(t); len(v) > 0 {
			verdict := "met"
			if !t.met(median(v)) {
				verdict = "SHORT"
			}
			to := t.against()
			if to != "–" {
				to = "to " + to
			}
			fmt.Fprintf(&b, "\n        %s %s %s, target %s: %s", t.figure(), to, spread(v), t, verdict)
		}
	}
	return b.String()
}

func (t target) against() string {
	switch {
	case t.over != "":
		return t.over
	case t.named != "":
		return t.named
	}
	return "–"
}

func median(v []float64) float64 {
	if len(v) == 0 {
		return 0
	}
	s := slices.Sorted(slices.Values(v))
	if n := len(s); n%2 == 0 {
		return (s[n/2-1] + s[n/2]) / 2
	}
	return s[len(s)/2]
}

// say tells the user how far it is; the table alone goes to standard output.
func say(format string, args ...any) {
	fmt.Fprintf(os.Stderr, time.Now().Format(time.TimeOnly)+" "+format+"\n", args...)
}
