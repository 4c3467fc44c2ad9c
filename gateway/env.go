package gateway

import (
	"errors"
	"fmt"
	"os"

	"github.com/ccr-sdk/ccr"
	"github.com/ccr-sdk/ccr/auth"
)

// The environment variables that [FromEnv] reads.
const (
	EnvAPIKey      = "CCR_GATEWAY_API_KEY" // or CCR_GATEWAY_API_KEY_FILE, read again at each call
	EnvUsername    = "CCR_GATEWAY_USERNAME"
	EnvIP          = "CCR_GATEWAY_IP"
	EnvBaseURL     = "CCR_GATEWAY_BASE_URL"    // optional; default DefaultURL
	EnvEnvironment = "CCR_GATEWAY_ENVIRONMENT" // optional; default "production"
)

// FromEnv makes a client from the environment variables named above. Options
// given here win over those from the environment. Everything that is missing
// is reported at once.
func FromEnv(opts ...ccr.Option) (*Client, error) {
	key, keyErr := ccr.SecretFromEnv(EnvAPIKey)
	k := auth.APIKey{Key: key, Username: os.Getenv(EnvUsername), IP: os.Getenv(EnvIP)}
	var errs []error
	if keyErr != nil {
		errs = append(errs, keyErr)
	}
	for _, name := range []string{EnvUsername, EnvIP} {
		if os.Getenv(name) == "" {
			errs = append(errs, fmt.Errorf("ccr: %s is not set", name))
		}
	}
	if len(errs) > 0 {
		return nil, fmt.Errorf("gateway: %w", errors.Join(errs...))
	}
	var own []ccr.Option
	if v := os.Getenv(EnvBaseURL); v != "" {
		own = append(own, ccr.WithBaseURL(v))
	}
	if v := os.Getenv(EnvEnvironment); v != "" {
		own = append(own, ccr.WithEnvironment(v))
	}
	return NewClient(k, append(own, opts...)...)
}
