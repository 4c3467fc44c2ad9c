package accounts

import (
	"net/http"

	"github.com/ccr-sdk/ccr/internal/transport"
)

// The routes of the sync API. Accounts and claims are upserts that Credit Clear
// tells apart by their batch reference, so they may be sent again. That a
// payment reported twice under one reference counts once is documented nowhere.
var (
	routeAccounts = &transport.Route{Operation: "UpsertAccounts", Method: http.MethodPut, Path: "/v1/account", Class: transport.Idempotent, Success: []int{http.StatusAccepted}, Unknown: adviceUnknown}
	routePayments = &transport.Route{Operation: "ReportPayments", Method: http.MethodPut, Path: "/v1/payment", Class: transport.UnsentOnly, Success: []int{http.StatusAccepted}, Unknown: adviceUnknown}
	routeClaims   = &transport.Route{Operation: "UpsertClaims", Method: http.MethodPut, Path: "/v1/third-party-insurance", Class: transport.Idempotent, Success: []int{http.StatusAccepted}}
	routeStatus   = &transport.Route{Operation: "BatchStatus", Method: http.MethodGet, Path: "/{status URI}", Class: transport.Idempotent, Success: []int{http.StatusOK}}
)

const adviceUnknown = "Ask Credit Clear by the batch's reference whether it arrived. Sent again it may report payments, or message people, twice"
