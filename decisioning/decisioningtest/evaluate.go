package decisioningtest

import (
	"cmp"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/ccr-sdk/ccr"
	"github.com/ccr-sdk/ccr/decisioning"
	"github.com/go-json-experiment/json/jsontext"
)

// The codes that the rule table gives an analysis that cannot be made. Those
// of Algoan's engine are not published; these name the situations that its
// sample profiles stand for.
const (
	CodeAccountTypeNotSupported = "ACCOUNT_TYPE_NOT_SUPPORTED" // no account is of a known type
	CodeNoCheckingAccount       = "NO_CHECKING_ACCOUNT"        // none is CHECKING
	CodeCurrencyNotSupported    = "CURRENCY_NOT_SUPPORTED"     // not EUR throughout, nor GBP throughout
	CodeOwnershipNotSupported   = "OWNERSHIP_NOT_SUPPORTED"    // every CHECKING account is an attorney's
	CodeUsageNotSupported       = "USAGE_NOT_SUPPORTED"        // every CHECKING account is professional
	CodeNotEnoughTransactions   = "NOT_ENOUGH_TRANSACTIONS"    // no usable CHECKING account has 20
	CodeBadRequest              = "BAD_REQUEST"                // data that the rules cannot read
)

// outcome is what the rules make of accounts.
type outcome struct {
	failure      *decisioning.Failure
	accounts     []decisioning.Account // as output, without transactions
	transactions []decisioning.Transaction
	scores       *decisioning.Scores
	insights     *decisioning.CreditInsights
	metadata     *decisioning.AnalysisMetadata
}

func failed(code, message string) outcome {
	return outcome{failure: &decisioning.Failure{Code: code, Message: message}}
}

// usable returns the positions of the accounts that the rules look at, or why
// there are none.
func usable(accounts []decisioning.Account, business bool) ([]int, *outcome) {
	known, checking := 0, []int{}
	for i, a := range accounts {
		switch a.Type {
		case decisioning.AccountChecking:
			checking = append(checking, i)
			known++
		case decisioning.AccountSavings, decisioning.AccountLoan, decisioning.AccountCreditCard:
			known++
		}
	}
	without := func(drop func(*decisioning.Account) bool) {
		checking = slices.DeleteFunc(checking, func(i int) bool { return drop(&accounts[i]) })
	}
	no := func(code, message string) ([]int, *outcome) {
		o := failed(code, message)
		return nil, &o
	}
	switch {
	case known == 0:
		return no(CodeAccountTypeNotSupported, "No account has a supported type")
	case len(checking) == 0:
		return no(CodeNoCheckingAccount, "There is no checking account")
	case !oneCurrency(accounts):
		return no(CodeCurrencyNotSupported, "The currency is not supported")
	}
	without(func(a *decisioning.Account) bool {
		return a.Ownership == decisioning.OwnershipAttorney || a.Ownership == decisioning.OwnershipOther
	})
	if len(checking) == 0 {
		return no(CodeOwnershipNotSupported, "The customer owns none of the accounts")
	}
	if !business {
		without(func(a *decisioning.Account) bool { return a.Usage == decisioning.UsageProfessional })
	}
	if len(checking) == 0 {
		return no(CodeUsageNotSupported, "The accounts are professional")
	}
	if !slices.ContainsFunc(checking, func(i int) bool { return len(accounts[i].Transactions) >= decisioning.MinTransactions }) {
		return no(CodeNotEnoughTransactions, "There are not enough transactions")
	}
	return checking, nil
}

func oneCurrency(accounts []decisioning.Account) bool {
	currency := accounts[0].Currency
	if currency != "EUR" && currency != "GBP" {
		return false
	}
	for _, a := range accounts {
		if a.Currency != currency {
			return false
		}
		for i := range a.Transactions {
			if a.Transactions[i].Currency != currency {
				return false
			}
		}
	}
	return true
}

