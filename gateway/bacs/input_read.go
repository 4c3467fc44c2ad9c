package bacs

import "strings"

// inputHandler reads Input and Withdrawal reports.
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
		message, _ := h.userFile.Attr("fileLevelMessage")
		h.file.Message = strings.TrimSpace(message)
		h.file.Raw = append(h.file.Raw, *h.userFile)
	}
}

// part reads an element that belongs to the file as a whole.
func (h *inputHandler) part(r *Reader, decode func(*reading, Element)) (role, error) {
	h.open(r)
	return r.part(&h.held, &h.file.Raw, &h.file.Faults, decode)
}

func (h *inputHandler) start(r *Reader, name string) (role, error) {
	switch name {
	case "InputReport", "WithdrawalReport", "Submission", "Errors", "InputReportSummary", "WithdrawalReportSummary", "AccountTotals":
		return container, nil
	case "SubmissionInformation":
		return h.submissionInformation(r)
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
		return h.part(r, h.userFileInformation)
	case "DaySection":
		if h.open(r); len(h.file.Days) == maxDays {
			return 0, exceeded(r.s.line, "a file has more than 1,000 days", "")
		}
		return h.part(r, h.daySection)
	case "TotalNumberOfErrors":
		return h.part(r, h.totalNumberOfErrors)
	case "AgreementOfFileTotals":
		return h.part(r, h.agreementOfFileTotals)
	case "AccountTotal":
		return h.accountTotal(r)
	case "Error":
		return h.inputError(r)
	}
	return foreign, nil
}

func (h *inputHandler) submissionInformation(r *Reader) (role, error) {
	s := &Submission{}
	err := r.decode(&s.Raw, &s.Faults, func(rd *reading, el Element) {
		rd.attrs(el, field{"submissionReferenceNumber", &s.Reference}, field{"media", &s.Media},
			field{"volumeSerialNumber", &s.VolumeSerial}, field{"bureauNumber", &s.Bureau})
	})
	if err == nil {
		h.submission = s
		r.emit(s)
	}
	return consumed, err
}

func (h *inputHandler) userFileInformation(rd *reading, el Element) {
	f := h.file
	rd.attrs(el, field{"userNumber", &f.ServiceUser.Number}, field{"userName", &f.ServiceUser.Name}, field{"userFileNumber", &f.FileNumber},
		field{"sequenceNumber", &f.Sequence}, field{"fileCurrency", &f.Currency}, field{"uhl1WorkCode", &f.WorkCode},
		field{"uhl1ProcessingDate", (*labelDate)(&f.ProcessingDate)}, field{"fileReferenceNumber", &f.FileReference}, field{"userSponsor", &f.Sponsor})
}

func (h *inputHandler) daySection(rd *reading, el Element) {
	var d Day
	rd.attrs(el, field{"daySectionLevelErrorMessage", &d.Message})
	rd.children(el,
		field{"DaySectionRecord", func(c Element) {
			var rec DayRecord
			rd.attrs(c, field{"dayRef", &rec.Reference}, field{"recordDate", &rec.RecordDate}, field{"processingDate", &rec.ProcessingDate})
			rd.children(c, field{"Credit", &rec.Credit}, field{"Debit", &rec.Debit})
			d.Records = append(d.Records, rec)
		}},
		field{"Totals", func(c Element) { rd.children(c, field{"Credit", &d.Credit}, field{"Debit", &d.Debit}) }})
	h.file.Days = append(h.file.Days, d)
}

func (h *inputHandler) totalNumberOfErrors(rd *reading, el Element) {
	if h.file.Errors == nil {
		h.file.Errors = &ErrorTotals{}
	}
	t := h.file.Errors
	rd.attrs(el, field{"amendedRecords", &t.Amended}, field{"returnedRecords", &t.Returned}, field{"rejectedRecords", &t.Rejected})
}

func (h *inputHandler) agreementOfFileTotals(rd *reading, el Element) {
	t := &FileTotals{}
	rd.children(el, field{"CreditEntry", &t.Credit}, field{"DebitEntry", &t.Debit})
	h.file.Totals = t
	h.rejected(t.Credit, t.Debit)
}

func (h *inputHandler) accountTotal(r *Reader) (role, error) {
	h.open(r)
	t := &AccountTotal{File: h.file}
	err := r.decode(&t.Raw, &t.Faults, func(rd *reading, el Element) {
		rd.account(&t.Account, el)
		rd.children(el, field{"CreditEntry", &t.Credit}, field{"DebitEntry", &t.Debit},
			field{"CreditContraEntry", &t.CreditContra}, field{"DebitContraEntry", &t.DebitContra})
	})
	if err != nil {
		return 0, err
	}
	h.rejected(t.Credit, t.Debit, t.CreditContra, t.DebitContra)
	r.emit(t)
	return consumed, nil
}

func (h *inputHandler) inputError(r *Reader) (role, error) {
	h.open(r)
	e := &InputError{File: h.file}
	err := r.decode(&e.Raw, &e.Faults, func(rd *reading, el Element) {
		rd.children(el,
			field{"ErrorItem", func(c Element) { e.Items = append(e.Items, rd.errorItem(c)) }},
			field{"ErrorMessage", func(c Element) { e.Messages = append(e.Messages, rd.errorText(c)) }})
	})
	if err != nil {
		return 0, err
	}
	h.file.Listed++
	r.emit(e)
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

func (r *reading) entry(el Element) *Entry {
	e := &Entry{}
	r.attrs(el, field{"numberOf", &e.Count}, field{"valueOf", &e.Amount}, field{"currency", &e.Currency})
	r.children(el, field{"Contra", &e.Contra})
	return e
}

func (r *reading) totals(el Element) *EntryTotals {
	t := &EntryTotals{}
	r.children(el, field{"AcceptedRecords", &t.Accepted}, field{"RejectedRecords", &t.Rejected}, field{"TotalsRecords", &t.Total},
		field{"UserTrailerTotals", &t.UserTrailer}, field{"AdjustmentRecords", &t.Adjustment})
	return t
}

func (r *reading) errorItem(el Element) ErrorItem {
	var it ErrorItem
	r.attrs(el, field{"errorItemType", &it.Type}, field{"errorCode", &it.Code}, field{"reference", &it.Reference},
		field{"transactionCode", &it.TransactionCode}, field{"valueOf", &it.Amount}, field{"currency", &it.Currency})
	r.children(el, field{"OriginatingAccount", &it.Originating}, field{"DestinationAccount", &it.Destination})
	return it
}

func (r *reading) errorText(el Element) ErrorText {
	var t ErrorText
	r.attrs(el, field{"type", &t.Type})
	for _, line := range append(el.Children, Element{Text: el.Text}) {
		if text := r.text(line.Text); text != "" {
			t.Lines = append(t.Lines, text)
		}
	}
	return t
}
