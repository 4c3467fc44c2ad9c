package bacs

import (
	"iter"

	"github.com/ccr-sdk/ccr/internal/safetext"
)

// Reason is what a reason code means and what to do about it.
//
// Meanings and advice are in our own words, after publicly available lists of
// several Bacs bureaus and banks, not after the scheme's rule book; the
// report's own words, where it has any, are in Text. Codes are open: one that
// is in no list has Known false and no Meaning.
type Reason struct {
	Report  Kind   `json:"report"`            // whose list the code is of: the same letter means different things
	Code    string `json:"code"`              // as in that list
	Raw     string `json:"raw,omitempty"`     // as in the report, if that is more: an ARUDD's four characters
	Meaning string `json:"meaning,omitempty"` // empty if not known
	Action  string `json:"action,omitempty"`  // what to do next
	Known   bool   `json:"known"`             // the list has the code
	// Inferred: the code was worked out of Raw by a rule that is not
	// documented. Believe Text, if it says otherwise.
	Inferred bool `json:"inferred,omitzero"`
	// Text is what the report itself says. It can hold anything and is not
	// printed.
	Text string `json:"text,omitempty"`
}

// LookupReason returns the meaning of a code in the list of a report:
// KindARUDD (its one-character code), KindADDACS, KindAUDDIS, KindAWACS,
// KindDDIC, KindARUCS, KindInput (its error letters) or KindAUDREJ (its file
// error codes, of which one is public). It reports false, and
// a Reason that carries report and code alone, if there is none.
func LookupReason(report Kind, code string) (Reason, bool) {
	for i := range reasons {
		if reasons[i].Report == report && reasons[i].Code == code {
			r := reasons[i]
			r.Known = true
			return r, true
		}
	}
	return Reason{Report: report, Code: code}, false
}

// Reasons returns every code that is known, report by report.
func Reasons() iter.Seq[Reason] {
	return func(yield func(Reason) bool) {
		for _, r := range reasons {
			r.Known = true
			if !yield(r) {
				return
			}
		}
	}
}

// String gives report, code and meaning, without the report's own words.
func (r Reason) String() string {
	code := r.Code
	if r.Raw != "" {
		code = r.Raw
	}
	text := r.Report.String()
	if code = safeCode(code); code != "" {
		text += " " + code
	}
	switch {
	case !r.Known && r.Code == "":
		return text + ": no reason code"
	case !r.Known:
		return text + ": a code that is in no list"
	case r.Inferred:
		return text + ": " + r.Meaning + " (inferred)"
	}
	return text + ": " + r.Meaning
}

// safeCode returns a code that is short and plain enough to be one.
func safeCode(code string) string {
	if len(code) > 8 {
		return ""
	}
	return safetext.Token(code)
}
