package decisioning

import "github.com/ccr-sdk/ccr"

// Unverified lists what was inferred about the vendor. A wrong guess costs a
// line, not a fork: each entry says which.
func Unverified() []ccr.Assumption {
	return []ccr.Assumption{
		{What: "subscriptions and events are under /v1", From: "Algoan's SDK of 2023", If: "use the /v2 path through a middleware"},
		{What: "essentials are at creditInsights.essentials and credit-insights/essentials", From: "the shape of its siblings", If: "read CreditInsights.Extra"},
		{What: "members of essentials may be numbers or objects", From: "documentation that shows neither", If: "use Figure's JSON"},
		{What: "risks.debtCollection has the shape of its siblings", From: "the page's general rule", If: "read Risks.Extra"},
		{What: "regularity.accuracy is a percentage", From: "a sample of 93", If: "divide"},
		{What: "enrichments.periodicity exists", From: "prose that names it", If: "read Enrichments.Extra"},
		{What: "customers have createdAt and updatedAt", From: "the other objects", If: "read Customer.Extra"},
		{What: "a PATCH of a customer takes personalDetails", From: "the create request; the only example has aggregationDetails", If: "expect 400"},
		{What: "an analysis is in its customer's list within the grace of the lease policy after its create", From: "a REST API over one database; nothing is documented", If: "raise LeasePolicy.Grace"},
		{What: "sort and project work on lists", From: "Algoan's published server components", If: "leave them out"},
	}
}
