package accounts

import (
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/binary"
	"encoding/json"
	"errors"
	"net/http"
	"time"

	"github.com/ccr-sdk/ccr"
)

// TokenEndpointConfig configures [NewTokenEndpoint].
type TokenEndpointConfig struct {
	// SigningKeys sign the tokens, at least 32 bytes each. The first one
	// signs, all of them verify, so that a key can be rotated. Replicas that
	// share them accept each other's tokens; nothing is stored.
	SigningKeys []ccr.Secret
	// ClientID and ClientSecret admit a caller by Basic authentication.
	ClientID     string
	ClientSecret ccr.Secret
	// Form admits a caller whose form has all of these fields with these
	// values: the other way in which Credit Clear can log in. One of the two
	// is required; with both, either suffices.
	Form map[string]ccr.Secret
	// Lifetime of tokens; default 1 h. Credit Clear caches them by it.
	Lifetime time.Duration
	// TokenType is the scheme of the Authorization header; default "Bearer".
	TokenType string
	// Names of the members of the answer; default "access_token",
	// "token_type" and "expires_in" (in seconds).
	Names TokenNames
}

// TokenNames are the names of the members of a token endpoint's answer.
type TokenNames struct {
	// An empty one is the default: see [TokenEndpointConfig].
	AccessToken, TokenType, ExpiresIn string
}

// TokenEndpoint is the token server that Credit Clear calls before a webhook
// in the OAuth style. Serve it over TLS, on any path; see [WebhookOAuth].
type TokenEndpoint struct {
	s *tokenEndpoint
}

// tokenEndpoint is behind a pointer so that no printed form shows it.
type tokenEndpoint struct{ cfg TokenEndpointConfig }

const (
	minSigningKey = 32
	tokenContext  = "ccr-webhook-token-1"
	tokenHead     = 8 + 16 // expiry, nonce
	maxTokenForm  = 64 << 10
)

// NewTokenEndpoint makes a token endpoint. The keys are revealed at each use.
func NewTokenEndpoint(cfg TokenEndpointConfig) (*TokenEndpoint, error) {
	var f ccr.Faults
	if len(cfg.SigningKeys) == 0 {
		f.Add("SigningKeys", "is required")
	}
	for _, k := range cfg.SigningKeys {
		if k.IsZero() {
			f.Add("SigningKeys", "must all be set")
		}
	}
	if (cfg.ClientID == "") != cfg.ClientSecret.IsZero() {
		f.Add("ClientSecret", "and ClientID go together")
	}
	if cfg.ClientID == "" && len(cfg.Form) == 0 {
		f.Add("ClientID", "or Form is required: an endpoint that admits everybody is none")
	}
	for name, v := range cfg.Form {
		if name == "" || v.IsZero() {
			f.Add("Form", "must have a name and a value in each field")
		}
	}
	if cfg.Lifetime < 0 {
		f.Add("Lifetime", "must not be negative")
	}
	if err := f.Err(service, "NewTokenEndpoint"); err != nil {
		return nil, err
	}
	if cfg.Lifetime == 0 {
		cfg.Lifetime = time.Hour
	}
	for v, def := range map[*string]string{
		&cfg.TokenType: "Bearer", &cfg.Names.AccessToken: "access_token", &cfg.Names.TokenType: "token_type", &cfg.Names.ExpiresIn: "expires_in",
	} {
		if *v == "" {
			*v = def
		}
	}
	return &TokenEndpoint{&tokenEndpoint{cfg}}, nil
}

// ServeHTTP issues a token to a caller that is admitted.
func (e *TokenEndpoint) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	w.Header().Set("Cache-Control", "no-store")
	if r.Method != http.MethodPost {
		w.Header().Set("Allow", http.MethodPost)
		w.WriteHeader(http.StatusMethodNotAllowed)
		return
	}
	r.Body = http.MaxBytesReader(w, r.Body, maxTokenForm)
	ok, err := e.s.admits(r)
	if err != nil {
		w.WriteHeader(http.StatusServiceUnavailable)
		return
	}
	if !ok {
		w.Header().Set("Content-Type", "application/json")
		w.Header().Set("WWW-Authenticate", `Basic realm="token"`)
		w.WriteHeader(http.StatusUnauthorized)
		w.Write([]byte(`{"error":"invalid_client"}`)) //nolint:errcheck // the caller may have gone
		return
	}
	token, err := e.s.issue()
	if err != nil {
		w.WriteHeader(http.StatusServiceUnavailable)
		return
	}
	cfg := &e.s.cfg
	body, err := json.Marshal(map[string]any{
		cfg.Names.AccessToken: token, cfg.Names.TokenType: cfg.TokenType, cfg.Names.ExpiresIn: int64(cfg.Lifetime.Seconds()),
	})
	if err != nil {
		w.WriteHeader(http.StatusInternalServerError)
		return
	}
	w.Header().Set("Content-Type", "application/json")
	w.Write(body) //nolint:errcheck // the caller may have gone
}

