package apilist_test

import (
	"flag"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/ccr-sdk/ccr/internal/tools/apilist"
)

var update = flag.Bool("update", false, "write the listings anew")

const root = "../../.."

func TestListings(t *testing.T) {
	packages, err := apilist.Packages(root)
	require.NoError(t, err)
	require.Contains(t, packages, ".")
	known := map[string]bool{}
	for _, p := range packages {
		list, err := apilist.List(filepath.Join(root, filepath.FromSlash(p)))
		require.NoError(t, err, p)
		name := strings.ReplaceAll(strings.Replace(p, ".", "ccr", 1), "/", "_") + ".txt"
		known[name] = true
		path := filepath.Join("listing", name)
		if *update {
			require.NoError(t, os.MkdirAll("listing", 0o755))
			require.NoError(t, os.WriteFile(path, []byte(list), 0o644))
			continue
		}
		want, err := os.ReadFile(path)
		require.NoError(t, err, "package %s has no listing: run go test ./internal/tools/apilist -update", p)
		assert.Equal(t, strings.ReplaceAll(string(want), "\r\n", "\n"), list, "the API of package %s changed; if that is meant, run go test ./internal/tools/apilist -update and say so in the CHANGELOG", p)
	}
	entries, err := os.ReadDir("listing")
	require.NoError(t, err)
	for _, e := range entries {
		if !known[e.Name()] && *update {
			require.NoError(t, os.Remove(filepath.Join("listing", e.Name())))
		} else if !*update {
			assert.True(t, known[e.Name()], "listing %s belongs to no package", e.Name())
		}
	}
}

func TestListSeesABreak(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	list := func(src string) string {
		require.NoError(t, os.WriteFile(filepath.Join(dir, "p.go"), []byte("package p\n"+src), 0o600))
		out, err := apilist.List(dir)
		require.NoError(t, err)
		return out
	}
	base := list("// F does.\nfunc F(a int) error { return nil }\n\nfunc f() {}\n\ntype t struct{}\n\nfunc (t) M() {}\n\n// T is.\ntype T struct {\n\tA int // a\n\tb int\n}\n")
	assert.Contains(t, base, "func F(a int) error")
	assert.NotContains(t, base, "does")
	assert.NotContains(t, base, "M()")
	assert.NotContains(t, base, "b int")
	assert.Equal(t, base, list("// F does more.\nfunc F(a int) error { panic(1) }\n\n// T was.\ntype T struct {\n\t// a\n\tA int\n\tb, c int\n}\n"), "comments and bodies are no API")
	assert.NotEqual(t, base, list("func F(a int64) error { return nil }\n\ntype T struct {\n\tA int\n}\n"))
}
