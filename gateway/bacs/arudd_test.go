package bacs

import (
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/ccr-sdk/ccr"
)

func TestARUDD(t *testing.T) {
	t.Parallel()
	report := mustParse(t, fixtureARUDD().render(styleLatin1))
	assert.Equal(t, Header{
		ReportType: "REFT1019", Number: "417", ServiceUser: ServiceUser{"901234", "EXAMPLE COLLECTIONS LTD"},
		Addressee: Addressee{Name: "EXAMPLE COLLECTIONS LTD"}, ProcessingDate: ccr.Date{Year: 2031, Month: 3, Day: 17}, Raw: report.Header.Raw,
	}, report.Header)
	require.Len(t, report.Returns, 3)
	d := report.Returns[0]
	amount, err := ccr.ParseAmount("9317.01")
	require.NoError(t, err)
	assert.Equal(t, &ReturnedDebit{
		Reference: "QREF000001", TransactionCode: "17", ReturnCode: "1012", ReturnDescription: "INSTRUCTION CANCELLED",
		OriginalDate: ccr.Date{Year: 2031, Month: 3, Day: 14}, Amount: amount, Currency: "GBP",
		Payer: Account{
			SortCode: "086421", Number: "73519001", Name: "Zoë " + markName + " & SON", Reference: "PAYER REF",
			BankName: "EXAMPLE BANK PLC", BranchName: "NOWHERE",
		},
		Originator: d.Originator, Raw: d.Raw,
	}, d)
	assert.Equal(t, "10000001", d.Originator.Number)
	assert.Same(t, d.Originator, report.Returns[1].Originator)
	assert.Equal(t, "10000002", report.Returns[2].Originator.Number)
	ref, _ := d.Raw.Attr("ref")
	assert.Equal(t, "QREF000001       ", ref, "the padding is in Raw")
	payer, ok := d.Raw.Child("PayerAccount")
	require.True(t, ok)
	code, _ := payer.Attr("sortCode")
	assert.Equal(t, "08-64-21", code)

	require.Len(t, report.ReturnTotals, 2)
	for _, total := range report.ReturnTotals {
		assert.True(t, total.Agree())
	}
	assert.Equal(t, Signature{Method: "Vanilla", Value: "bm90IGEgc2lnbmF0dXJl\nb2YgYW55Ym9keQ==", Raw: report.Signature.Raw}, report.Signature)

	a := d.Affected()
	assert.Equal(t, "QREF000001", a.Reference)
	assert.Equal(t, "9317.01", a.Amount.String())
	assert.Equal(t, d.Payer, a.Party)
}

func TestARUDDReasons(t *testing.T) {
	t.Parallel()
	for code, want := range map[string]struct {
		scheme          string
		known, inferred bool
	}{
		"1012": {"1", true, true}, "0128": {"0", true, true}, "B": {"B", true, false}, "Z999": {"Z", false, true}, "": {"", false, false}, "é12": {"é", false, true},
	} {
		d := ReturnedDebit{ReturnCode: code, ReturnDescription: "in their words"}
		r := d.Reason()
		assert.Equal(t, want.scheme, r.Code, code)
		assert.Equal(t, want.known, r.Known, code)
		assert.Equal(t, want.inferred, r.Inferred, code)
		assert.Equal(t, code, r.Raw)
		assert.Equal(t, "in their words", r.Text)
		assert.Equal(t, want.known, r.Meaning != "" && r.Action != "", code)
	}
	assert.Equal(t, "ARUDD 1012: the instruction has been cancelled (inferred)", (&ReturnedDebit{ReturnCode: "1012"}).Reason().String())
	assert.Equal(t, "ARUDD Z999: a code that is in no list", (&ReturnedDebit{ReturnCode: "Z999"}).Reason().String())
	assert.Equal(t, "ARUDD: no reason code", (&ReturnedDebit{}).Reason().String())
}

// Totals that do not fit what was read are told.
func TestReturnTotals(t *testing.T) {
	t.Parallel()
	read := func(kids ...node) *Report {
		return mustParse(t, bacsDocument("", el("ARUDD").with(el("Advice").with(el("OriginatingAccountRecords").with(
			el("OriginatingAccountRecord").with(kids...))))).render(styleUTF8))
	}
	item := func(value string) node { return el("ReturnedDebitItem", "valueOf", value) }
	totals := func(n, value string) node { return el("Totals", "numberOf", n, "valueOf", value) }
	for name, tc := range map[string]struct {
		kids  []node
		agree bool
		sum   string
		set   bool
	}{
		"one item alone":     {[]node{item("1.10"), totals("1", "1.1")}, true, "1.10", true},
		"an item is missing": {[]node{item("1.10"), totals("2", "2.20")}, false, "1.10", true},
		"the sum is off":     {[]node{item("1.10"), item("1.10"), totals("2", "2.21")}, false, "2.20", true},
		"unreadable":         {[]node{item("x"), totals("1", "1.00")}, false, "0", false},
		"no amount":          {[]node{item(""), totals("1", "0.00")}, false, "0", false},
		"half pence":         {[]node{item("0.005"), totals("1", "0.005")}, false, "0", false},
		"overflow":           {[]node{item("92233720368547758.07"), item("0.01"), totals("2", "92233720368547758.08")}, false, "0", false},
		"nothing":            {[]node{totals("0", "0.00")}, true, "0.00", true},
		"not stated":         {[]node{item("1.00")}, false, "1.00", true},
	} {
		report := read(tc.kids...)
		require.Len(t, report.ReturnTotals, 1, name)
		got := report.ReturnTotals[0]
		assert.Equal(t, tc.agree, got.Agree(), name)
		assert.Equal(t, tc.sum, got.ReadAmount.String(), name)
		assert.Equal(t, tc.set, got.ReadAmount.IsSet(), name)
	}

	// Totals of something else are not mistaken for those of an account.
	report := mustParse(t, []byte(`<BACSDocument><ARUDD><OriginatingAccountRecord><ReturnedDebitItem valueOf="1.00"/></OriginatingAccountRecord><Totals numberOf="9"/></ARUDD></BACSDocument>`))
	require.Len(t, report.ReturnTotals, 1)
	require.Len(t, report.Others, 1)
	assert.Equal(t, "BACSDocument/ARUDD/Totals", report.Others[0].Path)
}

// An item outside of any account record is an item all the same.
func TestARUDDWithoutAccountRecord(t *testing.T) {
	t.Parallel()
	report := mustParse(t, []byte(`<BACSDocument><ARUDD><OriginatingAccount number="1"/><ReturnedDebitItem ref="R" valueOf="2.00"/><Totals numberOf="1" valueOf="2.00"/></ARUDD></BACSDocument>`))
	require.Len(t, report.Returns, 1)
	assert.Equal(t, "1", report.Returns[0].Originator.Number)
	require.Len(t, report.ReturnTotals, 1)
	assert.True(t, report.ReturnTotals[0].Agree())
}
