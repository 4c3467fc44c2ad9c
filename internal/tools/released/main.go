// Command released builds and vets each nested module as one that was released:
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
	if err := serve(filepath.Join(dir, "proxy", filepath.FromSlash(module), "@v"), files, owner); err != nil {
		return err
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
		"GOMODCACHE="+filepath.Join(dir, "cache"), "GONOSUMDB="+module, "GOFLAGS=-mod=mod -modcacherw -buildvcs=false", "GOWORK=off")
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

// serve writes what a proxy answers for the root module.
func serve(dir string, files []string, owner func(string) string) error {
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return err
	}
	mod, err := os.ReadFile("go.mod")
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
		if owner(f) != "" {
			continue
		}
		w, err := z.Create(module + "@" + version + "/" + f)
		if err != nil {
			return err
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
	for _, args := range [][]string{
		{"mod", "edit", "-dropreplace=" + module, "-require=" + module + "@" + version},
		{"build", "-o", os.DevNull, "./..."},
		{"vet", "./..."},
	} {
		cmd := exec.CommandContext(ctx, "go", args...)
		cmd.Dir, cmd.Env, cmd.Stdout, cmd.Stderr = dir, env, os.Stdout, os.Stderr
		if err := cmd.Run(); err != nil {
			return fmt.Errorf("go %s: %w", args[0], err)
		}
	}
	return nil
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
