// Package decisioningtest is an in-process Algoan API for tests: it keeps
// customers and analyses, speaks TLS, hands out tokens, and refuses what the
// real one is known to refuse.
//
//	srv, err := decisioningtest.NewServer(decisioningtest.Config{})
//	defer srv.Close()
//	client, err := srv.Client()
//	customer, err := client.EnsureCustomer(ctx, decisioning.NewCustomer{CustomIdentifier: "C-1"})
//	srv.Inject(decisioningtest.Fault{Operation: "CreateAnalysis", Kind: decisioningtest.LoseAnswer})
//	analysis, err := client.CreateAnalysis(ctx, customer.ID, decisioningtest.SampleProfile())
//	srv.Requests("CreateAnalysis") // what arrived
//
// Config.InMemory serves without a socket, so that tests can use fake time
// (testing/synctest). Faults of the network and the server are injected by
// operation with [Server.Inject]; [Server.Requests] tells what arrived.
// Methods that prepare something return the server, so that they chain. For
// tests that need no wire at all there is [Mock].
//
// # What it enforces
//
// 411 for a body of undeclared length, 415 for a media type other than
// application/json (the token call apart), 401 without a token that is still
// good, 404 for what does not exist, 422 for a customIdentifier that is taken,
// 400 for a body, limit, page or filter that cannot be read. Lists have 200
// items a page unless the request has a limit.
//
// # Scores
//
// In place of Algoan's engine stands [Sandbox]: an analysis ends in ERROR with
// the first code that applies, else COMPLETED with fixed figures, which differ
// by market and by a steady or a risky profile. They predict no real score.
// Config.Evaluate decides otherwise.
//
//	ACCOUNT_TYPE_NOT_SUPPORTED  no account is CHECKING, SAVINGS, LOAN or CREDIT_CARD
//	NO_CHECKING_ACCOUNT         none is CHECKING
//	CURRENCY_NOT_SUPPORTED      accounts and transactions are not all EUR, nor all GBP
//	OWNERSHIP_NOT_SUPPORTED     every CHECKING account is an ATTORNEY's or OTHER's
//	USAGE_NOT_SUPPORTED         every other one is PROFESSIONAL (but see Config.Business)
//	NOT_ENOUGH_TRANSACTIONS     none of those left has 20 transactions
//	BAD_REQUEST                 the data cannot be read, or the raw format is not known
//
// The server reads and writes its documents by hand, with encoding/json: it
// shares neither types nor codec nor signatures with the client.
//
// # How an analysis goes
//
// It is CREATED. Each time it is read it goes one step on: IN_PROGRESS, then
// COMPLETED or ERROR. Left alone it ends after Config.Processing, and
// [Server.Finish] ends it at once. One that is created without data stays
// CREATED until a PATCH brings some. Results are 404 until it has ended.
//
// Its end is an event, analysis_completed or analysis_failed, which is posted
// to the active subscriptions once and signed with their secrets.
// [Server.DeliverTo] hands events to a handler in the process,
// [Server.Emit] makes others, [Server.Redeliver] repeats them, and
// [Server.EventStatuses] tells what the receiver reported.
//
// # What is not known of the real API
//
// Answers of DELETE (204 here), the code of a refused duplicate
// (Config.DuplicateCode), how signatures are escaped
// (Config.EscapedSignatures), and whether data that cannot be analysed is refused
// at once or ends in ERROR (the latter here) are guesses.
package decisioningtest
