package bacs

import (
	"bytes"
	"errors"
	"io"
)

// RootCheck finds out, as bytes pass through it, whether an XML document is
// all there: whether its root element is closed at the end. It keeps nothing,
// takes any bytes, never fails a Write and costs little, so that a report can
// be checked while it is received and before it is archived at the bureau:
//
//	var check bacs.RootCheck
//	io.Copy(io.MultiWriter(file, &check), body)
//	if isXML, closed := check.Whole(); isXML && !closed { … cut off … }
//
// It does not tell whether the document is well-formed. The zero value is
// ready; it is not safe for concurrent use.
type RootCheck struct {
	state rootState
	seen  int // bytes matched of the mark that ends or starts something
	quote byte
	depth int64
	slash bool // the last byte of a start tag so far
	done  bool // a root element was closed
	decl  bool // it starts with an XML declaration
	wide  int8 // UTF-16: 1 little endian, 2 big endian, -1 decided that it is not
	odd   bool // UTF-16: one byte of a character is there
	half  byte
	head  int // bytes so far, up to 4
	first [4]byte
	name  [64]byte // of the root element
	size  int      // of name; a longer name is not compared
	tag   [64]byte // of the end tag being read
	tags  int
	named bool // name is complete
}

type rootState uint8

const (
	rsBefore  rootState = iota // blanks before the first tag
	rsText                     // between tags
	rsLess                     // behind <
	rsBang                     // behind <!
	rsComment                  // until -->
	rsCDATA                    // until ]]>
	rsPI                       // until ?>
	rsDecl                     // until >, quotes count
	rsStart                    // in a start tag
	rsEnd                      // in an end tag
	rsNotXML
)

// Complete reads r and reports whether it is XML, and if so whether its root
// element is closed at the end. It stops early if it is no XML. HTML without
// an XML declaration does not count as XML: it closes its tags as it likes.
func Complete(r io.Reader) (isXML, closed bool, err error) {
	var check RootCheck
	buf := make([]byte, 32<<10)
	for idle := 0; check.state != rsNotXML; {
		n, err := r.Read(buf)
		if n < 0 || n > len(buf) {
			return false, false, io.ErrNoProgress
		}
		check.Write(buf[:n]) //nolint:errcheck // never fails
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			return false, false, err
		}
		if idle++; n > 0 {
			idle = 0
		} else if idle == 100 {
			return false, false, io.ErrNoProgress
		}
	}
	isXML, closed = check.Whole()
	return isXML, closed, nil
}

// Whole reports whether what was written starts like XML, and whether its
// root element is closed with nothing left open behind it.
func (c *RootCheck) Whole() (isXML, closed bool) {
	if c.state == rsNotXML || c.state == rsBefore {
		return false, false
	}
	return true, c.done && c.depth == 0 && (c.state == rsText)
}

// Write takes the next bytes. It takes all of them and returns no error.
func (c *RootCheck) Write(p []byte) (int, error) {
	n := len(p)
	for c.wide == 0 && len(p) > 0 {
		c.first[c.head] = p[0]
		c.head++
		p = p[1:]
		c.decide()
	}
	if c.wide > 0 {
		c.narrow(p)
		return n, nil
	}
	if len(p) > 0 {
		c.feed(p)
	}
	return n, nil
}

// decide looks at the first bytes for UTF-16 and a byte order mark; whatever
// else they are goes on to feed.
func (c *RootCheck) decide() {
	b := c.first[:c.head]
	switch {
	case c.head == 1 && (b[0] == 0xff || b[0] == 0xfe || b[0] == 0xef || b[0] == '<' || b[0] == 0):
		return
	case c.head == 2 && b[0] == 0xef && b[1] == 0xbb:
		return
	case c.head == 2 && (b[0] == 0xff && b[1] == 0xfe):
		c.wide = 1
	case c.head == 2 && (b[0] == 0xfe && b[1] == 0xff):
		c.wide = 2
	case c.head == 2 && b[0] == '<' && b[1] == 0:
		c.wide = 1
		c.narrow(b)
	case c.head == 2 && b[0] == 0 && b[1] == '<':
		c.wide = 2
		c.narrow(b)
	case c.head == 3 && b[2] == 0xbf && b[0] == 0xef && b[1] == 0xbb:
		c.wide = -1
	default:
		c.wide = -1
		c.feed(b)
	}
}

// narrow keeps the low byte of characters that fit one and puts a letter in
// place of all others: no mark is made of those.
func (c *RootCheck) narrow(p []byte) {
	var out [512]byte
	n := 0
	for _, b := range p {
		if !c.odd {
			c.half, c.odd = b, true
			continue
		}
		c.odd = false
		low, high := c.half, b
		if c.wide == 2 {
			low, high = b, c.half
		}
		if high != 0 || low >= 0x80 {
			low = 'x'
		}
		out[n] = low
		if n++; n == len(out) {
			c.feed(out[:])
			n = 0
		}
	}
	c.feed(out[:n])
}

