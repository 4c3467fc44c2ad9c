package gateway_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"io"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/ccr-sdk/ccr"
	"github.com/ccr-sdk/ccr/gateway"
	"github.com/ccr-sdk/ccr/gateway/gatewaytest"
)

func upload(files ...ccr.File) gateway.UploadRequest { return gateway.UploadRequest{Files: files} }

func small(name string) ccr.File { return ccr.FileFromBytes(name, []byte("content of "+name)) }

func TestUploadRefusesBadInputBeforeSending(t *testing.T) {
	t.Parallel()
	srv, c := bureau(t)
	missing := ccr.FileFromPath(filepath.Join(t.TempDir(), "missing.csv"))
	for what, tc := range map[string]struct {
		req   gateway.UploadRequest
		paths []string
	}{
		"nothing":       {upload(), []string{"files"}},
		"zero file":     {upload(ccr.File{}), []string{"files[0].name", "files[0]"}},
		"slash":         {upload(small("a/b.csv")), []string{"files[0].name"}},
		"backslash":     {upload(small(`a\b.csv`)), []string{"files[0].name"}},
		"ampersand":     {upload(small("a&b.csv")), []string{"files[0].name"}},
		"pound":         {upload(small("£.csv")), []string{"files[0].name"}},
		"accent":        {upload(small("é.csv")), []string{"files[0].name"}},
		"comma":         {upload(small("a,b.csv")), []string{"files[0].name"}},
		"quote":         {upload(small(`a"b.csv`)), []string{"files[0].name"}},
		"line end":      {upload(small("a\n.csv")), []string{"files[0].name"}},
		"NUL":           {upload(small("a\x00.csv")), []string{"files[0].name"}},
		"not UTF-8":     {upload(small("a\xff.csv")), []string{"files[0].name"}},
		"dots":          {upload(small("."), small("..")), []string{"files[0].name", "files[1].name"}},
		"empty name":    {upload(small("")), []string{"files[0].name"}},
		"twice":         {upload(small("a"), small("b"), small("a")), []string{"files[2].name"}},
		"empty content": {upload(ccr.FileFromBytes("a", nil)), []string{"files[0]"}},
		"missing":       {upload(missing), []string{"files[0]"}},
		"extra": {gateway.UploadRequest{Files: []ccr.File{small("a")}, Extra: map[string]any{"secret": 1, "apikey": 2, "action": 3, "files": 4, "": 5}},
			[]string{"extra", "extra.action", "extra.apikey", "extra.files", "extra.secret"}},
		"all at once": {gateway.UploadRequest{Files: []ccr.File{small("ü"), small("ok"), ccr.FileFromBytes("ok", nil), missing}, Extra: map[string]any{"files": nil}},
			[]string{"files[0].name", "files[2].name", "extra.files", "files[2]", "files[3]"}},
	} {
		_, err := c.Upload(t.Context(), tc.req)
		e, ok := errors.AsType[*ccr.Error](err)
		require.True(t, ok, what)
		require.ErrorIs(t, err, ccr.ErrInvalid, what)
		require.ErrorIs(t, err, ccr.ErrNotSent, what)
		var paths []string
		for _, f := range e.Fields {
			paths = append(paths, f.Path)
		}
		assert.Equal(t, tc.paths, paths, what)
		assert.NotContains(t, err.Error(), "ü")
	}
	for _, name := range []string{"a.csv", "COLLECTIONS_20261121.csv", "with space (1) [2] - x_y.TXT", "..."} {
		require.NoError(t, upload(small(name)).Validate(), name)
	}
	_, err := c.Upload(t.Context(), gateway.UploadRequest{Files: []ccr.File{small("a")}, Extra: map[string]any{"x": func() {}}})
	require.ErrorIs(t, err, ccr.ErrInvalid)
	assert.Empty(t, srv.Requests(""))
}

func TestUploadHasItsLength(t *testing.T) {
	t.Parallel()
	srv, c := bureau(t) // which answers 411 without one
	for size := range 70 {
		name := strconv.Itoa(size)
		_, err := c.Upload(t.Context(), gateway.UploadRequest{AllowEmpty: true, Files: []ccr.File{
			ccr.FileFromBytes(name, bytes.Repeat([]byte{0xff}, size)), ccr.FileFromBytes(name+"b", bytes.Repeat([]byte("x"), size*1000)),
		}})
		require.NoError(t, err)
		got, ok := srv.Uploaded(name)
		require.True(t, ok)
		require.Len(t, got, size)
	}
	for _, r := range srv.Requests("Upload") {
		assert.Equal(t, r.Header.Get("Content-Length"), strconv.FormatInt(r.Length, 10))
		assert.True(t, json.Valid(r.Body))
	}
}

