package decisioningtest

import (
	"time"

	"github.com/ccr-sdk/ccr"
	"github.com/ccr-sdk/ccr/decisioning"
)

// SampleProfile is a small profile of nobody: a checking account with a
// salary, a rent and groceries over the 90 days before today. It passes the
// preconditions, and the server scores it well.
func SampleProfile() decisioning.AnalysisInput {
	today := time.Now().UTC().Truncate(24 * time.Hour).Add(12 * time.Hour)
	account := decisioning.Account{
		Type: decisioning.AccountChecking, Usage: decisioning.UsagePersonal, Ownership: decisioning.OwnershipHolder,
		Currency: "EUR", Balance: ccr.AmountFromMinor(187342, 2), BalanceDate: ccr.NewDateTime(today),
		Bank: &decisioning.Bank{Name: "Bank of Samples"}, Owners: []decisioning.AccountOwner{{Name: "SAMPLE PERSON"}},
	}
	add := func(daysAgo int, minor int64, description string) {
		account.Transactions = append(account.Transactions, decisioning.Transaction{
			Amount: ccr.AmountFromMinor(minor, 2), Currency: "EUR", Description: description,
			Dates: decisioning.TransactionDates{BookedAt: ccr.NewDateTime(today.AddDate(0, 0, -daysAgo))},
		})
	}
	for month := range 3 {
		add(30*month+1, 248055, "SALARY FABRIKAM LTD")
		add(30*month+3, -89500, "RENT 14 HARBOUR ROW")
		for week := range 4 {
			add(30*month+7*week+2, -6130, "GROCER ON THE GREEN")
			add(30*month+7*week+5, -845, "BAKER STREET BREAD")
		}
	}
	return decisioning.AnalysisInput{Accounts: []decisioning.Account{account}}
}
