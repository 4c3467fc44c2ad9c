package bacs

import (
	"bytes"
	"encoding/json"
	"encoding/xml"
	"errors"
	"flag"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"testing/iotest"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/ccr-sdk/ccr"
)

var update = flag.Bool("update", false, "write the golden files anew")

func mustParse(t testing.TB, doc []byte) *Report {
	t.Helper()
	report, err := Parse(bytes.NewReader(doc))
	require.NoError(t, err)
	return report
}

func asJSON(t testing.TB, v any) string {
	t.Helper()
	out, err := json.MarshalIndent(v, "", "  ")
	require.NoError(t, err)
	return string(out) + "\n"
}

// Every kind, in every encoding and way of writing, gives the same report.
func TestParseGolden(t *testing.T) {
	t.Parallel()
	styles := map[string]style{
		"utf-8, declared with spaces": styleUTF8,
		"latin-1, with spaces":        styleLatin1,
		"latin-1, without spaces":     {declaration: declLatin1, latin1: true},
		"utf-8, BOM":                  {declaration: declUTF8, bom: true},
		"utf-8, BOM, undeclared":      {bom: true},
		"utf-8, undeclared":           {},
		"latin-1, undeclared":         {latin1: true},
		"latin-1, declared as utf-8":  {declaration: declUTF8, latin1: true},
		"LF, single quotes":           {declaration: declUTF8, eol: "\n", quote: "'"},
		"CR alone":                    {declaration: declUTF8, eol: "\r"},
		"one line":                    {declaration: declUTF8, flat: true},
	}
	for _, f := range fixtures() {
		t.Run(f.name, func(t *testing.T) {
			t.Parallel()
			path := filepath.Join("testdata", f.name+".json")
			if *update {
				report := mustParse(t, f.doc.render(styleUTF8))
				report.Encoding = Encoding{}
				require.NoError(t, os.WriteFile(path, []byte(asJSON(t, report)), 0o600))
			}
			want, err := os.ReadFile(path)
			require.NoError(t, err)
			for name, st := range styles {
				report, err := Parse(bytes.NewReader(f.doc.render(st)))
				require.NoError(t, err, name)
				assert.Equal(t, f.kind, report.Kind, name)
				assert.NoError(t, report.Err(), name)
				report.Encoding = Encoding{}
				assert.Equal(t, string(want), asJSON(t, report), name)
			}
		})
	}
}

// Every attribute and text of a document can be reached from the report.
func TestNothingIsOutOfReach(t *testing.T) {
	t.Parallel()
	for _, f := range fixtures() {
		t.Run(f.name, func(t *testing.T) {
			t.Parallel()
			// What is not known must not get lost either.
			doc := f.doc.inside("Data", el("Novelty", "level", "1").with(el("Inner", "level", "2").saying("some text")))
			doc.kids[0].attrs = append(doc.kids[0].attrs, "odd", "on Data")
			for _, known := range []string{"Advice", "InputUserFile", "NewAdvices", "MessagingAdvice", "ReturnedDebitItem", "DDICAdvice", "Errors", "Totals"} {
				doc = annotate(doc, known)
			}
			data := doc.render(styleUTF8)
			report := mustParse(t, data)

			var want []string
			dec := xml.NewDecoder(bytes.NewReader(data))
			for {
				tok, err := dec.RawToken()
				if err == io.EOF {
					break
				}
				require.NoError(t, err)
				switch tok := tok.(type) {
				case xml.StartElement:
					for _, a := range tok.Attr {
						want = append(want, full(a.Name)+"="+a.Value)
					}
				case xml.CharData:
					if s := strings.TrimSpace(string(tok)); s != "" {
						want = append(want, s)
					}
				}
			}
			var got []string
			var walk func(e Element)
			take := func(attrs []Attr, text string) {
				for _, a := range attrs {
					got = append(got, a.Name+"="+a.Value)
				}
				if s := strings.TrimSpace(text); s != "" {
					got = append(got, s)
				}
			}
			walk = func(e Element) {
				take(e.Attrs, e.Text)
				for _, c := range e.Children {
					walk(c)
				}
			}
			if report.Raw != nil {
				walk(*report.Raw)
			} else {
				walk(report.Root)
			}
			for _, e := range slices.Concat(report.Header.Raw, report.Signature.Raw) {
				walk(e)
			}
			for _, r := range report.Returns {
				walk(r.Raw)
			}
			for _, r := range report.ReturnTotals {
				for _, e := range r.Raw {
					walk(e)
				}
			}
			for _, r := range report.Advices {
				walk(r.Raw)
			}
			for _, r := range report.FileAdvices {
				walk(r.Raw)
			}
			for _, r := range report.FileMessages {
				walk(r.Raw)
			}
			for _, r := range report.Claims {
				walk(r.Raw)
			}
			for _, r := range report.ClaimSections {
				for _, e := range r.Raw {
					walk(e)
				}
			}
			for _, r := range report.Submissions {
				walk(r.Raw)
			}
			for _, r := range report.Files {
				for _, e := range r.Raw {
					walk(e)
				}
			}
			for _, r := range report.Errors {
				walk(r.Raw)
			}
			for _, r := range report.AccountTotals {
				walk(r.Raw)
			}
			for _, r := range report.Others {
				walk(r.Raw)
			}
			slices.Sort(want)
			slices.Sort(got)
			assert.Equal(t, want, got)
		})
	}
}

