package accounts_test

import (
	"bytes"
	"context"
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/ccr-sdk/ccr"
	"github.com/ccr-sdk/ccr/accounts"
	"github.com/ccr-sdk/ccr/accounts/accountstest"
)

func secret() (string, ccr.Secret) {
	s := rand.Text() + rand.Text()
	return s, ccr.NewSecret(s)
}

// inbox is a webhook that keeps what it gets.
type inbox struct {
	mu     sync.Mutex
	events []accounts.Event
}

func (i *inbox) handle(_ context.Context, e accounts.Event) error {
	i.mu.Lock()
	defer i.mu.Unlock()
	i.events = append(i.events, e)
	return nil
}

func hook(t *testing.T, cfg accounts.WebhookConfig) *accounts.WebhookHandler {
	t.Helper()
	h, err := accounts.NewWebhookHandler(cfg)
	require.NoError(t, err)
	return h
}

// post sends a body straight to a handler.
func post(t *testing.T, h http.Handler, authorization string, body []byte) int {
	t.Helper()
	r := httptest.NewRequestWithContext(t.Context(), http.MethodPost, "/hook", bytes.NewReader(body))
	if authorization != "" {
		r.Header.Set("Authorization", authorization)
	}
	w := httptest.NewRecorder()
	h.ServeHTTP(w, r)
	return w.Code
}

func TestWebhookStyles(t *testing.T) {
	t.Parallel()
	text, sec := secret()
	signing, signingSecret := secret()
	_ = signing
	endpoint, err := accounts.NewTokenEndpoint(accounts.TokenEndpointConfig{
		SigningKeys: []ccr.Secret{signingSecret}, ClientID: "cc", ClientSecret: sec, Form: map[string]ccr.Secret{"key": sec, "grant": ccr.NewSecret("client")},
		TokenType: "Token", Names: accounts.TokenNames{AccessToken: "jwt", ExpiresIn: "ttl"},
	})
	require.NoError(t, err)
	names := accounts.TokenNames{AccessToken: "jwt", ExpiresIn: "ttl"}
	cases := map[string]struct {
		auth  accounts.WebhookAuth
		good  func(base string) accountstest.SenderAuth
		wrong accountstest.SenderAuth
	}{
		"basic":   {accounts.WebhookBasic("cc", sec), func(string) accountstest.SenderAuth { return accountstest.SendBasic("cc", text) }, accountstest.SendBasic("cc", text+"x")},
		"api key": {accounts.WebhookAPIKey(sec), func(string) accountstest.SenderAuth { return accountstest.SendAPIKey(text) }, accountstest.SendBearer(text)},
		"bearer":  {accounts.WebhookBearer(sec), func(string) accountstest.SenderAuth { return accountstest.SendBearer(text) }, accountstest.SendAPIKey(text)},
		"oauth by basic": {accounts.WebhookOAuth(endpoint), func(base string) accountstest.SenderAuth {
			return accountstest.SendOAuth(accountstest.SenderOAuth{TokenURL: base + "/token", User: "cc", Password: text, Names: names})
		}, accountstest.SendBearer(text)},
		"oauth by form": {accounts.WebhookOAuth(endpoint), func(base string) accountstest.SenderAuth {
			return accountstest.SendOAuth(accountstest.SenderOAuth{TokenURL: base + "/token", Form: map[string]string{"key": text, "grant": "client", "more": "x"}, Names: names})
		}, accountstest.SendAPIKey("Token " + text)},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var in inbox
			h := hook(t, accounts.WebhookConfig{Auth: []accounts.WebhookAuth{c.auth}, Handle: in.handle})
			mux := http.NewServeMux()
			mux.Handle("/hook", h)
			mux.Handle("/token", endpoint)
			srv := httptest.NewTLSServer(mux)
			defer srv.Close()
			send := func(a accountstest.SenderAuth) int {
				status, err := (&accountstest.Sender{URL: srv.URL + "/hook", Auth: a, Client: srv.Client()}).Send(t.Context(), accountstest.SampleEvent(accounts.EventPaymentFailed))
				require.NoError(t, err)
				return status
			}
			good := c.good(srv.URL)
			assert.Equal(t, http.StatusOK, send(good))
			assert.Equal(t, http.StatusOK, send(good), "once more")
			assert.Equal(t, http.StatusUnauthorized, send(c.wrong))
			assert.Equal(t, http.StatusUnauthorized, send(accountstest.SendNothing()))
			assert.Equal(t, http.StatusUnauthorized, send(nil), "nil sends nothing")
			require.NoError(t, h.Close(t.Context()))
			assert.Len(t, in.events, 1)
			assert.Equal(t, http.StatusServiceUnavailable, send(good), "closed")
		})
	}
}

