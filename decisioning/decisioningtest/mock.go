package decisioningtest

import (
	"context"
	"errors"
	"iter"

	"github.com/ccr-sdk/ccr"
	"github.com/ccr-sdk/ccr/decisioning"
)

// ErrNotMocked: a method of a [Mock] was called whose func field is nil.
var ErrNotMocked = errors.New("decisioningtest: the method is not mocked")

// Mock implements [decisioning.API] by its func fields, one a method. A method
// without one fails with [ErrNotMocked]. Lists, pollers and errors for it are
// made with [ccr.PagesOf], [ccr.PollerOf] and literals of the types.
type Mock struct {
	CreateCustomerFunc      func(ctx context.Context, n decisioning.NewCustomer, opts ...ccr.CallOption) (*decisioning.Customer, error)
	CustomerFunc            func(ctx context.Context, customerID string, opts ...ccr.CallOption) (*decisioning.Customer, error)
	CustomersFunc           func(opts ...decisioning.ListOption) *ccr.Pages[decisioning.Customer]
	UpdateCustomerFunc      func(ctx context.Context, customerID string, u decisioning.CustomerUpdate, opts ...ccr.CallOption) (*decisioning.Customer, error)
	DeleteCustomerFunc      func(ctx context.Context, customerID string, opts ...ccr.CallOption) error
	FindCustomerFunc        func(ctx context.Context, customIdentifier string, opts ...ccr.CallOption) (*decisioning.Customer, error)
	EnsureCustomerFunc      func(ctx context.Context, n decisioning.NewCustomer, opts ...ccr.CallOption) (*decisioning.Customer, error)
	CreateAnalysisFunc      func(ctx context.Context, customerID string, in decisioning.AnalysisInput, opts ...ccr.CallOption) (*decisioning.Analysis, error)
	AnalysisFunc            func(ctx context.Context, customerID, analysisID string, opts ...ccr.CallOption) (*decisioning.Analysis, error)
	AnalysesFunc            func(customerID string, opts ...decisioning.ListOption) *ccr.Pages[decisioning.Analysis]
	UpdateAnalysisFunc      func(ctx context.Context, customerID, analysisID string, u decisioning.AnalysisUpdate, opts ...ccr.CallOption) (*decisioning.Analysis, error)
	ScoresFunc              func(ctx context.Context, customerID, analysisID string, opts ...ccr.CallOption) (*decisioning.Scores, error)
	IncomesFunc             func(ctx context.Context, customerID, analysisID string, opts ...ccr.CallOption) (*decisioning.Incomes, error)
	ExpensesFunc            func(ctx context.Context, customerID, analysisID string, opts ...ccr.CallOption) (*decisioning.Expenses, error)
	LoansFunc               func(ctx context.Context, customerID, analysisID string, opts ...ccr.CallOption) (*decisioning.Loans, error)
	RisksFunc               func(ctx context.Context, customerID, analysisID string, opts ...ccr.CallOption) (*decisioning.Risks, error)
	EssentialsFunc          func(ctx context.Context, customerID, analysisID string, opts ...ccr.CallOption) (*decisioning.Essentials, error)
	CashFlowsFunc           func(customerID, analysisID string, opts ...decisioning.ListOption) *ccr.Pages[decisioning.CashFlow]
	AccountsFunc            func(customerID, analysisID string, opts ...decisioning.ListOption) *ccr.Pages[decisioning.Account]
	TransactionsFunc        func(customerID, analysisID string, opts ...decisioning.ListOption) *ccr.Pages[decisioning.Transaction]
	AccountTransactionsFunc func(customerID, analysisID, accountID string, opts ...decisioning.ListOption) *ccr.Pages[decisioning.Transaction]
	WaitAnalysisFunc        func(ctx context.Context, customerID, analysisID string, opts ...ccr.CallOption) (*decisioning.Analysis, error)
	AnalysisPollerFunc      func(customerID, analysisID string, opts ...ccr.CallOption) *ccr.Poller[*decisioning.Analysis]
	ResumeAnalysisFunc      func(token string, opts ...ccr.CallOption) (*ccr.Poller[*decisioning.Analysis], error)
	WaitAnalysesFunc        func(ctx context.Context, refs []decisioning.AnalysisRef, inFlight int, opts ...ccr.CallOption) iter.Seq[decisioning.WaitedAnalysis]
	SubscriptionsFunc       func(ctx context.Context, events []decisioning.EventName, opts ...ccr.CallOption) ([]decisioning.Subscription, error)
	CreateSubscriptionFunc  func(ctx context.Context, n decisioning.NewSubscription, opts ...ccr.CallOption) (*decisioning.Subscription, error)
	UpdateSubscriptionFunc  func(ctx context.Context, subscriptionID string, status decisioning.SubscriptionStatus, opts ...ccr.CallOption) error
	EnsureSubscriptionsFunc func(ctx context.Context, wanted []decisioning.NewSubscription, opts ...ccr.CallOption) ([]decisioning.Subscription, error)
	EventsFunc              func(subscriptionID string, opts ...decisioning.ListOption) *ccr.Pages[decisioning.SubscriptionEvent]
	UpdateEventFunc         func(ctx context.Context, subscriptionID, eventID string, status decisioning.EventStatus, opts ...ccr.CallOption) error
}

