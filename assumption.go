package ccr

// Assumption is something that a service package does without a public
// document that says so. Each of them lists its own, by a function named
// Unverified: a list to go through with the vendor before the first live call.
type Assumption struct {
	What string // what is assumed
	From string // what it was inferred from
	If   string // what to do if it is wrong; a line of the caller's, not a fork
}
