package decisioning_test

import (
	"bytes"
	"context"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/ccr-sdk/ccr"
	"github.com/ccr-sdk/ccr/decisioning"
	"github.com/ccr-sdk/ccr/decisioning/decisioningtest"
)

var errHandler = errors.New("jane.doe@example.com could not be saved")

// post delivers a body to a handler.
func post(t testing.TB, h http.Handler, body []byte, signature string) *httptest.ResponseRecorder {
	t.Helper()
	w := httptest.NewRecorder()
	r := httptest.NewRequestWithContext(t.Context(), http.MethodPost, "/hook", bytes.NewReader(body))
	r.Header.Set(decisioning.SignatureHeader, signature)
	h.ServeHTTP(w, r)
	return w
}

// signed delivers a payload with a good signature.
func signed(t testing.TB, h http.Handler, payload string) int {
	t.Helper()
	signature, err := decisioning.SignPayload(ccr.NewSecret("s"), []byte(payload))
	require.NoError(t, err)
	return post(t, h, delivery(payload), signature).Code
}

func handler(t testing.TB, cfg decisioning.WebhookConfig) *decisioning.WebhookHandler {
	t.Helper()
	if cfg.Secrets == nil {
		cfg.Secrets = []ccr.Secret{ccr.NewSecret("s")}
	}
	h, err := decisioning.NewWebhookHandler(cfg)
	require.NoError(t, err)
	return h
}

func TestWebhookRoundTrip(t *testing.T) {
	t.Parallel()
	var receive atomic.Pointer[decisioning.WebhookHandler]
	receiver := httptest.NewTLSServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { receive.Load().ServeHTTP(w, r) }))
	defer receiver.Close()
	srv, client := serve(t, decisioningtest.Config{WebhookClient: receiver.Client(), Processing: time.Millisecond})
	events := make(chan decisioning.Event, 10)
	var scores sync.Map
	h := handler(t, decisioning.WebhookConfig{Events: client, Handle: func(ctx context.Context, e decisioning.Event) error {
		defer func() { events <- e }()
		a, err := client.WaitAnalysis(ctx, e.CustomerID, e.AnalysisID)
		if err == nil {
			scores.Store(a.ID, a.Scores.CreditScore.Value)
		}
		return err
	}})
	receive.Store(h)
	subs, err := client.EnsureSubscriptions(t.Context(), []decisioning.NewSubscription{
		{EventName: decisioning.EventAnalysisCompleted, Target: receiver.URL, Secret: ccr.NewSecret("s")},
		{EventName: decisioning.EventAnalysisFailed, Target: receiver.URL, Secret: ccr.NewSecret("s")},
	})
	require.NoError(t, err)
	good := started(t, client, profile(t, "steady"))
	e := <-events
	assert.Equal(t, good.ID, e.AnalysisID)
	in := profile(t, "no_checking")
	in.Skip = decisioning.AllPreconditions()
	bad := started(t, client, in)
	e = <-events
	assert.Equal(t, bad.ID, e.AnalysisID)
	assert.Equal(t, decisioning.EventAnalysisFailed, e.Name)

	srv.Redeliver(subs[0].ID)
	srv.Emit("something_new", map[string]any{"a": "<b>"}) // nobody subscribed to it
	require.Eventually(t, func() bool { return len(srv.Requests("UpdateEvent")) == 2 }, 5*time.Second, time.Millisecond)
	require.NoError(t, h.Close(t.Context()))
	assert.Equal(t, []decisioning.EventStatus{decisioning.EventProcessed}, srv.EventStatuses(subs[0].ID))
	assert.Equal(t, []decisioning.EventStatus{decisioning.EventError}, srv.EventStatuses(subs[1].ID))
	_, ok := scores.Load(good.ID)
	assert.True(t, ok)
	assert.Empty(t, events, "what came twice was handled once")
}

