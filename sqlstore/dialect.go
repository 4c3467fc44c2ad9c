package sqlstore

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"regexp"
	"strings"
)

// Dialect is the database's SQL, and the prefix of the tables' names.
type Dialect struct {
	postgres bool
	prefix   string
}

// The databases.
var (
	Postgres = Dialect{postgres: true, prefix: "ccr_"}
	SQLite   = Dialect{prefix: "ccr_"}
)

var validPrefix = regexp.MustCompile(`^[a-z][a-z0-9_]{0,30}$`)

// WithPrefix returns the dialect with another prefix of the tables' names:
// a lower-case letter, then letters, digits and underscores, 31 at most.
func (d Dialect) WithPrefix(prefix string) Dialect {
	d.prefix = prefix
	return d
}

func (d Dialect) check() error {
	if !validPrefix.MatchString(d.prefix) {
		return errors.New("sqlstore: the prefix of tables must be a lower-case letter, then up to 30 letters, digits and underscores")
	}
	return nil
}

// sql writes a statement for the database: {x} is the table x, ? a parameter.
func (d Dialect) sql(text string) string {
	text = strings.NewReplacer("{", d.prefix, "}", "").Replace(text)
	if !d.postgres {
		return text
	}
	var b strings.Builder
	n := 0
	for _, r := range text {
		if r == '?' {
			n++
			fmt.Fprintf(&b, "$%d", n)
			continue
		}
		b.WriteRune(r)
	}
	return b.String()
}

// now is the database's clock in microseconds since 1970, as SQL.
func (d Dialect) now() string {
	if d.postgres {
		return "(EXTRACT(EPOCH FROM clock_timestamp()) * 1000000)::bigint"
	}
	return "CAST(unixepoch('now', 'subsec') * 1000000 AS INTEGER)"
}

// migrations are the steps from one version of the schema to the next. Their
// texts are fixed once released.
var migrations = [][]string{{
	`CREATE TABLE {ledger} (
		key TEXT {c}NOT NULL PRIMARY KEY, version BIGINT NOT NULL, state TEXT NOT NULL,
		service TEXT NOT NULL, environment TEXT NOT NULL, name TEXT NOT NULL, size BIGINT NOT NULL, sha256 TEXT NOT NULL,
		at BIGINT, attributes TEXT NOT NULL, owner TEXT NOT NULL, until BIGINT, token TEXT NOT NULL)`,
	`CREATE INDEX {ledger_state} ON {ledger} (state, at)`,
	`CREATE TABLE {token} (
		key TEXT NOT NULL PRIMARY KEY, sealed TEXT NOT NULL, owner TEXT NOT NULL, until BIGINT NOT NULL)`,
	`CREATE TABLE {limit} (
		name TEXT NOT NULL, slot BIGINT NOT NULL, used BIGINT NOT NULL, PRIMARY KEY (name, slot))`,
}}

// Migrate creates the tables, or brings older ones up to date. It may be
// called by every worker at its start, and needs the right to create tables
// only when there is something to do.
func Migrate(ctx context.Context, db *sql.DB, d Dialect) error {
	if err := d.check(); err != nil {
		return err
	}
	if version, err := d.version(ctx, db); err == nil && version == len(migrations) {
		return nil
	}
	tx, err := db.BeginTx(ctx, nil)
	if err != nil {
		return fmt.Errorf("sqlstore: migrate: %w", err)
	}
	defer tx.Rollback() //nolint:errcheck // after a commit it does nothing
	if err := d.migrate(ctx, tx); err != nil {
		return fmt.Errorf("sqlstore: migrate: %w", err)
	}
	if err := tx.Commit(); err != nil {
		return fmt.Errorf("sqlstore: migrate: %w", err)
	}
	return nil
}

func (d Dialect) migrate(ctx context.Context, tx *sql.Tx) error {
	if d.postgres { // one worker at a time; SQLite has one writer anyway
		if _, err := tx.ExecContext(ctx, d.sql(`SELECT pg_advisory_xact_lock(hashtext(?))`), d.prefix+"schema"); err != nil {
			return err
		}
	}
	if _, err := tx.ExecContext(ctx, d.sql(`CREATE TABLE IF NOT EXISTS {schema} (version BIGINT NOT NULL)`)); err != nil {
		return err
	}
	version, err := d.version(ctx, tx)
	if err != nil {
		return err
	}
	collation := ""
	if d.postgres { // keys are compared byte by byte
		collation = `COLLATE "C" `
	}
	for ; version < len(migrations); version++ {
		for _, text := range migrations[version] {
			text = strings.ReplaceAll(text, "{c}", collation)
			if _, err := tx.ExecContext(ctx, d.sql(text)); err != nil {
				return err
			}
		}
		if _, err := tx.ExecContext(ctx, d.sql(`INSERT INTO {schema} (version) VALUES (?)`), version+1); err != nil {
			return err
		}
	}
	if version > len(migrations) {
		return errTooNew
	}
	return nil
}

var errTooNew = errors.New("the tables are of a newer version of this package")

type queryer interface {
	QueryRowContext(ctx context.Context, query string, args ...any) *sql.Row
}

func (d Dialect) version(ctx context.Context, q queryer) (int, error) {
	var version int
	err := q.QueryRowContext(ctx, d.sql(`SELECT COALESCE(MAX(version), 0) FROM {schema}`)).Scan(&version)
	return version, err
}

// ready checks that the tables are there.
func (d Dialect) ready(ctx context.Context, db *sql.DB) error {
	if err := d.check(); err != nil {
		return err
	}
	switch version, err := d.version(ctx, db); {
	case err != nil:
		return fmt.Errorf("sqlstore: the tables cannot be read; call Migrate once: %w", err)
	case version < len(migrations):
		return errors.New("sqlstore: the tables are of an older version; call Migrate")
	case version > len(migrations):
		return fmt.Errorf("sqlstore: %w", errTooNew)
	}
	return nil
}
