package decisioning

import (
	"github.com/ccr-sdk/ccr"
	"github.com/go-json-experiment/json/jsontext"
)

// CreditInsights is what an analysis found out about a customer's finances.
type CreditInsights struct {
	Version    string                    `json:"version,omitzero"`    // of what computed them. Inferred.
	CashFlows  []CashFlow                `json:"cashFlows,omitzero"`  // also by [Client.CashFlows]
	Incomes    *Incomes                  `json:"incomes,omitzero"`    // also by [Client.Incomes]
	Expenses   *Expenses                 `json:"expenses,omitzero"`   // also by [Client.Expenses]
	Loans      *Loans                    `json:"loans,omitzero"`      // also by [Client.Loans]
	Risks      *Risks                    `json:"risks,omitzero"`      // also by [Client.Risks]
	Essentials *Essentials               `json:"essentials,omitzero"` // where essentials hang is not documented. Inferred.
	Extra      map[string]jsontext.Value `json:",embed"`              // every other member: see "Unknown members"
}

// CashFlow is a group of transactions that belong together.
type CashFlow struct {
	ID                  string                    `json:"id,omitzero"`                  // optional
	Type                TransactionType           `json:"type,omitzero"`                // how the money moved
	Category            Category                  `json:"category,omitzero"`            // what for
	LabelRoot           string                    `json:"labelRoot,omitzero"`           // what the labels have in common. Inferred.
	Label               string                    `json:"label,omitzero"`               // the bank's, for display
	TotalAmount         ccr.Amount                `json:"totalAmount,omitzero"`         // signed
	TotalRejectedAmount ccr.Amount                `json:"totalRejectedAmount,omitzero"` // of those that were rejected
	Calendar            []MonthAmount             `json:"calendar,omitzero"`            // by month
	Transactions        []Transaction             `json:"transactions,omitzero"`        // that it is made of
	Regularity          *Regularity               `json:"regularity,omitzero"`          // nil if it has no rhythm
	Extra               map[string]jsontext.Value `json:",embed"`                       // every other member: see "Unknown members"
}

// MonthAmount is the sum of a month.
type MonthAmount struct {
	Month  string                    `json:"month,omitzero"`  // YYYY-MM
	Amount ccr.Amount                `json:"amount,omitzero"` // signed
	Extra  map[string]jsontext.Value `json:",embed"`          // every other member: see "Unknown members"
}

// Regularity is the rhythm of a cash flow.
type Regularity struct {
	DueDays                  []int                     `json:"dueDays,omitzero"`                    // days of the month
	Interval                 *DayInterval              `json:"interval,omitzero"`                   // between two of them
	MeanNumberOfDaysInterval *float64                  `json:"meanNumberOfDaysInInterval,omitzero"` // from one to the next
	Accuracy                 *float64                  `json:"accuracy,omitzero"`                   // percent: a sample has 93. Inferred.
	Periodicity              Periodicity               `json:"periodicity,omitzero"`                // how often it comes back
	Repartition              Repartition               `json:"repartition,omitzero"`                // when it was seen
	Extra                    map[string]jsontext.Value `json:",embed"`                              // every other member: see "Unknown members"
}

// DayInterval is the shortest and the longest time between two transactions.
type DayInterval struct {
	Min   *float64                  `json:"min,omitzero"` // days
	Max   *float64                  `json:"max,omitzero"` // days
	Extra map[string]jsontext.Value `json:",embed"`       // every other member: see "Unknown members"
}

// Repartition is when a cash flow was seen within the period of the analysis;
// other values come.
type Repartition string

const (
	BegunAndStoppedDuringAnalysis Repartition = "HAS_BEGUN_AND_STOPPED_DURING_ANALYSIS"
	StoppedBeforeEndOfAnalysis    Repartition = "HAS_STOPPED_BEFORE_END_OF_ANALYSIS"
	BegunAfterStartOfAnalysis     Repartition = "HAS_BEGUN_AFTER_START_OF_ANALYSIS"
	NotChangedDuringAnalysis      Repartition = "HAS_NOT_CHANGED_DURING_ANALYSIS"
	Stable                        Repartition = "IS_STABLE" // in Algoan's sample, though in no list
)

// Incomes is money that came in.
type Incomes struct {
	TotalAmount   ccr.Amount        `json:"totalAmount,omitzero"`   // of the period of the analysis
	MonthlyAmount ccr.Amount        `json:"monthlyAmount,omitzero"` // of one month: a mean. Inferred.
	Indicators    *IncomeIndicators `json:"indicators,omitzero"`    // nil if there are none
	Categories    []CategoryGroup   `json:"categories,omitzero"`    // where it came from
	// Employers comes in the French market only; the shape of its elements is
	// not documented.
	Employers []jsontext.Value          `json:"employers,omitzero"`
	Extra     map[string]jsontext.Value `json:",embed"` // every other member: see "Unknown members"
}

