package gateway

import "github.com/ccr-sdk/ccr"

// Unverified lists what this package takes for granted without a document of
// the bureau that says so. Compare it with what the bureau tells you, and
// read one upload and one report back, before the first live run.
func Unverified() []ccr.Assumption {
	return []ccr.Assumption{
		{
			What: "test and testByName do not archive, and return the bytes that download and downloadByName would",
			From: "their names, and archiveByName being an action of its own; the published samples are the same",
			If:   "do not use Receive: take the reports by DownloadByName, one at a time",
		},
		{
			What: "archiving a report again is harmless, and the answer to archiveByName has rows as a download's",
			From: "nothing: no answer is published",
			If:   "read Archived.Raw",
		},
		{
			What: "the answer to an upload has rows as a download's",
			From: "the bureau's overview, which says only that it confirms the upload; the example it refers to does not exist",
			If:   "read it by UploadRequest.Rows",
		},
		{
			What: "an upload under an existing name is refused without force",
			From: "force being there to overwrite",
			If:   "give every file a name of its own, and keep a ledger",
		},
		{
			What: "several names in the answer to listReports are in quotes, or apart by comma, semicolon or line",
			From: "the sample of one name, in quotes",
			If:   "read the list in ListError.Raw",
		},
		{
			What: "a status other than OK is a refusal, and its words tell of what class",
			From: "the only statuses that are published, all OK",
			If:   "go by RefusedError.Rows, which has the bureau's own words",
		},
		{
			What: "a wrong key or secret is answered with status 401 or 403, or with words that speak of it",
			From: "what such gateways commonly do",
			If:   "look at the answer by ccr.CaptureResponse",
		},
		{
			What: "the secret's IP address is the public one that requests come from; an IPv6 address is written as RFC 5952 says",
			From: "the page's PHP example, which has an IPv4 address",
			If:   "agree the address with the bureau, an IPv4 one if you can",
		},
		{
			What: "resultsformat is JSON on all actions but countReports and listReports",
			From: "the page's examples; other values and the default are not published",
			If:   "replace it by UploadRequest.Extra, or in a middleware",
		},
		{
			What: "data is standard base64, padded and without line breaks",
			From: "the published samples",
			If:   "rewrite the answer in a ccr.WithMiddleware: other text fails as incomplete, and is not archived by Receive",
		},
		{
			What: "no size, rate or time is limited",
			From: "nothing: no limit is published",
			If:   "set ccr.WithLimiter, and upload fewer files at a time",
		},
		{
			What: "reports wait until they are archived, and archived ones cannot be had again",
			From: "nothing: neither is published",
			If:   "Receive often; ask the bureau for what is missing",
		},
	}
}
