package accounts

import (
	"strconv"
	"strings"
	"unicode/utf8"

	"github.com/ccr-sdk/ccr"
)

// maxReference is the documented length of references.
const maxReference = 150

// Validate checks the batch without sending it: every rule of the vendor's
// page, all faults at once, each with its path (accounts[3].outstandingAmount)
// and never its value. The client calls it, too.
func (b AccountBatch) Validate() error {
	var f ccr.Faults
	v := validator{f: &f, list: "accounts"}
	v.batch(b.ReferenceID, len(b.Accounts), kindAccountBatch, b.Extra)
	for i := range b.Accounts {
		v.index = i
		b.Accounts[i].validate(&v)
	}
	return f.Err(service, routeAccounts.Operation)
}

// Validate checks the batch without sending it; see [AccountBatch.Validate].
func (b PaymentBatch) Validate() error {
	var f ccr.Faults
	v := validator{f: &f, list: "payments"}
	v.batch(b.ReferenceID, len(b.Payments), kindPaymentBatch, b.Extra)
	for i := range b.Payments {
		v.index = i
		b.Payments[i].validate(&v)
	}
	return f.Err(service, routePayments.Operation)
}

// Validate checks the batch without sending it; see [AccountBatch.Validate].
func (b ClaimBatch) Validate() error {
	var f ccr.Faults
	v := validator{f: &f, list: "thirdPartyClaims"}
	v.batch(b.ReferenceID, len(b.Claims), kindClaimBatch, b.Extra)
	for i := range b.Claims {
		v.index = i
		b.Claims[i].validate(&v)
	}
	return f.Err(service, routeClaims.Operation)
}

// Validate checks one account; see [AccountBatch.Validate].
func (a Account) Validate() error { return validateOne(&a, "account", routeAccounts.Operation) }

// Validate checks one claim; see [AccountBatch.Validate].
func (c Claim) Validate() error { return validateOne(&c, "claim", routeClaims.Operation) }

// Validate checks one payment; see [AccountBatch.Validate].
func (p Payment) Validate() error { return validateOne(&p, "payment", routePayments.Operation) }

func validateOne(row interface{ validate(*validator) }, name, operation string) error {
	var f ccr.Faults
	row.validate(&validator{f: &f, list: name, index: -1})
	return f.Err(service, operation)
}

// validator collects faults; paths are only built for faults.
type validator struct {
	f     *ccr.Faults
	list  string
	index int    // in the list; -1: list names one object
	in    string // nested object, with its dot
	scan  encoder
}

func (v *validator) path(name string) string {
	at := v.list
	if v.index >= 0 {
		at += "[" + strconv.Itoa(v.index) + "]"
	}
	return at + "." + v.in + name
}

func (v *validator) fault(name, message string) { v.f.Add(v.path(name), message) }

// faultHere is a fault of the object that is being looked at.
func (v *validator) faultHere(message string) {
	v.f.Add(strings.TrimSuffix(v.path(""), "."), message)
}

// batch checks what the three envelopes have in common.
func (v *validator) batch(reference string, rows int, kind objectKind, extra Extra) {
	members := schema[kind].members
	if !extra.replaces(members[mBatchReferenceID].name) {
		if message := referenceFault(reference); message != "" {
			v.f.Add(members[mBatchReferenceID].name, message)
		}
	}
	if rows == 0 && !extra.replaces(members[mBatchItems].name) {
		v.f.Add(members[mBatchItems].name, "needs at least one element")
	}
	if len(extra) > 0 {
		e := encoder{}
		o := e.open(kind, extra)
		o.text(mBatchReferenceID, "")
		if o.key(mBatchItems) {
			e.b = append(e.b, "[]"...)
		}
		o.close()
		if e.err != nil {
			v.f.Add("extra", "cannot be encoded: "+e.err.Error())
		}
	}
}

// referenceFault applies the rule for required references.
func referenceFault(s string) string {
	switch {
	case s == "":
		return "is required"
	case length(s) > maxReference:
		return "is longer than 150 characters"
	case !utf8.ValidString(s):
		return "is not valid UTF-8"
	}
	return ""
}

// length counts as .NET does, where a character outside the basic plane is
// two: the stricter reading of "length".
func length(s string) int {
	if len(s) <= maxReference {
		return len(s) // bytes are an upper bound
	}
	n := 0
	for _, r := range s {
		n++
		if r > 0xffff {
			n++
		}
	}
	return n
}

func (v *validator) reference(m *member, s string, x Extra) {
	if x != nil && x.replaces(m.name) {
		return
	}
	if message := referenceFault(s); message != "" {
		v.fault(m.name, message)
	}
}

