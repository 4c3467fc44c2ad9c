package gateway

import "github.com/ccr-sdk/ccr"

// Unverified lists what this package takes for granted without a document of
// the bureau that says so. Compare it with what the bureau tells you, and
// read one upload and one report back, before the first live run.
func Unverified() []ccr.Assumption {
	return []ccr.Assumption{
		{Claim: "test and testByName do not archive, and return the bytes that download and downloadByName would",
			Source:  "their names, and archiveByName being an action of its own; the published samples are the same",
			IfWrong: "do not use Receive: take the reports by DownloadByName, one at a time"},
		{Claim: "archiving a report again is harmless, and the answer to archiveByName has rows as a download's",
			Source:  "nothing: no answer is published",
			IfWrong: "read Archived.Raw"},
		{Claim: "the answer to an upload has rows as a download's",
			Source:  "the bureau's overview, which says only that it confirms the upload; the example it refers to does not exist",
			IfWrong: "read it by UploadRequest.Rows"},
		{Claim: "an upload under an existing name is refused without force",
			Source:  "force being there to overwrite",
			IfWrong: "give every file a name of its own, and keep a ledger"},
		{Claim: "several names in the answer to listReports are in quotes, or apart by comma, semicolon or line",
			Source:  "the sample of one name, in quotes",
			IfWrong: "read the list in ListError.Raw"},
		{Claim: "a status other than OK is a refusal, and its words tell of what class",
			Source:  "the only statuses that are published, all OK",
			IfWrong: "go by RefusedError.Rows, which has the bureau's own words"},
		{Claim: "a wrong key or secret is answered with status 401 or 403, or with words that speak of it",
			Source:  "what such gateways commonly do",
			IfWrong: "look at the answer by ccr.CaptureResponse"},
		{Claim: "the secret's IP address is the public one that requests come from; an IPv6 address is written as RFC 5952 says",
			Source:  "the page's PHP example, which has an IPv4 address",
			IfWrong: "agree the address with the bureau, an IPv4 one if you can"},
		{Claim: "resultsformat is JSON on all actions but countReports and listReports",
			Source:  "the page's examples; other values and the default are not published",
			IfWrong: "replace it by UploadRequest.Extra, or in a middleware"},
		{Claim: "data is standard base64, padded and without line breaks",
			Source:  "the published samples",
			IfWrong: "rewrite the answer in a ccr.WithMiddleware: other text fails as incomplete, and is not archived by Receive"},
		{Claim: "no size, rate or time is limited",
			Source:  "nothing: no limit is published",
			IfWrong: "set ccr.WithLimiter, and upload fewer files at a time"},
		{Claim: "reports wait until they are archived, and archived ones cannot be had again",
			Source:  "nothing: neither is published",
			IfWrong: "Receive often; ask the bureau for what is missing"},
	}
}
