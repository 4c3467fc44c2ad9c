package accounts_test

import (
	"bytes"
	"encoding/json"
	"log/slog"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/ccr-sdk/ccr"
	"github.com/ccr-sdk/ccr/accounts"
	"github.com/ccr-sdk/ccr/accounts/accountstest"
)

// The vendor's pages show these names and no others.
var shown = []string{"accounts", "debtor", "additionalInfo", "sendInstantMessages", "identityChallenges", "thirdPartyClaims", "claimExcess"}

func TestUnverifiedListsEveryOtherName(t *testing.T) {
	t.Parallel()
	listed := map[string]bool{}
	for _, u := range accounts.Unverified() {
		if member, ok := strings.CutPrefix(u.Claim, "the name of "); ok {
			_, name, _ := strings.Cut(member, ".")
			assert.NotContains(t, shown, name)
			listed[name] = true
		}
	}
	full := everything(t)
	full.Extra, full.Debtor.Extra, full.SendInstantMessages[0].Extra = nil, nil, nil
	raw, err := json.Marshal(accounts.AccountBatch{ReferenceID: "r", Accounts: []accounts.Account{full}})
	require.NoError(t, err)
	n := 0
	walk(t, raw, func(name string) {
		n++
		if !listed[name] {
			assert.Contains(t, shown, name, "neither shown by the vendor nor listed")
		}
	})
	assert.Greater(t, n, 40)
}

// walk visits every member name of a document.
func walk(t *testing.T, raw json.RawMessage, visit func(string)) {
	t.Helper()
	switch raw[0] {
	case '{':
		var m map[string]json.RawMessage
		require.NoError(t, json.Unmarshal(raw, &m))
		for name, v := range m {
			visit(name)
			walk(t, v, visit)
		}
	case '[':
		var l []json.RawMessage
		require.NoError(t, json.Unmarshal(raw, &l))
		for _, v := range l {
			walk(t, v, visit)
		}
	}
}

func TestInferredMembersAreLoggedOnce(t *testing.T) {
	t.Parallel()
	srv := serve(t, accountstest.Config{})
	var out bytes.Buffer
	client := dial(t, srv, ccr.WithLogger(slog.New(slog.NewTextHandler(&out, nil))))
	send := func(ref string, a accounts.Account) string {
		out.Reset()
		_, err := client.UpsertAccounts(t.Context(), accounts.AccountBatch{ReferenceID: ref, Accounts: []accounts.Account{a}})
		require.NoError(t, err)
		return out.String()
	}
	first := send("1", row(1))
	assert.Equal(t, 1, strings.Count(first, "\n"))
	for _, name := range []string{"account.clientReferenceId", "account.outstandingAmount", "party.lastName", "accountBatch.batchReferenceId"} {
		assert.Contains(t, first, name)
	}
	assert.NotContains(t, first, "account.debtor", "that name is shown by the vendor")
	assert.NotContains(t, first, "Debtor 1", "names only")
	assert.Empty(t, send("2", row(2)), "once")
	more := row(3)
	more.Brand = "B"
	assert.Contains(t, send("3", more), "members=[account.brand]")
}
