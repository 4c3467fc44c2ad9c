// Package readme proves that the programs printed in the README compile and
// run, in a module of their own that imports ccr as a stranger would.
package readme

import (
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

var (
	heading = regexp.MustCompile(`(?m)^### (\w+)$`)
	program = regexp.MustCompile("(?s)```go\n(package main\n.*?)```")
)

func TestSnippets(t *testing.T) {
	t.Parallel()
	if testing.Short() {
		t.Skip("SKIPPED: -short builds no programs")
	}
	root, err := filepath.Abs("../../..")
	require.NoError(t, err)
	text, err := os.ReadFile(filepath.Join(root, "README.md"))
	require.NoError(t, err)

	dir := t.TempDir()
	found := map[string]bool{}
	for _, part := range heading.FindAllStringSubmatchIndex(string(text), -1) {
		name := string(text[part[2]:part[3]])
		code := program.FindSubmatch(text[part[1]:])
		require.NotNil(t, code, "the README has no program under %q", name)
		require.NoError(t, os.MkdirAll(filepath.Join(dir, name), 0o755))
		require.NoError(t, os.WriteFile(filepath.Join(dir, name, "main.go"), code[1], 0o600))
		found[name] = true
	}
	for _, name := range []string{"accounts", "gateway", "decisioning", "sftp"} {
		require.True(t, found[name], "the README shows no program for %s", name)
	}

	run(t, dir, "mod", "init", "example.com/tryout")
	run(t, dir, "mod", "edit", "-require=github.com/ccr-sdk/ccr@v0.0.0", "-replace=github.com/ccr-sdk/ccr="+root)
	run(t, dir, "mod", "tidy")
	want := map[string]string{
		"accounts": "2026-11-21/0001 ", "gateway": "123456-24112026-2013-000000001.xml delivered",
		"decisioning": "credit score ", "sftp": "uploads/debtors.csv 20 verified",
	}
	for name := range found {
		out := run(t, dir, "run", "./"+name)
		assert.True(t, strings.HasPrefix(out, want[name]), "%s printed %q", name, out)
	}
}

// run calls the go command as somebody would at a prompt.
func run(t *testing.T, dir string, args ...string) string {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), "go", args...)
	cmd.Dir = dir
	cmd.Env = append(os.Environ(), "GOFLAGS=-mod=mod", "GOWORK=off")
	var stderr strings.Builder
	cmd.Stderr = &stderr
	out, err := cmd.Output()
	require.NoError(t, err, "go %s: %s", strings.Join(args, " "), stderr.String())
	return string(out)
}
