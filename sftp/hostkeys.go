package sftp

import (
	"crypto/rsa"
	"encoding/base64"
	"errors"
	"fmt"
	"net"
	"slices"
	"strings"

	"github.com/ccr-sdk/ccr/sftp/internal/engine"
	"github.com/skeema/knownhosts"
	"golang.org/x/crypto/ssh"
	xknownhosts "golang.org/x/crypto/ssh/knownhosts"
)

// HostKeys says which keys the server may have. It is required: there is no
// trust on first use and no switch to go without. The zero HostKeys accepts
// no server.
type HostKeys struct {
	files []string
	pins  []string
	lines []string
	set   bool
}

// KnownHosts accepts what OpenSSH known_hosts files say of the host,
// including hashed names, @cert-authority and @revoked lines. The files are
// read again for each connection. Only algorithms of keys that are listed for
// the host are negotiated, so that a server with several keys shows a known one.
func KnownHosts(files ...string) HostKeys { return HostKeys{files: slices.Clone(files), set: true} }

// HostFingerprints accepts any of the given SHA256 fingerprints
// ("SHA256:…" as ssh-keygen -l prints them); give the old and the new one
// while the vendor changes its key.
func HostFingerprints(sha256 ...string) HostKeys {
	return HostKeys{pins: slices.Clone(sha256), set: true}
}

// HostPublicKeys accepts any of the given public keys, each a line like that
// of a .pub file ("ssh-ed25519 AAAA…").
func HostPublicKeys(lines ...string) HostKeys {
	return HostKeys{lines: slices.Clone(lines), set: true}
}

// HostKeyError says why the server's key was not accepted. The connection was
// ended before any credential was offered.
type HostKeyError struct {
	Host       string   // host:port that was asked for
	Presented  string   // SHA256 fingerprint of the key the server showed
	KeyType    string   // its type, such as ssh-ed25519
	Expected   []string // what is configured: fingerprints, with file and line where known
	PublicKey  string   // the presented key as a known_hosts line, to compare; never add it unchecked
	reason     error    // ErrHostKeyUnknown, …Changed, …Revoked or …Weak
	underlying error
}

// Error says what the server showed and what was expected, by fingerprint.
func (e *HostKeyError) Error() string {
	s := fmt.Sprintf("%v: the server showed %s %s", e.reason, e.KeyType, e.Presented)
	if len(e.Expected) > 0 {
		s += ", configured is " + strings.Join(e.Expected, ", ")
	}
	return s
}

// Is matches ErrHostKey and the reason.
func (e *HostKeyError) Is(target error) bool { return target == ErrHostKey || target == e.reason }

// Unwrap returns the known_hosts package's error, if there is one.
func (e *HostKeyError) Unwrap() error { return e.underlying }

// verifier reads what is configured for addr, a host:port.
func (h HostKeys) verifier(addr string) (*engine.Verifier, error) {
	var v *engine.Verifier
	var err error
	switch {
	case len(h.files) > 0:
		v, err = h.fromFiles(addr)
	case len(h.lines) > 0:
		v, err = h.fromLines(addr)
	case len(h.pins) > 0:
		v, err = h.fromPins(addr)
	case h.set:
		err = errors.New("the list is empty")
	default:
		err = errors.New("none given")
	}
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrHostKeySetup, err)
	}
	check := v.Check
	v.Check = func(key ssh.PublicKey) error {
		if err := check(key); err != nil {
			return err
		}
		if tooWeak(key) {
			return presented(addr, key, ErrHostKeyWeak)
		}
		return nil
	}
	return v, nil
}

// tooWeak reports whether a host key is an RSA key that is too short, or a
// certificate of one.
func tooWeak(key ssh.PublicKey) bool {
	if cert, ok := key.(*ssh.Certificate); ok {
		key = cert.Key
	}
	k, ok := key.(ssh.CryptoPublicKey)
	if !ok {
		return false
	}
	public, ok := k.CryptoPublicKey().(*rsa.PublicKey)
	return ok && public.N.BitLen() < minRSABits
}

// usable keeps the algorithms that are negotiated at all.
func usable(algorithms []string) []string {
	allowed := engine.HostKeyAlgorithms()
	return slices.DeleteFunc(slices.Clone(algorithms), func(a string) bool { return !slices.Contains(allowed, a) })
}