// evaluate applies the rules; newID numbers what they make.
func (s *Server) evaluate(accounts []decisioning.Account, newID func() string) outcome {
	if len(accounts) == 0 {
		return failed(CodeAccountTypeNotSupported, "No account has a supported type")
	}
	checking, bad := usable(accounts, s.cfg.Business)
	if bad != nil {
		return *bad
	}
	var reference time.Time
	for _, i := range checking {
		if t := accounts[i].BalanceDate.Time(); t.After(reference) {
			reference = t
		}
	}
	var o outcome
	var seen []ruled
	var p picture
	for i, a := range accounts {
		id := newID()
		var mine []ruled
		for _, t := range a.Transactions {
			n, ok := cents(t.Amount)
			if !ok {
				return failed(CodeBadRequest, "An amount cannot be read")
			}
			r := ruled{Transaction: t, cents: n, at: dayOf(t), rule: s.ruleFor(t.Description, n)}
			r.ID, r.AccountID, r.AccountType = newID(), id, a.Type
			r.Enrichments = &decisioning.Enrichments{
				Category: r.rule.category, Type: r.rule.kind,
				IsRejected:          new(r.rule.risk == paymentRejection || r.rule.risk == checkRejection),
				RelatedTransactions: []byte("{}"),
			}
			mine = append(mine, r)
			o.transactions = append(o.transactions, r.Transaction)
		}
		if slices.Contains(checking, i) {
			balance, ok := cents(a.Balance)
			if !ok {
				return failed(CodeBadRequest, "A balance cannot be read")
			}
			inside := slices.DeleteFunc(mine, func(r ruled) bool {
				return r.at.After(reference) || !r.at.After(reference.Add(-window))
			})
			p.add(balance, inside, reference)
			seen = append(seen, inside...)
		}
		a.ID, a.Transactions = id, nil
		a.Extra = withoutID(a.Extra)
		o.accounts = append(o.accounts, a)
	}
	slices.SortStableFunc(seen, func(a, b ruled) int { return a.at.Compare(b.at) })
	o.scores = p.scores()
	o.insights = insights(seen, p, newID)
	o.metadata = metadata(accounts, seen, reference)
	return o
}

// withoutID drops an id of the uploader's, which the server replaces.
func withoutID(extra map[string]jsontext.Value) map[string]jsontext.Value {
	out := map[string]jsontext.Value{}
	for name, v := range extra {
		if name != "id" {
			out[name] = v
		}
	}
	if len(out) == 0 {
		return nil
	}
	return out
}

func dayOf(t decisioning.Transaction) time.Time {
	if t.Dates.DebitedAt.Known() {
		return t.Dates.DebitedAt.Time()
	}
	return t.Dates.BookedAt.Time()
}

func (s *Server) ruleFor(description string, cents int64) *rule {
	upper := " " + strings.ToUpper(description) + " "
	for i := range s.rules {
		if s.rules[i].fits(upper, cents) {
			return &s.rules[i]
		}
	}
	return &s.rules[len(s.rules)-1] // it fits everything
}

// add takes one account's transactions into the picture.
func (p *picture) add(balance int64, txs []ruled, reference time.Time) {
	for _, r := range txs {
		if r.rule.risk == paymentRejection || r.rule.risk == checkRejection {
			p.incidents++
			continue // money that never moved
		}
		if r.cents > 0 {
			p.income += r.cents
		} else {
			p.expense += r.cents
		}
		switch r.rule.risk {
		case gambling:
			p.gambling += r.cents
		case rejectionFee, interventionFee:
			p.incidents++
		case seizure, recovery:
			p.seizures++
		case wageAdvance:
			p.wageAdvances++
		}
	}
	p.balance += balance
	// Backwards from the balance, day by day.
	backwards := slices.Clone(txs)
	slices.SortStableFunc(backwards, func(a, b ruled) int { return b.at.Compare(a.at) })
	until := reference
	for _, r := range backwards {
		if balance < 0 {
			p.daysBelow += int(until.Sub(r.at).Hours() / 24)
		}
		p.minimum = min(p.minimum, balance)
		balance -= r.cents
		until = r.at
	}
	p.minimum = min(p.minimum, balance)
}

func metadata(accounts []decisioning.Account, seen []ruled, reference time.Time) *decisioning.AnalysisMetadata {
	count := func(t decisioning.AccountType) *int {
		n := 0
		for _, a := range accounts {
			if a.Type == t {
				n++
			}
		}
		return &n
	}
	total := 0
	for _, a := range accounts {
		total += len(a.Transactions)
	}
	m := &decisioning.AnalysisMetadata{
		NumberOfCheckings: count(decisioning.AccountChecking), NumberOfSavings: count(decisioning.AccountSavings),
		NumberOfLoans: count(decisioning.AccountLoan), TotalTransactionCount: &total,
		MonthlyTransactionCount: new(float64(len(seen) / 3)),
	}
	if len(seen) > 0 {
		first, last := seen[0].at, seen[len(seen)-1].at
		m.FirstTransactionDate = ccr.NewDateTime(first)
		m.HistoricalDepth = new(int(reference.Sub(first).Hours() / 24))
		m.LastTransactionGap = new(int(reference.Sub(last).Hours() / 24))
		for month := range monthsOf(seen) {
			m.Calendar = append(m.Calendar, decisioning.MonthDays{Month: month, Days: 30})
		}
		slices.SortFunc(m.Calendar, func(a, b decisioning.MonthDays) int { return cmp.Compare(a.Month, b.Month) })
	}
	return m
}

func monthsOf(txs []ruled) map[string]int64 {
	out := map[string]int64{}
	for _, r := range txs {
		out[r.at.Format("2006-01")] += r.cents
	}
	return out
}

func id(n int64) string {
	s := strconv.FormatInt(n, 16)
	return strings.Repeat("0", 24-len(s)) + s
}
