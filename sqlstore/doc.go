// Package sqlstore keeps what a fleet of workers shares in the database that
// it has: the [ccr.Ledger] with its claims, tokens, and the vendor's request
// limit. It works over database/sql on PostgreSQL and SQLite; the driver is
// the caller's.
//
//	db, err := sql.Open("pgx", os.Getenv("DATABASE_URL"))
//	…
//	if err := sqlstore.Migrate(ctx, db, sqlstore.Postgres); err != nil { … }  // once, by a role that may create tables
//	ledger, err := sqlstore.NewLedger(ctx, db, sqlstore.Postgres)
//	…
//	received, err := bureau.Receive(ctx, sink, gateway.ReceiveOptions{Ledger: ledger})
//
// # Tables
//
// [Migrate] creates them, or brings older ones up to date, in one transaction;
// calling it again does nothing. [Dialect.WithPrefix] puts a prefix before
// their names, which is "ccr_" by default.
//
//	ccr_ledger   one row an entry: the fields of ccr.LedgerEntry; times as microseconds since 1970, attributes as JSON
//	ccr_token    one row a token: the sealed token, and the lease of who fetches a new one
//	ccr_limit    one row for each request that a window allows: when it was last used
//	ccr_schema   the version of these tables
//
// # Statements
//
// A Load is one SELECT by primary key, a Store one INSERT … ON CONFLICT DO
// NOTHING or one UPDATE … WHERE key = ? AND version = ?: a round trip each, no
// transaction of several statements, any isolation level. If the answer of a
// statement is lost (the connection broke, the server restarted, the context
// ended), the store loads the entry and tells by its version and token whether
// it was stored. Serialisation failures, deadlocks and a busy SQLite are tried
// again, for [RetryFor] at most.
//
// # SQLite
//
// SQLite serves the processes of one machine. Open it in WAL mode with a busy
// timeout: "file:ccr.db?_pragma=journal_mode(WAL)&_pragma=busy_timeout(5000)&_pragma=synchronous(FULL)&_txlock=immediate"
// for modernc.org/sqlite.
package sqlstore
