package accounts

import (
	"bytes"
	"encoding/json"
	"errors"
	"strconv"
	"strings"
	"time"

	"github.com/ccr-sdk/ccr"
)

// EventType is the kind of an activity that Credit Clear tells of ("Activity
// event types"). The vendor's list breaks off, so newer ones come as they are.
type EventType string

// The events that are documented. PaymentPlanCancelled, PaymentPlanComplete,
// AdhocPaymentMade and PaymentFailed have metadata.
const (
	EventPaymentPlanStarted        EventType = "PaymentPlanStarted"
	EventPaymentPlanCancelled      EventType = "PaymentPlanCancelled"
	EventPaymentPlanPaymentDue     EventType = "PaymentPlanPaymentDue"
	EventPaymentPlanPaymentRetry   EventType = "PaymentPlanPaymentRetry"
	EventPaymentPlanPaymentFailed  EventType = "PaymentPlanPaymentFailed" // only in the older list
	EventPaymentPlanPaymentSuccess EventType = "PaymentPlanPaymentSuccess"
	EventPaymentPlanComplete       EventType = "PaymentPlanComplete"
	EventRequestCallBackViewed     EventType = "RequestCallBackViewed"
	EventPaymentPlanViewed         EventType = "PaymentPlanViewed"
	EventPayNowViewed              EventType = "PayNowViewed"
	EventRequestCallBackSent       EventType = "RequestCallBackSent"
	EventAdhocPaymentMade          EventType = "AdhocPaymentMade"
	EventPaymentFailed             EventType = "PaymentFailed"
)

// Known reports whether the event is one of the documented ones.
func (t EventType) Known() bool {
	switch t {
	case EventPaymentPlanStarted, EventPaymentPlanCancelled, EventPaymentPlanPaymentDue, EventPaymentPlanPaymentRetry,
		EventPaymentPlanPaymentFailed, EventPaymentPlanPaymentSuccess, EventPaymentPlanComplete, EventRequestCallBackViewed,
		EventPaymentPlanViewed, EventPayNowViewed, EventRequestCallBackSent, EventAdhocPaymentMade, EventPaymentFailed:
		return true
	}
	return false
}

// Event is one activity that Credit Clear told of. Which invoice it is about
// is somewhere in Raw: the members of the body beside EventType and Metadata
// are not documented.
type Event struct {
	// Type is empty if the body has none; it is delivered all the same.
	Type EventType
	// Data is the metadata of a known event: a [PaymentPlanCancelledData],
	// [PaymentPlanCompleteData], [AdhocPaymentMadeData] or [PaymentFailedData];
	// nil for the others.
	Data any
	// Metadata is the member as it came: whether it is an object, a list or
	// JSON in a string is not documented. Nil if there is none.
	Metadata json.RawMessage
	// Raw is the whole body. It may hold personal data.
	Raw json.RawMessage
	// ReceivedAt is when the body had arrived.
	ReceivedAt time.Time
}

// PaymentPlanCancelledData is the metadata of [EventPaymentPlanCancelled].
type PaymentPlanCancelledData struct {
	CancelledDate    ccr.DateTime // in UTC
	PaymentFrequency Frequency    // Weekly, Fortnightly, Monthly or, only here, Daily
	RecurringAmount  ccr.Amount   // of each instalment, in major units (59.0)
}

// PaymentPlanCompleteData is the metadata of [EventPaymentPlanComplete].
type PaymentPlanCompleteData struct {
	EndDate            ccr.DateTime // in UTC
	RecurringPaymentID string       // a GUID
}

// AdhocPaymentMadeData is the metadata of [EventAdhocPaymentMade].
type AdhocPaymentMadeData struct {
	TransactionID  string     // of the payment; its format is not documented
	Amount         ccr.Amount // in major units (1235.0)
	PaymentType    string     // FatZebraCreditCard, …
	IsAdhocPayment *bool      // nil if the event does not say
}

