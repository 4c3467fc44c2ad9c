package decisioningtest

import (
	"context"
	"fmt"
	"reflect"

	"github.com/ccr-sdk/ccr"
	"github.com/ccr-sdk/ccr/decisioning"
)

// Mock is a [decisioning.API] with a function for each method. A method whose
// function is nil fails the test T with the method's name. Lists, pollers and
// errors for it are made with [ccr.PagesOf], [ccr.PollerOf],
// [decisioning.NewAnalysisError] and literals of the types.
type Mock struct {
	T TB // nil: only the error says which function is missing

	// One for each method of [decisioning.API], of its signature.
	CreateCustomerFunc      func(ctx context.Context, n decisioning.NewCustomer, opts ...ccr.CallOption) (*decisioning.Customer, error)
	CustomerFunc            func(ctx context.Context, customerID string, opts ...ccr.CallOption) (*decisioning.Customer, error)
	CustomersFunc           func(o decisioning.ListOptions, opts ...ccr.CallOption) *ccr.Pages[decisioning.Customer]
	UpdateCustomerFunc      func(ctx context.Context, customerID string, u decisioning.CustomerUpdate, opts ...ccr.CallOption) (*decisioning.Customer, error)
	DeleteCustomerFunc      func(ctx context.Context, customerID string, opts ...ccr.CallOption) error
	FindCustomerFunc        func(ctx context.Context, customIdentifier string, opts ...ccr.CallOption) (*decisioning.Customer, error)
	EnsureCustomerFunc      func(ctx context.Context, n decisioning.NewCustomer, opts ...ccr.CallOption) (*decisioning.Customer, error)
	CreateAnalysisFunc      func(ctx context.Context, customerID string, in decisioning.AnalysisInput, opts ...ccr.CallOption) (*decisioning.Analysis, error)
	EnsureAnalysisFunc      func(ctx context.Context, customerID, key string, in decisioning.AnalysisInput, o decisioning.EnsureOptions, opts ...ccr.CallOption) (*decisioning.Analysis, error)
	SettleAnalysisFunc      func(ctx context.Context, o decisioning.SettleOptions, opts ...ccr.CallOption) error
	AnalysisFunc            func(ctx context.Context, customerID, analysisID string, opts ...ccr.CallOption) (*decisioning.Analysis, error)
	AnalysesFunc            func(customerID string, o decisioning.ListOptions, opts ...ccr.CallOption) *ccr.Pages[decisioning.Analysis]
	UpdateAnalysisFunc      func(ctx context.Context, customerID, analysisID string, u decisioning.AnalysisUpdate, opts ...ccr.CallOption) (*decisioning.Analysis, error)
	ScoresFunc              func(ctx context.Context, customerID, analysisID string, opts ...ccr.CallOption) (*decisioning.Scores, error)
	IncomesFunc             func(ctx context.Context, customerID, analysisID string, opts ...ccr.CallOption) (*decisioning.Incomes, error)
	ExpensesFunc            func(ctx context.Context, customerID, analysisID string, opts ...ccr.CallOption) (*decisioning.Expenses, error)
	LoansFunc               func(ctx context.Context, customerID, analysisID string, opts ...ccr.CallOption) (*decisioning.Loans, error)
	RisksFunc               func(ctx context.Context, customerID, analysisID string, opts ...ccr.CallOption) (*decisioning.Risks, error)
	EssentialsFunc          func(ctx context.Context, customerID, analysisID string, opts ...ccr.CallOption) (*decisioning.Essentials, error)
	CashFlowsFunc           func(customerID, analysisID string, o decisioning.ListOptions, opts ...ccr.CallOption) *ccr.Pages[decisioning.CashFlow]
	AccountsFunc            func(customerID, analysisID string, o decisioning.ListOptions, opts ...ccr.CallOption) *ccr.Pages[decisioning.Account]
	TransactionsFunc        func(customerID, analysisID string, o decisioning.ListOptions, opts ...ccr.CallOption) *ccr.Pages[decisioning.Transaction]
	AccountTransactionsFunc func(customerID, analysisID, accountID string, o decisioning.ListOptions, opts ...ccr.CallOption) *ccr.Pages[decisioning.Transaction]
	WaitAnalysisFunc        func(ctx context.Context, customerID, analysisID string, opts ...ccr.CallOption) (*decisioning.Analysis, error)
	AnalysisPollerFunc      func(customerID, analysisID string, opts ...ccr.CallOption) *ccr.Poller[*decisioning.Analysis]
	ResumeAnalysisFunc      func(token string, opts ...ccr.CallOption) (*ccr.Poller[*decisioning.Analysis], error)
	SubscriptionsFunc       func(ctx context.Context, events []decisioning.EventName, opts ...ccr.CallOption) ([]decisioning.Subscription, error)
	CreateSubscriptionFunc  func(ctx context.Context, n decisioning.NewSubscription, opts ...ccr.CallOption) (*decisioning.Subscription, error)
	UpdateSubscriptionFunc  func(ctx context.Context, subscriptionID string, status decisioning.SubscriptionStatus, opts ...ccr.CallOption) error
	EnsureSubscriptionsFunc func(ctx context.Context, wanted []decisioning.NewSubscription, opts ...ccr.CallOption) ([]decisioning.Subscription, error)
	EventsFunc              func(subscriptionID string, o decisioning.ListOptions, opts ...ccr.CallOption) *ccr.Pages[decisioning.SubscriptionEvent]
	UpdateEventFunc         func(ctx context.Context, subscriptionID, eventID string, status decisioning.EventStatus, opts ...ccr.CallOption) error
}

