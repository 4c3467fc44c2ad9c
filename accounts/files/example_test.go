package files_test

import (
	"bytes"
	"errors"
	"fmt"
	"log"
	"strings"
	"time"

	"github.com/ccr-sdk/ccr"
	"github.com/ccr-sdk/ccr/accounts"
	"github.com/ccr-sdk/ccr/accounts/files"
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
