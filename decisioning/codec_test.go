package decisioning_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"os"
	"path/filepath"
	"reflect"
	"strconv"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/ccr-sdk/ccr"
	"github.com/ccr-sdk/ccr/decisioning"
	"github.com/ccr-sdk/ccr/decisioning/internal/wire"
)

// object reports whether t is one of the package's objects.
func object(t reflect.Type) bool {
	if t.Kind() != reflect.Struct {
		return false
	}
	f, ok := t.FieldByName("Extra")
	return ok && f.Type == reflect.TypeFor[map[string]any]()
}

// bareOf is t without methods and Extra, for encoding/json to read by itself.
func bareOf(t reflect.Type) reflect.Type {
	switch {
	case t.Kind() == reflect.Pointer:
		return reflect.PointerTo(bareOf(t.Elem()))
	case t.Kind() == reflect.Slice && t.Elem().Kind() != reflect.Uint8:
		return reflect.SliceOf(bareOf(t.Elem()))
	case !object(t):
		return t
	}
	var fields []reflect.StructField
	for i := range t.NumField() {
		f := t.Field(i)
		if f.Name == "Extra" || f.Tag.Get("json") == "-" || f.Type == reflect.TypeFor[ccr.Secret]() {
			continue
		}
		fields = append(fields, reflect.StructField{Name: f.Name, Type: bareOf(f.Type), Tag: f.Tag})
	}
	return reflect.StructOf(fields)
}

// assertSame compares what the package read with what encoding/json read.
func assertSame(t *testing.T, path string, ours, bare reflect.Value) {
	t.Helper()
	switch {
	case ours.Kind() == reflect.Pointer:
		require.Equal(t, bare.IsNil(), ours.IsNil(), path)
		if !ours.IsNil() {
			assertSame(t, path, ours.Elem(), bare.Elem())
		}
	case ours.Kind() == reflect.Slice && ours.Type().Elem().Kind() != reflect.Uint8:
		require.Equal(t, bare.IsNil(), ours.IsNil(), path)
		require.Equal(t, bare.Len(), ours.Len(), path)
		for i := range ours.Len() {
			assertSame(t, path+"["+strconv.Itoa(i)+"]", ours.Index(i), bare.Index(i))
		}
	case object(ours.Type()):
		for i := range bare.NumField() {
			name := bare.Type().Field(i).Name
			assertSame(t, path+"."+name, ours.FieldByName(name), bare.Field(i))
		}
	default:
		require.Equal(t, bare.Interface(), ours.Interface(), path)
	}
}

// members returns the names in a document, and whether any occurs twice in
// one object.
func members(data []byte) (names []string, twice bool) {
	dec := json.NewDecoder(bytes.NewReader(data))
	type level struct {
		object bool
		value  bool
		seen   map[string]bool
	}
	var stack []level
	for {
		token, err := dec.Token()
		if errors.Is(err, io.EOF) {
			return names, twice
		}
		if err != nil {
			return names, true
		}
		if n := len(stack); n > 0 && stack[n-1].object {
			top := &stack[n-1]
			if s, ok := token.(string); ok && !top.value {
				names = append(names, s)
				twice = twice || top.seen[s]
				top.seen[s], top.value = true, true
				continue
			}
			top.value = false
		}
		switch token {
		case json.Delim('{'):
			stack = append(stack, level{object: true, seen: map[string]bool{}})
		case json.Delim('['):
			stack = append(stack, level{})
		case json.Delim('}'), json.Delim(']'):
			stack = stack[:len(stack)-1]
		}
	}
}

// otherCase reports whether a name differs from a tag in its case alone: there
// encoding/json is lenient and the package is not.
func otherCase(names []string, t reflect.Type) bool {
	known := map[string]string{}
	var walk func(reflect.Type)
	walk = func(t reflect.Type) {
		for t.Kind() == reflect.Pointer || t.Kind() == reflect.Slice {
			t = t.Elem()
		}
		if !object(t) {
			return
		}
		for i := range t.NumField() {
			name, _, _ := strings.Cut(t.Field(i).Tag.Get("json"), ",")
			known[strings.ToLower(name)] = name
			walk(t.Field(i).Type)
		}
	}
	walk(t)
	for _, n := range names {
		for lower, name := range known {
			if n != name && strings.EqualFold(n, lower) {
				return true
			}
		}
	}
	return false
}

