package accounts

import "strings"

// objectKind numbers the JSON objects of the requests.
type objectKind uint8

const (
	kindAccountBatch objectKind = iota
	kindPaymentBatch
	kindClaimBatch
	kindAccount
	kindParty
	kindKeyValue
	kindInstantMessage
	kindIdentityChallenge
	kindClaim
	kindClaimExcess
	kindPayment
	kinds
)

// object is one JSON object of the requests: the one place where names on the
// wire are written down. Encoder, validation and Unverified go by it.
type object struct {
	name    string
	members []member
}

// member is one member of an object; seen tells a name that the vendor's
// pages show from one that is inferred.
type member struct {
	name string
	seen bool
	note string
}

// decodes reports whether encoding/json puts a member into a field.
func (o *object) decodes(name string) bool {
	for i := range o.members {
		if strings.EqualFold(o.members[i].name, name) {
			return true
		}
	}
	return false
}

// The members in the order of the vendor's pages; the constants index them.
const (
	mBatchReferenceID = iota
	mBatchItems
)

const (
	mBrand = iota
	mPortfolio
	mProduct
	mSegment
	mClientReferenceID
	mReference
	mCurrencyCode
	mPaymentReconciliationReference
	mBPayReference
	mInvoiceNumber
	mOutstandingAmount
	mMinimumOfferAmount
	mMaximumDiscountPercentage
	mUpfrontAmount
	mIssuedDate
	mStatus
	mDebtor
	mAdditionalInfo
	mCallbackNumber
	mCustomData1
	mCustomData2
	mCustomData3
	mCustomData4
	mCustomData5
	mDaysPastDue
	mDueDate
	mSendInstantMessages
	mIdentityChallenges
)

const (
	mFirstName = iota
	mLastName
	mCompanyName
	mDateOfBirth
	mEmail
	mMobileNumber
	mPostalCode
)

const (
	mKey = iota
	mValue
)

const mChannel = 0

const (
	mQuestion = iota
	mAnswer
)

const (
	mClaimBrand = iota
	mClaimPortfolio
	mClaimClientReferenceID
	mClaimNumber
	mClaimStatus
	mClaimStatusReason
	mClaimPaymentReferenceNumber
	mClaimBPayReference
	mClaimInitialRecoveryAmount
	mClaimRecoveryAmount
	mClaimRecoveredAmount
	mClaimCallbackNumber
	mClaimExcess
	mClaimThirdParty
)

const mExcessAmount = 0

const (
	mPaymentClientReferenceID = iota
	mPaymentAmount
	mPaymentDate
	mPaymentReference
)

const (
	noteBatchID  = `prose calls it BatchReferenceId; every JSON name that is shown is camelCase`
	notePage     = "the vendor's page shows the type and the limits, not the name"
	noteNothing  = "no public page shows the members of this object"
	noteFileOnly = "the vendor's page breaks off before it; inferred from a column of the claims file"
)

