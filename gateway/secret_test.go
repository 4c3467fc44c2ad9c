package gateway_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/ccr-sdk/ccr"
	"github.com/ccr-sdk/ccr/auth"
	"github.com/ccr-sdk/ccr/gateway"
	"github.com/ccr-sdk/ccr/gateway/gatewaytest"
)

// printed is every form in which a value may get into a log.
func printed(t testing.TB, v any) string {
	t.Helper()
	var b bytes.Buffer
	for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%q", "%x", "%d"} {
		fmt.Fprintf(&b, verb+"\n", v)
	}
	slog.New(slog.NewJSONHandler(&b, nil)).Info("x", "v", v)
	slog.New(slog.NewTextHandler(&b, nil)).Info("x", "v", v)
	if j, err := json.Marshal(v); err == nil {
		b.Write(j)
	}
	return b.String()
}

// safeBuffer takes log events from several goroutines.
type safeBuffer struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (s *safeBuffer) Write(p []byte) (int, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.b.Write(p)
}

func (s *safeBuffer) String() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.b.String()
}

// TestNothingSecretIsPrinted makes calls succeed and fail in every way, and
// looks for the credential and for data in everything that could be logged.
func TestNothingSecretIsPrinted(t *testing.T) {
	t.Parallel()
	const personal = "Mx Personal Data"
	logs := &safeBuffer{}
	logger := slog.New(slog.NewTextHandler(logs, &slog.HandlerOptions{Level: slog.LevelDebug}))
	var everything strings.Builder
	for _, f := range []gatewaytest.Fault{
		{Operation: "none"},
		{Kind: gatewaytest.Answer, Status: 500, Body: personal}, {Kind: gatewaytest.Answer, Status: 401, Body: `{"message":"` + personal + `"}`},
		{Kind: gatewaytest.Garble, Body: "<html>" + personal}, {Kind: gatewaytest.Garble, Body: `{"` + personal + `":"` + personal + `"`},
		{Kind: gatewaytest.Garble, Body: `{"numReports":1,"message":"` + personal + `, x","files":[{"name":"` + personal + `","data":"` + personal + `"}]}`},
		{Kind: gatewaytest.Garble, Body: `{"status":"` + personal + `","message":[{"file":"a","status":"` + personal + `","message":"` + personal + `"}]}`},
		{Kind: gatewaytest.CutAnswer, After: 5}, {Kind: gatewaytest.LoseAnswer}, {Kind: gatewaytest.CutBefore}, {Kind: gatewaytest.Truncate, After: 9},
	} {
		srv, c := bureau(t, ccr.WithLogger(logger))
		key, err := srv.Credential().Key.Reveal()
		require.NoError(t, err)
		secret, err := srv.Credential().Secret()
		require.NoError(t, err)
		hash, err := secret.Reveal()
		require.NoError(t, err)
		f.Times = -1
		srv.AddReport("a.xml", []byte("<A>"+personal+"</A>")).Inject(f)
		everything.WriteString(printed(t, c) + printed(t, *c) + printed(t, struct{ C *gateway.Client }{c}))
		sink := &memory{}
		note := func(v any, err error) {
			everything.WriteString(printed(t, err))
			if e, ok := errors.AsType[*ccr.Error](err); ok {
				everything.WriteString(printed(t, *e))
			}
		}
		note(c.CountReports(t.Context()))
		note(c.ListReports(t.Context()))
		note(c.Upload(t.Context(), gateway.UploadRequest{Files: []ccr.File{ccr.FileFromBytes("a", []byte(personal))}, Ledger: ccr.NewMemoryLedger()}))
		note(c.Test(t.Context(), sink))
		note(c.TestByName(t.Context(), sink, []string{"a.xml"}))
		note(c.Receive(t.Context(), ccr.DirSink(t.TempDir())))
		note(c.ArchiveByName(t.Context(), []string{"a.xml"}))
		note(c.DownloadByName(t.Context(), sink, []string{"a.xml"}))
		note(c.Download(t.Context(), sink))
		for what, text := range map[string]string{"key": key, "secret": hash, "user name": srv.Credential().Username, "personal data": personal, "IP": srv.Credential().IP} {
			for _, form := range []string{text, fmt.Sprintf("%x", text), fmt.Sprintf("%X", text)} {
				assert.NotContains(t, everything.String(), form, what)
				assert.NotContains(t, logs.String(), form, what)
			}
		}
	}
	for _, v := range []any{
		gateway.Row{File: "a", Status: personal, Message: personal}, gateway.UploadResult{Raw: []byte(personal), Rows: []gateway.Row{{Message: personal}}},
		gateway.UploadedFile{Row: gateway.Row{Message: personal}}, gateway.Archived{Raw: []byte(personal)},
		gateway.RefusedError{Text: personal}, &gateway.RefusedError{Rows: []gateway.Row{{Message: personal}}}, gateway.ListError{Raw: personal}, &gateway.ListError{Raw: personal},
	} {
		var b strings.Builder
		for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%q", "%x", "%d"} {
			fmt.Fprintf(&b, verb+"\n", v)
		}
		slog.New(slog.NewTextHandler(&b, nil)).Info("x", "v", v)
		for _, form := range []string{personal, fmt.Sprintf("%x", personal), fmt.Sprintf("%d", []byte(personal))} {
			assert.NotContains(t, b.String(), form, "%T", v)
		}
	}
	assert.Contains(t, logs.String(), "operation=Upload") // something was logged at all
	assert.Greater(t, everything.Len(), 10_000)
}

