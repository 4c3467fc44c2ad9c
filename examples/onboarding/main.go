// Command onboarding takes the first steps with Credit Clear's SFTP gateway:
// it makes a key pair, prints the public key and the checklist of the support
// ticket, and tells step by step how far a connection gets.
//
//	go run ./examples/onboarding                         a try against an in-process gateway
//	go run ./examples/onboarding -key ./keys/uat -comment acme-uat
//	go run ./examples/onboarding -diagnose               with the CCR_SFTP_… variables
//
// The diagnosis writes nothing at the vendor.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/signal"
	"time"

	"github.com/ccr-sdk/ccr"
	"github.com/ccr-sdk/ccr/sftp"
	"github.com/ccr-sdk/ccr/sftp/sftptest"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	err := run(ctx, os.Args[1:], os.Stdout, os.Stderr)
	if err != nil && !errors.Is(err, flag.ErrHelp) {
		fmt.Fprintln(os.Stderr, "onboarding:", err)
		stop()
		os.Exit(1) //nolint:gocritic // stop was called
	}
}

func run(ctx context.Context, args []string, stdout, stderr io.Writer) error {
	f := flag.NewFlagSet("onboarding", flag.ContinueOnError)
	f.SetOutput(stderr)
	key := f.String("key", "", "write a new key pair to this `path` (private, mode 0600) and path.pub")
	comment := f.String("comment", "", "`word` at the end of the public key, such as acme-uat")
	diagnose := f.Bool("diagnose", false, "try the connection that the CCR_SFTP_… variables describe")
	if err := f.Parse(args); err != nil {
		return err
	}
	if f.NArg() > 0 {
		return fmt.Errorf("unexpected argument %q", f.Arg(0))
	}
	ctx, cancel := context.WithTimeout(ctx, time.Minute)
	defer cancel()
	switch {
	case *diagnose:
		return live(ctx, stdout)
	case *key != "":
		pair, err := sftp.GenerateKeyPair(sftp.KeyPairOptions{Comment: *comment, Passphrase: passphrase()})
		if err != nil {
			return err
		}
		if err := pair.Write(*key); err != nil {
			return err
		}
		fmt.Fprintf(stdout, "Private key: %s (keep it; it was never anywhere else)\n\n", *key)
		ticket(stdout, pair)
		return nil
	}
	return try(ctx, *comment, stdout)
}

// passphrase encrypts the private key if the usual variable is set.
func passphrase() ccr.Secret {
	if s, err := ccr.SecretFromEnv(sftp.EnvPassphrase); err == nil {
		return s
	}
	return ccr.Secret{}
}

// live diagnoses the connection of the environment, production or UAT.
func live(ctx context.Context, stdout io.Writer) error {
	var d *sftp.Diagnosis
	var err error
	if os.Getenv(sftp.EnvEnvironment) == "uat" {
		var cfg sftp.UATConfig
		if cfg, err = sftp.UATConfigFromEnv(); err != nil {
			return err
		}
		d, err = sftp.DiagnoseUAT(ctx, cfg, sftp.DiagnoseOptions{})
	} else {
		var cfg sftp.Config
		if cfg, err = sftp.ConfigFromEnv(); err != nil {
			return err
		}
		d, err = sftp.Diagnose(ctx, cfg, sftp.DiagnoseOptions{})
	}
	fmt.Fprintln(stdout, d)
	return err
}

// try goes through all of it against a gateway in the process.
func try(ctx context.Context, comment string, stdout io.Writer) error {
	pair, err := sftp.GenerateKeyPair(sftp.KeyPairOptions{Comment: comment})
	if err != nil {
		return err
	}
	ticket(stdout, pair)
	vendor, err := sftptest.NewServer(sftptest.Config{Users: []sftptest.User{{Name: "acme", AuthorizedKeys: []string{pair.AuthorizedKey}}}})
	if err != nil {
		return err
	}
	defer vendor.Close()
	cfg := sftp.Config{
		Address: vendor.Address(), User: "acme", Key: sftp.PrivateKey(pair.Private),
		HostKeys: sftp.HostFingerprints(vendor.Fingerprint()), Layout: sftp.CreditClear(),
	}
	fmt.Fprintln(stdout, "What a diagnosis looks like, against an in-process gateway:")
	d, err := sftp.Diagnose(ctx, cfg, sftp.DiagnoseOptions{})
	fmt.Fprintln(stdout, d)
	if err != nil {
		return err
	}
	// And one that fails: the gateway has another key than the one we pinned.
	if err := vendor.ChangeHostKey(); err != nil {
		return err
	}
	d, err = sftp.Diagnose(ctx, cfg, sftp.DiagnoseOptions{})
	fmt.Fprintln(stdout, "The same after the gateway's host key has changed:")
	fmt.Fprintln(stdout, d)
	if !errors.Is(err, sftp.ErrHostKey) {
		return fmt.Errorf("a changed host key was not noticed: %w", err)
	}
	return nil
}

// ticket prints what Credit Clear asks for.
func ticket(w io.Writer, pair sftp.KeyPair) {
	fmt.Fprintf(w, `Support ticket to Credit Clear:
  [ ] public key:   %s
  [ ] fingerprint:  %s (to compare over the telephone)
  [ ] the outbound IP addresses of your servers, for their allow list
  [ ] whether this is production or UAT: each has a user and a key pair of its own
They answer with the user name. On your side:
  [ ] allow %s outbound, port 22
  [ ] get the host key's fingerprint from them, and pin it (CCR_SFTP_HOST_FINGERPRINT)
  [ ] ask which folder layout your account has, and whether temporary names in uploads are ignored
  [ ] for the API: ask for client credentials, the audience and the endpoints in a ticket of its own
Then: go run ./examples/onboarding -diagnose

`, pair.AuthorizedKey, pair.Fingerprint, sftp.CreditClearHost)
}
