package files_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"iter"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/ccr-sdk/ccr"
	"github.com/ccr-sdk/ccr/accounts"
	"github.com/ccr-sdk/ccr/accounts/files"
)

func gather[T any](seq iter.Seq2[T, error]) (rows []T, errs []error) {
	for row, err := range seq {
		if err != nil {
			errs = append(errs, err)
			continue
		}
		rows = append(rows, row)
	}
	return rows, errs
}

func values[T any](rows []accounts.Row[T]) (out []T) {
	for _, r := range rows {
		out = append(out, r.Value)
	}
	return out
}

func TestReadAccounts(t *testing.T) {
	t.Parallel()
	const file = "\ufeffclient_reference,Brand,Status,INVOICE NUMBER,Outstanding Amount,DueDate,LastName,MobileNumber,DaysPastDue,IssuedDate\r\n" +
		"C-1,\"Blue, \"\"Ltd\"\"\",Hold,IN-1,0.10,2026-02-03,O'Neil,+61 400 000 000,31,2026-03-04T05:06:07+10:00\r\n" +
		"C-2,,,,1234567.89,,\"line\r\nbreak\",,,\r\n"
	rows, errs := gather(readAccounts(strings.NewReader(file), files.ReadOptions{Headers: map[string]string{"ClientReference": "client_reference"}}))
	require.Empty(t, errs)
	require.Len(t, rows, 2)
	assert.Equal(t, "C-1", rows[0].Value.ClientReferenceID)
	assert.Equal(t, `Blue, "Ltd"`, rows[0].Value.Brand)
	assert.Equal(t, accounts.StatusHold, rows[0].Value.Status)
	assert.Equal(t, "0.10", rows[0].Value.OutstandingAmount.String())
	assert.Equal(t, "2026-02-03", rows[0].Value.DueDate.String())
	assert.Equal(t, "+61 400 000 000", rows[0].Value.Debtor.MobileNumber)
	assert.Equal(t, int32(31), rows[0].Value.DaysPastDue)
	assert.Equal(t, "2026-03-04T05:06:07+10:00", rows[0].Value.IssuedDate.String())
	assert.Equal(t, accounts.StatusActive, rows[1].Value.Status, "the file's documented default")
	assert.Empty(t, rows[1].Value.Brand)
	assert.Empty(t, rows[1].Value.InvoiceNumber)
	assert.True(t, rows[1].Value.DueDate.IsZero())
	assert.Equal(t, "line\nbreak", rows[1].Value.Debtor.LastName)
}

func TestReadAccountsWithTheClientsHeaders(t *testing.T) {
	t.Parallel()
	const file = "Konto;Betrag;Fällig;Kostenstelle;Ignored\nC-1;5;03.02.2026;AU-7;x\n"
	o := files.ReadOptions{
		Comma: ';', DateLayout: "02.01.2006",
		Headers: map[string]string{"ClientReference": "Konto", "OutstandingAmount": "Betrag", "DueDate": "Fällig", "Extra.costCentre": "Kostenstelle"},
	}
	_, errs := gather(readAccounts(strings.NewReader(file), o))
	require.Len(t, errs, 1)
	require.ErrorContains(t, errs[0], `column 5 "Ignored"`)
	o.IgnoreUnknown = true
	rows, errs := gather(readAccounts(strings.NewReader(file), o))
	require.Empty(t, errs)
	assert.Equal(t, "2026-02-03", rows[0].Value.DueDate.String())
	assert.Equal(t, "AU-7", rows[0].Value.Extra["costCentre"])
}

