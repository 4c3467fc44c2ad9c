package main

import (
	"encoding/csv"
	"errors"
	"fmt"
	"io"

	"github.com/ccr-sdk/ccr"
	"github.com/ccr-sdk/ccr/accounts"
)

// readAccounts reads the columns of the standard input file that the sample has.
func readAccounts(r io.Reader) ([]accounts.Account, error) {
	in := csv.NewReader(r)
	header, err := in.Read()
	if err != nil {
		return nil, fmt.Errorf("read header: %w", err)
	}
	var rows []accounts.Account
	for {
		record, err := in.Read()
		if errors.Is(err, io.EOF) {
			return rows, nil
		}
		if err != nil {
			return nil, err
		}
		var a accounts.Account
		for i, name := range header {
			if err := setColumn(&a, name, record[i]); err != nil {
				return nil, fmt.Errorf("row %d, column %s: %w", len(rows)+2, name, err)
			}
		}
		rows = append(rows, a)
	}
}

func setColumn(a *accounts.Account, name, v string) (err error) {
	if v == "" {
		return nil
	}
	switch name {
	case "ClientReference":
		a.ClientReferenceID = v
	case "Brand":
		a.Brand = &v
	case "Portfolio":
		a.Portfolio = &v
	case "Status":
		a.Status = accounts.Status(v)
	case "InvoiceNumber":
		a.InvoiceNumber = &v
	case "Reference":
		a.Reference = &v
	case "OutstandingAmount":
		a.OutstandingAmount, err = ccr.ParseAmount(v)
	case "DueDate":
		a.DueDate, err = ccr.ParseDate(v)
	case "FirstName":
		a.Debtor.FirstName = &v
	case "LastName":
		a.Debtor.LastName = &v
	case "Email":
		a.Debtor.Email = &v
	case "MobileNumber":
		a.Debtor.MobileNumber = &v
	}
	return err
}
