package gateway

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"errors"
	"io"
	"strings"
	"testing"
	"testing/iotest"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/ccr-sdk/ccr"
)

// taken is a file as a test sees it.
type taken struct {
	answerFile
	data string
}

// collect takes files into memory.
func collect(into *[]taken) fileEvents {
	var buf *bytes.Buffer
	return fileEvents{
		data: func(string, bool) (io.Writer, error) { buf = &bytes.Buffer{}; return buf, nil },
		end: func(f answerFile) error {
			one := taken{answerFile: f}
			if buf != nil {
				one.data = buf.String()
				buf = nil
			}
			*into = append(*into, one)
			return nil
		},
	}
}

func read(t *testing.T, text string, salvage bool) (*answer, []taken, error) {
	t.Helper()
	var files []taken
	a, err := readAnswer(strings.NewReader(text), salvage, collect(&files))
	return a, files, err
}

// php writes base64 as PHP's json_encode does.
func php(data string) string {
	return strings.ReplaceAll(base64.StdEncoding.EncodeToString([]byte(data)), "/", `\/`)
}

func TestAnswerShapes(t *testing.T) {
	t.Parallel()
	data := "\xff\xff\xff???>>>" // base64 full of slashes and pluses
	file := `{"name":"a b.xml","data":"` + php(data) + `"}`
	back := `{"data":"` + php(data) + `","name":"a b.xml"}`
	row := `{"file":"a b.xml","status":"OK","message":"Queued"}`
	for name, text := range map[string]string{
		"documented":          `{"files":[` + file + `],"message":[` + row + `]}`,
		"message first":       `{"message":[` + row + `],"files":[` + file + `]}`,
		"data first":          `{"files":[` + back + `],"message":[` + row + `]}`,
		"single objects":      `{"files":` + file + `,"message":` + row + `}`,
		"array with gaps":     `{"files":{"3":` + file + `},"message":[` + row + `]}`,
		"white space, BOM":    "\xEF\xBB\xBF \r\n{ \"files\" : [ " + file + " ] ,\n\t\"message\":[" + row + "] }\r\n",
		"unknown members":     `{"x":{"files":[1]},"files":[{"y":[{}],"name":"a b.xml","z":"\u00e9","data":"` + php(data) + `"}],"message":[` + row + `],"w":null}`,
		"escaped everywhere":  `{"\u0066iles":[{"n\u0061me":"a\u0020b.xml","data":"` + strings.ReplaceAll(php(data), "P", `\u0050`) + `"}],"message":[` + row + `]}`,
		"numbers in the rows": `{"files":[` + file + `],"message":[{"file":"a b.xml","status":"OK","message":7}]}`,
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			check := func(src io.Reader, buffer int) {
				var files []taken
				a, err := newScanner(src, buffer).answer(false, collect(&files))
				require.NoError(t, err)
				require.Len(t, files, 1)
				require.NoError(t, files[0].err)
				require.Equal(t, "a b.xml", files[0].name)
				require.Equal(t, data, files[0].data)
				require.Equal(t, int64(len(data)), files[0].size)
				require.Equal(t, 1, a.files)
				r, ok := a.row("a b.xml")
				require.True(t, ok)
				require.True(t, r.OK())
				require.Nil(t, a.refused())
			}
			for buffer := 12; buffer < len(text)+8; buffer++ {
				check(strings.NewReader(text), buffer)
			}
			check(iotest.OneByteReader(strings.NewReader(text)), 12)
			check(iotest.DataErrReader(strings.NewReader(text)), scanBuffer)
			for cut := range len(text) {
				check(io.MultiReader(strings.NewReader(text[:cut]), strings.NewReader(text[cut:])), scanBuffer)
			}
		})
	}
}

// TestAnswerMustEnd cuts an answer at every byte: none but the whole one passes.
func TestAnswerMustEnd(t *testing.T) {
	t.Parallel()
	text := `{"files":[{"name":"a","data":"` + php("hello??") + `"}],"message":[{"file":"a","status":"OK","message":"Queued"}]}`
	for cut := range len(text) {
		_, _, err := read(t, text[:cut], false)
		require.ErrorIs(t, err, ccr.ErrIncomplete, "cut at %d", cut)
	}
	for _, more := range []string{"x", "{}", "<br />", "\x00"} {
		_, _, err := read(t, text+more, false)
		require.Error(t, err)
		_, ok := errors.AsType[*syntaxError](err)
		require.True(t, ok)
	}
}

