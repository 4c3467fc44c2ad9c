package bacs

import (
	"strings"

	"github.com/ccr-sdk/ccr"
)

// Advice is one message of a paying bank about one account: a change to an
// instruction (ADDACS), a returned instruction (AUDDIS) or corrected account
// details (AWACS). It prints and logs as its report and reason code only;
// encoding/json writes all but Raw.
//
// After an ADDACS advice with reason 3 that carries old and new details, do
// not send a cancellation to the old bank; after an AUDDIS return with reason
// C, send no pair of cancellation and new instruction: the banks have moved
// the instruction themselves.
type Advice struct {
	// Report is KindADDACS, KindAUDDIS or KindAWACS, by the record type; the
	// report's own kind if the type is not known.
	Report     Kind   `json:"report"`
	RecordType string `json:"recordType,omitempty"` // A, N, D, S or W
	UserNumber string `json:"userNumber,omitempty"` // SUN, six digits
	Reference  string `json:"reference,omitempty"`  // of the payer with the service user, trimmed
	// PayerReference is read by programs that handle AUDDIS returns; its
	// meaning beside Reference is not publicly described.
	PayerReference string   `json:"payerReference,omitempty"`
	ReasonCode     string   `json:"reasonCode,omitempty"`   // see [Advice.Reason]
	EffectiveDate  ccr.Date `json:"effectiveDate,omitzero"` // from when the change holds
	DueDate        ccr.Date `json:"dueDate,omitzero"`       // of an ADDACS, when it has one; its meaning is not publicly described
	Payer          Account  `json:"payer,omitzero"`         // the details that the service user has
	// NewAccount holds the details to use from now on, where the report has any.
	NewAccount Account `json:"newAccount,omitzero"`
	AOSN       string  `json:"aosn,omitempty"` // numbers the advice (inferred); see [Header.FirstAOSN]

	Raw    Element          `json:"-"`                // the element it was read from
	Faults []ccr.FieldError `json:"faults,omitempty"` // values that could not be read, by their place
}

// Reason looks the code up in the list of the report it belongs to.
func (a *Advice) Reason() Reason {
	r, _ := LookupReason(a.Report, a.ReasonCode)
	return r
}

// Affected gives the payer and the effective date; an advice has no amount.
func (a *Advice) Affected() Affected {
	return Affected{Report: a.Report, Reference: a.Reference, Party: a.Payer, Date: a.EffectiveDate, Reason: a.Reason()}
}

// Instruction returns the transaction code of the instruction that an AUDDIS
// advice returns: 0N (new), 0C (cancel) or 0S (convert); otherwise "".
func (a *Advice) Instruction() string {
	switch a.RecordType {
	case "N":
		return "0N"
	case "D":
		return "0C"
	case "S":
		return "0S"
	}
	return ""
}

// FileAdvice says whether Bacs took a file of instructions, in an AUDACC or
// AUDREJ report. The texts to it come in the [FileMessage] records behind it.
type FileAdvice struct {
	Report         Kind     `json:"report"`                  // KindAUDACC or KindAUDREJ
	RecordType     string   `json:"recordType,omitempty"`    // V accepted, R rejected
	UserNumber     string   `json:"userNumber,omitempty"`    // SUN, six digits
	AOSN           string   `json:"aosn,omitempty"`          // numbers the advice (inferred); see [Header.FirstAOSN]
	ProcessingDate ccr.Date `json:"processingDate,omitzero"` // of the file
	FileNumber     string   `json:"fileNumber,omitempty"`    // originator-file-number
	WorkCode       string   `json:"workCode,omitempty"`      // 1 DAILY
	FileType       string   `json:"fileType,omitempty"`      // LIVE
	Accepted       int64    `json:"accepted"`                // instructions accepted
	Rejected       int64    `json:"rejected"`                // instructions rejected
	VolumeSerial   string   `json:"volumeSerial,omitempty"`  // vol-serial-number, of the submission
	ErrorCode      string   `json:"errorCode,omitempty"`     // such as 30264; no list of them is public

	Raw    Element          `json:"-"`                // the element it was read from
	Faults []ccr.FieldError `json:"faults,omitempty"` // values that could not be read, by their place
}

// FileAccepted reports whether the file was accepted whole: the record says
// so, and no instruction is counted as rejected.
func (a *FileAdvice) FileAccepted() bool {
	for _, f := range a.Faults {
		if strings.HasSuffix(f.Path, "@rejected-ddi") {
			return false
		}
	}
	return a.Report == KindAUDACC && a.Rejected == 0 && a.ErrorCode == ""
}

