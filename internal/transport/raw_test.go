package transport

import (
	"encoding/json"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/ccr-sdk/ccr"
	"github.com/ccr-sdk/ccr/internal/option"
)

// TestRaw: a call without a route has the credential, the limits and the
// errors of one, is retried by its method, and shows nothing of its path.
func TestRaw(t *testing.T) {
	t.Parallel()
	inWorld(t, func(t *testing.T, w *world) {
		c := w.client(Config{Credential: key{"t0ps3cret"}})
		var out struct{ OK bool }
		require.NoError(t, c.Raw(t.Context(), "POST", "/v9/new%2Fthing?a=b", map[string]int{"x": 1}, &out, nil))
		assert.True(t, out.OK)
		assert.Equal(t, "/v9/new%2Fthing?a=b", w.lastReq.Load().RequestURI)
		assert.Equal(t, "Bearer t0ps3cret", w.lastReq.Load().Header.Get("Authorization"))
		var raw []byte
		require.NoError(t, c.Raw(t.Context(), "PUT", "/v9", json.RawMessage(`{"y":2}`), &raw, nil))
		assert.JSONEq(t, `{"ok":true}`, string(raw))
		require.NoError(t, c.Raw(t.Context(), "GET", "/v9", nil, nil, nil))

		w.serve = func(_ int, x *exchange) { x.readBody(); x.answer(503, "", "") }
		for method, attempts := range map[string]int{"GET": 4, "HEAD": 4, "POST": 1, "PUT": 1, "PATCH": 1, "DELETE": 1} {
			err := c.Raw(t.Context(), method, "/v9/CANARY?q=CANARY", nil, nil, nil)
			require.ErrorIs(t, err, ccr.ErrUnavailable, method)
			assert.Equal(t, attempts, err.(*ccr.Error).Attempts, method) //nolint:errorlint // it is one
			assert.NotContains(t, err.Error(), "CANARY")
		}
		before := w.heads.Load()
		for _, bad := range [][2]string{{"GET", "v9"}, {"GET", "//other.example/x"}, {"GET", "/a/../b"}, {"GET", "https://other.example/"}, {"TRACE", "/"}, {"GET", "/#f"}, {"GET", ""}} {
			require.ErrorIs(t, c.Raw(t.Context(), bad[0], bad[1], nil, nil, nil), ccr.ErrInvalid, bad)
		}
		require.ErrorIs(t, c.Raw(t.Context(), "POST", "/", func() {}, nil, nil), ccr.ErrInvalid)
		assert.Equal(t, before, w.heads.Load())
	})
}

// TestCallRetryAndHeader: one call has a policy and headers of its own.
func TestCallRetryAndHeader(t *testing.T) {
	t.Parallel()
	inWorld(t, func(t *testing.T, w *world) {
		w.serve = func(_ int, x *exchange) { x.readBody(); x.answer(503, "", "") }
		c := w.client(Config{})
		call, err := option.NewCall(ccr.WithCallRetry(ccr.RetryPolicy{MaxAttempts: 2, BaseDelay: time.Millisecond}), ccr.WithHeader("x-vendor-case", "4711"), ccr.WithHeader("X-Vendor-Case", "4712"))
		require.NoError(t, err)
		req := w.request(routePut)
		req.Call = call
		assert.Equal(t, 2, failed(t, c, req).Attempts)
		assert.Equal(t, []string{"4711", "4712"}, w.lastReq.Load().Header.Values("X-Vendor-Case"))
		assert.Equal(t, 4, failed(t, c, w.request(routePut)).Attempts, "the client's own is as before")
		for _, bad := range []ccr.CallOption{
			ccr.WithHeader("Authorization", "x"), ccr.WithHeader("host", "x"), ccr.WithHeader("content-length", "1"), ccr.WithHeader("X Y", "1"),
			ccr.WithHeader("X", "a\r\nb"), ccr.WithHeader("", "x"), ccr.WithCallRetry(ccr.RetryPolicy{MaxAttempts: -1}),
		} {
			_, err := option.NewCall(bad)
			require.Error(t, err)
		}
	})
}
