package auth_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/ccr-sdk/ccr"
	"github.com/ccr-sdk/ccr/auth"
	"github.com/ccr-sdk/ccr/internal/transport"
)

func TestConfigFaults(t *testing.T) {
	t.Parallel()
	good := auth.ClientCredentialsConfig{TokenURL: tokenURL, ClientID: "c", ClientSecret: ccr.NewSecret("s")}
	_, err := auth.NewClientCredentials(good)
	require.NoError(t, err)
	for name, tt := range map[string]struct {
		change func(*auth.ClientCredentialsConfig)
		faults []string
	}{
		"everything":     {func(c *auth.ClientCredentialsConfig) { *c = auth.ClientCredentialsConfig{} }, []string{"TokenURL", "ClientID", "ClientSecret"}},
		"in clear":       {func(c *auth.ClientCredentialsConfig) { c.TokenURL = "http://login.example/oauth/token" }, []string{"TokenURL"}},
		"with a user":    {func(c *auth.ClientCredentialsConfig) { c.TokenURL = "https://u:c4n4ry@login.example/oauth/token" }, []string{"TokenURL"}},
		"with a query":   {func(c *auth.ClientCredentialsConfig) { c.TokenURL = tokenURL + "?client_secret=c4n4ry" }, []string{"TokenURL"}},
		"no audience":    {func(c *auth.ClientCredentialsConfig) { c.Encoding = auth.EncodingJSON }, []string{"Audience"}},
		"other encoding": {func(c *auth.ClientCredentialsConfig) { c.Encoding = "xml" }, []string{"Encoding"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			cfg := good
			tt.change(&cfg)
			_, err := auth.NewClientCredentials(cfg)
			e, _ := errors.AsType[*ccr.Error](err)
			require.NotNil(t, e)
			var paths []string
			for _, f := range e.Fields {
				paths = append(paths, f.Path)
			}
			assert.Equal(t, tt.faults, paths)
			assert.NotContains(t, err.Error(), "c4n4ry")
		})
	}
}

// TestTokenRequests: what is sent, by vendor.
func TestTokenRequests(t *testing.T) {
	t.Parallel()
	tests := map[string]struct {
		change func(*auth.ClientCredentialsConfig)
		want   map[string]string
		media  string
	}{
		"Credit Clear": {nil, map[string]string{"client_id": "client-1", "client_secret": "secret-1", "audience": "aud-1", "grant_type": "client_credentials"}, "application/json"},
		"Algoan": {func(c *auth.ClientCredentialsConfig) { c.Encoding, c.Audience = "", "" },
			map[string]string{"client_id": "client-1", "client_secret": "secret-1", "grant_type": "client_credentials"}, "application/x-www-form-urlencoded"},
		"with a scope": {func(c *auth.ClientCredentialsConfig) { c.Scope = "a b"; c.Encoding = auth.EncodingForm },
			map[string]string{"client_id": "client-1", "client_secret": "secret-1", "audience": "aud-1", "scope": "a b", "grant_type": "client_credentials"}, "application/x-www-form-urlencoded"},
		"odd characters": {func(c *auth.ClientCredentialsConfig) {
			c.ClientSecret = ccr.NewSecret(`&=+ "<é`)
			c.Encoding = auth.EncodingForm
		},
			map[string]string{"client_id": "client-1", "client_secret": `&=+ "<é`, "audience": "aud-1", "grant_type": "client_credentials"}, "application/x-www-form-urlencoded"},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			inWorld(t, func(t *testing.T, w *world) {
				var changes []func(*auth.ClientCredentialsConfig)
				if tt.change != nil {
					changes = append(changes, tt.change)
				}
				c := w.client(w.source(changes...), ccr.WithApplication("billing", "1.0"))
				require.NoError(t, call(t.Context(), c))
				g := w.grants[0]
				assert.Equal(t, tt.want, g.fields)
				assert.Equal(t, tt.media, g.contentType)
				assert.Contains(t, g.header.Get("User-Agent"), "billing/1.0 ccr-go/")
				assert.Empty(t, g.header.Get("Authorization"))
				assert.NotEmpty(t, g.header.Get("Content-Length"))
			})
		})
	}
}

