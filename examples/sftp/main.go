// Command sftp uploads files into a drop folder and receives the returns. It
// sends each file once: a second run with the same -out sends only what is new.
//
//	go run ./examples/sftp
//	go run ./examples/sftp -live -out returns debtors.csv
//
// Without -live it speaks to a server in the process. With it, the account is
// that of the CCR_SFTP_… variables. It exits with 1 if anything failed, and
// with 3 if nobody knows whether a file arrived.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/signal"
	"path/filepath"

	"github.com/ccr-sdk/ccr"
	"github.com/ccr-sdk/ccr/sftp"
	"github.com/ccr-sdk/ccr/sftp/sftptest"
)

func main() {
	out := flag.String("out", "", "`folder` for the returns and the ledger (default: a temporary one; required with -live)")
	live := flag.Bool("live", false, "speak to the server of the CCR_SFTP_… variables")
	flag.Parse()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	err := run(ctx, os.Stdout, *live, *out, flag.Args())
	stop()
	if err != nil {
		fmt.Fprintln(os.Stderr, "sftp:", err)
		if ccr.DispositionOf(err).Action == ccr.ActionSettle {
			os.Exit(3)
		}
		os.Exit(1)
	}
}

func run(ctx context.Context, w io.Writer, live bool, out string, paths []string) error {
	var files []ccr.File
	for _, p := range paths {
		files = append(files, ccr.FileFromPath(p))
	}
	if live {
		if out == "" {
			return errors.New("-live needs -out: the ledger must stay")
		}
		drop, err := sftp.FromEnv()
		if err != nil {
			return err
		}
		return work(ctx, w, drop, files, out, sftp.ReceiveOptions{})
	}
	vendor, err := sftptest.NewServer(sftptest.Config{})
	if err != nil {
		return err
	}
	defer vendor.Close()
	vendor.WriteFile("/downloads/payments.csv", []byte("reference,paid\nA-1,12.50\n"))
	drop, err := sftp.NewClient(vendor.Config())
	if err != nil {
		return err
	}
	dir, err := os.MkdirTemp("", "ccr-sftp-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir)
	files = append(files, ccr.FileFromBytes("debtors.csv", []byte("reference,owed\nA-1,12.50\n")))
	return work(ctx, w, drop, files, dir, sftp.ReceiveOptions{StableFor: -1}) // this server writes at one stroke
}

// work takes the interface, so that tests can put a sftptest.Mock there.
func work(ctx context.Context, w io.Writer, drop sftp.API, files []ccr.File, out string, o sftp.ReceiveOptions) (err error) {
	defer func() { err = errors.Join(err, drop.Close()) }()
	if err := os.MkdirAll(out, 0o700); err != nil {
		return err
	}
	ledger, err := ccr.OpenLedger(filepath.Join(out, "sent.ledger"))
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, ledger.Close()) }()
	if len(files) > 0 {
		sent, err := drop.UploadAll(ctx, files, sftp.UploadOptions{Ledger: ledger})
		for _, s := range sent {
			fmt.Fprintln(w, s.Name, s.Size, s.Verification) // s.Err, if it failed, is part of err
		}
		if err != nil {
			return err
		}
	}
	received, err := drop.Receive(ctx, ccr.DirSink(filepath.Join(out, "returns")), o)
	for _, r := range received {
		fmt.Fprintln(w, r.Name, r.Size, r.State)
	}
	return err
}
