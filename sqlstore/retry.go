package sqlstore

import (
	"context"
	"database/sql"
	"errors"
	"math/rand/v2"
	"time"

	"github.com/ccr-sdk/ccr"
)

// RetryFor is how long a call goes on after failures of the database (a
// restart, a broken connection, a serialisation failure) before it returns
// the last one.
const RetryFor = 10 * time.Second

// retry calls f until it succeeds, or fails for a reason that time does not
// mend, or RetryFor is over.
func retry(ctx context.Context, f func() error) error {
	end := time.Now().Add(RetryFor)
	for wait := 5 * time.Millisecond; ; wait = min(2*wait, time.Second) {
		err := f()
		if err == nil || final(err) || ctx.Err() != nil || time.Until(end) < wait {
			return err
		}
		t := time.NewTimer(wait/2 + rand.N(wait))
		select {
		case <-ctx.Done():
			t.Stop()
			return errors.Join(err, context.Cause(ctx))
		case <-t.C:
		}
	}
}

// sqlState is implemented by the errors of pgx and lib/pq.
type sqlState interface{ SQLState() string }

// coded is implemented by the errors of modernc.org/sqlite.
type coded interface{ Code() int }

const (
	sqliteBusy   = 5
	sqliteLocked = 6
)

// final reports whether trying again cannot help.
func final(err error) bool {
	if errors.Is(err, sql.ErrNoRows) || errors.Is(err, ccr.ErrLedgerConflict) || errors.Is(err, errDoubt) || errors.Is(err, sql.ErrConnDone) {
		return true
	}
	if e, ok := errors.AsType[sqlStateError](err); ok {
		switch e.SQLState()[:2] {
		case "08", "40", "53", "55", "57", "58", "XX": // connection, rollback, resources, locks, shutdown, system
			return false
		}
		return true
	}
	if e, ok := errors.AsType[codedError](err); ok {
		return e.Code()&0xff != sqliteBusy && e.Code()&0xff != sqliteLocked
	}
	return false // of the network, mostly
}

type sqlStateError interface {
	error
	sqlState
}

type codedError interface {
	error
	coded
}

// rolledBack reports whether the database itself said that a statement had no
// effect.
func rolledBack(err error) bool {
	if e, ok := errors.AsType[sqlStateError](err); ok {
		class := e.SQLState()[:2]
		return class != "08" && class != "57" // a lost connection, an end in the middle of it
	}
	_, ok := errors.AsType[codedError](err)
	return ok
}