// TestSlashIsKept: the token URL is used as it was given.
func TestSlashIsKept(t *testing.T) {
	t.Parallel()
	inWorld(t, func(t *testing.T, w *world) {
		var paths []string
		var routes []ccr.RouteInfo
		c := w.client(w.source(func(c *auth.ClientCredentialsConfig) { c.TokenURL = "https://login.example/v1/oauth/token/" }), ccr.WithMiddleware(func(next http.RoundTripper) http.RoundTripper {
			return roundTripper(func(r *http.Request) (*http.Response, error) {
				info, _ := ccr.RouteFromContext(r.Context())
				paths, routes = append(paths, r.URL.Path), append(routes, info)
				return next.RoundTrip(r)
			})
		}))
		require.NoError(t, call(t.Context(), c))
		assert.Equal(t, []string{"/v1/oauth/token/", "/v1/things"}, paths)
		assert.Equal(t, []ccr.RouteInfo{
			{Service: "auth", Operation: "Token", Template: "/v1/oauth/token/", Attempt: 1},
			{Service: "svc", Operation: "Read", Template: "/v1/things", Attempt: 1},
		}, routes)
	})
}

type roundTripper func(*http.Request) (*http.Response, error)

func (f roundTripper) RoundTrip(r *http.Request) (*http.Response, error) { return f(r) }

// TestTokenCallsUseTheClient: CA, connection pool and proxy (the transport),
// middleware and retries are the client's; the limiter is not asked.
func TestTokenCallsUseTheClient(t *testing.T) {
	t.Parallel()
	inWorld(t, func(t *testing.T, w *world) {
		var mu sync.Mutex
		seen := map[string]int{}
		limited := 0
		w.token = func(n int, rw http.ResponseWriter, _ grant) bool {
			if n == 1 {
				rw.WriteHeader(http.StatusServiceUnavailable)
			}
			return n == 1
		}
		proxied := 0
		w.tr.Proxy = func(*http.Request) (*url.URL, error) { mu.Lock(); defer mu.Unlock(); proxied++; return nil, nil } // the transport's, asked and declined
		c := w.client(w.source(), ccr.WithMiddleware(func(next http.RoundTripper) http.RoundTripper {
			return roundTripper(func(r *http.Request) (*http.Response, error) {
				info, _ := ccr.RouteFromContext(r.Context())
				mu.Lock()
				seen[fmt.Sprint(info.Service, ".", info.Operation, " ", info.Attempt)]++
				mu.Unlock()
				assert.Empty(t, r.Header.Get("Authorization"))
				return next.RoundTrip(r)
			})
		}), ccr.WithLimiter(limiterFunc(func(context.Context) error { limited++; return nil })))
		require.NoError(t, call(t.Context(), c))
		assert.Equal(t, map[string]int{"auth.Token 1": 1, "auth.Token 2": 1, "svc.Read 1": 1}, seen)
		assert.Equal(t, 1, limited, "token calls are not counted")
		assert.Equal(t, 3, proxied)
	})
}

type limiterFunc func(context.Context) error

func (f limiterFunc) Wait(ctx context.Context) error { return f(ctx) }

// TestSlotIsNotHeldForAToken: the limiter comes last, so that a slow token
// endpoint does not make slots of two windows go out together.
func TestSlotIsNotHeldForAToken(t *testing.T) {
	t.Parallel()
	inWorld(t, func(t *testing.T, w *world) {
		w.delay = 30 * time.Second
		start := time.Now()
		var granted time.Duration
		c := w.client(w.source(), ccr.WithLimiter(limiterFunc(func(context.Context) error { granted = time.Since(start); return nil })))
		require.NoError(t, call(t.Context(), c))
		require.Equal(t, 30*time.Second, granted)
	})
	inWorld(t, func(t *testing.T, w *world) {
		w.life = 60
		c := w.client(w.source(), ccr.WithLimiter(limiterFunc(func(context.Context) error { <-time.After(2 * time.Minute); return nil })))
		require.NoError(t, call(t.Context(), c), "a token that ended in the queue is replaced")
		_, refused := w.apiCalls()
		require.Zero(t, refused)
	})
}