func TestAKeyOfAnotherLengthIsWarnedAboutOnce(t *testing.T) {
	t.Parallel()
	logs := &safeBuffer{}
	srv, err := gatewaytest.NewServer(gatewaytest.Config{InMemory: true, Credential: auth.APIKey{Key: ccr.NewSecret("short"), Username: "u", IP: "192.0.2.1"}})
	require.NoError(t, err)
	t.Cleanup(srv.Close)
	c, err := srv.Client(ccr.WithLogger(slog.New(slog.NewTextHandler(logs, nil))))
	require.NoError(t, err)
	for range 3 {
		_, err = c.CountReports(t.Context())
		require.NoError(t, err)
	}
	assert.Equal(t, 1, strings.Count(logs.String(), "5 characters long"))
}

func TestNewClientRefusesBadConfiguration(t *testing.T) {
	t.Parallel()
	good := auth.APIKey{Key: ccr.NewSecret("k"), Username: "u", IP: "192.0.2.1"}
	_, err := gateway.NewClient(auth.APIKey{})
	e, ok := errors.AsType[*ccr.Error](err)
	require.True(t, ok)
	assert.Len(t, e.Fields, 3)
	_, err = gateway.NewClient(auth.APIKey{Key: good.Key, Username: "u", IP: "myhost"})
	require.ErrorIs(t, err, ccr.ErrInvalid)
	assert.NotContains(t, err.Error(), "myhost")
	_, err = gateway.NewClient(good, ccr.WithBaseURL("http://api.example/gateway.php"))
	require.ErrorContains(t, err, "https")
	_, err = gateway.NewClient(good, nil)
	require.Error(t, err)
	_, err = gateway.NewClient(good)
	require.NoError(t, err)
}

func TestAKeyFileIsReadAtEachCall(t *testing.T) {
	t.Parallel()
	srv, _ := bureau(t)
	path := filepath.Join(t.TempDir(), "key")
	require.NoError(t, os.WriteFile(path, []byte("old\n"), 0o600))
	key := srv.Credential()
	right, err := key.Key.Reveal()
	require.NoError(t, err)
	key.Key = ccr.SecretFromFile(path)
	c, err := gateway.NewClient(key, srv.Options()...)
	require.NoError(t, err)
	_, err = c.CountReports(t.Context())
	require.ErrorIs(t, err, ccr.ErrUnauthorized)
	require.NoError(t, os.WriteFile(path, []byte(right+"\n"), 0o600))
	_, err = c.CountReports(t.Context())
	require.NoError(t, err)
	require.NoError(t, os.Remove(path))
	_, err = c.CountReports(t.Context())
	require.ErrorIs(t, err, ccr.ErrNotSent)
	_, err = c.Upload(t.Context(), upload(small("a")))
	require.ErrorIs(t, err, ccr.ErrNotSent)
	assert.Len(t, srv.Requests(""), 2)
}

func TestFromEnv(t *testing.T) {
	for _, name := range []string{gateway.EnvAPIKey, gateway.EnvAPIKey + "_FILE", gateway.EnvUsername, gateway.EnvIP, gateway.EnvBaseURL, gateway.EnvEnvironment} {
		t.Setenv(name, "")
	}
	_, err := gateway.FromEnv()
	for _, name := range []string{gateway.EnvAPIKey, gateway.EnvUsername, gateway.EnvIP} {
		require.ErrorContains(t, err, name)
	}
	srv, _ := bureau(t)
	key, err := srv.Credential().Key.Reveal()
	require.NoError(t, err)
	path := filepath.Join(t.TempDir(), "key")
	require.NoError(t, os.WriteFile(path, []byte(key), 0o600))
	t.Setenv(gateway.EnvAPIKey+"_FILE", path)
	t.Setenv(gateway.EnvUsername, srv.Credential().Username)
	t.Setenv(gateway.EnvIP, srv.Credential().IP)
	t.Setenv(gateway.EnvBaseURL, srv.URL())
	t.Setenv(gateway.EnvEnvironment, "uat")
	c, err := gateway.FromEnv(ccr.WithHTTPClient(srv.HTTPClient()))
	require.NoError(t, err)
	_, err = c.CountReports(t.Context())
	require.NoError(t, err)
	t.Setenv(gateway.EnvAPIKey, "both")
	_, err = gateway.FromEnv()
	require.ErrorContains(t, err, "both set")
	t.Setenv(gateway.EnvAPIKey, "")
	t.Setenv(gateway.EnvEnvironment, "not a name")
	_, err = gateway.FromEnv()
	require.Error(t, err)
}
