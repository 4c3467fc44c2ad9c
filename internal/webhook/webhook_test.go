package webhook

import (
	"bytes"
	"compress/gzip"
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/ccr-sdk/ccr"
	"github.com/ccr-sdk/ccr/internal/ledger"
)

var errTest = errors.New("jane.doe@example.com")

// source takes any body but "bad".
func source() Source[string] {
	return Source[string]{
		Service: "test", Accepted: http.StatusAccepted,
		Parse: func(_ *http.Request, body []byte) (string, error) {
			switch string(body) {
			case "bad":
				return "", ErrMalformed
			case "forged":
				return "", ErrUnauthorized
			case "unchecked":
				return "", errTest
			}
			return string(body), nil
		},
		Key:   func(e string) []string { return []string{e} },
		Attrs: func(string) []slog.Attr { return nil },
	}
}

func handler(t *testing.T, src Source[string], cfg Config[string]) *Handler[string] {
	t.Helper()
	if cfg.Handle == nil {
		cfg.Handle = func(context.Context, string) error { return nil }
	}
	var f ccr.Faults
	h := New(src, cfg, &f)
	require.NoError(t, f.Err("test", "New"))
	return h
}

func post(t *testing.T, h http.Handler, body string) int {
	t.Helper()
	w := httptest.NewRecorder()
	h.ServeHTTP(w, httptest.NewRequestWithContext(t.Context(), http.MethodPost, "/", strings.NewReader(body)))
	return w.Code
}

// brokenLedger fails while it is told to.
type brokenLedger struct {
	ccr.Ledger
	broken atomic.Bool
}

func (l *brokenLedger) Load(ctx context.Context, key string) (ccr.LedgerEntry, error) {
	if l.broken.Load() {
		return ccr.LedgerEntry{}, errTest
	}
	return l.Ledger.Load(ctx, key)
}

func TestResponses(t *testing.T) {
	t.Parallel()
	var logged bytes.Buffer
	l := &brokenLedger{Ledger: ccr.NewMemoryLedger()}
	var stored []string
	h := handler(t, source(), Config[string]{
		Ledger: l, MaxBody: 100, Logger: slog.New(slog.NewTextHandler(&logged, nil)),
		Store: func(_ context.Context, e string) error {
			if strings.HasPrefix(e, "unstorable") {
				return errTest
			}
			if e == "panics" {
				panic(errTest)
			}
			stored = append(stored, e)
			return nil
		},
	})
	for body, want := range map[string]int{
		"good": 202, "bad": 400, "forged": 401, "unchecked": 503, "unstorable": 503, "panics": 503, strings.Repeat("x", 101): 413,
	} {
		assert.Equal(t, want, post(t, h, body), body)
	}
	l.broken.Store(true)
	assert.Equal(t, 503, post(t, h, "another"), "what cannot be remembered is not accepted")
	l.broken.Store(false)
	assert.Equal(t, 202, post(t, h, "another"))
	require.NoError(t, h.Close(t.Context()))
	assert.Equal(t, 503, post(t, h, "late"))
	assert.ElementsMatch(t, []string{"good", "another"}, stored)
	assert.NotContains(t, logged.String(), "jane")
}

// TestOnceByAFleet: receivers that share a ledger handle each event once, also
// after a restart; one that failed, or was not stored, is handled again.
func TestOnceByAFleet(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		l := ccr.NewMemoryLedger()
		var mu sync.Mutex
		handled, stored := map[string]int{}, map[string]int{}
		var failing atomic.Bool
		cfg := Config[string]{
			Ledger: l,
			Store: func(_ context.Context, e string) error {
				mu.Lock()
				defer mu.Unlock()
				if stored[e]++; strings.HasPrefix(e, "s") && stored[e] == 1 {
					return errTest
				}
				return nil
			},
			Handle: func(_ context.Context, e string) error {
				mu.Lock()
				handled[e]++
				mu.Unlock()
				<-time.After(time.Minute)
				if failing.Load() {
					return errTest
				}
				return nil
			},
		}
		fleet := []*Handler[string]{handler(t, source(), cfg), handler(t, source(), cfg), handler(t, source(), cfg)}
		for range 3 {
			assert.Equal(t, 202, post(t, fleet[0], "a"), "it has it, and said so")
			assert.Equal(t, 503, post(t, fleet[1], "a"), "the first may have died before it said so")
		}
		<-time.After(time.Hour)
		for _, h := range fleet {
			assert.Equal(t, 202, post(t, h, "a"))
		}
		assert.Equal(t, 503, post(t, fleet[0], "s1"))
		assert.Equal(t, 202, post(t, fleet[1], "s1"))
		failing.Store(true)
		assert.Equal(t, 202, post(t, fleet[0], "f"))
		<-time.After(time.Hour)
		failing.Store(false)
		assert.Equal(t, 202, post(t, fleet[2], "f"))
		for _, h := range fleet {
			require.NoError(t, h.Close(t.Context()))
		}
		again := handler(t, source(), cfg)
		assert.Equal(t, 202, post(t, again, "a"))
		require.NoError(t, again.Close(t.Context()))
		assert.Equal(t, map[string]int{"a": 1, "s1": 1, "f": 2}, handled)
		assert.Equal(t, map[string]int{"a": 1, "s1": 2, "f": 2}, stored)
		other := cfg
		other.Environment = "uat"
		elsewhere := handler(t, source(), other)
		assert.Equal(t, 202, post(t, elsewhere, "a"))
		require.NoError(t, elsewhere.Close(t.Context()))
		assert.Equal(t, 2, handled["a"], "environments are told apart")
	})
}

