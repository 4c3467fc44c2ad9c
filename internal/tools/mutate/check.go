package main

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"hash/fnv"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"time"
)

type outcome int

const (
	killed outcome = iota
	survived
	unbuilt
)

// check tests a sample of the mutants of a package.
func check(ctx context.Context, o options, pattern string, tests []string) (s score, err error) {
	start := time.Now()
	out, err := exec.CommandContext(ctx, "go", "list", "-json=Dir,ImportPath,GoFiles,Module", pattern).Output()
	if err != nil {
		return s, fmt.Errorf("go list %s: %w", pattern, err)
	}
	var p struct {
		Dir, ImportPath string
		GoFiles         []string
		Module          struct{ Dir string }
	}
	if err := json.Unmarshal(out, &p); err != nil {
		return s, err
	}
	if len(tests) == 0 {
		tests = []string{p.ImportPath}
	}
	dir, err := os.MkdirTemp("", "ccr-mutate-")
	if err != nil {
		return s, err
	}
	defer os.RemoveAll(dir)
	profile := filepath.Join(dir, "profile")
	args := append([]string{"test", "-coverprofile=" + profile, "-coverpkg=" + p.ImportPath}, append(o.args, tests...)...)
	if out, err := exec.CommandContext(ctx, "go", args...).CombinedOutput(); err != nil {
		return s, fmt.Errorf("the tests fail as they are: %w\n%s", err, out)
	}
	covered, err := coveredLines(profile)
	if err != nil {
		return s, err
	}
	var all []*mutant
	for _, name := range p.GoFiles {
		if !o.files.MatchString(name) {
			continue
		}
		path := filepath.Join(p.Dir, name)
		source, err := os.ReadFile(path)
		if err != nil {
			return s, err
		}
		rel, err := filepath.Rel(p.Module.Dir, path)
		if err != nil {
			return s, err
		}
		found, err := mutantsOf(path, filepath.ToSlash(rel), string(source))
		if err != nil {
			return s, err
		}
		for _, m := range found {
			if covered[p.ImportPath+"/"+name][m.line] {
				all = append(all, m)
			}
		}
	}
	h := fnv.New64()
	h.Write([]byte(p.ImportPath)) //nolint:errcheck // it cannot fail
	rand.New(rand.NewPCG(o.seed, h.Sum64())).Shuffle(len(all), func(i, j int) { all[i], all[j] = all[j], all[i] })
	r := &runner{options: o, dir: dir, tests: tests, left: all}
	r.run(ctx)
	r.score.took = time.Since(start)
	return r.score, ctx.Err()
}

// coveredLines reads a coverage profile: file, line.
func coveredLines(profile string) (map[string]map[int]bool, error) {
	text, err := os.ReadFile(profile)
	if err != nil {
		return nil, err
	}
	covered := map[string]map[int]bool{}
	for line := range strings.Lines(string(text)) {
		file, rest, _ := strings.Cut(line, ":")
		var from, to, count, skip int
		if _, err := fmt.Sscanf(rest, "%d.%d,%d.%d %d %d", &from, &skip, &to, &skip, &skip, &count); err != nil || count == 0 {
			continue
		}
		if covered[file] == nil {
			covered[file] = map[int]bool{}
		}
		for l := from; l <= to; l++ {
			covered[file][l] = true
		}
	}
	return covered, nil
}

// runner tests mutants until enough of them are done.
type runner struct {
	options
	dir   string
	tests []string

	mu      sync.Mutex
	left    []*mutant
	pending int // under way
	score   score
}

func (r *runner) run(ctx context.Context) {
	var wg sync.WaitGroup
	for worker := range r.parallel {
		wg.Go(func() {
			for m := r.next(); m != nil && ctx.Err() == nil; m = r.next() {
				o, err := r.test(ctx, m, filepath.Join(r.dir, fmt.Sprint(worker)))
				r.done(m, o, err)
			}
		})
	}
	wg.Wait()
}

// next is the next mutant; nil if enough are done or under way. One that is
// under way may not build: then another one takes its place.
func (r *runner) next() *mutant {
	r.mu.Lock()
	defer r.mu.Unlock()
	done := r.score.killed + r.score.survived + r.score.known
	if len(r.left) == 0 || r.n > 0 && done+r.pending >= r.n {
		return nil
	}
	m := r.left[0]
	r.left = r.left[1:]
	r.pending++
	return m
}

func (r *runner) done(m *mutant, o outcome, err error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.pending--
	switch {
	case err != nil:
		fmt.Fprintln(os.Stderr, "mutate:", err)
	case o == unbuilt:
		r.score.unbuilt++
	case o == killed:
		r.score.killed++
	case r.known[m.diff()]:
		r.score.known++
	default:
		r.score.survived++
		fmt.Printf("# line %d\n%s\n\n", m.line, m.diff())
	}
}

// test builds a mutant and runs the tests.
func (r *runner) test(ctx context.Context, m *mutant, path string) (outcome, error) {
	overlay, err := json.Marshal(map[string]map[string]string{"Replace": {m.path: path + ".go"}})
	if err != nil {
		return killed, err
	}
	for name, text := range map[string][]byte{path + ".go": []byte(m.text()), path + ".json": overlay} {
		if err := os.WriteFile(name, text, 0o600); err != nil {
			return killed, err
		}
	}
	args := append([]string{"test", "-overlay=" + path + ".json", "-vet=off", "-failfast", "-timeout=" + r.timeout.String()}, append(r.args, r.tests...)...)
	ctx, cancel := context.WithTimeout(ctx, r.timeout*2+time.Minute) // for builds, too
	defer cancel()
	cmd := exec.CommandContext(ctx, "go", args...)
	cmd.WaitDelay = 5 * time.Second
	out, err := cmd.CombinedOutput()
	switch {
	case bytes.Contains(out, []byte("[build failed]")), bytes.Contains(out, []byte("[setup failed]")):
		return unbuilt, nil
	case err == nil:
		return survived, nil
	}
	return killed, nil
}
