package bacs

import (
	"bytes"
	"errors"
	"io"
	"slices"
	"strings"
)

// RootCheck finds out, as bytes pass through it, whether an XML document is
// all there: whether its last tag closes its first one. It keeps nothing,
// takes any bytes, never fails a Write and costs little, so that a report can
// be checked while it is received and before it is archived at the bureau:
//
//	var check bacs.RootCheck
//	io.Copy(io.MultiWriter(file, &check), body)
//	if isXML, closed := check.Whole(); isXML && !closed { … cut off … }
//
// It does not tell whether the document is well-formed: it counts tags and
// compares the names of the outermost two. The zero value is ready; it is not
// safe for concurrent use.
type RootCheck struct {
	in    rootState
	prev  [2]byte  // the two bytes before, where a mark of several ends the state
	tag   [64]byte // the tag that is open, as far as it fits
	size  int      // bytes of the tag
	last  byte     // byte of the tag
	quote byte     // that is open in the tag
	root  string   // name of the first element
	depth int
	done  bool // the root element was closed
	decl  bool // an XML declaration stands in front
	first string
	wide  int  // UTF-16: 1 little endian, 2 big endian; -1 it is not; 0 not known yet
	odd   bool // UTF-16: half a character is there
	half  byte
}

type rootState uint8

const (
	inFront rootState = iota // blanks before the first tag
	inText
	inTag
	inComment     // until -->
	inCDATA       // until ]]>
	inInstruction // until ?>
	inNoXML
)

// Complete reads r and reports whether it is XML, and if so whether its root
// element is closed at the end. It stops early if it is no XML. HTML without
// an XML declaration does not count as XML: it closes its tags as it likes.
func Complete(r io.Reader) (isXML, closed bool, err error) {
	var check RootCheck
	t, buf := newTranscoder(r), make([]byte, 32<<10)
	for check.in != inNoXML && err == nil {
		var n int
		n, err = t.read(buf)
		check.feed(buf[:n])
	}
	if err != nil && !errors.Is(err, io.EOF) {
		return false, false, err
	}
	isXML, closed = check.Whole()
	return isXML, closed, nil
}

// Whole reports whether what was written starts like XML, and whether its
// root element is closed with nothing left open behind it.
func (c *RootCheck) Whole() (isXML, closed bool) {
	if c.in == inNoXML || c.in == inFront {
		return false, false
	}
	return true, c.done && c.depth == 0 && c.in == inText
}

// Write takes the next bytes. It takes all of them and returns no error.
func (c *RootCheck) Write(p []byte) (int, error) {
	n := len(p)
	for ; c.wide == 0 && len(p) > 0; p = p[1:] {
		c.first += string(p[:1])
		c.decide()
	}
	if c.wide < 1 {
		c.feed(p)
		return n, nil
	}
	for _, b := range p {
		if c.odd = !c.odd; c.odd {
			c.half = b
			continue
		}
		low, high := c.half, b
		if c.wide == 2 {
			low, high = b, c.half
		}
		if high != 0 || low >= 0x80 {
			low = 'x' // no mark is made of other characters
		}
		c.feed([]byte{low})
	}
	return n, nil
}

// decide looks at the first bytes for UTF-16 and a byte order mark; whatever
// else they are goes on to feed.
func (c *RootCheck) decide() {
	skip, order := wideMark([]byte(c.first))
	switch {
	case order > 0:
		if c.wide = order; skip == 0 {
			c.in = inTag
		}
	case slices.Contains([]string{"\xff", "\xfe", "\xef", "\xef\xbb", "<", "\x00"}, c.first): // the next byte tells
	default:
		c.wide = -1
		c.feed([]byte(strings.TrimPrefix(c.first, "\ufeff")))
	}
}

func (c *RootCheck) feed(p []byte) {
	for i := 0; i < len(p); i++ {
		b := p[i]
		switch c.in {
		case inFront:
			if b == '<' {
				c.in = inTag
			} else if !blank(p[i : i+1]) {
				c.in = inNoXML
			}
		case inText:
			j := bytes.IndexByte(p[i:], '<')
			if j < 0 {
				return
			}
			i, c.in, c.size = i+j, inTag, 0
		case inTag:
			if i = c.skipTag(p, i); i == len(p) {
				return
			}
			if c.quote != 0 {
				c.last, c.quote = c.quote, 0
			} else {
				c.tagByte(p[i])
			}
		case inNoXML:
			return
		default:
			ends := [...]string{inComment: "--", inCDATA: "]]", inInstruction: "?"}[c.in]
			if b == '>' && bytes.HasSuffix(c.prev[:], []byte(ends)) {
				c.in = inText
			}
			c.prev = [2]byte{c.prev[1], b}
		}
	}
}

// skipTag returns where the next byte of a tag is that matters: inside quotes
// their end, and behind a name that is known quotes and the end of the tag.
func (c *RootCheck) skipTag(p []byte, i int) int {
	if c.quote != 0 {
		if j := bytes.IndexByte(p[i:], c.quote); j >= 0 {
			return i + j
		}
		return len(p)
	}
	if c.size > len("![CDATA[") && c.root != "" && c.tag[0] != '/' {
		for ; i < len(p) && p[i] != '>' && p[i] != '"' && p[i] != '\''; i++ {
			c.last = p[i]
		}
	}
	return i
}

// tagByte takes one byte of a tag that is not inside quotes.
func (c *RootCheck) tagByte(b byte) {
	if c.size < len(c.tag) {
		c.tag[c.size] = b
	}
	c.size++
	switch {
	case b == '>' && c.size > 1:
		c.endTag()
	case (b == '"' || b == '\'') && c.size > 1 && c.tag[0] != '/':
		c.quote = b
	case c.size == 1 && b != '!' && b != '/' && b != '?' && !nameByte(b, true):
		c.in = inText // a bare <
		if c.root == "" {
			c.in = inNoXML
		}
	case c.size <= 8:
		c.openMark(string(c.tag[:c.size]))
	}
	c.last = b
}

// openMark finds out whether what looked like a tag is something else.
func (c *RootCheck) openMark(begins string) {
	c.prev = [2]byte{}
	switch begins {
	case "?":
		c.in, c.decl = inInstruction, c.decl || c.root == ""
	case "!--":
		c.in = inComment
	case "![CDATA[":
		c.in = inCDATA
	}
}

// endTag counts the tag that a > has ended.
func (c *RootCheck) endTag() {
	tag := c.tag[:min(c.size-1, len(c.tag))]
	c.in = inText
	switch tag[0] {
	case '!':
	case '/':
		if c.depth--; c.depth == 0 && !c.done {
			c.done = string(bytes.TrimRight(tag[1:], " \t\r\n")) == c.root
		}
	default:
		if c.root == "" {
			n := 1
			for n < len(tag) && n < len(c.tag)-1 && nameByte(tag[n], false) {
				n++ // as much of a name as fits an end tag
			}
			c.root = string(tag[:n])
			if !c.decl && bytes.EqualFold(tag[:n], []byte("html")) {
				c.in = inNoXML
			}
		}
		if c.last != '/' {
			c.depth++
		} else if c.depth == 0 {
			c.done = true
		}
	}
}
