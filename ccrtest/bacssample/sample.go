package bacssample

import (
	"fmt"
	"slices"
	"strings"
)

// Sample is one report.
type Sample struct {
	Kind    string // as bacs.Kind has it: ARUDD, ADDACS … ; empty for a kind that nobody has described
	Variant string // what is special in it
	Name    string // of the file, in the form of the bureau's names
	Data    []byte // the document
}

const (
	user     = "901234"
	userName = "EXAMPLE COLLECTIONS LTD"
	monday   = "2026-03-16"
	tuesday  = "2026-03-17"
)

// All returns every sample, always the same.
func All() []Sample {
	const advices, reports = "newbacs-advices.xsd", "newbacs-reports.xsd"
	var list []Sample
	add := func(kind, variant, number, encoding string, root element) {
		name := fmt.Sprintf("%s-16032026-%s-%09d.xml", user, number, len(list)+1)
		list = append(list, Sample{kind, variant, name, document(encoding, root)})
	}
	add("ARUDD", "two accounts", "1019", "UTF-8", bacs(advices, arudd(
		account("10000001", "1,145.50", returned(1, "0128", "REFER TO PAYER", "1,020.50"), returned(2, "1012", "INSTRUCTION CANCELLED", "125.00")),
		account("10000002", "60.00", returned(3, "B", "ACCOUNT CLOSED", "60.00")))))
	add("ARUDD", "ISO-8859-1", "1019", "ISO-8859-1", bacs(advices, arudd(
		account("10000001", "£75.00", returned(4, "0273", "REFER TO PAYER é", "£75.00")))))
	add("ARUDD", "no item", "1019", "UTF-8", bacs(advices, arudd()))
	add("ADDACS", "cancelled and reinstated", "7001", "UTF-8", bacs(advices, messaging("7001", "ADDACS", tuesday,
		addacs(1, "1"), addacs(5, "2"), addacs(6, "R"))))
	add("ADDACS", "moved and renamed", "7001", "UTF-8", bacs(advices, messaging("7001", "ADDACS", tuesday,
		addacs(7, "3", "payer-new-sort-code", "000099", "payer-new-account-number", "20000007", "payment-frequency", "M"),
		addacs(8, "C", "payer-new-sort-code", "000098", "payer-new-account-number", "20000008"),
		addacs(9, "E"), addacs(10, "3"))))
	add("ADDACS", "every reason", "7001", "UTF-8", bacs(advices, messaging("7001", "ADDACS", tuesday, each(addacs, 100, "0123BCDER")...)))
	add("AUDDIS", "new, cancelled and converted", "7002", "UTF-8", bacs(advices, messaging("7002", "AUDDIS", tuesday,
		auddis(11, "N", "0N", "5"), auddis(12, "D", "0C", "6"), auddis(13, "S", "0S", "V"), auddis(14, "N", "0N", "I"))))
	add("AUDDIS", "every reason", "7002", "UTF-8", bacs(advices, messaging("7002", "AUDDIS", tuesday, each(func(n int, code string, _ ...string) element { return auddis(n, "N", "0N", code) }, 200, "123567BCFGHIKLMNOPQ")...)))
	add("AUDACC", "accepted", "7003", "UTF-8", bacs(advices, messaging("7003", "AUDACC", tuesday, file("V", "12", "0", "0", "0")...)))
	add("AUDREJ", "rejected", "7004", "UTF-8", bacs(advices, messaging("7004", "AUDREJ", tuesday, file("R", "0", "4", "30410", "NOT LIVE FOR AUDDIS")...)))
	add("AWACS", "wrong and moved", "0000", "UTF-8", bacs(advices, messaging("", "AWACS", tuesday, awacs(15, "0"), awacs(16, "3"))))
	add("DDIC", "claims", "0000", "UTF-8", ddic(el("NewAdvices").with(
		text("TotalValueOfDebits", "1,260.00"), text("DateOfDebit", "2026-04-07"),
		claim("DDICAdvice", 17, "2", "1,200.00"), claim("DDICAdvice", 1, "4", "60.00"))))
	add("DDIC", "cancellations", "0000", "UTF-8", ddic(el("Cancellations").with(
		text("TotalValueOfCancellations", "30.00"), claim("DDICCancellation", 18, "5", "30.00"))))
	add("Input", "clean", "2013", "UTF-8", bacs(reports, input("001", "", "0")))
	add("Input", "one item returned, none counted as rejected", "2013", "UTF-8", bacs(reports, input("002", "", "1", inputError(19, "RETURNED", "E"))))
	add("Input", "file rejected", "2013", "UTF-8", bacs(reports, input("003", "FILE NOT TAKEN", "0")))
	add("Withdrawal", "day totals", "0000", "UTF-8", bacs(reports, el("WithdrawalReport").with(el("Submission").with(
		el("SubmissionInformation", "bureauNumber", "B00001", "volumeSerialNumber", "000004"),
		el("UserFile").with(el("WithdrawalUserFile").with(el("DaySection").with(entries("Totals", "2", "20.00"))))))))
	add("ARUCS", "as it is", "1028", "UTF-8", bacs(advices, el("ARUCS").with(el("ReturnedCreditItem", "ref", reference(20), "valueOf", "1.00"))))
	add("", "a kind that nobody has described", "0000", "UTF-8", bacs(reports, el("ArrivalReport", "arrivalNumber", "1").with(el("Arrived", "at", "11:00"))))
	return list
}