func (v *validator) text(m *member, s string) {
	if !utf8.ValidString(s) {
		v.fault(m.name, "is not valid UTF-8")
	}
}

func (v *validator) status(m *member, s Status, x Extra) {
	if x != nil && x.replaces(m.name) {
		return
	}
	switch {
	case s == "":
		v.fault(m.name, "is required: Active, Hold or Closed")
	case !utf8.ValidString(string(s)):
		v.fault(m.name, "is not valid UTF-8")
	}
}

func (v *validator) notNegative(m *member, a ccr.Amount, x Extra) {
	if a.IsSet() && a.Sign() < 0 && !x.replaces(m.name) {
		v.fault(m.name, "must be zero or more")
	}
}

func (v *validator) date(m *member, d ccr.Date, x Extra) {
	if !d.IsZero() && !d.IsValid() && !x.replaces(m.name) {
		v.fault(m.name, "is not a day of the calendar")
	}
}

// open checks what Extra holds, by encoding the object.
func (v *validator) open(row interface{ encode(*encoder) }, x Extra) {
	if len(x) == 0 {
		return
	}
	v.scan.b, v.scan.err = v.scan.b[:0], nil
	row.encode(&v.scan)
	if v.scan.err != nil {
		v.fault("extra", v.scan.err.Error())
	}
}

// nested checks an object within the row; at is its path there.
func (v *validator) nested(at string, check func()) {
	outer := v.in
	v.in = outer + at + "."
	check()
	v.in = outer
}

func (a *Account) validate(v *validator) {
	m, x := schema[kindAccount].members, a.Extra
	v.text(&m[mBrand], a.Brand)
	v.text(&m[mPortfolio], a.Portfolio)
	v.text(&m[mProduct], a.Product)
	v.text(&m[mSegment], a.Segment)
	v.reference(&m[mClientReferenceID], a.ClientReferenceID, x)
	v.text(&m[mReference], a.Reference)
	v.text(&m[mCurrencyCode], a.CurrencyCode)
	v.text(&m[mPaymentReconciliationReference], a.PaymentReconciliationReference)
	v.text(&m[mBPayReference], a.BPayReference)
	v.text(&m[mInvoiceNumber], a.InvoiceNumber)
	v.notNegative(&m[mOutstandingAmount], a.OutstandingAmount, x)
	if a.MinimumOfferAmount.IsSet() && a.MinimumOfferAmount.Sign() <= 0 && !x.replaces(m[mMinimumOfferAmount].name) {
		v.fault(m[mMinimumOfferAmount].name, "must be more than zero; leave it out if there is none")
	}
	if p := a.MaximumDiscountPercentage; p.IsSet() && (p.Sign() < 0 || p.Cmp(ccr.AmountFromMinor(100, 0)) > 0) && !x.replaces(m[mMaximumDiscountPercentage].name) {
		v.fault(m[mMaximumDiscountPercentage].name, "must be between 0 and 100")
	}
	v.notNegative(&m[mUpfrontAmount], a.UpfrontAmount, x)
	if d := a.IssuedDate; !d.IsZero() && (!d.Known() || d.Time().Year() > 9999) && !x.replaces(m[mIssuedDate].name) {
		v.fault(m[mIssuedDate].name, "is not a date-time with an offset")
	}
	v.status(&m[mStatus], a.Status, x)
	if !x.replaces(m[mDebtor].name) {
		v.in = "debtor."
		a.Debtor.validate(v)
		v.in = ""
	}
	for i := range a.AdditionalInfo {
		v.nested("additionalInfo["+strconv.Itoa(i)+"]", func() { a.AdditionalInfo[i].validate(v) })
	}
	v.text(&m[mCallbackNumber], a.CallbackNumber)
	v.text(&m[mCustomData1], a.CustomData1)
	v.text(&m[mCustomData2], a.CustomData2)
	v.text(&m[mCustomData3], a.CustomData3)
	v.text(&m[mCustomData4], a.CustomData4)
	v.text(&m[mCustomData5], a.CustomData5)
	if a.DaysPastDue < 0 && !x.replaces(m[mDaysPastDue].name) {
		v.fault(m[mDaysPastDue].name, "must be more than zero; leave it out if the debt is not overdue")
	}
	v.date(&m[mDueDate], a.DueDate, x)
	for i := range a.SendInstantMessages {
		v.nested("sendInstantMessages["+strconv.Itoa(i)+"]", func() { a.SendInstantMessages[i].validate(v) })
	}
	for i := range a.IdentityChallenges {
		v.nested("identityChallenges["+strconv.Itoa(i)+"]", func() { a.IdentityChallenges[i].validate(v) })
	}
	v.open(a, x)
}

