// Package gatewaytest is a bureau to test against: an in-process server that
// behaves as the gateway of Clear Direct Debit is known to, and a [Mock] of the
// client.
//
//	srv, err := gatewaytest.NewServer(gatewaytest.Config{})
//	defer srv.Close()
//	client, err := srv.Client()
//	srv.AddReport("123456-21112026-2013-1.xml", content).
//		AddSamples("ARUDD", "ADDACS"). // of ccrtest/bacssample
//		Inject(gatewaytest.Fault{Operation: "TestByName", Kind: gatewaytest.CutAnswer, After: 100})
//	received, err := client.Receive(ctx, ccr.DirSink(dir))
//	srv.Archived()             // what the program has taken
//	srv.Requests("TestByName") // what arrived
//
// Methods that prepare something return the server, so that they chain.
// Config.InMemory serves without a socket, so that tests can use fake time
// (testing/synctest). For tests that need no wire at all there is [Mock].
//
// # What it enforces
//
// TLS, POST, application/json and a Content-Length; an object with no unknown
// members; the key, and the secret made of user name and IP; files for upload
// and names for the by-name actions only; the alphabet of file names; strict
// base64. download and downloadByName archive what they hand over; an archived
// report cannot be had again. It writes JSON as PHP does ("/" as "\/", other
// than ASCII as "\u…").
//
// # What it made up
//
// The bureau documents no failures. Here a refusal is HTTP 200 with a row of
// status ERROR, and an existing name is refused without force. [Style] changes
// how answers are written, [Server.Inject] makes requests of one operation
// fail on the way: connections cut at a byte, answers lost, stalled, truncated
// or replaced.
package gatewaytest
