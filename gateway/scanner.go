package gateway

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"unicode/utf16"
	"unicode/utf8"

	"github.com/ccr-sdk/ccr"
)

const (
	scanBuffer = 64 << 10
	maxDepth   = 64      // nesting of what an answer may hold
	maxScalar  = 1 << 10 // a number or literal; longer ones are no JSON of a sane server
)

// errEnded: the answer stopped in the middle.
var errEnded = fmt.Errorf("%w: the answer ended before its JSON did", ccr.ErrIncomplete)

// syntaxError says where an answer stops being JSON, never what is there.
type syntaxError struct {
	at   int64
	what string
}

func (e *syntaxError) Error() string {
	return fmt.Sprintf("the answer is not valid JSON at byte %d: %s", e.at, e.what)
}

// scanner reads JSON as it arrives and holds no more of it than its buffer,
// however long a string is. encoding/json would hold a whole report, and so
// does the jsontext.Decoder of decisioning's engine: for data of 64 MiB it took
// 256 MiB of heap at 310 MB/s, the scanner 0.4 MiB at 1,100 MB/s (with \/ in
// every four characters: 213 and 186 MB/s). A lexer that keeps the data from
// that decoder needs what is the larger part of this file (filling, texts,
// escapes), and a way to pause the decoder between the two: no shorter, and two
// readers of one stream instead of one.
type scanner struct {
	src  io.Reader
	buf  []byte
	r, w int
	base int64 // offset of buf[0] in the answer
	err  error // of src

	filled int     // how often more was read
	rec    *[]byte // takes what is consumed, if set
	room   int     // what rec may still take
	base64 *base64Writer
}

func newScanner(src io.Reader, buffer int) *scanner {
	return &scanner{src: src, buf: make([]byte, buffer)}
}

func (s *scanner) bad(what string) error { return &syntaxError{s.base + int64(s.r), what} }

// fill reads more behind what is left. It fails only when nothing more comes.
func (s *scanner) fill() error {
	if s.err != nil {
		if s.err == io.EOF { //nolint:errorlint // io.Reader contract
			return errEnded
		}
		return s.err
	}
	if s.r > 0 {
		s.base += int64(s.r)
		s.w = copy(s.buf, s.buf[s.r:s.w])
		s.r = 0
	}
	for range 100 {
		n, err := s.src.Read(s.buf[s.w:])
		s.filled++
		s.w += n
		s.err = err
		if n > 0 {
			return nil
		}
		if err != nil {
			return s.fill()
		}
	}
	s.err = io.ErrNoProgress
	return s.err
}

// need makes n bytes visible.
func (s *scanner) need(n int) error {
	for s.w-s.r < n {
		if err := s.fill(); err != nil {
			return err
		}
	}
	return nil
}

// take consumes n visible bytes.
func (s *scanner) take(n int) error {
	if s.rec != nil {
		if s.room -= n; s.room < 0 {
			return errors.New("a member of the answer is larger than allowed")
		}
		*s.rec = append(*s.rec, s.buf[s.r:s.r+n]...)
	}
	s.r += n
	return nil
}

// peek skips white space and returns the next byte without consuming it.
func (s *scanner) peek() (byte, error) {
	for {
		for ; s.r < s.w; s.r++ {
			if c := s.buf[s.r]; c != ' ' && c != '\n' && c != '\r' && c != '\t' {
				return c, nil
			}
		}
		if err := s.fill(); err != nil {
			return 0, err
		}
	}
}

// expect consumes one byte after white space.
func (s *scanner) expect(c byte) error {
	got, err := s.peek()
	if err != nil {
		return err
	}
	if got != c {
		return s.bad("want " + string(rune(c)))
	}
	return s.take(1)
}

// end makes sure that nothing but white space follows.
func (s *scanner) end() error {
	switch _, err := s.peek(); {
	case err == nil:
		return s.bad("text after its end")
	case errors.Is(err, errEnded):
		return nil
	default:
		return err
	}
}