func (c *RootCheck) feed(p []byte) {
	for i := 0; i < len(p); i++ {
		b := p[i]
		switch c.state {
		case rsNotXML:
			return
		case rsBefore:
			switch b {
			case ' ', '\t', '\r', '\n':
			case '<':
				c.state = rsLess
			default:
				c.state = rsNotXML
			}
		case rsText:
			j := bytes.IndexByte(p[i:], '<')
			if j < 0 {
				return
			}
			i += j
			c.state = rsLess
		case rsLess:
			c.less(b)
		case rsBang:
			c.bang(b)
		case rsComment:
			c.until(b, "-->")
		case rsCDATA:
			c.until(b, "]]>")
		case rsPI:
			c.until(b, "?>")
		case rsDecl:
			c.quoted(b, rsText)
		case rsStart:
			if c.quote != 0 || c.named {
				if i = c.skipTag(p, i); i == len(p) {
					return
				}
				b = p[i]
			}
			c.start(b)
		case rsEnd:
			c.end(b)
		}
	}
}

func (c *RootCheck) less(b byte) {
	switch {
	case b == '?':
		c.state, c.seen = rsPI, 0
		if !c.done && c.depth == 0 {
			c.decl = true
		}
	case b == '!':
		c.state, c.seen = rsBang, 0
	case b == '/':
		c.state, c.tags = rsEnd, 0
	case nameByte(b, true):
		c.state, c.slash, c.quote = rsStart, false, 0
		if c.depth == 0 && !c.done {
			c.name[0], c.size = b, 1
		}
		c.depth++
	default:
		c.state = rsText
		if !c.named {
			c.state = rsNotXML
		}
	}
}

// bang tells a comment, a CDATA section and a declaration apart.
func (c *RootCheck) bang(b byte) {
	const cdata = "[CDATA["
	switch {
	case c.seen == 0 && b == '-':
		c.seen = -1
	case c.seen == -1 && b == '-':
		c.state, c.seen = rsComment, 0
	case c.seen >= 0 && c.seen < len(cdata) && b == cdata[c.seen]:
		if c.seen++; c.seen == len(cdata) {
			c.state, c.seen = rsCDATA, 0
		}
	case b == '>':
		c.state = rsText
	default:
		c.state, c.quote = rsDecl, 0
	}
}

// until waits for the end of a mark.
func (c *RootCheck) until(b byte, mark string) {
	switch {
	case b == mark[c.seen]:
		if c.seen++; c.seen == len(mark) {
			c.state = rsText
		}
	case b == mark[0] && !(c.seen == 2 && mark[0] == mark[1]):
		c.seen = 1
	case b != mark[0]:
		c.seen = 0
	}
}

func (c *RootCheck) quoted(b byte, next rootState) bool {
	switch {
	case c.quote != 0:
		if b == c.quote {
			c.quote = 0
		}
	case b == '"' || b == '\'':
		c.quote = b
	case b == '>':
		c.state = next
		return true
	}
	return false
}

// skipTag passes over what changes nothing in a start tag, most of a report,
// and returns where the next byte is that may.
func (c *RootCheck) skipTag(p []byte, i int) int {
	if c.quote != 0 {
		if j := bytes.IndexByte(p[i:], c.quote); j >= 0 {
			return i + j
		}
		return len(p)
	}
	for from := i; i < len(p); i++ {
		switch p[i] {
		case '"', '\'', '>', '/':
			c.slash = c.slash && i == from
			return i
		}
	}
	c.slash = false
	return i
}

func (c *RootCheck) start(b byte) {
	if c.depth == 1 && !c.done && !c.named {
		if nameByte(b, false) {
			if c.size < len(c.name) {
				c.name[c.size] = b
			}
			c.size++
		} else {
			c.named = true
			if !c.decl && c.size == 4 && bytes.EqualFold(c.name[:4], []byte("html")) {
				c.state = rsNotXML
				return
			}
		}
	}
	if c.quoted(b, rsText) && c.slash {
		c.depth--
		c.done = c.done || c.depth == 0
	}
	c.slash = b == '/' && c.quote == 0
}

func (c *RootCheck) end(b byte) {
	if b != '>' {
		if c.tags < len(c.tag) {
			c.tag[c.tags] = b
		}
		c.tags++
		return
	}
	c.state = rsText
	if c.depth--; c.depth != 0 || c.done {
		return
	}
	tag := bytes.TrimRight(c.tag[:min(c.tags, len(c.tag))], " \t\r\n")
	c.done = c.size > len(c.name) || bytes.Equal(tag, c.name[:c.size])
}
