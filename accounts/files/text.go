package files

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"
	"strings"
	"unicode/utf8"

	"golang.org/x/text/encoding"
	"golang.org/x/text/encoding/charmap"
	"golang.org/x/text/encoding/unicode"
	"golang.org/x/text/transform"
)

// Encoding is how the text of a file is encoded.
type Encoding string

// The encodings that are read. A file that is not told its encoding is UTF-16
// if its byte order mark or its zero bytes say so, UTF-8 if its first 64 KiB
// are, and Windows-1252 otherwise; [Columns] says which was taken.
const (
	UTF8        Encoding = "UTF-8"
	UTF16LE     Encoding = "UTF-16LE"
	UTF16BE     Encoding = "UTF-16BE"
	Windows1252 Encoding = "Windows-1252"
	ISO88591    Encoding = "ISO-8859-1"
)

// sniffed is how much of a file is looked at before it is read.
const sniffed = 64 << 10

// utf8Mark is the byte order mark in UTF-8.
const utf8Mark = "\xef\xbb\xbf"

// decodeText returns the text of a file as UTF-8 without a byte order mark.
func decodeText(r io.Reader, e Encoding) (*bufio.Reader, Encoding, error) {
	b := bufio.NewReaderSize(r, sniffed)
	head, err := b.Peek(sniffed)
	if err != nil && !errors.Is(err, io.EOF) {
		return nil, e, err
	}
	if e == "" {
		e = sniffEncoding(head, len(head) < sniffed)
	}
	if err := noText(head, e); err != nil {
		return nil, e, err
	}
	var dec encoding.Encoding
	switch e {
	case UTF8:
		if bytes.HasPrefix(head, []byte(utf8Mark)) {
			b.Discard(len(utf8Mark)) //nolint:errcheck // just peeked
		}
		return b, e, nil
	case UTF16LE:
		dec = unicode.UTF16(unicode.LittleEndian, unicode.UseBOM)
	case UTF16BE:
		dec = unicode.UTF16(unicode.BigEndian, unicode.UseBOM)
	case Windows1252:
		dec = charmap.Windows1252
	case ISO88591:
		dec = charmap.ISO8859_1
	default:
		return nil, e, fmt.Errorf("Encoding %q is not known", e)
	}
	return bufio.NewReaderSize(transform.NewReader(b, dec.NewDecoder()), sniffed), e, nil
}

// noText tells a file that is no delimited text by its beginning.
func noText(head []byte, e Encoding) error {
	for magic, kind := range map[string]string{"PK\x03\x04": "a spreadsheet (XLSX) or an archive", "\xd0\xcf\x11\xe0": "a spreadsheet (XLS)", "%PDF-": "a PDF"} {
		if bytes.HasPrefix(head, []byte(magic)) {
			return fmt.Errorf("the file is %s, not delimited text; save it as CSV", kind)
		}
	}
	if !strings.HasPrefix(string(e), "UTF-16") && bytes.IndexByte(head, 0) >= 0 {
		return errors.New("the file is not text: it has zero bytes")
	}
	return nil
}

// sniffEncoding tells the encoding by the beginning of a file.
func sniffEncoding(head []byte, whole bool) Encoding {
	switch {
	case bytes.HasPrefix(head, []byte("\xff\xfe")):
		return UTF16LE
	case bytes.HasPrefix(head, []byte("\xfe\xff")):
		return UTF16BE
	case bytes.HasPrefix(head, []byte(utf8Mark)):
		return UTF8 // it says so; what is not, is a fault of its row
	}
	// Delimiters and digits of UTF-16 have a zero byte, on one side only.
	var zeros [2]int
	for i, c := range head[:min(len(head), 512)] {
		if c == 0 {
			zeros[i%2]++
		}
	}
	switch {
	case zeros[1] > 0 && zeros[0] == 0:
		return UTF16LE
	case zeros[0] > 0 && zeros[1] == 0:
		return UTF16BE
	}
	if !whole { // the last character may be cut
		for n := 0; n < utf8.UTFMax-1 && len(head) > 0 && !utf8.RuneStart(head[len(head)-1]); n++ {
			head = head[:len(head)-1]
		}
		head = head[:max(len(head)-1, 0)]
	}
	if utf8.Valid(head) {
		return UTF8
	}
	return Windows1252
}

// delimiters are the ones that are found by themselves.
const delimiters = ",;\t|"

// sniffComma finds the delimiter in the header, outside quotes.
func sniffComma(b *bufio.Reader) rune {
	head, _ := b.Peek(4 << 10) //nolint:errcheck // a short file is read all the same
	var counts [len(delimiters)]int
	quoted := false
	for _, c := range head {
		if c == '"' {
			quoted = !quoted
		}
		if quoted {
			continue
		}
		if c == '\n' || c == '\r' {
			break
		}
		if i := strings.IndexByte(delimiters, c); i >= 0 {
			counts[i]++
		}
	}
	best := 0
	for i, n := range counts {
		if n > counts[best] {
			best = i
		}
	}
	return rune(delimiters[best])
}
