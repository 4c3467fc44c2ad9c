package bacs

import (
	"unicode/utf8"

	"github.com/ccr-sdk/ccr"
)

// ReturnedDebit is a collection that the paying bank returned unpaid, a
// ReturnedDebitItem of an ARUDD report. It prints and logs as its return code
// only; encoding/json writes all but Raw.
type ReturnedDebit struct {
	Reference       string `json:"reference,omitempty"`       // of the payer with the service user, trimmed
	TransactionCode string `json:"transactionCode,omitempty"` // such as 17 for a debit
	// ReturnCode has four characters in the reports seen, not the one of the
	// scheme: see [ReturnedDebit.Reason].
	ReturnCode        string     `json:"returnCode,omitempty"`
	ReturnDescription string     `json:"returnDescription,omitempty"` // in the report's words: INSTRUCTION CANCELLED
	OriginalDate      ccr.Date   `json:"originalDate,omitzero"`       // originalProcessingDate: the day it was collected for
	Amount            ccr.Amount `json:"amount,omitzero"`             // in pounds
	Currency          string     `json:"currency,omitempty"`          // as written; GBP in the samples
	Payer             Account    `json:"payer,omitzero"`              // whose bank returned it
	// Originator is the account that the debit was to be paid to; all items of
	// one OriginatingAccountRecord share it.
	Originator *Account `json:"originator,omitempty"`

	Raw    Element          `json:"-"`                // the element it was read from
	Faults []ccr.FieldError `json:"faults,omitempty"` // values that could not be read, by their place
}

// Reason takes the first character of the return code for the scheme's
// reason, as in all four codes that are publicly known (0128, 0273, 1012,
// 1273), and the Reason says so; ReturnDescription is what the report says.
// Inferred.
func (d *ReturnedDebit) Reason() Reason {
	_, size := utf8.DecodeRuneInString(d.ReturnCode)
	r, _ := LookupReason(KindARUDD, d.ReturnCode[:size])
	r.Inferred = len(d.ReturnCode) > size
	r.Raw, r.Text = d.ReturnCode, d.ReturnDescription
	return r
}

// Affected gives the payer, the amount and the day it was collected for.
func (d *ReturnedDebit) Affected() Affected {
	return Affected{KindARUDD, d.Reference, d.Payer, d.Amount, d.Currency, d.OriginalDate, d.Reason()}
}

// ReturnTotals closes the items of one originating account in an ARUDD
// report: what the report says their number and sum is, and what was read.
type ReturnTotals struct {
	private
	Originator *Account   `json:"originator,omitempty"` // the account that the items share
	Stated     bool       `json:"stated"`               // the report has totals for the account
	Count      int64      `json:"count"`                // as stated
	Amount     ccr.Amount `json:"amount,omitzero"`      // as stated, in pounds
	Currency   string     `json:"currency,omitempty"`   // as written; GBP in the samples
	// Read and ReadAmount are the items before it and their sum. The sum is
	// unset if an amount could not be read or is not whole pence.
	Read       int64      `json:"read"`
	ReadAmount ccr.Amount `json:"readAmount,omitzero"`

	Raw    []Element        `json:"-"`                // OriginatingAccount and Totals
	Faults []ccr.FieldError `json:"faults,omitempty"` // values that could not be read, by their place
}

// Agree reports whether the report states totals and they are those of the
// items that were read.
func (t *ReturnTotals) Agree() bool {
	return t.Stated && t.Count == t.Read && t.Amount.IsSet() && t.ReadAmount.IsSet() && t.Amount.Equal(t.ReadAmount)
}

// pence sums amounts exactly; it has no sum once one does not fit.
type pence struct {
	total int64
	lost  bool
}

func (p *pence) add(a ccr.Amount) {
	n, err := a.MinorUnits(2)
	sum := p.total + n
	if err != nil || !a.IsSet() || (n > 0) != (sum > p.total) && n != 0 {
		p.lost = true
		return
	}
	p.total = sum
}

func (p *pence) amount() ccr.Amount {
	if p.lost {
		return ccr.Amount{}
	}
	return ccr.AmountFromMinor(p.total, 2)
}

// aruddHandler reads ARUDD. Elements are known by name wherever they stand,
// so that a wrapper nobody has seen yet costs no item.
type aruddHandler struct {
	group *ReturnTotals
	sum   pence
	depth int // of the OriginatingAccountRecord that is open, 0 for none
	held  budget
}

func (h *aruddHandler) open(r *Reader) {
	if h.group == nil {
		h.group, h.sum, h.held = &ReturnTotals{Originator: &Account{}}, pence{}, r.recordBudget()
	}
}

func (h *aruddHandler) start(r *Reader, name string) (role, error) {
	switch name {
	case "OriginatingAccountRecord":
		h.close(r)
		h.open(r)
		h.depth = len(r.s.stack)
		return container, nil
	case "ARUDD", "Advice", "OriginatingAccountRecords":
		return container, nil
	case "OriginatingAccount":
		h.open(r)
		return h.part(r, func(rd *reading, el Element) { rd.account(h.group.Originator, el) })
	case "Totals":
		if h.group == nil {
			return foreign, nil // of something else than one account
		}
		h.group.Stated = true
		return h.part(r, func(rd *reading, el Element) {
			rd.attrs(el, field{"numberOf", &h.group.Count}, field{"valueOf", &h.group.Amount}, field{"currency", &h.group.Currency})
		})
	case "ReturnedDebitItem":
		return h.item(r)
	}
	return foreign, nil
}

// part reads an element that belongs to the totals of the account.
func (h *aruddHandler) part(r *Reader, decode func(*reading, Element)) (role, error) {
	return r.part(&h.held, &h.group.Raw, &h.group.Faults, decode)
}

func (h *aruddHandler) item(r *Reader) (role, error) {
	h.open(r)
	d := &ReturnedDebit{Originator: h.group.Originator}
	err := r.decode(&d.Raw, &d.Faults, func(rd *reading, el Element) {
		rd.attrs(el, field{"ref", &d.Reference}, field{"transCode", &d.TransactionCode}, field{"returnCode", &d.ReturnCode},
			field{"returnDescription", &d.ReturnDescription}, field{"originalProcessingDate", &d.OriginalDate},
			field{"valueOf", &d.Amount}, field{"currency", &d.Currency})
		rd.children(el, field{"PayerAccount", &d.Payer})
	})
	if err != nil {
		return 0, err
	}
	h.group.Read++
	h.sum.add(d.Amount)
	r.emit(d)
	return consumed, nil
}

func (h *aruddHandler) end(r *Reader, name string) error {
	if h.depth > len(r.s.stack) || name == "ARUDD" {
		h.close(r)
	}
	return nil
}

func (h *aruddHandler) close(r *Reader) {
	if h.group == nil {
		return
	}
	h.group.ReadAmount = h.sum.amount()
	r.emit(h.group)
	h.group, h.depth = nil, 0
}
