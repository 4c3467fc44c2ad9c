package bacs

import (
	"strings"
	"unicode/utf8"

	"github.com/ccr-sdk/ccr"
)

// Row is one record of any report, flat, for a table, a file or a database. It
// prints and logs without a value; its fields and encoding/json have them.
type Row struct {
	private
	Kind      Kind       `json:"kind"`               // of the report
	Reference string     `json:"reference"`          // of the payer; masked unless RowOptions.Unmasked
	Amount    ccr.Amount `json:"amount,omitzero"`    // of the item; unset if it has none
	Currency  string     `json:"currency,omitempty"` // as written
	Date      ccr.Date   `json:"date,omitzero"`      // see the record's method Affected for which
	Code      string     `json:"code,omitempty"`     // as in the report
	Reason    string     `json:"reason,omitempty"`   // what the code means, or with RowOptions.Unmasked the report's own words if it does not say
	Action    string     `json:"action,omitempty"`   // what to do
	By        ccr.Date   `json:"by,omitzero"`        // by when: see [Calendar.Deadline]
	Sure      Sure       `json:"sure,omitempty"`     // how sure that day is
	File      string     `json:"file,omitempty"`     // RowOptions.File
	Record    int        `json:"record"`             // place among the rows of the report, from 1
}

// RowOptions say what [Report.Rows] cannot read from the report.
type RowOptions struct {
	File     string   // name of the file, for Row.File
	Calendar Calendar // for deadlines
	// Unmasked leaves references readable: they are personal data. Masked ones
	// keep their last three characters if they are of eight or more.
	Unmasked bool
}

// Rows returns a row for each record of [Report.Reasoned], in its order.
func (p *Report) Rows(opts RowOptions) []Row {
	var rows []Row
	for item := range p.Reasoned() {
		a := item.Affected()
		r := Row{
			Kind: a.Report, Reference: a.Reference, Amount: a.Amount, Currency: a.Currency, Date: a.Date, Code: a.Reason.Code,
			Reason: a.Reason.Meaning, Action: a.Reason.Action, File: opts.File, Record: len(rows) + 1,
		}
		if a.Reason.Raw != "" {
			r.Code = a.Reason.Raw
		}
		if deadline, ok := opts.Calendar.Deadline(item, p.Header.Day()); ok {
			r.By, r.Sure = deadline.By, deadline.Sure
		}
		if !opts.Unmasked {
			r.Reference, r.Code = mask(r.Reference), safeCode(r.Code)
		} else if r.Reason == "" {
			r.Reason = a.Reason.Text
		}
		rows = append(rows, r)
	}
	return rows
}

func mask(reference string) string {
	n := utf8.RuneCountInString(reference)
	if n < 8 {
		return strings.Repeat("*", n)
	}
	return strings.Repeat("*", n-3) + string([]rune(reference)[n-3:])
}
