package files_test

import (
	"bytes"
	"encoding/binary"
	"flag"
	"fmt"
	"os"
	"strings"
	"testing"
	"unicode/utf16"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/ccr-sdk/ccr"
	"github.com/ccr-sdk/ccr/accounts/files"
)

var update = flag.Bool("update", false, "rewrite the column table in doc.go")

// TestColumnContract: no column is lost without a word, whatever is ignored.
func TestColumnContract(t *testing.T) {
	t.Parallel()
	const good = "ClientReference,InvoiceNumber,amount_owed,due_on,Status,Colour\nC-1,IN-1,12.50,2026-01-02,Active,red\n"
	mapped := func(headers map[string]string) files.ReadOptions {
		return files.ReadOptions{Headers: headers, IgnoreUnknown: true}
	}
	cases := map[string]struct {
		file string
		o    files.ReadOptions
		want []string // all in the error; none: good
	}{
		"mapped": {good, mapped(map[string]string{"OutstandingAmount": "Amount Owed", "DueDate": "due_on"}), nil},
		"a mapped header that is not there": {
			good, mapped(map[string]string{"OutstandingAmount": "amount_due", "DueDate": "due_on"}),
			[]string{"Headers[OutstandingAmount]", `"amount_due", which the file does not have`, `did you mean "amount_owed"?`},
		},
		"two columns for one header": {
			good, mapped(map[string]string{"OutstandingAmount": "amount_owed", "MinimumOfferAmount": "amount_owed"}),
			[]string{"Headers[OutstandingAmount]", "mapped to MinimumOfferAmount already"},
		},
		"a header mapped, and the standard one there": {
			"ClientReference,InvoiceNumber,OutstandingAmount,owed,Status\n", mapped(map[string]string{"OutstandingAmount": "owed"}),
			[]string{`column 4 "owed" is the second for OutstandingAmount, after "OutstandingAmount"`},
		},
		"a required column": {
			good, mapped(map[string]string{"DueDate": "due_on"}),
			[]string{"column OutstandingAmount is not in the file", "Optional"},
		},
		"an excused one": {good, files.ReadOptions{IgnoreUnknown: true, Optional: []string{"OutstandingAmount"}}, nil},
		"an excuse of what is no column": {
			good, files.ReadOptions{IgnoreUnknown: true, Optional: []string{"Outstanding"}}, []string{`Optional names "Outstanding"`},
		},
		"an excuse of the reference": {
			"InvoiceNumber,OutstandingAmount,Status\n", files.ReadOptions{Optional: []string{"ClientReference"}}, []string{`Optional names "ClientReference"`},
		},
		"an unknown column": {
			"ClientReference,InvoiceNumber,OutstandingAmount,Status,Segmnt\n", files.ReadOptions{},
			[]string{`column 5 "Segmnt" is not known`, `did you mean "Segment"?`},
		},
		"another delimiter told": {
			"ClientReference;InvoiceNumber;OutstandingAmount;Status\n", files.ReadOptions{Comma: ','}, []string{"Is the delimiter ';'?"},
		},
		"no header":                {"C-1,IN-1,5,Active\n", files.ReadOptions{IgnoreUnknown: true}, []string{"has no known column"}},
		"an XLSX":                  {"PK\x03\x04xxxx", files.ReadOptions{}, []string{"a spreadsheet (XLSX) or an archive"}},
		"binary":                   {"Client\x00\x00\x00\x00Reference,x\n", files.ReadOptions{}, []string{"zero bytes"}},
		"an encoding that is none": {good, files.ReadOptions{Encoding: "EBCDIC"}, []string{"EBCDIC"}},
		"a delimiter that is none": {good, files.ReadOptions{Comma: '"'}, []string{"Comma"}},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			_, err := files.NewAccountReader(strings.NewReader(c.file), c.o)
			if c.want == nil {
				require.NoError(t, err)
				return
			}
			require.Error(t, err)
			var e *ccr.Error
			require.ErrorAs(t, err, &e)
			assert.Equal(t, ccr.OutcomeNotSent, e.Outcome)
			for _, want := range c.want {
				assert.Contains(t, err.Error(), want)
			}
			assert.NotContains(t, err.Error(), "C-1", "the first row of a file without a header is data")
		})
	}
	r, err := files.NewAccountReader(strings.NewReader(good), mapped(map[string]string{"OutstandingAmount": "amount_owed", "DueDate": "due_on"}))
	require.NoError(t, err)
	c := r.Columns()
	assert.Equal(t, []string{"ClientReference", "InvoiceNumber", "amount_owed", "due_on", "Status", "Colour"}, c.Found)
	assert.Equal(t, map[string]string{"ClientReference": "ClientReference", "InvoiceNumber": "InvoiceNumber", "amount_owed": "OutstandingAmount", "due_on": "DueDate", "Status": "Status"}, c.Mapped)
	assert.Equal(t, []string{"Colour"}, c.Ignored)
	assert.Contains(t, c.Missing, "LastName")
	assert.Equal(t, files.UTF8, c.Encoding)
	assert.Equal(t, ',', c.Comma)
	rows, errs := gather(r.All())
	require.Empty(t, errs)
	assert.Equal(t, "12.50", rows[0].Value.OutstandingAmount.String())
	assert.Equal(t, "2026-01-02", rows[0].Value.DueDate.String())
}

