package accounts_test

import (
	"bytes"
	"encoding/json"
	"flag"
	"math/rand/v2"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/ccr-sdk/ccr"
	"github.com/ccr-sdk/ccr/accounts"
	"github.com/ccr-sdk/ccr/accounts/accountstest"
)

var update = flag.Bool("update", false, "rewrite the golden files")

func golden(t *testing.T, name string, got []byte) {
	t.Helper()
	path := filepath.Join("testdata", name)
	if *update {
		require.NoError(t, os.WriteFile(path, append(got, '\n'), 0o600))
	}
	want, err := os.ReadFile(path)
	require.NoError(t, err)
	assert.Equal(t, string(bytes.TrimRight(want, "\r\n")), string(got))
}

// everything is an account with every field set.
func everything(t testing.TB) accounts.Account {
	return accounts.Account{
		Brand: "Blue", Portfolio: "Power", Product: "Gas", Segment: "Home",
		ClientReferenceID: "C-1", Reference: "REF/1", CurrencyCode: "AUD",
		PaymentReconciliationReference: "PRR-1", BPayReference: "123456", InvoiceNumber: "IN12345",
		OutstandingAmount: amount(t, "1234567.89"), MinimumOfferAmount: amount(t, "0.1"),
		MaximumDiscountPercentage: amount(t, "12.50"), UpfrontAmount: amount(t, "0.10"),
		IssuedDate: ccr.NewDateTime(time.Date(2026, 3, 4, 5, 6, 7, 890_000_000, time.FixedZone("", 10*3600))),
		Status:     accounts.StatusActive,
		Debtor: accounts.Party{
			FirstName: "Zoë", LastName: `O'Neil "Z" <z>`, CompanyName: "Neil\u2028Pty", DateOfBirth: ccr.Date{Year: 1990, Month: 1, Day: 2},
			Email: "z@example.com", MobileNumber: "+61 400 000 000", PostalCode: "3000",
			Extra: accounts.Extra{"salutation": "Dr"},
		},
		AdditionalInfo: []accounts.KeyValue{{Key: "meter", Value: "M\\1"}, {Key: "empty"}},
		CallbackNumber: "1300 000 000",
		CustomData1:    "1", CustomData2: "2", CustomData3: "3", CustomData4: "4",
		DaysPastDue: 31, DueDate: ccr.Date{Year: 2026, Month: 2, Day: 3},
		SendInstantMessages: []accounts.InstantMessage{{Channel: "SMS", Extra: accounts.Extra{"template": 7}}},
		IdentityChallenges:  []accounts.IdentityChallenge{{Question: "Suburb?", Answer: "Carlton"}},
		Extra:               accounts.Extra{"costCentre": "AU-7", "score": json.Number("1.50"), "tags": []string{"a", "b"}},
	}
}

func TestGoldens(t *testing.T) {
	t.Parallel()
	srv := serve(t, accountstest.Config{})
	client := dial(t, srv)
	sent := func(operation string) []byte {
		all := srv.Requests(operation)
		require.NotEmpty(t, all)
		last := all[len(all)-1]
		assert.Equal(t, "application/json", last.Header.Get("Content-Type"))
		return last.Body
	}
	full := everything(t)
	full.Extra["customData5"] = "" // a field cannot say it
	_, err := client.UpsertAccounts(t.Context(), accounts.AccountBatch{
		ReferenceID: "2026-11-21/0001", Accounts: []accounts.Account{full}, Extra: accounts.Extra{"source": "crm"},
	})
	require.NoError(t, err)
	golden(t, "account_full.json", sent("UpsertAccounts"))

	_, err = client.UpsertAccounts(t.Context(), accounts.AccountBatch{ReferenceID: "2026-11-21/0002", Accounts: []accounts.Account{
		{ClientReferenceID: "C-2", Status: accounts.StatusClosed, Debtor: accounts.Party{CompanyName: "Neil Pty"}},
		{ClientReferenceID: "C-3", Status: accounts.StatusHold, Debtor: accounts.Party{Extra: accounts.Extra{"companyName": ""}}, OutstandingAmount: amount(t, "0"), AdditionalInfo: []accounts.KeyValue{}},
	}})
	require.NoError(t, err)
	golden(t, "account_minimal.json", sent("UpsertAccounts"))

	_, err = client.UpsertClaims(t.Context(), accounts.ClaimBatch{ReferenceID: "claims-1", Claims: []accounts.Claim{
		{
			Brand: "Blue", Portfolio: "Motor", ClientReferenceID: "CL-1", ClaimNumber: "N-1", Status: accounts.StatusActive,
			StatusReason: "new", PaymentReferenceNumber: "PRN-1", BPayReference: "123",
			InitialRecoveryAmount: amount(t, "500"), RecoveryAmount: amount(t, "450.00"), RecoveredAmount: amount(t, "0"),
			CallbackNumber: "1300 000 000", ClaimExcess: accounts.ClaimExcess{Amount: amount(t, "100.5")},
			ThirdParty: accounts.Party{FirstName: "Tom"},
		},
		{ClaimNumber: "N-2", Status: accounts.StatusHold},
	}})
	require.NoError(t, err)
	golden(t, "claims.json", sent("UpsertClaims"))

	_, err = client.ReportPayments(t.Context(), accounts.PaymentBatch{ReferenceID: "payments-1", Payments: []accounts.Payment{
		{ClientReferenceID: "C-1", Amount: amount(t, "0.10"), PaymentDate: ccr.Date{Year: 2026, Month: 11, Day: 20}, PaymentReference: "P-1"},
		{Extra: accounts.Extra{"method": "cash"}},
	}})
	require.NoError(t, err)
	golden(t, "payments.json", sent("ReportPayments"))
}

