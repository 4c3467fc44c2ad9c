package decisioning

// Category is what a transaction is for. The set is open: it depends on the
// taxonomy's version (projects made since 15 January 2023 have the second) and
// on the market, and business projects have another one altogether (REVENUE,
// OPEX_…, RED_FLAG_…). What cannot be told falls to [CategoryOtherEntry] or
// [CategoryOtherExpense], by sign.
type Category string

// Income.
const (
	CategoryAllowance              Category = "ALLOWANCE"
	CategoryAllowanceFamily        Category = "ALLOWANCE_FAMILY"
	CategoryAllowanceHousing       Category = "ALLOWANCE_HOUSING"
	CategoryAllowanceUnemployment  Category = "ALLOWANCE_UNEMPLOYMENT"
	CategoryAllowanceHealth        Category = "ALLOWANCE_HEALTH"
	CategoryAllowanceIncomeSupport Category = "ALLOWANCE_INCOME_SUPPORT"
	CategoryStateSubsidy           Category = "STATE_SUBSIDY"
	CategoryGamblingGain           Category = "GAMBLING_GAIN"
	CategoryRentalIncome           Category = "RENTAL_INCOME"
	CategoryReceivedAlimony        Category = "RECEIVED_ALIMONY"
	CategoryWage                   Category = "WAGE"
	CategoryWageBonus              Category = "WAGE_BONUS"
	CategoryWageSalaryAdvance      Category = "WAGE_SALARY_ADVANCE"
	CategoryWageAdvancePayment     Category = "WAGE_ADVANCE_PAYMENT"
	CategoryRetirementPension      Category = "RETIREMENT_PENSION"
	CategoryReversionaryPension    Category = "REVERSIONARY_PENSION"
	CategoryDissaving              Category = "DISSAVING"
	CategoryOtherEntry             Category = "OTHER_ENTRY"
	CategoryAllowanceDisability    Category = "ALLOWANCE_DISABILITY"
	CategoryFreelance              Category = "FREELANCE"
	CategoryRegularIncome          Category = "REGULAR_INCOME"
)

// Expenses.
const (
	CategoryInsurance            Category = "INSURANCE"
	CategoryInsuranceHealth      Category = "INSURANCE_HEALTH"
	CategoryInsuranceAuto        Category = "INSURANCE_AUTO"
	CategoryInsuranceHome        Category = "INSURANCE_HOME"
	CategoryTransport            Category = "TRANSPORT"
	CategoryPower                Category = "POWER"
	CategoryRent                 Category = "RENT"
	CategoryTelecom              Category = "TELECOM"
	CategoryHealth               Category = "HEALTH"
	CategoryGrocery              Category = "GROCERY"
	CategoryTobacco              Category = "TOBACCO"
	CategoryGambling             Category = "GAMBLING"
	CategoryLeisure              Category = "LEISURE"
	CategoryShopping             Category = "SHOPPING"
	CategoryDeferredTotalPayment Category = "DEFERRED_TOTAL_PAYMENT"
	CategoryMultimedia           Category = "MULTIMEDIA"
	CategorySport                Category = "SPORT"
	CategoryOtherExpense         Category = "OTHER_EXPENSE"
	CategoryRegularExpense       Category = "REGULAR_EXPENSE"
	CategoryPaidAlimony          Category = "PAID_ALIMONY"
)

// Credit.
const (
	CategoryLoanDrawdown            Category = "LOAN_DRAWDOWN"
	CategoryLoanDrawdownRealEstate  Category = "LOAN_DRAWDOWN_REAL_ESTATE"
	CategoryLoanDrawdownPersonal    Category = "LOAN_DRAWDOWN_PERSONAL"
	CategoryLoanDrawdownRevolving   Category = "LOAN_DRAWDOWN_REVOLVING"
	CategoryLoanRepayment           Category = "LOAN_REPAYMENT"
	CategoryLoanRepaymentRealEstate Category = "LOAN_REPAYMENT_REAL_ESTATE"
	CategoryLoanRepaymentPersonal   Category = "LOAN_REPAYMENT_PERSONAL"
	CategoryLoanRepaymentRevolving  Category = "LOAN_REPAYMENT_REVOLVING"
	CategoryLoanPrepayment          Category = "LOAN_PREPAYMENT"
	CategorySplitPayment            Category = "SPLIT_PAYMENT"
	CategoryDebtRecovery            Category = "DEBT_RECOVERY"
	CategoryDebtCollection          Category = "DEBT_COLLECTION"
	CategoryBailiff                 Category = "BAILIFF"
	CategoryLeasing                 Category = "LEASING"
	CategoryLoanRepaymentFast       Category = "LOAN_REPAYMENT_FAST"
	CategoryInsuranceLoan           Category = "INSURANCE_LOAN"
)