// TestRealFiles: encodings, delimiters, line ends and amounts as exports have them.
func TestRealFiles(t *testing.T) {
	t.Parallel()
	utf16File := func(s string, order binary.ByteOrder, bom bool) string {
		var b bytes.Buffer
		if bom {
			s = "\ufeff" + s
		}
		for _, u := range utf16.Encode([]rune(s)) {
			_ = binary.Write(&b, order, u)
		}
		return b.String()
	}
	const head, last = "ClientReference,InvoiceNumber,OutstandingAmount,Status,LastName\n", "C-1,IN-1,12.50,Active,Zoë “Z” €\n"
	cases := map[string]struct {
		file     string
		o        files.ReadOptions
		encoding files.Encoding
		name     string
		amount   string
	}{
		"UTF-8":                  {head + last, files.ReadOptions{}, files.UTF8, "Zoë “Z” €", "12.50"},
		"UTF-8 with a mark":      {"\ufeff" + head + last, files.ReadOptions{}, files.UTF8, "Zoë “Z” €", "12.50"},
		"UTF-16LE":               {utf16File(head+last, binary.LittleEndian, true), files.ReadOptions{}, files.UTF16LE, "Zoë “Z” €", "12.50"},
		"UTF-16BE":               {utf16File(head+last, binary.BigEndian, true), files.ReadOptions{}, files.UTF16BE, "Zoë “Z” €", "12.50"},
		"UTF-16LE without mark":  {utf16File(head+"C-1,IN-1,12.50,Active,Zoë\n", binary.LittleEndian, false), files.ReadOptions{}, files.UTF16LE, "Zoë", "12.50"},
		"UTF-16BE, told":         {utf16File(head+last, binary.BigEndian, false), files.ReadOptions{Encoding: files.UTF16BE}, files.UTF16BE, "Zoë “Z” €", "12.50"},
		"Windows-1252, found":    {head + "C-1,IN-1,12.50,Active,Zo\xeb \x93Z\x94 \x80\n", files.ReadOptions{}, files.Windows1252, "Zoë “Z” €", "12.50"},
		"Windows-1252, told":     {head + "C-1,IN-1,12.50,Active,Zoe\n", files.ReadOptions{Encoding: files.Windows1252}, files.Windows1252, "Zoe", "12.50"},
		"ISO-8859-1, told":       {head + "C-1,IN-1,12.50,Active,Zo\xeb\n", files.ReadOptions{Encoding: files.ISO88591}, files.ISO88591, "Zoë", "12.50"},
		"semicolons":             {strings.ReplaceAll(head+last, ",", ";"), files.ReadOptions{}, files.UTF8, "Zoë “Z” €", "12.50"},
		"tabs":                   {strings.ReplaceAll(head+last, ",", "\t"), files.ReadOptions{}, files.UTF8, "Zoë “Z” €", "12.50"},
		"bars and CRLF":          {strings.ReplaceAll(strings.ReplaceAll(head+last, ",", "|"), "\n", "\r\n"), files.ReadOptions{}, files.UTF8, "Zoë “Z” €", "12.50"},
		"a delimiter in quotes":  {`ClientReference,InvoiceNumber,"OutstandingAmount",Status,"Last;;;;;;Name"` + "\nC-1,IN-1,12.50,Active,x\n", files.ReadOptions{}, files.UTF8, "x", "12.50"},
		"a quoted newline":       {head + "C-1,IN-1,12.50,Active,\"a\r\nb\"\r\n", files.ReadOptions{}, files.UTF8, "a\nb", "12.50"},
		"a decimal comma":        {"ClientReference;InvoiceNumber;OutstandingAmount;Status;LastName\nC-1;IN-1;12,50;Active;x\n", files.ReadOptions{DecimalComma: true}, files.UTF8, "x", "12.50"},
		"a decimal comma, dots":  {"ClientReference;InvoiceNumber;OutstandingAmount;Status;LastName\nC-1;IN-1;1.234.567,50;Active;x\n", files.ReadOptions{DecimalComma: true}, files.UTF8, "x", "1234567.50"},
		"a decimal comma, whole": {"ClientReference;InvoiceNumber;OutstandingAmount;Status;LastName\nC-1;IN-1;1.234;Active;x\n", files.ReadOptions{DecimalComma: true}, files.UTF8, "x", "1234"},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r, err := files.NewAccountReader(strings.NewReader(c.file), c.o)
			require.NoError(t, err)
			assert.Equal(t, c.encoding, r.Columns().Encoding)
			rows, errs := gather(r.All())
			require.Empty(t, errs)
			require.Len(t, rows, 1)
			assert.Equal(t, c.name, rows[0].Value.Debtor.LastName)
			assert.Equal(t, c.amount, rows[0].Value.OutstandingAmount.String())
		})
	}
}

