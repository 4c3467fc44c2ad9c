package decisioning

import (
	"net/http"

	"github.com/ccr-sdk/ccr/internal/transport"
)

const (
	customersPath     = "/v2/customers"
	customerPath      = customersPath + "/{customerId}"
	analysesPath      = customerPath + "/analyses"
	analysisPath      = analysesPath + "/{analysisId}"
	insightsPath      = analysisPath + "/credit-insights"
	subscriptionsPath = "/v1/subscriptions"
	subscriptionPath  = subscriptionsPath + "/{subscriptionId}"
)

// The routes of the API. Creates are retried only if nothing was sent: a second
// one would make a second object, or pay for a second analysis. A PATCH says
// what the members shall be, not by how much they change, so the same one twice
// does what one does; the same goes for DELETE.
var (
	routeCreateCustomer = advised(post("CreateCustomer", customersPath, http.StatusCreated),
		"Call EnsureCustomer: it looks for the customIdentifier before it creates the customer")
	routeCustomer       = get("Customer", customerPath)
	routeCustomers      = get("Customers", customersPath)
	routeFindCustomer   = get("FindCustomer", customersPath)
	routeUpdateCustomer = patch("UpdateCustomer", customerPath)
	routeDeleteCustomer = &transport.Route{
		Operation: "DeleteCustomer", Method: http.MethodDelete, Path: customerPath, Class: transport.Destructive,
		Success: []int{http.StatusOK, http.StatusNoContent}, Unknown: "Ask for the customer by Customer: not found means deleted",
	}

	routeCreateAnalysis = advised(post("CreateAnalysis", analysesPath, http.StatusAccepted),
		"Look for it by Analyses before creating another one. EnsureAnalysis, which has a ledger, does that by itself")
	routeAnalysis       = get("Analysis", analysisPath)
	routeWaitAnalysis   = get("WaitAnalysis", analysisPath)
	routeAnalyses       = get("Analyses", analysesPath)
	routeUpdateAnalysis = patch("UpdateAnalysis", analysisPath)

	routeScores              = get("Scores", analysisPath+"/scores")
	routeIncomes             = get("Incomes", insightsPath+"/incomes")
	routeExpenses            = get("Expenses", insightsPath+"/expenses")
	routeLoans               = get("Loans", insightsPath+"/loans")
	routeRisks               = get("Risks", insightsPath+"/risks")
	routeEssentials          = get("Essentials", insightsPath+"/essentials")
	routeCashFlows           = get("CashFlows", insightsPath+"/cash-flows")
	routeAccounts            = get("Accounts", analysisPath+"/accounts")
	routeTransactions        = get("Transactions", analysisPath+"/transactions")
	routeAccountTransactions = get("AccountTransactions", analysisPath+"/accounts/{accountId}/transactions")

	routeSubscriptions      = get("Subscriptions", subscriptionsPath)
	routeCreateSubscription = advised(post("CreateSubscription", subscriptionsPath, http.StatusCreated),
		"Look for it by Subscriptions before creating another one")
	routeUpdateSubscription = patch("UpdateSubscription", subscriptionPath)
	routeEvents             = get("Events", subscriptionPath+"/events")
	routeUpdateEvent        = patch("UpdateEvent", subscriptionPath+"/events/{eventId}")
)

func get(operation, path string) *transport.Route {
	return &transport.Route{Operation: operation, Method: http.MethodGet, Path: path, Class: transport.Idempotent, Success: []int{http.StatusOK}}
}

func post(operation, path string, success int) *transport.Route {
	return &transport.Route{Operation: operation, Method: http.MethodPost, Path: path, Class: transport.UnsentOnly, Success: []int{success}}
}

// advised names what to do where the outcome is unknown.
func advised(r *transport.Route, what string) *transport.Route {
	r.Unknown = what
	return r
}

func patch(operation, path string) *transport.Route {
	return &transport.Route{Operation: operation, Method: http.MethodPatch, Path: path, Class: transport.Idempotent, Success: []int{http.StatusOK}}
}