func TestAnswerFaults(t *testing.T) {
	t.Parallel()
	for name, text := range map[string]string{
		"two names":           `{"files":[{"name":"a","name":"b","data":""}]}`,
		"two data":            `{"files":[{"name":"a","data":"","data":""}]}`,
		"files twice":         `{"files":[],"files":[]}`,
		"message twice":       `{"message":"","message":""}`,
		"files is a number":   `{"files":3}`,
		"files holds strings": `{"files":["a"]}`,
		"HTML":                `<html><body>Fatal error</body></html>`,
		"warning in front":    "<br />\n<b>Warning</b>: x{y} in <b>z</b>\n{\"files\":[]}",
		"a number":            `12`,
		"a string":            `"OK"`,
	} {
		_, _, err := read(t, text, false)
		assert.Error(t, err, name)
		assert.NotErrorIs(t, err, ccr.ErrIncomplete, name)
	}
	_, _, err := read(t, "", false)
	assert.ErrorIs(t, err, ccr.ErrIncomplete)
}

func TestNoFilesInEveryShape(t *testing.T) {
	t.Parallel()
	for _, none := range []string{`[]`, `{}`, `null`, `""`, `false`} {
		a, files, err := read(t, `{"files":`+none+`}`, false)
		require.NoError(t, err, none)
		assert.Zero(t, a.files, none)
		assert.Empty(t, files, none)
		assert.True(t, a.hasFiles)
	}
	a, _, err := read(t, `{"files":[{}]}`, false)
	require.NoError(t, err)
	assert.Equal(t, 1, a.files)
}

func TestDeepAnswersAreRefused(t *testing.T) {
	t.Parallel()
	for _, begin := range []string{`{"files":`, `{"x":`, `{"message":`, `{"files":[{"x":`} {
		_, _, err := read(t, begin+strings.Repeat(`{"a":`, 1_000_000), false)
		_, ok := errors.AsType[*syntaxError](err)
		assert.True(t, ok, begin)
	}
}

func TestOneBadFileDoesNotHideTheNext(t *testing.T) {
	t.Parallel()
	a, files, err := read(t, `{"files":[{"name":"bad","data":"QUFB*"},{"name":"none"},{"name":"null","data":null},{"data":"QUFB"},{"name":5,"data":"QUFB"},{"name":"good","data":"QUFB"}]}`, false)
	require.NoError(t, err)
	require.Len(t, files, 6)
	assert.Equal(t, 6, a.files)
	assert.ErrorIs(t, files[0].err, ccr.ErrIncomplete)
	assert.False(t, files[1].hasData)
	assert.False(t, files[2].hasData)
	assert.False(t, files[3].named)
	assert.False(t, files[4].named)
	assert.Equal(t, "AAA", files[5].data)
}

func TestSalvageSkipsWarnings(t *testing.T) {
	t.Parallel()
	warning := "<br />\n<b>Warning</b>: Undefined index {0} in <b>\\/x.php</b> on line <b>3</b><br />\n"
	a, files, err := read(t, warning+`{ "files":[{"name":"a","data":"QUFB"}]}`, true)
	require.NoError(t, err)
	assert.True(t, a.preamble)
	require.Len(t, files, 1)
	assert.Equal(t, "AAA", files[0].data)
	_, _, err = read(t, warning, true)
	assert.ErrorIs(t, err, errNotJSON)
}