// more reports whether a list has another element, and consumes what comes
// before it. first is true until the first element was seen.
func (s *scanner) more(first *bool, closing byte) (bool, error) {
	c, err := s.peek()
	switch {
	case err != nil:
		return false, err
	case c == closing:
		return false, s.take(1)
	case *first:
		*first = false
		return true, nil
	case c != ',':
		return false, s.bad("want a comma or the end of a list")
	}
	if err := s.take(1); err != nil {
		return false, err
	}
	if c, err = s.peek(); err == nil && c == closing {
		err = s.bad("a comma before the end of a list")
	}
	return err == nil, err
}

// object calls f for each member, with the scanner before its value.
func (s *scanner) object(f func(name string) error) error {
	if err := s.expect('{'); err != nil {
		return err
	}
	for first := true; ; {
		more, err := s.more(&first, '}')
		if err != nil || !more {
			return err
		}
		name, err := s.str(maxMemberName)
		if err != nil {
			return err
		}
		if err := s.expect(':'); err != nil {
			return err
		}
		if err := f(name); err != nil {
			return err
		}
	}
}

// array calls f with the scanner before each element.
func (s *scanner) array(f func() error) error {
	if err := s.expect('['); err != nil {
		return err
	}
	for first := true; ; {
		more, err := s.more(&first, ']')
		if err != nil || !more {
			return err
		}
		if err := f(); err != nil {
			return err
		}
	}
}

const maxMemberName = 1 << 10

// str reads a whole string of limited length.
func (s *scanner) str(limit int) (string, error) {
	if err := s.expect('"'); err != nil {
		return "", err
	}
	out := make([]byte, 0, 64)
	for {
		if cap(out)-len(out) < utf8.UTFMax {
			grown := make([]byte, len(out), 2*cap(out))
			copy(grown, out)
			out = grown
		}
		n, ended, err := s.text(out[len(out):cap(out)], true)
		if err != nil {
			return "", err
		}
		out = out[:len(out)+n]
		if len(out) > limit {
			return "", s.bad("a string is longer than allowed")
		}
		if ended {
			return strings.ToValidUTF8(string(out), "\uFFFD"), nil
		}
	}
}

// text decodes the next part of a string whose opening quote was consumed,
// escapes resolved, into dst, which needs room for four bytes at least. ended
// says that the closing quote was consumed. Control characters are only looked
// for if asked: where the text is base64 next, its decoder finds them.
func (s *scanner) text(dst []byte, control bool) (n int, ended bool, err error) {
	for len(dst)-n >= utf8.UTFMax {
		if s.r == s.w {
			if err := s.fill(); err != nil {
				return n, false, err
			}
		}
		more, ended, err := s.buffered(dst[n:], control)
		n += more
		if err != nil || ended {
			return n, ended, err
		}
	}
	return n, false, nil
}

// buffered is text of what the buffer holds: to the end of the string, of the
// buffer or of dst.
func (s *scanner) buffered(dst []byte, control bool) (n int, ended bool, err error) {
	// end is where the string ends, if no escape comes before it, or where
	// the buffer does. It is looked for once for all escapes before it.
	end, quoted := s.w, false
	if i := bytes.IndexByte(s.buf[s.r:s.w], '"'); i >= 0 {
		end, quoted = s.r+i, true
	}
	for len(dst)-n >= utf8.UTFMax {
		run := s.buf[s.r:min(end, s.r+len(dst)-n)]
		escape := bytes.IndexByte(run, '\\')
		if escape >= 0 {
			run = run[:escape]
		}
		if control {
			if i := slices.IndexFunc(run, func(c byte) bool { return c < ' ' }); i >= 0 {
				s.r += i
				return n, false, s.bad("a control character in a string")
			}
		}
		n += copy(dst[n:], run)
		if err := s.take(len(run)); err != nil {
			return n, false, err
		}
		switch {
		case escape < 0 && quoted && s.r == end:
			return n, true, s.take(1)
		case escape < 0, len(dst)-n < utf8.UTFMax:
			return n, false, nil
		case s.r+1 < end && s.buf[s.r+1] == '/': // PHP writes every slash like this
			dst[n] = '/'
			n++
			if err := s.take(2); err != nil {
				return n, false, err
			}
			continue
		}
		filled := s.filled
		c, err := s.escape()
		if err != nil {
			return n, false, err
		}
		n += utf8.EncodeRune(dst[n:], c)
		if s.filled != filled || s.r > end { // the buffer moved, or the quote was escaped
			return n, false, nil
		}
	}
	return n, false, nil
}