var _ decisioning.API = (*Mock)(nil)

func none[T any](method string) (T, error) { //nolint:unparam // the zero value of every type
	var zero T
	return zero, &notMocked{method}
}

func noPages[T any](method string) *ccr.Pages[T] {
	return ccr.NewPages(func(context.Context, int) (ccr.Page[T], error) { return none[ccr.Page[T]](method) })
}

type notMocked struct{ method string }

func (e *notMocked) Error() string { return "decisioningtest: Mock." + e.method + "Func is nil" }
func (e *notMocked) Unwrap() error { return ErrNotMocked }

// CreateCustomer calls CreateCustomerFunc.
func (m *Mock) CreateCustomer(ctx context.Context, n decisioning.NewCustomer, opts ...ccr.CallOption) (*decisioning.Customer, error) {
	if m.CreateCustomerFunc == nil {
		return none[*decisioning.Customer]("CreateCustomer")
	}
	return m.CreateCustomerFunc(ctx, n, opts...)
}

// Customer calls CustomerFunc.
func (m *Mock) Customer(ctx context.Context, customerID string, opts ...ccr.CallOption) (*decisioning.Customer, error) {
	if m.CustomerFunc == nil {
		return none[*decisioning.Customer]("Customer")
	}
	return m.CustomerFunc(ctx, customerID, opts...)
}

// Customers calls CustomersFunc.
func (m *Mock) Customers(opts ...decisioning.ListOption) *ccr.Pages[decisioning.Customer] {
	if m.CustomersFunc == nil {
		return noPages[decisioning.Customer]("Customers")
	}
	return m.CustomersFunc(opts...)
}

// UpdateCustomer calls UpdateCustomerFunc.
func (m *Mock) UpdateCustomer(ctx context.Context, customerID string, u decisioning.CustomerUpdate, opts ...ccr.CallOption) (*decisioning.Customer, error) {
	if m.UpdateCustomerFunc == nil {
		return none[*decisioning.Customer]("UpdateCustomer")
	}
	return m.UpdateCustomerFunc(ctx, customerID, u, opts...)
}

// DeleteCustomer calls DeleteCustomerFunc.
func (m *Mock) DeleteCustomer(ctx context.Context, customerID string, opts ...ccr.CallOption) error {
	if m.DeleteCustomerFunc == nil {
		return &notMocked{"DeleteCustomer"}
	}
	return m.DeleteCustomerFunc(ctx, customerID, opts...)
}

// FindCustomer calls FindCustomerFunc.
func (m *Mock) FindCustomer(ctx context.Context, customIdentifier string, opts ...ccr.CallOption) (*decisioning.Customer, error) {
	if m.FindCustomerFunc == nil {
		return none[*decisioning.Customer]("FindCustomer")
	}
	return m.FindCustomerFunc(ctx, customIdentifier, opts...)
}

// EnsureCustomer calls EnsureCustomerFunc.
func (m *Mock) EnsureCustomer(ctx context.Context, n decisioning.NewCustomer, opts ...ccr.CallOption) (*decisioning.Customer, error) {
	if m.EnsureCustomerFunc == nil {
		return none[*decisioning.Customer]("EnsureCustomer")
	}
	return m.EnsureCustomerFunc(ctx, n, opts...)
}

// CreateAnalysis calls CreateAnalysisFunc.
func (m *Mock) CreateAnalysis(ctx context.Context, customerID string, in decisioning.AnalysisInput, opts ...ccr.CallOption) (*decisioning.Analysis, error) {
	if m.CreateAnalysisFunc == nil {
		return none[*decisioning.Analysis]("CreateAnalysis")
	}
	return m.CreateAnalysisFunc(ctx, customerID, in, opts...)
}

// Analysis calls AnalysisFunc.
func (m *Mock) Analysis(ctx context.Context, customerID, analysisID string, opts ...ccr.CallOption) (*decisioning.Analysis, error) {
	if m.AnalysisFunc == nil {
		return none[*decisioning.Analysis]("Analysis")
	}
	return m.AnalysisFunc(ctx, customerID, analysisID, opts...)
}

