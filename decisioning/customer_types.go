package decisioning

import (
	"github.com/ccr-sdk/ccr"
	"github.com/go-json-experiment/json/jsontext"
)

// Customer is a person (or a business) that analyses are made of. It is unique
// per organization, project and CustomIdentifier.
type Customer struct {
	ID                 string              `json:"id,omitzero"`                 // 24 hexadecimal digits, as all of Algoan's ids
	CustomIdentifier   string              `json:"customIdentifier,omitzero"`   // yours
	AggregationDetails *AggregationDetails `json:"aggregationDetails,omitzero"` // may be missing in answers
	PersonalDetails    *PersonalDetails    `json:"personalDetails,omitzero"`    // what is known of the person
	OrganizationID     string              `json:"organizationId,omitzero"`     // yours at Algoan
	ProjectID          string              `json:"projectId,omitzero"`          // the one that the credential is of
	UserID             string              `json:"userId,omitzero"`             // subject of the token that created it
	UserJourneyState   UserJourneyState    `json:"userJourneyState,omitzero"`   // newer; Transaction Data projects
	IsArchived         *bool               `json:"isArchived,omitzero"`         // nil if Algoan does not say
	Owner              *Tenant             `json:"owner,omitzero"`              // the original one, if it was shared
	Shares             []Share             `json:"shares,omitzero"`             // with whom, and since when
	Storage            *Storage            `json:"storage,omitzero"`            // how long data is kept
	CreatedAt          ccr.DateTime        `json:"createdAt,omitzero"`          // Inferred.
	UpdatedAt          ccr.DateTime        `json:"updatedAt,omitzero"`          // Inferred.
	// Extra holds every other member as it came: see "Unknown members" in
	// the package's documentation.
	Extra map[string]jsontext.Value `json:",embed"`
}

// NewCustomer is what a customer is created from. Only CustomIdentifier is
// needed; it is the only member that Algoan's quick start sends.
type NewCustomer struct {
	CustomIdentifier   string                    `json:"customIdentifier,omitzero"`   // yours; unique in the project, else 422
	AggregationDetails *AggregationDetails       `json:"aggregationDetails,omitzero"` // nil: not sent
	PersonalDetails    *PersonalDetails          `json:"personalDetails,omitzero"`    // nil: not sent
	Extra              map[string]jsontext.Value `json:",embed"`                      // added to the request; wins over a field of the same name
}

// CustomerUpdate is a partial change: unset members stay as they are. Inferred.
type CustomerUpdate struct {
	AggregationDetails *AggregationDetails       `json:"aggregationDetails,omitzero"` // as in Algoan's own example
	PersonalDetails    *PersonalDetails          `json:"personalDetails,omitzero"`    // Algoan's own example patches only aggregationDetails. Inferred.
	Extra              map[string]jsontext.Value `json:",embed"`                      // added to the request; wins over a field of the same name
}

// AggregationDetails says how a customer's bank is reached by an aggregator.
type AggregationDetails struct {
	UserID         string                    `json:"userId,omitzero"`         // of the user, at the aggregator. Inferred.
	AggregatorName AggregatorName            `json:"aggregatorName,omitzero"` // who fetches the data
	CallbackURL    string                    `json:"callbackUrl,omitzero"`    // yours: where the user goes afterwards. Inferred.
	Token          ccr.Secret                `json:"token,omitzero"`          // printed and marshalled as "[redacted]"; sent in full
	Mode           AggregationMode           `json:"mode,omitzero"`           // says which of the URLs is used
	RedirectURL    string                    `json:"redirectUrl,omitzero"`    // where to send the user, in mode REDIRECT
	APIURL         string                    `json:"apiUrl,omitzero"`         // what to call, in mode API
	IframeURL      string                    `json:"iframeUrl,omitzero"`      // what to embed, in that mode
	ClientID       string                    `json:"clientId,omitzero"`       // yours, at the aggregator. Inferred.
	Extra          map[string]jsontext.Value `json:",embed"`                  // every other member: see "Unknown members"
}

// AggregatorName is who fetches the bank data; other values may come.
type AggregatorName string

const (
	AggregatorBudgetInsight AggregatorName = "BUDGET_INSIGHT" // now Powens
	AggregatorBridge        AggregatorName = "BRIDGE"
	AggregatorTink          AggregatorName = "TINK"
	AggregatorLinxoConnect  AggregatorName = "LINXO_CONNECT"
	AggregatorOther         AggregatorName = "OTHER"
)

// AggregationMode is how the user meets the aggregator; other values may come.
type AggregationMode string

const (
	ModeRedirect AggregationMode = "REDIRECT"
	ModeAPI      AggregationMode = "API"
	ModeIframe   AggregationMode = "IFRAME"
)

