package bacs

import (
	"time"

	"github.com/ccr-sdk/ccr"
)

// Header holds what a report says of itself, for all kinds. Fields that a
// kind does not have are empty. In AUDACC and AUDREJ reports the literal "0"
// that fills unused fields is read as absent.
type Header struct {
	// ReportType is the report's own number: REFT2013, REFT1019, 7001.
	ReportType string `json:"reportType,omitempty"`
	// AdviceType is the word of a messaging report: ADDACS, AUDACC, AUDREJ.
	AdviceType string `json:"adviceType,omitempty"`
	// Number is the number of this very report: reportNumber, adviceNumber or
	// document-number.
	Number string `json:"number,omitempty"`
	// ServiceUser is the service user (SUN) and its name. Input reports name
	// it in each [InputFile] instead.
	ServiceUser ServiceUser `json:"serviceUser,omitzero"`
	Addressee   Addressee   `json:"addressee,omitzero"` // whom the report is for
	// ProducedDate and ProducedTime (HH:MM:SS) are when the report was made;
	// see [Header.ProducedAt].
	ProducedDate   ccr.Date `json:"producedDate,omitzero"`
	ProducedTime   string   `json:"producedTime,omitempty"`
	ProcessingDate ccr.Date `json:"processingDate,omitzero"` // the day that the report is about

	// The rest is what messaging reports have.
	StreamIdentifier string `json:"streamIdentifier,omitempty"`
	EnvelopeSequence string `json:"envelopeSequence,omitempty"`
	FirstAOSN        string `json:"firstAOSN,omitempty"` // of the advices in the report
	LastAOSN         string `json:"lastAOSN,omitempty"`
	Reprint          string `json:"reprint,omitempty"` // reprint-indicator

	// Raw holds every header element: Header or MessagingHeader,
	// AddresseeInformation, ServiceLicenseInformation, ServiceUserNumber.
	Raw    []Element        `json:"-"`
	Faults []ccr.FieldError `json:"faults,omitempty"` // values that could not be read, by their place
}

// ServiceUser is the organisation that collects.
type ServiceUser struct {
	Number string `json:"number,omitempty"` // SUN, six digits
	Name   string `json:"name,omitempty"`   // as Bacs knows it
}

// Addressee is whom the report is for.
type Addressee struct {
	Name    string   `json:"name,omitempty"`    // an organisation
	Address []string `json:"address,omitempty"` // address1 to address5, those that are used
}

// IsZero reports whether no addressee is given.
func (a Addressee) IsZero() bool { return a.Name == "" && len(a.Address) == 0 }

// ProducedAt places the production date and time in a zone. Reports name no
// zone; that it is the time of the United Kingdom is inferred. It returns
// false if the date is not known; a missing time counts as midnight.
func (h Header) ProducedAt(zone *time.Location) (time.Time, bool) {
	if h.ProducedDate.IsZero() || zone == nil {
		return time.Time{}, false
	}
	day := h.ProducedDate
	clock, err := time.Parse(time.TimeOnly, h.ProducedTime)
	if err != nil {
		return day.In(zone), true
	}
	return time.Date(day.Year, day.Month, day.Day, clock.Hour(), clock.Minute(), clock.Second(), 0, zone), true
}

// readHeader reads all header elements anew: whether "0" is a filler in one
// can depend on another.
func readHeader(raw []Element, filler bool) Header {
	h := Header{Raw: raw}
	for _, el := range raw {
		rd := reading{where: local(el.Name), filler: filler}
		switch rd.where {
		case "Header", "MessagingHeader":
			rd.header(&h, el)
		case "AddresseeInformation":
			rd.addressee(&h, el)
		case "ServiceLicenseInformation":
			for _, a := range el.Attrs {
				switch a.Name {
				case "userName":
					set(&h.ServiceUser.Name, rd.text(a.Value))
				case "userNumber":
					set(&h.ServiceUser.Number, rd.text(a.Value))
				}
			}
		case "ServiceUserNumber":
			set(&h.ServiceUser.Number, rd.text(el.Text))
		}
		h.Faults = append(h.Faults, rd.faults...)
	}
	return h
}

// set keeps what came first: a report has each fact once.
func set(field *string, value string) {
	if *field == "" {
		*field = value
	}
}

func (r *reading) header(h *Header, el Element) {
	for _, a := range el.Attrs {
		switch a.Name {
		case "reportType", "report-type":
			set(&h.ReportType, r.text(a.Value))
		case "advice-type", "adviceType":
			set(&h.AdviceType, r.text(a.Value))
		case "reportNumber", "adviceNumber", "document-number":
			set(&h.Number, r.text(a.Value))
		case "user-number":
			set(&h.ServiceUser.Number, r.text(a.Value))
		case "user-name":
			set(&h.ServiceUser.Name, r.text(a.Value))
		case "currentProcessingDate", "processingDate":
			h.ProcessingDate = r.date(a.Name, a.Value)
		case "report-generation-date":
			h.ProducedDate = r.date(a.Name, a.Value)
		case "stream-identifier":
			set(&h.StreamIdentifier, r.text(a.Value))
		case "envelope-sequence-number":
			set(&h.EnvelopeSequence, r.text(a.Value))
		case "subject-first-aosn":
			set(&h.FirstAOSN, r.text(a.Value))
		case "subject-last-aosn":
			set(&h.LastAOSN, r.text(a.Value))
		case "reprint-indicator":
			set(&h.Reprint, r.text(a.Value))
		}
	}
	for _, c := range el.Children {
		rd := r.at(r.where + "/" + local(c.Name))
		for _, a := range c.Attrs {
			switch local(c.Name) + "@" + a.Name {
			case "ProducedOn@date":
				h.ProducedDate = rd.date(a.Name, a.Value)
			case "ProducedOn@time":
				h.ProducedTime = rd.clock(a.Name, a.Value)
			case "ProcessingDate@date":
				h.ProcessingDate = rd.date(a.Name, a.Value)
			}
		}
		r.join(rd)
	}
}

func (r *reading) addressee(h *Header, el Element) {
	lines := [5]string{}
	for _, a := range el.Attrs {
		switch a.Name {
		case "name":
			set(&h.Addressee.Name, r.text(a.Value))
		case "address1", "address2", "address3", "address4", "address5":
			lines[a.Name[7]-'1'] = r.text(a.Value)
		}
	}
	if len(h.Addressee.Address) > 0 {
		return
	}
	for _, line := range lines {
		if line != "" {
			h.Addressee.Address = append(h.Addressee.Address, line)
		}
	}
}
