package bacs

import (
	"fmt"
	"io"
	"strings"
)

// The fixtures are made here, from the lists of fields that are publicly
// known; no report of anybody was copied. Every value that would be personal
// data in a real report holds one of the marks below, so that tests can look
// for what must not be printed.
const (
	markName    = "ZELIE-MARQUE" // in names
	markAccount = "73519"        // in account numbers
	markRef     = "QREF"         // in references
	markAmount  = "9317"         // in amounts
	markSort    = "0864"         // in sort codes
)

var marks = []string{markName, markAccount, markRef, markAmount, markSort, "Zoë", "08-64"}

// node is an element of a fixture.
type node struct {
	name  string
	attrs []string // name, value, name, value …
	kids  []node
	text  string
}

func el(name string, attrs ...string) node { return node{name: name, attrs: attrs} }

func (n node) with(kids ...node) node  { n.kids = append(n.kids, kids...); return n }
func (n node) saying(text string) node { n.text = text; return n }

// style is how a document is written.
type style struct {
	declaration string // whole; empty for none
	latin1      bool   // encode as ISO-8859-1, whatever the declaration says
	bom         bool
	eol         string // "" for CRLF
	quote       string // "" for "
	flat        bool   // no blanks between elements
}

const (
	declUTF8     = `<?xml version = '1.0' encoding = 'UTF-8'?>`
	declLatin1   = `<?xml version="1.0" encoding="ISO-8859-1"?>`
	declSpaced88 = `<?xml version = '1.0' encoding = 'ISO-8859-1' ?>`
)

var (
	styleUTF8   = style{declaration: declUTF8}
	styleLatin1 = style{declaration: declSpaced88, latin1: true}
)

var escapeAttr = strings.NewReplacer("&", "&amp;", "<", "&lt;", `"`, "&quot;", "'", "&apos;")

func (n node) write(b *strings.Builder, st style, indent string) {
	eol, quote := st.eol, st.quote
	if eol == "" {
		eol = "\r\n"
	}
	if quote == "" {
		quote = `"`
	}
	if st.flat {
		eol, indent = "", ""
	}
	b.WriteString(indent + "<" + n.name)
	for i := 0; i < len(n.attrs); i += 2 {
		b.WriteString(" " + n.attrs[i] + "=" + quote + escapeAttr.Replace(n.attrs[i+1]) + quote)
	}
	if len(n.kids) == 0 && n.text == "" {
		b.WriteString("/>" + eol)
		return
	}
	b.WriteString(">" + escapeAttr.Replace(n.text))
	if len(n.kids) > 0 {
		b.WriteString(eol)
		for _, k := range n.kids {
			k.write(b, st, indent+"   ")
		}
		b.WriteString(indent)
	}
	b.WriteString("</" + n.name + ">" + eol)
}

// render writes a document.
func (n node) render(st style) []byte {
	var b strings.Builder
	if st.bom {
		b.WriteString("\ufeff")
	}
	b.WriteString(st.declaration)
	if st.declaration != "" && !st.flat {
		b.WriteString("\r\n")
	}
	n.write(&b, st, "")
	if !st.latin1 {
		return []byte(b.String())
	}
	return latin1(b.String())
}

func latin1(s string) []byte {
	var out []byte
	for _, r := range s {
		if r > 0xff {
			panic("not in ISO-8859-1")
		}
		out = append(out, byte(r))
	}
	return out
}

// bacsDocument wraps the data the way all reports of the first family are.
func bacsDocument(schema string, data ...node) node {
	root := el("BACSDocument")
	if schema != "" {
		root = el("BACSDocument", "xmlns:xsi", "http://www.w3.org/2001/XMLSchema-instance", "xsi:noNamespaceSchemaLocation", schema)
	}
	return root.with(
		el("Data").with(data...),
		el("SignatureMethod").saying("\r\nVanilla\r\n"),
		el("Signature").saying("bm90IGEgc2lnbmF0dXJl\r\nb2YgYW55Ym9keQ==\r\n"),
	)
}

