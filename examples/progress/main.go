// Command progress shows terminal progress bars fed by the callbacks of ccr:
// an upload through the bureau's gateway, an upload and a receive over SFTP,
// against in-process servers. Where the output is not a terminal it prints
// plain lines.
//
//	go -C examples/progress run . -mib 64
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

	"golang.org/x/term"

	"github.com/ccr-sdk/ccr"
	"github.com/ccr-sdk/ccr/gateway"
	"github.com/ccr-sdk/ccr/gateway/gatewaytest"
	"github.com/ccr-sdk/ccr/sftp"
	"github.com/ccr-sdk/ccr/sftp/sftptest"
)

func main() {
	mib := flag.Int64("mib", 64, "size of the files that are moved, in MiB")
	flag.Parse()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	d := newDisplay(os.Stderr, term.IsTerminal(int(os.Stderr.Fd())))
	if err := run(ctx, d, *mib<<20); err != nil {
		fmt.Fprintln(os.Stderr, "progress:", err)
		stop()
		os.Exit(1) //nolint:gocritic // stop was called
	}
}

func run(ctx context.Context, d *display, size int64) error {
	if err := throughGateway(ctx, d, size); err != nil {
		return err
	}
	return throughSFTP(ctx, d, size)
}

// generated is content of a size without a file on disk.
func generated(name string, size int64) ccr.File {
	return ccr.NewFile(name, size, func() (io.ReadCloser, error) {
		return io.NopCloser(io.LimitReader(pattern{}, size)), nil
	})
}

type pattern struct{}

func (pattern) Read(p []byte) (int, error) {
	for i := range p {
		p[i] = "0123456789ABCDE\n"[i%16]
	}
	return len(p), nil
}

func throughGateway(ctx context.Context, d *display, size int64) error {
	bureau, err := gatewaytest.NewServer(gatewaytest.Config{})
	if err != nil {
		return err
	}
	defer bureau.Close()
	client, err := bureau.Client()
	if err != nil {
		return err
	}
	_, err = client.Upload(ctx, gateway.UploadRequest{Files: []ccr.File{generated("COLLECTIONS.csv", size)}, Progress: d.report})
	return err
}

func throughSFTP(ctx context.Context, d *display, size int64) (err error) {
	vendor, err := sftptest.NewServer(sftptest.Config{})
	if err != nil {
		return err
	}
	defer vendor.Close()
	drop, err := sftp.Dial(ctx, vendor.Config())
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, drop.Close()) }()
	if _, err = drop.Upload(ctx, generated("debtors.csv", size), sftp.UploadOptions{Progress: d.report}); err != nil {
		return err
	}
	content, _ := vendor.ReadFile("/uploads/debtors.csv")
	vendor.WriteFile("/downloads/returns.csv", content)
	dir, err := os.MkdirTemp("", "ccr-progress-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir)
	got, err := drop.Receive(ctx, ccr.DirSink(filepath.Join(dir, "returns")), sftp.ReceiveOptions{StableFor: -1, Progress: d.report})
	if err == nil && (len(got) != 1 || got[0].Size != size) {
		err = errors.New("the file that was sent did not come back whole")
	}
	return err
}
