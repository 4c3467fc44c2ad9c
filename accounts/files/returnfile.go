package files

import (
	"errors"
	"fmt"
	"io"
	"iter"
	"slices"
	"strconv"
	"strings"

	"github.com/ccr-sdk/ccr"
	"github.com/ccr-sdk/ccr/accounts"
)

// The return files that are documented: "Payment Succeeded", "Payment Plan
// Updated" and "Customer Payment Plan Self Service". Credit Clear delivers
// them to the downloads folder of the SFTP gateway. Their names, delimiter and
// encoding are not documented; the readers find both.

// PaymentSucceeded is a row of the Payment Succeeded file.
type PaymentSucceeded struct {
	IntegrationLinkID        string       // "A1234567_987654321"; its relation to your reference is not documented
	InvoiceNumber            string       // that the account was loaded with (inferred), as "IN12345"
	TypeOfPayment            string       // RecurringPayment, AdHocPayment, Charge, Offer Payment
	TransactionCorrelationID string       // a GUID
	PaymentType              string       // BPay, FatZebraCreditCard, …
	Amount                   ccr.Amount   // paid, in major units; the file names no currency
	PaymentStatus            string       // Paid
	PaymentResponse          string       // Approved
	ProcessedOn              ccr.DateTime // when it was given to the payment gateway
	PartialPaymentReason     string       // free text; may hold personal data
	CompanyName              string       // older files only
	TransactionReference     string       // of the payment gateway; newer files only
	PaidOn                   ccr.DateTime // when it was completed; newer files only

	Extra map[string]string // columns that are not listed here, by header
}

// PlanUpdate is a row of the Payment Plan Updated file (a plan changed,
// whoever changed it) or of the Customer Payment Plan Self Service file (the
// customer did; it lacks the columns of instalments and completion dates).
type PlanUpdate struct {
	IntegrationLinkID string           // "A1234567_987654321"; its relation to your reference is not documented
	InvoiceNumber     string           // that the account was loaded with (inferred), as "IN12345"
	CorrelationID     string           // a GUID; of the update
	Reason            PlanUpdateReason // one of the constants, or a newer one
	Previous, New     PlanState        // the plan before and after it
	UpdatedOn         ccr.DateTime     // with an offset of hours only in the file ("+10")

	Extra map[string]string // columns that are not listed here, by header
}

// PlanState is a payment plan before or after an update.
type PlanState struct {
	ActiveInstalmentID     string             // a GUID; of the next instalment to be paid (inferred)
	DueDate                ccr.DateTime       // of that instalment, with its offset
	RecurringAmount        ccr.Amount         // of each instalment, in major units
	Frequency              accounts.Frequency // Weekly, Fortnightly or Monthly
	FeeAmount              ccr.Amount         // the surcharge fee, in major units
	RemainingInstalments   *int               // nil if the file does not say
	ExpectedCompletionDate ccr.DateTime       // with its offset; unset if the file does not say
}

// PlanUpdateReason says why a plan changed; newer values are kept.
type PlanUpdateReason string

// The reasons that are documented.
const (
	NextInstalmentSkipped             PlanUpdateReason = "NextInstalmentSkipped"
	RecurringAmountOrFrequencyChanged PlanUpdateReason = "RecurringAmountOrFrequencyChanged"
	PaymentInstrumentChanged          PlanUpdateReason = "PaymentInstrumentChanged"
	OutstandingAmountChanged          PlanUpdateReason = "OutstandingAmountChanged" // not by the customer
	PaymentPlanPaused                 PlanUpdateReason = "PaymentPlanPaused"        // likewise
	PaymentPlanResumed                PlanUpdateReason = "PaymentPlanResumed"
	PaymentPlanCancelled              PlanUpdateReason = "PaymentPlanCancelled"
	PaymentPlanFullyPaid              PlanUpdateReason = "PaymentPlanFullyPaid"
)

// ReadPaymentsSucceeded reads a Payment Succeeded file row by row. Missing
// columns leave their fields unset, unknown ones go to Extra. A row that
// cannot be read comes with what was read of it and a [*ccr.Error] of class
// [ccr.ErrInvalid] that has all its faults, and reading goes on; any other
// error is the last.
func ReadPaymentsSucceeded(r io.Reader) iter.Seq2[accounts.Row[PaymentSucceeded], error] {
	return readReturn(r, "ReadPaymentsSucceeded", func(row returnRow, p *PaymentSucceeded) {
		p.IntegrationLinkID = row.text("integration_link_id")
		p.InvoiceNumber = row.text("invoice_number")
		p.TypeOfPayment = row.text("type_of_payment")
		p.TransactionCorrelationID = row.text("transaction_correlation_id")
		p.PaymentType = row.text("payment_type")
		p.Amount = row.amount("amount")
		p.PaymentStatus = row.text("payment_status")
		p.PaymentResponse = row.text("payment_response")
		p.ProcessedOn = row.dateTime("processed_on")
		p.PartialPaymentReason = row.text("partial_payment_reason")
		p.CompanyName = row.text("company_name")
		p.TransactionReference = row.text("transaction_reference")
		p.PaidOn = row.dateTime("paid_on")
		p.Extra = row.rest()
	})
}

// ReadPaymentPlanUpdates reads a Payment Plan Updated file; see
// [ReadPaymentsSucceeded].
func ReadPaymentPlanUpdates(r io.Reader) iter.Seq2[accounts.Row[PlanUpdate], error] {
	return readPlanUpdates(r)
}

