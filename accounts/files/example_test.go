package files_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"log"
	"strings"
	"time"

	"github.com/ccr-sdk/ccr"
	"github.com/ccr-sdk/ccr/accounts"
	"github.com/ccr-sdk/ccr/accounts/accountstest"
	"github.com/ccr-sdk/ccr/accounts/files"
	"github.com/ccr-sdk/ccr/sftp"
	"github.com/ccr-sdk/ccr/sftp/sftptest"
)

func ExampleNewAccountWriter() {
	var file bytes.Buffer
	w, err := files.NewAccountWriter(&file, files.WriteOptions{
		Mode: files.ActivePortfolio, Rows: 2, Columns: []string{"ClientReference", "LastName", "OutstandingAmount"},
		Headers: map[string]string{"OutstandingAmount": "AmountDue"},
	})
	if err != nil {
		log.Fatal(err)
	}
	row := accounts.Account{ClientReferenceID: "C-1", Status: accounts.StatusActive, OutstandingAmount: ccr.AmountFromMinor(12050, 2), Debtor: accounts.Party{LastName: "=1+1"}}
	if err := w.Write(row); err != nil {
		log.Fatal(err)
	}
	fmt.Println(errors.Is(w.Close(), files.ErrRowCount)) // the other account would be closed
	fmt.Print(strings.ReplaceAll(file.String(), "\r\n", "\n"))
	// Output:
	// true
	// ClientReference,LastName,AmountDue
	// C-1,'=1+1,120.50
}

func ExampleReadPaymentsSucceeded() {
	const file = "integration_link_id,invoice_number,amount,processed_on\nA1234567_987654321,IN12345,50,2022-09-06T20:43:31.772+10\n"
	for p, err := range files.ReadPaymentsSucceeded(strings.NewReader(file)) {
		if err != nil {
			log.Fatal(err)
		}
		fmt.Println(p.Value.InvoiceNumber, p.Value.Amount, p.Value.ProcessedOn.Time().UTC().Format(time.RFC3339))
	}
	// Output:
	// IN12345 50 2022-09-06T10:43:31Z
}

func ExampleAttachmentNaming() {
	naming := files.AttachmentNaming{Separator: "__", Brand: true}
	fmt.Println(naming.Name("Blue", "", "C-1"))
	_, err := naming.Name("Blue", "", "C__1")
	fmt.Println(errors.Is(err, ccr.ErrInvalid))
	// Output:
	// Blue__C-1.pdf <nil>
	// true
}

// Attachments go after their accounts: of the rows that were accepted, under
// the names of the rule, by one call over SFTP.
func ExampleAttachmentNaming_Files() {
	ctx := context.Background()
	vendor, err := accountstest.NewServer(accountstest.Config{})
	if err != nil {
		log.Fatal(err)
	}
	defer vendor.Close()
	gate, err := sftptest.NewServer(sftptest.Config{})
	if err != nil {
		log.Fatal(err)
	}
	defer gate.Close()
	client, err := vendor.Client() // live: accounts.FromEnv()
	if err != nil {
		log.Fatal(err)
	}
	drop, err := sftp.Dial(ctx, gate.Config()) // live: sftp.FromEnv()
	if err != nil {
		log.Fatal(err)
	}
	defer drop.Shutdown(ctx)

	rows := []accounts.Account{
		{ClientReferenceID: "C-1", InvoiceNumber: "I-1", Status: accounts.StatusActive, OutstandingAmount: ccr.AmountFromMinor(1200, 2),
			Debtor: accounts.Party{CompanyName: "Example Pty Ltd"}},
		{ClientReferenceID: "", InvoiceNumber: "I-2"}, // faulty: neither sent nor attached to
	}
	var attachments []files.Attachment
	job := client.SubmitAccounts(accounts.RowsOf(rows...), accounts.SubmitOptions{Name: "nightly", SkipInvalid: true})
	for row, err := range job.Results(ctx) {
		if err != nil {
			log.Fatal(err)
		}
		if row.Sent == accounts.SentAccepted {
			attachments = append(attachments, files.Attachment{
				ClientReferenceID: row.Reference, File: ccr.FileFromBytes("invoice.pdf", []byte("%PDF-1.7 …")),
			})
		}
	}
	named, err := files.AttachmentNaming{}.Files(attachments...)
	if err != nil {
		log.Fatal(err) // each fault by its path: no PDF, too large, a name twice
	}
	sent, err := drop.UploadAll(ctx, named, sftp.UploadOptions{})
	if err != nil {
		log.Fatal(err)
	}
	for _, s := range sent {
		fmt.Println(s.Path)
	}
	// Output: uploads/C-1.pdf
}
