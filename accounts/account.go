package accounts

import "github.com/ccr-sdk/ccr"

// Account is one debtor account of [Client.UpsertAccounts].
//
// Types, limits and which members may be null are those of the vendor's page
// "Create or update accounts". That page is only known without the names of
// its scalar members, so those are inferred: fields marked "inferred name"
// are listed by [Unverified], and Extra renames, replaces or nulls them.
//
// Empty texts, nil slices, zero numbers and unset amounts and dates are left
// out of the request. Whether leaving a member out of an update keeps the old value is
// not documented: send outstandingAmount and dueDate each time, since a
// missing number may be read as zero.
type Account struct {
	// Brand decides, with Portfolio, which portal and campaign the account is
	// in ("Debtor accounts"). Inferred name.
	Brand string `json:"brand,omitempty" evidence:"page" accountsFile:"2 Brand"`
	// Portfolio is a part of a brand; see Brand. Inferred name.
	Portfolio string `json:"portfolio,omitempty" evidence:"page" accountsFile:"3 Portfolio"`
	// Product is what the debt is for, in words of yours. Inferred name; its
	// meaning is not documented.
	Product string `json:"product,omitempty" evidence:"page" accountsFile:"Product?"`
	// Segment is a group of debtors, in words of yours. Inferred name; its
	// meaning is not documented.
	Segment string `json:"segment,omitempty" evidence:"page" accountsFile:"Segment?"`
	// ClientReferenceID is your key of the account; required, 1 to 150
	// characters. Inferred name; "clientReference" is the other candidate.
	ClientReferenceID string `json:"clientReferenceId" rule:"max=150" evidence:"column" accountsFile:"1 ClientReference"`
	// Reference is one more reference for communication with the debtor; only
	// needed if it differs from ClientReferenceID. Inferred name.
	Reference string `json:"reference,omitempty" evidence:"page" accountsFile:"6 Reference"`
	// CurrencyCode is AUD if left out, and only means something if the payment
	// gateway is set up for several currencies. Inferred name.
	CurrencyCode string `json:"currencyCode,omitempty" evidence:"page" accountsFile:"CurrencyCode?"`
	// PaymentReconciliationReference is a payment gateway's reference for the
	// account. Inferred name.
	PaymentReconciliationReference string `json:"paymentReconciliationReference,omitempty" evidence:"page" accountsFile:"7 PaymentReconciliationReference"`
	// BPayReference is the BPay reference that the Credit Clear payment portal
	// gave. Inferred name; its casing ("bpayReference") is open, too.
	BPayReference string `json:"bPayReference,omitempty" evidence:"casing" accountsFile:"BPayReference?"`
	// InvoiceNumber is required and nullable: empty is sent as null. Inferred name.
	InvoiceNumber string `json:"invoiceNumber" rule:"null" evidence:"page" accountsFile:"5 InvoiceNumber"`
	// OutstandingAmount is the total outstanding; zero or more. Inferred name.
	OutstandingAmount ccr.Amount `json:"outstandingAmount,omitzero" rule:"notnull,min=0" evidence:"page" accountsFile:"8 OutstandingAmount"`
	// MinimumOfferAmount is the lowest settlement that is acceptable; more
	// than zero. Inferred name.
	MinimumOfferAmount ccr.Amount `json:"minimumOfferAmount,omitzero" rule:"above=0" evidence:"page" accountsFile:"MinimumOfferAmount?"`
	// MaximumDiscountPercentage is the highest discount allowed; 0 to 100.
	// Inferred name.
	MaximumDiscountPercentage ccr.Amount `json:"maximumDiscountPercentage,omitzero" rule:"min=0,most=100" evidence:"page" accountsFile:"MaximumDiscountPercentage?"`
	// UpfrontAmount is what a payment plan needs upfront; zero or more.
	// Inferred name.
	UpfrontAmount ccr.Amount `json:"upfrontAmount,omitzero" rule:"min=0" evidence:"page" accountsFile:"UpfrontAmount?"`
	// IssuedDate is when the debt was issued, with its offset; it is written
	// as RFC 3339. Inferred name.
	IssuedDate ccr.DateTime `json:"issuedDate,omitzero" evidence:"page" accountsFile:"IssuedDate?"`
	// Status is required; see the constants for what each value does.
	// Inferred name.
	Status Status `json:"status" evidence:"values" accountsFile:"4 Status"`
	// Debtor is the person or company that owes; required.
	Debtor Party `json:"debtor" evidence:"shown"`
	// AdditionalInfo is shown or used as the client's set-up says.
	AdditionalInfo []KeyValue `json:"additionalInfo,omitzero" evidence:"shown"`
	// CallbackNumber is the phone number to call back. Inferred name.
	CallbackNumber string `json:"callbackNumber,omitempty" evidence:"page" accountsFile:"CallbackNumber?"`
	// Five fields for data of yours. Inferred names.
	CustomData1 string `json:"customData1,omitempty" evidence:"page" accountsFile:"CustomData1?"`
	CustomData2 string `json:"customData2,omitempty" evidence:"page" accountsFile:"CustomData2?"`
	CustomData3 string `json:"customData3,omitempty" evidence:"page" accountsFile:"CustomData3?"`
	CustomData4 string `json:"customData4,omitempty" evidence:"page" accountsFile:"CustomData4?"`
	CustomData5 string `json:"customData5,omitempty" evidence:"page" accountsFile:"CustomData5?"`
	// DaysPastDue is the number of days past the due date; more than zero:
	// leave it 0 when the debt is not overdue. Inferred name.
	DaysPastDue int32 `json:"daysPastDue,omitempty" rule:"above=0" evidence:"page" accountsFile:"DaysPastDue?"`
	// DueDate is when the debt was or is due. Inferred name.
	DueDate ccr.Date `json:"dueDate,omitzero" rule:"notnull" evidence:"page" accountsFile:"9 DueDate?"`
	// SendInstantMessages makes Credit Clear send SMS or email to the debtor,
	// a real person, at EACH create or update that carries it, if support has
	// enabled it. It is never sent unless you set it. In a job it needs a
	// [SubmitOptions].Ledger, so that a rerun messages nobody twice.
	SendInstantMessages []InstantMessage `json:"sendInstantMessages,omitzero" evidence:"shown"`
	// IdentityChallenges are questions that the debtor must answer to prove
	// who they are.
	IdentityChallenges []IdentityChallenge `json:"identityChallenges,omitzero" evidence:"shown"`

	// Extra adds members, and wins over the fields: see [Extra].
	Extra Extra `json:"-"`
}