func TestReadAccountsFaults(t *testing.T) {
	t.Parallel()
	cases := map[string]struct {
		file string
		o    files.ReadOptions
		want string
		row  bool // a fault of the row: reading goes on
		rows int
	}{
		"empty":              {"", files.ReadOptions{}, "empty", false, 0},
		"only a header":      {"ClientReference\n", files.ReadOptions{}, "", false, 0},
		"no key column":      {"Brand\nB\n", files.ReadOptions{}, "column ClientReference is not in the file; map it with Headers", false, 0},
		"a column twice":     {"ClientReference,client reference\n", files.ReadOptions{}, "second", false, 0},
		"UTF-16":             {"\xff\xfeC\x00", files.ReadOptions{}, "has no known column", false, 0},
		"no such column":     {"ClientReference\n", files.ReadOptions{Headers: map[string]string{"Colour": "c"}}, "Colour", false, 0},
		"a bad amount":       {"ClientReference,OutstandingAmount\nC-1,secret\nC-2,5\n", files.ReadOptions{}, `account.outstandingAmount is not`, true, 1},
		"a bad date":         {"ClientReference,DueDate\nC-1,secret\nC-2,2026-01-01\n", files.ReadOptions{}, `account.dueDate is not`, true, 1},
		"a day that is none": {"ClientReference,DueDate\nC-1,2026-02-30\n", files.ReadOptions{}, `account.dueDate is not a date`, true, 0},
		"a 13th month":       {"ClientReference,DueDate\nC-1,2026-13-01\n", files.ReadOptions{}, `account.dueDate is not a date`, true, 0},
		"0 days past due":    {"ClientReference,DaysPastDue\nC-1,0\n", files.ReadOptions{}, `account.daysPastDue must not be 0`, true, 0},
		"a bad date-time":    {"ClientReference,IssuedDate\nC-1,secret\n", files.ReadOptions{}, `account.issuedDate is not`, true, 0},
		"a bad number":       {"ClientReference,DaysPastDue\nC-1,99999999999\n", files.ReadOptions{}, `account.daysPastDue is not`, true, 0},
		"a short row":        {"ClientReference,Brand\nsecret\nC-2,B\n", files.ReadOptions{}, "account has 1 fields, the header has 2: line 2", true, 1},
		"a long row":         {"ClientReference,Brand\nC-1,B,secret\n", files.ReadOptions{}, "account has 3 fields, the header has 2: line 2", true, 0},
		"an open quote":      {"ClientReference,Brand\nC-1,\"secret\nC-2,B\n", files.ReadOptions{}, "cannot be told apart", false, 0},
		"a quote in a cell":  {"ClientReference,Brand\nC-1,se\"cret\nC-2,B\n", files.ReadOptions{}, "cannot be told apart", false, 0},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			rows, errs := gather(readAccounts(strings.NewReader(c.file), c.o))
			assert.Len(t, rows, c.rows)
			if c.want == "" {
				require.Empty(t, errs)
				return
			}
			require.Len(t, errs, 1)
			require.ErrorContains(t, errs[0], c.want)
			assert.NotContains(t, errs[0].Error(), "secret")
			var e *ccr.Error
			require.ErrorAs(t, errs[0], &e)
			assert.Equal(t, ccr.OutcomeNotSent, e.Outcome)
			if c.row {
				require.ErrorIs(t, errs[0], ccr.ErrInvalid)
			}
		})
	}
}

func allColumns() (out []string) {
	for _, c := range files.AccountColumns() {
		out = append(out, c.Name)
	}
	return out
}

func TestAccountsRoundTrip(t *testing.T) {
	t.Parallel()
	var file bytes.Buffer
	w, err := files.NewAccountWriter(&file, files.WriteOptions{
		Columns: append(allColumns(), "Extra.costCentre"), Headers: map[string]string{"OutstandingAmount": "AmountDue", "Extra.costCentre": "Cost Centre"},
	})
	require.NoError(t, err)
	want := everything(t)
	require.NoError(t, w.Write(want))
	require.NoError(t, w.Close())
	assert.True(t, strings.HasPrefix(file.String(), "ClientReference,Brand,"))
	assert.Contains(t, file.String(), ",AmountDue,")
	rows, errs := gather(readAccounts(&file, files.ReadOptions{Headers: map[string]string{"OutstandingAmount": "AmountDue", "Extra.costCentre": "Cost Centre"}}))
	require.Empty(t, errs)
	require.Len(t, rows, 1)
	a, err := json.Marshal(want)
	require.NoError(t, err)
	b, err := json.Marshal(rows[0].Value)
	require.NoError(t, err)
	assert.Equal(t, string(a), string(b))
}

