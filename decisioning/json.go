package decisioning

import "github.com/ccr-sdk/ccr/decisioning/internal/wire"

// AsWritten is the value of a member as Algoan (or a profile file) wrote it,
// where the field of that name could not have written it back: null, an empty
// text, a number in place of a text, a value of a type that nobody documented.
// It is found in Extra under the member's name, and is written again unless the
// field has been changed since.
type AsWritten = wire.AsWritten

func decode(b []byte, into any) error {
	_, err := wire.Unmarshal(b, into)
	return err
}

// The methods below make encoding/json keep unknown members, too.

// UnmarshalJSON keeps members without a field in Extra.
func (v *Account) UnmarshalJSON(b []byte) error { return decode(b, v) }

// MarshalJSON writes the fields that are set and Extra.
func (v Account) MarshalJSON() ([]byte, error) { return wire.Marshal(&v) }

// UnmarshalJSON keeps members without a field in Extra.
func (v *Bank) UnmarshalJSON(b []byte) error { return decode(b, v) }

// MarshalJSON writes the fields that are set and Extra.
func (v Bank) MarshalJSON() ([]byte, error) { return wire.Marshal(&v) }

// UnmarshalJSON keeps members without a field in Extra.
func (v *AccountOwner) UnmarshalJSON(b []byte) error { return decode(b, v) }

// MarshalJSON writes the fields that are set and Extra.
func (v AccountOwner) MarshalJSON() ([]byte, error) { return wire.Marshal(&v) }

// UnmarshalJSON keeps members without a field in Extra.
func (v *AccountDetails) UnmarshalJSON(b []byte) error { return decode(b, v) }

// MarshalJSON writes the fields that are set and Extra.
func (v AccountDetails) MarshalJSON() ([]byte, error) { return wire.Marshal(&v) }

// UnmarshalJSON keeps members without a field in Extra.
func (v *SavingsDetails) UnmarshalJSON(b []byte) error { return decode(b, v) }

// MarshalJSON writes the fields that are set and Extra.
func (v SavingsDetails) MarshalJSON() ([]byte, error) { return wire.Marshal(&v) }

// UnmarshalJSON keeps members without a field in Extra.
func (v *LoanDetails) UnmarshalJSON(b []byte) error { return decode(b, v) }

// MarshalJSON writes the fields that are set and Extra.
func (v LoanDetails) MarshalJSON() ([]byte, error) { return wire.Marshal(&v) }

// UnmarshalJSON keeps members without a field in Extra.
func (v *AggregatorRecord) UnmarshalJSON(b []byte) error { return decode(b, v) }

// MarshalJSON writes the fields that are set and Extra.
func (v AggregatorRecord) MarshalJSON() ([]byte, error) { return wire.Marshal(&v) }

// UnmarshalJSON keeps members without a field in Extra.
func (v *DailyBalance) UnmarshalJSON(b []byte) error { return decode(b, v) }

// MarshalJSON writes the fields that are set and Extra.
func (v DailyBalance) MarshalJSON() ([]byte, error) { return wire.Marshal(&v) }

// UnmarshalJSON keeps members without a field in Extra.
func (v *Analysis) UnmarshalJSON(b []byte) error { return decode(b, v) }

// MarshalJSON writes the fields that are set and Extra.
func (v Analysis) MarshalJSON() ([]byte, error) { return wire.Marshal(&v) }

// UnmarshalJSON keeps members without a field in Extra.
func (v *AnalysisParameters) UnmarshalJSON(b []byte) error { return decode(b, v) }

// MarshalJSON writes the fields that are set and Extra.
func (v AnalysisParameters) MarshalJSON() ([]byte, error) { return wire.Marshal(&v) }

// UnmarshalJSON keeps members without a field in Extra.
func (v *AnalysisMetadata) UnmarshalJSON(b []byte) error { return decode(b, v) }

// MarshalJSON writes the fields that are set and Extra.
func (v AnalysisMetadata) MarshalJSON() ([]byte, error) { return wire.Marshal(&v) }

// UnmarshalJSON keeps members without a field in Extra.
func (v *MonthDays) UnmarshalJSON(b []byte) error { return decode(b, v) }

