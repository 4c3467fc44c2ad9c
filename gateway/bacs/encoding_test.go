package bacs

import (
	"bytes"
	"encoding/binary"
	"encoding/xml"
	"io"
	"strings"
	"testing"
	"testing/iotest"
	"unicode/utf16"
	"unicode/utf8"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func to16(s string, order binary.ByteOrder, bom bool) []byte {
	var out []byte
	units := utf16.Encode([]rune(s))
	if bom {
		units = append([]uint16{0xfeff}, units...)
	}
	for _, u := range units {
		var b [2]byte
		order.PutUint16(b[:], u)
		out = append(out, b[:]...)
	}
	return out
}

func TestEncodings(t *testing.T) {
	t.Parallel()
	const body = `<a n="`
	doc := func(decl, name string) []byte { return []byte(decl + body + name + `"/>`) }
	const wide = `<?xml version="1.0" encoding="UTF-16"?><a n="Zoë € 𝄞"/>`
	for name, tc := range map[string]struct {
		doc  []byte
		want string
		enc  Encoding
	}{
		"utf-8":                    {doc(`<?xml version="1.0" encoding="UTF-8"?>`, "Zoë"), "Zoë", Encoding{"UTF-8", "UTF-8", 0}},
		"utf-8, spaces":            {doc(`<?xml version = '1.0' encoding = 'UTF-8'?>`, "Zoë"), "Zoë", Encoding{"UTF-8", "UTF-8", 0}},
		"utf-8, lower case":        {doc(`<?xml version='1.0' encoding='utf-8' standalone='yes'?>`, "Zoë"), "Zoë", Encoding{"utf-8", "UTF-8", 0}},
		"none":                     {doc("", "Zoë"), "Zoë", Encoding{"", "UTF-8", 0}},
		"none, latin-1 bytes":      {doc("", "Zo\xeb"), "Zoë", Encoding{"", "UTF-8", 1}},
		"no encoding attribute":    {doc(`<?xml version="1.0"?>`, "Zo\xeb"), "Zoë", Encoding{"", "UTF-8", 1}},
		"wrongly utf-8":            {doc(`<?xml version="1.0" encoding="UTF-8"?>`, "Zo\xeb \x80"), "Zoë €", Encoding{"UTF-8", "UTF-8", 2}},
		"latin-1":                  {doc(`<?xml version="1.0" encoding="ISO-8859-1"?>`, "Zo\xeb \xa3"), "Zoë £", Encoding{"ISO-8859-1", "windows-1252", 0}},
		"latin-1, spaces, single":  {doc(`<?xml version = '1.0' encoding = 'ISO-8859-1'?>`, "Zo\xeb"), "Zoë", Encoding{"ISO-8859-1", "windows-1252", 0}},
		"latin-1, tabs":            {doc("<?xml\tversion\t=\t\"1.0\"\tencoding\n=\r\n'iso-8859-1'\t?>", "Zo\xeb"), "Zoë", Encoding{"iso-8859-1", "windows-1252", 0}},
		"latin-1, C1 bytes":        {doc(`<?xml version="1.0" encoding="ISO-8859-1"?>`, "\x80\x93"), "€“", Encoding{"ISO-8859-1", "windows-1252", 0}},
		"latin-1 underscore":       {doc(`<?xml version="1.0" encoding="iso_8859-1"?>`, "\xeb"), "ë", Encoding{"iso_8859-1", "windows-1252", 0}},
		"windows-1252":             {doc(`<?xml version="1.0" encoding="windows-1252"?>`, "\x81\x9f"), "\u0081Ÿ", Encoding{"windows-1252", "windows-1252", 0}},
		"latin-9":                  {doc(`<?xml version="1.0" encoding="ISO-8859-15"?>`, "\xa4\xa6\xa8\xb4\xb8\xbc\xbd\xbe\xeb"), "€ŠšŽžŒœŸë", Encoding{"ISO-8859-15", "ISO-8859-15", 0}},
		"bom":                      {doc("\ufeff", "Zoë"), "Zoë", Encoding{"", "UTF-8", 0}},
		"bom beats declaration":    {doc("\ufeff"+`<?xml version="1.0" encoding="ISO-8859-1"?>`, "Zoë"), "Zoë", Encoding{"ISO-8859-1", "UTF-8", 0}},
		"utf-16 claimed in ascii":  {doc(`<?xml version="1.0" encoding="UTF-16"?>`, "Zoë"), "Zoë", Encoding{"UTF-16", "UTF-8", 0}},
		"utf-16le":                 {to16(wide, binary.LittleEndian, true), "Zoë € 𝄞", Encoding{"UTF-16", "UTF-16LE", 0}},
		"utf-16be":                 {to16(wide, binary.BigEndian, true), "Zoë € 𝄞", Encoding{"UTF-16", "UTF-16BE", 0}},
		"utf-16le, no mark":        {to16(wide, binary.LittleEndian, false), "Zoë € 𝄞", Encoding{"UTF-16", "UTF-16LE", 0}},
		"utf-16be, no mark":        {to16(wide, binary.BigEndian, false), "Zoë € 𝄞", Encoding{"UTF-16", "UTF-16BE", 0}},
		"unknown encoding":         {doc(`<?xml version="1.0" encoding="KOI8-R"?>`, "Zo\xeb"), "Zoë", Encoding{"KOI8-R", "UTF-8", 1}},
		"absurd encoding":          {doc(`<?xml version="1.0" encoding="`+markName+` `+markName+`"?>`, "x"), "x", Encoding{"", "UTF-8", 0}},
		"blanks before":            {doc("\r\n "+`<?xml version="1.0" encoding="ISO-8859-1"?>`, "Zo\xeb"), "Zoë", Encoding{"ISO-8859-1", "windows-1252", 0}},
		"declaration not finished": {doc(`<?xml version="1.0" ?>`, "encoding='ISO-8859-1' Zoë"), "encoding='ISO-8859-1' Zoë", Encoding{"", "UTF-8", 0}},
		"cut character":            {doc("", "Zo\xc3"), "ZoÃ", Encoding{"", "UTF-8", 1}},
	} {
		for how, wrap := range map[string]func(io.Reader) io.Reader{"whole": func(r io.Reader) io.Reader { return r }, "bytes": iotest.OneByteReader} {
			report, err := Parse(wrap(bytes.NewReader(tc.doc)))
			require.NoError(t, err, name+", "+how)
			got, _ := report.Raw.Attr("n")
			assert.Equal(t, tc.want, got, name+", "+how)
			assert.Equal(t, tc.enc, report.Encoding, name+", "+how)
			if tc.enc.Declared == "KOI8-R" {
				assert.ErrorContains(t, report.Err(), "declared is not known")
			} else {
				assert.NoError(t, report.Err())
			}
		}
	}
}

// Half a character of UTF-16, or half a pair, is one that is not known.
func TestBrokenUTF16(t *testing.T) {
	t.Parallel()
	doc := to16(`<a n="x"/>`, binary.LittleEndian, true)
	lone := bytes.Replace(doc, []byte("x\x00"), []byte("\x00\xd8"), 1)
	report := mustParse(t, lone)
	got, _ := report.Raw.Attr("n")
	assert.Equal(t, "\ufffd", got)
	_, err := Parse(bytes.NewReader(append(doc, 0x20)))
	require.Error(t, err, "an odd byte at the end is no blank")
}

// The reason for the scanner of our own: encoding/xml reads neither form.
func TestEncodingXMLCannotReadThese(t *testing.T) {
	t.Parallel()
	read := func(doc []byte) (called bool, err error) {
		d := xml.NewDecoder(bytes.NewReader(doc))
		d.CharsetReader = func(_ string, r io.Reader) (io.Reader, error) { called = true; return r, nil }
		for {
			if _, err := d.Token(); err != nil {
				return called, err
			}
		}
	}
	called, err := read(fixtureARUDD().render(styleLatin1))
	assert.False(t, called, "encoding/xml sees the declaration now: the package documentation says otherwise")
	assert.ErrorContains(t, err, "invalid UTF-8")
}

// Valid text passes through whatever the sizes of reads and buffers are.
func TestTranscoderBoundaries(t *testing.T) {
	t.Parallel()
	text := strings.Repeat("aé€𝄞", 40000)
	for _, size := range []int{16, 17, 18, 19, 64, 4096, 100000} {
		tr := newTranscoder(iotest.HalfReader(strings.NewReader(text)))
		var out bytes.Buffer
		buf := make([]byte, size)
		for {
			n, err := tr.read(buf)
			require.True(t, utf8.Valid(buf[:n]), "no character is split")
			out.Write(buf[:n])
			if err == io.EOF {
				break
			}
			require.NoError(t, err)
		}
		require.Equal(t, text, out.String(), size)
		require.Zero(t, tr.enc.Repaired)
	}
}
