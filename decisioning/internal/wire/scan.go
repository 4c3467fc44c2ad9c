package wire

import (
	"encoding/json"
	"strconv"
	"unicode/utf8"
)

// Error is a document that could not be read or written. It never quotes what
// it found.
type Error struct {
	Path   string // "accounts[3].balance"; empty at the top
	Offset int    // bytes from the start, when reading
	What   string
}

func (e *Error) Error() string {
	s := e.What
	if e.Offset > 0 {
		s += " at byte " + strconv.Itoa(e.Offset)
	}
	if e.Path != "" {
		s = e.Path + ": " + s
	}
	return s
}

// maxDepth is far beyond any document of the API, and far from the stack's end.
const maxDepth = 1000

// scanner reads JSON values from bytes that may hold anything.
type scanner struct {
	b     []byte
	i     int
	depth int
}

func (s *scanner) fail(what string) error { return &Error{Offset: s.i, What: what} }

// space skips white space and returns the next byte, 0 at the end.
func (s *scanner) space() byte {
	for s.i < len(s.b) {
		switch c := s.b[s.i]; c {
		case ' ', '\n', '\t', '\r':
			s.i++
		default:
			return c
		}
	}
	return 0
}

// open enters an object or array whose first byte is the next one.
func (s *scanner) open() error {
	s.i++
	if s.depth++; s.depth > maxDepth {
		return s.fail("nested too deeply")
	}
	return nil
}

func (s *scanner) close() {
	s.i++
	s.depth--
}

// quoted reads a string and returns what stands between its quotes; plain
// means that it is its own value: no escapes, valid UTF-8.
func (s *scanner) quoted() (inner []byte, plain bool, err error) {
	if s.i >= len(s.b) || s.b[s.i] != '"' {
		return nil, false, s.fail("a string is missing")
	}
	start := s.i + 1
	plain, high := true, false
	for i := start; i < len(s.b); i++ {
		c := s.b[i]
		switch {
		case c == '"':
			s.i = i + 1
			inner = s.b[start:i]
			return inner, plain && (!high || utf8.Valid(inner)), nil
		case c < ' ':
			s.i = i
			return nil, false, s.fail("a control character in a string")
		case c >= utf8.RuneSelf:
			high = true
		case c == '\\':
			plain = false
			n := escapeLength(s.b[i:])
			if n == 0 {
				s.i = i
				return nil, false, s.fail("a bad escape in a string")
			}
			i += n - 1
		}
	}
	s.i = len(s.b)
	return nil, false, s.fail("a string does not end")
}

// escapeLength is the length of the escape that b begins with, 0 if it is bad.
func escapeLength(b []byte) int {
	if len(b) < 2 {
		return 0
	}
	switch b[1] {
	case '"', '\\', '/', 'b', 'f', 'n', 'r', 't':
		return 2
	case 'u':
		if len(b) < 6 {
			return 0
		}
		for _, c := range b[2:6] {
			if !('0' <= c && c <= '9' || 'a' <= c && c <= 'f' || 'A' <= c && c <= 'F') {
				return 0
			}
		}
		return 6
	}
	return 0
}

// unquote gives the value of a string that is not plain.
func unquote(inner []byte) string {
	whole := make([]byte, 0, len(inner)+2)
	whole = append(append(append(whole, '"'), inner...), '"')
	var v string
	json.Unmarshal(whole, &v) //nolint:errcheck // the scanner has checked it
	return v
}

// number reads a number and returns its text.
func (s *scanner) number() ([]byte, error) {
	start := s.i
	b := s.b
	i := s.i
	digits := func() bool {
		from := i
		for i < len(b) && '0' <= b[i] && b[i] <= '9' {
			i++
		}
		return i > from
	}
	bad := func() ([]byte, error) {
		s.i = i
		return nil, s.fail("a number is malformed")
	}
	if i < len(b) && b[i] == '-' {
		i++
	}
	if i < len(b) && b[i] == '0' {
		i++
	} else if !digits() {
		return bad()
	}
	if i < len(b) && b[i] == '.' {
		if i++; !digits() {
			return bad()
		}
	}
	if i < len(b) && (b[i] == 'e' || b[i] == 'E') {
		i++
		if i < len(b) && (b[i] == '+' || b[i] == '-') {
			i++
		}
		if !digits() {
			return bad()
		}
	}
	s.i = i
	return b[start:i], nil
}

// word reads true, false or null.
func (s *scanner) word(w string) error {
	if len(s.b)-s.i < len(w) || string(s.b[s.i:s.i+len(w)]) != w {
		return s.fail("not a JSON value")
	}
	s.i += len(w)
	return nil
}

// raw reads any value and returns its bytes as they stand.
func (s *scanner) raw() ([]byte, error) {
	c := s.space()
	start := s.i
	if err := s.skip(c); err != nil {
		return nil, err
	}
	return s.b[start:s.i:s.i], nil
}

// skip reads the value that begins with c, the next byte.
func (s *scanner) skip(c byte) error {
	switch c {
	case '"':
		_, _, err := s.quoted()
		return err
	case 't':
		return s.word("true")
	case 'f':
		return s.word("false")
	case 'n':
		return s.word("null")
	case '{':
		return s.members(func([]byte, bool) error { return s.skip(s.space()) })
	case '[':
		return s.elements(func(int) error { return s.skip(s.space()) })
	case '-', '0', '1', '2', '3', '4', '5', '6', '7', '8', '9':
		_, err := s.number()
		return err
	case 0:
		if s.i >= len(s.b) {
			return s.fail("the document ends early")
		}
	}
	return s.fail("not a JSON value")
}

// members reads an object, calling value for each member when the next thing
// is its value. The name is between its quotes still.
func (s *scanner) members(value func(name []byte, plain bool) error) error {
	if err := s.open(); err != nil {
		return err
	}
	if s.space() == '}' {
		s.close()
		return nil
	}
	for {
		name, plain, err := s.quoted()
		if err != nil {
			return err
		}
		if s.space() != ':' {
			return s.fail("a colon is missing")
		}
		s.i++
		if err := value(name, plain); err != nil {
			return err
		}
		switch s.space() {
		case ',':
			s.i++
			s.space()
		case '}':
			s.close()
			return nil
		default:
			return s.fail("a comma is missing in an object")
		}
	}
}

// elements reads an array, calling value when the next thing is an element.
func (s *scanner) elements(value func(n int) error) error {
	if err := s.open(); err != nil {
		return err
	}
	if s.space() == ']' {
		s.close()
		return nil
	}
	for n := 0; ; n++ {
		if err := value(n); err != nil {
			return err
		}
		switch s.space() {
		case ',':
			s.i++
		case ']':
			s.close()
			return nil
		default:
			return s.fail("a comma is missing in an array")
		}
	}
}

// end refuses anything but white space after the document.
func (s *scanner) end() error {
	if s.space(); s.i < len(s.b) {
		return s.fail("something follows the document")
	}
	return nil
}
