package auth_test

import (
	"bytes"
	"context"
	"encoding/gob"
	"encoding/json"
	"encoding/xml"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/ccr-sdk/ccr"
	"github.com/ccr-sdk/ccr/auth"
	"github.com/ccr-sdk/ccr/internal/transport"
)

const canary = "c4n4ry"

// TestNoCanary plants a canary in every credential, token, configuration and
// answer of a token endpoint, uses them with success and without, and looks
// for it in every printed form of everything a program holds, and in all logs
// at debug level.
func TestNoCanary(t *testing.T) {
	t.Parallel()
	secret := ccr.NewSecret(canary)
	p := &printer{t: t}
	p.all("secret", secret)
	p.all("token", auth.Token{Access: secret, Refresh: secret, Expiry: time.Now()})
	p.all("store", auth.NewMemoryTokenStore())
	cfg := auth.ClientCredentialsConfig{TokenURL: tokenURL, ClientID: "client-1", ClientSecret: secret, Audience: "aud-1"}
	p.all("config", cfg)
	key := auth.APIKey{Key: secret, Username: canary, IP: "192.0.2.1"}
	p.direct("API key", &key)
	for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%q", "%d", "%x", "%t"} { // %p asks no method, and vet forbids it for a struct
		p.clean("API key by value", fmt.Sprintf(verb, key)+fmt.Sprintf(verb, []auth.APIKey{key})+fmt.Sprintf(verb, struct{ K auth.APIKey }{key}))
	}
	for name, encode := range map[string]func() ([]byte, error){
		"XML":  func() ([]byte, error) { return xml.Marshal(key) },
		"text": func() ([]byte, error) { return key.MarshalText() },
		"gob": func() ([]byte, error) {
			var b bytes.Buffer
			err := gob.NewEncoder(&b).Encode(key)
			return b.Bytes(), err
		},
	} {
		b, err := encode()
		require.NoError(t, err, name)
		p.clean("API key as "+name, string(b))
	}
	key.Username = "public"
	p.all("API key", key)
	hash, err := auth.BureauSecret(canary, "192.0.2.1")
	require.NoError(t, err)
	p.all("bureau secret", hash)
	_, err = auth.BureauSecret(canary, canary)
	p.all("fault", err)
	_, err = auth.NewHeaderKey("X "+canary, secret)
	p.all("fault", err)
	_, err = auth.NewClientCredentials(auth.ClientCredentialsConfig{TokenURL: "https://" + canary + "@x/?" + canary, ClientSecret: secret, Encoding: canary})
	p.all("fault", err)

	fine := func(rw http.ResponseWriter) {
		_, _ = io.WriteString(rw, `{"access_token":"`+canary+`","refresh_token":"`+canary+`","token_type":"bearer","expires_in":60}`)
	}
	answers := map[string]func(rw http.ResponseWriter){
		"token":    fine,
		"no token": func(rw http.ResponseWriter) { _, _ = io.WriteString(rw, `{"access_token":"`+canary+`\n"}`) },
		"wrong type": func(rw http.ResponseWriter) {
			_, _ = io.WriteString(rw, `{"access_token":{"`+canary+`":"`+canary+`"}}`)
		},
		"refused": func(rw http.ResponseWriter) {
			rw.WriteHeader(401)
			_, _ = io.WriteString(rw, `{"error":"invalid_client","error_description":"`+canary+`","client_secret":"`+canary+`"}`)
		},
		"a page": func(rw http.ResponseWriter) { rw.WriteHeader(502); _, _ = io.WriteString(rw, "<h1>"+canary) },
		"moved": func(rw http.ResponseWriter) {
			rw.Header().Set("Location", "https://"+canary+".example/"+canary)
			rw.WriteHeader(307)
		},
		"lost": func(http.ResponseWriter) { panic(http.ErrAbortHandler) },
	}
	for name, answer := range answers {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			inWorld(t, func(t *testing.T, w *world) {
				p := &printer{t: t}
				w.token = func(_ int, rw http.ResponseWriter, _ grant) bool { answer(rw); return true }
				w.api = func(rw http.ResponseWriter, r *http.Request) bool {
					http.Error(rw, r.Header.Get("Authorization")+r.Header.Get("X-Api-Key"), http.StatusUnauthorized)
					return true
				}
				oauth, err := auth.NewClientCredentials(cfg)
				require.NoError(t, err)
				source, err := auth.NewTokenSource(func(ctx context.Context, prior auth.Token) (auth.Token, error) {
					p.all("context of a fetch", ctx)
					p.all("prior token", prior)
					return auth.Token{Access: secret}, nil
				})
				require.NoError(t, err)
				static, err := auth.NewStaticBearer(secret)
				require.NoError(t, err)
				header, err := auth.NewHeaderKey("X-Api-Key", secret)
				require.NoError(t, err)
				var text, jsonText lockedBuffer
				level := &slog.HandlerOptions{Level: slog.LevelDebug}
				for _, cred := range []auth.Credential{oauth, source, static, header} {
					log := slog.New(both{slog.NewTextHandler(&text, level), slog.NewJSONHandler(&jsonText, level)})
					c, err := transport.New(transport.Config{Service: "svc", DefaultBaseURL: apiURL, Credential: cred},
						ccr.WithHTTPClient(&http.Client{Transport: w.tr}), ccr.WithLogger(log), ccr.WithRetry(ccr.RetryPolicy{MaxAttempts: 2}))
					require.NoError(t, err)
					for range 3 {
						err := call(t.Context(), c)
						require.Error(t, err)
						for err := err; err != nil; err = errors.Unwrap(err) {
							p.all("error", err)
						}
						e, _ := errors.AsType[*ccr.Error](err)
						p.all("error by value", *e)
						p.all("credential", cred)
						p.all("client", c)
						<-time.After(50 * time.Second) // renewals, in the background too
					}
				}
				assert.NotContains(t, text.String(), canary)
				assert.NotContains(t, jsonText.String(), canary)
				assert.Contains(t, text.String(), "operation=Token")
				assert.Positive(t, p.n)
			})
		})
	}
}

