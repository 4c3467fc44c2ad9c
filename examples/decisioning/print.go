package main

import (
	"bytes"
	"cmp"
	"fmt"
	"io"
	"slices"
	"strings"
	"text/tabwriter"

	"github.com/ccr-sdk/ccr"
	"github.com/ccr-sdk/ccr/decisioning"
)

// show prints an analysis as a table. Results that the project does not have
// are left out.
func show(out io.Writer, profile decisioning.AnalysisInput, a *decisioning.Analysis) error {
	var table bytes.Buffer
	w := tabwriter.NewWriter(&table, 0, 0, 2, ' ', 0)
	currency := ""
	if len(profile.Accounts) > 0 {
		currency = profile.Accounts[0].Currency
	}
	row := func(name string, value any, note string) { fmt.Fprintf(w, "%s\t%v\t%s\n", name, value, note) }
	money := func(name string, v ccr.Amount, note string) {
		if v.IsSet() {
			row(name, v.String()+" "+currency, note)
		}
	}
	row("ANALYSIS "+a.ID, a.Status, "")
	if m := a.Metadata; m != nil && m.TotalTransactionCount != nil {
		row("transactions", *m.TotalTransactionCount, "")
	}
	if s := a.Scores; s != nil {
		row("", "", "")
		row("SCORES", "", "")
		if c := s.CreditScore; c != nil {
			row("credit score", c.Value, "0 risky … 1000 safe")
			if i := c.Indicators; i != nil {
				indicator(row, "living standard", i.LivingStandard)
				indicator(row, "budget management", i.BudgetManagement)
				indicator(row, "financial evolution", i.FinancialEvolution)
			}
		}
		if p := s.PaymentScore; p != nil {
			row("payment score", p.Value, "1 risky … 10 safe")
		}
	}
	if c := a.CreditInsights; c != nil {
		if in := c.Incomes; in != nil {
			row("", "", "")
			money("INCOMES a month", in.MonthlyAmount, "")
			categories(money, in.Categories)
		}
		if ex := c.Expenses; ex != nil {
			row("", "", "")
			money("EXPENSES a month", ex.MonthlyAmount, "")
			categories(money, ex.Categories)
		}
		if l := c.Loans; l != nil && l.Repayments != nil {
			row("", "", "")
			money("LOAN REPAYMENTS a month", l.Repayments.MonthlyAmount, "")
		}
		if c.Risks != nil {
			row("", "", "")
			risks(row, money, c.Risks)
		}
	}
	if err := w.Flush(); err != nil {
		return err
	}
	for line := range strings.Lines(table.String()) {
		if _, err := fmt.Fprintln(out, strings.TrimRight(line, " \n")); err != nil {
			return err
		}
	}
	return nil
}

func indicator(row func(string, any, string), name string, v *float64) {
	if v != nil {
		row("  "+name, *v, "-5 … +5, 0 is average")
	}
}

// categories prints the five largest.
func categories(money func(string, ccr.Amount, string), groups []decisioning.CategoryGroup) {
	groups = slices.Clone(groups)
	slices.SortStableFunc(groups, func(a, b decisioning.CategoryGroup) int {
		if a.TotalAmount.Sign() < 0 {
			return a.TotalAmount.Cmp(b.TotalAmount)
		}
		return b.TotalAmount.Cmp(a.TotalAmount)
	})
	for _, g := range groups[:min(5, len(groups))] {
		money("  "+cmp.Or(string(g.Name), "(unnamed)"), g.MonthlyAmount, fmt.Sprintf("%d transactions", len(g.Transactions)))
	}
}

func risks(row func(string, any, string), money func(string, ccr.Amount, string), r *decisioning.Risks) {
	row("RISKS over the period", "", "")
	group := func(name string, g *decisioning.RiskGroup) {
		if g != nil {
			money("  "+name, g.TotalAmount, fmt.Sprintf("%d transactions", len(g.Transactions)))
		}
	}
	group("gambling", r.Gambling)
	if i := r.Incidents; i != nil {
		for _, p := range []struct {
			name string
			r    *decisioning.Rejections
		}{{"rejected payments", i.PaymentRejections}, {"rejected cheques", i.CheckRejections}} {
			if p.r != nil {
				money("  "+p.name, p.r.TotalAmount, fmt.Sprintf("%d transactions, fees %s", len(p.r.Transactions), p.r.TotalFeesAmount))
			}
		}
		group("intervention fees", i.InterventionFees)
	}
	if o := r.Overdraft; o != nil {
		note := ""
		if o.Duration != nil {
			note = fmt.Sprintf("%d days below zero", *o.Duration)
		}
		money("  lowest balance", o.MinimumBalanceReached, note)
		group("overdraft fees", o.Fees)
	}
	if h := r.HeavyFailures; h != nil {
		group("forced recoveries", h.DirectRecoveryOfDebt)
		group("account seizures", h.BankAccountSeizure)
	}
	group("wage advances", r.WageAdvance)
	group("debt collection", r.DebtCollection)
}
