package accounts

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"time"
	"unicode/utf8"

	"github.com/ccr-sdk/ccr"
)

// The encoder is written by hand because a nightly load has a million rows
// and reflection is most of its cost. It writes what encoding/json (without
// HTML escaping) writes for the same struct; a fuzz test compares the two.

// encoder appends JSON and keeps what it saw. The first error sticks.
type encoder struct {
	b     []byte
	limit int // of bytes, if set: a list that is hopelessly long is not written to its end
	used  usedMembers
	err   error
}

var errTooLong = errors.New("accounts: the batch is too long")

func (e *encoder) fail(err error) {
	if e.err == nil {
		e.err = err
	}
}

// open begins an object; members are written by the methods of the result.
func (e *encoder) open(kind objectKind, extra Extra) objectWriter {
	return objectWriter{e: e, kind: kind, members: schema[kind].members, start: len(e.b), extra: extra}
}

// objectWriter writes the members of one object. Each member is preceded by a
// comma; close turns the first one into the opening brace.
type objectWriter struct {
	e       *encoder
	kind    objectKind
	members []member
	start   int
	extra   Extra
	seen    []string // only with extra: members of the schema
	written []string // only with extra: names on the wire
}

func (o *objectWriter) close() {
	if o.extra != nil {
		o.rest()
	}
	if len(o.e.b) == o.start {
		o.e.b = append(o.e.b, '{')
	} else {
		o.e.b[o.start] = '{'
	}
	o.e.b = append(o.e.b, '}')
}

// key begins a member, unless Extra has taken its place.
func (o *objectWriter) key(i int) bool {
	name := o.members[i].name
	if o.extra != nil {
		renamed, ok := o.override(name)
		if !ok {
			return false
		}
		name = renamed
	}
	o.e.used[o.kind] |= 1 << i
	b := append(o.e.b, ',', '"')
	b = append(b, name...)
	o.e.b = append(b, '"', ':')
	return true
}

// absent notes that a member has no value, so that Extra may still give it one.
func (o *objectWriter) absent(i int) {
	name := o.members[i].name
	v, ok := o.extra[name]
	if !ok {
		return
	}
	o.seen = append(o.seen, name)
	if _, ok := v.(Rename); !ok { // a field without a value has nothing to rename
		o.value(name, v)
	}
}

// override looks a member up in Extra: it returns the name to write the field
// under, or false if the member is settled.
func (o *objectWriter) override(name string) (string, bool) {
	v, ok := o.extra[name]
	if !ok {
		o.wrote(name)
		return name, true
	}
	o.seen = append(o.seen, name)
	if r, ok := v.(Rename); ok {
		if r.name == "" {
			return "", false
		}
		o.wrote(r.name)
		quoted := appendString(nil, r.name)
		return string(quoted[1 : len(quoted)-1]), true
	}
	o.value(name, v)
	return "", false
}

// wrote refuses an object with two members of one name.
func (o *objectWriter) wrote(name string) {
	if slices.Contains(o.written, name) {
		o.e.fail(fmt.Errorf("accounts: Extra makes two members %q", name))
	}
	o.written = append(o.written, name)
}

// value writes a member of Extra.
func (o *objectWriter) value(name string, v any) {
	o.wrote(name)
	raw, err := plainJSON(v)
	if err != nil {
		o.e.fail(fmt.Errorf("accounts: Extra[%q] cannot be encoded: %w", name, err))
		return
	}
	o.e.b = append(appendString(append(o.e.b, ','), name), ':')
	o.e.b = append(o.e.b, raw...)
}

// rest writes what Extra adds.
func (o *objectWriter) rest() {
	for _, name := range o.extra.names() {
		if slices.Contains(o.seen, name) {
			continue
		}
		if _, ok := o.extra[name].(Rename); ok {
			o.e.fail(fmt.Errorf("accounts: Extra renames %q, which is not a member of %s", name, schema[o.kind].name))
			continue
		}
		o.value(name, o.extra[name])
	}
}

// plainJSON is encoding/json without HTML escaping.
func plainJSON(v any) ([]byte, error) {
	var b bytes.Buffer
	enc := json.NewEncoder(&b)
	enc.SetEscapeHTML(false)
	if err := enc.Encode(v); err != nil {
		return nil, err
	}
	return bytes.TrimRight(b.Bytes(), "\n"), nil
}

func (o *objectWriter) text(i int, s string) {
	if o.key(i) {
		o.e.b = appendString(o.e.b, s)
	}
}

