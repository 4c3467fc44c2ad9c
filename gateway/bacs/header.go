package bacs

import (
	"time"

	"github.com/ccr-sdk/ccr"
)

// Header holds what a report says of itself, for all kinds. Fields that a
// kind does not have are empty. In AUDACC and AUDREJ reports the literal "0"
// that fills unused fields is read as absent.
type Header struct {
	private
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
	private
	Name    string   `json:"name,omitempty"`    // an organisation
	Address []string `json:"address,omitempty"` // address1 to address5, those that are used
}

// IsZero reports whether no addressee is given.
func (a Addressee) IsZero() bool { return a.Name == "" && len(a.Address) == 0 }

// ProducedAt places the production date and time in a zone. Reports name no
// zone; it is the time of the United Kingdom. It returns false if the date is
// not known; a missing time counts as midnight. Inferred.
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
			rd.attrs(el, field{"name", &h.Addressee.Name})
			if len(h.Addressee.Address) == 0 {
				h.Addressee.Address = rd.lines(el, "address")
			}
		case "ServiceLicenseInformation":
			rd.attrs(el, field{"userName", &h.ServiceUser.Name}, field{"userNumber", &h.ServiceUser.Number})
		case "ServiceUserNumber":
			rd.read(&h.ServiceUser.Number, "", el.Text)
		}
		h.Faults = append(h.Faults, rd.faults...)
	}
	return h
}

func (r *reading) header(h *Header, el Element) {
	r.attrs(el, field{"reportType", &h.ReportType}, field{"report-type", &h.ReportType},
		field{"adviceType", &h.AdviceType}, field{"advice-type", &h.AdviceType},
		field{"reportNumber", &h.Number}, field{"adviceNumber", &h.Number}, field{"document-number", &h.Number},
		field{"user-number", &h.ServiceUser.Number}, field{"user-name", &h.ServiceUser.Name},
		field{"currentProcessingDate", &h.ProcessingDate}, field{"processingDate", &h.ProcessingDate}, field{"report-generation-date", &h.ProducedDate},
		field{"stream-identifier", &h.StreamIdentifier}, field{"envelope-sequence-number", &h.EnvelopeSequence},
		field{"subject-first-aosn", &h.FirstAOSN}, field{"subject-last-aosn", &h.LastAOSN}, field{"reprint-indicator", &h.Reprint})
	r.children(el,
		field{"ProducedOn", func(c Element) {
			r.attrs(c, field{"date", &h.ProducedDate}, field{"time", (*clock)(&h.ProducedTime)})
		}},
		field{"ProcessingDate", func(c Element) { r.attrs(c, field{"date", &h.ProcessingDate}) }})
}