// Analyses calls AnalysesFunc.
func (m *Mock) Analyses(customerID string, opts ...decisioning.ListOption) *ccr.Pages[decisioning.Analysis] {
	if m.AnalysesFunc == nil {
		return noPages[decisioning.Analysis]("Analyses")
	}
	return m.AnalysesFunc(customerID, opts...)
}

// UpdateAnalysis calls UpdateAnalysisFunc.
func (m *Mock) UpdateAnalysis(ctx context.Context, customerID, analysisID string, u decisioning.AnalysisUpdate, opts ...ccr.CallOption) (*decisioning.Analysis, error) {
	if m.UpdateAnalysisFunc == nil {
		return none[*decisioning.Analysis]("UpdateAnalysis")
	}
	return m.UpdateAnalysisFunc(ctx, customerID, analysisID, u, opts...)
}

// Scores calls ScoresFunc.
func (m *Mock) Scores(ctx context.Context, customerID, analysisID string, opts ...ccr.CallOption) (*decisioning.Scores, error) {
	if m.ScoresFunc == nil {
		return none[*decisioning.Scores]("Scores")
	}
	return m.ScoresFunc(ctx, customerID, analysisID, opts...)
}

// Incomes calls IncomesFunc.
func (m *Mock) Incomes(ctx context.Context, customerID, analysisID string, opts ...ccr.CallOption) (*decisioning.Incomes, error) {
	if m.IncomesFunc == nil {
		return none[*decisioning.Incomes]("Incomes")
	}
	return m.IncomesFunc(ctx, customerID, analysisID, opts...)
}

// Expenses calls ExpensesFunc.
func (m *Mock) Expenses(ctx context.Context, customerID, analysisID string, opts ...ccr.CallOption) (*decisioning.Expenses, error) {
	if m.ExpensesFunc == nil {
		return none[*decisioning.Expenses]("Expenses")
	}
	return m.ExpensesFunc(ctx, customerID, analysisID, opts...)
}

// Loans calls LoansFunc.
func (m *Mock) Loans(ctx context.Context, customerID, analysisID string, opts ...ccr.CallOption) (*decisioning.Loans, error) {
	if m.LoansFunc == nil {
		return none[*decisioning.Loans]("Loans")
	}
	return m.LoansFunc(ctx, customerID, analysisID, opts...)
}

// Risks calls RisksFunc.
func (m *Mock) Risks(ctx context.Context, customerID, analysisID string, opts ...ccr.CallOption) (*decisioning.Risks, error) {
	if m.RisksFunc == nil {
		return none[*decisioning.Risks]("Risks")
	}
	return m.RisksFunc(ctx, customerID, analysisID, opts...)
}

// Essentials calls EssentialsFunc.
func (m *Mock) Essentials(ctx context.Context, customerID, analysisID string, opts ...ccr.CallOption) (*decisioning.Essentials, error) {
	if m.EssentialsFunc == nil {
		return none[*decisioning.Essentials]("Essentials")
	}
	return m.EssentialsFunc(ctx, customerID, analysisID, opts...)
}

// CashFlows calls CashFlowsFunc.
func (m *Mock) CashFlows(customerID, analysisID string, opts ...decisioning.ListOption) *ccr.Pages[decisioning.CashFlow] {
	if m.CashFlowsFunc == nil {
		return noPages[decisioning.CashFlow]("CashFlows")
	}
	return m.CashFlowsFunc(customerID, analysisID, opts...)
}

// Accounts calls AccountsFunc.
func (m *Mock) Accounts(customerID, analysisID string, opts ...decisioning.ListOption) *ccr.Pages[decisioning.Account] {
	if m.AccountsFunc == nil {
		return noPages[decisioning.Account]("Accounts")
	}
	return m.AccountsFunc(customerID, analysisID, opts...)
}

// Transactions calls TransactionsFunc.
func (m *Mock) Transactions(customerID, analysisID string, opts ...decisioning.ListOption) *ccr.Pages[decisioning.Transaction] {
	if m.TransactionsFunc == nil {
		return noPages[decisioning.Transaction]("Transactions")
	}
	return m.TransactionsFunc(customerID, analysisID, opts...)
}

// AccountTransactions calls AccountTransactionsFunc.
func (m *Mock) AccountTransactions(customerID, analysisID, accountID string, opts ...decisioning.ListOption) *ccr.Pages[decisioning.Transaction] {
	if m.AccountTransactionsFunc == nil {
		return noPages[decisioning.Transaction]("AccountTransactions")
	}
	return m.AccountTransactionsFunc(customerID, analysisID, accountID, opts...)
}