// schema is never written to.
var schema = [kinds]object{
	kindAccountBatch: {"accountBatch", []member{
		mBatchReferenceID: {"batchReferenceId", false, noteBatchID},
		mBatchItems:       {"accounts", true, ""},
	}},
	kindPaymentBatch: {"paymentBatch", []member{
		mBatchReferenceID: {"batchReferenceId", false, noteBatchID},
		mBatchItems:       {"payments", false, "by analogy with the array called accounts"},
	}},
	kindClaimBatch: {"claimBatch", []member{
		mBatchReferenceID: {"batchReferenceId", false, noteBatchID},
		mBatchItems:       {"thirdPartyClaims", true, ""},
	}},
	kindAccount: {"account", []member{
		mBrand:                          {"brand", false, notePage},
		mPortfolio:                      {"portfolio", false, notePage},
		mProduct:                        {"product", false, notePage},
		mSegment:                        {"segment", false, notePage},
		mClientReferenceID:              {"clientReferenceId", false, `the input file's column is ClientReference, so "clientReference" is possible`},
		mReference:                      {"reference", false, notePage},
		mCurrencyCode:                   {"currencyCode", false, notePage},
		mPaymentReconciliationReference: {"paymentReconciliationReference", false, notePage},
		mBPayReference:                  {"bPayReference", false, `casing open: "bpayReference" is possible`},
		mInvoiceNumber:                  {"invoiceNumber", false, notePage},
		mOutstandingAmount:              {"outstandingAmount", false, notePage},
		mMinimumOfferAmount:             {"minimumOfferAmount", false, notePage},
		mMaximumDiscountPercentage:      {"maximumDiscountPercentage", false, notePage},
		mUpfrontAmount:                  {"upfrontAmount", false, notePage},
		mIssuedDate:                     {"issuedDate", false, notePage},
		mStatus:                         {"status", false, "the values are documented, the name and the casing are not"},
		mDebtor:                         {"debtor", true, ""},
		mAdditionalInfo:                 {"additionalInfo", true, ""},
		mCallbackNumber:                 {"callbackNumber", false, notePage},
		mCustomData1:                    {"customData1", false, notePage},
		mCustomData2:                    {"customData2", false, notePage},
		mCustomData3:                    {"customData3", false, notePage},
		mCustomData4:                    {"customData4", false, notePage},
		mCustomData5:                    {"customData5", false, notePage},
		mDaysPastDue:                    {"daysPastDue", false, notePage},
		mDueDate:                        {"dueDate", false, notePage},
		mSendInstantMessages:            {"sendInstantMessages", true, ""},
		mIdentityChallenges:             {"identityChallenges", true, ""},
	}},
	kindParty: {"party", []member{
		mFirstName:    {"firstName", false, noteNothing},
		mLastName:     {"lastName", false, noteNothing},
		mCompanyName:  {"companyName", false, noteNothing},
		mDateOfBirth:  {"dateOfBirth", false, noteNothing},
		mEmail:        {"email", false, noteNothing},
		mMobileNumber: {"mobileNumber", false, noteNothing},
		mPostalCode:   {"postalCode", false, noteNothing},
	}},
	kindKeyValue: {"additionalInfo", []member{
		mKey:   {"key", false, noteNothing},
		mValue: {"value", false, noteNothing},
	}},
	kindInstantMessage: {"sendInstantMessages", []member{
		mChannel: {"channel", false, noteNothing},
	}},
	kindIdentityChallenge: {"identityChallenges", []member{
		mQuestion: {"question", false, noteNothing},
		mAnswer:   {"answer", false, noteNothing},
	}},
	kindClaim: {"claim", []member{
		mClaimBrand:                  {"brand", false, notePage},
		mClaimPortfolio:              {"portfolio", false, notePage},
		mClaimClientReferenceID:      {"clientReferenceId", false, notePage},
		mClaimNumber:                 {"claimNumber", false, `prose calls it ClaimNumber`},
		mClaimStatus:                 {"status", false, "the values are documented, the name and the casing are not"},
		mClaimStatusReason:           {"statusReason", false, notePage},
		mClaimPaymentReferenceNumber: {"paymentReferenceNumber", false, notePage},
		mClaimBPayReference:          {"bPayReference", false, `casing open: "bpayReference" is possible`},
		mClaimInitialRecoveryAmount:  {"initialRecoveryAmount", false, notePage},
		mClaimRecoveryAmount:         {"recoveryAmount", false, notePage},
		mClaimRecoveredAmount:        {"recoveredAmount", false, notePage},
		mClaimCallbackNumber:         {"callbackNumber", false, notePage},
		mClaimExcess:                 {"claimExcess", true, ""},
		mClaimThirdParty:             {"thirdParty", false, noteFileOnly},
	}},
	kindClaimExcess: {"claimExcess", []member{
		mExcessAmount: {"amount", false, noteNothing},
	}},
	kindPayment: {"payment", []member{
		mPaymentClientReferenceID: {"clientReferenceId", false, noteNothing},
		mPaymentAmount:            {"amount", false, noteNothing},
		mPaymentDate:              {"paymentDate", false, noteNothing},
		mPaymentReference:         {"paymentReference", false, noteNothing},
	}},
}