var _ decisioning.API = (*Mock)(nil)

// TB is the part of testing.TB that a Mock needs.
type TB interface {
	// Both as in testing.TB; a *testing.T is one.
	Helper()
	Errorf(format string, args ...any)
}

// missing reports a method whose function is not set, by failing the test and
// by its error, since the code under test may run on another goroutine.
func (m *Mock) missing(method string) error {
	if m.T != nil {
		m.T.Helper()
		m.T.Errorf("decisioningtest.Mock: %s was called, and %sFunc is not set", method, method)
	}
	return fmt.Errorf("decisioningtest: %sFunc is not set", method)
}

// mocked returns a Mock's function, or one that reports that it is not set and
// returns zero values and that error.
func mocked[F any](m *Mock, method string, f F) F {
	v := reflect.ValueOf(f)
	if !v.IsNil() {
		return f
	}
	missing := reflect.MakeFunc(v.Type(), func([]reflect.Value) []reflect.Value {
		err := reflect.ValueOf(m.missing(method))
		out := make([]reflect.Value, v.Type().NumOut())
		for i := range out {
			out[i] = reflect.Zero(v.Type().Out(i))
			if v.Type().Out(i) == reflect.TypeFor[error]() {
				out[i] = err
			}
		}
		return out
	}).Interface()
	f, _ = missing.(F)
	return f
}

// noPages is a list that fails when it is read.
func noPages[T any](m *Mock, method string) *ccr.Pages[T] {
	return ccr.NewPages(func(context.Context, int) (ccr.Page[T], error) { return ccr.Page[T]{}, m.missing(method) })
}

// CreateCustomer calls CreateCustomerFunc.
func (m *Mock) CreateCustomer(ctx context.Context, n decisioning.NewCustomer, opts ...ccr.CallOption) (*decisioning.Customer, error) {
	return mocked(m, "CreateCustomer", m.CreateCustomerFunc)(ctx, n, opts...)
}

// Customer calls CustomerFunc.
func (m *Mock) Customer(ctx context.Context, customerID string, opts ...ccr.CallOption) (*decisioning.Customer, error) {
	return mocked(m, "Customer", m.CustomerFunc)(ctx, customerID, opts...)
}

// Customers calls CustomersFunc.
func (m *Mock) Customers(o decisioning.ListOptions, opts ...ccr.CallOption) *ccr.Pages[decisioning.Customer] {
	if m.CustomersFunc == nil {
		return noPages[decisioning.Customer](m, "Customers")
	}
	return m.CustomersFunc(o, opts...)
}

// UpdateCustomer calls UpdateCustomerFunc.
func (m *Mock) UpdateCustomer(ctx context.Context, customerID string, u decisioning.CustomerUpdate, opts ...ccr.CallOption) (*decisioning.Customer, error) {
	return mocked(m, "UpdateCustomer", m.UpdateCustomerFunc)(ctx, customerID, u, opts...)
}

// DeleteCustomer calls DeleteCustomerFunc.
func (m *Mock) DeleteCustomer(ctx context.Context, customerID string, opts ...ccr.CallOption) error {
	return mocked(m, "DeleteCustomer", m.DeleteCustomerFunc)(ctx, customerID, opts...)
}

// FindCustomer calls FindCustomerFunc.
func (m *Mock) FindCustomer(ctx context.Context, customIdentifier string, opts ...ccr.CallOption) (*decisioning.Customer, error) {
	return mocked(m, "FindCustomer", m.FindCustomerFunc)(ctx, customIdentifier, opts...)
}

