package bacs

import (
	"strings"

	"github.com/ccr-sdk/ccr"
)

// Submission names the submission that the [InputFile] records behind it
// belong to (SubmissionInformation).
type Submission struct {
	private
	Reference    string `json:"reference,omitempty"`    // submissionReferenceNumber
	Media        string `json:"media,omitempty"`        // BACSTEL-IP
	VolumeSerial string `json:"volumeSerial,omitempty"` // volumeSerialNumber
	Bureau       string `json:"bureau,omitempty"`       // bureauNumber, seen in Withdrawal reports

	Raw    Element          `json:"-"`                // the element it was read from
	Faults []ccr.FieldError `json:"faults,omitempty"` // values that could not be read, by their place
}

// InputFile closes one payment file of an Input or Withdrawal report: what it
// is and what Bacs made of it. Its errors come before it, as [InputError]
// records that point to it; until then only the file's own facts are set.
//
// Whether all is well is said by [InputFile.Verdict], and nowhere else: in
// the vendor's own sample an item was returned although every
// RejectedRecords is 0 and the item still counts as accepted.
type InputFile struct {
	Submission *Submission `json:"submission,omitempty"` // the one it was sent in
	// Message is the fileLevelMessage. It is empty in a file that was taken.
	Message        string      `json:"message,omitempty"`
	ServiceUser    ServiceUser `json:"serviceUser,omitzero"`    // userNumber, userName
	FileNumber     string      `json:"fileNumber,omitempty"`    // userFileNumber
	Sequence       string      `json:"sequence,omitempty"`      // sequenceNumber; optional
	Currency       string      `json:"currency,omitempty"`      // fileCurrency, as written
	WorkCode       string      `json:"workCode,omitempty"`      // 1 DAILY, 4 MULTI
	ProcessingDate ccr.Date    `json:"processingDate,omitzero"` // of the file's UHL1 label
	FileReference  string      `json:"fileReference,omitempty"` // fileReferenceNumber
	Sponsor        string      `json:"sponsor,omitempty"`       // userSponsor
	Days           []Day       `json:"days,omitempty"`          // one for each processing day in it
	// Errors is the TotalNumberOfErrors; nil if the report has none, as one
	// without errors may.
	Errors *ErrorTotals `json:"errors,omitempty"`
	// Listed counts the Error elements, and so the InputError records.
	Listed int64 `json:"listed"`
	// Totals is the AgreementOfFileTotals.
	Totals *FileTotals `json:"totals,omitempty"`

	// SummaryRejected is the largest count of any RejectedRecords in the
	// summary. Zero does not mean that nothing was rejected.
	SummaryRejected int64 `json:"summaryRejected"`

	Raw    []Element        `json:"-"`                // UserFile and InputUserFile without children, UserFileInformation, DaySection, TotalNumberOfErrors, AgreementOfFileTotals
	Faults []ccr.FieldError `json:"faults,omitempty"` // values that could not be read, by their place
}

// ErrorTotals counts the items that Bacs changed or did not take.
type ErrorTotals struct {
	Amended  int64 `json:"amended"`  // taken after Bacs changed them
	Returned int64 `json:"returned"` // taken, and sent back
	Rejected int64 `json:"rejected"` // not taken
}

// Total is the sum of the three.
func (t ErrorTotals) Total() int64 { return t.Amended + t.Returned + t.Rejected }

// Day is one processing day of a file (DaySection).
type Day struct {
	private
	// Message is the daySectionLevelErrorMessage. It is set when items of the
	// day are in error.
	Message string      `json:"message,omitempty"`
	Records []DayRecord `json:"records,omitempty"` // one for each line of the day
	Credit  *Entry      `json:"credit,omitempty"`  // totals of the day
	Debit   *Entry      `json:"debit,omitempty"`   // likewise
}

// DayRecord is one line of a day (DaySectionRecord).
type DayRecord struct {
	private
	Reference      string   `json:"reference,omitempty"`     // dayRef
	RecordDate     ccr.Date `json:"recordDate,omitzero"`     // the date in the file
	ProcessingDate ccr.Date `json:"processingDate,omitzero"` // the date on which Bacs processes it
	Credit         *Entry   `json:"credit,omitempty"`        // of that date; nil if it has none
	Debit          *Entry   `json:"debit,omitempty"`         // likewise
}

