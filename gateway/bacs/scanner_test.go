package bacs

import (
	"bytes"
	"encoding/xml"
	"errors"
	"io"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/ccr-sdk/ccr"
)

func TestMalformed(t *testing.T) {
	t.Parallel()
	for doc, want := range map[string]string{
		"<a>":                       "not closed",
		"<a></b>":                   "end tag",
		"<a></a></a>":               "end tag",
		"<a/><b/>":                  "second root",
		"<!-- -->text":              "in front",
		"<a/>text":                  "behind the root",
		"<a b></a>":                 "not an attribute",
		"<a b=c></a>":               "not quoted",
		"<a =\"c\"></a>":            "not an attribute",
		"<a b=\"<\"></a>":           "bare <",
		"<a b='1' b='2'/>":          "twice",
		"<a / >":                    "not closed properly",
		"<a><1/></a>":               "no name",
		"<a>\x01</a>":               "control character",
		"<a b='\x02'/>":             "control character",
		"<a><![CDATA[\x03]]></a>":   "control character",
		"<a><!ELEMENT b></a>":       "declaration",
		"<![CDATA[x]]><a/>":         "declaration",
		"<a/><!DOCTYPE aaaaa>":      "declaration",
		"<a><!DOCTYPE a>......</a>": "declaration",
		"<a><!-- x":                 "comment",
		"<a><?x":                    "instruction",
		"<a><![CDATA[x":             "CDATA",
		"<a b='":                    "inside a tag",
		"<!DOCTYPE a '":             "type declaration",
		"":                          "no element",
		"   \r\n ":                  "no element",
		"<?xml version='1.0'?>":     "no element",
		"<!-- only -->":             "no element",
	} {
		_, err := Parse(strings.NewReader(doc))
		require.ErrorContains(t, err, want, doc)
		assert.NotEqual(t, errors.Is(err, ccr.ErrContract), errors.Is(err, ccr.ErrIncomplete), doc)
		assert.NotErrorIs(t, err, ErrNotXML, doc)
	}
}

func TestNotXML(t *testing.T) {
	t.Parallel()
	for _, doc := range []string{"ref,amount\r\n1,2\r\n", "%PDF-1.7", "\x00\x00\x00", "VOL1000001", "\xef\xbb\xbfref;amount", "{}"} {
		_, err := Parse(strings.NewReader(doc))
		require.ErrorIs(t, err, ErrNotXML, doc)
		assert.Contains(t, err.Error(), "keep it")
		isXML, _, err := Complete(strings.NewReader(doc))
		require.NoError(t, err)
		assert.False(t, isXML, doc)
	}
}

// What XML allows and reports may do is read.
func TestWellFormed(t *testing.T) {
	t.Parallel()
	for doc, want := range map[string]Element{
		`<a/>`: {Name: "a"},
		"<?xml version='1.0'?><!-- c --><?pi x?><!DOCTYPE a SYSTEM \"x>y.dtd\"><a></a >\r\n<!-- > -->\x1a": {Name: "a"},
		"<a b = '1'\r\n c\t=\"2\"  />":                  {Name: "a", Attrs: []Attr{{"b", "1"}, {"c", "2"}}},
		`<a b='"' c="'" d=">"/>`:                        {Name: "a", Attrs: []Attr{{"b", `"`}, {"c", "'"}, {"d", ">"}}},
		`<a b="&lt;&gt;&amp;&quot;&apos;&#65;&#x42;"/>`: {Name: "a", Attrs: []Attr{{"b", `<>&"'AB`}}},
		"<a b=\"1\r\n2\t3\r4\n5\"/>":                    {Name: "a", Attrs: []Attr{{"b", "1 2 3 4 5"}}},
		"<a b=\"&#13;&#10;\"/>":                         {Name: "a", Attrs: []Attr{{"b", "\r\n"}}},
		"<a>1\r\n2\r3\n4</a>":                           {Name: "a", Text: "1\n2\n3\n4"},
		"<a>x<![CDATA[<&]]\r\n>]]>y</a>":                {Name: "a", Text: "x<&]]\n>y"},
		"<a> <b/> x <b> </b> </a>":                      {Name: "a", Text: " x ", Children: []Element{{Name: "b"}, {Name: "b", Text: " "}}},
		"<a>x<!-- -- -->y<?p ?>z</a>":                   {Name: "a", Text: "xyz"},
		"<é:ü-1.2 ä='1'/>":                              {Name: "é:ü-1.2", Attrs: []Attr{{"ä", "1"}}},
		"<a/>\x00\x00\x00":                              {Name: "a"},
	} {
		report, err := Parse(strings.NewReader(doc))
		require.NoError(t, err, doc)
		assert.Equal(t, want, *report.Raw, doc)
		assert.NoError(t, report.Err(), doc)
	}
}

