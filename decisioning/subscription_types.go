package decisioning

import (
	"net/url"

	"github.com/ccr-sdk/ccr"
	"github.com/go-json-experiment/json/jsontext"
)

// Subscription makes Algoan call a URL at events of one name.
type Subscription struct {
	ID        string                    `json:"id,omitzero"`        // 24 hexadecimal digits, as all of Algoan's ids
	EventName EventName                 `json:"eventName,omitzero"` // one for each subscription
	Target    string                    `json:"target,omitzero"`    // your URL
	Status    SubscriptionStatus        `json:"status,omitzero"`    // only an ACTIVE one is called. Inferred.
	Secret    ccr.Secret                `json:"secret,omitzero"`    // keys the signature; printed and marshalled as "[redacted]"
	CreatedAt ccr.DateTime              `json:"createdAt,omitzero"` // perhaps missing
	UpdatedAt ccr.DateTime              `json:"updatedAt,omitzero"` // perhaps missing
	Extra     map[string]jsontext.Value `json:",embed"`             // every other member: see "Unknown members"
}

// EventName is what happened; other values come, and any can be subscribed to.
type EventName string

// Events for clients. Algoan spells out the payload of the first one only:
// customerId and analysisId.
const (
	EventAnalysisCompleted          EventName = "analysis_completed"
	EventAnalysisFailed             EventName = "analysis_failed"
	EventBankDetailsFetched         EventName = "bank_details_fetched"
	EventSessionConnectStateChanged EventName = "session_connect_state_changed"
	EventReportCompleted            EventName = "report_completed"
	EventReportFailed               EventName = "report_failed"
)

// Events for connectors, known from Algoan's published ones.
const (
	EventAggregatorLinkRequired EventName = "aggregator_link_required" // customerId
	EventBankDetailsRequired    EventName = "bank_details_required"    // customerId, analysisId, perhaps temporaryCode
	EventServiceAccountCreated  EventName = "service_account_created"  // serviceAccountId
	EventServiceAccountUpdated  EventName = "service_account_updated"  // serviceAccountId
	EventServiceAccountDeleted  EventName = "service_account_deleted"  // serviceAccountId
)

// SubscriptionStatus of a subscription; other values may come.
type SubscriptionStatus string

const (
	SubscriptionActive   SubscriptionStatus = "ACTIVE"
	SubscriptionInactive SubscriptionStatus = "INACTIVE"
	SubscriptionDisabled SubscriptionStatus = "DISABLE" // without a D
)

// NewSubscription subscribes to one event.
type NewSubscription struct {
	EventName EventName                 `json:"eventName,omitzero"` // one; see the constants
	Target    string                    `json:"target,omitzero"`    // https URL that a [WebhookHandler] serves
	Secret    ccr.Secret                `json:"secret,omitzero"`    // required: without one nothing is signed
	Extra     map[string]jsontext.Value `json:",embed"`             // added to the request; wins over a field of the same name
}

// Validate reports every fault of a request, without sending it.
func (n NewSubscription) Validate() error {
	var f ccr.Faults
	n.check(&f, "")
	return f.Err(service, "CreateSubscription")
}

func (n NewSubscription) check(f *ccr.Faults, path string) {
	required(f, path+"eventName", n.EventName != "")
	u, err := url.Parse(n.Target)
	if err != nil || u.Scheme != "https" || u.Host == "" || u.User != nil {
		f.Add(path+"target", "must be an https URL without user or password")
	}
	if n.Secret.IsZero() {
		f.Add(path+"secret", "is required: events without a signature can be forged")
	}
}

// SubscriptionEvent is one event of a subscription, as Algoan lists it.
type SubscriptionEvent struct {
	ID           string                    `json:"id,omitzero"`           // what [Client.UpdateEvent] takes
	Index        jsontext.Value            `json:"index,omitzero"`        // a number in deliveries, a text in Algoan's list model
	Status       EventStatus               `json:"status,omitzero"`       // as the receiver reported it
	Payload      jsontext.Value            `json:"payload,omitzero"`      // identifiers only
	Subscription *Subscription             `json:"subscription,omitzero"` // perhaps missing
	CreatedAt    ccr.DateTime              `json:"createdAt,omitzero"`    // perhaps missing
	UpdatedAt    ccr.DateTime              `json:"updatedAt,omitzero"`    // perhaps missing
	Extra        map[string]jsontext.Value `json:",embed"`                // every other member: see "Unknown members"
}

// EventStatus is what became of an event; other values may come.
type EventStatus string

const (
	EventInProgress EventStatus = "IN_PROGRESS"
	EventAck        EventStatus = "ACK"
	EventProcessed  EventStatus = "PROCESSED" // handled
	EventFailed     EventStatus = "FAILED"    // of a name that the receiver does not know
	EventError      EventStatus = "ERROR"     // the receiver could not handle it
	EventWarning    EventStatus = "WARNING"
	EventCritical   EventStatus = "CRITICAL"
)
