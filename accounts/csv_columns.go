package accounts

import (
	"errors"
	"strconv"
	"strings"
	"time"

	"github.com/ccr-sdk/ccr"
)

// column is one column of a standard input file, tied to a field.
type column[T any] struct {
	name  string // standard header
	path  string // of the field, for errors
	shown bool   // in the vendor's page; the others are inferred from the API
	get   func(t *T, layout string) (text string, set bool)
	set   func(t *T, text *string, layout string) error // text is not empty
}

// The functions that find a field get a flag that says whether to make the
// object it is in; without it they return nil if there is none.

func textColumn[T any](name, path string, shown bool, at func(*T, bool) *string) column[T] {
	return column[T]{name, path, shown,
		func(t *T, _ string) (string, bool) {
			p := at(t, false)
			return *p, *p != ""
		},
		func(t *T, text *string, _ string) error {
			*at(t, true) = *text
			return nil
		}}
}

func amountColumn[T any](name, path string, at func(*T, bool) *ccr.Amount) column[T] {
	return column[T]{name, path, name == "OutstandingAmount",
		func(t *T, _ string) (string, bool) {
			if p := at(t, false); p != nil && p.IsSet() {
				return p.String(), true
			}
			return "", false
		},
		func(t *T, text *string, _ string) error {
			a, err := ccr.ParseAmount(strings.TrimSpace(*text))
			if err == nil {
				*at(t, true) = a
				return nil
			}
			return errors.New("is not a decimal amount")
		}}
}

func dateColumn[T any](name, path string, shown bool, at func(*T, bool) *ccr.Date) column[T] {
	return column[T]{name, path, shown,
		func(t *T, layout string) (string, bool) {
			p := at(t, false)
			if p == nil || p.IsZero() {
				return "", false
			}
			return p.In(time.UTC).Format(layout), true
		},
		func(t *T, text *string, layout string) error {
			d, err := time.Parse(layout, strings.TrimSpace(*text))
			if err != nil {
				return errors.New("is not a date in the layout " + layout)
			}
			*at(t, true) = ccr.DateOf(d)
			return nil
		}}
}

func statusColumn[T any](at func(*T) *Status) column[T] {
	return column[T]{"Status", "status", true,
		func(t *T, _ string) (string, bool) { return string(*at(t)), *at(t) != "" },
		func(t *T, text *string, _ string) error {
			*at(t) = Status(strings.TrimSpace(*text))
			return nil
		}}
}

func requiredColumn[T any](name, path string, at func(*T) *string) column[T] {
	return column[T]{name, path, true,
		func(t *T, _ string) (string, bool) { return *at(t), *at(t) != "" },
		func(t *T, text *string, _ string) error {
			*at(t) = *text
			return nil
		}}
}

// own makes the finder of a field that needs no object around it.
func own[T, F any](at func(*T) *F) func(*T, bool) *F {
	return func(t *T, _ bool) *F { return at(t) }
}

