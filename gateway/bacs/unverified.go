package bacs

import "github.com/ccr-sdk/ccr"

// Unverified lists what this package takes for granted without a document
// that says so. Compare it with the first reports of each kind. Whatever turns
// out to be wrong: Raw of a record is the element as it came.
func Unverified() []ccr.Assumption {
	const readers = "programs that read such reports; no sample is public"
	return []ccr.Assumption{
		{
			Claim:   "reports other than Input reach the bureau's customers as Bacs XML unchanged",
			Source:  "the bureau's sample of an Input report",
			IfWrong: "what has no type comes as Other; a report that is no XML fails at once",
		},
		{
			Claim:   "NameHints: every part of a report's file name",
			Source:  "one name that the bureau publishes, whose content is of another day and user",
			IfWrong: "go by Report.Kind, which comes from the content",
		},
		{
			Claim:   "ReturnedDebit.Reason: the first character of returnCode is the scheme's reason code",
			Source:  "the four codes that are publicly known: 0128, 0273, 1012, 1273",
			IfWrong: "Reason.Text is what the report says, Reason.Raw its code",
		},
		{Claim: "OriginatingAccountRecord can repeat in an ARUDD", Source: "the document's structure; samples have one", IfWrong: "nothing: one is read as well"},
		{Claim: "KindARUCS: the element is named ARUCS", Source: "the names of its siblings", IfWrong: "it comes as KindUnknown, its records as Other"},
		{Claim: "advice-type is AWACS in that report", Source: "ADDACS and AUDDIS in the samples of those reports", IfWrong: "Advice.RecordType tells them apart"},
		{Claim: "Advice: the attributes of records N, D and W", Source: readers + " of N and D, and one of S", IfWrong: "read Advice.Raw"},
		{
			Claim:   "Advice.OriginalDate is the day on which the returned instruction was processed, Originator the service user",
			Source:  "the names of the attributes in a public sample of AUDDIS",
			IfWrong: "read Advice.Raw",
		},
		{Claim: "Claim, ClaimSection: every element of a DDIC report", Source: readers, IfWrong: "read Claim.Raw and ClaimSection.Raw"},
		{Claim: "InputFile of a Withdrawal report: beyond submission and day totals it mirrors the Input report", Source: readers, IfWrong: "read InputFile.Raw"},
		{Claim: "Effect: rejected and amended, by the wording of errorItemType or ErrorMessage", Source: "the wording that was seen for returned", IfWrong: "read InputError.Items and Messages"},
		{Claim: "InputFile.Message: a fileLevelMessage that is not empty tells of an error", Source: "its being empty in the samples", IfWrong: "read it: nothing but Verdict goes by it"},
		{Claim: "InputFile.ProcessingDate: YYDDD is read beside YYYY-MM-DD", Source: "the form of dates in Bacs labels", IfWrong: "read InputFile.Raw"},
		{Claim: "Deadline: the lead times of all kinds of report", Source: "pages of bureaus, not the scheme's rules", IfWrong: "Deadline.Sure and Source tell each; keep your own"},
		{
			Claim:   "Calendar: substitute days of Christmas and New Year, and every day after CalendarUntil",
			Source:  "the Act and what was proclaimed each year so far",
			IfWrong: "give Calendar Closed and Open days",
		},
		{Claim: "UseNewName: an ADDACS advice with reason E has the name as amended", Source: "the meaning of the code", IfWrong: "read Advice.Raw"},
		{Claim: "Header.ProducedAt: times are those of the United Kingdom", Source: "where the scheme is run", IfWrong: "give ProducedAt another zone"},
	}
}
