package bacs

import (
	"strings"

	"github.com/ccr-sdk/ccr"
)

// Submission names the submission that the [InputFile] records behind it
// belong to (SubmissionInformation).
type Submission struct {
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
	// Message is the daySectionLevelErrorMessage. It is set when items of the
	// day are in error.
	Message string      `json:"message,omitempty"`
	Records []DayRecord `json:"records,omitempty"` // one for each line of the day
	Credit  *Entry      `json:"credit,omitempty"`  // totals of the day
	Debit   *Entry      `json:"debit,omitempty"`   // likewise
}

// DayRecord is one line of a day (DaySectionRecord).
type DayRecord struct {
	Reference      string   `json:"reference,omitempty"`     // dayRef
	RecordDate     ccr.Date `json:"recordDate,omitzero"`     // the date in the file
	ProcessingDate ccr.Date `json:"processingDate,omitzero"` // the date on which Bacs processes it
	Credit         *Entry   `json:"credit,omitempty"`        // of that date; nil if it has none
	Debit          *Entry   `json:"debit,omitempty"`         // likewise
}

// Entry is a number of records and their sum; nil where a report has none.
type Entry struct {
	Count    int64      `json:"count"`              // of records
	Amount   ccr.Amount `json:"amount,omitzero"`    // their sum, in pounds
	Currency string     `json:"currency,omitempty"` // as written: GBP in the samples
	Contra   *Entry     `json:"contra,omitempty"`   // of the service user's own account
}

// EntryTotals splits the entries of one direction. UserTrailer and Adjustment
// are in file totals only, Total in account totals only.
type EntryTotals struct {
	Accepted    *Entry `json:"accepted,omitempty"`    // returned items count here, too
	Rejected    *Entry `json:"rejected,omitempty"`    // 0 does not mean that nothing was: see [InputFile.Verdict]
	Total       *Entry `json:"total,omitempty"`       // TotalsRecords
	UserTrailer *Entry `json:"userTrailer,omitempty"` // what the file's trailer says
	Adjustment  *Entry `json:"adjustment,omitempty"`  // AdjustmentRecords: made by Bacs
}

// FileTotals compares what Bacs took with what the file's trailer says.
type FileTotals struct {
	Credit *EntryTotals `json:"credit,omitempty"` // CreditEntry; nil if the file has none
	Debit  *EntryTotals `json:"debit,omitempty"`  // DebitEntry; likewise
}

// AccountTotal is what an Input report says of one account of the service
// user. It comes before its [InputFile].
type AccountTotal struct {
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
// EffectReturned was seen in a report; the others are inferred.
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
	a.Reference, a.Party, a.Amount = item.Reference, item.Destination, item.Amount
	if e.File != nil {
		a.Date = e.File.ProcessingDate
	}
	return a
}

func (*Submission) record()   {}
func (*InputFile) record()    {}
func (*InputError) record()   {}
func (*AccountTotal) record() {}

type inputHandler struct {
	submission *Submission
	file       *InputFile
	held       budget
	userFile   *Element // the UserFile that is open, without children
	used       bool     // it has given a file
	depth      int      // of the InputUserFile that is open, 0 for none
}

func (h *inputHandler) open(r *Reader) {
	if h.file != nil {
		return
	}
	h.file, h.held, h.used = &InputFile{Submission: h.submission}, r.recordBudget(), true
	if h.userFile != nil {
		rd := reading{}
		message, _ := h.userFile.Attr("fileLevelMessage")
		h.file.Message = rd.text(message)
		h.file.Raw = append(h.file.Raw, *h.userFile)
	}
}

// part reads an element that belongs to the file as a whole.
func (h *inputHandler) part(r *Reader) (Element, reading, error) {
	h.open(r)
	el, rd, err := r.element(&h.held)
	if err == nil {
		h.file.Raw = append(h.file.Raw, el)
	}
	return el, rd, err
}

