// Package bacssample makes Bacs reports of every kind for tests: of programs
// that use package gateway/bacs, and of those that receive reports over HTTP or
// SFTP.
//
//	for _, s := range bacssample.All() {
//		report, err := bacs.Parse(bytes.NewReader(s.Data))
//		…
//	}
//	srv.AddSamples("ARUDD", "ADDACS")     // a gatewaytest.Server
//	srv.AddSamples("/reports", "Input")   // a sftptest.Server
//
// The reports are made up: their structure follows the lists of fields that are
// publicly known, and nothing is copied from a report of anybody. Payers,
// accounts and sort codes do not exist. All reports are of the same service
// user, and of Monday 16 March 2026 or a few days later, so that they can be
// put together: payer LOAN-000001 is in several of them.
//
// The package shares no code with gateway/bacs, so that a mistake of one does
// not hide in the other.
package bacssample
