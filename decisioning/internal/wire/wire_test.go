package wire

import (
	"encoding/json"
	"math"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

type inner struct {
	Text  string         `json:"text,omitzero"`
	Extra map[string]any `json:"-"`
}

type outer struct {
	Text    string            `json:"text,omitzero"`
	Flag    bool              `json:"flag,omitzero"`
	Number  int64             `json:"number,omitzero"`
	Ratio   float64           `json:"ratio,omitzero"`
	Inner   inner             `json:"inner,omitzero"`
	Pointer *inner            `json:"pointer,omitzero"`
	List    []inner           `json:"list,omitzero"`
	Raw     json.RawMessage   `json:"raw,omitzero"`
	Map     map[string]string `json:"map,omitzero"` // left to encoding/json
	Extra   map[string]any    `json:"-"`
}

// FuzzString compares the writing of texts with encoding/json's reading.
func FuzzString(f *testing.F) {
	for _, s := range []string{"", "plain", "<&>\u2028", "\x00\x1f\"\\/\b\f\n\r\t", "é日本😀", "\xff\xc3\x28", strings.Repeat("x", 100)} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		b := appendString(nil, s)
		var back string
		require.NoError(t, json.Unmarshal(b, &back))
		theirs, err := json.Marshal(s)
		require.NoError(t, err)
		var want string
		require.NoError(t, json.Unmarshal(theirs, &want))
		require.Equal(t, want, back)
		sc := &scanner{b: b}
		inner, plain, err := sc.quoted()
		require.NoError(t, err)
		if plain {
			require.Equal(t, back, string(inner))
		} else {
			require.Equal(t, back, unquote(inner))
		}
	})
}

func TestZeroesAreKeptApartFromNothing(t *testing.T) {
	t.Parallel()
	for _, doc := range []string{
		`{}`, `{"text":"","flag":false,"number":0,"ratio":0,"inner":{},"pointer":{},"list":[],"raw":null,"map":{}}`,
		`{"text":null,"flag":null,"number":null,"ratio":null,"inner":null,"pointer":null,"list":null,"map":null}`,
		`{"text":1.50,"flag":"yes","number":1.5,"ratio":"0.10","inner":[],"pointer":7,"list":{},"raw":[ 1.0 ],"map":[1]}`,
		`{"number":"12","ratio":1e2,"list":[null,{"text":5,"other":1.0}],"map":{"a":"b"}}`,
	} {
		var v outer
		_, err := Unmarshal([]byte(doc), &v)
		require.NoError(t, err, doc)
		b, err := Marshal(v) // by value: not addressable
		require.NoError(t, err)
		assert.JSONEq(t, doc, string(b))
		b, err = Marshal(&v)
		require.NoError(t, err)
		assert.JSONEq(t, doc, string(b))
	}
	var v outer
	_, err := Unmarshal([]byte(`{"text":"","inner":{}}`), &v)
	require.NoError(t, err)
	v.Text, v.Inner.Text = "x", "y"
	b, err := Marshal(&v)
	require.NoError(t, err)
	assert.Equal(t, `{"text":"x","inner":{"text":"y"}}`, string(b))
	v.Extra["text"] = AsWritten(`{broken`)
	b, err = Marshal(&v)
	require.NoError(t, err)
	assert.Equal(t, `{"text":"x","inner":{"text":"y"}}`, string(b), "what cannot be read back never wins")
	plain, err := AsWritten(`5`).MarshalJSON()
	require.NoError(t, err)
	assert.Equal(t, "5", string(plain))
}

func TestWhatCannotBeWritten(t *testing.T) {
	t.Parallel()
	for path, v := range map[string]outer{
		"ratio":            {Ratio: math.NaN()},
		"raw":              {Raw: json.RawMessage(`{`)},
		"list[1].x":        {List: []inner{{}, {Extra: map[string]any{"x": math.Inf(1)}}}},
		"(unknown member)": {Extra: map[string]any{"jane doe": make(chan int)}},
	} {
		_, err := Marshal(&v)
		require.Error(t, err, path)
		assert.True(t, strings.HasPrefix(err.Error(), path+": "), err)
		assert.NotContains(t, err.Error(), "jane")
	}
	b, err := Marshal((*outer)(nil))
	require.NoError(t, err)
	assert.Equal(t, "null", string(b))
	_, err = Unmarshal(nil, outer{})
	require.Error(t, err)
	_, err = Unmarshal([]byte(`5`), new(outer))
	require.Error(t, err)
}

func TestMember(t *testing.T) {
	t.Parallel()
	raw, n, err := Member([]byte(` {"a": {"payload":1}, "payload" : [ 1.0 ] , "b":2} `), "payload")
	require.NoError(t, err)
	assert.Equal(t, 1, n)
	assert.Equal(t, "[ 1.0 ]", string(raw))
	_, n, err = Member([]byte(`{"payload":1,"pa\u0079load":2}`), "payload")
	require.NoError(t, err)
	assert.Equal(t, 2, n)
	for _, bad := range []string{``, `[]`, `{"payload":1`, `{"payload":1}x`} {
		_, _, err = Member([]byte(bad), "payload")
		require.Error(t, err, bad)
	}
}
