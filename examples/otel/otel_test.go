package main

import (
	"bytes"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func TestRun(t *testing.T) {
	t.Parallel()
	var out bytes.Buffer
	require.NoError(t, run(t.Context(), &out))
	for _, want := range []string{
		`"Name":"POST ListReports"`, "http_client_request_duration_seconds_bucket", `le="0.005"`, "ccr_receive_age_seconds", "ccr_ledger_stores_total",
	} {
		assert.Contains(t, out.String(), want)
	}
	assert.NotContains(t, out.String(), ".xml", "no names of files")
}
