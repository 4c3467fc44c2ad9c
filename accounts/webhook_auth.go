package accounts

import (
	"crypto/sha256"
	"crypto/subtle"
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"

	"github.com/ccr-sdk/ccr"
)

// WebhookAuth is one of the four styles in which Credit Clear authenticates
// to a webhook, chosen when it is registered ("Webhooks authentication"). No
// payload signature is documented: the Authorization header is all there is,
// so serve the webhook over TLS only.
type WebhookAuth struct {
	check func(authorization string) (bool, error)
}

// WebhookBasic expects "Authorization: Basic base64(user:password)".
func WebhookBasic(user string, password ccr.Secret) WebhookAuth {
	if user == "" || strings.Contains(user, ":") {
		return WebhookAuth{}
	}
	return secretAuth("Basic ", password, func(secret string) string {
		return base64.StdEncoding.EncodeToString([]byte(user + ":" + secret))
	})
}

// WebhookAPIKey expects "Authorization: key", without a scheme.
func WebhookAPIKey(key ccr.Secret) WebhookAuth {
	return secretAuth("", key, func(secret string) string { return secret })
}

// WebhookBearer expects "Authorization: Bearer token".
func WebhookBearer(token ccr.Secret) WebhookAuth {
	return secretAuth("Bearer ", token, func(secret string) string { return secret })
}

// WebhookOAuth expects a token that the endpoint issued.
func WebhookOAuth(e *TokenEndpoint) WebhookAuth {
	if e == nil {
		return WebhookAuth{}
	}
	return WebhookAuth{e.accepts}
}

// secretAuth compares with a secret that is read at each request, so that a
// rotated file is picked up.
func secretAuth(scheme string, secret ccr.Secret, credential func(string) string) WebhookAuth {
	if secret.IsZero() {
		return WebhookAuth{}
	}
	return WebhookAuth{func(authorization string) (bool, error) {
		want, err := secret.Reveal()
		if err != nil {
			return false, err
		}
		got, ok := cutScheme(authorization, scheme)
		return ok && equal(got, credential(want)), nil
	}}
}

// cutScheme removes a scheme, which is not case-sensitive.
func cutScheme(authorization, scheme string) (string, bool) {
	if len(authorization) < len(scheme) || !strings.EqualFold(authorization[:len(scheme)], scheme) {
		return "", false
	}
	return authorization[len(scheme):], true
}

// equal compares in a time that tells nothing of either text, its length included.
func equal(a, b string) bool {
	x, y := sha256.Sum256([]byte(a)), sha256.Sum256([]byte(b))
	return subtle.ConstantTimeCompare(x[:], y[:]) == 1
}

// Format hides the secret under every verb.
func (WebhookAuth) Format(f fmt.State, _ rune) { io.WriteString(f, "[webhook auth]") } //nolint:errcheck // fmt.State keeps no errors

// authorized checks a request against all styles: one suffices. An error
// means that nothing could be checked, and is no admission.
func authorized(r *http.Request, all []WebhookAuth) (bool, error) {
	values := r.Header["Authorization"]
	if len(values) != 1 || values[0] == "" {
		return false, nil
	}
	var errs []error
	ok := false
	for _, a := range all {
		one, err := a.check(values[0])
		if err != nil {
			errs = append(errs, err)
		}
		ok = ok || one && err == nil
	}
	if ok {
		return true, nil
	}
	return false, errors.Join(errs...)
}
