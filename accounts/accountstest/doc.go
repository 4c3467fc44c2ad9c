// Package accountstest is a Credit Clear for tests: an in-process server that
// keeps state and is as strict as the contract is known, and a [Mock] of the
// client.
//
//	srv, err := accountstest.NewServer(accountstest.Config{})
//	defer srv.Close()
//	client, err := srv.Client()
//	srv.WithInvoice("C-1", accountstest.Paid, false).
//		Inject(accountstest.Fault{Operation: "UpsertAccounts", Kind: accountstest.LoseAnswer})
//	receipt, err := client.UpsertAccounts(ctx, batch)
//	got, ok := srv.Account("C-1")
//	srv.Requests("UpsertAccounts") // what arrived
//
// Methods that prepare something return the server, so that they chain.
// Config.InMemory serves without a socket, so that tests can use fake time
// (testing/synctest). [Sender] calls a webhook as Credit Clear does. For tests
// that need no wire at all there is [Mock].
//
// # What it enforces
//
// 411 for a body of undeclared length, 415 for a media type other than
// application/json, 401 without a token that its token endpoint issued, 403
// when [Server.Deny] is on or a limit says so, 413 over 30,000,000 bytes, 400
// for a member that is missing, null, of the wrong type or out of range, 409
// for a reference that was used for another body. The same body under the
// same reference is accepted again without effect. Members that the contract
// does not name are accepted.
//
// [Server.FailItem] makes one item of an accepted batch fail, [Server.Limit]
// and [Server.Deny] refuse calls, [Server.RevokeTokens] ends tokens, and
// [Server.Inject] makes requests of one operation fail on the way: connections
// cut at a byte, answers lost, stalled, truncated or replaced.
//
// # What it made up
//
// No public document shows the status resource. Here it is under
// /v1/batch-status, says Accepted or Processing until [Config.Looks] looks
// have been made, and then Completed or CompletedWithErrors, with a result
// for each item. The effects of Active, Hold and Closed on an invoice are the
// documented defaults.
package accountstest
