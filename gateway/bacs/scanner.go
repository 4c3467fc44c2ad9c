package bacs

import (
	"bytes"
	"errors"
	"io"
	"strconv"
	"strings"
	"unicode/utf8"
)

// The scanner reads XML the way reports are written, and nothing more: tags,
// attributes, text, CDATA. Comments and processing instructions are skipped.
// No entity but XML's own five is ever expanded and nothing outside the
// document is ever read.
//
// It is ours because encoding/xml does not see encoding declarations with
// spaces around the equals sign, refuses a bare ampersand in a name, does not
// bound what one tag can cost, and takes more than twice as long for its tokens
// alone (BenchmarkARUDD100k). It is frozen: what it takes and refuses is held
// by TestTokensAgreeWithEncodingXML and FuzzParse against encoding/xml, and
// nothing about reports is known here. A report needs a new table in its
// handler, never a change of this file; limits on functions do not bind it.

type event uint8

const (
	evStart event = iota + 1
	evEnd
	evText
	evEOF
)

type span struct {
	name     string
	from, to int // in scanner.values
}

type scanner struct {
	t    *transcoder
	buf  []byte
	r, w int
	err  error // of the transcoder
	// pinned keeps everything from the start of the document in buf, so that
	// rewind can go back there.
	pinned bool
	limits Limits
	line   int
	names  map[string]string
	stack  []string
	begun  bool // there was a tag, of whatever kind
	closed bool // the root element has been closed
	single bool // the tag just delivered was <x/>: its end comes next

	// The current token; name also holds the name of an end tag.
	name        string
	attrs       []span
	values      []byte
	text        []byte // aliases buf or scratch until the next token
	scratch     []byte
	texts       []byte // of the elements that build is inside of
	at          int    // line the token starts on
	unknownRefs int    // undefined entity references, kept literally
}

var errSniffOver = errors.New("the start of the document was read without finding its kind")

func newScanner(r io.Reader, limits Limits) *scanner {
	return &scanner{
		t: newTranscoder(r), buf: make([]byte, minBuffer), limits: limits, line: 1,
		names: make(map[string]string, 64),
	}
}

// rewind goes back to the start of a document that was pinned.
func (s *scanner) rewind() {
	s.r, s.line, s.stack, s.begun, s.closed, s.single, s.pinned, s.unknownRefs = 0, 1, s.stack[:0], false, false, false, false, 0
}

// more reads on behind buf[r:w], which stays whole.
func (s *scanner) more() error {
	if s.err != nil {
		return s.err
	}
	const room = 4 << 10
	if len(s.buf)-s.w < room && s.r > 0 && !s.pinned {
		s.w = copy(s.buf, s.buf[s.r:s.w])
		s.r = 0
	}
	if len(s.buf)-s.w < room {
		most := s.limits.Record + minBuffer
		if s.pinned {
			most = sniffBytes
		}
		if s.w >= most-room {
			if s.pinned {
				return errSniffOver
			}
			return exceeded(s.line, "a tag or text is longer than Limits.Record", "Raise Limits.Record if the document is to be trusted.")
		}
		bigger := make([]byte, min(2*len(s.buf), max(most, len(s.buf)+room)))
		copy(bigger, s.buf[:s.w])
		s.buf = bigger
	}
	n, err := s.t.read(s.buf[s.w:])
	s.w += n
	if err != nil && err != io.EOF {
		err = &fault{nil, s.line, "the document could not be read on", "", err}
		if errors.Is(err, io.ErrUnexpectedEOF) {
			err = truncated(s.line, "the document could not be read to its end")
		}
	}
	s.err = err
	if n > 0 {
		return nil
	}
	return s.err
}

// double reads until what is there has doubled, so that a token which is
// tried again after each read costs no more than twice its length.
func (s *scanner) double() error {
	for want := 2 * (s.w - s.r); s.w-s.r < want; {
		if err := s.more(); err != nil {
			if err == io.EOF && s.w-s.r > want/2 {
				return nil // there is something new to try with
			}
			return s.cut(err, "it ends inside a tag")
		}
	}
	return nil
}