// TestWebhookInFakeTime needs no socket at all.
func TestWebhookInFakeTime(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		srv, client := serve(t, decisioningtest.Config{InMemory: true, Processing: time.Hour})
		defer srv.Close()
		var at time.Time
		h := handler(t, decisioning.WebhookConfig{Events: client, Handle: func(context.Context, decisioning.Event) error {
			at = time.Now()
			return nil
		}})
		srv.DeliverTo(h)
		sub := wanted(decisioning.EventAnalysisCompleted)
		sub[0].Secret = ccr.NewSecret("s")
		subs, err := client.EnsureSubscriptions(t.Context(), sub)
		require.NoError(t, err)
		start := time.Now()
		started(t, client, profile(t, "steady"))
		<-time.After(2 * time.Hour)
		require.NoError(t, h.Close(t.Context()))
		assert.Equal(t, time.Hour, at.Sub(start))
		assert.Equal(t, []decisioning.EventStatus{decisioning.EventProcessed}, srv.EventStatuses(subs[0].ID))
	})
}

func TestWebhookAnswers(t *testing.T) {
	t.Parallel()
	h := handler(t, decisioning.WebhookConfig{MaxBody: 1000, Handle: func(context.Context, decisioning.Event) error { return nil }})
	good, err := decisioning.SignPayload(ccr.NewSecret("s"), []byte(`{}`))
	require.NoError(t, err)
	assert.Equal(t, 204, post(t, h, delivery(`{}`), good).Code)
	assert.Equal(t, 401, post(t, h, delivery(`{}`), "").Code)
	assert.Equal(t, 401, post(t, h, delivery(`{"a":1}`), good).Code)
	assert.Equal(t, 400, post(t, h, []byte(`{`), good).Code)
	assert.Equal(t, 413, post(t, h, bytes.Repeat([]byte(" "), 1001), good).Code)
	w := httptest.NewRecorder()
	h.ServeHTTP(w, httptest.NewRequestWithContext(t.Context(), http.MethodGet, "/", nil))
	assert.Equal(t, 405, w.Code)
	assert.Equal(t, "POST", w.Header().Get("Allow"))
	w = httptest.NewRecorder()
	h.ServeHTTP(w, httptest.NewRequestWithContext(t.Context(), http.MethodPost, "/", io.MultiReader(strings.NewReader("{"), &failingReader{})))
	assert.Equal(t, 400, w.Code)

	unreadable := handler(t, decisioning.WebhookConfig{
		Secrets: []ccr.Secret{ccr.SecretFromFile(filepath.Join(t.TempDir(), "gone"))},
		Handle:  func(context.Context, decisioning.Event) error { return nil },
	})
	assert.Equal(t, 503, post(t, unreadable, delivery(`{}`), good).Code, "closed, not open")

	require.NoError(t, h.Close(t.Context()))
	require.NoError(t, h.Close(t.Context()), "twice is no harm")
	closed := post(t, h, delivery(`{}`), good)
	assert.Equal(t, 503, closed.Code)
	assert.NotEmpty(t, closed.Header().Get("Retry-After"))
}

type failingReader struct{}

func (failingReader) Read([]byte) (int, error) { return 0, io.ErrUnexpectedEOF }

func TestWebhookNeedsSecretsAndAHandle(t *testing.T) {
	t.Parallel()
	_, err := decisioning.NewWebhookHandler(decisioning.WebhookConfig{Workers: -1})
	assert.Equal(t, []string{"Secrets", "Handle", "Workers"}, paths(t, err))
	_, err = decisioning.NewWebhookHandler(decisioning.WebhookConfig{Secrets: []ccr.Secret{{}}, Handle: func(context.Context, decisioning.Event) error { return nil }})
	assert.Equal(t, []string{"Secrets[0]"}, paths(t, err))
}

// reports keeps what would be told to Algoan.
type reports struct {
	mu   sync.Mutex
	all  []decisioning.EventStatus
	fail error
}

func (r *reports) UpdateEvent(_ context.Context, subscription, event string, status decisioning.EventStatus, _ ...ccr.CallOption) error {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.all = append(r.all, status)
	if subscription != "s1" || event != "e1" {
		return errors.New("wrong ids")
	}
	return r.fail
}

func (r *reports) got() []decisioning.EventStatus {
	r.mu.Lock()
	defer r.mu.Unlock()
	return slices.Clone(r.all)
}

