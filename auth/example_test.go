package auth_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"github.com/ccr-sdk/ccr"
	"github.com/ccr-sdk/ccr/auth"
)

// Credit Clear's token endpoint wants JSON with an audience. The result goes
// to accounts.NewClient; the first call fetches a token.
func ExampleNewClientCredentials() {
	tokens, err := auth.NewClientCredentials(auth.ClientCredentialsConfig{
		TokenURL:     "https://login.example/oauth/token", // from onboarding
		ClientID:     "client-id",
		ClientSecret: ccr.NewSecret("from a secrets manager"),
		Audience:     "https://api.example",
		Encoding:     auth.EncodingJSON,
	})
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Printf("%+v\n", tokens) // whatever the verb
	// Output: [credential]
}

// Faults of a configuration come all at once, and never quote a value.
func ExampleNewClientCredentials_faults() {
	_, err := auth.NewClientCredentials(auth.ClientCredentialsConfig{
		TokenURL: "http://login.example/oauth/token?client_secret=oops",
		Encoding: auth.EncodingJSON,
	})
	if e, ok := errors.AsType[*ccr.Error](err); ok {
		for _, f := range e.Fields {
			fmt.Println(f.Path, f.Message)
		}
	}
	// Output:
	// TokenURL must be an https URL without user, query or fragment
	// ClientID is required
	// ClientSecret is required
	// Audience is required with EncodingJSON: Credit Clear's token endpoint wants it
}

// A token that somebody else renews, in a file that is read at each call.
func ExampleNewStaticBearer() {
	cred, err := auth.NewStaticBearer(ccr.SecretFromFile("/run/secrets/creditclear-token"))
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(cred)
	// Output: [credential]
}

func ExampleNewHeaderKey() {
	cred, err := auth.NewHeaderKey("X-Api-Key", ccr.NewSecret("from a secrets manager"))
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(cred)
	_, err = auth.NewHeaderKey("Host", ccr.NewSecret("from a secrets manager"))
	fmt.Println(err)
	// Output:
	// [credential]
	// auth: that header belongs to HTTP itself
}

// Tokens from a place of your own. The cache is the same as that of
// NewClientCredentials: one fetch at a time, renewed before it ends.
func ExampleNewTokenSource() {
	fetch := func(ctx context.Context, _ auth.Token) (auth.Token, error) {
		// Ask a vault or a sidecar, within ctx.
		return auth.Token{Access: ccr.NewSecret("from the vault"), Expiry: time.Now().Add(time.Hour)}, nil
	}
	source, err := auth.NewTokenSource(fetch)
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(source)
	// Output: [credential]
}

// The bureau's support may ask for the secret that a user name and an IP
// address make. These are the values of the gateway's API page.
func ExampleBureauSecret() {
	secret, err := auth.BureauSecret("demouser", "210.10.150.110")
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(secret)
	text, err := secret.Reveal()
	fmt.Println(text, err)
	// Output:
	// [redacted]
	// a3d6f005686399178c6c44a1fcb8cedfd281a7ff37b4e8a96303e2761a951dc0 <nil>
}

func ExampleAPIKey() {
	key := auth.APIKey{Key: ccr.NewSecret("from a secrets manager"), Username: "demouser", IP: "210.10.150.110"}
	fmt.Println(key.Validate(), key)
	fmt.Println(key.Warning())
	// Output:
	// <nil> [credential]
	// the API key is 22 characters long; the bureau issues keys of 50
}

// vault stands for what a fleet shares: Redis, a database, a secrets manager.
// It keeps ciphertext only.
type vault struct {
	rows    map[string][]byte
	encrypt func(plain []byte) []byte
	decrypt func(sealed []byte) ([]byte, error)
}

// plainToken is what is encrypted. A Token cannot be encoded by itself: its
// secrets would come out as "[redacted]".
type plainToken struct {
	Access, Refresh       string
	Expiry, RefreshExpiry time.Time
}

func (v *vault) Save(_ context.Context, key string, t auth.Token) error {
	p := plainToken{Expiry: t.Expiry, RefreshExpiry: t.RefreshExpiry}
	var err error
	if p.Access, err = t.Access.Reveal(); err != nil {
		return err
	}
	if !t.Refresh.IsZero() {
		if p.Refresh, err = t.Refresh.Reveal(); err != nil {
			return err
		}
	}
	b, err := json.Marshal(p)
	if err != nil {
		return err
	}
	v.rows[key] = v.encrypt(b)
	return nil
}

func (v *vault) Load(_ context.Context, key string) (auth.Token, error) {
	sealed, ok := v.rows[key]
	if !ok {
		return auth.Token{}, auth.ErrNoToken
	}
	b, err := v.decrypt(sealed)
	if err != nil {
		return auth.Token{}, err
	}
	var p plainToken
	if err := json.Unmarshal(b, &p); err != nil {
		return auth.Token{}, err
	}
	return auth.Token{
		Access: ccr.NewSecret(p.Access), Expiry: p.Expiry,
		Refresh: ccr.NewSecret(p.Refresh), RefreshExpiry: p.RefreshExpiry,
	}, nil
}

// A store of your own goes into ClientCredentialsConfig.Store.
func ExampleTokenStore() {
	flip := func(b []byte) []byte { // in place of a real cipher
		out := make([]byte, len(b))
		for i := range b {
			out[i] = b[i] ^ 0xff
		}
		return out
	}
	var store auth.TokenStore = &vault{
		rows: map[string][]byte{}, encrypt: flip,
		decrypt: func(b []byte) ([]byte, error) { return flip(b), nil },
	}
	ctx := context.Background()
	_, err := store.Load(ctx, "key")
	fmt.Println(errors.Is(err, auth.ErrNoToken))
	if err := store.Save(ctx, "key", auth.Token{Access: ccr.NewSecret("t"), Expiry: time.Now().Add(time.Hour)}); err != nil {
		fmt.Println(err)
	}
	token, err := store.Load(ctx, "key")
	fmt.Println(token.Access, token.Refresh.IsZero(), err)
	// Output:
	// true
	// [redacted] true <nil>
}
