package gateway_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/ccr-sdk/ccr"
	"github.com/ccr-sdk/ccr/gateway"
	"github.com/ccr-sdk/ccr/gateway/gatewaytest"
)

// memory is a sink that fails where it is told to.
type memory struct {
	mu    sync.Mutex
	files map[string]string
	fail  func(step, name string) error
}

type memoryFile struct {
	m    *memory
	name string
	b    strings.Builder
}

func (m *memory) step(step, name string) error {
	if m.fail == nil {
		return nil
	}
	return m.fail(step, name)
}

func (m *memory) Create(_ context.Context, item ccr.Item) (ccr.Delivery, error) {
	return &memoryFile{m: m, name: item.Name}, m.step("create", item.Name)
}

func (f *memoryFile) Write(p []byte) (int, error) {
	if err := f.m.step("write", f.name); err != nil {
		return 0, err
	}
	return f.b.Write(p)
}

func (f *memoryFile) Commit(context.Context) (string, error) {
	if err := f.m.step("commit", f.name); err != nil {
		return "", err
	}
	f.m.mu.Lock()
	defer f.m.mu.Unlock()
	if f.m.files == nil {
		f.m.files = map[string]string{}
	}
	f.m.files[f.name] = f.b.String()
	return "memory:" + f.name, nil
}

func (m *memory) Resume(context.Context, ccr.Item, string) (ccr.Delivery, ccr.Staging, error) {
	return nil, "", errors.ErrUnsupported
}

func (f *memoryFile) Stage(context.Context) (string, error) { return "", errors.ErrUnsupported }

func (f *memoryFile) Abort(context.Context) error { return f.m.step("abort", f.name) }

// fill puts four reports at the bureau and returns what they hold.
func fill(t testing.TB, srv *gatewaytest.Server) map[string]string {
	t.Helper()
	want := map[string]string{}
	for i := range 4 {
		name := fmt.Sprintf("%d.bin", i)
		data := randomBytes(t, 50_000)
		srv.AddReport(name, data)
		want[name] = string(data)
	}
	return want
}

// TestDownloadSavesWhatArrives cuts the answer of a download at many places:
// whatever came whole is in the sink, and the caller is told of the rest.
func TestDownloadSavesWhatArrives(t *testing.T) {
	t.Parallel()
	const one = 50_000 * 4 / 3
	for _, kind := range []gatewaytest.Fault{{Kind: gatewaytest.CutAnswer}, {Kind: gatewaytest.Truncate}} {
		for after, whole := range map[int64]int{0: 0, 20: 0, one / 2: 0, one + one/2: 1, 3*one + one/2: 3} {
			srv, c := bureau(t)
			want := fill(t, srv)
			kind.After = after
			srv.Inject(kind)
			sink := &memory{}
			got, err := c.Download(t.Context(), sink)
			require.ErrorIs(t, err, ccr.ErrOutcomeUnknown)
			assert.Contains(t, err.Error(), "ask the bureau")
			assert.Len(t, srv.Requests("Download"), 1, "never repeated")
			assert.Empty(t, srv.Waiting(), "the bureau has archived them")
			assert.Len(t, sink.files, whole)
			for name, data := range sink.files {
				assert.Equal(t, want[name], data)
			}
			if whole > 0 {
				require.NotNil(t, got)
				for i := range whole {
					assert.NoError(t, got.Files[i].Err)
					assert.Equal(t, "memory:"+got.Files[i].Name, got.Files[i].Location)
				}
			}
			for _, f := range got.Files[whole:] {
				assert.Error(t, f.Err)
				assert.Empty(t, f.Location)
			}
		}
	}
}

func TestDownloadIsNeverRepeated(t *testing.T) {
	t.Parallel()
	for _, f := range []gatewaytest.Fault{
		{Kind: gatewaytest.Answer, Status: 503}, {Kind: gatewaytest.Answer, Status: 429}, {Kind: gatewaytest.CutBefore},
		{Kind: gatewaytest.LoseAnswer}, {Kind: gatewaytest.Garble, Body: ""},
	} {
		srv, c := bureau(t)
		fill(t, srv)
		f.Times = -1
		srv.Inject(f)
		_, err := c.Download(t.Context(), &memory{})
		require.Error(t, err)
		_, err = c.DownloadByName(t.Context(), &memory{}, []string{"1.bin"})
		require.Error(t, err)
		srv.Close()
		assert.Len(t, srv.Requests(""), 2)
	}
}

