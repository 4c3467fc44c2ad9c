package decisioning

import (
	"encoding/json"

	"github.com/ccr-sdk/ccr"
)

// CreditInsights is what an analysis found out about a customer's finances.
type CreditInsights struct {
	Version    string         `json:"version,omitzero"`
	CashFlows  []CashFlow     `json:"cashFlows,omitzero"`
	Incomes    *Incomes       `json:"incomes,omitzero"`
	Expenses   *Expenses      `json:"expenses,omitzero"`
	Loans      *Loans         `json:"loans,omitzero"`
	Risks      *Risks         `json:"risks,omitzero"`
	Essentials *Essentials    `json:"essentials,omitzero"` // inferred: where essentials hang is not documented
	Extra      map[string]any `json:"-"`
}

// CashFlow is a group of transactions that belong together.
type CashFlow struct {
	ID                  string          `json:"id,omitzero"`
	Type                TransactionType `json:"type,omitzero"`
	Category            Category        `json:"category,omitzero"`
	LabelRoot           string          `json:"labelRoot,omitzero"`
	Label               string          `json:"label,omitzero"`
	TotalAmount         ccr.Amount      `json:"totalAmount,omitzero"` // signed
	TotalRejectedAmount ccr.Amount      `json:"totalRejectedAmount,omitzero"`
	Calendar            []MonthAmount   `json:"calendar,omitzero"`
	Transactions        []Transaction   `json:"transactions,omitzero"`
	Regularity          *Regularity     `json:"regularity,omitzero"`
	Extra               map[string]any  `json:"-"`
}

// MonthAmount is the sum of a month.
type MonthAmount struct {
	Month  string         `json:"month,omitzero"` // YYYY-MM
	Amount ccr.Amount     `json:"amount,omitzero"`
	Extra  map[string]any `json:"-"`
}

// Regularity is the rhythm of a cash flow.
type Regularity struct {
	DueDays                  []int          `json:"dueDays,omitzero"` // days of the month
	Interval                 *DayInterval   `json:"interval,omitzero"`
	MeanNumberOfDaysInterval *float64       `json:"meanNumberOfDaysInInterval,omitzero"`
	Accuracy                 *float64       `json:"accuracy,omitzero"` // percent (inferred from a sample of 93)
	Periodicity              Periodicity    `json:"periodicity,omitzero"`
	Repartition              Repartition    `json:"repartition,omitzero"`
	Extra                    map[string]any `json:"-"`
}

// DayInterval is the shortest and the longest time between two transactions.
type DayInterval struct {
	Min   *float64       `json:"min,omitzero"` // days
	Max   *float64       `json:"max,omitzero"` // days
	Extra map[string]any `json:"-"`
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
	TotalAmount   ccr.Amount        `json:"totalAmount,omitzero"`
	MonthlyAmount ccr.Amount        `json:"monthlyAmount,omitzero"`
	Indicators    *IncomeIndicators `json:"indicators,omitzero"`
	Categories    []CategoryGroup   `json:"categories,omitzero"`
	// Employers comes in the French market only; the shape of its elements is
	// not documented.
	Employers []json.RawMessage `json:"employers,omitzero"`
	Extra     map[string]any    `json:"-"`
}

// IncomeIndicators are ratios of incomes.
type IncomeIndicators struct {
	AllowancesRatio *float64       `json:"allowancesRatio,omitzero"`
	Extra           map[string]any `json:"-"`
}

// Expenses is money that went out; its amounts are negative.
type Expenses struct {
	TotalAmount          ccr.Amount             `json:"totalAmount,omitzero"`
	MonthlyAmount        ccr.Amount             `json:"monthlyAmount,omitzero"`
	Categories           []CategoryGroup        `json:"categories,omitzero"`
	FrequentTransactions []FrequentTransactions `json:"frequentTransactions,omitzero"` // older
	Extra                map[string]any         `json:"-"`
}

// CategoryGroup is the transactions of one category.
type CategoryGroup struct {
	Name          Category   `json:"name,omitzero"`
	TotalAmount   ccr.Amount `json:"totalAmount,omitzero"`
	MonthlyAmount ccr.Amount `json:"monthlyAmount,omitzero"`
	// MonthlyAmountOfActiveMonths leaves out months without any; newer.
	MonthlyAmountOfActiveMonths ccr.Amount     `json:"monthlyAmountExcludingMonthsWithoutValues,omitzero"`
	Calendar                    []MonthAmount  `json:"calendar,omitzero"`
	Transactions                []Transaction  `json:"transactions,omitzero"`
	Extra                       map[string]any `json:"-"`
}

// FrequentTransactions is transactions with one label.
type FrequentTransactions struct {
	Label        string         `json:"label,omitzero"`
	Transactions []Transaction  `json:"transactions,omitzero"`
	Extra        map[string]any `json:"-"`
}

