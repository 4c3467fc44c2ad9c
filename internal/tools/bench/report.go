package main

import (
	"fmt"
	"maps"
	"os"
	"os/exec"
	"runtime"
	"slices"
	"strings"
	"time"
)

// report writes the tables: targets first, then every figure.
func report(cfg config, results []*result, took time.Duration, plots bool) string {
	var b strings.Builder
	b.WriteString("# Measured\n\n" +
		"`go -C internal/tools/bench run .` writes this page; do not edit it. Each figure is the median of the rounds, then the lowest and the highest.\n" +
		"Ratios are made within a round, ccr to the baseline, where both ran one after the other. CONTRIBUTING.md says how to run it.\n\n")
	b.WriteString(machine(cfg, took))
	b.WriteString("\n## Targets\n\n" + score(results) + "\n\n| Work | Figure | To | Measured | Rounds | Target | |\n|---|---|---|---|---|---|---|\n")
	for _, r := range results {
		for _, t := range r.c.targets {
			measured, verdict := "–", "not measured"
			v := r.judged(t)
			if len(v) > 0 {
				measured, verdict = spread(v), "met"
				if !t.met(median(v)) {
					verdict = "**short** " + t.short
				}
			}
			fmt.Fprintf(&b, "| %s | %s | %s | %s | %d | %s | %s |\n", r.c.name, t.figure(), t.against(), measured, len(v), t, strings.TrimSpace(verdict))
		}
	}
	b.WriteString("\n## Beside others\n\nThe time of ccr divided by theirs: less than 1 is faster.\n\n| Work | To |\n|---|---|\n")
	for _, r := range results {
		var cells []string
		for _, v := range r.c.variants[1:] {
			if ratios := r.judged(target{unit: "s", over: v.name}); len(ratios) > 0 {
				cells = append(cells, v.name+" "+spread(ratios))
			}
		}
		if len(cells) > 0 {
			fmt.Fprintf(&b, "| %s | %s |\n", r.c.name, strings.Join(cells, " · "))
		}
	}
	b.WriteString("\n## Figures\n\nSFTP clients: time, CPU seconds and peak memory are those of the whole process, start and connecting included (the memory of sftp(1) is without\n" +
		"the ssh process that it starts). Heaps of gateway and decisioning are those of the process that the benchmark runs in.\n\n")
	b.WriteString("| Work | Client | Figures |\n|---|---|---|\n")
	for _, r := range results {
		for _, name := range r.names() {
			var cells []string
			if why := r.absent[name]; why != "" {
				cells = append(cells, "not run: "+why)
			}
			for _, unit := range units(r.rounds[name]) {
				cells = append(cells, fmt.Sprintf("%s %s", spread(r.all(name, unit)), unit))
			}
			fmt.Fprintf(&b, "| %s | %s | %s |\n", r.c.name, name, strings.Join(cells, " · "))
		}
	}
	if plots {
		b.WriteString("\n## Time against size\n\n")
		for _, series := range seriesOf(results) {
			fmt.Fprintf(&b, "![%s](%s/%s)\n", series, plotsDir, plotFile(series))
		}
	}
	return b.String()
}

// score counts the targets.
func score(results []*result) string {
	met, all := 0, 0
	for _, r := range results {
		for _, t := range r.c.targets {
			v := r.judged(t)
			if all++; len(v) > 0 && t.met(median(v)) {
				met++
			}
		}
	}
	return fmt.Sprintf("%d of %d are met.", met, all)
}

// figure names what a target is about.
func (t target) figure() string {
	switch {
	case t.over != "" && t.unit == "allocs":
		return "more allocs"
	case t.over != "" && t.unit == "s":
		return "time"
	}
	return t.unit
}

// units are those of a variant's figures, the time first.
func units(rounds []figures) []string {
	all := map[string]bool{}
	for _, f := range rounds {
		for unit := range f {
			all[unit] = true
		}
	}
	out := slices.Sorted(maps.Keys(all))
	if i := slices.Index(out, "s"); i > 0 {
		out = slices.Insert(slices.Delete(out, i, i+1), 0, "s")
	}
	return out
}

// spread is "median (lowest–highest)".
func spread(v []float64) string {
	if len(v) == 1 {
		return number(v[0])
	}
	return fmt.Sprintf("%s (%s–%s)", number(median(v)), number(slices.Min(v)), number(slices.Max(v)))
}

func number(v float64) string {
	switch {
	case v >= 1000:
		return fmt.Sprintf("%.0f", v)
	case v >= 100:
		return fmt.Sprintf("%.1f", v)
	}
	return fmt.Sprintf("%.3g", v)
}

// machine are the facts that figures depend on.
func machine(cfg config, took time.Duration) string {
	facts := []string{
		fmt.Sprintf("%s %s/%s, %d CPUs", runtime.Version(), runtime.GOOS, runtime.GOARCH, runtime.NumCPU()),
		inFile("/proc/cpuinfo", "model name", ""),
		inFile("/proc/meminfo", "MemTotal", "memory "),
		outputOf("uname", "-sr"),
		outputOf("ssh", "-V"),
		fmt.Sprintf("%d rounds or more of what has a target, %d of the rest; %s in all, ended %s UTC", cfg.rounds, min(cfg.rounds, roundsOfPlot), took.Round(time.Second), time.Now().UTC().Format("2006-01-02 15:04")),
	}
	var b strings.Builder
	for _, f := range facts {
		if f != "" {
			b.WriteString("- " + f + "\n")
		}
	}
	return b.String()
}

func outputOf(name string, args ...string) string {
	out, err := exec.Command(name, args...).CombinedOutput()
	if err != nil {
		return ""
	}
	return strings.TrimSpace(string(out))
}

func inFile(path, field, prefix string) string {
	text, err := os.ReadFile(path)
	if err != nil {
		return ""
	}
	for line := range strings.Lines(string(text)) {
		if k, v, ok := strings.Cut(line, ":"); ok && strings.TrimSpace(k) == field {
			return prefix + strings.TrimSpace(v)
		}
	}
	return ""
}
