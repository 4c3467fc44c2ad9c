package gateway

import (
	"net/http"
	"slices"

	"github.com/ccr-sdk/ccr/internal/transport"
)

// The eight actions. All go to one URL; what tells them apart is the action
// member of the body, which is the operation's name with a small first letter.
//
// archiveByName counts as idempotent: archiving what is archived already
// changes nothing. That is inferred; what the gateway answers then is not
// documented.
var (
	routeUpload         = &transport.Route{Operation: "Upload", Method: http.MethodPost, Class: transport.UnsentOnly, Success: ok, NoAnswerRetry: true}
	routeDownload       = &transport.Route{Operation: "Download", Method: http.MethodPost, Class: transport.Destructive, Success: ok}
	routeTest           = &transport.Route{Operation: "Test", Method: http.MethodPost, Success: ok}
	routeCountReports   = &transport.Route{Operation: "CountReports", Method: http.MethodPost, Success: ok}
	routeListReports    = &transport.Route{Operation: "ListReports", Method: http.MethodPost, Success: ok}
	routeDownloadByName = &transport.Route{Operation: "DownloadByName", Method: http.MethodPost, Class: transport.Destructive, Success: ok}
	routeTestByName     = &transport.Route{Operation: "TestByName", Method: http.MethodPost, Success: ok}
	routeArchiveByName  = &transport.Route{Operation: "ArchiveByName", Method: http.MethodPost, Success: ok}

	ok = []int{http.StatusOK}
)

// destructive reports whether an answer that was lost may have taken reports
// with it.
func destructive(r *transport.Route) bool {
	return slices.Contains([]*transport.Route{routeDownload, routeDownloadByName}, r)
}

// action is the word that goes over the wire.
func action(r *transport.Route) string { return string(r.Operation[0]|0x20) + r.Operation[1:] }
