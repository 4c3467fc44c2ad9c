package bacs_test

import (
	"bytes"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/ccr-sdk/ccr"
	"github.com/ccr-sdk/ccr/ccrtest/bacssample"
	"github.com/ccr-sdk/ccr/gateway/bacs"
)

// samples parses the samples of some kinds.
func samples(t testing.TB, kinds ...string) []*bacs.Report {
	t.Helper()
	var list []*bacs.Report
	for _, s := range bacssample.Of(kinds...) {
		report, err := bacs.Parse(bytes.NewReader(s.Data))
		require.NoError(t, err, s.Name)
		require.NoError(t, report.Err(), s.Name)
		list = append(list, report)
	}
	return list
}

// lines writes decisions for comparison.
func lines(list []bacs.Decision) []string {
	var out []string
	for _, d := range list {
		line := d.Reference
		for _, s := range d.Steps {
			line += " | " + string(s.Do)
			if !s.Deadline.By.IsZero() {
				line += " by " + s.Deadline.By.String()
			}
			if !s.Account.IsZero() {
				line += " " + s.Account.SortCode + " " + s.Account.Number
			}
			if s.Name != "" {
				line += " " + s.Name
			}
			if s.Amount.IsSet() {
				line += " " + s.Amount.String()
			}
			for _, e := range s.Because {
				line += fmt.Sprintf(" (%s#%d)", e.Report, e.Record)
			}
		}
		out = append(out, line)
	}
	return out
}

// What the samples of all kinds ask for, worked out by hand from the reports.
func TestWorklist(t *testing.T) {
	t.Parallel()
	want := []string{
		" | look at it (AUDREJ#1)",
		" | look at it (Input#1)", // the file that was not taken; it lists no item
		" | refund taken by 2026-03-25 1200.00 (DDIC#1)",
		// Returned unpaid, cancelled, and claimed back by a bank that left the reference empty.
		"LOAN-000001 | stop collecting by 2026-03-20 (DDIC#2) (ARUDD#1) (ADDACS#1) | refund taken by 2026-03-25 60.00 (DDIC#2)",
		"LOAN-000002 | stop collecting (ARUDD#2)",
		"LOAN-000003 | stop collecting (ARUDD#3)",
		"LOAN-000004 | re-present by 2026-04-08 75.00 (ARUDD#1)",
		"LOAN-000005 | stop collecting by 2026-03-20 (ADDACS#2)",
		"LOAN-000006 | look at it by 2026-03-20 (ADDACS#3)",
		"LOAN-000007 | use the new account by 2026-03-20 000099 20000007 (ADDACS#1)",
		"LOAN-000008 | use the new account by 2026-03-20 000098 20000008 (ADDACS#2)",
		"LOAN-000009 | use the new payer name by 2026-03-20 PAYER 9 & CO (ADDACS#3)",
		"LOAN-000010 | stop collecting by 2026-03-20 (ADDACS#4)", // moved, and no new details
		"LOAN-000011 | stop collecting by 2026-03-20 (AUDDIS#1)",
		"LOAN-000012 | look at it by 2026-03-20 (AUDDIS#2)", // a cancellation was returned
		"LOAN-000013 | look at it by 2026-03-20 (AUDDIS#3)", // reason V
		"LOAN-000014 | lodge again by 2026-03-20 (AUDDIS#4)",
		"LOAN-000015 | use the new account 000099 20000015 (AWACS#1)",
		"LOAN-000016 | use the new account 000099 20000016 (AWACS#2)",
		"LOAN-000018 | look at it (DDIC#1)", // the claim is withdrawn
		"LOAN-000019 | lodge again (Input#1)",
	}
	const stop, look, lodge = "stop collecting", "look at it", "lodge again"
	for i, do := range []string{stop, stop, stop, stop, stop, look, look, "", look} { // 0 1 2 3 B C D E R
		if line := fmt.Sprintf("LOAN-%06d | %s by 2026-03-20 (ADDACS#%d)", 100+i, do, i+1); do != "" {
			want = append(want, line)
		} else {
			want = append(want, "LOAN-000107 | use the new payer name by 2026-03-20 PAYER 107 & CO (ADDACS#8)")
		}
	}
	for i, do := range []string{ // 1 2 3 5 6 7 B C F G H I K L M N O P Q
		stop, stop, stop, stop, lodge, lodge, stop, look, lodge, stop, lodge, lodge, stop, lodge, lodge, stop, lodge, lodge, lodge,
	} {
		want = append(want, fmt.Sprintf("LOAN-%06d | %s by 2026-03-20 (AUDDIS#%d)", 200+i, do, i+1))
	}
	var cal bacs.Calendar
	got := cal.Worklist(samples(t)...)
	assert.Equal(t, want, lines(got))
	for _, d := range got {
		assert.Equal(t, "901234", d.ServiceUser)
		for _, s := range d.Steps {
			require.NotEmpty(t, s.Because)
			for _, e := range s.Because {
				assert.NotNil(t, e.Item)
			}
		}
	}

	// The order of reports, and reports that come twice, make no difference.
	for seed := range uint64(20) {
		again := append(samples(t), samples(t)...)
		rand.New(rand.NewPCG(seed, 1)).Shuffle(len(again), func(i, j int) { again[i], again[j] = again[j], again[i] }) //nolint:gosec // to be the same each time
		require.Equal(t, want, lines(cal.Worklist(again...)), seed)
	}
	assert.Empty(t, cal.Worklist(nil))
}

