package auth_test

import (
	"crypto/aes"
	"crypto/cipher"
	"crypto/rand"
	"encoding/base64"
	"fmt"
	"net/http"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/ccr-sdk/ccr"
	"github.com/ccr-sdk/ccr/auth"
)

func newCipher(t testing.TB) cipher.AEAD {
	key := make([]byte, 32)
	rand.Read(key) //nolint:errcheck // it never fails
	block, err := aes.NewCipher(key)
	require.NoError(t, err)
	gcm, err := cipher.NewGCM(block)
	require.NoError(t, err)
	return gcm
}

func TestSeal(t *testing.T) {
	t.Parallel()
	c := newCipher(t)
	for name, token := range map[string]auth.Token{
		"both":   {Access: ccr.NewSecret("access-1"), Expiry: time.Now().UTC().Truncate(time.Second), Refresh: ccr.NewSecret("refresh-1"), RefreshExpiry: time.Now().UTC().Add(time.Hour)},
		"access": {Access: ccr.NewSecret("access-1")},
	} {
		sealed, err := token.Seal(c, "k")
		require.NoError(t, err, name)
		assert.NotContains(t, string(sealed), "access-1")
		got, err := auth.OpenToken(c, "k", sealed)
		require.NoError(t, err, name)
		access, err := got.Access.Reveal()
		require.NoError(t, err)
		assert.Equal(t, "access-1", access)
		assert.Equal(t, token.Refresh.IsZero(), got.Refresh.IsZero())
		assert.True(t, token.Expiry.Equal(got.Expiry))
		assert.True(t, token.RefreshExpiry.Equal(got.RefreshExpiry))
		again, err := token.Seal(c, "k")
		require.NoError(t, err)
		assert.NotEqual(t, sealed, again, "another nonce each time")

		_, err = auth.OpenToken(c, "other", sealed)
		require.ErrorContains(t, err, "does not open")
		_, err = auth.OpenToken(newCipher(t), "k", sealed)
		require.ErrorContains(t, err, "does not open")
		for i := range sealed {
			sealed[i] ^= 1
			_, err = auth.OpenToken(c, "k", sealed)
			require.Error(t, err)
			sealed[i] ^= 1
			_, err = auth.OpenToken(c, "k", sealed[:i])
			require.Error(t, err)
		}
	}
	_, err := auth.Token{}.Seal(c, "k")
	require.Error(t, err)
}

// TestTokenRequestForms: how a client authenticates, and what else it sends.
func TestTokenRequestForms(t *testing.T) {
	t.Parallel()
	inWorld(t, func(t *testing.T, w *world) {
		var got grant
		w.token = func(_ int, _ http.ResponseWriter, g grant) bool { got = g; return false }
		c := w.client(w.source(func(c *auth.ClientCredentialsConfig) {
			c.Encoding, c.Authentication = auth.EncodingForm, auth.AuthenticationBasic
			c.ClientID, c.ClientSecret = "client:1", ccr.NewSecret("s ecret+1")
			c.Parameters = map[string]string{"resource": "https://api.example/"}
		}))
		require.NoError(t, call(t.Context(), c))
		assert.Equal(t, map[string]string{"grant_type": "client_credentials", "audience": "aud-1", "resource": "https://api.example/"}, got.fields)
		assert.Equal(t, "Basic "+base64.StdEncoding.EncodeToString([]byte("client%3A1:s+ecret%2B1")), got.header.Get("Authorization"))
	})
	_, err := auth.NewClientCredentials(auth.ClientCredentialsConfig{
		TokenURL: tokenURL, ClientID: "c", ClientSecret: ccr.NewSecret("s"), Authentication: "private_key_jwt",
		Parameters: map[string]string{"grant_type": "password", "client_secret": "x"},
	})
	require.ErrorContains(t, err, "Authentication")
	require.ErrorContains(t, err, "Parameters.grant_type")
	require.ErrorContains(t, err, "Parameters.client_secret")
}

// FuzzClaims: whatever a token is, looking for its exp does no harm.
func FuzzClaims(f *testing.F) {
	part := func(s string) string { return base64.RawURLEncoding.EncodeToString([]byte(s)) }
	for _, claims := range []string{`{"exp":1}`, `{"exp":4102444800}`, `{"exp":1e300}`, `{"exp":-5}`, `{"exp":"x"}`, `[]`, ``, `{"exp":4102444800.5,"iat":1}`} {
		f.Add("h." + part(claims) + ".s")
	}
	f.Add("a.b")
	f.Add("...")
	f.Fuzz(func(t *testing.T, token string) {
		b, err := auth.NewStaticBearer(ccr.NewSecret("x" + token))
		require.NoError(t, err)
		if _, _, err := b.Header(t.Context()); err != nil && len(token) >= 4 {
			assert.NotContains(t, err.Error(), fmt.Sprint(token))
		}
	})
}
