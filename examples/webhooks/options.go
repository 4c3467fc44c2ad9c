package main

import (
	"errors"
	"flag"
	"fmt"
	"io"
	"net/http"
	"os"

	"github.com/ccr-sdk/ccr"
	"github.com/ccr-sdk/ccr/accounts"
)

// The environment variables of -listen.
const (
	envUser       = "CCR_ACCOUNTS_WEBHOOK_USER"
	envSecret     = "CCR_ACCOUNTS_WEBHOOK_SECRET" //nolint:gosec // a name
	envSigningKey = "CCR_ACCOUNTS_WEBHOOK_SIGNING_KEY"
)

// options are what the flags say.
type options struct {
	listen, cert, key, style string
}

func parse(args []string, stderr io.Writer) (options, error) {
	var o options
	f := flag.NewFlagSet("webhooks", flag.ContinueOnError)
	f.SetOutput(stderr)
	f.StringVar(&o.listen, "listen", "", "`address` to wait for real webhooks on (default: a demonstration on loopback)")
	f.StringVar(&o.cert, "cert", "", "`file` with the certificate, for -listen")
	f.StringVar(&o.key, "key", "", "`file` with its key, for -listen")
	f.StringVar(&o.style, "style", "", "how Credit Clear authenticates: basic, apikey, bearer or oauth; for -listen")
	f.Usage = func() {
		fmt.Fprintln(stderr, "Usage of webhooks:")
		f.PrintDefaults()
		fmt.Fprintf(stderr, "\nEnvironment variables that -listen reads: %s (or %s_FILE);\nwith -style basic and oauth %s; with -style oauth %s (or %s_FILE)\n",
			envSecret, envSecret, envUser, envSigningKey, envSigningKey)
	}
	if err := f.Parse(args); err != nil {
		return o, err
	}
	switch {
	case f.NArg() > 0:
		return o, fmt.Errorf("unexpected argument %q", f.Arg(0))
	case o.listen == "" && (o.cert != "" || o.key != "" || o.style != ""):
		return o, errors.New("-cert, -key and -style go with -listen")
	case o.listen != "" && (o.cert == "" || o.key == "" || o.style == ""):
		return o, errors.New("-listen needs -cert, -key and -style: the header that authenticates must not travel in clear")
	}
	return o, nil
}

// styleFromEnv makes one authentication style.
func styleFromEnv(style string) (accounts.WebhookAuth, http.Handler, error) {
	var none accounts.WebhookAuth
	secret, err := ccr.SecretFromEnv(envSecret)
	if err != nil {
		return none, nil, err
	}
	switch style {
	case "basic":
		return accounts.WebhookBasic(os.Getenv(envUser), secret), nil, nil
	case "apikey":
		return accounts.WebhookAPIKey(secret), nil, nil
	case "bearer":
		return accounts.WebhookBearer(secret), nil, nil
	case "oauth":
		signing, err := ccr.SecretFromEnv(envSigningKey)
		if err != nil {
			return none, nil, err
		}
		tokens, err := accounts.NewTokenEndpoint(accounts.TokenEndpointConfig{SigningKeys: []ccr.Secret{signing}, ClientID: os.Getenv(envUser), ClientSecret: secret})
		if err != nil {
			return none, nil, err
		}
		return accounts.WebhookOAuth(tokens), tokens, nil
	}
	return none, nil, errors.New("-style is one of basic, apikey, bearer and oauth")
}

// routes puts the handlers where Credit Clear is told to find them.
func routes(hook, tokens http.Handler) http.Handler {
	mux := http.NewServeMux()
	mux.Handle("/credit-clear", hook)
	if tokens != nil {
		mux.Handle("/token", tokens)
	}
	return mux
}

func newInbox(out io.Writer) *inbox { return &inbox{out: out} }