// changing is a file whose content differs at each opening.
func changing(name string, size int64, contents ...string) ccr.File {
	var opened atomic.Int64
	return ccr.NewFile(name, size, func() (io.ReadCloser, error) {
		n := min(int(opened.Add(1)), len(contents)) - 1
		return io.NopCloser(strings.NewReader(contents[n])), nil
	})
}

func TestUploadOfAFileThatChanges(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "grows.csv")
	require.NoError(t, os.WriteFile(path, bytes.Repeat([]byte("x"), 300_000), 0o600))
	grows := ccr.NewFile("grows.csv", 300_000, func() (io.ReadCloser, error) {
		f, err := os.Open(path)
		return &growing{f, path}, err
	})
	onDisk := filepath.Join(t.TempDir(), "disk.csv")
	require.NoError(t, os.WriteFile(onDisk, []byte("before"), 0o600))
	for what, req := range map[string]gateway.UploadRequest{
		"shorter":           upload(changing("a", 6, "123456", "12345")),
		"longer":            upload(changing("a", 6, "123456", "1234567")),
		"grows meanwhile":   upload(grows),
		"second of two":     upload(small("first"), changing("a", 6, "123456", "12345")),
		"first of two":      upload(changing("a", 6, "123456", "1234567"), small("second")),
		"same size, ledger": {Files: []ccr.File{changing("a", 6, "123456", "654321")}, Ledger: ccr.NewMemoryLedger()},
	} {
		t.Run(what, func(t *testing.T) {
			t.Parallel()
			srv, c := bureau(t)
			_, err := c.Upload(t.Context(), req)
			require.ErrorIs(t, err, ccr.ErrFileChanged)
			require.ErrorIs(t, err, ccr.ErrNotSent)
			srv.Close()
			assert.Empty(t, srv.Uploads())
			for _, r := range srv.Requests("") {
				assert.False(t, json.Valid(r.Body), "the bureau must never get a whole request")
			}
		})
	}
}

// growing appends to the file that it reads.
type growing struct {
	*os.File
	path string
}

func (g *growing) Read(p []byte) (int, error) {
	f, err := os.OpenFile(g.path, os.O_APPEND|os.O_WRONLY, 0)
	if err == nil {
		_, err = f.WriteString("more")
		err = errors.Join(err, f.Close())
	}
	if err != nil {
		return 0, err
	}
	return g.File.Read(p)
}