// Loans is money borrowed and paid back.
type Loans struct {
	Repayments *LoanFlows     `json:"repayments,omitzero"`
	Drawdowns  *LoanFlows     `json:"drawdowns,omitzero"`
	Extra      map[string]any `json:"-"`
}

// LoanFlows sums one direction of loans.
type LoanFlows struct {
	Count         *int           `json:"count,omitzero"`
	TotalAmount   ccr.Amount     `json:"totalAmount,omitzero"`
	MonthlyAmount ccr.Amount     `json:"monthlyAmount,omitzero"`
	Details       []CashFlow     `json:"details,omitzero"`
	Extra         map[string]any `json:"-"`
}

// Risks is what a lender worries about; Algoan's prose calls it risk indicators.
type Risks struct {
	Gambling       *RiskGroup     `json:"gambling,omitzero"`
	Incidents      *Incidents     `json:"incidents,omitzero"`
	Overdraft      *Overdraft     `json:"overdraft,omitzero"`
	HeavyFailures  *HeavyFailures `json:"heavyFailures,omitzero"`
	WageAdvance    *RiskGroup     `json:"wageAdvance,omitzero"`
	DebtCollection *RiskGroup     `json:"debtCollection,omitzero"` // newer; its shape is inferred
	Extra          map[string]any `json:"-"`
}

// RiskGroup is the transactions of one risk.
type RiskGroup struct {
	TotalAmount  ccr.Amount     `json:"totalAmount,omitzero"`
	Transactions []Transaction  `json:"transactions,omitzero"`
	Extra        map[string]any `json:"-"`
}

// Incidents is what the bank had to refuse, and its fees for that.
type Incidents struct {
	PaymentRejections *Rejections    `json:"paymentRejections,omitzero"`
	CheckRejections   *Rejections    `json:"checkRejections,omitzero"`
	InterventionFees  *RiskGroup     `json:"interventionFees,omitzero"`
	Extra             map[string]any `json:"-"`
}

// Rejections is rejected transactions and their fees.
type Rejections struct {
	TotalAmount      ccr.Amount     `json:"totalAmount,omitzero"`
	TotalFeesAmount  ccr.Amount     `json:"totalFeesAmount,omitzero"`
	Transactions     []Transaction  `json:"transactions,omitzero"`
	FeesTransactions []Transaction  `json:"feesTransactions,omitzero"`
	Extra            map[string]any `json:"-"`
}

// Overdraft is how far and how long the balance was below zero.
type Overdraft struct {
	MinimumBalanceReached ccr.Amount     `json:"minimumBalanceReached,omitzero"`
	Duration              *int           `json:"duration,omitzero"` // days
	Fees                  *RiskGroup     `json:"fees,omitzero"`
	Extra                 map[string]any `json:"-"`
}

// HeavyFailures is recovery by force.
type HeavyFailures struct {
	DirectRecoveryOfDebt *RiskGroup     `json:"directRecoveryOfDebt,omitzero"`
	BankAccountSeizure   *RiskGroup     `json:"bankAccountSeizure,omitzero"`
	Extra                map[string]any `json:"-"`
}

// Essentials is the newer short form of the insights. Neither its place in the
// JSON nor whether its members are numbers or objects is documented, hence
// [Figure].
type Essentials struct {
	HistoricalDepth            Figure          `json:"historicalDepth,omitzero"` // days
	ActivityScore              Figure          `json:"activityScore,omitzero"`   // 0 or 1 to 100; below 20 is insufficient, 50 and more is normal
	MainIncome                 Figure          `json:"mainIncome,omitzero"`
	MonthlyRegularIncome       Figure          `json:"monthlyRegularIncome,omitzero"`
	MonthlyEssentialExpenses   Figure          `json:"monthlyEssentialExpenses,omitzero"`
	MonthlyLoanRepayments      Figure          `json:"monthlyLoanRepayments,omitzero"`
	MonthlyDiscretionaryIncome Figure          `json:"monthlyDiscretionaryIncome,omitzero"`
	DebtToIncome               Figure          `json:"debtToIncome,omitzero"` // ratio
	RedFlags                   json.RawMessage `json:"redFlags,omitzero"`
	Extra                      map[string]any  `json:"-"`
}

// Figure is a member of which it is not known whether it is a number or an
// object: its JSON as it came.
type Figure json.RawMessage

// Amount returns the figure if it is a number.
func (f Figure) Amount() (ccr.Amount, bool) {
	var a ccr.Amount
	if len(f) == 0 || a.UnmarshalJSON(f) != nil || !a.IsSet() {
		return ccr.Amount{}, false
	}
	return a, true
}

// MarshalJSON returns the JSON as it came; null if there is none.
func (f Figure) MarshalJSON() ([]byte, error) { return json.RawMessage(f).MarshalJSON() }

// UnmarshalJSON keeps any JSON.
func (f *Figure) UnmarshalJSON(b []byte) error {
	*f = append((*f)[:0], b...)
	return nil
}