func TestWebhookFailsClosed(t *testing.T) {
	t.Parallel()
	_, sec := secret()
	work := func(context.Context, accounts.Event) error { return nil }
	for name, cfg := range map[string]accounts.WebhookConfig{
		"no auth":         {Handle: work},
		"zero auth":       {Handle: work, Auth: []accounts.WebhookAuth{{}}},
		"no secret":       {Handle: work, Auth: []accounts.WebhookAuth{accounts.WebhookAPIKey(ccr.Secret{})}},
		"an empty secret": {Handle: work, Auth: []accounts.WebhookAuth{accounts.WebhookBearer(ccr.NewSecret(""))}},
		"no user":         {Handle: work, Auth: []accounts.WebhookAuth{accounts.WebhookBasic("", sec)}},
		"a colon in user": {Handle: work, Auth: []accounts.WebhookAuth{accounts.WebhookBasic("a:b", sec)}},
		"no endpoint":     {Handle: work, Auth: []accounts.WebhookAuth{accounts.WebhookOAuth(nil)}},
		"no function":     {Auth: []accounts.WebhookAuth{accounts.WebhookAPIKey(sec)}},
		"a negative":      {Handle: work, Auth: []accounts.WebhookAuth{accounts.WebhookAPIKey(sec)}, Queue: -1},
	} {
		_, err := accounts.NewWebhookHandler(cfg)
		require.ErrorIs(t, err, ccr.ErrInvalid, name)
	}

	// A secret that cannot be read lets nobody in, not even with an empty one.
	gone := filepath.Join(t.TempDir(), "secret")
	require.NoError(t, os.WriteFile(gone, []byte("x"), 0o600))
	h := hook(t, accounts.WebhookConfig{Handle: work, Auth: []accounts.WebhookAuth{accounts.WebhookAPIKey(ccr.SecretFromFile(gone))}})
	assert.Equal(t, http.StatusOK, post(t, h, "x", []byte(`{}`)))
	require.NoError(t, os.WriteFile(gone, []byte("y"), 0o600))
	assert.Equal(t, http.StatusUnauthorized, post(t, h, "x", []byte(`{}`)), "rotated")
	assert.Equal(t, http.StatusOK, post(t, h, "y", []byte(`{}`)))
	require.NoError(t, os.Remove(gone))
	assert.Equal(t, http.StatusServiceUnavailable, post(t, h, "y", []byte(`{}`)))
	require.NoError(t, h.Close(t.Context()))

	// Two Authorization headers are none.
	text, sec2 := secret()
	h = hook(t, accounts.WebhookConfig{Handle: work, Auth: []accounts.WebhookAuth{accounts.WebhookBearer(sec2)}})
	r := httptest.NewRequestWithContext(t.Context(), http.MethodPost, "/", strings.NewReader(`{}`))
	r.Header["Authorization"] = []string{"Bearer " + text, "Bearer other"}
	w := httptest.NewRecorder()
	h.ServeHTTP(w, r)
	assert.Equal(t, http.StatusUnauthorized, w.Code)
	assert.Equal(t, http.StatusOK, post(t, h, "bearer "+text, []byte(`{}`)), "schemes have no case")
}

func TestWebhookRefusals(t *testing.T) {
	t.Parallel()
	text, sec := secret()
	var in inbox
	h := hook(t, accounts.WebhookConfig{Auth: []accounts.WebhookAuth{accounts.WebhookAPIKey(sec)}, Handle: in.handle, MaxBody: 100})
	assert.Equal(t, http.StatusBadRequest, post(t, h, text, []byte(`{"EventType":`)))
	assert.Equal(t, http.StatusBadRequest, post(t, h, text, nil))
	assert.Equal(t, http.StatusRequestEntityTooLarge, post(t, h, text, bytes.Repeat([]byte(" "), 101)))
	r := httptest.NewRequestWithContext(t.Context(), http.MethodGet, "/", nil)
	r.Header.Set("Authorization", text)
	w := httptest.NewRecorder()
	h.ServeHTTP(w, r)
	assert.Equal(t, http.StatusMethodNotAllowed, w.Code)
	require.NoError(t, h.Close(t.Context()))
	assert.Empty(t, in.events)
}