// An & that starts no reference is kept, and said; no entity is expanded.
func TestLooseReferences(t *testing.T) {
	t.Parallel()
	for value, want := range map[string]string{
		"SMITH & SONS": "SMITH & SONS", "A&B": "A&B", "&nbsp;": "&nbsp;", "&#0;": "&#0;", "&#xD800;": "&#xD800;", "&#x110000;": "&#x110000;",
		"&": "&", "&;": "&;", "&#;": "&#;", "&#x;": "&#x;", "&#1;": "&#1;", "&amp": "&amp", "&aaaaaaaaaaaaaaaaaaaaaaa;": "&aaaaaaaaaaaaaaaaaaaaaaa;",
		"&#99999999999999;": "&#99999999999999;", "&#xFFFE;": "&#xFFFE;",
	} {
		report, err := Parse(strings.NewReader(`<BACSDocument><ARUDD><ReturnedDebitItem ref="` + value + `"/></ARUDD></BACSDocument>`))
		require.NoError(t, err, value)
		assert.Equal(t, want, report.Returns[0].Reference)
		require.Len(t, report.Returns[0].Faults, 1, value)
		require.ErrorIs(t, report.Err(), ccr.ErrContract)
		assert.Contains(t, report.Err().Error(), "ReturnedDebitItem[0] holds an &")
	}
}

// Entities that a document defines for itself are refused before they are used.
func TestHostileDocuments(t *testing.T) {
	t.Parallel()
	laughs := `<?xml version="1.0"?><!DOCTYPE lolz [<!ENTITY lol "lol"><!ENTITY lol2 "&lol;&lol;">]><a>&lol2;</a>`
	for name, doc := range map[string]string{
		"entities":          laughs,
		"external subset":   `<!DOCTYPE a [<!ENTITY % x SYSTEM "file:///etc/passwd">]><a/>`,
		"default attribute": `<!DOCTYPE a [<!ATTLIST a b CDATA "1">]><a/>`,
	} {
		_, err := Parse(strings.NewReader(doc))
		require.ErrorIs(t, err, ccr.ErrContract, name)
		assert.ErrorContains(t, err, "refused", name)
	}
	for name, tc := range map[string]struct {
		doc  io.Reader
		want string
	}{
		"depth":       {strings.NewReader(strings.Repeat("<a>", 100000)), "Limits.Depth"},
		"attributes":  {strings.NewReader("<a " + manyAttrs(600) + "/>"), "512 attributes"},
		"name":        {strings.NewReader("<" + strings.Repeat("n", 300) + "/>"), "256 bytes"},
		"attr name":   {strings.NewReader("<a " + strings.Repeat("n", 300) + "='1'/>"), "256 bytes"},
		"tag":         {io.MultiReader(strings.NewReader("<a b='"), endless("x")), "Limits.Record"},
		"text":        {io.MultiReader(strings.NewReader("<a>"), endless("x")), "Limits.Record"},
		"cdata":       {io.MultiReader(strings.NewReader("<a><![CDATA["), endless("x")), "Limits.Record"},
		"blanks":      {endless(" "), "Limits.Record"},
		"end tag":     {io.MultiReader(strings.NewReader("<a></a"), endless(" ")), "Limits.Record"},
		"doctype":     {io.MultiReader(strings.NewReader("<!DOCTYPE a "), endless("x")), "Limits.Record"},
		"record":      {io.MultiReader(strings.NewReader("<x><ARUDD><ReturnedDebitItem>"), endless("<a/>")), "Limits.Record"},
		"record text": {io.MultiReader(strings.NewReader("<x><ARUDD><ReturnedDebitItem>"), endless("<![CDATA[x]]>")), "Limits.Record"},
		"group":       {io.MultiReader(strings.NewReader("<x><ARUDD>"), endless("<OriginatingAccount name='x'/>")), "Limits.Record"},
		"headers":     {io.MultiReader(strings.NewReader("<x><ARUDD>"), endless("<Header reportType='x'/>")), "Limits.Record"},
		"signatures":  {io.MultiReader(strings.NewReader("<x><ARUDD>"), endless("<Signature>x</Signature>")), "Limits.Record"},
		"days":        {io.MultiReader(strings.NewReader("<x><InputReport><UserFile><InputUserFile>"), endless("<DaySection/>")), "1,000 days"},
	} {
		_, err := Limits{Record: 1 << 20}.Parse(tc.doc)
		require.ErrorIs(t, err, ErrLimit, name)
		assert.ErrorContains(t, err, tc.want, name)
	}
	// What is kept in memory is bounded for the whole of a document.
	for name, doc := range map[string]io.Reader{
		"raw":     io.MultiReader(strings.NewReader("<x>"), endless("<a/>")),
		"records": io.MultiReader(strings.NewReader("<x><ARUDD>"), endless("<ReturnedDebitItem/>")),
		"others":  io.MultiReader(strings.NewReader("<x><ARUDD>"), endless("<novel a='b'/>")),
		"stray":   io.MultiReader(strings.NewReader("<x><ARUDD>"), endless("<![CDATA[x]]>")),
		"groups":  io.MultiReader(strings.NewReader("<x><ARUDD>"), endless("<OriginatingAccountRecord></OriginatingAccountRecord>")),
	} {
		_, err := Limits{Memory: 8 << 20}.Parse(doc)
		require.ErrorIs(t, err, ErrLimit, name)
		assert.ErrorContains(t, err, "Limits.Memory", name)
		assert.ErrorContains(t, err, "NewReader", name)
	}
}