// WaitAnalysis calls WaitAnalysisFunc.
func (m *Mock) WaitAnalysis(ctx context.Context, customerID, analysisID string, opts ...ccr.CallOption) (*decisioning.Analysis, error) {
	if m.WaitAnalysisFunc == nil {
		return none[*decisioning.Analysis]("WaitAnalysis")
	}
	return m.WaitAnalysisFunc(ctx, customerID, analysisID, opts...)
}

// AnalysisPoller calls AnalysisPollerFunc.
func (m *Mock) AnalysisPoller(customerID, analysisID string, opts ...ccr.CallOption) *ccr.Poller[*decisioning.Analysis] {
	if m.AnalysisPollerFunc == nil {
		return ccr.NewPoller("", func(context.Context) (ccr.PollState[*decisioning.Analysis], error) {
			return none[ccr.PollState[*decisioning.Analysis]]("AnalysisPoller")
		})
	}
	return m.AnalysisPollerFunc(customerID, analysisID, opts...)
}

// ResumeAnalysis calls ResumeAnalysisFunc.
func (m *Mock) ResumeAnalysis(token string, opts ...ccr.CallOption) (*ccr.Poller[*decisioning.Analysis], error) {
	if m.ResumeAnalysisFunc == nil {
		return none[*ccr.Poller[*decisioning.Analysis]]("ResumeAnalysis")
	}
	return m.ResumeAnalysisFunc(token, opts...)
}

// WaitAnalyses calls WaitAnalysesFunc.
func (m *Mock) WaitAnalyses(ctx context.Context, refs []decisioning.AnalysisRef, inFlight int, opts ...ccr.CallOption) iter.Seq[decisioning.WaitedAnalysis] {
	if m.WaitAnalysesFunc == nil {
		return func(yield func(decisioning.WaitedAnalysis) bool) {
			yield(decisioning.WaitedAnalysis{Err: &notMocked{"WaitAnalyses"}})
		}
	}
	return m.WaitAnalysesFunc(ctx, refs, inFlight, opts...)
}

// Subscriptions calls SubscriptionsFunc.
func (m *Mock) Subscriptions(ctx context.Context, events []decisioning.EventName, opts ...ccr.CallOption) ([]decisioning.Subscription, error) {
	if m.SubscriptionsFunc == nil {
		return none[[]decisioning.Subscription]("Subscriptions")
	}
	return m.SubscriptionsFunc(ctx, events, opts...)
}

// CreateSubscription calls CreateSubscriptionFunc.
func (m *Mock) CreateSubscription(ctx context.Context, n decisioning.NewSubscription, opts ...ccr.CallOption) (*decisioning.Subscription, error) {
	if m.CreateSubscriptionFunc == nil {
		return none[*decisioning.Subscription]("CreateSubscription")
	}
	return m.CreateSubscriptionFunc(ctx, n, opts...)
}

// UpdateSubscription calls UpdateSubscriptionFunc.
func (m *Mock) UpdateSubscription(ctx context.Context, subscriptionID string, status decisioning.SubscriptionStatus, opts ...ccr.CallOption) error {
	if m.UpdateSubscriptionFunc == nil {
		return &notMocked{"UpdateSubscription"}
	}
	return m.UpdateSubscriptionFunc(ctx, subscriptionID, status, opts...)
}

// EnsureSubscriptions calls EnsureSubscriptionsFunc.
func (m *Mock) EnsureSubscriptions(ctx context.Context, wanted []decisioning.NewSubscription, opts ...ccr.CallOption) ([]decisioning.Subscription, error) {
	if m.EnsureSubscriptionsFunc == nil {
		return none[[]decisioning.Subscription]("EnsureSubscriptions")
	}
	return m.EnsureSubscriptionsFunc(ctx, wanted, opts...)
}

// Events calls EventsFunc.
func (m *Mock) Events(subscriptionID string, opts ...decisioning.ListOption) *ccr.Pages[decisioning.SubscriptionEvent] {
	if m.EventsFunc == nil {
		return noPages[decisioning.SubscriptionEvent]("Events")
	}
	return m.EventsFunc(subscriptionID, opts...)
}

// UpdateEvent calls UpdateEventFunc.
func (m *Mock) UpdateEvent(ctx context.Context, subscriptionID, eventID string, status decisioning.EventStatus, opts ...ccr.CallOption) error {
	if m.UpdateEventFunc == nil {
		return &notMocked{"UpdateEvent"}
	}
	return m.UpdateEventFunc(ctx, subscriptionID, eventID, status, opts...)
}