func TestWebhookAnswersBeforeTheWork(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		text, sec := secret()
		var done atomic.Int64
		type key struct{}
		h := hook(t, accounts.WebhookConfig{
			Auth: []accounts.WebhookAuth{accounts.WebhookAPIKey(sec)}, Workers: 2, Queue: 3, Timeout: 2 * time.Hour,
			Handle: func(ctx context.Context, _ accounts.Event) error {
				assert.Equal(t, "v", ctx.Value(key{}))
				select {
				case <-ctx.Done():
					return ctx.Err()
				case <-time.After(time.Hour):
					done.Add(1)
					return nil
				}
			},
		})
		n := 0
		send := func() int {
			ctx, cancel := context.WithCancel(context.WithValue(t.Context(), key{}, "v"))
			defer cancel() // as net/http does once the answer is out
			n++
			r := httptest.NewRequestWithContext(ctx, http.MethodPost, "/", strings.NewReader(fmt.Sprintf(`{"n":%d}`, n)))
			r.Header.Set("Authorization", text)
			w := httptest.NewRecorder()
			h.ServeHTTP(w, r)
			return w.Code
		}
		start := time.Now()
		for range 5 {
			assert.Equal(t, http.StatusOK, send())
		}
		assert.Equal(t, http.StatusServiceUnavailable, send(), "two at work and three in the queue")
		assert.Equal(t, start, time.Now(), "the answer did not wait")
		require.NoError(t, h.Close(t.Context()))
		assert.Equal(t, int64(5), done.Load())
		assert.Equal(t, 3*time.Hour, time.Since(start), "two at a time")
	})
}

func TestWebhookCloseGivesUp(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		text, sec := secret()
		var failed []error
		h := hook(t, accounts.WebhookConfig{
			Auth: []accounts.WebhookAuth{accounts.WebhookAPIKey(sec)},
			Handle: func(ctx context.Context, _ accounts.Event) error {
				<-ctx.Done()
				return ctx.Err()
			},
			Failed: func(_ accounts.Event, err error) { failed = append(failed, err) },
		})
		assert.Equal(t, http.StatusOK, post(t, h, text, []byte(`{}`)))
		ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
		defer cancel()
		err := h.Close(ctx)
		require.ErrorIs(t, err, context.DeadlineExceeded)
		require.ErrorContains(t, err, "1 events were not finished")
		synctest.Wait()
		require.Len(t, failed, 1)
		require.ErrorIs(t, failed[0], context.Canceled)
		require.NoError(t, h.Close(t.Context()))
	})
}

// TestWebhookStoresBeforeTheResponse: a store that fails is 503, and the event
// is handled when it comes again; a replay is handled once.
func TestWebhookStoresBeforeTheResponse(t *testing.T) {
	t.Parallel()
	text, sec := secret()
	var in inbox
	broken, stored := true, 0
	ledger := ccr.NewMemoryLedger()
	h := hook(t, accounts.WebhookConfig{
		Auth: []accounts.WebhookAuth{accounts.WebhookAPIKey(sec)}, Handle: in.handle, Workers: 1, Ledger: ledger,
		Store: func(context.Context, accounts.Event) error {
			if broken {
				return errors.New("database gone")
			}
			stored++
			return nil
		},
	})
	one, two := accountstest.SampleEvent(accounts.EventPayNowViewed), accountstest.SampleEvent(accounts.EventPaymentPlanViewed)
	assert.Equal(t, http.StatusServiceUnavailable, post(t, h, text, one))
	broken = false
	for _, body := range [][]byte{one, two, one, one} {
		assert.Equal(t, http.StatusOK, post(t, h, text, body), "a duplicate is no fault of the sender")
	}
	require.NoError(t, h.Close(t.Context()))
	assert.Len(t, in.events, 2)
	assert.Equal(t, 2, stored)

	again := hook(t, accounts.WebhookConfig{Auth: []accounts.WebhookAuth{accounts.WebhookAPIKey(sec)}, Handle: in.handle, Ledger: ledger})
	assert.Equal(t, http.StatusOK, post(t, again, text, one))
	require.NoError(t, again.Close(t.Context()))
	assert.Len(t, in.events, 2, "after a restart, too")
}

