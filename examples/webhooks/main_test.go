package main

import (
	"bytes"
	"io"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func TestDemonstration(t *testing.T) {
	t.Parallel()
	var out, log bytes.Buffer
	require.NoError(t, run(t.Context(), nil, &out, &log))
	for _, want := range []string{
		"PaymentPlanStarted", "FatZebraCreditCard of 1235.0", "FatZebraCreditCard of 59.0 failed, 2 in a row",
		"Weekly plan of 59.0, cancelled 2021-11-03", "does not know",
	} {
		assert.Contains(t, out.String(), want)
	}
	assert.Equal(t, 1, strings.Count(out.String(), "2 in a row"), "what comes twice is handled once")
	assert.Contains(t, log.String(), "status=401")
}

func TestFlags(t *testing.T) {
	t.Setenv(envSecret, "")
	for _, args := range [][]string{{"x"}, {"-style", "basic"}, {"-listen", ":0"}, {"-listen", ":0", "-cert", "c", "-key", "k", "-style", "basic"}} {
		require.Error(t, run(t.Context(), args, io.Discard, io.Discard))
	}
	t.Setenv(envSecret, "s")
	for style, ok := range map[string]bool{"apikey": true, "bearer": true, "oauth": false, "other": false} {
		_, _, err := styleFromEnv(style)
		assert.Equal(t, ok, err == nil, style)
	}
	var help bytes.Buffer
	require.Error(t, run(t.Context(), []string{"-help"}, io.Discard, &help))
	assert.Contains(t, help.String(), envSigningKey)
}