// report makes one of advices, each "kind reference code" on a day.
func advices(day int, items ...string) *bacs.Report {
	r := &bacs.Report{Kind: bacs.KindADDACS}
	r.Header.ProducedDate = ccr.Date{Year: 2026, Month: 3, Day: day}
	for i, item := range items {
		f := strings.Fields(item)
		a := &bacs.Advice{Report: bacs.Kind(f[0]), Reference: f[1], ReasonCode: f[2], UserNumber: "901234"}
		if len(f) > 3 {
			a.NewAccount = bacs.Account{SortCode: "000099", Number: f[3]}
		}
		a.Raw.Name = fmt.Sprint(item, i, day) // as if each was written differently
		r.Advices = append(r.Advices, a)
	}
	return r
}

func unpaid(day int, reference, code, amount string, more ...string) *bacs.Report {
	r := &bacs.Report{Kind: bacs.KindARUDD}
	r.Header.ServiceUser.Number = "901234"
	r.Header.ProcessingDate = ccr.Date{Year: 2026, Month: 3, Day: day}
	for _, amount := range append([]string{amount}, more...) {
		d := &bacs.ReturnedDebit{Reference: reference, ReturnCode: code, OriginalDate: ccr.Date{Year: 2026, Month: 3, Day: 2}}
		d.Amount, _ = ccr.ParseAmount(amount)
		d.Raw.Name, d.Raw.Text = "ReturnedDebitItem", fmt.Sprint(reference, code, amount)
		r.Returns = append(r.Returns, d)
	}
	return r
}

// Where records contradict each other, the more careful one counts.
func TestWorklistConflicts(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		reports []*bacs.Report
		want    []string
	}{
		"unpaid, then cancelled":     {[]*bacs.Report{unpaid(9, "R1", "0128", "5.00"), advices(10, "ADDACS R1 1")}, []string{"R1 | stop collecting by 2026-03-13 (ARUDD#1) (ADDACS#1)"}},
		"cancelled, then unpaid":     {[]*bacs.Report{unpaid(11, "R1", "0128", "5.00"), advices(10, "ADDACS R1 1")}, []string{"R1 | stop collecting by 2026-03-13 (ADDACS#1) | look at it (ARUDD#1)"}},
		"cancelled, then reinstated": {[]*bacs.Report{advices(10, "ADDACS R1 1"), advices(11, "ADDACS R1 R")}, []string{"R1 | look at it by 2026-03-13 (ADDACS#1) (ADDACS#1)"}},
		"both on one day":            {[]*bacs.Report{advices(10, "ADDACS R1 1", "ADDACS R1 R")}, []string{"R1 | stop collecting by 2026-03-13 (ADDACS#1) | look at it by 2026-03-13 (ADDACS#2)"}},
		"reinstated, then cancelled": {[]*bacs.Report{advices(11, "ADDACS R1 1"), advices(10, "ADDACS R1 R")}, []string{"R1 | stop collecting by 2026-03-16 (ADDACS#1) | look at it by 2026-03-13 (ADDACS#1)"}},
		"reinstated, then unpaid":    {[]*bacs.Report{advices(9, "ADDACS R1 1"), advices(10, "ADDACS R1 R"), unpaid(11, "R1", "0", "5.00")}, []string{"R1 | look at it by 2026-03-12 (ADDACS#1) (ADDACS#1) | re-present by 2026-03-30 5.00 (ARUDD#1)"}},
		"two new accounts":           {[]*bacs.Report{advices(10, "ADDACS R1 3 20000001"), advices(11, "ADDACS R1 3 20000002")}, []string{"R1 | use the new account by 2026-03-13 000099 20000002 (ADDACS#1) (ADDACS#1)"}},
		"two of one day":             {[]*bacs.Report{advices(10, "ADDACS R1 3 20000001", "ADDACS R1 3 20000002")}, []string{"R1 | look at it by 2026-03-13 (ADDACS#1) (ADDACS#2)"}},
		"moved and unpaid":           {[]*bacs.Report{advices(10, "ADDACS R1 3 20000001"), unpaid(11, "R1", "0", "5.00")}, []string{"R1 | use the new account by 2026-03-13 000099 20000001 (ADDACS#1) | re-present by 2026-03-30 5.00 (ARUDD#1)"}},
		"the same debit twice":       {[]*bacs.Report{unpaid(11, "R1", "0", "5.00", "5.00")}, []string{"R1 | re-present by 2026-03-30 10.00 (ARUDD#1) (ARUDD#2)"}},
		"an amount is not known":     {[]*bacs.Report{unpaid(11, "R1", "0", "5.00", "x")}, []string{"R1 | re-present by 2026-03-30 (ARUDD#1) (ARUDD#2)"}},
		"no list has the code":       {[]*bacs.Report{advices(10, "ADDACS R1 Z", "AUDDIS R2 V")}, []string{"R1 | look at it by 2026-03-13 (ADDACS#1)", "R2 | look at it by 2026-03-13 (AUDDIS#2)"}},
	} {
		assert.Equal(t, tc.want, lines(bacs.Calendar{}.Worklist(tc.reports...)), name)
		slices.Reverse(tc.reports)
		assert.Equal(t, tc.want, lines(bacs.Calendar{}.Worklist(append(tc.reports, tc.reports...)...)), name)
	}

	faulty := unpaid(11, "R1", "0", "5.00")
	faulty.Returns[0].Faults = []ccr.FieldError{{Path: "x"}}
	assert.Equal(t, []string{"R1 | look at it by 2026-03-30 (ARUDD#1) | re-present by 2026-03-30 5.00 (ARUDD#1)"}, lines(bacs.Calendar{}.Worklist(faulty)))
}