// returnedItem is one ReturnedDebitItem; n makes it differ from others.
func returnedItem(n int, code, description string) node {
	return el("ReturnedDebitItem",
		"ref", fmt.Sprintf("%s%06d       ", markRef, n), "transCode", "17", "returnCode", code, "returnDescription", description,
		"originalProcessingDate", "2031-03-14", "valueOf", fmt.Sprintf("%s.%02d", markAmount, n%100), "currency", "GBP",
	).with(el("PayerAccount",
		"number", fmt.Sprintf("%s%03d", markAccount, n%1000), "ref", "PAYER REF        ", "name", "Zoë "+markName+" & SON  ",
		"sortCode", "08-64-21", "bankName", "EXAMPLE BANK PLC", "branchName", "NOWHERE"))
}

func aruddHead() []node {
	return []node{
		el("Header", "reportType", "REFT1019", "adviceNumber", "417", "currentProcessingDate", "2031-03-17"),
		el("AddresseeInformation", "name", "EXAMPLE COLLECTIONS LTD     "),
		el("ServiceLicenseInformation", "userName", "EXAMPLE COLLECTIONS LTD", "userNumber", "901234"),
	}
}

func originator() node {
	return el("OriginatingAccount", "name", "EXAMPLE COLLECTIONS", "number", "10000001", "sortCode", "08-64-00",
		"type", "0", "bankName", "EXAMPLE BANK PLC", "branchName", "NOWHERE")
}

func fixtureARUDD() node {
	second := originator()
	second.attrs[3] = "10000002"
	return bacsDocument("newbacs-advices.xsd", el("ARUDD").with(aruddHead()...).with(
		el("Advice").with(el("OriginatingAccountRecords").with(
			el("OriginatingAccountRecord").with(
				originator(),
				returnedItem(1, "1012", "INSTRUCTION CANCELLED"),
				returnedItem(2, "0128", "REFER TO PAYER"),
				el("Totals", "numberOf", "2", "valueOf", "18,634.03", "currency", "GBP"),
			),
			el("OriginatingAccountRecord").with(
				second,
				returnedItem(3, "B", "ACCOUNT CLOSED"),
				el("Totals", "numberOf", "1", "valueOf", "£9317.03", "currency", "GBP"),
			),
		)),
	))
}

func messagingHeader(attrs ...string) node {
	return el("MessagingHeader", append([]string{
		"user-number", "901234", "user-name", "EXAMPLE COLLECTIONS LTD", "report-generation-date", "2031-03-17",
	}, attrs...)...)
}

func messaging(kids ...node) node {
	return bacsDocument("newbacs-advices.xsd", el("MessagingAdvices").with(kids...))
}

func addressee() node {
	return el("AddresseeInformation", "name", "EXAMPLE COLLECTIONS LTD", "address1", "1 NO STREET", "address2", "", "address3", "NOWHERE")
}

func fixtureADDACS() node {
	return messaging(
		messagingHeader("report-type", "7001", "advice-type", "ADDACS", "document-number", "33", "stream-identifier", "01",
			"envelope-sequence-number", "7", "subject-first-aosn", "1", "subject-last-aosn", "3", "reprint-indicator", "N"),
		addressee(),
		el("MessagingAdvice", "user-number", "901234", "record-type", "A", "effective-date", "2031-03-18", "reference", markRef+"000001   ",
			"payer-name", markName+" A      ", "payer-account-number", markAccount+"001", "payer-sort-code", "086421", "reason-code", "0", "aosn", "1"),
		el("MessagingAdvice", "user-number", "901234", "record-type", "A", "effective-date", "2031-03-18", "reference", markRef+"000002",
			"payer-name", "Zoë "+markName, "payer-account-number", markAccount+"002", "payer-sort-code", "086421", "reason-code", "3", "aosn", "2",
			"payer-new-sort-code", "086499", "payer-new-account-number", markAccount+"992", "due-date", "2031-04-01"),
		el("MessagingAdvice", "user-number", "901234", "record-type", "A", "effective-date", "2031-03-18", "reference", markRef+"000003",
			"payer-name", markName, "payer-account-number", markAccount+"003", "payer-sort-code", "086421", "reason-code", "?", "aosn", "3"),
	)
}