// accountColumns is the Debtor Accounts file: the columns that the vendor's
// page shows before it breaks off, then one for each other field.
func accountColumns() []column[Account] {
	text := func(name, path string, shown bool, at func(*Account) *string) column[Account] {
		return textColumn(name, path, shown, own(at))
	}
	amount := func(name, path string, at func(*Account) *ccr.Amount) column[Account] {
		return amountColumn(name, path, own(at))
	}
	return []column[Account]{
		requiredColumn("ClientReference", "clientReferenceId", func(a *Account) *string { return &a.ClientReferenceID }),
		text("Brand", "brand", true, func(a *Account) *string { return &a.Brand }),
		text("Portfolio", "portfolio", true, func(a *Account) *string { return &a.Portfolio }),
		statusColumn(func(a *Account) *Status { return &a.Status }),
		text("InvoiceNumber", "invoiceNumber", true, func(a *Account) *string { return &a.InvoiceNumber }),
		text("Reference", "reference", true, func(a *Account) *string { return &a.Reference }),
		text("PaymentReconciliationReference", "paymentReconciliationReference", true, func(a *Account) *string { return &a.PaymentReconciliationReference }),
		amount("OutstandingAmount", "outstandingAmount", func(a *Account) *ccr.Amount { return &a.OutstandingAmount }),
		dateColumn("DueDate", "dueDate", false, own(func(a *Account) *ccr.Date { return &a.DueDate })),
		text("FirstName", "debtor.firstName", false, func(a *Account) *string { return &a.Debtor.FirstName }),
		text("LastName", "debtor.lastName", false, func(a *Account) *string { return &a.Debtor.LastName }),
		text("CompanyName", "debtor.companyName", false, func(a *Account) *string { return &a.Debtor.CompanyName }),
		dateColumn("DateOfBirth", "debtor.dateOfBirth", false, own(func(a *Account) *ccr.Date { return &a.Debtor.DateOfBirth })),
		text("Email", "debtor.email", false, func(a *Account) *string { return &a.Debtor.Email }),
		text("MobileNumber", "debtor.mobileNumber", true, func(a *Account) *string { return &a.Debtor.MobileNumber }),
		text("PostalCode", "debtor.postalCode", false, func(a *Account) *string { return &a.Debtor.PostalCode }),
		text("Product", "product", false, func(a *Account) *string { return &a.Product }),
		text("Segment", "segment", false, func(a *Account) *string { return &a.Segment }),
		text("CurrencyCode", "currencyCode", false, func(a *Account) *string { return &a.CurrencyCode }),
		text("BPayReference", "bPayReference", false, func(a *Account) *string { return &a.BPayReference }),
		amount("MinimumOfferAmount", "minimumOfferAmount", func(a *Account) *ccr.Amount { return &a.MinimumOfferAmount }),
		amount("MaximumDiscountPercentage", "maximumDiscountPercentage", func(a *Account) *ccr.Amount { return &a.MaximumDiscountPercentage }),
		amount("UpfrontAmount", "upfrontAmount", func(a *Account) *ccr.Amount { return &a.UpfrontAmount }),
		{"IssuedDate", "issuedDate", false,
			func(a *Account, _ string) (string, bool) { return a.IssuedDate.String(), !a.IssuedDate.IsZero() },
			func(a *Account, text *string, _ string) (err error) {
				if a.IssuedDate, err = ccr.ParseDateTime(strings.TrimSpace(*text)); err != nil {
					return errors.New("is not a date-time with an offset")
				}
				return nil
			}},
		text("CallbackNumber", "callbackNumber", false, func(a *Account) *string { return &a.CallbackNumber }),
		text("CustomData1", "customData1", false, func(a *Account) *string { return &a.CustomData1 }),
		text("CustomData2", "customData2", false, func(a *Account) *string { return &a.CustomData2 }),
		text("CustomData3", "customData3", false, func(a *Account) *string { return &a.CustomData3 }),
		text("CustomData4", "customData4", false, func(a *Account) *string { return &a.CustomData4 }),
		text("CustomData5", "customData5", false, func(a *Account) *string { return &a.CustomData5 }),
		{"DaysPastDue", "daysPastDue", false,
			func(a *Account, _ string) (string, bool) {
				return strconv.Itoa(int(a.DaysPastDue)), a.DaysPastDue != 0
			},
			func(a *Account, text *string, _ string) error {
				n, err := strconv.ParseInt(strings.TrimSpace(*text), 10, 32)
				if err != nil {
					return errors.New("is not a whole number of 32 bits")
				}
				a.DaysPastDue = int32(n)
				return nil
			}},
	}
}

