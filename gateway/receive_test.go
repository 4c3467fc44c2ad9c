package gateway_test

import (
	"bytes"
	"context"
	"encoding/base64"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/ccr-sdk/ccr"
	"github.com/ccr-sdk/ccr/gateway"
	"github.com/ccr-sdk/ccr/gateway/gatewaytest"
)

// visible are the files that a consumer of a sink folder sees.
func visible(t testing.TB, dir string) map[string]string {
	t.Helper()
	out := map[string]string{}
	list, err := os.ReadDir(dir)
	if errors.Is(err, os.ErrNotExist) {
		return out
	}
	require.NoError(t, err)
	for _, e := range list {
		if e.IsDir() {
			continue
		}
		b, err := os.ReadFile(filepath.Join(dir, e.Name()))
		require.NoError(t, err)
		out[e.Name()] = string(b)
	}
	return out
}

func b64(data string) string { return base64.StdEncoding.EncodeToString([]byte(data)) }

// TestReceiveTakesOnlyWholeReports gives one answer to testByName for each
// condition that a report must meet. Whatever it is, the report must stay at
// the bureau, out of the consumer's sight, and come in with the next answer.
func TestReceiveTakesOnlyWholeReports(t *testing.T) {
	t.Parallel()
	const name = "123456-21112026-1016-7.xml"
	const whole = "<A>\r\n<B/></A>\r\n"
	file := func(name, data string) string { return fmt.Sprintf(`{"name":%q,"data":%q}`, name, b64(data)) }
	row := func(name, status string) string {
		return fmt.Sprintf(`{"file":%q,"status":%q,"message":"Queued"}`, name, status)
	}
	answer := func(files, rows string) string { return `{"files":[` + files + `],"message":[` + rows + `]}` }
	good := answer(file(name, whole), row(name, "OK"))
	garble := func(body string) gatewaytest.Fault {
		return gatewaytest.Fault{Operation: "TestByName", Kind: gatewaytest.Garble, Body: body}
	}
	cases := map[string]struct {
		fault gatewaytest.Fault
		class error
	}{
		"JSON that did not end":             {garble(good[:len(good)-1]), ccr.ErrIncomplete},
		"an answer that ended in the data":  {gatewaytest.Fault{Operation: "TestByName", Kind: gatewaytest.Truncate, After: 60}, ccr.ErrIncomplete},
		"an empty answer":                   {garble(""), ccr.ErrIncomplete},
		"text behind the JSON":              {garble(good + "<br />Warning"), ccr.ErrContract},
		"a PHP warning before the JSON":     {garble("<br />Warning: x\n" + good), ccr.ErrContract},
		"an HTML page":                      {garble("<html><body>Down for maintenance</body></html>"), ccr.ErrContract},
		"another media altogether":          {garble("%PDF-1.4"), ccr.ErrContract},
		"HTTP 404":                          {gatewaytest.Fault{Operation: "TestByName", Kind: gatewaytest.Answer, Status: 404, Body: good}, ccr.ErrNotFound},
		"HTTP 500 with a whole report":      {gatewaytest.Fault{Operation: "TestByName", Kind: gatewaytest.Answer, Status: 500, Body: good, Times: -1}, ccr.ErrUnavailable},
		"HTTP 302":                          {gatewaytest.Fault{Operation: "TestByName", Kind: gatewaytest.Answer, Status: 302, Body: good}, ccr.ErrContract},
		"connections that always break":     {gatewaytest.Fault{Operation: "TestByName", Kind: gatewaytest.CutAnswer, After: 70, Times: -1}, ccr.ErrUnavailable},
		"a row that is not OK":              {garble(answer(file(name, whole), row(name, "ERROR"))), nil},
		"a row without status":              {garble(answer(file(name, whole), row(name, ""))), ccr.ErrIncomplete},
		"no row":                            {garble(answer(file(name, whole), "")), ccr.ErrIncomplete},
		"no message":                        {garble(`{"files":[` + file(name, whole) + `]}`), ccr.ErrIncomplete},
		"a row of another name":             {garble(answer(file(name, whole), row("other.xml", "OK"))), ccr.ErrIncomplete},
		"two rows of which one is not OK":   {garble(answer(file(name, whole), row(name, "OK")+","+row(name, "ERROR"))), nil},
		"a refusal beside the file":         {garble(`{"files":[` + file(name, whole) + `],"message":[` + row(name, "OK") + `],"status":"ERROR"}`), nil},
		"an error member beside the file":   {garble(`{"files":[` + file(name, whole) + `],"message":[` + row(name, "OK") + `],"error":"x"}`), nil},
		"no file":                           {garble(answer("", row(name, "OK"))), ccr.ErrNotFound},
		"no reports were available":         {garble(`{"files":[],"message":[{"file":"","status":"OK","message":"No reports were available"}]}`), ccr.ErrNotFound},
		"the file twice":                    {garble(answer(file(name, whole)+","+file(name, whole), row(name, "OK"))), ccr.ErrIncomplete},
		"another file beside it":            {garble(answer(file(name, whole)+","+file("other.xml", whole), row(name, "OK"))), ccr.ErrIncomplete},
		"another file instead":              {garble(answer(file("other.xml", whole), row(name, "OK"))), ccr.ErrIncomplete},
		"a file without a name":             {garble(answer(`{"data":"`+b64(whole)+`"}`, row(name, "OK"))), ccr.ErrIncomplete},
		"a name in another case":            {garble(answer(file(strings.ToUpper(name), whole), row(name, "OK"))), ccr.ErrIncomplete},
		"data before another name":          {garble(answer(`{"data":"`+b64(whole)+`","name":"other.xml"}`, row(name, "OK"))), ccr.ErrIncomplete},
		"no data":                           {garble(answer(`{"name":"`+name+`"}`, row(name, "OK"))), ccr.ErrIncomplete},
		"data that is null":                 {garble(answer(`{"name":"`+name+`","data":null}`, row(name, "OK"))), ccr.ErrIncomplete},
		"empty data":                        {garble(answer(file(name, ""), row(name, "OK"))), ccr.ErrIncomplete},
		"base64 with a stray character":     {garble(answer(`{"name":"`+name+`","data":"`+b64(whole)[:8]+`*`+b64(whole)[9:]+`"}`, row(name, "OK"))), ccr.ErrIncomplete},
		"base64 without padding":            {garble(answer(`{"name":"`+name+`","data":"PEEvPg"}`, row(name, "OK"))), ccr.ErrIncomplete},
		"base64 with a line break":          {garble(answer(`{"name":"`+name+`","data":"PEEv\nPg=="}`, row(name, "OK"))), ccr.ErrIncomplete},
		"XML whose root is not closed":      {garble(answer(file(name, whole[:8]), row(name, "OK"))), ccr.ErrIncomplete},
		"XML whose root is closed too soon": {garble(answer(file(name, "<A></A><A>"), row(name, "OK"))), ccr.ErrIncomplete},
		"no XML under a name in .xml":       {garble(answer(file(name, "Fatal error"), row(name, "OK"))), ccr.ErrIncomplete},
	}
	for what, c := range cases {
		t.Run(what, func(t *testing.T) {
			t.Parallel()
			srv, client := bureau(t)
			srv.AddReport(name, []byte(whole)).Inject(c.fault)
			dir := t.TempDir()
			received, err := client.Receive(t.Context(), ccr.DirSink(dir))
			require.Error(t, err)
			if c.class != nil {
				require.ErrorIs(t, err, c.class)
			}
			require.Len(t, received, 1)
			assert.Equal(t, ccr.ReceiveFailed, received[0].State)
			assert.Equal(t, name, received[0].Name)
			assert.Empty(t, visible(t, dir))
			assert.Equal(t, []string{name}, srv.Waiting())
			assert.Empty(t, srv.Requests("ArchiveByName"))
			assert.Empty(t, srv.Requests("DownloadByName"))
			assert.NotContains(t, err.Error(), "Queued")

			srv.ClearFaults()
			received, err = client.Receive(t.Context(), ccr.DirSink(dir))
			require.NoError(t, err)
			assert.Equal(t, ccr.Delivered, received[0].State)
			assert.Equal(t, map[string]string{name: whole}, visible(t, dir))
			assert.Empty(t, srv.Waiting())
		})
	}
}

