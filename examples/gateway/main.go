// Command gateway uploads a collections file to the Clear Direct Debit bureau,
// receives what waits there into a folder, and says what is to be done.
//
//	go run ./examples/gateway
//
// Without -live it starts a bureau in the process and sends it a made-up file;
// nothing leaves the machine. With -live it speaks to the real bureau, with
// the CCR_GATEWAY_… variables:
//
//	go run ./examples/gateway -live -reports reports [-file COLLECTIONS_20261121.csv]
//
// It may be stopped at any moment and run again: no file is sent twice, no
// report is lost or delivered twice. It exits with 1 if anything failed, and
// with 3 if nobody knows whether the file arrived. Operators have the
// command ccr (cmd/ccr).
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
	"github.com/ccr-sdk/ccr/gateway"
	"github.com/ccr-sdk/ccr/gateway/bacs"
	"github.com/ccr-sdk/ccr/gateway/gatewaytest"
)

func main() {
	live := flag.Bool("live", false, "speak to the real bureau")
	file := flag.String("file", "", "collections `file` to upload (default: a made-up one; with -live: none)")
	reports := flag.String("reports", "", "`folder` for reports (default: a temporary one; required with -live)")
	flag.Parse()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	err := run(ctx, os.Stdout, *live, *file, *reports)
	stop()
	if err != nil {
		fmt.Fprintln(os.Stderr, "gateway:", err) // says what is known about the outcome, and what to do next
		if ccr.DispositionOf(err).Action == ccr.ActionSettle {
			os.Exit(3)
		}
		os.Exit(1)
	}
}

func run(ctx context.Context, w io.Writer, live bool, file, reports string) error {
	if live {
		if reports == "" {
			return errors.New("-live needs -reports FOLDER: reports are archived at the bureau once they are there")
		}
		client, err := gateway.FromEnv()
		if err != nil {
			return err
		}
		return work(ctx, w, client, file, reports)
	}
	bureau, err := gatewaytest.NewServer(gatewaytest.Config{})
	if err != nil {
		return err
	}
	defer bureau.Close()
	bureau.AddSamples("ARUDD", "ADDACS")
	client, err := bureau.Client()
	if err != nil {
		return err
	}
	dir, err := os.MkdirTemp("", "ccr-gateway-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir)
	file = filepath.Join(dir, "COLLECTIONS_20261121.csv")
	if err = os.WriteFile(file, []byte("reference,amount,date\r\nMANDATE00001,20.00,2026-11-25\r\n"), 0o600); err != nil {
		return err
	}
	return work(ctx, w, client, file, dir)
}

// work takes the interface, so that tests can put a gatewaytest.Mock there.
func work(ctx context.Context, w io.Writer, client gateway.API, file, reports string) (err error) {
	ledger, err := ccr.OpenLedger(filepath.Join(reports, ".ledger")) // remembers what was sent and received
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, ledger.Close()) }()
	if file != "" {
		if _, err := client.Upload(ctx, gateway.UploadRequest{Files: []ccr.File{ccr.FileFromPath(file)}, Ledger: ledger}); err != nil {
			return err
		}
		fmt.Fprintln(w, "the bureau has", filepath.Base(file))
	}
	received, failed := client.Receive(ctx, ccr.DirSink(reports), gateway.ReceiveOptions{Ledger: ledger})
	var read []*bacs.Report
	for _, r := range received { // what came is worked on, whatever failed beside it
		fmt.Fprintln(w, r.Name, r.State)
		if r.State != ccr.Delivered {
			continue
		}
		data, err := os.Open(r.Location)
		if err != nil {
			return err
		}
		report, err := bacs.Parse(data)
		data.Close()
		if err != nil {
			return err
		}
		read = append(read, report)
	}
	for _, d := range (bacs.Calendar{}).Worklist(read...) {
		fmt.Fprintln(w, d.Reference, d) // the reference is personal data, and meant here
	}
	return failed
}
