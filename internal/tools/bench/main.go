// Command bench measures ccr against named baselines and peers, in turns
// within one run, and writes RESULTS.md beside itself.
//
//	go -C internal/tools/bench run .               everything, seven rounds or more: two hours on two cores
//	go -C internal/tools/bench run . -only 'sftp'  the cases whose name matches; prints, writes nothing
//	go -C internal/tools/bench run . -short        two minutes: each case once and small; prints, writes nothing
//
// There are two kinds of case. Those of one package are its own benchmarks,
// run in a process of their own once a round; each runs its baseline in the
// same process run and prints the ratio. Those that need peers are here: each
// measurement is a process of its own, started and connected anew, so that
// CPU seconds and peak memory are the operating system's figures for that
// client alone. Servers run in further processes. All traffic is on loopback.
//
// It fails if a case does not work, never because a figure is short of its
// target.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"regexp"
	"slices"
	"time"
)

func main() {
	if len(os.Args) > 1 && os.Args[1] == childArg {
		os.Exit(runChild(os.Args[2:]))
	}
	if err := run(); err != nil {
		fmt.Fprintln(os.Stderr, "bench:", err)
		os.Exit(1)
	}
}

// config is what the flags say.
type config struct {
	rounds int
	only   *regexp.Regexp
	short  bool
}

// resultsFile and plotsDir are beside the program, which go -C makes the
// current folder.
const (
	resultsFile = "RESULTS.md"
	plotsDir    = "plots"
)

func run() error {
	rounds := flag.Int("rounds", 0, "rounds of every case that has a target (default 7, or 1 with -short)")
	only := flag.String("only", "", "a regular expression: run the cases whose name matches")
	short := flag.Bool("short", false, "small sizes, one round")
	flag.Parse()
	if flag.NArg() > 0 {
		return fmt.Errorf("unexpected argument %q", flag.Arg(0))
	}
	re, err := regexp.Compile(*only)
	if err != nil {
		return fmt.Errorf("-only: %w", err)
	}
	cfg := config{rounds: *rounds, only: re, short: *short}
	if cfg.rounds <= 0 {
		cfg.rounds = 7
		if cfg.short {
			cfg.rounds = 1
		}
	}
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	start := time.Now()
	cases := allCases(cfg)
	cases = slices.DeleteFunc(cases, func(c benchCase) bool { return !cfg.only.MatchString(c.name) })
	shared, err := newShared(ctx, cases)
	if err != nil {
		return err
	}
	defer shared.close()
	results, err := runCases(ctx, cfg, shared, cases)
	whole := err == nil && !cfg.short && *only == "" && cfg.rounds >= 7
	table := report(cfg, results, time.Since(start), whole)
	fmt.Print(table)
	if !whole {
		return err
	}
	return errors.Join(plot(plotsDir, results), os.WriteFile(resultsFile, []byte(table), 0o644))
}