func TestReceiveInEveryStyle(t *testing.T) {
	t.Parallel()
	styles := map[string]gatewaytest.Style{
		"documented": {}, "numbers as strings": {NumbersAsString: true}, "single objects": {SingleAsObject: true, List: gatewaytest.SingleRowObject},
		"message first": {MessageFirst: true}, "data first": {DataFirst: true}, "plain JSON": {PlainJSON: true}, "unknown members": {ExtraMembers: true},
		"byte order mark": {Preamble: "\xEF\xBB\xBF\r\n"}, "white space": {Preamble: " \n", Epilogue: "\r\n\r\n"},
		"everything": {NumbersAsString: true, SingleAsObject: true, MessageFirst: true, DataFirst: true, ExtraMembers: true},
	}
	for _, list := range []gatewaytest.ListStyle{
		gatewaytest.QuotedSpace, gatewaytest.QuotedLines, gatewaytest.BareComma, gatewaytest.BareSemicolon, gatewaytest.BareLines,
		gatewaytest.ArrayOfStrings, gatewaytest.ArrayOfRows, gatewaytest.SingleRowObject,
	} {
		styles[string(list)] = gatewaytest.Style{List: list}
	}
	for what, style := range styles {
		for _, count := range []int{0, 1, 3} {
			t.Run(fmt.Sprint(what, " ", count), func(t *testing.T) {
				t.Parallel()
				srv, c := bureau(t)
				srv.SetStyle(style)
				want := map[string]string{}
				for i := range count {
					name := fmt.Sprintf("12345%d-21112026-2013 (é).bin", i)
					data := randomBytes(t, 70_000+i)
					srv.AddReport(name, data)
					want[name] = string(data)
				}
				n, err := c.CountReports(t.Context())
				require.NoError(t, err)
				assert.Equal(t, count, n)
				dir := t.TempDir()
				received, err := c.Receive(t.Context(), ccr.DirSink(dir), gateway.ReceiveOptions{Concurrency: 3})
				require.NoError(t, err)
				assert.Len(t, received, count)
				assert.Equal(t, want, visible(t, dir))
				assert.Empty(t, srv.Waiting())
				assert.Len(t, srv.Archived(), count)
			})
		}
	}
}

