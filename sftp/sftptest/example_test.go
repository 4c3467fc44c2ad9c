package sftptest_test

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

// A test puts files and a fault there, runs the program, and looks at what
// the server got. Here the vendor refuses to rename the first upload into place.
func Example() {
	srv, err := sftptest.NewServer(sftptest.Config{Traits: sftptest.Traits{NoPosixRename: true}})
	if err != nil {
		log.Fatal(err)
	}
	defer srv.Close()
	yesterday := time.Date(2026, 11, 20, 18, 0, 0, 0, time.UTC)
	srv.WriteFileAt("/downloads/returns.csv", []byte("reference,paid\nA-1,12.50\n"), yesterday).
		Append("/downloads/returns.csv", []byte("A-2,7.00\n")).
		Inject(sftptest.Fault{Operation: sftptest.OpRename, Kind: sftptest.Refuse, Text: "quota exceeded"})

	ctx := context.Background()
	drop, err := srv.Client(ctx)
	if err != nil {
		log.Fatal(err)
	}
	defer drop.Shutdown(ctx)
	debtors := ccr.FileFromBytes("debtors.csv", []byte("reference,owed\nA-1,12.50\n"))
	_, err = drop.Upload(ctx, debtors, sftp.UploadOptions{})
	if e, ok := errors.AsType[*ccr.Error](err); ok {
		fmt.Println("first upload:", e.Outcome)
	}
	sent, err := drop.Upload(ctx, debtors, sftp.UploadOptions{})
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println("second upload:", sent.Verification)
	for _, r := range srv.Requests(sftptest.OpRename) {
		fmt.Println(r.Operation, "to", r.To)
	}
	entries, err := drop.List(ctx, sftp.ListOptions{})
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println("waiting:", entries[0].Name, entries[0].Size)
	fmt.Println("uploaded:", srv.Files("/uploads"), srv.BytesWritten())
	// Output:
	// first upload: rejected
	// second upload: verified
	// rename to /uploads/debtors.csv
	// rename to /uploads/debtors.csv
	// waiting: returns.csv 34
	// uploaded: [debtors.csv] 50
}
