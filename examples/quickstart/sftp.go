package main

import (
	"bytes"
	"context"
	"fmt"
	"path/filepath"
	"slices"
	"time"

	"github.com/ccr-sdk/ccr"
	"github.com/ccr-sdk/ccr/sftp"
	"github.com/ccr-sdk/ccr/sftp/sftptest"
)

// runSFTP drops a file into the uploads folder and receives what waits.
func runSFTP(ctx context.Context, o options, r *section) (err error) {
	drop, vendor, err := connectSFTP(ctx, o, r)
	if vendor != nil {
		defer vendor.Close()
	}
	if err != nil {
		return err
	}
	defer func() {
		if cerr := drop.Shutdown(ctx); err == nil {
			err = cerr
		}
	}()
	file := inputFile(o.accounts, "accounts.csv")
	sent, err := drop.Upload(ctx, file, sftp.UploadOptions{Progress: r.follow, Checksum: true})
	if err != nil {
		return err
	}
	r.addf("uploaded", "%s, %d bytes: %s", sent.Name, sent.Size, sent.Verification)
	if vendor != nil {
		if got, ok := vendor.ReadFile(sent.Path); !ok || int64(len(got)) != sent.Size {
			return fmt.Errorf("the server has %d bytes of %s", len(got), sent.Name)
		}
		vendor.WriteFile("/downloads/payments.csv", returnFile())
	}
	waiting, err := drop.List(ctx, sftp.ListOptions{})
	if err != nil {
		return err
	}
	r.addf("listed", "%d in downloads", len(waiting))
	stable := time.Duration(0) // the default, for a vendor who may still be writing
	if vendor != nil {
		stable = -1
	}
	received, err := drop.Receive(ctx, ccr.DirSink(filepath.Join(o.out, "returns")), sftp.ReceiveOptions{Progress: r.follow, StableFor: stable})
	if err != nil {
		return err
	}
	for _, item := range received {
		r.addf("received", "%s, %d bytes: %s", item.Name, item.Size, item.State)
	}
	if vendor != nil && !slices.ContainsFunc(received, func(i ccr.Received) bool {
		return i.Name == "payments.csv" && i.State == ccr.Delivered && i.Size == int64(len(returnFile()))
	}) {
		return fmt.Errorf("one file was waiting, %d were received", len(received))
	}
	return nil
}

// connectSFTP dials the real gateway, or one made here with a new key pair.
func connectSFTP(ctx context.Context, o options, r *section) (*sftp.Client, *sftptest.Server, error) {
	if o.live != "" {
		drop, err := sftp.FromEnv()
		return drop, nil, err
	}
	pair, err := sftp.GenerateKeyPair(sftp.KeyPairOptions{Comment: "quickstart"})
	if err != nil {
		return nil, nil, err
	}
	r.add("key pair", pair.Fingerprint)
	vendor, err := sftptest.NewServer(sftptest.Config{Users: []sftptest.User{{Name: "quickstart", AuthorizedKeys: []string{pair.AuthorizedKey}}}})
	if err != nil {
		return nil, nil, err
	}
	drop, err := sftp.Dial(ctx, sftp.Config{
		Address: vendor.Address(), User: "quickstart", Key: sftp.PrivateKey(pair.Private),
		HostKeys: sftp.HostFingerprints(vendor.Fingerprint()), Layout: sftp.CreditClear(),
	})
	return drop, vendor, err
}

// returnFile is a return file as Credit Clear describes "payment succeeded".
func returnFile() []byte {
	var b bytes.Buffer
	b.WriteString("integration_link_id,invoice_number,type_of_payment,transaction_correlation_id,payment_type,amount,payment_status,payment_response,processed_on,partial_payment_reason,transaction_reference,paid_on\n")
	for i := range 25 {
		fmt.Fprintf(&b, "A%07d_%09d,INV-%d,AdHocPayment,00000000-0000-4000-8000-%012d,BPay,%d.50,Paid,Approved,2026-11-20T10:%02d:00.000+10,,TX%06d,2026-11-20T10:%02d:05.000+10\n", i, i, 400000+i, i, 50+i, i, i, i)
	}
	return b.Bytes()
}