func TestReceiveRepeatsAFetchThatBroke(t *testing.T) {
	t.Parallel()
	srv, c := bureau(t)
	data := randomBytes(t, 200_000)
	srv.AddReport("a.bin", data)
	srv.Inject(gatewaytest.Fault{Operation: "TestByName", Kind: gatewaytest.CutAnswer, After: 150_000, Times: 2})
	dir := t.TempDir()
	_, err := c.Receive(t.Context(), ccr.DirSink(dir))
	require.NoError(t, err)
	assert.Equal(t, map[string]string{"a.bin": string(data)}, visible(t, dir))
	assert.Len(t, srv.Requests("TestByName"), 3)
}

func TestReceiveWhenTheArchiveAnswerIsLost(t *testing.T) {
	t.Parallel()
	srv, c := bureau(t)
	srv.AddReport("a.xml", report(1))
	srv.Inject(gatewaytest.Fault{Operation: "ArchiveByName", Kind: gatewaytest.LoseAnswer})
	received, err := c.Receive(t.Context(), ccr.DirSink(t.TempDir()))
	require.NoError(t, err) // repeated, refused as unknown, and then no longer listed
	assert.Equal(t, ccr.Delivered, received[0].State)
	assert.Len(t, srv.Requests("ArchiveByName"), 2)
	assert.Equal(t, []string{"a.xml"}, srv.Archived())
}

func TestReceiveWhenArchivingFails(t *testing.T) {
	t.Parallel()
	srv, c := bureau(t)
	srv.AddReport("a.xml", report(1))
	srv.Inject(gatewaytest.Fault{Operation: "ArchiveByName", Kind: gatewaytest.Answer, Status: 200, Body: `{"message":[{"file":"a.xml","status":"ERROR","message":"locked"}]}`})
	dir := t.TempDir()
	received, err := c.Receive(t.Context(), ccr.DirSink(dir))
	require.Error(t, err)
	assert.Equal(t, ccr.DeliveredNotArchived, received[0].State)
	assert.NotContains(t, err.Error(), "locked")
	refused, ok := errors.AsType[*gateway.RefusedError](err)
	require.True(t, ok)
	assert.Equal(t, "locked", refused.Rows[0].Message)

	require.NoError(t, os.Remove(filepath.Join(dir, "a.xml"))) // a consumer took it
	received, err = c.Receive(t.Context(), ccr.DirSink(dir))
	require.NoError(t, err)
	assert.Equal(t, ccr.DeliveredBefore, received[0].State)
	assert.Empty(t, visible(t, dir))
	assert.Equal(t, []string{"a.xml"}, srv.Archived())
}

