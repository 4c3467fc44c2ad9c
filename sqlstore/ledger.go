package sqlstore

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"iter"
	"maps"
	"strings"
	"time"

	"github.com/ccr-sdk/ccr"
)

// Ledger is a [ccr.Ledger] in a table. It is safe for concurrent use, by any
// number of processes.
type Ledger struct {
	db *sql.DB
	d  Dialect

	load, insert, update, list string
}

const columns = "key, version, state, service, environment, name, size, sha256, at, attributes, owner, until, token"

// NewLedger returns the ledger in a database whose tables [Migrate] has made.
func NewLedger(ctx context.Context, db *sql.DB, d Dialect) (*Ledger, error) {
	if err := d.ready(ctx, db); err != nil {
		return nil, err
	}
	return &Ledger{
		db: db, d: d,
		load: d.sql(`SELECT ` + columns + ` FROM {ledger} WHERE key = ?`),
		insert: d.sql(`INSERT INTO {ledger} (` + columns + `) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
			ON CONFLICT (key) DO NOTHING`),
		update: d.sql(`UPDATE {ledger} SET version = ?, state = ?, service = ?, environment = ?, name = ?, size = ?, sha256 = ?, at = ?,
			attributes = ?, owner = ?, until = ?, token = ? WHERE key = ? AND version = ?`),
		list: `SELECT ` + columns + ` FROM {ledger} WHERE key >= ? AND key < ?`,
	}, nil
}

// Load implements [ccr.Ledger].
func (l *Ledger) Load(ctx context.Context, key string) (e ccr.LedgerEntry, err error) {
	err = retry(ctx, func() error {
		e, err = scan(l.db.QueryRowContext(ctx, l.load, key))
		return err
	})
	switch {
	case errors.Is(err, sql.ErrNoRows):
		return ccr.LedgerEntry{}, ccr.ErrNoEntry
	case err != nil:
		return ccr.LedgerEntry{}, fmt.Errorf("sqlstore: load: %w", err)
	}
	return e, nil
}

// Store implements [ccr.Ledger].
func (l *Ledger) Store(ctx context.Context, e ccr.LedgerEntry) error {
	if err := e.CheckKey(); err != nil {
		return err
	}
	values, err := valuesOf(e)
	if err != nil {
		return fmt.Errorf("sqlstore: store: %w", err)
	}
	doubt := false // an earlier statement may have been executed, or may yet be
	err = retry(ctx, func() error {
		done, err := l.exec(ctx, e, values)
		switch {
		case err != nil:
			doubt = doubt || !rolledBack(err)
			return err
		case done:
			return nil
		case doubt:
			return l.settle(ctx, e)
		}
		return ccr.ErrLedgerConflict
	})
	if doubt && err != nil && ctx.Err() != nil { // ask once more, for a short time
		ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), time.Second)
		defer cancel()
		if l.settle(ctx, e) == nil {
			return nil
		}
	}
	if err == nil || errors.Is(err, ccr.ErrLedgerConflict) {
		return err
	}
	return fmt.Errorf("sqlstore: store: %w", err)
}

// exec executes one statement; done is false if another version is stored.
func (l *Ledger) exec(ctx context.Context, e ccr.LedgerEntry, values []any) (done bool, err error) {
	var result sql.Result
	if e.Version == 0 {
		result, err = l.db.ExecContext(ctx, l.insert, append([]any{e.Key}, values...)...)
	} else {
		result, err = l.db.ExecContext(ctx, l.update, append(values, e.Key, e.Version)...)
	}
	if err != nil {
		return false, err
	}
	n, err := result.RowsAffected()
	return n == 1, err
}

// errDoubt: others have changed the entry since, so that nothing tells whether
// an earlier statement was executed.
var errDoubt = errors.New("the answer was lost, and others have changed the entry since: it is not known whether it was stored")

// settle finds out what became of a statement whose answer was lost: nil if it
// stored the entry, ErrLedgerConflict if another one stored that version.
func (l *Ledger) settle(ctx context.Context, e ccr.LedgerEntry) error {
	now, err := scan(l.db.QueryRowContext(ctx, l.load, e.Key))
	switch {
	case err != nil:
		return err
	case now.Version != e.Version+1:
		return errDoubt
	case now.Token == e.Token && now.State == e.State && now.Owner == e.Owner && now.Size == e.Size &&
		now.Until.Equal(micros(e.Until)) && maps.Equal(now.Attributes, e.Attributes):
		return nil
	}
	return ccr.ErrLedgerConflict
}

