package decisioning

import "slices"

// Assumption is something that this package does without a document that says
// so.
type Assumption struct {
	What string // what is assumed
	From string // what it was inferred from
	If   string // what to do if it is wrong
}

// Unverified lists what was inferred. A wrong guess costs a line, not a fork:
// each entry says which.
func Unverified() []Assumption {
	return slices.Clone([]Assumption{
		{"subscriptions and events are under /v1", "Algoan's SDK of 2023", "use the /v2 path through a middleware"},
		{"the list of subscriptions is a bare array", "Algoan's SDK", "nothing: pages are read, too"},
		{"an event's signature covers the compact payload alone", "Algoan's SDK and connectors; current documentation is silent", "check in front of the handler, and hand on a signature made by SignPayload"},
		{"essentials are at creditInsights.essentials and credit-insights/essentials", "the shape of its siblings", "read CreditInsights.Extra"},
		{"members of essentials may be numbers or objects", "documentation that shows neither", "use Figure's JSON"},
		{"risks.debtCollection has the shape of its siblings", "the page's general rule", "read Risks.Extra"},
		{"regularity.accuracy is a percentage", "a sample of 93", "divide"},
		{"enrichments.periodicity exists", "prose that names it", "read Enrichments.Extra"},
		{"customers have createdAt and updatedAt", "the other objects", "read Customer.Extra"},
		{"a PATCH of a customer takes personalDetails", "the create request; the only example has aggregationDetails", "expect 400"},
		{"422 with code ALREADY_EXISTS is a duplicate customer", "the vocabulary of Algoan's connectors; the status is documented", "nothing: EnsureCustomer looks the customer up after any 422"},
		{"a status FAILED would be an end", "the event analysis_failed; no such status is documented", "nothing"},
		{"sort and project work on lists", "Algoan's published server components", "leave them out"},
		{"ERROR, not a refused create, is how data that cannot be analysed ends", "nothing: either is handled", "nothing"},
	})
}
