package decisioning

import (
	"github.com/ccr-sdk/ccr"
	"github.com/go-json-experiment/json/jsontext"
)

// Analysis is one evaluation of a customer's accounts.
type Analysis struct {
	ID             string              `json:"id,omitzero"`             // 24 hexadecimal digits, as all of Algoan's ids
	OrganizationID string              `json:"organizationId,omitzero"` // yours at Algoan
	ProjectID      string              `json:"projectId,omitzero"`      // the one that the credential is of
	CustomerID     string              `json:"customerId,omitzero"`     // whose accounts they are
	Name           string              `json:"name,omitzero"`           // optional; who gives it is not documented
	UserID         string              `json:"userId,omitzero"`         // optional; subject of a token. Inferred.
	Status         AnalysisStatus      `json:"status,omitzero"`         // COMPLETED and ERROR are its ends
	Source         AnalysisSource      `json:"source,omitzero"`         // what started it
	DataOrigin     DataOrigin          `json:"dataOrigin,omitzero"`     // as it was given
	Parameters     *AnalysisParameters `json:"parameters,omitzero"`     // as they were given
	Metadata       *AnalysisMetadata   `json:"metadata,omitzero"`       // of the data it had
	Scores         *Scores             `json:"scores,omitzero"`         // nil until COMPLETED
	CreditInsights *CreditInsights     `json:"creditInsights,omitzero"` // nil until COMPLETED
	Error          *Failure            `json:"error,omitzero"`          // set on ERROR
	Accounts       []Account           `json:"accounts,omitzero"`       // perhaps; may be large
	CreatedAt      ccr.DateTime        `json:"createdAt,omitzero"`      // by Algoan's clock
	UpdatedAt      ccr.DateTime        `json:"updatedAt,omitzero"`      // by Algoan's clock
	// Extra holds every other member as it came: see "Unknown members" in
	// the package's documentation.
	Extra map[string]jsontext.Value `json:",embed"`
}

// AnalysisStatus is how far an analysis is. COMPLETED and ERROR are its ends;
// other values may come.
type AnalysisStatus string

const (
	StatusCreated    AnalysisStatus = "CREATED" // waits for data, or to be started
	StatusInProgress AnalysisStatus = "IN_PROGRESS"
	StatusCompleted  AnalysisStatus = "COMPLETED"
	StatusError      AnalysisStatus = "ERROR"
)

// AnalysisSource is what started an analysis; other values may come.
type AnalysisSource string

const (
	SourceInternal       AnalysisSource = "INTERNAL"
	SourceClient         AnalysisSource = "CLIENT"
	SourceCashFlowUpdate AnalysisSource = "CASH_FLOW_UPDATE"
	SourceManualRefresh  AnalysisSource = "MANUAL_REFRESH"
)

// DataOrigin is where account data came from; other values may come.
type DataOrigin string

const (
	OriginOpenBanking DataOrigin = "OPEN_BANKING"
	OriginPDF         DataOrigin = "PDF"
	OriginUnknown     DataOrigin = "UNKNOWN"
)

// Format names an aggregator's own format; other values may come.
type Format string

const (
	FormatBudgetInsightV2 Format = "BUDGET_INSIGHT_V2_0"                 // Powens; under connections
	FormatLinxoDirectV3   Format = "LINXO_CONNECT_DIRECT_ACCOUNT_API_V3" // under connections
	FormatLinxoAccountV2  Format = "LINXO_CONNECT_ACCOUNT_API_V2"        // under connections
	FormatTinkV2          Format = "TINK_V2"                             // under accounts
)

// AnalysisParameters switches results off.
type AnalysisParameters struct {
	DisableScores         *bool                     `json:"disableScores,omitzero"`         // true: no scores
	DisableCreditInsights *bool                     `json:"disableCreditInsights,omitzero"` // true: no credit insights
	Extra                 map[string]jsontext.Value `json:",embed"`                         // every other member: see "Unknown members"
}

// AnalysisMetadata describes the data that an analysis had.
type AnalysisMetadata struct {
	LastTransactionGap      *int                      `json:"lastTransactionGap,omitzero"`      // days
	HistoricalDepth         *int                      `json:"historicalDepth,omitzero"`         // days
	MonthlyTransactionCount *float64                  `json:"monthlyTransactionCount,omitzero"` // a mean. Inferred.
	NumberOfCheckings       *int                      `json:"numberOfCheckings,omitzero"`       // CHECKING accounts
	NumberOfSavings         *int                      `json:"numberOfSavings,omitzero"`         // SAVINGS accounts
	NumberOfLoans           *int                      `json:"numberOfLoans,omitzero"`           // LOAN accounts
	FirstTransactionDate    ccr.DateTime              `json:"firstTransactionDate,omitzero"`    // of the oldest one
	Calendar                []MonthDays               `json:"calendar,omitzero"`                // one for each month with data
	TotalTransactionCount   *int                      `json:"totalTransactionCount,omitzero"`   // of all accounts
	Extra                   map[string]jsontext.Value `json:",embed"`                           // every other member: see "Unknown members"
}

// MonthDays is how many days of a month the data covers.
type MonthDays struct {
	Month string                    `json:"month,omitzero"`  // YYYY-MM
	Days  int                       `json:"nbDays,omitzero"` // with data. Inferred.
	Extra map[string]jsontext.Value `json:",embed"`          // every other member: see "Unknown members"
}

// Failure is why an analysis ended in ERROR.
type Failure struct {
	// Code is open: Algoan's connectors write UNKNOWN_ENTITY, UNAUTHORIZED,
	// ALREADY_EXISTS, BAD_REQUEST and INTERNAL_ERROR; what the engine writes
	// is not published.
	Code    string                    `json:"code,omitzero"`
	Message string                    `json:"message,omitzero"` // may hold personal data
	Extra   map[string]jsontext.Value `json:",embed"`           // every other member: see "Unknown members"
}

// AnalysisUpdate changes an analysis: data for one that was created empty, or
// a failure to report.
type AnalysisUpdate struct {
	Accounts    []Account        `json:"accounts,omitzero"`    // in Algoan's own format
	RawAccounts []jsontext.Value `json:"-"`                    // instead of Accounts, with FormatTinkV2
	Format      Format           `json:"format,omitzero"`      // of RawAccounts or Connections; "": Algoan's own
	Connections []jsontext.Value `json:"connections,omitzero"` // with the Powens and Linxo formats
	// AccountOwnerships is what the Powens connector adds; its shape is the
	// aggregator's.
	AccountOwnerships []jsontext.Value          `json:"accountOwnerships,omitzero"`
	Status            AnalysisStatus            `json:"status,omitzero"` // StatusError, with Error
	Error             *Failure                  `json:"error,omitzero"`  // why there is no data
	Skip              []Precondition            `json:"-"`               // preconditions not to check; they concern Accounts only
	Extra             map[string]jsontext.Value `json:",embed"`          // added to the request; wins over a field of the same name
}

// MarshalJSONTo writes the fields that are set and Extra; RawAccounts are the
// member accounts.
func (u *AnalysisUpdate) MarshalJSONTo(e *jsontext.Encoder) error {
	type bare AnalysisUpdate
	b := bare(*u)
	if b.RawAccounts != nil {
		b.Extra = withAccounts(b.Extra, b.RawAccounts)
	}
	return encodeObject(e, &b, b.Extra)
}