// PersonalDetails is what is known of a person.
type PersonalDetails struct {
	// Each is optional; nil is not sent.
	Identity  *Identity                 `json:"identity,omitzero"`
	Contact   *Contact                  `json:"contact,omitzero"`
	Household *Household                `json:"household,omitzero"`
	Extra     map[string]jsontext.Value `json:",embed"` // every other member: see "Unknown members"
}

// Identity is who a person is.
type Identity struct {
	Nationality string `json:"nationality,omitzero"` // ISO 3166-1 alpha-2
	// The rest is text as the person gives it, and not checked.
	FirstName    string                    `json:"firstName,omitzero"`
	LastName     string                    `json:"lastName,omitzero"`
	BirthName    string                    `json:"birthName,omitzero"`
	BirthDate    ccr.DateTime              `json:"birthDate,omitzero"` // a date-time, in Algoan's examples
	BirthCity    string                    `json:"birthCity,omitzero"`
	BirthZipCode string                    `json:"birthZipCode,omitzero"`
	BirthCountry string                    `json:"birthCountry,omitzero"`
	Extra        map[string]jsontext.Value `json:",embed"` // every other member: see "Unknown members"
}

// Contact is where a person is reached.
type Contact struct {
	Email       string `json:"email,omitzero"`       // not checked
	PhoneNumber string `json:"phoneNumber,omitzero"` // E.164
	// The address is text as the person gives it, and not checked.
	Street                string                    `json:"street,omitzero"`
	AdditionalInformation string                    `json:"additionalInformation,omitzero"`
	City                  string                    `json:"city,omitzero"`
	ZipCode               string                    `json:"zipCode,omitzero"` // a number is read, too; a text is sent
	Country               string                    `json:"country,omitzero"`
	Extra                 map[string]jsontext.Value `json:",embed"` // every other member: see "Unknown members"
}

// Household is who a person lives with.
type Household struct {
	MaritalStatus             MaritalStatus             `json:"maritalStatus,omitzero"`             // see the constants
	NumberOfDependentChildren *int                      `json:"numberOfDependentChildren,omitzero"` // nil: not known; 0 is none
	NumberOfOtherDependents   *int                      `json:"numberOfOtherDependents,omitzero"`   // nil: not known; 0 is none
	Extra                     map[string]jsontext.Value `json:",embed"`                             // every other member: see "Unknown members"
}

// MaritalStatus of a person; other values may come.
type MaritalStatus string

const (
	Cohabiting       MaritalStatus = "COHABITING"
	Divorced         MaritalStatus = "DIVORCED"
	Married          MaritalStatus = "MARRIED"
	Separated        MaritalStatus = "SEPARATED"
	Single           MaritalStatus = "SINGLE"
	Widowed          MaritalStatus = "WIDOWED"
	CivilPartnership MaritalStatus = "CIVIL_PARTNERSHIP"
)

// UserJourneyState is how far a user came in Algoan's own open-banking
// journey; other values come.
type UserJourneyState string

const (
	JourneyCustomerCreated     UserJourneyState = "CUSTOMER_CREATED"
	JourneyStarted             UserJourneyState = "STARTED"
	JourneyBankSelected        UserJourneyState = "BANK_SELECTED"
	JourneyQRCodeScanned       UserJourneyState = "QR_CODE_SCANNED"
	JourneyAggregationStarted  UserJourneyState = "AGGREGATION_STARTED"
	JourneyAggregationFinished UserJourneyState = "AGGREGATION_FINISHED_SUCCESS"
	JourneyAggregationFailed   UserJourneyState = "AGGREGATION_FINISHED_ERROR"
	JourneyFinished            UserJourneyState = "FINISHED_SUCCESS"
)

// Tenant is an organization's project.
type Tenant struct {
	// Ids of Algoan's, of 24 hexadecimal digits.
	OrganizationID string                    `json:"organizationId,omitzero"`
	ProjectID      string                    `json:"projectId,omitzero"`
	Extra          map[string]jsontext.Value `json:",embed"` // every other member: see "Unknown members"
}

// Share is another tenant that a customer was shared with.
type Share struct {
	// Whom it is shared with.
	OrganizationID string                    `json:"organizationId,omitzero"`
	ProjectID      string                    `json:"projectId,omitzero"`
	SharedAt       ccr.DateTime              `json:"sharedAt,omitzero"` // since when
	Extra          map[string]jsontext.Value `json:",embed"`            // every other member: see "Unknown members"
}

// Storage says when Algoan deletes a customer's data.
type Storage struct {
	Type      StorageType               `json:"type,omitzero"`      // what happens when the time is over
	ExpiresAt ccr.DateTime              `json:"expiresAt,omitzero"` // unset: not limited. Inferred.
	Extra     map[string]jsontext.Value `json:",embed"`             // every other member: see "Unknown members"
}

// StorageType is what happens at the end of storage; other values may come.
type StorageType string

const (
	StorageDeletion        StorageType = "DELETION"
	StoragePartialDeletion StorageType = "PARTIAL_DELETION"
	StorageDemo            StorageType = "DEMO"
)