// isEmpty reports whether the object would be sent without any member.
func (p *Party) isEmpty() bool {
	return p.FirstName == "" && p.LastName == "" && p.CompanyName == "" && p.DateOfBirth.IsZero() &&
		p.Email == "" && p.MobileNumber == "" && p.PostalCode == "" && len(p.Extra) == 0
}

func (p *Party) validate(v *validator) {
	m := schema[kindParty].members
	if p.isEmpty() {
		v.faultHere("is required: name a person or a company")
		return
	}
	v.text(&m[mFirstName], p.FirstName)
	v.text(&m[mLastName], p.LastName)
	v.text(&m[mCompanyName], p.CompanyName)
	v.date(&m[mDateOfBirth], p.DateOfBirth, p.Extra)
	v.text(&m[mEmail], p.Email)
	v.text(&m[mMobileNumber], p.MobileNumber)
	v.text(&m[mPostalCode], p.PostalCode)
	v.open(p, p.Extra)
}

func (k *KeyValue) validate(v *validator) {
	m := schema[kindKeyValue].members
	if k.Key == "" && !k.Extra.replaces(m[mKey].name) {
		v.fault(m[mKey].name, "is required")
	}
	v.text(&m[mKey], k.Key)
	v.text(&m[mValue], k.Value)
	v.open(k, k.Extra)
}

func (m *InstantMessage) validate(v *validator) {
	if m.Channel == "" && len(m.Extra) == 0 {
		v.faultHere("has no members")
	}
	v.text(&schema[kindInstantMessage].members[mChannel], m.Channel)
	v.open(m, m.Extra)
}

func (c *IdentityChallenge) validate(v *validator) {
	m := schema[kindIdentityChallenge].members
	if c.Question == "" && c.Answer == "" && len(c.Extra) == 0 {
		v.faultHere("has no members")
	}
	v.text(&m[mQuestion], c.Question)
	v.text(&m[mAnswer], c.Answer)
	v.open(c, c.Extra)
}

func (c *Claim) validate(v *validator) {
	m, x := schema[kindClaim].members, c.Extra
	v.text(&m[mClaimBrand], c.Brand)
	v.text(&m[mClaimPortfolio], c.Portfolio)
	if c.ClientReferenceID != "" {
		v.reference(&m[mClaimClientReferenceID], c.ClientReferenceID, x)
	}
	v.reference(&m[mClaimNumber], c.ClaimNumber, x)
	v.status(&m[mClaimStatus], c.Status, x)
	v.text(&m[mClaimStatusReason], c.StatusReason)
	v.text(&m[mClaimPaymentReferenceNumber], c.PaymentReferenceNumber)
	v.text(&m[mClaimBPayReference], c.BPayReference)
	v.notNegative(&m[mClaimInitialRecoveryAmount], c.InitialRecoveryAmount, x)
	v.notNegative(&m[mClaimRecoveryAmount], c.RecoveryAmount, x)
	v.notNegative(&m[mClaimRecoveredAmount], c.RecoveredAmount, x)
	v.text(&m[mClaimCallbackNumber], c.CallbackNumber)
	if !c.ClaimExcess.isEmpty() {
		v.nested("claimExcess", func() { c.ClaimExcess.validate(v) })
	}
	if !c.ThirdParty.isEmpty() {
		v.nested("thirdParty", func() { c.ThirdParty.validate(v) })
	}
	v.open(c, x)
}

func (x *ClaimExcess) isEmpty() bool { return !x.Amount.IsSet() && len(x.Extra) == 0 }

func (x *ClaimExcess) validate(v *validator) {
	v.notNegative(&schema[kindClaimExcess].members[mExcessAmount], x.Amount, x.Extra)
	v.open(x, x.Extra)
}

func (p *Payment) validate(v *validator) {
	m, x := schema[kindPayment].members, p.Extra
	if p.ClientReferenceID == "" && !p.Amount.IsSet() && p.PaymentDate.IsZero() && p.PaymentReference == "" && len(x) == 0 {
		v.faultHere("has no members")
		return
	}
	if p.ClientReferenceID != "" {
		v.reference(&m[mPaymentClientReferenceID], p.ClientReferenceID, x)
	}
	v.date(&m[mPaymentDate], p.PaymentDate, x)
	v.text(&m[mPaymentReference], p.PaymentReference)
	v.open(p, x)
}