func TestWhatBecameOfAnEventIsReported(t *testing.T) {
	t.Parallel()
	cases := []struct {
		name   string
		handle func(context.Context, decisioning.Event) error
		want   decisioning.EventStatus
	}{
		{"handled", func(context.Context, decisioning.Event) error { return nil }, decisioning.EventProcessed},
		{"failed", func(context.Context, decisioning.Event) error { return errHandler }, decisioning.EventError},
		{"unknown", func(context.Context, decisioning.Event) error {
			return errors.Join(errHandler, decisioning.ErrUnknownEvent)
		}, decisioning.EventFailed},
		{"panicked", func(context.Context, decisioning.Event) error { panic(errHandler) }, decisioning.EventError},
		{"took too long", func(ctx context.Context, _ decisioning.Event) error {
			<-ctx.Done()
			return ctx.Err()
		}, decisioning.EventError},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				var logged lockedBuffer
				r := &reports{fail: errHandler}
				h := handler(t, decisioning.WebhookConfig{Handle: c.handle, Events: r, Logger: logged.logger(), Timeout: time.Minute})
				assert.Equal(t, 204, signed(t, h, `{"customerId":"jane"}`))
				require.NoError(t, h.Close(t.Context()))
				assert.Equal(t, []decisioning.EventStatus{c.want}, r.got())
				assert.NotContains(t, logged.String(), "jane", "neither what the handler says nor the payload is logged")
				assert.Contains(t, logged.String(), "event status not reported")
			})
		})
	}
}

func TestWebhookAnswersBeforeItWorks(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var running, most atomic.Int64
		h := handler(t, decisioning.WebhookConfig{Workers: 2, Queue: 3, Handle: func(context.Context, decisioning.Event) error {
			if n := running.Add(1); n > most.Load() {
				most.Store(n)
			}
			<-time.After(time.Hour / 60)
			running.Add(-1)
			return nil
		}})
		start := time.Now()
		codes := map[int]int{}
		for i := range 7 {
			codes[signed(t, h, `{"n":`+string(rune('0'+i))+`}`)]++
		}
		assert.Zero(t, time.Since(start), "nobody waited")
		assert.Equal(t, map[int]int{204: 5, 503: 2}, codes, "two at work, three in the queue, the rest refused")
		require.NoError(t, h.Close(t.Context()))
		assert.Equal(t, 3*time.Minute, time.Since(start), "drained, two at a time")
		assert.Equal(t, int64(2), most.Load())
	})
}

func TestCloseGivesUpWithItsContext(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var ended atomic.Int64
		r := &reports{}
		h := handler(t, decisioning.WebhookConfig{Workers: 1, Events: r, Handle: func(ctx context.Context, _ decisioning.Event) error {
			<-ctx.Done()
			ended.Add(1)
			return ctx.Err()
		}})
		require.Equal(t, 204, signed(t, h, `{"n":1}`))
		require.Equal(t, 204, signed(t, h, `{"n":2}`))
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		err := h.Close(ctx)
		require.ErrorIs(t, err, context.DeadlineExceeded)
		assert.Contains(t, err.Error(), "2 events were not finished")
		synctest.Wait()
		assert.Positive(t, ended.Load(), "the one at work was told to end")
		assert.Contains(t, r.got(), decisioning.EventError)
	})
}

func TestEventsThatComeTwice(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var calls atomic.Int64
		var fail atomic.Bool
		h := handler(t, decisioning.WebhookConfig{Handle: func(context.Context, decisioning.Event) error {
			calls.Add(1)
			<-time.After(time.Second)
			if fail.Load() {
				return errHandler
			}
			return nil
		}})
		for range 3 { // at once, while the first is being handled
			assert.Equal(t, 204, signed(t, h, `{"n":1}`))
		}
		<-time.After(time.Minute)
		assert.Equal(t, 204, signed(t, h, `{"n":1}`)) // later
		<-time.After(time.Minute)
		assert.Equal(t, int64(1), calls.Load())
		fail.Store(true)
		signed(t, h, `{"n":2}`)
		<-time.After(time.Minute)
		fail.Store(false)
		signed(t, h, `{"n":2}`)
		require.NoError(t, h.Close(t.Context()))
		assert.Equal(t, int64(3), calls.Load(), "one that failed is handled again when it comes again")
	})
}