// canonical makes documents comparable: numbers by their value, exactly.
func canonical(t *testing.T, data []byte) any {
	t.Helper()
	dec := json.NewDecoder(bytes.NewReader(data))
	dec.UseNumber()
	var v any
	require.NoError(t, dec.Decode(&v), "%.200s", data)
	var walk func(any) any
	walk = func(v any) any {
		switch v := v.(type) {
		case json.Number:
			return number(v.String())
		case []any:
			for i := range v {
				v[i] = walk(v[i])
			}
		case map[string]any:
			for k := range v {
				v[k] = walk(v[k])
			}
		}
		return v
	}
	return walk(v)
}

// number writes a JSON number as digits and exponent without zeros at the
// ends, so that 1.50e1 and 15 are the same.
func number(s string) string {
	sign := ""
	if strings.HasPrefix(s, "-") {
		sign, s = "-", s[1:]
	}
	s = strings.ToLower(s)
	mantissa, exponent, _ := strings.Cut(s, "e")
	whole, frac, _ := strings.Cut(mantissa, ".")
	exp, err := strconv.ParseInt(strings.TrimPrefix(exponent, "+"), 10, 64)
	if err != nil && exponent != "" {
		return sign + s
	}
	digits := strings.TrimLeft(whole+frac, "0")
	trimmed := strings.TrimRight(digits, "0")
	exp += int64(len(digits)-len(trimmed)) - int64(len(frac))
	if trimmed == "" {
		return "number 0"
	}
	return "number " + sign + trimmed + "e" + strconv.FormatInt(exp, 10)
}

// checkCodec holds for every input: what is not JSON is refused; what is, is
// read as encoding/json reads it, and written again without loss.
func checkCodec[T any](t *testing.T, data []byte) {
	t.Helper()
	ours := new(T)
	_, err := wire.Unmarshal(data, ours)
	if !json.Valid(data) {
		require.Error(t, err)
		return
	}
	if err != nil {
		return // not an object, an amount that is none, or nested too deeply
	}
	names, twice := members(data)
	again, err := wire.Marshal(ours)
	require.NoError(t, err)
	require.True(t, json.Valid(again), "%s", again)
	if twice || string(bytes.TrimSpace(data)) == "null" {
		return
	}
	require.Equal(t, canonical(t, data), canonical(t, again))

	bare := reflect.New(bareOf(reflect.TypeFor[T]()))
	if json.Unmarshal(data, bare.Interface()) != nil || otherCase(names, reflect.TypeFor[T]()) {
		return
	}
	assertSame(t, "", reflect.ValueOf(ours).Elem(), bare.Elem())
}

// oddities are documents that a decoder could get wrong.
func oddities() []string {
	return []string{
		`{}`, `null`, `[]`, ``, ` {"id" : "x" } `, `{"id":"x"}}`, `{"id":"x",}`, `{"id" "x"}`, `{"id":}`, `{1:2}`,
		`{"id":null,"status":"","scores":{},"accounts":[]}`,
		`{"id":924,"status":true,"error":{"code":5}}`,
		`{"id":{"a":1},"scores":[1],"accounts":{"a":[]},"metadata":"none"}`,
		`{"accounts":[{"balance":0.10,"coming":"1.50","currency":"EUR"},null,{"balance":1e3},{"balance":-0}]}`,
		`{"accounts":[{"balance":"x"}]}`, `{"accounts":[{"balance":{}}]}`, `{"accounts":[{"balance":true}]}`,
		`{"accounts":[{"transactions":[{"amount":-12.340,"isComing":false,"dates":{},"extra":[1.0,2.50]}]}]}`,
		`{"id":"a","id":"b","x":1,"x":2}`, `{"createdAt":"2022-04-04T13:32:10.891Z","updatedAt":"2020-09-10T08:42:41.783+0000"}`,
		`{"createdAt":5,"updatedAt":{}}`, `{"createdAt":""}`,
		`{"id":"\u00e9\ud83d\ude00\n","na\u006de":"<&>","caf\u00e9":1}`, "{\"id\":\"\xff\xfe\"}", `{"id":"\ud800"}`,
		`{"id":"\x"}`, `{"id":"\u12"}`, "{\"id\":\"a\nb\"}", `{"id":"unterminated`, `{"metadata":{"historicalDepth":"90","calendar":[{"nbDays":0}]}}`,
		`{"metadata":{"historicalDepth":1.5,"monthlyTransactionCount":0.1e1}}`, `{"metadata":{"historicalDepth":0,"calendar":[1]}}`,
		`{"scores":{"creditScore":{"value":712.50,"indicators":{"livingStandard":-0}}}}`, `{"scores":{"creditScore":{"value":"712"}}}`,
		`{"scores":{"creditScore":{"value":1e400}}}`, `{"scores":{"creditScore":{"value":12345678901234567890.5}}}`,
		`{"creditInsights":{"essentials":{"mainIncome":{"amount":1},"redFlags":null,"activityScore":12}}}`,
		`{"id":tru}`, `{"id":nul`, `{"id":-}`, `{"id":01}`, `{"id":1.}`, `{"id":1e}`, `{"id":+1}`, `{"ID":"case"}`,
		strings.Repeat("[", 2000), `{"x":` + strings.Repeat("[", 999) + strings.Repeat("]", 999) + `}`,
	}
}