// cut turns the end of the input inside a token into an error that says so.
func (s *scanner) cut(err error, what string) error {
	if err == io.EOF {
		return truncated(s.line, what)
	}
	return err
}

// advance takes n bytes off the front.
func (s *scanner) advance(n int) {
	s.line += bytes.Count(s.buf[s.r:s.r+n], []byte{'\n'})
	s.r += n
}

// next returns the next token, [evEOF] after the closed root element.
func (s *scanner) next() (event, error) {
	if s.single {
		s.single = false
		return s.pop(), nil
	}
	for {
		if s.r == s.w {
			if err := s.more(); err == io.EOF {
				return s.end()
			} else if err != nil {
				return 0, err
			}
		}
		s.at = s.line
		if s.buf[s.r] != '<' {
			if ok, err := s.readText(); ok || err != nil {
				return evText, err
			}
			continue
		}
		s.begun = true
		if err := s.need(2); err != nil {
			return 0, err
		}
		switch s.buf[s.r+1] {
		case '/':
			return s.endTag()
		case '?':
			if err := s.skip(2, "?>"); err != nil {
				return 0, err
			}
		case '!':
			if ok, err := s.bang(); ok || err != nil {
				return evText, err
			}
		default:
			return s.startTag()
		}
	}
}

// end decides what the end of the input means.
func (s *scanner) end() (event, error) {
	switch {
	case s.closed:
		return evEOF, nil
	case len(s.stack) == 0:
		return 0, truncated(0, "the document holds no element")
	}
	return 0, truncated(s.line, "the root element "+known(s.stack[0])+" is not closed")
}

// known returns a name that is safe to print: one of the vocabulary.
func known(name string) string {
	switch l := local(name); l {
	case "BACSDocument", "VocaDocument", "Data", "Document", "InputReport", "WithdrawalReport", "ARUDD", "MessagingAdvices":
		return "<" + l + ">"
	}
	return ""
}

// need reads until n bytes are there.
func (s *scanner) need(n int) error {
	for s.w-s.r < n {
		if err := s.more(); err != nil {
			return s.cut(err, "it ends inside a tag")
		}
	}
	return nil
}

// find returns the offset of a mark, from r on, reading as far as it must.
func (s *scanner) find(from int, mark string) (int, error) {
	for {
		if i := bytes.Index(s.buf[s.r+from:s.w], []byte(mark)); i >= 0 {
			return from + i, nil
		}
		from = max(from, s.w-s.r-len(mark)+1)
		if err := s.more(); err != nil {
			return s.w - s.r, err
		}
	}
}

// skip drops everything up to the end of a mark, however long.
func (s *scanner) skip(head int, mark string) error {
	s.advance(head)
	for {
		if i := bytes.Index(s.buf[s.r:s.w], []byte(mark)); i >= 0 {
			s.advance(i + len(mark))
			return nil
		}
		if tail := s.w - s.r - len(mark) + 1; tail > 0 {
			s.advance(tail)
		}
		if err := s.more(); err != nil {
			return s.cut(err, "it ends inside a comment or an instruction")
		}
	}
}

// readText delivers the text up to the next tag. Outside the root element
// only blanks are text; they are dropped.
func (s *scanner) readText() (bool, error) {
	n, err := s.find(0, "<")
	if err != nil && err != io.EOF {
		return false, err
	}
	raw := s.buf[s.r : s.r+n]
	if len(s.stack) == 0 {
		// The mark that ends text files on some old systems, and the zeros
		// that pad a record, are no content.
		if s.closed {
			raw = bytes.Trim(raw, "\x00\x1a")
		}
		if !blank(raw) {
			if s.closed {
				return false, malformed(s.line, "there is text behind the root element")
			}
			if s.begun {
				return false, malformed(s.line, "there is text in front of the root element")
			}
			return false, &fault{ErrNotXML, 0, "the document does not start with a tag", "It is no Bacs XML report: keep it and read it as what it is.", nil}
		}
		s.advance(n)
		return false, nil
	}
	if err == io.EOF {
		_, err := s.end()
		return false, err
	}
	if s.text, err = s.decode(raw, false); err != nil {
		return false, err
	}
	s.advance(n)
	return true, nil
}