func TestWebhookFunctionFails(t *testing.T) {
	t.Parallel()
	text, sec := secret()
	var log bytes.Buffer
	h := hook(t, accounts.WebhookConfig{
		Auth: []accounts.WebhookAuth{accounts.WebhookAPIKey(sec)}, Workers: 1, Logger: slog.New(slog.NewTextHandler(&log, nil)),
		Handle: func(_ context.Context, e accounts.Event) error {
			if e.Type == "Boom" {
				panic("a secret value")
			}
			return errors.New("no room")
		},
	})
	assert.Equal(t, http.StatusOK, post(t, h, text, []byte(`{"EventType":"Boom"}`)))
	assert.Equal(t, http.StatusOK, post(t, h, text, []byte(`{"EventType":"Other","Name":"Jane Roe"}`)))
	assert.Equal(t, http.StatusUnauthorized, post(t, h, text+"x", nil))
	require.NoError(t, h.Close(t.Context()))
	assert.Contains(t, log.String(), "panicked (string)")
	assert.Contains(t, log.String(), "*errors.errorString")
	for _, hidden := range []string{"no room", "a secret value", "Jane Roe", text} {
		assert.NotContains(t, log.String(), hidden)
	}
	for _, verb := range []string{"%v", "%+v", "%#v", "%s"} {
		assert.NotContains(t, fmt.Sprintf(verb, h), text)
		assert.NotContains(t, fmt.Sprintf(verb, accounts.WebhookAPIKey(sec)), text)
	}
}

func TestTokenEndpoint(t *testing.T) {
	t.Parallel()
	_, sec := secret()
	_, key := secret()
	for name, cfg := range map[string]accounts.TokenEndpointConfig{
		"no key":         {ClientID: "a", ClientSecret: sec},
		"a zero key":     {SigningKeys: []ccr.Secret{{}}, ClientID: "a", ClientSecret: sec},
		"nobody":         {SigningKeys: []ccr.Secret{key}},
		"no secret":      {SigningKeys: []ccr.Secret{key}, ClientID: "a"},
		"an empty field": {SigningKeys: []ccr.Secret{key}, Form: map[string]ccr.Secret{"a": {}}},
	} {
		_, err := accounts.NewTokenEndpoint(cfg)
		require.ErrorIs(t, err, ccr.ErrInvalid, name)
	}
	short, err := accounts.NewTokenEndpoint(accounts.TokenEndpointConfig{SigningKeys: []ccr.Secret{ccr.NewSecret("short")}, ClientID: "a", ClientSecret: sec})
	require.NoError(t, err, "keys are read at use")
	r := httptest.NewRequestWithContext(t.Context(), http.MethodPost, "/", nil)
	text, err := sec.Reveal()
	require.NoError(t, err)
	r.SetBasicAuth("a", text)
	w := httptest.NewRecorder()
	short.ServeHTTP(w, r)
	assert.Equal(t, http.StatusServiceUnavailable, w.Code, "a key that is too short signs nothing")
}