// EnsureCustomer calls EnsureCustomerFunc.
func (m *Mock) EnsureCustomer(ctx context.Context, n decisioning.NewCustomer, opts ...ccr.CallOption) (*decisioning.Customer, error) {
	return mocked(m, "EnsureCustomer", m.EnsureCustomerFunc)(ctx, n, opts...)
}

// CreateAnalysis calls CreateAnalysisFunc.
func (m *Mock) CreateAnalysis(ctx context.Context, customerID string, in decisioning.AnalysisInput, opts ...ccr.CallOption) (*decisioning.Analysis, error) {
	return mocked(m, "CreateAnalysis", m.CreateAnalysisFunc)(ctx, customerID, in, opts...)
}

// EnsureAnalysis calls EnsureAnalysisFunc.
func (m *Mock) EnsureAnalysis(ctx context.Context, customerID, key string, in decisioning.AnalysisInput, o decisioning.EnsureOptions, opts ...ccr.CallOption) (*decisioning.Analysis, error) {
	return mocked(m, "EnsureAnalysis", m.EnsureAnalysisFunc)(ctx, customerID, key, in, o, opts...)
}

// SettleAnalysis calls SettleAnalysisFunc.
func (m *Mock) SettleAnalysis(ctx context.Context, o decisioning.SettleOptions, opts ...ccr.CallOption) error {
	return mocked(m, "SettleAnalysis", m.SettleAnalysisFunc)(ctx, o, opts...)
}

// Analysis calls AnalysisFunc.
func (m *Mock) Analysis(ctx context.Context, customerID, analysisID string, opts ...ccr.CallOption) (*decisioning.Analysis, error) {
	return mocked(m, "Analysis", m.AnalysisFunc)(ctx, customerID, analysisID, opts...)
}

// Analyses calls AnalysesFunc.
func (m *Mock) Analyses(customerID string, o decisioning.ListOptions, opts ...ccr.CallOption) *ccr.Pages[decisioning.Analysis] {
	if m.AnalysesFunc == nil {
		return noPages[decisioning.Analysis](m, "Analyses")
	}
	return m.AnalysesFunc(customerID, o, opts...)
}

// UpdateAnalysis calls UpdateAnalysisFunc.
func (m *Mock) UpdateAnalysis(ctx context.Context, customerID, analysisID string, u decisioning.AnalysisUpdate, opts ...ccr.CallOption) (*decisioning.Analysis, error) {
	return mocked(m, "UpdateAnalysis", m.UpdateAnalysisFunc)(ctx, customerID, analysisID, u, opts...)
}

// Scores calls ScoresFunc.
func (m *Mock) Scores(ctx context.Context, customerID, analysisID string, opts ...ccr.CallOption) (*decisioning.Scores, error) {
	return mocked(m, "Scores", m.ScoresFunc)(ctx, customerID, analysisID, opts...)
}

// Incomes calls IncomesFunc.
func (m *Mock) Incomes(ctx context.Context, customerID, analysisID string, opts ...ccr.CallOption) (*decisioning.Incomes, error) {
	return mocked(m, "Incomes", m.IncomesFunc)(ctx, customerID, analysisID, opts...)
}

// Expenses calls ExpensesFunc.
func (m *Mock) Expenses(ctx context.Context, customerID, analysisID string, opts ...ccr.CallOption) (*decisioning.Expenses, error) {
	return mocked(m, "Expenses", m.ExpensesFunc)(ctx, customerID, analysisID, opts...)
}

// Loans calls LoansFunc.
func (m *Mock) Loans(ctx context.Context, customerID, analysisID string, opts ...ccr.CallOption) (*decisioning.Loans, error) {
	return mocked(m, "Loans", m.LoansFunc)(ctx, customerID, analysisID, opts...)
}

// Risks calls RisksFunc.
func (m *Mock) Risks(ctx context.Context, customerID, analysisID string, opts ...ccr.CallOption) (*decisioning.Risks, error) {
	return mocked(m, "Risks", m.RisksFunc)(ctx, customerID, analysisID, opts...)
}

// Essentials calls EssentialsFunc.
func (m *Mock) Essentials(ctx context.Context, customerID, analysisID string, opts ...ccr.CallOption) (*decisioning.Essentials, error) {
	return mocked(m, "Essentials", m.EssentialsFunc)(ctx, customerID, analysisID, opts...)
}

// CashFlows calls CashFlowsFunc.
func (m *Mock) CashFlows(customerID, analysisID string, o decisioning.ListOptions, opts ...ccr.CallOption) *ccr.Pages[decisioning.CashFlow] {
	if m.CashFlowsFunc == nil {
		return noPages[decisioning.CashFlow](m, "CashFlows")
	}
	return m.CashFlowsFunc(customerID, analysisID, o, opts...)
}

