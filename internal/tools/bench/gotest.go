package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"time"

	"golang.org/x/perf/benchfmt"
)

// The module that is measured is the one this is nested in.
const module = "../../.."

// packageBenchmark is a benchmark of a package, which compares with a baseline
// by itself, in one process.
type packageBenchmark struct {
	pkg  string // folder below the module
	name string // of the benchmark: BenchmarkX, or BenchmarkX/sub
	time string // for -benchtime; default 1x
	env  string // a variable and its value
	disk bool   // it is about syncing files, which costs nothing in memory
}

func (p packageBenchmark) variant() variant {
	return variant{name: "ccr", run: func(ctx context.Context, w *world) (figures, error) {
		program, err := w.testProgram(ctx, p.pkg)
		if err != nil {
			return nil, err
		}
		var parts []string
		for part := range strings.SplitSeq(p.name, "/") {
			parts = append(parts, "^"+part+"$")
		}
		benchtime := p.time
		if benchtime == "" {
			benchtime = "1x"
		}
		cmd := exec.CommandContext(ctx, program, "-test.run", "^$", "-test.bench", strings.Join(parts, "/"), "-test.benchtime", benchtime, "-test.timeout", "30m")
		cmd.Dir = filepath.Join(module, p.pkg)
		cmd.Env = os.Environ()
		if !p.disk {
			cmd.Env = append(cmd.Env, "TMPDIR="+w.dir)
		}
		if p.env != "" {
			cmd.Env = append(cmd.Env, p.env)
		}
		cmd.WaitDelay = 10 * time.Second
		out, err := cmd.CombinedOutput()
		if err != nil {
			return nil, fmt.Errorf("%w\n%s", err, out)
		}
		return parseFigures(out)
	}}
}

// testProgram builds the tests of a package of the module that is measured.
func (s *shared) testProgram(ctx context.Context, pkg string) (string, error) {
	return s.once(pkg+".test", func(program string) *exec.Cmd {
		cmd := exec.CommandContext(ctx, "go", "test", "-c", "-o", program, "./"+pkg)
		cmd.Dir = module
		return cmd
	})
}

// build builds a program of this module.
func (s *shared) build(ctx context.Context, pkg string) (string, error) {
	return s.once(pkg, func(program string) *exec.Cmd { return exec.CommandContext(ctx, "go", "build", "-o", program, pkg) })
}

// once builds a program unless that was done.
func (s *shared) once(name string, build func(program string) *exec.Cmd) (string, error) {
	if program := s.built[name]; program != "" {
		return program, nil
	}
	program := filepath.Join(s.dir, "program-"+fmt.Sprint(len(s.built)))
	if out, err := build(program).CombinedOutput(); err != nil {
		return "", fmt.Errorf("building %s: %w\n%s", name, err, out)
	}
	s.built[name] = program
	return program, nil
}

// parseFigures reads the one result of a benchmark's output.
func parseFigures(out []byte) (figures, error) {
	f := figures{}
	r := benchfmt.NewReader(bytes.NewReader(out), "")
	for r.Scan() {
		result, ok := r.Result().(*benchfmt.Result)
		if !ok {
			continue
		}
		if len(f) > 0 {
			return nil, fmt.Errorf("more than one result:\n%s", out)
		}
		for _, v := range result.Values {
			unit, value := v.Unit, v.Value
			if v.OrigUnit != "" {
				unit, value = v.OrigUnit, v.OrigValue
			}
			if strings.HasSuffix(unit, "/op") {
				continue // of a turn of all ways together: means nothing
			}
			f[unit] = value
		}
	}
	if err := r.Err(); err != nil {
		return nil, err
	}
	if len(f) == 0 {
		return nil, errors.New("no result:\n" + string(out))
	}
	return f, nil
}
