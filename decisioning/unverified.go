package decisioning

import "github.com/ccr-sdk/ccr"

// Unverified lists what was inferred about the vendor. A wrong guess costs a
// line, not a fork: each entry says which.
func Unverified() []ccr.Assumption {
	return []ccr.Assumption{
		{Claim: "subscriptions and events are under /v1", Source: "Algoan's SDK of 2023", IfWrong: "use the /v2 path through a middleware"},
		{Claim: "essentials are at creditInsights.essentials and credit-insights/essentials", Source: "the shape of its siblings", IfWrong: "read CreditInsights.Extra"},
		{Claim: "members of essentials may be numbers or objects", Source: "documentation that shows neither", IfWrong: "use Figure's JSON"},
		{Claim: "risks.debtCollection has the shape of its siblings", Source: "the page's general rule", IfWrong: "read Risks.Extra"},
		{Claim: "regularity.accuracy is a percentage", Source: "a sample of 93", IfWrong: "divide"},
		{Claim: "enrichments.periodicity exists", Source: "prose that names it", IfWrong: "read Enrichments.Extra"},
		{Claim: "customers have createdAt and updatedAt", Source: "the other objects", IfWrong: "read Customer.Extra"},
		{Claim: "a PATCH of a customer takes personalDetails", Source: "the create request; the only example has aggregationDetails", IfWrong: "expect 400"},
		{Claim: "an analysis is in its customer's list within the grace of the lease policy after its create", Source: "a REST API over one database; nothing is documented", IfWrong: "raise LeasePolicy.Grace"},
		{Claim: "sort and project work on lists", Source: "Algoan's published server components", IfWrong: "leave them out"},
	}
}
