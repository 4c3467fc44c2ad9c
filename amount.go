package ccr

import (
	"bytes"
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"strconv"
	"strings"
)

// maxAmountLen bounds the text of an [Amount]; no ledger needs more digits,
// and an attacker's exponent must not make us write a gigabyte of zeros.
const maxAmountLen = 64

// Amount is an exact decimal amount of money, kept as it was written:
// 0.10 stays 0.10. It never passes through float64 and does no arithmetic;
// use a decimal library of your own on [Amount.String] for that.
//
// The zero Amount is "unset": it prints as 0, compares equal to 0 and is
// omitted from JSON by the omitzero option, so that an amount of "0" can be
// sent and an absent one can be left out.
//
// JSON: reads numbers and strings, writes a number.
type Amount struct {
	text string // canonical: optional '-', digits, optional '.' digits; "" is unset
}

// errAmount never quotes the text: an amount of a debtor is personal data.
var errAmount = errors.New("ccr: not a decimal amount (want digits with an optional sign, point and exponent, 64 characters at most)")

// ParseAmount reads a decimal such as "1234567.89", "-0.10" or "1e3".
// Grouping separators, currency signs and spaces are refused. A number with
// an exponent is written out ("1e3" becomes "1000"); any other text is kept.
func ParseAmount(s string) (Amount, error) {
	if canonicalDecimal(s) {
		return Amount{strings.Clone(s)}, nil
	}
	return parseAmountSlow(s)
}

// AmountFromMinor makes an amount from minor units: AmountFromMinor(1050, 2)
// is 10.50. The exponent is the number of decimal places of the currency
// (2 for AUD, GBP and EUR) and must be between 0 and 18; one outside that
// range is taken as the nearer bound.
func AmountFromMinor(minor int64, exponent int) Amount {
	exponent = min(max(exponent, 0), 18)
	digits := strconv.FormatInt(minor, 10)
	sign := ""
	if digits[0] == '-' {
		sign, digits = "-", digits[1:]
	}
	if exponent == 0 {
		return Amount{sign + digits}
	}
	if pad := exponent + 1 - len(digits); pad > 0 {
		digits = strings.Repeat("0", pad) + digits
	}
	cut := len(digits) - exponent
	return Amount{sign + digits[:cut] + "." + digits[cut:]}
}

// MinorUnits returns the amount in minor units for a currency with the given
// number of decimal places: "10.5" with exponent 2 is 1050. It fails rather
// than round, and on overflow of int64.
func (a Amount) MinorUnits(exponent int) (int64, error) {
	if exponent < 0 || exponent > 18 {
		return 0, errors.New("ccr: the exponent of minor units must be between 0 and 18")
	}
	neg, whole, frac := a.parts()
	if len(frac) > exponent {
		if strings.Trim(frac[exponent:], "0") != "" {
			return 0, fmt.Errorf("ccr: the amount has more than %d decimal places", exponent)
		}
		frac = frac[:exponent]
	}
	n, err := strconv.ParseUint(whole+frac+strings.Repeat("0", exponent-len(frac)), 10, 64)
	switch {
	case err != nil, !neg && n > math.MaxInt64, n > math.MaxInt64+1:
		return 0, errors.New("ccr: the amount does not fit 64 bits of minor units")
	case neg:
		return -int64(n), nil // n == 1<<63 wraps to the smallest int64, as wanted
	}
	return int64(n), nil
}

// String returns the decimal as it was written; "0" for an unset amount.
func (a Amount) String() string {
	if a.text == "" {
		return "0"
	}
	return a.text
}

// IsSet reports whether the amount holds a value, zero included.
func (a Amount) IsSet() bool { return a.text != "" }

// Sign returns -1, 0 or +1.
func (a Amount) Sign() int {
	neg, whole, frac := a.parts()
	switch {
	case strings.Trim(whole, "0") == "" && strings.Trim(frac, "0") == "":
		return 0
	case neg:
		return -1
	}
	return 1
}

// Cmp compares by value (0.1 equals 0.10) and returns -1, 0 or +1.
func (a Amount) Cmp(b Amount) int {
	sa, sb := a.Sign(), b.Sign()
	if sa != sb || sa == 0 {
		return cmp.Compare(sa, sb)
	}
	_, wa, fa := a.parts()
	_, wb, fb := b.parts()
	wa, wb = strings.TrimLeft(wa, "0"), strings.TrimLeft(wb, "0")
	c := cmp.Compare(len(wa), len(wb))
	if c == 0 {
		c = strings.Compare(wa, wb)
	}
	if c == 0 {
		c = strings.Compare(strings.TrimRight(fa, "0"), strings.TrimRight(fb, "0"))
	}
	return c * sa
}

