package bacs

import (
	"bytes"
	"io"
	"strings"
	"unicode/utf16"
	"unicode/utf8"

	"github.com/ccr-sdk/ccr/internal/safetext"
)

// Encoding says how the bytes of a document were read.
type Encoding struct {
	// Declared is the name in the XML declaration, as written there; empty if
	// there is none.
	Declared string `json:"declared,omitempty"`
	// Used is what the bytes were read as: UTF-8, windows-1252, ISO-8859-15,
	// UTF-16LE or UTF-16BE. ISO-8859-1 is read as windows-1252, which gives
	// printable characters to 27 bytes that are control characters in the former.
	Used string `json:"used"`
	// Repaired counts the bytes of a UTF-8 document that were not valid UTF-8
	// and were read as windows-1252, one by one: a report that is wrongly
	// declared, or not declared at all, still gives the names it holds.
	Repaired int64 `json:"repaired,omitzero"`
}

// String says how the bytes were read.
func (e Encoding) String() string { return e.Used }

const (
	encUTF8    = "UTF-8"
	enc1252    = "windows-1252"
	enc8859_15 = "ISO-8859-15"
	encUTF16LE = "UTF-16LE"
	encUTF16BE = "UTF-16BE"
)

// sniffHead is how much of a document is looked at for its declaration.
const sniffHead = 1024

// transcoder turns the bytes of a document into UTF-8 as they are read.
type transcoder struct {
	src     io.Reader
	in      []byte
	r, w    int
	err     error // of src, kept until the bytes before it are delivered
	enc     Encoding
	table   func(byte) rune // of a single-byte encoding
	utf16   int             // 1 little endian, 2 big endian
	unknown bool            // a declared encoding that is not known here
}

func newTranscoder(src io.Reader) *transcoder {
	return &transcoder{src: src, in: make([]byte, 32<<10)}
}

// fill reads once more; it keeps what is not yet delivered.
func (t *transcoder) fill() {
	if t.r > 0 {
		t.w = copy(t.in, t.in[t.r:t.w])
		t.r = 0
	}
	for range 100 {
		n, err := t.src.Read(t.in[t.w:])
		if n < 0 || n > len(t.in)-t.w {
			t.err = io.ErrNoProgress // a reader that breaks its contract
			return
		}
		t.w += n
		if err != nil {
			t.err = err
		}
		if n > 0 || err != nil {
			return
		}
	}
	t.err = io.ErrNoProgress
}

// start finds the encoding from a byte order mark, else from the first bytes,
// else from the declaration.
func (t *transcoder) start() {
	for t.err == nil && t.w < sniffHead && !bytes.Contains(t.in[:t.w], []byte("?>")) {
		if t.w >= 4 && !couldDeclare(t.in[:t.w]) {
			break
		}
		t.fill()
	}
	head := t.in[:min(t.w, sniffHead)]
	t.enc.Used = encUTF8
	if bytes.HasPrefix(head, []byte("\xef\xbb\xbf")) {
		t.r = 3
		t.enc.Declared = declared(string(head[3:]))
		return
	}
	if t.r, t.utf16 = wideMark(head); t.utf16 != 0 {
		t.enc.Used = [...]string{1: encUTF16LE, 2: encUTF16BE}[t.utf16]
		narrow := make([]byte, 0, len(head)/2)
		for i := t.r; i+1 < len(head); i += 2 {
			narrow = append(narrow, head[i+t.utf16-1])
		}
		t.enc.Declared = declared(string(narrow))
		return
	}
	t.enc.Declared = declared(string(head))
	switch strings.ToLower(strings.ReplaceAll(t.enc.Declared, "_", "-")) {
	case "", "utf-8", "utf8", "us-ascii", "ascii", "utf-16", "utf-16le", "utf-16be":
		// UTF-16 is claimed, but the declaration itself is not in it: somebody
		// converted the document and left the claim.
	case "iso-8859-1", "iso8859-1", "latin1", "latin-1", "l1", "windows-1252", "cp1252", "cp-1252", "we8iso8859p1", "we8mswin1252":
		t.enc.Used, t.table = enc1252, rune1252
	case "iso-8859-15", "iso8859-15", "latin9", "latin-9", "we8iso8859p15":
		t.enc.Used, t.table = enc8859_15, rune8859_15
	default:
		t.unknown = true
	}
}

// wideMark finds UTF-16 by its byte order mark, whose length it returns, or by
// the first character.
func wideMark(head []byte) (skip, order int) {
	switch {
	case bytes.HasPrefix(head, []byte("\xff\xfe")):
		return 2, 1
	case bytes.HasPrefix(head, []byte("\xfe\xff")):
		return 2, 2
	case bytes.HasPrefix(head, []byte("<\x00")):
		return 0, 1
	case bytes.HasPrefix(head, []byte("\x00<")):
		return 0, 2
	}
	return 0, 0
}

// couldDeclare reports whether more bytes could complete an XML declaration.
func couldDeclare(head []byte) bool {
	if bytes.HasPrefix(head, []byte("\xff\xfe")) || bytes.HasPrefix(head, []byte("\xfe\xff")) || bytes.IndexByte(head, 0) >= 0 {
		return true
	}
	head = bytes.TrimLeft(bytes.TrimPrefix(head, []byte("\xef\xbb\xbf")), " \t\r\n")
	n := min(len(head), 5)
	return string(head[:n]) == "<?xml"[:n]
}

