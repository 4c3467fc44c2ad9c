package bacs

import "github.com/ccr-sdk/ccr"

// Unverified lists what this package takes for granted without a document
// that says so. Compare it with the first reports of each kind. Whatever turns
// out to be wrong: Raw of a record is the element as it came.
func Unverified() []ccr.Assumption {
	const readers = "programs that read such reports; no sample is public"
	return []ccr.Assumption{
		{
			What: "reports other than Input reach the bureau's customers as Bacs XML unchanged",
			From: "the bureau's sample of an Input report",
			If:   "what has no type comes as Other; a report that is no XML fails at once",
		},
		{
			What: "NameHints: every part of a report's file name",
			From: "one name that the bureau publishes, whose content is of another day and user",
			If:   "go by Report.Kind, which comes from the content",
		},
		{
			What: "ReturnedDebit.Reason: the first character of returnCode is the scheme's reason code",
			From: "the four codes that are publicly known: 0128, 0273, 1012, 1273",
			If:   "Reason.Text is what the report says, Reason.Raw its code",
		},
		{What: "OriginatingAccountRecord can repeat in an ARUDD", From: "the document's structure; samples have one", If: "nothing: one is read as well"},
		{What: "KindARUCS: the element is named ARUCS", From: "the names of its siblings", If: "it comes as KindUnknown, its records as Other"},
		{What: "advice-type is AWACS in that report", From: "ADDACS and AUDDIS in the samples of those reports", If: "Advice.RecordType tells them apart"},
		{What: "Advice: the attributes of records N, D and W", From: readers + " of N and D, and one of S", If: "read Advice.Raw"},
		{
			What: "Advice.OriginalDate is the day on which the returned instruction was processed, Originator the service user",
			From: "the names of the attributes in a public sample of AUDDIS",
			If:   "read Advice.Raw",
		},
		{What: "Claim, ClaimSection: every element of a DDIC report", From: readers, If: "read Claim.Raw and ClaimSection.Raw"},
		{What: "InputFile of a Withdrawal report: beyond submission and day totals it mirrors the Input report", From: readers, If: "read InputFile.Raw"},
		{What: "Effect: rejected and amended, by the wording of errorItemType or ErrorMessage", From: "the wording that was seen for returned", If: "read InputError.Items and Messages"},
		{What: "InputFile.Message: a fileLevelMessage that is not empty tells of an error", From: "its being empty in the samples", If: "read it: nothing but Verdict goes by it"},
		{What: "InputFile.ProcessingDate: YYDDD is read beside YYYY-MM-DD", From: "the form of dates in Bacs labels", If: "read InputFile.Raw"},
		{What: "Deadline: the lead times of all kinds of report", From: "pages of bureaus, not the scheme's rules", If: "Deadline.Sure and Source tell each; keep your own"},
		{
			What: "Calendar: substitute days of Christmas and New Year, and every day after CalendarUntil",
			From: "the Act and what was proclaimed each year so far",
			If:   "give Calendar Closed and Open days",
		},
		{What: "UseNewName: an ADDACS advice with reason E has the name as amended", From: "the meaning of the code", If: "read Advice.Raw"},
		{What: "Header.ProducedAt: times are those of the United Kingdom", From: "where the scheme is run", If: "give ProducedAt another zone"},
	}
}
