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
// # The rule table
//
// In place of Algoan's engine stands a fixed table: the same accounts give the
// same answer, and better finances give a higher score. It is no imitation of
// the engine, whose scores it does not predict. An analysis ends in ERROR with
// the first of these codes that applies:
//
//	ACCOUNT_TYPE_NOT_SUPPORTED  no account is CHECKING, SAVINGS, LOAN or CREDIT_CARD
//	NO_CHECKING_ACCOUNT         none is CHECKING
//	CURRENCY_NOT_SUPPORTED      accounts and transactions are not all EUR, nor all GBP
//	OWNERSHIP_NOT_SUPPORTED     every CHECKING account is an ATTORNEY's or OTHER's
//	USAGE_NOT_SUPPORTED         every other one is PROFESSIONAL (but see Config.Business)
//	NOT_ENOUGH_TRANSACTIONS     none of those left has 20 transactions
//	BAD_REQUEST                 an amount has a fraction of a cent, or the raw format is not known
//
// Otherwise the credit score is computed over the 90 days before the latest
// balance date of the CHECKING accounts that are left (later transactions do
// not count), in whole cents and whole points:
//
//	600
//	+ 300 × (income + expense) / income, -300 to 300; -300 without income
//	+ 600 × gambling / income, down to -300
//	+ 200 × balance / 3,000.00, -200 to 200
//	-  40 for each rejected payment or cheque, and each fee for one or for an intervention
//	- 150 for each seizure or forced recovery
//	- 100 if there is a wage advance
//
// cut to 0..1000. Expense and gambling are negative; a rejected payment counts
// neither as income nor as expense. The payment score is 1 + score × 9 / 1000.
// What a transaction is for is told by words in its description, in upper
// case, such as SALARY, LOYER or OVERDRAFT; the score's version is "rules-1".
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
// (ALREADY_EXISTS here), and whether data that cannot be analysed is refused
// at once or ends in ERROR (the latter here) are guesses.
package decisioningtest
