package sqlstore_test

import (
	"crypto/aes"
	"crypto/cipher"
	"crypto/rand"
	"database/sql"
	"errors"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/ccr-sdk/ccr"
	"github.com/ccr-sdk/ccr/accounts"
	"github.com/ccr-sdk/ccr/accounts/accountstest"
	"github.com/ccr-sdk/ccr/auth"
	"github.com/ccr-sdk/ccr/ccrtest"
	"github.com/ccr-sdk/ccr/sqlstore"
)

// newAEAD is AES-GCM with a key of its own.
func newAEAD(t testing.TB) cipher.AEAD {
	t.Helper()
	key := make([]byte, 32)
	rand.Read(key)
	block, err := aes.NewCipher(key)
	require.NoError(t, err)
	a, err := cipher.NewGCM(block)
	require.NoError(t, err)
	return a
}

func newTokenStore(t testing.TB, db *sql.DB, d sqlstore.Dialect, a cipher.AEAD) *sqlstore.TokenStore {
	t.Helper()
	s, err := sqlstore.NewTokenStore(t.Context(), db, d, a)
	require.NoError(t, err)
	return s
}

func TestTokenStoreHoldsWhatIsAsked(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, d sqlstore.Dialect, open func() *sql.DB) {
		require.NoError(t, sqlstore.Migrate(t.Context(), open(), d))
		a := newAEAD(t)
		const lease = 3 * time.Second
		store := newTokenStore(t, open(), d, a)
		require.NoError(t, ccrtest.TestTokenStore(t.Context(), ccrtest.TokenStoreUnderTest{
			Store: store, Another: newTokenStore(t, open(), d, a), LockFor: lease,
			Kill: func() (auth.TokenStore, func(), error) {
				db := open()
				dying := newTokenStore(t, db, d, a)
				dying.SetLease(lease)
				return dying, func() { db.Close() }, nil //nolint:errcheck // killed
			},
		}))
		_, err := sqlstore.NewTokenStore(t.Context(), open(), d, nil)
		require.ErrorContains(t, err, "cipher")
	})
}

// The table shows neither a token nor whose it is, and a token moved to
// another row, or sealed with another key, does not open.
func TestTokensAreSealed(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, d sqlstore.Dialect, open func() *sql.DB) {
		db := open()
		require.NoError(t, sqlstore.Migrate(t.Context(), db, d))
		store := newTokenStore(t, db, d, newAEAD(t))
		const secret = "not-a-real-token"
		require.NoError(t, store.Save(t.Context(), "client-a", auth.Token{Access: ccr.NewSecret(secret)}))
		require.NoError(t, store.Save(t.Context(), "client-b", auth.Token{Access: ccr.NewSecret(secret + "2")}))
		rows, err := db.QueryContext(t.Context(), `SELECT key, sealed FROM ccr_token`)
		require.NoError(t, err)
		defer rows.Close()
		for rows.Next() {
			var key, sealed string
			require.NoError(t, rows.Scan(&key, &sealed))
			assert.NotContains(t, key+sealed, "client")
			assert.NotContains(t, sealed, secret)
		}
		require.NoError(t, rows.Err())

		_, err = newTokenStore(t, open(), d, newAEAD(t)).Load(t.Context(), "client-a")
		require.ErrorContains(t, err, "another key")
		require.NotErrorIs(t, err, auth.ErrNoToken)
		_, err = db.ExecContext(t.Context(), `UPDATE ccr_token SET sealed = (SELECT MAX(sealed) FROM ccr_token)`)
		require.NoError(t, err)
		_, errA := store.Load(t.Context(), "client-a")
		_, errB := store.Load(t.Context(), "client-b")
		assert.True(t, (errA == nil) != (errB == nil), "one token opens under its own key alone: %v, %v", errA, errB)
	})
}

// Eight workers that start together make one token request.
func TestOneTokenForTheFleet(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, d sqlstore.Dialect, open func() *sql.DB) {
		require.NoError(t, sqlstore.Migrate(t.Context(), open(), d))
		vendor, err := accountstest.NewServer(accountstest.Config{})
		require.NoError(t, err)
		t.Cleanup(vendor.Close)
		a := newAEAD(t)
		work := make([]func() error, 8)
		for i := range work {
			credential, err := auth.NewClientCredentials(auth.ClientCredentialsConfig{
				TokenURL: vendor.TokenURL(), ClientID: vendor.ClientID(), ClientSecret: ccr.NewSecret(vendor.ClientSecret()),
				Audience: vendor.Audience(), Encoding: auth.EncodingJSON, Store: newTokenStore(t, open(), d, a),
			})
			require.NoError(t, err)
			client, err := accounts.NewClient(credential, vendor.Options()...)
			require.NoError(t, err)
			work[i] = func() error {
				_, err := client.UpsertAccounts(t.Context(), accounts.AccountBatch{
					ReferenceID: "fleet-" + string(rune('a'+i)),
					Accounts: []accounts.Account{{
						ClientReferenceID: "A-1", OutstandingAmount: ccr.AmountFromMinor(1000, 2), Status: accounts.StatusActive,
						Debtor: accounts.Party{LastName: "Debtor"},
					}},
				})
				return err
			}
		}
		require.NoError(t, errors.Join(parallel(work...)...))
		assert.Equal(t, 1, vendor.TokensIssued())
		assert.Len(t, vendor.Batches(), len(work))
	})
}
