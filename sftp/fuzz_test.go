package sftp

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/ccr-sdk/ccr"
	"github.com/ccr-sdk/ccr/sftp/internal/engine"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"golang.org/x/crypto/ssh"
)

func fuzzPair(f *testing.F, o KeyPairOptions) (pem string, line string) {
	f.Helper()
	pair, err := GenerateKeyPair(o)
	require.NoError(f, err)
	pem, err = pair.Private.Reveal()
	require.NoError(f, err)
	return pem, pair.AuthorizedKey
}

// Whatever a known_hosts file holds: reading it does not panic, and it only
// accepts a key that stands in it.
func FuzzKnownHosts(f *testing.F) {
	_, line := fuzzPair(f, KeyPairOptions{})
	_, other := fuzzPair(f, KeyPairOptions{})
	f.Add("host " + line)
	f.Add("[host]:2222 " + line + "\n# a comment\n\n@cert-authority *.example " + other)
	f.Add("@revoked * " + line)
	f.Add("|1|AAAA|AAAA " + line)
	f.Add("host ssh-rsa AAAA")
	f.Add("!host,* " + other)
	key, _, _, _, err := ssh.ParseAuthorizedKey([]byte(line))
	require.NoError(f, err)
	body := strings.Fields(line)[1]
	f.Fuzz(func(t *testing.T, text string) {
		path := filepath.Join(t.TempDir(), "known_hosts")
		require.NoError(t, os.WriteFile(path, []byte(text), 0o600))
		v, err := KnownHosts(path).verifier("host:22")
		if err != nil {
			require.ErrorIs(t, err, ErrHostKeySetup)
			return
		}
		assert.NotEmpty(t, v.Algorithms)
		for _, a := range v.Algorithms {
			assert.NotContains(t, []string{ssh.KeyAlgoRSA, keyTypeDSA}, a, "SHA-1 and DSA are never negotiated")
		}
		if err := v.Check(key); err == nil {
			assert.Contains(t, text, body)
		} else {
			require.ErrorIs(t, err, ErrHostKey)
		}
	})
}

// Whatever a key file holds, with or without a passphrase: an error of one
// kind that quotes nothing of it, or a signer.
func FuzzPrivateKey(f *testing.F) {
	plain, _ := fuzzPair(f, KeyPairOptions{})
	locked, _ := fuzzPair(f, KeyPairOptions{Passphrase: ccr.NewSecret("p")})
	f.Add(plain, "")
	f.Add(locked, "p")
	f.Add(locked, "q")
	f.Add("-----BEGIN RSA PRIVATE KEY-----\nAAAA\n-----END RSA PRIVATE KEY-----", "")
	f.Add(strings.Replace(plain, "b3Blbn", "c3Blbn", 1), "")
	f.Fuzz(func(t *testing.T, text, pass string) {
		if strings.Contains(text, "ENCRYPTED") || len(text) > 1<<14 {
			t.Skip("a key derivation with millions of rounds is slow, not wrong")
		}
		k := PrivateKey(ccr.NewSecret(text)).WithPassphrase(ccr.NewSecret(pass))
		s, release, err := k.signer(t.Context())
		if err != nil {
			require.ErrorIs(t, err, ErrKey)
			return
		}
		defer release()
		assert.NotEqual(t, keyTypeDSA, s.PublicKey().Type())
	})
}

func FuzzCertificate(f *testing.F) {
	_, line := fuzzPair(f, KeyPairOptions{})
	f.Add(line)
	f.Add("ssh-ed25519-cert-v01@openssh.com AAAA")
	f.Fuzz(func(t *testing.T, text string) {
		if cert, err := parseCertificate([]byte(text)); err != nil {
			require.ErrorIs(t, err, ErrKey)
		} else {
			assert.EqualValues(t, ssh.UserCert, cert.CertType)
		}
	})
}

func FuzzFingerprint(f *testing.F) {
	f.Add("SHA256:" + strings.Repeat("A", 43))
	f.Add(" SHA256:" + strings.Repeat("A", 43) + "= ")
	f.Add("MD5:00:11")
	f.Fuzz(func(t *testing.T, text string) {
		got, err := parseFingerprint(text)
		if err != nil {
			return
		}
		again, err := parseFingerprint(got)
		require.NoError(t, err)
		assert.Equal(t, got, again)
		assert.Len(t, got, len("SHA256:")+43)
	})
}

// A name that passes can neither leave its folder nor forge a line.
func FuzzName(f *testing.F) {
	for _, s := range []string{"debtors.csv", "a/b", `a\b`, "..", ".x", "a\x00b", "a\u2028b", "x.part", "£.csv", " a", "\xff"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, name string) {
		msg := checkName(name)
		assert.False(t, len(name) > 3 && strings.Contains(msg, name), "the message quotes the name")
		if msg != "" {
			return
		}
		assert.NotContains(t, name, "/")
		assert.True(t, filepath.IsLocal(name) || os.PathSeparator == '\\')
		assert.Equal(t, join("root", "uploads", name), "root/uploads/"+name)
		assert.Len(t, strings.FieldsFunc(name+"x", func(r rune) bool { return r == '\n' || r == '\r' }), 1)
		temp := CreditClear().tempPath(UploadFolder{Path: "uploads"}.withDefaults(), name, "id")
		assert.True(t, isTemporary(temp))
		assert.LessOrEqual(t, len(temp), 255)
	})
}

func FuzzAddress(f *testing.F) {
	for _, s := range []string{"host", "host:22", "[::1]:22", "::1", "a@b", "sftp://x", "h:0", "h:99999", "::%]", "fe80::1%eth0"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		got, err := address(s)
		if err != nil {
			return
		}
		again, err := address(got)
		require.NoError(t, err)
		assert.Equal(t, got, again)
		assert.NotContains(t, got, "@")
	})
}

func TestServerTextIsNotPrinted(t *testing.T) {
	t.Parallel()
	e := &StatusError{Code: engine.StatusFailure, Text: "row 7: Erika Mustermann"}
	assert.Equal(t, "server answered SSH_FX_FAILURE", e.Error())
	assert.NotContains(t, failure("Upload", "uploads/a.csv", ccr.OutcomeRejected, e).Error(), "Erika")
	assert.Equal(t, "SSH_FX_77", (&StatusError{Code: 77}).Name())
}