// valuesOf are the columns of the next version of an entry, the key apart.
func valuesOf(e ccr.LedgerEntry) ([]any, error) {
	attributes := []byte("{}")
	if len(e.Attributes) > 0 {
		var err error
		if attributes, err = json.Marshal(e.Attributes); err != nil {
			return nil, err
		}
	}
	return []any{
		e.Version + 1, e.State, e.Service, e.Environment, e.Name, e.Size, e.SHA256, toMicros(e.At),
		string(attributes), e.Owner, toMicros(e.Until), e.Token,
	}, nil
}

// toMicros is how a time is stored; the zero time is NULL.
func toMicros(t time.Time) sql.NullInt64 {
	return sql.NullInt64{Int64: t.UnixMicro(), Valid: !t.IsZero()}
}

func fromMicros(v sql.NullInt64) time.Time {
	if !v.Valid {
		return time.Time{}
	}
	return time.UnixMicro(v.Int64).UTC()
}

func micros(t time.Time) time.Time { return fromMicros(toMicros(t)) }

type row interface{ Scan(dest ...any) error }

func scan(r row) (e ccr.LedgerEntry, err error) {
	var at, until sql.NullInt64
	var attributes string
	err = r.Scan(&e.Key, &e.Version, &e.State, &e.Service, &e.Environment, &e.Name, &e.Size, &e.SHA256, &at, &attributes, &e.Owner, &until, &e.Token)
	if err != nil {
		return e, err
	}
	e.At, e.Until = fromMicros(at), fromMicros(until)
	if attributes != "{}" {
		err = json.Unmarshal([]byte(attributes), &e.Attributes)
	}
	return e, err
}

// listPage bounds what one statement of List returns, so that no connection is
// held while the caller works.
const listPage = 500

// List implements [ccr.LedgerLister], in the order of the keys.
func (l *Ledger) List(ctx context.Context, q ccr.LedgerQuery) iter.Seq2[ccr.LedgerEntry, error] {
	return func(yield func(ccr.LedgerEntry, error) bool) {
		from := q.KeyPrefix
		for {
			page, err := l.page(ctx, q, from)
			if err != nil {
				yield(ccr.LedgerEntry{}, fmt.Errorf("sqlstore: list: %w", err))
				return
			}
			for _, e := range page {
				if !yield(e, nil) {
					return
				}
			}
			if len(page) < listPage {
				return
			}
			from = page[len(page)-1].Key + "\x01" // the least key after it: keys begin at '-'
		}
	}
}

func (l *Ledger) page(ctx context.Context, q ccr.LedgerQuery, from string) (page []ccr.LedgerEntry, err error) {
	text, args := l.list, []any{from, q.KeyPrefix + "\x7f"} // keys end at 'z'
	add := func(condition string, value ...any) { text, args = text+" AND "+condition, append(args, value...) }
	if q.Service != "" {
		add("service = ?", q.Service)
	}
	if q.Environment != "" {
		add("environment = ?", q.Environment)
	}
	if len(q.States) > 0 {
		states := make([]any, len(q.States))
		for i, s := range q.States {
			states[i] = s
		}
		add("state IN (?"+strings.Repeat(", ?", len(states)-1)+")", states...)
	}
	if !q.Before.IsZero() {
		add("(at IS NULL OR at < ?)", q.Before.UnixMicro())
	}
	err = retry(ctx, func() error {
		page = page[:0]
		rows, err := l.db.QueryContext(ctx, l.d.sql(text+" ORDER BY key LIMIT ?"), append(args, listPage)...)
		if err != nil {
			return err
		}
		defer rows.Close()
		for rows.Next() {
			e, err := scan(rows)
			if err != nil {
				return err
			}
			page = append(page, e)
		}
		return rows.Err()
	})
	return page, err
}

// Prune forgets entries that are closed (sent, archived or refused), held by
// nobody, and whose last change is longer ago than age, and returns how many.
// What is forgotten can be sent and received again: choose an age beyond any
// repetition.
func (l *Ledger) Prune(ctx context.Context, age time.Duration) (int64, error) {
	result, err := l.db.ExecContext(ctx, l.d.sql(`DELETE FROM {ledger} WHERE owner = '' AND at < ? AND state IN (?, ?, ?)`),
		time.Now().Add(-age).UnixMicro(), ccr.StateSent, ccr.StateArchived, ccr.StateRefused)
	if err != nil {
		return 0, fmt.Errorf("sqlstore: prune: %w", err)
	}
	return result.RowsAffected()
}
