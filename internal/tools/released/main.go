// Command released builds each nested module as one that was released:
// without its replace line, against a copy of the tree that a module proxy
// serves at a made-up version. It finds what a replace line hides: a file that
// the module's archive lacks, a requirement that only the tree satisfies.
//
//	go run ./internal/tools/released
//
// Only files that git tracks are in the archive. The modules below
// internal/tools are not released.
package main

import (
	"archive/zip"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"os/signal"
	"path"
	"path/filepath"
	"regexp"
	"strings"
)

const (
	module  = "github.com/ccr-sdk/ccr"
	version = "v0.999.0"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	if err := run(ctx); err != nil {
		fmt.Fprintln(os.Stderr, "released:", err)
		os.Exit(1) //nolint:gocritic // the process ends, and stop with it
	}
}

func run(ctx context.Context) error {
	dir, err := os.MkdirTemp("", "released-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir)
	listed, err := output(ctx, "git", "ls-files")
	if err != nil {
		return err
	}
	files := strings.Fields(listed)
	var nested []string
	for _, f := range files {
		if path.Base(f) == "go.mod" && f != "go.mod" {
			nested = append(nested, path.Dir(f))
		}
	}
	owner := func(file string) (found string) { // the nested module that a file is of
		for _, m := range nested {
			if strings.HasPrefix(file, m+"/") {
				found = m
			}
		}
		return found
	}
	for _, m := range append([]string{""}, nested...) {
		if err := serve(filepath.Join(dir, "proxy"), m, files, owner); err != nil {
			return err
		}
	}
	settings, err := output(ctx, "go", "env", "GOMODCACHE", "GOPROXY")
	if err != nil {
		return err
	}
	cache, proxy, _ := strings.Cut(strings.TrimSpace(settings), "\n")
	env := append(os.Environ(),
		// What was downloaded before is not downloaded again, and the made-up
		// version does not reach the cache.
		"GOPROXY="+fileURL(filepath.Join(dir, "proxy"))+","+fileURL(filepath.Join(cache, "cache", "download"))+","+proxy,
		"GOMODCACHE="+filepath.Join(dir, "cache"), "GONOSUMDB="+module+","+module+"/*", "GOFLAGS=-mod=mod -modcacherw -trimpath -buildvcs=false", "GOWORK=off")
	var errs []error
	for _, m := range nested {
		if strings.HasPrefix(m, "internal/") {
			continue
		}
		if err := build(ctx, filepath.Join(dir, "modules", m), m, files, owner, env); err != nil {
			errs = append(errs, fmt.Errorf("%s: %w", m, err))
			continue
		}
		fmt.Println("ok", m)
	}
	return errors.Join(errs...)
}

// ours are a module's own lines in a go.mod: what a release drops or changes.
var (
	replaces = regexp.MustCompile(`(?m)^replace ` + regexp.QuoteMeta(module) + `[ /].*$`)
	requires = regexp.MustCompile(`(` + regexp.QuoteMeta(module) + `(?:/[a-z/]+)?) v0\.0\.0`)
)

// released is the go.mod of a module as its release has it.
func released(dir string) ([]byte, error) {
	mod, err := os.ReadFile(filepath.Join(dir, "go.mod"))
	return requires.ReplaceAll(replaces.ReplaceAll(mod, nil), []byte("${1} "+version)), err
}

// serve writes what a proxy answers for one module; m is its folder, "" for
// the root.
func serve(proxy, m string, files []string, owner func(string) string) error {
	name := path.Join(module, m)
	dir := filepath.Join(proxy, filepath.FromSlash(name), "@v")
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return err
	}
	mod, err := released(m)
	if err != nil {
		return err
	}
	for name, text := range map[string]string{"list": version + "\n", version + ".info": `{"Version":"` + version + `"}`, version + ".mod": string(mod)} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
			return err
		}
	}
	out, err := os.Create(filepath.Join(dir, version+".zip"))
	if err != nil {
		return err
	}
	defer out.Close() //nolint:errcheck // closed below, too
	z := zip.NewWriter(out)
	for _, f := range files {
		if owner(f) != m {
			continue
		}
		w, err := z.Create(name + "@" + version + "/" + strings.TrimPrefix(f, m+"/"))
		if err != nil {
			return err
		}
		if path.Base(f) == "go.mod" {
			if _, err := w.Write(mod); err != nil {
				return err
			}
			continue
		}
		if err := copyTo(w, f); err != nil {
			return err
		}
	}
	return errors.Join(z.Close(), out.Close())
}

// build copies one module to dir, drops its replace line and builds it.
func build(ctx context.Context, dir, m string, files []string, owner func(string) string, env []string) error {
	for _, f := range files {
		if owner(f) != m {
			continue
		}
		to := filepath.Join(dir, filepath.FromSlash(strings.TrimPrefix(f, m+"/")))
		if err := os.MkdirAll(filepath.Dir(to), 0o700); err != nil {
			return err
		}
		w, err := os.Create(to)
		if err != nil {
			return err
		}
		if err := errors.Join(copyTo(w, f), w.Close()); err != nil {
			return err
		}
	}
	mod, err := released(m)
	if err != nil {
		return err
	}
	if err := os.WriteFile(filepath.Join(dir, "go.mod"), mod, 0o600); err != nil {
		return err
	}
	cmd := exec.CommandContext(ctx, "go", "build", "-o", os.DevNull, "./...")
	cmd.Dir, cmd.Env, cmd.Stdout, cmd.Stderr = dir, env, os.Stdout, os.Stderr
	return cmd.Run()
}

func copyTo(w io.Writer, name string) error {
	f, err := os.Open(name)
	if err != nil {
		return err
	}
	defer f.Close() //nolint:errcheck // it was only read
	_, err = io.Copy(w, f)
	return err
}

func output(ctx context.Context, name string, args ...string) (string, error) {
	out, err := exec.CommandContext(ctx, name, args...).Output()
	if err != nil {
		return "", fmt.Errorf("%s %s: %w", name, args[0], err)
	}
	return string(out), nil
}

func fileURL(name string) string { return "file://" + filepath.ToSlash(name) }