func (h *inputHandler) start(r *Reader, name string) (role, error) {
	switch name {
	case "InputReport", "WithdrawalReport", "Submission", "Errors", "InputReportSummary", "WithdrawalReportSummary", "AccountTotals":
		return container, nil

	case "SubmissionInformation":
		b := r.recordBudget()
		el, rd, err := r.element(&b)
		if err != nil {
			return 0, err
		}
		s := &Submission{Raw: el}
		for _, a := range el.Attrs {
			switch a.Name {
			case "submissionReferenceNumber":
				s.Reference = rd.text(a.Value)
			case "media":
				s.Media = rd.text(a.Value)
			case "volumeSerialNumber":
				s.VolumeSerial = rd.text(a.Value)
			case "bureauNumber":
				s.Bureau = rd.text(a.Value)
			}
		}
		s.Faults = r.faults(rd)
		h.submission = s
		r.emit(s)

	case "UserFile":
		h.close(r)
		h.used = false
		h.userFile = &Element{Name: r.s.name, Attrs: r.s.takeAttrs()}
		return mapped, nil

	case "InputUserFile", "WithdrawalUserFile":
		h.close(r)
		h.open(r)
		h.depth = len(r.s.stack)
		if len(r.s.attrs) > 0 {
			h.file.Raw = append(h.file.Raw, Element{Name: r.s.name, Attrs: r.s.takeAttrs()})
		}
		return mapped, nil

	case "UserFileInformation":
		el, rd, err := h.part(r)
		if err != nil {
			return 0, err
		}
		rd.userFileInformation(h.file, el)
		h.file.Faults = append(h.file.Faults, r.faults(rd)...)

	case "DaySection":
		el, rd, err := h.part(r)
		if err != nil {
			return 0, err
		}
		if len(h.file.Days) == maxDays {
			return 0, exceeded(r.s.line, "a file has more than 1,000 days", "")
		}
		h.file.Days = append(h.file.Days, rd.day(el))
		h.file.Faults = append(h.file.Faults, r.faults(rd)...)

	case "TotalNumberOfErrors":
		el, rd, err := h.part(r)
		if err != nil {
			return 0, err
		}
		if h.file.Errors == nil {
			h.file.Errors = &ErrorTotals{}
		}
		for _, a := range el.Attrs {
			switch a.Name {
			case "amendedRecords":
				h.file.Errors.Amended += rd.count(a.Name, a.Value)
			case "returnedRecords":
				h.file.Errors.Returned += rd.count(a.Name, a.Value)
			case "rejectedRecords":
				h.file.Errors.Rejected += rd.count(a.Name, a.Value)
			}
		}
		h.file.Faults = append(h.file.Faults, r.faults(rd)...)

	case "AgreementOfFileTotals":
		el, rd, err := h.part(r)
		if err != nil {
			return 0, err
		}
		t := &FileTotals{}
		for _, c := range el.Children {
			switch local(c.Name) {
			case "CreditEntry":
				t.Credit = rd.totals(c)
			case "DebitEntry":
				t.Debit = rd.totals(c)
			}
		}
		h.file.Totals = t
		h.rejected(t.Credit, t.Debit)
		h.file.Faults = append(h.file.Faults, r.faults(rd)...)

	case "AccountTotal":
		h.open(r)
		b := r.recordBudget()
		el, rd, err := r.element(&b)
		if err != nil {
			return 0, err
		}
		t := &AccountTotal{File: h.file, Account: rd.account(el), Raw: el}
		for _, c := range el.Children {
			switch local(c.Name) {
			case "CreditEntry":
				t.Credit = rd.totals(c)
			case "DebitEntry":
				t.Debit = rd.totals(c)
			case "CreditContraEntry":
				t.CreditContra = rd.totals(c)
			case "DebitContraEntry":
				t.DebitContra = rd.totals(c)
			}
		}
		h.rejected(t.Credit, t.Debit, t.CreditContra, t.DebitContra)
		t.Faults = r.faults(rd)
		r.emit(t)

	case "Error":
		h.open(r)
		b := r.recordBudget()
		el, rd, err := r.element(&b)
		if err != nil {
			return 0, err
		}
		e := rd.inputError(el)
		e.File, e.Faults = h.file, r.faults(rd)
		h.file.Listed++
		r.emit(e)

	default:
		return foreign, nil
	}
	return consumed, nil
}

func (h *inputHandler) rejected(totals ...*EntryTotals) {
	for _, t := range totals {
		if t != nil && t.Rejected != nil {
			h.file.SummaryRejected = max(h.file.SummaryRejected, t.Rejected.Count)
		}
	}
}

func (h *inputHandler) end(r *Reader, name string) error {
	switch {
	case h.depth > len(r.s.stack):
		h.close(r)
	case name == "UserFile":
		if !h.used {
			h.open(r) // a file of which there is nothing but a message
		}
		h.close(r)
		h.userFile = nil
	case name == "InputReport", name == "WithdrawalReport":
		h.close(r)
	}
	return nil
}

func (h *inputHandler) close(r *Reader) {
	if h.file == nil {
		return
	}
	r.emit(h.file)
	h.file, h.depth = nil, 0
}

