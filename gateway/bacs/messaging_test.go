package bacs

import (
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/ccr-sdk/ccr"
)

func TestADDACS(t *testing.T) {
	t.Parallel()
	report := mustParse(t, fixtureADDACS().render(styleLatin1))
	h := report.Header
	assert.Equal(t, Header{
		ReportType: "7001", AdviceType: "ADDACS", Number: "33", ServiceUser: ServiceUser{"901234", "EXAMPLE COLLECTIONS LTD"},
		Addressee:    Addressee{Name: "EXAMPLE COLLECTIONS LTD", Address: []string{"1 NO STREET", "NOWHERE"}},
		ProducedDate: ccr.Date{Year: 2031, Month: 3, Day: 17}, StreamIdentifier: "01", EnvelopeSequence: "7", FirstAOSN: "1", LastAOSN: "3", Reprint: "N",
		Raw: h.Raw,
	}, h)
	require.Len(t, report.Advices, 3)
	a := report.Advices[1]
	assert.Equal(t, &Advice{
		Report: KindADDACS, RecordType: "A", UserNumber: "901234", Reference: "QREF000002", ReasonCode: "3",
		EffectiveDate: ccr.Date{Year: 2031, Month: 3, Day: 18}, DueDate: ccr.Date{Year: 2031, Month: 4, Day: 1},
		Payer:      Account{SortCode: "086421", Number: "73519002", Name: "Zoë " + markName},
		NewAccount: Account{SortCode: "086499", Number: "73519992"}, AOSN: "2", Raw: a.Raw,
	}, a)
	assert.Equal(t, "the account was moved to another bank", a.Reason().Meaning)
	assert.Contains(t, a.Reason().Action, "send no cancellation")
	assert.False(t, report.Advices[2].Reason().Known, "codes are open")
	assert.Empty(t, a.Instruction())
	assert.Equal(t, "QREF000002", a.Affected().Reference)
	assert.False(t, a.Affected().Amount.IsSet())
	assert.True(t, report.Advices[0].NewAccount.IsZero())
}

func TestAUDDIS(t *testing.T) {
	t.Parallel()
	report := mustParse(t, fixtureAUDDIS().render(styleUTF8))
	var got []string
	for _, a := range report.Advices {
		assert.Equal(t, KindAUDDIS, a.Report)
		assert.Equal(t, markRef+" P", a.PayerReference)
		got = append(got, a.Instruction()+" "+a.Reason().Meaning)
	}
	assert.Equal(t, []string{"0N there is no such account", "0C the bank holds no instruction", "0S the account was moved to another branch or number of the same bank"}, got)
}

// The "0" that fills unused fields of AUDACC and AUDREJ is no data; it is in
// the reports that use it.
func TestFillers(t *testing.T) {
	t.Parallel()
	report := mustParse(t, fixtureAUDACC().render(styleUTF8))
	assert.Empty(t, report.Header.Number)
	assert.Empty(t, report.Header.FirstAOSN)
	assert.True(t, report.Header.Addressee.IsZero())
	require.Len(t, report.FileAdvices, 1)
	a := report.FileAdvices[0]
	assert.Equal(t, &FileAdvice{
		Report: KindAUDACC, RecordType: "V", UserNumber: "901234", AOSN: "1", ProcessingDate: ccr.Date{Year: 2031, Month: 3, Day: 18},
		FileNumber: "021", WorkCode: "1 DAILY", FileType: "LIVE", Accepted: 12, VolumeSerial: "000021", Raw: a.Raw,
	}, a)
	assert.True(t, a.FileAccepted())
	assert.Equal(t, "the file was accepted", a.Reason().Meaning)
	require.Len(t, report.FileMessages, 1)
	assert.Empty(t, report.FileMessages[0].Lines)
	raw, _ := report.FileMessages[0].Raw.Attr("line1")
	assert.Equal(t, "0", raw, "it is in Raw")
	assert.Empty(t, slices.Collect(report.Reasoned()), "an accepted file is nothing to act upon")

	report = mustParse(t, fixtureAUDREJ().render(styleUTF8))
	a = report.FileAdvices[0]
	assert.False(t, a.FileAccepted())
	assert.Equal(t, int64(4), a.Rejected)
	assert.Equal(t, "30999", a.Reason().Code)
	assert.Equal(t, []string{"The service user may not send this"}, report.FileMessages[0].Lines)
	assert.Len(t, slices.Collect(report.Reasoned()), 1)
	assert.Equal(t, KindAUDREJ, a.Affected().Report)

	// The filler is read as such even where the header does not name the kind,
	// or comes behind the records.
	late := messaging(
		el("AddresseeInformation", "name", "0", "address1", "0"), el("MessagingAdvice", "record-type", "V", "accepted-ddi", "1"),
		messagingHeader("document-number", "0"),
	)
	report = mustParse(t, late.render(styleUTF8))
	assert.Equal(t, KindAUDACC, report.Kind)
	assert.True(t, report.Header.Addressee.IsZero())
	assert.Empty(t, report.Header.Number)

	// In other reports a "0" is data.
	report = mustParse(t, messaging(messagingHeader("advice-type", "ADDACS", "document-number", "0"), el("AddresseeInformation", "name", "0")).render(styleUTF8))
	assert.Equal(t, "0", report.Header.Number)
	assert.Equal(t, "0", report.Header.Addressee.Name)
}

