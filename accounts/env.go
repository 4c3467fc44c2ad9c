package accounts

import (
	"errors"
	"fmt"
	"os"

	"github.com/ccr-sdk/ccr"
	"github.com/ccr-sdk/ccr/auth"
)

// The environment variables of [FromEnv].
const (
	EnvTokenURL     = "CCR_ACCOUNTS_TOKEN_URL"      // the token endpoint (https, …/oauth/token)
	EnvClientID     = "CCR_ACCOUNTS_CLIENT_ID"      // given at onboarding
	EnvClientSecret = "CCR_ACCOUNTS_CLIENT_SECRET"  // or …_FILE, which is read again at each use
	EnvAudience     = "CCR_ACCOUNTS_AUDIENCE"       // of the sync API, given at onboarding
	EnvToken        = "CCR_ACCOUNTS_TOKEN"          // or …_FILE: a bearer token, instead of the four above
	EnvAPIKey       = "CCR_ACCOUNTS_API_KEY"        // or …_FILE: an API key, instead of all above
	EnvAPIKeyHeader = "CCR_ACCOUNTS_API_KEY_HEADER" // the header that carries it, given at onboarding
	EnvBaseURL      = "CCR_ACCOUNTS_BASE_URL"       // optional; default [DefaultBaseURL]
	EnvEnvironment  = "CCR_ACCOUNTS_ENVIRONMENT"    // optional; the name that ledgers keep apart, default production
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
// or
//
//	CCR_ACCOUNTS_API_KEY            or CCR_ACCOUNTS_API_KEY_FILE: an API key
//	CCR_ACCOUNTS_API_KEY_HEADER     the header that carries it
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
	if v := os.Getenv(EnvBaseURL); v != "" {
		all = append(all, ccr.WithBaseURL(v))
	}
	if v := os.Getenv(EnvEnvironment); v != "" {
		all = append(all, ccr.WithEnvironment(v))
	}
	return NewClient(cred, append(all, opts...)...)
}

func credentialFromEnv() (auth.Credential, error) {
	var set []string
	for _, name := range []string{EnvTokenURL, EnvClientID, EnvClientSecret, EnvClientSecret + "_FILE", EnvAudience} {
		if os.Getenv(name) != "" {
			set = append(set, name)
		}
	}
	if given(EnvAPIKey) {
		if given(EnvToken) {
			set = append(set, EnvToken)
		}
		return keyFromEnv(set)
	}
	if given(EnvToken) {
		if len(set) > 0 {
			return nil, fmt.Errorf("accounts: %s and %s are both set; set a token or client credentials", EnvToken, set[0])
		}
		token, err := ccr.SecretFromEnv(EnvToken)
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
		TokenURL: need(EnvTokenURL), ClientID: need(EnvClientID),
		Audience: need(EnvAudience), Encoding: auth.EncodingJSON,
	}
	var err error
	if cfg.ClientSecret, err = ccr.SecretFromEnv(EnvClientSecret); err != nil {
		errs = append(errs, err)
	}
	if len(errs) > 0 {
		return nil, errors.Join(errs...)
	}
	return auth.NewClientCredentials(cfg)
}

// given reports whether a secret or its file is set.
func given(name string) bool { return os.Getenv(name) != "" || os.Getenv(name+"_FILE") != "" }

// keyFromEnv is the credential of an API key; also are variables that are set
// beside it.
func keyFromEnv(also []string) (auth.Credential, error) {
	if len(also) > 0 {
		return nil, fmt.Errorf("accounts: %s and %s are both set; set one kind of credential", EnvAPIKey, also[0])
	}
	key, err := ccr.SecretFromEnv(EnvAPIKey)
	header := os.Getenv(EnvAPIKeyHeader)
	if header == "" {
		err = errors.Join(err, fmt.Errorf("accounts: %s is not set; Credit Clear documents no name of the header", EnvAPIKeyHeader))
	}
	if err != nil {
		return nil, err
	}
	return auth.NewHeaderKey(header, key)
}
