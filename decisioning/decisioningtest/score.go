package decisioningtest

import (
	"strings"
	"time"

	"github.com/ccr-sdk/ccr"
	"github.com/ccr-sdk/ccr/decisioning"
)

// window is the time that scores look at.
const window = 90 * 24 * time.Hour

// ruled is a transaction with what the rules say of it.
type ruled struct {
	decisioning.Transaction
	cents int64
	at    time.Time
	rule  *rule
}

// picture is an account's finances within the window, in cents.
type picture struct {
	income, expense int64 // expense is negative
	balance         int64
	minimum         int64 // lowest balance within the window
	daysBelow       int
	gambling        int64 // negative
	incidents       int64 // transactions
	wageAdvances    int64
	seizures        int64
}

// score applies the table of the package's documentation.
func (p picture) score() int64 {
	s := int64(600)
	if p.income > 0 {
		s += clamp(300*(p.income+p.expense)/p.income, -300, 300)
		s += clamp(600*p.gambling/p.income, -300, 0)
	} else {
		s -= 300
	}
	s += clamp(200*p.balance/300_000, -200, 200)
	s -= 40 * p.incidents
	s -= 150 * p.seizures
	if p.wageAdvances > 0 {
		s -= 100
	}
	return clamp(s, 0, 1000)
}

func (p picture) scores() *decisioning.Scores {
	s := p.score()
	month := p.income / 3
	margin := int64(-5)
	if p.income > 0 {
		margin = clamp(10*(p.income+p.expense)/p.income, -5, 5)
	}
	return &decisioning.Scores{
		CreditScore: &decisioning.CreditScore{
			Version: "rules-1", Value: float64(s),
			Indicators: &decisioning.ScoreIndicators{
				LivingStandard:     new(float64(clamp(month/50_000-4, -5, 5))),
				BudgetManagement:   new(float64(clamp(5-p.incidents-5*p.seizures, -5, 5))),
				FinancialEvolution: new(float64(margin)),
			},
		},
		PaymentScore: &decisioning.PaymentScore{Version: "rules-1", Value: float64(1 + s*9/1000)},
	}
}

func clamp(n, low, high int64) int64 { return min(max(n, low), high) }

func amount(cents int64) ccr.Amount { return ccr.AmountFromMinor(cents, 2) }

// cents reads an amount; ok is false if it has a fraction of a cent that
// matters, or is too large.
func cents(a ccr.Amount) (int64, bool) {
	n, err := a.MinorUnits(2)
	const most = 1 << 50 // sums of a million of them still fit
	return n, err == nil && n < most && n > -most
}

// rule classifies transactions by words in their description.
type rule struct {
	sign     int // +1 money in, -1 money out, 0 both
	words    []string
	category decisioning.Category
	risk     risk
	kind     decisioning.TransactionType
}

type risk uint8

const (
	noRisk risk = iota
	gambling
	paymentRejection
	checkRejection
	rejectionFee
	interventionFee
	overdraftFee
	seizure
	recovery
	wageAdvance
	debtCollection
	repayment
	drawdown
)