// escape reads one escape sequence, or two that make a surrogate pair.
func (s *scanner) escape() (rune, error) {
	if err := s.need(2); err != nil {
		return 0, err
	}
	if c := s.buf[s.r+1]; c != 'u' {
		i := strings.IndexByte(`"\/bfnrt`, c)
		if i < 0 {
			return 0, s.bad("an unknown escape in a string")
		}
		return rune("\"\\/\b\f\n\r\t"[i]), s.take(2)
	}
	high, err := s.hex4()
	if err != nil || !utf16.IsSurrogate(high) {
		return high, err
	}
	// A lone half of a pair becomes U+FFFD, as in encoding/json.
	if err := s.need(1); err != nil {
		return 0, err
	}
	if s.buf[s.r] != '\\' {
		return utf8.RuneError, nil
	}
	if err := s.need(2); err != nil {
		return 0, err
	}
	if s.buf[s.r+1] != 'u' {
		return utf8.RuneError, nil
	}
	if err := s.need(6); err != nil {
		return 0, err
	}
	low, err := s.peekHex4()
	if err != nil {
		return 0, err
	}
	if c := utf16.DecodeRune(high, low); c != utf8.RuneError {
		return c, s.take(6)
	}
	return utf8.RuneError, nil
}

func (s *scanner) hex4() (rune, error) {
	if err := s.need(6); err != nil {
		return 0, err
	}
	c, err := s.peekHex4()
	if err != nil {
		return 0, err
	}
	return c, s.take(6)
}

func (s *scanner) peekHex4() (c rune, err error) {
	for _, b := range s.buf[s.r+2 : s.r+6] {
		switch {
		case '0' <= b && b <= '9':
			c = c<<4 | rune(b-'0')
		case 'a' <= b && b <= 'f':
			c = c<<4 | rune(b-'a'+10)
		case 'A' <= b && b <= 'F':
			c = c<<4 | rune(b-'A'+10)
		default:
			return 0, s.bad(`an unfinished \u escape in a string`)
		}
	}
	return c, nil
}

// skip consumes one value without keeping it.
func (s *scanner) skip(depth int) error {
	if depth > maxDepth {
		return s.bad("nested too deeply")
	}
	c, err := s.peek()
	if err != nil {
		return err
	}
	switch c {
	case '{':
		return s.object(func(string) error { return s.skip(depth + 1) })
	case '[':
		return s.array(func() error { return s.skip(depth + 1) })
	case '"':
		if err := s.take(1); err != nil {
			return err
		}
		return s.skipText(true)
	}
	return s.scalar()
}

// skipText consumes the rest of a string.
func (s *scanner) skipText(control bool) error {
	var scratch [8 << 10]byte
	for {
		if _, ended, err := s.text(scratch[:], control); ended || err != nil {
			return err
		}
	}
}

// scalar consumes a number, true, false or null.
func (s *scanner) scalar() error {
	var token []byte
	for len(token) <= maxScalar {
		if s.r == s.w {
			if err := s.fill(); err != nil {
				if errors.Is(err, errEnded) && json.Valid(token) {
					return nil // a value of its own; whoever wants more will notice
				}
				return err
			}
		}
		c := s.buf[s.r]
		switch {
		case c >= '0' && c <= '9', c >= 'a' && c <= 'z', c == '+', c == '-', c == '.', c == 'E':
			token = append(token, c)
			if err := s.take(1); err != nil {
				return err
			}
			continue
		}
		if !json.Valid(token) {
			return s.bad("want a value")
		}
		return nil
	}
	return s.bad("a number is longer than allowed")
}

// value returns the bytes of one value, valid JSON, at most limit of them.
func (s *scanner) value(limit int) ([]byte, error) {
	if _, err := s.peek(); err != nil {
		return nil, err
	}
	var raw []byte
	s.rec, s.room = &raw, limit
	err := s.skip(0)
	s.rec = nil
	return raw, err
}
