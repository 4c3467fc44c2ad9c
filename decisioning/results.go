package decisioning

import (
	"context"

	"github.com/ccr-sdk/ccr"
)

// result reads one part of an analysis.
func result[T any](ctx context.Context, c *Client, operation, path, customerID, analysisID string, opts []ccr.CallOption) (*T, error) {
	v, _, err := call[T](ctx, c, get(operation, path), []string{customerID, analysisID}, "", nil, opts)
	return v, err
}

// Scores returns the scores of a completed analysis.
func (c *Client) Scores(ctx context.Context, customerID, analysisID string, opts ...ccr.CallOption) (*Scores, error) {
	return result[Scores](ctx, c, "Scores", analysisPath+"/scores", customerID, analysisID, opts)
}

// Incomes returns the incomes of a completed analysis.
func (c *Client) Incomes(ctx context.Context, customerID, analysisID string, opts ...ccr.CallOption) (*Incomes, error) {
	return result[Incomes](ctx, c, "Incomes", insightsPath+"/incomes", customerID, analysisID, opts)
}

// Expenses returns the expenses of a completed analysis.
func (c *Client) Expenses(ctx context.Context, customerID, analysisID string, opts ...ccr.CallOption) (*Expenses, error) {
	return result[Expenses](ctx, c, "Expenses", insightsPath+"/expenses", customerID, analysisID, opts)
}

// Loans returns the loans of a completed analysis.
func (c *Client) Loans(ctx context.Context, customerID, analysisID string, opts ...ccr.CallOption) (*Loans, error) {
	return result[Loans](ctx, c, "Loans", insightsPath+"/loans", customerID, analysisID, opts)
}

// Risks returns the risk indicators of a completed analysis.
func (c *Client) Risks(ctx context.Context, customerID, analysisID string, opts ...ccr.CallOption) (*Risks, error) {
	return result[Risks](ctx, c, "Risks", insightsPath+"/risks", customerID, analysisID, opts)
}

// Essentials returns the short form of the insights. Its path is inferred:
// Algoan documents the object, not where it hangs.
func (c *Client) Essentials(ctx context.Context, customerID, analysisID string, opts ...ccr.CallOption) (*Essentials, error) {
	return result[Essentials](ctx, c, "Essentials", insightsPath+"/essentials", customerID, analysisID, opts)
}

// CashFlows lists the cash flows of a completed analysis.
func (c *Client) CashFlows(customerID, analysisID string, o ListOptions, opts ...ccr.CallOption) *ccr.Pages[CashFlow] {
	return list[CashFlow](c, get("CashFlows", insightsPath+"/cash-flows"), []string{customerID, analysisID}, o, opts)
}

// Accounts lists the accounts of an analysis.
func (c *Client) Accounts(customerID, analysisID string, o ListOptions, opts ...ccr.CallOption) *ccr.Pages[Account] {
	return list[Account](c, get("Accounts", analysisPath+"/accounts"), []string{customerID, analysisID}, o, opts)
}

// Transactions lists the enriched transactions of an analysis.
func (c *Client) Transactions(customerID, analysisID string, o ListOptions, opts ...ccr.CallOption) *ccr.Pages[Transaction] {
	return list[Transaction](c, get("Transactions", analysisPath+"/transactions"), []string{customerID, analysisID}, o, opts)
}

// AccountTransactions lists the transactions of one account.
func (c *Client) AccountTransactions(customerID, analysisID, accountID string, o ListOptions, opts ...ccr.CallOption) *ccr.Pages[Transaction] {
	return list[Transaction](c, get("AccountTransactions", analysisPath+"/accounts/{accountId}/transactions"), []string{customerID, analysisID, accountID}, o, opts)
}
