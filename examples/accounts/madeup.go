package main

import (
	"bytes"
	"encoding/csv"
	"fmt"
	"strconv"
	"strings"

	"golang.org/x/text/encoding/charmap"

	"github.com/ccr-sdk/ccr/accounts/files"
)

// failing are rows that the vendor in the process fails.
var failing = [2]int{13, 1313}

// badRows is how many rows of the made-up file are bad.
const badRows = 60

func reference(row int) string { return fmt.Sprintf("C-%06d", row) }

// madeUpOptions say how the made-up file is read.
func madeUpOptions() files.ReadOptions {
	return files.ReadOptions{
		File: "made-up.csv", DecimalComma: true, DateLayout: "02/01/2006", IgnoreUnknown: true, Unique: true,
		Headers: map[string]string{
			"ClientReference": "Konto", "InvoiceNumber": "Rechnung", "OutstandingAmount": "Offener Betrag", "DueDate": "Fällig am",
			"FirstName": "Vorname", "LastName": "Nachname", "Email": "E-Mail", "MobileNumber": "Mobil", "CustomData1": "Notiz",
		},
	}
}

// madeUp makes a file of n accounts that nobody has, as an export of another
// system has them: Windows-1252, semicolons, headers of its own, decimal
// commas, and notes of two lines. Some rows are bad. The second file is what
// must become of each row: its number, line, reference, whether it is
// accepted, what becomes of it, and the members that are at fault.
func madeUp(n int) (file, expected *bytes.Buffer, err error) {
	file, expected = new(bytes.Buffer), new(bytes.Buffer)
	out, want := csv.NewWriter(charmap.Windows1252.NewEncoder().Writer(file)), csv.NewWriter(expected)
	out.Comma, out.UseCRLF = ';', true
	write := func(w *csv.Writer, record ...string) {
		if err == nil {
			err = w.Write(record)
		}
	}
	write(out, "Konto", "Rechnung", "Offener Betrag", "Fällig am", "Status", "Vorname", "Nachname", "E-Mail", "Mobil", "Notiz", "Kostenstelle")
	line := 2
	for i := 1; i <= n; i++ {
		cells := []string{
			reference(i), fmt.Sprintf("IN-%06d", i), fmt.Sprintf("%d.%03d,%02d", 1+i%9, i%1000, i%100), fmt.Sprintf("%02d/12/2026", 1+i%28), "Active",
			"Zoë", fmt.Sprintf("Müller “%d”; €", i), fmt.Sprintf("made-up-%d@example.com", i), "0491 570 156", "", "AU-7",
		}
		sent, processed, faults := "accepted", "succeeded", ""
		switch {
		case i == failing[0] || i == failing[1]:
			processed = "failed"
		case n >= badRows && i%(n/badRows) == 0 && i/(n/badRows) <= badRows:
			sent, processed, faults = "invalid", "", spoil(cells, i/(n/badRows)%6)
		case i%100 == 33: // there is no such invoice to close
			cells[4], processed = "Closed", "ignored"
		}
		lines := 1
		if i%7 == 0 {
			cells[9], lines = "first line\nsecond line", 2
		}
		write(out, cells...)
		write(want, strconv.Itoa(i), strconv.Itoa(line), cells[0], sent, processed, faults)
		line += lines
	}
	out.Flush()
	want.Flush()
	return file, expected, err
}

// spoil makes a row bad, and returns the members that are at fault.
func spoil(cells []string, how int) string {
	switch how {
	case 0:
		cells[3] = "31/02/2026"
		return "dueDate"
	case 1:
		cells[0] = ""
		return "clientReferenceId"
	case 2:
		cells[0] += strings.Repeat("x", 151-len(cells[0]))
		return "clientReferenceId"
	case 3:
		cells[2] = "-12,50"
		return "outstandingAmount"
	case 4:
		cells[2], cells[3] = "n/a", "soon"
		return "outstandingAmount dueDate"
	default:
		cells[0] = reference(1) // that row has it
		return "clientReferenceId"
	}
}
