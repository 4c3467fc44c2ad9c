package decisioning

import (
	"errors"
	"fmt"
	"os"

	"github.com/ccr-sdk/ccr"
	"github.com/ccr-sdk/ccr/auth"
)

// The environment variables that [FromEnv] reads.
const (
	EnvClientID     = "CCR_DECISIONING_CLIENT_ID"
	EnvClientSecret = "CCR_DECISIONING_CLIENT_SECRET" // or the file that CCR_DECISIONING_CLIENT_SECRET_FILE names
	EnvBaseURL      = "CCR_DECISIONING_BASE_URL"      // optional; default BaseURL
	EnvTokenURL     = "CCR_DECISIONING_TOKEN_URL"     // optional; default /v1/oauth/token of the base URL
	EnvEnvironment  = "CCR_DECISIONING_ENVIRONMENT"   // optional; a name for ledgers, such as sandbox
)

// FromEnv makes a client from the environment. A secret from a file is read
// again whenever a token is fetched, so that it can be rotated. Options given
// here win over the environment; the token endpoint is that of the base URL
// they set, unless the environment names one.
func FromEnv(opts ...ccr.Option) (*Client, error) {
	id := os.Getenv(EnvClientID)
	var errs []error
	if id == "" {
		errs = append(errs, errors.New("decisioning: "+EnvClientID+" is not set"))
	}
	secret, err := ccr.SecretFromEnv(EnvClientSecret)
	if err != nil {
		errs = append(errs, err)
	}
	if err := errors.Join(errs...); err != nil {
		return nil, err
	}
	var env []ccr.Option
	if base := os.Getenv(EnvBaseURL); base != "" {
		env = append(env, ccr.WithBaseURL(base))
	}
	if name := os.Getenv(EnvEnvironment); name != "" {
		env = append(env, ccr.WithEnvironment(name))
	}
	opts = append(env, opts...)
	token := os.Getenv(EnvTokenURL)
	if token == "" {
		settings, err := ccr.NewSettings(opts...)
		if err != nil {
			return nil, fmt.Errorf("decisioning: %w", err)
		}
		token = TokenURL
		if settings.BaseURL != nil {
			token = settings.BaseURL.String() + tokenPath
		}
	}
	cred, err := auth.NewClientCredentials(auth.ClientCredentialsConfig{
		TokenURL: token, ClientID: id, ClientSecret: secret, Encoding: auth.EncodingForm,
	})
	if err != nil {
		return nil, err
	}
	return NewClient(cred, opts...)
}
