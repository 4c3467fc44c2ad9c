package main

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func TestCheckPackage(t *testing.T) {
	t.Parallel()
	tests := map[string]struct {
		source string
		want   []string // "name problem"
	}{
		"clean":                        {"// Package p moves things.\npackage p\n\n// Limit is in bytes.\nconst Limit = 1\n", nil},
		"no package comment":           {"package p\n", []string{"package p has no package comment"}},
		"a directive is no comment":    {"//go:build linux\n\npackage p\n", []string{"package p has no package comment"}},
		"functions":                    {doc + "func F() {}\n\nfunc f() {}\n\n// G counts to three.\nfunc G() {}\n", []string{"F has no comment"}},
		"a comment apart":              {doc + "// F counts to three.\n\nfunc F() {}\n", []string{"F has no comment"}},
		"only the name":                {doc + "// MaxSize is the max size.\nfunc MaxSize() {}\n", []string{"MaxSize has a comment that only repeats its name"}},
		"methods":                      {doc + "// T holds a lock.\ntype T struct{}\n\nfunc (t *T) A() {}\n\n// B blocks.\nfunc (T) B() {}\n\nfunc (T) c() {}\n", []string{"T.A has no comment"}},
		"methods of a generic type":    {doc + "// T holds a lock.\ntype T[K any] struct{}\n\nfunc (t *T[K]) A() {}\n", []string{"T.A has no comment"}},
		"of a generic type with two":   {doc + "// T holds a lock.\ntype T[K, V any] struct{}\n\nfunc (t T[K, V]) A() {}\n", []string{"T.A has no comment"}},
		"methods of a hidden type":     {doc + "type t struct{ A int }\n\nfunc (t) A() {}\n", nil},
		"fields":                       {doc + "// T holds a lock.\ntype T struct {\n\t// Both of them count.\n\tA int\n\tB int // in seconds\n\tC, D int\n\te int\n}\n", nil},
		"fields under one's comment":   {doc + "// T holds a lock.\ntype T struct {\n\t// A and B count.\n\tA int\n\tB int\n\tC int\n}\n", []string{"T.C has no comment"}},
		"fields after a blank line":    {doc + "// T holds a lock.\ntype T struct {\n\t// In seconds.\n\tA int\n\tB int\n\n\tC int\n\tD int // in days\n}\n", []string{"T.C has no comment"}},
		"fields under a line comment":  {doc + "// T holds a lock.\ntype T struct {\n\tA int // in days\n\tB, C int\n}\n", []string{"T.B has no comment", "T.C has no comment"}},
		"fields under an empty remark": {doc + "// T holds a lock.\ntype T struct {\n\t// A.\n\tA int\n}\n", []string{"T.A has a comment that only repeats its name"}},
		"fields within":                {doc + "// T holds a lock.\ntype T struct {\n\t// A counts.\n\tA []struct{ B int }\n\t// M is by day.\n\tM map[string]*struct{ C int }\n}\n", []string{"T.A.B has no comment", "T.M.C has no comment"}},
		"embedded":                     {doc + "// T holds a lock.\ntype T struct{ U }\n\n// U opens at noon.\ntype U struct{}\n", nil},
		"interfaces":                   {doc + "// I opens at noon.\ntype I interface {\n\tA()\n\tB() // blocks\n\tc()\n}\n", []string{"I.A has no comment"}},
		"groups of values":             {doc + "// Limits of the vendor.\nconst (\n\tA = 1\n\tB = 2\n)\n\nvar (\n\tC = 1 // in bytes\n\tD = 2\n)\n", []string{"D has no comment"}},
		"values of a type":             {doc + "const (\n\tA T = 1\n\tB U = 2\n)\n\nconst C T = 3\n\n// T is in days.\ntype T int\n\ntype U int\n", []string{"B has no comment", "C has no comment", "U has no comment"}},
		"groups of types":              {doc + "// Both are opened at noon.\ntype (\n\tA int\n\t// B is in bytes.\n\tB int\n)\n", []string{"A has no comment"}},
		"aliases":                      {doc + "type A = int\n", []string{"A has no comment"}},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			dir := t.TempDir()
			require.NoError(t, os.WriteFile(filepath.Join(dir, "p.go"), []byte(tt.source), 0o600))
			require.NoError(t, os.WriteFile(filepath.Join(dir, "p_test.go"), []byte("package p\n\nfunc Unchecked() {}\n"), 0o600))
			faults, err := checkPackage(dir)
			require.NoError(t, err)
			var got []string
			for _, f := range faults {
				got = append(got, f.name+" "+f.problem)
				require.Equal(t, "p.go", filepath.Base(f.position.Filename))
				require.Positive(t, f.position.Line)
			}
			require.Equal(t, tt.want, got)
		})
	}
}

const doc = "// Package p moves things.\npackage p\n\n"

func TestSays(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		text, name string
		want       bool
	}{
		{"", "Name", false},
		{"Name.", "Name", false},
		{"The name of the debtor.", "Name", true},
		{"HTTPClient is the HTTP client.", "HTTPClient", false},
		{"HTTPClient must not be nil.", "HTTPClient", true},
		{"MaxSizes are the max sizes.", "MaxSize", false},
		{"In cents.", "Amount", true},
	} {
		assert.Equal(t, tt.want, says(tt.text, tt.name), "%q for %s", tt.text, tt.name)
	}
}

func TestWords(t *testing.T) {
	t.Parallel()
	assert.Equal(t, []string{"max", "http", "body"}, words("MaxHTTPBody"))
	assert.Equal(t, []string{"id"}, words("ID"))
	assert.Equal(t, []string{"x", "days"}, words("XDays"))
	assert.Equal(t, []string{"lower", "case"}, words("lowerCase"))
}

func TestCheckModule(t *testing.T) {
	t.Parallel()
	root := t.TempDir()
	write := func(name, text string) {
		path := filepath.Join(root, filepath.FromSlash(name))
		require.NoError(t, os.MkdirAll(filepath.Dir(path), 0o700))
		require.NoError(t, os.WriteFile(path, []byte(text), 0o600))
	}
	_, _, err := checkModule(root)
	require.Error(t, err, "nothing to check is no success")
	write("p.go", doc)
	write("sub/deep/p.go", doc+"func F() {}\n")
	write("internal/x/p.go", "package x\n\nfunc F() {}\n")
	write("examples/x/p.go", "package main\n\nfunc F() {}\n")
	write("nested/go.mod", "module nested\n")
	write("nested/p.go", "package nested\n\nfunc F() {}\n")
	faults, packages, err := checkModule(root)
	require.NoError(t, err)
	require.Equal(t, 2, packages)
	require.Len(t, faults, 1)
	require.Contains(t, faults[0].String(), filepath.Join("sub", "deep", "p.go")+":4: F has no comment")

	write("p.go", doc+"// T holds a lock.\ntype T struct{ A int }\n")
	faults, _, err = checkModule(root)
	require.NoError(t, err)
	require.Len(t, faults, 2, "members, too")

	write("p.go", "package")
	_, _, err = checkModule(root)
	require.Error(t, err, "a file that does not parse")
}
