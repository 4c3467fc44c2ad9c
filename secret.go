package ccr

import (
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"strings"
)

// redacted is what every printed form of a secret shows.
const redacted = "[redacted]"

// maxSecretFile bounds a secret read from a file; keys and tokens are far smaller.
const maxSecretFile = 1 << 20

// Secret is a credential that cannot be printed by accident. The text is
// held behind a closure, where neither fmt (%v %+v %#v %s %q %d %x), log/slog,
// encoding/json nor a reflection-based printer can follow it, even from an
// unexported field of another struct. Only [Secret.Reveal] returns it.
type Secret struct {
	reveal func() (string, error)
}

// NewSecret wraps a secret text. An empty text makes an unset Secret.
func NewSecret(s string) Secret {
	if s == "" {
		return Secret{}
	}
	return Secret{func() (string, error) { return s, nil }}
}

// SecretFromFile reads the secret from a file at each use, so that a rotated
// secret (a mounted one, for example) is picked up without a restart. Line
// ends at the end of the file are dropped. The file may hold 1 MiB at most.
func SecretFromFile(path string) Secret {
	return Secret{func() (string, error) {
		f, err := os.Open(path)
		if err != nil {
			return "", fmt.Errorf("ccr: read secret file: %w", err)
		}
		defer f.Close()
		b, err := io.ReadAll(io.LimitReader(f, maxSecretFile+1))
		if err != nil {
			return "", fmt.Errorf("ccr: read secret file: %w", err)
		}
		s := strings.TrimRight(string(b), "\r\n")
		if s == "" || len(b) > maxSecretFile {
			return "", fmt.Errorf("ccr: secret file %s is empty or larger than 1 MiB", path)
		}
		return s, nil
	}}
}

// SecretFromEnv returns the secret named by an environment variable NAME, or
// by the file that NAME_FILE names (which is read again at each use). Both
// set, or neither, is an error.
func SecretFromEnv(name string) (Secret, error) {
	value, path := os.Getenv(name), os.Getenv(name+"_FILE")
	switch {
	case value != "" && path != "":
		return Secret{}, fmt.Errorf("ccr: %s and %s_FILE are both set; set one", name, name)
	case value != "":
		return NewSecret(value), nil
	case path != "":
		s := SecretFromFile(path)
		_, err := s.Reveal()
		return s, err
	}
	return Secret{}, fmt.Errorf("ccr: neither %s nor %s_FILE is set", name, name)
}

// Reveal returns the text. Keep it out of errors, logs and URLs.
func (s Secret) Reveal() (string, error) {
	if s.reveal == nil {
		return "", errors.New("ccr: the secret is not set")
	}
	return s.reveal()
}

// IsZero reports whether no secret is set.
func (s Secret) IsZero() bool { return s.reveal == nil }

// String hides the secret.
func (s Secret) String() string { return redacted }

// Format hides the secret under every verb.
func (s Secret) Format(f fmt.State, _ rune) { io.WriteString(f, redacted) } //nolint:errcheck // fmt.State keeps no errors

// LogValue hides the secret from log/slog.
func (s Secret) LogValue() slog.Value { return slog.StringValue(redacted) }

// MarshalText hides the secret from encoders.
func (s Secret) MarshalText() ([]byte, error) { return []byte(redacted), nil }

// UnmarshalText takes the text as the secret; an empty one is an unset Secret.
func (s *Secret) UnmarshalText(text []byte) error {
	*s = NewSecret(string(text))
	return nil
}

// MarshalJSON hides the secret from encoding/json.
func (s Secret) MarshalJSON() ([]byte, error) { return []byte(`"` + redacted + `"`), nil }