func TestGoldenFiles(t *testing.T) {
	t.Parallel()
	var file bytes.Buffer
	w, err := files.NewAccountWriter(&file, files.WriteOptions{})
	require.NoError(t, err)
	require.NoError(t, w.Write(accounts.Account{
		ClientReferenceID: "C-1", Status: accounts.StatusActive, OutstandingAmount: amount(t, "0.10"), DueDate: ccr.Date{Year: 2026, Month: 2, Day: 3},
		Debtor: accounts.Party{LastName: `=HYPERLINK("x")`, MobileNumber: "+61 (0)400-000-000"}, Brand: "a,b",
	}))
	require.NoError(t, w.Close())
	golden(t, "accounts.csv", bytes.ReplaceAll(bytes.TrimSuffix(file.Bytes(), []byte("\r\n")), []byte("\r\n"), []byte("\n")))

	file.Reset()
	cw, err := files.NewClaimWriter(&file, files.WriteOptions{})
	require.NoError(t, err)
	require.NoError(t, cw.Write(accounts.Claim{ClaimNumber: "N-1", Status: accounts.StatusActive, ThirdParty: accounts.Party{LastName: "Doe", DateOfBirth: ccr.Date{Year: 1990, Month: 1, Day: 2}}}))
	require.NoError(t, cw.Close())
	golden(t, "claims.csv", bytes.ReplaceAll(bytes.TrimSuffix(file.Bytes(), []byte("\r\n")), []byte("\r\n"), []byte("\n")))
	claims, errs := gather(readClaims(&file, files.ReadOptions{}))
	require.Empty(t, errs)
	assert.Equal(t, "Doe", claims[0].Value.ThirdParty.LastName)
	assert.Equal(t, 1990, claims[0].Value.ThirdParty.DateOfBirth.Year)
	assert.Zero(t, claims[0].Value.ClaimExcess)
}

func TestClaimsRoundTrip(t *testing.T) {
	t.Parallel()
	want := accounts.Claim{
		Brand: "B", Portfolio: "P", ClientReferenceID: "CL-1", ClaimNumber: "N-1", Status: accounts.StatusHold, StatusReason: "r",
		PaymentReferenceNumber: "PRN", BPayReference: "1", InitialRecoveryAmount: amount(t, "1"), RecoveryAmount: amount(t, "2.0"), RecoveredAmount: amount(t, "0"),
		CallbackNumber: "1", ClaimExcess: accounts.ClaimExcess{Amount: amount(t, "3")}, ThirdParty: accounts.Party{CompanyName: "C", Email: "e@example.com", MobileNumber: "1", PostalCode: "3000"},
	}
	var columns []string
	for _, c := range files.ClaimColumns() {
		columns = append(columns, c.Name)
	}
	var file bytes.Buffer
	w, err := files.NewClaimWriter(&file, files.WriteOptions{Columns: columns})
	require.NoError(t, err)
	require.NoError(t, w.Write(want))
	require.NoError(t, w.Close())
	got, errs := gather(readClaims(&file, files.ReadOptions{}))
	require.Empty(t, errs)
	assert.Equal(t, []accounts.Claim{want}, values(got))
}