// admits checks a caller by Basic authentication, then by its form.
func (e *tokenEndpoint) admits(r *http.Request) (bool, error) {
	if e.cfg.ClientID != "" {
		secret, err := e.cfg.ClientSecret.Reveal()
		if err != nil {
			return false, err
		}
		user, password, ok := r.BasicAuth()
		sameUser, samePassword := equal(user, e.cfg.ClientID), equal(password, secret)
		if ok && sameUser && samePassword {
			return true, nil
		}
	}
	if len(e.cfg.Form) == 0 || !parseForm(r) {
		return false, nil
	}
	all := true
	for name, secret := range e.cfg.Form {
		want, err := secret.Reveal()
		if err != nil {
			return false, err
		}
		got := r.PostForm[name]
		same := len(got) == 1 && equal(got[0], want)
		all = all && same
	}
	return all, nil
}

// parseForm reads a form of either encoding; its size is bounded already.
func parseForm(r *http.Request) bool {
	err := r.ParseMultipartForm(maxTokenForm) //nolint:gosec // ServeHTTP bounds the body
	return err == nil || errors.Is(err, http.ErrNotMultipart) && r.ParseForm() == nil
}

// issue makes a token: expiry and nonce, signed.
func (e *tokenEndpoint) issue() (string, error) {
	keys, err := e.keys()
	if err != nil {
		return "", err
	}
	b := make([]byte, tokenHead, tokenHead+sha256.Size)
	binary.BigEndian.PutUint64(b, uint64(time.Now().Add(e.cfg.Lifetime).Unix())) //nolint:gosec // after 1970
	rand.Read(b[8:])                                                             //nolint:errcheck // never fails
	return base64.RawURLEncoding.EncodeToString(sign(keys[0], b)), nil
}

// keys reveals the signing keys; one that is too short fails closed.
func (e *tokenEndpoint) keys() ([][]byte, error) {
	out := make([][]byte, 0, len(e.cfg.SigningKeys))
	for _, k := range e.cfg.SigningKeys {
		text, err := k.Reveal()
		if err != nil {
			return nil, err
		}
		if len(text) < minSigningKey {
			return nil, shortKey()
		}
		out = append(out, []byte(text))
	}
	return out, nil
}

func shortKey() error {
	var f ccr.Faults
	f.Add("SigningKeys", "must have at least 32 bytes each")
	return f.Err(service, "TokenEndpoint")
}

func sign(key, head []byte) []byte {
	mac := hmac.New(sha256.New, key)
	mac.Write([]byte(tokenContext)) //nolint:errcheck // a hash takes everything
	mac.Write(head)                 //nolint:errcheck // likewise
	return mac.Sum(head)
}

// accepts checks the Authorization header of a webhook.
func (e *TokenEndpoint) accepts(authorization string) (bool, error) {
	keys, err := e.s.keys()
	if err != nil {
		return false, err
	}
	text, ok := cutScheme(authorization, e.s.cfg.TokenType+" ")
	raw, decodeErr := base64.RawURLEncoding.Strict().DecodeString(text)
	if !ok || decodeErr != nil || len(raw) != tokenHead+sha256.Size {
		return false, nil //nolint:nilerr // what is no token is refused, and no failure
	}
	valid := false
	for _, key := range keys {
		one := hmac.Equal(raw, sign(key, append([]byte(nil), raw[:tokenHead]...)))
		valid = valid || one
	}
	expiry := binary.BigEndian.Uint64(raw)
	return valid && expiry > uint64(time.Now().Unix()), nil //nolint:gosec // after 1970
}