// MarshalJSON writes the fields that are set and Extra.
func (v MonthDays) MarshalJSON() ([]byte, error) { return wire.Marshal(&v) }

// UnmarshalJSON keeps members without a field in Extra.
func (v *Failure) UnmarshalJSON(b []byte) error { return decode(b, v) }

// MarshalJSON writes the fields that are set and Extra.
func (v Failure) MarshalJSON() ([]byte, error) { return wire.Marshal(&v) }

// UnmarshalJSON keeps members without a field in Extra.
func (v *Customer) UnmarshalJSON(b []byte) error { return decode(b, v) }

// MarshalJSON writes the fields that are set and Extra.
func (v Customer) MarshalJSON() ([]byte, error) { return wire.Marshal(&v) }

// UnmarshalJSON keeps members without a field in Extra.
func (n *NewCustomer) UnmarshalJSON(b []byte) error { return decode(b, n) }

// MarshalJSON writes the fields that are set and Extra.
func (n NewCustomer) MarshalJSON() ([]byte, error) { return wire.Marshal(&n) }

// UnmarshalJSON keeps members without a field in Extra.
func (v *CustomerUpdate) UnmarshalJSON(b []byte) error { return decode(b, v) }

// MarshalJSON writes the fields that are set and Extra.
func (v CustomerUpdate) MarshalJSON() ([]byte, error) { return wire.Marshal(&v) }

// UnmarshalJSON keeps members without a field in Extra.
func (v *AggregationDetails) UnmarshalJSON(b []byte) error { return decode(b, v) }

// MarshalJSON writes the fields that are set and Extra.
func (v AggregationDetails) MarshalJSON() ([]byte, error) { return wire.Marshal(&v) }

// UnmarshalJSON keeps members without a field in Extra.
func (v *PersonalDetails) UnmarshalJSON(b []byte) error { return decode(b, v) }

// MarshalJSON writes the fields that are set and Extra.
func (v PersonalDetails) MarshalJSON() ([]byte, error) { return wire.Marshal(&v) }

// UnmarshalJSON keeps members without a field in Extra.
func (v *Identity) UnmarshalJSON(b []byte) error { return decode(b, v) }

// MarshalJSON writes the fields that are set and Extra.
func (v Identity) MarshalJSON() ([]byte, error) { return wire.Marshal(&v) }

// UnmarshalJSON keeps members without a field in Extra.
func (v *Contact) UnmarshalJSON(b []byte) error { return decode(b, v) }

// MarshalJSON writes the fields that are set and Extra.
func (v Contact) MarshalJSON() ([]byte, error) { return wire.Marshal(&v) }

// UnmarshalJSON keeps members without a field in Extra.
func (v *Household) UnmarshalJSON(b []byte) error { return decode(b, v) }

// MarshalJSON writes the fields that are set and Extra.
func (v Household) MarshalJSON() ([]byte, error) { return wire.Marshal(&v) }

// UnmarshalJSON keeps members without a field in Extra.
func (v *Tenant) UnmarshalJSON(b []byte) error { return decode(b, v) }

// MarshalJSON writes the fields that are set and Extra.
func (v Tenant) MarshalJSON() ([]byte, error) { return wire.Marshal(&v) }

// UnmarshalJSON keeps members without a field in Extra.
func (v *Share) UnmarshalJSON(b []byte) error { return decode(b, v) }

// MarshalJSON writes the fields that are set and Extra.
func (v Share) MarshalJSON() ([]byte, error) { return wire.Marshal(&v) }

// UnmarshalJSON keeps members without a field in Extra.
func (v *Storage) UnmarshalJSON(b []byte) error { return decode(b, v) }

// MarshalJSON writes the fields that are set and Extra.
func (v Storage) MarshalJSON() ([]byte, error) { return wire.Marshal(&v) }

// UnmarshalJSON keeps members without a field in Extra.
func (v *CreditInsights) UnmarshalJSON(b []byte) error { return decode(b, v) }

// MarshalJSON writes the fields that are set and Extra.
func (v CreditInsights) MarshalJSON() ([]byte, error) { return wire.Marshal(&v) }

// UnmarshalJSON keeps members without a field in Extra.
func (v *CashFlow) UnmarshalJSON(b []byte) error { return decode(b, v) }