func seeds(f *testing.F) {
	f.Helper()
	for _, s := range oddities() {
		f.Add([]byte(s))
	}
	files, err := filepath.Glob("testdata/*.json")
	require.NoError(f, err)
	for _, name := range files {
		b, err := os.ReadFile(name)
		require.NoError(f, err)
		f.Add(b)
	}
}

func FuzzAnalysis(f *testing.F) {
	seeds(f)
	f.Fuzz(func(t *testing.T, data []byte) { checkCodec[decisioning.Analysis](t, data) })
}

func FuzzTransactions(f *testing.F) {
	for _, s := range oddities() {
		f.Add([]byte(`{"transactions":[` + s + `]}`))
	}
	f.Add([]byte(`{"transactions":[{"id":"a","amount":-1.10,"dates":{"bookedAt":"2026-01-01T00:00:00.000Z"},"enrichments":{"category":"WAGE","isRejected":false,"relatedTransactions":{}}}]}`))
	f.Fuzz(func(t *testing.T, data []byte) { checkCodec[decisioning.Account](t, data) })
}

func FuzzCustomer(f *testing.F) {
	seeds(f)
	f.Add([]byte(`{"personalDetails":{"contact":{"zipCode":75002}},"isArchived":false,"storage":{"type":"DEMO"}}`))
	f.Fuzz(func(t *testing.T, data []byte) { checkCodec[decisioning.Customer](t, data) })
}

// FuzzProfile also holds the files of aggregators to the promise.
func FuzzProfile(f *testing.F) {
	seeds(f)
	f.Add([]byte(`{"format":"TINK_V2","accounts":[{"balance":{"amount":1}}]}`))
	f.Add([]byte(`{"format":"BUDGET_INSIGHT_V2_0","connections":[{"accounts":[]}],"extra":0.10}`))
	f.Fuzz(func(t *testing.T, data []byte) {
		in, err := decisioning.ReadProfile(bytes.NewReader(data))
		if err != nil {
			e, ok := errors.AsType[*ccr.Error](err)
			require.True(t, ok)
			require.Equal(t, ccr.OutcomeNotSent, e.Outcome)
			return
		}
		again, err := json.Marshal(in)
		require.NoError(t, err)
		if _, twice := members(data); !twice {
			require.Equal(t, canonical(t, data), canonical(t, again))
		}
	})
}

// Every object of the package, found from what the calls return and take.
func objects() map[reflect.Type]bool {
	found := map[reflect.Type]bool{}
	var walk func(reflect.Type)
	walk = func(t reflect.Type) {
		for t.Kind() == reflect.Pointer || t.Kind() == reflect.Slice {
			t = t.Elem()
		}
		if !object(t) || found[t] {
			return
		}
		found[t] = true
		for i := range t.NumField() {
			walk(t.Field(i).Type)
		}
	}
	api := reflect.TypeFor[decisioning.API]()
	for i := range api.NumMethod() {
		m := api.Method(i).Type
		for j := range m.NumOut() {
			walk(m.Out(j))
			// Lists and pollers are reached by what they yield.
			for _, name := range []string{"Page", "Poll"} {
				if get, ok := m.Out(j).MethodByName(name); ok && get.Type.NumOut() > 0 {
					out := get.Type.Out(0)
					if out.Kind() == reflect.Struct && !object(out) {
						if f, ok := out.FieldByName("Items"); ok {
							out = f.Type
						}
					}
					walk(out)
				}
			}
		}
		for j := range m.NumIn() {
			walk(m.In(j))
		}
	}
	return found
}

func TestEveryObjectKeepsUnknownMembers(t *testing.T) {
	t.Parallel()
	all := objects()
	assert.Greater(t, len(all), 45)
	for typ := range all {
		v := reflect.New(typ)
		require.NoError(t, json.Unmarshal([]byte(`{"zzUnknown":{"a":[1.50,null]},"zz2":"<x>"}`), v.Interface()), typ)
		b, err := json.Marshal(v.Interface())
		require.NoError(t, err)
		assert.JSONEq(t, `{"zzUnknown":{"a":[1.50,null]},"zz2":"<x>"}`, string(b), typ.String())
		assert.Contains(t, string(b), "1.50", typ.String())
		b, err = json.Marshal(v.Elem().Interface()) // by value, too
		require.NoError(t, err)
		assert.Contains(t, string(b), "zzUnknown", typ.String())
	}
}

