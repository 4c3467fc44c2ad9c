package files_test

import (
	"bytes"
	"fmt"
	"io"
	"iter"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/ccr-sdk/ccr"
	"github.com/ccr-sdk/ccr/accounts"
	"github.com/ccr-sdk/ccr/accounts/files"
)

// golden compares with a file that is written by hand.
func golden(t *testing.T, name string, got []byte) {
	t.Helper()
	want, err := os.ReadFile(filepath.Join("testdata", name))
	require.NoError(t, err)
	assert.Equal(t, string(bytes.TrimRight(want, "\r\n")), string(got))
}

func amount(t testing.TB, s string) ccr.Amount {
	t.Helper()
	a, err := ccr.ParseAmount(s)
	require.NoError(t, err)
	return a
}

// row is a good account.
func row(i int) accounts.Account {
	return accounts.Account{
		ClientReferenceID: fmt.Sprintf("C-%06d", i), Status: accounts.StatusActive, OutstandingAmount: ccr.AmountFromMinor(int64(i)+100, 2),
		DueDate: ccr.Date{Year: 2026, Month: 1, Day: 31}, Debtor: accounts.Party{LastName: fmt.Sprintf("Debtor %d", i)},
	}
}

func rows(n int) (out []accounts.Account) {
	for i := range n {
		out = append(out, row(i))
	}
	return out
}

// everything is an account with every field that has a column.
func everything(t testing.TB) accounts.Account {
	return accounts.Account{
		Brand: "Blue", Portfolio: "Power", Product: "Gas", Segment: "Home",
		ClientReferenceID: "C-1", Reference: "REF/1", CurrencyCode: "AUD",
		PaymentReconciliationReference: "PRR-1", BPayReference: "123456", InvoiceNumber: "IN12345",
		OutstandingAmount: amount(t, "1234567.89"), MinimumOfferAmount: amount(t, "0.1"),
		MaximumDiscountPercentage: amount(t, "12.50"), UpfrontAmount: amount(t, "0.10"),
		IssuedDate: ccr.NewDateTime(time.Date(2026, 3, 4, 5, 6, 7, 890_000_000, time.FixedZone("", 10*3600))),
		Status:     accounts.StatusActive,
		Debtor: accounts.Party{
			FirstName: "Zoë", LastName: `O'Neil "Z" <z>`, CompanyName: "Neil\u2028Pty", DateOfBirth: ccr.Date{Year: 1990, Month: 1, Day: 2},
			Email: "z@example.com", MobileNumber: "+61 400 000 000", PostalCode: "3000",
		},
		CallbackNumber: "1300 000 000",
		CustomData1:    "1", CustomData2: "2", CustomData3: "3", CustomData4: "4", CustomData5: "5",
		DaysPastDue: 31, DueDate: ccr.Date{Year: 2026, Month: 2, Day: 3},
		Extra: accounts.Extra{"costCentre": "AU-7"},
	}
}

// paths returns the paths of the faults in an error.
func paths(t *testing.T, err error) []string {
	t.Helper()
	var e *ccr.Error
	require.ErrorAs(t, err, &e)
	require.ErrorIs(t, err, ccr.ErrInvalid)
	require.ErrorIs(t, err, ccr.ErrNotSent)
	out := []string{}
	for _, f := range e.Fields {
		out = append(out, f.Path)
	}
	return out
}

// readAccounts reads a file whose columns are all excused.
func readAccounts(in io.Reader, o files.ReadOptions) iter.Seq2[accounts.Row[accounts.Account], error] {
	o.Optional = []string{"InvoiceNumber", "OutstandingAmount", "Status"}
	r, err := files.NewAccountReader(in, o)
	if err != nil {
		return failing[accounts.Account](err)
	}
	return r.All()
}

func readClaims(in io.Reader, o files.ReadOptions) iter.Seq2[accounts.Row[accounts.Claim], error] {
	o.Optional = []string{"Status"}
	r, err := files.NewClaimReader(in, o)
	if err != nil {
		return failing[accounts.Claim](err)
	}
	return r.All()
}

func failing[T any](err error) iter.Seq2[accounts.Row[T], error] {
	return func(yield func(accounts.Row[T], error) bool) { yield(accounts.Row[T]{}, err) }
}
