package decisioning

import "github.com/ccr-sdk/ccr"

// Customer is a person (or a business) that analyses are made of. It is unique
// per organization, project and CustomIdentifier.
type Customer struct {
	ID                 string              `json:"id,omitzero"`
	CustomIdentifier   string              `json:"customIdentifier,omitzero"` // yours
	AggregationDetails *AggregationDetails `json:"aggregationDetails,omitzero"`
	PersonalDetails    *PersonalDetails    `json:"personalDetails,omitzero"`
	OrganizationID     string              `json:"organizationId,omitzero"`
	ProjectID          string              `json:"projectId,omitzero"`
	UserID             string              `json:"userId,omitzero"`           // subject of the token that created it
	UserJourneyState   UserJourneyState    `json:"userJourneyState,omitzero"` // newer; Transaction Data projects
	IsArchived         *bool               `json:"isArchived,omitzero"`
	Owner              *Tenant             `json:"owner,omitzero"` // the original one, if it was shared
	Shares             []Share             `json:"shares,omitzero"`
	Storage            *Storage            `json:"storage,omitzero"`
	CreatedAt          ccr.DateTime        `json:"createdAt,omitzero"` // inferred
	UpdatedAt          ccr.DateTime        `json:"updatedAt,omitzero"` // inferred
	// Extra holds every other member as it came: see "Unknown members" in
	// the package's documentation.
	Extra map[string]any `json:"-"`
}

// NewCustomer is what a customer is created from. Only CustomIdentifier is
// needed; it is the only member that Algoan's quick start sends.
type NewCustomer struct {
	CustomIdentifier   string              `json:"customIdentifier,omitzero"`
	AggregationDetails *AggregationDetails `json:"aggregationDetails,omitzero"`
	PersonalDetails    *PersonalDetails    `json:"personalDetails,omitzero"`
	Extra              map[string]any      `json:"-"` // added to the request; wins over a field of the same name
}

// CustomerUpdate is a partial change: unset members stay as they are.
type CustomerUpdate struct {
	AggregationDetails *AggregationDetails `json:"aggregationDetails,omitzero"`
	PersonalDetails    *PersonalDetails    `json:"personalDetails,omitzero"` // inferred: Algoan's own example patches only aggregationDetails
	Extra              map[string]any      `json:"-"`                        // added to the request; wins over a field of the same name
}

// AggregationDetails says how a customer's bank is reached by an aggregator.
type AggregationDetails struct {
	UserID         string          `json:"userId,omitzero"`
	AggregatorName AggregatorName  `json:"aggregatorName,omitzero"`
	CallbackURL    string          `json:"callbackUrl,omitzero"`
	Token          ccr.Secret      `json:"token,omitzero"` // printed and marshalled as "[redacted]"; sent in full
	Mode           AggregationMode `json:"mode,omitzero"`
	RedirectURL    string          `json:"redirectUrl,omitzero"`
	APIURL         string          `json:"apiUrl,omitzero"`
	IframeURL      string          `json:"iframeUrl,omitzero"`
	ClientID       string          `json:"clientId,omitzero"`
	Extra          map[string]any  `json:"-"`
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
	Identity  *Identity      `json:"identity,omitzero"`
	Contact   *Contact       `json:"contact,omitzero"`
	Household *Household     `json:"household,omitzero"`
	Extra     map[string]any `json:"-"`
}

// Identity is who a person is.
type Identity struct {
	Nationality  string         `json:"nationality,omitzero"` // ISO 3166-1 alpha-2
	FirstName    string         `json:"firstName,omitzero"`
	LastName     string         `json:"lastName,omitzero"`
	BirthName    string         `json:"birthName,omitzero"`
	BirthDate    ccr.DateTime   `json:"birthDate,omitzero"` // a date-time, in Algoan's examples
	BirthCity    string         `json:"birthCity,omitzero"`
	BirthZipCode string         `json:"birthZipCode,omitzero"`
	BirthCountry string         `json:"birthCountry,omitzero"`
	Extra        map[string]any `json:"-"`
}

// Contact is where a person is reached.
type Contact struct {
	Email                 string         `json:"email,omitzero"`
	PhoneNumber           string         `json:"phoneNumber,omitzero"` // E.164
	Street                string         `json:"street,omitzero"`
	AdditionalInformation string         `json:"additionalInformation,omitzero"`
	City                  string         `json:"city,omitzero"`
	ZipCode               string         `json:"zipCode,omitzero"` // a number is read, too; a text is sent
	Country               string         `json:"country,omitzero"`
	Extra                 map[string]any `json:"-"`
}

// Household is who a person lives with.
type Household struct {
	MaritalStatus             MaritalStatus  `json:"maritalStatus,omitzero"`
	NumberOfDependentChildren *int           `json:"numberOfDependentChildren,omitzero"`
	NumberOfOtherDependents   *int           `json:"numberOfOtherDependents,omitzero"`
	Extra                     map[string]any `json:"-"`
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
	OrganizationID string         `json:"organizationId,omitzero"`
	ProjectID      string         `json:"projectId,omitzero"`
	Extra          map[string]any `json:"-"`
}

// Share is another tenant that a customer was shared with.
type Share struct {
	OrganizationID string         `json:"organizationId,omitzero"`
	ProjectID      string         `json:"projectId,omitzero"`
	SharedAt       ccr.DateTime   `json:"sharedAt,omitzero"`
	Extra          map[string]any `json:"-"`
}

// Storage says when Algoan deletes a customer's data.
type Storage struct {
	Type      StorageType    `json:"type,omitzero"`
	ExpiresAt ccr.DateTime   `json:"expiresAt,omitzero"`
	Extra     map[string]any `json:"-"`
}

// StorageType is what happens at the end of storage; other values may come.
type StorageType string

const (
	StorageDeletion        StorageType = "DELETION"
	StoragePartialDeletion StorageType = "PARTIAL_DELETION"
	StorageDemo            StorageType = "DEMO"
)