// IncomeIndicators are ratios of incomes.
type IncomeIndicators struct {
	AllowancesRatio *float64                  `json:"allowancesRatio,omitzero"` // of allowances to all incomes. Inferred.
	Extra           map[string]jsontext.Value `json:",embed"`                   // every other member: see "Unknown members"
}

// Expenses is money that went out; its amounts are negative.
type Expenses struct {
	TotalAmount          ccr.Amount                `json:"totalAmount,omitzero"`          // of the period of the analysis; negative
	MonthlyAmount        ccr.Amount                `json:"monthlyAmount,omitzero"`        // of one month: a mean; negative. Inferred.
	Categories           []CategoryGroup           `json:"categories,omitzero"`           // where it went
	FrequentTransactions []FrequentTransactions    `json:"frequentTransactions,omitzero"` // older
	Extra                map[string]jsontext.Value `json:",embed"`                        // every other member: see "Unknown members"
}

// CategoryGroup is the transactions of one category.
type CategoryGroup struct {
	Name          Category   `json:"name,omitzero"`          // the category
	TotalAmount   ccr.Amount `json:"totalAmount,omitzero"`   // of the period of the analysis
	MonthlyAmount ccr.Amount `json:"monthlyAmount,omitzero"` // of one month: a mean over all of them. Inferred.
	// MonthlyAmountOfActiveMonths leaves out months without any; newer.
	MonthlyAmountOfActiveMonths ccr.Amount                `json:"monthlyAmountExcludingMonthsWithoutValues,omitzero"`
	Calendar                    []MonthAmount             `json:"calendar,omitzero"`     // by month
	Transactions                []Transaction             `json:"transactions,omitzero"` // that it is made of
	Extra                       map[string]jsontext.Value `json:",embed"`                // every other member: see "Unknown members"
}

// FrequentTransactions is transactions with one label.
type FrequentTransactions struct {
	Label        string                    `json:"label,omitzero"`        // the bank's
	Transactions []Transaction             `json:"transactions,omitzero"` // that have it
	Extra        map[string]jsontext.Value `json:",embed"`                // every other member: see "Unknown members"
}

// Loans is money borrowed and paid back.
type Loans struct {
	Repayments *LoanFlows                `json:"repayments,omitzero"` // paid back
	Drawdowns  *LoanFlows                `json:"drawdowns,omitzero"`  // borrowed
	Extra      map[string]jsontext.Value `json:",embed"`              // every other member: see "Unknown members"
}

// LoanFlows sums one direction of loans.
type LoanFlows struct {
	Count         *int                      `json:"count,omitzero"`         // of loans. Inferred.
	TotalAmount   ccr.Amount                `json:"totalAmount,omitzero"`   // of the period of the analysis
	MonthlyAmount ccr.Amount                `json:"monthlyAmount,omitzero"` // of one month: a mean. Inferred.
	Details       []CashFlow                `json:"details,omitzero"`       // one for each loan. Inferred.
	Extra         map[string]jsontext.Value `json:",embed"`                 // every other member: see "Unknown members"
}

// Risks is what a lender worries about; Algoan's prose calls it risk indicators.
type Risks struct {
	Gambling       *RiskGroup                `json:"gambling,omitzero"`       // money spent on it
	Incidents      *Incidents                `json:"incidents,omitzero"`      // refused by the bank
	Overdraft      *Overdraft                `json:"overdraft,omitzero"`      // below zero
	HeavyFailures  *HeavyFailures            `json:"heavyFailures,omitzero"`  // recovered by force
	WageAdvance    *RiskGroup                `json:"wageAdvance,omitzero"`    // pay taken in advance
	DebtCollection *RiskGroup                `json:"debtCollection,omitzero"` // newer; its shape is not documented. Inferred.
	Extra          map[string]jsontext.Value `json:",embed"`                  // every other member: see "Unknown members"
}

// RiskGroup is the transactions of one risk.
type RiskGroup struct {
	TotalAmount  ccr.Amount                `json:"totalAmount,omitzero"`  // of the transactions
	Transactions []Transaction             `json:"transactions,omitzero"` // that show the risk
	Extra        map[string]jsontext.Value `json:",embed"`                // every other member: see "Unknown members"
}

