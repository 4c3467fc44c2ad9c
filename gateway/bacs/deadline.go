package bacs

import "github.com/ccr-sdk/ccr"

// Deadline is the last working day to do what a record asks for, and where
// that comes from. The rule book of the scheme is not public: Rule is in our
// words, after the pages that Source names. Where they differ, By is the
// earlier day.
type Deadline struct {
	By     ccr.Date `json:"by"`     // the last day to act; a file has to be submitted on it
	Rule   string   `json:"rule"`   // what By is computed by
	Source string   `json:"source"` // who says so
	Sure   Sure     `json:"sure"`   // how sure the rule is
	// Warning is set if By is in a year that the calendar can only forecast.
	Warning string `json:"warning,omitempty"`
}

// Deadline returns by when to act on a record, and false if nothing public
// names a day: then act before the next collection. Reported is the day of the
// report that holds the record: see [Header.Day].
//
//	report  reason           last day                                     sure
//	ADDACS  all              3 working days after the report              vendor
//	AUDDIS  all              3 working days after the report              fair
//	ARUDD   0                re-presentation: a file that is entered      disputed
//	                         within 30 days, or one month if that is
//	                         earlier, of the original processing day
//	ARUDD   others           none
//	DDIC    all but 7        challenge: 9 days after the claim, which is  disputed
//	                         taken to be 14 working days before the debit,
//	                         and not after the debit
//	AWACS, Input, AUDREJ     none
func (c Calendar) Deadline(item Reasoned, reported ccr.Date) (Deadline, bool) {
	var d Deadline
	switch item := item.(type) {
	case *Advice:
		d = c.advised(item, reported)
	case *ReturnedDebit:
		if item.Reason().Code == "0" && item.OriginalDate.IsValid() {
			d = c.representation(item.OriginalDate)
		}
	case *Claim:
		if !item.Cancelled && item.ReasonCode != "7" {
			d = c.challenge(item, reported)
		}
	}
	if d.By.IsZero() {
		return Deadline{}, false
	}
	if c.Forecast(d.By) {
		d.Warning = "bank holidays of that year are forecast, not known"
	}
	return d, true
}

func (c Calendar) advised(a *Advice, reported ccr.Date) Deadline {
	d := Deadline{By: c.Add(reported, 3), Rule: "within three working days of the report", Source: "cleardebit.com", Sure: SureVendor}
	switch a.Report {
	case KindADDACS:
		return d
	case KindAUDDIS:
		d.Source, d.Sure = "movimo.co.uk", SureFair
		return d
	}
	return Deadline{}
}

// representation: one page says a month, one 30 days; whether that is the day
// of the file or of its entry, none does.
func (c Calendar) representation(original ccr.Date) Deadline {
	month := plus(ccr.Date{Year: original.Year, Month: original.Month + 1, Day: original.Day}, 0)
	last := plus(ccr.Date{Year: original.Year, Month: original.Month + 2, Day: 1}, -1) // a month after 31 January is the end of February
	limit := earlier(earlier(month, last), plus(original, 30))
	return Deadline{
		By:     c.For(limit).Input,
		Rule:   "re-presented with code 18 and the same amount, so that it is entered within 30 days or one month of the original processing day; five working days' notice are recommended",
		Source: "cleardirectdebit.co.uk, accesspaysuite.com", Sure: SureDisputed,
	}
}

// challenge: the day of a claim is in no DDIC report; money is taken 14 days
// after it, which one page calls working days.
func (c Calendar) challenge(claim *Claim, reported ccr.Date) Deadline {
	var by ccr.Date
	if claim.Section != nil && claim.Section.DateOfDebit.IsValid() {
		debit := claim.Section.DateOfDebit
		by = earlier(plus(c.Add(debit, -14), 9), plus(debit, -1))
	}
	if reported.IsValid() {
		by = earlier(by, plus(reported, 9))
	}
	if by.IsZero() {
		return Deadline{}
	}
	return Deadline{
		By: c.OnOrBefore(by), Rule: "challenged within nine days of the claim, 14 working days before the debit",
		Source: "cleardirectdebit.co.uk, cleardebit.com", Sure: SureDisputed,
	}
}

// earlier returns the earlier one of two days, or the one that is set.
func earlier(a, b ccr.Date) ccr.Date {
	if a.IsZero() || !b.IsZero() && b.Compare(a) < 0 {
		return b
	}
	return a
}

// Day is the day of the report: when it was produced, or else the processing
// date.
func (h Header) Day() ccr.Date {
	if h.ProducedDate.IsZero() {
		return h.ProcessingDate
	}
	return h.ProducedDate
}
