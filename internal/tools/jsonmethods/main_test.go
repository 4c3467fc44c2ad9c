package main

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// TestCurrent holds the generated file to the types: after a new type, run go
// generate ./decisioning.
func TestCurrent(t *testing.T) {
	t.Parallel()
	dir := filepath.Join("..", "..", "..", "decisioning")
	want, err := generate(dir)
	require.NoError(t, err)
	got, err := os.ReadFile(filepath.Join(dir, output))
	require.NoError(t, err)
	assert.Equal(t, string(want), string(got), "run go generate ./decisioning")
	assert.Greater(t, len(want), 10_000)
}

func TestMethodsByHandAreLeft(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	const src = "package p\n\ntype A struct {\n\tExtra map[string]int `json:\",embed\"`\n}\n\nfunc (a *A) UnmarshalJSON([]byte) error { return nil }\n\ntype b struct {\n\tExtra map[string]int `json:\",embed\"`\n}\n\ntype C struct{ Extra int }\n"
	require.NoError(t, os.WriteFile(filepath.Join(dir, "p.go"), []byte(src), 0o600))
	got, err := generate(dir)
	require.NoError(t, err)
	assert.Contains(t, string(got), "func (v A) MarshalJSON()")
	assert.NotContains(t, string(got), "UnmarshalJSON(")
	assert.NotContains(t, string(got), "C)")
}
