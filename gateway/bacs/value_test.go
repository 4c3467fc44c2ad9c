package bacs

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/ccr-sdk/ccr"
)

func TestAmounts(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]string{
		"10.00": "10.00", "0.10": "0.10", " 10.00 ": "10.00", "1,234.56": "1234.56", "12,345,678.90": "12345678.90", "1,000": "1000",
		"£10.00": "10.00", "£ 1,000.00": "1000.00", "Â£10.00": "10.00", "$5": "5", "€0.01": "0.01", "?7.50": "7.50", "#7.50": "7.50", "œ7.50": "7.50", "\ufffd7.50": "7.50", "-£5.00": "-5.00", "£-5.00": "-5.00", "-5.00": "-5.00",
		".50": "0.50", "00012.50": "12.50", "0": "0", "0.00": "0.00", "123456789012345678901234567890.12": "123456789012345678901234567890.12",
	} {
		rd := reading{where: "X"}
		got := rd.amount("v", text)
		assert.Empty(t, rd.faults, text)
		assert.True(t, got.IsSet(), text)
		assert.Equal(t, want, got.String(), text)
	}
	for _, text := range []string{
		"1.234,56", "1,23", "1,2345", ",123", "12,34,567", "1234,567", "10.", "ten", "GBP10", "10GBP", "£", "-", "--5", "£$5", "1e3", "0x10", "10.0.0", "1 000", "+5", "５",
		strings.Repeat("9", 100),
	} {
		rd := reading{where: "X"}
		got := rd.amount("v", text)
		assert.False(t, got.IsSet(), text)
		assert.Equal(t, []ccr.FieldError{{Path: "X@v", Message: "is not a decimal amount"}}, rd.faults, text)
	}
	rd := reading{}
	assert.False(t, rd.amount("v", "  ").IsSet())
	assert.Empty(t, rd.faults, "an empty amount is absent")
}

func TestSortCodes(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]string{"12-34-56": "123456", "123456": "123456", " 12-34-56 ": "123456", "12 34 56": "123456", "": "", "00-00-00": "000000"} {
		rd := reading{where: "X"}
		assert.Equal(t, want, rd.sortCode("s", text), text)
		assert.Empty(t, rd.faults, text)
	}
	for _, text := range []string{"12345", "1234567", "12-34 56", "ABCDEF", "12-3A-56", "123-456", "1-2-3456"} {
		rd := reading{where: "X"}
		assert.Equal(t, text, rd.sortCode("s", text), "kept as it is")
		assert.Len(t, rd.faults, 1, text)
	}
	assert.Equal(t, "12-34-56", Account{SortCode: "123456"}.DashedSortCode())
	assert.Equal(t, "12345", Account{SortCode: "12345"}.DashedSortCode())
	assert.True(t, Account{}.IsZero())
}

func TestDatesTimesAndCounts(t *testing.T) {
	t.Parallel()
	rd := reading{where: "X"}
	assert.Equal(t, ccr.Date{Year: 2031, Month: 3, Day: 17}, rd.date("d", " 2031-03-17 "))
	assert.Equal(t, ccr.Date{Year: 2031, Month: 3, Day: 17}, rd.date("d", "2031-03-17T00:00:00"))
	assert.Equal(t, ccr.Date{Year: 2018, Month: 1, Day: 30}, rd.labelDate("d", " 18030"))
	assert.Equal(t, ccr.Date{Year: 2018, Month: 1, Day: 30}, rd.labelDate("d", "2018-01-30"))
	assert.Equal(t, "11:16:43", rd.clock("t", "11:16:43"))
	assert.Equal(t, "11:16:00", rd.clock("t", " 11:16"))
	assert.Equal(t, int64(1234567), rd.count("n", "1,234,567"))
	assert.Equal(t, int64(7), rd.count("n", " 007"))
	assert.Zero(t, rd.count("n", ""))
	assert.True(t, rd.date("d", "").IsZero())
	assert.Empty(t, rd.clock("t", ""))
	require.Empty(t, rd.faults)

	assert.True(t, rd.date("d", "17/03/2031").IsZero(), "day and month could be either way round")
	assert.True(t, rd.date("d", "2031-02-30").IsZero())
	assert.True(t, rd.labelDate("d", "18400").IsZero())
	assert.Empty(t, rd.clock("t", "25:00:00"))
	assert.Zero(t, rd.count("n", "-1"))
	assert.Zero(t, rd.count("n", "1.5"))
	assert.Zero(t, rd.count("n", "99999999999999999999"))
	assert.Len(t, rd.faults, 7)

	filler := reading{where: "X", filler: true}
	assert.True(t, filler.date("d", "0").IsZero())
	assert.Empty(t, filler.text("0"))
	assert.Equal(t, "00", filler.text("00"))
	assert.Equal(t, int64(0), filler.count("n", "0"))
	assert.Empty(t, filler.faults)
}

// Every value of a report that cannot be read is named, none is quoted.
func TestFaultsNameThePlace(t *testing.T) {
	t.Parallel()
	doc := `<BACSDocument><Data><ARUDD><Header currentProcessingDate="QREF"/><Advice><OriginatingAccountRecords><OriginatingAccountRecord>` +
		`<OriginatingAccount sortCode="QREF"/>` +
		`<ReturnedDebitItem valueOf="1.00"/>` +
		`<ReturnedDebitItem valueOf="QREF" originalProcessingDate="QREF"><PayerAccount sortCode="QREF"/></ReturnedDebitItem>` +
		`<Totals numberOf="QREF" valueOf="QREF"/></OriginatingAccountRecord></OriginatingAccountRecords></Advice></ARUDD></Data></BACSDocument>`
	report := mustParse(t, []byte(doc))
	err := report.Err()
	require.ErrorIs(t, err, ccr.ErrContract)
	for _, path := range []string{
		"Header@currentProcessingDate", "OriginatingAccount[0]@sortCode", "ReturnedDebitItem[1]@valueOf", "ReturnedDebitItem[1]@originalProcessingDate",
		"ReturnedDebitItem[1]/PayerAccount@sortCode", "Totals[0]@numberOf", "Totals[0]@valueOf",
	} {
		assert.Contains(t, err.Error(), path)
	}
	assert.NotContains(t, err.Error(), "QREF")
	assert.Empty(t, report.Returns[0].Faults)
	require.Len(t, report.Returns[1].Faults, 3)
	raw, _ := report.Returns[1].Raw.Attr("valueOf")
	assert.Equal(t, "QREF", raw, "the text is in Raw")
	assert.False(t, report.Returns[1].Amount.IsSet())
	assert.Len(t, report.ReturnTotals[0].Faults, 3)
	assert.False(t, report.ReturnTotals[0].Agree())

	r, err := NewReader(strings.NewReader(doc))
	require.NoError(t, err)
	for _, err := range r.All() {
		require.NoError(t, err)
	}
	assert.Equal(t, strings.Replace(report.Err().Error(), "Parse", "Read", 1), r.Err().Error())
}