// Incidents is what the bank had to refuse, and its fees for that.
type Incidents struct {
	PaymentRejections *Rejections               `json:"paymentRejections,omitzero"` // payments without cover
	CheckRejections   *Rejections               `json:"checkRejections,omitzero"`   // cheques without cover
	InterventionFees  *RiskGroup                `json:"interventionFees,omitzero"`  // for incidents that the bank dealt with. Inferred.
	Extra             map[string]jsontext.Value `json:",embed"`                     // every other member: see "Unknown members"
}

// Rejections is rejected transactions and their fees.
type Rejections struct {
	TotalAmount      ccr.Amount                `json:"totalAmount,omitzero"`      // of what was rejected
	TotalFeesAmount  ccr.Amount                `json:"totalFeesAmount,omitzero"`  // of the fees alone
	Transactions     []Transaction             `json:"transactions,omitzero"`     // that were rejected
	FeesTransactions []Transaction             `json:"feesTransactions,omitzero"` // the fees for them
	Extra            map[string]jsontext.Value `json:",embed"`                    // every other member: see "Unknown members"
}

// Overdraft is how far and how long the balance was below zero.
type Overdraft struct {
	MinimumBalanceReached ccr.Amount                `json:"minimumBalanceReached,omitzero"` // the lowest balance in the period
	Duration              *int                      `json:"duration,omitzero"`              // days
	Fees                  *RiskGroup                `json:"fees,omitzero"`                  // for being below zero
	Extra                 map[string]jsontext.Value `json:",embed"`                         // every other member: see "Unknown members"
}

// HeavyFailures is recovery by force.
type HeavyFailures struct {
	DirectRecoveryOfDebt *RiskGroup                `json:"directRecoveryOfDebt,omitzero"` // taken from the account for a creditor. Inferred.
	BankAccountSeizure   *RiskGroup                `json:"bankAccountSeizure,omitzero"`   // frozen or taken for a creditor. Inferred.
	Extra                map[string]jsontext.Value `json:",embed"`                        // every other member: see "Unknown members"
}

// Essentials is the newer short form of the insights
// (docs.algoan.com/developer-doc/essentials). Neither its place in the JSON nor
// whether its members are numbers or objects is documented, hence [Figure].
type Essentials struct {
	// HistoricalDepth of the data, in days.
	HistoricalDepth Figure `json:"historicalDepth,omitzero"`
	// ActivityScore is 0 or 1 to 100: whether the accounts are the person's
	// main ones. Algoan warns below 10 (another page of it: 20); 50 and more is
	// normal.
	ActivityScore Figure `json:"activityScore,omitzero"`
	// MainIncome is of WAGE, RETIREMENT_PENSION and REVERSIONARY_PENSION.
	MainIncome Figure `json:"mainIncome,omitzero"`
	// MonthlyRegularIncome of one month, as the three below.
	MonthlyRegularIncome Figure `json:"monthlyRegularIncome,omitzero"`
	// MonthlyEssentialExpenses are RENT, REGULAR_EXPENSE, PAID_ALIMONY,
	// HOUSING_TAX, INCOME_TAX and PERSO_TAX, of periodicity MONTHLY.
	MonthlyEssentialExpenses Figure `json:"monthlyEssentialExpenses,omitzero"`
	// MonthlyLoanRepayments of all loans.
	MonthlyLoanRepayments Figure `json:"monthlyLoanRepayments,omitzero"`
	// MonthlyDiscretionaryIncome is the regular income less essential expenses
	// and loan repayments.
	MonthlyDiscretionaryIncome Figure `json:"monthlyDiscretionaryIncome,omitzero"`
	// DebtToIncome is a ratio.
	DebtToIncome Figure `json:"debtToIncome,omitzero"`
	// RedFlags have no documented shape.
	RedFlags jsontext.Value            `json:"redFlags,omitzero"`
	Extra    map[string]jsontext.Value `json:",embed"` // every other member: see "Unknown members"
}

// Figure is a member of which it is not known whether it is a number or an
// object: its JSON as it came.
type Figure jsontext.Value

// Amount returns the figure if it is a number.
func (f Figure) Amount() (ccr.Amount, bool) {
	var a ccr.Amount
	if len(f) == 0 || a.UnmarshalJSON(f) != nil || !a.IsSet() {
		return ccr.Amount{}, false
	}
	return a, true
}

// MarshalJSON returns the JSON as it came; null if there is none.
func (f Figure) MarshalJSON() ([]byte, error) {
	if f == nil {
		return []byte("null"), nil
	}
	return f, nil
}

// UnmarshalJSON keeps any JSON.
func (f *Figure) UnmarshalJSON(b []byte) error {
	*f = append((*f)[:0], b...)
	return nil
}