// Accounts calls AccountsFunc.
func (m *Mock) Accounts(customerID, analysisID string, o decisioning.ListOptions, opts ...ccr.CallOption) *ccr.Pages[decisioning.Account] {
	if m.AccountsFunc == nil {
		return noPages[decisioning.Account](m, "Accounts")
	}
	return m.AccountsFunc(customerID, analysisID, o, opts...)
}

// Transactions calls TransactionsFunc.
func (m *Mock) Transactions(customerID, analysisID string, o decisioning.ListOptions, opts ...ccr.CallOption) *ccr.Pages[decisioning.Transaction] {
	if m.TransactionsFunc == nil {
		return noPages[decisioning.Transaction](m, "Transactions")
	}
	return m.TransactionsFunc(customerID, analysisID, o, opts...)
}

// AccountTransactions calls AccountTransactionsFunc.
func (m *Mock) AccountTransactions(customerID, analysisID, accountID string, o decisioning.ListOptions, opts ...ccr.CallOption) *ccr.Pages[decisioning.Transaction] {
	if m.AccountTransactionsFunc == nil {
		return noPages[decisioning.Transaction](m, "AccountTransactions")
	}
	return m.AccountTransactionsFunc(customerID, analysisID, accountID, o, opts...)
}

// WaitAnalysis calls WaitAnalysisFunc.
func (m *Mock) WaitAnalysis(ctx context.Context, customerID, analysisID string, opts ...ccr.CallOption) (*decisioning.Analysis, error) {
	return mocked(m, "WaitAnalysis", m.WaitAnalysisFunc)(ctx, customerID, analysisID, opts...)
}

// AnalysisPoller calls AnalysisPollerFunc.
func (m *Mock) AnalysisPoller(customerID, analysisID string, opts ...ccr.CallOption) *ccr.Poller[*decisioning.Analysis] {
	if m.AnalysisPollerFunc == nil {
		return ccr.NewPoller("", func(context.Context) (ccr.PollState[*decisioning.Analysis], error) {
			return ccr.PollState[*decisioning.Analysis]{}, m.missing("AnalysisPoller")
		})
	}
	return m.AnalysisPollerFunc(customerID, analysisID, opts...)
}

// ResumeAnalysis calls ResumeAnalysisFunc.
func (m *Mock) ResumeAnalysis(token string, opts ...ccr.CallOption) (*ccr.Poller[*decisioning.Analysis], error) {
	return mocked(m, "ResumeAnalysis", m.ResumeAnalysisFunc)(token, opts...)
}

// Subscriptions calls SubscriptionsFunc.
func (m *Mock) Subscriptions(ctx context.Context, events []decisioning.EventName, opts ...ccr.CallOption) ([]decisioning.Subscription, error) {
	return mocked(m, "Subscriptions", m.SubscriptionsFunc)(ctx, events, opts...)
}

// CreateSubscription calls CreateSubscriptionFunc.
func (m *Mock) CreateSubscription(ctx context.Context, n decisioning.NewSubscription, opts ...ccr.CallOption) (*decisioning.Subscription, error) {
	return mocked(m, "CreateSubscription", m.CreateSubscriptionFunc)(ctx, n, opts...)
}

// UpdateSubscription calls UpdateSubscriptionFunc.
func (m *Mock) UpdateSubscription(ctx context.Context, subscriptionID string, status decisioning.SubscriptionStatus, opts ...ccr.CallOption) error {
	return mocked(m, "UpdateSubscription", m.UpdateSubscriptionFunc)(ctx, subscriptionID, status, opts...)
}

// EnsureSubscriptions calls EnsureSubscriptionsFunc.
func (m *Mock) EnsureSubscriptions(ctx context.Context, wanted []decisioning.NewSubscription, opts ...ccr.CallOption) ([]decisioning.Subscription, error) {
	return mocked(m, "EnsureSubscriptions", m.EnsureSubscriptionsFunc)(ctx, wanted, opts...)
}

// Events calls EventsFunc.
func (m *Mock) Events(subscriptionID string, o decisioning.ListOptions, opts ...ccr.CallOption) *ccr.Pages[decisioning.SubscriptionEvent] {
	if m.EventsFunc == nil {
		return noPages[decisioning.SubscriptionEvent](m, "Events")
	}
	return m.EventsFunc(subscriptionID, o, opts...)
}

// UpdateEvent calls UpdateEventFunc.
func (m *Mock) UpdateEvent(ctx context.Context, subscriptionID, eventID string, status decisioning.EventStatus, opts ...ccr.CallOption) error {
	return mocked(m, "UpdateEvent", m.UpdateEventFunc)(ctx, subscriptionID, eventID, status, opts...)
}
