package bacs

import (
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/ccr-sdk/ccr"
)

func TestDDIC(t *testing.T) {
	t.Parallel()
	report := mustParse(t, fixtureDDIC().render(styleLatin1))
	assert.Equal(t, "901234", report.Header.ServiceUser.Number)
	require.Len(t, report.Claims, 3)
	c := report.Claims[0]
	amount := func(s string) ccr.Amount {
		a, err := ccr.ParseAmount(s)
		require.NoError(t, err)
		return a
	}
	assert.Equal(t, &Claim{
		ServiceUser: "901234", Sequence: "1", PayingBankReference: "PBR1", Reference: "QREF000001", ReasonCode: "2", ReasonMeaning: "in the bank's words",
		Payer: Account{SortCode: "086421", Number: "73519001", Name: "Zoë " + markName}, Amount: amount("19317.00"),
		Collections: []Collection{
			{Date: ccr.Date{Year: 2031, Month: 1, Day: 2}, Amount: amount("9317.00")},
			{Date: ccr.Date{Year: 2031, Month: 2, Day: 2}, Amount: amount("10000.00")},
		},
		Section: c.Section, Raw: c.Raw,
	}, c)
	assert.Equal(t, "no advance notice was received, or the amount is disputed", c.Reason().Meaning)
	assert.Equal(t, "in the bank's words", c.Reason().Text)
	assert.Equal(t, ccr.Date{Year: 2031, Month: 4, Day: 2}, c.Affected().Date, "the day the money is taken")
	assert.True(t, (&Claim{}).Affected().Date.IsZero())

	assert.Empty(t, report.Claims[1].Reference, "a bank may leave it empty")
	assert.True(t, report.Claims[2].Cancelled)
	require.Len(t, report.ClaimSections, 2)
	assert.Same(t, report.ClaimSections[0], c.Section)
	for _, s := range report.ClaimSections {
		assert.True(t, s.Agree())
	}
	assert.True(t, report.ClaimSections[1].Cancellations)
}

// A single collection may stand without an element around it, a claim without
// a section.
func TestDDICLooseForms(t *testing.T) {
	t.Parallel()
	report := mustParse(t, []byte(`<VocaDocument><Data><Document><DDICAdvice><TotalAmount>1.00</TotalAmount><DDCollections>`+
		`<DateOfDirectDebit>2031-01-02</DateOfDirectDebit><Amount>1.00</Amount></DDCollections></DDICAdvice></Document>`+
		`<Document><ServiceUserNumber> 901235 </ServiceUserNumber><NewAdvices><TotalValueOfDebits>2.00</TotalValueOfDebits>`+
		`<DDICAdvice><TotalAmount>1.00</TotalAmount></DDICAdvice></NewAdvices></Document></Data></VocaDocument>`))
	require.Len(t, report.Claims, 2)
	require.Len(t, report.Claims[0].Collections, 1)
	assert.Equal(t, "1.00", report.Claims[0].Collections[0].Amount.String())
	assert.Empty(t, report.Claims[0].ServiceUser)
	assert.Equal(t, "901235", report.Claims[1].ServiceUser)
	require.Len(t, report.ClaimSections, 2)
	assert.False(t, report.ClaimSections[0].Agree(), "no total is stated")
	assert.False(t, report.ClaimSections[1].Agree(), "a claim is missing")
}
