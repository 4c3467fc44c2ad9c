package gatewaytest_test

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"io"
	"net/http"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/ccr-sdk/ccr"
	"github.com/ccr-sdk/ccr/auth"
	"github.com/ccr-sdk/ccr/ccrtest/bacssample"
	"github.com/ccr-sdk/ccr/gateway"
	"github.com/ccr-sdk/ccr/gateway/bacs"
	"github.com/ccr-sdk/ccr/gateway/gatewaytest"
)

func serve(t *testing.T, cfg gatewaytest.Config) *gatewaytest.Server {
	t.Helper()
	srv, err := gatewaytest.NewServer(cfg)
	require.NoError(t, err)
	t.Cleanup(srv.Close)
	return srv
}

// post sends a body as it is; <auth> stands for the right key and secret.
func post(t *testing.T, srv *gatewaytest.Server, body string) (int, string) {
	t.Helper()
	key, err := srv.Credential().Key.Reveal()
	require.NoError(t, err)
	sum := sha256.Sum256([]byte(srv.Credential().Username + "." + srv.Credential().IP))
	body = strings.Replace(body, "<auth>", `"apikey":"`+key+`","secret":"`+hex.EncodeToString(sum[:])+`"`, 1)
	resp, err := srv.HTTPClient().Post(srv.URL(), "application/json", strings.NewReader(body))
	require.NoError(t, err)
	defer resp.Body.Close()
	b, err := io.ReadAll(resp.Body)
	require.NoError(t, err)
	return resp.StatusCode, string(b)
}

func TestDocumentedAnswers(t *testing.T) {
	t.Parallel()
	srv := serve(t, gatewaytest.Config{InMemory: true})
	ask := func(action string) string {
		status, body := post(t, srv, `{<auth>,"action":"`+action+`"}`)
		require.Equal(t, 200, status)
		require.True(t, json.Valid([]byte(body)))
		return body
	}
	const none = `{"files":[],"message":[{"file":"","status":"OK","message":"No reports were available"}]}`
	assert.Equal(t, none, ask("download"))
	assert.Equal(t, none, ask("test"))
	assert.Equal(t, `{"numReports":0}`, ask("countReports"))
	assert.Equal(t, `{"numReports":0,"message":""}`, ask("listReports"))
	srv.AddReport("123456-01012024-2013-123456789.xml", []byte("\xff\xff\xff"))
	const one = `{"files":[{"name":"123456-01012024-2013-123456789.xml","data":"\/\/\/\/"}],"message":[{"file":"123456-01012024-2013-123456789.xml","status":"OK","message":"Queued"}]}`
	assert.Equal(t, `{"numReports":1}`, ask("countReports"))
	assert.Equal(t, `{"numReports":1,"message":"\"123456-01012024-2013-123456789.xml\""}`, ask("listReports"))
	assert.Equal(t, one, ask("test"))
	_, body := post(t, srv, `{<auth>,"action":"testByName","resultsformat":"JSON","names":["123456-01012024-2013-123456789.xml"]}`)
	assert.Equal(t, one, body)
	assert.Equal(t, one, ask("download"))
	assert.Equal(t, none, ask("download"))
	assert.Equal(t, []string{"123456-01012024-2013-123456789.xml"}, srv.Archived())
	srv.AddReport("é😀.xml", []byte("x"))
	assert.Equal(t, `{"numReports":1,"message":"\"\u00e9\ud83d\ude00.xml\""}`, ask("listReports"))
	assert.Len(t, srv.Requests("CountReports"), 2)
	assert.Len(t, srv.Requests("TestByName"), 1)
}

func TestRefusals(t *testing.T) {
	t.Parallel()
	srv := serve(t, gatewaytest.Config{InMemory: true})
	srv.AddReport("r", []byte("x"))
	for what, body := range map[string]string{
		"not JSON":             `{`,
		"two objects":          `{<auth>,"action":"test"}{}`,
		"unknown member":       `{<auth>,"action":"test","x":1}`,
		"no credential":        `{"action":"test"}`,
		"wrong key":            `{"apikey":"x","secret":"y","action":"test"}`,
		"no action":            `{<auth>}`,
		"unknown action":       `{<auth>,"action":"Test"}`,
		"other force":          `{<auth>,"action":"test","force":"no"}`,
		"other format":         `{<auth>,"action":"test","resultsformat":"XML"}`,
		"names of nothing":     `{<auth>,"action":"testByName","names":[]}`,
		"names missing":        `{<auth>,"action":"archiveByName"}`,
		"names where none go":  `{<auth>,"action":"test","names":["r"]}`,
		"files missing":        `{<auth>,"action":"upload"}`,
		"files where none go":  `{<auth>,"action":"test","files":[]}`,
		"no files":             `{<auth>,"action":"upload","files":[]}`,
		"file without data":    `{<auth>,"action":"upload","files":[{"name":"a"}]}`,
		"bad base64":           `{<auth>,"action":"upload","files":[{"name":"a","data":"QQ"}]}`,
		"base64 with line end": `{<auth>,"action":"upload","files":[{"name":"a","data":"QUFB\n"}]}`,
		"bad name":             `{<auth>,"action":"upload","files":[{"name":"a/b","data":"QUFB"}]}`,
		"empty name":           `{<auth>,"action":"upload","files":[{"name":"","data":"QUFB"}]}`,
		"unknown report":       `{<auth>,"action":"downloadByName","names":["no"]}`,
		"archive of unknown":   `{<auth>,"action":"archiveByName","names":["no"]}`,
	} {
		status, answer := post(t, srv, body)
		assert.Equal(t, 200, status, what)
		assert.Contains(t, answer, `"status":"ERROR"`, what)
		assert.True(t, json.Valid([]byte(answer)), what)
	}
	assert.Equal(t, []string{"r"}, srv.Waiting())
	assert.Empty(t, srv.Uploads())
	srv.SetStyle(gatewaytest.Style{RefusalStatus: 403})
	status, _ := post(t, srv, `{}`)
	assert.Equal(t, 403, status)
}