// Entry is a number of records and their sum; nil where a report has none.
type Entry struct {
	private
	Count    int64      `json:"count"`              // of records
	Amount   ccr.Amount `json:"amount,omitzero"`    // their sum, in pounds
	Currency string     `json:"currency,omitempty"` // as written: GBP in the samples
	Contra   *Entry     `json:"contra,omitempty"`   // of the service user's own account
}

// EntryTotals splits the entries of one direction. UserTrailer and Adjustment
// are in file totals only, Total in account totals only.
type EntryTotals struct {
	private
	Accepted    *Entry `json:"accepted,omitempty"`    // returned items count here, too
	Rejected    *Entry `json:"rejected,omitempty"`    // 0 does not mean that nothing was: see [InputFile.Verdict]
	Total       *Entry `json:"total,omitempty"`       // TotalsRecords
	UserTrailer *Entry `json:"userTrailer,omitempty"` // what the file's trailer says
	Adjustment  *Entry `json:"adjustment,omitempty"`  // AdjustmentRecords: made by Bacs
}

// FileTotals compares what Bacs took with what the file's trailer says.
type FileTotals struct {
	private
	Credit *EntryTotals `json:"credit,omitempty"` // CreditEntry; nil if the file has none
	Debit  *EntryTotals `json:"debit,omitempty"`  // DebitEntry; likewise
}

// AccountTotal is what an Input report says of one account of the service
// user. It comes before its [InputFile].
type AccountTotal struct {
	private
	File    *InputFile `json:"-"`                // the file it belongs to
	Account Account    `json:"account,omitzero"` // number, sort code and type only
	// What was paid to the account and collected from it, and the contra entries
	// for the two.
	Credit       *EntryTotals `json:"credit,omitempty"`
	Debit        *EntryTotals `json:"debit,omitempty"`
	CreditContra *EntryTotals `json:"creditContra,omitempty"`
	DebitContra  *EntryTotals `json:"debitContra,omitempty"`

	Raw    Element          `json:"-"`                // the element it was read from
	Faults []ccr.FieldError `json:"faults,omitempty"` // values that could not be read, by their place
}

// Verdict is what an Input report says about the items of one file, put
// together from every place that says something.
type Verdict struct {
	ErrorTotals
	// Listed is how many errors the report lists one by one.
	Listed int64
	// SummaryRejected is the RejectedRecords of the summary: evidence when it
	// is above zero, none when it is zero.
	SummaryRejected int64
	// Messages: the file or one of its days carries a message.
	Messages bool
	// Unreadable: a count could not be read.
	Unreadable bool
}

// Verdict decides by TotalNumberOfErrors, the errors listed and the messages.
func (f *InputFile) Verdict() Verdict {
	v := Verdict{Listed: f.Listed, SummaryRejected: f.SummaryRejected, Messages: f.Message != ""}
	if f.Errors != nil {
		v.ErrorTotals = *f.Errors
	}
	for _, d := range f.Days {
		v.Messages = v.Messages || d.Message != ""
	}
	for _, fault := range f.Faults {
		v.Unreadable = v.Unreadable || strings.Contains(fault.Path, "TotalNumberOfErrors")
	}
	return v
}

// Clean reports whether nothing at all says that an item was amended,
// returned or rejected.
func (v Verdict) Clean() bool {
	return v.Total() == 0 && v.Listed == 0 && v.SummaryRejected == 0 && !v.Messages && !v.Unreadable
}

// Agree reports whether as many errors are listed as are counted. If they
// are not, read the report with your own eyes.
func (v Verdict) Agree() bool { return !v.Unreadable && v.Total() == v.Listed }

// Effect is what Bacs did with an item in error.
type Effect string

