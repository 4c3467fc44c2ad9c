package accounts

import "github.com/ccr-sdk/ccr"

// Claim is one third-party claim of [Client.UpsertClaims]: what a motorist or
// another third party owes to an insurer.
//
// Limits are those of the vendor's page "Create or update third-party
// claims", which is known without the names of scalar members and only up to
// the excess; everything from ThirdParty on is inferred.
//
// Without a ClientReferenceID the claim number is the key: two third parties
// of one accident then need references of their own, or one may overwrite
// the other (inferred).
type Claim struct {
	// Brand of the insurer. Inferred name.
	Brand string `json:"brand,omitempty"`
	// Portfolio, such as car insurance. Inferred name.
	Portfolio string `json:"portfolio,omitempty"`
	// ClientReferenceID is your key of the claim; optional here, 1 to 150
	// characters if set. Inferred name.
	ClientReferenceID string `json:"clientReferenceId,omitempty"`
	// ClaimNumber is required, 1 to 150 characters. Inferred name.
	ClaimNumber string `json:"claimNumber"`
	// Status is required; the same values as for accounts. Inferred name.
	Status Status `json:"status"`
	// StatusReason is the reason for the status. Inferred name.
	StatusReason string `json:"statusReason,omitempty"`
	// PaymentReferenceNumber is the PRN. Inferred name.
	PaymentReferenceNumber string `json:"paymentReferenceNumber,omitempty"`
	// BPayReference is the BPay payment reference. Inferred name.
	BPayReference string `json:"bPayReference,omitempty"`
	// InitialRecoveryAmount is zero or more. Inferred name.
	InitialRecoveryAmount ccr.Amount `json:"initialRecoveryAmount,omitzero"`
	// RecoveryAmount is zero or more; left out or zero means that the cost of
	// the repair is not known yet. Inferred name.
	RecoveryAmount ccr.Amount `json:"recoveryAmount,omitzero"`
	// RecoveredAmount is zero or more. Inferred name.
	RecoveredAmount ccr.Amount `json:"recoveredAmount,omitzero"`
	// CallbackNumber is only needed if it differs from the brand's. Inferred name.
	CallbackNumber string `json:"callbackNumber,omitempty"`
	// ClaimExcess holds the insurance excess.
	ClaimExcess ClaimExcess `json:"claimExcess,omitzero"`
	// ThirdParty is the person or company that the claim is against. That the
	// API takes it, and under this name, is inferred from the claims file.
	ThirdParty Party `json:"thirdParty,omitzero"`

	// Extra adds members, and wins over the fields: see [Extra].
	Extra Extra `json:"-"`
}

// ClaimExcess is the insurance excess of a claim. The vendor's page breaks off
// before its members: the one here is inferred.
type ClaimExcess struct {
	// Amount of the excess; zero or more. Inferred.
	Amount ccr.Amount `json:"amount,omitzero"`

	// Extra adds members, and wins over the fields: see [Extra].
	Extra Extra `json:"-"`
}
