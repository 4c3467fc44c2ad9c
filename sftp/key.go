package sftp

import (
	"context"
	"crypto/rsa"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"os"

	"github.com/ccr-sdk/ccr"
	"golang.org/x/crypto/ssh"
	"golang.org/x/crypto/ssh/agent"
)

// Key is the private key that logs a user in: exactly one is offered, since
// servers count every offer as a try. The key is read again for each
// connection, so that a rotated file is picked up. It prints nothing of the
// key. The zero Key is none.
type Key struct {
	kind       string
	open       func(ctx context.Context, passphrase ccr.Secret) (ssh.Signer, func(), error)
	passphrase ccr.Secret
	cert       func() ([]byte, error)
}

// maxKeyFile bounds a key or certificate file.
const maxKeyFile = 1 << 20

// PrivateKeyFile reads a private key (OpenSSH, PKCS#1, PKCS#8 or SEC 1 PEM)
// from a file. A file that others can read is refused, as OpenSSH does.
func PrivateKeyFile(path string) Key {
	return Key{kind: "file", open: func(_ context.Context, pass ccr.Secret) (ssh.Signer, func(), error) {
		pem, err := readKeyFile(path)
		if err != nil {
			return nil, nil, err
		}
		return parseSigner(pem, pass)
	}}
}

// PrivateKey uses a private key held in a secret: PEM text, or a secret made
// by ccr.SecretFromFile or ccr.SecretFromEnv.
func PrivateKey(pem ccr.Secret) Key {
	return Key{kind: "secret", open: func(_ context.Context, pass ccr.Secret) (ssh.Signer, func(), error) {
		text, err := pem.Reveal()
		if err != nil {
			return nil, nil, fmt.Errorf("%w: %w", ErrKey, err)
		}
		return parseSigner([]byte(text+"\n"), pass)
	}}
}

// AgentSocket uses the key with a SHA256 fingerprint that an ssh-agent holds,
// reached through its Unix socket (usually the value of SSH_AUTH_SOCK).
func AgentSocket(path, fingerprint string) Key {
	return Agent(func(ctx context.Context) (net.Conn, error) {
		return new(net.Dialer).DialContext(ctx, "unix", path)
	}, fingerprint)
}

// Agent is [AgentSocket] for an agent that is reached in another way, such as
// a named pipe on Windows.
func Agent(dial func(ctx context.Context) (net.Conn, error), fingerprint string) Key {
	return Key{kind: "agent", open: func(ctx context.Context, _ ccr.Secret) (ssh.Signer, func(), error) {
		conn, err := dial(ctx)
		if err != nil {
			return nil, nil, fmt.Errorf("%w: reach the ssh-agent: %w", ErrKey, err)
		}
		s, err := agentSigner(conn, fingerprint)
		if err != nil {
			return nil, nil, errors.Join(err, conn.Close())
		}
		return s, func() { _ = conn.Close() }, nil
	}}
}

// Signer uses a key that never leaves its device: a hardware module or a
// cloud key service behind an ssh.Signer.
func Signer(s ssh.Signer) Key {
	return Key{kind: "signer", open: func(context.Context, ccr.Secret) (ssh.Signer, func(), error) {
		if s == nil {
			return nil, nil, fmt.Errorf("%w: the signer is nil", ErrKey)
		}
		return s, func() {}, nil
	}}
}

// WithPassphrase returns the key with the passphrase that decrypts it.
func (k Key) WithPassphrase(p ccr.Secret) Key {
	k.passphrase = p
	return k
}

// WithCertificateFile returns the key with an OpenSSH user certificate
// (…-cert.pub) that an authority of the vendor has signed.
func (k Key) WithCertificateFile(path string) Key {
	k.cert = func() ([]byte, error) { return readLimited(path) }
	return k
}

// WithCertificate is [Key.WithCertificateFile] for the text of the file.
func (k Key) WithCertificate(line []byte) Key {
	k.cert = func() ([]byte, error) { return line, nil }
	return k
}

// IsZero reports whether no key is set.
func (k Key) IsZero() bool { return k.open == nil }

// String names the kind of key, nothing of it.
func (k Key) String() string {
	if k.IsZero() {
		return "no key"
	}
	return "key from " + k.kind
}

// Format prints the same under every verb.
func (k Key) Format(f fmt.State, _ rune) { io.WriteString(f, k.String()) } //nolint:errcheck // fmt.State keeps no errors

// LogValue keeps the key out of log/slog.
func (k Key) LogValue() slog.Value { return slog.StringValue(k.String()) }

// MarshalText keeps the key out of encoders.
func (k Key) MarshalText() ([]byte, error) { return []byte(k.String()), nil }

// signer opens the key for one login. release must be called after it.
func (k Key) signer(ctx context.Context) (s ssh.Signer, release func(), err error) {
	s, release, err = k.open(ctx, k.passphrase)
	if err != nil {
		return nil, nil, err
	}
	if s, err = k.prepare(s); err != nil {
		release()
		return nil, nil, err
	}
	return s, release, nil
}

