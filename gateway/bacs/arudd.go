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
// reason. That is inferred from the two codes that are publicly known (1012,
// 0128), and the Reason says so; ReturnDescription is what the report says.
func (d *ReturnedDebit) Reason() Reason {
	_, size := utf8.DecodeRuneInString(d.ReturnCode)
	r, _ := LookupReason(KindARUDD, d.ReturnCode[:size])
	r.Inferred = len(d.ReturnCode) > size
	r.Raw, r.Text = d.ReturnCode, d.ReturnDescription
	return r
}

// Affected gives the payer, the amount and the day it was collected for.
func (d *ReturnedDebit) Affected() Affected {
	return Affected{KindARUDD, d.Reference, d.Payer, d.Amount, d.OriginalDate, d.Reason()}
}

// ReturnTotals closes the items of one originating account in an ARUDD
// report: what the report says their number and sum is, and what was read.
type ReturnTotals struct {
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

func (*ReturnedDebit) record() {}
func (*ReturnTotals) record()  {}

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
		el, rd, err := r.element(&h.held)
		if err != nil {
			return 0, err
		}
		*h.group.Originator = rd.account(el)
		h.group.Raw = append(h.group.Raw, el)
		h.group.Faults = append(h.group.Faults, r.faults(rd)...)
		return consumed, nil
	case "Totals":
		if h.group == nil {
			return foreign, nil // of something else than one account
		}
		el, rd, err := r.element(&h.held)
		if err != nil {
			return 0, err
		}
		h.group.Stated = true
		for _, a := range el.Attrs {
			switch a.Name {
			case "numberOf":
				h.group.Count = rd.count(a.Name, a.Value)
			case "valueOf":
				h.group.Amount = rd.amount(a.Name, a.Value)
			case "currency":
				h.group.Currency = rd.text(a.Value)
			}
		}
		h.group.Raw = append(h.group.Raw, el)
		h.group.Faults = append(h.group.Faults, r.faults(rd)...)
		return consumed, nil
	case "ReturnedDebitItem":
		h.open(r)
		b := r.recordBudget()
		el, rd, err := r.element(&b)
		if err != nil {
			return 0, err
		}
		d := rd.returnedDebit(el)
		d.Originator = h.group.Originator
		d.Faults = r.faults(rd)
		h.group.Read++
		h.sum.add(d.Amount)
		r.emit(d)
		return consumed, nil
	}
	return foreign, nil
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

func (r *reading) returnedDebit(el Element) *ReturnedDebit {
	d := &ReturnedDebit{Raw: el}
	for _, a := range el.Attrs {
		switch a.Name {
		case "ref":
			d.Reference = r.text(a.Value)
		case "transCode":
			d.TransactionCode = r.text(a.Value)
		case "returnCode":
			d.ReturnCode = r.text(a.Value)
		case "returnDescription":
			d.ReturnDescription = r.text(a.Value)
		case "originalProcessingDate":
			d.OriginalDate = r.date(a.Name, a.Value)
		case "valueOf":
			d.Amount = r.amount(a.Name, a.Value)
		case "currency":
			d.Currency = r.text(a.Value)
		}
	}
	for _, c := range el.Children {
		if local(c.Name) == "PayerAccount" {
			rd := r.at("ReturnedDebitItem/PayerAccount")
			d.Payer = rd.account(c)
			r.join(rd)
		}
	}
	return d
}
