package decisioning

import (
	"errors"
	"fmt"
	"os"

	"github.com/ccr-sdk/ccr"
	"github.com/ccr-sdk/ccr/auth"
	"github.com/ccr-sdk/ccr/internal/option"
)

// The environment variables that [FromEnv] reads.
const (
	EnvClientID     = "CCR_DECISIONING_CLIENT_ID"     // with EnvClientSecret
	EnvClientSecret = "CCR_DECISIONING_CLIENT_SECRET" // or the file that CCR_DECISIONING_CLIENT_SECRET_FILE names
	EnvToken        = "CCR_DECISIONING_TOKEN"         // or …_FILE: an access token, instead of the two above
	EnvBaseURL      = "CCR_DECISIONING_BASE_URL"      // optional; default DefaultBaseURL
	EnvTokenURL     = "CCR_DECISIONING_TOKEN_URL"     // optional; default /v1/oauth/token of the base URL
	EnvEnvironment  = "CCR_DECISIONING_ENVIRONMENT"   // optional; a name for ledgers, such as sandbox
)

// FromEnv makes a client from the environment: with client credentials, or with
// an access token that something else renews. A secret from a file is read
// again at each use, so that it can be rotated. All that is missing is reported
// at once. Options given here win over the environment; the token endpoint is
// that of the base URL they set, unless the environment names one.
func FromEnv(opts ...ccr.Option) (*Client, error) {
	var env []ccr.Option
	if base := os.Getenv(EnvBaseURL); base != "" {
		env = append(env, ccr.WithBaseURL(base))
	}
	if name := os.Getenv(EnvEnvironment); name != "" {
		env = append(env, ccr.WithEnvironment(name))
	}
	opts = append(env, opts...)
	cred, err := credentialFromEnv(opts)
	if err != nil {
		return nil, err
	}
	return NewClient(cred, opts...)
}

func credentialFromEnv(opts []ccr.Option) (auth.Credential, error) {
	id := os.Getenv(EnvClientID)
	if os.Getenv(EnvToken) != "" || os.Getenv(EnvToken+"_FILE") != "" {
		if id != "" {
			return nil, errors.New("decisioning: " + EnvToken + " and " + EnvClientID + " are both set; set a token or client credentials")
		}
		token, err := ccr.SecretFromEnv(EnvToken)
		if err != nil {
			return nil, err
		}
		return auth.NewStaticBearer(token)
	}
	var missing error
	if id == "" {
		missing = errors.New("decisioning: " + EnvClientID + " is not set (nor " + EnvToken + ")")
	}
	secret, err := ccr.SecretFromEnv(EnvClientSecret)
	if err := errors.Join(missing, err); err != nil {
		return nil, err
	}
	token := os.Getenv(EnvTokenURL)
	if token == "" {
		settings, err := option.NewSettings(opts...)
		if err != nil {
			return nil, fmt.Errorf("decisioning: %w", err)
		}
		token = DefaultTokenURL
		if settings.BaseURL != nil {
			token = settings.BaseURL.String() + tokenPath
		}
	}
	return auth.NewClientCredentials(auth.ClientCredentialsConfig{
		TokenURL: token, ClientID: id, ClientSecret: secret, Encoding: auth.EncodingForm,
	})
}