// annotate gives every element of a name an attribute nobody knows.
func annotate(n node, name string) node {
	if n.name == name {
		n.attrs = append(slices.Clone(n.attrs), "novel", "on "+name)
	}
	n.kids = slices.Clone(n.kids)
	for i := range n.kids {
		n.kids[i] = annotate(n.kids[i], name)
	}
	return n
}

func full(n xml.Name) string {
	if n.Space == "" {
		return n.Local
	}
	return n.Space + ":" + n.Local
}

func collect(r io.Reader) ([]Record, *Reader, error) {
	reader, err := NewReader(r)
	if err != nil {
		return nil, nil, err
	}
	var list []Record
	for {
		rec, err := reader.Next()
		if err == io.EOF {
			return list, reader, nil
		}
		if err != nil {
			return list, reader, err
		}
		list = append(list, rec)
	}
}

// The streaming form gives what Parse gives, however the bytes arrive.
func TestReaderAgreesWithParse(t *testing.T) {
	t.Parallel()
	readers := map[string]func(io.Reader) io.Reader{
		"whole":           func(r io.Reader) io.Reader { return r },
		"byte by byte":    iotest.OneByteReader,
		"half reads":      iotest.HalfReader,
		"data with EOF":   iotest.DataErrReader,
		"seven at a time": func(r io.Reader) io.Reader { return &sliceReader{r, 7} },
	}
	for _, f := range fixtures() {
		for _, st := range []style{styleUTF8, styleLatin1} {
			doc := f.doc.render(st)
			report := mustParse(t, doc)
			for name, wrap := range readers {
				list, r, err := collect(wrap(bytes.NewReader(doc)))
				require.NoError(t, err, f.name+", "+name)
				assert.Equal(t, report.Kind, r.Kind())
				assert.Equal(t, asJSON(t, report.Header), asJSON(t, r.Header()), f.name+", "+name)
				assert.Equal(t, report.Signature, r.Signature())
				assert.Equal(t, report.Encoding, r.Encoding())
				assert.Equal(t, report.Root, r.Root())
				if !report.Kind.Typed() {
					assert.Equal(t, content(*report.Raw), rawOf(t, r.Root(), list))
					continue
				}
				var again Report
				for _, rec := range list {
					again.add(rec)
				}
				again.Kind, again.Encoding, again.Header, again.Root, again.Signature = r.Kind(), r.Encoding(), r.Header(), r.Root(), r.Signature()
				assert.Equal(t, asJSON(t, report), asJSON(t, again), f.name+", "+name)
			}
		}
	}
}

// sliceReader reads n bytes at a time.
type sliceReader struct {
	r io.Reader
	n int
}

func (s *sliceReader) Read(p []byte) (int, error) { return s.r.Read(p[:min(len(p), s.n)]) }

// content is every attribute and every character that elements hold, sorted:
// the same text can be cut in several ways.
func content(elements ...Element) []string {
	var all []string
	var text []rune
	var walk func(list []Element)
	walk = func(list []Element) {
		for _, e := range list {
			for _, a := range e.Attrs {
				all = append(all, a.Name+"="+a.Value)
			}
			text = append(text, []rune(strings.Join(strings.Fields(e.Text), ""))...)
			walk(e.Children)
		}
	}
	walk(elements)
	slices.Sort(all)
	slices.Sort(text)
	return append(all, string(text))
}

// rawOf is what a Reader gives of a report of an unknown kind.
func rawOf(t *testing.T, root Element, list []Record) []string {
	t.Helper()
	elements := []Element{root}
	for _, rec := range list {
		other, ok := rec.(*Other)
		require.True(t, ok)
		elements = append(elements, other.Raw)
	}
	return content(elements...)
}