// rules are tried in order; the first one with a word of the description wins.
func rules() []rule {
	return []rule{
		{+1, []string{"SALARY", "SALAIRE", " SAL ", "WAGES", "PAYROLL"}, decisioning.CategoryWage, noRisk, decisioning.TypeIncomingTransfer},
		{+1, []string{"REJET CHEQUE", "RETURNED CHEQUE"}, decisioning.CategoryRejectionCheck, checkRejection, decisioning.TypeCredit},
		{+1, []string{"REJET", "IMPAYE", "UNPAID", "RETURNED", " UNP"}, decisioning.CategoryRejectionPayment, paymentRejection, decisioning.TypeCredit},
		{0, []string{"WAGEDAY", "PAYDAY", "SALARY ADVANCE"}, decisioning.CategoryWageAdvancePayment, wageAdvance, decisioning.TypeDirectDebit},
		{+1, []string{"LOAN", "PRET "}, decisioning.CategoryLoanDrawdownPersonal, drawdown, decisioning.TypeIncomingTransfer},
		{+1, []string{"ALLOCATION", " CAF ", "BENEFIT", "POLE EMPLOI"}, decisioning.CategoryAllowance, noRisk, decisioning.TypeIncomingTransfer},
		{-1, []string{"SAISIE", "SEIZURE", "ATD "}, decisioning.CategoryFeesAccountSeizure, seizure, decisioning.TypeDebit},
		{-1, []string{"OPPOSITION ADMINISTRATIVE", "DIRECT RECOVERY"}, decisioning.CategoryFeesDirectDebtRecovery, recovery, decisioning.TypeDebit},
		{-1, []string{"BAILIFF", "HUISSIER", "INTRUM", "RECOUVREMENT", "DEBT COLLECT"}, decisioning.CategoryDebtCollection, debtCollection, decisioning.TypeDirectDebit},
		{-1, []string{"CHEQUE REJETE"}, decisioning.CategoryFeesCheckRejection, rejectionFee, decisioning.TypeDebit},
		{-1, []string{"FRAIS PRELEVEMENT IMPAYE", "FRAIS PRLV IMP", "FEE - UNPAID", "UNPAID TRANSAC FEE"}, decisioning.CategoryFeesPaymentRejection, rejectionFee, decisioning.TypeDebit},
		{-1, []string{"INCIDENT", "INTERVENTION"}, decisioning.CategoryFeesIntervention, interventionFee, decisioning.TypeDebit},
		{-1, []string{"OVERDRAFT", "O/D FEE", "AGIOS", "TX DEBIT"}, decisioning.CategoryFeesOverdraft, overdraftFee, decisioning.TypeDebit},
		{-1, []string{"WINAMAX", "ZETURF", "FDJ", "LEOVEGAS", "SKY BET", "BETWAY", "BETTING", "TOMBOLA", "BINGO", "LOTTERY", "POCKETWIN", "POKER", "CASINO ONLINE"}, decisioning.CategoryGambling, gambling, decisioning.TypeCard},
		{-1, []string{"PRET IMMO", "MORTGAGE"}, decisioning.CategoryLoanRepaymentRealEstate, repayment, decisioning.TypeDirectDebit},
		{-1, []string{"LOAN", "PRET ", "CREDIT ", "COFIDIS", "CREDIPAR", "ONEY", "SAFETYNET", "VWFS", "ADVANZIA"}, decisioning.CategoryLoanRepayment, repayment, decisioning.TypeDirectDebit},
		{-1, []string{"LOYER", "RENT", "ESTATES"}, decisioning.CategoryRent, noRisk, decisioning.TypeOutgoingTransfer},
		{-1, []string{"INSURANCE", "ASSUR", "LUKO", "CAR INS"}, decisioning.CategoryInsurance, noRisk, decisioning.TypeDirectDebit},
		{-1, []string{"EDF", "BRITISH GAS", "ENERGY", "ELECTRIC"}, decisioning.CategoryPower, noRisk, decisioning.TypeDirectDebit},
		{-1, []string{"TELECOM", "MOBILE", "BROADBAND"}, decisioning.CategoryTelecom, noRisk, decisioning.TypeDirectDebit},
		{-1, []string{"NAVIGO", "PARKING", "RAIL", "FUEL", "PAY AT PUMP"}, decisioning.CategoryTransport, noRisk, decisioning.TypeCard},
		{-1, []string{"TABAC", "SMOKE", "CIGARETTE"}, decisioning.CategoryTobacco, noRisk, decisioning.TypeCard},
		{-1, []string{"GYM", "BASIC FIT", "SPORT"}, decisioning.CategorySport, noRisk, decisioning.TypeDirectDebit},
		{-1, []string{"CARREFOUR", "LIDL", "ALDI", "TESCO", "ASDA", "SAINSBURY", "MORRISONS", "GROCER", "SUPERMARKET"}, decisioning.CategoryGrocery, noRisk, decisioning.TypeCard},
		{-1, []string{"CASH WITHDRAWAL", "RETRAIT"}, decisioning.CategoryOtherExpense, noRisk, decisioning.TypeCashWithdrawal},
		{-1, []string{"VIREMENT", "TRANSFER"}, decisioning.CategoryOtherExpense, noRisk, decisioning.TypeOutgoingTransfer},
		{-1, nil, decisioning.CategoryOtherExpense, noRisk, decisioning.TypeDebit},
		{0, nil, decisioning.CategoryOtherEntry, noRisk, decisioning.TypeCredit},
	}
}

func (r *rule) fits(description string, cents int64) bool {
	if r.sign > 0 && cents < 0 || r.sign < 0 && cents >= 0 {
		return false
	}
	if r.words == nil {
		return true
	}
	for _, w := range r.words {
		if strings.Contains(description, w) {
			return true
		}
	}
	return false
}