func TestMessageIsPolymorphic(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]answer{
		`"x"`:                           {text: "x"},
		`7`:                             {text: "7"},
		`null`:                          {},
		`[]`:                            {},
		`["a","b"]`:                     {list: []string{"a", "b"}},
		`[{"name":"a"}]`:                {rows: []Row{{File: "a"}}},
		`{"file":"a","status":true}`:    {rows: []Row{{File: "a", Status: "true"}}},
		`[{"file":null,"status":"OK"}]`: {rows: []Row{{Status: "OK"}}},
		`[[1],null,{"file":{}}]`:        {rows: []Row{{}}},
	} {
		a, _, err := read(t, `{"message":`+text+`}`, false)
		require.NoError(t, err, text)
		assert.Equal(t, want.text, a.text, text)
		assert.Equal(t, want.list, a.list, text)
		assert.Equal(t, want.rows, a.rows, text)
	}
	a, _, err := read(t, `[{"file":"a","status":"OK"}]`, false)
	require.NoError(t, err)
	assert.Len(t, a.rows, 1)
	a, _, err = read(t, `[]`, false)
	require.NoError(t, err)
	assert.Empty(t, a.rows)
}

func TestRefusals(t *testing.T) {
	t.Parallel()
	for text, refused := range map[string]bool{
		`{"message":[{"file":"a","status":"OK"}]}`:      false,
		`{"message":[{"file":"a","status":" ok "}]}`:    false,
		`{"message":[{"file":"a","status":""}]}`:        false,
		`{"message":[{"file":"a","status":"ERROR"}]}`:   true,
		`{"status":"OK","message":"x"}`:                 false,
		`{"status":"FAIL","message":"x"}`:               true,
		`{"status":401}`:                                true,
		`{"error":"no"}`:                                true,
		`{"error":{"message":"no"}}`:                    true,
		`{"error":false}`:                               false,
		`{"error":null}`:                                false,
		`{"error":""}`:                                  false,
		`{"error":0}`:                                   false,
		`{"message":"words alone say nothing certain"}`: false,
	} {
		a, _, err := read(t, text, false)
		require.NoError(t, err)
		assert.Equal(t, refused, a.refused() != nil, text)
	}
}

func TestClassesAreInferredFromWords(t *testing.T) {
	t.Parallel()
	for words, want := range map[string]error{
		"Invalid API key":          ccr.ErrUnauthorized,
		"secret does not match":    ccr.ErrUnauthorized,
		"IP address not permitted": ccr.ErrUnauthorized,
		"Access denied":            ccr.ErrUnauthorized,
		"File already exists":      ccr.ErrDuplicate,
		"File does not exist":      ccr.ErrNotFound,
		"Report not found":         ccr.ErrNotFound,
		"Invalid filename":         ccr.ErrInvalid,
		"Too many requests":        ccr.ErrRateLimited,
		"Something else":           nil,
	} {
		got := classesOf(words)
		if want == nil {
			assert.Empty(t, got, words)
		} else {
			assert.Equal(t, []error{want}, got, words)
		}
	}
}

