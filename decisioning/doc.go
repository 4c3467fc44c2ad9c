// Package decisioning is a client of the Algoan API: credit decisioning on
// open-banking data. It covers customers, analyses of their accounts, scores
// and credit insights, subscriptions and webhooks.
//
// # From token to score
//
//	cred, err := auth.NewClientCredentials(auth.ClientCredentialsConfig{
//		TokenURL: decisioning.DefaultTokenURL, ClientID: id, ClientSecret: secret,
//	})
//	client, err := decisioning.NewClient(cred)           // or decisioning.FromEnv()
//	customer, err := client.EnsureCustomer(ctx, decisioning.NewCustomer{CustomIdentifier: "C-1"})
//	analysis, err := client.CreateAnalysis(ctx, customer.ID, decisioning.AnalysisInput{Accounts: accounts})
//	analysis, err = client.WaitAnalysis(ctx, customer.ID, analysis.ID)
//	fmt.Println(analysis.Scores.CreditScore.Value)        // 0 risky … 1000 safe
//
// [Client.EnsureCustomer] may be called by any number of workers at once and
// again after any failure: a customer is unique per CustomIdentifier.
// [Client.CreateAnalysis] may not, since Algoan refuses no second analysis and
// each is paid for. [Client.EnsureAnalysis] may: with a ledger, the analysis of
// a key is created once, whatever crashes and however many run.
//
// # What an analysis needs
//
// Before anything is sent, [AnalysisInput.Validate] checks what Algoan
// documents as needed, and reports all faults at once by their path. Each check
// is a [Precondition] that [AnalysisInput.Skip] switches off. Scores look at
// the last 90 days; [AnalysisInput.ShiftedTo] moves a stored profile to today.
//
// Algoan publishes profiles to try this with, at
// github.com/algoan/fake-open-banking-data below samples/: for each market one
// that scores well and one that does not. [ReadProfile] reads them;
// decisioningtest tells their markets and risks apart, too. That the French and
// the Spanish ones are good and risky is inferred from their descriptions.
//
//	market  good                        risky
//	FR      fr/lara_croft.json          fr/harry_potter.json
//	GB      en/sherlock_holmes.json     en/james_watson.json
//	ES      es/raquel_murillo.json      es/sergio_marquina.json
//
// # When it is done
//
// [Client.WaitAnalysis] asks at once, after 2 s, then ever more slowly up to
// every 30 s, or when the API's Retry-After says. [Client.AnalysisPoller] has
// progress and a resume token, [ccr.WaitAll] waits for many pollers. An
// analysis ends COMPLETED or in ERROR; the latter is an [*AnalysisError] with
// Algoan's code. There is no documented status FAILED, only an event named
// analysis_failed. A [WebhookHandler] is notified instead of polling.
//
// # Lists
//
// Lists are [ccr.Pages]: range over All(ctx), or over ByPage(ctx) for the
// totals; From(n) starts at a page, ReadAhead(n) keeps n pages in flight and
// delivers them in order. [ListOptions] adjust the query, which
// never reaches a log or an error. Algoan's links to the next page are not
// followed, since they are built without escaping; pages are asked for by number.
// Where a list answers a bare array, that is its only page. A page that repeats
// the one before ends the range with [ccr.ErrPageRepeated].
//
// # Unknown members
//
// Algoan's API grows, and this package was written from its public pages, not
// from a specification. So every type keeps what it has no field for in its
// Extra map: its raw JSON, with every digit of every number. What is read and
// written again keeps all members and their values; the order of members, white
// space, escapes in texts, and null or "" of a member that has a field are lost.
// A number for a text is read as its digits, a number in quotes as a number. Any
// other unexpected type leaves the field unset, and a warning with its path, and
// nothing else, goes to the client's logger. An amount that is none fails the
// response: no amount is ever silently zero.
//
// In requests Extra adds members, renames them (leave the field unset) or nulls
// them (a nil value); it wins over the field of the same name.
//
// Names are matched exactly; encoding/json alone would ignore their case. A name
// that occurs twice in an object fails the response, since which of the two
// counts is not defined. Invalid UTF-8 is replaced by U+FFFD: a label that was
// cut in the middle of a character does not cost an analysis. Nesting ends at
// the engine's 10,000 levels; sizes are capped by the client and the readers.
// Amounts are [ccr.Amount], exact; scores and ratios are float64.
//
// The engine is github.com/go-json-experiment/json, the encoding/json/v2 of Go
// 1.27. Each type's methods make encoding/json keep unknown members, too.
//
// # Retries
//
// Reads, PATCH and DELETE are retried after transient failures. A PATCH may
// be, because it says what members shall be; if the retry of one whose
// answer was lost is refused, the error's EarlierUnknown tells. Creates are
// retried only if nothing was sent, or Algoan said 429.
//
// # Errors
//
// Every error is an [*ccr.Error] with class, outcome and Algoan's code. Its text
// never holds what was sent or received; Algoan's own message is in
// [ccr.Error.Problem], which may hold personal data.
//
// # Tests
//
// Package decisioningtest has an in-process Algoan API and a Mock; programs that
// depend on [API] can be given either.
//
// # Sources
//
// Algoan's documentation (docs.algoan.com: quick start, basic requirements,
// scores, insights, webhooks, pagination), the retired reference of API version
// 2.0.1, and Algoan's published SDK and connectors. [Unverified] lists what was
// inferred, and from what.
package decisioning