func (h HostKeys) fromFiles(addr string) (*engine.Verifier, error) {
	db, err := knownhosts.NewDB(h.files...)
	if err != nil {
		return nil, err
	}
	known := db.HostKeyAlgorithms(addr)
	v := &engine.Verifier{Algorithms: usable(known), Exact: true}
	if len(known) == 0 { // unknown: connect all the same, to name the key that it shows
		v.Algorithms, v.Exact = engine.HostKeyAlgorithms(), false
	} else if len(v.Algorithms) == 0 {
		return nil, fmt.Errorf("the keys that known_hosts lists for the host are of kinds that are refused (%s)", strings.Join(known, ", "))
	}
	callback := db.HostKeyCallback()
	v.Check = func(key ssh.PublicKey) error {
		// The name counts, not the address it resolved to: so a placeholder will do.
		err := callback(addr, &net.TCPAddr{IP: net.IPv4zero, Port: 22}, key)
		if err == nil {
			return nil
		}
		out := presented(addr, key, ErrHostKeyUnknown)
		out.underlying = err
		if k, ok := errors.AsType[*xknownhosts.KeyError](err); ok {
			for _, want := range k.Want {
				out.reason = ErrHostKeyChanged
				out.Expected = append(out.Expected, fmt.Sprintf("%s %s (%s:%d)", want.Key.Type(), ssh.FingerprintSHA256(want.Key), want.Filename, want.Line))
			}
		}
		if _, ok := errors.AsType[*xknownhosts.RevokedError](err); ok {
			out.reason = ErrHostKeyRevoked
		}
		if _, isCert := key.(*ssh.Certificate); isCert && out.reason == ErrHostKeyUnknown && len(known) > 0 {
			out.reason = ErrHostKeyChanged // expired, for another host, or of another authority
		}
		return out
	}
	return v, nil
}

func (h HostKeys) fromLines(addr string) (*engine.Verifier, error) {
	v := &engine.Verifier{Exact: true}
	var keys []ssh.PublicKey
	var expected []string
	for i, line := range h.lines {
		key, _, _, _, err := ssh.ParseAuthorizedKey([]byte(line))
		if err != nil {
			return nil, fmt.Errorf("host public key %d is not a line like that of a .pub file", i+1)
		}
		keys = append(keys, key)
		expected = append(expected, key.Type()+" "+ssh.FingerprintSHA256(key))
		v.Algorithms = append(v.Algorithms, engine.AlgorithmsOf(key.Type())...)
	}
	if v.Algorithms = usable(slices.Compact(v.Algorithms)); len(v.Algorithms) == 0 {
		return nil, errors.New("the host public keys are of kinds that are refused (DSA)")
	}
	v.Check = func(key ssh.PublicKey) error {
		for _, k := range keys {
			if string(k.Marshal()) == string(key.Marshal()) {
				return nil
			}
		}
		e := presented(addr, key, ErrHostKeyChanged)
		e.Expected = expected
		return e
	}
	return v, nil
}

func (h HostKeys) fromPins(addr string) (*engine.Verifier, error) {
	v := &engine.Verifier{Algorithms: engine.HostKeyAlgorithms()}
	var pins []string
	for i, p := range h.pins {
		pin, err := parseFingerprint(p)
		if err != nil {
			return nil, fmt.Errorf("fingerprint %d: %w", i+1, err)
		}
		pins = append(pins, pin)
	}
	// Certificates have no fingerprint of their own: the key inside has one.
	v.Algorithms = slices.DeleteFunc(v.Algorithms, func(a string) bool { return strings.Contains(a, "-cert-") })
	v.Check = func(key ssh.PublicKey) error {
		if slices.Contains(pins, ssh.FingerprintSHA256(key)) {
			return nil
		}
		e := presented(addr, key, ErrHostKeyChanged)
		e.Expected = pins
		return e
	}
	return v, nil
}

func presented(addr string, key ssh.PublicKey, reason error) *HostKeyError {
	return &HostKeyError{
		Host: addr, Presented: ssh.FingerprintSHA256(key), KeyType: key.Type(), reason: reason,
		PublicKey: xknownhosts.Line([]string{addr}, key),
	}
}

// parseFingerprint checks a SHA256 fingerprint and returns it in the form
// that ssh-keygen prints.
func parseFingerprint(s string) (string, error) {
	s = strings.TrimSpace(s)
	body, ok := strings.CutPrefix(s, "SHA256:")
	if !ok {
		if strings.HasPrefix(s, "MD5:") || strings.Count(s, ":") == 15 {
			return "", errors.New("MD5 fingerprints are refused; ask for the SHA256 one")
		}
		return "", errors.New(`must have the form "SHA256:…", as ssh-keygen -l prints it`)
	}
	body = strings.TrimRight(body, "=")
	sum, err := base64.RawStdEncoding.Strict().DecodeString(body)
	if err != nil || len(sum) != 32 {
		return "", errors.New("is not a whole SHA256 fingerprint (43 characters after the colon)")
	}
	return "SHA256:" + base64.RawStdEncoding.EncodeToString(sum), nil
}
