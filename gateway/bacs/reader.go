package bacs

import (
	"cmp"
	"errors"
	"io"
	"iter"
	"strconv"
	"strings"

	"github.com/ccr-sdk/ccr"
)

// Reader reads a report of any length in constant memory. The header is
// there first; records follow in the order of the document, totals among them
// where the document has them; what comes last (the signature, how many
// faults) is there at the end.
//
//	r, err := bacs.NewReader(file)
//	fmt.Println(r.Kind(), r.Header().Number)
//	for rec, err := range r.All() { … }
//
// A Reader is not safe for concurrent use. Records are the caller's to keep.
type Reader struct {
	s           *scanner
	operation   string
	kind        Kind
	handler     handler // nil for a report that is delivered raw
	root        Element
	rawHeader   []Element
	header      Header
	headerDirty bool // rawHeader or kind say more than header does
	signature   Signature
	held        budget // for header and signature elements
	pending     *Other
	queue       []Record
	taken       int   // of queue; an empty queue has length 0
	err         error // what Next returns once the queue is empty
	index       map[string]int64
	all         ccr.Faults
	built       int64 // memory that elements took, as estimated
	unknownRefs int   // of s, those that faults name already
}

// handler is what one family of reports knows.
type handler interface {
	// start sees a start tag as the current token of r.s.
	start(r *Reader, name string) (role, error)
	// end sees an end tag, after its element was taken off the stack.
	end(r *Reader, name string) error
}

// role is what an element is to a handler.
type role uint8

const (
	foreign   role = iota + 1 // not known
	container                 // known, has no attributes worth a field
	mapped                    // known, and its attributes were taken
	consumed                  // read to its end
)

// NewReader finds out the encoding and kind of a report and reads its header,
// up to the first record. It fails like [Reader.Next].
func NewReader(r io.Reader) (*Reader, error) { return newReader(r, Limits{}, "Read") }

func newReader(src io.Reader, limits Limits, operation string) (*Reader, error) {
	r, err := open(src, limits, operation)
	if err != nil {
		return nil, err
	}
	r.advance()
	r.refreshHeader()
	if r.err != nil && r.err != io.EOF && len(r.queue) == 0 {
		return nil, r.err
	}
	return r, nil
}

// open finds the encoding and the kind and stands before the first token.
func open(src io.Reader, limits Limits, operation string) (*Reader, error) {
	limits, err := limits.withDefaults(operation)
	if err != nil {
		return nil, err
	}
	r := &Reader{s: newScanner(src, limits), operation: operation, index: map[string]int64{}}
	r.held = r.recordBudget()
	if r.kind, err = r.s.sniff(); err != nil {
		return nil, wrap(operation, err)
	}
	switch r.kind {
	case KindARUDD:
		r.handler = &aruddHandler{}
	case KindMessaging:
		r.handler = messagingHandler{}
	case KindDDIC:
		r.handler = &ddicHandler{}
	case KindInput, KindWithdrawal:
		r.handler = &inputHandler{}
	}
	if r.s.t.unknown {
		r.all.Add("encoding", "declared is not known; it was read as UTF-8, and bytes that are not as windows-1252")
	}
	return r, nil
}

// sniff finds the kind of the document and goes back to its start.
func (s *scanner) sniff() (Kind, error) {
	const deepest = 4 // VocaDocument/Data/Document/NewAdvices
	s.pinned = true
	defer s.rewind()
	for tags := 0; tags < sniffTags; {
		ev, err := s.next()
		switch {
		case err == errSniffOver, ev == evEOF:
			return KindUnknown, nil
		case err != nil:
			return KindUnknown, err
		case ev == evStart:
			tags++
			if kind, ok := decisive(local(s.name)); ok && len(s.stack) <= deepest {
				return kind, nil
			}
		}
	}
	return KindUnknown, nil
}

// Kind is what the document says it is.
func (r *Reader) Kind() Kind {
	r.refreshHeader()
	return r.kind
}

// Header returns what the report says of itself. All of it is there before
// the first record if the document has it there, as reports do.
func (r *Reader) Header() Header {
	r.refreshHeader()
	return r.header
}

// Root returns the root element with its attributes and without children.
func (r *Reader) Root() Element { return r.root }