func (o *objectWriter) optional(i int, s string) {
	if s == "" {
		o.absent(i)
	} else {
		o.text(i, s)
	}
}

func (o *objectWriter) nullable(i int, s string) {
	switch {
	case s != "":
		o.text(i, s)
	case o.key(i):
		o.e.b = append(o.e.b, "null"...)
	}
}

func (o *objectWriter) amount(i int, a ccr.Amount) {
	if !a.IsSet() {
		o.absent(i)
	} else if o.key(i) {
		o.e.b = a.AppendJSON(o.e.b)
	}
}

func (o *objectWriter) integer(i int, n int32) {
	if n == 0 {
		o.absent(i)
	} else if o.key(i) {
		o.e.b = strconv.AppendInt(o.e.b, int64(n), 10)
	}
}

func (o *objectWriter) date(i int, d ccr.Date) {
	if d.IsZero() {
		o.absent(i)
	} else if o.key(i) {
		o.e.b = append(appendDate(append(o.e.b, '"'), d), '"')
	}
}

// dateTime writes RFC 3339, whatever form the value was read in.
func (o *objectWriter) dateTime(i int, d ccr.DateTime) {
	if d.IsZero() {
		o.absent(i)
	} else if o.key(i) {
		if d.Known() {
			o.e.b = append(d.Time().AppendFormat(append(o.e.b, '"'), time.RFC3339Nano), '"')
		} else {
			o.e.b = appendString(o.e.b, d.String()) // Validate refuses it
		}
	}
}

// list writes an array of objects; nil is absent, an empty one is sent.
func list[T any, P interface {
	*T
	encode(*encoder)
}](o *objectWriter, i int, items []T) {
	if items == nil {
		o.absent(i)
	} else if o.key(i) {
		o.e.b = append(o.e.b, '[')
		for n := range items {
			if n > 0 {
				o.e.b = append(o.e.b, ',')
			}
			P(&items[n]).encode(o.e)
			if o.e.limit > 0 && len(o.e.b) > o.e.limit {
				o.e.fail(errTooLong)
				break
			}
		}
		o.e.b = append(o.e.b, ']')
	}
}

// appendDate writes YYYY-MM-DD. Validation has refused years of five digits.
func appendDate(b []byte, d ccr.Date) []byte {
	b = appendDigits(b, d.Year, 4)
	b = append(b, '-')
	b = appendDigits(b, int(d.Month), 2)
	b = append(b, '-')
	return appendDigits(b, d.Day, 2)
}

func appendDigits(b []byte, n, width int) []byte {
	for div := pow10(width - 1); div > 0; div /= 10 {
		b = append(b, byte('0'+n/div%10))
	}
	return b
}

func pow10(n int) int {
	p := 1
	for range n {
		p *= 10
	}
	return p
}

const hexDigits = "0123456789abcdef"

// appendString writes a JSON string as encoding/json does: short escapes, the
// two line separators escaped, bytes that are not UTF-8 as U+FFFD.
func appendString(b []byte, s string) []byte {
	b = append(b, '"')
	start := 0
	for i := 0; i < len(s); {
		c := s[i]
		if c < utf8.RuneSelf {
			if c >= ' ' && c != '"' && c != '\\' {
				i++
				continue
			}
			b = append(b, s[start:i]...)
			switch c {
			case '"', '\\':
				b = append(b, '\\', c)
			case '\b':
				b = append(b, '\\', 'b')
			case '\f':
				b = append(b, '\\', 'f')
			case '\n':
				b = append(b, '\\', 'n')
			case '\r':
				b = append(b, '\\', 'r')
			case '\t':
				b = append(b, '\\', 't')
			default:
				b = append(b, '\\', 'u', '0', '0', hexDigits[c>>4], hexDigits[c&15])
			}
			i++
			start = i
			continue
		}
		r, size := utf8.DecodeRuneInString(s[i:])
		switch {
		case r == utf8.RuneError && size == 1:
			b = append(append(b, s[start:i]...), `\ufffd`...)
		case r == '\u2028' || r == '\u2029':
			b = append(append(b, s[start:i]...), '\\', 'u', '2', '0', '2', hexDigits[r&15])
		default:
			i += size
			continue
		}
		i += size
		start = i
	}
	return append(append(b, s[start:]...), '"')
}

