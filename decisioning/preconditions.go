package decisioning

import (
	"fmt"
	"slices"
	"strconv"

	"github.com/ccr-sdk/ccr"
	"github.com/go-json-experiment/json/jsontext"
)

// Precondition is something that Algoan documents an analysis to need. Each is
// checked before anything is sent, unless [AnalysisInput.Skip] names it: a
// business project takes professional accounts, for one.
type Precondition string

const (
	// PreconditionCheckingAccount: one account at least is CHECKING.
	PreconditionCheckingAccount Precondition = "checking account"
	// PreconditionTransactions: one CHECKING account at least has
	// [MinTransactions].
	PreconditionTransactions Precondition = "transactions"
	// PreconditionUsage: no account is PROFESSIONAL.
	PreconditionUsage Precondition = "usage"
	// PreconditionCurrency: all accounts and transactions have one currency.
	PreconditionCurrency Precondition = "currency"
	// PreconditionBankName: each account names its bank.
	PreconditionBankName Precondition = "bank name"
	// PreconditionDates: each account has a balance date, and each
	// transaction a day it was debited or booked.
	PreconditionDates Precondition = "dates"
	// PreconditionMembers: each account has balance, currency, type and usage,
	// and each transaction amount, currency and description.
	PreconditionMembers Precondition = "members"
)

// AllPreconditions returns all of them, to skip all.
func AllPreconditions() []Precondition {
	return []Precondition{
		PreconditionCheckingAccount, PreconditionTransactions, PreconditionUsage, PreconditionCurrency,
		PreconditionBankName, PreconditionDates, PreconditionMembers,
	}
}

// MinTransactions is how many transactions an analysis needs on one CHECKING
// account.
const MinTransactions = 20

// Validate reports every fault of the input without sending it: what
// contradicts itself, and each precondition that is not skipped. Paths are
// those of the JSON; values are never quoted.
func (in AnalysisInput) Validate() error {
	var f ccr.Faults
	checkData(&f, in.Accounts, in.RawAccounts != nil, in.Connections != nil, in.Format, in.Extra)
	if len(in.Accounts) > 0 {
		checkPreconditions(&f, in.Accounts, in.Skip)
	} else if in.Accounts != nil && in.RawAccounts == nil && !slices.Contains(in.Skip, PreconditionCheckingAccount) {
		f.Add("accounts", "is empty; leave it out to create an analysis that waits for data")
	}
	checkSkip(&f, in.Skip)
	return f.Err(service, "CreateAnalysis")
}

// Validate reports every fault of the update without sending it. Accounts are
// held to the same preconditions as those of [AnalysisInput].
func (u AnalysisUpdate) Validate() error {
	var f ccr.Faults
	checkData(&f, u.Accounts, u.RawAccounts != nil, u.Connections != nil, u.Format, u.Extra)
	if len(u.Accounts) > 0 {
		checkPreconditions(&f, u.Accounts, u.Skip)
	}
	if u.Error != nil && u.Status != StatusError {
		f.Add("status", "must be ERROR when an error is reported")
	}
	if u.Accounts == nil && u.RawAccounts == nil && u.Connections == nil && u.AccountOwnerships == nil &&
		u.Status == "" && u.Error == nil && len(u.Extra) == 0 {
		f.Add("update", "changes nothing")
	}
	checkSkip(&f, u.Skip)
	return f.Err(service, "UpdateAnalysis")
}

// checkData refuses data in two formats, and raw data in none.
func checkData(f *ccr.Faults, accounts []Account, rawAccounts, connections bool, format Format, extra map[string]jsontext.Value) {
	if rawAccounts && accounts != nil {
		f.Add("accounts", "are given both in Algoan's format and raw")
	}
	if _, given := extra["format"]; given {
		return
	}
	switch {
	case (rawAccounts || connections) && format == "":
		f.Add("format", "is required with raw data: it says whose format it is")
	case format != "" && accounts != nil && !rawAccounts:
		f.Add("format", "is for raw data; leave it out with accounts in Algoan's own format")
	case format != "" && !rawAccounts && !connections && extra["accounts"] == nil && extra["connections"] == nil:
		f.Add("format", "is set without raw data")
	}
}