func TestTokensExpireAndKeysRotate(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		text, sec := secret()
		_, old := secret()
		_, fresh := secret()
		endpoint := func(keys ...ccr.Secret) *accounts.TokenEndpoint {
			e, err := accounts.NewTokenEndpoint(accounts.TokenEndpointConfig{SigningKeys: keys, ClientID: "cc", ClientSecret: sec, Lifetime: time.Hour})
			require.NoError(t, err)
			return e
		}
		issue := func(e *accounts.TokenEndpoint) string {
			r := httptest.NewRequestWithContext(t.Context(), http.MethodPost, "/", nil)
			r.SetBasicAuth("cc", text)
			w := httptest.NewRecorder()
			e.ServeHTTP(w, r)
			require.Equal(t, http.StatusOK, w.Code)
			var m struct {
				AccessToken string `json:"access_token"`
				TokenType   string `json:"token_type"`
				ExpiresIn   int    `json:"expires_in"`
			}
			require.NoError(t, json.Unmarshal(w.Body.Bytes(), &m))
			assert.Equal(t, 3600, m.ExpiresIn)
			return m.TokenType + " " + m.AccessToken
		}
		status := func(e *accounts.TokenEndpoint, authorization string) int {
			h := hook(t, accounts.WebhookConfig{Auth: []accounts.WebhookAuth{accounts.WebhookOAuth(e)}, Handle: func(context.Context, accounts.Event) error { return nil }})
			defer func() { require.NoError(t, h.Close(t.Context())) }()
			return post(t, h, authorization, []byte(`{}`))
		}
		token := issue(endpoint(old))
		assert.Equal(t, 200, status(endpoint(old), token), "another replica with the same key")
		assert.Equal(t, 200, status(endpoint(fresh, old), token))
		assert.Equal(t, 401, status(endpoint(fresh), token))
		assert.Equal(t, 401, status(endpoint(old), token+"A"))
		assert.Equal(t, 401, status(endpoint(old), "Bearer "))
		tampered := []byte(token)
		tampered[len("Bearer ")+3] ^= 1
		assert.Equal(t, 401, status(endpoint(old), string(tampered)), "a later expiry is not signed")
		<-time.After(59 * time.Minute)
		assert.Equal(t, 200, status(endpoint(old), token))
		<-time.After(2 * time.Minute)
		assert.Equal(t, 401, status(endpoint(old), token))
	})
}

func TestTokenEndpointRefusals(t *testing.T) {
	t.Parallel()
	text, sec := secret()
	_, key := secret()
	e, err := accounts.NewTokenEndpoint(accounts.TokenEndpointConfig{SigningKeys: []ccr.Secret{key}, Form: map[string]ccr.Secret{"k": sec, "g": ccr.NewSecret("c")}})
	require.NoError(t, err)
	status := func(method, body string) int {
		r := httptest.NewRequestWithContext(t.Context(), method, "/?k="+text+"&g=c", strings.NewReader(body))
		r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
		w := httptest.NewRecorder()
		e.ServeHTTP(w, r)
		assert.Equal(t, "no-store", w.Header().Get("Cache-Control"))
		return w.Code
	}
	assert.Equal(t, 200, status(http.MethodPost, "k="+text+"&g=c"))
	assert.Equal(t, 401, status(http.MethodPost, "k="+text), "a field is missing")
	assert.Equal(t, 401, status(http.MethodPost, "k="+text+"&k="+text+"&g=c"), "a field twice")
	assert.Equal(t, 401, status(http.MethodPost, ""), "what is in the URL does not count")
	assert.Equal(t, 405, status(http.MethodGet, ""))
	assert.Equal(t, 401, status(http.MethodPost, "k="+text+"&g=c&x="+strings.Repeat("x", 70_000)))
}