func fixtureAUDDIS() node {
	advice := func(kind, code string) node {
		return el("MessagingAdvice", "record-type", kind, "reference", markRef+kind+"00001 ", "reason-code", code, "effective-date", "2031-03-19",
			"payer-name", "Zoë "+markName, "payer-reference", markRef+" P", "payer-sort-code", "086421", "payer-account-number", markAccount+"004")
	}
	return messaging(
		messagingHeader("report-type", "7002", "advice-type", "AUDDIS", "document-number", "34"),
		addressee(), advice("N", "5"), advice("D", "6"), advice("S", "C"),
	)
}

// fillers are what AUDACC and AUDREJ reports have in unused fields.
func fillers() []node {
	return []node{el("AddresseeInformation", "address1", "0", "address2", "0", "address3", "0", "address4", "0", "address5", "0", "name", "0")}
}

func fixtureAUDACC() node {
	return messaging(
		messagingHeader("report-type", "7003", "advice-type", "AUDACC", "document-number", "0", "stream-identifier", "0",
			"envelope-sequence-number", "0", "subject-first-aosn", "0", "subject-last-aosn", "0", "reprint-indicator", "0"),
	).inside("MessagingAdvices", append(fillers(),
		el("MessagingAdvice", "user-number", "901234", "record-type", "V", "aosn", "1", "processing-date", "2031-03-18", "originator-file-number", "021",
			"work-code", "1 DAILY  ", "file-type", "LIVE", "accepted-ddi", "12", "rejected-ddi", "0", "vol-serial-number", "000021", "file-error-code", "0"),
		el("MessagingError", "line1", "0", "line2", "0", "line3", "0"),
	)...)
}

func fixtureAUDREJ() node {
	return messaging(
		messagingHeader("report-type", "7004", "advice-type", "AUDREJ", "document-number", "0", "stream-identifier", "0"),
	).inside("MessagingAdvices", append(fillers(),
		el("MessagingAdvice", "user-number", "901234", "record-type", "R", "aosn", "1", "processing-date", "2031-03-18", "originator-file-number", "022",
			"work-code", "1 DAILY", "file-type", "LIVE", "accepted-ddi", "0", "rejected-ddi", "4", "vol-serial-number", "000022", "file-error-code", "30999"),
		el("MessagingError", "line1", "The service user may not send this", "line2", "0"),
	)...)
}

// inside adds children to the first element of a name.
func (n node) inside(name string, kids ...node) node {
	if n.name == name {
		return n.with(kids...)
	}
	for i := range n.kids {
		n.kids[i] = n.kids[i].inside(name, kids...)
	}
	return n
}

func fixtureAWACS() node {
	return messaging(
		messagingHeader("advice-type", "AWACS"),
		el("MessagingAdvice", "record-type", "W", "reference", markRef+"W00001", "reason-code", "3",
			"payer-new-sort-code", "08-64-99", "payer-new-account-number", markAccount+"993"),
	)
}

func fixtureDDIC() node {
	field := func(name, text string) node { return el(name).saying(text) }
	claim := func(name, seq, ref, code, amount string, collections ...node) node {
		return el(name).with(
			field("SeqNo", seq), field("PayingBankReference", "PBR"+seq), field("SUReference", ref), field("ReasonCode", code),
			field("ReasonCodeMeaning", "in the bank's words"), field("PayerSortCode", "086421"), field("PayerAccount", markAccount+"00"+seq),
			field("PayerName", "Zoë "+markName+"  "), field("TotalAmount", amount), el("DDCollections").with(collections...),
		)
	}
	collection := func(date, amount string) node {
		return el("DDCollection").with(field("DateOfDirectDebit", date), field("Amount", amount))
	}
	return el("VocaDocument").with(el("Data").with(el("Document").with(
		field("ServiceUserNumber", "901234"),
		el("NewAdvices").with(
			field("TotalValueOfDebits", "19,317.50"), field("DateOfDebit", "2031-04-02"),
			claim("DDICAdvice", "1", markRef+"000001 ", "2", "19,317.00", collection("2031-01-02", "9,317.00"), collection("2031-02-02", "10,000.00")),
			claim("DDICAdvice", "2", "", "8", "0.50", collection("2031-02-03", "0.50")),
		),
		el("Cancellations").with(
			field("TotalValueOfCancellations", "9317.00"),
			claim("DDICCancellation", "3", markRef+"000003", "7", "9317.00", collection("2030-12-02", "9317.00")),
		),
	)))
}

