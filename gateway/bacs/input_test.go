package bacs

import (
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/ccr-sdk/ccr"
)

func TestInput(t *testing.T) {
	t.Parallel()
	report := mustParse(t, fixtureInput().render(styleLatin1))
	assert.Equal(t, "REFT2013", report.Header.ReportType)
	assert.Equal(t, "11:16:43", report.Header.ProducedTime)
	require.Len(t, report.Submissions, 1)
	assert.Equal(t, "BACSTEL-IP", report.Submissions[0].Media)
	require.Len(t, report.Files, 3)
	f := report.Files[0]
	assert.Same(t, report.Submissions[0], f.Submission)
	assert.Equal(t, ServiceUser{"901234", "EXAMPLE COLLECTIONS"}, f.ServiceUser)
	assert.Equal(t, "1 DAILY", f.WorkCode)
	assert.Equal(t, ccr.Date{Year: 2031, Month: 3, Day: 17}, f.ProcessingDate)
	require.Len(t, f.Days, 1)
	assert.Equal(t, "items are in error", f.Days[0].Message)
	require.Len(t, f.Days[0].Records, 1)
	assert.Equal(t, int64(3), f.Days[0].Records[0].Debit.Count)
	assert.Equal(t, "9317.10", f.Days[0].Debit.Contra.Amount.String())
	assert.Equal(t, "9317.00", f.Totals.Credit.UserTrailer.Amount.String())
	require.Len(t, report.AccountTotals, 2)
	assert.Equal(t, Account{SortCode: "086400", Number: "10000001", Type: "Individual"}, report.AccountTotals[0].Account)
	assert.Equal(t, int64(3), report.AccountTotals[0].DebitContra.Total.Count)
	assert.Same(t, f, report.AccountTotals[0].File)
	assert.Equal(t, "file not taken", report.Files[2].Message)
}

func TestInputErrors(t *testing.T) {
	t.Parallel()
	report := mustParse(t, fixtureInput().render(styleUTF8))
	require.Len(t, report.Errors, 1)
	e := report.Errors[0]
	assert.Same(t, report.Files[0], e.File)
	original, ok := e.Original()
	require.True(t, ok)
	assert.Equal(t, "QREF000009", original.Reference)
	assert.Equal(t, Account{SortCode: "086421", Number: "73519009", Name: "Zoë " + markName, Type: "0"}, original.Destination)
	assert.Equal(t, Account{SortCode: "086400", Number: "10000001", Name: "EXAMPLE COLLECTIONS", Reference: "X"}, original.Originating)
	outcome, ok := e.Outcome()
	require.True(t, ok)
	assert.Equal(t, "RETURNED RECORD", outcome.Type)
	assert.Equal(t, "E", e.Code())
	assert.Equal(t, EffectReturned, e.Effect())
	r := e.Reason()
	assert.Equal(t, "the destination sort code is invalid", r.Meaning)
	assert.Equal(t, "the sort code is not one", r.Text)
	a := e.Affected()
	assert.Equal(t, "9317.00", a.Amount.String())
	assert.Equal(t, ccr.Date{Year: 2031, Month: 3, Day: 17}, a.Date)

	for _, tc := range []struct {
		outcome, message string
		want             Effect
	}{
		{"REJECTED RECORD", "REASON", EffectRejected}, {"AMENDED RECORD", "REASON", EffectAmended}, {"NOVEL", "REJECTED", EffectRejected}, {"NOVEL", "REASON", EffectUnknown},
	} {
		doc := bacsDocument("", el("InputReport").with(el("Errors").with(inputError("ORIGINAL RECORD", tc.outcome, "", tc.message, "a", "b"))))
		report := mustParse(t, doc.render(styleUTF8))
		require.Len(t, report.Errors, 1)
		assert.Equal(t, tc.want, report.Errors[0].Effect(), tc)
		assert.Empty(t, report.Errors[0].Code())
		assert.Equal(t, "a\nb", report.Errors[0].Reason().Text)
		require.Len(t, report.Files, 1, "errors outside of a file make one")
	}
	empty := &InputError{}
	_, ok = empty.Original()
	assert.False(t, ok)
	_, ok = empty.Outcome()
	assert.False(t, ok)
	assert.Equal(t, KindInput, empty.Affected().Report)
}

// One item returned, every RejectedRecords 0: the file is not clean.
func TestTheInputTrap(t *testing.T) {
	t.Parallel()
	report := mustParse(t, fixtureInput().render(styleUTF8))
	trap := report.Files[0]
	assert.Zero(t, trap.SummaryRejected)
	assert.Zero(t, trap.Totals.Credit.Rejected.Count)
	v := trap.Verdict()
	assert.False(t, v.Clean())
	assert.True(t, v.Agree())
	assert.Equal(t, ErrorTotals{Returned: 1}, v.ErrorTotals)
	assert.Equal(t, int64(1), v.Listed)

	clean := report.Files[1].Verdict()
	assert.True(t, clean.Clean())
	assert.True(t, clean.Agree())
	assert.False(t, report.Files[2].Verdict().Clean(), "a file of which there is but a message")
}

func TestVerdictTakesAnyEvidence(t *testing.T) {
	t.Parallel()
	count := func(attrs ...string) node { return el("Errors").with(el("TotalNumberOfErrors", attrs...)) }
	one := inputError("ORIGINAL RECORD", "RETURNED RECORD", "E", "REASON")
	for name, tc := range map[string]struct {
		kids         []node
		clean, agree bool
	}{
		"nothing at all":      {nil, true, true},
		"zero errors":         {[]node{count("amendedRecords", "0", "returnedRecords", "0", "rejectedRecords", "0")}, true, true},
		"amended":             {[]node{count("amendedRecords", "1")}, false, false},
		"rejected":            {[]node{count("rejectedRecords", "2")}, false, false},
		"listed, not counted": {[]node{el("Errors").with(one)}, false, false},
		"counted and listed":  {[]node{el("Errors").with(one, el("TotalNumberOfErrors", "returnedRecords", "1"))}, false, true},
		"unreadable count":    {[]node{count("returnedRecords", "none")}, false, false},
		"the summary alone":   {[]node{inputSummary("1")}, false, true},
		"a message of a day":  {[]node{daySection("look")}, false, true},
	} {
		doc := bacsDocument("", el("InputReport").with(el("Submission").with(inputFile("001", tc.kids...))))
		report := mustParse(t, doc.render(styleUTF8))
		require.Len(t, report.Files, 1, name)
		v := report.Files[0].Verdict()
		assert.Equal(t, tc.clean, v.Clean(), name)
		assert.Equal(t, tc.agree, v.Agree(), name)
	}
}

func TestWithdrawal(t *testing.T) {
	t.Parallel()
	report := mustParse(t, fixtureWithdrawal().render(styleUTF8))
	require.Len(t, report.Files, 1)
	f := report.Files[0]
	assert.Equal(t, "B12345", f.Submission.Bureau)
	assert.Equal(t, "003", f.FileNumber)
	assert.Equal(t, "9317.10", f.Days[0].Debit.Amount.String())
}
