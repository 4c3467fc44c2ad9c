package bacs

import (
	"bytes"
	"encoding/xml"
	"errors"
	"io"
	"slices"
	"strings"
	"testing"
	"testing/iotest"

	"github.com/ccr-sdk/ccr"
	"github.com/ccr-sdk/ccr/ccrtest/bacssample"
)

// FuzzParse holds any bytes against everything that the package promises for
// all of them.
func FuzzParse(f *testing.F) {
	for _, fx := range fixtures() {
		f.Add(fx.doc.render(styleUTF8))
		f.Add(fx.doc.render(style{declaration: declSpaced88, latin1: true, flat: true}))
	}
	for _, s := range bacssample.All() {
		f.Add(s.Data)
	}
	for _, doc := range []string{
		"<a/>", "<a b='&#65;&amp;&nope;'>x<![CDATA[y]]><!-- z --></a>", "<!DOCTYPE a><a/>", "<!DOCTYPE a [<!ENTITY b 'c'>]><a>&b;</a>", "a,b", "\xff\xfe<\x00a\x00/\x00>\x00",
		"<?xml version='1.0' encoding='UTF-16'?><a/>", "<a>\r\n\r</a>\x1a",
	} {
		f.Add([]byte(doc))
	}
	f.Fuzz(func(t *testing.T, doc []byte) {
		limits := Limits{Depth: 32, Record: 64 << 10, Memory: 4 << 20}
		report, err := limits.Parse(bytes.NewReader(doc))
		list, r, streamErr := collectWith(limits, iotest.HalfReader(bytes.NewReader(doc)))
		if errors.Is(err, ErrLimit) {
			return // Parse keeps more in memory than a Reader
		}
		if (err == nil) != (streamErr == nil) {
			t.Fatalf("Parse: %v, Reader: %v", err, streamErr)
		}
		isXML, closed, _ := Complete(bytes.NewReader(doc))
		if err != nil {
			if _, ok := errors.AsType[*ccr.Error](err); !ok {
				t.Fatalf("not an error of ours: %v", err)
			}
			if why := refusedAlone(doc, err); why != "" {
				t.Fatal(why)
			}
			if errors.Is(err, ErrNotXML) && isXML && !bytes.ContainsAny(doc, "\x00") {
				t.Fatal("not XML to Parse, XML to Complete")
			}
			return
		}
		if report == nil || !closed && isXML {
			t.Fatal("Parse took what Complete says is cut off")
		}
		if diff := compareWithEncodingXML(doc); diff != "" {
			t.Fatal(diff)
		}
		if report.Kind != r.Kind() {
			t.Fatalf("kind %v and %v", report.Kind, r.Kind())
		}
		if !report.Kind.Typed() {
			if a, b := rawOf(t, r.Root(), list), content(*report.Raw); !slices.Equal(a, b) {
				t.Fatalf("%q\n%q", a, b)
			}
			return
		}
		again := Report{Kind: r.Kind(), Encoding: r.Encoding(), Root: r.Root(), Header: r.Header(), Signature: r.Signature()}
		for _, rec := range list {
			again.add(rec)
		}
		if a, b := asJSON(t, report), asJSON(t, again); a != b {
			t.Fatalf("Parse: %s\nReader: %s", a, b)
		}
		if (report.Err() == nil) != (r.Err() == nil) {
			t.Fatalf("faults: %v, %v", report.Err(), r.Err())
		}
		for item := range report.Reasoned() {
			_ = item.Affected()
		}
		_ = report.Rows(RowOptions{})
		once, twice := Calendar{}.Worklist(report), Calendar{}.Worklist(report, report)
		if a, b := asJSON(t, once), asJSON(t, twice); a != b {
			t.Fatalf("once: %s\ntwice: %s", a, b)
		}
	})
}

// refusedAlone reports that encoding/xml takes a document that is refused
// here, unless it is for one of the things that are meant to be refused.
func refusedAlone(doc []byte, err error) string {
	for _, meant := range []string{
		"twice", "text in front", "text behind", "second root", "refused", "declaration where none may be", "no element", "not start with a tag",
	} {
		if strings.Contains(err.Error(), meant) {
			return ""
		}
	}
	d := xml.NewDecoder(bytes.NewReader(doc))
	d.CharsetReader = func(_ string, r io.Reader) (io.Reader, error) { return nil, errors.New("not of interest here") }
	for {
		tok, theirs := d.Token()
		if theirs == io.EOF {
			return "encoding/xml takes it: " + err.Error()
		}
		if _, odd := tok.(xml.Directive); odd || theirs != nil {
			return ""
		}
	}
}

func collectWith(limits Limits, src io.Reader) ([]Record, *Reader, error) {
	r, err := limits.NewReader(src)
	if err != nil {
		return nil, nil, err
	}
	var list []Record
	for rec, err := range r.All() {
		if err != nil {
			return list, r, err
		}
		list = append(list, rec)
	}
	return list, r, nil
}

// FuzzRootCheck: however the bytes are cut up, the answer is the same, and
// nothing that lacks its end is called closed.
func FuzzRootCheck(f *testing.F) {
	for _, doc := range []string{"<a><b c='>'/></a>", "<a><!-- --></a>", "\xff\xfe<\x00", "<!DOCTYPE html>", "<a><![CDATA[]]></a>", "<?x?><a/>"} {
		f.Add([]byte(doc), 1)
	}
	f.Fuzz(func(t *testing.T, doc []byte, size int) {
		var whole, parts RootCheck
		if n, err := whole.Write(doc); n != len(doc) || err != nil {
			t.Fatal(n, err)
		}
		size = max(1, size%100)
		for rest := doc; len(rest) > 0; {
			n := min(size, len(rest))
			if _, err := parts.Write(rest[:n]); err != nil {
				t.Fatal(err)
			}
			rest = rest[n:]
		}
		a1, a2 := whole.Whole()
		b1, b2 := parts.Whole()
		if a1 != b1 || a2 != b2 {
			t.Fatalf("whole: %t %t, in parts: %t %t", a1, a2, b1, b2)
		}
		if a2 && !a1 {
			t.Fatal("closed, yet no XML")
		}
	})
}

// FuzzParseName: any name is either split whole or refused.
func FuzzParseName(f *testing.F) {
	f.Add("123456-01012024-2013-123456789.xml")
	f.Fuzz(func(t *testing.T, name string) {
		h, ok := ParseName(name)
		if ok != (h != NameHints{}) || ok && !h.Date.IsValid() {
			t.Fatalf("%v %t", h, ok)
		}
	})
}
