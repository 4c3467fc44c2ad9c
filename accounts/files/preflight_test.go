package files_test

import (
	"fmt"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/ccr-sdk/ccr"
	"github.com/ccr-sdk/ccr/accounts"
	"github.com/ccr-sdk/ccr/accounts/files"
)

func TestPreflight(t *testing.T) {
	t.Parallel()
	cases := map[string]struct {
		change func(*accounts.Account)
		want   []string // path and rule
	}{
		"good":                    {func(*accounts.Account) {}, nil},
		"e-mail":                  {func(a *accounts.Account) { a.Debtor.Email = "a@example.com" }, nil},
		"e-mail without an at":    {func(a *accounts.Account) { a.Debtor.Email = "a.example.com" }, []string{"debtor.email email"}},
		"e-mail with a name":      {func(a *accounts.Account) { a.Debtor.Email = "A <a@example.com>" }, []string{"debtor.email email"}},
		"e-mail of a host":        {func(a *accounts.Account) { a.Debtor.Email = "a@localhost" }, []string{"debtor.email email"}},
		"mobile":                  {func(a *accounts.Account) { a.Debtor.MobileNumber = "0491 570 156" }, nil},
		"a mobile of 9 digits":    {func(a *accounts.Account) { a.Debtor.MobileNumber = "0491 570 15" }, nil}, // 02 is of New Zealand, 04 a landline there
		"a mobile of 8 digits":    {func(a *accounts.Account) { a.Debtor.MobileNumber = "0491 5701" }, []string{"debtor.mobileNumber phone"}},
		"a number from elsewhere": {func(a *accounts.Account) { a.CallbackNumber = "+44 20 7946 0000" }, []string{"callbackNumber phone"}},
		"born tomorrow":           {func(a *accounts.Account) { a.Debtor.DateOfBirth = ccr.Date{Year: 2026, Month: 11, Day: 25} }, []string{"debtor.dateOfBirth date"}},
		"born in 1880":            {func(a *accounts.Account) { a.Debtor.DateOfBirth = ccr.Date{Year: 1880, Month: 1, Day: 1} }, []string{"debtor.dateOfBirth date"}},
		"due in 12 years":         {func(a *accounts.Account) { a.DueDate = ccr.Date{Year: 2038, Month: 1, Day: 1} }, []string{"dueDate date"}},
		"due in 1970":             {func(a *accounts.Account) { a.DueDate = ccr.Date{Year: 1970, Month: 1, Day: 1} }, []string{"dueDate date"}},
		"issued tomorrow": {func(a *accounts.Account) {
			a.IssuedDate = ccr.NewDateTime(time.Date(2026, 11, 25, 1, 0, 0, 0, time.UTC))
		}, []string{"issuedDate date"}},
		"too much":        {func(a *accounts.Account) { a.OutstandingAmount = amount(t, "1000000.01") }, []string{"outstandingAmount amount"}},
		"a minimum above": {func(a *accounts.Account) { a.MinimumOfferAmount = amount(t, "99") }, []string{"minimumOfferAmount amount"}},
		"closd":           {func(a *accounts.Account) { a.Status = "closd" }, []string{"status status"}},
		"another status":  {func(a *accounts.Account) { a.Status = "Written off" }, []string{"status status"}},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			a := row(1)
			c.change(&a)
			var got []string
			o := files.PreflightOptions{Today: ccr.Date{Year: 2026, Month: 11, Day: 24}, Warn: func(w files.Warning) {
				assert.Equal(t, "C-000001", w.Reference)
				got = append(got, w.Path+" "+string(w.Rule))
			}}
			rows, errs := gather(files.Preflight(accounts.RowsOf(a), o))
			require.Empty(t, errs)
			assert.Len(t, rows, 1, "a warning is no refusal")
			assert.Equal(t, c.want, got)
		})
	}
}

func TestPreflightDuplicates(t *testing.T) {
	t.Parallel()
	var got []string
	warn := func(w files.Warning) { got = append(got, fmt.Sprintf("%s %s %s", w.Rule, w.Path, w.Reference)) }
	_, errs := gather(files.Preflight(accounts.RowsOf(row(1), row(2), row(1), row(3), row(3)), files.PreflightOptions{Warn: warn}))
	require.Empty(t, errs)
	assert.Equal(t, []string{"duplicate clientReferenceId C-000001", "duplicate clientReferenceId C-000003"}, got)

	got = nil
	_, errs = gather(files.Preflight(accounts.RowsOf(row(1), row(2), row(3), row(3), row(1)), files.PreflightOptions{Warn: warn, MaxTracked: 2}))
	require.Empty(t, errs)
	assert.Equal(t, []string{"duplicate  ", "duplicate clientReferenceId C-000001"}, got, "one warning that the bound is reached")

	got = nil
	claims := []accounts.Claim{{ClaimNumber: "N"}, {ClaimNumber: "N", ClientReferenceID: "C"}, {ClaimNumber: "N"}}
	_, errs = gather(files.Preflight(accounts.RowsOf(claims...), files.PreflightOptions{Warn: warn}))
	require.Empty(t, errs)
	assert.Equal(t, []string{"duplicate claimNumber N"}, got, "the claim number is the key only without a reference")
}

func TestPhoneShapes(t *testing.T) {
	t.Parallel()
	for number, good := range map[string]bool{
		"+61491570156": true, "+61 (0)491 570 156": true, "0491570156": true, "(03) 9555 1234": true, "1300 975 707": true, "1800-160-401": true, "13 11 14": true,
		"+64 21 123 456": true, "+64 27 123 4567": true, "021 123 456": true, "09 555 1234": true,
		"491570156": false, "+6149157015": false, "+61 991 570 156": false, "0491-570-15x": false, "1300": false, "++61491570156": false, "n/a": false, "0": false, "+61": false,
	} {
		a := row(1)
		a.Debtor.MobileNumber = number
		warned := false
		for range files.Preflight(accounts.RowsOf(a), files.PreflightOptions{Warn: func(files.Warning) { warned = true }}) {
		}
		assert.Equal(t, good, !warned, number)
	}
}
