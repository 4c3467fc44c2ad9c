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
	AOSN       string  `json:"aosn,omitempty"` // numbers the advice; see [Header.FirstAOSN]. Inferred.

	// The rest is in public AUDDIS and ADDACS reports of 2017, each without a
	// description.
	TransactionCode  string   `json:"transactionCode,omitempty"`  // of an AUDDIS: the instruction's, such as 0S
	Originator       Account  `json:"originator,omitzero"`        // of an AUDDIS: the service user's sort code, number and name
	OriginalDate     ccr.Date `json:"originalDate,omitzero"`      // original-proc-date of an AUDDIS: when the instruction was processed. Inferred.
	PaymentFrequency string   `json:"paymentFrequency,omitempty"` // of an ADDACS, as written

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
// advice returns: 0N (new), 0C (cancel) or 0S (convert). It is the report's
// own where that states one, else that of the record type; otherwise "".
func (a *Advice) Instruction() string {
	if a.TransactionCode != "" {
		return a.TransactionCode
	}
	return map[string]string{"N": "0N", "D": "0C", "S": "0S"}[a.RecordType]
}

// FileAdvice says whether Bacs took a file of instructions, in an AUDACC or
// AUDREJ report. The texts to it come in the [FileMessage] records behind it.
type FileAdvice struct {
	Report         Kind     `json:"report"`                  // KindAUDACC or KindAUDREJ
	RecordType     string   `json:"recordType,omitempty"`    // V accepted, R rejected
	UserNumber     string   `json:"userNumber,omitempty"`    // SUN, six digits
	AOSN           string   `json:"aosn,omitempty"`          // numbers the advice; see [Header.FirstAOSN]. Inferred.
	ProcessingDate ccr.Date `json:"processingDate,omitzero"` // of the file
	FileNumber     string   `json:"fileNumber,omitempty"`    // originator-file-number
	WorkCode       string   `json:"workCode,omitempty"`      // 1 DAILY
	FileType       string   `json:"fileType,omitempty"`      // LIVE
	Accepted       int64    `json:"accepted"`                // instructions accepted
	Rejected       int64    `json:"rejected"`                // instructions rejected
	VolumeSerial   string   `json:"volumeSerial,omitempty"`  // vol-serial-number, of the submission
	ErrorCode      string   `json:"errorCode,omitempty"`     // such as 30264 or 30410; no list of them is public

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

// Reason looks up the file error code. No list of those codes is public: of
// most, the meaning tells only whether the file was taken.
func (a *FileAdvice) Reason() Reason {
	r, known := LookupReason(KindAUDREJ, a.ErrorCode)
	r.Report, r.Known = a.Report, true
	switch {
	case known:
	case a.FileAccepted():
		r.Meaning, r.Action = "the file was accepted", "Nothing is to be done."
	default:
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
	private
	Lines []string `json:"lines,omitempty"` // line1 to line3, those that are used

	Raw    Element          `json:"-"`                // the element it was read from
	Faults []ccr.FieldError `json:"faults,omitempty"` // values that could not be read, by their place
}

type messagingHandler struct{}

func (h messagingHandler) start(r *Reader, name string) (role, error) {
	switch name {
	case "MessagingAdvices":
		return container, nil
	case "MessagingAdvice":
		return h.advice(r)
	case "MessagingError":
		return h.message(r)
	}
	return foreign, nil
}

func (messagingHandler) end(*Reader, string) error { return nil }

// advice reads a MessagingAdvice: of a file or of a payer, as its record type
// says, or else the header.
func (messagingHandler) advice(r *Reader) (role, error) {
	r.refreshHeader() // whether the header names the kind
	a, f := &Advice{}, &FileAdvice{}
	ofFile := false
	err := r.decode(&a.Raw, &a.Faults, func(rd *reading, el Element) {
		word, _ := el.Attr("record-type")
		kind := messagingKind(strings.TrimSpace(word))
		if r.kind == KindMessaging && kind != KindUnknown {
			r.kind, r.headerDirty = kind, true // the header did not say
		}
		if kind == KindUnknown {
			kind = r.kind
		}
		a.Report, f.Report = kind, kind
		if ofFile = kind == KindAUDACC || kind == KindAUDREJ; ofFile {
			rd.filler = true
			rd.fileAdvice(f, el)
		} else {
			rd.advice(a, el)
		}
	})
	switch {
	case err != nil:
		return 0, err
	case ofFile:
		f.Raw, f.Faults = a.Raw, a.Faults
		r.emit(f)
	default:
		r.emit(a)
	}
	return consumed, nil
}

func (messagingHandler) message(r *Reader) (role, error) {
	m := &FileMessage{}
	err := r.decode(&m.Raw, &m.Faults, func(rd *reading, el Element) {
		rd.filler = true
		m.Lines = rd.lines(el, "line")
	})
	if err == nil {
		r.emit(m)
	}
	return consumed, err
}

// lines reads attributes that are one text in up to five parts: line1, line2 …
func (r *reading) lines(el Element, name string) (used []string) {
	var all [5]string
	r.attrs(el, field{name + "1", &all[0]}, field{name + "2", &all[1]}, field{name + "3", &all[2]}, field{name + "4", &all[3]}, field{name + "5", &all[4]})
	for _, line := range all {
		if line != "" {
			used = append(used, line)
		}
	}
	return used
}

func (r *reading) advice(a *Advice, el Element) {
	r.attrs(el, field{"user-number", &a.UserNumber}, field{"record-type", &a.RecordType}, field{"transaction-code", &a.TransactionCode},
		field{"effective-date", &a.EffectiveDate}, field{"due-date", &a.DueDate}, field{"original-proc-date", &a.OriginalDate},
		field{"reference", &a.Reference}, field{"payer-reference", &a.PayerReference}, field{"reason-code", &a.ReasonCode},
		field{"payment-frequency", &a.PaymentFrequency}, field{"aosn", &a.AOSN},
		field{"payer-name", &a.Payer.Name}, field{"payer-account-number", &a.Payer.Number}, field{"payer-sort-code", (*sortCode)(&a.Payer.SortCode)},
		field{"payer-new-account-number", &a.NewAccount.Number}, field{"payer-new-sort-code", (*sortCode)(&a.NewAccount.SortCode)},
		field{"originator-name", &a.Originator.Name}, field{"orig-account-number", &a.Originator.Number}, field{"orig-sort-code", (*sortCode)(&a.Originator.SortCode)})
}

func (r *reading) fileAdvice(f *FileAdvice, el Element) {
	r.attrs(el, field{"user-number", &f.UserNumber}, field{"record-type", &f.RecordType}, field{"aosn", &f.AOSN},
		field{"processing-date", &f.ProcessingDate}, field{"originator-file-number", &f.FileNumber}, field{"work-code", &f.WorkCode},
		field{"file-type", &f.FileType}, field{"accepted-ddi", &f.Accepted}, field{"rejected-ddi", &f.Rejected},
		field{"vol-serial-number", &f.VolumeSerial}, field{"file-error-code", &f.ErrorCode})
}
