package decisioning

import (
	"github.com/ccr-sdk/ccr"
	"github.com/go-json-experiment/json/jsontext"
)

// Transaction is one movement on an account, as input or as output.
type Transaction struct {
	ID          string            `json:"id,omitzero"`          // output
	AccountID   string            `json:"accountId,omitzero"`   // output
	AccountType AccountType       `json:"accountType,omitzero"` // output
	Amount      ccr.Amount        `json:"amount,omitzero"`      // needed; negative is a debit
	Currency    string            `json:"currency,omitzero"`    // needed; ISO 4217
	Description string            `json:"description,omitzero"` // needed; the bank's raw label
	Dates       TransactionDates  `json:"dates,omitzero"`       // needed: at least one
	IsComing    *bool             `json:"isComing,omitzero"`    // announced, not booked yet
	Aggregator  *AggregatorRecord `json:"aggregator,omitzero"`  // the aggregator's own words for it; not needed
	Comment     string            `json:"comment,omitzero"`     // output
	Enrichments *Enrichments      `json:"enrichments,omitzero"` // output
	CreatedAt   ccr.DateTime      `json:"createdAt,omitzero"`   // output
	UpdatedAt   ccr.DateTime      `json:"updatedAt,omitzero"`   // output
	// Extra holds every other member as it came, and adds members to a
	// request: see "Unknown members" in the package's documentation.
	Extra map[string]jsontext.Value `json:",embed"`
}

// TransactionDates are the days of a transaction.
type TransactionDates struct {
	DebitedAt ccr.DateTime              `json:"debitedAt,omitzero"` // value date. Inferred.
	BookedAt  ccr.DateTime              `json:"bookedAt,omitzero"`  // the day of the entry. Inferred.
	Extra     map[string]jsontext.Value `json:",embed"`             // every other member: see "Unknown members"
}

// Enrichments is what Algoan found out about a transaction.
type Enrichments struct {
	Category   Category        `json:"category,omitzero"`   // what for; the taxonomy depends on project and market
	Type       TransactionType `json:"type,omitzero"`       // how the money moved
	IsRejected *bool           `json:"isRejected,omitzero"` // nil if Algoan does not say
	// RelatedTransactions is newer than CounterPartID. Algoan shows only an
	// empty object; its members are not documented.
	RelatedTransactions     jsontext.Value            `json:"relatedTransactions,omitzero"`
	CounterPartID           string                    `json:"counterPartId,omitzero"`           // older
	GroupID                 string                    `json:"groupId,omitzero"`                 // of transactions that belong together
	DescriptionGroupID      string                    `json:"descriptionGroupId,omitzero"`      // of transactions with like descriptions. Inferred.
	IsInternationalTransfer *bool                     `json:"isInternationalTransfer,omitzero"` // newer
	Periodicity             Periodicity               `json:"periodicity,omitzero"`             // named in prose only. Inferred.
	Extra                   map[string]jsontext.Value `json:",embed"`                           // every other member: see "Unknown members"
}

// TransactionType is how money moved; other values may come.
type TransactionType string

const (
	TypeCashDeposit              TransactionType = "CASH_DEPOSIT"
	TypeCashWithdrawal           TransactionType = "CASH_WITHDRAWAL"
	TypeCheckDeposit             TransactionType = "CHECK_DEPOSIT"
	TypeCheck                    TransactionType = "CHECK"
	TypeIncomingTransfer         TransactionType = "INCOMING_TRANSFER"
	TypeIncomingInternalTransfer TransactionType = "INCOMING_INTERNAL_TRANSFER"
	TypeOutgoingTransfer         TransactionType = "OUTGOING_TRANSFER"
	TypeOutgoingInternalTransfer TransactionType = "OUTGOING_INTERNAL_TRANSFER"
	TypeCard                     TransactionType = "CARD"
	TypeCardRefund               TransactionType = "CARD_REFUND"
	TypeDirectDebit              TransactionType = "DIRECT_DEBIT"
	TypeIncomingCard             TransactionType = "INCOMING_CARD"
	TypeCredit                   TransactionType = "CREDIT"
	TypeDebit                    TransactionType = "DEBIT"
)

// Periodicity is how often something comes back; other values may come.
type Periodicity string

const (
	Daily            Periodicity = "DAILY"
	Weekly           Periodicity = "WEEKLY"
	Biweekly         Periodicity = "BIWEEKLY"
	Monthly          Periodicity = "MONTHLY"
	Bimonthly        Periodicity = "BIMONTHLY"
	Quarterly        Periodicity = "QUARTERLY"
	SemiAnnual       Periodicity = "SEMI_ANNUAL"
	Yearly           Periodicity = "YEARLY"
	OtherPeriodicity Periodicity = "OTHER"
)
