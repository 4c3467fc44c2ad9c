// Package accounts is a client of the Credit Clear sync API (Australia):
// debtor accounts, payments and third-party claims go in as batches, from one
// row to millions; the status of each batch is followed; and Credit Clear's
// webhooks come in.
//
//	tokens, err := auth.NewClientCredentials(auth.ClientCredentialsConfig{TokenURL: …, ClientID: …, ClientSecret: …, Audience: …, Encoding: auth.EncodingJSON})
//	client, err := accounts.NewClient(tokens)
//	receipt, err := client.UpsertAccounts(ctx, accounts.AccountBatch{ReferenceID: "2026-11-21/0001", Accounts: rows})
//	status, err := client.BatchStatus(ctx, receipt)
//
// # Accepted is not processed
//
// Each of [Client.UpsertAccounts], [Client.ReportPayments] and
// [Client.UpsertClaims] is answered 202 with a URI in the Location header.
// The [Receipt] says that the batch was accepted; what became of its rows is
// only in the batch's status: [Client.BatchStatus] polls once,
// [Client.WaitBatch] waits for the end, and [Client.BatchPoller] does so with
// progress and a resume token; [ccr.WaitAll] waits for many.
// A receipt can be stored as JSON and followed by another process. The status
// URI is followed on the client's own origin only.
//
// # Many rows
//
// [Client.SubmitAccounts] (and SubmitPayments, SubmitClaims) takes a stream of
// rows of any length as a [Job]:
//
//	ledger, err := ccr.OpenLedger("nightly.ledger")
//	file, err := os.Open("accounts.csv")
//	in, err := files.NewAccountReader(file, files.ReadOptions{File: "accounts.csv"})
//	job := client.SubmitAccounts(in.All(), accounts.SubmitOptions{Name: "nightly-2026-11-21", Ledger: ledger})
//	for row, err := range job.Results(ctx) { … } // each source row: line, reference, batch, outcome, faults
//	fmt.Println(job.Summary())
//
// It cuts batches by rows and bytes, sends some at a time in bounded memory,
// and counts every row as accepted, rejected, unknown or not sent.
// [Job.Results] yields each row, [Job.Batches] each batch. References are made
// of the job's name, the position and the content, so that the same rows always
// go out under the same reference.
//
// With a [ccr.Ledger] the intent of each batch is stored before it is sent: a
// rerun after a crash, a break or a fault sends only what was not accepted, and
// reports the rest from the ledger. One live run at a time has a job, on one
// machine or on many that share a ledger: another one fails with
// [ccr.ErrClaimed], which says who has it and how far it has come, or waits
// ([SubmitOptions].WaitClaimed). A run that is killed, or that lost its lease,
// is succeeded by the next one.
//
// Accounts and claims are upserts: what may have arrived is sent again under
// its reference. Payments, and batches with messages to people, are not: they
// are sent again only if nothing can have arrived. One whose response was lost
// is reported as unknown, by reruns too, until [Client.SettleBatch] records
// what Credit Clear found, or SubmitOptions.ResendUnknown allows it. Another
// source under the same name is refused where payments would be reported, or
// people messaged, twice. What remains: a process that is stopped between the
// last check of its claim and the first byte, for longer than lease and grace,
// while a person settles its batch as not arrived.
//
// Results of processing are read from the status of the batch, whose schema is
// inferred as a whole: see [BatchStatus].
//
// That a repeated reference has no effect at Credit Clear is documented for
// claims and inferred for the others; how it treats one with other content is
// not documented, and does not happen here.
//
// # Nothing is guessed silently
//
// The vendor's reference pages are public without the names of most members.
// Types, limits and which members may be null are known; names are inferred,
// marked so in their comments, and listed by [Unverified]. The client logs,
// once for each, which of them it uses. [Extra], on every object, adds,
// renames, nulls or leaves out members, so that a wrong guess costs one line:
//
//	row.Extra = accounts.Extra{"clientReferenceId": accounts.RenamedTo("clientReference")}
//
// Before the first live load, send one account to the test environment and
// look it up in the portal.
//
// [Account.SendInstantMessages] makes Credit Clear message real people. It is
// never sent unless set.
//
// # Limits
//
//   - A request has at most 30 MB ([MaxBatchBytes]), by both of the vendor's
//     pages; larger ones are refused before they are sent.
//   - One page says 20 requests a minute, another one 1,000. The client keeps
//     to 20 in any 60 seconds, unless [ccr.WithLimiter] says otherwise.
//   - A limit may be answered with 403, as a missing permission is: such an
//     error is both [ccr.ErrForbidden] and [ccr.ErrMaybeLimited].
//   - References have 1 to 150 characters.
//
// # Errors
//
// Every call returns a [*ccr.Error]. Faulty input is [ccr.ErrInvalid] with
// [ccr.ErrNotSent], and lists every fault by path (accounts[3].dueDate), never
// by value. After transient failures a batch is sent again under its
// reference; if its fate is unknown in the end, the error is
// [ccr.ErrOutcomeUnknown], and sending the same batch again is safe. If a
// repetition is refused because an earlier attempt had arrived, the receipt
// says PresumedAccepted. A batch without a status URI gives [ErrNoStatus].
//
// # Webhooks
//
// [NewWebhookHandler] is an http.Handler for Credit Clear's events in its four
// authentication styles, with a token endpoint for the fourth
// ([NewTokenEndpoint]). It fails closed, answers before the work is done, and
// has a hook to tell duplicates apart.
//
// # Files
//
// Package accounts/files reads and writes Credit Clear's input files, reads its
// return files and names attachments. Package sftp carries them.
//
// # Sources
//
// Facts are from Credit Clear's public documentation: "Create or update
// accounts", "Create or update third-party claims", "Authentication",
// "Limits", "Integration guidelines", "Webhooks authentication", "Activity
// event types", "Standard input file", "Debtor accounts", "Standard insurance
// product", "Attachments", "Payment succeeded", "Payment plan updated",
// "Customer payment plan self service" and "Standard client status and
// internal status metrics". Some of these pages are only known in part; what
// had to be inferred is marked.
package accounts
