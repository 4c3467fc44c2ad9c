package main

import (
	"bytes"
	"io"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/ccr-sdk/ccr"
	"github.com/ccr-sdk/ccr/gateway/gatewaytest"
)

func TestItRunsFromUploadToWorklist(t *testing.T) {
	t.Parallel()
	var out bytes.Buffer
	require.NoError(t, run(t.Context(), &out, false, "", ""))
	for _, want := range []string{"the bureau has COLLECTIONS_20261121.csv", "delivered", "stop collecting"} {
		assert.Contains(t, out.String(), want)
	}
}

// Copied into a timer, a program that fails must not look like one that has
// nothing to do.
func TestFailuresAreNotSilent(t *testing.T) {
	t.Parallel()
	bureau, err := gatewaytest.NewServer(gatewaytest.Config{})
	require.NoError(t, err)
	client, err := bureau.Client(ccr.WithRetry(ccr.RetryPolicy{MaxAttempts: 1}))
	require.NoError(t, err)
	bureau.Close() // unreachable
	require.Error(t, work(t.Context(), io.Discard, client, "", t.TempDir()))
	require.Error(t, run(t.Context(), io.Discard, true, "", ""))
}
