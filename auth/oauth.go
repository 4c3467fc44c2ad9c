package auth

import (
	"cmp"
	"context"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"math"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"sync/atomic"
	"time"

	"github.com/ccr-sdk/ccr"
	"github.com/ccr-sdk/ccr/internal/option"
	"github.com/ccr-sdk/ccr/internal/transport"
)

// Encoding is how a token request is written.
type Encoding string

const (
	// EncodingForm is what RFC 6749 says and Algoan wants.
	EncodingForm Encoding = "form"
	// EncodingJSON is what Credit Clear documents: a JSON object with
	// client_id, client_secret, audience and grant_type.
	EncodingJSON Encoding = "json"
)

// Authentication is how a client authenticates at a token endpoint.
type Authentication string

const (
	// AuthenticationBody puts client_id and client_secret into the body, as
	// both vendors want it (client_secret_post).
	AuthenticationBody Authentication = "client_secret_post"
	// AuthenticationBasic puts them into the Authorization header, as RFC 6749
	// section 2.3.1 prefers (client_secret_basic).
	AuthenticationBasic Authentication = "client_secret_basic"
)

// ClientCredentialsConfig configures [NewClientCredentials].
type ClientCredentialsConfig struct {
	// TokenURL is the token endpoint, https. Credit Clear gives it at
	// onboarding (path /oauth/token); Algoan's is decisioning.DefaultTokenURL.
	TokenURL     string
	ClientID     string     // the vendor gives both; required
	ClientSecret ccr.Secret // revealed at each token request, so a rotated file is picked up
	Audience     string     // Credit Clear: the sync API's audience, from onboarding
	Scope        string     // sent if set; neither vendor documents one
	Encoding     Encoding   // default EncodingForm
	// Authentication is how the client authenticates; default AuthenticationBody.
	Authentication Authentication
	// Parameters are sent beside the others: "resource" of RFC 8707, say. None
	// of those that the fields above stand for.
	Parameters map[string]string
	Store      TokenStore // shares tokens in a fleet; default: this process only
}

// NewClientCredentials gets tokens by the OAuth client credentials grant, and
// by a refresh token if the server issued one (falling back to a new login
// if that is refused). Token requests go through the HTTP client, middleware
// and retry policy of the client that the credential is given to, and are not
// counted by its limiter. Without expires_in a token is taken to live for 24
// hours, or as long as its own exp says if that is less.
func NewClientCredentials(cfg ClientCredentialsConfig) (*TokenSource, error) {
	u, err := cfg.check()
	if err != nil {
		return nil, err
	}
	if raw, err := url.Parse(cfg.TokenURL); err == nil && u.Path != "" {
		u.Path = raw.Path // as it was given: a slash at its end matters to some servers
	}
	cfg.Parameters = maps.Clone(cfg.Parameters)
	identity := u.String() + "\n" + cfg.ClientID + "\n" + cfg.Audience + "\n" + cfg.Scope
	for _, name := range slices.Sorted(maps.Keys(cfg.Parameters)) {
		identity += "\n" + url.QueryEscape(name) + "=" + url.QueryEscape(cfg.Parameters[name])
	}
	sum := sha256.Sum256([]byte(identity))
	o := &oauth{cfg: cfg, url: u, route: transport.Route{
		// Safe to repeat: a token that nobody received is only unused.
		Operation: "Token", Method: http.MethodPost, Path: cmp.Or(u.Path, "/"), Class: transport.Idempotent, Success: []int{200, 201},
	}}
	return newSource(o.fetch, o.bind, cfg.Store, "ccr-token-"+hex.EncodeToString(sum[:16])), nil
}