// TestRefreshGrant: a refresh token is used while it lasts; if it is refused,
// in whatever form, a new login follows.
func TestRefreshGrant(t *testing.T) {
	t.Parallel()
	refusals := map[string]func(rw http.ResponseWriter){
		"400": func(rw http.ResponseWriter) {
			rw.WriteHeader(400)
			_, _ = io.WriteString(rw, `{"error":"invalid_grant"}`)
		},
		"401":         func(rw http.ResponseWriter) { rw.WriteHeader(401) },
		"500":         func(rw http.ResponseWriter) { rw.WriteHeader(500) },
		"not a token": func(rw http.ResponseWriter) { _, _ = io.WriteString(rw, `{"ok":true}`) },
	}
	kinds := func(w *world) []string {
		var out []string
		for _, g := range w.grants {
			assert.Equal(t, "client-1", g.fields["client_id"])
			assert.Equal(t, "secret-1", g.fields["client_secret"])
			out = append(out, g.fields["grant_type"])
		}
		return out
	}
	form := func(c *auth.ClientCredentialsConfig) { c.Encoding, c.Audience = auth.EncodingForm, "" }
	renew := func(t *testing.T, w *world, c *transport.Client) {
		t.Helper()
		<-time.After(2 * time.Hour)
		require.NoError(t, call(t.Context(), c))
	}
	t.Run("used", func(t *testing.T) {
		t.Parallel()
		inWorld(t, func(t *testing.T, w *world) {
			w.more = map[string]any{"refresh_token": "refresh-1", "refresh_expires_in": 864000, "session_state": "x", "not-before-policy": 0}
			c := w.client(w.source(form))
			require.NoError(t, call(t.Context(), c))
			renew(t, w, c)
			w.more["refresh_token"] = "refresh-2"
			renew(t, w, c)
			renew(t, w, c)
			delete(w.more, "refresh_token") // RFC 6749: the one that was used stays valid
			renew(t, w, c)
			renew(t, w, c)
			assert.Equal(t, []string{"client_credentials", "refresh_token", "refresh_token", "refresh_token", "refresh_token", "refresh_token"}, kinds(w))
			var used []string
			for _, g := range w.grants[1:] {
				used = append(used, g.fields["refresh_token"])
			}
			assert.Equal(t, []string{"refresh-1", "refresh-1", "refresh-2", "refresh-2", "refresh-2"}, used)
		})
	})
	for name, refuse := range refusals {
		t.Run("refused by "+name, func(t *testing.T) {
			t.Parallel()
			inWorld(t, func(t *testing.T, w *world) {
				w.more = map[string]any{"refresh_token": "refresh-1"}
				w.token = func(_ int, rw http.ResponseWriter, g grant) bool {
					if g.fields["grant_type"] == "refresh_token" {
						refuse(rw)
						return true
					}
					return false
				}
				c := w.client(w.source(form), once())
				require.NoError(t, call(t.Context(), c))
				renew(t, w, c)
				assert.Equal(t, []string{"client_credentials", "refresh_token", "client_credentials"}, kinds(w))
			})
		})
	}
	t.Run("limited", func(t *testing.T) {
		t.Parallel()
		inWorld(t, func(t *testing.T, w *world) {
			w.more = map[string]any{"refresh_token": "refresh-1"}
			c := w.client(w.source(form), once())
			require.NoError(t, call(t.Context(), c))
			w.token = func(_ int, rw http.ResponseWriter, _ grant) bool { rw.WriteHeader(429); return true }
			<-time.After(2 * time.Hour)
			require.ErrorIs(t, call(t.Context(), c), ccr.ErrRateLimited)
			assert.Equal(t, []string{"client_credentials", "refresh_token"}, kinds(w), "a login would only make it worse")
		})
	})
	t.Run("out of date", func(t *testing.T) {
		t.Parallel()
		inWorld(t, func(t *testing.T, w *world) {
			w.more = map[string]any{"refresh_token": "refresh-1", "refresh_expires_in": 7200}
			c := w.client(w.source(form))
			require.NoError(t, call(t.Context(), c))
			renew(t, w, c)
			assert.Equal(t, []string{"client_credentials", "client_credentials"}, kinds(w))
		})
	})
	t.Run("not after a 401", func(t *testing.T) {
		t.Parallel()
		inWorld(t, func(t *testing.T, w *world) {
			w.more = map[string]any{"refresh_token": "refresh-1"}
			c := w.client(w.source(form))
			require.NoError(t, call(t.Context(), c))
			w.revoke()
			require.NoError(t, call(t.Context(), c))
			assert.Equal(t, []string{"client_credentials", "client_credentials"}, kinds(w), "a session that was ended is not gone on with")
			renew(t, w, c)
			assert.Equal(t, "refresh_token", kinds(w)[2])
		})
	})
}

