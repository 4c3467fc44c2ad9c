package files_test

import (
	"bytes"
	"errors"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/ccr-sdk/ccr"
	"github.com/ccr-sdk/ccr/accounts"
	"github.com/ccr-sdk/ccr/accounts/files"
)

func TestWriteReport(t *testing.T) {
	t.Parallel()
	batch := &accounts.Receipt{Reference: "n/1"}
	results := []accounts.RowResult{
		{Row: 1, Line: 2, File: "a.csv", Reference: "C-1", Batch: batch, Sent: accounts.SentAccepted, Processed: accounts.ProcessedSucceeded},
		{Row: 2, Line: 3, File: "a.csv", Reference: "=C-2", Batch: batch, Sent: accounts.SentAccepted, Processed: accounts.ProcessedFailed, Messages: []string{"no e-mail", "no phone"}},
		{Row: 3, Line: 5, File: "a.csv", Sent: accounts.SentInvalid, Faults: []ccr.FieldError{{Path: "account.debtor.dateOfBirth", Message: "is not a date"}, {Path: "accounts[2].status", Message: "is required"}, {Path: "account", Message: "has 3 fields"}}, Err: errors.New("x")},
		{Row: 4, Reference: "C-4", Sent: accounts.SentUnknown, Err: errors.New("no response, so \"unknown\"")},
	}
	var out bytes.Buffer
	require.NoError(t, files.WriteReport(&out, accounts.JobOf(results...).Results(t.Context())))
	assert.Equal(t, strings.ReplaceAll(`Row,Line,File,Reference,Sent,Processed,Batch,Faults,Messages
1,2,a.csv,C-1,accepted,succeeded,n/1,,
2,3,a.csv,'=C-2,accepted,failed,n/1,,no e-mail; no phone
3,5,a.csv,,invalid,,,debtor.dateOfBirth is not a date; status is required; row has 3 fields,
4,,,C-4,unknown,,,,"no response, so ""unknown"""
`, "\n", "\r\n"), out.String())

	stopped := errors.New("the job stopped")
	out.Reset()
	err := files.WriteReport(&out, func(yield func(accounts.RowResult, error) bool) {
		_ = yield(results[0], nil) && yield(accounts.RowResult{}, stopped)
	})
	require.ErrorIs(t, err, stopped)
	assert.Contains(t, out.String(), "C-1", "what was known is there")

	full := errors.New("disk full")
	require.ErrorIs(t, files.WriteReport(failingWriter{full}, accounts.JobOf(results...).Results(t.Context())), full)
}
