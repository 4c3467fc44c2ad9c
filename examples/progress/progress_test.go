package main

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/ccr-sdk/ccr"
)

func TestPlainLines(t *testing.T) {
	t.Parallel()
	var out strings.Builder
	require.NoError(t, run(t.Context(), newDisplay(&out, false), 8<<20))
	for _, want := range []string{"Upload COLLECTIONS.csv: done", "Upload debtors.csv: done, 8388608 bytes", "Receive returns.csv: done"} {
		assert.Contains(t, out.String(), want)
	}
	assert.NotContains(t, out.String(), "\r", "no terminal control where there is no terminal")
	assert.LessOrEqual(t, strings.Count(out.String(), "\n"), 40)
	assert.Contains(t, out.String(), "%")
}

func TestBars(t *testing.T) {
	t.Parallel()
	var out strings.Builder
	d := newDisplay(&out, true)
	for n := int64(0); n <= 100; n += 10 {
		d.report(ccr.Progress{Operation: "Upload", Name: "a.csv", Bytes: n, TotalBytes: 100, Done: n == 100})
	}
	assert.Contains(t, out.String(), "Upload a.csv")
	assert.Contains(t, out.String(), "100%")
	assert.Contains(t, out.String(), "\r")
	assert.Empty(t, d.bars)
}