func blank(b []byte) bool {
	for _, c := range b {
		if c != ' ' && c != '\n' && c != '\r' && c != '\t' {
			return false
		}
	}
	return true
}

// bang reads what starts with "<!"; it reports whether that gave text.
func (s *scanner) bang() (bool, error) {
	if err := s.need(4); err != nil {
		return false, err
	}
	if string(s.buf[s.r:s.r+4]) == "<!--" {
		return false, s.skip(4, "-->")
	}
	if err := s.need(9); err != nil {
		return false, err
	}
	switch head := string(s.buf[s.r : s.r+9]); {
	case head == "<![CDATA[" && len(s.stack) > 0:
		n, err := s.find(9, "]]>")
		if err != nil {
			return false, s.cut(err, "it ends inside a CDATA section")
		}
		raw := s.buf[s.r+9 : s.r+n]
		for _, c := range raw {
			if class[c] == cControl {
				return false, malformed(s.line, "it holds a control character")
			}
		}
		s.text = raw
		if bytes.IndexByte(raw, '\r') >= 0 {
			s.scratch = newlines(s.scratch[:0], raw)
			s.text = s.scratch
		}
		s.advance(n + 3)
		return true, nil
	case head == "<!DOCTYPE" && len(s.stack) == 0 && !s.closed:
		return false, s.doctype()
	}
	return false, malformed(s.line, "it holds a declaration where none may be")
}

// doctype skips a document type declaration that only names the type. One
// with declarations inside could give attributes and entities a meaning that
// other readers of the document would see and this one would not.
func (s *scanner) doctype() error {
	n, quote := 9, byte(0)
	for {
		for ; s.r+n < s.w; n++ {
			switch c := s.buf[s.r+n]; {
			case quote != 0:
				if c == quote {
					quote = 0
				}
			case c == '"' || c == '\'':
				quote = c
			case c == '[' || c == '<':
				return malformed(s.line, "it declares its own entities or attributes, which reports do not and which is refused")
			case c == '>':
				s.advance(n + 1)
				return nil
			}
		}
		if err := s.more(); err != nil {
			return s.cut(err, "it ends inside the document type declaration")
		}
	}
}

func (s *scanner) endTag() (event, error) {
	n, err := s.find(2, ">")
	if err != nil {
		return 0, s.cut(err, "it ends inside a tag")
	}
	name := bytes.TrimRight(s.buf[s.r+2:s.r+n], " \t\r\n")
	if len(s.stack) == 0 || string(name) != s.stack[len(s.stack)-1] {
		return 0, malformed(s.line, "an end tag does not match the element that is open")
	}
	s.advance(n + 1)
	return s.pop(), nil
}

func (s *scanner) pop() event {
	last := len(s.stack) - 1
	s.name, s.stack = s.stack[last], s.stack[:last]
	s.closed = last == 0
	return evEnd
}

func (s *scanner) startTag() (event, error) {
	if s.closed {
		return 0, malformed(s.line, "there is a second root element")
	}
	if len(s.stack) >= s.limits.Depth {
		return 0, exceeded(s.line, "elements nest deeper than Limits.Depth", "Reports need 12 levels; raise Limits.Depth if the document is to be trusted.")
	}
	for before := s.unknownRefs; ; {
		s.unknownRefs = before // what an incomplete tag counted is counted again
		n, err := s.parseTag(s.buf[s.r:s.w])
		if err != nil {
			return 0, err
		}
		if n > 0 {
			s.advance(n)
			break
		}
		if err := s.double(); err != nil {
			return 0, err
		}
	}
	s.stack = append(s.stack, s.name)
	return evStart, nil
}

// The classes of bytes that matter inside values, text and names.
const (
	cControl = 1 + iota
	cSpace   // in values, tab and line ends become spaces
	cAmp
	cLess
	cQuote
)