// Breaking out of a loop loses nothing, and Items picks one type.
func TestReaderIterators(t *testing.T) {
	t.Parallel()
	r, err := NewReader(bytes.NewReader(fixtureARUDD().render(styleUTF8)))
	require.NoError(t, err)
	assert.Equal(t, "417", r.Header().Number, "the header is there before the first record")
	var refs []string
	for item, err := range Items[*ReturnedDebit](r) {
		require.NoError(t, err)
		refs = append(refs, item.Reference)
		if len(refs) == 1 {
			break
		}
	}
	for rec, err := range r.All() {
		require.NoError(t, err)
		if item, ok := rec.(*ReturnedDebit); ok {
			refs = append(refs, item.Reference)
		}
	}
	assert.Equal(t, []string{"QREF000001", "QREF000002", "QREF000003"}, refs)
	_, err = r.Next()
	assert.Equal(t, io.EOF, err)
	for range Items[*ReturnedDebit](r) {
		t.Fatal("there is nothing left")
	}
}

// A document that is cut anywhere is an error that says so, in every form.
func TestTruncatedAnywhere(t *testing.T) {
	t.Parallel()
	for _, f := range fixtures() {
		t.Run(f.name, func(t *testing.T) {
			t.Parallel()
			doc := bytes.TrimRight(f.doc.render(style{declaration: declUTF8, flat: true}), "\r\n")
			for n := range len(doc) {
				report, err := Parse(bytes.NewReader(doc[:n]))
				require.Nil(t, report)
				require.ErrorIs(t, err, ccr.ErrIncomplete, n)
				require.ErrorIs(t, err, io.ErrUnexpectedEOF)
				if n%7 == 0 {
					_, _, err = collect(bytes.NewReader(doc[:n]))
					require.ErrorIs(t, err, ccr.ErrIncomplete, n)
				}
				_, closed, err := Complete(bytes.NewReader(doc[:n]))
				require.NoError(t, err)
				require.False(t, closed, n)
			}
			isXML, closed, err := Complete(bytes.NewReader(doc))
			require.NoError(t, err)
			assert.True(t, isXML)
			assert.True(t, closed)
		})
	}
}

// What came before the cut has been delivered by the streaming form.
func TestReaderDeliversUpToTheCut(t *testing.T) {
	t.Parallel()
	doc := fixtureARUDD().render(styleUTF8)
	cut := bytes.LastIndex(doc, []byte("<ReturnedDebitItem")) + 30
	list, _, err := collect(bytes.NewReader(doc[:cut]))
	require.ErrorIs(t, err, ccr.ErrIncomplete)
	assert.Len(t, list, 3, "two items and their totals")
	e, ok := errors.AsType[*ccr.Error](err)
	require.True(t, ok)
	assert.Equal(t, "Read", e.Operation)
	assert.Contains(t, err.Error(), "fetch the report again")
	assert.Contains(t, err.Error(), "line ")
}

func TestReadErrorIsPassedOn(t *testing.T) {
	t.Parallel()
	broken := errors.New("the disk is gone")
	doc := fixtureARUDD().render(styleUTF8)
	for _, n := range []int{0, 3, 100, len(doc) - 10} {
		_, err := Parse(io.MultiReader(bytes.NewReader(doc[:n]), iotest.ErrReader(broken)))
		require.ErrorIs(t, err, broken)
		assert.NotErrorIs(t, err, ccr.ErrIncomplete)
	}
	_, err := Parse(io.MultiReader(bytes.NewReader(doc[:500]), iotest.ErrReader(io.ErrUnexpectedEOF)))
	require.ErrorIs(t, err, ccr.ErrIncomplete)
	_, err = Parse(stuckReader{})
	require.ErrorIs(t, err, io.ErrNoProgress)
}

type stuckReader struct{}

func (stuckReader) Read([]byte) (int, error) { return 0, nil }

