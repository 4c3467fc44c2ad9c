package ccr

import (
	"context"
	"io"
	"log/slog"
	"net/http"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/ccr-sdk/ccr/internal/option"
)

func TestOptionsThatAreRefused(t *testing.T) {
	t.Parallel()
	for name, o := range map[string]Option{
		"nil":                      nil,
		"base URL empty":           WithBaseURL(""),
		"base URL http":            WithBaseURL("http://" + canary + ".example"),
		"base URL without scheme":  WithBaseURL("api.example.com"),
		"base URL of a file":       WithBaseURL("file:///etc/passwd"),
		"base URL opaque":          WithBaseURL("https:api.example.com"),
		"base URL without host":    WithBaseURL("https:///v1"),
		"base URL with port only":  WithBaseURL("https://:443"),
		"base URL with user":       WithBaseURL("https://user:" + canary + "@api.example.com"),
		"base URL with user only":  WithBaseURL("https://user@api.example.com"),
		"base URL with query":      WithBaseURL("https://api.example.com/?key=" + canary),
		"base URL with bare query": WithBaseURL("https://api.example.com/?"),
		"base URL with fragment":   WithBaseURL("https://api.example.com/#" + canary),
		"base URL not a URL":       WithBaseURL("https://api.example.com/%zz" + canary),
		"base URL control":         WithBaseURL("https://api.example.com/\n" + canary),
		"base URL escaped slash":   WithBaseURL("https://api.example.com/a%2Fb"),
		"base URL bad port":        WithBaseURL("https://api.example.com:x"),
		"HTTP client":              WithHTTPClient(nil),
		"retry attempts":           WithRetry(RetryPolicy{MaxAttempts: -1}),
		"retry base":               WithRetry(RetryPolicy{BaseDelay: -1}),
		"retry max":                WithRetry(RetryPolicy{MaxDelay: -1}),
		"retry after":              WithRetry(RetryPolicy{MaxRetryAfter: -1}),
		"retry timeout":            WithRetry(RetryPolicy{AttemptTimeout: -1}),
		"limiter":                  WithLimiter(nil),
		"logger":                   WithLogger(nil),
		"middleware":               WithMiddleware(func(next http.RoundTripper) http.RoundTripper { return next }, nil),
		"application empty":        WithApplication("", "1"),
		"application no version":   WithApplication("app", ""),
		"application spaces":       WithApplication("my app", "1"),
		"application header":       WithApplication("app", "1\r\nX: y"),
		"application slash":        WithApplication("a/b", "1"),
		"application not ASCII":    WithApplication("café", "1"),
		"environment empty":        WithEnvironment(""),
		"environment bar":          WithEnvironment("a|b"),
		"environment spaces":       WithEnvironment("a b"),
	} {
		t.Run(name, func(t *testing.T) {
			_, err := option.NewSettings(o)
			require.ErrorContains(t, err, "ccr: ")
			assert.NotContains(t, err.Error(), canary, "the value is never quoted")
		})
	}
	_, err := option.NewSettings(WithBaseURL("http://x"), nil, WithLogger(nil))
	for _, part := range []string{"https", "a nil option", "WithLogger(nil)"} {
		require.ErrorContains(t, err, part, "all faults at once")
	}
}

func TestOptions(t *testing.T) {
	t.Parallel()
	s, err := option.NewSettings[RetryPolicy, Limiter, Middleware, LeasePolicy, Option]()
	require.NoError(t, err)
	assert.Equal(t, &settings{Environment: "production"}, s)

	client := &http.Client{Timeout: time.Second}
	before := *client
	logger := slog.New(slog.NewTextHandler(io.Discard, nil))
	var order []string
	mark := func(name string) Middleware {
		return func(next http.RoundTripper) http.RoundTripper { order = append(order, name); return next }
	}
	s, err = option.NewSettings(WithBaseURL("https://old.example"), WithBaseURL("https://api.example.com:8443/base/v1//"), WithHTTPClient(client), WithRetry(RetryPolicy{MaxAttempts: 7, Budget: -1}),
		WithLimiter(NoLimit()), WithLogger(logger), WithMiddleware(mark("a"), mark("b")), WithMiddleware(mark("c")), WithApplication("billing", "1.2"), WithEnvironment("uat"))
	require.NoError(t, err)
	assert.Equal(t, "https://api.example.com:8443/base/v1", s.BaseURL.String(), "later wins; no slash at the end")
	assert.Same(t, client, s.HTTPClient)
	assert.Equal(t, before, *client, "not modified")
	assert.Equal(t, 7, s.Retry.MaxAttempts)
	assert.Same(t, logger, s.Logger)
	assert.Equal(t, "billing/1.2", s.Application)
	assert.Equal(t, "uat", s.Environment)
	for _, m := range s.Middleware {
		m(http.DefaultTransport)
	}
	assert.Equal(t, []string{"a", "b", "c"}, order)
	require.NoError(t, s.Limiter.Wait(t.Context()))
}