// Party is a person or a company: the debtor of an account, the third party
// of a claim. The vendor's page names none of its members; all of them are
// inferred, most from the columns of its input files. A party without any
// member is refused.
type Party struct {
	// FirstName of a person. Inferred.
	FirstName string `json:"firstName,omitempty" evidence:"none" accountsFile:"10 FirstName?" claimsFile:"7 Third-Party First Name"`
	// LastName of a person. Inferred.
	LastName string `json:"lastName,omitempty" evidence:"none" accountsFile:"11 LastName?" claimsFile:"8 Third-Party Last Name"`
	// CompanyName of a company. Inferred.
	CompanyName string `json:"companyName,omitempty" evidence:"none" accountsFile:"12 CompanyName?" claimsFile:"9 Third-Party Company Name"`
	// DateOfBirth of a person; used when the debtor's identity is checked. Inferred.
	DateOfBirth ccr.Date `json:"dateOfBirth,omitzero" evidence:"none" accountsFile:"DateOfBirth?" claimsFile:"10 Third-Party DOB"`
	// Email address. Inferred.
	Email string `json:"email,omitempty" evidence:"none" accountsFile:"13 Email?" claimsFile:"Third-Party Email?"`
	// MobileNumber in the form the client's set-up uses. Inferred.
	MobileNumber string `json:"mobileNumber,omitempty" evidence:"none" accountsFile:"14 MobileNumber" claimsFile:"Third-Party Mobile Number?"`
	// PostalCode; Credit Clear can stop communication by it after a disaster. Inferred.
	PostalCode string `json:"postalCode,omitempty" evidence:"none" accountsFile:"15 PostalCode?" claimsFile:"11 Third-Party Postal Code"`

	// Extra adds members, and wins over the fields: see [Extra].
	Extra Extra `json:"-"`
}

// KeyValue is one piece of additional information. The vendor's page says
// "key-value pairs" and names no member: both names are inferred.
type KeyValue struct {
	Key   string `json:"key" evidence:"none"`               // required
	Value string `json:"value" rule:"null" evidence:"none"` // empty is sent as null

	// Extra adds members, and wins over the fields: see [Extra].
	Extra Extra `json:"-"`
}

// InstantMessage is one setting of [Account.SendInstantMessages]. The
// vendor's page names no member; the one here is inferred. An element without
// any member is refused.
type InstantMessage struct {
	// Channel is "SMS" or "Email": the kinds of template that exist. Inferred
	// name and values.
	Channel string `json:"channel,omitempty" evidence:"none"`

	// Extra adds members, and wins over the fields: see [Extra].
	Extra Extra `json:"-"`
}

// IdentityChallenge is one question with its answer. The vendor's page names
// no member; those here are inferred. An element without any member is refused.
type IdentityChallenge struct {
	Question string `json:"question,omitempty" evidence:"none"` // inferred
	Answer   string `json:"answer,omitempty" evidence:"none"`   // inferred

	// Extra adds members, and wins over the fields: see [Extra].
	Extra Extra `json:"-"`
}