// TestNothingIsGarbled: text that is not in the encoding of the file, and
// amounts in another notation, are faults.
func TestNothingIsGarbled(t *testing.T) {
	t.Parallel()
	const head = "ClientReference,InvoiceNumber,OutstandingAmount,Status,LastName\n"
	ascii := head + strings.Repeat("C-0,IN-1,1,Active,Zoe\n", 4000) // beyond what is looked at
	for name, c := range map[string]struct {
		file string
		o    files.ReadOptions
		want string
	}{
		"Windows-1252 far behind":      {ascii + "C-9,IN-1,1,Active,Zo\xeb\n", files.ReadOptions{}, "debtor.lastName is not valid UTF-8; set Encoding"},
		"undefined in Windows-1252":    {head + "C-9,IN-1,1,Active,\x81\xeb\n", files.ReadOptions{}, "Windows-1252 does not define"},
		"half a character":             {"\xff\xfe" + strings.Join(strings.Split(head+"C-9,IN-1,1,Active,", ""), "\x00") + "\x00\x00\xd8\n\x00", files.ReadOptions{}, "not valid UTF-16"},
		"a comma in an amount":         {head + "C-9,IN-1,\"1,234.50\",Active,x\n", files.ReadOptions{}, "outstandingAmount is not a decimal amount"},
		"a point by decimal comma":     {head + "C-9,IN-1,12.50,Active,x\n", files.ReadOptions{DecimalComma: true}, "outstandingAmount is not a decimal amount"},
		"groups of two":                {head + "C-9,IN-1,\"12.34.567,00\",Active,x\n", files.ReadOptions{DecimalComma: true}, "outstandingAmount is not a decimal amount"},
		"a long group":                 {head + "C-9,IN-1,\"1234.567,00\",Active,x\n", files.ReadOptions{DecimalComma: true}, "outstandingAmount is not a decimal amount"},
		"quotes within, as Excel does": {head + "C-9,IN-1,1,Active,\xe9\"\"\n", files.ReadOptions{}, "mend the quotes"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r, err := files.NewAccountReader(strings.NewReader(c.file), c.o)
			require.NoError(t, err)
			_, errs := gather(r.All())
			require.Len(t, errs, 1)
			assert.ErrorContains(t, errs[0], c.want)
		})
	}
}