func TestUploadIsNeverRepeatedOnceSent(t *testing.T) {
	t.Parallel()
	for what, tc := range map[string]struct {
		fault   gatewaytest.Fault
		outcome ccr.Outcome
		arrived bool
	}{
		"429":                {gatewaytest.Fault{Kind: gatewaytest.Answer, Status: 429}, ccr.OutcomeRejected, false},
		"429, retry after":   {gatewaytest.Fault{Kind: gatewaytest.Answer, Status: 429, Header: http.Header{"Retry-After": {"0"}}}, ccr.OutcomeRejected, false},
		"500":                {gatewaytest.Fault{Kind: gatewaytest.Answer, Status: 500}, ccr.OutcomeUnknown, false},
		"502":                {gatewaytest.Fault{Kind: gatewaytest.Answer, Status: 502, Body: "<html>"}, ccr.OutcomeUnknown, false},
		"503":                {gatewaytest.Fault{Kind: gatewaytest.Answer, Status: 503, Header: http.Header{"Retry-After": {"0"}}}, ccr.OutcomeUnknown, false},
		"400":                {gatewaytest.Fault{Kind: gatewaytest.Answer, Status: 400}, ccr.OutcomeRejected, false},
		"413":                {gatewaytest.Fault{Kind: gatewaytest.Answer, Status: 413}, ccr.OutcomeRejected, false},
		"cut before":         {gatewaytest.Fault{Kind: gatewaytest.CutBefore}, ccr.OutcomeUnknown, false},
		"cut in the request": {gatewaytest.Fault{Kind: gatewaytest.CutRequest, After: 100}, ccr.OutcomeUnknown, false},
		"lost answer":        {gatewaytest.Fault{Kind: gatewaytest.LoseAnswer}, ccr.OutcomeUnknown, true},
		"cut answer":         {gatewaytest.Fault{Kind: gatewaytest.CutAnswer, After: 10}, ccr.OutcomeUnknown, true},
		"truncated answer":   {gatewaytest.Fault{Kind: gatewaytest.Truncate, After: 10}, ccr.OutcomeUnknown, true},
		"HTML":               {gatewaytest.Fault{Kind: gatewaytest.Garble, Body: "<html>OK</html>"}, ccr.OutcomeUnknown, true},
		"nothing":            {gatewaytest.Fault{Kind: gatewaytest.Garble, Body: ""}, ccr.OutcomeUnknown, true},
		"warning":            {gatewaytest.Fault{Kind: gatewaytest.Garble, Body: `<b>Warning</b>{"message":[{"file":"a","status":"OK"}]}`}, ccr.OutcomeUnknown, true},
		"other JSON":         {gatewaytest.Fault{Kind: gatewaytest.Garble, Body: `{"ok":1}`}, ccr.OutcomeUnknown, true},
		"words alone":        {gatewaytest.Fault{Kind: gatewaytest.Garble, Body: `{"message":"thank you"}`}, ccr.OutcomeUnknown, true},
		"another file":       {gatewaytest.Fault{Kind: gatewaytest.Garble, Body: `{"message":[{"file":"b","status":"OK"}]}`}, ccr.OutcomeUnknown, true},
		"OK to no file":      {gatewaytest.Fault{Kind: gatewaytest.Garble, Body: `{"message":[{"file":"","status":"OK","message":"No files were given"}]}`}, ccr.OutcomeUnknown, true},
		"empty status":       {gatewaytest.Fault{Kind: gatewaytest.Garble, Body: `{"message":[{"file":"a","status":""}]}`}, ccr.OutcomeUnknown, true},
	} {
		t.Run(what, func(t *testing.T) {
			t.Parallel()
			srv, c := bureau(t)
			tc.fault.Times = -1
			srv.Inject(tc.fault)
			ledger := ccr.NewMemoryLedger()
			req := gateway.UploadRequest{Files: []ccr.File{small("a")}, Ledger: ledger}
			result, err := c.Upload(t.Context(), req, ccr.WithCorrelationID("job-7"))
			e, ok := errors.AsType[*ccr.Error](err)
			require.True(t, ok)
			assert.Equal(t, tc.outcome, e.Outcome)
			assert.Equal(t, "job-7", e.CorrelationID)
			require.Len(t, result.Files, 1)
			assert.Len(t, srv.Requests("Upload"), 1)
			if tc.outcome != ccr.OutcomeUnknown {
				assert.Equal(t, gateway.Refused, result.Files[0].State)
				srv.ClearFaults()
				_, err = c.Upload(t.Context(), req)
				require.NoError(t, err) // it may be sent again
				return
			}
			assert.Equal(t, gateway.UploadUnknown, result.Files[0].State)
			assert.Contains(t, err.Error(), "without Overwrite")
			assert.Contains(t, err.Error(), "/uploads/")
			assert.Contains(t, err.Error(), "Input report")

			// A rerun with the ledger sends nothing, until somebody has settled it.
			srv.ClearFaults()
			_, err = c.Upload(t.Context(), req)
			require.ErrorIs(t, err, ccr.ErrOutcomeUnknown)
			assert.Contains(t, err.Error(), "without Overwrite")
			assert.Len(t, srv.Requests("Upload"), 1)
			require.NoError(t, c.SettleUpload(t.Context(), gateway.SettleOptions{Ledger: ledger, File: small("a"), Arrived: tc.arrived}))
			result, err = c.Upload(t.Context(), req)
			require.NoError(t, err)
			if tc.arrived {
				assert.Equal(t, gateway.AcceptedBefore, result.Files[0].State)
				assert.Len(t, srv.Requests("Upload"), 1)
			} else {
				assert.Equal(t, gateway.Accepted, result.Files[0].State)
			}
			assert.Equal(t, []string{"a"}, srv.Uploads())
		})
	}
}

func TestUploadIsRepeatedWhileNothingWasSent(t *testing.T) {
	t.Parallel()
	srv, _ := bureau(t)
	var dials atomic.Int64
	std, ok := srv.HTTPClient().Transport.(*http.Transport)
	require.True(t, ok)
	inner := std.DialContext
	flaky := std.Clone()
	flaky.DialContext = func(ctx context.Context, network, addr string) (net.Conn, error) {
		if dials.Add(1) <= 2 {
			return nil, &net.OpError{Op: "dial", Err: errors.New("refused")}
		}
		return inner(ctx, network, addr)
	}
	c, err := srv.Client(ccr.WithHTTPClient(&http.Client{Transport: flaky}), ccr.WithRetry(ccr.RetryPolicy{BaseDelay: 1, MaxDelay: 1}))
	require.NoError(t, err)
	_, err = c.Upload(t.Context(), upload(small("a")))
	require.NoError(t, err)
	assert.Equal(t, []string{"a"}, srv.Uploads())
	assert.Len(t, srv.Requests("Upload"), 1)

	c, err = srv.Client(ccr.WithHTTPClient(&http.Client{Transport: flaky}), ccr.WithRetry(ccr.RetryPolicy{MaxAttempts: 1}))
	require.NoError(t, err)
	flaky.CloseIdleConnections()
	dials.Store(0)
	result, err := c.Upload(t.Context(), upload(small("b")))
	require.ErrorIs(t, err, ccr.ErrNotSent)
	assert.Equal(t, gateway.NotSent, result.Files[0].State)
}

