package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"os"
	"time"

	"github.com/ccr-sdk/ccr"
	"github.com/ccr-sdk/ccr/sftp"
)

// uat reports whether the variables are of the vendor's test environment.
func uat() bool { return os.Getenv(sftp.EnvEnvironment) == "uat" }

// drop runs f with a connection.
func drop(ctx context.Context, f func(sftp.API) error) (err error) {
	var client sftp.API
	if uat() {
		client, err = configured[sftp.API](sftp.UATFromEnv())
	} else {
		client, err = configured[sftp.API](sftp.FromEnv())
	}
	if err != nil {
		return err
	}
	defer func() {
		end, cancel := context.WithTimeout(context.WithoutCancel(ctx), 10*time.Second)
		defer cancel()
		err = errors.Join(err, client.Shutdown(end))
	}()
	return f(client)
}

func sftpList(a *app, _ *flag.FlagSet) func(context.Context, []string) error {
	return func(ctx context.Context, args []string) error {
		if len(args) > 1 {
			return noArgs(args[1:])
		}
		folder := ""
		if len(args) == 1 {
			folder = args[0]
		}
		return drop(ctx, func(d sftp.API) error { return a.list(ctx, d, folder) })
	}
}

func (a *app) list(ctx context.Context, d sftp.API, folder string) error {
	entries, err := d.List(ctx, sftp.ListOptions{Folder: folder})
	if err != nil {
		return err
	}
	type line struct {
		Name      string    `json:"name"`
		Path      string    `json:"path"`
		Size      int64     `json:"size"`
		ModTime   time.Time `json:"modTime,omitzero"`
		Folder    bool      `json:"folder,omitzero"`
		Temporary bool      `json:"temporary,omitzero"`
	}
	lines, rows := []line{}, [][]string{}
	for _, e := range entries {
		lines = append(lines, line{e.Name, e.Path, e.Size, e.ModTime, e.Dir, e.Temporary})
		kind := ""
		switch {
		case e.Dir:
			kind = "folder"
		case e.Temporary:
			kind = "temporary"
		}
		rows = append(rows, []string{e.Name, fmt.Sprint(e.Size), e.ModTime.UTC().Format(time.RFC3339), kind})
	}
	return a.data(lines, rows)
}

func sftpGet(a *app, f *flag.FlagSet) func(context.Context, []string) error {
	folder := f.String("folder", "", "remote `folder` (default: that of downloads)")
	stable := f.Duration("stable-for", 0, "how long a file must not change before it is fetched (default 5s; negative: not at all)")
	remove := f.Bool("remove", false, "delete each file at the vendor once it is safe here")
	return func(ctx context.Context, args []string) error {
		dir, err := oneArg(args, "the local folder")
		if err != nil {
			return err
		}
		after := sftp.LeaveRemote
		if *remove {
			after = sftp.RemoveRemote
			if err := a.confirm("Delete at the vendor what was received"); err != nil {
				return err
			}
		}
		return drop(ctx, func(d sftp.API) error {
			if a.dry {
				a.say("dry run: what is new of these would be fetched into %s", dir)
				return a.list(ctx, d, *folder)
			}
			items, err := d.Receive(ctx, ccr.DirSink(dir), sftp.ReceiveOptions{
				Folder: *folder, StableFor: *stable, After: after, SkipClaimed: true, Progress: a.progress(),
			})
			return a.received(items, err)
		})
	}
}

func sftpPut(a *app, f *flag.FlagSet) func(context.Context, []string) error {
	path := f.String("ledger", "", "ledger `file` that keeps a file from being sent twice (default $CCR_LEDGER)")
	folder := f.String("folder", "", "upload `folder` of the layout (default: its first)")
	overwrite := f.Bool("overwrite", false, "replace files of the same names")
	return func(ctx context.Context, args []string) (err error) {
		files, would, err := a.outgoing(ctx, args)
		if err != nil {
			return err
		}
		if a.dry {
			if uat() {
				_, err = configured(sftp.UATConfigFromEnv())
			} else {
				_, err = configured(sftp.ConfigFromEnv())
			}
			return errors.Join(err, a.uploaded(would))
		}
		if *overwrite {
			if err := a.confirm("Replace files of these names"); err != nil {
				return err
			}
		}
		ledger, err := openLedger(*path)
		if err != nil {
			return err
		}
		defer func() { err = errors.Join(err, ledger.Close()) }()
		return drop(ctx, func(d sftp.API) error {
			sent, err := d.UploadAll(ctx, files, sftp.UploadOptions{
				Folder: *folder, Overwrite: *overwrite, Ledger: ledger, Progress: a.progress(),
			})
			lines := []uploadLine{}
			for _, s := range sent {
				state := "sent, " + string(s.Verification)
				switch {
				case s.Recorded:
					state = "sent before"
				case s.Err != nil:
					state = "failed"
					if e, ok := errors.AsType[*ccr.Error](s.Err); ok {
						state = string(e.Outcome)
					}
				}
				lines = append(lines, uploadLine{s.Name, state, s.Size, s.SHA256})
			}
			return errors.Join(err, a.uploaded(lines))
		})
	}
}

func sftpKeygen(a *app, f *flag.FlagSet) func(context.Context, []string) error {
	comment := f.String("comment", "", "`word` at the end of the public key, such as acme-uat")
	return func(_ context.Context, args []string) error {
		path, err := oneArg(args, "the path of the private key; the public one is PATH.pub")
		if err != nil {
			return err
		}
		var passphrase ccr.Secret
		if os.Getenv(sftp.EnvPassphrase) != "" || os.Getenv(sftp.EnvPassphrase+"_FILE") != "" {
			if passphrase, err = configured(ccr.SecretFromEnv(sftp.EnvPassphrase)); err != nil {
				return err
			}
		}
		pair, err := sftp.GenerateKeyPair(sftp.KeyPairOptions{Comment: *comment, Passphrase: passphrase})
		if err != nil {
			return err
		}
		if err := pair.Write(path); err != nil {
			return err
		}
		a.say(ticket, path, pair.Fingerprint, sftp.CreditClearHost, sftp.EnvFingerprint)
		return a.data(map[string]string{"privateKey": path, "publicKey": pair.AuthorizedKey, "fingerprint": pair.Fingerprint},
			[][]string{{pair.AuthorizedKey}})
	}
}

// ticket is what Credit Clear asks for.
const ticket = `Private key: %s (keep it; it was never anywhere else)
Support ticket to Credit Clear:
  [ ] the public key (on stdout), fingerprint %s (to compare over the telephone)
  [ ] the outbound IP addresses of your servers, for their allow list
  [ ] whether this is production or UAT: each has a user and a key pair of its own
They give you the user name. On your side:
  [ ] allow %s outbound, port 22
  [ ] get the host key's fingerprint from them, and pin it (%s)
  [ ] ask which folder layout your account has, and whether temporary names in uploads are ignored
  [ ] for the API: ask for client credentials, the audience and the endpoints in a ticket of its own
Then: ccr diagnose sftp
`
