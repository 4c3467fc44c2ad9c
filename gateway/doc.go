// Package gateway is a client of the Clear Direct Debit bureau (ClearDebit, a
// UK Bacs bureau): it uploads submission files and receives Bacs reports.
package gateway
