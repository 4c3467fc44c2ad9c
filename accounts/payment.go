package accounts

import "github.com/ccr-sdk/ccr"

// Payment is one payment of [Client.ReportPayments]: money that reached you
// outside Credit Clear's platform. No public page shows a payment's members:
// all of them, and the name of the array that holds them, are inferred. Ask
// Credit Clear for the schema before the first live call; Extra takes what
// differs. A payment without any member is refused.
//
// Whether a negative amount reverses a payment is not documented.
type Payment struct {
	// ClientReferenceID is your key of the account; 1 to 150 characters if
	// set. Inferred.
	ClientReferenceID string `json:"clientReferenceId,omitempty" rule:"max=150" evidence:"none"`
	// Amount that was paid. Inferred.
	Amount ccr.Amount `json:"amount,omitzero" evidence:"none"`
	// PaymentDate is the day of the payment. Inferred.
	PaymentDate ccr.Date `json:"paymentDate,omitzero" evidence:"none"`
	// PaymentReference is a reference of the payment itself. Inferred.
	PaymentReference string `json:"paymentReference,omitempty" evidence:"none"`

	// Extra adds members, and wins over the fields: see [Extra].
	Extra Extra `json:"-"`
}
