package decisioningtest

import (
	"cmp"
	"maps"
	"slices"
	"strconv"
	"strings"

	"github.com/ccr-sdk/ccr/decisioning"
)

// insights sums what the rules found.
func insights(seen []ruled, p picture, newID func() string) *decisioning.CreditInsights {
	in := pick(seen, func(r ruled) bool { return r.cents > 0 && !rejected(r) })
	out := pick(seen, func(r ruled) bool { return r.cents < 0 })
	risky := func(kinds ...risk) []ruled {
		return pick(seen, func(r ruled) bool { return slices.Contains(kinds, r.rule.risk) })
	}
	loans := func(kind risk) *decisioning.LoanFlows {
		txs := risky(kind)
		flows := cashFlows(txs, newID)
		return &decisioning.LoanFlows{
			Count: new(len(flows)), TotalAmount: amount(sum(txs)), MonthlyAmount: amount(sum(txs) / 3), Details: flows,
		}
	}
	allowances := pick(in, func(r ruled) bool { return r.rule.category == decisioning.CategoryAllowance })
	ratio := 0.0
	if p.income > 0 {
		ratio = float64(sum(allowances)) / float64(p.income)
	}
	return &decisioning.CreditInsights{
		Version:   "rules-1",
		CashFlows: cashFlows(seen, newID),
		Incomes: &decisioning.Incomes{
			TotalAmount: amount(sum(in)), MonthlyAmount: amount(sum(in) / 3),
			Indicators: &decisioning.IncomeIndicators{AllowancesRatio: &ratio}, Categories: groups(in),
		},
		Expenses: &decisioning.Expenses{TotalAmount: amount(sum(out)), MonthlyAmount: amount(sum(out) / 3), Categories: groups(out)},
		Loans:    &decisioning.Loans{Repayments: loans(repayment), Drawdowns: loans(drawdown)},
		Risks: &decisioning.Risks{
			Gambling: riskGroup(risky(gambling)), WageAdvance: riskGroup(risky(wageAdvance)), DebtCollection: riskGroup(risky(debtCollection)),
			Incidents: &decisioning.Incidents{
				PaymentRejections: rejections(risky(paymentRejection), risky(rejectionFee)),
				CheckRejections:   rejections(risky(checkRejection), nil),
				InterventionFees:  riskGroup(risky(interventionFee)),
			},
			Overdraft: &decisioning.Overdraft{
				MinimumBalanceReached: amount(p.minimum), Duration: new(p.daysBelow), Fees: riskGroup(risky(overdraftFee)),
			},
			HeavyFailures: &decisioning.HeavyFailures{
				DirectRecoveryOfDebt: riskGroup(risky(recovery)), BankAccountSeizure: riskGroup(risky(seizure)),
			},
		},
		Essentials: essentials(p, in, risky(repayment)),
	}
}

func essentials(p picture, in, repayments []ruled) *decisioning.Essentials {
	money := func(cents int64) decisioning.Figure { return decisioning.Figure(amount(cents).String()) }
	month, owed := p.income/3, -sum(repayments)/3
	percent := int64(0)
	if month > 0 {
		percent = 100 * owed / month
	}
	largest := int64(0)
	for _, g := range byKey(in, func(r ruled) string { return label(r) }) {
		largest = max(largest, sum(g))
	}
	return &decisioning.Essentials{
		HistoricalDepth:            decisioning.Figure("90"),
		ActivityScore:              decisioning.Figure(strconv.FormatInt(clamp(int64(len(in))*10, 0, 100), 10)),
		MainIncome:                 money(largest / 3),
		MonthlyRegularIncome:       money(month),
		MonthlyEssentialExpenses:   money(p.expense / 3),
		MonthlyLoanRepayments:      money(-owed),
		MonthlyDiscretionaryIncome: money(month + p.expense/3),
		DebtToIncome:               money(percent),
		RedFlags:                   []byte("[]"),
	}
}

func rejected(r ruled) bool { return r.rule.risk == paymentRejection || r.rule.risk == checkRejection }