func TestTestIsRepeated(t *testing.T) {
	t.Parallel()
	srv, c := bureau(t)
	want := fill(t, srv)
	srv.Inject(gatewaytest.Fault{Kind: gatewaytest.CutAnswer, After: 150_000})
	sink := &memory{}
	got, err := c.Test(t.Context(), sink)
	require.NoError(t, err)
	assert.Len(t, got.Files, 4)
	assert.Equal(t, want, sink.files)
	assert.Len(t, srv.Waiting(), 4)
}

// TestDownloadGoesOnBehindAFailure: one file that the sink cannot take must
// not cost the others, which exist nowhere else.
func TestDownloadGoesOnBehindAFailure(t *testing.T) {
	t.Parallel()
	full := errors.New("disk full")
	for _, step := range []string{"create", "write", "commit"} {
		srv, c := bureau(t)
		want := fill(t, srv)
		sink := &memory{fail: func(at, name string) error {
			if at == step && name == "1.bin" {
				return full
			}
			return nil
		}}
		got, err := c.Download(t.Context(), sink)
		require.ErrorIs(t, err, full)
		e, ok := errors.AsType[*ccr.Error](err)
		require.True(t, ok)
		assert.Equal(t, ccr.OutcomeUnknown, e.Outcome)
		assert.Equal(t, "files[1]", e.Fields[0].Path)
		require.Len(t, got.Files, 4)
		require.ErrorIs(t, got.Files[1].Err, full)
		delete(want, "1.bin")
		assert.Equal(t, want, sink.files)
	}
}

func TestDownloadOfOddAnswers(t *testing.T) {
	t.Parallel()
	good := `"data":"` + b64("<A/>") + `"`
	ok := `"message":[{"file":"a.xml","status":"OK","message":"Queued"}]`
	for what, tc := range map[string]struct {
		body  string
		saved map[string]string
		class error
	}{
		"warning in front": {`<b>Warning</b>: {$x} in y` + "\n" + `{"files":[{"name":"a.xml",` + good + `}],` + ok + `}`, map[string]string{"a.xml": "<A/>"}, ccr.ErrContract},
		"text behind":      {`{"files":[{"name":"a.xml",` + good + `}],` + ok + `}<br>`, map[string]string{"a.xml": "<A/>"}, ccr.ErrContract},
		"data first":       {`{"files":[{` + good + `,"name":"a.xml"}],` + ok + `}`, map[string]string{"a.xml": "<A/>"}, nil},
		"row not OK":       {`{"files":[{"name":"a.xml",` + good + `}],"message":[{"file":"a.xml","status":"LATE"}]}`, map[string]string{"a.xml": "<A/>"}, ccr.ErrOutcomeUnknown},
		"no rows":          {`{"files":[{"name":"a.xml",` + good + `}]}`, map[string]string{"a.xml": "<A/>"}, ccr.ErrIncomplete},
		"cut XML":          {`{"files":[{"name":"a.xml","data":"` + b64("<A>") + `"}],` + ok + `}`, map[string]string{"a.xml": "<A>"}, ccr.ErrIncomplete},
		"bad base64":       {`{"files":[{"name":"b.xml","data":"!"},{"name":"a.xml",` + good + `}],` + ok + `}`, map[string]string{"a.xml": "<A/>"}, ccr.ErrIncomplete},
		"empty":            {`{"files":[{"name":"a.xml","data":""}],` + ok + `}`, nil, ccr.ErrIncomplete},
		"no data":          {`{"files":[{"name":"a.xml"}],` + ok + `}`, nil, ccr.ErrIncomplete},
		"neither":          {`{}`, nil, ccr.ErrContract},
		"OK beside none":   {`{"files":[],"message":[{"file":"","status":"OK","message":"No reports were available"}]}`, nil, nil},
		"none, no message": {`{"files":[]}`, nil, nil},
		"refused":          {`{"files":[],"message":[{"file":"","status":"ERROR","message":"Invalid API key"}]}`, nil, ccr.ErrUnauthorized},
	} {
		srv, c := bureau(t)
		srv.Inject(gatewaytest.Fault{Kind: gatewaytest.Garble, Body: tc.body})
		sink := &memory{}
		_, err := c.Download(t.Context(), sink)
		if tc.class == nil {
			require.NoError(t, err, what)
		} else {
			require.ErrorIs(t, err, tc.class, what)
		}
		assert.Equal(t, tc.saved, sink.files, what)
	}
}

