package auth_test

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/json"
	"fmt"
	"io"
	"log"
	"log/slog"
	"math/big"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/ccr-sdk/ccr"
	"github.com/ccr-sdk/ccr/auth"
	"github.com/ccr-sdk/ccr/internal/memnet"
	"github.com/ccr-sdk/ccr/internal/transport"
)

const (
	apiURL   = "https://api.example"
	tokenURL = "https://login.example/oauth/token"
)

// identity is one certificate for all tests; fake time starts in the year 2000.
var identity = sync.OnceValues(func() (*tls.Config, *tls.Config) {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	must(err)
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "test"}, DNSNames: []string{"api.example", "login.example", "other.example"},
		NotBefore: time.Unix(0, 0), NotAfter: time.Date(2100, 1, 1, 0, 0, 0, 0, time.UTC),
		BasicConstraintsValid: true, IsCA: true, KeyUsage: x509.KeyUsageDigitalSignature | x509.KeyUsageCertSign,
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, key.Public(), key)
	must(err)
	leaf, err := x509.ParseCertificate(der)
	must(err)
	roots := x509.NewCertPool()
	roots.AddCert(leaf)
	return &tls.Config{Certificates: []tls.Certificate{{Certificate: [][]byte{der}, PrivateKey: key}}, MinVersion: tls.VersionTLS13},
		&tls.Config{RootCAs: roots, MinVersion: tls.VersionTLS13}
})

func must(err error) {
	if err != nil {
		panic(err)
	}
}

// world is an API and a token endpoint on hosts of their own, in one bubble.
type world struct {
	t  *testing.T
	tr *http.Transport

	mu      sync.Mutex
	valid   map[string]bool // access tokens that the API takes
	issued  int
	grants  []grant
	calls   int // of the API
	refused int // of them

	life  any // expires_in; nil: none
	delay time.Duration
	more  map[string]any                                   // of the answer
	token func(n int, w http.ResponseWriter, g grant) bool // answers instead; false: it did not
	api   func(w http.ResponseWriter, r *http.Request) bool
}

// grant is one token request.
type grant struct {
	fields      map[string]string
	contentType string
	header      http.Header
	at          time.Time
}

// inWorld runs a test in a bubble; a goroutine that stays behind fails it.
func inWorld(t *testing.T, run func(t *testing.T, w *world)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		w := &world{t: t, valid: map[string]bool{}, life: 3600}
		conf, trust := identity()
		var net memnet.Network
		w.tr = &http.Transport{DialContext: net.DialContext, TLSClientConfig: trust.Clone(), MaxIdleConnsPerHost: 2000}
		var stop []func()
		for host, h := range map[string]http.HandlerFunc{"api.example:443": w.serveAPI, "login.example:443": w.serveToken, "other.example:443": w.serveToken} {
			l, err := net.Listen(host)
			require.NoError(t, err)
			srv := &http.Server{TLSConfig: conf.Clone(), Handler: h, ErrorLog: log.New(io.Discard, "", 0), ReadHeaderTimeout: time.Hour}
			served := make(chan error, 1)
			go func() { served <- srv.ServeTLS(l, "", "") }()
			stop = append(stop, func() { _ = srv.Close(); <-served })
		}
		defer func() {
			w.tr.CloseIdleConnections()
			for _, f := range stop {
				f()
			}
			<-time.After(3 * time.Minute) // a fetch that nobody waits for any more ends by itself
		}()
		run(t, w)
	})
}

func (w *world) serveToken(rw http.ResponseWriter, r *http.Request) {
	body, err := io.ReadAll(r.Body)
	if err != nil {
		return
	}
	g := grant{fields: map[string]string{}, contentType: r.Header.Get("Content-Type"), header: r.Header, at: time.Now()}
	if strings.HasPrefix(g.contentType, "application/json") {
		assert.NoError(w.t, json.Unmarshal(body, &g.fields))
	} else {
		form, err := url.ParseQuery(string(body))
		assert.NoError(w.t, err)
		for name := range form {
			g.fields[name] = form.Get(name)
		}
	}
	w.mu.Lock()
	w.grants = append(w.grants, g)
	n := len(w.grants)
	delay, special := w.delay, w.token
	w.mu.Unlock()
	if delay > 0 {
		select {
		case <-time.After(delay):
		case <-r.Context().Done():
			return
		}
	}
	if special != nil && special(n, rw, g) {
		return
	}
	w.issue(rw)
}

// issue answers with a new token.
func (w *world) issue(rw http.ResponseWriter) {
	w.mu.Lock()
	w.issued++
	access := fmt.Sprintf("token-%d", w.issued)
	w.valid[access] = true
	answer := map[string]any{"access_token": access, "token_type": "Bearer"}
	if w.life != nil {
		answer["expires_in"] = w.life
	}
	for name, v := range w.more {
		answer[name] = v
	}
	w.mu.Unlock()
	rw.WriteHeader(http.StatusCreated)
	_ = json.NewEncoder(rw).Encode(answer)
}

func (w *world) serveAPI(rw http.ResponseWriter, r *http.Request) {
	w.mu.Lock()
	w.calls++
	ok := w.valid[strings.TrimPrefix(r.Header.Get("Authorization"), "Bearer ")]
	if !ok {
		w.refused++
	}
	special := w.api
	w.mu.Unlock()
	switch {
	case special != nil && special(rw, r):
	case ok:
		_, _ = io.WriteString(rw, `{}`)
	default:
		rw.WriteHeader(http.StatusUnauthorized)
	}
}

// revoke makes the API refuse every token issued so far.
func (w *world) revoke() {
	w.mu.Lock()
	defer w.mu.Unlock()
	clear(w.valid)
}

func (w *world) tokenRequests() int {
	w.mu.Lock()
	defer w.mu.Unlock()
	return len(w.grants)
}

func (w *world) apiCalls() (all, refused int) {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.calls, w.refused
}

func (w *world) config() auth.ClientCredentialsConfig {
	return auth.ClientCredentialsConfig{TokenURL: tokenURL, ClientID: "client-1", ClientSecret: ccr.NewSecret("secret-1"), Audience: "aud-1", Encoding: auth.EncodingJSON}
}

func (w *world) source(change ...func(*auth.ClientCredentialsConfig)) *auth.TokenSource {
	w.t.Helper()
	cfg := w.config()
	for _, c := range change {
		c(&cfg)
	}
	s, err := auth.NewClientCredentials(cfg)
	require.NoError(w.t, err)
	return s
}

func (w *world) client(cred auth.Credential, opts ...ccr.Option) *transport.Client {
	w.t.Helper()
	c, err := transport.New(transport.Config{Service: "svc", DefaultBaseURL: apiURL, Credential: cred}, append([]ccr.Option{
		ccr.WithHTTPClient(&http.Client{Transport: w.tr}), ccr.WithLogger(slog.New(slog.DiscardHandler)),
	}, opts...)...)
	require.NoError(w.t, err)
	return c
}

var (
	read   = &transport.Route{Operation: "Read", Method: http.MethodGet, Path: "/v1/things"}
	create = &transport.Route{Operation: "Create", Method: http.MethodPost, Path: "/v1/things", Class: transport.UnsentOnly}
)

func call(ctx context.Context, c *transport.Client) error {
	_, err := c.Do(ctx, &transport.Request{Route: read})
	return err
}

// once makes tests without retries.
func once() ccr.Option { return ccr.WithRetry(ccr.RetryPolicy{MaxAttempts: 1}) }