func entry(name, count, value string, kids ...node) node {
	return el(name, "numberOf", count, "currency", "GBP", "valueOf", value).with(kids...)
}

func both(name string) node {
	return el(name).with(
		entry("Credit", "1", "9317.00", entry("Contra", "0", "0.00")),
		entry("Debit", "3", "9317.10", entry("Contra", "1", "9317.10")),
	)
}

func inputError(original, outcome, code, message string, lines ...string) node {
	item := func(kind, code string) node {
		n := el("ErrorItem", "errorItemType", kind, "reference", markRef+"000009 ", "transactionCode", "17", "currency", "GBP", "valueOf", markAmount+".00")
		if code != "" {
			n.attrs = append(n.attrs, "errorCode", code)
		}
		return n.with(
			el("OriginatingAccount", "number", "10000001", "ref", "X", "name", "EXAMPLE COLLECTIONS", "sortCode", "086400"),
			el("DestinationAccount", "number", markAccount+"009", "name", "Zoë "+markName, "sortCode", "086421", "type", "0"),
		)
	}
	text := el("ErrorMessage", "type", message)
	for _, line := range lines {
		text = text.with(el("MessageLine").saying(line))
	}
	return el("Error").with(item(original, ""), item(outcome, code), text)
}

func inputFile(number string, kids ...node) node {
	return el("UserFile", "fileLevelMessage", "").with(el("InputUserFile").with(
		el("UserFileInformation", "userNumber", "901234", "userName", "EXAMPLE COLLECTIONS", "userFileNumber", number, "sequenceNumber", "1",
			"fileCurrency", "GBP", "uhl1WorkCode", "1 DAILY  ", "uhl1ProcessingDate", "2031-03-17", "fileReferenceNumber", "778", "userSponsor", "EXAMPLE BANK"),
	).with(kids...))
}

func inputSummary(rejected string) node {
	records := func(names ...string) (list []node) {
		for _, n := range names {
			count, value := "3", "9317.00"
			if n == "RejectedRecords" {
				count, value = rejected, "0.00"
			}
			list = append(list, entry(n, count, value))
		}
		return list
	}
	account := []string{"AcceptedRecords", "RejectedRecords", "TotalsRecords"}
	file := []string{"AcceptedRecords", "RejectedRecords", "UserTrailerTotals", "AdjustmentRecords"}
	return el("InputReportSummary").with(
		el("AccountTotals").with(el("AccountTotal", "number", "10000001", "sortCode", "086400", "type", "Individual").with(
			el("CreditEntry").with(records(account...)...), el("DebitEntry").with(records(account...)...),
			el("CreditContraEntry").with(records(account...)...), el("DebitContraEntry").with(records(account...)...),
		)),
		el("AgreementOfFileTotals").with(el("CreditEntry").with(records(file...)...), el("DebitEntry").with(records(file...)...)),
	)
}

func daySection(message string) node {
	day := both("DaySectionRecord")
	day.attrs = []string{"dayRef", "2031031701D000001", "recordDate", "2031-03-17", "processingDate", "2031-03-18"}
	return el("DaySection", "daySectionLevelErrorMessage", message).with(day, both("Totals"))
}

func inputHead() []node {
	return []node{
		el("Header", "reportNumber", "55", "reportType", "REFT2013").with(
			el("ProducedOn", "date", "2031-03-17", "time", "11:16:43"), el("ProcessingDate", "date", "2031-03-18")),
	}
}