// The effects, by the type of the second record of an error. Only
// EffectReturned was seen in a report. Inferred.
const (
	EffectUnknown  Effect = ""
	EffectReturned Effect = "returned"
	EffectRejected Effect = "rejected"
	EffectAmended  Effect = "amended"
)

// InputError is one item of a submitted file that Bacs amended, returned or
// rejected. It prints and logs as its error code only; encoding/json writes
// all but Raw.
type InputError struct {
	File *InputFile `json:"-"` // the file it belongs to
	// Items are the records of the error: the one as submitted, and the one
	// that Bacs made of it.
	Items    []ErrorItem `json:"items,omitempty"`
	Messages []ErrorText `json:"messages,omitempty"` // what Bacs says of it

	Raw    Element          `json:"-"`                // the element it was read from
	Faults []ccr.FieldError `json:"faults,omitempty"` // values that could not be read, by their place
}

// ErrorItem is one record of an [InputError].
type ErrorItem struct {
	private
	Type            string     `json:"type,omitempty"`            // ORIGINAL RECORD, RETURNED RECORD
	Code            string     `json:"code,omitempty"`            // a letter, on the second record
	Reference       string     `json:"reference,omitempty"`       // of the payment, trimmed
	TransactionCode string     `json:"transactionCode,omitempty"` // such as 17 for a debit
	Amount          ccr.Amount `json:"amount,omitzero"`           // in pounds
	Currency        string     `json:"currency,omitempty"`        // as written: GBP in the samples
	Originating     Account    `json:"originating,omitzero"`      // the service user's account
	Destination     Account    `json:"destination,omitzero"`      // the other party's
}

// ErrorText is an ErrorMessage; its type is REASON in the samples seen, and
// REJECTED is expected by programs that read such reports.
type ErrorText struct {
	private
	Type  string   `json:"type,omitempty"`  // REASON, or a word for what became of the item: see [InputError.Effect]
	Lines []string `json:"lines,omitempty"` // one for each MessageLine
}

// Original returns the record as it was submitted.
func (e *InputError) Original() (ErrorItem, bool) {
	for _, it := range e.Items {
		if strings.HasPrefix(it.Type, "ORIGINAL") {
			return it, true
		}
	}
	return ErrorItem{}, false
}

// Outcome returns the record that Bacs made of it, or returned.
func (e *InputError) Outcome() (ErrorItem, bool) {
	for _, it := range e.Items {
		if !strings.HasPrefix(it.Type, "ORIGINAL") {
			return it, true
		}
	}
	return ErrorItem{}, false
}

// Effect tells what became of the item, from the type of its records and
// messages.
func (e *InputError) Effect() Effect {
	for _, prefix := range []struct {
		word   string
		effect Effect
	}{{"REJECTED", EffectRejected}, {"RETURNED", EffectReturned}, {"AMENDED", EffectAmended}} {
		for _, it := range e.Items {
			if strings.HasPrefix(it.Type, prefix.word) {
				return prefix.effect
			}
		}
		for _, m := range e.Messages {
			if strings.HasPrefix(m.Type, prefix.word) {
				return prefix.effect
			}
		}
	}
	return EffectUnknown
}

// Code returns the error code, from whichever record carries it.
func (e *InputError) Code() string {
	for _, it := range e.Items {
		if it.Code != "" {
			return it.Code
		}
	}
	return ""
}

// Reason looks up the error code; Text is the report's own words.
func (e *InputError) Reason() Reason {
	r, _ := LookupReason(KindInput, e.Code())
	var lines []string
	for _, m := range e.Messages {
		lines = append(lines, m.Lines...)
	}
	r.Text = strings.Join(lines, "\n")
	return r
}

// Affected gives the destination account, the amount as submitted and the
// processing date of the file.
func (e *InputError) Affected() Affected {
	a := Affected{Report: KindInput, Reason: e.Reason()}
	item, ok := e.Original()
	if !ok && len(e.Items) > 0 {
		item = e.Items[0]
	}
	a.Reference, a.Party, a.Amount, a.Currency = item.Reference, item.Destination, item.Amount, item.Currency
	if e.File != nil {
		a.Date = e.File.ProcessingDate
	}
	return a
}
