package testkit_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"testing/iotest"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/ccr-sdk/ccr/internal/testkit"
)

func serve(t *testing.T, o testkit.Options) *testkit.Server {
	t.Helper()
	s, err := testkit.New(o)
	require.NoError(t, err)
	t.Cleanup(s.Close)
	s.Handle("Echo", "PUT /v1/echo", func(w http.ResponseWriter, r *http.Request) {
		b, err := io.ReadAll(r.Body)
		if err != nil {
			return
		}
		w.Write(bytes.ToUpper(b)) //nolint:errcheck // the client may have gone
	})
	return s
}

func put(t *testing.T, s *testkit.Server, body io.Reader) (int, string, error) {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), http.MethodPut, s.Root()+"/v1/echo", body)
	require.NoError(t, err)
	req.Header.Set("Content-Type", "application/json")
	resp, err := s.HTTPClient().Do(req)
	if err != nil {
		return 0, "", err
	}
	defer resp.Body.Close()
	b, err := io.ReadAll(resp.Body)
	return resp.StatusCode, string(b), err
}

func TestServeRecordsAndRefuses(t *testing.T) {
	t.Parallel()
	for _, memory := range []bool{false, true} {
		s := serve(t, testkit.Options{InMemory: memory, RequireLength: true, RequireJSON: true})
		status, body, err := put(t, s, strings.NewReader("abc"))
		require.NoError(t, err)
		assert.Equal(t, "ABC", body)
		assert.Equal(t, 200, status)
		status, _, err = put(t, s, io.MultiReader(strings.NewReader("abc")))
		require.NoError(t, err)
		assert.Equal(t, http.StatusLengthRequired, status)
		all := s.Requests("Echo")
		require.Len(t, all, 2)
		assert.Equal(t, "abc", string(all[0].Body))
		assert.Equal(t, int64(3), all[0].Length)
	}
}

func TestFaults(t *testing.T) {
	t.Parallel()
	cases := map[string]struct {
		fault   testkit.Fault
		status  int
		body    string
		broken  bool
		reached int64
	}{
		"answer":       {fault: testkit.Fault{Kind: testkit.Answer, Status: 429, Body: "slow"}, status: 429, body: "slow", reached: 6},
		"cut before":   {fault: testkit.Fault{Kind: testkit.CutBefore}, broken: true},
		"cut request":  {fault: testkit.Fault{Kind: testkit.CutRequest, After: 2}, broken: true, reached: 2},
		"lose answer":  {fault: testkit.Fault{Kind: testkit.LoseAnswer}, broken: true, reached: 6},
		"cut answer":   {fault: testkit.Fault{Kind: testkit.CutAnswer, After: 3}, broken: true, reached: 6},
		"truncate":     {fault: testkit.Fault{Kind: testkit.Truncate, After: 3}, status: 200, body: "ABC", reached: 6},
		"garble":       {fault: testkit.Fault{Kind: testkit.Garble, Body: "<html>", Status: 502}, status: 502, body: "<html>", reached: 6},
		"other target": {fault: testkit.Fault{Kind: testkit.CutBefore, Operation: "Other"}, status: 200, body: "ABCDEF", reached: 6},
		"skipped":      {fault: testkit.Fault{Kind: testkit.CutBefore, Skip: 1}, status: 200, body: "ABCDEF", reached: 6},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				s := serve(t, testkit.Options{InMemory: true})
				s.Inject(c.fault)
				status, body, err := put(t, s, strings.NewReader("abcdef"))
				if c.broken {
					require.Error(t, err)
				} else {
					require.NoError(t, err)
					assert.Equal(t, c.status, status)
					assert.Equal(t, c.body, body)
				}
				s.Close()
				synctest.Wait() // the request is recorded when its handler ends
				assert.Equal(t, c.reached, s.Requests("")[0].Length)
			})
		})
	}
}

func TestDelayAndStallTakeFakeTime(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := serve(t, testkit.Options{InMemory: true})
		s.Inject(testkit.Fault{Kind: testkit.Delay, Delay: time.Hour})
		start := time.Now()
		_, body, err := put(t, s, strings.NewReader("abc"))
		require.NoError(t, err)
		assert.Equal(t, "ABC", body)
		assert.Equal(t, time.Hour, time.Since(start))

		s.Inject(testkit.Fault{Kind: testkit.Stall})
		s.HTTPClient().Timeout = time.Minute
		_, _, err = put(t, s, strings.NewReader("abc"))
		require.Error(t, err)
		s.Close()
	})
}

func TestTokens(t *testing.T) {
	t.Parallel()
	s := serve(t, testkit.Options{InMemory: true})
	tokens := &testkit.Tokens{ClientID: "id", ClientSecret: "sec", Audience: "aud", JSON: true, Refresh: true, OmitExpiry: true}
	s.Handle("Token", "POST /oauth/token", tokens.ServeHTTP)
	ask := func(m map[string]string) (int, map[string]any) {
		b, err := json.Marshal(m)
		require.NoError(t, err)
		resp, err := s.HTTPClient().Post(s.Root()+"/oauth/token", "application/json", bytes.NewReader(b))
		require.NoError(t, err)
		defer resp.Body.Close()
		var out map[string]any
		require.NoError(t, errors.Join(json.NewDecoder(resp.Body).Decode(&out)))
		return resp.StatusCode, out
	}
	status, out := ask(map[string]string{"client_id": "id", "client_secret": "sec", "audience": "aud", "grant_type": "client_credentials"})
	require.Equal(t, 200, status)
	assert.NotContains(t, out, "expires_in")
	r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, s.Root(), nil)
	require.NoError(t, err)
	r.Header.Set("Authorization", "Bearer "+out["access_token"].(string))
	assert.True(t, tokens.Authorized(r))
	status, _ = ask(map[string]string{"client_id": "id", "client_secret": "sec", "audience": "aud", "grant_type": "refresh_token", "refresh_token": out["refresh_token"].(string)})
	assert.Equal(t, 200, status)
	status, _ = ask(map[string]string{"client_id": "id", "client_secret": "wrong", "audience": "aud", "grant_type": "client_credentials"})
	assert.Equal(t, 401, status)
	tokens.Revoke()
	assert.False(t, tokens.Authorized(r))
	assert.Equal(t, 2, tokens.Issued())
}

// Half a body is not a request that is not well-formed.
func TestABodyThatBreaksOffGetsNoResponse(t *testing.T) {
	t.Parallel()
	s := serve(t, testkit.Options{InMemory: true})
	req := httptest.NewRequestWithContext(t.Context(), http.MethodPut, "/v1/echo", io.MultiReader(strings.NewReader("ab"), iotest.ErrReader(io.ErrUnexpectedEOF)))
	assert.PanicsWithValue(t, http.ErrAbortHandler, func() { s.ServeHTTP(httptest.NewRecorder(), req) })
}