// TestSecretRotation: X_FILE is read again at each token request.
func TestSecretRotation(t *testing.T) {
	file := filepath.Join(t.TempDir(), "secret")
	write := func(s string) { require.NoError(t, os.WriteFile(file, []byte(s+"\n"), 0o600)) }
	write("first")
	t.Setenv("CCR_TEST_SECRET_FILE", file)
	secret, err := ccr.SecretFromEnv("CCR_TEST_SECRET")
	require.NoError(t, err)
	inWorld(t, func(t *testing.T, w *world) {
		current := "first"
		w.token = func(_ int, rw http.ResponseWriter, g grant) bool {
			if g.fields["client_secret"] != current {
				rw.WriteHeader(401)
				return true
			}
			return false
		}
		c := w.client(w.source(func(c *auth.ClientCredentialsConfig) { c.ClientSecret = secret }))
		require.NoError(t, call(t.Context(), c))
		current = "second"
		w.revoke()
		require.ErrorIs(t, call(t.Context(), c), ccr.ErrUnauthorized)
		write("second")
		<-time.After(time.Second) // the pause after the failure
		require.NoError(t, call(t.Context(), c))
		require.NoError(t, os.Remove(file))
		w.revoke()
		err := call(t.Context(), c)
		require.ErrorIs(t, err, ccr.ErrUnauthorized)
		require.ErrorIs(t, err, os.ErrNotExist)
		write("second")
		<-time.After(2 * time.Second)
		require.NoError(t, call(t.Context(), c))
	})
}

// TestLifetimes: how long a token is used, by what the answer says of it.
func TestLifetimes(t *testing.T) {
	t.Parallel()
	jwt := func(iat, exp time.Duration) map[string]any {
		// The clock of a bubble starts at 2000-01-01.
		epoch := time.Date(2000, 1, 1, 0, 0, 0, 0, time.UTC)
		return map[string]any{"access_token": unsignedJWT(map[string]any{"iat": epoch.Add(iat).Unix(), "exp": epoch.Add(exp).Unix()})}
	}
	tests := map[string]struct {
		life any
		more map[string]any
		want time.Duration // until it is no longer used
	}{
		"expires_in":              {life: 3600, want: time.Hour - 30*time.Second},
		"short":                   {life: 60, want: 54 * time.Second},
		"a string":                {life: "3600", want: time.Hour - 30*time.Second},
		"a fraction":              {life: 3600.5, want: time.Hour - 30*time.Second + time.Second/2},
		"none: a day":             {want: 24*time.Hour - 30*time.Second},
		"null":                    {more: map[string]any{"expires_in": nil}, want: 24*time.Hour - 30*time.Second},
		"zero":                    {life: 0, want: 24*time.Hour - 30*time.Second},
		"negative":                {life: -5, want: 24*time.Hour - 30*time.Second},
		"nonsense":                {life: "soon", want: 24*time.Hour - 30*time.Second},
		"none, JWT":               {more: jwt(0, 2*time.Hour), want: 2*time.Hour - 30*time.Second},
		"none, JWT, their clock":  {more: jwt(-48*time.Hour, -46*time.Hour), want: 2*time.Hour - 30*time.Second},
		"none, JWT of a week":     {more: jwt(0, 168*time.Hour), want: 24*time.Hour - 30*time.Second},
		"expires_in against JWT":  {life: 3600, more: jwt(0, 2*time.Hour), want: time.Hour - 30*time.Second},
		"none, JWT without iat":   {more: map[string]any{"access_token": unsignedJWT(map[string]any{"exp": time.Date(2000, 1, 1, 3, 0, 0, 0, time.UTC).Unix()})}, want: 3*time.Hour - 30*time.Second},
		"none, JWT long past exp": {more: map[string]any{"access_token": unsignedJWT(map[string]any{"exp": 5})}, want: 24*time.Hour - 30*time.Second},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			inWorld(t, func(t *testing.T, w *world) {
				w.life, w.more = tt.life, tt.more
				source := w.source()
				w.client(source, once())
				start := time.Now()
				herd(t, 1, source)
				w.token = func(_ int, rw http.ResponseWriter, _ grant) bool { rw.WriteHeader(503); return true }
				<-time.After(time.Until(start.Add(tt.want - time.Millisecond)))
				for text := range herd(t, 1, source) {
					require.Contains(t, text, "Bearer ", "it serves to the end")
				}
				synctest.Wait()
				<-time.After(time.Millisecond)
				for text := range herd(t, 1, source) {
					require.Contains(t, text, "unavailable", "and no longer")
				}
			})
		})
	}
}

