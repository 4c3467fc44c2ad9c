package sqlstore

import (
	"context"
	"crypto/cipher"
	"crypto/rand"
	"crypto/sha256"
	"database/sql"
	"encoding/base64"
	"encoding/hex"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/ccr-sdk/ccr/auth"
)

const (
	tokenLease   = 15 * time.Second // how long the lock of a worker that died holds
	tokenMaxHold = 5 * time.Minute  // a fetch takes two minutes at most
)

// TokenStore is an [auth.TokenStore] that a fleet shares: one token request
// serves all of it. Tokens are sealed by [auth.Token.Seal]; the table holds
// neither their text nor the name of the client. The lock is a lease by the
// database's clock that its holder renews: that of a killed worker ends after
// 15 s. It is safe for concurrent use.
type TokenStore struct {
	db    *sql.DB
	d     Dialect
	aead  cipher.AEAD
	lease time.Duration

	load, save, lock, renew, unlock string
}

var _ auth.TokenStore = (*TokenStore)(nil)

// NewTokenStore returns the store of tokens that are sealed with a. All
// workers have the same key for it, from where they have their other secrets;
// the database has not. With another key the tokens that are stored do not
// open, and are fetched again.
func NewTokenStore(ctx context.Context, db *sql.DB, d Dialect, a cipher.AEAD) (*TokenStore, error) {
	if a == nil {
		return nil, errors.New("sqlstore: a token store needs a cipher")
	}
	if err := d.ready(ctx, db); err != nil {
		return nil, err
	}
	return &TokenStore{
		db: db, d: d, aead: a, lease: tokenLease,
		load: d.sql(`SELECT sealed FROM {token} WHERE key = ?`),
		save: d.sql(`INSERT INTO {token} (key, sealed, owner, until) VALUES (?, ?, '', 0)
			ON CONFLICT (key) DO UPDATE SET sealed = excluded.sealed`),
		lock: d.sql(`INSERT INTO {token} AS t (key, sealed, owner, until) VALUES (?, '', ?, ` + d.now() + ` + ?)
			ON CONFLICT (key) DO UPDATE SET owner = excluded.owner, until = excluded.until
			WHERE t.owner IN ('', excluded.owner) OR t.until < ` + d.now()),
		renew:  d.sql(`UPDATE {token} SET until = ` + d.now() + ` + ? WHERE key = ? AND owner = ?`),
		unlock: d.sql(`UPDATE {token} SET owner = '' WHERE key = ? AND owner = ?`),
	}, nil
}

// rowOf is the key of a row.
func rowOf(key string) string {
	sum := sha256.Sum256([]byte(key))
	return hex.EncodeToString(sum[:])
}

// Load implements [auth.TokenStore].
func (s *TokenStore) Load(ctx context.Context, key string) (auth.Token, error) {
	var text string
	err := retry(ctx, func() error { return s.db.QueryRowContext(ctx, s.load, rowOf(key)).Scan(&text) })
	if errors.Is(err, sql.ErrNoRows) || err == nil && text == "" {
		return auth.Token{}, auth.ErrNoToken
	}
	if err != nil {
		return auth.Token{}, fmt.Errorf("sqlstore: load a token: %w", err)
	}
	sealed, err := base64.RawStdEncoding.DecodeString(text)
	if err != nil {
		return auth.Token{}, errors.New("sqlstore: load a token: not a sealed token")
	}
	return auth.OpenToken(s.aead, key, sealed)
}

// Save implements [auth.TokenStore].
func (s *TokenStore) Save(ctx context.Context, key string, t auth.Token) error {
	sealed, err := t.Seal(s.aead, key)
	if err != nil {
		return err
	}
	err = retry(ctx, func() error {
		_, err := s.db.ExecContext(ctx, s.save, rowOf(key), base64.RawStdEncoding.EncodeToString(sealed))
		return err
	})
	if err != nil {
		return fmt.Errorf("sqlstore: save a token: %w", err)
	}
	return nil
}

// Lock implements [auth.TokenStore].
func (s *TokenStore) Lock(ctx context.Context, key string) (unlock func(), err error) {
	row, owner := rowOf(key), rand.Text()
	for wait := 10 * time.Millisecond; ; wait = min(2*wait, 500*time.Millisecond) {
		var taken bool
		err := retry(ctx, func() (err error) {
			taken, err = s.changed(ctx, s.lock, row, owner, s.lease.Microseconds())
			return err
		})
		switch {
		case ctx.Err() != nil:
			s.release(row, owner) // its answer may have been lost
			return nil, context.Cause(ctx)
		case err != nil:
			return nil, fmt.Errorf("sqlstore: lock a token: %w", err)
		case taken:
			return s.hold(row, owner), nil
		}
		t := time.NewTimer(wait)
		select {
		case <-ctx.Done():
			t.Stop()
			return nil, context.Cause(ctx)
		case <-t.C:
		}
	}
}

func (s *TokenStore) changed(ctx context.Context, statement string, args ...any) (bool, error) {
	result, err := s.db.ExecContext(ctx, statement, args...)
	if err != nil {
		return false, err
	}
	n, err := result.RowsAffected()
	return n > 0, err
}

// hold renews the lease until unlock is called, or another worker has it.
func (s *TokenStore) hold(row, owner string) (unlock func()) {
	ctx, cancel := context.WithTimeout(context.Background(), tokenMaxHold)
	go func() {
		tick := time.NewTicker(s.lease / 3)
		defer tick.Stop()
		for {
			select {
			case <-ctx.Done():
				return
			case <-tick.C:
			}
			if mine, err := s.changed(ctx, s.renew, s.lease.Microseconds(), row, owner); err == nil && !mine {
				return
			}
		}
	}()
	return sync.OnceFunc(func() {
		cancel()
		s.release(row, owner)
	})
}

// release gives a lock back; where that fails it ends by itself.
func (s *TokenStore) release(row, owner string) {
	ctx, cancel := context.WithTimeout(context.Background(), 2*time.Second)
	defer cancel()
	retry(ctx, func() error { //nolint:errcheck // see above
		_, err := s.changed(ctx, s.unlock, row, owner)
		return err
	})
}
