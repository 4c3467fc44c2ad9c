package bacs

import (
	"bytes"
	"fmt"
	"log/slog"
	"reflect"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/ccr-sdk/ccr"
)

var verbs = []string{"%v", "%+v", "%#v", "%s", "%q", "%d", "%x", "%T %v"}

// printed gives every printed and logged form of a value.
func printed(v any) string {
	var out bytes.Buffer
	for _, verb := range verbs {
		fmt.Fprintf(&out, verb+"\n", v)
	}
	fmt.Fprintln(&out, v)
	timeless := &slog.HandlerOptions{ReplaceAttr: func(_ []string, a slog.Attr) slog.Attr {
		if a.Key == slog.TimeKey {
			return slog.Attr{} // its digits could look like a mark
		}
		return a
	}}
	for _, h := range []slog.Handler{slog.NewTextHandler(&out, timeless), slog.NewJSONHandler(&out, timeless)} {
		slog.New(h).Info("x", "v", v, slog.Any("any", v), slog.Group("g", "v", v))
	}
	return out.String()
}

func assertNoMarks(t *testing.T, where, text string) {
	t.Helper()
	for _, mark := range marks {
		if strings.Contains(text, mark) {
			t.Errorf("%s shows %s:\n%s", where, mark, text[:min(len(text), 600)])
			return
		}
	}
}

// leaves visits every exported value of this package inside v.
func leaves(v reflect.Value, seen map[any]bool, visit func(reflect.Value)) {
	switch v.Kind() {
	case reflect.Pointer:
		if v.IsNil() || seen[v.Interface()] {
			return
		}
		seen[v.Interface()] = true
		visit(v)
		leaves(v.Elem(), seen, visit)
	case reflect.Struct:
		if !strings.HasSuffix(v.Type().PkgPath(), "/bacs") {
			return
		}
		visit(v)
		for i := range v.NumField() {
			if v.Type().Field(i).IsExported() {
				leaves(v.Field(i), seen, visit)
			}
		}
	case reflect.Slice:
		visit(v)
		for i := range v.Len() {
			leaves(v.Index(i), seen, visit)
		}
	}
}

// No printed or logged form of anything in a report shows personal data.
func TestNothingPrintsPersonalData(t *testing.T) {
	t.Parallel()
	types := map[string]bool{}
	for _, f := range fixtures() {
		doc := f.doc.inside("Data", el("Novelty", "who", "Zoë "+markName).saying(markRef)).render(styleUTF8)
		report := mustParse(t, doc)
		require.Contains(t, asJSON(t, report), "Zoë", "encoding/json writes it: that is an explicit act")
		leaves(reflect.ValueOf(report), map[any]bool{}, func(v reflect.Value) {
			// encoding/json writes plain slices in full, and so does slog's JSON
			// handler; only lists keep quiet.
			if v.Kind() == reflect.Slice {
				if strings.HasPrefix(v.Type().Name(), "List[") {
					assertNoMarks(t, v.Type().String(), printed(v.Interface()))
				} else if v.Type().Elem().PkgPath() != "" {
					assertNoMarks(t, v.Type().String(), fmt.Sprintf("%v %+v %#v", v.Interface(), v.Interface(), v.Interface()))
				}
				return
			}
			types[v.Type().String()] = true
			assertNoMarks(t, f.name+" "+v.Type().String(), printed(v.Interface()))
			if v.Kind() == reflect.Struct {
				for _, method := range []string{"Affected", "Reason", "Verdict"} {
					if m := v.Addr().MethodByName(method); m.IsValid() {
						assertNoMarks(t, method, printed(m.Call(nil)[0].Interface()))
					}
				}
			}
		})
		list, r, err := collect(bytes.NewReader(doc))
		require.NoError(t, err)
		assertNoMarks(t, "Reader", printed(r))
		for _, rec := range list {
			assertNoMarks(t, fmt.Sprintf("%T", rec), printed(rec))
			assertNoMarks(t, fmt.Sprintf("%T in a struct", rec), fmt.Sprintf("%+v", struct{ Rec Record }{rec}))
		}
	}
	// Each exported type that can hold such data was among them.
	for _, want := range []any{
		Report{}, Header{}, ServiceUser{}, Addressee{}, Account{}, Element{}, Attr{}, Signature{}, Other{}, ReturnedDebit{}, ReturnTotals{}, Advice{}, FileAdvice{},
		FileMessage{}, Claim{}, Collection{}, ClaimSection{}, Submission{}, InputFile{}, InputError{}, ErrorItem{}, ErrorText{}, Day{}, DayRecord{}, Entry{}, EntryTotals{},
		FileTotals{}, AccountTotal{},
	} {
		assert.True(t, types[reflect.TypeOf(want).String()], "%T was not printed", want)
	}
}