func TestChangedFieldWinsOverWhatWasRead(t *testing.T) {
	t.Parallel()
	var a decisioning.Account
	require.NoError(t, json.Unmarshal([]byte(`{"id":924,"name":null,"balance":"10.50","owner":"x"}`), &a))
	assert.Equal(t, "924", a.ID)
	assert.Equal(t, "10.50", a.Balance.String())
	assert.Equal(t, decisioning.AsWritten("924"), a.Extra["id"])
	same, err := json.Marshal(a)
	require.NoError(t, err)
	assert.JSONEq(t, `{"id":924,"name":null,"balance":"10.50","owner":"x"}`, string(same))

	a.ID, a.Name = "925", "new"
	require.NoError(t, a.Balance.UnmarshalText([]byte("11")))
	changed, err := json.Marshal(a)
	require.NoError(t, err)
	assert.JSONEq(t, `{"id":"925","name":"new","balance":11,"owner":"x"}`, string(changed))
}

func TestReadingReplacesWhatWasThere(t *testing.T) {
	t.Parallel()
	var c decisioning.Customer
	require.NoError(t, json.Unmarshal([]byte(`{"id":"a","isArchived":null,"x":1}`), &c))
	require.NoError(t, json.Unmarshal([]byte(`{"customIdentifier":"b"}`), &c))
	assert.Equal(t, decisioning.Customer{CustomIdentifier: "b"}, c)
	require.NoError(t, json.Unmarshal([]byte(`null`), &c))
	assert.Equal(t, "b", c.CustomIdentifier)
}

func TestExtraAddsRenamesAndNulls(t *testing.T) {
	t.Parallel()
	in := decisioning.NewCustomer{CustomIdentifier: "C", Extra: map[string]any{
		"customIdentifier": nil, "custom_identifier": "C", "a": map[string]any{"b": 1}, "raw": json.RawMessage(`1.0`),
	}}
	b, err := wire.MarshalRequest(&in)
	require.NoError(t, err)
	assert.Equal(t, `{"customIdentifier":null,"a":{"b":1},"custom_identifier":"C","raw":1.0}`, string(b))

	for name, bad := range map[string]any{"invalid JSON": json.RawMessage(`{`), "not JSON": func() {}, "a secret": ccr.NewSecret("hush")} {
		_, err := wire.MarshalRequest(&decisioning.NewCustomer{Extra: map[string]any{"x": bad}})
		require.Error(t, err, name)
		assert.NotContains(t, err.Error(), "hush")
	}
}

func TestSecretsAreSentButNotPrinted(t *testing.T) {
	t.Parallel()
	n := decisioning.NewCustomer{AggregationDetails: &decisioning.AggregationDetails{Token: ccr.NewSecret("hush")}}
	sent, err := wire.MarshalRequest(&n)
	require.NoError(t, err)
	assert.Contains(t, string(sent), `"token":"hush"`)
	shown, err := json.Marshal(n.AggregationDetails)
	require.NoError(t, err)
	assert.NotContains(t, string(shown), "hush")
	var back decisioning.AggregationDetails
	require.NoError(t, json.Unmarshal([]byte(`{"token":"hush"}`), &back))
	text, err := back.Token.Reveal()
	require.NoError(t, err)
	assert.Equal(t, "hush", text)
	assert.Empty(t, back.Extra, "no copy of it is kept in clear")
}

func TestMembersOfUnexpectedTypeAreReported(t *testing.T) {
	t.Parallel()
	var a decisioning.Analysis
	odd, err := wire.Unmarshal([]byte(`{"id":"x","metadata":{"calendar":[{"month":"2026-01"},7],"historicalDepth":{}},"scores":[]}`), &a)
	require.NoError(t, err)
	assert.Equal(t, []string{"metadata.calendar[1]", "metadata.historicalDepth", "scores"}, odd)
	assert.Equal(t, "2026-01", a.Metadata.Calendar[0].Month)
	_, err = wire.Unmarshal([]byte(`{"accounts":[{},{"transactions":[{"amount":"secret text"}]}]}`), &a)
	require.Error(t, err)
	assert.Contains(t, err.Error(), "accounts[1].transactions[0].amount: not an amount")
	assert.NotContains(t, err.Error(), "secret text")
}