// ReadSelfServiceUpdates reads a Customer Payment Plan Self Service file; see
// [ReadPaymentsSucceeded].
func ReadSelfServiceUpdates(r io.Reader) iter.Seq2[accounts.Row[PlanUpdate], error] {
	return readPlanUpdates(r)
}

func readPlanUpdates(r io.Reader) iter.Seq2[accounts.Row[PlanUpdate], error] {
	return readReturn(r, "ReadPlanUpdates", func(row returnRow, p *PlanUpdate) {
		p.IntegrationLinkID = row.text("integration_link_id")
		p.InvoiceNumber = row.text("invoice_number")
		p.CorrelationID = row.text("correlation_id")
		p.Reason = PlanUpdateReason(row.text("reason"))
		p.UpdatedOn = row.dateTime("updated_on")
		for prefix, s := range map[string]*PlanState{"previous_": &p.Previous, "new_": &p.New} {
			s.ActiveInstalmentID = row.text(prefix + "active_instalment_id")
			s.DueDate = row.dateTime(prefix + "due_date")
			s.RecurringAmount = row.amount(prefix + "recurring_amount")
			s.Frequency = accounts.Frequency(row.text(prefix + "frequency"))
			s.FeeAmount = row.amount(prefix + "fee_amount")
			s.RemainingInstalments = row.count(prefix + "number_of_remaining_instalments")
			s.ExpectedCompletionDate = row.dateTime(prefix + "expected_completion_date")
		}
		p.Extra = row.rest()
	})
}

// returnRow is one row on its way into a struct.
type returnRow struct {
	cells  map[string]string // by header as documented; taken ones are deleted
	faults *ccr.Faults
}

func (r returnRow) text(name string) string {
	v := r.cells[name]
	delete(r.cells, name)
	return v
}

func (r returnRow) fault(column, message string) {
	r.faults.Add(column, message)
}

func (r returnRow) amount(name string) (a ccr.Amount) {
	if v := strings.TrimSpace(r.text(name)); v != "" {
		var err error
		if a, err = ccr.ParseAmount(v); err != nil {
			r.fault(name, "is not a decimal amount")
		}
	}
	return a
}

func (r returnRow) count(name string) *int {
	v := strings.TrimSpace(r.text(name))
	if v == "" {
		return nil
	}
	n, err := strconv.Atoi(v)
	if err != nil {
		r.fault(name, "is not a whole number")
		return nil
	}
	return &n
}

// dateTime keeps a text that it does not understand, and tells.
func (r returnRow) dateTime(name string) (d ccr.DateTime) {
	if v := strings.TrimSpace(r.text(name)); v != "" {
		var err error
		if d, err = ccr.ParseDateTime(v); err != nil {
			r.fault(name, "is not a date-time with an offset")
		}
	}
	return d
}

// rest is what nothing has taken.
func (r returnRow) rest() map[string]string {
	if len(r.cells) == 0 {
		return nil
	}
	return r.cells
}

func readReturn[T any](r io.Reader, operation string, fill func(returnRow, *T)) iter.Seq2[accounts.Row[T], error] {
	return func(yield func(accounts.Row[T], error) bool) {
		in, header, err := returnHeader(r)
		if err != nil {
			yield(accounts.Row[T]{}, fileError(operation, "", err))
			return
		}
		for {
			record, line, _, err := in.next()
			if errors.Is(err, io.EOF) {
				return
			}
			if err != nil {
				yield(accounts.Row[T]{}, fileError(operation, "", err))
				return
			}
			var faults ccr.Faults
			row := accounts.Row[T]{Line: line}
			if len(record) == len(header) {
				fill(returnRow{cells: cellsOf(header, record), faults: &faults}, &row.Value)
			} else {
				faults.Addf("row", "has %d fields, the header has %d", len(record), len(header))
			}
			if err = faults.Err(service, operation); err != nil {
				e, _ := errors.AsType[*ccr.Error](err)
				e.Err = fmt.Errorf("line %d", row.Line)
			}
			if !yield(row, err) {
				return
			}
		}
	}
}

// returnHeader reads the header of a return file.
func returnHeader(r io.Reader) (*records, []string, error) {
	text, _, err := decodeText(r, "")
	if err != nil {
		return nil, nil, err
	}
	in := newRecords(text, sniffComma(text))
	record, _, _, err := in.next()
	if err != nil {
		return nil, nil, err
	}
	header := make([]string, len(record))
	known := false
	for i, h := range record {
		header[i] = headerName(h)
		for slices.Contains(header[:i], header[i]) {
			header[i] += "#2" // a twin goes to Extra
		}
		known = known || header[i] == "integration_link_id" || header[i] == "invoice_number"
	}
	if !known {
		return nil, nil, errors.New("the header has neither integration_link_id nor invoice_number: not a return file")
	}
	return in, header, nil
}

func cellsOf(header, record []string) map[string]string {
	cells := make(map[string]string, len(record))
	for i, v := range record {
		if v != "" {
			cells[header[i]] = v
		}
	}
	return cells
}

// headerName folds a header to lower snake case.
func headerName(h string) string {
	return strings.NewReplacer(" ", "_", "-", "_").Replace(strings.ToLower(strings.TrimSpace(h)))
}
