package accounts_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"maps"
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/ccr-sdk/ccr/accounts"
)

// The contract, written by hand from the vendor's pages and from what is
// inferred of them: every member of every object once. Client, test server and
// CSV columns share the member table; a slip in it shows here. -update never
// rewrites these.
const (
	contractAccount = `{"batchReferenceId":"r","accounts":[{
		"brand":"a","portfolio":"b","product":"c","segment":"d","clientReferenceId":"e","reference":"f","currencyCode":"AUD",
		"paymentReconciliationReference":"g","bPayReference":"h","invoiceNumber":"i",
		"outstandingAmount":1.10,"minimumOfferAmount":1,"maximumDiscountPercentage":5,"upfrontAmount":2,
		"issuedDate":"2026-03-04T05:06:07+10:00","status":"Active",
		"debtor":{"firstName":"j","lastName":"k","companyName":"l","dateOfBirth":"1990-01-02","email":"m","mobileNumber":"n","postalCode":"o"},
		"additionalInfo":[{"key":"p","value":"q"}],"callbackNumber":"r",
		"customData1":"1","customData2":"2","customData3":"3","customData4":"4","customData5":"5",
		"daysPastDue":31,"dueDate":"2026-02-03","sendInstantMessages":[{"channel":"SMS"}],"identityChallenges":[{"question":"s","answer":"t"}]}]}`
	contractPayment = `{"batchReferenceId":"r","payments":[
		{"clientReferenceId":"a","amount":1.10,"paymentDate":"2026-02-03","paymentReference":"b"}]}`
	contractClaim = `{"batchReferenceId":"r","thirdPartyClaims":[{
		"brand":"a","portfolio":"b","clientReferenceId":"c","claimNumber":"d","status":"Hold","statusReason":"e","paymentReferenceNumber":"f",
		"bPayReference":"g","initialRecoveryAmount":1,"recoveryAmount":2,"recoveredAmount":3,"callbackNumber":"h",
		"claimExcess":{"amount":4},"thirdParty":{"firstName":"i"}}]}`
)

func TestContract(t *testing.T) {
	t.Parallel()
	seen := map[string]bool{}
	contract(t, contractAccount, seen, func(id string, rows []accounts.Account) any {
		return accounts.AccountBatch{ReferenceID: id, Accounts: rows}
	})
	contract(t, contractPayment, seen, func(id string, rows []accounts.Payment) any {
		return accounts.PaymentBatch{ReferenceID: id, Payments: rows}
	})
	contract(t, contractClaim, seen, func(id string, rows []accounts.Claim) any {
		return accounts.ClaimBatch{ReferenceID: id, Claims: rows}
	})
	for _, u := range accounts.Unverified() {
		if member, ok := strings.CutPrefix(u.Claim, "the name of "); ok {
			_, name, _ := strings.Cut(member, ".")
			assert.True(t, seen[name], "%s is not in the documents above", member)
		}
	}
}

// contract reads the rows of a document: every member has a field, and what is
// sent is the document again, in its order.
func contract[T any](t *testing.T, document string, seen map[string]bool, batch func(id string, rows []T) any) {
	t.Helper()
	walk(t, json.RawMessage(document), func(name string) { seen[name] = true })
	var envelope map[string]json.RawMessage
	require.NoError(t, json.Unmarshal([]byte(document), &envelope))
	names := slices.Sorted(maps.Keys(envelope))
	names = slices.DeleteFunc(names, func(s string) bool { return s == "batchReferenceId" })
	require.Len(t, names, 1)
	var rows []T
	require.NoError(t, json.Unmarshal(envelope[names[0]], &rows))
	noExtra(t, reflect.ValueOf(rows), fmt.Sprintf("%T", rows))
	raw, err := json.Marshal(batch("r", rows))
	require.NoError(t, err)
	var want bytes.Buffer
	require.NoError(t, json.Compact(&want, []byte(document)))
	assert.Equal(t, want.String(), string(raw))
}

// noExtra looks for members that went to Extra for want of a field.
func noExtra(t *testing.T, v reflect.Value, at string) {
	t.Helper()
	switch v.Kind() {
	case reflect.Slice:
		for i := range v.Len() {
			noExtra(t, v.Index(i), fmt.Sprintf("%s[%d]", at, i))
		}
	case reflect.Map:
		assert.Zero(t, v.Len(), "%s: %v", at, v)
	case reflect.Struct:
		for i := range v.NumField() {
			if f := v.Type().Field(i); f.IsExported() {
				noExtra(t, v.Field(i), at+"."+f.Name)
			}
		}
	}
}