// fixtureInput has three files: one in which an item was returned although
// every RejectedRecords is 0, a clean one, and one of which there is nothing
// but a message.
func fixtureInput() node {
	return bacsDocument("newbacs-reports.xsd", el("InputReport").with(inputHead()...).with(el("Submission").with(
		el("SubmissionInformation", "submissionReferenceNumber", "SR31", "media", "BACSTEL-IP", "volumeSerialNumber", "000031"),
		inputFile("001",
			daySection("items are in error"),
			el("Errors").with(
				inputError("ORIGINAL RECORD", "RETURNED RECORD", "E", "REASON", "the sort code is not one"),
				el("TotalNumberOfErrors", "amendedRecords", "0", "returnedRecords", "1", "rejectedRecords", "0"),
			),
			inputSummary("0"),
		),
		inputFile("002", daySection(""), inputSummary("0")),
		el("UserFile", "fileLevelMessage", "file not taken"),
	)))
}

func fixtureWithdrawal() node {
	return bacsDocument("", el("WithdrawalReport").with(
		el("Header", "reportNumber", "56", "reportType", "REFT9999"),
		el("Submission").with(
			el("SubmissionInformation", "bureauNumber", "B12345", "volumeSerialNumber", "000032"),
			el("UserFile").with(el("WithdrawalUserFile").with(
				el("UserFileInformation", "userNumber", "901234", "userFileNumber", "003"),
				el("DaySection").with(both("Totals")),
			)),
		),
	))
}

// fixtureUnknown is a report of a kind that nobody has described.
func fixtureUnknown() node {
	return bacsDocument("", el("ArrivalReport", "arrivalNumber", "12").with(
		el("Arrived", "at", "11:00").with(el("Who").saying("Zoë "+markName)),
		el("Arrived", "at", "12:00"),
	))
}

func fixtureARUCS() node {
	return bacsDocument("", el("ARUCS").with(
		el("Header", "reportType", "REFT1028"),
		el("ReturnedCreditItem", "ref", markRef+"000001", "returnCode", "2011", "valueOf", "1.00"),
	))
}

type fixture struct {
	name string
	kind Kind
	doc  node
}

func fixtures() []fixture {
	return []fixture{
		{"arudd", KindARUDD, fixtureARUDD()},
		{"addacs", KindADDACS, fixtureADDACS()},
		{"auddis", KindAUDDIS, fixtureAUDDIS()},
		{"audacc", KindAUDACC, fixtureAUDACC()},
		{"audrej", KindAUDREJ, fixtureAUDREJ()},
		{"awacs", KindAWACS, fixtureAWACS()},
		{"ddic", KindDDIC, fixtureDDIC()},
		{"input", KindInput, fixtureInput()},
		{"withdrawal", KindWithdrawal, fixtureWithdrawal()},
		{"unknown", KindUnknown, fixtureUnknown()},
		{"arucs", KindARUCS, fixtureARUCS()},
	}
}

// bigARUDD writes an ARUDD of n items as it is read, so that the document is
// never in memory.
func bigARUDD(n int) io.Reader {
	const mark = "<Totals"
	sum := int64(0)
	for i := range n {
		sum += int64(931700 + i%100)
	}
	shell := string(bacsDocument("newbacs-advices.xsd", el("ARUDD").with(aruddHead()...).with(
		el("Advice").with(el("OriginatingAccountRecords").with(el("OriginatingAccountRecord").with(
			originator(), el("Totals", "numberOf", fmt.Sprint(n), "valueOf", fmt.Sprintf("%d.%02d", sum/100, sum%100), "currency", "GBP"),
		))))).render(styleUTF8))
	at := strings.Index(shell, mark)
	return io.MultiReader(strings.NewReader(shell[:at]), &itemReader{n: n}, strings.NewReader(shell[at:]))
}

type itemReader struct {
	i, n int
	left []byte
}

func (r *itemReader) Read(p []byte) (int, error) {
	if len(r.left) == 0 {
		if r.i == r.n {
			return 0, io.EOF
		}
		var b strings.Builder
		returnedItem(r.i, "0128", "REFER TO PAYER").write(&b, styleUTF8, "               ")
		r.left = []byte(b.String())
		r.i++
	}
	n := copy(p, r.left)
	r.left = r.left[n:]
	return n, nil
}
