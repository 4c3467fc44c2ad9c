package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"

	"github.com/ccr-sdk/ccr"
	"github.com/ccr-sdk/ccr/gateway"
	"github.com/ccr-sdk/ccr/gateway/bacs"
	"github.com/ccr-sdk/ccr/gateway/gatewaytest"
)

// runGateway uploads a collections file, then receives the waiting reports.
func runGateway(ctx context.Context, o options, r *section) error {
	client, bureau, err := connectGateway(o)
	if err != nil {
		return err
	}
	file := inputFile(o.collections, "collections.csv")
	if bureau != nil {
		defer bureau.Close()
	}
	r.say("uploading %s", inputName(o.collections, "collections.csv"))
	sent, err := client.Upload(ctx, gateway.UploadRequest{Files: []ccr.File{file}})
	if err != nil {
		return err
	}
	up := sent.Files[0]
	r.addf("uploaded", "%s, %d bytes: %s", up.Name, up.Size, up.State)

	report, content := sampleReport()
	if bureau != nil { // the bureau has processed it, and an Input report waits
		if got, ok := bureau.Uploaded(up.Name); !ok || int64(len(got)) != up.Size {
			return fmt.Errorf("the bureau has %d bytes of %s", len(got), up.Name)
		}
		bureau.AddReport(report, content)
	}
	received, err := client.Receive(ctx, ccr.DirSink(filepath.Join(o.out, "reports")), gateway.ReceiveOptions{Progress: r.follow})
	if err != nil {
		return err
	}
	for _, item := range received {
		r.addf("received", "%s, %d bytes: %s", item.Name, item.Size, item.State)
		if err := describeReport(r, item); err != nil {
			return err
		}
	}
	if bureau == nil {
		return nil
	}
	if len(received) != 1 || received[0].State != ccr.Delivered || received[0].Size != int64(len(content)) {
		return fmt.Errorf("one report was waiting, %d were received", len(received))
	}
	if !slices.Equal(bureau.Archived(), []string{report}) || len(bureau.Waiting()) != 0 {
		return fmt.Errorf("the report was not archived at the bureau")
	}
	r.add("archived", "1 report at the bureau, after it was safe here")
	return nil
}

// connectGateway returns a client of the real bureau, or of one made here.
func connectGateway(o options) (*gateway.Client, *gatewaytest.Server, error) {
	app := ccr.WithApplication("ccr-quickstart", ccr.Version)
	if o.live != "" {
		client, err := gateway.FromEnv(app)
		return client, nil, err
	}
	bureau, err := gatewaytest.NewServer(gatewaytest.Config{})
	if err != nil {
		return nil, nil, err
	}
	client, err := bureau.Client(app)
	return client, bureau, err
}

// sampleReport is an Input report as Bacs writes them: one debit was returned.
func sampleReport() (name string, content []byte) {
	var b bytes.Buffer
	line := func(format string, args ...any) { fmt.Fprintf(&b, format+"\r\n", args...) }
	line(`<?xml version = '1.0' encoding = 'UTF-8'?>`)
	line(`<BACSDocument><Data><InputReport>`)
	line(`<Header reportNumber="1" reportType="REFT2013"><ProducedOn date="2026-11-24" time="18:04:11"/><ProcessingDate date="2026-11-25"/></Header>`)
	line(`<Submission><SubmissionInformation submissionReferenceNumber="SAMPLE1" media="BACSTEL-IP" volumeSerialNumber="000001"/>`)
	line(`<UserFile fileLevelMessage=""><InputUserFile>`)
	line(`<UserFileInformation userNumber="123456" userName="SAMPLE COMPANY" userFileNumber="001" fileCurrency="GBP" uhl1WorkCode="1 DAILY  " uhl1ProcessingDate="2026-11-25"/>`)
	line(`<DaySection><DaySectionRecord dayRef="1" recordDate="2026-11-24" processingDate="2026-11-25"><Debit numberOf="480" currency="GBP" valueOf="61230.55"/></DaySectionRecord></DaySection>`)
	line(`<Errors><Error><ErrorItem errorItemType="ORIGINAL RECORD" reference="MANDATE00007" transactionCode="17" currency="GBP" valueOf="88.41"><DestinationAccount number="00000000" name="SAMPLE PERSON" sortCode="000000" type="0"/></ErrorItem>`)
	line(`<ErrorItem errorItemType="RETURNED RECORD" reference="MANDATE00007" transactionCode="17" currency="GBP" valueOf="88.41" errorCode="E"/><ErrorMessage type="REASON"><MessageLine>INVALID DESTINATION SORT CODE</MessageLine></ErrorMessage></Error>`)
	line(`<TotalNumberOfErrors amendedRecords="0" returnedRecords="1" rejectedRecords="0"/></Errors>`)
	line(`</InputUserFile></UserFile></Submission></InputReport></Data><SignatureMethod>Vanilla</SignatureMethod></BACSDocument>`)
	return "123456-24112026-2013-000000001.xml", b.Bytes()
}

// describeReport says what a Bacs report is about, without personal data.
func describeReport(r *section, item ccr.Received) error {
	if item.Location == "" {
		return nil
	}
	f, err := os.Open(item.Location)
	if err != nil {
		return err
	}
	defer f.Close()
	report, err := bacs.Parse(f)
	if errors.Is(err, bacs.ErrNotXML) {
		return nil // kept as it is
	}
	if err != nil {
		return err
	}
	r.addf("report", "%s", report)
	for _, file := range report.Files {
		r.addf("", "%s", file.Verdict())
	}
	return nil
}
