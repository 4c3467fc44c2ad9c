package main

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"time"

	"github.com/ccr-sdk/ccr/internal/tools/bench/work"
)

// childArg as the first argument makes the program a child of itself.
const childArg = "child"

// job is what a client process does. It prints its figures as JSON.
type job func(ctx context.Context, args []string) (figures, error)

// server starts and returns what its clients need to know, and a stop.
type server func(args []string) (ready any, stop func(), err error)

func runChild(args []string) int {
	err := func() error {
		if len(args) == 0 {
			return errors.New("no job")
		}
		if s, ok := servers()[args[0]]; ok {
			return serve(s, args[1:])
		}
		j, ok := jobs()[args[0]]
		if !ok {
			return fmt.Errorf("unknown job %q", args[0])
		}
		f, err := j(context.Background(), args[1:])
		if err != nil {
			return err
		}
		f["peak-MiB"] = work.OwnPeak()
		return json.NewEncoder(os.Stdout).Encode(f)
	}()
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	return 0
}

// serve prints one line when the server is ready and ends when its standard
// input does.
func serve(s server, args []string) error {
	ready, stop, err := s(args)
	if err != nil {
		return err
	}
	defer stop()
	if err := json.NewEncoder(os.Stdout).Encode(ready); err != nil {
		return err
	}
	_, err = io.Copy(io.Discard, os.Stdin) // until the parent closes it, or dies
	return err
}

// shared is what all cases have in common.
type shared struct {
	dir   string            // on memory if there is such a file system: no disk in the figures
	built map[string]string // programs by package
	tools map[string]string // other programs by name, absent if they cannot be had
	why   map[string]string // they cannot
}

func newShared(ctx context.Context, cases []benchCase) (*shared, error) {
	base := ""
	if st, err := os.Stat("/dev/shm"); err == nil && st.IsDir() {
		base = "/dev/shm"
	}
	dir, err := os.MkdirTemp(base, "ccr-bench-")
	if err != nil {
		return nil, err
	}
	s := &shared{dir: dir, built: map[string]string{}, tools: map[string]string{}, why: map[string]string{}}
	needed := map[string]bool{}
	for _, c := range cases {
		for _, v := range c.variants {
			for _, tool := range v.needs {
				needed[tool] = true
			}
		}
	}
	s.findTools(ctx, needed)
	return s, nil
}

func (s *shared) close() { os.RemoveAll(s.dir) } //nolint:errcheck // a temporary folder

// world is what belongs to one case: a folder, server processes, facts.
type world struct {
	*shared
	dir   string
	facts map[string]string
	ends  []func()
}

func newWorld(s *shared) (*world, error) {
	dir, err := os.MkdirTemp(s.dir, "case-")
	return &world{shared: s, dir: dir, facts: map[string]string{}}, err
}

func (w *world) close() {
	for _, end := range w.ends {
		end()
	}
	os.RemoveAll(w.dir) //nolint:errcheck // a temporary folder
}

// start runs a server in a process of its own and decodes its ready line.
func (w *world) start(ready any, name string, args ...string) error {
	cmd, err := self(context.Background(), append([]string{name}, args...))
	if err != nil {
		return err
	}
	in, err := cmd.StdinPipe()
	if err != nil {
		return err
	}
	out, err := cmd.StdoutPipe()
	if err != nil {
		return err
	}
	if err := cmd.Start(); err != nil {
		return err
	}
	w.ends = append(w.ends, func() {
		in.Close() //nolint:errcheck // tells it to end
		done := make(chan struct{})
		go func() { cmd.Wait(); close(done) }() //nolint:errcheck // it was told to end
		select {
		case <-done:
		case <-time.After(10 * time.Second):
			cmd.Process.Kill() //nolint:errcheck // it may have ended
			<-done
		}
	})
	line, err := bufio.NewReader(out).ReadBytes('\n')
	if err != nil {
		return fmt.Errorf("server %s did not start: %w", name, err)
	}
	return json.Unmarshal(line, ready)
}

func self(ctx context.Context, args []string) (*exec.Cmd, error) {
	exe, err := os.Executable()
	if err != nil {
		return nil, err
	}
	cmd := exec.CommandContext(ctx, exe, append([]string{childArg}, args...)...)
	cmd.Stderr = os.Stderr
	return cmd, nil
}

// child runs a job of this program in a process of its own.
func (w *world) child(ctx context.Context, job string, args ...string) (figures, error) {
	cmd, err := self(ctx, append([]string{job}, args...))
	if err != nil {
		return nil, err
	}
	return w.client(cmd)
}

// client runs a program that prints figures, and adds what the system counted.
// If it gives its own seconds, they count; else those of the whole process.
func (w *world) client(cmd *exec.Cmd) (figures, error) {
	cmd.Stderr = os.Stderr
	out, whole, err := timed(cmd)
	if err != nil {
		return nil, err
	}
	f := figures{}
	if err := json.Unmarshal(out, &f); err != nil {
		return nil, fmt.Errorf("its figures: %w", err)
	}
	maps.Copy(whole, f)
	return whole, nil
}

// program runs a program of others.
func (w *world) program(cmd *exec.Cmd) (figures, error) {
	out, f, err := timed(cmd)
	if err != nil {
		return nil, fmt.Errorf("%s: %w\n%s", filepath.Base(cmd.Path), err, out)
	}
	return f, nil
}

// timed runs a command and returns its output, its time, its CPU time and its
// peak memory.
func timed(cmd *exec.Cmd) ([]byte, figures, error) {
	out, err := cmd.StdoutPipe()
	if err != nil {
		return nil, nil, err
	}
	start := time.Now()
	if err := cmd.Start(); err != nil {
		return nil, nil, err
	}
	watch := watchPeak(cmd.Process.Pid)
	text, readErr := io.ReadAll(out)
	err = cmd.Wait()
	took := time.Since(start)
	f := figures{"s": took.Seconds(), "cpu-s": (cmd.ProcessState.UserTime() + cmd.ProcessState.SystemTime()).Seconds()}
	if peak := watch(); peak > 0 {
		f["peak-MiB"] = peak
	}
	return text, f, errors.Join(err, readErr)
}
