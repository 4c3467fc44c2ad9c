package transport

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/ccr-sdk/ccr"
)

type fixedKey struct{ value string }

func (fixedKey) Bind(Binding) error { return nil }
func (f fixedKey) Header(context.Context) (string, string, error) {
	return "Authorization", "Bearer " + f.value, nil
}
func (fixedKey) Refused(string) bool { return false }

func TestCallAndRefusal(t *testing.T) {
	t.Parallel()
	n := 0
	srv := httptest.NewTLSServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		n++
		b, _ := io.ReadAll(r.Body)
		if n == 1 {
			w.WriteHeader(503)
			return
		}
		if r.Method == "PUT" {
			require.Equal(t, int64(len(b)), r.ContentLength)
		}
		require.Equal(t, "Bearer t", r.Header.Get("Authorization"))
		fmt.Fprintf(w, `{"path":%q,"n":%d}`, r.URL.EscapedPath(), n)
	}))
	defer srv.Close()
	c, err := New(Config{Service: "x", DefaultBaseURL: srv.URL + "/base", Credential: fixedKey{"t"}}, ccr.WithHTTPClient(srv.Client()), ccr.WithRetry(ccr.RetryPolicy{BaseDelay: 1}))
	require.NoError(t, err)
	body, err := JSONBody(map[string]string{"a": "<b>"})
	require.NoError(t, err)
	v, resp, err := Get[struct{ Path string }](t.Context(), c, &Request{Route: &Route{Operation: "Op", Method: "PUT", Path: "/v1/{id}/x"}, PathArgs: []string{"a b/c"}, Body: body})
	require.NoError(t, err)
	require.Equal(t, "/base/v1/a%20b%2Fc/x", v.Path)
	require.Equal(t, 2, resp.Attempts)
}

type item struct {
	ID      string `json:"id"`
	Object  string `json:"object"`
	Name    string `json:"name"`
	Created int64  `json:"created"`
}

const small = `{"id":"abc","object":"model","name":"n","created":1700000000}`

func BenchmarkCall(b *testing.B) {
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "application/json")
		io.WriteString(w, small)
	}))
	defer srv.Close()
	c, err := New(Config{Service: "x", DefaultBaseURL: "https://x.example", Credential: fixedKey{"t"}})
	require.NoError(b, err)
	c.base, _ = c.base.Parse(srv.URL)
	c.origin = Origin(c.base)
	route := &Route{Operation: "Op", Method: "GET", Path: "/v1/models/{id}"}
	b.Run("nethttp", func(b *testing.B) {
		b.ReportAllocs()
		h := &http.Client{}
		for b.Loop() {
			req, _ := http.NewRequestWithContext(b.Context(), "GET", srv.URL+"/v1/models/abc", nil)
			req.Header.Set("Authorization", "Bearer t")
			resp, err := h.Do(req)
			if err != nil {
				b.Fatal(err)
			}
			var m item
			if err := json.NewDecoder(resp.Body).Decode(&m); err != nil {
				b.Fatal(err)
			}
			io.Copy(io.Discard, resp.Body)
			resp.Body.Close()
		}
	})
	b.Run("ccr", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			_, _, err := Get[item](b.Context(), c, &Request{Route: route, PathArgs: []string{"abc"}})
			if err != nil {
				b.Fatal(err)
			}
		}
	})
}