// Encoding says how the bytes are read; Repaired counts up to what was read.
func (r *Reader) Encoding() Encoding { return r.s.t.enc }

// Signature returns the signature behind the data, once Next has returned
// io.EOF.
func (r *Reader) Signature() Signature { return r.signature }

// Err returns nil if every value up to here could be read, else an
// [*ccr.Error] of class [ccr.ErrContract] that names the place of each fault
// (at most 1,000 of them), never the value. Next does not fail for such a
// fault: the value stays unset, and its text is in the record's Raw.
func (r *Reader) Err() error {
	r.refreshHeader()
	var all ccr.Faults
	for _, f := range r.header.Faults {
		all.Add(f.Path, f.Message)
	}
	if e, ok := errors.AsType[*ccr.Error](r.all.Err(service, r.operation)); ok {
		for _, f := range e.Fields {
			all.Add(f.Path, f.Message)
		}
	}
	e, ok := errors.AsType[*ccr.Error](all.Err(service, r.operation))
	if !ok {
		return nil
	}
	e.Classes, e.Outcome = []error{ccr.ErrContract}, ""
	e.Advice = "The values are left unset; their text is in Raw of the record."
	return e
}

// Next returns the next record, io.EOF after the last one if the document is
// whole. Any other error is a [*ccr.Error] and final: of class
// [ccr.ErrIncomplete] for a document that is cut off, [ccr.ErrContract] for
// one that is not well-formed, [ErrLimit] or [ErrNotXML]. Records before the
// error have been delivered.
func (r *Reader) Next() (Record, error) {
	r.advance()
	if len(r.queue) == 0 {
		return nil, r.err
	}
	rec := r.queue[r.taken]
	r.queue[r.taken] = nil
	if r.taken++; r.taken == len(r.queue) {
		r.queue, r.taken = r.queue[:0], 0
	}
	return rec, nil
}

// All returns the records that are left. It ends at the end of the report or
// with the first error; after a break it can be called again.
func (r *Reader) All() iter.Seq2[Record, error] {
	return func(yield func(Record, error) bool) {
		for {
			rec, err := r.Next()
			if err == io.EOF {
				return
			}
			if !yield(rec, err) || err != nil {
				return
			}
		}
	}
}

// advance reads on until there is a record or the end.
func (r *Reader) advance() {
	for len(r.queue) == 0 && r.err == nil {
		err := r.step()
		if err != nil && err != io.EOF {
			err = wrap(r.operation, err)
		}
		r.err = err
	}
}

// step reads one token, or one element if the handler knows it.
func (r *Reader) step() error {
	ev, err := r.s.next()
	if err != nil {
		return err
	}
	switch ev {
	case evStart:
		r.flush()
		return r.enter()
	case evText:
		if blank(r.s.text) {
			return nil
		}
		if r.pending != nil && r.pending.Raw.Text != "" {
			r.flush()
		}
		if r.pending == nil {
			r.pending = &Other{Path: r.path(), Raw: Element{Name: r.s.stack[len(r.s.stack)-1]}}
		}
		r.pending.Raw.Text = string(r.s.text)
	case evEnd:
		if r.flush(); r.handler != nil {
			return r.handler.end(r, local(r.s.name))
		}
	case evEOF:
		return io.EOF
	}
	return nil
}

// enter gives a start tag to whoever knows it.
func (r *Reader) enter() error {
	name := local(r.s.name)
	if len(r.s.stack) == 1 {
		r.root = Element{Name: r.s.name, Attrs: r.s.takeAttrs()}
		return nil
	}
	as := foreign
	if r.handler != nil {
		var err error
		if as, err = r.common(name); as == foreign && err == nil {
			as, err = r.handler.start(r, name)
		}
		if err != nil {
			return err
		}
	}
	if as == foreign || as == container && len(r.s.attrs) > 0 {
		r.pending = &Other{Path: r.path(), Raw: Element{Name: r.s.name, Attrs: r.s.takeAttrs()}}
	}
	return nil
}