func TestLists(t *testing.T) {
	t.Parallel()
	two := []string{"a b.xml", "c-1.xml"}
	for text, want := range map[string][]string{
		`{"numReports":0,"message":""}`:                                      nil,
		`{"numReports":"0","message":null}`:                                  nil,
		`{"numReports":0}`:                                                   nil,
		`{"numReports":0,"message":"No reports were available"}`:             nil,
		`{"numReports":1,"message":"\"a b.xml\""}`:                           {"a b.xml"},
		`{"numReports":1,"message":"a b.xml"}`:                               {"a b.xml"},
		`{"numReports":2,"message":"\"a b.xml\",\"c-1.xml\""}`:               two,
		`{"numReports":"2","message":"\"a b.xml\"; \"c-1.xml\""}`:            two,
		`{"numReports":2,"message":"\"a b.xml\" \"c-1.xml\""}`:               two,
		`{"numReports":2,"message":"\"a b.xml\"\"c-1.xml\""}`:                two,
		`{"numReports":2,"message":"\"a b.xml\"\r\n\"c-1.xml\"\r\n"}`:        two,
		`{"numReports":2,"message":"a b.xml,c-1.xml"}`:                       two,
		`{"numReports":2,"message":"a b.xml ; c-1.xml"}`:                     two,
		`{"numReports":2,"message":"a b.xml\nc-1.xml\n"}`:                    two,
		`{"numReports":2,"message":["a b.xml","c-1.xml"]}`:                   two,
		`{"numReports":2,"message":[{"file":"a b.xml"},{"name":"c-1.xml"}]}`: two,
		`{"message":"\"a b.xml\",\"c-1.xml\""}`:                              two,
		`{"numReports":1,"message":"\"semi;colon, comma.xml\""}`:             {"semi;colon, comma.xml"},
	} {
		a, _, err := read(t, text, false)
		require.NoError(t, err)
		got, listErr := a.names()
		require.Nil(t, listErr, text)
		assert.Equal(t, want, got, text)
	}
	for text, found := range map[string]int{
		`{"numReports":2,"message":"\"a\""}`:           1,
		`{"numReports":1,"message":"\"a\",\"b\""}`:     2,
		`{"numReports":2,"message":"a b"}`:             1, // never split at a space
		`{"numReports":0,"message":"\"a\""}`:           1,
		`{"numReports":3,"message":""}`:                0,
		`{"numReports":"many","message":"\"a\""}`:      1,
		`{"numReports":-1,"message":""}`:               0,
		`{"message":"Invalid API key"}`:                1,
		`{}`:                                           0,
		`{"numReports":1,"message":"\"unclosed"}`:      0,
		`{"numReports":1,"message":{"file":{"no":1}}}`: 0,
	} {
		a, _, err := read(t, text, false)
		require.NoError(t, err)
		_, listErr := a.names()
		require.NotNil(t, listErr, text)
		assert.Equal(t, found, listErr.Found, text)
		assert.NotContains(t, listErr.Error(), "Invalid")
	}
}

// FuzzAnswer reads foreign bytes whole and byte by byte: both must agree, and
// what is accepted must be JSON that encoding/json reads to the same files.
func FuzzAnswer(f *testing.F) {
	for _, seed := range []string{
		`{"files":[{"name":"a","data":"QUFB"}],"message":[{"file":"a","status":"OK","message":"Queued"}]}`,
		`{"message":"\"a\",\"b\"","numReports":"2"}`, `{"files":{"0":{"data":"\u0051Q==","name":"\ud83d\ude00"}}}`,
		`[]`, `[{"file":"a"}]`, `<br>{"files":[]}`, `{"x":[[[]]],"files":null}`, "\xEF\xBB\xBF{}", `{"files":[{"data":"Q\/=="}]}`,
	} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, text []byte) {
		var whole, single []taken
		a, err := readAnswer(bytes.NewReader(text), false, collect(&whole))
		b, err2 := newScanner(iotest.OneByteReader(bytes.NewReader(text)), 72).answer(false, collect(&single))
		require.Equal(t, err == nil, err2 == nil, "%v, %v", err, err2)
		_, _ = readAnswer(bytes.NewReader(text), true, fileEvents{})
		if err != nil {
			return
		}
		require.Equal(t, whole, single)
		require.Equal(t, a, b)
		_, _ = a.names()
		_ = a.refused()
		for _, file := range whole {
			if file.err != nil {
				return
			}
		}
		text = bytes.TrimPrefix(text, []byte("\xEF\xBB\xBF"))
		require.True(t, json.Valid(text))
		var want struct {
			Files []map[string]json.RawMessage `json:"files"`
		}
		if json.Unmarshal(text, &want) != nil || a.files != len(want.Files) {
			return // another shape
		}
		for i, file := range want.Files {
			var data string
			if json.Unmarshal(file["data"], &data) == nil && whole[i].hasData {
				decoded, err := base64.StdEncoding.DecodeString(data)
				require.NoError(t, err)
				require.Equal(t, string(decoded), whole[i].data)
			}
		}
	})
}

// FuzzList feeds the parser of listReports' text.
func FuzzList(f *testing.F) {
	for _, seed := range []string{`"a","b"`, `a;b`, "a b\r\nc", `"`, `""`, `"a""b"`, ""} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, text string) {
		for _, name := range parseList(text) {
			require.NotEmpty(t, name)
			require.NotContains(t, name, `"`)
			require.Contains(t, text, name)
		}
	})
}
