package auth

import (
	"encoding/base64"
	"encoding/json"
	"math"
	"strings"
	"time"
)

// maxClaims bounds the part of a token that is decoded.
const maxClaims = 64 << 10

// claimsOf reads exp and iat of a JWT; zero for one that is not there, or for
// a token of another kind. The signature is the API's to check.
func claimsOf(token string) (exp, iat time.Time) {
	_, rest, ok := strings.Cut(token, ".")
	claims, _, ok2 := strings.Cut(rest, ".")
	if !ok || !ok2 || len(claims) > maxClaims {
		return
	}
	raw, err := base64.RawURLEncoding.DecodeString(strings.TrimRight(claims, "="))
	var c struct{ Exp, Iat float64 }
	if err != nil || json.Unmarshal(raw, &c) != nil {
		return
	}
	return numericDate(c.Exp), numericDate(c.Iat)
}

// numericDate is a time of RFC 7519: seconds since 1970, perhaps with a
// fraction. What no clock shows is none.
func numericDate(s float64) time.Time {
	if s <= 0 || s > 1<<36 {
		return time.Time{}
	}
	whole, fraction := math.Modf(s)
	return time.Unix(int64(whole), int64(fraction*1e9))
}
