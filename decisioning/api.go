package decisioning

import (
	"context"

	"github.com/ccr-sdk/ccr"
)

// API is what a [Client] does, for programs that put something else in its
// place in tests; decisioningtest.Mock implements it. It grows when the client
// does, so embed it in implementations of your own.
type API interface {
	// Customers. EnsureCustomer is the one that is safe to repeat.
	CreateCustomer(ctx context.Context, n NewCustomer, opts ...ccr.CallOption) (*Customer, error)
	Customer(ctx context.Context, customerID string, opts ...ccr.CallOption) (*Customer, error)
	Customers(o ListOptions, opts ...ccr.CallOption) *ccr.Pages[Customer]
	UpdateCustomer(ctx context.Context, customerID string, u CustomerUpdate, opts ...ccr.CallOption) (*Customer, error)
	DeleteCustomer(ctx context.Context, customerID string, opts ...ccr.CallOption) error
	FindCustomer(ctx context.Context, customIdentifier string, opts ...ccr.CallOption) (*Customer, error)
	EnsureCustomer(ctx context.Context, n NewCustomer, opts ...ccr.CallOption) (*Customer, error)

	// Analyses: started by CreateAnalysis with data, or by UpdateAnalysis when it
	// is created empty.
	CreateAnalysis(ctx context.Context, customerID string, in AnalysisInput, opts ...ccr.CallOption) (*Analysis, error)
	// EnsureAnalysis creates the analysis that a key stands for once, whatever
	// crashes and however many run; SettleAnalysis ends one of unknown outcome.
	EnsureAnalysis(ctx context.Context, customerID, key string, in AnalysisInput, o EnsureOptions, opts ...ccr.CallOption) (*Analysis, error)
	SettleAnalysis(ctx context.Context, o SettleOptions, opts ...ccr.CallOption) error
	// Analysis, Analyses and UpdateAnalysis read and amend analyses that exist.
	Analysis(ctx context.Context, customerID, analysisID string, opts ...ccr.CallOption) (*Analysis, error)
	Analyses(customerID string, o ListOptions, opts ...ccr.CallOption) *ccr.Pages[Analysis]
	UpdateAnalysis(ctx context.Context, customerID, analysisID string, u AnalysisUpdate, opts ...ccr.CallOption) (*Analysis, error)

	// The results, which exist once an analysis is COMPLETED. Lists are read page
	// by page while they are ranged over.
	Scores(ctx context.Context, customerID, analysisID string, opts ...ccr.CallOption) (*Scores, error)
	Incomes(ctx context.Context, customerID, analysisID string, opts ...ccr.CallOption) (*Incomes, error)
	Expenses(ctx context.Context, customerID, analysisID string, opts ...ccr.CallOption) (*Expenses, error)
	Loans(ctx context.Context, customerID, analysisID string, opts ...ccr.CallOption) (*Loans, error)
	Risks(ctx context.Context, customerID, analysisID string, opts ...ccr.CallOption) (*Risks, error)
	Essentials(ctx context.Context, customerID, analysisID string, opts ...ccr.CallOption) (*Essentials, error)
	CashFlows(customerID, analysisID string, o ListOptions, opts ...ccr.CallOption) *ccr.Pages[CashFlow]
	Accounts(customerID, analysisID string, o ListOptions, opts ...ccr.CallOption) *ccr.Pages[Account]
	Transactions(customerID, analysisID string, o ListOptions, opts ...ccr.CallOption) *ccr.Pages[Transaction]
	AccountTransactions(customerID, analysisID, accountID string, o ListOptions, opts ...ccr.CallOption) *ccr.Pages[Transaction]

	// Waiting, here or resumed in another process; for many: ccr.WaitAll.
	WaitAnalysis(ctx context.Context, customerID, analysisID string, opts ...ccr.CallOption) (*Analysis, error)
	AnalysisPoller(customerID, analysisID string, opts ...ccr.CallOption) *ccr.Poller[*Analysis]
	ResumeAnalysis(token string, opts ...ccr.CallOption) (*ccr.Poller[*Analysis], error)

	// Webhooks: who is called at which event, and what became of the calls.
	Subscriptions(ctx context.Context, events []EventName, opts ...ccr.CallOption) ([]Subscription, error)
	CreateSubscription(ctx context.Context, n NewSubscription, opts ...ccr.CallOption) (*Subscription, error)
	UpdateSubscription(ctx context.Context, subscriptionID string, status SubscriptionStatus, opts ...ccr.CallOption) error
	EnsureSubscriptions(ctx context.Context, wanted []NewSubscription, opts ...ccr.CallOption) ([]Subscription, error)
	Events(subscriptionID string, o ListOptions, opts ...ccr.CallOption) *ccr.Pages[SubscriptionEvent]
	UpdateEvent(ctx context.Context, subscriptionID, eventID string, status EventStatus, opts ...ccr.CallOption) error
}

var _ API = (*Client)(nil)
