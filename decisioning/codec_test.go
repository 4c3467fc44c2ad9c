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

	jsonv2 "github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/ccr-sdk/ccr"
	"github.com/ccr-sdk/ccr/decisioning"
)

// object reports whether t is one of the package's objects.
func object(t reflect.Type) bool {
	if t.Kind() != reflect.Struct {
		return false
	}
	f, ok := t.FieldByName("Extra")
	return ok && f.Type == reflect.TypeFor[map[string]jsontext.Value]()
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
	dec.UseNumber()
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

// checkCodec holds for every input: what is no JSON is refused; what is, is read
// as encoding/json reads it; and what was read is written so that it reads the
// same again, unknown members and digits included.
func checkCodec[T any](t *testing.T, data []byte) {
	t.Helper()
	ours := new(T)
	unexpected, err := decisioning.Decode(data, ours)
	if !json.Valid(data) {
		require.Error(t, err)
		return
	}
	names, twice := members(data)
	if twice && string(bytes.TrimSpace(data)) != "null" {
		require.Error(t, err, "a name that occurs twice")
	}
	if err != nil {
		require.Zero(t, *ours)
		return // not an object, an amount that is none, too deep, or a name twice
	}
	written, err := decisioning.Encode(ours)
	require.NoError(t, err)
	require.True(t, json.Valid(written), "%s", written)
	again := new(T)
	more, err := decisioning.Decode(written, again)
	require.NoError(t, err)
	require.Empty(t, more)
	twiceWritten, err := decisioning.Encode(again)
	require.NoError(t, err)
	require.Equal(t, string(written), string(twiceWritten))

	bare := reflect.New(bareOf(reflect.TypeFor[T]()))
	if json.Unmarshal(data, bare.Interface()) != nil {
		return // of another type somewhere
	}
	require.Empty(t, unexpected)
	if !otherCase(names, reflect.TypeFor[T]()) {
		assertSame(t, "", reflect.ValueOf(ours).Elem(), bare.Elem())
	}
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
		back, err := decisioning.ReadProfile(bytes.NewReader(again))
		require.NoError(t, err)
		same, err := json.Marshal(back)
		require.NoError(t, err)
		require.Equal(t, string(again), string(same))
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
	in := decisioning.NewCustomer{CustomIdentifier: "C", Extra: map[string]jsontext.Value{
		"customIdentifier": nil, "custom_identifier": jsontext.Value(`"C"`), "a": jsontext.Value(`{"b": 1}`), "raw": jsontext.Value(`1.0`),
	}}
	b, err := decisioning.EncodeRequest(&in)
	require.NoError(t, err)
	assert.Equal(t, `{"a":{"b":1},"customIdentifier":null,"custom_identifier":"C","raw":1.0}`, string(b))
	assert.Equal(t, "C", in.CustomIdentifier, "the caller's object is left as it was")

	nested := decisioning.AnalysisInput{Accounts: []decisioning.Account{{ID: "a", Currency: "EUR", Extra: map[string]jsontext.Value{"currency": jsontext.Value(`"GBP"`)}}}}
	b, err = decisioning.EncodeRequest(&nested)
	require.NoError(t, err)
	assert.Equal(t, `{"accounts":[{"id":"a","currency":"GBP"}]}`, string(b))

	_, err = decisioning.EncodeRequest(&decisioning.NewCustomer{Extra: map[string]jsontext.Value{"x": jsontext.Value(`{"hush`)}})
	require.Error(t, err)
	assert.NotContains(t, err.Error(), "hush")
}

// TestEveryFieldIsOmittedWhenUnset: Extra can win over a field only if an unset one is not
// written.
func TestEveryFieldIsOmittedWhenUnset(t *testing.T) {
	t.Parallel()
	for typ := range objects() {
		for i := range typ.NumField() {
			if tag := typ.Field(i).Tag.Get("json"); tag != "-" && tag != ",embed" {
				assert.True(t, strings.HasSuffix(tag, ",omitzero"), "%s.%s", typ, typ.Field(i).Name)
			}
		}
	}
}

func TestSecretsAreSentButNotPrinted(t *testing.T) {
	t.Parallel()
	n := decisioning.NewCustomer{AggregationDetails: &decisioning.AggregationDetails{Token: ccr.NewSecret("hush")}}
	sent, err := decisioning.EncodeRequest(&n)
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

func TestMembersOfUnexpectedTypeAreLeftUnset(t *testing.T) {
	t.Parallel()
	tests := map[string]struct {
		document, want string
		paths          []string
	}{
		"an object for a number, an array for an object": {
			`{"id":"x","metadata":{"calendar":[{"month":"2026-01"},7],"historicalDepth":{}},"scores":[],"zz":1.50}`,
			`{"id":"x","metadata":{"calendar":[{"month":"2026-01"},{}]},"zz":1.50}`,
			[]string{"metadata.calendar[1]", "metadata.historicalDepth", "scores"},
		},
		"in every element, one mend": {
			`{"accounts":[` + strings.Repeat(`{"bank":7,"transactions":[{"description":[],"amount":1.10},{"description":"kept"}]},`, 99) + `{}]}`,
			`{"accounts":[` + strings.Repeat(`{"transactions":[{"amount":1.10},{"description":"kept"}]},`, 99) + `{}]}`, nil,
		},
		"a number for a text, a text for a number": {
			`{"id":924,"name":true,"metadata":{"historicalDepth":"90","numberOfLoans":"many","calendar":[{"nbDays":"3"},{"nbDays":4}]}}`,
			`{"id":"924","name":"true","metadata":{"historicalDepth":90,"calendar":[{"nbDays":3},{"nbDays":4}]}}`,
			[]string{"metadata.numberOfLoans"},
		},
		"a number that does not fit": {
			`{"metadata":{"historicalDepth":1.5,"monthlyTransactionCount":1e400,"calendar":[{"nbDays":9223372036854775808},{"nbDays":2}]}}`,
			`{"metadata":{"calendar":[{},{"nbDays":2}]}}`,
			[]string{"metadata.historicalDepth", "metadata.monthlyTransactionCount", "metadata.calendar[0].nbDays"},
		},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var a decisioning.Analysis
			paths, err := decisioning.Decode([]byte(tt.document), &a)
			require.NoError(t, err)
			if tt.paths != nil {
				assert.Equal(t, tt.paths, paths)
			} else {
				assert.Len(t, paths, 2*99)
			}
			b, err := json.Marshal(a)
			require.NoError(t, err)
			assert.JSONEq(t, tt.want, string(b))
			assert.Equal(t, strings.Count(tt.want, "1.10"), strings.Count(string(b), "1.10"))
		})
	}
}