// Reason carries the file error code. No list of those codes is public: the
// meaning tells only whether the file was taken.
func (a *FileAdvice) Reason() Reason {
	r := Reason{Report: a.Report, Code: a.ErrorCode, Known: true}
	if a.FileAccepted() {
		r.Meaning, r.Action = "the file was accepted", "Nothing is to be done."
	} else {
		r.Meaning, r.Action = "the file, or some of its instructions, were not accepted", "Read the messages of the report, correct the file and submit it again."
	}
	return r
}

// Affected gives the processing date and the reason: the advice is about a
// file, not about a payer.
func (a *FileAdvice) Affected() Affected {
	return Affected{Report: a.Report, Date: a.ProcessingDate, Reason: a.Reason()}
}

// FileMessage is a MessagingError: what Bacs has to say on a file. Its lines
// are empty in a report of an accepted file.
type FileMessage struct {
	Lines []string `json:"lines,omitempty"` // line1 to line3, those that are used

	Raw    Element          `json:"-"`                // the element it was read from
	Faults []ccr.FieldError `json:"faults,omitempty"` // values that could not be read, by their place
}

func (*Advice) record()      {}
func (*FileAdvice) record()  {}
func (*FileMessage) record() {}

type messagingHandler struct{}

func (messagingHandler) start(r *Reader, name string) (role, error) {
	switch name {
	case "MessagingAdvices":
		return container, nil
	case "MessagingAdvice":
		r.settle() // whether the header names the kind
		b := r.recordBudget()
		el, rd, err := r.element(&b)
		if err != nil {
			return 0, err
		}
		kind := messagingKind(strings.TrimSpace(first(el.Attr("record-type"))))
		if r.kind == KindMessaging && kind != KindUnknown {
			r.kind, r.unsettled = kind, true // the header did not say
		}
		if kind == KindUnknown {
			kind = r.kind
		}
		if kind == KindAUDACC || kind == KindAUDREJ {
			rd.filler = true
			a := rd.fileAdvice(el)
			a.Report, a.Faults = kind, r.faults(rd)
			r.emit(a)
			return consumed, nil
		}
		a := rd.advice(el)
		a.Report, a.Faults = kind, r.faults(rd)
		r.emit(a)
		return consumed, nil
	case "MessagingError":
		b := r.recordBudget()
		el, rd, err := r.element(&b)
		if err != nil {
			return 0, err
		}
		rd.filler = true
		m := &FileMessage{Raw: el}
		lines := map[string]string{}
		for _, a := range el.Attrs {
			lines[a.Name] = rd.text(a.Value)
		}
		for _, name := range [...]string{"line1", "line2", "line3", "line4", "line5"} {
			if lines[name] != "" {
				m.Lines = append(m.Lines, lines[name])
			}
		}
		m.Faults = r.faults(rd)
		r.emit(m)
		return consumed, nil
	}
	return foreign, nil
}

func (messagingHandler) end(*Reader, string) error { return nil }

func first(s string, _ bool) string { return s }

func (r *reading) advice(el Element) *Advice {
	a := &Advice{Raw: el}
	for _, attr := range el.Attrs {
		name, value := attr.Name, attr.Value
		switch name {
		case "user-number":
			a.UserNumber = r.text(value)
		case "record-type":
			a.RecordType = r.text(value)
		case "effective-date":
			a.EffectiveDate = r.date(name, value)
		case "due-date":
			a.DueDate = r.date(name, value)
		case "reference":
			a.Reference = r.text(value)
		case "payer-reference":
			a.PayerReference = r.text(value)
		case "reason-code":
			a.ReasonCode = r.text(value)
		case "payer-name":
			a.Payer.Name = r.text(value)
		case "payer-account-number":
			a.Payer.Number = r.text(value)
		case "payer-sort-code":
			a.Payer.SortCode = r.sortCode(name, value)
		case "payer-new-account-number":
			a.NewAccount.Number = r.text(value)
		case "payer-new-sort-code":
			a.NewAccount.SortCode = r.sortCode(name, value)
		case "aosn":
			a.AOSN = r.text(value)
		}
	}
	return a
}

func (r *reading) fileAdvice(el Element) *FileAdvice {
	a := &FileAdvice{Raw: el}
	for _, attr := range el.Attrs {
		name, value := attr.Name, attr.Value
		switch name {
		case "user-number":
			a.UserNumber = r.text(value)
		case "record-type":
			a.RecordType = r.text(value)
		case "aosn":
			a.AOSN = r.text(value)
		case "processing-date":
			a.ProcessingDate = r.date(name, value)
		case "originator-file-number":
			a.FileNumber = r.text(value)
		case "work-code":
			a.WorkCode = r.text(value)
		case "file-type":
			a.FileType = r.text(value)
		case "accepted-ddi":
			a.Accepted = r.count(name, value)
		case "rejected-ddi":
			a.Rejected = r.count(name, value)
		case "vol-serial-number":
			a.VolumeSerial = r.text(value)
		case "file-error-code":
			a.ErrorCode = r.text(value)
		}
	}
	return a
}
