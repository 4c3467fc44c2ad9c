package main

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"github.com/ccr-sdk/ccr/gateway/gatewaytest"
)

// bureau is one in the process: it "processes" what was uploaded and makes a
// report wait at each look, as a few days at the real one would.
type bureau struct {
	srv     *gatewaytest.Server
	reports []sample
}

type sample struct{ name, content string }

func startBureau(o *options) (*bureau, error) {
	srv, err := gatewaytest.NewServer(gatewaytest.Config{})
	if err != nil {
		return nil, err
	}
	if o.file == "" {
		var b bytes.Buffer
		b.WriteString("reference,amount,date\r\n") // made up: the real columns are agreed with the bureau
		for i := range 500 {
			fmt.Fprintf(&b, "MANDATE%05d,%d.%02d,2026-11-25\r\n", i, 20+i%80, i%100)
		}
		o.file = filepath.Join(o.reports, "COLLECTIONS_20261121.csv")
		if err := os.WriteFile(o.file, b.Bytes(), 0o600); err != nil {
			srv.Close()
			return nil, err
		}
	}
	return &bureau{srv, samples()}, nil
}

// step goes on to the next day; it reports whether all has come.
func (b *bureau) step() bool {
	if len(b.reports) == 0 {
		return true
	}
	b.srv.AddReport(b.reports[0].name, []byte(b.reports[0].content))
	b.reports = b.reports[1:]
	return false
}

// samples are made-up reports in the form of real ones: of the input, of
// instructions that changed, and of collections that came back.
func samples() []sample {
	lines := func(s ...string) string {
		return "<?xml version = '1.0' encoding = 'UTF-8'?>\r\n<BACSDocument><Data>\r\n" + strings.Join(s, "\r\n") +
			"\r\n</Data><SignatureMethod>Vanilla</SignatureMethod></BACSDocument>\r\n"
	}
	returned := func(ref, code, why, value string) string {
		return fmt.Sprintf(`<ReturnedDebitItem ref="%-18s" transCode="17" returnCode="%s" returnDescription="%s" originalProcessingDate="2026-11-25" valueOf="%s" currency="GBP">`+
			`<PayerAccount number="00000000" ref="%s" name="SAMPLE PERSON" sortCode="00-00-00" bankName="SAMPLE BANK" branchName="SAMPLE BRANCH"/></ReturnedDebitItem>`, ref, code, why, value, ref)
	}
	advice := func(ref, code string) string {
		return fmt.Sprintf(`<MessagingAdvice user-number="123456" record-type="A" effective-date="2026-11-26" reference="%s" payer-name="SAMPLE PERSON" payer-account-number="00000000" payer-sort-code="000000" reason-code="%s" aosn="1"/>`, ref, code)
	}
	return []sample{
		{"123456-24112026-2013-000000001.xml", lines(
			`<InputReport><Header reportNumber="1" reportType="REFT2013"><ProducedOn date="2026-11-24" time="18:04:11"/><ProcessingDate date="2026-11-25"/></Header>`,
			`<Submission><SubmissionInformation submissionReferenceNumber="SAMPLE1" media="BACSTEL-IP" volumeSerialNumber="000001"/>`,
			`<UserFile fileLevelMessage=""><InputUserFile>`,
			`<UserFileInformation userNumber="123456" userName="SAMPLE COMPANY" userFileNumber="001" fileCurrency="GBP" uhl1WorkCode="1 DAILY  " uhl1ProcessingDate="2026-11-25"/>`,
			`<Errors><Error><ErrorItem errorItemType="ORIGINAL RECORD" reference="MANDATE00007" transactionCode="17" currency="GBP" valueOf="27.07"/>`,
			`<ErrorItem errorItemType="RETURNED RECORD" reference="MANDATE00007" transactionCode="17" currency="GBP" valueOf="27.07" errorCode="E"/><ErrorMessage type="REASON"><MessageLine>INVALID DESTINATION SORT CODE</MessageLine></ErrorMessage></Error>`,
			`<TotalNumberOfErrors amendedRecords="0" returnedRecords="1" rejectedRecords="0"/></Errors>`,
			`</InputUserFile></UserFile></Submission></InputReport>`)},
		{"123456-26112026-7001-000000002.xml", lines(
			`<MessagingAdvices><MessagingHeader report-type="REFT7001" advice-type="ADDACS" user-number="123456" user-name="SAMPLE COMPANY" report-generation-date="2026-11-26"/>`,
			`<AddresseeInformation name="SAMPLE COMPANY"/>`,
			advice("MANDATE00011", "1"), advice("MANDATE00042", "B"), `</MessagingAdvices>`)},
		{"123456-27112026-1016-000000003.xml", lines(
			`<ARUDD><Header reportType="REFT1019" adviceNumber="3" currentProcessingDate="2026-11-27"/><AddresseeInformation name="SAMPLE COMPANY"/>`,
			`<ServiceLicenseInformation userName="SAMPLE COMPANY" userNumber="123456"/><Advice><OriginatingAccountRecords><OriginatingAccountRecord>`,
			`<OriginatingAccount name="SAMPLE COMPANY" number="00000000" sortCode="00-00-00" type="0" bankName="SAMPLE BANK" branchName="SAMPLE BRANCH"/>`,
			returned("MANDATE00003", "0128", "REFER TO PAYER", "23.03"), returned("MANDATE00019", "0128", "REFER TO PAYER", "39.19"),
			returned("MANDATE00056", "1012", "INSTRUCTION CANCELLED", "76.56"), returned("MANDATE00301", "B012", "ACCOUNT CLOSED", "81.01"),
			`<Totals numberOf="4" valueOf="219.79" currency="GBP"/></OriginatingAccountRecord></OriginatingAccountRecords></Advice></ARUDD>`)},
	}
}
