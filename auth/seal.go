package auth

import (
	"crypto/cipher"
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"github.com/ccr-sdk/ccr"
)

// sealVersion is the first byte of a sealed token.
const sealVersion = 1

// sealedToken is the plain text of a sealed token.
type sealedToken struct {
	Access        string    `json:"access"`
	Expiry        time.Time `json:"expiry,omitzero"`
	Refresh       string    `json:"refresh,omitempty"`
	RefreshExpiry time.Time `json:"refreshExpiry,omitzero"`
}

// Seal encrypts a token for a [TokenStore] that keeps it outside memory. The
// store's key is bound to it: a token that is put under another key does not
// open. a is, for example, AES-GCM with a key of 256 bits (crypto/aes,
// cipher.NewGCM) that the fleet shares and the store does not have; one key
// serves some billions of tokens.
func (t Token) Seal(a cipher.AEAD, key string) ([]byte, error) {
	p := sealedToken{Expiry: t.Expiry, RefreshExpiry: t.RefreshExpiry}
	var err error
	if p.Access, err = t.Access.Reveal(); err != nil {
		return nil, fmt.Errorf("auth: seal a token: %w", err)
	}
	if !t.Refresh.IsZero() {
		if p.Refresh, err = t.Refresh.Reveal(); err != nil {
			return nil, fmt.Errorf("auth: seal a token: %w", err)
		}
	}
	plain, err := json.Marshal(p)
	if err != nil {
		return nil, errors.New("auth: seal a token: its times cannot be written")
	}
	out := make([]byte, 1+a.NonceSize(), 1+a.NonceSize()+len(plain)+a.Overhead())
	out[0] = sealVersion
	rand.Read(out[1:]) //nolint:errcheck // it never fails
	return a.Seal(out, out[1:], plain, sealedFor(key)), nil
}

// OpenToken decrypts what [Token.Seal] made for the same key.
func OpenToken(a cipher.AEAD, key string, sealed []byte) (Token, error) {
	n := 1 + a.NonceSize()
	if len(sealed) < n || sealed[0] != sealVersion {
		return Token{}, errors.New("auth: not a sealed token")
	}
	plain, err := a.Open(nil, sealed[1:n], sealed[n:], sealedFor(key))
	var p sealedToken
	if err != nil || json.Unmarshal(plain, &p) != nil {
		return Token{}, errors.New("auth: a sealed token does not open; it was made with another key, or changed")
	}
	return Token{
		Access: ccr.NewSecret(p.Access), Expiry: p.Expiry,
		Refresh: ccr.NewSecret(p.Refresh), RefreshExpiry: p.RefreshExpiry,
	}, nil
}

func sealedFor(key string) []byte { return []byte("ccr-token-seal-1\n" + key) }