// TestAFaultyRowKeepsItsIdentity: line, reference, and all faults at once,
// those that Validate finds included.
func TestAFaultyRowKeepsItsIdentity(t *testing.T) {
	t.Parallel()
	file := "ClientReference,InvoiceNumber,AmountDue,DueDate,Status,LastName\n" +
		"C-1,IN-1,1,2026-01-01,Active,\"a\nb\"\n" +
		"C-2,IN-2,secret,30.02.2026,,Doe\n" +
		strings.Repeat("x", 151) + ",IN-3,?,2026-01-01,Active,\n" +
		"C-4,IN-4,1\n" +
		"C-1,IN-5,1,,Active,Doe\n"
	r, err := files.NewAccountReader(strings.NewReader(file), files.ReadOptions{File: "debtors.csv", Headers: map[string]string{"OutstandingAmount": "AmountDue"}, Unique: true})
	require.NoError(t, err)
	var got []string
	for row, err := range r.All() {
		assert.Equal(t, "debtors.csv", row.File)
		if err == nil {
			continue
		}
		got = append(got, fmt.Sprintf("%d %.5s %v", row.Line, row.Value.ClientReferenceID, paths(t, err)))
		require.ErrorContains(t, err, fmt.Sprintf("line %d of debtors.csv", row.Line))
		assert.NotContains(t, err.Error(), "secret")
		assert.NotContains(t, err.Error(), "Doe")
	}
	assert.Equal(t, []string{
		"4 C-2 [account.outstandingAmount account.dueDate]",
		"5 xxxxx [account.outstandingAmount account.clientReferenceId account.debtor]",
		"6 C-4 [account]",
		"7 C-1 [account.clientReferenceId]",
	}, got)
}

func TestUniqueIsBounded(t *testing.T) {
	t.Parallel()
	const file = "ClientReference,InvoiceNumber,OutstandingAmount,Status,LastName\nC-1,,1,Active,x\nC-2,,1,Active,x\nC-3,,1,Active,x\nC-3,,1,Active,x\nC-1,,1,Active,x\n"
	var warnings []files.Warning
	r, err := files.NewAccountReader(strings.NewReader(file), files.ReadOptions{Unique: true, MaxTracked: 2, Warn: func(w files.Warning) { warnings = append(warnings, w) }})
	require.NoError(t, err)
	rows, errs := gather(r.All())
	assert.Len(t, rows, 4)
	assert.Len(t, errs, 1)
	assert.Len(t, warnings, 1)
}

// TestColumnTable keeps the table in the documentation as the columns are.
func TestColumnTable(t *testing.T) {
	t.Parallel()
	var b strings.Builder
	table := func(title string, columns []files.ColumnInfo) {
		fmt.Fprintf(&b, "//\n// %s:\n//\n", title)
		for _, c := range columns {
			var notes []string
			switch {
			case c.Required:
				notes = append(notes, "required")
			case c.Default:
				notes = append(notes, "by default")
			}
			if c.Inferred {
				notes = append(notes, "inferred")
			}
			fmt.Fprintf(&b, "%s\n", strings.TrimRight(fmt.Sprintf("//	%-31s %-31s %s", c.Name, c.Field, strings.Join(notes, ", ")), " "))
		}
	}
	table("Debtor Accounts", files.AccountColumns())
	table("Third Party Claim", files.ClaimColumns())
	doc, err := os.ReadFile("doc.go")
	require.NoError(t, err)
	const begin, end = "// # Column table\n", "//\n// # Encodings\n"
	before, rest, ok := strings.Cut(string(doc), begin)
	require.True(t, ok)
	now, after, ok := strings.Cut(rest, end)
	require.True(t, ok)
	if *update {
		require.NoError(t, os.WriteFile("doc.go", []byte(before+begin+b.String()+end+after), 0o600))
		return
	}
	assert.Equal(t, b.String(), now, "go test ./accounts/files -run TestColumnTable -update")
}