func manyAttrs(n int) string {
	var b strings.Builder
	for i := range n {
		b.WriteString(" a" + strings.Repeat("x", i%97) + string(rune('a'+i%26)) + string(rune('a'+i/26)) + "='1'")
	}
	return b.String()
}

type endlessReader struct {
	text string
	at   int
}

func endless(text string) io.Reader { return &endlessReader{text: strings.Repeat(text, 1000)} }

func (r *endlessReader) Read(p []byte) (int, error) {
	n := copy(p, r.text[r.at:])
	r.at = (r.at + n) % len(r.text)
	return n, nil
}

// Comments and instructions of any length are skipped in constant memory,
// also in front of a report (up to where its kind is looked for).
func TestLongCommentsAreSkipped(t *testing.T) {
	t.Parallel()
	long := "<!--" + strings.Repeat("- x", 200_000) + "--><?p " + strings.Repeat("? ", 200_000) + "?>"
	doc := `<BACSDocument><ARUDD>` + long + `<ReturnedDebitItem ref="R"/></ARUDD></BACSDocument>`
	r, err := Limits{Record: 4 << 10}.NewReader(strings.NewReader(doc))
	require.NoError(t, err)
	for item, err := range Items[*ReturnedDebit](r) {
		require.NoError(t, err)
		assert.Equal(t, "R", item.Reference)
	}
	assert.LessOrEqual(t, len(r.s.buf), 2*minBuffer)

	report, err := Parse(strings.NewReader("<!--" + strings.Repeat("x", 2*sniffBytes) + "-->" + doc))
	require.NoError(t, err)
	assert.Equal(t, KindUnknown, report.Kind, "too far in to look for")
	report, err = Parse(strings.NewReader("<!--" + strings.Repeat("x", sniffBytes/2) + "-->" + doc))
	require.NoError(t, err)
	assert.Equal(t, KindARUDD, report.Kind)
}

