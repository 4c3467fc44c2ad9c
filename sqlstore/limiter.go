package sqlstore

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"time"

	"github.com/ccr-sdk/ccr"
)

// Limiter is a [ccr.Limiter] that a fleet shares: at most n requests start
// within any window, by all processes together. It goes by the database's
// clock. It is safe for concurrent use.
type Limiter struct {
	db     *sql.DB
	d      Dialect
	name   string
	window time.Duration

	oldest, take string
}

var _ ccr.Limiter = (*Limiter)(nil)

// NewLimiter returns the limiter with a name: one for each limit of a vendor's
// credential. All processes must give the same n and window.
//
// A request arrives at the vendor some time after it started, and not always
// the same: choose a window that is longer than the vendor's by the longest
// delay. For Credit Clear's 20 requests in 60 s, 20 in 62 s.
func NewLimiter(ctx context.Context, db *sql.DB, d Dialect, name string, n int, window time.Duration) (*Limiter, error) {
	if name == "" || n < 1 || window <= 0 {
		return nil, errors.New("sqlstore: a limiter needs a name, a number of requests and a window")
	}
	if err := d.ready(ctx, db); err != nil {
		return nil, err
	}
	for slot := range n {
		err := retry(ctx, func() error {
			_, err := db.ExecContext(ctx, d.sql(`INSERT INTO {limit} (name, slot, used) VALUES (?, ?, 0) ON CONFLICT (name, slot) DO NOTHING`), name, slot)
			return err
		})
		if err != nil {
			return nil, fmt.Errorf("sqlstore: limiter: %w", err)
		}
	}
	if _, err := db.ExecContext(ctx, d.sql(`DELETE FROM {limit} WHERE name = ? AND slot >= ?`), name, n); err != nil {
		return nil, fmt.Errorf("sqlstore: limiter: %w", err)
	}
	return &Limiter{
		db: db, d: d, name: name, window: window,
		oldest: d.sql(`SELECT slot, used, ` + d.now() + ` FROM {limit} WHERE name = ? ORDER BY used, slot LIMIT 1`),
		take:   d.sql(`UPDATE {limit} SET used = ` + d.now() + ` WHERE name = ? AND slot = ? AND used = ?`),
	}, nil
}

// Wait implements [ccr.Limiter]. Whoever finds no free slot waits for the
// oldest one; of several that wait for it one gets it. A wait that would
// outlast the deadline of ctx ends at once.
func (l *Limiter) Wait(ctx context.Context) error {
	for {
		slot, used, free, err := l.look(ctx)
		if err != nil {
			return fmt.Errorf("sqlstore: limiter: %w", err)
		}
		if free <= 0 {
			taken, err := l.taken(ctx, slot, used)
			if err != nil {
				return fmt.Errorf("sqlstore: limiter: %w", err)
			}
			if taken {
				return nil
			}
			continue
		}
		if deadline, ok := ctx.Deadline(); ok && time.Until(deadline) < free {
			return fmt.Errorf("sqlstore: the limit leaves no room for %v: %w", free.Round(time.Millisecond), context.DeadlineExceeded)
		}
		t := time.NewTimer(free)
		select {
		case <-ctx.Done():
			t.Stop()
			return context.Cause(ctx)
		case <-t.C:
		}
	}
}

// look returns the slot that was used longest ago, and the time until it is free.
func (l *Limiter) look(ctx context.Context) (slot, used int64, free time.Duration, err error) {
	var now int64
	err = retry(ctx, func() error {
		return l.db.QueryRowContext(ctx, l.oldest, l.name).Scan(&slot, &used, &now)
	})
	if errors.Is(err, sql.ErrNoRows) {
		err = errors.New("its rows were deleted")
	}
	return slot, used, l.window - time.Duration(now-used)*time.Microsecond, err
}

// taken tries to take a slot as it was seen. One whose answer was lost is
// left taken: it costs one request's turn, never one too many.
func (l *Limiter) taken(ctx context.Context, slot, used int64) (ok bool, err error) {
	err = retry(ctx, func() error {
		result, err := l.db.ExecContext(ctx, l.take, l.name, slot, used)
		if err != nil {
			return err
		}
		n, err := result.RowsAffected()
		ok = n == 1
		return err
	})
	return ok, err
}
