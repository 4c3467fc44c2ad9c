package auth_test

import (
	"context"
	"crypto/aes"
	"crypto/cipher"
	"crypto/rand"
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
	auth.TokenStore // its Lock; one of Redis or a database in a fleet
	cipher          cipher.AEAD
	rows            map[string][]byte
}

func (v *vault) Save(_ context.Context, key string, t auth.Token) (err error) {
	v.rows[key], err = t.Seal(v.cipher, key)
	return err
}

func (v *vault) Load(_ context.Context, key string) (auth.Token, error) {
	sealed, ok := v.rows[key]
	if !ok {
		return auth.Token{}, auth.ErrNoToken
	}
	return auth.OpenToken(v.cipher, key, sealed)
}

// A store of your own goes into ClientCredentialsConfig.Store. Tokens are
// sealed with a key that the fleet shares.
func ExampleTokenStore() {
	key := make([]byte, 32)
	rand.Read(key) //nolint:errcheck // from a secrets manager, in a fleet
	block, err := aes.NewCipher(key)
	if err != nil {
		fmt.Println(err)
		return
	}
	gcm, err := cipher.NewGCM(block)
	if err != nil {
		fmt.Println(err)
		return
	}
	var store auth.TokenStore = &vault{TokenStore: auth.NewMemoryTokenStore(), cipher: gcm, rows: map[string][]byte{}}
	ctx := context.Background()
	_, err = store.Load(ctx, "key")
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
