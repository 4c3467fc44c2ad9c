package sftp_test

import (
	"context"
	"errors"
	"fmt"
	"log"
	"time"

	"github.com/ccr-sdk/ccr"
	"github.com/ccr-sdk/ccr/sftp"
	"github.com/ccr-sdk/ccr/sftp/sftptest"
)

// Dial, send a file, bring the returns in.
func Example() {
	srv, err := sftptest.NewServer(sftptest.Config{}) // in your program: the vendor's server
	if err != nil {
		log.Fatal(err)
	}
	defer srv.Close()
	srv.WriteFile("/downloads/returns.csv", []byte("reference,paid\nA-1,12.50\n"))

	ctx := context.Background()
	drop, err := sftp.Dial(ctx, srv.Config())
	if err != nil {
		log.Fatal(err)
	}
	defer drop.Shutdown(ctx)

	sent, err := drop.Upload(ctx, ccr.FileFromBytes("debtors.csv", []byte("reference,owed\nA-1,12.50\n")), sftp.UploadOptions{})
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(sent.Path, sent.Size, sent.Verification)

	received, err := drop.Receive(ctx, memorySink{}, sftp.ReceiveOptions{StableFor: -1, Ledger: ccr.NewMemoryLedger()})
	if err != nil {
		log.Fatal(err)
	}
	for _, r := range received {
		fmt.Println(r.Name, r.Size, r.State)
	}
	// Output:
	// uploads/debtors.csv 25 verified
	// returns.csv 25 delivered
}

// Production takes its identity from the environment.
func ExampleFromEnv() {
	ctx := context.Background()
	drop, err := sftp.FromEnv() // the first call connects
	if err != nil {
		log.Fatal(err) // names every variable that is missing or wrong
	}
	defer drop.Shutdown(ctx)
}

// Nothing is sent twice: a rerun after a crash returns what the ledger knows,
// or goes on where the upload was interrupted.
func ExampleClient_Upload_ledger() {
	ctx := context.Background()
	var drop *sftp.Client // of Dial
	ledger, err := ccr.OpenLedger("/var/lib/acme/sent.ledger")
	if err != nil {
		log.Fatal(err)
	}
	defer ledger.Close()
	sent, err := drop.Upload(ctx, ccr.FileFromPath("debtors.csv"), sftp.UploadOptions{Ledger: ledger})
	switch {
	case errors.Is(err, ccr.ErrOutcomeUnknown):
		// Look at the folder or ask the vendor, then:
		err = drop.SettleUpload(ctx, sftp.SettleOptions{Ledger: ledger, File: ccr.FileFromPath("debtors.csv"), Arrived: true})
	case err == nil && sent.Recorded:
		log.Print("an earlier run had sent it")
	}
	if err != nil {
		log.Print(err)
	}
}

// The folder is looked at every ten minutes, until the context ends.
func ExampleClient_Watch() {
	ctx := context.Background()
	var drop *sftp.Client // of Dial
	for received, err := range drop.Watch(ctx, ccr.DirSink("returns"), sftp.WatchOptions{Interval: 10 * time.Minute}) {
		if err != nil {
			log.Print(err) // watching goes on
		}
		for _, r := range received {
			if r.State == ccr.Delivered {
				log.Print("new: ", r.Location)
			}
		}
	}
}

// A new key pair: the vendor gets the line, nobody gets the key.
func ExampleGenerateKeyPair() {
	pair, err := sftp.GenerateKeyPair(sftp.KeyPairOptions{Comment: "acme-uat"})
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(len(pair.Fingerprint), pair.Private)
	// Output: 50 [redacted]
}

// Before the first file: how far does a connection get?
func ExampleDiagnose() {
	srv, err := sftptest.NewServer(sftptest.Config{})
	if err != nil {
		log.Fatal(err)
	}
	defer srv.Close()
	cfg := srv.Config()
	cfg.Layout = sftp.ClearDebit() // which this server is not
	d, err := sftp.Diagnose(context.Background(), cfg, sftp.DiagnoseOptions{})
	fmt.Println(errors.Is(err, sftp.ErrFolderMissing), d.Suggestion.Layout)
	// Output: true CreditClear()
}

// A test double for a program that uploads.
func Example_mock() {
	drop := &sftptest.Mock{UploadFunc: func(_ context.Context, f ccr.File, _ sftp.UploadOptions, _ ...ccr.CallOption) (*sftp.Uploaded, error) {
		return &sftp.Uploaded{Name: f.Name(), Verification: sftp.Verified}, nil
	}}
	nightly := func(ctx context.Context, drop sftp.API) error {
		_, err := drop.Upload(ctx, ccr.FileFromBytes("debtors.csv", nil), sftp.UploadOptions{})
		return err
	}
	fmt.Println(nightly(context.Background(), drop))
	// Output: <nil>
}

// memorySink is a ccr.Sink for examples.
type memorySink struct{}

func (memorySink) Create(context.Context, ccr.Item) (ccr.Delivery, error) {
	return memoryFile{}, nil
}

type memoryFile struct{}

func (memoryFile) Write(p []byte) (int, error)            { return len(p), nil }
func (memoryFile) Commit(context.Context) (string, error) { return "memory", nil }
func (memoryFile) Stage(context.Context) (string, error)  { return "", errors.ErrUnsupported }
func (memoryFile) Abort(context.Context) error            { return nil }

func (memorySink) Resume(context.Context, ccr.Item, string) (ccr.Delivery, ccr.Staging, error) {
	return nil, "", errors.ErrUnsupported
}