func TestParseEvent(t *testing.T) {
	t.Parallel()
	e, err := accounts.ParseEvent(accountstest.SampleEvent(accounts.EventPaymentFailed))
	require.NoError(t, err)
	failed, ok := e.Data.(accounts.PaymentFailedData)
	require.True(t, ok)
	assert.Equal(t, "59.0", failed.Amount.String())
	assert.Equal(t, "2021-11-03T12:58:07.9850068Z", failed.ProcessedOnUTC.String())
	assert.Equal(t, 985_006_800, failed.ProcessedOnUTC.Time().Nanosecond())
	assert.False(t, *failed.IsAdhocPayment)
	assert.Equal(t, 2, *failed.NonAdhocPaymentFailedSinceLastSuccess)

	for name, body := range map[string]string{
		"object":        `{"eventType":"AdhocPaymentMade","metadata":{"transactionId":"T","amount":"12.50","isAdhocPayment":"true"}}`,
		"JSON in text":  `{"EVENTTYPE":"AdhocPaymentMade","MetaData":"{\"TransactionId\":\"T\",\"Amount\":12.50,\"IsAdhocPayment\":true}"}`,
		"pairs":         `{"EventType":"AdhocPaymentMade","Metadata":[{"Key":"TransactionId","Value":"T"},{"Key":"Amount","Value":12.50},{"Name":"IsAdhocPayment","Value":"True"}]}`,
		"list of parts": `{"EventType":"AdhocPaymentMade","Metadata":[{"TransactionId":"T"},{"Amount":"12.50","IsAdhocPayment":true}]}`,
	} {
		e, err := accounts.ParseEvent([]byte(body))
		require.NoError(t, err, name)
		data, ok := e.Data.(accounts.AdhocPaymentMadeData)
		require.True(t, ok, name)
		assert.Equal(t, "T", data.TransactionID, name)
		assert.Equal(t, "12.50", data.Amount.String(), name)
		assert.True(t, *data.IsAdhocPayment, name)
	}

	e, err = accounts.ParseEvent([]byte(`{"EventType":"PaymentPlanCancelled","Metadata":{"Amount":"n/a","RecurringAmount":{"x":1},"CancelledDate":5}}`))
	require.NoError(t, err)
	cancelled, ok := e.Data.(accounts.PaymentPlanCancelledData)
	require.True(t, ok)
	assert.False(t, cancelled.RecurringAmount.IsSet())

	for body, want := range map[string]accounts.EventType{
		`{"EventType":"SmsDelivered","Metadata":{"to":"x"}}`: "SmsDelivered", `{}`: "", `[{"EventType":"A"}]`: "", `"text"`: "", `null`: "",
	} {
		e, err := accounts.ParseEvent([]byte(body))
		require.NoError(t, err)
		assert.Equal(t, want, e.Type)
		assert.False(t, e.Type.Known())
		assert.Nil(t, e.Data)
		assert.Equal(t, body, string(e.Raw), "delivered as it came")
	}
	for _, known := range []accounts.EventType{accounts.EventPaymentPlanComplete, accounts.EventPaymentPlanCancelled, accounts.EventPayNowViewed} {
		e, err := accounts.ParseEvent(accountstest.SampleEvent(known))
		require.NoError(t, err)
		assert.Equal(t, known, e.Type)
		assert.True(t, e.Type.Known())
	}
}

// FuzzParseEvent: no body breaks the reader, and a JSON one is always
// delivered.
func FuzzParseEvent(f *testing.F) {
	for _, e := range []accounts.EventType{accounts.EventPaymentFailed, accounts.EventPaymentPlanCancelled, accounts.EventPaymentPlanComplete, "x"} {
		f.Add(accountstest.SampleEvent(e))
	}
	f.Add([]byte(`{"EventType":"AdhocPaymentMade","Metadata":[{"Key":"Amount","Value":[1e999]},null]}`))
	f.Add([]byte(`{"EventType":7,"Metadata":"[\"{\\\"a\\\":1}\"]"}`))
	f.Fuzz(func(t *testing.T, body []byte) {
		e, err := accounts.ParseEvent(body)
		assert.Equal(t, json.Valid(body), err == nil)
		if err == nil {
			assert.Equal(t, string(body), string(e.Raw))
		} else {
			assert.NotContains(t, err.Error(), `"`)
		}
	})
}

// FuzzWebhookAuthorization: no header breaks the checks, and none but the
// right ones is let in.
func FuzzWebhookAuthorization(f *testing.F) {
	text, sec := secret()
	_, key := secret()
	endpoint, err := accounts.NewTokenEndpoint(accounts.TokenEndpointConfig{SigningKeys: []ccr.Secret{key}, ClientID: "cc", ClientSecret: sec})
	require.NoError(f, err)
	h, err := accounts.NewWebhookHandler(accounts.WebhookConfig{
		Auth:   []accounts.WebhookAuth{accounts.WebhookBasic("cc", sec), accounts.WebhookAPIKey(sec), accounts.WebhookBearer(sec), accounts.WebhookOAuth(endpoint)},
		Handle: func(context.Context, accounts.Event) error { return nil },
	})
	require.NoError(f, err)
	for _, seed := range []string{"", "Basic ", "Bearer", "Bearer x", "Basic Y2M6", strings.Repeat("A", 76), "Bearer " + strings.Repeat("A", 75)} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, authorization string) {
		want := http.StatusUnauthorized
		if authorization == text {
			want = http.StatusOK
		}
		assert.Equal(t, want, post(t, h, authorization, []byte(`{}`)))
	})
}