// common knows what all families share.
func (r *Reader) common(name string) (role, error) {
	switch name {
	case "Data":
		return container, nil
	case "Header", "MessagingHeader", "AddresseeInformation", "ServiceLicenseInformation":
		_, err := r.headerElement()
		return consumed, err
	case "SignatureMethod", "Signature":
		el, _, err := r.element(&r.held)
		if err != nil {
			return 0, err
		}
		r.signature.Raw = append(r.signature.Raw, el)
		if name == "Signature" {
			r.signature.Value = cmp.Or(r.signature.Value, strings.TrimSpace(el.Text))
		} else {
			r.signature.Method = cmp.Or(r.signature.Method, strings.Join(strings.Fields(el.Text), " "))
		}
		return consumed, nil
	}
	return foreign, nil
}

func (r *Reader) headerElement() (Element, error) {
	el, _, err := r.element(&r.held)
	if err != nil {
		return el, err
	}
	r.rawHeader = append(r.rawHeader, el)
	r.headerDirty = true
	return el, nil
}

// refreshHeader finds the kind of a messaging report and reads the header.
func (r *Reader) refreshHeader() {
	if !r.headerDirty {
		return
	}
	r.headerDirty = false
	if r.kind == KindMessaging {
		h := readHeader(r.rawHeader, false)
		for _, word := range []string{strings.ToUpper(h.AdviceType), strings.TrimPrefix(h.ReportType, "REFT")} {
			if kind := messagingKind(word); kind != KindUnknown && len(word) > 1 && r.kind == KindMessaging {
				r.kind = kind
			}
		}
	}
	r.header = readHeader(r.rawHeader, r.kind == KindAUDACC || r.kind == KindAUDREJ)
}

// element reads the element that starts with the current token.
func (r *Reader) element(b *budget) (Element, reading, error) {
	var el Element
	name, left := local(r.s.name), b.left
	if err := r.s.build(&el, b); err != nil {
		return el, reading{}, err
	}
	r.built += left - b.left
	rd := reading{where: name}
	if r.s.unknownRefs > r.unknownRefs {
		r.unknownRefs = r.s.unknownRefs
		rd.fault("", "holds an & that starts no reference of XML; it was kept as it is")
	}
	return el, rd, nil
}

// decode reads the element of one record, which keeps it with its faults.
func (r *Reader) decode(raw *Element, faults *[]ccr.FieldError, decode func(*reading, Element)) error {
	b := r.recordBudget()
	el, rd, err := r.element(&b)
	if err != nil {
		return err
	}
	*raw = el
	decode(&rd, el)
	*faults = r.faults(rd)
	return nil
}

// part reads one of the elements that a record is put together from.
func (r *Reader) part(b *budget, raw *[]Element, faults *[]ccr.FieldError, decode func(*reading, Element)) (role, error) {
	el, rd, err := r.element(b)
	if err != nil {
		return 0, err
	}
	*raw = append(*raw, el)
	decode(&rd, el)
	*faults = append(*faults, r.faults(rd)...)
	return consumed, nil
}

// faults gives the faults of a record the number of its element, and counts
// them for Err.
func (r *Reader) faults(rd reading) []ccr.FieldError {
	n := r.index[rd.where]
	r.index[rd.where] = n + 1
	if len(rd.faults) == 0 {
		return nil
	}
	for i, f := range rd.faults {
		path := rd.where + "[" + strconv.FormatInt(n, 10) + "]" + strings.TrimPrefix(f.Path, rd.where)
		rd.faults[i].Path = path
		r.all.Add(path, f.Message)
	}
	return rd.faults
}

func (r *Reader) recordBudget() budget {
	return budget{int64(r.s.limits.Record), "Limits.Record"}
}

func (r *Reader) emit(rec Record) { r.queue = append(r.queue, rec) }

func (r *Reader) flush() {
	if r.pending != nil {
		r.built += int64(len(r.pending.Path) + len(r.pending.Raw.Text))
		for _, a := range r.pending.Raw.Attrs {
			r.built += int64(attrCost + len(a.Value))
		}
		r.emit(r.pending)
		r.pending = nil
	}
}

func (r *Reader) path() string { return strings.Join(r.s.stack, "/") }

// Signature is what stands behind the data of a report. It is kept and not
// verified: which bytes are signed is not publicly known.
type Signature struct {
	private
	Method string `json:"method,omitempty"` // Vanilla in every report seen
	Value  string `json:"value,omitempty"`  // base64 of a CMS SignedData, in lines

	Raw []Element `json:"-"` // the elements it was read from
}
