// Command sftp uploads a folder into a drop folder and receives the returns,
// with progress. It sends each file once: a second run with the same -out
// sends only what is new.
//
//	go run ./examples/sftp
//	go run ./examples/sftp -folder outbox -out returns -live
//
// Without -live it speaks to a server in the process. With it, the account
// is that of the CCR_SFTP_… variables, and -folder is required.
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
	"text/tabwriter"
	"time"

	"github.com/ccr-sdk/ccr"
	"github.com/ccr-sdk/ccr/sftp"
	"github.com/ccr-sdk/ccr/sftp/sftptest"
)

type options struct {
	folder, out string
	live        bool
	channels    int
}

func main() {
	var o options
	flag.StringVar(&o.folder, "folder", "", "folder whose files are uploaded (default: samples)")
	flag.StringVar(&o.out, "out", "", "folder for the returns and the ledger (default: a temporary one, removed at the end)")
	flag.BoolVar(&o.live, "live", false, "speak to the server of the CCR_SFTP_… variables")
	flag.IntVar(&o.channels, "channels", 1, "SSH channels for a large download, 1 to 4")
	flag.Parse()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	if err := run(ctx, o, os.Stdout); err != nil {
		fmt.Fprintln(os.Stderr, "sftp:", err)
		stop()
		os.Exit(1) //nolint:gocritic // stop was called
	}
}

func run(ctx context.Context, o options, w io.Writer) (err error) {
	if o.live && (o.folder == "" || o.out == "") {
		return errors.New("-live needs -folder and -out: samples are not for real servers, and the ledger must stay")
	}
	if o.out == "" {
		if o.out, err = os.MkdirTemp("", "returns"); err != nil {
			return err
		}
		defer func() { err = errors.Join(err, os.RemoveAll(o.out)) }()
	}
	files, err := collect(o.folder)
	if err != nil {
		return err
	}
	drop, end, err := connect(ctx, o.live)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, end()) }()
	if err := os.MkdirAll(o.out, 0o700); err != nil {
		return err
	}
	ledger, err := ccr.OpenLedger(filepath.Join(o.out, "sent.ledger"))
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, ledger.Close()) }()

	p := &lines{w: w}
	sent, err := drop.UploadAll(ctx, files, sftp.UploadOptions{Ledger: ledger, Progress: p.show})
	report(w, sent)
	if err != nil {
		return err
	}
	stable := time.Duration(0)
	if !o.live {
		stable = -1 // the server in the process writes files at one stroke
	}
	received, err := drop.Receive(ctx, ccr.DirSink(filepath.Join(o.out, "returns")), sftp.ReceiveOptions{
		StableFor: stable, Channels: o.channels, Progress: p.show,
	})
	for _, r := range received {
		fmt.Fprintf(w, "%-24s %10d bytes  %s\n", r.Name, r.Size, r.State)
	}
	return err
}

// connect dials the configured server, or one in the process with something
// to receive.
func connect(ctx context.Context, live bool) (drop *sftp.Client, end func() error, err error) {
	if live {
		drop, err = sftp.FromEnv()
		if err != nil {
			return nil, nil, err
		}
		return drop, func() error { return closeClient(drop) }, nil
	}
	srv, err := sftptest.NewServer(sftptest.Config{})
	if err != nil {
		return nil, nil, err
	}
	srv.WriteFile("/downloads/payments.csv", []byte("reference,paid\nA-1,12.50\n"))
	srv.WriteFile("/downloads/notes.csv", make([]byte, 5<<20))
	if drop, err = srv.Client(ctx); err != nil {
		srv.Close()
		return nil, nil, err
	}
	return drop, func() error { defer srv.Close(); return closeClient(drop) }, nil
}

func closeClient(drop *sftp.Client) error {
	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
	defer cancel()
	return drop.Shutdown(ctx)
}

// collect takes the files of a folder, or makes samples.
func collect(folder string) ([]ccr.File, error) {
	var files []ccr.File
	if folder == "" {
		for i := range 20 {
			row := fmt.Appendf(nil, "reference,owed\nA-%d,12.50\n", i)
			files = append(files, ccr.FileFromBytes(fmt.Sprintf("debtors-%02d.csv", i), row))
		}
		return append(files, ccr.FileFromBytes("statement.pdf", make([]byte, 3<<20))), nil
	}
	entries, err := os.ReadDir(folder)
	if err != nil {
		return nil, err
	}
	for _, e := range entries {
		if e.Type().IsRegular() {
			files = append(files, ccr.FileFromPath(filepath.Join(folder, e.Name())))
		}
	}
	return files, nil
}

// report prints what became of each file.
func report(w io.Writer, sent []sftp.Uploaded) {
	t := tabwriter.NewWriter(w, 0, 4, 2, ' ', 0)
	for _, s := range sent {
		state := string(s.Verification)
		switch {
		case s.Err != nil:
			state = s.Err.Error()
		case s.Recorded:
			state += ", sent by an earlier run"
		case s.Resumed > 0:
			state += fmt.Sprintf(", %d bytes were there already", s.Resumed)
		}
		fmt.Fprintf(t, "%s\t%d bytes\t%s\n", s.Name, s.Size, state)
	}
	_ = t.Flush()
}