// declared reads the encoding out of an XML declaration, with either quotes
// and with spaces around the equals sign: encoding/xml sees neither form's
// spaces, yet that is how Bacs reports are written.
func declared(head string) string {
	head, ok := strings.CutPrefix(strings.TrimLeft(head, " \t\r\n"), "<?xml")
	if !ok {
		return ""
	}
	head, _, ok = strings.Cut(head, "?>")
	if !ok {
		return ""
	}
	for {
		head = strings.TrimLeft(head, " \t\r\n")
		name, rest, ok := strings.Cut(head, "=")
		rest = strings.TrimLeft(rest, " \t\r\n")
		if !ok || rest == "" || (rest[0] != '"' && rest[0] != '\'') {
			return ""
		}
		value, rest, ok := strings.Cut(rest[1:], rest[:1])
		if !ok {
			return ""
		}
		if strings.TrimRight(name, " \t\r\n") == "encoding" {
			if len(value) > 40 {
				value = value[:40]
			}
			return strings.TrimSpace(safetext.Token(strings.TrimSpace(value)))
		}
		head = rest
	}
}

// read puts UTF-8 into dst, which must have room for 16 bytes at least. It
// never splits a character. The error comes after all bytes before it.
func (t *transcoder) read(dst []byte) (int, error) {
	if t.enc.Used == "" {
		t.start()
	}
	for {
		n := 0
		if t.w > t.r {
			switch {
			case t.utf16 != 0:
				n = t.from16(dst)
			case t.table != nil:
				n = t.fromTable(dst)
			default:
				n = t.fromUTF8(dst)
			}
		}
		if n > 0 {
			return n, nil
		}
		if t.err != nil {
			return 0, t.err
		}
		t.fill()
	}
}

func (t *transcoder) fromUTF8(dst []byte) int {
	in := t.in[t.r:t.w]
	if len(in) > len(dst) {
		in = in[:len(dst)]
	}
	// The usual case: all of it is valid, but for a character cut at the end.
	whole := in
	for i := len(in) - 1; i >= max(0, len(in)-utf8.UTFMax); i-- {
		if utf8.RuneStart(in[i]) {
			if !utf8.FullRune(in[i:]) {
				whole = in[:i]
			}
			break
		}
	}
	if len(whole) > 0 && utf8.Valid(whole) {
		t.r += len(whole)
		return copy(dst, whole)
	}
	n := 0
	for t.r < t.w && n+utf8.UTFMax <= len(dst) {
		b := t.in[t.r]
		if b < utf8.RuneSelf {
			dst[n] = b
			n, t.r = n+1, t.r+1
			continue
		}
		rest := t.in[t.r:t.w]
		_, size := utf8.DecodeRune(rest)
		if size > 1 {
			n += copy(dst[n:], rest[:size])
			t.r += size
			continue
		}
		if !utf8.FullRune(rest) && t.err == nil {
			break // the rest of the character is still to come
		}
		t.enc.Repaired++
		n += utf8.EncodeRune(dst[n:], rune1252(b))
		t.r++
	}
	return n
}

func (t *transcoder) fromTable(dst []byte) int {
	n := 0
	for t.r < t.w && n+utf8.UTFMax <= len(dst) {
		if b := t.in[t.r]; b < utf8.RuneSelf {
			dst[n] = b
			n++
		} else {
			n += utf8.EncodeRune(dst[n:], t.table(b))
		}
		t.r++
	}
	return n
}

func (t *transcoder) from16(dst []byte) int {
	unit := func(i int) rune {
		if t.utf16 == 1 {
			return rune(t.in[i]) | rune(t.in[i+1])<<8
		}
		return rune(t.in[i])<<8 | rune(t.in[i+1])
	}
	n := 0
	for n+utf8.UTFMax <= len(dst) {
		left := t.w - t.r
		if left == 0 {
			break
		}
		if left == 1 {
			if t.err == nil {
				break
			}
			n += utf8.EncodeRune(dst[n:], utf8.RuneError)
			t.r++
			break
		}
		u, size := unit(t.r), 2
		if utf16.IsSurrogate(u) {
			if left < 4 && t.err == nil {
				break
			}
			pair := utf8.RuneError
			if left >= 4 {
				if pair = utf16.DecodeRune(u, unit(t.r+2)); pair != utf8.RuneError {
					size = 4
				}
			}
			u = pair
		}
		n += utf8.EncodeRune(dst[n:], u)
		t.r += size
	}
	return n
}

// upper1252 holds what windows-1252 has where ISO-8859-1 has control
// characters; the five bytes that it leaves open keep their number.
var upper1252 = [32]rune{
	'€', 0x81, '‚', 'ƒ', '„', '…', '†', '‡', 'ˆ', '‰', 'Š', '‹', 'Œ', 0x8d, 'Ž', 0x8f,
	0x90, '‘', '’', '“', '”', '•', '–', '—', '˜', '™', 'š', '›', 'œ', 0x9d, 'ž', 'Ÿ',
}

func rune1252(b byte) rune {
	if b >= 0x80 && b < 0xa0 {
		return upper1252[b-0x80]
	}
	return rune(b)
}

// rune8859_15 differs from ISO-8859-1 in eight places.
func rune8859_15(b byte) rune {
	if i := strings.IndexByte("\xa4\xa6\xa8\xb4\xb8\xbc\xbd\xbe", b); i >= 0 {
		return [...]rune{'€', 'Š', 'š', 'Ž', 'ž', 'Œ', 'œ', 'Ÿ'}[i]
	}
	return rune(b)
}
