package sftp

import (
	"errors"
	"fmt"
	"os"
	"strings"

	"github.com/ccr-sdk/ccr"
)

// The environment variables that [FromEnv] and [UATFromEnv] read.
const (
	EnvAddress     = "CCR_SFTP_ADDRESS"          // host or host:port; default: the vendor's host, by the layout
	EnvUser        = "CCR_SFTP_USER"             // required
	EnvKey         = "CCR_SFTP_KEY"              // private key, PEM; or CCR_SFTP_KEY_FILE
	EnvPassphrase  = "CCR_SFTP_KEY_PASSPHRASE"   // of the key; or CCR_SFTP_KEY_PASSPHRASE_FILE
	EnvPassword    = "CCR_SFTP_PASSWORD"         // or CCR_SFTP_PASSWORD_FILE
	EnvKnownHosts  = "CCR_SFTP_KNOWN_HOSTS"      // known_hosts file; several separated by commas
	EnvFingerprint = "CCR_SFTP_HOST_FINGERPRINT" // "SHA256:…"; several separated by commas
	EnvLayout      = "CCR_SFTP_LAYOUT"           // creditclear, creditclear-older-manual, creditclear-older-automated or cleardebit
	EnvEnvironment = "CCR_SFTP_ENVIRONMENT"      // production (default) or uat; must agree with the function
)

// FromEnv makes a client of production from the environment. It does no I/O
// beyond reading secrets: the first call connects.
func FromEnv() (*Client, error) {
	cfg, err := ConfigFromEnv()
	if err != nil {
		return nil, err
	}
	return NewClient(cfg)
}

// UATFromEnv is [FromEnv] for the vendor's test environment.
func UATFromEnv() (*UATClient, error) {
	cfg, err := UATConfigFromEnv()
	if err != nil {
		return nil, err
	}
	return NewUATClient(cfg)
}

// ConfigFromEnv reads the configuration of production from the environment;
// nothing else in this package does. Keys and secrets in files are read again
// for each connection. All faults are reported at once, by variable, without
// values.
func ConfigFromEnv() (Config, error) { return fromEnv(environmentProduction) }

// UATConfigFromEnv is [ConfigFromEnv] for the vendor's test environment. It
// insists on CCR_SFTP_ENVIRONMENT=uat, so that a production user never gets
// there by a forgotten variable.
func UATConfigFromEnv() (UATConfig, error) {
	c, err := fromEnv(environmentUAT)
	return UATConfig(c), err
}

func fromEnv(environment string) (Config, error) {
	var c Config
	var f ccr.Faults
	switch got := os.Getenv(EnvEnvironment); {
	case got == environment, got == "" && environment == environmentProduction:
	case got == "":
		f.Add(EnvEnvironment, "must be uat for this program")
	default:
		f.Addf(EnvEnvironment, "must be %s for this program", environment)
	}
	host := ""
	switch os.Getenv(EnvLayout) {
	case "creditclear":
		c.Layout, host = CreditClear(), CreditClearHost
	case "creditclear-older-manual":
		c.Layout, host = CreditClearOlder(ManualImport), CreditClearHost
	case "creditclear-older-automated":
		c.Layout, host = CreditClearOlder(AutomatedImport), CreditClearHost
	case "cleardebit":
		c.Layout, host = ClearDebit(), ClearDebitHost
	default:
		f.Add(EnvLayout, "must be creditclear, creditclear-older-manual, creditclear-older-automated or cleardebit")
	}
	if c.Address = os.Getenv(EnvAddress); c.Address == "" {
		if environment == environmentUAT { // its host is not published
			f.Add(EnvAddress, "is missing")
		}
		c.Address = host
	}
	if c.Address != "" {
		if _, err := address(c.Address); err != nil {
			f.Add(EnvAddress, err.Error())
		}
	}
	if c.User = os.Getenv(EnvUser); c.User == "" {
		f.Add(EnvUser, "is missing")
	}
	envKey(&c, &f)
	envHostKeys(&c, &f)
	return c, f.Err(serviceName, "FromEnv")
}

// envHostKeys reads which host keys are trusted.
func envHostKeys(c *Config, f *ccr.Faults) {
	known, pins := os.Getenv(EnvKnownHosts), os.Getenv(EnvFingerprint)
	switch {
	case known != "" && pins != "":
		f.Addf(EnvKnownHosts, "and %s are both set; set one", EnvFingerprint)
	case known != "":
		c.HostKeys = KnownHosts(fields(known)...)
	case pins != "":
		c.HostKeys = HostFingerprints(fields(pins)...)
		for _, p := range fields(pins) {
			if _, err := parseFingerprint(p); err != nil {
				f.Add(EnvFingerprint, err.Error())
			}
		}
	default:
		f.Addf(EnvKnownHosts, "or %s is missing", EnvFingerprint)
	}
}

func envKey(c *Config, f *ccr.Faults) {
	key, hasKey := envSecret(EnvKey, f)
	password, hasPassword := envSecret(EnvPassword, f)
	if hasKey {
		c.Key = PrivateKey(key)
		if path := os.Getenv(EnvKey + "_FILE"); path != "" {
			c.Key = PrivateKeyFile(path)
		}
		if pass, ok := envSecret(EnvPassphrase, f); ok {
			c.Key = c.Key.WithPassphrase(pass)
		}
	}
	if hasPassword {
		c.Password = password
	}
	if !hasKey && !hasPassword {
		f.Addf(EnvKey, "(or %s_FILE, or %s) is missing", EnvKey, EnvPassword)
	}
}

// envSecret reads NAME or NAME_FILE; false if neither is set.
func envSecret(name string, f *ccr.Faults) (ccr.Secret, bool) {
	if os.Getenv(name) == "" && os.Getenv(name+"_FILE") == "" {
		return ccr.Secret{}, false
	}
	s, err := ccr.SecretFromEnv(name)
	if err != nil {
		why := "cannot be read from its file"
		if errors.Is(err, os.ErrNotExist) {
			why = "names a file that does not exist"
		} else if os.Getenv(name) != "" {
			why = fmt.Sprintf("and %s_FILE are both set; set one", name)
		}
		f.Add(name, why)
	}
	return s, true
}

func fields(s string) []string {
	return strings.FieldsFunc(s, func(r rune) bool { return r == ',' || r == ' ' || r == '\n' })
}