// Savings.
const (
	CategoryInterest       Category = "INTEREST"
	CategorySaving         Category = "SAVING"
	CategoryBankbookSaving Category = "BANKBOOK_SAVING"
	CategoryShareSaving    Category = "SHARE_SAVING"
)

// What the bank does.
const (
	CategoryRejectionPayment             Category = "REJECTION_PAYMENT"
	CategoryRejectionLoanRepayment       Category = "REJECTION_LOAN_REPAYMENT"
	CategoryRejectionCheck               Category = "REJECTION_CHECK"
	CategoryFeesBankService              Category = "FEES_BANK_SERVICE"
	CategoryFeesOverdraft                Category = "FEES_OVERDRAFT"
	CategoryFeesCheckRejection           Category = "FEES_CHECK_REJECTION"
	CategoryFeesPaymentRejection         Category = "FEES_PAYMENT_REJECTION"
	CategoryFeesIntervention             Category = "FEES_INTERVENTION"
	CategoryFeesIncident                 Category = "FEES_INCIDENT"
	CategoryFeesDirectDebtRecovery       Category = "FEES_DIRECT_DEBT_RECOVERY"
	CategoryFeesAccountSeizure           Category = "FEES_ACCOUNT_SEIZURE"
	CategoryFeesPreventiveSeizure        Category = "FEES_PREVENTIVE_SEIZURE"
	CategoryRefundDirectDebtRecoveryFees Category = "REFUND_DIRECT_DEBT_RECOVERY_FEES"
	CategoryRefundAccountSeizureFees     Category = "REFUND_ACCOUNT_SEIZURE_FEES"
	CategoryRefundPreventiveSeizureFees  Category = "REFUND_PREVENTIVE_SEIZURE_FEES"
	CategoryRefundBankIncidentFees       Category = "REFUND_BANK_INCIDENT_FEES"
	CategoryRefundBankServiceFees        Category = "REFUND_BANK_SERVICE_FEES"
	CategoryReleaseDirectDebtRecovery    Category = "RELEASE_DIRECT_DEBT_RECOVERY"
	CategoryReleaseAccountSeizure        Category = "RELEASE_ACCOUNT_SEIZURE"
	CategoryReleasePreventiveSeizure     Category = "RELEASE_PREVENTIVE_SEIZURE"
	CategoryProvisionDirectDebtRecovery  Category = "PROVISION_DIRECT_DEBT_RECOVERY"
	CategoryProvisionAccountSeizure      Category = "PROVISION_ACCOUNT_SEIZURE"
	CategoryProvisionPreventiveSeizure   Category = "PROVISION_PREVENTIVE_SEIZURE"
	CategoryCreditCardReset              Category = "CREDIT_CARD_RESET"
)

// Refunds.
const (
	CategoryRefund              Category = "REFUND"
	CategoryRefundInsurance     Category = "REFUND_INSURANCE"
	CategoryRefundExpenseReport Category = "REFUND_EXPENSE_REPORT"
)

// Taxes.
const (
	CategoryProTax         Category = "PRO_TAX"
	CategoryProTaxRefund   Category = "PRO_TAX_REFUND"
	CategoryPersoTax       Category = "PERSO_TAX"
	CategoryIncomeTax      Category = "INCOME_TAX"
	CategoryHousingTax     Category = "HOUSING_TAX"
	CategoryPropertyTax    Category = "PROPERTY_TAX"
	CategoryPersoTaxCredit Category = "PERSO_TAX_CREDIT"
	CategoryPersoTaxRefund Category = "PERSO_TAX_REFUND"
)