var class = [256]byte{
	0: cControl, 1: cControl, 2: cControl, 3: cControl, 4: cControl, 5: cControl, 6: cControl, 7: cControl,
	8: cControl, '\t': cSpace, '\n': cSpace, 0xb: cControl, 0xc: cControl, '\r': cSpace, 0xe: cControl, 0xf: cControl,
	0x10: cControl, 0x11: cControl, 0x12: cControl, 0x13: cControl, 0x14: cControl, 0x15: cControl, 0x16: cControl, 0x17: cControl,
	0x18: cControl, 0x19: cControl, 0x1a: cControl, 0x1b: cControl, 0x1c: cControl, 0x1d: cControl, 0x1e: cControl, 0x1f: cControl,
	'&': cAmp, '<': cLess, '"': cQuote, '\'': cQuote,
}

// nameByte tells where a name ends; which characters beyond ASCII XML allows
// in one is left alone, as names are only compared.
func nameByte(c byte, first bool) bool {
	switch {
	case 'a' <= c && c <= 'z', 'A' <= c && c <= 'Z', c == '_', c == ':', c >= utf8.RuneSelf:
		return true
	case '0' <= c && c <= '9', c == '-', c == '.':
		return !first
	}
	return false
}

// parseTag reads a whole start tag from b, which starts at its '<'. It
// returns the tag's length, or 0 if b ends before the tag does.
func (s *scanner) parseTag(b []byte) (int, error) {
	s.attrs, s.values = s.attrs[:0], s.values[:0]
	i := nameEnd(b, 1)
	switch {
	case i-1 > maxName:
		return 0, s.longName()
	case i == len(b):
		return 0, nil
	case i == 1:
		return 0, malformed(s.line, "a tag has no name")
	}
	s.name = s.intern(b[1:i])
	for {
		i = skipSpace(b, i)
		if i == len(b) {
			return 0, nil
		}
		switch b[i] {
		case '>':
			return i + 1, nil
		case '/':
			if i+1 == len(b) {
				return 0, nil
			}
			if b[i+1] != '>' {
				return 0, malformed(s.line, "a tag is not closed properly")
			}
			s.single = true
			return i + 2, nil
		}
		var err error
		if i, err = s.parseAttr(b, i); err != nil || i == 0 {
			return 0, err
		}
	}
}

// parseAttr reads one attribute from b[start:] and returns where it ends, or 0
// if b ends before the attribute does.
func (s *scanner) parseAttr(b []byte, start int) (int, error) {
	end := nameEnd(b, start)
	if end-start > maxName {
		return 0, s.longName()
	}
	i := skipSpace(b, end)
	if i == len(b) {
		return 0, nil
	}
	if end == start || b[i] != '=' {
		return 0, malformed(s.line, "a tag holds something that is not an attribute")
	}
	i = skipSpace(b, i+1)
	if i == len(b) {
		return 0, nil
	}
	if b[i] != '"' && b[i] != '\'' {
		return 0, malformed(s.line, "an attribute's value is not quoted")
	}
	from := i + 1
	i, plain, err := s.valueEnd(b, from, b[i])
	if err != nil || i == len(b) {
		return 0, err
	}
	if len(s.attrs) == maxAttrs {
		return 0, exceeded(s.line, "an element has more than "+strconv.Itoa(maxAttrs)+" attributes", "")
	}
	name := s.intern(b[start:end])
	for k := range s.attrs {
		if s.attrs[k].name == name {
			return 0, malformed(s.line, "an element has an attribute twice")
		}
	}
	at := len(s.values)
	if plain {
		s.values = append(s.values, b[from:i]...)
	} else {
		s.values = s.unescape(s.values, b[from:i], true)
	}
	s.attrs = append(s.attrs, span{name, at, len(s.values)})
	return i + 1, nil
}

// valueEnd returns where a value ends, and whether it can be taken as it is.
func (s *scanner) valueEnd(b []byte, i int, quote byte) (end int, plain bool, err error) {
	plain = true
	for ; i < len(b); i++ {
		c := class[b[i]]
		if c == 0 {
			continue
		}
		if b[i] == quote {
			break
		}
		switch c {
		case cLess:
			return 0, false, malformed(s.line, "an attribute's value holds a bare <")
		case cControl:
			return 0, false, malformed(s.line, "an attribute's value holds a control character")
		case cSpace, cAmp:
			plain = false
		}
	}
	return i, plain, nil
}

