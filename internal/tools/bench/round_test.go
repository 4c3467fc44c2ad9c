package main

import (
	"context"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// sample is a case with a ratio that is short and one that is met.
func sample() *result {
	r := &result{
		c: benchCase{
			name:     "work",
			variants: []variant{{name: "ccr"}, {name: "base"}, {name: "gone"}},
			targets: []target{
				atLeast("MB/s", "base", 1.5).because("since it is a sample"),
				atMost("allocs", "base", 3),
				atMost("peak-MiB", "", 32),
				atLeast("MB/s", "gone", 1),
			},
			series: "work, all of it", size: 10, unit: "MiB",
		},
		rounds: map[string][]figures{},
		absent: map[string]string{"gone": "gone is not installed"},
	}
	for i := range 3 {
		v := float64(i)
		r.add("ccr", figures{"s": 1 + v, "MB/s": 100 + 10*v, "allocs": 12, "peak-MiB": 20})
		r.add("base", figures{"s": 2 + v, "MB/s": 100, "allocs": 10})
	}
	return r
}

func TestRatiosAreMadeWithinARound(t *testing.T) {
	t.Parallel()
	r := sample()
	assert.InDeltaSlice(t, []float64{1, 1.1, 1.2}, r.judged(r.c.targets[0]), 1e-9)
	assert.Equal(t, []float64{2, 2, 2}, r.judged(r.c.targets[1]), "of allocations the difference counts")
	assert.Equal(t, []float64{20, 20, 20}, r.judged(r.c.targets[2]))
	assert.Empty(t, r.judged(r.c.targets[3]))
}

func TestTargets(t *testing.T) {
	t.Parallel()
	assert.True(t, atMost("s", "", 2).met(2))
	assert.False(t, atMost("s", "", 2).met(2.1))
	assert.True(t, atLeast("s", "", 2).met(2))
	assert.False(t, atLeast("s", "", 2).met(1.9))
}

func TestReportSaysWhatIsShort(t *testing.T) {
	t.Parallel()
	text := report(config{rounds: 3}, []*result{sample()}, 0, true)
	for _, want := range []string{
		"2 of 4 are met.",
		"| work | base 0.667 (0.5–0.75) |",
		"| work | MB/s | base | 1.1 (1–1.2) | 3 | ≥ 1.5 | **short** since it is a sample |",
		"| work | more allocs | base | 2 (2–2) | 3 | ≤ 3 | met |",
		"| work | peak-MiB | – | 20 (20–20) | 3 | ≤ 32 | met |",
		"| work | MB/s | gone | – | 0 | ≥ 1 | not measured |",
		"| work | gone | not run: gone is not installed |",
		"![work, all of it](plots/work-all-of-it.svg)",
	} {
		assert.Contains(t, text, want)
	}
}

func TestPlot(t *testing.T) {
	t.Parallel()
	other := sample()
	other.c.size = 1000
	dir := t.TempDir()
	require.NoError(t, plot(dir, []*result{sample(), other}))
	text, err := os.ReadFile(filepath.Join(dir, "work-all-of-it.svg"))
	require.NoError(t, err)
	for _, want := range []string{"work, all of it", "seconds", "MiB", "ccr", "base"} {
		assert.Contains(t, string(text), ">"+want+"<")
	}
}

func TestFiguresOfABenchmark(t *testing.T) {
	t.Parallel()
	f, err := parseFigures([]byte("goos: linux\nBenchmarkUpload-2   \t 1\t 0 ns/op\t 284.1 MB/s\t 0.5 s/ccr\t 0.7 s/plain\t 5 B/op\nPASS\n"))
	require.NoError(t, err)
	assert.Equal(t, figures{"MB/s": 284.1, "s/ccr": 0.5, "s/plain": 0.7}, f)
	r := &result{c: benchCase{variants: []variant{{name: "ccr"}}}, rounds: map[string][]figures{}}
	r.add("ccr", f)
	assert.Equal(t, []string{"ccr", "plain"}, r.names())
	assert.Equal(t, []float64{0.7}, r.all("plain", "s"))

	_, err = parseFigures([]byte("--- FAIL: BenchmarkUpload\nFAIL\n"))
	require.ErrorContains(t, err, "FAIL")
}

func TestTurns(t *testing.T) {
	t.Parallel()
	var order []string
	c := benchCase{name: "x"}
	for _, name := range []string{"a", "b"} {
		c.variants = append(c.variants, variant{name: name, run: func(context.Context, *world) (figures, error) {
			order = append(order, name)
			return figures{"s": 1}, nil
		}})
	}
	c.variants = append(c.variants, variant{name: "c", needs: []string{"nothing like it"}})
	s := &shared{dir: t.TempDir(), why: map[string]string{"nothing like it": "is not installed"}}
	results, err := runCases(t.Context(), config{rounds: 3, only: regexp.MustCompile("")}, s, []benchCase{c})
	require.NoError(t, err)
	assert.Equal(t, "abbaab", strings.Join(order, ""), "every other round goes backwards")
	assert.Equal(t, map[string]string{"c": "nothing like it is not installed"}, results[0].absent)
}

func TestMoreRoundsOfWhatATargetCompares(t *testing.T) {
	t.Parallel()
	var order []string
	c := benchCase{name: "x", warm: true, times: 2, targets: []target{atLeast("s", "b", 1)}}
	for _, name := range []string{"a", "b", "peer"} {
		c.variants = append(c.variants, variant{name: name, run: func(context.Context, *world) (figures, error) {
			order = append(order, name)
			return figures{"s": 1}, nil
		}})
	}
	results, err := runCases(t.Context(), config{rounds: 2}, &shared{dir: t.TempDir()}, []benchCase{c})
	require.NoError(t, err)
	assert.Equal(t, []string{"a", "a", "b", "peer", "peer", "b", "a", "a", "b", "b", "a"}, order, "once to warm up")
	assert.Len(t, results[0].all("a", "s"), 4, "the warm-up is not among the figures")
	assert.Len(t, results[0].all("peer", "s"), 2)
}

func TestEveryCaseHasANameOfItsOwn(t *testing.T) {
	t.Parallel()
	for _, short := range []bool{false, true} {
		seen := map[string]bool{}
		for _, c := range allCases(config{short: short}) {
			assert.False(t, seen[c.name], c.name)
			seen[c.name] = true
			for _, target := range c.targets {
				known := target.over == ""
				for _, v := range c.variants {
					known = known || v.name == target.over
				}
				assert.True(t, known, "%s: no variant %q", c.name, target.over)
			}
		}
	}
}