// TestDocumentsThatAreRefused: each by what is wrong, and none is quoted.
func TestDocumentsThatAreRefused(t *testing.T) {
	t.Parallel()
	many := map[string]any{}
	for typ, names := reflect.TypeFor[decisioning.Account](), 0; names < typ.NumField(); names++ {
		name, _, _ := strings.Cut(typ.Field(names).Tag.Get("json"), ",")
		if name != "" && !strings.Contains("balance coming", name) {
			many[name] = []any{[]int{1}}
		}
	}
	unreadable, err := json.Marshal(map[string]any{"accounts": []any{many}, "error": 1, "metadata": 1, "scores": 1, "creditInsights": 1, "parameters": 1,
		"id": []int{}, "name": []int{}, "userId": []int{}, "status": []int{}, "source": []int{}, "dataOrigin": []int{}, "customerId": []int{}, "projectId": []int{}, "organizationId": []int{}})
	require.NoError(t, err)
	for document, want := range map[string]string{
		`{"accounts":[{},{"transactions":[{"amount":"hush"}]}]}`: "accounts[1].transactions[0].amount: not an amount",
		`{"accounts":[{"balance":{"hush":1}}]}`:                  "accounts[0].balance: not an amount",
		`{"accounts":[7,{"balance":true}]}`:                      "accounts[1].balance: not an amount",
		`{"accounts":{"hush":1},"accounts":[]}`:                  "a name occurs twice",
		`{"hush":{"hush":1,"hush":2}}`:                           "a name occurs twice",
		`["hush"]`:                                               "another type",
		`"hush"`:                                                 "another type",
		`{"hush":}`:                                              "not JSON, at byte",
		`{"id":"hush"} {}`:                                       "not JSON",
		``:                                                       "not JSON",
		`{"x":` + strings.Repeat("[", 20_000) + strings.Repeat("]", 20_000) + `}`: "not JSON",
		string(unreadable): "too many members",
	} {
		a := decisioning.Analysis{ID: "before"}
		_, err := decisioning.Decode([]byte(document), &a)
		require.Error(t, err, "%.60s", document)
		assert.Contains(t, err.Error(), want, "%.60s", document)
		assert.NotContains(t, err.Error(), "hush")
		assert.Zero(t, a)
	}
}