func (r *reading) userFileInformation(f *InputFile, el Element) {
	for _, a := range el.Attrs {
		switch a.Name {
		case "userNumber":
			f.ServiceUser.Number = r.text(a.Value)
		case "userName":
			f.ServiceUser.Name = r.text(a.Value)
		case "userFileNumber":
			f.FileNumber = r.text(a.Value)
		case "sequenceNumber":
			f.Sequence = r.text(a.Value)
		case "fileCurrency":
			f.Currency = r.text(a.Value)
		case "uhl1WorkCode":
			f.WorkCode = r.text(a.Value)
		case "uhl1ProcessingDate":
			f.ProcessingDate = r.labelDate(a.Name, a.Value)
		case "fileReferenceNumber":
			f.FileReference = r.text(a.Value)
		case "userSponsor":
			f.Sponsor = r.text(a.Value)
		}
	}
}

func (r *reading) day(el Element) Day {
	var d Day
	message, _ := el.Attr("daySectionLevelErrorMessage")
	d.Message = r.text(message)
	for _, c := range el.Children {
		switch local(c.Name) {
		case "DaySectionRecord":
			rd := r.at(r.where + "/DaySectionRecord")
			var rec DayRecord
			for _, a := range c.Attrs {
				switch a.Name {
				case "dayRef":
					rec.Reference = rd.text(a.Value)
				case "recordDate":
					rec.RecordDate = rd.date(a.Name, a.Value)
				case "processingDate":
					rec.ProcessingDate = rd.date(a.Name, a.Value)
				}
			}
			rec.Credit, rec.Debit = rd.creditAndDebit(c)
			d.Records = append(d.Records, rec)
			r.join(rd)
		case "Totals":
			rd := r.at(r.where + "/Totals")
			d.Credit, d.Debit = rd.creditAndDebit(c)
			r.join(rd)
		}
	}
	return d
}

func (r *reading) creditAndDebit(el Element) (credit, debit *Entry) {
	for _, c := range el.Children {
		switch local(c.Name) {
		case "Credit":
			credit = r.entry(c)
		case "Debit":
			debit = r.entry(c)
		}
	}
	return credit, debit
}

func (r *reading) entry(el Element) *Entry {
	rd := r.at(r.where + "/" + local(el.Name))
	e := &Entry{}
	for _, a := range el.Attrs {
		switch a.Name {
		case "numberOf":
			e.Count = rd.count(a.Name, a.Value)
		case "valueOf":
			e.Amount = rd.amount(a.Name, a.Value)
		case "currency":
			e.Currency = rd.text(a.Value)
		}
	}
	for _, c := range el.Children {
		if local(c.Name) == "Contra" {
			e.Contra = rd.entry(c)
		}
	}
	r.join(rd)
	return e
}

func (r *reading) totals(el Element) *EntryTotals {
	rd := r.at(r.where + "/" + local(el.Name))
	t := &EntryTotals{}
	for _, c := range el.Children {
		switch local(c.Name) {
		case "AcceptedRecords":
			t.Accepted = rd.entry(c)
		case "RejectedRecords":
			t.Rejected = rd.entry(c)
		case "TotalsRecords":
			t.Total = rd.entry(c)
		case "UserTrailerTotals":
			t.UserTrailer = rd.entry(c)
		case "AdjustmentRecords":
			t.Adjustment = rd.entry(c)
		}
	}
	r.join(rd)
	return t
}

func (r *reading) inputError(el Element) *InputError {
	e := &InputError{Raw: el}
	for _, c := range el.Children {
		switch local(c.Name) {
		case "ErrorItem":
			e.Items = append(e.Items, r.errorItem(c))
		case "ErrorMessage":
			var t ErrorText
			kind, _ := c.Attr("type")
			t.Type = r.text(kind)
			for _, line := range c.Children {
				if text := r.text(line.Text); text != "" {
					t.Lines = append(t.Lines, text)
				}
			}
			if text := r.text(c.Text); text != "" {
				t.Lines = append(t.Lines, text)
			}
			e.Messages = append(e.Messages, t)
		}
	}
	return e
}

func (r *reading) errorItem(el Element) ErrorItem {
	rd := r.at(r.where + "/ErrorItem")
	var it ErrorItem
	for _, a := range el.Attrs {
		switch a.Name {
		case "errorItemType":
			it.Type = rd.text(a.Value)
		case "errorCode":
			it.Code = rd.text(a.Value)
		case "reference":
			it.Reference = rd.text(a.Value)
		case "transactionCode":
			it.TransactionCode = rd.text(a.Value)
		case "valueOf":
			it.Amount = rd.amount(a.Name, a.Value)
		case "currency":
			it.Currency = rd.text(a.Value)
		}
	}
	for _, c := range el.Children {
		sub := rd.at(rd.where + "/" + local(c.Name))
		switch local(c.Name) {
		case "OriginatingAccount":
			it.Originating = sub.account(c)
		case "DestinationAccount":
			it.Destination = sub.account(c)
		}
		rd.join(sub)
	}
	r.join(rd)
	return it
}