func TestUploadOfAnExistingName(t *testing.T) {
	t.Parallel()
	srv, c := bureau(t)
	_, err := c.Upload(t.Context(), upload(small("a")))
	require.NoError(t, err)
	other := ccr.FileFromBytes("a", []byte("other"))
	result, err := c.Upload(t.Context(), upload(small("b"), other))
	require.ErrorIs(t, err, ccr.ErrDuplicate)
	e, ok := errors.AsType[*ccr.Error](err)
	require.True(t, ok)
	assert.Equal(t, ccr.OutcomeRejected, e.Outcome)
	assert.Equal(t, "ERROR", e.Code)
	assert.Equal(t, 200, e.StatusCode)
	assert.Equal(t, []ccr.FieldError{{Path: "files[1]", Message: "refused by the gateway"}}, e.Fields)
	assert.Contains(t, string(e.Body()), "already exists")
	assert.NotContains(t, err.Error(), "already exists")
	assert.Equal(t, gateway.Accepted, result.Files[0].State)
	assert.Equal(t, gateway.Refused, result.Files[1].State)
	assert.Equal(t, "File already exists", result.Files[1].Row.Message)

	_, err = c.Upload(t.Context(), gateway.UploadRequest{Files: []ccr.File{other}, Overwrite: true})
	require.NoError(t, err)
	got, _ := srv.Uploaded("a")
	assert.Equal(t, "other", string(got))
}

func TestUploadAnswersThatAreUnderstood(t *testing.T) {
	t.Parallel()
	for body, want := range map[string]gateway.UploadState{
		`{"message":[{"file":"a","status":"OK","message":"Queued"}]}`:                gateway.Accepted,
		`{"message":{"file":"a","status":"ok"}}`:                                     gateway.Accepted,
		`[{"file":"a","status":"OK"}]`:                                               gateway.Accepted,
		`{"status":"OK","message":"Upload complete"}`:                                gateway.Accepted,
		`{"files":[],"message":[{"name":"a","status":"OK"}],"numFiles":1}`:           gateway.Accepted,
		`{"message":[{"file":"a","status":"ERROR","message":"x"}]}`:                  gateway.Refused,
		`{"message":[{"file":"","status":"ERROR","message":"Invalid key"}]}`:         gateway.Refused,
		`{"status":"ERROR","message":"x"}`:                                           gateway.Refused,
		`{"error":"x"}`:                                                              gateway.Refused,
		`{"message":[{"file":"a","status":"OK"},{"file":"a","status":"ERROR"}]}`:     gateway.Refused,
		`{"message":[{"file":"b","status":"ERROR"}]}`:                                gateway.UploadUnknown,
		`{"message":[{"file":"a","status":"OK"},{"file":"","status":"WARNING"}]}`:    gateway.Accepted,
		`{"message":[{"file":"","status":"ERROR"},{"file":"b","status":"UNKNOWN"}]}`: gateway.Refused,
	} {
		srv, c := bureau(t)
		srv.Inject(gatewaytest.Fault{Kind: gatewaytest.Garble, Body: body})
		result, err := c.Upload(t.Context(), upload(small("a")))
		assert.Equal(t, want, result.Files[0].State, body)
		assert.Equal(t, want == gateway.Accepted, err == nil, body)
		assert.Equal(t, body, string(result.Raw))
	}
}

