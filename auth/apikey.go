package auth

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"io"
	"log/slog"
	"net/netip"
	"strconv"

	"github.com/ccr-sdk/ccr"
)

// bureauKeyLength is what the gateway's page says a key "should" have.
const bureauKeyLength = 50

// APIKey is the credential of the Clear Direct Debit gateway: an API key and
// a secret made of the user name and the IP address, both in every body.
//
// The secret never changes: whoever knows the user name, the IP and the key
// can act for you. So none of the three is printed. (fmt cannot be kept from
// printing Username and IP where a struct of yours holds an APIKey in a field
// that is not exported; Key is hidden even there.)
type APIKey struct {
	// Key is the one that the bureau issued, of 50 characters; see Warning.
	Key ccr.Secret
	// Username is the one agreed with the bureau. It is not sent; it is part
	// of the secret.
	Username string
	// IP is the address that the bureau knows you by: most likely the public
	// one that your requests leave from (inferred; the page says only "user's
	// IP address"). It is given, never guessed from an interface.
	IP string
}

// Validate reports every fault of the credential, without its values.
func (k APIKey) Validate() error {
	var f ccr.Faults
	if k.Key.IsZero() {
		f.Add("Key", "is required")
	}
	if k.Username == "" {
		f.Add("Username", "is required")
	}
	if _, err := canonicalIP(k.IP); err != nil {
		f.Add("IP", "must be the IP address agreed with the bureau, such as 192.0.2.10")
	}
	return f.Err("auth", "APIKey")
}

// Warning returns a sentence if the key is not 50 characters long, which the
// gateway's page says it should be; such a key is used all the same.
func (k APIKey) Warning() string {
	key, err := k.Key.Reveal()
	if err != nil || len(key) == bureauKeyLength {
		return ""
	}
	return "the API key is " + strconv.Itoa(len(key)) + " characters long; the bureau issues keys of " + strconv.Itoa(bureauKeyLength)
}

// Secret computes the secret: the lowercase hexadecimal SHA-256 of
// "username.ip". See [BureauSecret].
func (k APIKey) Secret() (ccr.Secret, error) { return BureauSecret(k.Username, k.IP) }

// BureauSecret computes the gateway's secret for a user name and an IP
// address, as the PHP example of its page does; a support ticket may ask for
// it. An IPv4 address is hashed as it is written. An IPv6 address is hashed in
// the compressed lower-case form of RFC 5952, without brackets or zone: which
// form the bureau uses is not documented, so that is not verified.
func BureauSecret(username, ip string) (ccr.Secret, error) {
	addr, err := canonicalIP(ip)
	if err != nil || username == "" {
		return ccr.Secret{}, APIKey{Key: ccr.NewSecret("-"), Username: username, IP: ip}.Validate()
	}
	sum := sha256.Sum256([]byte(username + "." + addr))
	return ccr.NewSecret(hex.EncodeToString(sum[:])), nil
}

func canonicalIP(ip string) (string, error) {
	a, err := netip.ParseAddr(ip)
	if err != nil {
		return "", err
	}
	return a.Unmap().WithZone("").String(), nil
}

// Format hides all three parts under every verb.
func (k APIKey) Format(f fmt.State, _ rune) { io.WriteString(f, hidden) } //nolint:errcheck // fmt.State keeps no errors

// LogValue hides all three parts from log/slog.
func (k APIKey) LogValue() slog.Value { return slog.StringValue(hidden) }

// MarshalText hides all three parts from encoders: XML, YAML and the like.
func (k APIKey) MarshalText() ([]byte, error) { return []byte(hidden), nil }

// MarshalBinary hides all three parts from encoding/gob.
func (k APIKey) MarshalBinary() ([]byte, error) { return []byte(hidden), nil }

// MarshalJSON hides all three parts from encoding/json.
func (k APIKey) MarshalJSON() ([]byte, error) { return []byte(`"` + hidden + `"`), nil }
