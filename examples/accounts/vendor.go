package main

import (
	"bytes"
	"fmt"
	"io"

	"github.com/ccr-sdk/ccr"
	"github.com/ccr-sdk/ccr/accounts"
	"github.com/ccr-sdk/ccr/accounts/accountstest"
	"github.com/ccr-sdk/ccr/accounts/files"
)

// startVendor starts a Credit Clear in the process that takes offence at two
// of the made-up accounts.
func startVendor() (*accountstest.Server, error) {
	srv, err := accountstest.NewServer(accountstest.Config{Looks: 3})
	if err != nil {
		return nil, err
	}
	return srv.FailItem("C-000013", "the e-mail address is not one").FailItem("C-001313", "the mobile number is not one"), nil
}

// madeUp writes a Debtor Accounts file of accounts that nobody has.
func madeUp(n int) (io.Reader, error) {
	var file bytes.Buffer
	w, err := files.NewAccountWriter(&file, files.WriteOptions{})
	if err != nil {
		return nil, err
	}
	for i := 1; i <= n; i++ {
		if err := w.Write(accounts.Account{
			ClientReferenceID: fmt.Sprintf("C-%06d", i), Status: accounts.StatusActive, InvoiceNumber: fmt.Sprintf("INV-%06d", i),
			OutstandingAmount: ccr.AmountFromMinor(int64(i)*7919%100_000+100, 2), DueDate: ccr.Date{Year: 2026, Month: 12, Day: 1 + i%28},
			Debtor: accounts.Party{FirstName: "Made", LastName: fmt.Sprintf("Up %d", i), Email: fmt.Sprintf("made-up-%d@example.com", i)},
		}); err != nil {
			return nil, err
		}
	}
	return &file, w.Close()
}