func checkSkip(f *ccr.Faults, skip []Precondition) {
	for i, p := range skip {
		if !slices.Contains(AllPreconditions(), p) {
			f.Add("skip["+strconv.Itoa(i)+"]", "is not a precondition of this package")
		}
	}
}

// checkPreconditions adds a fault for each one that does not hold.
func checkPreconditions(f *ccr.Faults, accounts []Account, skip []Precondition) {
	c := &preconditions{f: f, skip: skip}
	checking, most := 0, 0
	for i := range accounts {
		a := &accounts[i]
		if a.Type == AccountChecking {
			checking++
			most = max(most, len(a.Transactions))
		}
		c.account("accounts["+strconv.Itoa(i)+"]", a)
	}
	if c.on(PreconditionCheckingAccount) && checking == 0 {
		f.Add("accounts", "hold no CHECKING account; an analysis needs one at least")
	}
	if c.on(PreconditionTransactions) && checking > 0 && most < MinTransactions {
		f.Add("accounts", fmt.Sprintf("hold no CHECKING account with at least %d transactions", MinTransactions))
	}
}

// preconditions checks one input.
type preconditions struct {
	f        *ccr.Faults
	skip     []Precondition
	currency string // the first one that was seen
}

func (c *preconditions) on(p Precondition) bool { return !slices.Contains(c.skip, p) }

func (c *preconditions) oneCurrency(path, currency string) {
	if currency == "" {
		return
	}
	if c.currency == "" {
		c.currency = currency
	}
	if currency != c.currency {
		c.f.Add(path, "differs from the currency of the accounts and transactions before it; an analysis has one")
	}
}

func (c *preconditions) account(path string, a *Account) {
	if c.on(PreconditionUsage) && a.Usage == UsageProfessional {
		c.f.Add(path+".usage", "is PROFESSIONAL, which the consumer product refuses")
	}
	if c.on(PreconditionBankName) && (a.Bank == nil || a.Bank.Name == "") {
		c.f.Add(path+".bank.name", "is required")
	}
	if c.on(PreconditionDates) && !a.BalanceDate.Known() {
		c.f.Add(path+".balanceDate", "is required, as a date-time with an offset")
	}
	if c.on(PreconditionMembers) {
		required(c.f, path+".balance", a.Balance.IsSet())
		required(c.f, path+".currency", a.Currency != "")
		required(c.f, path+".type", a.Type != "")
		required(c.f, path+".usage", a.Usage != "")
	}
	if c.on(PreconditionCurrency) {
		c.oneCurrency(path+".currency", a.Currency)
	}
	c.transactions(path, a.Transactions)
}

func (c *preconditions) transactions(path string, all []Transaction) {
	dates, members, currency := c.on(PreconditionDates), c.on(PreconditionMembers), c.on(PreconditionCurrency)
	for j := range all {
		t := &all[j]
		if dates && !t.Dates.DebitedAt.Known() && !t.Dates.BookedAt.Known() {
			c.f.Add(at(path, j)+".dates", "need debitedAt or bookedAt, as a date-time with an offset")
		}
		if members && (!t.Amount.IsSet() || t.Currency == "" || t.Description == "") {
			required(c.f, at(path, j)+".amount", t.Amount.IsSet())
			required(c.f, at(path, j)+".currency", t.Currency != "")
			required(c.f, at(path, j)+".description", t.Description != "")
		}
		if currency && t.Currency != c.currency {
			c.oneCurrency(at(path, j)+".currency", t.Currency)
		}
	}
}

func at(account string, transaction int) string {
	return account + ".transactions[" + strconv.Itoa(transaction) + "]"
}

func required(f *ccr.Faults, path string, given bool) {
	if !given {
		f.Add(path, "is required")
	}
}
