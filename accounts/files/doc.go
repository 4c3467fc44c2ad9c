// Package files reads and writes what Credit Clear exchanges as files: the
// standard input files (Debtor Accounts and Third Party Claim) out and in, the
// return files, and the names of attachments. Package sftp carries them.
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
// In [ActivePortfolio] mode a file closes the accounts that it lacks:
// [WriteAccounts] gives a file its name only once it has the number of rows
// that was promised.
package files
