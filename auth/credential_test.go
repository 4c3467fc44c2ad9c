package auth_test

import (
	"encoding/base64"
	"encoding/json"
	"net/http"
	"os"
	"path/filepath"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/ccr-sdk/ccr"
	"github.com/ccr-sdk/ccr/auth"
	"github.com/ccr-sdk/ccr/internal/transport"
)

func unsignedJWT(claims map[string]any) string {
	part := func(v any) string {
		b, err := json.Marshal(v)
		must(err)
		return base64.RawURLEncoding.EncodeToString(b)
	}
	return part(map[string]any{"alg": "RS256", "typ": "JWT"}) + "." + part(claims) + ".c2lnbmF0dXJl"
}

// TestBinding: a credential serves clients of one API, and no other.
func TestBinding(t *testing.T) {
	t.Parallel()
	credentials := map[string]func(t *testing.T) auth.Credential{
		"client credentials": func(t *testing.T) auth.Credential {
			c, err := auth.NewClientCredentials(auth.ClientCredentialsConfig{TokenURL: tokenURL, ClientID: "c", ClientSecret: ccr.NewSecret("s")})
			require.NoError(t, err)
			return c
		},
		"bearer": func(t *testing.T) auth.Credential {
			c, err := auth.NewStaticBearer(ccr.NewSecret("t"))
			require.NoError(t, err)
			return c
		},
		"header key": func(t *testing.T) auth.Credential {
			c, err := auth.NewHeaderKey("X-Api-Key", ccr.NewSecret("k"))
			require.NoError(t, err)
			return c
		},
	}
	for name, make := range credentials {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			bind := func(cred auth.Credential, service, base string) error {
				_, err := transport.New(transport.Config{Service: service, DefaultBaseURL: base, Credential: cred})
				return err
			}
			cred := make(t)
			require.NoError(t, bind(cred, "accounts", "https://api.example/sync"))
			require.NoError(t, bind(cred, "accounts", "https://API.example:443/other"), "the same API")
			for _, other := range [][2]string{
				{"accounts", "https://api.example:8443"}, {"accounts", "https://other.example"}, {"accounts", "https://api.example.evil.example"},
				{"decisioning", "https://api.example/decisioning"}, // behind the same host
			} {
				require.ErrorIs(t, bind(cred, other[0], other[1]), auth.ErrWrongAPI, other)
			}
			require.NoError(t, bind(cred, "accounts", "https://api.example"), "it stays with the first")
		})
	}
	for name, zero := range map[string]auth.Credential{
		"zero source": &auth.TokenSource{}, "nil source": (*auth.TokenSource)(nil),
		"zero bearer": &auth.StaticBearer{}, "nil bearer": (*auth.StaticBearer)(nil),
		"zero key": &auth.HeaderKey{}, "nil key": (*auth.HeaderKey)(nil),
	} {
		_, err := transport.New(transport.Config{Service: "svc", DefaultBaseURL: apiURL, Credential: zero})
		require.ErrorContains(t, err, "no constructor made", name)
	}
}

func TestStaticBearer(t *testing.T) {
	t.Parallel()
	_, err := auth.NewStaticBearer(ccr.Secret{})
	require.Error(t, err)
	now := time.Date(2000, 1, 1, 0, 0, 0, 0, time.UTC) // in a bubble
	exp := func(d time.Duration) string { return unsignedJWT(map[string]any{"exp": now.Add(d).Unix()}) }
	for name, tt := range map[string]struct{ token, want string }{
		"opaque":                {"abc.def", ""},
		"JWT":                   {exp(time.Hour), ""},
		"JWT without exp":       {unsignedJWT(map[string]any{"sub": "x"}), ""},
		"expired within leeway": {exp(-59 * time.Second), ""},
		"expired":               {exp(-61 * time.Second), "the token's exp has passed"},
		"no header value":       {"a\nb", "characters that a header cannot carry"},
		"a space":               {"a b", "characters that a header cannot carry"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			inWorld(t, func(t *testing.T, w *world) {
				w.valid[tt.token] = true
				cred, err := auth.NewStaticBearer(ccr.NewSecret(tt.token))
				require.NoError(t, err)
				err = call(t.Context(), w.client(cred))
				all, _ := w.apiCalls()
				if tt.want == "" {
					require.NoError(t, err)
					require.Equal(t, 1, all)
					return
				}
				require.ErrorContains(t, err, tt.want)
				require.ErrorIs(t, err, ccr.ErrUnauthorized)
				require.ErrorIs(t, err, ccr.ErrNotSent)
				require.Zero(t, all)
			})
		})
	}
	t.Run("it ends while it is used", func(t *testing.T) {
		t.Parallel()
		synctest.Test(t, func(t *testing.T) {
			cred, err := auth.NewStaticBearer(ccr.NewSecret(exp(time.Hour)))
			require.NoError(t, err)
			_, _, err = cred.Header(t.Context())
			require.NoError(t, err)
			<-time.After(time.Hour + 2*time.Minute)
			_, _, err = cred.Header(t.Context())
			require.ErrorIs(t, err, ccr.ErrUnauthorized)
		})
	})
	t.Run("rotation", func(t *testing.T) {
		t.Parallel()
		file := filepath.Join(t.TempDir(), "token")
		require.NoError(t, os.WriteFile(file, []byte("first"), 0o600))
		inWorld(t, func(t *testing.T, w *world) {
			cred, err := auth.NewStaticBearer(ccr.SecretFromFile(file))
			require.NoError(t, err)
			c := w.client(cred)
			w.valid["first"] = true
			require.NoError(t, call(t.Context(), c))
			w.revoke()
			require.ErrorIs(t, call(t.Context(), c), ccr.ErrUnauthorized)
			all, _ := w.apiCalls()
			require.Equal(t, 2, all, "nothing newer: it is not repeated")
			w.api = func(rw http.ResponseWriter, r *http.Request) bool { // the file changes while the call is under way
				if r.Header.Get("Authorization") == "Bearer first" {
					assert.NoError(t, os.WriteFile(file, []byte("second\n"), 0o600))
					rw.WriteHeader(401)
				}
				return true
			}
			require.NoError(t, call(t.Context(), c))
			all, _ = w.apiCalls()
			require.Equal(t, 4, all)
			require.NoError(t, os.Remove(file))
			require.ErrorIs(t, call(t.Context(), c), os.ErrNotExist)
		})
	})
}

