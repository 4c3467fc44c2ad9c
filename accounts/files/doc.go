// Package files reads and writes what Credit Clear exchanges as files: the
// standard input files (Debtor Accounts and Third Party Claim) out and in, the
// return files, and the names of attachments. Package sftp carries them; Credit
// Clear does not recommend e-mail, which must never carry personal data.
//
// Credit Clear takes input files as .csv and .xlsx. This package reads and
// writes CSV alone: export a workbook as CSV, or send it as it is by package
// sftp, unchecked.
//
//	in, err := files.NewAccountReader(file, files.ReadOptions{File: "debtors.csv", Headers: map[string]string{"OutstandingAmount": "AmountDue"}})
//	fmt.Println(in.Columns())                   // before the first row
//	job := client.SubmitAccounts(in.All(), …)
//
// # Columns
//
// A reader refuses a file whose columns are not what its options say: a header
// that is not known (unless IgnoreUnknown), one that Headers names and the
// file lacks, a column that is there twice, and a required one that is missing
// (unless Optional excuses it). A writer writes the default columns, in their
// order, unless told otherwise.
//
// # Column table
//
// Debtor Accounts:
//
//	ClientReference                 clientReferenceId               required
//	Brand                           brand                           by default
//	Portfolio                       portfolio                       by default
//	Status                          status                          required
//	InvoiceNumber                   invoiceNumber                   required
//	Reference                       reference                       by default
//	PaymentReconciliationReference  paymentReconciliationReference  by default
//	OutstandingAmount               outstandingAmount               required
//	DueDate                         dueDate                         by default, inferred
//	FirstName                       debtor.firstName                by default, inferred
//	LastName                        debtor.lastName                 by default, inferred
//	CompanyName                     debtor.companyName              by default, inferred
//	Email                           debtor.email                    by default, inferred
//	MobileNumber                    debtor.mobileNumber             by default
//	PostalCode                      debtor.postalCode               by default, inferred
//	Product                         product                         inferred
//	Segment                         segment                         inferred
//	CurrencyCode                    currencyCode                    inferred
//	BPayReference                   bPayReference                   inferred
//	MinimumOfferAmount              minimumOfferAmount              inferred
//	MaximumDiscountPercentage       maximumDiscountPercentage       inferred
//	UpfrontAmount                   upfrontAmount                   inferred
//	IssuedDate                      issuedDate                      inferred
//	DateOfBirth                     debtor.dateOfBirth              inferred
//	CallbackNumber                  callbackNumber                  inferred
//	CustomData1                     customData1                     inferred
//	CustomData2                     customData2                     inferred
//	CustomData3                     customData3                     inferred
//	CustomData4                     customData4                     inferred
//	CustomData5                     customData5                     inferred
//	DaysPastDue                     daysPastDue                     inferred
//
// Third Party Claim:
//
//	Brand                           brand                           by default
//	Portfolio                       portfolio                       by default
//	Client Reference No             clientReferenceId               by default
//	Claim Number                    claimNumber                     required
//	Payment Reference Number (PRN)  paymentReferenceNumber          by default
//	Status                          status                          required
//	Third-Party First Name          thirdParty.firstName            by default
//	Third-Party Last Name           thirdParty.lastName             by default
//	Third-Party Company Name        thirdParty.companyName          by default
//	Third-Party DOB                 thirdParty.dateOfBirth          by default
//	Third-Party Postal Code         thirdParty.postalCode           by default
//	Status Reason                   statusReason                    inferred
//	BPay Reference                  bPayReference                   inferred
//	Initial Recovery Amount         initialRecoveryAmount           inferred
//	Recovery Amount                 recoveryAmount                  inferred
//	Recovered Amount                recoveredAmount                 inferred
//	Callback Number                 callbackNumber                  inferred
//	Claim Excess                    claimExcess.amount              inferred
//	Third-Party Email               thirdParty.email                inferred
//	Third-Party Mobile Number       thirdParty.mobileNumber         inferred
//
// # Encodings
//
// A file that is not told its encoding is read as UTF-8 or UTF-16 if it is,
// and as Windows-1252 otherwise; [Columns] says which. Text that is not in the
// encoding is a fault of its row, so that nothing is garbled silently. The
// delimiter is found in the header, unless it is told.
//
// # Rows
//
// A faulty row comes with its line, what could be read of it, and one error
// with all its faults. [Preflight] warns of what Credit Clear takes and a
// person would not: it ignores faulty rows and tells so by e-mail only.
//
// # Modes
//
// In [ActivePortfolio] mode a file closes the accounts that it lacks:
// [WriteAccounts] gives a file its name only once it has the number of rows
// that was promised.
package files
