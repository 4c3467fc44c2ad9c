package bacs

import (
	"io"
	"iter"
	"strconv"
)

// Attr is one attribute, its value as written in the document (but for
// character references and line ends, which XML resolves): padding, dashes
// and fillers are still there.
type Attr struct {
	Name  string `json:"name"`  // with its namespace prefix, if any
	Value string `json:"value"` // as written, padding included
}

// Element is an element as it stands in the document, so that nothing of a
// report is out of reach: every typed record holds the elements it was read
// from in its field Raw. Names keep their namespace prefix, if any.
//
// It prints and logs as its name and the number of its attributes, never
// with a value. encoding/json writes all of it.
type Element struct {
	Name     string    `json:"name"`               // with its namespace prefix, if any
	Attrs    []Attr    `json:"attrs,omitempty"`    // in the order of the document
	Text     string    `json:"text,omitempty"`     // its own text; blanks between child elements are dropped
	Children []Element `json:"children,omitempty"` // in the order of the document
}

// Attr returns the value of an attribute and whether it is there.
func (e Element) Attr(name string) (string, bool) {
	for i := range e.Attrs {
		if e.Attrs[i].Name == name {
			return e.Attrs[i].Value, true
		}
	}
	return "", false
}

// Child returns the first child element of a name; a namespace prefix does
// not count.
func (e Element) Child(name string) (Element, bool) {
	for _, c := range e.Children {
		if local(c.Name) == name {
			return c, true
		}
	}
	return Element{}, false
}

// TokenType says which part of a document a [Token] is.
type TokenType uint8

// The types of token.
const (
	TokenStart TokenType = iota + 1 // an element begins, with its attributes
	TokenEnd                        // the element that began last ends
	TokenText                       // characters between tags, references resolved
)

// String names the type.
func (t TokenType) String() string {
	switch t {
	case TokenStart:
		return "start"
	case TokenEnd:
		return "end"
	case TokenText:
		return "text"
	}
	return "token type " + strconv.Itoa(int(t))
}

// Token is one token of a document, for reports of an unknown kind. Comments
// and processing instructions are left out; <x/> is a start and an end.
type Token struct {
	Type  TokenType `json:"type"`            // says which of the fields are set
	Name  string    `json:"name,omitempty"`  // of a start or an end
	Attrs []Attr    `json:"attrs,omitempty"` // of a start
	Text  string    `json:"text,omitempty"`  // characters between tags
	Line  int       `json:"line"`            // where it starts, from 1
}

// Other is something of a report of a known kind that this package has no
// type for, so that it does not get lost: an element that is not known, an
// element whose attributes are not known, or text where none is expected.
// Elements inside an unknown element come as an Other of their own, unless
// they are known: those are delivered as what they are.
type Other struct {
	Path  string `json:"path"`            // BACSDocument/Data/ARUDD/…
	Attrs []Attr `json:"attrs,omitempty"` // of the element; nil for a text
	Text  string `json:"text,omitempty"`  // the element's own, or the one that was not expected
}

// Tokens reads any XML document token by token in constant memory, whatever
// its kind, with the encoding, limits and errors of [NewReader].
func Tokens(r io.Reader) iter.Seq2[Token, error] { return tokens(r, Limits{}) }

func tokens(r io.Reader, limits Limits) iter.Seq2[Token, error] {
	return func(yield func(Token, error) bool) {
		limits, err := limits.withDefaults("Tokens")
		if err != nil {
			yield(Token{}, err)
			return
		}
		s := newScanner(r, limits)
		for {
			t, err := s.token()
			if err == io.EOF {
				return
			}
			if !yield(t, wrap("Tokens", err)) || err != nil {
				return
			}
		}
	}
}

// token returns the next token as a value of its own; io.EOF at the end.
func (s *scanner) token() (Token, error) {
	ev, err := s.next()
	if err != nil {
		return Token{}, err
	}
	switch ev {
	case evStart:
		return Token{Type: TokenStart, Name: s.name, Attrs: s.takeAttrs(), Line: s.at}, nil
	case evEnd:
		return Token{Type: TokenEnd, Name: s.name, Line: s.at}, nil
	case evText:
		return Token{Type: TokenText, Text: string(s.text), Line: s.at}, nil
	}
	return Token{}, io.EOF
}

// takeAttrs copies the attributes of the current tag; all values share one
// string.
func (s *scanner) takeAttrs() []Attr {
	if len(s.attrs) == 0 {
		return nil
	}
	values := string(s.values)
	attrs := make([]Attr, len(s.attrs))
	for i, a := range s.attrs {
		attrs[i] = Attr{a.name, values[a.from:a.to]}
	}
	return attrs
}

// What an element and an attribute cost in memory, beside their text.
const (
	elementCost = 88
	attrCost    = 32
)

// budget is what may still be kept in memory, and what the limit is called.
type budget struct {
	left  int64
	limit string
}

func (s *scanner) spend(b *budget, n int) error {
	if b.left -= int64(n); b.left < 0 {
		return exceeded(s.line, "it takes more memory than "+b.limit, "Read it with NewReader, or raise "+b.limit+" if the document is to be trusted.")
	}
	return nil
}

// build reads the whole element whose start tag is the current token.
func (s *scanner) build(el *Element, b *budget) error {
	el.Name = s.name
	if err := s.spend(b, elementCost+len(s.name)+attrCost*len(s.attrs)+len(s.values)); err != nil {
		return err
	}
	el.Attrs = s.takeAttrs()
	base := len(s.texts)
	for {
		ev, err := s.next()
		if err != nil {
			return err
		}
		switch ev {
		case evStart:
			if len(el.Children) == 0 && blank(s.texts[base:]) {
				s.texts = s.texts[:base]
			}
			el.Children = append(el.Children, Element{})
			if err := s.build(&el.Children[len(el.Children)-1], b); err != nil {
				return err
			}
		case evEnd:
			el.Text = string(s.texts[base:])
			s.texts = s.texts[:base]
			return nil
		case evText:
			if len(el.Children) > 0 && blank(s.text) {
				continue
			}
			if err := s.spend(b, len(s.text)); err != nil {
				return err
			}
			s.texts = append(s.texts, s.text...)
		}
	}
}

func (*Token) record() {}
func (*Other) record() {}
