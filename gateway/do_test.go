package gateway_test

import (
	"errors"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/ccr-sdk/ccr"
	"github.com/ccr-sdk/ccr/gateway"
	"github.com/ccr-sdk/ccr/gateway/gatewaytest"
)

func TestDo(t *testing.T) {
	t.Parallel()
	srv, c := bureau(t)
	srv.AddReport("a.csv", []byte("x"))
	var out struct{ NumReports any }
	require.NoError(t, c.Do(t.Context(), "countReports", nil, &out))
	assert.Contains(t, []any{"1", float64(1)}, out.NumReports)
	var raw []byte
	require.NoError(t, c.Do(t.Context(), "testByName", map[string]any{"names": []string{"a.csv"}, "resultsformat": "JSON"}, &raw))
	assert.Contains(t, string(raw), `"a.csv"`)

	srv.Inject(gatewaytest.Fault{Kind: gatewaytest.Garble, Body: `{"status":"ERROR","message":"no"}`})
	err := c.Do(t.Context(), "somethingNew", map[string]string{"x": "y"}, &raw)
	no, ok := errors.AsType[*gateway.RefusedError](err)
	require.True(t, ok, "%v", err)
	assert.Equal(t, "ERROR", no.Rows[0].Status)
	assert.Contains(t, string(raw), "ERROR")

	for _, in := range []any{[]int{1}, map[string]string{"apikey": "x"}, map[string]string{"secret": "x"}, map[string]string{"action": "x"}, func() {}} {
		require.ErrorIs(t, c.Do(t.Context(), "countReports", in, nil), ccr.ErrInvalid)
	}
	require.ErrorIs(t, c.Do(t.Context(), "", nil, nil), ccr.ErrInvalid)
	srv.Inject(gatewaytest.Fault{Kind: gatewaytest.LoseAnswer})
	require.ErrorIs(t, c.Do(t.Context(), "countReports", nil, nil), ccr.ErrOutcomeUnknown)
	var _ gateway.API = c
}