// prepare leaves SHA-1 signatures of RSA keys out and adds the certificate.
func (k Key) prepare(s ssh.Signer) (ssh.Signer, error) {
	s, err := withoutSHA1(s)
	if err != nil || k.cert == nil {
		return s, err
	}
	line, err := k.cert()
	if err != nil {
		return nil, fmt.Errorf("%w: certificate: %w", ErrKey, err)
	}
	cert, err := parseCertificate(line)
	if err != nil {
		return nil, err
	}
	if s, err = ssh.NewCertSigner(cert, s); err != nil {
		return nil, fmt.Errorf("%w: certificate and key do not belong together", ErrKey)
	}
	return s, nil
}

func withoutSHA1(s ssh.Signer) (ssh.Signer, error) {
	if s.PublicKey().Type() != ssh.KeyAlgoRSA {
		return s, nil
	}
	if as, ok := s.(ssh.AlgorithmSigner); ok {
		if ms, err := ssh.NewSignerWithAlgorithms(as, []string{ssh.KeyAlgoRSASHA512, ssh.KeyAlgoRSASHA256}); err == nil {
			return ms, nil
		}
	}
	return nil, fmt.Errorf("%w: this RSA signer can only make SHA-1 signatures", ErrKey)
}

func parseCertificate(line []byte) (*ssh.Certificate, error) {
	pub, _, _, _, err := ssh.ParseAuthorizedKey(line)
	if err != nil {
		return nil, fmt.Errorf("%w: the certificate is not an OpenSSH public key line", ErrKey)
	}
	cert, ok := pub.(*ssh.Certificate)
	if !ok || cert.CertType != ssh.UserCert {
		return nil, fmt.Errorf("%w: the certificate is not an OpenSSH user certificate", ErrKey)
	}
	return cert, nil
}

// keyTypeDSA is what the SSH library deprecates a constant for.
const keyTypeDSA = "ssh-dss"

// minRSABits is what NIST SP 800-131A and OpenSSH's own default ask for.
const minRSABits = 2048

// parseSigner reads a PEM key. Its errors never quote the text.
func parseSigner(pem []byte, pass ccr.Secret) (ssh.Signer, func(), error) {
	raw, err := ssh.ParseRawPrivateKey(pem)
	if _, encrypted := errors.AsType[*ssh.PassphraseMissingError](err); encrypted {
		if pass.IsZero() {
			return nil, nil, fmt.Errorf("%w: it is encrypted and no passphrase is set", ErrKey)
		}
		p, perr := pass.Reveal()
		if perr != nil {
			return nil, nil, fmt.Errorf("%w: passphrase: %w", ErrKey, perr)
		}
		if raw, err = ssh.ParseRawPrivateKeyWithPassphrase(pem, []byte(p)); err != nil {
			return nil, nil, fmt.Errorf("%w: the passphrase does not decrypt it", ErrKey)
		}
	}
	if err != nil {
		return nil, nil, fmt.Errorf("%w: it is not a private key in PEM form", ErrKey)
	}
	if key, ok := raw.(*rsa.PrivateKey); ok && key.N.BitLen() < minRSABits {
		return nil, nil, fmt.Errorf("%w: RSA keys need %d bits or more", ErrKey, minRSABits)
	}
	s, err := ssh.NewSignerFromKey(raw)
	if err != nil {
		return nil, nil, fmt.Errorf("%w: this kind of key cannot sign for SSH", ErrKey)
	}
	if s.PublicKey().Type() == keyTypeDSA {
		return nil, nil, fmt.Errorf("%w: DSA keys are refused", ErrKey)
	}
	return s, func() {}, nil
}

func readKeyFile(path string) ([]byte, error) {
	st, err := os.Stat(path)
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrKey, err)
	}
	if tooOpen(st) {
		return nil, fmt.Errorf("%w: others can read the key file (mode %04o); chmod 600 it", ErrKey, st.Mode().Perm())
	}
	b, err := readLimited(path)
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrKey, err)
	}
	return b, nil
}

func readLimited(path string) ([]byte, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	b, err := io.ReadAll(io.LimitReader(f, maxKeyFile+1))
	if err == nil && len(b) > maxKeyFile {
		err = fmt.Errorf("%s is larger than 1 MiB", path)
	}
	return b, err
}

// agentSigner picks the one key that is asked for.
func agentSigner(conn net.Conn, fingerprint string) (ssh.Signer, error) {
	want, err := parseFingerprint(fingerprint)
	if err != nil {
		return nil, fmt.Errorf("%w: the agent key's fingerprint: %w", ErrKey, err)
	}
	signers, err := agent.NewClient(conn).Signers()
	if err != nil {
		return nil, fmt.Errorf("%w: ask the ssh-agent: %w", ErrKey, err)
	}
	for _, s := range signers {
		if ssh.FingerprintSHA256(s.PublicKey()) == want {
			return s, nil
		}
	}
	return nil, fmt.Errorf("%w: the ssh-agent holds no key with that fingerprint (it holds %d others)", ErrKey, len(signers))
}
