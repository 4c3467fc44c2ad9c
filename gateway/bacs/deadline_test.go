package bacs

import (
	"testing"

	"github.com/stretchr/testify/assert"

	"github.com/ccr-sdk/ccr"
)

func TestDeadlines(t *testing.T) {
	t.Parallel()
	claim := func(code, debit string) *Claim {
		c := &Claim{ReasonCode: code, Section: &ClaimSection{}}
		if debit != "" {
			c.Section.DateOfDebit = day(debit)
		}
		return c
	}
	returned := func(code, original string) *ReturnedDebit {
		return &ReturnedDebit{ReturnCode: code, OriginalDate: day(original)}
	}
	advice := func(kind Kind) *Advice { return &Advice{Report: kind, ReasonCode: "1"} }
	for name, tc := range map[string]struct {
		item     Reasoned
		reported string
		want     string // "" for none
		sure     Sure
		source   string
	}{
		"ADDACS: three working days":                        {advice(KindADDACS), "2026-03-16", "2026-03-19", SureVendor, "cleardebit.com"},
		"ADDACS, over Easter":                               {advice(KindADDACS), "2026-04-02", "2026-04-09", SureVendor, "cleardebit.com"},
		"ADDACS of a Saturday":                              {advice(KindADDACS), "2026-03-14", "2026-03-18", SureVendor, "cleardebit.com"},
		"ADDACS of no day":                                  {advice(KindADDACS), "", "", "", ""},
		"AUDDIS: three working days":                        {advice(KindAUDDIS), "2026-03-16", "2026-03-19", SureFair, "movimo.co.uk"},
		"AWACS: nothing public":                             {advice(KindAWACS), "2026-03-16", "", "", ""},
		"ARUDD 0: 30 days, not the month of 31":             {returned("0128", "2026-03-12"), "2026-03-16", "2026-04-08", SureDisputed, "accesspaysuite.com"},  // by Saturday 11 April: entered on the 10th
		"ARUDD 0: a month, not 30 days":                     {returned("0", "2026-02-10"), "2026-02-12", "2026-03-06", SureDisputed, "cleardirectdebit.co.uk"}, // by Tuesday 10 March
		"ARUDD 0 of 30 January: the month ends in February": {returned("0", "2026-01-30"), "2026-02-03", "2026-02-25", SureDisputed, "cleardirectdebit.co.uk"}, // by Saturday 28 February
		"ARUDD 0 of December":                               {returned("0", "2026-12-15"), "2026-12-17", "2027-01-12", SureDisputed, "cleardirectdebit.co.uk"}, // by 14 January, not the 15th
		"ARUDD 1: no re-presentation":                       {returned("1012", "2026-03-12"), "2026-03-16", "", "", ""},
		"ARUDD 0 of no day":                                 {&ReturnedDebit{ReturnCode: "0"}, "2026-03-16", "", "", ""},
		"DDIC: nine days after 14 working days before":      {claim("2", "2026-04-07"), "", "2026-03-25", SureDisputed, "cleardirectdebit.co.uk"}, // claimed on 16 March
		"DDIC, on a weekend the working day before":         {claim("2", "2026-04-09"), "", "2026-03-27", SureDisputed, "cleardirectdebit.co.uk"}, // claimed on 18 March: the 27th is a Friday
		"DDIC, reported earlier than that":                  {claim("2", "2026-04-07"), "2026-03-11", "2026-03-20", SureDisputed, "cleardirectdebit.co.uk"},
		"DDIC without a day of debit":                       {claim("2", ""), "2026-03-11", "2026-03-20", SureDisputed, "cleardirectdebit.co.uk"},
		"DDIC without any day":                              {claim("2", ""), "", "", "", ""},
		"DDIC without a section":                            {&Claim{ReasonCode: "2"}, "", "", "", ""},
		"DDIC 7: one's own claim":                           {claim("7", "2026-04-07"), "", "", "", ""},
		"DDIC, cancelled":                                   {&Claim{Cancelled: true, ReasonCode: "2"}, "2026-03-11", "", "", ""},
		"Input: nothing public":                             {&InputError{}, "2026-03-16", "", "", ""},
	} {
		var reported ccr.Date
		if tc.reported != "" {
			reported = day(tc.reported)
		}
		got, ok := Calendar{}.Deadline(tc.item, reported)
		assert.Equal(t, tc.want != "", ok, name)
		assert.Equal(t, tc.want, got.By.String(), name)
		assert.Equal(t, tc.sure, got.Sure, name)
		assert.Contains(t, got.Source, tc.source, name)
		assert.Equal(t, ok, got.Rule != "", name)
		assert.Empty(t, got.Warning, name)
	}
	late, ok := Calendar{}.Deadline(advice(KindADDACS), day("2027-12-31"))
	assert.True(t, ok)
	assert.Equal(t, "bank holidays of that year are forecast, not known", late.Warning)
}
