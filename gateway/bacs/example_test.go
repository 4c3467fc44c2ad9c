package bacs_test

import (
	"bytes"
	"fmt"
	"io"
	"log"
	"strings"

	"github.com/ccr-sdk/ccr"
	"github.com/ccr-sdk/ccr/ccrtest/bacssample"
	"github.com/ccr-sdk/ccr/gateway/bacs"
)

// The documents here are made up.
const arudd = `<?xml version = '1.0' encoding = 'ISO-8859-1'?>
<BACSDocument><Data><ARUDD>
<Header reportType="REFT1019" adviceNumber="417" currentProcessingDate="2031-03-17"/>
<ServiceLicenseInformation userName="EXAMPLE COLLECTIONS LTD" userNumber="901234"/>
<Advice><OriginatingAccountRecords><OriginatingAccountRecord>
<OriginatingAccount name="EXAMPLE COLLECTIONS" number="10000001" sortCode="08-64-00"/>
<ReturnedDebitItem ref="LOAN-0001         " transCode="17" returnCode="0128" returnDescription="REFER TO PAYER" originalProcessingDate="2031-03-14" valueOf="1,020.50" currency="GBP">
<PayerAccount number="10000009" name="A N OTHER" sortCode="08-64-21"/></ReturnedDebitItem>
<ReturnedDebitItem ref="LOAN-0002         " transCode="17" returnCode="1012" returnDescription="INSTRUCTION CANCELLED" originalProcessingDate="2031-03-14" valueOf="£75.00" currency="GBP"/>
<Totals numberOf="2" valueOf="1,095.50" currency="GBP"/>
</OriginatingAccountRecord></OriginatingAccountRecords></Advice>
</ARUDD></Data><SignatureMethod>Vanilla</SignatureMethod></BACSDocument>`

const input = `<?xml version = '1.0' encoding = 'UTF-8'?>
<BACSDocument><Data><InputReport><Header reportNumber="55" reportType="REFT2013"/><Submission><UserFile fileLevelMessage=""><InputUserFile>
<UserFileInformation userNumber="901234" userFileNumber="001" uhl1ProcessingDate="2031-03-17"/>
<Errors><Error>
<ErrorItem errorItemType="ORIGINAL RECORD" reference="LOAN-0003" valueOf="10.00"/>
<ErrorItem errorItemType="RETURNED RECORD" reference="LOAN-0003" valueOf="10.00" errorCode="E"/>
</Error><TotalNumberOfErrors amendedRecords="0" returnedRecords="1" rejectedRecords="0"/></Errors>
<InputReportSummary><AgreementOfFileTotals><DebitEntry>
<AcceptedRecords numberOf="3" valueOf="30.00"/><RejectedRecords numberOf="0" valueOf="0.00"/>
</DebitEntry></AgreementOfFileTotals></InputReportSummary>
</InputUserFile></UserFile></Submission></InputReport></Data></BACSDocument>`

func ExampleParse() {
	report, err := bacs.Parse(strings.NewReader(arudd))
	if err != nil {
		log.Fatal(err)
	}
	if err := report.Err(); err != nil {
		log.Print(err) // a value could not be read
	}
	fmt.Println(report)
	for _, item := range report.Returns {
		fmt.Println(item.Reference, item.Amount, item.OriginalDate)
		fmt.Println("  ", item.Reason())
		fmt.Println("  ", item.Reason().Action)
	}
	fmt.Println("totals agree:", report.ReturnTotals[0].Agree())
	// Output:
	// ARUDD report, service user 901234, 2 returned debits
	// LOAN-0001 1020.50 2031-03-14
	//    ARUDD 0128: refer to payer; mostly there was not enough money in the account (inferred)
	//    Talk to the payer. The same amount may be collected again within a month as a re-presentation (transaction code 18).
	// LOAN-0002 75.00 2031-03-14
	//    ARUDD 1012: the instruction has been cancelled (inferred)
	//    Stop collecting under this instruction. Ask the payer how they will pay. A new instruction is needed before anything else is collected.
	// totals agree: true
}

// A report of any length is read in constant memory.
func ExampleNewReader() {
	reader, err := bacs.NewReader(strings.NewReader(arudd))
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(reader.Kind(), "number", reader.Header().Number, "for", reader.Header().ServiceUser.Number)
	for record, err := range reader.All() {
		if err != nil {
			log.Fatal(err) // what came before it is real, the report is not whole
		}
		switch record := record.(type) {
		case *bacs.ReturnedDebit:
			fmt.Println("returned:", record.Reference)
		case *bacs.ReturnTotals:
			fmt.Println("totals:", record.Count, record.Amount, record.Agree())
		case *bacs.Other:
			fmt.Println("not known:", record.Path)
		}
	}
	// Output:
	// ARUDD number 417 for 901234
	// returned: LOAN-0001
	// returned: LOAN-0002
	// totals: 2 1095.50 true
}

func ExampleItems() {
	reader, err := bacs.NewReader(strings.NewReader(arudd))
	if err != nil {
		log.Fatal(err)
	}
	for item, err := range bacs.Items[*bacs.ReturnedDebit](reader) {
		if err != nil {
			log.Fatal(err)
		}
		fmt.Println(item.Reference, item.Amount)
	}
	// Output:
	// LOAN-0001 1020.50
	// LOAN-0002 75.00
}