func TestDownloadOfFilesWithoutAName(t *testing.T) {
	t.Parallel()
	big := strings.Repeat("0123456789", 1_000_000)
	for _, file := range []string{`{"data":"` + b64("hello") + `"}`, `{"name":"","data":"` + b64("hello") + `"}`, `{"data":"` + b64(big) + `","name":"late.bin"}`} {
		srv, c := bureau(t)
		srv.Inject(gatewaytest.Fault{Kind: gatewaytest.Garble, Body: `{"files":[` + file + `],"message":[]}`})
		sink := &memory{}
		got, err := c.Download(t.Context(), sink)
		require.Error(t, err)
		require.Len(t, sink.files, 1, "saved under a name of our own")
		assert.True(t, strings.HasPrefix(got.Files[0].Name, "unnamed-"))
		for _, data := range sink.files {
			assert.True(t, data == "hello" || data == big)
		}
	}
}

func TestByNameNamesWhatDidNotCome(t *testing.T) {
	t.Parallel()
	srv, c := bureau(t)
	want := fill(t, srv)
	sink := &memory{}
	got, err := c.DownloadByName(t.Context(), sink, []string{"0.bin", "gone.bin", "2.bin"})
	require.ErrorIs(t, err, ccr.ErrNotFound)
	e, ok := errors.AsType[*ccr.Error](err)
	require.True(t, ok)
	assert.Equal(t, []ccr.FieldError{{Path: "names[1]", Message: "did not come"}}, e.Fields)
	assert.Len(t, got.Files, 2)
	assert.Equal(t, want["2.bin"], sink.files["2.bin"])

	srv.Inject(gatewaytest.Fault{Kind: gatewaytest.Garble, Body: `{"files":[{"name":"x","data":"QQ=="}],"message":[{"file":"x","status":"OK"}]}`})
	got, err = c.DownloadByName(t.Context(), sink, []string{"1.bin"})
	require.Error(t, err)
	require.Len(t, got.Files, 1)
	assert.ErrorContains(t, got.Files[0].Err, "not asked for")
	assert.Equal(t, "A", sink.files["x"])
}

func TestNamesAreCheckedBeforeSending(t *testing.T) {
	t.Parallel()
	srv, c := bureau(t)
	sink := &memory{}
	for _, names := range [][]string{nil, {}, {""}, {"a", "a"}, {strings.Repeat("x", 5000)}} {
		_, err := c.DownloadByName(t.Context(), sink, names)
		require.ErrorIs(t, err, ccr.ErrInvalid)
		_, err = c.TestByName(t.Context(), sink, names)
		require.ErrorIs(t, err, ccr.ErrNotSent)
		_, err = c.ArchiveByName(t.Context(), names)
		require.ErrorIs(t, err, ccr.ErrInvalid)
	}
	_, err := c.Download(t.Context(), nil)
	require.ErrorIs(t, err, ccr.ErrInvalid)
	assert.Empty(t, srv.Requests(""))
}

