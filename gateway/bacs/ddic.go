package bacs

import (
	"strings"

	"github.com/ccr-sdk/ccr"
)

// Claim is an indemnity claim of a payer's bank (DDICAdvice), or one that is
// cancelled (DDICCancellation), of a DDIC report. No complete sample of the
// report is public: element names come from programs that read it. It prints
// and logs as its reason code only; encoding/json writes all but Raw.
type Claim struct {
	Cancelled bool `json:"cancelled"` // a DDICCancellation: the claim is withdrawn
	// ServiceUser is the SUN of the Document the claim stands in.
	ServiceUser         string       `json:"serviceUser,omitempty"`
	Sequence            string       `json:"sequence,omitempty"`            // SeqNo
	PayingBankReference string       `json:"payingBankReference,omitempty"` // the bank's own, to quote to it
	Reference           string       `json:"reference,omitempty"`           // SUReference; banks may leave it empty
	ReasonCode          string       `json:"reasonCode,omitempty"`          // see [Claim.Reason]
	ReasonMeaning       string       `json:"reasonMeaning,omitempty"`       // ReasonCodeMeaning, in the report's words
	Payer               Account      `json:"payer,omitzero"`                // number, sort code and name
	Amount              ccr.Amount   `json:"amount,omitzero"`               // TotalAmount
	Collections         []Collection `json:"collections,omitempty"`         // DDCollections: what the amount is made of
	// Section is where the claim stands; DateOfDebit, the day the money is
	// taken, is known there before the first claim, the rest at its end.
	Section *ClaimSection `json:"-"`

	Raw    Element          `json:"-"`                // the element it was read from
	Faults []ccr.FieldError `json:"faults,omitempty"` // values that could not be read, by their place
}

// Collection is one direct debit that is claimed back.
type Collection struct {
	private
	Date   ccr.Date   `json:"date,omitzero"`   // DateOfDirectDebit: when it was collected
	Amount ccr.Amount `json:"amount,omitzero"` // in pounds
}

// Reason looks up the DDIC reason code.
func (c *Claim) Reason() Reason {
	r, _ := LookupReason(KindDDIC, c.ReasonCode)
	r.Text = c.ReasonMeaning
	return r
}

// Affected gives the payer, the claimed amount and the day the money is taken.
func (c *Claim) Affected() Affected {
	a := Affected{Report: KindDDIC, Reference: c.Reference, Party: c.Payer, Amount: c.Amount, Reason: c.Reason()}
	if c.Section != nil {
		a.Date = c.Section.DateOfDebit
	}
	return a
}

// ClaimSection closes the NewAdvices or Cancellations of a DDIC report.
type ClaimSection struct {
	private
	Cancellations bool       `json:"cancellations"`        // of Cancellations; false: of NewAdvices
	DateOfDebit   ccr.Date   `json:"dateOfDebit,omitzero"` // when the money is taken; NewAdvices only
	Amount        ccr.Amount `json:"amount,omitzero"`      // TotalValueOfDebits or TotalValueOfCancellations
	// Read and ReadAmount are the claims before it and their sum. The sum is
	// unset if an amount could not be read or is not whole pence.
	Read       int64      `json:"read"`
	ReadAmount ccr.Amount `json:"readAmount,omitzero"`

	Raw    []Element        `json:"-"`                // the section's own facts
	Faults []ccr.FieldError `json:"faults,omitempty"` // values that could not be read, by their place
}

// Agree reports whether the section states a total and it is that of the
// claims that were read.
func (s *ClaimSection) Agree() bool {
	return s.Amount.IsSet() && s.ReadAmount.IsSet() && s.Amount.Equal(s.ReadAmount)
}

type ddicHandler struct {
	section *ClaimSection
	sum     pence
	depth   int
	held    budget
	user    string
}

func (h *ddicHandler) open(r *Reader, cancellations bool) {
	if h.section == nil {
		h.section, h.sum, h.held = &ClaimSection{Cancellations: cancellations}, pence{}, r.recordBudget()
	}
}

func (h *ddicHandler) start(r *Reader, name string) (role, error) {
	switch name {
	case "Document":
		h.user = ""
		return container, nil
	case "NewAdvices", "Cancellations":
		h.close(r)
		h.open(r, name == "Cancellations")
		h.depth = len(r.s.stack)
		return container, nil
	case "ServiceUserNumber":
		el, err := r.headerElement()
		h.user = strings.TrimSpace(el.Text)
		return consumed, err
	case "TotalValueOfDebits", "TotalValueOfCancellations", "DateOfDebit":
		if h.section == nil {
			return foreign, nil
		}
		return r.part(&h.held, &h.section.Raw, &h.section.Faults, func(rd *reading, el Element) {
			if name == "DateOfDebit" {
				rd.read(&h.section.DateOfDebit, "", el.Text)
			} else {
				rd.read(&h.section.Amount, "", el.Text)
			}
		})
	case "DDICAdvice", "DDICCancellation":
		h.open(r, name == "DDICCancellation")
		return h.claim(r, name == "DDICCancellation")
	}
	return foreign, nil
}

func (h *ddicHandler) claim(r *Reader, cancelled bool) (role, error) {
	c := &Claim{Cancelled: cancelled, ServiceUser: h.user, Section: h.section}
	err := r.decode(&c.Raw, &c.Faults, func(rd *reading, el Element) {
		rd.children(el, field{"SeqNo", &c.Sequence}, field{"PayingBankReference", &c.PayingBankReference}, field{"SUReference", &c.Reference},
			field{"ReasonCode", &c.ReasonCode}, field{"ReasonCodeMeaning", &c.ReasonMeaning}, field{"PayerSortCode", (*sortCode)(&c.Payer.SortCode)},
			field{"PayerAccount", &c.Payer.Number}, field{"PayerName", &c.Payer.Name}, field{"TotalAmount", &c.Amount},
			field{"DDCollections", func(el Element) { c.Collections = append(c.Collections, rd.collections(el)...) }})
	})
	if err != nil {
		return 0, err
	}
	h.section.Read++
	h.sum.add(c.Amount)
	r.emit(c)
	return consumed, nil
}

func (h *ddicHandler) end(r *Reader, name string) error {
	if h.depth > len(r.s.stack) || name == "Document" {
		h.close(r)
	}
	return nil
}

func (h *ddicHandler) close(r *Reader) {
	if h.section == nil {
		return
	}
	h.section.ReadAmount = h.sum.amount()
	r.emit(h.section)
	h.section, h.depth = nil, 0
}

// collections reads the children of DDCollections, whose own name is not
// known; the facts of a single one may stand there directly.
func (r *reading) collections(el Element) []Collection {
	each := el.Children
	if _, direct := el.Child("DateOfDirectDebit"); direct {
		each = []Element{el}
	}
	var list []Collection
	for _, el := range each {
		var c Collection
		r.children(el, field{"DateOfDirectDebit", &c.Date}, field{"Amount", &c.Amount})
		list = append(list, c)
	}
	return list
}