// PaymentFailedData is the metadata of [EventPaymentFailed], as far as the
// vendor's list shows it.
type PaymentFailedData struct {
	TransactionID            string       // of the attempt; its format is not documented
	Amount                   ccr.Amount   // in major units
	PaymentType              string       // as in [AdhocPaymentMadeData]
	TransactionCorrelationID string       // a GUID
	ProcessedOnUTC           ccr.DateTime // seven digits of a second
	// IsAdhocPayment: true for a single payment, false for one of a plan.
	IsAdhocPayment *bool
	// The failures since the last success, each retry counted.
	AdhocPaymentFailedSinceLastSuccess    *int
	NonAdhocPaymentFailedSinceLastSuccess *int
}

// errEventBody never quotes the body.
var errEventBody = errors.New("accounts: the body is not JSON")

// ParseEvent reads the body of a webhook. Names are matched without case;
// metadata of an unexpected shape leaves its fields unset. The only error is
// a body that is not JSON.
func ParseEvent(body []byte) (Event, error) {
	if !json.Valid(body) {
		return Event{}, errEventBody
	}
	e := Event{Raw: bytes.Clone(body)}
	m := fold(body)
	e.Type = EventType(word(first(m, []string{"eventtype", "event", "type"})))
	e.Metadata = first(m, []string{"metadata", "data"})
	meta := metadata{readMetadata(e.Metadata)}
	switch e.Type {
	case EventPaymentPlanCancelled:
		e.Data = PaymentPlanCancelledData{meta.dateTime("cancelleddate"), Frequency(meta.text("paymentfrequency")), meta.amount("recurringamount")}
	case EventPaymentPlanComplete:
		e.Data = PaymentPlanCompleteData{meta.dateTime("enddate"), meta.text("recurringpaymentid")}
	case EventAdhocPaymentMade:
		e.Data = AdhocPaymentMadeData{meta.text("transactionid"), meta.amount("amount"), meta.text("paymenttype"), meta.flag("isadhocpayment")}
	case EventPaymentFailed:
		e.Data = PaymentFailedData{
			TransactionID: meta.text("transactionid"), Amount: meta.amount("amount"), PaymentType: meta.text("paymenttype"),
			TransactionCorrelationID: meta.text("transactioncorrelationid"), ProcessedOnUTC: meta.dateTime("processedonutc"),
			IsAdhocPayment:                        meta.flag("isadhocpayment"),
			AdhocPaymentFailedSinceLastSuccess:    meta.count("adhocpaymentfailedsincelastsuccess"),
			NonAdhocPaymentFailedSinceLastSuccess: meta.count("nonadhocpaymentfailedsincelastsuccess"),
		}
	}
	return e, nil
}

// readMetadata reads an object, JSON in a string, or a list of pairs.
func readMetadata(raw json.RawMessage) map[string]json.RawMessage {
	var text string
	if len(raw) > 0 && raw[0] == '"' && json.Unmarshal(raw, &text) == nil {
		raw = json.RawMessage(text)
	}
	if m := fold(raw); m != nil {
		return m
	}
	var list []json.RawMessage
	if json.Unmarshal(raw, &list) != nil {
		return nil
	}
	out := map[string]json.RawMessage{}
	for _, r := range list {
		pair := fold(r)
		name := word(first(pair, []string{"key", "name"}))
		if v := first(pair, []string{"value"}); name != "" && v != nil {
			out[foldName(name)] = v
			continue
		}
		for name, v := range pair { // a list of objects with a member or more each
			out[name] = v
		}
	}
	return out
}

// metadata reads values leniently: a number may be a text and the other way
// round, and what cannot be read is unset.
type metadata struct{ m map[string]json.RawMessage }

func (m metadata) text(name string) string { return word(m.m[name]) }

func (m metadata) amount(name string) (a ccr.Amount) {
	if a.UnmarshalJSON(m.m[name]) != nil {
		return ccr.Amount{}
	}
	return a
}

func (m metadata) dateTime(name string) (d ccr.DateTime) {
	d.UnmarshalText([]byte(word(m.m[name]))) //nolint:errcheck // keeps any text
	return d
}

func (m metadata) flag(name string) *bool {
	switch strings.ToLower(strings.Trim(string(m.m[name]), `"`)) {
	case "true":
		return new(true)
	case "false":
		return new(false)
	}
	return nil
}

func (m metadata) count(name string) *int {
	n, err := strconv.Atoi(strings.Trim(string(m.m[name]), `"`))
	if err != nil {
		return nil
	}
	return &n
}