// Of returns the samples of some kinds; of all if none is named. Case does not
// matter. A kind of which there is none is left out.
func Of(kinds ...string) []Sample {
	return slices.DeleteFunc(All(), func(s Sample) bool {
		return len(kinds) > 0 && !slices.ContainsFunc(kinds, func(kind string) bool { return strings.EqualFold(kind, s.Kind) })
	})
}

// Padded as in reports.
func reference(n int) string { return fmt.Sprintf("LOAN-%06d       ", n) }

func payerName(n int) string { return fmt.Sprintf("PAYER %d & CO  ", n) }

func payerAccount(n int) string { return fmt.Sprintf("1%07d", n) }

// each makes an advice of every code in codes.
func each(make func(n int, code string, more ...string) element, from int, codes string) (list []element) {
	for i, code := range codes {
		list = append(list, make(from+i, string(code)))
	}
	return list
}

func arudd(accounts ...element) element {
	return el("ARUDD").with(
		el("Header", "reportType", "REFT1019", "adviceNumber", "417", "currentProcessingDate", monday),
		el("AddresseeInformation", "name", userName+"   "),
		el("ServiceLicenseInformation", "userName", userName, "userNumber", user),
		el("Advice").with(el("OriginatingAccountRecords").with(accounts...)))
}

func account(number, total string, items ...element) element {
	list := append([]element{
		el("OriginatingAccount", "name", userName, "number", number, "sortCode", "00-00-01", "type", "0", "bankName", "EXAMPLE BANK", "branchName", "NOWHERE"),
	}, items...)
	return el("OriginatingAccountRecord").with(append(list, el("Totals", "numberOf", fmt.Sprint(len(items)), "valueOf", total, "currency", "GBP"))...)
}

func returned(n int, code, description, amount string) element {
	return el("ReturnedDebitItem", "ref", reference(n), "transCode", "17", "returnCode", code, "returnDescription", description,
		"originalProcessingDate", "2026-03-12", "valueOf", amount, "currency", "GBP").with(
		el("PayerAccount", "number", payerAccount(n), "ref", reference(n), "name", payerName(n), "sortCode", "00-00-09",
			"bankName", "EXAMPLE BANK", "branchName", "NOWHERE"))
}

func messaging(reportType, adviceType, day string, kids ...element) element {
	return el("MessagingAdvices").with(append([]element{
		el("MessagingHeader", "report-type", reportType, "advice-type", adviceType, "user-number", user, "user-name", userName,
			"report-generation-date", day, "document-number", "33", "stream-identifier", "01", "envelope-sequence-number", "7"),
		el("AddresseeInformation", "name", userName, "address1", "1 NO STREET", "address2", "NOWHERE"),
	}, kids...)...)
}

func addacs(n int, code string, more ...string) element {
	return el("MessagingAdvice", append([]string{
		"user-number", user, "record-type", "A", "effective-date", "2026-03-18", "reference", reference(n),
		"payer-name", payerName(n), "payer-account-number", payerAccount(n), "payer-sort-code", "000009", "reason-code", code, "aosn", fmt.Sprint(n),
	}, more...)...)
}