// TestVendorHangsUp: an event is handled though the vendor has gone before the
// response, and a claim is never left behind.
func TestVendorHangsUp(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var calls atomic.Int64
		ctx, cancel := context.WithCancel(t.Context())
		h := handler(t, source(), Config[string]{
			Ledger: ccr.NewMemoryLedger(),
			Store: func(ctx context.Context, _ string) error {
				cancel()
				return ctx.Err()
			},
			Handle: func(ctx context.Context, _ string) error {
				calls.Add(1)
				return ctx.Err()
			},
		})
		w := httptest.NewRecorder()
		h.ServeHTTP(w, httptest.NewRequestWithContext(ctx, http.MethodPost, "/", strings.NewReader("a")))
		assert.Equal(t, 202, w.Code)
		require.NoError(t, h.Close(t.Context()))
		assert.Equal(t, int64(1), calls.Load())
	})
}

// TestWorkOfTheDeadIsHandledAgain: a receiver died between the response and the
// end of the work. Once its claim has ended, the event is handled when it is
// delivered again.
func TestWorkOfTheDeadIsHandledAgain(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		l := ccr.NewMemoryLedger()
		var calls atomic.Int64
		dead := handler(t, source(), Config[string]{Ledger: l})
		_, err := dead.claim(t.Context(), ledger.Key(ledger.KindEvent, "test", "", "a"))
		require.NoError(t, err)
		key := ""
		list, ok := l.(ccr.LedgerLister)
		require.True(t, ok)
		for e, err := range list.List(t.Context(), ccr.LedgerQuery{}) {
			require.NoError(t, err)
			key = e.Key
		}
		// Its heartbeats end with it: here the claim is given the end it has then.
		e, err := l.Load(t.Context(), key)
		require.NoError(t, err)
		e.Token, e.Owner = "dead", "dead/1"
		require.NoError(t, l.Store(t.Context(), e))
		h := handler(t, source(), Config[string]{Ledger: l, Handle: func(context.Context, string) error {
			calls.Add(1)
			return nil
		}})
		assert.Equal(t, 503, post(t, h, "a"), "it may be alive; a 2xx would lose the event if it is not")
		synctest.Wait()
		assert.Zero(t, calls.Load())
		<-time.After(time.Hour)
		assert.Equal(t, 202, post(t, h, "a"))
		require.NoError(t, h.Close(t.Context()))
		assert.Equal(t, int64(1), calls.Load())
	})
}

