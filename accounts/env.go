package accounts

import (
	"errors"
	"fmt"
	"os"

	"github.com/ccr-sdk/ccr"
	"github.com/ccr-sdk/ccr/auth"
)

// FromEnv makes a client from environment variables; opts come after them and
// win. Either
//
//	CCR_ACCOUNTS_TOKEN_URL          the token endpoint (https, …/oauth/token)
//	CCR_ACCOUNTS_CLIENT_ID
//	CCR_ACCOUNTS_CLIENT_SECRET      or CCR_ACCOUNTS_CLIENT_SECRET_FILE
//	CCR_ACCOUNTS_AUDIENCE           of the sync API
//
// or
//
//	CCR_ACCOUNTS_TOKEN              or CCR_ACCOUNTS_TOKEN_FILE: a bearer token
//
// and, both optional,
//
//	CCR_ACCOUNTS_BASE_URL           default https://api.creditclear.com.au/sync
//	CCR_ACCOUNTS_ENVIRONMENT        default production
//
// Files are read again at each use, so that rotated secrets are picked up.
// Everything that is missing is reported at once; values never are.
func FromEnv(opts ...ccr.Option) (*Client, error) {
	cred, err := credentialFromEnv()
	if err != nil {
		return nil, err
	}
	var all []ccr.Option
	if v := os.Getenv("CCR_ACCOUNTS_BASE_URL"); v != "" {
		all = append(all, ccr.WithBaseURL(v))
	}
	if v := os.Getenv("CCR_ACCOUNTS_ENVIRONMENT"); v != "" {
		all = append(all, ccr.WithEnvironment(v))
	}
	return NewClient(cred, append(all, opts...)...)
}

func credentialFromEnv() (auth.Credential, error) {
	var set []string
	for _, name := range []string{"TOKEN_URL", "CLIENT_ID", "CLIENT_SECRET", "CLIENT_SECRET_FILE", "AUDIENCE"} {
		if os.Getenv("CCR_ACCOUNTS_"+name) != "" {
			set = append(set, "CCR_ACCOUNTS_"+name)
		}
	}
	if os.Getenv("CCR_ACCOUNTS_TOKEN") != "" || os.Getenv("CCR_ACCOUNTS_TOKEN_FILE") != "" {
		if len(set) > 0 {
			return nil, fmt.Errorf("accounts: CCR_ACCOUNTS_TOKEN and %s are both set; set a token or client credentials", set[0])
		}
		token, err := ccr.SecretFromEnv("CCR_ACCOUNTS_TOKEN")
		if err != nil {
			return nil, err
		}
		return auth.NewStaticBearer(token)
	}
	var errs []error
	need := func(name string) string {
		v := os.Getenv(name)
		if v == "" {
			errs = append(errs, fmt.Errorf("accounts: %s is not set", name))
		}
		return v
	}
	cfg := auth.ClientCredentialsConfig{
		TokenURL: need("CCR_ACCOUNTS_TOKEN_URL"), ClientID: need("CCR_ACCOUNTS_CLIENT_ID"),
		Audience: need("CCR_ACCOUNTS_AUDIENCE"), Encoding: auth.EncodingJSON,
	}
	var err error
	if cfg.ClientSecret, err = ccr.SecretFromEnv("CCR_ACCOUNTS_CLIENT_SECRET"); err != nil {
		errs = append(errs, err)
	}
	if len(errs) > 0 {
		return nil, errors.Join(errs...)
	}
	return auth.NewClientCredentials(cfg)
}
