// Command mutate checks the tests: it changes one place of a package at a time
// (a statement deleted, a condition negated, a boundary moved, another value
// returned), on lines that the tests cover, and runs the tests. A change that
// no test notices survived, and is printed as a diff.
//
//	go run ./internal/tools/mutate -n 60 ./internal/ledger ./internal/outbox
//	go run ./internal/tools/mutate -files '^(sinkdir|ledgerfile)' .
//	go run ./internal/tools/mutate ./internal/outbox=./internal/outbox,./gateway
//
// A package is tested by its own tests, or by those of the packages behind
// the equals sign. The sample is the same for the same seed and source. The
// tree is not written to: changes go through go test's -overlay.
//
// Changes that make no difference stand in equivalent.txt: the reason in lines
// that begin with "# ", then the diff as it is printed, then an empty line.
package main

import (
	"context"
	_ "embed"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"regexp"
	"strings"
	"time"
)

//go:embed equivalent.txt
var equivalent string

type options struct {
	n        int
	seed     uint64
	parallel int
	timeout  time.Duration
	files    *regexp.Regexp
	args     []string // more arguments of go test
	known    map[string]bool
}

func main() {
	n := flag.Int("n", 60, "how many mutants a package; 0: all")
	seed := flag.Uint64("seed", 1, "chooses the sample")
	parallel := flag.Int("parallel", 2, "how many mutants are tested at a time")
	timeout := flag.Duration("timeout", time.Minute, "the tests of a mutant that take longer have noticed it")
	files := flag.String("files", "", "a regular expression: only files whose names it matches")
	args := flag.String("args", "-short", "more arguments of go test, separated by spaces")
	want := flag.Float64("want", 0, "exit with 1 if a smaller part of the mutants of all packages is noticed")
	flag.Parse()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	o := options{*n, *seed, *parallel, *timeout, regexp.MustCompile(*files), strings.Fields(*args), readKnown(equivalent)}
	var all score
	table := fmt.Sprintf("%-28s %8s %8s %8s %8s %10s %8s\n", "package", "mutants", "killed", "survived", "known", "not built", "time")
	for _, arg := range flag.Args() {
		pattern, tests, _ := strings.Cut(arg, "=")
		s, err := check(ctx, o, pattern, strings.FieldsFunc(tests, func(r rune) bool { return r == ',' }))
		if err != nil {
			fmt.Fprintln(os.Stderr, "mutate:", err)
			os.Exit(2) //nolint:gocritic // nothing is left to stop
		}
		all.add(s)
		table += s.row(pattern)
	}
	fmt.Print(table, all.row("all"))
	if all.part() < *want {
		fmt.Fprintf(os.Stderr, "mutate: %.1f %% of the mutants are noticed; wanted are %.1f %%\n", 100*all.part(), 100**want)
		os.Exit(1)
	}
}

// score is what became of the mutants of a package.
type score struct {
	killed, survived, known, unbuilt int
	took                             time.Duration
}

func (s *score) add(o score) {
	s.killed, s.survived, s.known, s.unbuilt, s.took = s.killed+o.killed, s.survived+o.survived, s.known+o.known, s.unbuilt+o.unbuilt, s.took+o.took
}

// part is the part of the mutants that make a difference which was noticed.
func (s *score) part() float64 { return float64(s.killed) / float64(max(1, s.killed+s.survived)) }

func (s *score) row(name string) string {
	return fmt.Sprintf("%-28s %8d %7.1f%% %8d %8d %10d %8s\n", name, s.killed+s.survived+s.known, 100*s.part(), s.survived, s.known, s.unbuilt, s.took.Round(time.Second))
}

// readKnown reads the diffs of mutants that make no difference.
func readKnown(text string) map[string]bool {
	known := map[string]bool{}
	for block := range strings.SplitSeq(text, "\n\n") {
		var diff []string
		for line := range strings.SplitSeq(strings.Trim(block, "\n"), "\n") {
			if !strings.HasPrefix(line, "# ") {
				diff = append(diff, line)
			}
		}
		known[strings.Join(diff, "\n")] = true
	}
	return known
}