// Tokens that straddle the buffer's end, wherever it falls, are read whole.
func TestBufferBoundaries(t *testing.T) {
	t.Parallel()
	item := string(fixtureARUDD().render(style{declaration: declUTF8}))
	want := asJSON(t, mustParse(t, []byte(item)))
	step := 1
	if raceEnabled || testing.Short() {
		step = 7
	}
	for shift := 0; shift < 700; shift += step {
		pad := "<!--" + strings.Repeat("p", minBuffer-1000+shift) + "-->"
		doc := strings.Replace(item, "<Advice>", "<Advice>"+pad, 1)
		require.Equal(t, want, asJSON(t, mustParse(t, []byte(doc))), shift)
	}
}

func TestLimitsAreChecked(t *testing.T) {
	t.Parallel()
	_, err := Limits{Depth: -1, Record: -1, Memory: -1}.Parse(strings.NewReader("<a/>"))
	require.ErrorIs(t, err, ccr.ErrInvalid)
	e, ok := errors.AsType[*ccr.Error](err)
	require.True(t, ok)
	assert.Len(t, e.Fields, 3)
	_, err = Limits{Record: 1 << 30}.NewReader(strings.NewReader("<a/>"))
	require.NoError(t, err)
	_, err = Limits{Depth: 3}.Parse(strings.NewReader("<a><b><c/></b></a>"))
	require.NoError(t, err)
	_, err = Limits{Depth: 2}.Parse(strings.NewReader("<a><b><c/></b></a>"))
	require.ErrorIs(t, err, ErrLimit)
}

// compareWithEncodingXML reports how the tokens of a document that both
// accept differ from those of encoding/xml.
func compareWithEncodingXML(doc []byte) string {
	tr := newTranscoder(bytes.NewReader(doc))
	var utf8doc []byte
	buf := make([]byte, 4096)
	for {
		n, err := tr.read(buf)
		utf8doc = append(utf8doc, buf[:n]...)
		if err != nil {
			break
		}
	}
	var theirs, ours []string
	dec := xml.NewDecoder(bytes.NewReader(utf8doc))
	dec.CharsetReader = func(_ string, r io.Reader) (io.Reader, error) { return r, nil }
	text := ""
	put := func(list *[]string, entry string) {
		if strings.TrimSpace(text) != "" {
			*list = append(*list, "text "+text)
		}
		text = ""
		if entry != "" {
			*list = append(*list, entry)
		}
	}
	// encoding/xml leaves line ends in values alone; XML makes them spaces.
	flat := strings.NewReplacer("\n", " ", "\t", " ", "\r", " ")
	for {
		tok, err := dec.RawToken()
		if err == io.EOF {
			break
		}
		if err != nil {
			return ""
		}
		switch tok := tok.(type) {
		case xml.StartElement:
			entry := "start " + full(tok.Name)
			for _, a := range tok.Attr {
				entry += "|" + full(a.Name) + "=" + flat.Replace(a.Value)
			}
			put(&theirs, entry)
		case xml.EndElement:
			put(&theirs, "end "+full(tok.Name))
		case xml.CharData:
			text += string(tok)
		}
	}
	text = ""
	s := newScanner(bytes.NewReader(doc), Limits{Depth: DefaultDepth, Record: DefaultRecord})
	for ev := event(0); ev != evEOF; {
		var err error
		if ev, err = s.next(); err != nil {
			return ""
		}
		switch ev {
		case evStart:
			entry := "start " + s.name
			for _, a := range s.takeAttrs() {
				entry += "|" + a.Name + "=" + flat.Replace(a.Value)
			}
			put(&ours, entry)
		case evEnd:
			put(&ours, "end "+s.name)
		case evText:
			text += string(s.text)
		}
	}
	if a, b := strings.Join(theirs, "\n"), strings.Join(ours, "\n"); a != b {
		return "encoding/xml:\n" + a + "\nours:\n" + b
	}
	return ""
}

func TestTokensAgreeWithEncodingXML(t *testing.T) {
	t.Parallel()
	for _, f := range fixtures() {
		for _, st := range []style{styleUTF8, styleLatin1, {eol: "\r", quote: "'"}, {flat: true}} {
			assert.Empty(t, compareWithEncodingXML(f.doc.render(st)), f.name)
		}
	}
	assert.Empty(t, compareWithEncodingXML([]byte("<a b='1&#10;2'>x<![CDATA[y]]>&lt;<c/>\r\n</a>")))
}