// MarshalJSON writes the fields that are set and Extra.
func (v CashFlow) MarshalJSON() ([]byte, error) { return wire.Marshal(&v) }

// UnmarshalJSON keeps members without a field in Extra.
func (v *MonthAmount) UnmarshalJSON(b []byte) error { return decode(b, v) }

// MarshalJSON writes the fields that are set and Extra.
func (v MonthAmount) MarshalJSON() ([]byte, error) { return wire.Marshal(&v) }

// UnmarshalJSON keeps members without a field in Extra.
func (v *Regularity) UnmarshalJSON(b []byte) error { return decode(b, v) }

// MarshalJSON writes the fields that are set and Extra.
func (v Regularity) MarshalJSON() ([]byte, error) { return wire.Marshal(&v) }

// UnmarshalJSON keeps members without a field in Extra.
func (v *DayInterval) UnmarshalJSON(b []byte) error { return decode(b, v) }

// MarshalJSON writes the fields that are set and Extra.
func (v DayInterval) MarshalJSON() ([]byte, error) { return wire.Marshal(&v) }

// UnmarshalJSON keeps members without a field in Extra.
func (v *Incomes) UnmarshalJSON(b []byte) error { return decode(b, v) }

// MarshalJSON writes the fields that are set and Extra.
func (v Incomes) MarshalJSON() ([]byte, error) { return wire.Marshal(&v) }

// UnmarshalJSON keeps members without a field in Extra.
func (v *IncomeIndicators) UnmarshalJSON(b []byte) error { return decode(b, v) }

// MarshalJSON writes the fields that are set and Extra.
func (v IncomeIndicators) MarshalJSON() ([]byte, error) { return wire.Marshal(&v) }

// UnmarshalJSON keeps members without a field in Extra.
func (v *Expenses) UnmarshalJSON(b []byte) error { return decode(b, v) }

// MarshalJSON writes the fields that are set and Extra.
func (v Expenses) MarshalJSON() ([]byte, error) { return wire.Marshal(&v) }

// UnmarshalJSON keeps members without a field in Extra.
func (v *CategoryGroup) UnmarshalJSON(b []byte) error { return decode(b, v) }

// MarshalJSON writes the fields that are set and Extra.
func (v CategoryGroup) MarshalJSON() ([]byte, error) { return wire.Marshal(&v) }

// UnmarshalJSON keeps members without a field in Extra.
func (v *FrequentTransactions) UnmarshalJSON(b []byte) error { return decode(b, v) }

// MarshalJSON writes the fields that are set and Extra.
func (v FrequentTransactions) MarshalJSON() ([]byte, error) { return wire.Marshal(&v) }

// UnmarshalJSON keeps members without a field in Extra.
func (v *Loans) UnmarshalJSON(b []byte) error { return decode(b, v) }

// MarshalJSON writes the fields that are set and Extra.
func (v Loans) MarshalJSON() ([]byte, error) { return wire.Marshal(&v) }

// UnmarshalJSON keeps members without a field in Extra.
func (v *LoanFlows) UnmarshalJSON(b []byte) error { return decode(b, v) }

// MarshalJSON writes the fields that are set and Extra.
func (v LoanFlows) MarshalJSON() ([]byte, error) { return wire.Marshal(&v) }

// UnmarshalJSON keeps members without a field in Extra.
func (v *Risks) UnmarshalJSON(b []byte) error { return decode(b, v) }

// MarshalJSON writes the fields that are set and Extra.
func (v Risks) MarshalJSON() ([]byte, error) { return wire.Marshal(&v) }

// UnmarshalJSON keeps members without a field in Extra.
func (v *RiskGroup) UnmarshalJSON(b []byte) error { return decode(b, v) }

// MarshalJSON writes the fields that are set and Extra.
func (v RiskGroup) MarshalJSON() ([]byte, error) { return wire.Marshal(&v) }

// UnmarshalJSON keeps members without a field in Extra.
func (v *Incidents) UnmarshalJSON(b []byte) error { return decode(b, v) }

// MarshalJSON writes the fields that are set and Extra.
func (v Incidents) MarshalJSON() ([]byte, error) { return wire.Marshal(&v) }

// UnmarshalJSON keeps members without a field in Extra.
func (v *Rejections) UnmarshalJSON(b []byte) error { return decode(b, v) }