func TestWriterRefuses(t *testing.T) {
	t.Parallel()
	open := func(t *testing.T, o files.WriteOptions) *files.Writer[accounts.Account] {
		w, err := files.NewAccountWriter(io.Discard, o)
		require.NoError(t, err)
		return w
	}
	t.Run("a field without a column", func(t *testing.T) {
		t.Parallel()
		a := everything(t)
		a.Debtor.Extra = accounts.Extra{"salutation": "Dr"}
		a.AdditionalInfo = []accounts.KeyValue{{Key: "k"}}
		a.SendInstantMessages, a.IdentityChallenges = []accounts.InstantMessage{{Channel: "SMS"}}, []accounts.IdentityChallenge{{Question: "q"}}
		err := open(t, files.WriteOptions{}).Write(a)
		got := paths(t, err)
		for _, p := range []string{"product", "customData1", "daysPastDue", "additionalInfo", "sendInstantMessages", "identityChallenges", "extra", "debtor.extra"} {
			assert.Contains(t, got, "rows[0]."+p)
		}
	})
	t.Run("a member of another object's Extra", func(t *testing.T) {
		t.Parallel()
		a := row(1)
		a.Extra, a.Debtor.Extra = accounts.Extra{"salutation": "x"}, accounts.Extra{"salutation": "Dr"}
		w := open(t, files.WriteOptions{Columns: []string{"ClientReference", "OutstandingAmount", "DueDate", "LastName", "Extra.salutation"}})
		assert.Equal(t, []string{"rows[0].debtor.extra"}, paths(t, w.Write(a)))
		a.Debtor.Extra = nil
		require.NoError(t, w.Write(a))
	})
	t.Run("a status without a column, unless it is the default", func(t *testing.T) {
		t.Parallel()
		w := open(t, files.WriteOptions{Columns: []string{"ClientReference", "OutstandingAmount", "DueDate", "FirstName", "LastName"}})
		a := row(1)
		require.NoError(t, w.Write(a))
		a.Status = accounts.StatusHold
		assert.Equal(t, []string{"rows[1].status"}, paths(t, w.Write(a)))
		a = row(1)
		a.Brand = "Active"
		assert.Equal(t, []string{"rows[1].brand"}, paths(t, w.Write(a)))
	})
	t.Run("an invalid row", func(t *testing.T) {
		t.Parallel()
		w := open(t, files.WriteOptions{})
		assert.Equal(t, []string{"rows[0].clientReferenceId", "rows[0].status", "rows[0].debtor"}, paths(t, w.Write(accounts.Account{})))
		require.NoError(t, w.Write(row(1)))
		assert.Equal(t, int64(1), w.Rows())
	})
	t.Run("options", func(t *testing.T) {
		t.Parallel()
		for want, o := range map[string]files.WriteOptions{
			"Rows":       {Mode: files.ActivePortfolio},
			"Columns":    {Mode: files.FullPortfolio, Columns: []string{"ClientReference"}},
			"Mode":       {Mode: "both"},
			"Columns[1]": {Columns: []string{"Brand", "Brand"}},
			"Columns[0]": {Columns: []string{"Colour"}},
			"Headers":    {Headers: map[string]string{"Colour": "c"}},
		} {
			_, err := files.NewAccountWriter(io.Discard, o)
			assert.Equal(t, []string{want}, paths(t, err))
		}
	})
	t.Run("a claim without a name", func(t *testing.T) {
		t.Parallel()
		w, err := files.NewClaimWriter(io.Discard, files.WriteOptions{})
		require.NoError(t, err)
		assert.Equal(t, []string{"rows[0].thirdParty"}, paths(t, w.Write(accounts.Claim{ClaimNumber: "N", Status: accounts.StatusActive})))
	})
	t.Run("a status other than Active", func(t *testing.T) {
		t.Parallel()
		a := row(1)
		a.Status = accounts.StatusClosed
		assert.Equal(t, []string{"rows[0].status"}, paths(t, open(t, files.WriteOptions{Mode: files.ActivePortfolio, Rows: 1}).Write(a)))
	})
	t.Run("a lone carriage return", func(t *testing.T) {
		t.Parallel()
		a := row(1)
		a.Brand = "a\rb"
		assert.Equal(t, []string{"rows[0].brand"}, paths(t, open(t, files.WriteOptions{}).Write(a)))
		a.Brand = "a\r\nb"
		require.NoError(t, open(t, files.WriteOptions{}).Write(a))
	})
	t.Run("a row too many", func(t *testing.T) {
		t.Parallel()
		w := open(t, files.WriteOptions{Mode: files.ActivePortfolio, Rows: 1})
		require.NoError(t, w.Write(row(1)))
		require.ErrorIs(t, w.Write(row(2)), files.ErrRowCount)
	})
	t.Run("to finish short", func(t *testing.T) {
		t.Parallel()
		w := open(t, files.WriteOptions{Mode: files.ActivePortfolio, Rows: 3})
		require.NoError(t, w.Write(row(1)))
		require.ErrorIs(t, w.Close(), files.ErrRowCount)
		require.Error(t, w.Write(row(2)))
	})
	t.Run("a full disk", func(t *testing.T) {
		t.Parallel()
		full := errors.New("disk full")
		w, err := files.NewAccountWriter(failingWriter{full}, files.WriteOptions{})
		require.NoError(t, err)
		for i := range 1000 {
			if err = w.Write(row(i)); err != nil {
				break
			}
		}
		require.ErrorIs(t, err, full)
		require.ErrorIs(t, w.Close(), full)
	})
}

type failingWriter struct{ err error }

func (f failingWriter) Write([]byte) (int, error) { return 0, f.err }

