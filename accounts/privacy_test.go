package accounts_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"log/slog"
	"net/http"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/ccr-sdk/ccr"
	"github.com/ccr-sdk/ccr/accounts"
	"github.com/ccr-sdk/ccr/accounts/accountstest"
	"github.com/ccr-sdk/ccr/accounts/files"
)

const canary = "CANARY"

// planted is an account with the canary in every text it has.
func planted(t *testing.T) accounts.Account {
	t.Helper()
	a := everything(t)
	a.SendInstantMessages = nil
	var plant func(v reflect.Value)
	plant = func(v reflect.Value) {
		switch v.Kind() {
		case reflect.String:
			v.SetString(canary)
		case reflect.Pointer:
			if !v.IsNil() {
				plant(v.Elem())
			}
		case reflect.Struct:
			for i := range v.NumField() {
				if v.Type().Field(i).IsExported() {
					plant(v.Field(i))
				}
			}
		case reflect.Slice:
			for i := range v.Len() {
				plant(v.Index(i))
			}
		}
	}
	plant(reflect.ValueOf(&a).Elem())
	a.Extra, a.Debtor.Extra = accounts.Extra{"note": canary}, accounts.Extra{"note": canary}
	return a
}

// TestNoPersonalDataLeaves runs what can go wrong, with a vendor that quotes
// what it was sent, and looks for it in logs, errors, ledgers and receipts.
func TestNoPersonalDataLeaves(t *testing.T) {
	t.Parallel()
	srv := serve(t, accountstest.Config{})
	var out bytes.Buffer
	client := dial(t, srv, ccr.WithLogger(slog.New(slog.NewJSONHandler(&out, &slog.HandlerOptions{Level: slog.LevelDebug}))))
	see := func(name string, v any) {
		for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%q"} {
			fmt.Fprintf(&out, "%s "+verb+"\n", name, v)
		}
		raw, err := json.Marshal(v)
		require.NoError(t, err)
		out.Write(raw)
		slog.New(slog.NewTextHandler(&out, nil)).Error(name, "v", v)
	}
	quoting := accountstest.Fault{
		Operation: "UpsertAccounts", Kind: accountstest.Answer, Status: http.StatusBadRequest, Header: http.Header{"Content-Type": {"application/problem+json"}},
		Body: `{"title":"CANARY","detail":"CANARY is not a name","errors":{"accounts[0].debtor":["CANARY"],"CANARY DOE":["x"]}}`,
	}
	srv.Inject(quoting)
	_, err := client.UpsertAccounts(t.Context(), accounts.AccountBatch{ReferenceID: "r", Accounts: []accounts.Account{planted(t)}})
	require.ErrorIs(t, err, ccr.ErrInvalid)
	assert.Contains(t, err.Error(), "accounts[0].debtor", "the path helps")
	see("refused by the vendor", err)

	faulty := planted(t)
	faulty.ClientReferenceID = strings.Repeat(canary, 50)
	faulty.Status, faulty.DaysPastDue, faulty.Extra = "", -1, accounts.Extra{"x": func() {}}
	_, err = client.UpsertAccounts(t.Context(), accounts.AccountBatch{ReferenceID: "r", Accounts: []accounts.Account{faulty}})
	require.ErrorIs(t, err, ccr.ErrNotSent)
	see("refused before sending", err)

	path := filepath.Join(t.TempDir(), "ledger")
	ledger, err := ccr.OpenLedger(path)
	require.NoError(t, err)
	srv.Inject(quoting)
	job := client.SubmitAccounts(accounts.RowsOf(planted(t), faulty, planted(t)), accounts.SubmitOptions{Name: "n", MaxRows: 1, Concurrency: 1, Ledger: ledger, SkipInvalid: true, ContinueOnRejected: true})
	for r, err := range job.Batches(t.Context()) {
		see("receipt", r)
		if err != nil {
			see("of a job", err)
		}
		if r != nil {
			fmt.Fprintln(&out, client.BatchPoller(r).ResumeToken())
		}
	}
	see("summary", job.Summary())
	see("client", client)
	require.NoError(t, ledger.Close())
	written, err := os.ReadFile(path)
	require.NoError(t, err)
	require.NotEmpty(t, written)
	out.Write(written)

	in, err := files.NewAccountReader(strings.NewReader("ClientReference,DueDate\nC,CANARY\nCANARY\n\"CANARY"), files.ReadOptions{Optional: []string{"InvoiceNumber", "OutstandingAmount", "Status"}})
	require.NoError(t, err)
	for _, err := range in.All() {
		require.Error(t, err)
		fmt.Fprintln(&out, err)
	}
	for _, err := range files.ReadPaymentsSucceeded(strings.NewReader("invoice_number,amount\nIN,CANARY\n")) {
		require.Error(t, err)
		fmt.Fprintln(&out, err)
	}
	_, err = files.AttachmentNaming{}.Name("", "", "CANARY/../x")
	require.Error(t, err)
	fmt.Fprintln(&out, err)

	for line := range strings.SplitSeq(out.String(), "\n") {
		assert.NotContains(t, line, canary)
	}
	assert.NotContains(t, out.String(), srv.ClientSecret())
}