// nameEnd returns where a name that starts at i ends; i if there is none.
func nameEnd(b []byte, i int) int {
	start := i
	for i < len(b) && nameByte(b[i], i == start) {
		i++
	}
	return i
}

func skipSpace(b []byte, i int) int {
	for i < len(b) && (b[i] == ' ' || b[i] == '\n' || b[i] == '\r' || b[i] == '\t') {
		i++
	}
	return i
}

func (s *scanner) longName() error {
	return exceeded(s.line, "a name is longer than "+strconv.Itoa(maxName)+" bytes", "")
}

// intern shares the text of names, of which a report has a few dozen.
func (s *scanner) intern(b []byte) string {
	if name, ok := s.names[string(b)]; ok {
		return name
	}
	name := string(b)
	if len(s.names) < maxNames {
		s.names[name] = name
	}
	return name
}

// decode resolves references and line ends in text; it fails on a control
// character. The result aliases raw if there was nothing to do.
func (s *scanner) decode(raw []byte, value bool) ([]byte, error) {
	plain := true
	for _, c := range raw {
		switch class[c] {
		case cControl:
			return nil, malformed(s.line, "it holds a control character")
		case cAmp:
			plain = false
		case cSpace:
			if c == '\r' {
				plain = false
			}
		}
	}
	if plain {
		return raw, nil
	}
	s.scratch = s.unescape(s.scratch[:0], raw, value)
	return s.scratch, nil
}

// newlines makes every line end a \n, as XML does.
func newlines(dst, raw []byte) []byte {
	for i, c := range raw {
		switch {
		case c != '\r':
			dst = append(dst, c)
		case i+1 == len(raw) || raw[i+1] != '\n':
			dst = append(dst, '\n')
		}
	}
	return dst
}

// unescape resolves the five references that XML defines and character
// references. Anything else behind an & is kept as it is written, and
// counted: no report is refused for a name such as SMITH & SONS.
func (s *scanner) unescape(dst, raw []byte, value bool) []byte {
	for i := 0; i < len(raw); i++ {
		switch c := raw[i]; {
		case c == '&':
			r, n := reference(raw[i:])
			if n == 0 {
				s.unknownRefs++
				dst = append(dst, c)
				continue
			}
			dst = utf8.AppendRune(dst, r)
			i += n - 1
		case c == '\r' && i+1 < len(raw) && raw[i+1] == '\n':
		case value && class[c] == cSpace:
			dst = append(dst, ' ')
		case c == '\r':
			dst = append(dst, '\n')
		default:
			dst = append(dst, c)
		}
	}
	return dst
}

// reference reads one reference and returns its character and length; the
// length is 0 for what is none.
func reference(b []byte) (rune, int) {
	const longest = 12
	n := bytes.IndexByte(b[:min(len(b), longest)], ';')
	if n < 2 {
		return 0, 0
	}
	switch body := string(b[1:n]); body {
	case "lt":
		return '<', n + 1
	case "gt":
		return '>', n + 1
	case "amp":
		return '&', n + 1
	case "quot":
		return '"', n + 1
	case "apos":
		return '\'', n + 1
	default:
		if r := charReference(body); r >= 0 {
			return r, n + 1
		}
		return 0, 0
	}
}

// charReference reads #65 or #x41; it returns -1 for what is no character of
// XML.
func charReference(body string) rune {
	digits, ok := strings.CutPrefix(body, "#")
	base := 10
	if rest, hex := strings.CutPrefix(digits, "x"); hex {
		digits, base = rest, 16
	}
	v, err := strconv.ParseUint(digits, base, 32)
	switch {
	case !ok || err != nil || v > utf8.MaxRune || !utf8.ValidRune(rune(v)) || v == 0xfffe || v == 0xffff:
		return -1
	case v < ' ' && v != '\t' && v != '\n' && v != '\r':
		return -1
	}
	return rune(v)
}

// local drops a namespace prefix.
func local(name string) string {
	if i := strings.IndexByte(name, ':'); i >= 0 {
		return name[i+1:]
	}
	return name
}