// claimColumns is the Third Party Claim file, likewise.
func claimColumns() []column[Claim] {
	text := func(name, path string, shown bool, at func(*Claim) *string) column[Claim] {
		return textColumn(name, path, shown, own(at))
	}
	amount := func(name, path string, at func(*Claim) *ccr.Amount) column[Claim] {
		return amountColumn(name, path, own(at))
	}
	party := func(name, path string, shown bool, at func(*Party) *string) column[Claim] {
		return textColumn(name, "thirdParty."+path, shown, func(c *Claim, _ bool) *string {
			return at(&c.ThirdParty)
		})
	}
	return []column[Claim]{
		text("Brand", "brand", true, func(c *Claim) *string { return &c.Brand }),
		text("Portfolio", "portfolio", true, func(c *Claim) *string { return &c.Portfolio }),
		text("Client Reference No", "clientReferenceId", true, func(c *Claim) *string { return &c.ClientReferenceID }),
		requiredColumn("Claim Number", "claimNumber", func(c *Claim) *string { return &c.ClaimNumber }),
		text("Payment Reference Number (PRN)", "paymentReferenceNumber", true, func(c *Claim) *string { return &c.PaymentReferenceNumber }),
		statusColumn(func(c *Claim) *Status { return &c.Status }),
		party("Third-Party First Name", "firstName", true, func(p *Party) *string { return &p.FirstName }),
		party("Third-Party Last Name", "lastName", true, func(p *Party) *string { return &p.LastName }),
		party("Third-Party Company Name", "companyName", true, func(p *Party) *string { return &p.CompanyName }),
		dateColumn("Third-Party DOB", "thirdParty.dateOfBirth", true, func(c *Claim, _ bool) *ccr.Date {
			return &c.ThirdParty.DateOfBirth
		}),
		party("Third-Party Postal Code", "postalCode", true, func(p *Party) *string { return &p.PostalCode }),
		party("Third-Party Email", "email", false, func(p *Party) *string { return &p.Email }),
		party("Third-Party Mobile Number", "mobileNumber", false, func(p *Party) *string { return &p.MobileNumber }),
		text("Status Reason", "statusReason", false, func(c *Claim) *string { return &c.StatusReason }),
		text("BPay Reference", "bPayReference", false, func(c *Claim) *string { return &c.BPayReference }),
		amount("Initial Recovery Amount", "initialRecoveryAmount", func(c *Claim) *ccr.Amount { return &c.InitialRecoveryAmount }),
		amount("Recovery Amount", "recoveryAmount", func(c *Claim) *ccr.Amount { return &c.RecoveryAmount }),
		amount("Recovered Amount", "recoveredAmount", func(c *Claim) *ccr.Amount { return &c.RecoveredAmount }),
		text("Callback Number", "callbackNumber", false, func(c *Claim) *string { return &c.CallbackNumber }),
		amountColumn("Claim Excess", "claimExcess.amount", func(c *Claim, _ bool) *ccr.Amount {
			return &c.ClaimExcess.Amount
		}),
	}
}

// extraColumn reads and writes one member of a row's Extra.
func extraColumn[T any](name, member string, at func(*T) *Extra) column[T] {
	return column[T]{name, member, false,
		func(t *T, _ string) (string, bool) {
			switch v := (*at(t))[member].(type) {
			case string:
				return v, true
			case interface{ String() string }: // ccr.Amount, ccr.Date, json.Number
				return v.String(), true
			}
			return "", false
		},
		func(t *T, text *string, _ string) error {
			x := at(t)
			if *x == nil {
				*x = Extra{}
			}
			(*x)[member] = *text
			return nil
		}}
}

// ColumnInfo describes a column of a standard input file.
type ColumnInfo struct {
	Name  string // the standard header
	Field string // path of the field that it fills
	// Inferred: the vendor's page, which breaks off, does not show it. Credit
	// Clear maps a client's headers anyway; agree on yours at onboarding.
	Inferred bool
}

// AccountColumns lists the columns of the Debtor Accounts file.
func AccountColumns() []ColumnInfo { return describe(accountColumns()) }

// ClaimColumns lists the columns of the Third Party Claim file.
func ClaimColumns() []ColumnInfo { return describe(claimColumns()) }

func describe[T any](columns []column[T]) []ColumnInfo {
	out := make([]ColumnInfo, len(columns))
	for i, c := range columns {
		out[i] = ColumnInfo{Name: c.name, Field: c.path, Inferred: !c.shown}
	}
	return out
}

// foldHeader makes "Client Reference No", "client_reference_no" and
// "ClientReferenceNo" one.
func foldHeader(s string) string {
	return strings.Map(func(r rune) rune {
		switch {
		case 'A' <= r && r <= 'Z':
			return r + 'a' - 'A'
		case 'a' <= r && r <= 'z', '0' <= r && r <= '9', r > 0x7f:
			return r
		}
		return -1
	}, s)
}