func TestWriteAccountsFile(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	path := filepath.Join(dir, "debtors.csv")
	require.NoError(t, os.WriteFile(path, []byte("yesterday's"), 0o600))
	o := files.WriteOptions{Mode: files.ActivePortfolio, Rows: 3}
	short := errors.New("the query broke off")
	sources := map[string]iter.Seq2[accounts.Row[accounts.Account], error]{
		"short": accounts.RowsOf(rows(2)...),
		"long":  accounts.RowsOf(rows(4)...),
		"broken": func(yield func(accounts.Row[accounts.Account], error) bool) {
			_ = yield(accounts.Row[accounts.Account]{Value: row(1)}, nil) && yield(accounts.Row[accounts.Account]{}, short)
		},
		"invalid": accounts.RowsOf(row(1), accounts.Account{}, row(3)),
	}
	for name, source := range sources {
		_, err := files.WriteAccounts(t.Context(), path, source, o)
		require.Error(t, err, name)
		b, err := os.ReadFile(path)
		require.NoError(t, err)
		assert.Equal(t, "yesterday's", string(b), name)
	}
	entries, err := os.ReadDir(dir)
	require.NoError(t, err)
	assert.Len(t, entries, 1, "no temporary file is left")

	file, err := files.WriteAccounts(t.Context(), path, accounts.RowsOf(rows(3)...), o)
	require.NoError(t, err)
	assert.Equal(t, "debtors.csv", file.Name())
	r, err := file.Open()
	require.NoError(t, err)
	defer r.Close()
	got, errs := gather(readAccounts(r, files.ReadOptions{}))
	require.Empty(t, errs)
	assert.Len(t, got, 3)
}

func TestFormulaGuard(t *testing.T) {
	t.Parallel()
	cases := map[string]bool{ // cell → guarded
		`=1+1`: true, `=cmd|' /C calc'!A0`: true, `@SUM(A1)`: true, `+A1`: true, `-A1`: true, "\tx": true, "\nx": true, "＝1": true, `'=1`: true, `''@x`: true, "-": true, "+": true,
		"": false, "x": false, "-5.00": false, "+61 400 000 000": false, "+61 (0)400-000-000": false, "'": false, "'x": false, "'+61": false, "O'Neil": false, "a=b": false,
	}
	for cell, guarded := range cases {
		var file bytes.Buffer
		w, err := files.NewAccountWriter(&file, files.WriteOptions{Columns: []string{"ClientReference", "LastName", "CompanyName", "Status"}})
		require.NoError(t, err)
		require.NoError(t, w.Write(accounts.Account{ClientReferenceID: "C", Status: accounts.StatusActive, Debtor: accounts.Party{LastName: cell, CompanyName: "x"}}))
		require.NoError(t, w.Close())
		assert.Equal(t, guarded, strings.Contains(strings.ReplaceAll(file.String(), "\r", ""), "'"+cell), "%q in %q", cell, file.String())
		got, errs := gather(readAccounts(&file, files.ReadOptions{}))
		require.Empty(t, errs)
		if cell == "" {
			assert.Empty(t, got[0].Value.Debtor.LastName)
			continue
		}
		assert.Equal(t, cell, got[0].Value.Debtor.LastName)
	}
}

// FuzzReadAccounts: no file breaks the reader; what it reads and the writer
// takes is read again as the same.
func FuzzReadAccounts(f *testing.F) {
	f.Add([]byte("ClientReference,Status,LastName,OutstandingAmount,DueDate\nC-1,Active,=x,0.10,2026-01-01\n"), false)
	f.Add([]byte("\xef\xbb\xbfClientReference\r\n\"a\"\"b\"\r\n"), true)
	f.Add([]byte("Claim Number,Third-Party DOB\nN,1990-01-02\nN\n"), true)
	f.Fuzz(func(t *testing.T, data []byte, ignore bool) {
		o := files.ReadOptions{IgnoreUnknown: ignore}
		for range readClaims(bytes.NewReader(data), o) {
		}
		rows, _ := gather(readAccounts(bytes.NewReader(data), o))
		var file bytes.Buffer
		w, err := files.NewAccountWriter(&file, files.WriteOptions{Columns: allColumns()})
		require.NoError(t, err)
		var written []accounts.Account
		for _, r := range rows {
			if w.Write(r.Value) == nil {
				written = append(written, r.Value)
			}
		}
		require.NoError(t, w.Close())
		again, errs := gather(readAccounts(&file, files.ReadOptions{}))
		require.Empty(t, errs)
		a, err := json.Marshal(written)
		require.NoError(t, err)
		b, err := json.Marshal(values(again))
		require.NoError(t, err)
		assert.Equal(t, string(a), string(b))
	})
}