// TestInvalidUTF8IsReplaced: a label that was cut in the middle of a character
// does not cost the analysis.
func TestInvalidUTF8IsReplaced(t *testing.T) {
	t.Parallel()
	var tx decisioning.Transaction
	require.NoError(t, json.Unmarshal([]byte(`{"description":"caf\ud83d","comment":"a`+"\xff"+`b","zz":"\ud800"}`), &tx))
	assert.Equal(t, "caf\ufffd", tx.Description)
	assert.Equal(t, "a\ufffdb", tx.Comment)
}

// TestBothEngines reads and writes each type through encoding/json and through
// the engine: both give the same.
func TestBothEngines(t *testing.T) {
	t.Parallel()
	for typ := range objects() {
		document := []byte(sampleOf(typ, 4))
		v1, v2 := reflect.New(typ), reflect.New(typ)
		require.NoError(t, json.Unmarshal(document, v1.Interface()), "%s %s", typ, document)
		require.NoError(t, jsonv2.Unmarshal(document, v2.Interface()), "%s %s", typ, document)
		b1, err := json.Marshal(v1.Interface())
		require.NoError(t, err)
		b2, err := jsonv2.Marshal(v2.Interface(), jsonv2.Deterministic(true))
		require.NoError(t, err)
		assert.JSONEq(t, strings.ReplaceAll(string(document), "hush", "[redacted]"), string(b1), typ.String())
		assert.JSONEq(t, string(b1), string(b2), typ.String())
		assert.Equal(t, strings.Count(string(document), "1.50"), strings.Count(string(b1), "1.50"), "%s", b1)
	}
}

// sampleOf writes a document with every member of a type, and one more.
func sampleOf(t reflect.Type, depth int) string {
	switch {
	case t == reflect.TypeFor[ccr.Amount]():
		return "1.50"
	case t == reflect.TypeFor[ccr.DateTime]():
		return `"2026-01-31T12:00:00.000Z"`
	case t == reflect.TypeFor[ccr.Secret]():
		return `"hush"`
	case t.Kind() == reflect.Slice && t.Elem().Kind() == reflect.Uint8:
		return `{"raw":[1.50,null]}`
	}
	switch t.Kind() {
	case reflect.Pointer:
		return sampleOf(t.Elem(), depth)
	case reflect.Slice:
		return "[" + sampleOf(t.Elem(), depth) + "]"
	case reflect.String:
		return `"text"`
	case reflect.Bool:
		return "true"
	case reflect.Struct:
		members := []string{`"zzUnknown":{"a":[1.50,null]}`}
		for i := range t.NumField() {
			name, _, _ := strings.Cut(t.Field(i).Tag.Get("json"), ",")
			if name != "" && name != "-" && name != "format" && depth > 0 {
				members = append(members, strconv.Quote(name)+":"+sampleOf(t.Field(i).Type, depth-1))
			}
		}
		return "{" + strings.Join(members, ",") + "}"
	default:
		return "7"
	}
}
