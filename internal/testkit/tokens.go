package testkit

import (
	"crypto/rand"
	"encoding/json"
	"net/http"
	"strings"
	"sync"
	"time"
)

// Tokens issues and checks bearer tokens as an OAuth server does. Set its
// fields before the first request; it is safe for concurrent use.
type Tokens struct {
	ClientID     string
	ClientSecret string
	Audience     string        // "" if none is wanted
	JSON         bool          // the request is a JSON object, else a form
	Lifetime     time.Duration // default 24 h
	OmitExpiry   bool          // leaves expires_in out
	Refresh      bool          // issues refresh tokens and takes them
	Status       int           // default 200
	TokenType    string        // default "Bearer"

	mu      sync.Mutex
	valid   map[string]time.Time
	refresh map[string]bool
	count   int
}

// Issued is the number of tokens issued so far.
func (t *Tokens) Issued() int {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.count
}

// Revoke ends every access token issued so far.
func (t *Tokens) Revoke() {
	t.mu.Lock()
	defer t.mu.Unlock()
	clear(t.valid)
}

// RevokeRefresh ends every refresh token issued so far.
func (t *Tokens) RevokeRefresh() {
	t.mu.Lock()
	defer t.mu.Unlock()
	clear(t.refresh)
}

// Authorized reports whether a request carries a token that is in force.
func (t *Tokens) Authorized(r *http.Request) bool {
	scheme, token, _ := strings.Cut(r.Header.Get("Authorization"), " ")
	t.mu.Lock()
	defer t.mu.Unlock()
	until, ok := t.valid[token]
	return ok && scheme == "Bearer" && time.Now().Before(until)
}

// ServeHTTP is the token endpoint.
func (t *Tokens) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	get, ok := t.read(r)
	if !ok {
		t.refuse(w, http.StatusUnsupportedMediaType, "invalid_request")
		return
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.valid == nil {
		t.valid, t.refresh = map[string]time.Time{}, map[string]bool{}
	}
	switch {
	case get("client_id") != t.ClientID || get("client_secret") != t.ClientSecret:
		t.refuse(w, http.StatusUnauthorized, "invalid_client")
		return
	case t.Audience != "" && get("audience") != t.Audience:
		t.refuse(w, http.StatusForbidden, "access_denied")
		return
	}
	switch get("grant_type") {
	case "client_credentials":
	case "refresh_token":
		if !t.refresh[get("refresh_token")] {
			t.refuse(w, http.StatusBadRequest, "invalid_grant")
			return
		}
		delete(t.refresh, get("refresh_token"))
	default:
		t.refuse(w, http.StatusBadRequest, "unsupported_grant_type")
		return
	}
	life := t.Lifetime
	if life == 0 {
		life = 24 * time.Hour
	}
	t.count++
	access := rand.Text()
	t.valid[access] = time.Now().Add(life)
	answer := map[string]any{"access_token": access, "token_type": "Bearer"}
	if t.TokenType != "" {
		answer["token_type"] = t.TokenType
	}
	if !t.OmitExpiry {
		answer["expires_in"] = int64(life.Seconds())
	}
	if t.Refresh {
		token := rand.Text()
		t.refresh[token] = true
		answer["refresh_token"], answer["refresh_expires_in"] = token, int64(life.Seconds())*10
	}
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(max(t.Status, http.StatusOK))
	json.NewEncoder(w).Encode(answer) //nolint:errcheck // the client may have gone
}

// read returns the members of a token request in the encoding that is wanted.
func (t *Tokens) read(r *http.Request) (func(string) string, bool) {
	if !t.JSON {
		if r.Header.Get("Content-Type") != "application/x-www-form-urlencoded" || r.ParseForm() != nil {
			return nil, false
		}
		return r.PostForm.Get, true
	}
	var m map[string]string
	if r.Header.Get("Content-Type") != "application/json" || json.NewDecoder(r.Body).Decode(&m) != nil {
		return nil, false
	}
	return func(name string) string { return m[name] }, true
}

func (t *Tokens) refuse(w http.ResponseWriter, status int, code string) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	json.NewEncoder(w).Encode(map[string]string{"error": code, "error_description": "refused"}) //nolint:errcheck // the client may have gone
}

// Problem answers an RFC 9457 problem document.
func Problem(w http.ResponseWriter, status int, title string) {
	w.Header().Set("Content-Type", "application/problem+json")
	w.WriteHeader(status)
	json.NewEncoder(w).Encode(map[string]any{"type": "about:blank", "title": title, "status": status}) //nolint:errcheck // the client may have gone
}