// MarshalJSON writes the fields that are set and Extra.
func (v Rejections) MarshalJSON() ([]byte, error) { return wire.Marshal(&v) }

// UnmarshalJSON keeps members without a field in Extra.
func (v *Overdraft) UnmarshalJSON(b []byte) error { return decode(b, v) }

// MarshalJSON writes the fields that are set and Extra.
func (v Overdraft) MarshalJSON() ([]byte, error) { return wire.Marshal(&v) }

// UnmarshalJSON keeps members without a field in Extra.
func (v *HeavyFailures) UnmarshalJSON(b []byte) error { return decode(b, v) }

// MarshalJSON writes the fields that are set and Extra.
func (v HeavyFailures) MarshalJSON() ([]byte, error) { return wire.Marshal(&v) }

// UnmarshalJSON keeps members without a field in Extra.
func (v *Essentials) UnmarshalJSON(b []byte) error { return decode(b, v) }

// MarshalJSON writes the fields that are set and Extra.
func (v Essentials) MarshalJSON() ([]byte, error) { return wire.Marshal(&v) }

// UnmarshalJSON keeps members without a field in Extra.
func (v *Scores) UnmarshalJSON(b []byte) error { return decode(b, v) }

// MarshalJSON writes the fields that are set and Extra.
func (v Scores) MarshalJSON() ([]byte, error) { return wire.Marshal(&v) }

// UnmarshalJSON keeps members without a field in Extra.
func (v *CreditScore) UnmarshalJSON(b []byte) error { return decode(b, v) }

// MarshalJSON writes the fields that are set and Extra.
func (v CreditScore) MarshalJSON() ([]byte, error) { return wire.Marshal(&v) }

// UnmarshalJSON keeps members without a field in Extra.
func (v *ScoreIndicators) UnmarshalJSON(b []byte) error { return decode(b, v) }

// MarshalJSON writes the fields that are set and Extra.
func (v ScoreIndicators) MarshalJSON() ([]byte, error) { return wire.Marshal(&v) }

// UnmarshalJSON keeps members without a field in Extra.
func (v *PaymentScore) UnmarshalJSON(b []byte) error { return decode(b, v) }

// MarshalJSON writes the fields that are set and Extra.
func (v PaymentScore) MarshalJSON() ([]byte, error) { return wire.Marshal(&v) }

// UnmarshalJSON keeps members without a field in Extra.
func (v *Transaction) UnmarshalJSON(b []byte) error { return decode(b, v) }

// MarshalJSON writes the fields that are set and Extra.
func (v Transaction) MarshalJSON() ([]byte, error) { return wire.Marshal(&v) }

// UnmarshalJSON keeps members without a field in Extra.
func (v *TransactionDates) UnmarshalJSON(b []byte) error { return decode(b, v) }

// MarshalJSON writes the fields that are set and Extra.
func (v TransactionDates) MarshalJSON() ([]byte, error) { return wire.Marshal(&v) }

// UnmarshalJSON keeps members without a field in Extra.
func (v *Enrichments) UnmarshalJSON(b []byte) error { return decode(b, v) }

// MarshalJSON writes the fields that are set and Extra.
func (v Enrichments) MarshalJSON() ([]byte, error) { return wire.Marshal(&v) }

// UnmarshalJSON keeps members without a field in Extra.
func (v *Subscription) UnmarshalJSON(b []byte) error { return decode(b, v) }

// MarshalJSON writes the fields that are set and Extra.
func (v Subscription) MarshalJSON() ([]byte, error) { return wire.Marshal(&v) }

// UnmarshalJSON keeps members without a field in Extra.
func (v *SubscriptionEvent) UnmarshalJSON(b []byte) error { return decode(b, v) }

// MarshalJSON writes the fields that are set and Extra.
func (v SubscriptionEvent) MarshalJSON() ([]byte, error) { return wire.Marshal(&v) }

// UnmarshalJSON keeps members without a field in Extra.
func (n *NewSubscription) UnmarshalJSON(b []byte) error { return decode(b, n) }

// MarshalJSON writes the fields that are set and Extra.
func (n NewSubscription) MarshalJSON() ([]byte, error) { return wire.Marshal(&n) }
