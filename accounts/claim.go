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
	Brand string `json:"brand,omitempty" evidence:"page" claimsFile:"1 Brand"`
	// Portfolio, such as car insurance. Inferred name.
	Portfolio string `json:"portfolio,omitempty" evidence:"page" claimsFile:"2 Portfolio"`
	// ClientReferenceID is your key of the claim; optional here, 1 to 150
	// characters if set. Inferred name.
	ClientReferenceID string `json:"clientReferenceId,omitempty" rule:"max=150" evidence:"page" claimsFile:"3 Client Reference No"`
	// ClaimNumber is required, 1 to 150 characters. Inferred name.
	ClaimNumber string `json:"claimNumber" rule:"max=150" evidence:"prose calls it ClaimNumber" claimsFile:"4 Claim Number"`
	// Status is required; the same values as for accounts. Inferred name.
	Status Status `json:"status" evidence:"values" claimsFile:"6 Status"`
	// StatusReason is the reason for the status. Inferred name.
	StatusReason string `json:"statusReason,omitempty" evidence:"page" claimsFile:"Status Reason?"`
	// PaymentReferenceNumber is the PRN. Inferred name.
	PaymentReferenceNumber string `json:"paymentReferenceNumber,omitempty" evidence:"page" claimsFile:"5 Payment Reference Number (PRN)"`
	// BPayReference is the BPay payment reference. Inferred name.
	BPayReference string `json:"bPayReference,omitempty" evidence:"casing" claimsFile:"BPay Reference?"`
	// InitialRecoveryAmount is zero or more. Inferred name.
	InitialRecoveryAmount ccr.Amount `json:"initialRecoveryAmount,omitzero" rule:"min=0" evidence:"page" claimsFile:"Initial Recovery Amount?"`
	// RecoveryAmount is zero or more; left out or zero means that the cost of
	// the repair is not known yet. Inferred name.
	RecoveryAmount ccr.Amount `json:"recoveryAmount,omitzero" rule:"min=0" evidence:"page" claimsFile:"Recovery Amount?"`
	// RecoveredAmount is zero or more. Inferred name.
	RecoveredAmount ccr.Amount `json:"recoveredAmount,omitzero" rule:"min=0" evidence:"page" claimsFile:"Recovered Amount?"`
	// CallbackNumber is only needed if it differs from the brand's. Inferred name.
	CallbackNumber string `json:"callbackNumber,omitempty" evidence:"page" claimsFile:"Callback Number?"`
	// ClaimExcess holds the insurance excess.
	ClaimExcess ClaimExcess `json:"claimExcess,omitzero" evidence:"shown"`
	// ThirdParty is the person or company that the claim is against. That the
	// API takes it, and under this name, is inferred from the claims file.
	ThirdParty Party `json:"thirdParty,omitzero" evidence:"file"`

	// Extra adds members, and wins over the fields: see [Extra].
	Extra Extra `json:"-"`
}

// ClaimExcess is the insurance excess of a claim. The vendor's page breaks off
// before its members: the one here is inferred.
type ClaimExcess struct {
	// Amount of the excess; zero or more. Inferred.
	Amount ccr.Amount `json:"amount,omitzero" rule:"min=0" evidence:"none" claimsFile:"Claim Excess?"`

	// Extra adds members, and wins over the fields: see [Extra].
	Extra Extra `json:"-"`
}