// Equal reports whether two amounts have the same value: 0.1 equals 0.10.
func (a Amount) Equal(b Amount) bool { return a.Cmp(b) == 0 }

// MarshalJSON writes a JSON number, digit for digit.
func (a Amount) MarshalJSON() ([]byte, error) { return []byte(a.String()), nil }

// AppendJSON appends the JSON number to b.
func (a Amount) AppendJSON(b []byte) []byte { return append(b, a.String()...) }

// UnmarshalJSON reads a JSON number or a string that holds one; null changes
// nothing, so that a fresh Amount stays unset. An empty string is refused: it
// must not be taken for zero.
func (a *Amount) UnmarshalJSON(data []byte) error {
	if bytes.Equal(data, []byte("null")) {
		return nil
	}
	if len(data) > 1 && data[0] == '"' {
		var s string
		if err := json.Unmarshal(data, &s); err != nil {
			return errAmount
		}
		return a.UnmarshalText([]byte(strings.TrimSpace(s)))
	}
	return a.UnmarshalText(data)
}

// MarshalText writes the decimal, for CSV and XML encoders.
func (a Amount) MarshalText() ([]byte, error) { return []byte(a.String()), nil }

// UnmarshalText reads what [ParseAmount] reads.
func (a *Amount) UnmarshalText(text []byte) error {
	s := string(text)
	if canonicalDecimal(s) {
		a.text = s
		return nil
	}
	v, err := parseAmountSlow(s)
	if err != nil {
		return err
	}
	*a = v
	return nil
}

// parts splits the canonical text.
func (a Amount) parts() (neg bool, whole, frac string) {
	s := a.String()
	if s[0] == '-' {
		neg, s = true, s[1:]
	}
	whole, frac, _ = strings.Cut(s, ".")
	return neg, whole, frac
}

// canonicalDecimal reports whether s already is a JSON number without an
// exponent, which is nearly always so and needs no rewriting.
func canonicalDecimal(s string) bool {
	if len(s) == 0 || len(s) > maxAmountLen {
		return false
	}
	i := 0
	if s[0] == '-' {
		i++
	}
	start := i
	for i < len(s) && isDigit(s[i]) {
		i++
	}
	if i == start || (s[start] == '0' && i-start > 1) {
		return false
	}
	if i == len(s) {
		return true
	}
	if s[i] != '.' || i+1 == len(s) {
		return false
	}
	for i++; i < len(s); i++ {
		if !isDigit(s[i]) {
			return false
		}
	}
	return true
}

// parseAmountSlow accepts leading zeros, a plus sign, a bare point on either
// side and an exponent, and writes the canonical form.
func parseAmountSlow(s string) (Amount, error) {
	if len(s) > maxAmountLen {
		return Amount{}, errAmount
	}
	mantissa, exp := s, 0
	if i := strings.IndexAny(s, "eE"); i >= 0 {
		n, err := strconv.Atoi(s[i+1:])
		if err != nil || n > maxAmountLen || n < -maxAmountLen {
			return Amount{}, errAmount
		}
		mantissa, exp = s[:i], n
	}
	sign := ""
	if mantissa != "" && (mantissa[0] == '-' || mantissa[0] == '+') {
		if mantissa[0] == '-' {
			sign = "-"
		}
		mantissa = mantissa[1:]
	}
	whole, frac, _ := strings.Cut(mantissa, ".")
	if whole+frac == "" || strings.Trim(whole+frac, "0123456789") != "" {
		return Amount{}, errAmount
	}
	whole, frac = shifted(whole, frac, exp)
	if whole = strings.TrimLeft(whole, "0"); whole == "" {
		whole = "0"
	}
	text := sign + whole
	if frac != "" {
		text += "." + frac
	}
	if len(text) > maxAmountLen {
		return Amount{}, errAmount
	}
	return Amount{text}, nil
}

func isDigit(c byte) bool { return '0' <= c && c <= '9' }

// shifted moves the decimal point exp digits to the right.
func shifted(whole, frac string, exp int) (string, string) {
	for ; exp > 0; exp-- {
		next := "0"
		if frac != "" {
			next, frac = frac[:1], frac[1:]
		}
		whole += next
	}
	for ; exp < 0; exp++ {
		last := "0"
		if whole != "" {
			last, whole = whole[len(whole)-1:], whole[:len(whole)-1]
		}
		frac = last + frac
	}
	return whole, frac
}
