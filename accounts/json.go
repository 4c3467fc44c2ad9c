package accounts

import "encoding/json"

// The request objects encode as they go over the wire, Extra included, and
// decode members without a field into Extra.

// MarshalJSON writes the account as it is sent.
func (a Account) MarshalJSON() ([]byte, error) { return marshal(&a) }

// UnmarshalJSON keeps members without a field in Extra.
func (a *Account) UnmarshalJSON(b []byte) (err error) {
	type plain Account
	a.Extra, err = readOpen[Account](b, (*plain)(a))
	return err
}

// MarshalJSON writes the party as it is sent.
func (p Party) MarshalJSON() ([]byte, error) { return marshal(&p) }

// UnmarshalJSON keeps members without a field in Extra.
func (p *Party) UnmarshalJSON(b []byte) (err error) {
	type plain Party
	p.Extra, err = readOpen[Party](b, (*plain)(p))
	return err
}

// MarshalJSON writes the pair as it is sent.
func (k KeyValue) MarshalJSON() ([]byte, error) { return marshal(&k) }

// UnmarshalJSON keeps members without a field in Extra.
func (k *KeyValue) UnmarshalJSON(b []byte) (err error) {
	type plain KeyValue
	k.Extra, err = readOpen[KeyValue](b, (*plain)(k))
	return err
}

// MarshalJSON writes the setting as it is sent.
func (m InstantMessage) MarshalJSON() ([]byte, error) { return marshal(&m) }

// UnmarshalJSON keeps members without a field in Extra.
func (m *InstantMessage) UnmarshalJSON(b []byte) (err error) {
	type plain InstantMessage
	m.Extra, err = readOpen[InstantMessage](b, (*plain)(m))
	return err
}

// MarshalJSON writes the challenge as it is sent.
func (c IdentityChallenge) MarshalJSON() ([]byte, error) { return marshal(&c) }

// UnmarshalJSON keeps members without a field in Extra.
func (c *IdentityChallenge) UnmarshalJSON(b []byte) (err error) {
	type plain IdentityChallenge
	c.Extra, err = readOpen[IdentityChallenge](b, (*plain)(c))
	return err
}

// MarshalJSON writes the claim as it is sent.
func (c Claim) MarshalJSON() ([]byte, error) { return marshal(&c) }

// UnmarshalJSON keeps members without a field in Extra.
func (c *Claim) UnmarshalJSON(b []byte) (err error) {
	type plain Claim
	c.Extra, err = readOpen[Claim](b, (*plain)(c))
	return err
}

// MarshalJSON writes the excess as it is sent.
func (x ClaimExcess) MarshalJSON() ([]byte, error) { return marshal(&x) }

// UnmarshalJSON keeps members without a field in Extra.
func (x *ClaimExcess) UnmarshalJSON(b []byte) (err error) {
	type plain ClaimExcess
	x.Extra, err = readOpen[ClaimExcess](b, (*plain)(x))
	return err
}

// MarshalJSON writes the payment as it is sent.
func (p Payment) MarshalJSON() ([]byte, error) { return marshal(&p) }

// UnmarshalJSON keeps members without a field in Extra.
func (p *Payment) UnmarshalJSON(b []byte) (err error) {
	type plain Payment
	p.Extra, err = readOpen[Payment](b, (*plain)(p))
	return err
}

func marshal[T any](v *T) ([]byte, error) {
	var e encoder
	encodeRow(&e, v)
	return e.b, e.err
}

func (b *AccountBatch) encode(e *encoder) { encodeRow(e, b) }
func (b *PaymentBatch) encode(e *encoder) { encodeRow(e, b) }
func (b *ClaimBatch) encode(e *encoder)   { encodeRow(e, b) }
func (a *Account) encode(e *encoder)      { encodeRow(e, a) }
func (p *Payment) encode(e *encoder)      { encodeRow(e, p) }
func (c *Claim) encode(e *encoder)        { encodeRow(e, c) }

func (a *Account) validate(v *validator) { validateRow(v, a) }
func (p *Payment) validate(v *validator) { validateRow(v, p) }
func (c *Claim) validate(v *validator)   { validateRow(v, c) }

// MarshalJSON writes the batch as it is sent.
func (b AccountBatch) MarshalJSON() ([]byte, error) { return marshal(&b) }

// MarshalJSON writes the batch as it is sent.
func (b PaymentBatch) MarshalJSON() ([]byte, error) { return marshal(&b) }

// MarshalJSON writes the batch as it is sent.
func (b ClaimBatch) MarshalJSON() ([]byte, error) { return marshal(&b) }

// The request types encode themselves.
var (
	_ json.Marshaler = Account{}
	_ json.Marshaler = Claim{}
	_ json.Marshaler = Payment{}
	_ json.Marshaler = AccountBatch{}
)
