package sftp

import (
	"crypto/ed25519"
	"crypto/rand"
	"encoding/pem"
	"errors"
	"fmt"
	"os"
	"strings"

	"github.com/ccr-sdk/ccr"
	"golang.org/x/crypto/ssh"
)

// KeyPair is a new key pair for a login.
type KeyPair struct {
	// Private is the OpenSSH private key in PEM form, for PrivateKey or a file.
	Private ccr.Secret
	// AuthorizedKey is the public key as one line: this is what the vendor gets.
	AuthorizedKey string
	// Fingerprint is its SHA256 fingerprint, to compare over the telephone.
	Fingerprint string
}

// KeyPairOptions adjust [GenerateKeyPair].
type KeyPairOptions struct {
	// Comment ends the public line, such as "acme-uat-2026". One word.
	Comment string
	// Passphrase encrypts the private key; the zero Secret leaves it open, for
	// programs that keep it in a secret store.
	Passphrase ccr.Secret
}

// GenerateKeyPair makes an ed25519 key pair. Make one for production and
// another for UAT: Credit Clear asks for separate ones.
func GenerateKeyPair(o KeyPairOptions) (KeyPair, error) {
	if strings.ContainsAny(o.Comment, " \t\r\n\x00") {
		var f ccr.Faults
		f.Add("Comment", "must be one word")
		return KeyPair{}, f.Err(serviceName, "GenerateKeyPair")
	}
	fail := func(err error) (KeyPair, error) {
		return KeyPair{}, failure("GenerateKeyPair", "", ccr.OutcomeNotSent, fmt.Errorf("%w: %w", ErrKey, err))
	}
	pub, priv, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		return fail(err)
	}
	var block *pem.Block
	if o.Passphrase.IsZero() {
		block, err = ssh.MarshalPrivateKey(priv, o.Comment)
	} else {
		var pass string
		if pass, err = o.Passphrase.Reveal(); err == nil {
			block, err = ssh.MarshalPrivateKeyWithPassphrase(priv, o.Comment, []byte(pass))
		}
	}
	if err != nil {
		return fail(err)
	}
	sshPub, err := ssh.NewPublicKey(pub)
	if err != nil {
		return fail(err)
	}
	line := strings.TrimSuffix(string(ssh.MarshalAuthorizedKey(sshPub)), "\n")
	if o.Comment != "" {
		line += " " + o.Comment
	}
	return KeyPair{
		Private: ccr.NewSecret(string(pem.EncodeToMemory(block))), AuthorizedKey: line,
		Fingerprint: ssh.FingerprintSHA256(sshPub),
	}, nil
}

// Write stores the private key at path (mode 0600) and the public line at
// path.pub. Existing files are never replaced.
func (k KeyPair) Write(path string) error {
	text, err := k.Private.Reveal()
	if err == nil {
		err = writeNew(path, text, 0o600)
	}
	if err == nil {
		if err = writeNew(path+".pub", k.AuthorizedKey+"\n", 0o644); err != nil {
			err = errors.Join(err, os.Remove(path))
		}
	}
	if err != nil {
		return failure("KeyPair.Write", "", ccr.OutcomeNotSent, fmt.Errorf("%w: %w", ErrKey, err))
	}
	return nil
}

func writeNew(path, text string, mode os.FileMode) error {
	f, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_EXCL, mode)
	if err != nil {
		return err
	}
	_, err = f.WriteString(text)
	return errors.Join(err, f.Sync(), f.Close())
}
