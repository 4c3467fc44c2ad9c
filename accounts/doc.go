// Package accounts talks to the Credit Clear sync API: debtor accounts,
// payments and third-party claims go in as batches, and the status of each
// batch can be followed.
package accounts