func TestHTTPIsEnforced(t *testing.T) {
	t.Parallel()
	srv := serve(t, gatewaytest.Config{})
	for want, req := range map[int]func() (*http.Response, error){
		411: func() (*http.Response, error) {
			return srv.HTTPClient().Post(srv.URL(), "application/json", io.MultiReader(strings.NewReader("{}")))
		},
		415: func() (*http.Response, error) {
			return srv.HTTPClient().Post(srv.URL(), "application/json; charset=utf-8", strings.NewReader("{}"))
		},
		405: func() (*http.Response, error) { return srv.HTTPClient().Get(srv.URL()) },
		404: func() (*http.Response, error) {
			return srv.HTTPClient().Post(srv.URL()+"/x", "application/json", strings.NewReader("{}"))
		},
	} {
		resp, err := req()
		require.NoError(t, err)
		assert.Equal(t, want, resp.StatusCode)
		require.NoError(t, resp.Body.Close())
	}
	_, err := http.Get(srv.URL()) //nolint:bodyclose // it fails
	require.Error(t, err, "nobody else trusts its certificate")
}

func TestOverwriteAndState(t *testing.T) {
	t.Parallel()
	srv := serve(t, gatewaytest.Config{InMemory: true})
	put := func(force, data string) string {
		_, answer := post(t, srv, `{<auth>,"action":"upload"`+force+`,"files":[{"name":"a","data":"`+data+`"}]}`)
		return answer
	}
	assert.Contains(t, put("", "QUFB"), `"OK"`)
	assert.Contains(t, put("", "QkJC"), `File already exists`)
	got, ok := srv.Uploaded("a")
	assert.True(t, ok)
	assert.Equal(t, "AAA", string(got))
	assert.Contains(t, put(`,"force":"yes"`, "QkJC"), `"OK"`)
	got, _ = srv.Uploaded("a")
	assert.Equal(t, "BBB", string(got))
	assert.Equal(t, []string{"a"}, srv.Uploads())
	_, ok = srv.Uploaded("b")
	assert.False(t, ok)
}

func TestACredentialOfOnesOwn(t *testing.T) {
	t.Parallel()
	_, err := gatewaytest.NewServer(gatewaytest.Config{Credential: auth.APIKey{Key: ccr.NewSecret("k")}})
	require.Error(t, err)
	a, b := serve(t, gatewaytest.Config{InMemory: true}), serve(t, gatewaytest.Config{InMemory: true})
	assert.Empty(t, a.Credential().Warning())
	foreign, err := gateway.NewClient(a.Credential(), b.Options()...)
	require.NoError(t, err)
	_, err = foreign.CountReports(t.Context())
	require.ErrorIs(t, err, ccr.ErrUnauthorized)
}

// Samples are served like any report, of the kinds that were asked for.
func TestAddSamples(t *testing.T) {
	t.Parallel()
	srv := serve(t, gatewaytest.Config{InMemory: true}).AddSamples("DDIC", "arucs")
	want := bacssample.Of("DDIC", "ARUCS")
	require.Len(t, srv.Waiting(), 3)
	_, text := post(t, srv, `{<auth>,"action":"testByName","names":["`+want[0].Name+`"]}`)
	var answer struct{ Files []struct{ Data []byte } }
	require.NoError(t, json.Unmarshal([]byte(text), &answer))
	require.Len(t, answer.Files, 1)
	report, err := bacs.Parse(bytes.NewReader(answer.Files[0].Data))
	require.NoError(t, err)
	assert.Equal(t, bacs.KindDDIC, report.Kind)
	assert.Len(t, srv.AddSamples().Waiting(), len(bacssample.All()))
}