// check fills in the defaults and returns the token URL.
func (cfg *ClientCredentialsConfig) check() (*url.URL, error) {
	u, err := option.ParseBaseURL(cfg.TokenURL)
	var f ccr.Faults
	if err != nil {
		f.Add("TokenURL", "must be an https URL without user, query or fragment")
	}
	if cfg.ClientID == "" {
		f.Add("ClientID", "is required")
	}
	if cfg.ClientSecret.IsZero() {
		f.Add("ClientSecret", "is required")
	}
	switch cfg.Encoding {
	case "":
		cfg.Encoding = EncodingForm
	case EncodingForm:
	case EncodingJSON:
		if cfg.Audience == "" {
			f.Add("Audience", "is required with EncodingJSON: Credit Clear's token endpoint wants it")
		}
	default:
		f.Add("Encoding", "is not one of EncodingForm and EncodingJSON")
	}
	switch cfg.Authentication {
	case "":
		cfg.Authentication = AuthenticationBody
	case AuthenticationBody, AuthenticationBasic:
	default:
		f.Add("Authentication", "is not one of AuthenticationBody and AuthenticationBasic")
	}
	for _, name := range ownParameters {
		if _, ok := cfg.Parameters[name]; ok {
			f.Add("Parameters."+name, "cannot be replaced; use the field")
		}
	}
	return u, f.Err("auth", "NewClientCredentials")
}

// ownParameters are those of a token request that fields stand for.
var ownParameters = []string{"grant_type", "client_id", "client_secret", "refresh_token", "audience", "scope"}

type oauth struct {
	cfg    ClientCredentialsConfig
	url    *url.URL
	route  transport.Route
	client atomic.Pointer[transport.Client]
}

func (o *oauth) bind(b transport.Binding) { o.client.Store(b.Derive("auth", o.url)) }

func (o *oauth) fetch(ctx context.Context, prior Token) (Token, error) {
	if !prior.Refresh.IsZero() && (prior.RefreshExpiry.IsZero() || time.Until(prior.RefreshExpiry) > mandatoryMax) {
		refresh, err := prior.Refresh.Reveal()
		if err != nil {
			return Token{}, err
		}
		t, err := o.request(ctx, map[string]string{"grant_type": "refresh_token", "refresh_token": refresh})
		if err == nil && t.Refresh.IsZero() {
			t.Refresh, t.RefreshExpiry = prior.Refresh, prior.RefreshExpiry // RFC 6749 section 6: it stays valid
		}
		if err == nil || !refused(err) {
			return t, err
		}
		// Refused although in date, which happens: log in anew.
	}
	return o.request(ctx, map[string]string{"grant_type": "client_credentials"})
}

// refused reports whether the token endpoint answered a refresh with a no, in
// whatever form, and not that it is busy or down.
func refused(err error) bool {
	e, ok := errors.AsType[*ccr.Error](err)
	if !ok {
		return false
	}
	switch e.StatusCode {
	case 0, http.StatusRequestTimeout, http.StatusTooManyRequests,
		http.StatusBadGateway, http.StatusServiceUnavailable, http.StatusGatewayTimeout:
		return false
	}
	return true
}

func (o *oauth) request(ctx context.Context, grant map[string]string) (Token, error) {
	client := o.client.Load()
	if client == nil {
		return Token{}, errors.New("auth: the credential was not given to a client yet")
	}
	secret, err := o.cfg.ClientSecret.Reveal()
	if err != nil {
		return Token{}, fmt.Errorf("auth: client secret: %w", err)
	}
	req := &transport.Request{Route: &o.route, URL: o.url, MaxBody: 1 << 20}
	if err := o.write(req, grant, secret); err != nil {
		return Token{}, err
	}
	asked := time.Now()
	resp, err := client.Do(ctx, req)
	if err != nil {
		return Token{}, err
	}
	t, err := parseToken(resp.Body, asked)
	if err != nil {
		// The body holds a token, perhaps: it is not kept with the error.
		return Token{}, &ccr.Error{
			Service: "auth", Operation: "Token", Route: req.Route.String(), Outcome: ccr.OutcomeRejected, StatusCode: resp.StatusCode,
			RequestID: resp.RequestID, Attempts: resp.Attempts, Classes: []error{ccr.ErrContract}, Err: err,
			Advice: "The token endpoint answered without a usable token; check TokenURL and Encoding",
		}
	}
	return t, nil
}