func TestRetryPolicyDefaults(t *testing.T) {
	t.Parallel()
	assert.Equal(t, RetryPolicy{MaxAttempts: 4, BaseDelay: 500 * time.Millisecond, MaxDelay: 30 * time.Second, MaxRetryAfter: 2 * time.Minute,
		AttemptTimeout: time.Minute, Budget: 20}, RetryPolicy{}.WithDefaults())
	own := RetryPolicy{MaxAttempts: 1, BaseDelay: 2, MaxDelay: 3, MaxRetryAfter: 4, AttemptTimeout: 5, Budget: -1}
	assert.Equal(t, own, own.WithDefaults())
	require.NoError(t, own.Validate())
	require.NoError(t, RetryPolicy{}.Validate())
}

func TestCallOptions(t *testing.T) { // not parallel: it counts allocations
	c, err := option.NewCall[Response, RetryPolicy, CallOption]()
	require.NoError(t, err)
	assert.Equal(t, call{}, c)
	var into Response
	c, err = option.NewCall(WithCorrelationID("batch-7"), WithTimeout(time.Second), CaptureResponse(&into))
	require.NoError(t, err)
	assert.Equal(t, call{CorrelationID: "batch-7", Timeout: time.Second, Response: &into}, c)
	for name, o := range map[string]CallOption{
		"nil": nil, "empty id": WithCorrelationID(""), "id with spaces": WithCorrelationID("a " + canary), "no timeout": WithTimeout(0), "negative": WithTimeout(-1), "nowhere": CaptureResponse(nil),
	} {
		_, err := option.NewCall(o)
		require.ErrorContains(t, err, "ccr: ", name)
		assert.NotContains(t, err.Error(), canary)
	}
	_, err = option.NewCall(nil, WithTimeout(0))
	require.ErrorContains(t, err, "nil option")
	require.ErrorContains(t, err, "timeout")
	assert.Zero(t, testing.AllocsPerRun(100, func() { option.NewCall[Response, RetryPolicy, CallOption]() })) //nolint:errcheck // cannot fail
}

type routeSource RouteInfo

func (r routeSource) RouteInfo() RouteInfo { return RouteInfo(r) }

func TestRouteFromContext(t *testing.T) {
	t.Parallel()
	_, ok := RouteFromContext(t.Context())
	assert.False(t, ok)
	want := RouteInfo{Service: "accounts", Operation: "UpsertAccounts", Template: "/v1/account", Attempt: 2}
	got, ok := RouteFromContext(context.WithValue(context.Background(), option.RouteKey{}, routeSource(want)))
	assert.True(t, ok)
	assert.Equal(t, want, got)
}

func FuzzParseBaseURL(f *testing.F) {
	for _, s := range []string{"https://api.example.com", "https://[::1]:8443/v1/", "https://a@b", "http://x", "https://x/?", "https://x/%2F", "https:x"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, raw string) {
		u, err := option.ParseBaseURL(raw)
		if err != nil {
			return
		}
		require.Equal(t, "https", u.Scheme)
		require.NotEmpty(t, u.Hostname())
		require.Nil(t, u.User)
		require.Empty(t, u.RawQuery+u.Fragment)
		again, err := option.ParseBaseURL(u.String())
		require.NoError(t, err)
		require.Equal(t, u.String(), again.String())
	})
}