func auddis(n int, record, transaction, code string) element {
	return el("MessagingAdvice", "record-type", record, "transaction-code", transaction, "reference", reference(n), "reason-code", code,
		"effective-date", "2026-03-18", "original-proc-date", monday, "payer-name", payerName(n), "payer-sort-code", "000009",
		"payer-account-number", payerAccount(n), "orig-sort-code", "000001", "orig-account-number", "10000001", "originator-name", userName)
}

func file(record, accepted, rejected, code, line string) []element {
	return []element{
		el("MessagingAdvice", "user-number", user, "record-type", record, "aosn", "1", "processing-date", tuesday, "originator-file-number", "021",
			"work-code", "1 DAILY  ", "file-type", "LIVE", "accepted-ddi", accepted, "rejected-ddi", rejected, "vol-serial-number", "000021", "file-error-code", code),
		el("MessagingError", "line1", line, "line2", "0", "line3", "0"),
	}
}

func awacs(n int, code string) element {
	return el("MessagingAdvice", "record-type", "W", "reference", reference(n), "reason-code", code,
		"payer-new-sort-code", "000099", "payer-new-account-number", fmt.Sprintf("2%07d", n))
}

func ddic(section element) element {
	return el("VocaDocument").with(el("Data").with(el("Document").with(text("ServiceUserNumber", user), section)))
}

// claim of a payer; an odd number has no reference, as banks leave it empty.
func claim(name string, n int, code, amount string) element {
	own := reference(n)
	if n%2 == 1 {
		own = ""
	}
	return el(name).with(
		text("SeqNo", fmt.Sprint(n)), text("PayingBankReference", fmt.Sprintf("PB%06d", n)), text("SUReference", own), text("ReasonCode", code),
		text("ReasonCodeMeaning", "IN THE WORDS OF THE BANK"), text("PayerSortCode", "000009"), text("PayerAccount", payerAccount(n)), text("PayerName", payerName(n)),
		text("TotalAmount", amount), el("DDCollections").with(el("DDCollection").with(text("DateOfDirectDebit", "2026-02-02"), text("Amount", amount))))
}

func input(number, message, returned string, errors ...element) element {
	count := el("TotalNumberOfErrors", "amendedRecords", "0", "returnedRecords", returned, "rejectedRecords", "0")
	return el("InputReport").with(
		el("Header", "reportNumber", "55", "reportType", "REFT2013").with(
			el("ProducedOn", "date", monday, "time", "11:16:43"), el("ProcessingDate", "date", tuesday)),
		el("Submission").with(
			el("SubmissionInformation", "submissionReferenceNumber", "SR31", "media", "BACSTEL-IP", "volumeSerialNumber", "000031"),
			el("UserFile", "fileLevelMessage", message).with(el("InputUserFile").with(
				el("UserFileInformation", "userNumber", user, "userName", userName, "userFileNumber", number, "fileCurrency", "GBP",
					"uhl1WorkCode", "1 DAILY  ", "uhl1ProcessingDate", tuesday, "fileReferenceNumber", "778", "userSponsor", "EXAMPLE BANK"),
				el("DaySection", "daySectionLevelErrorMessage", "").with(entries("Totals", "3", "30.00")),
				el("Errors").with(append(errors, count)...),
				el("InputReportSummary").with(el("AgreementOfFileTotals").with(el("DebitEntry").with(
					amounts("AcceptedRecords", "3", "30.00"), amounts("RejectedRecords", "0", "0.00"), amounts("UserTrailerTotals", "3", "30.00"))))))))
}

func amounts(name, count, value string) element {
	return el(name, "numberOf", count, "currency", "GBP", "valueOf", value)
}

func entries(name, count, value string) element {
	return el(name).with(amounts("Credit", "0", "0.00"), amounts("Debit", count, value))
}

func inputError(n int, outcome, code string) element {
	item := func(kind string, more ...string) element {
		return el("ErrorItem", append([]string{
			"errorItemType", kind + " RECORD", "reference", reference(n), "transactionCode", "17", "currency", "GBP", "valueOf", "10.00",
		}, more...)...).with(
			el("OriginatingAccount", "number", "10000001", "name", userName, "sortCode", "000001"),
			el("DestinationAccount", "number", payerAccount(n), "name", payerName(n), "sortCode", "000009", "type", "0"))
	}
	return el("Error").with(item("ORIGINAL"), item(outcome, "errorCode", code),
		el("ErrorMessage", "type", "REASON").with(text("MessageLine", "DESTINATION SORT CODE NOT KNOWN")))
}
