package decisioning

import "github.com/ccr-sdk/ccr"

// Unverified lists what was inferred about the vendor. A wrong guess costs a
// line, not a fork: each entry says which.
func Unverified() []ccr.Assumption {
	return []ccr.Assumption{
		{What: "subscriptions and events are under /v1", From: "Algoan's SDK of 2023", If: "use the /v2 path through a middleware"},
		{What: "the list of subscriptions is a bare array", From: "Algoan's SDK", If: "nothing: pages are read, too"},
		{What: "an event's signature covers the compact payload alone", From: "Algoan's SDK and connectors; current documentation is silent", If: "check in front of the handler, and hand on a signature made by SignPayload"},
		{What: "essentials are at creditInsights.essentials and credit-insights/essentials", From: "the shape of its siblings", If: "read CreditInsights.Extra"},
		{What: "members of essentials may be numbers or objects", From: "documentation that shows neither", If: "use Figure's JSON"},
		{What: "risks.debtCollection has the shape of its siblings", From: "the page's general rule", If: "read Risks.Extra"},
		{What: "regularity.accuracy is a percentage", From: "a sample of 93", If: "divide"},
		{What: "enrichments.periodicity exists", From: "prose that names it", If: "read Enrichments.Extra"},
		{What: "customers have createdAt and updatedAt", From: "the other objects", If: "read Customer.Extra"},
		{What: "a PATCH of a customer takes personalDetails", From: "the create request; the only example has aggregationDetails", If: "expect 400"},
		{What: "422 with code ALREADY_EXISTS is a duplicate customer", From: "the vocabulary of Algoan's connectors; the status is documented", If: "nothing: EnsureCustomer looks the customer up after any 422"},
		{What: "a status FAILED would be an end", From: "the event analysis_failed; no such status is documented", If: "nothing"},
		{What: "sort and project work on lists", From: "Algoan's published server components", If: "leave them out"},
		{What: "ERROR, not a refused create, is how data that cannot be analysed ends", From: "nothing: either is handled", If: "nothing"},
	}
}