func TestBodies(t *testing.T) {
	t.Parallel()
	var got []string
	src := source()
	src.Parse = func(_ *http.Request, body []byte) (string, error) {
		got = append(got, string(body))
		return string(body), nil
	}
	h := handler(t, src, Config[string]{MaxBody: 1000})
	send := func(encoding string, body []byte) int {
		w := httptest.NewRecorder()
		r := httptest.NewRequestWithContext(t.Context(), http.MethodPost, "/", bytes.NewReader(body))
		r.Header.Set("Content-Encoding", encoding)
		h.ServeHTTP(w, r)
		return w.Code
	}
	packed := func(s string) []byte {
		var b bytes.Buffer
		z := gzip.NewWriter(&b)
		_, err := io.WriteString(z, s)
		require.NoError(t, err)
		require.NoError(t, z.Close())
		return b.Bytes()
	}
	assert.Equal(t, 202, send("", []byte("\xef\xbb\xbf{}")))
	assert.Equal(t, 202, send("gzip", packed("packed")))
	assert.Equal(t, 202, send("GZIP", packed("\xef\xbb\xbfboth")))
	assert.Equal(t, 413, send("gzip", packed(strings.Repeat("x", 1_000_000))), "a small body that unpacks to a large one")
	assert.Equal(t, 400, send("gzip", []byte("not packed")))
	assert.Equal(t, 400, send("gzip", packed("cut off, cut off")[:20]))
	assert.Equal(t, 415, send("br", []byte("x")))
	require.NoError(t, h.Close(t.Context()))
	assert.Equal(t, []string{"{}", "packed", "both"}, got)
}

// TestSlowBody: the handler bounds it, on a server without any timeout.
func TestSlowBody(t *testing.T) {
	t.Parallel()
	h := handler(t, source(), Config[string]{ReadTimeout: 50 * time.Millisecond})
	srv := httptest.NewServer(h)
	defer srv.Close()
	conn, err := net.Dial("tcp", srv.Listener.Addr().String())
	require.NoError(t, err)
	defer conn.Close()
	_, err = io.WriteString(conn, "POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 10\r\n\r\nabc")
	require.NoError(t, err)
	require.NoError(t, conn.SetReadDeadline(time.Now().Add(30*time.Second)))
	b, err := io.ReadAll(conn)
	require.NoError(t, err, "the connection is closed")
	assert.True(t, bytes.HasPrefix(b, []byte("HTTP/1.1 408")), "%.40s", b)
	// One in time is taken, and the connection is of further use.
	for i := range 3 {
		resp, err := srv.Client().Post(srv.URL, "application/json", strings.NewReader(fmt.Sprint(i)))
		require.NoError(t, err)
		require.NoError(t, resp.Body.Close())
		assert.Equal(t, 202, resp.StatusCode)
		<-time.After(60 * time.Millisecond)
	}
	require.NoError(t, h.Close(t.Context()))
}

func TestCloseGivesUp(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var failed, ended atomic.Int64
		src := source()
		src.Ended = func(context.Context, string, error) error {
			ended.Add(1)
			return nil
		}
		h := handler(t, src, Config[string]{
			Workers: 1,
			Handle:  func(ctx context.Context, _ string) error { <-ctx.Done(); return ctx.Err() },
			Failed:  func(string, error) { failed.Add(1) },
		})
		assert.Equal(t, 202, post(t, h, "a"))
		synctest.Wait()
		assert.Equal(t, 202, post(t, h, "b"))
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		err := h.Close(ctx)
		require.ErrorIs(t, err, context.DeadlineExceeded)
		assert.ErrorContains(t, err, "2 events were not finished")
		synctest.Wait()
		assert.Equal(t, int64(2), failed.Load())
		assert.Equal(t, int64(1), ended.Load(), "the other was never begun")
		require.NoError(t, h.Close(t.Context()), "all of them have ended by now")
	})
}

// TestRecentRemembersTheLast bounds what a receiver without a ledger holds.
func TestRecentRemembersTheLast(t *testing.T) {
	t.Parallel()
	l := &recent{entries: map[string]ccr.LedgerEntry{}, ring: make([]string, 2)}
	store := func(key string, version int64) error {
		return l.Store(t.Context(), ccr.LedgerEntry{Key: key, Version: version})
	}
	require.NoError(t, store("a", 0))
	require.ErrorIs(t, store("a", 0), ccr.ErrLedgerConflict)
	require.NoError(t, store("a", 1))
	require.NoError(t, store("b", 0))
	require.NoError(t, store("c", 0))
	_, err := l.Load(t.Context(), "a")
	require.ErrorIs(t, err, ccr.ErrNoEntry)
	e, err := l.Load(t.Context(), "b")
	require.NoError(t, err)
	assert.Equal(t, int64(1), e.Version)
}

func TestFaults(t *testing.T) {
	t.Parallel()
	var f ccr.Faults
	New(source(), Config[string]{Workers: -1, Queue: -9000, Timeout: -1, ReadTimeout: -1, MaxBody: -1}, &f)
	e, ok := errors.AsType[*ccr.Error](f.Err("test", "New"))
	require.True(t, ok)
	assert.Len(t, e.Fields, 6)
}