// both is a handler that hands on to two.
type both [2]slog.Handler

func (b both) Enabled(context.Context, slog.Level) bool { return true }
func (b both) WithAttrs([]slog.Attr) slog.Handler       { panic("not used") }
func (b both) WithGroup(string) slog.Handler            { panic("not used") }
func (b both) Handle(ctx context.Context, r slog.Record) error {
	return errors.Join(b[0].Handle(ctx, r), b[1].Handle(ctx, r))
}

// printer prints a value in every form there is.
type printer struct {
	t *testing.T
	n int
}

// all prints a value by itself and in whatever may hold it. From a field that
// is not exported, fmt calls no method, and under a verb that does not suit it
// follows one pointer.
func (p *printer) all(what string, v any) {
	p.t.Helper()
	if v == nil {
		return
	}
	held := struct{ private any }{v}
	p.direct(what, v, held, &held, []any{held})
}

// direct prints values by themselves and from where fmt finds their methods.
func (p *printer) direct(what string, v any, more ...any) {
	p.t.Helper()
	p.n++
	for _, x := range append(more, v, struct{ Exported any }{v}, []any{v}, map[string]any{"k": v}) {
		for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%q", "%d", "%x", "%X", "%o", "%t", "%p"} {
			p.clean(what+" "+verb, fmt.Sprintf(verb, x))
		}
		p.clean(what+" Sprint", fmt.Sprint(x))
		if b, err := json.Marshal(x); err == nil {
			p.clean(what+" JSON", string(b))
		} else {
			p.clean(what+" JSON", err.Error())
		}
		var b bytes.Buffer
		for _, h := range []slog.Handler{slog.NewTextHandler(&b, nil), slog.NewJSONHandler(&b, nil)} {
			slog.New(h).Info("m", "k", x, slog.Group("g", "k", x))
		}
		p.clean(what+" slog", b.String())
	}
}

// clean looks for the canary as text, in hexadecimal and in decimal bytes.
func (p *printer) clean(what, s string) {
	p.t.Helper()
	for _, form := range []string{canary, fmt.Sprintf("%x", canary), fmt.Sprintf("%X", canary), strings.Trim(fmt.Sprintf("%d", []byte(canary)), "[]"), strings.Trim(fmt.Sprintf("%#v", []byte(canary)), "[]byte{}")} {
		if strings.Contains(s, form) {
			p.t.Errorf("%s shows a canary: %.300s", what, s)
			return
		}
	}
}

// TestHeldTokenIsNotPrinted: a source that holds a token shows it no more than
// one whose token was refused.
func TestHeldTokenIsNotPrinted(t *testing.T) {
	t.Parallel()
	inWorld(t, func(t *testing.T, w *world) {
		p := &printer{t: t}
		w.api = func(rw http.ResponseWriter, r *http.Request) bool {
			assert.Equal(t, "Bearer "+canary, r.Header.Get("Authorization"))
			_, _ = io.WriteString(rw, "{}")
			return true
		}
		source, err := auth.NewTokenSource(func(context.Context, auth.Token) (auth.Token, error) {
			return auth.Token{Access: ccr.NewSecret(canary), Refresh: ccr.NewSecret(canary)}, nil
		})
		require.NoError(t, err)
		c, err := transport.New(transport.Config{Service: "svc", DefaultBaseURL: apiURL, Credential: source}, ccr.WithHTTPClient(&http.Client{Transport: w.tr}))
		require.NoError(t, err)
		require.NoError(t, call(t.Context(), c))
		synctest.Wait() // what is printed by reflection must not change meanwhile
		p.all("source", source)
		p.all("source by value", *source)
		p.all("client", c)
	})
}