// A decision prints what to do and to nobody whom it is about.
func TestWorklistPrintsNobody(t *testing.T) {
	t.Parallel()
	list := bacs.Calendar{}.Worklist(samples(t)...)
	text := fmt.Sprintf("%v %+v %#v %d", list, list, list, list)
	for _, d := range list {
		for _, s := range d.Steps {
			text += fmt.Sprintf("%v %+v %#v", s, s, s)
			for _, e := range s.Because {
				text += fmt.Sprintf("%v %+v %#v", e, e, e)
			}
		}
	}
	for _, report := range samples(t) {
		for _, r := range report.Rows(bacs.RowOptions{Unmasked: true}) {
			text += fmt.Sprintf("%v %+v %#v %d", r, r, r, r)
		}
	}
	for _, mark := range []string{"LOAN", "PAYER", "2000000", "1000000", "75.00"} {
		assert.NotContains(t, text, mark)
	}
	assert.Contains(t, text, "decision: stop collecting, refund taken")
	assert.Contains(t, text, "ADDACS 1: the payer has cancelled the instruction; record 1 of report 33")
}

func TestRows(t *testing.T) {
	t.Parallel()
	report := samples(t, "ARUDD")[0]
	rows := report.Rows(bacs.RowOptions{File: "a.xml"})
	require.Len(t, rows, 3)
	amount, err := ccr.ParseAmount("1020.50")
	require.NoError(t, err)
	assert.Equal(t, bacs.Row{
		Kind: bacs.KindARUDD, Reference: "********001", Amount: amount, Currency: "GBP", Date: ccr.Date{Year: 2026, Month: 3, Day: 12}, Code: "0128",
		Reason: "refer to payer; mostly there was not enough money in the account",
		Action: "Talk to the payer. The same amount may be collected again within a month as a re-presentation (transaction code 18).",
		By:     ccr.Date{Year: 2026, Month: 4, Day: 8}, Sure: bacs.SureDisputed, File: "a.xml", Record: 1,
	}, rows[0])
	assert.True(t, rows[1].By.IsZero())
	assert.Equal(t, 3, rows[2].Record)
	assert.Equal(t, "LOAN-000001", report.Rows(bacs.RowOptions{Unmasked: true})[0].Reference)

	short := unpaid(11, "R1", "\x00bad code!", "5.00")
	assert.Equal(t, "**", short.Rows(bacs.RowOptions{})[0].Reference)
	assert.Empty(t, short.Rows(bacs.RowOptions{})[0].Code)
	for _, report := range samples(t) {
		n := 0
		for range report.Reasoned() {
			n++
		}
		assert.Len(t, report.Rows(bacs.RowOptions{}), n)
	}
}