func pick(txs []ruled, keep func(ruled) bool) []ruled {
	var out []ruled
	for _, r := range txs {
		if keep(r) {
			out = append(out, r)
		}
	}
	return out
}

func sum(txs []ruled) int64 {
	total := int64(0)
	for _, r := range txs {
		total += r.cents
	}
	return total
}

func plain(txs []ruled) []decisioning.Transaction {
	out := make([]decisioning.Transaction, len(txs))
	for i, r := range txs {
		out[i] = r.Transaction
	}
	return out
}

func riskGroup(txs []ruled) *decisioning.RiskGroup {
	return &decisioning.RiskGroup{TotalAmount: amount(sum(txs)), Transactions: plain(txs)}
}

func rejections(txs, fees []ruled) *decisioning.Rejections {
	return &decisioning.Rejections{
		TotalAmount: amount(sum(txs)), TotalFeesAmount: amount(sum(fees)), Transactions: plain(txs), FeesTransactions: plain(fees),
	}
}

// byKey groups transactions, in the order of the keys.
func byKey(txs []ruled, key func(ruled) string) [][]ruled {
	m := map[string][]ruled{}
	for _, r := range txs {
		k := key(r)
		m[k] = append(m[k], r)
	}
	var out [][]ruled
	for _, k := range slices.Sorted(maps.Keys(m)) {
		out = append(out, m[k])
	}
	return out
}

func groups(txs []ruled) []decisioning.CategoryGroup {
	out := []decisioning.CategoryGroup{}
	for _, g := range byKey(txs, func(r ruled) string { return string(r.rule.category) }) {
		total, months := sum(g), int64(len(monthsOf(g)))
		out = append(out, decisioning.CategoryGroup{
			Name: g[0].rule.category, TotalAmount: amount(total), MonthlyAmount: amount(total / 3),
			MonthlyAmountOfActiveMonths: amount(total / months), Calendar: calendar(g), Transactions: plain(g),
		})
	}
	return out
}

func calendar(txs []ruled) []decisioning.MonthAmount {
	out := []decisioning.MonthAmount{}
	for month, cents := range monthsOf(txs) {
		out = append(out, decisioning.MonthAmount{Month: month, Amount: amount(cents)})
	}
	slices.SortFunc(out, func(a, b decisioning.MonthAmount) int { return cmp.Compare(a.Month, b.Month) })
	return out
}

// label is the letters that a description begins with.
func label(r ruled) string {
	words := strings.FieldsFunc(strings.ToUpper(r.Description), func(c rune) bool { return c < 'A' })
	return strings.Join(words[:min(3, len(words))], " ")
}

func cashFlows(txs []ruled, newID func() string) []decisioning.CashFlow {
	out := []decisioning.CashFlow{}
	for _, g := range byKey(txs, func(r ruled) string { return string(r.rule.category) + "|" + string(r.rule.kind) + "|" + label(r) }) {
		days := []int{}
		for _, r := range g {
			if d := r.at.Day(); !slices.Contains(days, d) {
				days = append(days, d)
			}
		}
		slices.Sort(days)
		f := decisioning.CashFlow{
			ID: newID(), Type: g[0].rule.kind, Category: g[0].rule.category, LabelRoot: label(g[0]), Label: g[0].Description,
			TotalAmount: amount(sum(g)), Calendar: calendar(g), Transactions: plain(g),
		}
		if n := len(g); n > 1 {
			gap := g[n-1].at.Sub(g[0].at).Hours() / 24 / float64(n-1)
			f.Regularity = &decisioning.Regularity{DueDays: days, MeanNumberOfDaysInterval: new(float64(int(gap))), Periodicity: periodicity(gap), Repartition: decisioning.Stable}
		}
		out = append(out, f)
	}
	return out
}

func periodicity(days float64) decisioning.Periodicity {
	switch {
	case days < 2:
		return decisioning.Daily
	case days < 11:
		return decisioning.Weekly
	case days < 21:
		return decisioning.Biweekly
	case days < 45:
		return decisioning.Monthly
	}
	return decisioning.OtherPeriodicity
}