// write puts a grant and what authenticates the client into a token request.
func (o *oauth) write(req *transport.Request, grant map[string]string, secret string) error {
	if o.cfg.Authentication == AuthenticationBasic {
		pair := base64.StdEncoding.EncodeToString([]byte(url.QueryEscape(o.cfg.ClientID) + ":" + url.QueryEscape(secret)))
		req.Authorization = func() string { return "Basic " + pair }
	} else {
		grant["client_id"], grant["client_secret"] = o.cfg.ClientID, secret
	}
	maps.Copy(grant, o.cfg.Parameters)
	for name, v := range map[string]string{"audience": o.cfg.Audience, "scope": o.cfg.Scope} {
		if v != "" {
			grant[name] = v
		}
	}
	if o.cfg.Encoding == EncodingJSON {
		var err error
		if req.Body, err = transport.JSONBody(grant); err != nil {
			return errors.New("auth: the token request cannot be encoded")
		}
	} else {
		form := url.Values{}
		for name, v := range grant {
			form.Set(name, v)
		}
		req.Body = transport.BytesBody("application/x-www-form-urlencoded", []byte(form.Encode()))
	}
	req.Secrets = []string{secret, grant["refresh_token"]}
	return nil
}

// parseToken reads a token response. Lifetimes count from when the request
// was made, by this machine's clock only: no skew can matter.
func parseToken(body []byte, asked time.Time) (Token, error) {
	var r struct {
		AccessToken      string  `json:"access_token"`
		TokenType        string  `json:"token_type"`
		ExpiresIn        seconds `json:"expires_in"`
		RefreshToken     string  `json:"refresh_token"`
		RefreshExpiresIn seconds `json:"refresh_expires_in"`
	}
	if err := json.Unmarshal(body, &r); err != nil {
		return Token{}, transport.SafeJSONError(err)
	}
	switch {
	case r.AccessToken == "":
		return Token{}, errors.New("no access_token in the answer")
	case !headerSafe(r.AccessToken):
		return Token{}, errors.New("the access_token holds characters that a header cannot carry")
	case r.TokenType != "" && !strings.EqualFold(r.TokenType, "bearer"):
		return Token{}, errors.New("token_type is not bearer")
	}
	t := Token{Access: ccr.NewSecret(r.AccessToken), Refresh: ccr.NewSecret(r.RefreshToken)}
	life := r.ExpiresIn.duration()
	if life == 0 {
		life = defaultLifetime
		if own, ok := ownLifetime(r.AccessToken, asked); ok {
			life = min(life, own)
		}
	}
	t.Expiry = asked.Add(life)
	if d := r.RefreshExpiresIn.duration(); d > 0 && r.RefreshToken != "" {
		t.RefreshExpiry = asked.Add(d)
	}
	return t, nil
}

// seconds reads a number, or a string with one; anything else is unset.
type seconds float64

func (s *seconds) UnmarshalJSON(b []byte) error {
	n, err := strconv.ParseFloat(strings.Trim(string(b), `"`), 64)
	if err != nil || math.IsNaN(n) || n < 0 {
		n = 0
	}
	*s = seconds(n)
	return nil
}

func (s seconds) duration() time.Duration {
	if float64(s) >= maxLifetime.Seconds() {
		return maxLifetime
	}
	return time.Duration(float64(s) * float64(time.Second))
}

// ownLifetime is what a JWT says of itself: exp minus iat, which needs no
// agreement on clocks, or exp minus now if it has no iat.
func ownLifetime(token string, asked time.Time) (time.Duration, bool) {
	exp, since := claimsOf(token)
	if exp.IsZero() {
		return 0, false
	}
	if since.IsZero() {
		since = asked
	}
	d := exp.Sub(since)
	return d, d > 0
}