// A hostile report cannot smuggle text into a log through a code.
func TestPrintedCodesAreCodes(t *testing.T) {
	t.Parallel()
	for _, code := range []string{markName, "x\ny", markName + markName, "a b"} {
		for _, v := range []any{
			&ReturnedDebit{ReturnCode: code}, &Advice{ReasonCode: code, Report: KindADDACS}, &FileAdvice{ErrorCode: code}, &Claim{ReasonCode: code},
			&InputError{Items: []ErrorItem{{Code: code}}}, ErrorItem{Code: code}, Header{ReportType: code, AdviceType: code, ServiceUser: ServiceUser{Number: code}},
		} {
			text := fmt.Sprint(v)
			assert.NotContains(t, text, code)
			assert.NotContains(t, text, "\n")
		}
	}
	assert.Equal(t, "advice, ADDACS 1: the payer has cancelled the instruction", fmt.Sprint(&Advice{Report: KindADDACS, ReasonCode: "1"}))
	assert.Equal(t, "file of service user 901234: 0 amended, 1 returned, 0 rejected, 1 errors listed, clean: false",
		fmt.Sprint(&InputFile{ServiceUser: ServiceUser{Number: "901234"}, Errors: &ErrorTotals{Returned: 1}, Listed: 1}))
	assert.Equal(t, "returned debit, ARUDD: no reason code, 1 unreadable values", fmt.Sprint(&ReturnedDebit{Faults: []ccr.FieldError{{Path: "x"}}}))
	assert.Equal(t, "unknown", fmt.Sprint(KindUnknown))
	assert.Equal(t, "<nil>", fmt.Sprint((*ReturnedDebit)(nil)))
	assert.Equal(t, "no reader", (*Reader)(nil).String())
	assert.Equal(t, "windows-1252", fmt.Sprint(Encoding{Used: "windows-1252"}))
	assert.Equal(t, notPrinted, fmt.Sprintf("%d", Element{Name: "BACSDocument", Children: []Element{{}}}))
	assert.Equal(t, "list of 2", fmt.Sprint(List[int]{1, 2}))
}

// However a document is broken, the error does not quote it.
func TestErrorsQuoteNothing(t *testing.T) {
	t.Parallel()
	step := 31
	if testing.Short() {
		step = 31 * 7
	}
	for _, f := range fixtures() {
		doc := f.doc.render(style{declaration: declUTF8, flat: true})
		for i := range doc {
			for _, c := range []byte{'<', '>', '"', '&', 0, 'x'} {
				if (i+int(c))%step != 0 {
					continue
				}
				broken := bytes.Clone(doc)
				broken[i] = c
				report, err := Parse(bytes.NewReader(broken))
				if err == nil {
					err = report.Err()
				}
				if err != nil {
					assertNoMarks(t, f.name, fmt.Sprintf("%v %+v %#v", err, err, err))
				}
			}
		}
	}
	_, err := Parse(strings.NewReader("<" + markName + "><x/>"))
	require.Error(t, err)
	assertNoMarks(t, "root", err.Error())
	_, err = Parse(strings.NewReader("<BACSDocument>"))
	assert.ErrorContains(t, err, "<BACSDocument>")
}