func TestMoneyIsExactAsWritten(t *testing.T) {
	t.Parallel()
	for _, s := range []string{"0", "0.1", "0.10", "0.00", "1234567.89", "99999999999999999999.99", "100"} {
		a := row(1)
		a.OutstandingAmount = amount(t, s)
		raw, err := json.Marshal(a)
		require.NoError(t, err)
		var m map[string]json.RawMessage
		require.NoError(t, json.Unmarshal(raw, &m))
		assert.Equal(t, s, string(m["outstandingAmount"]))
	}
}

func TestExtraWins(t *testing.T) {
	t.Parallel()
	a := accounts.Account{
		ClientReferenceID: "C-1", Status: accounts.StatusActive, Debtor: accounts.Party{LastName: "N"},
		Brand: "B", DaysPastDue: 3, OutstandingAmount: amount(t, "5.00"),
		Extra: accounts.Extra{
			"clientReferenceId": accounts.RenamedTo("clientReference"), // renames, keeps the value
			"brand":             nil,                                   // nulls
			"daysPastDue":       accounts.Omitted(),                    // leaves out
			"invoiceNumber":     "IN-1",                                // replaces
			"portfolio":         "P",                                   // sets a member whose field is not
			"segment":           accounts.RenamedTo("section"),         // a field without a value
			"owner":             map[string]any{"id": 1},               // adds
			"outstandingAmount": accounts.RenamedTo(`total "due"`),
		},
	}
	raw, err := json.Marshal(a)
	require.NoError(t, err)
	assert.Equal(t, `{"brand":null,"portfolio":"P","clientReference":"C-1","invoiceNumber":"IN-1","total \"due\"":5.00,"status":"Active","debtor":{"lastName":"N"},"owner":{"id":1}}`, string(raw))
}

func TestARenamedMemberReachesTheServer(t *testing.T) {
	t.Parallel()
	srv := serve(t, accountstest.Config{Names: map[string]string{"clientReferenceId": "clientReference", "batchReferenceId": "BatchReferenceId", "payments": "items"}})
	client := dial(t, srv)
	batch := accounts.AccountBatch{ReferenceID: "r", Accounts: rows(1)}
	_, err := client.UpsertAccounts(t.Context(), batch)
	require.ErrorIs(t, err, ccr.ErrInvalid, "this server wants other names")

	batch.Extra = accounts.Extra{"batchReferenceId": accounts.RenamedTo("BatchReferenceId")}
	batch.Accounts[0].Extra = accounts.Extra{"clientReferenceId": accounts.RenamedTo("clientReference")}
	_, err = client.UpsertAccounts(t.Context(), batch)
	require.NoError(t, err)
	_, ok := srv.Account("C-000001")
	assert.True(t, ok)

	_, err = client.ReportPayments(t.Context(), accounts.PaymentBatch{
		ReferenceID: "p", Payments: []accounts.Payment{{Amount: amount(t, "1")}},
		Extra: accounts.Extra{"payments": accounts.RenamedTo("items"), "batchReferenceId": accounts.RenamedTo("BatchReferenceId")},
	})
	require.NoError(t, err)
	assert.Len(t, srv.Payments(), 1)
}