func TestHeaderKey(t *testing.T) {
	t.Parallel()
	for _, name := range []string{"", "X Key", "X:Key", "X\r\nKey", "Host", "content-length", "Cookie", "proxy-authorization", "User-Agent"} {
		_, err := auth.NewHeaderKey(name, ccr.NewSecret("k"))
		require.Error(t, err, name)
	}
	_, err := auth.NewHeaderKey("X-Api-Key", ccr.Secret{})
	require.Error(t, err)
	for name, tt := range map[string]struct{ header, key, want string }{
		"plain":         {"x-api-key", "k-1", ""},
		"with a scheme": {"Authorization", "ApiKey k-1", ""},
		"a header":      {"X-Api-Key", "k\r\nX: y", "a header cannot carry"},
		"not ASCII":     {"X-Api-Key", "ké", "a header cannot carry"},
		"a space":       {"X-Api-Key", "k ", "begins or ends with a space"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			inWorld(t, func(t *testing.T, w *world) {
				w.api = func(_ http.ResponseWriter, r *http.Request) bool {
					assert.Equal(t, []string{tt.key}, r.Header[http.CanonicalHeaderKey(tt.header)])
					return true
				}
				cred, err := auth.NewHeaderKey(tt.header, ccr.NewSecret(tt.key))
				require.NoError(t, err)
				err = call(t.Context(), w.client(cred))
				if tt.want == "" {
					require.NoError(t, err)
					return
				}
				require.ErrorContains(t, err, tt.want)
				all, _ := w.apiCalls()
				require.Zero(t, all)
			})
		})
	}
	t.Run("refused", func(t *testing.T) {
		t.Parallel()
		inWorld(t, func(t *testing.T, w *world) {
			cred, err := auth.NewHeaderKey("X-Api-Key", ccr.NewSecret("k"))
			require.NoError(t, err)
			require.ErrorIs(t, call(t.Context(), w.client(cred)), ccr.ErrUnauthorized)
			all, _ := w.apiCalls()
			require.Equal(t, 1, all)
		})
	})
}

func TestAPIKey(t *testing.T) {
	t.Parallel()
	k := auth.APIKey{Key: ccr.NewSecret("k"), Username: "demouser", IP: "210.10.150.110"}
	require.NoError(t, k.Validate())
	secret, err := k.Secret()
	require.NoError(t, err)
	text, err := secret.Reveal()
	require.NoError(t, err)
	// The example of the gateway's API page.
	assert.Equal(t, "a3d6f005686399178c6c44a1fcb8cedfd281a7ff37b4e8a96303e2761a951dc0", text)
	assert.Contains(t, k.Warning(), "1 characters long")
	long := k
	long.Key = ccr.NewSecret("12345678901234567890123456789012345678901234567890")
	assert.Empty(t, long.Warning())
	assert.Empty(t, auth.APIKey{}.Warning())

	hash := func(ip string) string {
		s, err := auth.BureauSecret("u", ip)
		require.NoError(t, err, ip)
		text, err := s.Reveal()
		require.NoError(t, err)
		return text
	}
	assert.Equal(t, hash("2001:db8::1"), hash("2001:0DB8:0:0:0:0:0:1"))
	assert.Equal(t, hash("192.0.2.1"), hash("::ffff:192.0.2.1"))
	assert.Equal(t, hash("fe80::1"), hash("fe80::1%eth0"))
	assert.NotEqual(t, hash("192.0.2.1"), hash("192.0.2.2"))

	err = auth.APIKey{IP: "c4n4ry"}.Validate()
	require.ErrorContains(t, err, "Key")
	require.ErrorContains(t, err, "Username")
	require.ErrorContains(t, err, "IP must be")
	require.NotContains(t, err.Error(), "c4n4ry")
	for _, ip := range []string{"", "192.0.2", "192.0.2.1/24", "[::1]", " 192.0.2.1", "192.0.2.1:80"} {
		_, err := auth.BureauSecret("u", ip)
		require.Error(t, err, ip)
	}
	_, err = auth.BureauSecret("", "192.0.2.1")
	require.ErrorContains(t, err, "Username")
}
