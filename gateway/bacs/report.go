package bacs

import (
	"io"
	"iter"
	"slices"
)

// Report is a whole report: what a [Reader] delivers one by one, sorted by
// type, each list in the order of the document. The lists of other kinds are
// empty.
//
// A Report prints and logs as its kind and counts, without personal data.
// encoding/json writes all of it but the Raw fields: that is the caller's
// explicit act, and the result is personal data.
type Report struct {
	Kind     Kind     `json:"kind"`     // told by the XML
	Encoding Encoding `json:"encoding"` // that the document was read in
	Root     Element  `json:"root"`     // the root element with its attributes and without children
	Header   Header   `json:"header"`   // what the report says of itself

	Returns       List[*ReturnedDebit] `json:"returns,omitempty"`       // ARUDD
	ReturnTotals  List[*ReturnTotals]  `json:"returnTotals,omitempty"`  // ARUDD
	Advices       List[*Advice]        `json:"advices,omitempty"`       // ADDACS, AUDDIS, AWACS
	FileAdvices   List[*FileAdvice]    `json:"fileAdvices,omitempty"`   // AUDACC, AUDREJ
	FileMessages  List[*FileMessage]   `json:"fileMessages,omitempty"`  // AUDACC, AUDREJ
	Claims        List[*Claim]         `json:"claims,omitempty"`        // DDIC
	ClaimSections List[*ClaimSection]  `json:"claimSections,omitempty"` // DDIC
	Submissions   List[*Submission]    `json:"submissions,omitempty"`   // Input, Withdrawal
	Files         List[*InputFile]     `json:"files,omitempty"`         // Input, Withdrawal
	Errors        List[*InputError]    `json:"errors,omitempty"`        // Input
	AccountTotals List[*AccountTotal]  `json:"accountTotals,omitempty"` // Input
	Others        List[*Other]         `json:"others,omitempty"`        // what has no type

	// Raw is the whole document of a kind that is not typed (see
	// [Kind.Typed]); nil for all others, whose records each hold their own.
	Raw *Element `json:"raw,omitempty"`

	Signature Signature `json:"signature,omitzero"` // of the whole document; it is not verified

	err error
}

// Parse reads a whole report: the encoding from the declaration and the
// bytes, the kind from the XML, never from a file name. A document of a kind
// that is not known is no error: its tree is in Raw.
//
// Parse fails for content that is not XML ([ErrNotXML]), is cut off
// ([ccr.ErrIncomplete]), is not well-formed ([ccr.ErrContract]) or exceeds
// the default [Limits] ([ErrLimit]); there is no Report then, as half a
// report is worse than none. A value that cannot be read does not fail it:
// ask [Report.Err].
//
// Memory grows with the report, at about three times the bytes of the
// document; [NewReader] reads one of any length in constant memory.
func Parse(r io.Reader) (*Report, error) { return parse(r, Limits{}) }

// recordCost is what a typed record takes beside its elements, about.
const recordCost = 400

func parse(src io.Reader, limits Limits) (*Report, error) {
	const operation = "Parse"
	r, err := open(src, limits, operation)
	if err != nil {
		return nil, err
	}
	report := &Report{}
	if r.handler == nil {
		err = r.tree(report)
	} else {
		err = r.drain(report)
	}
	if err != nil {
		return nil, wrap(operation, err)
	}
	report.Kind, report.Encoding, report.Root = r.Kind(), r.Encoding(), r.Root()
	report.Header, report.Signature, report.err = r.Header(), r.Signature(), r.Err()
	return report, nil
}

// drain sorts all records by type.
func (r *Reader) drain(p *Report) error {
	kept := budget{r.s.limits.Memory, "Limits.Memory"}
	for rec, err := range r.All() {
		if err != nil {
			return err
		}
		if err := r.s.spend(&kept, recordCost+int(r.built)); err != nil {
			return err
		}
		r.built = 0
		p.add(rec)
	}
	return nil
}

func (p *Report) add(rec Record) {
	switch rec := rec.(type) {
	case *ReturnedDebit:
		p.Returns = append(p.Returns, rec)
	case *ReturnTotals:
		p.ReturnTotals = append(p.ReturnTotals, rec)
	case *Advice:
		p.Advices = append(p.Advices, rec)
	case *FileAdvice:
		p.FileAdvices = append(p.FileAdvices, rec)
	case *FileMessage:
		p.FileMessages = append(p.FileMessages, rec)
	case *Claim:
		p.Claims = append(p.Claims, rec)
	case *ClaimSection:
		p.ClaimSections = append(p.ClaimSections, rec)
	case *Submission:
		p.Submissions = append(p.Submissions, rec)
	case *InputFile:
		p.Files = append(p.Files, rec)
	case *InputError:
		p.Errors = append(p.Errors, rec)
	case *AccountTotal:
		p.AccountTotals = append(p.AccountTotals, rec)
	case *Other:
		p.Others = append(p.Others, rec)
	}
}

// tree reads the whole document as it is.
func (r *Reader) tree(p *Report) error {
	if _, err := r.s.next(); err != nil { // the root: nothing else can come first
		return err
	}
	p.Raw = &Element{}
	if err := r.s.build(p.Raw, &budget{r.s.limits.Memory, "Limits.Memory"}); err != nil {
		return err
	}
	r.root = Element{Name: p.Raw.Name, Attrs: p.Raw.Attrs}
	if r.s.unknownRefs > 0 {
		r.all.Add("raw", "holds an & that starts no reference of XML; it was kept as it is")
	}
	_, err := r.s.next()
	return err
}

// Err returns nil if every value of the report could be read, else an
// [*ccr.Error] of class [ccr.ErrContract] that names the place of each fault
// (at most 1,000 of them), never the value. The values in question are unset,
// their text is in the record's Raw.
func (p *Report) Err() error { return p.err }

// Reasoned returns every record that tells of something that went wrong or
// changed; files that were accepted whole are not among them.
func (p *Report) Reasoned() iter.Seq[Reasoned] {
	return func(yield func(Reasoned) bool) {
		refused := slices.DeleteFunc(slices.Clone(p.FileAdvices), (*FileAdvice).FileAccepted)
		_ = each(p.Returns, yield) && each(p.Advices, yield) && each(refused, yield) &&
			each(p.Claims, yield) && each(p.Errors, yield)
	}
}

func each[T Reasoned](list []T, yield func(Reasoned) bool) bool {
	for _, item := range list {
		if !yield(item) {
			return false
		}
	}
	return true
}
