package accounts

// Frequency of a payment plan; newer values are kept.
type Frequency string

// The frequencies that are documented.
const (
	Weekly      Frequency = "Weekly"
	Fortnightly Frequency = "Fortnightly"
	Monthly     Frequency = "Monthly"
	Daily       Frequency = "Daily" // seen in a webhook only
)