func TestDecodeKeepsUnknownMembers(t *testing.T) {
	t.Parallel()
	raw, err := json.Marshal(everything(t))
	require.NoError(t, err)
	var back accounts.Account
	require.NoError(t, json.Unmarshal(raw, &back))
	again, err := json.Marshal(back)
	require.NoError(t, err)
	assert.Equal(t, string(raw), string(again))
	assert.Equal(t, json.Number("1.50"), back.Extra["score"])
	assert.Equal(t, "Dr", back.Debtor.Extra["salutation"])
}

// The types without their methods: what encoding/json makes of the fields.
type (
	plainAccount   accounts.Account
	plainParty     accounts.Party
	plainKeyValue  accounts.KeyValue
	plainMessage   accounts.InstantMessage
	plainChallenge accounts.IdentityChallenge
	plainClaim     accounts.Claim
	plainExcess    accounts.ClaimExcess
	plainPayment   accounts.Payment
)

// FuzzEncodeEqualsEncodingJSON fills every field of every request type at
// random and compares the hand-written encoder with reflection.
func FuzzEncodeEqualsEncodingJSON(f *testing.F) {
	f.Add(uint64(1), "plain")
	f.Add(uint64(2), "\x00\x1f\"\\/<>&\u2028\u2029\xff\xc3(é😀\u007f")
	f.Fuzz(func(t *testing.T, seed uint64, s string) {
		rng := rand.New(rand.NewPCG(seed, 0))
		same(t, rng, s, func(v accounts.Account) any { return plainAccount(v) })
		same(t, rng, s, func(v accounts.Party) any { return plainParty(v) })
		same(t, rng, s, func(v accounts.KeyValue) any { return plainKeyValue(v) })
		same(t, rng, s, func(v accounts.InstantMessage) any { return plainMessage(v) })
		same(t, rng, s, func(v accounts.IdentityChallenge) any { return plainChallenge(v) })
		same(t, rng, s, func(v accounts.Claim) any { return plainClaim(v) })
		same(t, rng, s, func(v accounts.ClaimExcess) any { return plainExcess(v) })
		same(t, rng, s, func(v accounts.Payment) any { return plainPayment(v) })
	})
}

func same[T any](t *testing.T, rng *rand.Rand, s string, plain func(T) any) {
	t.Helper()
	var v T
	fill(reflect.ValueOf(&v).Elem(), rng, s)
	ours, err := any(v).(json.Marshaler).MarshalJSON()
	require.NoError(t, err)
	want := string(reflected(t, plain(v)))
	for _, name := range []string{"invoiceNumber", "value"} { // required and nullable
		want = strings.ReplaceAll(want, `"`+name+`":""`, `"`+name+`":null`)
	}
	assert.Equal(t, want, string(ours))
}

func reflected(t *testing.T, v any) []byte {
	t.Helper()
	var b bytes.Buffer
	enc := json.NewEncoder(&b)
	enc.SetEscapeHTML(false)
	require.NoError(t, enc.Encode(v))
	return bytes.TrimSuffix(b.Bytes(), []byte("\n"))
}

func fill(v reflect.Value, rng *rand.Rand, s string) {
	switch p := v.Addr().Interface().(type) {
	case *ccr.Amount:
		if rng.IntN(3) > 0 {
			*p = ccr.AmountFromMinor(rng.Int64N(1e12)-5e11, rng.IntN(5))
		}
		return
	case *ccr.Date:
		if rng.IntN(3) > 0 {
			*p = ccr.DateOf(time.Unix(rng.Int64N(4e9), 0).UTC())
		}
		return
	case *ccr.DateTime:
		if rng.IntN(3) > 0 {
			*p = ccr.NewDateTime(time.Unix(rng.Int64N(4e9), rng.Int64N(1e9)).In(time.FixedZone("", (rng.IntN(27)-12)*3600)))
		}
		return
	case *accounts.Extra:
		return // has no counterpart in encoding/json; tests of its own
	}
	switch v.Kind() {
	case reflect.Pointer:
		if rng.IntN(2) == 0 {
			return
		}
		v.Set(reflect.New(v.Type().Elem()))
		fill(v.Elem(), rng, s)
	case reflect.String:
		from := rng.IntN(len(s) + 1)
		v.SetString(s[from : from+rng.IntN(len(s)-from+1)])
	case reflect.Int32:
		v.SetInt(int64(int32(rng.Uint32())))
	case reflect.Slice:
		if n := rng.IntN(4) - 1; n >= 0 {
			v.Set(reflect.MakeSlice(v.Type(), n, n))
			for i := range n {
				fill(v.Index(i), rng, s)
			}
		}
	case reflect.Struct:
		for i := range v.NumField() {
			fill(v.Field(i), rng, s)
		}
	default:
		panic("a field of a kind the test does not know: " + v.Type().String())
	}
}
