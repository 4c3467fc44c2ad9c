package bacs

import (
	"iter"

	"github.com/ccr-sdk/ccr"
)

// Record is one thing that a report lists. It is one of
//
//   - [*ReturnedDebit] and [*ReturnTotals] of an ARUDD report,
//   - [*Advice], [*FileAdvice] and [*FileMessage] of ADDACS, AUDDIS, AUDACC,
//     AUDREJ and AWACS reports,
//   - [*Claim] and [*ClaimSection] of a DDIC report,
//   - [*Submission], [*InputFile], [*InputError] and [*AccountTotal] of an
//     Input or Withdrawal report,
//   - [*Other] of all of these, and of every report of another kind.
//
// The set may grow: give a switch over it a default.
type Record interface{ record() }

// Reasoned is a record that tells of something that went wrong, or changed,
// and why: [*ReturnedDebit], [*Advice], [*FileAdvice], [*Claim] and
// [*InputError].
type Reasoned interface {
	Record
	// Reason looks up what the record's code means and what to do.
	Reason() Reason
	// Affected is the same few facts for every kind of report.
	Affected() Affected
}

var (
	_ Reasoned = (*ReturnedDebit)(nil)
	_ Reasoned = (*Advice)(nil)
	_ Reasoned = (*FileAdvice)(nil)
	_ Reasoned = (*Claim)(nil)
	_ Reasoned = (*InputError)(nil)
)

// Affected is one line of a table over all kinds of report. It holds
// personal data: it prints and logs as the report and the reason only.
type Affected struct {
	Report    Kind       `json:"report"`              // the kind of report that it comes from
	Reference string     `json:"reference,omitempty"` // the payer's reference with the service user
	Party     Account    `json:"party,omitzero"`      // the payer, or whoever was to be credited
	Amount    ccr.Amount `json:"amount,omitzero"`     // in pounds; unset where the report has none
	Currency  string     `json:"currency,omitempty"`  // of the amount, as written
	Date      ccr.Date   `json:"date,omitzero"`       // the day it concerns; see the record for which
	Reason    Reason     `json:"reason"`              // what the record's own method Reason gives
}

// List is a slice that does not spill what it holds into logs: it prints and
// logs as a count. Use it as the slice that it is.
type List[T any] []T

// Items returns the records of one type and drops all others:
//
//	for item, err := range bacs.Items[*bacs.ReturnedDebit](reader) { … }
//
// It ends at the end of the report or with the first error.
func Items[T Record](r *Reader) iter.Seq2[T, error] {
	return func(yield func(T, error) bool) {
		for rec, err := range r.All() {
			if err != nil {
				var none T
				yield(none, err)
				return
			}
			if item, ok := rec.(T); ok && !yield(item, nil) {
				return
			}
		}
	}
}