// One table for all kinds of report.
func ExampleReport_Reasoned() {
	for _, doc := range []string{arudd, input} {
		report, err := bacs.Parse(strings.NewReader(doc))
		if err != nil {
			log.Fatal(err)
		}
		for item := range report.Reasoned() {
			a := item.Affected()
			fmt.Printf("%-6s %-10s %8s  %s\n", a.Report, a.Reference, a.Amount, a.Reason.Meaning)
		}
	}
	// Output:
	// ARUDD  LOAN-0001   1020.50  refer to payer; mostly there was not enough money in the account
	// ARUDD  LOAN-0002     75.00  the instruction has been cancelled
	// Input  LOAN-0003     10.00  the destination sort code is invalid
}

// An item was returned although RejectedRecords is 0.
func ExampleInputFile_Verdict() {
	report, err := bacs.Parse(strings.NewReader(input))
	if err != nil {
		log.Fatal(err)
	}
	file := report.Files[0]
	fmt.Println("rejected, by the summary:", file.SummaryRejected)
	fmt.Println(file.Verdict())
	// Output:
	// rejected, by the summary: 0
	// 0 amended, 1 returned, 0 rejected, 1 errors listed, clean: false
}

// A report is checked for its end while it is received.
func ExampleRootCheck() {
	for _, received := range []string{arudd, arudd[:500], "reference,amount\r\n"} {
		var check bacs.RootCheck
		if _, err := io.Copy(&check, strings.NewReader(received)); err != nil {
			log.Fatal(err)
		}
		isXML, closed := check.Whole()
		fmt.Println("XML:", isXML, "whole:", closed)
	}
	// Output:
	// XML: true whole: true
	// XML: true whole: false
	// XML: false whole: false
}

func ExampleLookupReason() {
	for _, report := range []bacs.Kind{bacs.KindARUDD, bacs.KindADDACS, bacs.KindAUDDIS} {
		if reason, known := bacs.LookupReason(report, "D"); known {
			fmt.Println(reason)
		} else {
			fmt.Println(report, "has no code D")
		}
	}
	// Output:
	// ARUDD has no code D
	// ADDACS D: the payer disputes the advance notice
	// AUDDIS has no code D
}

func ExampleParseName() {
	hints, ok := bacs.ParseName("123456-01012024-2013-123456789.xml")
	fmt.Println(ok, hints.ServiceUser, hints.Date, hints.TypeNumber, hints.Kind, hints.Serial)
	// Output:
	// true 123456 2024-01-01 2013 Input 123456789
}

// A report of a kind that nobody has described is read as it is.
func ExampleOther() {
	doc := `<BACSDocument><Data><ArrivalReport number="12"><Arrived at="11:00"/></ArrivalReport></Data></BACSDocument>`
	reader, err := bacs.NewReader(strings.NewReader(doc))
	if err != nil {
		log.Fatal(err)
	}
	for other, err := range bacs.Items[*bacs.Other](reader) {
		if err != nil {
			log.Fatal(err)
		}
		fmt.Print(other.Path)
		for _, a := range other.Raw.Attrs {
			fmt.Print(" ", a.Name, "=", a.Value)
		}
		fmt.Println()
	}
	// Output:
	// BACSDocument/Data
	// BACSDocument/Data/ArrivalReport number=12
	// BACSDocument/Data/ArrivalReport/Arrived at=11:00
}

// One decision for each payer, from all reports together.
func ExampleCalendar_Worklist() {
	var reports []*bacs.Report
	for _, sample := range bacssample.Of("ARUDD", "ADDACS", "DDIC") {
		report, err := bacs.Parse(bytes.NewReader(sample.Data))
		if err != nil {
			log.Fatal(err)
		}
		reports = append(reports, report)
	}
	var calendar bacs.Calendar
	for _, decision := range calendar.Worklist(reports...)[1:] {
		fmt.Println(decision.Reference)
		for _, step := range decision.Steps {
			fmt.Println("  ", step.Do, "by", step.Deadline.By)
			for _, e := range step.Because {
				fmt.Println("     ", e)
			}
		}
		if decision.Reference == "LOAN-000001" {
			break
		}
	}
	// Output:
	// LOAN-000001
	//    stop collecting by 2026-03-20
	//       DDIC 4: the payer had cancelled the instruction with the service user; record 2 of report
	//       ARUDD 0128: refer to payer; mostly there was not enough money in the account (inferred); record 1 of report 417
	//       ADDACS 1: the payer has cancelled the instruction; record 1 of report 33
	//    refund taken by 2026-03-25
	//       DDIC 4: the payer had cancelled the instruction with the service user; record 2 of report
}

func ExampleCalendar_EarliestCollection() {
	var calendar bacs.Calendar
	cycle := calendar.EarliestCollection(ccr.Date{Year: 2026, Month: 3, Day: 26}, bacs.NoticeDays)
	fmt.Println("submit by", cycle.Input, "to collect on", cycle.Entry)
	// Output:
	// submit by 2026-04-09 to collect on 2026-04-13
}

// A table of what came back, without the payers' references.
func ExampleReport_Rows() {
	report, err := bacs.Parse(strings.NewReader(arudd))
	if err != nil {
		log.Fatal(err)
	}
	for _, r := range report.Rows(bacs.RowOptions{File: "arudd.xml"}) {
		fmt.Println(r.File, r.Record, r.Kind, r.Reference, r.Amount, r.Currency, r.Date, r.Code, r.By)
	}
	// Output:
	// arudd.xml 1 ARUDD ******001 1020.50 GBP 2031-03-14 0128 2031-04-08
	// arudd.xml 2 ARUDD ******002 75.00 GBP 2031-03-14 1012
}
