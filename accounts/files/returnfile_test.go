package files_test

import (
	"bytes"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/ccr-sdk/ccr"
	"github.com/ccr-sdk/ccr/accounts"
	"github.com/ccr-sdk/ccr/accounts/files"
)

func TestReadPaymentsSucceeded(t *testing.T) {
	t.Parallel()
	const file = "\ufeffintegration_link_id,invoice_number,type_of_payment,transaction_correlation_id,payment_type,amount,payment_status,payment_response,processed_on,partial_payment_reason,transaction_reference,paid_on,surprise\r\n" +
		"A1234567_987654321,IN12345,Offer Payment,7a0c,FatZebraCreditCard,50,Paid,Approved,2022-09-06T20:43:31.772+10,\"lost job, \"\"temporarily\"\"\",071-P,2022-09-06T20:43:33+10,new\r\n"
	rows, errs := gather(files.ReadPaymentsSucceeded(strings.NewReader(file)))
	require.Empty(t, errs)
	require.Len(t, rows, 1)
	p := rows[0].Value
	assert.Equal(t, "A1234567_987654321", p.IntegrationLinkID)
	assert.Equal(t, "Offer Payment", p.TypeOfPayment)
	assert.Equal(t, "50", p.Amount.String())
	assert.Equal(t, "2022-09-06T20:43:31.772+10", p.ProcessedOn.String())
	assert.True(t, p.ProcessedOn.Time().Equal(time.Date(2022, 9, 6, 10, 43, 31, 772_000_000, time.UTC)))
	assert.True(t, p.PaidOn.Known())
	assert.Equal(t, `lost job, "temporarily"`, p.PartialPaymentReason)
	assert.Empty(t, p.CompanyName, "a column that this file lacks")
	assert.Equal(t, map[string]string{"surprise": "new"}, p.Extra)
}

func TestReadPlanUpdates(t *testing.T) {
	t.Parallel()
	const full = "integration_link_id|invoice_number|correlation_id|reason|previous_active_instalment_id|new_active_instalment_id|previous_due_date|new_due_date|previous_recurring_amount|new_recurring_amount|previous_frequency|new_frequency|previous_fee_amount|new_fee_amount|previous_number_of_remaining_instalments|new_number_of_remaining_instalments|previous_expected_completion_date|new_expected_completion_date|updated_on\n" +
		"A_1|IN1|c1|RecurringAmountOrFrequencyChanged|i1|i2|2023-09-05T00:00:00.000+10|2023-09-12T00:00:00.000+10|50.00|25.00|Fortnightly|Weekly|0|1.5|4|8|2023-11-01T08:30:00.000+11|2023-11-02T00:00:00.000+11|2023-09-04T20:43:31.772+10\n"
	rows, errs := gather(files.ReadPaymentPlanUpdates(strings.NewReader(full)))
	require.Empty(t, errs)
	u := rows[0].Value
	assert.Equal(t, files.RecurringAmountOrFrequencyChanged, u.Reason)
	assert.Equal(t, accounts.Fortnightly, u.Previous.Frequency)
	assert.Equal(t, accounts.Weekly, u.New.Frequency)
	assert.Equal(t, "25.00", u.New.RecurringAmount.String())
	assert.Equal(t, "1.5", u.New.FeeAmount.String())
	assert.Equal(t, 8, *u.New.RemainingInstalments)
	assert.Equal(t, "2023-09-12T00:00:00.000+10", u.New.DueDate.String())
	assert.Equal(t, time.Date(2023, 10, 31, 21, 30, 0, 0, time.UTC), u.Previous.ExpectedCompletionDate.Time().UTC(), "time and offset are kept")
	assert.Nil(t, u.Extra)

	const self = "Integration Link ID\tInvoice Number\tReason\tUpdated On\nA_1\tIN1\tNextInstalmentSkipped\t2023-09-04T20:43:31.772+10\n"
	rows, errs = gather(files.ReadSelfServiceUpdates(strings.NewReader(self)))
	require.Empty(t, errs)
	assert.Equal(t, files.NextInstalmentSkipped, rows[0].Value.Reason)
	assert.Nil(t, rows[0].Value.New.RemainingInstalments)
}

func TestReturnFileFaults(t *testing.T) {
	t.Parallel()
	const file = "invoice_number,amount,processed_on\nIN1,secret,2022-09-06T20:43:31+10\nIN2,5,yesterday\nIN3,6\nIN4,bad,bad\nIN5,7,2022-09-06T20:43:31Z\n"
	var numbers []string
	var rowErrs, all int
	for p, err := range files.ReadPaymentsSucceeded(strings.NewReader(file)) {
		all++
		if err != nil {
			require.ErrorIs(t, err, ccr.ErrInvalid)
			assert.NotContains(t, err.Error(), "secret")
			rowErrs++
		}
		numbers = append(numbers, p.Value.InvoiceNumber)
	}
	assert.Equal(t, 5, all)
	assert.Equal(t, 4, rowErrs)
	assert.Equal(t, []string{"IN1", "IN2", "", "IN4", "IN5"}, numbers, "what could be read of a row is there")

	rows, errs := gather(files.ReadPaymentsSucceeded(strings.NewReader("invoice_number,amount,amount\nIN1,1,2\n")))
	require.Empty(t, errs)
	assert.Equal(t, "1", rows[0].Value.Amount.String())
	assert.Equal(t, map[string]string{"amount#2": "2"}, rows[0].Value.Extra)

	for _, other := range []string{"", "invoice_number,partial_payment_reason\nIN1,\"never closed\nIN2,x\n", "a,b\n1,2\n", "ClientReference\nC-1\n"} {
		_, errs := gather(files.ReadPaymentPlanUpdates(strings.NewReader(other)))
		require.Len(t, errs, 1)
		assert.NotErrorIs(t, errs[0], ccr.ErrInvalid, "no fault of a row")
	}
}

// FuzzReturnFiles: no file breaks the readers.
func FuzzReturnFiles(f *testing.F) {
	f.Add([]byte("integration_link_id,invoice_number,amount,processed_on\nA,IN,50,2022-09-06T20:43:31.772+10\n"))
	f.Add([]byte("invoice_number;new_due_date;x\n\"a;2023-01-01\n"))
	f.Fuzz(func(t *testing.T, data []byte) {
		for p, err := range files.ReadPaymentsSucceeded(bytes.NewReader(data)) {
			if err == nil {
				assert.True(t, p.Value.ProcessedOn.IsZero() || p.Value.ProcessedOn.Known())
			}
		}
		for u, err := range files.ReadPaymentPlanUpdates(bytes.NewReader(data)) {
			if err == nil {
				assert.True(t, u.Value.New.DueDate.IsZero() || u.Value.New.DueDate.Known())
			}
		}
	})
}