// TestTokenAnswers: what is no token.
func TestTokenAnswers(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct{ body, want string }{
		"empty":          {``, "not valid JSON at byte 0"},
		"HTML":           {`<html>c4n4ry`, "not valid JSON at byte 1"},
		"truncated":      {`{"access_token":"c4n4ry`, "not valid JSON at byte 23"},
		"no token":       {`{"token_type":"Bearer","id_token":"c4n4ry"}`, "no access_token in the answer"},
		"a number":       {`{"access_token":7}`, `JSON member "access_token" has an unexpected type`},
		"another type":   {`{"access_token":"c4n4ry","token_type":"mac"}`, "token_type is not bearer"},
		"a header break": {`{"access_token":"c4n4ry\r\nX-Evil: 1"}`, "characters that a header cannot carry"},
		"not ASCII":      {`{"access_token":"c4n4ré"}`, "characters that a header cannot carry"},
		"a list":         {`["c4n4ry"]`, "unexpected type"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			inWorld(t, func(t *testing.T, w *world) {
				w.token = func(_ int, rw http.ResponseWriter, _ grant) bool { _, _ = io.WriteString(rw, tt.body); return true }
				err := call(t.Context(), w.client(w.source()))
				require.ErrorContains(t, err, tt.want)
				require.ErrorIs(t, err, ccr.ErrUnauthorized)
				require.ErrorIs(t, err, ccr.ErrContract)
				require.ErrorIs(t, err, ccr.ErrNotSent)
				e, _ := errors.AsType[*ccr.Error](err)
				assert.Empty(t, e.Body(), "it may hold a token")
				assert.NotContains(t, fmt.Sprintf("%v %#v", err, err), "c4n4r")
				assert.Equal(t, 1, w.tokenRequests())
			})
		})
	}
	t.Run("too large", func(t *testing.T) {
		t.Parallel()
		inWorld(t, func(t *testing.T, w *world) {
			w.token = func(_ int, rw http.ResponseWriter, _ grant) bool {
				_, _ = io.WriteString(rw, `{"access_token":"`+strings.Repeat("x", 2<<20))
				return true
			}
			require.ErrorContains(t, call(t.Context(), w.client(w.source())), "larger than allowed")
		})
	})
}

// TestNotGivenToAClient: a credential works through a client only.
func TestNotGivenToAClient(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		source, err := auth.NewClientCredentials(auth.ClientCredentialsConfig{TokenURL: tokenURL, ClientID: "c", ClientSecret: ccr.NewSecret("s")})
		require.NoError(t, err)
		_, _, err = source.Header(t.Context())
		require.ErrorContains(t, err, "was not given to a client yet")
	})
}