func TestReceiveKeepsOtherContentBeside(t *testing.T) {
	t.Parallel()
	srv, c := bureau(t)
	dir := t.TempDir()
	for i := range 2 {
		srv.AddReport("a.xml", report(i))
		_, err := c.Receive(t.Context(), ccr.DirSink(dir))
		require.NoError(t, err)
	}
	got := visible(t, dir)
	require.Len(t, got, 2)
	assert.Equal(t, string(report(0)), got["a.xml"])
}

func TestLeaveRemote(t *testing.T) {
	t.Parallel()
	srv, c := bureau(t)
	srv.AddReport("a.xml", report(1))
	dir := t.TempDir()
	for i, want := range []ccr.ReceivedState{ccr.Delivered, ccr.DeliveredBefore} {
		received, err := c.Receive(t.Context(), ccr.DirSink(dir), gateway.ReceiveOptions{LeaveRemote: true})
		require.NoError(t, err)
		assert.Equal(t, want, received[0].State, i)
	}
	assert.Equal(t, []string{"a.xml"}, srv.Waiting())
	assert.Len(t, srv.Requests("TestByName"), 1)
	assert.Empty(t, srv.Requests("ArchiveByName"))
}

func TestAcceptAnyContent(t *testing.T) {
	t.Parallel()
	srv, c := bureau(t)
	srv.AddReport("cut.xml", []byte("<A>")).AddReport("text.xml", []byte("hello"))
	dir := t.TempDir()
	_, err := c.Receive(t.Context(), ccr.DirSink(dir))
	require.ErrorIs(t, err, ccr.ErrIncomplete)
	assert.Empty(t, visible(t, dir))
	_, err = c.Receive(t.Context(), ccr.DirSink(dir), gateway.ReceiveOptions{AcceptAnyContent: true})
	require.NoError(t, err)
	assert.Equal(t, map[string]string{"cut.xml": "<A>", "text.xml": "hello"}, visible(t, dir))
}

func TestReceiveRefusesBadArguments(t *testing.T) {
	t.Parallel()
	srv, c := bureau(t)
	_, err := c.Receive(t.Context(), nil, gateway.ReceiveOptions{Concurrency: 65, CorrelationID: "a b"})
	e, ok := errors.AsType[*ccr.Error](err)
	require.True(t, ok)
	assert.Len(t, e.Fields, 3)
	require.ErrorIs(t, err, ccr.ErrNotSent)
	_, err = c.Receive(t.Context(), ccr.DirSink(t.TempDir()), gateway.ReceiveOptions{}, gateway.ReceiveOptions{})
	require.ErrorIs(t, err, ccr.ErrInvalid)
	rounds := 0
	for _, err := range c.Watch(t.Context(), ccr.DirSink(t.TempDir()), -1) {
		rounds++
		require.ErrorIs(t, err, ccr.ErrInvalid)
	}
	assert.Equal(t, 1, rounds)
	assert.Empty(t, srv.Requests(""))
}

func TestReceiveReportsProgress(t *testing.T) {
	t.Parallel()
	srv, c := bureau(t)
	srv.AddReport("a.bin", randomBytes(t, 300_000))
	var seen []ccr.Progress
	_, err := c.Receive(t.Context(), ccr.DirSink(t.TempDir()), gateway.ReceiveOptions{Progress: func(p ccr.Progress) { seen = append(seen, p) }})
	require.NoError(t, err)
	require.Greater(t, len(seen), 2)
	last := seen[len(seen)-1]
	assert.True(t, last.Done)
	assert.Equal(t, int64(300_000), last.Bytes)
	assert.Equal(t, string(ccr.Delivered), last.State)
}

func TestReceiveOfAListThatDoesNotAddUp(t *testing.T) {
	t.Parallel()
	srv, c := bureau(t)
	srv.AddReport("a.xml", report(1))
	srv.Inject(gatewaytest.Fault{Operation: "ListReports", Kind: gatewaytest.Garble, Body: `{"numReports":2,"message":"\"a.xml\" and more"}`})
	_, err := c.Receive(t.Context(), ccr.DirSink(t.TempDir()))
	require.ErrorIs(t, err, ccr.ErrContract)
	list, ok := errors.AsType[*gateway.ListError](err)
	require.True(t, ok)
	assert.Equal(t, gateway.ListError{Count: 2, Found: 1, Raw: `"\"a.xml\" and more"`}, *list)
	assert.NotContains(t, err.Error(), "and more")
}

