package bacs

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
// It prints and logs without a name or value. encoding/json writes all of it.
type Element struct {
	private
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

// Other is something of a report that this package has no type for, so that it
// does not get lost: an element that is not known, an element whose attributes
// are not known, or text where none is expected. Elements inside an unknown
// element come as an Other of their own, unless they are known: those are
// delivered as what they are. Of a report of an unknown kind, all is Other.
type Other struct {
	private
	Path string `json:"path"` // BACSDocument/Data/ARUDD/…
	// Raw is the element without children; of a text, without attributes.
	Raw Element `json:"raw"`
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
