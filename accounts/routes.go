package accounts

import (
	"net/http"

	"github.com/ccr-sdk/ccr/internal/transport"
)

// The routes of the sync API. The three writes are upserts that Credit Clear
// tells apart by their batch reference, so they may be repeated.
var (
	routeAccounts = &transport.Route{Operation: "UpsertAccounts", Method: http.MethodPut, Path: "/v1/account", Class: transport.Idempotent, Success: []int{http.StatusAccepted}}
	routePayments = &transport.Route{Operation: "ReportPayments", Method: http.MethodPut, Path: "/v1/payment", Class: transport.Idempotent, Success: []int{http.StatusAccepted}}
	routeClaims   = &transport.Route{Operation: "UpsertClaims", Method: http.MethodPut, Path: "/v1/third-party-insurance", Class: transport.Idempotent, Success: []int{http.StatusAccepted}}
	routeStatus   = &transport.Route{Operation: "BatchStatus", Method: http.MethodGet, Path: "/{status URI}", Class: transport.Idempotent, Success: []int{http.StatusOK}}
)
