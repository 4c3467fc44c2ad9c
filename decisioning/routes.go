package decisioning

import (
	"net/http"

	"github.com/ccr-sdk/ccr/internal/transport"
)

// The routes of the API. Creates are repeated only if nothing was sent: a
// second one would make a second object, or pay for a second analysis. A PATCH
// says what the members shall be, not by how much they change, so the same one
// twice does what one does; the same goes for DELETE.
func route(operation, method, path string, class transport.Class, success ...int) *transport.Route {
	return &transport.Route{Operation: operation, Method: method, Path: path, Class: class, Success: success}
}

func get(operation, path string) *transport.Route {
	return route(operation, http.MethodGet, path, transport.Idempotent, http.StatusOK)
}

func post(operation, path string, success int) *transport.Route {
	return route(operation, http.MethodPost, path, transport.UnsentOnly, success)
}

func patch(operation, path string) *transport.Route {
	return route(operation, http.MethodPatch, path, transport.Idempotent, http.StatusOK)
}

const (
	customersPath     = "/v2/customers"
	customerPath      = customersPath + "/{customerId}"
	analysesPath      = customerPath + "/analyses"
	analysisPath      = analysesPath + "/{analysisId}"
	insightsPath      = analysisPath + "/credit-insights"
	subscriptionsPath = "/v1/subscriptions"
	subscriptionPath  = subscriptionsPath + "/{subscriptionId}"
)
