package decisioning

import (
	"context"

	"github.com/ccr-sdk/ccr"
)

// Scores returns the scores of a completed analysis.
func (c *Client) Scores(ctx context.Context, customerID, analysisID string, opts ...ccr.CallOption) (*Scores, error) {
	return call[Scores](ctx, c, routeScores, nil, opts, customerID, analysisID)
}

// Incomes returns the incomes of a completed analysis.
func (c *Client) Incomes(ctx context.Context, customerID, analysisID string, opts ...ccr.CallOption) (*Incomes, error) {
	return call[Incomes](ctx, c, routeIncomes, nil, opts, customerID, analysisID)
}

// Expenses returns the expenses of a completed analysis.
func (c *Client) Expenses(ctx context.Context, customerID, analysisID string, opts ...ccr.CallOption) (*Expenses, error) {
	return call[Expenses](ctx, c, routeExpenses, nil, opts, customerID, analysisID)
}

// Loans returns the loans of a completed analysis.
func (c *Client) Loans(ctx context.Context, customerID, analysisID string, opts ...ccr.CallOption) (*Loans, error) {
	return call[Loans](ctx, c, routeLoans, nil, opts, customerID, analysisID)
}

// Risks returns the risk indicators of a completed analysis.
func (c *Client) Risks(ctx context.Context, customerID, analysisID string, opts ...ccr.CallOption) (*Risks, error) {
	return call[Risks](ctx, c, routeRisks, nil, opts, customerID, analysisID)
}

// Essentials returns the short form of the insights. Algoan documents the
// object, not its path. Inferred.
func (c *Client) Essentials(ctx context.Context, customerID, analysisID string, opts ...ccr.CallOption) (*Essentials, error) {
	return call[Essentials](ctx, c, routeEssentials, nil, opts, customerID, analysisID)
}

// CashFlows lists the cash flows of a completed analysis.
func (c *Client) CashFlows(customerID, analysisID string, o ListOptions, opts ...ccr.CallOption) *ccr.Pages[CashFlow] {
	return list[CashFlow](c, routeCashFlows, []string{customerID, analysisID}, o, opts)
}

// Accounts lists the accounts of an analysis.
func (c *Client) Accounts(customerID, analysisID string, o ListOptions, opts ...ccr.CallOption) *ccr.Pages[Account] {
	return list[Account](c, routeAccounts, []string{customerID, analysisID}, o, opts)
}

// Transactions lists the enriched transactions of an analysis.
func (c *Client) Transactions(customerID, analysisID string, o ListOptions, opts ...ccr.CallOption) *ccr.Pages[Transaction] {
	return list[Transaction](c, routeTransactions, []string{customerID, analysisID}, o, opts)
}

// AccountTransactions lists the transactions of one account.
func (c *Client) AccountTransactions(customerID, analysisID, accountID string, o ListOptions, opts ...ccr.CallOption) *ccr.Pages[Transaction] {
	return list[Transaction](c, routeAccountTransactions, []string{customerID, analysisID, accountID}, o, opts)
}
