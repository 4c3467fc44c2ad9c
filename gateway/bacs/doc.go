// Package bacs reads the reports that Bacs sends to service users, as the
// Clear Direct Debit bureau delivers them through its gateway or over SFTP.
//
// [Parse] reads a whole report. [NewReader] reads one of any length in
// constant memory: the header is there first, then records one by one, totals
// among them. Both share one decoder and give the same records.
//
//	report, err := bacs.Parse(file)
//	for _, item := range report.Returns {
//		fmt.Println(item.Reason())
//	}
//
// # Kinds of report
//
// The kind is read from the XML. File names are no guide: at one bureau they
// carry another number than the report inside; [ParseName] takes hints from
// them, no more.
//
//   - ARUDD, unpaid collections: [ReturnedDebit], [ReturnTotals]
//   - ADDACS, changes to instructions: [Advice]
//   - AUDDIS, returned instructions: [Advice]
//   - AUDACC and AUDREJ, files of instructions taken or not: [FileAdvice], [FileMessage]
//   - AWACS, corrected account details: [Advice]
//   - DDIC, indemnity claims: [Claim], [ClaimSection]
//   - Input, what became of a submission: [Submission], [InputFile], [InputError], [AccountTotal]
//   - Withdrawal: as Input, as far as its structure is known
//
// Every other well-formed document is delivered raw and is no error: by
// [Parse] as the tree [Report.Raw], by a [Reader] as [Other] records. ARUCS,
// arrival and submission component reports are among these: nobody has
// described them in public.
//
// # What is promised
//
//   - Nothing of a report is out of reach. Each record keeps the elements it
//     was read from in Raw, padding and all; what has no type comes as [Other],
//     which has Raw, too.
//   - Values are exact or unset, never guessed. Amounts are [ccr.Amount]
//     (thousands commas and a currency character are dropped), dates are
//     [ccr.Date], sort codes six digits, references and names trimmed. What
//     cannot be read stays unset (a count 0, a sort code as it is written) and
//     is named by [Report.Err], and by Faults of the record: look there before
//     acting on a value that is not set.
//   - Totals are checked: [ReturnTotals.Agree], [ClaimSection.Agree] and
//     [Verdict.Agree] compare what a report states with what was read.
//   - Half a report is no report. A document whose root element is not closed
//     fails with [ccr.ErrIncomplete], cut wherever it may be. [RootCheck] finds
//     that out alone, as bytes pass through.
//   - Encodings are sniffed and converted as the document is read: byte order
//     marks, UTF-8, ISO-8859-1, windows-1252, ISO-8859-15, UTF-16,
//     declarations with spaces around the equals sign (which encoding/xml
//     does not see) and wrong or missing ones. See [Encoding].
//   - Hostile documents cost little. No entity is expanded but XML's own five,
//     a document type declaration with declarations inside is refused, nothing
//     outside the document is read, and [Limits] bounds depth, tags, records
//     and memory.
//   - Errors, printed values and log/slog output hold no names, references,
//     account details or amounts. The fields are open to programs, and
//     encoding/json writes them: both are explicit acts. A slice or map of your
//     own that holds records is written by slog's JSON handler with
//     encoding/json, in full: log [List] values or the records themselves.
//
// # Reason codes
//
// [LookupReason] is keyed by report and code, as the same letter means
// different things in different reports; the records of a report have a
// method Reason. Meanings and advised actions are in our own words, after
// public lists. A code that is in no list is unknown, not wrong.
//
// # The trap in Input reports
//
// In the sample that the vendor publishes, an item was returned although
// every RejectedRecords is 0 and the item still counts as accepted.
// [InputFile.Verdict] decides by the errors that are counted and listed.
//
// # Where this comes from
//
// The Input report follows the sample in the bureau's API documentation.
// ARUDD, ADDACS, AUDACC and AUDREJ follow reports that other programs carry as
// test data; AUDDIS, AWACS, DDIC and Withdrawal follow programs that read
// them, without a sample. That the bureau hands on reports other than Input
// as Bacs XML unchanged is inferred. [Unverified] lists all that is.
//
// Signatures are kept and not verified: which bytes they sign is not publicly
// known. Keep the file as it was received, byte for byte.
package bacs