func TestFileAcceptedNeedsAllOfIt(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		advice node
		want   bool
	}{
		"accepted":             {el("MessagingAdvice", "record-type", "V", "rejected-ddi", "0"), true},
		"no count of rejected": {el("MessagingAdvice", "record-type", "V"), true},
		"some rejected":        {el("MessagingAdvice", "record-type", "V", "rejected-ddi", "1"), false},
		"an unreadable count":  {el("MessagingAdvice", "record-type", "V", "rejected-ddi", "x"), false},
		"an error code":        {el("MessagingAdvice", "record-type", "V", "file-error-code", "30999"), false},
		"rejected":             {el("MessagingAdvice", "record-type", "R", "rejected-ddi", "0"), false},
	} {
		report := mustParse(t, messaging(tc.advice).render(styleUTF8))
		require.Len(t, report.FileAdvices, 1, name)
		assert.Equal(t, tc.want, report.FileAdvices[0].FileAccepted(), name)
	}
	assert.True(t, (&FileAdvice{Report: KindAUDACC}).FileAccepted(), "one that a test makes")
}

func TestAWACS(t *testing.T) {
	t.Parallel()
	report := mustParse(t, fixtureAWACS().render(styleUTF8))
	require.Len(t, report.Advices, 1)
	a := report.Advices[0]
	assert.Equal(t, KindAWACS, a.Report)
	assert.Equal(t, Account{SortCode: "086499", Number: "73519993"}, a.NewAccount)
	assert.True(t, a.Reason().Known)
}

// A record is read by its own type, whatever the header says.
func TestRecordTypeDecides(t *testing.T) {
	t.Parallel()
	report := mustParse(t, messaging(messagingHeader("advice-type", "ADDACS"),
		el("MessagingAdvice", "record-type", " N ", "reason-code", "5"), el("MessagingAdvice", "record-type", "V", "accepted-ddi", "1"),
		el("MessagingAdvice", "reason-code", "1"),
	).render(styleUTF8))
	assert.Equal(t, KindADDACS, report.Kind)
	require.Len(t, report.Advices, 2)
	assert.Equal(t, KindAUDDIS, report.Advices[0].Report)
	assert.Equal(t, KindADDACS, report.Advices[1].Report)
	require.Len(t, report.FileAdvices, 1)
	assert.Equal(t, KindAUDACC, report.FileAdvices[0].Report)
}

func TestProducedAt(t *testing.T) {
	t.Parallel()
	h := mustParse(t, fixtureInput().render(styleUTF8)).Header
	at, ok := h.ProducedAt(time.UTC)
	assert.True(t, ok)
	assert.Equal(t, time.Date(2031, 3, 17, 11, 16, 43, 0, time.UTC), at)
	h.ProducedTime = ""
	at, ok = h.ProducedAt(time.UTC)
	assert.True(t, ok)
	assert.Equal(t, time.Date(2031, 3, 17, 0, 0, 0, 0, time.UTC), at)
	_, ok = Header{}.ProducedAt(time.UTC)
	assert.False(t, ok)
	_, ok = h.ProducedAt(nil)
	assert.False(t, ok)
}

// The attributes that a public AUDDIS of 2017 has beside those of ADDACS, in a
// twin that is made up.
func TestAUDDISOriginator(t *testing.T) {
	t.Parallel()
	report := mustParse(t, messaging(
		messagingHeader("report-type", "7002", "advice-type", "AUDDIS"),
		el("MessagingAdvice", "record-type", "S", "transaction-code", "0S", "orig-sort-code", "08-64-00", "orig-account-number", "10000001",
			"originator-name", "EXAMPLE COLLECTIONS ", "original-proc-date", "2031-03-14", "reference", "R1", "reason-code", "V"),
		el("MessagingAdvice", "record-type", "A", "payment-frequency", "M", "reason-code", "1"),
	).render(styleUTF8))
	require.NoError(t, report.Err())
	require.Len(t, report.Advices, 2)
	a := report.Advices[0]
	assert.Equal(t, "0S", a.TransactionCode)
	assert.Equal(t, "0S", a.Instruction())
	assert.Equal(t, Account{SortCode: "086400", Number: "10000001", Name: "EXAMPLE COLLECTIONS"}, a.Originator)
	assert.Equal(t, ccr.Date{Year: 2031, Month: 3, Day: 14}, a.OriginalDate)
	assert.False(t, a.Reason().Known, "V was seen and is in no list")
	assert.Equal(t, "M", report.Advices[1].PaymentFrequency)

	rejected := (&FileAdvice{Report: KindAUDREJ, ErrorCode: "30410"}).Reason()
	assert.Contains(t, rejected.Meaning, "test status")
	assert.Equal(t, KindAUDREJ, rejected.Report)
}