func TestArchiveByName(t *testing.T) {
	t.Parallel()
	srv, c := bureau(t)
	fill(t, srv)
	got, err := c.ArchiveByName(t.Context(), []string{"0.bin", "3.bin"})
	require.NoError(t, err)
	assert.Len(t, got.Rows, 2)
	assert.NotEmpty(t, got.Raw)
	assert.Equal(t, []string{"1.bin", "2.bin"}, srv.Waiting())

	got, err = c.ArchiveByName(t.Context(), []string{"1.bin", "0.bin"})
	require.ErrorIs(t, err, ccr.ErrNotFound)
	e, ok := errors.AsType[*ccr.Error](err)
	require.True(t, ok)
	assert.Equal(t, ccr.OutcomeUnknown, e.Outcome, "one of two was archived")
	assert.Equal(t, "names[1]", e.Fields[0].Path)
	assert.Len(t, got.Rows, 2)
	for _, body := range []string{`{}`, `[]`, `{"status":"OK"}`, `{"message":"done"}`, `{"message":[{"file":"2.bin","status":"OK"}]}`} {
		srv.Inject(gatewaytest.Fault{Kind: gatewaytest.Garble, Body: body})
		_, err := c.ArchiveByName(t.Context(), []string{"2.bin"})
		assert.NoError(t, err, body) // its answer is not documented: no refusal is a success
		srv.AddReport("2.bin", []byte("again"))
	}
	for _, body := range []string{``, `<html>`, `{"error":"x"}`} {
		srv.Inject(gatewaytest.Fault{Kind: gatewaytest.Garble, Body: body})
		_, err := c.ArchiveByName(t.Context(), []string{"2.bin"})
		assert.Error(t, err, body)
	}
}

func TestCountAndListRefuseWhatTheyCannotRead(t *testing.T) {
	t.Parallel()
	for body, class := range map[string]error{
		`{}`:                                    ccr.ErrContract,
		`{"numReports":null}`:                   ccr.ErrContract,
		`{"numReports":-1}`:                     ccr.ErrContract,
		`{"numReports":1.5}`:                    ccr.ErrContract,
		`{"numReports":"x"}`:                    ccr.ErrContract,
		`{"message":"Invalid API key"}`:         ccr.ErrUnauthorized,
		`{"error":"Invalid API key"}`:           ccr.ErrUnauthorized,
		`{"status":"ERROR","message":"denied"}`: ccr.ErrUnauthorized,
		`<html>`:                                ccr.ErrContract,
		``:                                      ccr.ErrIncomplete,
		`{"numReports":`:                        ccr.ErrIncomplete,
		`{"numReports":1,"message":"\"a\""} junk`: ccr.ErrContract,
	} {
		srv, c := bureau(t)
		srv.Inject(gatewaytest.Fault{Kind: gatewaytest.Garble, Body: body, Times: -1})
		_, err := c.CountReports(t.Context())
		require.ErrorIs(t, err, class, body)
		_, err = c.ListReports(t.Context())
		require.ErrorIs(t, err, class, body)
		e, ok := errors.AsType[*ccr.Error](err)
		require.True(t, ok)
		assert.Equal(t, body, string(e.Body()))
		assert.Equal(t, 200, e.StatusCode)
		assert.NotContains(t, err.Error(), "Invalid API key")
	}
	srv, c := bureau(t)
	srv.SetStyle(gatewaytest.Style{NumbersAsString: true}).AddReport("a", []byte("b"))
	n, err := c.CountReports(t.Context())
	require.NoError(t, err)
	assert.Equal(t, 1, n)
}

func TestCallOptions(t *testing.T) {
	t.Parallel()
	srv, c := bureau(t)
	srv.AddReport("a", []byte("b"))
	var got ccr.Response
	_, err := c.ListReports(t.Context(), ccr.CaptureResponse(&got))
	require.NoError(t, err)
	assert.Equal(t, `{"numReports":1,"message":"\"a\""}`, string(got.Body))
	_, err = c.ListReports(t.Context(), ccr.WithTimeout(-1))
	require.ErrorIs(t, err, ccr.ErrInvalid)
	srv.Inject(gatewaytest.Fault{Kind: gatewaytest.Garble, Body: `{}`})
	_, err = c.CountReports(t.Context(), ccr.WithCorrelationID("job-9"))
	require.ErrorContains(t, err, "job-9")
	_, err = c.Download(t.Context(), &memory{}, ccr.CaptureResponse(&got))
	require.NoError(t, err)
	assert.Nil(t, got.Body, "a streamed answer is not kept")
	assert.Equal(t, 200, got.StatusCode)
}

var _ gateway.API = (*gatewaytest.Mock)(nil)