func (a *Account) encode(e *encoder) {
	o := e.open(kindAccount, a.Extra)
	o.optional(mBrand, a.Brand)
	o.optional(mPortfolio, a.Portfolio)
	o.optional(mProduct, a.Product)
	o.optional(mSegment, a.Segment)
	o.text(mClientReferenceID, a.ClientReferenceID)
	o.optional(mReference, a.Reference)
	o.optional(mCurrencyCode, a.CurrencyCode)
	o.optional(mPaymentReconciliationReference, a.PaymentReconciliationReference)
	o.optional(mBPayReference, a.BPayReference)
	o.nullable(mInvoiceNumber, a.InvoiceNumber)
	o.amount(mOutstandingAmount, a.OutstandingAmount)
	o.amount(mMinimumOfferAmount, a.MinimumOfferAmount)
	o.amount(mMaximumDiscountPercentage, a.MaximumDiscountPercentage)
	o.amount(mUpfrontAmount, a.UpfrontAmount)
	o.dateTime(mIssuedDate, a.IssuedDate)
	o.text(mStatus, string(a.Status))
	if o.key(mDebtor) {
		a.Debtor.encode(e)
	}
	list(&o, mAdditionalInfo, a.AdditionalInfo)
	o.optional(mCallbackNumber, a.CallbackNumber)
	o.optional(mCustomData1, a.CustomData1)
	o.optional(mCustomData2, a.CustomData2)
	o.optional(mCustomData3, a.CustomData3)
	o.optional(mCustomData4, a.CustomData4)
	o.optional(mCustomData5, a.CustomData5)
	o.integer(mDaysPastDue, a.DaysPastDue)
	o.date(mDueDate, a.DueDate)
	list(&o, mSendInstantMessages, a.SendInstantMessages)
	list(&o, mIdentityChallenges, a.IdentityChallenges)
	o.close()
}

func (p *Party) encode(e *encoder) {
	o := e.open(kindParty, p.Extra)
	o.optional(mFirstName, p.FirstName)
	o.optional(mLastName, p.LastName)
	o.optional(mCompanyName, p.CompanyName)
	o.date(mDateOfBirth, p.DateOfBirth)
	o.optional(mEmail, p.Email)
	o.optional(mMobileNumber, p.MobileNumber)
	o.optional(mPostalCode, p.PostalCode)
	o.close()
}

func (k *KeyValue) encode(e *encoder) {
	o := e.open(kindKeyValue, k.Extra)
	o.text(mKey, k.Key)
	o.nullable(mValue, k.Value)
	o.close()
}

func (m *InstantMessage) encode(e *encoder) {
	o := e.open(kindInstantMessage, m.Extra)
	o.optional(mChannel, m.Channel)
	o.close()
}

func (c *IdentityChallenge) encode(e *encoder) {
	o := e.open(kindIdentityChallenge, c.Extra)
	o.optional(mQuestion, c.Question)
	o.optional(mAnswer, c.Answer)
	o.close()
}

func (c *Claim) encode(e *encoder) {
	o := e.open(kindClaim, c.Extra)
	o.optional(mClaimBrand, c.Brand)
	o.optional(mClaimPortfolio, c.Portfolio)
	o.optional(mClaimClientReferenceID, c.ClientReferenceID)
	o.text(mClaimNumber, c.ClaimNumber)
	o.text(mClaimStatus, string(c.Status))
	o.optional(mClaimStatusReason, c.StatusReason)
	o.optional(mClaimPaymentReferenceNumber, c.PaymentReferenceNumber)
	o.optional(mClaimBPayReference, c.BPayReference)
	o.amount(mClaimInitialRecoveryAmount, c.InitialRecoveryAmount)
	o.amount(mClaimRecoveryAmount, c.RecoveryAmount)
	o.amount(mClaimRecoveredAmount, c.RecoveredAmount)
	o.optional(mClaimCallbackNumber, c.CallbackNumber)
	if c.ClaimExcess.isEmpty() {
		o.absent(mClaimExcess)
	} else if o.key(mClaimExcess) {
		c.ClaimExcess.encode(e)
	}
	if c.ThirdParty.isEmpty() {
		o.absent(mClaimThirdParty)
	} else if o.key(mClaimThirdParty) {
		c.ThirdParty.encode(e)
	}
	o.close()
}

func (x *ClaimExcess) encode(e *encoder) {
	o := e.open(kindClaimExcess, x.Extra)
	o.amount(mExcessAmount, x.Amount)
	o.close()
}

func (p *Payment) encode(e *encoder) {
	o := e.open(kindPayment, p.Extra)
	o.optional(mPaymentClientReferenceID, p.ClientReferenceID)
	o.amount(mPaymentAmount, p.Amount)
	o.date(mPaymentDate, p.PaymentDate)
	o.optional(mPaymentReference, p.PaymentReference)
	o.close()
}
