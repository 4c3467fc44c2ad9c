package auth_test

import (
	"bufio"
	"context"
	"crypto/tls"
	"crypto/x509"
	"encoding/base64"
	"encoding/json"
	"encoding/pem"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/ccr-sdk/ccr"
	"github.com/ccr-sdk/ccr/auth"
	"github.com/ccr-sdk/ccr/internal/transport"
)

// oidcProvider is a program for npm's certified OpenID provider. It prints its
// port.
const oidcProvider = `
import https from 'node:https';
import fs from 'node:fs';
import Provider from 'oidc-provider';
const clients = JSON.parse(fs.readFileSync('clients.json'));
const server = https.createServer({ key: fs.readFileSync('key.pem'), cert: fs.readFileSync('cert.pem') });
server.listen(0, '127.0.0.1', () => {
  const { port } = server.address();
  const provider = new Provider('https://127.0.0.1:' + port, {
    clients, scopes: ['debtors:read'],
    features: {
      clientCredentials: { enabled: true },
      devInteractions: { enabled: false },
      resourceIndicators: { enabled: true, getResourceServerInfo: (ctx, resource) => ({
        scope: 'debtors:read debtors:write', audience: resource, accessTokenFormat: 'jwt', accessTokenTTL: 120 }) },
    },
  });
  server.on('request', provider.callback());
  console.log('PORT ' + port);
});
process.stdin.on('end', () => process.exit(0)).resume();
`

// npm installs a package by its name into a new folder. Without node, npm or a
// registry the test is skipped, and fails where CI requires it.
func npm(t *testing.T, name string) (folder string) {
	t.Helper()
	required := os.Getenv("CCR_CI_REQUIRE") != ""
	if !required && os.Getenv("CCR_LONG") == "" {
		t.Skip("SKIPPED: installs " + name + " from npm; set CCR_LONG or CCR_CI_REQUIRE")
	}
	missing := func(why string) {
		if required {
			t.Fatal("CCR_CI_REQUIRE is set: " + why)
		}
		t.Skip("SKIPPED: " + why)
	}
	for _, program := range []string{"node", "npm"} {
		if _, err := exec.LookPath(program); err != nil {
			missing(program + " is not installed")
		}
	}
	folder = t.TempDir()
	ctx, cancel := context.WithTimeout(t.Context(), 3*time.Minute)
	defer cancel()
	install := exec.CommandContext(ctx, "npm", "install", "--prefix", folder, "--no-audit", "--no-fund", "--ignore-scripts", "--no-package-lock", name)
	install.Dir = folder
	if out, err := install.CombinedOutput(); err != nil {
		missing("npm install " + name + " failed: " + string(out))
	}
	return folder
}

// TestOIDCProvider gets tokens from npm's certified provider: by both ways of
// authentication, with a scope and a resource, and is refused as documented.
func TestOIDCProvider(t *testing.T) {
	t.Parallel()
	folder := npm(t, "oidc-provider@8")
	var got []http.Header
	api := httptest.NewTLSServer(http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) {
		got = append(got, r.Header)
		_, _ = io.WriteString(rw, "{}")
	}))
	defer api.Close()
	const secret = "s: +%/\" not a real one" // what the Basic form has to encode
	clients := []map[string]any{}
	for _, method := range []auth.Authentication{auth.AuthenticationBasic, auth.AuthenticationBody} {
		clients = append(clients, map[string]any{
			"client_id": string(method), "client_secret": secret, "token_endpoint_auth_method": string(method),
			"grant_types": []string{"client_credentials"}, "redirect_uris": []string{}, "response_types": []string{}, "scope": "debtors:read",
		})
	}
	raw, err := json.Marshal(clients)
	require.NoError(t, err)
	cert := api.TLS.Certificates[0]
	key, err := x509.MarshalPKCS8PrivateKey(cert.PrivateKey)
	require.NoError(t, err)
	for name, content := range map[string][]byte{
		"clients.json": raw, "main.mjs": []byte(oidcProvider),
		"cert.pem": pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: cert.Certificate[0]}),
		"key.pem":  pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: key}),
	} {
		require.NoError(t, os.WriteFile(filepath.Join(folder, name), content, 0o600))
	}
	issuer := "https://127.0.0.1:" + start(t, folder)

	transportOf := api.Client().Transport.(*http.Transport).Clone()
	transportOf.TLSClientConfig.MinVersion = tls.VersionTLS12
	source := func(change func(*auth.ClientCredentialsConfig)) *transport.Client {
		cfg := auth.ClientCredentialsConfig{
			TokenURL: issuer + "/token", ClientSecret: ccr.NewSecret(secret),
			Scope: "debtors:read", Parameters: map[string]string{"resource": "https://api.example/v1"},
		}
		change(&cfg)
		cred, err := auth.NewClientCredentials(cfg)
		require.NoError(t, err)
		c, err := transport.New(transport.Config{Service: "svc", DefaultBaseURL: api.URL, Credential: cred}, ccr.WithHTTPClient(&http.Client{Transport: transportOf}))
		require.NoError(t, err)
		return c
	}
	for _, method := range []auth.Authentication{auth.AuthenticationBasic, auth.AuthenticationBody} {
		got = nil
		c := source(func(cfg *auth.ClientCredentialsConfig) { cfg.ClientID, cfg.Authentication = string(method), method })
		require.NoError(t, call(t.Context(), c), method)
		require.Len(t, got, 1)
		parts := strings.Split(strings.TrimPrefix(got[0].Get("Authorization"), "Bearer "), ".")
		require.Len(t, parts, 3, "a JWT, as the resource wants it")
		claims, err := base64.RawURLEncoding.DecodeString(parts[1])
		require.NoError(t, err)
		var is struct{ Aud, Scope, Iss string }
		require.NoError(t, json.Unmarshal(claims, &is))
		assert.Equal(t, "https://api.example/v1", is.Aud)
		assert.Equal(t, "debtors:read", is.Scope)
		assert.Equal(t, issuer, is.Iss)

		for name, change := range map[string]func(*auth.ClientCredentialsConfig){
			"wrong secret":         func(cfg *auth.ClientCredentialsConfig) { cfg.ClientSecret = ccr.NewSecret("wrong") },
			"JSON instead of form": func(cfg *auth.ClientCredentialsConfig) { cfg.Encoding, cfg.Audience = auth.EncodingJSON, "a" },
		} {
			err := call(t.Context(), source(func(cfg *auth.ClientCredentialsConfig) {
				cfg.ClientID, cfg.Authentication = string(method), method
				change(cfg)
			}))
			require.ErrorIs(t, err, ccr.ErrUnauthorized, name)
			require.ErrorIs(t, err, ccr.ErrNotSent, name)
		}
	}
}

// start runs the provider until the test ends, and returns its port.
func start(t *testing.T, folder string) (port string) {
	t.Helper()
	node := exec.CommandContext(t.Context(), "node", "main.mjs")
	node.Dir = folder
	var stderr lockedBuffer
	node.Stderr = &stderr
	in, err := node.StdinPipe() // its end ends the program
	require.NoError(t, err)
	out, err := node.StdoutPipe()
	require.NoError(t, err)
	require.NoError(t, node.Start())
	t.Cleanup(func() {
		_ = in.Close()
		_ = node.Wait()
	})
	for lines := bufio.NewScanner(out); lines.Scan(); {
		if p, ok := strings.CutPrefix(lines.Text(), "PORT "); ok {
			go func() { _, _ = io.Copy(io.Discard, out) }()
			return p
		}
	}
	t.Fatal("the provider did not start: " + stderr.String())
	return ""
}
