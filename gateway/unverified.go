package gateway

// Unverified lists what this package takes for granted without a document
// that says so, for whoever checks it against the bureau.
func Unverified() []string {
	return []string{
		"testByName and test do not archive, and return the bytes that downloadByName and download would",
		"archiveByName: its answer, and that archiving a report again is harmless",
		"upload: its answer (rows as in a download are expected; see UploadRequest.Rows), and that an existing name is refused without force",
		"listReports: what separates several names",
		"every status other than OK, and the wording from which the class of an error is inferred",
		"how a wrong key or secret is answered, and the use of HTTP statuses",
		"the secret: which IP address is meant, and the form of an IPv6 address (RFC 5952 is used)",
		"resultsformat: other values than JSON, and its default",
		"data: base64 without line breaks, as in the published samples",
		"sizes, rates and times that the gateway limits",
		"how long reports wait, and how archived ones are had again",
	}
}