// TestWatch runs in fake time: three rounds, with a failure in the second.
func TestWatch(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		srv, c := bureau(t)
		srv.AddReport("0.xml", report(0))
		srv.Inject(gatewaytest.Fault{Operation: "ListReports", Kind: gatewaytest.Answer, Status: 403, Skip: 1})
		ctx, cancel := context.WithCancel(t.Context())
		defer cancel()
		dir := t.TempDir()
		start := time.Now()
		var waits []time.Duration
		round := 0
		for received, err := range c.Watch(ctx, ccr.DirSink(dir), time.Hour) {
			waits = append(waits, time.Since(start))
			start = time.Now()
			switch round++; round {
			case 1:
				require.NoError(t, err)
				require.Len(t, received, 1)
			case 2:
				require.ErrorIs(t, err, ccr.ErrForbidden)
				srv.AddReport("1.xml", report(1))
			case 3:
				require.NoError(t, err)
				assert.Equal(t, "1.xml", received[0].Name)
				cancel()
			}
		}
		assert.Equal(t, 3, round)
		assert.Len(t, visible(t, dir), 2)
		for _, w := range waits[1:] {
			assert.InDelta(t, time.Hour.Seconds(), w.Seconds(), 721)
		}
		srv.Close()
	})
}

func TestReceiveManyAtOnce(t *testing.T) {
	t.Parallel()
	srv, c := bureau(t)
	want := map[string]string{}
	for i := range 40 {
		name := fmt.Sprintf("%d.bin", i)
		data := bytes.Repeat([]byte{byte(i)}, 10_000+i)
		srv.AddReport(name, data)
		want[name] = string(data)
	}
	dir := t.TempDir()
	received, err := c.Receive(t.Context(), ccr.DirSink(dir), gateway.ReceiveOptions{Concurrency: 8})
	require.NoError(t, err)
	require.Len(t, received, 40)
	for i, r := range received {
		assert.Equal(t, fmt.Sprintf("%d.bin", i), r.Name)
	}
	assert.Equal(t, want, visible(t, dir))
}

// TestEmptyReports: a report of no bytes waits until somebody says that it is
// meant, and can be received then.
func TestEmptyReports(t *testing.T) {
	t.Parallel()
	for _, name := range []string{"empty.csv", "empty.xml"} {
		srv, c := bureau(t)
		srv.AddReport(name, nil)
		dir := t.TempDir()
		_, err := c.Receive(t.Context(), ccr.DirSink(dir), gateway.ReceiveOptions{})
		require.ErrorIs(t, err, ccr.ErrIncomplete)
		assert.Equal(t, []string{name}, srv.Waiting())
		_, err = c.Receive(t.Context(), ccr.DirSink(dir), gateway.ReceiveOptions{AcceptAnyContent: true})
		require.NoError(t, err)
		assert.Empty(t, srv.Waiting())
		assert.Equal(t, map[string]string{name: ""}, visible(t, dir))
	}
}

// TestMaxReportSize: a report that is larger than allowed is neither stored nor
// archived.
func TestMaxReportSize(t *testing.T) {
	t.Parallel()
	srv, c := bureau(t)
	srv.AddReport("a.csv", []byte("0123456789"))
	dir := t.TempDir()
	_, err := c.Receive(t.Context(), ccr.DirSink(dir), gateway.ReceiveOptions{MaxReportSize: 9})
	require.ErrorIs(t, err, ccr.ErrIncomplete)
	require.ErrorContains(t, err, "MaxReportSize")
	assert.Empty(t, visible(t, dir))
	assert.Equal(t, []string{"a.csv"}, srv.Waiting())
	_, err = c.Receive(t.Context(), ccr.DirSink(dir), gateway.ReceiveOptions{MaxReportSize: 10})
	require.NoError(t, err)
}

// TestListLength: a list of report names that has no end is refused.
func TestListLength(t *testing.T) {
	t.Parallel()
	srv, c := bureau(t)
	body := `{"numReports":"1","message":"` + strings.Repeat("a.xml,", 3<<20) + `"}`
	srv.Inject(gatewaytest.Fault{Operation: "ListReports", Kind: gatewaytest.Garble, Body: body, Times: -1})
	_, err := c.ListReports(t.Context())
	require.ErrorIs(t, err, ccr.ErrContract)
	require.ErrorContains(t, err, "larger than allowed")
	require.Less(t, len(err.Error()), 500)
}
