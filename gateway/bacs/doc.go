// Package bacs is for those who collect by direct debit in the United Kingdom:
// it reads the reports that Bacs sends to a service user, and works out what
// has to be done about them, by which working day.
//
// The program that most users need: all reports in, one decision for each
// payer out.
//
//	func main() {
//		var reports []*bacs.Report
//		for _, name := range os.Args[1:] {
//			file, err := os.Open(name)
//			if err != nil {
//				log.Fatal(err)
//			}
//			report, err := bacs.Parse(file)
//			file.Close()
//			if err != nil {
//				log.Fatal(err) // cut off, or no Bacs report
//			}
//			if err := report.Err(); err != nil {
//				log.Print(err) // values that could not be read
//			}
//			reports = append(reports, report)
//		}
//		var calendar bacs.Calendar
//		for _, decision := range calendar.Worklist(reports...) {
//			for _, step := range decision.Steps {
//				fmt.Println(decision.Reference, step.Do, step.Deadline.By, step.Because)
//			}
//		}
//	}
//
// # Reading
//
// [Parse] reads a whole report. [NewReader] reads one of any length in
// constant memory: the header is there first, then records one by one, totals
// among them. Both share one decoder and give the same records.
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
// # Reasons
//
// [LookupReason] is keyed by report and code, as the same letter means
// different things in different reports; records have a method Reason.
// Meanings and advised actions are in our own words, after public lists; a
// code that is in no list is unknown, not wrong. What [Calendar.Worklist]
// makes of the codes, if nothing else speaks against it:
//
//	         stop collecting  new account  new name  lodge again  re-present  look at it
//	ARUDD    1 2 3 5 B                               6            0           4 7 8 9 A
//	ADDACS   0 1 2 3 B        3 C E *      E                                  C D R
//	AUDDIS   1 2 3 5 B G K N  3 C *                  6 7 F H I                C, all of 0C
//	                                                 L M O P Q
//	AWACS                     0 3 *
//	DDIC     3 4 5 6: refund taken, stop; 1 2 7 8: refund taken; a cancelled claim: look at it
//	Input    items that were returned or rejected: lodge again; others: look at it
//
//	* if the record has the new details
//
// # Deadlines
//
// [Calendar] tells working days, the three-day cycle and the window for files;
// [Calendar.Deadline] by when to act on a record. The scheme's rules are not
// public. Each deadline says whose page it follows and how sure it is, and
// where pages differ it is the earlier day:
//
//	ADDACS               three working days after the report            vendor
//	AUDDIS               three working days after the report            fair
//	ARUDD, reason 0      re-presented within 30 days or one month of    disputed
//	                     the original processing day
//	DDIC, all but 7      challenged within 9 days of the claim          disputed
//
// # Guarantees
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
// # The trap in Input reports
//
// In the sample that the vendor publishes, an item was returned although
// every RejectedRecords is 0 and the item still counts as accepted.
// [InputFile.Verdict] decides by the errors that are counted and listed.
//
// # Sources
//
// The Input report follows the sample in the bureau's API documentation.
// ARUDD, ADDACS, AUDDIS, AUDACC and AUDREJ follow reports that other programs
// carry as test data; AWACS, DDIC and Withdrawal follow programs that read
// them, without a sample. [Unverified] lists what is inferred. Sample reports
// of every kind for your tests are in package ccrtest/bacssample.
//
// Signatures are kept and not verified: which bytes they sign is not publicly
// known. Keep the file as it was received, byte for byte.
package bacs