func TestUploadRowsReadsAnotherAnswer(t *testing.T) {
	t.Parallel()
	srv, c := bureau(t)
	srv.Inject(gatewaytest.Fault{Kind: gatewaytest.Garble, Body: "+OK a\n-NO b\n", Times: -1})
	rows := func(answer []byte) ([]gateway.Row, error) {
		var out []gateway.Row
		for line := range strings.Lines(string(answer)) {
			status := map[byte]string{'+': "OK", '-': "NO"}[line[0]]
			out = append(out, gateway.Row{File: strings.TrimSpace(line[4:]), Status: status})
		}
		return out, nil
	}
	result, err := c.Upload(t.Context(), gateway.UploadRequest{Files: []ccr.File{small("a"), small("b")}, Rows: rows})
	require.Error(t, err)
	assert.Equal(t, gateway.Accepted, result.Files[0].State)
	assert.Equal(t, gateway.Refused, result.Files[1].State)

	broken := func([]byte) ([]gateway.Row, error) { return nil, errors.New("what is this") }
	_, err = c.Upload(t.Context(), gateway.UploadRequest{Files: []ccr.File{small("a")}, Rows: broken})
	require.ErrorIs(t, err, ccr.ErrOutcomeUnknown)
}

func TestUploadWithALedger(t *testing.T) {
	t.Parallel()
	srv, c := bureau(t)
	ledger := ccr.NewMemoryLedger()
	req := gateway.UploadRequest{Files: []ccr.File{small("a"), small("b")}, Ledger: ledger}
	first, err := c.Upload(t.Context(), req)
	require.NoError(t, err)
	assert.Len(t, first.Files[0].SHA256, 64)
	again, err := c.Upload(t.Context(), req)
	require.NoError(t, err)
	assert.Nil(t, again.Raw)
	for i := range again.Files {
		assert.Equal(t, gateway.AcceptedBefore, again.Files[i].State)
		assert.Equal(t, first.Files[i].SHA256, again.Files[i].SHA256)
	}
	assert.Len(t, srv.Requests("Upload"), 1)

	req.Files = append(req.Files, small("c")) // only the new one goes out
	more, err := c.Upload(t.Context(), req)
	require.NoError(t, err)
	assert.Equal(t, gateway.Accepted, more.Files[2].State)
	assert.Len(t, srv.Uploads(), 3)

	req.Files = []ccr.File{small("d"), small("a").WithName("e")}
	_, err = c.Upload(t.Context(), req)
	require.ErrorIs(t, err, ccr.ErrDuplicate)
	require.ErrorIs(t, err, ccr.ErrNotSent)
	assert.Len(t, srv.Uploads(), 3)
	req.AllowSameContent = true
	_, err = c.Upload(t.Context(), req) // d was given back
	require.NoError(t, err)
	assert.Len(t, srv.Uploads(), 5)

	uat, err := srv.Client(ccr.WithEnvironment("uat"))
	require.NoError(t, err)
	_, err = uat.Upload(t.Context(), gateway.UploadRequest{Files: []ccr.File{small("a")}, Ledger: ledger, Overwrite: true})
	require.NoError(t, err)
	assert.Len(t, srv.Requests("Upload"), 4) // another environment knows nothing of it
}

func TestUploadReportsProgress(t *testing.T) {
	t.Parallel()
	_, c := bureau(t)
	last := map[string]ccr.Progress{}
	var bytesOfA []int64
	_, err := c.Upload(t.Context(), gateway.UploadRequest{
		Files: []ccr.File{ccr.FileFromBytes("a", randomBytes(t, 200_000)), small("b")},
		Progress: func(p ccr.Progress) {
			last[p.Name] = p
			if p.Name == "a" {
				bytesOfA = append(bytesOfA, p.Bytes)
			}
		},
	})
	require.NoError(t, err)
	assert.Equal(t, ccr.Progress{Operation: "Upload", Name: "a", Bytes: 200_000, TotalBytes: 200_000, State: "accepted", Done: true}, last["a"])
	assert.True(t, last["b"].Done)
	assert.Greater(t, len(bytesOfA), 3)
	assert.IsNonDecreasing(t, bytesOfA)
}

func TestUploadEndsWithItsContext(t *testing.T) {
	t.Parallel()
	srv, c := bureau(t)
	srv.Inject(gatewaytest.Fault{Kind: gatewaytest.Stall})
	ctx, cancel := context.WithCancel(t.Context())
	failed := make(chan error, 1)
	go func() {
		_, err := c.Upload(ctx, upload(small("a")))
		failed <- err
	}()
	require.Eventually(t, func() bool { return len(srv.Requests("")) > 0 }, time.Minute, time.Millisecond, "the server has the request")
	cancel()
	err := <-failed
	require.ErrorIs(t, err, context.Canceled)
	require.ErrorIs(t, err, ccr.ErrOutcomeUnknown)
	_, err = c.Upload(ctx, upload(small("a")))
	require.ErrorIs(t, err, context.Canceled)
	require.ErrorIs(t, err, ccr.ErrNotSent)
}
