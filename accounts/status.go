package accounts

// Status is what Credit Clear is told about an account or a claim. The three
// values are documented; how they are cased on the wire is not, so they are
// sent as written here. A value of your own is sent as it is.
//
// The effects below are the vendor's defaults ("Standard client status and
// internal status metrics"); some can be changed by its support. "Invoice" is
// what Credit Clear keeps for an account: Awaiting Payment, On Payment
// Arrangement, Paid or Voided, and paused or not.
type Status string

const (
	// StatusActive creates the invoice if there is none. One that is Awaiting
	// Payment or On Payment Arrangement is updated, and un-paused if it was
	// paused. If the invoice is Paid or Voided, a NEW invoice is created.
	StatusActive Status = "Active"
	// StatusHold is ignored if there is no invoice, or a Paid or Voided one.
	// Otherwise the invoice is updated and paused: some activity, such as
	// communication and payment plans, stops.
	StatusHold Status = "Hold"
	// StatusClosed is ignored if there is no invoice, and does nothing to a
	// Paid or Voided one. Otherwise the invoice is voided, and a payment
	// arrangement CANCELLED with it.
	StatusClosed Status = "Closed"
)
