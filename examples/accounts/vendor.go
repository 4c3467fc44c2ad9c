package main

import (
	"github.com/ccr-sdk/ccr"
	"github.com/ccr-sdk/ccr/accounts"
	"github.com/ccr-sdk/ccr/accounts/accountstest"
)

// connect makes a client of the real API, or of a vendor in the process.
func connect(o options, opts []ccr.Option) (client accounts.API, done func(), err error) {
	opts = append(opts, ccr.WithApplication("ccr-example-accounts", ccr.Version))
	if o.live {
		client, err = accounts.FromEnv(opts...)
		return client, func() {}, err
	}
	srv, err := startVendor()
	if err != nil {
		return nil, nil, err
	}
	client, err = srv.Client(opts...)
	return client, srv.Close, err
}

// startVendor starts a Credit Clear that fails two of the made-up rows when it
// processes them.
func startVendor() (*accountstest.Server, error) {
	srv, err := accountstest.NewServer(accountstest.Config{Looks: 1})
	if err != nil {
		return nil, err
	}
	return srv.FailItem(reference(failing[0]), "the e-mail address is not one").FailItem(reference(failing[1]), "the mobile number is not one"), nil
}
