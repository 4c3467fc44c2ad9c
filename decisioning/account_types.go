package decisioning

import (
	"github.com/ccr-sdk/ccr"
	"github.com/go-json-experiment/json/jsontext"
)

// Account is a bank account: as input of an analysis, with its transactions,
// or as output. What Algoan documents as needed for an analysis is marked.
type Account struct {
	ID             string            `json:"id,omitzero"`             // output; numbers are read, too
	Balance        ccr.Amount        `json:"balance,omitzero"`        // needed; in Currency, at BalanceDate
	BalanceDate    ccr.DateTime      `json:"balanceDate,omitzero"`    // needed; RFC 3339
	Currency       string            `json:"currency,omitzero"`       // needed; ISO 4217
	Type           AccountType       `json:"type,omitzero"`           // needed; one must be CHECKING
	Usage          Usage             `json:"usage,omitzero"`          // needed; the consumer product takes PERSONAL only
	Bank           *Bank             `json:"bank,omitzero"`           // needed: its name
	Owners         []AccountOwner    `json:"owners,omitzero"`         // important
	Ownership      Ownership         `json:"ownership,omitzero"`      // important; newer
	Name           string            `json:"name,omitzero"`           // important
	Number         string            `json:"number,omitzero"`         // important: equal numbers merge accounts
	IBAN           string            `json:"iban,omitzero"`           // important
	BIC            string            `json:"bic,omitzero"`            // of the bank; not needed
	Country        string            `json:"country,omitzero"`        // ISO 3166-1 alpha-2
	Coming         ccr.Amount        `json:"coming,omitzero"`         // pending, not debited yet
	Details        *AccountDetails   `json:"details,omitzero"`        // of savings and loans
	Aggregator     *AggregatorRecord `json:"aggregator,omitzero"`     // the aggregator's own words for it; not needed
	OrganizationID string            `json:"organizationId,omitzero"` // output
	ProjectID      string            `json:"projectId,omitzero"`      // output
	CustomerID     string            `json:"customerId,omitzero"`     // output
	DailyBalances  []DailyBalance    `json:"dailyBalances,omitzero"`  // output
	CreatedAt      ccr.DateTime      `json:"createdAt,omitzero"`      // output
	UpdatedAt      ccr.DateTime      `json:"updatedAt,omitzero"`      // output
	// Transactions: at least 20 on at least one CHECKING account are needed.
	Transactions []Transaction `json:"transactions,omitzero"`
	// Extra holds every other member as it came, and adds members to a
	// request: see "Unknown members" in the package's documentation.
	Extra map[string]jsontext.Value `json:",embed"`
}

// AccountType is the kind of an account; other values may come.
type AccountType string

const (
	AccountChecking   AccountType = "CHECKING"
	AccountSavings    AccountType = "SAVINGS"
	AccountLoan       AccountType = "LOAN"
	AccountCreditCard AccountType = "CREDIT_CARD"
	AccountUnknown    AccountType = "UNKNOWN"
)

// Usage says whom an account serves; other values may come.
type Usage string

const (
	UsagePersonal     Usage = "PERSONAL"
	UsageProfessional Usage = "PROFESSIONAL" // refused by the consumer product
	UsageUnknown      Usage = "UNKNOWN"
)

// Ownership is the customer's part in an account; other values may come.
type Ownership string

const (
	OwnershipHolder   Ownership = "HOLDER"
	OwnershipCoHolder Ownership = "CO_HOLDER" // one page of Algoan's documentation spells it COHOLDER
	OwnershipAttorney Ownership = "ATTORNEY"
	OwnershipOther    Ownership = "OTHER"
)

// Bank is an account's bank.
type Bank struct {
	ID      string                    `json:"id,omitzero"`      // not needed; whose id is not documented
	Name    string                    `json:"name,omitzero"`    // needed: duplicates are found by it
	LogoURL string                    `json:"logoUrl,omitzero"` // for display
	Country string                    `json:"country,omitzero"` // ISO 3166-1 alpha-2, as the account's. Inferred.
	Extra   map[string]jsontext.Value `json:",embed"`           // every other member: see "Unknown members"
}

// AccountOwner is an owner as the bank names them.
type AccountOwner struct {
	Name  string                    `json:"name,omitzero"` // personal data
	Extra map[string]jsontext.Value `json:",embed"`        // every other member: see "Unknown members"
}

// AccountDetails is what only savings or loans have.
type AccountDetails struct {
	Savings *SavingsDetails           `json:"savings,omitzero"` // nil but for a SAVINGS account
	Loan    *LoanDetails              `json:"loan,omitzero"`    // nil but for a LOAN account
	Extra   map[string]jsontext.Value `json:",embed"`           // every other member: see "Unknown members"
}

// SavingsDetails describes a savings account.
type SavingsDetails struct {
	Type          SavingsType               `json:"type,omitzero"`          // how long the money is bound
	OpenedAt      ccr.DateTime              `json:"openedAt,omitzero"`      // of the account
	MaximumAmount ccr.Amount                `json:"maximumAmount,omitzero"` // that may be saved, in the account's currency
	InterestRate  *float64                  `json:"interestRate,omitzero"`  // a fraction: 0.03 is 3 %
	Extra         map[string]jsontext.Value `json:",embed"`                 // every other member: see "Unknown members"
}

// SavingsType says how long savings are bound; other values may come.
type SavingsType string

const (
	SavingsShortTerm SavingsType = "SHORT_TERM"
	SavingsLongTerm  SavingsType = "LONG_TERM"
	SavingsUnknown   SavingsType = "UNKNOWN"
)

// LoanDetails describes a loan.
type LoanDetails struct {
	Type             LoanType                  `json:"type,omitzero"`             // what the loan is for
	Amount           ccr.Amount                `json:"amount,omitzero"`           // borrowed, in the account's currency, like the others here
	StartDate        ccr.DateTime              `json:"startDate,omitzero"`        // first day of it
	EndDate          ccr.DateTime              `json:"endDate,omitzero"`          // last day of it
	Duration         *int                      `json:"duration,omitzero"`         // months
	InsuranceLabel   string                    `json:"insuranceLabel,omitzero"`   // as the bank names the insurance
	Payment          ccr.Amount                `json:"payment,omitzero"`          // monthly
	RemainingCapital ccr.Amount                `json:"remainingCapital,omitzero"` // still to be paid back
	InterestRate     *float64                  `json:"interestRate,omitzero"`     // a fraction: 0.1456 is 14.56 %
	Extra            map[string]jsontext.Value `json:",embed"`                    // every other member: see "Unknown members"
}

// LoanType is the kind of a loan; other values may come.
type LoanType string

const (
	LoanRevolving LoanType = "REVOLVING"
	LoanPersonal  LoanType = "PERSONAL"
	LoanMortgage  LoanType = "MORTGAGE"
	LoanOther     LoanType = "OTHER"
)

// AggregatorRecord is what an aggregator calls an account or a transaction.
type AggregatorRecord struct {
	ID       string                    `json:"id,omitzero"`       // the aggregator's
	Type     string                    `json:"type,omitzero"`     // in the aggregator's words
	Category string                    `json:"category,omitzero"` // in the aggregator's words
	Extra    map[string]jsontext.Value `json:",embed"`            // every other member: see "Unknown members"
}

// DailyBalance is the balance at the end of a day.
type DailyBalance struct {
	Date    ccr.DateTime              `json:"date,omitzero"`    // may be a bare day: see [ccr.DateTime.String]
	Balance ccr.Amount                `json:"balance,omitzero"` // in the account's currency
	Extra   map[string]jsontext.Value `json:",embed"`           // every other member: see "Unknown members"
}