// Whether the kind of a report is found does not depend on its outer shape.
func TestKindIsReadFromTheXML(t *testing.T) {
	t.Parallel()
	item := func(kind string) node {
		return el("MessagingAdvice", "record-type", kind, "reference", "R")
	}
	for name, tc := range map[string]struct {
		doc  node
		want Kind
	}{
		"no Data":                 {el("BACSDocument").with(el("ARUDD").with(returnedItem(1, "0", ""))), KindARUDD},
		"prefixed":                {el("b:BACSDocument", "xmlns:b", "urn:x").with(el("b:Data").with(el("b:ARUDD").with(returnedItem(1, "0", "")))), KindARUDD},
		"another root":            {el("Envelope").with(el("ARUDD").with(returnedItem(1, "0", ""))), KindARUDD},
		"messaging, no header":    {messaging(item("A")), KindADDACS},
		"messaging, W":            {messaging(item("W")), KindAWACS},
		"messaging, V":            {messaging(item("V")), KindAUDACC},
		"messaging, R":            {messaging(item("R")), KindAUDREJ},
		"messaging, report-type":  {messaging(messagingHeader("report-type", "7002")), KindAUDDIS},
		"messaging, Header":       {messaging(el("Header", "report-type", "REFT7001")), KindADDACS},
		"messaging, lower case":   {messaging(messagingHeader("advice-type", "addacs")), KindADDACS},
		"messaging, nothing":      {messaging(), KindMessaging},
		"messaging, novel":        {messaging(messagingHeader("advice-type", "NOVEL"), item("X")), KindMessaging},
		"messaging, record N":     {messaging(messagingHeader("advice-type", "NOVEL"), item("N")), KindAUDDIS},
		"voca, cancellations":     {el("VocaDocument").with(el("Data").with(el("Document").with(el("Cancellations")))), KindDDIC},
		"voca, something else":    {el("VocaDocument").with(el("Data").with(el("Document").with(el("ServiceUserNumber").saying("1")))), KindUnknown},
		"ARUDD too deep":          {el("a").with(el("b").with(el("c").with(el("d").with(el("ARUDD"))))), KindUnknown},
		"empty root":              {el("BACSDocument"), KindUnknown},
		"an ARUDD without a item": {bacsDocument("", el("ARUDD")), KindARUDD},
	} {
		report, err := Parse(bytes.NewReader(tc.doc.render(styleUTF8)))
		require.NoError(t, err, name)
		assert.Equal(t, tc.want, report.Kind, name)
		assert.Equal(t, tc.want.Typed(), report.Raw == nil, name)
	}
}

func TestUnknownKindIsRaw(t *testing.T) {
	t.Parallel()
	doc := fixtureUnknown().render(styleLatin1)
	report := mustParse(t, doc)
	require.NotNil(t, report.Raw)
	assert.Equal(t, "BACSDocument", report.Raw.Name)
	data, ok := report.Raw.Child("Data")
	require.True(t, ok)
	arrival, ok := data.Child("ArrivalReport")
	require.True(t, ok)
	number, ok := arrival.Attr("arrivalNumber")
	assert.True(t, ok)
	assert.Equal(t, "12", number)
	_, ok = arrival.Attr("nothing")
	assert.False(t, ok)
	_, ok = arrival.Child("nothing")
	assert.False(t, ok)
	assert.Equal(t, "Zoë "+markName, arrival.Children[0].Children[0].Text)

	list, _, err := collect(bytes.NewReader(doc))
	require.NoError(t, err)
	var paths []string
	for _, rec := range list {
		other, ok := rec.(*Other)
		require.True(t, ok)
		paths = append(paths, strings.TrimPrefix(other.Path, "BACSDocument/"))
	}
	assert.Equal(t, []string{
		"Data", "Data/ArrivalReport", "Data/ArrivalReport/Arrived", "Data/ArrivalReport/Arrived/Who", "Data/ArrivalReport/Arrived", "SignatureMethod", "Signature",
	}, paths)

	_, _, err = collect(strings.NewReader("<a><b></a>"))
	require.ErrorIs(t, err, ccr.ErrContract, "what is not well-formed is an error, of whatever kind it is")
}

// Text and elements where none are expected are delivered, not dropped.
func TestOthers(t *testing.T) {
	t.Parallel()
	doc := `<BACSDocument><Data extra="1"><ARUDD>stray<!-- no --> text<New a="b">inner<Deep/>more</New>` +
		`<Wrapper><ReturnedDebitItem ref="R1"/></Wrapper></ARUDD></Data></BACSDocument>`
	report := mustParse(t, []byte(doc))
	var got []string
	for _, o := range report.Others {
		text := o.Path
		for _, a := range o.Raw.Attrs {
			text += " " + a.Name + "=" + a.Value
		}
		got = append(got, text+" "+o.Raw.Text)
	}
	assert.Equal(t, []string{
		"BACSDocument/Data extra=1 ",
		"BACSDocument/Data/ARUDD stray",
		"BACSDocument/Data/ARUDD  text",
		"BACSDocument/Data/ARUDD/New a=b inner",
		"BACSDocument/Data/ARUDD/New/Deep ",
		"BACSDocument/Data/ARUDD/New more",
		"BACSDocument/Data/ARUDD/Wrapper ",
	}, got)
	require.Len(t, report.Returns, 1, "an item is found inside of a wrapper nobody knows")
}
